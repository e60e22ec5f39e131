"""FlowModel: the order of a step.

Each morning people hear, decide and set off; each hour crossings clear them; the books are
settled in the morning or when somebody looks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import mesa
import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from flowsim import choice, conscription, journey, news
from flowsim import population as people
from flowsim.agents import Crossing, Destination, EnlistmentOffice, TaskForce, waits_now
from flowsim.border import patience_ends
from flowsim.clock import DAY, HOUR
from flowsim.draws import Draws
from flowsim.errors import ModelError
from flowsim.policies import WARM_UP
from flowsim.schema import AGE_BANDS, Scenario
from flowsim.states import MOST_DESTINATIONS, NEVER, Reason, Status, status_name
from flowsim.world import PressurePath, World

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
RAISE = 1.5  # by how much caps are raised when reached


class FlowModel(mesa.Model):
    """Men of military age choosing between destinations and staying, by the hour.

    Parameters
    ----------
    assumptions : Scenario or World, optional
        What is simulated; the shipped baseline if left out. A ``World`` saves laying it
        out again for each replication.
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
    """

    def __init__(
        self,
        assumptions: Scenario | World | None = None,
        *,
        rng: int | None = None,
        replication: int = 0,
        sample: float | None = None,
        keep_everyone: bool = False,
        chunk: int = people.CHUNK,
    ) -> None:
        if assumptions is None:
            from flowsim.scenario import load

            assumptions = load("september-2022")
        world = assumptions if isinstance(assumptions, World) else World(assumptions)
        seed = world.assumptions.seed if rng is None else rng
        super().__init__(rng=seed)
        self.world, self.assumptions = world, world.assumptions
        self.draws = Draws(seed, replication)
        self.sample = self.assumptions.sample if sample is None else sample
        self.hour = 0
        self._chunk = chunk
        self._caps = np.full_like(world.caps, np.inf) if keep_everyone else world.caps
        self._path = world.pressure_path()
        self._hazard: Floats = np.zeros(2 * len(world.regions.code))
        self._people_the_world()
        self._appoint()
        for self.hour in range(-WARM_UP, 0):
            self._set_traffic(max(0, self.hour))
            for crossing in self.crossings:
                crossing.step()
        self.hour = 0

    def _people_the_world(self) -> None:
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
        )
        self._order()

    def _order(self) -> None:
        men = self.population
        level = self._path.pressure.level
        self._thresholds = [
            choice.Thresholds(men.stratum, men.threshold[:, j], level[:, j])
            for j in range(len(self.world.destinations))
        ]
        group = self.world.of_stratum["region"] * 2 + self.world.of_stratum["liable"]
        self._summonses = choice.Thresholds(group[men.stratum], men.call_up_threshold, self._hazard)

    def _appoint(self) -> None:
        """Make the institutions and the empty books."""
        world, given = self.world, self.assumptions
        n_men = max(1, self.population.n_men)
        weight = float(world.strata.men.sum()) / n_men
        observed = given.observation
        self.persons_per_man = 1 + observed.companions.value
        party = max(weight * self.persons_per_man, observed.persons_per_car.value)
        self.crossings = [
            Crossing(self, crossing_id, parameters, column, world.table, party)
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
        self.examined = np.zeros(n)
        self.liable_yesterday = np.zeros(n)
        self._liable_today = np.zeros(n)
        self.announced_tonight = 0.0
        self.perceived_wait = np.zeros(n)
        self._reported_wait: dict[int, Floats] = {}
        self._read = [0] * n  # entries of each crossing's log already settled
        self._pending: dict[int, list[tuple[Ints, Ints, Ints]]] = defaultdict(list)
        self._second: dict[int, list[Ints]] = defaultdict(list)
        self._coming: dict[int, list[Ints]] = defaultdict(list)
        shares = np.array([c.background_share.value for c in given.crossings.values()])
        total = np.bincount(world.roads.country, shares, minlength=len(world.destinations))
        self._background_share = shares / np.where(total > 0, total, 1)[world.roads.country]
        self.expected_departures = np.zeros(self._path.left.shape)
        self.traffic_by_day = np.zeros((world.clock.n_days, n))

    # ------------------------------------------------------------------ the step

    def step(self) -> None:
        """Let an hour pass.

        1. In the morning (00:00): settle the books; hear the news of waits and checks;
           raise pressure and call-up hazard; find who is summoned and who leaves; plan
           their journeys; tell each crossing who will arrive.
        2. Each crossing receives and clears people.
        3. The clock moves on.
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
        for crossing in self.crossings:
            crossing.step()
        self.hour += 1
        self.running = self.hour < self.world.clock.n_hours

    @property
    def _wait_delay(self) -> int:
        return round(self.assumptions.news.wait_delay.value)

    @property
    def pressure_path(self) -> PressurePath:
        """The course of pressure so far: utilities, levels and expected leavers."""
        return self._path

    def _morning(self, day: int) -> None:
        self.settle()
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
        passed = self._pass_thresholds(day, before)
        rows, where, leaves_at = self._who_would_leave(day, passed)
        again, again_at, ways = self._who_tries_again(day)
        self._summon(day, np.concatenate([rows, again]), np.concatenate([leaves_at, again_at]))
        gone = self.population.enlisted_at[rows] <= leaves_at
        self._set_off(rows[~gone], where[~gone], leaves_at[~gone])
        still = self.population.enlisted_at[again] > again_at
        self._plan(again[still], again_at[still], ways[still], tries=1)

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
        share = self._background_share * np.where(world.table.limited[row], passes, 1.0)
        countries = given.destinations.values()
        level = np.array(
            [
                c.background.value * c.background_season.by_hour(world.clock, WARM_UP)[row]
                for c in countries
            ]
        )[world.roads.country]
        traffic = level * share * np.exp(-lost)
        for crossing, persons in zip(self.crossings, (traffic / DAY).tolist(), strict=True):
            crossing.traffic = persons
        self.traffic_by_day[day] = traffic

    # ------------------------------------------------------------------ leaving

    def _raise_pressure(self, day: int) -> Floats:
        """Let pressure grow for a day; give what it was before, shape (S, J)."""
        before = self._path.pressure.level
        self._path.advance(day, self.perceived_wait)
        self.expected_departures[day + 1] = self._path.left[day + 1]
        return before

    def _pass_thresholds(self, day: int, before: Floats) -> list[Ints]:
        """Give the rows passed toward each destination, their moments written."""
        level = self._path.pressure.level
        if (level > self._caps).any():
            self._raise_caps(before)
        men = self.population
        passed = []
        for j, thresholds in enumerate(self._thresholds):
            rows = thresholds.advance(level[:, j])
            stratum = men.stratum[rows]
            moment = choice.departure_moments(
                men.threshold[rows, j].astype(np.float64),
                before[stratum, j],
                level[stratum, j],
                self.world.panic[day],
            )
            men.passed_at[rows, j] = day * DAY + moment
            passed.append(rows)
        return passed

    def _raise_caps(self, before: Floats) -> None:
        """Keep more men, since pressure may reach beyond the caps; nobody else changes."""
        self._caps = np.maximum(self._caps, self._path.pressure.level) * RAISE
        earlier, level = self.population, self._path.pressure.level
        self._path.pressure.level = before
        self._people_the_world()
        self._path.pressure.level = level
        place = self.population.carry_over(earlier)
        self.trips["row"][:] = place[self.trips["row"]]
        self._pending = defaultdict(
            list,
            {
                day: [(place[rows], where, at) for rows, where, at in parts]
                for day, parts in self._pending.items()
            },
        )

    def _who_would_leave(self, day: int, passed: list[Ints]) -> tuple[Ints, Ints, Ints]:
        """Give rows, destinations and moments of those who leave today if not summoned first."""
        men, world = self.population, self.world
        parts = self._pending.pop(day, [])
        for j, rows in enumerate(passed):
            passport = world.of_stratum["passport"][men.stratum[rows]]
            leaves_at = self._first_opening(men.passed_at[rows, j], men.id[rows], passport, j)
            today = leaves_at < (day + 1) * DAY
            parts.append((rows[today], np.full(today.sum(), j), leaves_at[today]))
            later = ~today & (leaves_at < NEVER)
            for later_day in np.unique(leaves_at[later] // int(DAY)).tolist():
                then = later & (leaves_at // int(DAY) == later_day)
                self._pending[later_day].append(
                    (rows[then], np.full(then.sum(), j), leaves_at[then])
                )
        rows, where, leaves_at = (np.concatenate(part) for part in zip(*parts, strict=True))
        home = (men.trip[rows] < 0) & (men.enlisted_at[rows] > leaves_at)
        rows, where, leaves_at = rows[home], where[home], leaves_at[home]
        first = choice.first_wishes(rows, leaves_at, men.passed_at[rows, where])
        return rows[first], where[first], leaves_at[first]

    def _first_opening(
        self, passed_at: npt.NDArray[np.int32], ids: npt.NDArray[np.uint32], passport: Ints, j: int
    ) -> Ints:
        """Give when each man can act on his wish: at once, or spread after a reopening."""
        at = passed_at.astype(np.int64)
        waiting = np.flatnonzero(~self.world.available[WARM_UP + at // 3600, passport, j])
        release = self.assumptions.choice.release.value * HOUR
        at[waiting] = choice.wait_for_opening(
            at[waiting],
            passport[waiting],
            np.round(release * self.draws.uniform("release", ids[waiting])).astype(np.int64),
            self.world.available[:, :, j],
            self.world.next_available[:, :, j],
            WARM_UP,
        )
        return at

    def _summon(self, day: int, leavers: Ints, leaves_at: Ints) -> None:
        """Serve today's summonses to men at home this morning who have not left by then."""
        men, world = self.population, self.world
        hazard = self._hazard_tonight()
        rows = self._summonses.advance(hazard)
        group = world.of_stratum["region"] * 2 + world.of_stratum["liable"]
        before, after = (h[group[men.stratum[rows]]] for h in (self._hazard, hazard))
        pace = np.diff(world.announced[24 * day : 24 * day + 25])
        at = day * int(DAY) + choice.departure_moments(
            men.call_up_threshold[rows].astype(np.float64), before, after, pace
        ).astype(np.int64)
        self._hazard = hazard
        departure = np.full(len(men), NEVER, dtype=np.int32) if len(rows) else men.enlisted_at
        if len(rows):
            departure[leavers] = leaves_at
        found = self._at_home(rows) & (departure[rows] > at)
        rows, at = rows[found], at[found]
        complies = (
            self.draws.uniform("comply", men.id[rows]) < self.assumptions.call_up.comply.value
        )
        men.summoned_at[rows] = at
        men.enlisted_at[rows[complies]] = at[complies]

    def _hazard_tonight(self) -> Floats:
        """Give the call-up hazard cumulated by tonight, by region and liability, (2 R,)."""
        return np.array([office.hazard for office in self.offices]).reshape(-1)

    def _at_home(self, rows: Ints) -> npt.NDArray[np.bool_]:
        """Say who is at home this morning: never left, or sent home before."""
        trip = self.population.trip[rows]
        end = self.trips["end"][trip] if len(self.trips) else np.zeros(len(rows), np.uint8)
        back = (end >= Status.GAVE_UP) & (end <= Status.TURNED_BACK)
        back &= self.trips["ends_at"][trip] <= self.hour * HOUR if len(self.trips) else back
        return (trip < 0) | back

    # ------------------------------------------------------------------ the road

    def _set_off(self, rows: Ints, where: Ints, leaves_at: Ints) -> None:
        """Let men leave for the destinations they have chosen."""
        shut = self.world.table.shut[WARM_UP + leaves_at // 3600]
        allowed = journey.ways_to(self.world.roads, where, shut)
        self._plan(rows, leaves_at, allowed, tries=0)

    def _who_tries_again(self, day: int) -> tuple[Ints, Ints, npt.NDArray[np.bool_]]:
        """Give rows, moments and crossings of men turned back who would go elsewhere today."""
        trips, world, men = self.trips, self.world, self.population
        parts = self._second.pop(day, [])
        old = np.sort(np.concatenate(parts)) if parts else np.zeros(0, dtype=np.int64)
        rows = trips["row"][old].astype(np.int64)
        leaves_at = np.maximum(trips["ends_at"][old] + self.second_try_delay, self.hour * 3600)
        row = WARM_UP + leaves_at // 3600
        passport = world.of_stratum["passport"][men.stratum[rows]]
        allowed = journey.ways_elsewhere(
            world.roads,
            trips["crossing"][old],
            world.available[row, passport],
            world.table.shut[row],
        )
        able = allowed.any(axis=1) & (men.enlisted_at[rows] > leaves_at)
        return rows[able], leaves_at[able], allowed[able]

    def _plan(
        self, rows: Ints, leaves_at: Ints, allowed: npt.NDArray[np.bool_], tries: int
    ) -> None:
        """Choose crossings, find arrivals and what entry limits do, and write the trips."""
        if len(rows) == 0:
            return
        men, world, given = self.population, self.world, self.assumptions
        ids = men.id[rows]
        region = world.of_stratum["region"][men.stratum[rows]]
        flies, extra = self.draws.uniforms(("fly", "list-extra"), ids).T  # his for good
        factor, patience, walk, limit = self.draws.uniforms(
            ("travel", "patience", "walk", "entry-limit"), ids, tries
        ).T
        roads = world.roads
        hours = journey.hours_of(roads, region, flies)
        crossing = self._choose(ids, hours, allowed, tries)
        here = np.arange(len(rows))
        z = ndtri(factor)
        sigma = given.travel.sigma.value
        arrives_at = leaves_at + journey.journey_seconds(hours[here, crossing], z, sigma)
        crossing, arrives_at, what = self._at_the_limits(
            ids, men.stratum[rows], region, crossing, arrives_at, limit, z, tries
        )
        stopped = what == journey.Limit.HOME
        liable = world.of_stratum["liable"][men.stratum[rows]] == 1
        listed = conscription.on_the_list(
            men.summoned_at[rows] < NEVER, liable, extra, given.call_up.list_extra.value
        )
        trips = self.trips.append(
            row=rows,
            man=ids,
            tries=np.full(len(rows), tries),
            destination=roads.country[crossing],
            crossing=crossing,
            leaves_at=leaves_at,
            arrives_at=np.minimum(arrives_at, NEVER),
            deadline=patience_ends(arrives_at, patience, given.border.patience.value),
            u_walk=np.where(what == journey.Limit.WALKS, -1.0, walk),
            liable=liable,
            listed=listed,
            weight=men.weight_of(rows),
            limit=what,
            ends_at=np.where(stopped, np.minimum(arrives_at, NEVER), NEVER),
            end=np.where(stopped, Status.LIMITED, Status.HOME),
            leaves_again_at=np.full(len(rows), NEVER),
        )
        men.trip[rows] = trips
        coming = trips[~stopped & (arrives_at < self.world.clock.n_hours * 3600)]
        day = self.trips["arrives_at"][coming] // int(DAY)
        for d in np.unique(day).tolist():
            self._coming[d].append(coming[day == d])

    def _choose(
        self, ids: npt.NDArray[np.uint32], hours: Floats, allowed: npt.NDArray[np.bool_], tries: int
    ) -> Ints:
        """Choose among the crossings that any of these men may take."""
        law = self.assumptions.choice
        out = np.zeros(len(ids), dtype=np.int64)
        names = list(self.assumptions.crossings)
        for men, columns in _blocks(allowed):
            purposes = [f"crossing:{names[c]}" for c in columns]
            best = journey.choose_crossing(
                hours[np.ix_(men, columns)],
                self.perceived_wait[columns],
                self.world.roads.size[columns],
                allowed[np.ix_(men, columns)],
                self.draws.uniforms(purposes, ids[men], tries),
                law.theta.value,
                law.omega.value,
            )
            out[men] = columns[best]
        return out

    def _at_the_limits(
        self,
        ids: npt.NDArray[np.uint32],
        stratum: npt.NDArray[np.uint16],
        region: Ints,
        crossing: Ints,
        arrives_at: Ints,
        u: Floats,
        z: Floats,
        tries: int,
    ) -> tuple[Ints, Ints, npt.NDArray[np.uint8]]:
        """Stop men at entry limits; give crossing, arrival and ``Limit`` of each."""
        table, roads = self.world.table, self.world.roads
        row = np.minimum(WARM_UP + arrives_at // 3600, len(table.limited) - 1)
        cell = (row, crossing)
        met = table.limited[cell] & ~self.world.exempt(crossing, region)
        what = np.zeros(len(ids), dtype=np.uint8)
        what[met] = journey.at_entry_limit(
            u, table.passes[cell], table.walks[cell], table.turns[cell], table.foot_open[cell]
        )[met]
        turning = np.flatnonzero(what == journey.Limit.TURNS)
        if len(turning) == 0:
            return crossing, arrives_at, what
        row = row[turning]
        passport = self.world.of_stratum["passport"][stratum[turning]]
        allowed = journey.ways_around(
            roads,
            crossing[turning],
            self.world.available[row, passport],
            table.shut[row],
            table.limited[row],
        )
        able = allowed.any(axis=1)
        what[turning[~able]] = journey.Limit.HOME
        turning, allowed = turning[able], allowed[able]
        hours = roads.by_road[roads.home[crossing[turning]]]
        new = self._choose(ids[turning], hours, allowed, 2 + tries)
        sigma = self.assumptions.travel.sigma.value
        further = journey.journey_seconds(hours[np.arange(len(new)), new], z[turning], sigma)
        crossing, arrives_at = crossing.copy(), arrives_at.copy()
        crossing[turning] = new
        arrives_at[turning] += further
        return crossing, arrives_at, what

    def _announce_arrivals(self, day: int) -> None:
        """Tell each crossing who will arrive today, in order of arrival."""
        trips = self.trips
        parts = self._coming.pop(day, [])
        coming = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
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

    def settle(self) -> None:
        """Decide what became of everybody who reached the head of a queue or gave up.

        Draws and policies fix it, so it does not matter how often the books are settled.
        """
        trips, now = self.trips, self.hour * HOUR
        at_the_head: list[int] = []  # too late to give up
        cleared: list[Ints] = []
        finish: list[Floats] = []
        for c, crossing in enumerate(self.crossings):
            border = crossing.border
            for lane in (0, 1):
                if border.busy[lane] and border.lanes[lane][0][2] >= 0:
                    at_the_head.append(border.lanes[lane][0][2])
            start, self._read[c] = self._read[c], len(border.log.trip)
            if start == self._read[c]:
                continue
            trip = np.array(border.log.trip[start:])
            men = trip >= 0
            through = men & (np.array(border.log.cleared[start:]) == 1)
            gave_up = trip[men & ~through]
            trips["ends_at"][gave_up] = trips["deadline"][gave_up]
            trips["end"][gave_up] = Status.GAVE_UP
            cleared.append(trip[through].astype(np.int64))
            finish.append(np.floor(np.array(border.log.finish[start:])[through]))
        if cleared:
            self._check(np.concatenate(cleared), np.concatenate(finish))
        left = (trips["end"] == Status.HOME) & (trips["deadline"] <= now)
        left[at_the_head] = False
        trips["ends_at"][left] = trips["deadline"][left]
        trips["end"][left] = Status.GAVE_UP

    def _check(self, trip: Ints, finish: Floats) -> None:
        """Check the men who were cleared: refuse them, or let them in."""
        if len(trip) == 0:
            return
        trips, table = self.trips, self.world.table
        crossing = trips["crossing"][trip]
        row = np.minimum(WARM_UP + (finish // HOUR).astype(int), len(table.detection) - 1)
        cell = (row, crossing)
        ids, tries = trips["man"][trip], trips["tries"][trip]
        u = self.draws.uniforms(
            ("detect", "examine", "serve", "refuse", "abroad:move-on", "abroad:return"), ids, tries
        ).T
        examined = np.where(table.checks[cell] > 0, self.examined[crossing], 0.0)
        liable = trips["liable"][trip]
        stratum = self.population.stratum[trips["row"][trip]]
        passport = self.world.of_stratum["passport"][stratum] == 1
        reason = conscription.check(
            (table.closed_to_men | table.closed)[cell],
            trips["listed"][trip],
            liable,
            table.detection[cell],
            examined,
            table.p_serve[cell],
            *u[:3],
        )
        weight = trips["weight"][trip]
        trips["examined"][trip], trips["expected_notice"][trip] = conscription.notices(
            reason, liable, examined, table.p_serve[cell], u[1]
        )
        self._liable_today += np.bincount(crossing, weight * liable, minlength=len(self.crossings))
        for j, country in enumerate(self.countries):
            mine = (trips["destination"][trip] == j) & (reason == Reason.NONE)
            lacks = table.requires_passport[row, j] & ~passport
            reason[mine & country.refuses(u[3], lacks)] = Reason.ENTRY
            mine &= reason == Reason.NONE
            leaves, moves_on = country.receive(finish[mine], weight[mine], u[4][mine], u[5][mine])
            trips["leaves_again_at"][trip[mine]] = leaves
            trips["moves_on"][trip[mine]] = moves_on
            trips["end"][trip[mine]] = Status.ABROAD + j
        trips["ends_at"][trip] = finish
        trips["reason"][trip] = reason
        refused = trip[reason != Reason.NONE]
        trips["end"][refused] = Status.TURNED_BACK
        self._plan_second_tries(refused)

    @property
    def second_try_delay(self) -> np.int64:
        """Seconds after which a man turned back tries again; at the earliest in the morning."""
        return np.int64(round(self.assumptions.border.second_try_delay.value * DAY))

    def _plan_second_tries(self, refused: Ints) -> None:
        trips, law = self.trips, self.assumptions.border
        u = self.draws.uniform("second-try", trips["man"][refused])
        tries, reason = trips["tries"][refused], trips["reason"][refused]
        some = refused[conscription.may_try_again(tries, reason, u, law.second_try.value)]
        leaves_at = trips["ends_at"][some] + self.second_try_delay
        next_morning = -(-self.hour // 24)
        day = np.maximum(leaves_at // int(DAY), next_morning)
        for d in np.unique(day[leaves_at < self.world.clock.n_hours * 3600]).tolist():
            self._second[d].append(some[day == d])

    # ------------------------------------------------------------------ looking

    def status(self, at: float | None = None) -> npt.NDArray[np.uint8]:
        """Give the ``Status`` code of every row of the population now, shape (N,)."""
        self.settle()
        now = self.hour * HOUR if at is None else at
        return status_at(now, self.population, self.trips)

    @property
    def men(self) -> pd.DataFrame:
        """The population as a table, one row for each man kept, statuses as of now."""
        import pandas as pd

        men, world = self.population, self.world
        of_stratum = {name: column[men.stratum] for name, column in world.of_stratum.items()}
        names = [status_name(code, world.destinations) for code in range(MOST_CODES)]
        table = pd.DataFrame(
            {
                "region": categories(of_stratum["region"], world.regions.code),
                "age": categories(of_stratum["age"], AGE_BANDS),
                "educated": of_stratum["educated"] == 1,
                "passport": of_stratum["passport"] == 1,
                "liable": of_stratum["liable"] == 1,
                "weight": men.weight[men.stratum >> 3],
                "status": categories(self.status(), names),
            },
            index=pd.Index(men.id, name="man"),
        )
        table["status"] = table["status"].cat.remove_unused_categories()
        return table


def categories(codes: npt.NDArray[Any], names: Sequence[str]) -> pd.Categorical:
    """Make a table column of names from integer codes."""
    import pandas as pd

    return pd.Categorical.from_codes(codes, list(names))  # type: ignore[call-overload]


MOST_CODES = Status.WANTS + MOST_DESTINATIONS


def status_at(now: float, men: people.Population, trips: journey.Trips) -> npt.NDArray[np.uint8]:
    """Give the status of every row at a moment (s), the first that holds (docs/GLOSSARY.md)."""
    status = np.full(len(men), Status.HOME, dtype=np.uint8)
    first_wish = men.passed_at.argmin(axis=1)
    wish_at = men.passed_at[np.arange(len(men)), first_wish]
    wants = wish_at <= now
    status[wants] = Status.WANTS + first_wish[wants]
    status[men.summoned_at <= now] = Status.HIDING
    for trip in (np.flatnonzero(trips["tries"] == 0), np.flatnonzero(trips["tries"] == 1)):
        trip = trip[trips["leaves_at"][trip] <= now]
        row = trips["row"][trip]
        status[row] = Status.ON_THE_ROAD
        come = trips["arrives_at"][trip] <= now
        status[row[come]] = Status.QUEUEING
        ended = trips["ends_at"][trip] <= now
        status[row[ended]] = trips["end"][trip][ended]
        again = trips["leaves_again_at"][trip] <= now
        on = trips["moves_on"][trip]
        status[row[again]] = np.where(on[again], Status.MOVED_ON, Status.RETURNED)
    status[men.enlisted_at <= now] = Status.ENLISTED
    return status


def _blocks(allowed: npt.NDArray[np.bool_]) -> list[tuple[Ints, Ints]]:
    """Group men (rows) with the columns that any of their group may take.

    Many men are grouped by their choice set, so that nobody draws for what he cannot take;
    few are taken together. The grouping changes no choice.
    """
    if len(allowed) == 0:
        return []
    if len(allowed) <= 64:
        kinds, group = np.zeros(1), np.zeros(len(allowed), dtype=np.int64)
    else:
        kinds, group = np.unique(np.packbits(allowed, axis=1), axis=0, return_inverse=True)
    blocks = []
    for kind in range(len(kinds)):
        men = np.flatnonzero(group.reshape(-1) == kind)
        blocks.append((men, np.flatnonzero(allowed[men].any(axis=0))))
    return blocks
