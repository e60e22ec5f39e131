"""The results of a sweep."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from flowsim.results.base import Results, Table

NUMBERS = ("value", "low", "high")


class SweepResults(Results):
    """A finished sweep, or what is finished of one (``sweep.open_unfinished``)."""

    kind = "sweep"
    scenario_file = "base-{}.yaml"
    needed = ("runs.parquet", "results.parquet", "daily.parquet")
    again = "start the same command again"
    meanwhile = ", or see what is there with flowsim.sweep.open_unfinished"
    options: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "indices": {"keep_default_na": False, "na_values": {name: [""] for name in NUMBERS}}
    }

    runs = Table("One row a run: run, scenario, point, replication, key, status, error, values.")
    results = Table("One row a run and output: the run, parameters, measure, place_id, value.")
    daily = Table("Daily series that were kept: run, date, place_kind, place_id, measure, value.")

    @property
    def indices(self) -> pd.DataFrame | None:
        """Sensitivity of the outputs to the parameters; None if nothing could be said."""
        return self.optional("indices")

    def _read(self, name: str, path: Path) -> pd.DataFrame:
        words = dict.fromkeys(("place_kind", "place_id", "measure"), "category")
        table = super()._read(name, path)
        return table.astype(words) if name == "daily" else table
