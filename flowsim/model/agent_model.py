"""The men as Mesa objects: every man of a small sample lives through his own days.

Pressure, queues, officers and policies are those of ``FlowModel``. Both engines must agree man
for man and hour for hour (ODD 2).
"""

from __future__ import annotations

from os import PathLike

import numpy as np
import numpy.typing as npt

from flowsim.errors import ModelError
from flowsim.model.flow_model import FlowModel, compiled
from flowsim.model.man import Man
from flowsim.model.world import World
from flowsim.scenario.clock import HOUR
from flowsim.scenario.schema import Scenario
from flowsim.types import Floats, Ints

__all__ = ["AgentModel", "Man", "refuse_too_many"]

MOST_MEN = 120_000
"""More men than this are for the columns: an object takes about 2 kB and 1 microsecond a day."""


class AgentModel(FlowModel):
    """The same world, in which every man of the sample is a ``Man``.

    Attributes
    ----------
    people : list of Man
        In the order of their ids, also found in ``agents_by_type[Man]``.
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
        self.people = [Man(self, row) for row in range(len(self.population))]
        self._codes: tuple[tuple[int, float], npt.NDArray[np.uint8]] | None = None

    def step(self) -> None:
        """Let an hour pass as in ``FlowModel``; then the crossings' men learn what came of it."""
        super().step()
        self.complete_trips()

    def _let_men_act(self, day: int, before: Floats) -> None:
        """Bring men the news of the day; let each decide, then those turned back try again."""
        stirred = {man.row for man in self.people if man.waits}
        new = self._aspirations.arise(self.population, day, before, self._path.pressure.level)
        for row, wish in zip(self.wishes["row"][new].tolist(), new.tolist(), strict=True):
            self.people[row].wishes.append(wish)
            stirred.add(row)
        for row, at in zip(*(column.tolist() for column in self._summonses_of(day)), strict=True):
            self.people[row].call_up_at = at
            stirred.add(row)
        old = np.sort(self._second.take(day)[0])
        again = self.trips["row"][old].tolist()
        for row, trip in zip(again, old.tolist(), strict=True):
            self.people[row].turned_back.append(trip)
        for row in sorted(stirred.union(again)):
            self.people[row].step()
        for row in again:
            self.people[row].try_again()

    def _clear(self, trip: Ints, finish: Floats) -> None:
        """Let the men who reached the head of a queue be checked, one after the other."""
        rows = self.trips["row"][trip].tolist()
        for row, number, at in zip(rows, trip.tolist(), finish.tolist(), strict=True):
            self.people[row].be_checked(number, at)

    def _lose_patience(self, trip: Ints) -> None:
        """Let men leave the road or the queue, one after the other."""
        for row, number in zip(self.trips["row"][trip].tolist(), trip.tolist(), strict=True):
            self.people[row].give_up(number)

    def status(self, at: float | None = None) -> npt.NDArray[np.uint8]:
        """Return the ``Status`` code of every man, shape (N,); found once an hour."""
        key = (self.hour, self.hour * HOUR if at is None else at)
        if self._codes is None or self._codes[0] != key:
            self._codes = (key, super().status(at))
        return self._codes[1]


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
