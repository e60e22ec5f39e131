"""What a comparison keeps of one run: the men, what became of them, and what they perceived."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from flowsim.model import population
from flowsim.model.draw_cache import DrawCache
from flowsim.model.draws import Draws
from flowsim.model.flow_model import FlowModel
from flowsim.model.states import Status
from flowsim.model.world import World
from flowsim.results.outcomes import (
    ENLISTED,
    GAVE_UP,
    HIDING,
    HOME,
    LIMITED,
    TURNED_BACK,
    UNDERWAY,
    outcomes,
)
from flowsim.scenario.clock import HOUR
from flowsim.scenario.tree import equal
from flowsim.types import Bools, Floats, Ints

_ONWARD = {
    Status.HOME: HOME,
    Status.HIDING: HIDING,
    Status.ENLISTED: ENLISTED,
    Status.LIMITED: LIMITED,
    Status.GAVE_UP: GAVE_UP,
    Status.TURNED_BACK: TURNED_BACK,
    Status.QUEUEING: UNDERWAY,
    Status.ON_THE_ROAD: UNDERWAY,
}


def all_destinations(worlds: Sequence[World]) -> tuple[str, ...]:
    """Return the destinations of several worlds, each once, in order of appearance."""
    return tuple(dict.fromkeys(name for world in worlds for name in world.destinations))


@dataclass(frozen=True)
class Trip:
    """One try of each man; where ``made`` is False the other columns mean nothing.

    Attributes
    ----------
    made : bool, shape (N,)
    destination : int64, shape (N,)
        In the order of the world's destinations, after any turn at an entry limit.
    end : int64, shape (N,)
        ``Status`` at the end of the horizon; ``HOME`` while still under way.
    reason : int64, shape (N,)
        ``Reason`` for which he was turned back.
    """

    made: Bools
    destination: Ints
    end: Ints
    reason: Ints

    def take(self, rows: Ints) -> Trip:
        """Return the trips of some rows; row -1 (a man not kept) made none."""
        columns = {name: np.append(getattr(self, name), 0)[rows] for name in self.__annotations__}
        columns["made"] = (columns["made"] == 1) & (rows >= 0)
        return Trip(**columns)


@dataclass(frozen=True)
class RunTrace:
    """One world as its men lived it to the end.

    Attributes
    ----------
    id, stratum, threshold, call_up_threshold
        Columns of the men kept, as in ``population.Population``; ids ascend.
    counts, weight
        All simulated men by stratum, and men of the nation for each, by cell.
    status, destination : int64, shape (N,)
        ``Status`` at the end, and the destination last set off for (-1 none).
    enlisted : bool, shape (N,)
    trips : tuple of Trip
        First and second try.
    network, road : float64, shape (D, R, J)
    checks : float64, shape (D, J)
        Terms of utility day by day, as in ``world.Day``.
    """

    world: World
    replication: int
    id: Ints
    stratum: Ints
    threshold: npt.NDArray[np.float32]
    call_up_threshold: npt.NDArray[np.float32]
    counts: Ints
    weight: Floats
    status: Ints
    destination: Ints
    enlisted: Bools
    trips: tuple[Trip, Trip]
    network: Floats
    road: Floats
    checks: Floats

    @property
    def cell(self) -> npt.NDArray[np.integer]:
        """Cell of each row, whose weight it has."""
        return self.world.strata.cell(self.stratum)

    def rows_of(self, ids: Ints) -> Ints:
        """Return the rows of some men, -1 for those whom nothing could reach; shape (N,)."""
        if len(self.id) == 0:
            return np.full(len(ids), -1, dtype=np.int64)
        place = np.minimum(np.searchsorted(self.id, ids), len(self.id) - 1)
        return np.where(self.id[place] == ids, place, -1)

    def outcome(self, names: Sequence[str]) -> Ints:
        """Return each row's place in ``outcomes`` of some destinations, shape (N,)."""
        out = np.zeros(len(self.id), dtype=np.int64)
        for status, name in _ONWARD.items():
            out[self.status == status] = names.index(name)
        reached = np.isin(self.status, (Status.RETURNED, Status.MOVED_ON))
        reached |= (self.status >= Status.ABROAD) & (self.status < Status.WANTS)
        for j, name in enumerate(self.world.destinations):
            out[reached & (self.destination == j)] = names.index(f"reached-{name}")
            out[self.status == Status.WANTS + j] = names.index(f"wants-{name}")
        return out


def live(
    world: World, replication: int, draw_cache: DrawCache | None = None
) -> tuple[FlowModel, RunTrace]:
    """Run a world to its end; a draw_cache keeps what men are born with for the next world."""
    model = FlowModel(world, replication=replication, draw_cache=draw_cache)
    while model.running:
        model.step()
    return model, remembered(model, replication)


def by_outcome(trace: RunTrace) -> pd.DataFrame:
    """Count the men by what became of them; columns as in ``reduced``, place_kind outcome."""
    names = outcomes(all_destinations([trace.world]))
    men = np.bincount(trace.outcome(names), trace.weight[trace.cell], minlength=len(names))
    men[names.index("home")] += trace.world.strata.men.sum() - men.sum()
    table = {"place_kind": "outcome", "place_id": list(names), "measure": "men", "how": "last"}
    return pd.DataFrame({**table, "value": men})


def remembered(model: FlowModel, replication: int) -> RunTrace:
    """Take from a finished run what outlives it."""
    men, trips = model.population, model.trips
    status = model.status().astype(np.int64)
    bound = np.full(len(men), -1, dtype=np.int64)
    left = men.trip >= 0
    bound[left] = trips["destination"][men.trip[left]]
    return RunTrace(
        world=model.world,
        replication=replication,
        id=men.id.astype(np.int64),
        stratum=men.stratum.astype(np.int64),
        threshold=men.threshold,
        call_up_threshold=men.call_up_threshold,
        counts=men.counts,
        weight=men.weight,
        status=status,
        destination=bound,
        enlisted=status == Status.ENLISTED,
        trips=(_try(model, 0), _try(model, 1)),
        **{
            name: np.stack([getattr(day, name) for day in model.pressure_path.days])
            for name in ("network", "road", "checks")
        },
    )


def _try(model: FlowModel, number: int) -> Trip:
    """Return the first (0) or second (1) try of every row."""
    n, trips = len(model.population), model.trips
    some = np.flatnonzero(trips["tries"] == number)
    row = trips["row"][some]
    over = trips["ends_at"][some] <= model.hour * HOUR

    def column(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        out = np.zeros(n, dtype=np.int64)
        out[row] = values
        return out

    return Trip(
        made=column(np.ones(len(some))) == 1,
        destination=column(trips["destination"][some]),
        end=column(np.where(over, trips["end"][some], Status.HOME)),
        reason=column(trips["reason"][some]),
    )


@dataclass(frozen=True)
class Attributes:
    """What some men were born with in one world, whether or not it keeps them.

    Attributes
    ----------
    stratum : int64, shape (N,)
    threshold : float32, shape (N, J)
    call_up_threshold : float32, shape (N,)
    """

    stratum: Ints
    threshold: npt.NDArray[np.float32]
    call_up_threshold: npt.NDArray[np.float32]


def strata(trace: RunTrace, other: RunTrace, ids: Ints) -> Ints:
    """Return what men kept in one of two worlds are in the first of them, shape (N,)."""
    here, there = trace.rows_of(ids), other.rows_of(ids)
    out = np.append(trace.stratum, 0)[here]
    away = np.flatnonzero(here < 0)
    if _alike(trace.world, other.world):
        out[away] = np.append(other.stratum, 0)[there[away]]
    else:
        out[away] = _redrawn(trace, ids[away]).stratum
    return out


def born(trace: RunTrace, other: RunTrace, ids: Ints) -> Attributes:
    """Return what men kept in one of two worlds were born with in the first of them."""
    here = trace.rows_of(ids)
    found = _born_with(trace, here)
    away = np.flatnonzero(here < 0)
    index = [x.world.assumptions.choice.lambda_.value for x in (trace, other)]
    same = index[0] == index[1] and trace.world.destinations == other.world.destinations
    if same and _alike(trace.world, other.world):
        missing = _born_with(other, other.rows_of(ids[away]))
    else:
        missing = _redrawn(trace, ids[away])
    found.stratum[away] = missing.stratum
    found.threshold[away] = missing.threshold
    found.call_up_threshold[away] = missing.call_up_threshold
    return found


def _born_with(trace: RunTrace, rows: Ints) -> Attributes:
    """Copy what some rows were born with; row -1 gives zeros."""
    n, n_to = trace.threshold.shape
    threshold = np.concatenate([trace.threshold, np.zeros((1, n_to), np.float32)])
    last = np.where(rows >= 0, rows, n)
    return Attributes(
        np.append(trace.stratum, 0)[last],
        threshold[last],
        np.append(trace.call_up_threshold, np.float32(0))[last],
    )


def _redrawn(trace: RunTrace, ids: Ints) -> Attributes:
    """Make men again whom a world did not keep."""
    world, given = trace.world, trace.world.assumptions
    draws, index = Draws(given.seed, trace.replication), given.choice.lambda_.value
    men = [
        population.one_man(world.strata, world.destinations, index, draws, man)
        for man in ids.tolist()
    ]
    n_to = trace.threshold.shape[1]
    return Attributes(
        np.array([man.stratum[0] for man in men], dtype=np.int64),
        np.array([man.threshold[0] for man in men], dtype=np.float32).reshape(-1, n_to),
        np.array([man.call_up_threshold[0] for man in men], dtype=np.float32),
    )


def _alike(a: World, b: World) -> bool:
    """Return whether men are the same in two worlds, but for what they want."""
    parts = ("men", "p_educated", "p_passport", "p_liable", "further")
    return all(equal(getattr(a.strata, part), getattr(b.strata, part)) for part in parts)
