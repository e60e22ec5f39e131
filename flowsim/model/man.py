"""One man as a Mesa object: he decides for himself, by the laws and submodels of the columns.

Each call below takes arrays of one man, himself; what comes of it stands in the same columns and
in the same ledger. ``agent_model.py`` lets a whole sample live.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from flowsim.model.aspirations import Aspirations
from flowsim.model.flow_model import FlowModel
from flowsim.model.institutions import Agent
from flowsim.model.states import NEVER, status_name
from flowsim.scenario.clock import HOUR
from flowsim.scenario.quantity import AGE_BANDS
from flowsim.types import Bools, Ints


def one(value: Any) -> npt.NDArray[Any]:
    """Put one man's value into an array of length one, as submodels take it."""
    return np.array([value])


class Man(Agent):
    """One man of military age.

    Attributes
    ----------
    row, man : int
        His row of the population, and his place in the nation's list, the same in every scenario.
    region, age : str
        Region code and age band.
    educated, passport, liable : bool
    weight : float
        Men of the nation he stands for.
    wishes : list of int
        Numbers of the wishes for destinations toward which pressure passes his threshold today.
    call_up_at : int
        Second of the summons that is on its way to him today, ``NEVER`` if there is none.
    turned_back : list of int
        Number of the trip after which he would try elsewhere today.
    """

    model: FlowModel

    def __init__(self, model: FlowModel, row: int) -> None:
        super().__init__(model)
        men, world = model.population, model.world
        self.row, self.man, stratum = row, int(men.id[row]), int(men.stratum[row])
        of = {name: int(column[stratum]) for name, column in world.of_stratum.items()}
        self.region, self.age = world.regions.code[of["region"]], AGE_BANDS[of["age"]]
        self.educated, self.passport = of["educated"] == 1, of["passport"] == 1
        self.liable = of["liable"] == 1
        self.weight = float(men.weight_of(one(row))[0])
        self.wishes: list[int] = []
        self.call_up_at = NEVER
        self.turned_back: list[int] = []
        self._aspirations: Aspirations | None = None
        self._second: tuple[Ints, Ints, Bools] | None = None

    # ------------------------------------------------------------------ his morning at home

    def step(self) -> None:
        """Live through a morning: choose a departure, perhaps be summoned before it, set off."""
        rows, where, leaves_at = self.choose_departure()
        departs_at = leaves_at
        if self.turned_back:
            self._second = self.model.elsewhere(np.array(self.turned_back))
            departs_at = np.concatenate([leaves_at, self._second[1]])
        if self.call_up_at < NEVER:
            self.meet_the_office(int(departs_at.min(initial=NEVER)))
        self.model.set_off(rows, leaves_at, self.model.ways_to(where, leaves_at), tries=0)
        self.wishes, self.call_up_at, self.turned_back = [], NEVER, []

    def choose_departure(self) -> tuple[Ints, Ints, Ints]:
        """Return himself, where he goes and when, if he can act on a wish today; else nothing."""
        model, new = self.model, np.array(self.wishes, dtype=np.int64)
        if self._aspirations is None:
            self._aspirations = Aspirations(model.world, model.draws, model.wishes)
        return self._aspirations.leavers(model.population, model.hour // 24, new)

    def meet_the_office(self, departs_at: int) -> None:
        """Be summoned today, unless the summons finds him gone; comply or hide."""
        self.model.summon(one(self.row), one(self.call_up_at), one(departs_at))

    def try_again(self) -> None:
        """Go elsewhere after having been turned back, if he is still free."""
        if self._second is not None:
            self.model.set_off(*self._second, tries=1)
        self._second = None

    @property
    def waits(self) -> bool:
        """Whether a wish of his waits for an opening."""
        return self._aspirations is not None and self._aspirations.wait

    # ------------------------------------------------------------------ on the way

    def be_checked(self, trip: int, at: float) -> None:
        """Be checked on leaving and on entering; cross, or turn back and perhaps try again."""
        self.model.check(one(trip), one(at))

    def give_up(self, trip: int) -> None:
        """Leave the road or the queue and go home."""
        self.model.give_up(one(trip))

    # ------------------------------------------------------------------ looking at him

    @property
    def trips(self) -> Ints:
        """Numbers of his trips in the model's ledger."""
        return np.flatnonzero(self.model.trips["row"] == self.row)

    @property
    def enlisted_at(self) -> int:
        """Second at which he was enlisted, ``NEVER`` if he was not."""
        return int(self.model.population.enlisted_at[self.row])

    def status_at(self, now: float) -> int:
        """Return his ``Status`` code at a moment (s)."""
        return int(self.model.status(now)[self.row])

    @property
    def status(self) -> str:
        """What he is now, in words."""
        code = self.status_at(self.model.hour * HOUR)
        return status_name(code, self.model.world.destinations)
