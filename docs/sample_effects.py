"""What a sample does to the figures: the same draws with some and with all men.

A sample is right on average about who leaves, but not about queues: at one crossing it is a few
large parties a day, so a crossing near its capacity idles after a slack day and cannot make good
for it after a busy one, and fewer get through. How much that makes is measured on some draws of
the posterior, and taken off on others: what is left must be chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from flowsim.calibration import fitting
from flowsim.calibration.file import Budget, Calibration
from flowsim.calibration.runs import Runner
from flowsim.calibration.targets import Targets, published_for, simulated
from flowsim.experiments.simulate import simulate
from flowsim.results.observation import Observed
from flowsim.scenario.observing import figures_of
from flowsim.scenario.schema import Scenario
from flowsim.types import Floats

SAMPLES = (0.02, 0.1)
REPLICATIONS = 8


def sample_pairs(runner: Runner, budget: Budget) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the same draws of the posterior run with a sample and with all men."""
    file, name = runner.calibration.file, fitting.name_of_predictions(budget)
    points = runner.store.outcome(f"{runner.key}/{name}").frame("table")
    some = points.iloc[: budget.variants]
    fixed = {"sample": file.sample, "seed": file.seed}
    few = runner.run("nothing", some, replications=range(len(some)), fixed=fixed, daily=True)
    own = replace(runner, figures=published_for(runner.calibration.base.scenario))
    fixed |= {"sample": fitting.finest(runner.calibration, budget)}
    every = range(len(points))
    whole = own.run("predictions", points, replications=every, fixed=fixed, daily=True)
    return few, whole


def compare_samples(
    calibration: Calibration,
    targets: Targets,
    points: Floats,
    pairs: tuple[pd.DataFrame, pd.DataFrame],
    samples: Sequence[float] = SAMPLES,
    replications: int = REPLICATIONS,
    whole: float = 1.0,
) -> pd.DataFrame:
    """Run draws with all men, and repeatedly with samples of them.

    Parameters
    ----------
    points : float64, shape (D, P)
        Values of the parameters.
    pairs : two DataFrames
        Runs of other draws with the calibration's sample, and of the same with all men.

    Returns
    -------
    DataFrame
        For each sample and figure: ``id``, ``sample``; ``whole`` and ``mean``, medians over the
        draws with all men and with the sample; ``ratio`` of the sample to all men, a mean over
        the draws (of logs, or a difference of shares added to 1); ``z``, its distance from 1 in
        standard errors of chance. For the calibration's own sample also ``corrected`` and
        ``z_corrected``: without what the pairs say that it does, and with the chance in that.
    """

    def figures(sample: float, first: int) -> Floats:
        # Other men for each draw: chance that all draws share would not average out.
        runs = [
            _run(calibration, values, sample, first + draw * (1 + replications))
            for draw, values in enumerate(points)
        ]
        return targets.scaled(pd.DataFrame(runs))

    of_all = figures(whole, 0)
    tables = []
    for sample in samples:
        few = np.stack([figures(sample, 1 + r) for r in range(replications)])
        share = 1 / replications + sample / whole  # chance of one run with all men is so much less
        error = np.sqrt((few.var(axis=0, ddof=1) * share).sum(axis=0)) / len(points)
        off = (few.mean(axis=0) - of_all).mean(axis=0)
        table = {"whole": targets.natural(of_all), "mean": targets.natural(few.mean(axis=0))}
        columns = {name: np.median(values, axis=0) for name, values in table.items()}
        columns |= {"ratio": _ratio(targets, off), "z": _over(off, error)}
        if sample == calibration.file.sample:
            learnt, unsure = _learnt(targets, *pairs)
            columns["corrected"] = _ratio(targets, off - learnt)
            columns["z_corrected"] = _over(off - learnt, np.hypot(error, unsure))
        tables.append(pd.DataFrame({"id": targets.ids, "sample": sample, **columns}))
    return pd.concat(tables, ignore_index=True)


def _run(
    calibration: Calibration, values: Floats, sample: float, replication: int
) -> dict[str, float]:
    file = calibration.file
    own = {"horizon.end": file.until, "seed": file.seed, "sample": sample}
    scenario: Scenario = calibration.base.variant(calibration.changes(values) | own)
    shares = {name: f.share_of for name, f in file.observations.items() if f.share_of}
    known = {figure.id: figure for figure in figures_of(scenario)}
    wanted = [known[name] for name in file.observations]
    return simulated(Observed(simulate(scenario, replication)), wanted, shares)


def _learnt(targets: Targets, sampled: pd.DataFrame, whole: pd.DataFrame) -> tuple[Floats, Floats]:
    """Return what pairs of runs say that a sample does, on average, and the chance in that."""
    both = sampled.merge(whole[["point"]], on="point")
    whole = whole[whole["point"].isin(both["point"])]
    off = targets.scaled(both) - targets.scaled(whole)
    return off.mean(axis=0), off.std(axis=0, ddof=1) / np.sqrt(len(off))


def _ratio(targets: Targets, off: Floats) -> Floats:
    """Turn differences on the scale of comparison into ratios; of shares, into 1 and points."""
    logs = np.array([fitted.share_of is None for fitted in targets.fitted])
    return np.where(logs, np.exp(off), 1 + off)


def _over(off: Floats, error: Floats) -> Floats:
    """Divide by the error, where there is any."""
    return np.divide(off, error, out=np.full_like(off, np.nan), where=error > 1e-9)
