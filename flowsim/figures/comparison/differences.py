"""How many more or fewer men meet each outcome in the other worlds, and what makes them differ.

Differences are paired. What makes them is told by the terms of the men's decisions, and by the
policies that coincide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from flowsim.comparison.coincidence import ALL, COMMON, REST, WHOLE, title_of
from flowsim.comparison.uncertainty import worth_of_pairing
from flowsim.figures.comparison.outcomes import (
    destinations,
    left_out,
    of_pair,
    ordered,
    outcome,
    pairs,
    source,
)
from flowsim.figures.families import Family
from flowsim.figures.layout import ladders
from flowsim.figures.layout.caption import Caption
from flowsim.figures.layout.save import Drawn
from flowsim.figures.layout.sheet import Cell, Sheet
from flowsim.figures.layout.style import BLUE, CYCLE, QUIET, Preset
from flowsim.figures.layout.tables import records
from flowsim.findings.pairs import TERMS
from flowsim.findings.words import capital, count, share

if TYPE_CHECKING:
    from flowsim.results.comparison import Comparison

FAMILY = Family("differences", "more or fewer men of each outcome, paired", order=3)
TERMS_FAMILY = Family(
    "terms",
    "what switched the men who fare otherwise",
    draw="draw_terms",
    missing="missing_terms",
    order=5,
)
POLICIES_FAMILY = Family(
    "policies",
    "what each coinciding policy explains",
    draw="draw_policies",
    missing="missing_policies",
    order=6,
)
MARKERS = ("o", "s", "D", "^", "v", "P", "X")
MOST = 5

HEAD, GAP = 5.4, 4.0
MOST_TARGETS, TARGETS_ON_SLIDE = 6, 4
ALONE: dict[str, Any] = {"color": BLUE, "marker": "o"}
TOGETHER: dict[str, Any] = {"color": QUIET, "marker": "D", "hollow": True}
TERMS_SUBTITLE = (
    "The same simulated men in two worlds: those whose outcome differs, by the term of their "
    "decision or the event that did it. Whiskers: 95 % intervals over replications."
)
TERMS_NOTE = (
    "Each switched man is given to the term that switches him when it alone is put as in the other "
    "world; interaction: none alone does, several: more than one does."
)
POLICIES_NOTE = (
    "What cannot be told apart is how far the effect of a policy depends on which others are "
    "there. Effects within the model, given its assumptions. Orders and extremes: policies.csv."
)


def missing(results: Comparison) -> str:
    """Return why there is nothing to draw, if so."""
    return "it has no table of differences" if results.differences.empty else ""


def draw_figure(results: Comparison, preset: Preset) -> Drawn:
    """Draw a row for each outcome, a dot with its whisker for each other scenario."""
    data, first = table(results), results.names[0]
    others = [b for _, b in results.pairs[:MOST]]
    looks = {b: _look(n) for n, b in enumerate(others)}
    caption = Caption(
        FAMILY.name,
        data,
        finding(data, results),
        f"Difference to {first} in the number of simulated men by what became of them; the same "
        "men with the same chance events in each world.",
        source(results),
        _notes(data, results),
        [ladders.key(b, **look) for b, look in looks.items()],
        [f"{'; '.join(_alt(data))}."],
    )
    names = list(dict.fromkeys(data["name"]))
    height = (len(names) * max(ladders.STEP, 2.4 * len(others)) + ladders.FOOT) * preset.scale
    sheet = caption.sheet(preset, height)
    labels = [_shorter(name) for name in names] if preset.narrow else names
    ax = ladders.ladder(
        sheet, sheet.cells([height])[0], labels, f"More or fewer men than in {first}"
    )
    ladders.reference(ax, 0)
    for row in records(data[data["b"].isin(others)]):
        turn = others.index(row["b"]) - (len(others) - 1) / 2
        y = names.index(row["name"]) + turn * 0.75 / len(others)
        ladders.dot(ax, y, row["difference"], row["low"], row["high"], **looks[row["b"]])
    ax.margins(x=0.04)
    return caption.drawn(sheet)


def _shorter(name: str) -> str:
    return name.removesuffix(", could not").replace(" at the border", "").replace("by an ", "by ")


def _look(n: int) -> dict[str, Any]:
    return {"color": CYCLE[n % len(CYCLE)], "marker": MARKERS[n % len(MARKERS)], "markersize": 3.8}


def table(results: Comparison) -> pd.DataFrame:
    """Return the differences of those who set off and of every outcome.

    Columns b, name, value_a, value_b, difference (b - a), low, high (95 %, paired), n,
    variance_factor.
    """
    names = destinations(results.scenarios)
    rows = results.differences
    nation = (rows["place_kind"] == "nation") & (rows["measure"] == "departures")
    of_outcome = rows["place_kind"] == "outcome"
    order = ["departures", *ordered(rows[of_outcome]["place_id"], names)]
    words = {status: outcome(status, names) for status in order} | {"departures": "Set off"}
    key = rows["place_id"].where(of_outcome, "departures")
    data = rows.assign(key=key)[nation | of_outcome]
    turn = [b for _, b in results.pairs].index
    data = data.assign(
        name=data["key"].map(words), place=data["key"].map(order.index), turn=data["b"].map(turn)
    ).sort_values(["place", "turn"], kind="stable")
    sizes = data["value_a"].abs() + data["value_b"].abs()
    met = sizes.groupby(data["name"]).transform("max") > 0
    columns = ["b", "name", "value_a", "value_b", "difference", "low", "high", "n"]
    return data[met][[*columns, "variance_factor"]].reset_index(drop=True)


def finding(data: pd.DataFrame, results: Comparison) -> str:
    """State by how much those who reach a destination differ."""
    clauses = []
    for _, b in results.pairs[:2]:
        own = data[(data["b"] == b) & data["name"].str.startswith("Reached ")]
        own = own.assign(size=own["difference"].abs())
        most = records(own.sort_values("size", ascending=False, kind="stable").head(1))
        differ = bool(most) and most[0]["size"] >= 1
        clauses.append(_clause(most[0]) if differ else f"in {b} as many men get abroad")
    return capital("; ".join([f"{clauses[0]} than in {results.names[0]}", *clauses[1:]]))


def _clause(row: Mapping[str, Any]) -> str:
    more = "more" if row["difference"] > 0 else "fewer"
    text = f"in {row['b']} {count(row['size'])} {more} men reach {row['name'][8:]}"
    if pd.isna(row["low"]):
        return text
    low, high = sorted((abs(row["low"]), abs(row["high"])))
    sure = row["low"] * row["high"] > 0
    return f"{text} ({count(low)} to {count(high)})" if sure else f"{text} (or none)"


def _notes(data: pd.DataFrame, results: Comparison) -> str:
    if results.replications < 2:
        return "One replication only: no intervals."
    factor = worth_of_pairing(data).median()
    text = "Whiskers: 95 % intervals of the mean paired difference."
    if pd.notna(factor):
        text += f" Pairing shrinks the variance {factor:,.1f} times in the median row."
    if len(results.pairs) > MOST:
        text += " Further scenarios: differences.csv."
    return f"{text} Reached: got in, whatever came after."


def _alt(data: pd.DataFrame) -> Sequence[str]:
    parts = []
    for row in records(data):
        n = row["difference"]
        size = f"{count(abs(n))} {'more' if n > 0 else 'fewer'}" if n else "the same"
        parts.append(f"{row['b']}, {row['name'].lower()}: {size}")
    return parts


# ---- terms and policies


def missing_terms(results: Comparison) -> str:
    """Return why the terms cannot be drawn, if so."""
    return "it was made without terms" if results.terms.empty else ""


def draw_terms(results: Comparison, preset: Preset) -> Drawn:
    """Draw, for each pair, how many men each term of the decision switched."""
    data = terms_table(results)
    alt = [f"{row['b']}, {row['term']}: {count(row['men'])} men" for row in records(data)]
    caption = Caption(
        TERMS_FAMILY.name,
        data,
        _terms_finding(data, results),
        TERMS_SUBTITLE,
        source(results),
        TERMS_NOTE + left_out(results),
        alt=[f"{'; '.join(alt)}."],
    )
    parts = [of_pair(data, pair) for pair in pairs(results)]
    heights = [HEAD + ladders.height(max(1, len(part)), preset) for part in parts]
    body = sum(heights) + GAP * (len(heights) - 1)
    sheet = caption.sheet(preset, body, least=max(heights) * 0.8)
    for (_, b), part, cell in zip(pairs(results), parts, sheet.cells(heights, GAP), strict=True):
        rows = part[["term", "men", "low", "high"]]
        _draw_ladder(sheet, cell, f"Men who fare otherwise in {b}", rows, "Men")
    return caption.drawn(sheet)


def terms_table(results: Comparison) -> pd.DataFrame:
    """Return the switched men of each pair by what switched them, most first.

    Columns a, b, term, men, low, high, share.
    """
    rows = results.terms
    data = rows[(rows["status_a"] == "all") & (rows["status_b"] == "all")]
    turn = {b: n for n, (_, b) in enumerate(results.pairs)}
    data = data.assign(turn=data["b"].map(turn))
    data = data.sort_values(["turn", "men"], ascending=[True, False], kind="stable")
    return data[["a", "b", "term", "men", "low", "high", "share"]].reset_index(drop=True)


def _terms_finding(data: pd.DataFrame, results: Comparison) -> str:
    first = data.drop_duplicates("b").set_index("b")
    clauses = [
        f"in {b} {TERMS.get(first['term'][b], first['term'][b])} switched "
        f"{share(first['share'][b])} of the men who fare otherwise"
        for _, b in pairs(results)[:2]
        if b in first.index
    ]
    return capital("; ".join(clauses) or "nobody fares otherwise")


def missing_policies(results: Comparison) -> str:
    """Return why the policies cannot be drawn, if so."""
    return "no policies coincide in it, or it was made without" if results.shapley.empty else ""


def draw_policies(results: Comparison, preset: Preset) -> Drawn:
    """Draw, for each target, what each coinciding policy explains of it."""
    data = policies_table(results)
    caption = Caption(
        POLICIES_FAMILY.name,
        data,
        _policies_finding(data),
        f"What each policy that coincides explains in {data['scenario'].iloc[0]}: its mean effect "
        "over all orders in which they can be put in (Shapley value), 95 % intervals over "
        "replications.",
        source(results),
        POLICIES_NOTE,
        [
            ladders.key("one policy", markersize=4.4, **ALONE),
            ladders.key("together, or without them", markersize=4.4, **TOGETHER),
        ],
        [f"{'; '.join(_policies_alt(data))}."],
    )
    most = MOST_TARGETS if preset.height is None else TARGETS_ON_SLIDE
    targets = list(dict.fromkeys(data["target"]))[:most]
    parts = [data[data["target"] == target] for target in targets]
    columns = 1 if preset.narrow else 2
    lines = -(-len(parts) // columns)
    tallest = max(HEAD + ladders.height(len(part), preset) for part in parts)
    body = lines * tallest + GAP * (lines - 1)
    sheet = caption.sheet(preset, body, least=body * 0.8)
    width, high = preset.width / columns, (sheet.body - GAP * (lines - 1)) / lines
    for n, part in enumerate(parts):
        row, column = divmod(n, columns)
        cell = Cell(column * width, row * (high + GAP), width, high)
        rows = part[["policy", "effect", "low", "high"]]
        rows = rows.assign(policy=[title_of(row) for row in records(part)])
        looks = [ALONE if named else TOGETHER for named in part["first_in"].notna()]
        head, unit = (str(part[name].iloc[0]) for name in ("target", "unit"))
        _draw_ladder(sheet, cell, capital(head), rows, unit, looks)
    return caption.drawn(sheet)


def policies_table(results: Comparison) -> pd.DataFrame:
    """Return what each coinciding policy explains of each target: its Shapley value.

    Columns scenario, target, unit, policy, title, effect, low, high (95 %), first_in, last_in
    (effect if it alone, or all others, are there), least, most (in any order).
    """
    columns = ["scenario", "target", "unit", "policy", "title", "effect", "low", "high"]
    columns += ["first_in", "last_in", "least", "most"]
    return results.shapley.filter(items=columns).reset_index(drop=True)


def _draw_ladder(
    sheet: Sheet,
    cell: Cell,
    head: str,
    rows: pd.DataFrame,
    unit: str,
    looks: Sequence[dict[str, Any]] = (),
) -> None:
    """Draw a heading and rows of name, value, low and high."""
    inner = ladders.headed(sheet, cell, head, HEAD)
    ax = ladders.ladder(sheet, inner, [str(name) for name in rows.iloc[:, 0]], unit)
    ladders.reference(ax, 0)
    ladders.dots(ax, rows, list(rows)[1:], looks)
    ax.margins(x=0.05)


def _policies_finding(data: pd.DataFrame) -> str:
    """State what the policies make together, what cannot be told apart, and the largest share.

    No effect is given to one policy without its range over the orders: they fall together.
    """
    target = data["target"].iloc[0]
    rows = data[data["target"] == target]
    own = rows[~rows["policy"].isin([ALL, COMMON, REST, WHOLE])]
    own = own.assign(size=own["effect"].abs()).sort_values("size", ascending=False, kind="stable")
    together = rows.set_index("policy")["effect"]
    top = records(own)[0]
    return (
        f"Together the policies make {count(together[ALL])} {top['unit']} of the {target}, and "
        f"{count(together[COMMON])} cannot be told apart; the largest share, "
        f"{count(top['least'])} to {count(top['most'])} by the order of arrival, is that of "
        f"the {title_of(top)}"
    )


def _policies_alt(data: pd.DataFrame) -> list[str]:
    return [
        f"{row['target']}, {title_of(row)}: {row['effect']:,.0f} {row['unit']}"
        for row in records(data)
    ]
