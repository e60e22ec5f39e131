"""What not knowing the parameters adds to chance is shown, and told apart from chance."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from figure_worlds import assert_legible, drawn, results, scenario, texts

import flowsim
from flowsim.figures.layout import style
from flowsim.figures.run import flows
from flowsim.findings import run as findings
from flowsim.findings.account import Account
from flowsim.report import of_run
from flowsim.results.run import Run

FACTORS = np.linspace(0.5, 1.5, 21)  # what a draw does to every entry of a replication


@pytest.fixture(scope="module")
def many() -> Run:
    """A made-up world, with draws of a parameter that scales every entry."""
    plain = results(scenario(), replications=21)
    posterior = plain.daily[plain.daily["measure"].eq("entries")].copy()
    posterior["value"] *= FACTORS[posterior["replication"].to_numpy(dtype=int)]
    return plain.with_tables(posterior=posterior)


def test_each_band_holds_the_quantiles_of_its_own_table(many: Run) -> None:
    data = flows.fan_table(many)
    for what, daily in ((flows.CHANCE, many.daily), (flows.BOTH, many.posterior)):
        own = data[data["what"].eq(what)].set_index(["place_id", "start"])
        days = many.with_tables(daily=daily).days("entries", "destination")
        groups = days.groupby(["place_id", "date"], observed=True)["value"]
        for column, level in (("low", 0.05), ("value", 0.5), ("high", 0.95)):
            expected = groups.quantile(level).reindex(own.index)
            np.testing.assert_allclose(own[column], expected, rtol=1e-12)


@pytest.mark.parametrize("preset", ["page", "column", "slide"])
def test_the_bands_are_told_apart_and_legible(many: Run, preset: str) -> None:
    made = drawn("fan", many, style.PRESETS[preset])
    assert_legible(made.figure)
    words = " ".join(text.get_text() for text in texts(made.figure))
    assert f"{flows.CHANCE}, nine in ten" in words
    assert f"{flows.BOTH}, nine in ten" in words
    assert "draws of the parameters" in made.title
    assert flows.UNSEEN in made.alt
    assert "by chance alone" in made.alt


def test_the_title_states_the_wide_band(many: Run) -> None:
    data = flows.fan_table(many)
    wide = data[data["what"].eq(flows.BOTH)]
    top = wide.loc[wide["value"].idxmax()]
    assert flows._span(top) in flows.bands_finding(data, many)


def test_without_draws_nothing_is_said_of_parameters(many: Run) -> None:
    made = drawn("fan", many.with_tables(posterior=None))
    assert "what" not in made.data
    assert "draws" not in made.alt


def test_ranges_over_the_draws_come_before_those_by_chance() -> None:
    drawn_, chance = np.arange(1.0, 101.0) * 1000, np.arange(401.0, 501.0) * 100
    assert findings._between(drawn_, chance) == (
        "between 5,950 and 95,000 in 90 of 100 draws (parameters and chance); "
        "between 40,600 and 49,500 by chance alone"
    )


def test_a_run_with_draws_is_reported_and_drawn_with_them(tmp_path: Path) -> None:
    draws = [{"destinations.georgia.background": value} for value in (4000, 9000)]
    run = flowsim.run("september-2022", sample=0.0005, draws=draws, out=tmp_path / "r")
    account = Account(run.scenario, run.daily, run.outcomes)
    told = repr(of_run.answer(run, account))
    assert "in all 2 draws (parameters and chance)" in told
    assert "play of chance alone" not in told
    assert "play of chance alone" in repr(of_run.answer(run.with_tables(posterior=None), account))
    low, high = replace(account, daily=run.posterior).total("entries", "destination", "GE")
    assert high > low
    found = flowsim.open(tmp_path / "r")
    assert set(flows.fan_table(found)["what"].dropna()) == {flows.CHANCE, flows.BOTH}
