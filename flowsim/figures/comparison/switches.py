"""The same men in two worlds: ribbons from what became of them in one to the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from flowsim.figures.comparison.outcomes import (
    colour,
    destinations,
    left_out,
    missing_matrix,
    of_pair,
    ordered,
    outcome,
    pairs,
    sentence,
    source,
    transitions,
)
from flowsim.figures.families import Family
from flowsim.figures.layout import ladders, ribbons
from flowsim.figures.layout.caption import Caption
from flowsim.figures.layout.save import Drawn
from flowsim.figures.layout.sheet import MARGIN, Cell, Sheet, fitted
from flowsim.figures.layout.style import Preset
from flowsim.figures.layout.tables import records
from flowsim.findings.words import count, listed

if TYPE_CHECKING:
    from flowsim.comparison import Comparison

FAMILY = Family("switches", "the same men in two worlds, as ribbons", order=1)
ROOM = 0.36
HEAD, GAP, NEAR = 9.5, 5.0, 6
RARE, OTHER, MOST_ON_SLIDE = 0.015, "other", 2
SUBTITLE = (
    "The same simulated men with the same chance events in two worlds. Drawn are those whose "
    "outcome differs; heights are numbers of men, colours the outcome in the second world."
)
missing = missing_matrix


def draw_figure(results: Comparison, preset: Preset) -> Drawn:
    """Arrange one alluvial for each pair of scenarios."""
    data, names = transitions(results), destinations(results.scenarios)
    caption = Caption(
        FAMILY.name,
        data,
        finding(data, results),
        SUBTITLE,
        source(results),
        _notes(data, results),
        alt=_alt(data, results),
    )
    shown = pairs(results)[: MOST_ON_SLIDE if preset.height is not None else None]
    drawn = [merged(_switched(data, pair)) for pair in shown]
    heights = [_height(own, preset) for own in drawn]
    sheet = caption.sheet(preset, sum(heights) + GAP * (len(heights) - 1))
    for own, pair, cell in zip(drawn, shown, sheet.cells(heights, GAP), strict=True):
        _draw_pair(own, pair, names, sheet, cell)
    return caption.drawn(sheet)


def _switched(data: pd.DataFrame, pair: tuple[str, str]) -> pd.DataFrame:
    return of_pair(data[data["switched"]], pair)


def _height(data: pd.DataFrame, preset: Preset) -> float:
    most = max(data["status_a"].nunique(), data["status_b"].nunique(), 3)
    return (HEAD + 4.6 * most) * preset.scale + 16.0


def merged(data: pd.DataFrame) -> pd.DataFrame:
    """Put outcomes too rare to be seen, on either side, under one name, if they are several."""
    total = data["men"].sum()
    for side in ("status_a", "status_b"):
        men = data.groupby(side)["men"].sum()
        rare = list(men[men < RARE * total].index)
        if len(rare) > 1:
            data = data.assign(**{side: data[side].where(~data[side].isin(rare), OTHER)})
    return data.groupby(["status_a", "status_b"])[["men"]].sum().reset_index()


def _draw_pair(
    data: pd.DataFrame, pair: tuple[str, str], names: dict[str, str], sheet: Sheet, cell: Cell
) -> None:
    preset, scale = sheet.preset, sheet.preset.scale
    total = count(data["men"].sum()) if len(data) else "no"
    inner = ladders.headed(sheet, cell, f"{pair[1]}: {total} men fare otherwise", HEAD)
    if data.empty:
        return
    for world, x, align in zip(pair, (MARGIN, cell.width - MARGIN), ("left", "right"), strict=True):
        text = fitted(f"in {world}", preset.small, cell.width / 2 - 5)
        sheet.text(cell.left + x, cell.top + 4.6 * scale, text, preset.small, ha=align)
    draw(data, names, sheet, inner)


def draw(data: pd.DataFrame, names: dict[str, str], sheet: Sheet, cell: Cell) -> None:
    """Draw nodes and ribbons in the colour of the outcome in the second world.

    Parameters
    ----------
    data : DataFrame
        Switched rows of ``transitions`` for one pair.
    """
    words: dict[str, str] = {}
    men = []
    for side in ("a", "b"):
        sums = data.groupby(f"status_{side}")["men"].sum()
        here = ordered(sums.index, names)
        words |= {status: outcome(status, names, short=cell.width < 120) for status in here}
        men.append({words[status]: float(sums[status]) for status in here})
    flows = [
        ribbons.Flow(words[a], words[b], n, colour(b, names))
        for a, b, n in data[["status_a", "status_b", "men"]].itertuples(index=False)
    ]
    columns = ribbons.columns(men, [ROOM * cell.width] * 2, cell.width, sheet.preset)
    ribbons.draw(columns, [flows], ribbons.canvas(sheet, cell), {}, sheet.preset)


def finding(data: pd.DataFrame, results: Comparison) -> str:
    """State how many men fare otherwise; of a single pair, also what becomes of most of them."""
    shown = pairs(results)
    totals = [float(_switched(data, pair)["men"].sum()) for pair in shown]
    clauses = [
        f"in {b} {count(total) if total >= 1 else 'no'} men"
        for (_, b), total in zip(shown, totals, strict=True)
    ]
    text = f"{listed(clauses)} fare otherwise than in {results.names[0]}"
    rows = _most(_switched(data, shown[0]))
    if len(shown) == 1 and rows:
        text += f"; {count(rows[0]['men'])} of them from \u201c{rows[0]['fate_a']}\u201d to "
        text += f"\u201c{rows[0]['fate_b']}\u201d"
    return sentence([text])


def _most(rows: pd.DataFrame) -> list[dict[str, Any]]:
    return records(rows.sort_values("men", ascending=False, kind="stable").head(NEAR))


def _notes(data: pd.DataFrame, results: Comparison) -> str:
    same = [
        f"{count(data[(data['b'] == b) & ~data['switched']]['men'].sum())} in {b}"
        for _, b in pairs(results)
    ]
    return (
        f"Not drawn: men whose outcome is the same, {listed(same)}. Reached: got in, whatever came "
        f"after. Rare outcomes are drawn together; all, with intervals: switches.csv."
        f"{left_out(results)}"
    )


def _alt(data: pd.DataFrame, results: Comparison) -> list[str]:
    flows = {
        pair[1]: [
            f"{row['fate_a']} to {row['fate_b']} {count(row['men'])}"
            for row in _most(_switched(data, pair))
        ]
        for pair in pairs(results)
    }
    return [f"{b}: {'; '.join(texts) or 'none'}." for b, texts in flows.items()]
