"""Reports of comparisons, sweeps and calibrations: their own answers, and what all reports hold."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pandas as pd
import pytest

from flowsim import comparison, report
from flowsim.comparison import coincidence
from flowsim.findings import comparison as pairs
from flowsim.findings.finding import Table
from flowsim.findings.words import count
from flowsim.report import arranging, writers
from flowsim.report.document import (
    Attachment,
    Bullets,
    Document,
    Options,
    Paragraph,
    Picture,
    Section,
)
from flowsim.scenario import load, resolved_yaml, shipped
from flowsim.scenario.lambdas import with_lambda
from flowsim.sweep import run_sweep

DRAWING = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9"/></svg>'
EVERY_REPORT = ("answer", "sure", "appendix", "limits", "reproduce", "sources")


def undrawn(patch: pytest.MonkeyPatch) -> None:
    """One picture in the place of all figures, which take long."""
    patch.setattr(arranging, "drawn", lambda *_: [Picture("one", DRAWING, "One.", "A line.")])


def section(document: Document, key: str) -> Section:
    return next(part for part in document.sections if part.key == key)


def text(part: Section) -> str:
    return str([block for block in part.blocks if isinstance(block, Paragraph | Bullets)])


def tables(part: Section) -> list[Table]:
    return [block for block in part.blocks if isinstance(block, Table)]


@pytest.fixture(scope="module")
def compared(tmp_path_factory) -> Path:
    """Two worlds, and two of the policies that coincide in both."""
    folder = tmp_path_factory.mktemp("compared") / "results"
    with pytest.MonkeyPatch.context() as patch:
        present = coincidence._present
        patch.setattr(coincidence, "_present", lambda scenario: present(scenario)[:2])
        comparison.compare(
            ["september-2022", "border-closed"],
            replications=2,
            sample=0.0005,
            by_lambda=(0.3, 1.0),
            workers=1,
            shapley=True,
            out=folder,
        )
    return folder


@pytest.fixture(scope="module")
def told(compared) -> tuple[Document, dict[str, str]]:
    with pytest.MonkeyPatch.context() as patch:
        undrawn(patch)
        return report.compose(compared, Options(full=True))


# -- comparisons


def test_a_comparison_is_told_with_its_paired_intervals(compared, told):
    found = comparison.open_comparison(compared)
    rows = found.differences
    row = rows[(rows.measure == "departures") & (rows.place_id == "RU")].iloc[0]
    answer = text(section(told[0], "answer"))
    for number in (row.value_a, row.value_b, abs(row.low), abs(row.high)):
        assert count(number) in answer
    sure = text(section(told[0], "sure"))
    assert "95 % intervals of the mean over 2 replications" in sure


def difference(value: float, low: float, high: float) -> pd.Series:
    return pd.Series(
        {"difference": value, "low": low, "high": high, "value_a": 1e4, "value_b": 1e4 + value}
    )


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [
        (500, 400, 600, "500 (400 to 600) more men left: 10,500 instead of 10,000."),
        (-500, -600, -400, "500 (400 to 600) fewer men left: 9,500 instead of 10,000."),
        (0, 0, 0, "10,000 men left, exactly as many as before."),
        (
            50,
            -40,
            140,
            "10,100 men left instead of 10,000: whether these are more or fewer is not certain "
            "(−40 to +140).",
        ),
        (500, float("nan"), float("nan"), "500 more men left: 10,500 instead of 10,000."),
    ],
)
def test_a_difference_is_told_by_its_sign_or_as_uncertain(value, low, high, expected):
    said = pairs.difference("men left", difference(value, low, high))
    assert said == expected.replace("10,100", count(10_050))


@pytest.mark.parametrize(
    ("sign", "low", "expected"),
    [
        (1, 450, "700 (200 to 900; chance alone 450 to 550) more men left: 10,500 instead"),
        (-1, 450, "700 (200 to 900; chance alone 450 to 550) fewer men left: 9,500 instead"),
        (1, -50, "700 (200 to 900; chance alone −50 to +550) more men left: 10,500 instead"),
    ],
)
def test_with_draws_all_doubt_stands_first_and_levels_say_whose_they_are(sign, low, expected):
    ends = sorted((sign * low, sign * 550))
    over_draws = sorted((sign * 200, sign * 900))
    row = difference(sign * 500, *ends)
    row = pd.concat(
        [
            row,
            pd.Series({"draws": 20, "median": sign * 700, "all_low": over_draws[0]}),
            pd.Series({"all_high": over_draws[1]}),
        ]
    )
    told = pairs.difference("men left", row)
    assert told == f"{expected} of 10,000 at the scenarios' own values."


def test_with_draws_the_change_stands_before_what_the_scenarios_themselves_have(compared):
    found = comparison.open_comparison(compared)
    alone = pairs.first(pairs.pairs(found)[0], "pair").tables[-1]
    assert alone.header == ("What", "In A", "In B", "Change")
    ends = {"draws": 20, "median": -1000.0, "all_low": -3000.0, "all_high": -200.0}
    drawn = found.with_tables(differences=found.differences.assign(**ends))
    made = pairs.first(pairs.pairs(drawn)[0], "pair").tables[-1]
    assert made.header == ("What", "Change", "In A", "In B", "Chance alone")
    assert made.rows[0][:2] == ("Men who set off", "−1,000 (−3,000 to −200)")
    assert made.rows[0][2:4] == alone.rows[0][1:3]


def test_men_are_followed_from_one_world_to_the_other(compared, told):
    found = comparison.open_comparison(compared)
    rows = found.matrix[(found.matrix["by"] == "all")]
    switched = rows[rows.status_a != rows.status_b]
    part = section(told[0], "pair-1")
    assert f"became of {count(switched.men.sum())} of {count(rows.men.sum())} men" in text(part)
    few = [row for row in tables(part)[0].rows if "do not quote" in row[3]]
    assert len(few) == (switched.nlargest(pairs.MOST, "men").men_simulated < pairs.FEW).sum()


def test_what_the_data_cannot_tell_apart_is_said_in_numbers(compared, told):
    part = section(told[0], "coinciding")
    assert text(part).count("belongs to several and cannot be told apart") == 5
    assert all(len(table.rows) == 2 for table in tables(part))


def test_without_shapley_nothing_is_said_of_coinciding_policies():
    assert pairs.coinciding(pd.DataFrame()).sentences == ()


def test_each_world_has_its_reception_sheets_and_their_tables(told):
    keys = [part.key for part in told[0].sections if part.sheet]
    assert keys == [
        f"reception-{s}-{d}"
        for s in ("september-2022", "border-closed")
        for d in ("georgia", "kazakhstan")
    ]
    assert list(told[1]) == [f"{key}.csv" for key in keys]


def test_a_comparison_without_lambdas_gets_them_for_its_report(tmp_path, monkeypatch):
    undrawn(monkeypatch)
    worlds = ["september-2022", "no-rumour"]
    comparison.compare(
        worlds,
        replications=1,
        sample=0.0005,
        workers=1,
        terms=False,
        shapley=False,
        out=tmp_path / "c",
    )
    made, _ = report.compose(tmp_path / "c")
    table = tables(section(made, "lambda"))[0]
    assert table.header[1:] == ("Lambda 0.3", "Lambda 0.6", "Lambda 1")
    quick, _ = report.compose(tmp_path / "c", Options(quick=True))
    assert "lambda" not in [part.key for part in quick.sections]


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_scenario_can_be_given_another_lambda(name):
    scenario = load(name)
    for value in (0.3, 1.0):
        assert with_lambda(scenario, value).choice.lambda_.value == value


def test_the_command_of_a_comparison_makes_the_same_tables_again(compared, told):
    lines = str(section(told[0], "reproduce").blocks)
    assert "flowsim compare scenario-september-2022.yaml scenario-border-closed.yaml" in lines
    assert "--lambda 0.3,1" in lines
    names = [file.name for file in told[0].attachments]
    assert names[:2] == ["scenario-september-2022.yaml", "scenario-border-closed.yaml"]


# -- sweeps


@pytest.fixture(scope="module")
def swept(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("swept")
    (folder / "s.yaml").write_text(
        "name: shares\ntitle: Passports & <b>checks</b>\nscenario: september-2022\n"
        "sample: 0.0005\nreplications: 2\n"
        "parameters:\n"
        "  population.passport_share: {values: [0.2, 0.4]}\n"
        "  choice.beta_risk: {values: [0, 1]}\n"
        "design: {kind: grid}\noutputs:\n  departures: {place: RU}\n",
        encoding="utf-8",
    )
    run_sweep(folder / "s.yaml", folder / "results", workers=1)
    return folder / "results"


@pytest.fixture(scope="module")
def swept_told(swept) -> Document:
    with pytest.MonkeyPatch.context() as patch:
        undrawn(patch)
        return report.compose(swept, Options(quick=True))[0]


def test_a_sweep_is_told_by_its_range_and_what_moves_it_most(swept, swept_told):
    results = pd.read_parquet(swept / "results.parquet")
    means = results.groupby("point").value.mean()
    answer = text(section(swept_told, "answer"))
    assert f"from {count(means.min())} to {count(means.max())} over 4 points" in answer
    assert "moved most by" in answer
    assert [row[1] for row in tables(section(swept_told, "design"))[0].rows] == [
        "population.passport_share",
        "choice.beta_risk",
    ]


def test_a_sweep_says_that_its_lambda_was_never_moved(swept_told):
    assert "Every point of this sweep has the lambda of its scenario" in text(
        section(swept_told, "limits")
    )


# -- calibrations


@pytest.fixture
def fitted(tmp_path, monkeypatch) -> Document:
    """A folder as `flowsim calibrate` leaves it, of two parameters and three figures."""
    undrawn(monkeypatch)
    files = {
        "scenario.yaml": resolved_yaml(load("september-2022", ["sample=0.0005"])),
        "parameters.csv": "parameter,prior_low,prior_high,low,median,high,ratio,verdict\n"
        "panic.decay,3,30,12,14,16,0.1,identified\n"
        "choice.kappa,0,1,0.1,0.5,0.9,0.9,not identified\n",
        "predictions.csv": "id,role,fitted,is_input,measure,place_id,published,simulated,ratio,"
        "sim_low,sim_high,low,high,covered\n"
        "KZ009,fit,True,False,entries,KZ,98000,97000,1,96000,99000,95000,99500,True\n"
        "GE021,validate,False,False,entries,GE,9642,9000,1,8000,9200,7900,9300,False\n"
        "GE007,fit,True,True,entries,GE,9307,9300,1,9200,9400,9100,9500,True\n",
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    hashes = {n: hashlib.sha256(c.encode()).hexdigest() for n, c in files.items()}
    manifest = {
        "kind": "calibration",
        "name": "c",
        "title": "Fitting",
        "scenarios": {"september-2022": "0"},
        "data_hash": "0",
        "budget": "quick",
        "seed": 1,
        "sample": 0.001,
        "credible": 0.9,
        "design_runs": 10,
        "prediction_runs": 5,
        "versions": {"flowsim": "0"},
        "tables": hashes,
        "complete": True,
    }
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return report.compose(tmp_path, Options(quick=True))[0]


def test_a_calibration_tells_fit_and_test_apart_and_leaves_inputs_out(fitted):
    answer = text(section(fitted, "answer"))
    assert "Of the 1 published figures used to fit it (no test), inputs left out, 1 lie" in answer
    assert "Of the 1 published figures kept out of the fit (a test), inputs left out, 0" in answer
    roles = [row[5] for row in tables(section(fitted, "published"))[0].rows]
    assert roles == ["no test: used to fit it", "a test: not seen", "input, not evidence"]


def test_what_the_figures_do_not_identify_is_named(fitted):
    assert "do not identify effect of the region's call-up (choice.kappa)" in text(
        section(fitted, "limits")
    )


# -- all of them


def test_every_kind_of_report_holds_what_a_reader_needs(told, swept_told, fitted):
    for document in (told[0], swept_told, fitted):
        keys = [part.key for part in document.sections]
        assert set(EVERY_REPORT) <= set(keys)
        assert len(keys) == len(set(keys))
        assert any(key.startswith("differences") for key in keys)
        assert "Simulated, not counted." in text(section(document, "sure"))
        assert all(isinstance(file, Attachment) for file in document.attachments)


def test_every_kind_of_report_can_be_written_both_ways(told, swept_told, fitted):
    for document in (told[0], swept_told, fitted):
        assert writers.html(document).count(b"<script") == 1
        assert b"<pdfuaid:part>1</pdfuaid:part>" in writers.pdf(document)
