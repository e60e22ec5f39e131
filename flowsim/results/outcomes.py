"""What can become of a man by the end, as comparisons name it."""

from __future__ import annotations

from collections.abc import Sequence

HOME, HIDING, ENLISTED = "home", "hiding", "enlisted"
LIMITED, GAVE_UP, TURNED_BACK, UNDERWAY = "limited", "gave-up", "turned-back", "underway"


def outcomes(destinations: Sequence[str]) -> tuple[str, ...]:
    """Name what can become of a man, from staying to having reached a destination.

    Who moved on or returned counts under the destination that he reached; who is on the road
    or in a queue when the horizon ends is ``underway``.
    """
    return (
        HOME,
        *(f"wants-{name}" for name in destinations),
        HIDING,
        ENLISTED,
        LIMITED,
        GAVE_UP,
        TURNED_BACK,
        UNDERWAY,
        *(f"reached-{name}" for name in destinations),
    )
