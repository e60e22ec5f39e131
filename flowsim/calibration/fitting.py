"""A calibration from file to folder: waves, posterior, predictions, checks, tables.

Everything that is simulated is stored when it is done, so that the same command goes on where
it was stopped; what follows from the runs is computed anew, the same each time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import least_squares, minimize

from flowsim.calibration import posterior as posteriors
from flowsim.calibration import variants, waves
from flowsim.calibration.emulator import noise_of
from flowsim.calibration.file import Budget, Calibration, Variant
from flowsim.calibration.posterior import Likelihood
from flowsim.calibration.runs import Runner, calibration_key, take_up
from flowsim.calibration.targets import Targets, published_for, simulated
from flowsim.calibration.waves import WHOLE, Fit, run_waves
from flowsim.data.rows import Observation
from flowsim.errors import CalibrationError
from flowsim.experiments.executor import LOCAL
from flowsim.experiments.simulate import simulate
from flowsim.experiments.store import Store
from flowsim.results.observation import Observed
from flowsim.types import Floats, Progress, silent

EDGE = 0.995  # of the cube; a value on the very bound would stop later fits
PULL = 0.5  # weight of the distance to the medians
POLISH_SAMPLE, POLISH_STEP, POLISH_TRIES = 0.1, 0.05, 12


@dataclass(frozen=True)
class Posterior:
    """Draws of a posterior.

    Attributes
    ----------
    unit : float64, shape (N, P)
        All kept draws, in the prior's cube.
    kept : float64, shape (D, P)
        A few hundred of them, as values.
    convergence : float64, shape (P,)
    """

    unit: Floats
    kept: Floats
    convergence: Floats


def budget_of(calibration: Calibration, name: str) -> Budget:
    """Return a budget of the file by name.

    Raises
    ------
    CalibrationError
        If the file has none of that name.
    """
    if name not in calibration.file.budgets:
        known = ", ".join(calibration.file.budgets)
        raise CalibrationError(f"budget {name} is not in the file; choose one of {known}")
    return calibration.file.budgets[name]


def runner_of(
    calibration: Calibration,
    store: Store,
    budget: Budget,
    workers: int | None = None,
    scheduler: str = LOCAL,
    progress: Progress = silent,
) -> Runner:
    """Go on with the runs of a store, new or begun before."""
    key = calibration_key(calibration, (*budget.waves, budget.whole), budget.steps)
    take_up(store, key)
    return Runner(calibration, store, key, workers, scheduler, progress)


def short(calibration: Calibration) -> dict[str, Any]:
    """Return what holds in the runs of the design."""
    return {"horizon.end": calibration.file.until} | _long(calibration, calibration.file.sample)


def _long(calibration: Calibration, sample: float) -> dict[str, Any]:
    return {"sample": sample, "seed": calibration.file.seed}


def finest(calibration: Calibration, budget: Budget) -> float:
    """Return the share of the men in the runs by which the fit is judged."""
    return waves.ALL_MEN if budget.whole else calibration.file.sample


def sample_posterior(calibration: Calibration, fit: Fit, budget: Budget) -> Posterior:
    """Sample the posterior on the emulator of all waves."""
    rng = np.random.default_rng([calibration.file.seed, 99])
    start = posteriors.start_from(fit.unit, fit.misfit, rng)
    draws, _ = posteriors.sample(fit.likelihood(), start, budget.steps, rng)
    kept = calibration.values(posteriors.spread(draws, budget.draws, rng))
    return Posterior(draws.reshape(-1, draws.shape[2]), kept, posteriors.convergence(draws))


def fit_variant(
    runner: Runner,
    targets: Targets,
    name: str,
    variant: Variant,
    budget: Budget,
    moving: Sequence[str],
    best: dict[str, Any],
) -> tuple[Calibration, Fit, Posterior]:
    """Fit a variant from the beginning, by waves of its own.

    Parameters
    ----------
    moving : sequence of str
        Numbers that the figures identify at least weakly. Those with a prior of their own in
        the variant move as well.
    best : dict
        Scenario changes of the best point, at which all other numbers are held.
    """
    parameters = tuple(
        replace(p, low=low, high=high)
        for p in runner.calibration.parameters
        if p.name in moving or p.name in variant.start
        for low, high in [variant.start.get(p.name, (p.low, p.high))]
    )
    calibration = replace(runner.calibration, parameters=parameters)
    own = replace(runner, calibration=calibration)
    fixed = fixed_in(calibration, variant, best)
    stage = name_of_again(calibration, name, variant, best)
    sizes, whole = budget.again, budget.again_whole
    fit = run_waves(own, targets, sizes, budget.steps, fixed, stage, whole=whole)
    return calibration, fit, sample_posterior(calibration, fit, budget)


def fixed_in(calibration: Calibration, variant: Variant, best: dict[str, Any]) -> dict[str, Any]:
    """Return what holds in the runs of a variant that is fitted from the beginning."""
    moved = {key for parameter in calibration.parameters for key in parameter.moves}
    held = {key: value for key, value in best.items() if key not in moved}
    return short(calibration) | held | variant.changes


def name_of_again(
    calibration: Calibration, name: str, variant: Variant, best: dict[str, Any]
) -> str:
    """Name the stages of a variant by what they depend on."""
    fixed = fixed_in(calibration, variant, best)
    said = [variant.model_dump(mode="json"), calibration.names, fixed]
    return f"again-{name}-{_hash(said)}"


# ------------------------------------------------------------------ after the waves


@dataclass(frozen=True)
class Predictions:
    """Runs of posterior draws to the end of the scenario, each with its own chance.

    Attributes
    ----------
    points : DataFrame
        The draws, one column for each parameter.
    runs : DataFrame
        One row for each run: ``point``, the figures by id, daily series as
        ``measure|place|date``.
    figures : tuple of Observation
    """

    points: pd.DataFrame
    runs: pd.DataFrame
    figures: tuple[Observation, ...]


def predict(
    runner: Runner, posterior: Posterior, budget: Budget, against: Sequence[Observation]
) -> Predictions:
    """Simulate posterior draws to the end of the scenario, for every figure there is."""
    figures = published_for(runner.calibration.base.scenario) + tuple(against)
    own = replace(runner, figures=figures)
    n = min(budget.predictions, len(posterior.kept))
    names = runner.calibration.names
    points = runner.table(
        name_of_predictions(budget), lambda: pd.DataFrame(posterior.kept[:n], columns=names)
    )
    fixed = _long(runner.calibration, finest(runner.calibration, budget))
    runs = own.run("predictions", points, replications=range(len(points)), fixed=fixed, daily=True)
    return Predictions(points, runs, figures)


def name_of_predictions(budget: Budget) -> str:
    """Name the stored points of the predictions by what they were drawn for."""
    return f"predictions-{budget.draws}-{budget.predictions}"


def _hash(said: Any) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()[:8]


def chance(runner: Runner, targets: Targets, budget: Budget) -> Floats:
    """Measure the chance in the runs: points of the last wave once more, shape (T,)."""
    stage = f"wave-{WHOLE if budget.whole else len(budget.waves)}"
    points = runner.store.outcome(f"{runner.key}/{stage}").frame("table").iloc[: budget.repeats]
    fixed = short(runner.calibration) | {"sample": finest(runner.calibration, budget)}
    first = runner.run(stage, points, fixed=fixed)
    second = runner.run("repeats", points, replications=[1] * len(points), fixed=fixed)
    both = first.merge(second[["point"]], on="point")
    second = second[second["point"].isin(both["point"])]
    return noise_of(targets.scaled(both), targets.scaled(second))


def name_of_variants(calibration: Calibration, budget: Budget) -> str:
    """Name the stored table of variants by what it was made from."""
    file = calibration.file
    variants = [*file.imputed.items(), *file.off.items()]
    some = [(name, variant.changes) for name, variant in variants if not variant.start]
    windows = {name: [str(day) for day in days] for name, days in file.windows.items()}
    return f"variants-{_hash([some, budget.variants, windows])}"


def run_variants(
    runner: Runner, fit: Fit, posterior: Posterior, predictions: Predictions, budget: Budget
) -> pd.DataFrame:
    """Run and refit every variant that is no calibration of its own; one row for each.

    The first row changes nothing: what the others are read against. All are runs of a sample.
    """
    calibration = runner.calibration
    n = min(budget.variants, len(predictions.points))
    points = predictions.points.iloc[:n]

    def runs_with(stage: str, changes: dict[str, Any]) -> pd.DataFrame:
        fixed = _long(calibration, calibration.file.sample) | changes
        return runner.run(stage, points, replications=range(n), fixed=fixed, daily=True)

    base = runs_with("nothing", {})

    def row(kind: str, name: str, title: str, runs: pd.DataFrame) -> dict[str, Any]:
        ours = base[base["point"].isin(runs["point"])]
        theirs = runs[runs["point"].isin(ours["point"])]
        unit = calibration.unit(points.to_numpy(dtype=np.float64)[ours["point"].to_numpy()])
        steps = budget.steps // 3
        said = variants.variant_row(calibration, fit, posterior.unit, unit, (ours, theirs), steps)
        named = {"kind": kind, "variant": name, "title": title}
        return named | said | variants.departures(ours, theirs, calibration.file.windows)

    rows = [row("off", "nothing", "nothing: the baseline", base)]
    for kind in ("imputed", "off"):
        for name, variant in getattr(calibration.file, kind).items():
            if variant.start:
                continue
            runs = runs_with(f"{kind}-{name}-{_hash(variant.changes)}", variant.changes)
            rows.append(row(kind, name, variant.title, runs))
    return pd.DataFrame(rows)


# -- the point that a scenario file gets: fits well, and departs little from what is assumed.
# A posterior is no single number. For the file a point is chosen near its middle: the least
# misfit plus the squared distance to the medians in standard deviations, with what the figures
# do not identify held at the value that the scenario assumes.


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
