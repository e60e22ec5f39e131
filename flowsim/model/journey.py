"""The road: which crossing, how long it takes, and who is stopped by an entry limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from flowsim.model.book import Book
from flowsim.scenario.clock import HOUR
from flowsim.scenario.places import Crossing
from flowsim.scenario.schema import Travel
from flowsim.types import Bools, Floats, Ints

EARTH_KM = 6371.0


def great_circle_km(lat: Floats, lon: Floats, to_lat: float, to_lon: float) -> Floats:
    """Return great-circle distances to one place (haversine formula).

    Parameters
    ----------
    lat, lon : float64, shape (R,)
        Degrees.
    to_lat, to_lon : float
        Degrees.

    Returns
    -------
    float64, shape (R,)
        Kilometres.
    """
    a, b = np.radians(lat), np.radians(to_lat)
    half = np.sin((a - b) / 2) ** 2
    half = half + np.cos(a) * np.cos(b) * np.sin(np.radians(lon - to_lon) / 2) ** 2
    return np.asarray(2 * EARTH_KM * np.arcsin(np.sqrt(half)))


def drive_hours(km: Floats, speed: float, drive: float, rest: float) -> Floats:
    """Return hours on the road: driving, and a rest after each full stretch of driving.

    Parameters
    ----------
    km : float64, any shape
    speed : float
        Km per hour while driving.
    drive, rest : float
        Hours of a stretch of driving, and of the rest after it.

    Returns
    -------
    float64, same shape
        Hours.
    """
    driving = km / speed
    return np.asarray(driving + rest * np.maximum(0.0, np.ceil(driving / drive) - 1))


@dataclass(frozen=True)
class Roads:
    """Journeys from every region to every crossing.

    Attributes
    ----------
    by_road, by_air : float64, shape (R, C)
        Hours for men who drive, and for men who fly or take the train, then a taxi.
    fly_share : float64, shape (R,)
        Share of men who can pay for a flight or train.
    reach : float64, shape (R,)
        Share of men who can leave the region at all: where no road leads, those who can pay.
    size : float64, shape (C,)
        Size weights, adding up to 1 in each country.
    country : int64, shape (C,)
        Destination of each crossing.
    home : int64, shape (C,)
        Region in which each crossing lies, -1 if unknown.
    """

    by_road: Floats
    by_air: Floats
    fly_share: Floats
    size: Floats
    country: Ints
    home: Ints
    reach: Floats


def fly_shares(income: Floats, poorest: float, richest: float) -> Floats:
    """Spread the share who can pay for a flight or train over regions by rank of income.

    Parameters
    ----------
    income : float64, shape (R,)
        In any unit.
    poorest, richest : float
        Share of men who can pay in the regions of lowest and highest income.

    Returns
    -------
    float64, shape (R,)
        Shares from 0 to 1.
    """
    rank = np.argsort(np.argsort(income, kind="stable"), kind="stable")
    return np.asarray(poorest + (richest - poorest) * rank / max(1, len(income) - 1))


def by_hub(by_road: Floats, home: Ints, connected: Bools, to_hub: float) -> Floats:
    """Compute the journeys of men who fly or take a train: to a hub, and by road from there.

    The hub of a crossing is the capital of the region in which it lies.

    Parameters
    ----------
    by_road : float64, shape (R, C)
        Hours by road.
    home : int64, shape (C,)
        Region of each crossing; -1 where there is none, and so no hub on the way.
    connected : bool, shape (R,)
        Whether a road leads out of the region; where it is shorter, men take it.
    to_hub : float
        Hours from anywhere to any hub.

    Returns
    -------
    float64, shape (R, C)
    """
    by_hub = np.where(home >= 0, to_hub + by_road[home, np.arange(len(home))], by_road)
    return np.where(connected[:, None], np.minimum(by_road, by_hub), by_hub)


def build_roads(
    crossings: Mapping[str, Crossing],
    destinations: tuple[str, ...],
    travel: Travel,
    codes: tuple[str, ...],
    lat: Floats,
    lon: Floats,
    income: Floats,
    connected: Bools,
    km: Mapping[tuple[str, str], float],
) -> Roads:
    """Build the journeys; missing road distances are great circle times the detour.

    Parameters
    ----------
    crossings : mapping
        C crossings by id.
    destinations : tuple of str
    travel : Travel
        Speeds, rests, detour and shares of the scenario.
    codes : tuple of str
        R regions.
    lat, lon : float64, shape (R,)
        Of the regional capitals, degrees.
    income : float64, shape (R,)
    connected : bool, shape (R,)
        Whether a road leads out of the region.
    km : mapping
        Road distances known, by region and crossing.

    Returns
    -------
    Roads
    """
    by_road = np.zeros((len(codes), len(crossings)))
    for c, (crossing_id, crossing) in enumerate(crossings.items()):
        if crossing.travel is not None:
            by_road[:, c] = crossing.travel.value
            continue
        around = great_circle_km(lat, lon, crossing.lat or 0.0, crossing.lon or 0.0)
        known = [
            km.get((code, crossing_id), far * travel.detour.value)
            for code, far in zip(codes, around, strict=True)
        ]
        by_road[:, c] = drive_hours(
            np.array(known), travel.speed.value, travel.drive.value, travel.rest.value
        )
    home = np.array(
        [codes.index(c.region) if c.region in codes else -1 for c in crossings.values()]
    )
    by_air = by_hub(by_road, home, connected, travel.to_hub.value)
    fly_share = fly_shares(income, travel.fly_share_poorest.value, travel.fly_share_richest.value)
    country = np.array([destinations.index(c.destination) for c in crossings.values()])
    size = np.array([c.size_weight.value for c in crossings.values()])
    total = np.bincount(country, size, minlength=len(destinations))
    return Roads(
        by_road=np.where(connected[:, None], by_road, by_air),
        by_air=by_air,
        fly_share=fly_share,
        size=size / np.where(total > 0, total, 1.0)[country],
        country=country,
        home=home,
        reach=np.where(connected, 1.0, fly_share),
    )


def hours_of(roads: Roads, region: Ints, u_fly: Floats) -> Floats:
    """Return each man's journey to every crossing, by what he can afford.

    Parameters
    ----------
    roads : Roads
    region : int64, shape (N,)
    u_fly : float64, shape (N,)
        Draws ``fly``.

    Returns
    -------
    float64, shape (N, C)
        Hours.
    """
    flies = u_fly < roads.fly_share[region]
    hours = roads.by_road.take(region, axis=0)
    hours[flies] = roads.by_air.take(region[flies], axis=0)
    return hours


def ways_to(roads: Roads, where: Ints, shut: Bools) -> Bools:
    """Return the crossings into each man's destination that are not shut when he leaves.

    Parameters
    ----------
    roads : Roads
    where : int64, shape (N,)
        Destinations.
    shut : bool, shape (N, C)

    Returns
    -------
    bool, shape (N, C)
    """
    return ~shut & (roads.country == where[:, None])


def ways_elsewhere(roads: Roads, tried: Ints, available: Bools, shut: Bools) -> Bools:
    """Return the crossings for a second try: any but the one tried, into what is available.

    Parameters
    ----------
    roads : Roads
    tried : int64, shape (N,)
        Crossings.
    available : bool, shape (N, J)
    shut : bool, shape (N, C)

    Returns
    -------
    bool, shape (N, C)
    """
    allowed: Bools = available[:, roads.country] & ~shut
    return allowed & (np.arange(allowed.shape[1]) != tried[:, None])


def ways_around(
    roads: Roads, stopped_at: Ints, available: Bools, shut: Bools, limited: Bools
) -> Bools:
    """Return the crossings to which men stopped at an entry limit can turn: another country's.

    Parameters
    ----------
    roads : Roads
    stopped_at : int64, shape (N,)
        Crossings.
    available : bool, shape (N, J)
    shut, limited : bool, shape (N, C)

    Returns
    -------
    bool, shape (N, C)
        Without limit, and only where the way there is known.
    """
    allowed: Bools = available[:, roads.country] & ~shut & ~limited
    allowed &= roads.country != roads.country[stopped_at][:, None]
    return allowed & (roads.home[stopped_at] >= 0)[:, None]


def crossing_utilities(
    hours: Floats, wait: Floats, size: Floats, theta: float, omega: float
) -> Floats:
    """Return ``ln a[c] - theta (hours + omega wait)`` of men and crossings.

    Parameters
    ----------
    hours : float64, shape (N, C)
        Journeys.
    wait, size : float64, shape (C,)
        Perceived waits (hours) and size weights.
    theta : float
        Per hour.
    omega : float
        Hours of journey that an hour of waiting weighs.

    Returns
    -------
    float64, shape (N, C)
    """
    weight = np.log(np.maximum(size, 1e-300))  # of size 0: only where there is no other way
    return weight - theta * (hours + omega * wait)


def crossing_values(
    hours: Floats, wait: Floats, size: Floats, theta: float, omega: float, uniform: Floats
) -> Floats:
    """Return the utilities of crossings with each man's Gumbel errors.

    Parameters
    ----------
    hours, wait, size, theta, omega
        As for ``crossing_utilities``.
    uniform : float64, shape (N, C)
        Draws ``crossing:<id>``.

    Returns
    -------
    float64, shape (N, C)
    """
    return crossing_utilities(hours, wait, size, theta, omega) - np.log(-np.log(uniform))


def choose_crossing(
    hours: Floats,
    wait: Floats,
    size: Floats,
    allowed: Bools,
    uniform: Floats,
    theta: float,
    omega: float,
) -> Ints:
    """Return each man's crossing: a logit with an error addressed by man and crossing.

    Parameters
    ----------
    hours : float64, shape (N, C)
        His journey to each crossing.
    wait, size : float64, shape (C,)
        Perceived waits (hours) and size weights.
    allowed : bool, shape (N, C)
        Crossings he may choose; at least one for each man.
    uniform : float64, shape (N, C)
        Draws ``crossing:<id>``.

    Returns
    -------
    int64, shape (N,)
        Column of ``argmax ln a[c] - theta (hours + omega wait) + Gumbel``.
    """
    value = crossing_values(hours, wait, size, theta, omega, uniform)
    return np.argmax(np.where(allowed, value, -np.inf), axis=1)


def journey_seconds(hours: Floats, z: Floats, sigma: float) -> Ints:
    """Return the time on the road: hours times a lognormal factor.

    Parameters
    ----------
    hours : float64, shape (N,)
        By map.
    z : float64, shape (N,)
        Standard normal, addressed by man.
    sigma : float
        Of the logarithm.

    Returns
    -------
    int64, shape (N,)
        Whole seconds.
    """
    return np.round(hours * np.exp(sigma * z) * HOUR).astype(np.int64)


class Limit(IntEnum):
    """What becomes of a man at an entry limit."""

    PASSES = 0
    WALKS = 1
    TURNS = 2
    HOME = 3


def at_entry_limit(
    u: Floats, passes: Floats, walks: Floats, turns: Floats, seats: Floats, foot_open: Bools
) -> npt.NDArray[np.uint8]:
    """Decide what men stopped at an entry limit do.

    Parameters
    ----------
    u : float64, shape (N,)
        Draws ``entry-limit``.
    passes, walks, turns : float64, shape (N,)
        Shares at the man's crossing and hour; ``walks`` and ``turns`` of those who do not pass.
    seats : float64, shape (N,)
        Of those who walk on where the foot lane takes nobody: who finds a seat in a car of the
        queue; the others go home.
    foot_open : bool, shape (N,)
        Whether the foot lane takes people.

    Returns
    -------
    uint8, shape (N,)
        ``Limit`` codes.
    """
    walk_end = passes + (1 - passes) * walks
    turn_end = walk_end + (1 - passes) * turns
    seated = u < passes + (1 - passes) * walks * seats
    on_foot = np.where(seated, Limit.PASSES, Limit.HOME)
    walking = np.where(foot_open, Limit.WALKS, on_foot)
    stopped = np.where(u < turn_end, Limit.TURNS, Limit.HOME)
    stopped = np.where(u < walk_end, walking, stopped)
    return np.where(u < passes, Limit.PASSES, stopped).astype(np.uint8)


class Trips(Book):
    """One row for each time a man set off."""

    columns: ClassVar[Mapping[str, type]] = {
        "row": np.int32,  # row of the population
        "man": np.int64,  # his id
        "tries": np.int8,  # 0 first, 1 second
        "destination": np.int8,
        "crossing": np.int16,
        "leaves_at": np.int32,  # s
        "arrives_at": np.int32,  # s, at the border
        "deadline": np.int32,  # s, when he gives up the queue
        "u_walk": np.float64,
        "liable": np.bool_,
        "listed": np.bool_,
        "weight": np.float64,  # men of the nation
        "limit": np.uint8,  # Limit
        "ends_at": np.int32,  # s, end of the queue
        "end": np.uint8,  # Status after it
        "reason": np.uint8,  # Reason
        "expected_notice": np.float64,
        "examined": np.bool_,
        "leaves_again_at": np.int32,  # s, moving on or returning
        "moves_on": np.bool_,
    }
