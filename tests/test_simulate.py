"""Runs in memory, repeated: the same men, and nothing left behind."""

import gc
import weakref

from flowsim.experiments.simulate import simulate
from flowsim.scenario import load


def test_a_finished_model_is_forgotten():
    """A sweep of ten thousand runs must not keep ten thousand models (Mesa 3.3 would)."""
    model = simulate(load("september-2022", {"sample": 0.0005}))
    there = weakref.ref(model)
    del model
    gc.collect()
    assert there() is None
