"""Read a sweep file into a ``Sweep``: its scenarios, parameters and outputs, all known to exist.

The keys of the file are in ``schema.py``; the points come from ``design.py``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel

from flowsim.errors import DataError, Problem, ScenarioError, in_order
from flowsim.experiments.parameter_draws import as_table, read_table
from flowsim.results.sweep import SweepResults
from flowsim.scenario import Base, assumptions, resolved_yaml, shipped
from flowsim.scenario.files import KINDS, SWEEP, Read, read_file
from flowsim.scenario.lambdas import LAMBDA, refitted
from flowsim.scenario.merging import given_twice
from flowsim.scenario.schema import Scenario
from flowsim.scenario.tree import Tree, no_such, suggestion
from flowsim.scenario.writing import yaml_text
from flowsim.sweep import drawing
from flowsim.sweep.drawing import Cells, cells_text, read_cells
from flowsim.sweep.outputs import Output, Series, kept_series, read_outputs
from flowsim.sweep.schema import (
    Figure,
    Follow,
    Grid,
    LatinHypercube,
    Morris,
    Random,
    Sobol,
    SweepFile,
    Table,
    Varied,
    Zip,
    sweep_schema,
)
from flowsim.types import Floats

__all__ = ["Output", "Sweep", "read_sweep", "shipped_sweeps", "sweep_of", "sweep_schema"]

FILE, POINTS_FILE, DRAWS_FILE, DESIGN_FILE = "sweep.yaml", "points.csv", "draws.csv", "design.csv"
STAND_INS = {"name": "x", "title": "x", "design": {"kind": "latin-hypercube", "points": 2}}
"""Of keys that must be there, for the search for further mistakes where these are not sound."""
RESERVED = (
    *("run", "scenario", "point", "replication", "key", "status", "error"),
    *("measure", "place_kind", "place_id", "value", "date"),
)


@dataclass(frozen=True)
class Sweep:
    """A sweep as it will be run; may be pickled.

    Attributes
    ----------
    name, title, description : str
    bases : tuple of Base
        The scenarios, each run at every point.
    changes : dict
        Dotted keys and values that hold in every run; ``sample`` and ``seed`` are in it.
    parameters : dict of Varied
        By name, in the order of the file; none is ``free`` any more, but has its range.
    design : Grid, Zip, LatinHypercube, Sobol, Morris or Table
        Told apart by ``kind``.
    replications : int
    sample : float
    seed : int or None
        None if each scenario keeps its own.
    design_seed : int
        Of random designs.
    outputs : tuple of Output
        Numbers kept of each run.
    kept : tuple of Series
        Daily series to compute and store: those of the outputs, and what ``keep`` adds.
    figures : tuple of Figure
    table : Cells or None
        The rows of a ``table`` design.
    draws : tuple of dict
        Draws of the parameters, dotted keys to values: replication r of every point takes draw r
        (modulo their number) where neither point nor ``changes`` say otherwise.
    read : Read
        The file, for problems that show later.
    """

    name: str
    title: str
    description: str
    bases: tuple[Base, ...]
    changes: dict[str, Any]
    parameters: dict[str, Varied]
    design: Grid | Zip | LatinHypercube | Sobol | Morris | Table
    replications: int
    sample: float
    seed: int | None
    design_seed: int
    outputs: tuple[Output, ...]
    kept: tuple[Series, ...]
    figures: tuple[Figure, ...]
    table: Cells | None
    draws: tuple[dict[str, float], ...]
    read: Read[SweepFile] = field(compare=False, repr=False)
    stored: Floats | None = field(default=None, compare=False, repr=False)

    @cached_property
    def unit(self) -> Floats | None:
        """Points of a random design on the unit cube, (P, D): as stored, or drawn now."""
        if self.stored is not None:
            return self.stored
        return drawing.drawn(self.design, list(self.parameters), self.design_seed)

    def as_drawn_in(self, folder: Path) -> Sweep:
        """Return the sweep with the points that a folder holds of its design, if it does."""
        try:
            found = read_file(folder / FILE, SweepFile, SWEEP).model.design
        except ScenarioError:
            return self
        update = {"drawn": None} if isinstance(found, Random) else {}
        if found.model_copy(update=update) != self._seeded:
            return self
        n_points = drawing.how_many(self.design, len(self.parameters))
        stored = drawing.stored(folder / DESIGN_FILE, list(self.parameters), n_points)
        return self if stored is None else replace(self, stored=stored)

    @property
    def _seeded(self) -> BaseModel:
        """The design with its seed and nothing of where it is stored."""
        return self.design.model_copy(update={"seed": self.design_seed, "drawn": None})

    def files(self) -> dict[str, str]:
        """Return the files that repeat this sweep without any other, by name.

        ``sweep.yaml`` with the scenarios ``base-<name>.yaml``, of a table design ``points.csv``,
        of a random one ``design.csv``, and of draws ``draws.csv``; read from there it has the
        same runs with the same keys.
        """
        content = self.read.model.model_dump(by_alias=True, exclude_unset=True)
        of_bases = {f"base-{base.name}.yaml": resolved_yaml(base.scenario) for base in self.bases}
        content["scenario"], content["free"] = None, None
        content["scenarios"] = list(of_bases)
        content["parameters"] = {
            name: varied.model_dump(by_alias=True, exclude_unset=True)
            for name, varied in self.parameters.items()
        }
        points = {}
        content["draws"] = DRAWS_FILE if self.draws else None
        if self.draws:
            points[DRAWS_FILE] = as_table(self.draws).to_csv(index=False, lineterminator="\n")
        if self.unit is not None:
            design = self._seeded.model_dump(exclude_unset=True, exclude_none=True)
            content["design"] = {"kind": self.design.kind} | design | {"drawn": DESIGN_FILE}
            points[DESIGN_FILE] = cells_text([*self.parameters], self.unit.tolist())
        if self.table is not None:
            content["design"] = {"kind": "table", "file": POINTS_FILE}
            points[POINTS_FILE] = cells_text(self.table.columns, self.table.rows)
        ordered = {
            key: content[key] for key in SweepFile.model_fields if content.get(key) is not None
        }
        return {FILE: yaml_text(ordered)} | of_bases | points


def sweep_of(results: SweepResults) -> Sweep:
    """Return the sweep that some results are of, from the file in their folder, read once."""
    if "sweep" not in results.known:
        results.known["sweep"] = read_sweep(results.path / FILE)
    return results.known["sweep"]


def shipped_sweeps() -> dict[str, Path]:
    """Return the sweeps that come with flowsim, by name."""
    return shipped(KINDS[SWEEP].folder)


def read_sweep(source: str | os.PathLike[str] | Mapping[str, Any]) -> Sweep:
    """Read a sweep file and everything that it names.

    Parameters
    ----------
    source : path, str or mapping
        A file, the name of a shipped sweep such as ``passports-by-task-force``, or what a
        file could say (paths in it are then relative to the working folder).

    Raises
    ------
    ScenarioError
        With all problems found, each with file, line and what to do. The points are checked
        by ``plan.make_plan``.
    """
    read = read_file(source, SweepFile, SWEEP, lenient=STAND_INS)
    file, problems = read.model, read.problems
    bases, scenarios = _bases(read)
    problems += given_twice(Tree({"changes": read.tree.names("changes")}, read.tree.places))
    parameters, table = _parameters(read, scenarios[0])
    outputs = read_outputs(read, scenarios)
    kept = kept_series(read, outputs, scenarios)
    _check_design(read, parameters, table)
    _check_figures(read, parameters, outputs)
    draws, stored = _draws(read), _stored(read, parameters)
    if problems:
        problems += _refused_ends(read, bases[0], parameters)
        raise ScenarioError(in_order(problems))
    own_seed = getattr(file.design, "seed", None)
    seeds = [seed for seed in (own_seed, file.seed) if seed is not None]
    fixed = {"sample": file.sample} | ({} if file.seed is None else {"seed": file.seed})
    return Sweep(
        name=file.name,
        title=file.title,
        description=file.description,
        bases=bases,
        changes=fixed | file.changes,
        parameters=parameters,
        design=file.design,
        replications=file.replications,
        sample=file.sample,
        seed=file.seed,
        design_seed=[*seeds, scenarios[0].seed][0],
        outputs=outputs,
        kept=kept,
        figures=file.figures,
        table=table,
        draws=draws,
        read=read,
        stored=stored,
    )


def _bases(read: Read[SweepFile]) -> tuple[tuple[Base, ...], list[Scenario]]:
    """Read the scenarios, and check them with the changes that hold in every run."""
    file = read.model
    bases: list[Base] = []
    scenarios: list[Scenario] = []
    n_before = len(read.problems)
    many = file.scenarios is not None and isinstance(read.tree.at(("scenarios",)), tuple)
    for place, named in enumerate(file.scenarios or (str(file.scenario),)):
        key = ("scenarios", place) if many else ("scenarios" if file.scenarios else "scenario",)
        try:
            base = Base.read(read.find(named, *key))
            base.scenario  # noqa: B018  sound by itself, so that it can be written out
            scenarios.append(base.variant(file.changes))
        except ScenarioError as error:
            read.problems.extend(placed(problem, read) for problem in error.problems)
            continue
        if base.name in [other.name for other in bases]:
            read.refuse(f"a scenario of the name {base.name} stands above", *key)
        bases.append(base)
    if len(read.problems) > n_before:
        _check_design(read, file.parameters, None)
        raise ScenarioError(in_order(read.problems))
    return tuple(bases), scenarios


def _refused_ends(
    read: Read[SweepFile], base: Base, parameters: Mapping[str, Varied]
) -> Iterator[Problem]:
    """Find parameters that the scenario refuses at an end, beside other mistakes of a file."""
    for name, varied in parameters.items():
        levels = list((varied.levels or {}).values())
        ends = varied.range or (varied.values or ())[:1] + (varied.values or ())[-1:]
        follows = varied.keys or {name: Follow()}
        levels += [{key: how.value(end) for key, how in follows.items()} for end in ends]
        for changes in levels:
            try:
                base.variant(read.model.changes | changes)
            except ScenarioError as error:
                yield from (placed(problem, read) for problem in error.problems)
                break


def placed(problem: Problem, read: Read[SweepFile]) -> Problem:
    """Return a problem of a variant the line of the sweep file that caused it."""
    if problem.where != "changes":
        return problem
    file = read.model
    moved: list[tuple[tuple[str, ...], str]] = [(("changes", key), key) for key in file.changes]
    for name, varied in file.parameters.items():
        moved += [(("parameters", name), key) for key in keys_of(name, varied) or [name]]
    found = [(at, key) for at, key in moved if f"{problem.key}.".startswith(f"{key}.")] or [
        (at, key) for at, key in moved if key.startswith(f"{problem.key}.")
    ]
    at, _ = max(found, key=lambda pair: len(pair[1]), default=((), ""))
    return Problem(read.tree.place(at).where, problem.key, problem.message)


def _parameters(
    read: Read[SweepFile], scenario: Scenario
) -> tuple[dict[str, Varied], Cells | None]:
    """Return every parameter, those with free bounds or from a table included."""
    file, rows = read.model, assumptions(scenario)  # those by date or age have several numbers
    bounds = {row.key: row.free for row in rows if row.free and not row.value.startswith("{")}
    parameters = {
        name: _refitted(read, name, _bounded(read, name, varied, bounds))
        for name, varied in file.parameters.items()
    }
    moved = {key for name, varied in parameters.items() for key in keys_of(name, varied)}
    for prefix in file.free or ():
        named = [key for key in bounds if prefix == "all" or f"{key}.".startswith(f"{prefix}.")]
        if not named:
            known = [*bounds, *{key.split(".")[0] for key in bounds}, "all"]
            near = suggestion(prefix, known) or "; expected all, or how some of their keys begin"
            read.refuse(f"{prefix!r}: no number has free bounds there{near}", "free")
        new = [key for key in named if key not in moved | parameters.keys()]
        parameters |= {key: Varied(range=bounds[key]) for key in new}
    table = _table(read, parameters)
    if file.design.kind == "table" and table is not None:
        parameters = {
            name: parameters.get(name) or Varied(values=tuple(dict.fromkeys(column)))
            for name, column in zip(table.columns, zip(*table.rows, strict=True), strict=True)
        }
    _check_names(read, parameters)
    return parameters, table


def _bounded(
    read: Read[SweepFile], name: str, varied: Varied, bounds: Mapping[str, tuple[float, float]]
) -> Varied:
    """Put the scenario's free bounds in the place of ``free: true``."""
    if not varied.free:
        return varied
    key, *others = keys_of(name, varied)
    if others or key not in bounds:
        near = suggestion(key, list(bounds))
        what = "moves several keys" if others else f"{key} has no free bounds in the scenario"
        read.refuse(f"{what}; give a range instead{near}", "parameters", name, "free")
        return varied
    given = varied.model_dump(exclude_unset=True, exclude={"free"})
    return Varied.model_validate(given | {"range": bounds[key]})


def _refitted(read: Read[SweepFile], name: str, varied: Varied) -> Varied:
    """Put levels, each a lambda with what was fitted at it, in the place of ``refitted``."""
    if varied.refitted is None:
        return varied
    try:
        levels = {f"{v:g}": {LAMBDA: v} | refitted(v) for v in varied.refitted}
    except DataError as error:
        read.refuse(str(error), "parameters", name, "refitted")
        return varied
    return Varied(title=varied.title, levels=levels)


def keys_of(name: str, varied: Varied) -> list[str]:
    """Return the dotted keys that a parameter moves."""
    if varied.levels is not None:
        return list(dict.fromkeys(key for changes in varied.levels.values() for key in changes))
    return list(varied.keys or [name])


def _table(read: Read[SweepFile], parameters: Mapping[str, Varied]) -> Cells | None:
    """Read the rows of a table design."""
    design = read.model.design
    if not isinstance(design, Table):
        return None
    path = read.folder / design.file
    if not path.is_file():
        read.refuse(f"{design.file} does not exist", "design", "file")
        return None
    try:
        cells = read_cells(path)
    except ScenarioError as error:
        read.problems.extend(error.problems)
        return None
    wanted = design.columns or cells.columns
    for column in wanted:
        if column not in cells.columns:
            near = suggestion(column, cells.columns)
            read.refuse(f"{column} is no column of {design.file}{near}", "design")
            return None
    for name in [name for name in parameters if name not in wanted]:
        near = suggestion(name, wanted)
        read.refuse(f"is no column of {design.file}{near}", "parameters", name)
    return cells.take(wanted)


def _draws(read: Read[SweepFile]) -> tuple[dict[str, float], ...]:
    """Read the draws of the parameters, if the file names some."""
    if read.model.draws is None:
        return ()
    try:
        return tuple(read_table(read.folder / read.model.draws))
    except ScenarioError as error:
        for problem in error.problems:
            read.refuse(f"{problem.where}: {problem.message}", "draws")
        return ()


def _stored(read: Read[SweepFile], parameters: Mapping[str, Varied]) -> Floats | None:
    """Read the points of a random design as they were drawn, if the file names a file of them.

    A recipe in a figure leaves them out; they are then drawn anew.
    """
    design = read.model.design
    if not isinstance(design, Random) or design.drawn is None:
        return None
    path = read.folder / design.drawn
    if not path.exists():
        return None
    n_points = drawing.how_many(design, len(parameters))
    found = drawing.stored(path, list(parameters), n_points)
    if found is None:
        read.refuse(
            f"{design.drawn} does not hold {n_points:,} points from 0 to 1 of the parameters; "
            "leave drawn out, and they are drawn anew",
            *("design", "drawn"),
        )
    return found


def _check_names(read: Read[SweepFile], parameters: Mapping[str, Varied]) -> None:
    """Refuse names that tables use already, and keys that two parameters move."""
    first: dict[str, str] = {}
    for name, varied in parameters.items():
        if name in RESERVED:
            message = "is a column of the results already; give the parameter another name"
            read.refuse(message, "parameters", name)
        for key in keys_of(name, varied):
            if key in read.model.changes:
                message = f"{key} stands under changes too, where it would say nothing; keep one"
                read.refuse(message, "parameters", name)
            other = first.setdefault(key, name)
            if other != name:
                message = f"{key} is moved by {other} already; one parameter for each key"
                read.refuse(message, "parameters", name)


def _check_design(
    read: Read[SweepFile], parameters: Mapping[str, Varied], table: Cells | None
) -> None:
    """Refuse parameters from which the design cannot take its points."""
    kind = read.model.design.kind
    if table is not None:
        read.problems.extend(_unknown_levels(parameters, table))
    for name, varied in parameters.items():
        law, way = varied.distribution, "range" if varied.range else "distribution"
        if kind == "morris" and law and law.within is None:
            if not np.isfinite(law.law.support()).all():
                ends = f"morris goes to the ends of a distribution, and {law.name} has none"
                message = f"{ends}; add within: [low, high]"
                read.refuse(message, "parameters", name, "distribution")
        elif kind in ("grid", "zip") and varied.count is None and getattr(varied, way):
            message = f"a {way} needs steps in a {kind}: how many values to take"
            read.refuse(message, "parameters", name)
    counts = {name: v.count for name, v in parameters.items() if v.count is not None}
    if kind == "zip" and len(set(counts.values())) > 1:
        found = ", ".join(f"{name} {count}" for name, count in counts.items())
        read.refuse(f"a zip needs as many values of each parameter; found {found}", "parameters")


def _unknown_levels(parameters: Mapping[str, Varied], table: Cells) -> Iterator[Problem]:
    """Find the cells of a table that name no level of their parameter."""
    for line, row in zip(table.lines, table.rows, strict=True):
        for name, value in zip(table.columns, row, strict=True):
            levels = parameters[name].levels
            if levels is not None and str(value) not in levels:
                near = suggestion(str(value), levels) or f"; it has {', '.join(levels)}"
                yield Problem(f"{table.name}:{line}", name, f"{value!r} is no level of it{near}")


def _check_figures(
    read: Read[SweepFile], parameters: Mapping[str, Varied], outputs: tuple[Output, ...]
) -> None:
    """Refuse figures of what the sweep does not have."""
    has = {"parameter": list(parameters), "output": [output.name for output in outputs]}
    for place, figure in enumerate(read.model.figures):
        for axis, what in (("x", "parameter"), ("y", "parameter"), ("output", "output")):
            named, known = getattr(figure, axis), has[what]
            written = [*known, *read.tree.names(f"{what}s")]  # with a mistake of its own as well
            if named is not None and named not in written:
                no = no_such(
                    named, known, f"no {what} of this sweep", f"; it has {', '.join(known)}"
                )
                read.refuse(no if axis == what else f"{axis}: {no}", "figures", place)
