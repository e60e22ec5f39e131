"""What results say at one setting: each output there, and against the scenario as it stands."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from flowsim.findings.naming import SHARES, title
from flowsim.findings.pairs import first, pairs
from flowsim.findings.ranges import ends, ranged
from flowsim.findings.sweep import label_of
from flowsim.findings.words import between, capital, quantity, share, signed
from flowsim.results.comparison import Comparison
from flowsim.results.sweep import SweepResults
from flowsim.sweep.file import sweep_of
from flowsim.sweep.sensitivity import WHICH
from flowsim.types import Floats

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
Key = tuple[str, int]


def of_sweep(swept: SweepResults, own: Mapping[str, int]) -> dict[Key, tuple[str, ...]]:
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


def of_comparison(found: Comparison) -> list[tuple[str, ...]]:
    """Return what each scenario changes against the first, for which nothing changes."""
    own = f"“{title(found.scenario)}” is what the others are compared with."
    return [(own,), *(first(pair, "pair").sentences for pair in pairs(found))]
