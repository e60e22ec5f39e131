"""Panels over time as most figures have them: a heading, the policies, an axis of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from flowsim.figures.layout import policy_bars
from flowsim.figures.layout.caption import Caption
from flowsim.figures.layout.sheet import Cell, Key, Sheet, fitted
from flowsim.figures.layout.style import BLUE, Preset
from flowsim.figures.layout.tables import range_of
from flowsim.findings.words import period
from flowsim.scenario.schema import Horizon

HEAD, FOOT, LEFT, RIGHT, GAP = 4.6, 5.0, 13.0, 4.0, 4.0
BAND: dict[str, Any] = {"color": BLUE, "alpha": 0.25}


def last_day(horizon: Horizon) -> datetime:
    """Return the last day that is simulated."""
    return horizon.end - timedelta(days=1)


def whole_period(horizon: Horizon) -> str:
    """Return the simulated period in words."""
    return period(horizon.start, last_day(horizon))


def within(rows: pd.DataFrame, horizon: Horizon) -> pd.DataFrame:
    """Return the daily rows of the horizon, without local days that begin before or after it."""
    return rows[pd.to_datetime(rows["date"]).between(horizon.start, last_day(horizon))]


def range_key(n: int, **look: Any) -> list[Key]:
    """Return the key of the range of ``n`` replications, a band unless a look is given."""
    return [Key(range_of(n), look or BAND, patch=not look)] if n > 1 else []


def curve(ax: Axes, times: Any, rows: pd.DataFrame, **look: Any) -> None:
    """Draw values over time in front of their range (columns value, low, high)."""
    if (rows["high"] > rows["low"]).any():
        band = BAND | {"color": look.get("color", BLUE)}
        ax.fill_between(times, rows["low"], rows["high"], lw=0, **band)
    ax.plot(times, rows["value"], zorder=3, **{"color": BLUE} | look)


def stacked(
    caption: Caption,
    preset: Preset,
    panels: Sequence[tuple[str, Sequence[policy_bars.PolicyBar]]],
    horizon: Horizon,
    high: float,
) -> tuple[Sheet, list[Axes]]:
    """Lay out panels over time below each other, or side by side on a slide.

    Parameters
    ----------
    panels : sequence of (str, sequence of Mark)
        Heading and policies of each.
    high : float
        Height of a panel in mm.
    """
    heights = [height(high, strip, preset) for _, strip in panels]
    body = sum(heights) + GAP * (len(heights) - 1)
    sheet = caption.sheet(preset, body, len(heights))
    return sheet, [
        framed(sheet, cell, head, strip, horizon)
        for (head, strip), cell in zip(panels, sheet.cells(heights, GAP), strict=True)
    ]


def height(panel: float, strip: Sequence[policy_bars.PolicyBar], preset: Preset) -> float:
    """Return the height in mm of a cell whose panel is ``panel`` mm high."""
    return HEAD + policy_bars.height(strip, preset) + panel + FOOT


def framed(
    sheet: Sheet,
    cell: Cell,
    head: str,
    strip: Sequence[policy_bars.PolicyBar],
    horizon: Horizon,
    room: float = HEAD,
) -> Axes:
    """Return a panel over time at the bottom of a cell, a heading and a strip of policies above."""
    preset, scale = sheet.preset, sheet.preset.scale
    left, width = cell.left + LEFT * scale, cell.width - LEFT * scale - RIGHT
    heading = fitted(head, preset.text, cell.width - 5.0, "bold")
    sheet.text(cell.left + 2.5, cell.top, heading, preset.text, weight="bold")
    top, high = cell.top + room * scale, policy_bars.height(strip, preset)
    below = cell.height - room * scale - high - FOOT * scale
    panel = sheet.axes(left, top + high, width, below)
    policy_bars.time_axis(panel, horizon, width, preset)
    if strip:
        bars = sheet.axes(left, top, width, high)
        bars.set_xlim(panel.get_xlim())
        policy_bars.draw(strip, bars, panel, sheet)
    return panel


def number_axis(ax: Axes, top: float, ticks: int = 5) -> None:
    """Let the vertical axis go from 0 to a little above ``top``, with whole numbers."""
    ax.set_ylim(0, 1.08 * top if top > 0 else 1)
    ax.yaxis.set_major_locator(MaxNLocator(ticks, integer=True))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
