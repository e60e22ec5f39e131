"""The points of a sweep: which values its parameters take together.

Random designs are drawn on the unit cube (``drawing.py``); each parameter turns its coordinate
into a value.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from flowsim.errors import Problem, ScenarioError
from flowsim.scenario.tree import suggestion
from flowsim.sweep.drawing import how_many
from flowsim.sweep.file import Sweep
from flowsim.sweep.schema import (
    MOST_POINTS,
    Distribution,
    Follow,
    Varied,
)
from flowsim.types import Floats

DIGITS = 12  # of values, so that 0.1 + 2 * 0.1 is 0.3
EDGE = 2.0**-33  # coordinates of random designs stay this far from 0 and 1


@dataclass(frozen=True)
class Points:
    """The points of a design, in order; indices of sensitivity depend on that order.

    Attributes
    ----------
    names : tuple of str, length D
        Parameters.
    rows : tuple of tuples, P of D values
        Numbers, text, true, false or null; of ``levels`` the name of the level.
    changes : tuple of dict, length P
        Dotted keys and values of each point, without what holds in every run.
    unit : float64, shape (P, D), or None
        Coordinates of a random design on the unit cube.
    """

    names: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    changes: tuple[dict[str, Any], ...]
    unit: Floats | None = field(default=None, compare=False)

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.rows)


def points(sweep: Sweep) -> Points:
    """Return the points of a sweep.

    Raises
    ------
    ScenarioError
        If the design and the parameters do not go together: a range without steps in a
        grid, lists of different lengths in a zip, a distribution without ends in Morris.
    """
    _refuse_too_many(sweep, how_many(sweep.design, len(sweep.parameters)))
    unit = sweep.unit
    rows = _listed(sweep) if unit is None else _values(sweep, unit)
    changes = tuple(_changes(sweep, row) for row in rows)
    return Points(tuple(sweep.parameters), rows, changes, unit)


def _listed(sweep: Sweep) -> tuple[tuple[Any, ...], ...]:
    """Return the rows of a grid, a zip or a table."""
    if sweep.table is not None:
        return _of_table(sweep)
    problems: list[Problem] = []
    columns = [_column(sweep, name, problems) for name in sweep.parameters]
    if problems:
        raise ScenarioError(problems)
    if sweep.design.kind == "grid":
        _refuse_too_many(sweep, math.prod(len(column) for column in columns))
        return tuple(itertools.product(*columns))
    lengths = {name: len(column) for name, column in zip(sweep.parameters, columns, strict=True)}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} {length}" for name, length in lengths.items())
        message = f"a zip needs as many values of each parameter; found {found}"
        raise ScenarioError([sweep.read.problem(message, "parameters")])
    return tuple(zip(*columns, strict=True))


def _column(sweep: Sweep, name: str, problems: list[Problem]) -> list[Any]:
    """Return all values of a parameter for a grid or a zip."""
    varied = sweep.parameters[name]
    if varied.levels is not None:
        return list(varied.levels)
    if varied.values is not None:
        return list(varied.values)
    if varied.steps is None:
        what = "a distribution" if varied.distribution is not None else "a range"
        message = f"{what} needs steps in a {sweep.design.kind}: how many values to take"
        problems.append(sweep.read.problem(message, "parameters", name))
        return []
    if varied.distribution is not None:  # the middle of equally probable parts
        at = (np.arange(varied.steps) + 0.5) / varied.steps
    else:
        at = np.linspace(0, 1, varied.steps)
    return value_at(varied, at)


def _of_table(sweep: Sweep) -> tuple[tuple[Any, ...], ...]:
    """Return the rows of a table; names of levels must be known."""
    assert sweep.table is not None
    problems = []
    rows = []
    for line, row in zip(sweep.table.lines, sweep.table.rows, strict=True):
        cells = []
        for name, value in zip(sweep.table.columns, row, strict=True):
            levels = sweep.parameters[name].levels
            cells.append(value if levels is None else str(value))
            if levels is not None and str(value) not in levels:
                near = suggestion(str(value), list(levels)) or f"; it has {', '.join(levels)}"
                where = f"{sweep.table.name}:{line}"
                problems.append(Problem(where, name, f"{value!r} is no level of it{near}"))
        rows.append(tuple(cells))
    if problems:
        raise ScenarioError(problems)
    return tuple(rows)


def _refuse_too_many(sweep: Sweep, n: int) -> None:
    if n > MOST_POINTS:
        message = f"makes {n:,} points; at most {MOST_POINTS:,}. Vary less, or in fewer steps"
        raise ScenarioError([sweep.read.problem(message, "design")])


def _values(sweep: Sweep, unit: Floats) -> tuple[tuple[Any, ...], ...]:
    """Turn coordinates on the unit cube into values of the parameters."""
    columns, problems = [], []
    for (name, varied), at in zip(sweep.parameters.items(), unit.T, strict=True):
        column = value_at(varied, at)
        if any(isinstance(value, float) and math.isinf(value) for value in column):
            law = varied.distribution
            message = (
                f"{sweep.design.kind} goes to the ends of a distribution, and "
                f"{law.name if law else 'this one'} has none; add within: [low, high]"
            )
            problems.append(sweep.read.problem(message, "parameters", name, "distribution"))
        columns.append(column)
    if problems:
        raise ScenarioError(problems)
    return tuple(zip(*columns, strict=True))


def value_at(varied: Varied, at: Floats) -> list[Any]:
    """Return the values of a parameter at coordinates from 0 to 1, shape (P,)."""
    listed = list(varied.levels) if varied.levels is not None else varied.values
    if listed is not None:
        return [listed[min(int(u * len(listed)), len(listed) - 1)] for u in at]
    if varied.distribution is not None:
        values = _quantiles(varied.distribution, at)
    elif varied.range is not None and varied.scale == "log":
        low, high = np.log(varied.range)
        values = np.clip(np.exp(low + at * (high - low)), *varied.range)
    else:
        low, high = varied.range or (0.0, 1.0)
        values = low + at * (high - low)
    return [float(f"{value:.{DIGITS}g}") for value in values]


def _quantiles(distribution: Distribution, at: Floats) -> Floats:
    law = distribution.law
    if distribution.within is None:
        return np.asarray(law.ppf(at))
    low, high = distribution.within
    a, b = law.cdf(distribution.within)
    return np.asarray(np.clip(law.ppf(a + at * (b - a)), low, high))


def _changes(sweep: Sweep, row: Sequence[Any]) -> dict[str, Any]:
    """Return the changes of one point."""
    changes: dict[str, Any] = {}
    for (name, varied), value in zip(sweep.parameters.items(), row, strict=True):
        if varied.levels is not None:
            changes |= varied.levels[value]
        else:
            follow = varied.keys or {name: Follow()}
            changes |= {key: how.value(value) for key, how in follow.items()}
    return changes
