"""A policy kind is one file: each shipped kind writes its own cells; a new one works at once."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from datetime import datetime
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest
from conftest import ROOT

from flowsim.scenario import load
from flowsim.scenario.policies import KINDS
from flowsim.scenario.timetable import WARM_UP

BASE = "september-2022"
FROM, TO = "2022-10-01", "2022-10-02T06:00"

KIND = '''
"""Half speed: officers work at a share of their speed."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from flowsim.scenario.policy import AtCrossings
from flowsim.scenario.quantity import Share
from flowsim.scenario.timetable import Cells, Timetable


class HalfSpeed(AtCrossings):
    """Officers work at a share of their speed."""

    kind: Literal["half-speed"]
    speed: Share = Field(title="speed of officers at {place}")

    caveat: ClassVar[str] = "Nobody measured how slow {names} was."

    @property
    def label(self) -> str:
        return "Officers slowed down"

    def apply(self, table: Timetable, cells: Cells) -> None:
        table.capacity[cells] *= self.speed.value
'''

SCENARIO = """
name: slow
extends: september-2022
changes:
  policies.slow_lars: {kind: half-speed, at: GE-LARS, from: 2022-09-20, to: 2022-10-20,
    speed: {value: 0, source: "assumption: invented"}}
"""

MISTAKEN = """
name: mistaken
extends: september-2022
changes:
  policies.fast: {kind: half-speed, at: GE-LARS, speed: 2}
  policies.lost: {kind: half-speed, at: GE-LARZ, speed: 1}
"""

USE = """
import json
import flowsim
from flowsim.errors import ScenarioError
from flowsim.figures.layout import timelines
from flowsim.findings.naming import named
from flowsim.findings import doubts
from flowsim.scenario import json_schema, load, resolved_yaml
from flowsim.experiments.running import run

slow = load("slow.yaml")
base = load("september-2022")
try:
    load("mistaken.yaml")
except ScenarioError as reason:
    problems = str(reason)
through = {}
for engine in ("columns", "agents"):
    for name, scenario in (("slow", slow), ("base", base)):
        daily = run(scenario, sample=0.0005, engine=engine).daily
        rows = daily[(daily.place_id == "GE-LARS") & (daily.measure == "crossings_out")]
        between = rows[(rows.date >= "2022-09-22") & (rows.date < "2022-10-20")]
        through[f"{engine} {name}"] = float(between.value.sum())
print(json.dumps({
    "through": through,
    "bars": [m.label for m in timelines.bars_of(slow, "georgia")],
    "limits": str(doubts.finding([slow])),
    "named": named("policies.slow_lars.speed", slow).label,
    "problems": problems,
    "schema": "HalfSpeed" in json_schema()["$defs"],
    "again": "half-speed" in resolved_yaml(slow),
}))
"""


@pytest.fixture(scope="module")
def used(
    tmp_path_factory: pytest.TempPathFactory, python: Callable[..., CompletedProcess[str]]
) -> dict[str, Any]:
    """Lay one file into a copy of the package, and use the kind in every place that shows it."""
    copy = tmp_path_factory.mktemp("copy")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "flowsim", copy / "flowsim", ignore=ignored)
    shutil.copytree(ROOT / "scenarios", copy / "scenarios")
    files = {"flowsim/scenario/policies/half_speed.py": KIND, "use.py": USE}
    files |= {"slow.yaml": SCENARIO, "mistaken.yaml": MISTAKEN}
    for name, text in files.items():
        (copy / name).write_text(text, encoding="utf-8")
    done = python("use.py", cwd=copy, package=copy)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("engine", ["columns", "agents"])
def test_a_new_kind_acts_on_columns_and_on_objects(used: dict[str, Any], engine: str) -> None:
    assert used["through"][f"{engine} base"] > 0
    assert used["through"][f"{engine} slow"] == 0, "a crossing at speed 0 lets nobody out"


def test_a_new_kind_has_its_label_sentence_and_name(used: dict[str, Any]) -> None:
    assert "Officers slowed down" in used["bars"]
    assert "Nobody measured how slow slow_lars was." in used["limits"]
    assert used["named"] == "speed of officers at Verkhny Lars"


def test_a_new_kind_is_checked_like_every_other(used: dict[str, Any]) -> None:
    for message in (
        "policies.fast.speed: value 2 is out of range; expected 0 to 1 share",
        "policies.lost.at: 'GE-LARZ' is not known; did you mean GE-LARS?",
    ):
        assert message in used["problems"]
    assert used["schema"]
    assert used["again"]


POLICIES = {
    "task-force": ("at: KZ-ILEK, checks_per_hour: 5, p_serve: 0.5, visibility: 1", "checks", 5),
    "list-check": ("at: KZ-ILEK, detection: 0.5, visibility: 0", "detection", 0.5),
    "entry-limit": ("at: KZ-ILEK, passes: 0.2, walks: 0, turns: 0", "passes", 0.2),
    "border-closed": ("at: KZ-ILEK, for: men", "closed_to_men", True),
    "foot-lane": (
        "at: KZ-ILEK, walking_share: 0.3, background_walking_share: 0, jockeying_share: 0",
        "walking_share",
        0.3,
    ),
    "rumour": ("strength: 2", "rumour", 2),
    "document-rule": ("at: kazakhstan, requires_passport: true", "asks_for", True),
    "capacity": ("at: KZ-ILEK, capacity: 86400", "capacity", 1),
}


def test_every_kind_that_holds_for_a_time_is_tried_here() -> None:
    assert KINDS.keys() == {*POLICIES, "call-up-wave"}


@pytest.mark.parametrize("kind", POLICIES)
def test_a_policy_writes_into_its_hours_and_places_only(kind: str) -> None:
    fields, name, value = POLICIES[kind]
    clear = [f"policies.{policy}=null" for policy in load(BASE).policies]
    quiet = load(BASE, clear)
    policy = f"policies.tried={{kind: {kind}, from: {FROM}, to: {TO}, {fields}}}"
    before, after = quiet.timetable(), load(BASE, [*clear, policy]).timetable()
    changed = getattr(after, name) != getattr(before, name)
    first = WARM_UP + 24 * 14
    rows = changed.reshape(len(changed), -1).any(axis=1)
    assert np.flatnonzero(rows).tolist() == list(range(first, first + 30))
    assert (getattr(after, name)[changed] == value).all()
    if changed.ndim == 2:
        places = [*quiet.destinations] if kind == "document-rule" else [*quiet.crossings]
        named = ["kazakhstan"] if kind == "document-rule" else ["KZ-ILEK"]
        if kind == "rumour":  # one strength is about every destination
            places = named = [*quiet.destinations]
        assert [places[c] for c in np.flatnonzero(changed.any(axis=0))] == named


def test_the_more_visible_of_two_checks_at_a_crossing_counts() -> None:
    seen = load(BASE).timetable()
    lars = list(seen.leads_to).index("GE-LARS")
    hours = seen.rows(datetime(2022, 9, 26), datetime(2022, 9, 28))
    assert set(seen.visibility[hours, lars]) == {0.0, -math.expm1(-30 / 13)}
