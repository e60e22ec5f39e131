"""What is said in vain: any other value gives the same tables, to the byte."""

from __future__ import annotations

import pandas as pd
import pytest

import flowsim
from flowsim.scenario import load
from flowsim.scenario.idle import deterring_nobody, idle

BASE = load("september-2022")
STAY = {"short_share": 0.5, "short": 2, "long": 50}
VAIN = {  # a world in which much is said in vain
    **{f"policies.{name}": None for name, p in BASE.policies.items() if p.kind == "list-check"},
    "policies.foot_lane_lars": None,
    "policies.task_force_lars.checks_per_hour": 0,
    "policies.entry_limit_north_ossetia.passes": {"value": 1, "free": [0.1, 1]},
    "policies.rumour_of_closure.to": None,
    "policies.early_talk": {"kind": "rumour", "to": "2022-09-19", "strength": 3},
    "policies.rule": {"kind": "document-rule", "at": "georgia", "requires_passport": True},
    "border.second_try": 0,
    "call_up.regional_disparity": 0,
    "documents.visa": {"name": "visa", "share": 0.5},
    "destinations.georgia.ordinary_stay": STAY,
    "destinations.kazakhstan.ordinary_stay": STAY,
    "destinations.georgia.background": 0,
    "destinations.kazakhstan.registers": False,
    "abroad.kazakhstan.family": 0,
    "crossings.GE-LARS.vehicles.2022-12-01": 1,
}
NEW = ("policies.rule", "policies.early_talk")
OTHERWISE = {  # what of it can have no effect, and another value
    "policies.rule": None,
    "policies.early_talk": None,
    "policies.task_force_lars.p_serve": 0.9,
    "policies.task_force_lars.visibility": 0.3,
    "policies.entry_limit_north_ossetia.walks": 0.1,
    "policies.entry_limit_north_ossetia.turns": 0.1,
    "policies.rumour_of_closure.fade": 1,
    "news.checks_heard": 50,
    "news.check_delay": 3,
    "choice.beta_risk": 3,
    "choice.kappa": 3,
    "border.background_check_loss": 0.5,
    "border.background_limit_extra": 0.9,
    "border.second_try_delay": 9,
    "call_up.list_extra": {"value": 0.9},
    "crossings.GE-LARS.walkers": {"value": 1},
    "crossings.GE-LARS.foot_share": {"value": 0.9},
    "crossings.GE-LARS.vehicles.2022-12-01": 9999,
    "documents.visa.share": 0.1,
    "travel.detour": 3,
    **{f"ordinary_stay.{key}": value for key, value in STAY.items()},
    "destinations.georgia.background_weekday": None,
    "destinations.georgia.background_season": {"value": 9},
    "destinations.kazakhstan.registration_delay": 99,
    "abroad.kazakhstan.family_lag": 9,
}


def test_what_can_have_no_effect_has_none():
    vain = load("september-2022", VAIN)
    found = [key for key, _ in idle(vain)]
    assert sorted(found) == sorted(OTHERWISE)
    changed = VAIN | OTHERWISE
    rest = {k: v for k, v in changed.items() if v is not None or not k.startswith(NEW)}
    ours, others = (
        flowsim.run(load("september-2022", world), sample=0.0005) for world in (VAIN, rest)
    )
    pd.testing.assert_frame_equal(ours.daily, others.daily)
    pd.testing.assert_frame_equal(ours.outcomes, others.outcomes)


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, ["list_check_lars"]),
        ({"policies.list_check_lars.visibility": 1}, ["task_force_lars"]),
        ({"policies.list_check_lars.visibility": 0.5}, []),
        ({"policies.task_force_lars.checks_per_hour": 0}, ["task_force_lars", "list_check_lars"]),
    ],
)
def test_a_check_that_is_not_seen_or_outdone_deters_nobody(changes, names):
    found = deterring_nobody(load("september-2022", changes))
    assert [key for key, _ in found] == [f"policies.{name}" for name in names]


def test_where_checks_are_not_feared_none_deters():
    found = dict(deterring_nobody(load("september-2022", {"choice.beta_risk": 0})))
    checks = [n for n, p in BASE.policies.items() if p.kind in ("task-force", "list-check")]
    assert list(found) == [f"policies.{name}" for name in checks]
