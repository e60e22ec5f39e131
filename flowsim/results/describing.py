"""What every column of every table means, and in which unit: for programmes and for strangers.

``datapackage.json`` in a results folder says it by the Data Package standard (specs v1,
https://specs.frictionlessdata.io), so that tools which know nothing of flowsim can read the folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pandas as pd

from flowsim.data.measures import MEASURES
from flowsim.data.tables import shipped

PACKAGE = "datapackage.json"
TYPES = {"b": "boolean", "i": "integer", "u": "integer", "f": "number", "M": "datetime"}
PARAMETER = "value of this parameter in the run or draw"
DATED = {"departures_": "men who set off", "october_": "men who set off from October on"}


def described(name: str) -> tuple[str, str]:
    """Return unit and meaning of a column; what is no column of flowsim's is a parameter."""
    for start, meaning in DATED.items():
        if name.startswith(start):
            return "men", f"{meaning} for {name.removeprefix(start)}"
    return columns().get(name, ("as the scenario states", PARAMETER))


@cache
def columns() -> dict[str, tuple[str, str]]:
    """Return unit and meaning of every column of flowsim's tables, by its name."""
    return {row["column"]: (row["unit"], row["meaning"]) for row in shipped("columns").rows}


def datapackage(manifest: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]) -> bytes:
    """Return ``datapackage.json`` of a folder.

    Parameters
    ----------
    manifest : mapping
        Of the folder.
    tables : mapping
        Its tables (no more than their columns and types is looked at) by file name.

    Returns
    -------
    bytes
        JSON.
    """
    name = str(manifest.get("name") or next(iter(manifest.get("scenarios", {})), "results"))
    package = {
        "profile": "tabular-data-package",
        "name": name.lower(),
        "title": str(manifest.get("title", name)),
        "description": f"Results of a {manifest['kind']} of flowsim; made as manifest.json says.",
        "resources": [_resource(path, table) for path, table in sorted(tables.items())],
        "measures": {
            name: {"unit": one.unit, "description": one.meaning}
            for name, one in sorted(MEASURES.items())
        },
    }
    return (json.dumps(package, indent=1) + "\n").encode()


def _resource(path: str, table: pd.DataFrame) -> dict[str, Any]:
    name, _, form = path.rpartition(".")
    return {
        "name": name.lower(),
        "path": path,
        "format": form,
        "mediatype": "text/csv" if form == "csv" else "application/vnd.apache.parquet",
        "schema": {"fields": list(fields(table))},
    }


def fields(table: pd.DataFrame) -> Iterator[dict[str, str]]:
    """Return name, type, unit and meaning of each column.

    Parameters
    ----------
    table : DataFrame
        Any of flowsim's, with or without rows.

    Returns
    -------
    iterator of dict
        ``name``, ``type``, ``unit``, ``description``.
    """
    for name in table:
        unit, meaning = described(str(name))
        kind = TYPES.get(getattr(table[name].dtype, "kind", "O"), "string")
        yield {"name": str(name), "type": kind, "unit": unit, "description": meaning}
