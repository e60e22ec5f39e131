"""Small multiples: entries per day in each scenario, the first behind every other in grey."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from flowsim.figures.comparison.outcomes import source
from flowsim.figures.families import Family
from flowsim.figures.layout import ladders, policy_bars, timelines, worlds
from flowsim.figures.layout.caption import Caption
from flowsim.figures.layout.save import Drawn
from flowsim.figures.layout.sheet import MARGIN, Cell, Sheet, fitted
from flowsim.figures.layout.style import QUIET, Preset
from flowsim.figures.layout.tables import records, spread
from flowsim.findings.words import count, listed
from flowsim.scenario.schema import Horizon

if TYPE_CHECKING:
    from flowsim.results.comparison import Comparison

FAMILY = Family("scenarios", "entries per day, a panel for each scenario", order=4)
BEHIND: dict[str, Any] = {"color": QUIET, "linewidth": 0.8}
PANEL, HEAD, FOOT, GAP, LEFT = 27.0, 4.6, 5.0, 3.0, 11.0
MOST = 6
NOTE = "Entries are border crossings, not emigrants. Panels of one country share their scale."


def missing(results: Comparison) -> str:
    """Return why there is nothing to draw, if so."""
    return "" if len(table(results)) else "its daily table has no entries"


def draw_figure(results: Comparison, preset: Preset) -> Drawn:
    """Arrange a row of panels for each destination, a panel for each scenario."""
    data, first = table(results), results.scenarios[0]
    shown = results.names[: MOST if preset.height is None else 4]
    caption = Caption(
        FAMILY.name,
        data,
        finding(data, results),
        "Simulated entries of Russian citizens by local calendar day, "
        f"{timelines.whole_period(first.horizon)}: both sexes, all ages, ordinary traffic "
        "included.",
        source(results),
        NOTE + " Further scenarios: scenarios.csv." * (len(shown) < len(results.names)),
        worlds.keys(
            "scenario named above",
            results.replications,
            f"{results.names[0]}, to compare",
            **BEHIND,
        ),
        _alt(data),
    )
    columns = min(len(shown), 2 if preset.narrow else 3 if preset.height is None else 4)
    lines = -(-len(shown) // columns)
    places = list(dict.fromkeys(data["place"]))
    # where all scenarios are on one line, their names stand above the first place only
    named = [lines > 1 or n == 0 for n in range(len(places))]
    edges = [(HEAD + lines * (HEAD * above + FOOT)) * preset.scale for above in named]
    around = sum(edges) + GAP * (len(places) - 1)
    sheet = caption.sheet(preset, around + len(places) * lines * PANEL)
    high, top = (sheet.body - around) / len(places), 0.0
    for place, above, edge in zip(places, named, edges, strict=True):
        cell = Cell(0.0, top, preset.width, edge + high)
        inner = ladders.headed(sheet, cell, f"Persons entering {place} a day", HEAD)
        rows = data[data["place"] == place]
        _draw_place(rows, shown, first.horizon, sheet, inner, columns, above)
        top += cell.height + GAP
    return caption.drawn(sheet)


def _draw_place(
    data: pd.DataFrame,
    shown: list[str],
    horizon: Horizon,
    sheet: Sheet,
    cell: Cell,
    columns: int,
    named: bool,
) -> None:
    """Draw a panel for each scenario, with its name above if ``named``."""
    preset, gap = sheet.preset, 4.0
    left, head = MARGIN + LEFT * preset.scale, HEAD * named * preset.scale
    width = (cell.width - left - 4.0 - gap * (columns - 1)) / columns
    line = cell.height / -(-len(shown) // columns)
    noon = data["date"] + timedelta(hours=12)
    curves = data.rename(columns={"scenario": "world"}).assign(date=noon)
    limit = data[["value", "high"]].max().max()
    for n, name in enumerate(shown):
        row, column = divmod(n, columns)
        x, y = left + column * (width + gap), cell.top + row * line
        if named:
            sheet.text(x, y + 0.4, fitted(name, preset.small, width + 2), preset.small)
        panel = sheet.axes(x, y + head, width, line - head - FOOT * preset.scale)
        policy_bars.time_axis(panel, horizon, width, preset, inside=True)
        worlds.draw(curves, name, panel, shown[:1], alpha=0.8, **BEHIND)
        timelines.number_axis(panel, limit, ticks=4)
        panel.tick_params(labelleft=column == 0)


def table(results: Comparison) -> pd.DataFrame:
    """Return entries by scenario, destination and local day: mean and range of the replications.

    Columns scenario, place_id, place, date, value, low, high.
    """
    daily = results.daily
    if daily.empty:
        columns = ["scenario", "place_id", "place", "date", "value", "low", "high"]
        return pd.DataFrame(columns=columns)
    rows = daily[(daily["measure"] == "entries") & (daily["place_kind"] == "destination")]
    rows = timelines.within(rows, results.scenarios[0].horizon)
    data = spread(rows.astype({"scenario": str, "place_id": str}), ["scenario", "place_id", "date"])
    names = {
        place.code: place.name
        for scenario in results.scenarios
        for place in scenario.destinations.values()
    }
    data.insert(2, "place", [names.get(key, key) for key in data["place_id"]])
    turn = {name: n for n, name in enumerate([*results.names, *names])}
    data = data.assign(s=data["scenario"].map(turn), p=data["place_id"].map(turn))
    data = data.sort_values(["p", "s", "date"], kind="stable")
    return data.drop(columns=["s", "p"]).reset_index(drop=True)


def finding(data: pd.DataFrame, results: Comparison) -> str:
    """State how many enter the country that differs most between the scenarios."""
    if data.empty or data["value"].max() <= 0:
        return "Nobody entered any destination in any scenario"
    sums = data.groupby(["place", "scenario"])["value"].sum().to_dict()
    of = {
        place: [sums.get((place, name), 0.0) for name in results.names]
        for place in dict.fromkeys(data["place"])
    }
    place = max(of, key=lambda place: (max(of[place]) - min(of[place])) / max(*of[place], 1e-9))
    numbers = zip(of[place][:3], results.names, strict=False)
    clauses = [f"{count(n)} in {name}" for n, name in numbers]
    clauses[0] = clauses[0].replace(" in ", " persons in ", 1)
    return f"Over the period {listed(clauses)} enter {place}"


def _alt(data: pd.DataFrame) -> list[str]:
    most = data.groupby(["place", "scenario"], sort=False)["value"].max().reset_index()
    return [
        f"{row['scenario']}, {row['place']}: at most {count(row['value'])} a day."
        for row in records(most)
    ]
