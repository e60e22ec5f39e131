"""What became of the men: passport, choice and outcome as ribbons (own code on paths)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from flowsim import schema
from flowsim.figures.save import Drawn
from flowsim.figures.sheet import POINT, Sheet, fitted, text_width
from flowsim.figures.style import CYCLE, INK, PALE, QUIET, Preset
from flowsim.figures.tables import Results
from flowsim.figures.words import count, day, share

NAME = "outcomes"
STAGES = ("passport", "choice", "outcome")
WITH, WITHOUT = "International passport", "No international passport"
NO_PASSPORT = "Wanted to go, had no passport"
CLOSED = "Wanted to go, way was closed"
OUTCOMES = {
    "moved-on": "Moved on to a third country",
    "returned": "Went abroad and returned",
    "queueing": "Still in a queue",
    "on-the-road": "Still on the road",
    "turned-back": "Turned back at a check",
    "limited": "Stopped by an entry limit",
    "gave-up": "Gave up queueing",
    "enlisted": "Called up and complied",
    "hiding": "Called up and hiding",
    "home": "At home",
}
AT_HOME = ("home", "hiding", "enlisted")
BODY, HEAD = 92.0, 6.0
GAP = 1.6


def draw_figure(results: Results, preset: Preset) -> Drawn:
    """Arrange the alluvial under its three headings, with those left out in the notes."""
    data, apart = table(results)
    title = finding(data, results)
    notes = [_notes(apart, data), results.source]
    sheet = Sheet(preset, title, _subtitle(), notes, HEAD + BODY)
    places = _columns(data, results, preset)
    last = results.scenario.horizon.end - timedelta(days=1)
    heads = ("Passport", "Set off for, or wanted", f"Where on {day(last)}")
    for column, head in zip(places, heads, strict=True):
        right = column.side == "left"
        x = column.left + right * column.width
        sheet.text(x, 0, head, preset.text, weight="bold", ha="right" if right else "left")
    ax = sheet.axes(0, HEAD, preset.width, BODY)
    draw(data, ax, places, _colours(results), preset)
    return Drawn(NAME, sheet.figure, data, title, _alt(data, title, apart), results.source)


def table(results: Results) -> tuple[pd.DataFrame, Mapping[str, float]]:
    """Give the men who acted or wanted to, by passport, choice and outcome; and the others.

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
    return places[key].name if key in places else "Destination not known"


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
    rules = [
        policy.requires_passport
        for policy in scenario.policies.values()
        if isinstance(policy, schema.DocumentRule) and policy.at == key
    ]
    base = key in scenario.destinations and scenario.destinations[key].requires_passport
    return base or any(rules)


@dataclass(frozen=True)
class Column:
    """One stage of the alluvial: its nodes from top to bottom, and where it stands in mm.

    Attributes
    ----------
    side : {'left', 'inside', 'right'}
        Where the labels go.
    room : float
        Width in mm that labels may take.
    """

    stage: str
    nodes: Sequence[str]
    left: float
    width: float
    side: str
    room: float


def _columns(data: pd.DataFrame, results: Results, preset: Preset) -> tuple[Column, ...]:
    labels = {stage: [_label(*pair) for pair in _sizes(data, stage).items()] for stage in STAGES}
    widths = {
        stage: max([text_width(text, preset.small) for text in texts], default=20.0)
        for stage, texts in labels.items()
    }
    inner = preset.width - 5.0
    first = min(widths["passport"] + 1.5, 0.3 * inner)
    last = min(widths["outcome"] + 1.5, 0.36 * inner)
    middle = min(max(widths["choice"] + 6, 24.0), 0.24 * inner)
    left, right = 2.5 + first, preset.width - 2.5 - last - 3.0
    centre = (left + 3.0 + right - middle) / 2
    order = _order(data, results)
    return (
        Column("passport", order["passport"], left, 3.0, "left", first),
        Column("choice", order["choice"], centre, middle, "inside", middle),
        Column("outcome", order["outcome"], right, 3.0, "right", last),
    )


def _sizes(data: pd.DataFrame, stage: str) -> dict[str, float]:
    return {str(key): float(men) for key, men in data.groupby(stage)["men"].sum().items()}


def _label(node: str, men: float) -> str:
    return f"{node}  {count(men)}"


def _order(data: pd.DataFrame, results: Results) -> dict[str, list[str]]:
    """Give the nodes of each stage in a fixed order: abroad above, at home below."""
    names = [place.name for place in results.scenario.destinations.values()]
    wanted = {
        "passport": [WITH, WITHOUT],
        "choice": [*names, "Destination not known"],
        "outcome": [*[f"In {name}" for name in names], *OUTCOMES.values(), CLOSED, NO_PASSPORT],
    }
    found = {stage: set(data[stage]) for stage in STAGES}
    return {
        stage: [
            node for node in dict.fromkeys([*nodes, *sorted(found[stage])]) if node in found[stage]
        ]
        for stage, nodes in wanted.items()
    }


def _colours(results: Results) -> dict[str, str]:
    names = dict.fromkeys(place.name for place in results.scenario.destinations.values())
    return {name: CYCLE[n % len(CYCLE)] for n, name in enumerate(names)}


def heights(sizes: Sequence[float], room: float, least: float) -> tuple[float, list[float]]:
    """Give the mm per man at which nodes fill a column whose labels need ``least`` mm each.

    A node's slot is as high as the node or its label, whichever is more; slots are set
    ``GAP`` apart. Returns the scale, and the slots at that scale.
    """
    free = room - GAP * (len(sizes) - 1)
    low, high = 0.0, free / max(sum(sizes), 1e-9)
    for _ in range(60):
        scale = (low + high) / 2
        if sum(max(scale * size, least) for size in sizes) > free:
            high = scale
        else:
            low = scale
    return low, [max(low * size, least) for size in sizes]


def draw(
    data: pd.DataFrame,
    ax: Axes,
    columns: Sequence[Column],
    colours: Mapping[str, str],
    preset: Preset,
) -> None:
    """Draw nodes and ribbons; one mm of height is the same number of men in every column.

    Parameters
    ----------
    data : DataFrame
        As ``table`` gives it.
    ax : Axes
        Spans the body; its units become mm from the upper left corner.
    """
    ax.set(xlim=(0, preset.width), ylim=(BODY, 0))
    ax.axis("off")
    if data.empty:
        return
    least = preset.small * POINT * 1.35
    sizes = {column.stage: _sizes(data, column.stage) for column in columns}
    tops: dict[tuple[str, str], float] = {}
    scale = min(
        heights([sizes[c.stage][node] for node in c.nodes], BODY, least)[0] for c in columns
    )
    for column in columns:
        slots = [max(scale * sizes[column.stage][node], least) for node in column.nodes]
        spare = (BODY - sum(slots)) / max(1, len(slots) - 1)
        gap = min(spare, 4 * GAP)
        top = (BODY - sum(slots) - gap * (len(slots) - 1)) / 2
        for node, slot in zip(column.nodes, slots, strict=True):
            men = sizes[column.stage][node]
            tops[column.stage, node] = top + (slot - scale * men) / 2
            _draw_node(ax, column, node, men, top, slot, scale, colours, preset)
            top += slot + gap
    _draw_ribbons(data, ax, columns, tops, scale, colours)


def _draw_node(
    ax: Axes,
    column: Column,
    node: str,
    men: float,
    top: float,
    slot: float,
    scale: float,
    colours: Mapping[str, str],
    preset: Preset,
) -> None:
    height = max(scale * men, 0.15)
    box = (column.left, top + (slot - height) / 2)
    colour = PALE if column.side == "inside" else QUIET
    ax.add_patch(Rectangle(box, column.width, height, facecolor=colour, linewidth=0, zorder=3))
    if column.side == "inside" and node in colours:
        ax.add_patch(Rectangle(box, 1.2, height, facecolor=colours[node], zorder=4, linewidth=0))
    x, align = {
        "left": (column.left - 1.2, "right"),
        "inside": (column.left + column.width / 2 + 0.6, "center"),
        "right": (column.left + column.width + 1.2, "left"),
    }[column.side]
    room = column.room - text_width(_label("", men), preset.small) - 1.2
    label = _label(fitted(node, preset.small, room), men)
    y, size = top + slot / 2, preset.small
    ax.text(x, y, label, size=size, ha=align, va="center_baseline", color=INK, zorder=5)


def _draw_ribbons(
    data: pd.DataFrame,
    ax: Axes,
    columns: Sequence[Column],
    tops: Mapping[tuple[str, str], float],
    scale: float,
    colours: Mapping[str, str],
) -> None:
    """Draw the flows between neighbouring stages, each split by the destination chosen."""
    for left, right in pairwise(columns):
        stages = list(dict.fromkeys([left.stage, right.stage, "choice"]))
        flows: dict[Any, float] = data.groupby(stages)["men"].sum().to_dict()
        ranks = {c.stage: {node: n for n, node in enumerate(c.nodes)} for c in columns}
        used: dict[tuple[str, str], float] = {}
        for names in sorted(flows, key=partial(_rank, stages, ranks)):
            flow = dict(zip(stages, names, strict=True))
            thick = scale * flows[names]
            ends = []
            for column in (left, right):
                node = (column.stage, flow[column.stage])
                ends.append(tops[node] + used.get(node, 0.0))
                used[node] = used.get(node, 0.0) + thick
            shape = ribbon(left.left + left.width, right.left, ends[0], ends[1], thick)
            colour = colours.get(flow["choice"], QUIET)
            ax.add_patch(PathPatch(shape, facecolor=colour, alpha=0.55, linewidth=0, zorder=2))


def _rank(
    stages: Sequence[str], ranks: Mapping[str, Mapping[str, int]], names: Sequence[str]
) -> list[int]:
    return [ranks[stage][name] for stage, name in zip(stages, names, strict=True)]


def ribbon(left: float, right: float, start: float, end: float, thick: float) -> Path:
    """Give a ribbon of even height between two columns, bounded by two cubic curves."""
    middle = (left + right) / 2
    upper = [(left, start), (middle, start), (middle, end), (right, end)]
    lower = [(x, y + thick) for x, y in reversed(upper)]
    curve = [Path.CURVE4] * 3
    return Path(
        [*upper, *lower, (left, start)],
        [Path.MOVETO, *curve, Path.LINETO, *curve, Path.CLOSEPOLY],
    )


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
        OUTCOMES["turned-back"]: "had been turned back at a check",
        OUTCOMES["limited"]: "had been stopped by an entry limit",
        OUTCOMES["gave-up"]: "had given up queueing",
        OUTCOMES["enlisted"]: "had been called up and complied",
        OUTCOMES["hiding"]: "had been called up and were hiding",
        OUTCOMES["home"]: "were at home",
    }.get(outcome, f"were elsewhere ({outcome})")


def _subtitle() -> str:
    return (
        "Simulated men aged 18 to 59 who set off, or wanted to and could not; heights are "
        "numbers of men, colours the destination."
    )


def _notes(apart: Mapping[str, float], data: pd.DataFrame) -> str:
    called = apart.get("enlisted", 0.0) + apart.get("hiding", 0.0)
    text = f"Not drawn: {count(apart.get('home', 0.0))} men at home who did not want to leave"
    if called > 0:
        text += f" and {count(called)} called up who had not wanted to"
    text += ". Counts cover these destinations only."
    if not data.empty and float(data["men_simulated"].sum()) < 2000:
        text += f" They rest on {count(data['men_simulated'].sum())} simulated men."
    return text


def _alt(data: pd.DataFrame, title: str, apart: Mapping[str, float]) -> str:
    parts = [f"{title}.", "Ribbons from passport to choice to outcome."]
    for stage in STAGES:
        nodes = sorted(_sizes(data, stage).items(), key=lambda item: -item[1])
        if nodes:
            parts.append(f"{stage.capitalize()}: {'; '.join(_label(*node) for node in nodes)}.")
    return " ".join([*parts, _notes(apart, data)])
