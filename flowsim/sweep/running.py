"""Run a sweep: what is missing goes out to workers, what comes back is written at once.

Nothing that was finished is done twice: not after Ctrl-C, a kill or a full disk, and not
when the file has grown by points, scenarios or replications since.
"""

from __future__ import annotations

import json
import os
import pickle
import platform
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from flowsim.data import sources
from flowsim.errors import MachineError, ResultsError
from flowsim.experiments.executor import LOCAL, Failed, scatter
from flowsim.experiments.running import fits_in_memory
from flowsim.machine import cores
from flowsim.model.world import World
from flowsim.results.folder import MANIFEST, altered, digest, digest_of
from flowsim.sweep.file import Sweep, read_sweep
from flowsim.sweep.folder import INDICES, SweepResults, open_sweep
from flowsim.sweep.plan import Plan, Run, make_plan
from flowsim.sweep.sensitivity import indices
from flowsim.sweep.store import DATA, KIND, Outcome, Store, explained, write_durably
from flowsim.sweep.tables import (
    Line,
    errors_of,
    join,
    outcomes_of,
    parameter_columns,
)
from flowsim.sweep.work import Task, work
from flowsim.types import Progress
from flowsim.version import __version__

REPLICATIONS_PER_TASK = 10
EAGER_PARTS = 500  # so many parts are written at once; later ones wait for company
PART_RUNS, PART_SECONDS = 64, 0.5


def run_sweep(
    sweep: Sweep | str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    workers: int | None = None,
    scheduler: str = LOCAL,
    retry_failed: bool = False,
    replications: int | None = None,
    sample: float | None = None,
    progress: Progress | None = None,
) -> SweepResults:
    """Run a sweep, or what is missing of it, and leave its folder of tables.

    Parameters
    ----------
    sweep : Sweep, path, or name of a shipped sweep
    out : path, optional
        Results folder; ``results/<name of the sweep>`` if left out. If it holds a part of the
        sweep, only the rest is run.
    workers, scheduler
        As in ``parallel.scatter``: cores of this machine, or a Dask scheduler.
    retry_failed : bool
        Run again what failed before.
    replications, sample : optional
        Instead of the file's.
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
    sweep = overridden(sweep, replications, sample)
    told = progress or _silent
    plan = make_plan(sweep, told)
    with Store(Path("results", sweep.name) if out is None else out) as store:
        if not _is_finished(store, plan, retry_failed):
            _take_up(store, plan)
            with explained(store.folder, store.done):
                for name, text in sweep.files().items():
                    write_durably(store.folder / name, text.encode())
            todo = _missing(plan, store.done, retry_failed)
            crew = {"workers": workers, "scheduler": scheduler}
            if scheduler == LOCAL and todo:
                world = World(sweep.bases[0].variant(sweep.changes))
                fits_in_memory(world, min(workers or cores(), len(todo)))
            _run_all(store, plan, todo, crew, told)
            told(len(plan), len(plan), "joining the tables")
            _finish(store, plan)
        return open_sweep(store.folder)


def _silent(_done: int, _total: int, _label: str) -> None:
    """Report nothing."""


def overridden(sweep: Sweep, replications: int | None, sample: float | None) -> Sweep:
    """Return a sweep with other replications or another sample, in its file as well."""
    update: dict[str, Any] = {"replications": replications, "sample": sample}
    update = {name: value for name, value in update.items() if value is not None}
    if replications is not None and replications < 1:
        raise ResultsError(f"replications must be at least 1; found {replications}")
    if sample is not None and not 0 < sample <= 1:
        raise ResultsError(f"sample {sample:g} is out of range; expected above 0, at most 1")
    if not update:
        return sweep
    changes = sweep.changes if sample is None else sweep.changes | {"sample": sample}
    read = replace(sweep.read, model=sweep.read.model.model_copy(update=update))
    return replace(sweep, changes=changes, read=read, **update)


# -- what the folder holds


def _is_finished(store: Store, plan: Plan, retry_failed: bool) -> bool:
    """Return whether the folder holds all this already; if it holds less, open it to grow."""
    manifest = store.manifest()
    if not manifest:
        return False
    store.clear()  # the tables stand; parts were left by a kill at the very end
    _refuse_other_version(store, manifest["versions"]["flowsim"], manifest["data_hash"])
    damaged = altered(store.folder, manifest)
    harmed = [name for name in damaged if name in DATA]
    if harmed:
        _warn(
            f"{store.folder / harmed[0]} is not the file that the sweep wrote; "
            "all runs are repeated"
        )
    else:
        known = errors_of(store.folder)
        _refuse_strangers(store, plan, known)
        same = all(
            manifest["tables"].get(name) == digest(text.encode())
            for name, text in plan.sweep.files().items()
        )
        if same and not damaged and not _missing(plan, known, retry_failed):
            return True
    _open_again(store, manifest, () if harmed else outcomes_of(store.folder))
    return False


def _open_again(store: Store, manifest: Mapping[str, Any], outcomes: Iterable[Outcome]) -> None:
    """Turn the tables of a finished sweep back into parts; then it is no more finished."""
    with explained(store.folder):
        (store.folder / "parts").mkdir(exist_ok=True)
    store.begin(manifest["made_with"])
    batch: list[Outcome] = []
    for outcome in outcomes:
        batch.append(outcome)
        if len(batch) == PART_RUNS:
            store.add(batch)
            batch = []
    if batch:
        store.add(batch)
    with explained(store.folder, store.done):
        (store.folder / MANIFEST).unlink()


def _take_up(store: Store, plan: Plan) -> None:
    """Find what is done of an unfinished sweep, and note down what goes on with it."""
    with explained(store.folder):
        store.scan()
    for name in store.damaged:
        _warn(f"{store.folder}/parts/{name} is damaged; its runs are repeated")
    before = store.made_with()
    if before and store.done:
        _refuse_other_version(store, before["flowsim"], before["data_hash"])
        _refuse_strangers(store, plan, store.done)
    now = _made_with()
    earlier = [v for v in before.get("versions", []) if store.done and v not in now["versions"]]
    if earlier:
        was = ", ".join(f"{name} {number}" for name, number in earlier[-1].items())
        _warn(f"some runs were made with {was}; results may differ in the last digits")
    store.begin(now | {"versions": [*earlier, *now["versions"]]})


def _made_with() -> dict[str, Any]:
    versions = {"python": platform.python_version(), "numpy": np.__version__}
    return {
        "flowsim": __version__,
        "data_hash": sources.content_hash(),
        "versions": [versions],
    }


def _refuse_other_version(store: Store, flowsim: str, data_hash: str) -> None:
    """Refuse to mix results of two versions of the model or of its data."""
    now = _made_with()
    if flowsim != now["flowsim"]:
        what = f"flowsim {flowsim}, this is {now['flowsim']}"
    elif data_hash != now["data_hash"]:
        what = "other data tables than the ones installed now"
    else:
        return
    raise ResultsError(
        f"{store.folder} was made with {what}; go on with what it was made with, "
        "or choose another --out"
    )


def _refuse_strangers(store: Store, plan: Plan, done: Iterable[str]) -> None:
    """Refuse a sweep that lacks runs which the folder holds: they would be lost."""
    strangers = set(done) - {run.key for run in plan.runs}
    if strangers:
        raise ResultsError(
            f"{store.folder} holds {len(strangers):,} finished runs that {plan.sweep.name} does "
            "not have. It may grow by points, scenarios or replications, but not shrink, and what "
            "was run may not change (values, sample, seed, outputs, what is kept). Choose another "
            f"--out, or go back to the file as it was: {store.folder / 'sweep.yaml'}"
        )


def _warn(message: str) -> None:
    warnings.warn(message, stacklevel=2)


def _missing(plan: Plan, done: Mapping[str, str], retry_failed: bool) -> list[Run]:
    """Return the runs that are still to be made, each key once, in the order of the plan."""
    todo: dict[str, Run] = {}
    for run in plan.runs:
        if run.key not in done or (retry_failed and done[run.key]):
            todo.setdefault(run.key, run)
    return list(todo.values())


# -- running


def tasks_of(plan: Plan, todo: Iterable[Run], at_once: int) -> Iterator[Task]:
    """Bundle runs into tasks: replications of one point share its preparation."""
    # Without what a base has worked out since, which would only be carried along.
    bases = {base.name: pickle.dumps(replace(base)) for base in plan.sweep.bases}
    data_hash = sources.content_hash()
    for (scenario, _), group in groupby(todo, lambda run: (run.scenario, run.point)):
        runs = list(group)
        for first in range(0, len(runs), at_once):
            some = runs[first : first + at_once]
            yield Task(
                bases[scenario],
                some[0].changes,
                tuple((run.key, run.replication) for run in some),
                plan.sweep.outputs,
                plan.sweep.kept,
                data_hash,
            )


def _run_all(
    store: Store, plan: Plan, todo: list[Run], crew: Mapping[str, Any], progress: Progress
) -> None:
    """Make what is missing; write it as it comes."""
    at_once = min(REPLICATIONS_PER_TASK, max(1, len(todo) // (4 * (crew["workers"] or cores()))))
    before = len(plan) - len(todo)
    writer = _Writer(store)
    progress(before, len(plan), store.remark)
    try:
        with closing(scatter(work, tasks_of(plan, todo, at_once), **crew)) as results:
            for task, result in results:
                writer.take(_lost(task, result) if isinstance(result, Failed) else result)
                progress(before + writer.n, len(plan), store.remark)
    except BaseException:
        with suppress(MachineError):  # the first error is the one to tell
            writer.flush()
        raise
    writer.flush()


def _lost(task: Task, failed: Failed) -> list[Outcome]:
    """Tell of the runs of a task that did not come back."""
    said = f"{failed.error}: {' '.join(failed.message.split())}"
    return [Outcome(key, said, failed.traceback) for key, _ in task.runs]


class _Writer:
    """Writes outcomes as they come; many quick ones together, or they would be many files."""

    def __init__(self, store: Store) -> None:
        self.store, self.batch = store, list[Outcome]()
        self.n = self.parts = 0
        self.last = time.monotonic()

    def take(self, outcomes: Iterable[Outcome]) -> None:
        """Take what a task gave."""
        self.batch += outcomes
        waited = time.monotonic() - self.last >= PART_SECONDS
        if self.parts < EAGER_PARTS or waited or len(self.batch) >= PART_RUNS:
            self.flush()

    def flush(self) -> None:
        """Write what was taken; from now on it counts."""
        if self.batch:
            self.store.add(self.batch)
            self.n += len(self.batch)
            self.parts += 1
        self.batch, self.last = [], time.monotonic()


# -- finishing


def lines_of(plan: Plan) -> Iterator[Line]:
    """Return the runs of a plan with their parameters, as the tables want them."""
    for run in plan.runs:
        values = plan.points.rows[run.point]
        yield Line(run.number, run.scenario, run.point, run.replication, run.key, values)


def _finish(store: Store, plan: Plan) -> None:
    """Join the parts, add the indices of sensitivity, and write the manifest last."""
    folder, names = store.folder, list(plan.sweep.files())
    parameters = parameter_columns(plan.points.names, plan.points.rows)
    with explained(folder, store.done):
        tables = join(store, lines_of(plan), parameters, folder)
        joined = SweepResults(folder, {})
        told = indices(plan.sweep, joined.runs, joined.results)
        text = told.to_csv(index=False, lineterminator="\n", float_format="%.10g")
        write_durably(folder / INDICES, text.encode())
        tables |= {name: digest_of(folder / name) for name in (INDICES, *names)}
        manifest = _manifest(store, plan) | {"tables": tables, "complete": True}
        write_durably(folder / MANIFEST, (json.dumps(manifest, indent=2) + "\n").encode())
    store.clear()


def _manifest(store: Store, plan: Plan) -> dict[str, Any]:
    """Return what made the sweep; what differs from one time to another is only here."""
    sweep = plan.sweep
    made_with = store.made_with()
    return {
        "kind": KIND,
        "name": sweep.name,
        "title": sweep.title,
        "scenarios": {base.name: base.hash for base in sweep.bases},
        "design": sweep.design.kind,
        "parameters": list(sweep.parameters),
        "points": len(plan.points),
        "replications": sweep.replications,
        "runs": len(plan),
        "failed": sum(1 for run in plan.runs if store.done[run.key]),
        "sample": sweep.sample,
        "seeds": {base.name: sweep.seed or base.scenario.seed for base in sweep.bases},
        "data_hash": sources.content_hash(),
        "versions": {
            "flowsim": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in ("numpy", "mesa", "pandas", "pyarrow")},
        },
        "made_with": made_with,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
