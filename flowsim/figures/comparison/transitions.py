"""The same men in two worlds as a table of shares: of each outcome in one, those in the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from flowsim.figures.comparison.outcomes import (
    destinations,
    left_out,
    missing_matrix,
    of_pair,
    ordered,
    outcome,
    pairs,
    source,
    transitions,
)
from flowsim.figures.families import Family
from flowsim.figures.layout import ladders
from flowsim.figures.layout.caption import Caption
from flowsim.figures.layout.save import Drawn
from flowsim.figures.layout.sheet import MARGIN, Cell, Sheet, fitted, text_width
from flowsim.figures.layout.style import INK, RULE, SEQUENTIAL, Preset, plain
from flowsim.findings.words import count, listed, share

if TYPE_CHECKING:
    from flowsim.comparison import Comparison

FAMILY = Family("transitions", "outcomes in one world by those in the other", order=2)
ROW, GAP, HEAD = 4.6, 5.0, 5.0
SEEN = 0.005
DARK = 0.55
SUBTITLE = (
    "The same simulated men with the same chance events in two worlds. Each row: what became of "
    "them in the first, with their number, and how many per cent had which outcome in the second. "
    "Framed: the same outcome."
)
NOTE = (
    "Rows add up to 100 %. Wanted: wanted to go there and could not. A destination: got in, "
    "whatever came after. Above 99.5 rounded down. Numbers and intervals: transitions.csv."
)
missing = missing_matrix


def draw_figure(results: Comparison, preset: Preset) -> Drawn:
    """Arrange one table for each pair of scenarios."""
    data, names = transitions(results), destinations(results.scenarios)
    data["share"] = data["men"] / data.groupby(["a", "b", "status_a"])["men"].transform("sum")
    caption = Caption(
        FAMILY.name,
        data,
        finding(data, results),
        SUBTITLE,
        source(results),
        NOTE + left_out(results),
        alt=_alt(data, results),
    )
    parts = [of_pair(data, pair) for pair in pairs(results)]
    tops = [_top(part, names, preset) for part in parts]
    if preset.height is not None:
        tops = [max(tops)] * len(tops)
    rows = [part["status_a"].nunique() * ROW * preset.scale + 1.0 for part in parts]
    heights = [top + row for top, row in zip(tops, rows, strict=True)]
    sheet = caption.sheet(preset, sum(heights) + GAP * (len(heights) - 1))
    for part, pair, cell, top in zip(
        parts, pairs(results), sheet.cells(heights, GAP), tops, strict=True
    ):
        ladders.headed(sheet, cell, f"From {pair[0]} to {pair[1]}", HEAD)
        _draw_pair(part, names, sheet, cell, top)
    return caption.drawn(sheet)


def _top(data: pd.DataFrame, names: dict[str, str], preset: Preset) -> float:
    """Return the height that the heading and the upright names of the columns need."""
    texts = [outcome(status, names, short=True) for status in data["status_b"].unique()]
    longest = max((text_width(plain(text), preset.small) for text in texts), default=10.0)
    return HEAD * preset.scale + longest + 1.5


def _draw_pair(
    data: pd.DataFrame, names: dict[str, str], sheet: Sheet, cell: Cell, top: float
) -> None:
    preset = sheet.preset
    rows, columns = (ordered(data[f"status_{side}"], names) for side in ("a", "b"))
    men = data.groupby("status_a")["men"].sum()
    labels = [f"{outcome(s, names, short=True)}  {count(men[s])}" for s in rows]
    room = min(max(text_width(text, preset.small) for text in labels) + 1, 0.42 * cell.width)
    left = cell.left + MARGIN + room + 1.5
    width = min(cell.left + cell.width - MARGIN - left, 13.0 * len(columns))
    step = width / len(columns)
    high = min(cell.height - top, 7.0 * len(rows) * preset.scale)
    ax = sheet.axes(left, cell.top + top, width, high)
    draw(data, ax, rows, columns, step, preset)
    for n, text in enumerate(labels):
        y = cell.top + top + (n + 0.5) * high / len(rows)
        look: dict[str, Any] = {"va": "center_baseline", "ha": "right"}
        sheet.text(left - 1.5, y, fitted(text, preset.small, room), preset.small, **look)
    for n, status in enumerate(columns):
        look = {"va": "bottom", "ha": "center", "rotation": 90}
        text = outcome(status, names, short=True)
        sheet.text(left + (n + 0.5) * step, cell.top + top - 1.2, text, preset.small, **look)


def draw(
    data: pd.DataFrame,
    ax: Axes,
    rows: list[str],
    columns: list[str],
    step: float,
    preset: Preset,
) -> None:
    """Draw the cells: darker is more of the row; the same outcome in both worlds is framed.

    Parameters
    ----------
    data : DataFrame
        Rows of ``table`` for one pair, with ``share``.
    step : float
        Width of a cell in mm.
    """
    ax.set(xlim=(0, len(columns)), ylim=(len(rows), 0))
    ax.axis("off")
    colours = colormaps[SEQUENTIAL]
    found = data.groupby(["status_a", "status_b"])["share"].sum().to_dict()
    for y, a in enumerate(rows):
        for x, b in enumerate(columns):
            value = float(found.get((a, b), 0.0))
            face = colours(0.85 * value**0.5) if value > 0 else "white"
            same = a == b
            look: dict[str, Any] = {"facecolor": face, "edgecolor": INK if same else RULE}
            box = Rectangle((x, y), 1, 1, linewidth=1.1 if same else 0.4, zorder=3 if same else 2)
            box.set(**look)
            ax.add_patch(box)
            if value <= 0:
                continue
            text = _percent(value, step, preset)
            ink = "white" if value**0.5 > DARK else INK
            place = {"ha": "center", "va": "center_baseline", "zorder": 4}
            ax.text(x + 0.5, y + 0.5, text, size=preset.small, color=ink).set(**place)


def _percent(value: float, step: float, preset: Preset) -> str:
    text = f"{100 * value:.0f}" if value >= SEEN else "<1"
    if 1 - SEEN < value < 1:
        text = ">99" if text_width(">99", preset.small) < step - 0.4 else "99"
    text = text if text_width(text, preset.small) < step - 0.1 or value < 1 else "all"
    return text if text_width(text, preset.small) < step - 0.1 else ""


def finding(data: pd.DataFrame, results: Comparison) -> str:
    """State what became, in the other world, of those who had reached a destination."""
    names, first = destinations(results.scenarios), results.names[0]
    reached = data[data["status_a"].str.startswith("reached-")]
    if reached.empty:
        return f"In {first} nobody reached a destination"
    men = reached[reached["b"] == results.names[1]].groupby("status_a")["men"].sum()
    top = str(men.idxmax())
    kept = reached[(reached["status_a"] == top) & (reached["status_b"] == top)]
    shares = kept.set_index("b")["share"]
    clauses = [f"{share(float(shares.get(b, 0.0)))} do so in {b}" for _, b in pairs(results)]
    clauses = [clauses[0], *(text.replace(" do so", "") for text in clauses[1:])]
    place = names.get(top.removeprefix("reached-"), top)
    return f"Of {count(men.max())} men who reach {place} in {first}, {listed(clauses)}"


def _alt(data: pd.DataFrame, results: Comparison) -> list[str]:
    parts = []
    for _, b in pairs(results):
        own = data[(data["b"] == b) & ~data["switched"]]
        rows = [f"{f} {share(s)}" for f, s in zip(own["fate_a"], own["share"], strict=True)]
        parts.append(f"{b}, share with the same outcome: {'; '.join(rows)}.")
    return parts
