"""A sweep runs what is missing, once, and its tables tell nothing of how it came about."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from flowsim import machine, open_run
from flowsim.cli import app, terminal
from flowsim.data import sources
from flowsim.errors import MachineError, ModelError, ResultsError, ScenarioError
from flowsim.experiments import simulate as simulating
from flowsim.experiments import store as stores
from flowsim.experiments.running import run as run_one
from flowsim.experiments.store import Outcome, Store
from flowsim.figures import families
from flowsim.figures.layout.style import PRESETS
from flowsim.figures.sweep.swept import Swept
from flowsim.findings import sweep as headline
from flowsim.model.flow_model import FlowModel
from flowsim.results import manifest
from flowsim.results.folder import STORE
from flowsim.results.observation import FLOWS
from flowsim.scenario import load
from flowsim.sweep import (
    drawing,
    estimate,
    open_sweep,
    open_unfinished,
    rerun,
    run_sweep,
    running,
    work,
)
from flowsim.sweep.file import Sweep, read_sweep, sweep_of
from flowsim.sweep.plan import make_plan

DATA = ("runs.parquet", "results.parquet", "daily.parquet", "results.csv", "indices.csv")
CHANGES = {
    "horizon.end": "2022-09-26",
    "policies.entry_limit_north_ossetia": None,
    "policies.task_force_lars": None,
    "policies.list_checks_kazakhstan": None,
    "policies.foot_lane_lars": None,
    "policies.list_check_omsk_chelyabinsk": None,
    "policies.list_check_kurgan_tyumen": None,
    "policies.list_check_karaozek": None,
    "policies.list_check_ozinki": None,
}
TINY: dict[str, Any] = {
    "name": "tiny",
    "title": "Few men for nine days",
    "scenario": "september-2022",
    "changes": CHANGES,
    "parameters": {"choice.lambda": {"values": [0.4, 0.8]}, "call_up.pace": {"values": [1, 2]}},
    "design": {"kind": "grid"},
    "replications": 2,
    "sample": 0.0005,
    "outputs": {
        "entries_men": {"place": ["GE", "KZ"]},
        "queue": {"measure": "queue_persons", "place": "GE-LARS"},
        "late": {"measure": "entries", "place": "GE", "from": "2022-09-24", "reduce": "mean"},
        "wait_hours": {"place": "GE-LARS"},
    },
    "keep": {"measures": "departures", "places": "RU-MOW"},
}


def tiny(**changes: Any) -> Sweep:
    return read_sweep(TINY | changes)


def hashes(folder: Path) -> dict[str, str]:
    tables = json.loads((folder / "manifest.json").read_text())["tables"]
    return {name: tables[name] for name in DATA}


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny sweep, run without any trouble; not to be changed."""
    folder = tmp_path_factory.mktemp("sweep") / "tiny"
    run_sweep(tiny(), folder, workers=1)
    return folder


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    """A copy of that sweep, to do harm to."""
    return Path(shutil.copytree(finished, tmp_path / "tiny"))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys of the runs that are made while a test runs."""
    keys: list[str] = []
    real = work.work

    def noted(task: work.Task) -> list[Outcome]:
        keys.extend(key for key, _ in task.runs)
        return real(task)

    monkeypatch.setattr(running, "work", noted)
    return keys


def stop_after(monkeypatch: pytest.MonkeyPatch, n: int, error: type[BaseException]) -> None:
    """Let the next sweep be stopped after some tasks, as by Ctrl-C."""

    def scatter(do: Any, tasks: Any, **_: object) -> Iterator[Any]:
        for done, task in enumerate(tasks):
            if done == n:
                raise error
            yield task, do(task)

    monkeypatch.setattr(stores, "scatter", scatter)


DRAWS = [{"panic.decay": 9.0, "call_up.pace": 3.0}, {"panic.decay": 14.4, "call_up.pace": 2.0}]


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny sweep over two draws, three replications of two values of the pace."""
    folder = tmp_path_factory.mktemp("sweep") / "drawn"
    run_sweep(tiny(**DRAWN), folder, workers=1, draws=DRAWS, replications=3)
    return folder


DRAWN: dict[str, Any] = {
    "parameters": {"call_up.pace": {"values": [1, 2]}},
    "outputs": {"entries_men": {"place": "GE"}, "departures": {}},
}


# -- what comes out


def test_results_are_the_daily_series_reduced(finished):
    """Sum of entries, longest queue, mean of waits without the days nobody waited."""
    swept = open_sweep(finished)
    daily = swept.daily.set_index(["run", "place_id", "measure"]).sort_index()
    found = swept.results.set_index(["run", "place_id", "measure"])["value"]
    for run in swept.runs["run"]:
        of = {m: daily.loc[(run, p, m)] for p, m in (("GE", "entries_men"), ("GE", "entries"))}
        queue, wait = (
            daily.loc[(run, "GE-LARS", m), "value"] for m in ("queue_persons", "wait_hours")
        )
        late = of["entries"][of["entries"]["date"] >= "2022-09-24"]["value"]
        assert found[run, "GE", "entries_men"] == pytest.approx(of["entries_men"]["value"].sum())
        assert found[run, "GE", "late"] == pytest.approx(late.mean(), abs=1e-6)
        assert found[run, "GE-LARS", "queue"] == queue.max()
        assert found[run, "GE-LARS", "wait_hours"] == pytest.approx(
            wait.mean(), abs=1e-6, nan_ok=True
        )


def test_a_run_of_a_sweep_is_the_run_of_its_scenario(finished):
    """The daily series of the third point are those of `flowsim run` with the same changes."""
    swept = open_sweep(finished)
    values = swept.runs[swept.runs["point"] == 2].iloc[0]
    changes = CHANGES | {name: values[name] for name in ("choice.lambda", "call_up.pace")}
    alone = run_one(load("september-2022", changes), sample=0.0005, replications=2).daily
    keys = ["replication", "date", "place_kind", "place_id", "measure"]
    mine = swept.daily.merge(swept.runs[["run", "point", "replication"]], on="run")
    mine = mine[mine["point"] == 2].set_index(keys)["value"]
    alone = alone.set_index(keys)["value"].loc[mine.index]
    assert np.array_equal(mine.to_numpy(), alone.to_numpy(), equal_nan=True)


def test_every_run_has_a_row_with_its_parameters(finished):
    runs = open_sweep(finished).runs
    assert runs["run"].tolist() == list(range(8))
    assert list(runs["status"].unique()) == ["ok"]
    assert runs["key"].is_unique
    assert runs.groupby("point")[["choice.lambda", "call_up.pace"]].nunique().eq(1).all(axis=None)
    rows = zip(runs["choice.lambda"], runs["call_up.pace"], runs["replication"], strict=True)
    assert next(rows) == (0.4, 1, 0)


def test_replications_share_their_draws_at_every_point(finished):
    """Before the announcement nothing differs between the points of one replication."""
    swept = open_sweep(finished)
    early = swept.daily[
        (swept.daily["date"] < "2022-09-20") & (swept.daily["measure"] == "entries")
    ]
    early = early.merge(swept.runs[["run", "point", "replication"]], on="run")
    assert (
        early.groupby(["date", "place_id", "replication"], observed=True)["value"].nunique().max()
        == 1
    )


def test_the_folder_repeats_the_sweep_without_any_other_file(finished, tmp_path):
    """The sweep file in it and the scenarios beside it give the same tables."""
    again = run_sweep(finished / "sweep.yaml", tmp_path / "again", workers=1)
    assert hashes(again.folder) == hashes(finished)


def test_kept_measures_are_names_of_the_model(finished):
    """Whatever a sweep keeps is in the model's table under that name."""
    kept = set(open_sweep(finished).daily["measure"])
    assert kept == {"entries_men", "queue_persons", "entries", "wait_hours", "departures"}
    assert {"entries_men", "entries"} <= set(FLOWS)


# -- how it comes about


def test_two_workers_write_the_bytes_that_one_writes(finished, tmp_path):
    assert hashes(run_sweep(tiny(), tmp_path / "two", workers=2).folder) == hashes(finished)


@pytest.mark.slow
def test_dask_writes_the_bytes_that_local_processes_write(finished, tmp_path):
    """A real cluster of worker processes over TCP."""
    pytest.importorskip("distributed")
    swept = run_sweep(tiny(), tmp_path / "dask", workers=2, scheduler="local-cluster")
    assert hashes(swept.folder) == hashes(finished)


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_a_stopped_sweep_goes_on_where_it_was(finished, tmp_path, monkeypatch, made, error):
    """Nothing that was finished is done again, and nobody sees it in the tables."""
    with monkeypatch.context() as patched:
        stop_after(patched, 3, error)
        with pytest.raises(error):
            run_sweep(tiny(), tmp_path, workers=1)
    assert 0 < len(made) < 8
    with pytest.raises(ResultsError, match=r"not a finished sweep .* start the same command again"):
        open_sweep(tmp_path)
    run_sweep(tiny(), tmp_path, workers=1)
    assert len(made) == len(set(made)) == 8
    assert hashes(tmp_path) == hashes(finished)
    assert not list(tmp_path.glob("*sqlite*"))


def test_a_finished_sweep_is_not_run_again(folder, made):
    assert run_sweep(tiny(), folder, workers=1).manifest["runs"] == 8
    assert made == []


def test_a_store_left_by_a_kill_at_the_very_end_is_cleared_away(folder, finished, made):
    """The manifest is written before it is removed."""
    with Store(folder) as store:
        store.add([Outcome("long written elsewhere")])
    run_sweep(tiny(), folder, workers=1)
    assert made == []
    assert hashes(folder) == hashes(finished)
    assert not list(folder.glob("*sqlite*"))


@pytest.mark.parametrize(
    "less",
    [
        {"replications": 1},
        {"parameters": TINY["parameters"] | {"choice.lambda": {"values": [0.8]}}},
    ],
)
def test_a_sweep_that_grew_is_the_sweep_that_was_large_at_once(finished, tmp_path, made, less):
    """More replications, or points before the old ones: only what is new is run."""
    before = run_sweep(tiny(**less), tmp_path, workers=1)
    assert before.manifest["runs"] == 4
    run_sweep(tiny(), tmp_path, workers=1)
    assert len(made) == len(set(made)) == 8
    assert hashes(tmp_path) == hashes(finished)


@pytest.mark.parametrize("moment", [0, 1, 3])
def test_a_sweep_killed_while_it_grows_loses_nothing(finished, tmp_path, monkeypatch, made, moment):
    """While its tables are taken apart, just before it is unfinished, or soon after."""
    run_sweep(tiny(replications=1), tmp_path, workers=1)
    with monkeypatch.context() as patched:
        real, calls = Store.add, []

        def add(store: Store, *added: Any) -> None:
            calls.append(1)
            if len(calls) > moment:
                raise KeyboardInterrupt
            real(store, *added)

        patched.setattr(Store, "add", add)
        patched.setattr(running, "AT_ONCE", 2)
        with pytest.raises(KeyboardInterrupt):
            run_sweep(tiny(), tmp_path, workers=1)
    run_sweep(tiny(), tmp_path, workers=1)
    assert hashes(tmp_path) == hashes(finished)
    assert 8 <= len(made) <= 9  # a run that was made but not yet written is made again


def test_replications_may_be_asked_for_beside_the_file(finished, tmp_path):
    """And the folder's sweep file says so."""
    swept = run_sweep(tiny(replications=1), tmp_path, workers=1, replications=2)
    assert hashes(swept.folder) == hashes(finished)
    assert sweep_of(swept).replications == 2


def test_points_that_are_the_same_are_run_once(tmp_path, made):
    """Designs such as Morris's come by a point twice; both rows are there."""
    twice = {"choice.lambda": {"values": [0.4, 0.4000000000001, 0.5]}}
    sweep = tiny(parameters=twice | {"call_up.pace": {"keys": ["call_up.pace"], "values": [1]}})
    plan = make_plan(sweep)
    same = {run.point: plan.runs[0].key for run in plan.runs}
    runs = [running.replace(run, key=same[0] + str(run.replication)) for run in plan.runs]
    with Store(None) as store:
        assert len(running.missing_of(running.replace(plan, runs=tuple(runs)), store)) == 2


# -- what is refused


@pytest.mark.parametrize(
    ("change", "count"),
    [({"sample": 0.0006}, 8), ({"replications": 1}, 4), ({"seed": 5}, 8), ({"outputs": {}}, 8)],
)
def test_a_different_sweep_in_the_folder_is_refused(folder, made, change, count):
    """What was run is never thrown away; the message says how much, why and what to do."""
    with pytest.raises(ResultsError) as told:
        run_sweep(tiny(**change), folder, workers=1)
    assert f"holds {count} finished runs that tiny does not have" in str(told.value)
    assert "--out" in str(told.value)
    assert str(folder / "sweep.yaml") in str(told.value)
    assert open_sweep(folder).manifest["runs"] == 8
    assert made == []


def test_an_unfinished_sweep_refuses_a_different_one_too(tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        stop_after(patched, 2, KeyboardInterrupt)
        with pytest.raises(KeyboardInterrupt):
            run_sweep(tiny(), tmp_path, workers=1)
    with pytest.raises(ResultsError, match="finished runs that tiny does not have"):
        run_sweep(tiny(sample=0.0006), tmp_path, workers=1)


@pytest.mark.parametrize("what", ["version", "data"])
def test_results_of_two_versions_are_not_mixed(folder, monkeypatch, what):
    """Neither of the model nor of its data."""
    if what == "version":
        monkeypatch.setattr(machine, "__version__", "9.9")
    else:
        monkeypatch.setattr(sources, "content_hash", lambda: "0" * 64)
    expected = "made with flowsim .*, this is 9.9" if what == "version" else "other data tables"
    with pytest.raises(ResultsError, match=expected):
        run_sweep(tiny(replications=3), folder, workers=1)


def test_another_numpy_is_noted_and_warned_of(tmp_path, monkeypatch):
    """Last digits may differ between versions; the manifest tells which took part."""
    with monkeypatch.context() as patched:
        older = machine.versions() | {"numpy": "1.0"}
        patched.setattr(manifest, "versions", lambda: older)
        stop_after(patched, 2, KeyboardInterrupt)
        with pytest.raises(KeyboardInterrupt):
            run_sweep(tiny(), tmp_path, workers=1)
    with pytest.warns(UserWarning, match=r"made with python .*, numpy 1\.0; results may differ"):
        swept = run_sweep(tiny(), tmp_path, workers=1)
    used = [made["numpy"] for made in swept.manifest["made_with"]["versions"]]
    assert used == ["1.0", np.__version__]


def test_mistakes_at_any_point_are_found_before_anything_runs(tmp_path, made):
    sweep = tiny(parameters={"choice.lambda": {"values": [0.4, -1]}})
    with pytest.raises(ScenarioError, match=r"choice\.lambda"):
        run_sweep(sweep, tmp_path / "out", workers=1)
    assert made == []
    assert not (tmp_path / "out").exists()


# -- what fails, and what is damaged


@pytest.fixture
def fragile(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Let the second replication of every scenario with slow call-up fail."""
    real = simulating.simulate

    def simulate(world: Any, replication: int) -> FlowModel:
        if replication == 1 and world.assumptions.call_up.pace.value == 1:
            raise ModelError("a crossing has run out of stamps;\nbuy some")
        return real(world, replication)

    monkeypatch.setattr(simulating, "simulate", simulate)
    return monkeypatch


def test_a_failed_run_is_a_row_and_can_be_repeated(finished, tmp_path, fragile, made):
    """The others go on; only what failed is repeated, and then nobody sees that it failed."""
    swept = run_sweep(tiny(), tmp_path, workers=1)
    failed = swept.runs[swept.runs["status"] == "failed"]
    assert swept.manifest["failed"] == len(failed) == 2
    assert set(failed["error"]) == {"ModelError: a crossing has run out of stamps; buy some"}
    assert not set(failed["run"]) & set(swept.results["run"])
    assert run_sweep(tiny(), tmp_path, workers=1).manifest["failed"] == 2
    assert len(made) == 8  # not repeated without being asked
    fragile.undo()
    swept = run_sweep(tiny(), tmp_path, workers=1, retry_failed=True)
    assert swept.manifest["failed"] == 0
    assert hashes(tmp_path) == hashes(finished)
    assert not (tmp_path / "failures.txt").exists()


def test_failed_runs_survive_growth(tmp_path, fragile):
    """They stay rows with their errors when replications are added."""
    run_sweep(tiny(), tmp_path, workers=1)
    swept = run_sweep(tiny(), tmp_path, workers=1, replications=3)
    assert swept.manifest["failed"] == 2
    assert swept.runs["status"].value_counts().to_dict() == {"ok": 10, "failed": 2}


def test_only_damaged_runs_are_repeated(finished, tmp_path, monkeypatch, made):
    with monkeypatch.context() as patched:
        stop_after(patched, 3, KeyboardInterrupt)
        with pytest.raises(KeyboardInterrupt):
            run_sweep(tiny(), tmp_path, workers=1)
    with closing(sqlite3.connect(tmp_path / STORE)) as db, db:
        changed = "UPDATE runs SET content = content || 'x' WHERE key = ?"
        db.execute(changed, (made[1],))
    with pytest.warns(UserWarning, match=r"1 of its runs are damaged; what is missing is repeated"):
        run_sweep(tiny(), tmp_path, workers=1)
    assert sorted(made) == sorted([*set(made), made[1]])
    assert hashes(tmp_path) == hashes(finished)


@pytest.mark.parametrize("name", ["daily.parquet", "results.csv"])
def test_a_damaged_table_is_named_and_made_again(finished, folder, name, made):
    """From the runs if they are harmed, else from the other tables."""
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(ResultsError, match=rf"{name} is not the file that was written"):
        open_sweep(folder)
    if name == "daily.parquet":
        with pytest.warns(UserWarning, match=r"daily\.parquet is not the file .* all runs"):
            run_sweep(tiny(), folder, workers=1)
    else:
        run_sweep(tiny(), folder, workers=1)
    assert len(made) == (8 if name == "daily.parquet" else 0)
    assert hashes(folder) == hashes(finished)


# -- single runs


def test_any_run_can_be_made_again_bit_for_bit(finished, tmp_path):
    """It equals what the folder holds, and its full results are a folder of their own."""
    again = rerun(finished, 5, tmp_path / "run-5")
    assert again.difference == ""
    assert (again.point, again.replication) == (2, 1)
    alone = open_run(tmp_path / "run-5")
    assert alone.daily["replication"].unique().tolist() == [1]
    entries = alone.daily.query("place_id == 'GE' and measure == 'entries_men'")["value"]
    (found,) = again.results.query("place_id == 'GE' and measure == 'entries_men'")["value"]
    assert found == pytest.approx(entries.sum())
    with pytest.raises(ResultsError, match="is not empty; choose another --out"):
        rerun(finished, 5, tmp_path / "run-5")


def test_a_run_that_comes_out_differently_is_told(finished, monkeypatch):
    """By the draws of another replication, for instance."""
    real = simulating.simulate
    monkeypatch.setattr(simulating, "simulate", lambda world, r: real(world, r + 1))
    said = rerun(finished, 0).difference
    assert "its rows in results.parquet differ; its rows in daily.parquet differ" in said


def test_a_run_that_is_not_there_is_refused(finished):
    with pytest.raises(ResultsError, match=r"run 8 is not known; .* has runs 0 to 7"):
        rerun(finished, 8)


def test_an_estimate_starts_nothing(finished, tmp_path):
    """It counts runs, and what a folder has of them."""
    told = estimate(tiny(), tmp_path / "none", workers=4)
    assert (told.runs, told.points, told.replications, told.done) == (8, 4, 2, 0)
    assert told.seconds > 0
    assert told.bytes_on_disk > 1000
    assert not (tmp_path / "none").exists()
    assert estimate(tiny(), finished, replications=3).done == 8
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ResultsError, match="something that is not a sweep"):
        estimate(tiny(), tmp_path)


def test_what_is_finished_can_be_read_before_the_end(tmp_path, monkeypatch):
    """Rows of runs that are done, as they will stand in the tables."""
    with monkeypatch.context() as patched:
        stop_after(patched, 3, KeyboardInterrupt)
        with pytest.raises(KeyboardInterrupt):
            run_sweep(tiny(), tmp_path, workers=1)
    part = open_unfinished(tmp_path)
    assert 0 < len(part.runs) < 8
    assert part.manifest["complete"] is False
    whole = run_sweep(tiny(), tmp_path, workers=1)
    expected = whole.results[whole.results["run"].isin(part.runs["run"])]
    pd.testing.assert_frame_equal(part.results, expected.reset_index(drop=True))
    with pytest.raises(ResultsError, match="holds no unfinished sweep"):
        open_unfinished(tmp_path)


# -- the command line


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The tiny sweep as a file."""
    path = tmp_path / "tiny.yaml"
    path.write_text(tiny().files()["sweep.yaml"])
    for name, text in tiny().files().items():
        if name.startswith("base-"):
            (tmp_path / name).write_text(text)
    return path


def test_the_command_tells_what_was_found_and_how_to_open_it(file, finished, tmp_path):
    folder = tmp_path / "out"
    result = CliRunner().invoke(
        app, ["sweep", str(file), "--out", str(folder), "--no-figures", "--workers", "1"]
    )
    assert result.exit_code == 0, result.output
    assert "4 points, 2 replications each, 8 runs." in result.stdout
    assert "Entries of men into Georgia: " in result.stdout
    assert f'pd.read_parquet("{folder.as_posix()}/results.parquet")' in result.stdout
    assert hashes(folder) == hashes(finished)
    result = CliRunner().invoke(app, ["rerun", str(folder), "--run", "3"])
    assert "to the last bit" in result.stdout
    assert result.exit_code == 0


def test_the_plan_is_told_in_words(file, tmp_path):
    folder = tmp_path / "out"
    result = CliRunner().invoke(app, ["sweep", str(file), "--plan", "--out", str(folder)])
    assert "8 runs: 4 points x 2 replications" in result.stdout
    assert "nothing was started" in result.stdout
    assert not folder.exists()


def test_failed_runs_show_in_the_exit_code(file, tmp_path, fragile):
    """And the message says how to repeat them."""
    arguments = ["sweep", str(file), "--out", str(tmp_path / "out"), "--no-figures", "--quiet"]
    result = CliRunner().invoke(app, [*arguments, "--workers", "1"])
    assert result.exit_code == 1
    assert "2 of 8 runs failed; the first is run 1: ModelError" in result.output
    assert "--retry-failed" in result.output


def test_shipped_sweeps_are_named_if_none_is_given():
    result = CliRunner().invoke(app, ["sweep"])
    assert result.exit_code == 2
    assert "flowsim sweep passports-by-task-force" in result.output


# -- draws of the parameters


def test_each_replication_takes_its_draw_but_for_what_the_point_sets(drawn):
    """Run by run it is the scenario with that draw, and the point's values laid over it."""
    swept = open_sweep(drawn)
    assert swept.manifest["draws"] == 2
    assert list(swept.runs["replication"]) == [0, 1, 2] * 2
    found = swept.results.set_index(["run", "measure"])["value"]
    for run in swept.runs.itertuples():
        pace = [1, 2][run.point]
        changes = CHANGES | DRAWS[run.replication % 2] | {"call_up.pace": pace}
        scenario = load("september-2022", changes | {"sample": 0.0005})
        (alone,) = work.reduced(
            work.kept_daily(
                work.Observed(simulating.simulate(scenario, run.replication)),
                0,
                sweep_of(swept).kept,
            ),
            sweep_of(swept).outputs[:1],
        )["value"]
        assert found[run.Index, "entries_men"] == alone


def test_draws_are_part_of_what_a_run_is(drawn):
    """Their values are in the key; with fewer replications than draws there are more of them."""
    plain = make_plan(running.overridden(tiny(**DRAWN), 3, None))
    some = make_plan(running.overridden(tiny(**DRAWN), None, None, DRAWS))
    assert [run.key for run in make_plan(sweep_of(open_sweep(drawn))).runs[:2]] == [
        run.key for run in some.runs[:2]
    ]
    assert not {run.key for run in plain.runs} & {run.key for run in some.runs}
    assert running.overridden(tiny(**DRAWN), 1, None, DRAWS).replications == 2
    assert running.overridden(sweep_of(open_sweep(drawn)), None, None, []).draws == ()


def test_a_run_under_a_draw_is_made_again_bit_for_bit(drawn, tmp_path):
    again = rerun(drawn, 4, tmp_path / "run-4")
    assert again.difference == ""
    (scenario,) = open_run(tmp_path / "run-4").scenarios
    assert (scenario.panic.decay.value, scenario.call_up.pace.value) == (14.4, 2)


def test_the_folder_repeats_a_sweep_over_draws(drawn, tmp_path, made):
    run_sweep(drawn / "sweep.yaml", tmp_path / "again", workers=1)
    assert hashes(tmp_path / "again") == hashes(drawn)
    made.clear()
    run_sweep(tiny(**DRAWN), drawn, workers=1, draws=DRAWS, replications=3)
    assert made == []


def test_what_the_ranges_hold_is_told(drawn, finished):
    with_draws, alone = (headline.summary(open_sweep(folder)) for folder in (drawn, finished))
    assert "chance and the doubt of the calibration: 2 draws" in " ".join(with_draws.split())
    assert "hold chance alone, no doubt about the parameters" in " ".join(alone.split())
    assert "chance and the doubt of the calibration" in headline.caution(open_sweep(drawn))
    assert (
        Swept(open_sweep(drawn))
        .chance([])
        .startswith(
            "Ranges over replications hold chance and the doubt of the calibration (2 draws)."
        )
    )


@pytest.mark.parametrize("text", ["panic.decay\nmuch\n", "panic.decay\n", None])
def test_draws_that_cannot_be_read_are_named(text, tmp_path):
    path = tmp_path / "draws.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(
        ScenarioError, match=r"draws: .*(expected a CSV with a number|cannot be read)"
    ):
        tiny(draws=str(path))


def test_the_command_lays_the_shipped_posterior(file, tmp_path):
    arguments = ["sweep", str(file), "--out", str(tmp_path / "out"), "--posterior", "3", "--plan"]
    assert "12 runs: 4 points x 3 replications" in CliRunner().invoke(app, arguments).stdout


# -- what an output does not depend on


def test_what_does_not_depend_on_a_parameter_is_said_to(tmp_path):
    """How long a line of cars is moves nobody: the same men set off, not about as many."""
    still = run_sweep(tiny(**STILL), tmp_path / "still", workers=1)
    (said,) = headline.ranges(still)
    assert "does not depend on" in said
    assert "in this model: identical in every run." in said
    assert "chance" not in said
    assert "identical in every run" in " ".join(
        cell for table in headline.sensitivity(still).tables for row in table.rows for cell in row
    )
    response = families()["response"].functions()[0](still, PRESETS["page"])
    assert "identical in every run" in response.title


STILL: dict[str, Any] = {
    "parameters": {"observation.cars_per_km": {"values": [100, 200]}},
    "outputs": {"departures": {}},
}


def test_the_headline_names_the_strongest_parameter(finished):
    """Entries with a faster call-up and with more freedom of choice: one of them moves more."""
    found = headline.ranges(open_sweep(finished))
    indices = open_sweep(finished).indices
    mine = indices[(indices["output"] == "entries_men") & (indices["place_id"] == "GE")]
    shares = mine[mine["index"] == "share"].set_index("parameter")["value"].astype(float)
    said = {"choice.lambda": "lambda", "call_up.pace": "pace of the call-up"}[shares.idxmax()]
    (line,) = [sentence for sentence in found if "Entries of men into Georgia" in sentence]
    assert f"moved most by “{said}" in line
    assert "of the spread between points is chance" in line
    noise = indices.assign(value=indices["value"].where(indices["index"] != headline.CHANCE, 0.95))
    noisy = open_sweep(finished).with_tables(indices=noise)
    assert not [one for one in headline.ranges(noisy) if "moved most" in one], "it is chance"
    said = "Only 1 man in 2,000 was simulated"
    assert said in headline.doubt(open_sweep(finished)), "it keeps waits"


def test_a_sweep_that_needs_more_memory_than_there_is_is_refused_at_once(monkeypatch, tmp_path):
    memory = tmp_path / "meminfo"
    memory.write_text("MemAvailable: 400000 kB\n")
    monkeypatch.setattr(machine, "MEMORY", memory)
    with pytest.raises(MachineError, match=r"2 runs at once\), 0\.4 GB .* or fewer --workers"):
        run_sweep(tiny(), tmp_path / "out", workers=2)
    assert run_sweep(tiny(), tmp_path / "out", workers=1).runs["status"].eq("ok").all()


def test_progress_tells_speed_and_time_left(monkeypatch):
    """What was done before the start does not count as speed."""
    now = [100.0]
    monkeypatch.setattr(terminal.time, "monotonic", lambda: now[0])
    counted = terminal.Count("runs")
    assert counted.words(400, 1000) == "400 of 1,000 runs"
    now[0] += 20
    assert counted.words(500, 1000) == "500 of 1,000 runs, 5 a second, 2 min left"
    now[0] += 980
    assert counted.words(600, 1000) == "600 of 1,000 runs, 12 a minute, 33 min left"
    assert counted.words(1000, 1000) == "1,000 of 1,000 runs, 36 a minute"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "1 s"),
        (89, "89 s"),
        (91, "2 min"),
        (5000, "83 min"),
        (12_000, "3 h 20 min"),
        (4e5, "5 days"),
    ],
)
def test_time_spans_are_told_as_people_do(seconds, words):
    assert terminal.duration(seconds) == words


def test_without_a_terminal_progress_is_a_line_now_and_then(monkeypatch, capsys):
    """Nothing for what is done at once; then a line every tenth of the way."""
    now = [100.0]
    monkeypatch.setattr(terminal.time, "monotonic", lambda: now[0])
    tell = terminal.Count("runs").print_line
    for done in range(101):
        tell(done, 100, "1 failed" if done > 50 else "")
        now[0] += 0.1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "21 of 100 runs, 10 a second, 8 s left"
    assert lines[-1] == "100 of 100 runs, 10 a second (1 failed)"
    assert len(lines) == 9


@pytest.mark.parametrize(
    "design",
    [
        {"kind": "morris", "trajectories": 2},
        {"kind": "sobol", "points": 4},
        {"kind": "latin-hypercube", "points": 3},
    ],
)
def test_a_design_is_stored_with_the_sweep_and_not_drawn_again(design, tmp_path, monkeypatch):
    """Another version of SALib or SciPy draws other points; what is finished stays so."""
    ranges = {
        "panic.decay": {"range": [5, 10]},
        "population.passport_share": {"range": [0.2, 0.4]},
    }
    sweep = tiny(parameters=ranges, design=design, replications=1)
    made = run_sweep(sweep, tmp_path / "out", workers=1)
    points = make_plan(sweep).points.rows

    def otherwise(design, names, seed):
        return np.full((len(points), len(names)), 0.5)

    monkeypatch.setattr(drawing, "drawn", otherwise)
    again = tiny(parameters=ranges, design=design, replications=1)
    assert make_plan(again).points.rows != points
    assert make_plan(read_sweep(made.path / "sweep.yaml")).points.rows == points
    assert run_sweep(again, tmp_path / "out", workers=1).manifest == made.manifest
