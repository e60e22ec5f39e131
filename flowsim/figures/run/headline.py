"""Men who crossed outward over all borders, by border, beside what the headlines counted.

Bars of gross men: ordinary travellers and those who left because of the call-up; the last bar is
all borders, with the published total as a line. Four days, and two weeks.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from flowsim.figures import Family
from flowsim.figures.layout import panels
from flowsim.figures.layout.panels import Frame, Room
from flowsim.figures.layout.sheet import Caption, Drawn, Key, fitted
from flowsim.figures.layout.style import BLUE, INK, RULE, VERMILION, Preset
from flowsim.figures.layout.tables import source
from flowsim.findings.account import Account, records
from flowsim.findings.press import (
    ALL,
    FOUR_DAYS,
    TWO_WEEKS,
    by_border,
    counts_all,
    headline,
)
from flowsim.findings.ranges import ends
from flowsim.findings.words import between, count, day, share, whole, within
from flowsim.results.run import Run

FAMILY = Family("headline", "men who crossed outward, by border, beside the headlines", order=9)
ROW, BAR, GAP = 6.2, 0.62, 0.6
ROOM = Room(left=34.0, right=13.0, head=11.0, foot=9.5)
SUBTITLE = (
    "Simulated men who crossed outward over each border, gross: ordinary travellers of all ages "
    "(an input) and men of 18 to 59 who left because of the call-up. "
)
BANDS = {
    True: "Whiskers: nine in ten draws of the parameters, all doubt.",
    False: "Whiskers: range of the replications, chance alone.",
}
NOTE = (
    "Crossings outward, not emigrants: a man who crosses twice counts twice. Ordinary traffic is "
    "the border service's quarter by country, at an assumed level of late September and share of "
    "men. The line is what the press was told; its own doubt is not known."
)


def missing(results: Run) -> str:
    """Return why there is nothing to draw, if so."""
    if counts_all(results.scenario):
        return ""
    return "its scenario does not count all borders; run all-exits"


def table(results: Run) -> pd.DataFrame:
    """Compute what is drawn: means (medians of draws) by headline and border, and the range.

    Columns headline, first, last, place, ordinary, leavers, gross, low, high, published_low,
    published_high.
    """
    account = Account.of(results).most
    middle = np.mean if account.given is None else np.median
    rows = []  # the upper end of what Forbes says is that of its title
    for name in (FOUR_DAYS, TWO_WEEKS):
        told = headline(name)
        for place, men in by_border(account, told).items():
            low, high = ends(men.gross)
            rows.append(
                {"headline": name, "first": told.start, "last": told.end, "place": place}
                | {"ordinary": float(middle(men.ordinary)), "leavers": float(middle(men.leavers))}
                | {"gross": float(middle(men.gross)), "low": low, "high": high}
                | {"published_low": told.low, "published_high": 2 * told.value - told.low}
            )
    return pd.DataFrame(rows)


def finding(data: pd.DataFrame, drawn: bool) -> str:
    """State how many crossed in four days, how many of them were ordinary, and the headline.

    Of draws of the parameters their range is stated; of replications, which hold chance alone,
    the mean.
    """
    row = data[(data["headline"] == FOUR_DAYS) & (data["place"] == ALL)].iloc[0]
    told, span = headline(FOUR_DAYS), between(row["low"], row["high"]) if drawn else ""
    return (
        f"{span or count(row['gross'])} men crossed outward from "
        f"{told.start.day} to {day(told.end)}, "
        f"{share(row['ordinary'] / row['gross'])} of them ordinary travellers: the headline's "
        f"{whole(told.value)} counts the same kind of crossing"
    )


def draw(rows: pd.DataFrame, ax: Axes) -> None:
    """Draw a bar for each border, what the press was told across the last.

    Parameters
    ----------
    rows : DataFrame
        Of ``table``, for one headline.
    """
    for n, row in zip(_places(rows), records(rows), strict=True):
        left = 0.0
        for part, color in (("ordinary", RULE), ("leavers", BLUE)):
            ax.add_patch(Rectangle((left, n - BAR / 2), row[part], BAR, color=color, linewidth=0))
            left += row[part]
        if row["high"] > row["low"]:
            look: dict[str, Any] = {"color": INK, "zorder": 4, "solid_capstyle": "butt"}
            ax.plot([row["low"], row["high"]], [n, n], linewidth=1.0, **look)
    last = _places(rows)[-1]
    low, high = (float(rows[f"published_{end}"].iloc[-1]) for end in ("low", "high"))
    ax.fill_betweenx([last - 0.5, last + 0.5], low, high, color=VERMILION, alpha=0.25, lw=0)
    for end in {low, high}:
        ax.plot([end, end], [last - 0.5, last + 0.5], color=VERMILION, linewidth=1.6, zorder=5)


def _places(rows: pd.DataFrame) -> list[float]:
    """Return where the bars stand, the last one apart."""
    return [*range(len(rows) - 1), len(rows) - 1 + GAP]


def draw_figure(results: Run, preset: Preset) -> Drawn:
    """Arrange four days and two weeks."""
    data = table(results)
    drawn = Account.of(results).drawn is not None
    several = results.n_replications > 1
    keys = [
        Key("ordinary travellers", {"color": RULE}, patch=True),
        Key("left because of the call-up", {"color": BLUE}, patch=True),
        Key("what the press was told", {"color": VERMILION, "linewidth": 1.6}),
    ]
    subtitle, alt = SUBTITLE + (BANDS[drawn] if several else ""), [SUBTITLE, *_alt(data)]
    title = finding(data, drawn)
    caption = Caption(FAMILY.name, data, title, subtitle, source(results), NOTE, keys, alt)
    draw = [partial(_draw_panel, rows) for _, rows in data.groupby("headline", sort=False)]
    high = ROW * (data["place"].nunique() + GAP) * preset.scale
    return panels.drawn(caption, preset, high, panels.scaled(ROOM, preset), draw)


def _draw_panel(rows: pd.DataFrame, frame: Frame) -> None:
    told, ax, preset = headline(str(rows["headline"].iloc[0])), frame.axes(), frame.preset
    frame.head(f"{day(told.start)} to {day(told.end)}")
    draw(rows, ax)
    widest = float(rows[["high", "gross", "published_high"]].max().max())
    ax.set_xlim(0, 1.02 * widest)
    ax.set_ylim(len(rows) + GAP - 0.4, -0.6)
    ax.spines["left"].set_visible(False)
    names = [fitted(place, preset.small, frame.room.left - 4.0) for place in rows["place"]]
    ax.set_yticks(_places(rows), names)
    ax.tick_params(axis="y", length=0)
    look: dict[str, Any] = {"size": preset.small, "color": INK, "va": "center_baseline"}
    for n, row in zip(_places(rows), records(rows), strict=True):
        end = max(row["gross"], row["high"])
        place = 0.01 * widest if row["place"] == ALL else end + 0.015 * widest
        ax.text(place, n, count(row["gross"]), ha="left", zorder=6, **look)
    ends = [float(rows[f"published_{end}"].iloc[-1]) for end in ("low", "high")]
    press = " to ".join(dict.fromkeys(map(whole, ends)))
    ax.text(ends[1], _places(rows)[-1] - 0.78, press, ha="right", **look | {"color": VERMILION})
    panels.number_ticks(ax.xaxis, 4, whole)
    frame.foot("men")


def _alt(data: pd.DataFrame) -> list[str]:
    parts = []
    for name, rows in data.groupby("headline", sort=False):
        told = headline(str(name))
        bars = "; ".join(
            f"{row['place']} {count(row['gross'])}{within(row['low'], row['high'])}, "
            f"of whom {count(row['leavers'])} left because of the call-up"
            for row in records(rows)
        )
        parts.append(f"{day(told.start)} to {day(told.end)}, beside {whole(told.low)}: {bars}.")
    return parts
