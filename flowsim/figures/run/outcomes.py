"""What became of the men: passport, choice and outcome as ribbons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import pandas as pd

from flowsim.figures import Family
from flowsim.figures.layout import ribbons
from flowsim.figures.layout.sheet import MARGIN, Caption, Cell, Drawn
from flowsim.figures.layout.style import CYCLE, QUIET, Preset
from flowsim.figures.layout.tables import source
from flowsim.figures.layout.timelines import last_day
from flowsim.findings.account import records
from flowsim.findings.naming import lacked
from flowsim.findings.words import count, day, share
from flowsim.results.run import Run
from flowsim.scenario.schema import Scenario

FAMILY = Family("outcomes", "what became of the men: passport, choice, outcome as ribbons", order=3)
STAGES = ("passport", "choice", "outcome")
WITH, WITHOUT = "Passport", "No passport"
UNKNOWN = "Destination not known"
OUTCOMES = {
    "moved-on": ("Moved on to a third country", "had moved on to a third country"),
    "returned": ("Went abroad and returned", "had been abroad and returned"),
    "queueing": ("Still in a queue", "were still in a queue"),
    "on-the-road": ("Still on the road", "were still on the road"),
    "turned-back": ("Turned back at the border", "had been turned back at the border"),
    "limited": ("Stopped by an entry limit", "had been stopped by an entry limit"),
    "gave-up": ("Gave up queueing", "had given up queueing"),
    "enlisted": ("Called up and complied", "had been called up and complied"),
    "hiding": ("Called up and hiding", "had been called up and were hiding"),
    "home": ("At home", "were at home"),
}
COULD_NOT = ("Wanted to go, could not", "had wanted to go and could not")
AT_HOME = ("home", "hiding", "enlisted")
BODY = 92.0
SHARES, NARROW = (0.30, 0.24, 0.36), (13.0, 17.0, 26.0)
SUBTITLE = (
    "Simulated men aged 18 to 59 who set off, or wanted to and could not; heights are numbers of "
    "men, colours the destination. Passport: the international one."
)


def draw_figure(results: Run, preset: Preset) -> Drawn:
    """Arrange the alluvial under its three headings, with those left out in the notes."""
    data, apart = table(results)
    title, made = finding(data, results), source(results, drawn=False)
    note = _notes(apart, data)
    caption = Caption(FAMILY.name, data, title, SUBTITLE, made, note, alt=_alt(data))
    last = day(last_day(results.scenario.horizon))
    heads = ("Passport", "Set off for, or wanted", f"Where on {last}")
    nodes, names = _order(data, results), _names(results)
    colours = {name: CYCLE[n % len(CYCLE)] for n, name in enumerate(names)}
    sums = {stage: data.groupby(stage)["men"].sum() for stage in STAGES}
    men = [{node: float(sums[stage][node]) for node in nodes[stage]} for stage in STAGES]
    most = [part * (preset.width - 2 * MARGIN) - ribbons.PAD for part in SHARES]
    if preset.narrow:
        most = [min(pair) for pair in zip(most, NARROW, strict=True)]
    columns = ribbons.columns(men, most, preset.width, preset, heads)
    head = ribbons.head_height(columns, preset)
    sheet = caption.sheet(preset, head + BODY)
    ribbons.draw_heads(columns, head, sheet)
    ax = ribbons.canvas(sheet, Cell(0, head, preset.width, sheet.body - head))
    if len(data):
        ribbons.draw(columns, _flows(data, colours), ax, colours, preset)
    return caption.drawn(sheet)


def table(results: Run) -> tuple[pd.DataFrame, Mapping[str, float]]:
    """Return the men who acted or wanted to, by passport, choice and outcome; and the others.

    Returns
    -------
    DataFrame
        Columns passport, choice, outcome, men (mean over the replications), men_simulated.
    Mapping
        Men left out by status: at home without a wish to leave, called up at home.
    """
    rows = results.outcomes
    rows = rows.assign(
        men=rows["men"].fillna(0) / results.n_replications,
        men_simulated=rows["men_simulated"].fillna(0) / results.n_replications,
        status=rows["status"].astype(str),
        destination=rows["destination"].astype(object).fillna("").astype(str),
    )
    wants = rows["status"].str.startswith("wants-")
    acted = wants | (rows["destination"] != "") | ~rows["status"].isin(AT_HOME)
    apart = rows[~acted].groupby("status")["men"].sum()
    kept = rows[acted & (rows["men"] > 0)]
    has = kept["passport"].astype(bool).map({True: WITH, False: WITHOUT}).astype(object)
    groups, why = records(kept), reasons(results.scenario)
    kept = kept.assign(
        passport=has,
        choice=[_choice(group, results) for group in groups],
        outcome=[_outcome(group, results, why) for group in groups],
    )
    sums = kept.groupby(list(STAGES), as_index=False)[["men", "men_simulated"]].sum()
    return sums, {str(key): float(value) for key, value in apart.items()}


def _choice(group: Mapping[str, Any], results: Run) -> str:
    kind, _, key = group["status"].partition("-")
    key = key if kind in ("wants", "abroad") else group["destination"]
    places = results.scenario.destinations
    return places[key].name if key in places else UNKNOWN


def reasons(scenario: Scenario) -> dict[str, tuple[str, str]]:
    """Return why men who wanted to go could not, by ``reason``: as a node, and in the title."""
    found = {"closed": ("Wanted to go, way was closed", "stayed because the way was closed")}
    for reason, document in lacked(scenario).items():
        node = f"Wanted to go, had no {document.removeprefix('international ')}"
        found[reason] = (node, f"stayed because they had no {document}")
    return found


def _outcome(group: Mapping[str, Any], results: Run, why: Mapping[str, tuple[str, str]]) -> str:
    kind, _, key = group["status"].partition("-")
    places = results.scenario.destinations
    if kind == "abroad":
        return f"In {places[key].name if key in places else key}"
    if kind == "wants":  # a run by an earlier version has no reasons
        return why.get(group.get("reason", ""), COULD_NOT)[0]
    return OUTCOMES.get(group["status"], (group["status"],))[0]


def _names(results: Run) -> list[str]:
    return list(dict.fromkeys(place.name for place in results.scenario.destinations.values()))


def _order(data: pd.DataFrame, results: Run) -> dict[str, list[str]]:
    """Return the nodes of each stage in a fixed order: abroad above, at home below."""
    names = _names(results)
    words = [text for text, _ in (*OUTCOMES.values(), *reasons(results.scenario).values())]
    wanted = {
        "passport": [WITH, WITHOUT],
        "choice": [*names, UNKNOWN],
        "outcome": [*[f"In {name}" for name in names], *words],
    }
    found = {stage: set(data[stage]) for stage in STAGES}
    return {
        stage: [n for n in dict.fromkeys([*nodes, *sorted(found[stage])]) if n in found[stage]]
        for stage, nodes in wanted.items()
    }


def _flows(data: pd.DataFrame, colours: Mapping[str, str]) -> Sequence[list[ribbons.Flow]]:
    """Return the ribbons from stage to stage, in the colour of the choice."""
    return [
        [
            ribbons.Flow(row[start], row[end], row["men"], colours.get(row["choice"], QUIET))
            for row in records(data.groupby([start, end])[["men"]].sum().reset_index())
        ]
        for start, end in pairwise(STAGES)
    ]


def finding(data: pd.DataFrame, results: Run) -> str:
    """State how many set off or wanted to, the share abroad, and what held back most others."""
    total = float(data["men"].sum())
    if total < 1:
        return "No man set off or wanted to leave"
    men = data.groupby("outcome")["men"].sum()
    away = men.index.str.startswith("In ") | (men.index == OUTCOMES["moved-on"][0])
    text = (
        f"Of {count(total)} men who set off or wanted to, {share(men[away].sum() / total)} were "
        f"abroad on {day(last_day(results.scenario.horizon))}"
    )
    rest = men[~away].sort_values(ascending=False, kind="stable")
    if rest.empty or rest.iloc[0] < 0.02 * total:
        return text
    held = dict((*OUTCOMES.values(), COULD_NOT, *reasons(results.scenario).values()))
    top = str(rest.index[0])
    return f"{text}; {share(rest.iloc[0] / total)} {held.get(top, f'were elsewhere ({top})')}"


def _notes(apart: Mapping[str, float], data: pd.DataFrame) -> str:
    called = apart.get("enlisted", 0.0) + apart.get("hiding", 0.0)
    text = f"Not drawn: {count(apart.get('home', 0.0))} other men at home"
    if called > 0:
        text += f" and {count(called)} called up who had not wanted to"
    text += ". Counts cover these destinations only."
    if not data.empty and float(data["men_simulated"].sum()) < 2000:
        text += f" They rest on {count(data['men_simulated'].sum())} simulated men."
    return text


def _alt(data: pd.DataFrame) -> list[str]:
    parts = ["Ribbons from passport to choice to outcome."]
    for stage in STAGES:
        sums = data.groupby(stage)["men"].sum().sort_values(ascending=False, kind="stable")
        if len(sums):
            nodes = "; ".join(f"{node} {count(men)}" for node, men in sums.items())
            parts.append(f"{stage.capitalize()}: {nodes}.")
    return parts
