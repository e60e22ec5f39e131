"""Experiments of each kind, small and always the same, for tests that kill them.

As a script, ``python kill_worlds.py KIND FOLDER WORKERS``, one runs in a folder and prints the key
of each run that is finished, so that whoever kills it knows what must not be lost.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from test_calibration import SMALL
from test_sweep_running import TINY

from flowsim.calibration import calibrate, calibrating, read_calibration
from flowsim.calibration.runs import Runner, keep, take_up
from flowsim.calibration.waves import first_points
from flowsim.comparison import compare, comparing
from flowsim.experiments.store import Outcome, Store
from flowsim.sweep import run_sweep, running
from flowsim.sweep.file import read_sweep

RUNS = 24
ENOUGH = {"replications": RUNS // 4}


def sweep(folder: Path, workers: int) -> None:
    """Twenty-four runs at four points."""
    run_sweep(read_sweep(TINY | ENOUGH), folder, workers=workers)


def comparison(folder: Path, workers: int) -> None:
    """Six replications of two scenarios, with terms."""
    scenarios = ["september-2022", "no-task-force"]
    size = {"replications": 6, "sample": 0.0005, "workers": workers}
    compare(scenarios, **size, shapley=False, out=folder)


def stage(folder: Path, workers: int) -> None:
    """One stage of a calibration: twenty-four points, written as a table at the end."""
    calibration = read_calibration(_file(folder))
    points = calibration.values(first_points(calibration, RUNS, 1))
    table = pd.DataFrame(points, columns=calibration.names)
    fixed = {"horizon.end": "2022-09-30", "sample": 0.0005}
    with Store(folder) as store:
        take_up(store, "tiny")
        runner = Runner(calibration, store, "tiny", workers)
        runner.run("wave-1", table, fixed=fixed).to_csv(folder / "wave-1.csv", index=False)
        keep(store, folder)


def calibration(folder: Path, workers: int) -> None:
    """All of a calibration: two waves, predictions, recovery."""
    calibrate(_file(folder), out=folder, budget="test", workers=workers)


def _file(folder: Path) -> Path:
    path = folder.parent / "tiny.yaml"
    text = SMALL.replace("waves: [6, 4]", "waves: [60, 50]").replace("repeats: 2", "repeats: 3")
    path.write_text(text, encoding="utf-8")
    return path


KINDS = {one.__name__: one for one in (sweep, comparison, stage, calibration)}


class Telling(Store):
    """Prints the key of each run once it counts."""

    def add(self, outcomes: Sequence[Outcome], made: Mapping[str, Any] | None = None) -> None:
        super().add(outcomes, made)
        print(*(one.key for one in outcomes), sep="\n", flush=True)


if __name__ == "__main__":
    for module in (calibrating, comparing, running):
        module.Store = Telling  # type: ignore[attr-defined]
    kind, out, count = sys.argv[1:]
    Store = Telling  # type: ignore[misc]
    KINDS[kind](Path(out), int(count))
