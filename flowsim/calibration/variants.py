"""Other inputs and missing mechanisms: the same draws run again, and the fit made anew.

A variant is run at draws of the posterior with the same chance as the prediction runs, so the
difference to them is smooth. It is learnt as a straight line in the parameters and added to
the emulator; the posterior is sampled again. What then still cannot be met is what the
mechanism was for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pandas as pd

from flowsim.calibration import posterior as posteriors
from flowsim.calibration.file import Calibration
from flowsim.calibration.waves import Fit
from flowsim.types import Floats

RIDGE = 3.0
BEST = 0.05  # quantile of the misfit that stands for the best fit, safe against luck


@dataclass(frozen=True)
class Shifted:
    """The emulator plus a straight line; picklable.

    Attributes
    ----------
    slope : float64, shape (P, T)
    constant : float64, shape (T,)
    """

    fit: Fit
    slope: Floats
    constant: Floats

    def __call__(self, unit: Floats) -> Floats:
        """Return the expected figures of the variant, shape (N, T)."""
        return self.fit.emulator(unit) + unit @ self.slope + self.constant


def shift(fit: Fit, unit: Floats, before: Floats, after: Floats) -> tuple[Shifted, Floats]:
    """Learn the difference that a variant makes; give it with its own error, shape (T,).

    Parameters
    ----------
    unit : float64, shape (N, P)
    before, after : float64, shape (N, T)
        Figures of paired runs.
    """
    sound = np.isfinite(after).all(axis=1) & np.isfinite(before).all(axis=1)
    unit, difference = unit[sound], (after - before)[sound]
    centre, mean = unit.mean(axis=0), difference.mean(axis=0)
    square = (unit - centre).T @ (unit - centre) + RIDGE * np.eye(unit.shape[1])
    slope = np.linalg.solve(square, (unit - centre).T @ (difference - mean))
    rest = difference - mean - (unit - centre) @ slope
    return Shifted(fit, slope, mean - centre @ slope), np.asarray(rest.std(axis=0))


def refit(
    calibration: Calibration, fit: Fit, emulator: Shifted, error: Floats, steps: int
) -> tuple[Floats, Floats]:
    """Sample the posterior of a variant; draws in the cube (N, P) and their misfit (N,)."""
    rng = np.random.default_rng([calibration.file.seed, 80])
    targets = fit.targets
    everything = np.sqrt(targets.error**2 + fit.emulated**2 + error**2)
    likelihood = replace(fit.likelihood(), emulator=emulator, error=everything)
    start = posteriors.start_from(fit.unit, fit.misfit, rng)
    draws, logs = posteriors.sample(likelihood, start, steps, rng)
    return draws.reshape(-1, draws.shape[2]), -2 * logs.reshape(-1)


def variant_row(
    calibration: Calibration,
    fit: Fit,
    whole: Floats,
    unit: Floats,
    pairs: tuple[pd.DataFrame, pd.DataFrame],
    steps: int,
) -> dict[str, object]:
    """Describe one variant: what it does as it is, and after fitting anew.

    Parameters
    ----------
    whole : float64, shape (N, P)
        Draws of the baseline's posterior, in the cube.
    unit : float64, shape (M, P)
        Points of the paired runs.
    pairs : two DataFrames of M rows
        Runs of the baseline and of the variant.
    """
    targets = fit.targets
    before, after = (targets.scaled(runs) for runs in pairs)
    emulator, error = shift(fit, unit, before, after)
    draws, misfit = refit(calibration, fit, emulator, error, steps)
    z = (np.nanmedian(after, axis=0) - targets.observed) / targets.error
    moved = (np.median(draws, axis=0) - np.median(whole, axis=0)) / whole.std(axis=0)
    most = int(np.abs(moved).argmax())
    refitted = np.median(emulator(draws[:: max(1, len(draws) // 500)]), axis=0)
    return {
        "misfit_as_it_is": float((z**2).sum()),
        "misfit_refitted": float(np.quantile(misfit, BEST)),
        **targets.worst(refitted),
        "moves_most": calibration.names[most],
        "by_sd": float(moved[most]),
    }


def departures(
    before: pd.DataFrame, after: pd.DataFrame, windows: Mapping[str, tuple[datetime, datetime]]
) -> dict[str, float]:
    """Return how the answer changes, as it is: median ratios of paired runs, by country.

    ``departures``: men who set off; of each window (name: first, last day): entries.
    """
    out = {}
    for column in map(str, before.columns):
        if column.startswith("departures|"):
            country = column.split("|")[1]
            out[f"departures_{country}"] = _ratio(before[[column]], after[[column]])
            for name, ends in windows.items():
                days = [f"entries|{country}|{day:%Y-%m-%d}" for day in pd.date_range(*ends)]
                if set(days) <= set(before.columns):
                    out[f"{name}_{country}"] = _ratio(before[days], after[days])
    return out


def _ratio(before: pd.DataFrame, after: pd.DataFrame) -> float:
    return float(np.median(after.sum(axis=1).to_numpy() / before.sum(axis=1).to_numpy()))
