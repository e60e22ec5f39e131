"""Runs and their folders: the same bytes again, and nothing half-finished that looks finished."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import flowsim
from flowsim.errors import FlowsimError, MachineError, ResultsError, ScenarioError
from flowsim.experiments.running import run
from flowsim.findings import summary
from flowsim.results.opening import open_run
from flowsim.results.run import TABLES
from flowsim.scenario import content_hash, load

TINY = 0.0002
ROOT = Path(__file__).resolve().parents[1]
FIELDS = (
    *("kind", "name", "title", "scenarios", "data_hash", "versions", "seed", "sample"),
    *("replications", "started", "seconds", "peak_memory_mb"),
)
FILES = {
    *("scenario.yaml", "manifest.json", "summary.csv", "datapackage.json"),
    *(f"{name}.parquet" for name in TABLES),
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the baseline, two replications."""
    folder = tmp_path_factory.mktemp("results") / "baseline"
    run("september-2022", sample=TINY, replications=2, out=folder)
    return folder


def python(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a fresh Python on some lines of code."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def looks_finished(folder: Path) -> bool:
    try:
        open_run(folder)
    except ResultsError:
        return False
    return True


# ------------------------------------------------------------------ the same again


def test_a_folder_holds_what_the_interfaces_name(finished):
    assert {path.name for path in finished.iterdir()} == FILES
    manifest = json.loads((finished / "manifest.json").read_text())
    assert manifest["complete"] is True
    assert manifest["replications"] == 2
    assert manifest["sample"] == TINY
    assert manifest["seed"] == load("september-2022").seed
    assert set(manifest["tables"]) == FILES - {"manifest.json"}
    assert {"flowsim", "python", "numpy", "mesa"} <= set(manifest["versions"])
    assert list(manifest) == [*FIELDS, "engine", "men_simulated", "tables", "complete"]
    assert manifest["scenarios"] == {"september-2022": content_hash(open_run(finished).scenario)}


def test_the_same_run_writes_the_same_bytes(finished, tmp_path):
    """Also in another process; only the manifest knows when."""
    code = """
        import sys, flowsim
        flowsim.run("september-2022", sample=float(sys.argv[1]), replications=2, out=sys.argv[2])
    """
    process = python(code, TINY, tmp_path / "again")
    assert process.communicate(timeout=120)[1] == ""
    for name in FILES - {"manifest.json"}:
        assert (tmp_path / "again" / name).read_bytes() == (finished / name).read_bytes(), name


def test_a_resolved_scenario_runs_to_the_same_tables(finished, tmp_path):
    run(finished / "scenario.yaml", replications=2, out=tmp_path / "again")
    for name in FILES - {"manifest.json"}:
        assert (tmp_path / "again" / name).read_bytes() == (finished / name).read_bytes(), name


def test_replications_differ_and_the_first_is_the_run_alone(finished):
    both, alone = open_run(finished), run("september-2022", sample=TINY)
    first, second = (both.daily[both.daily.replication == r].reset_index(drop=True) for r in (0, 1))
    pd.testing.assert_frame_equal(first, alone.daily)
    assert not first.value.equals(second.value)


def test_another_seed_gives_another_run():
    one, other = (run("september-2022", sample=TINY, seed=seed) for seed in (1, 2))
    assert not one.daily.value.equals(other.daily.value)


def test_what_is_read_back_is_what_was_run(tmp_path):
    result = run("september-2022", sample=TINY, out=tmp_path / "a")
    again = open_run(tmp_path / "a")
    for name in TABLES:
        assert getattr(again, name).equals(getattr(result, name)), name
    assert again.scenario == result.scenario
    assert again.manifest == result.manifest
    assert summary(again) == summary(result)


def test_changes_are_saved_with_the_run(tmp_path):
    run("september-2022", sample=TINY, changes=["choice.lambda=0.3"], out=tmp_path / "a")
    assert open_run(tmp_path / "a").scenario.choice.lambda_.value == 0.3


def test_progress_ends_at_the_end():
    calls: list[tuple[int, int, str]] = []
    run("september-2022", sample=TINY, replications=2, progress=lambda *call: calls.append(call))
    done = [call[0] for call in calls]
    assert done == sorted(done)
    assert done[0] == 0
    assert calls[-1][0] == calls[-1][1] == 2 * 45 * 24


# ------------------------------------------------------------------ what is asked wrongly


@pytest.mark.parametrize("sample", (0, -0.1, 1.0001, 2, float("nan")))
def test_a_sample_out_of_range_is_refused(sample):
    with pytest.raises(ScenarioError, match="sample"):
        run("september-2022", sample=sample)


def test_a_seed_out_of_range_is_refused():
    with pytest.raises(ScenarioError, match=r"seed: -1 is out of range"):
        run("september-2022", seed=-1)


def test_no_replication_is_no_run():
    with pytest.raises(ResultsError, match="at least 1; found 0"):
        run("september-2022", sample=TINY, replications=0)


def test_changes_need_a_file():
    with pytest.raises(ResultsError, match="over a file"):
        run(load("september-2022"), changes=["choice.lambda=0.3"])


def test_another_scenarios_folder_is_kept_without_force(finished, tmp_path):
    folder = tmp_path / "mine"
    run("september-2022", sample=TINY, out=folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(ResultsError, match=r"run of september-2022, not .* of no-rumour.*--force"):
        run("no-rumour", sample=TINY, out=folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    run("no-rumour", sample=TINY, out=folder, force=True)
    assert open_run(folder).scenario.name == "no-rumour"


def test_its_own_folder_may_be_written_again(tmp_path):
    for seed in (1, 2):
        run("september-2022", sample=TINY, seed=seed, out=tmp_path / "a")
    assert open_run(tmp_path / "a").manifest["seed"] == 2


def test_a_folder_of_something_else_is_not_touched(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ResultsError, match="not a results folder"):
        run("september-2022", sample=TINY, out=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_is_not_a_folder(tmp_path):
    (tmp_path / "results").write_text("")
    with pytest.raises(ResultsError, match="is a file"):
        run("september-2022", sample=TINY, out=tmp_path / "results")


# ------------------------------------------------------------------ the machine at fault


def test_a_sample_that_needs_more_memory_than_there_is_is_refused_at_once(monkeypatch, tmp_path):
    """One clear message before anything is made or written."""
    memory = tmp_path / "meminfo"
    memory.write_text("MemTotal: 200000 kB\nMemFree: 900 kB\nMemAvailable: 100000 kB\n")
    monkeypatch.setattr(sys.modules["flowsim.machine"], "MEMORY", memory)
    with pytest.raises(MachineError, match=r"needs about .* GB .* --sample"):
        run("september-2022", sample=1.0, out=tmp_path / "a")
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("asked", "advice"),
    [
        ({"replications": 300}, "300 replications in memory.*take fewer replications, or a folder"),
        ({"changes": ["horizon.end=2023-09-17"]}, "365 days, 33 crossings.*a shorter horizon"),
    ],
)
def test_memory_for_tables_by_the_hour_is_counted_too(monkeypatch, tmp_path, asked, advice):
    memory = tmp_path / "meminfo"
    memory.write_text("MemAvailable: 500000 kB\n")
    monkeypatch.setattr(sys.modules["flowsim.machine"], "MEMORY", memory)
    with pytest.raises(MachineError, match=advice):
        run("september-2022", sample=TINY, **asked)


def test_replications_on_disk_are_those_in_memory(tmp_path):
    """Each is written as soon as it is made; nothing else is left in the folder."""
    kept = run("september-2022", sample=TINY, replications=2)
    written = run("september-2022", sample=TINY, replications=2, out=tmp_path / "a")
    assert "hourly" not in written.known
    assert all(written.table(name).equals(kept.table(name)) for name in ("daily", "hourly"))
    assert written.outcomes.astype(str).equals(kept.outcomes.astype(str))
    assert {path.name for path in (tmp_path / "a").iterdir()} == {
        *written.manifest["tables"],
        "manifest.json",
    }


def test_many_replications_are_read_measure_by_measure(monkeypatch, tmp_path):
    monkeypatch.setattr("flowsim.results.run.MANY", 1)
    run("september-2022", sample=TINY, replications=2, out=tmp_path / "a")
    found = open_run(tmp_path / "a")
    summary(found)
    assert "daily" not in found.known
    assert set(found.measured("entries")["measure"]) == {"entries"}


def test_memory_is_not_asked_of_a_machine_that_cannot_tell(monkeypatch, tmp_path):
    monkeypatch.setattr(sys.modules["flowsim.machine"], "MEMORY", tmp_path / "no-such-file")
    assert run("september-2022", sample=TINY).daily.size > 0


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A folder that nobody, not even root, may write."""
    folder = tmp_path / "read-only"
    folder.mkdir()
    if os.geteuid():
        folder.chmod(0o500)
        yield folder
        folder.chmod(0o700)
        return
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "ro,size=64k", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("root without the right to mount")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_an_unwritable_folder_is_told_before_the_run(read_only):
    calls: list[int] = []
    with pytest.raises(MachineError, match=r"read-only.*cannot be written") as caught:
        run(
            "september-2022",
            sample=TINY,
            out=read_only / "a",
            progress=lambda done, total, label: calls.append(done),
        )
    assert caught.value.exit_code == 1
    assert "\n" not in str(caught.value)
    assert not calls


def test_a_folder_under_a_file_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FlowsimError, match="file"):
        run("september-2022", sample=TINY, out=tmp_path / "file" / "a")


@pytest.mark.skipif(sys.platform == "win32", reason="limits are Unix's")
@pytest.mark.parametrize("room", (0, 20_000))
def test_a_full_disk_is_one_clear_message_and_nothing_that_looks_finished(tmp_path, room):
    """The largest file a process may write stands for the room left on the disk."""
    code = """
        import resource, sys, flowsim
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), -1))
        try:
            flowsim.run("september-2022", sample=float(sys.argv[1]), out=sys.argv[2])
        except flowsim.FlowsimError as reason:
            print(reason)
            sys.exit(reason.exit_code)
    """
    process = python(code, TINY, tmp_path / "a", room)
    printed, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (1, "")
    assert printed.count("\n") == 1
    assert "could not be written" in printed
    assert not (tmp_path / "a" / "manifest.json").exists()
    assert not looks_finished(tmp_path / "a")
    assert not list((tmp_path / "a").glob(".*"))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs a mount")
def test_a_disk_that_is_really_full_leaves_no_finished_folder(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=80k", "tmpfs", str(disk)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("root without the right to mount")
    try:
        with pytest.raises(MachineError, match="No space left on device; the run is not finished"):
            run("september-2022", sample=TINY, out=disk / "a")
        assert not looks_finished(disk / "a")
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("moment", ("before writing", "between files", "at random"))
def test_a_run_that_is_killed_leaves_no_folder_that_looks_finished(tmp_path, moment):
    """A real process, killed for good; it had begun on a folder with a finished run."""
    folder = tmp_path / "a"
    run("september-2022", sample=TINY, out=folder)
    code = """
        import os, signal, sys
        from flowsim.results import folder as module
        from flowsim.machine import write_atomically
        from flowsim.run import run
        moment = sys.argv[3]
        die = lambda: os.kill(os.getpid(), signal.SIGKILL)
        def progress(done, total, label):
            print(done, flush=True)
            if moment == "before writing" and label == "tables":
                die()
        def written(path, data):
            write_atomically(path, data)
            if moment == "between files" and path.name.startswith("outcomes"):
                die()
        module.write_atomically = written
        run("september-2022", sample=float(sys.argv[1]), seed=9, out=sys.argv[2], progress=progress)
    """
    sample = 0.1 if moment == "at random" else 0.001  # long enough to be caught at it
    process = python(code, sample, folder, moment)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "0"  # the folder is prepared by now
    if moment == "at random":
        time.sleep(random.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    assert not looks_finished(folder)
    with pytest.raises(ResultsError, match="not a finished run"):
        open_run(folder)
    run("september-2022", sample=TINY, out=folder)  # and it can be run again
    assert looks_finished(folder)


# ------------------------------------------------------------------ damage


@pytest.mark.parametrize("name", sorted(FILES - {"manifest.json"}))
@pytest.mark.parametrize("how", ("flipped", "cut", "missing"))
def test_a_damaged_file_is_found_when_the_run_is_opened(finished, tmp_path, name, how):
    folder = tmp_path / "copy"
    folder.mkdir()
    for path in finished.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    data = bytearray((folder / name).read_bytes())
    if how == "missing":
        (folder / name).unlink()
    else:
        data[len(data) // 2] ^= 1
        (folder / name).write_bytes(data[:-1] if how == "cut" else data)
    with pytest.raises(ResultsError, match=rf"{name} is (missing|not the file that was written)"):
        open_run(folder)


@pytest.mark.parametrize("text", ("", "{", "[]", "{}", '{"complete": false}', '{"complete": true}'))
def test_a_damaged_manifest_is_no_finished_run(finished, tmp_path, text):
    for path in finished.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ResultsError, match="run it again"):
        open_run(tmp_path)


def test_what_is_not_there_is_not_opened(tmp_path):
    with pytest.raises(ResultsError, match="nowhere does not exist"):
        open_run(tmp_path / "nowhere")


# ------------------------------------------------------------------ what it says


def test_the_report_answers_the_questions(finished):
    """Who left, where to, who could not, who was stopped, how long they waited."""
    report = summary(open_run(finished))
    for heading in (
        "WHO LEFT",
        "WHO COULD NOT",
        "WHO WAS STOPPED",
        "WAITS",
        "BESIDE THE PUBLISHED",
    ):
        assert heading in report
    assert "260,000" in report
    assert "quote no wait before you simulate 1 in 10" in " ".join(report.split())


def test_a_summary_says_first_what_was_changed_with_set(finished):
    changed = flowsim.run("september-2022", sample=TINY, changes=["choice.lambda=0.3"])
    assert "Changed with --set: choice.lambda = 0.3" in summary(changed).split("WHO LEFT")[0]
    assert "Changed with" not in summary(open_run(finished))


def test_new_tables_leave_no_report_of_the_old_ones(tmp_path):
    flowsim.run("september-2022", sample=TINY, out=tmp_path)
    old = [tmp_path / name for name in ("report.html", "report.docx", "reception-x-georgia.csv")]
    for path in (*old, tmp_path / "notes.txt"):
        path.write_text("old")
    flowsim.run("september-2022", sample=TINY, seed=2, out=tmp_path)
    assert not any(path.exists() for path in old)
    assert (tmp_path / "notes.txt").exists(), "what is not ours stays"


def test_three_lines_of_python_suffice():
    result = flowsim.run(flowsim.load("september-2022"), sample=TINY)
    assert isinstance(result.daily, pd.DataFrame)
    assert isinstance(result.outcomes, pd.DataFrame)
    assert result.folder is None


@pytest.mark.parametrize("engine", ["columns", "agents"])
@pytest.mark.parametrize(("a_float", "an_int"), [(np.float64, np.int64), (np.float32, np.uint8)])
def test_numbers_of_numpy_are_numbers(tmp_path, engine, a_float, an_int):
    """Seeds, samples and replications come out of arrays in notebooks."""
    short = {"horizon.end": "2022-10-01"}
    size = {"sample": a_float(0.0005), "seed": an_int(3), "replications": an_int(1)}
    found = flowsim.run("september-2022", changes=short, engine=engine, out=tmp_path, **size)
    size = {"sample": float(a_float(0.0005)), "seed": 3}
    plain = flowsim.run("september-2022", changes=short, engine=engine, **size)
    pd.testing.assert_frame_equal(found.daily, plain.daily)
    assert json.loads((tmp_path / "manifest.json").read_text())["seed"] == 3
