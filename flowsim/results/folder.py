"""A folder of results: written whole or not at all, and checked when it is opened.

``manifest.json`` is written last. It holds the SHA-256 of every other file, and
``complete: true``; without that a folder is not finished.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from flowsim.errors import MachineError, ResultsError, refused_by_system
from flowsim.machine import rename, write_atomically

MANIFEST, LOCK = "manifest.json", ".in-use"
STORE = "unfinished.sqlite"
OWN = (LOCK, STORE)  # how what a process that was killed may leave begins
NAMES = pa.dictionary(pa.int32(), pa.string())
COMPRESSION = "zstd"
DERIVED = ("report.html", "report.pdf", "report.docx", "reception-*.csv")


def read_json(path: Path) -> dict[str, Any]:
    """Read a mapping from a JSON file; empty if there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def digest(data: bytes) -> str:
    """Return the SHA-256 of some bytes."""
    return hashlib.sha256(data).hexdigest()


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, without reading it whole into memory."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def altered(folder: Path, manifest: Mapping[str, Any]) -> list[str]:
    """Name the files that are missing or not as they were written."""
    tables: Mapping[str, str] = manifest.get("tables", {})
    return [
        name
        for name, expected in tables.items()
        if not (folder / name).is_file() or digest_of(folder / name) != expected
    ]


def check(
    folder: Path, manifest: Mapping[str, Any], again: str, needed: Iterable[str] = ()
) -> None:
    """Make sure that each file is the one whose SHA-256 the manifest tells.

    Parameters
    ----------
    again : str
        What to do if it is not, as in "run it again".
    needed : iterable of str
        Files that there must be.

    Raises
    ------
    ResultsError
        Names the first file that is missing or was altered.
    MachineError
        If a file cannot be read.
    """
    tables = manifest.get("tables")
    if not isinstance(tables, Mapping) or not tables:
        raise ResultsError(f"{folder}: {MANIFEST} has no hashes of its tables; {again}")
    if missing := set(needed) - set(tables):
        raise ResultsError(f"{folder}: {MANIFEST} has no hash of {min(missing)}; {again}")
    try:
        harmed = altered(folder, manifest)
    except OSError as reason:
        raise MachineError(f"{folder} cannot be read: {reason.strerror}") from None
    if harmed:
        path = folder / harmed[0]
        if not path.exists():
            raise ResultsError(f"{path} is missing; {again}")
        raise ResultsError(
            f"{path} is not the file that was written: its hash differs from {MANIFEST}; "
            f"{again}, or put the file back"
        )


@contextmanager
def prepare(folder: Path, kind: str, names: Sequence[str], force: bool) -> Iterator[None]:
    """Make sure that results may be written into a folder, and keep other processes from it.

    What is in it no longer counts as finished.

    Parameters
    ----------
    kind, names
        What is to be written: its kind, and its name or the names of its scenarios.
    force : bool
        Write whatever the folder holds.

    Raises
    ------
    ResultsError
        If it is a file, holds anything but the same kind of the same names, or another process
        works on it.
    MachineError
        If it cannot be written.
    """
    refuse_other(folder, kind, names, force)
    _make_writable(folder)
    with alone(folder):
        (folder / MANIFEST).unlink(missing_ok=True)
        yield


def refuse_other(folder: Path, kind: str, names: Sequence[str], force: bool) -> None:
    """Refuse a file, and unless forced a folder with anything but a kind of some names."""
    if folder.exists() and not folder.is_dir():
        raise ResultsError(f"{folder} is a file; expected a folder, choose another --out")
    if force or not folder.exists() or all(p.name.startswith(OWN) for p in folder.iterdir()):
        return
    found = kind_of(folder)
    if not found:
        what = "something that is not a results folder"
        raise ResultsError(f"{folder} holds {what}; choose another --out or add --force")
    other, finished = names_in(folder), (folder / MANIFEST).exists()
    same = other == list(names) or (not finished and set(other) <= set(names))
    if found != kind or not same:
        raise ResultsError(
            f"{folder} holds a {found} of {', '.join(other)}, not a {kind} of {', '.join(names)}; "
            "choose another --out or add --force to overwrite it"
        )


def kind_of(folder: Path) -> str:
    """Return the kind of results that a folder holds, finished or not; empty if it holds none."""
    manifest = read_json(folder / MANIFEST)
    if manifest:
        return str(manifest.get("kind", "run"))
    names = {path.name for path in folder.iterdir()}
    signs = {"sweep.yaml": "sweep", "calibration.yaml": "calibration", "scenario.yaml": "run"}
    known = [kind for file, kind in signs.items() if file in names]
    return known[0] if known else "comparison" * bool([*folder.glob("scenario-*.yaml")])


def names_in(folder: Path) -> list[str]:
    """Return the names of what a folder holds results of, finished or not."""
    manifest = read_json(folder / MANIFEST)
    if manifest.get("kind") in ("sweep", "calibration"):
        return [str(manifest["name"])]
    known = manifest.get("scenarios") or manifest.get("scenario")
    if known:
        return [known] if isinstance(known, str) else list(known)
    if (folder / "scenario.yaml").exists():
        return [scenario_name(folder / "scenario.yaml")]
    return [path.stem.removeprefix("scenario-") for path in folder.glob("scenario-*.yaml")]


def scenario_name(path: Path) -> str:
    """Return the name in a scenario file without reading it as one; empty if there is none."""
    lines = path.read_text(encoding="utf-8").splitlines()
    named = (line.removeprefix("name:") for line in lines if line.startswith("name:"))
    return next(named, "").strip().strip("'\"")


def _make_writable(folder: Path) -> None:
    """Make a folder and try whether it can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".probe"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as reason:
        message = f"{folder} cannot be written: {reason.strerror}"
        raise refused_by_system(reason, message) from None


@contextmanager
def alone(
    folder: Path, owner: Callable[[Path], str] = lambda _: "another process"
) -> Iterator[bool]:
    """Keep other processes from writing into a folder; the system frees it if this one dies.

    Parameters
    ----------
    owner : callable
        Returns who works on a folder, for the message.

    Yields
    ------
    bool
        Whether the folder could be locked: not all file systems can.

    Raises
    ------
    ResultsError
        If another process is working on it.
    """
    path, locked = folder / LOCK, True
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as lock:
        try:
            lock.execute("PRAGMA journal_mode=MEMORY")  # nothing is ever written
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as reason:
            if reason.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                raise ResultsError(
                    f"{folder} is being worked on by {owner(folder)}; wait for it, stop it, or "
                    "choose another --out"
                ) from None
            locked = False
            warnings.warn(f"{folder} cannot be locked: start no second process", stacklevel=3)
        try:
            yield locked
        finally:
            with suppress(OSError):  # elsewhere than on Unix a file in use stays
                path.unlink()


def write(
    folder: Path,
    files: Mapping[str, bytes | Path],
    manifest: dict[str, Any],
    unfinished: str,
    stale: Iterable[str] = (),
) -> None:
    """Write files and, last, the manifest, to which hashes and ``complete`` are added.

    Parameters
    ----------
    files : mapping
        Contents by name, or files of the folder that take that name.
    unfinished : str
        What to say if the disk refuses, as in "the run is not finished, run it again".
    stale : iterable of str
        Names of files that an older result may have left and this one may not have.

    Raises
    ------
    MachineError
        If the disk is full or the folder cannot be written; nothing then looks finished.
    """
    try:
        manifest["tables"] = {
            name: digest_of(data) if isinstance(data, Path) else digest(data)
            for name, data in files.items()
        }
        manifest["complete"] = True
        (folder / MANIFEST).unlink(missing_ok=True)
        # figures and reports would survive the tables that they were made of
        shutil.rmtree(folder / "figures", ignore_errors=True)
        derived = [path for pattern in DERIVED for path in folder.glob(pattern)]
        for path in [*derived, *(folder / name for name in stale)]:
            path.unlink(missing_ok=True)
        for name, data in files.items():
            if isinstance(data, Path):
                rename(data, folder / name)
            else:
                write_atomically(folder / name, data)
        write_atomically(folder / MANIFEST, (json.dumps(manifest, indent=2) + "\n").encode())
    except OSError as reason:
        raise MachineError(
            f"{folder} could not be written: {reason.strerror}; {unfinished}"
        ) from None


def csv_bytes(table: pd.DataFrame, **how: Any) -> bytes:
    """Return a table as CSV, with the same bytes on every system.

    Parameters
    ----------
    table : DataFrame
    **how
        For ``DataFrame.to_csv``.

    Returns
    -------
    bytes
    """
    return table.to_csv(index=False, lineterminator="\n", **how).encode()


def parquet_bytes(table: pd.DataFrame) -> bytes:
    """Return a table as Parquet, whose schema does not hang on how many names a column has.

    Parameters
    ----------
    table : DataFrame

    Returns
    -------
    bytes
    """
    sink = pa.BufferOutputStream()
    pq.write_table(arrow(table), sink, compression=COMPRESSION)
    return bytes(sink.getvalue())


def arrow(table: pd.DataFrame) -> pa.Table:
    """Return a table with the schema that ``parquet_bytes`` speaks of.

    Parameters
    ----------
    table : DataFrame

    Returns
    -------
    pyarrow.Table
    """
    found = pa.Table.from_pandas(table, preserve_index=False)
    fixed = [f.with_type(NAMES) if pa.types.is_dictionary(f.type) else f for f in found.schema]
    return found.cast(pa.schema(fixed, metadata=found.schema.metadata))


# -- tables of several replications: gathered in memory, or in files that grow in a folder.
# By the hour a replication has some 700,000 rows. In a folder each goes to the disk as soon as it
# is made, a row group of its own, so that two hundred take little more memory than one.


class Gathered:
    """Tables by name, to which parts are added; to be closed.

    Parameters
    ----------
    folder : Path or None
        Where tables grow as files; None keeps all in memory.
    growing : collection of str
        Names of the tables that do.

    Attributes
    ----------
    files : dict of str to Path
        The tables that grew, by the name that their file is to have.
    """

    def __init__(self, folder: Path | None, growing: Collection[str]) -> None:
        self._folder, self._growing = folder, growing if folder else ()
        self._parts: dict[str, list[pd.DataFrame]] = {}
        self._writers: dict[str, pq.ParquetWriter] = {}
        self.files: dict[str, Path] = {}

    def add(self, tables: Mapping[str, pd.DataFrame]) -> None:
        """Add the tables of one replication.

        Parameters
        ----------
        tables : mapping of str to DataFrame
            By name; whatever is not of the growing ones stays in memory.

        Raises
        ------
        MachineError
            If the disk refuses.
        """
        try:
            for name, table in tables.items():
                if name in self._growing:
                    self._grow(name, table)
                    table = table.iloc[:0].copy()  # a slice would keep all its rows
                self._parts.setdefault(name, []).append(table)
        except OSError as reason:
            raise MachineError(
                f"{self._folder} could not be written: {reason.strerror}; run it again"
            ) from None

    def _grow(self, name: str, table: pd.DataFrame) -> None:
        rows = arrow(table)
        if name not in self._writers:
            path = Path(self._folder or "", f"{LOCK}-{name}.parquet")
            self.files[f"{name}.parquet"] = path
            self._writers[name] = pq.ParquetWriter(path, rows.schema, compression=COMPRESSION)
        self._writers[name].write_table(rows)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Finish the files and return the tables.

        Returns
        -------
        dict of str to DataFrame
            By name; of those in files the columns without any rows.
        """
        for writer in self._writers.values():
            writer.close()
        return {name: pd.concat(parts, ignore_index=True) for name, parts in self._parts.items()}

    def close(self) -> None:
        """Finish the files and remove those that are still here."""
        for writer in self._writers.values():
            writer.close()
        for path in self.files.values():
            path.unlink(missing_ok=True)
