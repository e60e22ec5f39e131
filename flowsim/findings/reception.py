"""What those who receive people must know: who comes each day, who is there, will it be enough."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from flowsim.findings.account import Account, plateau
from flowsim.findings.arrivals import CHANCE, NEED, line_of, measures
from flowsim.findings.finding import Table
from flowsim.findings.ranges import doubt_in, ranged
from flowsim.findings.run import capacity, has_passed
from flowsim.findings.words import capital, count, day, days, exact, rate, share, within
from flowsim.types import Floats

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
    what = f"median, and 5\u00a0% to 95\u00a0% of the {account.repeated}"
    what = what if n > 1 else "one replication"
    return Table(
        f"Persons to receive, by date ({what}); persons there at the end of the day",
        ("Date", "Newcomers that day", "Persons there", "of them families")
        + ("Past the line",) * chance,
        tuple(rows),
        align="lrrr" + "r" * chance,
        widths=(1.4, *[2.1] * 3, *[1.1] * chance),
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
    return Table(
        f"What hangs on assumptions that no published figure settles ({simulated})",
        ("Assumption", "Newcomers, busiest day", "Most there", "There at the end", "Past the line"),
        tuple(rows),
        align="lrrrr",
        widths=(1.9, 2.0, 2.2, 2.2, 0.9),
    )


def how_sure(account: Account, destination: str) -> Iterator[str]:
    """Return what the chance is worth, and what the numbers hang on."""
    found, n = measures(account.most, destination), len(account.replications)
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
        part = account.formatted(lambda a: _families(a, destination), share)
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


def _families(account: Account, destination: str) -> Floats:
    """Return the share of families among those there on the last day, shape (R,)."""
    found = measures(account, destination)
    last = found["families"].iloc[-1] / found["stock_persons"].iloc[-1]
    return last.to_numpy(dtype=float)


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
    dates = next(iter(by.values())).index
    lines = [
        (day(moment), *(_cell(part.loc[moment]) for part in by.values()))
        for moment in _some(dates, ROWS_OF_NEEDS)
    ]
    peaks = [part.index[int(part["q50"].to_numpy().argmax())] for part in by.values()]
    most = [_cell(part.loc[peak]) for part, peak in zip(by.values(), peaks, strict=True)]
    many = len(account.most.replications) > 1
    what = f"median, and 5\u00a0% to 95\u00a0% of the {account.most.repeated}" * many
    names = [need(str(name)) for name in by]
    return Table(
        "What they need, by date" + (f" ({what})" if what else ""),
        ("Date", *names),
        (*lines, ("most on any day", *most)),
        align="l" + "r" * len(names),
        widths=(1.4, *[1.8] * len(names)),
    )


def need(measure: str) -> str:
    """Return a need in words, from the name of its measure."""
    return measure.removeprefix(NEED).replace("_", " ")


def factors(account: Account) -> str:
    """Return what each need is for one person, with its source; empty if there is none."""
    each = [
        f"{exact(one.value)} {need(name)} for each "
        f"{'person there' if one.of == 'present' else 'newcomer of the day'} ({one.source})"
        for name, one in account.scenario.needs.items()
    ]
    return f"Needs are persons times a factor of the scenario: {'; '.join(each)}." if each else ""
