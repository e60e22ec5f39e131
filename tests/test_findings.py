"""What is said of numbers: what is scored, what a wait is, when a peak was, what is compared."""

from __future__ import annotations

import pandas as pd
import pytest

from flowsim.comparison.coincidence import coinciding
from flowsim.findings import published, run
from flowsim.findings.account import Account, plateau
from flowsim.findings.comparison import Pair, measures
from flowsim.findings.finding import Finding, Link, Table
from flowsim.findings.inputs import cited_ids, is_counterfactual, readable, sections_of_the_model
from flowsim.findings.words import days
from flowsim.results.comparison import Comparison
from flowsim.scenario import load
from flowsim.scenario.schema import Scenario

BASELINE = load("september-2022")


@pytest.mark.parametrize(
    ("name", "changes", "expected"),
    [
        ("september-2022", [], False),
        ("september-2022", ["sample=0.01", "choice.lambda=0.3"], False),
        ("september-2022", ["population.passport_share=0.5"], True),
        ("no-task-force", [], True),
        ("passports-for-half", [], True),
        ("more-destinations", [], False),
        ("all-exits", ["choice.lambda=0.3"], False),
        ("all-exits", ["population.passport_share=0.5"], True),
        ("all-exits", {"policies.rumour_of_closure": None}, True),
        ("no-task-force", ["happened=true"], False),
        ("september-2022", ["happened=false"], True),
    ],
)
def test_a_scenario_that_changes_what_was_the_case_is_not_what_happened(name, changes, expected):
    assert is_counterfactual(load(name, changes)) is expected


def summary(value: float) -> pd.DataFrame:
    """A wait of 115 hours as published at Mashtakovo, and what two replications have there."""
    row = {"observation": "KZ029", "place_id": "KZ-MASHTAKOVO", "measure": "wait_hours"}
    row |= {
        "from": "2022-09-27",
        "to": "2022-09-28",
        "unit": "hours",
        "per_day": False,
        "role": "validate",
    }
    row |= {"published": 115.0, "low": 96.0, "high": 120.0, "is_input": False}
    return pd.DataFrame([row | {"replication": r, "simulated": value + r} for r in range(2)])


def test_what_did_not_happen_is_not_scored_against_what_did():
    scored = published.of_run(summary(100.0), BASELINE)
    assert scored.tables[0].header[4:6] == ("Ratio", "Role")
    assert "kept out of the fit" in scored.sentences[0]
    free = published.of_run(summary(100.0), load("no-task-force"))
    assert free.tables[0].header == ("What", "When", "Published", "Simulated", "Source")
    assert free.sentences[0].startswith("This scenario is not what happened")
    assert "kept out" not in str(free)
    assert free.tables[0].marked == frozenset()


def test_the_worst_figure_is_named_and_its_ratio_written_as_people_do():
    assert published._times(0.00058) == "under 1\u00a0% of what was published"
    assert published._times(3.2) == "3.2 times what was published"
    assert published._times(0.0) == "none of what was published"
    none = {"observation": "LA046", "published": 0.0, "simulated": 15.0}
    rows = pd.concat([summary(40.0).assign(observation="KZ063"), summary(1.0).assign(**none)])
    said = published.of_run(rows, BASELINE).sentences[0]
    assert "; the worst is hours waited at Mashtakovo (27 Sep to 28 Sep), where the" in said
    assert "Published as none, simulated: vehicles both ways at Verkhny Lars" in said


@pytest.mark.parametrize(("simulated", "n"), [(100.0, 0), (41.0, 1), (300.0, 1)])
def test_a_published_wait_that_contradicts_stands_beside_the_simulated(simulated, n):
    found = account([], beside=summary(simulated))
    words = published.contradicted(found, "KZ-MASHTAKOVO")
    assert len(words) == n
    assert all("published 115 (96 to 120), simulated" in one for one in words)


def account(rows: list[tuple], beside: pd.DataFrame | None = None) -> Account:
    """One crossing over some days: rows of day, replication, measure, value."""
    table = pd.DataFrame(rows, columns=["date", "replication", "measure", "value"])
    outcomes = pd.DataFrame({"replication": [0, 1, 2], "men": 1.0})
    daily = table.assign(place_id="GE-LARS", place_kind="crossing")
    return Account(BASELINE, daily, outcomes, beside=beside)


def day_of(date: str, waited: list[float], persons: float, queue: list[float]) -> list[tuple]:
    values = {"wait_hours": waited, "crossings_out": [persons] * 3, "queue_persons": queue}
    return [(date, r, name, v[r]) for name, v in values.items() for r in range(3)]


def test_a_day_counts_if_enough_people_reached_the_head_and_no_queue_is_no_wait():
    nan = float("nan")
    rows = day_of("2022-09-26", [50.0, 60.0, nan], 200, [900.0, 900.0, 0.0])
    rows += day_of("2022-09-27", [240.0, 240.0, 240.0], 30, [1.0, 1.0, 1.0])
    found = account(rows)
    hours = run.hours(found, "GE-LARS")
    assert hours.index.tolist() == [pd.Timestamp("2022-09-26")], "30 persons are too few"
    assert hours.iloc[0].tolist() == [50.0, 60.0, 0.0]
    text = run._longest(found, "GE-LARS")
    assert text == "50 (0 to 60) hours on 26 September", "the median"


def test_nearly_equal_days_are_named_together():
    when = pd.date_range("2022-09-24", periods=6)
    values = pd.Series([5.0, 9.8, 10.0, 9.75, 9.0, 9.9], index=when)
    top, first, last = plateau(values)
    assert top == when[2]
    assert days(first, last) == "from 25 to 27 September"
    assert days(when[0], when[0]) == "on 24 September"
    assert days(pd.Timestamp("2022-09-30"), pd.Timestamp("2022-10-01")) == (
        "from 30 September to 1 October"
    )


def test_a_destination_that_only_the_second_scenario_has_is_compared():
    wider = load("more-destinations")
    row = dict.fromkeys(("measure", "place_id"), "") | {"a": BASELINE.name, "b": wider.name}
    nothing = Comparison({}, known={"differences": pd.DataFrame([row])})
    new = [c.name for n, c in wider.destinations.items() if n not in BASELINE.destinations]
    words = [words for words, _, _ in measures(Pair(nothing, BASELINE, wider))]
    assert new
    for name in new:
        assert f"men who reached {name}" in words
        assert f"persons in {name} at the end" in words


def without(*names: str) -> Scenario:
    return load("september-2022", {f"policies.{name}": None for name in names})


def test_policies_are_divided_if_several_differ_and_then_those():
    limit, force = "entry_limit_north_ossetia", "task_force_lars"
    assert coinciding([BASELINE, without(force)]) is None
    assert coinciding([BASELINE, without(force, limit)]) == (BASELINE, (force, limit))
    _, every = coinciding([BASELINE, without(force)], asked=True)
    assert len(every) == 4
    assert coinciding([BASELINE, without(force, limit)], asked=False) is None


def test_a_source_can_be_followed_by_an_outsider():
    words = readable("assumption: as GE001-GE003, ODD 7.1")
    assert words[0] == "assumption: as "
    assert words[1].text == "GE001-GE003"
    assert isinstance(words[1], Link)
    assert words[2:] == (", see ", Link("docs/ODD.md, section 7.1", "#model"), "")
    rows = ((readable("assumption: ODD 7.10"),), (words,), (readable("assumption: none"),))
    table = Table("t", ("Source",), rows)
    assert sections_of_the_model([Finding("k", "T", (), (table,))]) == ["7.1", "7.10"]
    assert list(cited_ids("GE001-GE003; XX1")) == ["GE001", "GE002", "GE003"]
