"""The results of a comparison."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from flowsim.results import folder as folders
from flowsim.results.base import Results, Table
from flowsim.results.outcomes import outcomes

DIGITS = 6
EVERYBODY = "all"
ENOUGH = 10  # replications from which on it is said what pairing is worth
ALL, COMMON, REST, WHOLE = "all of them", "cannot be told apart", "none of them", "as it was"
"""Rows of ``shapley`` beside the policies: with against without; what belongs to several together;
what happens without any; what happens with all."""


def title_of(row: Mapping[str, Any]) -> str:
    """Return what a row of ``shapley`` is about: what the scenario calls the policy."""
    return str(row.get("title", row["policy"]))


def worth_of_pairing(rows: pd.DataFrame) -> pd.Series:
    """Return the ``variance_factor`` of rows of ``differences``; NaN where chance makes it.

    Parameters
    ----------
    rows : DataFrame

    Returns
    -------
    Series
    """
    return rows["variance_factor"].where(rows["n"] >= ENOUGH)


class Comparison(Results):
    """The same men in several scenarios; the first is compared with each of the others.

    Tables that were not asked for when the comparison was made are empty.
    """

    kind = "comparison"
    scenario_file = "scenario-{}.yaml"
    parquet = ("transitions", "daily", "outcomes")
    csv = ("differences", "matrix", "terms", "shapley", "lambda")

    differences = Table("Every measure: means, paired differences, intervals.")
    transitions = Table("What became of the men in both worlds, by replication.")
    matrix = Table("The same, means with intervals, for all and by group.")
    terms = Table("What switched the men; empty without terms.")
    shapley = Table("What coinciding policies explain; may be empty.")
    lambdas = Table("Differences under other values of lambda; may be empty.", "lambda")
    daily = Table("Daily tables of all scenarios and replications, as those of a run.")
    outcomes = Table("Outcome tables of all scenarios and replications, as those of a run.")

    def table(self, name: str) -> pd.DataFrame:
        """Return a table by name; empty if it was not asked for when the comparison was made."""
        return super().table(name) if self._is_there(name) else pd.DataFrame()

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Return the first scenario's name with each other's."""
        return [(self.names[0], other) for other in self.names[1:]]

    def matrix_of(
        self, a: str, b: str, by: str = EVERYBODY, value: str = EVERYBODY
    ) -> pd.DataFrame:
        """Return the mean number of men by status in a (rows) and in b (columns).

        Parameters
        ----------
        a, b : str
            Scenarios, as in ``pairs``.
        by, value : str
            A group of ``matrix`` and its value, such as ``region`` and ``RU-MOW``.
        """
        rows = self.matrix
        chosen = (rows["a"] == a) & (rows["b"] == b) & (rows["by"] == by)
        chosen &= rows["value"].astype(str) == value
        wide = rows[chosen].pivot_table("men", "status_a", "status_b", aggfunc="sum", observed=True)
        order = [name for name in self.statuses if name in {*wide.index, *wide.columns}]
        return wide.reindex(index=order, columns=order).fillna(0.0)

    @property
    def statuses(self) -> tuple[str, ...]:
        """Return what can become of a man, from staying to having reached a destination."""
        names = dict.fromkeys(name for s in self.scenarios for name in s.destinations)
        return outcomes(tuple(names))

    def _csv(self, table: pd.DataFrame) -> bytes:
        return folders.csv_bytes(table.round(DIGITS))
