"""What those who receive people must have ready: beds, meals, staff, by date."""

from __future__ import annotations

import pandas as pd

from flowsim.findings.account import Account
from flowsim.findings.arrivals import NEED
from flowsim.findings.finding import Table
from flowsim.findings.words import count, day, exact, within

ROWS = 8  # dates of the table


def table(account: Account, found: pd.DataFrame) -> Table | None:
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
    step = max(1, round((len(dates) - 1) / (ROWS - 1)))
    lines = [
        (day(moment), *(_cell(part.loc[moment]) for part in by.values()))
        for moment in sorted(dates[::-1][::step])
    ]
    peaks = [part.index[int(part["q50"].to_numpy().argmax())] for part in by.values()]
    most = [_cell(part.loc[peak]) for part, peak in zip(by.values(), peaks, strict=True)]
    many = len(account.most.replications) > 1
    what = f"median, and 5\u00a0% to 95\u00a0% of the {account.most.repeated}" * many
    names = [words(str(name)) for name in by]
    return Table(
        "What they need, by date" + (f" ({what})" if what else ""),
        ("Date", *names),
        (*lines, ("most on any day", *most)),
        align="l" + "r" * len(names),
        widths=(1.4, *[1.8] * len(names)),
    )


def words(measure: str) -> str:
    """Return a need in words, from the name of its measure."""
    return measure.removeprefix(NEED).replace("_", " ")


def sentence(account: Account) -> str:
    """Return what each need is for one person, with its source; empty if there is none."""
    each = [
        f"{exact(need.value)} {words(name)} for each "
        f"{'person there' if need.of == 'present' else 'newcomer of the day'} ({need.source})"
        for name, need in account.scenario.needs.items()
    ]
    return f"Needs are persons times a factor of the scenario: {'; '.join(each)}." if each else ""


def _cell(row: pd.Series) -> str:
    return count(float(row["q50"])) + within(float(row["q05"]), float(row["q95"]))
