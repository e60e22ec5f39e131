"""The design: waves of runs, each nearer to the figures than the one before.

The first wave fills the prior evenly (Sobol). Each further wave is drawn from the posterior
under the emulator of the runs so far, whose own error is part of the likelihood: history
matching with a soft edge. Where the emulator knows little it excludes little. The last wave may
have all men, few but costly runs: they tell what a sample does to queues and what they hold up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from flowsim.calibration import emulator as emulators
from flowsim.calibration import posterior as posteriors
from flowsim.calibration.emulator import Emulator
from flowsim.calibration.file import Calibration
from flowsim.calibration.posterior import Likelihood
from flowsim.calibration.runs import Runner
from flowsim.calibration.targets import Targets
from flowsim.types import Floats

SOFT = 2.0  # temperature of the waves before the last
NEAR = 0.25  # share of the runs, nearest the figures, by which an emulator is judged
AT_LEAST_NEAR = 60
KEPT = 3  # waves that train the emulator: the newest, none that is far away
WHOLE, ALL_MEN = "whole", 1.0  # the wave with all men: its stage, its sample


@dataclass(frozen=True)
class Fit:
    """An emulator fitted to runs, and the likelihood made with it.

    Attributes
    ----------
    unit : float64, shape (N, P)
        The runs that trained it.
    figures : float64, shape (N, T)
        On the scale of comparison.
    emulated : float64, shape (T,)
        Error of the emulator near the figures, chance in the runs included.
    misfit : float64, shape (N,)
        Of the runs themselves.
    wave : int64, shape (N,)
    whole : bool, shape (N,)
        Which runs had all men.
    drawn_from : Likelihood, optional
        From which the last wave was drawn, softened.
    """

    targets: Targets
    unit: Floats
    figures: Floats
    emulator: Emulator
    emulated: Floats
    misfit: Floats
    wave: npt.NDArray[np.int64]
    whole: npt.NDArray[np.bool_]
    drawn_from: Likelihood | None = None

    def likelihood(self, used: npt.NDArray[np.bool_] | None = None) -> Likelihood:
        """Return the likelihood of the published figures."""
        everything = np.ones(len(self.targets.observed), dtype=bool) if used is None else used
        error = np.hypot(self.targets.error, self.emulated)  # of source and model; of the rest
        return Likelihood(self.emulator, self.targets.observed, error, everything)


def learn(
    targets: Targets,
    unit: Floats,
    figures: Floats,
    wave: npt.NDArray[np.int64],
    whole: npt.NDArray[np.bool_] | None = None,
    drawn_from: Likelihood | None = None,
) -> Fit:
    """Fit an emulator to runs, judged where it matters: at the runs nearest the figures.

    Those with all men are the judges if there are any.
    """
    whole = np.zeros(len(unit), dtype=bool) if whole is None else whole
    sound = np.isfinite(figures).all(axis=1)
    unit, figures, wave, whole = unit[sound], figures[sound], wave[sound], whole[sound]
    emulator = emulators.fit(unit, figures, whole)
    z = (figures - targets.observed) / targets.error
    misfit = np.asarray((z**2).sum(axis=1))
    judges = np.flatnonzero(whole) if whole.any() else np.arange(len(unit))
    near = judges[np.argsort(misfit[judges])][: max(AT_LEAST_NEAR, int(NEAR * len(judges)))]
    emulated = np.asarray(np.sqrt(np.mean(emulator.left_out[near] ** 2, axis=0)))
    return Fit(targets, unit, figures, emulator, emulated, misfit, wave, whole, drawn_from)


def first_points(calibration: Calibration, n: int, seed: int) -> Floats:
    """Fill the prior's cube evenly: scrambled Sobol points, shape (n, P)."""
    from scipy.stats import qmc  # half a second, for the first wave alone

    power = int(np.ceil(np.log2(max(2, n))))
    sobol = qmc.Sobol(len(calibration.names), rng=np.random.default_rng(seed))
    return 2 * sobol.random(2**power)[:n] - 1


def run_waves(
    runner: Runner,
    targets: Targets,
    sizes: Sequence[int],
    steps: int,
    fixed: dict[str, Any],
    prefix: str = "wave",
    whole: int = 0,
) -> Fit:
    """Run the waves that are not yet done; give the emulator of the newest ones.

    Parameters
    ----------
    sizes : sequence of int
        Runs of each wave.
    steps : int
        Of the sampler that draws the next wave.
    fixed : dict
        Scenario changes that hold in every run, the sample among them.
    prefix : str
        Of the names of the stages.
    whole : int
        Runs of a last wave with all men.
    """
    calibration = runner.calibration
    done: list[tuple[Floats, Floats, int]] = []
    fit: Fit | None = None
    for number, size in enumerate([*sizes, whole] if whole else sizes):
        last = number == len(sizes)
        stage = f"{prefix}-{WHOLE if last else number + 1}"
        rng = np.random.default_rng([calibration.file.seed, number])

        def make(fit: Fit | None = fit, size: int = size, rng: Any = rng) -> pd.DataFrame:
            if fit is None:
                unit = first_points(calibration, size, calibration.file.seed)
            else:
                unit = draw_next(fit, size, steps, rng, SOFT)
            return pd.DataFrame(calibration.values(unit), columns=calibration.names)

        points = runner.table(stage, make)
        runs = runner.run(stage, points, fixed=fixed | {"sample": ALL_MEN} if last else fixed)
        values = points.to_numpy(dtype=np.float64)[runs["point"].to_numpy()]
        done.append((calibration.unit(values), targets.scaled(runs), number))
        newest = done[-(KEPT + last) :]
        wave = np.concatenate([np.full(len(unit), n) for unit, _, n in newest])
        unit = np.concatenate([unit for unit, _, _ in newest])
        figures = np.concatenate([figures for _, figures, _ in newest])
        drawn_from = None if fit is None else fit.likelihood()
        fit = learn(targets, unit, figures, wave, wave == len(sizes), drawn_from)
    assert fit is not None
    return fit


def draw_next(
    fit: Fit, size: int, steps: int, rng: np.random.Generator, temperature: float
) -> Floats:
    """Draw the points of the next wave from a softened posterior, shape (size, P)."""
    likelihood = fit.likelihood()
    start = posteriors.start_from(fit.unit, fit.misfit, rng)
    draws, _ = posteriors.sample(lambda u: likelihood(u) / temperature, start, steps, rng)
    return posteriors.spread(draws, size, rng)
