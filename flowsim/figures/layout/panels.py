"""Panels side by side or below each other, with the words around and in each.

Among them ladders: rows with a name on the left and a value with its interval on the right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import to_rgb
from matplotlib.patheffects import AbstractPathEffect, withStroke
from matplotlib.ticker import FuncFormatter, MaxNLocator

from flowsim.figures.layout.sheet import (
    MARGIN,
    MM,
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
from flowsim.figures.layout.style import BLUE, INK, PALE, QUIET, Preset, plain
from flowsim.findings.words import plural

Box = tuple[float, float, float, float]
"""Left, lower, right and upper edge, in units of what they stand on."""


STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Room:
    """What is kept free around the axes of each panel, in mm."""

    left: float = 13.0
    right: float = 4.0
    head: float = 9.0
    foot: float = 9.5


@dataclass(frozen=True)
class Frame:
    """Where the axes of a panel stand, in mm of the body of a sheet."""

    sheet: Sheet
    left: float
    top: float
    width: float
    height: float
    room: Room

    @property
    def preset(self) -> Preset:
        """The printed size."""
        return self.sheet.preset

    def axes(self) -> Axes:
        """Add the axes of the panel."""
        return self.sheet.axes(self.left, self.top, self.width, self.height)

    def head(self, heading: str, upward: str = "") -> None:
        """Write the panel's heading, and below it what its vertical axis shows."""
        preset, room = self.preset, self.room
        step = preset.text * POINT * 1.28
        left, top = self.left - room.left + 2.5, self.top - step * (2 if upward else 1) - 1.0
        width = room.left + self.width + room.right - 4.0
        self.sheet.text(left, top, *shrunk(heading, preset.text, width, "bold"), weight="bold")
        if upward:
            self.sheet.text(left, top + step, *shrunk(upward, preset.small, width), color=QUIET)

    def foot(self, text: str) -> None:
        """Write what the panel's horizontal axis shows, below its tick labels, ending with it."""
        size, room = self.preset.small, self.room
        line, size = shrunk(text, size, room.left + self.width + room.right - 5.0)
        end = self.left + self.width + min(room.right - 2.5, 4.0)
        left = max(self.left - room.left + 2.5, end - text_width(line, size))
        below = self.top + self.height + 1.5 + size * POINT * 1.4
        self.sheet.text(left, below, line, size, color=QUIET)


def columns(n: int, preset: Preset) -> int:
    """Return the number of panels side by side."""
    if preset.narrow or n == 1:
        return 1
    if preset.is_slide:
        return n if n <= 3 else -(-n // 2)
    return 2


def drawn(
    caption: Caption,
    preset: Preset,
    height: float,
    room: Room,
    draw: Sequence[Callable[[Frame], None]],
) -> Drawn:
    """Draw a figure of panels whose axes are so high, each into its frame."""

    def panel(place: int, sheet: Sheet, cell: Cell) -> None:
        left, top = cell.left + room.left, cell.top + room.head
        width, high = cell.width - room.left - room.right, cell.height - room.head - room.foot
        draw[place](Frame(sheet, left, top, width, high, room))

    heights = [room.head + height + room.foot] * len(draw)
    return caption.arranged(preset, heights, panel, columns(len(draw), preset), gap=0.0)


def scaled(room: Room, preset: Preset) -> Room:
    """Return the same room for the larger type of a slide."""
    k = preset.scale
    return Room(room.left * k, room.right * k, room.head * k, room.foot * k)


def number_ticks(axis: Axis, most: int, text: Callable[[float], str]) -> None:
    """Put ticks at round numbers, about ``most``, each written by ``text``."""
    axis.set_major_locator(MaxNLocator(most, steps=STEPS))
    axis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))


def tick_texts(low: float, high: float, most: int, text: Callable[[float], str]) -> list[str]:
    """Return what ``number_ticks`` will write between two limits."""
    return [text(value) for value in MaxNLocator(most, steps=STEPS).tick_values(low, high)]


def widest(texts: Sequence[str], preset: Preset) -> float:
    """Return the width in mm of the widest of some labels."""
    return max((text_width(text, preset.small) for text in texts), default=0.0)


def apart(places: Sequence[float] | npt.NDArray[np.float64], need: float) -> list[int]:
    """Choose labels along an axis that stand at least ``need`` apart, from the first on.

    Parameters
    ----------
    places : sequence of float
        In order, in the same unit as ``need``.
    """
    kept: list[int] = []
    for n, place in enumerate(places):
        if not kept or place - places[kept[-1]] >= need:
            kept.append(n)
    return kept


def spaced(places: Sequence[float], need: float, low: float, high: float) -> list[float]:
    """Move labels apart so that they stand at least ``need`` apart, near where they belong."""
    order = sorted(range(len(places)), key=lambda n: places[n])
    moved = [min(max(places[n], low + need / 2), high) for n in order]
    for _ in range(50):
        for n in range(len(moved) - 1):
            overlap = need - (moved[n + 1] - moved[n])
            if overlap > 1e-6:
                moved[n] -= overlap / 2
                moved[n + 1] += overlap / 2
        shift = max(0.0, low + need / 2 - moved[0]) if moved else 0.0
        moved = [place + shift for place in moved]
    found = dict(zip(order, moved, strict=True))
    return [found[n] for n in range(len(places))]


def darker(color: str) -> tuple[float, float, float]:
    """Return a colour dark enough for small type."""
    r, g, b = to_rgb(color)
    return 0.68 * r, 0.68 * g, 0.68 * b


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


def ladders(
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


@dataclass(frozen=True)
class Name:
    """A name on the map: of a crossing or a country, and the point it belongs to."""

    text: str
    x: float
    y: float
    kind: str


def write_names(
    ax: Axes, names: Sequence[Name], taken: list[Box], preset: Preset, width: float
) -> None:
    """Write names where they cover neither a dot nor another name, else leave them out."""
    left, right = ax.get_xlim()
    low, high = ax.get_ylim()
    mm = width / (right - left)
    tall = preset.small / 72 * MM * 1.15 / mm
    halo: list[AbstractPathEffect] = [withStroke(linewidth=1.6, foreground="white", alpha=0.85)]
    for name in names:
        wide = text_width(plain(name.text), preset.small) / mm
        places = _offsets(name.kind, wide, tall, mm)
        boxes = [around(name.x + dx, name.y + dy, wide, tall) for dx, dy in places]
        box = free(boxes, taken, (left, low, right, high))
        if box is not None:
            style = "italic" if name.kind == "country" else "normal"
            text = ax.text(*middle(box), plain(name.text), size=preset.small, style=style, zorder=6)
            text.set(ha="center", va="center_baseline", path_effects=halo)
            text.set_color(QUIET if name.kind == "country" else INK)


def around(x: float, y: float, wide: float, tall: float) -> Box:
    """Return the box of a name whose middle is at a point."""
    return (x - wide / 2, y - tall / 2, x + wide / 2, y + tall / 2)


def middle(box: Box) -> tuple[float, float]:
    """Return the middle of a box."""
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def free(boxes: Iterable[Box], taken: list[Box], room: Box) -> Box | None:
    """Return the first box inside the room that covers nothing taken, and take it."""
    for box in boxes:
        inside = room[0] < box[0] and box[2] < room[2] and room[1] < box[1] and box[3] < room[3]
        if inside and not any(_overlap(box, other) for other in taken):
            taken.append(box)
            return box
    return None


def _offsets(kind: str, wide: float, tall: float, mm: float) -> list[tuple[float, float]]:
    """Return the places to try for a name, from its point, in units of the map."""
    away = 3.4 / mm
    if kind == "country":
        return [(0, 0), *[(0, n * tall) for n in (-1, -2.2, 1, -3, -4)], (0.35 * wide, -tall)]
    return [
        (0, -away - tall / 2),
        (wide / 2 + away, 0),
        (-wide / 2 - away, 0),
        (0, -away - 1.7 * tall),
        (0, away + tall / 2),
        (wide / 2 - 1.2 * away, -away - tall / 2),
        (wide / 2 - 1.2 * away, -away - 1.7 * tall),
    ]


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
