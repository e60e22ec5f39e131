"""List check: passports held against the list of men called up."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from flowsim.scenario.policy import AtCrossings
from flowsim.scenario.quantity import DatedShare, Share
from flowsim.scenario.timetable import Cells, Timetable


class ListCheck(AtCrossings):
    """Passports held against the list of men called up."""

    kind: Literal["list-check"]
    label: ClassVar[str] = "Call-up list checked"

    detection: Share = Field(
        title="listed men detected at {place}", description="Of men on the list."
    )
    visibility: DatedShare = Field(
        title="visibility of checks at {place}",
        description="How much of it is known to men at home.",
    )

    turned_back_by: ClassVar[str] = "a check"
    caveat: ClassVar[str] = (
        "How many men stood on the border guards' lists, and how many of them were found, is "
        "assumed."
    )

    def apply(self, table: Timetable, cells: Cells) -> None:
        """Set how many listed men are detected, and how much is seen of it."""
        table.detection[cells] = self.detection.value
        table.show(cells, self.visibility)
