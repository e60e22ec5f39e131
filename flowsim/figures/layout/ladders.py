"""Rows with a name on the left and a value with its interval on the right: dot and whisker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from flowsim.figures.layout.sheet import (
    MARGIN,
    POINT,
    SMALLEST,
    Caption,
    Cell,
    Drawn,
    Key,
    Sheet,
    shrunk,
    text_width,
    wrap,
)
from flowsim.figures.layout.style import BLUE, INK, PALE, Preset, plain
from flowsim.findings.words import plural

STEP, HEAD, FOOT = 4.3, 5.4, 9.0
LOWEST = 3.3
MOST_NAME = 0.45


@dataclass(frozen=True)
class Ladder:
    """Rows with names, and what is drawn in them.

    Attributes
    ----------
    axis : str
        What the horizontal axis shows.
    draw : callable
        Draws into axes whose row n is at y = n.
    head : str
        Above it, if there are several.
    high : float
        Height of a row, 1 for one of a single dot.
    """

    names: Sequence[str]
    axis: str
    draw: Callable[[Axes], None]
    head: str = ""
    high: float = 1.0


def drawn(
    caption: Caption,
    preset: Preset,
    parts: Sequence[Ladder],
    beside: int = 1,
    share: float = 0.7,
    head: float = HEAD,
    least: float = 0.0,
) -> Drawn:
    """Draw ladders below each other, ``beside`` of them next to each other.

    Parameters
    ----------
    share, least : float
        Of their height, or in mm: without which they cannot be read.
    head : float
        Room for each heading, in mm.
    """

    def draw(n: int, sheet: Sheet, cell: Cell) -> None:
        inner = headed(sheet, cell, parts[n].head, head) if parts[n].head else cell
        parts[n].draw(ladder(sheet, inner, parts[n].names, parts[n].axis))

    heights = [
        (len(part.names) * part.high * STEP + FOOT) * preset.scale
        + head * preset.scale * bool(part.head)
        for part in parts
    ]
    lines = [max(heights[n : n + beside]) for n in range(0, len(heights), beside)]
    return caption.arranged(preset, heights, draw, beside, least=least or share * sum(lines))


def rows_that_fit(preset: Preset) -> int:
    """Return for how many rows a whole figure has room."""
    return int((preset.tallest - (50.0 if preset.is_slide else 60.0)) / (LOWEST * preset.scale))


def left_out(name: str, n: int, noun: str = "row") -> str:
    """Return the end of a note on rows for which there is no room; empty if there are none."""
    return f" {plural(n, noun)} more: {name}.csv." if n > 0 else ""


def headed(sheet: Sheet, cell: Cell, head: str, room: float) -> Cell:
    """Write a heading into the upper ``room`` mm of a cell; return what is left below."""
    preset, high = sheet.preset, room * sheet.preset.scale
    text = shrunk(head, preset.text, cell.width - 2 * MARGIN, "bold")
    sheet.text(cell.left + MARGIN, cell.top, *text, weight="bold")
    return Cell(cell.left, cell.top + high, cell.width, cell.height - high)


def key(meaning: str, **look: Any) -> Key:
    """Return the key of a dot."""
    if look.pop("hollow", False):
        look["markerfacecolor"] = "white"
    return Key(meaning, {"color": BLUE, "marker": "o", "linestyle": "none"} | look)


def ladder(sheet: Sheet, cell: Cell, names: Sequence[str], axis: str) -> Axes:
    """Write the names in a column, every other row shaded; return axes whose row n is at y = n.

    Parameters
    ----------
    axis : str
        What the horizontal axis shows, written below it.
    """
    preset, scale = sheet.preset, sheet.preset.scale
    widest = max((text_width(plain(name), preset.small) for name in names), default=10.0)
    room = min(widest + 1.0, MOST_NAME * cell.width)
    left = cell.left + 2.5 + room + 2.0
    width = cell.left + cell.width - left - 5.0
    high = cell.height - FOOT * scale
    ax = sheet.axes(left, cell.top, width, high)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.xaxis.set_major_locator(MaxNLocator(5 if width > 45 else 3))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
    step, line = high / max(1, len(names)), preset.small * POINT * 1.05
    for n, name in enumerate(names):
        look: dict[str, Any] = {"va": "center_baseline", "ha": "right"}
        lines = [name]
        if text_width(plain(name), SMALLEST) > room and step > 2 * line:
            lines = wrap(name, preset.small, room)[:2]
        for row, text in enumerate(lines):
            top = cell.top + (n + 0.5) * step + (row - (len(lines) - 1) / 2) * line
            sheet.text(left - 2.0, top, *shrunk(text, preset.small, room), **look)
    label = shrunk(axis, preset.small, width + room)
    sheet.text(left + width, cell.top + high + 4.6 * scale, *label, ha="right")
    shaded: dict[str, Any] = {"color": PALE, "alpha": 0.45, "linewidth": 0, "zorder": 0}
    edges = np.repeat(np.arange(len(names) + 1) - 0.5, 2)[1:-1]
    odd = np.repeat(np.arange(len(names)) % 2 == 0, 2)
    across = ax.get_yaxis_transform()
    ax.fill_betweenx(edges, 0.0, 1.0, where=odd, transform=across, **shaded)
    return ax


def dot(
    ax: Axes, rows: Any, values: Any, low: Any, high: Any, chance: Any = None, **look: Any
) -> None:
    """Draw dots of one look with their whiskers, where these are known.

    Parameters
    ----------
    rows, values, low, high : float or array of float
        Row and value of each dot, and the ends of its whisker.
    chance : pair of float or array, optional
        What chance alone makes of them, if the whiskers hold more.
    look : dict
        Of the dots; ``hollow`` marks imputed input.
    """
    hollow = look.pop("hollow", False)
    colour = look.pop("color", BLUE)
    marker: dict[str, Any] = {"marker": "o", "markersize": 4.6} | look
    rows, values, low, high = (np.atleast_1d(part) for part in (rows, values, low, high))
    ax.hlines(rows, low, high, colors=colour, linewidth=1.3, zorder=3)
    if chance is not None:
        least, most = chance
        ax.hlines(rows, least, most, colors=colour, linewidth=3.2, alpha=0.4)
    ax.plot(
        values,
        rows,
        color=colour,
        zorder=4,
        linestyle="none",
        markerfacecolor="white" if hollow else colour,
        markeredgewidth=1.1,
        **marker,
    )


def dots(
    ax: Axes, data: pd.DataFrame, columns: Sequence[Any], looks: Sequence[dict[str, Any]] = ()
) -> None:
    """Draw a dot for each row: value, low and high are in ``columns``."""
    spans = data[list(columns)].to_numpy(float)
    drawn: dict[str, list[int]] = {}
    for n, look in enumerate(looks or [{}] * len(data)):
        drawn.setdefault(str(look), []).append(n)
    for rows in drawn.values():
        dot(ax, rows, *spans[rows].T, **(looks[rows[0]] if looks else {}))


def reference(ax: Axes, value: float) -> None:
    """Draw the line to compare with."""
    ax.axvline(value, color=INK, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
