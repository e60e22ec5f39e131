"""Fan charts: how far replications differ, day by day, beside published figures and policies."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from flowsim.figures import marks, published, timelines
from flowsim.figures.save import Drawn
from flowsim.figures.sheet import Key, Sheet
from flowsim.figures.style import BLUE, Preset
from flowsim.figures.tables import Results, joined, records
from flowsim.figures.words import count, day, listed, period

NAME = "fan"
COLUMNS = ["place_id", "place", "series", "id", "role", "start", "end", "lower", "upper"]
PANEL, GAP = 43.0, 4.0
LEVELS = {"low": 0.05, "lower": 0.25, "value": 0.5, "upper": 0.75, "high": 0.95}
OUTER: dict[str, Any] = {"color": BLUE, "alpha": 0.2}
INNER: dict[str, Any] = {"color": BLUE, "alpha": 0.45}
MOST = 2


def missing(results: Results) -> str:
    """Say why there is nothing to draw, if so."""
    few = "it has one replication only; run the scenario with --replications 20"
    return "" if results.n_replications > 1 else few


def draw_figure(results: Results, preset: Preset) -> Drawn:
    """Arrange one panel per destination, each under the strip of its policies."""
    data, scenario = table(results), results.scenario
    strips = {name: marks.marks(scenario, name) for name in scenario.destinations}
    heights = [timelines.height(PANEL, strip, preset) for strip in strips.values()]
    title = finding(data, results)
    body = sum(heights) + GAP * (len(heights) - 1)
    notes = [_notes(data), results.source]
    sheet = Sheet(preset, title, _subtitle(results), notes, body, _keys(data), len(heights))
    cells = sheet.cells(heights, GAP)
    for (name, place), cell in zip(scenario.destinations.items(), cells, strict=True):
        head = f"Persons entering {place.name} a day"
        panel = timelines.framed(sheet, cell, head, strips[name], scenario.horizon)
        draw(data[data["place_id"] == place.code], panel)
    return Drawn(NAME, sheet.figure, data, title, _alt(data, title, results), results.source)


def table(results: Results) -> pd.DataFrame:
    """Give quantiles of entries over the replications by local day, and published figures.

    Columns low, lower, value, upper and high are the quantiles of ``LEVELS``.
    """
    scenario = results.scenario
    rows = results.days("entries", "destination")
    last = scenario.horizon.end - timedelta(days=1)
    rows = rows[rows["date"].between(scenario.horizon.start, last)]
    groups = rows.groupby(["place_id", "date"], observed=True)["value"]
    fan = pd.DataFrame({name: groups.quantile(level) for name, level in LEVELS.items()})
    fan = fan.reset_index()
    parts = []
    for place in scenario.destinations.values():
        own = fan[fan["place_id"] == place.code].rename(columns={"date": "start"})
        ends = own["start"] + timedelta(days=1)
        parts.append(own.assign(end=ends, place=place.name, series="simulated", id="", role=""))
        seen = published.published(scenario, "entries", place.code, place.utc_offset_h)
        parts.append(seen.assign(place_id=place.code, place=place.name, series="published"))
    data = joined(parts, COLUMNS)
    return data.astype(dict.fromkeys(("lower", "upper"), float))


def draw(data: pd.DataFrame, ax: Axes) -> None:
    """Draw one country: the median with two bands, published figures as marks.

    Parameters
    ----------
    data : DataFrame
        Rows of ``table`` for one place.
    """
    own = data[data["series"] == "simulated"]
    middle = own["start"] + timedelta(hours=12)
    ax.fill_between(middle, own["low"], own["high"], lw=0, **OUTER)
    ax.fill_between(middle, own["lower"], own["upper"], lw=0, **INNER)
    ax.plot(middle, own["value"], color=BLUE, zorder=3, linewidth=1.2)
    published.draw(data[data["series"] == "published"], ax)
    timelines.number_axis(ax, data[["value", "high"]].max().max())


def finding(data: pd.DataFrame, results: Results) -> str:
    """State what nine in ten replications have on the day of the highest median."""
    own = data[(data["series"] == "simulated") & (data["value"] > 0)]
    if own.empty:
        names = [place.name for place in results.scenario.destinations.values()]
        return f"Nobody entered {listed(names)} in half of the replications"
    tops = own.loc[own.groupby("place_id")["value"].idxmax()]
    ranked = tops.sort_values("value", ascending=False, kind="stable").head(MOST)
    clauses = [
        f"{_span(row['low'], row['high'])} entered {row['place']} on {day(row['start'])}"
        for row in records(ranked)
    ]
    return f"In nine of ten replications {listed(clauses)}"


def _span(low: float, high: float) -> str:
    first, last = count(low), count(high)
    return first if first == last else f"{first} to {last}"


def _subtitle(results: Results) -> str:
    horizon = results.scenario.horizon
    days = period(horizon.start, horizon.end - timedelta(days=1))
    return (
        f"Simulated entries of Russian citizens by local calendar day, {days}, in "
        f"{results.n_replications} replications; bars: policies. The bands show chance within the "
        "model, not doubt about its assumptions."
    )


def _keys(data: pd.DataFrame) -> list[Key]:
    keys = [
        Key("median", {"color": BLUE, "linewidth": 1.2}),
        Key("half of the replications", INNER, patch=True),
        Key("nine in ten", OUTER, patch=True),
    ]
    return keys + published.keys(data[data["series"] == "published"])


def _notes(data: pd.DataFrame) -> str:
    notes = "Entries are border crossings, not emigrants; ordinary traffic included."
    if (data["series"] == "published").any():
        notes += " Sources of each mark: fan.csv."
    return notes


def _alt(data: pd.DataFrame, title: str, results: Results) -> str:
    parts = [f"{title}.", _subtitle(results)]
    own = data[(data["series"] == "simulated") & data["high"].notna()]
    own = own.assign(spread=own["high"] - own["low"])
    widest = own.sort_values("spread", ascending=False, kind="stable").groupby("place", sort=False)
    for row in records(widest.head(1)):
        parts.append(
            f"{row['place']}: the nine-in-ten band is widest on {day(row['start'])}, "
            f"{_span(row['low'], row['high'])} a day."
        )
    return " ".join(parts)
