"""Regions ranked by leavers per 1,000 men, each with an interval: what a ranking can bear."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import chi2

from flowsim.figures.families import Family
from flowsim.figures.layout import ladders
from flowsim.figures.layout.save import Drawn
from flowsim.figures.layout.sheet import Key, Sheet
from flowsim.figures.layout.style import BLUE, INK, Preset
from flowsim.figures.layout.tables import Results, records
from flowsim.figures.run.regions import ENOUGH, LEAVERS, doubts, rates
from flowsim.figures.run.regions import table as by_region
from flowsim.findings.words import plural, rate

FAMILY = Family(
    "ranking", "regions ranked by leavers per 1,000, with intervals", usual=False, order=9
)
NAME = FAMILY.name
TOP, BOTTOM = 15, 5


def draw_figure(results: Results, preset: Preset) -> Drawn:
    """Draw the regions with the most leavers per 1,000 men, and those with the fewest."""
    data = table(results)
    title = finding(data)
    top, bottom = (7, 3) if preset.height is not None else (TOP, BOTTOM)
    shown = pd.concat([data.head(top), data.tail(min(bottom, max(0, len(data) - top)))])
    names = [f"{row['rank']}. {row['name']}" for row in records(shown)]
    body = ladders.height(max(1, len(names)), preset)
    notes = [_notes(data, len(shown)), results.source]
    sheet = Sheet(preset, title, _subtitle(), notes, body, _keys(results))
    cell = sheet.cells([body])[0]
    room = ladders.gutter(names, cell, preset)
    axis = "Men who left per 1,000 aged 18 to 59"
    ax = ladders.ladder(sheet, cell, names, axis, room)
    ladders.rungs(ax, len(names))
    for n, row in enumerate(records(shown)):
        span = (row["per_1000"], row["low"], row["high"])
        ladders.dot(ax, n, *span, color=BLUE, hollow=row["imputed"])
    if len(shown) < len(data):
        ax.axhline(top - 0.5, color=INK, linewidth=0.8, linestyle=(0, (1, 2)))
    ladders.reference(ax, _nation(data))
    ax.set_xlim(0, 1.04 * max(shown["high"].max() if len(shown) else 1.0, 1e-9))
    return Drawn(NAME, sheet.figure, data, title, _alt(data, title), results.source)


def table(results: Results) -> pd.DataFrame:
    """Return all regions in order of their rate, with an interval and how sure the rank is.

    Columns rank, id, name, men, left, per_1000, low, high, left_simulated, imputed, basis. With
    replications the interval is their range (5 % to 95 % beyond 20); with one, it is what the
    number of simulated leavers allows at 95 % (Garwood 1936, for a Poisson count).
    """
    data = rates(results).dropna(subset="per_1000")
    data = data.sort_values(["per_1000", "id"], ascending=[False, True], kind="stable")
    low, high = _spread(results) if results.n_replications > 1 else _counted(data)
    data = data.assign(
        low=low.reindex(data["id"]).to_numpy(), high=high.reindex(data["id"]).to_numpy()
    )
    data.insert(0, "rank", np.arange(1, len(data) + 1))
    order = ["rank", "id", "name", "men", "left", "per_1000", "low", "high"]
    return data[[*order, "left_simulated", "imputed"]].reset_index(drop=True)


def _spread(results: Results) -> tuple[pd.Series[float], pd.Series[float]]:
    sums = by_region(results, LEAVERS)
    by = (1000 * sums["left"] / sums["men"]).groupby(level="id")
    if results.n_replications <= 20:
        return by.min(), by.max()
    return by.quantile(0.05), by.quantile(0.95)


def _counted(data: pd.DataFrame) -> tuple[pd.Series[float], pd.Series[float]]:
    """Return the interval for the rate that a Poisson count of simulated leavers allows."""
    n = data["left_simulated"].to_numpy(float)
    low = np.where(n > 0, chi2.ppf(0.025, 2 * np.maximum(n, 0.5)) / 2, 0.0)
    high = chi2.ppf(0.975, 2 * (n + 1)) / 2
    weight = np.where(n > 0, data["left"] / np.maximum(n, 1e-9), np.nan)
    weight = np.where(np.isnan(weight), np.nanmedian(weight) if (n > 0).any() else 0.0, weight)
    per = 1000 * weight / data["men"].to_numpy(float)
    ids = pd.Index(data["id"])
    return pd.Series(low * per, ids), pd.Series(high * per, ids)


def _nation(data: pd.DataFrame) -> float:
    men = float(data["men"].sum())
    return 1000 * float(data["left"].sum()) / men if men > 0 else 0.0


def finding(data: pd.DataFrame) -> str:
    """State the spread over regions, and how little the first differs, going by the intervals.

    No region is named: ranks of single regions are no findings.
    """
    if data.empty or data["left"].sum() <= 0:
        return "No man went abroad from any region"
    sure = data[data["left_simulated"] >= ENOUGH]
    sure = data if sure.empty else sure
    first = records(sure.head(1))[0]
    rivals = int((data["high"] >= first["low"]).sum()) - 1
    text = (
        f"Simulated: regions lost {rate(sure['per_1000'].min())} to {rate(first['per_1000'])} of "
        f"every 1,000 men, the median {rate(data['per_1000'].median())}"
    )
    if rivals <= 0:
        return f"{text}; no other region comes near the highest"
    others = f"that of {rivals} other region" if rivals == 1 else f"those of {rivals} others"
    return f"{text}; the interval of the highest overlaps with {others}"


def _subtitle() -> str:
    return (
        "Simulated men who went abroad by the end of the period, whether or not they moved on or "
        "returned, by region of origin. Dashed: the nation."
    )


def _keys(results: Results) -> list[Key]:
    n = results.n_replications
    what = "range" if n <= 20 else "5 % to 95 %"
    text = f"{what} of {n} replications" if n > 1 else "95 % interval from the number simulated"
    hollow = {"color": BLUE, "marker": "o", "markerfacecolor": "white", "markersize": 4.6}
    imputed = "hollow: rests on an imputed share with a passport"
    return [
        Key(text, {"color": BLUE, "linewidth": 1.3}),
        Key(imputed, hollow | {"linestyle": "none", "markeredgewidth": 1.1}),
    ]


def _notes(data: pd.DataFrame, shown: int) -> str:
    left_out = len(data) - shown
    text = doubts(LEAVERS)
    if (data["left_simulated"] < ENOUGH).any():
        text += f" The title leaves out regions with fewer than {ENOUGH} simulated leavers."
    if left_out > 0:
        text += f" {plural(left_out, 'region')} between those shown: ranking.csv."
    return text


def _alt(data: pd.DataFrame, title: str) -> str:
    rows = [
        f"{row['name']} {rate(row['per_1000'])} ({rate(row['low'])} to {rate(row['high'])})"
        for row in records(data.head(5))
    ]
    return f"{title}. Leavers per 1,000 men aged 18 to 59. Highest: {'; '.join(rows)}."
