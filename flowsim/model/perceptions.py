"""Perceptions are news: men learn of waits and checks late and smoothed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from flowsim.types import Floats


def smooth(perceived: Floats, newest: Floats, smoothing: float) -> Floats:
    """Move the perceived waits toward the newest ones, by the day.

    Parameters
    ----------
    perceived, newest : float64, shape (C,)
        Hours of waiting believed so far, and as last reported.
    smoothing : float
        Weight of the newest report, 0 to 1.

    Returns
    -------
    float64, shape (C,)
        Hours believed from now on (exponential smoothing).
    """
    return perceived + smoothing * (newest - perceived)


def visible_checks(visibility: Floats, size: Floats, country: npt.NDArray[np.int64]) -> Floats:
    """Return how visible checks are on the way to each destination.

    Parameters
    ----------
    visibility : float64, shape (T, C)
        Of the checks at each crossing, 0 to 1, by hour.
    size : float64, shape (C,)
        Size weights, adding up to 1 in each country.
    country : int64, shape (C,)
        Destination of each crossing.

    Returns
    -------
    float64, shape (T, J)
        Mean over the country's crossings, weighted by size.
    """
    n = int(country.max()) + 1
    out = np.zeros((len(visibility), n))
    for c, j in enumerate(country.tolist()):
        out[:, j] += visibility[:, c] * size[c]
    return out
