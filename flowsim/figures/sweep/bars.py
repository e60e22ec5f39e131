"""Rows of bars, each with its name above it: what tornado and Sobol figures have in common."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes

from flowsim.figures.layout.panels import Frame, Room, scaled
from flowsim.figures.layout.sheet import Key, Sheet, fitted
from flowsim.figures.layout.style import INK, Preset
from flowsim.figures.sweep.arranger import Shown

ROW = 7.6
MOST = 14
NAME_AT, BAR_AT, BAR_HALF = 0.27, 0.70, 0.20
ROOM = Room(left=2.5, right=4.0, head=5.5, foot=9.5)


def rows_that_fit(n: int, frame: Frame, preset: Preset) -> int:
    """Return the number of rows for which a panel has room."""
    return max(1, min(n, int((frame.height + 0.1) / (0.98 * ROW * preset.scale))))


def height(shown: Shown) -> float:
    """Return the height of the axes for the rows of the longest panel."""
    return ROW * shown.preset.scale * min(max(map(len, shown.tables)), MOST)


def room(shown: Shown) -> Room:
    """Return the room around the axes; names need none at the left."""
    return scaled(ROOM, shown.preset)


def interval_key(meaning: str, ends: pd.Series[float]) -> list[Key]:
    """Return the key of whiskers, if there are any."""
    look = {"color": INK, "linewidth": 1.0}
    return [Key(meaning, look)] if ends.notna().any() else []


def prepare(ax: Axes, names: Sequence[str], frame: Frame, sheet: Sheet) -> None:
    """Set the rows of a panel from the top down, and write the name of each."""
    ax.set_ylim(len(names), 0)
    ax.spines["left"].set_visible(False)
    ax.tick_params(left=False, labelleft=False)
    size = sheet.preset.small
    across = ax.get_yaxis_transform()
    for row, name in enumerate(names):
        text = fitted(name, size, frame.width)
        look = {"size": size, "color": INK, "va": "center_baseline", "zorder": 5}
        ax.text(0.0, row + NAME_AT, text, transform=across, **look)  # type: ignore[arg-type]


def whisker(ax: Axes, row: float, low: float, high: float) -> None:
    """Draw an interval across the end of a bar."""
    ax.plot([low, high], [row, row], color=INK, linewidth=1.0, zorder=4, solid_capstyle="butt")
    for end in (low, high):
        ax.plot([end, end], [row - 0.07, row + 0.07], color=INK, linewidth=0.8, zorder=4)
