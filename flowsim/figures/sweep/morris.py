"""Morris's plane: how much each parameter moves an output, and how unevenly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from flowsim.figures.families import Family
from flowsim.figures.layout import panels
from flowsim.figures.layout.panels import Frame, Room
from flowsim.figures.layout.save import Drawn
from flowsim.figures.layout.sheet import POINT, Key, Sheet, fitted, text_width
from flowsim.figures.layout.style import BLUE, INK, QUIET, RULE, Preset
from flowsim.figures.sweep import swept
from flowsim.figures.sweep.swept import Panel, Swept
from flowsim.findings.words import listed, plural

FAMILY = Family("morris", "elementary effects: mean and spread by parameter", order=5)
NAME = FAMILY.name
EVEN: dict[str, Any] = {"color": QUIET, "linewidth": 0.8, "linestyle": (0, (4, 3))}
HALF: dict[str, Any] = {"color": RULE, "linewidth": 0.8, "linestyle": (0, (1, 2))}
LABELLED = 12
UNEVEN = 15
DECADES = 1e4
PLANE = ["mu_star", "sigma"]
Box = tuple[float, float, float, float]


def missing(results: Any) -> str:
    """Return why there is nothing to draw, if so."""
    given = swept.of(results)
    rows = given.indices[given.indices["index"] == "mu_star"]
    if rows.empty:
        return f"a {given.kind} design gives other indices"
    return str(rows["note"].iloc[0]) if rows["value"].isna().all() else ""


def draw_figure(results: Any, preset: Preset) -> Drawn:
    """Arrange a panel for each output and scenario."""
    given = swept.of(results)
    shown = [panel for panel in given.panels(NAME) if not table(given, panel).empty]
    shown = panels.fitting(shown, preset, in_column=2)[: 2 if preset.height else None]
    tables = [table(given, panel) for panel in shown]
    data = pd.concat(tables, ignore_index=True)
    title = finding(given, shown[0], tables[0])
    room = _room(shown, tables, preset)
    height = 58.0 if len(shown) > 1 or preset.narrow else 84.0
    notes = [given.notes(NAME, shown, _notes(given, data)), given.source]
    body = panels.body(len(shown), preset, height, room)
    sheet = Sheet(preset, title, given.subtitle(), notes, body, _keys(given, data))
    for panel, rows, frame in zip(
        shown, tables, panels.frames(len(shown), sheet, room), strict=True
    ):
        _draw_panel(given, panel, rows, frame, sheet)
    alt = _alt(given, shown, tables, title)
    return Drawn(NAME, sheet.figure, data, title, alt, given.source)


def table(given: Swept, panel: Panel) -> pd.DataFrame:
    """Return what one panel shows, the greatest effect first.

    ``noise`` is the mean absolute effect that chance alone would give (NaN with one
    replication); ``seen`` tells whether the parameter's lies further above it than the mean
    of so many absolute values of normal numbers would by 1 in 40.
    """
    main = given.index(panel, "mu_star")
    rows = main[main["value"].notna()][["value", "low", "high", "n"]]
    rows = rows.rename(columns={"value": "mu_star"}).assign(
        sigma=given.index(panel, "sigma")["value"].reindex(rows.index),
        mu=given.index(panel, "mu")["value"].reindex(rows.index),
        noise=given.index(panel, "noise")["value"].reindex(rows.index),
        scenario=panel.scenario,
        output=panel.output.name,
        place_id=panel.output.place_id,
    )
    by_luck = rows["noise"] * (1 + 1.96 * np.sqrt((np.pi / 2 - 1) / rows["n"]))
    rows = rows.assign(seen=rows["mu_star"] > by_luck.fillna(0.0))
    rows = rows.sort_values("mu_star", ascending=False, kind="stable")
    return rows.rename_axis("parameter").reset_index()


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


def _draw_panel(given: Swept, panel: Panel, rows: pd.DataFrame, frame: Frame, sheet: Sheet) -> None:
    ax = sheet.axes(frame.left, frame.top, frame.width, frame.height)
    draw(rows, ax)
    for axis, length in ((ax.xaxis, frame.width), (ax.yaxis, frame.height)):
        if ax.get_xscale() == "log":
            axis.set_major_locator(LogLocator(subs=(1.0,), numticks=max(3, int(length / 14))))
            axis.set_minor_locator(NullLocator())
        else:
            axis.set_major_locator(MaxNLocator(max(2, int(length / 18)), steps=panels.STEPS))
        axis.set_major_formatter(FuncFormatter(lambda value, _: panel.output.tick(value)))
    inside = _inside(rows, ax)
    names = [given.label(name) for name in inside["parameter"]]
    write_labels(ax, inside, names, frame, sheet.preset)
    panels.head(sheet, frame, given.heading(panel), "↑ spread of the effects (sigma)")
    panels.foot(sheet, frame, "mean absolute effect of a parameter's range (mu*) →")


def write_labels(
    ax: Axes, rows: pd.DataFrame, names: Sequence[str], frame: Frame, preset: Preset
) -> list[str]:
    """Write names where they cover neither a point nor another name; give those without room.

    The parameters with the greatest effects come first; those that are not seen above
    chance, or beyond the first ``LABELLED``, stay without a name.
    """
    corner = ax.bbox.p0
    mm = frame.width / ax.bbox.width
    places = ax.transData.transform(rows[PLANE].to_numpy(dtype=float)) - corner
    points = [(float(x) * mm, float(y) * mm) for x, y in places]
    taken: list[Box] = [(x - 0.9, y - 0.9, x + 0.9, y + 0.9) for x, y in points]
    tall = preset.small * POINT * 1.15
    left_out = []
    for n, (name, (x, y)) in enumerate(zip(names, points, strict=True)):
        text = fitted(name, preset.small, 0.6 * frame.width)
        wide = text_width(text, preset.small)
        box = (
            _free(x, y, wide, tall, taken, frame) if n < LABELLED and rows["seen"].iloc[n] else None
        )
        if box is None:
            left_out.append(name)
            continue
        taken.append(box)
        _write(ax, text, (x, y), box, mm, preset)
    return left_out


def _write(
    ax: Axes, text: str, point: tuple[float, float], box: Box, mm: float, preset: Preset
) -> None:
    """Write a name into its box, with a line to its point if that is not beside it."""
    middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    near = (min(max(point[0], box[0]), box[2]), min(max(point[1], box[1]), box[3]))
    pixels = np.array([point, near, middle]) / mm + ax.bbox.p0
    ends = ax.transData.inverted().transform(pixels)
    if np.hypot(near[0] - point[0], near[1] - point[1]) > 2.2:
        ax.plot(ends[:2, 0], ends[:2, 1], color=RULE, linewidth=0.6, zorder=1.5)
    ax.text(
        ends[2, 0],
        ends[2, 1],
        text,
        size=preset.small,
        ha="center",
        va="center",
        color=INK,
        zorder=5,
        path_effects=[withStroke(linewidth=1.8, foreground="white", alpha=0.8)],
    )


def _free(
    x: float, y: float, wide: float, tall: float, taken: Sequence[Box], frame: Frame
) -> Box | None:
    """Find the nearest free place for a name beside its point, in mm."""
    for away in (1.4, 3.0, 5.0, 8.0, 12.0):
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1)):
            cx = x + dx * (away + wide / 2) if dx else x
            cy = y + dy * (away + tall / 2)
            if dx and dy:
                cx, cy = x + dx * (0.5 * away + wide / 2), y + dy * (away + tall / 2)
            box = (cx - wide / 2, cy - tall / 2, cx + wide / 2, cy + tall / 2)
            inside = (
                box[0] > 0 and box[2] < frame.width + 3 and box[1] > 0 and box[3] < frame.height
            )
            if inside and not any(_overlap(box, other) for other in taken):
                return box
    return None


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _room(shown: list[Panel], tables: list[pd.DataFrame], preset: Preset) -> Room:
    wide = 0.0
    for panel, rows in zip(shown, tables, strict=True):
        if is_uneven(rows):
            top = 10 ** np.floor(np.log10(1.8 * rows["sigma"].max()))
            wide = max(wide, text_width(panel.output.tick(top), preset.small))
            continue
        ticks = MaxNLocator(4, steps=panels.STEPS).tick_values(0, max(rows["sigma"].max(), 1e-9))
        wide = max(wide, *(text_width(panel.output.tick(v), preset.small) for v in ticks))
    plain = panels.scaled(Room(), preset)
    return Room(wide + 4.5, plain.right + 1.0, plain.head, plain.foot)


def finding(given: Swept, panel: Panel, rows: pd.DataFrame) -> str:
    """State which parameters move the first output most, and how many do not show."""
    label, seen = given.heading(panel), rows[rows["seen"]]
    if seen.empty:
        return f"{label}: no parameter moves it by more than chance does"
    names = listed([given.label(name) for name in seen["parameter"].head(3)])
    text = f"{label} moved most by {names}"
    hidden, weak = len(rows) - len(seen), seen["mu_star"] < 0.1 * seen["mu_star"].iloc[0]
    rest = [f"{weak.sum()} by less than a tenth of the first"] if weak.any() else []
    rest += [f"{hidden} not told from chance"] if hidden else []
    if rest:
        text += f"; of {plural(len(rows), 'parameter')} {', '.join(rest)}"
    unsure = (seen["low"].head(3) <= 0).any()
    return f"{text} (too few trajectories to be sure: {seen['n'].iloc[0]})" if unsure else text


def _keys(given: Swept, data: pd.DataFrame) -> list[Key]:
    point: dict[str, Any] = {"color": BLUE, "marker": "o", "markersize": 3.5, "linewidth": 0.7}
    keys = [
        Key("mean absolute effect with 95 % interval", point),
        Key("spread as great as the effect: it turns with the others", EVEN),
        Key("half as great", HALF),
    ]
    if data["noise"].notna().any():
        what = f"no more than chance gives ({plural(given.n_replications, 'replication')})"
        keys.append(Key(what, point | {"color": QUIET}))
    return keys


def _notes(given: Swept, data: pd.DataFrame) -> str:
    n = int(data["n"].min())
    text = f"{plural(n, 'trajectory').replace('trajectorys', 'trajectories')}."
    lost = given.indices[given.indices["index"] == "left_out"]["note"].astype(str)
    said = [f"{note[:1].upper()}{note[1:]}." for note in dict.fromkeys(lost) if note]
    return " ".join(
        [text, "Without a name, or not shown: small, or no room; see morris.csv.", *said]
    )


def _alt(given: Swept, shown: list[Panel], tables: list[pd.DataFrame], title: str) -> str:
    parts = [f"{title}.", given.subtitle()]
    for panel, rows in zip(shown, tables, strict=True):
        told = [
            f"{given.label(line['parameter'])} {panel.output.amount(line['mu_star'])} "
            f"(spread {panel.output.amount(line['sigma'])})"
            for line in rows.head(6).to_dict("records")
        ]
        parts.append(f"{given.heading(panel)}, mean absolute effects: {listed(told)}.")
    return " ".join(parts)
