"""Planning a journey: by which crossing, arriving when, and what an entry limit does to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from flowsim.model import conscription, journey
from flowsim.model.draws import Draws
from flowsim.model.framework import ndtri
from flowsim.model.queue import patience_ends
from flowsim.model.states import NEVER, Reason, Status
from flowsim.model.world import World
from flowsim.types import Bools, Floats, Ints


class Planner:
    """Plans the journeys of men who set off, from what each has drawn."""

    def __init__(self, world: World, draws: Draws) -> None:
        self.world, self.draws = world, draws

    def plan(
        self,
        ids: npt.NDArray[np.uint32],
        stratum: npt.NDArray[np.uint16],
        leaves_at: Ints,
        allowed: Bools,
        tries: int,
        wait: Floats,
        summoned: Bools,
    ) -> dict[str, npt.NDArray[Any]]:
        """Choose crossings; find arrivals, the ends of patience and what entry limits do.

        Parameters
        ----------
        ids, stratum, leaves_at, summoned : shape (N,)
            Men, what they are, second of leaving, and whether they are on the list for it.
        allowed : bool, shape (N, C)
            Crossings they may take; at least one for each.
        tries : int
            0 for first journeys, 1 for second tries.
        wait : float64, shape (C,)
            Perceived waits, hours.

        Returns
        -------
        dict
            Columns of ``journey.Trips``, each shape (N,).
        """
        world, given = self.world, self.world.assumptions
        region = world.of_stratum["region"][stratum]
        flies, extra, factor, patience, walk, limit = self.draws.uniforms(
            ("fly", "list-extra", "travel", "patience", "walk", "entry-limit"),
            ids,
            np.array([[0, 0, tries, tries, tries, tries]]),  # the first two are his for good
        ).T
        roads = world.roads
        hours = journey.hours_of(roads, region, flies)
        crossing = self._choose(ids, hours, allowed, tries, wait)
        here = np.arange(len(ids))
        z = ndtri(factor)
        sigma = given.travel.sigma.value
        arrives_at = leaves_at + journey.journey_seconds(hours[here, crossing], z, sigma)
        crossing, arrives_at, what = self._at_the_limits(
            ids, stratum, region, crossing, arrives_at, limit, z, tries, wait
        )
        stopped = what == journey.Limit.HOME
        liable = world.of_stratum["liable"][stratum] == 1
        share = world.list_extra[world.row_at(arrives_at)]
        listed = conscription.on_the_list(summoned, liable, extra, share)
        return {
            "man": ids,
            "tries": np.full(len(ids), tries),
            "destination": roads.country[crossing],
            "crossing": crossing,
            "leaves_at": leaves_at,
            "arrives_at": np.minimum(arrives_at, NEVER),
            "deadline": patience_ends(arrives_at, patience, given.border.patience.value),
            "u_walk": np.where(what == journey.Limit.WALKS, -1.0, walk),
            "liable": liable,
            "listed": listed,
            "limit": what,
            "ends_at": np.where(stopped, np.minimum(arrives_at, NEVER), NEVER),
            "end": np.where(stopped, Status.LIMITED, Status.HOME),
            "reason": np.where(stopped, Reason.LIMIT, Reason.NONE),
            "leaves_again_at": np.full(len(ids), NEVER),
        }

    def _choose(
        self, ids: npt.NDArray[np.uint32], hours: Floats, allowed: Bools, tries: int, wait: Floats
    ) -> Ints:
        """Choose among the crossings that any of these men may take."""
        law = self.world.assumptions.choice
        out = np.zeros(len(ids), dtype=np.int64)
        names = list(self.world.assumptions.crossings)
        for men, columns in _blocks(allowed):
            purposes = [f"crossing:{names[c]}" for c in columns]
            best = journey.choose_crossing(
                hours[men][:, columns],
                wait[columns],
                self.world.roads.size[columns],
                allowed[men][:, columns],
                self.draws.uniforms(purposes, ids[men], tries),
                law.theta.value,
                law.omega.value,
            )
            out[men] = columns[best]
        return out

    def _at_the_limits(
        self,
        ids: npt.NDArray[np.uint32],
        stratum: npt.NDArray[np.uint16],
        region: Ints,
        crossing: Ints,
        arrives_at: Ints,
        u: Floats,
        z: Floats,
        tries: int,
        wait: Floats,
    ) -> tuple[Ints, Ints, npt.NDArray[np.uint8]]:
        """Stop men at entry limits; give crossing, arrival and ``Limit`` of each."""
        table, roads = self.world.table, self.world.roads
        row = self.world.row_at(arrives_at)
        what = np.zeros(len(ids), dtype=np.uint8)
        met = np.flatnonzero(table.limited[row, crossing])
        met = met[~self.world.exempt(crossing[met], region[met])]
        if len(met) == 0:
            return crossing, arrives_at, what
        cell = (row[met], crossing[met])
        what[met] = journey.at_entry_limit(
            u[met],
            table.passes[cell],
            table.walks[cell],
            table.turns[cell],
            table.seat_share[cell],
            table.foot_open[cell],
        )
        turning = np.flatnonzero(what == journey.Limit.TURNS)
        if len(turning) == 0:
            return crossing, arrives_at, what
        row = row[turning]
        holds = self.world.of_stratum["holds"][stratum[turning]]
        allowed = journey.ways_around(
            roads,
            crossing[turning],
            self.world.available[row, holds],
            table.shut[row],
            table.limited[row],
        )
        able = allowed.any(axis=1)
        what[turning[~able]] = journey.Limit.HOME
        turning, allowed = turning[able], allowed[able]
        hours = roads.by_road[roads.home[crossing[turning]]]
        new = self._choose(ids[turning], hours, allowed, 2 + tries, wait)
        sigma = self.world.assumptions.travel.sigma.value
        further = journey.journey_seconds(hours[np.arange(len(new)), new], z[turning], sigma)
        crossing, arrives_at = crossing.copy(), arrives_at.copy()
        crossing[turning] = new
        arrives_at[turning] += further
        return crossing, arrives_at, what


def _blocks(allowed: Bools) -> list[tuple[Ints, Ints]]:
    """Group men (rows) with the columns that any of their group may take.

    Many men are grouped by the first crossing they may take, which tells the country, so that
    few draw for what they cannot take; few are taken together. The grouping changes no choice.
    """
    if len(allowed) == 0:
        return []
    first = allowed.argmax(axis=1) if len(allowed) > 64 else np.zeros(len(allowed), np.int64)
    blocks = []
    for group in np.flatnonzero(np.bincount(first)):
        men = np.flatnonzero(first == group)
        blocks.append((men, np.flatnonzero(allowed[men].any(axis=0))))
    return blocks
