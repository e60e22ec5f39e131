"""Compare scenarios: run them, gather what came out, write it down."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from flowsim.comparison import coincidence, running, tables
from flowsim.comparison.running import Keyed, Part, Plan, Source
from flowsim.errors import ResultsError
from flowsim.experiments.executor import LOCAL
from flowsim.experiments.running import fits_in_memory
from flowsim.experiments.store import Store, key_of
from flowsim.machine import cores, versions, write_atomically
from flowsim.results import folder as folders
from flowsim.results.comparison import EVERYBODY, Comparison
from flowsim.results.manifest import made_with, manifest_of
from flowsim.results.opening import open_comparison
from flowsim.scenario import lambdas, resolved_yaml
from flowsim.scenario.schema import Scenario
from flowsim.types import Progress, silent

__all__ = ["Comparison", "compare", "open_comparison"]

REPLICATIONS = 20
SAMPLE = 0.01
KINDS_BY_LAMBDA = ("nation", "destination", "outcome")


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
    read = running.read(scenarios, sample, seed)
    if scheduler == LOCAL:
        fits_in_memory(read[0], min(workers or cores(), replications))
    place, started = None if out is None else Path(out), datetime.now(UTC)
    if place is not None:
        folders.refuse_other(place, Comparison.kind, [s.name for s in read], force)
    policies = coincidence.coinciding(read, shapley)
    plan = running.planned(read, policies, by_lambda, terms)
    drawn = running.drawn(scenarios, read, draws)
    with Store(place) as store:
        if place is not None and not force and _is_finished(place, plan, drawn, replications):
            store.clear()  # left by a kill at the very end
            return open_comparison(place)
        _take_up(store, plan, force)
        parts = running.run(plan, replications, drawn, store, workers, scheduler, progress)
        parts, doubts = parts[:replications], parts[replications:]
        manifest = _manifest(plan, replications, started)
        manifest |= {"draws": len(doubts), "drawn": _key_of(drawn)}
        manifest["coinciding"] = {} if policies is None else {policies[0].name: list(policies[1])}
        known = _gathered(plan, parts, doubts, policies)
        result = Comparison(manifest, known={"scenarios": read, **known})
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
