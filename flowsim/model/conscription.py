"""Conscription: call-ups at home, the list at the border, task forces at crossings.

The announced pace is men enlisted; summonses are that over the share who comply. They are
spread over regions by the estimated call-up and in a region evenly over liable men, but for
the errors, which reach men who are not liable (ODD 7.5).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from flowsim.model.states import Reason
from flowsim.scenario.clock import Clock
from flowsim.scenario.policy import Announcement
from flowsim.scenario.quantity import Dated
from flowsim.types import Floats


def announced_total(pace: Dated, clock: Clock, hours: npt.NDArray[np.float64]) -> Floats:
    """Return the announced cumulative total, linear between announcements.

    Parameters
    ----------
    pace : Dated
        Men by moment, or one number throughout.
    clock : Clock
    hours : float64, shape (H,)
        Since the horizon's start.

    Returns
    -------
    float64, shape (H,)
        Men.
    """
    if not isinstance(pace.value, dict):
        return np.full(len(hours), float(pace.value))
    steps = sorted(pace.value.items())
    at = [float(clock.seconds(moment) / 3600) for moment, _ in steps]
    return np.interp(hours, at, [value for _, value in steps])


def panic_by_hour(wave: Announcement, clock: Clock, lag: float, decay: float) -> Floats:
    """Return one call-up's panic at the middle of each hour, shape (H,), before any rumour.

    ``(1 - exp(-t/lag)) exp(-t/decay) max(0, 1 - announced/target)``; 0 before the
    announcement and where nobody is to be called up.
    """
    hours = np.arange(clock.n_hours) + 0.5
    if wave.target.value <= 0:
        return np.zeros(len(hours))
    days = np.maximum(0.0, hours - clock.seconds(wave.announced) / 3600) / 24
    rise = -np.expm1(-days / lag) if lag > 0 else (days > 0).astype(float)
    fall = np.exp(-days / decay) if decay > 0 else np.zeros(len(days))
    left = np.maximum(
        0.0, 1 - announced_total(wave.pace, clock, np.asarray(hours)) / wave.target.value
    )
    return rise * fall * left


def relative_call_up(mobilised: Floats, men: Floats, disparity: float) -> Floats:
    """Return each region's call-up per man against the nation's.

    Parameters
    ----------
    mobilised, men : float64, shape (R,)
        Estimated men called up, and all men.
    disparity : float
        1 takes the estimates, 0 makes the call-up even over regions.

    Returns
    -------
    float64, shape (R,)
        Ratios, whose mean over men is 1.
    """
    ratio = (mobilised / men) / (mobilised.sum() / men.sum())
    relative = ratio**disparity
    return relative * men.sum() / (relative * men).sum()


def hazard_per_announced_man(
    relative: Floats, men: Floats, liable: Floats, error_share: float, comply: float
) -> Floats:
    """Return each man's chance of a summons per man announced.

    Parameters
    ----------
    relative : float64, shape (R,)
        From ``relative_call_up``.
    men, liable : float64, shape (R,)
        Men, and men liable to call-up.
    error_share : float
        Of the summonses, those that reach men who are not liable.
    comply : float
        Of the summoned who comply; the announced are those.

    Returns
    -------
    float64, shape (R, 2)
        Of men not liable, and liable.
    """
    summoned = relative * men / men.sum() / comply
    others = np.maximum(men - liable, 1.0)
    return np.stack(
        [summoned * error_share / others, summoned * (1 - error_share) / np.maximum(liable, 1.0)],
        axis=1,
    )


def cumulated_hazard(per_man: Floats, announced: float) -> Floats:
    """Return the hazard that makes each man's chance ``per_man * announced`` exactly.

    Parameters
    ----------
    per_man : float64, any shape
        Chance of a summons per man announced.
    announced : float
        Men announced so far.

    Returns
    -------
    float64, same shape
        ``-ln(1 - chance)``.
    """
    return -np.log1p(-np.minimum(per_man * announced, 0.999999))


def on_the_list(
    summoned: npt.NDArray[np.bool_], liable: npt.NDArray[np.bool_], u: Floats, extra: Floats
) -> npt.NDArray[np.bool_]:
    """Return who is on the border guards' list: the summoned, and liable men at random.

    Parameters
    ----------
    summoned, liable : bool, shape (N,)
    u : float64, shape (N,)
        Draws ``list-extra``.
    extra : float
        Share of the other liable men who are listed.

    Returns
    -------
    bool, shape (N,)
    """
    return summoned | (liable & (u < extra))


def examined_share(checks_per_hour: float, liable_per_hour: float) -> float:
    """Return the share of liable men whom a task force can examine."""
    if checks_per_hour <= 0:
        return 0.0
    return min(1.0, checks_per_hour / liable_per_hour) if liable_per_hour > 0 else 1.0


def check(
    closed: npt.NDArray[np.bool_],
    listed: npt.NDArray[np.bool_],
    liable: npt.NDArray[np.bool_],
    detection: Floats,
    examined: Floats,
    p_serve: Floats,
    u_detect: Floats,
    u_examine: Floats,
    u_serve: Floats,
) -> npt.NDArray[np.uint8]:
    """Decide at the head of the queue who is refused on the Russian side, and why.

    Parameters
    ----------
    closed : bool, shape (N,)
        The crossing is closed to the man at his hour.
    listed, liable : bool, shape (N,)
        What he is.
    detection, examined, p_serve : float64, shape (N,)
        Shares at his crossing and hour: of listed men detected, of liable men examined, and of the
        examined served.
    u_detect, u_examine, u_serve : float64, shape (N,)
        His draws.

    Returns
    -------
    uint8, shape (N,)
        ``Reason`` codes; a closure comes before the list, the list before the task force.
    """
    served = liable & (u_examine < examined) & (u_serve < p_serve)
    found = listed & (u_detect < detection)
    reason = np.where(found, Reason.LIST, np.where(served, Reason.NOTICE, Reason.NONE))
    return np.where(closed, Reason.CLOSED, reason).astype(np.uint8)


def notices(
    reason: npt.NDArray[np.uint8],
    liable: npt.NDArray[np.bool_],
    examined: Floats,
    p_serve: Floats,
    u_examine: Floats,
) -> tuple[npt.NDArray[np.bool_], Floats]:
    """Return who was examined by a task force, and how likely each was handed a notice.

    Parameters
    ----------
    reason : uint8, shape (N,)
        From ``check``; who was refused by the list or a closure never got to the task force.
    liable : bool, shape (N,)
    examined, p_serve : float64, shape (N,)
        Shares, as for ``check``.
    u_examine : float64, shape (N,)
        Draws.

    Returns
    -------
    bool, float64, shape (N,) each
        Examined; expected notices.
    """
    reached = (reason == Reason.NONE) | (reason == Reason.NOTICE)
    return reached & liable & (u_examine < examined), reached * liable * examined * p_serve
