"""How far each parameter moves an output from its lowest to its highest value."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from flowsim.figures import Family
from flowsim.figures.layout import panels
from flowsim.figures.layout.panels import Frame
from flowsim.figures.layout.sheet import SMALLEST, Key, shrunk, text_width
from flowsim.figures.layout.style import BLUE, QUIET, RULE, SKY
from flowsim.figures.sweep import bars, swept
from flowsim.figures.sweep.swept import Panel, Shown, Swept, View, value_text
from flowsim.findings.sweep import independent
from flowsim.findings.words import listed, plural
from flowsim.sweep.responses import UNMOVED

FAMILY = Family("tornado", "how far each parameter moves an output", order=3)


def missing(results: Any) -> str:
    """Return why there is nothing to draw, if so."""
    given = swept.of(results)
    lacking = given.without("effect")
    return lacking or ("" if len(given.varied) > 1 else "only one parameter varies")


def table(given: Swept, panel: Panel) -> pd.DataFrame:
    """Return what one panel shows, the greatest effect first: output at both ends, interval.

    ``low`` and ``high`` hold 95 % of the difference between the ends (NaN if unknown); ``sure``
    tells whether they exclude 0.
    """
    rows = given.effects(panel, "effect", "at_low", "at_high")
    sure = (rows["effect"] != 0) & ~((rows["low"] <= 0) & (rows["high"] >= 0))
    rows.insert(list(rows.columns).index("scenario"), "sure", sure)
    return rows


def draw(rows: pd.DataFrame, ax: Axes) -> None:
    """Draw the bars of one panel: the half of the low end light, of the high end dark.

    Parameters
    ----------
    rows : DataFrame
        Of ``table``; grey where the effect cannot be told from chance.
    """
    for row, line in enumerate(rows.to_dict("records")):
        low, high = line["at_low"], line["at_high"]
        middle, y = (low + high) / 2, row + bars.BAR_AT
        colors = (SKY, BLUE) if line["sure"] else (RULE, RULE)
        for end, color in zip((low, high), colors, strict=True):
            size = (end - middle, 2 * bars.BAR_HALF)
            ax.add_patch(Rectangle((middle, y - bars.BAR_HALF), *size, color=color, linewidth=0))
        if np.isfinite(line["low"]):
            half = (line["high"] - line["low"]) / 2
            bars.whisker(ax, y, high - half, high + half)


def _draw_panel(view: View, frame: Frame) -> None:
    lines, preset = view.lines(bars.most(frame.preset)), frame.preset
    ax = bars.axes(frame, [line["label"] for line in lines])
    draw(view.rows[: len(lines)], ax)
    _write_ends(view.given, lines, ax, frame)
    first, last = ax.get_xlim()

    def tick(value: float) -> str:
        """Write a tick, unless its label would stick out of the panel's room."""
        label, place = view.tick(value), (value - first) / (last - first) * frame.width
        half = text_width(label, preset.small) / 2
        inside = half <= place + frame.room.left and half <= frame.width - place + frame.room.right
        return label if inside else ""

    panels.number_ticks(ax.xaxis, max(2, int(frame.width / 22)), tick)
    output = view.panel.output
    frame.head(view.heading)
    frame.foot(output.label + (", %" if output.is_share else ""))


def _write_ends(given: Swept, lines: list[dict[str, Any]], ax: Axes, frame: Frame) -> None:
    """Write the parameter's value at each end of its bar, and make room for it."""
    texts, spans, preset = [], [], frame.preset
    for line in lines:
        one = given.parameters[line["parameter"]]
        column = given.design[one.key]
        order = swept.numbers(column, one)
        ends = [
            shrunk(value_text(column.iloc[int(n)], one, 3), SMALLEST, 0.34 * frame.width)[0]
            for n in (order.argmin(), order.argmax())
        ]
        half = (line["high"] - line["low"]) / 2 if np.isfinite(line["low"]) else 0.0
        low, high = line["at_low"], line["at_high"]
        reach = sorted([(low, ends[0], low, low), (high, ends[1], high - half, high + half)])
        texts.append((reach[0][1], reach[1][1]))
        spans.append((min(reach[0][2], reach[1][2]), max(reach[0][3], reach[1][3])))
    gap = 1.2
    widest = max((text for pair in texts for text in pair), key=lambda text: text_width(text, 10))
    _, size = shrunk(widest, preset.small, 0.3 * frame.width)
    wide = text_width(widest, size) + 2 * gap
    low, high = min(s for s, _ in spans), max(e for _, e in spans)
    mm = (high - low if high > low else 1.0) / max(10.0, frame.width - 2 * wide)
    ax.set_xlim(low - wide * mm, high + wide * mm)
    for row, (pair, span) in enumerate(zip(texts, spans, strict=True)):
        for text, x, side in zip(pair, span, ("right", "left"), strict=True):
            x += gap * mm * (1 if side == "left" else -1)
            look: dict[str, Any] = {"ha": side, "va": "center_baseline", "size": size}
            ax.text(x, row + bars.BAR_AT, text, color=QUIET, **look)


def finding(view: View) -> str:
    """State which parameters move the first output most, and how many not at all."""
    lines, still = view.lines(), view.given.unmoving(view.panel)
    sure = [line for line in lines if line["sure"]]
    if len(still) == len(lines):
        return independent(view.heading, still).removesuffix(".")
    none = f"; {plural(len(still), 'parameter')} without any effect in this model" if still else ""
    if not sure:
        text = f"{view.heading}: no parameter makes a sure difference on average over the others"
        return text + none
    moves = [
        f"from {view.amount(line['at_low'])} to {view.amount(line['at_high'])} by {line['label']}"
        for line in sure[:2]
    ]
    unsure = len(lines) - len(sure) - len(still)
    text = f"{view.heading} moved most {', then '.join(moves)}"
    if unsure:
        text += f"; {unsure} of {plural(len(lines), 'parameter')}: no sure difference on average"
    return text + none


def _keys(shown: Shown) -> list[Key]:
    found = [
        ("towards the parameter's lowest value", SKY, True),
        ("towards its highest value", BLUE, True),
        (
            "not to be told from chance, on average over the others",
            RULE,
            not (shown.data["sure"] | shown.data["note"].str.contains(UNMOVED)).all(),
        ),
    ]
    keys = [Key(text, {"color": color}, patch=True) for text, color, there in found if there]
    return keys + bars.interval_key("95 % interval of the difference", shown.data["low"])


def _notes(shown: Shown) -> str:
    given = shown.given
    text = "Means over all values of the other parameters."
    rows = given.indices[given.indices["index"] == "r2"]
    if not rows.empty:
        text = (
            f"Ends of a plane fitted to {len(given.design):,} points, which explains "
            f"{100 * rows['value'].min():.0f}\u00a0% of an output or more."
        )
    left = [note for note in given.indices["note"].astype(str) if note.startswith("left out")]
    more = bars.left_out(FAMILY.name, shown)
    return given.notes(FAMILY.name, shown.panels, text, more, *swept.sentences(left))


def _in_words(view: View) -> str:
    moves = [
        f"{line['label']} from {view.amount(line['at_low'])} to {view.amount(line['at_high'])}"
        for line in view.lines(5)
    ]
    return f"{view.heading}: {listed(moves)}"


draw_figure = bars.parts(FAMILY.name, table, _draw_panel, finding, _in_words, _keys, _notes).draw
