"""Sensitivity of the outputs of a sweep to its parameters, and to chance.

One table for every design: Sobol indices, Morris's elementary effects, regression
coefficients or main effects, each with its interval, and beside them the share of chance.
What cannot be said from the runs there are, is said to be so in the column ``note``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, fields, replace

import pandas as pd

from flowsim.sweep.estimators import is_full_grid, main_effects, morris, pawn, regression, sobol
from flowsim.sweep.file import Sweep
from flowsim.sweep.responses import UNMOVED, Response, Row, noise, response, unmoved

COLUMNS = ["scenario", "output", "place_id", *(field.name for field in fields(Row))]
WHICH = ["scenario", "measure", "place_id"]


def indices(sweep: Sweep, runs: pd.DataFrame, results: pd.DataFrame) -> pd.DataFrame:
    """Return the indices of sensitivity of every output of a sweep.

    Parameters
    ----------
    sweep : Sweep
        Names of parameters, design, replications.
    runs : DataFrame
        One row a run: scenario, point, replication, status, a column a parameter.
    results : DataFrame
        One row a run and output: scenario, point, replication, measure, place_id, value.

    Returns
    -------
    DataFrame
        ``output`` and ``place_id`` as ``measure`` and ``place_id`` of the results. Indices by
        design: ``S1``, ``ST``, of pairs (joined by ``PAIR``) ``S2`` and, without the bias that
        chance gives them, ``S1_effect``, ``ST_effect`` (sobol); ``mu_star``, ``mu``, ``sigma``,
        ``noise`` (morris); ``effect``, ``at_low``, ``at_high`` and ``share`` (grid) or ``src`` and,
        with eighty points or more, ``pawn`` (the others). For ``(all)`` parameters the sums of
        Sobol indices, ``r2`` or ``pawn_floor``, for ``(replications)`` ``noise_of_run`` and
        ``noise_of_mean``. ``low`` and ``high`` hold 95 %; ``n`` counts what an index rests on:
        blocks, trajectories, points or replications. ``note`` ends with ``responses.UNMOVED`` where
        the output is the same whatever the parameter's value.
    """
    names = list(sweep.parameters)
    design = points(runs, names)
    levels = int(getattr(sweep.design, "levels", 0) or 4)
    kind, n = str(sweep.design.kind), int(sweep.replications)
    tables = []
    for which, rows in results.groupby(WHICH, observed=True, sort=False):
        of = dict(zip(COLUMNS, map(str, which), strict=False))
        found = indices_of(design, rows, kind, n, levels)
        tables.append(pd.DataFrame([of | asdict(row) for row in found], columns=COLUMNS))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)


def points(runs: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return the design of a sweep from its runs: a row a point, index its number."""
    design = runs.drop_duplicates("point").sort_values("point").set_index("point")
    return design[list(names)]


def indices_of(
    design: pd.DataFrame,
    values: pd.DataFrame,
    kind: str,
    n_replications: int,
    levels: int = 4,
) -> list[Row]:
    """Return the indices of one output of one scenario.

    Parameters
    ----------
    design : DataFrame
        One row a point in the order of the design, index its number; a column a parameter.
    values : DataFrame
        Columns point, replication, value; in any order, without the runs that failed.
    kind : str
        Of the design, as in the sweep file; any but sobol and morris is told by its points.
    levels : int
        Of a Morris design.
    """
    given = response(design, values, n_replications)
    still = unmoved(given)
    rows = [
        replace(row, note="; ".join(note for note in (row.note, UNMOVED) if note))
        if row.parameter in still and math.isfinite(row.value)
        else row
        for row in _of_parameters(given, kind, levels)
    ]
    return [*rows, *noise(given)]


def _of_parameters(given: Response, kind: str, levels: int) -> list[Row]:
    if not given.names or len(given.points) < 2:
        return []
    if kind == "sobol":
        return sobol(given)
    if kind == "morris":
        return morris(given, levels)
    on_grid = kind != "latin-hypercube" and is_full_grid(given)
    return main_effects(given) if on_grid else [*regression(given), *pawn(given)]
