"""Scenarios: the shipped ones, inheritance, changes, and back to text."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scenario_texts import BASE, HEAD, messages, write

from flowsim.data import sources
from flowsim.scenario import assumptions, content_hash, json_schema, load, resolved_yaml, shipped
from flowsim.scenario.files import SCENARIO, mistaken
from flowsim.scenario.reading import read_tree

N_CAPACITIES = len(load(BASE).crossings["GE-LARS"].vehicles.value)


# ---- shipped scenarios ------------------------------------------------------------------


@pytest.mark.parametrize("name", shipped())
def test_each_shipped_scenario_loads_and_explains_itself(name):
    scenario = load(name)
    assert scenario.name == name
    assert scenario.extends is None
    assert 20 < len(scenario.title) < 90 or name == BASE
    assert scenario.description.count(". ") <= 2
    if name != BASE:
        assert content_hash(scenario) != content_hash(load(BASE))


@pytest.mark.parametrize("name", shipped())
def test_each_shipped_scenario_survives_the_round_trip(name, folder):
    scenario = load(name)
    text = resolved_yaml(scenario)
    again = load(write(text))
    assert again == scenario
    assert resolved_yaml(again) == text
    assert content_hash(again) == content_hash(scenario)


def test_what_the_issue_asks_for_is_shipped():
    assert set(shipped()) == {
        *("september-2022", "no-task-force", "task-force-from-day-one", "border-closed"),
        *("no-rumour", "kazakhstan-requires-passport", "passports-for-half", "even-call-up"),
        *("foot-lane-kept-open", "no-entry-limit", "second-wave", "more-destinations"),
        *("georgia-asks-for-visas", "all-exits", "border-reopens"),
    }


def test_the_shipped_scenarios_change_what_they_say():
    base = load(BASE)
    assert "task_force_lars" not in load("no-task-force").policies
    early = load("task-force-from-day-one").policies["task_force_lars"]
    assert early.start == datetime.datetime(2022, 9, 21)
    assert early.end == base.policies["task_force_lars"].end
    closed = load("border-closed").policies["closed_to_men"]
    assert (closed.at, closed.for_) == (("all",), "men")
    assert closed.start == datetime.datetime(2022, 9, 28)
    assert "rumour_of_closure" not in load("no-rumour").policies
    assert "entry_limit_north_ossetia" not in load("no-entry-limit").policies
    assert load("passports-for-half").population.passport_share.value == 0.5
    even = load("even-call-up").call_up
    assert (even.regional_disparity.value, even.error_share.value) == (0, 0)
    assert load("second-wave").policies["second_call_up"].target.value == 200_000


def test_the_kept_foot_lane_only_never_ends():
    base, kept = load(BASE), load("foot-lane-kept-open")
    assert kept.policies["foot_lane_lars"].end is None
    assert kept.crossings == base.crossings


def test_more_destinations_leave_the_baseline_as_it_was():
    base, more = load(BASE), load("more-destinations")
    assert list(more.destinations) == [*base.destinations, "finland", "mongolia"]
    assert list(more.crossings)[: len(base.crossings)] == list(base.crossings)
    for block in ("destinations", "crossings", "policies", "abroad"):
        for name, entry in getattr(base, block).items():
            if name == "rumour_of_closure":  # more destinations have a strength of their own
                assert entry.strength.items() <= more.policies[name].strength.items()
            else:  # whose ordinary travellers are counted elsewhere changes no run
                same = {"counted_elsewhere": None} if block == "crossings" else {}
                assert getattr(more, block)[name].model_copy(update=same) == entry


# ---- changes ----------------------------------------------------------------------------


def test_a_bare_number_keeps_its_unit_and_is_recorded_as_set_by_the_user():
    decay = load(BASE, ["panic.decay=8"]).panic.decay
    assert (decay.value, decay.unit, decay.source) == (8, "days", "assumption: set by user")


def test_a_change_in_a_file_keeps_the_unit_and_takes_its_own_source(folder):
    write(HEAD + "changes:\n  panic.decay: {value: 8, source: 'literature: a book'}\n")
    decay = load("mine.yaml").panic.decay
    assert (decay.value, decay.unit, decay.source) == (8, "days", "literature: a book")


def test_bounds_of_fitting_stay_while_they_hold_the_value():
    assert load(BASE, ["panic.decay=8"]).panic.decay.free == (3, 30)
    assert load(BASE, ["panic.decay=40"]).panic.decay.free is None
    assert load(BASE, ["panic.decay.free=null"]).panic.decay.free is None


def test_the_command_line_comes_before_changes_before_blocks_before_the_base(folder):
    blocks = (
        "panic:\n  lag: {value: 1, source: 'assumption: x'}\n"
        "  decay: {value: 5, source: 'assumption: x'}\nseed: 2\n"
    )
    write(f"extends: {BASE}\n{blocks}", "below.yaml")
    write("extends: below.yaml\nchanges:\n  panic.decay: 6\n  seed: 3\n")
    scenario = load("mine.yaml", {"seed": 4})
    assert (scenario.panic.lag.value, scenario.panic.decay.value, scenario.seed) == (1, 6, 4)
    assert scenario.panic.reference == load(BASE).panic.reference


@pytest.mark.parametrize(
    ("change", "read", "expected"),
    [
        (
            "crossings.GE-LARS.vehicles.2022-09-26=9550",
            lambda s: s.crossings["GE-LARS"].vehicles.value[datetime.datetime(2022, 9, 26)],
            9550,
        ),
        (
            "crossings.GE-LARS.vehicles.2022-09-26T00:00=9550",  # the same moment
            lambda s: len(s.crossings["GE-LARS"].vehicles.value) - N_CAPACITIES,
            0,
        ),
        (
            "crossings.GE-LARS.vehicles.2022-09-30T12:00=0",
            lambda s: len(s.crossings["GE-LARS"].vehicles.value) - N_CAPACITIES,
            1,
        ),
        (
            "population.liable_by_age.18-24=0.5",
            lambda s: tuple(s.population.liable_by_age.by_age[:2]),
            (0.5, 0.75),
        ),
        ("crossings.GE-LARS.vehicles=5000", lambda s: s.crossings["GE-LARS"].vehicles.value, 5000),
        ("choice.constant.georgia=-3", lambda s: s.choice.constant["georgia"].value, -3),
        ("crossings.KZ-ILEK=null", lambda s: "KZ-ILEK" in s.crossings, False),
        (
            "policies.list_check_lars.to=2022-10-01",
            lambda s: s.policies["list_check_lars"].end.day,
            1,
        ),
        ("abroad.georgia.return=0.02", lambda s: s.abroad["georgia"].return_.value, 0.02),
        ("sample=0.25", lambda s: s.sample, 0.25),
        ("title=NO", lambda s: s.title, "NO"),
        (
            "policies.talk={kind: rumour, from: 2022-10-01, strength: 2}",
            lambda s: s.policies["talk"].strength.source,
            "assumption: set by user",
        ),
    ],
)
def test_dotted_keys_address_everything(change, read, expected):
    assert read(load(BASE, [change])) == expected


def test_python_values_of_every_kind_can_be_given():
    changes = {
        "panic.decay": np.float64(8),
        "seed": np.int64(3),
        "horizon.end": datetime.date(2022, 11, 2),
        "call_up.announced": datetime.datetime(2022, 9, 21, 10),
        "policies.entry_limit_north_ossetia.exempt_regions": ["RU-SE", "RU-IN"],
        "panic": {"lag": 2},
    }
    scenario = load(BASE, changes)
    assert scenario.seed == 3
    assert scenario.call_up.announced.hour == 10
    assert scenario.panic.lag.value == 2
    assert scenario.policies["entry_limit_north_ossetia"].exempt_regions == ("RU-SE", "RU-IN")
    assert messages(BASE, {"seed": object()}) == [
        "changes: seed: found a object; expected a number, text, or a mapping"
    ]


def test_a_policy_of_another_kind_replaces_the_old_one_whole():
    change = "policies.task_force_lars={kind: capacity, at: GE-LARS, capacity: 100}"
    assert load(BASE, [change]).policies["task_force_lars"].capacity.value == 100


def test_a_file_that_extends_is_named_after_itself(folder):
    write("extends: september-2022.yaml\n", "quiet.yaml")
    scenario = load("quiet.yaml")
    assert (scenario.name, scenario.title, scenario.description) == ("quiet", "quiet", "")


def test_extends_is_looked_up_beside_the_file_first(folder):
    Path("sub").mkdir()
    write(HEAD + "changes: {seed: 7}\n", "sub/base.yaml")
    write("name: top\nextends: base.yaml\n", "sub/top.yaml")
    assert load("sub/top.yaml").seed == 7


def test_a_removed_crossing_stays_removed_after_the_round_trip(folder):
    scenario = load(BASE, ["crossings.KZ-ILEK=null", "crossings.KZ-OZINKI.group=null"])
    text = resolved_yaml(scenario)
    assert "  KZ-ILEK: null\n" in text
    again = load(write(text))
    assert again == scenario
    assert again.crossings["KZ-OZINKI"].group is None


def test_without_kazakhstan_its_crossings_go_too():
    gone = ["destinations.kazakhstan", "choice.constant.kazakhstan", "abroad.kazakhstan"]
    gone += ["capacities.kazakhstan", "policies.list_checks_kazakhstan"]
    scenario = load(BASE, [f"{key}=null" for key in gone])
    assert set(scenario.crossings) == {"GE-LARS", "GE-OTHER", "GE-TRANSIT"}
    assert not {
        place
        for policy in scenario.policies.values()
        for place in policy.places
        if place.startswith("KZ")
    }
    assert set(scenario.policies["rumour_of_closure"].strength) == {"georgia"}


def test_a_name_wins_over_a_folder_of_results_of_the_same_name(folder):
    Path("no-rumour").mkdir()
    assert load("no-rumour").name == "no-rumour"


def test_yaml_is_1_2_and_dates_stay_text(folder):
    write(HEAD.replace("Mine", "NO") + "changes:\n  panic.decay: 1e1\n  seed: 017\n")
    scenario = load("mine.yaml")
    assert (scenario.title, scenario.panic.decay.value, scenario.seed) == ("NO", 10, 17)


def test_importing_scenarios_imports_no_heavy_library():
    code = (
        "import sys, flowsim.scenario; "
        "print([m for m in ('pandas', 'scipy', 'matplotlib', 'mesa') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ---- assumptions and the schema for editors ---------------------------------------------


def test_the_table_of_assumptions_lists_every_number_with_unit_and_source():
    rows = {row.key: row for row in assumptions(load("more-destinations"))}
    assert rows["panic.decay"].unit == "days"
    assert rows["crossings.GE-LARS.vehicles"].value.startswith("{2022-09-17: 2200, ")
    assert rows["population.education_bounds"].value == "[0.02, 0.75]"
    assert rows["choice.constant.georgia"].free is not None
    assert "great circle x 1.19" in rows["crossings.FI-TORFYANOVKA (road distances)"].value
    assert "crossings.GE-LARS (road distances)" not in rows
    assert all(row.unit and row.source for row in rows.values())


def _lists(value):
    """Tuples as lists, as JSON has them."""
    if isinstance(value, dict):
        return {key: _lists(inner) for key, inner in value.items()}
    return [_lists(inner) for inner in value] if isinstance(value, tuple) else value


def test_the_json_schema_takes_every_shipped_file_and_refuses_mistakes():
    jsonschema = pytest.importorskip("jsonschema")
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    check = jsonschema.Draft202012Validator(schema)
    for path in [*shipped().values(), *shipped("examples").values()]:
        data = read_tree(path.read_text(encoding="utf-8"), path.name).data
        if not mistaken(data, SCENARIO):
            check.validate(_lists(data))
    check.validate(_lists(read_tree(resolved_yaml(load("more-destinations")), "resolved").data))
    good = {"extends": BASE, "changes": {"panic.decay": 8, "policies.x": None, "sample": 0.1}}
    check.validate(good)
    for bad in (
        {"extends": BASE, "changes": {"panic.dekay": 8}},
        {"extends": BASE, "panik": {}},
        {"extends": BASE, "panic": {"lag": 3}},
        {"extends": BASE, "population": {"passport_share": {"value": 1.5}}},
        {"extends": BASE, "population": {"passport_share": {"unit": "persons"}}},
        {"name": "alone"},
    ):
        assert not check.is_valid(bad), bad


def test_the_json_schema_explains_the_keys():
    schema = json_schema()
    assert json.loads(json.dumps(schema)) == schema
    changes = schema["then"]["properties"]["changes"]["properties"]
    assert {"panic.decay", "choice.lambda", "horizon.end"} <= set(changes)
    assert changes["panic.lag"]["description"].startswith("Time constant of the rise")


def test_the_data_line_of_a_shipped_crossing_is_named():
    name, line = next(iter(sources.crossing_lines().items()))
    table = Path(sources.__file__).parent / "crossings.csv"
    assert table.read_text(encoding="utf-8").splitlines()[line - 1].startswith(f"{name},")
