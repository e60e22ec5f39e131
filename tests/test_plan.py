"""Plans: what is done stays done when a sweep grows, and nothing unsound is ever started."""

from __future__ import annotations

import pickle

import pytest
from typer.testing import CliRunner

from flowsim.cli.app import app
from flowsim.errors import ScenarioError
from flowsim.scenario import load
from flowsim.sweep.file import read_sweep, shipped_sweeps
from flowsim.sweep.plan import Plan, make_plan, meaning

SHARE, LAMBDA, KAPPA = "population.passport_share", "choice.lambda", "choice.kappa"
TWO = {
    SHARE: {"range": [0.1, 0.5], "steps": 3},
    LAMBDA: {"values": [0.3, 0.6, 1.0]},
}
SAID = {
    "name": "test",
    "title": "Test",
    "scenario": "september-2022",
    "parameters": TWO,
    "design": {"kind": "grid"},
    "replications": 2,
}


def plan(**more) -> Plan:
    return make_plan(read_sweep(SAID | more))


def keys(given: Plan) -> set[str]:
    return {run.key for run in given.runs}


def messages(**more) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        plan(**more)
    return [f"{problem.key}: {problem.message}" for problem in caught.value.problems]


# ---- order and identity -----------------------------------------------------------------


def test_runs_go_by_scenario_then_point_then_replication():
    given = plan(scenario=None, scenarios=["september-2022", "no-task-force"])
    order = [(run.scenario, run.point, run.replication) for run in given.runs]
    assert order == [
        (scenario, point, replication)
        for scenario in ("september-2022", "no-task-force")
        for point in range(9)
        for replication in range(2)
    ]
    assert [run.number for run in given.runs] == list(range(36))


def test_every_run_has_a_key_of_its_own():
    given = plan(scenario=None, scenarios=["september-2022", "no-task-force"])
    assert len(keys(given)) == len(given) == 36


def test_the_changes_of_a_run_make_its_scenario():
    given = plan(seed=7, sample=0.002, changes={KAPPA: 0.1})
    (base,) = given.sweep.bases
    scenario = base.variant(given.runs[-1].changes)
    expected = {"seed": 7, "sample": 0.002, KAPPA: 0.1, SHARE: 0.5, LAMBDA: 1.0}
    assert scenario == load("september-2022", expected)


def test_a_plan_travels_to_another_process():
    given = plan()
    assert pickle.loads(pickle.dumps(given)) == given


# ---- growing ----------------------------------------------------------------------------


def test_more_replications_keep_the_keys_of_the_first_ones():
    few, more = plan(), plan(replications=5)
    assert [run.key for run in more.runs if run.replication < 2] == [run.key for run in few.runs]


def test_more_values_keep_the_keys_of_those_that_were_there():
    more = TWO | {LAMBDA: {"values": [0.3, 0.45, 0.6, 0.8, 1.0]}}
    assert keys(plan()) < keys(plan(parameters=more))


def test_another_scenario_keeps_the_keys_of_the_first():
    assert keys(plan()) < keys(plan(scenario=None, scenarios=["no-rumour", "september-2022"]))


def test_a_parameter_added_at_its_old_value_keeps_the_keys():
    """The source of a number changes when a sweep sets it, but not what a run computes."""
    kappa = load("september-2022").choice.kappa.value
    assert keys(plan()) < keys(plan(parameters=TWO | {KAPPA: {"values": [kappa, 0.9]}}))


@pytest.mark.parametrize(
    ("small", "large"),
    [
        ({"kind": "sobol", "points": 4}, {"kind": "sobol", "points": 8}),
        ({"kind": "morris", "trajectories": 4}, {"kind": "morris", "trajectories": 6}),
        (
            {"kind": "latin-hypercube", "points": 12},
            {"kind": "latin-hypercube", "points": [12, 6]},
        ),
    ],
)
def test_more_points_of_a_random_design_keep_the_keys(small, large):
    assert keys(plan(design=small)) < keys(plan(design=large))


def test_titles_and_names_change_no_key():
    said = {"name": "other", "title": "Another", "description": "Not the same text."}
    assert keys(plan(**said)) == keys(plan())


@pytest.mark.parametrize(
    "more",
    [
        {"seed": 2},
        {"sample": 0.02},
        {"changes": {KAPPA: 0.1}},
        {"keep": {"measures": ["exits"]}},
        {"outputs": {"departures": {"reduce": "max"}}},
    ],
    ids=str,
)
def test_what_changes_the_results_changes_every_key(more):
    assert not keys(plan()) & keys(plan(**more))


def test_the_files_of_a_sweep_make_the_same_plan(tmp_path, monkeypatch):
    """What is saved with the results needs no other file, and finds every run again."""
    monkeypatch.chdir(tmp_path)
    points = tmp_path / "points.csv"
    points.write_text(f"border,{SHARE}\nopen,0.123456789012345\nshut,0.3\n", encoding="utf-8")
    levels = {"open": {}, "shut": {"policies.task_force_lars": None}}
    given = plan(
        scenario=None,
        scenarios=["more-destinations", "no-rumour"],
        parameters={"border": {"levels": levels}},
        design={"kind": "table", "file": "points.csv"},
        outputs={"stock_men": {"place": "georgia", "from": "2022-09-25"}},
    )
    folder = tmp_path / "results"
    folder.mkdir()
    for name, text in given.sweep.files().items():
        (folder / name).write_text(text, encoding="utf-8")
    points.unlink()
    again = make_plan(read_sweep(folder / "sweep.yaml"))
    assert again.points == given.points
    assert again.runs == given.runs


@pytest.mark.parametrize("name", shipped_sweeps())
def test_a_shipped_sweep_saved_with_its_results_has_the_same_points(name, tmp_path):
    sweep = read_sweep(name)
    for file, text in sweep.files().items():
        (tmp_path / file).write_text(text, encoding="utf-8")
    again = read_sweep(tmp_path / "sweep.yaml")
    assert again.parameters == sweep.parameters
    assert (again.outputs, again.kept, again.changes) == (sweep.outputs, sweep.kept, sweep.changes)
    assert again.figures == sweep.figures
    assert again.files() == sweep.files()


# ---- meaning ----------------------------------------------------------------------------


def test_the_meaning_of_a_scenario_is_its_numbers_not_their_sources():
    baseline = load("september-2022")
    same = load("september-2022", {"choice.lambda": baseline.choice.lambda_.value, "name": "x"})
    assert same != baseline
    assert meaning(same) == meaning(baseline)
    assert meaning(load("september-2022", {"choice.lambda": 0.61})) != meaning(baseline)


def test_the_order_of_dates_has_no_meaning():
    dates = {"2022-09-21T09:00": 0, "2022-10-04": 200_000, "2022-10-28": 300_000}
    turned = dict(reversed(dates.items()))
    forth, back = (
        load("september-2022", {"call_up.pace": {"value": d, "source": "calibrated"}})
        for d in (dates, turned)
    )
    assert meaning(forth) == meaning(back)


# ---- what is found before anything runs -------------------------------------------------


def test_an_unsound_point_is_found_with_its_values():
    assert messages(
        parameters={SHARE: {"values": [0.2, 1.2]}, LAMBDA: {"values": [0.3, 0.6, 1.0]}}
    ) == [
        f"{SHARE}: value 1.2 is out of range; expected 0 to 1 share "
        f"(point 3: {SHARE} = 1.2, {LAMBDA} = 0.3; and 2 more points)"
    ]


def test_a_key_unknown_at_every_point_is_said_once():
    assert messages(parameters={"choice.lamda": {"values": [0.3, 0.6]}}) == [
        "choice.lamda: is not known; did you mean lambda? Found 0.3. (point 0: choice.lamda = 0.3)",
        "choice.lamda: is not known; did you mean lambda? Found 0.6. (point 1: choice.lamda = 0.6)",
    ]


def test_at_most_twenty_problems_are_shown():
    said = messages(parameters={SHARE: {"range": [2, 9], "steps": 50}})
    assert len(said) == 21
    assert said[-1] == ": and 30 more problems at other points"


def test_points_that_only_together_make_no_sense_are_found():
    """Each date would do alone; with both, the policy ends before it begins."""
    at = "policies.task_force_lars."
    found = messages(
        parameters={
            at + "from": {"values": ["2022-09-25", "2022-10-01"]},
            at + "to": {"values": ["2022-09-30", "2022-10-10"]},
        }
    )
    assert len(found) == 1
    assert "is not after 'from' (2022-10-01T00:00)" in found[0]
    assert "(point 2: " in found[0]


def test_a_cell_that_is_no_number_is_blamed_by_its_line(tmp_path, monkeypatch):
    """The mistake is in the number's value, one key below the column."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cells.csv").write_text(f"{LAMBDA}\n0.5\nmuch\n")
    with pytest.raises(ScenarioError) as caught:
        plan(parameters={}, design={"kind": "table", "file": "cells.csv"})
    assert [problem.where for problem in caught.value.problems] == ["cells.csv:3"]


def test_more_runs_than_can_be_planned_are_refused():
    """Two thousand million runs would fill the memory before the first one starts."""
    many = {LAMBDA: {"range": [0.3, 1], "steps": 10_000}, SHARE: {"values": [0.2, 0.3]}}
    (said,) = messages(parameters=many, replications=100_000)
    assert said.startswith("replications: 100,000 at each of 20,000 points")
    assert "make 2,000,000,000 runs; at most 4,194,304" in said


def test_a_table_is_blamed_by_its_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "draws.csv").write_text(f"{SHARE}\n0.2\n1.2\n", encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        plan(parameters={}, design={"kind": "table", "file": "draws.csv"})
    (problem,) = caught.value.problems
    assert problem.where == "draws.csv:3"


def test_progress_is_told_to_the_end():
    told = []
    make_plan(read_sweep(SAID), lambda done, total, label: told.append((done, total, label)))
    assert told[0] == (0, 9, "checking the points")
    assert told[-1] == (9, 9, "checking the points")


@pytest.mark.slow
def test_twelve_thousand_points_are_checked():
    """The ten-parameter study at N = 1,024: every variant sound, every key its own."""
    read = read_sweep("sobol-ten-parameters")
    said = read.read.model.model_dump(by_alias=True, exclude_unset=True)
    given = make_plan(read_sweep(said | {"design": {"kind": "sobol", "points": 1024}}))
    assert len(given.points) == 12_288
    assert len(keys(given)) == len(given)


# ---- outputs that nothing moves ---------------------------------------------------------


def test_outputs_that_are_zero_by_construction_are_said(tmp_path, monkeypatch):
    """Nobody is served a paper where no officer stands at any point; one that has one counts."""
    monkeypatch.chdir(tmp_path)
    notices = {"notices": {"place": ["GE-LARS", "KZ-OZINKI"]}}
    assert plan(outputs=notices).zero == (("notices", "KZ-OZINKI"),)
    officers = {"kind": "task-force", "at": "KZ-OZINKI"} | {
        key: {"value": 1, "source": "assumption: a test"}
        for key in ("checks_per_hour", "p_serve", "visibility")
    }
    levels = {"none": {}, "some": {"policies.ozinki": officers}}
    assert not plan(outputs=notices, parameters={"officers": {"levels": levels}}).zero
    sweep = read_sweep(SAID | {"outputs": notices})
    for name, text in sweep.files().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    shown = CliRunner().invoke(app, ["sweep", "sweep.yaml", "--plan", "--workers", "1"])
    assert "notices of KZ-OZINKI is 0 by construction: nothing here makes it" in shown.output
