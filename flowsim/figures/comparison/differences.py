"""How many more or fewer men meet each outcome in the other worlds: paired differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from flowsim.comparison.uncertainty import worth_of_pairing
from flowsim.figures.comparison.outcomes import destinations, ordered, outcome, sentence, source
from flowsim.figures.families import Family
from flowsim.figures.layout import ladders
from flowsim.figures.layout.caption import Caption
from flowsim.figures.layout.save import Drawn
from flowsim.figures.layout.style import CYCLE, Preset
from flowsim.figures.layout.tables import records
from flowsim.findings.words import count

if TYPE_CHECKING:
    from flowsim.comparison import Comparison

FAMILY = Family("differences", "more or fewer men of each outcome, paired", order=3)
MARKERS = ("o", "s", "D", "^", "v", "P", "X")
MOST = 5


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
    return sentence([f"{clauses[0]} than in {results.names[0]}", *clauses[1:]])


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
    return [
        f"{row['b']}, {row['name'].lower()}: {_signed(row['difference'])}" for row in records(data)
    ]


def _signed(value: float) -> str:
    return f"{count(abs(value))} {'more' if value > 0 else 'fewer'}" if value else "the same"
