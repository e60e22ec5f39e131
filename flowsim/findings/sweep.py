"""What a sweep found, in a few lines of plain words."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from flowsim.findings.naming import label_of, output_label
from flowsim.sweep.folder import SweepResults
from flowsim.sweep.sensitivity import WHICH

MOST = 6
STRENGTH = ("ST", "mu_star", "share", "src")
"""Indices by which parameters are put in order, whichever the design has."""


def headline(swept: SweepResults) -> str:
    """Return how far each output ranges over the points, and which parameter moves it most."""
    lines = [_counts(swept), *_ranges(swept)]
    return "\n".join(lines)


def _counts(swept: SweepResults) -> str:
    told = swept.manifest
    runs, failed = told["runs"], told["failed"]
    scenarios = len(told["scenarios"])
    where = f"{scenarios} scenarios, " if scenarios > 1 else ""
    lost = f"; {failed:,} of them failed" if failed else ""
    points, replications = told["points"], told["replications"]
    return (
        f"{told['title']}: {where}{points:,} point{'s' * (points != 1)}, {replications} "
        f"replication{'s' * (replications > 1)} each, {runs:,} run{'s' * (runs != 1)}{lost}."
    )


def _ranges(swept: SweepResults) -> Iterator[str]:
    """Return a line for each output at each place, averaged over replications."""
    titles = {output.name: output for output in swept.sweep.outputs}
    scenario = swept.sweep.bases[0].scenario
    groups = list(swept.results.groupby(WHICH, observed=True, sort=False))
    for (base, name, place), rows in groups[:MOST]:
        means = rows.groupby("point")["value"].mean().dropna()
        if means.empty:
            continue
        output = titles[str(name)]
        said = output.title or output_label(output.measure, str(place), scenario)
        of = f" ({base})" if len(swept.sweep.bases) > 1 else ""
        low, high = (_number(value) for value in (means.min(), means.max()))
        span = low if len(means) == 1 else f"{low} to {high}"
        strongest = _strongest(swept, str(base), str(name), str(place))
        most = f", moved most by {_named(swept, strongest)}" if strongest else ""
        most += _chance(swept, str(base), str(name), str(place))
        yield f"  {said[:1].upper()}{said[1:]}{of}: {span}{most}"
    if len(groups) > MOST:
        yield f"  ... and {len(groups) - MOST} more in results.parquet"


def _named(swept: SweepResults, parameter: str) -> str:
    title = swept.sweep.parameters[parameter].title
    return title or label_of(parameter, swept.sweep.bases[0].scenario)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _strongest(swept: SweepResults, scenario: str, output: str, place: str) -> str:
    """Return the parameter with the largest index; empty if there is none to compare."""
    if len(swept.sweep.parameters) < 2:
        return ""
    mine = _indices(swept, scenario, output, place)
    mine = mine[mine["parameter"].isin(list(swept.sweep.parameters))]
    for index in STRENGTH:
        rows = mine[mine["index"] == index].set_index("parameter")
        sizes = pd.to_numeric(rows["value"]).abs().dropna()
        if len(sizes) and sizes.max() > 0:
            return str(sizes.idxmax())
    return ""


def _chance(swept: SweepResults, scenario: str, output: str, place: str) -> str:
    """Return how much of what differs between points chance makes; empty if that is not known."""
    rows = _indices(swept, scenario, output, place)
    share = pd.to_numeric(rows[rows["index"] == "noise_of_mean"]["value"]).dropna()
    if share.empty:
        return ""
    return f"; chance makes {100 * share.iloc[0]:.2g} % of what differs between points"


def _indices(swept: SweepResults, scenario: str, output: str, place: str) -> pd.DataFrame:
    """Return the indices of one output; no rows if there are none."""
    table = swept.indices
    if table is None:
        return pd.DataFrame(columns=["parameter", "index", "value"])
    mine = (table["scenario"] == scenario) & (table["output"] == output)
    return table[mine & (table["place_id"] == place)]
