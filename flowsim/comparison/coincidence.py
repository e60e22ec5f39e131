"""Policies that came at the same time: how much of what followed each can explain.

A scenario says which of its policies coincide, and what followed them (``coincidence``). Every
combination of them is run, with the same men, and what changed is divided by Shapley values.

A policy's effect depends on which others are already there. Its Shapley value is the mean of
its effects over all orders in which the policies could have come (Shapley 1953); the spread of
those effects, and what is left when each policy gets only what it adds last (commonality
analysis, Newton and Spurrell 1967), say how far the policies can be told apart at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import comb

import numpy as np
import pandas as pd

from flowsim.comparison.tables import interval
from flowsim.results.comparison import ALL, COMMON, REST, WHOLE
from flowsim.scenario.schema import Scenario, Target
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
        first = scenarios[0].policies
        policies = tuple(
            name
            for name in policies
            if any(other.policies.get(name) != first.get(name) for other in scenarios[1:])
        )
        asked = len(policies) > 1
    return (scenario, policies) if asked and policies else None


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
    names = [target.title for target in targets]
    tables = []
    for name, by_replication in rows.items():
        found = interval(by_replication)
        table = pd.DataFrame(
            {
                "scenario": scenario.name,
                "target": pd.Categorical(names, names),
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
    joined = pd.concat(tables).sort_values("target", kind="stable").astype({"target": str})
    return joined[joined["n"] > 0].reset_index(drop=True)


@dataclass(frozen=True)
class Shares:
    """How a total falls to its causes; K causes, the last axes as in the values.

    Attributes
    ----------
    shapley : float64, shape (K, ...)
        Mean effect over all orders; adds up to ``total``.
    first, last : float64, shape (K, ...)
        Effect of the cause alone, and when all others are there.
    least, most : float64, shape (K, ...)
        Smallest and largest effect in any order.
    total : float64, shape (...)
        All causes together against none.
    common : float64, shape (...)
        ``total`` less what each adds last: it belongs to several causes together and cannot be
        told apart. Large where causes can stand in for one another; of the other sign than the
        total where they need one another.
    """

    shapley: Floats
    first: Floats
    last: Floats
    least: Floats
    most: Floats
    total: Floats
    common: Floats


def shapley_shares(values: Floats) -> Shares:
    """Divide a total among causes, given the outcome of every combination of them.

    Parameters
    ----------
    values : float64, shape (2**K, ...)
        Row m is the outcome where exactly the causes i with bit ``m >> i & 1`` act.

    Raises
    ------
    ValueError
        If the number of rows is not a power of two.

    Examples
    --------
    One left glove (cause 0) and two right ones; a pair is worth 1:

    >>> worth = np.array([0, 0, 0, 1, 0, 1, 0, 1.0])
    >>> shapley_shares(worth).shapley.round(3)
    array([0.667, 0.167, 0.167])
    """
    n = len(values).bit_length() - 1
    if len(values) != 2**n:
        raise ValueError(f"found {len(values)} combinations; expected a power of two")
    masks = np.arange(2**n)
    size = np.array([mask.bit_count() for mask in range(2**n)])
    found = np.zeros((5, n, *values.shape[1:]))
    for cause in range(n):
        without = masks[masks >> cause & 1 == 0]
        effect = values[without | 1 << cause] - values[without]
        chance = np.array([1 / (n * comb(n - 1, int(s))) for s in size[without]])
        found[0, cause] = np.tensordot(chance, effect, axes=1)
        found[1:, cause] = effect[0], effect[-1], effect.min(axis=0), effect.max(axis=0)
    shapley, first, last, least, most = found
    total = values[-1] - values[0]
    return Shares(shapley, first, last, least, most, total, total - last.sum(axis=0))
