"""Sweep files: what they may say, what they mean, and every mistake with its line."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import jsonschema
import pytest

from flowsim.calibration.file import calibration_schema
from flowsim.errors import ScenarioError
from flowsim.experiments.simulate import simulate
from flowsim.results import measures
from flowsim.results import tables as results
from flowsim.results.observation import Observed
from flowsim.scenario import assumptions, load, shipped
from flowsim.scenario.files import CALIBRATION, KINDS, SWEEP, mistaken
from flowsim.scenario.reading import read_tree
from flowsim.sweep.design import points
from flowsim.sweep.file import Sweep, keys_of, read_sweep, shipped_sweeps, sweep_schema
from flowsim.sweep.plan import make_plan

HEAD = "name: mine\ntitle: Mine\nscenario: september-2022\n"
GRID = "design: {kind: grid}\n"
VARY = "parameters:\n  choice.lambda: {values: [0.3, 1]}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Work in an empty folder, so that messages show short names."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(text: str, name: str = "mine.yaml") -> Sweep:
    Path(name).write_text(text, encoding="utf-8")
    return read_sweep(name)


def messages(text: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        read(text)
    return [str(problem) for problem in caught.value.problems]


# ---- shipped sweeps ---------------------------------------------------------------------


def test_the_shipped_sweeps_are_found_by_name_and_are_no_scenarios():
    assert set(shipped_sweeps()) == {
        "call-up-by-disparity",
        "explore",
        "lambda-by-closure",
        "morris-everything-free",
        "passports-by-kazakh-documents",
        "passports-by-task-force",
        "sobol-ten-parameters",
    }
    assert not set(shipped()) & set(shipped_sweeps())


@pytest.mark.parametrize("name", shipped_sweeps())
def test_a_shipped_sweep_explains_itself(name):
    sweep = read_sweep(name)
    assert sweep.name == name
    assert 20 < len(sweep.title) < 90
    text = shipped_sweeps()[name].read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert all(varied.title for key, varied in sweep.parameters.items() if key in text)


GRIDS = [name for name in shipped_sweeps() if name[:5] not in ("morri", "sobol")]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in GRIDS else pytest.mark.slow)
        for name in shipped_sweeps()
    ],
)
def test_every_point_of_a_shipped_sweep_is_sound(name):
    plan = make_plan(read_sweep(name))
    assert len(plan) == len(plan.points) * plan.sweep.replications


@pytest.mark.parametrize(
    ("name", "design"),
    [
        ("sobol-ten-parameters", {"kind": "sobol", "points": 8}),
        ("morris-everything-free", {"kind": "morris", "trajectories": 3}),
    ],
)
def test_the_first_points_of_a_study_are_sound(name, design):
    said = read_sweep(name).read.model.model_dump(by_alias=True, exclude_unset=True)
    small, whole = read_sweep(said | {"design": design}), read_sweep(name)
    plan = make_plan(small)
    assert points(whole).rows[: len(plan.points)] == plan.points.rows


def test_the_screening_covers_every_free_number():
    rows = assumptions(load("september-2022"))
    free = {row.key for row in rows if row.free is not None and not row.value.startswith("{")}
    assert set(read_sweep("morris-everything-free").parameters) == free


def test_the_grid_of_passports_and_task_force_takes_minutes():
    """A minute of one core, at the four runs a second that the benchmarks ask for."""
    plan = make_plan(read_sweep("passports-by-task-force"))
    assert plan.sweep.sample == 0.01
    assert len(plan) <= 4 * 60


# ---- meaning ----------------------------------------------------------------------------


def test_outputs_have_the_reduction_of_their_measure():
    said = """outputs:
  departures: {}
  entries: {place: [GE, kazakhstan]}
  stock_men: {place: GE, from: 2022-09-25, to: 2022-10-01}
  queue_km: {place: GE-LARS}
  best_day: {measure: departures, reduce: max}
"""
    sweep = read(HEAD + VARY + GRID + said)
    short = [(o.name, o.measure, [p.place_id for p in o.places], o.reduce) for o in sweep.outputs]
    assert short == [
        ("departures", "departures", ["RU"], "sum"),
        ("entries", "entries", ["GE", "KZ"], "sum"),
        ("stock_men", "stock_men", ["GE"], "last"),
        ("queue_km", "queue_km", ["GE-LARS"], "max"),
        ("best_day", "departures", ["RU"], "max"),
    ]
    window = (sweep.outputs[2].start, sweep.outputs[2].end)
    assert window == (datetime(2022, 9, 25), datetime(2022, 10, 1))


def test_a_file_without_outputs_has_the_usual_ones_at_every_destination():
    sweep = read(HEAD.replace("september-2022", "more-destinations") + VARY + GRID)
    codes = [country.code for country in load("more-destinations").destinations.values()]
    by_name = {output.name: [p.place_id for p in output.places] for output in sweep.outputs}
    assert by_name["departures"] == ["RU"]
    assert by_name["entries_men"] == codes


def test_what_is_kept_is_what_outputs_need_and_what_is_asked_for():
    said = "outputs: {departures: }\nkeep: {measures: [entries], places: [GE, GE-LARS]}\n"
    assert read(HEAD + VARY + GRID + said).kept == (
        ("crossing", "GE-LARS", "entries"),
        ("destination", "GE", "entries"),
        ("nation", "RU", "departures"),
    )


def test_measures_and_places_are_those_of_the_daily_table():
    """Everything that a sweep may keep is in the table of a run, and nothing else is."""
    scenario = load("september-2022", {"sample": 0.0005, "horizon.end": "2022-10-01"})
    table = results.daily_table(Observed(simulate(scenario)), 0)
    columns = ["place_kind", "place_id", "measure"]
    there = set(table[columns].drop_duplicates().astype(str).itertuples(index=False, name=None))
    every = {place for place in measures.places(scenario).values()}
    known = {(p.kind, p.place_id, m) for p in every for m in measures.MEASURES[p.kind]}
    assert known == there


def test_free_takes_the_bounds_of_the_scenario():
    said = "parameters: {choice.kappa: {free: true}}\nfree: panic\ndesign: {kind: morris}\n"
    sweep = read(HEAD + said)
    scenario = load("september-2022")
    assert {name: varied.range for name, varied in sweep.parameters.items()} == {
        "choice.kappa": scenario.choice.kappa.free,
        "panic.lag": scenario.panic.lag.free,
        "panic.decay": scenario.panic.decay.free,
    }


def test_a_scenario_is_looked_for_beside_the_sweep_file(folder):
    (folder / "own").mkdir()
    text = "name: early\ntitle: Early\nextends: september-2022\n"
    (folder / "own" / "early.yaml").write_text(text, encoding="utf-8")
    sweep = read(HEAD.replace("september-2022", "early.yaml") + VARY + GRID, "own/mine.yaml")
    assert [base.name for base in sweep.bases] == ["early"]


def test_seeds_are_the_scenarios_unless_the_file_gives_one():
    assert "seed" not in read(HEAD + VARY + GRID).changes
    assert read(HEAD + VARY + GRID + "seed: 5\n").changes["seed"] == 5


def test_the_same_can_be_said_in_python():
    said = {"name": "mine", "title": "Mine", "scenario": "september-2022"}
    said |= {"parameters": {"choice.lambda": {"values": [0.3, 1]}}, "design": {"kind": "grid"}}
    assert read_sweep(said) == read(HEAD + VARY + GRID)


# ---- the schema for editors -------------------------------------------------------------


def as_json(value):
    if isinstance(value, dict):
        return {key: as_json(inner) for key, inner in value.items()}
    return [as_json(inner) for inner in value] if isinstance(value, tuple) else value


@pytest.mark.parametrize(
    ("kind", "schema"), [(SWEEP, sweep_schema()), (CALIBRATION, calibration_schema())]
)
def test_editors_accept_every_shipped_file_of_a_kind_and_mark_a_slip(kind, schema):
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    files = [*shipped(KINDS[kind].folder).values(), *shipped("examples").values()]
    read = [read_tree(path.read_text(encoding="utf-8"), path.name).data for path in files]
    of_kind = [as_json(data) for data in read if not mistaken(data, kind)]
    assert len(of_kind) > 1
    for data in of_kind:
        assert [error.message for error in validator.iter_errors(data)] == []
        assert list(validator.iter_errors(data | {"seeed": 3}))


@pytest.mark.parametrize("name", shipped_sweeps())
def test_what_a_shipped_sweep_varies_holds_the_value_of_the_baseline(name):
    """Else its figures would not show where the world was."""
    sweep = read_sweep(name)
    base = sweep.bases[0].variant(sweep.changes)
    values = {row.key: row.value for row in assumptions(base)}
    for parameter, varied in sweep.parameters.items():
        keys = [key for key in keys_of(parameter, varied) if key in values]
        if varied.levels is not None:
            same = [
                all(key in values and float(values[key]) == level[key] for key in level)
                for level in varied.levels.values()
            ]
            assert any(same), f"{parameter}: no level is the baseline"
            continue
        ends = varied.range or (varied.distribution and varied.distribution.law.ppf([0.01, 0.99]))
        low, high = ends if ends is not None else (min(varied.values), max(varied.values))
        for key in keys:
            assert low <= float(values[key]) <= high, f"{parameter}: {key} is {values[key]}"


# ---- mistakes ---------------------------------------------------------------------------


def test_mistakes_of_every_kind_come_at_once_and_none_for_what_another_spoilt():
    text = (
        "name: bad\ntitle: Bad\nscenario: september-2022\nreplicatons: 3\nparameters:\n"
        "  population.passport_shar: {values: [0.2, 0.3]}\n"
        "  choice.lambda: {range: [0.1, 1], steps: 3}\n"
        "  panic.lag: {rnage: [1, 2]}\n"
        "design: {kind: grid}\noutputs:\n  departurs: {place: RU}\n  entries: {place: XX}\n"
        "figures:\n  - {kind: response, x: panic.lag, output: entries}\n"
        "  - {kind: response, x: panics.lag, output: departures}\n"
    )
    with pytest.raises(ScenarioError) as caught:
        read(text)
    lines = [int(problem.where.rpartition(":")[2]) for problem in caught.value.problems]
    assert lines == [4, 6, 7, 8, 11, 12, 15, 15]


STEPLESS = "parameters:\n  choice.lambda: {range: [0.3, 1]}\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (HEAD + STEPLESS + GRID + "outputs: {entries: {place: XX}}\n", [5, 7]),
        (HEAD.replace("september-2022", "september") + STEPLESS + GRID, [3, 5]),
        (HEAD + VARY + "design: {kind: girds}\noutputs: {entries: {place: XX}}\n", [6, 7]),
        (HEAD.replace("title", "tilte") + VARY + "outputs: {entries: {place: XX}}\n", [1, 1, 2, 6]),
    ],
    ids=["no steps", "no scenario", "no such design", "no design"],
)
def test_what_a_design_lacks_comes_with_the_other_mistakes(text, found):
    with pytest.raises(ScenarioError) as caught:
        read(text)
    said = sorted(int(problem.where.rpartition(":")[2]) for problem in caught.value.problems)
    assert said == found


MISTAKES = {
    "a key with a slip": (
        HEAD + VARY + GRID + "replicatons: 3\n",
        "mine.yaml:7: replicatons: is not known; did you mean replications? Found 3.",
    ),
    "a way with a slip": (
        HEAD + "parameters:\n  choice.lambda: {vlues: [0.3]}\n" + GRID,
        "mine.yaml:5: parameters.choice.lambda.vlues: is not known; did you mean values? "
        "Found a list of 1.",
    ),
    "two ways at once": (
        HEAD + "parameters:\n  choice.lambda: {range: [0.3, 1], values: [1]}\n" + GRID,
        "mine.yaml:5: parameters.choice.lambda.values: found range, values; expected one of "
        "range, values, levels, distribution, free, refitted",
    ),
    "a range turned round": (
        HEAD + "parameters:\n  choice.lambda: {range: [1, 0.3]}\n" + GRID,
        "mine.yaml:5: parameters.choice.lambda.range: found [1, 0.3]; expected [low, high]",
    ),
    "a list instead of a mapping": (
        HEAD + "parameters:\n  choice.lambda: [0.3, 1]\n" + GRID,
        "mine.yaml:5: parameters.choice.lambda: found a list of 2; expected a mapping (key: value)",
    ),
    "a value twice": (
        HEAD + "parameters:\n  choice.lambda: {values: [0.3, 0.3]}\n" + GRID,
        "mine.yaml:5: parameters.choice.lambda.values: 0.3 stands twice; each value is run once "
        "anyway",
    ),
    "a design of another name": (
        HEAD + VARY + "design: {kind: latin-hypercubes, points: 3}\n",
        "mine.yaml:6: design.kind: found 'latin-hypercubes'; expected one of grid, zip, "
        "latin-hypercube, sobol, morris, table; did you mean latin-hypercube?",
    ),
    "a design without kind": (
        HEAD + VARY + "design: {points: 3}\n",
        "mine.yaml:6: design.kind: is missing; expected one of grid, zip, latin-hypercube, "
        "sobol, morris, table",
    ),
    "five hundred Sobol points": (
        HEAD + VARY + "design: {kind: sobol, points: 500}\n",
        "mine.yaml:6: design.points: found 500; Sobol sequences are balanced only at powers of "
        "two: 256 or 512",
    ),
    "a distribution with a slip": (
        HEAD + "parameters:\n  choice.lambda: {distribution: {name: nrom}}\n" + GRID,
        "mine.yaml:5: parameters.choice.lambda.distribution.name: 'nrom' is not a continuous "
        "distribution of scipy.stats; did you mean norm?",
    ),
    "a number that the distribution lacks": (
        HEAD + "parameters:\n  choice.lambda: {distribution: {name: norm, mean: 1}}\n" + GRID,
        "mine.yaml:5: parameters.choice.lambda.distribution.mean: is not known; norm has loc, "
        "scale",
    ),
    "a scenario of the year before": (
        HEAD.replace("2022", "2021") + VARY + GRID,
        "mine.yaml:3: scenario: september-2021 does not exist; did you mean september-2022?",
    ),
    "no scenario": (
        "name: mine\ntitle: Mine\n" + VARY + GRID,
        "mine.yaml:1: scenario: no scenario is named; add scenario: september-2022, a file, or "
        "scenarios: [...]",
    ),
    "nothing that varies": (
        HEAD + GRID,
        "mine.yaml:1: parameters: nothing varies; name at least one parameter",
    ),
    "an output with a slip": (
        HEAD + VARY + GRID + "outputs:\n  entires: {place: GE}\n",
        "mine.yaml:8: outputs.entires.measure: 'entires' is no measure; name one with measure:; "
        "did you mean entries?",
    ),
    "an output without place": (
        HEAD + VARY + GRID + "outputs:\n  entries: {}\n",
        "mine.yaml:8: outputs.entries: needs a place; entries is measured by destination and "
        "crossing and group",
    ),
    "an output where it is not measured": (
        HEAD + VARY + GRID + "outputs:\n  queue_km: {place: GE}\n",
        "mine.yaml:8: outputs.queue_km.place: queue_km is not measured at GE (destination); only "
        "by crossing and group",
    ),
    "a window outside the horizon": (
        HEAD + VARY + GRID + "outputs:\n  departures: {from: 2023-01-01}\n",
        "mine.yaml:8: outputs.departures: no day lies inside the horizon (2022-09-17 to "
        "2022-11-01)",
    ),
    "an unknown place to keep": (
        HEAD + VARY + GRID + "keep: {measures: [entries], places: [GE-LARD]}\n",
        "mine.yaml:7: keep.places: 'GE-LARD' is not a place; did you mean GE-LARS?",
    ),
    "a figure of no parameter": (
        HEAD + VARY + GRID + "figures:\n  - {kind: response, x: choice.lamda}\n",
        "mine.yaml:8: figures.0: x: 'choice.lamda' is no parameter of this sweep; did you mean "
        "choice.lambda?",
    ),
    "a key moved twice": (
        HEAD + VARY + "  two: {keys: choice.lambda, values: [1]}\n" + GRID,
        "mine.yaml:6: parameters.two: choice.lambda is moved by choice.lambda already; one "
        "parameter for each key",
    ),
    "a name that tables use": (
        HEAD + "parameters:\n  value: {keys: choice.lambda, values: [1]}\n" + GRID,
        "mine.yaml:5: parameters.value: is a column of the results already; give the parameter "
        "another name",
    ),
    "free where there are no bounds": (
        HEAD + "parameters:\n  travel.speed: {free: true}\ndesign: {kind: morris}\n",
        "mine.yaml:5: parameters.travel.speed.free: travel.speed has no free bounds in the "
        "scenario; give a range instead",
    ),
    "a fixed change with a slip": (
        HEAD + VARY + GRID + "changes: {choice.kapa: 1}\n",
        "mine.yaml:7: choice.kapa: is not known; did you mean kappa? Found 1.",
    ),
    "a table that is not there": (
        HEAD + "design: {kind: table, file: draws.csv}\n",
        "mine.yaml:4: design.file: draws.csv does not exist",
    ),
    "an empty file": (
        "",
        "mine.yaml: the file is empty; expected keys such as name, title, description",
    ),
}


@pytest.mark.parametrize(("text", "message"), MISTAKES.values(), ids=list(MISTAKES))
def test_a_mistake_is_said_with_line_key_and_what_to_do(text, message):
    assert messages(text) == [message]


def test_all_mistakes_are_said_at_once():
    said = "replications: 0\nsample: 2\nseed: -1\n"
    assert messages(HEAD + VARY + "design: {kind: sobol, points: 500}\n" + said) == [
        "mine.yaml:6: design.points: found 500; Sobol sequences are balanced only at powers of "
        "two: 256 or 512",
        "mine.yaml:7: replications: found 0; expected at least 1",
        "mine.yaml:8: sample: found 2; expected at most 1",
        "mine.yaml:9: seed: found -1; expected at least 0",
    ]


def test_a_sweep_that_does_not_exist_is_looked_for_among_the_shipped():
    with pytest.raises(ScenarioError) as caught:
        read_sweep("passports-by-task-forc")
    assert str(caught.value) == (
        "passports-by-task-forc: does not exist; did you mean passports-by-task-force?"
    )


def test_what_is_too_much_is_refused_with_the_limit(folder):
    values = ", ".join(str(3 + n / 1e5) for n in range(10_001))
    found = messages(HEAD + f"parameters:\n  panic.decay: {{values: [{values}]}}\n" + GRID)
    assert any("found 10,001 values; expected at most 10,000" in one for one in found)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no pipes")
def test_draws_from_a_pipe_are_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "draws.csv")
    path = tmp_path / "mine.yaml"
    path.write_text(HEAD + VARY + GRID + "draws: draws.csv\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"draws: .*is not an ordinary file"):
        read_sweep(path)
