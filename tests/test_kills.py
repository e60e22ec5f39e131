"""Experiments that are killed, starved and fought over: real processes, real signals, no loss."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from kill_worlds import ENOUGH, KINDS, RUNS
from test_sweep_running import DATA, TINY

import flowsim
from flowsim.calibration.runs import KEPT
from flowsim.errors import ResultsError
from flowsim.experiments.store import Outcome, Store, packed
from flowsim.results.folder import LOCK, STORE
from flowsim.sweep import run_sweep, running
from flowsim.sweep.file import read_sweep
from flowsim.sweep.work import Task

ROOT = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")


def hashes(folder: Path) -> dict[str, str]:
    manifest = json.loads((folder / "manifest.json").read_text())
    return {name: manifest["tables"][name] for name in DATA}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Hashes of the tables of a sweep that nobody disturbed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    return hashes(run_sweep(read_sweep(TINY | ENOUGH), folder / "out", workers=1).folder)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start `flowsim sweep` in a session of its own, so that signals hit nothing else."""
    for name, text in read_sweep(TINY | ENOUGH).files().items():
        (tmp_path / name).write_text(text)
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: str, out: Path = tmp_path / "out") -> subprocess.Popen[str]:
        command = ["-m", "flowsim", "sweep", str(tmp_path / "sweep.yaml"), "--out", str(out)]
        started.append(launched(*command, "--no-figures", *arguments))
        return started[-1]

    yield begin
    for process in started:
        stop(process)


def launched(*command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        start_new_session=True,
    )


def stop(process: subprocess.Popen[str]) -> None:
    """End a process and its session, if they still run."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def n_runs(out: Path) -> int:
    """Count what is finished while others work."""
    if not (out / STORE).exists():
        return 0
    with Store(out, look=True) as store:
        return len(store.done)


def wait_for(
    what: Callable[[], object], process: subprocess.Popen[str], seconds: float = 60
) -> None:
    """Wait until something is so, or the process has ended."""
    deadline = time.monotonic() + seconds
    while not what() and process.poll() is None:
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.01)


def descendants(pid: int) -> dict[int, str]:
    """Give the living children of a process and theirs, with their command lines."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if state != "Z":
            parents[int(stat.parent.name)] = int(parent)
    family = {pid}
    while new := {p for p, parent in parents.items() if parent in family} - family:
        family |= new
    found = {}
    for child in family - {pid}:
        try:
            found[child] = Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ")
        except OSError:
            continue
    return found


def is_dead(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def contents(folder: Path) -> dict[str, bytes]:
    """Read all that a finished experiment leaves, but what tells of times and machines."""
    left_out = ("manifest.json", LOCK)
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in left_out]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@cache
def undisturbed(kind: str) -> dict[str, bytes]:
    """Return what an experiment leaves that nobody kills."""
    with tempfile.TemporaryDirectory() as place:
        KINDS[kind](Path(place) / "out", 2)
        return contents(Path(place) / "out")


class Killer:
    """Starts an experiment again and again in one folder, and kills it; counts what is lost."""

    def __init__(self, kind: str, out: Path) -> None:
        self.kind, self.out = kind, out
        self.known: set[str] = set()
        self.kills = 0

    def start(self, workers: int) -> subprocess.Popen[str]:
        """Start the experiment, or go on with it."""
        script = str(Path(__file__).with_name("kill_worlds.py"))
        return launched(script, self.kind, str(self.out), str(workers))

    def let_run(self, process: subprocess.Popen[str], runs: int, seconds: float) -> None:
        """Let it finish some runs, and go on a while."""
        assert process.stdout is not None
        for _ in range(runs):
            self.known |= set(process.stdout.readline().split())
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)

    def kill(self, process: subprocess.Popen[str]) -> bool:
        """Kill the experiment if it still runs; whether it was at its end already."""
        process.kill()
        told, problems = process.communicate()
        self.known |= set(told.split())
        if process.returncode == 0:
            return True
        assert process.returncode == -signal.SIGKILL, problems
        self.kills += 1
        assert self.known <= self.kept(), "runs were lost"
        return False

    def kept(self) -> set[str]:
        """Return the keys of what is in the folder now; all if it is finished."""
        if (self.out / STORE).exists():
            with Store(self.out, look=True) as store:
                return set(store.done)
        if (self.out / KEPT).exists():
            return set(pq.read_table(self.out / KEPT, columns=["key"])["key"].to_pylist())
        return self.known if (self.out / "manifest.json").exists() else set()


@pytest.mark.parametrize("kind", ["sweep", "comparison", "stage"])
def test_what_was_finished_when_an_experiment_is_killed_is_kept(kind, tmp_path):
    """kill -9 of the parent; its workers go with it; then it ends as if it had not been."""
    killer = Killer(kind, tmp_path / "out")
    process = killer.start(2)
    killer.let_run(process, 3, 0)
    family = descendants(process.pid)
    assert not killer.kill(process)
    wait_until(lambda: all(map(is_dead, family)))
    before = killer.kept()
    assert len(before) >= 3
    told, problems = killer.start(2).communicate(timeout=300)
    again = set(told.split())
    assert not before & again, problems  # nothing is made twice
    assert contents(tmp_path / "out") == undisturbed(kind)


KILLS = {"sweep": 25, "comparison": 25, "calibration": 25}
KILLS |= {"one_run": 10, "drawn": 8, "reported": 7}


def looks_whole(kind: str, out: Path) -> bool:
    """Whether what looks finished is: a folder with a manifest, each figure, each page."""
    if kind == "one_run" and not (out / "manifest.json").exists():
        with pytest.raises(ResultsError, match=r"is not a finished|does not exist"):
            flowsim.open(out)
        return True
    expected = undisturbed(kind)
    shown = {name: data for name, data in contents(out).items() if not name.startswith(".")}
    return contents(out) == expected if kind == "one_run" else shown.items() <= expected.items()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KILLS)
def test_a_hundred_kills_lose_nothing(kind, tmp_path):
    """At random moments, the first and the last included, with one worker or several."""
    moments, kills, ends = random.Random(kind), 0, 0
    while kills < KILLS[kind]:
        killer = Killer(kind, tmp_path / f"out-{ends}")
        finished = False
        while not finished:
            process = killer.start(moments.choice([1, 2, 3]))
            runs = moments.choice([0, 1, 2, RUNS // 2, 2 * RUNS])
            if kills + killer.kills == KILLS[kind]:
                process.wait()
            else:
                killer.let_run(process, runs, moments.uniform(0, 3))
            finished = killer.kill(process)
            if kind in ("one_run", "drawn", "reported"):
                assert looks_whole(kind, killer.out)
        assert contents(killer.out) == undisturbed(kind)
        kills, ends = kills + killer.kills, ends + 1
    print(f"{kind}: {kills} kills over {ends} experiments, no run lost")


def wait_until(what: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.05)


@pytest.mark.slow
def test_ctrl_c_of_a_comparison_says_that_the_same_command_goes_on(tmp_path):
    """One message, no traceback, and the rest is made by the second start."""
    command = ["-m", "flowsim", "compare", "september-2022", "no-task-force", "--sample", "0.0005"]
    command += ["--replications", "6", "--posterior", "0", "--no-shapley"]
    command += ["--out", str(tmp_path), "--workers", "2"]
    process = launched(*command)
    wait_for(lambda: n_runs(tmp_path) >= 2, process)
    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert told.splitlines()[-1] == (
        "Stopped. What is finished is safe; the same command again goes on."
    )
    assert "Traceback" not in told
    again = launched(*command)
    _, told = again.communicate(timeout=120)
    assert again.returncode == 0, told
    assert contents(tmp_path) == undisturbed("comparison")


@pytest.mark.slow
def test_killed_workers_are_replaced(start, expected, tmp_path):
    """kill -9 of a worker twice (a third time the task would be blamed): nothing is lost."""
    process = start("--workers", "2")
    for n in (1, 4):
        wait_for(lambda n=n: n_runs(tmp_path / "out") >= n, process)
        workers = [pid for pid, said in descendants(process.pid).items() if "forkserver" in said]
        os.kill(max(workers), signal.SIGKILL)  # the youngest is a worker, the oldest the server
    _, told = process.communicate(timeout=120)
    assert process.returncode == 0, told
    assert hashes(tmp_path / "out") == expected


@pytest.mark.slow
def test_ctrl_c_stops_cleanly_and_says_how_to_go_on(start, expected, tmp_path):
    """The whole group gets the signal, as from a terminal; one message, no traceback."""
    process = start("--workers", "2")
    wait_for(lambda: n_runs(tmp_path / "out") >= 3, process)
    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert told.splitlines()[-1].startswith("Stopped. What is finished is safe")
    assert "the same command again goes on" in told
    assert "Traceback" not in told
    again = start("--workers", "2")
    _, told = again.communicate(timeout=120)
    assert again.returncode == 0, told
    assert hashes(tmp_path / "out") == expected


@pytest.mark.slow
def test_a_second_process_on_the_folder_is_refused(start, expected, tmp_path):
    """And does the first no harm."""
    first = start("--workers", "1")
    wait_for(lambda: n_runs(tmp_path / "out") >= 1, first)
    first.send_signal(signal.SIGSTOP)  # or it might be done before the second has begun
    second = start("--workers", "1")
    _, told = second.communicate(timeout=60)
    first.send_signal(signal.SIGCONT)
    assert second.returncode == 2
    assert f"is being worked on by process {first.pid}" in told
    assert first.wait(120) == 0
    assert hashes(tmp_path / "out") == expected


@pytest.mark.slow
def test_a_disk_that_is_full_loses_nothing(start, expected, tmp_path):
    """A real file system without room; when it has room, the sweep goes on."""
    out = tmp_path / "out"
    out.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(out)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a file system")
    try:
        full = start("--workers", "2")
        _, told = full.communicate(timeout=120)
        assert full.returncode == 1, told
        assert "there is no room left; the " in told
        assert "Free some space, then start the same command again" in told
        assert n_runs(out) > 0
        subprocess.run(["mount", "-o", "remount,size=16m", str(out)], check=True)
        again = start("--workers", "2")
        _, told = again.communicate(timeout=120)
        assert again.returncode == 0, told
        assert hashes(out) == expected
    finally:
        subprocess.run(["umount", str(out)], check=True)


# -- Dask


def free_port() -> int:
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        return int(some.getsockname()[1])


class Cluster:
    """A Dask scheduler and two worker processes, as on a cluster."""

    def __init__(self, port: int, folder: Path) -> None:
        self.address = f"tcp://127.0.0.1:{port}"
        at = ["--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
        self.scheduler = launched("-m", "distributed.cli.dask_scheduler", *at)
        self.worker = launched(
            *("-m", "distributed.cli.dask_worker", self.address, "--nworkers", "2"),
            *("--nthreads", "1", "--no-dashboard", "--local-directory", str(folder)),
        )

    def stop(self) -> None:
        stop(self.worker)
        stop(self.scheduler)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Callable[[], Cluster]]:
    """Start clusters, one after the other; those that are left are ended."""
    pytest.importorskip("distributed")
    started: list[Cluster] = []

    def begin() -> Cluster:
        started.append(Cluster(free_port(), tmp_path))
        return started[-1]

    yield begin
    for one in started:
        one.stop()


@pytest.mark.slow
def test_a_killed_dask_scheduler_costs_nothing_that_was_finished(
    start, expected, tmp_path, cluster
):
    """kill -9 of the scheduler: a clear message; another cluster does the rest."""
    first = cluster()
    process = start("--scheduler", first.address)
    wait_for(lambda: n_runs(tmp_path / "out") >= 3, process)
    first.scheduler.kill()
    _, told = process.communicate(timeout=120)
    assert process.returncode == 1, told
    assert "the connection to the scheduler was lost; what was finished is kept" in told
    assert n_runs(tmp_path / "out") >= 3
    first.stop()
    again = start("--scheduler", cluster().address)
    _, told = again.communicate(timeout=120)
    assert again.returncode == 0, told
    assert hashes(tmp_path / "out") == expected


@pytest.mark.slow
def test_a_killed_dask_worker_is_replaced(start, expected, tmp_path, cluster):
    """Its nanny starts another one; the sweep goes on and ends as ever."""
    there = cluster()
    process = start("--scheduler", there.address)
    wait_for(lambda: n_runs(tmp_path / "out") >= 3, process)
    workers = [pid for pid, said in descendants(there.worker.pid).items() if "spawn_main" in said]
    os.kill(max(workers), signal.SIGKILL)
    _, told = process.communicate(timeout=120)
    assert process.returncode == 0, told
    assert hashes(tmp_path / "out") == expected


# -- ten thousand runs


@cache
def some_day() -> tuple[bytes, bytes]:
    """Rows like those of a run."""
    days = pd.date_range("2022-09-17", periods=45, unit="ms")
    names = {"place_kind": "destination", "place_id": "GE", "measure": "entries_men"}
    daily = pd.DataFrame({"date": days, **names, "value": np.arange(45.0)})
    results = pd.DataFrame({"measure": ["entries_men"], "place_id": ["GE"], "value": [990.0]})
    return tuple(packed(pa.Table.from_pandas(t, preserve_index=False)) for t in (results, daily))


def cheap(task: Task) -> list[Outcome]:
    """Do what a worker does, without simulating."""
    results, daily = some_day()
    return [Outcome(key, tables={"results": results, "daily": daily}) for key in task.keys]


def resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_memory_of_the_parent_does_not_grow_with_the_runs(tmp_path, monkeypatch, workers):
    """Ten thousand runs: what is held at the last one is what was held at the thousandth."""
    monkeypatch.setattr(running, "work", cheap)
    points = {"choice.lambda": {"range": [0.3, 1.0], "steps": 500}}
    sweep = replace(read_sweep(TINY | {"parameters": points}), replications=20)
    memory: dict[int, float] = {}

    def note(done: int, total: int, label: str) -> None:
        if total == 10_000:
            memory[done // 1000] = resident_mb()

    swept = run_sweep(sweep, tmp_path / "out", workers=workers, progress=note)
    assert swept.manifest["runs"] == 10_000
    assert memory[10] - memory[1] < 20
