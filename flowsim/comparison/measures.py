"""From daily series to single numbers, each measure by its own rule."""

from __future__ import annotations

import numpy as np
import pandas as pd

from flowsim.comparison.traces import RunTrace, all_destinations
from flowsim.results import measures
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
    n_days = daily["date"].nunique()  # a series stands in one piece
    table = daily.iloc[::n_days][KEYS].astype(str).reset_index(drop=True)
    how = [reduction(measure) for measure in table["measure"]]
    series = daily["value"].to_numpy().reshape(-1, n_days)
    value = [measures.reduced(*each) for each in zip(series, how, strict=True)]
    return table.assign(how=how, value=value).sort_values(KEYS, ignore_index=True)


def by_outcome(trace: RunTrace) -> pd.DataFrame:
    """Count the men by what became of them; columns as in ``reduced``, place_kind outcome."""
    names = outcomes(all_destinations([trace.world]))
    men = np.bincount(trace.outcome(names), trace.weight[trace.cell], minlength=len(names))
    men[names.index("home")] += trace.world.strata.men.sum() - men.sum()
    table = {"place_kind": OUTCOME, "place_id": list(names), "measure": MEN, "how": "last"}
    return pd.DataFrame({**table, "value": men})
