"""How likely it is that persons abroad pass a capacity line, by date: a share of replications."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from flowsim.figures.families import Family
from flowsim.figures.layout import timelines
from flowsim.figures.layout.caption import Caption
from flowsim.figures.layout.save import Drawn
from flowsim.figures.layout.sheet import LEADING, POINT, Key, Sheet, text_width
from flowsim.figures.layout.style import CYCLE, Preset, plain
from flowsim.figures.layout.tables import Results, records
from flowsim.findings.words import count, day, listed, share

FAMILY = Family("capacity", "chance of having passed a capacity line, by date", order=6)
NAME = FAMILY.name
PANEL = 62.0
SURE = 1.96  # of the normal distribution, for 95 %
STYLES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (6, 2, 1, 2)))


def missing(results: Results) -> str:
    """Return why there is nothing to draw, if so."""
    if not results.scenario.capacities:
        return "its scenario names no capacities"
    if results.days("stock_persons", "destination").empty:
        return "its daily table has no stock_persons"
    few = "it has one replication only; run the scenario with --replications 20"
    return "" if results.n_replications > 1 else few


def draw_figure(results: Results, preset: Preset) -> Drawn:
    """Draw one curve for each destination that has a capacity line."""
    data, horizon = table(results), results.scenario.horizon
    subtitle = _subtitle(results)
    meaning = "95 % interval for a share of so many replications"
    caption = Caption(
        NAME,
        data,
        finding(data),
        subtitle,
        results.source,
        _notes(results.n_replications),
        [Key(meaning, {"color": CYCLE[0], "alpha": 0.18}, patch=True)],
        [subtitle, *_alt(data)],
    )
    head = "Chance that the line has been passed"
    sheet, (panel,) = timelines.stacked(caption, preset, [(head, ())], horizon, PANEL)
    draw(data, panel)
    _write_names(data, panel, sheet)
    return caption.drawn(sheet)


def table(results: Results) -> pd.DataFrame:
    """Return the share of replications in which a line was passed on or before each day.

    Columns place_id, place, capacity, date, passed, replications, probability, low, high; the
    interval is Wilson's (1927) at 95 %, which holds for few replications and for 0 and 1 too.
    """
    scenario, n = results.scenario, results.n_replications
    rows = results.days("stock_persons", "destination")
    parts = []
    for name, number in scenario.capacities.items():
        place = scenario.destinations[name]
        own = rows[rows["place_id"] == place.code]
        wide = own.pivot(index="date", columns="replication", values="value").sort_index()
        passed = (wide >= number.value).cummax().sum(axis=1).rename("passed").reset_index()
        words: dict[str, Any] = {
            "place_id": place.code,
            "place": place.name,
            "capacity": number.value,
        }
        parts.append(passed.assign(**words))
    columns = ["place_id", "place", "capacity", "date", "passed"]
    data = pd.concat(parts, ignore_index=True)[columns]
    low, high = wilson(data["passed"].to_numpy(), n)
    return data.assign(replications=n, probability=data["passed"] / n, low=low, high=high)


def wilson(successes: np.ndarray[Any, Any], n: int) -> tuple[Any, Any]:
    """Return Wilson's interval for a share, at 95 %."""
    p, z = np.asarray(successes, dtype=float) / n, SURE
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)


def draw(data: pd.DataFrame, ax: Axes) -> None:
    """Draw the curves as steps, each with the band of its interval."""
    for n, (_, own) in enumerate(data.groupby("place_id", sort=False)):
        times = own["date"] + timedelta(hours=24)
        look: dict[str, Any] = {"color": CYCLE[n % len(CYCLE)]}
        some = own["passed"] > 0
        low, high = own["low"].where(some), own["high"].where(some)
        ax.fill_between(times, low, high, step="post", alpha=0.18, lw=0, **look)
        look |= {"linestyle": STYLES[n % len(STYLES)], "drawstyle": "steps-post", "zorder": 3}
        ax.plot(times, own["probability"], clip_on=False, **look)
    ax.set_ylim(0, 1)
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1])
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))


def _write_names(data: pd.DataFrame, ax: Axes, sheet: Sheet) -> None:
    """Write each curve's name under its end, where it is flat, with a piece of the curve."""
    preset = sheet.preset
    left, right = ax.get_xlim()
    box = ax.get_position()
    per_mm = (right - left) / (box.width * preset.width)
    step = preset.small * POINT * LEADING / (box.height * sheet.height)
    ends = [
        (float(own["probability"].iloc[-1]), n, records(own.tail(1))[0])
        for n, (_, own) in enumerate(data.groupby("place_id", sort=False))
    ]
    y = 2.0
    for end, n, row in sorted(ends, key=lambda found: (-found[0], found[1])):
        y = min(end - 0.3 * step, y - step) if end > 2 * step else max(end + 1.3 * step, 0.0)
        text = plain(f"{row['place']}: {count(row['capacity'])} persons")
        look: dict[str, Any] = {"ha": "right", "va": "top", "size": preset.small}
        ax.text(right - per_mm, y, text, zorder=5, **look)
        start = right - (text_width(text, preset.small) + 9.0) * per_mm
        style = {"color": CYCLE[n % len(CYCLE)], "linestyle": STYLES[n % len(STYLES)]}
        ax.plot([start, start + 6.5 * per_mm], [y - 0.5 * step] * 2, zorder=5, **style)


def finding(data: pd.DataFrame) -> str:
    """State in what share of the replications each line was passed by the end, and when in half."""
    clauses = []
    for _, own in data.groupby("place_id", sort=False):
        end = records(own.tail(1))[0]
        clause = f"{end['place']} passes {count(end['capacity'])} persons in "
        half = own[own["probability"] >= 0.5]
        if end["passed"] == 0:
            clause += f"none of {end['replications']} replications"
        else:
            part = f"{share(end['probability'])} of the" if end["probability"] < 1 else "all"
            clause += f"{part} {end['replications']} replications"
            clause += f", in half by {day(half['date'].min())}" if not half.empty else ""
        clauses.append(clause)
    return "; ".join(clauses[:3])


def _subtitle(results: Results) -> str:
    last = timelines.last_day(results.scenario.horizon)
    names = [results.scenario.destinations[name].name for name in results.scenario.capacities]
    return (
        f"Share of {results.n_replications} replications in which the persons abroad (men, "
        f"companions, families) in {listed(names)} reached the capacity line on or before a day, "
        f"up to {day(last)} {last.year}."
    )


def _notes(n: int) -> str:
    none = 100 * float(wilson(np.zeros(1), n)[1][0])
    return (
        f"Before any replication has passed, the interval reaches from 0 to {none:.0f} %. "
        "The lines are assumptions of the scenario. The chance is that of the model's random "
        "draws; doubt about its assumptions comes on top."
    )


def _alt(data: pd.DataFrame) -> list[str]:
    first = data[data["passed"] > 0].groupby("place", sort=False)["date"].min()
    return [f"{name}: first passed on {day(date)}." for name, date in first.items()]
