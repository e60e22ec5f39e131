"""Who left, against all men: age, education, passport and liability for the call-up."""

from __future__ import annotations

from typing import Any

import pandas as pd

from flowsim.figures.families import Family
from flowsim.figures.layout import ladders
from flowsim.figures.layout.save import Drawn
from flowsim.figures.layout.sheet import Cell, Key, Sheet
from flowsim.figures.layout.style import BLUE, QUIET, Preset
from flowsim.figures.layout.tables import Results, records, spread
from flowsim.findings.words import share

FAMILY = Family("profile", "age, education, passport of leavers against all men", order=8)
NAME = FAMILY.name
TRAITS = {
    "educated": ("Higher education", "No higher education"),
    "passport": ("International passport", "No passport"),
    "liable": ("Liable for call-up", "Not liable"),
}
GAP = 5.0
HEADS = {"age": "Age", "trait": "Education, passport, liability"}


def draw_figure(results: Results, preset: Preset) -> Drawn:
    """Arrange ages and traits, each group's share of the leavers beside its share of all men."""
    data = table(results)
    title = finding(data)
    parts = {kind: data[data["kind"] == kind] for kind in HEADS}
    beside = not preset.narrow
    rows = [len(part) for part in parts.values()]
    heights = [ladders.height(n, preset) + 5.0 * preset.scale for n in rows]
    body = max(heights) if beside else sum(heights) + GAP
    sheet = Sheet(preset, title, _subtitle(), [_notes(), results.source], body, _keys(results))
    top = 0.0
    for n, (kind, part) in enumerate(parts.items()):
        width = preset.width / 2 if beside else preset.width
        high = sheet.body if beside else heights[n]
        cell = Cell(n * width if beside else 0.0, top, width, high)
        _draw_part(part, HEADS[kind], sheet, cell)
        top += 0 if beside else high + GAP
    return Drawn(NAME, sheet.figure, data, title, _alt(data, title), results.source)


def _draw_part(data: pd.DataFrame, head: str, sheet: Sheet, cell: Cell) -> None:
    preset, scale = sheet.preset, sheet.preset.scale
    sheet.text(cell.left + 2.5, cell.top, head, preset.text, weight="bold")
    inner = Cell(cell.left, cell.top + 5.0 * scale, cell.width, cell.height - 5.0 * scale)
    names = [str(row["name"]) for row in records(data)]
    ax = ladders.ladder(sheet, inner, names, "Share, %", ladders.gutter(names, inner, preset))
    ladders.rungs(ax, len(names))
    for n, row in enumerate(records(data)):
        ax.plot(
            [100 * row["population"], 100 * row["value"]], [n, n], color=QUIET, lw=0.6, zorder=2
        )
        look: dict[str, Any] = {"marker": "D", "color": QUIET, "hollow": True, "markersize": 4.2}
        ladders.dot(ax, n, *[100 * row["population"]] * 3, **look)
        ladders.dot(ax, n, 100 * row["value"], 100 * row["low"], 100 * row["high"], color=BLUE)
    most = data[["population", "high"]].max().max()
    ax.set_xlim(0, min(103.0, 107 * most) if most > 0 else 100.0)


def table(results: Results) -> pd.DataFrame:
    """Return the share of each group among the men who left and among all men.

    Columns kind (age, trait), name, value (share of the leavers, mean over the replications),
    low, high, population (share of all men). Who left went abroad, whatever he did then.
    """
    rows = results.outcomes
    status = rows["status"].astype(str)
    gone = status.str.startswith("abroad-") | status.isin(("moved-on", "returned"))
    ages = rows["age"].astype(str)
    groups = [("age", age, ages == age) for age in sorted(ages.unique())]
    for trait, (yes, no) in TRAITS.items():
        has = rows[trait].astype(bool)
        groups += [("trait", yes, has), ("trait", no, ~has)]
    men = rows["men"].fillna(0.0)
    by = rows["replication"]
    left = men.where(gone, 0.0).groupby(by).sum()
    parts = []
    for kind, name, inside in groups:
        own = (men.where(gone & inside, 0.0).groupby(by).sum() / left.where(left > 0)).rename(
            "value"
        )
        shares = spread(own.reset_index().assign(name=name), ["name"])
        shares["population"] = float(men.where(inside, 0.0).sum() / men.sum())
        parts.append(shares.assign(kind=kind))
    order = ["kind", "name", "value", "low", "high", "population"]
    return pd.concat(parts, ignore_index=True)[order]


def finding(data: pd.DataFrame) -> str:
    """State the age over-represented most, and the share of graduates."""
    known = data.dropna(subset="value")
    if known.empty:
        return "Nobody went abroad, so there is no profile of leavers"
    ages = known[known["kind"] == "age"]
    ages = ages.assign(more=ages["value"] - ages["population"])
    over = records(ages.sort_values("more", ascending=False, kind="stable"))[0]
    educated = records(known[known["name"] == TRAITS["educated"][0]])[0]
    return (
        f"{share(educated['value'])} of those who left had higher education, of all men "
        f"{share(educated['population'])}; men aged {over['name']} were {share(over['value'])} of "
        f"those who left, {share(over['population'])} of all"
    )


def _subtitle() -> str:
    return (
        "Simulated men aged 18 to 59 who went abroad by the end of the period, whether or not they "
        "moved on or returned, against all men of these ages."
    )


def _keys(results: Results) -> list[Key]:
    blue = {"color": BLUE, "marker": "o", "markersize": 4.6, "linestyle": "none"}
    hollow = {"color": QUIET, "marker": "D", "markerfacecolor": "white", "markersize": 4.2}
    n = results.n_replications
    what = "range" if n <= 20 else "5 % to 95 %"
    told = f", with the {what} of {n} replications" if n > 1 else ""
    return [
        Key(f"share of those who left{told}", blue),
        Key("share of all men (input)", hollow | {"linestyle": "none"}),
    ]


def _notes() -> str:
    return (
        "Ages are of the census; education and liability by age, and who has a passport, are "
        "assumptions laid over it, and so are the tastes by age and education: see `flowsim check`."
    )


def _alt(data: pd.DataFrame, title: str) -> str:
    parts = [
        f"{row['name']}: {share(row['value'])} of the leavers, "
        f"{share(row['population'])} of all men"
        for row in records(data)
    ]
    return f"{title}. {'; '.join(parts)}."
