"""What is still to come: rows of columns, kept by the day on which they are due."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from flowsim.types import Ints


class Agenda:
    """Rows by the day on which they are due, taken once, in the order in which they were added.

    Parameters
    ----------
    n_columns : int
        Columns of integers in each row.
    """

    def __init__(self, n_columns: int) -> None:
        self._n_columns = n_columns
        self._due: dict[int, list[list[Ints]]] = defaultdict(list)

    def __len__(self) -> int:
        """Return on how many days something is due."""
        return len(self._due)

    def add(self, day: Ints, *columns: Ints) -> None:
        """Add rows, each due on its day.

        Parameters
        ----------
        day : int64, shape (N,)
            Day of the horizon on which each is due.
        *columns : int64, shape (N,)
            As many as the agenda has.
        """
        for d in np.flatnonzero(np.bincount(day)).tolist():
            then = day == d
            self._due[d].append([column[then] for column in columns])

    def take(self, day: int) -> list[Ints]:
        """Take the columns of the rows due on a day."""
        parts = self._due.pop(day, None)
        if parts is None:
            return [np.zeros(0, dtype=np.int64)] * self._n_columns
        return [np.concatenate(column) for column in zip(*parts, strict=True)]
