"""Measure time and memory; print the table of docs/performance.md. Run by ``make bench``.

Each figure is the median processor time of several runs in processes of their own (imports
left out; all of it runs on one core, so on an idle machine this is the time one waits), beside
a yardstick measured in the same session: NumPy's Philox drawing five 64-bit numbers for each
of the nation's 39.6 million men.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time

RUN = """
import json, resource, sys, tempfile, time
from flowsim.run import run
import flowsim.figures, pandas, pyarrow.parquet
with tempfile.TemporaryDirectory() as folder:
    begin = time.process_time()
    result = run("september-2022", sample=float(sys.argv[1]), out=folder + "/run")
    seconds = time.process_time() - begin
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""

YARDSTICK = """
import json, time
import numpy as np
bits = np.random.Philox(key=1)
begin = time.process_time()
for _ in range(604):
    bits.random_raw(5 * 65_536)
print(json.dumps([time.process_time() - begin, 0]))
"""

DAILY_PASS = """
import json, time
import numpy as np
from flowsim.model import FlowModel
model = FlowModel(sample=1.0)
thresholds = model._thresholds
caps, spent = model.world.caps, []
for day in range(1, 46):
    level = caps * day / 46
    begin = time.process_time()
    for j, order in enumerate(thresholds):
        order.advance(level[:, j])
    spent.append((time.process_time() - begin) / len(thresholds))
print(json.dumps([float(np.median(spent)), 0]))
"""

QUEUE = """
import json, time
import numpy as np
from flowsim.border import Border
rng = np.random.default_rng(1)
n = 400_000
arrival = np.cumsum(rng.exponential(1.0, n)).tolist()
persons = rng.exponential(0.8, n).tolist()
border = Border()
begin = time.process_time()
for k in range(n):
    border.join((arrival[k], persons[k], k, 1e18, 1.0), 0)
border.serve(1.0, 0.5, 0.0, 1e9)
print(json.dumps([n / (time.process_time() - begin), 0]))
"""

HELP = """
import json, subprocess, sys, time
begin = time.perf_counter()
subprocess.run([sys.executable, "-m", "flowsim", "--help"], check=True, capture_output=True)
print(json.dumps([time.perf_counter() - begin, 0]))
"""


def measure(code: str, *args: str) -> tuple[float, float]:
    """Run some code in a process of its own; give what it measured."""
    done = subprocess.run([sys.executable, "-c", code, *args], check=True, capture_output=True)
    value, memory = json.loads(done.stdout.splitlines()[-1])
    return value, memory


def main(times: int = 3) -> None:
    """Measure in turn, so that a machine that slows down slows everything down."""
    cases = {
        "yardstick": (YARDSTICK,),
        "sample 1": (RUN, "1"),
        "sample 0.1": (RUN, "0.1"),
        "sample 0.01": (RUN, "0.01"),
        "daily pass": (DAILY_PASS,),
        "queue": (QUEUE,),
        "help": (HELP,),
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in cases}
    begin = time.perf_counter()
    for _ in range(times):
        for name, (code, *args) in cases.items():
            found[name].append(measure(code, *args))
    value = {name: statistics.median(v for v, _ in runs) for name, runs in found.items()}
    memory = {name: max(m for _, m in runs) for name, runs in found.items()}
    ratio = statistics.median(
        run[0] / yard[0] for run, yard in zip(found["sample 1"], found["yardstick"], strict=True)
    )
    rows = [
        ("five 64-bit Philox numbers a man, NumPy (yardstick)", f"{value['yardstick']:.2f} s"),
        ("whole run, all 39.6 million men", f"{value['sample 1']:.2f} s"),
        ("the same against the yardstick, pair by pair", f"{ratio:.2f} times"),
        ("peak memory of that process", f"{memory['sample 1']:.0f} MB"),
        ("whole run, sample 0.1", f"{value['sample 0.1']:.2f} s"),
        ("whole run, sample 0.01", f"{value['sample 0.01']:.2f} s"),
        ("daily pass, per destination and day, all men", f"{1000 * value['daily pass']:.2f} ms"),
        ("queue, units a second", f"{value['queue'] / 1e6:.2f} million"),
        ("`flowsim --help`, whole process", f"{value['help']:.2f} s"),
    ]
    lines = ["| what | median |", "| --- | --- |", *(f"| {a} | {b} |" for a, b in rows)]
    took = time.perf_counter() - begin
    sys.stdout.write("\n".join(lines) + f"\n\n{times} rounds in {took:.0f} s\n")


if __name__ == "__main__":
    main()
