"""The dated policies of a scenario as tables by hour and crossing.

Rows are hours from the start of the warm-up; columns are crossings in the scenario's order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from flowsim.scenario.clock import DAY, HOUR, Clock
from flowsim.scenario.schema import (
    BorderClosed,
    CapacityPolicy,
    DocumentRule,
    EntryLimit,
    FootLane,
    ListCheck,
    Period,
    Rumour,
    Scenario,
    TaskForcePolicy,
)
from flowsim.types import Bools, Floats

WARM_UP = 12
"""Hours of ordinary traffic before the horizon, so that the first local day is whole."""


@dataclass
class Timetable:
    """What holds at each crossing at each hour.

    All arrays but ``rumour`` (H,) and ``requires_passport`` (H, J) have the shape (H, C),
    H = warm-up + hours of the horizon.
    """

    capacity: Floats  # persons per second
    foot_share: Floats
    foot_open: Bools
    walking_share: Floats
    background_walking_share: Floats
    jockeying_share: Floats
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
    requires_passport: Bools = field(repr=False)
    exempt: dict[int, tuple[str, ...]] = field(default_factory=dict)

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
        """Lay out a crossing's foot lane by hour; None if it is never open."""
        if not self.foot_open[:, c].any():
            return None
        return FootHours(
            self.foot_open[:, c].tolist(),
            self.foot_share[:, c].tolist(),
            self.walking_share[:, c].tolist(),
            self.background_walking_share[:, c].tolist(),
            self.jockeying_share[:, c].tolist(),
        )


@dataclass(frozen=True)
class FootHours:
    """The foot lane of one crossing, as lists by hour."""

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


def timetable(scenario: Scenario) -> Timetable:
    """Lay out the crossings' dated values and the policies by hour."""
    clock = scenario.horizon.clock
    ids = list(scenario.crossings)
    destinations = list(scenario.destinations)
    shape = (WARM_UP + clock.n_hours, len(ids))

    def zeros() -> Floats:
        return np.zeros(shape)

    def never() -> Bools:
        return np.zeros(shape, dtype=bool)

    crossings = scenario.crossings.values()
    table = Timetable(
        capacity=np.stack([c.capacity.by_hour(clock, WARM_UP) for c in crossings], axis=1) / DAY,
        foot_share=np.stack(
            [
                c.foot_share.by_hour(clock, WARM_UP) if c.foot_share else np.full(shape[0], 0.5)
                for c in crossings
            ],
            axis=1,
        ),
        foot_open=never(),
        walking_share=zeros(),
        background_walking_share=zeros(),
        jockeying_share=zeros(),
        closed=never(),
        closed_to_men=never(),
        detection=zeros(),
        checks=zeros(),
        p_serve=zeros(),
        visibility=zeros(),
        limited=never(),
        passes=zeros(),
        walks=zeros(),
        turns=zeros(),
        rumour=np.zeros(shape[0]),
        requires_passport=np.tile(
            [d.requires_passport for d in scenario.destinations.values()], (shape[0], 1)
        ),
    )
    for policy in scenario.policies.values():
        if isinstance(policy, Period):
            _lay(policy, table, scenario, clock, destinations)
    return table


def places(at: Iterable[str], scenario: Scenario) -> list[int]:
    """Return the columns of the crossings that a policy's ``at`` names."""
    found = []
    names = set(at)
    for column, (crossing_id, crossing) in enumerate(scenario.crossings.items()):
        if names & {crossing_id, crossing.destination, "all"}:
            found.append(column)
    return found


def hours_of(policy: Period, clock: Clock) -> slice:
    """Return the rows in which a policy holds."""
    end = WARM_UP + clock.n_hours
    first = 0 if policy.start is None else WARM_UP + clock.hour(policy.start)
    last = end if policy.end is None else WARM_UP + clock.hour(policy.end)
    return slice(min(max(0, first), end), min(max(0, last), end))


def _lay(
    policy: Period,
    table: Timetable,
    scenario: Scenario,
    clock: Clock,
    destinations: list[str],
) -> None:
    """Write one policy into the table."""
    rows = hours_of(policy, clock)
    if isinstance(policy, Rumour):
        table.rumour[rows] += policy.strength.value
        return
    if isinstance(policy, DocumentRule):
        table.requires_passport[rows, destinations.index(policy.at)] = policy.requires_passport
        return
    for c in places(getattr(policy, "at", ()), scenario):
        cell = (rows, c)
        if isinstance(policy, TaskForcePolicy):
            table.checks[cell] = policy.checks_per_hour.value
            table.p_serve[cell] = policy.p_serve.value
            _show(table, cell, policy.visibility.by_hour(clock, WARM_UP)[rows])
        elif isinstance(policy, ListCheck):
            table.detection[cell] = policy.detection.value
            _show(table, cell, policy.visibility.by_hour(clock, WARM_UP)[rows])
        elif isinstance(policy, EntryLimit):
            table.limited[cell] = True
            table.passes[cell] = policy.passes.value
            table.walks[cell] = policy.walks.value
            table.turns[cell] = policy.turns.value
            table.exempt[c] = policy.exempt_regions
        elif isinstance(policy, BorderClosed):
            (table.closed if policy.for_ == "all" else table.closed_to_men)[cell] = True
        elif isinstance(policy, FootLane):
            table.foot_open[cell] = True
            table.walking_share[cell] = policy.walking_share.value
            table.background_walking_share[cell] = policy.background_walking_share.value
            table.jockeying_share[cell] = policy.jockeying_share.value
        elif isinstance(policy, CapacityPolicy):
            table.capacity[cell] = policy.capacity.value / DAY


def _show(table: Timetable, cell: tuple[slice, int], visibility: Floats) -> None:
    """Let the more visible of several checks at a crossing count."""
    table.visibility[cell] = np.maximum(table.visibility[cell], visibility)


def delayed(values: npt.NDArray[np.float64], hours: float) -> npt.NDArray[np.float64]:
    """Shift rows to later by some hours; what was first holds before."""
    shift = min(round(hours), len(values) - 1)
    return np.concatenate([np.repeat(values[:1], shift, axis=0), values[: len(values) - shift]])
