"""Entries per day and country, beside the published figures and the policies.

A run with draws of its parameters has two bands: all doubt (the draws) with the median of the
draws, and chance alone (the replications at the scenario's own values) within it. A run without
has the mean of its replications and their range.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from flowsim.figures import Family
from flowsim.figures.layout import published, timelines
from flowsim.figures.layout.sheet import Caption, Drawn, Key
from flowsim.figures.layout.style import BLUE, QUIET, Preset
from flowsim.figures.layout.tables import doubted, highest, joined, n_draws, source
from flowsim.findings.words import between, capital, count, day, listed, within
from flowsim.results.run import Run
from flowsim.scenario.schema import Scenario

FAMILY = Family("entries", "entries per day and country, published figures, policy dates", order=1)
COLUMNS = ["what", "place_id", "place", "series", "id", "role", "start", "end"]
PANEL = 43.0
PLAIN_CHANGE = 1.15
MOST = 3
CHANCE, BOTH = "chance alone", "all doubt"
ORDINARY: dict[str, Any] = {"color": QUIET, "linewidth": 0.8, "linestyle": (0, (4, 3))}
UNSEEN = (
    "No band holds doubt about the structure of the model, nor about assumptions that the "
    "calibration left fixed."
)


def draw_figure(results: Run, preset: Preset) -> Drawn:
    """Arrange one panel per destination, each under the strip of its policies."""
    data, scenario = table(results), results.scenario
    line = "median of the draws, simulated" if n_draws(results) else "simulated"
    title, note = finding(data, results), _notes(data, scenario)
    subtitle = (
        f"Simulated entries of {scenario.home.people} citizens by local calendar day, "
        f"{timelines.whole_period(scenario.horizon)}: both sexes, all ages, ordinary traffic "
        "included. Bars: policies of the scenario."
    )
    keys = [
        Key(line, {"color": BLUE, "marker": ".", "markersize": 3}),
        *timelines.range_keys(results),
        Key("ordinary traffic before the shock (input)", ORDINARY),
        *published.keys(data[data["series"] == "published"]),
    ]
    caption = Caption(FAMILY.name, data, title, subtitle, source(results), note, keys, _alt(data))
    panels = [
        (f"{capital(place.name)}: entries a day", timelines.bars_of(scenario, name))
        for name, place in scenario.destinations.items()
    ]
    sheet, axes = timelines.stacked(caption, preset, panels, scenario.horizon, PANEL)
    for place, panel in zip(scenario.destinations.values(), axes, strict=False):
        draw(data[data["place_id"] == place.code], panel)
        panel.axhline(place.background.value, zorder=1, **ORDINARY)
    return caption.drawn(sheet)


def table(results: Run) -> pd.DataFrame:
    """Return what is drawn: simulated entries by local day, and the published figures.

    ``what`` tells what the range low to high holds: ``BOTH`` or ``CHANCE``, or nothing. Local days
    that begin before the horizon or after its last day are left out.
    """
    horizon = results.scenario.horizon
    both, chance = doubted(
        results,
        lambda run: timelines.within(run.days("entries", "destination"), horizon),
        ["place_id", "date"],
    )
    rows = chance.assign(what=CHANCE)
    if n_draws(results):
        rows = pd.concat([both.assign(what=BOTH), rows])
    rows = rows.assign(start=rows["date"], end=rows["date"] + timedelta(days=1))
    parts = []
    for place in results.scenario.destinations.values():
        own = rows[rows["place_id"] == place.code]
        where = (results.scenario, "entries", place.code, place.utc_offset_h)
        parts += published.beside(own, *where, place=place.name)
    return joined(parts, COLUMNS)


def first(data: pd.DataFrame) -> pd.DataFrame:
    """Return the simulated rows that hold most doubt."""
    what = BOTH if (data["what"] == BOTH).any() else CHANCE
    return data[data["what"] == what]


def draw(data: pd.DataFrame, ax: Axes) -> None:
    """Draw one country: simulated entries with their bands, published figures as marks.

    Parameters
    ----------
    data : DataFrame
        Rows of ``table`` for one place.
    """
    own, chance = first(data), data[data["what"] == CHANCE]
    behind = chance if (data["what"] == BOTH).any() else None
    timelines.curve(ax, own["start"] + timedelta(hours=12), own, behind, marker=".", ms=3)
    published.draw(data[data["series"] == "published"], ax)
    timelines.number_axis(ax, data[["value", "high"]].max().max())


def finding(data: pd.DataFrame, results: Run) -> str:
    """State when and how high entries peaked, destination by destination."""
    own = first(data)
    clauses: list[tuple[float, str, str, str]] = []
    nobody = []
    for place in results.scenario.destinations.values():
        rows = own[own["place_id"] == place.code].set_index("start").dropna(subset="value")
        if rows.empty or rows["value"].max() <= 0:
            nobody.append(place.name)
        else:
            clauses.append((-rows["value"].max(), place.name, *_clause(rows, n_draws(results) > 0)))
    if not clauses:
        return f"Nobody entered {listed(nobody) or 'any destination'}"
    text, before = "Entries", ""
    for n, (_, name, verb, rest) in enumerate(sorted(clauses)[:MOST]):
        text += f"{', those' if n else ''} to {name} {'' if verb == before else verb + ' '}{rest}"
        before = verb
    return f"{text}; nobody entered {listed(nobody)}" if nobody else text


def _clause(rows: pd.DataFrame, doubtful: bool) -> tuple[str, str]:
    """Return in a verb and the rest whether a series peaked, fell or stayed the same."""
    values = rows["value"]
    start, (most, when) = float(values.iloc[0]), highest(values)
    least, then = highest(-values)
    if most > PLAIN_CHANGE * start:
        span = between(rows["low"][when], rows["high"][when]) if doubtful else ""
        return "peaked", f"at {span or count(most)} a day on {day(when)}"
    if -least * PLAIN_CHANGE < start:
        return "fell", f"from {count(start)} a day to {count(-least)} on {day(then)}"
    return "stayed", f"near {count(values.median())} a day"


def _notes(data: pd.DataFrame, scenario: Scenario) -> str:
    notes = "Entries are border crossings, not emigrants."
    for note in dict.fromkeys(policy.entries_note for policy in scenario.policies.values()):
        notes += f" {note}" if note else ""
    if (data["what"] == BOTH).any():
        notes += f" {UNSEEN}"
    if (data["series"] == "published").any():
        notes += (
            " Horizontal lines: published for several days together, shown as a mean a day; "
            "short vertical lines: range given. Sources of each mark: entries.csv."
        )
    return notes


def _alt(data: pd.DataFrame) -> list[str]:
    parts = []
    for name, rows in data.groupby("place", sort=False):
        own = first(rows).dropna(subset="value")
        n = int((rows["series"] == "published").sum())
        text = f"{name}: no simulated value."
        if len(own):
            most = own.sort_values("value", ascending=False, kind="stable").iloc[0]
            text = (
                f"{name}: {count(own['value'].iloc[0])} on the first day, at most "
                f"{count(most['value'])}{within(most['low'], most['high'])} on "
                f"{day(most['start'])}, "
                f"{count(own['value'].iloc[-1])} on the last day; {n} published figures beside it."
            )
        parts.append(text)
    return parts
