"""Rewrite the reference of every kind of file in docs/ from its schema.

A block stands between ``<!-- reference: KIND -->`` and ``<!-- end -->``; what is written there by
hand is lost. Each key has its meaning, what may stand there, and an example, taken from the files
shown above the block or from the shipped files. ``python docs/make_reference.py`` after every
change of a schema; ``make_tables.py`` calls it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flowsim.calibration.file import calibration_schema
from flowsim.data.rows import template
from flowsim.scenario import json_schema, shipped
from flowsim.scenario.editors import PART, table_schema
from flowsim.scenario.files import KINDS, mistaken
from flowsim.scenario.quantity import DATE
from flowsim.scenario.reading import read_tree
from flowsim.scenario.writing import yaml_text
from flowsim.sweep.file import sweep_schema

DOCS = Path(__file__).resolve().parent
BLOCK = re.compile(r"(<!-- reference: ([a-z]+) -->\n).*?(<!-- end -->)", re.DOTALL)
SHOWN = re.compile(r"^```yaml\n(.*?)^```", re.DOTALL | re.MULTILINE)
SCHEMAS = {"scenario": json_schema, "sweep": sweep_schema, "calibration": calibration_schema}
PAGES = {
    "scenario": "scenarios.md",
    "sweep": "sweeps.md",
    "calibration": "calibrations.md",
    "observations": "observations.md",
}
LONGEST = 60  # characters of an example
WORDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "null": "null",
    "object": "mapping",
}
Schema = dict[str, Any]


class Reference:
    """The reference of one kind of file: its schema, and examples of every key."""

    def __init__(self, kind: str, text: str) -> None:
        schema = SCHEMAS[kind]()
        self.whole = schema.get("else", schema)
        self.parts: Schema = {k: v for k, v in schema["$defs"].items() if not k.startswith(PART)}
        self.paths = self._find_paths()
        self.seen: dict[tuple[str, str], Any] = {}
        self.alike: dict[tuple[str, str], Any] = {}  # by what is said of the key
        self.entries: dict[str, Any] = {}
        files = [read_tree(shown, kind).data for shown in SHOWN.findall(text)]
        for path in [*shipped(KINDS[kind].folder).values(), *shipped("examples").values()]:
            data = read_tree(path.read_text(encoding="utf-8"), path.name).data
            files += [] if mistaken(data, kind) else [data]
        for data in files:
            self._see("", self.whole, data)
            self._see_changes(data.get("changes"))

    # ------------------------------------------------------------------ examples

    def _see(self, name: str, schema: Schema, data: Any) -> None:
        """Note the first value of each key of each part."""
        if not isinstance(data, dict):
            return
        for key, value in data.items():
            field = schema.get("properties", {}).get(key)
            if field is not None and value is not None:
                self.seen.setdefault((name, key), value)
                self.alike.setdefault((key, field.get("description", "")), value)
                self._see_inside(field, value, key)

    def _see_inside(self, field: Schema, value: Any, key: str) -> None:
        members = self._members(field)
        for member in members:
            own = self.parts[member]
            if isinstance(value, dict) and self._kind(member) in (None, value.get("kind")):
                self.entries.setdefault(member, {key: value})
                self._see(member, own, value)
        for inner in _mappings(field):
            for name, entry in value.items() if isinstance(value, dict) else ():
                self._see_inside(inner, entry, name)
        for inner in _lists(field):
            for entry in value if isinstance(value, tuple) else ():
                self._see_inside(inner, entry, key)

    def _see_changes(self, changes: Any) -> None:
        """Note what stands under dotted keys."""
        for dotted, value in (changes or {}).items():
            data: Any = value
            for part in reversed(dotted.split(".")):
                data = {part: data}
            self._see("", self.whole, data)

    def _members(self, field: Schema) -> list[str]:
        """Return the parts that may stand directly in a field."""
        if "$ref" in field:
            return [_part(field)]
        inside = [*field.get("anyOf", ()), *field.get("oneOf", ())]
        return [name for one in inside for name in self._members(one)]

    # ------------------------------------------------------------------ words

    def says(self, field: Schema) -> str:
        """Return in a few words what may stand in a field."""
        if "$ref" in field:
            name = _part(field)
            if self._is_number(name):
                return _number(name, field)
            title = self._title(name)
            anchor = re.sub("[^a-z_-]", "", title.lower().replace(" ", "-"))
            return f"[{self._kind(name) or title}](#{anchor})"
        if "const" in field:
            return f"`{_plain(field['const'])}`"
        if "enum" in field:
            return ", ".join(f"`{_plain(one)}`" for one in field["enum"])
        choices = [*field.get("anyOf", ()), *field.get("oneOf", ())]
        if choices:
            words = [self.says(one) for one in choices if one.get("type") != "null"]
            return ", ".join(dict.fromkeys(words)) if len(words) > 3 else " or ".join(words)
        if field.get("type") == "array":
            inner = field.get("items") or {}
            fixed = field.get("prefixItems")
            return f"list of {len(fixed)}" if fixed else f"list of {self.says(inner) or 'values'}"
        for entry in _mappings(field):
            by = "date" if DATE in field.get("patternProperties", {}) else "name"
            return f"by {by}: {self.says(entry) or 'anything'}"
        if field.get("pattern") == DATE:
            return "date"
        kinds = field.get("type", "")
        kinds = kinds if isinstance(kinds, list) else [kinds]
        words = " or ".join(WORDS.get(kind, "anything") for kind in kinds if kind != "null")
        return f"{words}{_bounds(field)}"

    # ------------------------------------------------------------------ text

    def text(self) -> str:
        """Return the Markdown of the reference."""
        return "\n".join(["", *self._table("", self.whole, "Keys at the top"), *self._sections()])

    def _sections(self) -> Iterator[str]:
        for name in self.paths:
            part = self.parts[name]
            kind = self._kind(name)
            about = " ".join(part.get("description", "").split("\n\n")[0].split())
            about = about.replace("``", "`")
            yield from self._table(name, part, self._title(name), about)
            if kind and name in self.entries:
                yield from ("", "```yaml", _written(self.entries[name]).rstrip(), "```", "")

    def _title(self, name: str) -> str:
        kind = self._kind(name)
        return f"kind: {kind}" if kind else self.paths[name]

    def _is_number(self, name: str) -> bool:
        return {"unit", "source"} <= self.parts[name].get("properties", {}).keys()

    def _kind(self, name: str) -> str | None:
        found = self.parts[name].get("properties", {}).get("kind", {}).get("const")
        return None if found is None else str(found)

    def _find_paths(self) -> dict[str, str]:
        """Return where each part stands in a file, the highest place, in the order of the file."""
        found: dict[str, str] = {}
        todo = [(key, field) for key, field in self.whole["properties"].items()]
        while todo:
            path, field = todo.pop(0)
            below = [(path, one) for one in (field, *field.get("anyOf", ()))]
            below += [(f"{path}.NAME", one) for one in _mappings(field)]
            below += [(path, one) for one in _lists(field)]
            for place, one in below:
                for name in self._members(one):
                    if name not in found and not self._is_number(name):
                        found[name] = place
                        inner = self.parts[name]["properties"].items()
                        todo += [(f"{place}.{key}", below_it) for key, below_it in inner]
        return found

    def _table(self, name: str, part: Schema, title: str, about: str = "") -> Iterator[str]:
        yield from (f"### {title}", "")
        if about:
            yield from (about, "")
        yield "| key | what | may be | example |\n| --- | --- | --- | --- |"
        for key, field in part["properties"].items():
            if key == "kind" and "const" in field:
                continue
            needed = key in part.get("required", ())
            words = f"{field.get('description', '')} {_default(field, needed)}".strip()
            cells = (f"`{key}`", words, self.says(field), self._example(name, key, field))
            yield "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"
        yield ""

    def example(self, name: str, key: str, field: Schema) -> str | None:
        """Return an example of a key as it is written; None if no file has one."""
        value = self.seen.get((name, key), self.alike.get((key, field.get("description", ""))))
        if value is None:
            return None
        if isinstance(value, dict) and "value" in value:
            value = value["value"]
        text = " ".join(_written({"x": value}).removeprefix("x:").split())
        return text if len(text) <= LONGEST else f"{text[: LONGEST - 4]} ..."

    def _example(self, name: str, key: str, field: Schema) -> str:
        if "](#" in self.says(field):
            return ""  # it has a table of its own
        text = self.example(name, key, field)
        return f"`{text}`" if text else ""


def _part(field: Schema) -> str:
    """Return the name of the part that a field refers to."""
    return str(field["$ref"].rpartition("/")[2]).removeprefix(PART)


def _mappings(field: Schema) -> Iterator[Schema]:
    for one in (field, *field.get("anyOf", ())):
        if isinstance(one.get("additionalProperties"), dict):
            yield one["additionalProperties"]
        elif "properties" not in one:  # names that have a pattern
            yield from one.get("patternProperties", {}).values()


def _lists(field: Schema) -> Iterator[Schema]:
    for one in (field, *field.get("anyOf", ())):
        if isinstance(one.get("items"), dict):
            yield one["items"]


def _number(name: str, field: Schema) -> str:
    """Return what a number with unit and source may be."""
    said = field["allOf"][0]["properties"] if "allOf" in field else {}
    words = {"Dated": "a number, or numbers by date", "Weekdays": "a number for each weekday"}
    start = words.get(name, "a number for each age band" if name == "Table" else "a number")
    unit = said.get("unit", {}).get("const", "")
    bounds = _bounds(said["value"]["anyOf"][0]) if said else ""
    return f"{start} ({unit}{bounds and ',' + bounds})" if unit else start


def _bounds(field: Schema) -> str:
    low = field.get("minimum", field.get("exclusiveMinimum"))
    high = field.get("maximum", field.get("exclusiveMaximum"))
    if low is None and high is None:
        return ""
    if high is None or high > 1e15:
        return f" {'above' if 'exclusiveMinimum' in field else 'from'} {low:g}"
    return f" {low:g} to {high:g}" if low is not None else f" up to {high:g}"


def _default(field: Schema, needed: bool) -> str:
    if needed or field.get("default") in (None, "", [], {}):
        return "" if needed else "(optional)"
    return f"(default: {_plain(field['default'])})"


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _written(data: dict[str, Any]) -> str:
    """Write data as people do: dates need no quotes."""
    return re.sub(r'"(\d{4}-\d\d-\d\d[T:\d]*)"', r"\1", yaml_text(data))


def table_of(kind: str) -> str:
    """Return the Markdown of the columns of a table that users bring; as example its template's."""
    row = table_schema(kind)["items"]
    first: dict[str, str] = {}
    for line in csv.DictReader(io.StringIO(template(kind))):
        first = {name: cell for name, cell in line.items() if cell} | first
    lines = ["", "| column | what | may be | example |", "| --- | --- | --- | --- |"]
    for name, field in row["properties"].items():
        needed = "" if name in row["required"] else " (may be left out)"
        lines.append(
            f"| `{name}` | {field['title']}{needed} | {_cell(field)} | {first.get(name, '')} |"
        )
    return "\n".join([*lines, "", ""])


def _cell(field: Schema) -> str:
    """Return in a word or two what may stand in a cell."""
    if "enum" in field:
        return ", ".join(f"`{one}`" for one in field["enum"] if one)
    one = next(some for some in field.get("anyOf", [field]) if some.get("type") != "null")
    words = {"date": "date", "date-time": "date and hour"} | WORDS
    if "examples" in field:
        return ", ".join(field["examples"])
    if one["type"] == "boolean":
        return "1 or 0"
    return f"{words[one.get('format', one['type'])]}{_bounds(one)}"


def made(kind: str, text: str) -> str:
    """Return the reference of a kind of file or table."""
    return Reference(kind, text).text() if kind in SCHEMAS else table_of(kind)


def updated(text: str) -> str:
    """Return the text of a page with every marked block made anew."""
    return BLOCK.sub(lambda found: found[1] + made(found[2], text) + found[3], text)


def main() -> None:
    """Rewrite the pages."""
    for name in PAGES.values():
        page = DOCS / name
        page.write_text(updated(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
