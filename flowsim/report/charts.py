"""Small line charts of the reception sheets, written as SVG without a plotting library.

A sheet has to fit one page with its chart, its table and its words, and a report may hold a
dozen of them: these are a few kilobytes each, drawn from the same numbers as the table.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

import numpy as np

from flowsim.findings.words import short_day
from flowsim.types import Floats

WIDTH, HEIGHT, GAP = 510.0, 190.0, 26.0  # points: the width of a printed page
TOP, BOTTOM, LEFT = 26.0, 18.0, 38.0
INK, QUIET, RULE, BLUE, VERMILION = "#222222", "#5a5a5a", "#d5d5d5", "#0072B2", "#B34700"
FONT = "'DejaVu Sans', Verdana, sans-serif"


@dataclass(frozen=True)
class Panel:
    """One small chart over days.

    Attributes
    ----------
    middle : float64, shape (D,)
        The line.
    low, high : float64, shape (D,), or None
        The band around it.
    limit : float or None
        A level to be shown, such as a capacity.
    is_share : bool
        Values from 0 to 1, written as per cent.
    """

    title: str
    days: Sequence[date]
    middle: Floats
    low: Floats | None = None
    high: Floats | None = None
    limit: float | None = None
    is_share: bool = False

    @property
    def top(self) -> float:
        """A round number at or above everything shown."""
        if self.is_share:
            return 1.0
        parts = [self.middle, self.high if self.high is not None else self.middle]
        return _round_up(max(float(np.nanmax(part)) for part in parts), self.limit)


def draw(panels: Sequence[Panel]) -> bytes:
    """Return panels side by side as one SVG; the same panels give the same bytes."""
    width = (WIDTH - GAP * (len(panels) - 1)) / len(panels)
    inside = "".join(
        f'<g transform="translate({place * (width + GAP):.1f} 0)">{"".join(_panel(panel, width))}'
        "</g>"
        for place, panel in enumerate(panels)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" '
        f'width="{WIDTH:.0f}pt" height="{HEIGHT:.0f}pt" font-family="{FONT}" font-size="7">'
        f"{inside}</svg>"
    ).encode()


def _round_up(value: float, limit: float | None) -> float:
    """Return a round number above a value, and above a limit that is not far from it."""
    wanted = max(value, limit if limit is not None and limit < 4 * value else 0.0, 1.0) * 1.04
    power = 10.0 ** math.floor(math.log10(wanted))
    return next(step * power for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if step * power >= wanted)


def _panel(panel: Panel, width: float) -> Iterator[str]:
    bottom, top = HEIGHT - BOTTOM, panel.top
    x = LEFT + (width - LEFT) * np.arange(len(panel.days)) / max(1, len(panel.days) - 1)

    def y(values: Floats | float) -> Floats:
        return bottom - (bottom - TOP) * np.minimum(np.asarray(values, dtype=float) / top, 1.0)

    yield _text(0, 9, panel.title, size=8, weight="bold")
    for level in (0.0, top / 2, top):
        at = float(y(level))
        yield (
            f'<line x1="{LEFT}" x2="{width:.1f}" y1="{at:.1f}" y2="{at:.1f}" '
            f'stroke="{RULE}" stroke-width="0.6"/>'
        )
        label = f"{100 * level:.0f} %" if panel.is_share else f"{level:,.0f}"
        yield _text(LEFT - 4, at + 2.5, label, anchor="end", fill=QUIET)
    yield from _day_labels(panel.days, x, bottom)
    if panel.low is not None and panel.high is not None:
        edge = [*_points(x, y(panel.high)), *reversed(_points(x, y(panel.low)))]
        yield f'<polygon points="{" ".join(edge)}" fill="{BLUE}" fill-opacity="0.22"/>'
    line = " ".join(_points(x, y(panel.middle)))
    yield f'<polyline points="{line}" fill="none" stroke="{BLUE}" stroke-width="1.5"/>'
    if panel.limit is not None:
        yield from _limit(panel.limit, top, float(y(panel.limit)), width)


def _limit(limit: float, top: float, at: float, width: float) -> Iterator[str]:
    if limit > top:
        yield _text(width, TOP - 5, f"line {limit:,.0f}: above this", anchor="end", fill=VERMILION)
        return
    yield (
        f'<line x1="{LEFT}" x2="{width:.1f}" y1="{at:.1f}" y2="{at:.1f}" stroke="{VERMILION}" '
        'stroke-width="1.2" stroke-dasharray="4 2"/>'
    )
    yield _text(LEFT + 3, at - 3, f"line {limit:,.0f}", fill=VERMILION)


def _day_labels(days: Sequence[date], x: Floats, bottom: float) -> Iterator[str]:
    """Name the first and the last day and what lies halfway."""
    last = len(days) - 1
    for place, anchor in {0: "start", last // 2: "middle", last: "end"}.items():
        label = short_day(days[place])
        yield _text(float(x[place]), bottom + 11, label, anchor=anchor, fill=QUIET)


def _points(x: Floats, y: Floats) -> list[str]:
    return [f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True) if math.isfinite(b)]


def _text(
    x: float,
    y: float,
    text: str,
    *,
    size: float = 7,
    anchor: str = "start",
    fill: str = INK,
    weight: str = "normal",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" text-anchor="{anchor}" '
        f'fill="{fill}" font-weight="{weight}" stroke="white" stroke-width="2" '
        f'paint-order="stroke">{escape(text)}</text>'
    )
