"""Small line charts of a reception sheet, side by side: a page holds them, a table and words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from flowsim.figures.layout.sheet import MM, at
from flowsim.figures.layout.style import BLUE, INK, PALE, QUIET, VERMILION, in_style, plain
from flowsim.findings.words import short_day, whole

WIDTH, HEIGHT = 180.0, 62.0  # mm: the width of a printed page
FAR = 4  # times the highest value: a limit beyond is named, not drawn


@dataclass(frozen=True)
class Panel:
    """One small chart over days.

    Attributes
    ----------
    rows : DataFrame
        ``date``, ``column`` and, for the band around it, ``q05`` and ``q95``.
    column : str
        The line; any other than the median is a share from 0 to 1, without a band.
    limit : float or None
        A level to be shown, such as a capacity.
    """

    title: str
    rows: pd.DataFrame
    column: str = "q50"
    limit: float | None = None

    @property
    def is_share(self) -> bool:
        """Whether values are written as per cent."""
        return self.column != "q50"


def draw(panels: Sequence[Panel]) -> bytes:
    """Return panels side by side as SVG; the same panels give the same bytes."""
    with in_style():
        image = BytesIO()
        metadata = {"Date": None, "Creator": None}
        figure_of(panels).savefig(image, format="svg", metadata=metadata)
        return image.getvalue()


def figure_of(panels: Sequence[Panel]) -> Figure:
    """Draw panels side by side, in the style of the figures."""
    with in_style():
        figure = Figure(figsize=(WIDTH / MM, HEIGHT / MM))
        each = figure.subplots(1, len(panels), squeeze=False)[0]
        figure.subplots_adjust(left=0.075, right=0.985, top=0.84, bottom=0.11, wspace=0.3)
        for panel, ax in zip(panels, each, strict=True):
            _draw(panel, ax)
        return figure


def _draw(panel: Panel, ax: Axes) -> None:
    days, middle = panel.rows["date"], panel.rows[panel.column].to_numpy(dtype=float)
    low, high = (panel.rows[name].to_numpy(dtype=float) for name in ("q05", "q95"))
    look: dict[str, Any] = {"size": 8, "weight": "bold", "color": INK}
    ax.annotate(plain(panel.title), (0, 1), (-36, 14), "axes fraction", "offset points", **look)
    ax.plot(days, middle, color=BLUE, zorder=3)
    if panel.is_share:
        ax.set_ylim(0, 1)
    else:
        ax.fill_between(days, low, high, color=BLUE, alpha=0.22, lw=0)
        ax.set_ylim(0, 1.06 * max(1.0, float(np.nanmax([*middle, *high]))))
    _limit(panel.limit, ax)
    _axes(panel, ax)


def _limit(limit: float | None, ax: Axes) -> None:
    """Draw a level, or name it where it lies far above what is drawn."""
    if limit is None:
        return
    top = ax.get_ylim()[1]
    look: dict[str, Any] = {"size": 7, "color": VERMILION, "va": "bottom"}
    if limit > FAR * top:
        ax.text(
            1, 1.01, f"line {whole(limit)}: above this", ha="right", **look, transform=ax.transAxes
        )
        return
    ax.set_ylim(0, max(top, 1.08 * limit))
    ax.axhline(limit, color=VERMILION, lw=1.2, ls=(0, (4, 2)))
    ax.text(0.02, limit, f"line {whole(limit)}", **look, transform=ax.get_yaxis_transform())


def _axes(panel: Panel, ax: Axes) -> None:
    """Name the first day, the last and the one between; write numbers in full."""
    days = list(panel.rows["date"])
    shown = [days[0], days[(len(days) - 1) // 2], days[-1]]
    ax.set_xticks([at(day) for day in shown], [short_day(day) for day in shown])
    first, _, last = ax.get_xticklabels()
    first.set_horizontalalignment("left")
    last.set_horizontalalignment("right")
    ax.locator_params(axis="y", nbins=4)
    ax.yaxis.set_major_formatter(
        FuncFormatter(lambda v, _: f"{100 * v:.0f} %" if panel.is_share else whole(v))
    )
    ax.grid(axis="y", color=PALE, lw=0.6)
    ax.tick_params(labelsize=7, labelcolor=QUIET)
