"""The app: fields of a scenario, work in the background, and its page in a real browser."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import flowsim
from flowsim.cli.app import app
from flowsim.report.app import hours, inputs, work
from flowsim.scenario import load

PASSPORTS, SINCE = "population.passport_share", "policies.task_force_lars.from"
SHORT = {"horizon.end": "2022-10-01"}


@pytest.fixture(scope="module")
def fields() -> list[inputs.Entry]:
    return inputs.entries(load("september-2022"))


def entry(fields: list[inputs.Entry], key: str) -> inputs.Entry:
    [found] = [one for one in fields if one.key == key]
    return found


# ---- fields ----------------------------------------------------------------------------------


def test_a_field_has_unit_source_and_the_bounds_of_the_schema(fields):
    share = entry(fields, PASSPORTS)
    assert (share.value, share.unit, share.low, share.high) == (0.3, "share", 0, 1)
    assert share.about.startswith("share; from 0 to 1; literature: VTsIOM")
    rumour = entry(fields, "policies.rumour_of_closure.strength.georgia")
    assert (rumour.low, rumour.high) == (0, 20)
    since = entry(fields, SINCE)
    assert (since.value, since.block) == ("2022-09-27", "policies.task_force_lars")


def test_what_was_filled_in_becomes_a_file_that_says_the_same(fields, folder):
    values = {PASSPORTS: 0.4, SINCE: "2022-09-21", "policies.task_force_lars.to": ""}
    same = {"choice.lambda": entry(fields, "choice.lambda").value}
    changed = inputs.changes(fields, values | same, {"rumour_of_closure"})
    assert changed == {
        PASSPORTS: 0.4,
        SINCE: "2022-09-21",
        "policies.task_force_lars.to": None,
        "policies.rumour_of_closure": None,
    }
    Path("mine.yaml").write_text(inputs.as_file("mine", "Mine", "september-2022", changed))
    scenario = load("mine.yaml")
    assert scenario.population.passport_share.value == 0.4
    assert scenario.population.passport_share.source == inputs.SOURCE
    start, end = scenario.policies["task_force_lars"].span
    assert (f"{start:%Y-%m-%d}", end) == ("2022-09-21", None)
    assert "rumour_of_closure" not in scenario.policies


def test_numbers_of_a_policy_that_does_not_hold_are_not_changed(fields):
    key = "policies.rumour_of_closure.fade"
    assert inputs.changes(fields, {key: 1.0}, {"rumour_of_closure"}) == {
        "policies.rumour_of_closure": None
    }


def test_every_shipped_scenario_has_fields_that_change_nothing_by_themselves():
    for name in ("more-destinations", "no-rumour", "second-wave"):
        known = inputs.entries(load(name))
        assert inputs.changes(known, {one.key: one.value for one in known}, set()) == {}


# ---- in the background -----------------------------------------------------------------------


def test_work_reports_progress_and_gives_what_a_run_gives():
    told: list[int] = []
    results: list[Any] = []
    worker = work.Worker(lambda done, total, words: told.append(done), results.append)
    scenario = load("september-2022", SHORT)
    assert worker.start(work.simulation(scenario, 0.0005))
    assert worker.wait(60)
    assert len(set(told)) > 8
    expected = flowsim.run(scenario, sample=0.0005).daily
    assert results[0].daily.equals(expected)


def test_work_can_be_cancelled_and_one_job_is_done_at_a_time():
    begun, results = threading.Event(), []
    worker = work.Worker(lambda done, total, words: begun.set(), results.append)

    def endless(progress):
        while True:
            progress(0, 1, "")
            time.sleep(0.01)

    assert worker.start(endless)
    assert begun.wait(10)
    assert not worker.start(endless)
    worker.cancel()
    assert worker.wait(10)
    assert isinstance(results[0], work.CancelledError)


def test_an_error_of_the_simulation_is_handed_over():
    results: list[Any] = []
    worker = work.Worker(lambda *_: None, results.append)
    assert worker.start(work.simulation(load("september-2022"), 7.0))
    assert worker.wait(10)
    assert "sample" in str(results[0])


def test_no_mistake_is_lost_in_the_background():
    results: list[Any] = []
    worker = work.Worker(lambda *_: None, results.append)
    assert worker.start(lambda progress: 1 / 0)
    assert worker.wait(10)
    assert isinstance(results[0], ZeroDivisionError)


def test_the_map_of_an_hour_shows_the_queues_of_that_hour():
    run = flowsim.run("september-2022", sample=0.0005, changes=SHORT)
    drawn = hours.Hours(run)
    rows = run.hours("queue_persons").pivot_table("value", "time", "place_id")
    fullest = drawn.fullest
    rows = rows[[key for key, c in run.scenario.crossings.items() if c.lat is not None]]
    assert rows.iloc[fullest].sum() == pytest.approx(rows.sum(axis=1).max())
    there = rows.iloc[fullest]
    assert drawn.layer(fullest).count("<circle") == int((there > 0).sum()) > 0
    assert run.scenario.crossings[there.idxmax()].name in drawn.words(fullest)
    assert "27" not in drawn.words(0)
    assert drawn.ground.count("<path") > 80


# ---- the command -----------------------------------------------------------------------------


def test_a_faulty_scenario_is_refused_before_anything_is_served(folder):
    made = CliRunner().invoke(app, ["app", "nothing.yaml", "--no-browser"])
    assert made.exit_code == 2
    assert "nothing.yaml" in made.output


def test_without_panel_the_command_says_what_to_install(monkeypatch):
    monkeypatch.setattr("flowsim.report.app.find_spec", lambda _: None)
    made = CliRunner().invoke(app, ["app", "--no-browser"])
    assert made.exit_code == 1
    assert "pip install 'border-flowsim[app]'" in made.output


# ---- in a browser ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The app, served from a process of its own."""
    pytest.importorskip("panel", reason="panel is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "flowsim", "app", "--no-browser", "--port", str(port)]
    served = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    for _ in range(600):
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                break
        assert served.poll() is None, "the app ended before it was served"
        time.sleep(0.1)
    yield f"http://127.0.0.1:{port}/"
    served.terminate()
    served.wait(20)


@pytest.fixture
def tab(address: str, browser: Any) -> Iterator[Any]:
    opened = browser.new_page(viewport={"width": 1300, "height": 1000})
    opened.set_default_timeout(90_000)
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
    known = (address, "data:", "blob:")
    opened.on("request", lambda r: None if r.url.startswith(known) else faults.append(r.url))
    opened.goto(address)
    opened.get_by_role("button", name="Simulate").wait_for()
    yield opened
    opened.close()
    assert faults == []


@pytest.mark.slow
def test_change_simulate_keep_compare_play_and_save_in_a_browser(tab: Any, folder: Path):
    def press(name: str) -> None:
        tab.get_by_role("button", name=name, exact=True).click()

    def finished() -> None:
        tab.get_by_text("Done.", exact=True).wait_for()

    def picture() -> str:
        return tab.locator("img[alt]").first.get_attribute("src")

    tab.get_by_label("Sample").select_option("1 man in 1,000")
    press("Simulate")
    finished()
    before = picture()
    press("Keep this world")
    tab.get_by_text("Population", exact=True).click()
    share = tab.get_by_label("Passport share, share")
    share.fill("0.6")
    share.press("Enter")
    press("Simulate")
    tab.get_by_text("Done.", exact=True).wait_for(state="detached")
    finished()
    assert picture() != before

    press("Compare man for man")
    tab.get_by_text("The same men in world-1 and world-2").wait_for()
    assert tab.locator("img[alt]").count() == 2
    tab.get_by_text(f"{PASSPORTS} = 0.6").wait_for()
    tab.get_by_text("Hour by hour", exact=True).click()
    tab.locator("p", has_text="persons queueing").wait_for()

    with tab.expect_download() as saved:
        tab.get_by_text("Save as scenario file").click()
    saved.value.save_as("my-scenario.yaml")
    assert load("my-scenario.yaml").population.passport_share.value == 0.6

    Path("bad.yaml").write_text("name: bad\nextends: september-2022\nchanges: {choice.lamda: 1}\n")
    tab.locator("input[type=file]").set_input_files("bad.yaml")
    tab.get_by_role("alert").filter(has_text="choice.lamda").wait_for()
    tab.locator("input[type=file]").set_input_files("my-scenario.yaml")
    tab.get_by_text("Opened Russia's mobilisation of September 2022, changed.").wait_for()


@pytest.mark.slow
def test_a_long_simulation_can_be_cancelled_in_a_browser(tab: Any):
    tab.get_by_label("Sample").select_option("1 in 10")
    tab.get_by_role("button", name="Simulate").click()
    tab.get_by_role("button", name="Cancel").click()
    tab.get_by_text("Cancelled; what was shown before stays.").wait_for()
