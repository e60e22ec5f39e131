"""Ordinary travellers who come back: balance, steady state, and the closed form of their stays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowsim.model.traffic import stays


def of(*values: float) -> np.ndarray:
    return np.array(values)


def test_a_level_that_holds_leaves_as_many_as_come():
    """In the steady state exits are entries, and the present are level times mean stay."""
    found = stays(np.full((500, 1), 100.0), of(100.0), of(0.8), of(120.0), of(1440.0))
    assert found.exits == pytest.approx(100.0)
    assert found.present == pytest.approx(100 * (0.8 * 120 + 0.2 * 1440))


def test_when_nobody_comes_any_more_the_present_fade_as_their_stays_end():
    found = stays(np.zeros((240, 1)), of(10.0), of(0.5), of(100.0), of(1000.0))
    hours = np.arange(241)
    expected = 10 * (0.5 * 100 * np.exp(-hours / 100) + 0.5 * 1000 * np.exp(-hours / 1000))
    assert found.present[:, 0] == pytest.approx(expected)


def test_one_hour_of_entries_leaves_by_the_exponential_of_its_age():
    """Of who came evenly over an hour, exp(-(t - s) / mean) are there, averaged over s."""
    entries = np.zeros((50, 1))
    entries[0] = 60.0
    found = stays(entries, of(0.0), of(1.0), of(24.0), of(1.0))
    s = (np.arange(100_000) + 0.5) / 100_000
    for hour in (1, 5, 50):
        assert found.present[hour, 0] == pytest.approx(60 * np.exp(-(hour - s) / 24).mean())


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 1), st.floats(1, 200), st.floats(200, 5000))
def test_entries_less_exits_are_the_change_of_the_present(seed, share, short, long):
    entries = np.random.default_rng(seed).uniform(0, 500, (300, 2))
    found = stays(entries, of(200.0, 0.0), of(share, share), of(short, short), of(long, long))
    assert np.array_equal(found.exits, found.present[:-1] + entries - found.present[1:])
    assert (found.exits > -1e-9).all()
    assert np.cumsum(entries - found.exits, axis=0) == pytest.approx(
        found.present[1:] - found.present[0], abs=1e-6
    )
