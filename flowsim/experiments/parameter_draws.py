"""The same scenario with other values of its parameters: what not knowing them adds to chance.

Draw n of the parameters is simulated with the chance of replication n, which the scenario's own
values meet as well. So the spread over replications is chance alone, the spread over draws is
chance and parameters together, and the two are comparable.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from flowsim.results.observation import Observed
from flowsim.results.tables import (
    Selection,
    comparison_table,
    daily_table,
    outcomes_table,
)
from flowsim.scenario import Base
from flowsim.scenario.files import read_text, shown
from flowsim.scenario.schema import Scenario
from flowsim.scenario.tree import fail

Changes = Mapping[str, Any] | Sequence[str]
MOST_MEGABYTES = 20  # of a table of draws
KEPT = Selection(kinds=frozenset({"nation", "destination", "crossing", "exit"}))


def laid(base: Base, changes: Changes, draws: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return of each draw what may be laid over a scenario.

    Left out are numbers of policies that the scenario lacks, and what the user set himself.

    Parameters
    ----------
    base : Base
        The scenario's file.
    changes : mapping or sequence of str
        The user's.
    draws : sequence of mappings
        Dotted keys to values.
    """
    own = [str(change).partition("=")[0].strip() for change in changes]

    def may(key: str) -> bool:
        touched = any(f"{key}.".startswith(f"{o}.") or f"{o}.".startswith(f"{key}.") for o in own)
        return _has(base, key) and not touched

    return [{key: value for key, value in draw.items() if may(key)} for draw in draws]


def variants(
    base: Base, changes: Changes, draws: Sequence[Mapping[str, Any]], own: Scenario
) -> list[Scenario]:
    """Return the scenario once for each draw of ``laid``; ``own`` lends its sample and seed.

    Raises
    ------
    ScenarioError
        If a draw does not fit the scenario.
    """
    update = {"sample": own.sample, "seed": own.seed}
    out = []
    for draw in draws:
        both: Changes = (
            {**draw, **changes}
            if isinstance(changes, Mapping)
            else [*(f"{key}={value!r}" for key, value in draw.items()), *changes]
        )
        out.append(base.variant(both).model_copy(update=update))
    return out


def _has(base: Base, key: str) -> bool:
    """Whether a scenario has a number, or a date of a number that goes by dates."""
    *path, last = key.split(".")
    return any(base.tree.at((*path, *end)) is not None for end in ((last,), ("value", last)))


def tables_of_draws(
    scenarios: Sequence[Scenario], simulated: Callable[[int], None]
) -> Iterator[dict[str, pd.DataFrame]]:
    """Simulate draw n with the chance of replication n.

    Returns ``posterior`` (daily rows in ``KEPT``), ``posterior_outcomes`` and
    ``posterior_summary`` of each. ``simulated`` is told the number of each draw before it begins.
    """
    from flowsim.experiments.simulate import simulate  # Mesa, for those who simulate alone

    for n, scenario in enumerate(scenarios):
        simulated(n)
        model = simulate(scenario, n)
        observed = Observed(model)
        yield {
            "posterior": daily_table(observed, n, KEPT),
            "posterior_outcomes": outcomes_table(model, n),
            "posterior_summary": comparison_table(observed, n),
        }
        model.discard()


def as_table(draws: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the draws as a table, one row each, one column a parameter."""
    table = pd.DataFrame([dict(draw) for draw in draws])
    table.insert(0, "draw", range(len(table)))
    return table


def read_table(path: Path) -> list[dict[str, float]]:
    """Read draws written as ``as_table`` gives them, to the last bit.

    Raises
    ------
    ScenarioError
        If the file cannot be read, has no row, or a cell is no number.
    """
    return draws_in(read_text(path, "table of draws", MOST_MEGABYTES), shown(path))


def draws_in(text: str, name: str) -> list[dict[str, float]]:
    """Read the text of a table of draws; raises as ``read_table``, with this name of the file."""
    bad = "expected a CSV with a number in each cell, a row a draw"
    draws = []
    for line, row in enumerate(csv.DictReader(io.StringIO(text, newline="")), start=2):
        try:
            draws.append({str(k): float(v) for k, v in row.items() if k != "draw"})
        except (TypeError, ValueError):
            raise fail(f"{name}:{line}", "", bad) from None
        if not all(map(math.isfinite, draws[-1].values())):
            raise fail(f"{name}:{line}", "", bad)
    if not draws:
        raise fail(f"{name}:1", "", bad)
    return draws
