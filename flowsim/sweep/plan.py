"""The runs of a sweep, all checked before any of them starts.

A run is one scenario at one point with one replication. Its key says what it computes, not
where it stands in the sweep, so that adding points, parameters or replications finds again
what is done.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from flowsim.errors import Problem, ScenarioError
from flowsim.experiments.parameter_draws import laid
from flowsim.results.manifest import made_with
from flowsim.results.measures import zero_by_construction
from flowsim.scenario import Base
from flowsim.scenario.merging import is_parameter
from flowsim.scenario.reading import WRITTEN
from flowsim.scenario.schema import FOR_READERS, Scenario
from flowsim.sweep import design
from flowsim.sweep.file import Sweep, placed
from flowsim.types import Progress, silent

MOST_SHOWN = 20
MOST_RUNS = 2**22  # a plan of so many is held in a gigabyte or two


@dataclass(frozen=True)
class Run:
    """One run of a sweep.

    Attributes
    ----------
    number : int
        Its place in the plan, from 0: by scenario, then point, then replication.
    scenario : str
        Name of the base.
    point, replication : int
        From 0.
    key : str
        Hash of all that decides its results and of what is kept of them.
    changes : dict
        What to change in the base, a draw of the parameters included:
        ``base.variant(run.changes)`` is the scenario.
    """

    number: int
    scenario: str
    point: int
    replication: int
    key: str
    changes: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Plan:
    """A sweep with its points and runs; every variant is known to be sound.

    ``zero`` has the names and place_ids of outputs that are 0 at every point by construction.
    """

    sweep: Sweep
    points: design.Points
    runs: tuple[Run, ...]
    zero: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        """Return the number of runs."""
        return len(self.runs)


def make_plan(sweep: Sweep, progress: Progress = silent) -> Plan:
    """Lay out the runs of a sweep and check the scenario of every one.

    Parameters
    ----------
    progress : callable, optional
        Called with (checked, all, words).

    Raises
    ------
    ScenarioError
        With the mistakes found at any point, each with the first point that has it and the
        values there; at most 20 are shown. Or if there are more runs than can be planned.
    """
    points = design.points(sweep)
    _refuse_too_many(sweep, len(points))
    kept = _kept(sweep)
    refusals = _Refusals(sweep, points)
    runs: list[Run] = []
    zero = [(output, place) for output in sweep.outputs for place in output.places]
    total = len(sweep.bases) * len(points)
    for b, base in enumerate(sweep.bases):
        for point, changed in enumerate(points.changes):
            if (n := b * len(points) + point) % 50 == 0:
                progress(n, total, "checking the points")
            try:
                scenarios = _variants(sweep, base, sweep.changes | changed)
            except ScenarioError as error:
                refusals.add(base.name, point, error)
                continue
            zero = [
                (output, place)
                for output, place in zero
                if all(zero_by_construction(s, output.measure, place) for _, s in scenarios)
            ]
            variants = [(each, meaning(scenario)) for each, scenario in scenarios]
            for replication in range(sweep.replications):
                changes, content = variants[replication % len(variants)]
                text = "\n".join((content, str(replication), kept))
                key = hashlib.sha256(text.encode()).hexdigest()[:32]
                runs.append(Run(len(runs), base.name, point, replication, key, changes))
    refusals.raise_any()
    progress(total, total, "checking the points")
    nothing = tuple((output.name, place.place_id) for output, place in zero)
    return Plan(sweep, points, tuple(runs), nothing)


def _variants(
    sweep: Sweep, base: Base, changes: dict[str, Any]
) -> list[tuple[dict[str, Any], Scenario]]:
    """Return changes and scenario of a point, under each draw that some replication takes."""
    draws = laid(base, changes, sweep.draws[: sweep.replications]) or [{}]
    every = [draw | changes for draw in draws]
    return [(each, base.variant(each)) for each in every]


def _refuse_too_many(sweep: Sweep, n_points: int) -> None:
    n = len(sweep.bases) * n_points * sweep.replications
    if n > MOST_RUNS:
        message = (
            f"{sweep.replications:,} at each of {n_points:,} points of {len(sweep.bases)} "
            f"scenario{'s' * (len(sweep.bases) > 1)} make {n:,} runs; at most {MOST_RUNS:,}. "
            "Take fewer replications or points"
        )
        raise ScenarioError([sweep.read.problem(message, "replications")])


def meaning(scenario: Scenario) -> str:
    """Return what decides a run's results, as text: all numbers, no titles and no sources."""
    data = scenario.model_dump(by_alias=True, exclude_none=True, exclude=set(FOR_READERS))
    return json.dumps(_bare(data), separators=(",", ":"))


def _bare(value: Any) -> Any:
    """Leave of each number its value alone, dates in order."""
    if is_parameter(value):
        return _bare(value["value"])
    if isinstance(value, dict):
        if value and all(isinstance(key, datetime) for key in value):
            return {key.isoformat(): value[key] for key in sorted(value)}
        return {key: _bare(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_bare(inner) for inner in value]
    return value.isoformat() if isinstance(value, date) else value


def _kept(sweep: Sweep) -> str:
    """Describe what is stored of a run, and the data tables that it reads."""
    outputs = [
        (o.name, o.measure, [p.place_id for p in o.places], o.reduce, str(o.start), str(o.end))
        for o in sweep.outputs
    ]
    return json.dumps([made_with()["data_hash"], sweep.kept, outputs])


class _Refusals:
    """Gathers the problems of all points, each once, with the first point that has it."""

    def __init__(self, sweep: Sweep, points: design.Points) -> None:
        self.sweep, self.points = sweep, points
        self.found: dict[Problem, list[tuple[str, int]]] = {}

    def add(self, scenario: str, point: int, error: ScenarioError) -> None:
        """Note the problems of one variant."""
        for problem in error.problems:
            self.found.setdefault(self._placed(problem, point), []).append((scenario, point))

    def _placed(self, problem: Problem, point: int) -> Problem:
        table = self.sweep.table
        columns = table.columns if table is not None else ()
        of_table = any(f"{problem.key}.".startswith(f"{column}.") for column in columns)
        if problem.where == "changes" and table is not None and of_table:
            return Problem(f"{table.name}:{table.lines[point]}", problem.key, problem.message)
        return placed(problem, self.sweep.read)

    def raise_any(self) -> None:
        """Raise all that was found, if anything."""
        if not self.found:
            return
        shown = [
            Problem(problem.where, problem.key, f"{problem.message} ({self._points(where)})")
            for problem, where in list(self.found.items())[:MOST_SHOWN]
        ]
        if len(self.found) > MOST_SHOWN:
            message = f"and {len(self.found) - MOST_SHOWN:,} more problems at other points"
            shown.append(Problem("", "", message))
        raise ScenarioError(shown)

    def _points(self, where: list[tuple[str, int]]) -> str:
        scenario, first = where[0]
        if len(where) == len(self.points) * len(self.sweep.bases):
            return "at every point"
        row = zip(self.points.names, self.points.rows[first], strict=True)
        values = ", ".join(f"{name} = {_written(value)}" for name, value in list(row)[:6])
        base = f" of {scenario}" if len(self.sweep.bases) > 1 else ""
        others = len(where) - 1
        more = f"; and {others:,} more point{'s' if others > 1 else ''}" if others else ""
        return f"point {first}{base}: {values}{more}"


def _written(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return WRITTEN[value]
    return f"{value:.6g}" if isinstance(value, float) else str(value)
