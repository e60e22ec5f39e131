"""What a sweep says: how far each output ranges over the points, and what moves it most."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from flowsim.findings.account import records
from flowsim.findings.finding import Finding, Table, wrapped
from flowsim.findings.naming import all_named, output_label
from flowsim.findings.published import WAITS
from flowsim.findings.ranges import SIMULATED, what_points_show
from flowsim.findings.waits import lumpy
from flowsim.findings.words import between, capital, listed, plural, quantity, share
from flowsim.results.sweep import SweepResults
from flowsim.sweep.file import sweep_of
from flowsim.sweep.responses import CONSTANT, PAIR, UNMOVED
from flowsim.sweep.sensitivity import WHICH

MOST = 6  # outputs of which a terminal shows the range
STRENGTH = ("ST", "mu_star", "share", "src")
"""Indices by which parameters are put in order, whichever the design has."""
MEANINGS = {
    "ST": "share of the spread it takes part in (Sobol, total)",
    "S1": "share of the spread it makes alone (Sobol, first)",
    "S2": "share of the spread that both make together (Sobol, second)",
    "mu_star": "mean size of a step's effect (Morris)",
    "sigma": "how much that effect varies (Morris)",
    "share": "share of the spread between points",
    "effect": "from its lowest to its highest value",
    "src": "standardised regression coefficient",
    "pawn": "how far the distribution moves with it (PAWN, 0 to 1)",
}
CHANCE = "noise_of_mean"
CHANCE_ALONE = 0.9  # of the spread; from there on no parameter is named as its cause
OWN_LAMBDA = (
    "Every point of this sweep has the lambda of its scenario. What the sweep says of diversion "
    "between destinations hangs on it."
)
Row = dict[str, Any]


def summary(swept: SweepResults) -> str:
    """Return what a sweep says, as a terminal shows it."""
    manifest = swept.manifest
    n = len(manifest["scenarios"])
    several = f"{n} scenarios, " if n > 1 else ""
    failed = f"; {manifest['failed']:,} of them failed" if manifest["failed"] else ""
    head = (
        f"{manifest['title']}: {several}{plural(manifest['points'], 'point')}, "
        f"{plural(manifest['replications'], 'replication')} each, "
        f"{plural(manifest['runs'], 'run')}{failed}. {doubt(swept)}"
    )
    found = list(ranges(swept))
    more = [f"... and {len(found) - MOST} more in results.parquet"] if len(found) > MOST else []
    return "\n".join([wrapped(head, ""), *map(wrapped, (*found[:MOST], *more))])


def answers(swept: SweepResults) -> list[Finding]:
    """Return how far each output ranges, all of them, and what must be known before."""
    said = Finding("ranges", "How far it ranges", tuple(ranges(swept)))
    return [said, Finding("sure", "How sure this is", (caution(swept),))]


def caution(swept: SweepResults) -> str:
    """Return what must be known before a range is quoted."""
    failed = int(swept.manifest["failed"])
    lost = f" {failed:,} runs failed and are missing from every number." if failed else ""
    each = plural(int(swept.manifest["replications"]), "replication")
    return (
        f"{SIMULATED} Each number is a mean over {each} at one point of the design; the spread "
        "between points comes from the values chosen to be tried, which say nothing of how "
        f"likely they are. {doubt(swept)}{lost}"
    )


def doubt(swept: SweepResults) -> str:
    """Return what the ranges over replications hold, and what a small sample forbids."""
    sweep = sweep_of(swept)
    shown = what_points_show(sweep.replications, min(len(sweep.draws), sweep.replications))
    has_waits = any(output.measure.startswith(WAITS) for output in sweep.outputs)
    return " ".join([shown, *(lumpy(sweep.sample) if has_waits else ())])


def independent(label: str, names: list[str]) -> str:
    """Return that an output is the same in every run whatever the value of some parameters."""
    what = f"{capital(label)} does not depend on {listed(names)} in this model"
    return f"{what}: identical in every run."


def ranges(swept: SweepResults) -> Iterator[str]:
    """Return how far each output ranges, which parameter moves it most, and what chance makes."""
    labels = labels_of(swept)
    for (base, name, place), rows in swept.results.groupby(WHICH, observed=True, sort=False):
        means = rows.groupby("point")["value"].mean().dropna()
        if means.empty:
            continue
        if [str(name), str(place)] in swept.manifest.get("zero_by_construction", []):
            label = capital(label_of(swept, str(name), str(place)))
            yield f"{label} is 0 by construction: nothing in these scenarios makes it otherwise."
            continue
        of = f" under {base}" if len(sweep_of(swept).bases) > 1 else ""
        span = between(float(means.min()), float(means.max()), quantity)
        span = f"from {span}" if span else quantity(float(means.min()))
        own = _indices_of(swept, str(base), str(name), str(place))
        strongest = _strongest(own, labels)
        still = [labels[name] for name in unmoving(own) if name in labels]
        label = label_of(swept, str(name), str(place))
        yield (
            f"{capital(label)}{of}: {span} over "
            f"{plural(len(means), 'point')}"
            + (f", moved most by “{strongest}”" if strongest and _noise(own) < CHANCE_ALONE else "")
            + f".{_chance(own, bool(sweep_of(swept).draws))}"
            + (f" {independent(label, still)}" if still else "")
        )


def labels_of(swept: SweepResults) -> dict[str, str]:
    """Return the names of the parameters in words, by key."""
    named = all_named(sweep_of(swept).parameters, sweep_of(swept).bases[0].scenario)
    return {name: one.label for name, one in named.items()}


def label_of(swept: SweepResults, name: str, place: str) -> str:
    """Return what an output of the sweep counts, and where."""
    output = next(output for output in sweep_of(swept).outputs if output.name == name)
    scenario = sweep_of(swept).bases[0].scenario
    return output.title or output_label(output.measure, place, scenario)


def _indices_of(swept: SweepResults, base: str, output: str, place: str) -> list[Row]:
    """Return the indices of one output; none if nothing could be said."""
    table = swept.indices
    if table is None:
        return []
    same = table["scenario"].eq(base) & table["output"].eq(output)
    return records(table[same & table["place_id"].astype(str).eq(place)])


def _strongest(rows: list[Row], labels: dict[str, str]) -> str:
    """Return the parameter with the largest index; empty if there is none to compare."""
    for index in STRENGTH if len(labels) > 1 else ():
        sizes = {
            str(row["parameter"]): abs(float(row["value"]))
            for row in rows
            if row["index"] == index and row["parameter"] in labels and _known(row["value"])
        }
        if sizes and max(sizes.values()) > 0:
            return labels[max(sizes, key=lambda name: sizes[name])]
    return ""


def unmoving(rows: list[Row]) -> list[str]:
    """Return the parameters that an output does not feel, from its indices."""
    noted = [(str(row["parameter"]), str(row["note"])) for row in rows]
    return list(dict.fromkeys(n for n, note in noted if UNMOVED in note or CONSTANT in note))


def _chance(rows: list[Row], drawn: bool) -> str:
    if _noise(rows) < 0.01:
        return ""
    doubt_too = " and doubt of the calibration" * drawn
    return f" {capital(share(_noise(rows)))} of the spread between points is chance{doubt_too}."


def _noise(rows: list[Row]) -> float:
    """Return which share of the spread between points is chance; 0 if it is not known."""
    noise = [row["value"] for row in rows if row["index"] == CHANCE and _known(row["value"])]
    return float(noise[0]) if noise else 0.0


def _known(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


# ------------------------------------------------------------------ tables


def design(swept: SweepResults) -> Finding:
    """Return the parameters of the design and the values that were tried."""
    labels = labels_of(swept)
    rows = []
    for name, varied in sweep_of(swept).parameters.items():
        tried = swept.runs[name].dropna().unique()
        keys = ", ".join(varied.keys or {}) or name
        rows.append((labels[name], keys, _values(list(tried)), f"{len(tried):,}"))
    table = Table(
        f"Parameters of the design ({swept.manifest['design']})",
        ("Parameter", "Key in the scenario", "Values", "Number"),
        tuple(rows),
        align="lllr",
        widths=(2.0, 2.4, 2.2, 0.8),
    )
    return Finding("design", "What was varied", (), (table,))


def _values(tried: list[Any]) -> str:
    numbers = pd.to_numeric(pd.Series(tried), errors="coerce")
    if len(tried) > 8 and numbers.notna().all():
        return f"{float(numbers.min()):g} to {float(numbers.max()):g}"
    ordered = sorted(tried, key=lambda value: (str(type(value)), value))
    return ", ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in ordered)


def sensitivity(swept: SweepResults) -> Finding:
    """Return a table of indices for each output."""
    tables = (
        []
        if swept.indices is None
        else [
            _table(swept, str(base), str(name), str(place), records(rows))
            for (base, name, place), rows in swept.indices.groupby(
                ["scenario", "output", "place_id"], sort=False
            )
        ]
    )
    kept = tuple(table for table in tables if table.rows)
    return Finding("sensitivity", "What moves the answer", (), kept)


def _table(swept: SweepResults, base: str, name: str, place: str, found: list[Row]) -> Table:
    labels = labels_of(swept)
    of = f", {base}" if len(sweep_of(swept).bases) > 1 else ""
    return Table(
        f"What moves {label_of(swept, name, place)}{of}",
        ("Parameter", "Index", "Value", "95 % interval", "Note"),
        tuple(
            (
                " with ".join(labels[name] for name in _names(row)),
                MEANINGS[str(row["index"])],
                quantity(float(row["value"])),
                between(float(row["low"]), float(row["high"]), quantity),
                row["note"] if isinstance(row["note"], str) else "",
            )
            for row in found
            if row["index"] in MEANINGS and set(_names(row)) <= labels.keys() and _is_seen(row)
        ),
        align="llrrl",
        widths=(1.8, 2.2, 1.0, 1.6, 1.8),
    )


def _names(row: Row) -> list[str]:
    """Return the parameter of an index, or both of a pair."""
    return str(row["parameter"]).split(PAIR)


def _is_seen(row: Row) -> bool:
    """Whether an index is known; of the many pairs only those that surely do something."""
    return _known(row["value"]) and (row["index"] != "S2" or row["low"] > 0)


def doubts(swept: SweepResults) -> tuple[str, ...]:
    """Return what this sweep cannot show."""
    moved = {
        key for name, v in sweep_of(swept).parameters.items() for key in (name, *(v.keys or ()))
    }
    return () if "choice.lambda" in moved else (OWN_LAMBDA,)
