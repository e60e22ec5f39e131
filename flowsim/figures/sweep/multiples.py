"""Small multiples: the same daily curve in each scenario, or at each value of a parameter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from flowsim.figures.families import Family
from flowsim.figures.layout import panels
from flowsim.figures.layout import policy_bars as marks
from flowsim.figures.layout.caption import Caption
from flowsim.figures.layout.panels import Frame, Room
from flowsim.figures.layout.save import Drawn
from flowsim.figures.layout.sheet import Key
from flowsim.figures.layout.style import BLUE, RULE, Preset
from flowsim.figures.layout.tables import highest
from flowsim.figures.sweep import swept
from flowsim.figures.sweep.swept import Output, Panel, Swept, capitalised, value_text
from flowsim.findings.naming import Named, output_label
from flowsim.findings.words import day, listed

FAMILY = Family("small-multiples", "daily curves, a panel for each world", order=6)
MOST = 9
LEAST_AGAIN = 1.05


@dataclass(frozen=True)
class Shown:
    """What the panels show: one series, and what tells the panels apart.

    Attributes
    ----------
    by : Named or None
        A parameter, each value a panel; None if each scenario is one.
    """

    output: Output
    by: Named | None


def missing(results: Any) -> str:
    """Return why there is nothing to draw, if so."""
    return "" if shown(swept.of(results)) else "it kept no daily series of several worlds"


def shown(given: Swept) -> Shown | None:
    """Choose the series (of the file, else of the first output that was kept by day)."""
    asked = given.asked(FAMILY.name)
    kept = given.daily
    if kept.empty:
        return None
    by = _by(given, asked[0].x if asked else None)
    if by is None and len(given.scenarios) < 2:
        return None
    there = {(str(m), str(p)) for m, p in kept[["measure", "place_id"]].drop_duplicates().values}
    wanted = asked[0].output if asked else None
    for output in given.outputs:
        if wanted in (None, output.name) and (output.measure, output.place_id) in there:
            return Shown(output, by)
    return None


def _by(given: Swept, asked: str | None) -> Named | None:
    """Return the parameter whose values are panels; None if scenarios are."""
    if asked is not None:
        return given.parameters.get(asked)
    if len(given.scenarios) > 1 or given.kind in swept.SAMPLES:
        return None
    first = Panel(next(iter(given.scenarios)), given.outputs[0])
    few = [
        one for one in given.ranked(first) if given.design[one.key].astype(str).nunique() <= MOST
    ]
    return few[0] if few else None


def draw_figure(results: Any, preset: Preset) -> Drawn:
    """Arrange a panel for each scenario or value, the others in grey behind each."""
    given = swept.of(results)
    what = shown(given)
    if what is None:
        raise ValueError(missing(given))
    data = table(given, what)
    worlds = list(dict.fromkeys(data["world"]))
    subtitle = _subtitle(given, what)
    caption = Caption(
        FAMILY.name,
        data,
        finding(given, what, data),
        subtitle,
        given.source,
        given.notes(FAMILY.name, (), _notes(given, what)),
        _keys(given),
        [subtitle, *_told(what, data)],
    )
    top = 1.06 * max(float(data["high"].max()), float(data["value"].max()), 1e-9)
    wide = panels.widest(panels.tick_texts(0, top, 4, what.output.tick), preset)
    room = Room(wide + 4.0, 2.0, 5.0 * preset.scale, 6.0 * preset.scale)

    def draw_panel(place: int, frame: Frame) -> None:
        ax = frame.axes()
        marks.time_axis(ax, given.first.horizon, frame.width, preset, inside=True)
        draw(data, worlds[place], ax)
        ax.set_ylim(0, top)
        panels.number_ticks(ax.yaxis, 4, what.output.tick)
        frame.head(worlds[place])

    beside = _beside(len(worlds), preset)
    return panels.drawn(caption, preset, len(worlds), 30.0, room, draw_panel, beside)


def _beside(n: int, preset: Preset) -> int:
    if preset.narrow:
        return min(n, 2)
    if preset.height is not None:
        return -(-n // (1 if n <= 4 else 2))
    return min(n, 3)


def table(given: Swept, what: Shown) -> pd.DataFrame:
    """Return what is drawn: by world and day the mean over points and replications, its range.

    The range is that of the replications (each a mean over points).
    """
    rows = given.daily
    rows = rows[
        (rows["measure"].astype(str) == what.output.measure)
        & (rows["place_id"].astype(str) == what.output.place_id)
    ]
    rows = rows.assign(**_worlds(given, what, rows))
    keys = ["order", "world", "date"]
    each = rows.groupby([*keys, "replication"], observed=True)["value"].mean().unstack()
    found = pd.DataFrame(swept.spread(each)).reset_index().sort_values(["order", "date"])
    found = found.assign(measure=what.output.measure, place_id=what.output.place_id).reset_index(
        drop=True
    )
    return found[["world", "measure", "place_id", "date", "value", "low", "high"]]


def _worlds(given: Swept, what: Shown, rows: pd.DataFrame) -> dict[str, Any]:
    """Return the panel of each row, and the panels' order."""
    if what.by is None:
        names = list(given.scenarios)
        texts = {name: given.scenario_name(name) for name in names}
        which = rows["scenario"].astype(str)
        return {"order": which.map(names.index), "world": which.map(texts)}
    column = given.design[what.by.key]
    order = pd.Series(swept.numbers(column, what.by), index=given.design.index)
    texts = dict(zip(column.index, (value_text(v, what.by) for v in column), strict=True))
    return {"order": rows["point"].map(order), "world": rows["point"].map(texts)}


def draw(data: pd.DataFrame, world: str, ax: Axes) -> None:
    """Draw one panel: the world's curve with its range, the others in grey.

    Parameters
    ----------
    data : DataFrame
        Of ``table``.
    """
    for other, rows in data.groupby("world", sort=False):
        if other != world:
            ax.plot(rows["date"], rows["value"], color=RULE, linewidth=0.6, zorder=1)
    own = data[data["world"] == world]
    if (own["high"] > own["low"]).any():
        ax.fill_between(own["date"], own["low"], own["high"], color=BLUE, alpha=0.25, lw=0)
    ax.plot(own["date"], own["value"], color=BLUE, linewidth=1.3, zorder=3)


def finding(given: Swept, what: Shown, data: pd.DataFrame) -> str:
    """State where the daily series rises highest and where least."""
    peaks = _peaks(data)
    label = _series(given, what)
    if not peaks:
        return f"{label}: no values"
    ranked = sorted(peaks, key=lambda world: -peaks[world][0])
    (most, when), (least, then) = peaks[ranked[0]], peaks[ranked[-1]]
    ahead = "" if what.by is None else f"{what.by.label}: "
    text = f"{label}: at most {what.output.amount(most)} a day on {day(when)}"
    if most <= LEAST_AGAIN * least:
        return f"{text}, much the same in all {len(peaks)} panels"
    return f"{text} ({ahead}{ranked[0]}), {what.output.amount(least)} on {day(then)} ({ranked[-1]})"


def _peaks(data: pd.DataFrame) -> dict[str, tuple[float, datetime]]:
    """Return the greatest value of each world, and its day."""
    known = data[data["value"].notna()]
    return {
        str(world): highest(rows.set_index("date")["value"])
        for world, rows in known.groupby("world", sort=False)
    }


def _series(given: Swept, what: Shown) -> str:
    return capitalised(output_label(what.output.measure, what.output.place_id, given.first))


def _subtitle(given: Swept, what: Shown) -> str:
    by = "scenario" if what.by is None else f"value of {what.by.label}"
    return f"{given.title}. {_series(given, what)} by day, a panel for each {by}."


def _keys(given: Swept) -> list[Key]:
    keys = [Key("mean", {"color": BLUE, "linewidth": 1.3})]
    n = given.n_replications
    if n > 1:
        span = "range" if n <= swept.FEW else "5 % to 95 %"
        keys.append(Key(f"{span} of {n} replications", {"color": BLUE, "alpha": 0.25}, patch=True))
    return [*keys, Key("the other panels", {"color": RULE, "linewidth": 0.6})]


def _notes(given: Swept, what: Shown) -> str:
    rest = [one.label for one in given.varied if one is not what.by]
    if len(rest) > 3:
        return f"Means over {len(rest)} other parameters."
    return f"Means over {listed(rest)}." if rest else ""


def _told(what: Shown, data: pd.DataFrame) -> list[str]:
    return [
        f"{world}: at most {what.output.amount(most)} on {day(when)}."
        for world, (most, when) in _peaks(data).items()
    ]
