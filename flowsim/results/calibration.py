"""The results of a calibration."""

from __future__ import annotations

from typing import ClassVar

import pandas as pd

from flowsim.results import folder as folders
from flowsim.results.base import Results, Table


class CalibrationResults(Results):
    """A finished calibration; ``scenario`` is the one at the best point.

    ``table`` reads ``fit``, ``parameters``, ``validation``, ``recovery`` and the others that
    docs/calibration.md lists.
    """

    kind = "calibration"
    again: ClassVar[str] = "start the same command again: runs are kept"

    draws = Table("The posterior draws, one column for each parameter.")

    def _csv(self, table: pd.DataFrame) -> bytes:
        return csv_of(table)


def csv_of(table: pd.DataFrame) -> bytes:
    """Return a table as CSV, numbers to six digits.

    Parameters
    ----------
    table : DataFrame

    Returns
    -------
    bytes
    """
    return folders.csv_bytes(table, float_format="%.6g")
