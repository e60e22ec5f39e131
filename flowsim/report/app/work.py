"""What is done in the background: one simulation at a time, with progress, until cancelled."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from flowsim.comparison import compare
from flowsim.experiments.running import run
from flowsim.scenario.schema import Scenario

Progress = Callable[[int, int, str], None]
Job = Callable[[Progress], Any]
WORLDS = {"world-1": "World 1", "world-2": "World 2"}
"""Names and titles of the worlds that are compared."""
PAIR = 2  # replications of a comparison: enough to see where chance decides


class CancelledError(Exception):
    """The user wants no more of it."""


class Worker:
    """Does one job at a time in a thread of its own.

    Parameters
    ----------
    progress : callable
        Called in that thread with what is done, all, and a few words.
    done : callable
        Called in that thread with the job's result, or with the error that ended it.
    """

    def __init__(self, progress: Progress, done: Callable[[Any], None]) -> None:
        self._progress, self._done = progress, done
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether a job is under way."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, job: Job) -> bool:
        """Begin a job; whether it did, as nothing else was under way."""
        if self.busy:
            return False
        self._stop.clear()
        self._thread = threading.Thread(target=self._do, args=(job,), daemon=True)
        self._thread.start()
        return True

    def cancel(self) -> None:
        """End the job at its next day."""
        self._stop.set()

    def wait(self, seconds: float) -> bool:
        """Wait for the job's end; whether it came."""
        if self._thread is not None:
            self._thread.join(seconds)
        return not self.busy

    def _do(self, job: Job) -> None:
        try:
            result: Any = job(self._told)
        except Exception as reason:  # whatever it is, the page must hear of the end
            result = reason
        self._done(result)

    def _told(self, done: int, total: int, words: str) -> None:
        if self._stop.is_set():
            raise CancelledError("stopped")
        self._progress(done, total, words)


def simulation(scenario: Scenario, sample: float) -> Job:
    """Return the job that simulates a scenario once."""
    return lambda progress: run(scenario, sample=sample, progress=progress)


def man_for_man(kept: Scenario, scenario: Scenario, sample: float) -> Job:
    """Return the job that compares two worlds with the same men in both."""
    names = zip((kept, scenario), WORLDS.items(), strict=True)
    worlds = [s.model_copy(update={"name": name, "title": title}) for s, (name, title) in names]
    asked = partial(compare, worlds, replications=PAIR, sample=sample, workers=1)
    return lambda progress: asked(shapley=False, terms=False, progress=progress)
