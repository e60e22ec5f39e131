"""A figure laid out in millimetres: its words composed once, the body between them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.dates import date2num
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter
from matplotlib.transforms import Affine2D, Transform

from flowsim.figures.layout.style import INK, QUIET, Preset, families, plain
from flowsim.findings.language import ENGLISH, final, language, translated

MM = 25.4
POINT = MM / 72
MARGIN = 2.5
LEADING = 1.28
GAP = 4.0
LEAST = 46.0
MOST_LINES, MOST_ON_SLIDE = 7, 4  # of a title
SMALLEST = 6.0  # points
SENTENCES = re.compile(r"(?<=\.) ")


def at(moment: datetime) -> float:
    """Return a moment as a place on a time axis."""
    return float(date2num(moment))  # type: ignore[no-untyped-call]


_renderer = lru_cache(maxsize=1)(partial(RendererAgg, 1, 1, 720))


def text_width(text: str, size: float, weight: str = "normal") -> float:
    """Measure a line of text, in mm, at a size in points."""
    return _width(translated(text), size, weight)


def _width(text: str, size: float, weight: str) -> float:
    return _measured(text, size, weight, families())


@lru_cache(maxsize=4096)
def _measured(text: str, size: float, weight: str, family: tuple[str, ...]) -> float:
    type_ = FontProperties(family=list(family), size=size, weight=weight)
    renderer: Any = _renderer()
    width, _, _ = renderer.get_text_width_height_descent(text, type_, ismath=False)
    return float(width) * POINT / 10 * 1.005


def wrap(text: str, size: float, width: float, weight: str = "normal") -> list[str]:
    """Break a text into lines no wider than ``width`` mm; a word too long is cut."""
    lines: list[str] = []
    space, room = _width("n n", size, weight) - _width("nn", size, weight), 0.0
    for word in plain(text).split(" "):
        wide = _width(word, size, weight)
        if lines and space + wide <= room:
            lines[-1] += f" {word}"
            room -= space + wide
        else:
            lines.append(_cut(word, size, width, weight))
            room = width - wide
    return [*map(final, lines)]


def fitted(text: str, size: float, width: float, weight: str = "normal") -> str:
    """Cut a line of text to a width in mm, and show that it was cut."""
    return _cut(plain(text), size, width, weight)


def _cut(text: str, size: float, width: float, weight: str) -> str:
    if _width(text, size, weight) <= width:
        return text
    while text and _width(text + "…", size, weight) > width:
        text = text[:-1]
    return final(text.rstrip() + "…")


def shrunk(text: str, size: float, width: float, weight: str = "normal") -> tuple[str, float]:
    """Return a line of text and the size, ``SMALLEST`` or more, at which a width in mm holds it.

    It is cut only if that is not enough.
    """
    text = plain(text)
    needed = text_width(text, size, weight) or 1.0
    size = min(size, max(SMALLEST, int(10 * size * width / needed) / 10))
    return fitted(text, size, width, weight), size


@dataclass(frozen=True)
class Key:
    """One entry of the key above the panels: a line, a marker or a patch, and its meaning."""

    meaning: str
    look: dict[str, Any]
    patch: bool = False


@dataclass(frozen=True)
class Cell:
    """A part of the body for one panel with all that belongs to it, in mm from its corner."""

    left: float
    top: float
    width: float
    height: float


@dataclass
class Sheet:
    """A figure: a body between a header and a source line, no taller than its preset allows.

    What would not leave the body the height it needs is left out: sentences of the note first, the
    last of them before the others, then those of the subtitle but the first.

    Attributes
    ----------
    fixed : str
        Below the body whatever its height: the source line.
    body : float
        Height asked for; afterwards what there is: on a slide all that is left, else no more than
        was asked for.
    least : float
        Height without which the body cannot be read.
    figure : matplotlib.figure.Figure
        Made without pyplot; drawn by Agg.
    top : float
        Distance in mm from the figure's upper edge to the body.
    """

    preset: Preset
    title: str
    subtitle: str
    note: str
    fixed: Sequence[str]
    body: float
    keys: Sequence[Key] = ()
    least: float = LEAST
    more: str = ""
    figure: Figure = field(init=False)
    top: float = field(init=False, default=MARGIN)
    height: float = field(init=False)

    def __post_init__(self) -> None:
        """Set the header, make room for the body, set the source line."""
        preset, inner = self.preset, self.preset.width - 2 * MARGIN
        title = wrap(self.title, preset.title, inner, "bold")
        most = MOST_ON_SLIDE if preset.is_slide else MOST_LINES
        if len(title) > most:
            title = [
                *title[: most - 1],
                _cut(f"{title[most - 1]} …", preset.title, inner, "bold"),
            ]
        keys, key_lines = self._key_places(inner)
        above = self._lines(title, preset.title) + 3.0
        above += 1.2 + self._step(preset.text) * key_lines if keys else 0.0
        room = preset.tallest - 2 * MARGIN - above - 2.0
        subtitle, notes = self._words(room - min(self.least, self.body), inner)
        above += self._lines(subtitle, preset.text)
        room -= self._lines(subtitle, preset.text) + self._lines(notes, preset.notes)
        self.body = room if preset.is_slide else min(self.body, room)
        below = 2.0 + self._lines(notes, preset.notes)
        self.height = round(MARGIN + above + self.body + below + MARGIN, 2)
        self.figure = Figure(figsize=(preset.width / MM, self.height / MM), dpi=preset.dpi)
        FigureCanvasAgg(self.figure)
        self._block(title, preset.title, weight="bold")
        self.top += 1.0
        self._block(subtitle, preset.text, color=QUIET)
        self._draw_keys(keys)
        self.top = MARGIN + above + self.body + 2.0
        self._block(notes, preset.notes, color=QUIET)
        self.top = MARGIN + above

    def _words(self, room: float, inner: float) -> tuple[list[str], list[str]]:
        """Return the lines of subtitle and notes that leave the body what it needs."""
        preset = self.preset
        told, said = (SENTENCES.split(text) for text in (self.subtitle, self.note))
        cut = ""
        while True:
            subtitle = wrap(" ".join(told), preset.text, inner)
            texts = [" ".join([*said, cut]).strip(), *self.fixed]
            notes = [line for text in texts if text for line in wrap(text, preset.notes, inner)]
            used = self._lines(subtitle, preset.text) + self._lines(notes, preset.notes)
            if used <= room or (len(told) == 1 and not said):
                return subtitle, notes
            (said or told).pop()
            cut = self.more

    @property
    def width(self) -> float:
        """Width of the body in mm: the whole figure."""
        return self.preset.width

    def cells(self, heights: Sequence[float], beside: int = 1, gap: float = GAP) -> list[Cell]:
        """Return a cell for each panel: ``beside`` of them next to each other, row by row.

        Parameters
        ----------
        heights : sequence of float
            Of the panels with all that belongs to them, in mm; a row is as high as its tallest.
            All are made lower, or on a slide higher, by the same length until the body is filled.
        """
        rows = [max(heights[n : n + beside]) for n in range(0, len(heights), beside)]
        spare = (self.body - sum(rows) - gap * (len(rows) - 1)) / max(1, len(rows))
        width, top, found = self.width / beside, 0.0, []
        for n in range(len(heights)):
            row, column = divmod(n, beside)
            top += rows[row - 1] + spare + gap if row and not column else 0.0
            found.append(Cell(column * width, top, width, rows[row] + spare))
        return found

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
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_label_coords(0, 0)  # without, ticks are measured twice for a label not there
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

    def _key_places(self, width: float) -> tuple[list[tuple[float, int, float, Key]], int]:
        """Return where each key stands (left, line) and its size, and the number of lines."""
        places: list[tuple[float, int, float, Key]] = []
        left, line = 0.0, 0
        for key in self.keys:
            meaning, size = shrunk(key.meaning, self.preset.small, width - 8.0)
            wide = 8.0 + text_width(meaning, size)
            if left and left + wide > width:
                left, line = 0.0, line + 1
            places.append((left, line, size, replace(key, meaning=meaning)))
            left += wide + 4.0
        return places, line + 1

    def _draw_keys(self, places: Sequence[tuple[float, int, float, Key]]) -> None:
        if not places:
            return
        step = self._step(self.preset.text)
        self.top += 1.2
        mm = self.transform(MARGIN, 0.0)
        for left, row, size, key in places:
            middle = (row + 0.5) * step
            if key.patch:
                look = {"linewidth": 0} | key.look
                box = Rectangle((left, middle - 0.9), 6, 1.8, transform=mm, **look)
                self.figure.add_artist(box)
            else:
                bare = key.look.get("linestyle") == "none"
                across = [left + 3] if bare else [left + 0.5, left + 3.25, left + 6]
                mark = None if bare else [1]
                y = [middle] * len(across)
                line = Line2D(across, y, markevery=mark, transform=mm, **key.look)
                self.figure.add_artist(line)
            look = {"va": "center_baseline", "color": INK}
            self.text(MARGIN + left + 8, middle, key.meaning, size, **look)

    def transform(self, left: float, top: float) -> Transform:
        """Return the transform of mm, down and to the right of a place in the body."""
        across, down = 1 / self.width, 1 / self.height
        plane = Affine2D().scale(across, -down)
        plane.translate(left * across, 1 - (self.top + top) * down)
        return plane + self.figure.transFigure


@dataclass(frozen=True)
class Drawn:
    """A figure, the data it shows, and what it says in words.

    Attributes
    ----------
    data : DataFrame
        What is drawn, and nothing else.
    title : str
        The finding, in one sentence.
    alt : str
        What a reader who cannot see the figure needs to know.
    source : str
        Scenario, seed, sample and version.
    """

    name: str
    figure: Figure
    data: pd.DataFrame
    title: str
    alt: str
    source: str

    @property
    def words(self) -> dict[str, str]:
        """What goes into an image beside its recipe."""
        return {"Title": self.title, "Description": self.alt, "Source": self.source}


@dataclass(frozen=True)
class Caption:
    """What a figure says in words, and the data it says it of.

    Attributes
    ----------
    title : str
        The finding, in one sentence.
    source : str
        Scenario, seed, sample and version; the last of the notes.
    alt : sequence of str
        What a reader who cannot see the figure needs to know, between subtitle and note.
    """

    name: str
    data: pd.DataFrame
    title: str
    subtitle: str
    source: str
    note: str = ""
    keys: Sequence[Key] = ()
    alt: Sequence[str] = ()

    def sheet(self, preset: Preset, body: float, least: float = LEAST, fixed: str = "") -> Sheet:
        """Return a sheet with these words around a body so high, or ``least`` if room is short.

        Parameters
        ----------
        fixed : str
            What stands below the body, above the source line, however short room is.
        """
        always = [text for text in (fixed, self.source) if text]
        more = f"More: {self.name}.txt."
        return Sheet(
            preset, self.title, self.subtitle, self.note, always, body, self.keys, least, more
        )

    def arranged(
        self,
        preset: Preset,
        heights: Sequence[float],
        draw: Callable[[int, Sheet, Cell], None],
        beside: int = 1,
        gap: float = GAP,
        least: float | None = None,
    ) -> Drawn:
        """Draw parts of a body so high, ``beside`` of them next to each other.

        Parameters
        ----------
        draw : callable
            Draws a part of this number into its cell.
        least : float, optional
            Height of the body without which it cannot be read; three quarters if left out.
        """
        rows = [max(heights[n : n + beside]) for n in range(0, len(heights), beside)]
        body = sum(rows) + gap * (len(rows) - 1)
        sheet = self.sheet(preset, body, 0.75 * body if least is None else least)
        for n, cell in enumerate(sheet.cells(heights, beside, gap)):
            draw(n, sheet, cell)
        return self.drawn(sheet)

    def drawn(self, sheet: Sheet) -> Drawn:
        """Return the finished figure."""
        words = [f"{self.title}.", self.subtitle, *self.alt, self.note]
        alt = " ".join(translated(text) for text in words if text)
        for ax in sheet.figure.axes if language() != ENGLISH else ():
            _translate(ax)
        title, source = translated(self.title), translated(self.source)
        return Drawn(self.name, sheet.figure, self.data, title, alt, source)


def _translate(ax: Axes) -> None:
    """Translate what a panel wrote by itself: the texts and ticks of its axes."""
    for text in ax.texts:
        text.set_text(translated(text.get_text()))
    for axis in (ax.xaxis, ax.yaxis):
        written = axis.get_major_formatter()
        axis.set_major_formatter(FuncFormatter(lambda *at, of=written: translated(of(*at))))
