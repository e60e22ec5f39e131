"""What figures of comparisons share: names and colours of outcomes, pairs, the source line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd

from flowsim.figures.layout.style import CYCLE, GREEN, QUIET, VERMILION
from flowsim.figures.layout.tables import flowsim_version
from flowsim.findings.naming import title
from flowsim.findings.words import listed, plural, sampled
from flowsim.scenario.schema import Scenario

if TYPE_CHECKING:
    from flowsim.results.comparison import Comparison

HOME, STOPPED = ("home", "hiding", "enlisted"), ("limited", "gave-up", "turned-back")
WORDS = {
    "home": "At home",
    "hiding": "Called up, hiding",
    "enlisted": "Called up, complied",
    "limited": "Stopped by an entry limit",
    "gave-up": "Gave up queueing",
    "turned-back": "Turned back at the border",
    "underway": "Still on the way",
    "other": "Other outcomes",
}
SHORT = {
    "hiding": "Hiding",
    "enlisted": "Called up",
    "limited": "Entry limit",
    "gave-up": "Gave up",
    "turned-back": "Turned back",
    "underway": "On the way",
    "other": "Others",
}
DESTINATIONS = tuple(colour for colour in CYCLE if colour not in (GREEN, VERMILION))
MOST_PAIRS = 3


def outcome(status: str, names: dict[str, str], short: bool = False) -> str:
    """Write an outcome in words; ``names`` are those of the destinations."""
    kind, _, key = status.partition("-")
    if key in names and kind == "reached":
        return names[key] if short else f"Reached {names[key]}"
    if key in names and kind == "wants":
        return f"Wanted {names[key]}" if short else f"Wanted {names[key]}, could not"
    return (SHORT if short else {}).get(status, WORDS.get(status, status))


def ordered(found: Iterable[str], names: dict[str, str]) -> list[str]:
    """Put outcomes in a fixed order: those abroad above, those at home below."""
    reached, wanted = ([f"{kind}-{key}" for key in names] for kind in ("reached", "wants"))
    known = [*reached, "underway", *STOPPED, *wanted, "other", *reversed(HOME)]
    here = set(found)
    return [*(s for s in known if s in here), *sorted(here - set(known))]


def colour(status: str, names: dict[str, str]) -> str:
    """Return the colour of an outcome: one for each destination, stopped, wanting, and grey."""
    kind, _, key = status.partition("-")
    if kind == "reached" and key in names:
        return DESTINATIONS[list(names).index(key) % len(DESTINATIONS)]
    if kind == "wants":
        return GREEN
    return VERMILION if status in STOPPED else QUIET


def destinations(scenarios: Iterable[Scenario]) -> dict[str, str]:
    """Return the names of all destinations, in the order of the first scenario that has each."""
    return {
        key: place.name for scenario in scenarios for key, place in scenario.destinations.items()
    }


def titles(results: Comparison) -> dict[str, str]:
    """Return the titles of the scenarios by their names, which tell those of one title apart."""
    found = {scenario.name: title(scenario) for scenario in results.scenarios}
    every = list(found.values())
    return {
        name: f"{text} ({name})" if every.count(text) > 1 and text != name else text
        for name, text in found.items()
    }


def quoted(results: Comparison) -> dict[str, str]:
    """Return the titles of the scenarios by their names, as a sentence has them."""
    return {name: f"“{text}”" for name, text in titles(results).items()}


def pairs(results: Comparison) -> list[tuple[str, str]]:
    """Return the pairs there is room for."""
    return results.pairs[:MOST_PAIRS]


def of_pair(data: pd.DataFrame, pair: tuple[str, str]) -> pd.DataFrame:
    """Return the rows of a pair."""
    return data[(data["a"] == pair[0]) & (data["b"] == pair[1])]


def source(results: Comparison) -> str:
    """Return what was compared, with which seed and sample, by which version."""
    first = results.scenarios[0]
    names = listed(list(results.names))
    return (
        f"Source: flowsim {flowsim_version(results.manifest)}, scenarios {names}, seed "
        f"{first.seed}, {sampled(first.sample)} simulated, "
        f"{plural(results.replications, 'replication')}; the same men in each."
    )


def left_out(results: Comparison, most: int = MOST_PAIRS) -> str:
    """Return which pairs there was no room for."""
    others = [quoted(results)[b] for _, b in results.pairs[most:]]
    return f" Not drawn: {listed(others)}." if others else ""
