"""How sure a mean is, and how much surer a difference of pairs is than one of strangers."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from flowsim.types import Floats

LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean over replications and Student's interval about it.

    Attributes
    ----------
    mean, low, high, sd : float64, shape (...)
        The interval and the standard deviation are NaN with fewer than two replications.
    n : int64, shape (...)
        Replications that had a value.
    """

    mean: Floats
    low: Floats
    high: Floats
    sd: Floats
    n: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Paired:
    """Means of the same men in two worlds, their difference, and what pairing is worth.

    Attributes
    ----------
    a, b : float64, shape (...)
        Means over the pairs.
    difference : Interval
        Of ``b - a``.
    variance_factor : float64, shape (...)
        ``(var(a) + var(b)) / var(b - a)``: how many times more replications with seeds of
        their own would be needed for the same interval. NaN where the difference never varies.
        Of few replications it is mostly chance (``results.comparison.ENOUGH``).
    """

    a: Floats
    b: Floats
    difference: Interval
    variance_factor: Floats


def interval(values: Floats, level: float = LEVEL) -> Interval:
    """Return the mean over replications and its interval, ``mean -+ t[n-1] sd / sqrt(n)``.

    Parameters
    ----------
    values : float64, shape (R, ...)
        One row for each replication; NaN where it has no value.
    level : float
        Chance that such an interval holds the true mean, if means are nearly normal.
    """
    known = np.isfinite(values)
    n = known.sum(axis=0)
    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # no value, or one alone: NaN is right
        some = np.where(known, values, np.nan)
        mean = np.nanmean(some, axis=0)
        sd = np.where(n > 1, np.nanstd(some, axis=0, ddof=1), np.nan)
        half = stdtrit(np.maximum(n - 1, 1), (1 + level) / 2) * sd / np.sqrt(n)
    return Interval(mean, mean - half, mean + half, sd, n)


def paired(a: Floats, b: Floats, level: float = LEVEL) -> Paired:
    """Compare two worlds replication by replication.

    Parameters
    ----------
    a, b : float64, shape (R, ...)
        Row r of both shares its men and draws. A pair counts where both have a value.
    """
    both = np.isfinite(a) & np.isfinite(b)
    of_a, of_b = (interval(np.where(both, x, np.nan), level) for x in (a, b))
    difference = interval(np.where(both, b - a, np.nan), level)
    apart = of_a.sd**2 + of_b.sd**2
    together = difference.sd**2
    varies = together > 1e-20 * apart  # less is rounding
    factor = np.divide(apart, together, out=np.full_like(apart, np.nan), where=varies)
    return Paired(of_a.mean, of_b.mean, difference, factor)
