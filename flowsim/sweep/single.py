"""Single runs of a sweep: one to learn what all will cost, one made again to look at closely."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from flowsim.errors import ModelError, ResultsError
from flowsim.experiments.running import tables_of
from flowsim.experiments.simulate import simulate
from flowsim.experiments.store import Outcome, Store
from flowsim.machine import cores
from flowsim.results import folder as folders
from flowsim.results.manifest import made_with, manifest_of
from flowsim.results.opening import open_sweep
from flowsim.results.run import Run as FullRun
from flowsim.results.sweep import SweepResults
from flowsim.sweep.file import FILE, Sweep, read_sweep, sweep_of
from flowsim.sweep.plan import Plan, Run, make_plan
from flowsim.sweep.running import finished_manifest, overridden, refuse_unexpected, tasks_of
from flowsim.sweep.tables import SCHEMAS, errors_of, join, rows_of
from flowsim.sweep.work import work
from flowsim.types import Progress, silent

PROBES = 2  # the first also makes the population, which later runs of a seed share


@dataclass(frozen=True)
class Estimate:
    """What a sweep will take, judged from a probe.

    Attributes
    ----------
    scenarios, points, replications, runs : int
    done : int
        Of the runs, finished already in the folder.
    workers : int
    seconds : float
        Of all that is missing.
    seconds_per_run : float
        On one core.
    bytes_on_disk : float
        Of the tables of all runs; twice that while they are joined.
    zero : tuple of (str, str)
        Outputs and places that are 0 at every point by construction.
    """

    scenarios: int
    points: int
    replications: int
    runs: int
    done: int
    workers: int
    seconds: float
    seconds_per_run: float
    bytes_on_disk: float
    zero: tuple[tuple[str, str], ...] = ()


def estimate(
    sweep: Sweep | str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    workers: int | None = None,
    replications: int | None = None,
    sample: float | None = None,
    draws: Sequence[Mapping[str, Any]] | None = None,
    progress: Progress = silent,
) -> Estimate:
    """Return what a sweep will take; checks all its points, runs two probes, writes nothing.

    Raises
    ------
    ScenarioError
        As ``run_sweep``.
    ModelError
        If the probe fails: so would other runs.
    ResultsError
        If the folder holds something else.
    """
    sweep = sweep if isinstance(sweep, Sweep) else read_sweep(sweep)
    sweep = overridden(sweep, replications, sample, draws)
    folder = Path("results", sweep.name) if out is None else Path(out)
    plan = make_plan(sweep.as_drawn_in(folder), progress)
    refuse_unexpected(folder)
    done = _done(folder)
    missing = sum(run.key not in done for run in plan.runs)
    seconds, size = zip(*(_probe(plan) for _ in range(PROBES)), strict=True)
    count, first, later = workers or cores(), seconds[0], min(seconds)
    per_worker = (first - later) * min(sweep.replications, missing)
    return Estimate(
        scenarios=len(sweep.bases),
        points=len(plan.points),
        replications=sweep.replications,
        runs=len(plan),
        done=len(plan) - missing,
        workers=count,
        seconds=missing * later / count + (per_worker if missing else 0.0),
        seconds_per_run=later,
        bytes_on_disk=float(size[0] * len(plan)),
        zero=plan.zero,
    )


def _done(folder: Path) -> set[str]:
    """Return the keys of what a folder holds, finished or not; nothing if there is none."""
    if finished_manifest(folder):
        return set(errors_of(folder))
    if not (folder / folders.STORE).is_file():
        return set()
    with Store(folder, look=True) as store:
        return set(store.done)


def _probe(plan: Plan) -> tuple[float, int]:
    """Make the first run of a plan; return its seconds, and the bytes of its rows."""
    begin = time.perf_counter()
    outcome = _made(plan, plan.runs[0])
    if outcome.error:
        raise ModelError(f"the first run failed, and others would: {outcome.error}")
    return time.perf_counter() - begin, sum(map(len, outcome.tables.values()))


def _made(plan: Plan, run: Run) -> Outcome:
    (task,) = tasks_of(plan, [run], 1)
    (outcome,) = work(task)
    return outcome


@dataclass(frozen=True)
class Rerun:
    """A run of a sweep, made again.

    Attributes
    ----------
    run, point, replication : int
    scenario : str
    parameters : mapping of str to value
    error : str
        Empty if the run succeeded.
    difference : str
        How it differs from what the folder holds; empty if it equals it to the last bit.
    results, daily : DataFrame
        As in the sweep's tables.
    folder : Path or None
        Full results of the run, as ``flowsim run`` writes them, if they were asked for.
    """

    run: int
    scenario: str
    point: int
    replication: int
    parameters: Mapping[str, Any]
    error: str
    difference: str
    results: pd.DataFrame
    daily: pd.DataFrame
    folder: Path | None = None


def rerun(
    folder: str | os.PathLike[str], run: int, out: str | os.PathLike[str] | None = None
) -> Rerun:
    """Make one run of a finished sweep again, and compare it with what the folder holds.

    Parameters
    ----------
    run : int
        Its number in ``runs.parquet``.
    out : path, optional
        Folder for the run's full results: hourly tables, outcomes, the resolved scenario.

    Raises
    ------
    ResultsError
        If the folder is no finished sweep, or has no such run.
    """
    swept = open_sweep(folder)
    plan = make_plan(sweep_of(swept))
    if not 0 <= run < len(plan):
        raise ResultsError(f"run {run} is not known; {folder} has runs 0 to {len(plan) - 1}")
    planned = plan.runs[run]
    outcome = _made(plan, planned)
    difference = _difference(swept, planned, outcome)
    where = None if out is None else _write_run(plan, planned, Path(out))
    return Rerun(
        run,
        planned.scenario,
        planned.point,
        planned.replication,
        dict(zip(plan.points.names, plan.points.rows[planned.point], strict=True)),
        outcome.error,
        difference,
        rows_of(outcome, "results").to_pandas(),
        rows_of(outcome, "daily").to_pandas(),
        where,
    )


def _difference(swept: SweepResults, run: Run, outcome: Outcome) -> str:
    """Return how a run differs from what the folder holds of it."""
    found = []
    (row,) = pq.read_table(
        swept.path / "runs.parquet", filters=[("run", "=", run.number)]
    ).to_pylist()
    if row["error"] != outcome.error:
        found.append(f"it said {row['error']!r} then, {outcome.error!r} now")
    for name, schema in SCHEMAS.items():
        path, which = swept.path / f"{name}.parquet", [("run", "=", run.number)]
        held = pq.read_table(path, columns=schema.names, filters=which).cast(schema)
        if not _same(held, rows_of(outcome, name)):
            found.append(f"its rows in {name}.parquet differ")
    then, now = swept.manifest["versions"]["flowsim"], made_with()
    if (found or row["key"] != run.key) and then != now["flowsim"]:
        found.append(f"the sweep was made with flowsim {then}, this is {now['flowsim']}")
    if row["key"] != run.key and swept.manifest["data_hash"] != now["data_hash"]:
        found.append("the data tables are not those of the sweep")
    return "; ".join(found)


def _same(one: pa.Table, other: pa.Table) -> bool:
    """Compare tables bit for bit; a missing value equals a missing value."""
    return bool(one.to_pandas().equals(other.to_pandas()))


def _write_run(plan: Plan, run: Run, folder: Path) -> Path:
    """Write the full results of a run, as ``flowsim run`` would."""
    if folder.exists() and any(folder.iterdir()):
        raise ResultsError(f"{folder} is not empty; choose another --out")
    (base,) = [base for base in plan.sweep.bases if base.name == run.scenario]
    scenario, started = base.variant(run.changes), datetime.now(UTC)
    own: dict[str, Any] = {"replication": run.replication, "engine": "columns"}
    own["from_sweep"] = {"name": plan.sweep.name, "run": run.number, "key": run.key}
    with folders.prepare(folder, "run", [scenario.name], force=False):
        tables = tables_of(simulate(scenario, run.replication), run.replication)
        own["men_simulated"] = int(tables["outcomes"]["men_simulated"].sum())
        manifest = manifest_of("run", [scenario], started, **own)
        FullRun(manifest, known={"scenarios": (scenario,), **tables}).write(folder)
    return folder


def open_unfinished(folder: str | os.PathLike[str]) -> SweepResults:
    """Open what is finished of a sweep that was interrupted, or that still runs.

    Returns
    -------
    SweepResults
        Its tables have the finished runs only; the manifest says ``complete: false``.

    Raises
    ------
    ResultsError
        If the folder holds no unfinished sweep.
    """
    folder = Path(folder)
    if not (folder / folders.STORE).is_file() or not (folder / FILE).is_file():
        raise ResultsError(f"{folder} holds no unfinished sweep")
    plan = make_plan(read_sweep(folder / FILE))
    with Store(folder, look=True) as store, tempfile.TemporaryDirectory() as place:
        made = (run for run in plan.runs if run.key in store.done)
        join(store, made, plan.points, Path(place))
        there = SweepResults({}, Path(place))
        known = {name: there.table(name) for name in ("runs", "results", "daily")}
        manifest = {"kind": "sweep", "complete": False, "runs": len(store.done), "tables": {}}
    return SweepResults(manifest, folder, {"sweep": plan.sweep, **known})
