"""Shapley values against published games, and coinciding policies on and off."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from flowsim.comparison import coincidence
from flowsim.comparison.coincidence import shapley_shares
from flowsim.scenario import load

GAMES = st.integers(1, 5).flatmap(
    lambda n: arrays(np.float64, 2**n, elements=st.floats(-1e6, 1e6, width=32))
)


def test_the_glove_game():
    """Two hold a right glove, one a left: 1/6, 1/6 and 4/6 of a pair's worth."""
    worth = [float(mask & 1 and mask & 6) and 1.0 for mask in range(8)]
    assert shapley_shares(np.array(worth)).shapley == pytest.approx([4 / 6, 1 / 6, 1 / 6])


def test_the_airport_game():
    """Runways that cost 8, 11, 13 and 18 are shared 2, 3, 4 and 9 (Littlechild and Owen 1973)."""
    costs = (8, 11, 13, 18)
    worth = [
        max((c for i, c in enumerate(costs) if mask >> i & 1), default=0) for mask in range(16)
    ]
    assert shapley_shares(np.array(worth, dtype=float)).shapley == pytest.approx([2, 3, 4, 9])


@settings(max_examples=60, deadline=None)
@given(GAMES)
def test_the_shares_add_up_to_the_total_whatever_the_game(worth):
    found = shapley_shares(worth)
    scale = max(1.0, abs(worth).max())
    assert found.shapley.sum() == pytest.approx(worth[-1] - worth[0], abs=1e-9 * scale)
    assert found.last.sum() + found.common == pytest.approx(found.total, abs=1e-9 * scale)


@settings(max_examples=30, deadline=None)
@given(GAMES)
def test_the_value_is_the_mean_over_all_orders_and_the_range_is_theirs(worth):
    """Against brute force: every order of arrival is played."""
    n = len(worth).bit_length() - 1
    effects = [[] for _ in range(n)]
    for order in permutations(range(n)):
        mask = 0
        for cause in order:
            effects[cause].append(worth[mask | 1 << cause] - worth[mask])
            mask |= 1 << cause
    found = shapley_shares(worth)
    scale = 1e-9 * max(1.0, abs(worth).max())
    assert found.shapley == pytest.approx([np.mean(e) for e in effects], abs=scale)
    assert found.least == pytest.approx([min(e) for e in effects], abs=scale)
    assert found.most == pytest.approx([max(e) for e in effects], abs=scale)


def test_causes_that_only_add_up_are_told_apart_completely():
    alone = np.array([3.0, -5.0, 7.0])
    worth = np.array([sum(alone[i] for i in range(3) if mask >> i & 1) for mask in range(8)])
    found = shapley_shares(worth)
    assert found.common == pytest.approx(0)
    for part in (found.shapley, found.first, found.last, found.least, found.most):
        assert part == pytest.approx(alone)


def test_what_either_of_two_causes_would_do_cannot_be_told_apart():
    found = shapley_shares(np.array([0.0, 10.0, 10.0, 10.0]))
    assert found.common == pytest.approx(10)
    assert found.shapley == pytest.approx([5, 5])
    assert found.last == pytest.approx([0, 0])


def test_a_cause_that_changes_nothing_explains_nothing():
    found = shapley_shares(np.array([1.0, 1.0, 4.0, 4.0]))
    assert found.shapley == pytest.approx([0, 3])


def test_a_number_of_outcomes_that_is_no_power_of_two_is_refused():
    with pytest.raises(ValueError, match="6 combinations"):
        shapley_shares(np.zeros(6))


# -- policies

BASE = load("september-2022")
POLICIES = tuple(BASE.coincidence.policies)
TARGETS = BASE.coincidence.targets


def test_the_coinciding_policies_are_those_that_the_baseline_has():
    both = [load("no-task-force"), load("september-2022")]
    scenario, policies = coincidence.coinciding(both, True)
    assert scenario.name == "september-2022"
    assert policies == POLICIES
    assert coincidence.coinciding(both) is None  # they differ in one policy alone


def test_nothing_coincides_where_no_scenario_says_so():
    plain = load("september-2022", ["coincidence=null"])
    assert coincidence.coinciding([plain, plain]) is None
    gone = load("september-2022", [f"policies.{name}=null" for name in POLICIES])
    assert coincidence.coinciding([gone]) is None


def test_every_combination_of_policies_is_there_once_and_nothing_else_changes():
    scenario = load("september-2022")
    combined = coincidence.combinations(scenario, POLICIES)
    present = [{name for name in POLICIES if name in s.policies} for s in combined]
    assert len({frozenset(some) for some in present}) == 16
    assert present[0] == set()
    assert combined[-1] == scenario
    for mask, some in enumerate(present):
        expected = {name for i, name in enumerate(POLICIES) if mask >> i & 1}
        assert some == expected
    assert all("list_check_lars" in s.policies for s in combined)


def test_a_fall_is_the_mean_before_less_the_mean_after():
    days = pd.date_range("2022-09-24", "2022-10-08")
    value = np.where(days < "2022-09-29", 100.0, 30.0)
    daily = pd.DataFrame({"date": days, "place_id": "RU", "measure": "departures", "value": value})
    fall, after = (t for t in TARGETS if t.measure == "departures")
    assert coincidence.value_of(fall, daily) == 70
    assert coincidence.value_of(after, daily) == 30
    assert np.isnan(coincidence.value_of(fall, daily[daily["date"] != "2022-10-03"]))


def test_the_table_of_shares_adds_up_and_has_paired_intervals():
    rng = np.random.default_rng(5)
    values = rng.normal(size=(6, 4, len(TARGETS))) + 100 * rng.normal(size=(6, 1, 1))
    values[:, :, 1] = np.nan  # a measure that this scenario does not have
    table = coincidence.explained(BASE, ("one", "two"), values)
    assert table["target"].nunique() == len(TARGETS) - 1
    for _, rows in table.groupby("target"):
        effect = rows.set_index("policy")["effect"]
        total = effect[coincidence.WHOLE] - effect[coincidence.REST]
        assert effect[coincidence.ALL] == pytest.approx(total)
        assert effect["one"] + effect["two"] == pytest.approx(total)
        width = (rows["high"] - rows["low"]).to_numpy() / 2
        assert width[:2].max() < 5  # what the replications share has gone from the effects
        assert width[-1] > 20
