"""Aspirations to leave: when pressure passes a man's threshold, and when he can act on it."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from flowsim.model import choice
from flowsim.model.draws import Draws
from flowsim.model.population import Population
from flowsim.model.states import NEVER
from flowsim.model.world import World
from flowsim.scenario.clock import DAY, HOUR
from flowsim.scenario.timetable import WARM_UP
from flowsim.types import Floats, Ints


class Aspirations:
    """Men in the order in which pressure reaches them, and the wishes that must wait."""

    def __init__(self, world: World, draws: Draws) -> None:
        self.world, self.draws = world, draws
        self._pending: dict[int, list[tuple[Ints, Ints, Ints]]] = defaultdict(list)

    def order(self, men: Population, level: Floats) -> None:
        """Put men in order; pressure (S, J) has already passed thresholds up to ``level``."""
        n = level.shape[1]
        wish = men.stratum.astype(np.int64)[:, None] * n + np.arange(n)
        self._thresholds = choice.Thresholds(
            wish.reshape(-1), men.threshold.reshape(-1), level.reshape(-1)
        )

    def move(self, place: Ints) -> None:
        """Take men's new places after more men were kept."""
        for parts in self._pending.values():
            parts[:] = [(place[rows], where, at) for rows, where, at in parts]

    def arise(self, men: Population, day: int, before: Floats, level: Floats) -> tuple[Ints, Ints]:
        """Pass the thresholds that pressure reaches today; write down when.

        Parameters
        ----------
        men : Population
            As ordered; ``passed_at`` is written.
        before, level : float64, shape (S, J)
            Pressure at the start and at the end of the day.

        Returns
        -------
        int64, shape (n,) each
            Rows of the men passed, and the destinations they now wish for.
        """
        rows, where = np.divmod(self._thresholds.advance(level.reshape(-1)), level.shape[1])
        order = np.argsort(where, kind="stable")
        rows, where = rows[order], where[order]
        cell = (men.stratum[rows], where)
        moment = choice.departure_moments(
            men.threshold[rows, where].astype(np.float64),
            before[cell],
            level[cell],
            self.world.panic[day],
        )
        men.passed_at[rows, where] = day * DAY + moment
        return rows, where

    def leavers(
        self, men: Population, day: int, rows: Ints, where: Ints
    ) -> tuple[Ints, Ints, Ints]:
        """Return rows, destinations and moments of those who leave today if not summoned first.

        ``rows`` and ``where`` are today's wishes, from ``arise``.
        """
        parts = self._pending.pop(day, [])
        leaves_at = self._first_opening(men, rows, where)
        today = leaves_at < (day + 1) * DAY
        parts.append((rows[today], where[today], leaves_at[today]))
        later = ~today & (leaves_at < NEVER)
        for later_day in np.unique(leaves_at[later] // int(DAY)).tolist():
            then = later & (leaves_at // int(DAY) == later_day)
            self._pending[later_day].append((rows[then], where[then], leaves_at[then]))
        rows, where, leaves_at = (np.concatenate(part) for part in zip(*parts, strict=True))
        home = (men.trip[rows] < 0) & (men.enlisted_at[rows] > leaves_at)
        rows, where, leaves_at = rows[home], where[home], leaves_at[home]
        first = choice.first_wishes(rows, leaves_at, men.passed_at[rows, where])
        return rows[first], where[first], leaves_at[first]

    def _first_opening(self, men: Population, rows: Ints, where: Ints) -> Ints:
        """Return when each man can act on his wish: at once, or spread after a reopening."""
        world = self.world
        at = men.passed_at[rows, where].astype(np.int64)
        passport = world.of_stratum["passport"][men.stratum[rows]]
        waits = ~world.available[WARM_UP + at // 3600, passport, where]
        release = world.assumptions.choice.release.value * HOUR
        for j in np.unique(where[waits]).tolist():
            waiting = np.flatnonzero(waits & (where == j))
            spread = release * self.draws.uniform("release", men.id[rows[waiting]])
            at[waiting] = choice.wait_for_opening(
                at[waiting],
                passport[waiting],
                np.round(spread).astype(np.int64),
                world.available[:, :, j],
                world.next_available[:, :, j],
                WARM_UP,
            )
        return at
