"""Scenarios: files, inheritance and changes into one checked, frozen ``Scenario``.

``load`` reads a scenario and reports every mistake at once, each with file and line;
``resolved_yaml`` writes it so that it needs no other file. The schema is in ``schema.py``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flowsim import sources
from flowsim.errors import Problem, ScenarioError
from flowsim.scenario.checks import cross_check
from flowsim.scenario.editors import json_schema
from flowsim.scenario.files import read_chain, shipped
from flowsim.scenario.merging import lay_over, single_change
from flowsim.scenario.messages import validate
from flowsim.scenario.reading import read_value
from flowsim.scenario.tree import Path as KeyPath
from flowsim.scenario.tree import Place, Tree, plain
from flowsim.scenario.writing import (
    Row,
    assumptions,
    content_hash,
    resolved_yaml,
)
from flowsim.schema import Scenario

__all__ = [
    "Row",
    "assumptions",
    "content_hash",
    "json_schema",
    "load",
    "resolved_yaml",
    "shipped",
]

Changes = Mapping[str, Any] | Sequence[str]
OWN_KEYS = ("name", "title", "description")


def load(source: str | os.PathLike[str], changes: Changes = ()) -> Scenario:
    """Read a scenario, with everything it extends, and check it.

    Priority: ``changes`` given here, then ``changes`` of the file, then its blocks, then the
    file it extends, then the shipped crossings.

    Parameters
    ----------
    source : path or str
        A file, or the name of a shipped scenario such as ``september-2022``.
    changes : mapping or sequence of str
        Dotted keys to values, or ``key=value`` strings as after ``--set``; null removes.

    Returns
    -------
    Scenario
        Complete and frozen; ``extends`` is None, because nothing is left to extend.

    Raises
    ------
    ScenarioError
        With all problems found, each with where, key, and what to do.

    Examples
    --------
    >>> load("september-2022", ["choice.lambda=0.3"]).choice.lambda_.value
    0.3
    """
    chain = read_chain(source)
    tree = _shipped_crossings()
    problems: list[Problem] = []
    for path, file in chain:
        problems += _lay_file(tree, file, path)
    problems += _lay_changes(tree, changes)
    _drop_stray_crossings(tree)
    scenario, refused = validate(tree)
    problems += refused + cross_check(tree, scenario)
    if scenario is None or problems:
        raise ScenarioError(_in_order(problems))
    return scenario


def _shipped_crossings() -> Tree:
    places: dict[KeyPath, Place] = {
        ("crossings", name): Place(f"crossings.csv:{line}")
        for name, line in sources.crossing_lines().items()
    }
    return Tree({"crossings": sources.crossings()}, places)


def _lay_file(tree: Tree, file: Tree, path: Path) -> list[Problem]:
    """Lay the blocks of a file, then its changes, over what it extends."""
    extends = file.data.pop("extends", None)
    changes = file.data.pop("changes", None)
    for key in OWN_KEYS:
        tree.data.pop(key, None)
    tree.places[()] = file.place(())
    problems = lay_over(tree, file)
    if extends is not None:
        tree.data.setdefault("name", path.stem)
        tree.data.setdefault("title", tree.data["name"])
    if changes is None:
        return problems
    if not isinstance(changes, dict):
        message = "expected a mapping of dotted keys to values, such as panic.decay: 8"
        return [*problems, Problem(file.place(("changes",)).where, "changes", message)]
    inside: dict[str | int, dict[KeyPath, Place]] = {}
    for at, place in file.places.items():
        if at[:1] == ("changes",) and len(at) > 2:
            inside.setdefault(at[1], {})[at[2:]] = place
    for key, value in changes.items():
        place = Place(file.place(("changes", key)).where, True)
        problems += _lay_change(tree, key, value, place, inside.get(key, {}))
    return problems


def _lay_changes(tree: Tree, changes: Changes) -> list[Problem]:
    """Lay what the command line or a caller changes; strings are ``key=value``."""
    problems: list[Problem] = []
    if isinstance(changes, Mapping):
        for key, value in changes.items():
            try:
                problems += _lay_change(tree, str(key), plain(value), Place("changes", True), {})
            except ValueError as reason:
                problems.append(Problem("changes", str(key), str(reason)))
        return problems
    for text in [changes] if isinstance(changes, str) else changes:
        key, equals, value = text.partition("=")
        if not equals or not value.strip():
            message = f"found {text!r}; expected key=value, such as panic.decay=8 (null removes)"
            problems.append(Problem("--set", "", message))
            continue
        try:
            read = read_value(value, "--set")
        except ScenarioError as reason:
            problems += [Problem("--set", key, one.message) for one in reason.problems]
            continue
        problems += _lay_change(tree, key.strip(), read, Place("--set", True), {})
    return problems


def _lay_change(
    tree: Tree, key: str, value: Any, place: Place, inside: dict[KeyPath, Place]
) -> list[Problem]:
    parts = key.split(".")
    if not all(parts) or len(parts) > 10:
        message = "is not a dotted key; expected names with single dots between, as in panic.decay"
        return [Problem(place.where, key, message)]
    if parts[0] in ("extends", "changes"):
        return [
            Problem(place.where, key, "cannot be changed; write another file that extends this")
        ]
    return lay_over(tree, single_change(key, value, inside, place))


def _drop_stray_crossings(tree: Tree) -> None:
    """Leave out shipped crossings into a country that is not a destination here."""
    destinations = tree.names("destinations")
    crossings = tree.names("crossings")
    for name, crossing in sources.crossings().items():
        country = crossing["destination"]
        if country not in destinations and country == tree.at(("crossings", name, "destination")):
            del crossings[name]


def _in_order(problems: list[Problem]) -> list[Problem]:
    """Sort problems by file and line, each once."""

    def place(problem: Problem) -> tuple[str, int]:
        file, _, line = problem.where.rpartition(":")
        return (file, int(line)) if line.isdigit() else (problem.where, 0)

    unique = dict.fromkeys(problems)
    return sorted(unique, key=place)
