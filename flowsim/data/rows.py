"""What a row of each table says: columns, types, bounds and meaning."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from flowsim.data import cells, measures
from flowsim.data.tables import Expected, Row, columns, read_text
from flowsim.data.text import LONGEST

Finite = Annotated[
    float, BeforeValidator(cells.number), Field(allow_inf_nan=False), Expected("a number")
]
Share = Annotated[
    float, BeforeValidator(cells.number), Field(ge=0, le=1), Expected("a share from 0 to 1")
]
Positive = Annotated[
    float,
    BeforeValidator(cells.number),
    Field(ge=0, allow_inf_nan=False),
    Expected("a number not below 0"),
]
Latitude = Annotated[
    float, BeforeValidator(cells.number), Field(ge=-90, le=90), Expected("degrees, -90 to 90")
]
Longitude = Annotated[
    float, BeforeValidator(cells.number), Field(ge=-180, le=180), Expected("degrees, -180 to 180")
]
Offset = Annotated[
    float,
    BeforeValidator(cells.number_or_none),
    Field(ge=-12, le=14, multiple_of=0.25),
    AfterValidator(cells.without_point),
    Expected("hours from UTC, -12 to 14, full, half or quarter"),
]
Flag = Annotated[bool, BeforeValidator(cells.flag), Expected("0 or 1")]
Day = Annotated[date | None, BeforeValidator(cells.day), Expected("a date, YYYY-MM-DD")]
Moment = Annotated[
    datetime | None, BeforeValidator(cells.moment), Expected("a moment, YYYY-MM-DDTHH:MM")
]
Name = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,59}$"),
    Expected("at most 60 letters, digits, '-' or '_'"),
]
Printable = Annotated[
    str,
    Field(max_length=LONGEST),
    AfterValidator(cells.line),
    Expected(f"one line of at most {LONGEST} letters that all show"),
]
NOT_STATED = "not stated"
A_MEASURE = (
    "a measure such as entries, exits, queue_cars or wait_hours; flowsim schema --kind "
    "observations lists them"
)
MeasureName = Annotated[Printable, BeforeValidator(cells.one_of(measures.COMPARED, A_MEASURE))]


class Region(Row):
    """A region; men in thousands, of the shipped ones on 1 January 2022 (Rosstat)."""

    named_by: ClassVar[tuple[str, ...]] = ("code",)
    code: Name = Field(title="code")
    name: Printable = Field(title="name")
    lat: Latitude = Field(title="latitude of its capital, degrees")
    lon: Longitude = Field(title="longitude of its capital, degrees")
    coordinates_basis: Printable = NOT_STATED
    road_connected: Flag = Field(default=True, title="1 if a through road leads out of it")
    men_18_24_thousands: Positive = Field(title="men aged 18 to 24, thousands")
    men_25_29_thousands: Positive
    men_30_34_thousands: Positive
    men_35_39_thousands: Positive
    men_40_44_thousands: Positive
    men_45_49_thousands: Positive
    men_50_54_thousands: Positive
    men_55_59_thousands: Positive
    men_basis: Printable = NOT_STATED
    higher_education_share: Share = Field(title="adults with higher education")
    higher_education_response_share: Share = Field(
        default=1.0, title="adults who stated their education"
    )
    education_basis: Printable = NOT_STATED
    income: Positive = Field(title="income in any unit: only its rank counts")
    income_basis: Printable = NOT_STATED
    called_up: Positive = Field(title="men called up, in any unit: only its pattern counts")
    called_up_basis: Printable = NOT_STATED
    passport_share: Share = Field(title="adults with an international passport")
    passport_basis: Printable = NOT_STATED

    def mistakes(self) -> list[tuple[str, str]]:
        """Return that nobody lives there."""
        return [] if sum(self.men) else [("men_18_24_thousands", "the region has no men")]

    @property
    def men(self) -> list[int]:
        """Men by age band."""
        bands = [name for name in Region.model_fields if name.endswith("_thousands")]
        return [round(1000 * getattr(self, band)) for band in bands]


class Road(Row):
    """A road from the capital of a region to a crossing."""

    named_by: ClassVar[tuple[str, ...]] = ("region_code", "crossing_id")
    region_code: Name = Field(title="code of the region")
    crossing_id: Name = Field(title="id of the crossing")
    road_km: Positive = Field(title="km by road")


class CrossingRow(Row):
    """A crossing; persons are those of the country who leave in a day, outbound."""

    named_by: ClassVar[tuple[str, ...]] = ("id",)
    id: Name = Field(title="id")
    name: Printable = Field(title="name")
    destination: Name = Field(title="destination it leads to, as the scenario names it")
    kind: Literal["road", "rail", "other ways"] = "road"
    region_code: Printable = Field(default="", title="code of the region it lies in")
    lat: Annotated[Latitude | None, Expected("degrees, -90 to 90")] = None
    lon: Annotated[Longitude | None, Expected("degrees, -180 to 180")] = None
    group: Printable = Field(default="", title="group for published figures")
    utc_offset_h: Offset = Field(title="clock of the other side, hours from UTC")
    travel_hours: Annotated[Positive | None, Expected("hours, not below 0")] = Field(
        default=None, title="hours to it, of rail and other ways"
    )
    size_weight: Positive = Field(title="size in the choice of crossing")
    background_out_day: Positive = Field(title="ordinary traffic, persons a day")
    background_basis: Printable = NOT_STATED
    capacity_persons_out_day: Positive = Field(title="most persons cleared in a day")
    capacity_basis: Printable = NOT_STATED

    def mistakes(self) -> list[tuple[str, str]]:
        """Return that a road crossing lies nowhere."""
        if self.kind != "road":
            return []
        needed = ("lat", "lon", "region_code")
        empty = [name for name in needed if getattr(self, name) in (None, "")]
        return [(name, "found nothing; a road crossing needs it") for name in empty]


class Country(Row):
    """What writers of scenarios look up of a country."""

    code: str
    name_en: str
    utc_offset_h: Offset
    visa_required: Flag
    international_passport_required: Flag
    entry_change_2022: str


class Observation(Row):
    """A published figure: what was counted, where, when, by whom, and how far to trust it."""

    named_by: ClassVar[tuple[str, ...]] = ("id",)
    id: Name = Field(title="id, another for each row")
    role: Literal["", "fit", "validate", "context"] = Field(
        default="",
        title="fit: calibrate on it; validate (if empty): compare, never tune; context: "
        "for readers alone",
    )
    is_input: Flag = Field(
        default=False, title="1 if it went into the scenario: agreement then proves nothing"
    )
    place: Printable = Field(default="", title="the place in words")
    measure: Printable = Field(default="", title="what was counted, in words")
    date_start: Day = Field(default=None, title="first day in the source")
    date_end: Day = Field(default=None, title="last day in the source")
    value: Positive = Field(title="the figure")
    low: Positive = Field(default=0.0, title="lowest that the source allows; empty: the value")
    high: Positive = Field(default=0.0, title="highest that the source allows; empty: the value")
    unit: Printable = Field(default="", title="unit; empty: the measure's usual one")
    per_day: Flag = Field(default=False, title="1 if the value is a mean per day of the window")
    model_measure: MeasureName = Field(title="measure of the model, such as entries")
    place_id: Printable = Field(title="country code, crossing or group of the scenario")
    counts: Printable = Field(default="", title="what one of them is, such as a person")
    window_start: Moment = Field(title="first hour, local time")
    window_end: Moment = Field(title="end, not included; the same for a moment")
    utc_offset_h: Annotated[
        Offset | None,
        BeforeValidator(cells.number_or_none),
        Expected("hours from UTC, -12 to 14, full, half or quarter"),
    ] = Field(title="clock of the window, hours from UTC")
    source_name: Printable = Field(default="", title="who published it")
    source_url: Printable = Field(default="", title="where it was published")
    source_date: Annotated[
        str,
        BeforeValidator(cells.day_or_month),
        Field(pattern=r"^(\d{4}(-\d{2}(-\d{2})?)?)?$"),
        Expected("a date, YYYY-MM-DD, a month or a year"),
    ] = Field(default="", title="day of publication, for calibrations as of a day")
    quality: Printable = Field(
        default="", title="B official as quoted by press; C press, survey or estimate"
    )
    note: Annotated[str, Field(max_length=2000), AfterValidator(cells.note)] = Field(
        default="", title="what a reader must know of it"
    )

    @property
    def is_compared(self) -> bool:
        """Whether it has something to be compared with."""
        return self.role != "context"

    def mistakes(self) -> list[tuple[str, str]]:
        """Return column and message of what does not fit together."""
        if not self.is_compared:
            return []
        empty = [name for name in ("window_start", "window_end") if getattr(self, name) is None]
        found = [(name, "found nothing; expected a moment, or role context") for name in empty]
        if self.utc_offset_h is None:
            found.append(("utc_offset_h", "found nothing; expected hours from UTC, such as 4"))
        if not self.model_measure:
            found.append(("model_measure", f"found nothing; expected {A_MEASURE}"))
        if found or self.window_start is None or self.window_end is None:
            return found
        hours = (self.window_end - self.window_start).total_seconds() / 3600
        return list(self._unlike(measures.COMPARED[self.model_measure], hours))

    def _unlike(self, compared: measures.Measure, hours: float) -> Iterator[tuple[str, str]]:
        """Return column and message of what does not fit the measure, over so many hours."""
        if self.unit not in compared.units:
            unit, _, per = self.unit.partition("/")
            daily = unit in compared.units and per in ("day", "24h")
            hint = f": write {unit}, and 1 under per_day" if daily else ""
            expected = f"{self.model_measure} is in {' or '.join(compared.units)}{hint}"
            yield "unit", f"found {self.unit!r}; {expected}"
        if not self.low <= self.value <= self.high:
            expected = f"expected {self.low:g} (low) to {self.high:g} (high)"
            yield "value", f"found {self.value:g}; {expected}"
        if self.unit == "percent" and self.high > 100:
            yield "value", f"found {self.high:g}; expected at most 100 percent"
        if self.per_day and not compared.adds_up:
            no = f"{self.model_measure} does not add up over days: leave it out"
            yield "per_day", f"found 1; {no}"
        if hours < 0:
            yield "window_end", "lies before window_start; are they the wrong way round?"
        elif hours == 0 and compared.adds_up:
            message = f"is the same moment as window_start, but {self.model_measure} is counted "
            message += "over a time; the window ends at T00:00 of the day after the last"
            yield "window_end", message

    @model_validator(mode="before")
    @classmethod
    def _what_may_be_left_out(cls, given: Any, info: ValidationInfo) -> Any:
        """Fill in role, range and unit where cells are empty."""
        if not isinstance(given, dict):
            return given
        filled = {key: cell for key, cell in given.items() if cell is not None}
        usual = measures.COMPARED.get(str(given.get("model_measure", "")))
        usually = {"role": "validate", "unit": usual.units[0] if usual else ""}
        with suppress(PydanticCustomError):  # told of the value itself
            usually |= dict.fromkeys(("low", "high"), cells.number(given.get("value"), info))
        return filled | {key: cell for key, cell in usually.items() if filled.get(key, "") == ""}


class Headline(Row):
    """A total that the press published, and what it counts.

    Attributes
    ----------
    named : str
        In a few words, as sentences call it: "the 261,000 of the border service's note".
    value, low, high : float
        As published, with its range.
    start, end : date
        First and last day counted.
    who : {'men', 'persons'}
    what : {'gross', 'excess', 'left', 'entries', 'none'}
        All who crossed outward; those above the ordinary level; those who left because of the
        call-up; all who entered on the other side; nothing that the model has.
    places : str
        Codes of the countries counted, parted by spaces; empty for all borders.
    counts : str
        A sentence: what it counts, or why nothing can be set beside it.
    """

    id: str
    named: str
    value: float
    low: float
    high: float
    start: Annotated[date, BeforeValidator(cells.day)]
    end: Annotated[date, BeforeValidator(cells.day)]
    who: Literal["men", "persons"]
    what: Literal["gross", "excess", "left", "entries", "none"]
    places: str
    counts: str
    source_name: str
    source_url: str
    quality: str

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes of the countries counted; none for all borders."""
        return tuple(self.places.split())


class Refit(Row):
    """A number of the baseline, fitted again at another lambda."""

    lambda_: Finite = Field(alias="lambda")
    key: str
    value: Finite
    source: str

    @property
    def of_baseline(self) -> bool:
        """Whether the baseline has it; the other numbers are those of all-exits."""
        return self.source.startswith("calibrated")


TABLES: dict[str, type[Row]] = {
    "observations": Observation,
    "regions": Region,
    "crossings": CrossingRow,
    "distances": Road,
}
"""Tables that users may bring, by the name that a scenario gives them."""


def template(kind: str) -> str:
    """Return a table with its columns, and rows to be replaced where there are examples."""
    if kind == "observations":
        return read_text("template-observations.csv")
    shown = [name for name in columns(TABLES[kind]) if name != "counts"]
    return f"{','.join(shown)}\n"
