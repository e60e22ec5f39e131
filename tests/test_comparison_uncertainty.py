"""Intervals of paired differences, against SciPy and against theory."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from flowsim.comparison.tables import differences, interval, paired, reduced

RNG = np.random.default_rng(20220921)


def test_the_interval_is_students():
    values = RNG.normal(3, 2, size=(7, 4))
    found = interval(values)
    for k in range(4):
        low, high = stats.t.interval(0.95, 6, values[:, k].mean(), stats.sem(values[:, k]))
        assert (found.low[k], found.high[k]) == pytest.approx((low, high))


def test_95_in_a_hundred_intervals_hold_the_truth():
    tries = 20_000
    found = interval(RNG.normal(10, 3, size=(5, tries)))
    held = np.mean((found.low < 10) & (found.high > 10))
    assert abs(held - 0.95) < 4 * np.sqrt(0.95 * 0.05 / tries)


def test_a_paired_difference_is_that_of_the_paired_t_test():
    a = RNG.normal(100, 20, size=(9, 3))
    b = a + RNG.normal(5, 2, size=(9, 3))
    found = paired(a, b)
    expected = stats.ttest_rel(b, a).confidence_interval(0.95)
    assert found.difference.low == pytest.approx(expected.low)
    assert found.difference.high == pytest.approx(expected.high)
    assert found.difference.mean == pytest.approx(found.b - found.a)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.95])
def test_pairing_divides_the_variance_by_one_over_one_minus_the_correlation(correlation):
    """(var a + var b) / var(b - a) = 1 / (1 - rho) for equal variances."""
    n = 200_000
    common, own_a, own_b = RNG.normal(size=(3, n))
    a, b = (
        np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own for own in (own_a, own_b)
    )
    assert float(paired(a, b).variance_factor) == pytest.approx(1 / (1 - correlation), rel=0.02)


def test_a_difference_that_never_varies_has_no_factor_and_no_width():
    a = RNG.normal(size=6) + 1e6
    found = paired(a, a + 1)
    assert np.isnan(found.variance_factor)
    assert found.difference.high - found.difference.low < 1e-6


def test_a_pair_without_a_value_on_one_side_does_not_count():
    a, b = np.array([1.0, 2.0, np.nan, 4.0]), np.array([2.0, np.nan, 5.0, 7.0])
    found = paired(a, b)
    assert int(found.difference.n) == 2
    assert (found.a, found.b) == (2.5, 4.5)
    assert float(found.difference.mean) == 2


def test_one_replication_gives_a_mean_and_no_interval():
    found = interval(np.array([[5.0]]))
    assert found.mean[0] == 5
    assert np.isnan(found.low[0])
    assert np.isnan(found.high[0])


def test_each_measure_is_reduced_by_its_own_rule():
    """Flows add up, stocks give the last day, queues the longest, waits the mean of days."""
    days = pd.date_range("2022-09-21", periods=3)
    values = {
        "entries": [1.0, 2.0, 4.0],
        "stock_men": [5.0, 9.0, 7.0],
        "queue_cars": [3.0, 8.0, 1.0],
        "wait_hours": [np.nan, 2.0, 4.0],
    }
    daily = pd.DataFrame(
        [
            {
                "date": day,
                "place_kind": "crossing",
                "place_id": "X",
                "measure": measure,
                "value": value,
            }
            for measure, series in values.items()
            for day, value in zip(days, series, strict=True)
        ]
    )
    found = reduced(daily).set_index("measure")["value"].to_dict()
    assert found == {"entries": 7, "stock_men": 7, "queue_cars": 8, "wait_hours": 3}


def test_differences_pair_replications_by_number_and_not_by_place():
    def table(values):
        return pd.DataFrame(
            {
                "measure": "entries",
                "how": "sum",
                "place_kind": "destination",
                "place_id": "GE",
                "replication": list(values),
                "value": list(values.values()),
            }
        )

    a, b = table({0: 10.0, 1: 20.0, 2: 60.0}), table({2: 61.0, 0: 11.0, 1: 21.0})
    row = differences([a, b], ["one", "two"]).iloc[0]
    assert (row["a"], row["b"], row["n"]) == ("one", "two", 3)
    assert (row["difference"], row["low"], row["high"]) == (1, 1, 1)
    assert (row["value_a"], row["value_b"]) == (30, 31)
