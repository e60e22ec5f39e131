"""A scenario as text again: resolved YAML, hash and the table of assumptions."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from flowsim.data import sources
from flowsim.scenario.clock import iso
from flowsim.scenario.messages import USER_SOURCE
from flowsim.scenario.quantity import Dated, Number, Table
from flowsim.scenario.reading import WRITTEN, scalar
from flowsim.scenario.schema import Scenario

WIDTH = 96
TABLES = ("regions", "observations")  # a row on each line
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_ ./()+-]*(?<! )")
_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]*(?<!:)")


@dataclass(frozen=True)
class Row:
    """One line of the table of assumptions.

    Attributes
    ----------
    key : str
        Dotted key.
    value : str
        As written in a file.
    unit, source : str
    free : tuple of float or None
        Bounds within which it may be fitted.
    """

    key: str
    value: str
    unit: str
    source: str
    free: tuple[float, float] | None


def resolved_yaml(scenario: Scenario) -> str:
    """Write a scenario so that it needs no other file.

    Returns
    -------
    str
        YAML that loads to an equal scenario; equal scenarios give equal text. Shipped
        crossings that the scenario does without stand as null, because they would be
        laid under it again.
    """
    data = scenario.model_dump(by_alias=True, exclude_none=True)
    data.pop("extends", None)
    for name, crossing in sources.crossings().items():
        if name in data["crossings"]:
            gone = crossing.keys() - data["crossings"][name].keys()
            data["crossings"][name] |= dict.fromkeys(sorted(gone))
        elif crossing["destination"] in data["destinations"]:
            data["crossings"][name] = None
    if scenario.population.regions is not None:
        data["population"]["regions"] = _rows(scenario.population.regions)
    if scenario.observations is not None:
        data["observations"] = _rows(scenario.observations)
    return yaml_text(data)


def _rows(rows: Sequence[BaseModel]) -> tuple[dict[str, Any], ...]:
    """Return the rows of a table without what they leave out."""
    return tuple(row.model_dump(mode="json", exclude_defaults=True) for row in rows)


def yaml_text(data: dict[str, Any]) -> str:
    """Write nested mappings, lists, scalars and moments as YAML that reads back the same."""
    return "".join(f"{line}\n" for line in _block(data, 0))


def content_hash(scenario: Scenario) -> str:
    """Return the SHA-256 of the resolved scenario."""
    return hashlib.sha256(resolved_yaml(scenario).encode()).hexdigest()


def assumptions(scenario: Scenario) -> list[Row]:
    """Return every number of a scenario with unit and source, in the order of the file."""
    rows = list(_parameters(scenario, ""))
    end = max(n for n, row in enumerate(rows, 1) if row.key.startswith("population."))
    key, bounds = "population.education_bounds", _flow(scenario.population.education_bounds)
    why = "assumption: keeps imputed shares plausible"
    rows.insert(end, Row(key, bounds, "share", why, None))
    by_road = {crossing for _, crossing in scenario.road_km}
    circle = f"great circle x {_flow(scenario.travel.detour.value)}"
    why = "assumption: not in road_km.csv; great circle x travel.detour"
    return rows + [
        Row(f"crossings.{name} (road distances)", circle, "km", why, None)
        for name, crossing in scenario.crossings.items()
        if crossing.kind == "road" and name not in by_road
    ]


def set_by_user(scenario: Scenario) -> list[str]:
    """Return the numbers that were changed with ``--set``, each as ``key = value``."""
    return [
        f"{row.key} = {row.value}" for row in assumptions(scenario) if row.source == USER_SOURCE
    ]


def _parameters(model: BaseModel, prefix: str) -> Iterator[Row]:
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        key = prefix + (field.alias or name)
        for inner_key, inner in value.items() if isinstance(value, dict) else [("", value)]:
            path = f"{key}.{inner_key}" if inner_key else key
            if isinstance(inner, Number | Dated | Table):
                yield Row(path, _flow(inner.value), inner.unit, inner.source, inner.free)
            elif isinstance(inner, BaseModel):
                yield from _parameters(inner, f"{path}.")


def _block(data: dict[str, Any], depth: int) -> Iterator[str]:
    """Write a mapping in lines; what holds only scalars goes on one line if it fits."""
    indent = "  " * depth
    for key, value in data.items():
        if key in TABLES and isinstance(value, tuple):
            yield f"{indent}{_key(key)}:"
            yield from (f"{indent}  - {_flow(row)}" for row in value)
        elif not isinstance(value, dict) or "value" in value or not _is_deep(value, indent):
            yield f"{indent}{_key(key)}: {_flow(value)}"
        else:
            yield f"{indent}{_key(key)}:"
            yield from _block(value, depth + 1)


def _is_deep(value: dict[str, Any], indent: str) -> bool:
    holds_mappings = any(isinstance(inner, dict) for inner in value.values())
    return holds_mappings or len(indent + _flow(value)) > WIDTH


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        in_order = sorted(value.items(), key=lambda pair: pair[0] != "value")
        pairs = [(_key(key), inner) for key, inner in in_order]
        if value and all(isinstance(key, datetime) for key in value):
            pairs.sort()
        return "{" + ", ".join(f"{key}: {_flow(inner)}" for key, inner in pairs) + "}"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_flow(inner) for inner in value) + "]"
    if value is None or isinstance(value, bool):
        return WRITTEN[value]
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, int | float):
        is_short = float(value).is_integer() and abs(value) < 1e15
        return str(int(value)) if is_short else repr(value)
    is_plain = _PLAIN.fullmatch(value) and isinstance(scalar(value), str)
    return value if is_plain else _quoted(value)


def _key(key: Any) -> str:
    if isinstance(key, datetime):
        return iso(key)
    return key if _KEY.fullmatch(key) else _quoted(key)


def _quoted(text: str) -> str:
    """Write text in double quotes, escaping what YAML or a terminal would not show."""
    return '"' + "".join(_escaped(letter) for letter in text) + '"'


def _escaped(letter: str) -> str:
    if letter in '"\\':
        return "\\" + letter
    return letter if letter.isprintable() else f"\\U{ord(letter):08X}"
