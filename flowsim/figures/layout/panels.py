"""Panels side by side or below each other, with the words around each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import to_rgb
from matplotlib.ticker import FuncFormatter, MaxNLocator

from flowsim.figures.layout.sheet import POINT, Caption, Cell, Drawn, Sheet, shrunk, text_width
from flowsim.figures.layout.style import QUIET, Preset

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
