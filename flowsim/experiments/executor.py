"""One seam to many cores or machines: tasks go out, results come back as they are ready.

Whatever repeats runs (sweeps, comparisons, calibration) calls ``scatter``; nobody else makes
pools. Tasks are run by a ``concurrent.futures`` executor: processes of this machine, or
``dask.distributed`` past one machine. Order of completion is all that differs between them.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback as tracebacks
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent import futures
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing import (
    connection,
    get_context,
    parent_process,
    resource_tracker,
)
from typing import Any, Protocol, TypeVar

from flowsim.errors import FlowsimError, MachineError
from flowsim.experiments.dask import DaskExecutor, build_here, other_build
from flowsim.machine import cores

T = TypeVar("T")
R = TypeVar("R")
LOCAL = "local"
MOST_DEATHS = 3  # how often a task may take its worker with it
LOST = f"its worker was killed {MOST_DEATHS} times; if memory was short, take fewer workers"
_one_at_a_time = threading.Lock()  # what a process keeps between runs is not made for threads


@dataclass(frozen=True)
class Failed:
    """What came of a task that raised an error, or killed its worker three times.

    Attributes
    ----------
    error, message : str
        Class of the error, and what it said.
    traceback : str
        Where it arose; empty for a ``FlowsimError``, which says all there is to say.
    """

    error: str
    message: str
    traceback: str = ""

    @classmethod
    def from_error(cls, error: BaseException) -> Failed:
        """Keep of an error what can be sent and written down."""
        ours = isinstance(error, FlowsimError)
        where = "" if ours else "".join(tracebacks.format_exception(error))
        return cls(type(error).__name__, str(error), where)


def scatter(
    work: Callable[[T], R],
    tasks: Iterable[T],
    *,
    workers: int | None = None,
    scheduler: str = LOCAL,
    window: int | None = None,
) -> Generator[tuple[T, R | Failed], None, None]:
    """Run ``work`` on every task; yield each task with its result as they are finished.

    Parameters
    ----------
    work : callable
        A function of a module, so that other processes find it by name.
    tasks : iterable
        Taken one by one as there is room; tasks and results must be picklable.
    workers : int, optional
        Processes on this machine; all its cores if left out. One works in this process. With
        the address of a cluster it only limits how many tasks are under way.
    scheduler : str
        ``local``; the address of a Dask scheduler (``tcp://10.0.0.1:8786``); ``local-cluster``:
        a Dask cluster of processes on this machine, over TCP.
    window : int, optional
        Tasks under way at most, finished but not yet taken ones included; two for each worker
        if left out. It keeps memory flat, however many tasks there are.

    Yields
    ------
    task, result
        ``Failed`` instead of a result if ``work`` raised an error: the others go on.

    Raises
    ------
    MachineError
        If workers cannot be started or reached, or run another version of flowsim or its data.

    Notes
    -----
    Leaving the loop, by ``break`` or Ctrl-C, stops the workers. A killed worker is replaced and
    what was under way repeated, one by one, so that the task to blame is found.
    """
    if workers is not None and workers < 1:
        raise MachineError(f"workers must be at least 1; found {workers}")
    count = workers or cores()
    if scheduler == LOCAL and count == 1:
        yield from ((task, _outcome(work, task)) for task in tasks)
        return
    local = scheduler == LOCAL
    executor: _Executor = (
        LocalExecutor(count, work.__module__) if local else DaskExecutor(scheduler, workers)
    )
    with closing(executor):
        yield from _Dispatcher(executor, work, iter(tasks), window).results()


@dataclass(frozen=True)
class _Refused:
    """Returned by a worker of another build of flowsim, instead of working."""

    build: str


def _attempt(work: Callable[[T], R], task: T, build: str) -> R | Failed | _Refused:
    """Run one task where it landed; errors come back as values, whatever they are."""
    return _outcome(work, task) if build == build_here() else _Refused(build_here())


def _outcome(work: Callable[[T], R], task: T) -> R | Failed:
    try:
        with _one_at_a_time:
            return work(task)
    except Exception as error:
        return Failed.from_error(error)


def _prepare_worker() -> None:
    """Prepare a worker process: Ctrl-C is the parent's affair, and no parent means no work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    """End this process when its parent is gone; the standard library's workers would wait."""
    connection.wait([sentinel])
    os._exit(1)


@dataclass
class _Task:
    """A task, and how often it was under way when a worker died."""

    task: Any
    deaths: int = 0


class _Executor(Protocol):
    """A ``concurrent.futures`` executor, how many tasks it has room for, and a way to mend it."""

    @property
    def executor(self) -> futures.Executor:
        """Where tasks are handed in."""

    @property
    def room(self) -> int:
        """How many tasks can be worked on at once."""

    def renew(self) -> None:
        """Replace workers that died."""

    def close(self) -> None:
        """Stop all work."""


class _Dispatcher:
    """Hands tasks to an executor, a window of them at a time, and takes in what comes back."""

    def __init__(
        self,
        executor: _Executor,
        work: Callable[[Any], Any],
        tasks: Iterator[Any],
        window: int | None,
    ) -> None:
        self.executor, self.work, self.tasks, self.window = executor, work, tasks, window
        self.pending: dict[futures.Future[Any], _Task] = {}
        self.suspects: deque[_Task] = deque()
        self.broken = False

    def results(self) -> Iterator[tuple[Any, Any]]:
        """Return tasks with their results until there are no more."""
        while True:
            self._fill()
            if not self.pending:
                return
            done, _ = futures.wait(self.pending, return_when=futures.FIRST_COMPLETED)
            for future in done:
                yield from self._taken_in(self.pending.pop(future), future)
            self._mend()

    def _fill(self) -> None:
        """Fill the window; what saw a worker die goes alone, and the rest waits for it."""
        while not self.broken:
            if self.suspects:
                if not self.pending:
                    self._submit(self.suspects.popleft())
                return
            if len(self.pending) >= (self.window or 2 * self.executor.room):
                return
            try:
                self._submit(_Task(next(self.tasks)))
            except StopIteration:
                return

    def _submit(self, task: _Task) -> None:
        try:
            with _ctrl_c_waits():  # it may start a worker
                future = self.executor.executor.submit(_attempt, self.work, task.task, build_here())
        except (futures.BrokenExecutor, EOFError, ConnectionError) as error:
            # It died between two tasks, or what starts the workers did.
            task.deaths += not isinstance(error, futures.BrokenExecutor)
            if task.deaths >= MOST_DEATHS:
                raise MachineError(f"worker processes cannot be started: {error!r}") from None
            self.suspects.appendleft(task)
            self.broken = True
            self._mend()
        else:
            self.pending[future] = task

    def _mend(self) -> None:
        """Replace dead workers once nothing is under way."""
        if self.broken and not self.pending:
            self.executor.renew()
            self.broken = False

    def _taken_in(self, task: _Task, future: futures.Future[Any]) -> Iterator[tuple[Any, Any]]:
        """Return the task with what became of it, unless it has to be repeated."""
        try:
            result = future.result()
        except futures.CancelledError:
            raise MachineError(
                "the connection to the scheduler was lost; what was finished is kept. "
                "Start the scheduler again, then the same command"
            ) from None
        except Exception as error:
            deaths = self._deaths(error)
            task.deaths += deaths
            if deaths and task.deaths < MOST_DEATHS:
                self.suspects.append(task)
                return
            result = Failed("WorkerLost", LOST) if deaths else Failed.from_error(error)
        if isinstance(result, _Refused):
            raise other_build(result.build)
        yield task.task, result

    def _deaths(self, error: Exception) -> int:
        """Count how many workers an error stands for."""
        if isinstance(error, futures.BrokenExecutor):
            self.broken = True
            return 1
        # Dask gives up on a task after some deaths, also on those that only sat beside it.
        return MOST_DEATHS - 1 if type(error).__name__ == "KilledWorker" else 0


@contextmanager
def _ctrl_c_waits() -> Iterator[None]:
    """Let Ctrl-C wait while processes start; they inherit that it does not reach them.

    A terminal sends it to all processes at once, and those that still import, or find their
    parent gone before they began, would print tracebacks of their own.
    """
    if sys.platform != "linux" or threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    resource_tracker.ensure_running()  # lets Ctrl-C through when it starts, so it comes first
    handler = signal.signal(signal.SIGINT, lambda number, _: held.append(number))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        signal.signal(signal.SIGINT, handler)
        if held:
            signal.raise_signal(signal.SIGINT)


class LocalExecutor:
    """Worker processes on this machine, started clean and not forked from this one."""

    executor: futures.ProcessPoolExecutor

    def __init__(self, workers: int, module: str) -> None:
        self.room = workers
        # A fork server imports once for all workers; elsewhere than on Linux it is not safe.
        self.context = get_context("forkserver" if sys.platform == "linux" else "spawn")
        if sys.platform == "linux" and module != "__main__":
            self.context.set_forkserver_preload([module])
        self.renew()

    def renew(self) -> None:
        """Start the processes, or start them anew."""
        for attempt in range(MOST_DEATHS):
            if hasattr(self, "executor"):  # not always broken: what starts it may have died
                self.executor.shutdown(wait=False, cancel_futures=True)
            self.executor = futures.ProcessPoolExecutor(
                self.room, mp_context=self.context, initializer=_prepare_worker
            )
            try:
                with _ctrl_c_waits():
                    started = self.executor.submit(build_here)
                started.result()
                return
            except futures.BrokenExecutor:
                raise MachineError(
                    "worker processes cannot be started. If this is a script of your own, put "
                    "what it does below  if __name__ == '__main__':  or use one worker"
                ) from None
            except (EOFError, ConnectionError) as error:  # somebody killed the fork server
                if attempt == MOST_DEATHS - 1:
                    message = f"worker processes cannot be started: {error!r}; use one worker"
                    raise MachineError(message) from None
            except BaseException:  # Ctrl-C; nobody holds this yet, to close it
                self.close()
                raise

    def close(self) -> None:
        """Stop at once: what is finished was taken in, the rest is not wanted."""
        processes = list((self.executor._processes or {}).values())
        self.executor.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()
        self.executor.shutdown(wait=True)
