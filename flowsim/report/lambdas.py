"""Lambda 0.3, 0.6 and 1 side by side: what the answer hangs on and the data do not tell."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from flowsim.findings.account import Account, told
from flowsim.findings.headlines import departures
from flowsim.findings.words import count, share
from flowsim.report.document import Paragraph, Section, Table
from flowsim.report.variants import Variants
from flowsim.scenario.schema import Scenario
from flowsim.types import Floats

TITLE = "If substitution is weaker or stronger"
ABOUT = (
    "Lambda says how alike the destinations are to a man who wants to leave: near 0 he who cannot "
    "go to one goes to the other, at 1 he would as soon stay. Published entries do not identify "
    "it, so flowsim assumes 0.6 and shows three values. The other numbers that were fitted are "
    "fitted again with each lambda, so the columns differ in more than lambda. Numbers that move "
    "across this table rest on an assumption; they are not findings."
)
Row = tuple[str, Callable[[Account], Floats], Callable[[float], str]]


def section(scenario: Scenario, variants: Variants) -> Section:
    """Return the outcomes of one scenario for each lambda."""
    values = [
        f"{value:g}" + (" (this run)" if value == variants.own else "")
        for value in variants.lambdas
    ]
    rows = tuple(
        (label, *(told(measure(one), write) for one in variants.lambdas.values()))
        for label, measure, write in rows_of(scenario)
    )
    table = Table(
        f"The same scenario for other values of lambda ({variants.words}; the column of this run "
        "therefore differs a little from the numbers above)",
        ("Men who", *(f"Lambda {value}" for value in values)),
        rows,
        numeric=(False, *[True] * len(values)),
        widths=(1.6, *[1.5] * len(values)),
    )
    return Section("lambda", TITLE, (Paragraph(ABOUT), table))


def rows_of(scenario: Scenario) -> list[Row]:
    """Return what is shown of each lambda: words, measure, and how its numbers are written."""
    names = scenario.destinations
    rows: list[Row] = [("set off", departures, count)]
    rows += [(f"got into {c.name}", partial(_got_in, name=n), count) for n, c in names.items()]
    rows += [
        (f"wanted {c.name} and were at home at the end", partial(_wanted, name=n), count)
        for n, c in names.items()
    ]
    rows.append(("had higher education, of those who set off", _educated, share))
    return rows


def _got_in(account: Account, name: str) -> Floats:
    return account.got_in(name)


def _wanted(account: Account, name: str) -> Floats:
    return account.men(account.status(f"wants-{name}"))


def _educated(account: Account) -> Floats:
    return account.share(account.outcomes["educated"].astype(bool), account.leavers())
