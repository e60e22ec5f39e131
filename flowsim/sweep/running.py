"""Run a sweep: what is missing goes out to workers, what comes back is written at once.

Nothing that was finished is done twice: not after Ctrl-C, a kill or a full disk, and not
when the file has grown by points, scenarios or replications since.
"""

from __future__ import annotations

import json
import os
import pickle
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from flowsim.errors import ResultsError
from flowsim.experiments.executor import LOCAL
from flowsim.experiments.running import fits_in_memory
from flowsim.experiments.store import Store, refuse_other_version, run_missing
from flowsim.machine import cores, write_atomically
from flowsim.results.describing import PACKAGE, datapackage
from flowsim.results.folder import MANIFEST, OWN, STORE, altered, digest, digest_of, read_json
from flowsim.results.manifest import manifest_of
from flowsim.results.opening import open_sweep
from flowsim.results.sweep import SweepResults
from flowsim.scenario.tree import plain
from flowsim.sweep.file import Sweep, read_sweep
from flowsim.sweep.plan import Plan, Run, make_plan
from flowsim.sweep.sensitivity import indices
from flowsim.sweep.tables import errors_of, join, outcomes_of
from flowsim.sweep.work import Task, work
from flowsim.types import Progress, silent

REPLICATIONS_PER_TASK = 10
INDICES = "indices.csv"
TOLD = ("name", "title", "sample", "seed", "replications")  # in the manifest, as the file has it
AT_ONCE = 64  # runs put back into a store together


def run_sweep(
    sweep: Sweep | str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    workers: int | None = None,
    scheduler: str = LOCAL,
    retry_failed: bool = False,
    replications: int | None = None,
    sample: float | None = None,
    draws: Sequence[Mapping[str, Any]] | None = None,
    progress: Progress = silent,
) -> SweepResults:
    """Run a sweep, or what is missing of it, and leave its folder of tables.

    Parameters
    ----------
    sweep : Sweep, path, or name of a shipped sweep
    out : path, optional
        Results folder; ``results/<name of the sweep>`` if left out. If it holds a part of the
        sweep, only the rest is run.
    workers, scheduler
        As in ``executor.scatter``: cores of this machine, or a Dask scheduler.
    retry_failed : bool
        Run again what failed before.
    replications, sample : optional
        Instead of the file's.
    draws : sequence of mappings, optional
        Draws of the parameters, dotted keys to values, instead of the file's: replication r of
        every point takes draw r where the point itself changes nothing. There are then at least
        as many replications.
    progress : callable, optional
        Called with runs done, runs in all, and a remark.

    Raises
    ------
    ScenarioError
        If the file, or the scenario of any point, has mistakes; nothing was run then.
    ResultsError
        If the folder is another's, or holds runs that the sweep does not have.
    MachineError
        If the disk is full or workers cannot be had; what was finished is kept.

    Notes
    -----
    A run that fails is a row with its error; the others go on. The tables' bytes depend
    neither on workers nor on interruptions.
    """
    if not isinstance(sweep, Sweep):
        sweep = read_sweep(sweep)
    sweep = overridden(sweep, replications, sample, draws)
    started = datetime.now(UTC)
    folder = Path("results", sweep.name) if out is None else Path(out)
    plan = make_plan(sweep.as_drawn_in(folder), progress)
    refuse_unexpected(folder)
    with Store(folder) as store:
        if not _is_finished(store, folder, plan, retry_failed):
            refuse_lost(folder, plan, store.done)
            todo = missing_of(plan, store, retry_failed)
            make(plan, store, folder, todo, workers=workers, scheduler=scheduler, progress=progress)
            progress(len(plan), len(plan), "joining the tables")
            finish(store, folder, plan, started)
        return open_sweep(folder)


def make(
    plan: Plan,
    store: Store,
    folder: Path,
    todo: list[Run],
    *,
    workers: int | None = None,
    scheduler: str = LOCAL,
    progress: Progress = silent,
) -> None:
    """Make some runs of a plan, each written as it comes, and leave the sweep's file by them."""
    sweep = plan.sweep
    if scheduler == LOCAL and todo:
        first = sweep.bases[0].variant(sweep.changes)
        fits_in_memory(first, min(workers or cores(), len(todo)))
    with store.reported():
        for name, text in sweep.files().items():
            write_atomically(folder / name, text.encode())
    at_once = min(REPLICATIONS_PER_TASK, max(1, len(todo) // (4 * (workers or cores()))))
    done, total, tasks = len(plan) - len(todo), len(plan), tasks_of(plan, todo, at_once)

    def taken(n: int, _: object) -> None:
        progress(done + n, total, store.remark)

    run_missing(store, work, tasks, taken, workers=workers, scheduler=scheduler)


def overridden(
    sweep: Sweep,
    replications: int | None,
    sample: float | None,
    draws: Sequence[Mapping[str, Any]] | None = None,
) -> Sweep:
    """Return a sweep with other replications, sample or draws, in its file as well."""
    if draws is not None:
        sweep = replace(sweep, draws=tuple(dict(draw) for draw in draws))
        replications = max(replications or sweep.replications, len(draws))
    given: dict[str, Any] = {"replications": replications, "sample": sample}
    update = {name: plain(value) for name, value in given.items() if value is not None}
    if replications is not None and replications < 1:
        raise ResultsError(f"replications must be at least 1; found {replications}")
    if sample is not None and not 0 < sample <= 1:
        raise ResultsError(f"sample {sample:g} is out of range; expected above 0, at most 1")
    if not update:
        return sweep
    changes = sweep.changes if sample is None else sweep.changes | {"sample": update["sample"]}
    read = replace(sweep.read, model=sweep.read.model.model_copy(update=update))
    return replace(sweep, changes=changes, read=read, **update)


# -- what the folder holds


def refuse_unexpected(folder: Path) -> None:
    """Refuse a folder with things in it that are not a sweep's.

    Raises
    ------
    ResultsError
    """
    if folder.exists() and not folder.is_dir():
        raise ResultsError(f"{folder} is a file; expected a folder, choose another --out")
    if not folder.exists() or (folder / STORE).is_file() or finished_manifest(folder):
        return
    if unexpected := [p.name for p in folder.iterdir() if not p.name.startswith(OWN)]:
        raise ResultsError(
            f"{folder} holds something that is not a sweep, or one whose {MANIFEST} is "
            f"missing or damaged ({min(unexpected)}); choose another --out"
        )


def finished_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a finished sweep; empty if it is not finished."""
    manifest = read_json(folder / MANIFEST)
    tables = manifest.get("tables")
    whole = isinstance(tables, dict) and set(SweepResults.needed) <= set(tables)
    is_sweep = manifest.get("kind") == SweepResults.kind
    return manifest if whole and is_sweep and manifest.get("complete") else {}


def _is_finished(store: Store, folder: Path, plan: Plan, retry_failed: bool) -> bool:
    """Whether the folder holds all this already; if it holds less, open it to grow."""
    manifest = finished_manifest(folder)
    if not manifest:
        return False
    store.drop(list(store.done))  # the tables stand; runs were left by a kill at the very end
    refuse_other_version(folder, manifest["made_with"])
    damaged = altered(folder, manifest)
    harmed = [folder / name for name in damaged if name in SweepResults.needed]
    if harmed:
        altered_file = f"{harmed[0]} is not the file that the sweep wrote"
        warnings.warn(f"{altered_file}; all runs are repeated", stacklevel=2)
    else:
        known = errors_of(folder)
        refuse_lost(folder, plan, known)
        files = {name: digest(text.encode()) for name, text in plan.sweep.files().items()}
        same = files.items() <= manifest["tables"].items()
        complete = all(run.key in known for run in plan.runs)
        if same and complete and not damaged and not (retry_failed and any(known.values())):
            return True
    outcomes = iter(()) if harmed else outcomes_of(folder)
    while batch := list(islice(outcomes, AT_ONCE)):
        store.add(batch, manifest["made_with"])
    with store.reported():
        (folder / MANIFEST).unlink()
    return False


def refuse_lost(folder: Path, plan: Plan, done: Iterable[str]) -> None:
    """Refuse a sweep that lacks runs which the folder holds: they would be lost."""
    if lost := set(done) - {run.key for run in plan.runs}:
        raise ResultsError(
            f"{folder} holds {len(lost):,} finished runs that {plan.sweep.name} does "
            "not have. It may grow by points, scenarios or replications, but not shrink, and what "
            "was run may not change (values, sample, seed, draws, outputs, what is kept). Choose "
            f"another --out, or go back to the file as it was: {folder / 'sweep.yaml'}"
        )


def missing_of(plan: Plan, store: Store, retry_failed: bool = False) -> list[Run]:
    """Return the runs that are still to be made, each key once, in the order of the plan."""
    runs = {run.key: run for run in reversed(plan.runs)}
    return [runs[key] for key in store.missing((r.key for r in plan.runs), retry_failed)]


# -- running


def tasks_of(plan: Plan, todo: Iterable[Run], at_once: int) -> Iterator[Task]:
    """Bundle runs into tasks: replications of one point share its preparation, if no draws do."""
    # Without what a base has worked out since, which would only be carried along.
    bases = {base.name: pickle.dumps(replace(base)) for base in plan.sweep.bases}
    for (scenario, *_), group in groupby(todo, lambda r: (r.scenario, r.point, id(r.changes))):
        runs = list(group)
        for first in range(0, len(runs), at_once):
            some = runs[first : first + at_once]
            yield Task(
                bases[scenario],
                some[0].changes,
                tuple((run.key, run.replication) for run in some),
                plan.sweep.outputs,
                plan.sweep.kept,
            )


# -- finishing


def finish(store: Store, folder: Path, plan: Plan, started: datetime) -> None:
    """Join the runs, add the indices of sensitivity, and write the manifest last."""
    names = list(plan.sweep.files())
    with store.reported():
        tables = join(store, plan.runs, plan.points, folder)
        joined = SweepResults({}, folder)
        found = indices(plan.sweep, joined.runs, joined.results)
        text = found.to_csv(index=False, lineterminator="\n", float_format="%.10g")
        write_atomically(folder / INDICES, text.encode())
        manifest = _manifest(store, plan, started)
        empty = {n: pq.read_schema(folder / n).empty_table().to_pandas() for n in joined.needed}
        described = datapackage(manifest, empty | {INDICES: found, "results.csv": joined.results})
        write_atomically(folder / PACKAGE, described)
        tables |= {name: digest_of(folder / name) for name in (INDICES, PACKAGE, *names)}
        manifest |= {"tables": tables, "complete": True}
        write_atomically(folder / MANIFEST, (json.dumps(manifest, indent=2) + "\n").encode())
    store.clear()


def _manifest(store: Store, plan: Plan, started: datetime) -> dict[str, Any]:
    """Return what made the sweep; what differs from one time to another is only here."""
    sweep = plan.sweep
    return manifest_of(
        SweepResults.kind,
        [base.scenario for base in sweep.bases],
        started,
        **{key: getattr(sweep, key) for key in TOLD},
        seeds={base.name: sweep.seed or base.scenario.seed for base in sweep.bases},
        design=sweep.design.kind,
        parameters=list(sweep.parameters),
        points=len(plan.points),
        draws=len(sweep.draws),
        runs=len(plan),
        zero_by_construction=[list(pair) for pair in plan.zero],
        failed=sum(1 for run in plan.runs if store.done[run.key]),
        made_with=store.made_with(),
    )
