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
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont
from matplotlib.text import Text

from flowsim import figures, sources
from flowsim.errors import MachineError, ResultsError
from flowsim.figures import (
    alluvial,
    flows,
    geography,
    maps,
    marks,
    published,
    queues,
    ribbons,
    save,
    style,
    words,
)
from flowsim.figures.tables import Results
from flowsim.scenario import load, resolved_yaml
from flowsim.schema import Scenario

FAMILIES: dict[str, Any] = {
    "entries": flows,
    "queues": queues,
    "outcomes": alluvial,
    "map": maps,
}
PAGE = style.PRESETS["page"]


# ---- made-up results of the right shape and size -------------------------------------------


def scenario(change: Callable[[dict[str, Any]], Any] = dict) -> Scenario:
    """Read the baseline and change its mapping."""
    raw = load("september-2022").model_dump(by_alias=True)
    change(raw)
    return Scenario.model_validate(raw)


def surge(days: np.ndarray, at: float, rise: float, fall: float) -> np.ndarray:
    """Give a rise and fall around a day, 1 at its peak."""
    return np.where(days < at, np.exp(-((days - at) ** 2) / rise), np.exp(-(days - at) / fall))


def results(
    given: Scenario, replications: int = 1, size: float = 1.0, simulated: float = 1.0
) -> Results:
    """Make up tables: ``size`` scales the surge, ``simulated`` the men behind a weighted man."""
    rng = np.random.default_rng(5)
    daily, hourly, outcomes = [], [], []
    for replication in range(replications):
        noise = 1 + 0.05 * rng.standard_normal() * (replications > 1)
        daily.append(_daily(given, size * noise).assign(replication=replication))
        hourly.append(_hourly(given, size * noise).assign(replication=replication))
        outcomes.append(_outcomes(given, size * noise, simulated).assign(replication=replication))
    tables = [
        pd.concat(t, ignore_index=True).assign(scenario=given.name)
        for t in (daily, hourly, outcomes)
    ]
    return Results(given, {"flowsim": "0.1.0"}, *tables)


def _daily(given: Scenario, size: float) -> pd.DataFrame:
    dates = pd.date_range(given.horizon.start, given.horizon.end - timedelta(days=1))
    t = np.arange(len(dates), dtype=float)
    rows = []
    for n, place in enumerate(given.destinations.values()):
        extra = (5000, 15500, 2500, 900)[n % 4] * surge(t, 8.5 + 3.5 * (n % 2), 12, 4) * size
        ordinary = place.background.value * np.where(t > 14, 0.85, 1)
        entries = ordinary + extra
        rows.append(_long(dates, "destination", place.code, "entries", entries))
    for key, crossing in given.crossings.items():
        weight = crossing.size_weight.value
        peak = surge(t, 11, 15, 3) * weight * size
        rows.append(_long(dates, "crossing", key, "entries", 9000 * weight + 9000 * peak))
        rows.append(_long(dates, "crossing", key, "queue_persons", 14000 * peak))
        waits = np.where(peak > 0.001, 60 * peak / 0.72, np.nan)
        rows.append(_long(dates, "crossing", key, "wait_hours", waits))
    return pd.concat(rows, ignore_index=True)


def _hourly(given: Scenario, size: float) -> pd.DataFrame:
    times = pd.date_range(given.horizon.start, given.horizon.end, freq="h", inclusive="left")
    t = np.arange(len(times)) / 24
    rows = []
    for key, crossing in list(given.crossings.items())[:9]:
        weight = crossing.size_weight.value * (1 if crossing.destination == "georgia" else 8)
        peak = surge(t, 10.5 + 2 * (weight % 0.3), 12, 3) * weight * size / 0.72
        waits = np.where(peak > 0.01, 62 * peak, np.nan)
        waits[::7] = np.nan
        for measure, values in (
            ("queue_persons", 14000 * peak),
            ("queue_cars", 4000 * peak),
            ("wait_hours", waits),
        ):
            table = _long(times, "crossing", key, measure, values)
            rows.append(table.rename(columns={"date": "time"}))
    return pd.concat(rows, ignore_index=True)


def _long(dates: Any, kind: str, key: str, measure: str, values: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {"date": dates, "place_kind": kind, "place_id": key, "measure": measure, "value": values}
    )


def _outcomes(given: Scenario, size: float, simulated: float) -> pd.DataFrame:
    facts = sources.regions()
    men = facts.men.sum(axis=1)
    names = list(given.destinations)
    parts: list[tuple[bool, str, str, float]] = []
    for n, name in enumerate(names):
        share = (46, 92, 20, 6)[n % 4] / 150 * 0.0038 * size
        needed = given.destinations[name].requires_passport
        for passport in [True] if needed else [True, False]:
            own = share if needed else share / 2
            parts += [
                (passport, f"abroad-{name}", name, 0.66 * own),
                (passport, "moved-on", name, 0.13 * own),
                (passport, "returned", name, 0.08 * own),
                (passport, "turned-back", name, 0.012 * own),
                (passport, "limited", name, 0.03 * own),
                (passport, "gave-up", name, 0.05 * own),
                (passport, "queueing", name, 0.001 * own),
                (passport, "on-the-road", name, 0.0005 * own),
                (passport, "enlisted", name, 0.0004 * own),
            ]
        if needed:
            parts.append((False, f"wants-{name}", "", 1.4 * share))
    parts += [(False, "enlisted", "", 0.0068), (False, "hiding", "", 0.0008)]
    parts += [(True, "home", "", 0.29), (False, "home", "", 0.69)]
    rows = []
    tilt = (facts.passport_share / 0.3) ** 1.3
    for r, code in enumerate(facts.code):
        for passport, status, destination, share in parts:
            tilted = share if status in ("home", "enlisted", "hiding") else share * tilt[r]
            rows.append((code, passport, status, destination, men[r] * tilted))
    table = pd.DataFrame(rows, columns=["region", "passport", "status", "destination", "men"])
    table = table.assign(age="25-29", educated=True, liable=True)
    return table.assign(men_simulated=table["men"] * simulated)


def drawn(name: str, given: Results, preset: style.Preset = PAGE) -> save.Drawn:
    """Draw one figure as ``draw_all`` does."""
    with style.in_style():
        found: save.Drawn = FAMILIES[name].draw_figure(given, preset)
    return found


# ---- titles say what the data say ----------------------------------------------------------


@pytest.fixture(scope="module")
def baseline() -> Results:
    return results(scenario())


def test_entries_title_names_the_peaks_in_the_data(baseline: Results) -> None:
    title = drawn("entries", baseline).title
    table = baseline.days("entries", "destination")
    for code, name in (("GE", "Georgia"), ("KZ", "Kazakhstan")):
        own = table[table["place_id"] == code].set_index("date")["value"]
        assert f"{name} " in title
        assert f"{words.count(own.max())} a day on {words.day(own.idxmax())}" in title


def test_entries_title_of_a_closed_border_speaks_of_a_fall(baseline: Results) -> None:
    daily = baseline.daily.copy()
    ours = (daily["measure"] == "entries") & (daily["place_kind"] == "destination")
    daily.loc[ours, "value"] = np.where(daily.loc[ours, "date"] < "2022-09-28", 6400.0, 2100.0)
    given = Results(baseline.scenario, {}, daily, baseline.hourly, baseline.outcomes)
    title = drawn("entries", given).title
    assert title.count("from 6,400 a day to 2,100 on 28 September") == 2
    assert "peaked" not in title


def test_entries_title_of_a_quiet_world_says_so() -> None:
    quiet = results(scenario(), size=0)
    daily = quiet.daily.assign(value=quiet.daily["value"].clip(lower=6000, upper=6000))
    given = Results(quiet.scenario, {}, daily, quiet.hourly, quiet.outcomes)
    assert "stayed near 6,000 a day" in drawn("entries", given).title


@pytest.mark.parametrize("nothing", [0.0, np.nan])
def test_without_men_titles_say_that_nobody_left(baseline: Results, nothing: float) -> None:
    titles = {
        "entries": "Nobody entered Georgia and Kazakhstan",
        "queues": "No queue formed at any road crossing",
        "outcomes": "No man set off or wanted to leave",
        "map": "No man went abroad from any region",
    }
    daily, hourly = baseline.daily.assign(value=nothing), baseline.hourly.assign(value=nothing)
    outcomes = baseline.outcomes[baseline.outcomes["status"] == "home"]
    given = Results(scenario(lambda raw: raw.update(policies={})), {}, daily, hourly, outcomes)
    for name, title in titles.items():
        found = drawn(name, given)
        assert found.title == title
        assert_legible(found.figure)


def test_queue_title_names_the_longest_queue_and_wait(baseline: Results) -> None:
    title = drawn("queues", baseline).title
    cars = baseline.hours("queue_cars")
    cars = cars[cars["place_id"] == "GE-LARS"].set_index("time")["value"]
    assert f"{words.count(cars.max())} cars on {words.day(cars.idxmax())}" in title
    waits = baseline.days("wait_hours", "crossing")["value"]
    assert f"waited {words.rate(waits.max())} hours" in title


def test_a_run_that_waits_at_no_counted_crossing_shows_the_busiest(baseline: Results) -> None:
    hourly = baseline.hourly[baseline.hourly["place_id"] != "GE-LARS"]
    given = scenario(lambda raw: raw["crossings"].pop("GE-LARS") and raw.update(policies={}))
    lone = Results(given, {}, baseline.daily, hourly, baseline.outcomes)
    shown = queues.crossings(lone)
    assert shown.focus == shown.busiest[0]
    assert drawn("queues", lone).title.startswith("The queue at ")


def test_outcomes_are_the_men_of_the_table_and_those_left_out(baseline: Results) -> None:
    data, apart = alluvial.table(baseline)
    men = baseline.outcomes["men"].sum()
    assert data["men"].sum() + sum(apart.values()) == pytest.approx(men)
    assert set(apart) == {"home", "enlisted", "hiding"}
    title = alluvial.finding(data, baseline)
    lacked = data.loc[data["outcome"] == alluvial.NO_PASSPORT, "men"].sum()
    assert words.share(lacked / data["men"].sum()) in title.split(";")[1]


def test_a_man_with_a_passport_who_could_not_go_met_a_closed_way(baseline: Results) -> None:
    rows = baseline.outcomes.assign(status="wants-georgia", destination="")
    data, _ = alluvial.table(Results(baseline.scenario, {}, baseline.daily, baseline.hourly, rows))
    with_one = data[data["passport"] == alluvial.WITH]
    assert set(with_one["outcome"]) == {alluvial.CLOSED}


def test_replications_are_averaged_not_added() -> None:
    one, many = results(scenario()), results(scenario(), replications=3)
    assert alluvial.table(many)[0]["men"].sum() == pytest.approx(
        alluvial.table(one)[0]["men"].sum(), rel=0.2
    )
    rates = [maps.table(given)["per_1000"].median() for given in (one, many)]
    assert rates[1] == pytest.approx(rates[0], rel=0.2)
    assert (flows.table(many)["high"] > flows.table(many)["low"]).any()


def test_map_names_no_region_of_which_too_few_were_simulated() -> None:
    title = drawn("map", results(scenario(), simulated=1e-5)).title
    assert title.endswith("of every 1,000 men aged 18 to 59 went abroad")
    assert "From" not in title


def test_map_rates_are_leavers_over_men(baseline: Results) -> None:
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
    assert [m.label for m in marks.marks(given, "georgia")] == ["Mobilisation announced"]
    announced, shut = marks.marks(given, "kazakhstan")
    assert (shut.label, shut.place) == ("Closed to men", given.crossings["KZ-ILEK"].name)
    hours = given.destinations["kazakhstan"].utc_offset_h - 3
    assert announced.start == given.call_up.announced + timedelta(hours=hours)


def test_a_policy_outside_the_horizon_has_no_mark() -> None:
    def change(raw: dict[str, Any]) -> None:
        raw["policies"] = {
            "late": {"kind": "border-closed", "at": "all", "for": "all", "from": "2023-01-01"}
        }

    assert len(marks.marks(scenario(change), "georgia")) == 1


# ---- shapes --------------------------------------------------------------------------------


def test_albers_agrees_with_snyders_worked_example(monkeypatch: pytest.MonkeyPatch) -> None:
    """Snyder (1987), p. 291: sphere of radius 1, parallels 29.5 and 45.5, origin 23 N 96 W."""
    monkeypatch.setattr(geography, "PARALLELS", (29.5, 45.5))
    monkeypatch.setattr(geography, "MERIDIAN", -96.0)
    x, y = geography.albers(np.array([-75.0, -96.0]), np.array([35.0, 23.0]))
    assert x[0] == pytest.approx(0.2952720, abs=1e-6)
    assert y[0] - y[1] == pytest.approx(0.2416774, abs=1e-6)


def test_ribbons_leave_and_reach_nodes_without_gap_or_overlap(baseline: Results) -> None:
    data, _ = alluvial.table(baseline)
    for n, stage in enumerate(alluvial.STAGES[:-1]):
        sums = data.groupby([stage, alluvial.STAGES[n + 1]])["men"].sum()
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


def texts(figure: Figure) -> list[Text]:
    """Give the texts that are drawn, and not those that matplotlib only keeps."""
    found: list[Text] = []
    draw = Text.draw
    with pytest.MonkeyPatch.context() as patch, style.in_style():
        patch.setattr(Text, "draw", lambda text, *rest: (found.append(text), draw(text, *rest)))
        figure.draw_without_rendering()
    return [text for text in found if text.get_text() and text.get_visible()]


def assert_legible(figure: Figure) -> None:
    """No text under 7 pt, none outside the figure, none on another."""
    boxes = []
    for text in texts(figure):
        box = text.get_window_extent()
        assert text.get_fontsize() >= 7, text.get_text()
        assert min(box.x0, box.y0) >= 0, text.get_text()
        assert box.x1 <= figure.bbox.x1, text.get_text()
        assert box.y1 <= figure.bbox.y1, text.get_text()
        boxes.append((text.get_text(), box))
    for (one, a), (two, b) in itertools.combinations(boxes, 2):
        apart = a.x1 <= b.x0 or b.x1 <= a.x0 or a.y1 - 2 <= b.y0 or b.y1 - 2 <= a.y0
        assert apart, f"{one!r} lies on {two!r}"


def more_destinations(raw: dict[str, Any]) -> None:
    """Add Finland and Mongolia with a crossing each."""
    for name, code, lat, lon in (("finland", "FI", 60.6, 28.6), ("mongolia", "MN", 50.4, 106.5)):
        raw["destinations"][name] = raw["destinations"]["georgia"] | {
            "code": code,
            "name": name.title(),
        }
        raw["choice"]["constant"][name] = raw["choice"]["constant"]["georgia"]
        raw["abroad"][name] = raw["abroad"]["georgia"]
        raw["crossings"][f"{code}-1"] = raw["crossings"]["KZ-ILEK"] | {
            "destination": name,
            "name": f"Post of {name}",
            "lat": lat,
            "lon": lon,
        }


def awkward(raw: dict[str, Any]) -> None:
    """Give names that trouble mathematics, XML, layout and fonts, and a crowd of policies."""
    raw["title"] = "$x^2 & <script>alert(1)</script> -- \u4e16\u754c \U0001f600 {0} %s \\frac " * 3
    raw["destinations"]["georgia"]["name"] = "$\\alpha_$ <b>&amp; a very long name indeed of a land"
    raw["crossings"]["GE-LARS"]["name"] = "Lars $$ \x07 -- " + "wide " * 30
    for n in range(14):
        raw["policies"][f"p{n}"] = {
            "kind": "border-closed",
            "at": "KZ-ILEK",
            "for": "men",
            "from": f"2022-10-{n + 1:02d}",
            "to": f"2022-10-{n + 2:02d}",
        }


WORLDS: dict[str, Callable[[], Results]] = {
    "baseline": lambda: results(scenario()),
    "replications of more destinations": lambda: results(scenario(more_destinations), 2),
    "awkward names, many policies": lambda: results(scenario(awkward), size=0.2),
}


SLOW = [pytest.param(world, "column", marks=pytest.mark.slow) for world in list(WORLDS)[1:]]


@pytest.mark.parametrize(
    ("world", "preset"), [*((world, "page") for world in WORLDS), ("baseline", "column"), *SLOW]
)
def test_everything_can_be_read(world: str, preset: str) -> None:
    given = WORLDS[world]()
    for name in FAMILIES:
        found = drawn(name, given, style.PRESETS[preset])
        assert_legible(found.figure)
        assert found.title
        assert found.title in found.alt


def test_type_comes_with_matplotlib() -> None:
    import matplotlib

    with style.in_style():
        path = findfont(FontProperties(family=[style.FAMILY]))
    assert Path(path).is_relative_to(matplotlib.get_data_path())


def test_drawing_leaves_the_users_settings_alone(baseline: Results) -> None:
    import matplotlib

    with matplotlib.rc_context({"font.size": 31, "axes.grid": True, "text.usetex": False}):
        mine = dict(matplotlib.rcParams)
        with style.in_style():
            one = save._image(drawn("map", baseline), "svg")
        assert dict(matplotlib.rcParams) == mine
    with style.in_style():
        assert save._image(drawn("map", baseline), "svg") == one


# ---- files ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, baseline: Results) -> Path:
    """Write a results folder as a run leaves it."""
    path = tmp_path_factory.mktemp("run")
    (path / "scenario.yaml").write_text(resolved_yaml(baseline.scenario), encoding="utf-8")
    for name in ("daily", "hourly", "outcomes"):
        table = getattr(baseline, name)
        text = table.select_dtypes(exclude=["number", "datetime", "bool"]).columns
        table.astype(dict.fromkeys(text, "category")).to_parquet(path / f"{name}.parquet")
    (path / "manifest.json").write_text('{"versions": {"flowsim": "9.9"}, "complete": true}')
    return path


@pytest.fixture(scope="module")
def files(folder: Path) -> list[Path]:
    """Draw every figure of the folder once."""
    return figures.draw_all(folder)


def test_another_process_draws_the_same_bytes(
    folder: Path, files: list[Path], tmp_path: Path
) -> None:
    for path in folder.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    code = "import sys; from flowsim.figures import draw_all; draw_all(sys.argv[1])"
    environment = os.environ | {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(tmp_path)], check=True, env=environment
    )
    for path in files:
        assert (tmp_path / "figures" / path.name).read_bytes() == path.read_bytes(), path.name


def test_each_figure_has_images_data_and_alt_text(folder: Path, files: list[Path]) -> None:
    kinds = ("png", "svg", "csv", "txt")
    assert [f.name for f in files] == [f"{n}.{kind}" for n in figures.catalogue() for kind in kinds]
    assert sorted(files) == sorted((folder / "figures").iterdir())


def test_data_beside_a_figure_are_what_is_drawn(
    folder: Path, files: list[Path], baseline: Results
) -> None:
    table = pd.read_csv(folder / "figures" / "map.csv")
    expected = maps.table(baseline)
    assert list(table["id"]) == list(expected["id"])
    assert table["per_1000"].to_numpy() == pytest.approx(
        expected["per_1000"].to_numpy(), rel=1e-5, nan_ok=True
    )


def test_a_sweep_without_hours_has_no_figure_of_queues(folder: Path, tmp_path: Path) -> None:
    for name in ("scenario.yaml", "manifest.json", "daily.parquet", "outcomes.parquet"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    names = {path.stem for path in figures.draw_all(tmp_path, formats=["svg"])}
    assert names == {"entries", "outcomes", "map"}


def test_a_folder_that_is_no_run_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"not a finished results folder.*run the scenario"):
        figures.draw_all(tmp_path)
    for name in ("scenario.yaml", "manifest.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "daily.parquet").write_bytes(b"PAR1 damaged")
    with pytest.raises(ResultsError, match=r"daily.parquet cannot be read"):
        figures.draw_all(tmp_path)
    (tmp_path / "manifest.json").write_text('{"complete": false}')
    with pytest.raises(ResultsError, match="unfinished run"):
        figures.draw_all(tmp_path)


def test_an_unknown_figure_is_refused_with_the_names_known(folder: Path) -> None:
    with pytest.raises(ResultsError, match=r"pie is not known; figures are entries, queues"):
        figures.draw_all(folder, only=["pie"])


def test_a_folder_that_cannot_be_written_is_the_machines_fault(
    baseline: Results, tmp_path: Path
) -> None:
    (tmp_path / "figures").write_text("a file where the folder should be")
    with style.in_style(), pytest.raises(MachineError, match="cannot be written"):
        save.write(drawn("outcomes", baseline), tmp_path / "figures")


def test_importing_figures_imports_no_plotting_library() -> None:
    code = "import sys, flowsim.figures as f; f.catalogue(); sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
