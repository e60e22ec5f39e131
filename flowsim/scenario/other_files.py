"""YAML files of other kinds (sweeps, calibrations), read as carefully as scenarios.

The same YAML, the same words for mistakes, all of them at once with file and line.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from flowsim.errors import Problem, ScenarioError, in_order
from flowsim.scenario.editors import DIALECT, Plain
from flowsim.scenario.files import (
    KINDS,
    Origin,
    find,
    read_text,
    refuse_other_kinds,
    shipped,
    shown,
)
from flowsim.scenario.messages import File, path_of, problems_of
from flowsim.scenario.reading import read_tree
from flowsim.scenario.tree import Path as KeyPath
from flowsim.scenario.tree import Tree, dotted, fail, plain

MOST_PARTS = 8
"""How often what still has a mistake is left out, part by part."""
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Read(Generic[Model]):
    """A file as read: what it says, where it says so, and where it lies.

    Attributes
    ----------
    model : pydantic model
    tree : Tree
        Raw data with the place of each key, for problems that show later.
    path : Path or None
        None if it was given as a mapping; files that it names are looked for beside it.
    problems : list of Problem
        Mistakes that the schema found, to which the reader of the file adds what it finds;
        ``model`` is what is left without the former.
    """

    model: Model
    tree: Tree
    path: Path | None
    problems: list[Problem] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """Where the file lies; the current folder of what was given as a mapping."""
        return Path() if self.path is None else self.path.parent

    def refuse(self, message: str, *key: str | int) -> None:
        """Note a mistake under a key of the file, to be told with all others."""
        self.problems.append(self.problem(message, *key))

    def problem(self, message: str, *key: str | int) -> Problem:
        """Make a problem of a key of the file."""
        return Problem(self.tree.place(key).where, dotted(key), message)

    def find(self, named: str, *key: str | int, noun: str = "scenario", folder: str = "") -> Path:
        """Find a file named by a key: beside this file, or shipped.

        Raises
        ------
        ScenarioError
            If there is none; blames the key.
        """
        origin = Origin(self.tree.place(key).where, dotted(key), self.folder)
        return find(named, origin, shipped(folder), noun)


def read_file(
    source: str | os.PathLike[str] | Mapping[str, Any],
    model: type[Model],
    noun: str,
    *,
    lenient: Mapping[str, Any] | None = None,
) -> Read[Model]:
    """Read a file as a pydantic model (strict, keys by alias).

    Parameters
    ----------
    source : path, str or mapping
        A file, the name of a shipped one, or what such a file could say.
    model : type of pydantic model
        Refuses unknown keys; a ``PydanticCustomError`` may name the keys to blame in
        ``ctx["keys"]``. Lists are read as tuples. A union is told apart by ``kind``.
    noun : str
        What the file is: ``sweep`` or ``calibration`` (``kinds.KINDS``).
    lenient : mapping, optional
        Read what is sound beside mistakes, so that those of another kind can be told with them;
        holds what stands for keys that must be there and are not sound.

    Raises
    ------
    ScenarioError
        With all problems found, each with file and line.
    """
    if isinstance(source, Mapping):
        try:
            tree, path = Tree(dict(plain(source))), None
        except ValueError as reason:
            raise fail(noun, "", str(reason)) from None
    else:
        path = find(source, Origin(), shipped(KINDS[noun].folder), noun)
        keys = ", ".join(list(model.model_fields)[:3])
        tree = read_tree(read_text(path, f"{noun} file"), shown(path), keys)
        refuse_other_kinds(tree, path, noun)
    try:
        read = model.model_validate(tree.data, strict=True, by_alias=True, by_name=False)
    except ValidationError as reason:
        errors = reason.errors(include_url=False)
        problems = in_order(problems_of(File(tree, model), errors))
        sound = None if lenient is None else _sound(tree, model, errors, lenient)
        if sound is None:
            raise ScenarioError(problems) from None
        return Read(sound, tree, path, problems)
    return Read(read, tree, path)


def _sound(
    tree: Tree, model: type[Model], errors: Sequence[ErrorDetails], instead: Mapping[str, Any]
) -> Model | None:
    """Return what a file says without its mistakes; None if too little is left."""
    for _ in range(MOST_PARTS):
        data = tree.data
        for error in errors:
            path = path_of(tree, error)
            data = _without(data, path[:-1] if error["type"] == "missing" else path)
        data = {**instead, **data}
        tree = Tree(data, tree.places)
        try:
            return model.model_validate(data, strict=True, by_alias=True, by_name=False)
        except ValidationError as reason:
            errors = reason.errors(include_url=False)
    return None


def _without(data: Any, path: KeyPath) -> Any:
    """Return nested data without what stands at a path; places in lists become empty first."""
    if not path or not isinstance(data, dict | tuple):
        return data
    first, rest = path[0], path[1:]
    pairs = data.items() if isinstance(data, dict) else enumerate(data)
    kept = {
        key: _without(value, rest) if key == first else value
        for key, value in pairs
        if key != first or rest
    }
    return kept if isinstance(data, dict) else tuple(kept.values())


def file_schema(model: type[BaseModel], title: str) -> dict[str, Any]:
    """Return the JSON Schema of such files, so that editors complete and underline."""
    schema = model.model_json_schema(by_alias=True, schema_generator=Plain)
    return {"$schema": DIALECT} | schema | {"title": title}
