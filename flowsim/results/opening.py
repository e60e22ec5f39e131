"""Open a folder of results for what it is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from flowsim.errors import ResultsError, visible
from flowsim.results.base import Results
from flowsim.results.calibration import CalibrationResults
from flowsim.results.comparison import Comparison
from flowsim.results.folder import MANIFEST, check, kind_of, read_json
from flowsim.results.run import Run
from flowsim.results.sweep import SweepResults

R = TypeVar("R", bound=Results)
KINDS: dict[str, type[Results]] = {
    kind.kind: kind for kind in (Run, Comparison, SweepResults, CalibrationResults)
}
USUAL = Path("results")  # where commands leave folders


def open_folder(folder: str | os.PathLike[str]) -> Results:
    """Open a folder of results of any kind; its tables are read when first asked for.

    Returns
    -------
    Run, Comparison, SweepResults or CalibrationResults

    Raises
    ------
    ResultsError
        If it is no finished folder of results, or a file in it is not the one that was written.
    """
    return _opened(Path(folder), Results)


def open_run(folder: str | os.PathLike[str]) -> Run:
    """Open the folder of a finished run; raises as ``open_folder``, also if it is no run."""
    return _opened(Path(folder), Run)


def open_comparison(folder: str | os.PathLike[str]) -> Comparison:
    """Open the folder of a finished comparison; raises as ``open_folder``, also if it is none."""
    return _opened(Path(folder), Comparison)


def open_sweep(folder: str | os.PathLike[str]) -> SweepResults:
    """Open the folder of a finished sweep; raises as ``open_folder``, also if it is none."""
    return _opened(Path(folder), SweepResults)


def open_calibration(folder: str | os.PathLike[str]) -> CalibrationResults:
    """Open the folder of a finished calibration; raises as ``open_folder``, also if it is none."""
    return _opened(Path(folder), CalibrationResults)


def _opened(folder: Path, expected: type[R]) -> R:
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise ResultsError(f"{folder} {what}; {_those_there_are()}")
    kind = kind_of(folder)
    wanted = getattr(expected, "kind", "results folder")
    if not kind:
        raise ResultsError(
            f"{folder} is not a finished {wanted} (no {MANIFEST}); {_those_there_are()}"
        )
    found = KINDS.get(kind)
    if found is None or not issubclass(found, expected):
        raise ResultsError(f"{folder} holds a {kind}, not a {wanted}; name another folder")
    manifest = read_json(folder / MANIFEST)
    if not manifest.get("complete"):
        raise ResultsError(
            f"{folder} is not a finished {kind} (no complete {MANIFEST}): it was stopped, or still "
            f"runs; {found.again}{found.meanwhile}"
        )
    if misfit := _misfit(manifest):
        raise ResultsError(f"{folder}: {MANIFEST} {misfit}, as flowsim writes none; {found.again}")
    check(folder, manifest, found.again, found.needed)
    return found(manifest, folder)


def _misfit(manifest: Mapping[str, Any]) -> str:
    """Return what in a manifest is of another type, or steers a terminal; empty if nothing does."""
    expected = {"replications": int, "name": str, "title": str, "scenarios": dict, "versions": dict}
    for key, kind in expected.items():
        value = manifest.get(key, kind())
        if not isinstance(value, kind):
            return f"has {key}: {value!r:.60}"
        if isinstance(value, str) and visible(value) != value:
            return f"has {key}: {visible(value):.60}"
    return ""


def _those_there_are() -> str:
    """Return which folders of results there are, where commands leave them."""
    there = sorted(str(path) for path in USUAL.glob("*") if path.is_dir())
    if not there:
        return "run a scenario first, as in flowsim run september-2022 --sample 0.1"
    return f"there are: {', '.join(there)}"
