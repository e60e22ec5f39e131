"""The laws of the model: what must hold in every world."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import passed_at

from flowsim.errors import ModelError
from flowsim.model.flow_model import FlowModel
from flowsim.model.journey import Limit
from flowsim.model.queue import NOBODY
from flowsim.model.states import NEVER, Reason, Status, status_name
from flowsim.model.world import World
from flowsim.results.observation import Observed
from flowsim.results.tables import daily_table, hourly_table, outcomes_table
from flowsim.scenario import load, shipped
from flowsim.scenario.clock import DAY, HOUR
from flowsim.scenario.policies.border_closed import BorderClosed

SAMPLE = 0.0008
LIVELY = {  # about 2 % of men leave and queues are long, whatever the fitted numbers are
    "choice.constant.georgia": -3.6,
    "choice.constant.kazakhstan": -3.4,
    "panic.lag": 2.1,
    "panic.decay": 10,
    "border.patience": 6,
}
NO_CHECKS: dict[str, Any] = {
    "policies.task_force_lars": None,
    "policies.list_check_lars": None,
    "policies.list_checks_kazakhstan": None,
    "policies.list_check_omsk_chelyabinsk": None,
    "policies.list_check_kurgan_tyumen": None,
    "policies.list_check_karaozek": None,
    "policies.list_check_ozinki": None,
}
NO_FEEDBACK = {"choice.beta_network": 0, "choice.omega": 0}
SHUT_MEN = {"kind": "border-closed", "for": "men", "from": "2022-09-26", "to": "2022-10-12"}
SHUT_ALL = {**SHUT_MEN, "for": "all"}
TRIP = ("man", "tries", "leaves_at", "crossing", "arrives_at", "ends_at", "end", "reason", "limit")


def world(changes: dict[str, Any] | None = None, name: str = "september-2022") -> World:
    return World(load(name, {**LIVELY, **(changes or {})}))


def lived(changes: dict[str, Any] | None = None, days: int = 45, **given: Any) -> FlowModel:
    """Run a lively world for some days and settle its books."""
    settle_hourly = given.pop("settle_hourly", False)
    where = given.pop("where", None) or world(changes)
    model = FlowModel(where, sample=given.pop("sample", SAMPLE), **given)
    for _ in range(24 * days):
        model.step()
        if settle_hourly:
            model.complete_trips()
    model.complete_trips()
    return model


def tables(model: FlowModel) -> list[pd.DataFrame]:
    observed = Observed(model)
    return [daily_table(observed, 0), hourly_table(observed, 0), outcomes_table(model, 0)]


def same(one: FlowModel, other: FlowModel) -> bool:
    return all(a.equals(b) for a, b in zip(tables(one), tables(other), strict=True))


def trips_of(model: FlowModel, *names: str) -> pd.DataFrame:
    """Give the trips by man and try, crossings and destinations by name."""
    table = pd.DataFrame({name: model.trips[name].copy() for name in {*TRIP, *names}})
    table["crossing"] = np.array(list(model.assumptions.crossings))[table.crossing]
    country = np.array([c.parameters.destination for c in model.crossings])
    table["country"] = country[model.trips["crossing"]]
    return table.set_index(["man", "tries"]).sort_index()


@pytest.fixture(scope="module")
def baseline() -> FlowModel:
    """A lively world as it stands on 1 November."""
    return lived()


# ------------------------------------------------------------------ men are conserved


def test_men_are_conserved_at_every_hour_and_statuses_partition_them():
    model = FlowModel(world(), sample=SAMPLE, keep_everyone=True)
    n, kept = model.population.n_men, len(model.population)
    assert n == model.population.counts.sum()
    known = {*(int(s) for s in Status), *(s + j for s in (16, 48) for j in (0, 1))}
    enlisted, abroad = 0, np.zeros(kept, dtype=bool)
    for _ in range(24 * 45):
        model.step()
        status = model.status()
        assert len(status) == kept
        assert set(np.unique(status).tolist()) <= known
        assert model.population.n_men == n
        assert (status == Status.ENLISTED).sum() >= enlisted
        enlisted = (status == Status.ENLISTED).sum()
        beyond = (status >= Status.ABROAD) & (status < Status.WANTS)
        beyond |= np.isin(status, (Status.MOVED_ON, Status.RETURNED))
        assert np.all(beyond[abroad])  # who has been abroad is never one who has not
        abroad = beyond
    table = outcomes_table(model, 0)
    assert table.men_simulated.sum() == n
    assert table.men.sum() == pytest.approx(model.world.strata.men.sum(), abs=1)
    people = [c for c in table.columns if c not in ("men", "men_simulated")]
    assert not table.duplicated(people).any()


def test_men_in_the_queue_by_the_books_are_men_in_the_queue():
    """At every hour, statuses and lanes name the same men, but for who comes that second."""
    model = FlowModel(world({"crossings.GE-LARS.vehicles": 1500}), sample=SAMPLE)
    longest = 0
    for _ in range(24 * 30):
        model.step()
        now = model.hour * HOUR
        rows = np.flatnonzero(model.status() == Status.QUEUEING)
        rows = rows[model.trips["arrives_at"][model.population.trip[rows]] < now]
        standing = [
            model.population.trip[model.trips["row"][unit[2]]]
            for crossing in model.crossings
            for _, unit in crossing.border.waiting(now)
            if unit[2] != NOBODY
        ]
        assert sorted(standing) == sorted(model.population.trip[rows].tolist())
        longest = max(longest, len(rows))
    assert longest > 50


def test_every_man_who_leaves_the_queue_has_a_moment_at_which_he_left_it(baseline):
    """Also he who was being cleared on foot when the foot lane closed, and later gave up."""
    narrow = {
        "crossings.GE-LARS.vehicles": 400,
        "crossings.GE-LARS.foot_share": 0.9,
        "border.patience": 2,
        "policies.foot_lane_lars.walking_share": 1,
        "policies.foot_lane_lars.background_walking_share": 0,
    }
    for model in (baseline, *(lived(narrow, days=25, rng=seed) for seed in range(4))):
        trips = model.trips
        over = trips["end"] != Status.HOME
        assert (trips["end"] == Status.GAVE_UP).any()
        assert np.all((trips["ends_at"] < NEVER) == over)
        assert np.all(trips["ends_at"][over] >= trips["arrives_at"][over])


def test_persons_at_the_border_are_conserved(baseline):
    """Came = left + stand there, at each crossing; the queue measured is the queue."""
    observed = Observed(baseline)
    units = observed.units
    came = np.bincount(units.crossing, units.persons)
    left = np.bincount(units.crossing, units.persons * np.isfinite(units.gone), minlength=len(came))
    standing = [c.border.persons(baseline.hour * HOUR) for c in baseline.crossings]
    assert came - left == pytest.approx(standing, abs=1e-6)
    assert observed.levels["queue_persons"][-1] == pytest.approx(standing, abs=1e-5)
    men = units.trip != NOBODY
    assert len(np.unique(units.trip[men])) == men.sum()
    assert baseline.persons_per_man * baseline.trips["weight"][units.trip[men]] == pytest.approx(
        units.persons[men]
    )


def test_nobody_is_summoned_or_enlisted_who_is_not_at_home():
    """Also not a man who has just set off on his second try."""
    model = lived(
        {
            "border.second_try": 1,
            "call_up.list_extra": 0.9,
            "call_up.target": 20_000_000,
            "call_up.pace": {"2022-09-21": 0, "2022-10-28": 20_000_000},
            "policies.list_checks_kazakhstan.detection": 1,
        },
        sample=0.001,
    )
    trips, men = model.trips, model.population
    assert (trips["tries"] == 1).sum() > 100
    for moment in (men.summoned_at, men.enlisted_at):
        when = moment[trips["row"]]
        assert not ((when > trips["leaves_at"]) & (when < trips["ends_at"])).any()
    enlisted = men.enlisted_at < NEVER
    assert enlisted.sum() > 1000
    assert np.array_equal(men.enlisted_at[enlisted], men.summoned_at[enlisted])


# ------------------------------------------------------------------ documents, closures, checks


def test_no_passport_no_georgia(baseline):
    trips, stratum = baseline.trips, baseline.population.stratum
    passport = baseline.world.of_stratum["passport"][stratum[trips["row"]]] == 1
    georgia = baseline.world.destinations.index("georgia")
    there = trips["destination"] == georgia
    assert there.sum() > 50
    assert np.all(passport[there])
    assert not np.all(passport[~there])
    table = outcomes_table(baseline, 0)
    assert table[table.destination == "georgia"].passport.all()
    assert not table[table.status == "wants-georgia"].passport.any()


@pytest.mark.parametrize("how", (SHUT_MEN, SHUT_ALL), ids=("men", "all"))
@pytest.mark.parametrize("where", ("GE-LARS", "kazakhstan", "all"))
def test_a_closed_crossing_lets_no_man_through(how, where):
    model = lived({"policies.shut": {**how, "at": where}}, days=32)
    seen = Observed(model)
    clock = model.world.clock
    policy = model.assumptions.policies["shut"]
    hours = slice(12 + clock.hour(policy.start), 12 + clock.hour(policy.end))
    shut = [
        c.column
        for c in model.crossings
        if where in (c.crossing_id, c.parameters.destination, "all")
    ]
    assert seen.flows["entries_men"][hours, shut].sum() == 0
    assert (seen.flows["crossings_out"][hours, shut].sum() == 0) == (how is SHUT_ALL)
    trips = model.trips
    through = (trips["end"] >= Status.ABROAD) | (trips["reason"] == Reason.ENTRY_REFUSED)
    there = np.isin(trips["crossing"], shut)
    begin, end = clock.seconds(policy.start), clock.seconds(policy.end)
    inside = (trips["ends_at"] >= begin) & (trips["ends_at"] < end)
    assert not (through & there & inside).any()
    assert (through & there & ~inside).any()
    # and nobody sets off for it
    setting_off = (trips["leaves_at"] >= begin) & (trips["leaves_at"] < end)
    assert not (there & setting_off & (trips["tries"] == 0)).any()
    # an ordinary traveller only where others than men pass
    log = {name: model.log.entries(name) for name in ("arrival", "crossing", "trip")}
    came = log["arrival"][np.isin(log["crossing"], shut) & (log["trip"] == NOBODY)]
    assert ((came >= begin) & (came < end)).any() == (how is SHUT_MEN)
    assert (came < begin).any()
    assert (came >= end).any()


@pytest.mark.parametrize("how", (SHUT_MEN, SHUT_ALL), ids=("men", "all"))
def test_a_closure_shuts_the_way_but_not_the_wish(how):
    """Availability, not a low utility: without feedback the same thresholds are passed."""
    free = lived(NO_FEEDBACK, days=30, keep_everyone=True, sample=0.0003)
    shut = lived(
        {**NO_FEEDBACK, "policies.shut": {**how, "at": "kazakhstan"}},
        days=30,
        keep_everyone=True,
        sample=0.0003,
    )
    j = free.world.destinations.index("kazakhstan")
    assert np.array_equal(passed_at(free)[:, j], passed_at(shut)[:, j])
    status = shut.status(at=shut.world.clock.seconds(pd.Timestamp("2022-10-12")) - 1)
    assert (status == Status.WANTS + j).sum() > 20


def test_without_checks_nobody_is_refused_on_the_russian_side():
    wanted = {"call_up.list_extra": 0.3}
    checked, free = lived(wanted), lived({**wanted, **NO_CHECKS})
    assert not np.isin(free.trips["reason"], (Reason.LIST, Reason.NOTICE, Reason.CLOSED)).any()
    seen = Observed(free)
    assert all(seen.flows[m].sum() == 0 for m in ("refused", "notices", "checked"))
    assert Observed(checked).flows["refused"].sum() > 0


def test_without_a_call_up_nobody_is_summoned_and_nobody_leaves(baseline):
    calm = lived({"call_up.target": 0, "call_up.pace": 0}, keep_everyone=True, sample=0.0002)
    assert np.all(calm.population.summoned_at == NEVER)
    assert len(calm.trips) == 0
    assert np.all(calm.status() == Status.HOME)
    assert Observed(calm).flows["entries"].sum() > 0  # ordinary travellers
    assert (baseline.population.summoned_at < NEVER).sum() > 100


def test_the_announced_number_of_men_complies():
    """Enlisted men are the announced total less those who had left, within four errors."""
    model = lived({"choice.constant.georgia": -12, "choice.constant.kazakhstan": -12}, sample=0.01)
    men, weight = model.population, 1 / 0.01
    announced = model.world.announced
    for day in (10, 20, 45):
        found = men.weight_of(np.flatnonzero(men.enlisted_at < day * DAY)).sum()
        expected = announced[24 * day]
        assert abs(found - expected) < 4 * np.sqrt(expected * weight)


def test_involuntary_stayers_are_men_at_home_who_cannot_go(baseline):
    """The daily table against counting them man by man."""
    daily = daily_table(Observed(baseline), 0)
    men, trips = baseline.population, baseline.trips
    rows = daily[(daily.measure == "involuntary_stayers") & (daily.place_id == "GE")]
    left = np.full(len(men), NEVER)
    first = trips["tries"] == 0
    left[trips["row"][first]] = trips["leaves_at"][first]
    without = baseline.world.of_stratum["passport"][men.stratum] == 0
    since = passed_at(baseline)[:, baseline.world.destinations.index("georgia")]
    until = np.minimum(left, men.enlisted_at)
    counted = [
        men.weight_of(np.flatnonzero(without & (since < t) & (until >= t))).sum()
        for t in DAY * np.arange(1, 46)
    ]
    assert counted[-1] > 10_000
    assert rows.value.to_numpy() == pytest.approx(counted, abs=1e-3)


def test_raising_the_passport_share_only_adds_passports():
    some, more = (
        lived({"population.passport_share": share}, keep_everyone=True, days=1, sample=0.0003)
        for share in (0.3, 0.5)
    )
    had, has = (m.world.of_stratum["passport"][m.population.stratum] for m in (some, more))
    assert np.array_equal(some.population.id, more.population.id)
    assert np.array_equal(some.population.threshold, more.population.threshold)
    assert np.all(has >= had)
    assert 0.48 < has.mean() < 0.52


# ------------------------------------------------------------------ the same men


@pytest.mark.parametrize("index", (0.3, 0.6, 1.0))
def test_keeping_everybody_changes_nothing(index):
    changes = {"choice.lambda": index}
    assert same(lived(changes), lived(changes, keep_everyone=True))


@pytest.mark.parametrize("chunk", (311, 10**7))
def test_the_size_of_chunks_changes_nothing(baseline, chunk):
    assert same(baseline, lived(chunk=chunk))


@pytest.mark.parametrize("share", (0.2, 0.01, 1e-6))
def test_caps_that_are_reached_change_nothing(baseline, share):
    """Men added when pressure reaches beyond the caps are the men left out before."""
    where = world()
    object.__setattr__(where, "caps", where.caps * share)
    raised = []
    ordinary = FlowModel._raise_caps

    def counted(self: FlowModel, before: np.ndarray) -> None:
        raised.append(self.hour)
        ordinary(self, before)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FlowModel, "_raise_caps", counted)
        model = lived(where=where)
    assert raised
    assert same(baseline, model)


def test_caps_may_be_reached_while_men_wait_for_a_reopening():
    changes = {"policies.shut": {**SHUT_MEN, "at": "kazakhstan"}}
    where = world(changes)
    object.__setattr__(where, "caps", where.caps * 0.3)
    assert same(lived(changes), lived(where=where))


@pytest.mark.parametrize("delay", (0, 0.25, 2))
def test_it_does_not_matter_how_often_the_books_are_settled(delay):
    changes = {"border.second_try_delay": delay, "border.second_try": 1, "call_up.list_extra": 0.3}
    daily, hourly = lived(changes), lived(changes, settle_hourly=True)
    assert (daily.trips["tries"] == 1).sum() > 10
    assert trips_of(daily).equals(trips_of(hourly))
    assert same(daily, hourly)


def test_the_same_seed_gives_the_same_world_and_another_another(baseline):
    again, seed = lived(), baseline.assumptions.seed
    assert same(baseline, again)
    assert not same(baseline, lived(rng=seed + 1))
    assert not same(baseline, lived(replication=1))


def test_replications_are_shared_between_scenarios():
    """Common random numbers: replication 1 has the same men whatever the policy."""
    one = lived(replication=1, days=1, keep_everyone=True, sample=0.0001)
    other = lived(NO_CHECKS, replication=1, days=1, keep_everyone=True, sample=0.0001)
    assert np.array_equal(one.population.threshold, other.population.threshold)


def test_the_men_of_a_sample_are_among_those_of_one_twice_as_large():
    small, large = (
        lived(keep_everyone=True, days=1, sample=share).population for share in (0.001, 0.002)
    )
    place = np.searchsorted(large.id, small.id)
    assert np.array_equal(large.id[place], small.id)
    assert np.array_equal(large.stratum[place], small.stratum)
    assert np.array_equal(large.threshold[place], small.threshold)
    assert len(large) == pytest.approx(2 * len(small), rel=0.02)


# ------------------------------------------------------------------ one thing changes


def test_a_better_georgia_draws_nobody_from_elsewhere_to_elsewhere():
    """Without feedback: its men stay its men, and nobody leaves for Kazakhstan instead."""
    off = {**NO_FEEDBACK, "policies.entry_limit_north_ossetia": None}
    changes = {**off, "choice.constant.georgia": LIVELY["choice.constant.georgia"] + 0.6}
    before, after = (
        trips_of(lived(c, sample=0.003)).query("tries == 0").droplevel("tries")
        for c in (off, changes)
    )
    georgians = before.index[before.country == "georgia"]
    assert set(georgians) <= set(after.index[after.country == "georgia"])
    assert set(after.index[after.country == "kazakhstan"]) <= set(before.index)
    assert set(after.index[after.country == "georgia"]) > set(georgians)
    moved = set(before.index[before.country == "kazakhstan"])
    assert moved & set(after.index[after.country == "georgia"])


def test_with_finland_and_mongolia_shut_more_destinations_move_no_man():
    """Destinations are data: two more that nobody can reach change nobody's journey."""
    changes: dict[str, Any] = {
        f"policies.{name}": None
        for name, policy in load("more-destinations").policies.items()
        if isinstance(policy, BorderClosed)
    }
    changes["policies.shut"] = {
        "kind": "border-closed",
        "at": ["finland", "mongolia"],
        "for": "all",
    }
    fewer, more = lived(), lived(where=world(changes, "more-destinations"))
    assert len(more.world.destinations) == 4
    assert trips_of(fewer).equals(trips_of(more))
    assert np.array_equal(
        np.sort(fewer.population.id[fewer.population.enlisted_at < NEVER]),
        np.sort(more.population.id[more.population.enlisted_at < NEVER]),
    )
    a, b = (
        d[d.place_kind == "crossing"].query("place_id.isin(@ids)").value.to_numpy()
        for ids in [list(fewer.assumptions.crossings)]
        for d in (daily_table(Observed(fewer), 0), daily_table(Observed(more), 0))
    )
    assert np.array_equal(a, b, equal_nan=True)


def test_a_task_force_hands_out_the_notices_it_is_expected_to():
    changes = {
        "policies.task_force_lars.checks_per_hour": 200,
        "policies.task_force_lars.p_serve": 0.5,
        "choice.beta_risk": 0,
    }
    model = lived(changes, sample=0.005, days=25)
    trips = model.trips
    served = (trips["reason"] == Reason.NOTICE).sum()
    p = trips["expected_notice"]
    assert served > 20
    assert abs(served - p.sum()) < 4 * np.sqrt((p * (1 - p)).sum())
    lars = list(model.assumptions.crossings).index("GE-LARS")
    assert np.all(trips["crossing"][trips["reason"] == Reason.NOTICE] == lars)
    assert np.all(trips["liable"][trips["reason"] == Reason.NOTICE])


def test_an_entry_limit_stops_men_as_stated_and_spares_its_own_region():
    model = lived({"choice.beta_risk": 0})  # so that many set off after it
    trips = model.trips
    limit = model.assumptions.policies["entry_limit_north_ossetia"]
    begin = model.world.clock.seconds(limit.start)
    early = trips["arrives_at"] < begin
    assert not (trips["limit"][early] != Limit.PASSES).any()
    region = model.world.of_stratum["region"][model.population.stratum[trips["row"]]]
    own = np.isin(region, [model.world.regions.code.index(code) for code in limit.exempt_regions])
    assert not (trips["limit"][own] != Limit.PASSES).any()
    home = (trips["limit"] == Limit.HOME) & (trips["ends_at"] < NEVER)
    assert home.any()
    assert np.all(trips["end"][home] == Status.LIMITED)


def test_statuses_are_named_as_tables_write_them():
    names = [status_name(code, ("georgia", "kazakhstan")) for code in (0, 6, 9, 16, 17, 48)]
    assert names == [
        "home",
        "on-the-road",
        "moved-on",
        "abroad-georgia",
        "abroad-kazakhstan",
        "wants-georgia",
    ]


def test_the_model_ends_with_its_horizon():
    model = lived({"horizon.end": "2022-11-01"}, sample=0.00005)
    with pytest.raises(ModelError, match="the horizon ends after 1080 hours"):
        model.step()


def test_the_table_of_men_says_what_became_of_each(baseline):
    men = baseline.men
    assert len(men) == len(baseline.population)
    assert men.index.is_unique
    abroad = men.status.astype(str).str.startswith("abroad-")
    assert (
        abroad.sum()
        == ((baseline.status() >= Status.ABROAD) & (baseline.status() < Status.WANTS)).sum()
    )
    assert men.weight.sum() < baseline.world.strata.men.sum()


@pytest.mark.parametrize("name", sorted(shipped()))
def test_every_shipped_scenario_lives_through_three_days_with_a_thousand_men(name):
    """And through the rest of its horizon; no number overflows or is divided by nothing."""
    with np.errstate(all="raise", under="ignore"):
        model = FlowModel(load(name), sample=0.00003)
        assert 600 < model.population.n_men < 2000
        for _ in range(model.world.clock.n_hours):
            model.step()
        frames = tables(model)
    assert frames[2].men_simulated.sum() == model.population.n_men
    assert frames[0].value.notna().any()
    assert np.isfinite(frames[1].value.dropna()).all()


# ------------------------------------------------------------------ large samples


@pytest.fixture(scope="module")
def many() -> dict[float, np.ndarray]:
    """Departures and expected departures by sample: 24 seeds, baseline, feedback on."""
    out = {}
    where = World(load("september-2022"))
    for sample in (0.0025, 0.01):
        rows = []
        for seed in range(24):
            model = lived(where=where, sample=sample, rng=seed)
            first = model.trips["tries"] == 0
            expected = model.expected_departures[-1].sum()
            rows.append((model.trips["weight"][first].sum(), expected))
        out[sample] = np.array(rows)
    return out


@pytest.mark.slow
def test_departures_of_a_sample_are_within_one_per_cent_of_the_nations(many):
    whole = lived(where=World(load("september-2022")), sample=1.0)
    first = whole.trips["tries"] == 0
    nation = whole.trips["weight"][first].sum()
    realised, expected = many[0.01].T
    error = realised.std(ddof=1) / np.sqrt(24)
    print(
        f"\n1:1 {nation:.0f} departures, expected {whole.expected_departures[-1].sum():.0f}; "
        f"24 seeds at 0.01: {realised.mean():.0f} +- {error:.0f}, expected {expected.mean():.0f}"
    )
    assert abs(expected.mean() / whole.expected_departures[-1].sum() - 1) < 0.01
    assert abs(nation / whole.expected_departures[-1].sum() - 1) < 0.01
    assert abs(realised.mean() / nation - 1) < 0.01 + 2 * error / nation


@pytest.mark.slow
def test_replications_spread_less_in_proportion_to_the_root_of_the_sample(many):
    """Four times the men halve the spread; F within its 0.1 % and 99.9 % points, 23 and 23."""
    ratio = many[0.0025][:, 0].var(ddof=1) / many[0.01][:, 0].var(ddof=1) / 4
    print(f"\nvariance of departures at 0.0025 over that at 0.01, divided by four: {ratio:.2f}")
    assert 1 / 3.9 < ratio < 3.9
