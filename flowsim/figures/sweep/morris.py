"""Morris's plane: how much each parameter moves an output, and how unevenly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.ticker import LogLocator, NullLocator

from flowsim.figures import Family
from flowsim.figures.layout import panels
from flowsim.figures.layout.panels import Box, Frame, Room
from flowsim.figures.layout.sheet import POINT, Key, shrunk, text_width
from flowsim.figures.layout.style import BLUE, INK, QUIET, RULE, drawable
from flowsim.figures.sweep import swept
from flowsim.figures.sweep.swept import Panel, Parts, Shown, Swept, View
from flowsim.findings.sweep import independent
from flowsim.findings.words import listed, plural
from flowsim.types import Floats

FAMILY = Family("morris", "elementary effects: mean and spread by parameter", order=5)
EVEN: dict[str, Any] = {"color": QUIET, "linewidth": 0.8, "linestyle": (0, (4, 3))}
HALF: dict[str, Any] = {"color": RULE, "linewidth": 0.8, "linestyle": (0, (1, 2))}
LABELLED = 12
UNEVEN = 15
DECADES = 1e4
PLANE = ["mu_star", "sigma"]


def missing(results: Any) -> str:
    """Return why there is nothing to draw, if so."""
    return swept.of(results).without("mu_star")


def table(given: Swept, panel: Panel) -> pd.DataFrame:
    """Return what one panel shows, the greatest effect first.

    ``noise`` is the mean absolute effect that chance alone would give (NaN with one
    replication); ``seen`` tells whether the parameter's lies further above it than the mean
    of so many absolute values of normal numbers would by 1 in 40.
    """
    rows = given.effects(panel, "mu_star", "sigma", "mu", "noise").drop(columns="note")
    by_luck = rows["noise"] * (1 + 1.96 * np.sqrt((np.pi / 2 - 1) / rows["n"]))
    return rows.assign(seen=rows["mu_star"] > by_luck.fillna(0.0))


def is_uneven(rows: pd.DataFrame) -> bool:
    """Return whether a few effects dwarf the others, so that the axes had better be logarithmic."""
    some = rows.loc[rows["mu_star"] > 0, "mu_star"]
    return bool(len(some) > 4 and some.max() > UNEVEN * some.median())


def draw(rows: pd.DataFrame, ax: Axes) -> None:
    """Draw one panel: points with the interval of their mean absolute effect.

    Parameters
    ----------
    rows : DataFrame
        Of ``table``; on logarithmic axes, those near 0 are left out.
    """
    left, right, bottom, top = _limits(rows, ax)
    along = np.geomspace(left, right, 50) if left > 0 else np.array([left, right])
    for slope, look in ((1.0, EVEN), (0.5, HALF)):
        ax.plot(along, slope * along, zorder=1, **look)
    for line in _inside(rows, ax).to_dict("records"):
        color = BLUE if line["seen"] else QUIET
        ends = [max(left, line["low"]), line["high"]]
        ax.plot(ends, [line["sigma"]] * 2, color=color, linewidth=0.7, alpha=0.35, zorder=2)
        ax.plot([line["mu_star"]], [line["sigma"]], "o", color=color, markersize=3.5, zorder=3)
    ax.set(xlim=(left, right), ylim=(bottom, top))


def _inside(rows: pd.DataFrame, ax: Axes) -> pd.DataFrame:
    """Return the rows that have a place on the axes."""
    if ax.get_xscale() != "log":
        return rows
    least = rows[PLANE].max() / DECADES
    return rows[(rows[PLANE] > least).all(axis=1)]


def _limits(rows: pd.DataFrame, ax: Axes) -> tuple[float, float, float, float]:
    """Set the scales; give the limits of both axes."""
    if not is_uneven(rows):
        right = 1.04 * max(float(rows["high"].max()), 1e-12)
        return 0.0, right, 0.0, 1.08 * max(float(rows["sigma"].max()), 0.3 * right)
    ax.set_xscale("log")
    ax.set_yscale("log")
    seen = _inside(rows, ax)
    high = float(seen["high"].max())
    ends = {name: (float(seen[name].min()), float(seen[name].max())) for name in PLANE}
    across, up = (max(low / 1.6, high / DECADES) for low, high in ends.values())
    return across, 1.3 * high, up, 1.8 * ends["sigma"][1]


def _draw_panel(view: View, frame: Frame) -> None:
    ax = frame.axes()
    draw(view.rows, ax)
    for axis, length in ((ax.xaxis, frame.width), (ax.yaxis, frame.height)):
        panels.number_ticks(axis, max(2, int(length / 18)), view.tick)
        if ax.get_xscale() == "log":
            axis.set_major_locator(LogLocator(subs=(1.0,), numticks=max(3, int(length / 14))))
            axis.set_minor_locator(NullLocator())
    inside = _inside(view.rows, ax)
    write_labels(ax, inside, [view.given.label(name) for name in inside["parameter"]], frame)
    frame.head(view.heading, "↑ spread of the effects (sigma)")
    frame.foot("mean absolute effect of a parameter's range (mu*) →")


def write_labels(ax: Axes, rows: pd.DataFrame, names: Sequence[str], frame: Frame) -> None:
    """Write names where they cover neither a point nor another name.

    The parameters with the greatest effects come first; those that are not seen above
    chance, or beyond the first ``LABELLED``, stay without a name.
    """
    mm, preset = frame.width / ax.bbox.width, frame.preset
    places = (ax.transData.transform(rows[PLANE].to_numpy(dtype=float)) - ax.bbox.p0) * mm
    taken = [panels.around(x, y, 1.8, 1.8) for x, y in places]
    room = (0.0, 0.0, frame.width + 3, frame.height)
    for n, (name, point) in enumerate(zip(names, places, strict=True)):
        text, size = shrunk(name, preset.small, 0.6 * frame.width)
        beside = _beside(point, text_width(text, size), size * POINT * 1.15)
        named = text == drawable(name) and n < LABELLED and rows["seen"].iloc[n]
        box = panels.free(beside, taken, room) if named else None
        if box is not None:
            _write(ax, text, point, box, mm, size)


def _write(ax: Axes, text: str, point: Floats, box: Box, mm: float, size: float) -> None:
    """Write a name into its box, with a line to its point if that is not beside it."""
    near = np.clip(point, box[:2], box[2:])
    pixels = np.array([point, near, panels.middle(box)]) / mm + ax.bbox.p0
    ends = ax.transData.inverted().transform(pixels)
    if np.hypot(*(near - point)) > 2.2:
        ax.plot(ends[:2, 0], ends[:2, 1], color=RULE, linewidth=0.6, zorder=1.5)
    halo = [withStroke(linewidth=1.8, foreground="white", alpha=0.8)]
    look: dict[str, Any] = {"ha": "center", "va": "center", "color": INK, "path_effects": halo}
    ax.text(ends[2, 0], ends[2, 1], text, size=size, zorder=5, **look)


def _beside(point: Floats, wide: float, tall: float) -> Iterator[Box]:
    """Return where a name may stand beside its point, the nearest places first, in mm."""
    for away in (1.4, 3.0, 5.0, 8.0, 12.0):
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1)):
            aside = 0.5 * away if dx and dy else away
            x, y = point[0] + dx * (aside + wide / 2), point[1] + dy * (away + tall / 2)
            yield panels.around(x, y, wide, tall)


def _height(shown: Shown) -> float:
    return shown.height(58.0, 84.0)


def _room(shown: Shown) -> Room:
    def texts(view: View) -> list[str]:
        most = float(view.rows["sigma"].max())
        if is_uneven(view.rows):
            return [view.tick(10 ** np.floor(np.log10(1.8 * most)))]
        return panels.tick_texts(0, max(most, 1e-9), 4, view.tick)

    wide = shown.widest(texts)
    return shown.room(wide + 4.5, wide / 2 + 3.0)


def finding(view: View) -> str:
    """State which parameters move the first output most, and how many do not show."""
    lines = view.lines()
    seen = [line for line in lines if line["seen"]]
    if not seen and len(view.given.unmoving(view.panel)) == len(lines):
        labels = [line["label"] for line in lines]
        return independent(view.heading, labels).removesuffix(".")
    if not seen:
        return f"{view.heading}: no parameter moves it by more than chance does"
    text = f"{view.heading} moved most by {listed([line['label'] for line in seen[:3]])}"
    weak = sum(line["mu_star"] < 0.1 * seen[0]["mu_star"] for line in seen)
    still = view.given.unmoving(view.panel)
    hidden = len(lines) - len(seen) - len(still)
    rest = [f"{weak} by less than a tenth of the first"] if weak else []
    rest += [f"{hidden} not told from chance"] if hidden else []
    rest += [f"{len(still)} without any effect in this model"] if still else []
    if rest:
        text += f"; of {plural(len(lines), 'parameter')} {', '.join(rest)}"
    unsure = any(line["low"] <= 0 for line in seen[:3])
    return f"{text} (too few trajectories to be sure: {seen[0]['n']})" if unsure else text


def _keys(shown: Shown) -> list[Key]:
    point: dict[str, Any] = {"color": BLUE, "marker": "o", "markersize": 3.5, "linewidth": 0.7}
    keys = [
        Key("mean absolute effect with 95 % interval", point),
        Key("spread as great as the effect: it turns with the others", EVEN),
        Key("half as great", HALF),
    ]
    if shown.data["noise"].notna().any():
        times = plural(shown.given.n_replications, "replication")
        keys.append(Key(f"no more than chance gives ({times})", point | {"color": QUIET}))
    return keys


def _notes(shown: Shown) -> str:
    given, n = shown.given, int(shown.data["n"].min())
    lost = given.indices[given.indices["index"] == "left_out"]["note"].astype(str)
    return given.notes(
        FAMILY.name,
        shown.panels,
        f"{n} {'trajectory' if n == 1 else 'trajectories'}.",
        "Without a name, or not shown: small, or no room; see morris.csv.",
        *swept.sentences(lost),
    )


def _in_words(view: View) -> str:
    effects = [
        f"{line['label']} {view.amount(line['mu_star'])} (spread {view.amount(line['sigma'])})"
        for line in view.lines(6)
    ]
    return f"{view.heading}, mean absolute effects: {listed(effects)}"


draw_figure = Parts(
    FAMILY.name, table, _draw_panel, finding, _in_words, _keys, _notes, _height, _room, on_slide=2
).draw
