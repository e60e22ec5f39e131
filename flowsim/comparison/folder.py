"""A comparison on disk: written whole or not at all, checked when it is opened."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from flowsim.comparison import tables
from flowsim.comparison.traces import outcomes
from flowsim.errors import ResultsError
from flowsim.results import folder as folders
from flowsim.scenario import load, resolved_yaml
from flowsim.scenario.schema import Scenario

KIND = "comparison"
DIGITS = 6
CSV = ("differences", "matrix", "terms", "shapley", "lambda")
PARQUET = ("transitions", "daily", "outcomes")


@dataclass
class Comparison:
    """The same men in several scenarios; tables of a folder are read when first asked for.

    Attributes
    ----------
    scenarios : tuple of Scenario
        The first is compared with each of the others.
    manifest : dict
    folder : Path or None
        None if it was not written.
    """

    scenarios: tuple[Scenario, ...]
    manifest: dict[str, Any]
    folder: Path | None = None
    known: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False)

    @property
    def names(self) -> list[str]:
        """Names of the scenarios."""
        return [scenario.name for scenario in self.scenarios]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The first scenario's name with each other's."""
        return [(self.names[0], other) for other in self.names[1:]]

    @property
    def replications(self) -> int:
        """Replications of each scenario."""
        return int(self.manifest["replications"])

    def table(self, name: str) -> pd.DataFrame:
        """Return a table by name; empty if it was not asked for when the comparison was made."""
        if name not in self.known:
            self.known[name] = self._read(name)
        return self.known[name]

    def _read(self, name: str) -> pd.DataFrame:
        if self.folder is None:
            return pd.DataFrame()
        suffix = "parquet" if name in PARQUET else "csv"
        path = self.folder / f"{name}.{suffix}"
        if path.name not in self.manifest["tables"]:
            return pd.DataFrame()
        return pd.read_parquet(path) if name in PARQUET else pd.read_csv(path)

    @property
    def differences(self) -> pd.DataFrame:
        """Every measure: means, paired differences, intervals (``tables.differences``)."""
        return self.table("differences")

    @property
    def transitions(self) -> pd.DataFrame:
        """What became of the men in both worlds, by replication (``pairs.transitions``)."""
        return self.table("transitions")

    @property
    def matrix(self) -> pd.DataFrame:
        """The same, means with intervals, for all and by group (``tables.matrix``)."""
        return self.table("matrix")

    @property
    def terms(self) -> pd.DataFrame:
        """What switched the men (``tables.terms``); empty without terms."""
        return self.table("terms")

    @property
    def shapley(self) -> pd.DataFrame:
        """What coinciding policies explain (``coincidence.explained``); may be empty."""
        return self.table("shapley")

    @property
    def lambdas(self) -> pd.DataFrame:
        """Differences under other values of lambda; may be empty."""
        return self.table("lambda")

    @property
    def daily(self) -> pd.DataFrame:
        """Daily tables of all scenarios and replications, as those of a run."""
        return self.table("daily")

    @property
    def outcomes(self) -> pd.DataFrame:
        """Outcome tables of all scenarios and replications, as those of a run."""
        return self.table("outcomes")

    def matrix_of(
        self, a: str, b: str, by: str = tables.EVERYBODY, value: str = tables.EVERYBODY
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
        """What can become of a man, from staying to having reached a destination."""
        names = dict.fromkeys(name for s in self.scenarios for name in s.destinations)
        return outcomes(tuple(names))


def prepare(folder: Path, names: list[str], force: bool) -> None:
    """Make sure that the folder may be written; unfinish an older comparison in it.

    Raises
    ------
    ResultsError
        If it holds anything but a comparison of the same scenarios, unless ``force``.
    MachineError
        If it cannot be written.
    """
    folders.prepare(folder, force, lambda: _refuse_foreign(folder, names))


def _refuse_foreign(folder: Path, names: list[str]) -> None:
    manifest = folders.read_json(folder / folders.MANIFEST)
    unfinished = all((folder / scenario_file(name)).exists() for name in names)
    if not manifest and unfinished:
        return
    if manifest.get("kind") != KIND:
        raise ResultsError(
            f"{folder} holds something that is not a comparison; choose another --out or add "
            "--force"
        )
    if manifest.get("scenarios") != names:
        raise ResultsError(
            f"{folder} holds a comparison of {', '.join(map(str, manifest['scenarios']))}, not of "
            f"{', '.join(names)}; choose another --out or add --force to overwrite it"
        )


def scenario_file(name: str) -> str:
    """Return the file in which a scenario of a comparison is kept."""
    return f"scenario-{name}.yaml"


def write(result: Comparison, folder: Path) -> None:
    """Write a comparison into its folder, the manifest last.

    Raises
    ------
    MachineError
        If the disk is full or the folder cannot be written; nothing then looks finished.
    """
    files = {scenario_file(s.name): resolved_yaml(s).encode() for s in result.scenarios}
    files |= {f"{name}.parquet": folders.parquet_bytes(result.known[name]) for name in PARQUET}
    files |= {
        f"{name}.csv": folders.csv_bytes(result.known[name].round(DIGITS))
        for name in CSV
        if name in result.known and len(result.known[name].columns)
    }
    unfinished = "the comparison is not finished, make room and run it again"
    stale = [f"{name}.csv" for name in CSV]
    folders.write(folder, files, result.manifest, unfinished, stale)
    result.folder = folder


def open_comparison(folder: str | os.PathLike[str]) -> Comparison:
    """Open the folder of a comparison; its tables are read when first asked for.

    Raises
    ------
    ResultsError
        If it is not a finished comparison, or a file in it is not the one that was written.
    """
    folder = Path(folder)
    manifest = folders.read_json(folder / folders.MANIFEST)
    if manifest.get("kind") != KIND or not manifest.get("complete"):
        raise ResultsError(
            f"{folder} is not a finished comparison (no complete {folders.MANIFEST}); "
            "run flowsim compare again"
        )
    folders.check(folder, manifest, "compare again")
    scenarios = tuple(load(folder / scenario_file(name)) for name in manifest["scenarios"])
    return Comparison(scenarios, manifest, folder)
