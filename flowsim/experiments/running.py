"""Run a scenario: replications and tables, kept in memory and written if a folder is named."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from flowsim.errors import MachineError, Problem, ResultsError, ScenarioError
from flowsim.experiments.parameter_draws import as_table, laid, tables_of_draws, variants
from flowsim.machine import free_memory
from flowsim.model.agent_model import AgentModel, refuse_too_many
from flowsim.model.flow_model import FlowModel
from flowsim.model.world import World
from flowsim.results import folder as folders
from flowsim.results.manifest import manifest_of
from flowsim.results.observation import Observed
from flowsim.results.run import Run
from flowsim.results.tables import comparison_table, daily_table, hourly_table, outcomes_table
from flowsim.scenario import Base
from flowsim.scenario.schema import Scenario
from flowsim.scenario.tree import plain
from flowsim.types import Progress, silent

BYTES_PER_MAN = 25  # of memory, when every sampled man might have to be kept
BYTES_PER_HOUR = 1_500  # of a crossing: its timetable, its queues, and its tables in the making
BYTES_KEPT_PER_HOUR = 1_000  # of a crossing and replication: tables, and once more to join them
FIXED_BYTES = 2.5e8
ENGINES: dict[str, type[FlowModel]] = {"columns": FlowModel, "agents": AgentModel}


def run(
    scenario: Scenario | Base | str | os.PathLike[str],
    *,
    sample: float | None = None,
    seed: int | None = None,
    replications: int = 1,
    out: str | os.PathLike[str] | None = None,
    changes: Mapping[str, Any] | Sequence[str] = (),
    force: bool = False,
    progress: Progress = silent,
    engine: str = "columns",
    draws: Sequence[Mapping[str, Any]] = (),
) -> Run:
    """Run a scenario and return its tables; write a results folder if ``out`` is given.

    Parameters
    ----------
    scenario : Scenario, Base, path, or name of a shipped scenario
    sample, seed : optional
        Instead of the scenario's.
    replications : int
        Independent repetitions; replication r of every scenario shares its draws.
    out : path, optional
        Results folder. Never another scenario's without ``force``.
    changes : mapping or list of ``key=value``
        Laid over the scenario.
    progress : callable, optional
        Called with hours done, hours in all, and what is being done.
    engine : str
        ``columns``, or ``agents``: every man a Mesa object, the same results, small samples.
    draws : sequence of mappings
        Other values of parameters, by dotted key: draw n is simulated besides, with the chance
        of replication n, of which there are then as many.

    Raises
    ------
    ScenarioError, ResultsError, MachineError
    """
    scenario, others, draws = _chosen(scenario, changes, draws, sample, seed)
    if engine not in ENGINES:
        raise ResultsError(f"engine {engine} is not known; choose one of {', '.join(ENGINES)}")
    if replications < 1:
        raise ResultsError(f"replications must be at least 1; found {replications}")
    if others and replications not in (1, len(others)):
        raise ResultsError(
            f"each draw of the parameters has a replication of its own: found {len(others)} draws "
            f"and {replications} replications; leave the replications out"
        )
    replications = len(others) or int(replications)
    world = World(scenario)
    folder = None if out is None else Path(out)
    fits_in_memory(world, kept=replications if folder is None else 0)
    if engine == "agents":
        refuse_too_many(world, scenario.sample)
    started, names = datetime.now(UTC), [scenario.name]
    report = _Report(progress, world.clock.n_hours, replications + len(others))
    with (
        nullcontext() if folder is None else folders.prepare(folder, "run", names, force),
        closing(folders.Gathered(folder if replications > 1 else None, Run.parquet)) as gathered,
    ):
        own: dict[str, Any] = {"engine": engine}
        for part in _parts(world, replications, others, report, engine):
            gathered.add(part)
            if "men_simulated" not in own:
                own["men_simulated"] = int(part["outcomes"]["men_simulated"].sum())
        known: dict[str, Any] = {"scenarios": (scenario,), **gathered.tables()}
        if others:
            known["draws"], own["draws"] = as_table(draws), len(others)
        manifest = manifest_of("run", [scenario], started, replications=replications, **own)
        result = Run(manifest, known=known)
        if folder is not None:
            result.write(folder, gathered.files)
    return result


def _parts(
    world: World, replications: int, others: Sequence[Scenario], report: _Report, engine: str
) -> Iterator[dict[str, pd.DataFrame]]:
    """Yield the tables of each replication, then those under each draw of the parameters."""
    for r in range(replications):
        yield _replicate(world, r, report, engine)
    yield from tables_of_draws(others, lambda n: report.at(replications + n, 0, f"draw {n + 1}"))


def _chosen(
    scenario: Scenario | Base | str | os.PathLike[str],
    changes: Mapping[str, Any] | Sequence[str],
    draws: Sequence[Mapping[str, Any]],
    sample: float | None,
    seed: int | None,
) -> tuple[Scenario, list[Scenario], Sequence[Mapping[str, Any]]]:
    """Return the scenario to run, its variants with other parameters, and these parameters."""
    if isinstance(scenario, Scenario):
        if changes or draws:
            raise ResultsError(
                "changes and draws can be laid over a file, not over a Scenario already read"
            )
        return with_men(scenario, sample, seed), [], []
    base = scenario if isinstance(scenario, Base) else Base.read(scenario)
    own = with_men(base.variant(changes), sample, seed)
    draws = laid(base, changes, draws)
    return own, variants(base, changes, draws, own), draws


def with_men(scenario: Scenario, sample: float | None, seed: int | None) -> Scenario:
    """Return the scenario with other men: another sample or seed, None for its own.

    Raises
    ------
    ScenarioError
        If one is out of its bounds.
    """
    problems, sample, seed = [], plain(sample), plain(seed)
    if sample is not None and not 0 < sample <= 1:
        found = f"{sample:g} is out of range; expected more than 0 and at most 1"
        problems.append(Problem("", "sample", found))
    if seed is not None and not 0 <= seed < 2**63:
        problems.append(Problem("", "seed", f"{seed} is out of range; expected 0 to 2**63 - 1"))
    if problems:
        raise ScenarioError(problems)
    update = {"sample": sample, "seed": seed}
    return scenario.model_copy(update={k: v for k, v in update.items() if v is not None})


@dataclass(frozen=True)
class _Report:
    """Reports progress in hours over all simulations of a run."""

    progress: Progress
    hours: int
    simulations: int

    def at(self, simulation: int, hour: int, label: str) -> None:
        """Return how far it is, in the hours of the simulation under way."""
        self.progress(simulation * self.hours + hour, self.simulations * self.hours, label)


def _replicate(
    world: World, replication: int, report: _Report, engine: str
) -> dict[str, pd.DataFrame]:
    """Run one replication and return its tables."""
    alone = report.simulations == 1
    report.at(replication, 0, "the men" if alone else f"replication {replication + 1}")
    model = ENGINES[engine](world, replication=replication)
    for hour in range(world.clock.n_hours):
        if hour % 24 == 0:
            moment = world.clock.moment(hour * 3600.0)
            report.at(replication, hour, f"{moment.day} {moment:%B}")
        model.step()
    report.at(replication, world.clock.n_hours, "tables")
    tables = tables_of(model, replication)
    model.discard()
    return tables


def tables_of(model: FlowModel, replication: int) -> dict[str, pd.DataFrame]:
    """Make the tables of a replication that has run: daily, hourly, outcomes and summary."""
    outcomes = outcomes_table(model, replication)  # first: what is observed stays in memory
    observed = Observed(model)
    return {
        "daily": daily_table(observed, replication),
        "hourly": hourly_table(observed, replication),
        "outcomes": outcomes,
        "summary": comparison_table(observed, replication),
    }


def fits_in_memory(scenario: Scenario | World, processes: int = 1, kept: int = 0) -> None:
    """Refuse what this machine has no room for, before it swaps itself to death.

    Parameters
    ----------
    scenario : Scenario or World
    processes : int
        Such runs at once.
    kept : int
        Replications whose tables all stay in memory.

    Raises
    ------
    MachineError
        If they need more than is free.
    """
    room = free_memory()
    if room is None:
        return
    world = scenario if isinstance(scenario, World) else World(scenario)
    given, hours = world.assumptions, world.clock.n_hours * len(world.assumptions.crossings)
    needs: dict[str, float] = {
        "a shorter horizon or fewer crossings": hours * BYTES_PER_HOUR,
        "fewer replications, or a folder for their tables": kept * hours * BYTES_KEPT_PER_HOUR,
    }
    if processes * sum(needs.values()) < room:  # else it is not worth finding out
        needs["a smaller --sample"] = _bytes_of_men(world)
    need = processes * (FIXED_BYTES + sum(needs.values()))
    if need > room:
        raise MachineError(
            f"{given.name} needs about {need / 1e9:.1f} GB of memory (sample {given.sample:g}, "
            f"{world.clock.n_days} days, {len(given.crossings)} crossings"
            + (f", {kept} replications in memory" if kept else "")
            + (f", {processes} runs at once" if processes > 1 else "")
            + f"), {room / 1e9:.1f} GB are free; take {max(needs, key=lambda what: needs[what])}"
            + (" or fewer --workers" if processes > 1 else "")
        )


def _bytes_of_men(world: World) -> float:
    """Estimate the memory for the men who can be reached, and for looking at the others."""
    sample = world.assumptions.sample
    reachable = -np.expm1(-(world.caps.sum(axis=1) ** world.assumptions.choice.lambda_.value))
    rows = sample * (world.men * (reachable + world.hazard(float(world.announced.max())))).sum()
    return float(rows * 400 + min(sample * world.strata.men.sum(), 2e6) * BYTES_PER_MAN)
