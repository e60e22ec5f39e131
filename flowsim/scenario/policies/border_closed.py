"""Border closed: nobody, or no man of military age, is let out."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from flowsim.scenario.policy import AtCrossings
from flowsim.scenario.timetable import Cells, Timetable


class BorderClosed(AtCrossings):
    """Nobody ('all') or no man of military age ('men') is let out."""

    kind: Literal["border-closed"]
    for_: Literal["men", "all"] = Field(
        alias="for", description="Men of military age, or everybody."
    )

    turned_back_by: ClassVar[str] = "the closed border"
    caveat: ClassVar[str] = (
        "The border was never closed as {names} has it: nothing published can test this scenario, "
        "and everything it shows about diversion hangs on lambda."
    )

    @property
    def label(self) -> str:
        """Its label in figures."""
        return "Closed to men" if self.for_ == "men" else "Closed"

    def apply(self, table: Timetable, cells: Cells) -> None:
        """Close the crossings."""
        (table.closed if self.for_ == "all" else table.closed_to_men)[cells] = True
