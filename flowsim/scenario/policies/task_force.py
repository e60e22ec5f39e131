"""Task force: draft officers at a crossing who examine liable men and hand out summonses."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from flowsim.scenario.policy import AtCrossings
from flowsim.scenario.quantity import DatedShare, Number, Quantity, Share
from flowsim.scenario.timetable import Cells, Timetable


class TaskForce(AtCrossings):
    """Draft officers at a crossing who examine liable men and hand out summonses."""

    kind: Literal["task-force"]
    label: ClassVar[str] = "Draft officers"

    checks_per_hour: Annotated[Number, Quantity("men per hour", 0)] = Field(
        title="checks per hour at {place}", description="Liable men examined an hour."
    )
    p_serve: Share = Field(
        title="summonses per man checked at {place}", description="Of men examined."
    )
    visibility: DatedShare = Field(
        title="visibility of checks at {place}",
        description="How much men at home know of it if very many are checked.",
    )

    counts: ClassVar[tuple[str, ...]] = ("checked", "notices", "notices_expected")
    turned_back_by: ClassVar[str] = "a check"
    caveat: ClassVar[str] = (
        "Few notices do not mean little effect: how many men the sight of a task force deterred "
        "is an assumption (choice.beta_risk), not a count."
    )

    def idle(self) -> Iterator[tuple[str, str]]:
        """Return what is idle where nobody is checked."""
        if not self.checks_per_hour.value:
            yield "p_serve", "nobody is checked (checks_per_hour is 0)"
            yield "visibility", "nobody is checked (checks_per_hour is 0)"

    def apply(self, table: Timetable, cells: Cells) -> None:
        """Set how many men are examined, how many of them served, and how much is seen of it."""
        table.checks[cells] = self.checks_per_hour.value
        table.p_serve[cells] = self.p_serve.value
        heard = -math.expm1(-self.checks_per_hour.value / table.checks_heard)
        table.show(cells, self.visibility, heard)
