"""Measure the packages flee and starsim beside flowsim's engines; neither is needed otherwise.

``pip install flee starsim`` first, in an environment of their own. What is timed is 45 daily
steps of as many agents as flowsim has at a sample of 0.0005; making them is left out. The
models are not the same science: flee moves agents over a graph of 83 origins, 31 crossings and
2 camps, starsim spreads an SIR infection without contacts.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

MEN, DAYS = 20_125, 45


def flee() -> float:
    """Give seconds of 45 steps of flee's Ecosystem."""
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
    begin = time.perf_counter()
    for _ in range(DAYS):
        world.evolve()
    return time.perf_counter() - begin


def starsim() -> float:
    """Give seconds of 45 steps of a starsim simulation."""
    package = importlib.import_module("starsim")
    network = package.RandomNet(n_contacts=0)
    sim = package.Sim(
        n_agents=MEN, dur=DAYS, dt=1, networks=network, diseases=package.SIR(), verbose=0
    )
    sim.init()
    begin = time.perf_counter()
    sim.run()
    return time.perf_counter() - begin


def main() -> None:
    """Print one line for each package that is installed."""
    packages: dict[str, Callable[[], float]] = {"flee": flee, "starsim": starsim}
    for name, run in packages.items():
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                seconds = run()
        except ModuleNotFoundError as missing:
            print(f"| {name} | not installed ({missing.name}) | |")
            continue
        print(f"| {name} | {seconds:.2f} | {MEN * DAYS / seconds:,.3g} |")


if __name__ == "__main__":
    main()
