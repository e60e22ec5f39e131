"""The simulation beside what was published, inputs apart from tests."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from flowsim.data import sources
from flowsim.findings.finding import Finding, Link, Table
from flowsim.findings.naming import output_label
from flowsim.findings.ranges import ranged
from flowsim.findings.words import capital, count, rate, whole, window, within
from flowsim.scenario.schema import Scenario
from flowsim.types import Floats

TITLE = "Beside the published figures"
INPUT, FITTED, TEST = "input, not evidence", "fitted", "a test: not fitted"
SEEN = "no test: seen"  # a run cannot know which figures a calibration took up
CAPTION = "Published and simulated, for the same place and window (2022, where no year is named)"
ABOUT = (
    "Published counts are crossings of the border by both sexes and all ages, ordinary traffic "
    f"included. Rows marked '{INPUT}' were given to the model, so that agreement with them proves "
    "nothing."
)


@dataclass(frozen=True)
class Beside:
    """A published figure and what the model makes of it.

    Attributes
    ----------
    window : pair of datetime, optional
        Equal for a moment; unknown for figures of the user's own.
    low, high : float
        The published range; equal to ``published`` if there is none.
    simulated : str
        Mean and range in words.
    mean : float
        The mean alone.
    """

    id: str
    place_id: str
    measure: str
    window: tuple[datetime, datetime] | None
    published: float
    low: float
    high: float
    simulated: str
    mean: float
    role: str
    per_day: bool


def of_run(summary: pd.DataFrame, scenario: Scenario, drawn: pd.DataFrame | None = None) -> Finding:
    """Return the comparison of a run with every published figure that falls within its horizon.

    Parameters
    ----------
    summary : DataFrame
        ``summary.csv`` of the run.
    drawn : DataFrame, optional
        The same under draws of the parameters, whose ranges are then given.
    """
    summary = summary if drawn is None else drawn
    if summary.empty:
        nothing = "No published figure falls within this scenario's period."
        return Finding("published", TITLE, (nothing,))
    rows = [_of_group(group) for _, group in summary.groupby("observation", sort=False)]
    made = table(CAPTION, rows, scenario)
    n = summary["replication"].nunique()
    over = f"{n} replications, with their range: chance alone"
    over = over if drawn is None else f"{n} draws of the parameters, with their range: all doubt"
    ranges = (f"Simulated numbers are means over {over}.",) * (n > 1)
    return Finding("published", TITLE, (_verdict(summary), ABOUT, *ranges), (made,))


def _of_group(group: pd.DataFrame) -> Beside:
    first = group.iloc[0]
    values = group["simulated"].to_numpy(dtype=float)
    return Beside(
        id=str(first["observation"]),
        place_id=str(first["place_id"]),
        measure=str(first["measure"]),
        window=(pd.Timestamp(first["from"]), pd.Timestamp(first["to"])),
        published=float(first["published"]),
        low=float(first["low"]),
        high=float(first["high"]),
        simulated=ranged(values, writer(str(first["measure"]))),
        mean=float(values.mean()),
        role=INPUT if first["is_input"] else SEEN if first["role"] == "fit" else TEST,
        per_day=bool(first["per_day"]),
    )


def table(caption: str, rows: Iterable[Beside], scenario: Scenario) -> Table:
    """Return figures with place, time, both numbers, their ratio, role and source."""
    rows = list(rows)
    known = {figure.id: figure for figure in sources.observations()}
    return Table(
        caption,
        ("What", "When", "Published", "Simulated", "Ratio", "Role", "Source"),
        tuple(
            (
                capital(output_label(row.measure, row.place_id, scenario))
                + " a day" * row.per_day
                + ("" if row.id in known else f" ({row.id})"),
                window(*row.window) if row.window else "",
                _published(row),
                row.simulated,
                f"{row.mean / row.published:.2f}" if row.published else "–",
                row.role,
                Link(known[row.id].source_name, known[row.id].source_url)
                if row.id in known
                else Link("", ""),
            )
            for row in rows
        ),
        align="llrrrll",
        widths=(2.2, 1.3, 1.5, 1.9, 0.7, 1.1, 2.6),
        marked=frozenset(n for n, row in enumerate(rows) if row.role == INPUT),
    )


def named(id_: str, scenario: Scenario) -> str:
    """Write what a published figure counts, where and when; its id if it is not known."""
    figure = next((one for one in sources.observations() if one.id == id_), None)
    if figure is None or figure.window_start is None or figure.window_end is None:
        return id_
    when = window(figure.window_start, figure.window_end)
    return f"{output_label(figure.model_measure, figure.place_id, scenario)} ({when})"


def _published(row: Beside) -> str:
    unit = "\u00a0%" * (row.measure == "passport_share")
    return whole(row.published) + unit + within(row.low, row.high, whole)


def writer(measure: str) -> Callable[[float], str]:
    """Return how values of a measure are written."""
    if measure == "passport_share":
        return lambda value: f"{rate(value)}\u00a0%"
    return rate if measure == "wait_hours" else count


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
