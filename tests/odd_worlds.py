"""Scenarios that nobody would write, most of them sound: what a fuzzer lays over shipped ones."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any

from flowsim.scenario import load

BASES = ("september-2022", "more-destinations")
START = datetime(2022, 9, 17)
FACTORS = (0, 0.01, 0.1, 0.5, 0.9, 1.1, 2, 5, 10, 100, 1e3, 1e6, 1e9, 1e300, 1e-300, -1)
VALUES = (0, 1, 0.5, 1e-6, 0.001, 20, -1, -30, 30, 5154, 1e5, 1e12)
SAMPLE = 0.0005
CHANGED = {"2022-09-17": 3, "2022-10-30T04:00": 2}

Changes = dict[str, Any]
Move = Callable[[Random, Changes, Any], None]
"""Adds something to the changes of a scenario."""


def odd_changes(rng: Random, scenario: Any, most: int = 4) -> Changes:
    """Draw changes of a scenario, one to some, most of which a scenario file may say."""
    changes: Changes = {"sample": SAMPLE}
    for _ in range(rng.randint(1, most)):
        rng.choice(MOVES)(rng, changes, scenario)
    return changes


def _numbers(data: Any, path: tuple[str, ...] = ()) -> list[tuple[str, Any]]:
    """List every number with unit and source: its dotted key and its value."""
    if not isinstance(data, dict):
        return []
    if "source" in data and "value" in data:
        return [(".".join(path), data["value"])]
    return [found for key, inner in data.items() for found in _numbers(inner, (*path, str(key)))]


def numbers(scenario: Any) -> list[tuple[str, Any]]:
    """List every number of a scenario: its dotted key and its value."""
    return _numbers(scenario.model_dump(by_alias=True))


def _odd(rng: Random, value: float) -> float:
    if rng.random() < 0.3:
        return rng.choice(VALUES)
    return value * rng.choice(FACTORS)


def _date(rng: Random) -> str:
    day = START + timedelta(days=rng.choice((-150, -3, 0, 1, 4, 5, 8, 9, 10, 11, 20, 44, 45, 90)))
    return (day + timedelta(hours=rng.choice((0, 0, 9, 23)))).isoformat()[:16]


def _parameter(value: Any) -> dict[str, Any]:
    return {"value": value, "source": "assumption: odd"}


def _share(rng: Random) -> dict[str, Any]:
    return _parameter(rng.choice((0, 1, 0.5, 1e-9, rng.random())))


def _number(rng: Random, changes: Changes, scenario: Any) -> None:
    key, value = rng.choice(numbers(scenario))
    if not isinstance(value, dict):
        changes[key] = _odd(rng, value)
    elif rng.random() < 0.5:
        changes[key] = _parameter(dict.fromkeys(map(str, value), rng.choice(VALUES)))
    else:
        changes[key] = _parameter({str(part): _odd(rng, one) for part, one in value.items()})


def _dated(rng: Random, changes: Changes, scenario: Any) -> None:
    known = [(key, value) for key, value in numbers(scenario) if "capacity" in key]
    key, value = rng.choice([*known, ("call_up.pace", 0), ("call_up.list_extra", 0.1)])
    size = value if isinstance(value, float) else 1000.0
    dates = sorted({_date(rng) for _ in range(rng.randint(1, 4))})
    changes[key] = _parameter({date: _odd(rng, size) for date in dates})


def _place(rng: Random, scenario: Any) -> Any:
    crossings, countries = list(scenario.crossings), list(scenario.destinations)
    some = rng.sample(crossings, rng.randint(1, 5))
    return rng.choice(("all", rng.choice(crossings), rng.choice(countries), some, countries))


def _policy(rng: Random, changes: Changes, scenario: Any) -> None:
    kind = rng.choice(list(POLICIES))
    policy = {"kind": kind} | POLICIES[kind](rng, scenario)
    for key in ("from", "to") if kind != "call-up-wave" else ():
        if rng.random() < 0.6:
            policy[key] = _date(rng)
    if kind not in ("call-up-wave", "rumour", "document-rule"):
        policy["at"] = _place(rng, scenario)
    changes[f"policies.odd{rng.randint(1, 3)}"] = policy


POLICIES: dict[str, Callable[[Random, Any], dict[str, Any]]] = {
    "border-closed": lambda rng, _: {"for": rng.choice(("men", "all"))},
    "capacity": lambda rng, _: {"capacity": _parameter(rng.choice((0, 1, 1e-6, 500, 1e6, 1e9)))},
    "call-up-wave": lambda rng, _: {
        "announced": _date(rng),
        "target": _parameter(rng.choice((0, 1e5, 3e7, 1e9))),
        "pace": _parameter({"2022-09-30": 0, "2022-10-20": rng.choice((0, 1e5, 1e7))}),
        "strength": _parameter(rng.choice((0, 1, 20))),
    },
    "document-rule": lambda rng, scenario: {
        "at": rng.choice(list(scenario.destinations)),
        "needed": rng.random() < 0.7,
    },
    "entry-limit": lambda rng, _: {
        "passes": _share(rng),
        "walks": _share(rng),
        "turns": _share(rng),
        "exempt_regions": rng.choice((["RU-SE"], [], ["RU-MOW", "RU-SPE"])),
    },
    "foot-lane": lambda rng, _: {
        name: _share(rng)
        for name in ("walking_share", "background_walking_share", "jockeying_share", "seat_share")
    },
    "list-check": lambda rng, _: {"detection": _share(rng), "visibility": _share(rng)},
    "rumour": lambda rng, scenario: {
        "strength": {
            name: _parameter(rng.choice((0, 3, 100, 1e4)))
            for name in scenario.destinations
            if rng.random() < 0.7
        },
        "fade": _parameter(rng.choice((0, 0.01, 3, 1e3))),
    },
    "task-force": lambda rng, _: {
        "checks_per_hour": _parameter(rng.choice((0, 1e-9, 30, 1e6, 1e9))),
        "p_serve": _share(rng),
        "visibility": _share(rng),
    },
}


def _removal(rng: Random, changes: Changes, scenario: Any) -> None:
    block = rng.choice(("policies", "crossings", "destinations", "capacities"))
    names = list(getattr(scenario, block))
    whole = rng.random() < 0.2 and block != "destinations"
    for name in names if whole else rng.sample(names, min(len(names), rng.choice((1, 1, 2, 20)))):
        changes[f"{block}.{name}"] = None
        if block == "destinations":
            changes |= {f"choice.constant.{name}": None, f"abroad.{name}": None}
            if name in scenario.capacities:
                changes[f"capacities.{name}"] = None


def _horizon(rng: Random, changes: Changes, scenario: Any) -> None:
    start = START + timedelta(days=rng.choice((-100, -30, -1, 0, 1, 4, 5, 20)))
    changes["horizon.start"] = start.isoformat()[:10]
    end = start + timedelta(days=rng.choice((1, 2, 5, 6, 10, 20, 30, 30, 46, 46, 120)))
    changes["horizon.end"] = end.isoformat()[:10]


def _announcement(rng: Random, changes: Changes, scenario: Any) -> None:
    changes["call_up.announced"] = _date(rng)


def _shut(rng: Random, changes: Changes, scenario: Any) -> None:
    """Let nobody pass somewhere, in one of the ways there are."""
    for name in rng.sample(list(scenario.crossings), rng.choice((1, 5, len(scenario.crossings)))):
        key = rng.choice(("capacity", "size_weight", "background_share"))
        if key == "capacity" and scenario.crossings[name].capacity is None:
            changes[f"crossings.{name}.vehicles"] = changes[f"crossings.{name}.walkers"] = 0
        else:
            changes[f"crossings.{name}.{key}"] = 0


def _country(rng: Random, changes: Changes, scenario: Any) -> None:
    name = rng.choice(list(scenario.destinations))
    key, value = rng.choice(
        (
            ("requires_passport", rng.random() < 0.5),
            ("registers", rng.random() < 0.5),
            ("registration_delay", rng.choice((0, 1e-9, 3, 1e6))),
            ("utc_offset_h", rng.choice((-12, -3, 0, 3, 14, 5.5, CHANGED))),
            ("present_before", rng.choice((0, 1e5, 1e12))),
            ("background", rng.choice((0, 1e-9, 1e6, 1e9))),
            ("background_exits", rng.choice((0, 1e-9, 1e6, 1e9))),
        )
    )
    changes[f"destinations.{name}.{key}"] = value


def _crossing(rng: Random, changes: Changes, scenario: Any) -> None:
    name = rng.choice(list(scenario.crossings))
    key, value = rng.choice(
        (
            ("lat", rng.uniform(-90, 90)),
            ("lon", rng.uniform(-180, 180)),
            ("kind", rng.choice(("rail", "other ways"))),
            ("utc_offset_h", rng.choice((-12, 0, 14))),
            ("foot_share", rng.choice((0, 1))),
            ("others", rng.choice((0, 1e9))),
            ("region", rng.choice((None, "RU-MOW", "RU-KDA"))),
        )
    )
    changes[f"crossings.{name}.{key}"] = value
    if key == "kind":
        changes[f"crossings.{name}.travel"] = rng.choice((0, 1e-9, 30, 1e4))


def _documents(rng: Random, changes: Changes, scenario: Any) -> None:
    share = rng.choice((0, 1, 0.3))
    needs = {"needs": "passport"} if rng.random() < 0.5 else {}
    changes["documents.odd-visa"] = {"name": "odd visa", "share": _parameter(share)} | needs
    name = rng.choice(list(scenario.destinations))
    changes[f"destinations.{name}.documents"] = ["odd-visa"]


MOVES: tuple[Move, ...] = (
    *(_number, _number, _number, _dated, _policy, _policy, _policy, _removal, _horizon),
    *(_announcement, _shut, _country, _crossing, _documents),
)


def odd_scenario(rng: Random) -> tuple[str, Changes]:
    """Draw a shipped scenario and odd changes of it."""
    base = rng.choice(BASES)
    return base, odd_changes(rng, BASE_SCENARIOS[base])


BASE_SCENARIOS = {name: load(name) for name in BASES}


# -- sweeps

TEXTS = (
    "",
    "a",
    "=1+1",
    "x" * 600,
    "\x1b[31m",
    "a\u202eb",
    "RU",
    "GE",
    "kein",
    "2022-09-30",
    "../x",
)
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2.5, 1e-300, 1e300, float("nan"), float("inf"), 10**30),
    *(*TEXTS, {}, [], [0, 1], [5, 2], [1, 1], ["a"], {"x": 1}, {"": {}}, {"value": 1}),
)


def _mostly(rng: Random, right: tuple[Any, ...], odd: tuple[Any, ...]) -> Any:
    return rng.choice(odd if rng.random() < 0.06 else right)


def _design(rng: Random) -> dict[str, Any]:
    designs = (
        {"kind": "grid"},
        {"kind": "latin-hypercube", "points": _mostly(rng, (2, 5, [2, 3]), (0, 10**12, "x"))},
        {"kind": "sobol", "points": _mostly(rng, (4, 8), (7, 2**60)), "second_order": True},
        {"kind": "morris", "trajectories": _mostly(rng, (2, 3), (10**9, -1)), "levels": 4},
    )
    return _mostly(rng, designs, ({"kind": "zip"}, {"kind": "table"}, {"kind": "gri"}))


def _varied(rng: Random) -> dict[str, Any]:
    law = {"name": "uniform", "loc": 0.1, "scale": 0.5}
    ways = (
        {"values": rng.sample((0.1, 0.2, 0.3, 0.4), rng.randint(1, 3))},
        {"range": [0.1, _mostly(rng, (0.5, 1), (1e9, 0))], "steps": 2},
        {"distribution": law, "steps": _mostly(rng, (2,), (1, 10**9))},
        {"levels": {"low": {"panic.decay": 8}, "high": {"panic.decay": 9}}},
        {"keys": {"panic.decay": _mostly(rng, (2, {"times": 3}), ("x",))}, "values": [1, 2]},
    )
    odd = (
        {"values": [0.1, "a", None]},
        {"range": [0.1, 0.9], "scale": "log"},
        {"distribution": {"name": "levy_stable", "alpha": 1.5, "beta": 0}, "steps": 2},
        {"distribution": {"name": "norm", "loc": 0.5, "scale": rng.choice((0.1, 0, -1))}},
        {"levels": {"now": {"panic.decay": 8}, "then": {rng.choice(TEXTS): rng.choice(ODD)}}},
        {"free": True},
    )
    return _mostly(rng, ways, odd)


def _output(rng: Random) -> Any:
    window = {"from": _date(rng)[:10], "to": _date(rng)[:10]} if rng.random() < 0.1 else {}
    return {
        "place": _mostly(rng, ("GE", "KZ", ["GE", "KZ"]), ("RU", "GE-LARS", "XX", [])),
        "measure": _mostly(rng, ("entries", "notices", "departures"), ("queue_persons", "none")),
    } | window


def odd_sweep(rng: Random) -> dict[str, Any]:
    """Draw a sweep file, half of it as it should be."""
    scenario = BASE_SCENARIOS[BASES[0]]
    shares = [key for key, value in numbers(scenario) if isinstance(value, float) and value < 1]
    keys = rng.sample([*shares, "seed"], 3)
    sweep: dict[str, Any] = {
        "name": "odd",
        "title": "Odd",
        "scenario": "september-2022",
        "parameters": {key: _varied(rng) for key in keys[: rng.randint(1, 3)]},
        "design": _design(rng),
        "replications": _mostly(rng, (1, 2), (10**5, 10**30)),
        "sample": SAMPLE,
        "outputs": {f"out{n}": _output(rng) for n in range(rng.randint(0, 3))},
    }
    if rng.random() < 0.1:
        sweep["changes"] = odd_changes(rng, scenario, 2)
    for _ in range(rng.choice((0, 0, 0, 1, 2))):
        _damage(rng, sweep)
    return sweep


def _damage(rng: Random, data: dict[str, Any]) -> None:
    """Lay something odd somewhere into nested mappings, or take something away."""
    key = rng.choice([*data, rng.choice(TEXTS)])
    if isinstance(data.get(key), dict) and data[key] and rng.random() < 0.7:
        _damage(rng, data[key])
    elif rng.random() < 0.3:
        data.pop(key, None)
    else:
        data[key] = rng.choice(ODD)
