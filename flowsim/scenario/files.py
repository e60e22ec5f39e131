"""Find files, tell their kinds apart, read them safely, and follow ``extends`` to its end.

Files of other kinds than scenarios (sweeps, calibrations) are read as carefully: the same YAML, the
same words for mistakes, all of them at once with file and line. Tables and outlines that a scenario
names are put into it in place of their names: it then holds all that decides its results, so that
its hash, its saved form and every worker know them.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from flowsim.data import own, sources
from flowsim.data.rows import CrossingRow, Observation, Region, Road
from flowsim.data.tables import Row, Table
from flowsim.errors import DataError, Problem, ScenarioError, in_order, visible
from flowsim.scenario.editors import DIALECT, Plain
from flowsim.scenario.messages import File, path_of, problems_of
from flowsim.scenario.reading import read_tree
from flowsim.scenario.tree import Path as KeyPath
from flowsim.scenario.tree import Place, Tree, dotted, fail, plain, show, suggestion

SCENARIO, SWEEP, CALIBRATION = "scenario", "sweep", "calibration"
MAX_CHAIN = 10
ENDINGS = {"table": (".csv", ".tsv"), "outlines": (".geojson", ".json")}
"""Of files that are no YAML, the usual one first."""
MOST_PARTS = 8
"""How often what still has a mistake is left out, part by part."""
Model = TypeVar("Model", bound=BaseModel)
_ONLY: ContextVar[Path | None] = ContextVar("_ONLY", default=None)


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes
    ----------
    folder : str
        Beside the shipped scenarios, where shipped files of this kind lie.
    command : str
        To which such a file is given.
    signs : collection of str
        Keys that only such files have at the top.
    """

    folder: str
    command: str
    signs: Collection[str]


KINDS = {
    SCENARIO: Kind("", "flowsim run", ("extends", "horizon")),
    SWEEP: Kind("sweeps", "flowsim sweep", ("design",)),
    CALIBRATION: Kind("calibration", "flowsim calibrate", ("budgets",)),
}


@contextmanager
def confined_to(folder: Path) -> Iterator[None]:
    """Let no file be read meanwhile but those of one folder and those that come with flowsim."""
    token = _ONLY.set(folder.resolve())
    try:
        yield
    finally:
        _ONLY.reset(token)


@dataclass(frozen=True)
class Origin:
    """Who asks for a file: the key of another file, or nobody if the user named it."""

    where: str = ""
    key: str = ""
    folder: Path | None = None


def shipped(folder: str = "") -> dict[str, Path]:
    """Return the scenarios that come with flowsim, by name; or the files of a folder beside them.

    They lie in the package when it was installed as a wheel, else beside it in the
    source tree.

    Parameters
    ----------
    folder : str
        Such as ``sweeps``; empty for the scenarios themselves.
    """
    for place in _shipped_in():
        if (place / "september-2022.yaml").is_file():
            return {path.stem: path for path in sorted((place / folder).glob("*.yaml"))}
    return {}


def _shipped_in() -> tuple[Path, Path]:
    package = Path(__file__).resolve().parent.parent
    return package / "scenarios", package.parent / "scenarios"


def read_chain(source: str | os.PathLike[str]) -> list[tuple[Path, Tree]]:
    """Read a scenario file and the files it extends.

    Returns
    -------
    list of (Path, Tree)
        From the file at the bottom up to the one that was asked for.

    Raises
    ------
    ScenarioError
        If a file is missing, unreadable, not YAML, or the chain is circular or too long.
    """
    chain: list[tuple[Path, Tree]] = []
    path = find(source, Origin(), shipped())
    while True:
        tree = read_tree(read_text(path), shown(path))
        refuse_other_kinds(tree, path, SCENARIO)
        chain.insert(0, (path, tree))
        extends = tree.data.get("extends")
        if extends is None:
            return chain
        origin = Origin(tree.place(("extends",)).where, "extends", path.parent)
        if not isinstance(extends, str) or not extends:
            raise fail(
                origin.where, "extends", f"found {show(extends)}; expected the name of a file"
            )
        path = find(extends, origin, shipped())
        _refuse_circle(path, chain, origin)


def mistaken(data: Mapping[str, Any], noun: str) -> str:
    """Return that a file is of another kind than wanted; empty if it is not."""
    if any(sign in data for sign in KINDS[noun].signs):
        return ""
    for other, kind in KINDS.items():
        if other != noun and any(sign in data for sign in kind.signs):
            return message(other, noun)
    return ""


def message(other: str, noun: str) -> str:
    """Return what a file is instead of what was wanted, and what to do with it."""
    return f"is a {other}, not a {noun}; give it to {KINDS[other].command}"


def refuse_other_kinds(tree: Tree, path: Path, noun: str) -> None:
    """Refuse at once a sweep where a scenario is wanted, and the like."""
    if mistake := mistaken(tree.data, noun):
        raise fail(shown(path), "", mistake)


def shown(path: Path) -> str:
    """Write a path as short as a user would: relative where it lies below the folder we are in."""
    try:
        return str(path.absolute().relative_to(_ONLY.get() or Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def _refuse_circle(path: Path, chain: list[tuple[Path, Tree]], origin: Origin) -> None:
    files = [other.resolve() for other, _ in reversed(chain)]
    if path.resolve() in files:
        names = [file.name for file in files[files.index(path.resolve()) :]]
        circle = " -> ".join([*names, path.name])
        raise fail(origin.where, "extends", f"is circular: {circle}; one must extend nothing")
    if len(chain) >= MAX_CHAIN:
        raise fail(
            origin.where, "extends", f"the chain is longer than {MAX_CHAIN} files; shorten it"
        )


def find(
    source: str | os.PathLike[str], origin: Origin, known: Mapping[str, Path], noun: str = SCENARIO
) -> Path:
    """Find a file by path (relative to the file that asks), or a shipped one by name.

    Parameters
    ----------
    known : mapping
        The shipped files by name.
    noun : str
        What is looked for, in messages.

    Raises
    ------
    ScenarioError
        If there is no such file; suggests one.
    """
    named = os.fspath(source)
    path = (origin.folder or Path()) / named
    mode = _mode(path) if _may_be_read(path) else None
    if isinstance(mode, int) and stat.S_ISREG(mode):
        return path
    if Path(named).name == named and named.removesuffix(".yaml") in known:
        return known[named.removesuffix(".yaml")]
    ending = ENDINGS.get(noun, (".yaml",))[0]
    where, key = (origin.where, origin.key) if origin.key else (visible(named) or "''", "")
    name = f"{visible(named)} " if origin.key else ""
    for other, kind in KINDS.items():
        if other != noun and named.removesuffix(".yaml") in shipped(kind.folder):
            raise fail(where, key, f"{name}{message(other, noun)}")
    if mode is None:
        raise fail(where, key, f"{name}does not exist{_near(path, known, noun)}")
    if isinstance(mode, str):
        raise fail(where, key, f"{name}cannot be read: {mode}")
    if stat.S_ISDIR(mode):
        raise fail(where, key, f"{name}is a folder; expected a {noun} file ({ending}) in it")
    raise fail(where, key, f"{name}is not an ordinary file; expected a {noun} file ({ending})")


def _may_be_read(path: Path) -> bool:
    """Whether ``confined_to`` leaves a file open to reading."""
    only = _ONLY.get()
    if only is None:
        return True
    return any(path.resolve().is_relative_to(place) for place in (only, *_shipped_in()))


def _mode(path: Path) -> int | str | None:
    """Return the kind of a file; None if there is none, words if nobody lets us look."""
    try:
        return path.stat().st_mode
    except OSError as reason:
        hidden = reason.errno in (errno.ELOOP, errno.EACCES, errno.EPERM)
        return reason.strerror if hidden else None
    except ValueError:
        return None


def _near(path: Path, known: Mapping[str, Path], noun: str) -> str:
    """Suggest a file of the folder or a shipped one; else say what lists the shipped ones."""
    endings = ENDINGS.get(noun, (".yaml", ".yml"))
    try:
        beside = list(path.parent.iterdir()) if _may_be_read(path) else []
        there = [file.name for file in beside if file.suffix in endings]
    except (OSError, ValueError):
        there = []
    near = suggestion(path.name, [*there, *known]) or suggestion(path.stem, list(known))
    command = KINDS[noun].command if known and noun in KINDS else ""
    return near or "; expected a file" + (
        f", or a shipped {noun}: `{command}` lists them" if command else ""
    )


def read_text(path: Path, noun: str = f"{SCENARIO} file", most_mb: int = 1) -> str:
    """Read a file of ordinary size as UTF-8; its size is looked at before it is read."""
    name, most = shown(path), most_mb * 1_000_000
    if not _may_be_read(path):
        raise fail(path.name, "", "is another file, and may not be read here")
    try:
        if not stat.S_ISREG(mode := path.stat().st_mode) and not stat.S_ISDIR(mode):
            raise fail(name, "", f"is not an ordinary file; expected a {noun}")
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            raw = file.read(most + 1) if size <= most else b""
    except OSError as reason:
        raise fail(name, "", f"cannot be read: {reason.strerror}") from None
    if size > most or len(raw) > most:
        found = f"is {max(size, len(raw)) / 1e6:,.1f} MB; a {noun} has at most {most_mb} MB"
        raise fail(name, "", f"{found}. Is it a table of results?")
    return _decoded(raw, name)


def _decoded(raw: bytes, name: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as reason:
        line = raw.count(b"\n", 0, reason.start) + 1
        found = f"byte 0x{raw[reason.start]:02x}"
        message = f"is not UTF-8 text ({found}); save it as UTF-8"
        raise fail(f"{name}:{line}", "", message) from None


# -- files of other kinds


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


# -- tables and outlines that a scenario names

MOST_ROWS = {"regions": 500, "crossings": 300, "observations": 2_000, "distances": 20_000}
"""Rows of each, so that a saved scenario stays of ordinary size."""

Made = tuple[Any, dict[KeyPath, int]]
"""What a tree holds instead of the name of a table, and which row each key inside is from."""


def _listed(_: Table, rows: Mapping[int, Row]) -> Made:
    """Return rows in the order of the codes of regions; of what has none, in their own."""
    places = sorted(rows, key=lambda place: str(getattr(rows[place], "code", "")))
    made = [rows[place].model_dump(mode="json", exclude_defaults=True) for place in places]
    return tuple(made), {(n,): place for n, place in enumerate(places)}


def _of_crossings(table: Table, rows: Mapping[int, Row]) -> Made:
    known = {row.id: (row, place) for place, row in rows.items() if isinstance(row, CrossingRow)}
    file = Path(table.name).name
    made = {name: sources.as_crossing(row, file) for name, (row, _) in known.items()}
    return made, {(name,): place for name, (_, place) in known.items()}


def _of_distances(_: Table, rows: Mapping[int, Row]) -> Made:
    made: dict[str, dict[str, float]] = {}
    roads = {place: row for place, row in rows.items() if isinstance(row, Road)}
    for row in roads.values():
        made.setdefault(row.region_code, {})[row.crossing_id] = row.road_km
    return made, {(row.region_code, row.crossing_id): place for place, row in roads.items()}


ReadRows = tuple[type[Row], Callable[[Table, Mapping[int, Row]], Made]]
NAMED_TABLES: dict[KeyPath, ReadRows] = {
    ("population", "regions"): (Region, _listed),
    ("crossings",): (CrossingRow, _of_crossings),
    ("travel", "distances"): (Road, _of_distances),
    ("observations",): (Observation, _listed),
}
OUTLINES: KeyPath = ("outlines",)


def take_in(tree: Tree, folder: Path | None) -> None:
    """Put the tables that a tree names into it.

    Parameters
    ----------
    tree : Tree
        Changed in place; each row takes along its file and line.
    folder : Path or None
        Relative to which they are named; None is the current one.

    Raises
    ------
    ScenarioError
        With every mistake in every table.
    """
    problems: list[Problem] = []
    for key, (row, make) in NAMED_TABLES.items():
        named = tree.at(key)
        if not isinstance(named, str):
            continue
        try:
            path = _find_table(tree, key, named, folder)
            table, rows, found = own.read_rows(path, row)
        except (DataError, ScenarioError) as reason:
            problems += reason.problems
            continue
        most = MOST_ROWS[str(key[-1])]
        if len(table.rows) > most:
            found.append(Problem(table.name, "", f"has {len(table.rows):,} rows; at most {most:,}"))
        problems += found
        value, places = make(table, rows)
        data = tree.data
        for part in key[:-1]:
            data[str(part)] = data = dict(data[str(part)])
        data[str(key[-1])] = value
        for inner, place in places.items():
            tree.places[(*key, *inner)] = Place(f"{table.name}:{table.lines[place]}")
    problems += _outlines(tree, folder)
    if problems:
        raise ScenarioError(in_order(problems))


def _outlines(tree: Tree, folder: Path | None) -> list[Problem]:
    named = tree.at(OUTLINES)
    if not isinstance(named, str) or own.is_text(named):
        return []
    try:
        tree.data["outlines"] = own.read_outlines(_find_table(tree, OUTLINES, named, folder))
    except (DataError, ScenarioError) as reason:
        return list(reason.problems)
    return []


def _find_table(tree: Tree, key: KeyPath, named: str, folder: Path | None) -> str:
    noun = "outlines" if key == OUTLINES else "table"
    return shown(find(named, Origin(tree.place(key).where, dotted(key), folder), {}, noun))
