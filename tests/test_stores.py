"""What is kept is kept under all that decides it: each field of each row is changed in turn."""

import json
import shutil
from datetime import date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from flowsim.calibration import read_calibration
from flowsim.calibration.fitting import name_of_predictions, name_of_variants
from flowsim.calibration.runs import Runner, calibration_key
from flowsim.comparison.running import Keyed
from flowsim.data.rows import CrossingRow, Road
from flowsim.experiments.store import Store
from flowsim.scenario import Base, content_hash
from flowsim.scenario.observing import figures_of
from flowsim.scenario.schema import FOR_READERS
from flowsim.sweep.plan import meaning

EXAMPLES = Path(__file__).parent.parent / "scenarios" / "examples"
WORDS = {"kind": "rail", "role": "context", "model_measure": "exits", "unit": "persons"}


@pytest.fixture
def arkland(tmp_path):
    for path in EXAMPLES.glob("arkland*"):
        shutil.copy(path, tmp_path)
    return tmp_path


def other(name, value):
    """Return a value that a field could have instead."""
    if name in WORDS:
        return WORDS[name]
    if value is None and name.startswith("date"):
        return date(2031, 3, 9)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value * 1.001 + 0.001
    if isinstance(value, datetime):
        return value + timedelta(hours=1)
    return f"{value or ''}x" if value is None or isinstance(value, str) else value + timedelta(1)


def one_changed(row):
    """Return the row once for each field, with that field changed."""
    for name in type(row).model_fields:
        yield name, row.model_copy(update={name: other(name, getattr(row, name))})


def test_runs_are_kept_under_every_field_of_every_figure():
    calibration = read_calibration("september-2022")
    figure = next(iter(calibration.figures.values()))

    def key(figures):
        runner = Runner(calibration, Store(None), "key", figures=figures)
        return runner._task(calibration.low, 0, {}, False).key

    own = key((figure,))
    for name, changed in one_changed(figure):
        assert key((changed,)) != own, name
    assert key((figure, figure.model_copy(update={"id": "other"}))) != own


def test_scenarios_are_known_by_every_field_of_their_tables(arkland):
    scenario = Base.read(arkland / "arkland.yaml").scenario
    known, meant = Keyed.of(scenario).key, meaning(scenario)
    region, figure = scenario.population.regions[0], scenario.observations[0]
    for name, changed in one_changed(region):
        rows = (changed, *scenario.population.regions[1:])
        people = scenario.population.model_copy(update={"regions": rows})
        new = scenario.model_copy(update={"population": people})
        assert Keyed.of(new).key != known, name
        assert meaning(new) != meant, name
    for name, changed in one_changed(figure):
        rows = (changed, *scenario.observations[1:])
        new = scenario.model_copy(update={"observations": rows})
        assert Keyed.of(new).key != known, name
        assert meaning(new) == meant, name  # no run of a sweep depends on a figure
    new = scenario.model_copy(update={"outlines": scenario.outlines.replace("-39.2", "-39.3")})
    assert Keyed.of(new).key != known


@pytest.mark.parametrize(
    ("table", "row"), [("crossings", CrossingRow), ("distances", Road)], ids=["crossings", "roads"]
)
def test_scenarios_are_known_by_every_cell_of_their_tables(arkland, table, row):
    path = arkland / f"arkland-{table}.csv"
    before = meaning(Base.read(arkland / "arkland.yaml").scenario)
    cells = pd.read_csv(path, dtype=str, keep_default_na=False)
    said = {"name", "background_basis", "capacity_basis"}  # words of sources decide no result
    numbers = [name for name in cells if cells[name].iloc[0].replace(".", "").lstrip("-").isdigit()]
    for name in [*numbers, "name"] if "name" in cells else numbers:
        new = cells.copy()
        value = new.loc[0, name]
        new.loc[0, name] = f"{value}x" if name in said else str(other(name, json.loads(value)))
        new.to_csv(path, index=False)
        assert meaning(Base.read(arkland / "arkland.yaml").scenario) != before, name
    cells.to_csv(path, index=False)
    assert set(cells) <= set(row.model_fields)


def test_every_block_of_a_scenario_is_known_but_words_for_readers():
    scenario = Base.read("september-2022").scenario
    data = json.loads(meaning(scenario))
    there = {f.alias or n for n, f in type(scenario).model_fields.items() if getattr(scenario, n)}
    assert there - FOR_READERS - set(data) == set()


def test_a_calibration_is_known_by_its_own_figures(arkland):
    path = arkland / "arkland-observations.csv"
    text = path.read_text(encoding="utf-8")
    keys = set()
    for changed in (text, text.replace("9 700", "9 701"), text.replace("10 500", "10 501")):
        path.write_text(changed, encoding="utf-8")
        keys.add(calibration_key(read_calibration(arkland / "arkland-calibration.yaml"), [1], 1))
    assert len(keys) == 3


def test_what_a_calibration_derives_is_named_by_what_decides_it():
    calibration = read_calibration("september-2022")
    budget = next(iter(calibration.file.budgets.values()))
    for field in ("draws", "predictions"):
        new = budget.model_copy(update={field: getattr(budget, field) + 1})
        assert name_of_predictions(new) != name_of_predictions(budget)
    own = name_of_variants(calibration, budget)
    assert name_of_variants(calibration, budget.model_copy(update={"variants": 7})) != own
    days = {"all": (datetime(2022, 9, 20), datetime(2022, 9, 30))}
    windows = calibration.file.model_copy(update={"windows": days})
    changed = type(calibration)(
        windows,
        calibration.base,
        calibration.parameters,
        calibration.figures,
    )
    assert name_of_variants(changed, budget) != own


def test_a_corrected_file_under_the_same_ids_is_not_answered_from_old_runs(tmp_path):
    """The fault that was found: predictions of a corrected file came from the runs of the old."""
    calibration = read_calibration("september-2022")
    known = {figure.id: figure for figure in figures_of(calibration.base.scenario)}
    old = known["GE007"]
    new = old.model_copy(update={"window_end": old.window_end + timedelta(days=1)})
    points = pd.DataFrame([(calibration.low + calibration.high) / 2], columns=calibration.names)
    fixed = {"horizon.end": "2022-09-30", "sample": 0.0005}
    with Store(tmp_path) as store:
        found = [
            Runner(calibration, store, "key", 1, figures=(figure,))
            .run("predictions", points, fixed=fixed)["GE007"]
            .item()
            for figure in (old, new, old)
        ]
    assert found[0] == found[2]
    assert found[1] > found[0]


def test_figures_are_drawn_anew_from_their_own_data(arkland):
    """What a picture is sealed with is a hash of the data drawn, not of a name."""
    from flowsim.figures.layout.recipe import Recipe

    recipe = Recipe("run", "entries", "page", "svg", {}, {}, {"tables": {}, "figure": {}}, "")
    assert recipe.of("svg", b"1").drawn != recipe.of("svg", b"2").drawn


def test_content_of_a_scenario_does_not_depend_on_names_of_files(arkland):
    before = content_hash(Base.read(arkland / "arkland.yaml").scenario)
    (arkland / "arkland-regions.csv").rename(arkland / "r.csv")
    path = arkland / "arkland.yaml"
    path.write_text(path.read_text("utf-8").replace("arkland-regions.csv\n", "r.csv\n"), "utf-8")
    assert content_hash(Base.read(path).scenario) == before
