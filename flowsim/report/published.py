"""The simulation beside what was published, inputs told apart from tests."""

from __future__ import annotations

import math

import pandas as pd

from flowsim.data import sources
from flowsim.findings.account import place_name, told
from flowsim.findings.words import count, rate, short_day
from flowsim.report.document import Link, Paragraph, Section, Table, Words
from flowsim.scenario.schema import Scenario
from flowsim.types import Floats

YEAR = 2022
ROLES = {"fit": "fitted", "validate": "a test: not fitted"}
MEASURES = {
    "entries": "entries",
    "entries_men": "entries of men",
    "exits": "exits",
    "queue_cars": "cars in the queue",
    "queue_persons": "persons in the queue",
    "wait_hours": "hours of waiting",
    "cars_cleared": "cars let through",
    "crossings_out": "persons let through",
    "notices": "notices served",
    "called_up": "called up so far",
    "passport_share": "per cent with a passport",
}


def section(summary: pd.DataFrame, scenario: Scenario) -> Section:
    """Return the comparison with every published figure that falls within the horizon.

    Parameters
    ----------
    summary : DataFrame
        ``summary.csv`` of a run.
    """
    title = "Beside the published figures"
    if summary.empty:
        words = "No published figure falls within this scenario's period."
        return Section("published", title, (Paragraph(words),))
    known = {figure.id: figure for figure in sources.observations()}
    rows: list[tuple[Words, ...]] = []
    marked = []
    for place, (name, group) in enumerate(summary.groupby("observation", sort=False)):
        first = group.iloc[0]
        figure = known.get(str(name))
        if first["is_input"]:
            marked.append(place)
        rows.append(
            (
                _what(first, scenario),
                _days(first),
                _published(first),
                told(group["simulated"].to_numpy(dtype=float), _writer(first)),
                _ratio(group, float(first["published"])),
                "input, not evidence" if first["is_input"] else ROLES.get(first["role"], ""),
                Link(figure.source_name, figure.source_url) if figure else "",
            )
        )
    table = Table(
        "Published and simulated, for the same place and window",
        ("What", "When (2022, if no year)", "Published", "Simulated", "Ratio", "Role", "Source"),
        tuple(rows),
        numeric=(False, False, True, True, True, False, False),
        widths=(2.2, 1.3, 1.5, 1.9, 0.7, 1.1, 2.6),
        marked=frozenset(marked),
    )
    return Section("published", title, (Paragraph(_verdict(summary)), Paragraph(ABOUT), table))


ABOUT = (
    "Published counts are crossings of the border by both sexes and all ages, ordinary traffic "
    "included. Entries into Georgia measure what the road could carry; the queue measures how many "
    "wanted to come. Rows marked 'input, not evidence' were given to the model, so that agreement "
    "with them proves nothing."
)


def _verdict(summary: pd.DataFrame) -> str:
    """Return how far the figures that the model was never fitted to are met."""
    tests = summary[summary["role"].eq("validate") & ~summary["is_input"].astype(bool)]
    zero = tests[tests["published"].eq(0)].groupby("observation")["simulated"].mean()
    tests = tests[tests["published"].gt(0)]
    if tests.empty:
        return "No figure in this period is left to test the model: all were fitted to, or inputs."
    means = tests.groupby("observation", sort=False)[["published", "simulated"]].mean()
    ratios = (means["simulated"] / means["published"]).to_numpy(dtype=float)
    near = int((abs(ratios - 1) <= 0.2).sum())
    return (
        f"Of the {len(ratios)} published figures above zero that the model was not fitted to, "
        f"{near} are met within a fifth; the worst is {_worst(ratios)}."
        + "".join(f" One published as zero is simulated at {count(float(v))}." for v in zero)
    )


def _worst(ratios: Floats) -> str:
    worst = max(ratios, key=lambda ratio: abs(math.log(max(ratio, 1e-9))))
    return f"simulated at {rate(float(worst))} times what was published"


def _what(row: pd.Series, scenario: Scenario) -> str:
    measure = str(row["measure"])
    per_day = " a day" if str(row["unit"]).endswith(("/day",)) else ""
    place = place_name(str(row["place_id"]), scenario)
    return f"{place}: {MEASURES.get(measure, measure.replace('_', ' '))}{per_day}"


def _days(row: pd.Series) -> str:
    start, end = pd.Timestamp(row["from"]), pd.Timestamp(row["to"])
    last = end if start == end else end - pd.Timedelta(minutes=1)
    year = f" {start:%Y}" if start.year != YEAR else ""
    if start == end:
        return f"{short_day(start)}{year}, {start:%H:%M}"
    if start.date() == last.date():
        return f"{short_day(start)}{year}"
    return f"{short_day(start)} to {short_day(last)}{year}"


def _published(row: pd.Series) -> str:
    low, high = float(row["low"]), float(row["high"])
    value = f"{row['published']:,.0f}"
    return value if low == high else f"{value} ({low:,.0f} to {high:,.0f})"


def _writer(row: pd.Series):  # type: ignore[no-untyped-def]
    return rate if row["measure"] in ("passport_share", "wait_hours") else count


def _ratio(group: pd.DataFrame, published: float) -> str:
    return f"{group['simulated'].mean() / published:.2f}" if published else "–"
