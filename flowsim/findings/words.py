"""Numbers, dates and names as they are written in titles, labels and alt texts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
YEAR = 2022  # of the data; left out of dates that fall into it


def rounded(value: float, digits: int = 3) -> float:
    """Round to a number of significant digits; 0, NaN and infinities stay as they are."""
    if not math.isfinite(value) or value == 0:
        return value
    return round(value, digits - 1 - math.floor(math.log10(abs(value))))


def count(value: float) -> str:
    """Write a number of people or cars: three digits at most, millions in words."""
    if not math.isfinite(value):
        return "an unknown number of"
    if value < 0:
        return f"−{count(-value)}"
    if 0 < value < 1:
        return "fewer than 1"
    near = rounded(value)
    if abs(near) >= 999_500:
        return f"{rounded(value / 1e6):g} million"
    return f"{near:,.0f}"


def signed(value: float) -> str:
    """Write a difference with its sign."""
    if abs(value) < 1:
        return "0"
    return count(value) if value < 0 else f"+{count(value)}"


def between(low: float, high: float, write: Callable[[float], str] = count) -> str:
    """Write an interval; nothing if it is not known or both ends read the same."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    first, last = write(low), write(high)
    return "" if first == last else f"{first} to {last}"


def within(low: float, high: float, write: Callable[[float], str] = count) -> str:
    """Write an interval in brackets after a number; nothing if there is none."""
    span = between(low, high, write)
    return f" ({span})" if span else ""


def changed(change: float, low: float, high: float) -> str:
    """Write a difference with its sign and its interval."""
    return signed(change) + within(low, high, signed)


def rate(value: float) -> str:
    """Write a rate or a duration with two significant digits."""
    if not math.isfinite(value):
        return "unknown"
    near = rounded(value, 2)
    if abs(near) >= 10:
        return f"{near:,.0f}"
    return f"{near:.1f}" if abs(near) >= 1 else f"{near:g}"


def quantity(value: float) -> str:
    """Write an output of whatever kind and size: a count, a rate, a share or a difference."""
    size = abs(value)
    return ("−" if value < 0 else "") + (count(size) if size >= 100 else rate(size))


def exact(value: float) -> str:
    """Write a parameter with three digits that count, and no power of ten."""
    return f"{rounded(value):,.12g}"


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


def days(first: date, last: date) -> str:
    """Write a day or several as sentences do: on 26 September, from 25 to 28 September."""
    if first == last:
        return f"on {day(first)}"
    start = f"{first.day}" if first.month == last.month else day(first)
    return f"from {start} to {day(last)}"


def window(first: datetime, last: datetime) -> str:
    """Write a window of time in few words: a moment, a day, or days up to a moment."""
    year = "" if first.year == YEAR else f" {first.year}"
    if first == last:
        return f"{short_day(first)}{year}, {first:%H:%M}"
    end = last - timedelta(minutes=1)
    days = [short_day(first)] + [short_day(end)] * (first.date() != end.date())
    return " to ".join(days) + year


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
    """Write a number with its noun."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def capital(text: str) -> str:
    """Begin a text with a capital letter."""
    return text[:1].upper() + text[1:]


def sampled(sample: float) -> str:
    """Write what part of the men was simulated."""
    return "all men" if sample == 1 else f"{100 * sample:.3g}\u00a0% of the men"


def elided(text: str, length: int) -> str:
    """Cut a text that is longer than a number of characters, and show that it was cut."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def whole(value: float) -> str:
    """Write a number as it was published: no digit left out, none behind the point."""
    return f"{value:,.0f}"
