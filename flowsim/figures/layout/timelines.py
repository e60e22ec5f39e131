"""Panels over time as most figures have them: a heading, the policies, an axis of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.ticker import FuncFormatter, MaxNLocator

from flowsim.figures.layout import policy_bars
from flowsim.figures.layout.caption import Caption
from flowsim.figures.layout.sheet import GAP, Cell, Key, Sheet, shrunk
from flowsim.figures.layout.style import BLUE, Preset
from flowsim.figures.layout.tables import n_draws, range_of
from flowsim.findings.words import period, plural
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
