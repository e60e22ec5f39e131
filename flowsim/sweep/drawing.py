"""Random designs on the unit cube, drawn by ``scipy.stats.qmc`` and SALib, or read as stored.

A parameter's column of a Latin hypercube comes from a stream of its own, named after it, so that
adding a parameter leaves the others' columns alone. Other versions of the libraries may draw
other points: a sweep keeps its own beside its file.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from flowsim.errors import Problem, ScenarioError
from flowsim.scenario.files import read_text, shown
from flowsim.scenario.reading import WRITTEN, scalar
from flowsim.scenario.tree import fail
from flowsim.sweep.schema import Grid, LatinHypercube, Morris, Sobol, Table, Zip
from flowsim.types import Floats

MOST_MEGABYTES = 100
MOST_SHOWN = 20
Design = Grid | Zip | LatinHypercube | Sobol | Morris | Table


def how_many(design: Design, n_parameters: int) -> int:
    """Count the points of a random design; 0 for the others."""
    if isinstance(design, LatinHypercube):
        return sum(design.points)
    if isinstance(design, Sobol):
        return design.points * ((2 if design.second_order else 1) * n_parameters + 2)
    return design.trajectories * (n_parameters + 1) if isinstance(design, Morris) else 0


def drawn(design: Design, names: Sequence[str], seed: int) -> Floats | None:
    """Draw a random design.

    Parameters
    ----------
    design : Grid, Zip, LatinHypercube, Sobol, Morris or Table
    names : sequence of str, length D
        Parameters.
    seed : int

    Returns
    -------
    float64, shape (P, D), or None
        Between 0 and 1; None if the design is not random.
    """
    if isinstance(design, LatinHypercube):
        return latin_hypercube(names, design.points, seed)
    if isinstance(design, Sobol):
        return _sobol(design, names, seed)
    return _morris(design, names, seed) if isinstance(design, Morris) else None


def stored(path: Path, names: Sequence[str], n_points: int) -> Floats | None:
    """Read a design as it was drawn once; None if it is not there or another's.

    Parameters
    ----------
    names : sequence of str, length D
    n_points : int
        What it must have.

    Returns
    -------
    float64, shape (n_points, D), or None
    """
    try:
        cells = read_cells(path)
        found = np.array(cells.rows, dtype=np.float64)
    except (ScenarioError, ValueError, TypeError):
        return None
    fits = cells.columns == tuple(names) and len(found) == n_points
    return found if fits and ((found >= 0) & (found <= 1)).all() else None


def problem(names: Sequence[str]) -> dict[str, Any]:
    """Return the description of parameters that SALib wants, on the unit cube."""
    return {"num_vars": len(names), "names": [*names], "bounds": [[0.0, 1.0]] * len(names)}


def latin_hypercube(names: Sequence[str], batches: Sequence[int], seed: int) -> Floats:
    """Return Latin hypercubes one below the other, each column from its own stream.

    Parameters
    ----------
    names : sequence of str, length D
    batches : sequence of int
        Points of each hypercube; P together.
    seed : int

    Returns
    -------
    float64, shape (P, D)
        Between 0 and 1; in each batch of n points a column has one in each n-th.
    """
    from scipy.stats import qmc

    def column(name: str, batch: int, n: int) -> Floats:
        stream = np.random.default_rng(_entropy(seed, f"{name}:{batch}"))
        return np.asarray(qmc.LatinHypercube(d=1, rng=stream).random(n)[:, 0])

    return np.concatenate(
        [np.column_stack([column(name, *batch) for name in names]) for batch in enumerate(batches)]
    )


def _sobol(design: Sobol, names: Sequence[str], seed: int) -> Floats:
    """Return Saltelli's rows: for each of N base points A, A with one column of B each, B."""
    from SALib.sample import sobol

    pairs, small = design.second_order, _small_seed(seed, "sobol")
    rows = sobol.sample(problem(names), design.points, calc_second_order=pairs, seed=small)
    return np.asarray(rows, dtype=np.float64)


def _morris(design: Morris, names: Sequence[str], seed: int) -> Floats:
    """Return trajectories of D + 1 points, each differing from the last in one parameter."""
    from SALib.sample import morris

    n, levels, small = design.trajectories, design.levels, _small_seed(seed, "morris")
    rows = morris.sample(problem(names), n, num_levels=levels, seed=small)
    steps = levels - 1
    return np.asarray(np.rint(rows * steps) / steps, dtype=np.float64)


def _entropy(seed: int, name: str) -> np.random.SeedSequence:
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return np.random.SeedSequence([seed, int.from_bytes(digest, "little")])


def _small_seed(seed: int, name: str) -> int:
    """Return a seed as SALib takes it: 31 bits, never 0, which it reads as none."""
    return int(_entropy(seed, name).generate_state(1)[0] >> 1) | 1


# -- points as a CSV file, read and written without losing a digit


@dataclass(frozen=True)
class Cells:
    """A table of values: numbers, text, true, false or null (which removes a policy)."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    lines: tuple[int, ...]

    def take(self, columns: Sequence[str]) -> Cells:
        """Return some of the columns."""
        places = [self.columns.index(column) for column in columns]
        rows = tuple(tuple(row[place] for place in places) for row in self.rows)
        return Cells(self.name, tuple(columns), rows, self.lines)


def read_cells(path: Path) -> Cells:
    """Read a CSV file whose header names parameters; cells are read as in YAML.

    Raises
    ------
    ScenarioError
        With file and line, if a cell or a column is missing or the header says a name twice.
    """
    name = shown(path)
    text = read_text(path, "table of points", MOST_MEGABYTES)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        lines = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader if cells]
    except csv.Error as reason:
        raise fail(f"{name}:{reader.line_num}", "", f"is not CSV: {reason}") from None
    if len(lines) < 2:
        raise fail(name, "", "has no points; expected a header and at least one row")
    (first, header), *rows = lines
    problems = _header_problems(f"{name}:{first}", header)
    for line, row in rows:
        problems += _row_problems(f"{name}:{line}", header, row)
    if problems:
        raise ScenarioError(problems[:MOST_SHOWN])
    values = tuple(tuple(scalar(cell) for cell in row) for _, row in rows)
    return Cells(name, tuple(header), values, tuple(line for line, _ in rows))


def _header_problems(where: str, header: Sequence[str]) -> list[Problem]:
    if len(header) == 1 and ";" in header[0]:
        return [Problem(where, "", "columns are parted by ';'; save the table with commas")]
    return [
        Problem(where, column, "stands twice in the header" if column else "a column has no name")
        for place, column in enumerate(header)
        if not column or column in header[:place]
    ]


def _row_problems(where: str, header: Sequence[str], row: Sequence[str]) -> list[Problem]:
    if len(row) != len(header):
        message = f"{len(row)} cells; expected {len(header)}, as in the header"
        return [Problem(where, "", message)]
    return [
        Problem(where, column, "is empty; expected a value (null removes a policy)")
        for column, cell in zip(header, row, strict=True)
        if not cell
    ]


def cells_text(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Write a table so that ``read_cells`` gives the same values."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([[_cell(value) for value in row] for row in rows])
    return text.getvalue()


def _cell(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return WRITTEN[value]
    return value if isinstance(value, str) else repr(value)
