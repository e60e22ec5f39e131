"""Call-ups: what is announced, and whom the first reaches."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Annotated

from pydantic import Field, model_validator

from flowsim.scenario.quantity import (
    Dated,
    DatedShare,
    Moment,
    Number,
    Quantity,
    Share,
    Strict,
    refused,
)


class Announcement(Strict):
    """What is announced of a call-up: when, how many, how fast."""

    announced: Moment = Field(description="Moment of the announcement; no panic before it.")
    target: Annotated[Number, Quantity("men", 0)] = Field(
        title="men to be called up", description="Announced total."
    )
    pace: Annotated[Dated, Quantity("men", 0)] = Field(
        title="pace of the call-up",
        description="Announced cumulative total by date, linear in between.",
    )

    @model_validator(mode="after")
    def _pace_rises(self) -> Announcement:
        """Check that the cumulative total never falls and does not pass the target."""
        by_date = self.pace.value
        by_date = by_date if isinstance(by_date, dict) else {datetime.min: by_date}
        totals = [total for _, total in sorted(by_date.items())]
        for before, after in itertools.pairwise(totals):
            if after < before:
                fall = f"pace falls from {before:,.0f} to {after:,.0f}"
                raise refused(f"{fall}; a cumulative total cannot fall", "pace")
        if totals[-1] > self.target.value:
            target = f"above the target of {self.target.value:,.0f}; change one of them"
            raise refused(f"pace reaches {totals[-1]:,.0f}, {target}", "pace", "target")
        return self


class CallUp(Announcement):
    """Mobilisation at home: pace, whom it reaches, who complies."""

    regional_disparity: Annotated[Number, Quantity("exponent", 0, 3)] = Field(
        title="regional disparity of the call-up",
        description="1: regions as estimated; 0: every region in proportion to its men.",
    )
    error_share: Share = Field(
        title="summonses in error", description="Summonses that reach men who are not liable."
    )
    comply: Annotated[Number, Quantity("share", 0.01, 1)] = Field(
        title="compliance with summonses",
        description="Summoned men who comply; the others hide and are listed.",
    )
    list_extra: DatedShare = Field(
        title="liable men on the no-exit list",
        description="Liable men on the no-exit list beside the summoned, at random, by date.",
    )
