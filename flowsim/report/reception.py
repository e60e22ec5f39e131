"""One page for those who receive people, for each destination, and its table as CSV.

Beside it stands the same scenario under what the data do not tell: other lambdas, other lengths of
stay. A run knows one lambda only; the others are simulated here with a small sample, every variant
from the same men, so that they can be set beside each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from flowsim.figures.run.reception import Panel, draw
from flowsim.findings import reception, run
from flowsim.findings.account import Account
from flowsim.findings.finding import Finding
from flowsim.findings.naming import title
from flowsim.findings.reception import CHANCE, line_of, measures, quantiles
from flowsim.findings.words import capital, plural, sampled
from flowsim.report.document import Block, Bullets, Paragraph, Picture, Section
from flowsim.scenario.lambdas import VALUES, with_lambda
from flowsim.scenario.schema import Scenario

SAMPLE = 0.01
REPLICATIONS = 3


@dataclass(frozen=True)
class Variants:
    """What was simulated beside a run.

    Attributes
    ----------
    lambdas : dict
        By value of lambda, the scenario's own among them.
    stays : dict
        By a few words: the least and the most that may move on to a third country.
    """

    sample: float
    replications: int
    own: float
    lambdas: dict[float, Account]
    stays: dict[str, Account]

    @property
    def words(self) -> str:
        """With how many men and replications they were simulated."""
        return f"{sampled(self.sample)}, {plural(self.replications, 'replication')}"

    @property
    def under_lambdas(self) -> Finding:
        """What changes under other values of lambda."""
        return run.under_lambdas(self.lambdas, self.own, self.words)

    @property
    def assumptions(self) -> dict[str, Account]:
        """All of them by what each assumes."""
        lambdas = {
            f"lambda {value:g}" + (", as assumed" if value == self.own else ""): account
            for value, account in self.lambdas.items()
        }
        return lambdas | self.stays


def simulated(
    scenario: Scenario, replications: int, announce: Callable[[str], None] = lambda _: None
) -> Variants:
    """Simulate a scenario's variants with a small sample.

    Parameters
    ----------
    replications : int
        Of the run beside which they stand; at most three are made.
    """
    n, sample = min(REPLICATIONS, replications), min(SAMPLE, scenario.sample)
    small = scenario.model_copy(update={"sample": sample})
    own = scenario.choice.lambda_.value
    announce(f"simulating what the data leave open, with {100 * sample:g} % of the men")
    lambdas = {value: account_of(with_lambda(small, value), n) for value in sorted({*VALUES, own})}
    stays = {words: account_of(other, n) for words, other in with_stays(small).items()}
    return Variants(sample, n, own, lambdas, stays)


def with_stays(scenario: Scenario) -> dict[str, Scenario]:
    """Return a scenario with the least and the most that the bounds let move on."""
    bounds = {
        name: stay.move_on.free for name, stay in scenario.abroad.items() if stay.move_on.free
    }
    if not bounds:
        return {}
    found = {}
    for end, words in ((0, "fewest move on"), (1, "most move on")):
        abroad = dict(scenario.abroad)
        for name, free in bounds.items():
            move_on = abroad[name].move_on.model_copy(update={"value": free[end]})
            abroad[name] = abroad[name].model_copy(update={"move_on": move_on})
        rates = sorted({free[end] for free in bounds.values()})
        label = f"{words} ({' or '.join(f'{rate:.3g}' for rate in rates)} a day)"
        found[label] = scenario.model_copy(update={"abroad": abroad})
    return found


def account_of(scenario: Scenario, replications: int) -> Account:
    """Simulate a scenario in memory."""
    from flowsim.experiments.simulate import tables  # a report with ``quick`` does without Mesa

    return Account(scenario, *tables(scenario, replications))


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
