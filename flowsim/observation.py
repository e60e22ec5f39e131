"""The observation equation: from men, companions and ordinary traffic to what was counted.

Published counts are crossings of both sexes and all ages, ordinary traffic included:
entries = men * (1 + companions) + background (ODD 7.9). Everything is kept by hour and
crossing, so that any published window can be compared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from flowsim.border import NOBODY
from flowsim.clock import DAY, HOUR, MOSCOW_UTC_OFFSET_H
from flowsim.model import FlowModel
from flowsim.policies import WARM_UP
from flowsim.sources import Observation
from flowsim.states import NEVER, Lane, Reason, Status

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FLOWS = (
    "arrivals_at_border",
    "entries",
    "entries_men",
    "crossings_out",
    "cars_cleared",
    "checked",
    "refused",
    "refused_entry",
    "notices",
    "notices_expected",
    "limited",
    "gave_up",
)
"""Measures by hour and crossing that add up over time."""

LEVELS = ("queue_persons", "queue_cars", "queue_km")
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


def units_of(model: FlowModel) -> Units:
    """Collect the units from the crossings' logs and from the queues as they stand."""
    parts: dict[str, list[npt.NDArray[np.float64]]] = {name: [] for name in Units.__annotations__}

    def add(**columns: Floats) -> None:
        for name, values in columns.items():
            parts[name].append(np.asarray(values, dtype=np.float64))

    now = model.hour * HOUR
    for c, crossing in enumerate(model.crossings):
        log = crossing.border.log
        cleared = np.array(log.cleared) == 1
        start = np.array(log.start)
        add(
            crossing=np.full(len(log.trip), c),
            trip=np.array(log.trip),
            lane=np.array(log.lane),
            arrival=np.array(log.arrival),
            start=np.where(cleared, start, np.inf),
            gone=np.floor(np.array(log.finish)),
            persons=np.array(log.persons),
            cleared=cleared,
        )
        for lane, queue in enumerate(crossing.border.lanes):
            for place, unit in enumerate(queue):
                served = place == 0 and crossing.border.busy[lane]
                add(
                    crossing=np.array([c]),
                    trip=np.array([unit[2]]),
                    lane=np.array([lane]),
                    arrival=np.array([unit[0]]),
                    start=np.array([crossing.border.started[lane] if served else np.inf]),
                    gone=np.array([unit[3] if unit[3] <= now and not served else np.inf]),
                    persons=np.array([unit[1]]),
                    cleared=np.array([0.0]),
                )
    joined = {name: np.concatenate(columns) for name, columns in parts.items()}
    return Units(
        crossing=joined["crossing"].astype(np.int64),
        trip=joined["trip"].astype(np.int64),
        lane=joined["lane"].astype(np.int64),
        arrival=joined["arrival"],
        start=joined["start"],
        gone=joined["gone"],
        persons=joined["persons"],
        cleared=joined["cleared"] == 1,
    )


class Observed:
    """What could be counted in one run.

    Attributes
    ----------
    flows : dict of float64, each shape (H, C)
        Measures of ``FLOWS`` by hour (warm-up first) and crossing.
    levels : dict of float64, each shape (H + 1, C)
        Measures of ``LEVELS`` at each full hour.
    waited, reached : float64, shape (H, C)
        Person-hours waited, and persons, of those who reached the head in the hour.
    exits : float64, shape (H, J)
        Persons leaving each destination.
    """

    def __init__(self, model: FlowModel) -> None:
        model.settle()
        self.model, self.world = model, model.world
        self.n_rows = WARM_UP + self.world.clock.n_hours
        self.units = units_of(model)
        self._count_border()
        self._measure_queues()
        self._count_exits()

    def _rows(self, seconds: Floats) -> Ints:
        return np.floor(seconds / HOUR).astype(np.int64) + WARM_UP

    def by_hour(self, seconds: Floats, column: Ints, value: Floats, n: int) -> Floats:
        """Add up values by hour and column, leaving out what lies beyond the horizon."""
        inside = seconds < self.world.clock.n_hours * HOUR
        cell = self._rows(seconds[inside]) * n + column[inside]
        total = np.bincount(cell, value[inside], minlength=self.n_rows * n)
        return total.astype(np.float64).reshape(-1, n)

    def _count_border(self) -> None:
        units, trips, table = self.units, self.model.trips, self.world.table
        given = self.model.assumptions.observation
        n = len(self.model.crossings)
        ordinary = units.trip == NOBODY
        trip = np.where(ordinary, 0, units.trip)
        end = np.where(ordinary, Status.HOME, trips["end"][trip]) if len(trips) else units.trip
        reason = np.where(ordinary, 0, trips["reason"][trip]) if len(trips) else units.trip * 0
        row = np.minimum(self._rows(np.where(units.cleared, units.gone, 0)), self.n_rows - 1)
        shut = table.closed_to_men[row, units.crossing]
        share = given.background_men_share.value
        men_share = np.where(ordinary, share * ~shut, 1 / self.model.persons_per_man)
        through = units.cleared * units.persons
        through = through * np.where(ordinary, 1 - share * shut, reason % Reason.ENTRY == 0)
        entered = through * np.where(ordinary, 1, end >= Status.ABROAD)
        road = np.array([c.parameters.kind == "road" for c in self.model.crossings])
        in_car = (units.lane == Lane.VEHICLES) & road[units.crossing]

        def by(at: Floats, value: Floats) -> Floats:
            return self.by_hour(at, units.crossing, value, n)

        self.flows = {
            "arrivals_at_border": by(units.arrival, units.persons),
            "entries": by(units.gone, entered),
            "entries_men": by(
                units.gone, np.where(ordinary, units.cleared * units.persons, entered) * men_share
            ),
            "crossings_out": by(units.gone, through),
            "cars_cleared": by(units.gone, through * in_car / given.persons_per_car.value),
        }
        reached = np.isfinite(units.start)
        waited = np.where(reached, units.start - units.arrival, 0.0) / HOUR * units.persons
        self.waited, self.reached = by(units.start, waited), by(units.start, units.persons)
        self._count_stopped(n)

    def _count_stopped(self, n: int) -> None:
        trips = self.model.trips
        ended = trips["ends_at"] < NEVER
        crossing = trips["crossing"][ended].astype(np.int64)
        at = trips["ends_at"][ended].astype(np.float64)
        weight, reason, end = (trips[k][ended] for k in ("weight", "reason", "end"))
        refused = np.isin(reason, (Reason.LISTED, Reason.CLOSED, Reason.SERVED))
        for name, value in {
            "checked": weight * trips["examined"][ended],
            "refused": weight * refused,
            "refused_entry": weight * (reason == Reason.ENTRY),
            "notices": weight * (reason == Reason.SERVED),
            "notices_expected": weight * trips["expected_notice"][ended],
            "limited": weight * (end == Status.LIMITED),
            "gave_up": weight * (end == Status.GAVE_UP),
        }.items():
            self.flows[name] = self.by_hour(at, crossing, value, n)

    def _measure_queues(self) -> None:
        units, given = self.units, self.model.assumptions.observation
        n = len(self.model.crossings)
        came = self.by_hour(
            np.ceil(units.arrival / HOUR) * HOUR - HOUR, units.crossing, units.persons, n
        )
        gone = self.by_hour(
            np.ceil(units.gone / HOUR) * HOUR - HOUR, units.crossing, units.persons, n
        )
        queue = np.zeros((self.n_rows + 1, n))
        queue[1:] = np.cumsum(came - gone, axis=0)
        queue = np.maximum(0.0, np.round(queue, 6))
        walkers = np.stack([c.walkers for c in self.model.crossings], axis=1)
        walkers = np.concatenate([walkers, walkers[-1:]])
        road = np.array([c.parameters.kind == "road" for c in self.model.crossings])
        cars = np.maximum(0.0, queue - walkers) * road / given.persons_per_car.value
        self.levels = {
            "queue_persons": queue,
            "queue_cars": cars,
            "queue_km": cars / given.cars_per_km.value,
        }

    def _count_exits(self) -> None:
        world, trips = self.world, self.model.trips
        given = self.model.assumptions.destinations.values()
        n = len(world.destinations)
        ordinary = np.stack(
            [
                d.background_exits.value / 24 * d.background_season.by_hour(world.clock, WARM_UP)
                for d in given
            ],
            axis=1,
        )
        left = trips["leaves_again_at"] < NEVER
        self.exits = ordinary + self.by_hour(
            trips["leaves_again_at"][left].astype(np.float64),
            trips["destination"][left].astype(np.int64),
            trips["weight"][left] * self.model.persons_per_man,
            n,
        )

    # ------------------------------------------------------------------ time and place

    def local_days(self, by_hour: Floats, utc_offset_h: int) -> Floats:
        """Add up hours (H, ...) over whole local days of the horizon, shape (D, ...)."""
        first = WARM_UP - (utc_offset_h - MOSCOW_UTC_OFFSET_H)
        n_hours = self.world.clock.n_hours
        days = np.zeros((n_hours, *by_hour.shape[1:]))
        some = by_hour[first : first + n_hours]
        days[: len(some)] = some
        return days.reshape(-1, 24, *by_hour.shape[1:]).sum(axis=1)

    def columns_of(self, place_id: str) -> Ints:
        """Give the crossings that a place means: itself, its group's, or its country's."""
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
        """Give what the run has for a published figure; None if it has nothing to compare."""
        if observation.window_start is None or observation.window_end is None:
            return None
        shift = timedelta(hours=(observation.utc_offset_h or 3) - MOSCOW_UTC_OFFSET_H)
        start, end = observation.window_start - shift, observation.window_end - shift
        known: dict[str, Callable[[], float | None]] = {
            "exits": lambda: self._flow_of(
                self._exits_of(observation.place_id), observation, start, end
            ),
            "called_up": lambda: self._called_up(end),
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
        first, last = max(a, -WARM_UP), min(b, clock.n_hours)
        if by_hour is None or last <= first:
            return None
        total = float(by_hour[WARM_UP + first : WARM_UP + last].sum())
        per_day = b - a > 24 and "/" in observation.unit
        if per_day:
            return total / (last - first) * 24
        return total if (first, last) == (a, b) else None

    def _at_border(
        self, measure: str, columns: Ints, start: datetime, end: datetime
    ) -> float | None:
        clock = self.world.clock
        a, b = WARM_UP + clock.hour(start), WARM_UP + max(clock.hour(end), clock.hour(start) + 1)
        if a < 0 or b > self.n_rows:
            return None
        if measure in self.levels:
            return float(self.levels[measure][a, columns].sum())
        if measure == "wait_hours":
            reached = self.reached[a:b, columns].sum()
            return float(self.waited[a:b, columns].sum() / reached) if reached > 0 else None
        return None

    def _exits_of(self, place_id: str) -> Floats | None:
        for j, d in enumerate(self.model.assumptions.destinations.values()):
            if d.code == place_id:
                return self.exits[:, j]
        return None

    def _called_up(self, end: datetime) -> float | None:
        men = self.model.population
        seconds = self.world.clock.seconds(end)
        if not 0 < seconds <= self.world.clock.n_hours * HOUR:
            return None
        return float(men.weight_of(np.flatnonzero(men.enlisted_at < seconds)).sum())

    def _passport_share(self, place_id: str) -> float | None:
        counts = self.model.population.counts.reshape(-1, 8)
        weighted = counts * self.model.population.weight[:, None]
        of = self.world.of_stratum
        codes = self.world.regions.code
        here = np.ones(len(of["region"]), dtype=bool)
        if place_id != "RU":
            if place_id not in codes:
                return None
            here = of["region"] == codes.index(place_id)
        men = weighted.reshape(-1)[here]
        return float(100 * (men * of["passport"][here]).sum() / men.sum())


def daily_waits(observed: Observed, column: int, utc_offset_h: int, share: float) -> Floats:
    """Give a quantile of the waits of those who reached the head, by local day, shape (D,)."""
    units = observed.units
    here = (units.crossing == column) & np.isfinite(units.start)
    shift = (utc_offset_h - MOSCOW_UTC_OFFSET_H) * HOUR
    day = np.floor((units.start[here] + shift) / DAY).astype(np.int64)
    wait = (units.start[here] - units.arrival[here]) / HOUR
    n_days = observed.world.clock.n_days
    out = np.full(n_days, np.nan)
    order = np.lexsort((wait, day))
    day, wait = day[order], wait[order]
    ends = np.searchsorted(day, np.arange(n_days + 1))
    some = ends[1:] > ends[:-1]
    place = ends[:-1] + np.floor(share * (ends[1:] - ends[:-1] - 1)).astype(np.int64)
    out[some] = wait[place[some]]
    return out
