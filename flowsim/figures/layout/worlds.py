"""Small multiples: the same daily curve in several worlds, each in front with its range once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from flowsim.figures.layout import ladders, panels, policy_bars, timelines
from flowsim.figures.layout.caption import Caption
from flowsim.figures.layout.save import Drawn
from flowsim.figures.layout.sheet import (
    GAP,
    MARGIN,
    SMALLEST,
    Cell,
    Key,
    Sheet,
    shrunk,
    text_width,
    wrap,
)
from flowsim.figures.layout.style import BLUE, QUIET, Preset, plain
from flowsim.figures.layout.tables import range_of
from flowsim.findings.words import whole
from flowsim.scenario.schema import Horizon

OWN: dict[str, Any] = {"color": BLUE, "linewidth": 1.2}
ABSENT = "none in this scenario"
PANEL, HEAD, FOOT, NAME = 27.0, 4.6, 5.0, 2.8


@dataclass(frozen=True)
class Band:
    """Panels on one scale, one for each world.

    Attributes
    ----------
    data : DataFrame
        Columns world, date, value, low, high.
    worlds : sequence of str
        The worlds shown, as written above the panels.
    behind : sequence of str
        Those drawn behind each other one.
    head : str
        Above the panels, if there are several bands.
    """

    data: pd.DataFrame
    worlds: Sequence[str]
    behind: Sequence[str]
    head: str = ""


def drawn(
    caption: Caption,
    preset: Preset,
    bands: Sequence[Band],
    horizon: Horizon,
    tick: Callable[[float], str] = whole,
    **look: Any,
) -> Drawn:
    """Arrange bands below each other; names stand once where all worlds are on one line.

    Parameters
    ----------
    tick : callable
        Writes a number beside the axis.
    look : dict
        Of the lines behind.
    """
    beside = columns(len(bands[0].worlds), preset)
    lines = -(-len(bands[0].worlds) // beside)
    room = (preset.width - 18.0) / beside - 4.0
    tall = max(text_width(plain(name), SMALLEST) > room for name in bands[0].worlds)
    above = [(HEAD + NAME * tall) * (lines > 1 or n == 0) for n in range(len(bands))]
    edges = [
        (HEAD * bool(band.head) + lines * (over + FOOT)) * preset.scale
        for band, over in zip(bands, above, strict=True)
    ]
    body = sum(edges) + GAP * (len(bands) - 1) + len(bands) * lines * PANEL
    sheet = caption.sheet(preset, body, 0.7 * body)
    cells = sheet.cells([edge + lines * PANEL for edge in edges])
    for band, cell, over in zip(bands, cells, above, strict=True):
        inner = ladders.headed(sheet, cell, band.head, HEAD) if band.head else cell
        _draw_band(band, sheet, inner, beside, over * preset.scale, horizon, tick, look)
    return caption.drawn(sheet)


def columns(n: int, preset: Preset) -> int:
    """Return how many of ``n`` worlds stand side by side."""
    if preset.is_slide:
        return n if n <= timelines.ABREAST else -(-n // 2)
    most = 3 if not preset.narrow or n > 4 else 2
    return min(n, most)


def _draw_band(
    band: Band,
    sheet: Sheet,
    cell: Cell,
    beside: int,
    over: float,
    horizon: Horizon,
    tick: Callable[[float], str],
    look: dict[str, Any],
) -> None:
    preset = sheet.preset
    top = 1.06 * max(float(band.data[["high", "value"]].max().max()), 1e-9)
    labels = panels.tick_texts(0, top, 4, tick)
    left, gap = cell.left + MARGIN + panels.widest(labels, preset) + 1.5, 4.0
    width = (cell.left + cell.width - left - 4.0 - gap * (beside - 1)) / beside
    line = cell.height / -(-len(band.worlds) // beside)
    for n, name in enumerate(band.worlds):
        row, column = divmod(n, beside)
        x, y = left + column * (width + gap), cell.top + row * line
        if over:
            written = wrap(name, SMALLEST, width + 2)[:2] if over > HEAD * preset.scale else [name]
            for k, text in enumerate(written):
                sheet.text(x, y + 0.4 + k * NAME, *shrunk(text, preset.small, width + 2))
        ax = sheet.axes(x, y + over, width, line - over - FOOT * preset.scale)
        policy_bars.time_axis(ax, horizon, width, preset, inside=True)
        draw(band, name, ax, **look)
        ax.set_ylim(0, top)
        panels.number_ticks(ax.yaxis, 4, tick)
        ax.tick_params(labelleft=column == 0)


def draw(band: Band, world: str, ax: Axes, **look: Any) -> None:
    """Draw one panel: a world in front, others behind it."""
    for other in band.behind:
        if other != world:
            rows = band.data[band.data["world"] == other]
            ax.plot(rows["date"], rows["value"], zorder=1, **look)
    own = band.data[band.data["world"] == world]
    if own.empty:
        look = {"ha": "center", "va": "center", "color": QUIET, "transform": ax.transAxes}
        ax.text(0.5, 0.5, ABSENT, size=SMALLEST, **look)
    timelines.curve(ax, own["date"], own, **OWN)


def keys(own: str, n: int, others: str, **look: Any) -> list[Key]:
    """Return the key of small multiples with ``n`` replications in each world."""
    band = [Key(range_of(n), timelines.BAND, patch=True)] if n > 1 else []
    return [Key(own, OWN), *band, Key(others, look)]
