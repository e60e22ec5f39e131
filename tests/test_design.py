"""Designs have the properties that were published of them; parameters turn them into values."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from flowsim.errors import ScenarioError
from flowsim.sweep.design import Points, points, value_at
from flowsim.sweep.drawing import latin_hypercube, problem
from flowsim.sweep.file import Sweep, read_sweep
from flowsim.sweep.schema import Varied

SHARE, LAMBDA, KAPPA = "population.passport_share", "choice.lambda", "choice.kappa"
THREE = {
    SHARE: {"range": [0.1, 0.6], "steps": 3},
    LAMBDA: {"range": [0.3, 1.0], "steps": 2},
    KAPPA: {"range": [0.0, 1.0], "steps": 2},
}


def sweep(design, parameters=None, **more) -> Sweep:
    said = {"name": "test", "title": "Test", "scenario": "september-2022", "design": design}
    return read_sweep(said | {"parameters": THREE if parameters is None else parameters} | more)


def design(kind, parameters=None, **more) -> Points:
    return points(sweep({"kind": kind} | more, parameters))


def column(given: Points, name: str) -> list:
    return [row[given.names.index(name)] for row in given.rows]


def messages(make) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        make()
    return [f"{problem.key}: {problem.message}" for problem in caught.value.problems]


@pytest.mark.parametrize("batches", [[2**20, 2], [10**8]], ids=["together", "one"])
def test_a_hypercube_of_too_many_points_is_refused(batches):
    one = {LAMBDA: {"range": [0.3, 1.0]}}
    (said,) = messages(lambda: design("latin-hypercube", one, points=batches))
    assert f"makes {sum(batches):,} points; at most 1,048,576" in said


def test_a_hypercube_without_points_is_told_in_words():
    one = {LAMBDA: {"range": [0.3, 1.0]}}
    (said,) = messages(lambda: design("latin-hypercube", one, points=[]))
    assert "the list is empty" in said


# ---- lists ------------------------------------------------------------------------------


def test_a_grid_is_every_combination_the_last_parameter_fastest():
    grid = design("grid")
    assert grid.names == (SHARE, LAMBDA, KAPPA)
    assert grid.rows == tuple(itertools.product((0.1, 0.35, 0.6), (0.3, 1.0), (0.0, 1.0)))
    assert grid.changes[1] == {SHARE: 0.1, LAMBDA: 0.3, KAPPA: 1.0}


def test_a_zip_takes_values_side_by_side():
    zipped = design("zip", {SHARE: {"values": [0.2, 0.3]}, LAMBDA: {"values": [1, 0.5]}})
    assert zipped.rows == ((0.2, 1), (0.3, 0.5))


def test_steps_of_a_range_hold_no_crumbs_of_binary_fractions():
    ten = {SHARE: {"range": [0.1, 1.0], "steps": 10}}
    assert column(design("grid", ten), SHARE) == [k / 10 for k in range(1, 11)]


def test_a_log_scale_steps_by_factors():
    logs = {"panic.decay": {"range": [1, 100], "steps": 3, "scale": "log"}}
    assert column(design("grid", logs), "panic.decay") == [1, 10, 100]


def test_a_grid_takes_a_distribution_at_the_middles_of_equal_parts():
    law = {LAMBDA: {"distribution": {"name": "uniform", "loc": 0.3, "scale": 0.4}, "steps": 4}}
    assert column(design("grid", law), LAMBDA) == [0.35, 0.45, 0.55, 0.65]


# ---- Latin hypercubes -------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(n=st.integers(2, 60), d=st.integers(1, 5), seed=st.integers(0, 2**63 - 1))
def test_each_stratum_of_a_latin_hypercube_holds_one_point(n, d, seed):
    """McKay, Beckman and Conover (1979): one point in each n-th of every parameter."""
    cube = latin_hypercube([f"p{k}" for k in range(d)], [n], seed)
    strata = np.floor(cube * n).astype(int)
    assert (np.sort(strata, axis=0) == np.arange(n)[:, None]).all()


def test_a_further_parameter_leaves_the_columns_of_the_others_alone():
    few = latin_hypercube(["a", "c"], [40], 1)
    more = latin_hypercube(["a", "b", "c"], [40], 1)
    assert (few == more[:, [0, 2]]).all()


def test_columns_of_a_latin_hypercube_are_independent():
    """Rank correlations of 400 points stay within four standard errors of 0."""
    cube = latin_hypercube(["a", "b", "c", "d"], [400], 3)
    correlation = np.corrcoef(cube, rowvar=False)[np.triu_indices(4, 1)]
    assert np.abs(correlation).max() < 4 / math.sqrt(400)


def test_a_further_batch_keeps_the_points_that_were_there():
    once = design("latin-hypercube", points=20)
    again = design("latin-hypercube", points=[20, 10])
    assert again.rows[:20] == once.rows
    assert len(again) == 30
    strata = np.sort(np.floor(again.unit[20:] * 10), axis=0)
    assert (strata == np.arange(10)[:, None]).all()


def test_another_seed_gives_other_points_and_the_same_seed_the_same():
    one = design("latin-hypercube", points=20, seed=1)
    assert one.rows == design("latin-hypercube", points=20, seed=1).rows
    assert one.rows != design("latin-hypercube", points=20, seed=2).rows


# ---- Sobol ------------------------------------------------------------------------------


def test_rows_of_saltelli_are_a_then_a_with_a_column_of_b_each_then_b():
    """Saltelli et al. (2010), table 2: D + 2 rows to each base point."""
    blocks = design("sobol", points=16).unit.reshape(16, 5, 3)
    a, b = blocks[:, 0], blocks[:, -1]
    assert (a != b).all()
    for k in range(3):
        mixed = a.copy()
        mixed[:, k] = b[:, k]
        assert (blocks[:, 1 + k] == mixed).all()


def test_second_order_adds_b_with_a_column_of_a_each():
    blocks = design("sobol", points=8, second_order=True).unit.reshape(8, 8, 3)
    a, b = blocks[:, 0], blocks[:, -1]
    for k in range(3):
        mixed = b.copy()
        mixed[:, k] = a[:, k]
        assert (blocks[:, 4 + k] == mixed).all()


def test_base_points_of_sobol_fill_every_eighth_of_every_parameter_alike():
    """A scrambled Sobol' sequence of 2^m points has 2^(m-3) in each eighth."""
    a = design("sobol", points=64).unit.reshape(64, 5, 3)[:, 0]
    for values in a.T:
        assert (np.bincount((values * 8).astype(int), minlength=8) == 8).all()


def test_doubling_sobol_keeps_its_first_half():
    assert design("sobol", points=32).rows[: 16 * 5] == design("sobol", points=16).rows


def test_the_problem_is_what_salib_reads():
    said = problem(sweep({"kind": "sobol", "points": 16}).parameters)
    assert said == {
        "num_vars": 3,
        "names": [SHARE, LAMBDA, KAPPA],
        "bounds": [[0.0, 1.0]] * 3,
    }


# ---- Morris -----------------------------------------------------------------------------


@pytest.mark.parametrize("levels", [4, 6])
def test_morris_moves_one_parameter_at_a_time_and_each_once(levels):
    """Morris (1991): D + 1 points a trajectory, steps of p / (2 (p - 1)) on p levels."""
    given = design("morris", trajectories=12, levels=levels)
    steps = np.diff(given.unit.reshape(12, 4, 3), axis=1)
    moved = np.abs(steps) > 1e-9
    assert (moved.sum(axis=2) == 1).all()
    assert (moved.sum(axis=1) == 1).all()
    assert np.abs(steps[moved]) == pytest.approx(levels / (2 * (levels - 1)))
    assert set(np.rint(given.unit * (levels - 1)).ravel()) <= set(range(levels))
    assert given.unit.min() == 0
    assert given.unit.max() == 1


def test_more_trajectories_keep_those_that_were_there():
    few, more = design("morris", trajectories=5), design("morris", trajectories=9)
    assert more.rows[: len(few)] == few.rows


# ---- values -----------------------------------------------------------------------------


def test_values_follow_their_distribution():
    """The distribution of n stratified points lies within 1/n of the law it is drawn from."""
    law = {"distribution": {"name": "norm", "loc": 0.5, "scale": 0.05}}
    values = column(design("latin-hypercube", {LAMBDA: law}, points=500), LAMBDA)
    assert stats.kstest(values, stats.norm(0.5, 0.05).cdf).statistic <= 1 / 500 + 1e-9


def test_a_distribution_cut_off_stays_within_and_keeps_its_shape():
    law = {"name": "norm", "loc": 0.3, "scale": 0.2, "within": [0.2, 0.5]}
    values = value_at(Varied(distribution=law), np.linspace(0, 1, 101))
    assert (values[0], values[-1]) == (0.2, 0.5)
    cut = stats.truncnorm((0.2 - 0.3) / 0.2, (0.5 - 0.3) / 0.2, loc=0.3, scale=0.2)
    assert values[50] == pytest.approx(cut.median())


def test_listed_values_share_the_unit_interval():
    values = value_at(Varied(values=("a", "b", None)), np.array([0, 0.3, 0.34, 0.67, 1]))
    assert values == ["a", "a", "b", None, None]


def test_a_parameter_may_move_several_keys_together():
    keys = {
        "policies.task_force_lars.checks_per_hour": 30,
        "policies.task_force_lars.visibility": {"at_most": 1},
    }
    strength = {"strength": {"keys": keys, "values": [0, 0.5, 2]}}
    given = design("grid", strength)
    assert column(given, "strength") == [0, 0.5, 2]
    assert [tuple(changes.values()) for changes in given.changes] == [(0, 0), (15, 0.5), (60, 1)]


def test_levels_carry_changes_of_their_own():
    levels = {"open": {}, "shut": {"policies.task_force_lars": None}}
    given = design("grid", {"border": {"levels": levels}})
    assert given.rows == (("open",), ("shut",))
    assert given.changes == ({}, {"policies.task_force_lars": None})


# ---- tables -----------------------------------------------------------------------------


def table(tmp_path, text, parameters=None, **more) -> Points:
    (tmp_path / "posterior.csv").write_text(text, encoding="utf-8")
    said = {"kind": "table", "file": str(tmp_path / "posterior.csv")}
    return points(sweep(said | more, parameters or {}))


def test_a_table_gives_its_rows_to_the_last_digit(tmp_path):
    draws = np.random.default_rng(1).random((5, 2))
    lines = [f"{SHARE},{LAMBDA}", *(",".join(map(repr, map(float, row))) for row in draws)]
    given = table(tmp_path, "\n".join(lines))
    assert np.array_equal(given.rows, draws)
    assert given.changes[0] == {SHARE: draws[0, 0], LAMBDA: draws[0, 1]}


def test_a_table_may_name_parameters_of_the_file_and_columns_be_left_out(tmp_path):
    border = {"levels": {"open": {}, "shut": {"policies.task_force_lars": None}}}
    text = f"draw,border,{SHARE}\n1,open,0.2\n2,shut,0.3\n"
    given = table(tmp_path, text, {"border": border}, columns=["border", SHARE])
    assert given.changes[1] == {"policies.task_force_lars": None, SHARE: 0.3}


def test_what_is_wrong_in_a_table_is_said_with_its_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ScenarioError) as caught:
        table(tmp_path, f"{SHARE},{LAMBDA},{SHARE}\n0.2,0.3,0.2\n0.2,,0.2\n0.1,0.2\n")
    assert [str(problem) for problem in caught.value.problems] == [
        f"posterior.csv:1: {SHARE}: stands twice in the header",
        f"posterior.csv:3: {LAMBDA}: is empty; expected a value (null removes a policy)",
        "posterior.csv:4: 2 cells; expected 3, as in the header",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            f"{SHARE};{LAMBDA}\n0.2;0.3\n",
            ":1: columns are parted by ';'; save the table with commas",
        ),
        (f"{SHARE}\n", ": has no points; expected a header and at least one row"),
        (f'{SHARE}\n"0.2\n', ":2: is not CSV: unexpected end of data"),
    ],
)
def test_a_table_that_is_no_table_is_refused(tmp_path, monkeypatch, text, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ScenarioError) as caught:
        table(tmp_path, text)
    assert str(caught.value) == f"posterior.csv{message}"


def test_a_level_that_is_not_there_is_named(tmp_path):
    border = {"levels": {"open": {}, "shut": {"policies.task_force_lars": None}}}
    (said,) = messages(lambda: table(tmp_path, "border\nopen\nshot\n", {"border": border}))
    assert said == "border: 'shot' is no level of it; did you mean shut?"


# ---- what does not go together ----------------------------------------------------------


def test_a_range_needs_steps_in_a_grid():
    assert messages(lambda: design("grid", {LAMBDA: {"range": [0.3, 1]}})) == [
        f"parameters.{LAMBDA}: a range needs steps in a grid: how many values to take"
    ]


def test_a_zip_needs_lists_of_one_length():
    lists = {SHARE: {"values": [0.2, 0.3]}, LAMBDA: {"values": [1, 0.5, 0.3]}}
    assert messages(lambda: design("zip", lists)) == [
        f"parameters: a zip needs as many values of each parameter; found {SHARE} 2, {LAMBDA} 3"
    ]


def test_morris_needs_ends():
    law = {LAMBDA: {"distribution": {"name": "norm", "loc": 0.6, "scale": 0.1}}}
    assert messages(lambda: design("morris", law)) == [
        f"parameters.{LAMBDA}.distribution: morris goes to the ends of a distribution, and norm "
        "has none; add within: [low, high]"
    ]


def test_a_grid_beyond_a_million_points_is_refused_before_it_fills_the_memory():
    many = {name: {"range": [0.3, 0.9], "steps": 500} for name in (SHARE, LAMBDA, KAPPA)}
    assert messages(lambda: design("grid", many)) == [
        "design: makes 125,000,000 points; at most 1,048,576. Vary less, or in fewer steps"
    ]
