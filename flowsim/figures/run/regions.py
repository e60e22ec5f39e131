"""What happened to the men of each region, for each 1,000 of them: rates, and their ranking."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import gammaincinv

from flowsim.data import sources
from flowsim.figures.families import Family
from flowsim.figures.layout import ladders
from flowsim.figures.layout.caption import Caption
from flowsim.figures.layout.save import Drawn
from flowsim.figures.layout.sheet import Key
from flowsim.figures.layout.style import BLUE, INK, Preset
from flowsim.figures.layout.tables import ends, range_of, records, source
from flowsim.findings.words import plural, rate
from flowsim.results.run import Run

FAMILY = Family(
    "ranking",
    "regions ranked by leavers per 1,000, with intervals",
    draw="draw_ranking",
    usual=False,
    order=9,
)
ENOUGH = 10
TOP, BOTTOM = 15, 5


@dataclass(frozen=True)
class Theme:
    """One thing that happens to men of a region, and its words.

    Attributes
    ----------
    name : str
        Of the map's figure.
    who, did : str
        Those per 1,000 of whom it is counted, and what they did, in the past tense.
    nobody : str
        The finding if nobody did.
    heading : str
        Over the scale of colours.
    subtitle : str
        What is counted.
    basis : str
        Column of the region table that says which inputs are imputed.
    unsure : str
        Those inputs in words.
    """

    name: str
    who: str
    did: str
    nobody: str
    heading: str
    subtitle: str
    basis: str
    unsure: str


LEAVERS = Theme(
    "map",
    "men aged 18 to 59",
    "went abroad",
    "No man went abroad from any region",
    "Men who left per 1,000 aged 18 to 59",
    "Simulated men who went abroad by the end of the period, whether or not they moved on or "
    "returned, by region of origin.",
    "passport_basis",
    "passport shares",
)
CALLED_UP = Theme(
    "map-called-up",
    "men aged 18 to 59",
    "were called up",
    "No man was called up in any region",
    "Men called up per 1,000 aged 18 to 59",
    "Simulated men to whom the call-up came by the end of the period, whether or not they "
    "complied, by region.",
    "called_up_basis",
    "numbers of called-up men",
)
GRADUATES = Theme(
    "map-graduates",
    "graduates",
    "were abroad at the end",
    "No man with higher education was lost to any region",
    "Graduates lost per 1,000 men with higher education",
    "Simulated men aged 18 to 59 with higher education who were abroad, or had moved on, at the "
    "end of the period, by region of origin.",
    "education_basis",
    "shares with higher education",
)


def table(results: Run, theme: Theme = LEAVERS) -> pd.DataFrame:
    """Count men, those meant by the theme, and those simulated, by region and replication.

    Returns
    -------
    DataFrame
        Index id (region), replication; columns men, left, left_simulated (number).
    """
    rows = results.outcomes
    rows = rows[rows["educated"]] if theme is GRADUATES else rows
    status = rows["status"].astype(str)
    gone = status.str.startswith("abroad-") | (status == "moved-on")
    if theme is not GRADUATES:
        gone |= status == "returned"
    by = [rows["region"].astype(str).rename("id"), rows["replication"]]
    counted = pd.DataFrame({"men": rows["men"], "left": rows["men"].where(gone, 0.0)})
    counted["left_simulated"] = rows["men_simulated"].where(gone, 0)
    sums = counted.fillna(0.0).groupby(by).sum()
    if theme is not CALLED_UP:
        return sums
    daily = results.days("called_up", "region")
    last = daily[daily["date"] == daily["date"].max()]
    called = last.rename(columns={"place_id": "id"}).set_index(["id", "replication"])["value"]
    weight = rows["men_simulated"].groupby(by).sum() / sums["men"]
    sums["left"] = called.reindex(sums.index).fillna(0.0)
    return sums.assign(left_simulated=sums["left"] * weight)


def rates(results: Run, theme: Theme = LEAVERS) -> pd.DataFrame:
    """Return the mean over the replications: a row for each region of the data.

    Columns id, name, men, left, per_1000, left_simulated, imputed. Without men there is no rate.
    """
    facts = sources.regions()
    sums = table(results, theme).groupby(level="id").sum() / results.n_replications
    data = sums.reindex(pd.Index(facts.code, name="id")).reset_index()
    data["per_1000"] = 1000 * data["left"] / data["men"].where(data["men"] > 0)
    data = data.assign(name=facts.name, imputed=imputed(theme))
    return data[["id", "name", "men", "left", "per_1000", "left_simulated", "imputed"]]


def imputed(theme: Theme) -> list[bool]:
    """Return for each region of the data whether the theme's main input was not observed."""
    bases = getattr(sources.regions(), theme.basis)
    return ["press" not in basis and basis != "census" for basis in bases]


def doubts(theme: Theme) -> str:
    """Return in a sentence how many regions rest on imputed inputs."""
    facts = sources.regions()
    passports = sum(basis != "census" for basis in facts.passport_basis)
    other = CALLED_UP if theme is LEAVERS else theme
    unsure = "called-up men" if theme is LEAVERS else theme.unsure
    return (
        f"Inputs behind the regions are partly imputed: passport shares in {passports} of "
        f"{len(facts.code)}, {unsure} in {sum(imputed(other))}; read differences between regions "
        "as the model's, not as measured."
    )


# ---- the ranking


def draw_ranking(results: Run, preset: Preset) -> Drawn:
    """Draw the regions with the most leavers per 1,000 men, and those with the fewest."""
    data = ranking(results)
    top, bottom = (7, 3) if preset.height is not None else (TOP, BOTTOM)
    shown = pd.concat([data.head(top), data.tail(min(bottom, max(0, len(data) - top)))])
    caption = Caption(
        FAMILY.name,
        data,
        finding(data),
        f"{LEAVERS.subtitle} Dashed: the nation.",
        source(results),
        _notes(data, len(data) - len(shown)),
        _keys(results.n_replications),
        [f"Leavers per 1,000 {LEAVERS.who}. Highest: {'; '.join(_highest(data))}."],
    )
    body = ladders.height(max(1, len(shown)), preset)
    sheet = caption.sheet(preset, body)
    names = [f"{row['rank']}. {row['name']}" for row in records(shown)]
    ax = ladders.ladder(sheet, sheet.cells([body])[0], names, LEAVERS.heading)
    hollow = [{"hollow": imputed} for imputed in shown["imputed"]]
    ladders.dots(ax, shown, ["per_1000", "low", "high"], hollow)
    if len(shown) < len(data):
        ax.axhline(top - 0.5, color=INK, linewidth=0.8, linestyle=(0, (1, 2)))
    men = float(data["men"].sum())
    ladders.reference(ax, 1000 * float(data["left"].sum()) / men if men > 0 else 0.0)
    ax.set_xlim(0, 1.04 * max(shown["high"].max() if len(shown) else 1.0, 1e-9))
    return caption.drawn(sheet)


def ranking(results: Run) -> pd.DataFrame:
    """Return all regions in order of their rate, with an interval and how sure the rank is.

    Columns rank, id, name, men, left, per_1000, low, high, left_simulated, imputed, basis. With
    replications the interval is their range (5 % to 95 % beyond 20); with one, it is what the
    number of simulated leavers allows at 95 % (Garwood 1936, for a Poisson count).
    """
    data = rates(results).dropna(subset="per_1000")
    data = data.sort_values(["per_1000", "id"], ascending=[False, True], kind="stable")
    low, high = _counted(data)
    if results.n_replications > 1:
        sums = table(results)
        each = (1000 * sums["left"] / sums["men"]).groupby(level="id")
        low, high = ends(each, results.n_replications)
    data = data.assign(
        rank=np.arange(1, len(data) + 1),
        low=low.reindex(data["id"]).to_numpy(),
        high=high.reindex(data["id"]).to_numpy(),
    )
    order = ["rank", "id", "name", "men", "left", "per_1000", "low", "high"]
    return data[[*order, "left_simulated", "imputed"]].reset_index(drop=True)


def _counted(data: pd.DataFrame) -> tuple[pd.Series[float], pd.Series[float]]:
    """Return the interval for the rate that a Poisson count of simulated leavers allows."""
    n = data["left_simulated"].to_numpy(float)
    low = np.where(n > 0, gammaincinv(np.maximum(n, 0.5), 0.025), 0.0)
    high = gammaincinv(n + 1, 0.975)
    weight = np.where(n > 0, data["left"] / np.maximum(n, 1e-9), np.nan)
    weight = np.where(np.isnan(weight), np.nanmedian(weight) if (n > 0).any() else 0.0, weight)
    per = 1000 * weight / data["men"].to_numpy(float)
    ids = pd.Index(data["id"])
    return pd.Series(low * per, ids), pd.Series(high * per, ids)


def finding(data: pd.DataFrame) -> str:
    """State the spread over regions, and how little the first differs, going by the intervals.

    No region is named: ranks of single regions are no findings.
    """
    if data.empty or data["left"].sum() <= 0:
        return LEAVERS.nobody
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


def _keys(n: int) -> list[Key]:
    text = range_of(n) if n > 1 else "95 % interval from the number simulated"
    imputed = "hollow: rests on an imputed share with a passport"
    hollow = ladders.key(imputed, hollow=True, markersize=4.6, markeredgewidth=1.1)
    return [Key(text, {"color": BLUE, "linewidth": 1.3}), hollow]


def _notes(data: pd.DataFrame, left_out: int) -> str:
    text = doubts(LEAVERS)
    if (data["left_simulated"] < ENOUGH).any():
        text += f" The title leaves out regions with fewer than {ENOUGH} simulated leavers."
    if left_out > 0:
        text += f" {plural(left_out, 'region')} between those shown: ranking.csv."
    return text


def _highest(data: pd.DataFrame) -> list[str]:
    return [
        f"{row['name']} {rate(row['per_1000'])} ({rate(row['low'])} to {rate(row['high'])})"
        for row in records(data.head(5))
    ]
