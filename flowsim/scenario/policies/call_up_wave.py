"""Call-up wave: a further call-up with its own announcement, pace and panic."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from flowsim.scenario.policy import Announcement, Policy, Surroundings
from flowsim.scenario.quantity import Number, Quantity


class CallUpWave(Announcement, Policy):
    """A further call-up with its own announcement, pace and panic."""

    kind: Literal["call-up-wave"]
    label: ClassVar[str] = "Further call-up announced"

    strength: Annotated[Number, Quantity("ratio", 0, 20)] = Field(
        title="strength of the {policy}", description="Its panic against the first call-up's."
    )

    @property
    def span(self) -> tuple[datetime, None]:
        """When it is announced."""
        return self.announced, None

    @property
    def announcement(self) -> tuple[Announcement, float]:
        """Its announcement, and the strength of its panic."""
        return self, self.strength.value

    def check(self, around: Surroundings) -> Iterator[tuple[str, str]]:
        """Check that it is announced within the horizon."""
        horizon = around.horizon
        if horizon is not None and not horizon.start <= self.announced < horizon.end:
            yield "announced", around.outside(self.announced)
