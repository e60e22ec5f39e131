"""Points of a sweep as a CSV file, read and written without losing a digit."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowsim.errors import Problem, ScenarioError
from flowsim.scenario.files import read_text, shown
from flowsim.scenario.reading import WRITTEN, scalar
from flowsim.scenario.tree import fail

MOST_MEGABYTES = 100
MOST_SHOWN = 20


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
