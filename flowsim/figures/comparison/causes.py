"""Why men fare otherwise in another world, and how much each coinciding policy explains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from flowsim.comparison.coincidence import ALL, COMMON, REST, WHOLE, title_of
from flowsim.figures.comparison.outcomes import left_out, pairs, source
from flowsim.figures.families import Family
from flowsim.figures.layout import ladders
from flowsim.figures.layout.save import Drawn
from flowsim.figures.layout.sheet import MARGIN, Cell, Key, Sheet, fitted
from flowsim.figures.layout.style import BLUE, QUIET, Preset
from flowsim.figures.layout.tables import records
from flowsim.findings.words import count, share

if TYPE_CHECKING:
    from flowsim.comparison import Comparison

TERMS_FAMILY = Family(
    "terms", "what switched the men who fare otherwise", draw="draw_terms", order=5
)
POLICIES_FAMILY = Family(
    "policies",
    "what each coinciding policy explains",
    draw="draw_policies",
    missing="missing_policies",
    order=6,
)
TERMS = {
    "visible checks": "a difference in visible checks",
    "availability": "a difference in the ways open",
    "wait": "a difference in waits",
    "network": "a difference in countrymen abroad",
    "call-up": "a difference in the call-up",
    "queue": "a difference in the queue",
    "check": "a difference in checks met",
    "entry limit": "a difference in entry limits",
    "interaction": "several terms together",
    "several": "any of several terms",
}
HEAD, GAP = 5.4, 4.0
MOST_TARGETS, TARGETS_ON_SLIDE = 6, 4
TOLD_APART: dict[str, Any] = {"color": BLUE, "marker": "o"}
TOGETHER: dict[str, Any] = {"color": QUIET, "marker": "D", "hollow": True}


def missing(results: Comparison) -> str:
    """Return why the terms cannot be drawn, if so."""
    return "it was made without terms" if results.terms.empty else ""


def draw_terms(results: Comparison, preset: Preset) -> Drawn:
    """Draw, for each pair, how many men each term of the decision switched."""
    data = terms_table(results)
    title = _terms_finding(data, results)
    shown = pairs(results)
    parts = [data[(data["a"] == a) & (data["b"] == b)] for a, b in shown]
    heights = [HEAD + ladders.height(max(1, len(part)), preset) for part in parts]
    body = sum(heights) + GAP * (len(heights) - 1)
    notes = [
        "Each switched man is given to the term that switches him when it alone is put as in the "
        f"other world; interaction: none alone does, several: more than one does."
        f"{left_out(results)}",
        source(results),
    ]
    subtitle = (
        "The same simulated men in two worlds: those whose fate differs, by the term of their "
        "decision or the event that did it. Whiskers: 95 % intervals over replications."
    )
    sheet = Sheet(preset, title, subtitle, notes, body, least=max(heights) * 0.8)
    for (_, b), part, cell in zip(shown, parts, sheet.cells(heights, GAP), strict=True):
        rows = [(row["term"], row["men"], row["low"], row["high"]) for row in records(part)]
        _draw_ladder(
            sheet, cell, f"Men who fare otherwise in {b}", rows, "Men", [TOLD_APART] * len(rows)
        )
    return Drawn("terms", sheet.figure, data, title, _terms_alt(data, title), source(results))


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
    clauses = []
    for _, b in pairs(results)[:2]:
        own = records(data[data["b"] == b])
        if own:
            clauses.append(
                f"in {b} {TERMS.get(own[0]['term'], own[0]['term'])} switched "
                f"{share(own[0]['share'])} of the men who fare otherwise"
            )
    text = "; ".join(clauses) or "nobody fares otherwise"
    return text[:1].upper() + text[1:]


def _terms_alt(data: pd.DataFrame, title: str) -> str:
    rows = [f"{row['b']}, {row['term']}: {count(row['men'])} men" for row in records(data)]
    return f"{title}. {'; '.join(rows)}."


def missing_policies(results: Comparison) -> str:
    """Return why the policies cannot be drawn, if so."""
    return "no policies coincide in it, or it was made without" if results.shapley.empty else ""


def draw_policies(results: Comparison, preset: Preset) -> Drawn:
    """Draw, for each target, what each coinciding policy explains of it."""
    data = policies_table(results)
    title = _policies_finding(data)
    most = MOST_TARGETS if preset.height is None else TARGETS_ON_SLIDE
    targets = list(dict.fromkeys(data["target"]))[:most]
    parts = [data[data["target"] == target] for target in targets]
    columns = 1 if preset.narrow else 2
    heights = [HEAD + ladders.height(len(part), preset) for part in parts]
    lines = -(-len(parts) // columns)
    body = lines * max(heights) + GAP * (lines - 1)
    sheet = Sheet(
        preset,
        title,
        _policies_subtitle(data),
        [_policies_notes(), source(results)],
        body,
        _keys(),
        least=body * 0.8,
    )
    width, high = preset.width / columns, (sheet.body - GAP * (lines - 1)) / lines
    for n, part in enumerate(parts):
        row, column = divmod(n, columns)
        cell = Cell(column * width, row * (high + GAP), width, high)
        rows = [(title_of(r["policy"]), r["effect"], r["low"], r["high"]) for r in records(part)]
        looks = [TOLD_APART if named else TOGETHER for named in part["first_in"].notna()]
        head = str(part["target"].iloc[0])
        _draw_ladder(
            sheet, cell, head[:1].upper() + head[1:], rows, str(part["unit"].iloc[0]), looks
        )
    return Drawn("policies", sheet.figure, data, title, _policies_alt(data, title), source(results))


def policies_table(results: Comparison) -> pd.DataFrame:
    """Return what each coinciding policy explains of each target: its Shapley value.

    Columns scenario, target, unit, policy, effect, low, high (95 %), first_in, last_in (effect
    if it alone, or all others, are there), least, most (in any order).
    """
    columns = ["scenario", "target", "unit", "policy", "effect", "low", "high"]
    columns += ["first_in", "last_in", "least", "most"]
    return results.shapley[columns].reset_index(drop=True)


def _draw_ladder(
    sheet: Sheet,
    cell: Cell,
    head: str,
    rows: list[tuple[str, float, float, float]],
    unit: str,
    looks: list[dict[str, Any]],
) -> None:
    """Draw a heading and rows of name, value, low and high."""
    preset, top = sheet.preset, HEAD * sheet.preset.scale
    text = fitted(head, preset.text, cell.width - 2 * MARGIN, "bold")
    sheet.text(cell.left + MARGIN, cell.top, text, preset.text, weight="bold")
    inner = Cell(cell.left, cell.top + top, cell.width, cell.height - top)
    names = [name for name, *_ in rows]
    room = ladders.gutter(names, inner, preset)
    ax = ladders.ladder(sheet, inner, names, unit, room)
    ladders.rungs(ax, len(names))
    ladders.reference(ax, 0)
    for n, ((_, value, low, high), look) in enumerate(zip(rows, looks, strict=True)):
        known = bool(pd.notna(low) & pd.notna(high))
        ladders.dot(ax, n, value, low if known else value, high if known else value, **look)
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
        f"Together the policies make {_signed(together[ALL])} {top['unit']} of the {target}, and "
        f"{_signed(together[COMMON])} cannot be told apart; the largest share, "
        f"{_signed(top['least'])} to {_signed(top['most'])} by the order of arrival, is that of "
        f"the {title_of(top['policy'])}"
    )


def _signed(value: float) -> str:
    return f"−{count(-value)}" if value < 0 else count(value)


def _policies_subtitle(data: pd.DataFrame) -> str:
    return (
        f"What each policy that coincides explains in {data['scenario'].iloc[0]}: its mean effect "
        "over all orders in which they can be put in (Shapley value), 95 % intervals over "
        "replications."
    )


def _keys() -> list[Key]:
    blue = {key: value for key, value in TOLD_APART.items() if key != "hollow"}
    grey = {"color": QUIET, "marker": "D", "markerfacecolor": "white"}
    marks = {"linestyle": "none", "markersize": 4.4}
    return [Key("one policy", blue | marks), Key("together, or without them", grey | marks)]


def _policies_notes() -> str:
    return (
        "What cannot be told apart is how far the effect of a policy depends on which others are "
        "there. Effects within the model, given its assumptions. Orders and extremes: policies.csv."
    )


def _policies_alt(data: pd.DataFrame, title: str) -> str:
    rows = [
        f"{row['target']}, {title_of(row['policy'])}: {row['effect']:,.0f} {row['unit']}"
        for row in records(data)
    ]
    return f"{title}. {'; '.join(rows)}."
