"""Entries per day and country, beside the published figures and the policies: mean, or bands.

``entries`` draws the mean of the replications with their range, ``fan`` their quantiles. A run
with draws of its parameters has two bands of the same width in probability: chance alone (the
replications at the scenario's own values), and chance and parameters together (the draws).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from flowsim.figures.families import Family
from flowsim.figures.layout import policy_bars, published, timelines
from flowsim.figures.layout.caption import Caption
from flowsim.figures.layout.save import Drawn
from flowsim.figures.layout.sheet import Key
from flowsim.figures.layout.style import BLUE, INK, QUIET, Preset
from flowsim.figures.layout.tables import highest, joined, range_of, records, source, spread
from flowsim.findings.words import count, day, listed, rounded
from flowsim.results.run import Run
from flowsim.scenario.schema import Scenario

FAMILY = Family("entries", "entries per day and country, published figures, policy dates", order=1)
FAN_FAMILY = Family(
    "fan",
    "entries per day as bands over the replications",
    draw="draw_fan",
    missing="missing_fan",
    usual="posterior",
    order=7,
)
COLUMNS = ["place_id", "place", "series", "id", "role", "start", "end"]
LEVELS = {"low": 0.05, "lower": 0.25, "value": 0.5, "upper": 0.75, "high": 0.95}
PANEL = 43.0
PLAIN_CHANGE = 1.15
MOST, MOST_BANDS = 3, 2
CHANCE, BOTH = "chance alone", "chance and parameters"
ORDINARY: dict[str, Any] = {"color": QUIET, "linewidth": 0.8, "linestyle": (0, (4, 3))}
# the edge tells the wide band from the narrow one where a printer knows no blue
WIDE = {"facecolor": "#0072B226", "edgecolor": BLUE, "lw": 0.7, "linestyle": (0, (4, 2))}
UNSEEN = (
    "Neither band holds doubt about the structure of the model, nor about assumptions that the "
    "calibration left fixed."
)


@dataclass(frozen=True)
class Layer:
    """A line, or the band between two columns, and what the key calls it.

    Attributes
    ----------
    columns : tuple of str
        One for a line, two for a band.
    what : str
        Which rows of the table, if it has a column ``what``.
    """

    meaning: str
    look: dict[str, Any]
    columns: tuple[str, ...] = ("value",)
    what: str = ""

    @property
    def key(self) -> Key:
        """Return the entry of the key."""
        return Key(self.meaning, self.look, patch=len(self.columns) == 2)

    def draw(self, data: pd.DataFrame, ax: Axes) -> None:
        """Draw the layer's part of simulated rows."""
        rows = data[data["what"] == self.what] if self.what else data
        middle = rows["start"] + timedelta(hours=12)
        first, last = rows[self.columns[0]], rows[self.columns[-1]]
        if len(self.columns) == 2:
            ax.fill_between(middle, first, last, **{"lw": 0} | self.look)
        else:
            ax.plot(middle, first, zorder=3, **self.look)


BANDS = (
    Layer("median", {"color": BLUE, "linewidth": 1.2}),
    Layer("half of the replications", {"color": BLUE, "alpha": 0.45}, ("lower", "upper")),
    Layer("nine in ten", {"color": BLUE, "alpha": 0.2}, ("low", "high")),
)
DRAWS = (
    Layer("median at own values", {"color": BLUE, "linewidth": 1.2}, what=CHANCE),
    Layer(f"{CHANCE}, nine in ten", {"color": BLUE, "alpha": 0.5}, ("low", "high"), CHANCE),
    Layer(
        "median of the draws",
        {"color": INK, "linewidth": 1.0, "linestyle": (0, (4, 2))},
        what=BOTH,
    ),
    Layer(f"{BOTH}, nine in ten", WIDE, ("low", "high"), BOTH),
)


def _range(n: int) -> tuple[Layer, ...]:
    """Return the mean of the replications with its range."""
    mean = Layer("simulated", {"color": BLUE, "marker": ".", "markersize": 3})
    band = Layer(range_of(n), timelines.BAND, ("low", "high"))
    return (mean, band) if n > 1 else (mean,)


def missing_fan(results: Run) -> str:
    """Return why there are no bands to draw, if so."""
    few = "it has one replication only; run the scenario with --replications 20"
    return "" if results.n_replications > 1 else few


def draw_figure(results: Run, preset: Preset) -> Drawn:
    """Draw mean and range, with the ordinary traffic as a line."""
    data, layers = table(results), _range(results.n_replications)
    seen = published.keys(data[data["series"] == "published"])
    ordinary = Key("ordinary traffic before the shock (input)", ORDINARY)
    subtitle = _subtitle(
        results,
        ": both sexes, all ages, ordinary traffic included. Bars: policies of the scenario.",
    )
    caption = Caption(
        FAMILY.name,
        data,
        finding(data, results),
        subtitle,
        source(results),
        _notes(data, results.scenario),
        [*(layer.key for layer in layers), ordinary, *seen],
        [subtitle, *_alt(data)],
    )
    return _arranged(caption, layers, results, preset, ordinary=True)


def draw_fan(results: Run, preset: Preset) -> Drawn:
    """Draw quantiles of the replications and, if there are any, of the draws."""
    data, drawn = fan_table(results), results.posterior is not None
    layers = DRAWS if drawn else BANDS
    seen = published.keys(data[data["series"] == "published"])
    subtitle, unseen = _bands_subtitle(results), [UNSEEN] if drawn else []
    notes = ["Entries are border crossings, not emigrants; ordinary traffic included.", *unseen]
    if seen:
        notes.append("Sources of each mark: fan.csv.")
    caption = Caption(
        FAN_FAMILY.name,
        data,
        bands_finding(data, results),
        subtitle,
        source(results),
        " ".join(notes),
        [*(layer.key for layer in layers), *seen],
        [subtitle, *_bands_alt(data), *unseen],
    )
    return _arranged(caption, layers, results, preset)


def _arranged(
    caption: Caption,
    layers: Sequence[Layer],
    results: Run,
    preset: Preset,
    ordinary: bool = False,
) -> Drawn:
    """Arrange one panel per destination, each under the strip of its policies."""
    scenario, data = results.scenario, caption.data
    panels = [
        (f"Persons entering {place.name} a day", policy_bars.bars_of(scenario, name))
        for name, place in scenario.destinations.items()
    ]
    sheet, axes = timelines.stacked(caption, preset, panels, scenario.horizon, PANEL)
    for place, panel in zip(scenario.destinations.values(), axes, strict=True):
        draw(data[data["place_id"] == place.code], panel, layers)
        if ordinary:
            panel.axhline(place.background.value, zorder=1, **ORDINARY)
    return caption.drawn(sheet)


def table(results: Run) -> pd.DataFrame:
    """Return what is drawn: simulated entries by local day, and the published figures.

    Local days that begin before the horizon or after its last day are left out.
    """
    return _beside(results, spread(_days(results), ["place_id", "date"]), COLUMNS)


def fan_table(results: Run) -> pd.DataFrame:
    """Return quantiles of entries over the replications by local day, and published figures.

    Columns low, lower, value, upper and high are the quantiles of ``LEVELS``. With draws of the
    parameters, a column ``what`` tells ``CHANCE`` from ``BOTH``, and there are no quartiles.
    """
    chance = _quantiles(results)
    if results.posterior is None:
        return _beside(results, chance, [*COLUMNS, "lower", "upper"])
    both = _quantiles(results.with_tables(daily=results.posterior))
    bands = pd.concat([chance.assign(what=CHANCE), both.assign(what=BOTH)])
    return _beside(results, bands, ["what", *COLUMNS])


def _days(results: Run) -> pd.DataFrame:
    return timelines.within(results.days("entries", "destination"), results.scenario.horizon)


def _quantiles(results: Run) -> pd.DataFrame:
    groups = _days(results).groupby(["place_id", "date"], observed=True)["value"]
    fan = pd.DataFrame({name: groups.quantile(level) for name, level in LEVELS.items()})
    return fan.reset_index()


def _beside(results: Run, rows: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Put the published figures of each destination under its simulated rows."""
    rows = rows.assign(start=rows["date"], end=rows["date"] + timedelta(days=1))
    parts = []
    for place in results.scenario.destinations.values():
        own = rows[rows["place_id"] == place.code]
        where = (results.scenario, "entries", place.code, place.utc_offset_h)
        parts += published.beside(own, *where, place=place.name)
    return joined(parts, columns)


def draw(data: pd.DataFrame, ax: Axes, layers: Sequence[Layer]) -> None:
    """Draw one country: simulated entries in layers, the last at the bottom, published as marks.

    Parameters
    ----------
    data : DataFrame
        Rows of ``table`` or ``fan_table`` for one place.
    """
    for layer in reversed(layers):
        layer.draw(data[data["series"] == "simulated"], ax)
    published.draw(data[data["series"] == "published"], ax)
    timelines.number_axis(ax, data[["value", "high"]].max().max())


def finding(data: pd.DataFrame, results: Run) -> str:
    """State when and how high entries peaked, destination by destination."""
    own = data[data["series"] == "simulated"]
    clauses: list[tuple[float, str, str, str]] = []
    nobody = []
    for place in results.scenario.destinations.values():
        values = own[own["place_id"] == place.code].set_index("start")["value"].dropna()
        if values.empty or values.max() <= 0:
            nobody.append(place.name)
        else:
            waiting = _waiting(results, place.code, values)
            clauses.append((-values.max(), place.name, *_clause(values, waiting)))
    if not clauses:
        return f"Nobody entered {listed(nobody) or 'any destination'}"
    text, before = "Entries", ""
    for n, (_, name, verb, rest) in enumerate(sorted(clauses)[:MOST]):
        text += f"{', those' if n else ''} to {name} {'' if verb == before else verb + ' '}{rest}"
        before = verb
    return f"{text}; nobody entered {listed(nobody)}" if nobody else text


def _clause(values: pd.Series[float], waiting: str) -> tuple[str, str]:
    """Return in a verb and the rest whether a series peaked, fell or stayed the same."""
    first, (most, when) = float(values.iloc[0]), highest(values)
    least, then = highest(-values)
    if most > PLAIN_CHANGE * first:
        return "peaked", f"at {count(most)} a day on {day(when)}{waiting}"
    if -least * PLAIN_CHANGE < first:
        return "fell", f"from {count(first)} a day to {count(-least)} on {day(then)}"
    return "stayed", f"near {count(values.median())} a day"


def _waiting(results: Run, code: str, values: pd.Series[float]) -> str:
    """Return how many queued at the place's fullest crossing on the peak day, if many did."""
    scenario = results.scenario
    names = {
        key: crossing.name
        for key, crossing in scenario.crossings.items()
        if scenario.destinations[crossing.destination].code == code and crossing.kind == "road"
    }
    queues = results.days("queue_persons", "crossing")
    queues = queues[queues["place_id"].isin(names) & (queues["date"] == values.idxmax())]
    means = queues.groupby("place_id")["value"].mean().dropna()
    if means.empty or means.max() < 0.25 * values.max():
        return ""
    return f" with {count(rounded(means.max(), 2))} waiting at {names[str(means.idxmax())]}"


def bands_finding(data: pd.DataFrame, results: Run) -> str:
    """State what nine in ten replications, or draws, have on the day of the highest median."""
    own = _widest(data)
    own = own[own["value"] > 0]
    of = "replications" if results.posterior is None else "draws of the parameters"
    if own.empty:
        names = [place.name for place in results.scenario.destinations.values()]
        return f"Nobody entered {listed(names)} in half of the {of}"
    tops = own.loc[own.groupby("place_id")["value"].idxmax()]
    ranked = tops.sort_values("value", ascending=False, kind="stable").head(MOST_BANDS)
    clauses = [
        f"{_span(row)} entered {row['place']} on {day(row['start'])}" for row in records(ranked)
    ]
    return f"In nine of ten {of} {listed(clauses)}"


def _widest(data: pd.DataFrame) -> pd.DataFrame:
    """Return the simulated rows of the outer band; without draws that of the replications."""
    own = data[data["series"] == "simulated"]
    return own[own["what"] == BOTH] if "what" in own else own


def _span(row: dict[str, Any]) -> str:
    first, last = count(row["low"]), count(row["high"])
    return first if first == last else f"{first} to {last}"


def _subtitle(results: Run, rest: str) -> str:
    days = timelines.whole_period(results.scenario.horizon)
    return f"Simulated entries of Russian citizens by local calendar day, {days}{rest}"


def _bands_subtitle(results: Run) -> str:
    n = results.n_replications
    if results.posterior is None:
        return _subtitle(
            results,
            f", in {n} replications; bars: policies. The bands show chance within the model, not "
            "doubt about its assumptions.",
        )
    return _subtitle(
        results,
        f"; bars: policies. Dark band: nine in ten of {n} replications at the scenario's own "
        "values, chance alone. Pale band with a dashed edge: nine in ten of "
        f"{results.posterior['replication'].nunique()} draws of the parameters, chance and "
        "parameters together.",
    )


def _notes(data: pd.DataFrame, scenario: Scenario) -> str:
    notes = "Entries are border crossings, not emigrants."
    for note in dict.fromkeys(policy.entries_note for policy in scenario.policies.values()):
        notes += f" {note}" if note else ""
    if (data["series"] == "published").any():
        notes += (
            " Horizontal lines: published for several days together, shown as a mean a day; "
            "short vertical lines: range given. Sources of each mark: entries.csv."
        )
    return notes


def _alt(data: pd.DataFrame) -> list[str]:
    parts = []
    for name, rows in data.groupby("place", sort=False):
        own = rows[rows["series"] == "simulated"]["value"].dropna()
        n = int((rows["series"] == "published").sum())
        text = f"{name}: no simulated value."
        if len(own):
            text = (
                f"{name}: {count(own.iloc[0])} on the first day, at most {count(own.max())}, "
                f"{count(own.iloc[-1])} on the last day; {n} published figures beside it."
            )
        parts.append(text)
    return parts


def _bands_alt(data: pd.DataFrame) -> list[str]:
    """Return where the outer band is widest, and what chance alone makes of that day."""
    own = _widest(data).dropna(subset="high")
    own = own.assign(spread=own["high"] - own["low"])
    widest = own.sort_values("spread", ascending=False, kind="stable").groupby("place", sort=False)
    of, parts = " of the draws" if "what" in data else "", []
    for row in records(widest.head(1)):
        text = f"{row['place']}: the nine-in-ten band{of} is widest on {day(row['start'])}, "
        text += f"{_span(row)} a day"
        if of:
            same = (data["place_id"] == row["place_id"]) & (data["start"] == row["start"])
            (narrow,) = records(data[same & (data["what"] == CHANCE)])
            text += f", and {_span(narrow)} by chance alone"
        parts.append(f"{text}.")
    return parts
