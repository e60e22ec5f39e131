"""What happened to the men of each region, for each 1,000 of them: what maps and rankings show."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from flowsim.data import sources
from flowsim.figures.layout.tables import Results

ENOUGH = 10


@dataclass(frozen=True)
class Theme:
    """One thing that happens to men of a region, and how it is told.

    Attributes
    ----------
    name : str
        Of the map's figure.
    who : str
        Those per 1,000 of whom it is counted.
    did : str
        What they did, in the past tense.
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
    heading: str
    subtitle: str
    basis: str
    unsure: str


LEAVERS = Theme(
    "map",
    "men aged 18 to 59",
    "went abroad",
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
    "Men called up per 1,000 aged 18 to 59",
    "Simulated men to whom the call-up came by the end of the period, whether or not they "
    "complied, by region.",
    "mobilised_basis",
    "numbers of called-up men",
)
GRADUATES = Theme(
    "map-graduates",
    "graduates",
    "were abroad at the end",
    "Graduates lost per 1,000 men with higher education",
    "Simulated men aged 18 to 59 with higher education who were abroad, or had moved on, at the "
    "end of the period, by region of origin.",
    "education_basis",
    "shares with higher education",
)


def table(results: Results, theme: Theme = LEAVERS) -> pd.DataFrame:
    """Count men, those meant by the theme, and those simulated, by region and replication.

    Returns
    -------
    DataFrame
        Index id (region), replication; columns men, left, left_simulated (number).
    """
    rows = results.outcomes
    status = rows["status"].astype(str)
    gone = status.str.startswith("abroad-") | (status == "moved-on")
    if theme is GRADUATES:
        rows, gone = rows[rows["educated"]], gone[rows["educated"]]
    else:
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


def rates(results: Results, theme: Theme = LEAVERS) -> pd.DataFrame:
    """Return the mean over the replications: a row for each region of the data.

    Columns id, name, men, left, per_1000, left_simulated, imputed. Without men there is no rate.
    """
    facts = sources.regions()
    sums = table(results, theme).groupby(level="id").sum() / results.n_replications
    sums = sums.reindex(pd.Index(facts.code, name="id"))
    return pd.DataFrame(
        {
            "id": facts.code,
            "name": facts.name,
            "men": sums["men"].to_numpy(),
            "left": sums["left"].to_numpy(),
            "per_1000": (1000 * sums["left"] / sums["men"].where(sums["men"] > 0)).to_numpy(),
            "left_simulated": sums["left_simulated"].to_numpy(),
            "imputed": imputed(theme),
        }
    )


def imputed(theme: Theme) -> list[bool]:
    """Say for each region of the data whether the theme's main input was not observed."""
    return [
        "press" not in basis and basis != "census"
        for basis in getattr(sources.regions(), theme.basis)
    ]


def doubts(theme: Theme) -> str:
    """Say in a sentence how many regions rest on imputed inputs."""
    facts = sources.regions()
    passports = sum(basis != "census" for basis in facts.passport_basis)
    text = f"passport shares in {passports} of {len(facts.code)}"
    if theme is not LEAVERS:
        text += f", {theme.unsure} in {sum(imputed(theme))}"
    else:
        text += f", called-up men in {sum(imputed(CALLED_UP))}"
    return (
        f"Inputs behind the regions are partly imputed: {text}; read differences between regions "
        "as the model's, not as measured."
    )
