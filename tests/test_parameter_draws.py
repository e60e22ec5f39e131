"""Draws of the parameters: the same chance, other values, and what the user set stays set."""

from pathlib import Path

import pandas as pd
import pytest

import flowsim
from flowsim.calibration import posterior_changes
from flowsim.calibration.shipped import NAME
from flowsim.data import sources
from flowsim.errors import ResultsError, ScenarioError
from flowsim.experiments.parameter_draws import as_table, laid, read_table, variants
from flowsim.scenario import Base, load
from flowsim.scenario.schema import Scenario

TINY = 0.0005
DRAWS = [
    {"panic.decay": 9.0, "policies.rumour_of_closure.strength": 2.0},
    {"panic.decay": 14.4, "policies.rumour_of_closure.strength": 4.05},
]


def values(scenario: Scenario) -> float:
    return scenario.panic.decay.value


def test_each_draw_gives_its_own_scenario():
    base = Base.read("september-2022")
    own = base.variant()
    assert [values(one) for one in variants(base, (), DRAWS, own)] == [9.0, 14.4]


@pytest.mark.parametrize("changes", [["panic.decay=7"], {"panic.decay": 7}])
def test_what_the_user_set_stays_as_he_set_it(changes):
    base = Base.read("september-2022")
    draws = laid(base, changes, DRAWS)
    assert [list(draw) for draw in draws] == [["policies.rumour_of_closure.strength"]] * 2
    own = base.variant(changes)
    assert [values(one) for one in variants(base, changes, draws, own)] == [7, 7]


def test_a_policy_that_the_scenario_lacks_is_not_brought_back():
    base = Base.read("no-rumour")
    for one in variants(base, (), laid(base, (), DRAWS), base.variant()):
        assert "rumour_of_closure" not in one.policies


def test_a_date_of_a_number_that_goes_by_dates_is_laid_too():
    base = Base.read("september-2022")
    draw = {"crossings.GE-LARS.vehicles.2022-09-26": 4321.0}
    (one,) = variants(base, (), [draw], base.variant())
    assert 4321.0 in one.crossings["GE-LARS"].vehicles.value.values()


def test_every_number_of_the_shipped_posterior_reaches_all_exits_and_its_own_the_baseline():
    """What the fit moved and the scenario did not take would make intervals too narrow."""
    base = Base.read("all-exits")
    own = base.variant()
    shared = Path(sources.__file__).with_name(NAME)
    (calibrated,) = posterior_changes(1, shared)
    assert laid(Base.read("september-2022"), (), posterior_changes(1, exits=True)) == [calibrated]
    for draw in posterior_changes(1, exits=True):
        assert laid(base, (), [draw]) == [draw]
        for key, value in draw.items():
            (one,) = variants(base, (), [{key: value}], own)
            assert one != own, key


def test_a_draw_out_of_bounds_is_refused():
    base = Base.read("september-2022")
    with pytest.raises(ScenarioError, match=r"panic\.decay"):
        variants(base, (), [{"panic.decay": -1.0}], base.variant())


def test_the_scenarios_own_values_as_a_draw_change_nothing(tmp_path):
    """Draw n meets the chance of replication n, so equal values give equal rows."""
    own = load("september-2022")
    same = {"panic.decay": own.panic.decay.value}
    run = flowsim.run("september-2022", sample=TINY, draws=[same, same], out=tmp_path / "r")
    key = ["replication", "date", "place_kind", "place_id", "measure"]
    drawn = run.posterior.astype({"place_id": str, "measure": str, "place_kind": str})
    daily = run.daily.astype({"place_id": str, "measure": str, "place_kind": str})
    both = drawn.merge(daily, on=key, suffixes=("", "_own"))
    assert len(both) == len(drawn) > 0
    pd.testing.assert_series_equal(both["value"], both["value_own"], check_names=False)
    again = flowsim.open_run(tmp_path / "r")
    pd.testing.assert_frame_equal(again.posterior, run.posterior, check_categorical=False)
    assert again.manifest["draws"] == 2
    assert list(again.draws["draw"]) == [0, 1]


def test_draws_and_replications_must_agree():
    with pytest.raises(ResultsError, match="2 draws and 3 replications"):
        flowsim.run("september-2022", sample=TINY, draws=DRAWS, replications=3)


def test_a_scenario_already_read_takes_no_draws():
    with pytest.raises(ResultsError, match="over a file"):
        flowsim.run(load("september-2022"), sample=TINY, draws=DRAWS)


def test_draws_written_are_read_back_to_the_last_bit(tmp_path):
    draws = posterior_changes(5)
    as_table(draws).to_csv(tmp_path / "draws.csv", index=False)
    assert read_table(tmp_path / "draws.csv") == draws
