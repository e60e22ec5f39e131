"""A figure laid out in millimetres: title, subtitle and key above, source line below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.dates import date2num
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from flowsim.figures.layout.style import FAMILY, INK, QUIET, Preset, plain

MM = 25.4
POINT = MM / 72
MARGIN = 2.5
LEADING = 1.28
LEAST = 46.0
ABREAST = 4


def at(moment: datetime) -> float:
    """Return a moment as a place on a time axis."""
    return float(date2num(moment))  # type: ignore[no-untyped-call]


@lru_cache(maxsize=1)
def _renderer() -> RendererAgg:
    return RendererAgg(1, 1, 720)  # type: ignore[no-untyped-call]


@lru_cache(maxsize=4096)
def text_width(text: str, size: float, weight: str = "normal") -> float:
    """Measure a line of text, in mm, at a size in points."""
    type_ = FontProperties(family=[FAMILY], size=size, weight=weight)
    renderer: Any = _renderer()
    width, _, _ = renderer.get_text_width_height_descent(text, type_, ismath=False)
    return float(width) * POINT / 10 * 1.005


def wrap(text: str, size: float, width: float, weight: str = "normal") -> list[str]:
    """Break a text into lines no wider than ``width`` mm; a word too long is cut."""
    lines: list[str] = []
    space, room = text_width("n n", size, weight) - text_width("nn", size, weight), 0.0
    for word in plain(text).split(" "):
        wide = text_width(word, size, weight)
        if lines and space + wide <= room:
            lines[-1] += f" {word}"
            room -= space + wide
        else:
            lines.append(fitted(word, size, width, weight))
            room = width - wide
    return lines


def fitted(text: str, size: float, width: float, weight: str = "normal") -> str:
    """Cut a line of text to a width in mm, and show that it was cut."""
    text = plain(text)
    if text_width(text, size, weight) <= width:
        return text
    while text and text_width(text + "…", size, weight) > width:
        text = text[:-1]
    return text.rstrip() + "…"


@dataclass(frozen=True)
class Key:
    """One entry of the key above the panels: a line, a marker or a patch, and its meaning."""

    meaning: str
    look: dict[str, Any]
    patch: bool = False


def _rows(panels: int) -> int:
    """Return the rows in which panels stand on a slide."""
    return max(1, -(-panels // ABREAST))


@dataclass(frozen=True)
class Cell:
    """A part of the body for one panel with all that belongs to it, in mm from its corner."""

    left: float
    top: float
    width: float
    height: float


@dataclass
class Sheet:
    """A figure whose body is ``body`` mm high, between its header and its source line.

    Attributes
    ----------
    body : float
        Height asked for; on a preset of given height, afterwards what is left for the body.
    panels : int
        Number of panels that share the body of a slide; many make it higher.
    least : float
        Height without which the body of a slide cannot be read; may make it higher, too.
    figure : matplotlib.figure.Figure
        Made without pyplot; drawn by Agg.
    top : float
        Distance in mm from the figure's upper edge to the body.
    """

    preset: Preset
    title: str
    subtitle: str
    notes: Sequence[str]
    body: float
    keys: Sequence[Key] = ()
    panels: int = 1
    least: float = 0.0
    figure: Figure = field(init=False)
    top: float = field(init=False, default=MARGIN)
    height: float = field(init=False)

    def __post_init__(self) -> None:
        """Set the header, make room for the body, set the source line."""
        preset, inner = self.preset, self.preset.width - 2 * MARGIN
        title = wrap(self.title, preset.title, inner, "bold")
        subtitle = wrap(self.subtitle, preset.text, inner)
        notes = [line for note in self.notes for line in wrap(note, preset.notes, inner)]
        keys, key_lines = self._key_places(inner)
        header = (
            self._lines(title, preset.title)
            + 1.0
            + self._lines(subtitle, preset.text)
            + (1.2 + self._step(preset.text) * key_lines if keys else 0)
            + 2.0
        )
        footer = 2.0 + self._lines(notes, preset.notes)
        if preset.height is not None:
            room = preset.height - 2 * MARGIN - header - footer
            self.body = max(self.least, LEAST * _rows(self.panels), room)
        self.height = round(MARGIN + header + self.body + footer + MARGIN, 1)
        self.figure = Figure(figsize=(preset.width / MM, self.height / MM), dpi=preset.dpi)
        FigureCanvasAgg(self.figure)
        self._block(title, preset.title, weight="bold")
        self.top += 1.0
        self._block(subtitle, preset.text, color=QUIET)
        self._draw_keys(keys, key_lines)
        self.top = MARGIN + header
        body_top, self.top = self.top, self.top + self.body + 2.0
        self._block(notes, preset.notes, color=QUIET)
        self.top = body_top

    @property
    def width(self) -> float:
        """Width of the body in mm: the whole figure."""
        return self.preset.width

    def cells(self, heights: Sequence[float], gap: float = 4.0) -> list[Cell]:
        """Return a cell for each panel: below each other, or beside each other on a slide.

        Parameters
        ----------
        heights : sequence of float
            Of the panels with all that belongs to them, in mm; on a slide the body is shared.
        """
        if self.preset.height is None:
            tops = [sum(heights[:n]) + gap * n for n in range(len(heights))]
            return [
                Cell(0.0, top, self.width, height)
                for top, height in zip(tops, heights, strict=True)
            ]
        rows = _rows(len(heights))
        columns = max(1, -(-len(heights) // rows))
        width, height = self.width / columns, (self.body - gap * (rows - 1)) / rows
        return [
            Cell(n % columns * width, n // columns * (height + gap), width, height)
            for n in range(len(heights))
        ]

    def axes(self, left: float, top: float, width: float, height: float, **kind: Any) -> Axes:
        """Add axes at a place given in mm from the upper left corner of the body."""
        axes = self.figure.add_axes(
            (
                left / self.width,
                1 - (self.top + top + height) / self.height,
                width / self.width,
                height / self.height,
            ),
            **kind,
        )
        axes.tick_params(labelsize=self.preset.small, pad=2)
        return axes

    def text(self, left: float, top: float, text: str, size: float, **look: Any) -> None:
        """Write one line whose upper left corner is at a place in mm of the body."""
        self.figure.text(
            left / self.width,
            1 - (self.top + top) / self.height,
            plain(text),
            size=size,
            **{"va": "top", "ha": "left"} | look,
        )

    @staticmethod
    def _step(size: float) -> float:
        return size * POINT * LEADING

    def _lines(self, lines: Sequence[str], size: float) -> float:
        return len(lines) * self._step(size)

    def _block(self, lines: Sequence[str], size: float, **look: Any) -> None:
        for line in lines:
            self.text(MARGIN, 0, line, size, **look)
            self.top += self._step(size)

    def _key_places(self, width: float) -> tuple[list[tuple[float, int, Key]], int]:
        places: list[tuple[float, int, Key]] = []
        left, line = 0.0, 0
        for key in self.keys:
            meaning = fitted(key.meaning, self.preset.small, width - 8.0)
            key = Key(meaning, key.look, key.patch)
            wide = 8.0 + text_width(meaning, self.preset.small)
            if left and left + wide > width:
                left, line = 0.0, line + 1
            places.append((left, line, key))
            left += wide + 4.0
        return places, line + 1

    def _draw_keys(self, places: Sequence[tuple[float, int, Key]], n_lines: int) -> None:
        if not places:
            return
        step, width = self._step(self.preset.text), self.preset.width - 2 * MARGIN
        self.top += 1.2
        axes = self.axes(MARGIN, 0, width, step * n_lines)
        axes.set(xlim=(0, width), ylim=(step * n_lines, 0))
        axes.axis("off")
        for left, line, key in places:
            middle = (line + 0.5) * step
            if key.patch:
                box = Rectangle((left, middle - 0.9), 6, 1.8, linewidth=0, **key.look)
                axes.add_patch(box)
            else:
                across = (
                    (left + 0.5, left + 6) if key.look.get("linestyle") != "none" else (left + 3,)
                )
                axes.add_line(Line2D(across, [middle] * len(across), **key.look))
            axes.text(
                left + 8,
                middle,
                plain(key.meaning),
                size=self.preset.small,
                va="center_baseline",
                color=INK,
            )
