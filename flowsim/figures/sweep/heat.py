"""An output over two parameters: colours, and the line on which it passes a threshold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.patheffects import withStroke
from scipy.special import fdtri

from flowsim.figures import Family
from flowsim.figures.layout import panels
from flowsim.figures.layout.panels import Frame, Room
from flowsim.figures.layout.sheet import POINT, Key, fitted
from flowsim.figures.layout.style import INK, SEQUENTIAL
from flowsim.figures.sweep import swept
from flowsim.figures.sweep.swept import Panel, Parts, Shown, Swept, View, value_text
from flowsim.findings.naming import Named
from flowsim.findings.ranges import FEW
from flowsim.findings.sweep import independent
from flowsim.findings.words import listed, plural, rate
from flowsim.types import Floats

FAMILY = Family("heat-map", "an output over two parameters", order=1)
BAR, BAR_GAP = 2.6, 2.0
THIN: dict[str, Any] = {"linewidths": 0.7, "linestyles": "--"}


def missing(results: Any) -> str:
    """Return why there is nothing to draw, if so."""
    return "" if _panels(swept.of(results)) else "no two of its parameters make a grid"


def _panels(given: Swept) -> list[Panel]:
    """Return the panels whose two parameters make a grid.

    Unless the file names them, the two are those that move the output most. A third has a panel
    for each of its values, if these are few and one output is asked for, or none.
    """
    found = given.panels(FAMILY.name)
    if not given.asked(FAMILY.name):
        found = [_of_two(given, panel) for panel in found]
    found = [
        panel
        for panel in found
        if panel.x and panel.y and swept.is_grid(given.design, [panel.x.key, panel.y.key])
    ]
    if not found or len(given.asked(FAMILY.name)) > 1:
        return found
    first = found[0]
    rest = [one for one in given.ranked(first) if one not in (first.x, first.y)]
    keys = [first.across.key, first.up.key, *(one.key for one in rest[:1])]
    if not rest or not swept.is_grid(given.design, keys):
        return found
    values = given.design[rest[0].key].drop_duplicates()
    order = np.argsort(swept.numbers(values, rest[0]), kind="stable")
    few = len(values) <= swept.MOST_PANELS
    return [replace(first, fixed=(rest[0], values.iloc[n])) for n in order] if few else found


def _of_two(given: Swept, panel: Panel) -> Panel:
    """Return a panel of the two parameters that move its output most, a number across."""
    first, second = [*given.ranked(panel), None, None][:2]
    if second in given.numeric and first not in given.numeric:
        first, second = second, first
    return replace(panel, x=first, y=second)


def _draw_panel(view: View, frame: Frame) -> None:
    """Draw one panel with its axes, its words and its bar of colours."""
    ax, scale = frame.axes(), _scale(_on_one_scale(view))
    draw(view.rows, ax, scale, view.panel.threshold)
    _label_axes(ax, view, frame)
    frame.head(view.heading, f"↑ {view.panel.up.axis}")
    frame.foot(f"{view.panel.across.axis} →")
    _colour_bar(frame, scale, view)


def table(given: Swept, panel: Panel) -> pd.DataFrame:
    """Return what one panel shows: mean, range and standard error for each pair of values.

    ``across`` and ``up`` are the values as they stand on the axes. Other parameters, if any, are
    averaged over, but for one that is fixed.
    """
    across, up = panel.across, panel.up
    rows = given.summary(panel, [across, up]).rename(columns={"at_0": "across", "at_1": "up"})
    limit = np.nan if panel.threshold is None else panel.threshold
    rows = rows.assign(**panel.columns, threshold=limit)
    third = [panel.fixed[0].key] if panel.fixed is not None else []
    names = ["scenario", "output", "place_id", "threshold", across.key, up.key, *third]
    names += ["across", "up"]
    return rows[[*names, *swept.RANGE_COLUMNS]]


def draw(rows: pd.DataFrame, ax: Axes, scale: Normalize, threshold: float | None) -> None:
    """Draw the cells of one panel, and the line of the threshold where it is passed.

    Parameters
    ----------
    rows : DataFrame
        Of ``table``.
    """
    z = rows.pivot(index="up", columns="across", values="value")
    x, y = _places(z.columns), _places(z.index)
    ax.pcolormesh(_edges(x), _edges(y), z.to_numpy(), cmap=SEQUENTIAL, norm=scale)
    for column in contours(rows, threshold):
        field = rows.pivot(index="up", columns="across", values=column).to_numpy()
        look = {"linewidths": 1.4} if column == "value" else THIN
        lines = ax.contour(x, y, field, levels=[threshold], colors=[INK], **look)
        if column == "value":
            lines.set_path_effects([withStroke(linewidth=2.4, foreground="white", alpha=0.6)])


def contours(rows: pd.DataFrame, threshold: float | None) -> list[str]:
    """Return which of mean and ends of the range pass a threshold, so that a line is drawn."""
    thin = min(rows["across"].nunique(), rows["up"].nunique()) < 2
    if threshold is None or thin or rows["value"].isna().any():
        return []
    names = ["value", "low", "high"] if (rows["high"] > rows["low"]).any() else ["value"]
    return [name for name in names if rows[name].min() < threshold < rows[name].max()]


def _places(values: pd.Index[Any]) -> Floats:
    """Return where values stand: by their size if that makes no cell too thin, else evenly."""
    number = values.to_numpy(dtype=float)
    steps = np.diff(number)
    if len(number) > 1 and steps.min() * 3 >= steps.max():
        return number
    return np.arange(len(number), dtype=float)


def _edges(centres: Floats) -> Floats:
    if len(centres) == 1:
        return np.array([centres[0] - 0.5, centres[0] + 0.5])
    middle = (centres[1:] + centres[:-1]) / 2
    return np.concatenate([[2 * centres[0] - middle[0]], middle, [2 * centres[-1] - middle[-1]]])


def _on_one_scale(view: View) -> pd.DataFrame:
    """Return the rows of all panels that differ from one in a third parameter alone."""
    panel = view.panel
    if panel.fixed is None:
        return view.rows
    every = [panel.across, panel.up, panel.fixed[0]]
    return view.given.summary(replace(panel, fixed=None), every)


def _scale(rows: pd.DataFrame) -> Normalize:
    low, high = float(rows["value"].min()), float(rows["value"].max())
    if not np.isfinite(low):
        return Normalize(0.0, 1.0)
    return Normalize(low, high) if low < high else Normalize(low - 0.5, low + 0.5)


def _label_axes(ax: Axes, view: View, frame: Frame) -> None:
    """Label the middle of cells, as many as there is room for."""
    preset, rows, panel = frame.preset, view.rows, view.panel
    for column, axis, one in (("across", ax.xaxis, panel.across), ("up", ax.yaxis, panel.up)):
        places = _places(pd.Index(sorted(rows[column].unique())))
        most = frame.width / len(places) if column == "across" else frame.room.left - 4.0
        texts = [fitted(text, preset.small, max(most, 8.0)) for text in _texts(rows, column, one)]
        if column == "across":
            need, length = panels.widest(texts, preset) + 1.5, frame.width
        else:
            need, length = preset.small * POINT * 1.2, frame.height
        edges = _edges(places)
        kept = panels.apart(places * length / (edges[-1] - edges[0]), need)
        axis.set_ticks(places[kept], labels=[texts[n] for n in kept])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def _texts(rows: pd.DataFrame, column: str, one: Named) -> list[str]:
    """Return the values of a parameter as tick labels, in the order of the axis."""
    values = rows.drop_duplicates(column).sort_values(column)[one.key]
    return [value_text(value, one).removesuffix("\u00a0%") for value in values]


def _colour_bar(frame: Frame, scale: Normalize, view: View) -> None:
    sheet, limit = frame.sheet, view.panel.threshold
    ax = sheet.axes(frame.left + frame.width + BAR_GAP, frame.top, BAR, frame.height)
    bar = sheet.figure.colorbar(ScalarMappable(scale, SEQUENTIAL), cax=ax)
    bar.outline.set_visible(False)
    panels.number_ticks(ax.yaxis, 5, view.tick)
    ax.tick_params(length=0, labelsize=sheet.preset.small, pad=2)
    low, high = scale.vmin, scale.vmax
    if limit is not None and low is not None and high is not None and low < limit < high:
        ax.axhline(limit, color=INK, linewidth=1.4)


def _height(shown: Shown) -> float:
    return shown.height(46.0, 78.0)


def _room(shown: Shown) -> Room:
    """Return room for the widest tick labels at the left and beside the bar of colours."""
    left = shown.widest(lambda view: _texts(view.rows, "up", view.panel.up))
    right = shown.widest(
        lambda view: panels.tick_texts(
            view.rows["value"].min(), view.rows["value"].max(), 5, view.tick
        )
    )
    most = 0.36 * shown.preset.width / panels.columns(len(shown.views), shown.preset)
    return shown.room(min(left, most) + 4.0, right + BAR + BAR_GAP + 3.5)


def finding(view: View) -> str:
    """State what each of the two parameters does to the first output."""
    moves = [(*_move(view, one), one) for one in (view.panel.across, view.panel.up)]
    first, second = sorted(moves, key=lambda move: -abs(move[0]))
    if not abs(first[0]) > 0:
        labels = [first[2].label, second[2].label]
        if set(labels) <= set(view.given.unmoving(view.panel)):
            return independent(view.heading, labels).removesuffix(".")
        which = " or ".join(labels)
        return f"{view.heading}: no difference that {which} would make"
    text = f"{view.heading}: {first[1]}"
    if not matters(view.given, view.panel, second[2]):
        sure = second[2].label in view.given.unmoving(view.panel)
        which = "in this model: identical in every run" if sure else "that can be told from chance"
        return f"{text}; {second[2].label}: no difference {which}"
    return f"{text}; {second[1]}{_passing(view)}"


def matters(given: Swept, panel: Panel, one: Named) -> bool:
    """Return whether a parameter makes a difference anywhere, by Fisher's F at 5 %.

    Its levels are compared at equal values of all other parameters, so that it also shows
    where it raises an output here and lowers it there. With one replication nothing is known
    of chance, and any difference counts.
    """
    cube = given.cube(panel)
    others = given.design_of(panel).drop(columns=one.key).astype(str).agg(" ".join, axis=1)
    means = cube.mean(axis=1)
    apart = means - means.groupby(others).transform("mean")
    freedom = len(means) - others.nunique()
    n = cube.shape[1]
    if n < 2 or freedom < 1:
        return bool((apart.abs() > 0).any())
    luck = cube.sub(means, axis=0).sub(cube.mean() - cube.mean().mean(), axis=1)
    rest = (len(means) - 1) * (n - 1)
    if not (luck**2).to_numpy().sum() > 0:
        return bool((apart.abs() > 0).any())
    ratio = n * (apart**2).sum() / freedom / ((luck**2).to_numpy().sum() / rest)
    return bool(ratio > fdtri(freedom, rest, 0.95))


def _move(view: View, one: Named) -> tuple[float, str]:
    """Return the mean change of an output over a parameter's range, and how to say it."""
    cube, column = view.given.cube(view.panel), view.given.design_of(view.panel)[one.key]
    order = swept.numbers(column, one)
    ends = [order == order.min(), order == order.max()]
    low, high = (value_text(column[end].iloc[0], one) for end in ends)
    before, after = (cube[end].mean() for end in ends)
    text = (
        f"{view.amount(before.mean())} ({one.label}: {low}) to {view.amount(after.mean())} ({high})"
    )
    return float((after - before).mean()), text


def _passing(view: View) -> str:
    limit = view.panel.threshold
    if limit is None:
        return ""
    n = int((view.rows["value"] > limit).sum())
    return f"; above {view.amount(limit)} at {n} of {len(view.rows)} points"


def _keys(shown: Shown) -> list[Key]:
    """Explain the lines of thresholds that are drawn."""
    lines = {
        view.amount(limit): contours(view.rows, limit)
        for view in shown.views
        if (limit := view.panel.threshold) is not None
    }
    limits = [amount for amount, drawn in lines.items() if "value" in drawn]
    if not limits:
        return []
    keys = [Key(f"threshold of {listed(limits)}", {"color": INK, "linewidth": 1.4})]
    if any(len(drawn) > 1 for drawn in lines.values()):
        look = {"color": INK, "linewidth": 0.7, "linestyle": "--"}
        ends = "lowest and highest" if shown.given.n_replications <= FEW else "5 % and 95 %"
        keys.append(Key(f"the same for the {ends} of the replications", look))
    return keys


def _notes(shown: Shown) -> str:
    n = shown.given.n_replications
    text = f"Colour: mean of {plural(n, 'replication')}."
    tables = [view.rows for view in shown.views]
    worst = max((rows["error"] / rows["value"].abs().max()).max() for rows in tables)
    if n > 1 and np.isfinite(worst):
        text += (
            f" Standard error of a cell at most {rate(100 * worst)}\u00a0% of the greatest mean."
        )
    panel = shown.panels[0]
    third = panel.fixed[0] if panel.fixed is not None else None
    averaged = shown.given.averaged([panel.x, panel.y, third])
    if third is not None:
        n = shown.given.design[third.key].nunique() - len(shown.panels)
        averaged += f" {plural(n, 'value')} of {third.label} not shown." if n else ""
    return shown.given.notes(FAMILY.name, shown.panels, averaged, text)


def _in_words(view: View) -> str:
    across, up = view.panel.across, view.panel.up
    rows = view.rows[view.rows["value"].notna()].sort_values("value", kind="stable")
    if rows.empty:
        return f"{view.heading}: no values"
    least, greatest = (
        f"{view.amount(row['value'])} ({across.label} {value_text(row[across.key], across)}, "
        f"{up.label} {value_text(row[up.key], up)})"
        for row in (rows.iloc[0], rows.iloc[-1])
    )
    return f"{view.heading}: least {least}, greatest {greatest}"


draw_figure = Parts(
    FAMILY.name, table, _draw_panel, finding, _in_words, _keys, _notes, _height, _room, _panels
).draw
