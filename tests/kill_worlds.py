"""Experiments of each kind, small and always the same, for tests that kill them.

As a script, ``python kill_worlds.py KIND FOLDER WORKERS``, one runs in a folder and prints the key
of each run that is finished, so that whoever kills it knows what must not be lost.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from test_calibration import SMALL
from test_sweep_running import TINY

import flowsim
from flowsim.calibration import calibrate, calibrating, read_calibration
from flowsim.calibration.runs import Runner, keep, take_up
from flowsim.calibration.waves import first_points
from flowsim.comparison import compare
from flowsim.comparison import running as comparing
from flowsim.experiments.store import Outcome, Store
from flowsim.figures import draw_all
from flowsim.machine import write_atomically
from flowsim.report import Options, write
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


def one_run(folder: Path, workers: int) -> None:
    """Three replications, which are written together or not at all."""
    size = {"sample": 0.0005, "replications": 3, "changes": {"horizon.end": "2022-10-01"}}
    flowsim.run("september-2022", out=folder, progress=lambda *_: _go_on(), **size)


def drawn(folder: Path, workers: int) -> None:
    """Three figures of a run."""
    for name in ("entries", "queues", "outcomes"):
        draw_all(_made(folder), [name], formats=["svg", "png"], out=folder)
        _go_on()


def reported(folder: Path, workers: int) -> None:
    """The pages of a report, and the tables beside them."""
    how = Options(quick=True, announce=lambda _: _go_on())
    for ending in ("html", "pdf"):
        write(_made(folder), folder / f"report.{ending}", how)


def _made(folder: Path) -> Path:
    """Return the folder of a run that always tells the same time."""
    made, manifest = folder.parent / "made", folder.parent / "made" / "manifest.json"
    if not manifest.exists():
        one_run(made, 1)
        same = {"started": "2022-09-21T00:00:00+00:00", "seconds": 1.0, "peak_memory_mb": 1}
        known = json.loads(manifest.read_text(encoding="utf-8"))
        write_atomically(manifest, json.dumps(known | same).encode())
    return made


def _go_on() -> None:
    """Print that something more is done, which need not be kept."""
    print(flush=True)


def _file(folder: Path) -> Path:
    path = folder.parent / "tiny.yaml"
    text = SMALL.replace("waves: [6, 4]", "waves: [60, 50]").replace("repeats: 2", "repeats: 3")
    path.write_text(text, encoding="utf-8")
    return path


EXPERIMENTS = (sweep, comparison, stage, calibration)
KINDS = {one.__name__: one for one in (*EXPERIMENTS, one_run, drawn, reported)}


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
