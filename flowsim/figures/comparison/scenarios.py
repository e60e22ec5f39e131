"""Small multiples: entries per day in each scenario, the first behind every other in grey."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pandas as pd

from flowsim.figures import Family
from flowsim.figures.comparison.outcomes import quoted, source, titles
from flowsim.figures.layout import timelines
from flowsim.figures.layout.sheet import Caption, Drawn
from flowsim.figures.layout.style import QUIET, Preset
from flowsim.figures.layout.tables import spread
from flowsim.findings.account import records
from flowsim.findings.words import count, listed
from flowsim.results.comparison import Comparison

FAMILY = Family("scenarios", "entries per day, a panel for each scenario", order=4)
BEHIND: dict[str, Any] = {"color": QUIET, "linewidth": 0.8}
MOST, MOST_ON_SLIDE, MOST_NAMED = 6, 4, 2
NOTE = "Entries are border crossings, not emigrants. Panels of one country share their scale."


def missing(results: Comparison) -> str:
    """Return why there is nothing to draw, if so."""
    return "" if len(table(results)) else "its daily table has no entries"


def draw_figure(results: Comparison, preset: Preset) -> Drawn:
    """Arrange a row of panels for each destination, a panel for each scenario that has it."""
    data, named, horizon = table(results), titles(results), results.scenarios[0].horizon
    shown = list(results.names[: MOST_ON_SLIDE if preset.is_slide else MOST])
    subtitle = (
        f"Simulated entries of {results.scenarios[0].home.people} citizens by local calendar day, "
        f"{timelines.whole_period(horizon)}: both sexes, all ages, ordinary traffic included."
    )
    note = NOTE + " Further scenarios: scenarios.csv." * (len(shown) < len(results.names))
    first, n = f"“{named[results.names[0]]}”, to compare", results.replications
    keys = timelines.multiples_keys("the scenario above the panel", n, first, **BEHIND)
    words = (finding(data, results), subtitle, source(results), note)
    caption = Caption(FAMILY.name, data, *words, keys, _alt(data, named))
    noon = data["date"] + timedelta(hours=12)
    curves = data.assign(world=data["scenario"].map(named), date=noon)
    names = [named[name] for name in shown]
    bands = [
        timelines.Band(rows, names, names[:1], BEHIND, f"{place}: entries a day")
        for place, rows in curves.groupby("place", sort=False)
    ]
    return timelines.multiples(caption, preset, bands, horizon)


def table(results: Comparison) -> pd.DataFrame:
    """Return entries by scenario, destination and local day: mean and range of the replications.

    Columns scenario, place_id, place, date, value, low, high.
    """
    daily = results.daily
    if daily.empty:
        columns = ["scenario", "place_id", "place", "date", "value", "low", "high"]
        return pd.DataFrame(columns=columns)
    rows = daily[(daily["measure"] == "entries") & (daily["place_kind"] == "destination")]
    rows = timelines.within(rows, results.scenarios[0].horizon)
    data = spread(rows.astype({"scenario": str, "place_id": str}), ["scenario", "place_id", "date"])
    names = {
        place.code: place.name
        for scenario in results.scenarios
        for place in scenario.destinations.values()
    }
    data.insert(2, "place", [names.get(key, key) for key in data["place_id"]])
    turn = {name: n for n, name in enumerate([*results.names, *names])}
    data = data.assign(s=data["scenario"].map(turn), p=data["place_id"].map(turn))
    data = data.sort_values(["p", "s", "date"], kind="stable")
    return data.drop(columns=["s", "p"]).reset_index(drop=True)


def finding(data: pd.DataFrame, results: Comparison) -> str:
    """State how many enter the country that differs most between the scenarios."""
    if data.empty or data["value"].max() <= 0:
        return "Nobody entered any destination in any scenario"
    sums = data.groupby(["place", "scenario"])["value"].sum().to_dict()
    of = {
        place: [sums.get((place, name), 0.0) for name in results.names]
        for place in dict.fromkeys(data["place"])
    }
    place = max(of, key=lambda place: (max(of[place]) - min(of[place])) / max(*of[place], 1e-9))
    own, *others = zip(of[place], quoted(results).values(), strict=True)
    clauses = [f"{count(n)} under {title}" for n, title in others[:MOST_NAMED]]
    first = count(own[0]) if own[0] else "none"
    return f"Entries into {place} over the period: {first}; {listed(clauses)}"


def _alt(data: pd.DataFrame, named: Mapping[str, str]) -> list[str]:
    most = data.groupby(["place", "scenario"], sort=False)["value"].max().reset_index()
    return [
        f"{named[row['scenario']]}, {row['place']}: at most {count(row['value'])} a day."
        for row in records(most)
    ]
