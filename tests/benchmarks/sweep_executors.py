"""How much faster two workers are than one, and what Dask costs: paired sweeps, ratios.

    python tests/benchmarks/sweep_executors.py            about five minutes on two cores
    python tests/benchmarks/sweep_executors.py --quick    about one minute, less to be trusted

Each round runs the same sweep (the shipped one of passports by task force) with one local
worker, with two, and with two worker processes of a real Dask cluster over TCP; the tables
of all three must have the same bytes. The ratios are medians over the rounds. If the machine
has other work to do (a load above 0.5 at the start), they say little.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

from flowsim.sweep import run_sweep
from flowsim.sweep.file import read_sweep
from flowsim.sweep.running import overridden

CREWS = {
    "one local worker": {"workers": 1},
    "two local workers": {"workers": 2},
    "two Dask workers": {"workers": 2, "scheduler": "local-cluster"},
}
TWO_TO_ONE, DASK_TO_LOCAL, RUNS_PER_SECOND = 1.7, 0.8, 4.0


class Clock:
    """Notes when the first and the last runs were written."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, int]] = []

    def __call__(self, done: int, _total: int, label: str) -> None:
        if label == "":
            self.seen.append((time.perf_counter(), done))

    @property
    def rate(self) -> float:
        """Runs per second once all workers had started: from the first to the last written."""
        (begin, first), (end, last) = self.seen[1], self.seen[-1]
        return (last - first) / (end - begin)


def one(crew: dict, replications: int, sample: float) -> dict:
    """Run the sweep with one crew; give its seconds, its rate and the hash of its tables."""
    sweep = overridden(read_sweep("passports-by-task-force"), replications, sample)
    clock = Clock()
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        swept = run_sweep(sweep, Path(folder) / "out", progress=clock, **crew)
        seconds = time.perf_counter() - begin
        tables = json.dumps(swept.manifest["tables"], sort_keys=True)
    return {
        "seconds": seconds,
        "rate": clock.rate,
        "runs": swept.manifest["runs"],
        "tables": tables,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--replications", type=int, default=5)
    parser.add_argument("--sample", type=float, default=0.01)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    if given.quick:
        given.rounds, given.replications = 1, 2
    print(f"load of the machine before: {os.getloadavg()[0]:.1f}")
    found: dict[str, list[dict]] = {name: [] for name in CREWS}
    for number in range(given.rounds):
        for name, crew in CREWS.items():
            made = one(crew, given.replications, given.sample)
            found[name].append(made)
            print(
                f"round {number + 1}, {name}: {made['runs']} runs in {made['seconds']:.1f} s, "
                f"{made['rate']:.2f} runs/s once started",
                flush=True,
            )
    assert len({made["tables"] for rounds in found.values() for made in rounds}) == 1
    print("the tables of all of them have the same bytes")
    rates = {name: [made["rate"] for made in rounds] for name, rounds in found.items()}
    alone, two, dask = rates.values()
    for said, over, under, goal in (
        ("two local workers / one", two, alone, TWO_TO_ONE),
        ("two Dask workers / two local", dask, two, DASK_TO_LOCAL),
    ):
        ratio = statistics.median(a / b for a, b in zip(over, under, strict=True))
        print(f"{said}: {ratio:.2f} (goal: at least {goal})")
    print(f"one worker: {statistics.median(alone):.1f} runs/s (goal: at least {RUNS_PER_SECOND})")


if __name__ == "__main__":
    main()
