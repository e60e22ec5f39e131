"""What not knowing the parameters adds to chance is shown, and told apart from chance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from figure_worlds import assert_legible, drawn, results, scenario, texts

import flowsim
from flowsim.figures.layout import style
from flowsim.figures.layout.tables import source
from flowsim.figures.run import flows, stocks
from flowsim.findings import published
from flowsim.findings import reception as sheet
from flowsim.findings import run as findings
from flowsim.findings.account import Account
from flowsim.findings.finding import as_text
from flowsim.findings.ranges import doubted, ranged
from flowsim.findings.words import between
from flowsim.results.run import Run

FACTORS = np.linspace(0.5, 1.5, 21)  # what a draw does to every entry of a replication


@pytest.fixture(scope="module")
def many() -> Run:
    """A made-up world, with draws of a parameter that scales every entry."""
    plain = results(scenario(), replications=21)
    posterior = plain.daily[plain.daily["measure"].eq("entries")].copy()
    posterior["value"] *= FACTORS[posterior["replication"].to_numpy(dtype=int)]
    return plain.with_tables(posterior=posterior)


def test_each_band_holds_the_range_of_its_own_table(many: Run) -> None:
    """Five to 95 per cent of 21; the line is the median of the draws, and the mean by chance."""
    data = flows.table(many)
    for what, daily in ((flows.CHANCE, many.daily), (flows.BOTH, many.posterior)):
        own = data[data["what"].eq(what)].set_index(["place_id", "start"])
        days = many.with_tables(daily=daily).days("entries", "destination")
        groups = days.groupby(["place_id", "date"], observed=True)["value"]
        middle = groups.mean() if what == flows.CHANCE else groups.median()
        ends = ("low", groups.quantile(0.05)), ("value", middle), ("high", groups.quantile(0.95))
        for column, expected in ends:
            np.testing.assert_allclose(own[column], expected.reindex(own.index), rtol=1e-12)


@pytest.mark.parametrize("preset", ["page", "column", "slide"])
def test_the_bands_are_told_apart_and_legible(many: Run, preset: str) -> None:
    made = drawn("entries", many, style.PRESETS[preset])
    assert_legible(made.figure)
    words = " ".join(text.get_text() for text in texts(made.figure))
    assert "21 draws: all doubt" in words
    assert "21 replications: chance alone" in words
    assert flows.UNSEEN in made.alt


def test_the_title_states_the_wide_band(many: Run) -> None:
    data = flows.table(many)
    wide = data[data["what"].eq(flows.BOTH)]
    top = wide.loc[wide["value"].idxmax()]
    assert f"at {between(top['low'], top['high'])} a day on" in flows.finding(data, many)


def test_without_draws_nothing_is_said_of_parameters(many: Run) -> None:
    made = drawn("entries", many.with_tables(posterior=None))
    assert flows.BOTH not in set(made.data["what"])
    assert "draws" not in made.alt


def test_stocks_show_all_doubt_around_chance(with_draws: Run) -> None:
    """With draws the ends of the range are theirs, and the replications' stand beside them."""
    data = stocks.table(with_draws)
    rows = with_draws.with_tables(daily=with_draws.posterior).days("stock_men", "destination")
    groups = rows.groupby(["place_id", "date"])["value"]
    own = data[data["measure"].eq("stock_men")].set_index(["place_id", "date"])
    for column, expected in (("low", groups.min()), ("high", groups.max())):
        np.testing.assert_allclose(own[column], expected.reindex(own.index))
    assert (own["high"] > own["chance_high"]).any()
    words = " ".join(text.get_text() for text in texts(drawn("stocks", with_draws).figure))
    assert "draws: all doubt" in words


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (35_000, 55_000, "(whether the line of 50,000 was passed is not certain)"),
        (35_000, 45_000, "(below the line of 50,000)"),
        (51_000, 60_000, "(line of 50,000 passed)"),
    ],
)
def test_a_line_is_passed_under_all_doubt_or_it_is_not_certain(low, high, said) -> None:
    row = {"date": pd.Timestamp("2022-10-31"), "place": "Georgia", "place_id": "GE"}
    row |= {"measure": "stock_persons", "value": (low + high) / 2, "capacity": 50_000.0}
    data = pd.DataFrame([row | {"low": low, "high": high}])
    assert stocks.finding(data, doubtful=True).endswith(f"persons were in Georgia {said}")


def test_ranges_over_the_draws_come_before_those_by_chance() -> None:
    drawn_, chance = np.arange(1.0, 101.0) * 1000, np.arange(401.0, 501.0) * 100
    told = doubted(drawn_, chance)
    assert told == "50,500 (5,950 to 95,000; chance alone 40,600 to 49,500)"


@pytest.fixture(scope="module")
def with_draws(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run under two draws: of ordinary traffic, of companions, and of the pull of Georgia."""
    draws = [
        {"destinations.georgia.background": 4000, "observation.companions": 0.1},
        {"destinations.georgia.background": 9000, "choice.constant.georgia": -3.5},
    ]
    folder = tmp_path_factory.mktemp("draws") / "r"
    flowsim.run("september-2022", sample=0.001, draws=draws, out=folder)
    found = flowsim.open(folder)
    assert isinstance(found, Run)
    return found


def test_a_run_with_draws_is_reported_and_drawn_with_them(with_draws: Run) -> None:
    account = Account.of(with_draws)
    told, alone = (
        " ".join([*findings.headlines(findings.topics(each)), *findings.cautions(each)])
        for each in (account, replace(account, drawn=None, given=None))
    )
    assert "The first range holds all doubt that the calibration knows" in told
    assert "play of chance alone" not in told
    assert "The range holds chance alone, no doubt about the parameters" in alone
    assert "play of chance alone" in alone
    low, high = account.most.total("entries", "destination", ["GE"])
    assert high > low
    assert set(flows.table(with_draws)["what"].dropna()) == {flows.CHANCE, flows.BOTH}
    own = "at the scenario's own values, no draws of the parameters."
    assert source(with_draws).endswith("2 draws of the parameters.")
    assert source(with_draws, drawn=False).endswith(own)


def test_every_number_of_the_headline_holds_the_draws(with_draws: Run) -> None:
    """Departures, who got in and who was stopped are those of the draws, chance behind them."""
    account = Account.of(with_draws)
    drawn_, own = account.most.departures(), account.departures()
    assert doubted(drawn_, own) in findings.who_left(account)
    assert "chance alone" in doubted(drawn_, own)
    for name in account.scenario.destinations:
        text = doubted(account.most.got_in(name), account.got_in(name))
        assert any(text in words for words in findings._who_got_in(account))


def test_newcomers_are_told_apart_by_the_companions_of_each_draw(with_draws: Run) -> None:
    """The draw without companions of its own has the scenario's."""
    account = Account.of(with_draws)
    own = account.scenario.observation.companions.value
    assert account.most.value(sheet.COMPANIONS, own).tolist() == [0.1, own]
    found = sheet.measures(account.most, "georgia")
    per_man = 1 + np.array([0.1, own])
    parts = found["stock_men"].to_numpy() * per_man + found["families"].to_numpy()
    np.testing.assert_allclose(parts, found["stock_persons"], atol=1e-3)
    men = account.most.got_in("georgia")
    np.testing.assert_allclose(found["newcomers"].sum(), men * per_man, rtol=0.05)


def test_reception_sheet_and_capacity_curve_are_over_the_draws(with_draws: Run) -> None:
    account = Account.of(with_draws)
    table = sheet.quantiles(account, "georgia")
    there = table[table["measure"].eq("stock_persons")]
    both = account.most.series("stock_persons", "GE")
    np.testing.assert_allclose(there["q95"], both.quantile(0.95, axis=1), atol=1e-3)
    assert "of the draws of the parameters" in sheet.dates(account, table).caption
    assert any("chance and parameters together" in s for s in sheet.how_sure(account, "georgia"))
    chance = stocks.capacity_table(with_draws)
    line = account.scenario.capacities["georgia"].value
    passed = (both >= line).cummax().sum(axis=1)
    assert chance[chance["place_id"].eq("GE")]["passed"].tolist() == passed.tolist()
    assert "holds the doubt of the calibration" in stocks._capacity_note(with_draws)


def test_published_figures_are_beside_the_draws(with_draws: Run) -> None:
    found = published.of_run(with_draws.summary, with_draws.scenario, with_draws.posterior_summary)
    assert found.sentences[-1].startswith("Simulated numbers are means over 2 draws")
    values = with_draws.posterior_summary.query("observation == 'GE001'")["simulated"]
    assert ranged(values.to_numpy()) in [row[3] for row in found.tables[0].rows]


def test_the_table_of_a_terminal_keeps_the_ranges_of_what_was_simulated(with_draws: Run) -> None:
    found = published.of_run(with_draws.summary, with_draws.scenario, with_draws.posterior_summary)
    rows = [line for line in as_text([found]).splitlines() if "Entries into Georgia" in line]
    assert rows
    assert all(" to " in line.split("  ", 3)[-1] for line in rows)


def test_both_lanes_of_a_crossing_are_told_where_both_were_used(with_draws: Run) -> None:
    """Cars and people on foot, each with its longest wait and queue; at Lars alone."""
    account = Account.of(with_draws)
    told = [words for words in findings.waits(account) if "lane by lane" in words]
    assert [words.partition(",")[0] for words in told] == ["Verkhny Lars"]
    for lane in findings.LANES:
        assert findings._longest(account, "GE-LARS", lane) in told[0]
    for lane, (_, unit) in findings.LANES.items():
        _, most = account.at_peak(lambda a, n=lane: a.series(f"queue_{n}", "GE-LARS"))
        assert f"at {most} {unit}" in told[0]


def test_a_lane_without_a_wait_says_so(with_draws: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not 0.0042 hours."""
    given = findings.hours
    monkeypatch.setattr(
        findings,
        "hours",
        lambda a, n, lane="": given(a, n, lane) * (1e-4 if lane == "on_foot" else 1),
    )
    told = [words for words in findings.waits(Account.of(with_draws)) if "lane by lane" in words]
    assert told[0].endswith("; on foot nobody waited an hour.")
    assert "by car the wait was longest at" in told[0]
