"""Panels over time: a heading, the policies, an axis of numbers; and small multiples of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.ticker import FuncFormatter, MaxNLocator

from flowsim.figures.layout import ladders, panels, policy_bars
from flowsim.figures.layout.sheet import (
    GAP,
    MARGIN,
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
from flowsim.figures.layout.style import BLUE, QUIET, Preset, plain
from flowsim.figures.layout.tables import n_draws, range_of
from flowsim.findings.words import period, plural, whole
from flowsim.results.run import Run
from flowsim.scenario.schema import Horizon

HEAD, FOOT, LEFT, RIGHT = 4.6, 5.0, 13.0, 4.0
LOWEST, ABREAST = 18.0, 4
BAND: dict[str, Any] = {"color": BLUE, "alpha": 0.35}


def wide() -> dict[str, Any]:
    """Return the look of the wide band, whose edge shows where a printer knows no blue."""
    edge = {"edgecolor": BLUE, "lw": 0.7, "linestyle": (0, (4, 2))}
    return {"facecolor": to_rgba(BLUE, 0x26 / 255), **edge}


def last_day(horizon: Horizon) -> datetime:
    """Return the last day that is simulated."""
    return horizon.end - timedelta(days=1)


def whole_period(horizon: Horizon) -> str:
    """Return the simulated period in words."""
    return period(horizon.start, last_day(horizon))


def within(rows: pd.DataFrame, horizon: Horizon) -> pd.DataFrame:
    """Return the daily rows of the horizon, without local days that begin before or after it."""
    return rows[pd.to_datetime(rows["date"]).between(horizon.start, last_day(horizon))]


def range_keys(results: Run) -> list[Key]:
    """Return the keys of the bands: all doubt, if there are draws, and chance, if it is known."""
    n, draws = results.n_replications, n_draws(results)
    keys = [Key(f"{range_of(draws, 'draw')}: all doubt", wide(), patch=True)] if draws else []
    return [*keys, Key(f"{range_of(n)}: chance alone", BAND, patch=True)] if n > 1 else keys


def curve(
    ax: Axes, times: Any, rows: pd.DataFrame, chance: pd.DataFrame | None = None, **look: Any
) -> None:
    """Draw values over time in front of their range (columns value, low, high).

    Parameters
    ----------
    chance : DataFrame, optional
        What chance alone makes, if ``rows`` hold all doubt.
    """
    if chance is not None:
        ax.fill_between(times, rows["low"], rows["high"], **wide())
    inner = rows if chance is None else chance
    if (inner["high"] > inner["low"]).any():
        band = BAND | {"color": look.get("color", BLUE)}
        ax.fill_between(times, inner["low"], inner["high"], lw=0, **band)
    ax.plot(times, rows["value"], zorder=3, **{"color": BLUE} | look)


def stacked(
    caption: Caption,
    preset: Preset,
    panels: Sequence[tuple[str, Sequence[policy_bars.PolicyBar]]],
    horizon: Horizon,
    high: float,
) -> tuple[Sheet, list[Axes]]:
    """Lay out panels over time below each other, or side by side where room is short.

    Parameters
    ----------
    panels : sequence of (str, sequence of PolicyBar)
        Heading and policies of each.
    high : float
        Height of a panel in mm.

    Returns
    -------
    Sheet
    list of Axes
        Of the panels; on a slide of the first ``ABREAST`` only, which the figure then says.
    """
    more, panels = len(panels), panels[: ABREAST if preset.is_slide else None]
    more -= len(panels)
    beside = columns(len(panels), preset)
    width = preset.width / beside - LEFT * preset.scale - RIGHT
    strips, note = policy_bars.numbered([bars for _, bars in panels], horizon, width)
    if more:
        note = f"{plural(more, 'panel')} more would not fit; see {caption.name}.csv. {note}".strip()
    around = [height(0.0, strip, preset) for strip in strips]
    rows = [max(around[n : n + beside]) for n in range(0, len(panels), beside)]
    edges = sum(rows) + GAP * (len(rows) - 1)
    sheet = caption.sheet(
        preset, edges + len(rows) * high, edges + len(rows) * min(high, LOWEST), note
    )
    cells = sheet.cells(around, beside)
    return sheet, [
        framed(sheet, cell, head, strip, horizon)
        for (head, _), strip, cell in zip(panels, strips, cells, strict=True)
    ]


def columns(n: int, preset: Preset) -> int:
    """Return how many of ``n`` panels over time stand side by side."""
    if preset.is_slide:
        return n if n <= ABREAST else -(-n // 2)
    return 1 if n <= (2 if preset.narrow else 3) else 2


def height(panel: float, strip: Sequence[policy_bars.PolicyBar], preset: Preset) -> float:
    """Return the height in mm of a cell whose panel is ``panel`` mm high."""
    return (HEAD + FOOT) * preset.scale + policy_bars.height(strip, preset) + panel


def framed(
    sheet: Sheet,
    cell: Cell,
    head: str,
    strip: Sequence[policy_bars.PolicyBar],
    horizon: Horizon,
) -> Axes:
    """Return a panel over time at the bottom of a cell, a heading and a strip of policies above."""
    preset, scale = sheet.preset, sheet.preset.scale
    left, width = cell.left + LEFT * scale, cell.width - LEFT * scale - RIGHT
    heading, size = shrunk(head, preset.text, cell.width - 5.0, "bold")
    sheet.text(cell.left + 2.5, cell.top, heading, size, weight="bold")
    top, high = cell.top + HEAD * scale, policy_bars.height(strip, preset)
    below = cell.height - (HEAD + FOOT) * scale - high
    panel = sheet.axes(left, top + high, width, below)
    policy_bars.time_axis(panel, horizon, width, preset)
    if strip:
        policy_bars.draw(strip, panel, high, sheet, horizon)
    return panel


def number_axis(ax: Axes, top: float, ticks: int = 5) -> None:
    """Let the vertical axis go from 0 to a little above ``top``, with whole numbers."""
    ax.set_ylim(0, 1.08 * top if top > 0 else 1)
    ax.yaxis.set_major_locator(MaxNLocator(ticks, integer=True))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


OWN: dict[str, Any] = {"color": BLUE, "linewidth": 1.2}
ABSENT = "none in this scenario"
SMALL, NAME = 27.0, 2.8


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


def multiples(
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
    beside = abreast(len(bands[0].worlds), preset)
    lines = -(-len(bands[0].worlds) // beside)
    room = (preset.width - 18.0) / beside - 4.0
    tall = max(text_width(plain(name), SMALLEST) > room for name in bands[0].worlds)
    above = [(HEAD + NAME * tall) * (lines > 1 or n == 0) for n in range(len(bands))]
    edges = [
        (HEAD * bool(band.head) + lines * (over + FOOT)) * preset.scale
        for band, over in zip(bands, above, strict=True)
    ]
    body = sum(edges) + GAP * (len(bands) - 1) + len(bands) * lines * SMALL
    sheet = caption.sheet(preset, body, 0.7 * body)
    cells = sheet.cells([edge + lines * SMALL for edge in edges])
    for band, cell, over in zip(bands, cells, above, strict=True):
        inner = ladders.headed(sheet, cell, band.head, HEAD) if band.head else cell
        _draw_band(band, sheet, inner, beside, over * preset.scale, horizon, tick, look)
    return caption.drawn(sheet)


def abreast(n: int, preset: Preset) -> int:
    """Return how many of ``n`` worlds stand side by side."""
    if preset.is_slide:
        return n if n <= ABREAST else -(-n // 2)
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
        draw_world(band, name, ax, **look)
        ax.set_ylim(0, top)
        panels.number_ticks(ax.yaxis, 4, tick)
        ax.tick_params(labelleft=column == 0)


def draw_world(band: Band, world: str, ax: Axes, **look: Any) -> None:
    """Draw one panel: a world in front, others behind it."""
    for other in band.behind:
        if other != world:
            rows = band.data[band.data["world"] == other]
            ax.plot(rows["date"], rows["value"], zorder=1, **look)
    own = band.data[band.data["world"] == world]
    if own.empty:
        look = {"ha": "center", "va": "center", "color": QUIET, "transform": ax.transAxes}
        ax.text(0.5, 0.5, ABSENT, size=SMALLEST, **look)
    curve(ax, own["date"], own, **OWN)


def multiples_keys(own: str, n: int, others: str, **look: Any) -> list[Key]:
    """Return the key of small multiples with ``n`` replications in each world."""
    band = [Key(range_of(n), BAND, patch=True)] if n > 1 else []
    return [Key(own, OWN), *band, Key(others, look)]
