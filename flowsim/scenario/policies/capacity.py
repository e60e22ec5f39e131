"""Capacity: how many a crossing clears while the policy holds."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from flowsim.scenario.clock import DAY
from flowsim.scenario.policy import AtCrossings
from flowsim.scenario.quantity import PersonsPerDay
from flowsim.scenario.timetable import Cells, Timetable


class Capacity(AtCrossings):
    """Capacity of a crossing while the policy holds."""

    kind: Literal["capacity"]
    capacity: PersonsPerDay = Field(
        title="capacity of {place}", description="Outbound citizens cleared a day."
    )

    @property
    def label(self) -> str:
        """Its label in figures."""
        return f"Capacity {self.capacity.value:,.0f} a day"

    def apply(self, table: Timetable, cells: Cells) -> None:
        """Set the capacity."""
        table.capacity[cells] = table.walkers[cells] = self.capacity.value / DAY
