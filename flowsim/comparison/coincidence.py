"""Policies that came at the same time: how much of what followed each can explain.

After 28 September the task force, the entry limit, the end of the foot lane and of the rumour
coincide. Every combination of them is run, with the same men, and what changed is divided by
Shapley values (``shapley.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from flowsim.comparison.shapley import shapley_shares
from flowsim.comparison.uncertainty import interval
from flowsim.scenario.schema import Scenario
from flowsim.types import Floats

TITLES = {
    "task_force_lars": "draft officers at Lars",
    "entry_limit_north_ossetia": "entry limit of North Ossetia",
    "foot_lane_lars": "foot lane at Lars",
    "rumour_of_closure": "rumour of a closure",
}
POLICIES = tuple(TITLES)
ALL, COMMON, REST, WHOLE = "all of them", "cannot be told apart", "none of them", "as it was"
"""Rows beside the policies: with against without; what belongs to several together; what
happens without any; what happens with all."""


def title_of(policy: str) -> str:
    """Name the policy that a row is about."""
    return TITLES.get(policy, policy)


BEFORE = (date(2022, 9, 26), date(2022, 9, 28))
AFTER = (date(2022, 9, 29), date(2022, 10, 5))


@dataclass(frozen=True)
class Target:
    """What is to be explained: a measure of a place, over some days.

    Attributes
    ----------
    name, unit : str
    place_id, measure : str
        A row of the daily table.
    days : pair of date
        First and last day; the mean over them is taken.
    against : pair of date, optional
        Days whose mean it is taken from: then the fall since those days.
    """

    name: str
    unit: str
    place_id: str
    measure: str
    days: tuple[date, date]
    against: tuple[date, date] | None = None

    def of(self, daily: pd.DataFrame) -> float:
        """Return its value in the daily table of one run; NaN where it has none."""
        rows = daily[(daily["measure"] == self.measure) & (daily["place_id"] == self.place_id)]
        value = _mean(rows, self.days)
        return value if self.against is None else _mean(rows, self.against) - value


TARGETS = (
    Target("fall of departures", "men a day", "RU", "departures", AFTER, BEFORE),
    Target("fall of entries into Georgia", "persons a day", "GE", "entries", AFTER, BEFORE),
    Target("departures after 28 September", "men a day", "RU", "departures", AFTER),
    Target("entries into Georgia after 28 September", "persons a day", "GE", "entries", AFTER),
    Target(
        "queue at Lars on 1 October",
        "cars",
        "GE-LARS",
        "queue_cars",
        (date(2022, 10, 1), date(2022, 10, 1)),
    ),
)


def _mean(rows: pd.DataFrame, days: tuple[date, date]) -> float:
    first, last = (pd.Timestamp(day) for day in days)
    chosen = rows["value"][(rows["date"] >= first) & (rows["date"] <= last)]
    whole = len(chosen) == (last - first).days + 1
    return float(chosen.mean()) if whole else float("nan")


def coinciding(scenarios: Sequence[Scenario]) -> tuple[Scenario, tuple[str, ...]]:
    """Return the scenario that has most of ``POLICIES`` (the first such), and which it has."""
    found = [(s, tuple(name for name in POLICIES if name in s.policies)) for s in scenarios]
    return max(found, key=lambda each: len(each[1]))


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


def explained(scenario: str, policies: Sequence[str], values: Floats) -> pd.DataFrame:
    """Return how much of each target each policy explains, with intervals over replications.

    Parameters
    ----------
    scenario : str
        Its name.
    policies : sequence of str
    values : float64, shape (R, 2**K, T)
        Each target in each combination and replication.

    Returns
    -------
    DataFrame
        ``scenario``, ``target``, ``unit``, ``policy`` (or one of the rows ``ALL``, ``COMMON``,
        ``REST``, ``WHOLE``), ``effect`` (its Shapley value), ``low``, ``high``, ``first_in``
        (effect if it alone is there), ``last_in`` (if all others are), ``least``, ``most`` (in
        any order; means over replications), ``n``.
    """
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
                "scenario": scenario,
                "target": [target.name for target in TARGETS],
                "unit": [target.unit for target in TARGETS],
                "policy": name,
                "effect": found.mean,
                "low": found.low,
                "high": found.high,
            }
        )
        for column, each in orders.items():
            known = name in policies
            table[column] = interval(each[policies.index(name)]).mean if known else np.nan
        tables.append(table.assign(n=found.n))
    order = pd.CategoricalDtype([target.name for target in TARGETS], ordered=True)
    joined = pd.concat(tables, ignore_index=True)
    place = joined["target"].astype(order).cat.codes
    joined = joined.iloc[np.argsort(place.to_numpy(), kind="stable")]
    return joined[joined["n"] > 0].reset_index(drop=True)
