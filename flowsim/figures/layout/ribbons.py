"""Ribbons between columns of nodes: an alluvial on matplotlib paths. All lengths in mm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from flowsim.figures.layout.sheet import LEADING, MARGIN, POINT, Cell, Sheet, text_width, wrap
from flowsim.figures.layout.style import INK, PALE, QUIET, Preset, plain
from flowsim.findings.words import count

BAR, STRIPE, PAD, GAP = 2.5, 1.2, 1.2, 1.6
SEAM = 0.8


@dataclass(frozen=True)
class Node:
    """A node: its name, its men, its label in lines, and where it stands.

    Attributes
    ----------
    top, height : float
        Of the node itself, which is in the middle of what it or its label needs.
    """

    name: str
    men: float
    lines: tuple[str, ...]
    top: float = 0.0
    height: float = 0.0


@dataclass(frozen=True)
class Column:
    """One stage: its nodes from top to bottom, between ``left`` and ``left + width``.

    Attributes
    ----------
    side : {'left', 'inside', 'right'}
        Where the labels go.
    """

    head: tuple[str, ...]
    nodes: tuple[Node, ...]
    left: float
    width: float
    side: str


@dataclass(frozen=True)
class Flow:
    """Men who go from a node of one column to a node of the next."""

    start: str
    end: str
    men: float
    colour: str


def columns(
    men: Sequence[Mapping[str, float]],
    most: Sequence[float],
    width: float,
    preset: Preset,
    heads: Sequence[str] = (),
) -> tuple[Column, ...]:
    """Lay out two or three columns: labels get what they need, or are broken into lines.

    Parameters
    ----------
    men : sequence of mapping
        Of each node of each column, by name, from the top down.
    most : sequence of float
        Width of the labels of each column at most.
    """
    texts = [[f"{name}  {count(n)}" for name, n in part.items()] for part in men]
    rooms = [
        min(max((text_width(text, preset.small) for text in part), default=20.0) + 0.5, limit)
        for part, limit in zip(texts, most, strict=True)
    ]
    left, right = MARGIN + rooms[0] + PAD, width - MARGIN - rooms[-1] - PAD - BAR
    middle = rooms[1] + STRIPE + PAD
    inside = (left + BAR + right - middle) / 2
    places = [
        ("left", left, BAR, left + BAR - MARGIN),
        ("inside", inside, middle, right - inside - 3.0),
        ("right", right, BAR, width - MARGIN - right),
    ]
    return tuple(
        Column(
            tuple(wrap(head, preset.text, space, "bold")) if head else (),
            tuple(Node(name, n, label(name, n, room, preset)) for name, n in part.items()),
            start,
            wide,
            side,
        )
        for part, room, head, (side, start, wide, space) in zip(
            men,
            rooms,
            heads or [""] * len(men),
            places if len(men) == 3 else places[::2],
            strict=True,
        )
    )


def label(name: str, men: float, room: float, preset: Preset) -> tuple[str, ...]:
    """Break a label into lines; the number stays whole, on the last line."""
    name, number = plain(name), plain(count(men))
    whole = f"{name}\u00a0 {number}"
    if text_width(whole, preset.small) <= room:
        return (whole.replace("\u00a0 ", "  "),)
    return tuple(wrap(f"{name} {number.replace(' ', chr(0xA0))}", preset.small, room))


def canvas(sheet: Sheet, cell: Cell) -> Axes:
    """Return axes over a cell, in mm from its upper left corner."""
    ax = sheet.axes(cell.left, cell.top, cell.width, cell.height)
    ax.set(xlim=(0, cell.width), ylim=(cell.height, 0))
    ax.axis("off")
    return ax


def head_height(columns: Sequence[Column], preset: Preset) -> float:
    """Return the height that the headings need."""
    return max(len(column.head) for column in columns) * preset.text * POINT * LEADING + 1.5


def draw_heads(columns: Sequence[Column], height: float, sheet: Sheet) -> None:
    """Write the headings above their columns, standing on one line."""
    step = sheet.preset.text * POINT * LEADING
    for column in columns:
        right = column.side == "left"
        x = column.left + right * column.width
        for n, line in enumerate(reversed(column.head)):
            y = height - 1.5 - (n + 1) * step
            sheet.text(
                x, y, line, sheet.preset.text, weight="bold", ha="right" if right else "left"
            )


def place(columns: Sequence[Column], room: float, preset: Preset) -> list[Column]:
    """Stack the nodes of each column; the same number of men is as high in every column."""
    step = preset.small * POINT * 1.2
    needs = [[len(node.lines) * step for node in column.nodes] for column in columns]
    scale = min(
        largest_scale([node.men for node in column.nodes], need, room)
        for column, need in zip(columns, needs, strict=True)
    )
    return [
        replace(column, nodes=_stacked(column.nodes, need, scale, room))
        for column, need in zip(columns, needs, strict=True)
    ]


def largest_scale(men: Sequence[float], needs: Sequence[float], room: float) -> float:
    """Return the most mm per man at which nodes and labels, ``GAP`` apart, fit into the room."""
    free = room - GAP * (len(men) - 1)
    low, high = 0.0, free / max(sum(men), 1e-9)
    for _ in range(50):
        scale = (low + high) / 2
        used = sum(max(scale * n, need) for n, need in zip(men, needs, strict=True))
        low, high = (low, scale) if used > free else (scale, high)
    return low


def _stacked(
    nodes: Sequence[Node], needs: Sequence[float], scale: float, room: float
) -> tuple[Node, ...]:
    slots = [max(scale * node.men, need) for node, need in zip(nodes, needs, strict=True)]
    spare = (room - sum(slots)) / max(1, len(slots) - 1)
    gap = min(spare, 4 * GAP)
    top = (room - sum(slots) - gap * (len(slots) - 1)) / 2
    placed = []
    for node, slot in zip(nodes, slots, strict=True):
        height = scale * node.men
        placed.append(replace(node, top=top + (slot - height) / 2, height=height))
        top += slot + gap
    return tuple(placed)


def draw(
    columns: Sequence[Column],
    flows: Sequence[Sequence[Flow]],
    ax: Axes,
    colours: Mapping[str, str],
    preset: Preset,
) -> None:
    """Draw nodes and ribbons; one mm of height is the same number of men in every column.

    Parameters
    ----------
    flows : sequence of sequence of Flow
        Between each column and the next.
    ax : Axes
        Its units are mm from its upper left corner.
    colours : mapping
        Of the nodes inside.
    """
    placed = place(columns, ax.get_ylim()[0], preset)
    for column in placed:
        draw_nodes(column, ax, colours if column.side == "inside" else {}, preset)
    for (left, right), between in zip(pairwise(placed), flows, strict=True):
        draw_flows(left, right, between, ax)


def draw_nodes(column: Column, ax: Axes, colours: Mapping[str, str], preset: Preset) -> None:
    """Draw the bars of a column, each with its label and, if it has one, its colour."""
    inside = column.side == "inside"
    fill = PALE if inside else QUIET
    x, align = {
        "left": (column.left - PAD, "right"),
        "inside": (column.left + (column.width + STRIPE) / 2, "center"),
        "right": (column.left + column.width + PAD, "left"),
    }[column.side]
    step = preset.small * POINT * 1.2
    for node in column.nodes:
        height = max(node.height, 0.15)
        y = node.top + node.height / 2
        box = (column.left, y - height / 2)
        ax.add_patch(Rectangle(box, column.width, height, facecolor=fill, lw=0, zorder=3))
        if node.name in colours:
            colour = colours[node.name]
            ax.add_patch(Rectangle(box, STRIPE, height, facecolor=colour, lw=0, zorder=4))
        first = y - step * (len(node.lines) - 1) / 2
        for n, line in enumerate(node.lines):
            look = {"ha": align, "va": "center_baseline", "color": INK}
            ax.text(x, first + n * step, line, size=preset.small, zorder=5).set(**look)


def draw_flows(left: Column, right: Column, flows: Sequence[Flow], ax: Axes) -> None:
    """Draw the ribbons between two columns, in the order of the nodes at both ends."""
    starts = {node.name: (n, node) for n, node in enumerate(left.nodes)}
    ends = {node.name: (n, node) for n, node in enumerate(right.nodes)}
    used = dict.fromkeys(starts, 0.0), dict.fromkeys(ends, 0.0)
    for flow in sorted(flows, key=lambda flow: (starts[flow.start][0], ends[flow.end][0])):
        start, end = starts[flow.start][1], ends[flow.end][1]
        thick = start.height * flow.men / start.men
        shape = ribbon(
            left.left + left.width,
            right.left,
            start.top + used[0][flow.start],
            end.top + used[1][flow.end],
            thick,
        )
        used[0][flow.start] += thick
        used[1][flow.end] += thick
        edge = {"edgecolor": "white", "linewidth": 0.4 if thick > SEAM else 0.0}
        ax.add_artist(PathPatch(shape, facecolor=flow.colour, alpha=0.55, zorder=2, **edge))


def ribbon(left: float, right: float, start: float, end: float, thick: float) -> Path:
    """Return a ribbon of even height between two columns, bounded by two cubic curves."""
    middle = (left + right) / 2
    upper = [(left, start), (middle, start), (middle, end), (right, end)]
    lower = [(x, y + thick) for x, y in reversed(upper)]
    curve = [Path.CURVE4] * 3
    return Path(
        [*upper, *lower, (left, start)],
        [Path.MOVETO, *curve, Path.LINETO, *curve, Path.CLOSEPOLY],
    )
