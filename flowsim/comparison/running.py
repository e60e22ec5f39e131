"""Compare scenarios: run them with the same men on all cores, gather what came out, write it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from flowsim.comparison import coincidence, pairs, tables, terms
from flowsim.comparison.traces import RunTrace, by_outcome, live
from flowsim.errors import MachineError, ModelError, ResultsError
from flowsim.experiments import parameter_draws
from flowsim.experiments.executor import LOCAL
from flowsim.experiments.running import fits_in_memory, with_men
from flowsim.experiments.store import Outcome, Store, key_of, packed, run_missing
from flowsim.machine import cores, versions, write_atomically
from flowsim.model.draw_cache import DrawCache
from flowsim.model.flow_model import FlowModel
from flowsim.model.world import World
from flowsim.results import folder as folders
from flowsim.results.comparison import EVERYBODY, Comparison
from flowsim.results.manifest import made_with, manifest_of
from flowsim.results.observation import Observed
from flowsim.results.opening import open_comparison
from flowsim.results.tables import Selection, daily_table, outcomes_table
from flowsim.scenario import Base, content_hash, lambdas, load, resolved_yaml
from flowsim.scenario.schema import Scenario
from flowsim.types import Progress, silent

Source = Scenario | str | os.PathLike[str]
WORLDS = 64  # kept laid out in each process
BY_LAMBDA = Selection(kinds=frozenset(("nation", "destination")))
REPLICATIONS = 20
SAMPLE = 0.01
KINDS_BY_LAMBDA = ("nation", "destination", "outcome")


@dataclass(frozen=True)
class Keyed:
    """A scenario that is known by its hash, so that a process lays it out once."""

    scenario: Scenario = field(compare=False)
    key: str

    @classmethod
    def of(cls, scenario: Scenario) -> Keyed:
        """Hash a scenario."""
        return cls(scenario, content_hash(scenario))


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

    @property
    def key(self) -> str:
        """Hash of all that decides a replication, its number aside."""
        groups = [self.scenarios, self.combinations, *(variants for _, variants in self.lambdas)]
        keys = [[keyed.key for keyed in group] for group in groups]
        return key_of(keys, self.with_terms, [value for value, _ in self.lambdas])


@dataclass(frozen=True)
class Task:
    """One replication of a plan, or one draw of the parameters.

    Attributes
    ----------
    key : str
        Of the plan, with the number of the replication or draw.
    drawn : tuple of Keyed
        The scenarios with one draw of their parameters, if that is what is run.
    """

    plan: Plan
    replication: int
    key: str
    drawn: tuple[Keyed, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of its outcomes, of which it has one."""
        return (self.key,)


@dataclass(frozen=True)
class Part:
    """What came of one replication.

    Attributes
    ----------
    tables : dict of str to list of DataFrame
        ``daily``, ``outcomes``, ``reduced``: one for each scenario. ``transitions``,
        ``switched``: one for each pair, none of the second without terms. ``drawn``: instead of
        all these, ``reduced`` of each scenario with one draw of its parameters. ``explained``: one,
        targets (columns) in each combination of policies. ``lambda 0``, ...: ``reduced`` of
        each scenario under each lambda.
    """

    replication: int
    tables: dict[str, list[pd.DataFrame]]

    @classmethod
    def of(cls, replication: int, outcome: Outcome) -> Part:
        """Read what a replication left in a store."""
        part = cls(replication, {})
        for name in outcome.tables:
            part.add(name.rpartition("/")[0], outcome.frame(name))
        return part

    def add(self, name: str, table: pd.DataFrame) -> None:
        """Put a table behind others of its name."""
        self.tables.setdefault(name, []).append(table)

    def outcome(self, key: str) -> Outcome:
        """Return it as it is stored."""
        named = self.tables.items()
        streams = {f"{n}/{i}": packed(t) for n, tables in named for i, t in enumerate(tables)}
        return Outcome(key, tables=streams)


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
        if _men(other) != _men(first):
            raise ResultsError(
                f"{other.name} has other regions, or other numbers of men in them, than "
                f"{first.name}; only the same men can be compared: give them one table of regions"
            )
    first = with_men(first, sample, seed)
    return [with_men(scenario, first.sample, first.seed) for scenario in scenarios]


def _men(scenario: Scenario) -> tuple[object, ...]:
    """Return whose men they are, and how many of each age live where."""
    return scenario.home.code, scenario.regions.code, scenario.regions.men.tobytes()


def _days(scenario: Scenario) -> str:
    return f"{scenario.horizon.start:%Y-%m-%d} to {scenario.horizon.end:%Y-%m-%d}"


def drawn(
    sources: Sequence[Source], own: Sequence[Scenario], draws: Sequence[Mapping[str, float]]
) -> list[tuple[Keyed, ...]]:
    """Lay draws of the parameters over all scenarios, as far as each has them.

    Parameters
    ----------
    sources, own : sequence
        Files or names of the scenarios, and the scenarios read from them.
    draws : sequence of mappings
        Dotted keys to values.

    Returns
    -------
    list of tuple of Keyed
        For each draw the scenarios with its values: the same ones, and the same men, in all.

    Raises
    ------
    ResultsError
        If a scenario is no file, so that nothing can be laid over it.
    """
    if draws and any(isinstance(source, Scenario) for source in sources):
        raise ResultsError("draws can be laid over a file, not over a Scenario already read")
    if not draws:
        return []
    by_scenario = []
    for source, scenario in zip(sources, own, strict=True):
        base = Base.read(cast("str", source))
        own_draws = parameter_draws.laid(base, (), draws)
        by_scenario.append(parameter_draws.variants(base, (), own_draws, scenario))
    return [tuple(map(Keyed.of, several)) for several in zip(*by_scenario, strict=True)]


def planned(
    scenarios: Sequence[Scenario],
    policies: tuple[Scenario, Sequence[str]] | None,
    values: Sequence[float],
    with_terms: bool,
) -> Plan:
    """Lay out what each replication runs."""
    combined = [] if policies is None else coincidence.combinations(*policies)
    by_lambda = tuple(
        (value, tuple(Keyed.of(lambdas.with_lambda(s, value)) for s in scenarios))
        for value in values
    )
    return Plan(
        tuple(map(Keyed.of, scenarios)), with_terms, tuple(map(Keyed.of, combined)), by_lambda
    )


def run(
    plan: Plan,
    replications: int,
    draws: Sequence[tuple[Keyed, ...]],
    store: Store,
    workers: int | None,
    scheduler: str,
    progress: Progress,
) -> list[Part]:
    """Run what the store lacks; return all parts in order, replications before draws.

    Draw n is run with the chance of replication n, so that the two can be compared.

    Raises
    ------
    ModelError, MachineError
        If a replication failed; those that are finished stay in the store.
    """
    key = plan.key
    tasks = [Task(plan, r, f"{key}/{r}") for r in range(replications)]
    for n, several in enumerate(draws):
        values = key_of([keyed.key for keyed in several])
        tasks.append(Task(plan, n, f"{key}/{values}/{n}", several))
    missing = set(store.missing((task.key for task in tasks), retry_failed=True))
    done, total = len(tasks) - len(missing), len(tasks)

    def taken(n: int, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            if outcome.error:
                raise _failure(outcome)
        progress(done + n, total, "")

    todo = (task for task in tasks if task.key in missing)
    run_missing(store, work, todo, taken, workers=workers, scheduler=scheduler)
    return [Part.of(task.replication, store.outcome(task.key)) for task in tasks]


def _failure(outcome: Outcome) -> Exception:
    """Return the error of a replication, as one of ours if it is one."""
    kind, _, message = outcome.error.partition(": ")
    text = f"replication {int(outcome.key.rpartition('/')[2]) + 1}: {message}"
    if outcome.traceback:
        return RuntimeError(f"{text} ({kind})\n{outcome.traceback}")
    return MachineError(text) if kind == "MachineError" else ModelError(text)


@lru_cache(maxsize=WORLDS)
def _world(keyed: Keyed) -> World:
    return World(keyed.scenario)


def work(task: Task) -> list[Outcome]:
    """Run one replication of everything; the men are born once for all scenarios."""
    plan, part = task.plan, Part(task.replication, {})
    once = _Once(task.replication)
    for keyed in task.drawn:
        part.add("drawn", once.numbers(keyed))
    if task.drawn:
        return [part.outcome(task.key)]
    first: RunTrace | None = None
    for keyed in plan.scenarios:
        life = once.lived(keyed, part)
        if first is None:
            first = life
            continue
        pair = pairs.match(first, life)
        part.add("transitions", pairs.transitions(pair))
        if plan.with_terms:
            part.add("switched", terms.switched(pair))
    for place, (_, variants) in enumerate(plan.lambdas):
        for keyed in variants:
            part.add(f"lambda {place}", once.numbers(keyed, BY_LAMBDA))
    values = [once.targets(keyed) for keyed in plan.combinations]
    targets = coincidence.targets_of(plan.combinations[0].scenario) if values else ()
    columns = [target.title for target in targets]
    part.add("explained", pd.DataFrame(values, columns=columns, dtype="float64"))
    return [part.outcome(task.key)]


class _Once:
    """One replication: men are born once, and what was run before is not run again."""

    def __init__(self, replication: int) -> None:
        self.replication, self._draw_cache = replication, DrawCache()
        self._daily: dict[Keyed, pd.DataFrame] = {}
        self._numbers: dict[Keyed, pd.DataFrame] = {}

    def lived(self, keyed: Keyed, part: Part) -> RunTrace:
        """Run a scenario and put its tables into the part."""
        model, life, daily = self._run(keyed)
        numbers = self._reduced(daily, life)
        part.add("daily", daily)
        part.add("outcomes", outcomes_table(model, self.replication))
        part.add("reduced", numbers)
        self._daily[keyed], self._numbers[keyed] = daily, numbers
        return life

    def numbers(self, keyed: Keyed, only: Selection | None = None) -> pd.DataFrame:
        """Return the numbers of a scenario, run now unless it was before."""
        if keyed not in self._numbers:
            _, life, daily = self._run(keyed, only)
            self._numbers[keyed] = self._reduced(daily, life)
        return self._numbers[keyed]

    def targets(self, keyed: Keyed) -> list[float]:
        """Return what is to be explained, in a scenario run now unless it was before."""
        daily, targets = self._daily.get(keyed), coincidence.targets_of(keyed.scenario)
        if daily is None:
            measures, places = (
                frozenset(getattr(t, of) for t in targets) for of in ("measure", "place")
            )
            *_, daily = self._run(keyed, Selection(measures=measures, places=places))
        return [coincidence.value_of(target, daily) for target in targets]

    def _run(
        self, keyed: Keyed, only: Selection | None = None
    ) -> tuple[FlowModel, RunTrace, pd.DataFrame]:
        model, life = live(_world(keyed), self.replication, self._draw_cache)
        return model, life, daily_table(Observed(model), self.replication, only)

    def _reduced(self, daily: pd.DataFrame, life: RunTrace) -> pd.DataFrame:
        numbers = pd.concat([tables.reduced(daily), by_outcome(life)], ignore_index=True)
        return numbers.assign(replication=self.replication)


# -- all of it


def compare(
    scenarios: Sequence[Source],
    *,
    replications: int = REPLICATIONS,
    sample: float | None = SAMPLE,
    seed: int | None = None,
    workers: int | None = None,
    scheduler: str = LOCAL,
    terms: bool = True,
    shapley: bool | None = None,
    by_lambda: Sequence[float] = (),
    draws: Sequence[Mapping[str, float]] = (),
    out: str | os.PathLike[str] | None = None,
    force: bool = False,
    progress: Progress = silent,
) -> Comparison:
    """Compare the first scenario with each of the others, man for man.

    Parameters
    ----------
    scenarios : sequence of Scenario, path or name
        Two or more, with the same horizon; sample and seed are made the same.
    replications : int
        Pairs of runs; replication r of all scenarios has the same men and draws.
    sample, seed : optional
        None takes the first scenario's.
    workers, scheduler
        As in ``executor.scatter``; they change no result.
    terms : bool
        Find which term of his decision switched each man.
    shapley : bool, optional
        Divide what followed coinciding policies among them; by default among those in which
        the scenarios differ, if there are several.
    by_lambda : sequence of float
        Values of lambda under which to repeat the comparison (``lambdas.VALUES``).
    draws : sequence of mappings
        Values of parameters, such as draws of a posterior: dotted keys to values. Each is laid
        over all scenarios; what the differences are over them is the interval with all doubt.
    out : path, optional
        Folder to write. If it holds this comparison already, that is returned; if a part of it,
        only the rest is run.
    force : bool
        Replace whatever the folder holds.

    Raises
    ------
    ScenarioError, ResultsError, ModelError, MachineError
    """
    if replications < 1:
        raise ResultsError(f"replications must be at least 1; found {replications}")
    replications = int(replications)
    given = read(scenarios, sample, seed)
    if scheduler == LOCAL:
        fits_in_memory(given[0], min(workers or cores(), replications))
    place, started = None if out is None else Path(out), datetime.now(UTC)
    if place is not None:
        folders.refuse_other(place, Comparison.kind, [s.name for s in given], force)
    policies = coincidence.coinciding(given, shapley)
    plan = planned(given, policies, by_lambda, terms)
    laid = drawn(scenarios, given, draws)
    with Store(place) as store:
        if place is not None and not force and _is_finished(place, plan, laid, replications):
            store.clear()  # left by a kill at the very end
            return open_comparison(place)
        _take_up(store, plan, force)
        parts = run(plan, replications, laid, store, workers, scheduler, progress)
        parts, doubts = parts[:replications], parts[replications:]
        manifest = _manifest(plan, replications, started)
        manifest |= {"draws": len(doubts), "drawn": _key_of(laid)}
        manifest["coinciding"] = {} if policies is None else {policies[0].name: list(policies[1])}
        known = _gathered(plan, parts, doubts, policies)
        result = Comparison(manifest, known={"scenarios": given, **known})
        if place is not None:
            result.write(place)
        store.clear()
    return result


def _is_finished(
    place: Path, plan: Plan, drawn: Sequence[tuple[Keyed, ...]], replications: int
) -> bool:
    """Whether a folder holds this very comparison, whole and made with what is installed here."""
    manifest = folders.read_json(place / folders.MANIFEST)
    here = {"plan": plan.key, "replications": replications, "complete": True}
    here |= {"drawn": _key_of(drawn), "versions": versions(), "data_hash": made_with()["data_hash"]}
    same = all(manifest.get(name) == value for name, value in here.items())
    return same and not folders.altered(place, manifest)


def _key_of(drawn: Sequence[tuple[Keyed, ...]]) -> str:
    """Return a hash of the scenarios with drawn parameters."""
    return key_of([[keyed.key for keyed in several] for several in drawn])


def _take_up(store: Store, plan: Plan, force: bool) -> None:
    """Begin a comparison, or go on with it; drop the replications of another if forced to."""
    others = store.others(plan.key)
    if others and not force:
        raise ResultsError(
            f"{store.folder} holds {len(others):,} finished replications of another comparison: "
            "scenarios, sample, seed, terms or lambdas have changed since. The same command as "
            "then goes on; or choose another --out, or add --force to drop them"
        )
    store.drop(others)
    if store.folder is not None:
        with store.reported():  # by these files another start knows what the folder holds
            (store.folder / folders.MANIFEST).unlink(missing_ok=True)
            for keyed in plan.scenarios:
                path = store.folder / Comparison.scenario_file.format(keyed.scenario.name)
                write_atomically(path, resolved_yaml(keyed.scenario).encode())


def _gathered(
    plan: Plan,
    parts: Sequence[Part],
    doubts: Sequence[Part],
    policies: tuple[Scenario, Sequence[str]] | None,
) -> dict[str, pd.DataFrame]:
    """Join the parts into tables."""
    names = [keyed.scenario.name for keyed in plan.scenarios]
    n = len(names)

    def joined(name: str) -> pd.DataFrame:
        return _joined([table for part in parts for table in part.tables[name]])

    transitions = joined("transitions")
    by_scenario = [pd.concat([part.tables["reduced"][s] for part in parts]) for s in range(n)]
    drawn = [pd.concat([d.tables["drawn"][s] for d in doubts]) for s in range(n) if doubts]
    groups = (EVERYBODY, *tables.GROUPINGS)
    known = {
        "differences": tables.differences(by_scenario, names, drawn),
        "transitions": transitions,
        "matrix": tables.matrix(transitions, groups),
        "daily": _joined([part.tables["daily"][s] for s in range(n) for part in parts]),
        "outcomes": _joined([part.tables["outcomes"][s] for s in range(n) for part in parts]),
    }
    if plan.with_terms:
        known["terms"] = tables.terms(joined("switched"), [part.replication for part in parts])
    if policies is not None:
        values = np.stack([part.tables["explained"][0].to_numpy() for part in parts])
        known["shapley"] = coincidence.explained(*policies, values)
    if plan.lambdas:
        known["lambda"] = _by_lambda(plan, parts, names)
    return known


def _by_lambda(plan: Plan, parts: Sequence[Part], names: list[str]) -> pd.DataFrame:
    """Put the differences under each lambda below one another."""
    found = []
    for place, (value, _) in enumerate(plan.lambdas):
        reduced = [
            pd.concat([part.tables[f"lambda {place}"][s] for part in parts])
            for s in range(len(names))
        ]
        chosen = [table[table["place_kind"].isin(KINDS_BY_LAMBDA)] for table in reduced]
        found.append(tables.differences(chosen, names))
        found[-1].insert(0, "lambda", value)
    return pd.concat(found, ignore_index=True)


def _joined(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put tables below one another, keeping columns of names as codes."""
    joined = {}
    for column in frames[0].columns:
        parts = [frame[column] for frame in frames]
        if isinstance(parts[0].dtype, pd.CategoricalDtype):
            ordered = [part.cat.remove_unused_categories() for part in parts]
            joined[column] = pd.Series(union_categoricals(ordered, sort_categories=True))
        else:
            joined[column] = pd.concat(parts, ignore_index=True)
    return pd.DataFrame(joined)


def _manifest(plan: Plan, replications: int, started: datetime) -> dict[str, Any]:
    """Return what made the comparison: versions, hashes, seeds."""
    scenarios = [keyed.scenario for keyed in plan.scenarios]
    first, *others = scenarios
    return manifest_of(
        Comparison.kind,
        scenarios,
        started,
        name=f"{first.name}-against-{'-'.join(s.name for s in others)}",
        title=f"{first.title} against {'; '.join(s.title for s in others)}",
        replications=replications,
        plan=plan.key,
        lambdas=[value for value, _ in plan.lambdas],
        refitted={f"{v:g}": lambdas.refitted(v) for v, _ in plan.lambdas},
    )
