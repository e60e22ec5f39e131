"""What holds at each crossing at each hour: dated values first, then the policies.

Rows are hours from the start of the warm-up; columns are crossings in the scenario's order.
Which policy writes what is in ``policies/``, one file a kind.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from flowsim.scenario.clock import DAY, HOUR, Clock
from flowsim.scenario.places import PASSPORT, Crossing, Destination
from flowsim.scenario.quantity import Dated
from flowsim.types import Bools, Floats

WARM_UP = 12
"""Hours of ordinary traffic before the horizon, so that the first local day is whole."""
EVERYWHERE = "all"
"""Stands for all crossings where a policy names its places."""


class Cells(NamedTuple):
    """Hours and crossings of a timetable; indexes its arrays."""

    rows: slice
    columns: list[int]


@dataclass
class Timetable:
    """What holds at each crossing at each hour.

    All arrays but ``rumour`` (H, J) and ``asks_for`` (H, J, documents) have the shape (H, C),
    H = warm-up + hours of the horizon.
    """

    clock: Clock
    checks_heard: float  # men checked an hour of which most men hear
    destinations: list[str]
    leads_to: dict[str, str]  # destination of each crossing
    capacity: Floats  # persons per second, if only the vehicle lane is served
    walkers: Floats  # persons per second, if only the foot lane is served
    foot_share: Floats
    foot_open: Bools
    walking_share: Floats
    background_walking_share: Floats
    jockeying_share: Floats
    seat_share: Floats  # of those on foot where the foot lane takes nobody any more
    closed: Bools  # to everybody
    closed_to_men: Bools
    detection: Floats  # of listed men
    checks: Floats  # men a task force examines per hour
    p_serve: Floats
    visibility: Floats
    limited: Bools
    passes: Floats
    walks: Floats
    turns: Floats
    rumour: Floats = field(repr=False)
    asks_for: Bools = field(repr=False)
    documents: list[str]  # the passport first
    exempt: dict[int, tuple[str, ...]]  # regions whose cars an entry limit lets through

    @classmethod
    def without_policies(
        cls,
        clock: Clock,
        destinations: Mapping[str, Destination],
        crossings: Mapping[str, Crossing],
        documents: Collection[str],
        persons_per_car: float,
        checks_heard: float,
    ) -> Timetable:
        """Build the timetable of the dated values alone; no policy holds yet."""
        shape = (WARM_UP + clock.n_hours, len(crossings))
        asked = [
            [d.requires_passport, *(name in d.documents for name in documents)]
            for d in destinations.values()
        ]

        types = {one.name: bool if one.type == "Bools" else float for one in fields(cls)}
        given: dict[str, Any] = {
            "clock": clock,
            "checks_heard": checks_heard,
            "destinations": list(destinations),
            "leads_to": {name: crossing.destination for name, crossing in crossings.items()},
            "capacity": _by_hour([c.capacity or c.vehicles for c in crossings.values()], clock)
            * [1.0 if c.capacity else persons_per_car for c in crossings.values()]
            / DAY,
            "walkers": _by_hour([c.capacity or c.walkers for c in crossings.values()], clock) / DAY,
            "foot_share": _by_hour([c.foot_share for c in crossings.values()], clock),
            "rumour": np.zeros((shape[0], len(destinations))),
            "asks_for": np.tile(np.array(asked, dtype=bool), (shape[0], 1, 1)),
            "documents": [PASSPORT, *documents],
            "exempt": {},
        }
        nothing: dict[str, Any] = {
            n: np.zeros(shape, kind) for n, kind in types.items() if n not in given
        }
        return cls(**given, **nothing)

    def rows(self, start: datetime | None, end: datetime | None) -> slice:
        """Return the rows from a moment to a moment; None is without end."""
        last = WARM_UP + self.clock.n_hours
        first = 0 if start is None else WARM_UP + self.clock.hour(start)
        until = last if end is None else WARM_UP + self.clock.hour(end)
        return slice(min(max(0, first), last), min(max(0, until), last))

    def columns(self, places: Collection[str]) -> list[int]:
        """Return the columns of crossings named by themselves, by destination, or by 'all'."""
        return [
            column
            for column, names in enumerate(self.leads_to.items())
            if not {*names, EVERYWHERE}.isdisjoint(places)
        ]

    def show(self, cells: Cells, visibility: Dated, heard: float = 1.0) -> None:
        """Raise visibility to that of a check, where none is more visible."""
        seen = heard * visibility.by_hour(self.clock, WARM_UP)[cells.rows, None]
        self.visibility[cells] = np.maximum(self.visibility[cells], seen)

    @cached_property
    def shut(self) -> Bools:
        """Whether a man finds the crossing shut."""
        return self.closed | self.closed_to_men | (self.capacity <= 0)

    @cached_property
    def hours(self) -> list[Hours]:
        """What the queue at each crossing asks for, hour after hour."""
        rates = np.where(self.closed, 0.0, self.capacity).T.tolist()
        begin = [(row - WARM_UP) * HOUR for row in range(len(self.capacity) + 1)]
        return [
            Hours(list(zip(rate, begin, begin[1:], strict=False)), self._foot_hours(c))
            for c, rate in enumerate(rates)
        ]

    def _foot_hours(self, c: int) -> FootHours | None:
        """Return a crossing's foot lane by hour; None if it is never open."""
        if not self.foot_open[:, c].any():
            return None
        rates = np.where(self.closed, 0.0, self.walkers)[:, c]
        return FootHours(
            rates.tolist(),
            self.foot_open[:, c].tolist(),
            self.foot_share[:, c].tolist(),
            self.walking_share[:, c].tolist(),
            self.background_walking_share[:, c].tolist(),
            self.jockeying_share[:, c].tolist(),
        )


@dataclass(frozen=True)
class FootHours:
    """The foot lane of one crossing, as lists by hour."""

    rate: list[float]  # persons a second, if only this lane is served
    open: list[bool]
    share: list[float]  # of the officers
    walking: list[float]
    background_walking: list[float]
    jockeying: list[float]


@dataclass(frozen=True)
class Hours:
    """What holds at one crossing, as lists by hour; no ``foot`` if its foot lane never opens."""

    rate: list[tuple[float, float, float]]  # persons a second (0: closed to all), from, to (s)
    foot: FootHours | None


def _by_hour(values: Sequence[Dated | None], clock: Clock) -> Floats:
    """Return dated values by hour, a column each; one half where there is none."""
    half = np.full(WARM_UP + clock.n_hours, 0.5)
    return np.stack([v.by_hour(clock, WARM_UP) if v else half for v in values], axis=1)


def delayed(values: Floats, hours: float) -> Floats:
    """Shift rows to later by some hours; what was first holds before."""
    shift = min(round(hours), len(values) - 1)
    return np.concatenate([np.repeat(values[:1], shift, axis=0), values[: len(values) - shift]])
