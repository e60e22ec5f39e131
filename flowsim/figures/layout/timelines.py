"""Panels over time: a heading, the scenario's policies as bars, an axis of numbers.

And small multiples: the same daily curve in several worlds, each in front with its range once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator
from matplotlib.transforms import Affine2D, Transform, blended_transform_factory

from flowsim.figures.layout import panels
from flowsim.figures.layout.sheet import (
    GAP,
    MARGIN,
    SMALLEST,
    Caption,
    Cell,
    Drawn,
    Key,
    Sheet,
    at,
    shrunk,
    text_width,
    wrap,
)
from flowsim.figures.layout.style import BLUE, INK, PALE, QUIET, RULE, Preset, plain
from flowsim.figures.layout.tables import n_draws, range_of
from flowsim.findings.words import period, plural, short_day, whole
from flowsim.results.run import Run
from flowsim.scenario.policy import Policy
from flowsim.scenario.schema import Horizon, Scenario

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


def bars_of(scenario: Scenario, destination: str, crossing: str | None = None) -> list[PolicyBar]:
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


def _where(policies: Sequence[Policy], destination: str, scenario: Scenario) -> str:
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
    strips: Sequence[Sequence[PolicyBar]], horizon: Horizon, width: float
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


def _rooms(bar: PolicyBar, horizon: Horizon, mm: float) -> tuple[float, float, float]:
    """Return the mm of room in a bar (in the last), right and left of it, a day being so many."""
    first, last, end = at(horizon.start), at(horizon.end), bar.spans[-1][1]
    start = at(bar.start)
    stop = min(at(end), last) if end else start
    gap = GAPS[end is not None]
    inside = stop - at(bar.spans[-1][0])
    return inside * mm - 2 * gap, (last - stop) * mm - gap, (start - first) * mm - gap


def strip_height(found: Sequence[PolicyBar], preset: Preset) -> float:
    """Return the height in mm that the strip of some bars needs."""
    row = LOW_ROW if any(bar.number for bar in found) else ROW
    return row * preset.scale * len(found)


def draw_strip(
    found: Sequence[PolicyBar], panel: Axes, high: float, sheet: Sheet, horizon: Horizon
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
        _write_name(row, bar, panel, sheet, horizon, place)


def _write_name(
    row: int, bar: PolicyBar, ax: Axes, sheet: Sheet, horizon: Horizon, rows: Transform
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
    ax: Axes, horizon: Horizon, width: float, preset: Preset, inside: bool = False
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
    panels: Sequence[tuple[str, Sequence[PolicyBar]]],
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
    strips, note = numbered([bars for _, bars in panels], horizon, width)
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


def height(panel: float, strip: Sequence[PolicyBar], preset: Preset) -> float:
    """Return the height in mm of a cell whose panel is ``panel`` mm high."""
    return (HEAD + FOOT) * preset.scale + strip_height(strip, preset) + panel


def framed(
    sheet: Sheet, cell: Cell, head: str, strip: Sequence[PolicyBar], horizon: Horizon
) -> Axes:
    """Return a panel over time at the bottom of a cell, a heading and a strip of policies above."""
    preset, scale = sheet.preset, sheet.preset.scale
    left, width = cell.left + LEFT * scale, cell.width - LEFT * scale - RIGHT
    heading, size = shrunk(head, preset.text, cell.width - 5.0, "bold")
    sheet.text(cell.left + 2.5, cell.top, heading, size, weight="bold")
    top, high = cell.top + HEAD * scale, strip_height(strip, preset)
    below = cell.height - (HEAD + FOOT) * scale - high
    panel = sheet.axes(left, top + high, width, below)
    time_axis(panel, horizon, width, preset)
    if strip:
        draw_strip(strip, panel, high, sheet, horizon)
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
    look : dict
        Of the lines behind.
    head : str
        Above the panels, if there are several bands.
    tick : callable
        Writes a number beside the axis.
    """

    data: pd.DataFrame
    worlds: Sequence[str]
    behind: Sequence[str]
    look: dict[str, Any]
    head: str = ""
    tick: Callable[[float], str] = whole


def multiples(caption: Caption, preset: Preset, bands: Sequence[Band], horizon: Horizon) -> Drawn:
    """Arrange bands below each other; names stand once where all worlds are on one line."""
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
        inner = panels.headed(sheet, cell, band.head, HEAD) if band.head else cell
        _draw_band(band, sheet, inner, beside, over * preset.scale, horizon)
    return caption.drawn(sheet)


def abreast(n: int, preset: Preset) -> int:
    """Return how many of ``n`` worlds stand side by side."""
    if preset.is_slide:
        return columns(n, preset)
    return min(n, 3 if not preset.narrow or n > 4 else 2)


def _draw_band(
    band: Band, sheet: Sheet, cell: Cell, beside: int, over: float, horizon: Horizon
) -> None:
    preset = sheet.preset
    top = 1.06 * max(float(band.data[["high", "value"]].max().max()), 1e-9)
    labels = panels.tick_texts(0, top, 4, band.tick)
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
        time_axis(ax, horizon, width, preset, inside=True)
        draw_world(band, name, ax)
        ax.set_ylim(0, top)
        panels.number_ticks(ax.yaxis, 4, band.tick)
        ax.tick_params(labelleft=column == 0)


def draw_world(band: Band, world: str, ax: Axes) -> None:
    """Draw one panel: a world in front, others behind it."""
    for other in band.behind:
        if other != world:
            rows = band.data[band.data["world"] == other]
            ax.plot(rows["date"], rows["value"], zorder=1, **band.look)
    own = band.data[band.data["world"] == world]
    if own.empty:
        look: dict[str, Any] = {"ha": "center", "va": "center", "color": QUIET}
        ax.text(0.5, 0.5, ABSENT, size=SMALLEST, transform=ax.transAxes, **look)
    curve(ax, own["date"], own, **OWN)


def multiples_keys(own: str, n: int, others: str, **look: Any) -> list[Key]:
    """Return the key of small multiples with ``n`` replications in each world."""
    band = [Key(range_of(n), BAND, patch=True)] if n > 1 else []
    return [Key(own, OWN), *band, Key(others, look)]
