"""Which share of an output's variance each parameter makes, alone and with others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from flowsim.figures import Family
from flowsim.figures.layout import panels
from flowsim.figures.layout.panels import Frame
from flowsim.figures.layout.sheet import Key
from flowsim.figures.layout.style import BLUE, INK, RULE, SKY
from flowsim.figures.sweep import bars, swept
from flowsim.figures.sweep.swept import Panel, Shown, Swept, View
from flowsim.findings.words import listed, plural, share

FAMILY = Family("sobol", "shares of the variance by parameter, and by chance", order=4)
CHANCE = "(replications)"
WIDE = 0.1


def missing(results: Any) -> str:
    """Return why there is nothing to draw, if so."""
    return swept.of(results).without("S1")


def table(given: Swept, panel: Panel) -> pd.DataFrame:
    """Return what one panel shows, the greatest total index first, chance last.

    Columns first, total, and the ends of their intervals; of the expected output if there
    are several replications (``S1_effect``), else of the output (``S1``). ``kind`` tells
    parameters from chance.
    """
    clean = given.index(panel, "ST_effect")["value"].notna().any()
    ending = "_effect" if clean else ""
    first, total = (given.index(panel, f"{name}{ending}") for name in ("S1", "ST"))
    if total["value"].isna().all():
        return pd.DataFrame()
    columns = {
        f"{name}{end}": rows[column]
        for name, rows in (("first", first), ("total", total))
        for end, column in (("", "value"), ("_low", "low"), ("_high", "high"))
    }
    rows = pd.DataFrame({**columns, "n": total["n"]})
    rows = rows.sort_values("total", ascending=False, kind="stable")
    rows = rows.assign(kind="parameter")
    chance = given.index(panel, "noise_of_mean")
    if clean and chance["value"].notna().any():
        line = chance.iloc[0]
        ends = {"total": line["value"], "total_low": line["low"], "total_high": line["high"]}
        rows.loc[CHANCE] = pd.Series({**ends, "n": line["n"], "kind": "chance"})
    return rows.assign(**panel.columns).rename_axis("parameter").reset_index()


def draw(rows: pd.DataFrame, ax: Axes) -> None:
    """Draw the bars of one panel: total pale, first order dark in front of it.

    Parameters
    ----------
    rows : DataFrame
        Of ``table``.
    """
    for row, line in enumerate(rows.to_dict("records")):
        y, is_chance = row + bars.BAR_AT, line["kind"] == "chance"
        ax.plot([0, 0], [y - 0.24, y + 0.24], color=INK, linewidth=0.6, solid_capstyle="butt")
        color = RULE if is_chance else SKY
        ax.barh(y, max(0.0, line["total"]), 2 * bars.BAR_HALF, color=color, linewidth=0)
        bars.whisker(ax, y + (0 if is_chance else 0.11), line["total_low"], line["total_high"])
        if not is_chance:
            first = max(0.0, line["first"])
            ax.barh(y - 0.1, first, bars.BAR_HALF, color=BLUE, linewidth=0)
            bars.whisker(ax, y - 0.1, line["first_low"], line["first_high"])


def _draw_panel(view: View, frame: Frame) -> None:
    rows, fits = view.rows, bars.most(frame.preset)
    if fits < len(rows):
        chance = rows[rows["kind"] == "chance"]
        rows = pd.concat([rows[rows["kind"] != "chance"].head(fits - len(chance)), chance])
    given = view.given
    luck = f"chance (mean of {plural(given.n_replications, 'replication')})"
    names = [luck if name == CHANCE else given.label(name) for name in rows["parameter"]]
    ax = bars.axes(frame, names)
    draw(rows, ax)
    ends = rows[["first_low", "total_low", "first_high", "total_high"]].to_numpy(dtype=float)
    low, high = min(0.0, float(np.nanmin(ends))), max(0.1, float(np.nanmax(ends)))
    ax.set_xlim(max(low, -0.5) - 0.01, min(high, 1.5) + 0.01)
    most = max(3, int(frame.width / 14))
    panels.number_ticks(ax.xaxis, most, lambda value: f"{100 * value:.3g}".replace("-", "−"))
    frame.head(view.heading)
    frame.foot("share of the variance, %")


def finding(view: View) -> str:
    """State which parameters make the variance of the first output."""
    lines = [line for line in view.lines() if line["kind"] == "parameter"]
    label = f"Variance of {view.panel.output.label}{view.given.under(view.panel)}"
    seen = [line for line in lines if line["total_low"] > 0]
    if not seen:
        return f"{label}: too few samples to say which parameter makes it"
    shares = [
        f"{_share(line['total'])} by {line['label']}"
        + (f" ({_share(line['first'])} alone)" if n == 0 and line["first"] < line["total"] else "")
        for n, line in enumerate(seen[:3])
    ]
    text, rest = f"{label}: {listed(shares)}", len(lines) - len(seen)
    if rest:
        text += f"; {rest} of {plural(len(lines), 'parameter')} make none that is seen"
    if _too_few(view):
        text += f" (too few samples to be sure: {int(seen[0]['n'])})"
    return text


def _too_few(view: View) -> bool:
    """Return whether a sum is impossible, or an interval of a total index is wide."""
    sums = [view.given.index(view.panel, name)["note"] for name in ("sum_S1", "sum_ST")]
    own = view.rows[view.rows["kind"] == "parameter"]
    wide = (own["total_high"] - own["total_low"] > 2 * WIDE).any()
    return bool(wide or pd.concat(sums).astype(str).str.contains("too few samples").any())


def _share(value: float) -> str:
    return share(min(1.0, max(0.0, value)))


def _keys(shown: Shown) -> list[Key]:
    keys = [
        Key("alone (first order)", {"color": BLUE}, patch=True),
        Key("with interactions (total)", {"color": SKY}, patch=True),
        *bars.interval_key("95 % interval", shown.data["total_low"]),
    ]
    if (shown.data["kind"] == "chance").any():
        keys.append(Key("chance", {"color": RULE}, patch=True))
    return keys


def _notes(shown: Shown) -> str:
    """Return on how many samples the indices rest, and whether these are too few."""
    given, rows = shown.given, shown.data[shown.data["kind"] == "parameter"]
    halves = pd.concat([rows[f"{name}_high"] - rows[f"{name}_low"] for name in ("first", "total")])
    wide = int((halves.astype(float) > 2 * WIDE).sum())
    text = f"{int(rows['n'].min()):,} base samples."
    if wide:
        text += (
            f" Too few: {wide} of {len(halves)} intervals are wider than ±{100 * WIDE:.0f}\u00a0%."
        )
    sums = given.indices[given.indices["index"].isin(["sum_S1", "sum_ST"])]["note"].astype(str)
    more = bars.left_out(FAMILY.name, shown)
    return given.notes(FAMILY.name, shown.panels, text, more, *swept.sentences(sums))


def _in_words(view: View) -> str:
    shares = [
        f"{line['label']} {_share(line['first'])} alone, {_share(line['total'])} with interactions"
        for line in view.lines()
        if line["kind"] == "parameter"
    ]
    return f"{view.heading}: {listed(shares[:6])}"


draw_figure = bars.parts(
    FAMILY.name, table, _draw_panel, finding, _in_words, _keys, _notes, on_slide=2
).draw
