"""The reception sheets: who comes, who is there, and the chance of passing a capacity."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from flowsim.experiments.simulate import simulate
from flowsim.figures.run import reception as chart
from flowsim.findings import reception as sheets
from flowsim.findings import run
from flowsim.findings.account import Account
from flowsim.findings.finding import Table
from flowsim.model.states import Status
from flowsim.report import reception
from flowsim.report.document import Bullets, Document, Picture, as_data
from flowsim.report.reception import account_of
from flowsim.results.observation import Observed
from flowsim.results.tables import daily_table, outcomes_table
from flowsim.scenario import load
from flowsim.scenario.clock import DAY

CLOSED = {
    "policies.closed_to_men": {
        "kind": "border-closed",
        "at": "GE-LARS",
        "for": "men",
        "from": "2022-09-28",
    }
}


@pytest.fixture(scope="module")
def several() -> Account:
    """Three replications of the baseline, a thousandth of the men."""
    return account_of(load("september-2022", ["sample=0.001"]), 3)


@pytest.fixture(scope="module")
def one() -> Account:
    return account_of(load("september-2022", ["sample=0.0005"]), 1)


def with_stock(several: Account, days: list[list[float]], line: float) -> Account:
    """Put a made-up stock in Georgia, one list of days for each replication, and a line."""
    table = several.daily
    rest = table[~(table.measure.eq("stock_persons") & table.place_id.eq("GE"))]
    stock = table[table.measure.eq("stock_persons") & table.place_id.eq("GE")].copy()
    stock["value"] = np.concatenate([np.resize(values, 45) for values in days])
    number = several.scenario.capacities["georgia"].model_copy(update={"value": line})
    capacities = {**several.scenario.capacities, "georgia": number}
    scenario = several.scenario.model_copy(update={"capacities": capacities})
    return Account(scenario, pd.concat([rest, stock]), several.outcomes)


def words(blocks) -> str:
    return str(blocks)


# -- newcomers


@pytest.mark.parametrize("changes", [{}, CLOSED], ids=["open", "Lars closed to men"])
def test_newcomers_are_the_men_of_the_model_and_their_companions(changes):
    """Told apart from ordinary traffic by two counts, they are who really entered."""
    scenario = load("september-2022", {"sample": 0.005, **changes})
    model = simulate(scenario)
    found = Account(scenario, daily_table(Observed(model), 0), outcomes_table(model, 0))
    per_man = 1 + scenario.observation.companions.value
    for j, name in enumerate(scenario.destinations):
        trips = model.trips
        entered = (trips["end"] >= Status.ABROAD) & (trips["destination"] == j)
        entered &= trips["ends_at"] < model.world.clock.n_days * DAY
        true = per_man * trips["weight"][entered].sum()
        told = sheets.newcomers(found, name)[0].sum()
        assert told == pytest.approx(true, rel=0.02), "a day's shift, and families"


def test_nobody_is_new_before_the_announcement(several):
    early = sheets.newcomers(several, "kazakhstan").loc[:"2022-09-20"]
    assert (early < 1).all(axis=None)


# -- needs


def test_needs_are_persons_times_the_factors_of_the_scenario(several):
    found = sheets.measures(several, "georgia")
    for name, need in several.scenario.needs.items():
        persons = found["newcomers" if need.of == "newcomers" else "stock_persons"]
        pd.testing.assert_frame_equal(found[f"needs_{name}"], persons * need.value)
    table = sheets.needs(several, sheets.quantiles(several, "georgia"))
    assert table.header == ("Date", *(name.replace("_", " ") for name in several.scenario.needs))
    assert table.rows[-1][0] == "most on any day"
    assert all(need.source in sheets.factors(several) for need in several.scenario.needs.values())


def test_a_scenario_without_needs_has_no_table_of_them(one):
    bare = Account(one.scenario.model_copy(update={"needs": {}}), one.daily, one.outcomes)
    assert sheets.needs(bare, sheets.quantiles(bare, "georgia")) is None
    assert sheets.factors(bare) == ""


def test_men_set_off_when_a_closed_border_reopens():
    """The shipped scenario: nobody leaves while it is closed, many on the days after."""
    scenario = load("border-reopens", {"sample": 0.001})
    model = simulate(scenario)
    daily = daily_table(Observed(model), 0)
    left = daily[daily.measure.eq("departures") & daily.place_id.eq("RU")].set_index("date").value
    assert left["2022-09-29":"2022-10-09"].sum() == 0
    assert left["2022-10-10":"2022-10-16"].sum() > 0


# -- the table


def test_quantiles_are_in_order_and_cover_every_day(several):
    table = sheets.quantiles(several, "georgia")
    names = list(sheets.QUANTILES)
    assert (table[names].diff(axis=1)[names[1:]] >= 0).all(axis=None)
    assert table.groupby("measure").date.nunique().eq(45).all()
    counted = {name for name in table.measure if not name.startswith("needs_")}
    assert counted == {"entries", "newcomers", "stock_men", "stock_persons", "families"}


def test_persons_there_are_men_companions_and_families(several):
    found = sheets.measures(several, "georgia")
    per_man = 1 + several.scenario.observation.companions.value
    parts = found["stock_men"] * per_man + found["families"]
    assert np.allclose(parts, found["stock_persons"], atol=1e-3)


def test_the_chance_is_the_share_of_replications_past_the_line(several):
    stocks = [[10.0, 30.0, 10.0], [10.0, 10.0, 30.0], [10.0]]
    made = with_stock(several, stocks, line=20.0)
    table = sheets.quantiles(made, "georgia")
    chance = table[table.measure.eq("stock_persons")][sheets.CHANCE].to_list()
    assert chance[:3] == pytest.approx([0, 1 / 3, 2 / 3])
    assert chance[-1] == pytest.approx(2 / 3), "a line once passed was passed"


def test_with_one_replication_there_is_neither_quantile_nor_chance(one):
    table = sheets.quantiles(one, "georgia")
    assert table.q50.notna().all()
    assert table[["q05", "q25", "q75", "q95", sheets.CHANCE]].isna().all(axis=None)
    sheet = reception.section(one, "georgia")
    assert "no chance can be given from one replication" in words(sheet.blocks)


def test_the_file_holds_the_table(several):
    _, files = reception.sheets(several)
    first, second = files
    assert first == "reception-september-2022-georgia.csv"
    assert second == "reception-september-2022-kazakhstan.csv"
    read = pd.read_csv(io.StringIO(files[first]), parse_dates=["date"])
    again = sheets.quantiles(several, "georgia")
    assert list(read.columns) == [
        "date",
        "measure",
        "q05",
        "q25",
        "q50",
        "q75",
        "q95",
        "chance_line_passed",
    ]
    assert np.allclose(read.q50, again.q50)
    assert not files[first].count("00:00")


# -- the sheet


def test_a_line_that_was_never_passed_leaves_a_chance_open(several):
    """Rule of three: none of n leaves up to 3/n at 95 %."""
    rows = [[1.0]] * 3
    made = with_stock(several, rows, line=1e9)
    sheet = reception.section(made, "georgia")
    assert "passed in none of 3 replications (at most 1 persons); these are too few" in words(
        sheet.blocks
    )
    assert "up to 10" in run._rule_of_three(30)
    assert "too few" in run._rule_of_three(9)


def test_the_sheet_tells_the_last_day_and_does_not_repeat_the_line_as_chance(several):
    sheet = reception.section(several, "georgia")
    table = next(block for block in sheet.blocks if isinstance(block, Table))
    assert table.rows[-1][0] == "31 October"
    assert sheet.sheet
    assert all(row[-1].endswith("of 3") for row in table.rows)


def test_a_country_without_a_line_says_so(several):
    scenario = several.scenario.model_copy(update={"capacities": {}})
    made = Account(scenario, several.daily, several.outcomes)
    sheet = reception.section(made, "georgia")
    bullets = next(block for block in sheet.blocks if isinstance(block, Bullets))
    assert bullets.items[1].startswith("The scenario names no capacity")
    assert "Past the line" not in words(sheet.blocks)


def test_a_destination_whose_days_were_not_kept_has_no_sheet(several):
    few = several.daily[several.daily.measure.eq("entries")]
    assert reception.sheets(Account(several.scenario, few, several.outcomes)) == ([], {})


def test_the_alt_text_tells_what_the_chart_shows(several):
    sheet = reception.section(several, "kazakhstan")
    picture = next(block for block in sheet.blocks if isinstance(block, Picture))
    assert "Newcomers to Kazakhstan rise to" in picture.alt
    assert as_data(Document("", "", (), (sheet,)))["sections"][0]["sheet"] is True


# -- the chart


def rows(*values: float) -> pd.DataFrame:
    days = pd.date_range("2022-09-17", periods=len(values))
    middle = np.array(values)
    return pd.DataFrame({"date": days, "q05": middle - 5, "q50": middle, "q95": middle + 5})


def texts(figure) -> str:
    return " ".join(text.get_text() for text in figure.findobj(Text))


def test_a_chart_is_well_formed_and_the_same_every_time():
    panel = chart.Panel("<b>&", rows(*np.linspace(0, 930, 45)), limit=800)
    made = chart.draw([panel, panel])
    assert made == chart.draw([panel, panel])
    assert ET.fromstring(made).tag.endswith("svg")
    drawn = texts(chart.figure_of([panel, panel]))
    assert drawn.count("<b>&") == 2
    assert "line 800" in drawn
    assert "31 Oct" in drawn


@pytest.mark.parametrize("size", [0.0, 1.0, 7.3, 1040.0, 999_999.0])
def test_the_axis_holds_what_is_drawn(size):
    ax = chart.figure_of([chart.Panel("t", rows(0.0, size, 0.0))]).axes[0]
    assert size + 5 <= ax.get_ylim()[1] <= max(2.0, 1.1 * (size + 5))


def test_a_line_far_above_the_chart_is_named_not_drawn():
    figure = chart.figure_of([chart.Panel("t", rows(0.0, 10.0, 5.0), limit=5000)])
    assert "line 5,000: above this" in texts(figure)
    assert len(figure.axes[0].lines) == 1


def test_days_that_are_not_there_leave_no_mark():
    assert b"nan" not in chart.draw([chart.Panel("t", rows(1.0, np.nan, 2.0))])
