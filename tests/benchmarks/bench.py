"""Measure flowsim on this machine: ``python tests/benchmarks/bench.py``.

Y is the processor time in which NumPy's Philox draws five 64-bit numbers for each man of the
nation. Every row is measured in a process of its own, between two drawings of Y, and the rows take
turns, so that a shared or throttled machine shows; medians are shown. Runs in a process leave
imports out and write a results folder; commands count everything, Python's start included.

``--repeat N`` sets how often each is measured, ``--only WORD`` measures some rows,
``--write`` puts the table into ``docs/performance.md``.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
NATION = 39_580_000
NUMBERS_PER_MAN = 5
SCENARIO = "september-2022"
SWEPT = 20  # runs of a sweep

Changes = Callable[[Path], dict[str, Any]]


def draw_five_numbers(share: float = 1.0) -> None:
    """Draw five 64-bit numbers per man of a sample with NumPy's Philox, a million at a time."""
    bits = np.random.Philox(1)
    for _ in range(math.ceil(NUMBERS_PER_MAN * NATION * share / 1e6)):
        bits.random_raw(1_000_000)


def cpu(work: Callable[[], object]) -> float:
    """Return the seconds of this process's processor time that some work takes."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def larger_nation(folder: Path) -> dict[str, Any]:
    """Return the changes that give every region three times its men."""
    with (ROOT / "flowsim" / "data" / "regions.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row |= {k: str(3 * float(v)) for k, v in row.items() if k.endswith("_thousands")}
    with (folder / "regions.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return {"population.regions": str(folder / "regions.csv")}


def more_crossings(_: Path) -> dict[str, Any]:
    """Return the changes that add small posts on the way to Kazakhstan, for 300 crossings."""
    small = {"value": 0.003, "source": "assumption: for the benchmark"}
    post = {
        "destination": "kazakhstan",
        "lat": 50,
        "lon": 60,
        "region": "RU-ORE",
        "utc_offset_h": 5,
        "size_weight": small,
        "background_share": small,
        "capacity": {**small, "value": 300},
    }
    return {f"crossings.KZ-P{n}": {**post, "name": f"Post {n}"} for n in range(269)}


def ten_destinations(_: Path) -> dict[str, Any]:
    """Return the changes that add four countries like Mongolia to ``all-exits``."""
    from ruamel.yaml import YAML

    given = YAML(typ="safe").load((ROOT / "scenarios" / "all-exits.yaml").read_text("utf-8"))
    like = "mongolia"
    there = [c for c, one in given["crossings"].items() if one.get("destination") == like]
    changes = {}
    for n in range(4):
        own = {"code": f"M{n}", "name": f"Country {n}"}
        changes[f"destinations.like-{n}"] = given["destinations"][like] | own
        changes[f"choice.constant.like-{n}"] = given["choice"]["constant"][like]
        changes[f"abroad.like-{n}"] = given["abroad"][like]
        for code in there:
            moved = {"destination": f"like-{n}", "name": f"{code} {n}"}
            changes[f"crossings.M{n}-{code[3:]}"] = given["crossings"][code] | moved
    return changes


RUNS: dict[str, tuple[str, float, Changes]] = {
    "1:1": (SCENARIO, 1.0, lambda _: {}),
    "sample 0.1": (SCENARIO, 0.1, lambda _: {}),
    "sample 0.01": (SCENARIO, 0.01, lambda _: {}),
    "1:1, three times the men": (SCENARIO, 1.0, larger_nation),
    "1:1, 300 crossings": (SCENARIO, 1.0, more_crossings),
    "1:1, 365 days": (SCENARIO, 1.0, lambda _: {"horizon.end": "2023-09-17"}),
    "1:1, all-exits (six destinations)": ("all-exits", 1.0, lambda _: {}),
    "1:1, ten destinations": ("all-exits", 1.0, ten_destinations),
}
COMMANDS = {
    "`flowsim run`, 1:1": ["run", SCENARIO, "--no-figures"],
    "`flowsim run --sample 0.01`": ["run", SCENARIO, "--no-figures", "--sample", "0.01"],
    "`flowsim --help`": ["--help"],
}
SWEEP = "a run of a sweep, sample 0.01"


def in_process(name: str) -> float:
    """Run a scenario with results written; return the seconds."""
    import flowsim
    from flowsim.scenario import Base

    flowsim.run(SCENARIO, sample=0.0005)  # imports
    scenario, sample, changes = RUNS[name]
    with tempfile.TemporaryDirectory() as folder:
        base, own = Base.read(scenario), changes(Path(folder))
        return cpu(lambda: flowsim.run(base, sample=sample, changes=own, out=Path(folder) / "a"))


def in_a_sweep(_: str) -> float:
    """Return the seconds of a run among design points and seeds, daily table made."""
    from sweep import sweep, variants

    from flowsim.scenario import Base

    base = Base.read(SCENARIO)
    sweep(base, variants(1, 0.01), 5, None)
    designs = variants(SWEPT // 5, 0.01)
    return cpu(lambda: sweep(base, designs, 5, None)) / SWEPT


def finished(arguments: list[str]) -> tuple[float, float, str]:
    """Run Python on some arguments; return processor time, peak memory (MB) and what it printed."""
    with tempfile.TemporaryDirectory() as folder:
        child = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        printed = child.stdout.read() if child.stdout else ""
        _, status, used = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"{arguments} failed")
    kilobytes = used.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return used.ru_utime + used.ru_stime, kilobytes / 1024, printed


def measured(name: str) -> tuple[float, float, float]:
    """Measure a row once; return its seconds, those of Y beside it, and its peak memory (MB)."""
    before = cpu(draw_five_numbers)
    if name in COMMANDS:
        seconds, peak, _ = finished(["-m", "flowsim", *COMMANDS[name]])
    else:
        _, peak, printed = finished([__file__, "--measure", name])
        seconds = json.loads(printed)
    return seconds, (before + cpu(draw_five_numbers)) / 2, peak


def table(names: list[str], repeat: int) -> str:
    """Measure rows in turn and compose the table."""
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in names}
    for turn in range(repeat):
        for name in names:
            found[name].append(measured(name))
        print(f"measured {turn + 1} of {repeat}", file=sys.stderr)
    lines = [
        "| what | seconds | in Y | beside 1:1 | peak memory |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    whole = [seconds / y for seconds, y, _ in found.get("1:1", [])]
    for name, rows in found.items():
        in_y = [seconds / y for seconds, y, _ in rows]
        beside = [a / b for a, b in zip(in_y, whole, strict=False)]
        lines.append(
            f"| {name} | {statistics.median(seconds for seconds, _, _ in rows):.2f} "
            f"| {statistics.median(in_y):.1f} "
            f"| {f'{statistics.median(beside):.2f}' if beside else ''} "
            f"| {statistics.median(peak for _, _, peak in rows):.0f} MB |"
        )
    y = statistics.median(y for rows in found.values() for _, y, _ in rows)
    return "\n".join(
        [
            *lines,
            "",
            f"Y is {y:.2f} s. Python {platform.python_version()}, NumPy {np.__version__}, "
            f"{platform.machine()}, {os.cpu_count()} cores, load average "
            f"{os.getloadavg()[0]:.1f} at the end, medians of {repeat}.",
        ]
    )


def write(text: str) -> None:
    """Put the table between the marks of the page."""
    page = PAGE.read_text(encoding="utf-8")
    head, rest = page.split(BEGIN)
    PAGE.write_text(f"{head}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}", encoding="utf-8")


def main() -> None:
    """Measure, print, and write if asked to."""
    sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeat", type=int, default=5, help="measurements of each (5)")
    parser.add_argument("--only", default="", help="rows whose name has this in it")
    parser.add_argument("--write", action="store_true", help="put the table into the page")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps((in_a_sweep if given.measure == SWEEP else in_process)(given.measure)))
        return
    text = table([n for n in (*RUNS, *COMMANDS, SWEEP) if given.only in n], given.repeat)
    print(text)
    if given.write:
        write(text)


if __name__ == "__main__":
    main()
