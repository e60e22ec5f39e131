"""The simulation beside what was published, inputs apart from tests."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from flowsim.findings.account import Account
from flowsim.findings.finding import Finding, Link, Table, tabulated
from flowsim.findings.inputs import is_counterfactual
from flowsim.findings.naming import output_label
from flowsim.findings.ranges import ranged
from flowsim.findings.words import YEAR, capital, count, listed, rate, share, whole, window, within
from flowsim.scenario.observing import figures_of
from flowsim.scenario.schema import Scenario

TITLE, HAPPENED = "Beside the published figures", "What happened"
APART = 2.0  # times by which a published wait or queue and the simulated one contradict
WAITS = ("wait_", "queue_")
INPUT, FITTED, TEST = "input, not evidence", "no test: used to fit it", "a test: not seen"
SEEN = "no test: seen"  # a run cannot know which figures a calibration took up
LEGEND = {
    "fit": "published, seen when fitting: no test",
    "validate": "published, kept out of the fit: a test",
    "input": "published, but an input of the model: no evidence",
    "happened": "published: what happened",
}
"""What a published figure is to a run, by its role; ``happened`` in all of a counterfactual."""
WINDOWS = "for the same place and window"
COUNTS = (
    "Published counts are crossings of the border by both sexes and all ages, ordinary traffic "
    "included."
)
ABOUT = (
    f"{COUNTS} Rows marked '{INPUT}' were given to the model, and '{SEEN}' were seen when it was "
    "fitted: agreement with them proves nothing, or little."
)
NO_TEST = "This scenario is not what happened, so the published figures do not test it."
COUNTERFACTUAL = f"{NO_TEST} They stand here for what happened. {COUNTS}"


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


def of_run(
    summary: pd.DataFrame,
    scenario: Scenario,
    drawn: pd.DataFrame | None = None,
    every: bool = True,
) -> Finding:
    """Return the comparison of a run with every published figure that falls within its horizon.

    Parameters
    ----------
    summary : DataFrame
        ``summary.csv`` of the run.
    drawn : DataFrame, optional
        The same under draws of the parameters, whose ranges are then given.
    every : bool
        Whether to list those too that test nothing.
    """
    summary = summary if drawn is None else drawn
    if summary.empty:
        nothing = "No published figure falls within this scenario's period."
        return Finding("published", TITLE, (nothing,))
    rows = [_of_group(group) for _, group in summary.groupby("observation", sort=False)]
    n = summary["replication"].nunique()
    over = f"{n} replications, with their range: chance alone"
    over = over if drawn is None else f"{n} draws of the parameters, with their range: all doubt"
    ranges = (f"Simulated numbers are means over {over}.",) * (n > 1)
    if is_counterfactual(scenario):
        if not every:
            return Finding("published", HAPPENED, (NO_TEST,))
        made = table(f"What happened, and what this scenario has {WINDOWS}", rows, scenario, False)
        return Finding("published", HAPPENED, (COUNTERFACTUAL, *ranges), (made,))
    rows = [row for row in rows if every or row.role == TEST]
    tables = (table(f"Published and simulated, {WINDOWS}", rows, scenario),) * bool(rows)
    return Finding("published", TITLE, (_verdict(summary, scenario), ABOUT, *ranges), tables)


def contradicted(account: Account, crossing: str) -> list[str]:
    """Return the published waits and queues of a crossing that the simulation contradicts.

    Those are told apart by more than twice or less than half, or by a queue where none was
    published; none of a scenario that is not what happened.
    """
    table, scenario = account.beside, account.scenario
    if table is None or is_counterfactual(scenario):
        return []
    own = table[table["place_id"].eq(crossing) & table["measure"].str.startswith(WAITS)]
    rows = [_of_group(group) for _, group in own.groupby("observation", sort=False)]
    return [
        f"{output_label(row.measure, row.place_id, scenario)} ({window(*row.window)}), published "
        f"{_published(row) if row.published else 'none'}, simulated {row.simulated}"
        for row in rows
        if row.window and not row.low / APART <= row.mean <= max(row.high * APART, 1.0)
    ]


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


def table(caption: str, rows: Iterable[Beside], scenario: Scenario, scored: bool = True) -> Table:
    """Return figures with place, time, both numbers and source; if scored with ratio and role."""
    rows = list(rows)
    known = {figure.id: figure for figure in figures_of(scenario)}
    judged = (">Ratio 0.7", "Role 1.1") if scored else ()
    no_year = any(row.window is not None and row.window[0].year == YEAR for row in rows)

    def cells(row: Beside) -> tuple[str | Link, ...]:
        figure = known.get(row.id)
        what = capital(output_label(row.measure, row.place_id, scenario)) + " a day" * row.per_day
        ratio = f"{row.mean / row.published:.2f}" if row.published else "–"
        return (
            what if figure else f"{what} ({row.id})",
            window(*row.window) if row.window else "",
            _published(row),
            row.simulated,
            *((ratio, row.role) if scored else ()),
            Link(figure.source_name, figure.source_url) if figure else Link("", ""),
        )

    return tabulated(
        caption + f" ({YEAR}, where no year is named)" * no_year,
        ("What 2.2", "When 1.3", ">Published 1.5", ">Simulated 1.9", *judged, "Source 2.6"),
        map(cells, rows),
        (scored and row.role == INPUT for row in rows),
    )


def named(id_: str, scenario: Scenario) -> str:
    """Write what a published figure counts, where and when; its id if it is not known."""
    figure = next((one for one in figures_of(scenario) if one.id == id_), None)
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


def _verdict(summary: pd.DataFrame, scenario: Scenario) -> str:
    """Return how far the figures that the model was never fitted to are met."""
    tests = summary[summary["role"].eq("validate") & ~summary["is_input"].astype(bool)]
    zero = tests[tests["published"].eq(0)].groupby("observation")["simulated"].mean()
    tests = tests[tests["published"].gt(0)]
    if tests.empty:
        return "No figure in this period is left to test the model: all were seen, or inputs."
    means = tests.groupby("observation", sort=False)[["published", "simulated"]].mean()
    ratios = means["simulated"] / means["published"]
    near = int((abs(ratios - 1) <= 0.2).sum())
    worst = max(ratios.index, key=lambda one: abs(math.log(max(ratios[one], 1e-9))))
    none = [f"{named(str(one), scenario)} {count(float(value))}" for one, value in zero.items()]
    return (
        f"Of the {len(ratios)} published figures above zero that were kept out of the fit, "
        f"{near} are met within a fifth; the worst is {named(str(worst), scenario)}, where the "
        f"simulation has {_times(float(ratios[worst]))}."
        + f" Published as none, simulated: {listed(none)}."
        * bool(none)
    )


def _times(ratio: float) -> str:
    """Write a ratio of simulated to published as a newspaper would."""
    if ratio >= 1:
        return f"{rate(ratio)} times what was published"
    return f"{share(ratio)} of what was published" if ratio else "none of what was published"
