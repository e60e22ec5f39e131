"""The runs of a calibration: done once, kept on disk, taken up again after a kill.

A stage is a table of points; ``run_stage`` simulates what is not yet there, through
``executor.scatter``, and writes every few dozen runs to a part of their own before
they count. Parts are whole or not at all; a stage remembers its points, so a second start
goes on with exactly those.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from flowsim.calibration.file import Calibration
from flowsim.calibration.targets import simulated
from flowsim.data import sources
from flowsim.data.sources import Observation
from flowsim.errors import CalibrationError, MachineError, ResultsError
from flowsim.experiments.executor import Failed, scatter
from flowsim.experiments.simulate import simulate
from flowsim.results.observation import Observed
from flowsim.scenario import Base, content_hash
from flowsim.scenario.timetable import WARM_UP
from flowsim.types import Floats, Progress
from flowsim.version import __version__

AT_ONCE = 40  # runs in a part
TOO_MANY_FAILED = 0.05
NINE = 9  # o'clock, when queues were counted


@dataclass(frozen=True)
class Job:
    """One run: a point of a stage, and a replication."""

    stage: str
    point: int
    replication: int
    changes: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Work:
    """What all runs of a stage share; sent with each, small."""

    job: Job
    base: str
    figures: tuple[Observation, ...]
    shares: tuple[tuple[str, str], ...]
    daily: bool


@lru_cache(maxsize=4)
def _base(path: str) -> Base:
    """Read the scenario once in each process."""
    return Base.read(path)


def work(task: Work) -> dict[str, float]:
    """Run one point; give its figures, and its daily series if they are wanted."""
    scenario = _base(task.base).variant(dict(task.job.changes))
    model = simulate(scenario, task.job.replication)
    observed = Observed(model)
    out = simulated(observed, task.figures, dict(task.shares))
    if task.daily:
        out |= daily_numbers(observed)
    return out


def daily_numbers(observed: Observed) -> dict[str, float]:
    """Return entries by country and day, cars queueing at nine by crossing of note, and totals."""
    model = observed.model
    out: dict[str, float] = {}
    start = model.world.clock.start
    for name, country in model.assumptions.destinations.items():
        columns = observed.columns_of(country.code)
        for measure in ("entries", "entries_men"):
            by_hour = observed.flows[measure][:, columns].sum(axis=1)
            days = observed.local_days(by_hour, country.utc_offset_h)
            out |= {
                f"{measure}|{country.code}|{start + pd.Timedelta(days=d):%Y-%m-%d}": float(v)
                for d, v in enumerate(days)
            }
        left = model.expected_departures[:, :, list(model.assumptions.destinations).index(name)]
        out[f"departures|{country.code}|"] = float(left[-1].sum())
    lars = observed.columns_of("GE-LARS")
    for d in range(model.world.clock.n_days):
        hour = WARM_UP + 24 * d + NINE
        value = observed.levels["queue_cars"][hour, lars].sum()
        out[f"queue_cars|GE-LARS|{start + pd.Timedelta(days=d):%Y-%m-%d}"] = float(value)
    return out


class Store:
    """The runs of a calibration on disk.

    Parameters
    ----------
    folder : Path
        Results folder; runs lie in ``runs/``.
    key : str
        What the runs were made from; a folder made from something else is refused.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.folder = folder / "runs"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as reason:
            raise MachineError(f"{folder}: cannot be written ({reason.strerror})") from None
        about = self.folder / "made-from.json"
        if about.exists():
            found = json.loads(about.read_text(encoding="utf-8"))
            if found.get("key") != key:
                raise ResultsError(
                    f"{folder} holds runs of another calibration (file, scenario, data or "
                    "version changed since); choose another --out"
                )
        else:
            _write(about, json.dumps({"key": key, "flowsim": __version__}).encode())

    def points(self, stage: str, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        """Return the points of a stage: those of the first start, made now if this is it."""
        path = self.folder / f"{stage}.points.parquet"
        if not path.exists():
            table = make()
            part = path.with_suffix(".part")
            table.to_parquet(part, index=False)
            part.replace(path)
        return pd.read_parquet(path)

    def done(self, stage: str) -> pd.DataFrame:
        """Return the finished runs of a stage, in the order of points and replications."""
        parts = sorted(self.folder.glob(f"{stage}.runs-*.parquet"))
        if not parts:
            return pd.DataFrame({"point": [], "replication": []}).astype(int)
        table = pd.concat([pd.read_parquet(part) for part in parts], ignore_index=True)
        table = table.drop_duplicates(["point", "replication"])
        return table.sort_values(["point", "replication"], ignore_index=True)

    def add(self, stage: str, rows: Sequence[dict[str, Any]]) -> None:
        """Write some finished runs; they count when this returns."""
        table = pd.DataFrame(list(rows))
        name = hashlib.sha256(table[["point", "replication"]].to_csv().encode()).hexdigest()[:16]
        path = self.folder / f"{stage}.runs-{name}.parquet"
        part = path.with_suffix(".part")
        table.to_parquet(part, index=False)
        part.replace(path)


def _write(path: Path, content: bytes) -> None:
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)


def key_of(calibration: Calibration, waves: Sequence[int], steps: int) -> str:
    """Hash what the design depends on: priors, figures, scenario, data, version, waves.

    The values that the scenario gives to fitted numbers do not matter, since they are moved.
    """
    file = calibration.file
    middle = calibration.base.variant(calibration.changes((calibration.low + calibration.high) / 2))
    said = json.dumps(
        [
            [(p.name, p.low, p.high, p.moves) for p in calibration.parameters],
            {
                name: fitted.model_dump(exclude={"why"})
                for name, fitted in file.observations.items()
            },
            [file.sample, file.until, file.seed, list(waves), steps],
            content_hash(middle),
            sources.content_hash(),
            __version__,
        ],
        sort_keys=True,
    )
    return hashlib.sha256(said.encode()).hexdigest()


@dataclass(frozen=True)
class Runner:
    """Where and how runs are made: the store, the scenario, the machines."""

    calibration: Calibration
    store: Store
    workers: int | None = None
    scheduler: str = "local"
    progress: Progress | None = None
    figures: tuple[Observation, ...] = ()

    def run(
        self,
        stage: str,
        points: pd.DataFrame,
        *,
        replications: Sequence[int] | None = None,
        fixed: dict[str, Any] | None = None,
        daily: bool = False,
    ) -> pd.DataFrame:
        """Simulate what is missing of a stage; give one row for each finished run.

        Parameters
        ----------
        points : DataFrame
            One row for each point, one column for each parameter.
        replications : sequence of int, optional
            Of each row; 0 if left out.
        fixed : dict
            Scenario changes that hold in every run: sample, horizon, variant.

        Raises
        ------
        CalibrationError
            If more than a twentieth of the runs fail; the message of the first.
        """
        reps = [0] * len(points) if replications is None else list(replications)
        done = self.store.done(stage)
        have = set(zip(done["point"], done["replication"], strict=True))
        values = points.to_numpy(dtype=np.float64)
        tasks = [
            self._task(stage, i, rep, values[i], fixed or {}, daily)
            for i, rep in enumerate(reps)
            if (i, rep) not in have
        ]
        if not tasks:
            return done
        failed: list[Failed] = []
        rows: list[dict[str, Any]] = []
        n_done = len(reps) - len(tasks)
        for task, result in scatter(work, tasks, workers=self.workers, scheduler=self.scheduler):
            n_done += 1
            if isinstance(result, Failed):
                failed.append(result)
            else:
                named = {"point": task.job.point, "replication": task.job.replication}
                rows.append(named | result)
            if len(rows) >= AT_ONCE:
                self.store.add(stage, rows)
                rows = []
            if self.progress is not None:
                self.progress(n_done, len(reps), stage)
        if rows:
            self.store.add(stage, rows)
        if len(failed) > TOO_MANY_FAILED * len(reps):
            raise CalibrationError(
                f"{len(failed)} of {len(reps)} runs of {stage} failed; the first: "
                f"{failed[0].error}: {failed[0].message}"
            )
        return self.store.done(stage)

    def _task(
        self,
        stage: str,
        point: int,
        replication: int,
        values: Floats,
        fixed: dict[str, Any],
        daily: bool,
    ) -> Work:
        changes = self.calibration.changes(values) | fixed
        shares = tuple(
            (name, fitted.share_of)
            for name, fitted in self.calibration.file.observations.items()
            if fitted.share_of is not None
        )
        job = Job(stage, point, replication, tuple(changes.items()))
        figures = self.figures or tuple(self.calibration.figures.values())
        return Work(job, self.calibration.scenario, figures, shares, daily)
