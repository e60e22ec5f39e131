"""How much of what followed 28 September each coinciding policy can explain."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from flowsim.comparison.coincidence import ALL, COMMON, REST, WHOLE, title_of
from flowsim.findings.account import records
from flowsim.findings.paired import signed
from flowsim.findings.words import count
from flowsim.report.document import Block, Paragraph, Section, Table

Row = Mapping[str, Any]

TITLE = "Policies that came at the same time"
ABOUT = (
    "After 28 September several policies fall together. Every combination of them was run with "
    "the same men. A policy's share is its mean effect over all orders in which they could have "
    "come (Shapley value); the range beside it runs from the order that favours it least to the "
    "one that favours it most. Where that range is wide, the data cannot tell the policies apart."
)


def section(table: pd.DataFrame) -> Section | None:
    """Return what each policy explains; None if it was not asked for."""
    if table.empty:
        return None
    blocks: list[Block] = [Paragraph(ABOUT)]
    for target in table["target"].unique():
        blocks += _target(_by_policy(table, target), str(target))
    return Section("coinciding", TITLE, tuple(blocks))


def sentences(table: pd.DataFrame) -> Iterator[str]:
    """Say of each target how much cannot be told apart."""
    if table.empty:
        return
    for target in table["target"].unique():
        rows = _by_policy(table, target)
        unit = rows[ALL]["unit"]
        yield (
            f"{_upper(str(target))}: the policies together make {_with(rows, ALL)} {unit}. What "
            f"cannot be told apart between them is {_with(rows, COMMON)}."
        )


def _by_policy(table: pd.DataFrame, target: str) -> dict[str, Row]:
    return {str(row["policy"]): row for row in records(table[table["target"].eq(target)])}


def _target(rows: dict[str, Row], target: str) -> list[Block]:
    unit = rows[ALL]["unit"]
    words = (
        f"{_upper(target)}: {count(float(rows[WHOLE]['effect']))} {unit} with all of them, "
        f"{count(float(rows[REST]['effect']))} without any. Together they make "
        f"{_with(rows, ALL)}; {_with(rows, COMMON)} belongs to several and cannot be told apart."
    )
    policies = [name for name in rows if name not in (ALL, COMMON, REST, WHOLE)]
    table = Table(
        f"What each policy makes of it: {target} ({unit})",
        ("Policy", "Share", "95 % interval", "By the order of arrival"),
        tuple(
            (
                title_of(name),
                signed(float(rows[name]["effect"])),
                _interval(rows[name]),
                f"{signed(float(rows[name]['least']))} to {signed(float(rows[name]['most']))}",
            )
            for name in policies
        ),
        numeric=(False, True, True, True),
        widths=(2.0, 1.0, 1.6, 1.8),
    )
    return [Paragraph(words), table]


def _with(rows: dict[str, Row], policy: str) -> str:
    row = rows[policy]
    interval = _interval(row)
    return signed(float(row["effect"])) + (f" ({interval})" if interval else "")


def _interval(row: Row) -> str:
    low, high = float(row["low"]), float(row["high"])
    known = math.isfinite(low) and math.isfinite(high)
    return f"{signed(low)} to {signed(high)}" if known else ""


def _upper(words: str) -> str:
    return words[:1].upper() + words[1:].replace("georgia", "Georgia")
