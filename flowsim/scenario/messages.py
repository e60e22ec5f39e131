"""Validate a tree by a schema, and turn pydantic's errors into problems with file and line.

The same words serve scenarios and files of other kinds (sweeps, calibrations).
"""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from flowsim.errors import MOST_SHOWN, Problem, by_place
from flowsim.scenario.schema import Scenario
from flowsim.scenario.tree import Path, Tree, dotted, show, suggestion

USER_SOURCE = "assumption: set by user"
FILE_ONLY_KEYS = ["changes"]


@dataclass(frozen=True)
class File:
    """A tree and the model it is read as."""

    tree: Tree
    model: type[BaseModel]


Write = Callable[[File, Path, ErrorDetails], str]


def validate(tree: Tree) -> tuple[Scenario | None, list[Problem]]:
    """Read a tree as a scenario, or give every problem that the schema finds.

    A bare number in a change, or one without source, is completed in the tree first.
    """
    errors: list[ErrorDetails] = []
    for _ in range(3):  # completing a number can bring its next mistake to light
        try:
            return Scenario.model_validate(tree.data, strict=True, by_alias=True, by_name=False), []
        except ValidationError as reason:
            errors = reason.errors(include_url=False)
        if not [error for error in errors if _complete(tree, error)]:
            break
    return None, problems_of(File(tree, Scenario), errors)


def _complete(tree: Tree, error: ErrorDetails) -> bool:
    """Return a number that a change left bare its value and source; False if it is a mistake."""
    path = path_of(tree, error)
    if error["type"] == "missing" and path[-1:] == ("source",):
        path = path[:-1]
        value: Any = {}
    elif error["type"] == "bare" and isinstance(tree.at(path), int | float):
        value = {"value": tree.at(path)}
    else:
        return False
    if not tree.place(path).is_change:
        return False
    mapping = tree.at(path[:-1])
    old = mapping[path[-1]] if isinstance(mapping[path[-1]], dict) else {}
    mapping[path[-1]] = old | value | {"source": USER_SOURCE}
    return True


def problems_of(file: File, errors: Sequence[ErrorDetails]) -> list[Problem]:
    """Return pydantic's errors as problems with file, line, key and what to do."""
    errors = [
        error
        for error in errors  # not those of lists that are short only because some was refused
        if error["type"] != "too_short" or len(error["input"]) < error["ctx"]["min_length"]
    ]
    paths = [path_of(file.tree, error) for error in errors]
    first = sorted(range(len(errors)), key=lambda n: by_place(file.tree.place(paths[n]).where))
    return [
        _problem(file, paths[n], errors[n], brief=place >= MOST_SHOWN)
        for place, n in enumerate(first)
    ]


def path_of(tree: Tree, error: ErrorDetails) -> Path:
    """Return the path as written in the file for pydantic's, which names branches of unions."""
    path: list[str | int] = []
    *above, last = error["loc"] or ("",)
    for part in above:
        if not _is_branch(tree, path, part):
            path.append(part)
    if last == "[key]" or (_is_branch(tree, path, last) and error["type"] != "missing"):
        return tuple(path)
    return (*path, last)


def _is_branch(tree: Tree, path: Sequence[str | int], part: str | int) -> bool:
    inside = tree.at(tuple(path))
    return isinstance(part, str) and not (isinstance(inside, dict) and part in inside)


def _problem(file: File, path: Path, error: ErrorDetails, *, brief: bool) -> Problem:
    """Make one problem; what is counted and not shown gets pydantic's own words."""
    if error["type"] in ("union_tag_invalid", "union_tag_not_found"):
        path = (*path, "kind")
    blamed = [(*path, key) for key in error.get("ctx", {}).get("keys", ())] or [path]
    changed = [one for one in blamed if file.tree.place(one).is_change]
    path = [*changed, *blamed][0]  # of keys that do not agree the one that a change has set
    write = _other if brief else WORDING.get(error["type"], _other)
    return Problem(file.tree.place(path).where, dotted(path), write(file, path, error))


def _unknown(file: File, path: Path, error: ErrorDetails) -> str:
    keys = keys_at(file, path[:-1])
    found = "" if isinstance(error["input"], dict) else f" Found {show(error['input'])}."
    near = suggestion(str(path[-1]), keys) or f"; expected one of {', '.join(keys)}."
    return f"is not known{near}{found}"


def _missing(file: File, path: Path, _: ErrorDetails) -> str:
    if isinstance(path[-1], int):
        return "is missing; expected two numbers, [low, high]"
    if path[-1] == "source":
        return 'is missing; every number needs its source, such as "assumption: ..."'
    field = _fields(_model_at(file, path[:-1])).get(path[-1])
    about = f": {field.description}" if field is not None and field.description else ""
    return f"is missing; add it{about}"


def _expected(what: str) -> Write:
    def write(_: File, __: Path, error: ErrorDetails) -> str:
        return f"found {show(error['input'])}; expected {what}"

    return write


def _text(_: File, __: Path, error: ErrorDetails) -> str:
    quoted = "" if isinstance(error["input"], dict | tuple) else " (put it in quotes)"
    return f"found {show(error['input'])}; expected text{quoted}"


def _choice(_: File, __: Path, error: ErrorDetails) -> str:
    known = error["ctx"].get("expected") or error["ctx"]["expected_tags"]
    words = known.replace("'", "").replace(" or ", ", ").split(", ")
    found = error["ctx"].get("tag", error["input"])
    return f"found {show(found)}; expected one of {', '.join(words)}{suggestion(str(found), words)}"


def _kind(file: File, path: Path, _: ErrorDetails) -> str:
    kinds = [str(_tag(member)) for member in _members_at(file, path[:-1])]
    return f"is missing; expected one of {', '.join(kinds)}"


def _bound(words: str) -> Write:
    def write(_: File, __: Path, error: ErrorDetails) -> str:
        (limit,) = (error["ctx"][key] for key in LIMITS if key in error["ctx"])
        return f"found {show(error['input'])}; expected {words} {limit:g}"

    return write


def _too_long(_: File, __: Path, error: ErrorDetails) -> str:
    most, found = error["ctx"]["max_length"], show(error["input"])
    return (
        f"found {found}; expected {'two numbers, [low, high]' if most == 2 else f'at most {most}'}"
    )


def _other(_: File, __: Path, error: ErrorDetails) -> str:
    return error["msg"]


WHOLE = "a whole number, without a point or exponent"
NAME = "at most 80 letters, digits, '.', '-' or '_', the first a letter or digit"
LIMITS = ("gt", "ge", "lt", "le", "min_length")
WORDING: dict[str, Write] = {
    "extra_forbidden": _unknown,
    "missing": _missing,
    "float_type": _expected("a number"),
    "int_type": _expected(WHOLE),
    "int_from_float": _expected(WHOLE),
    "bool_type": _expected("true or false"),
    "string_type": _text,
    "dict_type": _expected("a mapping (key: value)"),
    "model_type": _expected("a mapping (key: value)"),
    "model_attributes_type": _expected("a mapping (key: value)"),
    "tuple_type": _expected("a list, such as [a, b]"),
    "too_long": _too_long,
    "too_short": _bound("at least"),
    "finite_number": _expected("a finite number"),
    "literal_error": _choice,
    "union_tag_invalid": _choice,
    "union_tag_not_found": _kind,
    "greater_than": _bound("more than"),
    "greater_than_equal": _bound("at least"),
    "less_than": _bound("less than"),
    "multiple_of": _expected("full, half or quarter hours"),
    "less_than_equal": _bound("at most"),
    "string_pattern_mismatch": _expected(NAME),
}


def keys_at(file: File, path: Path) -> list[str]:
    """Return the keys that the schema knows at a path, as they are written in files."""
    model = _model_at(file, path)
    return [*_fields(model), *(FILE_ONLY_KEYS if model is Scenario else ())]


def _model_at(file: File, path: Path) -> type[BaseModel]:
    """Find the model that describes a path; those of a union are told apart by their kind."""
    kind = _type_at(file, path)
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else file.model


def _members_at(file: File, path: Path) -> list[type[BaseModel]]:
    """Return the models between which ``kind`` decides at a path."""
    kind = _below(_type_at(file, path[:-1]), path[-1])
    return [_bare_type(member) for member in get_args(kind)]


def _type_at(file: File, path: Path) -> Any:
    kind: Any = file.model
    for end, part in enumerate(path):
        kind = _below(kind, part)
        members = [_bare_type(member) for member in get_args(kind)]
        if members and _is_union(kind):
            found = file.tree.at(path[: end + 1])
            tag = found.get("kind") if isinstance(found, dict) else None
            kind = next((member for member in members if _tag(member) == tag), members[0])
    return kind


def _fields(model: type[BaseModel]) -> dict[str | int, FieldInfo]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _below(kind: Any, part: str | int) -> Any:
    """Return what a model has under a key, or what a mapping or a list holds."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        field = _fields(kind).get(part)
        return None if field is None else _bare_type(field.annotation)
    inside = get_args(kind)
    return _bare_type(inside[0 if isinstance(part, int) else -1]) if inside else None


def _bare_type(annotation: Any) -> Any:
    """Take off ``Annotated`` and ``| None``."""
    if get_origin(annotation) is Annotated:
        return _bare_type(get_args(annotation)[0])
    if _is_union(annotation):
        some = [member for member in get_args(annotation) if member is not type(None)]
        return _bare_type(some[0]) if len(some) == 1 else annotation
    return annotation


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, types.UnionType)


def _tag(model: Any) -> Any:
    """Return the ``kind`` of a member of a union; None if it has none."""
    if not (isinstance(model, type) and issubclass(model, BaseModel) and "kind" in _fields(model)):
        return None
    return get_args(model.model_fields["kind"].annotation)[0]
