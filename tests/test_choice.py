"""Leaving and choosing against the closed forms of the model's one law."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from conftest import passed_at
from hypothesis import given, settings
from hypothesis import strategies as st

from flowsim.model.choice import Pressure, generalised_hours
from flowsim.model.decisions import Thresholds, moments
from flowsim.model.flow_model import FlowModel
from flowsim.model.journey import Limit
from flowsim.model.population import positive_stable
from flowsim.model.states import NEVER
from flowsim.model.world import World
from flowsim.scenario import load
from flowsim.scenario.clock import DAY

N = 200_000
LAMBDAS = (0.3, 0.6, 1.0)
RNG = 20220921


def men(index: float, n: int = N, destinations: int = 2) -> np.ndarray:
    """Draw thresholds, error over frailty, of identical men, shape (n, destinations)."""
    rng = np.random.default_rng([RNG, round(100 * index)])
    frailty = positive_stable(rng.uniform(size=n), rng.exponential(size=n), index)
    return rng.exponential(size=(n, destinations)) / frailty[:, None]


def standard_error(p: np.ndarray | float, n: float) -> np.ndarray | float:
    return np.sqrt(p * (1 - p) / n)


@pytest.mark.parametrize("index", (0.25, 0.3, 0.6, 0.9))
def test_the_frailty_has_the_laplace_transform_of_a_positive_stable_law(index):
    """E exp(-s S) = exp(-s**lambda)."""
    rng = np.random.default_rng(RNG)
    frailty = positive_stable(rng.uniform(size=N), rng.exponential(size=N), index)
    assert np.all(frailty > 0)
    for s in (0.01, 0.1, 1.0, 10.0):
        values = np.exp(-s * frailty)
        error = values.std() / np.sqrt(N)
        assert abs(values.mean() - np.exp(-(s**index))) < 4 * error


def test_without_shared_frailty_everybody_has_the_same():
    u = np.array([0.1, 0.5, 0.9])
    assert np.array_equal(positive_stable(u, u, 1.0), np.ones(3))


@pytest.mark.parametrize("index", LAMBDAS)
def test_shares_match_the_logit_formula(index):
    """With both countries open, the share leaving for each equals L / sum L."""
    threshold = men(index)
    level = np.array([0.3, 0.1])
    first = np.argmin(threshold / level, axis=1)
    left = (threshold <= level).any(axis=1)
    n = left.sum()
    share = np.bincount(first[left], minlength=2) / n
    expected = level / level.sum()
    assert np.all(abs(share - expected) < 4 * standard_error(expected, n))


@pytest.mark.parametrize("index", LAMBDAS)
def test_times_match_the_closed_form_at_every_day(index):
    """P(left by t) = 1 - exp(-(sum L)**lambda), found by the model's own search."""
    threshold = men(index).astype(np.float32)
    final = np.array([0.05, 0.02])
    group = np.zeros(N, dtype=np.int64)
    searches = [Thresholds(group, threshold[:, j], np.zeros(1), final[[j]]) for j in range(2)]
    gone = np.zeros(N, dtype=bool)
    for share in (0.1, 0.3, 0.6, 1.0):
        for j, search in enumerate(searches):
            gone[search.advance(final[[j]] * share)[0]] = True
        expected = -np.expm1(-((final.sum() * share) ** index))
        assert abs(gone.mean() - expected) < 4 * standard_error(expected, N)


@pytest.mark.parametrize("index", LAMBDAS)
def test_the_hour_of_departure_follows_the_panic_of_the_day(index):
    """By each hour the share gone is the closed form of the pressure by that hour."""
    threshold = men(index, destinations=1)[:, 0]
    panic = np.linspace(0, 0.1, 24)
    before, after = 0.05, 0.25
    passed = (threshold > before) & (threshold <= after)
    n = passed.sum()
    at = moments(threshold[passed], np.full(n, before), np.full(n, after), panic, day=0)
    assert at.min() >= 0
    assert at.max() < DAY
    for hour in (6, 12, 18):
        level = before + (after - before) * panic[:hour].sum() / panic.sum()
        expected = -np.expm1(-(level**index))
        found = (threshold <= before).mean() + (at < 3600 * hour).sum() / N
        assert abs(found - expected) < 4 * standard_error(expected, N)


def test_nobody_leaves_in_an_hour_without_panic():
    panic = np.zeros(24)
    panic[[9, 20]] = 0.3, 0.1
    share = np.linspace(0.001, 0.999, 500)
    at = moments(share, np.zeros(500), np.ones(500), panic, day=0) // 3600
    assert set(at.tolist()) == {9, 20}
    assert abs((at == 9).mean() - 0.75) < 0.01


@pytest.mark.parametrize("index", LAMBDAS)
def test_expected_leavers_equal_simulated_ones_though_a_country_is_shut(index):
    """``Pressure.grow`` against identical men; the second country opens after six days."""
    threshold = men(index)
    rate, panic, days, opening = np.array([[0.02, 0.04]]), 0.8, 12, 6
    pressure = Pressure.at_rest(1, 2)
    home = np.ones(N, dtype=bool)
    simulated = np.zeros(2)
    for day in range(days):
        opened = np.array([[True, day >= opening]])
        level = pressure.level
        pressure.grow(rate, panic, panic * opened, opened, np.array([float(N)]), index)
        # pent-up pressure toward the second country acts as a ramp over the opening day
        before = np.where(opened & (level > 0), level if day != opening else level * [[1, 0]], 0.0)
        after = np.where(opened, pressure.level, 0.0)
        passed = home[:, None] & (threshold <= after)
        moment = (threshold - before) / np.where(opened, after - before, 1.0)
        first = np.argmin(np.where(passed, moment, np.inf), axis=1)
        leavers = passed.any(axis=1)
        simulated += np.bincount(first[leavers], minlength=2)
        home &= ~leavers
    expected = pressure.expected[0]
    assert expected.sum() == pytest.approx(
        N * -np.expm1(-(pressure.level.sum() ** index)), rel=1e-12
    )
    assert abs(simulated.sum() - expected.sum()) < 4 * N * standard_error(expected.sum() / N, N)
    # between the countries the law is exact only while both act together
    assert np.all(abs(simulated - expected) < 0.03 * expected.sum())


@pytest.mark.parametrize("index", LAMBDAS)
def test_expected_leavers_split_as_simulated_ones_while_rates_change(index):
    threshold = men(index)
    pressure = Pressure.at_rest(1, 2)
    home = np.ones(N, dtype=bool)
    simulated = np.zeros(2)
    rng = np.random.default_rng(RNG)
    for _ in range(8):
        rate, before = rng.uniform(0.005, 0.05, size=(1, 2)), pressure.level
        pressure.grow(rate, 1.0, np.ones((1, 2)), np.ones((1, 2), bool), np.array([N]), index)
        moment = (threshold - before) / (pressure.level - before)
        leavers = home & (moment <= 1).any(axis=1)
        simulated += np.bincount(np.argmin(moment[leavers], axis=1), minlength=2)
        home &= ~leavers
    p = pressure.expected[0] / N
    assert np.all(abs(simulated / N - p) < 4 * standard_error(p, N))


def test_pressure_toward_a_shut_country_moves_nobody_but_is_remembered():
    pressure = Pressure.at_rest(1, 1)
    shut = np.zeros((1, 1))
    pressure.grow(np.array([[0.5]]), 1.0, shut, shut > 0, np.array([100.0]), 0.6)
    assert pressure.expected.sum() == 0
    assert pressure.level.sum() == 0.5
    pressure.grow(np.array([[0.0]]), 1.0, shut + 1, shut == 0, np.array([100.0]), 0.6)
    assert pressure.expected.sum() == pytest.approx(100 * -np.expm1(-(0.5**0.6)))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(0, 60))
def test_a_search_finds_the_men_that_counting_finds(seed, n_groups, n):
    """``Thresholds`` against brute force: rising to a cap at random, ties and zeros included."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, n_groups, n)
    threshold = np.round(rng.exponential(size=n), 2).astype(np.float32)
    cap = np.round(rng.exponential(size=n_groups), 2)
    level = np.minimum(cap, np.round(rng.exponential(size=n_groups) / 4, 2))
    search = Thresholds(group, threshold, level, cap)
    found = threshold <= level.astype(np.float32)[group]
    for _ in range(4):
        rise = rng.exponential(size=n_groups) / 4 * rng.integers(0, 2)
        level = np.minimum(cap, np.round(level + rise, 2))
        rows, thresholds = search.advance(level)
        assert np.array_equal(thresholds, threshold[rows])
        now = threshold <= level.astype(np.float32)[group]
        assert sorted(rows.tolist()) == np.flatnonzero(now & ~found).tolist()
        found = now


def test_a_shut_road_makes_a_country_as_far_as_if_it_were_not_there():
    hours = np.array([[10.0, 20.0], [30.0, 5.0]])
    both = generalised_hours(hours, np.zeros(2), np.array([0.5, 0.5]), 0.2, 0.3)
    one = generalised_hours(hours, np.zeros(2), np.array([1.0, 0.0]), 0.2, 0.3)
    assert one == pytest.approx(hours[:, 0])
    expected = -np.log((0.5 * np.exp(-0.2 * hours)).sum(axis=1)) / 0.2
    assert both == pytest.approx(expected)
    assert generalised_hours(hours, np.zeros(2), np.zeros(2), 0.2, 0.3).min() > 500


def test_an_hour_of_waiting_counts_omega_hours_of_travel():
    hours = np.array([[10.0, 20.0]])
    size = np.array([0.5, 0.5])
    waited = generalised_hours(hours, np.array([10.0, 0.0]), size, 0.2, 0.3)
    driven = generalised_hours(hours + [3.0, 0.0], np.zeros(2), size, 0.2, 0.3)
    assert waited == pytest.approx(driven)


def test_reopening_releases_the_men_pent_up_behind_a_closure_over_a_day():
    """Shut to 2 October, men who passed their thresholds leave within 24 hours of it."""
    closed = {"kind": "border-closed", "at": "kazakhstan", "for": "men", "to": "2022-10-02"}
    changes = {"choice.constant.kazakhstan": -3, "policies.shut": closed}
    model = FlowModel(World(load("september-2022", changes)), sample=0.0005)
    opening = 15 * 24
    for _ in range(opening + 48):
        model.step()
    trips, population = model.trips, model.population
    mine = trips["destination"] == model.world.destinations.index("kazakhstan")
    mine &= trips["limit"] != Limit.TURNS  # who turned there from Lars had left for Georgia
    j = model.world.destinations.index("kazakhstan")
    wished = passed_at(model)[trips["row"][mine], j]
    hours = trips["leaves_at"][mine] / 3600 - opening
    pent_up = wished < opening * 3600
    assert hours.min() >= 0
    assert pent_up.sum() > 50
    assert hours[pent_up].max() < 24
    spread = np.sort(hours[pent_up]) / 24
    even = (np.arange(len(spread)) + 0.5) / len(spread)
    assert abs(spread - even).max() < 1.63 / np.sqrt(len(spread))  # Kolmogorov, 1 %
    assert np.all(hours[~pent_up] > 0)
    waiting = defaultdict(int)
    for row in np.flatnonzero(passed_at(model)[:, j] < (opening - 24) * 3600):
        waiting[bool(population.trip[row] >= 0 or population.enlisted_at[row] < NEVER)] += 1
    assert waiting[False] == 0  # everybody who wished left, or had been called up
