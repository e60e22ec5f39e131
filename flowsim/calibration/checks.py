"""Whether the method can be trusted: recovery, ranks, identifiability, leaving figures out.

Recovery and simulation-based calibration (Talts et al. 2018) come from the stored design.
Runs of the last wave are held out, one after the other given errors like the published
figures' and treated as if they were published. They were drawn from a known density, that of
the wave, which is therefore the prior of the test.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from flowsim.calibration import posterior as posteriors
from flowsim.calibration.file import Calibration
from flowsim.calibration.posterior import Likelihood
from flowsim.calibration.waves import SOFT, Fit, learn
from flowsim.errors import CalibrationError
from flowsim.experiments.executor import Failed, scatter
from flowsim.types import Floats

IDENTIFIED, WEAKLY = 0.7, 0.9
"""Posterior over prior standard deviation below which a number is said to be identified."""

FOUND_AGAIN = 2.0  # standard errors of chance: how far truths and medians must go together

STRONG = 0.5  # correlations worth telling


@dataclass(frozen=True)
class Truth:
    """A held-out run that plays the published record."""

    number: int
    truth: Floats
    published: Likelihood
    prior: Likelihood
    start: Floats
    steps: int
    seed: int


def recover(
    calibration: Calibration,
    fit: Fit,
    n: int,
    steps: int,
    workers: int | None,
    scheduler: str = "local",
) -> pd.DataFrame:
    """Recover held-out truths; one row for each truth and parameter.

    Returns
    -------
    DataFrame
        ``truth``, ``parameter``, ``value`` (true), ``low``, ``median``, ``high`` (of the
        posterior, central interval of ``credible``), ``covered``, ``rank`` (share of draws
        below the truth), ``shrinkage`` (posterior over prior standard deviation).
    """
    rows = []
    tasks = _truths(calibration, fit, n, steps)
    for task, draws in scatter(_recover_one, tasks, workers=workers, scheduler=scheduler):
        if isinstance(draws, Failed):
            raise CalibrationError(f"recovery failed: {draws.error}: {draws.message}")
        rows.append(_row(calibration, task, draws))
    table = pd.concat(rows).sort_values(["truth", "place"], ignore_index=True)
    return table.drop(columns="place")


def _truths(calibration: Calibration, fit: Fit, n: int, steps: int) -> Iterator[Truth]:
    last = fit.wave == fit.wave.max()
    held = np.flatnonzero(last)[-n:]
    rest = np.ones(len(fit.unit), dtype=bool)
    rest[held] = False
    known = learn(fit.targets, fit.unit[rest], fit.figures[rest], fit.wave[rest], fit.whole[rest])
    if fit.drawn_from is None:
        raise CalibrationError("recovery needs a second wave, drawn from a known density")
    rng = np.random.default_rng([calibration.file.seed, 77])
    for number, run in enumerate(held):
        noise = fit.targets.error * rng.standard_normal(len(fit.targets.error))
        likelihood = replace(known.likelihood(), observed=fit.figures[run] + noise)
        start = known.unit[known.wave == known.wave.max()]
        some = start[rng.choice(len(start), posteriors.MEMBERS, replace=True)]
        some = np.clip(some + 0.02 * rng.standard_normal(some.shape), -0.999, 0.999)
        yield Truth(number, fit.unit[run], likelihood, fit.drawn_from, some, steps, number)


def _recover_one(task: Truth) -> Floats:
    rng = np.random.default_rng([task.seed, 78])
    draws, _ = posteriors.sample(
        lambda u: task.published(u) + task.prior(u) / SOFT, task.start, task.steps, rng
    )
    return draws.reshape(-1, draws.shape[2])


def _row(calibration: Calibration, task: Truth, draws: Floats) -> pd.DataFrame:
    values, true = calibration.values(draws), calibration.values(task.truth)
    tail = (1 - calibration.file.credible) / 2
    low, median, high = np.quantile(values, [tail, 0.5, 1 - tail], axis=0)
    return pd.DataFrame(
        {
            "truth": task.number,
            "place": np.arange(len(true)),
            "parameter": calibration.names,
            "value": true,
            "low": low,
            "median": median,
            "high": high,
            "covered": (low <= true) & (true <= high),
            "rank": (values < true).mean(axis=0),
            "shrinkage": values.std(axis=0) / prior_width(calibration),
        }
    )


def prior_width(calibration: Calibration) -> Floats:
    """Return the standard deviations of the uniform priors, shape (P,)."""
    return np.asarray((calibration.high - calibration.low) / np.sqrt(12))


def recovery_summary(table: pd.DataFrame, parameters: pd.DataFrame) -> pd.DataFrame:
    """Return coverage and evenness of ranks by parameter, identifiable ones first.

    ``evenness`` is the p value of a chi-square test of the ranks in ten equal bins.
    """
    from scipy.stats import chisquare

    rows = []
    for name, one in table.groupby("parameter", sort=False):
        counts = np.histogram(one["rank"], bins=10, range=(0, 1))[0]
        rows.append(
            {
                "parameter": name,
                "truths": len(one),
                "coverage": one["covered"].mean(),
                "evenness": float(chisquare(counts).pvalue),
                "median_shrinkage": one["shrinkage"].median(),
                "correlation": _correlation(one),
            }
        )
    out = pd.DataFrame(rows)
    verdict = parameters.set_index("parameter")["verdict"]
    out.insert(1, "verdict", out["parameter"].map(verdict))
    return out


def _correlation(truths: pd.DataFrame) -> float:
    return float(np.corrcoef(truths["value"], truths["median"])[0, 1])


def parameter_table(
    calibration: Calibration, draws: Floats, recovery: pd.DataFrame
) -> pd.DataFrame:
    """Return prior and posterior of each parameter, and whether the figures identify it.

    A number is identified, or weakly, if the figures narrow it and if the recovery finds
    synthetic truths of it again: their correlation with the medians lies beyond chance.

    Parameters
    ----------
    draws : float64, shape (N, P)
        Values.
    recovery : DataFrame
        What ``recover`` found.
    """
    tail = (1 - calibration.file.credible) / 2
    low, median, high = np.quantile(draws, [tail, 0.5, 1 - tail], axis=0)
    ratio = draws.std(axis=0) / prior_width(calibration)
    found = recovery.groupby("parameter")[["value", "median"]].apply(_correlation)
    chance = FOUND_AGAIN / np.sqrt(recovery["truth"].nunique())
    again = found.reindex(list(calibration.names)).to_numpy() > chance
    verdict = np.select(
        [again & (ratio < IDENTIFIED), again & (ratio < WEAKLY)],
        ["identified", "weakly"],
        "not identified",
    )
    return pd.DataFrame(
        {
            "parameter": calibration.names,
            "prior_low": calibration.low,
            "prior_high": calibration.high,
            "low": low,
            "median": median,
            "high": high,
            "ratio": ratio,
            "verdict": verdict,
        }
    )


def correlation_table(calibration: Calibration, draws: Floats) -> pd.DataFrame:
    """Return the strong correlations of the posterior, strongest first."""
    matrix = np.atleast_2d(np.asarray(np.corrcoef(draws.T)))
    i, j = np.triu_indices(len(matrix), 1)
    table = pd.DataFrame(
        {
            "first": np.array(calibration.names)[i],
            "second": np.array(calibration.names)[j],
            "correlation": matrix[i, j],
        }
    )
    strong = table[table["correlation"].abs() >= STRONG]
    return strong.sort_values("correlation", key=abs, ascending=False, ignore_index=True)


def leave_one_out(
    calibration: Calibration,
    fit: Fit,
    whole: Floats,
    steps: int,
    leave: dict[str, list[str]],
) -> pd.DataFrame:
    """Fit again without a figure, or a group of them; say what moves most.

    Parameters
    ----------
    whole : float64, shape (N, P)
        Draws of the posterior of all figures, in the cube.
    leave : dict
        Ids to leave out, by the name of the row.

    Returns
    -------
    DataFrame
        For each: how the left-out figures are then met (``z``, root mean square), the
        parameter whose median moves most and by how many posterior standard deviations.
    """
    rows = []
    for name, ids in leave.items():
        used = ~np.isin(fit.targets.ids, ids)
        rng = np.random.default_rng([calibration.file.seed, 79])
        likelihood = fit.likelihood(used)
        start = posteriors.start_from(fit.unit, fit.misfit, rng)
        draws = posteriors.sample(likelihood, start, steps, rng)[0].reshape(-1, whole.shape[1])
        moved = (np.median(draws, axis=0) - np.median(whole, axis=0)) / whole.std(axis=0)
        most = int(np.abs(moved).argmax())
        predicted = np.median(fit.emulator(posteriors.spread(draws, 500, rng)), axis=0)
        z = (predicted - fit.targets.observed)[~used] / fit.targets.error[~used]
        rows.append(
            {
                "left_out": name,
                "figures": len(ids),
                "z_without": float(np.sqrt(np.mean(z**2))),
                "moves_most": calibration.names[most],
                "by_sd": float(moved[most]),
                "others_moved": int((np.abs(moved) > 0.5).sum()) - int(abs(moved[most]) > 0.5),
            }
        )
    return pd.DataFrame(rows)
