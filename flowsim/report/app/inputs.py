"""The numbers and dates of a scenario as fields to fill in, and what was filled in as a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from flowsim.findings.naming import label_of
from flowsim.findings.words import capital
from flowsim.scenario.clock import iso
from flowsim.scenario.quantity import Number, Quantity, Strict
from flowsim.scenario.schema import Scenario
from flowsim.scenario.writing import yaml_text

Bounds = tuple[float | None, float | None]
POLICIES = "policies"
SOURCE = "assumption: set in flowsim app"
DATES = {"from": "from ({clock})", "to": "until ({clock})"}


@dataclass(frozen=True)
class Entry:
    """A number or a date of a scenario that can be changed.

    Attributes
    ----------
    key : str
        Dotted key.
    block : str
        The top-level key; of policies the first two.
    value : float or str
        A number, or a moment as text (empty: none).
    low, high : float or None
        Bounds of the schema.
    """

    key: str
    block: str
    label: str
    value: float | str
    unit: str = ""
    source: str = ""
    low: float | None = None
    high: float | None = None

    @property
    def about(self) -> str:
        """Unit, bounds, source and key, for a reader who asks."""
        ends = ["" if end is None else f"{end:g}" for end in (self.low, self.high)]
        bounds = f"from {ends[0]} " * bool(ends[0]) + f"to {ends[1]}" * bool(ends[1])
        parts = (self.unit, bounds.strip(), self.source, self.key)
        return "; ".join(part for part in parts if part)


def entries(scenario: Scenario) -> list[Entry]:
    """Return every single number, and the dates of policies, in the order of the file.

    Numbers that differ by date, age or place are left to files.
    """
    return list(_of(scenario, scenario, ""))


def _of(model: Strict, scenario: Scenario, prefix: str) -> Iterator[Entry]:
    for name, field in type(model).model_fields.items():
        value, key = getattr(model, name), prefix + (field.alias or name)
        if prefix.startswith(f"{POLICIES}.") and (field.alias or name) in DATES:
            text = iso(value) if isinstance(value, datetime) else ""
            title = DATES[field.alias or name].format(clock=scenario.home.clock)
            yield Entry(key, _block(key), title, text)
        for inner_key, inner in value.items() if isinstance(value, dict) else [("", value)]:
            path = f"{key}.{inner_key}" if inner_key else key
            if isinstance(inner, Number):
                bounds = _bounds(field.metadata, field.annotation)
                facts = (inner.value, inner.unit, inner.source, *bounds)
                yield Entry(path, _block(path), capital(label_of(path, scenario)), *facts)
            elif isinstance(inner, Strict):
                yield from _of(inner, scenario, f"{path}.")


def _block(key: str) -> str:
    parts = key.split(".")
    return ".".join(parts[:2]) if parts[0] == POLICIES else parts[0]


def _bounds(metadata: list[Any], annotation: Any) -> Bounds:
    """Return the bounds that the schema sets a number, or each of a mapping's numbers."""
    inner = [part for one in get_args(annotation) for part in getattr(one, "__metadata__", ())]
    found = (one for one in (*metadata, *inner) if isinstance(one, Quantity))
    return next(((one.ge, one.le) for one in found), (None, None))


def changes(known: list[Entry], values: Mapping[str, Any], without: set[str]) -> dict[str, Any]:
    """Return what was changed, by dotted key; policies that do not hold are null.

    Parameters
    ----------
    values : mapping
        By key, as filled in.
    without : set of str
        Names of policies that shall not hold.
    """
    changed = {
        entry.key: None if values[entry.key] == "" else values[entry.key]
        for entry in known
        if entry.key in values and values[entry.key] != entry.value
    }
    gone = {f"{POLICIES}.{name}": None for name in sorted(without)}
    kept = {k: v for k, v in changed.items() if not any(k.startswith(f"{g}.") for g in gone)}
    return kept | gone


def as_file(name: str, title: str, base: str, changed: Mapping[str, Any]) -> str:
    """Return a scenario file that extends another by some changes, numbers with their source."""
    sourced = {
        key: {"value": value, "source": SOURCE} if isinstance(value, int | float) else value
        for key, value in changed.items()
    }
    head: dict[str, Any] = {"name": name, "title": title, "extends": base}
    return yaml_text(head | ({"changes": sourced} if sourced else {}))
