"""What can be explored: settings, each a simulated point, with curves by day and what they say.

``of_sweep`` reads the points of a sweep behind sliders and switches, its parameters;
``of_comparison`` the scenarios of a comparison behind one switch.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from flowsim.errors import ResultsError
from flowsim.figures.sweep import swept as drawn
from flowsim.findings import comparison, doubts
from flowsim.findings import sweep as said
from flowsim.findings.naming import Named, title
from flowsim.findings.ranges import lumpy
from flowsim.findings.words import plural, sampled
from flowsim.results.comparison import Comparison
from flowsim.results.measures import reduction
from flowsim.results.sweep import SweepResults
from flowsim.scenario import Base, as_shipped, shipped
from flowsim.scenario.clock import Offset
from flowsim.scenario.schema import Scenario
from flowsim.sweep import design
from flowsim.sweep.file import Sweep, sweep_of
from flowsim.sweep.plan import meaning
from flowsim.sweep.responses import is_number

MOST_SETTINGS = 4_000  # a page of more would be too large to mail
MOST_SERIES = 12
SHOWN = (
    *("entries", "queue_cars", "stock_persons", "involuntary_stayers", "departures"),
    *("stock_men", "queue_persons", "wait_hours", "entries_men"),
)
"""Measures that come first, in this order."""
KINDS = ("destination", "nation", "crossing", "group", "region")
HOURS = {"sum": 12, "mean": 12, "last": 24, "first": 0, "max": 9, "min": 9}
"""Hour of the day for which a value stands: flows its middle, stocks its end, queues 9:00."""


@dataclass(frozen=True)
class Control:
    """A slider (numbers) or a switch (names): its values in order, and how each is written.

    Attributes
    ----------
    numbers : tuple of float
        Its values, of a slider; empty for a switch.
    """

    key: str
    label: str
    unit: str
    texts: tuple[str, ...]
    numbers: tuple[float, ...] = ()
    scale: float = 1.0


@dataclass(frozen=True)
class Setting:
    """One simulated point.

    Attributes
    ----------
    at : tuple of int
        Number of its value of each control.
    lines : tuple of str
        What came out, in sentences.
    name : str
        What it is in the folder.
    commands : tuple of str
        What simulates it again.
    """

    at: tuple[int, ...]
    scenario: Scenario
    lines: tuple[str, ...]
    name: str
    commands: tuple[str, ...]


@dataclass(frozen=True)
class Series:
    """A daily series."""

    place_kind: str
    place_id: str
    measure: str

    @property
    def rank(self) -> tuple[int, int]:
        """Place in the order of panels."""
        known = SHOWN.index(self.measure) if self.measure in SHOWN else len(SHOWN)
        return known, KINDS.index(self.place_kind)

    @property
    def hour(self) -> int:
        """Hour of the local day for which its values stand."""
        return 9 if self.measure.startswith("queue") else HOURS[reduction(self.measure)]

    def offset(self, scenario: Scenario) -> Offset:
        """Hours from UTC of the clock in which it is drawn."""
        if self.place_kind != "destination":
            return scenario.utc_offset_h
        return next(
            c.utc_offset_h for c in scenario.destinations.values() if c.code == self.place_id
        )


@dataclass(frozen=True)
class Curves:
    """Daily series at every setting.

    Attributes
    ----------
    values : float64, shape (settings, replications, series, days)
        NaN where there is none.
    zero : tuple of Series
        Those that are 0 on every day of every run, which are not drawn.
    left_out : int
        Series for which there was no room.
    """

    series: tuple[Series, ...]
    days: tuple[datetime, ...]
    values: npt.NDArray[np.float64]
    zero: tuple[Series, ...]
    left_out: int


@dataclass(frozen=True)
class Explored:
    """Everything that a page shows.

    Attributes
    ----------
    holds : str
        Which doubt the bands hold.
    own : int or None
        The setting that is the scenario as it stands.
    """

    title: str
    subtitle: str
    caution: str
    limits: tuple[str, ...]
    holds: str
    controls: tuple[Control, ...]
    settings: tuple[Setting, ...]
    own: int | None
    curves: Curves
    made_with: str

    @property
    def scenario(self) -> Scenario:
        """The scenario as it stands, or the first."""
        return self.settings[self.own or 0].scenario

    @property
    def is_grid(self) -> bool:
        """Whether every combination of values was simulated, so that one may interpolate."""
        n = int(np.prod([len(control.texts) for control in self.controls]))
        return n == len(self.settings) and any(len(c.numbers) > 1 for c in self.controls)


def curves(daily: pd.DataFrame, n: int) -> Curves:
    """Return the curves of n settings, those most asked for first.

    Parameters
    ----------
    daily : DataFrame
        Columns setting (its number), replication, date, place_kind, place_id, measure, value.

    Raises
    ------
    ResultsError
        If there are none.
    """
    names = ["place_kind", "place_id", "measure"]
    largest = daily.assign(size=daily["value"].abs()).groupby(names, observed=True, sort=False)
    rows = largest["size"].max().reset_index().itertuples(index=False)
    there = {Series(*map(str, row[:3])): float(row[3]) for row in rows}
    if not there:
        raise ResultsError(
            "no daily series was kept, so there are no curves to show; name some under `keep:` in "
            "the sweep file, such as keep: {measures: [entries, queue_cars]}"
        )
    ordered = sorted(there, key=lambda one: one.rank)
    drawn = [one for one in ordered if there[one]] or ordered[:1]
    shown = tuple(drawn[:MOST_SERIES])
    days = sorted(daily["date"].unique())
    values = np.full((n, int(daily["replication"].max()) + 1, len(shown), len(days)), np.nan)
    for number, one in enumerate(shown):
        own = daily[np.logical_and.reduce([daily[c] == getattr(one, c) for c in names])]
        at = own["setting"].to_numpy(), own["replication"].to_numpy()
        values[*at, number, np.searchsorted(days, own["date"].to_numpy())] = own["value"]
    dates = tuple(pd.Timestamp(moment).to_pydatetime() for moment in days)
    zero = tuple(one for one in ordered if not there[one] and one not in shown)
    return Curves(shown, dates, values, zero, len(drawn) - len(shown))


def refuse_too_many(n: int) -> None:
    """Refuse more settings than a page can hold; raises ResultsError."""
    if n > MOST_SETTINGS:
        raise ResultsError(
            f"{n:,} points are more than a page can hold; at most {MOST_SETTINGS:,}. Sweep fewer "
            "parameters, or fewer values of each"
        )


def of_sweep(results: SweepResults) -> Explored:
    """Return everything that the page of a sweep shows.

    Raises
    ------
    ResultsError
        If it has too many points for a page, no run that succeeded, or no series by day.
    """
    sweep, swept, caution = sweep_of(results), drawn.of(results), said.caution(results)
    runs = results.runs[results.runs["status"] == "ok"]
    first = runs.drop_duplicates(["scenario", "point"])
    refuse_too_many(len(first))
    worlds = tuple(swept.scenario_name(name) for name in swept.scenarios)
    several = len(worlds) > 1
    controls, columns = zip(*(_control(swept, one) for one in swept.varied), strict=True)
    at = dict(zip(swept.design.index, zip(*columns, strict=True), strict=True))
    changes = [sweep.changes | changed for changed in design.points(sweep).changes]
    own: dict[
        str, int
    ] = {}  # by scenario the point at which nothing but sample and seed is changed
    for base in sweep.bases:
        stands = meaning(base.variant(sweep.changes))
        same = (n for n, some in enumerate(changes) if meaning(base.variant(some)) == stands)
        if (point := next(same, None)) is not None:
            own[base.name] = point
    lines = said.at_points(results, own)

    found = tuple(
        Setting(
            (*[place] * several, *at[point]),
            base.variant(changes[point]),
            lines.get((base.name, point), ()),
            f"point {point} of the sweep {sweep.name}, run {run}",
            _commands(sweep, base, changes[point], run),
        )
        for place, base in enumerate(sweep.bases)
        for name, point, run in zip(first["scenario"], first["point"], first["run"], strict=True)
        if name == base.name
    )
    number = {key: n for n, key in enumerate(zip(first["scenario"], first["point"], strict=True))}
    daily = results.daily.merge(runs[["run", "scenario", "point", "replication"]], on="run")
    daily["setting"] = [number[key] for key in zip(daily["scenario"], daily["point"], strict=True)]
    return Explored(
        title=swept.title,
        subtitle=swept.subtitle().removeprefix(f"{swept.title}: "),
        caution=" ".join((caution, *(s for s in lumpy(sweep.sample) if s not in caution))),
        limits=doubts.finding(list(swept.scenarios.values()), said.doubts(results)).sentences,
        holds="chance and the doubt of the calibration" if sweep.draws else "chance alone",
        controls=(*[Control("scenario", "scenario", "", worlds)] * several, *controls),
        settings=found,
        own=next((number[key] for key in own.items() if key in number), None),
        curves=curves(daily, len(found)),
        made_with=swept.source,
    )


def _commands(sweep: Sweep, base: Base, changes: Mapping[str, Any], run: int) -> tuple[str, ...]:
    """Return the commands that simulate a point again: from the sweep's folder, and without."""
    again = f"flowsim rerun results/{sweep.name} --run {run} --out results/run-{run}"
    if sweep.draws:  # what a draw changes stands in the folder alone
        return (again,)
    is_shipped = base.name in shipped() and meaning(as_shipped(base.name)) == meaning(base.scenario)
    file = base.name if is_shipped else f"results/{sweep.name}/base-{base.name}.yaml"
    rest = {key: value for key, value in changes.items() if key not in ("sample", "seed")}
    seed = base.scenario.seed if sweep.seed is None else sweep.seed
    return again, run_command(file, rest, sweep.sample, seed, sweep.replications)


def _control(swept: drawn.Swept, one: Named) -> tuple[Control, list[int]]:
    """Return the control of a parameter that varies, and the number of its value at each point."""
    column = swept.design[one.key]
    values = list(column.drop_duplicates())
    is_slider = is_number(column)
    values = sorted(values) if is_slider else values
    texts = tuple(drawn.value_text(value, one) for value in values)
    numbers = tuple(float(value) for value in values) if is_slider else ()
    control = Control(one.key, one.label, one.unit, texts, numbers, one.scale)
    return control, pd.Index(values).get_indexer(column).tolist()


def of_comparison(found: Comparison) -> Explored:
    """Return everything that the page of a comparison shows.

    Raises
    ------
    ResultsError
        If it has no series by day.
    """
    manifest, titles = found.manifest, tuple(map(title, found.scenarios))
    sample, seed, n = float(manifest["sample"]), int(manifest["seed"]), found.replications
    rows = found.daily[found.daily["measure"].isin(SHOWN[:5])]
    queues = rows[rows["measure"].eq("queue_cars")]
    longest = queues.groupby("place_id", observed=True)["value"].max().nlargest(1).index
    kept = rows["place_kind"].isin(("destination", "nation"))
    kept |= rows["measure"].eq("queue_cars") & rows["place_id"].isin(longest)
    numbers = {name: place for place, name in enumerate(found.names)}
    daily = rows[kept].assign(setting=lambda rows: rows["scenario"].map(numbers).astype(int))
    settings = tuple(
        Setting(
            (place,),
            scenario,
            lines,
            f"scenario {scenario.name}",
            (run_command(scenario.name, {}, sample, seed, n),),
        )
        for place, (scenario, lines) in enumerate(
            zip(found.scenarios, comparison.at_settings(found), strict=True)
        )
    )
    return Explored(
        title=f"Side by side: {'; '.join(titles)}",
        holds="chance alone",
        subtitle=f"The same men in each scenario, {sampled(sample)}, {plural(n, 'replication')}.",
        caution=" ".join((comparison.caution(found), *lumpy(sample))),
        limits=doubts.finding(found.scenarios).sentences,
        controls=(Control("scenario", "scenario", "", titles),),
        settings=settings,
        own=0,
        curves=curves(daily, len(settings)),
        made_with=f"Source: flowsim {manifest['versions']['flowsim']}, seed {seed}.",
    )


def run_command(
    scenario: str, changes: Mapping[str, Any], sample: float, seed: int, replications: int
) -> str:
    """Return the command that simulates a scenario with some changes."""
    parts = ["flowsim", "run", scenario, "--sample", f"{sample:g}", "--seed", str(seed)]
    parts += ["--replications", str(replications)]
    for key, value in changes.items():
        parts += ["--set", f"{key}={json.dumps(value, default=str)}"]
    return " ".join(shlex.quote(part) for part in [*parts, "--out", "results/setting"])
