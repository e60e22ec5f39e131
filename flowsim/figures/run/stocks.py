"""Persons abroad by day: the men, those who came with them, and the capacity line."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from flowsim.figures.families import Family
from flowsim.figures.layout import timelines
from flowsim.figures.layout.caption import Caption
from flowsim.figures.layout.save import Drawn
from flowsim.figures.layout.sheet import Key, Sheet, at, text_width
from flowsim.figures.layout.style import BLUE, INK, ORANGE, VERMILION, Preset
from flowsim.figures.layout.tables import Results, records, spread
from flowsim.findings.words import count, day, listed, share

FAMILY = Family("stocks", "persons abroad by day, with families, and the capacity line", order=5)
PANEL = 40.0
MEN: dict[str, Any] = {"color": BLUE, "alpha": 0.75}
OTHERS: dict[str, Any] = {"color": ORANGE, "alpha": 0.65}
LINE: dict[str, Any] = {"color": VERMILION, "linewidth": 1.2, "linestyle": (0, (5, 2))}
EDGE: dict[str, Any] = {"color": INK, "linewidth": 0.6, "linestyle": (0, (1, 1.5))}
NOTE = "Companions per man, family size, stays and returns are assumptions of the scenario."
LINE_NOTE = " So is the capacity line: a planner's, not a published one."


def missing(results: Results) -> str:
    """Return why there is nothing to draw, if so."""
    stocks = results.days("stock_persons", "destination")
    return "its daily table has no stock_persons" if stocks.empty else ""


def draw_figure(results: Results, preset: Preset) -> Drawn:
    """Arrange one panel per destination."""
    data, horizon = table(results), results.scenario.horizon
    subtitle = (
        "Simulated persons abroad because of the shock, at the end of each local day, "
        f"{timelines.whole_period(horizon)}; those who moved on or returned are left out."
    )
    lined = bool((data["capacity"] > 0).any())
    caption = Caption(
        FAMILY.name,
        data,
        finding(data),
        subtitle,
        results.source,
        NOTE + LINE_NOTE * lined,
        _keys(lined, results.n_replications),
        [subtitle, *_alt(data)],
    )
    places = list(results.scenario.destinations.values())
    panels = [(f"Persons in {place.name}", ()) for place in places]
    sheet, axes = timelines.stacked(caption, preset, panels, horizon, PANEL)
    for place, panel in zip(places, axes, strict=True):
        own = data[data["place_id"] == place.code]
        draw(own, panel)
        _write_line(own, panel, sheet)
    return caption.drawn(sheet)


def _write_line(data: pd.DataFrame, panel: Axes, sheet: Sheet) -> None:
    """Write the capacity above its line, as far as the stock leaves room."""
    line = data["capacity"].max()
    if not line > 0:
        return
    size = sheet.preset.small
    left, right = panel.get_xlim()
    low, high = panel.get_ylim()
    per_mm = (right - left) / (panel.get_position().width * sheet.width)
    reached = data[data["high"] >= 0.85 * line]["date"].min()
    free = (at(reached) - left if pd.notna(reached) else right - left) / per_mm - 2.0
    texts = (f"Capacity {count(line)}", count(line), "")
    text = next((t for t in texts if text_width(t, size) < free), "")
    place = (left + 1.0 * per_mm, line + 0.015 * (high - low))
    panel.text(*place, text, size=size, color=VERMILION, va="bottom", ha="left")


def table(results: Results) -> pd.DataFrame:
    """Return what is drawn: men and persons abroad at the end of each local day.

    Columns place_id, place, date, measure (stock_men, stock_persons), value (mean over the
    replications), low, high, capacity (NaN if the scenario names none).
    """
    scenario = results.scenario
    parts = [
        spread(results.days(measure, "destination"), ["place_id", "date"]).assign(measure=measure)
        for measure in ("stock_men", "stock_persons")
    ]
    data = pd.concat(parts, ignore_index=True)
    names = {place.code: place.name for place in scenario.destinations.values()}
    lines = {
        scenario.destinations[name].code: number.value
        for name, number in scenario.capacities.items()
    }
    data = data[data["place_id"].isin(names)]
    data.insert(1, "place", data["place_id"].map(names))
    capacity = data["place_id"].map(lines).astype(float)
    return data.assign(capacity=capacity).reset_index(drop=True)


def draw(data: pd.DataFrame, ax: Axes) -> None:
    """Draw one country: men below, companions and families above them, the capacity line.

    Parameters
    ----------
    data : DataFrame
        Rows of ``table`` for one place.
    """
    men = data[data["measure"] == "stock_men"].set_index("date")
    persons = data[data["measure"] == "stock_persons"].set_index("date")
    times = pd.DatetimeIndex(persons.index) + pd.Timedelta(hours=24)
    ax.fill_between(times, 0, men["value"], lw=0, **MEN)
    ax.fill_between(times, men["value"], persons["value"], lw=0, **OTHERS)
    ax.plot(times, persons["value"], color=INK, linewidth=1.0)
    if (persons["high"] > persons["low"]).any():
        for edge in ("low", "high"):
            ax.plot(times, persons[edge], **EDGE)
    line = data["capacity"].max()
    if line > 0:
        ax.axhline(line, **LINE)
    timelines.number_axis(ax, data[["high", "capacity"]].max().max())


def passed(data: pd.DataFrame) -> datetime | None:
    """Return the first day on which the mean stock of one place is at or above its line."""
    persons = data[(data["measure"] == "stock_persons") & (data["value"] >= data["capacity"])]
    return None if persons.empty else persons["date"].min()


def finding(data: pd.DataFrame) -> str:
    """State how many persons are abroad at the end, and when the line was passed."""
    last = data["date"].max()
    ends = data[(data["measure"] == "stock_persons") & (data["date"] == last)]
    ends = ends.sort_values("value", ascending=False, kind="stable")
    if ends.empty or not ends["value"].max() >= 1:
        return "Nobody was abroad at the end of the period"
    clauses = []
    for row in records(ends.head(3)):
        clause = f"{count(row['value'])} persons were in {row['place']}"
        when = passed(data[data["place_id"] == row["place_id"]])
        if when is not None:
            clause += f" (line of {count(row['capacity'])} passed on {day(when)})"
        elif row["capacity"] > 0:
            clause += f" (below the line of {count(row['capacity'])})"
        clauses.append(clause)
    return f"On {day(last)} {listed(clauses)}"


def _keys(lined: bool, n: int) -> list[Key]:
    keys = [
        Key("men", MEN, patch=True),
        Key("companions and, later, families", OTHERS, patch=True),
        *timelines.range_key(n, **EDGE),
    ]
    return [*keys, Key("capacity line of the scenario", LINE)] if lined else keys


def _alt(data: pd.DataFrame) -> list[str]:
    parts = []
    for name, rows in data[data["date"] == data["date"].max()].groupby("place", sort=False):
        by = rows.set_index("measure")["value"]
        if by.get("stock_persons", 0.0) > 0:
            parts.append(f"{name}: {share(by['stock_men'] / by['stock_persons'])} of them men.")
    return parts
