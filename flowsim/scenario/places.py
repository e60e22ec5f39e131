"""Where a scenario happens: countries, the documents they ask for, the crossings into them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field, model_validator

from flowsim.scenario.quantity import (
    NAMED,
    Dated,
    DatedShare,
    Days,
    Hours,
    Line,
    Number,
    PersonsPerDay,
    Quantity,
    Share,
    Strict,
    UtcOffsets,
    Weekdays,
    refused,
)
from flowsim.scenario.tree import no_such

PASSPORT = "passport"
"""Name of the first document; ``population.passport_share`` is the share who hold it."""


class Nation(Strict):
    """Whose men they are, in tables and words."""

    code: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,9}$", description="place_id of the nation in tables."
    )
    name: str = Field(description="Of the country, such as Russia.")
    people: str = Field(description="Adjective, such as Russian.")
    clock: str = Field(description="What its clock is called, such as Moscow time.")


RUSSIA = Nation(code="RU", name="Russia", people="Russian", clock="Moscow time")


class OrdinaryStay(Strict):
    """How long ordinary travellers stay: a share a short time, the rest a long one."""

    short_share: Share = Field(
        title="ordinary travellers who stay briefly", description="The others stay long."
    )
    short: Annotated[Number, Quantity("days", 0.1)] = Field(
        title="short stays", description="Mean of the short stays."
    )
    long: Annotated[Number, Quantity("days", 1)] = Field(
        title="long stays", description="Mean of the long stays."
    )


class Document(Strict):
    """A document that a destination may ask for beside the passport, such as a visa."""

    name: Line = Field(description="In sentences and figures, such as 'Schengen visa'.")
    share: Share = Field(
        title="share with a {place}", description="Men who hold it, of those with what it needs."
    )
    by_region: dict[str, Share] | None = Field(
        default=None, description="The same in regions where it differs, by code."
    )
    needs: str | None = Field(
        default=None,
        description="Document without which nobody holds it: passport, or one listed above it.",
    )
    only_holders: bool | None = Field(
        default=None,
        description="Whether those without it are not taken to want to go where it is asked for; "
        "left out, they count as involuntary stayers.",
    )


def unknown(name: str, documents: Sequence[str]) -> str:
    """Return what is wrong with the name of a document; empty if it is known."""
    known = [PASSPORT, *documents]
    expected = f"; expected one of {', '.join(known)}"
    return "" if name in known else no_such(name, known, "not a document", expected)


def mistakes(
    documents: Mapping[str, Document], regions: Sequence[str]
) -> Iterator[tuple[str, str, str]]:
    """Return name, key and message of what is wrong with documents."""
    above: list[str] = []
    for name, document in documents.items():
        if name == PASSPORT:
            yield name, "", "is there already: its share is population.passport_share; rename this"
        if document.needs is not None and (message := unknown(document.needs, above)):
            yield name, "needs", f"{message}; a document needs one listed above it"
        for code in document.by_region or {}:
            if code not in regions:
                expected = "; expected a code such as RU-MOW"
                yield name, "by_region", no_such(code, regions, "not a region", expected)
        above.append(name)


def asked_for(documents: Mapping[str, Document], asked: set[str]) -> tuple[str, ...]:
    """Return the passport, and in order the documents asked for and what those need."""
    wanted = set(asked)
    for name, document in reversed(list(documents.items())):
        if name in wanted and document.needs is not None:
            wanted.add(document.needs)
    return (PASSPORT, *(name for name in documents if name in wanted))


class Destination(Strict):
    """A country that can be chosen."""

    code: str = Field(pattern=NAMED, description="Two letters; place_id of its rows in tables.")
    name: Line = Field(description="In sentences and figures, such as Georgia.")
    requires_passport: bool = Field(
        title="passport needed for {place}",
        description="Whether an international passport is needed.",
    )
    documents: tuple[str, ...] = Field(
        default=(), description="Further documents asked for, named under 'documents'."
    )
    utc_offset_h: UtcOffsets = Field(
        description="Hours of its clock ahead of UTC; by date where clocks are changed."
    )
    refusal: Share = Field(
        title="refusals on entry, {place}", description="Men refused on the entry side."
    )
    background: PersonsPerDay = Field(
        title="ordinary entries into {place}", description="Ordinary entries, before the shock."
    )
    background_exits: PersonsPerDay | None = Field(
        default=None,
        title="ordinary entries into {place} before the horizon",
        description="Ordinary entries of the weeks before the horizon, which now leave again; "
        "as many as `background` if left out.",
    )
    background_weekday: Annotated[Weekdays, Quantity("ratio", 0, 10)] | None = Field(
        default=None, description="Ordinary entries by local weekday; scaled to a mean of 1."
    )
    ordinary_stay: OrdinaryStay | None = Field(
        default=None, description="Stays of its ordinary travellers, if not as elsewhere."
    )
    present_before: Annotated[Number, Quantity("persons", 0)] | None = Field(
        default=None, description="Citizens of the nation who lived there before the horizon."
    )
    background_season: Annotated[Dated, Quantity("ratio", 0, 10)] = Field(
        description="Ordinary traffic against its level before the shock."
    )
    panic_lag: Days | None = Field(
        default=None,
        title="lag of panic towards {place}",
        description="Time constant of the rise of panic towards it, if not as elsewhere.",
    )
    panic_decay: Days | None = Field(
        default=None,
        title="decay of panic towards {place}",
        description="Time constant of the fall of panic towards it, if not as elsewhere.",
    )
    displaces: Share | None = Field(
        default=None,
        title="seats taken from ordinary passengers, {place}",
        description="Of those who leave for it, who take a seat that an ordinary passenger of "
        "`elsewhere` by air would have had; left out, none do.",
    )
    registers: bool = Field(default=False, description="Whether arrivals are registered.")
    registration_delay: Days | None = Field(default=None, description="From entry to registration.")

    @model_validator(mode="after")
    def _delay_given(self) -> Destination:
        if self.registers and self.registration_delay is None:
            message = "is missing; a destination with registers: true needs it (days)"
            raise refused(message, "registration_delay")
        return self


class Need(Number):
    """What those received need: beds, meals, staff; who asks for none is in the number."""

    of: Literal["present", "newcomers"] = Field(
        default="present",
        description="For each person present, families included, or each newcomer of the day.",
    )


class Crossing(Strict):
    """A road checkpoint, or 'other ways' into a country, whose queue is the wait for a seat."""

    name: Line = Field(description="In sentences and figures, such as Verkhny Lars.")
    destination: str = Field(description="Name of the destination it leads to.")
    kind: Literal["road", "rail", "other ways"] = Field(
        default="road",
        description="Of rail and other ways the queue is the wait for a seat; no car, no lane.",
    )
    lat: float | None = Field(
        default=None, ge=-90, le=90, description="Degrees north; of a road crossing."
    )
    lon: float | None = Field(
        default=None, ge=-180, le=180, description="Degrees east; of a road crossing."
    )
    region: str | None = Field(default=None, description="Code of the region it lies in.")
    group: Line | None = Field(default=None, description="Group for published figures.")
    utc_offset_h: UtcOffsets = Field(
        description="Hours of the other side's clock ahead of UTC; by date where it is changed."
    )
    size_weight: Annotated[Number, Quantity("weight", 0)] = Field(
        description="Size in the choice of crossing; made to add up to 1 in each country."
    )
    background_share: Annotated[Number, Quantity("weight", 0)] = Field(
        description="Share of the country's ordinary traffic; made to add up to 1."
    )
    capacity: Annotated[Dated, Quantity("persons per day", 0)] | None = Field(
        default=None,
        title="capacity of {place}",
        description="Outbound citizens cleared a day; or give vehicles and walkers.",
    )
    vehicles: Annotated[Dated, Quantity("cars per day", 0)] | None = Field(
        default=None,
        title="cars a day at {place}",
        description="Outbound cars of citizens a day if only cars are cleared.",
    )
    walkers: Annotated[Dated, Quantity("persons per day", 0)] | None = Field(
        default=None,
        title="walkers a day at {place}",
        description="Outbound citizens on foot a day if only they are cleared.",
    )
    foot_share: DatedShare | None = Field(
        default=None, description="Of the officers, for the foot lane while both lanes have work."
    )
    travel: Hours | None = Field(default=None, description="Journey time by rail or other ways.")
    others: PersonsPerDay | None = Field(
        default=None,
        description="Who crosses besides outbound citizens: both directions, all nationalities.",
    )
    counted_elsewhere: bool | None = Field(
        default=None,
        description="Whether its ordinary travellers leave Russia for another country, and are "
        "counted under `elsewhere`.",
    )
    others_per_vehicle: Annotated[Number, Quantity("persons per vehicle", 1)] | None = Field(
        default=None, description="Of these, in a vehicle; for counts of all vehicles."
    )

    @model_validator(mode="after")
    def _somewhere(self) -> Crossing:
        if self.kind == "road" and (self.lat is None or self.lon is None):
            missing = "lat" if self.lat is None else "lon"
            raise refused("is missing; a road crossing needs lat and lon (degrees)", missing)
        if self.kind != "road" and self.travel is None:
            raise refused(f"is missing; {self.kind!r} needs it (hours)", "travel")
        return self

    @model_validator(mode="after")
    def _some_capacity(self) -> Crossing:
        lanes = self.vehicles is not None, self.walkers is not None
        if (self.capacity is None) != any(lanes) or any(lanes) != all(lanes):
            keys = ("capacity", "vehicles", "walkers")
            found = " and ".join(key for key in keys if getattr(self, key)) or "none of them"
            raise refused(
                f"found {found}; expected capacity alone (persons per day), or vehicles (cars per "
                "day) and walkers (persons per day); null takes one away",
                *keys,
            )
        return self


class Elsewhere(Strict):
    """A country into which ordinary traffic alone is counted: nobody is modelled to flee there."""

    code: str = Field(description="Short; place_id of its rows in tables.")
    name: str = Field(description="In sentences and figures.")
    by: Literal["land", "air"] = Field(
        description="Kind of border, by which the men's share goes; by air leavers take seats."
    )
    exits: PersonsPerDay = Field(
        title="ordinary exits to {place}",
        description="Mean of the quarter before the call-up, both sexes.",
    )
    season: Annotated[Dated, Quantity("ratio", 0, 10)] = Field(
        title="season of {place}", description="Exits by date against that mean."
    )
