"""FlowModel: the order of a step.

Each morning people hear, decide and set off; crossings clear them hour by hour, and trips
are completed, in the morning or when somebody looks.
"""

from __future__ import annotations

from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from flowsim.errors import ModelError
from flowsim.model import conscription, decisions, journey
from flowsim.model import perceptions as news
from flowsim.model import population as people
from flowsim.model.agenda import Agenda
from flowsim.model.aspirations import Aspirations, Wishes
from flowsim.model.checks import Checks
from flowsim.model.collector import collected
from flowsim.model.draw_cache import DrawCache, KeptDraws
from flowsim.model.draws import Draws
from flowsim.model.framework import mesa
from flowsim.model.institutions import Crossing, Destination, EnlistmentOffice, TaskForce, waits_now
from flowsim.model.queue import NOBODY, Log
from flowsim.model.states import NEVER, Reason, Status
from flowsim.model.status import status_at, table_of_men
from flowsim.model.trip_planner import Planner
from flowsim.model.world import PressurePath, World
from flowsim.scenario import load
from flowsim.scenario.clock import DAY, HOUR
from flowsim.scenario.schema import Scenario
from flowsim.scenario.timetable import WARM_UP
from flowsim.types import Bools, Floats, Ints

if TYPE_CHECKING:
    import pandas as pd

RAISE = 1.5  # by how much caps are raised when reached


class FlowModel(mesa.Model):
    """Men of military age choosing between destinations and staying, by the hour.

    Parameters
    ----------
    assumptions : Scenario, World, path or str
        What is simulated: the baseline, another shipped scenario by its name, or a file. A
        ``World`` saves laying it out again for each replication.
    rng : int, optional
        Seed of all draws; the scenario's if left out.
    replication : int
        Replication r draws independently of the others.
    sample : float, optional
        Share of the men; the scenario's if left out.
    keep_everyone : bool
        Keep a row for every man, not only for those who can be reached. Same men.
    chunk : int
        Men made at a time. Same men.
    draw_cache : DrawCache, optional
        Keeps what men have drawn, to be passed to the next run. Same men.
    """

    _collector: mesa.DataCollector | None = None
    _collected_at: int | None = None

    def __init__(
        self,
        assumptions: Scenario | World | str | PathLike[str] = "september-2022",
        *,
        rng: int | None = None,
        replication: int = 0,
        sample: float | None = None,
        keep_everyone: bool = False,
        chunk: int = people.CHUNK,
        draw_cache: DrawCache | None = None,
    ) -> None:
        world = compiled(assumptions)
        seed = world.assumptions.seed if rng is None else rng
        super().__init__(rng=seed)
        self.world, self.assumptions = world, world.assumptions
        self.sample = self.assumptions.sample if sample is None else sample
        self.draws = Draws(seed, replication)
        if draw_cache is not None:
            self.draws = KeptDraws(seed, replication, draw_cache, self.sample)
        self.hour = -WARM_UP
        self._chunk, self._draw_cache = chunk, draw_cache
        self._caps = np.full_like(world.caps, np.inf) if keep_everyone else world.caps
        self._path = world.pressure_path()
        self._hazard: Floats = np.zeros(2 * len(world.regions.code))
        self.wishes = Wishes()
        self._aspirations = Aspirations(world, self.draws, self.wishes)
        self._make_population()
        self._make_agents()
        self._set_traffic(0)
        self.hour = 0

    def _make_population(self) -> None:
        """Make the men and put them in the order in which pressure reaches them."""
        world = self.world
        call_up_caps = world.call_up_caps
        if np.isinf(self._caps).all():
            call_up_caps = np.full_like(call_up_caps, np.inf)
        self.population = people.make(
            world.strata,
            world.destinations,
            self.assumptions.choice.lambda_.value,
            self.sample,
            self.draws,
            self._caps,
            call_up_caps,
            self._chunk,
            self._draw_cache,
        )
        if isinstance(self.draws, KeptDraws):
            self.draws.likely = self.population.id
        self._order()

    def _order(self) -> None:
        men = self.population
        level = self._path.pressure.level
        self._aspirations.order(men, level, self._caps)
        self._summonses = decisions.Thresholds(
            self.world.call_up_group[men.stratum],
            men.call_up_threshold,
            self._hazard,
            self._hazard_by(float(self.world.announced.max())),
        )

    def _make_agents(self) -> None:
        """Make the institutions and the empty books."""
        world, given = self.world, self.assumptions
        n_men = max(1, self.population.n_men)
        weight = float(world.strata.men.sum()) / n_men
        observed = given.observation
        self.persons_per_man = 1 + observed.companions.value
        party = max(weight * self.persons_per_man, observed.persons_per_car.value)
        patience = given.border.patience.value
        self.log = Log()
        self.crossings = [
            Crossing(self, crossing_id, parameters, column, world.table, party, patience)
            for column, (crossing_id, parameters) in enumerate(given.crossings.items())
        ]
        checked = np.flatnonzero((world.table.checks > 0).any(axis=0))
        ids = list(given.crossings)
        self.task_forces = [TaskForce(self, ids[c], int(c), world.table) for c in checked]
        self.offices = [
            EnlistmentOffice(self, code, world.summons_per_man[r])
            for r, code in enumerate(world.regions.code)
        ]
        self.countries = [
            Destination(self, name, parameters, given.abroad[name])
            for name, parameters in given.destinations.items()
        ]
        n = len(ids)
        self.trips = journey.Trips()
        self._planner = Planner(world, self.draws)
        self._checks = Checks(world, self.draws, self.countries)
        self.examined = np.zeros(n)
        self.liable_yesterday = np.zeros(n)
        self._liable_today = np.zeros(n)
        self.announced_tonight = 0.0
        self.perceived_wait = np.zeros(n)
        self._reported_wait: dict[int, Floats] = {}
        self._second, self._coming = Agenda(1), Agenda(1)  # trips, by day of trying and arriving
        shares = np.array([c.background_share.value for c in given.crossings.values()])
        total = np.bincount(world.roads.country, shares, minlength=len(world.destinations))
        self.background_share = shares / np.where(total > 0, total, 1)[world.roads.country]
        self.expected_departures = np.zeros(self._path.left.shape)

    # ------------------------------------------------------------------ the step

    def step(self) -> None:
        """Let an hour pass.

        1. In the morning (00:00): complete trips; hear the news of waits and checks;
           raise pressure and call-up hazard; find who is summoned and who leaves; plan
           their journeys; tell each crossing who will arrive.
        2. The clock moves on. Each crossing receives and clears people hour by hour, and
           catches up with the clock when it is looked at (``Crossing.catch_up``).
        """
        if self.hour >= self.world.clock.n_hours:
            raise ModelError(
                f"the horizon ends after {self.world.clock.n_hours} hours; "
                "found one more step, make horizon.end later"
            )
        if self.hour % 24 == 0:
            self._morning(self.hour // 24)
        if (self.hour + self._wait_delay) % 24 == 0:
            self._reported_wait[self.hour] = waits_now(self.crossings)
        self.hour += 1
        self.running = self.hour < self.world.clock.n_hours

    def discard(self) -> None:
        """Let go of everything: agents know their model, so memory would wait for the collector."""
        self.__dict__.clear()

    @cached_property
    def _wait_delay(self) -> int:
        return round(self.assumptions.news.wait_delay.value)

    @property
    def pressure_path(self) -> PressurePath:
        """The course of pressure so far: utilities, levels and expected leavers."""
        return self._path

    def _morning(self, day: int) -> None:
        self.complete_trips()
        self.liable_yesterday, self._liable_today = (
            self._liable_today,
            np.zeros(len(self.crossings)),
        )
        self._hear_the_news()
        self._set_traffic(day)
        self.announced_tonight = float(self.world.announced[24 * (day + 1)])
        for office in self.offices:
            office.step()
        for task_force in self.task_forces:
            task_force.step()
        before = self._raise_pressure(day)
        self._let_men_act(day, before)
        self._announce_arrivals(day)

    def _let_men_act(self, day: int, before: Floats) -> None:
        """Find who is passed, who leaves and who is summoned first; plan their journeys."""
        if (self._path.pressure.level > self._caps).any():
            self._raise_caps(before)
        men, level = self.population, self._path.pressure.level
        new = self._aspirations.arise(men, day, before, level)
        rows, where, leaves_at = self._aspirations.leavers(men, day, new)
        again, again_at, ways = self.elsewhere(self._second.take(day)[0])
        summoned, at = self._summonses_of(day)
        if len(summoned):
            departs_at = np.full(len(men), NEVER, dtype=np.int32)
            departs_at[rows], departs_at[again] = leaves_at, again_at
            self.summon(summoned, at, departs_at[summoned].astype(np.int64))
        self.set_off(rows, leaves_at, self.ways_to(where, leaves_at), tries=0)
        self.set_off(again, again_at, ways, tries=1)

    def _hear_the_news(self) -> None:
        report = self._reported_wait.pop(self.hour - self._wait_delay, None)
        if report is None and self._wait_delay == 0:
            report = waits_now(self.crossings)
        if report is not None:
            self.perceived_wait = news.smooth(
                self.perceived_wait, report, self.assumptions.news.smoothing.value
            )

    def _set_traffic(self, day: int) -> None:
        """Set the ordinary travellers of the day: season, queues, checks and limits thin it."""
        world, given, law = self.world, self.assumptions, self.assumptions.border
        row = WARM_UP + 24 * day
        lost = law.background_wait_loss.value * self.perceived_wait / 24
        seen = world.table.visibility[max(0, row - round(given.news.check_delay.value))]
        lost = lost + law.background_check_loss.value * seen
        passes = np.minimum(1.0, world.table.passes[row] + law.background_limit_extra.value)
        share = self.background_share * np.where(world.table.limited[row], passes, 1.0)
        level = world.background[row, world.roads.country]
        traffic = level * share * np.exp(-lost)
        for crossing, persons in zip(self.crossings, (traffic / DAY).tolist(), strict=True):
            crossing.carry(persons)

    # ------------------------------------------------------------------ leaving

    def _raise_pressure(self, day: int) -> Floats:
        """Let pressure grow for a day; give what it was before, shape (S, J)."""
        before = self._path.pressure.level
        self._path.advance(day, self.perceived_wait)
        self.expected_departures[day + 1] = self._path.left[day + 1]
        return before

    def _raise_caps(self, before: Floats) -> None:
        """Keep more men, since pressure may reach beyond the caps; nobody else changes."""
        self._caps = np.maximum(self._caps, self._path.pressure.level) * RAISE
        earlier, level = self.population, self._path.pressure.level
        self._path.pressure.level = before
        self._make_population()
        self._path.pressure.level = level
        place = self.population.carry_over(earlier)
        for book in (self.trips, self.wishes):
            book["row"][:] = place[book["row"]]

    def _summonses_of(self, day: int) -> tuple[Ints, Ints]:
        """Return rows of the men whom today's call-up reaches, and the seconds of it, (n,)."""
        men, world = self.population, self.world
        before, after = self._hazard, self._hazard_by(self.announced_tonight)
        rows, threshold = self._summonses.advance(after)
        group = world.call_up_group[men.stratum[rows]]
        pace = np.diff(world.announced[24 * day : 24 * day + 25])
        self._hazard = after
        return rows, decisions.moments(threshold, before[group], after[group], pace, day)

    def summon(self, rows: Ints, at: Ints, departs_at: Ints) -> None:
        """Serve summonses to the men they find at home; write down who complies.

        Parameters
        ----------
        rows, at, departs_at : int64, shape (N,)
            Men, second of the summons, second at which each would set off today.
        """
        men = self.population
        found = decisions.finds_at_home(at, self._at_home(rows), departs_at)
        rows, at = rows[found], at[found]
        u = self.draws.uniform("comply", men.id[rows])
        complies = decisions.complies(u, self.assumptions.call_up.comply.value)
        men.summoned_at[rows] = at
        men.enlisted_at[rows[complies]] = at[complies]

    def _hazard_by(self, announced: float) -> Floats:
        """Return the call-up hazard of some men announced, by region and liability, (2 R,)."""
        return conscription.cumulated_hazard(self.world.summons_per_man.reshape(-1), announced)

    def _at_home(self, rows: Ints) -> npt.NDArray[np.bool_]:
        """Return who is at home this morning: never left, or sent home before."""
        trip = self.population.trip[rows]
        end = self.trips["end"][trip] if len(self.trips) else np.zeros(len(rows), np.uint8)
        back = (end >= Status.GAVE_UP) & (end <= Status.TURNED_BACK)
        back &= self.trips["ends_at"][trip] <= self.hour * HOUR if len(self.trips) else back
        return (trip < 0) | back

    # ------------------------------------------------------------------ the road

    def ways_to(self, where: Ints, leaves_at: Ints) -> Bools:
        """Return the crossings into men's destinations that are open when they leave.

        Parameters
        ----------
        where, leaves_at : int64, shape (N,)
            Destinations; seconds since the horizon's start.

        Returns
        -------
        bool, shape (N, C)
        """
        shut = self.world.table.shut[self.world.row_at(leaves_at)]
        return journey.ways_to(self.world.roads, where, shut)

    def elsewhere(self, old: Ints) -> tuple[Ints, Ints, Bools]:
        """Return who of the men turned back on some trips would go elsewhere, when and how.

        Parameters
        ----------
        old : int64, shape (n,)
            Numbers of the trips that ended.

        Returns
        -------
        rows, leaves_at : int64, shape (N,)
            In the order of trips.
        ways : bool, shape (N, C)
            Crossings they may take.
        """
        trips, world, men = self.trips, self.world, self.population
        old = np.sort(old)
        rows = trips["row"][old].astype(np.int64)
        morning = self.hour * 3600
        leaves_at = decisions.tries_again_at(trips["ends_at"][old], self._try_delay, morning)
        row = world.row_at(leaves_at)
        holds = world.of_stratum["holds"][men.stratum[rows]]
        allowed = journey.ways_elsewhere(
            world.roads,
            trips["crossing"][old],
            world.available[row, holds],
            world.table.shut[row],
        )
        able = allowed.any(axis=1) & decisions.is_free(men.enlisted_at[rows], leaves_at)
        return rows[able], leaves_at[able], allowed[able]

    def set_off(self, rows: Ints, leaves_at: Ints, allowed: Bools, tries: int) -> None:
        """Let men who are still free set off by one of the crossings allowed.

        Parameters
        ----------
        rows, leaves_at : int64, shape (N,)
            Men, and the second at which each leaves.
        allowed : bool, shape (N, C)
            Crossings they may take; at least one for each.
        tries : int
            0 for first journeys, 1 for second tries.
        """
        men = self.population
        free = decisions.is_free(men.enlisted_at[rows], leaves_at)
        rows, leaves_at, allowed = rows[free], leaves_at[free], allowed[free]
        if len(rows) == 0:
            return
        plans = self._planner.plan(
            men.id[rows],
            men.stratum[rows],
            leaves_at,
            allowed,
            tries,
            self.perceived_wait,
            men.summoned_at[rows] < NEVER,
        )
        trips = self.trips.append(row=rows, weight=men.weight_of(rows), **plans)
        men.trip[rows] = trips
        comes = plans["limit"] != journey.Limit.HOME
        comes &= plans["arrives_at"] < self.world.clock.n_hours * 3600
        self._coming.add(plans["arrives_at"][comes] // int(DAY), trips[comes])

    def _announce_arrivals(self, day: int) -> None:
        """Hand each crossing those who will arrive today, in order of arrival."""
        trips = self.trips
        (coming,) = self._coming.take(day)
        at, crossing = trips["arrives_at"][coming], trips["crossing"][coming]
        coming = coming[np.lexsort((trips["man"][coming], at, crossing))]
        persons = trips["weight"][coming] * self.persons_per_man
        units = list(
            zip(
                trips["arrives_at"][coming].astype(float).tolist(),
                persons.tolist(),
                coming.tolist(),
                trips["deadline"][coming].astype(float).tolist(),
                trips["u_walk"][coming].tolist(),
                strict=True,
            )
        )
        ends = np.searchsorted(trips["crossing"][coming], np.arange(len(self.crossings) + 1))
        for c, crossing_agent in enumerate(self.crossings):
            crossing_agent.expect(units[ends[c] : ends[c + 1]])

    # ------------------------------------------------------------------ the books

    def complete_trips(self) -> None:
        """Decide what became of everybody who reached the head of a queue or gave up.

        Draws and policies fix it, so it does not matter how often the books are settled.
        """
        trips, now = self.trips, self.hour * HOUR
        at_the_head = [trip for c in self.crossings for trip in c.border.trips_at_the_head]
        new = self.log.unread()
        trip, cleared = new["trip"].astype(np.int64), new["cleared"] == 1
        self._lose_patience(trip[(trip != NOBODY) & ~cleared])
        through = np.flatnonzero((trip != NOBODY) & cleared)
        if len(through):
            self._clear(trip[through], np.floor(new["finish"][through]))
        left = (trips["end"] == Status.HOME) & (trips["deadline"] <= now)
        left[at_the_head] = False  # too late to give up
        self._lose_patience(np.flatnonzero(left))

    def _clear(self, trip: Ints, finish: Floats) -> None:
        """Let the men who reached the head of a queue be checked."""
        self.check(trip, finish)

    def _lose_patience(self, trip: Ints) -> None:
        """Let men whose patience has ended leave the road or the queue."""
        self.give_up(trip)

    def give_up(self, trip: Ints) -> None:
        """End trips at the moment when patience ends: the men go home.

        Parameters
        ----------
        trip : int64, shape (N,)
            Numbers of trips.
        """
        self.trips["ends_at"][trip] = self.trips["deadline"][trip]
        self.trips["end"][trip] = Status.GAVE_UP
        self.trips["reason"][trip] = Reason.PATIENCE

    def check(self, trip: Ints, finish: Floats) -> None:
        """Check men at a border: refuse them, or let them in; some refused will try again.

        Parameters
        ----------
        trip : int64, shape (N,)
            Numbers of their trips.
        finish : float64, shape (N,)
            Second at which the officers were done with each.
        """
        trips = self.trips
        stratum = self.population.stratum[trips["row"][trip]]
        refused = self._checks.check(trips, trip, finish, stratum, self.examined)
        liable = trips["weight"][trip] * trips["liable"][trip]
        crossing = trips["crossing"][trip]
        self._liable_today += np.bincount(crossing, liable, minlength=len(self.crossings))
        self._plan_second_tries(refused)

    @cached_property
    def _try_delay(self) -> int:
        return round(self.assumptions.border.second_try_delay.value * DAY)

    def _plan_second_tries(self, refused: Ints) -> None:
        if len(refused) == 0:
            return
        trips, law = self.trips, self.assumptions.border
        u = self.draws.uniform("second-try", trips["man"][refused])
        tries, reason = trips["tries"][refused], trips["reason"][refused]
        some = refused[decisions.may_try_again(tries, reason, u, law.second_try.value)]
        next_morning = -(-self.hour // 24) * int(DAY)
        leaves_at = decisions.tries_again_at(trips["ends_at"][some], self._try_delay, next_morning)
        in_time = leaves_at < self.world.clock.n_hours * 3600
        self._second.add(leaves_at[in_time] // int(DAY), some[in_time])

    # ------------------------------------------------------------------ looking

    def status(self, at: float | None = None) -> npt.NDArray[np.uint8]:
        """Return the ``Status`` code of every row of the population now, shape (N,)."""
        self.complete_trips()
        now = self.hour * HOUR if at is None else at
        return status_at(now, self.population, self.trips, self.wishes)

    @property
    def men(self) -> pd.DataFrame:
        """The population as a table, one row for each man kept, statuses as of now."""
        return table_of_men(self.population, self.status(), self.world)

    @property
    def datacollector(self) -> mesa.DataCollector:
        """Totals of the nation by the hour, for ``mesa.batch_run``; collected when asked for.

        A subclass may set a collector of its own instead.
        """
        if self._collector is None or self._collected_at not in (None, self.hour):
            self.complete_trips()
            self._collector = collected(self.population, self.trips, self.hour)
            self._collected_at = self.hour
        return self._collector

    @datacollector.setter
    def datacollector(self, own: mesa.DataCollector) -> None:
        """Take a collector of one's own, which its owner fills."""
        self._collector, self._collected_at = own, None


def compiled(assumptions: Scenario | World | str | PathLike[str]) -> World:
    """Return the world of a scenario, of its file, or of a shipped one's name; a world as it is."""
    if isinstance(assumptions, World):
        return assumptions
    return World(assumptions if isinstance(assumptions, Scenario) else load(assumptions))
