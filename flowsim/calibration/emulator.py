"""Emulators: what the model would give at a point, from the runs that were made.

For each figure a polynomial of second degree in all parameters, with a ridge penalty chosen
by leaving runs out one by one. What a sample of the men does to a figure is learnt with the
rest, as a straight line, and the emulator answers for all men. Its errors, left out, hold both
what it cannot follow and the chance in the runs; the second alone is found with runs repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import numpy.typing as npt

from flowsim.types import Floats

PENALTIES = 10.0 ** np.arange(-1, 4.6, 0.5)
MOST_LEVERAGE = 0.999
TINY = 1e-12


@cache
def _pairs(n: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    return np.triu_indices(n)


def features(unit: Floats) -> Floats:
    """Return linear and second-degree terms of points in the cube, shape (N, P + P(P+1)/2)."""
    i, j = _pairs(unit.shape[1])
    return np.hstack([unit, unit[:, i] * unit[:, j]])


@dataclass(frozen=True)
class Emulator:
    """Second-degree polynomials, one for each figure.

    Attributes
    ----------
    coefficients : float64, shape (F, T)
        Of standardised features.
    constant : float64, shape (T,)
    centre, width : float64, shape (F,)
        By which features are standardised.
    left_out : float64, shape (N, T)
        Error at each run when that run is left out.
    """

    coefficients: Floats
    constant: Floats
    centre: Floats
    width: Floats
    left_out: Floats

    def __call__(self, unit: Floats) -> Floats:
        """Return the figures expected with all men at points of the cube, shape (N, T)."""
        slope, constant = self._folded
        return features(unit) @ slope + constant

    @cached_property
    def _folded(self) -> tuple[Floats, Floats]:
        """Coefficients of the features as they are: half the work of each call."""
        slope = self.coefficients / self.width[:, None]
        return slope, self.constant - self.centre @ slope

    @property
    def error(self) -> Floats:
        """Root mean square of the errors left out, shape (T,)."""
        return np.asarray(np.sqrt(np.mean(self.left_out**2, axis=0)))


def fit(unit: Floats, figures: Floats, whole: npt.NDArray[np.bool_] | None = None) -> Emulator:
    """Fit an emulator to runs.

    Parameters
    ----------
    unit : float64, shape (N, P)
        Points, in the prior's cube from -1 to 1.
    figures : float64, shape (N, T)
        On the scale of comparison.
    whole : bool, shape (N,), optional
        Which runs had all men. If none had, the emulator answers for the sample.
    """
    raw = features(unit)
    n_features = raw.shape[1]
    if whole is not None and whole.any() and not whole.all():
        raw = np.hstack([raw, np.where(whole, 0.0, 1.0)[:, None] * _with_constant(unit)])
    centre, width = raw.mean(axis=0), raw.std(axis=0) + TINY
    left, sizes, right = np.linalg.svd((raw - centre) / width, full_matrices=False)
    constant, scale = figures.mean(axis=0), figures.std(axis=0) + TINY
    standard = (figures - constant) / scale
    inside = left.T @ standard
    base = 1 / len(unit)  # leverage of the constant
    coefficients, errors = np.zeros((raw.shape[1], figures.shape[1])), np.zeros(figures.shape)
    best = np.full(figures.shape[1], np.inf)
    for penalty in PENALTIES:
        kept = sizes**2 / (sizes**2 + penalty)
        leverage = np.minimum(base + left**2 @ kept, MOST_LEVERAGE)
        left_out = (standard - left @ (kept[:, None] * inside)) / (1 - leverage)[:, None]
        size = np.mean(left_out**2, axis=0)
        better = size < best
        best[better] = size[better]
        solution = right.T @ ((kept / np.maximum(sizes, TINY))[:, None] * inside[:, better])
        coefficients[:, better] = solution * scale[better]
        errors[:, better] = left_out[:, better] * scale[better]
    own, sample = slice(n_features), slice(n_features, None)  # the sample's terms are 0 for all men
    constant = constant - (centre[sample] / width[sample]) @ coefficients[sample]
    return Emulator(coefficients[own], constant, centre[own], width[own], errors)


def _with_constant(unit: Floats) -> Floats:
    return np.column_stack([np.ones(len(unit)), unit])


def noise_of(first: Floats, second: Floats) -> Floats:
    """Return the standard deviation of chance from pairs of runs that differ in nothing else, (T,).

    Parameters
    ----------
    first, second : float64, shape (N, T)
        The same points, independent replications.
    """
    return np.asarray(np.sqrt(np.mean((first - second) ** 2, axis=0) / 2))
