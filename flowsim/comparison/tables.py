"""What all replications say together: means, differences and their intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from flowsim.comparison.uncertainty import interval, paired
from flowsim.results.comparison import EVERYBODY

PLACE = ["measure", "how", "place_kind", "place_id"]
GROUPINGS = ("region", "age", "educated")


def differences(reduced: Sequence[pd.DataFrame], names: Sequence[str]) -> pd.DataFrame:
    """Compare every measure of the first scenario with each other one, pair by pair.

    Parameters
    ----------
    reduced : sequence of DataFrame
        One for each scenario: ``PLACE``, ``replication``, ``value``.
    names : sequence of str
        Of the scenarios.

    Returns
    -------
    DataFrame
        ``PLACE``, ``a``, ``b``, ``value_a``, ``value_b`` (means), ``difference`` (b - a),
        ``low``, ``high`` (95 % interval of the paired difference), ``n`` (pairs),
        ``variance_factor`` (see ``uncertainty.Paired``; empty where nothing varies). A measure
        that only one scenario has is left out.
    """
    wide = [_wide(table, PLACE) for table in reduced]
    tables = []
    for other, name in zip(wide[1:], names[1:], strict=True):
        both = wide[0].columns.intersection(other.columns, sort=False)
        found = paired(wide[0][both].to_numpy(), other[both].to_numpy())
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
        tables.append(table[table["n"] > 0])
    return pd.concat(tables, ignore_index=True)


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
    tables = [_matrix_by(transitions, group) for group in groups]
    return pd.concat(tables, ignore_index=True)


def _matrix_by(transitions: pd.DataFrame, group: str) -> pd.DataFrame:
    rows = transitions.assign(value=EVERYBODY) if group == EVERYBODY else transitions
    if group != EVERYBODY:
        rows = rows.assign(value=rows[group].astype(str))
    keys = ["a", "b", "value", "status_a", "status_b"]
    table = _counted(rows, keys, transitions["replication"].unique(), keys[:4])
    table.insert(2, "by", group)
    return table


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


def _wide(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Return one row for each replication and one column for each number."""
    wide = table.set_index([*keys, "replication"])["value"].unstack("replication")
    return wide.sort_index().T
