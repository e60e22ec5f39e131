"""The queue at the crossing that the published counts are about, and waits where most wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache, partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from flowsim.figures import Family
from flowsim.figures.layout import published, timelines
from flowsim.figures.layout.sheet import GAP, Caption, Cell, Drawn, Key, Sheet, shrunk
from flowsim.figures.layout.style import BLUE, INK, QUIET, RULE, Preset
from flowsim.figures.layout.tables import doubted, highest, joined, n_draws, source, spread
from flowsim.findings.account import records
from flowsim.findings.words import between, count, day, listed, plural, rate
from flowsim.results.run import Run

FAMILY = Family(
    "queues", "queue at the crossing with published counts, waits at the busiest", order=2
)
COLUMNS = ["place_id", "place", "measure", "series", "id", "role", "start", "end"]
BUSIEST = 4
GAP_HOURS = 36
WAITS = ("wait_hours", "wait_hours_p90")
SLOW: dict[str, Any] = {"color": BLUE, "linewidth": 0.7, "linestyle": (0, (3, 1.5))}
LABELS = {"queue_cars": "Cars waiting", "queue_persons": "Persons waiting"}
LONG, SHORT, HEAD, FOOT = 40.0, 30.0, 4.8, 5.0


_hours = lru_cache(maxsize=2)(Run.hours)
"""The hourly rows of a measure, read once for a figure."""


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


def missing(results: Run) -> str:
    """Return why there is nothing to draw, if so."""
    return "it has no hourly table" if _hours(results, "queue_persons").empty else ""


def draw_figure(results: Run, preset: Preset) -> Drawn:
    """Arrange the queue at one crossing above, or left of, the waits at the busiest crossings."""
    shown, scenario = crossings(results, 2 if preset.narrow else BUSIEST), results.scenario
    data = table(results, shown)
    title = finding(data, results, shown)
    measures = list(LABELS)[: 1 if preset.narrow or preset.is_slide else None]
    data = data[data["measure"].isin([*measures, *WAITS])]
    words = (title, _subtitle(results, shown), source(results), _notes(data, results, shown.focus))
    alt = _alt(data, results, shown)
    caption = Caption(FAMILY.name, data, *words, _keys(data, results), alt)
    focus, strip = shown.focus, []
    if focus:
        strip = timelines.bars_of(scenario, scenario.crossings[focus].destination, focus)
    half = preset.width / (1 if preset.narrow else 2)
    room = half - timelines.LEFT * preset.scale - timelines.RIGHT
    (strip,), note = timelines.numbered([strip], scenario.horizon, room)
    columns = 2 if preset.narrow or preset.is_slide else BUSIEST
    rows = -(-max(1, len(shown.busiest)) // columns)
    edges = timelines.height(0.0, strip, preset)
    around = (HEAD + rows * (HEAD + FOOT)) * preset.scale
    if preset.is_slide:
        sheet = caption.sheet(preset, edges + LONG, fixed=note)
        queue = [Cell(0.0, 0.0, half, sheet.body)]
        waits = Cell(half, 0.0, half, sheet.body)
    else:
        body = edges + LONG + GAP + around + rows * SHORT
        sheet = caption.sheet(preset, body, 0.72 * body, note)
        high = edges + (sheet.body - edges - around - GAP) * LONG / (LONG + rows * SHORT)
        queue = [Cell(n * half, 0.0, half, high) for n in range(len(measures))]
        waits = Cell(0.0, high + GAP, preset.width, sheet.body - high - GAP)
    name = scenario.crossings[focus].name if focus else "road crossings"
    lines, seen = _broken(data), data[data["series"] == "published"]
    for measure, cell in zip(measures, queue, strict=True):
        heading = f"{LABELS[measure]} at {name}"
        panel = timelines.framed(sheet, cell, heading, strip, scenario.horizon)
        draw(_of(lines, measure, focus), _of(seen, measure, focus), panel)
    _draw_waits(lines, seen, results, shown.busiest, sheet, waits, rows, columns)
    return caption.drawn(sheet)


def crossings(results: Run, most: int = BUSIEST) -> Shown:
    """Choose the crossings: waits where most wait, the queue where cars were counted."""
    hours = _hours(results, "queue_persons").groupby("place_id")["value"].sum()
    places = results.scenario.crossings
    roads = [key for key, place in places.items() if place.kind == "road"]
    found = hours[hours.index.isin(roads) & (hours > 0)]
    ranked = [str(key) for key in found.sort_values(ascending=False, kind="stable").index]
    counts = partial(published.published, results.scenario, "queue_cars")
    offset = results.scenario.utc_offset_h
    counted = (key for key in [*ranked, *places] if not counts(key, offset).empty)
    return Shown(next(counted, ranked[0] if ranked else None), tuple(ranked[:most]))


def table(results: Run, shown: Shown) -> pd.DataFrame:
    """Return queues by the hour at one crossing, waits at the busiest, by the scenario's clock."""
    queues = [(measure, shown.focus) for measure in LABELS if shown.focus is not None]
    waits = [(measure, key) for key in shown.busiest for measure in WAITS]
    parts, offset = [], results.scenario.utc_offset_h
    days = {measure: _by_day(results, shown.busiest, measure) for measure in WAITS}
    for measure, key in [*queues, *waits]:
        if measure in LABELS:
            rows = _hours(results, measure)
            own = spread(rows[rows["place_id"] == key], ["time"]).rename(columns={"time": "start"})
            own = own.assign(end=own["start"] + timedelta(hours=1))
        else:
            own = _at(days[measure], key, results)
        name, where = results.scenario.crossings[key].name, (measure, key, offset)
        parts += published.beside(own, results.scenario, *where, place=name)
    return joined(parts, COLUMNS)


def _by_day(results: Run, keys: Sequence[str], measure: str) -> pd.DataFrame:
    """Return the mean wait, or its 90 % quantile, of each local day at some crossings.

    With draws of the parameters it is the median of the draws, with their range.
    """

    def rows(run: Run) -> pd.DataFrame:
        waits = run.days(measure, "crossing")
        return timelines.within(waits[waits["place_id"].isin(keys)], run.scenario.horizon)

    return doubted(results, rows, ["place_id", "date"])[0]


def _at(days: pd.DataFrame, key: str, results: Run) -> pd.DataFrame:
    """Return the rows of one crossing, with the moments at which its days begin and end."""
    own, horizon = days[days["place_id"] == key], results.scenario.horizon
    midnights = horizon.clock.midnights(results.scenario.crossings[key].utc_offset_h)
    moments = horizon.start + pd.to_timedelta(midnights, unit="h")
    n = (own["date"] - horizon.start).dt.days.to_numpy()
    return own.assign(start=moments[n], end=moments[n + 1])


def draw(own: pd.DataFrame, seen: pd.DataFrame, ax: Axes, of_draws: bool = False) -> None:
    """Draw one measure at one crossing, with its range and published figures.

    Parameters
    ----------
    own, seen : DataFrame
        Simulated rows of ``_broken`` and published ones of ``table``, for one place and measure.
    of_draws : bool
        Whether the range is that of draws of the parameters.
    """
    inner = own.assign(low=own["value"], high=own["value"]) if of_draws else None
    marker = "." if len(own) < 100 else ""
    timelines.curve(ax, own["time"], own, inner, lw=1.2, marker=marker, ms=3)
    published.draw(seen, ax)
    timelines.number_axis(ax, _top(own, seen), ticks=4)


def _top(*parts: pd.DataFrame) -> float:
    """Return the greatest value or end of a range, 0 if there is none."""
    return float(np.nanmax([0.0, *(part[["value", "high"]].max().max() for part in parts)]))


def _of(rows: pd.DataFrame, measure: str, key: str | None) -> pd.DataFrame:
    return rows[(rows["measure"] == measure) & (rows["place_id"] == key)]


def _broken(data: pd.DataFrame) -> pd.DataFrame:
    """Return simulated rows by ``time``, lines broken where nobody came for ``GAP_HOURS``."""
    own = data[(data["series"] == "simulated") & data["value"].notna()].sort_values("start")
    own = own.assign(time=own["start"] + (own["end"] - own["start"]) / 2)
    since = own.groupby(["measure", "place_id"])["start"].diff()
    breaks = own[since > timedelta(hours=GAP_HOURS)].assign(value=np.nan, low=np.nan, high=np.nan)
    return pd.concat([breaks, own]).sort_values("time", kind="stable")


def _draw_waits(
    lines: pd.DataFrame,
    seen: pd.DataFrame,
    results: Run,
    busiest: Sequence[str],
    sheet: Sheet,
    cell: Cell,
    rows: int,
    columns: int,
) -> None:
    """Draw waits as small panels of one scale, the other crossings in grey behind each."""
    preset, scale, scenario = sheet.preset, sheet.preset.scale, results.scenario
    head, foot, start = HEAD * scale, FOOT * scale, cell.left + 2.5
    high = (cell.height - head) / rows - head - foot
    waits, slow = ({key: _of(lines, wait, key) for key in busiest} for wait in WAITS)
    heading = "Hours waited by those who reach the head"
    sheet.text(start, cell.top, heading, preset.text, weight="bold")
    if all(own.empty for own in waits.values()):
        sheet.text(start + 10.5, cell.top + head + 4, "Nobody waited.", preset.text, color=QUIET)
        return
    marks = {key: _of(seen, WAITS[0], key) for key in busiest}
    slowest = max(own["value"].max() for own in slow.values())
    limit = 1.08 * np.nanmax([1.0, _top(*waits.values(), *marks.values()), slowest])
    left, gap = start + 10.5 * scale, 4.0
    width = (cell.left + cell.width - left - 4.0 - gap * (columns - 1)) / columns
    for place, key in enumerate(busiest):
        row, column = divmod(place, columns)
        x = left + column * (width + gap)
        y = cell.top + 2 * head + row * (high + head + foot)
        panel = sheet.axes(x, y, width, high)
        timelines.time_axis(panel, scenario.horizon, width, preset, inside=True)
        for own in waits.values():
            panel.plot(own["time"], own["value"], color=RULE, linewidth=0.6, zorder=1)
        draw(waits[key], marks[key], panel, n_draws(results) > 0)
        panel.plot(slow[key]["time"], slow[key]["value"], zorder=2, **SLOW)
        panel.set_ylim(0, limit)
        panel.tick_params(labelleft=column == 0)
        name = shrunk(scenario.crossings[key].name, preset.small, width)
        sheet.text(x, y - 4.0 * scale, *name, color=INK)


def finding(data: pd.DataFrame, results: Run, shown: Shown) -> str:
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
    return text + _longest_wait(data, results, shown)


def _longest_wait(data: pd.DataFrame, results: Run, shown: Shown) -> str:
    """Return where and when the mean wait of a day was longest, at the busiest crossings."""
    means = data[(data["measure"] == "wait_hours") & (data["series"] == "simulated")]
    means = means.dropna(subset="value").sort_values("value", ascending=False, kind="stable")
    if means.empty or means["value"].iloc[0] < 0.5:
        return ""
    longest = records(means.head(1))[0]
    place = "there" if longest["place_id"] == shown.focus else f"at {longest['place']}"
    hours = rate(longest["value"])
    if n_draws(results):
        hours = between(longest["low"], longest["high"], rate) or hours
    when = day(longest["start"] + timedelta(hours=12))
    return f"; those who reached the head {place} on {when} had waited {hours} hours on average"


def _simulated(data: pd.DataFrame, measure: str, key: str | None) -> pd.Series[float]:
    own = _of(data[data["series"] == "simulated"], measure, key)
    return own.set_index("start")["value"].dropna()


def _subtitle(results: Run, shown: Shown) -> str:
    days = timelines.whole_period(results.scenario.horizon)
    n = len(shown.busiest)
    where = f"the {plural(n, 'road crossing')} with the most hours of waiting" if n else "crossings"
    clock = results.scenario.home.clock
    return (
        f"Simulated queue by the hour and mean waits of each day at {where}, {clock}, {days}. "
        "Bars: policies that touch the crossing. Grey: the others."
    )


def _keys(data: pd.DataFrame, results: Run) -> list[Key]:
    keys = [Key("simulated", {"color": BLUE, "linewidth": 1.2})]
    keys += timelines.range_keys(results)
    if (data["measure"] == "wait_hours_p90").any():
        keys.append(Key("nine in ten waited less", SLOW))
    return keys + published.keys(data[data["series"] == "published"])


def _notes(data: pd.DataFrame, results: Run, focus: str | None) -> str:
    notes = "Persons of both sexes, ordinary traffic included; people on foot are not in cars."
    if (data["series"] == "published").any():
        notes += " Published: passenger cars; some sources say vehicles. Sources: queues.csv."
    if n_draws(results):
        notes += " Draws are kept by day: the waits are their median and range, the queue is not."
    waits = (data["series"] == "published") & data["measure"].isin(WAITS)
    if waits.any():
        notes += " The published wait is that of cars, the line that of all, on foot too."
    for policy in results.scenario.policies.values():
        end = policy.span[1]
        if focus in policy.places and end is not None and end < results.scenario.horizon.end:
            notes += f" {policy.queue_note.format(end=day(end))}" if policy.queue_note else ""
    return notes


def _alt(data: pd.DataFrame, results: Run, shown: Shown) -> list[str]:
    names = {key: results.scenario.crossings[key].name for key in shown.busiest}
    waits = {name: _simulated(data, "wait_hours", key) for key, name in names.items()}
    parts = [
        f"{name}: longest mean wait of a day {rate(float(own.max()))} hours."
        for name, own in waits.items()
        if len(own)
    ]
    n = int((data["series"] == "published").sum())
    if n:
        parts.append(f"{plural(n, 'published figure')} beside the simulation.")
    return [*parts, f"Crossings by waiting: {listed(list(names.values()))}."] if names else parts
