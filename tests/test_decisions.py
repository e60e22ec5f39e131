"""One law: break a rule in one place, and columns, objects, comparison and biography all follow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from flowsim.comparison import decisions as comparison
from flowsim.comparison.traces import born, live
from flowsim.findings.biography import Diary, life
from flowsim.model import decisions
from flowsim.model.agent_model import AgentModel
from flowsim.model.flow_model import FlowModel
from flowsim.model.states import NEVER
from flowsim.model.world import World
from flowsim.scenario import load

SAMPLE = 0.0005
WAVE = {"unit": "men", "source": "assumption: so many that summonses and departures coincide"}
CHANGES: dict[str, Any] = {
    "sample": SAMPLE,
    "horizon.end": "2022-10-02",
    "choice.constant.georgia": -1.0,
    "call_up.target": {"value": 1e7, **WAVE},
    "call_up.pace": {"value": {"2022-09-21": 0, "2022-10-01": 1e7}, **WAVE},
}


@pytest.fixture(scope="module")
def world() -> World:
    return World(load("september-2022", CHANGES))


DAY = 86_400
Fates = dict[int, tuple[int, int]]  # by man: when he leaves (s), whether enlisted before or then


def in_columns(world: World, model: type[FlowModel] = FlowModel) -> Fates:
    found = model(world)
    while found.running:
        found.step()
    men, trips = found.population, found.trips
    left = np.full(len(men), NEVER)
    first = trips["tries"] == 0
    left[trips["row"][first]] = trips["leaves_at"][first]
    enlisted = (men.enlisted_at < NEVER) & (men.enlisted_at // DAY <= left // DAY)
    rows = np.unique(found.wishes["row"])
    return {int(men.id[row]): (int(left[row]), int(enlisted[row])) for row in rows}


def in_objects(world: World) -> Fates:
    return in_columns(world, AgentModel)


def in_the_comparison(world: World) -> Fates:
    trace = live(world, 0)[1]
    terms = comparison.terms_of(trace, born(trace, trace, trace.id), world.destinations)
    found = comparison.decide(terms, comparison.OwnDraws.of(trace, trace.id))
    names = comparison.decisions(world.destinations)
    enlisted = found.outcome == names.index("enlisted")
    wants = (comparison.passed_at(terms) < NEVER).any(axis=1)
    return {
        int(man): (int(at), int(is_enlisted))
        for man, at, is_enlisted, wishes in zip(
            trace.id, found.leaves_at, enlisted, wants, strict=True
        )
        if wishes
    }


def in_the_biography(world: World) -> Fates:
    """Read off the sentences of every man who wished to leave."""
    diary = Diary(world.assumptions)
    fates = {}
    for man in diary.model.population.id[np.unique(diary.model.wishes["row"])].tolist():
        left = enlisted_at = NEVER
        for event in life(diary, man):
            if event.text.startswith("He sets off") and "once more" not in event.text:
                left = int(event.at)
            if "complies and is enlisted" in event.text:
                enlisted_at = int(event.at)
        fates[man] = (left, int(enlisted_at < NEVER and enlisted_at // DAY <= left // DAY))
    return fates


PLACES: list[Callable[[World], Fates]] = [
    in_columns,
    in_objects,
    in_the_comparison,
    in_the_biography,
]


def summons_goes_first(at: Any, is_home: Any, departs_at: Any) -> Any:
    """Break the rule: the summons finds men at home who have left by then on the same day."""
    return is_home & (departs_at // DAY >= at // DAY)


def the_enlisted_leave(enlisted_at: Any, at: Any) -> Any:
    """Break the rule: nobody who is enlisted is held back."""
    return at >= 0


def nobody_complies(u: Any, share: float) -> Any:
    """Break the rule: everybody summoned hides."""
    return u < 0


def at_noon(threshold: Any, before: Any, after: Any, pace: Any, day: int) -> Any:
    """Break the rule: thresholds are passed at noon."""
    return np.full(len(threshold), day * 86_400 + 43_200)


@pytest.mark.parametrize(
    ("rule", "broken"),
    [
        ("finds_at_home", summons_goes_first),
        ("is_free", the_enlisted_leave),
        ("complies", nobody_complies),
        ("moments", at_noon),
    ],
)
def test_breaking_a_rule_in_one_place_changes_all_who_decide(
    world: World, monkeypatch: pytest.MonkeyPatch, rule: str, broken: Callable[..., Any]
) -> None:
    """Each place follows the broken rule, man for man as the others do."""
    kept = in_columns(world)
    monkeypatch.setattr(decisions, rule, broken)
    expected = in_columns(world)
    assert expected != kept
    for place in PLACES[1:]:
        found = place(world)
        assert {man: found[man] for man in expected} == expected


def test_all_who_decide_agree(world: World) -> None:
    """Columns, objects, comparison and biography have every man leave at the same second."""
    expected = in_columns(world)
    assert sum(left < NEVER for left, _ in expected.values()) > 100
    assert sum(enlisted for _, enlisted in expected.values()) > 10
    for place in PLACES[1:]:
        found = place(world)
        assert {man: found[man] for man in expected} == expected
