"""Small multiples: the same daily curve in each scenario, or at each value of a parameter."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd

from flowsim.figures import Family
from flowsim.figures.layout import timelines
from flowsim.figures.layout.sheet import Caption, Drawn
from flowsim.figures.layout.style import RULE, Preset
from flowsim.figures.layout.tables import highest
from flowsim.figures.sweep import swept
from flowsim.figures.sweep.swept import Panel, Swept, View, value_text
from flowsim.findings.naming import Named, output_label
from flowsim.findings.words import capital, day

FAMILY = Family("small-multiples", "daily curves, a panel for each world", order=6)
BEHIND: dict[str, Any] = {"color": RULE, "linewidth": 0.6}
MOST = 9
LEAST_AGAIN = 1.05


def missing(results: Any) -> str:
    """Return why there is nothing to draw, if so."""
    return "" if shown(swept.of(results)) else "it kept no daily series of several worlds"


def shown(given: Swept) -> Panel | None:
    """Choose the series, of the file, else of the first output that was kept by day.

    ``x`` is the parameter each of whose values is a world; None if scenarios are.
    """
    asked = given.asked(FAMILY.name)
    kept = given.daily
    if kept.empty:
        return None
    by = _by(given, asked[0].x if asked else None)
    if by is None and len(given.scenarios) < 2:
        return None
    there = {(str(m), str(p)) for m, p in kept[["measure", "place_id"]].drop_duplicates().values}
    wanted = asked[0].output if asked else None
    for output in given.outputs:
        if wanted in (None, output.name) and (output.measure, output.place_id) in there:
            return Panel(next(iter(given.scenarios)), output, by)
    return None


def _by(given: Swept, asked: str | None) -> Named | None:
    """Return the parameter whose values are panels; None if scenarios are."""
    if asked is not None:
        return given.parameters.get(asked)
    if len(given.scenarios) > 1 or given.kind in swept.SAMPLES:
        return None
    first = Panel(next(iter(given.scenarios)), given.outputs[0])
    few = given.design.astype(str).nunique() <= MOST
    return next((one for one in given.ranked(first) if few[one.key]), None)


def draw_figure(results: Any, preset: Preset) -> Drawn:
    """Arrange a panel for each scenario or value, the others in grey behind each."""
    given = swept.of(results)
    panel = shown(given)
    if panel is None:
        raise ValueError(missing(given))
    data = table(given, panel)
    view, names = View(given, panel, data), list(dict.fromkeys(data["world"]))
    by = "scenario" if panel.x is None else f"value of {panel.x.label}"
    subtitle = f"{given.title}. {_series(view)} by day, a panel for each {by}."
    note = given.notes(FAMILY.name, (), given.averaged([panel.x]))
    keys = timelines.multiples_keys("mean", given.n_replications, "the other panels", **BEHIND)
    alt = [
        f"{world}: at most {view.amount(most)} on {day(when)}."
        for world, (most, when) in _peaks(data).items()
    ]
    words = (finding(view), subtitle, given.source, note)
    caption = Caption(FAMILY.name, data, *words, keys, alt)
    bands = [timelines.Band(data, names, names, BEHIND, tick=view.tick)]
    return timelines.multiples(caption, preset, bands, given.first.horizon)


def table(given: Swept, panel: Panel) -> pd.DataFrame:
    """Return what is drawn: by world and day the mean over points and replications, its range.

    The range is that of the replications (each a mean over points).
    """
    what = {"measure": panel.output.measure, "place_id": panel.output.place_id}
    rows = given.daily
    for column, wanted in what.items():
        rows = rows[rows[column].astype(str) == wanted]
    rows = rows.assign(**_worlds(given, panel.x, rows))
    keys = ["order", "world", "date"]
    each = rows.groupby([*keys, "replication"], observed=True)["value"].mean().unstack()
    found = pd.DataFrame(swept.spread(each)).reset_index().sort_values(["order", "date"])
    names = ["world", *what, "date", "value", "low", "high"]
    return found.assign(**what).reset_index(drop=True)[names]


def _worlds(given: Swept, by: Named | None, rows: pd.DataFrame) -> dict[str, Any]:
    """Return the panel of each row, and the panels' order."""
    if by is None:
        names = list(given.scenarios)
        texts = {name: given.scenario_name(name) for name in names}
        which = rows["scenario"].astype(str)
        return {"order": which.map(names.index), "world": which.map(texts)}
    column = given.design[by.key]
    order = pd.Series(swept.numbers(column, by), index=column.index)
    world = column.map(lambda value: value_text(value, by))
    return {"order": rows["point"].map(order), "world": rows["point"].map(world)}


def finding(view: View) -> str:
    """State where the daily series rises highest and where least."""
    peaks, label = _peaks(view.rows), _series(view)
    if not peaks:
        return f"{label}: no values"
    ranked = sorted(peaks, key=lambda world: -peaks[world][0])
    (most, when), (least, then) = peaks[ranked[0]], peaks[ranked[-1]]
    text = f"{label}: at most {view.amount(most)} a day on {day(when)}"
    if most <= LEAST_AGAIN * least:
        return f"{text}, much the same in all {len(peaks)} panels"
    ahead = "" if view.panel.x is None else f"{view.panel.x.label}: "
    return f"{text} ({ahead}{ranked[0]}), {view.amount(least)} on {day(then)} ({ranked[-1]})"


def _peaks(data: pd.DataFrame) -> dict[str, tuple[float, datetime]]:
    """Return the greatest value of each world, and its day."""
    known = data[data["value"].notna()]
    return {
        str(world): highest(rows.set_index("date")["value"])
        for world, rows in known.groupby("world", sort=False)
    }


def _series(view: View) -> str:
    output = view.panel.output
    return capital(output_label(output.measure, output.place_id, view.given.first))
