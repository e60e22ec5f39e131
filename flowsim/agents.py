"""The institutions as Mesa agents: crossings, task forces, enlistment offices, destinations.

They hold what belongs to one place and act by the laws of ``border.py`` and
``conscription.py``; the men themselves are columns (``population.py``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import mesa
import numpy as np
import numpy.typing as npt

from flowsim.abroad import ends_of_stay
from flowsim.border import NOBODY, Border, Unit
from flowsim.clock import HOUR
from flowsim.conscription import cumulated_hazard, examined_share
from flowsim.draws import exponential
from flowsim.policies import WARM_UP, Timetable
from flowsim.schema import Crossing as CrossingParameters
from flowsim.schema import Destination as DestinationParameters
from flowsim.schema import Stay
from flowsim.states import Lane

Floats = npt.NDArray[np.float64]
GOLDEN = (math.sqrt(5) - 1) / 2


class Crossing(mesa.Agent):
    """A checkpoint, or the other ways into a country: who comes, queues and is cleared.

    Attributes
    ----------
    column : int
        Its place in tables by crossing.
    border : Border
        Its lanes and their log.
    traffic : float
        Ordinary travellers a second, set each morning.
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
    ) -> None:
        super().__init__(model)
        self.crossing_id, self.parameters, self.column = crossing_id, parameters, column
        self.border = Border()
        self.party, self.traffic = party, 0.0
        self._gathered = party * ((column + 1) * GOLDEN % 1.0)
        self._parties = 0
        self._arrivals: list[Unit] = []
        self._next = 0
        self._rate = np.where(table.closed, 0.0, table.capacity)[:, column].tolist()
        self._capacity = table.capacity[:, column].tolist()
        self._foot_share = table.foot_share[:, column].tolist()
        self._foot_open = table.foot_open[:, column].tolist()
        self._walking = table.walking_share[:, column].tolist()
        self._background_walking = table.background_walking_share[:, column].tolist()
        self._jockeying = table.jockeying_share[:, column].tolist()
        self.foot_is_open = False
        self.walkers = np.zeros(len(self._rate))  # persons waiting on foot at each full hour

    def expect(self, arrivals: list[Unit]) -> None:
        """Take the men who will arrive today, in order of arrival."""
        self._arrivals, self._next = arrivals, 0

    def step(self) -> None:
        """Let an hour pass: lanes open or close, people come, officers clear them."""
        hour = self.model.hour
        row = hour + WARM_UP
        begin = hour * HOUR
        if self._foot_open[row] != self.foot_is_open:
            self._change_foot_lane(row)
        self.walkers[row] = self.border.persons_on_foot(begin)
        self._receive(begin, row)
        if self.border.lanes[Lane.VEHICLES] or self.border.lanes[Lane.FOOT]:
            self.border.serve(self._rate[row], self._foot_share[row], begin, begin + HOUR)

    def wait_now(self) -> float:
        """Give the wait that a man joining now must expect, in hours, closures left aside."""
        now = self.model.hour * HOUR
        rate = self._capacity[self.model.hour + WARM_UP]
        persons = max(0.0, self.border.persons(now) - self.party)
        return persons / (rate * HOUR) if rate > 0 else 0.0

    def _change_foot_lane(self, row: int) -> None:
        self.foot_is_open = self._foot_open[row]
        if self.foot_is_open:
            over = self._jockeying[row]
            self.border.open_foot_lane(
                self._walking[row] * over, self._background_walking[row] * over
            )
        else:
            self.border.close_foot_lane()

    def _receive(self, begin: float, row: int) -> None:
        """Let the men and the ordinary travellers of this hour join their lanes."""
        arrivals, i, end = self._arrivals, self._next, begin + HOUR
        came = self._gathered + self.traffic * HOUR
        if came < self.party and (i == len(arrivals) or arrivals[i][0] >= end):
            self._gathered = came
            return
        units: list[Unit] = []
        while i < len(arrivals) and arrivals[i][0] < end:
            units.append(arrivals[i])
            i += 1
        self._next = i
        men = len(units)
        while came >= self.party:
            came -= self.party
            self._parties += 1
            at = end - came / self.traffic
            walk = self._parties * GOLDEN % 1.0
            units.append((at, self.party, NOBODY, math.inf, walk))
        self._gathered = came
        if 0 < men < len(units):
            units.sort()
        if not self.foot_is_open:
            self.border.lanes[Lane.VEHICLES].extend(units)
            return
        share, background = self._walking[row], self._background_walking[row]
        for unit in units:
            walks = unit[4] < (background if unit[2] == NOBODY else share)
            self.border.join(unit, Lane.FOOT if walks else Lane.VEHICLES)


class TaskForce(mesa.Agent):
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


class EnlistmentOffice(mesa.Agent):
    """The enlistment office of a region: each day it raises its men's call-up hazard.

    Attributes
    ----------
    per_man : float64, shape (2,)
        Chance of a summons per man announced: not liable, liable.
    hazard : float64, shape (2,)
        Hazard cumulated by the end of today.
    """

    def __init__(self, model: Any, region: str, per_man: Floats) -> None:
        super().__init__(model)
        self.region, self.per_man = region, per_man
        self.hazard = np.zeros(2)

    def step(self) -> None:
        """Each morning, take the pace announced for the day."""
        self.hazard = cumulated_hazard(self.per_man, self.model.announced_tonight)


class Destination(mesa.Agent):
    """A country: whom it refuses at entry, how long men stay, who is registered."""

    def __init__(
        self, model: Any, name: str, parameters: DestinationParameters, stay: Stay
    ) -> None:
        super().__init__(model)
        self.name, self.parameters, self.stay = name, parameters, stay
        self.entered_men = 0.0

    def refuses(self, u: Floats, lacks_document: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Say who is refused on the entry side: without the document, or by his draw."""
        return lacks_document | (u < self.parameters.refusal.value)

    def receive(
        self, arrived: Floats, weight: Floats, u_move_on: Floats, u_return: Floats
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
        """Take men in; give when each leaves again (s) and whether he then moves on."""
        self.entered_men += float(weight.sum())
        n = len(arrived)
        on = ends_of_stay(arrived, np.full(n, self.stay.move_on.value), exponential(u_move_on))
        back = ends_of_stay(arrived, np.full(n, self.stay.return_.value), exponential(u_return))
        return np.minimum(on, back), on <= back


def waits_now(crossings: Sequence[Crossing]) -> Floats:
    """Give the wait to be expected at each crossing now, in hours, shape (C,)."""
    return np.array([crossing.wait_now() for crossing in crossings])
