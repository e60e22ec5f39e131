"""A sweep as a page shows it: its points as settings, its parameters as sliders and switches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from flowsim.figures.sweep import swept as drawn
from flowsim.figures.sweep.swept import Swept
from flowsim.findings import doubts, settings
from flowsim.findings import sweep as said
from flowsim.findings.waits import lumpy
from flowsim.report.explorer.settings import (
    Control,
    Explored,
    Setting,
    curves,
    refuse_too_many,
    run_command,
)
from flowsim.results.sweep import SweepResults
from flowsim.scenario import Base, as_shipped, shipped
from flowsim.sweep import design
from flowsim.sweep.file import Sweep, sweep_of
from flowsim.sweep.plan import meaning
from flowsim.sweep.responses import is_number

WORLD = "scenario"


def read(results: SweepResults) -> Explored:
    """Return everything that the page of a sweep shows.

    Raises
    ------
    ResultsError
        If it has too many points for a page, no run that succeeded, or no series by day.
    """
    sweep, swept, caution = sweep_of(results), drawn.of(results), said.caution(results)
    runs = results.runs[results.runs["status"] == "ok"]
    first = runs.drop_duplicates(["scenario", "point"])
    refuse_too_many(len(first))
    controls = _controls(swept)
    places = _places(swept, controls)
    changes = [sweep.changes | changed for changed in design.points(sweep).changes]
    own = _own(sweep, changes)
    lines = settings.of_sweep(results, own)
    number = {key: n for n, key in enumerate(zip(first["scenario"], first["point"], strict=True))}
    found = tuple(
        setting
        for place, base in enumerate(sweep.bases)
        for setting in _settings(sweep, base, place, first, changes, places, lines)
    )
    daily = results.daily.merge(runs[["run", "scenario", "point", "replication"]], on="run")
    daily["setting"] = [number[key] for key in zip(daily["scenario"], daily["point"], strict=True)]
    return Explored(
        title=swept.title,
        subtitle=swept.subtitle().removeprefix(f"{swept.title}: "),
        caution=" ".join((caution, *(s for s in lumpy(sweep.sample) if s not in caution))),
        limits=doubts.finding(list(swept.scenarios.values()), said.doubts(results)).sentences,
        holds="chance and the doubt of the calibration" if sweep.draws else "chance alone",
        controls=controls,
        settings=found,
        own=next((number[key] for key in own.items() if key in number), None),
        curves=curves(daily, len(found)),
        made_with=swept.source,
    )


def _controls(swept: Swept) -> tuple[Control, ...]:
    """Return a control for each parameter that varies, and one for the scenarios if several."""
    found = []
    if len(swept.scenarios) > 1:
        names = tuple(swept.scenario_name(name) for name in swept.scenarios)
        found.append(Control(WORLD, "scenario", "", names))
    for one in swept.varied:
        column = swept.design[one.key]
        values = list(column.drop_duplicates())
        is_slider = is_number(column)
        values = sorted(values) if is_slider else values
        texts = tuple(drawn.value_text(value, one) for value in values)
        numbers = tuple(float(value) for value in values) if is_slider else ()
        found.append(Control(one.key, one.label, one.unit, texts, numbers, one.scale))
    return tuple(found)


def _places(swept: Swept, controls: tuple[Control, ...]) -> dict[int, tuple[int, ...]]:
    """Return the number of each control's value at each point."""
    columns = []
    for control in controls:
        if control.key in swept.parameters:
            column = swept.design[control.key]
            order = sorted(column.unique()) if control.numbers else column.drop_duplicates()
            columns.append(pd.Index(order).get_indexer(column))
    return {
        int(point): tuple(int(place) for place in row)
        for point, row in zip(swept.design.index, zip(*columns, strict=True), strict=True)
    }


def _own(sweep: Sweep, changes: list[dict[str, Any]]) -> dict[str, int]:
    """Return by scenario the point at which nothing but sample and seed is changed."""
    found = {}
    for base in sweep.bases:
        as_it_stands = meaning(base.variant(sweep.changes))
        for point, some in enumerate(changes):
            if meaning(base.variant(some)) == as_it_stands:
                found[base.name] = point
                break
    return found


def _settings(
    sweep: Sweep,
    base: Base,
    place: int,
    first: pd.DataFrame,
    changes: list[dict[str, Any]],
    places: Mapping[int, tuple[int, ...]],
    lines: Mapping[settings.Key, tuple[str, ...]],
) -> Iterator[Setting]:
    """Return the points of one scenario, with the first run of each."""
    own, file = first[first["scenario"] == base.name], _file(sweep, base)
    at = (place,) if len(sweep.bases) > 1 else ()
    for point, run in zip(own["point"].tolist(), own["run"].tolist(), strict=True):
        yield Setting(
            (*at, *places[point]),
            base.variant(changes[point]),
            lines.get((base.name, point), ()),
            f"point {point} of the sweep {sweep.name}, run {run}",
            tuple(_commands(sweep, base, file, changes[point], run)),
        )


def _commands(
    sweep: Sweep, base: Base, file: str, changes: Mapping[str, Any], run: int
) -> list[str]:
    """Return the commands that simulate a point again: from the sweep's folder, and without."""
    again = f"flowsim rerun results/{sweep.name} --run {run} --out results/run-{run}"
    if sweep.draws:  # what a draw changes stands in the folder alone
        return [again]
    rest = {key: value for key, value in changes.items() if key not in ("sample", "seed")}
    seed = base.scenario.seed if sweep.seed is None else sweep.seed
    return [again, run_command(file, rest, sweep.sample, seed, sweep.replications)]


def _file(sweep: Sweep, base: Base) -> str:
    """Return how a command names a scenario: as shipped, else by its file in the folder."""
    is_shipped = base.name in shipped() and meaning(as_shipped(base.name)) == meaning(base.scenario)
    return base.name if is_shipped else f"results/{sweep.name}/base-{base.name}.yaml"
