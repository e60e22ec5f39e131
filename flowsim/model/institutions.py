"""The institutions as Mesa agents: crossings, task forces, enlistment offices, destinations.

They hold what belongs to one place and act by the laws of ``border.py`` and
``conscription.py``; the men themselves are columns (``population.py``).
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from flowsim.model.abroad import ends_of_stay
from flowsim.model.conscription import cumulated_hazard, examined_share
from flowsim.model.draws import exponential
from flowsim.model.framework import mesa
from flowsim.model.queue import ARRIVAL, NOBODY, TRIP, WALK, Border, Unit
from flowsim.model.states import Lane
from flowsim.scenario.clock import DAY, HOUR
from flowsim.scenario.places import Crossing as CrossingParameters
from flowsim.scenario.places import Destination as DestinationParameters
from flowsim.scenario.schema import Stay
from flowsim.scenario.timetable import WARM_UP, FootHours, Timetable
from flowsim.types import Floats

GOLDEN = (math.sqrt(5) - 1) / 2  # multiples of both, without their whole part, fill (0, 1)
SILVER = math.sqrt(2) - 1


class _Numbers(WeakKeyDictionary[mesa.Model, Iterator[int]]):
    """Numbers agents by model, and forgets a model that nobody uses any more."""

    def __getitem__(self, model: mesa.Model) -> Iterator[int]:
        return self.setdefault(model, itertools.count(1))


class Agent(mesa.Agent):
    """An agent whose model can be forgotten: Mesa 3.3 keeps every model for its numbers."""

    _ids = _Numbers()


class Crossing(Agent):
    """A checkpoint, or the other ways into a country: who comes, queues and is cleared.

    Attributes
    ----------
    column : int
        Its place in tables by crossing.
    border : Border
        Its lanes and their log.
    traffic : float
        Ordinary travellers a second, set each morning by ``carry``.
    party : float
        Persons in a party of ordinary travellers.
    """

    def __init__(
        self,
        model: Any,
        crossing_id: str,
        parameters: CrossingParameters,
        column: int,
        table: Timetable,
        party: float,
        patience: float,
    ) -> None:
        super().__init__(model)
        self.crossing_id, self.parameters, self.column = crossing_id, parameters, column
        self._border = Border(column, model.log)
        self.party, self.traffic = party, 0.0
        self._patience = patience * DAY
        self._gathered = party * ((column + 1) * GOLDEN % 1.0)
        self._parties = 0
        self._arrivals: list[Unit] = []
        self._next = 0
        self._rates = table.capacity, table.walkers
        self._hours = table.hours[column]
        self.foot_is_open = False
        self._row = 0  # hours of the table that have passed here

    @property
    def border(self) -> Border:
        """Its lanes and their log, as they stand at the model's hour."""
        self.catch_up()
        return self._border

    def expect(self, arrivals: list[Unit]) -> None:
        """Take the men who will arrive today, in order of arrival."""
        self.catch_up()
        self._arrivals, self._next = arrivals, 0

    def carry(self, traffic: float) -> None:
        """Take the ordinary travellers a second, from now on."""
        self.catch_up()
        self.traffic = traffic

    def catch_up(self) -> None:
        """Let the hours pass here that have passed in the model.

        Each hour lanes open or close, people come, officers clear them. Within a day nothing
        from outside reaches a crossing, so it keeps no hour until somebody looks at it.
        """
        first, self._row = self._row, self.model.hour + WARM_UP
        if first == self._row:
            return
        hours, border = self._hours, self._border
        if hours.foot is None:
            border.lanes[0].extend(self._arrive(first, self._row))
            border.serve_vehicles(hours.rate[first : self._row])
            return
        for row in range(first, self._row):
            rate, begin, end = hours.rate[row]
            self._look_after_foot_lane(hours.foot, row)
            self._line_up(self._arrive(row, row + 1), hours.foot, row)
            border.serve((rate, hours.foot.rate[row]), hours.foot.share[row], begin, end)

    def wait_now(self) -> float:
        """Return the wait that a man joining now must expect, in hours, closures left aside.

        It is the time that all officers would need for those who stand in both lanes.
        """
        now, row = self.model.hour * HOUR, self.model.hour + WARM_UP
        border, waits = self.border, 0.0
        for lane, by_hour in enumerate(self._rates):
            if border.lanes[lane] and (rate := float(by_hour[row, self.column])) > 0:
                itself = self.party if lane == Lane.VEHICLES else 0.0
                waits += max(0.0, border.persons(now, (lane,)) - itself) / (rate * HOUR)
        return waits

    def _look_after_foot_lane(self, foot: FootHours, row: int) -> None:
        """Open or close it; who stands in it when it closes stays and is cleared."""
        if foot.open[row] == self.foot_is_open:
            return
        self.foot_is_open = foot.open[row]
        if self.foot_is_open:
            over = foot.jockeying[row]
            self._border.open_foot_lane(
                foot.walking[row] * over, foot.background_walking[row] * over
            )

    def _arrive(self, first: int, last: int) -> list[Unit]:
        """Return the men and the parties of ordinary travellers of some hours, as they come."""
        arrivals, i, party = self._arrivals, self._next, self.party
        gathered, an_hour = self._gathered, self.traffic * HOUR
        comes_next = arrivals[i][ARRIVAL] if i < len(arrivals) else math.inf
        come: list[Unit] = []
        for rate, _, end in self._hours.rate[first:last]:
            if rate > 0:  # where a crossing is shut to all nobody ordinary comes
                gathered += an_hour
            if gathered < party and comes_next >= end:
                continue
            here = bisect_left(arrivals, (end,), i)
            units = arrivals[i:here]
            i, men = here, len(units)
            comes_next = arrivals[i][ARRIVAL] if i < len(arrivals) else math.inf
            while gathered >= party:
                gathered -= party
                self._parties += 1
                at = end - gathered / self.traffic
                stays = -math.log(self._parties * SILVER % 1.0) * self._patience
                walks = self._parties * GOLDEN % 1.0
                units.append((at, party, NOBODY, at + stays, walks))
            if 0 < men < len(units):
                units.sort()
            come += units
        self._gathered, self._next = gathered, i
        return come

    def _line_up(self, units: list[Unit], foot: FootHours, row: int) -> None:
        """Let units join their lanes: who would rather walk joins the foot lane, if it is open."""
        if not self.foot_is_open:
            self._border.lanes[Lane.VEHICLES].extend(units)
            return
        share, background = foot.walking[row], foot.background_walking[row]
        for unit in units:
            walks = unit[WALK] < (background if unit[TRIP] == NOBODY else share)
            self._border.join(unit, Lane.FOOT if walks else Lane.VEHICLES)


class TaskForce(Agent):
    """Draft officers at one crossing: they examine as many liable men as they can."""

    def __init__(self, model: Any, name: str, column: int, table: Timetable) -> None:
        super().__init__(model)
        self.name, self.column = name, column
        self._checks = table.checks[:, column].tolist()
        self.examined = 0.0

    def step(self) -> None:
        """Each morning, set the share of liable men they can examine after yesterday's flow."""
        first = self.model.hour + WARM_UP
        checks = max(self._checks[first : first + 24])
        self.examined = examined_share(checks, self.model.liable_yesterday[self.column] / 24)
        self.model.examined[self.column] = self.examined


class EnlistmentOffice(Agent):
    """The enlistment office of a region: each day it raises its men's call-up hazard.

    Attributes
    ----------
    per_man : float64, shape (2,)
        Chance of a summons per man announced: not liable, liable.
    announced : float
        Men announced in the nation by the end of today.
    """

    def __init__(self, model: Any, region: str, per_man: Floats) -> None:
        super().__init__(model)
        self.region, self.per_man = region, per_man
        self.announced = 0.0

    @property
    def hazard(self) -> Floats:
        """Hazard cumulated by the end of today, shape (2,)."""
        return cumulated_hazard(self.per_man, self.announced)

    def step(self) -> None:
        """Each morning, take the pace announced for the day."""
        self.announced = self.model.announced_tonight


class Destination(Agent):
    """A country: whom it refuses at entry, how long men stay, who is registered."""

    def __init__(
        self, model: Any, name: str, parameters: DestinationParameters, stay: Stay
    ) -> None:
        super().__init__(model)
        self.name, self.parameters, self.stay = name, parameters, stay
        self.entered_men = 0.0

    def refuses(self, u: Floats) -> npt.NDArray[np.bool_]:
        """Return who is refused on the entry side: whatever his documents, by his draw.

        Parameters
        ----------
        u : float64, shape (N,)
            Draws ``refuse``.

        Returns
        -------
        bool, shape (N,)
        """
        return u < self.parameters.refusal.value

    def receive(
        self, arrived: Floats, weight: Floats, u_move_on: Floats, u_return: Floats
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
        """Take men in, and find when each leaves again.

        Parameters
        ----------
        arrived : float64, shape (N,)
            Seconds since the horizon's start.
        weight : float64, shape (N,)
            Men of the nation that each stands for.
        u_move_on, u_return : float64, shape (N,)
            Draws; the earlier of the two ends the stay.

        Returns
        -------
        int32, bool, shape (N,) each
            Second of leaving, ``NEVER`` if not within the horizon; whether he then moves on.
        """
        self.entered_men += float(weight.sum())
        n = len(arrived)
        on = ends_of_stay(arrived, np.full(n, self.stay.move_on.value), exponential(u_move_on))
        back = ends_of_stay(arrived, np.full(n, self.stay.return_.value), exponential(u_return))
        return np.minimum(on, back), on <= back


def waits_now(crossings: Sequence[Crossing]) -> Floats:
    """Return the wait to be expected at each crossing now, in hours, shape (C,)."""
    return np.array([crossing.wait_now() for crossing in crossings])
