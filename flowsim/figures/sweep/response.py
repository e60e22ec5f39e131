"""An output against one parameter, a line for each value of another, or points of a sample."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from flowsim.figures import Family
from flowsim.figures.layout import panels
from flowsim.figures.layout.panels import Frame, Room
from flowsim.figures.layout.sheet import POINT, Key, fitted
from flowsim.figures.layout.style import BLUE, GREEN, INK, ORANGE, QUIET, VERMILION
from flowsim.figures.layout.tables import range_of
from flowsim.figures.sweep import swept
from flowsim.figures.sweep.swept import Panel, Parts, Shown, Swept, View, value_text
from flowsim.findings.sweep import independent

FAMILY = Family("response", "an output against a parameter, with bands", order=2)
MOST_LINES = 4
LINES = (BLUE, ORANGE, GREEN, VERMILION)
BINS = 8
THRESHOLD: dict[str, Any] = {"color": QUIET, "linewidth": 0.8, "linestyle": (0, (4, 3))}


def missing(results: Any) -> str:
    """Return why there is nothing to draw, if so."""
    given = swept.of(results)
    if given.kind == "morris" and not given.asked(FAMILY.name):
        return "a morris design moves one parameter at a time; see morris"
    return "" if given.numeric and _panels(given) else "no parameter that is a number varies"


def _panels(given: Swept) -> list[Panel]:
    """Return a panel for each output; scenarios are its lines if there is no other parameter.

    Of a sample the first output is shown against the parameters that matter most to it.
    """
    found = [panel for panel in given.panels(FAMILY.name) if panel.x in given.numeric]
    if found and not given.asked(FAMILY.name) and not is_lines(given, found[0]):
        best = [one for one in given.ranked(found[0]) if one in given.numeric]
        return [replace(found[0], x=one, y=None) for one in best[: swept.MOST_PANELS]]
    if len(given.scenarios) == 1 or any(panel.y is not None for panel in found):
        return found
    first = next(iter(given.scenarios))
    every = given.panels(FAMILY.name, most=swept.MOST_PANELS * len(given.scenarios))
    return [panel for panel in every if panel.scenario == first][: swept.MOST_PANELS]


def _over_scenarios(given: Swept, panel: Panel) -> list[Panel]:
    """Return a panel's parts: itself, or one for each scenario where these are its lines."""
    if panel.y is not None or not is_lines(given, panel):
        return [panel]
    return [replace(panel, scenario=name) for name in given.scenarios]


def is_lines(given: Swept, panel: Panel) -> bool:
    """Return whether a panel's points make lines: a grid over its parameters, or one parameter."""
    if panel.x is None:
        return False
    keys = [one.key for one in (panel.x, panel.y) if one is not None]
    is_sample = given.kind in swept.SAMPLES and len(given.varied) > 1
    return not is_sample and swept.is_grid(given.design, keys)


def table(given: Swept, panel: Panel) -> pd.DataFrame:
    """Return what a panel shows: mean, range and error at each value of its parameters.

    ``series`` is ``line`` (a line for each value of ``by``, or for each scenario), or ``point`` and
    ``middle``: the points of a sample, and their means in ``BINS`` classes of equal numbers.
    """
    parts = [_table(given, part) for part in _over_scenarios(given, panel)]
    return pd.concat(parts, ignore_index=True)


def _table(given: Swept, panel: Panel) -> pd.DataFrame:
    across, by = panel.across, panel.y
    if is_lines(given, panel):
        chosen = [across] if by is None else [across, by]
        rows = given.summary(panel, chosen).rename(columns={"at_0": "x"})
        rows = rows.assign(series="line", by="")
        if by is not None:
            rows["by"] = [value_text(value, by) for value in rows[by.key]]
        elif len(given.scenarios) > 1:
            rows["by"] = given.scenario_name(panel.scenario)
    else:
        points = given.summary(panel).assign(series="point", by="")
        points["x"] = swept.numbers(points[across.key], across)
        rows = pd.concat([points, _middle(points)], ignore_index=True)
    rows = rows.assign(**panel.columns, parameter=across.key)
    names = ["scenario", "output", "place_id", "parameter", "series", "by", "x"]
    return rows[[*names, *swept.RANGE_COLUMNS]]


def _middle(points: pd.DataFrame) -> pd.DataFrame:
    """Return means of a sample in classes of equal numbers of points."""
    kept = points[points["value"].notna()]
    n = max(1, min(BINS, len(kept) // 4))
    classes = (kept["x"].rank(method="first") - 1) * n // max(1, len(kept))
    means = kept.groupby(classes)[["x", "value"]].mean()
    return means.reset_index(drop=True).assign(series="middle", by="", low=np.nan, high=np.nan)


def draw(rows: pd.DataFrame, ax: Axes, threshold: float | None = None) -> None:
    """Draw the lines of one panel with their bands, or its points with their means.

    Parameters
    ----------
    rows : DataFrame
        Of ``table``.
    """
    for color, (_, line) in zip(LINES, _lines(rows), strict=False):
        ordered = line.sort_values("x")
        if (ordered["high"] > ordered["low"]).any():
            ends = ordered["low"], ordered["high"]
            ax.fill_between(ordered["x"], *ends, color=color, alpha=0.22, linewidth=0)
        ax.plot(ordered["x"], ordered["value"], color=color, marker=".", markersize=4, zorder=3)
    points = rows[rows["series"] == "point"]
    size = 14.0 if len(points) < 200 else 5.0
    ax.scatter(points["x"], points["value"], s=size, color=BLUE, alpha=0.35, linewidths=0)
    middle = rows[rows["series"] == "middle"]
    ax.plot(middle["x"], middle["value"], color=INK, linewidth=1.4, zorder=3)
    if threshold is not None:
        ax.axhline(threshold, zorder=1, **THRESHOLD)


def _lines(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Return at most ``MOST_LINES`` lines, those at the ends and evenly in between."""
    lines = rows[rows["series"] == "line"]
    names = list(dict.fromkeys(lines["by"]))
    chosen = np.unique(np.linspace(0, len(names) - 1, min(len(names), MOST_LINES)).round())
    return [(names[int(n)], lines[lines["by"] == names[int(n)]]) for n in chosen if names]


def _names(rows: pd.DataFrame) -> list[str]:
    """Return what is written at the ends of lines: nothing of a single one."""
    names = [name for name, _ in _lines(rows)]
    return names if len(names) > 1 else []


def _draw_panel(view: View, frame: Frame) -> None:
    panel, rows, ax = view.panel, view.rows, frame.axes()
    draw(rows, ax, panel.threshold)
    ax.set_ylim(*_limits(view))
    panels.number_ticks(ax.yaxis, 5, view.tick)
    _x_ticks(ax, rows, frame)
    frame.head(_heading(view), _upward(view))
    frame.foot(f"{panel.across.axis} →")
    _label_lines(ax, rows, frame)


def _heading(view: View) -> str:
    if view.panel.y is None and is_lines(view.given, view.panel):
        return view.panel.title or view.panel.output.heading
    return view.heading


def _x_ticks(ax: Axes, rows: pd.DataFrame, frame: Frame) -> None:
    """Put ticks where the values are if these are few, else at round numbers."""
    ax.margins(x=0.02)
    values = np.unique(rows["x"].to_numpy(dtype=float))
    if len(values) > 12:
        n = max(2, min(7, int(frame.width / (11 * frame.preset.scale))))
        panels.number_ticks(ax.xaxis, n, _plain)
        return
    texts = [_plain(value) for value in values]
    need = panels.widest(texts, frame.preset) + 2.0
    kept = panels.apart((values - values[0]) * 0.96 * frame.width / max(np.ptp(values), 1e-9), need)
    ax.set_xticks(values[kept], labels=[texts[n] for n in kept])


def _plain(value: float) -> str:
    return f"{value:,.6g}".replace("-", "−")


def _upward(view: View) -> str:
    """Return what the lines are, above the labels at their ends."""
    unit = "%" if view.panel.output.is_share else ""
    by = "scenarios" if view.panel.y is None else view.panel.y.label
    lines = f"lines: {by}" if _names(view.rows) else ""
    return "; ".join(part for part in (unit, lines) if part)


def _limits(view: View) -> tuple[float, float]:
    """Return the limits of the vertical axis: from 0, unless all that is drawn lies far from it."""
    drawn = view.rows[["value", "low", "high"]].to_numpy(dtype=float).ravel()
    limit = view.panel.threshold
    values = np.append(drawn[np.isfinite(drawn)], [] if limit is None else limit)
    if not values.size:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    if low == high:
        return (0.0, 1.1 * high) if high > 0 else (low - 1.0, high + 1.0)
    if 0 <= low < 0.75 * high:
        return 0.0, 1.06 * high
    margin = 0.08 * (high - low)
    return low - margin, high + margin


def _label_lines(ax: Axes, rows: pd.DataFrame, frame: Frame) -> None:
    """Write the value of the other parameter at the end of each line, one below another."""
    lines = _lines(rows)
    if len(lines) < 2:
        return
    size = frame.preset.small
    low, high = ax.get_ylim()
    mm = (high - low) / frame.height
    ends = [float(line.sort_values("x")["value"].iloc[-1]) for _, line in lines]
    places = panels.spaced([end / mm for end in ends], size * POINT * 1.15, low / mm, high / mm)
    right = ax.get_xlim()[1]
    for color, (name, _), place in zip(LINES, lines, places, strict=False):
        text = fitted(name, size, frame.room.right - 3.0)
        ax.annotate(
            text,
            (right, place * mm),
            xytext=(3, 0),
            textcoords="offset points",
            size=size,
            color=panels.darker(color),
            va="center_baseline",
            annotation_clip=False,
        )


def _height(shown: Shown) -> float:
    return shown.height(44.0, 70.0)


def _room(shown: Shown) -> Room:
    """Return room for the widest tick labels at the left and the labels of lines at the right."""
    left = shown.widest(lambda view: panels.tick_texts(*_limits(view), 5, view.tick))
    right = shown.widest(lambda view: _names(view.rows))
    most = 0.38 * shown.preset.width / panels.columns(len(shown.views), shown.preset)
    return shown.room(left + 4.0, min(right, most) + 4.0)


def finding(view: View) -> str:
    """State how far the first output moves over the range of its parameter."""
    across, by, lines = view.panel.across, view.panel.y, _lines(view.rows)
    if across.label in view.given.unmoving(view.panel):
        return independent(view.heading, [across.label]).removesuffix(".")
    if not lines:
        return _trend(view)
    clauses: list[str] = []
    for name, line in dict([lines[0], lines[-1]]).items():
        ordered = line.sort_values("x")["value"]
        start, end = (view.amount(float(ordered.iloc[n])) for n in (0, -1))
        what = f"{by.label}: " if by is not None and not clauses else ""
        clauses.append(f"from {start} to {end}" + (f" ({what}{name})" if name else ""))
    low, high = (
        value_text(end, across) for end in view.given.design[across.key].agg(["min", "max"])
    )
    return f"{_heading(view)}: {', or '.join(clauses)}, over {across.label}, {low} to {high}"


def _trend(view: View) -> str:
    label, across = view.heading, view.panel.across.label
    points = view.rows[(view.rows["series"] == "point") & view.rows["value"].notna()]
    if len(points) < 8 or points["value"].std() == 0:
        return f"{label}: too few points, or no change, over {across}"
    # Spearman's, because responses bend
    strength = float(points["x"].rank().corr(points["value"].rank()))
    if abs(strength) < 2 / np.sqrt(len(points) - 1):
        return f"{label}: no trend over {across} that stands out of the scatter"
    middle = view.rows[view.rows["series"] == "middle"]["value"]
    low, high = (view.amount(float(middle.iloc[n])) for n in (0, -1))
    return f"{label}: about {low} where {across} is low, {high} where it is high"


def _keys(shown: Shown) -> list[Key]:
    keys, n = [], shown.given.n_replications
    series = set(shown.data["series"])
    if "line" in series and n > 1:
        keys.append(Key(range_of(n), {"color": QUIET, "alpha": 0.3}, patch=True))
    if "point" in series:
        look = {"color": BLUE, "alpha": 0.5, "linestyle": "none", "marker": "."}
        keys.append(Key("a point of the design, the other parameters as drawn", look))
        keys.append(Key("mean of neighbouring points", {"color": INK, "linewidth": 1.4}))
    limits = {p.output.amount(p.threshold) for p in shown.panels if p.threshold is not None}
    if limits:
        keys.append(Key(f"threshold of {', '.join(sorted(limits))}", THRESHOLD))
    return keys


def _notes(shown: Shown) -> str:
    given, first = shown.given, shown.panels[0]
    if not is_lines(given, first):
        return given.notes("", shown.panels)
    every = [part for panel in shown.panels for part in _over_scenarios(given, panel)]
    return given.notes(FAMILY.name, every, given.averaged([first.x, first.y]))


def _in_words(view: View) -> str:
    least, most = (view.amount(float(end)) for end in view.rows["value"].agg(["min", "max"]))
    against = view.panel.across.label
    return f"{_heading(view)} against {against}: between {least} and {most}"


draw_figure = Parts(
    FAMILY.name, table, _draw_panel, finding, _in_words, _keys, _notes, _height, _room, _panels
).draw
