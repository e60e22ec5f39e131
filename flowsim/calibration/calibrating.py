"""A calibration from file to folder of tables, taken up again after a kill."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from flowsim.calibration import checks, fitting, validation
from flowsim.calibration.file import Budget, Calibration, Parameter, read_calibration
from flowsim.calibration.fitting import Posterior, Predictions, best_point, polished
from flowsim.calibration.runs import Runner, keep
from flowsim.calibration.targets import Targets, published_for, targets_of
from flowsim.calibration.waves import Fit, run_waves
from flowsim.data.rows import Observation
from flowsim.experiments.executor import LOCAL
from flowsim.experiments.running import fits_in_memory
from flowsim.experiments.store import Store, key_of
from flowsim.machine import cores
from flowsim.results import folder as folders
from flowsim.results.calibration import CalibrationResults
from flowsim.results.manifest import manifest_of
from flowsim.scenario import assumptions
from flowsim.scenario.observing import figures_of, read_figures
from flowsim.scenario.schema import Scenario
from flowsim.scenario.writing import yaml_text
from flowsim.types import Floats, Progress, silent

CALIBRATED = "calibrated"
WRITTEN = 4  # digits of values in scenario files


@dataclass(frozen=True)
class _Done:
    """What the tables are made from."""

    runner: Runner
    budget: Budget
    targets: Targets
    fit: Fit
    posterior: Posterior
    predictions: Predictions
    chance: Floats
    against: tuple[Observation, ...]
    later: frozenset[str]

    calibration = property(lambda self: self.runner.calibration)

    @cached_property
    def recovery(self) -> pd.DataFrame:
        """Synthetic truths and what the fit makes of them; kept when found."""
        truths, steps = self.budget.truths, self.budget.truth_steps
        return self.runner.table(
            f"recovery-{truths}-{steps}",
            lambda: checks.recover(self.calibration, self.fit, truths, steps, **self.runner.where),
        )

    @cached_property
    def parameters(self) -> pd.DataFrame:
        """Prior, posterior and verdict of each number."""
        draws = self.calibration.values(self.posterior.unit)
        return checks.parameter_table(self.calibration, draws, self.recovery)

    def tests_among(self, predicted: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of published figures that the fit did not see."""
        tests = (predicted["role"] == "validate") | predicted["id"].isin(self.later)
        return predicted[tests & ~predicted["fitted"]]

    @property
    def unseen(self) -> list[Observation]:
        """Figures that the fit did not see: kept for testing, the user's own, published later."""
        figures = self.predictions.figures
        return [
            f for f in figures if f.role == "validate" or f in self.against or f.id in self.later
        ]


def calibrate(
    source: str | os.PathLike[str],
    *,
    out: str | os.PathLike[str],
    budget: str = "full",
    workers: int | None = None,
    scheduler: str = "local",
    against: str | os.PathLike[str] | None = None,
    as_of: date | None = None,
    progress: Progress = silent,
) -> Path:
    """Calibrate; leave a folder of tables. Started again, it goes on where it was stopped.

    Parameters
    ----------
    source : path or name
        Calibration file.
    out : path
        Results folder.
    budget : str
        A budget of the file: how much is simulated.
    workers, scheduler
        As ``flowsim.experiments.executor.scatter`` takes them.
    against : path, optional
        Published figures with the columns of ``observations.csv``, to be predicted.
    as_of : date, optional
        Fit only what had been published by the end of this day, and score what came later.
    progress : callable, optional
        Called with runs done, runs in all, and what is being done.

    Raises
    ------
    ScenarioError, CalibrationError, DataError, ResultsError, MachineError
    """
    whole = read_calibration(source)
    calibration = whole if as_of is None else whole.as_of(as_of)
    later = frozenset(whole.file.observations) - frozenset(calibration.file.observations)
    chosen = fitting.budget_of(calibration, budget)
    others = () if against is None else _told_apart(calibration, against)
    if scheduler == LOCAL:
        largest = {"sample": fitting.finest(calibration, chosen)}
        fits_in_memory(calibration.base.variant(largest), workers or cores())
    folder, started = Path(out), datetime.now(UTC)
    folders.refuse_other(folder, CalibrationResults.kind, [calibration.name], force=False)
    with Store(folder) as store:
        runner = fitting.runner_of(calibration, store, chosen, workers, scheduler, progress)
        done = _made(runner, chosen, others, later)
        tables, best = _tables(done), _best(done)
        tables |= _variant_tables(done, best)
        tables["best"] = pd.DataFrame([best])
        scenarios = (calibration.base.variant(best),)
        manifest = _manifest(done, scenarios, budget, started)
        manifest |= {} if as_of is None else {"as_of": str(as_of)}
        results = CalibrationResults(manifest, known={"scenarios": scenarios, **tables})
        text = yaml_text(calibration.file.model_dump(mode="json"))
        results.write(folder, {"calibration.yaml": text.encode()})
        keep(store, folder)
    return folder


def _manifest(
    done: _Done, scenarios: Sequence[Scenario], budget: str, started: datetime
) -> dict[str, Any]:
    """Return what made the calibration, how much was run and how well the sampler mixed."""
    calibration = done.calibration
    return manifest_of(
        CalibrationResults.kind,
        scenarios,
        started,
        name=calibration.name,
        title=calibration.title,
        sample=calibration.file.sample,
        seed=calibration.file.seed,
        budget=budget,
        credible=calibration.file.credible,
        design_runs=int(sum(done.budget.waves)),
        whole_runs=done.budget.whole,
        prediction_runs=len(done.predictions.runs),
        draws=len(done.posterior.kept),
        convergence=round(float(done.posterior.convergence.max()), 4),
        against=[figure.id for figure in done.against],
    )


def _made(
    runner: Runner, budget: Budget, others: tuple[Observation, ...], later: frozenset[str]
) -> _Done:
    """Run and fit what the tables are made from."""
    calibration = runner.calibration
    targets = targets_of(calibration)
    fixed = fitting.short(calibration)
    fit = run_waves(runner, targets, budget.waves, budget.steps, fixed, whole=budget.whole)
    posterior = fitting.sample_posterior(calibration, fit, budget)
    predictions = fitting.predict(runner, posterior, budget, others)
    chance = fitting.chance(runner, targets, budget)
    return _Done(runner, budget, targets, fit, posterior, predictions, chance, others, later)


def _told_apart(
    calibration: Calibration, against: str | os.PathLike[str]
) -> tuple[Observation, ...]:
    """Return the figures of a user's file that can be compared, with ids of their own."""
    scenario = calibration.base.scenario
    known = {figure.id: figure for figure in figures_of(scenario)}
    chosen = []
    for figure in read_figures(against, scenario):
        if not figure.is_compared or figure == known.get(figure.id):
            continue
        new = f"{figure.id}*" if figure.id in known else figure.id
        chosen.append(figure.model_copy(update={"id": new}))
    return tuple(chosen)


# ------------------------------------------------------------------ tables


def _tables(done: _Done) -> dict[str, pd.DataFrame]:
    calibration, kept = done.calibration, done.posterior.kept
    share = calibration.file.credible
    countries = {place.code for place in calibration.base.scenario.destinations.values()}
    figures, runs = done.predictions.figures, done.predictions.runs
    predicted = validation.prediction_rows(figures, runs, share, countries)
    ids = set(calibration.file.observations)
    predicted.insert(2, "fitted", predicted["id"].isin(ids))
    errors = {"id": done.targets.ids, "error": done.targets.error}
    unit = calibration.values(done.posterior.unit)
    return {
        "posterior": pd.DataFrame([calibration.changes(row) for row in kept]),
        "draws": pd.DataFrame(kept, columns=calibration.names),
        "parameters": done.parameters,
        "correlations": checks.correlation_table(calibration, unit),
        "fit": _fit_table(done, predicted),
        "validation": done.tests_among(predicted),
        "predictions": predicted,
        **_naive_tables(done, predicted),
        "recovery": done.recovery,
        "recovery-summary": checks.recovery_summary(done.recovery, done.parameters),
        "leave-one-out": _leave_one_out(done),
        "emulator": pd.DataFrame(errors | {"emulator": done.fit.emulated, "chance": done.chance}),
        "daily": _daily(runs, share),
        "departures": _departures(runs, share),
    }


def _leave_one_out(done: _Done) -> pd.DataFrame:
    """Fit without each figure and group in turn; kept under the figures that are left out."""
    left_out = _left_out(done.targets, done.calibration.file.groups)
    unit, steps = done.posterior.unit, max(200, done.budget.steps // 3)
    return done.runner.table(
        f"leave-one-out-{key_of(left_out)}",
        lambda: checks.leave_one_out(done.calibration, done.fit, unit, steps, left_out),
    )


def _left_out(targets: Targets, named: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return which figures are left out together: each alone, the inputs, the file's groups."""
    alone = {name: [name] for name in targets.ids}
    inputs = [figure.id for figure in targets.figures if figure.is_input]
    groups = {"all inputs": inputs} | {name: list(ids) for name, ids in named.items()}
    return alone | {name: ids for name, ids in groups.items() if 1 < len(ids) < len(targets.ids)}


def _fit_table(done: _Done, predicted: pd.DataFrame) -> pd.DataFrame:
    """Return the figures of the fit beside what posterior draws give when simulated."""
    runs, targets = done.predictions.runs, done.targets
    scaled = targets.scaled(runs)
    tail = (1 - done.calibration.file.credible) / 2
    low, median, high = np.nanquantile(targets.natural(scaled), [tail, 0.5, 1 - tail], axis=0)
    fitted = pd.DataFrame(
        {
            "id": targets.ids,
            "is_input": [figure.is_input for figure in targets.figures],
            "what": [figure.measure for figure in targets.figures],
            "published": targets.published,
            "median": median,
            "low": low,
            "high": high,
            "ratio": median / targets.published,
            "z": (np.nanmedian(scaled, axis=0) - targets.observed) / targets.error,
            "error": targets.error,
            "note": [fitted.why for fitted in targets.fitted],
        }
    )
    shown = predicted[predicted["id"].isin(done.calibration.file.shown)]
    what = {f.id: f.measure for f in figures_of(done.calibration.base.scenario)}
    why = "not fitted: " + shown["id"].map(done.calibration.file.shown)
    others = shown.drop(columns=["low", "high", "median"], errors="ignore")
    others = others.rename(columns={"simulated": "median", "sim_low": "low", "sim_high": "high"})
    others = others.assign(what=shown["id"].map(what), note=why, z=np.nan, error=np.nan)
    return pd.concat([fitted, others[fitted.columns]], ignore_index=True)


def _naive_tables(done: _Done, predicted: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return naive guesses of every unseen figure, and scores of all."""
    file, scenario = done.calibration.file, done.calibration.base.scenario
    known = [f for f in published_for(scenario) if f.role == "fit" and f.id not in done.later]
    unseen = done.unseen
    ordinary = {place.code: place.background.value for place in scenario.destinations.values()}
    naive = validation.naive_rows(unseen, known, ordinary, file.credible, file.seed)
    own = predicted[predicted["id"].isin([figure.id for figure in unseen])]
    return {"naive": naive, "scores": validation.score_table(own, naive)}


def _daily(runs: pd.DataFrame, share: float) -> pd.DataFrame:
    """Return daily series of the predictions: median and interval by place and day."""
    tail = (1 - share) / 2
    rows = []
    for name in [column for column in map(str, runs.columns) if column.count("|") == 2]:
        measure, place, date = name.split("|")
        low, median, high = np.quantile(runs[name], [tail, 0.5, 1 - tail])
        rows.append((measure, place, date, low, median, high))
    return pd.DataFrame(rows, columns=["measure", "place_id", "date", "low", "median", "high"])


def _departures(runs: pd.DataFrame, share: float) -> pd.DataFrame:
    """Return how many men set off for each destination and for any: median, interval, width."""
    columns = [column for column in map(str, runs.columns) if column.startswith("departures|")]
    sums = runs[columns].T.groupby([column.split("|")[1] for column in columns]).sum()
    sums.loc["all"] = sums.sum()
    low, median, high = np.quantile(sums, [(1 - share) / 2, 0.5, (1 + share) / 2], axis=1)
    factor = np.divide(high, low, out=np.full(len(low), np.nan), where=low > 0)
    ends = {"low": low, "median": median, "high": high, "factor": factor}
    return pd.DataFrame({"place_id": sums.index} | ends)


def _variant_tables(done: _Done, middle: dict[str, Any]) -> dict[str, pd.DataFrame]:
    """Run variants if the budget has some; those fitted anew give their own best points.

    ``middle`` holds the scenario changes of the best point, at which they hold what they do not
    fit.
    """
    if not done.budget.variants or not (done.calibration.file.imputed or done.calibration.file.off):
        return {}
    runner, fit, posterior = done.runner, done.fit, done.posterior
    rows = runner.table(
        fitting.name_of_variants(done.calibration, done.budget),
        lambda: fitting.run_variants(runner, fit, posterior, done.predictions, done.budget),
    )
    known = done.parameters["verdict"] != "not identified"
    moving = done.parameters["parameter"][known].astype(str).tolist()
    again, points = [], []
    for kind in ("imputed", "off"):
        for name, variant in getattr(done.calibration.file, kind).items():
            if not variant.start or not done.budget.again:
                continue
            own, own_fit, own_posterior = fitting.fit_variant(
                runner, done.targets, name, variant, done.budget, moving, middle
            )
            stage = fitting.name_of_again(own, name, variant, middle)
            fixed = fitting.fixed_in(own, variant, middle)
            best, misfit = _polished(done, own, own_fit, own_posterior, stage, fixed)
            changes = variant.changes | _written(own.changes(best))
            points += [{"variant": name, "key": k, "value": v} for k, v in changes.items()]
            again.append({"kind": kind, "variant": name, "title": variant.title})
            again[-1] |= {"misfit_as_it_is": misfit} | _again_row(own_fit, own_posterior)
    tables = {"variants": pd.concat([rows, pd.DataFrame(again)], ignore_index=True)}
    return tables | {"variant-points": pd.DataFrame(points, columns=["variant", "key", "value"])}


def _polished(
    done: _Done,
    own: Calibration,
    fit: Fit,
    posterior: Posterior,
    stage: str,
    fixed: dict[str, Any],
) -> tuple[Floats, float]:
    """Return the best point of a variant and its misfit, from real runs; kept when found."""

    def find() -> pd.DataFrame:
        start = best_point(own, fit.likelihood(), posterior.unit, {})
        values, misfit = polished(own, done.targets, start, fixed)
        return pd.DataFrame([[*values, misfit]], columns=[*own.names, "misfit"])

    row = done.runner.table(f"{stage}-point", find)
    return row[own.names].to_numpy(dtype=np.float64)[0], float(row["misfit"].iloc[0])


def _again_row(fit: Fit, posterior: Posterior) -> dict[str, Any]:
    """Return how well a variant that was fitted from the beginning meets the figures."""
    some = posterior.unit[:: max(1, len(posterior.unit) // 2000)]
    misfit = float(np.quantile(fit.likelihood().misfit(some), 0.05))
    return {"misfit_refitted": misfit} | fit.targets.worst(np.median(fit.emulator(some), axis=0))


def _assumed(calibration: Calibration, parameters: pd.DataFrame) -> dict[str, float]:
    """Return values to what the figures do not identify, so that none of it is tuned.

    They are the scenario's, or the posterior's median where the scenario has no assumption.
    What moves several keys or one date at once keeps the scenario's value then as well.
    """
    rows = {row.key: row for row in assumptions(calibration.base.scenario)}
    fitted = {parameter.name: parameter for parameter in calibration.parameters}
    held = {}
    unknown = parameters[parameters["verdict"] == "not identified"]
    for name, median in zip(unknown["parameter"], unknown["median"], strict=True):
        if name not in rows:
            held[name] = _own_value(calibration, fitted[name])
        elif rows[name].source.startswith(CALIBRATED):
            held[name] = float(median)
        else:
            held[name] = float(str(rows[name].value).replace(",", ""))
    return {k: v for k, v in held.items() if fitted[k].low <= v <= fitted[k].high}


def _own_value(calibration: Calibration, parameter: Parameter) -> float:
    """Return the value that the scenario itself has of a parameter that moves other keys."""
    key, (a, b) = next(iter(parameter.moves.items()))
    *stem, last = key.split(".")
    tree = calibration.base.tree
    found = tree.at((*stem, "value", last)) or tree.at((*stem, last, "value"))
    return float((found - a) / b)


def _best(done: _Done) -> dict[str, float]:
    """Return the point for the scenario file, as scenario changes."""
    held = _assumed(done.calibration, done.parameters)
    best = best_point(done.calibration, done.fit.likelihood(), done.posterior.unit, held)
    return _written(done.calibration.changes(best))


def _written(changes: Mapping[str, Any]) -> dict[str, float]:
    """Round as a scenario file is written, so that what was run is what is shipped."""
    return {key: float(f"{value:.{WRITTEN}g}") for key, value in changes.items()}
