"""What those who receive people must know: who comes each day, who is there, will it be enough.

``measures`` has it day by day and replication by replication, ``quantiles`` over these.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from flowsim.findings.account import Account, plateau
from flowsim.findings.finding import Table, tabulated
from flowsim.findings.ranges import doubt_in, ranged
from flowsim.findings.run import capacity, has_passed
from flowsim.findings.words import capital, count, day, days, exact, rate, share, within
from flowsim.scenario.clock import Offset
from flowsim.scenario.schema import Scenario
from flowsim.scenario.timetable import WARM_UP
from flowsim.types import Floats

QUANTILES = {"q05": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95}
CHANCE = "chance_line_passed"
NEED = "needs_"  # begins the name of a measure that is a need of the scenario
COMPANIONS, MEN_SHARE = "observation.companions", "observation.background_men_share"
ROWS, ROWS_OF_NEEDS = 10, 8  # dates in the tables


def lead(account: Account, destination: str) -> str:
    """Return the busiest day, the busiest week and how many are there at most."""
    found = measures(account.most, destination)
    name = account.scenario.destinations[destination].name
    top, when = (_when(found[name].mean(axis=1)) for name in ("newcomers", "stock_persons"))

    def most(measure: str, n: int) -> str:
        """Write the greatest value of a measure, in the mean over so many days."""
        return account.formatted(
            lambda a: _most(measures(a, destination)[measure].rolling(n, min_periods=1).mean())
        )

    return (
        f"In the simulation {most('newcomers', 1)} newcomers reach {name} on the busiest day, "
        f"beside the ordinary traffic, and {most('newcomers', 7)} a day over the busiest week; "
        f"most come {top}. Most people are there {when}: {most('stock_persons', 1)}, companions "
        "and families included."
    )


def _when(values: pd.Series[float]) -> str:
    """Write when a series is highest."""
    return days(*plateau(values)[1:])


def alt(name: str, table: pd.DataFrame) -> str:
    """Return what the sheet's chart shows, for those who cannot see it."""
    arriving, there = (of(table, measure) for measure in ("newcomers", "stock_persons"))
    middle = arriving.set_index("date")["q50"]
    return (
        f"Newcomers to {name} rise to {count(float(middle.max()))} a day {_when(middle)} and are "
        f"{count(float(arriving['q50'].iloc[-1]))} on the last day. Persons there, families "
        f"included: {count(float(there['q50'].iloc[-1]))} on the last day. The table below holds "
        "the numbers."
    )


def of(table: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Return the rows of one measure of ``arrivals.quantiles``."""
    return table[table["measure"].eq(measure)].reset_index(drop=True)


def _some(dates: pd.Index[Any], n: int) -> list[Any]:
    """Return about n dates at even distances, the last one always among them."""
    step = max(1, round((len(dates) - 1) / (n - 1)))
    return sorted(dates[::-1][::step])


def dates(account: Account, table: pd.DataFrame) -> Table:
    """Return the numbers of a few dates, the last one always among them."""
    shown = ("newcomers", "stock_persons", "families")
    by = {name: of(table, name).set_index("date") for name in shown}
    there = by["stock_persons"]
    n = len(account.replications)
    chance = bool(there[CHANCE].notna().any())
    rows = []
    for moment in _some(there.index, ROWS):
        cells = [day(moment), *(_cell(by[name].loc[moment]) for name in shown)]
        passed = [f"{there.loc[moment, CHANCE] * n:.0f} of {n}"] if chance else []
        rows.append((*cells, *passed))
    what = _what_cells_are(account) if n > 1 else "one replication"
    heads = ("Date 1.4", ">Newcomers that day 2.1", ">Persons there 2.1", ">of them families 2.1")
    return tabulated(
        f"Persons to receive, by date ({what}); persons there at the end of the day",
        (*heads, *[">Past the line 1.1"] * chance),
        rows,
    )


def _cell(row: pd.Series) -> str:
    return count(float(row["q50"])) + within(float(row["q05"]), float(row["q95"]))


def assumed(accounts: Mapping[str, Account], destination: str, simulated: str) -> Table:
    """Return the numbers that a planner needs for what the data leave open.

    Parameters
    ----------
    accounts : mapping
        By the assumption in words.
    simulated : str
        With how many men and replications.
    """
    rows = []
    for words, account in accounts.items():
        found = measures(account, destination)
        arriving, there = found["newcomers"], found["stock_persons"]
        numbers = (_most(arriving), _most(there), there.iloc[-1].to_numpy(dtype=float))
        line = line_of(account, destination)
        passed = 0 if line is None else int(has_passed(there, line).iloc[-1].sum())
        often = "" if line is None else f"{passed} of {there.shape[1]}"
        rows.append((words, *map(ranged, numbers), often))
    heads = ("Assumption 1.9", ">Newcomers, busiest day 2.0", ">Most there 2.2")
    return tabulated(
        f"What hangs on assumptions that no published figure settles ({simulated})",
        (*heads, ">There at the end 2.2", ">Past the line 0.9"),
        rows,
    )


def how_sure(account: Account, destination: str) -> Iterator[str]:
    """Return what the chance is worth, and what the numbers hang on."""
    found, n = measures(account.most, destination), len(account.replications)

    def families(of: Account) -> Floats:
        there = measures(of, destination)
        last = there["families"].iloc[-1] / there["stock_persons"].iloc[-1]
        return last.to_numpy(dtype=float)

    yield (
        f"Medians and ranges are over {n} {account.repeated}: chance and parameters together."
        if account.drawn is not None
        else doubt_in(n, drawn=False)
    )
    if line_of(account, destination) is None:
        yield "The scenario names no capacity, so no chance of passing one is given."
    else:
        yield capital(capacity(account, destination, found["stock_persons"]))
    stay, given = account.scenario.abroad[destination], account.scenario.observation
    if "families" in found:
        part = account.formatted(families, share)
        yield (
            f"Families are {part} of those there on the last day. The model assumes "
            f"that each man who stays is joined by {rate(stay.family.value)} persons some "
            f"{rate(stay.family_lag.value)} days after he came, and that "
            f"{rate(given.companions.value)} came with him; more families come after the period "
            "shown."
        )
    yield (
        f"Stocks rest on how many move on ({100 * stay.move_on.value:.2g}\u00a0% a day) or return "
        f"({100 * stay.return_.value:.2g}\u00a0% a day). Published figures do not identify "
        "either: plan for the case that nobody moves on."
    )
    yield (
        "Persons there is not the number of beds: who finds a home without help is not modelled. "
        "Ordinary travellers are left out of newcomers and of persons there."
    )


def _most(series: pd.DataFrame) -> Floats:
    """Return the greatest value of each replication, shape (R,)."""
    return series.max(axis=0).to_numpy(dtype=float)


# -- what they need


def needs(account: Account, found: pd.DataFrame) -> Table | None:
    """Return the needs on some dates and their peak; None if the scenario names none.

    Parameters
    ----------
    found : DataFrame
        Of ``arrivals.quantiles``.
    """
    rows = found[found["measure"].astype(str).str.startswith(NEED)]
    if rows.empty:
        return None
    by = {name: part.set_index("date") for name, part in rows.groupby("measure", sort=False)}
    lines = [
        (day(moment), *(_cell(part.loc[moment]) for part in by.values()))
        for moment in _some(next(iter(by.values())).index, ROWS_OF_NEEDS)
    ]
    most = [_cell(part.iloc[int(part["q50"].to_numpy().argmax())]) for part in by.values()]
    many = len(account.most.replications) > 1
    return tabulated(
        "What they need, by date" + f" ({_what_cells_are(account.most)})" * many,
        ("Date 1.4", *(f">{_need(str(name))} 1.8" for name in by)),
        (*lines, ("most on any day", *most)),
    )


def _what_cells_are(account: Account) -> str:
    return f"median, and 5\u00a0% to 95\u00a0% of the {account.repeated}"


def _need(measure: str) -> str:
    """Return a need in words, from the name of its measure."""
    return measure.removeprefix(NEED).replace("_", " ")


def factors(account: Account) -> str:
    """Return what each need is for one person, with its source; empty if there is none."""
    each = [
        f"{exact(one.value)} {_need(name)} for each "
        f"{'person there' if one.of == 'present' else 'newcomer of the day'} ({one.source})"
        for name, one in account.scenario.needs.items()
    ]
    return f"Needs are persons times a factor of the scenario: {'; '.join(each)}." if each else ""


# -- the numbers of a sheet by day


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
    return there | _needs(scenario, there)


def _needs(scenario: Scenario, there: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
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
    own = [name for name, c in scenario.crossings.items() if c.destination == destination]
    rows = rows[rows["place_id"].isin(own)]
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


def _shut_share(account: Account, offset: Offset) -> pd.DataFrame:
    """Return, by local day and crossing, the share of hours in which no men were let out."""
    scenario = account.scenario
    closed = scenario.timetable().closed_to_men.astype(float)
    days = scenario.horizon.clock.local_days(closed, offset, WARM_UP) / 24
    start = pd.Timestamp(scenario.horizon.start.date())
    index = pd.DatetimeIndex([start + timedelta(days=d) for d in range(len(days))], name="date")
    return pd.DataFrame(days, index=index, columns=pd.Index(scenario.crossings, name="place_id"))
