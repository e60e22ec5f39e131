"""Measure a sweep's runs on this machine: ``python tests/benchmarks/sweep.py``.

Design points x seeds of September 2022 at a sample of 0.01, point after point as a worker takes
them, in this process and without files: build the variant, lay out its world, run each seed to
the end of 45 days hourly, make the daily table. Each time stands beside the same number of men
drawn afresh with NumPy's Philox (five 64-bit numbers each, ``bench.py``), so that a shared or
throttled machine shows. CPU time is what one core would need alone.

``--points``, ``--seeds`` and ``--sample`` change the size; the goal is set for 100 x 10 at 0.01.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from bench import SCENARIO, cpu, draw_five_numbers  # noqa: E402

from flowsim.experiments import simulate as module  # noqa: E402
from flowsim.model.draw_cache import DrawCache  # noqa: E402
from flowsim.model.world import World  # noqa: E402
from flowsim.results.observation import Observed  # noqa: E402
from flowsim.results.tables import Selection, daily_table  # noqa: E402
from flowsim.scenario import Base  # noqa: E402

FEW = Selection(frozenset({"departures", "stock_men", "entries", "refused", "queue_cars"}))


def variants(points: int, sample: float) -> list[dict[str, float]]:
    """Give the changes of each design point: shares of passports and strengths of checks."""
    return [
        {
            "sample": sample,
            "population.passport_share": 0.1 + 0.5 * point / points,
            "policies.task_force_lars.checks_per_hour": 200.0 * (point * 7 % points) / points,
        }
        for point in range(points)
    ]


def sweep(
    base: Base, designs: list[dict[str, float]], seeds: int, only: Selection | None
) -> dict[str, float]:
    """Run every point with every seed; give the seconds of each part and the rows made."""
    spent = dict.fromkeys(("variant", "world", "run", "table", "rows"), 0.0)
    for changes in designs:
        marks = [time.process_time()]
        scenario = base.variant(changes)
        marks.append(time.process_time())
        world = World(scenario)
        _ = world.caps, world.call_up_caps, world.table.hours
        marks.append(time.process_time())
        spent["variant"] += marks[1] - marks[0]
        spent["world"] += marks[2] - marks[1]
        for replication in range(seeds):
            begin = time.process_time()
            model = module.simulate(world, replication)
            ran = time.process_time()
            spent["rows"] += len(daily_table(Observed(model), replication, only))
            spent["run"] += ran - begin
            spent["table"] += time.process_time() - ran
    return spent


def line(name: str, parts: dict[str, float], wall: float, n: int, yardstick: float) -> str:
    """Compose a row of the table."""
    total = sum(value for key, value in parts.items() if key != "rows")
    per_run = [1e3 * parts[key] / n for key in ("variant", "world", "run", "table")]
    return (
        f"| {name} | {n / total:.1f} | {n / wall:.1f} | {1e3 * total / n:.0f} ms "
        f"| {' + '.join(f'{part:.1f}' for part in per_run)} ms | {total / n / yardstick:.1f} |"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--points", type=int, default=100, help="design points (100)")
    parser.add_argument("--seeds", type=int, default=10, help="replications of each (10)")
    parser.add_argument("--sample", type=float, default=0.01, help="share of the men (0.01)")
    given = parser.parse_args()
    base = Base.read(SCENARIO)
    designs = variants(given.points, given.sample)
    sweep(base, designs[:1], 1, None)  # imports and data files
    print(
        "| what is kept | runs/s and core | runs/s by the clock | CPU a run "
        "| variant + world + run + table | numbers of that sample |"
    )
    print("| --- | ---: | ---: | ---: | --- | ---: |")
    for name, only, register in (
        ("all daily tables, men shared", None, DrawCache()),
        ("five measures, men shared", FEW, DrawCache()),
        ("all daily tables, men drawn each time", None, DrawCache(most_bytes=0)),
    ):
        module.BIRTHS = register
        some = designs if register.most_bytes else designs[: max(1, given.points // 10)]
        n = len(some) * given.seeds
        before = cpu(lambda: draw_five_numbers(given.sample))
        begin = time.perf_counter()
        parts = sweep(base, some, given.seeds, only)
        wall = time.perf_counter() - begin
        yardstick = (before + cpu(lambda: draw_five_numbers(given.sample))) / 2
        print(line(name, parts, wall, n, yardstick), flush=True)


if __name__ == "__main__":
    main()
