"""What became of the men: passport, choice and outcome as ribbons (own code on paths)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import pairwise

import pandas as pd
from matplotlib.axes import Axes

from flowsim.figures.families import Family
from flowsim.figures.layout import ribbons
from flowsim.figures.layout.save import Drawn
from flowsim.figures.layout.sheet import Sheet
from flowsim.figures.layout.style import CYCLE, QUIET, Preset
from flowsim.figures.layout.tables import Results, records
from flowsim.findings.words import count, day, share
from flowsim.scenario import schema

FAMILY = Family("outcomes", "what became of the men: passport, choice, outcome as ribbons", order=3)
NAME = FAMILY.name
STAGES = ("passport", "choice", "outcome")
WITH, WITHOUT = "Passport", "No passport"
UNKNOWN = "Destination not known"
NO_PASSPORT = "Wanted to go, had no passport"
CLOSED = "Wanted to go, way was closed"
OUTCOMES = {
    "moved-on": "Moved on to a third country",
    "returned": "Went abroad and returned",
    "queueing": "Still in a queue",
    "on-the-road": "Still on the road",
    "turned-back": "Turned back at the border",
    "limited": "Stopped by an entry limit",
    "gave-up": "Gave up queueing",
    "enlisted": "Called up and complied",
    "hiding": "Called up and hiding",
    "home": "At home",
}
AT_HOME = ("home", "hiding", "enlisted")
BODY = 92.0


def draw_figure(results: Results, preset: Preset) -> Drawn:
    """Arrange the alluvial under its three headings, with those left out in the notes."""
    data, apart = table(results)
    title = finding(data, results)
    notes = [_notes(apart, data), results.source]
    last = results.scenario.horizon.end - timedelta(days=1)
    heads = ("Passport", "Set off for, or wanted", f"Where on {day(last)}")
    nodes, names = _order(data, results), _names(results)
    colours = {name: CYCLE[n % len(CYCLE)] for n, name in enumerate(names)}
    columns = ribbons.columns([_men(data, stage, nodes[stage]) for stage in STAGES], heads, preset)
    head = ribbons.head_height(columns, preset)
    sheet = Sheet(preset, title, _subtitle(), notes, head + BODY)
    ribbons.draw_heads(columns, head, sheet)
    body = sheet.body - head
    ax = sheet.axes(0, head, preset.width, body)
    ax.set(xlim=(0, preset.width), ylim=(body, 0))
    draw(data, ax, columns, colours, preset)
    return Drawn(NAME, sheet.figure, data, title, _alt(data, title, apart), results.source)


def table(results: Results) -> tuple[pd.DataFrame, Mapping[str, float]]:
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
    passport = kept["passport"].astype(bool).map({True: WITH, False: WITHOUT}).astype(object)
    kept = kept.assign(
        passport=passport,
        choice=[
            _choice(status, destination, results)
            for status, destination in zip(kept["status"], kept["destination"], strict=True)
        ],
        outcome=[
            _outcome(status, has == WITH, results)
            for status, has in zip(kept["status"], passport, strict=True)
        ],
    )
    sums = kept.groupby(list(STAGES), as_index=False)[["men", "men_simulated"]].sum()
    return sums, {str(key): float(value) for key, value in apart.items()}


def _choice(status: str, destination: str, results: Results) -> str:
    key = destination
    for start in ("wants-", "abroad-"):
        if status.startswith(start):
            key = status.removeprefix(start)
    places = results.scenario.destinations
    return places[key].name if key in places else UNKNOWN


def _outcome(status: str, has_passport: bool, results: Results) -> str:
    places = results.scenario.destinations
    if status.startswith("abroad-"):
        key = status.removeprefix("abroad-")
        return f"In {places[key].name if key in places else key}"
    if status.startswith("wants-"):
        needed = _requires_passport(results.scenario, status.removeprefix("wants-"))
        return NO_PASSPORT if needed and not has_passport else CLOSED
    return OUTCOMES.get(status, status)


def _requires_passport(scenario: schema.Scenario, key: str) -> bool:
    if key not in scenario.destinations:
        return False
    required = scenario.timetable().requires_passport
    return bool(required[:, list(scenario.destinations).index(key)].any())


def _men(data: pd.DataFrame, stage: str, nodes: Sequence[str]) -> dict[str, float]:
    sums = data.groupby(stage)["men"].sum()
    return {node: float(sums[node]) for node in nodes}


def _names(results: Results) -> list[str]:
    return list(dict.fromkeys(place.name for place in results.scenario.destinations.values()))


def _order(data: pd.DataFrame, results: Results) -> dict[str, list[str]]:
    """Return the nodes of each stage in a fixed order: abroad above, at home below."""
    names = _names(results)
    wanted = {
        "passport": [WITH, WITHOUT],
        "choice": [*names, UNKNOWN],
        "outcome": [*[f"In {name}" for name in names], *OUTCOMES.values(), CLOSED, NO_PASSPORT],
    }
    order = {}
    for stage, nodes in wanted.items():
        found = set(data[stage])
        order[stage] = [n for n in dict.fromkeys([*nodes, *sorted(found)]) if n in found]
    return order


def draw(
    data: pd.DataFrame,
    ax: Axes,
    columns: Sequence[ribbons.Column],
    colours: Mapping[str, str],
    preset: Preset,
) -> None:
    """Draw nodes and ribbons; one mm of height is the same number of men in every column.

    Parameters
    ----------
    data : DataFrame
        As ``table`` gives it.
    ax : Axes
        Its units are mm from its upper left corner.
    columns : sequence of Column
        One for each of ``STAGES``.
    colours : mapping
        Colour of each choice.
    """
    ax.axis("off")
    if data.empty:
        return
    placed = ribbons.place(columns, ax.get_ylim()[0], preset)
    for column in placed:
        ribbons.draw_nodes(column, ax, colours if column.side == "inside" else {}, preset)
    for n, pair in enumerate(pairwise(placed)):
        start, end = STAGES[n], STAGES[n + 1]
        sums = data.groupby([start, end])[["men"]].sum().reset_index()
        flows = [
            ribbons.Flow(row[start], row[end], row["men"], colours.get(row["choice"], QUIET))
            for row in records(sums)
        ]
        ribbons.draw_flows(*pair, flows, ax)


def finding(data: pd.DataFrame, results: Results) -> str:
    """State how many set off or wanted to, the share abroad, and what held back most others."""
    total = float(data["men"].sum())
    if total < 1:
        return "No man set off or wanted to leave"
    by_outcome = data.groupby("outcome")["men"].sum()
    last = results.scenario.horizon.end - timedelta(days=1)
    away = by_outcome.index.str.startswith("In ") | (by_outcome.index == OUTCOMES["moved-on"])
    text = (
        f"Of {count(total)} men who set off or wanted to, {share(by_outcome[away].sum() / total)} "
        f"were abroad on {day(last)}"
    )
    rest = by_outcome[~away].sort_values(ascending=False, kind="stable")
    if rest.empty or rest.iloc[0] < 0.02 * total:
        return text
    return f"{text}; {share(rest.iloc[0] / total)} {_held(str(rest.index[0]))}"


def _held(outcome: str) -> str:
    return {
        NO_PASSPORT: "stayed because they had no international passport",
        CLOSED: "stayed because the way was closed",
        OUTCOMES["returned"]: "had been abroad and returned",
        OUTCOMES["queueing"]: "were still in a queue",
        OUTCOMES["on-the-road"]: "were still on the road",
        OUTCOMES["turned-back"]: "had been turned back at the border",
        OUTCOMES["limited"]: "had been stopped by an entry limit",
        OUTCOMES["gave-up"]: "had given up queueing",
        OUTCOMES["enlisted"]: "had been called up and complied",
        OUTCOMES["hiding"]: "had been called up and were hiding",
        OUTCOMES["home"]: "were at home",
    }.get(outcome, f"were elsewhere ({outcome})")


def _subtitle() -> str:
    return (
        "Simulated men aged 18 to 59 who set off, or wanted to and could not; heights are "
        "numbers of men, colours the destination. Passport: the international one."
    )


def _notes(apart: Mapping[str, float], data: pd.DataFrame) -> str:
    called = apart.get("enlisted", 0.0) + apart.get("hiding", 0.0)
    text = f"Not drawn: {count(apart.get('home', 0.0))} other men at home"
    if called > 0:
        text += f" and {count(called)} called up who had not wanted to"
    text += ". Counts cover these destinations only."
    if not data.empty and float(data["men_simulated"].sum()) < 2000:
        text += f" They rest on {count(data['men_simulated'].sum())} simulated men."
    return text


def _alt(data: pd.DataFrame, title: str, apart: Mapping[str, float]) -> str:
    parts = [f"{title}.", "Ribbons from passport to choice to outcome."]
    for stage in STAGES:
        sums = data.groupby(stage)["men"].sum().sort_values(ascending=False, kind="stable")
        if not sums.empty:
            nodes = "; ".join(f"{node} {count(men)}" for node, men in sums.items())
            parts.append(f"{stage.capitalize()}: {nodes}.")
    return " ".join([*parts, _notes(apart, data)])
