"""Published figures beside simulated ones: which may be shown where, and as what.

A figure that set an input of the model proves nothing by agreeing with it, and is drawn
hollow. That is so for the rows the data README lists as inputs, and for every row that the
scenario cites as the source of ordinary traffic or of a capacity. Beside a scenario that is not
what happened all are grey: they are no test of it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from flowsim.figures.layout.sheet import Key, at
from flowsim.figures.layout.style import INK, QUIET, RULE
from flowsim.findings.inputs import cited_ids, is_counterfactual
from flowsim.findings.published import LEGEND
from flowsim.scenario.clock import Offset
from flowsim.scenario.observing import figures_of, window
from flowsim.scenario.schema import Scenario

COLUMNS = ["id", "role", "start", "end", "value", "low", "high", "source_name", "source_url"]
LOOKS: dict[str, dict[str, Any]] = {
    "fit": {"marker": "o", "markerfacecolor": INK, "markersize": 4.2},
    "validate": {"marker": "D", "markerfacecolor": INK, "markersize": 5.2},
    "input": {"marker": "o", "markerfacecolor": "white", "markersize": 4.2},
    "happened": {"marker": "o", "color": QUIET, "markerfacecolor": RULE, "markersize": 4.2},
}


def published(scenario: Scenario, measure: str, place_id: str, offset: Offset) -> pd.DataFrame:
    """Return the published figures of a measure at a place that fall into the horizon.

    Parameters
    ----------
    offset : Offset
        Hours from UTC of the clock in which the windows are wanted.

    Returns
    -------
    DataFrame
        Columns ``COLUMNS``; ``value`` of a sum is per day of its window.
    """
    cited = [place.background.source for place in scenario.destinations.values()]
    for crossing in scenario.crossings.values():
        numbers = (crossing.capacity, crossing.vehicles, crossing.walkers, crossing.foot_share)
        cited += [number.source for number in numbers if number is not None]
    inputs = {name for text in cited for name in cited_ids(text)}
    rows, clock = [], scenario.horizon.clock
    for seen in figures_of(scenario):
        if (seen.model_measure, seen.place_id) != (measure, place_id):
            continue
        when = window(seen, clock)
        if when is None or when[1] < clock.start or when[0] >= clock.end:
            continue
        start, end = (clock.local(moment, offset) for moment in when)
        days = 1.0
        if measure == "entries" and not seen.per_day:
            days = (end - start) / timedelta(days=1)
        role = "input" if seen.is_input or seen.id in inputs else str(seen.role)
        values = (seen.value / days, seen.low / days, seen.high / days)
        rows.append((seen.id, role, start, end, *values, seen.source_name, seen.source_url))
    found = pd.DataFrame(rows, columns=COLUMNS)
    return found.assign(role="happened") if rows and is_counterfactual(scenario) else found


def beside(
    own: pd.DataFrame, scenario: Scenario, measure: str, place_id: str, offset: Offset, **words: str
) -> list[pd.DataFrame]:
    """Return simulated and published rows of a measure at a place, ``words`` in columns of each."""
    place = {"place_id": place_id, "measure": measure, **words}
    seen = published(scenario, measure, place_id, offset)
    return [own.assign(series="simulated", **place), seen.assign(series="published", **place)]


def draw(rows: pd.DataFrame, ax: Axes) -> None:
    """Draw published figures: a marker in the middle of the window, lines for window and range.

    Parameters
    ----------
    rows : DataFrame
        As ``published`` gives them; ``role`` decides the marker.
    """
    first, last = ax.get_xlim()
    left = np.maximum([at(start) for start in rows["start"]], first)
    right = np.minimum([at(end) for end in rows["end"]], last)
    middle, values = (left + right) / 2, rows["value"].to_numpy()
    ink = np.array([LOOKS[str(role)].get("color", INK) for role in rows["role"]])
    long = (rows["end"] - rows["start"] > timedelta(days=1)).to_numpy()
    wide = (rows["high"] > rows["low"]).to_numpy()
    line: dict[str, Any] = {"linewidth": 0.7, "zorder": 4}
    if long.any():
        ax.hlines(values[long], left[long], right[long], colors=list(ink[long]), **line)
    if wide.any():
        low, high = rows.loc[wide, ["low", "high"]].to_numpy().T
        ax.vlines(middle[wide], low, high, colors=list(ink[wide]), **line)
    marks: dict[str, Any] = {"linestyle": "none", "markeredgewidth": 0.8, "zorder": 5}
    for role in dict.fromkeys(rows["role"]):
        own, look = (rows["role"] == role).to_numpy(), {"color": INK} | LOOKS[str(role)]
        ax.plot(middle[own], values[own], clip_on=False, **marks | look)


def keys(rows: pd.DataFrame) -> list[Key]:
    """Return the key entries for the roles that occur."""
    return [
        Key(LEGEND[role], {"linestyle": "none", "color": INK} | LOOKS[role])
        for role in LOOKS
        if (rows["role"] == role).any()
    ]
