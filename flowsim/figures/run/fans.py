"""Fan charts: how far replications differ, day by day, beside published figures and policies.

A run with draws of its parameters has two bands of the same width in probability: chance alone
(the replications at the scenario's own values), and chance and parameters together (the draws).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from flowsim.figures.families import Family
from flowsim.figures.layout import policy_bars as marks
from flowsim.figures.layout import published, timelines
from flowsim.figures.layout.save import Drawn
from flowsim.figures.layout.sheet import Key, Sheet
from flowsim.figures.layout.style import BLUE, INK, Preset
from flowsim.figures.layout.tables import Results, joined, records
from flowsim.findings.words import count, day, listed, period

FAMILY = Family("fan", "entries per day as bands over the replications", usual=False, order=7)
NAME = FAMILY.name
COLUMNS = ["place_id", "place", "series", "id", "role", "start", "end", "lower", "upper"]
PANEL, GAP = 43.0, 4.0
LEVELS = {"low": 0.05, "lower": 0.25, "value": 0.5, "upper": 0.75, "high": 0.95}
OUTER: dict[str, Any] = {"color": BLUE, "alpha": 0.2}
INNER: dict[str, Any] = {"color": BLUE, "alpha": 0.45}
CHANCE, BOTH = "chance alone", "chance and parameters"
# the edge tells the wide band from the narrow one where a printer knows no blue
WIDE: dict[str, Any] = {"facecolor": "#0072B226", "edgecolor": BLUE, "lw": 0.7}
WIDE |= {"linestyle": (0, (4, 2))}
NARROW: dict[str, Any] = {"color": BLUE, "alpha": 0.5}
MIDDLES: dict[str, dict[str, Any]] = {
    BOTH: {"color": INK, "linewidth": 1.0, "linestyle": (0, (4, 2))},
    CHANCE: {"color": BLUE, "linewidth": 1.2},
}
UNSEEN = (
    "Neither band holds doubt about the structure of the model, nor about assumptions that the "
    "calibration left fixed."
)
MOST = 2


def missing(results: Results) -> str:
    """Return why there is nothing to draw, if so."""
    few = "it has one replication only; run the scenario with --replications 20"
    return "" if results.n_replications > 1 else few


def draw_figure(results: Results, preset: Preset) -> Drawn:
    """Arrange one panel per destination, each under the strip of its policies."""
    data, scenario = table(results), results.scenario
    strips = {name: marks.marks(scenario, name) for name in scenario.destinations}
    heights = [timelines.height(PANEL, strip, preset) for strip in strips.values()]
    title = finding(data, results)
    body = sum(heights) + GAP * (len(heights) - 1)
    notes = [_notes(data, results), results.source]
    sheet = Sheet(preset, title, _subtitle(results), notes, body, _keys(data), len(heights))
    cells = sheet.cells(heights, GAP)
    for (name, place), cell in zip(scenario.destinations.items(), cells, strict=True):
        head = f"Persons entering {place.name} a day"
        panel = timelines.framed(sheet, cell, head, strips[name], scenario.horizon)
        draw(data[data["place_id"] == place.code], panel)
    return Drawn(NAME, sheet.figure, data, title, _alt(data, title, results), results.source)


def table(results: Results) -> pd.DataFrame:
    """Return quantiles of entries over the replications by local day, and published figures.

    Columns low, lower, value, upper and high are the quantiles of ``LEVELS``. With draws of the
    parameters, a column ``what`` tells ``CHANCE`` from ``BOTH``, and there are no quartiles.
    """
    scenario = results.scenario
    if results.posterior is None:
        fan, columns = _quantiles(results), COLUMNS
    else:
        drawn = _quantiles(replace(results, daily=results.posterior))
        fan = pd.concat([_quantiles(results).assign(what=CHANCE), drawn.assign(what=BOTH)])
        columns = ["what", *COLUMNS]
    parts = []
    for place in scenario.destinations.values():
        own = fan[fan["place_id"] == place.code].rename(columns={"date": "start"})
        ends = own["start"] + timedelta(days=1)
        parts.append(own.assign(end=ends, place=place.name, series="simulated", id="", role=""))
        seen = published.published(scenario, "entries", place.code, place.utc_offset_h)
        parts.append(seen.assign(place_id=place.code, place=place.name, series="published"))
    data = joined(parts, columns).astype(dict.fromkeys(("lower", "upper"), float))
    return data.drop(columns=["lower", "upper"]) if "what" in data else data


def _quantiles(results: Results) -> pd.DataFrame:
    rows = results.days("entries", "destination")
    last = results.scenario.horizon.end - timedelta(days=1)
    rows = rows[rows["date"].between(results.scenario.horizon.start, last)]
    groups = rows.groupby(["place_id", "date"], observed=True)["value"]
    fan = pd.DataFrame({name: groups.quantile(level) for name, level in LEVELS.items()})
    return fan.reset_index()


def draw(data: pd.DataFrame, ax: Axes) -> None:
    """Draw one country: medians with two bands, published figures as marks.

    Parameters
    ----------
    data : DataFrame
        Rows of ``table`` for one place.
    """
    own = data[data["series"] == "simulated"]
    if "what" in data:
        for what, look in ((BOTH, WIDE), (CHANCE, NARROW | {"linewidth": 0})):
            rows = own[own["what"] == what]
            middle = rows["start"] + timedelta(hours=12)
            ax.fill_between(middle, rows["low"], rows["high"], **look)
            ax.plot(middle, rows["value"], zorder=3, **MIDDLES[what])
    else:
        middle = own["start"] + timedelta(hours=12)
        ax.fill_between(middle, own["low"], own["high"], lw=0, **OUTER)
        ax.fill_between(middle, own["lower"], own["upper"], lw=0, **INNER)
        ax.plot(middle, own["value"], color=BLUE, zorder=3, linewidth=1.2)
    published.draw(data[data["series"] == "published"], ax)
    timelines.number_axis(ax, data[["value", "high"]].max().max())


def finding(data: pd.DataFrame, results: Results) -> str:
    """State what nine in ten replications, or draws, have on the day of the highest median."""
    own = _widest(data)
    own = own[own["value"] > 0]
    of = "replications" if results.posterior is None else "draws of the parameters"
    if own.empty:
        names = [place.name for place in results.scenario.destinations.values()]
        return f"Nobody entered {listed(names)} in half of the {of}"
    tops = own.loc[own.groupby("place_id")["value"].idxmax()]
    ranked = tops.sort_values("value", ascending=False, kind="stable").head(MOST)
    clauses = [
        f"{_span(row['low'], row['high'])} entered {row['place']} on {day(row['start'])}"
        for row in records(ranked)
    ]
    return f"In nine of ten {of} {listed(clauses)}"


def _widest(data: pd.DataFrame) -> pd.DataFrame:
    """Return the simulated rows of the outer band; without draws that of the replications."""
    own = data[data["series"] == "simulated"]
    return own[own["what"] == BOTH] if "what" in own else own


def _span(low: float, high: float) -> str:
    first, last = count(low), count(high)
    return first if first == last else f"{first} to {last}"


def _subtitle(results: Results) -> str:
    horizon = results.scenario.horizon
    days = period(horizon.start, horizon.end - timedelta(days=1))
    if results.posterior is not None:
        draws = results.posterior["replication"].nunique()
        return (
            f"Simulated entries of Russian citizens by local calendar day, {days}; bars: policies. "
            f"Dark band: nine in ten of {results.n_replications} replications at the scenario's "
            f"own values, chance alone. Pale band with a dashed edge: nine in ten of {draws} draws "
            "of the parameters, chance and parameters together."
        )
    return (
        f"Simulated entries of Russian citizens by local calendar day, {days}, in "
        f"{results.n_replications} replications; bars: policies. The bands show chance within the "
        "model, not doubt about its assumptions."
    )


def _keys(data: pd.DataFrame) -> list[Key]:
    seen = published.keys(data[data["series"] == "published"])
    if "what" in data:
        narrow = Key(f"{CHANCE}, nine in ten", NARROW, patch=True)
        wide = Key(f"{BOTH}, nine in ten", WIDE, patch=True)
        middle = Key("median at own values", MIDDLES[CHANCE])
        return [middle, narrow, Key("median of the draws", MIDDLES[BOTH]), wide, *seen]
    keys = [
        Key("median", {"color": BLUE, "linewidth": 1.2}),
        Key("half of the replications", INNER, patch=True),
        Key("nine in ten", OUTER, patch=True),
    ]
    return keys + seen


def _notes(data: pd.DataFrame, results: Results) -> str:
    notes = "Entries are border crossings, not emigrants; ordinary traffic included."
    if results.posterior is not None:
        notes += f" {UNSEEN}"
    if (data["series"] == "published").any():
        notes += " Sources of each mark: fan.csv."
    return notes


def _alt(data: pd.DataFrame, title: str, results: Results) -> str:
    parts = [f"{title}.", _subtitle(results)]
    of = " of the draws" if "what" in data else ""
    own = _widest(data).dropna(subset="high")
    own = own.assign(spread=own["high"] - own["low"])
    widest = own.sort_values("spread", ascending=False, kind="stable").groupby("place", sort=False)
    for row in records(widest.head(1)):
        parts.append(
            f"{row['place']}: the nine-in-ten band{of} is widest on {day(row['start'])}, "
            f"{_span(row['low'], row['high'])} a day{_by_chance(data, row)}."
        )
    if "what" in data:
        parts.append(UNSEEN)
    return " ".join(parts)


def _by_chance(data: pd.DataFrame, row: dict[str, Any]) -> str:
    """Return what chance alone makes of a day of the outer band; nothing without draws."""
    if "what" not in data:
        return ""
    same = (data["place_id"] == row["place_id"]) & (data["start"] == row["start"])
    (narrow,) = records(data[same & (data["what"] == CHANCE)])
    return f", and {_span(narrow['low'], narrow['high'])} by chance alone"
