"""The model's clock: Moscow time as naive moments, hours counted from the horizon's start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np

from flowsim.types import Floats, Ints

HOUR = 3600.0
DAY = 24 * HOUR
MOSCOW_UTC_OFFSET_H = 3
Offset = float | Mapping[datetime, float]
"""Hours of a clock ahead of UTC; where it is changed, by the moments from which they hold."""


@dataclass(frozen=True)
class Clock:
    """Translate between moments (Moscow time) and seconds or hours since the horizon's start.

    Attributes
    ----------
    start, end : datetime
        First moment of the horizon and the first moment after it, both at 00:00.
    utc_offset_h : float
        Hours from UTC of the scenario's clock.
    """

    start: datetime
    end: datetime
    utc_offset_h: float = MOSCOW_UTC_OFFSET_H

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

    def ahead(self, offset: Offset, seconds: Floats) -> Floats:
        """Return the hours by which another clock is ahead of this one, at some seconds."""
        steps = sorted(offset.items()) if isinstance(offset, Mapping) else [(self.start, offset)]
        changes = [self.seconds(moment) for moment, _ in steps[1:]]
        hours = np.array([hours for _, hours in steps])
        return np.asarray(hours[np.searchsorted(changes, seconds, "right")] - self.utc_offset_h)

    def local(self, moment: datetime, offset: Offset) -> datetime:
        """Return what another clock shows at a moment."""
        ahead = self.ahead(offset, np.array([self.seconds(moment)]))[0]
        return moment + timedelta(hours=float(ahead))

    def midnights(self, offset: Offset) -> Floats:
        """Return when each local day of the horizon begins and the last ends, in hours, (D + 1,).

        A day on which another clock is changed has more or less than 24 hours.
        """
        quarters = np.arange(-4 * 48, 4 * (self.n_hours + 48)) / 4
        local = quarters + self.ahead(offset, quarters * HOUR)
        days = np.maximum.accumulate(np.floor(local / 24))
        return np.asarray(quarters[np.searchsorted(days, np.arange(self.n_days + 1))])

    def local_days(self, by_hour: Floats, offset: Offset, before: int) -> Floats:
        """Add up hours over whole local days of the horizon.

        Where a day begins within an hour, that hour is divided by its length.

        Parameters
        ----------
        by_hour : float64, shape (H, ...)
            From some hours before the horizon on, as many as ``before`` says.
        offset : Offset
            Of the local clock.

        Returns
        -------
        float64, shape (D, ...)
            Sums; hours of which nothing is known count as 0.
        """
        if (key := (str(offset), before)) not in self._hours_of_days:
            starts = before + self.midnights(offset)
            rows = np.floor(starts).astype(np.int64)
            hours = rows[:-1, None] + np.arange(np.diff(rows).max())
            known = (hours < rows[1:, None]) & (hours >= 0)
            self._hours_of_days[key] = np.where(known, hours, 2**40), float(starts[0] % 1)
        hours, part = self._hours_of_days[key]
        if part:
            by_hour = later(by_hour, part)
        first, n = int(hours[0, 0]), hours.size
        if hours[-1, -1] == first + n - 1 < len(by_hour):  # all of 24 hours, and known
            found = by_hour.T[..., first : first + n].reshape(*by_hour.shape[:0:-1], *hours.shape)
        else:
            known = hours < len(by_hour)
            found = np.where(known, by_hour.T[..., np.where(known, hours, 0)], 0.0)
        return np.ascontiguousarray(found).sum(axis=-1).T

    @cached_property
    def _hours_of_days(self) -> dict[tuple[str, int], tuple[Ints, float]]:
        """Rows of the hours of each local day, and the part of an hour at which days begin."""
        return {}


def later(by_hour: Floats, part: float) -> Floats:
    """Return what is some part of an hour after each full hour but the last, on a line."""
    return (1 - part) * by_hour[:-1] + part * by_hour[1:]


def iso(moment: datetime) -> str:
    """Write a moment as in scenario files: ``2022-09-28``, or ``2022-09-28T10:00``."""
    return moment.isoformat(timespec="minutes").removesuffix("T00:00")
