"""Sensitivity of one output: Sobol, Morris, PAWN, regression, effects on grids.

The first three are SALib's, on means over the replications. SALib trusts the order and the
completeness of the rows it is given; here both are looked at first.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from flowsim.sweep.drawing import problem
from flowsim.sweep.responses import CONFIDENCE, CONSTANT, PAIR, Response, Row, nothing, symmetric
from flowsim.types import Floats

Rows = npt.NDArray[np.int64]
Found = list[tuple[str, Floats, Floats]]

SEED = 20220921  # SALib takes 0 for "no seed"
BOOTSTRAP: dict[str, Any] = {"num_resamples": 400, "conf_level": CONFIDENCE, "seed": SEED}
WIDE = 0.1
FEW_TRAJECTORIES = 10
SLICES, FEW_PER_SLICE = 10, 8
PAWN_RESAMPLES = 40
TOGETHER = 1e6
POOR = 0.7


def sobol(given: Response) -> list[Row]:
    """Return first-order and total indices with bootstrapped intervals (Saltelli et al. 2010).

    ``S1`` and ``ST`` are SALib's, of the means over the replications: what is left of chance
    lowers S1 and raises ST. With two replications or more, ``S1_effect`` and ``ST_effect`` are
    those of the expected output, free of that bias (products and squares of differences
    are corrected by the covariance between replications, so shared draws do no harm).
    ``S2`` is of pairs, where the design has second order. Blocks of the design in which a point
    has no value are left out.
    """
    blocks, why = saltelli(given)
    if blocks is None:
        return nothing(given.names, "S1", why)
    whole, remark = _whole(given, blocks, "blocks")
    n, kept = len(whole), given.y[whole]
    if n < 2 or np.ptp(kept.mean(axis=2)) == 0:
        why = CONSTANT if n >= 2 else f"fewer than two whole blocks; {remark}"
        return nothing(given.names, "S1", why, n)
    found = _salib_sobol(given.names, kept.mean(axis=2))
    rows = [
        symmetric(name, index, value, half, n, _quality(value, half, n))
        for index, values, halves in found
        for name, value, half in zip(given.names, values, halves, strict=True)
    ]
    if given.n_replications > 1:
        rows += _of_expected_output(given.names, kept, found)
    return [*rows, *_pairs(given.names, kept.mean(axis=2)), *_sums(found, n, remark)]


def _whole(given: Response, rows: Rows, what: str) -> tuple[Rows, str]:
    """Return the blocks or trajectories in which every point has a value, and how many have not."""
    whole = np.asarray(given.whole[rows].all(axis=1))
    lost = int((~whole).sum())
    remark = f"{lost} of {len(whole)} {what} left out: {given.missing()}" if lost else ""
    return rows[whole], remark


def saltelli(given: Response) -> tuple[Rows | None, str]:
    """Return the rows of each block of a Saltelli design, shape (N, D + 2 or 2 D + 2), or why not.

    A block is A, A with one column of B for each parameter (then B with one of A), and B.
    """
    n_points, d = given.x.shape
    for step in (d + 2, 2 * d + 2):
        if n_points == 0 or n_points % step:
            continue
        rows = np.arange(n_points).reshape(-1, step)
        x = given.x[rows]
        a, b = x[:, :1], x[:, -1:]
        own = np.eye(d, dtype=bool)[None]
        expected = [a, np.where(own, b, a), b]
        if step > d + 2:
            expected.insert(2, np.where(own, a, b))
        if np.array_equal(x, np.concatenate(expected, axis=1)):
            return rows, ""
    return None, "the points are not a whole Sobol (Saltelli) design in its own order"


def _salib_sobol(names: tuple[str, ...], y: Floats) -> Found:
    """Return (index, values, half widths) of S1 and ST; y has shape (N, rows of a block)."""
    found = _analysed(names, y[:, [*range(len(names) + 1), -1]], second=False)
    return [(i, np.asarray(found[i]), np.asarray(found[f"{i}_conf"])) for i in ("S1", "ST")]


def _pairs(names: tuple[str, ...], y: Floats) -> list[Row]:
    """Return S2 of each pair, if the design has the rows for it; y as in ``_salib_sobol``."""
    if y.shape[1] == len(names) + 2:
        return []
    found = _analysed(names, y, second=True)
    return [
        symmetric(PAIR.join((names[i], names[j])), "S2", value, half, len(y), note)
        for i, j in itertools.combinations(range(len(names)), 2)
        for value, half in [(float(found["S2"][i, j]), float(found["S2_conf"][i, j]))]
        for note in [_quality(value, half, len(y))]
    ]


def _analysed(names: tuple[str, ...], y: Floats, second: bool) -> Any:
    from SALib.analyze import sobol as salib

    return salib.analyze(problem(names), y.ravel(), calc_second_order=second, **BOOTSTRAP)


def _of_expected_output(names: tuple[str, ...], y: Floats, found: Found) -> list[Row]:
    """Return the indices of E[output | parameters]; y has shape (N, rows of a block, R)."""
    n, _, r = y.shape
    d = len(names)
    y = y - y.mean()  # as SALib does: what is far from 0 makes S1 needlessly uncertain
    a, ab, b = y[:, 0], y[:, 1 : d + 1], y[:, -1]
    both = np.concatenate([a, b])
    alone = both - both.mean(axis=0)  # what chance does to all points together is no noise
    variance = both.mean(axis=1).var() - (alone.var(axis=1, ddof=1) / r).mean()
    if variance <= 0:
        why = "chance hides whatever the parameters do; add replications"
        return [row for index, _, _ in found for row in nothing(names, f"{index}_effect", why, n)]
    step = ab - a[:, None]
    first = _product(np.broadcast_to(b[:, None], step.shape), step).mean(axis=0) / variance
    total = 0.5 * _product(step, step).mean(axis=0) / variance
    wider = both.mean(axis=1).var() / variance
    return [
        symmetric(name, f"{index}_effect", value, half, n, _quality(value, half, n))
        for (index, _, halves), values in zip(found, (first, total), strict=True)
        for name, value, half in zip(names, values, wider * halves, strict=True)
    ]


def _product(one: Floats, two: Floats) -> Floats:
    """Estimate E[one] E[two] over replications (the last axis) without bias."""
    r = one.shape[-1]
    means = one.mean(axis=-1), two.mean(axis=-1)
    deviations = (one - means[0][..., None]) * (two - means[1][..., None])
    return means[0] * means[1] - deviations.sum(axis=-1) / (r * (r - 1))


def _quality(value: float, half: float, n: int) -> str:
    notes = []
    if half > WIDE:
        notes.append(f"interval wider than ±{WIDE:g}: too few samples ({n})")
    if value < 0:
        notes.append("below 0: sampling error, read as 0")
    if value - half > 1:
        notes.append("above 1: too few samples")
    return "; ".join(notes)


def _sums(found: Found, n: int, remark: str) -> list[Row]:
    """Return the sums over the parameters: of S1 at most 1, of ST at least 1."""
    rows = []
    for index, values, halves in found:
        total, half = float(values.sum()), float(np.sqrt((halves**2).sum()))
        notes = [remark] if remark else []
        if (index == "S1" and total - half > 1) or (index == "ST" and total + half < 1):
            side = "above" if index == "S1" else "below"
            notes.append(f"a sum {side} 1 is impossible: too few samples")
        rows.append(symmetric("(all)", f"sum_{index}", total, half, n, "; ".join(notes)))
    return rows


def morris(given: Response, levels: int = 4) -> list[Row]:
    """Return mean absolute effect, mean and spread of elementary effects (Morris 1991).

    In units of the output for a parameter's whole range. ``noise`` is the mean absolute
    effect that chance alone gives a parameter without any: what does not exceed it, is not
    seen. Trajectories in which a point has no value are left out.
    """
    from SALib.analyze import morris as salib

    rows, why = trajectories(given)
    if rows is None:
        return nothing(given.names, "mu_star", why)
    whole, remark = _whole(given, rows, "trajectories")
    n, kept = len(whole), given.at(whole.ravel())
    if n < 2:
        return nothing(given.names, "mu_star", f"fewer than two whole trajectories; {remark}", n)
    found = salib.analyze(problem(given.names), kept.x, kept.mean, num_levels=levels, **BOOTSTRAP)
    few = f"only {n} trajectories" if n < FEW_TRAJECTORIES else ""
    table = []
    for j, name in enumerate(given.names):
        value, half = float(found["mu_star"][j]), float(found["mu_star_conf"][j])
        table.append(symmetric(name, "mu_star", value, half, n, few))
        table += [Row(name, index, float(found[index][j]), n=n) for index in ("mu", "sigma")]
    if given.n_replications > 1:
        table += _floor(kept, levels)
    lost = float(len(rows) - n)
    return table + ([Row("(all)", "left_out", lost, n=n, note=remark)] if lost else [])


def pawn(given: Response) -> list[Row]:
    """Return PAWN indices: how far the distribution of an output moves with a parameter.

    Median over ``SLICES`` slices of a parameter of the Kolmogorov-Smirnov distance between the
    output in the slice and the output everywhere (Pianosi and Wagener 2018); it also sees what
    regression does not, a parameter that widens, or works both ways. ``pawn_floor`` is what a
    parameter that does nothing would show: the same of shuffled values. Nothing with too few
    points, or where a parameter is no number.
    """
    from SALib.analyze import pawn as salib

    kept = given.at(given.whole)
    n = len(kept.x)
    if n < FEW_PER_SLICE * SLICES or np.ptp(kept.mean) == 0 or not all(kept.ordered):
        return []

    def medians(x: Floats, y: Floats) -> Floats:
        return np.asarray(salib.analyze(problem(kept.names), x, y, S=SLICES, seed=SEED)["median"])

    rng = np.random.default_rng(SEED)
    shuffled = np.column_stack([rng.permutation(column) for column in kept.x.T])
    floor = float(medians(shuffled, kept.mean).max())
    drawn = [rng.integers(0, n, n) for _ in range(PAWN_RESAMPLES)]
    again = np.array([medians(kept.x[rows], kept.mean[rows]) for rows in drawn])
    low, high = np.quantile(again, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=0)
    rows = [Row("(all)", "pawn_floor", floor, n=n)]
    for j, (name, value) in enumerate(zip(kept.names, medians(kept.x, kept.mean), strict=True)):
        note = "no more than a parameter that does nothing" if value <= floor else ""
        rows.append(Row(name, "pawn", float(value), float(low[j]), float(high[j]), n, note))
    return rows


def trajectories(given: Response) -> tuple[Rows | None, str]:
    """Return the rows of each trajectory of a Morris design, shape (r, D + 1), or why not.

    From a row to the next one parameter moves, and every parameter moves once; one with few
    values may stand still.
    """
    n_points, d = given.x.shape
    if n_points and n_points % (d + 1) == 0:
        rows = np.arange(n_points).reshape(-1, d + 1)
        moved = np.diff(given.x[rows], axis=1) != 0
        if (moved.sum(axis=1) <= 1).all() and (moved.sum(axis=2) <= 1).all():
            return rows, ""
    return None, "the points are not a whole Morris design in its own order"


def _floor(kept: Response, levels: int) -> list[Row]:
    """Return the mean absolute elementary effect that chance gives, by parameter."""
    n, r, d = len(kept.x) // (len(kept.names) + 1), kept.n_replications, len(kept.names)
    moved = np.diff(kept.x.reshape(n, d + 1, d), axis=1) != 0
    step = np.diff(kept.y.reshape(n, d + 1, r), axis=1)
    variance = step.var(axis=2, ddof=1) / r
    delta = levels / (2 * (levels - 1))
    spread = np.sqrt(np.einsum("ns,nsj->j", variance, moved) / n) / delta
    return [
        Row(name, "noise", float(np.sqrt(2 / np.pi) * s), n=n)
        for name, s in zip(kept.names, spread, strict=True)
    ]


# -- of grids, hypercubes and tables: from the low to the high end of each parameter


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
