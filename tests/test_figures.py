"""Figures: titles that are true, text that can be read, bytes that do not change."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from figure_worlds import (
    assert_legible,
    awkward,
    drawn,
    made_up,
    more_destinations,
    results,
    scenario,
    texts,
    write_folder,
    write_manifest,
)
from matplotlib.font_manager import FontProperties, findfont

from flowsim import figures
from flowsim.data import sources
from flowsim.errors import ResultsError
from flowsim.figures.layout import geography, published, recipe, ribbons, style, timelines
from flowsim.figures.layout.sheet import MM
from flowsim.figures.run import flows, maps, outcomes, queues
from flowsim.findings import words
from flowsim.results.run import Run
from flowsim.scenario.schema import Scenario

OF_RUNS = list(figures.catalogue("run"))


# ---- titles say what the data say ----------------------------------------------------------


@pytest.fixture(scope="module")
def baseline() -> Run:
    return results(scenario())


def test_entries_title_names_the_peaks_in_the_data(baseline: Run) -> None:
    title = drawn("entries", baseline).title
    table = baseline.days("entries", "destination")
    for code, name in (("GE", "Georgia"), ("KZ", "Kazakhstan")):
        own = table[table["place_id"] == code].set_index("date")["value"]
        assert f"{name} " in title
        assert f"{words.count(own.max())} a day on {words.day(own.idxmax())}" in title


def test_entries_title_of_a_closed_border_speaks_of_a_fall(baseline: Run) -> None:
    daily = baseline.daily.copy()
    ours = (daily["measure"] == "entries") & (daily["place_kind"] == "destination")
    daily.loc[ours, "value"] = np.where(daily.loc[ours, "date"] < "2022-09-28", 6400.0, 2100.0)
    given = made_up(baseline.scenario, daily, baseline.hourly, baseline.outcomes)
    title = drawn("entries", given).title
    assert title.count("from 6,400 a day to 2,100 on 28 September") == 2
    assert "peaked" not in title


def test_entries_title_of_a_quiet_world_says_so() -> None:
    quiet = results(scenario(), size=0)
    daily = quiet.daily.assign(value=quiet.daily["value"].clip(lower=6000, upper=6000))
    given = made_up(quiet.scenario, daily, quiet.hourly, quiet.outcomes)
    assert "stayed near 6,000 a day" in drawn("entries", given).title


@pytest.mark.parametrize("nothing", [0.0, np.nan])
def test_without_men_titles_say_that_nobody_left(baseline: Run, nothing: float) -> None:
    titles = {
        "entries": "Nobody entered Georgia and Kazakhstan",
        "queues": "No queue formed at any road crossing",
        "outcomes": "No man set off or wanted to leave",
        "map": "No man went abroad from any region",
        "map-graduates": "No man with higher education was lost to any region",
        "map-called-up": "No man was called up in any region",
        "profile": "Nobody went abroad, so there is no profile of leavers",
        "stocks": "Nobody was abroad at the end of the period",
    }
    daily, hourly = baseline.daily.assign(value=nothing), baseline.hourly.assign(value=nothing)
    outcomes = baseline.outcomes[baseline.outcomes["status"] == "home"]
    given = made_up(scenario(lambda raw: raw.update(policies={})), daily, hourly, outcomes)
    for name, title in titles.items():
        found = drawn(name, given)
        assert found.title == title
        assert_legible(found.figure)


def test_queue_title_names_the_longest_queue_and_wait(baseline: Run) -> None:
    title = drawn("queues", baseline).title
    cars = baseline.hours("queue_cars").set_index("time")["value"]
    assert f"{words.count(cars.max())} cars on {words.day(cars.idxmax())}" in title
    waits = baseline.days("wait_hours", "crossing")["value"]
    assert f"waited {words.rate(waits.max())} hours" in title


def test_a_run_that_waits_at_no_counted_crossing_shows_the_busiest(baseline: Run) -> None:
    hourly = baseline.hourly[baseline.hourly["place_id"] != "GE-LARS"]
    given = scenario(lambda raw: raw["crossings"].pop("GE-LARS") and raw.update(policies={}))
    lone = made_up(given, baseline.daily, hourly, baseline.outcomes)
    shown = queues.crossings(lone)
    assert shown.focus == shown.busiest[0]
    assert drawn("queues", lone).title.startswith("The queue at ")


def test_outcomes_are_the_men_of_the_table_and_those_left_out(baseline: Run) -> None:
    data, apart = outcomes.table(baseline)
    men = baseline.outcomes["men"].sum()
    assert data["men"].sum() + sum(apart.values()) == pytest.approx(men)
    assert set(apart) == {"home", "enlisted", "hiding"}
    title = outcomes.finding(data, baseline)
    lacked = data.loc[data["outcome"] == "Wanted to go, had no passport", "men"].sum()
    assert words.share(lacked / data["men"].sum()) in title.split(";")[1]


def test_a_man_with_a_passport_who_could_not_go_met_a_closed_way(baseline: Run) -> None:
    rows = baseline.outcomes.assign(status="wants-georgia", destination="", reason="closed")
    data, _ = outcomes.table(made_up(baseline.scenario, baseline.daily, baseline.hourly, rows))
    with_one = data[data["passport"] == outcomes.WITH]
    assert set(with_one["outcome"]) == {"Wanted to go, way was closed"}


def test_a_table_without_reasons_is_drawn_without_them(baseline: Run) -> None:
    rows = baseline.outcomes.assign(status="wants-georgia", destination="").drop(columns="reason")
    given = made_up(baseline.scenario, baseline.daily, baseline.hourly, rows)
    assert drawn("outcomes", given).title.endswith("had wanted to go and could not")


def test_replications_are_averaged_not_added() -> None:
    one, many = results(scenario()), results(scenario(), replications=3)
    assert outcomes.table(many)[0]["men"].sum() == pytest.approx(
        outcomes.table(one)[0]["men"].sum(), rel=0.2
    )
    rates = [maps.table(given)["per_1000"].median() for given in (one, many)]
    assert rates[1] == pytest.approx(rates[0], rel=0.2)
    assert (flows.table(many)["high"] > flows.table(many)["low"]).any()


def test_map_names_no_region_of_which_too_few_were_simulated() -> None:
    title = drawn("map", results(scenario(), simulated=1e-5)).title
    assert title.endswith("of every 1,000 men aged 18 to 59 went abroad")
    assert "by region" not in title


@pytest.mark.parametrize("name", ["map", "map-called-up", "map-graduates"])
def test_no_single_region_is_named(baseline: Run, name: str) -> None:
    found = drawn(name, baseline)
    assert found.title.startswith("Simulated")
    assert "median" in found.title
    told = found.alt.partition("Crossings by entries")[0]
    assert not [region for region in sources.regions().name if region in told]


def test_map_rates_are_leavers_over_men(baseline: Run) -> None:
    table = maps.table(baseline).set_index("id")
    rows = baseline.outcomes[baseline.outcomes["region"] == "RU-MOW"]
    gone = rows["status"].str.contains("abroad-|moved-on|returned")
    expected = 1000 * rows.loc[gone, "men"].sum() / rows["men"].sum()
    assert table.loc["RU-MOW", "per_1000"] == pytest.approx(expected)


# ---- published figures and policies --------------------------------------------------------


def test_inputs_are_marked_as_no_evidence() -> None:
    seen = published.published(scenario(), "entries", "GE", 4).set_index("id")["role"]
    assert set(seen["GE007":"GE010"]) == {"input"}
    assert set(seen["GE001":"GE006"]) == {"input"}, "cited for the ordinary traffic"
    assert set(seen["GE021":"GE023"]) == {"validate"}


def test_a_figure_the_scenario_cites_as_a_source_of_traffic_is_an_input() -> None:
    def cite(raw: dict[str, Any]) -> None:
        raw["destinations"]["kazakhstan"]["background"]["source"] = "data: KZ009 to KZ011"

    def roles(made: Scenario) -> pd.Series:
        return published.published(made, "entries", "KZ", 6).set_index("id")["role"]

    assert roles(scenario())["KZ009"] == "fit"
    assert roles(scenario(cite))["KZ009"] == "input"


def test_a_sum_over_days_is_shown_as_a_mean_a_day() -> None:
    seen = published.published(scenario(), "entries", "KZ", 6).set_index("id")
    assert seen.loc["KZ009", "value"] == pytest.approx(98_000 / 6)
    assert seen.loc["KZ001", "value"] == pytest.approx(10_500), "a rate, whatever its window"
    assert seen.loc["KZ001", "role"] == "input"


def test_marks_come_from_the_policies_of_the_scenario() -> None:
    def change(raw: dict[str, Any]) -> None:
        raw["policies"] = {
            "shut": {"kind": "border-closed", "at": "KZ-ILEK", "for": "men", "from": "2022-09-28"}
        }

    given = scenario(change)
    assert [m.label for m in timelines.bars_of(given, "georgia")] == ["Mobilisation announced"]
    announced, shut = timelines.bars_of(given, "kazakhstan")
    assert (shut.label, shut.place) == ("Closed to men", given.crossings["KZ-ILEK"].name)
    hours = given.destinations["kazakhstan"].utc_offset_h - 3
    assert announced.start == given.call_up.announced + timedelta(hours=hours)


def test_policies_of_one_name_share_a_bar() -> None:
    """Kazakhstan's crossings checked the list one group after the other."""
    bars = {bar.label: bar for bar in timelines.bars_of(scenario(), "kazakhstan")}
    checked = bars["Call-up list checked"]
    starts = [start for start, _ in checked.spans]
    assert starts == sorted(starts)
    assert len(starts) == 5
    assert checked.place.endswith("crossings in 5 steps")
    assert checked.stretches == [(starts[0], scenario().horizon.end + timedelta(hours=3))]


@pytest.mark.parametrize("preset", style.PRESETS)
def test_no_policy_is_dropped_and_no_label_cut(preset: str) -> None:
    """The note explains what panels have no room for, whichever preset and however many."""
    for change in (dict, more_destinations):
        given = results(scenario(change))
        found = drawn("entries", given, style.PRESETS[preset])
        told = " ".join(text.get_text() for text in texts(found.figure))
        for name in given.scenario.destinations:
            labels = [bar.label for bar in timelines.bars_of(given.scenario, name)]
            assert [label for label in labels if label not in told] == []
        assert "more, see" not in told


def test_a_policy_outside_the_horizon_has_no_mark() -> None:
    def change(raw: dict[str, Any]) -> None:
        raw["policies"] = {
            "late": {"kind": "border-closed", "at": "all", "for": "all", "from": "2023-01-01"}
        }

    assert len(timelines.bars_of(scenario(change), "georgia")) == 1


# ---- shapes --------------------------------------------------------------------------------


def test_albers_agrees_with_snyders_worked_example() -> None:
    """Snyder (1987), p. 291: sphere of radius 1, parallels 29.5 and 45.5, origin 23 N 96 W."""
    view = geography.View((29.5, 45.5), -96.0)
    x, y = geography.albers(np.array([-75.0, -96.0]), np.array([35.0, 23.0]), view)
    assert x[0] == pytest.approx(0.2952720, abs=1e-6)
    assert y[0] - y[1] == pytest.approx(0.2416774, abs=1e-6)


def test_ribbons_leave_and_reach_nodes_without_gap_or_overlap(baseline: Run) -> None:
    data, _ = outcomes.table(baseline)
    for n, stage in enumerate(outcomes.STAGES[:-1]):
        sums = data.groupby([stage, outcomes.STAGES[n + 1]])["men"].sum()
        nodes = data.groupby(stage)["men"].sum()
        assert sums.groupby(level=0).sum().to_numpy() == pytest.approx(nodes.to_numpy())


@pytest.mark.parametrize("sizes", [[1, 1], [1e6, 1, 1, 1], [0.0, 5.0], [3.0]])
def test_nodes_and_labels_fit_into_their_column(sizes: list[float]) -> None:
    scale = ribbons.largest_scale(sizes, [4.0] * len(sizes), 90.0)
    used = sum(max(scale * n, 4.0) for n in sizes) + ribbons.GAP * (len(sizes) - 1)
    assert used == pytest.approx(90.0, abs=0.1)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (11143, "11,100"),
        (254, "254"),
        (0.3, "fewer than 1"),
        (39_580_000, "39.6 million"),
        (0, "0"),
    ],
)
def test_counts_are_rounded_sensibly(value: float, text: str) -> None:
    assert words.count(value) == text


# ---- what can be read ----------------------------------------------------------------------


WORLDS: dict[str, Callable[[], Run]] = {
    "baseline": lambda: results(scenario()),
    "replications of more destinations": lambda: results(scenario(more_destinations), 2),
    "awkward names, many policies": lambda: results(scenario(awkward), size=0.2),
}
EVERY = [(world, preset) for world in WORLDS for preset in style.PRESETS]


def assert_all_legible(given: Run, turns: dict[str, str]) -> None:
    """Draw figures, each in the preset given for it, and read all that is written in them."""
    for name, preset in turns.items():
        _, missing = figures.families()[name].functions()
        if missing(given):
            continue
        found = drawn(name, given, style.PRESETS[preset])
        assert_legible(found.figure)
        assert found.name == name
        assert found.title
        assert found.title in found.alt


def test_everything_can_be_read() -> None:
    """Each figure in one of the presets, in turn; the slow test has all of them."""
    given = WORLDS["replications of more destinations"]()
    presets = list(style.PRESETS)
    assert_all_legible(given, {n: presets[k % len(presets)] for k, n in enumerate(OF_RUNS)})


@pytest.mark.slow
@pytest.mark.parametrize(("world", "preset"), EVERY)
def test_everything_can_be_read_in_every_preset(world: str, preset: str) -> None:
    assert_all_legible(WORLDS[world](), dict.fromkeys(OF_RUNS, preset))


def test_sizes_are_those_of_the_preset() -> None:
    """A slide is exactly 16:9, and nothing is taller than its preset allows."""
    given = results(scenario(more_destinations), 2)
    families = figures.families()
    here = [name for name in OF_RUNS if not families[name].functions()[1](given)]
    for name, preset in itertools.product(here, style.PRESETS.values()):
        width, height = drawn(name, given, preset).figure.get_size_inches() * MM
        assert width == pytest.approx(preset.width)
        assert height <= preset.tallest + 0.01, (name, preset.name)
        assert not preset.is_slide or width / height == pytest.approx(16 / 9, abs=1e-4), name


def test_presets_have_folders_of_their_own(folder: Path, tmp_path: Path) -> None:
    pages = figures.draw_all(folder, ["map"], formats=["svg"])
    (slide, *_) = figures.draw_all(folder, ["map"], "slide", ["svg"])
    assert slide == folder / "figures" / "slide" / "map.svg"
    assert pages[0] == folder / "figures" / "map.svg"
    (chosen, *_) = figures.draw_all(folder, ["map"], "slide", ["svg"], tmp_path)
    assert chosen.parent == tmp_path


def test_text_on_a_slide_is_larger_than_on_a_page(baseline: Run) -> None:
    def height(preset: str) -> float:
        found = drawn("stocks", baseline, style.PRESETS[preset])
        sizes = sorted(text.get_fontsize() for text in texts(found.figure))
        return sizes[len(sizes) // 2]

    assert height("slide") > height("page")


def test_type_comes_with_matplotlib() -> None:
    import matplotlib

    with style.in_style():
        path = findfont(FontProperties(family=[style.FAMILY]))
    assert Path(path).is_relative_to(matplotlib.get_data_path())


def test_drawing_leaves_the_users_settings_alone(baseline: Run) -> None:
    import matplotlib

    with matplotlib.rc_context({"font.size": 31, "axes.grid": True, "text.usetex": False}):
        mine = dict(matplotlib.rcParams)
        with style.in_style():
            one = recipe.image(drawn("map", baseline), "svg")
        assert dict(matplotlib.rcParams) == mine
    with style.in_style():
        assert recipe.image(drawn("map", baseline), "svg") == one


# ---- files ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, baseline: Run) -> Path:
    """Write a results folder as a run leaves it."""
    path = tmp_path_factory.mktemp("run")
    write_folder(path, baseline)
    return path


@pytest.fixture(scope="module")
def files(folder: Path) -> list[Path]:
    """Draw every figure of the folder once."""
    return figures.draw_all(folder)


def test_another_process_draws_the_same_bytes(
    folder: Path, files: list[Path], tmp_path: Path
) -> None:
    pdf = figures.draw_all(folder, ["queues", "map"], formats=["pdf"])
    for path in folder.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    code = (
        "import sys; from flowsim.figures import draw_all;"
        "draw_all(sys.argv[1], ['queues', 'map'], formats=['png', 'svg', 'pdf'])"
    )
    environment = os.environ | {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(tmp_path)], check=True, env=environment
    )
    drawn_here = {path.name: path for path in [*files, *pdf]}
    for path in (tmp_path / "figures").iterdir():
        assert drawn_here[path.name].read_bytes() == path.read_bytes(), path.name


def test_each_figure_has_images_data_and_alt_text(folder: Path, files: list[Path]) -> None:
    kinds = ("png", "svg", "csv", "txt")
    usual = [n for n, family in figures.families().items() if family.kind == "run"]
    usual = [
        n
        for n in usual
        if figures.families()[n].usual is True and n not in ("capacity", "headline")
    ]
    assert [f.name for f in files] == [f"{n}.{kind}" for n in usual for kind in kinds]
    assert set(files) <= set((folder / "figures").iterdir())


def test_data_beside_a_figure_are_what_is_drawn(
    folder: Path, files: list[Path], baseline: Run
) -> None:
    table = pd.read_csv(folder / "figures" / "map.csv")
    expected = maps.table(baseline)
    assert list(table["id"]) == list(expected["id"])
    assert table["per_1000"].to_numpy() == pytest.approx(
        expected["per_1000"].to_numpy(), rel=1e-5, nan_ok=True
    )


def test_a_sweep_without_hours_has_no_figure_of_queues(folder: Path, tmp_path: Path) -> None:
    for name in ("scenario.yaml", "daily.parquet", "outcomes.parquet"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    write_manifest(tmp_path)
    names = {path.stem for path in figures.draw_all(tmp_path, formats=["svg"])}
    assert {"entries", "outcomes", "map"} <= names
    assert "queues" not in names
    with pytest.raises(ResultsError, match=r"queues cannot be drawn .* no hourly table"):
        figures.draw_all(tmp_path, only=["queues"])


def test_an_altered_table_is_not_drawn(folder: Path, tmp_path: Path) -> None:
    for path in folder.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    table = pd.read_parquet(tmp_path / "outcomes.parquet")
    table.assign(men=table["men"] * 1.01).to_parquet(tmp_path / "outcomes.parquet")
    with pytest.raises(ResultsError, match=r"outcomes.parquet is not the file that was written"):
        figures.draw_all(tmp_path)
    (tmp_path / "outcomes.parquet").unlink()
    with pytest.raises(ResultsError, match=r"outcomes.parquet is missing"):
        figures.draw_all(tmp_path)


def test_a_manifest_without_hashes_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"complete": true}')
    with pytest.raises(ResultsError, match="no hashes of its tables"):
        figures.draw_all(tmp_path)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"only": ["switches"]}, "switches is drawn from a comparison, this is a run"),
        ({"only": ["capacity"]}, "capacity cannot be drawn .* --replications 20"),
        ({"preset": "poster"}, "preset poster is not known; choose of page, column, slide"),
        ({"formats": ["gif"]}, "format gif is not known; choose of png, svg, pdf"),
        ({"formats": []}, "format none is not known"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(
    folder: Path, wanted: dict[str, Any], message: str
) -> None:
    with pytest.raises(ResultsError, match=message):
        figures.draw_all(folder, **wanted)


def test_a_damaged_table_whose_hash_fits_is_told(folder: Path, tmp_path: Path) -> None:
    for name in ("scenario.yaml", "outcomes.parquet"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "daily.parquet").write_bytes(b"PAR1 damaged")
    write_manifest(tmp_path)
    with pytest.raises(ResultsError, match=r"daily.parquet cannot be read"):
        figures.draw_all(tmp_path)


def test_a_folder_that_is_not_there_is_told_with_those_that_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ResultsError, match=r"nowhere does not exist; run a scenario first"):
        figures.draw_all(Path("nowhere"))
    (tmp_path / "results" / "mine").mkdir(parents=True)
    with pytest.raises(ResultsError, match=r"nowhere does not exist; there are: results.mine"):
        figures.draw_all(Path("nowhere"))


def test_a_folder_that_is_no_run_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where there are no results to be named
    with pytest.raises(ResultsError, match=r"not a finished results folder.*run a scenario"):
        figures.draw_all(tmp_path)
    (tmp_path / "manifest.json").write_text('{"complete": false}')
    with pytest.raises(ResultsError, match="not a finished run"):
        figures.draw_all(tmp_path)


def test_an_unknown_figure_is_refused_with_the_names_known(folder: Path) -> None:
    with pytest.raises(
        ResultsError, match=r"pie is not known; figures of a run are entries, queues"
    ):
        figures.draw_all(folder, only=["pie"])


def test_a_folder_that_cannot_be_written_is_named(baseline: Run, tmp_path: Path) -> None:
    (tmp_path / "figures").write_text("a file where the folder should be")
    outcomes = drawn("outcomes", baseline)
    with style.in_style(), pytest.raises(ResultsError, match="cannot be written"):
        recipe.write(outcomes, tmp_path / "figures")


def test_the_gallery_shows_every_figure_and_stays_small() -> None:
    docs = Path(__file__).resolve().parents[1] / "docs"
    page = (docs / "gallery.md").read_text(encoding="utf-8")
    for name, family in figures.families().items():
        assert f"](images/gallery/{name}.png)" in page
        assert (docs / "images" / "gallery" / f"{name}.png").exists()
        assert family.shows[1:] in page, f"python docs/make_gallery.py: {name} shows otherwise"
    size = sum(path.stat().st_size for path in (docs / "images" / "gallery").iterdir())
    assert size < 1_500_000


def test_each_figure_is_declared_in_the_file_that_draws_it() -> None:
    folder = Path(figures.__file__).parent
    declared = [
        path.relative_to(folder).as_posix()
        for path in folder.glob("*/*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if "FAMILY = Family(" in line
    ]
    assert len(declared) == len(figures.families())
    for family in figures.families().values():
        draw, missing = family.functions()
        assert callable(draw)
        assert callable(missing)
        assert family.module.split(".")[2:-1] == [family.kind]


def test_importing_figures_imports_no_plotting_library() -> None:
    code = "import sys, flowsim.figures as f; f.catalogue(); sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
