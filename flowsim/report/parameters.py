"""What draws of the parameters add to chance, in sentences for the report of a run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from flowsim.findings.account import FEW, Account, ends
from flowsim.findings.words import count
from flowsim.types import Floats


def sentences(account: Account, posterior: pd.DataFrame) -> Iterator[str]:
    """Return how far departures and entries range over the draws, and by chance alone.

    Parameters
    ----------
    posterior : DataFrame
        Daily rows under the draws, of which there are as many as replications.
    """
    drawn = replace(account, daily=posterior)
    both = [one.total("departures", "nation") for one in (drawn, account)]
    if both[0].any():
        yield f"Men who set off: {_between(*both)}."
    for country in account.scenario.destinations.values():
        both = [one.total("entries", "destination", country.code) for one in (drawn, account)]
        if both[0].any():
            yield (
                f"{country.name}, entries of Russian citizens of every kind in the whole period: "
                f"{_between(*both)}."
            )


def what_ranges_are(draws: int) -> str:
    """Return which ranges are chance, which chance and parameters, and what is in neither."""
    kind = "the least to the greatest" if draws <= FEW else "the 5 % to the 95 % quantile"
    return (
        f"Numbers are means of {draws} replications at the scenario's own values; ranges in "
        f"brackets go from {kind} of them and show chance only. The ranges over {draws} draws of "
        "the calibrated parameters, given first below, hold chance and parameters. Doubt about "
        "the structure of the model, and about assumptions that the calibration left fixed, is in "
        "neither."
    )


def _between(drawn: Floats, chance: Floats) -> str:
    low, high = ends(drawn)
    inside = int(((drawn >= low) & (drawn <= high)).sum())
    share = f"all {len(drawn)}" if inside == len(drawn) else f"{inside} of {len(drawn)}"
    first, last = (count(end) for end in ends(chance))
    return (
        f"between {count(low)} and {count(high)} in {share} draws (parameters and chance); "
        f"between {first} and {last} by chance alone"
    )
