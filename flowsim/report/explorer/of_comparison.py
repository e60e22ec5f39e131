"""A comparison as a page shows it: a switch between its scenarios."""

from __future__ import annotations

import pandas as pd

from flowsim.findings import comparison as said
from flowsim.findings import doubts, settings
from flowsim.findings.naming import title
from flowsim.findings.waits import lumpy
from flowsim.findings.words import plural, sampled
from flowsim.report.explorer.settings import (
    SHOWN,
    Control,
    Explored,
    Setting,
    curves,
    run_command,
)
from flowsim.results.comparison import Comparison


def read(found: Comparison) -> Explored:
    """Return everything that the page of a comparison shows.

    Raises
    ------
    ResultsError
        If it has no series by day.
    """
    manifest = found.manifest
    daily = _chosen(found.daily)
    daily["setting"] = daily["scenario"].map({n: i for i, n in enumerate(found.names)}).astype(int)
    sample, seed, n = float(manifest["sample"]), int(manifest["seed"]), found.replications
    lines = settings.of_comparison(found)
    of = tuple(
        Setting(
            (place,),
            scenario,
            lines[place],
            f"scenario {scenario.name}",
            (run_command(scenario.name, {}, sample, seed, n),),
        )
        for place, scenario in enumerate(found.scenarios)
    )
    return Explored(
        title=f"Side by side: {'; '.join(map(title, found.scenarios))}",
        holds="chance alone",
        subtitle=f"The same men in each scenario, {sampled(sample)}, {plural(n, 'replication')}.",
        caution=" ".join((said.caution(found), *lumpy(sample))),
        limits=doubts.finding(list(found.scenarios)).sentences,
        controls=(Control("scenario", "scenario", "", tuple(map(title, found.scenarios))),),
        settings=of,
        own=0,
        curves=curves(daily, len(of)),
        made_with=f"Source: flowsim {manifest['versions']['flowsim']}, seed {seed}.",
    )


def _chosen(daily: pd.DataFrame) -> pd.DataFrame:
    """Return the series of countries and the nation, and the longest queue of cars."""
    rows = daily[daily["measure"].isin(SHOWN[:5])]
    largest = (
        rows[rows["measure"] == "queue_cars"].groupby("place_id", observed=True)["value"].max()
    )
    at_queue = rows["measure"].eq("queue_cars") & rows["place_id"].isin(largest.nlargest(1).index)
    return rows[rows["place_kind"].isin(("destination", "nation")) | at_queue].copy()
