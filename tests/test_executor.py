"""Tasks go out to other processes and come back; neither errors nor deaths lose any."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent import futures
from multiprocessing import forkserver
from pathlib import Path

import pytest

from flowsim.errors import MachineError, ModelError
from flowsim.experiments import dask as cluster
from flowsim.experiments import executor as parallel
from flowsim.experiments.executor import Failed, scatter

ROOT = Path(__file__).resolve().parents[1]


def square(number: int) -> int:
    return number * number


def whine(number: int) -> int:
    if number == 3:
        raise ValueError("three is too many")
    if number == 4:
        raise ModelError("four is not known; expected less")
    return number


def drop_dead(number: int) -> int:
    if number == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def die_once(task: tuple[int, str]) -> int:
    """Kill the worker the first time that a marked task is met."""
    number, mark = task
    if mark and not Path(mark).exists():
        Path(mark).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def nothing(_: int) -> None:
    return None


def who(_: int) -> int:
    return os.getpid()


def other_version(_work: object, _task: object, _version: str) -> parallel._Refused:
    return parallel._Refused("0.0.1")


@pytest.mark.parametrize("workers", [1, 2])
def test_every_task_comes_back_once_with_its_result(workers):
    """Whatever the number of workers."""
    assert sorted(scatter(square, range(20), workers=workers)) == [(n, n * n) for n in range(20)]


def test_a_task_may_give_nothing():
    """None is a result like others."""
    assert dict(scatter(nothing, range(3), workers=2)) == dict.fromkeys(range(3))


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_is_a_result_and_the_others_go_on(workers):
    """A mistake of ours comes with its traceback, one of the user's says enough by itself."""
    found = dict(scatter(whine, range(6), workers=workers))
    assert [found[n] for n in (0, 1, 2, 5)] == [0, 1, 2, 5]
    assert (found[3].error, found[3].message) == ("ValueError", "three is too many")
    assert "in whine" in found[3].traceback
    assert found[4] == Failed("ModelError", "four is not known; expected less")


def test_a_killed_worker_costs_no_task(tmp_path):
    """What was under way is done again by another worker."""
    tasks = [(n, str(tmp_path / "killed") if n == 4 else "") for n in range(10)]
    found = dict(scatter(die_once, tasks, workers=2))
    assert (tmp_path / "killed").exists()
    assert sorted(found.values()) == list(range(10))


def test_only_the_task_that_kills_its_workers_fails():
    """The tasks that were under way beside it are not blamed."""
    found = dict(scatter(drop_dead, range(10), workers=2))
    assert found.pop(5).error == "WorkerLost"
    assert found == {n: n for n in range(10) if n != 5}


def test_no_more_than_a_window_of_tasks_is_taken():
    """Tasks are taken as there is room for them, so that a million need no memory."""
    taken = 0

    def tasks() -> Iterator[int]:
        nonlocal taken
        for number in range(40):
            taken += 1
            yield number

    for done, _ in enumerate(scatter(square, tasks(), workers=2, window=3), 1):
        assert taken <= done + 3


def test_one_worker_works_here_and_two_work_elsewhere():
    """A single worker needs no other process, which also helps in debugging."""
    assert {pid for _, pid in scatter(who, range(3), workers=1)} == {os.getpid()}
    assert os.getpid() not in {pid for _, pid in scatter(who, range(3), workers=2)}


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_leaving_early_ends_the_workers():
    """Nobody works on for results that nobody wants."""
    loop = scatter(who, range(100), workers=2)
    _, worker = next(loop)
    loop.close()
    assert gone({worker})


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no fork server")
def test_ctrl_c_of_a_terminal_does_not_reach_what_starts_the_workers():
    """It would print a traceback of its own while it imports."""
    list(scatter(square, range(4), workers=2))
    server = forkserver._forkserver._forkserver_pid
    said = Path(f"/proc/{server}/status").read_text().split("SigBlk:")[1].split()[0]
    assert int(said, 16) >> (signal.SIGINT - 1) & 1
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


@pytest.mark.parametrize("calls", [{0}, {0, 1}, {3}], ids=["first", "twice", "between"])
def test_workers_are_started_again_when_what_starts_them_was_killed(monkeypatch, calls):
    """Its end shows as an end of file where a process identity was expected."""
    submit, said = futures.ProcessPoolExecutor.submit, []

    def failing(self, *args):
        said.append(len(said) in calls)
        if said[-1]:
            raise EOFError("unexpected EOF")
        return submit(self, *args)

    monkeypatch.setattr(futures.ProcessPoolExecutor, "submit", failing)
    found = dict(scatter(square, range(6), workers=2))
    assert found == {n: n * n for n in range(6)}
    assert sum(said) == len(calls)


def test_workers_that_can_never_be_started_are_told_in_words(monkeypatch):
    def failing(*_):
        raise EOFError("unexpected EOF")

    monkeypatch.setattr(futures.ProcessPoolExecutor, "submit", failing)
    with pytest.raises(MachineError, match="cannot be started"):
        list(scatter(square, range(6), workers=2))


def test_no_workers_are_refused():
    with pytest.raises(MachineError, match="workers must be at least 1; found 0"):
        list(scatter(square, [1], workers=0))


def test_a_worker_of_another_version_is_refused(monkeypatch):
    """Results of two versions may differ, and nobody would see it."""
    dispatcher = parallel._Dispatcher(None, square, iter(()), window=1)
    future = parallel.futures.Future()
    future.set_result(other_version(None, None, ""))
    with pytest.raises(MachineError, match=r"runs flowsim 0\.0\.1.*Install the same version"):
        list(dispatcher._taken_in(parallel._Task(1), future))
    assert parallel._attempt(square, 3, "0.0.1") == parallel._Refused(parallel.build_here())


SCRIPT = """
import os, sys, time
from flowsim.experiments.executor import scatter
import test_executor
if __name__ == "__main__":
    for _, pid in scatter(test_executor.slow, range(1000), workers=2):
        print(pid, flush=True)
"""


def slow(_: int) -> int:
    time.sleep(0.05)
    return os.getpid()


def started(tmp_path: Path) -> tuple[subprocess.Popen[str], set[int]]:
    """Start a script that scatters; give it and its workers once both have worked."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
    )
    assert process.stdout is not None
    workers: set[int] = set()
    while len(workers) < 2:
        workers.add(int(process.stdout.readline()))
    return process, workers


def gone(pids: set[int]) -> bool:
    """Wait until none of some processes is left, at most ten seconds."""
    for _ in range(200):
        if not any(Path(f"/proc/{pid}").exists() and alive(pid) for pid in pids):
            return True
        time.sleep(0.05)
    return False


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_their_parent(tmp_path, how):
    """Killed or interrupted, the parent leaves no process behind; Ctrl-C is told once."""
    process, workers = started(tmp_path)
    process.send_signal(how)
    _, told = process.communicate(timeout=20)
    assert gone(workers)
    assert told.count("KeyboardInterrupt") == (how == signal.SIGINT)


@pytest.mark.skipif(sys.platform != "linux", reason="spawns elsewhere anyway")
def test_a_script_without_a_guard_is_told_what_to_do(python, tmp_path):
    """Workers read the script again; without the guard they would start workers of their own."""
    (tmp_path / "script.py").write_text(
        "from flowsim.experiments.executor import scatter\n"
        "import operator\n"
        "print(list(scatter(operator.neg, [1], workers=2)))\n"
    )
    result = python("script.py", cwd=tmp_path)
    assert result.returncode == 1
    assert "if __name__ == '__main__':" in result.stderr.splitlines()[-1]


def test_without_dask_a_scheduler_is_refused_in_words(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MachineError, match=r"pip install 'border-flowsim\[cluster\]'"):
        list(scatter(square, [1], scheduler="tcp://127.0.0.1:1"))


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("tcp://127.0.0.1:9", "no Dask scheduler answers at tcp://127.0.0.1:9; start one with"),
        ("nonsense", "no Dask scheduler answers at nonsense"),
        ("tcp://host:port", "no Dask scheduler answers at tcp://host:port"),
        ("tls://127.0.0.1:9", "tls://127.0.0.1:9 needs keys, and Dask's settings name none"),
        ("ftp://127.0.0.1:9", "found ftp://127.0.0.1:9; expected the scheduler as tcp://HOST:PORT"),
    ],
)
def test_a_scheduler_that_cannot_be_had_is_named(address, message, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "SECONDS_TO_CONNECT", 0.2)
    with pytest.raises(MachineError, match=re.escape(message)):
        list(scatter(square, [1], scheduler=address))


def test_what_listens_and_is_no_scheduler_is_refused(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "SECONDS_TO_CONNECT", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(MachineError, match="no Dask scheduler answers at"):
            list(scatter(square, [1], scheduler=address))


@pytest.mark.slow
def test_dask_gives_what_local_processes_give():
    """Worker processes over TCP, errors and a deadly task among the tasks."""
    pytest.importorskip("distributed")
    for work, tasks in ((square, range(30)), (whine, range(6)), (drop_dead, range(8))):
        local = dict(scatter(work, tasks, workers=2))
        dask = dict(scatter(work, tasks, workers=2, scheduler="local-cluster"))
        assert {k: getattr(v, "error", v) for k, v in dask.items()} == {
            k: getattr(v, "error", v) for k, v in local.items()
        }
