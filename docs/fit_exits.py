"""Fit the four further exits of the scenario ``all-exits``, and draw what is not known of them.

``python docs/fit_exits.py`` (a few minutes on one core) fits constants and, for Finland, the course
of panic to what Finland, Mongolia, Norway and Moscow's airports published, all else as in the
baseline: at its own lambda, and at 0.3 and 1. It writes the values with their intervals into
``scenarios/all-exits.yaml``, those at other lambdas into ``flowsim/data/lambda.csv``, and a row for
each draw of ``posterior.csv`` into ``posterior_exits.csv``: constants that meet the same
published numbers under the baseline's drawn parameters, and draws of what only this scenario has.
To be run again after every calibration of the baseline; ``--check`` fails if the draws are not
those of the posterior as it is.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import least_squares

from flowsim.calibration.shipped import EXITS, posterior_changes
from flowsim.data.rows import Observation
from flowsim.data.sources import observations
from flowsim.experiments.simulate import simulate
from flowsim.model.world import World
from flowsim.results.calibration import csv_of
from flowsim.results.exits import exits, places
from flowsim.results.observation import Observed
from flowsim.results.tables import comparison_table
from flowsim.scenario import Base, assumptions
from flowsim.scenario.clock import DAY, HOUR, MOSCOW_UTC_OFFSET_H
from flowsim.scenario.lambdas import VALUES, with_lambda, with_number
from flowsim.scenario.schema import Scenario
from flowsim.scenario.timetable import WARM_UP
from flowsim.types import Floats

ROOT = Path(__file__).resolve().parent.parent
SCENARIO = ROOT / "scenarios" / "all-exits.yaml"
DATA = ROOT / "flowsim" / "data"
SAMPLE, UNTIL = 0.2, "2022-10-05"
ROUNDS, KERNEL_DAYS, MOST_HOURS = 2, 11, 240
SEED = 20220921

PUBLISHED = {
    **dict.fromkeys(("FI909", "FI910", "FI911", "FI907", "FI007", "FI008", "FI009", "FI010"), 0.05),
    **dict.fromkeys(("MN903", "MN001", "MN002"), 0.10),
    **dict.fromkeys(("NO901", "NO902", "NO904"), 0.20),
}
"""Figures that are fitted, and the relative error allowed in each."""

AIR_CHANGE, AIR_ERROR = -650 + 1500, 1500.0  # persons on 21 and 22 September; RU902, RU903
MOSCOW_SHARE = 0.7  # of international departures; assumption

EXIT_NAMES = ("finland", "mongolia", "norway", "by-air")
FREE: dict[str, tuple[str, ...]] = {
    **{name: (f"choice.constant.{name}",) for name in EXIT_NAMES},
    "lag": ("destinations.finland.panic_lag", "destinations.norway.panic_lag"),
    "rumour": tuple(
        f"policies.rumour_of_closure.strength.{name}" for name in ("finland", "norway")
    ),
}
"""What is fitted, and the keys of the scenario that each moves; all but constants as logarithms."""

COURSE = ("lag", "rumour")
BOUNDS = {"lag": (0.3, 20.0), "rumour": (0.02, 10.0)}
UNTIL_DAY = {"finland": "2022-09-28", "mongolia": "2022-09-29", "norway": "2022-09-28"}
UNTIL_DAY |= {"by-air": "2022-09-23"}
"""Until when those who set off for each exit are compared from draw to draw."""

DOUBT = {"finland": 0.08, "mongolia": 0.15, "norway": 0.30, "by-air": 0.50}
"""Standard error (log) of how many the published figures say left by each exit."""


def changes(point: Mapping[str, float]) -> dict[str, float]:
    """Return the scenario changes of a point of ``FREE``."""
    said = {name: math.exp(v) if name in COURSE else v for name, v in point.items()}
    return {key: said[name] for name in said for key in FREE[name]}


def changed(scenario: Scenario, point: Mapping[str, float]) -> Scenario:
    """Lay a point over a scenario."""
    for key, value in changes(point).items():
        scenario = with_number(scenario, key, value)
    return scenario


def start_of(scenario: Scenario) -> dict[str, float]:
    """Return the point at which a scenario stands."""
    return {
        name: math.log(number_of(scenario, keys[0]))
        if name in COURSE
        else number_of(scenario, keys[0])
        for name, keys in FREE.items()
    }


class Expected:
    """What a run is expected to have for each figure when a point moves a little.

    Who sets off is expected (the course of pressure, nobody waiting); how long it takes him to
    each crossing, and the ordinary travellers, are those of a simulation near by. So the misfit
    is smooth, and chance is small.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario, self.figures = scenario, figures()
        observed = Observed(simulate(scenario))
        model, clock = observed.model, observed.world.clock
        trips, columns = model.trips, range(len(model.crossings))
        first = (trips["tries"] == 0) & (trips["leaves_at"] < KERNEL_DAYS * DAY)
        took = (trips["ends_at"] - trips["leaves_at"]) // int(HOUR)
        took = took.clip(0, MOST_HOURS).astype(np.int64)
        self.takes = {}
        for j, name in enumerate(observed.world.destinations):
            mine = first & (trips["destination"] == j)
            every = max(1e-9, float(trips["weight"][mine].sum()))
            for c in columns:
                some = mine & (trips["crossing"] == c)
                hours = np.bincount(took[some], trips["weight"][some], minlength=MOST_HOURS + 1)
                if some.any():
                    self.takes[name, c] = hours / every
        self.window, self.ordinary, self.columns = {}, {}, {}
        entered = observed.passed("entries") * observed.of_units[0]
        units = observed.units
        entries = observed.by_hour(units.gone, units.crossing, entered, len(columns))
        for figure in self.figures:
            shift = timedelta(hours=(figure.utc_offset_h or 3) - MOSCOW_UTC_OFFSET_H)
            first, last = (
                clock.hour(moment - shift)
                for moment in (figure.window_start, figure.window_end)
                if moment is not None
            )
            here = observed.columns_of(figure.place_id)
            inside = slice(WARM_UP + first, WARM_UP + last)
            self.window[figure.id], self.columns[figure.id] = slice(first, last), here.tolist()
            self.ordinary[figure.id] = float(entries[inside][:, here].sum())
        self.observed = observed

    def leavers(self, scenario: Scenario) -> dict[tuple[str, int], Floats]:
        """Return the expected persons entering by hour, for each exit and crossing."""
        world = World(scenario)
        path, no_wait = world.pressure_path(), np.zeros(len(world.roads.size))
        days = world.clock.n_days
        for day in range(days):
            path.advance(day, no_wait)
        out = {}
        for name in EXIT_NAMES:
            j = world.destinations.index(name)
            left = np.diff(path.left[:, :, j].sum(axis=1))
            hours = world.panic[:, :, j]
            total = hours.sum(axis=1, keepdims=True)
            by_hour = left[:, None] * np.divide(hours, total, where=total > 0, out=0 * hours)
            persons = by_hour.ravel() * (1 + scenario.observation.companions.value)
            for (to, c), takes in self.takes.items():
                if to == name:
                    out[name, c] = np.convolve(persons, takes)[: days * 24]
        return out

    def off(self, point: Mapping[str, float]) -> Floats:
        """Return how far a point is from the figures, in their errors."""
        scenario = changed(self.scenario, point)
        leavers = self.leavers(scenario)
        off = []
        for figure in self.figures:
            found = self.ordinary[figure.id] + sum(
                float(hours[self.window[figure.id]].sum())
                for (_, c), hours in leavers.items()
                if c in self.columns[figure.id]
            )
            off.append((found / figure.value - 1) / PUBLISHED[figure.id])
        seats = np.sum([hours for (to, _), hours in leavers.items() if to == "by-air"], axis=0)
        days = slice(4 * 24, 6 * 24)  # 21 and 22 September
        displaced = scenario.destinations["by-air"].displaces
        more = float(seats[days].sum()) * (1 - (displaced.value if displaced else 0.0))
        return np.array([*off, (more - AIR_CHANGE / MOSCOW_SHARE) / AIR_ERROR])

    def found(self) -> dict[str, float]:
        """Return what the simulation has for each figure, and passengers by air."""
        table = comparison_table(self.observed, 0).set_index("observation")
        found = {figure.id: float(table.loc[figure.id, "simulated"]) for figure in self.figures}
        return found | {"air": by_air(self.observed)}


def figures() -> list[Observation]:
    """Return the figures that are fitted."""
    return [figure for figure in observations() if figure.id in PUBLISHED]


def by_air(observed: Observed) -> float:
    """Return the change of all passengers by air on 21 and 22 September, persons."""
    counted, given = exits(observed), observed.model.assumptions
    seats = {c.code for c in (given.elsewhere or {}).values() if c.by == "air"}
    seats |= {place.code for place in given.destinations.values() if place.displaces}
    here = [n for n, place in enumerate(places(observed)) if place in seats]
    more = counted["ordinary_out"] - counted["ordinary_before"]
    more = more + counted["leavers_out"] * observed.model.persons_per_man
    days = observed.local_days(more[:, here].sum(axis=1), MOSCOW_UTC_OFFSET_H)
    return float(days[4:6].sum())


def fit(value: float) -> tuple[dict[str, float], Floats, dict[str, float]]:
    """Fit the exits under a lambda: the point, its covariance, and what it has for each figure."""
    base = Base.read(SCENARIO).variant({"sample": SAMPLE, "horizon.end": UNTIL})
    scenario = with_lambda(base, value)
    point = start_of(scenario)
    low = [math.log(BOUNDS[name][0]) if name in COURSE else -15.0 for name in FREE]
    high = [math.log(BOUNDS[name][1]) if name in COURSE else 5.0 for name in FREE]
    for _ in range(ROUNDS):
        near = Expected(changed(scenario, point))

        def off(x: Floats, near: Expected = near) -> Floats:
            return near.off(dict(zip(FREE, x.tolist(), strict=True)))

        start = np.clip(list(point.values()), np.array(low) + 1e-3, np.array(high) - 1e-3)
        best = least_squares(off, start, bounds=(low, high), diff_step=0.03, max_nfev=15)
        point = dict(zip(FREE, best.x.tolist(), strict=True))
    spread = max(1.0, 2 * best.cost / (len(best.fun) - len(FREE)))
    covariance = np.linalg.pinv(best.jac.T @ best.jac) * spread
    return point, covariance, Expected(changed(scenario, point)).found()


# ------------------------------------------------------------------ draws


def set_off(scenario: Scenario) -> dict[str, float]:
    """Return the expected persons who set off by each exit until its day, nobody waiting."""
    world = World(scenario)
    path, no_wait = world.pressure_path(), np.zeros(len(world.roads.size))
    last = {name: pd.Timestamp(day) for name, day in UNTIL_DAY.items()}
    start = pd.Timestamp(scenario.horizon.start)
    days = {name: (day - start).days for name, day in last.items()}
    for day in range(max(days.values())):
        path.advance(day, no_wait)
    persons = 1 + scenario.observation.companions.value
    return {
        name: float(path.left[days[name], :, world.destinations.index(name)].sum()) * persons
        for name in days
    }


def own_draws(scenario: Scenario, rng: np.random.Generator) -> dict[str, float]:
    """Draw what only this scenario has, evenly within its free bounds; dates of one move as one."""
    out: dict[str, float] = {}
    for name, country in (scenario.elsewhere or {}).items():
        season, key = country.season, f"elsewhere.{name}.season"
        if season.free is None:
            continue
        values = season.value if isinstance(season.value, dict) else {None: season.value}
        first = next(iter(values.values()))
        low, high = (end for end in season.free)
        ratio = rng.uniform(low, high) / first
        for moment, value in values.items():
            dated = key if moment is None else f"{key}.{moment:%Y-%m-%d}"
            out[dated] = float(np.clip(value * ratio, low, high))
    for key, number in (
        ("destinations.by-air.displaces", scenario.destinations["by-air"].displaces),
        ("crossings.AIR-SEATS.capacity", scenario.crossings["AIR-SEATS"].capacity),
        (
            "observation.background_men_share_by_air",
            scenario.observation.background_men_share_by_air,
        ),
    ):
        assert number is not None
        assert number.free is not None
        out[key] = float(rng.uniform(*number.free))
    return out


def draws(n: int) -> pd.DataFrame:
    """Return a row for each of the first n draws of the posterior."""
    base = Base.read(SCENARIO)
    own = base.variant()
    norm = set_off(own)
    rows = []
    for number, shared in enumerate(posterior_changes(n, DATA / "posterior.csv")):
        rng = np.random.default_rng([SEED, number])
        row = own_draws(own, rng)
        for name in COURSE:
            low, high = free_of(own, FREE[name][0])
            row |= dict.fromkeys(FREE[name], float(np.exp(rng.uniform(np.log(low), np.log(high)))))
        seats = (1 - number_of(own, "destinations.by-air.displaces")) / (
            1 - row["destinations.by-air.displaces"]
        )
        wanted = {
            place: people * math.exp(DOUBT[place] * rng.standard_normal())
            for place, people in norm.items()
        }
        wanted["by-air"] *= seats  # the same change of all passengers
        rows.append({"draw": number} | row | meeting(base, {**shared, **row}, wanted))
    return pd.DataFrame(rows)


def meeting(
    base: Base, given: Mapping[str, float], wanted: Mapping[str, float]
) -> dict[str, float]:
    """Return constants under which as many set off by each exit as wanted."""
    own = base.variant()
    constant = {place: own.choice.constant[place].value for place in wanted}
    for _ in range(3):
        found = set_off(
            base.variant({**given, **{f"choice.constant.{p}": v for p, v in constant.items()}})
        )
        for place, people in wanted.items():
            constant[place] += math.log(people / max(found[place], 1.0))
    return {f"choice.constant.{place}": round(value, 5) for place, value in constant.items()}


# ------------------------------------------------------------------ writing


def written(value: float) -> str:
    """Write a number with four digits that count."""
    return f"{float(f'{value:.4g}'):g}"


def ship_values(point: Mapping[str, float], covariance: Floats) -> None:
    """Write values and 90 % intervals into the scenario; days are free within theirs."""
    path, lines = SCENARIO, SCENARIO.read_text(encoding="utf-8").splitlines()
    tree = Base.read(path).tree
    for name, error in zip(FREE, 1.645 * np.sqrt(np.diag(covariance)), strict=True):
        ends = [point[name] - error, point[name], point[name] + error]
        if name in COURSE:
            ends = [math.exp(end) for end in ends]
        low, value, high = map(written, ends)
        for key in FREE[name]:
            number = int(tree.place(tuple(key.split("."))).where.rpartition(":")[2])
            indent, last = re.match(r"( *)([\w-]+):", lines[number - 1]).groups()  # type: ignore[union-attr]
            between = f"{low} to {high}" if float(low) < 0 else f"{low}-{high}"
            source = f"calibrated: docs/fit_exits.py; 90 % interval {between}"
            source += ", as for Finland" if name in COURSE and "norway" in key else ""
            free = f", free: [{low}, {high}]" if name in COURSE else ""
            lines[number - 1] = f'{indent}{last}: {{value: {value}, source: "{source}"{free}}}'
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def ship_lambdas(points: Mapping[float, Mapping[str, float]]) -> None:
    """Put the constants at other lambdas under those of the baseline."""
    path = DATA / "lambda.csv"
    table = pd.read_csv(path)
    mine = {key for keys in FREE.values() for key in keys}
    rows = [
        {"lambda": value, "key": key, "value": float(written(v)), "source": "docs/fit_exits.py"}
        for value, point in points.items()
        for key, v in changes(point).items()
    ]
    table = pd.concat([table[~table["key"].isin(mine)], pd.DataFrame(rows)], ignore_index=True)
    path.write_bytes(csv_of(table))


def number_of(scenario: Scenario, key: str) -> float:
    """Return the number under a dotted key."""
    row = next(row for row in assumptions(scenario) if row.key == key)
    return float(row.value)


def free_of(scenario: Scenario, key: str) -> tuple[float, float]:
    """Return the free bounds of a number."""
    free = next(row.free for row in assumptions(scenario) if row.key == key)
    assert free is not None, key
    return free


def said(found: Mapping[str, float]) -> str:
    """Return published and fitted figures beside each other."""
    published = {figure.id: figure.value for figure in figures()}
    lines = [
        f"  {name}: published {published[name]:,.0f}, simulated {found[name]:,.0f} "
        f"({found[name] / published[name]:.2f})"
        for name in published
    ]
    lines.append(f"  by air, 21 and 22 September: {found['air']:+,.0f} passengers")
    return "\n".join(lines)


def main() -> None:
    """Fit, then write everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare a few of the draws")
    parser.add_argument("--draws-only", action="store_true", help="leave the fitted values alone")
    given = parser.parse_args()
    path = DATA / EXITS
    if given.check:
        stored = pd.read_csv(path).head(2)
        sys.exit(not np.allclose(stored, draws(2)[list(stored)], rtol=1e-4))
    if not given.draws_only:
        own = Base.read(SCENARIO).variant().choice.lambda_.value
        point, covariance, found = fit(own)
        sys.stdout.write(f"lambda {own:g}\n{said(found)}\n")
        ship_values(point, covariance)
        others: dict[float, Any] = {}
        for value in VALUES:
            if value != own:
                others[value], _, found = fit(value)
                sys.stdout.write(f"lambda {value:g}\n{said(found)}\n")
        ship_lambdas(others)
    n = len(pd.read_csv(DATA / "posterior.csv"))
    path.write_bytes(csv_of(draws(n)))


if __name__ == "__main__":
    main()
