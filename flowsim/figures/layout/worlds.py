"""The same daily curve in several worlds: one in front with its range, others in grey behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from flowsim.figures.layout import timelines
from flowsim.figures.layout.sheet import Key
from flowsim.figures.layout.style import BLUE

OWN: dict[str, Any] = {"color": BLUE, "linewidth": 1.2}


def draw(data: pd.DataFrame, world: str, ax: Axes, behind: Sequence[str], **look: Any) -> None:
    """Draw one panel of small multiples.

    Parameters
    ----------
    data : DataFrame
        Columns world, date, value, low, high.
    world : str
        The one in front.
    behind : sequence of str
        Those drawn behind it, if they are others.
    look : dict
        Of the lines behind.
    """
    for other, rows in data[data["world"].isin(behind)].groupby("world", sort=False):
        if other != world:
            ax.plot(rows["date"], rows["value"], zorder=1, **look)
    own = data[data["world"] == world]
    timelines.curve(ax, own["date"], own, **OWN)


def keys(own: str, n: int, others: str, **look: Any) -> list[Key]:
    """Return the key of small multiples with ``n`` replications in each world."""
    return [Key(own, OWN), *timelines.range_key(n), Key(others, look)]
