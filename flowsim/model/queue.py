"""The queue at a crossing: two lanes, first come first served, exact in time.

Cars and walkers are cleared at rates of their own: ``rates`` are the persons a second that all
the officers of the crossing would clear in one lane alone. While both lanes have work the foot
lane has ``foot_share`` of the officers; what one lane cannot use goes to the other. A man who
has not reached the head by his deadline has left the queue then (ODD 7.6).
Pure Python on purpose: a unit costs about a microsecond, an idle hour nearly nothing.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from flowsim.model.states import NEVER, Lane
from flowsim.scenario.clock import DAY

Unit = tuple[float, float, int, float, float]
"""Arrival (s), persons, trip (-1: ordinary travellers), deadline (s), draw for walking."""

ARRIVAL, PERSONS, TRIP, DEADLINE, WALK = range(5)
"""Places in a unit; a plain tuple is made and read faster than one with named fields."""

NOBODY = -1


def patience_ends(
    arrives_at: npt.NDArray[np.integer], u: npt.NDArray[np.float64], days: float
) -> npt.NDArray[np.float64]:
    """Return the second at which men give up a queue: patience is exponential.

    Parameters
    ----------
    arrives_at : integer array, shape (N,)
        Second of arrival.
    u : float64, shape (N,)
        Draws ``patience``.
    days : float
        Mean patience.

    Returns
    -------
    float64, shape (N,)
        Whole seconds.
    """
    return np.minimum(np.round(arrives_at - np.log(u) * days * DAY), NEVER)


Rates = tuple[float, float]
"""Persons a second that all officers would clear in one lane alone: vehicles, on foot."""

Entry = tuple[float, float, float, float, int, int, int]
"""Of a log: arrival, start, finish (s), persons, trip, lane, cleared."""

_MOST_NEW = 4096  # entries of a log not yet packed into its columns


class Log:
    """What happened to every unit that left a queue, in order: one entry in each array.

    ``cleared`` is 1 if it was cleared (``start`` is when it reached the head, ``finish`` when
    it was through) and 0 if it gave up (both are its deadline).
    """

    def __init__(self) -> None:
        self._columns = tuple(array(kind) for kind in "ddddqbb")
        self._new: list[Entry] = []  # read, but not packed into the columns yet
        self._unread: list[Entry] = []
        self._packed = 0  # of the unread entries, those in the columns already

    def add(self, unit: Unit, lane: int, start: float, finish: float, cleared: int) -> None:
        """Append one unit that left a lane."""
        arrival, persons, trip, _, _ = unit
        self._unread.append((arrival, start, finish, persons, trip, lane, cleared))

    def unread(self) -> list[Entry]:
        """Return the entries since the last call."""
        unread, self._unread = self._unread, []
        self._new += unread[self._packed :]
        self._packed = 0
        if len(self._new) > _MOST_NEW:
            self._column(0)
        return unread

    def _column(self, place: int) -> array[Any]:
        new = self._new + self._unread[self._packed :]
        if new:
            for column, values in zip(self._columns, zip(*new, strict=True), strict=True):
                column.extend(values)
            self._new, self._packed = [], len(self._unread)
        return self._columns[place]

    @property
    def arrival(self) -> array[float]:
        """Seconds."""
        return self._column(0)

    @property
    def start(self) -> array[float]:
        """Seconds."""
        return self._column(1)

    @property
    def finish(self) -> array[float]:
        """Seconds."""
        return self._column(2)

    @property
    def persons(self) -> array[float]:
        """Persons in each unit."""
        return self._column(3)

    @property
    def trip(self) -> array[int]:
        """Number of the trip, -1 for ordinary travellers."""
        return self._column(4)

    @property
    def lane(self) -> array[int]:
        """0 vehicles, 1 on foot."""
        return self._column(5)

    @property
    def cleared(self) -> array[int]:
        """1 cleared, 0 gave up."""
        return self._column(6)


class Border:
    """The two lanes of one crossing and the unit being cleared in each."""

    def __init__(self) -> None:
        self.lanes: tuple[deque[Unit], deque[Unit]] = (deque(), deque())
        self.work = [0.0, 0.0]  # persons left of the unit being cleared
        self.started = [0.0, 0.0]  # when it reached the head
        self.busy = [False, False]
        self.log = Log()

    def join(self, unit: Unit, lane: int) -> None:
        """Put a unit at the end of a lane; units must come in the order of arrival."""
        self.lanes[lane].append(unit)

    def serve(self, rates: Rates, foot_share: float, begin: float, end: float) -> None:
        """Clear units from ``begin`` to ``end`` (s); where a rate is 0 all stand still.

        Parameters
        ----------
        rates : (float, float)
            Persons a second that all officers clear in the vehicle lane, in the foot lane.
        foot_share : float
            Of the officers, for the foot lane while both lanes have work.
        """
        if self.lanes[Lane.FOOT]:
            if rates[0] > 0 and rates[1] > 0:
                self._serve_both(rates, foot_share, begin, end)
        elif rates[0] > 0:
            self.serve_vehicles([(rates[0], begin, end)])

    def serve_vehicles(self, hours: Iterable[tuple[float, float, float]]) -> None:
        """Clear the vehicle lane alone, hour after hour: rate, begin and end of each."""
        queue, log, work = self.lanes[0], self.log, self.work[0]
        busy, started = self.busy[0], self.started[0]
        for rate, begin, end in hours:
            if not queue:
                break
            if rate <= 0:
                continue
            now = begin
            while queue:
                if not busy:
                    arrival, persons, _, deadline, _ = queue[0]
                    started = arrival if arrival > now else now
                    if deadline <= started:
                        log.add(queue.popleft(), 0, deadline, deadline, 0)
                        continue
                    if started >= end:
                        break
                    busy, now, work = True, started, persons
                finish = now + work / rate
                if finish >= end:
                    work -= (end - now) * rate
                    break
                log.add(queue.popleft(), 0, started, finish, 1)
                busy, now = False, finish
        self.work[0], self.busy[0], self.started[0] = work, busy, started

    def _serve_both(self, rates: Rates, foot_share: float, now: float, end: float) -> None:
        """Clear both lanes, handing officers over whenever one of them runs dry."""
        shared = (rates[0] * (1.0 - foot_share), rates[1] * foot_share)
        while now < end:
            self._begin(0, now)
            self._begin(1, now)
            busy = self.busy
            speeds = shared if busy[0] and busy[1] else rates
            step = end - now
            done = -1
            for lane in (0, 1):
                if busy[lane]:
                    if self.work[lane] < speeds[lane] * step:
                        step, done = self.work[lane] / speeds[lane], lane
                elif self.lanes[lane] and self.lanes[lane][0][ARRIVAL] - now < step:
                    step, done = self.lanes[lane][0][ARRIVAL] - now, -1
            for lane in (0, 1):
                if busy[lane]:
                    self.work[lane] -= step * speeds[lane]
            now += step
            if done >= 0:
                self.log.add(self.lanes[done].popleft(), done, self.started[done], now, 1)
                busy[done] = False

    def _begin(self, lane: int, now: float) -> None:
        """Let the first unit of a lane that has come and not given up reach the head."""
        queue = self.lanes[lane]
        while queue and not self.busy[lane] and queue[0][ARRIVAL] <= now:
            _, persons, _, deadline, _ = queue[0]
            if deadline <= now:
                self.log.add(queue.popleft(), lane, deadline, deadline, 0)
            else:
                self.busy[lane], self.started[lane], self.work[lane] = True, now, persons

    @property
    def trips_at_the_head(self) -> list[int]:
        """Trips of the men being cleared now, who cannot give up any more."""
        heads = [lane[0] for lane, busy in zip(self.lanes, self.busy, strict=True) if busy]
        return [trip for _, _, trip, _, _ in heads if trip != NOBODY]

    def open_foot_lane(self, share: float, background_share: float) -> None:
        """Let those in the vehicle lane who would rather walk go over, in their order."""
        vehicles, foot = self.lanes
        head = [vehicles.popleft()] if self.busy[0] else []
        stay = head
        for unit in vehicles:
            walks = unit[WALK] < (background_share if unit[TRIP] == NOBODY else share)
            (foot if walks else stay).append(unit)
        self.lanes = (deque(stay), foot)

    def persons(self, now: float, lanes: Sequence[int] = (0, 1)) -> float:
        """Return the persons waiting in some lanes, those being cleared included."""
        persons: list[float] = []
        for lane in lanes:
            if self.lanes[lane]:
                persons += [unit[PERSONS] for unit in self._of_those(self.lanes[lane], lane, now)]
        return sum(persons)

    def waiting(self, now: float, lanes: Sequence[int] = (0, 1)) -> Iterator[tuple[int, Unit]]:
        """Return lane and unit of those who have come and not given up, those served included."""
        for lane in lanes:
            for unit in self._of_those(self.lanes[lane], lane, now):
                yield lane, unit

    def _of_those(self, units: deque[Unit], lane: int, now: float) -> list[Unit]:
        waiting = [unit for unit in units if unit[ARRIVAL] <= now < unit[DEADLINE]]
        head = units[0] if self.busy[lane] and units else None
        if head is not None and head is self.lanes[lane][0] and head[DEADLINE] <= now:
            waiting.insert(0, head)
        return waiting
