"""Rumour: talk of a closure that pulls departures forward."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Discriminator, Field, Tag

from flowsim.scenario.policy import Period, Surroundings
from flowsim.scenario.quantity import Days, Number, Quantity
from flowsim.scenario.timetable import Cells, Timetable
from flowsim.scenario.tree import no_such

_One = Annotated[Number, Quantity("ratio", 0, 20)]
Strength = Annotated[_One, Tag("one")] | Annotated[dict[str, _One], Tag("each")]


def _form(strength: Any) -> str:
    """Whether one number is given for all destinations, or one for each."""
    each = isinstance(strength, dict) and "value" not in strength
    return "each" if each else "one"


class Rumour(Period):
    """Talk of a closure that pulls departures forward: panic times (1 + strength)."""

    kind: Literal["rumour"]
    label: ClassVar[str] = "Rumour of closure"

    strength: Annotated[Strength, Discriminator(_form)] = Field(
        title="strength of the {policy}", description="One number, or one by destination."
    )
    fade: Days | None = Field(
        default=None,
        title="fading of the {policy}",
        description="After its end it fades with this time constant; left out, it ends at once.",
    )

    def idle(self) -> Iterator[tuple[str, str]]:
        """Return the fading of what has no end."""
        if self.fade is not None and self.end is None:
            yield "fade", "it fades after its end, and has none"

    def apply(self, table: Timetable, cells: Cells) -> None:
        """Strengthen the panic by destination, and let it fade after the end."""
        hours = np.arange(len(table.rumour)) + 0.5 - cells.rows.stop
        fade = 24 * self.fade.value if self.fade is not None else 0.0
        after = np.exp(-np.maximum(hours, 0) / fade) if fade > 0 else np.zeros(len(hours))
        course = np.where(hours < 0, 1.0, after)
        course[: cells.rows.start] = 0.0
        for j, destination in enumerate(table.destinations):
            each = self.strength
            strength = each.get(destination) if isinstance(each, dict) else each
            table.rumour[:, j] += course * (strength.value if strength is not None else 0.0)

    def check(self, around: Surroundings) -> Iterator[tuple[str, str]]:
        """Check its dates, and that the destinations it is about exist."""
        yield from super().check(around)
        for place in self.strength if isinstance(self.strength, dict) else ():
            if place not in around.destinations:
                known, expected = around.destinations, "; expected a destination"
                yield "strength", no_such(place, known, "not known", expected)
