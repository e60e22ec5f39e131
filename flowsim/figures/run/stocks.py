"""Persons abroad by day: the men, those who came with them, and the capacity line."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from flowsim.figures.families import Family
from flowsim.figures.layout import timelines
from flowsim.figures.layout.save import Drawn
from flowsim.figures.layout.sheet import Cell, Key, Sheet, at, text_width
from flowsim.figures.layout.style import BLUE, INK, ORANGE, VERMILION, Preset
from flowsim.figures.layout.tables import Results, records, spread
from flowsim.findings.words import count, day, listed, period, share

FAMILY = Family("stocks", "persons abroad by day, with families, and the capacity line", order=5)
NAME = FAMILY.name
PANEL, GAP = 40.0, 4.0
MEN: dict[str, Any] = {"color": BLUE, "alpha": 0.75}
OTHERS: dict[str, Any] = {"color": ORANGE, "alpha": 0.65}
LINE: dict[str, Any] = {"color": VERMILION, "linewidth": 1.2, "linestyle": (0, (5, 2))}


def missing(results: Results) -> str:
    """Return why there is nothing to draw, if so."""
    stocks = results.days("stock_persons", "destination")
    return "its daily table has no stock_persons" if stocks.empty else ""


def draw_figure(results: Results, preset: Preset) -> Drawn:
    """Arrange one panel per destination."""
    data, scenario = table(results), results.scenario
    title = finding(data)
    heights = [timelines.height(PANEL, [], preset) for _ in scenario.destinations]
    body = sum(heights) + GAP * (len(heights) - 1)
    notes = [_notes(data), results.source]
    sheet = Sheet(
        preset, title, _subtitle(results), notes, body, _keys(data, results), len(heights)
    )
    cells = sheet.cells(heights, GAP)
    for place, cell in zip(scenario.destinations.values(), cells, strict=True):
        own = data[data["place_id"] == place.code]
        _draw_cell(own, f"Persons in {place.name}", sheet, cell, results)
    return Drawn(NAME, sheet.figure, data, title, _alt(data, title, results), results.source)


def _draw_cell(data: pd.DataFrame, head: str, sheet: Sheet, cell: Cell, results: Results) -> None:
    panel = timelines.framed(sheet, cell, head, [], results.scenario.horizon)
    draw(data, panel)
    line = data["capacity"].max()
    if not line > 0:
        return
    size = sheet.preset.small
    left, right = panel.get_xlim()
    low, high = panel.get_ylim()
    per_mm = (right - left) / (panel.get_position().width * sheet.width)
    reached = data[data["high"] >= 0.85 * line]["date"].min()
    free = (at(reached) - left if pd.notna(reached) else right - left) / per_mm - 2.0
    text = next(
        (t for t in (f"Capacity {count(line)}", count(line)) if text_width(t, size) < free), ""
    )
    place = (left + 1.0 * per_mm, line + 0.015 * (high - low))
    panel.text(*place, text, size=size, color=VERMILION, va="bottom", ha="left")


def table(results: Results) -> pd.DataFrame:
    """Return what is drawn: men and persons abroad at the end of each local day.

    Columns place_id, place, date, measure (stock_men, stock_persons), value (mean over the
    replications), low, high, capacity (NaN if the scenario names none).
    """
    scenario = results.scenario
    parts = []
    for measure in ("stock_men", "stock_persons"):
        rows = results.days(measure, "destination")
        parts.append(spread(rows, ["place_id", "date"]).assign(measure=measure))
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
            ax.plot(times, persons[edge], color=INK, linewidth=0.6, linestyle=(0, (1, 1.5)))
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


def _subtitle(results: Results) -> str:
    horizon = results.scenario.horizon
    days = period(horizon.start, horizon.end - timedelta(days=1))
    return (
        f"Simulated persons abroad because of the shock, at the end of each local day, {days}; "
        "those who moved on or returned are left out."
    )


def _keys(data: pd.DataFrame, results: Results) -> list[Key]:
    keys = [
        Key("men", MEN, patch=True),
        Key("companions and, later, families", OTHERS, patch=True),
    ]
    if results.n_replications > 1:
        n = results.n_replications
        what = "range" if n <= 20 else "5 % to 95 %"
        look = {"color": INK, "linewidth": 0.6, "linestyle": (0, (1, 1.5))}
        keys.append(Key(f"{what} of {n} replications", look))
    if (data["capacity"] > 0).any():
        keys.append(Key("capacity line of the scenario", LINE))
    return keys


def _notes(data: pd.DataFrame) -> str:
    text = "Companions per man, family size, stays and returns are assumptions of the scenario."
    if (data["capacity"] > 0).any():
        text += " So is the capacity line: a planner's, not a published one."
    return text


def _alt(data: pd.DataFrame, title: str, results: Results) -> str:
    parts = [f"{title}.", _subtitle(results)]
    last = data[data["date"] == data["date"].max()]
    for name, rows in last.groupby("place", sort=False):
        by = rows.set_index("measure")["value"]
        if by.get("stock_persons", 0.0) > 0:
            parts.append(f"{name}: {share(by['stock_men'] / by['stock_persons'])} of them men.")
    return " ".join(parts)
