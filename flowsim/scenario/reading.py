"""YAML 1.2 text into a tree with line numbers: the only file that knows ruamel.yaml.

Scalars follow the YAML 1.2 core schema and nothing more: dates stay text, ``NO`` is text,
``1e5`` a number. Anchors, aliases, tags and merge keys are refused, so no file can expand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
)
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.scanner import Scanner

from flowsim.data.text import unfit
from flowsim.errors import Problem, ScenarioError
from flowsim.scenario.tree import Path, Place, Tree, dotted, fail

MAX_DEPTH = 20
MAX_DIGITS = 40
MAX_VALUES = 20_000
SCENARIO_KEYS = "name, extends, changes"

_WORDS = dict.fromkeys(("", "~", "null", "Null", "NULL")) | {
    word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")
}
WRITTEN = {True: "true", False: "false", None: "null"}
"""How values that are no numbers and no text stand in files."""
_WHOLE = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
BLANK_REST = re.compile(r"[ \t]*(#|\n|\Z|\0)")
_LIMIT = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def scalar(text: str) -> Any:
    """Read plain text by the YAML 1.2 core schema; what is nothing else is text.

    >>> [scalar(text) for text in ("1e5", "017", "NO", "12:30", "2022-09-21", "true", "~")]
    [100000.0, 17, 'NO', '12:30', '2022-09-21', True, None]
    """
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > MAX_DIGITS:
        return text
    if _WHOLE.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _LIMIT.fullmatch(text):
        return float(text.replace(".", "").lower())
    return text


def read_tree(text: str, name: str, keys: str = SCENARIO_KEYS) -> Tree:
    """Read YAML text whose top is a mapping.

    Parameters
    ----------
    text : str
    name : str
        What to call the file in messages.
    keys : str
        Some keys that such a file has, for the message about an empty one.

    Returns
    -------
    Tree
        Lists become tuples; every key has its ``file:line``.

    Raises
    ------
    ScenarioError
        On a syntax error, or with all duplicate keys and forbidden constructs found.
    """
    return _read_tree(text, name, keys).copy()


@lru_cache(maxsize=16)  # one command reads some files again and again, a tenth of a second each
def _read_tree(text: str, name: str, keys: str) -> Tree:
    builder = _Builder(name)
    value = builder.build(text)
    if value is None:
        raise fail(name, "", f"the file is empty; expected keys such as {keys}")
    if not isinstance(value, dict):
        found = "a list" if isinstance(value, tuple) else f"only {value!r}"
        raise fail(f"{name}:1", "", f"found {found}; expected a mapping (key: value)")
    builder.places.setdefault((), Place(f"{name}:1"))
    return Tree(value, builder.places)


def read_value(text: str, name: str) -> Any:
    """Read the value of ``--set key=value``."""
    return _Builder(name, has_lines=False).build(text)


class _TabScanner(Scanner):
    """ruamel's scanner, which lets a tab part tokens, but never indent a line (YAML 1.2, 6.2)."""

    def scan_to_next_token(self) -> None:
        """Skip what parts tokens; a tab at the start of a line only if nothing follows."""
        super().scan_to_next_token()
        while self.reader.peek() == "\t" and self._parts():
            while self.reader.peek() in " \t":
                self.reader.forward()
            super().scan_to_next_token()

    def _parts(self) -> bool:
        """Whether a tab here lies between tokens or in an empty line."""
        text, here = self.reader.buffer, self.reader.pointer
        return bool(text[here - self.reader.column : here].strip() or BLANK_REST.match(text, here))


class _Builder:
    """Build values from parser events, noting places and problems on the way."""

    def __init__(self, name: str, *, has_lines: bool = True) -> None:
        self.name = name
        self.has_lines = has_lines
        self.places: dict[Path, Place] = {}
        self.problems: list[Problem] = []

    def build(self, text: str) -> Any:
        """Read the one document of a text; None if there is none."""
        yaml = YAML(typ="safe", pure=True)
        yaml.Scanner = _TabScanner
        try:
            value = self._document(yaml.parse(text))
        except YAMLError as reason:
            raise fail(*self._syntax(reason, text)) from None
        except (ValueError, OverflowError) as reason:  # impossible escapes and versions
            raise fail(self.name, "", f"is not YAML ({reason})") from None
        if self.problems:
            raise ScenarioError(self.problems)
        return value

    def _document(self, events: Iterator[Event]) -> Any:
        value = None
        n_documents = 0
        for event in events:
            if isinstance(event, DocumentStartEvent):
                n_documents += 1
                if n_documents > 1:
                    raise fail(self._where(event), "", "a second document begins; expected one")
            elif isinstance(event, NodeEvent):
                value = self._node(event, events, ())
        return value

    def _node(self, event: Event, events: Iterator[Event], path: Path) -> Any:
        self._allowed(event, path)
        if isinstance(event, ScalarEvent):
            return self._scalar(event, path)
        if isinstance(event, MappingStartEvent):
            return self._mapping(events, path)
        return self._sequence(events, path)

    def _allowed(self, event: Event, path: Path) -> None:
        """Refuse at once what could expand, run code or exhaust the stack."""
        where, key = self._where(event), dotted(path)
        anchor, tag = getattr(event, "anchor", None), getattr(event, "tag", None)
        if isinstance(event, AliasEvent) or anchor:
            sign = "*" if isinstance(event, AliasEvent) else "&"
            message = (
                f"anchors and aliases are not allowed, found {sign}{anchor}; "
                "write the value out (text that begins with & or * needs quotes)"
            )
            raise fail(where, key, message)
        if tag is not None:
            raise fail(where, key, f"tags are not allowed, found {tag}; leave it out")
        if len(path) > MAX_DEPTH:
            raise fail(where, "", f"nested deeper than {MAX_DEPTH} levels; no key lies so deep")
        if len(self.places) > MAX_VALUES:
            raise fail(where, "", f"more than {MAX_VALUES:,} values by here; is it a table?")

    def _scalar(self, event: ScalarEvent, path: Path) -> Any:
        if problem := unfit(event.value):
            self.problems.append(Problem(self._where(event), dotted(path), problem))
        return event.value if event.style else scalar(event.value)

    def _sequence(self, events: Iterator[Event], path: Path) -> tuple[Any, ...]:
        values: list[Any] = []
        for event in events:
            if isinstance(event, SequenceEndEvent):
                break
            here = (*path, len(values))
            self.places[here] = Place(self._where(event))
            values.append(self._node(event, events, here))
        return tuple(values)

    def _mapping(self, events: Iterator[Event], path: Path) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for event in events:
            if isinstance(event, MappingEndEvent):
                break
            key = self._key(event, path)
            here = (*path, key)
            where = self._where(event)
            if key in values:
                first = self.places[here].where.rpartition(":")[2]
                line = f" (first on line {first})" if self.has_lines else ""
                message = f"is given twice{line}; keep one of them"
                self.problems.append(Problem(where, dotted(here), message))
            self.places[here] = Place(where)
            values[key] = self._node(next(events), events, here)
        return values

    def _key(self, event: Event, path: Path) -> str:
        self._allowed(event, path)
        where, above = self._where(event), dotted(path)
        if not isinstance(event, ScalarEvent):
            raise fail(where, above, "a key must be text, not a list or mapping")
        if event.value == "<<" and not event.style:
            raise fail(where, above, "merge keys (<<) are not allowed; use extends")
        if problem := unfit(event.value):
            raise fail(where, above, f"a key here {problem}")
        return str(event.value)

    def _where(self, event: Event) -> str:
        return self._line(event.start_mark.line + 1)

    def _syntax(self, reason: YAMLError, text: str) -> tuple[str, str, str]:
        """Return where the syntax breaks, and what usually causes it."""
        if isinstance(reason, ReaderError):
            line_number = text.count("\n", 0, reason.position) + 1
            found = ascii(text[reason.position : reason.position + 1])
            return self._line(line_number), "", f"the character {found} is not allowed"
        mark = getattr(reason, "problem_mark", None) or getattr(reason, "context_mark", None)
        if mark is None:
            return self.name, "", f"is not YAML: {' '.join(str(reason).split())}"
        parts = (getattr(reason, name, None) for name in ("context", "problem"))
        problem = ", ".join(part for part in parts if part)
        if "end of stream" in problem:  # say where it began
            mark = getattr(reason, "context_mark", None) or mark
        lines = text.splitlines()
        line = lines[mark.line] if mark.line < len(lines) else ""
        if "\t" in line[: len(line) - len(line.lstrip())]:
            problem = "the line is indented with a tab; use spaces"
        elif "\t" in line:
            problem += "; the line holds a tab, use spaces"
        elif "mapping values are not allowed" in problem:
            problem += "; text that holds ': ' needs quotes"
        return self._line(mark.line + 1), "", f"is not YAML: {problem}"

    def _line(self, number: int) -> str:
        return f"{self.name}:{number}" if self.has_lines else self.name
