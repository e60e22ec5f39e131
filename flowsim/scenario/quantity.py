"""What a number of a scenario is: value, unit, bounds and source, checked when it is read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from math import inf, isnan, nan
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    Tag,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from flowsim.data.cells import without_point
from flowsim.data.text import refusal
from flowsim.scenario.clock import HOUR, Clock, Offset
from flowsim.scenario.tree import show
from flowsim.types import Floats

AGE_BANDS = ("18-24", "25-29", "30-34", "35-39", "40-44", "45-49", "50-54", "55-59")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SOURCES = ("data:", "literature:", "assumption:", "calibrated")

LIMITS: dict[str, tuple[float, float, str]] = {
    "share": (0, 1, ""),
    "utility": (-20, 20, "e to the 20th is half a billion: all would leave, or nobody"),
    "utility per hour": (0, 10, "an hour on the road would keep all at home"),
    "hours": (0, 1000, "a thousand hours are six weeks"),
    "days": (0, 3650, "ten years are for ever here"),
    "per day": (0, 24, "24 a day is within the hour"),
    "men": (0, 1e8, "Russia has 39.6 million men of 18 to 59"),
    "men per hour": (0, 1e5, "no crossing sees a hundred thousand an hour"),
    "persons": (0, 1e9, "no country takes in a billion"),
    "persons per day": (0, 1e7, "four days of it would empty Russia of men"),
    "cars per day": (0, 1e6, "no road carries a million cars a day"),
    "persons per man": (0, 20, "family or company of one man"),
    "persons per car": (1, 50, "in one car or bus"),
    "persons per vehicle": (1, 500, "in one vehicle"),
    "cars per km": (1, 1000, "one behind the other in a few lanes"),
    "km per hour": (1, 300, "by road"),
    "weight": (0, 1e9, "against the others of its country"),
}
"""Bounds of numbers by unit, and the reason; what has closer ones says so beside its key."""
TINY = 1e-9
"""What is nearer to 0 is 0, or a slip of the pen."""
NAMED = r"^[A-Za-z0-9]([A-Za-z0-9_.-]{0,78}[A-Za-z0-9_-])?$"
"""Names of folders and in tables, on every system."""
YEARS = range(1950, 2101)


def refused(message: str, *keys: str) -> PydanticCustomError:
    """Return the error of a mistake in a file, in these words.

    Parameters
    ----------
    message : str
    *keys : str
        Of this mapping, those that are to blame; where a change has set one, it is blamed first.
    """
    return PydanticCustomError("mistake", "{message}", {"keys": keys, "message": message})


class Strict(BaseModel):
    """Base of everything in a scenario: frozen, and unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


_DAY_FIRST = re.compile(r"\d{4}-\d\d-\d\d([T ]|$)", re.ASCII)


def _why(reason: ValueError) -> str:
    """Return Python's reason if it says more than that the text is no date."""
    return "" if str(reason).startswith("Invalid") else f" ({reason})"


def _moment(text: Any) -> datetime:
    """Read ``2022-09-28`` or ``2022-09-28T10:00`` (Moscow time, whole hours)."""
    if isinstance(text, datetime):
        moment = text
    else:
        try:
            if not _DAY_FIRST.match(str(text)):  # other ISO forms, which versions differ about
                raise ValueError("Invalid")
            moment = datetime.fromisoformat(str(text))
        except ValueError as reason:
            found = show(text) if isinstance(text, dict | tuple) else repr(str(text))
            raise refused(
                f"{found} is not a date{_why(reason)}; expected YYYY-MM-DD or "
                "YYYY-MM-DDTHH:MM, Moscow time"
            ) from None
    if moment.year not in YEARS:
        expected = f"expected a year from {YEARS[0]} to {YEARS[-1]}"
        raise refused(f"{str(text)!r} is of another age; {expected}")
    if moment.tzinfo is not None:
        raise refused(
            f"{str(text)!r} has a time zone; write it without, in the clock of the scenario "
            "(Moscow time unless it has one of its own)"
        )
    if moment.minute or moment.second or moment.microsecond:
        raise refused(f"{str(text)!r} must be a whole hour (Moscow time)")
    return moment


DATE = r"^\d{4}-\d\d-\d\d([T ]\d\d(:00)*)?$"
Moment = Annotated[
    datetime,
    BeforeValidator(_moment, json_schema_input_type=Annotated[str, Field(pattern=DATE)]),
]


def one_line(text: str) -> str:
    """Refuse text that cannot stand on one line of a terminal, a figure or a spreadsheet."""
    if why := refusal(text):
        raise refused(why)
    return text


Line = Annotated[str, AfterValidator(one_line)]
Names = Annotated[
    tuple[str, ...],
    BeforeValidator(
        lambda names: (names,) if isinstance(names, str) else names,
        json_schema_input_type=str | tuple[str, ...],
    ),
]
"""A name or a list of them."""


def _known_source(source: Any) -> Any:
    if isinstance(source, str) and not source.startswith(SOURCES):
        starts = "'data:', 'literature:', 'assumption:' or 'calibrated'"
        raise refused(f"source {source!r} must start with {starts}")
    return source


Finite = Annotated[float, Field(allow_inf_nan=False)]
ByDate = Annotated[
    Annotated[Finite, Tag("number")] | Annotated[dict[Moment, Finite], Tag("dates")],
    Discriminator(lambda value: "dates" if isinstance(value, dict) else "number"),
]


class Parameter(Strict):
    """What every number carries beside its value: unit, source, and bounds if it may be fitted."""

    unit: str = Field(description="May be left out, but not contradicted.")
    source: Annotated[str, BeforeValidator(_known_source), AfterValidator(one_line)] = Field(
        description="Starts with 'data:', 'literature:', 'assumption:' or 'calibrated'."
    )
    free: tuple[Finite, Finite] | None = Field(
        default=None, description="Bounds within which it may be fitted."
    )


class Number(Parameter):
    """One number."""

    value: Finite = Field(description="The number, in its unit.")


class Dated(Parameter):
    """A number, or numbers by date, each holding from its date on (the first also before)."""

    value: ByDate = Field(description="The number, or a mapping of dates to numbers.")

    @model_validator(mode="after")
    def _some_date(self) -> Dated:
        if self.value == {}:
            raise refused("expected at least one date with its number")
        return self

    def by_hour(self, clock: Clock, before: int = 0) -> Floats:
        """Return the value at each hour of the horizon, ``before`` hours of warm-up first."""
        hours = np.full(before + clock.n_hours, np.nan)
        if not isinstance(self.value, dict):
            hours[:] = self.value
            return hours
        steps = sorted(self.value.items())
        hours[:] = steps[0][1]
        for moment, value in steps[1:]:
            hours[max(0, before + clock.hour(moment)) :] = value
        return hours


class Table(Parameter):
    """One number for each of a list of names (age bands)."""

    names: ClassVar[tuple[str, ...]] = AGE_BANDS
    noun: ClassVar[str] = "age band"

    value: dict[str, Finite] = Field(description="The name of each, and its number.")

    @model_validator(mode="after")
    def _all_names(self) -> Table:
        if tuple(sorted(self.value)) != tuple(sorted(self.names)):
            expected = f"expected one number for each {self.noun} {', '.join(self.names)}"
            raise refused(f"{expected}, found {', '.join(self.value)}")
        return self

    @property
    def by_age(self) -> Floats:
        """Values in the order of the age bands."""
        return np.array([self.value[band] for band in AGE_BANDS])


class Weekdays(Table):
    """One number for each day of the week."""

    names: ClassVar[tuple[str, ...]] = WEEKDAYS
    noun: ClassVar[str] = "day of the week"

    @model_validator(mode="after")
    def _some_traffic(self) -> Weekdays:
        if not any(self.value.values()):
            raise refused("found 0 on every day; expected some traffic")
        return self

    def by_hour(self, clock: Clock, offset: Offset, before: int = 0) -> Floats:
        """Return each hour's number by the local weekday, ``before`` hours first, of mean 1."""
        week = np.array([self.value[day] for day in WEEKDAYS])
        hours = np.arange(-before, clock.n_hours)
        local = hours + clock.ahead(offset, HOUR * hours.astype(float)) + clock.start.weekday() * 24
        return np.asarray((week / week.mean())[np.floor(local).astype(np.int64) // 24 % 7])


@dataclass(frozen=True)
class Quantity:
    """The unit and the bounds of a parameter; the unit may be left out but not contradicted."""

    unit: str
    ge: float = nan
    le: float = nan

    def __post_init__(self) -> None:
        """Take the bounds of the unit where none are given; a number without is no number here."""
        low, high, _ = LIMITS.get(self.unit, (nan, nan, ""))
        for key, given, usual in (("ge", self.ge, low), ("le", self.le, high)):
            object.__setattr__(self, key, usual if isnan(given) else given)
        if isnan(self.ge) or isnan(self.le):
            raise TypeError(f"{self.unit} has no bounds of its own; give them, or add it to LIMITS")

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Add the unit before and check unit and bounds after the parameter is read."""
        inner = core_schema.no_info_before_validator_function(self._with_unit, handler(source))
        return core_schema.no_info_after_validator_function(self._checked, inner)

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Add unit and bounds to the schema for editors, beside the parameter's own."""
        one = {"type": "number", "minimum": self.ge, "maximum": self.le}
        many = {"type": "object", "additionalProperties": one}
        said = {"unit": {"const": self.unit}, "value": {"anyOf": [one, many]}}
        return handler(core) | {"allOf": [{"type": "object", "properties": said}]}

    def _with_unit(self, raw: Any) -> Any:
        if isinstance(raw, int | float | str) and not isinstance(raw, bool):
            raise PydanticCustomError(
                "bare",
                "found {found} alone; expected {value: {found}, unit: {unit}, source: ...}",
                {"found": str(raw), "unit": self.unit},
            )
        return {"unit": self.unit} | raw if isinstance(raw, dict) else raw

    def _checked(self, parameter: Any) -> Any:
        if parameter.unit != self.unit:
            found = f"unit {parameter.unit!r} is not the unit of this number"
            raise refused(f"{found}; expected {self.unit!r}")
        value = parameter.value
        numbers = value.values() if isinstance(value, dict) else [value]
        for number in numbers:
            self._within(number, "value")
        for number in parameter.free or ():
            self._within(number, "free bound")
        low, high = parameter.free or (-inf, inf)
        bounds = f"free bounds [{low:g}, {high:g}]"
        if low >= high:
            raise refused(f"{bounds} are not in order; expected [low, high]")
        for number in numbers:
            if not low <= number <= high:
                raise refused(f"value {number:g} lies outside its {bounds}; change one of them")
        return parameter

    def _within(self, number: float, what: str) -> None:
        within = self.ge <= number <= self.le
        if within and (number == 0 or abs(number) >= TINY):
            return
        found = f"{what} {number:g}"
        if within:
            raise refused(f"{found} is nearer to 0 than {TINY:g}; write 0, or what is meant")
        *_, why = LIMITS.get(self.unit, ("",))
        expected = f"expected {self.ge:g} to {self.le:g} {self.unit}" + (f" ({why})" if why else "")
        raise refused(f"{found} is out of range; {expected}")


def _no_zone(offset: Any) -> Any:
    """Refuse the name of a time zone: what it means differs between machines."""
    if not isinstance(offset, str):
        return offset
    such = "dates with hours, such as {YYYY-MM-DD: 3, YYYY-MM-DDTHH:MM: 2}"
    raise refused(f"found {offset!r}; expected hours ahead of UTC, or {such}")


def _whole_steps(offset: dict[datetime, float]) -> dict[datetime, float]:
    """Whether a clock is set forward or back by full hours, and when."""
    if not offset or len({hours % 1 for hours in offset.values()}) > 1:
        found = "clocks that change by less than an hour" if offset else "no date"
        raise refused(f"found {found}; expected dates with hours, which differ by full hours")
    return offset


UtcOffset = Annotated[
    float,
    Field(ge=-12, le=14, multiple_of=0.25),
    AfterValidator(without_point),
    PlainSerializer(lambda hours: hours),
]
"""Hours of a clock ahead of UTC, the whole horizon through."""
UtcOffsets = Annotated[
    Annotated[UtcOffset, Tag("number")]
    | Annotated[dict[Moment, UtcOffset], AfterValidator(_whole_steps), Tag("dates")],
    Discriminator(lambda value: "dates" if isinstance(value, dict) else "number"),
    BeforeValidator(_no_zone),
]
"""Hours ahead of UTC; where clocks are changed, by the moments from which they hold."""
Share = Annotated[Number, Quantity("share", 0, 1)]
DatedShare = Annotated[Dated, Quantity("share", 0, 1)]
Utility = Annotated[Number, Quantity("utility")]
Effect = Annotated[Number, Quantity("utility", -10, 10)]
Hours = Annotated[Number, Quantity("hours")]
Days = Annotated[Number, Quantity("days")]
PersonsPerDay = Annotated[Number, Quantity("persons per day")]
Rate = Annotated[Number, Quantity("per day")]
