"""The same men in two worlds, by what became of them in both: as ribbons, and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from flowsim.figures.comparison import outcomes
from flowsim.figures.comparison.outcomes import outcome, pairs
from flowsim.figures.families import Family
from flowsim.figures.layout import ladders, ribbons
from flowsim.figures.layout.caption import Caption
from flowsim.figures.layout.save import Drawn
from flowsim.figures.layout.sheet import GAP, MARGIN, Cell, Sheet, fitted, text_width, wrap
from flowsim.figures.layout.style import INK, RULE, SEQUENTIAL, Preset, plain
from flowsim.figures.layout.tables import records
from flowsim.findings.words import capital, count, listed, share

if TYPE_CHECKING:
    from flowsim.results.comparison import Comparison

SWITCHES_FAMILY = Family(
    "switches", "the same men in two worlds, as ribbons", draw="draw_switches", order=1
)
FAMILY = Family("transitions", "outcomes in one world by those in the other", order=2)
ROOM, RARE, OTHER, MOST_ON_SLIDE = 0.36, 0.015, "other", 2
HEAD, NEAR = 11.5, 6
ROW, TABLE_HEAD = 4.6, 5.0
SEEN, DARK = 0.005, 0.55
SWITCHES_SUBTITLE = (
    "The same simulated men in two worlds, those whose outcome differs; heights are numbers of "
    "men, colours the outcome in the second world. The chance events are the same in both."
)
SUBTITLE = (
    "Each row: what became of the same simulated men in the first world, with their number, and "
    "how many per cent had which outcome in the second. Framed: the same outcome."
)
NOTE = (
    "Rows add up to 100 %. Wanted: wanted to go there and could not. A destination: got in, "
    "whatever came after. Above 99.5 rounded down. Numbers and intervals: transitions.csv."
)


def missing(results: Comparison) -> str:
    """Return why there is nothing to draw, if so."""
    return "it has no matrix of transitions" if results.matrix.empty else ""


def table(results: Comparison) -> pd.DataFrame:
    """Return the men by what became of them in both worlds.

    Columns a, b, status_a, status_b, outcome_a, outcome_b (in words), men, low, high, switched.
    """
    names = outcomes.destinations(results.scenarios)
    rows = results.matrix[results.matrix["by"] == "all"]
    turn = {b: place for place, (_, b) in enumerate(results.pairs)}
    data = rows.sort_values("b", key=lambda b: b.map(turn), kind="stable")
    words = {
        f"outcome_{side}": [outcome(status, names) for status in data[f"status_{side}"]]
        for side in "ab"
    }
    switched = data["status_a"] != data["status_b"]
    columns = ["a", "b", "status_a", "status_b", *words, "men", "low", "high", "switched"]
    return data.assign(switched=switched, **words)[columns].reset_index(drop=True)


def _ordered(data: pd.DataFrame, side: str, names: dict[str, str]) -> dict[str, float]:
    """Return the men of each outcome in one of the worlds, those abroad first."""
    men = data.groupby(f"status_{side}")["men"].sum()
    return {status: float(men[status]) for status in outcomes.ordered(men.index, names)}


# ---- ribbons


def draw_switches(results: Comparison, preset: Preset) -> Drawn:
    """Arrange one alluvial for each pair of scenarios, of those whose outcome differs."""
    data, names = table(results), outcomes.destinations(results.scenarios)
    most = MOST_ON_SLIDE if preset.is_slide else outcomes.MOST_PAIRS
    caption = Caption(
        SWITCHES_FAMILY.name,
        data,
        switches_finding(data, results),
        SWITCHES_SUBTITLE,
        outcomes.source(results),
        _switches_note(data, results, most),
        alt=_switches_alt(data, results),
    )
    shown = pairs(results)[:most]
    named = outcomes.titles(results)
    drawn = [merged(_switched(data, pair)) for pair in shown]
    heights = [_height(own, preset) for own in drawn]
    body = sum(heights) + GAP * (len(heights) - 1)
    sheet = caption.sheet(preset, body, 0.75 * body)
    beside = len(heights) if preset.is_slide else 1
    for own, pair, cell in zip(drawn, shown, sheet.cells(heights, beside), strict=True):
        total = count(own["men"].sum()) if len(own) else "no"
        inner = ladders.headed(sheet, cell, f"{total} men switch", HEAD)
        if len(own):
            _name_sides([named[name] for name in pair], sheet, cell)
            draw_ribbons(own, names, sheet, inner)
    return caption.drawn(sheet)


def _switched(data: pd.DataFrame, pair: tuple[str, str]) -> pd.DataFrame:
    return outcomes.of_pair(data[data["switched"]], pair)


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


def _name_sides(worlds: Sequence[str], sheet: Sheet, cell: Cell) -> None:
    size, top = sheet.preset.small, cell.top + 4.6 * sheet.preset.scale
    for side, world in zip(("left", "right"), worlds, strict=True):
        x = cell.left + (MARGIN if side == "left" else cell.width - MARGIN)
        for n, line in enumerate(wrap(world, size, cell.width / 2 - 5)[:2]):
            sheet.text(x, top + 3.2 * n, line, size, ha=side)


def draw_ribbons(data: pd.DataFrame, names: dict[str, str], sheet: Sheet, cell: Cell) -> None:
    """Draw nodes and ribbons in the colour of the outcome in the second world.

    Parameters
    ----------
    data : DataFrame
        Switched rows of ``table`` for one pair.
    """
    sides = [_ordered(data, side, names) for side in "ab"]
    words = {s: outcome(s, names, short=cell.width < 120) for men in sides for s in men}
    flows = [
        ribbons.Flow(words[a], words[b], n, outcomes.colour(b, names))
        for a, b, n in data[["status_a", "status_b", "men"]].itertuples(index=False)
    ]
    men = [{words[status]: n for status, n in side.items()} for side in sides]
    columns = ribbons.columns(men, [ROOM * cell.width] * 2, cell.width, sheet.preset)
    ribbons.draw(columns, [flows], ribbons.canvas(sheet, cell), {}, sheet.preset)


def switches_finding(data: pd.DataFrame, results: Comparison) -> str:
    """State how many men fare otherwise; of a single pair, also what becomes of most of them."""
    shown, named = pairs(results), outcomes.quoted(results)
    totals = [float(_switched(data, pair)["men"].sum()) for pair in shown]
    clauses = [
        f"under {named[b]} {count(total) if total >= 1 else 'no'} men{'' if n else ' switch'}"
        for n, ((_, b), total) in enumerate(zip(shown, totals, strict=True))
    ]
    text = listed(clauses)
    rows = _most(_switched(data, shown[0]))
    if len(shown) == 1 and rows:
        text += f"; {count(rows[0]['men'])} of them from \u201c{rows[0]['outcome_a']}\u201d to "
        text += f"\u201c{rows[0]['outcome_b']}\u201d"
    return capital(text)


def _most(rows: pd.DataFrame) -> list[dict[str, Any]]:
    return records(rows.sort_values("men", ascending=False, kind="stable").head(NEAR))


def _switches_note(data: pd.DataFrame, results: Comparison, most: int) -> str:
    same = data[~data["switched"]]
    numbers = [count(outcomes.of_pair(same, pair)["men"].sum()) for pair in pairs(results)]
    return (
        f"Not drawn: men whose outcome is the same, {listed(numbers)}. Reached: got in, whatever "
        "came after. Rare outcomes are drawn together; all, with intervals: switches.csv."
        f"{outcomes.left_out(results, most)}"
    )


def _switches_alt(data: pd.DataFrame, results: Comparison) -> list[str]:
    flows = {
        pair[1]: [
            f"{row['outcome_a']} to {row['outcome_b']} {count(row['men'])}"
            for row in _most(_switched(data, pair))
        ]
        for pair in pairs(results)
    }
    named = outcomes.titles(results)
    return [f"{named[b]}: {'; '.join(texts) or 'none'}." for b, texts in flows.items()]


# ---- the table of shares


def draw_figure(results: Comparison, preset: Preset) -> Drawn:
    """Arrange one table for each pair of scenarios."""
    data, names = table(results), outcomes.destinations(results.scenarios)
    data["share"] = data["men"] / data.groupby(["a", "b", "status_a"])["men"].transform("sum")
    caption = Caption(
        FAMILY.name,
        data,
        finding(data, results),
        SUBTITLE,
        outcomes.source(results),
        NOTE + outcomes.left_out(results, 1 if preset.narrow else outcomes.MOST_PAIRS),
        alt=_alt(data, results),
    )
    shown = pairs(results)[: 1 if preset.narrow else None]
    parts = [outcomes.of_pair(data, pair) for pair in shown]
    tops = [_top(part, names, preset) for part in parts]
    if preset.is_slide:
        tops = [max(tops)] * len(tops)
    rows = [part["status_a"].nunique() * ROW * preset.scale + 1.0 for part in parts]
    heights = [top + row for top, row in zip(tops, rows, strict=True)]
    body = sum(heights) + GAP * (len(heights) - 1)
    sheet = caption.sheet(preset, body, 0.7 * body)
    cells = sheet.cells(heights, len(heights) if preset.is_slide else 1)
    for part, pair, cell, top in zip(parts, shown, cells, tops, strict=True):
        ladders.headed(sheet, cell, f"To {outcomes.quoted(results)[pair[1]]}", TABLE_HEAD)
        _draw_table(part, names, sheet, cell, top)
    return caption.drawn(sheet)


def _top(data: pd.DataFrame, names: dict[str, str], preset: Preset) -> float:
    """Return the height that the heading and the upright names of the columns need."""
    texts = [outcome(status, names, short=True) for status in data["status_b"].unique()]
    longest = max((text_width(plain(text), preset.small) for text in texts), default=10.0)
    return TABLE_HEAD * preset.scale + longest + 1.5


def _draw_table(
    data: pd.DataFrame, names: dict[str, str], sheet: Sheet, cell: Cell, top: float
) -> None:
    preset = sheet.preset
    rows, columns = (_ordered(data, side, names) for side in "ab")
    labels = [f"{outcome(s, names, short=True)}  {count(men)}" for s, men in rows.items()]
    room = min(max(text_width(text, preset.small) for text in labels) + 1, 0.42 * cell.width)
    left = cell.left + MARGIN + room + 1.5
    width = min(cell.left + cell.width - MARGIN - left, 13.0 * len(columns))
    step = width / len(columns)
    high = min(cell.height - top, 7.0 * len(rows) * preset.scale)
    ax = sheet.axes(left, cell.top + top, width, high)
    draw(data, ax, list(rows), list(columns), step, preset)
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
    rows: Sequence[str],
    columns: Sequence[str],
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
    for y, x in ((y, x) for y in range(len(rows)) for x in range(len(columns))):
        value, same = float(found.get((rows[y], columns[x]), 0.0)), rows[y] == columns[x]
        face = colours(0.85 * value**0.5) if value > 0 else "white"
        edge = (
            {"edgecolor": INK, "linewidth": 1.1} if same else {"edgecolor": RULE, "linewidth": 0.4}
        )
        box = Rectangle((x, y), 1, 1, facecolor=face, zorder=3 if same else 2)
        ax.add_patch(box).set(**edge)
        if value > 0:
            text = ax.text(x + 0.5, y + 0.5, _percent(value, step, preset), size=preset.small)
            text.set(ha="center", va="center_baseline", zorder=4)
            text.set_color("white" if value**0.5 > DARK else INK)


def _percent(value: float, step: float, preset: Preset) -> str:
    text = f"{100 * value:.0f}" if value >= SEEN else "<1"
    if 1 - SEEN < value < 1:
        text = ">99" if text_width(">99", preset.small) < step - 0.4 else "99"
    text = text if text_width(text, preset.small) < step - 0.1 or value < 1 else "all"
    return text if text_width(text, preset.small) < step - 0.1 else ""


def finding(data: pd.DataFrame, results: Comparison) -> str:
    """State what became, in the other world, of those who had reached a destination."""
    names, named = outcomes.destinations(results.scenarios), outcomes.quoted(results)
    reached = data[data["status_a"].str.startswith("reached-")]
    if reached.empty:
        return f"Under {named[results.names[0]]} nobody reached a destination"
    men = reached[reached["b"] == results.names[1]].groupby("status_a")["men"].sum()
    top = str(men.idxmax())
    kept = reached[(reached["status_a"] == top) & (reached["status_b"] == top)]
    shares = kept.set_index("b")["share"]
    clauses = [
        f"{share(float(shares.get(b, 0.0)))}{' also do so' * (n == 0)} under {named[b]}"
        for n, (_, b) in enumerate(pairs(results))
    ]
    place = names.get(top.removeprefix("reached-"), top)
    return f"Of {count(men.max())} men who reach {place}, {listed(clauses)}"


def _alt(data: pd.DataFrame, results: Comparison) -> list[str]:
    parts, named = [], outcomes.titles(results)
    for pair in pairs(results):
        own = outcomes.of_pair(data[~data["switched"]], pair)
        rows = [f"{f} {share(s)}" for f, s in zip(own["outcome_a"], own["share"], strict=True)]
        parts.append(f"{named[pair[1]]}, share with the same outcome: {'; '.join(rows)}.")
    return parts
