"""The queue at a crossing: two lanes, first come first served, exact in time.

Cars and walkers are cleared at rates of their own: ``rates`` are the persons a second that all
the officers of the crossing would clear in one lane alone. While both lanes have work the foot
lane has ``foot_share`` of the officers; what one lane cannot use goes to the other. A man who
has not reached the head by his deadline has left the queue then (ODD 7.6).
Pure Python on purpose: a unit costs about a microsecond, an idle hour nearly nothing.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from flowsim.model.states import NEVER, Lane
from flowsim.scenario.clock import DAY
from flowsim.types import Floats

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

FIELDS = ("crossing", "arrival", "start", "finish", "persons", "trip", "lane", "cleared")
"""Of an entry of a log: column, seconds, persons, numbers of trip and lane, 1 or 0."""


class Log:
    """What happened to every unit that left a queue: an entry each, in the order of leaving.

    ``cleared`` is 1 if it was cleared (``start`` is when it reached the head, ``finish`` when
    it was through) and 0 if it gave up (it never reached the head; ``finish`` is its deadline).

    Attributes
    ----------
    new : list of float
        The entries not yet read, one after the other.
    """

    def __init__(self) -> None:
        self.new: list[float] = []
        self._read: list[Floats] = []

    def unread(self) -> dict[str, Floats]:
        """Return the entries since the last call by field, each shape (n,)."""
        new = np.fromiter(self.new, np.float64, len(self.new)).reshape(-1, len(FIELDS)).T
        self._read.append(new)
        self.new.clear()
        return dict(zip(FIELDS, new, strict=True))

    def entries(self, name: str) -> Floats:
        """Return a field of all entries, shape (n,)."""
        self.unread()
        return np.concatenate([read[FIELDS.index(name)] for read in self._read])


class Border:
    """The two lanes of one crossing and the unit being cleared in each.

    Parameters
    ----------
    column : int
        Of the crossing.
    log : Log, optional
        Where units that leave are entered, for all crossings alike; one of its own if left out.
    """

    def __init__(self, column: int = 0, log: Log | None = None) -> None:
        self.lanes: tuple[deque[Unit], deque[Unit]] = (deque(), deque())
        self.work = [0.0, 0.0]  # persons left of the unit being cleared
        self.started = [0.0, 0.0]  # when it reached the head
        self.busy = [False, False]
        self.column, self.log = column, Log() if log is None else log

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
        queue, log, work, column = self.lanes[0], self.log.new, self.work[0], self.column
        busy, started = self.busy[0], self.started[0]
        for rate, begin, end in hours:
            if not queue:
                break
            if rate <= 0:
                continue
            now = begin
            while queue:
                if not busy:
                    arrival, persons, trip, deadline, _ = queue[0]
                    started = arrival if arrival > now else now
                    if deadline <= started:
                        queue.popleft()
                        log += (column, arrival, math.inf, deadline, persons, trip, 0, 0)
                        continue
                    if started >= end:
                        break
                    busy, now, work = True, started, persons
                finish = now + work / rate
                if finish >= end:
                    work -= (end - now) * rate
                    break
                arrival, persons, trip, _, _ = queue.popleft()
                log += (column, arrival, started, finish, persons, trip, 0, 1)
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
                self._leave(done, self.started[done], now, 1)
                busy[done] = False

    def _begin(self, lane: int, now: float) -> None:
        """Let the first unit of a lane that has come and not given up reach the head."""
        queue = self.lanes[lane]
        while queue and not self.busy[lane] and queue[0][ARRIVAL] <= now:
            _, persons, _, deadline, _ = queue[0]
            if deadline <= now:
                self._leave(lane, math.inf, deadline, 0)
            else:
                self.busy[lane], self.started[lane], self.work[lane] = True, now, persons

    def _leave(self, lane: int, start: float, finish: float, cleared: int) -> None:
        """Take the first unit out of a lane and enter it in the log."""
        arrival, persons, trip, _, _ = self.lanes[lane].popleft()
        self.log.new += (self.column, arrival, start, finish, persons, trip, lane, cleared)

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
