"""The same men in two worlds, by what became of them in both: as ribbons, and as a table.

Also what all figures of comparisons share: names and colours of outcomes, pairs, the source line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from flowsim.figures import Family
from flowsim.figures.layout import panels, ribbons
from flowsim.figures.layout.sheet import (
    GAP,
    MARGIN,
    Caption,
    Cell,
    Drawn,
    Sheet,
    fitted,
    text_width,
    wrap,
)
from flowsim.figures.layout.style import (
    CYCLE,
    GREEN,
    INK,
    QUIET,
    RULE,
    SEQUENTIAL,
    VERMILION,
    Preset,
    plain,
)
from flowsim.figures.layout.tables import flowsim_version
from flowsim.findings.account import records
from flowsim.findings.naming import title
from flowsim.findings.words import capital, count, listed, plural, sampled, share
from flowsim.results.comparison import Comparison
from flowsim.scenario.schema import Scenario

HOME, STOPPED = ("home", "hiding", "enlisted"), ("limited", "gave-up", "turned-back")
WORDS = {
    "home": ("At home", "At home"),
    "hiding": ("Called up, hiding", "Hiding"),
    "enlisted": ("Called up, complied", "Called up"),
    "limited": ("Stopped by an entry limit", "Entry limit"),
    "gave-up": ("Gave up queueing", "Gave up"),
    "turned-back": ("Turned back at the border", "Turned back"),
    "underway": ("Still on the way", "On the way"),
    "other": ("Other outcomes", "Others"),
}
"""Of outcomes: in full, and where room is short."""
DESTINATIONS = tuple(colour for colour in CYCLE if colour not in (GREEN, VERMILION))
MOST_PAIRS = 3


def outcome(status: str, names: dict[str, str], short: bool = False) -> str:
    """Write an outcome in words; ``names`` are those of the destinations."""
    kind, _, key = status.partition("-")
    if key in names and kind == "reached":
        return names[key] if short else f"Reached {names[key]}"
    if key in names and kind == "wants":
        return f"Wanted {names[key]}" if short else f"Wanted {names[key]}, could not"
    return WORDS.get(status, (status, status))[short]


def ordered(found: Iterable[str], names: dict[str, str]) -> list[str]:
    """Put outcomes in a fixed order: those abroad above, those at home below."""
    reached, wanted = ([f"{kind}-{key}" for key in names] for kind in ("reached", "wants"))
    known = [*reached, "underway", *STOPPED, *wanted, "other", *reversed(HOME)]
    here = set(found)
    return [*(s for s in known if s in here), *sorted(here - set(known))]


def colour(status: str, names: dict[str, str]) -> str:
    """Return the colour of an outcome: one for each destination, stopped, wanting, and grey."""
    kind, _, key = status.partition("-")
    if kind == "reached" and key in names:
        return DESTINATIONS[list(names).index(key) % len(DESTINATIONS)]
    if kind == "wants":
        return GREEN
    return VERMILION if status in STOPPED else QUIET


def destinations(scenarios: Iterable[Scenario]) -> dict[str, str]:
    """Return the names of all destinations, in the order of the first scenario that has each."""
    return {
        key: place.name for scenario in scenarios for key, place in scenario.destinations.items()
    }


def titles(results: Comparison) -> dict[str, str]:
    """Return the titles of the scenarios by their names, which tell those of one title apart."""
    found = {scenario.name: title(scenario) for scenario in results.scenarios}
    every = list(found.values())
    return {
        name: f"{text} ({name})" if every.count(text) > 1 and text != name else text
        for name, text in found.items()
    }


def quoted(results: Comparison) -> dict[str, str]:
    """Return the titles of the scenarios by their names, as a sentence has them."""
    return {name: f"“{text}”" for name, text in titles(results).items()}


def pairs(results: Comparison) -> list[tuple[str, str]]:
    """Return the pairs there is room for."""
    return results.pairs[:MOST_PAIRS]


def of_pair(data: pd.DataFrame, pair: tuple[str, str]) -> pd.DataFrame:
    """Return the rows of a pair."""
    return data[(data["a"] == pair[0]) & (data["b"] == pair[1])]


def source(results: Comparison) -> str:
    """Return what was compared, with which seed and sample, by which version."""
    first = results.scenarios[0]
    names = listed(list(results.names))
    return (
        f"Source: flowsim {flowsim_version(results.manifest)}, scenarios {names}, seed "
        f"{first.seed}, {sampled(first.sample)} simulated, "
        f"{plural(results.replications, 'replication')}; the same men in each."
    )


def left_out(results: Comparison, most: int = MOST_PAIRS) -> str:
    """Return which pairs there was no room for."""
    others = [quoted(results)[b] for _, b in results.pairs[most:]]
    return f" Not drawn: {listed(others)}." if others else ""


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
    names = destinations(results.scenarios)
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
    return {status: float(men[status]) for status in ordered(men.index, names)}


# ---- ribbons


def draw_switches(results: Comparison, preset: Preset) -> Drawn:
    """Arrange one alluvial for each pair of scenarios, of those whose outcome differs."""
    data, names = table(results), destinations(results.scenarios)
    most = MOST_ON_SLIDE if preset.is_slide else MOST_PAIRS
    title, note = switches_finding(data, results), _switches_note(data, results, most)
    words = (title, SWITCHES_SUBTITLE, source(results), note)
    caption = Caption(SWITCHES_FAMILY.name, data, *words, alt=_switches_alt(data, results))
    named, shown = titles(results), pairs(results)[:most]
    parts = [merged(_switched(data, pair)) for pair in shown]
    rows = [max(part["status_a"].nunique(), part["status_b"].nunique(), 3) for part in parts]
    heights = [(HEAD + 4.6 * n) * preset.scale + 16.0 for n in rows]
    body = sum(heights) + GAP * (len(heights) - 1)
    sheet = caption.sheet(preset, body, 0.75 * body)
    cells = sheet.cells(heights, len(heights) if preset.is_slide else 1)
    for own, pair, cell in zip(parts, shown, cells, strict=True):
        total = count(own["men"].sum()) if len(own) else "no"
        inner = panels.headed(sheet, cell, f"{total} men switch", HEAD)
        if len(own):
            _name_sides([named[name] for name in pair], sheet, cell)
            draw_ribbons(own, names, sheet, inner)
    return caption.drawn(sheet)


def _switched(data: pd.DataFrame, pair: tuple[str, str]) -> pd.DataFrame:
    return of_pair(data[data["switched"]], pair)


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
        ribbons.Flow(words[a], words[b], n, colour(b, names))
        for a, b, n in data[["status_a", "status_b", "men"]].itertuples(index=False)
    ]
    men = [{words[status]: n for status, n in side.items()} for side in sides]
    columns = ribbons.columns(men, [ROOM * cell.width] * 2, cell.width, sheet.preset)
    ribbons.draw(columns, [flows], ribbons.canvas(sheet, cell), {}, sheet.preset)


def switches_finding(data: pd.DataFrame, results: Comparison) -> str:
    """State how many men fare otherwise; of a single pair, also what becomes of most of them."""
    shown, named = pairs(results), quoted(results)
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
    numbers = [count(of_pair(same, pair)["men"].sum()) for pair in pairs(results)]
    return (
        f"Not drawn: men whose outcome is the same, {listed(numbers)}. Reached: got in, whatever "
        "came after. Rare outcomes are drawn together; all, with intervals: switches.csv."
        f"{left_out(results, most)}"
    )


def _switches_alt(data: pd.DataFrame, results: Comparison) -> list[str]:
    flows = {
        pair[1]: [
            f"{row['outcome_a']} to {row['outcome_b']} {count(row['men'])}"
            for row in _most(_switched(data, pair))
        ]
        for pair in pairs(results)
    }
    named = titles(results)
    return [f"{named[b]}: {'; '.join(texts) or 'none'}." for b, texts in flows.items()]


# ---- the table of shares


def draw_figure(results: Comparison, preset: Preset) -> Drawn:
    """Arrange one table for each pair of scenarios."""
    data, names = table(results), destinations(results.scenarios)
    data["share"] = data["men"] / data.groupby(["a", "b", "status_a"])["men"].transform("sum")
    note = NOTE + left_out(results, 1 if preset.narrow else MOST_PAIRS)
    words = (finding(data, results), SUBTITLE, source(results), note)
    caption = Caption(FAMILY.name, data, *words, alt=_alt(data, results))
    shown = pairs(results)[: 1 if preset.narrow else None]
    parts = [of_pair(data, pair) for pair in shown]
    tops = [_top(part, names, preset) for part in parts]
    if preset.is_slide:
        tops = [max(tops)] * len(tops)

    def draw(n: int, sheet: Sheet, cell: Cell) -> None:
        panels.headed(sheet, cell, f"To {quoted(results)[shown[n][1]]}", TABLE_HEAD)
        _draw_table(parts[n], names, sheet, cell, tops[n])

    rows = [part["status_a"].nunique() * ROW * preset.scale + 1.0 for part in parts]
    heights = [top + row for top, row in zip(tops, rows, strict=True)]
    least = 0.7 * (sum(heights) + GAP * (len(parts) - 1))
    beside = len(parts) if preset.is_slide else 1
    return caption.arranged(preset, heights, draw, beside, least=least)


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
    names, named = destinations(results.scenarios), quoted(results)
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
    parts, named = [], titles(results)
    for pair in pairs(results):
        own = of_pair(data[~data["switched"]], pair)
        rows = [f"{f} {share(s)}" for f, s in zip(own["outcome_a"], own["share"], strict=True)]
        parts.append(f"{named[pair[1]]}, share with the same outcome: {'; '.join(rows)}.")
    return parts
