"""A man's decision to leave, put together from terms that can be exchanged between worlds.

What the model does day by day for everybody is done here for some men over the whole horizon,
from the series that a run leaves behind: the same pressure, the same moments, the same men.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from flowsim.comparison.traces import Attributes, RunTrace
from flowsim.model import choice
from flowsim.model import decisions as law
from flowsim.model.conscription import cumulated_hazard
from flowsim.model.decisions import Openings
from flowsim.model.draws import Draws
from flowsim.model.states import NEVER
from flowsim.model.world import World
from flowsim.results.outcomes import ENLISTED, HIDING, HOME
from flowsim.types import Bools, Floats, Ints

STRATA_OF_REGION = 64
CHUNK = 65_536  # men at a time


@dataclass(frozen=True)
class Tastes:
    """What a man is and wants: attributes, constants, tastes, frailty.

    Attributes
    ----------
    stratum : int64, shape (N,)
        Plain stratum, his passport aside.
    threshold : float32, shape (N, J)
    utility : float64, shape (S, J)
        The part of V that does not change, the region's call-up aside.
    index : float
        lambda.
    """

    stratum: Ints
    threshold: npt.NDArray[np.float32]
    utility: Floats
    index: float


@dataclass(frozen=True)
class Availability:
    """What is open to a man: borders, documents, and whether he has the passport.

    Attributes
    ----------
    holds : int64, shape (N,)
        Documents he holds, as in ``World.openings``.
    offered : bool, shape (J,)
        Whether the destination is there at all.
    openings : Openings
        When destinations are available.
    """

    holds: Ints
    offered: Bools
    openings: Openings


@dataclass(frozen=True)
class Panic:
    """Panic by day, hour and destination, (D, 24, J), and the integral that makes it a rate."""

    by_hour: Floats
    reference: float


@dataclass(frozen=True)
class CallUp:
    """When a man is summoned, whether he would comply, and how he feels about his region's share.

    Attributes
    ----------
    threshold : float32, shape (N,)
    hazard : float64, shape (D + 1, R, 2)
        Cumulated by each midnight, not liable and liable.
    announced : float64, shape (24 D + 1,)
    comply : float
    worry : float64, shape (R, 1)
        What the region's call-up adds to V.
    """

    threshold: npt.NDArray[np.float32]
    hazard: Floats
    announced: Floats
    comply: float
    worry: Floats


@dataclass(frozen=True)
class Terms:
    """All that decides whether, when and for where some men leave.

    Attributes
    ----------
    tastes, availability, panic, call_up
    wait : float64, shape (D, R, J)
        Cost of generalised hours: the road, perceived waits, which crossings are shut.
    visible_checks : float64, shape (D, J)
        Cost of checks to liable men.
    network : float64, shape (D, R, J)
        What co-regionals abroad are worth.
    """

    tastes: Tastes
    availability: Availability
    wait: Floats
    visible_checks: Floats
    network: Floats
    panic: Panic
    call_up: CallUp


@dataclass(frozen=True)
class Decisions:
    """What men decide.

    Attributes
    ----------
    outcome : int64, shape (N,)
        Place in ``decisions`` of the destinations: how he stays, or where he sets off for.
    leaves_at : int64, shape (N,)
        Second at which he sets off, ``NEVER`` if he stays.
    """

    outcome: Ints
    leaves_at: Ints


def decisions(destinations: Sequence[str]) -> tuple[str, ...]:
    """Name the decisions: ways of staying, and destinations to set off for."""
    wants = (f"wants-{name}" for name in destinations)
    return (HOME, *wants, HIDING, ENLISTED, *(f"leaves-{name}" for name in destinations))


@dataclass(frozen=True)
class OwnDraws:
    """The draws that belong to men and not to worlds, each shape (N,)."""

    release: Floats
    comply: Floats

    @classmethod
    def of(cls, trace: RunTrace, ids: Ints) -> OwnDraws:
        """Draw them again; the address gives the same numbers as in the run."""
        draws = Draws(trace.world.assumptions.seed, trace.replication)
        return cls(draws.uniform("release", ids), draws.uniform("comply", ids))

    def take(self, men: Ints) -> OwnDraws:
        """Return the draws of some of the men."""
        return OwnDraws(self.release[men], self.comply[men])


def terms_of(trace: RunTrace, men: Attributes, destinations: Sequence[str]) -> Terms:
    """Gather the terms of one world; what it lacks of some destinations is left empty."""
    world, tastes = trace.world, trace.world.assumptions.choice
    columns = np.array([destinations.index(name) for name in world.destinations])

    def wide(values: npt.NDArray[Any], fill: float = 0.0) -> npt.NDArray[Any]:
        out = np.full((*values.shape[:-1], len(destinations)), fill, dtype=values.dtype)
        out[..., columns] = values
        return out

    nobody_worries = np.ones(len(world.regions.code))
    base = choice.base_utility(
        tastes, world.destinations, world.of_plain, nobody_worries, world.roads.reach
    )
    return Terms(
        tastes=Tastes(
            world.strata.plain(men.stratum),
            wide(men.threshold, np.inf),
            wide(base),
            tastes.lambda_.value,
        ),
        availability=Availability(
            world.of_stratum["holds"][men.stratum],
            np.isin(np.arange(len(destinations)), columns),
            replace(world.openings, available=wide(world.available, False)),
        ),
        wait=wide(trace.road),
        visible_checks=wide(trace.checks),
        network=wide(trace.network),
        panic=Panic(wide(world.panic), world.assumptions.panic.reference.value),
        call_up=_call_up(world, men),
    )


def _call_up(world: World, men: Attributes) -> CallUp:
    given = world.assumptions
    nightly = world.announced[::24].tolist()
    return CallUp(
        men.call_up_threshold,
        np.stack([cumulated_hazard(world.summons_per_man, announced) for announced in nightly]),
        world.announced,
        given.call_up.comply.value,
        given.choice.kappa.value * np.log(world.relative_call_up)[:, None],
    )


def completed(terms: Terms, other: Terms) -> Terms:
    """Fill in from another world what a destination that only it offers is to men.

    Whether it is offered is then all that differs, and belongs to availability.
    """
    lacking = ~terms.availability.offered & other.availability.offered
    if not lacking.any():
        return terms

    def filled(mine: Any, theirs: Any, *names: str) -> Any:
        pairs = {name: (getattr(theirs, name), getattr(mine, name)) for name in names}
        return replace(mine, **{name: np.where(lacking, *pair) for name, pair in pairs.items()})

    tastes = filled(terms.tastes, other.tastes, "threshold", "utility")
    panic = filled(terms.panic, other.panic, "by_hour")
    rest: Terms = filled(terms, other, "wait", "visible_checks", "network")
    return replace(rest, tastes=tastes, panic=panic)


def decide(terms: Terms, draws: OwnDraws) -> Decisions:
    """Let men decide: the first of their wishes that is open to them, or the call-up before it."""
    n, n_to = terms.tastes.threshold.shape
    if n == 0:
        return Decisions(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
    passed = passed_at(terms)
    leaves = acts_at(passed, terms, draws)
    order = law.first_wishes(np.tile(np.arange(n), n_to), leaves.T.ravel(), passed.T.ravel())
    first = order // n  # of each man's wishes the one he can act on first
    everybody = np.arange(n)
    leaves_at, summoned_at = leaves[everybody, first], summons(terms)
    summoned = summoned_at < NEVER
    summoned &= law.finds_at_home(summoned_at, np.ones(n, dtype=bool), leaves_at)
    enlisted = summoned & law.complies(draws.comply, terms.call_up.comply)
    enlisted_at = np.where(enlisted, summoned_at, NEVER)
    goes = (leaves_at < NEVER) & law.is_free(enlisted_at, leaves_at)
    wish = passed.argmin(axis=1)
    wishes = passed[everybody, wish] < NEVER
    outcome = np.select(
        [enlisted, goes, summoned, wishes],
        [n_to + 2, n_to + 3 + first, n_to + 1, 1 + wish],
        0,
    )
    return Decisions(outcome.astype(np.int64), np.where(goes, leaves_at, NEVER))


def levels(terms: Terms, strata: Ints) -> Floats:
    """Return the pressure on some strata by each midnight, shape (D + 1, U, J)."""
    of = {"region": strata // STRATA_OF_REGION, "liable": strata % 2}
    base = terms.tastes.utility[strata]
    n_days = len(terms.panic.by_hour)
    level = np.zeros((n_days + 1, *base.shape))
    for day in range(n_days):
        by_region = terms.network[day] - terms.wait[day] + terms.call_up.worry
        v = choice.utility(base, of, by_region, terms.visible_checks[day])
        rate = choice.rate(v, terms.tastes.index, terms.panic.reference)
        level[day + 1] = level[day] + rate * terms.panic.by_hour[day].sum(axis=0)
    return level


def passed_at(terms: Terms) -> Ints:
    """Return when pressure passes each man's threshold (s), ``NEVER`` if not, shape (N, J)."""
    strata, place = np.unique(terms.tastes.stratum, return_inverse=True)
    level = levels(terms, strata)
    n, n_to = terms.tastes.threshold.shape
    out = np.full((n, n_to), NEVER, dtype=np.int64)
    for j in np.flatnonzero(terms.availability.offered):
        out[:, j] = crossings(
            terms.tastes.threshold[:, j], place, level[:, :, j], terms.panic.by_hour[:, :, j]
        )
    return out


def summons(terms: Terms) -> Ints:
    """Return when the call-up would reach each man at home (s), ``NEVER`` if not, shape (N,)."""
    group = terms.tastes.stratum // STRATA_OF_REGION * 2 + terms.tastes.stratum % 2
    hazard = terms.call_up.hazard
    pace = np.diff(terms.call_up.announced).reshape(-1, 24)
    return crossings(terms.call_up.threshold, group, hazard.reshape(len(hazard), -1), pace)


def crossings(threshold: npt.NDArray[np.float32], group: Ints, level: Floats, pace: Floats) -> Ints:
    """Return when rising levels pass men's thresholds.

    Parameters
    ----------
    threshold : float32, shape (N,)
    group : int64, shape (N,)
        Whose level a man feels.
    level : float64, shape (D + 1, G)
        By each midnight, never falling.
    pace : float64, shape (D, 24)
        How each day's rise is spread over its hours.

    Returns
    -------
    int64, shape (N,)
        Seconds; ``NEVER`` if a threshold is not passed.
    """
    level32, n_days = law.as_thresholds(level[1:]), len(pace)
    day = np.concatenate(
        [
            (~law.is_passed(threshold[part], level32[:, group[part]])).sum(axis=0)
            for part in np.split(np.arange(len(group)), range(CHUNK, len(group), CHUNK))
        ]
    )
    out = np.full(len(group), NEVER, dtype=np.int64)
    for d in np.unique(day[day < n_days]).tolist():
        men = np.flatnonzero(day == d)
        before, after = level[d, group[men]], level[d + 1, group[men]]
        out[men] = law.moments(threshold[men], before, after, pace[d], d)
    return out


def acts_at(passed: Ints, terms: Terms, draws: OwnDraws) -> Ints:
    """Return when each man can act on each wish, at once or after a reopening, shape (N, J)."""
    out = np.full(passed.shape, NEVER, dtype=np.int64)
    wishes = men, where = np.nonzero(passed < NEVER)
    available = terms.availability
    out[wishes] = available.openings.acts_at(
        passed[wishes], available.holds[men], where, lambda waits: draws.release[men[waits]]
    )
    return out
