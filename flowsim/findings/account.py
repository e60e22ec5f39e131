"""What a scenario came to, replication by replication."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from flowsim.findings.ranges import Middle, doubted, ranged
from flowsim.findings.words import count, days
from flowsim.results.run import Run
from flowsim.scenario.schema import Scenario
from flowsim.types import Floats

CLOSE = 0.03  # below the highest day of a series, as a share, that counts as high as it


@dataclass(frozen=True)
class Account:
    """One scenario's tables.

    Attributes
    ----------
    daily, outcomes : DataFrame
        As INTERFACES of a results folder has them, rows of this scenario only; a Run stands for
        its daily table.
    drawn : Account or None
        The same under draws of the parameters, as many as replications.
    given : DataFrame or None
        Values of the parameters by replication, where they are not the scenario's own.
    beside : DataFrame or None
        Published figures and what is simulated for each, as in ``summary.csv``.
    """

    scenario: Scenario
    daily: pd.DataFrame | Run
    outcomes: pd.DataFrame
    drawn: Account | None = None
    given: pd.DataFrame | None = None
    beside: pd.DataFrame | None = None

    @classmethod
    def of(cls, run: Run) -> Account:
        """Return the account of a run, its draws of the parameters included."""
        scenario, daily, outcomes = run.scenario, run.posterior, run.posterior_outcomes
        drawn = None
        if daily is not None and outcomes is not None and run.n_replications > 1:
            drawn = cls(scenario, daily, outcomes, given=run.draws)
        beside = run.summary if run.posterior_summary is None else run.posterior_summary
        return cls(scenario, run, run.outcomes, drawn, beside=beside)

    @property
    def most(self) -> Account:
        """The account that holds most doubt: that of the draws, if there are any."""
        return self.drawn or self

    @property
    def repeated(self) -> str:
        """What its numbers, or those with most doubt, are repeated over."""
        return "replications" if self.drawn is None else "draws of the parameters"

    def formatted(
        self,
        of: Callable[[Account], Floats],
        write: Callable[[float], str] = count,
        middle: Middle = "mean",
    ) -> str:
        """Write a number with its range; with draws all doubt comes first, then chance alone."""
        own = of(self)
        if self.drawn is None:
            return ranged(own, write, middle)
        return doubted(of(self.drawn), own, write)

    def at_peak(
        self,
        of: Callable[[Account], pd.DataFrame],
        write: Callable[[float], str] = count,
        middle: Middle = "mean",
    ) -> tuple[str, str]:
        """Write when a series by day and replication is highest, and its value that day.

        Days around the highest that come close to it are named with it (``plateau``).
        """
        at, first, last = plateau(getattr(of(self.most), middle)(axis=1))

        def that_day(account: Account) -> Floats:
            return of(account).reindex(index=[at], columns=account.replications).to_numpy(float)[0]

        return days(first, last), self.formatted(that_day, write, middle)

    def value(self, key: str, own: float) -> pd.Series[float]:
        """Return a parameter by replication: as drawn, else the scenario's own."""
        if self.given is not None and key in self.given:
            return self.given.set_index("draw")[key].fillna(own).astype(float)
        return pd.Series(own, index=self.replications)

    @property
    def replications(self) -> list[int]:
        """Numbers of the replications in the tables."""
        return sorted(int(r) for r in self.outcomes["replication"].unique())

    @property
    def last_day(self) -> date:
        """Last day simulated."""
        return (self.scenario.horizon.end - timedelta(days=1)).date()

    def series(self, measure: str, place: str) -> pd.DataFrame:
        """Return a measure by day (rows) and replication (columns); empty if it was not kept."""
        if measure not in self._series:
            rows = self.rows(measure)
            rows = rows.assign(date=pd.to_datetime(rows["date"]))
            by = rows.groupby(["place_id", "date", "replication"], observed=True)
            self._series[measure] = by["value"].mean().unstack()
        found = self._series[measure]
        there = found.index.get_level_values("place_id") == place
        return found[there].droplevel("place_id")

    @cached_property
    def _series(self) -> dict[str, pd.DataFrame]:
        """What ``series`` has read before, at all places: a report asks ten times for each."""
        return {}

    def rows(self, measure: str) -> pd.DataFrame:
        """Return the daily rows of a measure."""
        if isinstance(self.daily, Run):
            return self.daily.measured(measure)
        return self.daily[self.daily["measure"].eq(measure)]

    def total(
        self,
        measure: str,
        kind: str,
        places: Sequence[str] | None = None,
        days: tuple[date, date] | None = None,
    ) -> Floats:
        """Add a flow up, over all places or some, all days or from a first to a last, (R,)."""
        rows = self.rows(measure)
        rows = rows[rows["place_kind"].eq(kind)]
        if days is not None:
            first, last = map(pd.Timestamp, days)
            rows = rows[pd.to_datetime(rows["date"]).between(first, last)]
        if places is not None:
            rows = rows[rows["place_id"].isin(list(places))]
        return self._by_replication(rows, "value")

    def men(self, chosen: pd.Series[bool] | None = None) -> Floats:
        """Count weighted men among the rows of the outcomes, all if none are chosen, (R,)."""
        rows = self.outcomes if chosen is None else self.outcomes[chosen]
        return self._by_replication(rows, "men")

    def men_of(self, *statuses: str, because: str = "") -> Floats:
        """Count men who have one of some statuses, all or those for one reason, shape (R,)."""
        chosen = self.status(*statuses)
        return self.men(chosen & self.outcomes["reason"].eq(because) if because else chosen)

    def leavers(self) -> pd.Series[bool]:
        """Mark the outcomes of men who ever set off."""
        return self.outcomes["destination"].astype(str).ne("")

    def status(self, *names: str) -> pd.Series[bool]:
        """Mark the outcomes with one of some statuses."""
        return self.outcomes["status"].astype(str).isin(names)

    def reasons(self, chosen: pd.Series[bool]) -> dict[str, Floats]:
        """Count chosen men by why they could not go or were stopped, most frequent first, (R,)."""
        if "reason" not in self.outcomes:  # of a run by an earlier version
            return {}
        reason = self.outcomes["reason"].astype(str)
        found = {name: self.men(chosen & reason.eq(name)) for name in reason[chosen].unique()}
        return dict(sorted(found.items(), key=lambda item: -item[1].sum()))

    def educated_leavers(self) -> Floats:
        """Return the share of men with higher education among those who set off, shape (R,)."""
        return self.share(self.educated, self.leavers())

    @property
    def educated(self) -> pd.Series[bool]:
        """The outcomes of men with higher education."""
        return self.outcomes["educated"].astype(bool)

    def departures(self) -> Floats:
        """Count men who set off, shape (R,): from the daily table, else from the outcomes."""
        total = self.total("departures", "nation")
        return total if total.any() else self.men(self.leavers())

    def got_in(self, destination: str) -> Floats:
        """Count men who crossed into a destination, whatever they did later, shape (R,)."""
        there = self.status(f"abroad-{destination}", "moved-on", "returned")
        return self.men(self.outcomes["destination"].eq(destination) & there)

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


def plateau(values: pd.Series[float]) -> tuple[pd.Timestamp, pd.Timestamp, pd.Timestamp]:
    """Return the day of the greatest value, first and last of the days about it that come close.

    Which of nearly equal days is highest is chance; those within ``CLOSE`` are named together.
    """
    known = values.fillna(-np.inf).to_numpy(dtype=float)
    top = first = last = int(known.argmax())
    near = known >= (1 - CLOSE) * known[top]
    while first > 0 and near[first - 1]:
        first -= 1
    while last + 1 < len(known) and near[last + 1]:
        last += 1
    at, start, end = (pd.Timestamp(values.index[place]) for place in (top, first, last))
    return at, start, end
