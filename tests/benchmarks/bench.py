"""Measure flowsim on this machine: ``python tests/benchmarks/bench.py``.

Every time stands beside something measured in the same process at nearly the same moment, so
that a shared or throttled machine shows. Imports are excluded but for ``flowsim --help``.
Whole runs at 1:1 start in fresh processes, because peak memory never falls again.

``--repeat N`` sets how often each is measured (medians are shown), ``--write`` puts the table
into ``docs/performance.md``.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
NATION = 39_580_000
NUMBERS_PER_MAN = 5
SCENARIO = "september-2022"


def timed(work: Callable[[], object]) -> float:
    """Give the seconds some work takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def draw_five_numbers(share: float = 1.0) -> None:
    """Draw five 64-bit numbers per man of a sample with NumPy's Philox, a million at a time."""
    bits = np.random.Philox(1)
    for _ in range(math.ceil(NUMBERS_PER_MAN * NATION * share / 1e6)):
        bits.random_raw(1_000_000)


@contextmanager
def stopwatch(owner: Any, name: str, spent: list[float]) -> Any:
    """Note how long each call of a method takes."""
    ordinary = getattr(owner, name)

    def measured(*args: Any, **given: Any) -> Any:
        begin = time.perf_counter()
        try:
            return ordinary(*args, **given)
        finally:
            spent.append(time.perf_counter() - begin)

    setattr(owner, name, measured)
    try:
        yield
    finally:
        setattr(owner, name, ordinary)


def whole_run(sample: float) -> dict[str, float]:
    """Run a scenario with results written, between two measurements of the yardstick."""
    from flowsim.model.aspirations import Aspirations
    from flowsim.model.decisions import Thresholds
    from flowsim.model.flow_model import FlowModel

    runner = importlib.import_module("flowsim.run")
    people: list[float] = []
    passes: list[float] = []
    searches: list[float] = []
    tables: list[float] = []
    replicate: list[float] = []
    before = timed(lambda: draw_five_numbers(sample))
    with (
        tempfile.TemporaryDirectory() as folder,
        stopwatch(FlowModel, "_make_population", people),
        stopwatch(Aspirations, "arise", passes),
        stopwatch(Thresholds, "advance", searches),
        stopwatch(runner, "_replicate", replicate),
        stopwatch(runner, "Observed", tables),
        stopwatch(runner, "daily_table", tables),
        stopwatch(runner, "hourly_table", tables),
        stopwatch(runner, "outcomes_table", tables),
        stopwatch(runner, "comparison_table", tables),
    ):
        seconds = timed(lambda: runner.run(SCENARIO, sample=sample, out=Path(folder) / "a"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    after = timed(lambda: draw_five_numbers(sample))
    yardstick = (before + after) / 2
    return {
        "seconds": seconds,
        "yardstick": yardstick,
        "ratio": seconds / yardstick,
        "peak_mb": peak / (1024 if sys.platform != "darwin" else 1024**2),
        "people": sum(people),
        "pass_ms": 1e3 * sum(passes) / len(passes) / 2,
        "search_ms": 1e3 * sum(searches) / len(searches),
        "model": sum(replicate) - sum(tables),
        "tables": sum(tables),
        "files": seconds - sum(replicate),
    }


def queue_customers() -> dict[str, float]:
    """Clear 200,000 units of a queue beside as many heap operations."""
    import heapq

    from flowsim.model.queue import Border

    n = 200_000
    arrival = np.cumsum(np.random.default_rng(1).exponential(1.25, n)).tolist()
    border = Border()
    for i, at in enumerate(arrival):
        border.join((at, 1.0, i, math.inf, 0.5), 0)
    seconds = timed(lambda: border.serve(1.0, 0.5, 0.0, 1e9))

    def heap() -> None:
        events: list[tuple[float, int]] = []
        for i, at in enumerate(arrival):
            heapq.heappush(events, (at, i))
        while events:
            heapq.heappop(events)

    yardstick = timed(heap)
    return {"per_second": n / seconds, "seconds": seconds, "yardstick": yardstick}


def help_time() -> dict[str, float]:
    """Start ``flowsim --help`` beside a Python that does nothing."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    def start(*arguments: str) -> None:
        subprocess.run(
            [sys.executable, *arguments], env=environment, check=True, capture_output=True
        )

    seconds = timed(lambda: start("-m", "flowsim", "--help"))
    return {"seconds": seconds, "yardstick": timed(lambda: start("-c", "pass"))}


MEASURES: dict[str, Callable[[], dict[str, float]]] = {
    "1": lambda: whole_run(1.0),
    "0.1": lambda: whole_run(0.1),
    "0.01": lambda: whole_run(0.01),
    "queue": queue_customers,
}


def in_a_fresh_process(name: str) -> dict[str, float]:
    """Measure in another process; samples below 1:1 a second time there, once warm."""
    finished = subprocess.run(
        [sys.executable, __file__, "--measure", name],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, float] = json.loads(finished.stdout)
    return found


def medians(rows: list[dict[str, float]]) -> dict[str, float]:
    """Give the median of each figure."""
    return {name: statistics.median(row[name] for row in rows) for name in rows[0]}


def table(repeat: int) -> str:
    """Measure everything and compose the table."""
    found: dict[str, dict[str, float]] = {}
    best: dict[str, dict[str, float]] = {}
    for name in MEASURES:
        rows = [in_a_fresh_process(name) for _ in range(repeat)]
        found[name] = medians(rows)
        best[name] = {key: min(row[key] for row in rows) for key in rows[0]}
        print(f"measured {name}", file=sys.stderr)
    found["help"] = medians(starts := [help_time() for _ in range(max(5, repeat))])
    best["help"] = {key: min(row[key] for row in starts) for key in starts[0]}
    whole, low = found["1"], best["1"]
    lines = [
        "| what | median | best | beside | ratio | to meet |",
        "| --- | ---: | ---: | --- | ---: | --- |",
        f"| whole run, 1:1 | {whole['seconds']:.2f} s | {low['seconds']:.2f} s "
        f"| five 64-bit Philox numbers per man: {whole['yardstick']:.2f} s "
        f"| {whole['ratio']:.1f} | 6 s, ratio 3 (aim) |",
        f"| peak memory of it | {whole['peak_mb']:.0f} MB | {low['peak_mb']:.0f} MB "
        "| | | 1,000 MB |",
        f"| of it, making the men | {whole['people']:.2f} s | {low['people']:.2f} s | the same "
        f"| {whole['people'] / whole['yardstick']:.1f} | |",
        f"| of it, men and hours | {whole['model']:.2f} s | {low['model']:.2f} s "
        f"| tables {whole['tables']:.2f} s, scenario and files {whole['files']:.2f} s "
        f"| {whole['model'] / whole['yardstick']:.1f} | |",
    ]
    for name, goal in (("0.1", "1 s"), ("0.01", "0.3 s")):
        row = found[name]
        lines.append(
            f"| whole run, sample {name} | {row['seconds']:.2f} s | {best[name]['seconds']:.2f} s "
            f"| numbers of that sample: {row['yardstick']:.3f} s | {row['ratio']:.1f} | {goal} |"
        )
        lines.append(
            f"| of it, men and hours | {row['model']:.2f} s | {best[name]['model']:.2f} s "
            f"| tables {row['tables']:.2f} s, scenario and files {row['files']:.2f} s | | |"
        )
    lines += [
        f"| daily pass at 1:1, per destination and day | {whole['pass_ms']:.2f} ms "
        f"| {low['pass_ms']:.2f} ms | of it the search: {whole['search_ms']:.2f} ms | "
        "| 2 ms |",
        f"| queue, units a second | {found['queue']['per_second']:,.0f} "
        f"| {200_000 / best['queue']['seconds']:,.0f} | as many pushed to and popped from a heap "
        f"| {found['queue']['seconds'] / found['queue']['yardstick']:.1f} | |",
        f"| `flowsim --help` | {found['help']['seconds']:.2f} s | {best['help']['seconds']:.2f} s "
        f"| `python -c pass`: {found['help']['yardstick']:.3f} s "
        f"| {found['help']['seconds'] / found['help']['yardstick']:.1f} | 0.5 s |",
        "",
        f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.machine()}, "
        f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} at the end, "
        f"{repeat} measurements of each.",
    ]
    return "\n".join(lines)


def write(text: str) -> None:
    """Put the table between the marks of the page."""
    page = PAGE.read_text(encoding="utf-8")
    head, rest = page.split(BEGIN)
    PAGE.write_text(f"{head}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}", encoding="utf-8")


def main() -> None:
    """Measure, print, and write if asked to."""
    sys.path.insert(0, str(ROOT))
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeat", type=int, default=5, help="measurements of each (5)")
    parser.add_argument("--write", action="store_true", help="put the table into the page")
    parser.add_argument("--measure", choices=list(MEASURES), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        if given.measure in ("0.1", "0.01"):
            MEASURES[given.measure]()
        print(json.dumps(MEASURES[given.measure]()))
        return
    text = table(given.repeat)
    print(text)
    if given.write:
        write(text)


if __name__ == "__main__":
    main()
