"""What is measured, and which published figures can be held against it: ``measures.csv``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from flowsim.data.tables import shipped

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


class Measure(NamedTuple):
    """A measure of the tables of a run; the names are the keys of ``MEASURES``.

    Attributes
    ----------
    unit, meaning : str
    words : str
        In a few words, as titles have them; empty if its name will do.
    days : {'sum', 'last', 'max', 'mean'}
        How days become one number: flows are summed; stocks and cumulative measures give their
        last day, queues their longest (the last is mostly gone), waits their mean.
    measured_at : tuple of str
        Kinds of place at which the daily table has it.
    units : tuple of str
        Words that a published figure of it may use, the usual one first; empty if none can be held
        against it.
    places : tuple of str
        Kinds of place at which published figures may be of it.
    """

    unit: str
    meaning: str
    words: str
    days: str
    measured_at: tuple[str, ...]
    units: tuple[str, ...]
    places: tuple[str, ...]

    @property
    def adds_up(self) -> bool:
        """Whether it is counted over a window; else it holds at a moment, or is a mean."""
        return self.days == "sum"


MEASURES = {
    name: Measure(unit, meaning, words, days, *(tuple(names.split()) for names in lists))
    for name, unit, meaning, words, days, *lists in (
        tuple(row.values()) for row in shipped("measures").rows
    )
}
COMPARED = {name: measure for name, measure in MEASURES.items() if measure.units}
"""Those that published figures can be held against."""


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
