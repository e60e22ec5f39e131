"""The folder of a calibration: tables written, manifest last, and reading back."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from flowsim.calibration.file import Calibration, CalibrationFile
from flowsim.data import sources
from flowsim.errors import ResultsError
from flowsim.results import folder as folders
from flowsim.scenario import content_hash, resolved_yaml
from flowsim.scenario.schema import Scenario
from flowsim.scenario.writing import yaml_text
from flowsim.version import __version__

KIND = "calibration"
DIGITS = 6


@dataclass(frozen=True)
class CalibrationResults:
    """A finished calibration, read back.

    Attributes
    ----------
    folder : Path
    manifest : dict
    """

    folder: Path
    manifest: Mapping[str, Any]

    def table(self, name: str) -> pd.DataFrame:
        """Return a table by name: ``fit``, ``parameters``, ``validation``, ``recovery``, ...

        Raises
        ------
        ResultsError
            If the folder has no such table.
        """
        for kind, read in ((".csv", pd.read_csv), (".parquet", pd.read_parquet)):
            path = self.folder / f"{name}{kind}"
            if path.exists():
                return read(path)
        raise ResultsError(f"{self.folder} has no table {name}; calibrate again")

    def has(self, name: str) -> bool:
        """Return whether a table was made and holds something."""
        return f"{name}.csv" in self.manifest["tables"] and not self.table(name).empty

    @cached_property
    def draws(self) -> pd.DataFrame:
        """The posterior draws, one column for each parameter."""
        return self.table("draws")

    @cached_property
    def scenario(self) -> Scenario:
        """The scenario at the best point."""
        from flowsim.scenario import load

        return load(str(self.folder / "scenario.yaml"))


def open_calibration(folder: str | Path) -> CalibrationResults:
    """Open the folder of a finished calibration.

    Raises
    ------
    ResultsError
        If it is none, or was not finished.
    """
    path = Path(folder)
    manifest = folders.read_json(path / folders.MANIFEST)
    if not manifest:
        raise ResultsError(f"{path} is no finished folder of a calibration")
    if manifest.get("kind") != KIND:
        raise ResultsError(f"{path} holds no calibration")
    if not manifest.get("complete"):
        raise ResultsError(f"{path} is not finished; start the same command again")
    folders.check(path, manifest, "start the same command again")
    return CalibrationResults(path, manifest)


def write_folder(
    folder: Path,
    calibration: Calibration,
    scenario: Scenario,
    tables: Mapping[str, pd.DataFrame],
    budget: str,
    said: Mapping[str, Any],
) -> None:
    """Write tables, calibration file, scenario at the best point, and the manifest last."""
    files = {f"{name}.csv": csv_of(table) for name, table in tables.items()}
    files["calibration.yaml"] = yaml_text(calibration.file.model_dump(mode="json")).encode()
    files["scenario.yaml"] = resolved_yaml(scenario).encode()
    manifest = {
        "kind": KIND,
        "name": calibration.name,
        "title": calibration.title,
        "budget": budget,
        "versions": {
            "flowsim": __version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "pandas": pd.__version__,
        },
        "scenario_hash": content_hash(scenario),
        "data_hash": sources.content_hash(),
        "seed": calibration.file.seed,
        "sample": calibration.file.sample,
        "credible": calibration.file.credible,
        **said,
    }
    folders.write(folder, files, manifest, "start the same command again: runs are kept")


def csv_of(table: pd.DataFrame) -> bytes:
    """Return a table as CSV, numbers to six digits."""
    return folders.csv_bytes(table, float_format=f"%.{DIGITS}g")


def read_back(results: CalibrationResults) -> CalibrationFile:
    """Read the calibration file kept in a folder."""
    from flowsim.scenario.kinds import CALIBRATION
    from flowsim.scenario.other_files import read_file

    return read_file(results.folder / "calibration.yaml", CalibrationFile, CALIBRATION).model
