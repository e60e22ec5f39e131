"""Whatever a scenario says, loading it raises nothing but ScenarioError."""

from __future__ import annotations

import copy
import json
from contextlib import suppress

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scenario_texts import BASE

from flowsim.errors import ScenarioError
from flowsim.scenario import load, resolved_yaml, shipped
from flowsim.scenario.reading import read_tree
from flowsim.scenario.tree import unfit
from flowsim.scenario.writing import _flow

# ---- fuzz -------------------------------------------------------------------------------

BASE_DATA = read_tree(shipped()[BASE].read_text(encoding="utf-8"), BASE).data
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**6), 10**6),
    st.floats(),
    st.text(st.characters(codec="utf-8"), max_size=12),
    st.sampled_from(["2022-09-25", "2022-13-45", "9999-12-31", "0001-01-01", "GE-LARS", "men"]),
    st.just({}),
    st.just([]),
    st.lists(st.integers(0, 3), max_size=3),
    st.dictionaries(st.sampled_from(["value", "unit", "kind", "2022-09-20"]), st.integers(-1, 2)),
)


def _paths(data, path=()):
    yield path
    if isinstance(data, dict):
        for key, inner in data.items():
            yield from _paths(inner, (*path, key))


PATHS = [path for path in _paths(BASE_DATA) if path]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.sampled_from(PATHS), st.sampled_from("srk"), ODD), max_size=4))
def test_a_damaged_baseline_raises_nothing_but_scenario_errors(tmp_path_factory, damages):
    data = copy.deepcopy(BASE_DATA)
    for path, how, value in damages:
        target = data
        for key in path[:-1]:
            target = target.get(key) if isinstance(target, dict) else None
        if not isinstance(target, dict):
            continue
        if how == "s":
            target[path[-1]] = value
        elif how == "r":
            target.pop(path[-1], None)
        else:
            target[f"{path[-1]}x"] = target.pop(path[-1], value)
    file = tmp_path_factory.mktemp("fuzz") / "fuzz.yaml"
    text = "".join(f"{json.dumps(key)}: {_flow(value)}\n" for key, value in data.items())
    file.write_text(text, encoding="utf-8")
    try:
        scenario = load(file)
    except ScenarioError:
        pass
    else:
        file.write_text(resolved_yaml(scenario), encoding="utf-8")
        assert load(file) == scenario


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PATHS), ODD), min_size=1, max_size=3))
def test_odd_changes_raise_nothing_but_scenario_errors(changes):
    with suppress(ScenarioError):
        load(BASE, {".".join(path): value for path, value in changes})


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("ab:-#'\"[]{}&*!|>%@`,?\\\n\t 0~.xuU"), max_size=40))
def test_odd_text_raises_nothing_but_scenario_errors(text):
    with suppress(ScenarioError):
        assert isinstance(read_tree(text, "odd").data, dict)


@given(st.text(st.characters(codec="utf-8"), max_size=30).filter(lambda text: not unfit(text)))
def test_any_text_survives_the_round_trip(text):
    assert read_tree(f"title: {_flow(text)}\n", "x").data == {"title": text}


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_survives_the_round_trip(number):
    assert read_tree(f"a: {_flow(number)}\n", "x").data == {"a": number}
