"""Abroad: men stay, move on or return; stayers bring family after a lag."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from flowsim.model.states import NEVER
from flowsim.scenario.clock import DAY, HOUR
from flowsim.scenario.timetable import WARM_UP
from flowsim.types import Bools, Floats, Ints


def ends_of_stay(arrived: Floats, rate: Floats, error: Floats) -> npt.NDArray[np.int32]:
    """Return the second at which a constant hazard ends each stay.

    Parameters
    ----------
    arrived : float64, shape (N,)
        Seconds since the horizon's start.
    rate : float64, shape (N,)
        Hazard per day; 0 never ends it.
    error : float64, shape (N,)
        Exponential of mean 1, addressed by man.

    Returns
    -------
    int32, shape (N,)
        Seconds since the horizon's start; ``NEVER`` if beyond what int32 holds.
    """
    with np.errstate(divide="ignore"):
        end = np.round(arrived + error / rate * DAY)
    return np.minimum(end, NEVER).astype(np.int32)


def when_open(at: Floats, crossing: Ints, closed: Bools) -> Floats:
    """Return when those who are in no queue cross: where it is shut to all, when it reopens.

    Parameters
    ----------
    at : float64, shape (N,)
        Seconds since the horizon's start.
    crossing : int64, shape (N,)
    closed : bool, shape (H, C)
        Whether a crossing is shut to all, by hour from the warm-up on.

    Returns
    -------
    float64, shape (N,)
        Seconds; ``NEVER``, or nearly, if it does not reopen.
    """
    never = NEVER // HOUR + WARM_UP
    opens = np.where(closed, never, np.arange(len(closed))[:, None])
    opens = np.minimum.accumulate(opens[::-1])[::-1]
    row = np.minimum(at // HOUR + WARM_UP, len(closed) - 1).astype(np.int64)
    shut, reopens = closed[row, crossing], (opens[row, crossing] - WARM_UP) * float(HOUR)
    return np.where(shut, reopens, at)
