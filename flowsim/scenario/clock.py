"""The model's clock: Moscow time as naive moments, hours counted from the horizon's start."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

HOUR = 3600.0
DAY = 24 * HOUR
MOSCOW_UTC_OFFSET_H = 3


@dataclass(frozen=True)
class Clock:
    """Translate between moments (Moscow time) and seconds or hours since the horizon's start.

    Attributes
    ----------
    start, end : datetime
        First moment of the horizon and the first moment after it, both at 00:00.
    utc_offset_h : int
        Hours from UTC of the scenario's clock.
    """

    start: datetime
    end: datetime
    utc_offset_h: int = MOSCOW_UTC_OFFSET_H

    @cached_property
    def n_hours(self) -> int:
        """Number of full hours in the horizon."""
        return int((self.end - self.start) / timedelta(hours=1))

    @property
    def n_days(self) -> int:
        """Number of full days in the horizon."""
        return self.n_hours // 24

    def hour(self, moment: datetime) -> int:
        """Return the hour that begins at or before a moment; negative before the horizon."""
        return int((moment - self.start) // timedelta(hours=1))

    def seconds(self, moment: datetime) -> float:
        """Return the seconds from the horizon's start to a moment."""
        return (moment - self.start).total_seconds()

    def moment(self, seconds: float) -> datetime:
        """Return the moment that lies some seconds after the horizon's start."""
        return self.start + timedelta(seconds=seconds)


def iso(moment: datetime) -> str:
    """Write a moment as in scenario files: ``2022-09-28``, or ``2022-09-28T10:00``."""
    return moment.isoformat(timespec="minutes").removesuffix("T00:00")
