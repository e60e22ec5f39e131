"""A sweep as its figures see it, and how they are arranged: a panel for each output and scenario.

All families of this folder draw from it; which panels each of them has is decided here: from the
block ``figures`` of the sweep file, else from its design, parameters and outputs. A family says
what it shows and in which words (``Parts``); which panels fit, how they stand, the key, the notes,
the alt text and the source line are the same for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd

from flowsim.figures.layout import panels as layout
from flowsim.figures.layout.panels import Frame, Room
from flowsim.figures.layout.sheet import Caption, Drawn, Key
from flowsim.figures.layout.style import Preset, drawable
from flowsim.figures.layout.tables import ends, flowsim_version
from flowsim.findings.account import records
from flowsim.findings.naming import SHARES, Named, all_named, output_label, place_name
from flowsim.findings.sweep import independent, unmoving
from flowsim.findings.words import capital, count, elided, listed, plural, rate, sampled, share
from flowsim.results.sweep import SweepResults
from flowsim.scenario.schema import Scenario
from flowsim.sweep import responses
from flowsim.sweep.file import sweep_of
from flowsim.sweep.schema import Figure
from flowsim.sweep.sensitivity import indices, points
from flowsim.types import Floats

MOST_PANELS, MOST_NAMED = 4, 3
LONGEST = 90  # of a parameter's label, in characters
SAMPLES = ("latin-hypercube", "sobol", "morris")
RANGE_COLUMNS = ["value", "low", "high", "error"]


@dataclass(frozen=True)
class Output:
    """One output at one place: a daily series reduced to a number.

    Attributes
    ----------
    name, place_id : str
        As ``measure`` and ``place_id`` of the table of results.
    label : str
        What it counts, and where.
    measure : str
        The daily series it is made of.
    """

    name: str
    place_id: str
    label: str
    measure: str

    @property
    def is_share(self) -> bool:
        """Whether it is a share, shown as per cent."""
        return self.measure in SHARES

    @property
    def heading(self) -> str:
        """The label as a heading."""
        return capital(self.label)

    def amount(self, value: float) -> str:
        """Write a value as text, with its unit where it needs one."""
        if self.is_share:
            return share(value)
        fine = self.measure.startswith(("wait", "queue_km")) and abs(value) < 1000
        return rate(value) if fine else count(value)

    def tick(self, value: float) -> str:
        """Write a value beside a tick of an axis."""
        return f"{100 * value:g}" if self.is_share else f"{value:,.10g}"


@dataclass(frozen=True)
class Panel:
    """What one panel of a figure shows.

    Attributes
    ----------
    x, y : Named or None
        Parameters, where the figure has any.
    threshold : float or None
        Value of the output at which a line is drawn.
    fixed : pair of Named and value, optional
        A third parameter, and the only value of it whose points are shown.
    """

    scenario: str
    output: Output
    x: Named | None = None
    y: Named | None = None
    threshold: float | None = None
    title: str = ""
    fixed: tuple[Named, Any] | None = None

    @property
    def across(self) -> Named:
        """The parameter along the horizontal axis, where one is needed."""
        assert self.x is not None
        return self.x

    @property
    def up(self) -> Named:
        """The parameter along the vertical axis, where one is needed."""
        assert self.y is not None
        return self.y

    @property
    def columns(self) -> dict[str, str]:
        """What tells its rows from those of other panels in the data drawn."""
        of = self.output
        return {"scenario": self.scenario, "output": of.name, "place_id": of.place_id}

    def of(self, table: pd.DataFrame, output: str = "output") -> pd.DataFrame:
        """Return its rows of a table whose column ``output`` names the output."""
        same = (table["scenario"] == self.scenario) & (table[output] == self.output.name)
        return table[same & (table["place_id"] == self.output.place_id)]


@dataclass(frozen=True)
class Swept:
    """A finished sweep with names for its parameters and outputs, each table made when needed."""

    results: SweepResults

    @property
    def kind(self) -> str:
        """Design: grid, zip, latin-hypercube, sobol, morris, table."""
        return sweep_of(self.results).design.kind

    @property
    def title(self) -> str:
        """The title of the sweep file, without a full stop."""
        return (sweep_of(self.results).title or sweep_of(self.results).name).rstrip(".")

    @property
    def n_replications(self) -> int:
        """Replications of each point."""
        return sweep_of(self.results).replications

    @cached_property
    def scenarios(self) -> dict[str, Scenario]:
        """The base scenarios by name."""
        return {base.name: base.scenario for base in sweep_of(self.results).bases}

    @property
    def first(self) -> Scenario:
        """The first of the base scenarios."""
        return next(iter(self.scenarios.values()))

    @cached_property
    def parameters(self) -> dict[str, Named]:
        """Parameters by name, in the order of the file."""
        found = all_named(sweep_of(self.results).parameters, self.first)
        return {
            name: replace(one, label=drawable(elided(one.label, LONGEST)))
            for name, one in found.items()
        }

    @cached_property
    def outputs(self) -> list[Output]:
        """Outputs, each at each of its places."""
        return [
            Output(o.name, place.place_id, _label(o, place.place_id, self.first), o.measure)
            for o in sweep_of(self.results).outputs
            for place in o.places
        ]

    @cached_property
    def design(self) -> pd.DataFrame:
        """One row a point, index its number; one column a parameter."""
        return points(self.results.runs, list(sweep_of(self.results).parameters))

    @cached_property
    def indices(self) -> pd.DataFrame:
        """As ``sensitivity.COLUMNS``."""
        found = self.results.indices
        if found is None:
            return indices(sweep_of(self.results), self.results.runs, self.results.results)
        return found

    @cached_property
    def daily(self) -> pd.DataFrame:
        """Daily series: scenario, point, replication, date, place_id, measure, value."""
        which = self.results.runs[["run", "scenario", "point", "replication"]]
        return self.results.daily.merge(which, on="run", how="left", validate="many_to_one")

    @cached_property
    def varied(self) -> list[Named]:
        """Parameters with more than one value in the design, in the order of the file."""
        several = self.design.astype(str).nunique() > 1
        return [one for name, one in self.parameters.items() if several[name]]

    @cached_property
    def numeric(self) -> list[Named]:
        """Those of the varied parameters that are numbers."""
        return [one for one in self.varied if responses.is_number(self.design[one.key])]

    # -- which panels

    def asked(self, figure: str) -> list[Figure]:
        """Return what the sweep file asks for of a kind of figure."""
        return [entry for entry in sweep_of(self.results).figures if entry.kind == figure]

    def panels(self, figure: str, most: int = MOST_PANELS) -> list[Panel]:
        """Return the panels of a kind of figure: those of the file, else one for each output."""
        asked = self.asked(figure)
        found = [panel for entry in asked for panel in self._asked(entry)]
        if not asked:
            x, y = self._pair(None, None)
            found = [Panel(name, o, x, y) for o in self.outputs for name in self.scenarios]
        return found[:most]

    def _asked(self, entry: Figure) -> list[Panel]:
        x, y = self._pair(entry.x, entry.y)
        outputs = [o for o in self.outputs if entry.output in (None, o.name)]
        if entry.place is not None:
            outputs = [o for o in outputs if o.place_id == entry.place]
        return [
            Panel(name, output, x, y, entry.threshold, entry.title)
            for output in (outputs if entry.output else outputs[:1])
            for name in self.scenarios
        ]

    def _pair(self, x: str | None, y: str | None) -> tuple[Named | None, Named | None]:
        """Complete a pair of parameters by those that vary, numbers first."""
        first, second = self.parameters.get(x or ""), self.parameters.get(y or "")
        rest = [one for one in [*self.numeric, *self.varied] if one not in (first, second)]
        rest = list(dict.fromkeys(rest))
        first = first or (rest.pop(0) if rest else None)
        if self.kind == "zip":  # the others move along with the first
            return first, second
        return first, second or (rest.pop(0) if rest else None)

    # -- numbers

    def cube(self, panel: Panel) -> pd.DataFrame:
        """Return one output by point (rows) and replication (columns); failed runs are NaN."""
        rows, design = panel.of(self.results.results, "measure"), self.design_of(panel)
        return responses.by_replication(self.design, rows, self.n_replications).loc[design.index]

    def design_of(self, panel: Panel) -> pd.DataFrame:
        """Return the points that a panel shows."""
        if panel.fixed is None:
            return self.design
        one, value = panel.fixed
        return self.design[self.design[one.key].astype(str) == str(value)]

    def summary(self, panel: Panel, by: Sequence[Named] = ()) -> pd.DataFrame:
        """Return the columns value (mean over replications), low, high and error.

        A row a point, the parameters beside it; or a row for each combination of the values
        of some parameters, averaged over the others within each replication. Low and high
        are the range of the replications (5 % to 95 % of more than 20), error the standard
        error of the mean, NaN with one replication.
        """
        cube, table = self.cube(panel), self.design_of(panel)
        if by:
            groups = [numbers(table[one.key], one) for one in by]
            cube = cube.groupby(groups, sort=True).mean()
            first = table.groupby(groups, sort=True).head(1).index
            order = table.loc[first].assign(
                **{f"at_{n}": g[table.index.get_indexer(first)] for n, g in enumerate(groups)}
            )
            table = order.sort_values([f"at_{n}" for n in range(len(by))]).reset_index(drop=True)
            cube = cube.reset_index(drop=True)
        return table.assign(**spread(cube))

    def index(self, panel: Panel, name: str) -> pd.DataFrame:
        """Return the rows of an index for one panel, by parameter."""
        return panel.of(self.indices[self.indices["index"] == name]).set_index("parameter")

    def effects(self, panel: Panel, index: str, *others: str) -> pd.DataFrame:
        """Return an index of one panel by parameter, the greatest first, with others beside it.

        Columns parameter, the index, low, high, n, note, the others, and what names the panel.
        """
        rows = self.index(panel, index)
        rows = rows[rows["value"].notna()][["value", "low", "high", "n", "note"]]
        rows = rows.rename(columns={"value": index}).sort_values(
            index, key=abs, ascending=False, kind="stable"
        )
        beside = {name: self.index(panel, name)["value"].reindex(rows.index) for name in others}
        return rows.assign(**beside, **panel.columns).rename_axis("parameter").reset_index()

    def without(self, index: str) -> str:
        """Return why an index cannot be drawn, if so."""
        rows = self.indices[self.indices["index"] == index]
        if rows.empty:
            return f"a {self.kind} design gives other indices"
        return str(rows["note"].iloc[0]) if rows["value"].isna().all() else ""

    def unmoving(self, panel: Panel) -> list[str]:
        """Return the labels of the varied parameters that the output of a panel does not feel."""
        still = unmoving(records(panel.of(self.indices)))
        return [one.label for one in self.varied if one.key in still]

    def ranked(self, panel: Panel) -> list[Named]:
        """Return the varied parameters, the one that matters most to an output first."""
        for name in ("ST_effect", "ST", "mu_star", "src", "effect"):
            values = self.index(panel, name)["value"].abs().dropna()
            if len(values):
                keys = values.sort_values(ascending=False, kind="stable").index
                first = [self.parameters[str(key)] for key in keys if key in self.parameters]
                return list(dict.fromkeys([*first, *self.varied]))
        return self.varied

    # -- words

    def label(self, parameter: str) -> str:
        """Return the label of a parameter by its name."""
        return self.parameters[parameter].label

    def heading(self, panel: Panel) -> str:
        """Head a panel: its title or its output, the third parameter, the scenario if several."""
        third = ""
        if panel.fixed is not None:
            third = f" ({panel.fixed[0].label}: {value_text(panel.fixed[1], panel.fixed[0])})"
        return f"{panel.title or panel.output.heading}{self.under(panel)}{third}"

    def under(self, panel: Panel) -> str:
        """Return the scenario of a panel in brackets, if there are several."""
        return f" ({self.scenario_name(panel.scenario)})" if len(self.scenarios) > 1 else ""

    def scenario_name(self, name: str) -> str:
        """Return a scenario's title if it is short, else its name."""
        title = self.scenarios[name].title
        return drawable(title if 0 < len(title) <= 40 else name)

    def subtitle(self) -> str:
        """Return what was run."""
        names = [self.scenario_name(name) for name in self.scenarios]
        where = f"{len(names)} scenarios" if len(names) > 3 else listed(names)
        runs = f"{len(self.design):,} points of {plural(len(self.varied), 'parameter')}"
        times = f"{plural(self.n_replications, 'replication')} each"
        return f"{self.title}: {runs}, {times}; {where}."

    def averaged(self, shown: Sequence[Named | None]) -> str:
        """Return over which parameters means are taken, if not all are shown."""
        rest = [one.label for one in self.varied if one not in shown]
        if not rest:
            return ""
        names = listed(rest) if len(rest) <= MOST_NAMED else plural(len(rest), "other parameter")
        return f"Means over all values of {names}."

    def notes(self, figure: str, shown: Sequence[Panel], *texts: str) -> str:
        """Join notes with what is to be said of chance, failed runs and panels left out.

        Without the name of a figure nothing is said of panels.
        """
        failed = int((self.results.runs["status"] != "ok").sum())
        lost = f"{plural(failed, 'run')} failed and stand nowhere." if failed else ""
        there = {(panel.scenario, panel.output) for panel in shown}
        every = {(panel.scenario, panel.output) for panel in self.panels(figure, most=10_000)}
        n = len(every - there) if figure and shown else 0
        more = f"{plural(n, 'panel')} more would not fit; see results.csv." if n else ""
        still = [(panel.output.label, self.unmoving(panel)) for panel in shown]
        few = [
            (of, s if len(s) <= MOST_NAMED else [plural(len(s), "parameter")]) for of, s in still
        ]
        without = dict.fromkeys(independent(label, names) for label, names in few if names)
        said = (*texts, *without, self.chance(shown), lost, more)
        return " ".join(text for text in said if text)

    def chance(self, shown: Sequence[Panel]) -> str:
        """Return how much of what differs between points is chance, for what is shown."""
        n, draws = self.n_replications, min(len(sweep_of(self.results).draws), self.n_replications)
        if n < 2:
            return "One replication: what chance does is not known."
        hold = f"chance and the doubt of the calibration ({plural(draws, 'draw')})"
        hold = f"Ranges over replications hold {hold if draws else 'chance alone'}."
        rows = [self.index(panel, "noise_of_mean")["value"] for panel in shown]
        parts = pd.concat(rows).dropna() if rows else pd.Series(dtype=float)
        if parts.empty:
            return hold
        least, most = share(float(parts.min())), share(float(parts.max()))
        much = most if least == most else f"{least} to {most}"
        made = "these make" if draws else "chance makes"
        return f"{hold} Of what differs between the means of points, {made} {much}."

    @property
    def source(self) -> str:
        """Sweep, runs, seed, sample and version: what is needed to make the figure again."""
        sweep, manifest = sweep_of(self.results), self.results.manifest
        known = manifest.get("seeds")
        seeds = set(known.values()) if isinstance(known, Mapping) else {sweep.seed}
        seed = f"seed {seeds.pop()}" if len(seeds) == 1 and None not in seeds else "several seeds"
        return (
            f"Source: flowsim {flowsim_version(manifest)}, sweep {sweep.name}, "
            f"{len(self.results.runs):,} runs, {seed}, {sampled(sweep.sample)} simulated."
        )


def of(results: SweepResults | Swept) -> Swept:
    """Return what figures need of an opened sweep folder."""
    return results if isinstance(results, Swept) else Swept(results)


def _label(output: Any, place: str, scenario: Scenario) -> str:
    """Name an output by its title, with the place if it has several, else by its name."""
    if not output.title:
        own = output.measure if output.name in (output.measure, "") else output.name
        return output_label(own, place, scenario)
    if len(output.places) == 1:
        return str(output.title)
    return f"{output.title}, {place_name(place, scenario) or 'all'}"


def sentences(notes: Iterable[str]) -> list[str]:
    """Return the notes beside indices as sentences, each once."""
    return [f"{capital(note)}." for note in dict.fromkeys(notes) if note]


def spread(cube: pd.DataFrame) -> dict[str, pd.Series[Any]]:
    """Return mean, range and standard error over the columns of a table."""
    low, high = ends(cube.T, cube.shape[1])
    error = cube.std(axis=1) / np.sqrt(cube.notna().sum(axis=1).clip(lower=1))
    return {"value": cube.mean(axis=1), "low": low, "high": high, "error": error}


def value_text(value: Any, parameter: Named, digits: int = 4) -> str:
    """Write a value of a parameter, with its unit if that is per cent."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return "none"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | float | np.number):
        number = f"{float(value) * parameter.scale:.{digits}g}"
        text = number if "e" in number or "." in number else f"{int(number):,}"
        return f"{text}\u00a0%" if parameter.unit == "%" else text.replace("-", "−")
    return drawable(str(value))


def numbers(column: pd.Series[Any], parameter: Named) -> Floats:
    """Return the values of a parameter as they stand on an axis; ranks if they are no numbers."""
    scale = parameter.scale if responses.is_number(column) else 1.0
    return responses.numbers(column) * scale


def is_grid(design: pd.DataFrame, keys: Sequence[str]) -> bool:
    """Return whether every combination of the values of some parameters is in the design."""
    texts = design[list(keys)].astype(str)
    n = int(np.prod([texts[key].nunique() for key in keys]))
    return len(texts.drop_duplicates()) == n > 1 and n <= len(design)


@dataclass(frozen=True)
class View:
    """One panel with what it shows: the rows of its table."""

    given: Swept
    panel: Panel
    rows: pd.DataFrame

    @property
    def heading(self) -> str:
        """Its output, and the scenario if there are several."""
        return self.given.heading(self.panel)

    def amount(self, value: float) -> str:
        """Write a value of the output as text."""
        return self.panel.output.amount(value)

    def tick(self, value: float) -> str:
        """Write a value of the output beside a tick."""
        return self.panel.output.tick(value)

    def lines(self, most: int | None = None) -> list[dict[str, Any]]:
        """Return the rows, or the first of them, each with the label of its parameter."""
        known = self.given.parameters
        labels = [known[name].label if name in known else name for name in self.rows["parameter"]]
        return records(self.rows.assign(label=labels)[:most])


@dataclass(frozen=True)
class Shown:
    """What a figure shows: its panels."""

    given: Swept
    preset: Preset
    views: Sequence[View]

    @property
    def panels(self) -> list[Panel]:
        """The panels without their rows."""
        return [view.panel for view in self.views]

    @cached_property
    def data(self) -> pd.DataFrame:
        """All that is drawn."""
        return pd.concat([view.rows for view in self.views], ignore_index=True)

    def height(self, several: float, alone: float) -> float:
        """Return the height of axes in mm: lower if there are several, or in a column."""
        return several if len(self.views) > 1 or self.preset.narrow else alone

    def widest(self, texts: Callable[[View], Sequence[str]]) -> float:
        """Return the width in mm of the widest label in any panel."""
        return max(layout.widest(texts(view), self.preset) for view in self.views)

    def room(self, left: float, right: float | None = None) -> Room:
        """Return the usual room around axes, with what labels need at the sides."""
        usual = layout.scaled(Room(), self.preset)
        return replace(usual, left=left, right=usual.right if right is None else right)


@dataclass(frozen=True)
class Parts:
    """What a family of figures does in its own way.

    Attributes
    ----------
    table : function
        Return what one panel shows; a panel without rows is left out.
    draw_panel : function
        Draw one panel with its axes and headings into its frame.
    finding : function
        Return the title from the first panel.
    in_words : function
        Return a panel in words, for who cannot see it.
    keys, notes : function
        Return the key, and the note above the source line.
    height, room : function
        Return the height of the axes in mm, and the room around them.
    panels : function, optional
        Return the panels it would draw of a sweep; else those of the file, or of each output.
    in_column, on_slide : int
        Panels that fit there.
    """

    name: str
    table: Callable[[Swept, Panel], pd.DataFrame]
    draw_panel: Callable[[View, Frame], None]
    finding: Callable[[View], str]
    in_words: Callable[[View], str]
    keys: Callable[[Shown], Sequence[Key]]
    notes: Callable[[Shown], str]
    height: Callable[[Shown], float]
    room: Callable[[Shown], Room]
    panels: Callable[[Swept], Sequence[Panel]] | None = None
    in_column: int = 2
    on_slide: int = 3

    def draw(self, results: SweepResults | Swept, preset: Preset) -> Drawn:
        """Draw the figure: the panels that hold something and fit, on a page all of them."""
        given = of(results)
        wanted = self.panels(given) if self.panels else given.panels(self.name)
        views = [View(given, panel, self.table(given, panel)) for panel in wanted]
        there = [view for view in views if not view.rows.empty]
        most = self.in_column if preset.narrow else self.on_slide if preset.is_slide else None
        shown = Shown(given, preset, there[:most])
        alt = [f"{self.in_words(view)}." for view in shown.views]
        words = (self.finding(shown.views[0]), given.subtitle(), given.source, self.notes(shown))
        caption = Caption(self.name, shown.data, *words, self.keys(shown), alt)
        draw = [partial(self.draw_panel, view) for view in shown.views]
        return layout.drawn(caption, preset, self.height(shown), self.room(shown), draw)
