"""Names of types that every file uses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Progress = Callable[[int, int, str], None]
"""Gets how much is done, of how much, and a few words on what is being done."""


def silent(_done: int, _total: int, _label: str) -> None:
    """Report no progress."""
