"""Integer codes: what a man is at an hour, and why he was stopped."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
import numpy.typing as npt

LACKS = "document:"
"""Before the name of the document that a man lacked, in tables."""

NEVER = 2**31 - 1
"""Seconds since the horizon's start of something that has not happened (int32)."""


class Status(IntEnum):
    """Where a man is. ``ABROAD`` and ``WANTS`` are followed by one code per destination."""

    HOME = 0
    HIDING = 1
    GAVE_UP = 2
    LIMITED = 3
    TURNED_BACK = 4
    QUEUEING = 5
    ON_THE_ROAD = 6
    ENLISTED = 7
    RETURNED = 8
    MOVED_ON = 9
    ABROAD = 16
    WANTS = 48


MOST_DESTINATIONS = Status.WANTS - Status.ABROAD


class Reason(IntEnum):
    """Why a man could not go, or by what he was stopped on his way.

    ``DOCUMENT`` is followed by one code per document, the passport first: it is what he lacked.
    """

    NONE = 0
    LIST = 1
    CLOSED = 2
    NOTICE = 3
    ENTRY_REFUSED = 4
    LIMIT = 5
    PATIENCE = 6
    DOCUMENT = 7


AT_EXIT = (Reason.LIST, Reason.CLOSED, Reason.NOTICE)
"""Reasons for which the Russian side turns men back."""


def refused_at_entry(reason: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
    """Return who was let out and then refused on the entry side.

    Parameters
    ----------
    reason : integer array, shape (N,)
        ``Reason`` codes.

    Returns
    -------
    bool, shape (N,)
    """
    return (reason == Reason.ENTRY_REFUSED) | (reason >= Reason.DOCUMENT)


def reason_names(documents: Sequence[str]) -> tuple[str, ...]:
    """Return the names of all reasons in the order of their codes, as tables write them."""
    plain = [reason.name.lower().replace("_", "-") for reason in Reason]
    return (*plain[: Reason.DOCUMENT], *(f"{LACKS}{name}" for name in documents))


class Lane(IntEnum):
    """Lanes of a crossing."""

    VEHICLES = 0
    FOOT = 1


def status_name(code: int, destinations: Sequence[str]) -> str:
    """Name a status code as tables write it, such as ``abroad-georgia`` or ``gave-up``."""
    for base, prefix in ((Status.WANTS, "wants"), (Status.ABROAD, "abroad")):
        if code >= base:
            known = code - base < len(destinations)
            return f"{prefix}-{destinations[code - base] if known else code - base}"
    named = code in Status._value2member_map_
    return Status(code).name.lower().replace("_", "-") if named else f"unused-{code}"
