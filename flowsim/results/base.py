"""What the results of a run, a comparison, a sweep and a calibration have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self, overload

import pandas as pd

from flowsim.errors import ResultsError
from flowsim.results import folder as folders
from flowsim.results.describing import PACKAGE, datapackage
from flowsim.scenario import load, resolved_yaml
from flowsim.scenario.schema import Scenario


class Table:
    """A table of some results as an attribute, read when it is first asked for.

    Parameters
    ----------
    meaning : str
        What it holds, row by row.
    name : str
        Of its file, if it is not the attribute's.
    """

    def __init__(self, meaning: str, name: str = "") -> None:
        self.__doc__, self._name = meaning, name

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = self._name or name

    @overload
    def __get__(self, results: None, owner: type) -> Self: ...

    @overload
    def __get__(self, results: Results, owner: type) -> pd.DataFrame: ...

    def __get__(self, results: Results | None, owner: type) -> Self | pd.DataFrame:
        return self if results is None else results.table(self._name)


@dataclass(eq=False)
class Results:
    """Results in memory or in a folder; tables of a folder are read when first asked for.

    Attributes
    ----------
    manifest : dict
        What made them (``results.manifest``).
    folder : Path or None
        None if they were not written.
    known : dict
        What is in memory, by name: tables, and ``scenarios``.
    """

    kind: ClassVar[str]
    scenario_file: ClassVar[str] = "scenario.yaml"
    parquet: ClassVar[tuple[str, ...]] = ()
    csv: ClassVar[tuple[str, ...]] = ()
    options: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    needed: ClassVar[tuple[str, ...]] = ()
    again: ClassVar[str] = "run it again"
    meanwhile: ClassVar[str] = ""

    manifest: dict[str, Any] = field(repr=False)
    folder: Path | None = None
    known: dict[str, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def scenarios(self) -> tuple[Scenario, ...]:
        """The scenarios, complete, in the order of the manifest."""
        if "scenarios" in self.known or self.folder is None:
            return tuple(self.known.get("scenarios", ()))
        files = (self.scenario_file.format(name) for name in self.manifest.get("scenarios", [""]))
        return tuple(load(self.folder / file) for file in dict.fromkeys(files))

    @property
    def path(self) -> Path:
        """The folder, of results that are in one; else a ResultsError."""
        if self.folder is None:
            raise ResultsError(f"this {self.kind} is in no folder; make it with out=")
        return self.folder

    @property
    def scenario(self) -> Scenario:
        """The scenario; of several, the first."""
        return self.scenarios[0]

    @property
    def names(self) -> list[str]:
        """Names of the scenarios."""
        return [scenario.name for scenario in self.scenarios]

    @property
    def replications(self) -> int:
        """How often each scenario was run."""
        return int(self.manifest["replications"])

    def table(self, name: str) -> pd.DataFrame:
        """Return a table by name, such as ``daily``.

        Raises
        ------
        ResultsError
            If there is none, or it cannot be read.
        """
        if name not in self.known:
            path = self._path(name)
            if path is None:
                where = self.folder or f"this {self.kind}"
                raise ResultsError(f"{where} has no table {name}; {self.again}")
            self.known[name] = self._read(name, path)
        return self.known[name]

    def with_tables(self, **tables: pd.DataFrame | None) -> Self:
        """Return the same results, with other tables in place of those of some names."""
        known = self.known | {"scenarios": self.scenarios} | tables
        return type(self)(self.manifest, self.folder, known)

    def has(self, name: str) -> bool:
        """Whether there is a table of a name, with any rows."""
        return self._is_there(name) and not self.table(name).empty

    def optional(self, name: str) -> pd.DataFrame | None:
        """Return a table that not all results of this kind have; None without any rows."""
        return self.table(name) if self.has(name) else None

    def _is_there(self, name: str) -> bool:
        return self.known.get(name) is not None or self._path(name) is not None

    def _path(self, name: str) -> Path | None:
        """Return the file of a table; None if the manifest lists none."""
        if self.folder is None or name in self.known:
            return None
        paths = [self.folder / f"{name}{ending}" for ending in (".parquet", ".csv")]
        listed = self.manifest.get("tables")
        there = [p for p in paths if (p.exists() if listed is None else p.name in listed)]
        return there[0] if there else None

    def _read(self, name: str, path: Path) -> pd.DataFrame:
        read: Any = pd.read_parquet if path.suffix == ".parquet" else pd.read_csv
        try:
            return read(path, **self.options.get(name, {}))
        except (OSError, ValueError) as reason:
            raise ResultsError(f"{path} cannot be read ({reason}); {self.again}") from None

    def write(self, folder: Path, files: Mapping[str, bytes | Path] | None = None) -> None:
        """Write scenarios, tables and other files into a folder, the manifest last.

        ``files`` may be of tables known by their columns alone, which are then read from there.

        Raises
        ------
        MachineError
            If the disk is full or the folder cannot be written; nothing then looks finished.
        """
        files = files or {}
        out: dict[str, bytes | Path] = {
            self.scenario_file.format(s.name): resolved_yaml(s).encode() for s in self.scenarios
        }
        tables: dict[str, pd.DataFrame] = {}
        for name, table in self.known.items():
            if isinstance(table, pd.DataFrame) and len(table.columns):
                is_csv = name not in self.parquet
                file = f"{name}.csv" if is_csv else f"{name}.parquet"
                tables[file] = table
                if file not in files:
                    out[file] = self._csv(table) if is_csv else folders.parquet_bytes(table)
        out |= {PACKAGE: datapackage(self.manifest, tables), **files}
        usual = {*(f"{name}.csv" for name in self.csv), *(f"{n}.parquet" for n in self.parquet)}
        unfinished = f"the {self.kind} is not finished, {self.again}"
        folders.write(folder, out, self.manifest, unfinished, usual - set(out))
        self.known = {n: t for n, t in self.known.items() if f"{n}.parquet" not in files}
        self.folder = folder

    def _csv(self, table: pd.DataFrame) -> bytes:
        return folders.csv_bytes(table)
