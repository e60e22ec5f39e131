"""The data tables: regions, roads, crossings, destinations, observations, events, outlines.

What is in each table, and whose it is, stands in ``flowsim/data/README.md`` and
``LICENSE-data``; the rows of each are described in ``rows.py``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from flowsim.data.rows import (
    Country,
    CrossingRow,
    Headline,
    Observation,
    Refit,
    Region,
    Road,
)
from flowsim.data.tables import read_bytes, read_geojson, shipped
from flowsim.errors import DataError
from flowsim.types import Bools, Floats, Ints

N_REGIONS = 83
OTHER_WAYS_HOURS = 16
SHIPPED_LAMBDA = 0.6


@dataclass(frozen=True)
class Regions:
    """Regions, ordered by code; of the shipped 83 federal subjects disputed ones are left out.

    Attributes
    ----------
    code, name : tuple of str, length R
    men : int64, shape (R, 8)
        Men by age band (``quantity.AGE_BANDS``), 1 January 2022, Rosstat.
    higher_education_share, higher_education_response_share : float64, shape (R,)
        Of people 15 and over who stated a level, both sexes; share who stated one.
    passport_share : float64, shape (R,)
        Adults with an international passport; imputed, national mean 0.30.
    income : float64, shape (R,)
        Thousand roubles a month, 2020.
    called_up : float64, shape (R,)
        Men called up, adding up to about 300,000; a rough gradient, low trust.
    lat, lon : float64, shape (R,)
        Of the capital, degrees.
    road_connected : bool, shape (R,)
        Whether a through road led to the rest of the country in 2022.
    men_basis, education_basis, income_basis, called_up_basis, passport_basis,
    coordinates_basis : tuple of str, length R
        How each value is known: measured by whom, derived, memory.
    """

    code: tuple[str, ...]
    name: tuple[str, ...]
    men: Ints
    higher_education_share: Floats
    higher_education_response_share: Floats
    passport_share: Floats
    income: Floats
    called_up: Floats
    lat: Floats
    lon: Floats
    road_connected: Bools
    men_basis: tuple[str, ...]
    education_basis: tuple[str, ...]
    income_basis: tuple[str, ...]
    called_up_basis: tuple[str, ...]
    passport_basis: tuple[str, ...]
    coordinates_basis: tuple[str, ...]


def _column(values: list[Any]) -> Any:
    """Return texts as a tuple, numbers as an array that nobody can change."""
    if isinstance(values[0], str):
        return tuple(values)
    array = np.array(values)
    array.setflags(write=False)
    return array


@cache
def regions() -> Regions:
    """Return the regions as arrays in the order of their codes.

    Raises
    ------
    DataError
        If the table is damaged, out of order or incomplete; with file and line.
    """
    rows = shipped("regions").read(Region)
    codes, expected = [row.code for row in rows], f"{N_REGIONS} different codes in order"
    if len(codes) != N_REGIONS or codes != sorted(set(codes)):
        raise DataError(f"regions.csv: {len(codes)} rows; expected {expected}")
    return regions_of(rows)


@lru_cache(maxsize=8)
def regions_of(rows: tuple[Region, ...]) -> Regions:
    """Return rows as arrays in the order of their codes."""
    rows = tuple(sorted(rows, key=lambda row: row.code))
    return Regions(*(_column([getattr(row, f.name) for row in rows]) for f in fields(Regions)))


@cache
def road_km() -> Mapping[tuple[str, str], float]:
    """Return the road distance in km from each region's capital to each crossing.

    Keys are (region code, crossing id); pairs without a through road are missing.
    """
    roads = shipped("road_km").read(Road)
    return MappingProxyType({(road.region_code, road.crossing_id): road.road_km for road in roads})


@cache
def _crossings() -> tuple[CrossingRow, ...]:
    return shipped("crossings").read(CrossingRow)


def as_crossing(row: CrossingRow, table: str = "crossings.csv") -> dict[str, Any]:
    """Write one row of a table as the mapping that ``places.Crossing`` reads."""

    def parameter(value: float, unit: str, basis: str) -> dict[str, Any]:
        return {"value": value, "unit": unit, "source": f"data: {table}, {basis}"}

    crossing: dict[str, Any] = {"name": row.name, "destination": row.destination, "kind": row.kind}
    if row.kind == "road":
        crossing |= {"lat": row.lat, "lon": row.lon, "region": row.region_code}
    if row.group:
        crossing["group"] = row.group
    ordinary, size = row.background_out_day, row.size_weight
    crossing |= {
        "utc_offset_h": row.utc_offset_h,
        "size_weight": parameter(size, "weight", row.background_basis),
        "background_share": parameter(ordinary, "weight", row.background_basis),
        "capacity": parameter(row.capacity_persons_out_day, "persons per day", row.capacity_basis),
    }
    if row.kind != "road" and row.travel_hours is not None:
        crossing["travel"] = parameter(row.travel_hours, "hours", row.capacity_basis)
    elif row.kind != "road":
        why = "assumption: by air, with the way to the airport and the waiting"
        crossing["travel"] = {"value": OTHER_WAYS_HOURS, "unit": "hours", "source": why}
    return crossing


def crossings() -> dict[str, dict[str, Any]]:
    """Return the shipped crossings as raw scenario mappings, in the order of the file.

    Returns
    -------
    dict
        A fresh copy at each call: 29 road crossings and 'other ways' into either country,
        in the shape of ``places.Crossing``; each number with unit and source.
    """
    return {row.id: as_crossing(row) for row in _crossings()}


@cache
def crossing_lines() -> Mapping[str, int]:
    """Return the line of each crossing in ``crossings.csv``, for messages."""
    lines = shipped("crossings").lines
    return MappingProxyType({r.id: line for r, line in zip(_crossings(), lines, strict=True)})


@cache
def destinations() -> tuple[Country, ...]:
    """Return the facts about nine countries that writers of scenarios look up."""
    return shipped("destinations").read(Country)


@cache
def observations() -> tuple[Observation, ...]:
    """Return the published figures; the inputs among them are marked ``is_input``."""
    return shipped("observations").read(Observation)


@cache
def headlines() -> tuple[Headline, ...]:
    """Return the totals that the press published, and what each counts."""
    return shipped("headlines").read(Headline)


@cache
def lambda_changes(value: float, exits: bool = False) -> dict[str, float]:
    """Return the scenario changes that fit the baseline at another lambda; empty at its own.

    With ``exits`` those that only ``all-exits`` knows are among them (docs/fit_exits.py).

    Lambda is an assumption; reports show 0.3, 0.6 and 1. The values come from
    ``flowsim calibrate`` (docs/calibration.md).

    Raises
    ------
    DataError
        If nothing was fitted at this lambda.
    """
    rows = shipped("lambda").read(Refit)
    fitted = {row.lambda_ for row in rows} | {SHIPPED_LAMBDA}
    if value not in fitted:
        known = ", ".join(f"{one:g}" for one in sorted(fitted))
        raise DataError(f"nothing was fitted at lambda {value:g}; choose of {known}")
    mine = [row for row in rows if row.lambda_ == value and (exits or row.of_baseline)]
    found = {row.key: row.value for row in mine}
    return ({"choice.lambda": value} if found else {}) | found


class Outlines(NamedTuple):
    """GeoJSON feature collections; longitude and latitude in degrees; ``id`` of each feature."""

    regions: dict[str, Any]
    neighbours: dict[str, Any]


def outlines() -> Outlines:
    """Return the outlines of the 83 regions (id = region code) and of the countries around."""
    return Outlines(read_geojson("russia_regions"), read_geojson("neighbours"))


@cache
def content_hash() -> str:
    """Return one SHA-256 of all data tables that the model reads."""
    tables = ("crossings", "observations", "regions", "road_km")
    content = b"".join(read_bytes(f"{table}.csv") for table in tables)
    return hashlib.sha256(content).hexdigest()
