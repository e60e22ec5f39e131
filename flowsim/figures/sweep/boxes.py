"""What leads to an outcome: the boxes on the way, from all points to the smallest and densest."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from flowsim.errors import ResultsError
from flowsim.figures import Family
from flowsim.figures.layout import panels
from flowsim.figures.layout.panels import Frame
from flowsim.figures.layout.sheet import Key
from flowsim.figures.layout.style import BLUE, INK, QUIET
from flowsim.figures.sweep import swept
from flowsim.figures.sweep.swept import Panel, Parts, Shown, Swept, View
from flowsim.findings import sweep as words
from flowsim.findings.words import exact, share
from flowsim.sweep.boxes import Discovery, discover

FAMILY = Family("boxes", "which values lead to an outcome: coverage against density", order=7)
WAY: dict[str, Any] = {"color": QUIET, "marker": "o", "markersize": 2.5, "linewidth": 0.9}
TAKEN: dict[str, Any] = {"color": BLUE, "marker": "o", "markersize": 6, "linewidth": 0}


def missing(results: Any) -> str:
    """Return why there is nothing to draw, if so."""
    given = swept.of(results)
    if not _asked(given):
        return "its file asks for none; add to figures: {kind: boxes, output: ..., threshold: ...}"
    return "" if any(not table(given, panel).empty for panel in _asked(given)) else "too few cases"


def _asked(given: Swept) -> list[Panel]:
    return [panel for panel in given.panels(FAMILY.name) if panel.threshold is not None]


def found_in(given: Swept, panel: Panel) -> Discovery | None:
    """Return what leads to the output of a panel above its threshold; None if cases are few."""
    output = panel.output
    try:
        return discover(
            given.results,
            output.name,
            place=output.place_id,
            scenario=panel.scenario,
            above=panel.threshold,
        )
    except ResultsError:
        return None


def table(given: Swept, panel: Panel) -> pd.DataFrame:
    """Return the boxes on the way and, last, the one taken, bounded only beyond chance."""
    found = found_in(given, panel)
    if found is None:
        return pd.DataFrame()
    box = found.box
    way = found.table().assign(taken=False)
    taken = pd.DataFrame([(box.coverage, box.density, box.support, len(box.limits), True)])
    rows = pd.concat([way, taken.set_axis(way.columns, axis=1)], ignore_index=True)
    return rows.assign(**panel.columns, threshold=panel.threshold)


def draw(rows: pd.DataFrame, ax: Axes) -> None:
    """Draw one panel: density over coverage, in per cent; the larger the box, the further right.

    Parameters
    ----------
    rows : DataFrame
        Of ``table``.
    """
    way, taken = rows[~rows["taken"]], rows[rows["taken"]]
    ax.plot(100 * way["coverage"], 100 * way["density"], zorder=2, **WAY)
    ax.plot(100 * taken["coverage"], 100 * taken["density"], zorder=3, **TAKEN)
    start = 100 * float(way["density"].iloc[0])
    ax.axhline(start, color=INK, linewidth=0.7, linestyle=(0, (1, 2)), zorder=1)
    ax.set(xlim=(0, 104), ylim=(0, 104))


def _draw_panel(view: View, frame: Frame) -> None:
    ax = frame.axes()
    draw(view.rows, ax)
    for axis in (ax.xaxis, ax.yaxis):
        panels.number_ticks(axis, 5, lambda value: f"{value:g}")
    frame.head(f"{view.heading} above {exact(_limit(view))}", "↑ density: cases in the box, %")
    frame.foot("coverage: of all cases, % in the box →")


def _limit(view: View) -> float:
    return float(view.rows["threshold"].iloc[0])


def finding(view: View) -> str:
    """State what leads to the outcome of the first panel."""
    found = found_in(view.given, view.panel)
    assert found is not None
    what = f"{view.panel.output.label} above {exact(_limit(view))}"
    return words.where_it_came(view.given.results, found, what).removesuffix(".")


def _keys(_shown: Shown) -> list[Key]:
    return [
        Key("boxes on the way, each a little smaller", WAY),
        Key("the box taken, bounded only where chance is not enough", TAKEN),
        Key("share of all points", {"color": INK, "linewidth": 0.7, "linestyle": (0, (1, 2))}),
    ]


def _in_words(view: View) -> str:
    taken = view.rows.iloc[-1]
    return (
        f"{view.heading}: of {len(view.rows) - 1} boxes the one taken has a coverage of "
        f"{share(float(taken['coverage']))} and a density of {share(float(taken['density']))}"
    )


draw_figure = Parts(
    FAMILY.name,
    table,
    _draw_panel,
    finding,
    _in_words,
    _keys,
    lambda shown: shown.given.notes(FAMILY.name, shown.panels, words.OF_BOXES),
    lambda shown: shown.height(58.0, 80.0),
    lambda shown: shown.room(9.0),
    _asked,
    on_slide=2,
).draw
