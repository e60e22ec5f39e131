"""Open a folder of results of any kind, and make sure that it is as it was written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from flowsim.errors import ResultsError
from flowsim.results.folder import MANIFEST, check

RUN = "run"
RESULTS = Path("results")
OPENERS = {
    RUN: ("flowsim.figures.layout.tables", "read"),
    "comparison": ("flowsim.comparison", "open_comparison"),
    "sweep": ("flowsim.sweep", "open_sweep"),
    "calibration": ("flowsim.calibration", "open_calibration"),
}


@dataclass(frozen=True)
class Opened:
    """A folder that is complete and unaltered.

    Attributes
    ----------
    kind : str
        A key of ``OPENERS``.
    results : object
        What the opener of the kind gives.
    """

    folder: Path
    kind: str
    manifest: Mapping[str, Any]
    results: Any


def open_folder(folder: Path) -> Opened:
    """Open a folder with whatever reads its kind.

    Raises
    ------
    ResultsError
        If it is no finished folder of results, or a file in it is not the one that was written.
    """
    manifest = read_manifest(folder)
    kind = str(manifest.get("kind", RUN))
    if kind not in OPENERS:
        raise ResultsError(f"{folder} holds a {kind}; expected one of {', '.join(OPENERS)}")
    check(folder, manifest, "run it again")
    module, function = OPENERS[kind]
    return Opened(folder, kind, manifest, getattr(import_module(module), function)(folder))


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest of a finished folder.

    Raises
    ------
    ResultsError
        If there is none, or what it describes was not finished.
    """
    if not folder.exists():
        raise ResultsError(f"{folder} does not exist; {_those_there_are()}")
    try:
        contents = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as reason:
        raise ResultsError(
            f"{folder} is not a finished results folder: manifest.json cannot be read "
            f"({reason}); run the scenario again"
        ) from None
    if not isinstance(contents, dict) or not contents.get("complete"):
        raise ResultsError(f"{folder} holds an unfinished run; run the scenario again")
    return contents


def _those_there_are() -> str:
    """Return which folders of results there are, where commands leave them."""
    try:
        found = sorted(str(path) for path in RESULTS.iterdir() if path.is_dir())
    except OSError:
        found = []
    if not found:
        return "run a scenario first, as in flowsim run september-2022 --sample 0.1"
    return f"there are: {', '.join(found)}"
