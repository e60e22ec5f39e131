"""What a man decides, and when: the one law of leaving, as functions of arrays (ODD 7.2 to 7.5).

A threshold is passed, a wish can be acted on, one wish comes first, a summons finds him at home
or gone, he sets off, he tries once more. The columns call these functions with all men, ``Man``
with arrays of one, the comparison with men over a whole horizon; the biography reads what they
wrote. Nothing here draws: draws come in as arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from flowsim.model.states import NEVER, Reason
from flowsim.scenario.clock import DAY, HOUR
from flowsim.scenario.timetable import WARM_UP
from flowsim.types import Bools, Floats, Ints

# -- a threshold is passed


def as_thresholds(level: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Return levels in the precision of thresholds, in which the two are compared.

    Parameters
    ----------
    level : float array, any shape

    Returns
    -------
    float32, same shape
    """
    return level.astype(np.float32, copy=False)


def is_passed(threshold: npt.NDArray[np.float32], level: npt.NDArray[np.floating]) -> Bools:
    """Return whether levels have passed thresholds (``Thresholds`` for many).

    Parameters
    ----------
    threshold : float32
    level : float array
        Shapes broadcast.

    Returns
    -------
    bool, the common shape
    """
    return threshold <= as_thresholds(level)


class Thresholds:
    """Men whose thresholds growing levels will pass, by group.

    Parameters
    ----------
    group : integer array, shape (N,)
        Group (stratum) of each man, 0 to ``n_groups - 1``.
    threshold : float32, shape (N,)
        Non-negative thresholds.
    level : float64, shape (G,)
        Levels already passed.
    cap : float64, shape (G,), optional
        Levels that will never be exceeded: thresholds above are not looked at. Without it all
        are, and ``threshold`` is used up.
    """

    def __init__(
        self,
        group: npt.NDArray[np.integer],
        threshold: npt.NDArray[np.float32],
        level: Floats,
        cap: Floats | None = None,
    ) -> None:
        self._group, self._threshold = group.astype(np.int32, copy=False), threshold
        self._rows = np.arange(len(group), dtype=np.int32)
        if cap is not None:
            self._keep(is_passed(threshold, as_thresholds(cap).take(group)))
        self._n_passed = 0
        self.advance(level)

    def advance(self, level: Floats) -> tuple[Ints, npt.NDArray[np.float32]]:
        """Return the men passed since the last call, and their thresholds.

        Parameters
        ----------
        level : float64, shape (G,)
            Levels reached now, none below the last ones.

        Returns
        -------
        int64, float32, shape (n,) each
            Their rows, ascending, and thresholds.
        """
        passed = np.flatnonzero(is_passed(self._threshold, as_thresholds(level).take(self._group)))
        rows, threshold = self._rows[passed].astype(np.int64), self._threshold[passed]
        self._threshold[passed] = np.nan  # once
        self._n_passed += len(passed)
        if 4 * self._n_passed > len(self._rows):
            self._keep(~np.isnan(self._threshold))
            self._n_passed = 0
        return rows, threshold

    def _keep(self, some: Bools) -> None:
        """Look at some of the men alone from now on."""
        place = np.flatnonzero(some)
        self._rows, self._group = self._rows.take(place), self._group.take(place)
        self._threshold = self._threshold.take(place)


def moments(
    threshold: npt.NDArray[np.floating], before: Floats, after: Floats, pace: Floats, day: int
) -> Ints:
    """Return the moment at which a level that rises over a day passes each man's threshold.

    Within a day utilities are frozen, so pressure grows with the panic integral (and the
    call-up hazard with the men announced), and the moment follows by inverting it (ODD 7.2;
    Sellke 1983).

    Parameters
    ----------
    threshold : float32, shape (N,)
        Of men whose threshold lies between the two levels.
    before, after : float64, shape (N,)
        Level each man faces at the start and at the end of the day.
    pace : float64, shape (24,)
        How the day's rise is spread over its hours.
    day : int
        Day of the horizon.

    Returns
    -------
    int64, shape (N,)
        Seconds since the horizon's start.
    """
    if len(threshold) == 0:
        return np.zeros(0, dtype=np.int64)
    integral = np.concatenate([[0.0], np.cumsum(pace)])
    share = (threshold.astype(np.float64) - before) / (after - before)
    share = np.minimum(np.maximum(share, 0.0), 1.0)
    hours = np.interp(share * integral[-1], integral, np.arange(25.0))
    seconds = np.minimum(np.round(hours * HOUR), DAY - 1)
    return day * int(DAY) + seconds.astype(np.int64)


def moments_toward(
    threshold: npt.NDArray[np.floating],
    before: Floats,
    after: Floats,
    pace: Floats,
    where: npt.NDArray[np.integer],
    day: int,
) -> Ints:
    """Return ``moments`` where the pace differs by destination.

    Parameters
    ----------
    threshold, before, after
        As in ``moments``, each shape (N,).
    pace : float64, shape (24, J)
        How the rise toward each destination is spread over the day.
    where : int64, shape (N,)
        Destination whose threshold is passed.
    day : int
        Day of the horizon.

    Returns
    -------
    int64, shape (N,)
        Seconds since the horizon's start.
    """
    out = np.zeros(len(where), dtype=np.int64)
    for j in np.unique(where).tolist():
        some = where == j
        out[some] = moments(threshold[some], before[some], after[some], pace[:, j], day)
    return out


# -- a wish can be acted on


@dataclass(frozen=True)
class Openings:
    """When destinations are available to men, by the documents they hold.

    Attributes
    ----------
    available : bool, shape (H, D, J)
        By hour of the table, documents held and destination.
    release : float
        Seconds over which men pent up leave after a reopening.
    """

    available: Bools
    release: float

    @cached_property
    def next_available(self) -> Ints:
        """First hour of the table, from each hour on, at which it is available, (H, D, J)."""
        hours = np.arange(len(self.available))[:, None, None]
        later = np.where(self.available, hours, 2**40)
        return np.minimum.accumulate(later[::-1], axis=0)[::-1]

    def are_open(self, at: Ints, holds: Ints, where: Ints) -> Bools:
        """Return whether destinations are available to men at some seconds.

        Parameters
        ----------
        at, holds, where : int64, shape (N,)
            Second since the horizon's start, documents held, destination.

        Returns
        -------
        bool, shape (N,)
        """
        return self.available[WARM_UP + at // 3600, holds, where]

    def acts_at(
        self, wished_at: Ints, holds: Ints, where: Ints, draw: Callable[[Ints], Floats]
    ) -> Ints:
        """Return when men can act on wishes: at once, or spread after a reopening.

        Parameters
        ----------
        wished_at, holds, where : int64, shape (N,)
            Second of the wish, documents held, destination.
        draw : callable
            Returns the draw ``release`` of some places, in (0, 1), for those who must wait.

        Returns
        -------
        int64, shape (N,)
            Seconds; ``NEVER`` if that lies beyond the horizon.
        """
        row = WARM_UP + wished_at // 3600
        opens = self.next_available[row, holds, where]
        at = np.where(opens < len(self.available), wished_at, NEVER)
        waits = np.flatnonzero((opens > row) & (at < NEVER))
        if len(waits):
            spread = np.round(self.release * draw(waits)).astype(np.int64)
            at[waits] = self._reopening(at[waits], holds[waits], where[waits], spread)
        return at

    def _reopening(self, at: Ints, holds: Ints, where: Ints, spread: Ints) -> Ints:
        """Return when each finds his destination open, ``spread`` seconds after it opens."""
        last = len(self.available) - 1
        waiting = np.ones(len(at), dtype=bool)
        while waiting.any():
            opens = self.next_available[np.minimum(WARM_UP + at // 3600, last), holds, where]
            at = np.where(waiting, np.minimum((opens - WARM_UP) * 3600 + spread, NEVER), at)
            row = WARM_UP + at // 3600
            waiting &= (row <= last) & ~self.available[np.minimum(row, last), holds, where]
        return np.where(WARM_UP + at // 3600 > last, NEVER, at)


def first_wishes(
    man: npt.NDArray[np.integer],
    leaves_at: npt.NDArray[np.integer],
    passed_at: npt.NDArray[np.integer],
) -> Ints:
    """Return each man's wish that comes first: in leaving, then in being passed.

    Parameters
    ----------
    man, leaves_at, passed_at : integer array, shape (N,)
        One entry for each wish: whose it is, the second at which he could leave for it, the second
        at which pressure passed his threshold.

    Returns
    -------
    int64, one entry for each man
        Places in the arguments, in ascending order of men.
    """
    first_left = (leaves_at.astype(np.int64) << 31) + passed_at  # both are below 2**31
    order = np.lexsort((first_left, man))
    sorted_men = man[order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = sorted_men[1:] != sorted_men[:-1]
    return order[first]


# -- the summons, and setting off


def finds_at_home(
    at: npt.NDArray[np.integer], is_home: Bools, departs_at: npt.NDArray[np.integer]
) -> Bools:
    """Return whom a summons finds: at home this morning and not gone by then.

    Parameters
    ----------
    at : integer array, shape (N,)
        Second of the summons.
    is_home : bool, shape (N,)
        At home this morning.
    departs_at : integer array, shape (N,)
        Second of today's departure, ``NEVER`` if none; who sets off at the very second of the
        summons is gone.

    Returns
    -------
    bool, shape (N,)
    """
    return is_home & (departs_at > at)


def complies(u: Floats, share: float) -> Bools:
    """Return who of the summoned complies and is enlisted; the others hide.

    Parameters
    ----------
    u : float64, shape (N,)
        Draws ``comply``.
    share : float
        Of the summoned who comply, 0 to 1.

    Returns
    -------
    bool, shape (N,)
    """
    return u < share


def is_free(enlisted_at: npt.NDArray[np.integer], at: npt.NDArray[np.integer]) -> Bools:
    """Return who has not been enlisted by some moments, and may set off.

    Parameters
    ----------
    enlisted_at, at : integer array, shape (N,)
        Seconds; ``NEVER`` if not enlisted.

    Returns
    -------
    bool, shape (N,)
    """
    return enlisted_at > at


# -- a second try


def may_try_again(
    tries: npt.NDArray[np.integer], reason: npt.NDArray[np.uint8], u: Floats, share: float
) -> Bools:
    """Return who, turned back for the first time and not served, will try elsewhere.

    Parameters
    ----------
    tries : integer array, shape (N,)
        0 on a first trip.
    reason : uint8, shape (N,)
        ``Reason`` codes.
    u : float64, shape (N,)
        Draws ``second-try``.
    share : float
        Of those who could, who do.

    Returns
    -------
    bool, shape (N,)
    """
    return (tries == 0) & (reason != Reason.NOTICE) & (u < share)


def tries_again_at(ended_at: npt.NDArray[np.integer], delay: int, morning: int) -> Ints:
    """Return the second of a second try: after the delay, at the earliest this morning.

    Parameters
    ----------
    ended_at : integer array, shape (N,)
        Seconds at which first tries ended.
    delay, morning : int
        Seconds: how long men wait, and when today began.

    Returns
    -------
    int64, shape (N,)
        Seconds since the horizon's start.
    """
    return np.maximum(ended_at.astype(np.int64) + delay, morning)
