"""Open the folder of a sweep: its tables, and what has been finished of one that still runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from flowsim.errors import ResultsError
from flowsim.experiments.store import STORE
from flowsim.results.folder import MANIFEST, altered, read_json
from flowsim.sweep.file import Sweep, read_sweep

KIND = "sweep"
FILE = "sweep.yaml"
INDICES = "indices.csv"
DATA = ("runs.parquet", "results.parquet", "daily.parquet")


@dataclass
class SweepResults:
    """A finished sweep; tables are read when they are first asked for.

    Attributes
    ----------
    folder : Path
    manifest : dict
        Versions, hashes, seeds, counts of runs.
    """

    folder: Path
    manifest: dict[str, Any] = field(repr=False)

    @cached_property
    def sweep(self) -> Sweep:
        """The sweep file, as it was run."""
        return read_sweep(self.folder / FILE)

    @cached_property
    def runs(self) -> pd.DataFrame:
        """One row a run: run, scenario, point, replication, key, status, error, parameters."""
        return pd.read_parquet(self.folder / "runs.parquet")

    @cached_property
    def results(self) -> pd.DataFrame:
        """One row a run and output: the run, its parameters, measure, place_id, value."""
        return pd.read_parquet(self.folder / "results.parquet")

    @cached_property
    def daily(self) -> pd.DataFrame:
        """Daily series that were kept: run, date, place_kind, place_id, measure, value."""
        words = dict.fromkeys(("place_kind", "place_id", "measure"), "category")
        return pd.read_parquet(self.folder / "daily.parquet").astype(words)

    @cached_property
    def indices(self) -> pd.DataFrame | None:
        """Sensitivity of the outputs to the parameters; None if nothing could be said."""
        path = self.folder / INDICES
        if not path.exists():
            return None
        return pd.read_csv(path, keep_default_na=False, na_values={c: [""] for c in NUMBERS})


NUMBERS = ("value", "low", "high")


def is_whole(manifest: Mapping[str, Any]) -> bool:
    """Whether a manifest is a finished sweep's, with hashes of the tables it must have."""
    tables = manifest.get("tables")
    known = isinstance(tables, dict) and set(DATA) <= set(tables)
    return manifest.get("kind") == KIND and bool(manifest.get("complete")) and known


def open_sweep(folder: str | os.PathLike[str]) -> SweepResults:
    """Open the folder of a finished sweep.

    Raises
    ------
    ResultsError
        If it is not a finished sweep, or a table is not the one that was written.
    """
    folder = Path(folder)
    manifest = read_json(folder / MANIFEST)
    if not is_whole(manifest):
        unfinished = (folder / STORE).is_file()
        raise ResultsError(
            f"{folder} is a sweep that is not finished; start the same command again to go on, "
            "or see what is there with flowsim.sweep.open_unfinished"
            if unfinished
            else f"{folder} is not the folder of a finished sweep (no complete {MANIFEST})"
        )
    damaged = altered(folder, manifest)
    if damaged:
        raise ResultsError(
            f"{folder / damaged[0]} is not the file that the sweep wrote; "
            "start the sweep again to repeat what was lost"
        )
    return SweepResults(folder, manifest)
