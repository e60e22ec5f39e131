"""One page for those who receive people, for each destination, and its table as CSV."""

from __future__ import annotations

import pandas as pd

from flowsim.figures.run.reception import Panel, draw
from flowsim.findings import reception
from flowsim.findings.account import Account
from flowsim.findings.arrivals import CHANCE, line_of, measures, quantiles
from flowsim.findings.naming import title
from flowsim.findings.words import capital
from flowsim.report.document import Block, Bullets, Paragraph, Picture, Section
from flowsim.report.variants import Variants


def sheets(
    account: Account, others: Variants | None = None, several: bool = False
) -> tuple[list[Section], dict[str, str]]:
    """Return a sheet for each destination, and its quantiles as CSV by the name of the file.

    Destinations whose daily numbers were not kept have none. ``several``: whether the report
    holds the sheets of other scenarios too.
    """
    found, files = [], {}
    for name in account.scenario.destinations:
        sheet = section(account, name, others, several)
        if sheet is not None:
            found.append(sheet)
            files[f"{sheet.key}.csv"] = _csv(quantiles(account, name))
    return found, files


def _csv(table: pd.DataFrame) -> str:
    return table.to_csv(index=False, lineterminator="\n", date_format="%Y-%m-%d")


def section(
    account: Account, destination: str, others: Variants | None = None, several: bool = False
) -> Section | None:
    """Return the sheet of a destination; None if its daily numbers were not kept."""
    if not {"stock_persons", "newcomers"} <= set(measures(account, destination)):
        return None
    table = quantiles(account, destination)
    scenario, key = account.scenario, f"reception-{account.scenario.name}-{destination}"
    blocks: list[Block] = [
        Paragraph(reception.lead(account, destination), "lead"),
        _picture(account, destination, table, key),
        reception.dates(account, table),
    ]
    wanted = reception.needs(account, table)
    blocks += [] if wanted is None else [wanted, Paragraph(reception.factors(account))]
    if others is not None:
        blocks.append(reception.assumed(others.assumptions, destination, others.words))
    blocks.append(Bullets(tuple(reception.how_sure(account, destination))))
    blocks.append(Paragraph(f"Every day and every quantile: {key}.csv, beside this report."))
    heading = f"Reception sheet: {scenario.destinations[destination].name}"
    heading += f" under “{title(scenario)}”" if several else ""
    return Section(key, heading, tuple(blocks), sheet=True)


def _picture(account: Account, destination: str, table: pd.DataFrame, key: str) -> Picture:
    name = account.scenario.destinations[destination].name
    line = line_of(account, destination)
    arriving, there = (reception.of(table, m) for m in ("newcomers", "stock_persons"))
    panels = [
        Panel(f"Newcomers to {name} a day", arriving),
        Panel("Persons there, with families", there, limit=line),
    ]
    if there[CHANCE].notna().all():
        panels.append(Panel(f"{capital(account.repeated)} past the line", there, CHANCE))
    many = len(account.replications) > 1
    band = f" Line: median of the {account.repeated}; band: their 5\u00a0% to 95\u00a0%." * many
    with_line = "" if line is None else " and the capacity line"
    caption = f"{name}: newcomers by day, persons there with families{with_line}.{band}"
    return Picture(key, draw(panels), caption, reception.alt(name, table), _csv(table))
