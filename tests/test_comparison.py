"""Comparisons whole: the folder, what is printed, what is refused, and other lambdas."""

from __future__ import annotations

import dataclasses
import itertools
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from flowsim import comparison
from flowsim.cli import app
from flowsim.comparison import coincidence
from flowsim.data import sources
from flowsim.errors import DataError, MachineError, ResultsError, ScenarioError
from flowsim.experiments import store as stores
from flowsim.experiments.executor import Failed
from flowsim.experiments.simulate import simulate
from flowsim.experiments.store import Outcome, Store
from flowsim.findings import comparison as pairs
from flowsim.findings import summary
from flowsim.findings.biography import Diary
from flowsim.findings.words import count
from flowsim.results.comparison import worth_of_pairing
from flowsim.results.folder import refuse_other
from flowsim.results.observation import Observed
from flowsim.results.tables import daily_table
from flowsim.scenario import lambdas, load

NATION = 39_582_793
SAMPLE = 0.0005
A, B = "september-2022", "no-task-force"


def said(found: comparison.Comparison) -> str:
    """What the terminal shows, without its line ends."""
    return " ".join(summary(found).split())


@pytest.fixture(scope="module", autouse=True)
def _two_policies():
    """Two coinciding policies instead of four: a quarter of the combinations."""
    with pytest.MonkeyPatch.context() as patch:
        present = coincidence._present
        patch.setattr(coincidence, "_present", lambda scenario: present(scenario)[:2])
        yield


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Two worlds, three replications, everything that can be asked for."""
    return comparison.compare(
        [A, B],
        replications=3,
        sample=SAMPLE,
        workers=1,
        shapley=True,
        by_lambda=(0.6, 1.0),
        out=tmp_path_factory.mktemp("results") / "both",
    )


def test_the_rows_of_the_matrix_add_up_to_the_men_in_all_and_by_group(found):
    matrix = found.matrix
    for by, rows in matrix.groupby("by"):
        assert rows["men"].sum() == pytest.approx(NATION), by
    assert set(matrix["by"]) == {"all", "region", "age", "educated"}
    assert found.matrix_of(A, B).to_numpy().sum() == pytest.approx(NATION)
    men = matrix[matrix["by"] == "region"].groupby("value")["men"].sum()
    assert men.to_dict() == pytest.approx(
        dict(zip(sources.regions().code, sources.regions().men.sum(axis=1), strict=True))
    )


def test_shares_of_a_row_add_up_to_one_and_intervals_hold_their_mean(found):
    rows = found.matrix.groupby(["by", "value", "status_a"])["share"].sum()
    assert rows.to_numpy() == pytest.approx(1)
    assert (found.matrix["low"] <= found.matrix["men"] + 1e-6).all()
    assert (found.matrix["men"] <= found.matrix["high"] + 1e-6).all()


def test_the_terms_add_up_to_the_men_whose_outcome_differs(found):
    off = found.transitions[
        found.transitions["status_a"].astype(str) != found.transitions["status_b"].astype(str)
    ]
    totals = found.terms[found.terms["status_a"] == "all"]
    each = found.terms[found.terms["status_a"] != "all"]
    assert totals["men"].sum() == pytest.approx(off["men"].sum() / 3)
    assert each.groupby("term")["men"].sum().to_dict() == pytest.approx(
        totals.set_index("term")["men"].to_dict()
    )
    assert totals["share"].sum() == pytest.approx(1)
    assert totals["men_simulated"].sum() == off["men_simulated"].sum()


def test_the_example_of_a_term_lives_as_the_table_says(found):
    """His biography in both worlds ends as the row says."""
    rows = found.terms[(found.terms["status_a"] == "home") & found.terms["example"].notna()]
    row = rows[rows["status_b"] == "reached-georgia"].iloc[0]
    ends = [Diary(load(name, {"sample": SAMPLE})).status_of(int(row["example"])) for name in (A, B)]
    assert ends[0] == "home"
    assert ends[1] in ("abroad-georgia", "moved-on", "returned")


def test_differences_are_those_of_runs_made_one_by_one(found):
    """Departures of each replication, simulated apart, give the mean, the interval, the factor."""
    totals = {}
    for name in (A, B):
        scenario = load(name, {"sample": SAMPLE})
        tables = []
        for r in range(3):
            tables.append(daily_table(Observed(simulate(scenario, r)), r))
        table = pd.concat(tables)
        rows = table[(table["place_id"] == "RU") & (table["measure"] == "departures")]
        totals[name] = rows.groupby("replication")["value"].sum().to_numpy()
    difference = totals[B] - totals[A]
    row = found.differences[
        (found.differences["place_id"] == "RU") & (found.differences["measure"] == "departures")
    ].iloc[0]
    assert row["value_a"] == pytest.approx(totals[A].mean())
    assert row["difference"] == pytest.approx(difference.mean())
    half = 4.302653 * difference.std(ddof=1) / np.sqrt(3)  # Student's t for two degrees
    assert row["high"] - row["difference"] == pytest.approx(half, rel=1e-6)
    apart = totals[A].var(ddof=1) + totals[B].var(ddof=1)
    assert row["variance_factor"] == pytest.approx(apart / difference.var(ddof=1), rel=1e-4)


def test_more_men_set_off_where_no_task_force_waits(found):
    row = found.differences[found.differences["measure"] == "departures"].iloc[0]
    assert row["difference"] > 0


def test_what_pairing_is_worth_is_said_from_ten_replications_on(found):
    differences = found.differences
    many = dataclasses.replace(found, known=found.known | {"differences": differences.assign(n=10)})
    few = dataclasses.replace(found, known=found.known | {"differences": differences.assign(n=9)})
    words, none = (str([pairs.more(p, "pair") for p in pairs.pairs(f)]) for f in (many, few))
    assert "times smaller than between men of their own" in words
    assert "of their own" not in none
    assert worth_of_pairing(differences.assign(n=9)).isna().all()


def test_what_is_printed_says_sizes_and_intervals(found):
    text = said(found)
    matrix = found.matrix[found.matrix["by"] == "all"]
    switched = matrix.loc[matrix["status_a"] != matrix["status_b"], "men"].sum()
    first, last = (f"Something else became of {count(switched)} of", "What changes from A to B")
    assert text.index(first) < text.index(last)
    assert "of them the reason was the sight of checks (deterrence)" in text
    assert "Intervals hold chance alone" in text
    for title in ("draft officers at Lars", "entry limit of North Ossetia"):
        assert title in text
    assert "cannot be told apart" in text
    assert "If substitution is weaker".upper() in text.upper()
    assert "Lambda 0.6" in text


def test_a_difference_of_uncertain_sign_is_not_called_one() -> None:
    row = {"difference": -240.0, "low": -512.0, "high": 32.0, "value_a": 900.0, "value_b": 660.0}
    assert pairs.difference("men set off", pd.Series(row)) == (
        "660 men set off instead of 900: whether these are more or fewer is not certain "
        "(−512 to +32)."
    )


def test_the_range_over_the_orders_holds_the_mean(found):
    named = found.shapley[found.shapley["least"].notna()]
    assert (named["least"] <= named["effect"] + 1e-6).all()
    assert (named["effect"] <= named["most"] + 1e-6).all()


def test_opening_the_folder_gives_what_was_found(found):
    again = comparison.open_comparison(found.folder)
    assert again.names == [A, B]
    assert again.pairs == [(A, B)]
    assert again.scenarios == found.scenarios
    assert said(again) == said(found)
    for name in ("transitions", "daily", "outcomes"):
        assert len(again.table(name)) == len(found.table(name)) > 0
    assert again.manifest["kind"] == "comparison"
    assert set(again.daily["scenario"].astype(str)) == {A, B}


@pytest.mark.slow
def test_the_files_are_the_same_to_the_byte_whatever_the_workers(found, tmp_path):
    other = comparison.compare(
        [A, B],
        replications=3,
        sample=SAMPLE,
        workers=3,
        shapley=True,
        by_lambda=(0.6, 1.0),
        out=tmp_path / "again",
    )
    assert other.manifest["tables"] == found.manifest["tables"]
    for name, digest in found.manifest["tables"].items():
        assert (tmp_path / "again" / name).read_bytes() == (found.folder / name).read_bytes(), (
            digest
        )


def test_a_comparison_without_terms_policies_and_lambdas_has_empty_tables(tmp_path):
    result = comparison.compare(
        [A, B],
        replications=1,
        sample=SAMPLE,
        workers=1,
        terms=False,
        shapley=False,
        out=tmp_path / "small",
    )
    opened = comparison.open_comparison(tmp_path / "small")
    for table in (opened.terms, opened.shapley, opened.lambdas):
        assert table.empty
    assert "One replication was run, so no number here has a range" in said(result)
    assert said(opened) == said(result)
    assert not (tmp_path / "small" / "terms.csv").exists()


def test_a_scenario_against_its_twin_differs_in_nothing(tmp_path):
    twin = load(A, {"name": "twin"})
    out = tmp_path / "twins"
    result = comparison.compare(
        [A, twin], replications=2, sample=SAMPLE, workers=1, shapley=False, out=out
    )
    assert (result.differences["difference"] == 0).all()
    assert result.differences["variance_factor"].isna().all()
    assert result.terms.empty
    assert "The same became of every man in both scenarios" in said(result)
    assert "as before" in said(result)
    assert said(comparison.open_comparison(out)) == said(result)


# -- other lambdas


def test_the_table_by_lambda_repeats_the_comparison_at_its_own_lambda(found):
    own = found.lambdas[found.lambdas["lambda"] == 0.6]
    keys = ["measure", "place_id", "difference", "low", "high"]
    kinds = own["place_kind"].unique()
    same = found.differences[found.differences["place_kind"].isin(kinds)]
    left, right = (t[keys].sort_values(keys[:2]).reset_index(drop=True) for t in (own, same))
    assert left.equals(right)
    other = found.lambdas[found.lambdas["lambda"] == 1.0]
    assert set(other["measure"]) == set(own["measure"])
    assert (other["difference"].to_numpy() != own["difference"].to_numpy()).any()


def test_another_lambda_brings_the_constants_that_were_fitted_with_it(monkeypatch):
    fitted = {"choice.lambda": 0.3, "choice.constant.georgia": -5.0}
    monkeypatch.setattr(
        sources, "lambda_changes", lambda v, _exits=False: fitted if v == 0.3 else {}
    )
    base = load(A)
    found = lambdas.with_lambda(base, 0.3)
    assert found.choice.lambda_.value == 0.3
    assert found.choice.constant["georgia"].value == pytest.approx(-5.0)
    assert found.choice.constant["kazakhstan"] == base.choice.constant["kazakhstan"]
    back = lambdas.with_lambda(found, 0.6)
    assert back.choice.lambda_.value == 0.6
    assert back.choice.constant["georgia"].value == pytest.approx(
        base.choice.constant["georgia"].value
    )


def test_what_a_scenario_changed_of_a_fitted_number_stays_changed_by_as_much(monkeypatch):
    fitted = {"choice.lambda": 0.3, "choice.constant.georgia": -5.0}
    monkeypatch.setattr(
        sources, "lambda_changes", lambda v, _exits=False: fitted if v == 0.3 else {}
    )
    usual = load(A).choice.constant["georgia"].value
    dearer = load(A, {"choice.constant.georgia": usual - 1})
    found = lambdas.with_lambda(dearer, 0.3)
    assert found.choice.constant["georgia"].value == pytest.approx(-6.0)


def test_a_number_by_date_is_fitted_date_by_date_and_one_without_the_date_stays(monkeypatch):
    key = "crossings.GE-LARS.vehicles"
    fitted = {"choice.lambda": 0.3, f"{key}.2022-09-23": 3000.0}
    monkeypatch.setattr(
        sources, "lambda_changes", lambda v, _exits=False: fitted if v == 0.3 else {}
    )
    was = load(A).crossings["GE-LARS"].vehicles.value
    found = lambdas.with_lambda(load(A), 0.3).crossings["GE-LARS"].vehicles.value
    moved = {moment: value for moment, value in found.items() if value != was[moment]}
    assert {f"{moment:%Y-%m-%d}": value for moment, value in moved.items()} == {
        "2022-09-23": pytest.approx(3000)
    }
    constant = load(A, {key: {"value": 2000, "source": "assumption: one number"}})
    left = lambdas.with_lambda(constant, 0.3).crossings["GE-LARS"].vehicles
    assert left == constant.crossings["GE-LARS"].vehicles


def test_a_lambda_at_which_nothing_was_fitted_is_refused():
    with pytest.raises(DataError, match=r"lambda 0\.44"):
        lambdas.with_lambda(load(A), 0.44)


# -- what is refused


def test_scenarios_that_cannot_be_compared_are_refused_in_words():
    cases = {
        "two or more": [A],
        "more than one scenario is called september-2022": [A, A],
        "the same men can only be compared over the same days": [
            A,
            load(B, {"horizon": {"start": "2022-09-17", "end": "2022-10-15"}}),
        ],
    }
    for said, scenarios in cases.items():
        with pytest.raises(ResultsError, match=said):
            comparison.compare(scenarios, replications=1)
    with pytest.raises(ResultsError, match="at least 1; found 0"):
        comparison.compare([A, B], replications=0)
    with pytest.raises(ScenarioError, match="sample: 2 is out of range"):
        comparison.compare([A, B], sample=2)


def test_a_folder_of_something_else_is_left_alone(found, tmp_path):
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "diary.txt").write_text("mine")
    with pytest.raises(ResultsError, match="not a results folder; choose another --out"):
        comparison.compare([A, B], replications=1, sample=SAMPLE, out=foreign)
    assert (foreign / "diary.txt").read_text() == "mine"
    copy = tmp_path / "copy"
    shutil.copytree(found.folder, copy)
    with pytest.raises(ResultsError, match="holds a comparison of september-2022, no-task-force"):
        comparison.compare([A, "border-closed"], replications=1, sample=SAMPLE, out=copy)
    comparison.open_comparison(copy)
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(ResultsError, match="is a file"):
        comparison.compare([A, B], replications=1, sample=SAMPLE, out=file)


def test_a_damaged_or_unfinished_folder_is_not_opened(found, tmp_path):
    with pytest.raises(ResultsError, match="not a finished comparison"):
        comparison.open_comparison(tmp_path)
    copy = tmp_path / "copy"
    shutil.copytree(found.folder, copy)
    table = copy / "differences.csv"
    table.write_text(table.read_text().replace("1", "2", 1))
    with pytest.raises(ResultsError, match=r"differences\.csv is not the file that was written"):
        comparison.open_comparison(copy)
    manifest = copy / "manifest.json"
    contents = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**contents, "complete": False}))
    with pytest.raises(ResultsError, match="not a finished comparison"):
        comparison.open_comparison(copy)


def test_a_comparison_that_was_stopped_may_be_made_again_in_its_folder(found, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(found.folder, copy)
    (copy / "manifest.json").unlink()
    refuse_other(copy, "comparison", [A, B], force=False)
    with pytest.raises(ResultsError):
        refuse_other(copy, "comparison", [A, "border-closed"], force=False)


def stop_after(monkeypatch, n):
    """Let the next comparison be stopped after some replications, as by Ctrl-C."""

    def scatter(work, tasks, **_):
        for task in itertools.islice(tasks, n):
            yield task, work(task)
        raise KeyboardInterrupt

    monkeypatch.setattr(stores, "scatter", scatter)


@pytest.fixture
def stopped(tmp_path, monkeypatch):
    """A comparison of two replications that was stopped after one."""
    with monkeypatch.context() as patched:
        stop_after(patched, 1)
        with pytest.raises(KeyboardInterrupt):
            comparison.compare([A, B], replications=3, sample=SAMPLE, workers=1, out=tmp_path)
    return tmp_path


def test_a_stopped_comparison_goes_on_with_what_is_missing(stopped, tmp_path_factory):
    """Nothing is run twice, and the files are those of one that nobody stopped."""
    told = []
    with pytest.raises(ResultsError, match="not a finished comparison"):
        comparison.open_comparison(stopped)
    options = {"replications": 3, "sample": SAMPLE, "workers": 1}
    progress = lambda done, total, _: told.append(done)  # noqa: E731
    comparison.compare([A, B], out=stopped, progress=progress, **options)
    assert told == [1, 2, 3]
    whole = tmp_path_factory.mktemp("whole")
    comparison.compare([A, B], out=whole, **options)
    assert contents(stopped) == contents(whole)


def contents(folder):
    files = {path.name: path for path in folder.iterdir() if path.name != "manifest.json"}
    return {name: path.read_bytes() for name, path in files.items()}


def test_a_finished_comparison_is_not_run_again_unless_it_is_harmed(found, tmp_path):
    """Whatever a kill at the very end left is cleared away."""
    copy = tmp_path / "copy"
    shutil.copytree(found.folder, copy)
    with Store(copy) as store:
        store.add([Outcome("written elsewhere long ago")])
    told = []
    options = {
        "replications": 3,
        "sample": SAMPLE,
        "workers": 1,
        "by_lambda": (0.6, 1.0),
        "shapley": True,
    }
    options |= {"out": copy, "progress": lambda done, total, _: told.append(done)}
    again = comparison.compare([A, B], **options)
    assert (told, again.manifest) == ([], found.manifest)
    assert {path.name for path in copy.iterdir()} == {path.name for path in found.folder.iterdir()}
    (copy / "matrix.csv").write_text("a,b")
    comparison.compare([A, B], **options)
    assert told == [0, 1, 2, 3]
    assert contents(copy) == contents(found.folder)


def test_finished_replications_of_another_comparison_are_never_thrown_away(stopped):
    """Unless forced; fewer or more of the same go on."""
    with pytest.raises(ResultsError, match="holds 1 finished replications of another comparison"):
        comparison.compare([A, B], replications=3, sample=2 * SAMPLE, out=stopped)
    told = []
    comparison.compare(
        [A, B],
        replications=2,
        sample=SAMPLE,
        workers=1,
        terms=False,
        out=stopped,
        force=True,
        progress=lambda done, total, _: told.append(done),
    )
    assert told == [0, 1, 2]


@pytest.mark.parametrize(
    ("failed", "error", "words"),
    [
        (Failed("MachineError", "disk full"), MachineError, "replication 1: disk full"),
        (Failed("ZeroDivisionError", "by zero", "Traceback"), RuntimeError, "by zero"),
    ],
)
def test_a_replication_that_fails_is_named(monkeypatch, failed, error, words):
    def scatter(work, tasks, **_):
        yield next(tasks), failed

    monkeypatch.setattr(stores, "scatter", scatter)
    with pytest.raises(error, match=words):
        comparison.compare([A, B], replications=1, sample=SAMPLE)


# -- the command


def test_the_command_prints_the_answer_and_leaves_a_folder(tmp_path):
    folder = tmp_path / "out"
    arguments = ["compare", A, B, "--replications", "2", "--sample", str(SAMPLE), "--workers", "1"]
    result = CliRunner().invoke(app, [*arguments, "--no-shapley", "--out", str(folder)])
    assert result.exit_code == 0, result.output
    assert "men set off" in " ".join(result.output.split())
    assert comparison.open_comparison(folder).replications == 2
    quiet = ["--no-shapley", "--no-terms", "--quiet", "--out", str(folder)]
    again = CliRunner().invoke(app, [*arguments, *quiet])
    assert again.output.strip() == str(folder)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([A], "two or more"),
        ([A, "no-such-scenario"], "no-such-scenario"),
        ([A, B, "--lambda", "two"], "expected all, or numbers"),
        ([A, B, "--sample", "0"], "expected more than 0"),
    ],
)
def test_the_command_refuses_in_a_line_and_with_code_2(arguments, words):
    result = CliRunner().invoke(app, ["compare", *arguments])
    assert result.exit_code == 2
    assert words in result.output
    assert "Traceback" not in result.output


def test_a_shapley_value_lies_in_the_range_printed_beside_it():
    """A mean over orders can lie outside the effects of coming first and of coming last."""
    row = {"first_in": -1140.0, "last_in": -1070.0, "least": -1400.0, "most": -1050.0}
    numbers = {"effect": -1200.0, "low": -1300.0, "high": -1100.0, "unit": "cars", **row}
    numbers["policy"] = "a_policy"
    (own,) = pairs._shares("queue", {"a_policy": numbers, coincidence.ALL: numbers}).rows
    assert own[3] == "−1,400 to −1,050"
