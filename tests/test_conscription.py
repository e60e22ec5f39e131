"""Call-ups at home and checks at the border: rates, pace and monotony."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowsim.model.conscription import (
    announced_total,
    check,
    cumulated_hazard,
    examined_share,
    hazard_per_announced_man,
    notices,
    on_the_list,
    panic_by_hour,
    relative_call_up,
)
from flowsim.model.decisions import may_try_again
from flowsim.model.states import Reason
from flowsim.model.world import World
from flowsim.scenario import load
from flowsim.scenario.clock import Clock
from flowsim.scenario.timetable import WARM_UP

N = 4000


@pytest.fixture(scope="module")
def arrivals() -> dict[str, np.ndarray]:
    """Men at the head of a queue, with their draws."""
    rng = np.random.default_rng(11)
    return {
        "closed": np.zeros(N, dtype=bool),
        "listed": rng.uniform(size=N) < 0.2,
        "liable": rng.uniform(size=N) < 0.6,
        "detection": np.full(N, 0.5),
        "examined": np.full(N, 0.3),
        "p_serve": np.full(N, 0.4),
        "u_detect": rng.uniform(size=N),
        "u_examine": rng.uniform(size=N),
        "u_serve": rng.uniform(size=N),
    }


def test_without_checks_nobody_is_refused(arrivals):
    nothing = np.zeros(N)
    reason = check(**{**arrivals, "detection": nothing, "examined": nothing})
    assert not reason.any()


def test_a_closed_border_refuses_everybody(arrivals):
    assert np.all(check(**{**arrivals, "closed": np.ones(N, dtype=bool)}) == Reason.CLOSED)


def test_refusals_have_their_probabilities(arrivals):
    """Listed men found with 0.5, the other liable men served with 0.3 x 0.4."""
    reason = check(**arrivals)
    listed, liable = arrivals["listed"], arrivals["liable"]
    for who, expected, why in (
        (listed, 0.5, Reason.LIST),
        (liable & ~listed, 0.12, Reason.NOTICE),
    ):
        found = (reason[who] == why).mean()
        assert abs(found - expected) < 4 * np.sqrt(expected * (1 - expected) / who.sum())
    assert not (reason[~liable] == Reason.NOTICE).any()
    assert not (reason[~listed] == Reason.LIST).any()


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_more_task_force_never_refuses_fewer_of_the_same_men(few, more, p_few, p_more, detection):
    """And whoever was refused before is refused again."""
    rng = np.random.default_rng(12)
    n = 300
    same = {
        "closed": np.zeros(n, dtype=bool),
        "listed": rng.uniform(size=n) < 0.2,
        "liable": rng.uniform(size=n) < 0.6,
        "detection": np.full(n, detection),
        "u_detect": rng.uniform(size=n),
        "u_examine": rng.uniform(size=n),
        "u_serve": rng.uniform(size=n),
    }
    (few, more), (p_few, p_more) = sorted((few, more)), sorted((p_few, p_more))
    small = check(**same, examined=np.full(n, few), p_serve=np.full(n, p_few))
    large = check(**same, examined=np.full(n, more), p_serve=np.full(n, p_more))
    assert np.all((large != Reason.NONE) >= (small != Reason.NONE))


def test_notices_are_expected_as_often_as_they_are_handed_out(arrivals):
    reason = check(**arrivals)
    examined, expected = notices(
        reason, arrivals["liable"], arrivals["examined"], arrivals["p_serve"], arrivals["u_examine"]
    )
    served = reason == Reason.NOTICE
    error = np.sqrt((expected * (1 - expected)).sum())
    assert abs(served.sum() - expected.sum()) < 4 * error
    assert np.all(examined[served])
    assert not expected[reason == Reason.LIST].any()


@pytest.mark.parametrize(
    ("checks", "liable", "share"), [(0, 0, 0), (0, 50, 0), (30, 0, 1), (30, 10, 1), (30, 120, 0.25)]
)
def test_officers_examine_as_many_as_they_can(checks, liable, share):
    assert examined_share(checks, liable) == share


def test_the_list_holds_the_summoned_and_some_liable_men_at_random():
    summoned = np.array([True, False, False, False])
    liable = np.array([False, True, True, False])
    u = np.array([0.9, 0.05, 0.5, 0.05])
    assert on_the_list(summoned, liable, u, 0.1).tolist() == [True, True, False, False]
    assert on_the_list(summoned, liable, u, 0.0).tolist() == [True, False, False, False]


def test_a_man_served_or_turned_back_twice_does_not_try_again():
    tries = np.array([0, 1, 0, 0])
    reason = np.array([Reason.LIST, Reason.LIST, Reason.NOTICE, Reason.ENTRY_REFUSED])
    assert may_try_again(tries, reason, np.zeros(4), 0.3).tolist() == [True, False, False, True]
    assert not may_try_again(tries, reason, np.full(4, 0.31), 0.3).any()


def test_summonses_add_up_to_the_announced_pace_over_the_share_who_comply():
    rng = np.random.default_rng(13)
    men = rng.integers(10_000, 900_000, 83).astype(float)
    liable = men * rng.uniform(0.4, 0.8, 83)
    mobilised = men * rng.uniform(0.002, 0.02, 83)
    relative = relative_call_up(mobilised, men, 1.0)
    per_man = hazard_per_announced_man(relative, men, liable, error_share=0.05, comply=0.9)
    summoned = per_man * np.stack([men - liable, liable], axis=1)
    assert summoned.sum() == pytest.approx(1 / 0.9)
    assert summoned[:, 0].sum() == pytest.approx(0.05 / 0.9)
    assert (relative * men).sum() == pytest.approx(men.sum())
    assert relative / relative[0] == pytest.approx((mobilised / men) / (mobilised / men)[0])


def test_without_disparity_every_region_gives_its_share():
    relative = relative_call_up(np.array([1.0, 9.0]), np.array([50.0, 50.0]), 0.0)
    assert relative == pytest.approx([1, 1])


@given(st.floats(1e-9, 1e-6), st.floats(0, 9e5))
def test_a_hazard_makes_the_chance_it_stands_for(per_man, announced):
    hazard = cumulated_hazard(np.array([per_man]), announced)
    assert -np.expm1(-hazard) == pytest.approx([per_man * announced], rel=1e-9)


def test_the_announced_total_is_linear_between_its_dates():
    pace = load("september-2022").call_up.pace
    clock = Clock(datetime(2022, 9, 17), datetime(2022, 11, 1))
    dates = {clock.seconds(moment) / 3600: value for moment, value in pace.value.items()}
    hours = np.array(sorted(dates))
    assert announced_total(pace, clock, hours) == pytest.approx([dates[h] for h in hours])
    middle = (hours[:-1] + hours[1:]) / 2
    values = np.array([dates[h] for h in hours])
    assert announced_total(pace, clock, middle) == pytest.approx((values[:-1] + values[1:]) / 2)
    assert np.all(np.diff(announced_total(pace, clock, np.arange(1080.0))) >= 0)


def test_there_is_no_panic_before_the_announcement_nor_after_everybody_is_called_up():
    scenario = load("september-2022")
    clock, law = scenario.horizon.clock, scenario.call_up
    panic = panic_by_hour(law, clock, lag=2.0, decay=10.0)
    announced = clock.hour(law.announced)
    full = announced_total(law.pace, clock, np.arange(clock.n_hours) + 0.5) >= law.target.value
    assert not panic[:announced].any()
    assert np.all(panic[announced : announced + 24 * 14] > 0)
    assert full.any()
    assert not panic[full].any()
    assert np.all((panic >= 0) & (panic < 1))
    t = (announced + 60.5 - clock.seconds(law.announced) / 3600) / 24
    left = 1 - announced_total(law.pace, clock, np.array([announced + 60.5]))[0] / law.target.value
    expected = (1 - np.exp(-t / 2)) * np.exp(-t / 10) * left
    assert panic[announced + 60] == pytest.approx(expected)


def test_where_nobody_is_to_be_called_up_there_is_no_panic_and_no_hazard():
    world = World(load("september-2022", {"call_up.target": 0, "call_up.pace": 0}))
    assert not world.panic.any()
    assert not world.announced.any()
    assert not world.call_up_caps.any()


def _rumour(strength: object, fade: float) -> World:
    rumour = {
        "kind": "rumour",
        "from": "2022-09-25T12:00",
        "to": "2022-09-29",
        "strength": strength,
        "fade": {"value": fade, "source": "assumption: test"},
    }
    return World(load("september-2022", {"policies.rumour_of_closure": None, "policies.r": rumour}))


def _one(value: float) -> dict[str, object]:
    return {"value": value, "source": "assumption: test"}


def _hours(world: World) -> tuple[int, int]:
    policy = world.assumptions.policies["r"]
    return world.clock.hour(policy.start), world.clock.hour(policy.end)


def test_a_rumour_raises_the_panic_by_its_strength_while_it_lasts():
    """One strength is for all destinations; with no fading it ends at once."""
    told = _rumour(_one(2.0), 0)
    silent = World(load("september-2022", {"policies.rumour_of_closure": None}))
    first, last = _hours(told)
    ratio = (told.panic / np.where(silent.panic > 0, silent.panic, 1)).reshape(-1, 2)
    inside = np.zeros(len(ratio), dtype=bool)
    inside[first:last] = True
    assert ratio[inside] == pytest.approx(3.0)
    assert set(np.round(ratio[~inside], 12).ravel().tolist()) <= {0.0, 1.0}


def test_a_rumour_about_one_destination_fades_after_its_end():
    """Two days after its end exp(-2 / fade) of it are left, and nothing about the other."""
    world = _rumour({"kazakhstan": _one(4.0)}, 2.0)
    first, last = _hours(world)
    rumour = world.table.rumour[WARM_UP:]
    georgia, kazakhstan = (world.destinations.index(n) for n in ("georgia", "kazakhstan"))
    assert not rumour[:, georgia].any()
    assert not rumour[:first, kazakhstan].any()
    assert np.all(rumour[first:last, kazakhstan] == 4.0)
    later = rumour[last:, kazakhstan]
    assert later == pytest.approx(4 * np.exp(-(np.arange(len(later)) + 0.5) / 48))


def test_more_checks_are_heard_of_more_up_to_a_ceiling():
    """So the number of checks alone moves what deters: none is not heard of, many are."""
    heard = []
    for checks in (0, 13, 30, 60, 1000):
        change = {"policies.task_force_lars.checks_per_hour": checks}
        world = World(load("september-2022", change))
        heard.append(world.table.visibility[:, 0].max())
    ceiling = world.assumptions.policies["task_force_lars"].visibility.value
    assert heard[0] == 0
    assert heard[1] == pytest.approx(ceiling * (1 - np.exp(-1)))
    assert heard == sorted(heard)
    assert heard[-1] == ceiling


def test_ordinary_traffic_has_weekdays_of_mean_one():
    """Saturday is above Tuesday, by the local day, and a week has its level."""
    world = World(load("september-2022", {"destinations.georgia.background_season": 1}))
    georgia = world.destinations.index("georgia")
    there = world.assumptions.destinations["georgia"]
    days = world.background[WARM_UP - 1 : WARM_UP - 1 + 14 * 24, georgia].reshape(14, 24)
    assert np.all(days == days[:, :1])  # Georgian days begin an hour before Moscow's
    week = np.array(list(there.background_weekday.value.values()))
    saturday_first = np.roll(week / week.mean(), -5)
    assert days[:7, 0] == pytest.approx(there.background.value * saturday_first)
    assert days[:7].mean() == pytest.approx(there.background.value)
