"""What is measured, and which published figures can be held against it: ``measures.csv``."""

from __future__ import annotations

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
