"""Sensitivity: published indices are found again, chance is told apart, gaps are said."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from flowsim.findings.naming import all_named, named, output_label
from flowsim.scenario import assumptions, load
from flowsim.sweep import design as designs
from flowsim.sweep import sensitivity
from flowsim.sweep.estimators import pawn
from flowsim.sweep.file import Sweep, read_sweep
from flowsim.sweep.responses import UNMOVED, Response
from flowsim.sweep.schema import Varied

KEYS = ("choice.constant.georgia", "choice.constant.kazakhstan", "choice.beta_risk")
PUBLISHED = {"S1": (0.3139, 0.4424, 0.0), "ST": (0.5576, 0.4424, 0.2437)}
"""Ishigami and Homma (1990), a = 7, b = 0.1; values as in Saltelli et al. (2008), The Primer."""
VARIANCE = 13.845


def ishigami(x: np.ndarray) -> np.ndarray:
    """Give the function whose indices are published; inputs between -pi and pi."""
    a, b, c = x.T
    return np.sin(a) + 7 * np.sin(b) ** 2 + 0.1 * c**4 * np.sin(a)


def sweep_of(design: dict[str, Any], bounds: list[tuple[float, float]], **more: Any) -> Sweep:
    """Read a sweep over as many keys as there are bounds."""
    names = [*KEYS, *(f"choice.beta_{n}" for n in ("road", "network", "education", "liable"))]
    steps = {"steps": 3} if design["kind"] == "grid" else {}
    parameters = {
        name: {"range": list(ends), **steps} for name, ends in zip(names, bounds, strict=False)
    }
    given = {
        "name": "made-up",
        "title": "Made up",
        "scenario": "september-2022",
        "parameters": parameters,
        "design": design,
        "outputs": {"departures": {"place": "RU"}},
    }
    return read_sweep(given | more)


def tables(
    sweep: Sweep, function: Callable[[np.ndarray], np.ndarray], noise: Any = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Run a function instead of the model: runs and results, rows in any order."""
    points = designs.points(sweep)
    n = sweep.replications
    y = function(np.array(points.rows, dtype=float))[:, None] + np.zeros((1, n))
    y = y + (0 if noise is None else noise(y.shape))
    runs = pd.DataFrame(points.rows, columns=list(points.names))
    runs = runs.assign(scenario="september-2022", point=np.arange(len(runs)), status="ok")
    runs = pd.concat([runs.assign(replication=r, value=y[:, r]) for r in range(n)])
    runs = runs.sample(frac=1, random_state=4)
    return runs.drop(columns="value"), runs.assign(measure="departures", place_id="RU")


def indices(sweep: Sweep, runs: pd.DataFrame, results: pd.DataFrame) -> pd.DataFrame:
    """Give the table of indices by index and parameter."""
    return sensitivity.indices(sweep, runs, results).set_index(["index", "parameter"])


def ishigami_sweep(points: int, **more: Any) -> Sweep:
    ends = [(-np.pi, np.pi)] * 3
    return sweep_of({"kind": "sobol", "points": points, "seed": 1}, ends, **more)


# ---- Sobol ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def known() -> pd.DataFrame:
    """Find the indices of the published function from a design of our own."""
    sweep = ishigami_sweep(1024)
    return indices(sweep, *tables(sweep, ishigami))


@pytest.mark.parametrize("index", ["S1", "ST"])
def test_sobol_indices_of_ishigamis_function_are_the_published_ones(
    known: pd.DataFrame, index: str
) -> None:
    for key, published in zip(KEYS, PUBLISHED[index], strict=True):
        row = known.loc[(index, key)]
        assert row["low"] <= published <= row["high"], key
        assert row["high"] - row["low"] < 0.2, "the interval says something"
        assert row["value"] == pytest.approx(published, abs=0.03)


def test_without_interactions_the_indices_of_a_sum_are_its_variances() -> None:
    sweep = sweep_of({"kind": "sobol", "points": 512}, [(0, 1), (0, 2), (0, 3)])
    found = indices(sweep, *tables(sweep, lambda x: x.sum(axis=1)))
    for key, expected in zip(KEYS, np.array([1, 4, 9]) / 14, strict=True):
        for index in ("S1", "ST"):
            row = found.loc[(index, key)]
            assert row["low"] <= expected <= row["high"]


def test_second_order_designs_give_the_same_first_order_indices() -> None:
    design = {"kind": "sobol", "points": 512, "second_order": True}
    sweep = sweep_of(design, [(-np.pi, np.pi)] * 3)
    found = indices(sweep, *tables(sweep, ishigami))
    for key, published in zip(KEYS, PUBLISHED["ST"], strict=True):
        assert found.loc[("ST", key), "low"] <= published <= found.loc[("ST", key), "high"]
    assert found.loc[("ST", KEYS[0]), "n"] == 512


def test_the_indices_of_pairs_are_the_published_ones() -> None:
    """Of Ishigami's function only the first and the third number work together."""
    design = {"kind": "sobol", "points": 1024, "second_order": True}
    sweep = sweep_of(design, [(-np.pi, np.pi)] * 3)
    found = indices(sweep, *tables(sweep, ishigami)).loc["S2"]
    assert list(found.index) == [" × ".join(pair) for pair in itertools.combinations(KEYS, 2)]
    together = PUBLISHED["ST"][2]  # all that the third does
    for pair, published in zip(found.index, (0, together, 0), strict=True):
        assert found.loc[pair, "low"] <= published <= found.loc[pair, "high"]
        assert found.loc[pair, "value"] == pytest.approx(published, abs=0.07)
    first = indices(ishigami_sweep(64), *tables(ishigami_sweep(64), ishigami))
    assert "S2" not in first.index.get_level_values("index")


def test_chance_is_taken_out_of_the_indices_and_reported() -> None:
    """Noise of half the variance, each run its own: totals of SALib rise by what is left of it."""
    sweep = ishigami_sweep(1024, replications=3)
    rng = np.random.default_rng(8)
    sd = np.sqrt(VARIANCE)
    found = indices(sweep, *tables(sweep, ishigami, lambda shape: sd * rng.normal(size=shape)))
    for index, values in PUBLISHED.items():
        for key, published in zip(KEYS, values, strict=True):
            row = found.loc[(f"{index}_effect", key)]
            assert row["low"] <= published <= row["high"], (index, key)
    left = 1 / 3 / (1 + 1 / 3)
    raised = found.loc[("ST", KEYS[2]), "value"]
    assert raised == pytest.approx((1 - left) * PUBLISHED["ST"][2] + left, abs=0.05)
    for index, share in (("noise_of_run", 1 / 2), ("noise_of_mean", left)):
        row = found.loc[(index, "(replications)")]
        assert row["low"] <= share <= row["high"]
        assert row["high"] - row["low"] < 0.1


def test_luck_that_all_points_share_moves_no_index() -> None:
    """Common random numbers: a replication in which everything is higher tells no effect."""
    sweep = ishigami_sweep(64, replications=4)
    plain = indices(sweep, *tables(sweep, ishigami))
    shared = indices(sweep, *tables(sweep, ishigami, lambda shape: 40 * np.arange(shape[1])))
    same = ["S1", "ST", "S1_effect", "ST_effect"]
    assert shared.loc[same, "value"].to_numpy() == pytest.approx(plain.loc[same, "value"], abs=1e-9)
    whose = ("noise_of_mean", "(replications)")
    assert shared.loc[whose, "value"] == pytest.approx(0, abs=1e-9)
    assert shared.loc[("noise_of_run", "(replications)"), "value"] > 0.9


def test_one_replication_cannot_tell_chance(known: pd.DataFrame) -> None:
    row = known.loc[("noise_of_run", "(replications)")]
    assert np.isnan(row["value"])
    assert "one replication" in row["note"]


def test_too_few_samples_are_said() -> None:
    sweep = ishigami_sweep(8)
    found = indices(sweep, *tables(sweep, ishigami))
    assert (
        found.loc["ST"]["note"]
        .str.contains(r"interval wider than ±0.1: too few samples \(8\)")
        .any()
    )


def test_negative_indices_are_called_sampling_errors() -> None:
    sweep = ishigami_sweep(64)
    found = indices(sweep, *tables(sweep, ishigami))
    below = found[found["value"] < 0].loc["S1"]
    assert len(below), "an index of 0 falls below it as often as not"
    assert below["note"].str.contains("below 0: sampling error").all()


def test_blocks_with_a_failed_run_are_left_out_and_said() -> None:
    sweep = ishigami_sweep(512)
    runs, results = tables(sweep, ishigami)
    found = indices(sweep, runs, results[results["point"] != 12])
    assert found.loc[("S1", KEYS[0]), "n"] == 511
    note = found.loc[("sum_S1", "(all)"), "note"]
    assert note.startswith("1 of 512 blocks left out: no value at point 12")
    for key, published in zip(KEYS, PUBLISHED["ST"], strict=True):
        assert found.loc[("ST", key), "low"] <= published <= found.loc[("ST", key), "high"]


def test_a_value_that_is_missing_in_one_replication_makes_a_point_incomplete() -> None:
    sweep = ishigami_sweep(16, replications=2)
    runs, results = tables(sweep, ishigami)
    hole = (results["point"] == 3) & (results["replication"] == 1)
    found = indices(sweep, runs, results.assign(value=results["value"].mask(hole)))
    assert found.loc[("S1", KEYS[0]), "n"] == 15


def test_points_in_another_order_are_refused() -> None:
    """SALib would compute nonsense from them without a word."""
    sweep = ishigami_sweep(16)
    runs, results = tables(sweep, ishigami)
    turned = {old: new for new, old in enumerate(np.random.default_rng(2).permutation(80))}
    runs, results = (t.assign(point=t["point"].map(turned)) for t in (runs, results))
    found = indices(sweep, runs, results)
    assert found.loc["S1"]["value"].isna().all()
    assert found.loc["S1"]["note"].str.contains("not a whole Sobol").all()


def test_an_output_that_never_changes_has_no_indices() -> None:
    sweep = ishigami_sweep(16)
    found = indices(sweep, *tables(sweep, lambda x: np.full(len(x), 7.0)))
    assert set(found.loc["S1"]["note"]) == {"the output never changes"}


def test_the_same_runs_give_the_same_table_in_whatever_order() -> None:
    sweep = ishigami_sweep(32)
    runs, results = tables(sweep, ishigami)
    one = sensitivity.indices(sweep, runs, results)
    two = sensitivity.indices(sweep, runs.iloc[::-1], results.iloc[::-1])
    pd.testing.assert_frame_equal(one, two, check_exact=True)


# ---- Morris --------------------------------------------------------------------------------


def morris_sweep(trajectories: int, n: int = 3, **more: Any) -> Sweep:
    design = {"kind": "morris", "trajectories": trajectories, "levels": 4, "seed": 3}
    return sweep_of(design, [(0.0, 1.0)] * n, **more)


def test_morris_finds_the_slopes_of_a_plane() -> None:
    """Elementary effects of a linear function are its coefficients, wherever it is looked at."""
    sweep = morris_sweep(10)
    found = indices(sweep, *tables(sweep, lambda x: x @ [3.0, -2.0, 0.0]))
    for key, slope in zip(KEYS, (3.0, -2.0, 0.0), strict=True):
        assert found.loc[("mu_star", key), "value"] == pytest.approx(abs(slope), abs=1e-9)
        assert found.loc[("mu", key), "value"] == pytest.approx(slope, abs=1e-9)
        assert found.loc[("sigma", key), "value"] == pytest.approx(0, abs=1e-9)


def test_morris_finds_the_effects_of_the_g_function() -> None:
    """Sobol's g-function on four levels: mu* is 2 / (1 + a) times the mean of the others."""
    a = np.array([0.0, 1.0, 9.0])
    sweep = morris_sweep(300)
    found = indices(
        sweep, *tables(sweep, lambda x: np.prod((abs(4 * x - 2) + a) / (1 + a), axis=1))
    )
    means = (4 / 3 + a) / (1 + a)
    for j, key in enumerate(KEYS):
        row = found.loc[("mu_star", key)]
        expected = 2 / (1 + a[j]) * np.prod(np.delete(means, j))
        half = (row["high"] - row["low"]) / 2
        assert abs(row["value"] - expected) < 2 * half, "four standard errors"
        assert half < 0.1 * expected
        error = found.loc[("sigma", key), "value"] / np.sqrt(300)
        assert abs(found.loc[("mu", key), "value"]) < 4 * error, "up as often as down"


def test_what_chance_alone_gives_is_said_beside_the_effects() -> None:
    """Of a flat world with noise the floor is the mean absolute effect itself."""
    sweep = morris_sweep(100, replications=5)
    rng = np.random.default_rng(6)
    found = indices(
        sweep, *tables(sweep, lambda x: np.zeros(len(x)), lambda shape: rng.normal(size=shape))
    )
    for key in KEYS:
        row = found.loc[("mu_star", key)]
        assert row["low"] < found.loc[("noise", key), "value"] < row["high"]


def test_trajectories_with_a_failed_run_are_left_out_and_said() -> None:
    sweep = morris_sweep(12)
    runs, results = tables(sweep, lambda x: x @ [3.0, -2.0, 0.0])
    found = indices(sweep, runs, results[~results["point"].isin([0, 3, 9])])
    assert found.loc[("mu_star", KEYS[0]), "n"] == 10
    assert found.loc[("mu_star", KEYS[0]), "value"] == pytest.approx(3)
    note = found.loc[("left_out", "(all)"), "note"]
    assert note == "2 of 12 trajectories left out: no value at points 0, 3, 9"


def test_few_trajectories_are_said() -> None:
    sweep = morris_sweep(4)
    found = indices(sweep, *tables(sweep, lambda x: x[:, 0]))
    notes = found.loc["mu_star"]["note"]
    assert notes[KEYS[0]] == "only 4 trajectories"
    assert notes.drop(KEYS[0]).eq(f"only 4 trajectories; {UNMOVED}").all()


# ---- what an output does not feel ----------------------------------------------------------


DESIGNS: list[dict[str, Any]] = [
    {"kind": "grid"},
    {"kind": "morris", "trajectories": 4},
    {"kind": "sobol", "points": 8},
]


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: str(design["kind"]))
def test_what_an_output_does_not_feel_is_told_from_what_chance_hides(design: Any) -> None:
    """The same in every replication at any value is no matter of chance; a trace of it is."""
    sweep = sweep_of(design, [(0, 1), (0, 2)], replications=3)
    luck = np.random.default_rng(2).normal(size=(1, 3))
    still = indices(sweep, *tables(sweep, lambda x: x[:, 0], lambda _: luck))
    whose = still[still["note"].str.contains(UNMOVED)].reset_index()["parameter"]
    assert set(whose) == {KEYS[1]}
    faint = indices(sweep, *tables(sweep, lambda x: x[:, 0] + 1e-9 * x[:, 1], lambda _: luck))
    assert not faint["note"].str.contains(UNMOVED).any()


def test_a_sample_in_which_all_moves_at_once_says_nothing_of_one() -> None:
    sweep = sweep_of({"kind": "latin-hypercube", "points": 12}, [(0, 1), (0, 2)])
    found = indices(sweep, *tables(sweep, lambda x: x[:, 0]))
    assert not found["note"].str.contains(UNMOVED).any()


# ---- grids and samples ---------------------------------------------------------------------


def grid_sweep(**more: Any) -> Sweep:
    return sweep_of({"kind": "grid"}, [(0, 1), (0, 2)], **more)


def test_a_grid_gives_the_effect_of_each_parameter_from_end_to_end() -> None:
    sweep = grid_sweep(replications=4)
    found = indices(sweep, *tables(sweep, lambda x: 10 + 3 * x[:, 0] - x[:, 1] ** 2))
    for key, effect in zip(KEYS, (3.0, -4.0), strict=False):
        row = found.loc[("effect", key)]
        ends = [found.loc[(end, key), "value"] for end in ("at_low", "at_high")]
        assert row["value"] == pytest.approx(effect)
        assert ends[1] - ends[0] == pytest.approx(effect)
    assert found.loc["share"]["value"].sum() == pytest.approx(1), "nothing interacts"


def test_the_interval_of_an_effect_covers_it_as_often_as_it_says() -> None:
    """Luck shared by all points cancels; what is left scatters by Student's law."""
    sweep = grid_sweep(replications=4)
    rng = np.random.default_rng(12)
    caught = 0
    for _ in range(60):
        noise = lambda s: 50 * rng.normal(size=(1, s[1])) + rng.normal(size=s)  # noqa: E731
        row = indices(sweep, *tables(sweep, lambda x: x[:, 0], noise)).loc[("effect", KEYS[0])]
        caught += row["low"] <= 1 <= row["high"]
    assert caught >= 52, "57 of 60 expected, 52 four standard errors below"


def test_a_grid_with_gaps_is_refused_by_the_names_of_its_points() -> None:
    sweep = grid_sweep()
    runs, results = tables(sweep, lambda x: x[:, 0])
    found = indices(sweep, runs, results[results["point"] != 4])
    assert found.loc["effect"]["value"].isna().all()
    assert (
        found.loc["effect"]["note"].str.contains("no value at point 4; repeat with --retry").all()
    )


def test_an_effect_that_rises_and_falls_is_said_to() -> None:
    sweep = grid_sweep(replications=3)
    rng = np.random.default_rng(3)
    hill = tables(sweep, lambda x: -((x[:, 0] - 0.5) ** 2), lambda s: 0.01 * rng.normal(size=s))
    found = indices(sweep, *hill)
    assert "rises and falls" in found.loc[("effect", KEYS[0]), "note"]
    assert found.loc[("effect", KEYS[1]), "note"] == ""


def test_a_hypercube_gives_slopes_with_intervals_that_hold_them() -> None:
    sweep = sweep_of({"kind": "latin-hypercube", "points": 40}, [(0, 1), (0, 2), (0, 4)])
    rng = np.random.default_rng(5)
    made = tables(sweep, lambda x: x @ [4.0, -1.0, 0.0], lambda s: 0.3 * rng.normal(size=s))
    found = indices(sweep, *made)
    x = np.array(designs.points(sweep).rows, dtype=float)
    for j, slope in enumerate((4.0, -1.0, 0.0)):
        row = found.loc[("effect", KEYS[j])]
        expected = slope * np.ptp(x[:, j])
        assert row["low"] <= expected <= row["high"]
        assert row["high"] - row["low"] < 1.2
    r2 = found.loc[("r2", "(all)")]
    assert r2["value"] > 0.9
    assert r2["note"] == ""


def test_a_plane_that_explains_little_is_said_to() -> None:
    sweep = sweep_of({"kind": "latin-hypercube", "points": 60}, [(-1, 1), (-1, 1)])
    found = indices(sweep, *tables(sweep, lambda x: x[:, 0] ** 2))
    assert "a plane explains only" in found.loc[("r2", "(all)"), "note"]


def test_parameters_that_move_together_are_not_told_apart() -> None:
    sweep = zipped()
    found = indices(sweep, *tables(sweep, lambda x: x[:, 0]))
    assert found.loc["effect"]["note"].str.contains("cannot be told apart").all()


def zipped() -> Sweep:
    """Read a sweep of two parameters that go up together."""
    given = {
        "name": "together",
        "title": "Together",
        "scenario": "september-2022",
        "parameters": {key: {"values": [0.1, 0.2, 0.3, 0.4, 0.5]} for key in KEYS[1:]},
        "design": {"kind": "zip"},
        "outputs": {"departures": {"place": "RU"}},
    }
    return read_sweep(given)


def test_cases_and_numbers_stand_in_one_grid() -> None:
    runs = pd.DataFrame({"point": range(4), "rule": ["never", "never", "late", "late"]})
    runs = runs.assign(share=[0.1, 0.2, 0.1, 0.2], replication=0)
    results = runs.assign(value=[1.0, 2.0, 4.0, 5.0])
    design = sensitivity.points(runs, ["rule", "share"])
    found = {
        (r.index, r.parameter): r.value for r in sensitivity.indices_of(design, results, "grid", 1)
    }
    assert found["effect", "rule"] == pytest.approx(3)
    assert found["effect", "share"] == pytest.approx(1)


# ---- names ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "axis"),
    [
        ("population.passport_share", "passport share, %"),
        ("panic.lag", "lag of panic, days"),
        ("choice.constant.georgia", "pull of Georgia, utility"),
        ("policies.task_force_lars.checks_per_hour", "checks per hour at Verkhny Lars"),
        (
            "policies.list_checks_kazakhstan.detection",
            "listed men detected at 18 crossings, %",
        ),
        ("policies.rumour_of_closure.strength", "strength of the rumour of closure"),
        ("crossings.GE-LARS.vehicles", "cars a day at Verkhny Lars, cars per day"),
        ("abroad.georgia.move_on", "moving on from Georgia, per day"),
        ("destinations.kazakhstan.requires_passport", "passport needed for Kazakhstan"),
        ("news.wait_delay", "wait delay, hours"),
    ],
)
def test_a_key_has_a_name_and_its_unit(key: str, axis: str) -> None:
    assert named(key, load("september-2022")).axis == axis


def test_every_free_number_has_a_name_of_its_own() -> None:
    scenario = load("september-2022")
    keys = [row.key for row in assumptions(scenario) if row.free]
    assert len(keys) > 20
    labels = [one.label for one in all_named(dict.fromkeys(keys), scenario).values()]
    assert len(set(labels)) == len(labels)
    assert not [label for label in labels if "_" in label or "." in label]


def test_a_title_in_the_file_comes_first_and_the_unit_from_what_it_moves() -> None:
    moved = {
        "policies.task_force_lars.checks_per_hour": {},
        "policies.task_force_lars.visibility": 0.1,
    }
    varied = Varied.model_validate({"title": "strength", "keys": moved, "values": (1, 2)})
    assert named("task_force", load("september-2022"), varied).axis == "strength, men per hour"


@pytest.mark.parametrize(
    ("measure", "place", "label"),
    [
        ("entries", "GE", "entries into Georgia"),
        ("stock_men", "KZ", "men in Kazakhstan"),
        ("departures", "RU", "men setting off"),
        ("departures", "GE", "men setting off for Georgia"),
        ("departures", "RU-MOW", "men setting off, Moscow"),
        ("queue_cars", "GE-LARS", "cars queueing at Verkhny Lars"),
        ("longest_queue", "GE-LARS", "longest queue at Verkhny Lars"),
    ],
)
def test_an_output_says_what_it_counts_and_where(measure: str, place: str, label: str) -> None:
    assert output_label(measure, place, load("september-2022")) == label


# ---- PAWN ------------------------------------------------------------------------------------


def test_pawn_sees_what_widens_and_what_works_both_ways() -> None:
    """A parameter without any slope that decides the spread, and one that does nothing."""
    rng = np.random.default_rng(3)
    x = rng.random((400, 3))
    y = (x[:, 0] - 0.5) * 4 * x[:, 1] + 4 * (x[:, 1] - 0.5) ** 2
    given = Response(("a", "b", "c"), x, (True,) * 3, y[:, None], np.arange(400))
    found = {row.parameter: row for row in pawn(given)}
    assert found["a"].value > 2 * found["(all)"].value
    assert found["b"].value > 1.5 * found["(all)"].value
    assert found["c"].value < 1.5 * found["(all)"].value
    assert all(row.low <= row.value <= row.high for name, row in found.items() if name == "a")


def test_pawn_is_the_median_distance_of_slices() -> None:
    """By hand: ten slices of one parameter, the two-sample distance of each."""
    rng = np.random.default_rng(4)
    x = np.sort(rng.random(200))
    y = x**2 + 0.1 * rng.random(200)
    given = Response(("a",), x[:, None], (True,), y[:, None], np.arange(200))
    edges = np.quantile(x, np.linspace(0, 1, 11))
    slices = [y[(x >= a) & (x <= b)] for a, b in zip(edges[:-1], edges[1:], strict=True)]
    by_hand = np.median([stats.ks_2samp(part, y).statistic for part in slices])
    (found,) = [row for row in pawn(given) if row.parameter == "a"]
    assert found.value == pytest.approx(by_hand, abs=0.03)


def test_pawn_says_nothing_of_few_points_or_a_constant() -> None:
    x = np.random.default_rng(5).random((400, 2))
    for n, y in ((60, x[:60, :1]), (400, np.ones((400, 1)))):
        assert pawn(Response(("a", "b"), x[:n], (True, True), y, np.arange(n))) == []
