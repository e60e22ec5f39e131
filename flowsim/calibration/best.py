"""The point that a scenario file gets: fits well, and departs little from what is assumed.

A posterior is no single number. For the file a point is chosen near its middle: the least
misfit plus the squared distance to the medians in standard deviations, with what the figures
do not identify held at the value that the scenario assumes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import least_squares, minimize

from flowsim.calibration.file import Calibration
from flowsim.calibration.posterior import Likelihood
from flowsim.calibration.targets import Targets, simulated
from flowsim.experiments.simulate import simulate
from flowsim.results.observation import Observed
from flowsim.types import Floats

EDGE = 0.995  # of the cube; a value on the very bound would stop later fits
PULL = 0.5  # weight of the distance to the medians
POLISH_SAMPLE, POLISH_STEP, POLISH_TRIES = 0.1, 0.05, 12


def best_point(
    calibration: Calibration, likelihood: Likelihood, draws: Floats, held: dict[str, float]
) -> Floats:
    """Return values of all parameters, shape (P,).

    Parameters
    ----------
    draws : float64, shape (N, P)
        Of the posterior, in the cube.
    held : dict
        Values of parameters that do not move.
    """
    names = calibration.names
    middle, width = np.median(draws, axis=0), draws.std(axis=0)
    start = middle.copy()
    for name, value in held.items():
        place = names.index(name)
        values = calibration.values(start)
        values[place] = value
        start = calibration.unit(values)
    free = np.array([name not in held for name in names])
    if not free.any():
        return np.asarray(calibration.values(start))

    def cost(moving: Floats) -> float:
        unit = start.copy()
        unit[free] = moving
        pull = ((moving - middle[free]) / width[free]) ** 2
        return float(likelihood.misfit(unit[None])[0] + PULL * pull.sum())

    found = minimize(
        cost,
        np.clip(start[free], -EDGE, EDGE),
        method="L-BFGS-B",
        options={"ftol": 1e-14, "gtol": 1e-7, "maxfun": 200_000},  # or rounding would show in it
        bounds=[(-EDGE, EDGE)] * int(free.sum()),
    )
    start[free] = found.x
    return np.asarray(calibration.values(start))


def polished(
    calibration: Calibration, targets: Targets, start: Floats, fixed: dict[str, Any]
) -> tuple[Floats, float]:
    """Improve a point by least squares on real runs, where an emulator is too coarse.

    Parameters
    ----------
    start : float64, shape (P,)
        Values.
    fixed : dict
        Scenario changes that hold in every run.

    Returns
    -------
    values : float64, shape (P,)
    misfit : float
        Sum of squared standardised differences of the real run there.
    """
    figures = tuple(calibration.figures.values())
    shares = {n: f.share_of for n, f in calibration.file.observations.items() if f.share_of}

    def differences(unit: Floats) -> Floats:
        changes = calibration.changes(calibration.values(unit)) | fixed | {"sample": POLISH_SAMPLE}
        observed = Observed(simulate(calibration.base.variant(changes)))
        runs = pd.DataFrame([simulated(observed, figures, shares)])
        return np.asarray((targets.scaled(runs)[0] - targets.observed) / targets.error)

    found = least_squares(
        differences,
        np.clip(calibration.unit(start), -EDGE, EDGE),
        bounds=(-1, 1),
        diff_step=POLISH_STEP,
        x_scale=0.3,
        max_nfev=POLISH_TRIES,
    )
    return np.asarray(calibration.values(found.x)), float(2 * found.cost)
