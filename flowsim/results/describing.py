"""What every column of every table means, and in which unit: for programmes and for strangers.

``datapackage.json`` in a results folder says it by the Data Package standard (specs v1,
https://specs.frictionlessdata.io), so that tools which know nothing of flowsim can read the folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

PACKAGE = "datapackage.json"
Columns = Mapping[str, tuple[str, str]]
"""Unit and meaning by name."""

MEASURES: Columns = {
    "arrivals_at_border": ("persons", "reached the crossing in the period, ordinary travellers in"),
    "called_up": ("men", "called up since the announcement"),
    "cars_cleared": ("cars", "cleared outward in the period"),
    "checked": ("men", "checked by a task force or against a list in the period"),
    "crossings_out": ("persons", "crossed outward in the period"),
    "departures": ("men", "set off in the period"),
    "departures_expected": ("men", "set off in the period, as an expectation over the sample"),
    "educated_share": ("share", "of men with higher education among those who set off so far"),
    "enlisted": ("men", "called up who complied, since the announcement"),
    "entries": ("persons", "citizens of both sexes who entered in the period"),
    "entries_men": ("men", "of military age who entered in the period, ordinary travellers in"),
    "exits": ("persons", "citizens who left the country in the period"),
    "gave_up": ("men", "left a queue and went home in the period"),
    "involuntary_stayers": ("men", "want to go and cannot, at the end of the period"),
    "leavers_out": ("men", "who left because of the call-up and crossed outward in the period"),
    "limited": ("men", "stopped by an entry limit in the period"),
    "notices": ("men", "served a notice at the border in the period"),
    "notices_expected": ("men", "served a notice in the period, as an expectation"),
    "ordinary_before": ("persons", "ordinary travellers outward, at the level before the shock"),
    "ordinary_men_before": ("men", "men among them"),
    "ordinary_men_out": ("men", "men among the ordinary travellers who went outward"),
    "ordinary_out": ("persons", "ordinary travellers who crossed outward in the period"),
    "passport_share": ("share", "of men with a passport among those who set off so far"),
    "persons_both_ways": ("persons", "of all nationalities who crossed either way in the period"),
    "queue_cars": ("cars", "in the queue, at 09:00 by the scenario's clock in daily tables"),
    "queue_km": ("km", "length of the queue of cars"),
    "queue_on_foot": ("persons", "in the foot lane"),
    "queue_persons": ("persons", "in the queue, those on foot included"),
    "refused": ("men", "refused exit on the way out in the period"),
    "refused_entry": ("men", "refused entry by the destination in the period"),
    "registrations": ("persons", "registered as arriving in the period"),
    "stock_men": ("men", "newcomers present, at the end of the period"),
    "stock_ordinary": ("persons", "ordinary travellers present, at the end of the period"),
    "stock_persons": ("persons", "newcomers with their families present, at the end of the period"),
    "vehicles_both_ways": ("vehicles", "that crossed either way in the period"),
    "wait_hours": ("hours", "mean wait of those who reached the head in the period"),
    "wait_hours_cars": ("hours", "the same, of those in cars"),
    "wait_hours_on_foot": ("hours", "the same, of those on foot"),
    "wait_hours_p90": ("hours", "wait that one in ten of them exceeded"),
}
"""Of ``daily`` and ``hourly``: the unit of ``value`` where ``measure`` has this name."""

COLUMNS: Columns = {
    "a": ("", "scenario compared with"),
    "age": ("", "age band"),
    "all_high": ("as value", "end of the 90 % interval with all doubt, parameters included"),
    "all_low": ("as value", "beginning of the 90 % interval with all doubt"),
    "ard": ("share", "absolute difference to the published figure, of the figure"),
    "aspect": ("", "what a figure tests: total, timing or split"),
    "b": ("", "scenario that is compared"),
    "by": ("", "attribute by which men are grouped; all for all of them"),
    "by_sd": ("standard deviations", "by which the number that moves most does so"),
    "chance": ("as compared", "spread of repeated runs"),
    "coverage": ("share", "of intervals that hold the truth"),
    "covered": ("", "whether the interval holds the published figure"),
    "correlation": ("", "between two numbers, from -1 to 1"),
    "corrected": ("ratio", "as ratio, without what a sample is known to do"),
    "crps": ("as published", "continuous ranked probability score; 0 is perfect"),
    "date": ("day", "local day of the place"),
    "destination": ("", "destination, empty if none"),
    "difference": ("as value", "of the two scenarios, b less a, same men paired"),
    "draw": ("", "number of the draw of the parameters, from 0"),
    "draws": ("", "draws of the parameters behind the interval"),
    "educated": ("", "whether with higher education"),
    "effect": ("as unit", "of a policy, its Shapley value"),
    "emulator": ("as compared", "error of the emulator"),
    "error": ("", "message of a run that failed; or the error allowed to a figure"),
    "evenness": ("", "p value of even ranks"),
    "example": ("", "number of a man to whom it happened"),
    "figures": ("", "how many published figures"),
    "first": ("", "a number"),
    "first_in": ("as unit", "effect of a policy as the first of all"),
    "fitted": ("", "whether the fit saw the figure"),
    "from": ("time", "beginning of the window, local time of the figure"),
    "guess": ("", "which naive guess"),
    "high": ("as value", "end of the 90 % interval; of indices 95 %"),
    "how": ("", "how days become one number: sum, last, max, mean"),
    "id": ("", "published figure, as in the table of observations"),
    "index": ("", "which index of sensitivity"),
    "interval_score": ("as published", "width and penalty for what lies outside; 0 is perfect"),
    "is_input": ("", "whether the model was set from it: agreement is no evidence"),
    "key": ("", "hash of all that decides a run; or a dotted key"),
    "kind": ("", "of a variant"),
    "lambda": ("", "dissimilarity of the choice"),
    "last_in": ("as unit", "effect of a policy as the last of all"),
    "least": ("as unit", "least effect of a policy over all orders"),
    "left_out": ("", "figures left out of the fit"),
    "liable": ("", "whether liable to be called up"),
    "low": ("as value", "beginning of the 90 % interval; of indices 95 %"),
    "mean": ("as compared", "over repeated runs"),
    "mean_width": ("as published", "of intervals"),
    "measure": ("", "what is measured; units of measures stand under `measures`"),
    "median": ("as value", "over draws or runs"),
    "median_shrinkage": ("share", "by which a fit narrows the prior"),
    "men": ("men", "weighted to the nation"),
    "men_simulated": ("men", "in the sample"),
    "misfit_as_it_is": ("", "sum of squared z before the variant is fitted again"),
    "misfit_refitted": ("", "the same, fitted again"),
    "most": ("as unit", "greatest effect of a policy over all orders"),
    "moves_most": ("", "number that moves most"),
    "n": ("", "how many the value rests on: replications, points, trajectories"),
    "note": ("", "what must be known"),
    "observation": ("", "published figure, as in the table of observations"),
    "others_moved": ("", "how many other numbers moved by more than half a deviation"),
    "output": ("", "output of the sweep"),
    "parameter": ("", "dotted key or name of a parameter"),
    "passport": ("", "documents held"),
    "per_day": ("", "whether the published figure is a mean per day of its window"),
    "place_id": ("", "place: region, crossing, destination, group, or the nation"),
    "place_kind": ("", "nation, region, destination, crossing or group"),
    "point": ("", "number of the point of the design, from 0"),
    "policy": ("", "name of the policy"),
    "prior_high": ("as value", "end of the prior"),
    "prior_low": ("as value", "beginning of the prior"),
    "published": ("as unit", "what was published"),
    "rank": ("", "of the truth among draws"),
    "ratio": ("ratio", "simulated over published; of parameters, posterior over prior spread"),
    "reason": ("", "why a man could not go or was stopped"),
    "region": ("", "region, as ISO-like code"),
    "replication": ("", "number of the replication, or draw, from 0"),
    "role": ("", "fit, validate or context"),
    "run": ("", "number of the run, from 0"),
    "sample": ("share", "of the men simulated"),
    "scenario": ("", "name of the scenario"),
    "second": ("", "another number"),
    "share": ("share", "of the men in question"),
    "shrinkage": ("share", "by which a fit narrows the prior"),
    "sim_high": ("as published", "end of the interval of runs, without the error of the figure"),
    "sim_low": ("as published", "beginning of the interval of runs"),
    "simulated": ("as unit", "what the model gives"),
    "status": ("", "what became of a man; of a run, ok or failed"),
    "status_a": ("", "what became of a man in a"),
    "status_b": ("", "what became of a man in b"),
    "target": ("", "what is divided among policies"),
    "term": ("", "what in the law switched the men"),
    "time": ("hour", "beginning of the hour, the scenario's clock"),
    "title": ("", "name for readers"),
    "to": ("time", "end of the window, exclusive, local time of the figure"),
    "truth": ("", "number of the synthetic truth"),
    "truths": ("", "how many synthetic truths"),
    "unit": ("", "unit of published and simulated"),
    "value": ("as measure", "the value; of groups, the group"),
    "value_a": ("as measure", "mean of scenario a"),
    "value_b": ("as measure", "mean of scenario b"),
    "variance_factor": (
        "ratio",
        "variance without pairing, over that with it",
    ),
    "variant": ("", "name of the variant"),
    "verdict": ("", "identified, weakly or not identified"),
    "what": ("", "what the figure counts"),
    "who": ("", "model or naive guess"),
    "whole": ("as compared", "with all men"),
    "worst_figure": ("", "figure with the largest z"),
    "worst_z": ("standard errors", "its z"),
    "z": ("standard errors", "distance to what was published"),
    "z_corrected": ("standard errors", "as z, of corrected"),
    "z_without": ("standard errors", "z of figures that were left out"),
}
TYPES = {"b": "boolean", "i": "integer", "u": "integer", "f": "number", "M": "datetime"}
PARAMETER = "value of this parameter in the run or draw"
DATED = {"departures_": "men who set off", "october_": "men who set off from October on"}


def described(name: str) -> tuple[str, str]:
    """Return unit and meaning of a column; what is no column of flowsim's is a parameter."""
    for start, meaning in DATED.items():
        if name.startswith(start):
            return "men", f"{meaning} for {name.removeprefix(start)}"
    return COLUMNS.get(name, ("as the scenario states", PARAMETER))


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
            measure: {"unit": unit, "description": meaning}
            for measure, (unit, meaning) in MEASURES.items()
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
