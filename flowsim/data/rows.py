"""What a row of each table says: columns, types, bounds and meaning."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from flowsim.data.tables import Expected, Row


def _flag(text: str) -> bool:
    if text not in ("0", "1"):
        raise ValueError(text)
    return text == "1"


Share = Annotated[float, Field(ge=0, le=1), Expected("a share from 0 to 1")]
Positive = Annotated[float, Field(ge=0, allow_inf_nan=False), Expected("a number not below 0")]
Whole = Annotated[int, Expected("a whole number")]
Flag = Annotated[bool, BeforeValidator(_flag), Expected("0 or 1")]
Day = Annotated[date, BeforeValidator(date.fromisoformat), Expected("a date, YYYY-MM-DD")]
Moment = Annotated[
    datetime | None,
    BeforeValidator(lambda text: datetime.fromisoformat(text) if text else None),
    Expected("a moment, YYYY-MM-DDTHH:MM"),
]
Blank = BeforeValidator(lambda text: text or None)


class Region(Row):
    """A federal subject; men in thousands on 1 January 2022 (Rosstat)."""

    code: str
    name: str
    lat: float
    lon: float
    coordinates_basis: str
    road_connected: Flag
    men_18_24_thousands: Positive
    men_25_29_thousands: Positive
    men_30_34_thousands: Positive
    men_35_39_thousands: Positive
    men_40_44_thousands: Positive
    men_45_49_thousands: Positive
    men_50_54_thousands: Positive
    men_55_59_thousands: Positive
    men_basis: str
    higher_education_share: Share
    higher_education_response_share: Share
    education_basis: str
    income: Positive = Field(alias="income_thousand_rub_month")
    income_basis: str
    mobilised: Positive = Field(alias="mobilised_estimate")
    mobilised_basis: str
    passport_share: Share
    passport_basis: str

    @property
    def men(self) -> list[int]:
        """Men by age band."""
        bands = [name for name in Region.model_fields if name.endswith("_thousands")]
        return [round(1000 * getattr(self, band)) for band in bands]


class Road(Row):
    """A road from the capital of a region to a crossing."""

    region_code: str
    crossing_id: str
    road_km: Positive


class CrossingRow(Row):
    """A shipped crossing; persons are Russian citizens a day, outbound."""

    id: str
    name: str
    destination: str
    kind: str
    region_code: str
    lat: Annotated[float | None, Blank]
    lon: Annotated[float | None, Blank]
    group: str
    utc_offset_h: Whole
    size_weight: Positive
    background_russians_out_day: Positive
    background_basis: str
    capacity_persons_out_day: Positive
    capacity_basis: str


class Country(Row):
    """What writers of scenarios look up of a country."""

    code: str
    name_en: str
    utc_offset_h: Whole
    visa_required: Flag
    international_passport_required: Flag
    entry_change_2022: str


class Observation(Row):
    """A published figure: what was counted, where, when, by whom, and how far to trust it.

    Attributes
    ----------
    role : {'fit', 'validate', 'context'}
        Calibrate on it; compare with it and never tune to it; background reading.
    is_input : bool
        The figure went into the scenario's inputs, so agreement with it proves nothing.
    value, low, high : float
        In ``unit``; the source's own range or rounding, else a judgement.
    model_measure, place_id, counts : str
        What to compare it with; empty for context.
    window_start, window_end : datetime or None
        Local time of ``utc_offset_h``; equal for a moment; None for context.
    quality : str
        B official figure as quoted by press, C independent press, survey or estimate.
    """

    id: str
    role: str
    is_input: Flag
    place: str
    measure: str
    date_start: Day
    date_end: Day
    value: float
    low: float
    high: float
    unit: str
    model_measure: str
    place_id: str
    counts: str
    window_start: Moment
    window_end: Moment
    utc_offset_h: Annotated[int | None, Expected("a whole number")]
    source_name: str
    source_url: str
    source_date: str
    quality: str
    note: str

    @model_validator(mode="before")
    @classmethod
    def _compared_or_context(cls, cells: dict[str, Any]) -> dict[str, Any]:
        if "window_start" not in cells:
            return cells
        role, window = cells.get("role"), cells["window_start"]
        if role not in ("fit", "validate", "context") or bool(window) == (role == "context"):
            raise PydanticCustomError(
                "role",
                "role {role} and window {window} do not go together",
                {"role": repr(role), "window": repr(window)},
            )
        blank = {} if window else dict.fromkeys(("window_start", "window_end", "utc_offset_h"))
        return cells | blank


class Refit(Row):
    """A number of the baseline, fitted again at another lambda."""

    lambda_: float = Field(alias="lambda")
    key: str
    value: float


class Event(Row):
    """A dated event of the episode, with its source."""

    date: Day
    event: str
    place: str
    effect: str
    source_name: str
    source_url: str
    note: str
