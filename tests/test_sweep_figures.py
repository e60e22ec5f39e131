"""Figures of sweeps: titles that are true, panels that fit the design, text that can be read."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import figure_worlds as worlds
import numpy as np
import pandas as pd
import pytest

from flowsim.figures.layout import panels, style
from flowsim.figures.layout.sheet import Drawn
from flowsim.figures.sweep import heat, morris, multiples, response, sobol, swept, tornado
from flowsim.findings import words
from flowsim.findings.naming import Named
from flowsim.results.sweep import SweepResults
from flowsim.sweep.file import read_sweep, sweep_of
from flowsim.sweep.sensitivity import indices

PASSPORTS, CHECKS = "population.passport_share", "policies.task_force_lars.checks_per_hour"
OUTPUTS = (("departures", "RU"), ("entries_men", "GE"), ("stock_men", "KZ"), ("notices", "GE"))
FAMILIES: dict[str, Any] = {
    "heat-map": heat,
    "response": response,
    "tornado": tornado,
    "sobol": sobol,
    "morris": morris,
    "small-multiples": multiples,
}
GRID = {PASSPORTS: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], CHECKS: [0, 15, 30, 60, 120]}
FREE = {
    "choice.beta_road": (0.0, 0.08),
    "choice.beta_risk": (0.0, 3.0),
    "choice.kappa": (0.0, 1.0),
    "choice.beta_network": (0.0, 0.6),
    "panic.lag": (0.5, 5.0),
    "choice.beta_education": (0.0, 2.0),
}


# ---- made-up sweeps ------------------------------------------------------------------------


def departures(share: float, checks: float) -> float:
    """Give what is made up to be the mean of men setting off."""
    return 60_000 + 300_000 * share - 60 * checks


def values(point: Mapping[str, Any], luck: float, noise: Callable[[], float]) -> list[float]:
    """Make up the four outputs of a run; ``luck`` is shared by all points."""
    share, checks = float(point.get(PASSPORTS, 0.3)), float(point.get(CHECKS, 30))
    rest = sum((n + 1) * v for n, (k, v) in enumerate(point.items()) if k in FREE)
    many = departures(share, checks) + 4000 * rest
    made = (many, 0.6 * many - 30 * checks, 80_000 + 30_000 * share + 20 * checks, 6 * checks)
    return [luck * noise() * value for value in made]


def made(
    design: Mapping[str, Any],
    parameters: Mapping[str, Any],
    replications: int = 3,
    scenarios: Sequence[str] = ("september-2022",),
    figures: Sequence[Mapping[str, Any]] = (),
    noise: float = 0.02,
    **more: Any,
) -> SweepResults:
    """Make up the results of a sweep; its points are those of its own design."""
    from flowsim.sweep import design as designs

    given = {
        "name": "made-up",
        "title": "Passports and the task force",
        "scenarios": list(scenarios),
        "parameters": dict(parameters),
        "design": dict(design),
        "replications": replications,
        "seed": 1,
        "outputs": {measure: {"place": place} for measure, place in OUTPUTS},
        "figures": list(figures),
    }
    sweep = read_sweep(given | more)
    points = designs.points(sweep)
    rng = np.random.default_rng(2)
    runs, rows, daily = [], [], []
    for scenario, (p, row), r in itertools.product(
        scenarios, enumerate(points.rows), range(replications)
    ):
        point = dict(zip(points.names, row, strict=True))
        run = {"run": len(runs), "scenario": scenario, "point": p, "replication": r}
        runs.append(run | point | {"status": "ok"})
        luck = (1 + 0.03 * np.sin(5 * r)) * (1 + 0.2 * scenarios.index(scenario))
        found = values(point, luck, lambda: 1 + noise * rng.standard_normal())
        for (measure, place), value in zip(OUTPUTS, found, strict=True):
            rows.append(run | point | {"measure": measure, "place_id": place, "value": value})
        daily.append(_days(run["run"], found[1]))
    results = SweepResults({"versions": {"flowsim": "9.9"}}, Path("made-up"))
    tables = {"runs": pd.DataFrame(runs), "results": pd.DataFrame(rows)}
    results.known.update(sweep=sweep, daily=pd.concat(daily, ignore_index=True), **tables)
    results.known.update(indices=indices(sweep, tables["runs"], tables["results"]))
    return results


def _days(run: int, total: float) -> pd.DataFrame:
    dates = pd.date_range("2022-09-17", periods=45)
    wave = np.exp(-(((np.arange(45) - 10) / 5.0) ** 2)) / (5 * np.sqrt(np.pi))
    table = pd.DataFrame({"run": run, "date": dates, "value": total * wave})
    return table.assign(place_kind="destination", place_id="GE", measure="entries_men")


def listed(parameters: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    return {name: {"values": list(found)} for name, found in parameters.items()}


def ranges(parameters: Mapping[str, tuple[float, float]]) -> dict[str, Any]:
    return {name: {"range": list(ends)} for name, ends in parameters.items()}


def grid(**more: Any) -> SweepResults:
    return made({"kind": "grid"}, listed(GRID), **more)


def sample(kind: str, n: int, **more: Any) -> SweepResults:
    size = {"morris": "trajectories"}.get(kind, "points")
    ends = {PASSPORTS: (0.1, 0.6), CHECKS: (0.0, 120.0)} | FREE
    return made({"kind": kind, size: n}, ranges(ends), **more)


def awkward() -> SweepResults:
    """Give titles that trouble mathematics, XML, layout and fonts, cases, and no luck at all."""
    cases = {"never": {}, "$x_1$ <b>&amp; \u4e16\u754c a case of which the name is long": {}}
    return made(
        {"kind": "grid"},
        {
            PASSPORTS: {"title": "$\\frac$ & " + "a very long title " * 8, "values": [0.1, 0.5]},
            "rule": {"title": "what & <i>when</i>", "levels": cases},
        },
        title="$\\alpha$ <script> \u4e16\u754c " * 9,
        scenarios=("september-2022", "no-task-force", "no-rumour"),
        replications=1,
        noise=0.0,
    )


def drawn(family: str, given: Any, preset: str = "page") -> Drawn:
    """Draw one figure as ``draw_all`` does."""
    assert FAMILIES[family].missing(given) == ""
    with style.in_style():
        found: Drawn = FAMILIES[family].draw_figure(given, style.PRESETS[preset])
    return found


@pytest.fixture(scope="module")
def passports() -> SweepResults:
    return grid(
        figures=[{"kind": "heat-map", "output": "departures", "threshold": 150_000}],
        replications=4,
    )


@pytest.fixture(scope="module")
def shares() -> SweepResults:
    return sample("sobol", 64)


# ---- what is drawn for which design --------------------------------------------------------


@pytest.mark.parametrize(
    ("world", "families"),
    [
        (lambda: grid(), {"heat-map", "response", "tornado", "small-multiples"}),
        (lambda: sample("sobol", 8), {"response", "sobol"}),
        (lambda: sample("morris", 4), {"morris"}),
        (lambda: sample("latin-hypercube", 30), {"response", "tornado"}),
        (
            lambda: made({"kind": "grid"}, listed({PASSPORTS: [0.1, 0.2]})),
            {"response", "small-multiples"},
        ),
        (
            lambda: made({"kind": "zip"}, listed({PASSPORTS: [0.1, 0.2], CHECKS: [0, 9]})),
            {"response", "small-multiples"},
        ),
    ],
)
def test_each_design_has_the_figures_that_suit_it(
    world: Callable[[], SweepResults], families: set[str]
) -> None:
    given = swept.of(world())
    assert {name for name, module in FAMILIES.items() if not module.missing(given)} == families


def test_a_figure_that_does_not_suit_says_why(shares: SweepResults) -> None:
    assert heat.missing(shares) == "no two of its parameters make a grid"
    assert morris.missing(shares) == "a sobol design gives other indices"


def test_the_sweep_file_chooses_what_a_figure_shows() -> None:
    asked = {"kind": "heat-map", "x": CHECKS, "y": PASSPORTS, "output": "notices", "place": "GE"}
    (panel,) = swept.of(grid(figures=[asked])).panels("heat-map")
    assert (panel.output.name, panel.output.place_id) == ("notices", "GE")
    assert panel.x is not None
    assert panel.x.key == CHECKS


# ---- titles and data say what the runs say -------------------------------------------------


def test_heat_map_names_the_means_at_the_ends_and_counts_points_above(
    passports: SweepResults,
) -> None:
    found = drawn("heat-map", passports)
    rows = passports.results[passports.results["measure"] == "departures"]
    for key, end in ((PASSPORTS, 0.1), (PASSPORTS, 0.6), (CHECKS, 0), (CHECKS, 120)):
        assert words.count(rows.loc[rows[key] == end, "value"].mean()) in found.title
    means = rows.groupby("point")["value"].mean()
    assert f"above 150,000 at {(means > 150_000).sum()} of 30 points" in found.title
    assert found.data["value"].to_numpy() == pytest.approx(means.to_numpy())


def test_the_contour_runs_where_the_mean_passes_the_threshold() -> None:
    """Of a plane: departures = 60,000 + 300,000 p - 60 c, crossed at 150,000."""
    given = swept.of(
        grid(
            noise=0.0,
            replications=1,
            figures=[{"kind": "heat-map", "output": "departures", "threshold": 150_000}],
        )
    )
    (panel,) = given.panels("heat-map")
    from matplotlib.figure import Figure as Sheet

    ax = Sheet().add_subplot()
    rows = heat.table(given, panel)
    heat.draw(rows, ax, heat._scale(rows), panel.threshold)
    (line,) = [c for c in ax.collections if "Contour" in type(c).__name__]
    for share, place in line.get_paths()[0].vertices:
        checks = np.interp(place, heat._places(pd.Index(GRID[CHECKS])), GRID[CHECKS])
        assert departures(share / 100, checks) == pytest.approx(150_000, rel=1e-6)


def test_a_parameter_without_effect_is_called_so() -> None:
    results = made(
        {"kind": "grid"},
        listed({PASSPORTS: [0.1, 0.6], "border.patience": [2, 10, 20]}),
        replications=5,
    )
    assert "patience in the queue: no difference that can be told from chance" in (
        drawn("heat-map", results).title
    )


def test_a_parameter_that_raises_here_and_lowers_there_matters() -> None:
    """Its mean effect is 0, but at every value of the other parameter it does something."""
    results = grid(replications=3)
    p, c = (results.results[key].to_numpy() for key in (PASSPORTS, CHECKS))
    luck = np.random.default_rng(3).normal(size=len(p))
    crossed = results.results.assign(value=1000 + 100 * (p - 0.35) * (c - 45) + luck)
    results.known.update(results=crossed)
    given = swept.of(results)
    (panel, *_) = given.panels("heat-map")
    assert all(heat.matters(given, panel, one) for one in given.varied)
    flat = swept.of(grid(replications=3))
    flat.results.known.update(results=results.results.assign(value=1000 + luck))
    assert not any(heat.matters(flat, panel, one) for one in flat.varied)


def test_response_lines_are_means_with_the_range_of_replications(passports: SweepResults) -> None:
    data = drawn("response", passports).data
    cell = data[(data["x"] == 30) & (data["by"] == "60") & (data["output"] == "departures")]
    runs = passports.results
    runs = runs[(runs[PASSPORTS] == 0.3) & (runs[CHECKS] == 60) & (runs["measure"] == "departures")]
    assert len(runs) == 4
    assert float(cell["value"].iloc[0]) == pytest.approx(runs["value"].mean())
    assert float(cell["low"].iloc[0]) == pytest.approx(runs["value"].min())
    assert float(cell["high"].iloc[0]) == pytest.approx(runs["value"].max())


def test_one_parameter_in_several_scenarios_has_a_line_for_each() -> None:
    names = ("september-2022", "no-task-force")
    results = made({"kind": "grid"}, listed({PASSPORTS: [0.1, 0.4]}), scenarios=names)
    data = drawn("response", results).data
    assert data.groupby("output")["by"].nunique().eq(2).all()


def test_a_sample_is_shown_against_what_matters_most(shares: SweepResults) -> None:
    data = drawn("response", shares).data
    assert data["parameter"].iloc[0] == PASSPORTS
    assert data["output"].nunique() == 1


def test_tornado_puts_the_greatest_effect_first_and_greys_what_chance_does() -> None:
    results = made(
        {"kind": "latin-hypercube", "points": 60},
        ranges({"border.patience": (1, 20), CHECKS: (0, 120), PASSPORTS: (0.1, 0.6)}),
    )
    found = drawn("tornado", results)
    rows = found.data[found.data["output"] == "departures"].set_index("parameter")
    assert rows.index[0] == PASSPORTS
    assert rows["effect"].abs().is_monotonic_decreasing
    assert rows.loc[PASSPORTS, "sure"]
    assert not rows.loc["border.patience", "sure"]
    assert "by passport share" in found.title
    assert rows["effect"].to_numpy() == pytest.approx(rows["at_high"] - rows["at_low"])


def test_sobol_title_gives_the_share_of_the_first_parameter(shares: SweepResults) -> None:
    found = drawn("sobol", shares)
    rows = shares.indices
    total = rows[
        (rows["output"] == "departures")
        & (rows["index"] == "ST_effect")
        & (rows["parameter"] == PASSPORTS)
    ]["value"].iloc[0]
    assert f"{words.share(min(1, total))} by passport share" in found.title
    assert list(found.data["kind"])[-1] == "chance"


def test_too_few_samples_are_said_in_the_title_and_below() -> None:
    found = drawn("sobol", sample("sobol", 4, replications=1))
    assert "too few samples" in found.title
    text = " ".join(t.get_text() for t in found.figure.texts)
    assert "Too few" in text
    assert "One replication: what chance does is not known." in text


def test_morris_names_the_parameter_that_moves_most() -> None:
    found = drawn("morris", sample("morris", 12, replications=2))
    assert "moved most by passport share" in found.title
    first = found.data[found.data["output"] == "departures"].iloc[0]
    assert first["mu_star"] == pytest.approx(150_000, rel=0.15)


def test_effects_that_dwarf_the_others_are_drawn_on_logarithmic_axes() -> None:
    results = sample("morris", 10, replications=2)
    share = results.results[PASSPORTS].to_numpy()
    wild = results.results.assign(value=results.results["value"] + np.exp(30 * share))
    results.known.update(results=wild, indices=indices(sweep_of(results), results.runs, wild))
    found = drawn("morris", results)
    assert found.figure.axes[1].get_xscale() == "log"
    assert "moved most by passport share" in found.title
    worlds.assert_legible(found.figure)


def test_small_multiples_name_the_highest_peak(passports: SweepResults) -> None:
    found = drawn("small-multiples", passports)
    assert list(dict.fromkeys(found.data["world"])) == [f"{n}0\u00a0%" for n in range(1, 7)]
    rows = passports.daily.merge(passports.runs, on="run")
    peak = rows[rows[PASSPORTS] == 0.6].groupby("date")["value"].mean()
    assert f"{words.count(peak.max())} a day on {words.day(peak.idxmax())}" in found.title
    assert "passport share: 60\u00a0%" in found.title


def test_failed_runs_are_counted_below_the_figure(passports: SweepResults) -> None:
    results = SweepResults(passports.manifest, passports.folder, dict(passports.known))
    lost = results.runs["run"].isin([3, 40])
    runs = results.runs.assign(status=np.where(lost, "failed", "ok"))
    rest = results.results[~results.results["run"].isin([3, 40])]
    results.known.update(runs=runs, results=rest, indices=indices(sweep_of(results), runs, rest))
    figure = drawn("heat-map", results).figure
    assert "2 runs failed" in " ".join(t.get_text() for t in figure.texts)


def test_panels_that_do_not_fit_are_counted() -> None:
    names = ("september-2022", "no-task-force")
    figure = drawn("heat-map", grid(replications=1, scenarios=names)).figure
    assert "4 panels more would not fit" in " ".join(t.get_text() for t in figure.texts)


def test_an_output_without_values_is_drawn_as_empty() -> None:
    results = grid(replications=2)
    nothing = results.results.assign(value=np.nan)
    results.known.update(results=nothing)
    results.known.update(indices=indices(sweep_of(results), results.runs, nothing))
    for family in ("heat-map", "response"):
        assert drawn(family, results).title
    assert "no value at points 0, 1" in tornado.missing(results)


# ---- what can be read ----------------------------------------------------------------------


WORLDS: dict[str, tuple[Callable[[], SweepResults], Sequence[str]]] = {
    "grid": (grid, ("heat-map", "response", "tornado", "small-multiples")),
    "hypercube": (lambda: sample("latin-hypercube", 40), ("response", "tornado")),
    "sobol": (lambda: sample("sobol", 8), ("sobol", "response")),
    "morris": (lambda: sample("morris", 8), ("morris",)),
    "awkward": (awkward, ("heat-map", "response", "tornado", "small-multiples")),
}
QUICK = [("grid", "page"), ("sobol", "column"), ("morris", "page"), ("awkward", "column")]
SLOW = [
    pytest.param(world, preset, marks=pytest.mark.slow)
    for world, preset in itertools.product(WORLDS, style.PRESETS)
    if (world, preset) not in QUICK
]


@pytest.mark.parametrize(("world", "preset"), [*QUICK, *SLOW])
def test_everything_can_be_read(world: str, preset: str) -> None:
    make, families = WORLDS[world]
    given = swept.of(make())
    for family in families:
        found = drawn(family, given, preset)
        worlds.assert_legible(found.figure)
        assert found.title in found.alt
        assert not found.data.empty


def test_labels_are_moved_apart_and_stay_in_order() -> None:
    moved = panels.spaced([5.0, 5.0, 5.1, 9.0], 1.0, 0.0, 10.0)
    assert np.diff(moved).min() >= 1 - 1e-3
    assert moved[3] == pytest.approx(9, abs=0.2)


def test_ticks_are_left_out_until_they_have_room() -> None:
    assert panels.apart([0, 1, 2, 3, 4], 1) == [0, 1, 2, 3, 4]
    assert panels.apart([0, 1, 2, 3, 4], 2) == [0, 2, 4]
    assert panels.apart([0, 1, 2, 3, 50], 3) == [0, 3, 4]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.3, "%", "30\u00a0%"),
        (1200.0, "", "1,200"),
        (-4.863, "utility", "−4.863"),
        (True, "", "yes"),
        (None, "", "none"),
        (float("nan"), "", "none"),
        ("late", "", "late"),
    ],
)
def test_values_of_parameters_are_written_as_people_do(value: Any, unit: str, text: str) -> None:
    assert swept.value_text(value, Named("key", "label", unit)) == text
