"""All exits: what crosses outward over every border, and what the headlines counted."""

from __future__ import annotations

import runpy
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flowsim.calibration import posterior_changes
from flowsim.calibration.shipped import EXITS as EXITS_FILE
from flowsim.data import sources
from flowsim.errors import ScenarioError
from flowsim.experiments.running import run
from flowsim.experiments.simulate import simulate
from flowsim.figures.run import headline
from flowsim.findings import press, summary
from flowsim.findings.account import Account
from flowsim.findings.run import lead, topics
from flowsim.model.states import Status
from flowsim.model.world import World
from flowsim.results.exits import EXITS, exits, places
from flowsim.results.observation import Observed
from flowsim.results.run import Run
from flowsim.scenario import Base, load

QUARTER = 92  # days, July to September
SHORT = {"horizon.end": "2022-10-05"}
FIGURES = {figure.id: figure.value for figure in sources.observations()}


@pytest.fixture(scope="module")
def observed() -> Observed:
    return Observed(simulate(load("all-exits", {"sample": 0.005, **SHORT})))


@pytest.fixture(scope="module")
def result() -> Run:
    return run("all-exits", sample=0.005, changes=SHORT)


def test_ordinary_exits_of_the_quarter_add_up_to_the_border_services_total():
    """9.7 million: the countries of elsewhere, and the published quarters of the five others."""
    scenario = load("all-exits")
    elsewhere = sum(country.exits.value for country in scenario.elsewhere.values()) * QUARTER
    own = sum(FIGURES[name] for name in ("FSB001", "FSB003", "FSB013"))
    small = sum(scenario.destinations[n].background.value for n in ("mongolia", "norway"))
    assert elsewhere + own + small * QUARTER == pytest.approx(FIGURES["FSB009"], rel=1e-4)


@pytest.mark.parametrize(
    ("country", "figure"),
    [
        *(("abkhazia", "GE917"), ("turkey", "TR909"), ("armenia", "FSB010")),
        *(("kyrgyzstan", "FSB011"), ("uzbekistan", "FSB012"), ("tajikistan", "TJ901")),
    ],
)
def test_ordinary_exits_by_country_are_the_border_services_quarter(country, figure):
    exits_a_day = load("all-exits").elsewhere[country].exits.value
    assert exits_a_day * QUARTER == pytest.approx(FIGURES[figure], rel=0.001)


def test_where_nobody_leaves_exits_are_the_ordinary_level():
    """Nobody is displaced, no queue keeps anybody at home: out equals before."""
    names = load("all-exits").destinations
    changes = {"sample": 0.05, **SHORT} | {f"choice.constant.{name}": -12 for name in names}
    counted = exits(Observed(simulate(load("all-exits", changes))))
    assert counted["leavers_out"].sum() < 400  # men of the nation, of a chance of 6 in a million
    days = slice(12 + 24, 12 + 24 * 7)
    for part in ("ordinary", "ordinary_men"):
        out, before = (counted[f"{part}_{when}"][days].sum(axis=0) for when in ("out", "before"))
        np.testing.assert_allclose(out[2:], before[2:], rtol=0.04)
        np.testing.assert_allclose(out[:2], before[:2], rtol=0.06)  # as the fit has losses there


def test_leavers_are_the_men_let_out_and_none_leave_for_elsewhere(observed):
    counted, n = exits(observed), len(observed.world.destinations)
    trips = observed.model.trips
    through = trips["end"] >= Status.ABROAD
    assert counted["leavers_out"][:, n:].sum() == 0
    assert counted["leavers_out"].sum() >= trips["weight"][through].sum() * (1 - 1e-9)


def test_those_who_fly_take_the_seats_of_ordinary_passengers(observed):
    """Of the persons who leave by air, the share ``displaces`` is missing from the others."""
    given, counted = observed.model.assumptions, exits(observed)
    air = places(observed).index(given.destinations["by-air"].code)
    flown = counted["leavers_out"][:, air].sum() * observed.model.persons_per_man
    n = len(given.destinations)
    missing = (counted["ordinary_before"] - counted["ordinary_out"])[:, n:]
    by_air = np.array([country.by == "air" for country in given.elsewhere.values()])
    assert missing[:, ~by_air].sum() == pytest.approx(0)
    displaces = given.destinations["by-air"].displaces.value
    assert missing.sum() == pytest.approx(displaces * flown, rel=1e-6)
    assert flown > 1000


def test_the_mens_share_goes_by_kind_of_border(observed):
    given, counted = observed.model.assumptions, exits(observed)
    men, both = (counted[name].sum(axis=0) for name in ("ordinary_men_out", "ordinary_out"))
    for place, share in (
        ("AB", given.observation.background_men_share),
        ("MN", given.observation.background_men_share),
        ("TR", given.observation.background_men_share_by_air),
    ):
        here = places(observed).index(place)
        assert men[here] / both[here] == pytest.approx(share.value)


def test_ordinary_ways_through_third_countries_are_counted_once(observed):
    """Of Georgia's ordinary travellers only those of Lars leave Russia for Georgia."""
    counted, given = exits(observed), observed.model.assumptions
    georgia = places(observed).index("GE")
    shares = {n: c.background_share.value for n, c in given.crossings.items() if n[:2] == "GE"}
    level = given.destinations["georgia"].background.value
    day = counted["ordinary_before"][12 : 12 + 24 * 14, georgia].sum() / 14
    assert day == pytest.approx(level * shares["GE-LARS"] / sum(shares.values()), rel=1e-3)


def test_the_window_of_a_headline_holds_its_days_alone():
    """Ten men a day over three days and two places; two days of one place are twenty."""
    days = pd.date_range("2022-09-20", periods=3)
    rows = [
        ("all-exits", 0, when, "exit", place, measure, value)
        for when in days
        for place in ("GE", "TR")
        for measure, value in (
            ("leavers_out", 10.0),
            ("ordinary_men_out", 5.0),
            ("ordinary_men_before", 7.0),
        )
    ]
    columns = ["scenario", "replication", "date", "place_kind", "place_id", "measure", "value"]
    outcomes = pd.DataFrame({"replication": [0]})
    account = Account(load("all-exits"), pd.DataFrame(rows, columns=columns), outcomes)
    men = press.crossed(account, date(2022, 9, 21), date(2022, 9, 22), ("GE",))
    assert men.leavers.tolist() == [20.0]
    assert men.gross.tolist() == [30.0]
    assert men.excess.tolist() == [16.0]
    everywhere = press.crossed(account, date(2022, 9, 20), date(2022, 9, 22))
    assert everywhere.gross.tolist() == [90.0]


def test_gross_men_are_ordinary_men_and_leavers_border_by_border(result):
    account = Account.of(result)
    parts = press.by_border(account, press.headline(press.FOUR_DAYS))
    every = parts.pop(press.ALL)
    assert sum(men.gross for men in parts.values()) == pytest.approx(every.gross)
    assert every.gross == pytest.approx(every.leavers + every.ordinary)
    assert every.excess == pytest.approx(every.gross - every.level)


def test_the_published_accounting_is_met(result):
    """195,000 (172-219) ordinary men, 44,000 (34-58) above them, 239,000 (214-266) in all."""
    men = press.crossed(Account.of(result), date(2022, 9, 21), date(2022, 9, 24))
    assert 172_000 < men.level[0] < 219_000
    assert 34_000 < men.excess[0] < 58_000
    assert 214_000 < men.gross[0] < 266_000


def test_the_summary_and_the_report_begin_with_the_answer(result):
    said = summary(result)
    first = said.index("WHAT THE HEADLINES COUNTED")
    assert first < said.index("WHO LEFT")
    one, two = press.answer(Account.of(result))
    assert "261,000" in one
    assert "700,000" in two
    account = Account.of(result)
    assert lead(account, topics(account)) == (one, two)


def test_other_scenarios_hold_no_count_of_all_exits(observed):
    baseline = run("september-2022", sample=0.0005)
    assert not baseline.daily["place_kind"].eq("exit").any()
    assert press.answer(Account.of(baseline)) == ()
    account = Account.of(baseline)
    assert len(lead(account, topics(account))) == 1
    assert "all-exits" in load("september-2022").cautions[0]


def test_every_headline_says_what_it_counts_and_can_be_looked_up():
    scenario, ids = load("all-exits"), set()
    codes = {place.code for place in scenario.destinations.values()}
    for one in sources.headlines():
        ids.add(one.id)
        assert one.low <= one.value <= one.high
        assert one.start <= one.end
        assert set(one.codes) <= codes
        assert one.counts.endswith(".")
        assert one.source_url.startswith("http")
    assert len(ids) == len(sources.headlines())


def test_a_headline_that_cannot_be_compared_is_left_without_a_number(result):
    rows = {row[0]: row for row in press.totals(Account.of(result)).tables[0].rows}
    assert rows["400,000 since February"][3] == press.NONE
    assert rows["261,000 men of the border service's note"][3] != press.NONE


def test_the_draws_of_the_exits_belong_to_the_scenario():
    base = Base.read("all-exits")
    for draw in posterior_changes(3, exits=True):
        scenario = base.variant(draw)
        assert scenario.choice.constant["finland"].value == draw["choice.constant.finland"]
    extra = {key for key in posterior_changes(1, exits=True)[0] if key.startswith("elsewhere.")}
    moved = {".".join(key.split(".")[:2]) for key in extra}
    assert moved == {f"elsewhere.{name}" for name in base.scenario.elsewhere}


def test_only_holders_of_the_visa_ever_want_to_go_to_finland(observed):
    world, men = observed.world, observed.model.population
    finland = world.destinations.index("finland")
    holds = world.strata.holdings[world.of_stratum["holds"][men.stratum]]
    has_visa = holds[:, world.documents.index("schengen-visa")]
    assert np.isinf(men.threshold[~has_visa, finland]).all()
    assert np.isfinite(men.threshold[has_visa, finland]).all()


def test_a_document_may_be_held_more_often_in_some_regions():
    world = World(load("all-exits"))
    of, men = world.of_stratum, world.men
    has_visa = world.strata.holdings[of["holds"], world.documents.index("schengen-visa")]
    for code, share in (("RU-SPE", 0.15), ("RU-MOW", 0.0145)):
        able = (of["region"] == world.regions.code.index(code)) & (of["passport"] == 1)
        assert men[able & has_visa].sum() / men[able].sum() == pytest.approx(share)


def test_panic_towards_a_destination_may_have_its_own_course():
    same = World(load("september-2022")).panic
    own = {"value": 1.0, "unit": "days", "source": "assumption: test"}
    other = World(load("september-2022", {"destinations.georgia.panic_lag": own})).panic
    np.testing.assert_array_equal(same[..., 1], other[..., 1])
    assert (other[4:9, :, 0] > same[4:9, :, 0]).any()


def test_a_region_that_is_none_is_refused():
    share = {"value": 0.1, "source": "assumption: test"}
    with pytest.raises(ScenarioError, match="is not a region"):
        load("all-exits", {"documents.schengen-visa.by_region.RU-XX": share})


def test_measures_of_exits_are_in_the_daily_table(result):
    rows = result.daily[result.daily["place_kind"].eq("exit")]
    assert set(rows["measure"].astype(str)) == set(EXITS)


def test_the_draws_of_the_exits_are_made_from_the_posterior_as_it_is():
    """After a calibration of the baseline: python docs/fit_exits.py."""
    docs = Path(__file__).resolve().parents[1] / "docs"
    made = runpy.run_path(str(docs / "fit_exits.py"))
    shipped = pd.read_csv(docs.parent / "flowsim" / "data" / EXITS_FILE).head(1)
    np.testing.assert_allclose(made["draws"](1)[list(shipped)], shipped, rtol=1e-4)


def test_the_page_of_the_headlines_is_what_the_tables_and_figures_give():
    """By python docs/make_headlines.py."""
    docs = Path(__file__).resolve().parents[1] / "docs"
    made = runpy.run_path(str(docs / "make_headlines.py"))
    assert made["page"]() == (docs / "headlines.md").read_text(encoding="utf-8")
    above = made["excess"]()
    assert above["Finland"][0] == 4824 + 6470 + 7667 + 8572 - (3133 + 3126 + 4050 + 5286)
    assert above["Georgia"][0] == 31_189 - (6986 + 6606 + 6411 + 5603)
    rows = made["accounting"](made["read"]("level"))
    whole, men = (float(rows[-1][n].strip("*").split()[0].replace(",", "")) for n in (4, 2))
    assert 172_000 < men < 219_000
    assert 214_000 < whole < 266_000


def test_the_title_states_the_range_of_draws_and_no_range_of_chance_alone():
    row = {"headline": press.FOUR_DAYS, "place": press.ALL, "ordinary": 184_000.0}
    data = pd.DataFrame([row | {"gross": 223_000.0, "low": 198_000.0, "high": 254_000.0}])
    assert headline.finding(data, True).startswith("198,000 to 254,000 men crossed outward")
    assert headline.finding(data, False).startswith("223,000 men crossed outward")


def test_the_tables_behind_the_page_are_made_of_a_run(result):
    docs = Path(__file__).resolve().parents[1] / "docs"
    made, account = runpy.run_path(str(docs / "make_headlines.py")), Account.of(result)
    level = made["level_of"](account).set_index("place")["persons"]
    weekdays = (0.83 + 0.83 + 1.07 + 1.40) * 7 / (0.90 + 0.90 + 0.83 + 0.83 + 1.07 + 1.40 + 1.08)
    assert level["Finland"] == pytest.approx(FIGURES["FI901"] / 7 * weekdays, rel=0.01)
    men = made["borders_of"](account).pivot(
        index=["headline", "place"], columns="part", values="median"
    )
    days = result.daily[result.daily["date"].between("2022-09-21", "2022-09-24")]
    finland = days[days["place_id"].eq("FI")].groupby("measure", observed=True)["value"].sum()
    assert men["gross"][press.FOUR_DAYS, "Finland"] == pytest.approx(
        finland["leavers_out"] + finland["ordinary_men_out"]
    )
    assert len(made["totals_of"](account)) == len(sources.headlines())


def test_a_quarter_is_made_of_the_months_that_a_country_published():
    """Else of mid-September's level and the wave; the border service's quarter goes into none."""
    docs = Path(__file__).resolve().parents[1] / "docs"
    made = runpy.run_path(str(docs / "make_headlines.py"))
    table, scenario = made["read"]("quarter"), load("all-exits")
    assert not set(table["figure"]) & set(table["border_service"])

    def exits(name):
        return made["own_months"](scenario, name, table[table["destination"].eq(name)])

    _, kazakhstan, how = exits("kazakhstan")
    assert kazakhstan == 485_000 + (1_200_000 - 485_000) / 2 + 406_000
    assert how == "its own count of July, August and September"
    level = scenario.destinations["finland"].background.value
    _, finland, _ = exits("finland")
    july = 236_330 / 2 * 0.978 - 14_000 / 6
    both_passports = 973_337 / 2 * (0.5 - 0.022) * 2 / 7 - 47_300 / 3
    wave = 50_655 + 2 * 5262 + 1688 - 10 * level
    assert finland == pytest.approx(july + 61 * level + wave + both_passports, rel=1e-5)
    level = scenario.destinations["georgia"].background.value
    days = 6402 + 6150 + 9307 + 9330 + 11_143 + 10_804 + (10_804 + 9642) / 2 + 9642 + 2 * 6109
    wave, by_lars = days - 10 * level, 4600 / (4600 + 900 + 900)
    label, georgia, how = exits("georgia")
    ordinary = 31 * level + 222_274 - wave
    arrivals = 115_000 / 1.233 / 14  # persons a day and way, 12 to 18 September
    august = by_lars * level / arrivals * 213_100
    assert georgia == pytest.approx(by_lars * ordinary + 0.9 * wave + august, rel=1e-4)
    assert "arrivals there in August; level of mid-September in July" in how
    assert label == "Georgia (by Verkhny Lars)"
