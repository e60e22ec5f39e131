"""A book: a table of columns that grows, such as the ledger of trips and that of wishes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from flowsim.types import Ints


class Book:
    """A table of columns that grows; they are NumPy arrays of the length ``len(book)``."""

    columns: ClassVar[Mapping[str, type]]

    def __init__(self) -> None:
        self._store: dict[str, npt.NDArray[Any]] = {
            name: np.zeros(1024, dtype) for name, dtype in self.columns.items()
        }
        self._n = 0

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        return self._store[name][: self._n]

    def append(self, **columns: npt.NDArray[Any]) -> Ints:
        """Append rows; give their numbers. Columns left out are 0."""
        n = len(columns["row"])
        while self._n + n > len(self._store["row"]):
            self._store = {
                name: np.concatenate([column, np.zeros_like(column)])
                for name, column in self._store.items()
            }
        for name, values in columns.items():
            self._store[name][self._n : self._n + n] = values
        self._n += n
        return np.arange(self._n - n, self._n)
