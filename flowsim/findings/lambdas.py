"""Several values of lambda side by side: what the answer hangs on and the data do not tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from flowsim.findings.account import Account
from flowsim.findings.finding import Finding, Table
from flowsim.findings.ranges import ranged
from flowsim.findings.words import count, share
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


def of_run(accounts: Mapping[float, Account], own: float, simulated: str) -> Finding:
    """Return the outcomes of one scenario for each lambda.

    Parameters
    ----------
    accounts : mapping
        By value of lambda.
    simulated : str
        With how many men and replications.
    """
    names = [f"{value:g}" + (" (this run)" if value == own else "") for value in accounts]
    caption = (
        f"The same scenario for other values of lambda ({simulated}; the column of this run "
        "therefore differs a little from the numbers above)"
    )
    rows = tuple(
        (label, *(ranged(measure(one), write) for one in accounts.values()))
        for label, (measure, write) in _rows(accounts[own].scenario).items()
    )
    return Finding("lambda", TITLE, (ABOUT,), (columns(caption, "Men who", names, rows),))


def columns(caption: str, what: str, values: list[str], rows: tuple[tuple[str, ...], ...]) -> Table:
    """Return a table with a column for each lambda."""
    n = len(values)
    header = (what, *(f"Lambda {value}" for value in values))
    return Table(caption, header, rows, align="l" + "r" * n, widths=(1.7, *[1.5] * n))


Measured = tuple[Callable[[Account], Floats], Callable[[float], str]]


def _rows(scenario: Scenario) -> dict[str, Measured]:
    """Return what is shown of each lambda: measure, and how its numbers are written, by words."""
    names = {key: country.name for key, country in scenario.destinations.items()}
    return {
        "set off": (Account.departures, count),
        **{f"got into {n}": (partial(_got_in, place=key), count) for key, n in names.items()},
        **{
            f"wanted {n} and were at home at the end": (partial(_wanted, place=key), count)
            for key, n in names.items()
        },
        "had higher education, of those who set off": (_educated, share),
    }


def _got_in(account: Account, place: str) -> Floats:
    return account.got_in(place)


def _wanted(account: Account, place: str) -> Floats:
    return account.men(account.status(f"wants-{place}"))


def _educated(account: Account) -> Floats:
    return account.share(account.educated, account.leavers())
