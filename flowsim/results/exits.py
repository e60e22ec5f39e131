"""All exits from Russia: men and persons who cross outward, ordinary travellers apart (ODD 7.9).

A scenario with ``elsewhere`` counts them over every border: what a published total counts can
then be made of them. Exits are by hour of crossing, in Moscow time.
"""

from __future__ import annotations

import numpy as np

from flowsim.results.observation import Observed
from flowsim.scenario.timetable import WARM_UP
from flowsim.types import Floats

EXITS = (
    "leavers_out",
    "ordinary_out",
    "ordinary_men_out",
    "ordinary_before",
    "ordinary_men_before",
)
"""Measures by destination, and by country of ``elsewhere``, that add up over time.

Men who leave because of the call-up; ordinary travellers of both sexes, and the men among them;
the same two if nothing had happened.
"""


def places(observed: Observed) -> list[str]:
    """Return the ids of the rows: destinations, then the countries of ``elsewhere``."""
    given = observed.model.assumptions
    chosen = [country.code for country in given.destinations.values()]
    return chosen + [country.code for country in (given.elsewhere or {}).values()]


def exits(observed: Observed) -> dict[str, Floats]:
    """Compute the exits over all borders.

    Parameters
    ----------
    observed : Observed
        Of a scenario with ``elsewhere``.

    Returns
    -------
    dict of float64, each shape (H, P)
        Measures of ``EXITS`` by hour (warm-up first) and place of ``places``.
    """
    by_choice, elsewhere = _of_destinations(observed), _elsewhere(observed)
    return {name: np.concatenate([by_choice[name], elsewhere[name]], axis=1) for name in EXITS}


def _of_destinations(observed: Observed) -> dict[str, Floats]:
    """Count exits by destination, shape (H, J) each."""
    world, units = observed.world, observed.units
    is_ordinary, shut, _, _ = observed.of_units
    let_out, share = observed.passed("crossings_out"), observed.ordinary_men_share
    elsewhere = [c.parameters.counted_elsewhere for c in observed.model.crossings]
    counted = np.where(np.array(elsewhere, dtype=bool), 0.0, 1.0)
    ordinary = let_out * is_ordinary * counted[units.crossing]
    men = units.persons * units.cleared * is_ordinary * counted[units.crossing]
    values = {
        "leavers_out": let_out * ~is_ordinary / observed.model.persons_per_man,
        "ordinary_out": ordinary,
        "ordinary_men_out": men * share[units.crossing] * ~shut,
    }
    by_crossing = {name: observed.by_unit(value) for name, value in values.items()}
    level = world.ordinary_level(season=False)[:, world.roads.country] / 24
    before = level * observed.model.background_share * counted
    by_crossing |= {"ordinary_before": before, "ordinary_men_before": before * share}
    return {name: observed.by_country(value) for name, value in by_crossing.items()}


def _elsewhere(observed: Observed) -> dict[str, Floats]:
    """Count ordinary exits into the other countries, less those who lost their seat, (H, E)."""
    given, clock = observed.model.assumptions, observed.world.clock
    there = list((given.elsewhere or {}).values())
    before = np.zeros((observed.n_rows, len(there)))
    for n, country in enumerate(there):
        before[:, n] = country.exits.value / 24 * country.season.by_hour(clock, WARM_UP)
    by_air = np.array([country.by == "air" for country in there])
    seats = before * by_air
    all_seats = seats.sum(axis=1, keepdims=True)
    lost = np.minimum(_displaced(observed)[:, None], all_seats)
    out = before - np.divide(seats * lost, all_seats, out=np.zeros_like(seats), where=all_seats > 0)
    land = given.observation.background_men_share
    air = given.observation.background_men_share_by_air or land
    share = np.where(by_air, air.value, land.value)
    return {
        "leavers_out": np.zeros_like(before),
        "ordinary_out": out,
        "ordinary_men_out": out * share,
        "ordinary_before": before,
        "ordinary_men_before": before * share,
    }


def _displaced(observed: Observed) -> Floats:
    """Count the ordinary passengers whose seats were taken by those who leave, shape (H,)."""
    there = observed.model.assumptions.destinations.values()
    takes = [country.displaces.value if country.displaces else 0.0 for country in there]
    units, country = observed.units, observed.world.roads.country
    leavers = observed.passed("crossings_out") * ~observed.of_units[0]
    taken = leavers * np.array(takes)[country[units.crossing]]
    return observed.by_hour(units.gone, np.zeros_like(units.crossing), taken, 1)[:, 0]
