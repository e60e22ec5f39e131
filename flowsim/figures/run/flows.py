"""Entries per day and country, beside the published figures and the policies."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from flowsim.figures.families import Family
from flowsim.figures.layout import policy_bars as marks
from flowsim.figures.layout import published, timelines
from flowsim.figures.layout.save import Drawn
from flowsim.figures.layout.sheet import Key, Sheet
from flowsim.figures.layout.style import BLUE, QUIET, Preset
from flowsim.figures.layout.tables import Results, highest, joined, spread
from flowsim.findings.words import count, day, listed, period, rounded
from flowsim.scenario.schema import Scenario

FAMILY = Family("entries", "entries per day and country, published figures, policy dates", order=1)
NAME = FAMILY.name
COLUMNS = ["place_id", "place", "series", "id", "role", "start", "end"]
PANEL, GAP = 43.0, 4.0
PLAIN_CHANGE = 1.15
MOST = 3
ORDINARY: dict[str, Any] = {"color": QUIET, "linewidth": 0.8, "linestyle": (0, (4, 3))}


def draw_figure(results: Results, preset: Preset) -> Drawn:
    """Arrange one panel per destination, each under the strip of its policies."""
    data = table(results)
    scenario = results.scenario
    strips = {name: marks.marks(scenario, name) for name in scenario.destinations}
    heights = [timelines.height(PANEL, strip, preset) for strip in strips.values()]
    title = finding(data, results)
    sheet = Sheet(
        preset,
        title,
        _subtitle(scenario),
        [_notes(data, results.scenario), results.source],
        sum(heights) + GAP * (len(heights) - 1),
        _keys(data, results),
        len(heights),
    )
    cells = sheet.cells(heights, GAP)
    for (name, place), cell in zip(scenario.destinations.items(), cells, strict=True):
        head = f"Persons entering {place.name} a day"
        panel = timelines.framed(sheet, cell, head, strips[name], scenario.horizon)
        draw(data[data["place_id"] == place.code], panel)
        panel.axhline(place.background.value, zorder=1, **ORDINARY)
    return Drawn(NAME, sheet.figure, data, title, _alt(data, title, results), results.source)


def table(results: Results) -> pd.DataFrame:
    """Return what is drawn: simulated entries by local day, and the published figures.

    Local days that begin before the horizon or after its last day are left out.
    """
    scenario = results.scenario
    rows = results.days("entries", "destination")
    simulated = spread(rows, ["place_id", "date"])
    last = scenario.horizon.end - timedelta(days=1)
    parts = []
    for place in scenario.destinations.values():
        own = simulated[simulated["place_id"] == place.code]
        own = own[own["date"].between(scenario.horizon.start, last)]
        ends = own["date"] + timedelta(days=1)
        own = own.assign(start=own["date"], end=ends, series="simulated", id="", role="")
        parts.append(own.assign(place=place.name))
        seen = published.published(scenario, "entries", place.code, place.utc_offset_h)
        parts.append(seen.assign(place_id=place.code, place=place.name, series="published"))
    return joined(parts, COLUMNS)


def draw(data: pd.DataFrame, ax: Axes) -> None:
    """Draw one country: simulated entries as a line with its range, published ones as marks.

    Parameters
    ----------
    data : DataFrame
        Rows of ``table`` for one place.
    """
    simulated = data[data["series"] == "simulated"]
    middle = simulated["start"] + timedelta(hours=12)
    if (simulated["high"] > simulated["low"]).any():
        ax.fill_between(middle, simulated["low"], simulated["high"], color=BLUE, alpha=0.25, lw=0)
    ax.plot(middle, simulated["value"], color=BLUE, zorder=3, marker=".", markersize=3)
    published.draw(data[data["series"] == "published"], ax)
    timelines.number_axis(ax, data[["value", "high"]].max().max())


def finding(data: pd.DataFrame, results: Results) -> str:
    """State when and how high entries peaked, destination by destination."""
    scenario = results.scenario
    codes = {place.code: place.name for place in scenario.destinations.values()}
    own = data[data["series"] == "simulated"]
    clauses: list[tuple[float, str, str, str]] = []
    nobody = []
    for code, name in codes.items():
        values = own[own["place_id"] == code].set_index("start")["value"].dropna()
        if values.empty or values.max() <= 0:
            nobody.append(name)
        else:
            clauses.append((-values.max(), name, *_clause(values, _waiting(results, code, values))))
    if not clauses:
        return f"Nobody entered {listed(nobody) or 'any destination'}"
    text, before = "Entries", ""
    for n, (_, name, verb, rest) in enumerate(sorted(clauses)[:MOST]):
        text += f"{', those' if n else ''} to {name} {'' if verb == before else verb + ' '}{rest}"
        before = verb
    return f"{text}; nobody entered {listed(nobody)}" if nobody else text


def _clause(values: pd.Series[float], waiting: str) -> tuple[str, str]:
    """Say in a verb and the rest whether a series peaked, fell or stayed the same."""
    first, (most, when) = float(values.iloc[0]), highest(values)
    least, then = highest(-values)
    if most > PLAIN_CHANGE * first:
        return "peaked", f"at {count(most)} a day on {day(when)}{waiting}"
    if -least * PLAIN_CHANGE < first:
        return "fell", f"from {count(first)} a day to {count(-least)} on {day(then)}"
    return "stayed", f"near {count(values.median())} a day"


def _waiting(results: Results, code: str, values: pd.Series[float]) -> str:
    """Return how many queued at the place's fullest crossing on the peak day, if many did."""
    crossings = {
        key: crossing
        for key, crossing in results.scenario.crossings.items()
        if results.scenario.destinations[crossing.destination].code == code
        and crossing.kind == "road"
    }
    queues = results.days("queue_persons", "crossing")
    queues = queues[queues["place_id"].isin(crossings) & (queues["date"] == values.idxmax())]
    means = queues.groupby("place_id")["value"].mean().dropna()
    if means.empty or means.max() < 0.25 * values.max():
        return ""
    return (
        f" with {count(rounded(means.max(), 2))} waiting at {crossings[str(means.idxmax())].name}"
    )


def _subtitle(scenario: Scenario) -> str:
    days = period(scenario.horizon.start, scenario.horizon.end - timedelta(days=1))
    return (
        f"Simulated entries of Russian citizens by local calendar day, {days}: both sexes, all "
        "ages, ordinary traffic included. Bars: policies of the scenario."
    )


def _keys(data: pd.DataFrame, results: Results) -> list[Key]:
    keys = [Key("simulated", {"color": BLUE, "marker": ".", "markersize": 3})]
    n = results.n_replications
    if n > 1:
        what = "range" if n <= 20 else "5 % to 95 %"
        keys.append(Key(f"{what} of {n} replications", {"color": BLUE, "alpha": 0.25}, patch=True))
    keys.append(Key("ordinary traffic before the shock (input)", ORDINARY))
    return keys + published.keys(data[data["series"] == "published"])


def _notes(data: pd.DataFrame, scenario: Scenario) -> str:
    notes = "Entries are border crossings, not emigrants."
    for note in dict.fromkeys(p.entries_note for p in scenario.policies.values()):
        notes += f" {note}" if note else ""
    if (data["series"] == "published").any():
        notes += (
            " Horizontal lines: published for several days together, shown as a mean a day; "
            "short vertical lines: range given. Sources of each mark: entries.csv."
        )
    return notes


def _alt(data: pd.DataFrame, title: str, results: Results) -> str:
    parts = [f"{title}.", _subtitle(results.scenario)]
    for name, rows in data.groupby("place", sort=False):
        own = rows[rows["series"] == "simulated"]["value"].dropna()
        n = int((rows["series"] == "published").sum())
        if own.empty:
            parts.append(f"{name}: no simulated value.")
            continue
        parts.append(
            f"{name}: {count(own.iloc[0])} on the first day, at most {count(own.max())}, "
            f"{count(own.iloc[-1])} on the last day; {n} published figures beside it."
        )
    return " ".join(parts)
