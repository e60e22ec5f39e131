"""The posterior: a synthetic likelihood on the emulator, sampled by an ensemble.

The likelihood is normal on the scale of comparison, with the errors of source, model,
simulation and emulator added up. It needs no likelihood of the men. The sampler is
differential evolution (ter Braak 2006) with moves in random subsets of the parameters
(Vrugt et al. 2009), all members at once, reflected at the walls of the prior.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flowsim.types import Floats

LogDensity = Callable[[Floats], Floats]
MEMBERS = 128
SUBSETS = (0.15, 0.4, 1.0)  # shares of the parameters moved together
JUMP = 2.38  # the best scale of differences in a normal posterior
LEAPS = 0.1  # share of moves with the whole difference, from one hill to another
JITTER = 1e-3
BURN_IN = 1 / 3
THIN = 10


@dataclass(frozen=True)
class Likelihood:
    """How well points of the cube meet the figures.

    Attributes
    ----------
    emulator : callable
        Points (N, P) to figures (N, T).
    observed, error : float64, shape (T,)
        ``error`` holds everything: source, model, simulation, emulator.
    used : bool, shape (T,)
        Figures that count; the others are left out.
    """

    emulator: Callable[[Floats], Floats]
    observed: Floats
    error: Floats
    used: npt.NDArray[np.bool_]

    def misfit(self, unit: Floats) -> Floats:
        """Return the sum of squared standardised differences, shape (N,)."""
        z = (self.emulator(unit) - self.observed) / self.error
        return np.asarray((z[:, self.used] ** 2).sum(axis=1))

    def __call__(self, unit: Floats) -> Floats:
        """Return the log likelihood, shape (N,)."""
        return -0.5 * self.misfit(unit)


def sample(
    log_density: LogDensity, start: Floats, steps: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Sample a density on the cube from -1 to 1.

    Parameters
    ----------
    log_density : callable
        Points (N, P) to logs (N,).
    start : float64, shape (M, P)
        The members; at least as many as ``MEMBERS``, not all equal.
    steps : int
        The first third is thrown away, of the rest every tenth is kept.

    Returns
    -------
    draws : float64, shape (kept, M, P)
    logs : float64, shape (kept, M)
    """
    now, logs = start.copy(), log_density(start)
    kept, kept_logs = [], []
    half = len(now) // 2
    for step in range(steps):
        order = rng.permutation(len(now))
        for moving, resting in ((order[:half], order[half:]), (order[half:], order[:half])):
            proposed = _propose(now[moving], now[resting], rng)
            inside = (np.abs(proposed) <= 1).all(axis=1)
            new = np.full(len(moving), -np.inf)
            if inside.any():
                new[inside] = log_density(proposed[inside])
            taken = np.log(rng.random(len(moving))) < new - logs[moving]
            now[moving[taken]], logs[moving[taken]] = proposed[taken], new[taken]
        if step >= steps * BURN_IN and step % THIN == 0:
            kept.append(now.copy())
            kept_logs.append(logs.copy())
    return np.stack(kept), np.stack(kept_logs)


def _propose(moving: Floats, resting: Floats, rng: np.random.Generator) -> Floats:
    """Move each member along the difference of two others, in some of the parameters."""
    n, p = moving.shape
    first = rng.integers(len(resting), size=n)
    second = (first + 1 + rng.integers(len(resting) - 1, size=n)) % len(resting)
    chosen = rng.random((n, p)) < rng.choice(SUBSETS, size=n)[:, None]
    chosen[np.arange(n), rng.integers(p, size=n)] = True
    scale = JUMP / np.sqrt(2 * chosen.sum(axis=1)) * rng.uniform(0.2, 1.0, n)
    scale = np.where(rng.random(n) < LEAPS, 1.0, np.minimum(scale, 1.0))
    step = scale[:, None] * (resting[first] - resting[second])
    proposed = moving + chosen * (step + JITTER * rng.standard_normal((n, p)))
    proposed = np.where(proposed > 1, 2 - proposed, proposed)
    return np.where(proposed < -1, -2 - proposed, proposed)


def convergence(draws: Floats) -> Floats:
    """Return the split potential scale reduction of each parameter, shape (P,); near 1 is good.

    Members of an ensemble are no independent chains, but their means must not drift: the
    first and the second half of the run are compared (Gelman et al. 2013, 11.4).
    """
    half = len(draws) // 2
    parts = draws[: 2 * half].reshape(2, -1, draws.shape[2])
    within = parts.var(axis=1, ddof=1).mean(axis=0)
    between = parts.mean(axis=1).var(axis=0, ddof=1)
    return np.asarray(np.sqrt(1 + between / within))


def start_from(unit: Floats, misfit: Floats, rng: np.random.Generator) -> Floats:
    """Choose where the members begin: the runs nearest the figures, a little shaken."""
    best = unit[np.argsort(misfit)[:MEMBERS]]
    chosen = best[rng.integers(len(best), size=MEMBERS)] if len(best) < MEMBERS else best
    return np.clip(chosen + 0.02 * rng.standard_normal(chosen.shape), -0.999, 0.999)


def spread(draws: Floats, n: int, rng: np.random.Generator) -> Floats:
    """Take some of the draws, each at most once; shape (n, P)."""
    flat = draws.reshape(-1, draws.shape[-1])
    return flat[rng.choice(len(flat), size=min(n, len(flat)), replace=False)]
