"""Effects of the parameters of grids, hypercubes and tables, from their low to their high end."""

from __future__ import annotations

import itertools

import numpy as np
from scipy.special import stdtrit

from flowsim.sweep.responses import CONFIDENCE, CONSTANT, Response, Row, nothing, symmetric
from flowsim.types import Floats

TOGETHER = 1e6
POOR = 0.7


def regression(given: Response) -> list[Row]:
    """Return standardised regression coefficients, and the effect of each parameter's range.

    Least squares on the means, Student's intervals; parameters that are no numbers and have
    more than two values are left out. ``r2`` says how much of the output a plane explains.
    """
    kept = given.at(given.whole)
    remark = f"left out: {given.missing()}" if given.missing() else ""
    tried = [len(np.unique(column)) for column in kept.x.T]
    chosen = [j for j, n in enumerate(tried) if n == 2 or (n > 1 and kept.ordered[j])]
    n, k = len(kept.x), len(chosen)
    flat = bool(n) and bool(np.ptp(kept.mean) == 0)
    if n < k + 2 or not k or flat:
        why = CONSTANT if flat else f"too few points ({n}) for {k} parameters"
        notes = "; ".join(part for part in (why, remark) if part)
        return nothing(kept.names, "effect", notes, n)
    x, y = kept.x[:, chosen], kept.mean
    middle, scale = x.mean(axis=0), x.std(axis=0, ddof=1)
    z = (x - middle) / scale
    if np.linalg.cond(z) > TOGETHER:
        why = "parameters move together in this design: their effects cannot be told apart"
        return nothing([kept.names[j] for j in chosen], "effect", why, n)
    b, half, r2 = least_squares(z, y)
    poor = f"a plane explains only {100 * r2:.0f} % of the output" if r2 < POOR else ""
    rows = [Row("(all)", "r2", r2, n=n, note="; ".join(p for p in (poor, remark) if p))]
    spread = float(y.std(ddof=1))
    for place, j in enumerate(chosen):
        slope, width = float(b[place + 1]), float(half[place + 1])
        ends = (float(z[:, place].min()), float(z[:, place].max()))
        at = [float(b[0]) + slope * end for end in ends]
        rows += _effect(kept.names[j], at, width * (ends[1] - ends[0]), n, poor)
        low, high = (slope - width) / spread, (slope + width) / spread
        rows.append(Row(kept.names[j], "src", slope / spread, low, high, n))
    return rows


def least_squares(z: Floats, y: Floats) -> tuple[Floats, Floats, float]:
    """Fit a plane; give its coefficients (the constant first), their half widths, and R2."""
    n, k = z.shape
    full = np.column_stack([np.ones(n), z])
    b = np.asarray(np.linalg.lstsq(full, y, rcond=None)[0], dtype=np.float64)
    residual = y - full @ b
    left = float(residual @ residual)
    error = np.sqrt(left / (n - k - 1) * np.diag(np.linalg.inv(full.T @ full)))
    half = np.asarray(stdtrit(n - k - 1, (1 + CONFIDENCE) / 2) * error)
    return b, half, 1 - left / float(((y - y.mean()) ** 2).sum())


def main_effects(given: Response) -> list[Row]:
    """Return the effect of each parameter from its lowest to its highest value on a full grid.

    Means over all other parameters; intervals are Student's over the replications, each of
    which shares its draws at both ends. ``share`` is the part of the variance between
    points that the parameter's own levels make. A grid with gaps is refused.
    """
    if given.missing():
        why = f"left out: {given.missing()}; repeat with --retry-failed"
        return nothing(given.names, "effect", why, len(given.x))
    n, variance = given.n_replications, float(given.mean.var())
    rows = []
    for j, name in enumerate(given.names):
        values, place = np.unique(given.x[:, j], return_inverse=True)
        by_level = np.array([given.y[place == v].mean(axis=0) for v in range(len(values))])
        step = by_level[-1] - by_level[0]
        spread = float(step.std(ddof=1)) if n > 1 else float("nan")
        half = float(stdtrit(max(1, n - 1), (1 + CONFIDENCE) / 2)) * spread / np.sqrt(n)
        means = by_level.mean(axis=1)
        note = _shape(by_level, n)
        rows += _effect(name, [float(means[0]), float(means[-1])], half, n, note)
        weights = np.bincount(place) / len(place)
        own = float(weights @ (means - given.mean.mean()) ** 2)
        rows.append(Row(name, "share", own / variance if variance > 0 else float("nan"), n=n))
    return rows


def _shape(by_level: Floats, n: int) -> str:
    """Return if one replication leaves the interval open, or if the effect is not one-sided."""
    if n == 1:
        return "one replication: no interval"
    steps = np.diff(by_level, axis=0)
    error = 2 * steps.std(axis=1, ddof=1) / np.sqrt(n)
    sure = np.sign(steps.mean(axis=1)) * (abs(steps.mean(axis=1)) > error)
    both = (sure > 0).any() and (sure < 0).any()
    return "rises and falls in between: see the response curve" if both else ""


def _effect(name: str, at: list[float], half: float, n: int, note: str) -> list[Row]:
    step = at[1] - at[0]
    return [
        symmetric(name, "effect", step, half, n, note),
        Row(name, "at_low", at[0], n=n),
        Row(name, "at_high", at[1], n=n),
    ]


def is_full_grid(given: Response) -> bool:
    """Return whether the points are all combinations of their values, each once."""
    levels = [np.unique(column) for column in given.x.T]
    seen = {tuple(row) for row in given.x}
    return len(seen) == len(given.x) and seen == set(itertools.product(*levels))
