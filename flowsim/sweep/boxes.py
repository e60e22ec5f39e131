"""Which inputs lead to an outcome: boxes in the space of the parameters, found by peeling.

The patient rule induction method (Friedman and Fisher 1999) peels a little off one side of one
parameter at a time, the side that leaves the outcome the densest. Of the boxes on the way, one is
taken by coverage (how many of the cases it holds) and density (how many of its points are cases;
Bryant and Lempert 2010). A limit that a coin might have drawn is taken away again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from flowsim.errors import ResultsError
from flowsim.results.sweep import SweepResults
from flowsim.sweep.file import sweep_of
from flowsim.sweep.responses import is_number
from flowsim.sweep.sensitivity import points
from flowsim.types import Bools, Floats

PEEL = 0.05  # of the points in the box, a step
LEAST = 0.05  # of all points, in the smallest box
FEWEST = 8  # points in the smallest box, and cases and others of a search
DOUBTFUL = 0.05
"""A side stays if chance would make the box so dense without it less often than this (binomial)."""


@dataclass(frozen=True)
class Limit:
    """Where a box ends along one parameter.

    Attributes
    ----------
    low, high : float or None
        Of a number; None where the box reaches the end of what was tried.
    among : tuple
        Of what is no number: the values in the box.
    """

    low: float | None = None
    high: float | None = None
    among: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Boxed:
    """One box: how much of the outcome it holds, and what bounds it.

    Attributes
    ----------
    coverage : float
        Share of all cases that lie in it.
    density : float
        Share of its points that are cases.
    support : int
        Points in it.
    limits : mapping
        By parameter, those that are bounded.
    """

    coverage: float
    density: float
    support: int
    limits: Mapping[str, Limit] = field(default_factory=dict)


@dataclass(frozen=True)
class Discovery:
    """What leads to an outcome.

    Attributes
    ----------
    cases, points : float, int
        Points with the outcome (a point counts by the share of its replications), and all.
    output, place : str
        Of the outcome, as in the results.
    path : tuple of Boxed
        The boxes on the way, the largest first.
    box : Boxed
        The one taken.
    """

    cases: float
    points: int
    path: tuple[Boxed, ...]
    box: Boxed
    output: str = ""
    place: str = ""

    @property
    def share(self) -> float:
        """Share of all points that are cases."""
        return self.cases / self.points

    def table(self) -> pd.DataFrame:
        """Return the boxes on the way: coverage, density, points, parameters bounded."""
        rows = [(b.coverage, b.density, b.support, len(b.limits)) for b in self.path]
        return pd.DataFrame(rows, columns=["coverage", "density", "points", "bounded"])


def discover(
    swept: SweepResults,
    output: str,
    *,
    place: str | None = None,
    scenario: str | None = None,
    above: float | None = None,
    below: float | None = None,
) -> Discovery:
    """Find which values of the parameters lead to an output above or below a value.

    Parameters
    ----------
    swept : SweepResults
        Of a sweep with many points that fill the space of its parameters.
    output : str
        As ``measure`` of the results.
    place, scenario : str, optional
        Needed if the output has several.
    above, below : float
        One of them: what counts as a case.

    Returns
    -------
    Discovery

    Raises
    ------
    ResultsError
        If there is no such output, or there are too few cases or others to learn from.
    """
    if (above is None) == (below is None):
        raise ResultsError("say what counts as a case: either above or below a value")
    rows = _rows(swept, output, place, scenario)
    is_case = rows["value"] > above if above is not None else rows["value"] < below
    weight = is_case.astype(float).groupby(rows["point"]).mean()
    design = points(swept.runs, list(sweep_of(swept).parameters)).loc[weight.index]
    found = search(design, np.asarray(weight, dtype=np.float64))
    return replace(found, output=output, place=str(rows["place_id"].iloc[0]))


def search(design: pd.DataFrame, weight: Floats) -> Discovery:
    """Peel boxes off a design.

    Parameters
    ----------
    design : DataFrame, P rows
        A column a parameter: numbers, or names of cases.
    weight : float64, shape (P,)
        1 where the outcome came, 0 where it did not, between if in some replications only.
    """
    cases = float(weight.sum())
    if cases < FEWEST or len(weight) - cases < FEWEST:
        raise ResultsError(
            f"the outcome came at {cases:.3g} of {len(weight)} points; at least {FEWEST} with it "
            f"and {FEWEST} without it are needed to say what leads to it"
        )
    least = max(FEWEST, int(LEAST * len(weight)))
    inside = np.ones(len(weight), dtype=bool)
    path = [_boxed(design, weight, inside)]
    while path[-1].density < 1 and (left := _peeled(design, weight, inside, least)) is not None:
        inside = left
        path.append(_boxed(design, weight, inside))
    best = max(path, key=_balance)
    return Discovery(cases, len(weight), tuple(path), _sure(design, weight, best))


def _balance(box: Boxed) -> float:
    """Return the harmonic mean of coverage and density."""
    return 2 * box.coverage * box.density / max(box.coverage + box.density, 1e-12)


def _peeled(design: pd.DataFrame, weight: Floats, inside: Bools, least: int) -> Bools | None:
    """Take off the side that leaves the box the densest; None if it would become too small."""
    best: tuple[float, int] = (float(weight[inside].mean()), -1)
    found = None
    for left in _candidates(design, inside):
        n = int(left.sum())
        if least <= n < inside.sum() and (rank := (float(weight[left].mean()), n)) > best:
            best, found = rank, left
    return found


def _candidates(design: pd.DataFrame, inside: Bools) -> Iterator[Bools]:
    for name in design:
        column = design[name]
        if is_number(column):
            values = column.to_numpy(dtype=np.float64)
            low, high = np.quantile(values[inside], [PEEL, 1 - PEEL])
            # Where many points share the end, all of them go, or nothing would.
            first, last = values[inside].min(), values[inside].max()
            yield inside & (values >= low if low > first else values > first)
            yield inside & (values <= high if high < last else values < last)
        else:
            for value in dict.fromkeys(column[inside]):
                yield inside & (column != value).to_numpy()


def _boxed(
    design: pd.DataFrame,
    weight: Floats,
    inside: Bools,
    limits: Mapping[str, Limit] | None = None,
) -> Boxed:
    if limits is None:
        limits = {str(n): limit for n in design if (limit := _limit(design[n], inside)) is not None}
    held = float(weight[inside].sum())
    return Boxed(held / float(weight.sum()), held / inside.sum(), int(inside.sum()), limits)


def _limit(column: pd.Series, inside: Bools) -> Limit | None:
    """Return where a box ends along a parameter; half way to the nearest point outside."""
    if not is_number(column):
        among = tuple(dict.fromkeys(column[inside]))
        return Limit(among=among) if len(among) < column.nunique() else None
    values = column.to_numpy(dtype=np.float64)
    first, last = values[inside].min(), values[inside].max()
    under, over = values[values < first], values[values > last]
    low = None if len(under) == 0 else float((under.max() + first) / 2)
    high = None if len(over) == 0 else float((over.min() + last) / 2)
    return None if low is high is None else Limit(low, high)


def _within(design: pd.DataFrame, limits: Sequence[tuple[str, Limit]]) -> Bools:
    inside = np.ones(len(design), dtype=bool)
    for name, limit in limits:
        if limit.among:
            inside &= design[name].isin(limit.among).to_numpy()
            continue
        values = design[name].to_numpy(dtype=np.float64)
        inside &= values > (-np.inf if limit.low is None else limit.low)
        inside &= values < (np.inf if limit.high is None else limit.high)
    return inside


def _sure(design: pd.DataFrame, weight: Floats, box: Boxed) -> Boxed:
    """Take away sides of a box that chance may have drawn, the most doubtful first."""
    sides = [(name, side) for name, limit in box.limits.items() for side in _sides(limit)]
    while sides:
        doubts = [_by_chance(design, weight, sides, place) for place in range(len(sides))]
        if max(doubts) <= DOUBTFUL:
            break
        del sides[int(np.argmax(doubts))]
    return _boxed(design, weight, _within(design, sides), _joined(sides))


def _sides(limit: Limit) -> Iterator[Limit]:
    if limit.among:
        yield limit
    if limit.low is not None:
        yield Limit(low=limit.low)
    if limit.high is not None:
        yield Limit(high=limit.high)


def _joined(sides: Sequence[tuple[str, Limit]]) -> dict[str, Limit]:
    joined: dict[str, Limit] = {}
    for name, side in sides:
        other = joined.get(name, Limit())
        low = other.low if side.low is None else side.low
        high = other.high if side.high is None else side.high
        joined[name] = Limit(low, high, side.among)
    return joined


def _by_chance(
    design: pd.DataFrame, weight: Floats, sides: Sequence[tuple[str, Limit]], place: int
) -> float:
    """Return how often chance gives so many cases in the box if one side did nothing."""
    from scipy.stats import binom

    inside = _within(design, sides)
    without = _within(design, [*sides[:place], *sides[place + 1 :]])
    expected = float(weight[without].mean())
    return float(binom.sf(np.ceil(weight[inside].sum()) - 1, inside.sum(), expected))


def _rows(
    swept: SweepResults, output: str, place: str | None, scenario: str | None
) -> pd.DataFrame:
    """Return the values of one output at one place of one scenario, by point and replication."""
    rows = swept.results
    for column, wanted in (("measure", output), ("place_id", place), ("scenario", scenario)):
        there = list(dict.fromkeys(rows[column].astype(str)))
        if wanted is not None and wanted not in there:
            raise ResultsError(f"the sweep has no {column} {wanted}; it has {', '.join(there)}")
        if wanted is None and len(there) > 1:
            known = ", ".join(there)
            raise ResultsError(f"the sweep has more than one {column}; choose of {known}")
        rows = rows[rows[column].astype(str) == (there[0] if wanted is None else wanted)]
    return rows.dropna(subset=["value"])
