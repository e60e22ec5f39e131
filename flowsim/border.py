"""The queue at a crossing: two lanes, first come first served, exact in time.

The crossing's officers clear ``rate`` persons a second. While the foot lane is open it has
``foot_share`` of them; what one lane cannot use goes to the other. A unit of q persons takes
q / rate. A man who has not reached the head by his deadline has left the queue then (ODD 7.6).
Pure Python on purpose: a unit costs about a microsecond, an idle hour nearly nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from flowsim.clock import DAY
from flowsim.states import NEVER, Lane

Unit = tuple[float, float, int, float, float]
"""Arrival (s), persons, trip (-1: ordinary travellers), deadline (s), draw for walking."""

NOBODY = -1
ON_FOOT = -1.0
"""Instead of the draw for walking: came on foot, whichever lane he stands in."""


def patience_ends(
    arrives_at: npt.NDArray[np.integer], u: npt.NDArray[np.float64], days: float
) -> npt.NDArray[np.float64]:
    """Give the second at which men give up a queue: exponential patience of this mean, (N,)."""
    return np.minimum(np.round(arrives_at - np.log(u) * days * DAY), NEVER)


class Log:
    """What happened to every unit that left a queue, in order: one entry in each array.

    ``cleared`` is 1 if it was cleared (``start`` is when it reached the head, ``finish`` when
    it was through) and 0 if it gave up (both are its deadline).
    """

    def __init__(self) -> None:
        self.arrival: list[float] = []
        self.start: list[float] = []
        self.finish: list[float] = []
        self.persons: list[float] = []
        self.trip: list[int] = []
        self.lane: list[int] = []
        self.cleared: list[int] = []

    def add(self, unit: Unit, lane: int, start: float, finish: float, cleared: int) -> None:
        """Append one unit; who came on foot is logged in the foot lane, wherever he stood."""
        arrival, persons, trip, _, walk = unit
        self.arrival.append(arrival)
        self.start.append(start)
        self.finish.append(finish)
        self.persons.append(persons)
        self.trip.append(trip)
        self.lane.append(1 if walk == ON_FOOT else lane)
        self.cleared.append(cleared)


class Border:
    """The two lanes of one crossing and the unit being cleared in each."""

    def __init__(self) -> None:
        self.lanes: tuple[deque[Unit], deque[Unit]] = (deque(), deque())
        self.work = [0.0, 0.0]  # persons left of the unit being cleared
        self.started = [0.0, 0.0]  # when it reached the head
        self.busy = [False, False]
        self.sent_back = False  # whether people on foot may stand in the vehicle lane
        self.log = Log()

    def join(self, unit: Unit, lane: int) -> None:
        """Put a unit at the end of a lane; units must come in the order of arrival."""
        self.lanes[lane].append(unit)

    def serve(self, rate: float, foot_share: float, begin: float, end: float) -> None:
        """Clear units from ``begin`` to ``end`` (s) at ``rate`` persons a second."""
        if rate <= 0:
            return
        if self.lanes[Lane.FOOT]:
            self._serve_both(rate, foot_share, begin, end)
        elif self.lanes[Lane.VEHICLES]:
            self._serve_one(rate, begin, end)

    def _serve_one(self, rate: float, now: float, end: float) -> None:
        """Clear the vehicle lane alone."""
        queue, log, work = self.lanes[0], self.log, self.work[0]
        busy, started = self.busy[0], self.started[0]
        while queue:
            unit = queue[0]
            if not busy:
                started = unit[0] if unit[0] > now else now
                if unit[3] <= started:
                    log.add(queue.popleft(), 0, unit[3], unit[3], 0)
                    continue
                if started >= end:
                    break
                busy, now, work = True, started, unit[1]
            finish = now + work / rate
            if finish >= end:
                work -= (end - now) * rate
                break
            log.add(queue.popleft(), 0, started, finish, 1)
            busy, now = False, finish
        self.work[0], self.busy[0], self.started[0] = work, busy, started

    def _serve_both(self, rate: float, foot_share: float, now: float, end: float) -> None:
        """Clear both lanes, handing capacity over whenever one of them runs dry."""
        shares = (1.0 - foot_share, foot_share)
        while now < end:
            self._begin(0, now)
            self._begin(1, now)
            busy = self.busy
            step = end - now
            done = -1
            for lane in (0, 1):
                if busy[lane]:
                    speed = rate * (shares[lane] if busy[1 - lane] else 1.0)
                    if self.work[lane] < speed * step:
                        step, done = self.work[lane] / speed, lane
                elif self.lanes[lane] and self.lanes[lane][0][0] - now < step:
                    step, done = self.lanes[lane][0][0] - now, -1
            both = busy[0] and busy[1]
            for lane in (0, 1):
                if busy[lane]:
                    self.work[lane] -= step * rate * (shares[lane] if both else 1.0)
            now += step
            if done >= 0:
                self.log.add(self.lanes[done].popleft(), done, self.started[done], now, 1)
                busy[done] = False

    def _begin(self, lane: int, now: float) -> None:
        """Let the first unit of a lane that has come and not given up reach the head."""
        queue = self.lanes[lane]
        while queue and not self.busy[lane] and queue[0][0] <= now:
            unit = queue[0]
            if unit[3] <= now:
                self.log.add(queue.popleft(), lane, unit[3], unit[3], 0)
            else:
                self.busy[lane], self.started[lane], self.work[lane] = True, now, unit[1]

    def open_foot_lane(self, share: float, background_share: float) -> None:
        """Let those in the vehicle lane who would rather walk go over, in their order."""
        vehicles, foot = self.lanes
        head = [vehicles.popleft()] if self.busy[0] else []
        stay = head
        for unit in vehicles:
            walks = unit[4] < (background_share if unit[2] == NOBODY else share)
            (foot if walks else stay).append(unit)
        self.lanes = (deque(stay), foot)

    def close_foot_lane(self) -> None:
        """Send those on foot to the end of the vehicle lane, in their order; they have no car."""
        vehicles, foot = self.lanes
        self.sent_back = bool(foot)
        vehicles.extend((*unit[:4], ON_FOOT) for unit in foot)
        foot.clear()
        self.busy[1] = False

    def waiting(self, now: float, lanes: Sequence[int] = (0, 1)) -> Iterator[tuple[int, Unit]]:
        """Give lane and unit of those who have come and not given up, those served included."""
        for lane in lanes:
            for place, unit in enumerate(self.lanes[lane]):
                if unit[0] <= now and (unit[3] > now or (place == 0 and self.busy[lane])):
                    yield lane, unit

    def persons_on_foot(self, now: float) -> float:
        """Give the persons waiting who are not in cars."""
        if not (self.lanes[Lane.FOOT] or self.sent_back):
            return 0.0
        total = self.persons(now, (Lane.FOOT,))
        if self.sent_back:
            others = [unit[1] for _, unit in self.waiting(now, (0,)) if unit[4] == ON_FOOT]
            self.sent_back = bool(others)
            total += sum(others)
        return total

    def persons(self, now: float, lanes: Sequence[int] = (0, 1)) -> float:
        """Give the persons waiting in some lanes, those being cleared included."""
        return sum(unit[1] for _, unit in self.waiting(now, lanes))
