"""From daily series to single numbers, each measure by its own rule."""

from __future__ import annotations

import numpy as np
import pandas as pd

from flowsim.comparison.traces import RunTrace, all_destinations
from flowsim.results.measures import reduction
from flowsim.results.outcomes import outcomes

KEYS = ["place_kind", "place_id", "measure"]
OUTCOME, MEN = "outcome", "men"


def reduced(daily: pd.DataFrame) -> pd.DataFrame:
    """Reduce the daily table of one run to one number for each measure and place.

    Parameters
    ----------
    daily : DataFrame
        As ``results.daily_table`` gives it, days in order.

    Returns
    -------
    DataFrame
        ``place_kind``, ``place_id``, ``measure``, ``how`` (sum, last, max or mean: the
        measure's own rule) and ``value``. Days without a value (nobody waited) are left out.
    """
    grouped = daily.groupby(KEYS, observed=True, sort=True)["value"]
    every = grouped.agg(["sum", "last", "max", "mean"]).reset_index()
    every[KEYS] = every[KEYS].astype(str)
    how = every["measure"].map(reduction)
    value = every["mean"].to_numpy().copy()
    for rule in ("sum", "last", "max"):
        value[how == rule] = every.loc[how == rule, rule]
    return every[KEYS].assign(how=how, value=value)


def by_outcome(trace: RunTrace) -> pd.DataFrame:
    """Count the men by what became of them; columns as in ``reduced``, place_kind outcome."""
    names = outcomes(all_destinations([trace.world]))
    men = np.bincount(trace.outcome(names), trace.weight[trace.cell], minlength=len(names))
    men[names.index("home")] += trace.world.strata.men.sum() - men.sum()
    table = {"place_kind": OUTCOME, "place_id": list(names), "measure": MEN, "how": "last"}
    return pd.DataFrame({**table, "value": men})
