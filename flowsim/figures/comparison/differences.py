"""How many more or fewer men meet each fate in the other worlds: paired differences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from flowsim.comparison.uncertainty import worth_of_pairing
from flowsim.figures.comparison.outcomes import destinations, fate, ordered, source
from flowsim.figures.families import Family
from flowsim.figures.layout import ladders
from flowsim.figures.layout.save import Drawn
from flowsim.figures.layout.sheet import Key, Sheet
from flowsim.figures.layout.style import CYCLE, Preset
from flowsim.figures.layout.tables import records
from flowsim.findings.words import count

if TYPE_CHECKING:
    from flowsim.comparison import Comparison

FAMILY = Family("differences", "more or fewer men of each fate, paired", order=3)
NAME = FAMILY.name
MARKERS = ("o", "s", "D", "^", "v", "P", "X")
MOST = 5


def missing(results: Comparison) -> str:
    """Return why there is nothing to draw, if so."""
    return "it has no table of differences" if results.differences.empty else ""


def draw_figure(results: Comparison, preset: Preset) -> Drawn:
    """Draw a row for each fate, a dot with its whisker for each other scenario."""
    data = table(results)
    title = finding(data, results)
    fates = list(dict.fromkeys(data["name"]))
    labels = [_shorter(name) for name in fates] if preset.narrow else fates
    others = [b for _, b in results.pairs[:MOST]]
    height = (len(fates) * max(ladders.STEP, 2.4 * len(others)) + ladders.FOOT) * preset.scale
    notes = [_notes(data, results), source(results)]
    sheet = Sheet(preset, title, _subtitle(results), notes, height, _keys(others))
    cell = sheet.cells([height])[0]
    room = ladders.gutter(labels, cell, preset)
    axis = f"More or fewer men than in {results.names[0]}"
    ax = ladders.ladder(sheet, cell, labels, axis, room)
    ladders.rungs(ax, len(fates))
    ladders.reference(ax, 0)
    for row in records(data[data["b"].isin(others)]):
        n = others.index(row["b"])
        y = fates.index(row["name"]) + (n - (len(others) - 1) / 2) * 0.75 / len(others)
        low = row["low"] if pd.notna(row["low"]) else row["difference"]
        high = row["high"] if pd.notna(row["high"]) else row["difference"]
        ladders.dot(ax, y, row["difference"], low, high, **_look(n))
    ax.margins(x=0.04)
    return Drawn(NAME, sheet.figure, data, title, _alt(data, title), source(results))


def _shorter(name: str) -> str:
    return name.removesuffix(", could not").replace(" at the border", "").replace("by an ", "by ")


def _look(n: int) -> dict[str, Any]:
    return {"color": CYCLE[n % len(CYCLE)], "marker": MARKERS[n % len(MARKERS)], "markersize": 3.8}


def table(results: Comparison) -> pd.DataFrame:
    """Return the differences of those who set off and of every fate.

    Columns b, name, value_a, value_b, difference (b - a), low, high (95 %, paired), n,
    variance_factor.
    """
    names = destinations(results.scenarios)
    rows = results.differences
    nation = (rows["place_kind"] == "nation") & (rows["measure"] == "departures")
    fates = rows["place_kind"] == "outcome"
    order = ["departures", *ordered(rows[fates]["place_id"], names)]
    key = rows["place_id"].where(fates, "departures")
    data = rows.assign(key=key)[nation | fates]
    words = {status: fate(status, names) for status in order} | {"departures": "Set off"}
    data = data.assign(name=data["key"].map(words), place=data["key"].map(order.index))
    bs = [b for _, b in results.pairs]
    data = data.assign(turn=data["b"].map(bs.index)).sort_values(["place", "turn"], kind="stable")
    same = (data["value_a"].abs() + data["value_b"].abs()).groupby(data["name"]).transform(
        "max"
    ) > 0
    columns = ["value_a", "value_b", "difference", "low", "high", "n", "variance_factor"]
    return data[same][["b", "name", *columns]].reset_index(drop=True)


def finding(data: pd.DataFrame, results: Comparison) -> str:
    """State by how much those who reach a destination differ."""
    clauses = []
    for _, b in results.pairs[:2]:
        own = data[(data["b"] == b) & data["name"].str.startswith("Reached ")]
        own = own.assign(size=own["difference"].abs())
        own = own.sort_values("size", ascending=False, kind="stable")
        if own.empty or own["size"].iloc[0] < 1:
            clauses.append(f"in {b} as many men get abroad")
        else:
            clauses.append(_clause(records(own.head(1))[0]))
    text = "; ".join([f"{clauses[0]} than in {results.names[0]}", *clauses[1:]])
    return text[:1].upper() + text[1:]


def _clause(row: dict[str, Any]) -> str:
    more = "more" if row["difference"] > 0 else "fewer"
    text = f"in {row['b']} {count(row['size'])} {more} men reach {row['name'][8:]}"
    if pd.isna(row["low"]):
        return text
    low, high = sorted((abs(row["low"]), abs(row["high"])))
    sure = row["low"] * row["high"] > 0
    return f"{text} ({count(low)} to {count(high)})" if sure else f"{text} (or none)"


def _subtitle(results: Comparison) -> str:
    return (
        f"Difference to {results.names[0]} in the number of simulated men by what became of them; "
        "the same men with the same chance events in each world."
    )


def _keys(others: list[str]) -> list[Key]:
    return [Key(b, _look(n) | {"linestyle": "none"}) for n, b in enumerate(others)]


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


def _alt(data: pd.DataFrame, title: str) -> str:
    parts = [
        f"{row['b']}, {row['name'].lower()}: {_signed(row['difference'])}" for row in records(data)
    ]
    return f"{title}. {'; '.join(parts)}."


def _signed(value: float) -> str:
    return f"{count(abs(value))} {'more' if value > 0 else 'fewer'}" if value else "the same"
