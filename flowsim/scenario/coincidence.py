"""Which policies of a scenario came at the same time, and what they are to explain together."""

from __future__ import annotations

from pydantic import Field

from flowsim.scenario.quantity import Line, Moment, Strict


class Target(Strict):
    """A measure of a place, over some days: a row of the daily table."""

    title: Line = Field(description="What figures and sentences call it.")
    unit: Line = Field(description="Such as persons a day.")
    place: str = Field(description="As place_id in tables.")
    measure: str = Field(description="As in tables.")
    days: tuple[Moment, Moment] = Field(
        description="First and last day; the mean over them is taken."
    )
    against: tuple[Moment, Moment] | None = Field(
        default=None, description="Days from whose mean it is taken: then the fall since them."
    )


class Coincidence(Strict):
    """Policies that fall together in time, so that one run cannot tell what each did."""

    policies: dict[str, Line] = Field(
        description="Names of the policies, and what to call each in a sentence."
    )
    targets: tuple[Target, ...] = Field(min_length=1, description="What is divided among them.")
