"""Which published figures can be compared: of what, in which unit, at what kind of place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

UNITS = {
    "persons": "men, women and children",
    "crossings": "crossings of the border: one person going twice counts twice",
    "men": "men of any age",
    "notices": "call-up papers handed over",
    "cars": "passenger cars",
    "vehicles": "vehicles of every kind; compared as cars where the measure is one of cars",
    "km": "kilometres",
    "hours": "hours",
    "percent": "of 100, not of 1",
}
"""The words for units, and what each means."""

CROSSINGS = ("crossing", "group")
ENTRIES = ("crossing", "group", "destination")


class Compared(NamedTuple):
    """A measure of the model that published figures can be held against.

    Attributes
    ----------
    units : tuple of str
        Words that a figure may use, the usual one first.
    places : tuple of str
        Kinds of place at which the model has it.
    adds_up : bool
        Whether it is counted over a window; else it holds at a moment, or is a mean.
    """

    units: tuple[str, ...]
    places: tuple[str, ...]
    adds_up: bool = False


_PASSING = Compared(("crossings", "persons"), ENTRIES, adds_up=True)
_STOPPED = Compared(("men", "persons"), ENTRIES, adds_up=True)

COMPARED: dict[str, Compared] = {
    "arrivals_at_border": _PASSING,
    "entries": _PASSING,
    "entries_men": Compared(("crossings", "men"), ENTRIES, adds_up=True),
    "exits": Compared(("crossings", "persons"), ("destination",), adds_up=True),
    "crossings_out": _PASSING,
    "persons_both_ways": _PASSING,
    "cars_cleared": Compared(("cars", "vehicles"), ENTRIES, adds_up=True),
    "vehicles_both_ways": Compared(("vehicles", "cars"), ENTRIES, adds_up=True),
    "checked": _STOPPED,
    "refused": _STOPPED,
    "refused_entry": _STOPPED,
    "limited": _STOPPED,
    "gave_up": _STOPPED,
    "notices": Compared(("notices", "men"), ENTRIES, adds_up=True),
    "notices_expected": Compared(("notices", "men"), ENTRIES, adds_up=True),
    "queue_persons": Compared(("persons",), ENTRIES),
    "queue_on_foot": Compared(("persons",), ENTRIES),
    "queue_cars": Compared(("cars", "vehicles"), ENTRIES),
    "queue_km": Compared(("km",), ENTRIES),
    "wait_hours": Compared(("hours",), ENTRIES),
    "called_up": Compared(("men", "persons"), ("nation",)),
    "passport_share": Compared(("percent",), ("nation", "region")),
}
"""Measures by name, as the tables of a run have them."""


class Figure(NamedTuple):
    """What of a published figure has to fit together; see ``rows.Observation``."""

    measure: str
    unit: str
    per_day: bool
    numbers: tuple[float, float, float]
    hours: float


def mistakes(figure: Figure) -> Iterator[tuple[str, str]]:
    """Return column and message of what does not fit together in a figure that is compared."""
    compared = COMPARED[figure.measure]
    low, value, high = figure.numbers
    if figure.unit not in compared.units:
        slash = figure.unit.partition("/")
        daily = slash[0] in compared.units and slash[2] in ("day", "24h")
        expected = " or ".join(compared.units)
        hint = f": write {slash[0]}, and 1 under per_day" if daily else ""
        yield "unit", f"found {figure.unit!r}; {figure.measure} is in {expected}{hint}"
    if not low <= value <= high:
        yield "value", f"found {value:g}; expected {low:g} (low) to {high:g} (high)"
    if figure.unit == "percent" and high > 100:
        yield "value", f"found {high:g}; expected at most 100 percent"
    if figure.per_day and not compared.adds_up:
        yield "per_day", f"found 1; {figure.measure} does not add up over days: leave it out"
    if figure.hours < 0:
        yield "window_end", "lies before window_start; are they the wrong way round?"
    elif figure.hours == 0 and compared.adds_up:
        yield (
            "window_end",
            f"is the same moment as window_start, but {figure.measure} is counted over a time; "
            "the window ends at T00:00 of the day after the last",
        )
