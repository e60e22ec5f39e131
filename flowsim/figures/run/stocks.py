"""Persons abroad by day, and how likely it is that they pass a capacity line."""

from __future__ import annotations

from datetime import datetime, timedelta
from operator import methodcaller
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from flowsim.figures import Family
from flowsim.figures.layout import timelines
from flowsim.figures.layout.sheet import LEADING, POINT, Caption, Drawn, Key, Sheet, at, text_width
from flowsim.figures.layout.style import BLUE, CYCLE, INK, ORANGE, VERMILION, Preset, plain
from flowsim.figures.layout.tables import doubted, n_draws, range_of, source
from flowsim.findings.account import records
from flowsim.findings.words import between, count, day, listed, share
from flowsim.results.run import Run

FAMILY = Family("stocks", "persons abroad by day, with families, and the capacity line", order=5)
CAPACITY_FAMILY = Family(
    "capacity",
    "chance of having passed a capacity line, by date",
    draw="draw_capacity",
    missing="missing_capacity",
    order=6,
)
PANEL, CAPACITY_PANEL = 40.0, 62.0
MEN: dict[str, Any] = {"color": BLUE, "alpha": 0.75}
OTHERS: dict[str, Any] = {"color": ORANGE, "alpha": 0.65}
LINE: dict[str, Any] = {"color": VERMILION, "linewidth": 1.2, "linestyle": (0, (5, 2))}
EDGE: dict[str, Any] = {"color": INK, "linewidth": 0.8, "linestyle": (0, (1, 1.5))}
CHANCE: dict[str, Any] = {"color": INK, "alpha": 0.3}
NOTE = "Companions per man, family size, stays and returns are assumptions of the scenario."
LINE_NOTE = " So is the capacity line: a planner's, not a published one."
SURE = 1.96  # of the normal distribution, for 95 %
STYLES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (6, 2, 1, 2)))


def missing(results: Run) -> str:
    """Return why there is nothing to draw, if so."""
    stocks = results.days("stock_persons", "destination")
    return "its daily table has no stock_persons" if stocks.empty else ""


def draw_figure(results: Run, preset: Preset) -> Drawn:
    """Arrange one panel per destination."""
    data, horizon = table(results), results.scenario.horizon
    lined = bool((data["capacity"] > 0).any())
    title, keys = finding(data, n_draws(results) > 0), _keys(lined, results)
    subtitle = (
        "Simulated persons abroad because of the shock, at the end of each local day, "
        f"{timelines.whole_period(horizon)}; those who moved on or returned are left out."
    )
    note = NOTE + LINE_NOTE * lined
    caption = Caption(FAMILY.name, data, title, subtitle, source(results), note, keys, _alt(data))
    places = list(results.scenario.destinations.values())
    panels = [(f"Persons in {place.name}", ()) for place in places]
    sheet, axes = timelines.stacked(caption, preset, panels, horizon, PANEL)
    for place, panel in zip(places, axes, strict=False):
        own = data[data["place_id"] == place.code]
        draw(own, panel)
        _write_line(own, panel, sheet)
    return caption.drawn(sheet)


def _write_line(data: pd.DataFrame, panel: Axes, sheet: Sheet) -> None:
    """Write the capacity above its line, as far as the stock leaves room."""
    line = data["capacity"].max()
    if not line > 0:
        return
    size = sheet.preset.small
    left, right = panel.get_xlim()
    low, high = panel.get_ylim()
    per_mm = (right - left) / (panel.get_position().width * sheet.width)
    reached = data[data["high"] >= 0.85 * line]["date"].min()
    free = (at(reached) - left if pd.notna(reached) else right - left) / per_mm - 2.0
    texts = (f"Capacity {count(line)}", count(line), "")
    text = next((t for t in texts if text_width(t, size) < free), "")
    place = (left + 1.0 * per_mm, line + 0.015 * (high - low))
    panel.text(*place, text, size=size, color=VERMILION, va="bottom", ha="left")


def table(results: Run) -> pd.DataFrame:
    """Return what is drawn: men and persons abroad at the end of each local day.

    Columns place_id, place, date, measure (stock_men, stock_persons), value, low, high (with draws
    of the parameters their median and range, all doubt; else mean and range of the replications),
    chance_low, chance_high (range of the replications), capacity (NaN if the scenario names none).
    """
    scenario = results.scenario
    parts = []
    for measure in ("stock_men", "stock_persons"):
        rows = methodcaller("days", measure, "destination")
        both, chance = doubted(results, rows, ["place_id", "date"])
        ends = {f"chance_{end}": chance[end].to_numpy() for end in ("low", "high")}
        parts.append(both.assign(measure=measure, **ends))
    data = pd.concat(parts, ignore_index=True)
    names = {place.code: place.name for place in scenario.destinations.values()}
    lines = {
        scenario.destinations[name].code: number.value
        for name, number in scenario.capacities.items()
    }
    data = data[data["place_id"].isin(names)]
    data.insert(1, "place", data["place_id"].map(names))
    capacity = data["place_id"].map(lines).astype(float)
    return data.assign(capacity=capacity).reset_index(drop=True)


def draw(data: pd.DataFrame, ax: Axes) -> None:
    """Draw one country: men below, companions and families above them, the capacity line.

    Parameters
    ----------
    data : DataFrame
        Rows of ``table`` for one place.
    """
    men = data[data["measure"] == "stock_men"].set_index("date")
    persons = data[data["measure"] == "stock_persons"].set_index("date")
    times = pd.DatetimeIndex(persons.index) + pd.Timedelta(hours=24)
    ax.fill_between(times, 0, men["value"], lw=0, **MEN)
    ax.fill_between(times, men["value"], persons["value"], lw=0, **OTHERS)
    ends = persons["chance_low"], persons["chance_high"]
    ax.fill_between(times, *ends, lw=0, zorder=1.5, **CHANCE)
    ax.plot(times, persons["value"], color=INK, linewidth=1.0)
    if (persons["high"] != persons["chance_high"]).any():
        ax.plot(times, persons[["low", "high"]].to_numpy(), **EDGE)
    line = data["capacity"].max()
    if line > 0:
        ax.axhline(line, **LINE)
    timelines.number_axis(ax, data[["high", "capacity"]].max().max())


def passed(data: pd.DataFrame) -> datetime | None:
    """Return the first day on which the mean stock of one place is at or above its line."""
    persons = data[(data["measure"] == "stock_persons") & (data["value"] >= data["capacity"])]
    return None if persons.empty else persons["date"].min()


def finding(data: pd.DataFrame, doubtful: bool = False) -> str:
    """State how many persons are abroad at the end, and when the line was passed.

    Parameters
    ----------
    doubtful : bool
        Whether the ranges hold all doubt, and stand in the title.
    """
    last = data["date"].max()
    ends = data[(data["measure"] == "stock_persons") & (data["date"] == last)]
    ends = ends.sort_values("value", ascending=False, kind="stable")
    if ends.empty or not ends["value"].max() >= 1:
        return "Nobody was abroad at the end of the period"
    clauses = []
    for row in records(ends.head(3)):
        span = between(row["low"], row["high"]) if doubtful else ""
        line = _of_line(data[data["place_id"] == row["place_id"]], row["capacity"], doubtful)
        clauses.append(f"{span or count(row['value'])} persons were in {row['place']}{line}")
    return f"On {day(last)} {listed(clauses)}"


def _of_line(data: pd.DataFrame, capacity: float, doubtful: bool) -> str:
    """Return whether a place passed its line, if it has one; with doubt only what is sure."""
    when, persons = passed(data), data[data["measure"] == "stock_persons"]
    if not capacity > 0:
        return ""
    line = f"line of {count(capacity)}"
    if doubtful and persons["low"].max() < capacity <= persons["high"].max():
        return f" (whether the {line} was passed is not certain)"
    if when is None:
        return f" (below the {line})"
    return f" ({line} passed)" if doubtful else f" ({line} passed on {day(when)})"


def _keys(lined: bool, results: Run) -> list[Key]:
    n, draws = results.n_replications, n_draws(results)
    return [
        Key("men", MEN, patch=True),
        Key("companions and, later, families", OTHERS, patch=True),
        *([Key(f"{range_of(draws, 'draw')}: all doubt", EDGE)] if draws else []),
        *([Key(f"{range_of(n)}: chance alone", CHANCE, patch=True)] if n > 1 else []),
        *([Key("capacity line of the scenario", LINE)] if lined else []),
    ]


def _alt(data: pd.DataFrame) -> list[str]:
    parts = []
    for name, rows in data[data["date"] == data["date"].max()].groupby("place", sort=False):
        by = rows.set_index("measure")["value"]
        if by.get("stock_persons", 0.0) > 0:
            parts.append(f"{name}: {share(by['stock_men'] / by['stock_persons'])} of them men.")
    return parts


# ---- the chance of passing a capacity line


def missing_capacity(results: Run) -> str:
    """Return why there is nothing to draw, if so."""
    if not results.scenario.capacities:
        return "its scenario names no capacities"
    few = "it has one replication only; run the scenario with --replications 20"
    return missing(results) or few * (max(results.n_replications, n_draws(results)) == 1)


def draw_capacity(results: Run, preset: Preset) -> Drawn:
    """Draw one curve for each destination that has a capacity line."""
    data, horizon = capacity_table(results), results.scenario.horizon
    first = data[data["passed"] > 0].groupby("place", sort=False)["date"].min()
    alt = [f"{name}: first passed on {day(date)}." for name, date in first.items()]
    meaning = "95 % interval for a share of so many replications"
    keys = [Key(meaning, {"color": CYCLE[0], "alpha": 0.18}, patch=True)]
    title, note = capacity_finding(data, _repeated(results)[1]), _capacity_note(results)
    words = (title, _capacity_subtitle(results), source(results), note)
    caption = Caption(CAPACITY_FAMILY.name, data, *words, keys, alt)
    head = "Chance that the line has been passed"
    sheet, (panel,) = timelines.stacked(caption, preset, [(head, ())], horizon, CAPACITY_PANEL)
    draw_chances(data, panel)
    _write_names(data, panel, sheet)
    return caption.drawn(sheet)


def capacity_table(results: Run) -> pd.DataFrame:
    """Return the share of replications in which a line was passed on or before each day.

    With draws of the parameters, as many as replications, it is the share of the draws.
    Columns place_id, place, capacity, date, passed, replications, probability, low, high; the
    interval is Wilson's (1927) at 95 %, which holds for few replications and for 0 and 1 too.
    """
    scenario, n = results.scenario, _repeated(results)[0]
    drawn = results.posterior
    repeated = results if drawn is None else results.with_tables(daily=drawn)
    rows = repeated.days("stock_persons", "destination")
    parts = []
    for name, number in scenario.capacities.items():
        place = scenario.destinations[name]
        own = rows[rows["place_id"] == place.code]
        wide = own.pivot(index="date", columns="replication", values="value").sort_index()
        passed = (wide >= number.value).cummax().sum(axis=1).rename("passed").reset_index()
        which = {"place_id": place.code, "place": place.name}
        parts.append(passed.assign(capacity=number.value, **which))
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


def draw_chances(data: pd.DataFrame, ax: Axes) -> None:
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


def _repeated(results: Run) -> tuple[int, str]:
    """Return what chances are counted over."""
    draws = n_draws(results)
    return (draws, "draws of the parameters") if draws else (results.n_replications, "replications")


def capacity_finding(data: pd.DataFrame, of: str = "replications") -> str:
    """State in what share of the replications each line was passed by the end, and when in half."""
    clauses = []
    for _, own in data.groupby("place_id", sort=False):
        end = records(own.tail(1))[0]
        clause = f"{end['place']} passes {count(end['capacity'])} persons in "
        half = own[own["probability"] >= 0.5]
        if end["passed"] == 0:
            clause += f"none of {end['replications']} {of}"
        else:
            part = f"{share(end['probability'])} of the" if end["probability"] < 1 else "all"
            clause += f"{part} {end['replications']} {of}"
            clause += f", in half by {day(half['date'].min())}" if not half.empty else ""
        clauses.append(clause)
    return "; ".join(clauses[:3])


def _capacity_subtitle(results: Run) -> str:
    last = timelines.last_day(results.scenario.horizon)
    names = [results.scenario.destinations[name].name for name in results.scenario.capacities]
    n, of = _repeated(results)
    return (
        f"Share of {n} {of} in which the persons abroad (men, companions, "
        f"families) in {listed(names)} reached the capacity line on or before a day, "
        f"up to {day(last)} {last.year}."
    )


def _capacity_note(results: Run) -> str:
    n = _repeated(results)[0]
    none = 100 * float(wilson(np.zeros(1), n)[1][0])
    one, holds = "replication", "is that of the model's random draws; doubt about its parameters"
    if results.posterior is not None:
        one, holds = "draw", "holds the doubt of the calibration; that about what it left fixed"
    return (
        f"Before any {one} has passed, the interval reaches from 0 to {none:.0f} %. The lines are "
        f"assumptions of the scenario. The chance {holds} comes on top."
    )
