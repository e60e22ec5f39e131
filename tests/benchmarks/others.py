"""Measure other packages beside flowsim: ``python tests/benchmarks/others.py``.

``pip install flee starsim mesa networkx mesa-frames`` first, in an environment of their own;
flowsim needs none of them but Mesa. What is timed is the processor time of 45 daily steps; making
the agents is left out, and so it is in ``engines.py``. Y is the time of ``bench.py``: five Philox
numbers for each man of the nation. None does the science of flowsim; each row says what is missing.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
from bench import cpu, draw_five_numbers

MEN, DAYS = 20_125, 45
LEVELS = np.linspace(0, 1, DAYS)


def flee() -> float:
    """Return the seconds of 45 steps of flee's Ecosystem."""
    package = importlib.import_module("flee.flee")
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder, "settings.yml")
        settings.write_text("{}\n", encoding="utf-8")
        package.SimulationSettings.ReadFromYML(str(settings))
    world = package.Ecosystem()
    origins = [
        world.addLocation(name=f"R{i}", x=float(i), y=0.0, movechance=0.01, pop=10**6)
        for i in range(83)
    ]
    for c in range(31):
        world.addLocation(name=f"C{c}", x=float(c), y=1.0, movechance=0.3)
    for name in ("GE", "KZ"):
        world.addLocation(name=name, x=0.0, y=2.0, location_type="camp", movechance=0.001)
    for c in range(31):
        for i in range(83):
            world.linkUp(f"R{i}", f"C{c}", 300.0 + 10 * ((7 * i + c) % 40))
        world.linkUp(f"C{c}", ("GE", "KZ")[c % 2], 10.0)
    for man in range(MEN):
        world.addAgent(location=origins[man % 83], attributes={})
    return cpu(lambda: [world.evolve() for _ in range(DAYS)])


def starsim() -> float:
    """Return the seconds of 45 steps of a starsim simulation."""
    package = importlib.import_module("starsim")
    network = package.RandomNet(n_contacts=0)
    sim = package.Sim(
        n_agents=MEN, dur=DAYS, dt=1, networks=network, diseases=package.SIR(), verbose=0
    )
    sim.init()
    return cpu(sim.run)


def mesa() -> float:
    """Return the seconds of 45 days on which each of Mesa's agents compares two numbers."""
    package = importlib.import_module("mesa")

    class Man(package.Agent):
        def __init__(self, model: object, threshold: float) -> None:
            super().__init__(model)
            self.threshold, self.gone = threshold, False

        def step(self) -> None:
            self.gone = self.threshold <= self.model.level

    model = package.Model(rng=1)
    Man.create_agents(model, MEN, np.random.default_rng(1).random(MEN).tolist())

    def days() -> None:
        for model.level in LEVELS.tolist():
            model.agents.do("step")

    return cpu(days)


def mesa_frames(men: int) -> float:
    """Return the seconds of 45 days on which a column of mesa-frames is compared with a number."""
    package, polars = (importlib.import_module(name) for name in ("mesa_frames", "polars"))

    class Men(package.AgentSetPolars):
        def __init__(self, model: object) -> None:
            super().__init__(model)
            threshold = np.random.default_rng(1).random(men)
            self += polars.DataFrame({"unique_id": np.arange(men), "threshold": threshold})

        def step(self) -> None:
            gone = polars.col("threshold") <= self.model.level
            self.agents = self.agents.with_columns(gone=gone)  # ``set`` is 500 times slower

    model = package.ModelDF()
    model.agents += Men(model)

    def days() -> None:
        for model.level in LEVELS.tolist():
            model.agents.do("step", inplace=True)

    return cpu(days)


ROWS: list[tuple[str, int, Callable[[], float], str]] = [
    ("flee", MEN, flee, "by the day over a graph; no queues, no hours, no heterogeneous men"),
    ("starsim", MEN, starsim, "an infection without contacts; no places, no queues, no hours"),
    ("mesa", MEN, mesa, "one comparison a man and day; nothing else"),
    ("mesa-frames", MEN, lambda: mesa_frames(MEN), "one comparison a man and day; nothing else"),
    ("mesa-frames", 4_000_000, lambda: mesa_frames(4_000_000), "the same"),
]


def main() -> None:
    """Print one line for each package that is installed."""
    yard = cpu(draw_five_numbers)
    print("| package | men | seconds | man-days a second | man-days in Y | what it does, and not |")
    print("| --- | ---: | ---: | ---: | ---: | --- |")
    for name, men, run, what in ROWS:
        try:
            with (
                contextlib.redirect_stdout(io.StringIO()),
                contextlib.redirect_stderr(io.StringIO()),
            ):
                seconds = run()
        except ModuleNotFoundError as missing:
            print(f"| {name} | not installed ({missing.name}) | | | | |")
            continue
        rate = men * DAYS / seconds
        print(
            f"| {name} {version(name)} | {men:,} | {seconds:.2f} | {rate:,.3g} "
            f"| {rate * yard:,.3g} | {what} |"
        )


if __name__ == "__main__":
    main()
