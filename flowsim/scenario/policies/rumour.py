"""Rumour: talk of a closure that pulls departures forward."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from flowsim.scenario.policy import Period
from flowsim.scenario.quantity import Number, Quantity
from flowsim.scenario.timetable import Cells, Timetable


class Rumour(Period):
    """Talk of a closure that pulls departures forward: panic times (1 + strength)."""

    kind: Literal["rumour"]
    strength: Annotated[Number, Quantity("ratio", 0, 20)] = Field(title="strength of the {policy}")

    @property
    def label(self) -> str:
        """Its label in figures."""
        return "Rumour of closure"

    def apply(self, table: Timetable, cells: Cells) -> None:
        """Strengthen the panic of the nation."""
        table.rumour[cells.rows] += self.strength.value
