"""Calibration: files, targets, emulator, sampler, scores, stores."""

from __future__ import annotations

import importlib
import json
import math
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flowsim.calibration import (
    calibrating,
    checks,
    emulator,
    fitting,
    open_calibration,
    posterior,
    posterior_changes,
    validation,
    variants,
    waves,
)
from flowsim.calibration.file import Variant, read_calibration, was_published
from flowsim.calibration.fitting import best_point
from flowsim.calibration.posterior import Likelihood
from flowsim.calibration.runs import Runner, calibration_key, keep, take_up
from flowsim.calibration.targets import targets_of
from flowsim.calibration.waves import SOFT, draw_next, first_points, learn
from flowsim.data import sources
from flowsim.errors import CalibrationError, DataError, ResultsError, ScenarioError
from flowsim.experiments.simulate import simulate
from flowsim.experiments.store import Outcome, Store
from flowsim.results.observation import Observed
from flowsim.scenario import Base, load

SMALL = """\
name: tiny
title: A tiny calibration
scenario: september-2022
sample: 0.001
until: 2022-09-30
parameters:
  choice.constant.georgia: {prior: [-6, -4]}
  panic.lag: {}
observations:
  GE007: {error: 0.05}
  LA010: {error: 0.15, floor: 300}
  KZ009: {error: 0.05}
budgets:
  test: {waves: [6, 4], repeats: 2, steps: 100, draws: 50, predictions: 10,
    variants: 0, truths: 10, truth_steps: 100}
"""
VARIANTS = """\
imputed:
  lambda_1: {title: lambda 1, changes: {choice.lambda: 1.0}, start: {panic.lag: [0.5, 5]}}
off:
  rumour: {title: no rumour, changes: {policies.rumour_of_closure.strength: 0}}
"""
RNG = np.random.default_rng(1)

COUNTRIES = {country.code for country in sources.destinations()}


@pytest.fixture
def tiny(tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(SMALL, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def shipped():
    return read_calibration("september-2022")


# ------------------------------------------------------------------ the file


def test_the_shipped_file_fits_no_figure_kept_for_testing(shipped):
    calibration = shipped
    roles = {sources_by_id()[name].role for name in calibration.file.observations}
    assert roles == {"fit"}


def test_a_figure_and_the_sum_that_holds_it_are_never_both_fitted(shipped):
    """Windows of one measure at one place do not overlap."""
    calibration = shipped
    figures = [
        f
        for name, f in calibration.figures.items()
        if name in calibration.file.observations and f.window_end > f.window_start
    ]
    for one in figures:
        for other in figures:
            same = (one.model_measure, one.place_id) == (other.model_measure, other.place_id)
            if same and one.id < other.id:
                assert one.window_end <= other.window_start or other.window_end <= one.window_start


@pytest.mark.parametrize("day", [date(2022, 9, 26), date(2022, 9, 30)])
def test_as_of_a_day_nothing_is_fitted_that_was_published_later(shipped, day):
    then = shipped.as_of(day)
    known = sources_by_id()
    kept = set(then.file.observations)
    later = set(shipped.file.observations) - kept
    assert kept
    assert later
    assert max(known[name].source_date for name in kept) <= f"{day}"
    assert all(
        known[name].source_date > f"{day}" or len(known[name].source_date) < 10 for name in later
    )
    assert {name for ids in then.file.groups.values() for name in ids} <= kept
    assert then.parameters == shipped.parameters


def test_a_bare_month_counts_as_published_at_its_end(shipped):
    figure = shipped.figures["GE007"].model_copy(update={"source_date": "2022-09"})
    assert not was_published(figure, date(2022, 9, 29))
    assert was_published(figure, date(2022, 10, 1))
    assert not was_published(figure.model_copy(update={"source_date": ""}), date(2023, 1, 1))


def test_too_early_a_day_leaves_nothing_to_fit(shipped):
    with pytest.raises(CalibrationError, match=r"0 of the figures to fit.*Choose a later day"):
        shipped.as_of(date(2022, 9, 17))


def test_what_is_fitted_has_free_bounds_in_the_scenario(shipped):
    calibration = shipped
    changes = calibration.changes((calibration.low + calibration.high) / 2)
    scenario = Base.read("september-2022").variant(changes)
    assert scenario.panic.lag.value == pytest.approx(4.25)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("panic.lag: {}", "panic.lagg: {}", "did you mean panic.lag"),
        ("panic.lag: {}", "choice.lambda: {}", "has no free bounds"),
        ("GE007:", "GE021:", "only figures with the role fit are fitted"),
        ("GE007:", "GE999:", "is not a figure"),
        ("until: 2022-09-30", "until: 2022-09-25", "after until"),
        ("[-6, -4]", "[-4, -6]", "low below high"),
        ("GE007: {error: 0.05}", "GE007: {error: 0}", "error"),
        ("sample: 0.001", "samples: 0.001", "sample"),
        ("GE007: {error: 0.05}", "GE007: {error: 0.05, share_of: entries}", "go together"),
        ("until: 2022-09-30", "until: soon", "'soon' is not a date"),
        ("until: 2022-09-30", "until: 2022-09-30T12:00", "expected a day"),
        ("until: 2022-09-30", "until: 2021-01-01", "the scenario refuses it"),
        ("waves: [6, 4]", "waves: [-5, 0]", "found -5; expected at least 1"),
        ("waves: [6, 4]", "waves: [6]", "found a list of 1; expected at least 2"),
        ("waves: [6, 4]", "waves: [6, 1000000]", "found 1000000; expected at most 100000"),
        ("[-6, -4]", "[.nan, -4]", "expected a finite number"),
        ("[-6, -4]", "[-6, .inf]", "expected a finite number"),
        ("sample: 0.001", "sample: .nan", "sample"),
        ("sample: 0.001", "sample: 0.001\nseed: -1", "found -1; expected at least 0"),
        ("name: ", "name: ../", "expected at most 80 letters, digits"),
        ("GE007: {error: 0.05}", "GE007: {error: 0.05, floor: .inf}", "finite number"),
        ("GE007: {error: 0.05}", "GE007: {error: 0.05, discrepancy: .nan}", "GE007.discrepancy"),
        (
            "GE007: {error: 0.05}",
            "GE007: {error: 0.05, share_of: entry, value: 0.5}",
            "'entry' is not a measure of published figures; did you mean entries?",
        ),
        ("truths: 10", "whole: 10, truths: 10", "some must be left to learn from; found 10 of 10"),
    ],
)
def test_each_mistake_in_a_file_is_told_with_its_line(tmp_path, old, new, said):
    path = tmp_path / "wrong.yaml"
    path.write_text(SMALL.replace(old, new), encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        read_calibration(path)
    assert said in str(caught.value)
    assert "wrong.yaml:" in str(caught.value)
    assert " should " not in str(caught.value)


def test_all_mistakes_are_told_at_once(tmp_path):
    path = tmp_path / "wrong.yaml"
    text = SMALL.replace("panic.lag:", "panic.lagg:").replace("GE007:", "GE999:")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        read_calibration(path)
    assert len(caught.value.problems) == 2


def test_places_in_the_cube_and_values_are_each_others_inverse(tiny):
    calibration = read_calibration(tiny)
    unit = RNG.uniform(-1, 1, (20, 2))
    assert np.allclose(calibration.unit(calibration.values(unit)), unit)


# ------------------------------------------------------------------ targets


def sources_by_id():
    return {figure.id: figure for figure in sources.observations()}


def test_a_run_gives_for_a_target_what_the_comparison_with_published_figures_gives(tiny):
    calibration = read_calibration(tiny)
    scenario = load("september-2022", {"sample": 0.001, "horizon.end": "2022-09-30"})
    observed = Observed(simulate(scenario))
    for name in calibration.file.observations:
        expected = observed.published_equivalent(calibration.figures[name])
        row = pd.DataFrame([dict.fromkeys(calibration.file.observations, expected)])
        targets = targets_of(calibration)
        place = targets.ids.index(name)
        back = targets.natural(targets.scaled(row))[0, place]
        assert back == pytest.approx(max(expected, 1.0))


def test_a_relative_error_of_a_count_is_the_standard_error_of_its_logarithm(tiny):
    targets = targets_of(read_calibration(tiny))
    assert targets.error[targets.ids.index("GE007")] == pytest.approx(0.05)
    lars = targets.ids.index("LA010")
    assert targets.error[lars] == pytest.approx(0.15 * 2300 / 2600)


def test_a_share_is_compared_in_points(shipped):
    targets = targets_of(shipped)
    place = targets.ids.index("KZ046")
    runs = pd.DataFrame([dict.fromkeys(targets.ids, 100.0) | {"KZ046/entries": 125.0}])
    assert targets.scaled(runs)[0, place] == pytest.approx(0.8)
    assert targets.observed[place] == 0.77


# ------------------------------------------------------------------ the emulator


def quadratic(unit):
    return np.stack(
        [1 + unit[:, 0] - 2 * unit[:, 1] * unit[:, 2], 3 * unit[:, 2] ** 2 - unit[:, 0]], axis=1
    )


def test_the_emulator_learns_a_quadratic_without_error():
    unit = RNG.uniform(-1, 1, (200, 3))
    learnt = emulator.fit(unit, quadratic(unit))
    new = RNG.uniform(-1, 1, (50, 3))
    assert np.abs(learnt(new) - quadratic(new)).max() < 0.01


def test_errors_left_out_are_those_of_fits_made_without_the_run():
    """The formula by leverage against fitting anew, at the penalty that was chosen."""
    unit = RNG.uniform(-1, 1, (40, 2))
    figures = quadratic(np.hstack([unit, unit[:, :1]])) + 0.1 * RNG.standard_normal((40, 2))
    learnt = emulator.fit(unit, figures)
    again = [
        figures[i] - emulator.fit(np.delete(unit, i, 0), np.delete(figures, i, 0))(unit[i : i + 1])
        for i in range(40)
    ]
    expected = np.sqrt(np.mean(np.concatenate(again) ** 2, axis=0))
    assert learnt.error == pytest.approx(expected, rel=0.15)


def test_what_a_sample_does_is_learnt_and_taken_off():
    """Runs of a sample are off by a straight line in the parameters; a few with all men tell."""
    unit = RNG.uniform(-1, 1, (300, 3))
    whole = np.arange(300) >= 240
    off = 0.5 + unit @ np.array([[0.2, 0.0], [0.0, -0.3], [0.1, 0.0]])
    figures = quadratic(unit) - np.where(whole[:, None], 0, off)
    new = RNG.uniform(-1, 1, (50, 3))
    error = np.abs(emulator.fit(unit, figures, whole)(new) - quadratic(new)).max()
    assert error < 0.02 < 0.3 < np.abs(emulator.fit(unit, figures)(new) - quadratic(new)).max()


def test_runs_of_a_sample_alone_are_taken_as_they_are():
    unit = RNG.uniform(-1, 1, (200, 3))
    learnt = emulator.fit(unit, quadratic(unit), np.zeros(200, dtype=bool))
    assert np.array_equal(learnt(unit), emulator.fit(unit, quadratic(unit))(unit))


def test_runs_with_all_men_judge_the_emulator(tiny):
    _, fit = known_fit(tiny)
    whole = fit.wave == 1
    error = np.where(whole[:, None], 0.0, 0.5) * RNG.standard_normal(fit.figures.shape)
    learnt = learn(fit.targets, fit.unit, fit.figures + error, fit.wave, whole)
    assert learnt.emulated.max() < 0.15 < learnt.emulator.error.min()


def test_chance_is_found_from_pairs_of_runs():
    true = RNG.standard_normal((4000, 1))
    first, second = (true + 0.3 * RNG.standard_normal((4000, 1)) for _ in range(2))
    assert emulator.noise_of(first, second)[0] == pytest.approx(0.3, rel=0.05)


def test_the_first_wave_fills_the_prior_evenly(tiny):
    unit = first_points(read_calibration(tiny), 512, 1)
    counts = np.histogram2d(unit[:, 0], unit[:, 1], bins=4, range=[[-1, 1]] * 2)[0]
    assert (counts == 32).all()


# ------------------------------------------------------------------ the sampler


def test_the_sampler_gives_a_known_normal_back():
    """Mean and covariance of a correlated normal well inside the cube."""
    wanted = np.array([[0.02, 0.012], [0.012, 0.01]])
    inverse = np.linalg.inv(wanted)
    draws, _ = posterior.sample(
        lambda u: -0.5 * np.einsum("ni,ij,nj->n", u - 0.1, inverse, u - 0.1),
        RNG.uniform(-0.5, 0.5, (posterior.MEMBERS, 2)),
        900,
        np.random.default_rng(2),
    )
    flat = draws.reshape(-1, 2)
    assert flat.mean(axis=0) == pytest.approx([0.1, 0.1], abs=0.01)
    assert np.cov(flat.T) == pytest.approx(wanted, rel=0.1)


def test_without_figures_the_posterior_is_the_prior():
    draws, _ = posterior.sample(
        lambda u: np.zeros(len(u)),
        0.2 * RNG.standard_normal((posterior.MEMBERS, 3)),
        900,
        np.random.default_rng(3),
    )
    flat = draws.reshape(-1, 3)
    assert np.abs(flat).max() <= 1
    assert flat.std(axis=0) == pytest.approx([1 / math.sqrt(3)] * 3, rel=0.06)


def test_two_hills_are_both_found():
    draws, _ = posterior.sample(
        lambda u: np.logaddexp(
            -0.5 * ((u[:, 0] - 0.6) / 0.05) ** 2, -0.5 * ((u[:, 0] + 0.6) / 0.05) ** 2
        ),
        RNG.uniform(-1, 1, (posterior.MEMBERS, 1)),
        900,
        np.random.default_rng(4),
    )
    assert 0.35 < (draws > 0).mean() < 0.65


def test_leaving_a_figure_out_means_that_it_does_not_count():
    likelihood = Likelihood(
        lambda u: np.hstack([u, -u]), np.zeros(2), np.ones(2), np.array([True, False])
    )
    assert likelihood.misfit(np.array([[3.0]])) == pytest.approx([9.0])


# ------------------------------------------------------------------ a world that is known


SLOPE = np.array([[0.6, 0.0, 0.3], [0.0, 0.5, -0.2]])


def known_fit(tiny, slope=SLOPE):
    """A linear world of two numbers and three figures, learnt from two waves."""
    calibration = read_calibration(tiny)
    targets = targets_of(calibration)
    rng = np.random.default_rng(8)

    def run(unit):
        return targets.observed + unit @ slope + 0.01 * rng.standard_normal((len(unit), 3))

    first = rng.uniform(-1, 1, (150, 2))
    before = learn(targets, first, run(first), np.zeros(150, dtype=np.int64))
    second = draw_next(before, 150, 300, rng, SOFT)
    unit = np.concatenate([first, second])
    figures = np.concatenate([before.figures, run(second)])
    wave = np.repeat([0, 1], 150)
    return calibration, learn(targets, unit, figures, wave, drawn_from=before.likelihood())


def test_intervals_of_a_known_world_hold_nine_truths_of_ten(tiny):
    """40 truths, two numbers: coverage within three standard errors of 0.9."""
    calibration, fit = known_fit(tiny)
    table = checks.recover(calibration, fit, 40, 120, workers=1)
    assert len(table) == 80
    assert abs(table["covered"].mean() - 0.9) < 3 * math.sqrt(0.09 / 80)
    assert abs(table["rank"].mean() - 0.5) < 3 * math.sqrt(1 / 12 / 80)


def test_a_number_that_no_figure_depends_on_is_said_to_be_not_identified(tiny):
    calibration, fit = known_fit(tiny, np.array([[0.6, 0.1, 0.3], [0.0, 0.0, 0.0]]))
    start = posterior.start_from(fit.unit, fit.misfit, np.random.default_rng(5))
    draws = posterior.sample(fit.likelihood(), start, 400, np.random.default_rng(5))[0]
    recovery = checks.recover(calibration, fit, 40, 120, workers=1)
    values = calibration.values(draws.reshape(-1, 2))
    table = checks.parameter_table(calibration, values, recovery)
    assert list(table["verdict"]) == ["identified", "not identified"]


def test_a_number_whose_truths_are_not_found_again_is_not_identified(tiny):
    """A narrow posterior alone is no finding: draws far narrower than the prior, truths lost."""
    calibration, fit = known_fit(tiny)
    recovery = checks.recover(calibration, fit, 40, 120, workers=1)
    first = recovery["parameter"] == calibration.names[0]
    recovery.loc[first, "median"] = -recovery.loc[first, "value"]
    narrow = calibration.values(RNG.uniform(-0.1, 0.1, (500, 2)))
    table = checks.parameter_table(calibration, narrow, recovery)
    assert list(table["verdict"]) == ["not identified", "identified"]
    assert (table["ratio"] < checks.IDENTIFIED).all()


def test_a_variant_that_shifts_a_figure_is_learnt_from_pairs(tiny):
    _, fit = known_fit(tiny)
    unit = RNG.uniform(-1, 1, (80, 2))
    before = fit.emulator(unit)
    after = before + 0.2 + unit @ np.array([[0.1, 0, 0], [0, -0.1, 0]])
    shifted, error = variants.shift(fit, unit, before, after)
    assert np.abs(shifted(unit) - after).max() < 0.02
    assert error.max() < 0.01


def test_the_point_for_the_file_keeps_what_is_held_and_stays_inside_the_bounds(tiny):
    calibration, fit = known_fit(tiny)
    draws = RNG.uniform(-0.2, 0.2, (500, 2))
    best = best_point(calibration, fit.likelihood(), draws, {"panic.lag": 3.0})
    assert best[1] == pytest.approx(3.0)
    assert calibration.low[0] < best[0] < calibration.high[0]
    everything = dict(zip(calibration.names, [1.0, 3.0], strict=True))
    kept = best_point(calibration, fit.likelihood(), draws, everything)
    assert kept == pytest.approx(list(everything.values()))


def test_a_variant_fitted_anew_holds_the_other_numbers_at_the_best_point(tiny):
    """What moves is not held, and what the variant says comes last."""
    calibration = read_calibration(tiny)
    variant = Variant(title="t", changes={"choice.theta": 0.3}, start={"panic.lag": (1, 2)})
    best = {"panic.lag": 4.0, "choice.theta": 0.5, "panic.decay": 9.0}
    fixed = fitting.fixed_in(calibration, variant, best)
    assert "panic.lag" not in fixed
    assert fixed["choice.theta"] == 0.3
    assert fixed["panic.decay"] == 9.0
    names = {
        fitting.name_of_again(calibration, "v", variant, best | other)
        for other in ({}, {"panic.lag": 5.0}, {"panic.decay": 8.0})
    }
    assert len(names) == 2


# ------------------------------------------------------------------ samples


def test_what_a_sample_does_is_measured_on_some_draws_and_taken_off_others(tiny, monkeypatch):
    """A known world: a sample lets a tenth less through, and has more chance than all men."""
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "docs")
    samples = importlib.import_module("sample_effects")
    calibration = read_calibration(tiny)
    targets, rng = targets_of(calibration), np.random.default_rng(3)
    few = calibration.file.sample

    def run(_calibration, values, sample, _replication):
        chance = 0.02 * np.sqrt(few / sample)
        level = 5000 * np.exp(0.1 * values[0]) * (1.0 if sample == 1 else 0.9)
        return {name: level * np.exp(chance * rng.standard_normal()) for name in targets.ids}

    monkeypatch.setattr(samples, "_run", run)
    points = calibration.values(rng.uniform(-1, 1, (12, 2)))
    others = calibration.values(rng.uniform(-1, 1, (80, 2)))
    pairs = tuple(
        pd.DataFrame([run(None, v, sample, 0) for v in others]).rename_axis("point").reset_index()
        for sample in (few, 1.0)
    )
    table = samples.compare_samples(calibration, targets, points, pairs, (few, 0.5))
    own = table[(table["sample"] == few) & (table["id"] != "LA010")]  # cars are counted with 300
    assert own["ratio"].between(0.88, 0.92).all()
    assert (own["z"] < -5).all()
    assert own["corrected"].between(0.99, 1.01).all()
    assert (own["z_corrected"].abs() < 4).all()
    assert table[table["sample"] == 0.5]["corrected"].isna().all()


# ------------------------------------------------------------------ scores


def test_the_crps_of_a_normal_is_the_closed_form():
    """Gneiting and Raftery (2007): sigma (z (2 Phi(z) - 1) + 2 phi(z) - 1 / sqrt(pi))."""
    from scipy.stats import norm

    draws = norm.ppf((np.arange(4000) + 0.5) / 4000)
    z = 0.7
    expected = z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / math.sqrt(math.pi)
    assert validation.crps(draws, z) == pytest.approx(expected, abs=2e-3)


def test_the_interval_score_punishes_what_lies_outside():
    assert validation.interval_score(1, 3, 2, 0.9) == 2
    assert validation.interval_score(1, 3, 3.5, 0.9) == pytest.approx(2 + 20 * 0.5)


def test_naive_guesses_see_only_what_was_published_before():
    known = [f for f in sources.observations() if f.role == "fit" and f.window_end]
    figure = sources_by_id()["GE021"]
    seen = validation.history(figure, known)
    assert [level for _, level in seen][-1] == 10804
    assert max(moment for moment, _ in seen) < figure.window_start


def test_the_guess_of_yesterday_is_the_last_published_value():
    known = [f for f in sources.observations() if f.role == "fit" and f.window_end]
    rows = validation.naive_rows([sources_by_id()["GE021"]], known, {"GE": 6400.0}, 0.9, 1)
    row = rows.set_index("guess").loc["yesterday"]
    assert row["median"] == pytest.approx(10804, rel=0.03)
    assert row["low"] < row["median"] < row["high"]


def test_predictive_intervals_hold_the_published_error():
    figure = sources_by_id()["GE021"]
    runs = pd.DataFrame({"GE021": np.full(2000, 9642.0)})
    row = validation.prediction_rows([figure], runs, 0.9, COUNTRIES).iloc[0]
    assert row["low"] == pytest.approx(9642 * math.exp(-1.645 * 0.07), rel=0.02)
    assert row["covered"]


def test_an_empty_road_can_be_predicted():
    figure = sources_by_id()["LA033"]
    runs = pd.DataFrame({"LA033": np.zeros(300)})
    row = validation.prediction_rows([figure], runs, 0.9, COUNTRIES).iloc[0]
    assert row["low"] == 0
    assert row["covered"]


def test_what_is_said_of_a_figure_does_not_hang_on_which_others_are_there():
    both = [sources_by_id()[name] for name in ("GE021", "GE023")]
    runs = pd.DataFrame({f.id: np.random.default_rng(6).normal(f.value, 300, 50) for f in both})
    known = [f for f in sources.observations() if f.role == "fit" and f.window_end]
    together, alone = (
        validation.prediction_rows(figures, runs, 0.9, COUNTRIES).set_index("id").loc["GE023"]
        for figures in (both, both[1:])
    )
    assert together.equals(alone)
    together, alone = (
        validation.naive_rows(figures, known, {"GE": 6400.0}, 0.9, 1).query(
            "id == 'GE023' and guess == 'decay'"
        )
        for figures in (both, both[1:])
    )
    assert together.to_numpy().tolist() == alone.to_numpy().tolist()


def test_men_who_set_off_are_added_up_draw_by_draw():
    """By destination and in all: the ends of a sum are not the sums of the ends."""
    names = [f"departures|{place}|2022-09-2{day}" for place in ("GE", "KZ") for day in (1, 2)]
    runs = pd.DataFrame([[n, 0, 0, 0] for n in range(11)], columns=names)
    runs[names[3]] = np.arange(11)[::-1] * 10.0
    rows = calibrating._departures(runs, 0.8).set_index("place_id")
    assert rows.loc["GE"].tolist() == pytest.approx([1, 5, 9, 9])
    assert rows.loc["KZ"].tolist() == pytest.approx([10, 50, 90, 9])
    assert rows.loc["all"].tolist() == pytest.approx([19, 55, 91, 91 / 19])
    runs[names[0]] = 0
    assert np.isnan(calibrating._departures(runs, 0.8).set_index("place_id").loc["GE", "factor"])


def test_scores_tell_the_model_from_the_guesses():
    figures = [sources_by_id()[name] for name in ("GE021", "GE023")]
    runs = pd.DataFrame({f.id: np.random.default_rng(6).normal(f.value, 300, 400) for f in figures})
    known = [f for f in sources.observations() if f.role == "fit" and f.window_end]
    model = validation.prediction_rows(figures, runs, 0.9, COUNTRIES)
    naive = validation.naive_rows(figures, known, {"GE": 6400.0}, 0.9, 1)
    table = validation.score_table(model, naive).set_index("who")
    assert table.loc["model", "covered"] == 2
    assert table.loc["model", "crps"] < table.loc["yesterday", "crps"]
    assert set(table["aspect"]) == {"timing"}


# ------------------------------------------------------------------ runs that survive a kill


def test_a_stage_goes_on_with_what_is_missing(tiny, tmp_path):
    calibration = read_calibration(tiny)
    points = pd.DataFrame(
        calibration.values(first_points(calibration, 3, 1)), columns=calibration.names
    )
    told = []
    fixed = {"horizon.end": "2022-09-30", "sample": 0.001}

    def run(store, points):
        runner = Runner(calibration, store, "key", 1, progress=lambda n, *_: told.append(n))
        return runner.run("wave-1", points, fixed=fixed)

    with Store(tmp_path) as store:
        part = run(store, points.iloc[:2])
    with Store(tmp_path) as store:
        whole = run(store, points)
        assert told == [0, 1, 2, 2, 3]  # each begins with what was there
        assert whole.iloc[:2].equals(part)
        keep(store, tmp_path)
    assert {path.name for path in tmp_path.iterdir() if path.suffix} >= {"runs.parquet"}
    assert not list(tmp_path.glob("*sqlite*"))
    with Store(tmp_path) as store:
        take_up(store, "key")
        assert run(store, points).equals(whole)
    assert told == [0, 1, 2, 2, 3]  # each begins with what was there


def test_points_of_a_stage_are_made_once(tmp_path):
    for made in ([1.0, 2.0], [3.0]):
        with Store(tmp_path) as store:
            runner = Runner(None, store, "key")
            found = runner.table("wave-1", lambda made=made: pd.DataFrame({"x": made}))
        assert found["x"].tolist() == [1.0, 2.0]


def test_runs_of_another_calibration_are_refused(tmp_path):
    with Store(tmp_path) as store:
        store.add([Outcome("key/1")])
    with Store(tmp_path) as store, pytest.raises(ResultsError, match="another calibration"):
        take_up(store, "other")


def test_the_value_that_a_scenario_gives_to_a_fitted_number_does_not_change_the_key(tiny, tmp_path):
    """So that writing calibrated values into the scenario keeps the runs they came from."""
    own = tmp_path / "own.yaml"
    own.write_text("name: own\nextends: september-2022\nchanges: {panic.lag: 2}\n", "utf-8")
    other = tmp_path / "other.yaml"
    other.write_text("name: own\nextends: september-2022\nchanges: {panic.lag: 3}\n", "utf-8")
    keys = set()
    for path in (own, other):
        file = tmp_path / f"{path.stem}-calibration.yaml"
        file.write_text(SMALL.replace("scenario: september-2022", f"scenario: {path}"), "utf-8")
        keys.add(calibration_key(read_calibration(file), (6, 4), 100))
    assert len(keys) == 1


def test_a_calibration_whose_runs_all_fail_says_why(tiny, tmp_path):
    calibration = read_calibration(tiny)
    points = pd.DataFrame([[-5.0, 3.0]], columns=calibration.names)
    with Store(None) as store, pytest.raises(CalibrationError, match="1 of 1 runs"):
        Runner(calibration, store, "", 1).run("wave-1", points, fixed={"horizon.end": "2022-01-01"})


def test_a_folder_that_is_no_calibration_is_refused(tmp_path):
    with pytest.raises(ResultsError):
        open_calibration(tmp_path)


# ------------------------------------------------------------------ what comes with flowsim


def test_every_shipped_draw_makes_a_sound_scenario():
    base = Base.read("september-2022")
    for changes in posterior_changes(5):
        base.variant(changes)


def test_no_more_draws_are_given_than_there_are():
    with pytest.raises(CalibrationError, match="draws of the posterior"):
        posterior_changes(100_000)


@pytest.mark.parametrize("value", [0.3, 1.0])
def test_another_lambda_comes_with_its_own_constants(value):
    changes = sources.lambda_changes(value)
    scenario = load("september-2022", changes)
    assert scenario.choice.lambda_.value == value
    assert "choice.constant.georgia" in changes


def test_the_baselines_lambda_changes_nothing_and_an_unknown_one_is_refused():
    assert sources.lambda_changes(0.6) == {}
    with pytest.raises(DataError, match=r"0\.3, 0\.6, 1"):
        sources.lambda_changes(0.5)


# ------------------------------------------------------------------ all of it


WHEN = ("started", "seconds", "peak_memory_mb")


def made_in(out):
    """Return the files of a folder, the manifest without when and how long."""
    files = {path.name: path.read_bytes() for path in Path(out).iterdir() if path.is_file()}
    manifest = json.loads(files.pop("manifest.json"))
    files["manifest"] = {k: v for k, v in manifest.items() if k not in WHEN}
    return files


@pytest.mark.slow
def test_a_tiny_calibration_runs_and_runs_again_the_same(tiny, tmp_path, monkeypatch):
    """Same command twice: nothing is simulated again and every table has the same bytes."""
    from flowsim.calibration import calibrate
    from flowsim.figures import draw_all

    monkeypatch.setattr(waves, "ALL_MEN", 0.004)
    text = SMALL.replace("waves: [6, 4]", "waves: [90, 80], whole: 40")
    text = text.replace("repeats: 2", "repeats: 5").replace("variants: 0", "variants: 10")
    text = text.replace("truth_steps: 100}", "truth_steps: 100, again: [80, 70], again_whole: 60}")
    text += VARIANTS
    tiny.write_text(text, encoding="utf-8")
    out = tmp_path / "out"
    calibrate(tiny, out=out, budget="test", workers=1)
    first = made_in(out)
    told = []
    calibrate(
        tiny, out=out, budget="test", workers=1, progress=lambda done, total, _: told.append(done)
    )
    assert told == []
    assert made_in(out) == first
    results = open_calibration(out)
    assert len(results.draws) == 50
    assert set(results.table("variants")["variant"]) == {"nothing", "rumour", "lambda_1"}
    points = results.table("variant-points").set_index("key")["value"]
    assert points["choice.lambda"] == 1
    assert 0.5 <= points["panic.lag"] <= 5
    assert set(results.table("validation")["id"]) >= {"GE021", "LA032"}
    drawn = {path.name for path in draw_all(out, formats=("svg",))}
    assert "calibration-fit.svg" in drawn


@pytest.mark.slow
def test_what_was_published_later_is_scored_and_not_fitted(tiny, tmp_path):
    from flowsim.calibration import calibrate

    lines = [f"  {name}: {{error: 0.1}}\n" for name in ("GE001", "GE002", "GE006", "GE022")]
    text = SMALL.replace("waves: [6, 4]", "waves: [90, 80]").replace("repeats: 2", "repeats: 5")
    tiny.write_text(text.replace("budgets:", f"{''.join(lines)}budgets:"), encoding="utf-8")
    calibrate(tiny, out=tmp_path / "out", budget="test", workers=1, as_of=date(2022, 9, 28))
    found = open_calibration(tmp_path / "out")
    assert found.manifest["as_of"] == "2022-09-28"
    assert "GE022" not in set(found.table("emulator")["id"])
    assert {"GE022", "GE021", "LA032"} <= set(found.table("validation")["id"])
    assert "GE022" in set(found.table("naive")["id"])


@pytest.mark.slow
def test_a_figure_of_a_calibration_is_made_again_from_itself(tiny, tmp_path):
    from flowsim.calibration import calibrate
    from flowsim.figures import draw_all
    from flowsim.figures.reproduce import reproduce

    text = SMALL.replace("waves: [6, 4]", "waves: [90, 80]").replace("repeats: 2", "repeats: 5")
    tiny.write_text(text, encoding="utf-8")
    calibrate(tiny, out=tmp_path / "out", budget="test", workers=1)
    draw_all(tmp_path / "out", formats=("png", "svg"))
    for name in ("calibration-fit.svg", "calibration-validation.png"):
        copied = tmp_path / name
        copied.write_bytes((tmp_path / "out" / "figures" / name).read_bytes())
        verdict = reproduce(copied, patient=True)
        assert verdict.same, verdict.words
        assert "byte for byte" in verdict.words
