"""The same men in two worlds: who became what, man for man."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from flowsim.comparison.traces import RunTrace, all_destinations, strata
from flowsim.model.status import categories
from flowsim.results.outcomes import outcomes
from flowsim.scenario.quantity import AGE_BANDS
from flowsim.types import Floats, Ints


@dataclass(frozen=True)
class Pair:
    """The men whom anything could reach in at least one of two worlds; the others stay home.

    Attributes
    ----------
    a, b : RunTrace
    destinations, names : tuple of str
        Of both worlds together, and what can become of a man (``traces.outcomes``).
    id : int64, shape (N,)
    row_a, row_b : int64, shape (N,)
        Rows in each world, -1 where it does not keep him: he stays home there.
    outcome_a, outcome_b : int64, shape (N,)
        Places in ``names``.
    stratum : int64, shape (N,)
        What he is in world a.
    """

    a: RunTrace
    b: RunTrace
    destinations: tuple[str, ...]
    names: tuple[str, ...]
    id: Ints
    row_a: Ints
    row_b: Ints
    outcome_a: Ints
    outcome_b: Ints
    stratum: Ints

    @property
    def weight(self) -> Floats:
        """Men of the nation for whom each stands, shape (N,)."""
        return self.a.weight[self.a.world.strata.cell(self.stratum)]

    def named(self, n: int) -> dict[str, Any]:
        """Return n rows of the columns ``a``, ``b`` (scenarios) and ``replication``."""
        nought = np.zeros(n, dtype=np.int8)
        names = {"a": self.a.world.assumptions.name, "b": self.b.world.assumptions.name}
        known = {column: categories(nought, [name]) for column, name in names.items()}
        return known | {"replication": np.full(n, self.a.replication, dtype=np.int32)}

    @property
    def switched(self) -> npt.NDArray[np.bool_]:
        """Whether something else became of him in world b, shape (N,)."""
        return self.outcome_a != self.outcome_b


def match(a: RunTrace, b: RunTrace) -> Pair:
    """Match the men of two worlds by their ids."""
    destinations = all_destinations((a.world, b.world))
    names = outcomes(destinations)
    ids = np.union1d(a.id, b.id)
    row_a, row_b = a.rows_of(ids), b.rows_of(ids)
    outcome_a, outcome_b = (
        np.where(rows >= 0, np.append(trace.outcome(names), 0)[rows], 0)
        for trace, rows in ((a, row_a), (b, row_b))
    )
    men = (ids, row_a, row_b, outcome_a, outcome_b, strata(a, b, ids))
    return Pair(a, b, destinations, names, *men)


def transitions(pair: Pair) -> pd.DataFrame:
    """Count all men of the sample by what they are in world a and what became of them in both.

    Returns
    -------
    DataFrame
        ``a``, ``b`` (scenarios), ``replication``, ``region``, ``age``, ``educated``,
        ``passport``, ``status_a``, ``status_b``, ``men`` (of the nation), ``men_simulated``.
    """
    n = len(pair.names)
    home = pair.names.index("home")
    world = pair.a.world
    plain, everybody = world.strata.plain(pair.stratum), world.strata.by_plain(pair.a.counts)
    kept = np.bincount(plain, minlength=len(everybody))
    everywhere = np.arange(len(kept))
    stays = np.full(len(kept), home)
    stratum = np.concatenate([plain, everywhere]) >> 1  # liability is left out
    before = np.concatenate([pair.outcome_a, stays])
    after = np.concatenate([pair.outcome_b, stays])
    men = np.concatenate([np.ones(len(pair.id), dtype=np.int64), everybody - kept])
    keys, place = np.unique((stratum * n + before) * n + after, return_inverse=True)
    counts = np.bincount(place, men).astype(np.int64)
    keys, counts = keys[counts > 0], counts[counts > 0]
    stratum, before, after = keys // n // n * 2, keys // n % n, keys % n
    of = {name: column[stratum] for name, column in world.of_plain.items()}
    return pd.DataFrame(
        {
            **pair.named(len(keys)),
            "region": categories(of["region"], world.regions.code),
            "age": categories(of["age"], AGE_BANDS),
            "educated": of["educated"] == 1,
            "passport": of["passport"] == 1,
            "status_a": categories(before, pair.names),
            "status_b": categories(after, pair.names),
            "men": counts * pair.a.weight[stratum >> 3],
            "men_simulated": counts,
        }
    )
