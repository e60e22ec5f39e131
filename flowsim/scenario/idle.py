"""What a scenario says in vain: numbers, dates and policies that change no result of it.

A kind of policy knows which of its own numbers are idle (``Policy.idle``); here stand those
that are idle because of the rest of the scenario.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime

import numpy as np

from flowsim.scenario.clock import iso
from flowsim.scenario.places import asked_for
from flowsim.scenario.quantity import Dated
from flowsim.scenario.schema import Scenario
from flowsim.scenario.timetable import Timetable
from flowsim.scenario.tree import equal

Said = Iterator[tuple[str, str]]


def idle(scenario: Scenario) -> list[tuple[str, str]]:
    """Return key and reason of what changes no result: any other value would do as well.

    Parameters
    ----------
    scenario : Scenario
        A sound one.

    Returns
    -------
    list of (str, str)
        Dotted key; why, as the end of a sentence. What is not listed may still matter little.
    """
    table = scenario.timetable()
    return [
        *_policies(scenario, table),
        *_checks_and_lanes(scenario, table),
        *_places(scenario, table),
        *_dates(scenario),
    ]


def deterring_nobody(scenario: Scenario) -> list[tuple[str, str]]:
    """Return policies that check men and keep none at home, with the reason."""
    policies = scenario.policies.items()
    checks = [name for name, policy in policies if policy.turned_back_by == "a check"]
    if not scenario.choice.beta_risk.value:
        why = "men do not fear checks (choice.beta_risk is 0)"
        return [(f"policies.{name}", why) for name in checks]
    seen = scenario.timetable().visibility
    return [
        (f"policies.{name}", "no man hears of it, or all hear more of another check there")
        for name in checks
        if np.array_equal(_without(scenario, name).visibility, seen)
    ]


def _without(scenario: Scenario, name: str) -> Timetable:
    """Return the timetable without a policy."""
    left = {key: policy for key, policy in scenario.policies.items() if key != name}
    return scenario.model_copy(update={"policies": left}).timetable()


def _policies(scenario: Scenario, table: Timetable) -> Said:
    announced = min(wave.announced for wave, _ in scenario.call_ups())
    for name, policy in scenario.policies.items():
        key = f"policies.{name}"
        if policy.announcement is None and equal(table, _without(scenario, name)):
            yield key, "the same holds without it"
            continue
        yield from ((f"{key}.{own}", why) for own, why in policy.idle())
        is_talk = policy.scope == "nation" and policy.announcement is None  # panic alone
        if is_talk and (end := policy.span[1]) is not None and end <= announced:
            yield key, f"it is over before the call-up is announced ({iso(announced)})"


def _checks_and_lanes(scenario: Scenario, table: Timetable) -> Said:
    if not table.checks.any() or not table.visibility[table.checks > 0].any():
        yield "news.checks_heard", "no task force is seen anywhere"
    if not table.visibility.any():
        for key in ("choice.beta_risk", "news.check_delay", "border.background_check_loss"):
            yield key, "no check is visible anywhere"
    if not table.detection.any():
        yield "call_up.list_extra", "no list is checked anywhere"
    if not (table.passes[table.limited] < 1).any():
        yield "border.background_limit_extra", "no entry limit stops anybody"
    if not scenario.border.second_try.value:
        yield "border.second_try_delay", "nobody tries twice (border.second_try is 0)"
    if not scenario.call_up.regional_disparity.value:
        why = "the call-up is alike in all regions (call_up.regional_disparity is 0)"
        yield "choice.kappa", why
    with_lane = set(np.flatnonzero(table.foot_open.any(axis=0)).tolist())
    for column, (name, crossing) in enumerate(scenario.crossings.items()):
        for field in ("walkers", "foot_share"):
            if column not in with_lane and getattr(crossing, field) is not None:
                yield f"crossings.{name}.{field}", "no foot lane is ever open there"
        if crossing.kind == "road" and crossing.travel is not None:
            yield f"crossings.{name}.travel", "the way to a road crossing is computed"


def _places(scenario: Scenario, table: Timetable) -> Said:
    asked = np.flatnonzero(table.asks_for.any(axis=(0, 1))).tolist()
    names = {table.documents[column] for column in asked}
    needed = asked_for(scenario.documents, names)
    for name in scenario.documents:
        if name not in needed:
            yield f"documents.{name}.share", "no destination ever asks for it"
    regions, known = scenario.regions, scenario.road_km
    connected = [code for code, by in zip(regions.code, regions.road_connected, strict=True) if by]
    roads = [name for name, crossing in scenario.crossings.items() if crossing.kind == "road"]
    if all((code, name) in known for code in connected for name in roads):
        yield "travel.detour", "every road distance is known"
    if all(place.ordinary_stay for place in scenario.destinations.values()):
        for key in ("short_share", "short", "long"):
            yield f"ordinary_stay.{key}", "each destination has its own"
    for name, place in scenario.destinations.items():
        key = f"destinations.{name}"
        if not place.background.value:
            for own in ("background_weekday", "background_season"):
                if getattr(place, own) is not None:
                    yield f"{key}.{own}", "there are no ordinary entries"
        if place.registration_delay is not None and not place.registers:
            yield f"{key}.registration_delay", "arrivals are not registered there"
        if not scenario.abroad[name].family.value:
            yield f"abroad.{name}.family_lag", "no family follows"


def _dates(scenario: Scenario) -> Said:
    """Find dated numbers that never hold: outside the horizon, or outside their policy."""
    horizon = scenario.horizon
    blocks = [
        ("call_up", scenario.call_up, None, None),
        *((f"destinations.{name}", d, None, None) for name, d in scenario.destinations.items()),
        *((f"crossings.{name}", c, None, None) for name, c in scenario.crossings.items()),
        *((f"policies.{name}", p, *p.span) for name, p in scenario.policies.items()),
    ]
    for key, block, start, end in blocks:
        for name in type(block).model_fields:
            number = getattr(block, name)
            if name != "pace" and isinstance(number, Dated):  # the pace is linear in between
                never = "the next date, or the end, comes before it could hold"
                first, last = start or datetime.min, min(end or horizon.end, horizon.end)
                steps = sorted(number.value) if isinstance(number.value, dict) else []
                for moment, then in itertools.pairwise([*steps, datetime.max]):
                    if moment >= last or then <= first:
                        yield f"{key}.{name}.{iso(moment)}", never
