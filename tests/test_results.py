"""The tables: the observation equation, sums over time and place, and what is compared."""

from __future__ import annotations

import re
import weakref
from datetime import UTC, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from conftest import passed_at

from flowsim.data.sources import observations
from flowsim.errors import ScenarioError
from flowsim.experiments.simulate import simulate
from flowsim.model.flow_model import FlowModel
from flowsim.model.queue import NOBODY
from flowsim.model.states import NEVER, Status
from flowsim.model.world import World
from flowsim.results.observation import FLOWS, LEVELS, Observed
from flowsim.results.tables import (
    Selection,
    comparison_table,
    daily_table,
    daily_waits,
    hourly_table,
    outcomes_table,
)
from flowsim.scenario import load, resolved_yaml
from flowsim.scenario.clock import DAY, HOUR
from flowsim.scenario.timetable import WARM_UP

LIVELY = {"choice.constant.georgia": -3.6, "choice.constant.kazakhstan": -3.4}


@pytest.fixture(scope="module")
def observed() -> Observed:
    """A lively world, a thousandth of the men."""
    model = FlowModel(World(load("september-2022", LIVELY)), sample=0.001)
    for _ in range(model.world.clock.n_hours):
        model.step()
    return Observed(model)


@pytest.fixture(scope="module")
def daily(observed: Observed) -> pd.DataFrame:
    return daily_table(observed, 3)


@pytest.fixture(scope="module")
def hourly(observed: Observed) -> pd.DataFrame:
    return hourly_table(observed, 3)


def test_what_a_replication_counted_goes_at_once_and_not_when_memory_is_searched(
    observed: Observed,
) -> None:
    again = Observed(observed.model)
    daily_table(again, 0)
    held = weakref.ref(again)
    del again
    assert held() is None


def series(table: pd.DataFrame, kind: str, place: str, measure: str) -> np.ndarray:
    rows = table[
        (table.place_kind == kind) & (table.place_id == place) & (table.measure == measure)
    ]
    return rows.value.to_numpy()


def code_of(observed: Observed, name: str) -> str:
    return observed.model.assumptions.destinations[name].code


@pytest.mark.parametrize(
    "only",
    (
        Selection(),
        Selection(measures=frozenset({"entries", "wait_hours_p90", "educated_share"})),
        Selection(places=frozenset({"GE", "RU-MOW", "GE-LARS", "KZ-WEST"})),
        Selection(frozenset({"departures", "stock_persons"}), kinds=frozenset({"destination"})),
        Selection(frozenset({"queue_cars"}), frozenset({"RU"})),
    ),
)
def test_a_selection_is_the_same_rows_of_the_whole_table(observed, daily, only):
    """To the bit and in the same order; a selection of nothing is an empty table."""
    found = daily_table(Observed(observed.model), 3, only)
    wanted = [
        only.wants(*row)
        for row in daily[["place_kind", "place_id", "measure"]].itertuples(index=False)
    ]
    expected = daily[wanted].reset_index(drop=True)
    for column in daily.columns:
        assert found[column].astype(object).equals(expected[column].astype(object))
    assert len(found) == sum(wanted)


def test_what_is_not_selected_is_not_worked_out(observed):
    seen = Observed(observed.model)
    daily_table(seen, 0, Selection(frozenset({"departures", "called_up"})))
    assert "units" not in vars(seen)
    with pytest.raises(KeyError):
        seen.flows["departures"]


def test_a_man_who_wants_two_countries_in_vain_is_one_involuntary_stayer():
    """Both countries closed to men from the first day: everybody who wants to go must stay."""
    shut = {"kind": "border-closed", "at": ["all"], "for": "men", "from": "2022-09-17"}
    closed = load("september-2022", {**LIVELY, "policies.shut": shut, "sample": 0.001})
    model = simulate(closed)
    daily = daily_table(Observed(model), 0)
    men = model.population
    wish = (passed_at(model) < NEVER) & (men.enlisted_at == NEVER)[:, None]
    weight = men.weight_of(np.arange(len(men)))
    assert wish.all(axis=1).any()
    assert len(model.trips) == 0
    nation = series(daily, "nation", "RU", "involuntary_stayers")
    assert nation[-1] == pytest.approx(weight[wish.any(axis=1)].sum())
    for j, country in enumerate(model.assumptions.destinations.values()):
        here = series(daily, "destination", country.code, "involuntary_stayers")
        assert here[-1] == pytest.approx(weight[wish[:, j]].sum())
        assert here[-1] < nation[-1]


def test_columns_are_those_of_the_interfaces(observed, daily, hourly):
    common = ["scenario", "replication", "place_kind", "place_id", "measure", "value"]
    assert sorted(daily.columns) == sorted([*common, "date"])
    assert sorted(hourly.columns) == sorted([*common, "time"])
    outcomes = outcomes_table(observed.model, 3)
    assert {
        "scenario",
        "replication",
        "region",
        "age",
        "educated",
        "passport",
        "liable",
        "status",
        "men",
        "men_simulated",
    } <= set(outcomes.columns)
    assert set(daily.replication) == set(hourly.replication) == set(outcomes.replication) == {3}
    assert set(daily.place_kind) == {"nation", "region", "destination", "crossing", "group"}
    assert set(hourly.place_kind) == {"crossing"}


def test_each_figure_stands_in_the_tables_once(daily, hourly):
    assert not daily.duplicated(["date", "place_kind", "place_id", "measure"]).any()
    assert not hourly.duplicated(["time", "place_id", "measure"]).any()


def test_tables_cover_the_horizon(observed, daily, hourly):
    clock = observed.world.clock
    assert daily.date.min() == clock.start
    assert daily.date.max() == clock.end - timedelta(days=1)
    assert hourly.time.nunique() == clock.n_hours


def test_entries_are_men_with_companions_and_ordinary_travellers(observed):
    """entries = men * (1 + companions) + families + background, crossing by crossing."""
    model, units = observed.model, observed.units
    trips, companions = model.trips, model.assumptions.observation.companions.value
    n = len(model.crossings)
    cleared = units.cleared & (units.gone < observed.world.clock.n_hours * HOUR)
    ordinary = cleared & (units.trip == NOBODY)
    background = np.bincount(units.crossing[ordinary], units.persons[ordinary], minlength=n)
    came = trips["end"] >= Status.ABROAD
    men = np.bincount(trips["crossing"][came], trips["weight"][came], minlength=n)
    assert men.sum() > 0
    assert observed.flows["entries"].sum(axis=0) == pytest.approx(
        men * (1 + companions) + observed.families[0].sum(axis=0) + background
    )
    share = model.assumptions.observation.background_men_share.value
    assert observed.flows["entries_men"].sum(axis=0) == pytest.approx(men + share * background)


def test_countries_are_the_sums_of_their_crossings(observed, daily):
    for name, country in observed.model.assumptions.destinations.items():
        crossings = [
            c.crossing_id for c in observed.model.crossings if c.parameters.destination == name
        ]
        for measure in FLOWS:
            total = series(daily, "destination", country.code, measure).sum()
            parts = [
                observed.flows[measure][:, c.column]
                for c in observed.model.crossings
                if c.crossing_id in crossings
            ]
            first = WARM_UP - (country.utc_offset_h - 3)
            expected = sum(
                part[first : first + observed.world.clock.n_hours].sum() for part in parts
            )
            assert total == pytest.approx(expected, abs=1e-3)


def test_groups_are_the_sums_of_their_crossings(observed, daily):
    groups = {c.parameters.group for c in observed.model.crossings} - {None}
    assert groups == {"KZ-WEST", "KZ-NORTH", "KZ-PAVLODAR"}
    for group in groups:
        members = [c.crossing_id for c in observed.model.crossings if c.parameters.group == group]
        for measure in (*FLOWS, *LEVELS):
            parts = sum(series(daily, "crossing", member, measure) for member in members)
            assert series(daily, "group", group, measure) == pytest.approx(parts, abs=1e-4)


def test_regions_add_up_to_the_nation(observed, daily):
    for measure in ("departures", "called_up", "enlisted"):
        regions = daily[(daily.place_kind == "region") & (daily.measure == measure)]
        total = regions.groupby("date").value.sum().to_numpy()
        assert series(daily, "nation", "RU", measure) == pytest.approx(total, abs=1e-3)
        assert regions.place_id.nunique() == 83


def test_departures_are_the_men_who_set_off(observed, daily):
    outcomes = outcomes_table(observed.model, 0)
    left = outcomes[outcomes.destination != ""].men.sum()
    assert series(daily, "nation", "RU", "departures").sum() == pytest.approx(left, abs=0.01)
    by_country = sum(
        series(daily, "destination", code_of(observed, name), "departures").sum()
        for name in observed.world.destinations
    )
    assert by_country == pytest.approx(left, abs=0.01)


def test_a_day_is_the_local_day_of_the_place(observed, daily, hourly):
    """Kazakh days begin at 21:00 or 22:00 in Moscow, Georgian ones at 23:00."""
    moved = []
    for crossing in (observed.model.crossings[0], observed.model.crossings[1]):
        ahead = crossing.parameters.utc_offset_h - 3
        hours = series(hourly, "crossing", crossing.crossing_id, "entries")
        days = series(daily, "crossing", crossing.crossing_id, "entries")
        shifted = hours[24 - ahead : -ahead].reshape(-1, 24).sum(axis=1)
        assert ahead > 0
        assert days[1:] == pytest.approx(shifted, abs=1e-3)
        in_moscow = hours[24:].reshape(-1, 24).sum(axis=1)
        moved.append(days[1:] != pytest.approx(in_moscow, abs=1e-3))
    assert any(moved)


def test_daily_queues_are_those_of_nine_in_the_morning(hourly, daily):
    for measure in LEVELS:
        hours = series(hourly, "crossing", "GE-LARS", measure)
        assert np.array_equal(series(daily, "crossing", "GE-LARS", measure), hours[9::24])
    assert series(daily, "crossing", "GE-LARS", "queue_persons").max() > 1000


def test_cars_are_the_persons_who_do_not_walk(observed):
    model = observed.model
    per_car = model.assumptions.observation.persons_per_car.value
    walkers = observed.levels["queue_on_foot"][:-1]
    persons, cars = observed.levels["queue_persons"][:-1], observed.levels["queue_cars"][:-1]
    road = [c.column for c in model.crossings if c.parameters.kind == "road"]
    assert cars[:, road] == pytest.approx(
        np.maximum(0, persons - walkers)[:, road] / per_car, abs=1e-5
    )
    other = [c.column for c in model.crossings if c.parameters.kind != "road"]
    assert not cars[:, other].any()
    assert walkers.max() > 0


def test_waits_are_from_arrival_to_the_head_of_the_queue(observed, hourly):
    units = observed.units
    waits = series(hourly, "crossing", "GE-LARS", "wait_hours")
    hour = int(np.nanargmax(waits))
    here = (units.crossing == 0) & (units.start >= hour * HOUR) & (units.start < (hour + 1) * HOUR)
    wait = (units.start[here] - units.arrival[here]) / HOUR
    expected = np.average(wait, weights=units.persons[here])
    assert expected > 1
    assert waits[hour] == pytest.approx(expected, abs=1e-5)


def test_a_tenth_of_those_who_reach_the_head_waited_longer_than_the_p90(observed):
    units, day = observed.units, 9
    here = (units.crossing == 0) & (np.floor((units.start + HOUR) / DAY) == day)
    wait = (units.start[here] - units.arrival[here]) / HOUR
    p90 = daily_waits(observed, 0.9)[day, 0]
    assert (wait > p90).mean() + 1 / len(wait) >= 0.09
    assert (wait > p90).mean() <= 0.1 + 1 / len(wait)


def test_the_stock_abroad_is_who_came_less_who_left(observed, daily):
    trips, model = observed.model.trips, observed.model
    weight = model.population.weight_of(np.arange(len(model.population)))
    for j, (name, there) in enumerate(model.assumptions.destinations.items()):
        ahead = there.utc_offset_h - 3  # the last local day ends before Moscow's
        status = model.status((observed.world.clock.n_hours - ahead) * HOUR - 1)
        stock = series(daily, "destination", code_of(observed, name), "stock_men")
        assert stock.min() >= -1e-6
        assert stock[-1] == pytest.approx(weight[status == Status.ABROAD + j].sum(), abs=1e-3)
    assert (trips["leaves_again_at"] < NEVER).any()


def test_entries_less_exits_are_the_change_of_the_persons_present(observed, daily):
    """By destination and local day: ordinary travellers, men, companions and families."""
    for name in observed.world.destinations:
        entries, exits, newcomers, ordinary = (
            series(daily, "destination", code_of(observed, name), measure)
            for measure in ("entries", "exits", "stock_persons", "stock_ordinary")
        )
        assert newcomers.max() > 1000
        assert np.diff(newcomers + ordinary) == pytest.approx((entries - exits)[1:], abs=1e-5)


def test_the_balance_of_persons_holds_by_the_hour_but_for_rounding_of_floats(observed):
    country = observed.world.roads.country
    for j in range(len(observed.world.destinations)):
        entries = observed.flows["entries"][:, country == j].sum(axis=1)
        present = observed.ordinary.present[:, j] + observed.newcomers[1][:, j]
        balance = np.diff(present) - (entries - observed.exits[:, j])
        assert np.abs(balance).max() < 1e-12 * present.max() * len(entries)


def test_everybody_at_a_crossing_is_outbound_russians_and_all_others(observed):
    """LA045 and LA046 count all nationalities in both directions."""
    parameters = observed.model.assumptions.crossings["GE-LARS"]
    lars = observed.columns_of("GE-LARS")[0]
    others = parameters.others.value / 24
    persons = observed.flows["persons_both_ways"] - observed.flows["crossings_out"]
    vehicles = observed.flows["vehicles_both_ways"] - observed.flows["cars_cleared"]
    assert persons[:, lars] == pytest.approx(others)
    assert vehicles[:, lars] == pytest.approx(others / parameters.others_per_vehicle.value)


def test_families_join_the_men_who_stayed(observed, daily):
    stay = observed.model.assumptions.abroad["georgia"]
    men = series(daily, "destination", "GE", "stock_men")
    persons = series(daily, "destination", "GE", "stock_persons")
    extra = persons - men * observed.model.persons_per_man
    first = int(stay.family_lag.value / 2)
    assert extra[:first] == pytest.approx(np.zeros(first), abs=1e-3)
    assert extra[-1] > 0
    assert extra[-1] < stay.family.value * men[-1 - first] + 1e-6


def test_families_come_evenly_around_their_lag():
    """Men who all stay are joined from half to one and a half times the lag after they came."""
    stays = {"abroad.georgia.move_on": 0, "abroad.georgia.return": 0}
    lag = {"abroad.georgia.family_lag": 10, "abroad.kazakhstan.family": 0}
    model = FlowModel(World(load("september-2022", stays | lag)), sample=0.05)
    for _ in range(model.world.clock.n_hours):
        model.step()
    observed = Observed(model)
    joined = observed.families[0].sum(axis=1)
    men = observed.men_abroad[0][:, 0]
    wait = np.arange(5 * 24, 15 * 24)
    expected = np.convolve(men, np.full(len(wait), 0.6 / len(wait)))[: len(men) - 5 * 24]
    expected = np.r_[np.zeros(5 * 24), expected]
    chance = 4 * np.sqrt(0.25 / (men.sum() * observed.model.sample))  # four standard errors
    assert np.cumsum(joined) == pytest.approx(np.cumsum(expected), abs=chance * 0.6 * men.sum())


def test_called_up_men_enlist_or_hide(observed, daily):
    called = series(daily, "nation", "RU", "called_up")
    enlisted = series(daily, "nation", "RU", "enlisted")
    outcomes = outcomes_table(observed.model, 0)
    assert np.all(np.diff(called) >= 0)
    assert np.all(enlisted <= called + 1e-6)
    assert enlisted[-1] == pytest.approx(outcomes[outcomes.status == "enlisted"].men.sum(), abs=1)
    comply = observed.model.assumptions.call_up.comply.value
    n = called[-1] / 1000
    assert abs(enlisted[-1] / called[-1] - comply) < 4 * np.sqrt(comply * (1 - comply) / n)


def test_leavers_are_more_educated_than_those_who_stay(observed, daily):
    """The brain drain: beta_education is positive and passports go with education."""
    outcomes = outcomes_table(observed.model, 0)
    share = (outcomes.men * outcomes.educated).sum() / outcomes.men.sum()
    assert series(daily, "nation", "RU", "educated_share")[-1] > share
    left = outcomes[outcomes.destination != ""]
    expected = (left.men * left.educated).sum() / left.men.sum()
    assert series(daily, "nation", "RU", "educated_share")[-1] == pytest.approx(expected, abs=1e-5)


def test_shares_are_shares_and_flows_are_not_negative(daily, hourly):
    shares = daily[daily.measure.isin(["educated_share", "passport_share"])].value.dropna()
    assert shares.between(0, 1).all()
    assert daily.value.min() >= 0
    assert hourly.value.min() >= 0


def test_the_run_stands_beside_every_published_figure_it_can_be_compared_with(observed):
    table = comparison_table(observed, 0)
    known = {figure.id: figure for figure in observations()}
    assert table.observation.is_unique
    assert set(table.role) <= {"fit", "validate"}
    for name in [*(f"GE{n:03d}" for n in range(5, 11)), "LA008", "KZ009"]:
        assert name in set(table.observation)
    for row in table.itertuples():
        assert row.published == known[row.observation].value
        assert row.is_input == known[row.observation].is_input
    assert np.isfinite(table.simulated).all()


def test_a_published_day_is_compared_with_the_same_local_hours(observed, daily):
    """GE007 is Georgia's 23 September, whose hours are those of the daily table."""
    figure = next(figure for figure in observations() if figure.id == "GE007")
    day = (figure.window_start.date() - observed.world.clock.start.date()).days
    found = observed.published_equivalent(figure)
    assert found == pytest.approx(series(daily, "destination", "GE", "entries")[day], abs=1e-3)


def test_a_published_wait_is_compared_with_those_in_cars(observed):
    """LA030 is of cars; most people crossed on foot in those days, and faster."""
    figure = next(figure for figure in observations() if figure.id == "LA030")
    units, lars = observed.units, observed.columns_of("GE-LARS")
    begin = observed.world.clock.seconds(figure.window_start)
    end = observed.world.clock.seconds(figure.window_end)
    day = (units.start >= begin) & (units.start < end) & (units.crossing == lars[0])
    hours = (units.start - units.arrival) / 3600
    lanes = [day & (units.lane == lane) for lane in (0, 1)]
    slow, fast = (np.average(hours[some], weights=units.persons[some]) for some in lanes)
    assert fast < slow
    assert observed.published_equivalent(figure) == pytest.approx(slow)


def test_rumours_and_call_ups_aside_nobody_is_abroad_before_the_announcement(observed, daily):
    announced = observed.model.assumptions.call_up.announced
    before = (announced.date() - observed.world.clock.start.date()).days
    for name in observed.world.destinations:
        stock = series(daily, "destination", code_of(observed, name), "stock_men")
        assert not stock[:before].any()
        assert series(daily, "destination", code_of(observed, name), "entries")[:before].any()


def test_cumulated_measures_never_fall(daily):
    rows = daily[daily.measure.isin(["called_up", "enlisted"])]
    for _, group in rows.groupby(["place_id", "measure"], observed=True):
        assert all(b >= a for a, b in pairwise(group.value))


def test_days_of_a_clock_on_the_half_hour_lie_between_those_of_its_neighbours():
    """The hour in which the day turns is divided; what is there at midnight lies on a line."""
    key = "destinations.georgia.utc_offset_h"
    world = World(load("september-2022", {"sample": 0.0005, key: 4.5}))
    observed = Observed(simulate(world))
    flow = observed.flows["entries"][:, 0]
    early, half, late = (observed.local_days(flow, offset) for offset in (4, 4.5, 5))
    assert half[:-1] == pytest.approx((early + late)[:-1] / 2)
    level = np.arange(observed.n_rows + 1.0)
    assert observed.local_midnights(level, 4.5)[0] == observed.local_midnights(level, 4)[0] - 0.5
    hours = world.assumptions.destinations["georgia"].background_weekday
    early, half, late = (hours.by_hour(world.clock, offset)[22] for offset in (4, 4.5, 5))
    assert early == half != late  # it begins at half past eleven


HELSINKI = {"2022-09-17": 3, "2022-10-30T04:00": 2}


def test_a_day_on_which_clocks_are_set_back_has_25_hours():
    """Hour by hour by the time zone's own table: the last Sunday of October in Finland."""
    key = "destinations.georgia.utc_offset_h"
    scenario = load("september-2022", {key: HELSINKI, "sample": 0.0005})
    clock, offset = scenario.horizon.clock, scenario.destinations["georgia"].utc_offset_h
    hours = np.arange(clock.n_hours + 2 * WARM_UP)
    utc = [clock.start.replace(tzinfo=UTC) + timedelta(hours=int(h) - WARM_UP - 3) for h in hours]
    dates = [moment.astimezone(ZoneInfo("Europe/Helsinki")).date() for moment in utc]
    days = pd.date_range(clock.start, periods=clock.n_days).date
    expected = pd.Series(hours**2.0).groupby(dates).sum().loc[days]
    assert clock.local_days(hours**2.0, offset, WARM_UP) == pytest.approx(expected.to_numpy())
    long = clock.local_days(np.ones(len(hours)), offset, WARM_UP)
    assert dict(zip(map(str, days[long != 24]), long[long != 24], strict=True)) == {
        "2022-10-30": 25
    }
    shown = [clock.local(clock.moment((h - WARM_UP) * HOUR), offset) for h in (*hours[:3], 1080)]
    there = [utc[h].astimezone(ZoneInfo("Europe/Helsinki")) for h in (*hours[:3], 1080)]
    assert shown == [moment.replace(tzinfo=None) for moment in there]


def test_clocks_that_are_set_back_run_like_others_and_say_so_in_the_saved_file():
    """Nobody is lost on the long day, and the scenario that a run leaves is the one it had."""
    dated = {"2022-09-17": 5, "2022-10-30T04:00": 4}
    changed = {"destinations.georgia.utc_offset_h": dated, "sample": 0.0005}
    scenario = load("september-2022", changed)
    assert "2022-10-30T04:00: 4" in resolved_yaml(scenario)
    observed = Observed(simulate(World(scenario)))
    table = daily_table(observed, 0)
    entries = series(table, "destination", "GE", "entries")
    offset = scenario.destinations["georgia"].utc_offset_h
    first, *_, last = WARM_UP + scenario.horizon.clock.midnights(offset)
    columns = observed.columns_of("GE")
    rows = observed.flows["entries"][int(first) : int(last), columns]
    assert entries.sum() == pytest.approx(rows.sum(), abs=1e-3)
    stock = series(table, "destination", "GE", "stock_men")
    assert stock[-2:] == pytest.approx(observed.newcomers[0][[int(last) - 24, int(last)], 0])


def test_a_published_window_on_the_half_hour_lies_between_its_neighbours(observed):
    figure = next(one for one in observations() if one.id == "GE007")

    def equivalent(measure: str, place: str, offset: float) -> float:
        changed = {"model_measure": measure, "place_id": place, "utc_offset_h": offset}
        return observed.published_equivalent(figure.model_copy(update=changed))

    for measure, place in (("entries", "GE"), ("exits", "GE"), ("queue_cars", "GE-LARS")):
        early, half, late = (equivalent(measure, place, offset) for offset in (4, 4.5, 5))
        assert half == pytest.approx((early + late) / 2), measure
    assert equivalent("wait_hours", "GE-LARS", 4.5) > 0


@pytest.mark.parametrize(
    ("offset", "message"),
    [
        ("Europe/Helsinki", "hours ahead of UTC, or dates with hours, such as {YYYY-MM-DD"),
        ({}, "found no date"),
        ({"2022-09-17": 3, "2022-10-30": 2.5}, "differ by full hours"),
        ({"2022-09-17": 3, "2022-10-30": 22}, "expected at most 14"),
        ({"2021-09-17": 3, "2022-10-30": 2}, "far outside the horizon"),
        ({"2022-09-17": 3, "2022-09-17T00:00": 2}, "is the same moment as 2022-09-17"),
        ({"2022-10-30T04:00+03:00": 2}, "has a time zone; write it without"),
        (5.1, "full, half or quarter hours"),
    ],
)
def test_clocks_that_are_none_are_refused(offset, message):
    with pytest.raises(ScenarioError, match=re.escape(message)):
        load("september-2022", {"destinations.georgia.utc_offset_h": offset})


def test_clocks_half_a_day_apart_are_refused():
    with pytest.raises(ScenarioError, match="its day begins 13 hours before that of"):
        load("september-2022", {"destinations.georgia.utc_offset_h": 14, "horizon.utc_offset_h": 1})
