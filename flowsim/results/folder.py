"""A folder of results: written whole or not at all, and checked when it is opened.

``manifest.json`` is written last. It holds the SHA-256 of every other file, and
``complete: true``; without that a folder is not finished.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from flowsim.errors import MachineError, ResultsError
from flowsim.machine import write_atomically

MANIFEST = "manifest.json"
DERIVED = ("report.html", "report.pdf", "reception-*.csv")


def read_json(path: Path) -> dict[str, Any]:
    """Read a mapping from a JSON file; empty if there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
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


def check(folder: Path, manifest: Mapping[str, Any], again: str) -> None:
    """Make sure that each file is the one whose SHA-256 the manifest tells.

    Parameters
    ----------
    again : str
        What to do if it is not, as in "run it again".

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


def prepare(folder: Path, force: bool, refuse: Callable[[], None]) -> None:
    """Make sure that a folder may be written; what is in it no longer counts as finished.

    Parameters
    ----------
    force : bool
        Write whatever it holds.
    refuse : callable
        Raises a ``ResultsError`` if the folder holds something else than is to be written;
        asked only if it holds anything.

    Raises
    ------
    ResultsError
        If it is a file, or is refused.
    MachineError
        If it cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise ResultsError(f"{folder} is a file; expected a folder, choose another --out")
    if folder.exists() and any(folder.iterdir()) and not force:
        refuse()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".probe"
        probe.write_bytes(b"")
        probe.unlink()
        (folder / MANIFEST).unlink(missing_ok=True)
    except OSError as reason:
        raise MachineError(f"{folder} cannot be written: {reason.strerror}") from None


def write(
    folder: Path,
    files: Mapping[str, bytes],
    manifest: dict[str, Any],
    unfinished: str,
    stale: Iterable[str] = (),
) -> None:
    """Write files and, last, the manifest, to which hashes and ``complete`` are added.

    Parameters
    ----------
    files : mapping
        Contents by name.
    unfinished : str
        What to say if the disk refuses, as in "the run is not finished, run it again".
    stale : iterable of str
        Names of files that an older result may have left and this one may not have.

    Raises
    ------
    MachineError
        If the disk is full or the folder cannot be written; nothing then looks finished.
    """
    manifest["tables"] = {name: digest(data) for name, data in files.items()}
    manifest["complete"] = True
    try:
        (folder / MANIFEST).unlink(missing_ok=True)
        remove_derived(folder)
        for name in stale:
            (folder / name).unlink(missing_ok=True)
        for name, data in files.items():
            write_atomically(folder / name, data)
        write_atomically(folder / MANIFEST, (json.dumps(manifest, indent=2) + "\n").encode())
    except OSError as reason:
        raise MachineError(
            f"{folder} could not be written: {reason.strerror}; {unfinished}"
        ) from None


def remove_derived(folder: Path) -> None:
    """Remove figures and reports, which would survive the tables that they were made of."""
    shutil.rmtree(folder / "figures", ignore_errors=True)
    for pattern in DERIVED:
        for path in folder.glob(pattern):
            path.unlink()


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
    """Return a table as Parquet.

    Parameters
    ----------
    table : DataFrame

    Returns
    -------
    bytes
    """
    return bytes(table.to_parquet(None, index=False, compression="zstd", engine="pyarrow"))
