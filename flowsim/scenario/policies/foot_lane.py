"""Foot lane: people on foot, by bicycle or scooter are let through in a lane of their own."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from flowsim.scenario.policy import AtCrossings
from flowsim.scenario.quantity import Share
from flowsim.scenario.timetable import Cells, Timetable


class FootLane(AtCrossings):
    """People on foot, by bicycle or scooter are let through in a lane of their own."""

    kind: Literal["foot-lane"]
    label: ClassVar[str] = "Crossing on foot"

    walking_share: Share = Field(
        title="men on foot at {place}", description="Of men who come while it is open."
    )
    background_walking_share: Share = Field(
        title="ordinary travellers on foot at {place}", description="Of ordinary travellers."
    )
    jockeying_share: Share = Field(
        title="men moving to the foot lane at {place}",
        description="Of would-be walkers already in the vehicle lane when it opens: go over.",
    )
    seat_share: Share | None = Field(
        default=None,
        title="walkers who find a seat at {place}",
        description="Of those who come on foot when it takes nobody more; the others go home.",
    )

    counts: ClassVar[tuple[str, ...]] = ("queue_on_foot",)
    queue_note: ClassVar[str] = (
        "After {end} the lane takes nobody more; who stands in it is still cleared."
    )

    def apply(self, table: Timetable, cells: Cells) -> None:
        """Open the lane, and set who takes it."""
        table.foot_open[cells] = True
        table.walking_share[cells] = self.walking_share.value
        table.background_walking_share[cells] = self.background_walking_share.value
        table.jockeying_share[cells] = self.jockeying_share.value
        if self.seat_share is not None:
            table.seat_share[:, cells.columns] = self.seat_share.value
