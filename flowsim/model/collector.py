"""Totals of the nation by the hour, as Mesa's tools expect them: a ``DataCollector``.

Every event stands in the ledger of trips with its second, so nothing is collected while a model
runs: the hours passed are read back when somebody asks.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from flowsim.model.framework import mesa
from flowsim.model.journey import Trips
from flowsim.model.population import Population
from flowsim.model.states import Status
from flowsim.types import Floats

TOTALS = ("departures", "entries", "turned_back", "gave_up", "enlisted")
"""What is totalled: men to whom it has happened since the start, second tries not counted anew."""


def collected(men: Population, trips: Trips, n_hours: int) -> mesa.DataCollector:
    """Collect the totals of each hour passed.

    Parameters
    ----------
    men : Population
    trips : Trips
        Completed up to ``n_hours``.
    n_hours : int
        How many hours have passed; one row each.

    Returns
    -------
    mesa.DataCollector
        One model variable for each of ``TOTALS``, in men.
    """
    collector = mesa.DataCollector(model_reporters={name: name for name in TOTALS})
    totals = totals_by_hour(men, trips, n_hours)
    for hour in range(n_hours):
        values = {name: float(total[hour]) for name, total in totals.items()}
        collector.collect(SimpleNamespace(steps=hour + 1, time=hour + 1.0, **values))
    return collector


def totals_by_hour(men: Population, trips: Trips, n_hours: int) -> dict[str, Floats]:
    """Cumulate, for each of ``TOTALS``, the men to whom it happened by the end of each hour.

    Returns
    -------
    dict
        Arrays of shape (``n_hours``,), men.
    """
    weight, end, ends_at = trips["weight"], trips["end"], trips["ends_at"]
    first = trips["tries"] == 0

    def ended(which: npt.NDArray[np.bool_]) -> Floats:
        return _cumulated(ends_at[which], weight[which], n_hours)

    return {
        "departures": _cumulated(trips["leaves_at"][first], weight[first], n_hours),
        "entries": ended(end >= Status.ABROAD),
        "turned_back": ended(first & np.isin(end, (Status.LIMITED, Status.TURNED_BACK))),
        "gave_up": ended(first & (end == Status.GAVE_UP)),
        "enlisted": _cumulated(men.enlisted_at, men.weight_of(np.arange(len(men))), n_hours),
    }


def _cumulated(seconds: npt.NDArray[Any], weight: Floats, n_hours: int) -> Floats:
    """Add up weights by the hour in which their moments lie, or at whose end; ignore later ones."""
    hour = np.maximum(-(-seconds.astype(np.int64) // 3600) - 1, 0)
    within = hour < n_hours
    return np.bincount(hour[within], weight[within], minlength=n_hours).cumsum()
