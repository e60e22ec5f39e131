"""Who left, against all men: age, education, passport and liability for the call-up."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from flowsim.figures import Family
from flowsim.figures.layout import panels
from flowsim.figures.layout.sheet import LEAST, Caption, Drawn
from flowsim.figures.layout.style import QUIET, Preset
from flowsim.figures.layout.tables import ends, range_of, source
from flowsim.findings.account import records
from flowsim.findings.words import share
from flowsim.results.run import Run

FAMILY = Family("profile", "age, education, passport of leavers against all men", order=8)
TRAITS = {
    "educated": ("Higher education", "No higher education"),
    "passport": ("International passport", "No passport"),
    "liable": ("Liable for call-up", "Not liable"),
}
HEAD = 5.0
HEADS = {"age": "Age", "trait": "Education, passport, liability"}
ALL_MEN: dict[str, Any] = {"color": QUIET, "marker": "D", "hollow": True, "markersize": 4.2}
SUBTITLE = (
    "Simulated men aged 18 to 59 who went abroad by the end of the period, whether or not they "
    "moved on or returned, against all men of these ages."
)
NOTE = (
    "Ages are of the census; education and liability by age, and who has a passport, are "
    "assumptions laid over it, and so are the tastes by age and education: see flowsim check."
)


def draw_figure(results: Run, preset: Preset) -> Drawn:
    """Arrange ages and traits, each group's share of the leavers beside its share of all men."""
    data, n = table(results), results.n_replications
    ranged = f", with the {range_of(n)}: chance alone" if n > 1 else ""
    leavers = panels.key(f"share of those who left{ranged}", markersize=4.6)
    keys = [leavers, panels.key("share of all men (input)", **ALL_MEN)]
    alt, made = [f"{'; '.join(_alt(data))}."], source(results, drawn=False)
    caption = Caption(FAMILY.name, data, finding(data), SUBTITLE, made, NOTE, keys, alt)
    parts = {head: data[data["kind"] == kind] for kind, head in HEADS.items()}
    rows = [
        panels.Ladder(list(part["name"]), "Share, %", partial(_draw, part), head)
        for head, part in parts.items()
    ]
    beside = 1 if preset.narrow else 2
    return panels.ladders(caption, preset, rows, beside, head=HEAD, least=LEAST)


def _draw(data: pd.DataFrame, ax: Axes) -> None:
    shares = 100 * data[["population", "value", "low", "high"]].to_numpy(float)
    everybody, rows = shares[:, 0], range(len(data))
    ax.hlines(rows, everybody, shares[:, 1], colors=QUIET, linewidth=0.6, zorder=2)
    panels.dot(ax, rows, everybody, everybody, everybody, **ALL_MEN)
    panels.dot(ax, rows, *shares[:, 1:].T)
    most = data[["population", "high"]].max().max()
    ax.set_xlim(0, min(103.0, 107 * most) if most > 0 else 100.0)


def table(results: Run) -> pd.DataFrame:
    """Return the share of each group among the men who left and among all men.

    Columns kind (age, trait), name, value (share of the leavers, mean over the replications),
    low, high, population (share of all men). Who left went abroad, whatever he did then.
    """
    rows = results.outcomes
    status = rows["status"].astype(str)
    gone = status.str.startswith("abroad-") | status.isin(("moved-on", "returned"))
    ages = rows["age"].astype(str)
    groups = {("age", age): ages == age for age in sorted(ages.unique())}
    for trait, (yes, no) in TRAITS.items():
        has = rows[trait].astype(bool)
        groups |= {("trait", yes): has, ("trait", no): ~has}
    men, inside = rows["men"].fillna(0.0).to_numpy(), np.array(list(groups.values()))
    which, replications = pd.factorize(rows["replication"])
    away = gone.to_numpy() * men
    sums = np.array([np.bincount(which, away * chosen, len(replications)) for chosen in inside])
    left = np.bincount(which, away, len(replications))
    names = pd.MultiIndex.from_tuples(groups, names=["kind", "name"])
    shares = pd.DataFrame(sums / np.where(left > 0, left, np.nan), names)
    low, high = ends(shares.T, len(replications))
    found = {"value": shares.mean(axis=1), "low": low, "high": high}
    return pd.DataFrame(found).assign(population=inside @ men / men.sum()).reset_index()


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


def _alt(data: pd.DataFrame) -> list[str]:
    return [
        f"{row['name']}: {share(row['value'])} of the leavers, "
        f"{share(row['population'])} of all men"
        for row in records(data)
    ]
