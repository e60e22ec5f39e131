"""Integer codes: what a man is at an hour, and why he was stopped."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

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
    """Why a man was turned back, or by what he was sent home."""

    NONE = 0
    LISTED = 1
    CLOSED = 2
    SERVED = 3
    ENTRY = 4


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
