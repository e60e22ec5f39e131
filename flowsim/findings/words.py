"""Numbers, dates and names as they are written in titles, labels and alt texts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def rounded(value: float, digits: int = 3) -> float:
    """Round to a number of significant digits; 0, NaN and infinities stay as they are."""
    if not math.isfinite(value) or value == 0:
        return value
    return round(value, digits - 1 - math.floor(math.log10(abs(value))))


def count(value: float) -> str:
    """Write a number of people or cars: three digits at most, millions in words."""
    if not math.isfinite(value):
        return "an unknown number of"
    if 0 < value < 1:
        return "fewer than 1"
    near = rounded(value)
    if abs(near) >= 999_500:
        return f"{rounded(value / 1e6):g} million"
    return f"{near:,.0f}"


def rate(value: float) -> str:
    """Write a rate or a duration with two significant digits."""
    if not math.isfinite(value):
        return "unknown"
    near = rounded(value, 2)
    if abs(near) >= 10:
        return f"{near:,.0f}"
    return f"{near:.1f}" if abs(near) >= 1 else f"{near:g}"


def share(value: float) -> str:
    """Write a share as per cent, never rounding to 0 or 100 what is neither."""
    if not math.isfinite(value):
        return "an unknown share"
    if 0 < value < 0.01:
        return "under 1\u00a0%"
    if 0.99 < value < 1:
        return "over 99\u00a0%"
    return f"{100 * value:.0f}\u00a0%"


def day(moment: date) -> str:
    """Write a day with its month in full, without the year."""
    return f"{moment.day} {MONTHS[moment.month - 1]}"


def short_day(moment: date) -> str:
    """Write a day as an axis needs it."""
    return f"{moment.day} {MONTHS[moment.month - 1][:3]}"


def period(first: date, last: date) -> str:
    """Write a period with its year or years."""
    if first.year != last.year:
        return f"{day(first)} {first.year} to {day(last)} {last.year}"
    return f"{day(first)} to {day(last)} {last.year}"


def listed(items: Sequence[str]) -> str:
    """Join names with commas and an 'and'."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def plural(number: int, noun: str) -> str:
    """Write a small number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def elided(text: str, length: int) -> str:
    """Cut a text that is longer than a number of characters, and show that it was cut."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
