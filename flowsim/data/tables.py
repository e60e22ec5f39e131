"""Tables as rows of a model: every mistake is reported with file, line and column."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from flowsim.data.cells import PLAIN, Dialect, shown, suggested
from flowsim.errors import DataError, Problem

RESTORE = " Restore the file as flowsim ships it."


class Row(BaseModel):
    """Base of the rows of a table: read from text, never changed; other columns are left alone.

    Attributes
    ----------
    named_by : tuple of str
        Columns that together name the row: no two rows agree in them.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, defer_build=True)
    named_by: ClassVar[tuple[str, ...]] = ()

    def mistakes(self) -> list[tuple[str, str]]:
        """Return column and message of what does not fit together in the row."""
        return []


class Expected(str):
    """What a cell is expected to be, beside its type: the end of a message."""

    __slots__ = ()


R = TypeVar("R", bound=Row)


def columns(row: type[Row]) -> dict[str, bool]:
    """Return the columns of a model as files name them, and whether each must be there."""
    return {f.alias or name: f.is_required() for name, f in row.model_fields.items()}


@dataclass(frozen=True)
class Table:
    """A table as text.

    Attributes
    ----------
    name : str
        In messages.
    header : tuple of str
    lines : tuple of int
        Of each row in the file.
    rows : tuple of dict
        Text of each cell, by column.
    dialect : Dialect
        How it writes numbers and dates.
    """

    name: str
    header: tuple[str, ...]
    lines: tuple[int, ...]
    rows: tuple[dict[str, str], ...]
    dialect: Dialect = PLAIN

    def problem(self, row: int | None, column: str, message: str) -> Problem:
        """Return a problem of a cell, or of the header."""
        line = 1 if row is None else self.lines[row]
        return Problem(f"{self.name}:{line}", column, message)

    def split(self, row: type[R]) -> tuple[dict[int, R], list[Problem]]:
        """Return the rows that a model can read, by their place, and the problems of the others."""
        needed = columns(row)
        cells = [
            {key: cell for key, cell in one.items() if cell or needed.get(key)} for one in self.rows
        ]
        places: Sequence[int] = range(len(cells))
        errors: list[ErrorDetails] = []
        try:
            rows = _adapter(row).validate_python(tuple(cells), context=self.dialect)
        except ValidationError as reason:
            errors = reason.errors(include_url=False)
            bad = {int(error["loc"][0]) for error in errors}
            places = [place for place in places if place not in bad]
            good = tuple(cells[place] for place in places)
            rows = _adapter(row).validate_python(good, context=self.dialect)
        sound = dict(zip(places, rows, strict=True))
        told = [one for one in errors if set(one["loc"][1:2]) <= cells[int(one["loc"][0])].keys()]
        problems = [self._of_cell(row, one) for one in told]
        problems += [self.problem(p, *m) for p, one in sound.items() for m in one.mistakes()]
        return sound, problems

    def _of_cell(self, row: type[Row], error: ErrorDetails) -> Problem:
        place, *rest = error["loc"]
        column = str(rest[0]) if rest else ""
        if error["type"] == "word":
            return self.problem(int(place), column, error["msg"])
        field = {f.alias or name: f for name, f in row.model_fields.items()}.get(column)
        marks = field.metadata if field is not None else ()
        expected = next((m for m in marks if isinstance(m, Expected)), "a number")
        hint = error["msg"] if error["type"] == "cell" else ""
        found = "" if error["type"] == "missing" else error["input"]
        near = ""
        if error["type"] == "literal_error":
            known = error["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", ")
            expected, near = f"one of {', '.join(known)}", suggested(str(found), known)
        message = f"found {shown(found)}; expected {expected}{hint or near}"
        return self.problem(int(place), column, message)

    def read(self, row: type[R]) -> tuple[R, ...]:
        """Read each row of a shipped table; DataError with every mistake."""
        missing = [n for n, needed in columns(row).items() if needed and n not in self.header]
        found = [self.problem(None, "", f"there is no column {name}.{RESTORE}") for name in missing]
        if found:
            raise DataError(found)
        rows, problems = self.split(row)
        if problems:
            raise DataError([Problem(p.where, p.key, f"{p.message}.{RESTORE}") for p in problems])
        return tuple(rows.values())


@cache
def _adapter(row: Any) -> TypeAdapter[Any]:
    return TypeAdapter(tuple[row, ...])


def parsed(name: str, text: str) -> Table:
    """Split a shipped table into rows; every row must have as many cells as the header."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines, rows = [], []
    try:
        header = next(reader, [])
        for cells in reader:
            if len(cells) != len(header):
                found = f"{len(cells)} cells; expected {len(header)}"
                raise DataError(f"{name}:{reader.line_num}: {found}")
            lines.append(reader.line_num)
            rows.append(dict(zip(header, cells, strict=True)))
    except csv.Error as reason:
        raise DataError(f"{name}:{reader.line_num}: {reason}") from None
    return Table(name, tuple(header), tuple(lines), tuple(rows))


@cache
def shipped(name: str) -> Table:
    """Read one of the tables that come with flowsim."""
    return parsed(f"{name}.csv", read_text(f"{name}.csv"))


def read_bytes(name: str) -> bytes:
    """Read a file of the data folder."""
    try:
        return files("flowsim").joinpath("data", *name.split("/")).read_bytes()
    except OSError as reason:
        raise DataError(
            f"flowsim/data/{name} cannot be read ({reason.strerror}); install flowsim again"
        ) from None


def read_text(name: str) -> str:
    """Read a text file of the data folder."""
    try:
        return read_bytes(name).decode("utf-8")
    except UnicodeDecodeError as reason:
        raise DataError(
            f"flowsim/data/{name} is not UTF-8 text (byte {reason.start}); install flowsim again"
        ) from None


def read_geojson(name: str) -> dict[str, Any]:
    """Read a GeoJSON feature collection of the data folder."""
    try:
        shapes: dict[str, Any] = json.loads(read_text(f"geo/{name}.geojson"))
        if not shapes["features"]:
            raise ValueError("no features")
    except (ValueError, KeyError, TypeError) as reason:
        raise DataError(f"flowsim/data/geo/{name}.geojson is damaged: {reason}") from None
    return shapes
