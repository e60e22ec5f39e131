"""The compiled scenario: everything that file and data alone fix, before any man acts.

Strata, roads, policies by hour, panic, call-up and the pressure if nobody had to wait, all
the same in every replication. ``FlowModel`` adds chance and queues.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from flowsim.data import sources
from flowsim.model import choice, conscription, journey, population
from flowsim.model import perceptions as news
from flowsim.model.decisions import Openings
from flowsim.model.states import Reason
from flowsim.scenario.clock import HOUR, Clock
from flowsim.scenario.places import Document, asked_for
from flowsim.scenario.policy import Announcement
from flowsim.scenario.schema import Scenario
from flowsim.scenario.timetable import WARM_UP, Timetable, delayed
from flowsim.types import Bools, Floats, Ints

SLACK = 1.05  # of the caps over the pressure expected
HEEDED = 0.25  # of the waits expected, so that caps are rarely too low


@dataclass(frozen=True)
class World:
    """A compiled scenario: its file and data as arrays, shared by all its replications."""

    assumptions: Scenario

    @cached_property
    def clock(self) -> Clock:
        """The scenario's clock."""
        return self.assumptions.horizon.clock

    @cached_property
    def destinations(self) -> tuple[str, ...]:
        """Names of the destinations, in the order of the file."""
        return tuple(self.assumptions.destinations)

    @cached_property
    def regions(self) -> sources.Regions:
        """The regions."""
        return self.assumptions.regions

    @cached_property
    def table(self) -> Timetable:
        """Policies by hour and crossing."""
        return self.assumptions.timetable()

    @cached_property
    def roads(self) -> journey.Roads:
        """Journeys from every region to every crossing."""
        return journey.build_roads(
            self.assumptions.crossings,
            self.destinations,
            self.assumptions.travel,
            self.regions.code,
            self.regions.lat,
            self.regions.lon,
            self.regions.income,
            self.regions.road_connected,
            self.assumptions.road_km,
        )

    @cached_property
    def strata(self) -> population.Strata:
        """Cells of the nation and the probabilities of attributes in them."""
        who = self.assumptions.population
        men = self.regions.men
        by_age = who.education_level.value * who.education_by_age.by_age
        educated = np.clip(
            self.regions.higher_education_share[:, None] * by_age, *who.education_bounds
        )
        total = men.sum(axis=1)
        share = population.shift_to_mean(
            self.regions.passport_share, total, who.passport_share.value
        )
        mean_educated = (educated * men).sum(axis=1) / total
        by_education = population.passport_by_education(
            share, mean_educated, who.passport_odds_ratio.value
        )
        return population.Strata(
            men=men.reshape(-1),
            p_educated=educated.reshape(-1),
            p_passport=np.repeat(by_education, men.shape[1], axis=0),
            p_liable=np.tile(who.liable_by_age.by_age, len(men)),
            further=self._further,
        )

    @cached_property
    def documents(self) -> tuple[str, ...]:
        """Documents that matter here: the passport, and what is asked for at any hour."""
        asked = np.flatnonzero(self.table.asks_for.any(axis=(0, 1))).tolist()
        return asked_for(self.assumptions.documents, {self.table.documents[k] for k in asked})

    @cached_property
    def _further(self) -> tuple[population.Further, ...]:
        given, names = self.assumptions.documents, self.documents
        return tuple(
            population.Further(
                name,
                np.repeat(self._share_with(given[name]), self.regions.men.shape[1]),
                None if (needs := given[name].needs) is None else names.index(needs),
                tuple(
                    place
                    for place, country in self.assumptions.destinations.items()
                    if given[name].only_holders and name in country.documents
                ),
            )
            for name in names[1:]
        )

    def _share_with(self, document: Document) -> Floats:
        """Return the share of those with what a document needs who hold it, by region, (R,)."""
        own = document.by_region or {}
        shares = (own.get(code, document.share).value for code in self.regions.code)
        return np.array(list(shares))

    @cached_property
    def asks_for(self) -> Bools:
        """Whether a destination asks for each of ``documents``, by hour, shape (H, J, K)."""
        return self.table.asks_for[:, :, [self.table.documents.index(n) for n in self.documents]]

    @cached_property
    def men(self) -> Floats:
        """Expected men of the nation by stratum, shape (S,)."""
        return self.strata.expected()

    @cached_property
    def of_stratum(self) -> dict[str, npt.NDArray[np.int64]]:
        """What men of each stratum are, as in ``Strata.columns``."""
        return self.strata.columns()

    @cached_property
    def of_plain(self) -> dict[str, Ints]:
        """What men of each plain stratum are: documents beside the passport left out."""
        return replace(self.strata, further=()).columns()

    @cached_property
    def _waves(self) -> list[tuple[Announcement, float]]:
        return self.assumptions.call_ups()

    @cached_property
    def panic(self) -> Floats:
        """Panic by day, hour and destination, in days of panic, shape (D, 24, J), rumours in."""
        law = self.assumptions.panic
        courses: dict[tuple[float, float], Floats] = {}
        for_each = []
        for country in self.assumptions.destinations.values():
            lag, decay = country.panic_lag or law.lag, country.panic_decay or law.decay
            course = lag.value, decay.value
            if course not in courses:
                courses[course] = self._panic(*course)
            for_each.append(courses[course])
        by_destination = np.stack(for_each, axis=1) * (1 + self.table.rumour[WARM_UP:])
        return by_destination.reshape(-1, 24, len(self.destinations)) / 24

    def _panic(self, lag: float, decay: float) -> Floats:
        """Return the panic of all call-ups by hour, shape (H,), before any rumour."""
        total = np.zeros(self.clock.n_hours)
        for wave, strength in self._waves:
            total += strength * conscription.panic_by_hour(wave, self.clock, lag, decay)
        return total

    @cached_property
    def announced(self) -> Floats:
        """Men announced as called up at each full hour, all waves, shape (24 D + 1,)."""
        hours = np.arange(self.clock.n_hours + 1.0)
        totals = [
            conscription.announced_total(wave.pace, self.clock, hours)
            for wave, _ in self._waves
            if wave.target.value > 0
        ]
        return np.sum(totals, axis=0) if totals else np.zeros(len(hours))

    @cached_property
    def relative_call_up(self) -> Floats:
        """Call-up per man of each region against the nation's, shape (R,)."""
        return conscription.relative_call_up(
            self.regions.called_up,
            self.regions.men.sum(axis=1).astype(float),
            self.assumptions.call_up.regional_disparity.value,
        )

    @cached_property
    def summons_per_man(self) -> Floats:
        """Chance of a summons per man announced, shape (R, 2): not liable, liable."""
        law = self.assumptions.call_up
        by_cell = self.strata.men * self.strata.p_liable
        return conscription.hazard_per_announced_man(
            self.relative_call_up,
            self.regions.men.sum(axis=1).astype(float),
            by_cell.reshape(self.regions.men.shape).sum(axis=1),
            law.error_share.value,
            law.comply.value,
        )

    def hazard(self, announced: float) -> Floats:
        """Return the cumulated call-up hazard by stratum, shape (S,)."""
        by_like = conscription.cumulated_hazard(self.summons_per_man, announced)
        return by_like.reshape(-1).take(self.call_up_group)

    @cached_property
    def call_up_group(self) -> npt.NDArray[np.int64]:
        """Those of each stratum who share a call-up hazard: 2 * region + liable, shape (S,)."""
        return self.of_stratum["region"] * 2 + self.of_stratum["liable"]

    @cached_property
    def visible_checks(self) -> Floats:
        """Visible checks by hour of the table and destination, delayed as news, (H, J)."""
        seen = news.visible_checks(self.table.visibility, self.roads.size, self.roads.country)
        return delayed(seen, self.assumptions.news.check_delay.value)

    @cached_property
    def available(self) -> Bools:
        """Whether a destination is available to holders of documents, shape (H, D, J)."""
        shut = self.table.shut
        open_ = np.stack(
            [~shut[:, self.roads.country == j].all(axis=1) for j in range(len(self.destinations))],
            axis=1,
        )
        return open_[:, None] & (self._lacking == Reason.NONE)

    @cached_property
    def _lacking(self) -> npt.NDArray[np.uint8]:
        """Reason for which holders of documents lack one that is asked for, shape (H, D, J)."""
        lacks = self.asks_for[:, None] & ~self.strata.holdings[:, None]
        code = Reason.DOCUMENT + lacks.argmax(axis=-1)
        return np.where(lacks.any(axis=-1), code, Reason.NONE).astype(np.uint8)

    def lacking(self, row: Ints, where: Ints, holds: Ints) -> npt.NDArray[np.uint8]:
        """Return the reason for which men lack a document that destinations ask for, (N,).

        Parameters
        ----------
        row, where, holds : int64, shape (N,)
            Hour of the table, destination, code of the documents held.

        Returns
        -------
        uint8, shape (N,)
            ``Reason.DOCUMENT`` and the place of the first of them; ``NONE`` if all are held.
        """
        return self._lacking[row, holds, where]

    def barriers(self, at: Ints, where: Ints, holds: Ints) -> npt.NDArray[np.uint8]:
        """Return why destinations are not available to men at some seconds.

        Parameters
        ----------
        at, where, holds : int64, shape (N,)
            Seconds since the horizon's start, destinations, documents held.

        Returns
        -------
        uint8, shape (N,)
            ``Reason`` codes as in ``lacking``; ``Reason.CLOSED`` for those who lack nothing.
        """
        lacking = self.lacking(self.row_at(at), where, holds)
        return np.where(lacking == Reason.NONE, np.uint8(Reason.CLOSED), lacking)

    @cached_property
    def openings(self) -> Openings:
        """When each destination is available, and how the pent-up leave after a reopening."""
        return Openings(self.available, self.assumptions.choice.release.value * HOUR)

    def row_at(self, at: npt.ArrayLike) -> Ints:
        """Return the row of tables by hour that holds at some seconds; the last one ever after."""
        row = WARM_UP + np.asarray(at).astype(np.int64) // 3600
        return np.minimum(row, len(self.table.capacity) - 1)

    def exempt(self, crossing: npt.NDArray[np.int64], region: npt.NDArray[np.int64]) -> Bools:
        """Return which men an entry limit at their crossing does not bind, by region.

        Parameters
        ----------
        crossing, region : int64, shape (N,)

        Returns
        -------
        bool, shape (N,)
        """
        return self._exempt[crossing, region]

    @cached_property
    def _exempt(self) -> Bools:
        """Whether the limit at a crossing does not bind the men of a region, shape (C, R)."""
        out = np.zeros((len(self.roads.country), len(self.regions.code)), dtype=bool)
        for c, codes in self.table.exempt.items():
            out[c, [self.regions.code.index(code) for code in codes]] = True
        return out

    @cached_property
    def background(self) -> Floats:
        """Ordinary travellers a day into each destination by hour of the table, (H, J)."""
        return self.ordinary_level(season=True)

    def ordinary_level(self, season: bool) -> Floats:
        """Return ordinary travellers a day by hour of the table and weekday, shape (H, J).

        Parameters
        ----------
        season : bool
            Whether their level changes with the season; if not, it stays that before the shock.
        """
        steady = np.ones(WARM_UP + self.clock.n_hours)
        return np.stack(
            [
                c.background.value
                * (c.background_season.by_hour(self.clock, WARM_UP) if season else steady)
                * (
                    c.background_weekday.by_hour(self.clock, c.utc_offset_h, WARM_UP)
                    if c.background_weekday
                    else 1.0
                )
                for c in self.assumptions.destinations.values()
            ],
            axis=1,
        )

    @cached_property
    def list_extra(self) -> Floats:
        """Share of liable men on the no-exit list beside the summoned, by hour, shape (H,)."""
        return self.assumptions.call_up.list_extra.by_hour(self.clock, WARM_UP)

    @cached_property
    def base_utility(self) -> Floats:
        """The part of V that does not change, shape (S, J)."""
        return choice.base_utility(
            self.assumptions.choice,
            self.destinations,
            self.of_stratum,
            self.relative_call_up,
            self.roads.reach,
        )

    def utility(self, network: Floats, road: Floats, checks: Floats) -> Floats:
        """Return V of a day from what was in the air.

        Parameters
        ----------
        network, road, checks
            As of ``Day``.

        Returns
        -------
        float64, shape (S, J)
        """
        return choice.utility(self.base_utility, self.of_stratum, network - road, checks)

    @cached_property
    def news_lag_days(self) -> npt.NDArray[np.int64]:
        """Days until co-regionals' departures show abroad, shape (R, J)."""
        mean = self.roads.by_air * self.roads.fly_share[:, None]
        mean = mean + self.roads.by_road * (1 - self.roads.fly_share[:, None])
        nearest = [
            mean[:, self.roads.country == j].min(axis=1) for j in range(len(self.destinations))
        ]
        return np.maximum(1, np.ceil(np.stack(nearest, axis=1) / 24)).astype(np.int64)

    def generalised_hours(self, wait: Floats, row: int) -> Floats:
        """Return the logsum of each region and destination at an hour of the table.

        Parameters
        ----------
        wait : float64, shape (C,)
            Perceived waits, hours.
        row : int
            Row of the timetable.

        Returns
        -------
        float64, shape (R, J)
            Hours.
        """
        law, roads = self.assumptions.choice, self.roads
        n_regions = len(self.regions.code)
        out = np.empty((n_regions, len(self.destinations)))
        for j, (here, hours) in enumerate(self._ways):
            shut = self.table.shut[row, here]
            if shut.all():  # a closed country is not available, but no farther away
                shut = ~shut
            size = np.where(shut, 0.0, roads.size[here])
            both = choice.generalised_hours(
                hours, wait[here], size, law.theta.value, law.omega.value
            )
            by_road, by_air = both[:n_regions], both[n_regions:]
            out[:, j] = by_air * roads.fly_share + by_road * (1 - roads.fly_share)
        return out

    @cached_property
    def _ways(self) -> list[tuple[Bools, Floats]]:
        """Crossings into each destination, shape (C,), and the hours by road, then by air."""
        roads, ways = self.roads, []
        for j in range(len(self.destinations)):
            here = roads.country == j
            both = np.concatenate([roads.by_road[:, here], roads.by_air[:, here]])
            ways.append((here, np.asfortranarray(both)))
        return ways

    def pressure_path(self) -> PressurePath:
        """Start the daily course of pressure."""
        return PressurePath(self)

    @cached_property
    def caps(self) -> Floats:
        """Pressure that no stratum is expected to exceed, (S, J): each country has one queue."""
        path, n = self.pressure_path(), len(self.destinations)
        persons_per_man = 1 + self.assumptions.observation.companions.value
        stays = np.exp(-1 / max(1e-3, self.assumptions.border.patience.value))
        queue, wait = np.zeros(n), np.zeros(n)
        for day in range(self.clock.n_days):
            path.advance(day, HEEDED * wait[self.roads.country])
            row = WARM_UP + 24 * day
            passes = HOUR * self.table.capacity[row : row + 24].sum(axis=0)
            passes = np.bincount(self.roads.country, passes, minlength=n)
            men = (path.left[day + 1] - path.left[day]).sum(axis=0)
            come = men * persons_per_man + self.background[row]
            queue = np.maximum(0.0, queue + come - passes) * stays
            path.days.clear()  # nobody looks back
            wait = np.divide(24 * queue, passes, out=np.zeros(n), where=passes > 0)
        return path.pressure.level * SLACK

    @cached_property
    def call_up_caps(self) -> Floats:
        """Highest call-up hazard of each stratum, shape (S,); known exactly."""
        return self.hazard(float(self.announced.max()))


class Day(NamedTuple):
    """What was in the air on one day: the terms of utility, and the pressure they made.

    Attributes
    ----------
    wait : float64, shape (C,)
        Perceived waits, hours.
    network, road : float64, shape (R, J)
        What co-regionals abroad are worth, and the cost of generalised hours.
    checks : float64, shape (J,)
        Cost of visible checks to liable men.
    before, level : float64, shape (S, J)
        Pressure at the start and at the end of the day.
    """

    wait: Floats
    network: Floats
    road: Floats
    checks: Floats
    before: Floats
    level: Floats


class PressurePath:
    """The daily course of pressure, given what is believed of waits.

    Attributes
    ----------
    days : list of Day
        What was in the air, day by day.
    left : float64, shape (D + 1, R, J)
        Expected leavers of the nation by each morning.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        n = len(world.destinations)
        self.pressure = choice.Pressure.at_rest(world.strata.n_strata, n)
        self.days: list[Day] = []
        self.left = np.zeros((world.clock.n_days + 1, len(world.regions.code), n))
        self._cells = np.indices(world.news_lag_days.shape)
        self._known = (b"", world.roads.by_road)  # of generalised hours: for what, and they
        self._region_men = world.regions.men.sum(axis=1)[:, None] / 1000.0

    def co_regionals(self, day: int) -> Floats:
        """Return the expected co-regionals abroad per 1,000 men as known at home, (R, J)."""
        r, j = self._cells
        return self.left[np.maximum(0, day - self.world.news_lag_days), r, j] / self._region_men

    def _generalised_hours(self, wait: Floats, row: int) -> Floats:
        """Return the logsum of each region and destination; new when roads or waits change."""
        key = wait.tobytes() + self.world.table.shut[row].tobytes()
        if key != self._known[0]:
            self._known = (key, self.world.generalised_hours(wait, row))
        return self._known[1]

    def advance(self, day: int, wait: Floats) -> None:
        """Let a day pass.

        Parameters
        ----------
        day : int
            Day of the horizon.
        wait : float64, shape (C,)
            Perceived waits that morning, hours.
        """
        world, law = self.world, self.world.assumptions.choice
        row = WARM_UP + 24 * day
        network = law.beta_network.value * np.log1p(self.co_regionals(day))
        road = law.beta_road.value * self._generalised_hours(wait, row)
        checks = law.beta_risk.value * world.visible_checks[row]
        v = world.utility(network, road, checks)
        before, reference = self.pressure.level, world.assumptions.panic.reference.value
        panic = world.panic[day]
        available = world.available[row : row + 24]
        holds = world.of_stratum["holds"]
        enlisted = -np.expm1(-world.hazard(float(world.announced[24 * day])))
        if panic.any() or self.pressure.pent_up.any():
            self.pressure.grow(
                choice.rate(v, law.lambda_.value, reference),
                panic.sum(axis=0),
                (panic[:, None, :] * available).sum(axis=0).take(holds, axis=0),
                np.any(available, axis=0).take(holds, axis=0),
                world.men * (1 - world.assumptions.call_up.comply.value * enlisted),
                law.lambda_.value,
            )
        self.days.append(Day(wait, network, road, checks, before, self.pressure.level))
        n_regions = len(self.left[0])
        by_region = self.pressure.expected.reshape(n_regions, -1, self.left.shape[2])
        if by_region.shape[2] == 1:
            self.left[day + 1] = by_region.sum(axis=1)
        else:  # the same additions in the same order, whole rows at a time
            self.left[day + 1] = np.ascontiguousarray(by_region.swapaxes(0, 1)).sum(axis=0)
