"""Time axes, and the scenario's policies along them: a bar each, with its name beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from flowsim.figures.layout.sheet import Sheet, at, fitted, text_width
from flowsim.figures.layout.style import INK, PALE, QUIET, RULE, Preset, plain
from flowsim.findings.words import short_day
from flowsim.scenario import schema
from flowsim.scenario.clock import MOSCOW_UTC_OFFSET_H

ROW = 3.7
MOST, MOST_ON_SLIDE = 9, 4


@dataclass(frozen=True)
class PolicyBar:
    """A policy, or the moment of an announcement (``end`` None), in the clock of a panel."""

    label: str
    start: datetime
    end: datetime | None
    place: str = ""


def bars_of(
    scenario: schema.Scenario, destination: str, crossing: str | None = None
) -> list[PolicyBar]:
    """Return the policies that touch a destination (or one crossing), in order of their start.

    Times are local to the destination (or the crossing's other side is ignored: Moscow time,
    if a crossing is given). What lies outside the horizon is left out.
    """
    place = scenario.destinations[destination]
    offset = MOSCOW_UTC_OFFSET_H if crossing else place.utc_offset_h
    shift = timedelta(hours=offset - MOSCOW_UTC_OFFSET_H)
    first, last = scenario.horizon.start, scenario.horizon.end
    found = [PolicyBar("Mobilisation announced", scenario.call_up.announced + shift, None)]
    for policy in scenario.policies.values():
        if not policy.touches(destination, crossing, scenario.crossings):
            continue
        start, end = policy.span[0] or first, policy.span[1] or last
        if policy.announcement is not None:
            found.append(PolicyBar(policy.label, start + shift, None))
        elif start < last and end > first:
            where = "" if crossing else policy.where(destination, scenario.crossings)
            since, until = max(start, first) + shift, min(end, last) + shift
            found.append(PolicyBar(policy.label, since, until, where))
    kept = [bar for bar in found if first <= bar.start - shift < last]
    return sorted(kept, key=lambda bar: (bar.start, bar.end is not None, bar.label))


def height(found: Sequence[PolicyBar], preset: Preset) -> float:
    """Return the height in mm that the strip of some bars needs."""
    return ROW * preset.scale * min(len(found), _most(preset))


def _most(preset: Preset) -> int:
    """Return how many rows there is room for; a slide has little."""
    return MOST if preset.height is None else MOST_ON_SLIDE


def draw(found: Sequence[PolicyBar], strip: Axes, panel: Axes, sheet: Sheet) -> None:
    """Draw each bar as a row of the strip, with thin lines down into the panel below.

    Parameters
    ----------
    strip, panel : Axes
        Share their time axis, whose limits are set.
    """
    most = _most(sheet.preset)
    n_rows = min(len(found), most)
    shown = found if len(found) <= most else found[: most - 1]
    strip.set_ylim(max(1, n_rows), 0)
    strip.axis("off")
    if len(shown) < len(found):
        left, size = strip.get_xlim()[0], sheet.preset.small
        more, where = f"and {len(found) - len(shown)} more", ", see scenario.yaml"
        if text_width(more + where, size) < strip.get_position().width * sheet.width:
            more += where
        look: dict[str, Any] = {"va": "center_baseline", "style": "italic", "zorder": 4}
        text = strip.text(left, n_rows - 0.5, more, size=size, **look)
        text.set_bbox({"facecolor": "white", "linewidth": 0, "pad": 0.4})
    for row, bar in enumerate(shown):
        start = at(bar.start)
        end = min(at(bar.end), strip.get_xlim()[1]) if bar.end else start
        strip.plot([start, start], [row + 0.5, n_rows], color=RULE, linewidth=0.6, zorder=1)
        _draw_row(row, bar, start, end, strip, sheet)
        look = {"color": QUIET, "linewidth": 0.9} if bar.end is None else {"color": RULE}
        panel.axvline(start, zorder=0.5, **{"linewidth": 0.6} | look)


def _draw_row(row: int, bar: PolicyBar, start: float, end: float, ax: Axes, sheet: Sheet) -> None:
    left, right = ax.get_xlim()
    per_mm = (right - left) / (ax.get_position().width * sheet.width)
    gap, size = (1.2 if end > start else 2.0) * per_mm, sheet.preset.small
    if end > start:
        box = Rectangle((start, row + 0.14), end - start, 0.72, facecolor=PALE, zorder=2)
        ax.add_patch(box)
        ax.plot([start, start], [row + 0.1, row + 0.9], color=INK, linewidth=1.4, zorder=3)
    else:
        ax.plot([start], [row + 0.5], marker="v", markersize=4.5, color=INK, zorder=3)
    rooms = (end - start - 2 * gap, right - end - gap, start - left - gap)
    label = plain(f"{bar.label}, {bar.place}" if bar.place else bar.label)
    if text_width(label, size) * per_mm > max(rooms):
        label = fitted(bar.label, size, max(rooms) / per_mm)
    needed = min(text_width(label, size) * per_mm, max(rooms))
    place = next(place for place, room in enumerate(rooms) if room >= needed * 0.999)
    x, align = ((start + gap, "left"), (end + gap, "left"), (start - gap, "right"))[place]
    text = ax.text(x, row + 0.5, label, size=size, ha=align, va="center_baseline", zorder=4)
    if place == 2:
        text.set_bbox({"facecolor": "white", "linewidth": 0, "pad": 0.6})


def _halves(start: datetime, days: int) -> bool:
    return (start + timedelta(days=days)).day in (1, 15)


def time_axis(
    ax: Axes, horizon: schema.Horizon, width: float, preset: Preset, inside: bool = False
) -> None:
    """Set limits and ticks of a time axis: whole days, as many labels as ``width`` mm holds.

    With ``inside`` no label sticks out beyond the ends of the axis.
    """
    start, end = horizon.start, horizon.end
    label, days = text_width("30 Sep", preset.small), (end - start).days
    room = width / (label * (1.1 if inside else 1.25))
    step = next((step for step in (1, 2, 7, 14, 28, 56) if days / step <= room), 112)
    margin = label / 2 / width * days if inside else 0
    chosen = [n for n in range(0, days, step) if margin <= n <= days - margin]
    if inside and step >= 14:
        chosen = [n for n in range(days) if margin <= n <= days - margin and _halves(start, n)]
        chosen = chosen[:: max(1, step // 14)]
    ticks = [start + timedelta(days=n) for n in chosen]
    ax.set_xlim(at(start), at(end))
    ax.set_xticks([at(tick) for tick in ticks], [short_day(tick) for tick in ticks])
