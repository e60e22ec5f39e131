"""The JSON Schema of scenario files, so that editors complete, explain and underline."""

from __future__ import annotations

import copy
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from flowsim.data import measures
from flowsim.data.rows import TABLES, Observation
from flowsim.scenario.schema import Scenario
from flowsim.scenario.tree import Path

PART = "PartOf"
TABLE_KINDS = tuple(TABLES)
DIALECT = "https://json-schema.org/draft/2020-12/schema"
CHANGES = (
    "Dotted keys and their new values, such as panic.decay; a bare number keeps its unit, "
    "null removes an entry."
)


class Plain(GenerateJsonSchema):
    """Makes JSON Schema and nothing of OpenAPI, which strict validators refuse."""

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        """Leave out which key tells the members apart: each of them says it."""
        made = super().tagged_union_schema(schema)
        made.pop("discriminator", None)
        return made


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of scenario files as users write them.

    A file without ``extends`` must be complete; one with ``extends`` may hold any part, with
    null to remove, and ``changes``. Name it in the first line of a file as
    ``# yaml-language-server: $schema=scenario.schema.json``.
    """
    schema = Scenario.model_json_schema(by_alias=True, schema_generator=Plain)
    definitions = schema.pop("$defs")
    whole = {key: schema[key] for key in ("properties", "required")}
    for definition in definitions.values():
        fields = definition.get("properties", {})
        if "source" in fields:  # the unit of a number may be left out; it is the one of its key
            definition["required"] = [key for key in definition["required"] if key != "unit"]
            fields["source"]["pattern"] = "^(data:|literature:|assumption:|calibrated)"
        for field in fields.values():
            if "title" in field:  # figures fill its blanks with the name of a place or policy
                field["title"] = field["title"].format(place="a place", policy="policy")
    parts = {PART + name: _part(definition) for name, definition in definitions.items()}
    changes = {"changes": _changes(whole["properties"], parts)}
    crossings = {"crossings": _crossings(whole["properties"]["crossings"])}
    about = whole["properties"]["extends"]["description"]
    extends = {"extends": {"type": "string", "description": about}}
    return {
        "$schema": DIALECT,
        "title": "flowsim scenario",
        "description": "A scenario of flowsim; times are Moscow time.",
        "type": "object",
        "if": {"required": ["extends"], "properties": {"extends": {"type": "string"}}},
        "then": {
            "properties": _part(whole["properties"]) | extends | crossings | changes,
            "additionalProperties": False,
        },
        "else": {
            "properties": whole["properties"] | crossings | changes,
            "required": whole["required"],
            "additionalProperties": False,
        },
        "$defs": definitions | parts,
    }


def _crossings(schema: dict[str, Any]) -> dict[str, Any]:
    """Shipped crossings lie under every file: part of one, or null, is enough; or a table."""
    about = {"description": schema["description"]}
    return about | {"anyOf": [_part(schema), {"type": "string"}]}


def _part(schema: Any) -> Any:
    """Return a schema that accepts any part of what the original requires, and null entries."""
    if isinstance(schema, list):
        return [_part(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    part = {key: _part(value) for key, value in schema.items() if key != "required"}
    if "$ref" in part:
        part["$ref"] = part["$ref"].replace("#/$defs/", f"#/$defs/{PART}")
    if "oneOf" in part:  # a part of a policy may be without its kind
        part["anyOf"] = part.pop("oneOf")
    if isinstance(part.get("properties"), dict):
        part["properties"] = {key: _or_null(inner) for key, inner in part["properties"].items()}
    if isinstance(part.get("additionalProperties"), dict):
        part["additionalProperties"] = _or_null(part["additionalProperties"])
    return part


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    about = {key: schema[key] for key in ("description", "title") if key in schema}
    return about | {"anyOf": [schema, {"type": "null"}]}


def _changes(properties: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    """Describe the changes: fixed keys one by one, entries of open mappings by pattern."""
    known: dict[str, Any] = {}
    patterns: dict[str, Any] = {}
    todo: list[tuple[Path, dict[str, Any]]] = [
        ((key,), _part(value)) for key, value in properties.items() if key != "extends"
    ]
    while todo:
        path, schema = todo.pop()
        known[".".join(map(str, path))] = _bare(schema, parts)
        target = _target(schema, parts)
        if "source" in target.get("properties", {}):
            continue
        todo += [((*path, key), inner) for key, inner in target.get("properties", {}).items()]
        if isinstance(target.get("additionalProperties"), dict):
            name = r"\.".join(map(str, path))
            entry = _bare(target["additionalProperties"], parts)
            patterns[rf"^{name}\.[A-Za-z0-9_-]+$"] = entry
            patterns[rf"^{name}\.[A-Za-z0-9_-]+\..+$"] = {}
    numbers = "|".join(
        key.replace(".", r"\.") for key, schema in known.items() if "number" in str(schema)
    )
    patterns[rf"^({numbers})\.([0-9-]+(T[0-9:]+)?|value|unit|source|free)$"] = {}
    return {
        "type": "object",
        "description": CHANGES,
        "properties": dict(sorted(known.items())),
        "patternProperties": patterns,
        "additionalProperties": False,
    }


def _target(schema: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    """Follow references and the non-null branch to what describes a mapping."""
    if "$ref" in schema:
        return _target(parts[schema["$ref"].removeprefix("#/$defs/")], parts)
    branches = [one for one in schema.get("anyOf", []) if one.get("type") != "null"]
    return _target(branches[0], parts) if len(branches) == 1 else schema


def _bare(schema: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    """Accept a bare number where a number with unit and source stands, and null."""
    is_parameter = "source" in _target(schema, parts).get("properties", {})
    accepted = copy.deepcopy(schema)
    choices = [accepted, {"type": "null"}, *([{"type": "number"}] if is_parameter else [])]
    about = {"description": accepted["description"]} if "description" in accepted else {}
    return about | {"anyOf": choices}


def table_schema(kind: str) -> dict[str, Any]:
    """Return the JSON Schema of a table that users bring, as a list of its rows."""
    row = TABLES[kind]
    items = row.model_json_schema(by_alias=True)
    about = f"flowsim {kind}: a CSV file with a header; each item is one row"
    units = "; ".join(f"{unit}: {meaning}" for unit, meaning in measures.UNITS.items())
    if row is Observation:
        items["properties"]["model_measure"]["enum"] = ["", *measures.COMPARED]
        items["properties"]["unit"] |= {"examples": [*measures.UNITS], "description": units}
    return {"$schema": DIALECT, "title": about, "type": "array", "items": _standard(items)}


def _standard(schema: Any) -> Any:
    """Return a schema with bounds in the words of JSON Schema, which strict validators want."""
    if isinstance(schema, list):
        return [_standard(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    words = {"ge": "minimum", "le": "maximum"}
    return {words.get(key, key): _standard(value) for key, value in schema.items()}
