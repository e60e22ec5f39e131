"""How many more or fewer men meet each outcome in the other worlds, and what makes them differ.

Differences are paired. What makes them is told by the terms of the men's decisions, and by the
policies that coincide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from flowsim.figures import Family
from flowsim.figures.comparison.outcomes import (
    destinations,
    left_out,
    of_pair,
    ordered,
    outcome,
    pairs,
    quoted,
    source,
    titles,
)
from flowsim.figures.layout import panels
from flowsim.figures.layout.sheet import Caption, Drawn
from flowsim.figures.layout.style import BLUE, CYCLE, QUIET, Preset
from flowsim.findings.account import records
from flowsim.findings.comparison import TERMS
from flowsim.findings.words import capital, count, plural, share
from flowsim.results.comparison import ALL, COMMON, REST, WHOLE, Comparison, title_of

FAMILY = Family("differences", "more or fewer men of each outcome, paired", order=3)
TERMS_FAMILY = Family(
    "terms",
    "what switched the men whose outcome differs",
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
CHANGE, MEN = ["change", "low", "high"], ["men", "low", "high"]
MOST_TARGETS = {"page": 6, "column": 2, "slide": 3}
ALONE: dict[str, Any] = {"color": BLUE, "marker": "o"}
TOGETHER: dict[str, Any] = {"color": QUIET, "marker": "D", "hollow": True}
TERMS_SUBTITLE = (
    "The same simulated men in two worlds: those whose outcome differs, by the term of their "
    "decision or the event that did it. Whiskers: 95 % intervals over replications, chance alone."
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
    data, named = table(results), titles(results)
    first, others = quoted(results)[results.names[0]], [b for _, b in results.pairs[:MOST]]
    looks = {b: _look(n) for n, b in enumerate(others)}
    subtitle = (
        f"Difference to {first} in the number of simulated men by what became of them; the same "
        "men with the same chance events in each world."
    )
    keys = [panels.key(named[b], **look) for b, look in looks.items()]
    words = (finding(data, results), subtitle, source(results), _notes(data, results))
    caption = Caption(FAMILY.name, data, *words, keys, [f"{'; '.join(_alt(data, results))}."])
    names = list(dict.fromkeys(data["name"]))
    labels = [_shorter(name) for name in names] if preset.narrow else names

    def draw(ax: Axes) -> None:
        panels.reference(ax, 0)
        for row in records(data[data["b"].isin(others)]):
            turn = others.index(row["b"]) - (len(others) - 1) / 2
            y = names.index(row["name"]) + turn * 0.75 / len(others)
            chance = (row["chance_low"], row["chance_high"]) if row["draws"] else None
            panels.dot(ax, y, row["change"], row["low"], row["high"], chance, **looks[row["b"]])
        ax.margins(x=0.04)

    axis, high = "More or fewer men than in the first scenario", max(1, 0.55 * len(others))
    return panels.ladders(caption, preset, [panels.Ladder(labels, axis, draw, high=high)])


def _shorter(name: str) -> str:
    return name.removesuffix(", could not").replace(" at the border", "").replace("by an ", "by ")


def _look(n: int) -> dict[str, Any]:
    return {"color": CYCLE[n % len(CYCLE)], "marker": MARKERS[n % len(MARKERS)], "markersize": 3.8}


def table(results: Comparison) -> pd.DataFrame:
    """Return the differences of those who set off and of every outcome.

    Columns b, name, value_a, value_b, change (with draws of the parameters the median of b - a over
    them, else its mean), low, high (5 to 95 % of the draws, all doubt; else the 95 % interval of
    the mean paired difference), draws, difference, chance_low, chance_high (mean and interval by
    chance alone), n, variance_factor.
    """
    names = destinations(results.scenarios)
    rows = results.differences
    nation = (rows["place_kind"] == "nation") & (rows["measure"] == "departures")
    of_outcome = rows["place_kind"] == "outcome"
    order = ["departures", *ordered(rows[of_outcome]["place_id"], names)]
    words = {status: outcome(status, names) for status in order} | {"departures": "Set off"}
    key = rows["place_id"].where(of_outcome, "departures")
    data = rows.assign(key=key)[nation | of_outcome]
    data = data.rename(columns={"low": "chance_low", "high": "chance_high"})
    drawn = "all_low" in data
    ends = (
        ["median", "all_low", "all_high"] if drawn else ["difference", "chance_low", "chance_high"]
    )
    data = data.assign(**{to: data[of] for to, of in zip(CHANGE, ends, strict=True)})
    turn = [b for _, b in results.pairs].index
    data = data.assign(
        draws=data["draws"] if drawn else 0,
        name=data["key"].map(words),
        place=data["key"].map(order.index),
        turn=data["b"].map(turn),
    ).sort_values(["place", "turn"], kind="stable")
    sizes = data["value_a"].abs() + data["value_b"].abs()
    met = sizes.groupby(data["name"]).transform("max") > 0
    columns = ["b", "name", "value_a", "value_b", *CHANGE, "draws", "difference", "chance_low"]
    return data[met][[*columns, "chance_high", "n", "variance_factor"]].reset_index(drop=True)


def finding(data: pd.DataFrame, results: Comparison) -> str:
    """State where and by how much those who reach a destination differ most."""
    own = data[data["name"].str.startswith("Reached ")]
    most = records(own.sort_values("change", key=abs, ascending=False, kind="stable").head(1))
    if not most or abs(most[0]["change"]) < 1:
        return "As many men reach each destination in every scenario"
    return f"Under {quoted(results)[most[0]['b']]} {_clause(most[0])}"


def _clause(row: Mapping[str, Any]) -> str:
    more = "more" if row["change"] > 0 else "fewer"
    text = f"{count(abs(row['change']))} {more} men reach {row['name'][8:]}"
    if pd.isna(row["low"]):
        return text
    low, high = sorted((abs(row["low"]), abs(row["high"])))
    sure = row["low"] * row["high"] > 0
    return f"{text} ({count(low)} to {count(high)})" if sure else f"{text} (or none)"


def _notes(data: pd.DataFrame, results: Comparison) -> str:
    draws = int(data["draws"].max()) if len(data) else 0
    text = "One replication only: no intervals."
    if draws:
        text = (
            f"Dots and whiskers: median and nine tenths of {plural(draws, 'draw')} of the "
            "parameters, all doubt; thick: 95 % interval of the mean by chance alone."
        )
    elif results.replications > 1:
        text = "Whiskers: 95 % intervals of the mean paired difference, chance alone."
    if len(results.pairs) > MOST:
        text += " Further scenarios: differences.csv."
    return f"{text} Reached: got in, whatever came after."


def _alt(data: pd.DataFrame, results: Comparison) -> Sequence[str]:
    parts, named = [], titles(results)
    for row in records(data):
        n = row["change"]
        size = f"{count(abs(n))} {'more' if n > 0 else 'fewer'}" if n else "the same"
        parts.append(f"{named[row['b']]}, {row['name'][0].lower()}{row['name'][1:]}: {size}")
    return parts


# ---- terms and policies


def missing_terms(results: Comparison) -> str:
    """Return why the terms cannot be drawn, if so."""
    return "it was made without terms" if results.terms.empty else ""


def draw_terms(results: Comparison, preset: Preset) -> Drawn:
    """Draw, for each pair, how many men each term of the decision switched."""
    data, named = terms_table(results), titles(results)
    alt = [f"{named[row['b']]}, {row['term']}: {count(row['men'])} men" for row in records(data)]
    words = (_terms_finding(data, results), TERMS_SUBTITLE, source(results))
    note = TERMS_NOTE + left_out(results)
    caption = Caption(TERMS_FAMILY.name, data, *words, note, alt=[f"{'; '.join(alt)}."])
    parts = [
        _effects(quoted(results)[pair[1]], "Men who switch", rows[["term", *MEN]])
        for pair in pairs(results)
        if len(rows := of_pair(data, pair))
    ]
    return panels.ladders(caption, preset, parts, len(parts) if preset.is_slide else 1, 0.75)


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
    if data.empty:
        return "Nobody switches"
    row = records(data)[0]
    term, switched = TERMS.get(row["term"], row["term"]), count(row["men"] / row["share"])
    return (
        f"Under {quoted(results)[row['b']]} {switched} men switch, {share(row['share'])} of them "
        f"by {term}"
    )


def missing_policies(results: Comparison) -> str:
    """Return why the policies cannot be drawn, if so."""
    return "no policies coincide in it, or it was made without" if results.shapley.empty else ""


def draw_policies(results: Comparison, preset: Preset) -> Drawn:
    """Draw, for each target, what each coinciding policy explains of it."""
    data = policies_table(results)
    targets = list(dict.fromkeys(data["target"]))
    most = MOST_TARGETS[preset.name]
    more = f" {plural(len(targets) - most, 'panel')} more: policies.csv." if targets[most:] else ""
    world = titles(results).get(str(data["scenario"].iloc[0]), data["scenario"].iloc[0])
    subtitle = (
        f"What each policy that coincides explains under “{world}”: its mean effect over all "
        "orders in which they can be put in (Shapley value), 95 % intervals over replications, "
        "chance alone."
    )
    looks_of = {"one policy": ALONE, "of all together": TOGETHER}
    keys = [panels.key(of, markersize=4.4, **look) for of, look in looks_of.items()]
    words = (_policies_finding(data), subtitle, source(results), POLICIES_NOTE + more)
    alt = [f"{'; '.join(_policies_alt(data))}."]
    caption = Caption(POLICIES_FAMILY.name, data, *words, keys, alt)
    parts = []
    for target in targets[:most]:
        rows = data[data["target"] == target]
        levels = rows.set_index("policy")["effect"].reindex([WHOLE, REST])
        part = rows[~rows["policy"].isin([REST, WHOLE])]
        looks = [ALONE if named else TOGETHER for named in part["first_in"].notna()]
        part = part.assign(policy=[title_of(row) for row in records(part)])
        unit = f"{capital(rows['unit'].iloc[0])}; {count(levels[WHOLE])} as it was"
        unit += f", {count(levels[REST])} without any"
        shown = part[["policy", "effect", "low", "high"]]
        parts.append(_effects(capital(target), unit, shown, looks))
    beside = 1 if preset.narrow else 3 if preset.is_slide else 2
    return panels.ladders(caption, preset, parts, beside, 0.75)


def policies_table(results: Comparison) -> pd.DataFrame:
    """Return what each coinciding policy explains of each target: its Shapley value.

    Columns scenario, target, unit, policy, title, effect, low, high (95 %), first_in, last_in
    (effect if it alone, or all others, are there), least, most (in any order).
    """
    columns = ["scenario", "target", "unit", "policy", "title", "effect", "low", "high"]
    columns += ["first_in", "last_in", "least", "most"]
    return results.shapley.filter(items=columns).reset_index(drop=True)


def _effects(
    head: str, unit: str, rows: pd.DataFrame, looks: Sequence[dict[str, Any]] = ()
) -> panels.Ladder:
    """Return a ladder of effects, from 0; the columns of its rows are name, value, low, high."""

    def draw(ax: Axes) -> None:
        panels.reference(ax, 0)
        panels.dots(ax, rows, list(rows)[1:], looks)
        ax.margins(x=0.05)

    return panels.Ladder([str(name) for name in rows.iloc[:, 0]], unit, draw, head)


def _policies_finding(data: pd.DataFrame) -> str:
    """State what the policies make together, what cannot be told apart, and the largest share.

    No effect is given to one policy without its range over the orders: they fall together.
    """
    target = data["target"].iloc[0]
    rows = data[data["target"] == target]
    own = rows[~rows["policy"].isin([ALL, COMMON, REST, WHOLE])]
    together = rows.set_index("policy")["effect"]
    top = records(own.sort_values("effect", key=abs, ascending=False, kind="stable"))[0]
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
