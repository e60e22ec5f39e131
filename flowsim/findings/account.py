"""What a scenario came to, replication by replication, and how a number is told with its range."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from flowsim.data import sources
from flowsim.findings.words import count, day
from flowsim.scenario.schema import Scenario
from flowsim.types import Floats

FEW = 20  # replications up to which the range is from the least to the greatest


@dataclass(frozen=True)
class Account:
    """One scenario's tables.

    Attributes
    ----------
    daily, outcomes : DataFrame
        As INTERFACES of a results folder has them, rows of this scenario only.
    """

    scenario: Scenario
    daily: pd.DataFrame
    outcomes: pd.DataFrame

    @property
    def replications(self) -> list[int]:
        """Numbers of the replications in the tables."""
        return sorted(int(r) for r in self.outcomes["replication"].unique())

    @property
    def last_day(self) -> date:
        """Last day simulated."""
        return (self.scenario.horizon.end - timedelta(days=1)).date()

    def has(self, measure: str, place: str) -> bool:
        """Whether a measure of a place was kept."""
        found = self.daily["measure"].eq(measure) & self.daily["place_id"].eq(place)
        return bool(found.any())

    def series(self, measure: str, place: str) -> pd.DataFrame:
        """Return a measure by day (rows) and replication (columns); empty if it was not kept."""
        table = self.daily
        rows = table[table["measure"].eq(measure) & table["place_id"].eq(place)]
        rows = rows.assign(date=pd.to_datetime(rows["date"]))
        return rows.pivot_table(index="date", columns="replication", values="value", dropna=False)

    def total(self, measure: str, kind: str, place: str | None = None) -> Floats:
        """Add a flow up over days and places, shape (R,)."""
        table = self.daily
        rows = table[table["measure"].eq(measure) & table["place_kind"].eq(kind)]
        if place is not None:
            rows = rows[rows["place_id"].eq(place)]
        return self._by_replication(rows, "value")

    def men(self, chosen: pd.Series[bool] | None = None) -> Floats:
        """Count weighted men among the rows of the outcomes, all if none are chosen, (R,)."""
        rows = self.outcomes if chosen is None else self.outcomes[chosen]
        return self._by_replication(rows, "men")

    def leavers(self) -> pd.Series[bool]:
        """Mark the outcomes of men who ever set off."""
        return self.outcomes["destination"].astype(str).ne("")

    def status(self, *names: str) -> pd.Series[bool]:
        """Mark the outcomes with one of some statuses."""
        return self.outcomes["status"].astype(str).isin(names)

    def bound_for(self, destination: str) -> pd.Series[bool]:
        """Mark men who last set off for a destination."""
        return self.outcomes["destination"].astype(str).eq(destination)

    def got_in(self, destination: str) -> Floats:
        """Count men who crossed into a destination, whatever they did later, shape (R,)."""
        there = self.status(f"abroad-{destination}", "moved-on", "returned")
        return self.men(self.bound_for(destination) & there)

    def share(self, having: pd.Series[bool], chosen: pd.Series[bool] | None = None) -> Floats:
        """Return the share of chosen men who have something, shape (R,); NaN without men."""
        part = self.men(having if chosen is None else chosen & having)
        whole = self.men(chosen)
        return np.divide(part, whole, out=np.full_like(whole, np.nan), where=whole > 0)

    def _by_replication(self, rows: pd.DataFrame, column: str) -> Floats:
        sums = rows.groupby("replication")[column].sum()
        return sums.reindex(self.replications, fill_value=0.0).to_numpy(dtype=float)


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table, each by the names of its columns."""
    return [{str(key): cell for key, cell in row.items()} for row in table.to_dict("records")]


def ends(values: Floats) -> tuple[float, float]:
    """Return the range of values over replications: least and greatest, or 5 % and 95 %."""
    known = values[np.isfinite(values)]
    if len(known) == 0:
        return float("nan"), float("nan")
    if len(known) <= FEW:
        return float(known.min()), float(known.max())
    low, high = np.quantile(known, [0.05, 0.95])
    return float(low), float(high)


def told(values: Floats, write: Callable[[float], str] = count) -> str:
    """Write the mean over replications, and its range if there are several.

    >>> told(np.array([11_920.0, 12_310.0]))
    '12,100 (11,900 to 12,300)'
    """
    known = values[np.isfinite(values)]
    if len(known) == 0:
        return "unknown"
    mean = write(float(known.mean()))
    if len(values) < 2:
        return mean
    low, high = (write(end) for end in ends(values))
    return mean if low == mean == high else f"{mean} ({low} to {high})"


def what_ranges_are(replications: int) -> str:
    """Return what the ranges in brackets mean, or why there are none."""
    if replications < 2:
        return (
            "One replication was run, so no number here has a range and no chance can be given; "
            "run with --replications 20 before you quote any of them."
        )
    kind = "the least to the greatest" if replications <= FEW else "the 5 % to the 95 % quantile"
    return (
        f"Numbers are means of {replications} replications; ranges in brackets go from {kind} of "
        "them. They show the play of chance alone. The doubt about the assumptions is larger."
    )


def peak(series: pd.DataFrame) -> tuple[str, Floats]:
    """Return the day on which the mean is highest, and the values of that day, shape (R,)."""
    place = highest(series.mean(axis=1))
    return day(pd.Timestamp(series.index[place])), series.iloc[place].to_numpy(dtype=float)


def highest(values: pd.Series[float]) -> int:
    """Return the place of the greatest value; values that are not there do not count."""
    return int(values.fillna(-np.inf).to_numpy(dtype=float).argmax())


def place_name(place: str, scenario: Scenario) -> str:
    """Return a place in words: a crossing, a country, a region; else its id."""
    if place in scenario.crossings:
        return scenario.crossings[place].name
    for country in scenario.destinations.values():
        if country.code == place:
            return country.name
    known = sources.regions()
    groups = {"KZ-WEST": "West Kazakhstan", "KZ-NORTH": "North Kazakhstan", "RU": "Russia"}
    groups |= {"KZ-PAVLODAR": "Pavlodar, Kazakhstan"}
    return groups.get(place) or dict(zip(known.code, known.name, strict=True)).get(place, place)
