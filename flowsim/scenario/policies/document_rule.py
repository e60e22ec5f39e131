"""Document rule: a destination asks for, or no longer asks for, the international passport."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from flowsim.scenario.policy import Period
from flowsim.scenario.timetable import Cells, Timetable


class DocumentRule(Period):
    """A destination asks for, or no longer asks for, the international passport."""

    kind: Literal["document-rule"]
    at: str
    requires_passport: bool = Field(title="passport needed for {place}")

    scope: ClassVar = "destination"

    @property
    def label(self) -> str:
        """Its label in figures."""
        return f"International passport {'needed' if self.requires_passport else 'not needed'}"

    @property
    def places(self) -> tuple[str, ...]:
        """Its destination."""
        return (self.at,)

    def columns(self, table: Timetable) -> list[int]:
        """Return the column of its destination among the destinations."""
        return [table.destinations.index(self.at)]

    def apply(self, table: Timetable, cells: Cells) -> None:
        """Set whether the destination asks for the passport."""
        table.requires_passport[cells] = self.requires_passport
