"""Aspirations to leave: when pressure passes a man's threshold, and when he can act on it."""

from __future__ import annotations

import numpy as np

from flowsim.model import decisions
from flowsim.model.agenda import Agenda
from flowsim.model.draws import Draws
from flowsim.model.population import Population
from flowsim.model.states import NEVER
from flowsim.model.world import World
from flowsim.scenario.clock import DAY
from flowsim.types import Floats, Ints


class Aspirations:
    """Men in the order in which pressure reaches them, and the wishes that must wait."""

    def __init__(self, world: World, draws: Draws) -> None:
        self.world, self.draws = world, draws
        self._due = Agenda(3)  # rows, destinations, moments of leaving

    def order(self, men: Population, level: Floats, caps: Floats) -> None:
        """Put men in the order in which pressure reaches them.

        Parameters
        ----------
        men : Population
            N rows.
        level : float64, shape (S, J)
            Pressure that has already passed the thresholds below it.
        caps : float64, shape (S, J)
            Pressure that will not be exceeded before men are ordered again.
        """
        cap, n = decisions.as_thresholds(caps), caps.shape[1]
        near = [
            np.flatnonzero(decisions.is_passed(men.threshold[:, j], cap[:, j].take(men.stratum)))
            for j in range(n)
        ]
        self._rows = np.concatenate(near).astype(np.uint32)
        self._where = np.repeat(np.arange(n, dtype=np.uint8), [len(rows) for rows in near])
        cell = men.stratum[self._rows].astype(np.intp) * n + self._where
        self._thresholds = decisions.Thresholds(
            cell, men.threshold[self._rows, self._where], level.reshape(-1), caps.reshape(-1)
        )

    def move(self, place: Ints) -> None:
        """Take men's new places after more men were kept.

        Parameters
        ----------
        place : int64, shape (N,)
            New row of each old one.
        """
        self._due.renumber(place)

    @property
    def wait(self) -> bool:
        """Whether any wish waits for an opening."""
        return len(self._due) > 0

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
        passed = self._thresholds.advance(level.reshape(-1))
        rows, where = (of[passed].astype(np.int64) for of in (self._rows, self._where))
        cell = men.stratum[rows].astype(np.intp) * level.shape[1] + where
        men.passed_at[rows, where] = decisions.moments_toward(
            men.threshold[rows, where],
            before.take(cell),
            level.take(cell),
            self.world.panic[day],
            where,
            day,
        )
        return rows, where

    def leavers(
        self, men: Population, day: int, rows: Ints, where: Ints
    ) -> tuple[Ints, Ints, Ints]:
        """Return those who leave today if not summoned first.

        Parameters
        ----------
        men : Population
        day : int
            Day of the horizon.
        rows, where : int64, shape (n,)
            Men and destinations of today's wishes, from ``arise``.

        Returns
        -------
        int64, shape (m,) each
            Rows, destinations and moments of leaving (seconds since the horizon's start).
        """
        leaves_at = self.acts_at(men, rows, where)
        self._explain(men, rows, where, leaves_at)
        able = leaves_at < NEVER
        self._due.add(leaves_at[able] // int(DAY), rows[able], where[able], leaves_at[able])
        rows, where, leaves_at = self._due.take(day)
        free = (men.trip[rows] < 0) & decisions.is_free(men.enlisted_at[rows], leaves_at)
        rows, where, leaves_at = rows[free], where[free], leaves_at[free]
        first = decisions.first_wishes(rows, leaves_at, men.passed_at[rows, where])
        return rows[first], where[first], leaves_at[first]

    def acts_at(self, men: Population, rows: Ints, where: Ints) -> Ints:
        """Return when men can act on wishes.

        Parameters
        ----------
        men : Population
        rows, where : int64, shape (n,)
            Men and destinations wished for.

        Returns
        -------
        int64, shape (n,)
            Seconds since the horizon's start; ``NEVER`` if not within it.
        """
        return self.world.openings.acts_at(
            men.passed_at[rows, where].astype(np.int64),
            self.world.of_stratum["holds"][men.stratum[rows]],
            where,
            lambda waits: self.draws.uniform("release", men.id[rows[waits]]),
        )

    def _explain(self, men: Population, rows: Ints, where: Ints, leaves_at: Ints) -> None:
        """Write down what stood in the way of the wishes that could not be acted on at once."""
        wished_at = men.passed_at[rows, where].astype(np.int64)
        waits = np.flatnonzero(leaves_at > wished_at)
        if len(waits):
            rows, where = rows[waits], where[waits]
            holds = self.world.of_stratum["holds"][men.stratum[rows]]
            men.reason[rows, where] = self.world.barriers(wished_at[waits], where, holds)
