"""Published figures as a vector, and how far a run may be from each.

Men, companions and ordinary traffic are put together by ``flowsim.results.observation``; here the
figures get their scale (log, or points for a share) and their error: that of the source and
that of a model at its best (discrepancy). Simulation noise and the emulator's own error are
added where they are known.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from flowsim.calibration.file import Calibration, Fitted
from flowsim.data.rows import Observation
from flowsim.results.measures import places
from flowsim.results.observation import Observed
from flowsim.scenario.observing import figures_of
from flowsim.scenario.schema import Scenario
from flowsim.types import Floats

SMALLEST = 1.0  # a count below one is as good as none on a log scale


@dataclass(frozen=True)
class Targets:
    """The figures of a fit, in the order of the file.

    Attributes
    ----------
    ids : tuple of str
    published : float64, shape (T,)
        As the source gives them; a share where the target is one.
    observed : float64, shape (T,)
        On the scale of comparison.
    error : float64, shape (T,)
        Standard error on that scale: source and discrepancy.
    """

    ids: tuple[str, ...]
    fitted: tuple[Fitted, ...]
    figures: tuple[Observation, ...]
    published: Floats
    observed: Floats
    error: Floats

    def scaled(self, runs: pd.DataFrame) -> Floats:
        """Put simulated numbers on the scale of comparison, shape (N, T)."""
        columns = []
        for name, fitted in zip(self.ids, self.fitted, strict=True):
            values = runs[name].to_numpy(dtype=np.float64)
            if fitted.share_of is not None:
                below = runs[f"{name}/{fitted.share_of}"].to_numpy(dtype=np.float64)
                columns.append(values / np.maximum(below, SMALLEST))
            else:
                columns.append(np.log(np.maximum(values, SMALLEST) + fitted.floor))
        return np.stack(columns, axis=-1)

    def worst(self, figures: Floats) -> dict[str, Any]:
        """Return which of the figures (on the scale of comparison, (T,)) lies farthest off."""
        z = (figures - self.observed) / self.error
        most = int(np.abs(z).argmax())
        return {"worst_figure": self.ids[most], "worst_z": float(z[most])}

    def natural(self, scaled: Floats) -> Floats:
        """Turn the scale of comparison back into the figures' own units, shape (..., T)."""
        out = np.empty_like(scaled)
        for place, fitted in enumerate(self.fitted):
            column = scaled[..., place]
            log = fitted.share_of is None
            out[..., place] = np.exp(column) - fitted.floor if log else column
        return out


def published_for(scenario: Scenario) -> tuple[Observation, ...]:
    """Return the figures with a window that are about places of a scenario."""
    known = {*places(scenario), *scenario.crossings}
    some = (figure for figure in figures_of(scenario) if figure.window_end is not None)
    return tuple(figure for figure in some if figure.place_id in known)


def targets_of(calibration: Calibration) -> Targets:
    """Make the vector of a calibration."""
    ids = tuple(calibration.file.observations)
    fitted = tuple(calibration.file.observations.values())
    figures = tuple(calibration.figures[name] for name in ids)
    published, observed, error = [], [], []
    for figure, one in zip(figures, fitted, strict=True):
        relative = math.hypot(one.error, one.discrepancy)
        value = figure.value if one.value is None else one.value
        published.append(value)
        if one.share_of is not None:
            observed.append(value)
            error.append(relative)
        else:
            observed.append(math.log(value + one.floor))
            error.append(relative * value / (value + one.floor))
    return Targets(ids, fitted, figures, *map(np.array, (published, observed, error)))


def simulated(
    observed: Observed, figures: Iterable[Observation], share_of: Mapping[str, str]
) -> dict[str, float]:
    """Return what a run has for each figure, and for what shares are taken of; NaN if nothing.

    Parameters
    ----------
    share_of : dict
        By figure, the measure by which it is divided (same place and window).
    """
    out: dict[str, float] = {}
    for figure in figures:
        wanted = {figure.id: figure}
        if measure := share_of.get(figure.id):
            below = figure.model_copy(update={"model_measure": measure})
            wanted[f"{figure.id}/{measure}"] = below
        for name, one in wanted.items():
            value = observed.published_equivalent(one)
            out[name] = math.nan if value is None else value
    return out
