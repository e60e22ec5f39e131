"""Ordinary travellers abroad: they come, stay and leave again (ODD 7.8).

Nobody follows a single one of them. A share stays a short time and the rest a long one, both
exponential, so the persons present follow from the entries alone, hour by hour; before the
horizon everything stood still at the level of the weeks before.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from flowsim.types import Floats


class Present(NamedTuple):
    """Ordinary travellers in each destination.

    Attributes
    ----------
    exits : float64, shape (H, J)
        Persons who leave in each hour.
    present : float64, shape (H + 1, J)
        Persons there at each full hour; ``present[h] + entries[h] - exits[h]`` is
        ``present[h + 1]``, exactly.
    """

    exits: Floats
    present: Floats


def _there(there: float, stay: float, come: list[float]) -> Iterator[float]:
    """Yield who is there at the start and after each hour: who stayed, and who came in it."""
    yield there
    for new in come:
        there = there * stay + new
        yield there


def stays(
    entries: Floats, before: Floats, short_share: Floats, short: Floats, long: Floats
) -> Present:
    """Compute who is present and who leaves, from the entries.

    Stays are exponential. Within an hour people come evenly, so of ``n`` who come in it
    ``n (1 - exp(-x)) / x`` are still there at its end, ``x = 1 / mean stay``.

    Parameters
    ----------
    entries : float64, shape (H, J)
        Ordinary travellers who enter in each hour.
    before : float64, shape (J,)
        Persons an hour who entered, and left, in the weeks before.
    short_share : float64, shape (J,)
        Share of them whose stay is short.
    short, long : float64, shape (J,)
        Mean stays in hours, above 0.

    Returns
    -------
    Present
        Exits and persons present, by hour and destination.
    """
    present = np.zeros((len(entries) + 1, entries.shape[1]))
    for share, mean in ((short_share, short), (1 - short_share, long)):
        stay = np.exp(-1 / mean)
        come = share * -np.expm1(-1 / mean) * mean * entries
        there = share * before * mean
        for j, column in enumerate(come.T.tolist()):
            present[:, j] += list(_there(float(there[j]), float(stay[j]), column))
    return Present(present[:-1] + entries - present[1:], present)
