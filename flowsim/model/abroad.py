"""Abroad: men stay, move on or return; stayers bring family after a lag."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from flowsim.model.states import NEVER
from flowsim.scenario.clock import DAY
from flowsim.types import Floats


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
