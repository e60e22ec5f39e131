"""What `check` accepts runs, keeps every man, and gives finite tables."""

from __future__ import annotations

from random import Random

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odd_worlds import odd_scenario

from flowsim.errors import ScenarioError
from flowsim.experiments.running import tables_of
from flowsim.experiments.simulate import simulate
from flowsim.model.world import World
from flowsim.results.measures import Place, zero_by_construction
from flowsim.scenario import Base
from flowsim.scenario.schema import Scenario

MAY_BE_UNKNOWN = ("wait_hours", "educated_share", "passport_share")
"""How the names of measures begin that have no value where there was nobody."""
BASES: dict[str, Base] = {}


def _is_sound(rng: Random) -> None:
    """Run odd changes of a scenario, if they are accepted, and look at what comes out."""
    name, changes = odd_scenario(rng)
    base = BASES.setdefault(name, Base.read(name))
    try:
        scenario = base.variant(changes)
    except ScenarioError:
        return
    world = World(scenario)
    tables = tables_of(simulate(world), 0)
    outcomes = tables["outcomes"]
    assert outcomes["men"].sum() == pytest.approx(world.strata.men.sum(), rel=1e-9)
    for table in tables.values():
        _is_finite(table)
    _is_zero_where_said(scenario, tables["daily"])


def _is_zero_where_said(scenario: Scenario, daily: pd.DataFrame) -> None:
    """Whether what is 0 by construction is 0."""
    whole = daily.groupby(["place_kind", "place_id", "measure"], observed=True)["value"].max()
    for (kind, place, measure), most in whole[whole > 0].items():
        said = zero_by_construction(scenario, measure, Place(kind, place))
        assert not said, (place, measure, most)


def _is_finite(table: pd.DataFrame) -> None:
    """Whether all numbers of a table are finite, those apart that nobody could measure."""
    if {"measure", "value"} <= set(table):
        unknown = table["measure"].astype(str).str.startswith(MAY_BE_UNKNOWN)
        table = table[~(unknown & table["value"].isna())]
    for column in table.select_dtypes("number"):
        assert np.isfinite(table[column]).all(), table[~np.isfinite(table[column])]


CALM = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=8, derandomize=True, **CALM)
@given(st.randoms(use_true_random=False))
def test_some_scenarios_that_check_accepts_run(rng):
    _is_sound(rng)


@pytest.mark.slow
@settings(max_examples=300, **CALM)
@given(st.randoms(use_true_random=False))
def test_many_scenarios_that_check_accepts_run(rng):
    _is_sound(rng)
