"""The queue at the crossing that the published counts are about, and waits where most wait."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from flowsim.figures.families import Family
from flowsim.figures.layout import policy_bars as marks
from flowsim.figures.layout import published, timelines
from flowsim.figures.layout.save import Drawn
from flowsim.figures.layout.sheet import Key, Sheet, fitted
from flowsim.figures.layout.style import BLUE, INK, QUIET, RULE, Preset
from flowsim.figures.layout.tables import Results, highest, joined, records, spread
from flowsim.findings.words import count, day, listed, period, plural, rate
from flowsim.scenario.clock import MOSCOW_UTC_OFFSET_H

FAMILY = Family(
    "queues", "queue at the crossing with published counts, waits at the busiest", order=2
)
NAME = FAMILY.name
COLUMNS = ["place_id", "place", "measure", "series", "id", "role", "start", "end"]
BUSIEST = 4
GAP_HOURS = 36
WAITS = ("wait_hours", "wait_hours_p90")
SLOW: dict[str, Any] = {"color": BLUE, "linewidth": 0.7, "linestyle": (0, (3, 1.5))}
LABELS = {"queue_cars": "Cars waiting", "queue_persons": "Persons waiting"}
LONG, SHORT, HEAD, FOOT, GAP = 40.0, 30.0, 4.8, 5.0, 4.0


@dataclass(frozen=True)
class Shown:
    """Which crossings are shown.

    Attributes
    ----------
    focus : str or None
        The crossing whose queue is shown; None if there is none.
    busiest : tuple of str
        Those whose waits are shown, the one with most person-hours of waiting first.
    """

    focus: str | None
    busiest: tuple[str, ...]


def missing(results: Results) -> str:
    """Return why there is nothing to draw, if so."""
    return "it has no hourly table" if results.hourly.empty else ""


def draw_figure(results: Results, preset: Preset) -> Drawn:
    """Arrange cars and persons at one crossing above the waits at the busiest crossings."""
    shown = crossings(results)
    data = table(results, shown)
    title = finding(data, results, shown)
    unseen = data["measure"].isin(LABELS) & ~data["measure"].isin(_measures(preset))
    data = data[~unseen]
    scenario, focus = results.scenario, shown.focus
    strip = marks.marks(scenario, scenario.crossings[focus].destination, focus) if focus else []
    layout = Layout.of(preset, len(shown.busiest), marks.height(strip, preset))
    notes = [_notes(data, results, focus), results.source]
    keys = _keys(data, results)
    sheet = Sheet(preset, title, _subtitle(results, shown), notes, layout.body, keys)
    layout = layout.into(sheet.body)
    _draw_queue(data, results, focus, strip, sheet, layout)
    _draw_waits(data, results, shown, sheet, layout)
    alt = _alt(data, title, results, shown)
    return Drawn(NAME, sheet.figure, data, title, alt, results.source)


def _measures(preset: Preset) -> tuple[str, ...]:
    """Return the measures of the queue that there is room for."""
    return tuple(LABELS) if preset.height is None else ("queue_cars",)


@dataclass(frozen=True)
class Layout:
    """Lengths in mm: of the queue's panels, of the waits' panels and what stands between.

    Attributes
    ----------
    stacked : int
        Panels of the queue below each other: 1 or 2.
    beside : bool
        Whether the waits stand to the right of the queue instead of below it.
    columns, rows : int
        Panels of waits beside and below each other.
    """

    scale: float
    stacked: int
    columns: int
    rows: int
    strip: float
    beside: bool = False
    long: float = LONG
    short: float = SHORT

    @classmethod
    def of(cls, preset: Preset, n_waits: int, strip: float) -> Layout:
        """Return the layout of a preset for so many panels of waits and a strip so high."""
        beside = preset.height is not None
        columns = 2 if preset.narrow or beside else BUSIEST
        rows = -(-max(1, n_waits) // columns)
        return cls(preset.scale, 2 if preset.narrow else 1, columns, rows, strip, beside)

    @property
    def head(self) -> float:
        """Height of a heading."""
        return HEAD * self.scale

    @property
    def foot(self) -> float:
        """Height of the dates below a panel."""
        return FOOT * self.scale

    @property
    def waits_top(self) -> float:
        """Where the waits begin."""
        if self.beside:
            return 0.0
        queue = self.head + self.strip + self.stacked * (self.long + self.foot)
        return queue + (self.stacked - 1) * (self.head + GAP) + GAP

    @property
    def body(self) -> float:
        """Height of all."""
        return self.waits_top + self.head + self.rows * (self.short + self.head + self.foot)

    def into(self, body: float) -> Layout:
        """Return the layout with its panels made to fill a body."""
        if self.beside:
            long = body - self.head - self.strip - self.foot
            spare = body - self.head - self.rows * (self.head + self.foot)
            return replace(self, long=long, short=spare / self.rows)
        shared = self.stacked * self.long + self.rows * self.short
        factor = 1 + (body - self.body) / shared
        return replace(self, long=self.long * factor, short=self.short * factor)


def crossings(results: Results) -> Shown:
    """Choose the crossings: waits where most wait, the queue where cars were counted."""
    hours = results.hours("queue_persons").groupby("place_id")["value"].sum()
    places = results.scenario.crossings
    roads = [key for key, place in places.items() if place.kind == "road"]
    found = hours[hours.index.isin(roads) & (hours > 0)]
    ranked = [str(key) for key in found.sort_values(ascending=False, kind="stable").index]
    counted = [key for key in [*ranked, *places] if not _counts(results, key).empty]
    return Shown(next(iter([*counted, *ranked]), None), tuple(ranked[:BUSIEST]))


def table(results: Results, shown: Shown) -> pd.DataFrame:
    """Return queues by the hour at one crossing, waits at the busiest, Moscow time."""
    queues = [] if shown.focus is None else [(measure, shown.focus) for measure in LABELS]
    parts = []
    waits = [(measure, key) for key in shown.busiest for measure in WAITS]
    for measure, key in [*queues, *waits]:
        if measure in WAITS:
            own = _by_day(results, key, measure)
        else:
            rows = results.hours(measure)
            own = spread(rows[rows["place_id"] == key], ["time"]).rename(columns={"time": "start"})
            own["end"] = own["start"] + timedelta(hours=1)
        seen = published.published(results.scenario, measure, key, MOSCOW_UTC_OFFSET_H)
        place = {"place_id": key, "place": results.scenario.crossings[key].name}
        for part, series in ((own, "simulated"), (seen, "published")):
            parts.append(part.assign(measure=measure, series=series, **place))
    return joined(parts, COLUMNS)


def _by_day(results: Results, key: str, measure: str) -> pd.DataFrame:
    """Return the mean wait, or its 90 % quantile, of each local day at a crossing, Moscow time."""
    horizon = results.scenario.horizon
    waits = results.days(measure, "crossing")
    inside = waits["date"].between(horizon.start, horizon.end - timedelta(days=1))
    own = spread(waits[(waits["place_id"] == key) & inside], ["date"])
    ahead = results.scenario.crossings[key].utc_offset_h - MOSCOW_UTC_OFFSET_H
    start = own["date"] - timedelta(hours=ahead)
    return own.assign(start=start, end=start + timedelta(days=1))


def draw(data: pd.DataFrame, ax: Axes, color: str = BLUE) -> None:
    """Draw one measure at one crossing, with its range and published figures.

    Where there is no value for ``GAP_HOURS``, because nobody came, the line is broken.

    Parameters
    ----------
    data : DataFrame
        Rows of ``table`` for one place and measure.
    """
    for part in _runs(data):
        times = part["start"] + (part["end"] - part["start"]) / 2
        if (part["high"] > part["low"]).any():
            ax.fill_between(times, part["low"], part["high"], color=color, alpha=0.25, lw=0)
        marker = "." if len(part) < 100 else ""
        ax.plot(times, part["value"], color=color, zorder=3, lw=1.2, marker=marker, ms=3)
    published.draw(data[data["series"] == "published"], ax)
    timelines.number_axis(ax, data[["value", "high"]].max().max(), ticks=4)


def _runs(data: pd.DataFrame) -> list[pd.DataFrame]:
    """Split simulated rows where the measure has no value for ``GAP_HOURS``."""
    own = data[(data["series"] == "simulated") & data["value"].notna()].sort_values("start")
    gaps = own["start"].diff() > timedelta(hours=GAP_HOURS)
    return [part for _, part in own.groupby(gaps.cumsum())]


def finding(data: pd.DataFrame, results: Results, shown: Shown) -> str:
    """State how long the queue became, when, and how long those at the head had waited."""
    focus = shown.focus
    cars = _simulated(data, "queue_cars", focus)
    people = _simulated(data, "queue_persons", focus)
    if focus is None or people.empty or people.max() < 1:
        return "No queue formed at any road crossing"
    name = results.scenario.crossings[focus].name
    many, unit = (cars, "cars") if not cars.empty and cars.max() >= 1 else (people, "persons")
    most, when = highest(many)
    text = f"The queue at {name} reached {count(most)} {unit} on {day(when)}"
    return text + _longest_wait(results, shown)


def _longest_wait(results: Results, shown: Shown) -> str:
    """Return where and when the mean wait of a day was longest, at the busiest crossings."""
    waits = results.days("wait_hours", "crossing")
    last = results.scenario.horizon.end - timedelta(days=1)
    waits = waits[waits["place_id"].isin(shown.busiest) & (waits["date"] <= last)]
    means = spread(waits, ["place_id", "date"]).dropna(subset="value")
    if means.empty or means["value"].max() < 0.5:
        return ""
    longest = records(means.sort_values("value", ascending=False, kind="stable").head(1))[0]
    key = longest["place_id"]
    place = "there" if key == shown.focus else f"at {results.scenario.crossings[key].name}"
    return (
        f"; those who reached the head {place} on {day(longest['date'])} had waited "
        f"{rate(longest['value'])} hours on average"
    )


def _simulated(data: pd.DataFrame, measure: str, key: str | None) -> pd.Series[float]:
    own = data[(data["measure"] == measure) & (data["place_id"] == key)]
    return own[own["series"] == "simulated"].set_index("start")["value"].dropna()


def _counts(results: Results, key: str) -> pd.DataFrame:
    return published.published(results.scenario, "queue_cars", key, MOSCOW_UTC_OFFSET_H)


def _draw_queue(
    data: pd.DataFrame,
    results: Results,
    focus: str | None,
    strip: list[marks.Mark],
    sheet: Sheet,
    layout: Layout,
) -> None:
    """Draw cars and persons at the focal crossing, side by side where there is room."""
    preset, scenario = sheet.preset, results.scenario
    name = scenario.crossings[focus].name if focus else "road crossings"
    narrow, left = layout.stacked > 1, 13.0 * layout.scale
    width = preset.width - left - 4.0 if narrow else (preset.width - 2 * left - 8.0) / 2
    head, high = layout.head, layout.strip
    for place, measure in enumerate(_measures(preset)):
        label = LABELS[measure]
        x = left if narrow else left + place * (width + left + 4.0)
        y = head + high + (place * (layout.long + layout.foot + head + GAP) if narrow else 0)
        panel = sheet.axes(x, y, width, layout.long)
        marks.time_axis(panel, scenario.horizon, width, preset)
        draw(data[(data["measure"] == measure) & (data["place_id"] == focus)], panel)
        heading = fitted(f"{label} at {name}", preset.text, width + left - 3, "bold")
        above = 0 if place == 0 or not narrow else y - head
        sheet.text(x - left + 2.5, above, heading, preset.text, weight="bold")
        if strip and (place == 0 or not narrow):
            bars = sheet.axes(x, head, width, high)
            bars.set_xlim(panel.get_xlim())
            marks.draw(strip, bars, panel, sheet)


def _draw_waits(
    data: pd.DataFrame, results: Results, shown: Shown, sheet: Sheet, layout: Layout
) -> None:
    """Draw waits as small panels of one scale, the other crossings in grey behind each."""
    preset, scenario, head, top = sheet.preset, results.scenario, layout.head, layout.waits_top
    waits = data[data["measure"] == "wait_hours"]
    heading = "Hours waited by those who reach the head"
    start = preset.width / 2 + 2.5 if layout.beside else 2.5
    sheet.text(start, top, heading, preset.text, weight="bold")
    if waits[waits["series"] == "simulated"]["value"].dropna().empty:
        sheet.text(start + 10.5, top + head + 4, "Nobody waited.", preset.text, color=QUIET)
        return
    slow = data[data["measure"] == "wait_hours_p90"]
    most = slow["value"].max() if len(slow) else 0.0
    limit = 1.08 * np.nanmax([1.0, waits[["value", "high"]].max().max(), most])
    left, gap, columns = start + 10.5 * layout.scale, 4.0, layout.columns
    width = (preset.width - left - 4.0 - gap * (columns - 1)) / columns
    for place, key in enumerate(shown.busiest):
        row, column = divmod(place, columns)
        x = left + column * (width + gap)
        y = top + 2 * head + row * (layout.short + head + layout.foot)
        panel = sheet.axes(x, y, width, layout.short)
        marks.time_axis(panel, scenario.horizon, width, preset, inside=True)
        _draw_others(waits[waits["place_id"] != key], panel)
        draw(waits[waits["place_id"] == key], panel)
        for part in _runs(slow[slow["place_id"] == key]):
            middle = part["start"] + (part["end"] - part["start"]) / 2
            panel.plot(middle, part["value"], zorder=2, **SLOW)
        panel.set_ylim(0, limit)
        panel.tick_params(labelleft=column == 0)
        name = fitted(scenario.crossings[key].name, preset.small, width)
        sheet.text(x, y - 4.0 * layout.scale, name, preset.small, color=INK)


def _draw_others(waits: pd.DataFrame, panel: Axes) -> None:
    """Draw the other crossings in grey."""
    for _, other in waits.groupby("place_id", sort=False):
        for part in _runs(other):
            middle = part["start"] + (part["end"] - part["start"]) / 2
            panel.plot(middle, part["value"], color=RULE, linewidth=0.6, zorder=1)


def _subtitle(results: Results, shown: Shown) -> str:
    horizon = results.scenario.horizon
    days = period(horizon.start, horizon.end - timedelta(days=1))
    n = len(shown.busiest)
    where = f"the {plural(n, 'road crossing')} with the most hours of waiting" if n else "crossings"
    return (
        f"Simulated queue by the hour and mean waits of each day at {where}, Moscow time, {days}. "
        "Bars: policies that touch the crossing. Grey: the others."
    )


def _keys(data: pd.DataFrame, results: Results) -> list[Key]:
    keys = [Key("simulated", {"color": BLUE, "linewidth": 1.2})]
    n = results.n_replications
    if n > 1:
        what = "range" if n <= 20 else "5 % to 95 %"
        keys.append(Key(f"{what} of {n} replications", {"color": BLUE, "alpha": 0.25}, patch=True))
    if (data["measure"] == "wait_hours_p90").any():
        keys.append(Key("nine in ten waited less", SLOW))
    return keys + published.keys(data[data["series"] == "published"])


def _notes(data: pd.DataFrame, results: Results, focus: str | None) -> str:
    notes = "Persons of both sexes, ordinary traffic included; people on foot are not in cars."
    if (data["series"] == "published").any():
        notes += " Published: passenger cars; some sources say vehicles. Sources: queues.csv."
    waits = (data["series"] == "published") & data["measure"].isin(WAITS)
    if waits.any():
        notes += " The published wait is that of cars, the line that of all, on foot too."
    for policy in results.scenario.policies.values():
        end = policy.span[1]
        if focus in policy.places and end is not None and end < results.scenario.horizon.end:
            notes += f" {policy.queue_note.format(end=day(end))}" if policy.queue_note else ""
    return notes


def _alt(data: pd.DataFrame, title: str, results: Results, shown: Shown) -> str:
    parts = [f"{title}.", _subtitle(results, shown)]
    for key in shown.busiest:
        waits = _simulated(data, "wait_hours", key)
        if not waits.empty:
            name = results.scenario.crossings[key].name
            parts.append(f"{name}: longest mean wait of a day {rate(float(np.max(waits)))} hours.")
    n = int((data["series"] == "published").sum())
    if n:
        parts.append(f"{plural(n, 'published figure')} beside the simulation.")
    names = [results.scenario.crossings[key].name for key in shown.busiest]
    return " ".join(parts) + (f" Crossings by waiting: {listed(names)}." if names else "")
