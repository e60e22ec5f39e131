"""One man as a Mesa object: his days in plain code, by the same laws as the columns.

Every law is a submodel used for one man; ``men.py`` lets a whole sample live.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from flowsim.model import choice, conscription, journey
from flowsim.model.institutions import Agent
from flowsim.model.queue import patience_ends
from flowsim.model.states import NEVER, Reason, Status, status_name
from flowsim.scenario.clock import DAY, HOUR
from flowsim.scenario.quantity import AGE_BANDS
from flowsim.scenario.timetable import WARM_UP
from flowsim.types import Floats

_SENT_HOME = (Status.GAVE_UP, Status.LIMITED, Status.TURNED_BACK)


def one(value: Any) -> npt.NDArray[Any]:
    """Put one man's value into an array of length one, as submodels take it."""
    return np.array([value])


@dataclass
class Wish:
    """A threshold that was passed: he would leave for a destination as soon as he can."""

    destination: int
    passed_at: int  # s
    leaves_at: int  # s, later than passed_at if he must wait for an opening


@dataclass
class SecondTry:
    """Where a man who was turned back may go today, and when he leaves."""

    leaves_at: int  # s
    ways: npt.NDArray[np.bool_]  # shape (1, C)


@dataclass
class Trip:
    """One time a man set off, and what came of it; ``number`` is its row in the ledger."""

    number: int
    tries: int
    destination: int
    crossing: int
    leaves_at: int  # s
    arrives_at: int  # s
    deadline: int  # s, when his patience ends
    listed: bool
    ends_at: int = NEVER  # s
    end: int = Status.HOME
    reason: int = Reason.NONE
    leaves_again_at: int = NEVER  # s
    moves_on: bool = False


class Man(Agent):
    """One man of military age.

    Attributes
    ----------
    man : int
        His place in the nation's list, the same in every scenario.
    region, age : str
        Region code and age band.
    educated, passport, liable : bool
    weight : float
        Men of the nation he stands for.
    thresholds : list of float
        Error over frailty for each destination.
    call_up_threshold : float
        His error against the call-up hazard of his like.
    trips : list of Trip
    """

    model: Any

    def __init__(self, model: Any, row: int) -> None:
        super().__init__(model)
        men, world = model.population, model.world
        self.row, self.man, self.stratum = row, int(men.id[row]), int(men.stratum[row])
        of = {name: int(column[self.stratum]) for name, column in world.of_stratum.items()}
        self._region, self._passport = of["region"], of["passport"]
        self.region, self.age = world.regions.code[of["region"]], AGE_BANDS[of["age"]]
        self.educated, self.passport = of["educated"] == 1, of["passport"] == 1
        self.liable = of["liable"] == 1
        self.call_up_group = 2 * of["region"] + of["liable"]  # those who share his call-up hazard
        self.weight = float(men.weight[self.stratum >> 3])
        self.thresholds: list[float] = men.threshold[row].tolist()
        self.call_up_threshold = float(men.call_up_threshold[row])
        self.passed_at = [NEVER] * len(self.thresholds)
        self.wishes: list[Wish] = []
        self.summons_drawn = False
        self.second_try: SecondTry | None = None  # today's, if he was turned back
        self.summoned_at = self.enlisted_at = NEVER
        self.trips: list[Trip] = []

    # ------------------------------------------------------------------ his morning at home

    def step(self) -> None:
        """Live through a morning: feel the pressure, perhaps be summoned, perhaps set off."""
        felt = self.model.felt[self.stratum]
        for destination, threshold in enumerate(self.thresholds):
            if threshold <= felt[destination] and self.passed_at[destination] == NEVER:
                self.want_to_leave_for(destination)
        departure = self.choose_departure() if self.wishes and not self.trips else None
        if (
            not self.summons_drawn
            and self.call_up_threshold <= self.model.felt_hazard[self.call_up_group]
        ):
            self.meet_the_office(departure)
        if departure is not None and departure.leaves_at < self.enlisted_at:
            roads, shut = self.model.world.roads, self.model.world.table.shut
            row = WARM_UP + departure.leaves_at // 3600
            ways = journey.ways_to(roads, one(departure.destination), shut[[row]])
            self.set_off(departure.leaves_at, ways, tries=0)

    def want_to_leave_for(self, destination: int) -> None:
        """Pass a threshold at some moment of today; find out when he can act on it."""
        model = self.model
        moment = choice.departure_moments(
            one(self.thresholds[destination]),
            one(model.pressure_before[self.stratum, destination]),
            one(model.pressure_now[self.stratum, destination]),
            model.world.panic[model.day],
        )
        at = model.day * int(DAY) + int(moment[0])
        self.passed_at[destination] = at
        model.population.passed_at[self.row, destination] = at
        leaves_at = self.when_he_can_go(destination, at)
        if leaves_at < NEVER:
            self.wishes.append(Wish(destination, at, leaves_at))

    def when_he_can_go(self, destination: int, at: int) -> int:
        """Return when the destination is available to him: at once, or after a reopening."""
        world, law = self.model.world, self.model.assumptions.choice
        available = world.available[:, :, destination]
        if available[WARM_UP + at // 3600, self._passport]:
            return at
        spread = round(law.release.value * HOUR * self.draw("release"))
        opening = choice.wait_for_opening(
            one(at),
            one(self._passport),
            one(spread),
            available,
            world.next_available[:, :, destination],
            WARM_UP,
        )
        return int(opening[0])

    def choose_departure(self) -> Wish | None:
        """Return the wish he acts on today: he goes where he can go first."""
        tonight = (self.model.day + 1) * DAY
        today = [w for w in self.wishes if w.leaves_at < min(tonight, self.enlisted_at)]
        if not today:
            return None
        first = choice.first_wishes(
            np.zeros(len(today), dtype=np.int64),
            np.array([wish.leaves_at for wish in today]),
            np.array([wish.passed_at for wish in today]),
        )
        return today[int(first[0])]

    def meet_the_office(self, departure: Wish | None) -> None:
        """Be summoned today, unless the summons finds him gone; comply or hide."""
        model = self.model
        self.summons_drawn = True
        moment = choice.departure_moments(
            one(self.call_up_threshold),
            one(model.hazard_before[self.call_up_group]),
            one(model.hazard_now[self.call_up_group]),
            np.diff(model.world.announced[24 * model.day : 24 * model.day + 25]),
        )
        at = model.day * int(DAY) + int(moment[0])
        leaves = departure or self.second_try
        if not self.is_at_home or (leaves is not None and leaves.leaves_at <= at):
            return
        self.summoned_at = model.population.summoned_at[self.row] = at
        if self.draw("comply") < model.assumptions.call_up.comply.value:
            self.enlisted_at = model.population.enlisted_at[self.row] = at

    @property
    def is_at_home(self) -> bool:
        """Whether he never left, or was sent home before now."""
        if not self.trips:
            return True
        last = self.trips[-1]
        return last.end in _SENT_HOME and last.ends_at <= self.model.hour * 3600

    # ------------------------------------------------------------------ the road

    def set_off(self, leaves_at: int, ways: npt.NDArray[np.bool_], tries: int) -> None:
        """Choose a crossing among ``ways`` (shape (1, C)), travel, and meet an entry limit."""
        model, given = self.model, self.model.assumptions
        hours = journey.hours_of(model.world.roads, one(self._region), one(self.draw("fly")))
        crossing = self.choose_crossing(hours, ways, tries)
        z = ndtri(one(self.draw("travel", tries)))
        on_the_road = journey.journey_seconds(hours[:, crossing], z, given.travel.sigma.value)
        crossing, arrives_at, limit = self.meet_a_limit(
            crossing, leaves_at + int(on_the_road[0]), z, tries
        )
        patience = one(self.draw("patience", tries))
        deadline = patience_ends(one(arrives_at), patience, given.border.patience.value)
        listed = conscription.on_the_list(
            one(self.summoned_at < NEVER),
            one(self.liable),
            one(self.draw("list-extra")),
            given.call_up.list_extra.value,
        )
        trip = Trip(
            number=len(model.trips),
            tries=tries,
            destination=int(model.world.roads.country[crossing]),
            crossing=crossing,
            leaves_at=leaves_at,
            arrives_at=min(arrives_at, NEVER),
            deadline=int(deadline[0]),
            listed=bool(listed[0]),
        )
        if limit == journey.Limit.HOME:
            trip.end, trip.ends_at = Status.LIMITED, trip.arrives_at
        walks = limit == journey.Limit.WALKS
        self.trips.append(trip)
        model.register(self, trip, limit, -1.0 if walks else self.draw("walk", tries))

    def choose_crossing(self, hours: Floats, ways: npt.NDArray[np.bool_], tries: int) -> int:
        """Choose among the crossings he may take, by journey, perceived wait and his errors."""
        model, law = self.model, self.model.assumptions.choice
        open_ = np.flatnonzero(ways[0])
        errors = [self.draw(f"crossing:{model.crossings[c].crossing_id}", tries) for c in open_]
        best = journey.choose_crossing(
            hours[:, open_],
            model.perceived_wait[open_],
            model.world.roads.size[open_],
            ways[:, open_],
            np.array([errors]),
            law.theta.value,
            law.omega.value,
        )
        return int(open_[best[0]])

    def meet_a_limit(
        self, crossing: int, arrives_at: int, z: Floats, tries: int
    ) -> tuple[int, int, int]:
        """Pass an entry limit, walk, turn elsewhere or go home; give crossing, arrival, what."""
        world, sigma = self.model.world, self.model.assumptions.travel.sigma.value
        table, roads = world.table, world.roads
        row = min(WARM_UP + arrives_at // 3600, len(table.limited) - 1)
        cell = ([row], [crossing])
        if not table.limited[row, crossing] or world.exempt(one(crossing), one(self._region))[0]:
            return crossing, arrives_at, journey.Limit.PASSES
        u = one(self.draw("entry-limit", tries))
        shares = table.passes[cell], table.walks[cell], table.turns[cell]
        what = int(journey.at_entry_limit(u, *shares, table.foot_open[cell])[0])
        if what != journey.Limit.TURNS:
            return crossing, arrives_at, what
        ways = journey.ways_around(
            roads,
            one(crossing),
            world.available[[row], [self._passport]],
            table.shut[[row]],
            table.limited[[row]],
        )
        if not ways.any():
            return crossing, arrives_at, journey.Limit.HOME
        hours = roads.by_road[[roads.home[crossing]]]
        other = self.choose_crossing(hours, ways, 2 + tries)
        further = journey.journey_seconds(hours[:, other], z, sigma)
        return other, arrives_at + int(further[0]), what

    def plan_second_try(self) -> None:
        """Find out whether he can go elsewhere today, after having been turned back."""
        model, world, last = self.model, self.model.world, self.trips[-1]
        leaves_at = max(last.ends_at + int(model.second_try_delay), model.hour * 3600)
        row = WARM_UP + leaves_at // 3600
        ways = journey.ways_elsewhere(
            world.roads,
            one(last.crossing),
            world.available[[row], [self._passport]],
            world.table.shut[[row]],
        )
        if ways.any() and leaves_at < self.enlisted_at:
            self.second_try = SecondTry(leaves_at, ways)

    def try_again(self) -> None:
        """Go elsewhere after having been turned back, if he is still free."""
        second, self.second_try = self.second_try, None
        if second is not None and second.leaves_at < self.enlisted_at:
            self.set_off(second.leaves_at, second.ways, tries=1)

    # ------------------------------------------------------------------ at the border

    def wait(self, trip: Trip, now: float) -> None:
        """Travel or queue on; leave the queue when patience ends."""
        if trip.deadline <= now:
            self.give_up(trip)

    def give_up(self, trip: Trip) -> None:
        """Leave the queue and go home."""
        self.come_to_an_end(trip, Status.GAVE_UP, trip.deadline)

    def be_checked(self, trip: Trip, at: float) -> None:
        """Be checked on leaving and on entering; cross, or turn back."""
        model, table = self.model, self.model.world.table
        row = min(WARM_UP + int(at // HOUR), len(table.detection) - 1)
        cell = ([row], [trip.crossing])
        examined = one(model.examined[trip.crossing] if table.checks[cell][0] > 0 else 0.0)
        liable, u_examine = one(self.liable), one(self.draw("examine", trip.tries))
        reason = conscription.check(
            (table.closed | table.closed_to_men)[cell],
            one(trip.listed),
            liable,
            table.detection[cell],
            examined,
            table.p_serve[cell],
            one(self.draw("detect", trip.tries)),
            u_examine,
            one(self.draw("serve", trip.tries)),
        )
        was_examined, notice = conscription.notices(
            reason, liable, examined, table.p_serve[cell], u_examine
        )
        model.write(trip, examined=was_examined[0], expected_notice=notice[0])
        trip.reason = int(reason[0])
        if trip.reason == Reason.NONE:
            self.ask_to_enter(trip, at)
        if trip.reason != Reason.NONE:
            self.turn_back(trip, at)

    def ask_to_enter(self, trip: Trip, at: float) -> None:
        """Enter and begin a stay that may end, unless the destination refuses him."""
        country = self.model.countries[trip.destination]
        required = self.model.world.table.requires_passport
        row = min(WARM_UP + int(at // HOUR), len(required) - 1)
        lacks = required[[row], trip.destination] & (not self.passport)
        if country.refuses(one(self.draw("refuse", trip.tries)), lacks)[0]:
            trip.reason = Reason.ENTRY
            return
        leaves, moves_on = country.receive(
            one(at),
            one(self.weight),
            one(self.draw("abroad:move-on", trip.tries)),
            one(self.draw("abroad:return", trip.tries)),
        )
        trip.leaves_again_at, trip.moves_on = int(leaves[0]), bool(moves_on[0])
        self.come_to_an_end(trip, Status.ABROAD + trip.destination, int(at))

    def turn_back(self, trip: Trip, at: float) -> None:
        """Go home from the border, and perhaps plan to try once more elsewhere."""
        self.come_to_an_end(trip, Status.TURNED_BACK, int(at))
        u, share = self.draw("second-try"), self.model.assumptions.border.second_try.value
        if conscription.may_try_again(one(trip.tries), one(trip.reason), one(u), share)[0]:
            self.model.plan_second_try(self, trip)

    def come_to_an_end(self, trip: Trip, end: int, at: int) -> None:
        """End his trip and write down how."""
        trip.end, trip.ends_at = end, at
        self.model.write(
            trip,
            end=end,
            ends_at=at,
            reason=trip.reason,
            leaves_again_at=trip.leaves_again_at,
            moves_on=trip.moves_on,
        )
        self.model.under_way.pop(trip.number, None)

    # ------------------------------------------------------------------ looking at him

    def draw(self, purpose: str, occasion: int = 0) -> float:
        """Return his own number for a decision, the same in every scenario."""
        return self.model.draws.uniform_of(purpose, self.man, occasion)

    def status_at(self, now: float) -> int:
        """Return his ``Status`` code at a moment (s)."""
        if self.enlisted_at <= now:
            return Status.ENLISTED
        for trip in reversed(self.trips):
            if trip.leaves_at <= now:
                return _status_of(trip, now)
        if self.summoned_at <= now:
            return Status.HIDING
        first = min(self.passed_at)
        return Status.HOME if first > now else Status.WANTS + self.passed_at.index(first)

    @property
    def status(self) -> str:
        """What he is now, in words."""
        code = self.status_at(self.model.hour * HOUR)
        return status_name(code, self.model.world.destinations)


def _status_of(trip: Trip, now: float) -> int:
    """Return the status of a man who has set off."""
    if trip.leaves_again_at <= now:
        return Status.MOVED_ON if trip.moves_on else Status.RETURNED
    if trip.ends_at <= now:
        return trip.end
    return Status.QUEUEING if trip.arrives_at <= now else Status.ON_THE_ROAD
