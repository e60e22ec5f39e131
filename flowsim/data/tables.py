"""Tables of the package as rows of a model: every damage is reported with file, line and column."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from flowsim.errors import DataError

RESTORE = " Restore the file as flowsim ships it."


class Row(BaseModel):
    """Base of the rows of a table: read from text, never changed; other columns are left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, defer_build=True)


class Expected(str):
    """What a cell is expected to be, beside its type: the end of a message."""

    __slots__ = ()


R = TypeVar("R", bound=Row)


@dataclass(frozen=True)
class Table:
    """A table as text.

    Attributes
    ----------
    name : str
        In messages.
    lines : tuple of int
        Of each row in the file.
    rows : tuple of dict
        Text of each cell, by column.
    """

    name: str
    lines: tuple[int, ...]
    rows: tuple[dict[str, str], ...]

    def read(self, row: type[R], repair: str = RESTORE) -> tuple[R, ...]:
        """Read each row by a model; DataError with file, line, column of the first mistake."""
        try:
            rows: tuple[R, ...] = _adapter(row).validate_python(self.rows)
            return rows
        except ValidationError as reason:
            error = reason.errors(include_url=False)[0]
        place, *column = error["loc"]
        if error["type"] == "missing":
            raise DataError(f"{self.name}:1: there is no column {column[0]}.{repair}")
        message = error["msg"]
        if column:
            found, expected = error["input"], _expected(row, str(column[0]))
            message = f"{column[0]} is {found!r}; expected {expected}.{repair}"
        raise DataError(f"{self.name}:{self.lines[int(place)]}: {message}")


@cache
def _adapter(row: Any) -> TypeAdapter[Any]:
    return TypeAdapter(tuple[row, ...])


def _expected(row: type[Row], column: str) -> str:
    known = {field.alias or name: field for name, field in row.model_fields.items()}
    return next((m for m in known[column].metadata if isinstance(m, Expected)), "a number")


def parsed(name: str, text: str) -> Table:
    """Split a table into rows; every row must have as many cells as the header."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines, rows = [], []
    try:
        header = next(reader, [])
        for cells in reader:
            if len(cells) != len(header):
                raise DataError(
                    f"{name}:{reader.line_num}: {len(cells)} cells; expected {len(header)}"
                )
            lines.append(reader.line_num)
            rows.append(dict(zip(header, cells, strict=True)))
    except csv.Error as reason:
        raise DataError(f"{name}:{reader.line_num}: {reason}") from None
    return Table(name, tuple(lines), tuple(rows))


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
