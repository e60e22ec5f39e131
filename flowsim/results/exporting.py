"""Results in the formats of others: an Excel workbook, quantiles for hubs of forecasts."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from pathlib import PurePath

import numpy as np
import pandas as pd

from flowsim.data.measures import MEASURES
from flowsim.errors import MachineError, ResultsError
from flowsim.results.base import Results
from flowsim.results.describing import fields
from flowsim.results.folder import csv_bytes

MOST_ROWS = 250_000  # of a sheet: Excel takes four times as many, and then minutes to open
MOST_NAME = 31  # characters of a sheet's name


def workbook(results: Results) -> tuple[bytes, list[str]]:
    """Return an Excel workbook of some results, and what is too large for it.

    Parameters
    ----------
    results : Results
        In a folder.

    Returns
    -------
    bytes
        A sheet for each table, before them ``about`` (what made them), ``columns`` and
        ``measures`` (unit and meaning of each).
    list of str
        Files with more rows than ``MOST_ROWS``.

    Raises
    ------
    ResultsError
        If openpyxl is not installed.
    """
    try:
        import openpyxl  # noqa: F401
    except ImportError:
        raise ResultsError(
            "a workbook needs openpyxl; install it with: pip install 'flowsim[excel]'"
        ) from None
    tables = {path: results.table(PurePath(path).stem) for path in _tables(results)}
    left_out = [path for path, table in tables.items() if len(table) > MOST_ROWS]
    measures = [(name, one.unit, one.meaning) for name, one in sorted(MEASURES.items())]
    words = pd.DataFrame(measures, columns=["measure", "unit", "description"])
    sheets = {"about": _about(results), "columns": _columns(tables), "measures": words}
    sheets |= {PurePath(p).stem[:MOST_NAME]: t for p, t in tables.items() if p not in left_out}
    stream = io.BytesIO()
    try:
        with pd.ExcelWriter(stream, engine="openpyxl") as book:
            for name, table in sheets.items():
                _as_text(table).to_excel(book, sheet_name=name, index=False, freeze_panes=(1, 0))
    except Exception as reason:  # of lxml, if openpyxl has it: of its own kind, named as in libxml2
        if isinstance(reason, OSError) or str(reason).startswith("IO_"):
            raise MachineError(f"the workbook cannot be written ({reason})") from None
        raise
    return stream.getvalue(), left_out


def _tables(results: Results) -> list[str]:
    """Name the files that are tables; of a table in two formats, one."""
    names = [n for n in results.manifest["tables"] if n.endswith((".parquet", ".csv"))]
    return [n for n in names if n.endswith(".parquet") or f"{n[:-4]}.parquet" not in names]


def _as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table in which no text is taken for a formula, and times bear no zone."""

    def safe(value: object) -> object:
        return f"'{value}" if isinstance(value, str) and value.startswith("=") else value

    texts = [name for name in table if getattr(table[name].dtype, "kind", "O") == "O"]
    return table.assign(**{str(n): table[n].astype(object).map(safe) for n in texts})


def _about(results: Results) -> pd.DataFrame:
    rows = [
        (key, value if isinstance(value, str | int | float) else json.dumps(value))
        for key, value in results.manifest.items()
        if key != "tables"
    ]
    return pd.DataFrame(rows, columns=["what", "value"])


def _columns(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    return pd.DataFrame(
        {"table": PurePath(path).stem, **field}
        for path, table in tables.items()
        for field in fields(table)
    )


QUANTILES = (0.025, 0.05, 0.25, 0.5, 0.75, 0.95, 0.975)
HUB = ("entries", "exits", "stock_persons", "queue_cars", "departures")


def hub_quantiles(results: Results) -> bytes:
    """Return quantiles by day and place as hubs of forecasts exchange them (hubverse).

    Parameters
    ----------
    results : Results
        A run with draws of its parameters, else with replications.

    Returns
    -------
    bytes
        CSV: ``origin_date``, ``target``, ``location``, ``target_end_date``, ``output_type``
        (quantile), ``output_type_id``, ``value``.

    Raises
    ------
    ResultsError
        If they are of another kind, or there is one run only, of which there are no quantiles.

    Notes
    -----
    Columns and their meaning: hubverse documentation, "Model output", schema version 6; its rules
    are checked by ``tests/test_hub.py``.
    """
    if results.kind != "run":
        raise ResultsError(f"a hub takes the quantiles of a run; this is a {results.kind}")
    drawn = results.optional("posterior")
    daily = results.table("daily") if drawn is None else drawn
    if daily["replication"].nunique() < 2:
        raise ResultsError(
            "quantiles need several runs; make it again with --posterior 50 or --replications 50"
        )
    daily = daily[daily["measure"].isin(HUB) & ~daily["place_kind"].isin(("region", "group"))]
    by = ["measure", "place_id", "date"]
    found = daily.groupby(by, observed=True)["value"].quantile(np.array(QUANTILES)).reset_index()
    dates = pd.to_datetime(found["date"]).dt.strftime("%Y-%m-%d")
    out = pd.DataFrame(
        {
            "origin_date": results.scenario.horizon.start.strftime("%Y-%m-%d"),
            "target": found["measure"].astype(str),
            "location": found["place_id"].astype(str),
            "target_end_date": dates,
            "output_type": "quantile",
            "output_type_id": found[f"level_{len(by)}"],
            "value": found["value"],
        }
    )
    return csv_bytes(out, float_format="%.10g")


def hub_name(results: Results) -> str:
    """Return the name of a hub's file: the day of origin, the team, the model."""
    model = re.sub(r"\W", "_", results.scenario.name)
    return f"{results.scenario.horizon.start:%Y-%m-%d}-flowsim-{model}.csv"


CRATE = "ro-crate-metadata.json"
MEDIA = {
    "csv": "text/csv",
    "json": "application/json",
    "parquet": "application/vnd.apache.parquet",
    "yaml": "application/yaml",
}


def crate(results: Results) -> bytes:
    """Return the description of a results folder as a research object (RO-Crate 1.1).

    Parameters
    ----------
    results : Results
        In a folder, which becomes a crate when ``CRATE`` lies in it.

    Returns
    -------
    bytes
        JSON-LD: the files with their hashes, flowsim as the software that made them, from which
        scenarios and when.

    Notes
    -----
    https://w3id.org/ro/crate/1.1
    """
    manifest = results.manifest
    files = [
        {
            "@id": name,
            "@type": "File",
            "encodingFormat": MEDIA.get(name.rpartition(".")[2], "text/plain"),
            "sha256": digest,
        }
        for name, digest in manifest["tables"].items()
    ]
    inputs = [{"@id": name} for name in manifest["tables"] if name.endswith(".yaml")]
    outputs = [{"@id": name} for name in manifest["tables"] if not name.endswith(".yaml")]
    software = {"@id": "#flowsim", "@type": "SoftwareApplication", "name": "flowsim"}
    made = {
        "@id": "#made",
        "@type": "CreateAction",
        "name": f"flowsim {manifest['kind']}",
        "instrument": {"@id": software["@id"]},
        "object": inputs,
        "result": outputs,
        "startTime": manifest.get("started", ""),
    }
    whole = {
        "@id": "./",
        "@type": "Dataset",
        "name": str(manifest.get("title") or results.scenario.title),
        "description": f"Results of a {manifest['kind']} of flowsim, an agent-based model.",
        "datePublished": str(manifest.get("started", ""))[:10],
        "license": "see LICENSE and LICENSE-data of flowsim for the model and its data",
        "hasPart": [{"@id": one["@id"]} for one in files],
        "mentions": {"@id": made["@id"]},
    }
    about = {
        "@id": CRATE,
        "@type": "CreativeWork",
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        "about": {"@id": "./"},
    }
    version = str(manifest.get("versions", {}).get("flowsim", ""))
    graph = [about, whole, made, software | {"version": version}, *files]
    context = "https://w3id.org/ro/crate/1.1/context"
    return (json.dumps({"@context": context, "@graph": graph}, indent=1) + "\n").encode()
