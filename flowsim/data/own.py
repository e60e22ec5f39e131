"""Files that users bring: CSV as Excel, LibreOffice and editors write it, outlines in GeoJSON.

Separators (comma, semicolon, tab, a line ``sep=``), byte order marks, UTF-16, line ends, blank
lines, blanks around cells and empty columns at the end are taken as they come. All mistakes
are found at once.
"""

from __future__ import annotations

import csv
import io
import json
import os
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from flowsim.data.cells import dialect_of, shown, suggested
from flowsim.data.rows import TABLES
from flowsim.data.tables import Row, Table, columns
from flowsim.errors import DataError, Problem, in_order

MOST_MB = 5
MOST_ROWS = 100_000
SEPARATORS = (",", ";", "\t", "|")
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
MOST_LETTERS = 400_000
MOST_POINTS = 50_000
NEAR = 0.78  # so alike that a column of another name is a slip of the pen


def read_bytes(path: str | os.PathLike[str], noun: str = "table", most_mb: int = MOST_MB) -> bytes:
    """Read an ordinary file of ordinary size.

    Raises
    ------
    DataError
    """
    name = os.fspath(path)
    try:
        mode, size = Path(name).stat().st_mode, Path(name).stat().st_size
        if not stat.S_ISREG(mode):
            what = "a folder" if stat.S_ISDIR(mode) else "not an ordinary file"
            raise _failed(name, f"is {what}; expected a {noun}")
        if size > most_mb * 1_000_000:
            raise _failed(name, f"is {size / 1e6:,.1f} MB; a {noun} has at most {most_mb} MB")
        return Path(name).read_bytes()
    except (OSError, ValueError) as reason:
        why = getattr(reason, "strerror", None) or str(reason)
        raise _failed(name, f"cannot be read ({why}); expected a {noun}") from None


def _failed(name: str, message: str, line: int = 0) -> DataError:
    shown_name = name if name.isprintable() else ascii(name)
    return DataError([Problem(f"{shown_name}:{line}" if line else shown_name, "", message)])


def _decoded(name: str, raw: bytes) -> str:
    if raw.startswith(WORKBOOKS):
        raise _failed(name, "is a workbook; save the sheet as 'CSV UTF-8'")
    try:
        is_wide = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
        text = raw.decode("utf-16" if is_wide else "utf-8-sig")
    except UnicodeDecodeError as reason:
        line = raw.count(b"\n", 0, reason.start) + 1
        found = f"byte 0x{raw[reason.start]:02x}"
        raise _failed(name, f"is not UTF-8 text ({found}); save it as 'CSV UTF-8'", line) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise _failed(name, "holds a null character; it is no text", line)
    return text


def read_table(path: str | os.PathLike[str], row: type[Row]) -> tuple[Table, list[Problem]]:
    """Split a user's table into cells.

    Parameters
    ----------
    row : type of Row
        Whose columns are looked for; letters may be large or small.

    Returns
    -------
    Table
        Its dialect is what the cells show. Empty rows and cells beyond the header are gone.
    list of Problem
        Of header and shape: columns missing, twice or misspelt, cells too many or too few.

    Raises
    ------
    DataError
        If the file cannot be read as a table at all.
    """
    name = os.fspath(path)
    text = _decoded(name, read_bytes(path))
    separator, skipped = _separator(text, row)
    records = list(_records(name, text, separator, skipped))
    if not records:
        raise _failed(name, f"is empty; expected a table with the columns {_required(row)}")
    (first, head), *body = records
    if not body:
        raise _failed(name, f"holds no rows below the header; expected {_required(row)}", first)
    if len(body) > MOST_ROWS:
        raise _failed(name, f"has {len(body):,} rows; expected at most {MOST_ROWS:,}")
    header, problems = _header(f"{name}:{first}", head, row)
    lines, rows = [], []
    for line, cells in body:
        if len(cells) != len(header):
            message = f"{len(cells)} cells; the header has {len(header)}. "
            problems.append(Problem(f"{name}:{line}", "", message + _why(cells, separator)))
            continue
        lines.append(line)
        rows.append({key: cell for key, cell in zip(header, cells, strict=True) if key})
    numbers, dates = _by_kind(row, rows)
    dialect = dialect_of(numbers, dates, separator)
    return Table(name, tuple(header), tuple(lines), tuple(rows), dialect), problems


R = TypeVar("R", bound=Row)


def read(path: str | os.PathLike[str], row: type[R]) -> tuple[R, ...]:
    """Read a user's table by a model of its rows; DataError with every mistake."""
    _, rows, problems = read_rows(path, row)
    if problems:
        raise DataError(problems)
    return tuple(rows.values())


def read_rows(
    path: str | os.PathLike[str], row: type[R]
) -> tuple[Table, dict[int, R], list[Problem]]:
    """Read a user's table: its cells, the rows that are sound by their place, and the problems.

    Raises
    ------
    DataError
        If the file cannot be read as a table at all.
    """
    table, problems = read_table(path, row)
    rows, more = table.split(row)
    problems += more
    problems += _twice(table, row.named_by)
    return table, rows, in_order(problems)


def row_of(path: str | os.PathLike[str]) -> type[Row]:
    """Return what the rows of a user's table are, by its header: that with the most columns.

    Raises
    ------
    DataError
        If the file cannot be read, or its header has no column that is known.
    """
    name = os.fspath(path)
    text = _decoded(name, read_bytes(path))

    def share(row: type[Row]) -> float:
        separator, skipped = _separator(text, row)
        head = next(_records(name, text, separator, skipped), (0, []))[1]
        needed = [key for key, must in columns(row).items() if must]
        return sum(key in map(_plain, head) for key in needed) / len(needed)

    best = max(TABLES.values(), key=share)
    if share(best) < 0.3:
        kinds = "; ".join(f"{kind}: {_required(row)}" for kind, row in TABLES.items())
        raise _failed(name, f"is no table that flowsim knows. Columns needed of {kinds}")
    return best


def _twice(table: Table, key: tuple[str, ...]) -> list[Problem]:
    """Return the problems of rows that say of what they are with the same words as another."""
    first: dict[tuple[str, ...], int] = {}
    problems = []
    for place, row in enumerate(table.rows):
        words = tuple(row.get(name, "") for name in key)
        other = first.setdefault(words, place)
        if other != place and all(words):
            text = " and ".join(shown(word) for word in words)
            message = f"{text} stands on line {table.lines[other]} already; keep one of them"
            problems.append(table.problem(place, key[0], message))
    return problems


def _required(row: type[Row]) -> str:
    return ", ".join(name for name, needed in columns(row).items() if needed)


def _separator(text: str, row: type[Row]) -> tuple[str, int]:
    """Return what parts the cells, and how many lines there are before the header.

    A line ``sep=;`` says it; else it is what parts most of the known names of the header.
    """
    lines = text.splitlines()
    at = next((n for n, line in enumerate(lines) if line.strip(' ;,\t"')), 0)
    line = lines[at] if lines else ""
    said = line.strip(' "').lower()
    if said.startswith("sep=") and (said[4:] or "\t") in SEPARATORS:
        return said[4:] or "\t", at + 1
    known = set(columns(row))

    def found(separator: str) -> int:
        return sum(_plain(cell) in known for cell in line.replace('"', "").split(separator))

    return max(SEPARATORS, key=found), at


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "_")


def _records(name: str, text: str, separator: str, skipped: int) -> Iterator[tuple[int, list[str]]]:
    """Return each row that is not empty, with the line on which it begins.

    Empty cells at its end count up to the width of the header only.
    """
    lines = io.StringIO(text.replace("\r\n", "\n").replace("\r", "\n"))
    for _ in range(skipped):
        lines.readline()
    reader = csv.reader(lines, delimiter=separator, strict=True, skipinitialspace=True)
    width = 0
    began = skipped + 1
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                width = width or max(n for n, cell in enumerate(stripped, 1) if cell)
                while len(stripped) > width and not stripped[-1]:
                    stripped.pop()
                yield began, stripped
            began = skipped + reader.line_num + 1
    except csv.Error as reason:
        known = {
            "end of data": "a quotation mark is opened and not closed",
            "expected after": "a quotation mark is closed in the middle of a cell",
            "field larger": "a cell is far too long; is a quotation mark not closed?",
        }
        why = next((words for sign, words in known.items() if sign in str(reason)), "it is damaged")
        raise _failed(name, f"is no table: {why}", began) from None


def _header(where: str, cells: list[str], row: type[Row]) -> tuple[list[str], list[Problem]]:
    """Return the columns as the model names them, and what is wrong with them."""
    known = columns(row)
    header = [_plain(cell) if _plain(cell) in known else cell for cell in cells]
    problems = []
    for name, n in Counter(name for name in header if name).items():
        if n > 1:
            problems.append(Problem(where, "", f"the column {shown(name)} is there {n} times"))
    missing = [name for name, needed in known.items() if needed and name not in header]
    for name in header:
        near = suggested(_plain(name), known, NEAR) if name and name not in known else ""
        if near:
            problems.append(Problem(where, "", f"the column {shown(name)} is not known{near}"))
            missing = [one for one in missing if f" {one}?" not in near]
    problems += [Problem(where, "", f"there is no column {name}") for name in missing]
    return header, problems


def _why(cells: list[str], separator: str) -> str:
    """Return what usually makes a row too long."""
    if separator == "," and any(cell[-1:].isdigit() for cell in cells):
        return "A comma inside a cell needs quotation marks round it; a decimal comma, too"
    return "A cell that holds the separator needs quotation marks round it"


def _by_kind(row: type[Row], rows: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """Return the cells of number columns and those of date columns."""
    found: dict[str, list[str]] = {"date": [], "float": []}
    for name, field in row.model_fields.items():
        kind = next((k for k in found if k in repr(field.annotation)), "")
        key = field.alias or name
        found.get(kind, []).extend(one[key] for one in rows if key in one)
    return found["float"], found["date"]


# -- outlines of regions and countries: GeoJSON, checked, as text without blanks


def is_text(text: str) -> bool:
    """Whether a text is GeoJSON itself, not the name of a file."""
    return text.lstrip().startswith("{")


def read_outlines(path: str | os.PathLike[str]) -> str:
    """Read a GeoJSON file of polygons.

    Raises
    ------
    DataError
        If it is not what maps can draw.
    """
    name = os.fspath(path)
    raw = read_bytes(Path(name), "GeoJSON file")
    try:
        data = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError) as reason:
        why = str(reason).splitlines()[0][:100] if str(reason) else "it is nested too deep"
        raise DataError([Problem(name, "", f"is not GeoJSON: {why}")]) from None
    text = json.dumps(_outlines_checked(data, name), separators=(",", ":"), ensure_ascii=False)
    if len(text) > MOST_LETTERS:
        found = f"has {len(text):,} letters without blanks"
        message = f"{found}; expected at most {MOST_LETTERS:,}: simplify it"
        raise DataError([Problem(name, "", message)])
    return text


def parsed_outlines(text: str, where: str = "outlines") -> dict[str, Any]:
    """Return a GeoJSON text as a feature collection; DataError if it is none."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise DataError([Problem(where, "", "is not GeoJSON")]) from None
    return _outlines_checked(data, where)


def _outlines_checked(data: Any, where: str) -> dict[str, Any]:
    """Return the polygons of a feature collection with id and name, and nothing else."""
    features = data.get("features") if isinstance(data, dict) else None
    if not isinstance(features, list | tuple) or not features:
        raise DataError([Problem(where, "", "is no GeoJSON FeatureCollection with features")])
    made, problems, points = [], [], 0
    for number, feature in enumerate(features, 1):
        said, rings = _outline_mistake(feature)
        if said:
            problems.append(Problem(where, f"feature {number}", said))
            continue
        points += rings
        properties = feature.get("properties") or {}
        name = str(properties.get("name_en") or properties.get("name") or "")
        geometry = {key: feature["geometry"][key] for key in ("type", "coordinates")}
        code = str(feature.get("id") or properties.get("id") or properties.get("code") or name)
        kept = {"type": "Feature", "id": code, "properties": {"name": name}, "geometry": geometry}
        made.append(kept)
    if points > MOST_POINTS:
        found = f"has {points:,} points; expected at most {MOST_POINTS:,}: simplify it"
        problems.append(Problem(where, "", found))
    if problems:
        raise DataError(problems)
    return {"type": "FeatureCollection", "features": made}


def _outline_mistake(feature: Any) -> tuple[str, int]:
    """Return what is wrong with a feature, empty if nothing, and how many points it has."""
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind not in ("Polygon", "MultiPolygon"):
        return f"found {str(kind)[:40]!r}; expected a Polygon or MultiPolygon", 0
    polygons: Any = geometry.get("coordinates") if isinstance(geometry, dict) else None
    try:
        rings = [ring for one in ([polygons] if kind == "Polygon" else polygons) for ring in one]
        points = [(float(point[0]), float(point[1])) for ring in rings for point in ring]
    except (TypeError, ValueError, IndexError):
        return "its coordinates are not lists of [longitude, latitude]", 0
    if not rings or any(len(ring) < 4 or list(ring[0]) != list(ring[-1]) for ring in rings):
        return "a ring needs at least four points, the last the same as the first", 0
    if not all(-180 <= lon <= 360 and -90 <= lat <= 90 for lon, lat in points):
        return "found coordinates that are no degrees (longitude, then latitude)", 0
    return "", len(points)
