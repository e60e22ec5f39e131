"""The men as Mesa objects: every man of a small sample lives through his own days.

Pressure, queues, officers and policies are those of ``FlowModel``. Both engines must agree man
for man and hour for hour (ODD 2).
"""

from __future__ import annotations

from collections import defaultdict
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

from flowsim.errors import ModelError
from flowsim.model import choice
from flowsim.model.flow_model import FlowModel, compiled
from flowsim.model.man import Man, Trip, one
from flowsim.model.states import NEVER, Lane, Status
from flowsim.model.world import World
from flowsim.scenario.clock import DAY, HOUR
from flowsim.scenario.schema import Scenario
from flowsim.types import Floats

__all__ = ["AgentModel", "Man", "refuse_too_many"]

MOST_MEN = 120_000
"""More men than this are for the columns: an object takes about 2 kB and 1 microsecond a day."""


class AgentModel(FlowModel):
    """The same world, in which every man of the sample is a ``Man``.

    Attributes
    ----------
    people : list of Man
        In the order of their ids, also found in ``agents_by_type[Man]``.
    felt : list
        Pressure toward each destination this evening, by stratum, as thresholds feel it.
    felt_hazard : list
        Call-up hazard this evening by region and liability, as thresholds feel it.
    under_way : dict
        Men and trips that have not ended, by number of the trip.
    """

    def __init__(
        self,
        assumptions: Scenario | World | str | PathLike[str] = "september-2022",
        *,
        rng: int | None = None,
        replication: int = 0,
        sample: float | None = None,
    ) -> None:
        world = compiled(assumptions)
        share = world.assumptions.sample if sample is None else sample
        refuse_too_many(world, share)
        super().__init__(world, rng=rng, replication=replication, sample=share, keep_everyone=True)
        self.day = 0
        self.pressure_before = self.pressure_now = self._path.pressure.level
        self.hazard_before = self.hazard_now = self._hazard
        self.felt: list[list[float]] = []
        self.felt_hazard: list[float] = []
        self.under_way: dict[int, tuple[Man, Trip]] = {}
        self._travellers: list[tuple[Man, Trip]] = []
        self._again: dict[int, list[tuple[int, Man]]] = defaultdict(list)
        self.people = [Man(self, row) for row in range(len(self.population))]

    def step(self) -> None:
        """Let an hour pass as in ``FlowModel``; then the crossings' men learn what came of it."""
        super().step()
        self.complete_trips()

    def _order(self) -> None:
        """Leave the men unsorted: each feels for himself."""

    def _let_men_act(self, day: int, before: Floats) -> None:
        """Let each man live his morning; then those who were turned back try again."""
        self.day = day
        self.pressure_before, self.pressure_now = before, self._path.pressure.level
        self.hazard_before, self.hazard_now = self._hazard, self._hazard_tonight()
        self._hazard = self.hazard_now
        self.felt = choice.felt(self.pressure_now).tolist()
        self.felt_hazard = choice.felt(self.hazard_now).tolist()
        again = [man for _, man in sorted(self._again.pop(day, []), key=lambda planned: planned[0])]
        for man in again:
            man.plan_second_try()
        for man in self.people:
            man.step()
        for man in again:
            man.try_again()

    def complete_trips(self) -> None:
        """Tell the men at the crossings who was cleared or gave up; let the others wait on."""
        at_the_head: set[int] = set()  # too late to give up
        for c, crossing in enumerate(self.crossings):
            border = crossing.border
            for lane in Lane:
                if border.busy[lane]:
                    at_the_head.add(border.lanes[lane][0][2])
            for _, _, finish, _, number, _, cleared in border.log.unread():
                if number < 0:
                    continue
                man, trip = self._travellers[number]
                if cleared:
                    self._liable_today[c] += man.weight * man.liable
                    man.be_checked(trip, float(np.floor(finish)))
                else:
                    man.give_up(trip)
        for man, trip in list(self.under_way.values()):
            if trip.number not in at_the_head:
                man.wait(trip, self.hour * HOUR)

    def status(self, at: float | None = None) -> npt.NDArray[np.uint8]:
        """Return the ``Status`` code of every man, asked one by one, shape (N,)."""
        self.complete_trips()
        now = self.hour * HOUR if at is None else at
        return np.array([man.status_at(now) for man in self.people], dtype=np.uint8)

    # ------------------------------------------------------------------ the ledger

    def register(self, man: Man, trip: Trip, limit: int, u_walk: float) -> None:
        """Write a trip into the ledger from which tables are made; announce the arrival."""
        columns = {
            "row": man.row,
            "man": man.man,
            "tries": trip.tries,
            "destination": trip.destination,
            "crossing": trip.crossing,
            "leaves_at": trip.leaves_at,
            "arrives_at": trip.arrives_at,
            "deadline": trip.deadline,
            "u_walk": u_walk,
            "liable": man.liable,
            "listed": trip.listed,
            "weight": man.weight,
            "limit": limit,
            "ends_at": trip.ends_at,
            "end": trip.end,
            "leaves_again_at": NEVER,
        }
        number = self.trips.append(**{name: one(value) for name, value in columns.items()})
        self.population.trip[man.row] = trip.number
        self._travellers.append((man, trip))
        if trip.end != Status.HOME:
            return
        self.under_way[trip.number] = (man, trip)
        if trip.arrives_at < self.world.clock.n_hours * 3600:
            self._coming[trip.arrives_at // int(DAY)].append(number)

    def write(self, trip: Trip, **columns: Any) -> None:
        """Write down what happened on a trip."""
        for name, value in columns.items():
            self.trips[name][trip.number] = value

    def plan_second_try(self, man: Man, trip: Trip) -> None:
        """Remember on which morning a man sets off again."""
        leaves_at = trip.ends_at + int(self.second_try_delay)
        if leaves_at < self.world.clock.n_hours * 3600:
            day = max(leaves_at // int(DAY), -(-self.hour // 24))
            self._again[day].append((trip.number, man))


def refuse_too_many(world: World, sample: float) -> None:
    """Refuse samples that objects are too slow and too large for.

    Raises
    ------
    ModelError
        With the largest sample that will do.
    """
    nation = float(world.strata.men.sum())
    if sample * nation > MOST_MEN:
        largest = np.floor(MOST_MEN / nation * 1e4) / 1e4
        raise ModelError(
            f"sample {sample:g} makes {sample * nation:,.0f} men, the agents engine is for at "
            f"most {MOST_MEN:,} (about {sample * nation * 3e3 / 1e9:.1f} GB here); take "
            f"--sample {largest:g} or less, or --engine columns, which gives the same men"
        )
