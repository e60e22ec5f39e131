"""Aspirations to leave: when pressure passes a man's threshold, and when he can act on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from flowsim.model import decisions
from flowsim.model.agenda import Agenda
from flowsim.model.book import Book
from flowsim.model.draws import Draws
from flowsim.model.population import Population
from flowsim.model.states import NEVER
from flowsim.model.world import World
from flowsim.scenario.clock import DAY
from flowsim.types import Floats, Ints


class Wishes(Book):
    """One row for each threshold passed, in the order of days, destinations and men."""

    columns: ClassVar[Mapping[str, type]] = {
        "row": np.int32,  # row of the population
        "where": np.uint8,  # destination
        "passed_at": np.int32,  # s, when pressure passed the threshold
        "reason": np.uint8,  # Reason: what then stood in his way
    }

    def find(self, row: int, where: int) -> Ints:
        """Return the number of a man's wish for a destination; none if he has no such wish."""
        return np.flatnonzero((self["row"] == row) & (self["where"] == where))


class Aspirations:
    """Men in the order in which pressure reaches them, and the wishes that must wait."""

    def __init__(self, world: World, draws: Draws, wishes: Wishes) -> None:
        self.world, self.draws, self.wishes = world, draws, wishes
        self._due = Agenda(2)  # numbers of wishes, moments of leaving

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
        cap, n, stratum = decisions.as_thresholds(caps), caps.shape[1], men.stratum.astype(np.intp)
        near = [
            np.flatnonzero(decisions.is_passed(threshold, cap[:, j].take(stratum))).astype(np.int32)
            for j, threshold in enumerate(men.threshold.T)
        ]
        thresholds = np.concatenate([men.threshold[rows, j] for j, rows in enumerate(near)])
        self._where = np.repeat(np.arange(n, dtype=np.uint8), [len(rows) for rows in near])
        self._rows = np.concatenate(near)
        cell = men.stratum[self._rows].astype(np.int32) * n + self._where
        self._thresholds = decisions.Thresholds(cell, thresholds, level.reshape(-1))

    @property
    def wait(self) -> bool:
        """Whether any wish waits for an opening."""
        return len(self._due) > 0

    def arise(self, men: Population, day: int, before: Floats, level: Floats) -> Ints:
        """Pass the thresholds that pressure reaches today; enter the wishes.

        Parameters
        ----------
        men : Population
            As ordered.
        before, level : float64, shape (S, J)
            Pressure at the start and at the end of the day.

        Returns
        -------
        int64, shape (n,)
            Numbers of the wishes.
        """
        passed, threshold = self._thresholds.advance(level.reshape(-1))
        rows, where = self._rows[passed], self._where[passed]
        cell = men.stratum[rows].astype(np.intp) * level.shape[1] + where
        pace = self.world.panic[day]
        moments = decisions.moments_toward(
            threshold, before.take(cell), level.take(cell), pace, where, day
        )
        return self.wishes.append(row=rows, where=where, passed_at=moments)

    def leavers(self, men: Population, day: int, new: Ints) -> tuple[Ints, Ints, Ints]:
        """Return those who leave today if not summoned first.

        Parameters
        ----------
        men : Population
        day : int
            Day of the horizon.
        new : int64, shape (n,)
            Numbers of today's wishes, from ``arise``.

        Returns
        -------
        int64, shape (m,) each
            Rows, destinations and moments of leaving (seconds since the horizon's start).
        """
        wishes = self.wishes
        leaves_at = self._acts_at(men, new)
        able = np.flatnonzero(leaves_at < NEVER)
        self._due.add(leaves_at[able] // int(DAY), new[able], leaves_at[able])
        due, leaves_at = self._due.take(day)
        rows = wishes["row"][due].astype(np.int64)
        free = (men.trip[rows] < 0) & decisions.is_free(men.enlisted_at[rows], leaves_at)
        due, rows, leaves_at = due[free], rows[free], leaves_at[free]
        first = decisions.first_wishes(rows, leaves_at, wishes["passed_at"][due])
        return rows[first], wishes["where"][due[first]].astype(np.int64), leaves_at[first]

    def _acts_at(self, men: Population, new: Ints) -> Ints:
        """Return when men can act on wishes (s); write down what stands in the way of those."""
        rows, where, passed_at = (self.wishes[name][new] for name in ("row", "where", "passed_at"))
        wished_at = passed_at.astype(np.int64)
        holds = self.world.of_stratum["holds"][men.stratum[rows]]
        leaves_at = self.world.openings.acts_at(
            wished_at,
            holds,
            where,
            lambda waits: self.draws.uniform("release", men.id[rows[waits]]),
        )
        waits = np.flatnonzero(leaves_at > wished_at)
        if len(waits):
            barriers = self.world.barriers(wished_at[waits], where[waits], holds[waits])
            self.wishes["reason"][new[waits]] = barriers
        return leaves_at
