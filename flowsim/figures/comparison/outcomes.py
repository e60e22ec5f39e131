"""What figures of comparisons share: names and colours of outcomes, pairs, the source line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd

from flowsim.figures.layout.style import CYCLE, GREEN, QUIET, VERMILION
from flowsim.figures.layout.tables import flowsim_version, sample_of
from flowsim.findings.words import elided, listed, plural
from flowsim.scenario.schema import Scenario

if TYPE_CHECKING:
    from flowsim.comparison import Comparison

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


def missing_matrix(results: Comparison) -> str:
    """Return why transitions cannot be drawn, if so."""
    return "it has no matrix of transitions" if results.matrix.empty else ""


def transitions(results: Comparison) -> pd.DataFrame:
    """Return the men by what became of them in both worlds.

    Columns a, b, status_a, status_b, fate_a, fate_b (in words), men, low, high, switched.
    """
    names = destinations(results.scenarios)
    rows = results.matrix[results.matrix["by"] == "all"]
    turn = {b: place for place, (_, b) in enumerate(results.pairs)}
    data = rows.sort_values("b", key=lambda b: b.map(turn), kind="stable")
    words = {
        f"fate_{side}": [outcome(status, names) for status in data[f"status_{side}"]]
        for side in "ab"
    }
    switched = data["status_a"] != data["status_b"]
    columns = ["a", "b", "status_a", "status_b", *words, "men", "low", "high", "switched"]
    return data.assign(switched=switched, **words)[columns].reset_index(drop=True)


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


def pairs(results: Comparison) -> list[tuple[str, str]]:
    """Return the pairs there is room for."""
    return results.pairs[:MOST_PAIRS]


def of_pair(data: pd.DataFrame, pair: tuple[str, str]) -> pd.DataFrame:
    """Return the rows of a pair."""
    return data[(data["a"] == pair[0]) & (data["b"] == pair[1])]


def sentence(clauses: Iterable[str]) -> str:
    """Join clauses about scenarios; the first letter becomes a capital."""
    text = "; ".join(clauses)
    return text[:1].upper() + text[1:]


def source(results: Comparison) -> str:
    """Return what was compared, with which seed and sample, by which version."""
    first = results.scenarios[0]
    names = listed([elided(name, 40) for name in results.names])
    return (
        f"Source: flowsim {flowsim_version(results.manifest)}, scenarios {names}, seed "
        f"{first.seed}, {sample_of(first.sample)} simulated, "
        f"{plural(results.replications, 'replication')}; the same men in each."
    )


def left_out(results: Comparison) -> str:
    """Return which pairs there was no room for."""
    others = [b for _, b in results.pairs[MOST_PAIRS:]]
    return f" Not drawn: {listed(others)}." if others else ""
