"""One base, many variants: each is what reading the file anew with the same changes gives."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowsim.errors import ScenarioError
from flowsim.scenario import Base, load, shipped

NAMES = ("september-2022", "more-destinations", "even-call-up")
BASES = {name: Base.read(name) for name in NAMES}
WRITTEN = {name: copy.deepcopy(base.tree) for name, base in BASES.items()}

SHARES = st.floats(0, 1).map(lambda share: round(share, 3))
CHANGES = st.dictionaries(
    st.sampled_from(
        [
            "population.passport_share",
            "choice.lambda",
            "choice.constant.georgia",
            "panic.decay",
            "call_up.pace.2022-10-04",
            "call_up.pace",
            "call_up.target",
            "horizon.end",
            "crossings.GE-LARS.vehicles",
            "crossings.GE-LARS.vehicles.2022-09-26",
            "crossings.KZ-OTHER",
            "destinations.georgia",
            "policies.task_force_lars",
            "policies.task_force_lars.checks_per_hour",
            "policies.task_force_lars.p_serve",
            "policies.rumour_of_closure.from",
            "policies.new",
            "sample",
            "seed",
            "name",
            "nothing.of_this_name",
        ]
    ),
    st.one_of(
        SHARES,
        st.integers(0, 400_000),
        st.none(),
        st.sampled_from(["2022-09-25", "2022-10-05", "other", True]),
        st.builds(lambda value: {"value": value, "source": "assumption: a test"}, SHARES),
        st.just({"kind": "document-rule", "at": "kazakhstan", "requires_passport": True}),
    ),
    max_size=4,
)


def outcome(make):
    """Give a scenario, or the problems that stand against it."""
    try:
        return make()
    except ScenarioError as error:
        return error.problems


def check_variants(name, several):
    base = BASES[name]
    for changes in several:
        variant = outcome(lambda c=changes: base.variant(c))
        assert variant == outcome(lambda c=changes: load(name, c))
    assert base.tree == WRITTEN[name]


@settings(max_examples=10, deadline=None)
@given(st.sampled_from(NAMES), st.lists(CHANGES, min_size=1, max_size=3))
def test_a_variant_is_what_loading_gives_whatever_was_asked_before(name, several):
    """The third variant of a base is as sound or as faulty as if it were the first."""
    check_variants(name, several)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.sampled_from(NAMES), st.lists(CHANGES, min_size=1, max_size=3))
def test_many_variants_are_what_loading_gives(name, several):
    """The same over many more changes."""
    check_variants(name, several)


def test_every_shipped_scenario_is_its_own_variant():
    for name in shipped():
        assert Base.read(name).variant() == load(name)


def test_a_base_travels_to_another_process():
    base = BASES["more-destinations"]
    there = pickle.loads(pickle.dumps(base))
    changes = {"choice.lambda": 0.3, "policies.task_force_lars": None}
    assert there.variant(changes) == base.variant(changes)
    assert (there.name, there.scenario) == (base.name, base.scenario)


def test_texts_as_after_set_make_variants_too():
    base = BASES["september-2022"]
    assert base.variant(["choice.lambda=0.3"]) == base.variant({"choice.lambda": 0.3})


def test_a_change_may_mend_what_a_file_lacks(tmp_path):
    """A base need not be sound by itself: what is missing may come with the variant."""
    lacking = tmp_path / "lacking.yaml"
    head = "name: lacking\nextends: september-2022\n"
    lacking.write_text(head + "changes: {choice.lambda: 3}\n", encoding="utf-8")
    base = Base.read(lacking)
    with pytest.raises(ScenarioError, match=r"choice.lambda: value 3 is out of range"):
        base.variant()
    assert base.variant({"choice.lambda": 0.5}).choice.lambda_.value == 0.5


def test_what_is_wrong_between_files_stands_in_every_variant(tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(
        "name: wrong\nextends: september-2022\npolicies: {task_farce: null}\n", encoding="utf-8"
    )
    base = Base.read(wrong)
    for changes in ({}, {"choice.lambda": 0.5}):
        with pytest.raises(ScenarioError, match="there is nothing of this name to remove"):
            base.variant(changes)


def test_a_missing_file_is_said_at_once(tmp_path):
    with pytest.raises(ScenarioError, match="does not exist"):
        Base.read(Path(tmp_path, "nowhere.yaml"))
