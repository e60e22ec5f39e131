"""Run a scenario to its end in memory: what sweeps, comparisons and calibration repeat."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pandas as pd

from flowsim.model.draw_cache import DrawCache
from flowsim.model.flow_model import FlowModel
from flowsim.model.world import World
from flowsim.results.observation import Observed
from flowsim.results.tables import daily_table, outcomes_table
from flowsim.scenario.schema import Scenario

Replicate = Callable[[int], FlowModel]
"""Runs a replication, by its number, to the end."""
BIRTHS = DrawCache()
"""What men drew in earlier calls of this process, so that one seed's men serve all."""


def simulate(scenario: Scenario | World, replication: int = 0) -> FlowModel:
    """Run a scenario to the end of its horizon, with nothing on disk; same men as ``run``.

    Parameters
    ----------
    scenario : Scenario or World
        A ``World`` saves laying it out again for each replication.
    replication : int
        Replication r of every scenario with the same seed shares its draws.
    """
    model = FlowModel(scenario, replication=replication, draw_cache=BIRTHS)
    while model.running:
        model.step()
    return model


def prepared(scenario: Scenario) -> Replicate:
    """Return what runs a replication of a scenario, which is compiled once for all of them."""
    return partial(simulate, World(scenario))


def tables(scenario: Scenario, replications: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Run a scenario some times in memory; return its daily table and its outcomes, as ``run``."""
    replicate = prepared(scenario)
    daily, outcomes = [], []
    for r in range(replications):
        model = replicate(r)
        daily.append(daily_table(Observed(model), r))
        outcomes.append(outcomes_table(model, r))
        model.discard()
    return pd.concat(daily, ignore_index=True), pd.concat(outcomes, ignore_index=True)
