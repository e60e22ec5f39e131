"""From daily series to single numbers; what all replications of them say together."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import stdtrit

from flowsim.results.comparison import EVERYBODY
from flowsim.results.measures import reduction
from flowsim.types import Floats

LEVEL = 0.95
PLACE = ["measure", "how", "place_kind", "place_id"]
GROUPINGS = ("region", "age", "educated")
KEYS = ["place_kind", "place_id", "measure"]


def reduced(daily: pd.DataFrame) -> pd.DataFrame:
    """Reduce the daily table of one run to one number for each measure and place.

    Parameters
    ----------
    daily : DataFrame
        As ``results.daily_table`` gives it, days in order.

    Returns
    -------
    DataFrame
        ``place_kind``, ``place_id``, ``measure``, ``how`` (sum, last, max or mean: the
        measure's own rule) and ``value``. Days without a value (nobody waited) are left out.
    """
    grouped = daily.groupby(KEYS, observed=True, sort=True)["value"]
    every = grouped.agg(["sum", "last", "max", "mean"]).reset_index()
    every[KEYS] = every[KEYS].astype(str)
    how = every["measure"].map(reduction)
    value = every["mean"].to_numpy().copy()
    for rule in ("sum", "last", "max"):
        value[how == rule] = every.loc[how == rule, rule]
    return every[KEYS].assign(how=how, value=value)


def differences(
    reduced: Sequence[pd.DataFrame], names: Sequence[str], drawn: Sequence[pd.DataFrame] = ()
) -> pd.DataFrame:
    """Compare every measure of the first scenario with each other one, pair by pair.

    Parameters
    ----------
    reduced : sequence of DataFrame
        One for each scenario: ``PLACE``, ``replication``, ``value``.
    names : sequence of str
        Of the scenarios.
    drawn : sequence of DataFrame
        The same over draws of the parameters, one draw a ``replication``.

    Returns
    -------
    DataFrame
        ``PLACE``, ``a``, ``b``, ``value_a``, ``value_b`` (means), ``difference`` (b - a),
        ``low``, ``high`` (95 % interval of the paired difference), ``n`` (pairs),
        ``variance_factor`` (see ``Paired``; empty where nothing varies); with
        draws ``draws``, ``median``, ``all_low``, ``all_high``: of the paired difference over
        them, 5 and 95 %, which hold chance and parameters. What only one scenario has of a
        destination counts as 0 in the other; of a crossing it is left out.
    """
    wide, over_draws = ([_wide(table) for table in tables] for tables in (reduced, drawn))
    tables = []
    for number, (other, name) in enumerate(zip(wide[1:], names[1:], strict=True), 1):
        both = _shared(wide[0], other)
        found = paired(_of(wide[0], both), _of(other, both))
        table = both.to_frame(index=False).assign(
            a=names[0],
            b=name,
            value_a=found.a,
            value_b=found.b,
            difference=found.difference.mean,
            low=found.difference.low,
            high=found.difference.high,
            n=found.difference.n,
            variance_factor=found.variance_factor,
        )
        if drawn:
            change = _of(over_draws[number], both) - _of(over_draws[0], both)
            table = table.assign(**_with_all_doubt(change))
        tables.append(table[table["n"] > 0])
    return pd.concat(tables, ignore_index=True)


def _shared(one: pd.DataFrame, other: pd.DataFrame) -> pd.Index[Any]:
    """Return the numbers of both worlds, and of either's destinations and outcomes."""
    both = one.columns.intersection(other.columns, sort=False)
    either = one.columns.union(other.columns, sort=False).difference(both, sort=False)
    kept = either[either.get_level_values("place_kind").isin(("destination", "outcome"))]
    return both.append(kept)


def _of(table: pd.DataFrame, numbers: pd.Index[Any]) -> Floats:
    """Return some numbers by replication; 0 of what a world does not have, (R, N)."""
    lacking = ~numbers.isin(table.columns)
    values = table.reindex(columns=numbers).to_numpy(dtype=np.float64, copy=True)
    values[:, lacking] = 0.0
    return values


def _with_all_doubt(change: Floats) -> dict[str, Floats | int]:
    """Return what differences are over draws (rows): median, 5 and 95 %."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # no value at all: NaN is right
        low, median, high = np.nanquantile(change, [0.05, 0.5, 0.95], axis=0)
    return {"draws": len(change), "median": median, "all_low": low, "all_high": high}


def matrix(transitions: pd.DataFrame, groups: Sequence[str] = (EVERYBODY,)) -> pd.DataFrame:
    """Count the men by what became of them in both worlds; means over replications.

    Parameters
    ----------
    transitions : DataFrame
        Of all pairs and replications (``pairs.transitions``).
    groups : sequence of str
        ``all``, or columns to count by: region, age, educated, passport.

    Returns
    -------
    DataFrame
        ``a``, ``b``, ``by``, ``value`` (of the group), ``status_a``, ``status_b``, ``men``,
        ``low``, ``high`` (95 % interval), ``share`` (of the group's men of that status_a),
        ``men_simulated`` (of all replications), ``n``. The men of a group add up to its men.
    """
    keys = ["a", "b", "value", "status_a", "status_b"]
    every = transitions["replication"].unique()
    tables = []
    for group in groups:
        value = EVERYBODY if group == EVERYBODY else transitions[group].astype(str)
        tables.append(_counted(transitions.assign(value=value), keys, every, keys[:4]))
        tables[-1].insert(2, "by", group)
    return pd.concat(tables, ignore_index=True)


def terms(switched: pd.DataFrame, replications: Sequence[int]) -> pd.DataFrame:
    """Count the switched men by what switched them; means over replications.

    Parameters
    ----------
    switched : DataFrame
        Of all pairs and replications (``terms.switched``).
    replications : sequence of int
        All that were run.

    Returns
    -------
    DataFrame
        ``a``, ``b``, ``status_a``, ``status_b``, ``term``, ``men``, ``low``, ``high``, ``share``
        (of the switched men of the pair), ``men_simulated`` (of all replications), ``n``.
        ``example``: id of one of them in the first replication, whom ``flowsim biography`` tells;
        empty if it has none. Rows with ``all`` for both statuses are totals of the others.
    """
    keys = ["a", "b", "status_a", "status_b", "term"]
    total = switched.assign(status_a=EVERYBODY, status_b=EVERYBODY)
    every = np.asarray(replications)
    tables = []
    for rows in (total, switched):
        table = _counted(rows, keys, every, ["a", "b"])
        table["example"] = _examples(rows[rows["replication"] == every.min()], table[keys])
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _counted(
    rows: pd.DataFrame, keys: list[str], replications: npt.NDArray[np.integer], of: list[str]
) -> pd.DataFrame:
    """Add up men by keys (0 where a replication has none); means, intervals, shares."""
    every = np.sort(replications)
    grouped = rows.groupby([*keys, "replication"], observed=True, sort=True)
    men, simulated = (
        grouped[column].sum().unstack("replication").reindex(columns=every).fillna(0.0)
        for column in ("men", "men_simulated")
    )
    table = men.index.to_frame(index=False)
    found = interval(men.to_numpy(dtype=np.float64).T)
    table["men"] = found.mean
    table["low"], table["high"] = np.maximum(0.0, found.low), found.high  # no fewer than none
    table["share"] = table["men"] / table.groupby(of, observed=True)["men"].transform("sum")
    table["men_simulated"] = simulated.sum(axis=1).to_numpy(dtype=np.int64)
    table["n"] = found.n
    for key in keys:
        table[key] = table[key].astype(str)
    return table


def _examples(rows: pd.DataFrame, wanted: pd.DataFrame) -> pd.api.extensions.ExtensionArray:
    """Return the first man of each group of rows, missing where there is none."""
    known: dict[tuple[str, ...], int] = {}
    for *key, man in rows[[*wanted.columns, "example"]].itertuples(index=False):
        name = tuple(map(str, key))
        known[name] = min(int(man), known.get(name, int(man)))
    return pd.array([known.get(key) for key in wanted.itertuples(index=False)], dtype="Int64")


def _wide(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each replication and one column for each number."""
    wide = table.set_index([*PLACE, "replication"])["value"].unstack("replication")
    return wide.sort_index().T


# -- how sure a mean is, and how much surer a difference of pairs than one of strangers


@dataclass(frozen=True)
class Interval:
    """A mean over replications and Student's interval about it.

    Attributes
    ----------
    mean, low, high, sd : float64, shape (...)
        The interval and the standard deviation are NaN with fewer than two replications.
    n : int64, shape (...)
        Replications that had a value.
    """

    mean: Floats
    low: Floats
    high: Floats
    sd: Floats
    n: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Paired:
    """Means of the same men in two worlds, their difference, and what pairing is worth.

    Attributes
    ----------
    a, b : float64, shape (...)
        Means over the pairs.
    difference : Interval
        Of ``b - a``.
    variance_factor : float64, shape (...)
        ``(var(a) + var(b)) / var(b - a)``: how many times more replications with seeds of
        their own would be needed for the same interval. NaN where the difference never varies.
        Of few replications it is mostly chance (``results.comparison.ENOUGH``).
    """

    a: Floats
    b: Floats
    difference: Interval
    variance_factor: Floats


def interval(values: Floats, level: float = LEVEL) -> Interval:
    """Return the mean over replications and its interval, ``mean -+ t[n-1] sd / sqrt(n)``.

    Parameters
    ----------
    values : float64, shape (R, ...)
        One row for each replication; NaN where it has no value.
    level : float
        Chance that such an interval holds the true mean, if means are nearly normal.
    """
    known = np.isfinite(values)
    n = known.sum(axis=0)
    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # no value, or one alone: NaN is right
        some = np.where(known, values, np.nan)
        mean = np.nanmean(some, axis=0)
        sd = np.where(n > 1, np.nanstd(some, axis=0, ddof=1), np.nan)
        half = stdtrit(np.maximum(n - 1, 1), (1 + level) / 2) * sd / np.sqrt(n)
    return Interval(mean, mean - half, mean + half, sd, n)


def paired(a: Floats, b: Floats, level: float = LEVEL) -> Paired:
    """Compare two worlds replication by replication.

    Parameters
    ----------
    a, b : float64, shape (R, ...)
        Row r of both shares its men and draws. A pair counts where both have a value.
    """
    both = np.isfinite(a) & np.isfinite(b)
    of_a, of_b = (interval(np.where(both, x, np.nan), level) for x in (a, b))
    difference = interval(np.where(both, b - a, np.nan), level)
    apart = of_a.sd**2 + of_b.sd**2
    together = difference.sd**2
    varies = together > 1e-20 * apart  # less is rounding
    factor = np.divide(apart, together, out=np.full_like(apart, np.nan), where=varies)
    return Paired(of_a.mean, of_b.mean, difference, factor)
