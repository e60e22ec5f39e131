"""What reaches a destination, day by day and replication by replication, and its quantiles."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import numpy as np
import pandas as pd

from flowsim.findings.account import Account
from flowsim.findings.run import has_passed
from flowsim.scenario.clock import Offset
from flowsim.scenario.schema import Scenario
from flowsim.scenario.timetable import WARM_UP

QUANTILES = {"q05": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95}
CHANCE = "chance_line_passed"
NEED = "needs_"  # begins the name of a measure that is a need of the scenario
COMPANIONS, MEN_SHARE = "observation.companions", "observation.background_men_share"


def quantiles(account: Account, destination: str) -> pd.DataFrame:
    """Return quantiles over the replications, or the draws of the parameters, by day and measure.

    Returns
    -------
    DataFrame
        ``date``; ``measure``: ``entries`` (persons a day, ordinary traffic included),
        ``newcomers`` (persons a day: the model's men and their companions), ``stock_men``,
        ``stock_persons`` (at the end of the day, families included), ``families`` (persons),
        ``needs_...`` of the scenario;
        ``q05`` to ``q95``, empty but for the median if there is one replication; and
        ``chance_line_passed``: of stock_persons having passed the scenario's capacity line on
        or before that day, a share of the replications.
    """
    account, line, parts = account.most, line_of(account, destination), []
    for measure, series in measures(account, destination).items():
        one = series.shape[1] < 2
        part = pd.DataFrame({"date": series.index, "measure": measure})
        for name, q in QUANTILES.items():
            values = series.quantile(q, axis=1).to_numpy(dtype=float)
            part[name] = np.nan if one and name != "q50" else np.round(values, 3)
        part[CHANCE] = np.nan
        if measure == "stock_persons" and line is not None and not one:
            part[CHANCE] = has_passed(series, line).mean(axis=1).to_numpy(dtype=float)
        parts.append(part)
    columns = ["date", "measure", *QUANTILES, CHANCE]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def measures(account: Account, destination: str) -> dict[str, pd.DataFrame]:
    """Return each measure of a sheet by day and replication; without those not kept."""
    scenario = account.scenario
    code = scenario.destinations[destination].code
    found = {name: account.series(name, code) for name in ("entries", "stock_men", "stock_persons")}
    found["newcomers"] = newcomers(account, destination)
    if not found["stock_men"].empty and not found["stock_persons"].empty:
        persons = 1 + account.value(COMPANIONS, scenario.observation.companions.value)
        families = found["stock_persons"] - found["stock_men"].mul(persons, axis="columns")
        found["families"] = families.clip(lower=0).round(6)
    order = ("entries", "newcomers", "stock_men", "stock_persons", "families")
    there = {name: found[name] for name in order if name in found and not found[name].empty}
    return there | needs(scenario, there)


def needs(scenario: Scenario, there: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return what those received need, by day and replication: a factor times the persons."""
    persons = {"present": "stock_persons", "newcomers": "newcomers"}
    return {
        f"{NEED}{name}": there[persons[need.of]] * need.value
        for name, need in scenario.needs.items()
        if persons[need.of] in there
    }


def newcomers(account: Account, destination: str) -> pd.DataFrame:
    """Separate the model's men and companions from ordinary traffic, by day and replication.

    Two counts hold two unknowns: entries = m p + b (1 - s f) and entries of men =
    m + b s (1 - f), with m the men, p persons per man, b ordinary travellers, s the share of
    men among them, and f the share of the day on which the crossing let no men out. Solved
    crossing by crossing it is exact, but for a day on which a closure begins.
    """
    scenario = account.scenario
    country = scenario.destinations[destination]
    rows = pd.concat([account.rows("entries"), account.rows("entries_men")])
    rows = rows[rows["place_id"].isin(_crossings(account, destination))]
    if rows["measure"].nunique() < 2:
        return pd.DataFrame()
    rows = rows.assign(date=pd.to_datetime(rows["date"]), place_id=rows["place_id"].astype(str))
    keys = ["date", "place_id", "replication"]
    wide = rows.pivot(index=keys, columns="measure", values="value")
    shut = _shut_share(account, country.utc_offset_h).stack()
    days_and_places = pd.MultiIndex.from_arrays([wide.index.get_level_values(n) for n in (0, 1)])
    f = shut.reindex(days_and_places).to_numpy(dtype=float)
    given, whose = scenario.observation, wide.index.get_level_values("replication")
    p = 1 + account.value(COMPANIONS, given.companions.value).reindex(whose).to_numpy()
    s = account.value(MEN_SHARE, given.background_men_share.value).reindex(whose).to_numpy()
    everybody, men = wide["entries"].to_numpy(), wide["entries_men"].to_numpy()
    ordinary_all, ordinary_men = 1 - s * f, s * (1 - f)
    m = (men * ordinary_all - everybody * ordinary_men) / (ordinary_all - p * ordinary_men)
    persons = pd.Series(np.maximum(0.0, p * m), index=wide.index)
    by_day = persons.groupby(["date", "replication"]).sum().unstack("replication")
    return pd.DataFrame(by_day.round(3))


def line_of(account: Account, destination: str) -> float | None:
    """Return the capacity line that the scenario draws for a destination, persons."""
    found = account.scenario.capacities.get(destination)
    return None if found is None else float(found.value)


def _crossings(account: Account, destination: str) -> list[str]:
    crossings = account.scenario.crossings.items()
    return [name for name, crossing in crossings if crossing.destination == destination]


def _shut_share(account: Account, offset: Offset) -> pd.DataFrame:
    """Return, by local day and crossing, the share of hours in which no men were let out."""
    scenario = account.scenario
    closed = scenario.timetable().closed_to_men.astype(float)
    days = scenario.horizon.clock.local_days(closed, offset, WARM_UP) / 24
    start = pd.Timestamp(scenario.horizon.start.date())
    index = pd.DatetimeIndex([start + timedelta(days=d) for d in range(len(days))], name="date")
    return pd.DataFrame(days, index=index, columns=pd.Index(scenario.crossings, name="place_id"))
