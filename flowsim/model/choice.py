"""Leaving and choosing: utilities, and the pressure they make.

Pressure toward destination j grows in stratum s as ``panic * exp(V[s,j] / lambda) / T_ref``;
a man leaves when it passes his threshold (error over frailty) and j is available to him. For
constant ratios that is a logit between destinations and, with the positive stable frailty,
``P(left) = 1 - exp(-(sum_j L[s,j])**lambda)`` (ODD 7.2).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

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
    theta : float
        Per hour.
    omega : float
        Hours of journey that an hour of waiting weighs.

    Returns
    -------
    float64, shape (R,)
        Hours.
    """
    cost = np.asfortranarray(hours + omega * wait)  # added up crossing by crossing
    open_ = size > 0
    if not open_.all():
        cost, size = cost[:, open_], size[open_]
    if len(size) == 0:
        return np.full(len(hours), 1e3)
    nearest = cost.min(axis=1)
    inside = size * np.exp(-theta * (cost - nearest[:, None]))
    return nearest - np.log(inside.sum(axis=1)) / theta


def base_utility(
    choice: Choice,
    destinations: tuple[str, ...],
    strata: dict[str, Ints],
    relative_call_up: Floats,
    reach: Floats,
) -> Floats:
    """Compute the part of V that does not change with time.

    Parameters
    ----------
    strata : dict of int64, each shape (S,)
        Region, age, educated and liable of each stratum.
    relative_call_up : float64, shape (R,)
        Call-up per man of each region against the nation's.
    reach : float64, shape (R,)
        Share of each region's men who can leave it; rare leavers are times that, for P is L^lambda.

    Returns
    -------
    float64, shape (S, J)
    """
    with np.errstate(divide="ignore"):  # nobody leaves a region that none can leave
        rate = choice.kappa.value * np.log(relative_call_up) + np.log(reach)
    man = (
        choice.beta_age.by_age[strata["age"]]
        + choice.beta_education.value * strata["educated"]
        + choice.beta_liable.value * strata["liable"]
        + rate[strata["region"]]
    )
    constant = np.array([choice.constant[name].value for name in destinations])
    return man[:, None] + constant


def utility(
    base: Floats,
    strata: dict[str, Ints],
    by_region: Floats,
    checks: Floats,
) -> Floats:
    """Return V of a day.

    Parameters
    ----------
    base : float64, shape (S, J)
        From ``base_utility``.
    strata : dict of int64, each shape (S,)
        Region and liable of each stratum.
    by_region : float64, shape (R, J)
        What co-regionals abroad are worth, less the cost of generalised hours.
    checks : float64, shape (J,)
        Cost of visible checks to liable men.

    Returns
    -------
    float64, shape (S, J)
        Utility against staying.
    """
    risk = np.arange(2)[:, None] * checks
    return base + by_region.take(strata["region"], axis=0) - risk.take(strata["liable"], axis=0)


def rate(utility: Floats, index: float, reference: float) -> Floats:
    """Return the growth of pressure per day of panic, ``exp(V / lambda) / T_ref``.

    Parameters
    ----------
    utility : float64, shape (S, J)
        V.
    index : float
        lambda, in (0, 1].
    reference : float
        T_ref, days.

    Returns
    -------
    float64, shape (S, J)
        Per day.
    """
    return np.exp(utility / index) / reference


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
        self, rate: Floats, panic: Floats, acting: Floats, opened: Bools, men: Floats, index: float
    ) -> None:
        """Let a day pass: raise the pressure and count the leavers it implies.

        Parameters
        ----------
        rate : float64, shape (S, J)
            ``exp(V / lambda) / T_ref``, per day of panic.
        panic : float64, shape (J,)
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
