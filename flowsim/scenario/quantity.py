"""What a number of a scenario is: value, unit, bounds and source, checked when it is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Tag,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from flowsim.scenario.clock import Clock

AGE_BANDS = ("18-24", "25-29", "30-34", "35-39", "40-44", "45-49", "50-54", "55-59")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SOURCES = ("data:", "literature:", "assumption:", "calibrated")


class Strict(BaseModel):
    """Base of everything in a scenario: frozen, and unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _why(reason: ValueError) -> str:
    """Return Python's reason if it says more than that the text is no date."""
    return "" if str(reason).startswith("Invalid") else f" ({reason})"


def _moment(text: Any) -> datetime:
    """Read ``2022-09-28`` or ``2022-09-28T10:00`` (Moscow time, whole hours)."""
    if isinstance(text, datetime):
        moment = text
    else:
        try:
            moment = datetime.fromisoformat(str(text))
        except ValueError as reason:
            raise PydanticCustomError(
                "moment",
                "{found} is not a date{reason}; expected YYYY-MM-DD or YYYY-MM-DDTHH:MM, "
                "Moscow time",
                {"found": repr(str(text)), "reason": _why(reason)},
            ) from None
    if moment.tzinfo is not None or moment.minute or moment.second or moment.microsecond:
        raise PydanticCustomError(
            "moment",
            "{found} must be a whole hour without time zone (the clock is Moscow time)",
            {"found": repr(str(text))},
        )
    return moment


DATE = r"^\d{4}-\d\d-\d\d([T ]\d\d(:00)*)?$"
Moment = Annotated[
    datetime,
    BeforeValidator(_moment, json_schema_input_type=Annotated[str, Field(pattern=DATE)]),
]


def _known_source(source: Any) -> Any:
    if isinstance(source, str) and not source.startswith(SOURCES):
        raise PydanticCustomError(
            "source",
            "source {found} must start with 'data:', 'literature:', 'assumption:' or 'calibrated'",
            {"found": repr(source)},
        )
    return source


Finite = Annotated[float, Field(allow_inf_nan=False)]
ByDate = Annotated[
    Annotated[Finite, Tag("number")] | Annotated[dict[Moment, Finite], Tag("dates")],
    Discriminator(lambda value: "dates" if isinstance(value, dict) else "number"),
]


class Parameter(Strict):
    """What every number carries beside its value: unit, source, and bounds if it may be fitted."""

    unit: str = Field(description="May be left out, but not contradicted.")
    source: Annotated[str, BeforeValidator(_known_source)] = Field(
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
            raise PydanticCustomError("dates", "expected at least one date with its number", {})
        return self

    def by_hour(self, clock: Clock, before: int = 0) -> npt.NDArray[np.float64]:
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
            raise PydanticCustomError(
                "table",
                "expected one number for each {noun} {names}, found {found}",
                {
                    "noun": self.noun,
                    "names": ", ".join(self.names),
                    "found": ", ".join(self.value),
                },
            )
        return self

    @property
    def by_age(self) -> npt.NDArray[np.float64]:
        """Values in the order of the age bands."""
        return np.array([self.value[band] for band in AGE_BANDS])


class Weekdays(Table):
    """One number for each day of the week."""

    names: ClassVar[tuple[str, ...]] = WEEKDAYS
    noun: ClassVar[str] = "day of the week"

    def by_hour(self, clock: Clock, utc_offset_h: int, before: int = 0) -> npt.NDArray[np.float64]:
        """Return each hour's number by the local weekday, ``before`` hours first, of mean 1."""
        week = np.array([self.value[day] for day in WEEKDAYS])
        hours = np.arange(-before, clock.n_hours) + clock.start.weekday() * 24
        local = hours + utc_offset_h - clock.utc_offset_h
        return np.asarray((week / week.mean())[local // 24 % 7])


def _hold(free: tuple[float, float] | None, value: Any) -> None:
    """Check that bounds of fitting are in order and hold the value."""
    if free is None:
        return
    low, high = free
    if low >= high:
        raise PydanticCustomError(
            "free",
            "free bounds [{low}, {high}] are not in order; expected [low, high]",
            {"low": f"{low:g}", "high": f"{high:g}"},
        )
    for number in value.values() if isinstance(value, dict) else [value]:
        if not low <= number <= high:
            raise PydanticCustomError(
                "free",
                "value {found} lies outside its free bounds [{low}, {high}]; change one of them",
                {"found": f"{number:g}", "low": f"{low:g}", "high": f"{high:g}"},
            )


@dataclass(frozen=True)
class Quantity:
    """The unit and the bounds of a parameter; the unit may be left out but not contradicted."""

    unit: str
    ge: float | None = None
    le: float | None = None

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
        bounds = {"minimum": self.ge, "maximum": self.le}
        one = {"type": "number"} | {key: b for key, b in bounds.items() if b is not None}
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
            raise PydanticCustomError(
                "unit",
                "unit {found} is not the unit of this number; expected {unit}",
                {"found": repr(parameter.unit), "unit": repr(self.unit)},
            )
        value = parameter.value
        for number in value.values() if isinstance(value, dict) else [value]:
            self._within(number, "value")
        for number in parameter.free or ():
            self._within(number, "free bound")
        _hold(parameter.free, value)
        return parameter

    def _within(self, number: float, what: str) -> None:
        if (self.ge is not None and number < self.ge) or (self.le is not None and number > self.le):
            raise PydanticCustomError(
                "range",
                "{what} {found} is out of range; expected {low} to {high} {unit}",
                {
                    "what": what,
                    "found": f"{number:g}",
                    "low": "-inf" if self.ge is None else f"{self.ge:g}",
                    "high": "inf" if self.le is None else f"{self.le:g}",
                    "unit": self.unit,
                },
            )


Share = Annotated[Number, Quantity("share", 0, 1)]
DatedShare = Annotated[Dated, Quantity("share", 0, 1)]
Utility = Annotated[Number, Quantity("utility")]
Hours = Annotated[Number, Quantity("hours", 0)]
Days = Annotated[Number, Quantity("days", 0)]
PersonsPerDay = Annotated[Number, Quantity("persons per day", 0)]
Rate = Annotated[Number, Quantity("per day", 0)]
