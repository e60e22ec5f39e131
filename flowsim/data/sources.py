"""The data tables: regions, roads, crossings, destinations, observations, events, outlines.

Read from the package with the ``csv`` and ``json`` modules only, so that ``flowsim check``
starts at once, and checked on the way: damage is reported with file and line. What is in
each table, and whose it is, stands in ``flowsim/data/README.md`` and ``LICENSE-data``.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from flowsim.errors import DataError

N_REGIONS = 83
N_AGE_BANDS = 8
OTHER_WAYS_HOURS = 16

T = TypeVar("T")


@dataclass(frozen=True)
class Row:
    """One row of a table that knows where it stands, for messages."""

    table: str
    line: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        """Return the text of a cell."""
        if column not in self.cells:
            raise DataError(
                f"{self.table}.csv:1: there is no column {column}. "
                "Restore the file as flowsim ships it."
            )
        return self.cells[column]

    def read(self, column: str, as_type: Callable[[str], T]) -> T:
        """Read a cell as a type; DataError with file, line and column if it is not one."""
        text = self[column]
        try:
            return as_type(text)
        except ValueError:
            raise DataError(
                f"{self.table}.csv:{self.line}: {column} is {text!r}; expected "
                f"{EXPECTED.get(as_type, 'a number')}. Restore the file as flowsim ships it."
            ) from None


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError(text)
    return value


def _positive(text: str) -> float:
    value = float(text)
    if not 0 <= value < float("inf"):
        raise ValueError(text)
    return value


def _flag(text: str) -> bool:
    if text not in ("0", "1"):
        raise ValueError(text)
    return text == "1"


EXPECTED: dict[Callable[[str], Any], str] = {
    _share: "a share from 0 to 1",
    _positive: "a number not below 0",
    _flag: "0 or 1",
    int: "a whole number",
    datetime.fromisoformat: "a moment like 2022-09-28T10:00",
    date.fromisoformat: "a date like 2022-09-28",
}


def _bytes(name: str) -> bytes:
    try:
        return files("flowsim").joinpath("data", *name.split("/")).read_bytes()
    except OSError as reason:
        raise DataError(
            f"flowsim/data/{name} cannot be read ({reason.strerror}); install flowsim again"
        ) from None


def _text(name: str) -> str:
    try:
        return _bytes(name).decode("utf-8")
    except UnicodeDecodeError as reason:
        raise DataError(
            f"flowsim/data/{name} is not UTF-8 text (byte {reason.start}); install flowsim again"
        ) from None


@cache
def _rows(table: str) -> tuple[Row, ...]:
    return tuple(_read_rows(table, _text(f"{table}.csv")))


def _read_rows(table: str, text: str) -> Iterator[Row]:
    """Split a table into rows; every row must have as many cells as the header."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] = []
    try:
        for cells in reader:
            if not header:
                header = cells
            elif len(cells) != len(header):
                raise DataError(
                    f"{table}.csv:{reader.line_num}: {len(cells)} cells; expected {len(header)}"
                )
            else:
                yield Row(
                    table, reader.line_num, MappingProxyType(dict(zip(header, cells, strict=True)))
                )
    except csv.Error as reason:
        raise DataError(f"{table}.csv:{reader.line_num}: {reason}") from None


@dataclass(frozen=True)
class Regions:
    """The 83 federal subjects, ordered by code; disputed regions are left out.

    Attributes
    ----------
    code, name : tuple of str, length 83
    men : int64, shape (83, 8)
        Men by age band (``quantity.AGE_BANDS``), 1 January 2022, Rosstat.
    higher_education_share, higher_education_response_share : float64, shape (83,)
        Of people 15 and over who stated a level, both sexes; share who stated one.
    passport_share : float64, shape (83,)
        Adults with an international passport; imputed, national mean 0.30.
    income : float64, shape (83,)
        Thousand roubles a month, 2020.
    mobilised : float64, shape (83,)
        Men called up, adding up to about 300,000; a rough gradient, low trust.
    lat, lon : float64, shape (83,)
        Of the capital, degrees.
    road_connected : bool, shape (83,)
        Whether a through road led to the rest of the country in 2022.
    men_basis, education_basis, income_basis, mobilised_basis, passport_basis,
    coordinates_basis : tuple of str, length 83
        How each value is known: measured by whom, derived, memory.
    """

    code: tuple[str, ...]
    name: tuple[str, ...]
    men: npt.NDArray[np.int64]
    higher_education_share: npt.NDArray[np.float64]
    higher_education_response_share: npt.NDArray[np.float64]
    passport_share: npt.NDArray[np.float64]
    income: npt.NDArray[np.float64]
    mobilised: npt.NDArray[np.float64]
    lat: npt.NDArray[np.float64]
    lon: npt.NDArray[np.float64]
    road_connected: npt.NDArray[np.bool_]
    men_basis: tuple[str, ...]
    education_basis: tuple[str, ...]
    income_basis: tuple[str, ...]
    mobilised_basis: tuple[str, ...]
    passport_basis: tuple[str, ...]
    coordinates_basis: tuple[str, ...]


def _fixed(values: list[Any], dtype: type) -> npt.NDArray[Any]:
    array: npt.NDArray[Any] = np.array(values, dtype=dtype)
    array.setflags(write=False)
    return array


def _men(row: Row) -> list[int]:
    columns = [name for name in row.cells if name.startswith("men_") and name[4].isdigit()]
    if len(columns) != N_AGE_BANDS:
        raise DataError(f"regions.csv:1: {len(columns)} age bands; expected {N_AGE_BANDS}")
    return [round(1000 * row.read(column, _positive)) for column in columns]


@cache
def regions() -> Regions:
    """Return the regions as arrays in the order of their codes.

    Raises
    ------
    DataError
        If the table is damaged, out of order or incomplete; with file and line.
    """
    rows = _rows("regions")
    codes = tuple(row["code"] for row in rows)
    if len(codes) != N_REGIONS or list(codes) != sorted(set(codes)):
        raise DataError(
            f"regions.csv: {len(codes)} rows; expected {N_REGIONS} different codes in order"
        )

    def column(name: str, as_type: Callable[[str], float]) -> npt.NDArray[np.float64]:
        return _fixed([row.read(name, as_type) for row in rows], float)

    def words(name: str) -> tuple[str, ...]:
        return tuple(row[name] for row in rows)

    return Regions(
        code=codes,
        name=words("name"),
        men=_fixed([_men(row) for row in rows], np.int64),
        higher_education_share=column("higher_education_share", _share),
        higher_education_response_share=column("higher_education_response_share", _share),
        passport_share=column("passport_share", _share),
        income=column("income_thousand_rub_month", _positive),
        mobilised=column("mobilised_estimate", _positive),
        lat=column("lat", float),
        lon=column("lon", float),
        road_connected=_fixed([row.read("road_connected", _flag) for row in rows], np.bool_),
        men_basis=words("men_basis"),
        education_basis=words("education_basis"),
        income_basis=words("income_basis"),
        mobilised_basis=words("mobilised_basis"),
        passport_basis=words("passport_basis"),
        coordinates_basis=words("coordinates_basis"),
    )


@cache
def road_km() -> Mapping[tuple[str, str], float]:
    """Return the road distance in km from each region's capital to each crossing.

    Keys are (region code, crossing id); pairs without a through road are missing.
    """
    return MappingProxyType(
        {
            (row["region_code"], row["crossing_id"]): row.read("road_km", _positive)
            for row in _rows("road_km")
        }
    )


def _parameter(value: float, unit: str, basis: str) -> dict[str, Any]:
    return {"value": value, "unit": unit, "source": f"data: crossings.csv, {basis}"}


def _crossing(row: Row) -> dict[str, Any]:
    """Write one row of the table as the mapping that ``schema.Crossing`` reads."""
    crossing: dict[str, Any] = {key: row[key] for key in ("name", "destination", "kind")}
    if row["kind"] == "road":
        crossing |= {key: row.read(key, float) for key in ("lat", "lon")}
        crossing["region"] = row["region_code"]
    if row["group"]:
        crossing["group"] = row["group"]
    crossing["utc_offset_h"] = row.read("utc_offset_h", int)
    columns = (
        ("size_weight", "size_weight", "weight", "background_basis"),
        ("background_share", "background_russians_out_day", "weight", "background_basis"),
        ("capacity", "capacity_persons_out_day", "persons per day", "capacity_basis"),
    )
    for key, column, unit, basis in columns:
        crossing[key] = _parameter(row.read(column, _positive), unit, row[basis])
    if row["kind"] != "road":
        crossing["travel"] = {
            "value": OTHER_WAYS_HOURS,
            "unit": "hours",
            "source": "assumption: by air or rail about as long as the cap of road journeys",
        }
    return crossing


def crossings() -> dict[str, dict[str, Any]]:
    """Return the shipped crossings as raw scenario mappings, in the order of the file.

    Returns
    -------
    dict
        A fresh copy at each call: 29 road crossings and 'other ways' into either country,
        in the shape of ``schema.Crossing``; each number with unit and source.
    """
    return {row["id"]: _crossing(row) for row in _rows("crossings")}


@cache
def crossing_lines() -> Mapping[str, int]:
    """Return the line of each crossing in ``crossings.csv``, for messages."""
    return MappingProxyType({row["id"]: row.line for row in _rows("crossings")})


@cache
def destinations() -> tuple[Mapping[str, str], ...]:
    """Return the facts about nine countries that writers of scenarios look up, as text."""
    return tuple(row.cells for row in _rows("destinations"))


@dataclass(frozen=True)
class Observation:
    """A published figure: what was counted, where, when, by whom, and how far to trust it.

    Attributes
    ----------
    role : {'fit', 'validate', 'context'}
        Calibrate on it; compare with it and never tune to it; background reading.
    is_input : bool
        The figure went into the scenario's inputs, so agreement with it proves nothing.
    value, low, high : float
        In ``unit``; the source's own range or rounding, else a judgement.
    model_measure, place_id, counts : str
        What to compare it with; empty for context.
    window_start, window_end : datetime or None
        Local time of ``utc_offset_h``; equal for a moment; None for context.
    quality : str
        B official figure as quoted by press, C independent press, survey or estimate.
    """

    id: str
    role: str
    is_input: bool
    place: str
    measure: str
    date_start: date
    date_end: date
    value: float
    low: float
    high: float
    unit: str
    model_measure: str
    place_id: str
    counts: str
    window_start: datetime | None
    window_end: datetime | None
    utc_offset_h: int | None
    source_name: str
    source_url: str
    source_date: str
    quality: str
    note: str


_OBSERVATION_WORDS = [
    "id",
    "role",
    "place",
    "measure",
    "unit",
    "model_measure",
    "place_id",
    "counts",
    "source_name",
    "source_url",
    "source_date",
    "quality",
    "note",
]


def _observation(row: Row) -> Observation:
    compared = bool(row["window_start"])
    if row["role"] not in ("fit", "validate", "context") or compared == (row["role"] == "context"):
        raise DataError(
            f"{row.table}.csv:{row.line}: role {row['role']!r} and window "
            f"{row['window_start']!r} do not go together"
        )
    return Observation(
        **{name: row[name] for name in _OBSERVATION_WORDS},
        is_input=row.read("is_input", _flag),
        date_start=row.read("date_start", date.fromisoformat),
        date_end=row.read("date_end", date.fromisoformat),
        value=row.read("value", float),
        low=row.read("low", float),
        high=row.read("high", float),
        window_start=row.read("window_start", datetime.fromisoformat) if compared else None,
        window_end=row.read("window_end", datetime.fromisoformat) if compared else None,
        utc_offset_h=row.read("utc_offset_h", int) if compared else None,
    )


@cache
def observations() -> tuple[Observation, ...]:
    """Return the published figures; the inputs among them are marked ``is_input``."""
    return tuple(_observation(row) for row in _rows("observations"))


def read_observations(path: str | os.PathLike[str]) -> tuple[Observation, ...]:
    """Read a file of published figures with the columns of ``observations.csv``.

    Columns that nothing is compared with may be missing: all but ``id``, ``value``,
    ``model_measure``, ``place_id``, ``window_start``, ``window_end`` and ``utc_offset_h``.

    Raises
    ------
    DataError
        With file, line and column of the first mistake.
    """
    name = os.fspath(path)
    try:
        text = Path(name).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as reason:
        why = getattr(reason, "strerror", None) or "not UTF-8 text"
        raise DataError(f"{name}: cannot be read ({why})") from None
    rows = list(_read_rows(name.removesuffix(".csv"), text))
    if not rows:
        raise DataError(f"{name}: holds no figures; expected the columns of observations.csv")
    try:
        return tuple(_observation(_completed(row)) for row in rows)
    except DataError as reason:
        raise DataError(str(reason).replace(RESTORE, "")) from None


RESTORE = " Restore the file as flowsim ships it."
_NOT_COMPARED = {
    "role": "",
    "is_input": "0",
    "low": "",
    "high": "",
    "date_start": "",
    "date_end": "",
} | dict.fromkeys(_OBSERVATION_WORDS[2:5] + _OBSERVATION_WORDS[7:], "")


def _completed(row: Row) -> Row:
    """Fill in what a user's own file may leave out."""
    cells = _NOT_COMPARED | dict(row.cells)
    missing = [name for name in ("id", "model_measure", "value") if name not in cells]
    if missing:
        raise DataError(f"{row.table}.csv:1: there is no column {missing[0]}")
    start = cells.get("window_start", "")
    cells["role"] = cells["role"] or ("validate" if start else "context")
    cells["low"] = cells["low"] or cells["value"]
    cells["high"] = cells["high"] or cells["value"]
    for column, window in (("date_start", "window_start"), ("date_end", "window_end")):
        cells[column] = cells[column] or _date_of(cells.get(window, ""))
    return Row(row.table, row.line, MappingProxyType(cells))


def _date_of(window: str) -> str:
    """Return the date of a window's end, or any date: what is wrong is told with the window."""
    try:
        return f"{datetime.fromisoformat(window):%Y-%m-%d}"
    except ValueError:
        return "2022-09-17"


@cache
def lambda_changes(value: float) -> dict[str, float]:
    """Return the scenario changes that fit the baseline at another lambda; empty at its own.

    Lambda is an assumption; reports show 0.3, 0.6 and 1. The values come from
    ``flowsim calibrate`` (docs/calibration.md).

    Raises
    ------
    DataError
        If nothing was fitted at this lambda.
    """
    rows = _rows("lambda")
    fitted = {row.read("lambda", float) for row in rows} | {SHIPPED_LAMBDA}
    if value not in fitted:
        known = ", ".join(f"{one:g}" for one in sorted(fitted))
        raise DataError(f"nothing was fitted at lambda {value:g}; choose of {known}")
    found = {
        row["key"]: row.read("value", float) for row in rows if row.read("lambda", float) == value
    }
    return ({"choice.lambda": value} if found else {}) | found


SHIPPED_LAMBDA = 0.6


@dataclass(frozen=True)
class Event:
    """A dated event of the episode, with its source."""

    date: date
    event: str
    place: str
    effect: str
    source_name: str
    source_url: str
    note: str


@cache
def timeline() -> tuple[Event, ...]:
    """Return the dated policy events, 19 September 2022 to 27 January 2023."""
    return tuple(
        Event(**{**row.cells, "date": row.read("date", date.fromisoformat)})  # type: ignore[arg-type]
        for row in _rows("timeline")
    )


class Outlines(NamedTuple):
    """GeoJSON feature collections; longitude and latitude in degrees; ``id`` of each feature."""

    regions: dict[str, Any]
    neighbours: dict[str, Any]


def outlines() -> Outlines:
    """Return the outlines of the 83 regions (id = region code) and of the countries around."""
    return Outlines(_geojson("russia_regions"), _geojson("neighbours"))


def _geojson(name: str) -> dict[str, Any]:
    try:
        shapes: dict[str, Any] = json.loads(_text(f"geo/{name}.geojson"))
        if not shapes["features"]:
            raise ValueError("no features")
    except (ValueError, KeyError, TypeError) as reason:
        raise DataError(f"flowsim/data/geo/{name}.geojson is damaged: {reason}") from None
    return shapes


@cache
def content_hash() -> str:
    """Return one SHA-256 of all data tables that the model reads."""
    digest = hashlib.sha256()
    for table in ("crossings", "observations", "regions", "road_km"):
        digest.update(_bytes(f"{table}.csv"))
    return digest.hexdigest()
