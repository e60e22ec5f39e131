"""Policies that came at the same time: how much of what followed each can explain.

A scenario says which of its policies coincide, and what followed them (``coincidence``). Every
combination of them is run, with the same men, and what changed is divided by Shapley values
(``shapley.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pandas as pd

from flowsim.comparison.shapley import shapley_shares
from flowsim.comparison.uncertainty import interval
from flowsim.results.comparison import ALL, COMMON, REST, WHOLE
from flowsim.scenario.coincidence import Target
from flowsim.scenario.schema import Scenario
from flowsim.types import Floats


def value_of(target: Target, daily: pd.DataFrame) -> float:
    """Return the value of a target in the daily table of one run; NaN where it has none."""
    rows = daily[(daily["measure"] == target.measure) & (daily["place_id"] == target.place)]
    value = _mean(rows, target.days)
    return value if target.against is None else _mean(rows, target.against) - value


def _mean(rows: pd.DataFrame, days: tuple[datetime, datetime]) -> float:
    first, last = (pd.Timestamp(day) for day in days)
    chosen = rows["value"][(rows["date"] >= first) & (rows["date"] <= last)]
    whole = len(chosen) == (last - first).days + 1
    return float(chosen.mean()) if whole else float("nan")


def coinciding(
    scenarios: Sequence[Scenario], asked: bool | None = None
) -> tuple[Scenario, tuple[str, ...]] | None:
    """Return the scenario with most coinciding policies (the first such), and which are divided.

    Parameters
    ----------
    asked : bool, optional
        All that it has, or none. By default those in which the scenarios differ, if there
        are several: one alone is divided by the comparison itself.

    Returns
    -------
    tuple or None
        None if nothing is to be divided.
    """
    found = [(s, _present(s)) for s in scenarios]
    scenario, policies = max(found, key=lambda each: len(each[1]))
    if asked is None:
        policies = tuple(name for name in policies if _differs(name, scenarios))
        asked = len(policies) > 1
    return (scenario, policies) if asked and policies else None


def _differs(policy: str, scenarios: Sequence[Scenario]) -> bool:
    first, *others = (scenario.policies.get(policy) for scenario in scenarios)
    return any(other != first for other in others)


def _present(scenario: Scenario) -> tuple[str, ...]:
    named = scenario.coincidence.policies if scenario.coincidence is not None else ()
    return tuple(name for name in named if name in scenario.policies)


def targets_of(scenario: Scenario) -> tuple[Target, ...]:
    """Return what the scenario wants explained; empty if nothing."""
    return scenario.coincidence.targets if scenario.coincidence is not None else ()


def combinations(scenario: Scenario, policies: Sequence[str]) -> list[Scenario]:
    """Return the scenario with every combination of some policies: 2**K, bit i is policy i on."""
    return [
        scenario.model_copy(
            update={
                "policies": {
                    name: policy
                    for name, policy in scenario.policies.items()
                    if name not in policies or mask >> policies.index(name) & 1
                }
            }
        )
        for mask in range(2 ** len(policies))
    ]


def explained(scenario: Scenario, policies: Sequence[str], values: Floats) -> pd.DataFrame:
    """Return how much of each target each policy explains, with intervals over replications.

    Parameters
    ----------
    scenario : Scenario
    policies : sequence of str
    values : float64, shape (R, 2**K, T)
        Each target in each combination and replication.

    Returns
    -------
    DataFrame
        ``scenario``, ``target``, ``unit``, ``policy`` (or one of the rows ``ALL``, ``COMMON``,
        ``REST``, ``WHOLE``), ``title`` (what the scenario calls it), ``effect`` (its Shapley
        value), ``low``, ``high``, ``first_in`` (effect if it alone is there), ``last_in`` (if
        all others are), ``least``, ``most`` (in any order; means over replications), ``n``.
    """
    titles = dict(scenario.coincidence.policies) if scenario.coincidence is not None else {}
    targets = targets_of(scenario)
    shares = shapley_shares(np.moveaxis(values, 1, 0))
    rows: dict[str, Floats] = {
        **dict(zip(policies, shares.shapley, strict=True)),
        ALL: shares.total,
        COMMON: shares.common,
        REST: values[:, 0],
        WHOLE: values[:, -1],
    }
    orders = {"first_in": shares.first, "last_in": shares.last}
    orders |= {"least": shares.least, "most": shares.most}
    tables = []
    for name, by_replication in rows.items():
        found = interval(by_replication)
        table = pd.DataFrame(
            {
                "scenario": scenario.name,
                "target": [target.title for target in targets],
                "unit": [target.unit for target in targets],
                "policy": name,
                "title": titles.get(name, name),
                "effect": found.mean,
                "low": found.low,
                "high": found.high,
            }
        )
        for column, each in orders.items():
            known = name in policies
            table[column] = interval(each[policies.index(name)]).mean if known else np.nan
        tables.append(table.assign(n=found.n))
    order = pd.CategoricalDtype([target.title for target in targets], ordered=True)
    joined = pd.concat(tables, ignore_index=True)
    place = joined["target"].astype(order).cat.codes
    joined = joined.iloc[np.argsort(place.to_numpy(), kind="stable")]
    return joined[joined["n"] > 0].reset_index(drop=True)
