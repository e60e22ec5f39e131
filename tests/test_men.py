"""Rows and Mesa objects are the same men: same status at every hour, same tables."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowsim.errors import ModelError
from flowsim.men import AgentModel
from flowsim.model import FlowModel
from flowsim.observation import Observed
from flowsim.results import daily_table, outcomes_table
from flowsim.scenario import load
from flowsim.states import Status
from flowsim.world import World

START = datetime(2022, 9, 20)
DAYS = 11
PLACES = ["GE-LARS", "georgia", "kazakhstan", "all"]


@st.composite
def periods(draw: st.DrawFn) -> dict[str, str]:
    """Some hours within the horizon; half of them end before it does."""
    first = draw(st.integers(0, 24 * DAYS - 2))
    last = draw(st.integers(first + 1, 24 * DAYS))
    hours = {"from": START + timedelta(hours=first), "to": START + timedelta(hours=last)}
    return {name: moment.isoformat() for name, moment in hours.items()}


def shares() -> st.SearchStrategy[float]:
    return st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0])


@st.composite
def policies(draw: st.DrawFn) -> dict[str, Any]:
    """Policies of every kind that touches a man, each there or not."""

    def number(values: st.SearchStrategy[float], unit: str) -> dict[str, Any]:
        return {"value": draw(values), "unit": unit, "source": "assumption: drawn"}

    made: dict[str, Any] = {
        "closed": {
            "kind": "border-closed",
            "at": draw(st.sampled_from(PLACES)),
            "for": draw(st.sampled_from(["men", "all"])),
            **draw(periods()),
        },
        "document": {
            "kind": "document-rule",
            "at": draw(st.sampled_from(["georgia", "kazakhstan"])),
            "requires_passport": draw(st.booleans()),
            **draw(periods()),
        },
        "limit": {
            "kind": "entry-limit",
            "at": draw(st.sampled_from(PLACES[:3])),
            "passes": number(shares(), "share"),
            "walks": number(st.sampled_from([0.0, 0.2, 0.5]), "share"),
            "turns": number(st.sampled_from([0.0, 0.3, 0.5]), "share"),
            "exempt_regions": ["RU-SE", "RU-MOW"],
            **draw(periods()),
        },
        "officers": {
            "kind": "task-force",
            "at": draw(st.sampled_from(PLACES)),
            "checks_per_hour": number(st.sampled_from([0.0, 30.0, 5000.0]), "men per hour"),
            "p_serve": number(shares(), "share"),
            "visibility": number(shares(), "share"),
            **draw(periods()),
        },
        "lists": {
            "kind": "list-check",
            "at": draw(st.sampled_from(PLACES)),
            "detection": number(shares(), "share"),
            "visibility": number(shares(), "share"),
            **draw(periods()),
        },
        "walkers": {
            "kind": "foot-lane",
            "at": "GE-LARS",
            "walking_share": number(shares(), "share"),
            "background_walking_share": number(shares(), "share"),
            "jockeying_share": number(shares(), "share"),
            **draw(periods()),
        },
        "wave": {
            "kind": "call-up-wave",
            "announced": draw(periods())["from"],
            "target": number(st.just(2e6), "men"),
            "pace": {
                "value": {"2022-09-22": 0, "2022-09-30": 2e6},
                "unit": "men",
                "source": "assumption: drawn",
            },
            "strength": number(st.just(1.0), "ratio"),
        },
    }
    return {f"policies.{name}": made[name] for name in made if draw(st.booleans())}


@st.composite
def scenarios(draw: st.DrawFn) -> dict[str, Any]:
    """Changes to the baseline under which many of few men do something."""
    return {
        "horizon.start": START.date().isoformat(),
        "horizon.end": (START + timedelta(days=DAYS)).date().isoformat(),
        "policies": None,
        "choice.lambda": draw(st.sampled_from([0.3, 0.6, 1.0])),
        "choice.constant.georgia": draw(st.sampled_from([-3.0, -2.0])),
        "choice.constant.kazakhstan": draw(st.sampled_from([-4.0, -2.5])),
        "choice.release": draw(st.sampled_from([0, 3, 24])),
        "population.passport_share": draw(shares()),
        "call_up.comply": draw(st.sampled_from([0.3, 1.0])),
        "call_up.list_extra": draw(shares()),
        "border.patience": draw(st.sampled_from([0.2, 10])),
        "border.second_try": draw(shares()),
        "border.second_try_delay": draw(st.sampled_from([0, 0.3, 2])),
        "abroad.georgia.move_on": draw(st.sampled_from([0, 0.3])),
        "abroad.kazakhstan.return": draw(st.sampled_from([0, 0.3])),
        "destinations.georgia.refusal": draw(shares()),
        "news.wait_delay": draw(st.sampled_from([0, 12])),
        "seed": draw(st.integers(0, 2**32)),
        **draw(policies()),
    }


def equal_at_every_hour(changes: dict[str, Any], sample: float) -> None:
    """Run both engines side by side and compare every man every hour, then the tables."""
    world = World(load("september-2022", changes))
    rows = FlowModel(world, sample=sample, keep_everyone=True)
    objects = AgentModel(world, sample=sample)
    alone = FlowModel(world, sample=sample)
    for hour in range(world.clock.n_hours):
        for model in (rows, objects, alone):
            model.step()
        found, expected = objects.status(), rows.status()
        differ = np.flatnonzero(found != expected)
        assert len(differ) == 0, (
            f"hour {hour + 1}: {len(differ)} men differ, first {objects.people[differ[0]].man}: "
            f"{found[differ[0]]} is not {expected[differ[0]]}"
        )
    for table in (outcomes_table, lambda model, r: daily_table(Observed(model), r)):
        expected_table = table(rows, 0).to_csv()
        assert table(objects, 0).to_csv() == expected_table
        assert table(alone, 0).to_csv() == expected_table


@settings(
    max_examples=4, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(changes=scenarios())
def test_both_engines_move_the_same_men_at_the_same_hours(changes: dict[str, Any]) -> None:
    """Over random policies, every man has the same status at every hour in both engines."""
    equal_at_every_hour(changes, sample=0.00005)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(changes=scenarios())
def test_both_engines_agree_over_many_scenarios(changes: dict[str, Any]) -> None:
    """The same over many more scenarios, with more men."""
    equal_at_every_hour(changes, sample=0.0001)
