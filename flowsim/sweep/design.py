"""The points of a sweep: which values its parameters take together.

Random designs are drawn on the unit cube (``drawing.py``); each parameter turns its coordinate
into a value.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from flowsim.errors import ScenarioError
from flowsim.sweep.drawing import Cells, how_many
from flowsim.sweep.file import Sweep
from flowsim.sweep.schema import MOST_POINTS, Follow, Varied
from flowsim.types import Floats

DIGITS = 12  # of values, so that 0.1 + 2 * 0.1 is 0.3


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
        If there are too many.
    """
    _refuse_too_many(sweep, how_many(sweep.design, len(sweep.parameters)))
    unit, varied = sweep.unit, sweep.parameters.values()
    if unit is None:
        rows = _listed(sweep)
    else:
        rows = tuple(zip(*map(value_at, varied, unit.T), strict=True))
    changes = tuple(_changes(sweep, row) for row in rows)
    return Points(tuple(sweep.parameters), rows, changes, unit)


def _listed(sweep: Sweep) -> tuple[tuple[Any, ...], ...]:
    """Return the rows of a grid, a zip or a table."""
    if sweep.table is not None:
        return _of_table(sweep.table, sweep.parameters)
    columns = [_column(varied) for varied in sweep.parameters.values()]
    if sweep.design.kind == "grid":
        _refuse_too_many(sweep, math.prod(len(column) for column in columns))
        return tuple(itertools.product(*columns))
    return tuple(zip(*columns, strict=True))


def _column(varied: Varied) -> list[Any]:
    """Return all values of a parameter for a grid or a zip."""
    listed = varied.values if varied.levels is None else varied.levels
    if listed is not None:
        return list(listed)
    steps = varied.steps or 0
    if varied.distribution is not None:  # the middle of equally probable parts
        return value_at(varied, (np.arange(steps) + 0.5) / steps)
    return value_at(varied, np.linspace(0, 1, steps))


def _of_table(table: Cells, parameters: Mapping[str, Varied]) -> tuple[tuple[Any, ...], ...]:
    """Return the rows of a table; names of levels are text."""
    named = [parameters[name].levels is not None for name in table.columns]
    return tuple(
        tuple(str(value) if is_level else value for value, is_level in zip(row, named, strict=True))
        for row in table.rows
    )


def _refuse_too_many(sweep: Sweep, n: int) -> None:
    if n > MOST_POINTS:
        message = f"makes {n:,} points; at most {MOST_POINTS:,}. Vary less, or in fewer steps"
        raise ScenarioError([sweep.read.problem(message, "design")])


def value_at(varied: Varied, at: Floats) -> list[Any]:
    """Return the values of a parameter at coordinates from 0 to 1, shape (P,)."""
    listed = list(varied.levels) if varied.levels is not None else varied.values
    if listed is not None:
        return [listed[min(int(u * len(listed)), len(listed) - 1)] for u in at]
    if varied.distribution is not None:
        law, within = varied.distribution.law, varied.distribution.within
        a, b = (0.0, 1.0) if within is None else law.cdf(within)
        values = np.clip(law.ppf(a + at * (b - a)), *(within or (-np.inf, np.inf)))
    elif varied.range is not None and varied.scale == "log":
        low, high = np.log(varied.range)
        values = np.clip(np.exp(low + at * (high - low)), *varied.range)
    else:
        low, high = varied.range or (0.0, 1.0)
        values = low + at * (high - low)
    return [float(f"{value:.{DIGITS}g}") for value in values]


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
