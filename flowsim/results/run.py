"""The results of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pandas as pd

from flowsim.results.base import Results, Table

MANY = 20  # replications whose daily table is read whole
TABLES = ("daily", "hourly", "outcomes")


class Run(Results):
    """A finished run of one scenario; its tables are those that the README lists."""

    kind = "run"
    parquet = (*TABLES, "posterior", "posterior_outcomes")
    csv = ("summary", "draws", "posterior_summary")
    options: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        name: {"parse_dates": ["from", "to"]} for name in ("summary", "posterior_summary")
    }

    daily = Table("Rows by day, place and measure, by replication.")
    hourly = Table("Rows by hour, crossing and measure, by replication.")
    outcomes = Table("Men by what they are and what became of them.")
    summary = Table("The run beside every published figure that it can be compared with.")

    @property
    def posterior(self) -> pd.DataFrame | None:
        """Daily rows under draws of the parameters, if any (``replication`` is the draw)."""
        return self.optional("posterior")

    @property
    def posterior_outcomes(self) -> pd.DataFrame | None:
        """The outcomes under draws of the parameters, if any."""
        return self.optional("posterior_outcomes")

    @property
    def posterior_summary(self) -> pd.DataFrame | None:
        """The run under draws of the parameters beside every published figure, if any."""
        return self.optional("posterior_summary")

    @property
    def draws(self) -> pd.DataFrame | None:
        """The draws of the parameters, if any."""
        return self.optional("draws")

    @property
    def n_replications(self) -> int:
        """Number of replications in the tables, at least 1."""
        if self._path("daily") is not None:
            return max(1, self.replications)
        return max(1, self.daily["replication"].nunique())

    def measured(self, measure: str) -> pd.DataFrame:
        """Return the daily rows of one measure; of many replications no more is read than these."""
        if self.n_replications > MANY:
            return self._measured("daily", measure)
        return self.daily[self.daily["measure"] == measure]

    def days(self, measure: str, place_kind: str) -> pd.DataFrame:
        """Return the daily rows of one measure at one kind of place, dates as moments."""
        rows = self.measured(measure)
        rows = rows[rows["place_kind"] == place_kind]
        return rows.assign(date=pd.to_datetime(rows["date"]), place_id=rows["place_id"].astype(str))

    def hours(self, measure: str) -> pd.DataFrame:
        """Return the hourly rows of one measure at the crossings, times as moments.

        Of a folder no more is read than is asked for; it may have no hourly table.
        """
        if self._is_there("hourly"):
            rows = self._measured("hourly", measure)
        else:
            rows = pd.DataFrame(columns=["replication", "time", "place_id", "measure", "value"])
        return rows.assign(time=pd.to_datetime(rows["time"]), place_id=rows["place_id"].astype(str))

    def _measured(self, name: str, measure: str) -> pd.DataFrame:
        path = self._path(name)
        if path is not None:
            return pd.read_parquet(path, filters=[("measure", "=", measure)])
        table = self.table(name)
        return table[table["measure"] == measure]
