"""Panels over time as most figures have them: a heading, the policies, an axis of numbers."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from flowsim.figures.layout import policy_bars as marks
from flowsim.figures.layout.sheet import Cell, Sheet, fitted
from flowsim.figures.layout.style import Preset
from flowsim.scenario.schema import Horizon

HEAD, FOOT, LEFT, RIGHT = 4.6, 5.0, 13.0, 4.0


def height(panel: float, strip: Sequence[marks.Mark], preset: Preset) -> float:
    """Return the height in mm of a cell whose panel is ``panel`` mm high."""
    return HEAD + marks.height(strip, preset) + panel + FOOT


def framed(
    sheet: Sheet, cell: Cell, head: str, strip: Sequence[marks.Mark], horizon: Horizon
) -> Axes:
    """Lay out a cell: heading, strip of policies, and below it a panel over time, given back."""
    preset, scale = sheet.preset, sheet.preset.scale
    left, width = cell.left + LEFT * scale, cell.width - LEFT * scale - RIGHT
    heading = fitted(head, preset.text, cell.width - 5.0, "bold")
    sheet.text(cell.left + 2.5, cell.top, heading, preset.text, weight="bold")
    top, high = cell.top + HEAD * scale, marks.height(strip, preset)
    below = cell.height - HEAD * scale - high - FOOT * scale
    panel = sheet.axes(left, top + high, width, below)
    marks.time_axis(panel, horizon, width, preset)
    if strip:
        bars = sheet.axes(left, top, width, high)
        bars.set_xlim(panel.get_xlim())
        marks.draw(strip, bars, panel, sheet)
    return panel


def number_axis(ax: Axes, top: float, ticks: int = 5) -> None:
    """Let the vertical axis go from 0 to a little above ``top``, with whole numbers."""
    ax.set_ylim(0, 1.08 * top if top > 0 else 1)
    ax.yaxis.set_major_locator(MaxNLocator(ticks, integer=True))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
