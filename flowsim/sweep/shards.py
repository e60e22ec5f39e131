"""A sweep in parts, on machines that know nothing of each other, and the parts put together.

Each machine makes one part of the runs in a folder of its own; what is copied to one place is
merged there. The tables have the bytes that one machine would have written.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from flowsim.errors import ResultsError
from flowsim.experiments.store import Store
from flowsim.results.folder import STORE
from flowsim.results.opening import open_sweep
from flowsim.results.sweep import SweepResults
from flowsim.sweep.file import Sweep, read_sweep
from flowsim.sweep.plan import Plan, Run, make_plan
from flowsim.sweep.running import (
    finish,
    finished_manifest,
    make,
    missing_of,
    refuse_lost,
    refuse_unexpected,
)
from flowsim.types import Progress, silent

SHARD = re.compile(r"([1-9][0-9]{0,5})/([1-9][0-9]{0,5})")


@dataclass(frozen=True)
class Shard:
    """One of several parts of a sweep, numbered from 1."""

    part: int
    of: int

    @classmethod
    def read(cls, text: str) -> Shard:
        """Read ``3/10``.

        Raises
        ------
        ResultsError
            If it is not a part and a number of parts.
        """
        found = SHARD.fullmatch(text.strip())
        if found is None or int(found[1]) > int(found[2]):
            raise ResultsError(f"shard {text!r} is none; expected a part of several, such as 3/10")
        return cls(int(found[1]), int(found[2]))

    def holds(self, run: Run, plan: Plan) -> bool:
        """Whether a run belongs to this part; neighbours, which share preparation, do together."""
        return run.number * self.of // len(plan) == self.part - 1


def run_shard(
    sweep: Sweep,
    shard: Shard,
    out: Path,
    *,
    workers: int | None = None,
    retry_failed: bool = False,
    progress: Progress = silent,
) -> tuple[int, int]:
    """Make the runs of one part that are missing; return those of it done, and all of the sweep.

    Raises
    ------
    ScenarioError
        If the file, or the scenario of any point, has mistakes; nothing was run then.
    ResultsError
        If the folder is another's, or that of a finished sweep.
    MachineError
        If the disk is full; what was finished is kept.
    """
    plan = make_plan(sweep.as_drawn_in(out), progress)
    if shard.of > len(plan):
        raise ResultsError(
            f"{shard.of} parts of {len(plan)} runs leave some parts empty; take fewer"
        )
    refuse_unexpected(out)
    if finished_manifest(out):
        raise ResultsError(f"{out} holds a finished sweep; choose another --out for a part")
    with Store(out) as store:
        refuse_lost(out, plan, store.done)
        todo = [r for r in missing_of(plan, store, retry_failed) if shard.holds(r, plan)]
        make(plan, store, out, todo, workers=workers, progress=progress)
        mine = [run for run in plan.runs if shard.holds(run, plan)]
        return sum(run.key in store.done for run in mine), len(plan)


def merge(
    folders: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str] | None = None,
    *,
    progress: Progress = silent,
) -> SweepResults:
    """Put the parts of a sweep together into one results folder; the parts stay as they are.

    Parameters
    ----------
    folders : sequence of paths
        Where ``run_shard`` left them, in any order.
    out : path, optional
        Results folder; ``results/<name of the sweep>`` if left out.

    Raises
    ------
    ResultsError
        If a folder is no part, the parts are of different sweeps or versions, or runs are
        missing; what there is has then been put together, and merging may go on later.
    """
    parts = [Path(folder) for folder in folders]
    sweep = _the_same(parts)
    plan = make_plan(sweep, progress)
    folder, started = Path("results", sweep.name) if out is None else Path(out), datetime.now(UTC)
    if any(folder.resolve() == part.resolve() for part in parts):
        raise ResultsError(f"{folder} is one of the parts; choose another --out")
    refuse_unexpected(folder)
    if finished_manifest(folder):
        raise ResultsError(f"{folder} holds a finished sweep; choose another --out")
    with Store(folder) as store:
        for part in parts:
            with Store(part, look=True) as other:
                refuse_lost(part, plan, other.done)
                store.take_in(other.table())
        missing = missing_of(plan, store)
        if missing:
            raise ResultsError(
                f"{len(missing):,} of {len(plan):,} runs are missing, the first of them run "
                f"{missing[0].number}. Merge again with the parts that hold them, or make "
                f"them here: flowsim sweep {parts[0] / 'sweep.yaml'} --out {folder}"
            )
        make(plan, store, folder, [], progress=progress)
        finish(store, folder, plan, started)
    return open_sweep(folder)


def _the_same(parts: Sequence[Path]) -> Sweep:
    """Return the sweep that all parts are of."""
    if not parts:
        raise ResultsError("no parts to merge; name the folders of --shard")
    for part in parts:
        if not (part / STORE).is_file() or not (part / "sweep.yaml").is_file():
            kind = "a finished sweep" if finished_manifest(part) else "no part of a sweep"
            raise ResultsError(f"{part} is {kind}; expected a folder that --shard left")
    sweeps = [read_sweep(part / "sweep.yaml") for part in parts]
    for part, sweep in zip(parts, sweeps, strict=True):
        if sweep.files() != sweeps[0].files():
            raise ResultsError(f"{part} is a part of another sweep than {parts[0]}")
    return sweeps[0]
