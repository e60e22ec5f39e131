"""The ledger of trips and wishes, added up by Moscow day: who left, who stayed, who could not."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from flowsim.model.states import NEVER, Reason, Status
from flowsim.scenario.clock import DAY
from flowsim.types import Floats, Ints

if TYPE_CHECKING:
    from flowsim.model.flow_model import FlowModel


class Ledger:
    """What the trips and wishes of one run add up to, day by day, in men of the nation."""

    def __init__(self, model: FlowModel) -> None:
        self.model, self.world = model, model.world
        self.n_days = self.world.clock.n_days

    @cached_property
    def departures(self) -> Floats:
        """Men of the nation by Moscow day of their first trip, shape (D, J + 1).

        The last column is of all destinations.
        """
        return self._departures(self._first_trips)

    def _departures(self, trip: Ints) -> Floats:
        """Count the men of some first trips, as ``departures``."""
        trips, n = self.model.trips, len(self.world.destinations)
        day, weight = trips["leaves_at"][trip] // int(DAY), trips["weight"][trip]
        cell = trips["destination"][trip].astype(np.int64) * self.n_days + day
        by_destination = np.bincount(cell, weight, minlength=n * self.n_days).reshape(n, -1)
        everybody = np.bincount(day, weight, minlength=self.n_days)
        return np.array([*by_destination, everybody], dtype=np.float64).T

    @cached_property
    def _first_trips(self) -> Ints:
        """First trips that begin within the horizon."""
        trips = self.model.trips
        return np.flatnonzero((trips["tries"] == 0) & (trips["leaves_at"] < self.n_days * DAY))

    def share_of_leavers(self, attribute: str) -> Floats:
        """Return the share with an attribute among those who have left so far.

        Parameters
        ----------
        attribute : str
            Name of a column of the strata, such as ``passport``.

        Returns
        -------
        float64, shape (D, J + 1)
            Share from 0 to 1 at the end of each Moscow day by destination, and of all; NaN while
            nobody has left.
        """
        trips = self._first_trips
        stratum = self.model.population.stratum[self.model.trips["row"][trips]]
        with_it = self._departures(trips[self.world.of_stratum[attribute][stratum] == 1])
        return mean(np.cumsum(with_it, axis=0), np.cumsum(self.departures, axis=0))

    def entered(self, j: int) -> Ints:
        """Return the trips that ended in destination j."""
        trips = self.model.trips
        return np.flatnonzero((trips["end"] >= Status.ABROAD) & (trips["destination"] == j))

    @cached_property
    def _first_departure(self) -> Ints:
        """Return when each row of the population first left (s), NEVER if not, shape (N,)."""
        trips = self.model.trips
        out = np.full(len(self.model.population), NEVER, dtype=np.int64)
        first = trips["tries"] == 0
        out[trips["row"][first]] = trips["leaves_at"][first]
        return out

    @cached_property
    def _vain_wishes(self) -> list[tuple[Ints, Ints, Ints]]:
        return [self._vain_wishes_for(j) for j in range(len(self.world.destinations))]

    def _vain_wishes_for(self, j: int) -> tuple[Ints, Ints, Ints]:
        """Return row, beginning and end (s) of men's wishes for j that could not be acted on."""
        wishes, enlisted_at = self.model.wishes, self.model.population.enlisted_at
        vain = np.flatnonzero((wishes["where"] == j) & (wishes["reason"] != Reason.NONE))
        vain = vain[np.argsort(wishes["row"][vain])]
        wanting, since = wishes["row"][vain], wishes["passed_at"][vain].astype(np.int64)
        until = np.minimum(self._first_departure[wanting], enlisted_at[wanting])
        home = since < until  # a threshold may also be passed by men long gone
        return wanting[home], since[home], until[home]

    def involuntary(self, j: int) -> Floats:
        """Count men at home who want to leave for j and cannot, at the end of each day, (D,)."""
        return self._at_home(*self._vain_wishes[j])

    def involuntary_stayers(self) -> Floats:
        """Count men at home who want to leave and cannot, each once, at the end of each day."""
        first = np.full(len(self.model.population), NEVER, dtype=np.int64)
        last = first.copy()
        for rows, since, until in self._vain_wishes:
            first[rows], last[rows] = np.minimum(first[rows], since), until
        rows = np.flatnonzero(first < NEVER)
        return self._at_home(rows, first[rows], last[rows])

    def _at_home(self, rows: Ints, since: Ints, until: Ints) -> Floats:
        """Count men from one moment to another, at the end of each day."""
        weight, n_days = self.model.population.weight_of(rows), self.n_days
        some = until < n_days * DAY
        begin = np.bincount(since // int(DAY), weight, minlength=n_days)
        end = np.bincount(until[some] // int(DAY), weight[some], minlength=n_days)
        return np.cumsum(begin - end)

    def by_region(
        self, seconds: npt.NDArray[np.integer], stratum: npt.NDArray[np.integer], weight: Floats
    ) -> Floats:
        """Add up men by region and by the day of some moment of theirs.

        Parameters
        ----------
        seconds : integer array, shape (n,)
            Since the horizon's start.
        stratum : integer array, shape (n,)
            Of each man.
        weight : float64, shape (n,)
            Men of the nation that each stands for.

        Returns
        -------
        float64, shape (D, R)
            Men of the nation.
        """
        n_regions = len(self.world.regions.code)
        some = seconds < self.n_days * DAY
        day = seconds[some].astype(np.int64) // int(DAY)
        cell = day * n_regions + self.world.of_stratum["region"][stratum[some]]
        total = np.bincount(cell, weight[some], minlength=self.n_days * n_regions)
        return total.astype(np.float64).reshape(self.n_days, -1)


def mean(total: Floats, n: Floats) -> Floats:
    """Divide, leaving undefined what nobody stands for.

    Parameters
    ----------
    total, n : float64, same shape

    Returns
    -------
    float64, same shape
        ``total / n``; NaN where n is 0.
    """
    return np.divide(total, n, out=np.full_like(total, np.nan), where=n > 0)
