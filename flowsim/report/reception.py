"""One page for those who receive people: who comes each day, who is there, will it be enough.

The table of quantiles is what the sheet is written from, and what is saved as CSV.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import numpy as np
import pandas as pd

from flowsim.findings.account import Account, peak, told
from flowsim.findings.words import count, day, rate, rounded, share
from flowsim.report.arrivals import CHANCE, line_of, measures, passed_by, quantiles
from flowsim.report.charts import Panel, draw
from flowsim.report.document import Block, Bullets, Paragraph, Picture, Section, Table
from flowsim.report.variants import Variants

ENOUGH = 10  # replications below which no chance is told
ROWS = 10  # dates in the sheet's table


def sheets(
    account: Account, others: Variants | None = None, of: str = ""
) -> tuple[list[Section], dict[str, str]]:
    """Return a sheet for each destination, and its quantiles as CSV by the name of the file.

    Destinations whose daily numbers were not kept have none. ``of`` is the scenario's name,
    where a report holds the sheets of several.
    """
    found, files = [], {}
    for name in account.scenario.destinations:
        file = f"reception-{of}-{name}.csv" if of else f"reception-{name}.csv"
        sheet = section(account, name, file, others, of)
        if sheet is not None:
            found.append(sheet)
            table = quantiles(account, name)
            files[file] = table.to_csv(index=False, lineterminator="\n", date_format="%Y-%m-%d")
    return found, files


def section(
    account: Account,
    destination: str,
    file: str,
    others: Variants | None = None,
    of: str = "",
) -> Section | None:
    """Return the sheet of a destination; None if its daily numbers were not kept."""
    table = quantiles(account, destination)
    found = measures(account, destination)
    if "stock_persons" not in found or "newcomers" not in found:
        return None
    name = account.scenario.destinations[destination].name
    blocks: list[Block] = [
        Paragraph(_summary(account, destination, found), "lead"),
        _picture(account, destination, table, file.removesuffix(".csv")),
        _dates(account, table),
        *([_assumed(others, destination)] if others else []),
        Bullets(tuple(_how_sure(account, destination, found))),
        Paragraph(f"Every day and every quantile stand in {file}, beside this report."),
    ]
    title = f"Reception sheet: {name}" + (f", {of}" if of else "")
    return Section(file.removesuffix(".csv"), title, tuple(blocks), sheet=True)


def _summary(account: Account, destination: str, found: dict[str, pd.DataFrame]) -> str:
    arriving, there = found["newcomers"], found["stock_persons"]
    name = account.scenario.destinations[destination].name
    top, busiest = peak(arriving)
    week = arriving.rolling(7, min_periods=1).mean().max(axis=0).to_numpy(dtype=float)
    most = there.max(axis=0).to_numpy(dtype=float)
    when, _ = peak(there)
    return (
        f"In the simulation {told(busiest)} newcomers reach {name} on the busiest day, {top}, "
        f"beside the ordinary traffic, and {told(week)} a day over the busiest week. Most people "
        f"are there on {when}: {told(most)}, companions and families included."
    )


def _picture(account: Account, destination: str, table: pd.DataFrame, key: str) -> Picture:
    name = account.scenario.destinations[destination].name
    line = line_of(account, destination)
    arriving, there = _of(table, "newcomers"), _of(table, "stock_persons")
    days = [moment.date() for moment in arriving["date"]]
    panels = [
        _panel(f"Newcomers to {name} a day", days, arriving),
        _panel("Persons there, with families", days, there, line),
    ]
    if line is not None and there[CHANCE].notna().all():
        chance = there[CHANCE].to_numpy(dtype=float)
        panels.append(Panel("Replications past the line", days, chance, is_share=True))
    many = len(account.replications) > 1
    band = " Line: median of the replications; band: their 5\u00a0% to 95\u00a0%." if many else ""
    last = there["q50"].iloc[-1]
    top, values = peak(arriving.set_index("date")[["q50"]])
    return Picture(
        key,
        draw(panels),
        f"{name}: newcomers by day, persons there with families"
        + (" and the capacity line" if line is not None else "")
        + f".{band}",
        f"Newcomers to {name} rise to {count(float(values[0]))} a day on {top} and are "
        f"{count(float(arriving['q50'].iloc[-1]))} on the last day. Persons there, families "
        f"included: {count(float(last))} on the last day. The table below holds the numbers.",
    )


def _panel(
    title: str, days: Sequence[date], rows: pd.DataFrame, limit: float | None = None
) -> Panel:
    low, high = rows["q05"].to_numpy(dtype=float), rows["q95"].to_numpy(dtype=float)
    has_band = bool(np.isfinite(low).all())
    return Panel(
        title,
        days,
        rows["q50"].to_numpy(dtype=float),
        low if has_band else None,
        high if has_band else None,
        limit,
    )


def _dates(account: Account, table: pd.DataFrame) -> Table:
    """Return the numbers of a few dates, the last one always among them."""
    by = {name: _of(table, name).set_index("date") for name in table["measure"].unique()}
    moments = by["stock_persons"].index
    step = max(1, round((len(moments) - 1) / (ROWS - 1)))
    chosen = sorted(moments[::-1][::step])
    n = len(account.replications)
    many = n > 1
    has_chance = bool(by["stock_persons"][CHANCE].notna().any())
    header = ["Date", "Newcomers that day", "Persons there", "of them families"]
    rows = []
    for moment in chosen:
        cells = [day(moment)]
        cells += [
            _cell(by[m].loc[moment], many) for m in ("newcomers", "stock_persons", "families")
        ]
        if has_chance:
            passed = float(by["stock_persons"].loc[moment, CHANCE])
            cells.append(f"{passed * n:.0f} of {n}")
        rows.append(tuple(cells))
    if has_chance:
        header.append("Past the line")
    what = "median, and 5\u00a0% to 95\u00a0% of the replications" if many else "one replication"
    return Table(
        f"Persons to receive, by date ({what}); persons there at the end of the day",
        tuple(header),
        tuple(rows),
        numeric=(False, *[True] * (len(header) - 1)),
        widths=(1.4, *[2.1] * 3, *[1.1] * has_chance),
    )


def _assumed(others: Variants, destination: str) -> Table:
    """Set the numbers a planner needs beside each other for what the data leave open."""
    accounts = {
        f"lambda {value:g}" + (", as assumed" if value == others.own else ""): account
        for value, account in others.lambdas.items()
    } | others.stays
    rows = []
    for words, account in accounts.items():
        found = measures(account, destination)
        arriving, there = found["newcomers"], found["stock_persons"]
        line = line_of(account, destination)
        passed = "" if line is None else _times(passed_by(there, line))
        rows.append(
            (
                words,
                told(arriving.max(axis=0).to_numpy(dtype=float)),
                told(there.max(axis=0).to_numpy(dtype=float)),
                told(there.iloc[-1].to_numpy(dtype=float)),
                passed,
            )
        )
    return Table(
        f"What hangs on assumptions that no published figure settles ({others.words})",
        ("Assumption", "Newcomers, busiest day", "Most there", "There at the end", "Past the line"),
        tuple(rows),
        numeric=(False, True, True, True, True),
        widths=(1.9, 2.0, 2.2, 2.2, 0.9),
    )


def _times(passed: pd.DataFrame) -> str:
    return f"{int(passed.iloc[-1].sum())} of {passed.shape[1]}"


def _cell(row: pd.Series, many: bool) -> str:
    middle = count(float(row["q50"]))
    low, high = count(float(row["q05"])), count(float(row["q95"]))
    return f"{middle} ({low} to {high})" if many and low != high else middle


def _how_sure(account: Account, destination: str, found: dict[str, pd.DataFrame]) -> Iterator[str]:
    """Return what the chance is worth, and what the numbers hang on."""
    yield from _capacity(account, destination, found["stock_persons"])
    stay, given = account.scenario.abroad[destination], account.scenario.observation
    families = found.get("families")
    if families is not None:
        part = (families.iloc[-1] / found["stock_persons"].iloc[-1]).to_numpy(dtype=float)
        yield (
            f"Families are {told(part, share)} of those there on the last day. The model assumes "
            f"that each man who stays {rate(stay.family_lag.value)} days is joined by "
            f"{rate(stay.family.value)} persons, and that {rate(given.companions.value)} came with "
            "him; more families come after the period shown."
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


def _capacity(account: Account, destination: str, there: pd.DataFrame) -> Iterator[str]:
    line, n = line_of(account, destination), there.shape[1]
    if line is None:
        yield "The scenario names no capacity, so no chance of passing one is given."
        return
    passed = passed_by(there, line)
    ever = int(passed.iloc[-1].sum())
    source = account.scenario.capacities[destination].source
    text = f"Capacity line: {count(line)} persons ({source})."
    most = count(float(there.to_numpy(dtype=float).max()))
    if n < 2:
        first = passed.index[passed.iloc[:, 0].to_numpy(dtype=bool)]
        when = f"passed on {day(first[0])}" if len(first) else f"not passed, at most {most} persons"
        yield f"{text} In this one replication it was {when}: no chance can be given from one."
    elif ever in (0, n):
        often = "none" if ever == 0 else "all"
        at_most = f" (at most {most} persons)" if ever == 0 else ""
        yield f"{text} It was passed in {often} of {n} replications{at_most}{_rule_of_three(n)}"
    else:
        days = sorted(
            passed.index[passed[r].to_numpy(dtype=bool)][0] for r in passed if passed[r].any()
        )
        yield (
            f"{text} It was passed in {ever} of {n} replications, first on {day(days[0])}, in the "
            f"middle one on {day(days[(len(days) - 1) // 2])}."
        )


def _rule_of_three(n: int) -> str:
    """Return what the same outcome in all of n replications is worth (95 %)."""
    if n < ENOUGH:
        return ", which are too few to give a chance: run 20."
    left = share(float(rounded(3 / n, 1)))
    return f"; the chance of the opposite may still be up to {left}."


def _of(table: pd.DataFrame, measure: str) -> pd.DataFrame:
    return table[table["measure"].eq(measure)].reset_index(drop=True)
