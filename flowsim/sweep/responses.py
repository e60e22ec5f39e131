"""What a sweep gave, as arrays: parameters by point, one output by point and replication."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import gammaincinv

from flowsim.types import Floats, Ints

CONFIDENCE = 0.95
SOME = 8
UNMOVED = "identical in every run: the output does not depend on it"
CONSTANT = "the output never changes"
NOISE = ("noise_of_run", "noise_of_mean")


@dataclass(frozen=True)
class Row:
    """One line of the table of indices (columns as in ``sensitivity.COLUMNS``)."""

    parameter: str
    index: str
    value: float
    low: float = math.nan
    high: float = math.nan
    n: int = 0
    note: str = ""


def nothing(names: Iterable[str], index: str, why: str, n: int = 0) -> list[Row]:
    """Return the lines of an index of which nothing can be said, and why."""
    return [Row(name, index, math.nan, n=n, note=why) for name in names]


PAIR = " × "
"""Between the two parameters of an index of a pair."""


def symmetric(name: str, index: str, value: float, half: float, n: int, note: str = "") -> Row:
    """Return the line of an index with an interval as wide on both sides."""
    return Row(name, index, value, value - half, value + half, n, note)


@dataclass(frozen=True)
class Response:
    """One output at every point of a design, in the order of the design.

    Attributes
    ----------
    names : tuple of str
        Parameters, dotted keys, D of them.
    x : float64, shape (P, D)
        Their values; of a parameter that is no number, the rank of its value in the design.
    ordered : tuple of bool
        Whether a parameter is a number.
    y : float64, shape (P, R)
        Output by point and replication; NaN where a run failed or gave no value. Replication r
        shares its draws at every point.
    points : int64, shape (P,)
        Numbers of the points, as in the tables.
    """

    names: tuple[str, ...]
    x: Floats
    ordered: tuple[bool, ...]
    y: Floats
    points: Ints

    @property
    def n_replications(self) -> int:
        """Number of replications, R."""
        return int(self.y.shape[1])

    @property
    def mean(self) -> Floats:
        """Mean over the replications, shape (P,); NaN if one of them is missing."""
        return self.y.mean(axis=1)

    @property
    def whole(self) -> npt.NDArray[np.bool_]:
        """Whether a point has a value in every replication, shape (P,)."""
        return np.asarray(np.isfinite(self.y).all(axis=1))

    def at(self, chosen: npt.NDArray[Any]) -> Response:
        """Return the same with some of the points only."""
        return replace(self, x=self.x[chosen], y=self.y[chosen], points=self.points[chosen])

    def missing(self) -> str:
        """Name the points without a value; empty if there are none."""
        lost = self.points[~self.whole]
        if not lost.size:
            return ""
        names = ", ".join(str(point) for point in lost[:SOME])
        more = f" and {lost.size - SOME} more" if lost.size > SOME else ""
        return f"no value at {'point' if lost.size == 1 else 'points'} {names}{more}"


def response(design: pd.DataFrame, values: pd.DataFrame, n_replications: int) -> Response:
    """Put one output beside the design.

    Parameters
    ----------
    design : DataFrame
        One row a point, index its number, one column a parameter.
    values : DataFrame
        Columns point, replication, value; rows in any order, those of failed runs missing.
    """
    columns = [numbers(design[name]) for name in design.columns]
    table = by_replication(design, values, n_replications)
    return Response(
        names=tuple(str(name) for name in design.columns),
        x=np.column_stack(columns) if columns else np.empty((len(design), 0)),
        ordered=tuple(is_number(design[name]) for name in design.columns),
        y=table.to_numpy(dtype=np.float64),
        points=design.index.to_numpy(dtype=np.int64),
    )


def by_replication(design: pd.DataFrame, values: pd.DataFrame, n_replications: int) -> pd.DataFrame:
    """Return one output by point (rows) and replication (columns); failed runs are NaN."""
    table = values.pivot(index="point", columns="replication", values="value")
    return table.reindex(index=design.index, columns=range(n_replications))


def unmoved(given: Response) -> set[str]:
    """Return the parameters that the output does not feel.

    At points that differ in such a parameter alone the output is the same in every replication,
    to the last bit. Without such points nothing is said of a parameter.
    """
    kept, found = given.at(given.whole), set()
    for j, name in enumerate(kept.names):
        others = np.column_stack([np.zeros(len(kept.x)), np.delete(kept.x, j, axis=1)])
        group = np.unique(others, axis=0, return_inverse=True)[1].ravel()
        moves = pd.Series(kept.x[:, j]).groupby(group).nunique() > 1
        values = pd.DataFrame(kept.y).groupby(group).nunique()
        if moves.any() and (values[moves] == 1).all(axis=None):
            found.add(name)
    return found


def is_number(column: pd.Series[Any]) -> bool:
    """Return whether every value of a parameter is a number (not yes or no, and not none)."""
    is_bool = pd.api.types.is_bool_dtype(column)
    return bool(pd.api.types.is_numeric_dtype(column) and not is_bool and column.notna().all())


def numbers(column: pd.Series[Any]) -> Floats:
    """Return the values of a parameter; of what is no number, its place in order of appearance."""
    if is_number(column):
        return column.to_numpy(dtype=np.float64)
    return pd.factorize(column.astype(str))[0].astype(np.float64)


def noise(given: Response) -> list[Row]:
    """Separate what chance does from what parameters do, by an analysis of variance.

    Replication r shares its draws at all points, so points by replications are a two-way
    layout: chance moves all points together (which no comparison of points notices) and
    each by itself (which it does). ``noise_of_run`` is the share of both in the variance of
    a single run; ``noise_of_mean`` the share of the second in the variance, between points, of
    the means over R replications. Intervals come from the scatter of the replications, with
    the points as given (chi-squared, Satterthwaite's degrees of freedom).
    """
    kept = given.at(given.whole)
    n_points, n = kept.y.shape if kept.y.size else (0, given.n_replications)
    whose = "(replications)"
    between, shift, rest = _mean_squares(kept.y) if n > 1 and n_points > 1 else (0.0, 0.0, 0.0)
    if between <= 0 and shift <= 0:
        few = "fewer than two points with all replications" if n_points < 2 else CONSTANT
        alone = "one replication: what chance does cannot be told from what parameters do"
        why = alone if n < 2 else few
        return [row for index in NOISE for row in nothing([whose], index, why, n)]
    effect = max(0.0, (between - rest) / n)
    within = (shift + (n_points - 1) * rest) / n_points
    parts = ((shift / n_points) ** 2 + (n_points - 1) * (rest / n_points) ** 2) / (n - 1)
    freedom = within**2 / parts if parts > 0 else np.inf
    low, high = _scaled(within, freedom)
    rows = [_share(whose, NOISE[0], [v / (v + effect) for v in (within, low, high)], n)]
    if between <= 0:
        return [*rows, *nothing([whose], NOISE[1], "the points do not differ", n)]
    low, high = _scaled(rest, (n_points - 1) * (n - 1))
    ratios = [v / between for v in (rest, low, high)]
    return [*rows, _share(whose, NOISE[1], ratios, n)]


def _mean_squares(y: Floats) -> tuple[float, float, float]:
    """Mean squares of a two-way layout without repetition: points, replications, the rest."""
    n_points, n = y.shape
    total = y.mean()
    by_point, by_replication = y.mean(axis=1), y.mean(axis=0)
    between = n * float(((by_point - total) ** 2).sum()) / (n_points - 1)
    shift = n_points * float(((by_replication - total) ** 2).sum()) / (n - 1)
    residual = y - by_point[:, None] - by_replication[None, :] + total
    rest = float((residual**2).sum()) / ((n_points - 1) * (n - 1))
    tiny = 1e-24 * float((y**2).mean())
    between, shift, rest = (0.0 if v < tiny else v for v in (between, shift, rest))
    return between, shift, rest


def _scaled(variance: float, freedom: float) -> tuple[float, float]:
    """Interval of a variance estimated with some degrees of freedom."""
    if not np.isfinite(freedom):
        return variance, variance
    tail = (1 - CONFIDENCE) / 2
    low, high = 2 * gammaincinv(freedom / 2, [1 - tail, tail])
    return variance * freedom / float(low), variance * freedom / float(high)


def _share(whose: str, index: str, shares: Sequence[float], n: int) -> Row:
    value, low, high = (min(1.0, float(share)) for share in shares)
    note = ""
    if index == "noise_of_mean" and value > 0.1:
        note = "chance is a good part of what differs between points; add replications"
    return Row(whose, index, value, low, high, n, note)
