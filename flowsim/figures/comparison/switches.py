"""The same men in two worlds: ribbons from what became of them in one to the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.axes import Axes

from flowsim.figures.comparison.outcomes import (
    colour,
    destinations,
    fate,
    left_out,
    ordered,
    pairs,
    source,
)
from flowsim.figures.families import Family
from flowsim.figures.layout import ribbons
from flowsim.figures.layout.ribbons import BAR, PAD, Column, Flow, Node
from flowsim.figures.layout.save import Drawn
from flowsim.figures.layout.sheet import MARGIN, Cell, Sheet, fitted, text_width
from flowsim.figures.layout.style import Preset
from flowsim.figures.layout.tables import records
from flowsim.findings.words import count, listed

if TYPE_CHECKING:
    from flowsim.comparison import Comparison

FAMILY = Family("switches", "the same men in two worlds, as ribbons", order=1)
NAME = FAMILY.name
ROOM = 0.36
HEAD, GAP, NEAR = 9.5, 5.0, 6
RARE, OTHER, MOST_ON_SLIDE = 0.015, "other", 2


def missing(results: Comparison) -> str:
    """Return why there is nothing to draw, if so."""
    return "it has no matrix of transitions" if results.matrix.empty else ""


def draw_figure(results: Comparison, preset: Preset) -> Drawn:
    """Arrange one alluvial for each pair of scenarios."""
    data, names = table(results), destinations(results.scenarios)
    title = finding(data, results)
    shown = pairs(results)[: MOST_ON_SLIDE if preset.height is not None else None]
    drawn = [merged(_switched(data, pair)) for pair in shown]
    heights = [_height(own, preset) for own in drawn]
    body = sum(heights) + GAP * (len(heights) - 1)
    notes = [_notes(data, results), source(results)]
    sheet = Sheet(preset, title, _subtitle(), notes, body)
    for own, pair, cell in zip(drawn, shown, sheet.cells(heights, GAP), strict=True):
        _draw_pair(own, pair, names, sheet, cell)
    return Drawn(NAME, sheet.figure, data, title, _alt(data, title, results), source(results))


def _switched(data: pd.DataFrame, pair: tuple[str, str]) -> pd.DataFrame:
    own = (data["a"] == pair[0]) & (data["b"] == pair[1]) & data["switched"]
    return pd.DataFrame(data[own])


def _height(data: pd.DataFrame, preset: Preset) -> float:
    most = max(data["status_a"].nunique(), data["status_b"].nunique(), 3)
    return (HEAD + 4.6 * most) * preset.scale + 16.0


def merged(data: pd.DataFrame) -> pd.DataFrame:
    """Put fates too rare to be seen, on either side, under one name, if there are two or more."""
    total = data["men"].sum()
    for side in ("status_a", "status_b"):
        men = data.groupby(side)["men"].sum()
        rare = list(men[men < RARE * total].index)
        if len(rare) > 1:
            data = data.assign(**{side: data[side].where(~data[side].isin(rare), OTHER)})
    return data.groupby(["status_a", "status_b"])[["men"]].sum().reset_index()


def table(results: Comparison) -> pd.DataFrame:
    """Return the men by what became of them in both worlds.

    Columns a, b, status_a, status_b, fate_a, fate_b (in words), men, low, high, switched. Drawn
    are the switched.
    """
    names = destinations(results.scenarios)
    rows = results.matrix[results.matrix["by"] == "all"]
    data = rows[["a", "b", "status_a", "status_b", "men", "low", "high"]].reset_index(drop=True)
    for place, side in enumerate("ab"):
        words = [fate(status, names) for status in data[f"status_{side}"]]
        data.insert(4 + place, f"fate_{side}", words)
    wanted = {b: place for place, (_, b) in enumerate(results.pairs)}
    data = data.sort_values("b", key=lambda b: b.map(wanted), kind="stable")
    switched = data["status_a"] != data["status_b"]
    return data.assign(switched=switched).reset_index(drop=True)


def _draw_pair(
    data: pd.DataFrame, pair: tuple[str, str], names: dict[str, str], sheet: Sheet, cell: Cell
) -> None:
    preset, scale = sheet.preset, sheet.preset.scale
    total = count(data["men"].sum()) if len(data) else "no"
    head = fitted(f"{pair[1]}: {total} men fare otherwise", preset.text, cell.width - 5, "bold")
    sheet.text(cell.left + MARGIN, cell.top, head, preset.text, weight="bold")
    if data.empty:
        return
    half = cell.width / 2 - 5
    sides = (f"in {pair[0]}", f"in {pair[1]}")
    for x, text, align in ((MARGIN, sides[0], "left"), (cell.width - MARGIN, sides[1], "right")):
        shown = fitted(text, preset.small, half)
        sheet.text(cell.left + x, cell.top + 4.6 * scale, shown, preset.small, ha=align)
    high = cell.height - HEAD * scale
    ax = sheet.axes(cell.left, cell.top + HEAD * scale, cell.width, high)
    ax.set(xlim=(0, cell.width), ylim=(high, 0))
    draw(data, ax, _columns(data, names, preset, cell.width), names, preset)


def _columns(
    data: pd.DataFrame, names: dict[str, str], preset: Preset, width: float
) -> tuple[Column, Column]:
    """Lay out the two columns: labels outside, up to a share of the width."""
    room = {}
    nodes: dict[str, list[Node]] = {}
    for side in ("a", "b"):
        men = data.groupby(f"status_{side}")["men"].sum()
        short = width < 120
        words = {status: fate(status, names, short) for status in ordered(men.index, names)}
        sizes = {status: float(men[status]) for status in words}
        widest = [text_width(f"{words[s]}  {count(n)}", preset.small) for s, n in sizes.items()]
        room[side] = min(max(widest) + 0.5, ROOM * width)
        nodes[side] = [
            Node(status, n, ribbons.label(words[status], n, room[side], preset))
            for status, n in sizes.items()
        ]
    left = MARGIN + room["a"] + PAD
    right = width - MARGIN - room["b"] - PAD - BAR
    return (
        Column((), tuple(nodes["a"]), left, BAR, "left"),
        Column((), tuple(nodes["b"]), right, BAR, "right"),
    )


def draw(
    data: pd.DataFrame,
    ax: Axes,
    columns: Sequence[Column],
    names: dict[str, str],
    preset: Preset,
) -> None:
    """Draw nodes and ribbons in the colour of the fate in the second world.

    Parameters
    ----------
    data : DataFrame
        Switched rows of ``table`` for one pair.
    ax : Axes
        Its units are mm from its upper left corner.
    """
    ax.axis("off")
    left, right = ribbons.place(columns, ax.get_ylim()[0], preset)
    colours: Mapping[str, str] = {node.name: colour(node.name, names) for node in right.nodes}
    ribbons.draw_nodes(left, ax, {}, preset)
    ribbons.draw_nodes(right, ax, {}, preset)
    flows = [
        Flow(row["status_a"], row["status_b"], row["men"], colours[row["status_b"]])
        for row in records(data)
    ]
    ribbons.draw_flows(left, right, flows, ax)


def finding(data: pd.DataFrame, results: Comparison) -> str:
    """State how many men fare otherwise; of a single pair, also what becomes of most of them."""
    totals = [float(_switched(data, pair)["men"].sum()) for pair in pairs(results)]
    clauses = [
        f"in {b} {count(total) if total >= 1 else 'no'} men"
        for (_, b), total in zip(pairs(results), totals, strict=True)
    ]
    text = f"{listed(clauses)} fare otherwise than in {results.names[0]}"
    rows = _switched(data, pairs(results)[0])
    if len(pairs(results)) == 1 and len(rows):
        most = records(rows.sort_values("men", ascending=False, kind="stable"))[0]
        text += f"; {count(most['men'])} of them from \u201c{most['fate_a']}\u201d to "
        text += f"\u201c{most['fate_b']}\u201d"
    return text[:1].upper() + text[1:]


def _subtitle() -> str:
    return (
        "The same simulated men with the same chance events in two worlds. Drawn are those whose "
        "fate differs; heights are numbers of men, colours the fate in the second world."
    )


def _notes(data: pd.DataFrame, results: Comparison) -> str:
    same = [
        f"{count(data[(data['b'] == b) & ~data['switched']]['men'].sum())} in {b}"
        for _, b in pairs(results)
    ]
    return (
        f"Not drawn: men whose fate is the same, {listed(same)}. Reached: got in, whatever came "
        f"after. Rare fates are drawn together; all, with intervals: switches.csv."
        f"{left_out(results)}"
    )


def _alt(data: pd.DataFrame, title: str, results: Comparison) -> str:
    parts = [f"{title}."]
    for _, b in pairs(results):
        own = data[(data["b"] == b) & data["switched"]]
        rows = records(own.sort_values("men", ascending=False, kind="stable").head(NEAR))
        flows = [f"{row['fate_a']} to {row['fate_b']} {count(row['men'])}" for row in rows]
        parts.append(f"{b}: {'; '.join(flows)}." if flows else f"{b}: none.")
    return " ".join(parts)
