"""Time axes, and the scenario's policies along them: a bar each, with its name or a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.transforms import Affine2D, Transform, blended_transform_factory

from flowsim.figures.layout.sheet import SMALLEST, Sheet, at, shrunk, text_width
from flowsim.figures.layout.style import INK, PALE, QUIET, RULE, Preset, plain
from flowsim.findings.words import plural, short_day
from flowsim.scenario import schema
from flowsim.scenario.policy import Policy

ROW, LOW_ROW = 3.7, 2.5
GAPS = (2.0, 1.2)
"""Between a moment or a bar and its label, in mm."""


@dataclass(frozen=True)
class PolicyBar:
    """Policies of one name, in the clock of a panel.

    Attributes
    ----------
    spans : tuple of (datetime, datetime or None)
        When each is in force, in order; None is the moment of an announcement.
    place : str
        Where, if it is about crossings.
    number : int
        Under which it stands in the note, if the panel has no room for its name; else 0.
    """

    label: str
    spans: tuple[tuple[datetime, datetime | None], ...]
    place: str = ""
    number: int = 0

    @property
    def start(self) -> datetime:
        """When the first of them begins."""
        return self.spans[0][0]

    @property
    def stretches(self) -> list[tuple[datetime, datetime | None]]:
        """When at least one of them is in force, without breaks."""
        found: list[tuple[datetime, datetime | None]] = []
        for start, end in self.spans:
            before = found[-1][1] if found else None
            if before is not None and end is not None and start <= before:
                found[-1] = (found[-1][0], max(before, end))
            else:
                found.append((start, end))
        return found

    @property
    def text(self) -> str:
        """Its label with its place."""
        return ", ".join(filter(None, (self.label, self.place)))


def bars_of(
    scenario: schema.Scenario, destination: str, crossing: str | None = None
) -> list[PolicyBar]:
    """Return the policies that touch a destination (or one crossing), in order of their start.

    Policies of one label share a bar. Times are local to the destination or, if a crossing is
    given, by the scenario's clock. What lies outside the horizon is left out.
    """
    place = scenario.destinations[destination]
    offset = scenario.utc_offset_h if crossing else place.utc_offset_h
    clock = scenario.horizon.clock
    first, last = scenario.horizon.start, scenario.horizon.end
    found: dict[str, list[tuple[datetime, datetime | None]]] = {
        "Mobilisation announced" if scenario.nation is None else "Call-up announced": [
            (scenario.call_up.announced, None)
        ]
    }
    where: dict[str, list[Policy]] = {}
    for policy in scenario.policies.values():
        start, end = policy.span[0] or first, policy.span[1] or last
        until = None if policy.announcement is not None else min(end, last)
        held = start < last if until is None else start < last and end > first
        if held and policy.touches(destination, crossing, scenario.crossings):
            found.setdefault(policy.label, []).append((max(start, first), until))
            where.setdefault(policy.label, []).append(policy)
    bars = []
    for label, spans in found.items():
        kept = sorted((since, until) for since, until in spans if first <= since < last)
        moved = tuple(
            (clock.local(since, offset), until and clock.local(until, offset))
            for since, until in kept
        )
        site = "" if crossing else _where(where.get(label, []), destination, scenario)
        bars += [PolicyBar(label, moved, site)] if moved else []
    return sorted(bars, key=lambda bar: (bar.start, bar.spans[0][1] is not None, bar.label))


def _where(policies: Sequence[Policy], destination: str, scenario: schema.Scenario) -> str:
    """Return where some policies hold together, and in how many steps they came."""
    found = list(dict.fromkeys(p.where(destination, scenario.crossings) for p in policies))
    if len(found) < 2:
        return "".join(found)
    held = [
        key
        for key, crossing in scenario.crossings.items()
        if crossing.destination == destination
        and any(policy.touches(destination, key, scenario.crossings) for policy in policies)
    ]
    return f"{plural(len(held), 'crossing')} in {len(policies)} steps"


def numbered(
    strips: Sequence[Sequence[PolicyBar]], horizon: schema.Horizon, width: float
) -> tuple[list[list[PolicyBar]], str]:
    """Return the bars with numbers, and the note that explains them, where names have no room.

    Parameters
    ----------
    strips : sequence of sequence of PolicyBar
        Of each panel.
    width : float
        Of the panels, in mm.
    """
    days = (horizon.end - horizon.start) / timedelta(days=1)
    whole = all(
        text_width(plain(bar.label), SMALLEST) <= max(_rooms(bar, horizon, width / days))
        for strip in strips
        for bar in strip
    )
    if whole:
        return [list(strip) for strip in strips], ""
    texts = list(dict.fromkeys(bar.text for strip in strips for bar in strip))
    note = "; ".join(f"{n} {plain(text)}" for n, text in enumerate(texts, 1))
    given = [[replace(bar, number=texts.index(bar.text) + 1) for bar in strip] for strip in strips]
    return given, f"Policies: {note}."


def _rooms(bar: PolicyBar, horizon: schema.Horizon, mm: float) -> tuple[float, float, float]:
    """Return the mm of room in a bar (in the last), right and left of it, a day being so many."""
    first, last, end = at(horizon.start), at(horizon.end), bar.spans[-1][1]
    start = at(bar.start)
    stop = min(at(end), last) if end else start
    gap = GAPS[end is not None]
    inside = stop - at(bar.spans[-1][0])
    return inside * mm - 2 * gap, (last - stop) * mm - gap, (start - first) * mm - gap


def height(found: Sequence[PolicyBar], preset: Preset) -> float:
    """Return the height in mm that the strip of some bars needs."""
    row = LOW_ROW if any(bar.number for bar in found) else ROW
    return row * preset.scale * len(found)


def draw(
    found: Sequence[PolicyBar], panel: Axes, high: float, sheet: Sheet, horizon: schema.Horizon
) -> None:
    """Draw each bar as a row of the strip above a panel, with thin lines down into the panel.

    Parameters
    ----------
    panel : Axes
        Its time axis has its limits.
    high : float
        Height of the strip in mm.
    """
    below = panel.get_position().height * sheet.height
    rows = Affine2D().scale(1.0, -high / len(found) / below).translate(0.0, 1.0 + high / below)
    place = blended_transform_factory(panel.transData, rows + panel.transAxes)
    look: dict[str, Any] = {"transform": place, "clip_on": False}
    end = len(found) * (1.0 + below / high)
    starts = [(at(t), row, e is None) for row, bar in enumerate(found) for t, e in bar.spans]
    x, y, told = (np.array(part) for part in zip(*starts, strict=True))
    colors, wide = list(np.where(told, QUIET, RULE)), np.where(told, 0.9, 0.6)
    panel.vlines(x, y + 0.5, end, colors=colors, linewidth=wide, zorder=0.5, **look)
    panel.plot(x[told], y[told] + 0.5, "v", ms=4.5, color=INK, zorder=3, **look)
    thick: dict[str, Any] = {"colors": INK, "linewidth": 1.4, "zorder": 3}
    panel.vlines(x[~told], y[~told] + 0.1, y[~told] + 0.9, **thick, **look)
    for row, bar in enumerate(found):
        for since, until in bar.stretches:
            if until is not None:
                size = (at(until) - at(since), 0.72)
                box = Rectangle((at(since), row + 0.14), *size, facecolor=PALE, zorder=2, **look)
                panel.add_artist(box)
        _write(row, bar, panel, sheet, horizon, place)


def _write(
    row: int, bar: PolicyBar, ax: Axes, sheet: Sheet, horizon: schema.Horizon, rows: Transform
) -> None:
    """Write the name of a bar into it or beside it, else its number."""
    left, right = ax.get_xlim()
    per_mm = (right - left) / (ax.get_position().width * sheet.width)
    rooms, size = _rooms(bar, horizon, 1 / per_mm), sheet.preset.small
    if bar.number:
        label, size = str(bar.number), SMALLEST
    else:
        label = plain(bar.text)
        if text_width(label, SMALLEST) > max(rooms):
            label = bar.label
        label, size = shrunk(label, size, max(rooms))
    needed = text_width(label, size)
    place = next((n for n, room in enumerate(rooms) if room >= needed * 0.999), 1)
    if bar.number:
        place = 2 if rooms[2] >= needed else 1
    end = bar.spans[-1][1]
    start, stop = at(bar.start), min(at(end), right) if end else at(bar.start)
    gap = GAPS[end is not None] * per_mm
    inside = at(bar.spans[-1][0]) + gap
    x, align = ((inside, "left"), (stop + gap, "left"), (start - gap, "right"))[place]
    look: dict[str, Any] = {"ha": align, "va": "center_baseline", "zorder": 4, "transform": rows}
    text = ax.text(x, row + 0.5, label, size=size, **look)
    if place == 2:
        text.set_bbox({"facecolor": "white", "linewidth": 0, "pad": 0.3})


def time_axis(
    ax: Axes, horizon: schema.Horizon, width: float, preset: Preset, inside: bool = False
) -> None:
    """Set limits and ticks of a time axis: whole days, as many labels as ``width`` mm holds.

    With ``inside`` no label sticks out beyond the ends of the axis.
    """
    start, end = horizon.start, horizon.end
    label, days = text_width(short_day(datetime(2022, 9, 30)), preset.small), (end - start).days
    room = width / (label * (1.1 if inside else 1.25))
    step = next((step for step in (1, 2, 7, 14, 28, 56) if days / step <= room), 112)
    margin = label / 2 / width * days if inside else 0
    chosen = [n for n in range(0, days, step) if margin <= n <= days - margin]
    if inside and step >= 14:
        halves = [n for n in range(days) if (start + timedelta(days=n)).day in (1, 15)]
        chosen = [n for n in halves if margin <= n <= days - margin][:: max(1, step // 14)]
    ticks = [start + timedelta(days=n) for n in chosen]
    ax.set_xlim(at(start), at(end))
    ax.set_xticks([at(tick) for tick in ticks], [short_day(tick) for tick in ticks])
