"""The ledger of trips and wishes, added up by Moscow day: who left, who stayed, who could not."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from flowsim.model.states import NEVER, Reason, Status
from flowsim.scenario.clock import DAY
from flowsim.types import Bools, Floats, Ints

if TYPE_CHECKING:
    from flowsim.model.flow_model import FlowModel


class Ledger:
    """What the trips and wishes of one run add up to, day by day, in men of the nation."""

    def __init__(self, model: FlowModel) -> None:
        self.model, self.world = model, model.world
        self.n_days = self.world.clock.n_days

    def bound_for(self, j: int) -> Bools:
        """Return which trips went to destination j."""
        return self.model.trips["destination"] == j

    def departures(self, chosen: Bools) -> Floats:
        """Count the men whose first trip is among those chosen, by day of leaving.

        Parameters
        ----------
        chosen : bool, shape (T,)
            Of all trips of the ledger.

        Returns
        -------
        float64, shape (D,)
            Men of the nation, by Moscow day.
        """
        trip, day, weight = self._first_trips
        some = chosen[trip]
        return np.bincount(day[some], weight[some], minlength=self.n_days).astype(np.float64)

    @cached_property
    def _first_trips(self) -> tuple[Ints, Ints, Floats]:
        """Return the first trips, their days of leaving within the horizon, and their men."""
        trips = self.model.trips
        some = np.flatnonzero((trips["tries"] == 0) & (trips["leaves_at"] < self.n_days * DAY))
        return some, trips["leaves_at"][some] // int(DAY), trips["weight"][some]

    @cached_property
    def _stratum(self) -> npt.NDArray[np.uint16]:
        """Return what the man of each trip is, shape (T,)."""
        return self.model.population.stratum[self.model.trips["row"]]

    def share_of_leavers(self, attribute: str, chosen: Bools) -> Floats:
        """Return the share with an attribute among the chosen who have left so far.

        Parameters
        ----------
        attribute : str
            Name of a column of the strata, such as ``passport``.
        chosen : bool, shape (T,)
            Of all trips of the ledger.

        Returns
        -------
        float64, shape (D,)
            Share from 0 to 1 at the end of each Moscow day; NaN while nobody has left.
        """
        with_it = chosen & (self.world.of_stratum[attribute][self._stratum] == 1)
        everybody = np.cumsum(self.departures(chosen))
        return mean(np.cumsum(self.departures(with_it)), everybody)

    def entered(self, j: int) -> Ints:
        """Return the trips that ended in destination j."""
        entered = np.flatnonzero(self.model.trips["end"] >= Status.ABROAD)
        return entered[self.bound_for(j)[entered]]

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
        men = self.model.population
        wanting = np.flatnonzero(men.passed_at[:, j] < NEVER)
        since = men.passed_at[wanting, j].astype(np.int64)
        blocked = men.reason[wanting, j] != Reason.NONE
        wanting, since = wanting[blocked], since[blocked]
        until = np.minimum(self._first_departure[wanting], men.enlisted_at[wanting])
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
