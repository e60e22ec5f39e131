"""What can be measured where, and how a daily series becomes one number.

The names of INTERFACES.md (docs: README, "Results"); a test holds this list against the
tables that the model writes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from flowsim.data import measures
from flowsim.scenario.observing import places_of
from flowsim.scenario.policies import KINDS
from flowsim.scenario.schema import Scenario
from flowsim.types import Floats

PLACES = ("nation", "region", "destination", "crossing", "group", "exit")
MEASURES = {
    kind: tuple(name for name, one in measures.MEASURES.items() if kind in one.measured_at)
    for kind in PLACES
}
"""Measures of the daily table by kind of place."""

# sums are exact, so that no machine adds up in an order of its own
_REDUCE: dict[str, Callable[[Floats], float]] = {
    "sum": math.fsum,
    "last": lambda values: values[-1],
    "first": lambda values: values[0],
    "max": np.max,
    "min": np.min,
    "mean": lambda values: math.fsum(values) / len(values),
}
REDUCTIONS = tuple(_REDUCE)


def reduction(measure: str) -> str:
    """Return how a measure adds up over days unless the file says otherwise."""
    known = measures.MEASURES
    return known[measure].days if measure in known else "sum"


def reduced(values: Floats, rule: str) -> float:
    """Reduce a daily series to one number.

    Parameters
    ----------
    values : float64, shape (D,)
        Days without a value (nobody waited) are NaN, and are left out.
    rule : str
        One of ``REDUCTIONS``.

    Returns
    -------
    float
        NaN if no day has a value.
    """
    some = values[np.isfinite(values)]
    return float(_REDUCE[rule](some)) if len(some) else math.nan


def known_measures() -> list[str]:
    """Return every measure once, in the order of the tables."""
    return list(measures.MEASURES)


@dataclass(frozen=True)
class Place:
    """A place as tables name it."""

    kind: str
    place_id: str


def places(scenario: Scenario) -> dict[str, Place]:
    """Return every place of a scenario's tables by id; destinations also by name."""
    kinds = places_of(scenario)
    named = scenario.destinations.items()
    found = {name: Place(kind, name) for name, kind in kinds.items()}
    return found | {name: Place("destination", country.code) for name, country in named}


def zero_by_construction(scenario: Scenario, measure: str, place: Place) -> bool:
    """Whether nothing in a scenario could make a measure of a place differ from 0.

    Parameters
    ----------
    scenario : Scenario
    measure : str
        Of the daily table.
    place : Place

    Returns
    -------
    bool
        False says only that something could.
    """
    crossings = scenario.crossings
    here = {
        (crossing.destination, name)
        for name, crossing in crossings.items()
        if place.place_id
        in (name, crossing.group, scenario.destinations[crossing.destination].code)
    }
    if measure == "registrations":
        return not any(scenario.destinations[country].registers for country, _ in here)
    makers = tuple(kind for kind in KINDS.values() if measure in kind.counts)
    return bool(makers) and not any(
        isinstance(policy, makers) and policy.touches(country, name, crossings)
        for policy in scenario.policies.values()
        for country, name in here
    )
