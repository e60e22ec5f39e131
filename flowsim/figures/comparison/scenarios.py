"""Small multiples: entries per day in each scenario, the first behind every other in grey."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.axes import Axes

from flowsim.figures.comparison.outcomes import source
from flowsim.figures.families import Family
from flowsim.figures.layout import policy_bars as marks
from flowsim.figures.layout import timelines
from flowsim.figures.layout.save import Drawn
from flowsim.figures.layout.sheet import MARGIN, Key, Sheet, fitted
from flowsim.figures.layout.style import BLUE, QUIET, Preset
from flowsim.figures.layout.tables import spread
from flowsim.findings.words import count, listed, period
from flowsim.scenario.places import Destination

if TYPE_CHECKING:
    from flowsim.comparison import Comparison

FAMILY = Family("scenarios", "entries per day, a panel for each scenario", order=4)
NAME = FAMILY.name
PANEL, HEAD, FOOT, GAP, LEFT = 27.0, 4.6, 5.0, 3.0, 11.0
MOST = 6


def missing(results: Comparison) -> str:
    """Return why there is nothing to draw, if so."""
    return "" if len(table(results)) else "its daily table has no entries"


def draw_figure(results: Comparison, preset: Preset) -> Drawn:
    """Arrange a row of panels for each destination, a panel for each scenario."""
    data = table(results)
    title = finding(data, results)
    shown = results.names[: MOST if preset.height is None else 4]
    columns = min(len(shown), 2 if preset.narrow else 3 if preset.height is None else 4)
    lines = -(-len(shown) // columns)
    places = list(dict.fromkeys(data["place"]))
    grid = Grid(preset.scale, columns, lines, len(places))
    notes = [_notes(results, len(shown)), source(results)]
    sheet = Sheet(preset, title, _subtitle(results), notes, grid.body, _keys(results))
    grid = replace(grid, high=grid.high + (sheet.body - grid.body) / (len(places) * lines))
    for n, place in enumerate(places):
        head = fitted(f"Persons entering {place} a day", preset.text, preset.width - 5, "bold")
        sheet.text(MARGIN, grid.top(n), head, preset.text, weight="bold")
        _draw_place(data[data["place"] == place], results, shown, sheet, grid, n)
    return Drawn(NAME, sheet.figure, data, title, _alt(data, title), source(results))


@dataclass(frozen=True)
class Grid:
    """Lengths in mm: ``lines`` of ``columns`` panels for each of ``places``.

    Where all scenarios of a place are on one line, their names stand above the first place only.
    """

    scale: float
    columns: int
    lines: int
    places: int
    high: float = PANEL

    def named(self, place: int) -> bool:
        """Whether panels of a place have the scenario's name above them."""
        return place == 0 or self.lines > 1

    def line(self, place: int) -> float:
        """Height of a line of panels with their names and dates."""
        return self.high + (HEAD * self.named(place) + FOOT) * self.scale

    def top(self, place: int) -> float:
        """Where a place begins."""
        return sum(HEAD * self.scale + self.lines * self.line(n) + GAP for n in range(place))

    @property
    def body(self) -> float:
        """Height of all."""
        return self.top(self.places) - GAP


def _draw_place(
    data: pd.DataFrame,
    results: Comparison,
    shown: list[str],
    sheet: Sheet,
    grid: Grid,
    place: int,
) -> None:
    preset, scale = sheet.preset, grid.scale
    left, gap = MARGIN + LEFT * scale, 4.0
    width = (preset.width - left - 4.0 - gap * (grid.columns - 1)) / grid.columns
    first = data[data["scenario"] == results.names[0]]
    limit = data[["value", "high"]].max().max()
    for n, name in enumerate(shown):
        row, column = divmod(n, grid.columns)
        x = left + column * (width + gap)
        y = grid.top(place) + HEAD * scale + row * grid.line(place)
        if grid.named(place):
            sheet.text(x, y + 0.4, fitted(name, preset.small, width + 2), preset.small)
            y += HEAD * scale
        panel = sheet.axes(x, y, width, grid.high)
        marks.time_axis(panel, results.scenarios[0].horizon, width, preset, inside=True)
        if n:
            times = first["date"] + timedelta(hours=12)
            panel.plot(times, first["value"], color=QUIET, linewidth=0.8, zorder=1, alpha=0.8)
        draw(data[data["scenario"] == name], panel)
        timelines.number_axis(panel, limit, ticks=4)
        panel.tick_params(labelleft=column == 0)


def table(results: Comparison) -> pd.DataFrame:
    """Return entries by scenario, destination and local day: mean and range of the replications.

    Columns scenario, place_id, place, date, value, low, high.
    """
    daily = results.daily
    if daily.empty:
        return pd.DataFrame(
            columns=["scenario", "place_id", "place", "date", "value", "low", "high"]
        )
    rows = daily[(daily["measure"] == "entries") & (daily["place_kind"] == "destination")]
    horizon = results.scenarios[0].horizon
    rows = rows[
        pd.to_datetime(rows["date"]).between(horizon.start, horizon.end - timedelta(days=1))
    ]
    rows = rows.astype({"scenario": str, "place_id": str})
    data = spread(rows, ["scenario", "place_id", "date"])
    places = _places(results)
    data.insert(
        2, "place", [places[key].name if key in places else key for key in data["place_id"]]
    )
    turn = {name: n for n, name in enumerate([*results.names, *places])}
    data = data.assign(s=data["scenario"].map(turn), p=data["place_id"].map(turn))
    data = data.sort_values(["p", "s", "date"], kind="stable")
    return data.drop(columns=["s", "p"]).reset_index(drop=True)


def _places(results: Comparison) -> dict[str, Destination]:
    return {
        place.code: place
        for scenario in results.scenarios
        for place in scenario.destinations.values()
    }


def draw(data: pd.DataFrame, ax: Axes) -> None:
    """Draw the entries of one scenario into one country, with their range.

    Parameters
    ----------
    data : DataFrame
        Rows of ``table`` for one scenario and place.
    """
    times = data["date"] + timedelta(hours=12)
    if (data["high"] > data["low"]).any():
        ax.fill_between(times, data["low"], data["high"], color=BLUE, alpha=0.25, lw=0)
    ax.plot(times, data["value"], color=BLUE, linewidth=1.2, zorder=3)


def finding(data: pd.DataFrame, results: Comparison) -> str:
    """State how many enter the country that differs most between the scenarios."""
    if data.empty or data["value"].max() <= 0:
        return "Nobody entered any destination in any scenario"
    sums = data.groupby(["place", "scenario"])["value"].sum().to_dict()
    places = list(dict.fromkeys(data["place"]))
    of = {place: [sums.get((place, name), 0.0) for name in results.names] for place in places}
    place = max(places, key=lambda p: (max(of[p]) - min(of[p])) / max(*of[p], 1e-9))
    clauses = [
        f"{count(n)} in {name}" for n, name in zip(of[place][:3], results.names, strict=False)
    ]
    clauses[0] = clauses[0].replace(" in ", " persons in ", 1)
    return f"Over the period {listed(clauses)} enter {place}"


def _subtitle(results: Comparison) -> str:
    horizon = results.scenarios[0].horizon
    days = period(horizon.start, horizon.end - timedelta(days=1))
    return (
        f"Simulated entries of Russian citizens by local calendar day, {days}: both sexes, all "
        "ages, ordinary traffic included."
    )


def _keys(results: Comparison) -> list[Key]:
    keys = [Key("scenario named above", {"color": BLUE, "linewidth": 1.2})]
    n = results.replications
    if n > 1:
        what = "range" if n <= 20 else "5 % to 95 %"
        keys.append(Key(f"{what} of {n} replications", {"color": BLUE, "alpha": 0.25}, patch=True))
    return [*keys, Key(f"{results.names[0]}, to compare", {"color": QUIET, "linewidth": 0.8})]


def _notes(results: Comparison, shown: int) -> str:
    text = "Entries are border crossings, not emigrants. Panels of one country share their scale."
    if shown < len(results.names):
        text += " Further scenarios: scenarios.csv."
    return text


def _alt(data: pd.DataFrame, title: str) -> str:
    parts = [f"{title}."]
    for (place, name), rows in data.groupby(["place", "scenario"], sort=False):
        parts.append(f"{name}, {place}: at most {count(rows['value'].max())} a day.")
    return " ".join(parts)
