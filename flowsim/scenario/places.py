"""Where a scenario happens: the countries that can be chosen, and the crossings into them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from flowsim.scenario.quantity import (
    Dated,
    DatedShare,
    Days,
    Hours,
    Number,
    PersonsPerDay,
    Quantity,
    Share,
    Strict,
)


class Destination(Strict):
    """A country that can be chosen."""

    code: str = Field(description="Two letters; place_id of its rows in tables.")
    name: str
    requires_passport: bool = Field(
        title="passport needed for {place}",
        description="Whether an international passport is needed.",
    )
    documents: tuple[str, ...] = Field(
        default=(), description="Further documents asked for, named under 'documents'."
    )
    utc_offset_h: int = Field(ge=-12, le=14)
    refusal: Share = Field(
        title="refusals on entry, {place}", description="Men refused on the entry side."
    )
    background: PersonsPerDay = Field(
        title="ordinary entries into {place}", description="Ordinary entries, before the shock."
    )
    background_exits: PersonsPerDay = Field(
        title="ordinary exits from {place}", description="Ordinary exits, before the shock."
    )
    background_season: Annotated[Dated, Quantity("ratio", 0, 10)] = Field(
        description="Ordinary traffic against its level before the shock."
    )
    registers: bool = Field(default=False, description="Whether arrivals are registered.")
    registration_delay: Days | None = Field(default=None, description="From entry to registration.")

    @model_validator(mode="after")
    def _delay_given(self) -> Destination:
        if self.registers and self.registration_delay is None:
            raise PydanticCustomError(
                "registration",
                "is missing; a destination with registers: true needs it (days)",
                {"keys": ["registration_delay"]},
            )
        return self


class Crossing(Strict):
    """A road checkpoint, or 'other ways' into a country, whose queue is the wait for a seat."""

    name: str
    destination: str = Field(description="Name of the destination it leads to.")
    kind: Literal["road", "other ways"] = "road"
    lat: float | None = Field(default=None, ge=-90, le=90)
    lon: float | None = Field(default=None, ge=-180, le=180)
    region: str | None = Field(default=None, description="Code of the region it lies in.")
    group: str | None = Field(default=None, description="Group for published figures.")
    utc_offset_h: int = Field(ge=-12, le=14, description="Of the other side.")
    size_weight: Annotated[Number, Quantity("weight", 0)] = Field(
        description="Size in the choice of crossing; made to add up to 1 in each country."
    )
    background_share: Annotated[Number, Quantity("weight", 0)] = Field(
        description="Share of the country's ordinary traffic; made to add up to 1."
    )
    capacity: Annotated[Dated, Quantity("persons per day", 0)] = Field(
        title="capacity of {place}", description="Outbound Russians cleared a day, all lanes."
    )
    foot_share: DatedShare | None = Field(
        default=None, description="Capacity kept for the foot lane while it is open."
    )
    travel: Hours | None = Field(default=None, description="Journey time of 'other ways'.")

    @model_validator(mode="after")
    def _somewhere(self) -> Crossing:
        if self.kind == "road" and (self.lat is None or self.lon is None):
            raise PydanticCustomError(
                "position",
                "is missing; a road crossing needs lat and lon (degrees)",
                {"keys": ["lat" if self.lat is None else "lon"]},
            )
        if self.kind == "other ways" and self.travel is None:
            raise PydanticCustomError(
                "position", "is missing; 'other ways' needs it (hours)", {"keys": ["travel"]}
            )
        return self
