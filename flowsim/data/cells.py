"""What stands in a cell of a table: numbers and dates as spreadsheets write them.

A cell is read where it can mean one thing only, by itself or by what the other cells of its
file show; where it could mean two, it is refused and both are named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationInfo
from pydantic_core import PydanticCustomError

from flowsim.data.text import refusal, unfit

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
LONGEST = 60

_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?", re.ASCII | re.IGNORECASE)
_SPACED = re.compile(r"[-+]?\d{1,3}([ \u00a0\u202f\u2009'’]\d{3})+([.,]\d+)?", re.ASCII)
_COMMA = re.compile(r"[-+]?\d*,\d+", re.ASCII)
_THREE = re.compile(r"[-+]?[1-9]\d{0,2}[.,]\d{3}", re.ASCII)
_BY_COMMAS = re.compile(r"[-+]?\d{1,3}(,\d{3})+\.\d+|[-+]?\d{1,3}(,\d{3}){2,}", re.ASCII)
_BY_POINTS = re.compile(r"[-+]?\d{1,3}(\.\d{3})+,\d+|[-+]?\d{1,3}(\.\d{3}){2,}", re.ASCII)

_CLOCK = r"(?:(?:T|,? +)(\d{1,2}):(\d{2})(?::(\d{2})(?:\.0+)?)? ?([AP]M)?)?"
_YEAR_FIRST = re.compile(rf"(\d{{4}})([-/.])(\d{{1,2}})\2(\d{{1,2}}){_CLOCK}", re.ASCII | re.I)
_YEAR_LAST = re.compile(rf"(\d{{1,2}})([-/.])(\d{{1,2}})\2(\d{{4}}){_CLOCK}", re.ASCII | re.I)
_NAMED = re.compile(rf"(\d{{1,2}})[- .]+([a-z]{{3,9}})[- .,]+(\d{{4}}){_CLOCK}", re.ASCII | re.I)
_ZONE = re.compile(r"\d[zZ]$|:\d{2} ?[-+]\d{2}:?\d{2}$| (UTC|GMT|MSK)", re.ASCII)
_SERIAL = re.compile(r"[34]\d{4}([.,]\d+)?", re.ASCII)
_EXCEL = datetime(1899, 12, 30)


@dataclass(frozen=True)
class Dialect:
    """How a file writes numbers and dates, as far as its cells show it.

    Attributes
    ----------
    decimal : str
        ``.`` or ``,``; empty where the cells do not show it.
    day_first : bool or None
        Whether 2/10/2022 is in October; None where the cells do not show it.
    point_is_sure : bool
        Whether a lone point can only be that of a decimal: the cells are parted by commas.
    """

    decimal: str = "."
    day_first: bool | None = None
    point_is_sure: bool = True


PLAIN = Dialect()


def dialect_of(numbers: Iterable[str], dates: Iterable[str], separator: str) -> Dialect:
    """Return how a file writes, from those of its cells that can mean one thing only.

    >>> dialect_of(["2,5", "1.234"], ["22/9/2022"], ";")
    Dialect(decimal=',', day_first=True, point_is_sure=False)
    """
    decimals = {sign for text in numbers if (sign := _decimal_of(text.strip()))}
    orders = {order for text in dates if (order := _order_of(text.strip())) is not None}
    return Dialect(
        decimals.pop() if len(decimals) == 1 else "",
        orders.pop() if len(orders) == 1 else None,
        separator == ",",
    )


def _decimal_of(text: str) -> str:
    """Return the decimal sign that a cell proves; empty if it proves none."""
    if _THREE.fullmatch(text):
        return ""
    if _BY_COMMAS.fullmatch(text) or (_NUMBER.fullmatch(text) and "." in text):
        return "."
    return "," if _BY_POINTS.fullmatch(text) or _COMMA.fullmatch(text) else ""


def _order_of(text: str) -> bool | None:
    found = _YEAR_LAST.fullmatch(text)
    if found is None or found[2] == "." or (int(found[1]) > 12) == (int(found[3]) > 12):
        return None
    return int(found[1]) > 12


def refused(hint: str = "") -> PydanticCustomError:
    """Return the error of a cell that cannot be read; the table adds what was expected."""
    return PydanticCustomError("cell", "{hint}", {"hint": hint})


def _dialect(info: ValidationInfo) -> Dialect:
    return info.context if isinstance(info.context, Dialect) else PLAIN


def number(cell: Any, info: ValidationInfo) -> Any:
    """Read a number; what is no text is left to the schema."""
    if not isinstance(cell, str):
        return cell
    text = cell.strip().replace("−", "-")
    if _SPACED.fullmatch(text):
        text = re.sub(r"[^-+\d.,]", "", text)
        return float(text.replace(",", "."))
    if _NUMBER.fullmatch(text) or "," in text or "." in text:
        return float(_with_point(text, _dialect(info)))
    raise refused("; write the number alone, the unit in its column" if text.endswith("%") else "")


def _with_point(text: str, dialect: Dialect) -> str:
    """Return a number with a decimal point and nothing between thousands."""
    if _THREE.fullmatch(text):
        unsure = dialect.decimal == "," or not (dialect.decimal or dialect.point_is_sure)
        if "." in text:
            if not unsure:
                return text
        elif dialect.decimal:
            return text.replace(",", "." if dialect.decimal == "," else "")
        sign = "," if "," in text else "."
        bare, pointed = text.replace(sign, ""), text.replace(sign, ".").rstrip("0").rstrip(".")
        raise refused(f"; it could be {bare} or {pointed}: write one of them")
    if _BY_COMMAS.fullmatch(text):
        return text.replace(",", "")
    if _BY_POINTS.fullmatch(text):
        return text.replace(".", "").replace(",", ".")
    if _NUMBER.fullmatch(text):
        return text
    if _COMMA.fullmatch(text):
        return text.replace(",", ".")
    raise refused()


def line(text: str) -> str:
    """Refuse what cannot stand on one line of a terminal, a figure or a spreadsheet."""
    if why := refusal(text):
        raise PydanticCustomError("word", "{why}", {"why": why})
    return text


def note(text: str) -> str:
    """Refuse letters that nobody sees, or that steer a terminal."""
    if why := unfit(text):
        raise PydanticCustomError("word", "{why}", {"why": why})
    return text


def number_or_none(cell: Any, info: ValidationInfo) -> Any:
    """Read a number; an empty cell is none."""
    if not isinstance(cell, str):
        return cell
    return without_point(number(cell, info)) if cell.strip() else None


def without_point(number: float) -> float:
    """Return a whole number as such, so that it is written without a point."""
    return int(number) if number == int(number) else number


def flag(cell: Any) -> Any:
    """Read 1 or 0; what is no text is left to the schema."""
    known = {"1": True, "0": False, "true": True, "false": False, "yes": True, "no": False}
    if not isinstance(cell, str):
        return cell
    if cell.strip().lower() not in known:
        raise refused()
    return known[cell.strip().lower()]


def moment(cell: Any, info: ValidationInfo) -> Any:
    """Read a date, midnight if without a time; an empty cell is none."""
    if isinstance(cell, datetime) or cell is None:
        return cell
    text = str(cell).strip()
    if not text:
        return None
    if _ZONE.search(text):
        raise refused("; leave the time zone out: the time is that of utc_offset_h")
    if _SERIAL.fullmatch(text):
        day = _EXCEL + timedelta(days=int(text[:5]))
        raise refused(f"; if it is a spreadsheet's number for {day:%Y-%m-%d}, write that")
    year, month, day_, hour, minute, second, half = _parts(text, _dialect(info))
    hours = int(hour or 0)
    if hours == 24:
        raise refused("; midnight at the end of a day is T00:00 of the next")
    if half:
        if not 1 <= hours <= 12:
            raise refused()
        hours = hours % 12 + 12 * (half.upper() == "PM")
    try:
        found = datetime(year, month, day_, hours, int(minute or 0), int(second or 0))
    except ValueError as reason:
        raise refused(f" ({reason})") from None
    if found.minute or found.second:
        raise refused("; the model counts by the hour: give a full one")
    return found


def day(cell: Any, info: ValidationInfo) -> Any:
    """Read a date without a time; an empty cell is none."""
    found = moment(cell, info) if isinstance(cell, str) else cell
    return found.date() if isinstance(found, datetime) else found


def day_or_month(cell: Any, info: ValidationInfo) -> Any:
    """Read a date without a time as ISO text; a year with a month is left as it is."""
    text = cell.strip() if isinstance(cell, str) else ""
    if not text or re.fullmatch(r"\d{4}(-\d{2})?", text):
        return text if isinstance(cell, str) else cell
    return moment(cell, info).date().isoformat()


def _parts(text: str, dialect: Dialect) -> tuple[Any, ...]:
    """Split a date into year, month and day, and the texts of its clock."""
    if found := _YEAR_FIRST.fullmatch(text):
        return int(found[1]), int(found[3]), int(found[4]), *found.groups()[4:]
    if found := _NAMED.fullmatch(text):
        if found[2][:3].lower() in MONTHS:
            month = MONTHS.index(found[2][:3].lower()) + 1
            return int(found[3]), month, int(found[1]), *found.groups()[3:]
    elif found := _YEAR_LAST.fullmatch(text):
        first, sign, second, year, *clock = found.groups()
        a, b = int(first), int(second)
        day_first = True if sign == "." or a > 12 else False if b > 12 else dialect.day_first
        if day_first is None and a != b:
            one, other = f"{year}-{b:02d}-{a:02d}", f"{year}-{a:02d}-{b:02d}"
            raise refused(f"; it could be {one} or {other}: write one of them")
        return int(year), *((b, a) if day_first else (a, b)), *clock
    raise refused()


def one_of(known: Iterable[str], expected: str) -> Callable[[Any], Any]:
    """Return what reads one of some words; an empty cell is left as it is."""
    words = tuple(known)

    def read(cell: Any) -> Any:
        if not isinstance(cell, str) or cell in ("", *words):
            return cell
        message = f"found {shown(cell)}{suggested(cell, words) or f'; expected {expected}'}"
        raise PydanticCustomError("word", "{message}", {"message": message})

    return read


def suggested(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return '; did you mean ...?' for a word that is nearly one of the known ones, else ''."""
    near = get_close_matches(word[:100], list(known), n=1, cutoff=cutoff)
    return f"; did you mean {near[0]}?" if near else ""


def shown(cell: Any) -> str:
    """Write a cell as found, on one line, without letters that a terminal does not show."""
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return "nothing"
    text = repr(cell) if isinstance(cell, str) else str(cell)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
