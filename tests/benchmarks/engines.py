"""Measure man-days a second of processor time of the two engines, for docs/performance.md.

Each run is a process of its own. Only the 1,080 hours of the horizon are timed: making the
population, imports and tables are left out. Man-days are all men of the sample times 45 days;
the columns engine touches only those whose thresholds can be reached, which is its point.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

CODE = """
import json, sys, time
engine, sample = sys.argv[1], float(sys.argv[2])
if engine == "objects":
    from flowsim.model.agent_model import AgentModel as Model
else:
    from flowsim.model.flow_model import FlowModel as Model
model = Model(sample=sample)
begin = time.process_time()
for _ in range(model.world.clock.n_hours):
    model.step()
seconds = time.process_time() - begin
print(json.dumps([seconds, model.population.n_men * model.world.clock.n_days]))
"""


def measure(engine: str, sample: float, times: int = 3) -> tuple[float, float]:
    """Give seconds (median) and man-days of an engine's run."""
    found = []
    for _ in range(times):
        command = [sys.executable, "-c", CODE, engine, str(sample)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found.append(json.loads(done.stdout))
    return statistics.median(seconds for seconds, _ in found), found[0][1]


def main() -> None:
    """Print the table."""
    print("| engine | sample | men | seconds | man-days a second |")
    print("| --- | --- | --- | --- | --- |")
    for engine, sample in (
        ("objects", 0.0005),
        ("columns", 0.0005),
        ("columns", 0.1),
        ("columns", 1.0),
    ):
        seconds, men_days = measure(engine, sample)
        rate = men_days / seconds
        print(f"| {engine} | {sample:g} | {men_days / 45:,.0f} | {seconds:.2f} | {rate:,.3g} |")


if __name__ == "__main__":
    main()
