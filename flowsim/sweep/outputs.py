"""Which numbers and daily series a sweep keeps of each run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from flowsim.results.measures import MEASURES, Place, known_measures, places, reduction
from flowsim.scenario.files import Read
from flowsim.scenario.schema import Scenario
from flowsim.scenario.tree import no_such, suggestion
from flowsim.sweep.schema import OutputEntry, SweepFile

DEFAULT = (
    ("departures", "nation"),
    ("involuntary_stayers", "nation"),
    ("entries_men", "destination"),
    ("stock_men", "destination"),
    ("notices", "destination"),
)
"""Outputs of a file that names none."""


class Series(NamedTuple):
    """One daily series, as the table of daily results names it."""

    place_kind: str
    place_id: str
    measure: str


@dataclass(frozen=True)
class Output:
    """A number kept of each run and place: a daily series, reduced.

    Attributes
    ----------
    name : str
        ``measure`` of its rows in the table of results.
    title : str
        What figures call it; may be empty.
    measure : str
        Of the daily table.
    places : tuple of Place
        One row each.
    reduce : {'sum', 'last', 'first', 'max', 'min', 'mean'}
        Days without a value (nobody waited) are left out; without any day it is NaN.
    start, end : datetime or None
        Window of days, the end not included.
    """

    name: str
    title: str
    measure: str
    places: tuple[Place, ...]
    reduce: str
    start: datetime | None = None
    end: datetime | None = None


def read_outputs(read: Read[SweepFile], scenarios: Sequence[Scenario]) -> tuple[Output, ...]:
    """Return the outputs of a file, or the usual ones; notes mistakes."""
    first, *others = [places(scenario) for scenario in scenarios]
    known = {name: place for name, place in first.items() if all(name in o for o in others)}
    if not read.model.outputs:
        return tuple(_defaults(known))
    found = []
    for name, entry in read.model.outputs.items():
        output = _output(read, name, entry or OutputEntry(), known)
        if output is not None:
            _check_window(read, output, scenarios)
            found.append(output)
    return tuple(found)


def _defaults(known: dict[str, Place]) -> Iterator[Output]:
    for measure, kind in DEFAULT:
        there = tuple(dict.fromkeys(place for place in known.values() if place.kind == kind))
        yield Output(measure, "", measure, there, reduction(measure))


def _output(
    read: Read[SweepFile], name: str, entry: OutputEntry, known: dict[str, Place]
) -> Output | None:
    at = ("outputs", name)
    measure = entry.measure or name
    if measure not in known_measures():
        what = f"{measure!r} is no measure" + ("" if entry.measure else "; name one with measure:")
        near = suggestion(measure, known_measures()) or f"; known are {', '.join(known_measures())}"
        read.refuse(f"{what}{near}", *at, "measure")
        return None
    kinds = [kind for kind, names in MEASURES.items() if measure in names]
    if entry.place is None and "nation" not in kinds:
        read.refuse(f"needs a place; {measure} is measured by {' and '.join(kinds)}", *at)
        return None
    nation = next((place.place_id for place in known.values() if place.kind == "nation"), "")
    asked = entry.place or (nation,)
    found = [_place(read, place, known, *at, "place") for place in asked]
    there = tuple(dict.fromkeys(place for place in found if place is not None))
    for place in there:
        if place.kind not in kinds:
            message = f"{measure} is not measured at {place.place_id} ({place.kind}); only by "
            read.refuse(message + " and ".join(kinds), *at, "place")
    rule = entry.reduce or reduction(measure)
    return Output(name, entry.title, measure, there, rule, entry.start, entry.end)


def _place(read: Read[SweepFile], named: str, known: dict[str, Place], *at: str) -> Place | None:
    if named not in known:
        expected = f"; expected one of {', '.join(known)}"
        read.refuse(no_such(named, known, "not a place", expected), *at)
    return known.get(named)


def _check_window(read: Read[SweepFile], output: Output, scenarios: Sequence[Scenario]) -> None:
    for scenario in scenarios:
        start, end = scenario.horizon.start, scenario.horizon.end
        if (output.start or start) >= end or (output.end or end) <= start:
            message = f"no day lies inside the horizon ({start:%Y-%m-%d} to {end:%Y-%m-%d})"
            read.refuse(message, "outputs", output.name)


def kept_series(
    read: Read[SweepFile], outputs: Sequence[Output], scenarios: Sequence[Scenario]
) -> tuple[Series, ...]:
    """Return the daily series to compute and store, each once; notes mistakes."""
    keep = read.model.keep
    every: dict[str, Place] = {}
    for scenario in scenarios:
        every |= places(scenario)
    named = [_place(read, place, every, "keep", "places") for place in keep.places]
    where = {place for place in named if place is not None} or set(every.values())
    series = [Series(p.kind, p.place_id, o.measure) for o in outputs for p in o.places]
    for measure in known_measures() if "all" in keep.measures else keep.measures:
        if measure not in known_measures():
            expected = "; expected all, or names of measures"
            said = no_such(measure, known_measures(), "no measure", expected)
            read.refuse(said, "keep", "measures")
        series += [
            Series(p.kind, p.place_id, measure) for p in where if measure in MEASURES[p.kind]
        ]
    return tuple(sorted(set(series)))
