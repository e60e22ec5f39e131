"""The road: distances, the choice of a crossing, entry limits, stays, and news."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowsim.model.abroad import ends_of_stay, when_open
from flowsim.model.choice import base_utility
from flowsim.model.journey import (
    Limit,
    Trips,
    at_entry_limit,
    choose_crossing,
    drive_hours,
    great_circle_km,
    journey_seconds,
)
from flowsim.model.perceptions import smooth, visible_checks
from flowsim.model.queue import patience_ends
from flowsim.model.states import NEVER
from flowsim.model.world import World
from flowsim.scenario import load
from flowsim.scenario.clock import DAY, HOUR
from flowsim.scenario.timetable import WARM_UP

N = 100_000


@pytest.fixture(scope="module")
def world() -> World:
    """The baseline."""
    return World(load("september-2022"))


def test_moscow_and_tbilisi_are_1644_km_apart():
    km = great_circle_km(np.array([55.7558]), np.array([37.6173]), 41.7151, 44.8271)
    assert km == pytest.approx([1644], abs=5)


@pytest.mark.parametrize(
    ("km", "hours"), [(75, 1), (1050, 14), (1051, 14.0133 + 8), (2100, 28 + 8), (2175, 29 + 16)]
)
def test_a_driver_rests_eight_hours_after_each_fourteen(km, hours):
    assert drive_hours(np.array([float(km)]), 75, 14, 8) == pytest.approx([hours], abs=1e-3)


def test_who_flies_goes_by_the_capital_of_the_crossings_region(world):
    """From Moscow to Mashtakovo: ten hours to Orenburg, then the road from there."""
    roads, to_hub = world.roads, world.assumptions.travel.to_hub.value
    crossing = list(world.assumptions.crossings).index("KZ-MASHTAKOVO")
    moscow, orenburg = (world.regions.code.index(code) for code in ("RU-MOW", "RU-ORE"))
    by_hub = to_hub + roads.by_road[orenburg, crossing]
    assert roads.by_air[moscow, crossing] == min(by_hub, roads.by_road[moscow, crossing])
    assert roads.by_air[orenburg, crossing] == roads.by_road[orenburg, crossing]
    assert np.all(roads.by_road >= roads.by_air)
    assert np.all(roads.by_road > 0)


def test_where_no_road_leads_only_those_who_can_pay_leave(world):
    isolated = ~world.regions.road_connected
    assert isolated.any()
    assert np.array_equal(world.roads.by_road[isolated], world.roads.by_air[isolated])
    assert np.array_equal(world.roads.reach[isolated], world.roads.fly_share[isolated])
    assert np.all(world.roads.reach[~isolated] == 1)
    law = world.assumptions.choice
    whole = base_utility(
        law, world.destinations, world.of_stratum, world.relative_call_up, np.ones(83)
    )
    rate = np.exp((world.base_utility - whole)[:, 0] / law.lambda_.value)
    leavers = rate**law.lambda_.value  # where leaving is rare
    assert leavers == pytest.approx(world.roads.reach[world.of_stratum["region"]])


def test_where_nobody_flies_nobody_leaves_a_region_without_roads():
    nobody = {"travel.fly_share_poorest": 0, "travel.fly_share_richest": 0}
    world = World(load("september-2022", nobody))
    isolated = world.roads.reach == 0
    assert isolated.any()
    where = world.of_stratum["region"]
    assert np.isneginf(world.base_utility[isolated[where]]).all()
    assert np.isfinite(world.base_utility[~isolated[where]]).all()


def test_size_weights_add_up_to_one_in_each_country(world):
    total = np.bincount(world.roads.country, world.roads.size)
    assert total == pytest.approx(np.ones(len(world.destinations)))


def test_crossings_are_chosen_by_the_logit_formula():
    """Shares equal a exp(-theta (h + omega w)), normalised, within four standard errors."""
    hours, wait = np.array([10.0, 14.0, 20.0]), np.array([12.0, 0.0, 0.0])
    size, theta, omega = np.array([0.6, 0.3, 0.1]), 0.18, 0.3
    u = np.random.default_rng(21).uniform(size=(N, 3))
    everywhere = np.ones((N, 3), dtype=bool)
    chosen = choose_crossing(np.tile(hours, (N, 1)), wait, size, everywhere, u, theta, omega)
    weight = size * np.exp(-theta * (hours + omega * wait))
    expected = weight / weight.sum()
    found = np.bincount(chosen, minlength=3) / N
    assert np.all(abs(found - expected) < 4 * np.sqrt(expected * (1 - expected) / N))


@given(st.integers(0, 2**32 - 1))
def test_closing_a_crossing_moves_only_the_men_who_chose_it(seed):
    """Errors belong to man and crossing: the others have no reason to change."""
    rng = np.random.default_rng(seed)
    hours, u = rng.uniform(2, 40, (200, 4)), rng.uniform(size=(200, 4))
    allowed = np.ones((200, 4), dtype=bool)
    given_ = (np.zeros(4), np.full(4, 0.25))
    before = choose_crossing(hours, *given_, allowed, u, 0.18, 0.3)
    allowed[:, 2] = False
    after = choose_crossing(hours, *given_, allowed, u, 0.18, 0.3)
    assert np.array_equal(after[before != 2], before[before != 2])
    assert not (after == 2).any()


def test_a_crossing_without_size_is_taken_only_where_there_is_no_other_way():
    size = np.array([0.5, 0.5, 0.0])
    allowed = np.array([[True, True, True], [True, False, True], [False, False, True]])
    chosen = choose_crossing(
        np.ones((3, 3)), np.zeros(3), size, allowed, np.full((3, 3), 0.5), 0.18, 0.3
    )
    assert chosen.tolist() == [0, 0, 2]


def test_journeys_are_lognormal_around_their_hours():
    z = np.random.default_rng(22).standard_normal(N)
    seconds = journey_seconds(np.full(N, 20.0), z, 0.25)
    logs = np.log(seconds / 72_000)
    assert seconds.dtype == np.int64
    assert abs(logs.mean()) < 4 * 0.25 / np.sqrt(N)
    assert abs(logs.std() - 0.25) < 4 * 0.25 / np.sqrt(2 * N)
    assert np.all(journey_seconds(np.full(5, 20.0), z[:5], 0.0) == 72_000)


@pytest.mark.parametrize("foot_open", (True, False))
def test_men_stopped_at_an_entry_limit_split_as_stated(foot_open):
    """0.25 pass; of the rest 0.5 walk, 0.3 turn, 0.2 go home. Where the foot lane takes nobody,
    0.4 of the walkers find a seat in a car and the others go home."""
    u = np.random.default_rng(23).uniform(size=N)

    def all_(value: float) -> np.ndarray:
        return np.full(N, value)

    what = at_entry_limit(u, all_(0.25), all_(0.5), all_(0.3), all_(0.4), np.full(N, foot_open))
    walk, seats = 0.375, 0.0 if foot_open else 0.4
    home = 0.15 + walk * (1 - seats) * (not foot_open)
    expected = np.array([0.25 + walk * seats, walk * foot_open, 0.225, home])
    found = np.bincount(what, minlength=4) / N
    assert np.all(abs(found - expected) <= 4 * np.sqrt(expected * (1 - expected) / N))
    assert (what == Limit.WALKS).any() == foot_open


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_looser_entry_limit_stops_nobody_who_passed(one, other):
    u = np.linspace(0.001, 0.999, 500)
    strict, loose = (
        at_entry_limit(
            u,
            np.full(500, p),
            np.full(500, 0.5),
            np.full(500, 0.3),
            np.zeros(500),
            np.ones(500, bool),
        )
        for p in sorted((one, other))
    )
    assert np.all(loose[strict == Limit.PASSES] == Limit.PASSES)


def test_patience_and_stays_are_exponential():
    """Means within four standard errors; no hazard, no end."""
    rng = np.random.default_rng(24)
    arrived, u = np.full(N, 1000), rng.uniform(size=N)
    waited = (patience_ends(arrived, u, 10.0) - 1000) / DAY
    assert abs(waited.mean() - 10) < 4 * 10 / np.sqrt(N)
    stay = ends_of_stay(arrived.astype(float), np.full(N, 0.05), rng.exponential(size=N)) - 1000
    assert abs(np.minimum(stay / DAY, 60).mean() - 20 * -np.expm1(-3)) < 4 * 20 / np.sqrt(N)
    assert np.all(ends_of_stay(arrived.astype(float), np.zeros(N), np.ones(N)) == NEVER)


def test_news_of_waits_comes_smoothed():
    believed = np.zeros(1)
    for _ in range(3):
        believed = smooth(believed, np.array([16.0]), 0.5)
    assert believed == pytest.approx([14.0])
    assert smooth(np.array([3.0]), np.array([9.0]), 0.0) == [3.0]


def test_checks_are_as_visible_as_the_crossings_are_large():
    visibility = np.array([[1.0, 0.5, 0.25], [0.0, 0.0, 1.0]])
    seen = visible_checks(visibility, np.array([0.75, 0.25, 1.0]), np.array([0, 0, 1]))
    assert seen.tolist() == [[0.875, 0.25], [0.0, 1.0]]


def test_the_book_of_trips_grows_and_keeps_what_was_written():
    trips = Trips()
    for first in range(0, 5000, 700):
        place = trips.append(row=np.arange(first, first + 700), tries=np.ones(700))
        assert place.tolist() == list(range(first, first + 700))
    assert len(trips) == 5600
    assert np.array_equal(trips["row"], np.arange(5600))
    assert not trips["crossing"].any()


def test_who_comes_to_a_shut_crossing_crosses_when_it_reopens():
    closed = np.zeros((WARM_UP + 10, 2), dtype=bool)
    closed[WARM_UP + 2 : WARM_UP + 5, 0] = True
    closed[WARM_UP + 7 :, 0] = True
    at = np.array([1.5, 2.5, 4.9, 6.0, 8.0, 2.5]) * HOUR
    found = when_open(at, np.array([0, 0, 0, 0, 0, 1]), closed)
    assert list(found[:4] / HOUR) == [1.5, 5.0, 5.0, 6.0]
    assert found[4] > 100 * 365 * DAY / 2  # never
    assert found[5] == at[5]
