"""Scenario data as read, before the schema: plain values, and the place each one came from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date, datetime
from typing import Any

import numpy as np

from flowsim.data.cells import suggested
from flowsim.data.text import unfit
from flowsim.errors import Problem, ScenarioError

Path = tuple[str | int, ...]

MANY = 200
LONG = 80


@dataclass(frozen=True)
class Place:
    """Where something was written.

    Attributes
    ----------
    where : str
        ``file:line``, ``--set`` or ``changes``.
    is_change : bool
        Written in a change, where a bare number without source is allowed.
    """

    where: str
    is_change: bool = False


@dataclass
class Tree:
    """Nested mappings, tuples and scalars, with the places of the keys.

    Attributes
    ----------
    data : dict
        Keys are text as written; dates stay text.
    places : dict
        From the path of a key to where it was written last; a removed key keeps its place.
    """

    data: dict[str, Any]
    places: dict[Path, Place] = field(default_factory=dict)

    def copy(self) -> Tree:
        """Return a tree that may be changed while this one stays as it is."""
        return Tree(copied(self.data), dict(self.places))

    def place(self, path: Path) -> Place:
        """Return the place of a key, or of the nearest key above it."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.places:
                return self.places[path[:end]]
        return Place("")

    def at(self, path: Path) -> Any:
        """Return what stands at a path; None if there is nothing."""
        value: Any = self.data
        for part in path:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def names(self, *path: str) -> dict[str, Any]:
        """Return the mapping at a path; empty if there is none."""
        value = self.at(path)
        return value if isinstance(value, dict) else {}


def equal(one: Any, other: Any) -> bool:
    """Return whether nested tuples, dataclasses and arrays hold the same."""
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    if is_dataclass(one):
        return all(equal(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))
    return bool(one == other)


def copied(value: Any) -> Any:
    """Copy nested mappings; tuples and scalars cannot change and are shared."""
    if isinstance(value, dict):
        return {key: copied(inner) for key, inner in value.items()}
    return value


def dotted(path: Path) -> str:
    """Write a path as the dotted key that users write."""
    return ".".join(str(part) for part in path)


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return '; did you mean ...?' for a word that is nearly one of the known ones, else ''."""
    words = list(known)  # the search grows with both
    return "" if len(words) > MANY or len(word) > LONG else suggested(word, words)


def no_such(word: str, known: Iterable[str], what: str, expected: str = "") -> str:
    """Return that a word is none of the known ones, and which is meant or what is expected.

    >>> no_such("RU-MOV", ["RU-MOW"], "not a region", "; expected a code")
    "'RU-MOV' is not a region; did you mean RU-MOW?"
    """
    return f"{word!r} is {what}{suggestion(word, known) or expected}"


def show(value: Any) -> str:
    """Return a value as found, in a few words."""
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, tuple):
        return f"a list of {len(value)}"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "nothing (null)"}[value]
    if isinstance(value, str):
        return repr(value) if len(value) <= 60 else f"{value[:57]!r}..."
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def plain(value: Any) -> Any:
    """Turn a value given in Python into what a file could have said.

    Raises
    ------
    ValueError
        If a file could not say it; the message names the type.
    """
    if hasattr(value, "tolist") and hasattr(value, "dtype"):
        value = value.tolist()
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return tuple(plain(inner) for inner in value)
    if isinstance(value, str) and (problem := unfit(value)):
        raise ValueError(f"{value!a} {problem}")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ValueError(f"found a {type(value).__name__}; expected a number, text, or a mapping")


def fail(where: str, key: str, message: str) -> ScenarioError:
    """Make the error for one problem that stops everything else."""
    return ScenarioError([Problem(where, key, message)])
