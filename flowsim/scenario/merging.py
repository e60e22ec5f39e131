"""Lay one tree over another: inheritance, changes and the shipped crossings.

Mappings merge, everything else replaces, null removes. A number with unit and source keeps
its unit, and its source must be given anew with a new value. Bounds of fitting stay as long
as they hold the new value.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, TypeGuard

from flowsim.errors import MOST_SHOWN, Problem
from flowsim.scenario.schema import ENTRIES
from flowsim.scenario.tree import Path, Place, Tree, copied, dotted, suggestion

PARAMETER_KEYS = frozenset({"value", "unit", "source", "free"})
OPEN_MAPPINGS: frozenset[Path] = frozenset({("choice", "constant"), *((n,) for n in ENTRIES)})


def lay_over(base: Tree, over: Tree) -> list[Problem]:
    """Lay a tree over another, which is changed in place; give the problems found."""
    merge = _Merge(base, over)
    for key, value in over.data.items():
        merge.key(base.data, (key,), value)
    return merge.problems


def single_change(key: str, value: Any, places: dict[Path, Place], place: Place) -> Tree:
    """Make a tree that holds one dotted key.

    Parameters
    ----------
    places : dict
        Places of what lies inside the value, by paths that begin at the value.
    place : Place
        Of the change itself.
    """
    path = tuple(key.split("."))
    data: Any = value
    for part in reversed(path):
        data = {part: data}
    all_places: dict[Path, Place] = {path[:end]: place for end in range(1, len(path) + 1)}
    all_places |= {(*path, *inner): Place(at.where, True) for inner, at in places.items()}
    return Tree(data, all_places)


def is_parameter(value: Any) -> TypeGuard[dict[str, Any]]:
    """Whether raw data is a number with unit and source."""
    return isinstance(value, dict) and "value" in value and value.keys() <= PARAMETER_KEYS


def same_date(key: str) -> datetime | str:
    """Return a form of a key of dated values that is equal for equal moments."""
    try:
        return datetime.fromisoformat(key)
    except ValueError:
        return key


def given_twice(file: Tree) -> list[Problem]:
    """Return the keys that a file gives twice: dotted and nested, or with a date spelt twice.

    The blocks of a scenario, and its ``changes``, say the same things.
    """
    leaves: dict[Path, Path] = {}  # as written, by what they mean
    above: dict[Path, Path] = {}
    problems = []
    for path in _leaves((), file.data):
        in_changes = path[:1] == ("changes",)
        meant = _meant(path[1:] if in_changes else path)
        if not meant or meant[0] == "extends":  # which the reading of changes refuses
            continue
        starts = [meant[:end] for end in range(1, len(meant) + 1)]
        first = next((leaves[start] for start in starts if start in leaves), above.get(meant))
        if first is not None and (first[:-1] != path[:-1] or (in_changes and len(path) == 2)):
            line = file.place(first).where.rpartition(":")[2]
            message = f"is given twice: {dotted(first)} on line {line} says it too; keep one"
            problems.append(Problem(file.place(path).where, dotted(path), message))
        leaves.setdefault(meant, path)
        for start in starts:
            above.setdefault(start, path)
    return problems


def _leaves(path: Path, value: Any) -> Iterator[Path]:
    """Return the paths of what holds no further keys."""
    if isinstance(value, dict) and (value or not path):
        for key, inner in value.items():
            yield from _leaves((*path, key), inner)
    else:
        yield path


def _meant(path: Path) -> Path:
    """Return a path in the one form that all its spellings share."""
    parts = ".".join(map(str, path)).split(".")
    is_entry = [part[:1].isdigit() for part in (*parts[1:], "")]
    needless = {("", False), ("", True), ("value", True)}
    kept = [pair[0] for pair in zip(parts, is_entry, strict=True) if pair not in needless]
    return tuple(str(same_date(part)) for part in kept)


class _Merge:
    def __init__(self, base: Tree, over: Tree) -> None:
        self.base = base
        self.over = over
        self.problems: list[Problem] = []

    def key(self, mapping: dict[str, Any], path: Path, value: Any) -> None:
        """Lay one value over the entry of a mapping of the base."""
        name = str(path[-1])
        old = mapping.get(name)
        if value is None:
            self._remove(mapping, path)
        elif is_parameter(old) and (isinstance(value, dict) or self.over.place(path).is_change):
            self._parameter(old, path, value)
        elif isinstance(old, dict) and isinstance(value, dict) and not _replaces(value, old):
            for inner, inner_value in value.items():
                self.key(old, (*path, inner), inner_value)
        else:
            mapping[name] = copied(value)
            self._forget(path, old)
            self._take_places(path, value)

    def _remove(self, mapping: dict[str, Any], path: Path) -> None:
        name = str(path[-1])
        if name in mapping:
            self._forget(path, mapping.pop(name))
        elif path[:-1] in OPEN_MAPPINGS:
            shown = len(self.problems) < MOST_SHOWN
            near = (suggestion(name, mapping) if shown else "") or "; leave the line out"
            self._problem(path, f"there is nothing of this name to remove (null){near}")
        else:
            mapping[name] = None  # the schema says whether the key exists
        self._take_places(path, None)

    def _forget(self, path: Path, old: Any) -> None:
        for inner in _paths(path, old):
            self.base.places.pop(inner, None)

    def _take_places(self, path: Path, value: Any) -> None:
        """Take over the places of a value and of all that it holds."""
        for inner in _paths(path, value):
            self.base.places[inner] = self.over.place(inner)

    def _parameter(self, old: dict[str, Any], path: Path, value: Any) -> None:
        """Lay a value, or parts of a parameter, over a parameter."""
        if not isinstance(value, dict):
            value = {"value": value}
        for inner in value.keys() & old.keys():
            self._forget((*path, inner), old[inner])
        self._take_places(path, value)  # of a bare number too: its value has no other place
        is_new = False
        for inner, part in value.items():
            if inner[:1].isdigit():
                is_new |= self._entry(old, path, inner, part)
            elif part is None:
                old.pop(inner, None)
            else:
                is_new |= inner == "value"
                old[inner] = copied(part)
        if is_new and "source" not in value:
            self._forget((*path, "source"), old.pop("source", None))
        if is_new and "free" not in value and not _within(old.get("free"), old.get("value")):
            old.pop("free", None)

    def _entry(self, old: dict[str, Any], path: Path, name: str, part: Any) -> bool:
        """Set one date or age band of a parameter."""
        here = (*path, name)
        values = old.get("value")
        if not isinstance(values, dict):
            self._problem(
                here,
                f"{dotted(path)} is one number without dates; "
                "give all of them: {value: {DATE: NUMBER, DATE: NUMBER}}",
            )
            return False
        key = next((key for key in values if same_date(key) == same_date(name)), name)
        self.base.places[(*path, "value", key)] = self.over.place(here)
        old["value"] = values = dict(values)
        if part is not None:
            values[key] = part
        elif values.pop(key, None) is None:
            self._problem(here, "there is no such entry to remove (null)")
        return True

    def _problem(self, path: Path, message: str) -> None:
        self.problems.append(Problem(self.over.place(path).where, dotted(path), message))


def _replaces(new: dict[str, Any], old: dict[str, Any]) -> bool:
    """Whether a policy gives way to one of another kind, which replaces it whole."""
    return "kind" in old and "kind" in new and old["kind"] != new["kind"] and "name" not in old


def _paths(path: Path, value: Any) -> Iterator[Path]:
    """Return the path of a value and of everything inside it."""
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _paths((*path, key), inner)
    elif isinstance(value, tuple):
        yield from ((*path, place) for place in range(len(value)))


def _within(free: Any, value: Any) -> bool:
    """Whether bounds of fitting hold a value; unreadable bounds are left to the schema."""
    if not isinstance(free, tuple) or [type(bound) in (int, float) for bound in free] != [True] * 2:
        return True
    inside = value.values() if isinstance(value, dict) else [value]
    return all(free[0] <= n <= free[1] for n in inside if isinstance(n, int | float))
