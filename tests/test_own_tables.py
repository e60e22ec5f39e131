"""Tables that users bring, as spreadsheets write them: read where clear, refused where not."""

import os
from datetime import datetime

import fuzz_own_data
import pytest
from typer.testing import CliRunner

from flowsim.cli.app import app
from flowsim.data import measures, own, rows, sources
from flowsim.errors import DataError
from flowsim.results import observation
from flowsim.scenario import load
from flowsim.scenario.observing import read_figures

HEADER = "id,value,unit,model_measure,place_id,window_start,window_end,utc_offset_h"
ROW = "ME1,8000,crossings,entries,GE,2022-10-02T00:00,2022-10-03T00:00,4"


def written(folder, text, name="mine.csv", encoding="utf-8"):
    path = folder / name
    path.write_bytes(text.encode(encoding) if isinstance(text, str) else text)
    return path


def read(folder, text, encoding="utf-8"):
    return own.read(written(folder, text, encoding=encoding), rows.Observation)


def said(folder, text):
    with pytest.raises(DataError) as caught:
        read(folder, text)
    return [str(problem) for problem in caught.value.problems]


def test_a_table_needs_few_columns(tmp_path):
    (figure,) = read(tmp_path, f"{HEADER}\n{ROW}\n")
    assert (figure.role, figure.low, figure.high) == ("validate", 8000, 8000)
    assert not figure.is_input
    assert not figure.per_day


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separators_encodings_and_line_ends_make_no_difference(tmp_path, separator, encoding, end):
    plain = read(tmp_path, f"{HEADER}\n{ROW}\n")
    text = f"\n{HEADER}\n\n{ROW}\n\n".replace(",", separator).replace("\n", end)
    assert read(tmp_path, text, encoding) == plain
    assert read(tmp_path, f"sep={separator}{end}{text}", encoding) == plain


def test_what_excel_adds_makes_no_difference(tmp_path):
    plain = read(tmp_path, f"{HEADER}\n{ROW}\n")
    head = HEADER.replace(",", " ; ").replace("value", "VALUE").replace("place_id", "Place ID")
    text = f'{head};;;\n"ME1";  8000 {ROW[8:].replace(",", ";")};;;\n;;;;;;;;;;\n'
    assert read(tmp_path, text) == plain


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("8000", 8000),
        ("8000.5", 8000.5),
        ('"8000,5"', 8000.5),
        ('"8 000"', 8000),
        ("8\u00a0000", 8000),
        ("8\u202f000", 8000),
        ("8'000", 8000),
        ('"12,345.5"', 12345.5),
        ('"12.345,5"', 12345.5),
        ('"1,234,567"', 1234567),
        ("8e3", 8000),
        ("0.125", 0.125),
        ('"0,125"', 0.125),
        ("1.250", 1.25),
        ("+5", 5),
    ],
)
def test_numbers_that_mean_one_thing_are_read(tmp_path, cell, value):
    (figure,) = read(tmp_path, f"{HEADER}\n{ROW.replace('8000', cell)}\n")
    assert figure.value == value


@pytest.mark.parametrize(
    ("cell", "hint"),
    [
        ('"8,000"', "it could be 8000 or 8: write one of them"),
        ("nan", "expected a number not below 0"),
        ("inf", "expected a number not below 0"),
        ("1e999", "expected a number not below 0"),
        ("-5", "expected a number not below 0"),
        ("\u22125", "expected a number not below 0"),
        ("many", "expected a number not below 0"),
        ("", "found nothing; expected a number not below 0"),
        ("77 %", "write the number alone"),
        ("1_000", "expected a number not below 0"),
        ("\u0661\u0662", "expected a number not below 0"),
        ("#VALUE!", "expected a number not below 0"),
        ("=1+1", "expected a number not below 0"),
    ],
)
def test_numbers_that_are_none_or_two_are_refused(tmp_path, cell, hint):
    (message,) = said(tmp_path, f"{HEADER}\n{ROW.replace('8000', cell)}\n")
    assert ":2: value: found " in message
    assert hint in message


def test_other_cells_show_what_a_comma_is(tmp_path):
    second = ROW.replace("ME1", "ME2")
    table = [HEADER, ROW.replace("8000", '"8,000"'), second]
    for proof, value in (("2.5", 8000), ('"2,5"', 8)):
        text = "\n".join([*table[:2], second.replace("8000", proof)])
        assert read(tmp_path, text)[0].value == value
    semicolons = "\n".join([HEADER, ROW.replace("8000", "8.000")]).replace(",", ";")
    assert "it could be 8000 or 8" in said(tmp_path, semicolons)[0]


@pytest.mark.parametrize(
    "cell",
    [
        "2022-10-02",
        "2022-10-02T00:00",
        "2022-10-02 00:00:00",
        "2022/10/02",
        "02.10.2022",
        "2.10.2022 0:00",
        "2 Oct 2022",
        "02-Oct-2022",
        "2 October 2022 12:00 AM",
    ],
)
def test_dates_that_mean_one_thing_are_read(tmp_path, cell):
    (figure,) = read(tmp_path, f"{HEADER}\n{ROW.replace('2022-10-02T00:00', cell)}\n")
    assert figure.window_start == datetime(2022, 10, 2)


@pytest.mark.parametrize(
    ("cell", "hint"),
    [
        ("2/10/2022", "it could be 2022-10-02 or 2022-02-10: write one of them"),
        ("44836", "if it is a spreadsheet's number for 2022-10-02, write that"),
        ("2022-10-02T00:00Z", "leave the time zone out"),
        ("2022-10-02T00:00+04:00", "leave the time zone out"),
        ("2022-10-01T24:00", "midnight at the end of a day is T00:00 of the next"),
        ("2022-10-02T10:30", "the model counts by the hour"),
        ("2022-02-30", "day is out of range"),
        ("02.10.22", "expected a moment"),
        ("tomorrow", "expected a moment"),
        ("", "found nothing; expected a moment"),
    ],
)
def test_dates_that_are_none_or_two_are_refused(tmp_path, cell, hint):
    (message,) = said(tmp_path, f"{HEADER}\n{ROW.replace('2022-10-02T00:00', cell)}\n")
    assert ":2: window_start: " in message
    assert hint in message


def test_other_cells_show_which_number_is_the_day(tmp_path):
    row = ROW.replace("2022-10-02T00:00", "2/10/2022")
    assert read(tmp_path, f"{HEADER}\n{row.replace('2022-10-03T00:00', '13/10/2022')}")[
        0
    ].window_start == datetime(2022, 10, 2)
    assert read(tmp_path, f"{HEADER}\n{row.replace('2022-10-03T00:00', '10/13/2022')}")[
        0
    ].window_start == datetime(2022, 2, 10)


def test_all_mistakes_come_at_once_with_line_and_column(tmp_path):
    bad = "ME1,-1,crossings,entres,GE,soon,2022-10-03T00:00,40"
    found = said(tmp_path, f"{HEADER}\n{ROW}\n{bad}\n{ROW},7\n")
    assert [message.rpartition("mine.csv")[2] for message in found] == [
        ":3: value: found '-1'; expected a number not below 0",
        ":3: model_measure: found 'entres'; did you mean entries?",
        ":3: window_start: found 'soon'; expected a moment, YYYY-MM-DDTHH:MM",
        ":3: utc_offset_h: found 40; expected hours from UTC, -12 to 14, full, half or quarter",
        ":3: id: 'ME1' stands on line 2 already; keep one of them",
        ":4: 9 cells; the header has 8. A comma inside a cell needs quotation marks round it; "
        "a decimal comma, too",
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("crossings", "crossings/day", "write crossings, and 1 under per_day"),
        ("crossings", "km", "unit: found 'km'; entries is in crossings or persons"),
        ("2022-10-03", "2022-10-01", "are they the wrong way round?"),
        ("2022-10-03", "2022-10-02", "entries is counted over a time"),
        ("GE", "GR", "place_id: found 'GR', no place of the scenario; expected one of GE, KZ"),
        ("GE", "RU-MOW", "RU-MOW is a region; entries is counted at a crossing or"),
        ("2022-10-0", "2023-10-0", "the window lies outside the horizon, 2022-09-1"),
        ("-03T00:00", "-30T00:00", "the window reaches beyond the horizon"),
        ("ME1", "a b", "id: found 'a b'; expected at most 60 letters"),
        ("ME1", "\u202eME", "id: found '\\u202eME'; expected"),
    ],
)
def test_what_does_not_fit_is_told(tmp_path, old, new, message):
    path = written(tmp_path, f"{HEADER}\n{ROW.replace(old, new)}\n")
    with pytest.raises(DataError) as caught:
        read_figures(path, load("september-2022", ["horizon.end=2022-10-15"]))
    assert message in str(caught.value)
    assert "\u202e" not in str(caught.value)


def test_a_mean_per_day_is_a_column_and_may_reach_beyond_the_horizon(tmp_path):
    row = ROW.replace("-03T00:00", "-30T00:00")
    path = written(tmp_path, f"{HEADER},per_day\n{row},1\n")
    (figure,) = read_figures(path, load("september-2022", ["horizon.end=2022-10-15"]))
    assert figure.per_day
    level = ROW.replace("entries", "queue_cars").replace("crossings", "cars")
    assert "does not add up over days" in said(tmp_path, f"{HEADER},per_day\n{level},1\n")[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty; expected a table with the columns id, value"),
        (HEADER.encode(), "holds no rows below the header"),
        (b"id,value\nME1,2\n", "there is no column model_measure"),
        (f"{HEADER},id\n{ROW},ME2".encode(), "the column 'id' is there 2 times"),
        (f"{HEADER},windw_end\n{ROW},x".encode(), "'windw_end' is not known; did you mean"),
        (f'{HEADER}\n"{ROW}\n'.encode(), "a quotation mark is opened and not closed"),
        (b"PK\x03\x04rest", "is a workbook; save the sheet as 'CSV UTF-8'"),
        (HEADER.encode() + b"\n\xff\n", "mine.csv:2: is not UTF-8 text (byte 0xff)"),
        (HEADER.encode() + b"\n\0\n", "mine.csv:2: holds a null character"),
    ],
)
def test_files_that_are_no_tables_are_told_apart(tmp_path, content, message):
    with pytest.raises(DataError) as caught:
        read(tmp_path, content)
    assert message in str(caught.value)


def test_folders_pipes_and_nothing_are_refused(tmp_path):
    with pytest.raises(DataError, match="is a folder"):
        own.read(tmp_path, rows.Observation)
    with pytest.raises(DataError, match="cannot be read"):
        own.read(tmp_path / "none.csv", rows.Observation)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.csv")
        with pytest.raises(DataError, match="is not an ordinary file"):
            own.read(tmp_path / "pipe.csv", rows.Observation)


def test_the_measures_that_can_be_compared_are_those_of_the_model():
    own_ways = {"exits", "called_up", "passport_share", "wait_hours"}
    counted = {*observation.FLOWS, *observation.LEVELS}
    assert set(measures.COMPARED) == counted | own_ways
    assert {name for name, one in measures.COMPARED.items() if one.adds_up} == {
        *observation.FLOWS,
        "exits",
    }
    assert {unit for one in measures.COMPARED.values() for unit in one.units} == {*measures.UNITS}


def test_shipped_figures_keep_the_rules_of_own_ones():
    for figure in sources.observations():
        assert figure.mistakes() == []


def test_an_offset_of_nought_is_nought(tmp_path):
    """A window of a whole UTC day begins at three in the morning by the model's clock."""
    from flowsim.experiments.simulate import simulate
    from flowsim.results.observation import Observed

    scenario = load("september-2022", ["horizon.end=2022-09-30", "sample=0.002"])
    observed = Observed(simulate(scenario, 0))
    row = "ME1,8000,crossings,entries,GE,2022-09-24T00:00,2022-09-25T00:00,0"
    (figure,) = read(tmp_path, f"{HEADER}\n{row}\n")
    hours = observed.flows["entries"][:, observed.columns_of("GE")].sum(axis=1)
    start = 12 + 7 * 24 + 3  # the warm-up, seven days, three hours
    found = observed.published_equivalent(figure)
    assert found == pytest.approx(hours[start : start + 24].sum())
    assert found != pytest.approx(hours[start - 3 : start + 21].sum())


def test_commands_check_tables_write_a_template_and_its_schema(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call = CliRunner().invoke
    assert call(app, ["new", "mine", "--observations"]).exit_code == 0
    checked = call(app, ["check", "mine.csv"])
    assert (checked.exit_code, checked.output) == (0, "mine.csv: ok, 2 observations\n")
    assert call(app, ["new", "mine", "--observations"]).exit_code == 2
    bad = tmp_path / "bad.csv"
    bad.write_text((tmp_path / "mine.csv").read_text("utf-8").replace("8300", "-1"), "utf-8")
    checked = call(app, ["check", "bad.csv", "mine.csv"])
    assert checked.exit_code == 2
    assert "bad.csv:2: value: found '-1'" in checked.output
    assert "mine.csv: ok" in checked.output
    for kind, row in rows.TABLES.items():
        schema = call(app, ["schema", "--kind", kind])
        assert schema.exit_code == 0
        assert all(f'"{name}"' in schema.output for name in row.model_fields)


@pytest.mark.parametrize(("what", "n"), [("observations", 60), ("calibrations", 4)])
def test_spoilt_files_are_read_or_refused_in_words(what, n):
    found = fuzz_own_data.main(what, n)
    assert found["tracebacks"] == 0
    assert found["hangs"] == 0
    assert set(found) <= {"exit 0", "exit 2", "tracebacks", "hangs"}


@pytest.mark.slow
@pytest.mark.parametrize(("what", "n"), [("observations", 2000), ("calibrations", 500)])
def test_many_spoilt_files_are_read_or_refused_in_words(what, n):
    test_spoilt_files_are_read_or_refused_in_words(what, n)


@pytest.mark.parametrize("column", ["place", "source_name", "source_url"])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("=cmd()|'/C calc'!A0", "a spreadsheet would run as a formula"),
        ("＝1+1", "a spreadsheet would run as a formula"),
        ("a\x1b[31m", "control character: U+001B (escape)"),
        ("a\u202eb", "control character: U+202E (right-to-left override)"),
        ("a\u2028b", "control character: U+2028 (line separator)"),
        ("a\u00adb", "control character: U+00AD (soft hyphen)"),
        ("a\nb", "line break or tab; expected one line"),
    ],
)
def test_text_of_a_table_shows_and_is_no_formula(tmp_path, column, text, message):
    (found,) = said(tmp_path, f'{HEADER},{column}\n{ROW},"{text}"\n')
    assert f":2: {column}: " in found
    assert message in found
    assert found.isprintable()


def test_notes_show_but_may_begin_as_they_like(tmp_path):
    """They are in no table of results."""
    (found,) = said(tmp_path, f"{HEADER},note\n{ROW},a\x1b[31m\n")
    assert "control character: U+001B (escape)" in found
    (figure,) = read(tmp_path, f"{HEADER},note\n{ROW},+8 % on August\n")
    assert figure.note == "+8 % on August"
