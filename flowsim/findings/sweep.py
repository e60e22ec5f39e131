"""What a sweep says: how far each output ranges over the points, and what moves it most.

Also what leads to an outcome (``leading_to``), and each output at one setting (``at_points``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from flowsim.findings.account import records
from flowsim.findings.finding import Finding, Table, tabulated, wrapped
from flowsim.findings.naming import SHARES, all_named, output_label
from flowsim.findings.published import WAITS
from flowsim.findings.ranges import SIMULATED, ends, lumpy, ranged, what_points_show
from flowsim.findings.words import between, capital, exact, listed, plural, quantity, share, signed
from flowsim.results.sweep import SweepResults
from flowsim.sweep.boxes import Discovery, Limit
from flowsim.sweep.file import sweep_of
from flowsim.sweep.responses import CONSTANT, PAIR, UNMOVED
from flowsim.sweep.sensitivity import WHICH
from flowsim.types import Floats

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
OF_INDICES = ["scenario", "output", "place_id"]  # which output a row of them is of
CHANCE = "noise_of_mean"
CHANCE_ALONE = 0.9  # of the spread; from there on no parameter is named as its cause
OWN_LAMBDA = (
    "Every point of this sweep has the lambda of its scenario. What the sweep says of diversion "
    "between destinations hangs on it."
)
MOST_BOXES = 8  # of the way that are shown
OF_BOXES = (
    "Shares of points, not probabilities: they depend on the ranges that the sweep tries. A limit "
    "is a description of these runs, not a cause."
)
OWN = "the scenario as it stands"
PUBLISHED = (
    f"Published figures count what happened: they may be held against {OWN}, never against a "
    "setting that did not happen."
)
NEAREST = "Each curve, number and sentence is of a simulated point, the nearest to the setting."
LINEAR = (
    "Between simulated points curves and bands are interpolated linearly; the sentences are those "
    "of the nearest simulated point."
)
Row = dict[str, Any]
Key = tuple[str, int]  # a scenario and a point


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
    labels, sweep = labels_of(swept), sweep_of(swept)
    indices = [] if swept.indices is None else records(swept.indices)
    for which, rows in swept.results.groupby(WHICH, observed=True, sort=False):
        base, name, place = map(str, which)
        means = rows.groupby("point")["value"].mean().dropna()
        if means.empty:
            continue
        label = label_of(swept, name, place)
        if [name, place] in swept.manifest.get("zero_by_construction", []):
            yield (
                f"{capital(label)} is 0 by construction: nothing in these scenarios makes it "
                "otherwise."
            )
            continue
        of = f" under {base}" if len(sweep.bases) > 1 else ""
        span = between(float(means.min()), float(means.max()), quantity)
        span = f"from {span}" if span else quantity(float(means.min()))
        own = [
            row for row in indices if [str(row[key]) for key in OF_INDICES] == [base, name, place]
        ]
        noise = next((row["value"] for row in own if row["index"] == CHANCE and _known(row)), 0.0)
        strongest = _strongest(own, labels) if noise < CHANCE_ALONE else ""
        moved = f", moved most by “{strongest}”" if strongest else ""
        doubt_too = " and doubt of the calibration" * bool(sweep.draws)
        chance = f" {capital(share(noise))} of the spread between points is chance{doubt_too}."
        still = [labels[name] for name in unmoving(own) if name in labels]
        yield (
            f"{capital(label)}{of}: {span} over {plural(len(means), 'point')}{moved}."
            + chance * (noise >= 0.01)
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


def _strongest(rows: list[Row], labels: dict[str, str]) -> str:
    """Return the parameter with the largest index; empty if there is none to compare."""
    for index in STRENGTH if len(labels) > 1 else ():
        sizes = {
            str(row["parameter"]): abs(float(row["value"]))
            for row in rows
            if row["index"] == index and row["parameter"] in labels and _known(row)
        }
        if sizes and max(sizes.values()) > 0:
            return labels[max(sizes, key=lambda name: sizes[name])]
    return ""


def unmoving(rows: list[Row]) -> list[str]:
    """Return the parameters that an output does not feel, from its indices."""
    noted = [(str(row["parameter"]), str(row["note"])) for row in rows]
    return list(dict.fromkeys(n for n, note in noted if UNMOVED in note or CONSTANT in note))


def _known(row: Row) -> bool:
    return isinstance(row["value"], int | float) and math.isfinite(row["value"])


# ------------------------------------------------------------------ tables


def design(swept: SweepResults) -> Finding:
    """Return the parameters of the design and the values that were tried."""
    labels = labels_of(swept)
    rows = []
    for name, varied in sweep_of(swept).parameters.items():
        tried = swept.runs[name].dropna().unique()
        keys = ", ".join(varied.keys or {}) or name
        rows.append((labels[name], keys, _values(list(tried)), f"{len(tried):,}"))
    heads = ("Parameter 2.0", "Key in the scenario 2.4", "Values 2.2", ">Number 0.8")
    table = tabulated(f"Parameters of the design ({swept.manifest['design']})", heads, rows)
    return Finding("design", "What was varied", (), (table,))


def _values(tried: list[Any]) -> str:
    numbers = pd.to_numeric(pd.Series(tried), errors="coerce")
    if len(tried) > 8 and numbers.notna().all():
        return f"{float(numbers.min()):g} to {float(numbers.max()):g}"
    ordered = sorted(tried, key=lambda value: (str(type(value)), value))
    return ", ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in ordered)


def sensitivity(swept: SweepResults) -> Finding:
    """Return a table of indices for each output."""
    found = () if swept.indices is None else swept.indices.groupby(OF_INDICES, sort=False)
    tables = (_table(swept, tuple(map(str, which)), records(rows)) for which, rows in found)
    kept = tuple(table for table in tables if table.rows)
    return Finding("sensitivity", "What moves the answer", (), kept)


def _table(swept: SweepResults, which: tuple[str, ...], found: list[Row]) -> Table:
    labels, (base, name, place) = labels_of(swept), which
    of = f", {base}" if len(sweep_of(swept).bases) > 1 else ""

    def parameters(row: Row) -> list[str]:
        """Return the parameter of an index, or both of a pair."""
        return str(row["parameter"]).split(PAIR)

    return tabulated(
        f"What moves {label_of(swept, name, place)}{of}",
        ("Parameter 1.8", "Index 2.2", ">Value 1.0", ">95 % interval 1.6", "Note 1.8"),
        (
            (
                " with ".join(labels[name] for name in parameters(row)),
                MEANINGS[str(row["index"])],
                quantity(float(row["value"])),
                between(float(row["low"]), float(row["high"]), quantity),
                row["note"] if isinstance(row["note"], str) else "",
            )
            for row in found
            if row["index"] in MEANINGS and set(parameters(row)) <= labels.keys() and _is_seen(row)
        ),
    )


def _is_seen(row: Row) -> bool:
    """Whether an index is known; of the many pairs only those that surely do something."""
    return _known(row) and (row["index"] != "S2" or row["low"] > 0)


def doubts(swept: SweepResults) -> tuple[str, ...]:
    """Return what this sweep cannot show."""
    parameters = sweep_of(swept).parameters.items()
    moved = {key for name, varied in parameters for key in (name, *(varied.keys or ()))}
    return () if "choice.lambda" in moved else (OWN_LAMBDA,)


# ------------------------------------------------------------------ what leads to an outcome


def leading_to(
    swept: SweepResults, found: Discovery, *, above: float | None = None, below: float | None = None
) -> Finding:
    """Return what leads to an output above or below a value, with the boxes on the way."""
    case = f"above {exact(above)}" if above is not None else f"below {exact(below or 0.0)}"
    what = f"{label_of(swept, found.output, found.place)} {case}"
    path = tabulated(
        "The larger the box, the more it holds and the less it says",
        (">coverage 1", ">density 1", ">points 1", ">parameters bounded 1"),
        (
            (share(box.coverage), share(box.density), f"{box.support:,}", f"{len(box.limits)}")
            for box in found.path[:: max(1, len(found.path) // MOST_BOXES)]
        ),
    )
    return Finding(
        "boxes", f"What leads to {what}", (where_it_came(swept, found, what), OF_BOXES), (path,)
    )


def where_it_came(swept: SweepResults, found: Discovery, what: str) -> str:
    """Return how often an outcome came, and where in the space of the parameters it did."""
    often = (
        f"{capital(what)}: at {quantity(found.cases)} of {plural(found.points, 'point')} "
        f"({share(found.share)})."
    )
    box, labels = found.box, labels_of(swept)
    if not box.limits:
        return f"{often} No range of a parameter leads to it more often than chance would have it."
    where = listed([f"{labels.get(name, name)} {span(of)}" for name, of in box.limits.items()])
    return (
        f"{often} {capital(share(box.coverage))} of these have {where} (coverage); of the "
        f"{plural(box.support, 'point')} that have, it came at {share(box.density)} (density)."
    )


def span(of: Limit) -> str:
    """Return a limit in words."""
    if of.among:
        return " or ".join(map(str, of.among))
    if of.low is None:
        return f"below {exact(of.high or 0.0)}"
    if of.high is None:
        return f"above {exact(of.low)}"
    return f"between {exact(of.low)} and {exact(of.high)}"


# ------------------------------------------------------------------ at one setting


def at_points(swept: SweepResults, own: Mapping[str, int]) -> dict[Key, tuple[str, ...]]:
    """Return a sentence for each output at each point.

    Parameters
    ----------
    own : mapping of str to int
        By scenario the point that changes nothing, if the design has one.

    Returns
    -------
    dict
        By scenario and point; without points at which every run failed.
    """
    said: dict[Key, list[str]] = {}
    measures = {output.name: output.measure for output in sweep_of(swept).outputs}
    for which, rows in swept.results.groupby(WHICH, observed=True, sort=False):
        base, name, place = (str(part) for part in which)
        cube = rows.pivot_table("value", "point", "replication", dropna=False)
        label = capital(label_of(swept, name, place))
        still = cube.loc[own[base]].to_numpy(float) if own.get(base) in cube.index else None
        for point, values in zip(cube.index, cube.to_numpy(float), strict=True):
            before = None if point == own.get(base) else still
            sentence = f"{label}: {_amount(values, before, measures[name] in SHARES)}."
            said.setdefault((base, int(point)), []).append(sentence)
    return {key: tuple(lines) for key, lines in said.items()}


def _amount(values: Floats, still: Floats | None, is_share: bool) -> str:
    """Write an output over replications, and the paired change against the scenario itself."""
    amount = ranged(values, share if is_share else quantity)
    change = np.full(1, np.nan) if still is None or is_share else values - still
    low, high = ends(change)
    if not np.isfinite(low):
        return amount
    if low == high == 0:
        return f"{amount}, exactly as in {OWN}"
    if low <= 0 <= high:
        doubt = f"{signed(low)} to {signed(high)}"
        return f"{amount}; whether these are more or fewer than in {OWN} is not certain ({doubt})"
    near, far = sorted((abs(low), abs(high)))
    span = between(near, far, quantity)
    size = quantity(abs(float(np.nanmean(change)))) + (f" ({span})" if span else "")
    return f"{amount}, {size} {'more' if low > 0 else 'fewer'} than in {OWN}"
