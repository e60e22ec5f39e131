"""What a scenario is: every key of a scenario file, its unit, its bounds and its meaning.

With ``places.py``, ``policy.py`` and ``policies/`` the reference that ``flowsim schema`` prints.
Every number is a parameter with value, unit and source (``quantity.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, WithJsonSchema, model_validator

from flowsim.data import sources
from flowsim.data.own import parsed_outlines
from flowsim.data.rows import Observation as Published
from flowsim.data.rows import Region
from flowsim.scenario.clock import Clock
from flowsim.scenario.places import (
    RUSSIA,
    Crossing,
    Destination,
    Document,
    Elsewhere,
    Nation,
    Need,
    OrdinaryStay,
)
from flowsim.scenario.policies import AnyPolicy
from flowsim.scenario.policy import Announcement, CallUp
from flowsim.scenario.quantity import (
    NAMED,
    Days,
    Effect,
    Hours,
    Line,
    Moment,
    Number,
    Quantity,
    Rate,
    Share,
    Strict,
    Table,
    UtcOffset,
    Utility,
    refused,
)
from flowsim.scenario.timetable import Cells, Timetable

FOR_READERS = frozenset(
    {
        *("name", "title", "description", "extends", "happened", "cautions", "coincidence"),
        *("observations", "outlines"),
    }
)
"""Keys of a scenario that change no result of a run."""
FACTS = ("population", "call_up", "documents", "destinations", "crossings", "policies")
"""Blocks that hold what was the case; the others hold how men behave and what is counted."""

NamedTable = WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "null"}]})
"""A table is named in the file of a scenario; reading puts its rows in place of the name."""
Kilometres = Annotated[float, Field(ge=0, le=40_000)]


class Horizon(Strict):
    """From when to when is simulated."""

    start: Moment = Field(description="First day, at 00:00 Moscow time.")
    end: Moment = Field(description="First day no longer simulated, at 00:00 Moscow time.")
    utc_offset_h: UtcOffset | None = Field(
        default=None,
        description="Hours from UTC of the clock of the whole file; 3, Moscow's, if left out.",
    )

    @model_validator(mode="after")
    def _whole_days(self) -> Horizon:
        if self.start.hour or self.end.hour or self.end <= self.start:
            start, end = (at.isoformat(timespec="minutes") for at in (self.start, self.end))
            order = f"start ({start}) before end ({end})"
            raise refused(f"expected whole days, {order}, both at 00:00", "end", "start")
        if (days := (self.end - self.start).days) > 400:
            raise refused(f"found {days} days; expected at most 400", "end", "start")
        return self

    @property
    def clock(self) -> Clock:
        """The clock of this horizon."""
        if self.utc_offset_h is None:
            return Clock(self.start, self.end)
        return Clock(self.start, self.end, self.utc_offset_h)


class Population(Strict):
    """Who the men are; numbers by region come from the data tables (ODD: initialisation)."""

    regions: Annotated[tuple[Region, ...] | None, NamedTable] = Field(
        default=None,
        description="Table of the regions (CSV; flowsim schema --kind regions); the shipped ones "
        "if left out.",
    )
    passport_share: Share = Field(description="Men holding an international passport, national.")
    passport_odds_ratio: Annotated[Number, Quantity("odds ratio", 0.01, 100)] = Field(
        title="passport odds, educated against not",
        description="Odds of a passport with higher education against without.",
    )
    education_level: Annotated[Number, Quantity("ratio", 0, 3)] = Field(
        title="level of education",
        description="Men's share with higher education against the region's published share.",
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
            expected = "expected [low, high], 0 <= low < high <= 1"
            raise refused(f"found [{low:g}, {high:g}]; {expected}", "education_bounds")
        return self


class Panic(Strict):
    """How the pressure to leave rises after an announcement and passes."""

    lag: Days = Field(
        title="lag of panic", description="Time constant of the rise: deciding and packing."
    )
    decay: Days = Field(
        title="decay of panic", description="Time constant of the fall: panic that passes."
    )
    reference: Annotated[Number, Quantity("days", 0.01)] = Field(
        description="T_ref: panic integral of the shipped baseline, fixed."
    )


class Choice(Strict):
    """Utilities of leaving for each destination (ODD 7.2: one law)."""

    lambda_: Annotated[Number, Quantity("dissimilarity", 0.25, 1)] = Field(
        title="lambda (1: countries chosen independently)",
        alias="lambda",
        description="Dissimilarity of the destinations, 1 = independent.",
    )
    constant: dict[str, Utility] = Field(
        title="pull of {place}", description="Alternative-specific constant by destination."
    )
    beta_age: Annotated[Table, Quantity("utility", -10, 10)] = Field(description="By age band.")
    beta_education: Effect = Field(
        title="effect of higher education", description="Of men with higher education."
    )
    beta_liable: Effect = Field(
        title="effect of liability to call-up", description="Of men liable to call-up."
    )
    kappa: Effect = Field(
        title="effect of the region's call-up",
        description="Per log of the region's call-up against the nation's.",
    )
    beta_road: Annotated[Number, Quantity("utility per hour", 0)] = Field(
        title="cost of the road", description="Cost of a generalised hour of travel and waiting."
    )
    beta_risk: Effect = Field(
        title="fear of checks", description="Cost of visible checks to liable men."
    )
    beta_network: Effect = Field(
        title="pull of those abroad",
        description="Per log of (1 + co-regionals abroad per 1,000 men).",
    )
    theta: Annotated[Number, Quantity("per hour", 0.001, 10)] = Field(
        title="sensitivity to hours at crossings",
        description="Sensitivity of the choice of crossing to generalised hours.",
    )
    omega: Annotated[Number, Quantity("hours per hour", 0, 10)] = Field(
        title="weight of waiting against driving",
        description="Weight of a perceived hour of waiting against an hour of travel.",
    )
    release: Hours = Field(
        title="release after a closure",
        description="Men pent up behind a closure leave over this time.",
    )


class Travel(Strict):
    """The road."""

    speed: Annotated[Number, Quantity("km per hour", 1)] = Field(
        title="speed on the road", description="While driving."
    )
    drive: Annotated[Number, Quantity("hours", 1)] = Field(description="Driving between rests.")
    rest: Hours = Field(description="Length of a rest.")
    to_hub: Annotated[Number, Quantity("hours", 1)] = Field(
        title="hours by air or train to a hub",
        description="By air or train to the capital of a crossing's region, waiting included.",
    )
    fly_share_poorest: Share = Field(description="Share who can fly, region of lowest income.")
    fly_share_richest: Share = Field(description="Share who can fly, region of highest income.")
    sigma: Annotated[Number, Quantity("log", 0, 2)] = Field(
        title="spread of journey times",
        description="Spread of the lognormal factor on journey times.",
    )
    detour: Annotated[Number, Quantity("ratio", 1, 3)] = Field(
        description="Road over great circle where no road distance is known."
    )
    distances: Annotated[dict[str, dict[str, Kilometres]] | None, NamedTable] = Field(
        default=None,
        description="Table of road distances (CSV; flowsim schema --kind distances), over those "
        "that are shipped.",
    )


class News(Strict):
    """How late and how smoothly men learn of waits and checks."""

    wait_delay: Hours = Field(description="Age of news about waits.")
    check_delay: Hours = Field(description="Age of news about checks.")
    smoothing: Annotated[Number, Quantity("per day", 0, 1)] = Field(
        description="Weight of the newest news about waits, by the day."
    )
    checks_heard: Annotated[Number, Quantity("men per hour", 0.01)] = Field(
        title="checks that most men hear of",
        description="Of c men checked an hour 1 - exp(-c / this) of the visibility is heard.",
    )


class Border(Strict):
    """Behaviour at the border that belongs to no single crossing."""

    patience: Days = Field(
        title="patience in the queue", description="Mean time men wait before giving up the queue."
    )
    second_try: Share = Field(
        title="second tries", description="Men turned back, not served, who try once more."
    )
    second_try_delay: Days = Field(description="From being turned back to the second try.")
    background_wait_loss: Rate = Field(
        title="ordinary travellers lost to waits",
        description="Ordinary travellers lost per perceived day of queue (log).",
    )
    background_check_loss: Effect = Field(
        title="ordinary travellers lost to checks",
        description="Ordinary travellers lost to fully visible checks (log).",
    )
    background_limit_extra: Share = Field(
        description="Ordinary travellers who pass an entry limit beyond the men's share."
    )


class Stay(Strict):
    """What men do once abroad, by destination."""

    move_on: Rate = Field(
        title="moving on from {place}", description="Hazard of moving on to a third country."
    )
    return_: Rate = Field(
        title="return from {place}", alias="return", description="Hazard of returning."
    )
    family: Annotated[Number, Quantity("persons per man", 0)] = Field(
        title="family joining in {place}", description="Family who join a man who stays."
    )
    family_lag: Days = Field(
        description="Mean days from a man's arrival to his family's; half to one and a half of it."
    )


class Observation(Strict):
    """From men to what was counted."""

    companions: Annotated[Number, Quantity("persons per man", 0)] = Field(
        title="companions of a man",
        description="Women, children and older men who cross with a man who flees.",
    )
    persons_per_car: Annotated[Number, Quantity("persons per car", 1)] = Field(
        description="Turns queues of persons into queues of cars."
    )
    cars_per_km: Annotated[Number, Quantity("cars per km", 1)] = Field(
        description="Turns queues of cars into their length."
    )
    background_men_share: Share = Field(
        title="share of men in ordinary traffic",
        description="Men among ordinary travellers by land.",
    )
    background_men_share_by_air: Share | None = Field(
        default=None,
        title="share of men in ordinary traffic by air",
        description="Of seats (other ways, and `elsewhere` by air); as by land if left out.",
    )


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


class Scenario(Strict):
    """A complete scenario, after inheritance and changes."""

    name: str = Field(
        pattern=NAMED,
        description="Of its results folder and in tables; the file's name if left out.",
    )
    title: Line = Field(description="One line that says what is different here.")
    description: str = Field(default="", description="A few sentences for readers of reports.")
    extends: str | None = Field(default=None, description="File this one starts from.")
    happened: bool | None = Field(
        default=None,
        description="Whether the file tells what was the case, so that published figures test it; "
        "if left out, it does unless people, call-up, documents, destinations, crossings or "
        "policies differ from the baseline's. A change of these ends a `true` of what it extends.",
    )
    nation: Nation | None = Field(
        default=None, description="Whose men they are; Russia's if left out."
    )
    horizon: Horizon = Field(description="The days that are simulated.")
    sample: float = Field(gt=0, le=1, description="Share of the men simulated.")
    seed: int = Field(ge=0, lt=2**63, description="Of all draws; another seed, other men.")
    population: Population = Field(description="Who the men are.")
    panic: Panic = Field(description="How the pressure to leave rises and passes.")
    choice: Choice = Field(description="What pulls men to each country, and what keeps them.")
    travel: Travel = Field(description="The road to the border.")
    news: News = Field(description="How late men learn of waits and checks.")
    call_up: CallUp = Field(description="The call-up at home.")
    documents: dict[str, Document] = Field(
        default_factory=dict, description="Documents beside the passport, by name."
    )
    destinations: dict[str, Destination] = Field(
        description="Countries that can be chosen, by name."
    )
    crossings: dict[str, Crossing] = Field(description="Crossings into them, by name.")
    elsewhere: dict[str, Elsewhere] | None = Field(
        default=None,
        description="Ordinary exits into all other countries: with them every exit is counted.",
    )
    policies: dict[str, AnyPolicy] = Field(
        default_factory=dict, description="What holds where and when, by name."
    )
    border: Border = Field(description="What men and ordinary travellers do at the border.")
    abroad: dict[str, Stay] = Field(description="What men do once abroad, by destination.")
    ordinary_stay: OrdinaryStay = Field(description="How long ordinary travellers stay abroad.")
    observation: Observation = Field(description="From men to what officials and press counted.")
    observations: Annotated[tuple[Published, ...] | None, NamedTable] = Field(
        default=None,
        description="Table of published figures (CSV; flowsim new --observations writes one), "
        "beside the shipped ones.",
    )
    outlines: str | None = Field(
        default=None,
        description="GeoJSON of regions (their codes as id) and countries around, for maps.",
    )
    cautions: tuple[str, ...] = Field(
        default=(),
        description="What readers of its results must not conclude, the gravest first.",
    )
    coincidence: Coincidence | None = Field(
        default=None, description="What came at the same time, for comparisons."
    )
    capacities: dict[str, Annotated[Number, Quantity("persons", 0)]] = Field(
        default_factory=dict, description="Reception capacity by destination, for reports."
    )
    needs: dict[str, Annotated[Need, Quantity("per person", 0, 100_000)]] = Field(
        default_factory=dict, description="What people received need, for reception sheets."
    )

    @property
    def home(self) -> Nation:
        """Whose men they are."""
        return self.nation or RUSSIA

    @property
    def utc_offset_h(self) -> float:
        """Hours from UTC of the clock of the file."""
        return self.horizon.clock.utc_offset_h

    @property
    def regions(self) -> sources.Regions:
        """The regions of the nation, as arrays in the order of their codes."""
        own = self.population.regions
        return sources.regions() if own is None else sources.regions_of(own)

    @property
    def shapes(self) -> sources.Outlines:
        """Outlines of the regions and of the countries around, own or shipped."""
        if self.outlines is None:
            return sources.outlines()
        features = parsed_outlines(self.outlines)["features"]
        regions = [one for one in features if one["id"] in self.regions.code]
        around = [one for one in features if one["id"] not in self.regions.code]
        return sources.Outlines({"features": regions}, {"features": around})

    @property
    def road_km(self) -> Mapping[tuple[str, str], float]:
        """Road distances in km by region and crossing, as far as they are known."""
        own = self.travel.distances or {}
        shipped = {} if self.nation else sources.road_km()
        return {**shipped, **{(r, c): km for r, to in own.items() for c, km in to.items()}}

    def timetable(self) -> Timetable:
        """Build what holds at each crossing at each hour: dated values, then the policies."""
        table = Timetable.without_policies(
            self.horizon.clock,
            self.destinations,
            self.crossings,
            self.documents,
            self.observation.persons_per_car.value,
            self.news.checks_heard.value,
        )
        for policy in self.policies.values():
            policy.apply(table, Cells(table.rows(*policy.span), policy.columns(table)))
        return table

    def call_ups(self) -> list[tuple[Announcement, float]]:
        """Return the first call-up and the further ones, each with the strength of its panic."""
        further = [policy.announcement for policy in self.policies.values()]
        return [(self.call_up, 1.0), *(found for found in further if found is not None)]


ENTRIES = tuple(n for n, f in Scenario.model_fields.items() if str(f.annotation).startswith("dict"))
"""Blocks that hold named entries, any of which may be added or taken out."""
