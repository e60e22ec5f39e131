"""A scenario file read once, from which any number of variants are made.

A sweep asks for thousands of scenarios that differ in a few numbers. Nearly all of the time
of ``load`` goes into reading YAML; here that is done once, and a variant copies the tree,
lays its changes over it and is checked like any other scenario (about a millisecond).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from flowsim.data import sources
from flowsim.errors import Problem, ScenarioError, in_order, visible
from flowsim.scenario.checks import cross_check
from flowsim.scenario.files import read_chain, shown, take_in
from flowsim.scenario.merging import given_twice, is_parameter, lay_over, single_change
from flowsim.scenario.messages import USER_SOURCE, validate
from flowsim.scenario.reading import read_value
from flowsim.scenario.schema import FACTS, Scenario
from flowsim.scenario.tree import Path as KeyPath
from flowsim.scenario.tree import Place, Tree, fail, plain

Changes = Mapping[str, Any] | Sequence[str]
OWN_KEYS = ("name", "title", "description")


@dataclass(frozen=True)
class Base:
    """A scenario with everything it extends, merged but not yet checked; may be pickled.

    Attributes
    ----------
    tree : Tree
        The merged data with their places; never changed.
    problems : tuple of Problem
        What went wrong in laying the files over each other; every variant reports it.
    """

    tree: Tree
    problems: tuple[Problem, ...] = ()

    @classmethod
    def read(cls, source: str | os.PathLike[str]) -> Base:
        """Read a file, or the shipped scenario of that name, and the files it extends.

        Raises
        ------
        ScenarioError
            If a file is missing, unreadable or not YAML. Mistakes in what it says come
            with the variants, because a change may mend them.
        """
        tree = _shipped_crossings()
        problems: list[Problem] = []
        chain = read_chain(source)
        _refuse_foreign(*chain[0])
        for path, file in chain:
            problems += _lay_file(tree, file, path)
        return cls(tree, tuple(problems))

    @property
    def name(self) -> str:
        """The scenario's name."""
        return str(self.tree.data.get("name", ""))

    @cached_property
    def scenario(self) -> Scenario:
        """The scenario without changes; ScenarioError if it is not sound."""
        return self.variant()

    def variant(self, changes: Changes = ()) -> Scenario:
        """Return the scenario with some changes: what ``load(source, changes)`` gives.

        Parameters
        ----------
        changes : mapping or sequence of str
            Dotted keys to values, or ``key=value`` strings; null removes.

        Raises
        ------
        ScenarioError
            With all problems of the files and the changes.
        """
        tree = self.tree.copy()
        problems = [*self.problems, *_lay_changes(tree, changes)]
        _drop_stray_places(tree)
        scenario, refused = validate(tree)
        problems += refused + cross_check(tree, scenario)
        if scenario is None or problems:
            raise ScenarioError(in_order(problems))
        return scenario


def _shipped_crossings() -> Tree:
    places: dict[KeyPath, Place] = {
        ("crossings", name): Place(f"crossings.csv:{line}")
        for name, line in sources.crossing_lines().items()
    }
    return Tree({"crossings": sources.crossings()}, places)


def _refuse_foreign(path: Path, file: Tree) -> None:
    """Refuse a file at the bottom that has little of what a scenario must have."""
    needed = {name for name, field in Scenario.model_fields.items() if field.is_required()}
    blocks = needed - {*OWN_KEYS, "sample", "seed"}
    if len(blocks & file.data.keys()) < len(blocks) / 3 and "extends" not in file.data:
        found = ", ".join(map(visible, list(file.data)[:5])) or "nothing"
        message = (
            f"found {found}, and little of what makes a scenario; begin the file with a line such "
            "as  extends: september-2022  and say what differs"
        )
        raise fail(shown(path), "", message)


def _lay_file(tree: Tree, file: Tree, path: Path) -> list[Problem]:
    """Lay the blocks of a file, then its changes, over what it extends."""
    twice = given_twice(file)
    if isinstance(file.data.get("crossings"), str):
        tree.data["crossings"] = {}  # those of a table stand in place of all others
    take_in(file, path.parent)
    extends = file.data.pop("extends", None)
    changes = file.data.pop("changes", None)
    for key in OWN_KEYS:
        tree.data.pop(key, None)
    tree.places[()] = file.place(())
    _forget_happened(tree, [*file.data, *(changes if isinstance(changes, dict) else ())])
    problems = twice + lay_over(tree, file)
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
        problems += _lay_change(tree, key, value, place, inside.get(key, {}), path.parent)
    return problems


def _forget_happened(tree: Tree, keys: Iterable[object]) -> None:
    """Drop what a scenario says of what happened if a change touches what was the case."""
    if any(str(key).partition(".")[0].strip() in FACTS for key in keys):
        tree.data.pop("happened", None)


def _lay_changes(tree: Tree, changes: Changes) -> list[Problem]:
    """Lay what the command line or a caller changes; strings are ``key=value``."""
    problems: list[Problem] = []
    changes = [changes] if isinstance(changes, str) else changes
    _forget_happened(tree, (str(change).partition("=")[0] for change in changes))
    if isinstance(changes, Mapping):
        for key, value in changes.items():
            try:
                problems += _lay_change(tree, str(key), plain(value), Place("changes", True), {})
            except ValueError as reason:
                problems.append(Problem("changes", str(key), str(reason)))
        return problems
    for text in changes:
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
    tree: Tree,
    key: str,
    value: Any,
    place: Place,
    inside: dict[KeyPath, Place],
    folder: Path | None = None,
) -> list[Problem]:
    parts = key.split(".")
    if not all(parts) or len(parts) > 10:
        message = "is not a dotted key; expected names with single dots between, as in panic.decay"
        return [Problem(place.where, key, message)]
    if parts[0] in ("extends", "changes"):
        return [
            Problem(place.where, key, "cannot be changed; write another file that extends this")
        ]
    change = single_change(key, value, inside, place)
    try:
        take_in(change, folder)
    except ScenarioError as reason:
        return reason.problems
    if parts == ["crossings"] and isinstance(value, str):
        tree.data["crossings"] = {}
    problems = lay_over(tree, change)
    changed = tree.at(tuple(parts))
    if is_parameter(changed) and "source" not in changed and "unit" in changed:
        changed["source"] = USER_SOURCE  # as ``validate`` would, had it to be asked first
    return problems


def _drop_stray_places(tree: Tree) -> None:
    """Leave out crossings into a country that is not a destination here, and what names them.

    A shipped crossing stays only with its country; what a file removes takes its own along.
    """
    countries, crossings = tree.names("destinations"), tree.names("crossings")
    shipped = _countries()
    gone = _written(tree, "destinations") - countries.keys()
    for name in list(crossings):
        country = tree.at(("crossings", name, "destination"))
        if not isinstance(country, str):
            continue  # what it may be is the schema's to say
        if country in gone or (country not in countries and country == shipped.get(name)):
            del crossings[name]
    gone |= (shipped.keys() | _written(tree, "crossings")) - crossings.keys()
    policies = tree.names("policies")
    for name, policy in list(policies.items()):
        at, strength = tree.at(("policies", name, "at")), tree.names("policies", name, "strength")
        places = [at] if isinstance(at, str) else at if isinstance(at, list | tuple) else []
        left = [place for place in places if not (isinstance(place, str) and place in gone)]
        if places and not left:
            del policies[name]
        elif len(left) < len(places):
            policy["at"] = tuple(left)
        for place in gone & strength.keys():
            del strength[place]


def _written(tree: Tree, block: str) -> set[str]:
    """Return the names in a block that some file wrote, removed ones included."""
    return {str(path[1]) for path in tree.places if len(path) == 2 and path[0] == block}


@cache
def _countries() -> dict[str, str]:
    """Return the destination of each shipped crossing."""
    return {name: crossing["destination"] for name, crossing in sources.crossings().items()}
