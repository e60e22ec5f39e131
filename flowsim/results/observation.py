"""The observation equation: from men, companions and ordinary traffic to what was counted.

Published counts are crossings of both sexes and all ages, ordinary traffic included:
entries = men * (1 + companions) + background (ODD 7.9). Everything is kept by hour and
crossing, so that any published window can be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from flowsim.data.rows import Observation
from flowsim.model import abroad, traffic
from flowsim.model.journey import Trips
from flowsim.model.queue import NOBODY, Border, Log
from flowsim.model.states import AT_EXIT, Lane, Reason, Status, refused_at_entry
from flowsim.model.traffic import Present
from flowsim.scenario.clock import DAY, HOUR, Offset, later
from flowsim.scenario.observing import window
from flowsim.scenario.timetable import WARM_UP
from flowsim.types import Bools, Floats, Ints

if TYPE_CHECKING:
    from flowsim.model.flow_model import FlowModel

FLOWS = (
    "arrivals_at_border",
    "entries",
    "entries_men",
    "crossings_out",
    "cars_cleared",
    "persons_both_ways",
    "vehicles_both_ways",
    "checked",
    "refused",
    "refused_entry",
    "notices",
    "notices_expected",
    "limited",
    "gave_up",
)
"""Measures by hour and crossing that add up over time."""

STOPPED: dict[str, Callable[[Trips], npt.NDArray[Any]]] = {
    "checked": lambda trips: trips["examined"],
    "refused": lambda trips: np.isin(trips["reason"], AT_EXIT),
    "refused_entry": lambda trips: refused_at_entry(trips["reason"]),
    "notices": lambda trips: trips["reason"] == Reason.NOTICE,
    "notices_expected": lambda trips: trips["expected_notice"],
    "limited": lambda trips: trips["end"] == Status.LIMITED,
    "gave_up": lambda trips: trips["end"] == Status.GAVE_UP,
}
"""Those of them that are counted in men where their trips end, and how each trip counts."""

WAITS = {"wait_hours": None, "wait_hours_cars": Lane.VEHICLES, "wait_hours_on_foot": Lane.FOOT}
"""Mean waits by crossing, of those who reached the head of which lane."""

LEVELS = ("queue_persons", "queue_on_foot", "queue_cars", "queue_km")
"""Measures by full hour and crossing: what stands there at that moment."""


@dataclass(frozen=True)
class Units:
    """Every unit that came to a crossing, one entry each.

    Attributes
    ----------
    crossing, trip, lane : int64
        Column, trip (-1 ordinary travellers), lane in which it ended.
    arrival, start, gone : float64
        Seconds; ``start`` is when it reached the head (infinite if never).
    persons : float64
    cleared : bool
    """

    crossing: Ints
    trip: Ints
    lane: Ints
    arrival: Floats
    start: Floats
    gone: Floats
    persons: Floats
    cleared: npt.NDArray[np.bool_]


def _so_far(by_hour: Floats) -> Floats:
    """Add up hours (H, J) to what there is at each full hour, from nothing, shape (H + 1, J)."""
    return np.concatenate([np.zeros((1, by_hour.shape[1])), np.cumsum(by_hour, axis=0)])


def units_of(model: FlowModel) -> Units:
    """Collect the units from the log and from the queues as they stand, crossing by crossing."""
    standing = Log()
    for crossing in model.crossings:
        _enter_those_standing(standing, crossing.border, model.hour * HOUR)

    def entries(name: str) -> Floats:
        return np.concatenate([model.log.entries(name), standing.entries(name)])

    order = np.argsort(entries("crossing").astype(np.int16), kind="stable")
    return Units(
        crossing=entries("crossing").take(order).astype(np.int64),
        trip=entries("trip").take(order).astype(np.int64),
        lane=entries("lane").take(order).astype(np.int64),
        arrival=entries("arrival").take(order),
        start=entries("start").take(order),
        gone=np.floor(entries("finish").take(order)),
        persons=entries("persons").take(order),
        cleared=entries("cleared").take(order) == 1,
    )


def _enter_those_standing(log: Log, border: Border, now: float) -> None:
    """Enter the units in the queues of a crossing in a log: who gave up with his deadline."""
    for lane, queue in enumerate(border.lanes):
        for place, (arrival, persons, trip, deadline, _) in enumerate(queue):
            served = place == 0 and border.busy[lane]
            start = border.started[lane] if served else np.inf
            gone = deadline if deadline <= now and not served else np.inf
            log.new += (border.column, arrival, start, gone, persons, trip, lane, 0)


class Measures(Mapping[str, Floats]):
    """Arrays by name, each worked out when it is first asked for, and kept in ``known``."""

    def __init__(
        self, names: tuple[str, ...], work_out: Callable[[str], Floats], known: dict[str, Floats]
    ) -> None:
        self._names, self._work_out, self._known = names, work_out, known

    def __getitem__(self, name: str) -> Floats:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._known:
            self._known[name] = self._work_out(name)
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class Observed:
    """What could be counted in one run, each measure worked out when it is first asked for.

    It does not hold its ``Measures``, which hold it: in a circle its memory would wait for the
    collector.
    """

    def __init__(self, model: FlowModel) -> None:
        model.complete_trips()
        self.model, self.world = model, model.world
        self.n_rows = WARM_UP + self.world.clock.n_hours
        self._known: dict[str, Floats] = {}

    @property
    def flows(self) -> Measures:
        """Measures of ``FLOWS`` by hour (warm-up first) and crossing, each shape (H, C)."""
        return Measures(FLOWS, self._flow, self._known)

    @property
    def levels(self) -> Measures:
        """Measures of ``LEVELS`` at each full hour, each shape (H + 1, C)."""
        return Measures(LEVELS, self._level, self._known)

    @property
    def waits(self) -> Measures:
        """Person-hours waited by those who reached the head, and these persons, (2, H, C) each."""
        return Measures(tuple(WAITS), self._waits, self._known)

    @cached_property
    def units(self) -> Units:
        """Every unit that came to a crossing."""
        return units_of(self.model)

    def _rows(self, seconds: Floats) -> Ints:
        return np.floor(seconds / HOUR).astype(np.int64) + WARM_UP

    def by_hour(self, seconds: Floats, column: Ints, value: Floats, n: int) -> Floats:
        """Add up values by hour and column, leaving out what lies beyond the horizon.

        Parameters
        ----------
        seconds : float64, shape (N,)
            Since the horizon's start; negative in the warm-up.
        column : int64, shape (N,)
            Below ``n``.
        value : float64, shape (N,)
        n : int
            Number of columns.

        Returns
        -------
        float64, shape (H, n)
            Sums, from the first hour of the warm-up on; hours follow one another in memory.
        """
        return self._by_cell(self._cells(seconds, column), value, n)

    def by_unit(self, value: Floats) -> Floats:
        """Add up by hour and crossing what each unit adds when it is through.

        Parameters
        ----------
        value : float64, shape (N,)

        Returns
        -------
        float64, shape (H, C)
        """
        return self._by_cell(self._cells_of_units, value, len(self.model.crossings))

    def _cells(self, seconds: Floats, column: Ints) -> Ints:
        """Return the place of each in a table by column and hour, one hour past the horizon."""
        within = np.minimum(seconds, self.world.clock.n_hours * HOUR)
        return column * (self.n_rows + 1) + self._rows(within)

    def _by_cell(self, cell: Ints, value: Floats, n: int) -> Floats:
        """Add up values by hour and column, shape (H, n), from ``_cells``."""
        total = np.bincount(cell, value, minlength=(self.n_rows + 1) * n).reshape(n, -1)
        return np.ascontiguousarray(total[:, :-1], dtype=np.float64).T

    @cached_property
    def _cells_of_units(self) -> Ints:
        """When and where each unit was through, as ``_cells``."""
        return self._cells(self.units.gone, self.units.crossing)

    def _flow(self, measure: str) -> Floats:
        """Count a measure of ``FLOWS`` by hour and crossing."""
        n = len(self.model.crossings)
        if measure in STOPPED:
            trips = self.model.trips
            return self._by_cell(self._ends, trips["weight"] * STOPPED[measure](trips), n)
        units = self.units
        if measure == "arrivals_at_border":
            return self.by_hour(units.arrival, units.crossing, units.persons, n)
        if measure in ("persons_both_ways", "vehicles_both_ways"):
            return self._both_ways(measure)
        passed = self.by_unit(self.passed(measure))
        if measure in ("entries", "crossings_out"):
            return passed + self.families[0]
        return passed

    def _both_ways(self, measure: str) -> Floats:
        """Count everybody at a crossing, or their vehicles: outbound Russians and all others."""
        parameters = [crossing.parameters for crossing in self.model.crossings]
        others = np.array([p.others.value if p.others else 0.0 for p in parameters]) / 24
        if measure == "persons_both_ways":
            return self.flows["crossings_out"] + others
        together = [p.others_per_vehicle.value if p.others_per_vehicle else 1.0 for p in parameters]
        return self.flows["cars_cleared"] + others / np.array(together)

    def passed(self, measure: str) -> Floats:
        """Return what each unit adds to a measure when it is through, shape (N,)."""
        units, given = self.units, self.model.assumptions.observation
        ordinary, shut, end, reason = self.of_units
        share = self.ordinary_men_share[units.crossing]
        through = units.cleared * units.persons
        let_out = (reason == Reason.NONE) | refused_at_entry(reason)
        through = through * np.where(ordinary, 1 - share * shut, let_out)
        if measure == "crossings_out":
            return through
        if measure == "cars_cleared":
            road = np.array([c.parameters.kind == "road" for c in self.model.crossings])
            in_car = (units.lane == Lane.VEHICLES) & road[units.crossing]
            return through * in_car / given.persons_per_car.value
        entered = through * np.where(ordinary, 1, end >= Status.ABROAD)
        if measure == "entries":
            return entered
        men_share = np.where(ordinary, share * ~shut, 1 / self.model.persons_per_man)
        return np.where(ordinary, units.cleared * units.persons, entered) * men_share

    @cached_property
    def ordinary_men_share(self) -> Floats:
        """Share of men among the ordinary travellers of each crossing, by kind of border, (C,)."""
        given = self.model.assumptions.observation
        by_air = given.background_men_share_by_air or given.background_men_share
        kinds = [c.parameters.kind for c in self.model.crossings]
        share = {"other ways": by_air.value}
        return np.array([share.get(kind, given.background_men_share.value) for kind in kinds])

    @cached_property
    def of_units(self) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], Ints, Ints]:
        """Return which units are ordinary, which came to a crossing shut to men; end and reason."""
        units, trips, table = self.units, self.model.trips, self.world.table
        ordinary = units.trip == NOBODY
        trip = np.where(ordinary, 0, units.trip)
        end = np.where(ordinary, Status.HOME, trips["end"][trip]) if len(trips) else units.trip
        reason = np.where(ordinary, 0, trips["reason"][trip]) if len(trips) else units.trip * 0
        row = np.minimum(self._rows(np.where(units.cleared, units.gone, 0)), self.n_rows - 1)
        return ordinary, table.closed_to_men[row, units.crossing], end, reason

    @cached_property
    def _ends(self) -> Ints:
        """When and where each trip ended, as ``_cells``."""
        trips = self.model.trips
        return self._cells(trips["ends_at"].astype(np.float64), trips["crossing"].astype(np.int64))

    def _waits(self, measure: str) -> Floats:
        """Add up the waits of those who reached the head of a lane, or of either, (2, H, C)."""
        units, n, lane = self.units, len(self.model.crossings), WAITS[measure]
        some = np.isfinite(units.start) & (True if lane is None else units.lane == lane)
        waited = np.where(some, units.start - units.arrival, 0.0) / HOUR * units.persons
        reached = units.persons * some
        cells = self._cells(units.start, units.crossing)
        return np.stack([self._by_cell(cells, of, n).T for of in (waited, reached)]).swapaxes(1, 2)

    def _level(self, measure: str) -> Floats:
        """Measure the queues at each full hour."""
        given = self.model.assumptions.observation
        if measure == "queue_persons":
            everybody = np.ones(len(self.units.persons), dtype=bool)
            return self._queue_of(everybody, self.units.arrival)
        if measure == "queue_km":
            return self.levels["queue_cars"] / given.cars_per_km.value
        if measure == "queue_on_foot":
            return self._queue_of(self.units.lane == Lane.FOOT, self._lined_up_at)
        road = np.array([c.parameters.kind == "road" for c in self.model.crossings])
        in_cars = np.maximum(0.0, self.levels["queue_persons"] - self.levels["queue_on_foot"])
        return in_cars * road / given.persons_per_car.value

    @cached_property
    def _lined_up_at(self) -> Floats:
        """Since when each unit has stood in its lane (s): who went over did when it opened."""
        units, open_ = self.units, self.world.table.foot_open
        rows = np.arange(len(open_))[:, None]
        opens = np.minimum.accumulate(np.where(open_, rows, len(open_))[::-1], axis=0)[::-1]
        row = np.minimum(self._rows(units.arrival), len(open_) - 1)
        opening = opens[row, units.crossing]
        went_over = (units.lane == Lane.FOOT) & (opening > row)
        return np.where(went_over, (opening - WARM_UP) * HOUR, units.arrival)

    def _queue_of(self, some: Bools, since: Floats) -> Floats:
        """Count the persons of some units that stand in a queue at each full hour, (H + 1, C)."""
        units, n = self.units, len(self.model.crossings)
        persons = units.persons * some
        came = self.by_hour(np.ceil(since / HOUR) * HOUR - HOUR, units.crossing, persons, n)
        gone = self.by_hour(np.ceil(units.gone / HOUR) * HOUR - HOUR, units.crossing, persons, n)
        queue = np.zeros((self.n_rows + 1, n), order="F")
        queue[1:] = np.cumsum(came - gone, axis=0)
        return np.maximum(0.0, np.round(queue, 6))

    # ------------------------------------------------------------------ who is abroad

    @cached_property
    def ordinary(self) -> Present:
        """Ordinary travellers in each destination: who leaves by hour, who is present."""
        given = self.model.assumptions
        entries = self.by_country(self.by_unit(self.passed("entries") * self.of_units[0]))
        there = given.destinations.values()
        stay = [d.ordinary_stay or given.ordinary_stay for d in there]
        before = [(d.background_exits or d.background).value / 24 for d in there]
        return traffic.stays(
            entries,
            np.array(before),
            np.array([s.short_share.value for s in stay]),
            np.array([s.short.value * 24 for s in stay]),
            np.array([s.long.value * 24 for s in stay]),
        )

    def by_country(self, by_crossing: Floats) -> Floats:
        """Add up crossings over the destinations they lead to.

        Parameters
        ----------
        by_crossing : float64, shape (H, C)

        Returns
        -------
        float64, shape (H, J)
        """
        total = np.zeros((len(by_crossing), len(self.world.destinations)))
        for c, j in enumerate(self.world.roads.country.tolist()):
            total[:, j] += by_crossing[:, c]
        return total

    @cached_property
    def _stays(self) -> tuple[Ints, Floats, Floats, Floats]:
        """Men who entered: their trips, when they came and leave (s), family of each (persons)."""
        trips, given = self.model.trips, self.model.assumptions.abroad
        trip = np.flatnonzero(trips["end"] >= Status.ABROAD)
        family = np.array([given[name].family.value for name in self.world.destinations])
        return (
            trip,
            trips["ends_at"][trip].astype(np.float64),
            trips["leaves_again_at"][trip].astype(np.float64),
            family[trips["destination"][trip]] * trips["weight"][trip],
        )

    @cached_property
    def families(self) -> tuple[Floats, Floats]:
        """Family who join men that stay, and who leave with them, by hour and crossing, (H, C).

        They come evenly from half to one and a half times ``family_lag`` after him.
        """
        trip, came, left, family = self._stays
        given, trips = self.model.assumptions.abroad, self.model.trips
        lag = np.array([given[name].family_lag.value for name in self.world.destinations])
        u = self.model.draws.uniform("family", self.model.population.id[trips["row"][trip]])
        joins = came + (0.5 + u) * lag[trips["destination"][trip]] * DAY
        crossing, n = trips["crossing"][trip].astype(np.int64), len(self.model.crossings)
        joins = abroad.when_open(joins, crossing, self.world.table.closed)
        joined = family * (left > joins)
        return self.by_hour(joins, crossing, joined, n), self.by_hour(left, crossing, joined, n)

    @cached_property
    def men_abroad(self) -> tuple[Floats, Floats]:
        """Men who enter, and who leave again, by hour and destination, (H, J) each."""
        trip, came, left, _ = self._stays
        trips, n = self.model.trips, len(self.world.destinations)
        where, weight = trips["destination"][trip].astype(np.int64), trips["weight"][trip]
        return self.by_hour(came, where, weight, n), self.by_hour(left, where, weight, n)

    @cached_property
    def exits(self) -> Floats:
        """Persons leaving each destination by hour: ordinary, men, companions, families; (H, J)."""
        left = self.men_abroad[1] * self.model.persons_per_man
        return self.ordinary.exits + left + self.by_country(self.families[1])

    @cached_property
    def newcomers(self) -> tuple[Floats, Floats]:
        """Men, and persons with companions and families, at each full hour, (H + 1, J) each.

        With ``ordinary.present`` these are the persons present: entries less exits are their
        change, by destination and hour.
        """
        came, left = self.men_abroad
        men = _so_far(came - left)
        families = self.by_country(self.families[0] - self.families[1])
        return men, men * self.model.persons_per_man + _so_far(families)

    # ------------------------------------------------------------------ time and place

    def local_days(self, by_hour: Floats, offset: Offset) -> Floats:
        """Add up hours over whole local days of the horizon.

        Parameters
        ----------
        by_hour : float64, shape (H, ...)
            From the first hour of the warm-up on, in Moscow time.
        offset : Offset
            Of the local clock from UTC.

        Returns
        -------
        float64, shape (D, ...)
            Sums; hours beyond the horizon count as 0.
        """
        return self.world.clock.local_days(by_hour, offset, WARM_UP)

    def local_midnights(self, by_hour: Floats, offset: Offset) -> Floats:
        """Return what there is at the end of each local day, between full hours on a line.

        Parameters
        ----------
        by_hour : float64, shape (H + 1,)
            What there is at each full hour.
        offset : Offset
            Of the place.

        Returns
        -------
        float64, shape (D,)
        """
        ends = WARM_UP + self.world.clock.midnights(offset)[1:]
        if part := ends[0] % 1:
            by_hour = later(np.append(by_hour, by_hour[-1:]), part)
        return np.asarray(by_hour[np.minimum(np.floor(ends).astype(np.int64), self.n_rows)])

    def local_days_of_crossings(self, by_hour: Floats) -> Floats:
        """Add up hours over whole local days of each crossing's other side.

        Parameters
        ----------
        by_hour : float64, shape (H, C)
            From the first hour of the warm-up on, in Moscow time.

        Returns
        -------
        float64, shape (D, C)
        """
        offsets = [c.parameters.utc_offset_h for c in self.model.crossings]
        out = np.empty((self.world.clock.n_days, len(offsets)))
        for n, offset in enumerate(offsets):
            if offset in offsets[:n]:
                continue
            here = np.array([j for j, other in enumerate(offsets) if other == offset])
            out[:, here] = self.local_days(by_hour[:, here], offset)
        return out

    def columns_of(self, place_id: str) -> Ints:
        """Return the crossings that a place means: itself, its group's, or its country's."""
        codes = {name: d.code for name, d in self.model.assumptions.destinations.items()}
        return np.array(
            [
                c.column
                for c in self.model.crossings
                if place_id in (c.crossing_id, c.parameters.group, codes[c.parameters.destination])
            ],
            dtype=np.int64,
        )

    def published_equivalent(self, observation: Observation) -> float | None:
        """Return what the run has for a published figure; None if it has nothing to compare."""
        when = window(observation, self.world.clock)
        if when is None:
            return None
        start, end = when
        known: dict[str, Callable[[], float | None]] = {
            "exits": lambda: self._flow_of(
                self._exits_of(observation.place_id), observation, start, end
            ),
            "called_up": lambda: self._called_up(observation.place_id, end),
            "passport_share": lambda: self._passport_share(observation.place_id),
        }
        measure = observation.model_measure
        if measure in known:
            return known[measure]()
        columns = self.columns_of(observation.place_id)
        if len(columns) == 0:
            return None
        if measure in FLOWS:
            return self._flow_of(
                self.flows[measure][:, columns].sum(axis=1), observation, start, end
            )
        return self._at_border(measure, columns, start, end)

    def _flow_of(
        self, by_hour: Floats | None, observation: Observation, start: datetime, end: datetime
    ) -> float | None:
        clock = self.world.clock
        a, b = clock.hour(start), clock.hour(end)
        if by_hour is None:
            return None
        if part := clock.seconds(start) / HOUR % 1:
            by_hour = later(by_hour, part)
        first, last = max(a, -WARM_UP), min(b, len(by_hour) - WARM_UP)
        if last <= first:
            return None
        total = float(by_hour[WARM_UP + first : WARM_UP + last].sum())
        per_day = b - a > 24 and observation.per_day
        if per_day:
            return total / (last - first) * 24
        return total if (first, last) == (a, b) else None

    def _at_border(
        self, measure: str, columns: Ints, start: datetime, end: datetime
    ) -> float | None:
        clock = self.world.clock
        part = clock.seconds(start) / HOUR % 1
        a, b = WARM_UP + clock.hour(start), WARM_UP + max(clock.hour(end), clock.hour(start) + 1)
        if a < 0 or b > self.n_rows - bool(part):
            return None
        if measure in self.levels:
            found = self.levels[measure][a : a + 2, columns].sum(axis=1)
            return float((later(found, part) if part else found)[0])
        if measure == "wait_hours":
            ends = (a - WARM_UP + part) * HOUR, (b - WARM_UP + part) * HOUR
            return self._wait_of_cars(columns, *ends)
        return None

    def _wait_of_cars(self, columns: Ints, start: float, end: float) -> float | None:
        """Return the mean wait of those in cars: what is published is what cars had to expect."""
        units = self.units
        some = (units.start >= start) & (units.start < end) & np.isin(units.crossing, columns)
        some &= units.lane == Lane.VEHICLES
        if not some.any():
            return None
        waited = (units.start - units.arrival)[some] / HOUR
        return float(np.average(waited, weights=units.persons[some]))

    def _exits_of(self, place_id: str) -> Floats | None:
        for j, d in enumerate(self.model.assumptions.destinations.values()):
            if d.code == place_id:
                return self.exits[:, j]
        return None

    def _called_up(self, place_id: str, end: datetime) -> float | None:
        if place_id != self.model.assumptions.home.code:
            return None
        men = self.model.population
        seconds = self.world.clock.seconds(end)
        if not 0 < seconds <= self.world.clock.n_hours * HOUR:
            return None
        return float(men.weight_of(np.flatnonzero(men.enlisted_at < seconds)).sum())

    def _passport_share(self, place_id: str) -> float | None:
        of = self.world.of_stratum
        codes = self.world.regions.code
        here = np.ones(len(of["region"]), dtype=bool)
        if place_id != self.model.assumptions.home.code:
            if place_id not in codes:
                return None
            here = of["region"] == codes.index(place_id)
        men = self.model.population.men_by_stratum[here]
        return float(100 * (men * of["passport"][here]).sum() / men.sum())
