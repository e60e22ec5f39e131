"""What a scenario is: every key of a scenario file, its unit, its bounds and its meaning.

Reading files, inheritance and messages are in ``scenario``; this file is the reference that
``flowsim schema`` prints. Every number is a parameter with value, unit and source
(``quantity.py``).
"""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import (
    BeforeValidator,
    Field,
    model_validator,
)
from pydantic_core import PydanticCustomError

from flowsim.scenario.clock import Clock
from flowsim.scenario.quantity import (
    Dated,
    DatedShare,
    Days,
    Hours,
    Moment,
    Number,
    PersonsPerDay,
    Quantity,
    Rate,
    Share,
    Strict,
    Table,
    Utility,
)


class Horizon(Strict):
    """From when to when is simulated."""

    start: Moment = Field(description="First day, at 00:00 Moscow time.")
    end: Moment = Field(description="First day no longer simulated, at 00:00 Moscow time.")

    @model_validator(mode="after")
    def _whole_days(self) -> Horizon:
        if self.start.hour or self.end.hour or self.end <= self.start:
            raise PydanticCustomError(
                "horizon",
                "expected whole days, start ({start}) before end ({end}), both at 00:00",
                {
                    "start": self.start.isoformat(timespec="minutes"),
                    "end": self.end.isoformat(timespec="minutes"),
                    "keys": ["end", "start"],
                },
            )
        if self.end - self.start > timedelta(days=400):
            raise PydanticCustomError(
                "horizon",
                "found {days} days; expected at most 400",
                {"days": (self.end - self.start).days, "keys": ["end", "start"]},
            )
        return self

    @property
    def clock(self) -> Clock:
        """The clock of this horizon."""
        return Clock(self.start, self.end)


class Population(Strict):
    """Who the men are; numbers by region come from the data tables (ODD: initialisation)."""

    passport_share: Share = Field(description="Men holding an international passport, national.")
    passport_odds_ratio: Annotated[Number, Quantity("odds ratio", 0.01, 100)] = Field(
        description="Odds of a passport with higher education against without."
    )
    education_level: Annotated[Number, Quantity("ratio", 0, 3)] = Field(
        description="Men's share with higher education against the region's published share."
    )
    education_by_age: Annotated[Table, Quantity("ratio", 0, 3)] = Field(
        description="Share with higher education by age band against the region's."
    )
    education_bounds: tuple[float, float] = Field(
        default=(0.02, 0.75), description="Bounds of the share in any region and age band."
    )
    liable_by_age: Annotated[Table, Quantity("share", 0, 1)] = Field(
        description="Men liable to call-up by age band."
    )

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Population:
        low, high = self.education_bounds
        if not 0 <= low < high <= 1:
            raise PydanticCustomError(
                "bounds",
                "found [{low}, {high}]; expected [low, high], 0 <= low < high <= 1",
                {"low": f"{low:g}", "high": f"{high:g}", "keys": ["education_bounds"]},
            )
        return self


class Panic(Strict):
    """How the pressure to leave rises after an announcement and passes."""

    lag: Days = Field(description="Time constant of the rise: deciding and packing.")
    decay: Days = Field(description="Time constant of the fall: panic that passes.")
    reference: Days = Field(description="T_ref: panic integral of the shipped baseline, fixed.")


class Choice(Strict):
    """Utilities of leaving for each destination (ODD 7.2: one law)."""

    lambda_: Annotated[Number, Quantity("dissimilarity", 0.25, 1)] = Field(
        alias="lambda", description="Dissimilarity of the destinations, 1 = independent."
    )
    constant: dict[str, Utility] = Field(
        description="Alternative-specific constant by destination."
    )
    beta_age: Annotated[Table, Quantity("utility")] = Field(description="By age band.")
    beta_education: Utility = Field(description="Of men with higher education.")
    beta_liable: Utility = Field(description="Of men liable to call-up.")
    kappa: Utility = Field(description="Per log of the region's call-up against the nation's.")
    beta_road: Annotated[Number, Quantity("utility per hour", 0)] = Field(
        description="Cost of a generalised hour of travel and waiting."
    )
    beta_risk: Utility = Field(description="Cost of visible checks to liable men.")
    beta_network: Utility = Field(description="Per log of (1 + co-regionals abroad per 1,000 men).")
    theta: Annotated[Number, Quantity("per hour", 0.001, 10)] = Field(
        description="Sensitivity of the choice of crossing to generalised hours."
    )
    omega: Annotated[Number, Quantity("hours per hour", 0, 10)] = Field(
        description="Weight of a perceived hour of waiting against an hour of travel."
    )
    release: Hours = Field(description="Men pent up behind a closure leave over this time.")


class Travel(Strict):
    """The road."""

    speed: Annotated[Number, Quantity("km per hour", 1)] = Field(description="While driving.")
    drive: Annotated[Number, Quantity("hours", 1)] = Field(description="Driving between rests.")
    rest: Hours = Field(description="Length of a rest.")
    cap: Annotated[Number, Quantity("hours", 1)] = Field(
        description="Longest journey of men who fly or take the train and then a taxi."
    )
    fly_share_poorest: Share = Field(description="Share who can fly, region of lowest income.")
    fly_share_richest: Share = Field(description="Share who can fly, region of highest income.")
    sigma: Annotated[Number, Quantity("log", 0, 2)] = Field(
        description="Spread of the lognormal factor on journey times."
    )
    detour: Annotated[Number, Quantity("ratio", 1, 3)] = Field(
        description="Road over great circle where no road distance is known."
    )


class News(Strict):
    """How late and how smoothly men learn of waits and checks."""

    wait_delay: Hours = Field(description="Age of news about waits.")
    check_delay: Hours = Field(description="Age of news about checks.")
    smoothing: Annotated[Number, Quantity("per day", 0, 1)] = Field(
        description="Weight of the newest news about waits, by the day."
    )


def _check_pace(pace: Dated, target: Number) -> None:
    """Check that a cumulative total never falls and does not pass the target."""
    by_date = pace.value if isinstance(pace.value, dict) else {datetime.min: pace.value}
    totals = [total for _, total in sorted(by_date.items())]
    for before, after in itertools.pairwise(totals):
        if after < before:
            raise PydanticCustomError(
                "pace",
                "pace falls from {before} to {after}; a cumulative total cannot fall",
                {"before": f"{before:,.0f}", "after": f"{after:,.0f}", "keys": ["pace"]},
            )
    if totals[-1] > target.value:
        raise PydanticCustomError(
            "pace",
            "pace reaches {reached}, above the target of {target}; change one of them",
            {
                "reached": f"{totals[-1]:,.0f}",
                "target": f"{target.value:,.0f}",
                "keys": ["pace", "target"],
            },
        )


class CallUp(Strict):
    """Mobilisation at home: pace, whom it reaches, who complies."""

    announced: Moment = Field(description="Moment of the announcement; no panic before it.")
    target: Annotated[Number, Quantity("men", 0)] = Field(description="Announced total.")
    pace: Annotated[Dated, Quantity("men", 0)] = Field(
        description="Announced cumulative total by date, linear in between."
    )
    regional_disparity: Annotated[Number, Quantity("exponent", 0, 3)] = Field(
        description="1: regions as estimated; 0: every region in proportion to its men."
    )
    error_share: Share = Field(description="Summonses that reach men who are not liable.")
    comply: Annotated[Number, Quantity("share", 0.01, 1)] = Field(
        description="Summoned men who comply; the others hide and are listed."
    )
    list_extra: Share = Field(description="Liable men on the border list at random.")

    @model_validator(mode="after")
    def _pace_rises(self) -> CallUp:
        _check_pace(self.pace, self.target)
        return self


class Destination(Strict):
    """A country that can be chosen."""

    code: str = Field(description="Two letters; place_id of its rows in tables.")
    name: str
    requires_passport: bool = Field(description="Whether an international passport is needed.")
    utc_offset_h: int = Field(ge=-12, le=14)
    refusal: Share = Field(description="Men refused on the entry side.")
    background: PersonsPerDay = Field(description="Ordinary entries, before the shock.")
    background_exits: PersonsPerDay = Field(description="Ordinary exits, before the shock.")
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
        description="Outbound Russians cleared a day, all lanes."
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


class Period(Strict):
    """A policy in force from a moment to a moment (both optional)."""

    start: Moment | None = Field(default=None, alias="from", description="Inclusive.")
    end: Moment | None = Field(default=None, alias="to", description="Exclusive.")

    @model_validator(mode="after")
    def _in_order(self) -> Period:
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise PydanticCustomError(
                "period",
                "'to' ({end}) is not after 'from' ({start}); the policy would never hold",
                {
                    "start": self.start.isoformat(timespec="minutes"),
                    "end": self.end.isoformat(timespec="minutes"),
                    "keys": ["to", "from"],
                },
            )
        return self


Places = Annotated[
    tuple[str, ...],
    BeforeValidator(
        lambda at: (at,) if isinstance(at, str) else at,
        json_schema_input_type=str | tuple[str, ...],
    ),
    Field(description="Crossing, list of crossings, destination (all its crossings), or 'all'."),
]


class TaskForcePolicy(Period):
    """Draft officers at a crossing who examine liable men and hand out summonses."""

    kind: Literal["task-force"]
    at: Places
    checks_per_hour: Annotated[Number, Quantity("men per hour", 0)]
    p_serve: Annotated[Number, Quantity("share", 0, 1)] = Field(description="Of men examined.")
    visibility: DatedShare = Field(description="How much of it is known to men at home.")


class ListCheck(Period):
    """Passports held against the list of men called up."""

    kind: Literal["list-check"]
    at: Places
    detection: Annotated[Number, Quantity("share", 0, 1)] = Field(description="Of men on the list.")
    visibility: DatedShare


class EntryLimit(Period):
    """Cars from other regions are stopped short of the crossing."""

    kind: Literal["entry-limit"]
    at: Places
    passes: Share = Field(description="Men stopped who get through all the same.")
    walks: Share = Field(description="Of the rest: go on by foot or bicycle where allowed.")
    turns: Share = Field(description="Of the rest: turn to another destination.")
    exempt_regions: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _shares_of_the_rest(self) -> EntryLimit:
        total = self.walks.value + self.turns.value
        if total > 1 + 1e-9:
            raise PydanticCustomError(
                "shares",
                "walks and turns are shares of the same men, but add up to {total}; "
                "expected at most 1",
                {"total": f"{total:g}", "keys": ["turns", "walks"]},
            )
        return self


class BorderClosed(Period):
    """Nobody ('all') or no man of military age ('men') is let out."""

    kind: Literal["border-closed"]
    at: Places
    for_: Literal["men", "all"] = Field(alias="for")


class FootLane(Period):
    """People on foot, by bicycle or scooter are let through in a lane of their own."""

    kind: Literal["foot-lane"]
    at: Places
    walking_share: Share = Field(description="Of men who come while it is open.")
    background_walking_share: Share = Field(description="Of ordinary travellers.")
    jockeying_share: Share = Field(
        description="Of would-be walkers already in the vehicle lane when it opens: go over."
    )


class Rumour(Period):
    """Talk of a closure that pulls departures forward: panic times (1 + strength)."""

    kind: Literal["rumour"]
    strength: Annotated[Number, Quantity("ratio", 0, 20)]


class CallUpWave(Strict):
    """A further call-up with its own announcement, pace and panic."""

    kind: Literal["call-up-wave"]
    announced: Moment
    target: Annotated[Number, Quantity("men", 0)]
    pace: Annotated[Dated, Quantity("men", 0)]
    strength: Annotated[Number, Quantity("ratio", 0, 20)] = Field(
        description="Its panic against the first call-up's."
    )

    @model_validator(mode="after")
    def _pace_rises(self) -> CallUpWave:
        _check_pace(self.pace, self.target)
        return self


class DocumentRule(Period):
    """A destination asks for, or no longer asks for, the international passport."""

    kind: Literal["document-rule"]
    at: str
    requires_passport: bool


class CapacityPolicy(Period):
    """Capacity of a crossing while the policy holds."""

    kind: Literal["capacity"]
    at: Places
    capacity: PersonsPerDay


Policy = Annotated[
    TaskForcePolicy
    | ListCheck
    | EntryLimit
    | BorderClosed
    | FootLane
    | Rumour
    | CallUpWave
    | DocumentRule
    | CapacityPolicy,
    Field(discriminator="kind"),
]


class Border(Strict):
    """Behaviour at the border that belongs to no single crossing."""

    patience: Days = Field(description="Mean time men wait before giving up the queue.")
    second_try: Share = Field(description="Men turned back, not served, who try once more.")
    second_try_delay: Days
    background_wait_loss: Rate = Field(
        description="Ordinary travellers lost per perceived day of queue (log)."
    )
    background_check_loss: Utility = Field(
        description="Ordinary travellers lost to fully visible checks (log)."
    )
    background_limit_extra: Share = Field(
        description="Ordinary travellers who pass an entry limit beyond the men's share."
    )


class Stay(Strict):
    """What men do once abroad, by destination."""

    move_on: Rate = Field(description="Hazard of moving on to a third country.")
    return_: Rate = Field(alias="return", description="Hazard of returning.")
    family: Annotated[Number, Quantity("persons per man", 0)] = Field(
        description="Family who join a man who stays."
    )
    family_lag: Days


class Observation(Strict):
    """From men to what was counted."""

    companions: Annotated[Number, Quantity("persons per man", 0)]
    persons_per_car: Annotated[Number, Quantity("persons per car", 1)]
    cars_per_km: Annotated[Number, Quantity("cars per km", 1)]
    background_men_share: Share


class Scenario(Strict):
    """A complete scenario, after inheritance and changes."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}$")
    title: str
    description: str = ""
    extends: str | None = Field(default=None, description="File this one starts from.")
    horizon: Horizon
    sample: float = Field(gt=0, le=1, description="Share of the men simulated.")
    seed: int = Field(ge=0, lt=2**63)
    population: Population
    panic: Panic
    choice: Choice
    travel: Travel
    news: News
    call_up: CallUp
    destinations: dict[str, Destination]
    crossings: dict[str, Crossing]
    policies: dict[str, Policy] = Field(default_factory=dict)
    border: Border
    abroad: dict[str, Stay]
    observation: Observation
    capacities: dict[str, Annotated[Number, Quantity("persons", 0)]] = Field(
        default_factory=dict, description="Reception capacity by destination, for reports."
    )
