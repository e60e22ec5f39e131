"""How much of what followed each coinciding policy can explain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from flowsim.findings.account import records
from flowsim.findings.finding import Finding, Table
from flowsim.findings.words import between, capital, count, signed, within
from flowsim.results.comparison import ALL, COMMON, REST, WHOLE, title_of

Row = Mapping[str, Any]
TITLE = "Policies that came at the same time"
ABOUT = (
    "Several policies came within days of each other. Every combination of them was run with the "
    "same men. A policy's share is its mean effect over all orders in which they could have "
    "come (Shapley value); the range beside it runs from the order that favours it least to the "
    "one that favours it most. Where that range is wide, the data cannot tell the policies apart. "
    "Intervals hold chance alone, no doubt about the parameters."
)


def finding(table: pd.DataFrame) -> Finding:
    """Return what each policy explains; nothing if it was not asked for."""
    if table.empty:
        return Finding("coinciding", TITLE)
    targets = _targets(table)
    tables = tuple(_table(rows, target) for target, rows in targets.items())
    return Finding("coinciding", TITLE, (ABOUT, *map(_sentence, targets, targets.values())), tables)


def _targets(table: pd.DataFrame) -> dict[str, dict[str, Row]]:
    """Return the rows of each target by policy."""
    found: dict[str, dict[str, Row]] = {}
    for row in records(table):
        found.setdefault(str(row["target"]), {})[str(row["policy"])] = row
    return found


def _sentence(target: str, rows: dict[str, Row]) -> str:
    return (
        f"{capital(target)}: {count(float(rows[WHOLE]['effect']))} {rows[WHOLE]['unit']} with all "
        f"of them, {count(float(rows[REST]['effect']))} without any. Together they make "
        f"{_effect(rows[ALL])}; {_effect(rows[COMMON])} belongs to several and cannot be told "
        "apart."
    )


def _table(rows: dict[str, Row], target: str) -> Table:
    policies = {name: row for name, row in rows.items() if name not in (ALL, COMMON, REST, WHOLE)}
    return Table(
        f"What each policy makes of it: {target} ({rows[ALL]['unit']})",
        ("Policy", "Share", "Chance alone", "By the order of arrival"),
        tuple(
            (
                title_of(row),
                signed(float(row["effect"])),
                between(row["low"], row["high"], signed),
                f"{signed(float(row['least']))} to {signed(float(row['most']))}",
            )
            for name, row in policies.items()
        ),
        align="lrrr",
        widths=(2.0, 1.0, 1.6, 1.8),
    )


def _effect(row: Row) -> str:
    return signed(float(row["effect"])) + within(row["low"], row["high"], signed)
