"""Rows of bars, each with its name above it: what tornado and Sobol figures have in common."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from flowsim.figures.layout.panels import Frame, Room, scaled
from flowsim.figures.layout.sheet import Key, shrunk
from flowsim.figures.layout.style import INK, Preset
from flowsim.figures.sweep.swept import Parts, Shown
from flowsim.findings.words import plural

ROW, LOWEST = 7.6, 6.4
NAME_AT, BAR_AT, BAR_HALF = 0.27, 0.70, 0.20
ROOM = Room(left=2.5, right=4.0, head=5.5, foot=9.5)


def most(preset: Preset) -> int:
    """Return the number of rows for which a panel has room."""
    return 6 if preset.is_slide else 12 if preset.narrow else 14


def height(shown: Shown) -> float:
    """Return the height of the axes for the rows of the longest panel."""
    n = min(max(len(view.rows) for view in shown.views), most(shown.preset))
    return n * (LOWEST if shown.preset.narrow else ROW) * shown.preset.scale


def left_out(name: str, shown: Shown) -> str:
    """Return how many parameters there was no room for; empty if for all."""
    n = max(len(view.rows) for view in shown.views) - most(shown.preset)
    return f"{plural(n, 'parameter')} of less effect not shown: {name}.csv." if n > 0 else ""


parts = partial(Parts, height=height, room=lambda shown: scaled(ROOM, shown.preset), in_column=1)
"""What a figure of bars does in its own way, with the height and room of all of them."""


def interval_key(meaning: str, ends: pd.Series[float]) -> list[Key]:
    """Return the key of whiskers, if there are any."""
    look = {"color": INK, "linewidth": 1.0}
    return [Key(meaning, look)] if ends.notna().any() else []


def axes(frame: Frame, names: Sequence[str]) -> Axes:
    """Add the axes of a panel with a row for each name from the top down, and write the names."""
    ax = frame.axes()
    ax.set_ylim(len(names), 0)
    ax.spines["left"].set_visible(False)
    ax.tick_params(left=False, labelleft=False)
    look: dict[str, Any] = {"color": INK, "va": "center_baseline", "zorder": 5}
    for row, name in enumerate(names):
        text, size = shrunk(name, frame.preset.small, frame.width)
        ax.text(0.0, row + NAME_AT, text, transform=ax.get_yaxis_transform(), size=size, **look)
    return ax


def whisker(ax: Axes, row: float, low: float, high: float) -> None:
    """Draw an interval across the end of a bar."""
    ax.plot([low, high], [row, row], color=INK, linewidth=1.0, zorder=4, solid_capstyle="butt")
    for end in (low, high):
        ax.plot([end, end], [row - 0.07, row + 0.07], color=INK, linewidth=0.8, zorder=4)
