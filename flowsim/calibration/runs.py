"""The runs of a calibration: made once, kept in its store, taken up again after a kill.

A stage is a table of points; ``Runner.run`` simulates what the store lacks of it. A stage
remembers its points, so a second start goes on with exactly those.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from flowsim.calibration.file import Calibration
from flowsim.calibration.targets import simulated
from flowsim.data.rows import Observation
from flowsim.errors import CalibrationError, ResultsError
from flowsim.experiments.executor import LOCAL
from flowsim.experiments.simulate import simulate
from flowsim.experiments.store import Outcome, Store, key_of, packed, run_missing, unpacked
from flowsim.machine import durable
from flowsim.results.observation import Observed
from flowsim.scenario import Base, content_hash
from flowsim.scenario.observing import counted
from flowsim.scenario.timetable import WARM_UP
from flowsim.types import Floats, Progress, silent

KEPT = "runs.parquet"
TOO_MANY_FAILED = 0.05
NINE = 9  # o'clock, when queues were counted


@dataclass(frozen=True)
class Task:
    """One run: a point of a stage and a replication, and what is kept of it.

    Attributes
    ----------
    key : str
        Hash of all that decides it.
    base : Base
        The scenario before changes, as it was read: its file may change meanwhile.
    shares : tuple of (str, str)
        By figure, the measure by which it is divided.
    daily : bool
        Whether to keep daily series.
    """

    key: str
    base: Base
    changes: tuple[tuple[str, Any], ...]
    replication: int
    figures: tuple[Observation, ...]
    shares: tuple[tuple[str, str], ...]
    daily: bool

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of its outcomes, of which it has one."""
        return (self.key,)


def work(task: Task) -> list[Outcome]:
    """Run one point; return its figures, and its daily series if they are wanted."""
    scenario = task.base.variant(dict(task.changes))
    observed = Observed(simulate(scenario, task.replication))
    found = simulated(observed, task.figures, dict(task.shares))
    if task.daily:
        found |= daily_numbers(observed)
    values = np.array(list(found.values()), dtype=np.float64)
    return [
        Outcome(task.key, tables={"run": packed(pa.table({"name": [*found], "value": values}))})
    ]


def daily_numbers(observed: Observed) -> dict[str, float]:
    """Return entries by country and day, cars at nine by crossing once counted, and totals."""
    model, out = observed.model, dict[str, float]()
    days = pd.date_range(model.world.clock.start, periods=model.world.clock.n_days)
    dates = days.strftime("%Y-%m-%d").tolist()
    for name, country in model.assumptions.destinations.items():
        columns = observed.columns_of(country.code)
        for measure in ("entries", "entries_men"):
            by_hour = observed.flows[measure][:, columns].sum(axis=1)
            values = observed.local_days(by_hour, country.utc_offset_h).tolist()
            named = [f"{measure}|{country.code}|{date}" for date in dates]
            out |= dict(zip(named, values, strict=True))
        left = model.expected_departures[:, :, list(model.assumptions.destinations).index(name)]
        out[f"departures|{country.code}|"] = float(left[-1].sum())
    for crossing in counted(model.assumptions, "queue_cars"):
        columns = observed.columns_of(crossing)
        for d, date in enumerate(dates):
            value = observed.levels["queue_cars"][WARM_UP + 24 * d + NINE, columns].sum()
            out[f"queue_cars|{crossing}|{date}"] = float(value)
    return out


def calibration_key(calibration: Calibration, waves: Sequence[int], steps: int) -> str:
    """Hash what the design depends on: priors, figures, scenario, waves.

    The values that the scenario gives to fitted numbers do not matter, since they are moved.
    """
    file = calibration.file
    middle = calibration.base.variant(calibration.changes((calibration.low + calibration.high) / 2))
    fitted = file.observations.items()
    return key_of(
        [(p.name, p.low, p.high, p.moves) for p in calibration.parameters],
        {name: one.model_dump(exclude={"why"}) for name, one in fitted},
        [file.sample, file.until, file.seed, list(waves), steps],
        content_hash(middle),
    )


def take_up(store: Store, key: str) -> None:
    """Go on with the runs that a folder holds, finished or not.

    Raises
    ------
    ResultsError
        If they are of another calibration.
    """
    kept = None if store.folder is None else store.folder / KEPT
    if kept is not None and kept.is_file() and not store.done:
        store.take_in(pq.read_table(kept))
    if store.others(key):
        raise ResultsError(
            f"{store.folder} holds runs of another calibration (its file, scenario or budget "
            "have changed since); choose another --out"
        )


def keep(store: Store, folder: Path) -> None:
    """Write all runs as one table, for figures of one's own to be predicted later."""
    with store.reported(), durable(folder / KEPT) as stream:
        pq.write_table(store.table(), stream, compression="zstd")
    store.clear()


@dataclass(frozen=True)
class Runner:
    """Where and how runs are made: the store, the scenario, the machines.

    Attributes
    ----------
    key : str
        How the keys of the calibration begin (``calibration_key``).
    """

    calibration: Calibration
    store: Store
    key: str
    workers: int | None = None
    scheduler: str = LOCAL
    progress: Progress = silent
    figures: tuple[Observation, ...] = ()

    @property
    def where(self) -> dict[str, Any]:
        """Workers and scheduler, as ``executor.scatter`` takes them."""
        return {"workers": self.workers, "scheduler": self.scheduler}

    def table(self, name: str, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        """Return a table that is made once, such as the points of a stage."""
        key = f"{self.key}/{name}"
        if key not in self.store.done:
            self.store.add([Outcome(key, tables={"table": packed(make())})])
        return self.store.outcome(key).frame("table")

    def run(
        self,
        stage: str,
        points: pd.DataFrame,
        *,
        replications: Sequence[int] | None = None,
        fixed: dict[str, Any] | None = None,
        daily: bool = False,
    ) -> pd.DataFrame:
        """Simulate what is missing of a stage; return one row for each run that succeeded.

        Parameters
        ----------
        stage : str
            What to call it in messages.
        points : DataFrame
            One row for each point, one column for each parameter.
        replications : sequence of int, optional
            Of each row; 0 if left out.
        fixed : dict
            Scenario changes that hold in every run: sample, horizon, variant.

        Returns
        -------
        DataFrame
            ``point``, ``replication``, and a column for each figure or day.

        Raises
        ------
        CalibrationError
            If more than a twentieth of the runs fail; the message of the first.
        """
        reps = [0] * len(points) if replications is None else list(replications)
        values = points.to_numpy(dtype=np.float64)
        tasks = [self._task(values[i], rep, fixed or {}, daily) for i, rep in enumerate(reps)]
        missing = set(self.store.missing((task.key for task in tasks), retry_failed=True))
        done = len(tasks) - len(missing)

        def taken(n: int, _: object) -> None:
            self.progress(done + n, len(tasks), stage)

        todo = list({task.key: task for task in tasks if task.key in missing}.values())
        if todo:
            run_missing(self.store, work, todo, taken, **self.where)
        errors = [error for task in tasks if (error := self.store.done[task.key])]
        if len(errors) > TOO_MANY_FAILED * len(tasks):
            raise CalibrationError(
                f"{len(errors)} of {len(tasks)} runs of {stage} failed; the first: {errors[0]}"
            )
        return pd.DataFrame(
            [
                {"point": point, "replication": task.replication, **self._numbers(task.key)}
                for point, task in enumerate(tasks)
                if not self.store.done[task.key]
            ]
        )

    def _numbers(self, key: str) -> dict[str, float]:
        """Return what a run gave."""
        found = unpacked(self.store.outcome(key).tables["run"])
        return dict(zip(found["name"].to_pylist(), found["value"].to_pylist(), strict=True))

    def _task(self, values: Floats, replication: int, fixed: dict[str, Any], daily: bool) -> Task:
        changes = self.calibration.changes(values) | fixed
        key = f"{self.key}/{key_of(changes, replication, daily, self._wanted)}"
        known = tuple(changes.items())
        base = self.calibration.base
        return Task(key, base, known, replication, self._figures, self._shares, daily)

    @cached_property
    def _shares(self) -> tuple[tuple[str, str], ...]:
        observations = self.calibration.file.observations.items()
        return tuple((name, one.share_of) for name, one in observations if one.share_of is not None)

    @cached_property
    def _wanted(self) -> str:
        """Hash of what is kept of each run, daily series aside."""
        return key_of([figure.model_dump(mode="json") for figure in self._figures], self._shares)

    @property
    def _figures(self) -> tuple[Observation, ...]:
        return self.figures or tuple(self.calibration.figures.values())
