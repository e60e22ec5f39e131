"""Leaving and choosing: utilities, pressure, and the moment at which a man leaves.

Pressure toward destination j grows in stratum s as ``panic * exp(V[s,j] / lambda) / T_ref``;
a man leaves when it passes his threshold (error over frailty) and j is available to him. For
constant ratios that is a logit between destinations and, with the positive stable frailty,
``P(left) = 1 - exp(-(sum_j L[s,j])**lambda)`` (ODD 7.2).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from flowsim.model.states import NEVER
from flowsim.scenario.clock import HOUR
from flowsim.scenario.schema import Choice
from flowsim.types import Bools, Floats, Ints


def generalised_hours(
    hours: Floats, wait: Floats, size: Floats, theta: float, omega: float
) -> Floats:
    """Return the logsum of travel and perceived waits over a country's crossings, in hours.

    ``h = -(1/theta) ln sum_c a[c] exp(-theta (travel[r,c] + omega wait[c]))``

    Parameters
    ----------
    hours : float64, shape (R, C)
        Journey from each region to each crossing.
    wait : float64, shape (C,)
        Perceived wait, hours.
    size : float64, shape (C,)
        Size weights; 0 where closed.
    """
    cost = hours + omega * wait
    open_ = size > 0
    if not open_.any():
        return np.full(len(hours), 1e3)
    nearest = cost[:, open_].min(axis=1)
    inside = size[open_] * np.exp(-theta * (cost[:, open_] - nearest[:, None]))
    return nearest - np.log(inside.sum(axis=1)) / theta


def base_utility(
    choice: Choice,
    destinations: tuple[str, ...],
    strata: dict[str, Ints],
    relative_call_up: Floats,
) -> Floats:
    """Return the part of V that does not change with time.

    Parameters
    ----------
    strata : dict of int64, each shape (S,)
        Region, age, educated and liable of each stratum.
    relative_call_up : float64, shape (R,)
        Call-up per man of each region against the nation's.

    Returns
    -------
    float64, shape (S, J)
    """
    man = (
        choice.beta_age.by_age[strata["age"]]
        + choice.beta_education.value * strata["educated"]
        + choice.beta_liable.value * strata["liable"]
        + choice.kappa.value * np.log(relative_call_up)[strata["region"]]
    )
    constant = np.array([choice.constant[name].value for name in destinations])
    return man[:, None] + constant


def utility(
    base: Floats,
    strata: dict[str, Ints],
    hours: Floats,
    visible_checks: Floats,
    co_regionals: Floats,
    choice: Choice,
) -> Floats:
    """Return V of a day.

    Parameters
    ----------
    base : float64, shape (S, J)
        From ``base_utility``.
    hours : float64, shape (R, J)
        Generalised hours.
    visible_checks : float64, shape (J,)
        From 0 to 1.
    co_regionals : float64, shape (R, J)
        Expected men of the region in j per 1,000 men.
    """
    by_region = choice.beta_network.value * np.log1p(co_regionals)
    by_region = by_region - choice.beta_road.value * hours
    risk = choice.beta_risk.value * np.arange(2)[:, None] * visible_checks
    return base + by_region.take(strata["region"], axis=0) - risk.take(strata["liable"], axis=0)


@dataclass
class Pressure:
    """Pressure of every stratum toward every destination, and the leavers it implies.

    Attributes
    ----------
    level : float64, shape (S, J)
        L, whether or not the destination is available.
    acting : float64, shape (S,)
        A, the part of it that could act: gathered while available, or released by reopening.
    pent_up : float64, shape (S, J)
        Gathered while unavailable.
    expected : float64, shape (S, J)
        Expected leavers of the nation so far.
    """

    level: Floats
    acting: Floats
    pent_up: Floats
    expected: Floats
    _known: tuple[Floats | None, float, Floats] = field(
        default=(None, 0.0, np.zeros(0)), repr=False, compare=False
    )

    @classmethod
    def at_rest(cls, n_strata: int, n_destinations: int) -> Pressure:
        """Start without any pressure."""
        shape = (n_strata, n_destinations)
        return cls(np.zeros(shape), np.zeros(n_strata), np.zeros(shape), np.zeros(shape))

    def grow(
        self, rate: Floats, panic: float, acting: Floats, opened: Bools, men: Floats, index: float
    ) -> None:
        """Let a day pass: raise the pressure and count the leavers it implies.

        Parameters
        ----------
        rate : float64, shape (S, J)
            ``exp(V / lambda) / T_ref``, per day of panic.
        panic : float
            Panic of the day, in days.
        acting : float64, shape (S, J)
            Panic of those hours in which each destination is available, in days.
        opened : bool, shape (S, J)
            Whether the destination is available at any hour of the day.
        men : float64, shape (S,)
            Expected men not removed by call-up.
        index : float
            lambda.
        """
        gain = rate * acting + np.where(opened, self.pent_up, 0.0)
        self.pent_up = np.where(opened, 0.0, self.pent_up) + rate * (panic - acting)
        whole = _sum_of_columns(gain)
        stayed = self._staying(index)
        self.acting = self.acting + whole
        left = men * (stayed - self._staying(index))
        per_gain = np.divide(left, whole, out=np.zeros_like(left), where=whole > 0)
        self.expected = self.expected + per_gain[:, None] * gain
        self.level = self.level + rate * panic

    def _staying(self, index: float) -> Floats:
        """Return the probability of having stayed so far, ``exp(-A**lambda)``, shape (S,)."""
        acting, known, staying = self._known
        if acting is not self.acting or known != index:
            staying = np.exp(-(self.acting**index))
            self._known = (self.acting, index, staying)
        return staying


def _sum_of_columns(table: Floats) -> Floats:
    """Add up each row, left to right: quicker than NumPy's for few columns and many rows."""
    total = table[:, 0]
    for column in table.T[1:]:
        total = total + column
    return total


def felt(level: Floats) -> npt.NDArray[np.float32]:
    """Return levels as thresholds feel them: a man is passed when ``threshold <= felt(level)``."""
    return level.astype(np.float32)


def sort_keys(
    stratum: npt.NDArray[np.integer], threshold: npt.NDArray[np.float32]
) -> npt.NDArray[np.uint64]:
    """Return keys that sort men by stratum, then threshold (bits of positive floats keep order)."""
    bits = np.ascontiguousarray(threshold, dtype=np.float32).view(np.uint32)
    return (stratum.astype(np.uint64) << np.uint64(32)) | bits


class Thresholds:
    """Men in the order in which growing levels pass their thresholds, by group.

    One ``searchsorted`` of the groups' levels a day finds everybody who is passed.

    Parameters
    ----------
    group : integer array, shape (N,)
        Group (stratum) of each man, 0 to ``n_groups - 1``.
    threshold : float32, shape (N,)
        Non-negative thresholds.
    level : float64, shape (G,)
        Levels already passed.
    """

    def __init__(
        self,
        group: npt.NDArray[np.integer],
        threshold: npt.NDArray[np.float32],
        level: Floats,
    ) -> None:
        keys = sort_keys(group, threshold)
        self._order = np.argsort(keys).astype(np.uint32)
        self._keys = keys[self._order]
        self._groups = np.arange(len(level), dtype=np.uint64) << np.uint64(32)
        self._passed = self._places(level)

    def _places(self, level: Floats) -> npt.NDArray[np.intp]:
        keys = self._groups | felt(level).view(np.uint32)
        return np.searchsorted(self._keys, keys, side="right")

    def advance(self, level: Floats) -> npt.NDArray[np.int64]:
        """Return the rows of the men passed since the last call, shape (n,)."""
        passed = self._places(level)
        n = passed - self._passed
        some = np.flatnonzero(n)
        start = np.repeat(self._passed[some] - (np.cumsum(n[some]) - n[some]), n[some])
        self._passed = passed
        return self._order[start + np.arange(len(start))].astype(np.int64)


def wait_for_opening(
    since: Ints,
    passport: Ints,
    spread: Ints,
    available: Bools,
    next_available: Ints,
    lead: int,
) -> Ints:
    """Return when men whose wish is blocked can act on it: spread after a reopening.

    Parameters
    ----------
    since : int64, shape (N,)
        Second of the wish, at which the destination is not available.
    passport : int64, shape (N,)
        1 with a passport, else 0.
    spread : int64, shape (N,)
        Seconds after the reopening at which each would leave.
    available, next_available : shape (H, 2)
        Whether the destination is available without and with passport, and from each row
        on the first row in which it is.
    lead : int
        Row of the horizon's first hour.

    Returns
    -------
    int64, shape (N,)
        Seconds; ``NEVER`` if that lies beyond the horizon.
    """
    at, last = since, len(available) - 1
    waiting = np.ones(len(at), dtype=bool)
    while waiting.any():
        opens = next_available[np.minimum(lead + at // 3600, last), passport]
        at = np.where(waiting, np.minimum((opens - lead) * 3600 + spread, NEVER), at)
        row = lead + at // 3600
        waiting = waiting & (row <= last) & ~available[np.minimum(row, last), passport]
    return np.where(lead + at // 3600 > last, NEVER, at)


def first_wishes(
    man: npt.NDArray[np.integer],
    leaves_at: npt.NDArray[np.integer],
    passed_at: npt.NDArray[np.integer],
) -> Ints:
    """Return the place of each man's wish that comes first: in leaving, then in being passed.

    All arguments have the shape (N,), one entry for each wish; the result has one for each man,
    in ascending order of men.
    """
    order = np.lexsort((passed_at, leaves_at, man))
    sorted_men = man[order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = sorted_men[1:] != sorted_men[:-1]
    return order[first]


def departure_moments(threshold: Floats, before: Floats, after: Floats, panic: Floats) -> Floats:
    """Return the moment of the day at which each man's threshold is passed.

    Within a day utilities are frozen, so pressure grows with the panic integral and the
    moment follows by inverting it (ODD 7.2; Sellke 1983).

    Parameters
    ----------
    threshold : float64, shape (N,)
        Of men whose threshold lies between the two pressures.
    before, after : float64, shape (N,)
        Pressure of each man's stratum at the start and at the end of the day.
    panic : float64, shape (24,)
        Panic of each hour, in days.

    Returns
    -------
    float64, shape (N,)
        Whole seconds since midnight, 0 <= t < 86,400.
    """
    integral = np.concatenate([[0.0], np.cumsum(panic)])
    share = np.clip((threshold - before) / (after - before), 0.0, 1.0)
    hours = np.interp(share * integral[-1], integral, np.arange(25.0))
    return np.clip(np.round(hours * HOUR), 0, 24 * HOUR - 1)
