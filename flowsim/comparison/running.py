"""Run several scenarios with the same men, replication by replication, on all cores."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pandas as pd

from flowsim.comparison import coincidence, lambdas, pairs, terms
from flowsim.comparison.measures import by_outcome, reduced
from flowsim.comparison.traces import RunTrace, live
from flowsim.errors import MachineError, ModelError, ResultsError
from flowsim.experiments.executor import Failed, scatter
from flowsim.model.draw_cache import DrawCache
from flowsim.model.world import World
from flowsim.results.observation import Observed
from flowsim.results.tables import Selection, daily_table, outcomes_table
from flowsim.scenario import content_hash, load
from flowsim.scenario.schema import Scenario
from flowsim.types import Floats, Progress

Source = Scenario | str | os.PathLike[str]
WORLDS = 64  # kept laid out in each process
BY_LAMBDA = Selection(kinds=frozenset(("nation", "destination")))
TARGETED = Selection(
    measures=frozenset(target.measure for target in coincidence.TARGETS),
    places=frozenset(target.place_id for target in coincidence.TARGETS),
)


@dataclass(frozen=True)
class Keyed:
    """A scenario that is known by its hash, so that a process lays it out once."""

    scenario: Scenario
    key: str

    @classmethod
    def of(cls, scenario: Scenario) -> Keyed:
        """Hash a scenario."""
        return cls(scenario, content_hash(scenario))

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Keyed) and other.key == self.key


@dataclass(frozen=True)
class Plan:
    """What every replication runs.

    Attributes
    ----------
    scenarios : tuple of Keyed
        The first is compared with each of the others.
    with_terms : bool
        Whether to find what switched each man.
    combinations : tuple of Keyed
        Every on and off of the coinciding policies (``coincidence``); empty for none.
    lambdas : tuple of (float, tuple of Keyed)
        The scenarios under each lambda.
    """

    scenarios: tuple[Keyed, ...]
    with_terms: bool
    combinations: tuple[Keyed, ...]
    lambdas: tuple[tuple[float, tuple[Keyed, ...]], ...]


@dataclass(frozen=True)
class Task:
    """One replication of a plan."""

    plan: Plan
    replication: int


@dataclass(frozen=True)
class Part:
    """What came of one replication.

    Attributes
    ----------
    daily, outcomes, reduced : list of DataFrame
        One for each scenario.
    transitions, switched : list of DataFrame
        One for each pair; none of the second without terms.
    explained : float64, shape (2**K, T)
        Targets in each combination of policies.
    lambdas : list of (float, list of DataFrame)
        ``reduced`` of each scenario under each lambda.
    """

    replication: int
    daily: list[pd.DataFrame]
    outcomes: list[pd.DataFrame]
    reduced: list[pd.DataFrame]
    transitions: list[pd.DataFrame]
    switched: list[pd.DataFrame]
    explained: Floats
    lambdas: list[tuple[float, list[pd.DataFrame]]]


def read(sources: Sequence[Source], sample: float | None, seed: int | None) -> list[Scenario]:
    """Read scenarios so that the same men live in all of them.

    Sample and seed are the first one's unless given.

    Raises
    ------
    ScenarioError, ResultsError
    """
    scenarios = [s if isinstance(s, Scenario) else load(s) for s in sources]
    if len(scenarios) < 2:
        raise ResultsError(
            f"found {len(scenarios)} scenario to compare; expected two or more, such as "
            "september-2022 no-task-force"
        )
    names = [scenario.name for scenario in scenarios]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ResultsError(
            f"more than one scenario is called {twice[0]}; give each its own `name:` in its file"
        )
    first = scenarios[0]
    for other in scenarios[1:]:
        if other.horizon != first.horizon:
            raise ResultsError(
                f"{other.name} runs {_days(other)}, {first.name} {_days(first)}; the same men can "
                "only be compared over the same days, give them the same `horizon:`"
            )
    sample = first.sample if sample is None else sample
    if not 0 < sample <= 1:
        raise ResultsError(f"sample is {sample:g}; expected more than 0 and at most 1")
    update = {"sample": sample, "seed": first.seed if seed is None else seed}
    return [scenario.model_copy(update=update) for scenario in scenarios]


def _days(scenario: Scenario) -> str:
    return f"{scenario.horizon.start:%Y-%m-%d} to {scenario.horizon.end:%Y-%m-%d}"


def planned(
    scenarios: Sequence[Scenario],
    policies: tuple[Scenario, Sequence[str]] | None,
    values: Sequence[float],
    with_terms: bool,
) -> Plan:
    """Lay out what each replication runs."""
    combined = [] if policies is None else coincidence.combinations(*policies)
    return Plan(
        scenarios=tuple(Keyed.of(s) for s in scenarios),
        with_terms=with_terms,
        combinations=tuple(Keyed.of(s) for s in combined),
        lambdas=tuple(
            (value, tuple(Keyed.of(lambdas.with_lambda(s, value)) for s in scenarios))
            for value in values
        ),
    )


def run(
    plan: Plan, replications: int, workers: int | None, scheduler: str, progress: Progress
) -> list[Part]:
    """Run all replications of a plan; give their parts in order.

    Raises
    ------
    ModelError, MachineError
        If a replication failed.
    """
    progress(0, replications, f"0 of {replications} replications")
    parts: list[Part] = []
    tasks = [Task(plan, r) for r in range(replications)]
    for task, part in scatter(work, tasks, workers=workers, scheduler=scheduler):
        if isinstance(part, Failed):
            raise _failure(task, part)
        parts.append(part)
        done = len(parts)
        progress(done, replications, f"{done} of {replications} replications")
    return sorted(parts, key=lambda part: part.replication)


def _failure(task: Task, failed: Failed) -> Exception:
    """Return the error of a replication, told as one of ours if it is one."""
    text = f"replication {task.replication + 1}: {failed.message}"
    if failed.traceback:
        return RuntimeError(f"{text} ({failed.error})\n{failed.traceback}")
    return MachineError(text) if failed.error == "MachineError" else ModelError(text)


@lru_cache(maxsize=WORLDS)
def _world(keyed: Keyed) -> World:
    return World(keyed.scenario)


def work(task: Task) -> Part:
    """Run one replication of everything; the men are born once for all scenarios."""
    plan, replication = task.plan, task.replication
    part = Part(replication, [], [], [], [], [], np.zeros((0, 0)), [])
    once = _Once(replication)
    first: RunTrace | None = None
    for keyed in plan.scenarios:
        life = once.lived(keyed, part)
        if first is None:
            first = life
            continue
        pair = pairs.match(first, life)
        part.transitions.append(pairs.transitions(pair))
        if plan.with_terms:
            part.switched.append(terms.switched(pair))
    for value, variants in plan.lambdas:
        part.lambdas.append((value, [once.numbers(keyed) for keyed in variants]))
    values = [once.targets(keyed) for keyed in plan.combinations]
    return replace(part, explained=np.array(values, dtype=np.float64))


class _Once:
    """One replication: men are born once, and what was run before is not run again."""

    def __init__(self, replication: int) -> None:
        self.replication, self._register = replication, DrawCache()
        self._daily: dict[Keyed, pd.DataFrame] = {}
        self._numbers: dict[Keyed, pd.DataFrame] = {}

    def lived(self, keyed: Keyed, part: Part) -> RunTrace:
        """Run a scenario and put its tables into the part."""
        model, life = live(_world(keyed), self.replication, self._register)
        daily = daily_table(Observed(model), self.replication)
        part.daily.append(daily)
        part.outcomes.append(outcomes_table(model, self.replication))
        part.reduced.append(self._reduced(daily, life))
        self._daily[keyed], self._numbers[keyed] = daily, part.reduced[-1]
        return life

    def numbers(self, keyed: Keyed) -> pd.DataFrame:
        """Return the numbers of a scenario by lambda, run now unless it was before."""
        if keyed not in self._numbers:
            model, life = live(_world(keyed), self.replication, self._register)
            daily = daily_table(Observed(model), self.replication, BY_LAMBDA)
            self._numbers[keyed] = self._reduced(daily, life)
        return self._numbers[keyed]

    def targets(self, keyed: Keyed) -> list[float]:
        """Return what is to be explained, in a scenario run now unless it was before."""
        daily = self._daily.get(keyed)
        if daily is None:
            model, _ = live(_world(keyed), self.replication, self._register)
            daily = daily_table(Observed(model), self.replication, TARGETED)
        return [target.of(daily) for target in coincidence.TARGETS]

    def _reduced(self, daily: pd.DataFrame, life: RunTrace) -> pd.DataFrame:
        numbers = pd.concat([reduced(daily), by_outcome(life)], ignore_index=True)
        return numbers.assign(replication=self.replication)
