"""What a worker does: one point of a design with some replications, from changes to tables.

Everything here runs in other processes, perhaps on other machines. What comes in is small,
what goes out is bytes, and both are the same wherever the work is done.
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from flowsim.experiments.executor import Failed
from flowsim.experiments.simulate import Replicate, prepared
from flowsim.experiments.store import Outcome, packed
from flowsim.results.measures import reduced as one_number
from flowsim.results.observation import Observed
from flowsim.results.tables import DIGITS, Selection, daily_table
from flowsim.scenario import Base
from flowsim.sweep.outputs import Output, Series
from flowsim.sweep.tables import DAILY, RESULTS

BASES_KEPT = 8  # scenario files that a worker keeps read


@dataclass(frozen=True)
class Task:
    """One point of a design in one scenario, with some of its replications.

    Attributes
    ----------
    base : bytes
        The scenario before changes, pickled: sent as it is, taken apart once in each worker.
    changes : mapping
        Dotted keys to values, sample and seed among them.
    runs : tuple of (str, int)
        Key and replication of each run.
    outputs : tuple of Output
        Numbers to make of each run.
    kept : tuple of Series
        Daily series to store, those that the outputs are made of included.
    """

    base: bytes
    changes: Mapping[str, Any]
    runs: tuple[tuple[str, int], ...]
    outputs: tuple[Output, ...]
    kept: tuple[Series, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of its runs."""
        return tuple(key for key, _ in self.runs)


def work(task: Task) -> list[Outcome]:
    """Run a task; a run that fails is an outcome as well, and the others go on."""
    try:
        replicate = prepared(_base(task.base).variant(task.changes))
    except Exception as error:
        return [Outcome.of_failed(key, Failed.from_error(error)) for key in task.keys]
    return [_run(replicate, key, replication, task) for key, replication in task.runs]


@lru_cache(BASES_KEPT)
def _base(pickled: bytes) -> Base:
    base: Base = pickle.loads(pickled)
    return base


def _run(replicate: Replicate, key: str, replication: int, task: Task) -> Outcome:
    """Run one replication and keep what the sweep wants of it."""
    try:
        observed = Observed(replicate(replication))
        daily = kept_daily(observed, replication, task.kept)
        results = reduced(daily, task.outputs)
        observed.model.discard()
    except Exception as error:
        return Outcome.of_failed(key, Failed.from_error(error))
    tables = {"results": _bytes(results, RESULTS), "daily": _bytes(daily, DAILY)}
    return Outcome(key, tables=tables)


def _bytes(table: pd.DataFrame, schema: pa.Schema) -> bytes:
    """Pack a table; words become dictionaries of what occurs in it."""
    whole = pa.Table.from_pandas(table[schema.names], preserve_index=False)
    columns = [
        column.cast(field.type).combine_chunks().dictionary_encode()
        if pa.types.is_string(field.type)
        else column
        for field, column in zip(schema, whole.columns, strict=True)
    ]
    return packed(pa.table(columns, names=schema.names))


def kept_daily(observed: Observed, replication: int, kept: Sequence[Series]) -> pd.DataFrame:
    """Return the rows of the daily table that belong to some series, in the table's order."""
    kinds, places, measures = (frozenset(column) for column in zip(*kept, strict=True))
    daily = daily_table(observed, replication, only=Selection(measures, places, kinds))
    n_days, wanted = observed.world.clock.n_days, set(kept)
    names = daily.iloc[::n_days][list(Series._fields)]  # a series stands in one piece
    chosen = [tuple(row) in wanted for row in names.itertuples(index=False)]
    return daily[np.repeat(chosen, n_days)]


def reduced(daily: pd.DataFrame, outputs: Sequence[Output]) -> pd.DataFrame:
    """Make the outputs of a run from its daily series: measure, place_id, value.

    A series that a scenario does not have (the point removed the place) gives NaN.
    """
    grouped = daily.groupby(list(Series._fields), observed=True, sort=False)
    series = dict(iter(grouped[["date", "value"]]))
    rows = []
    for output in outputs:
        for place in output.places:
            days = series.get((place.kind, place.place_id, output.measure))
            found = math.nan if days is None else one_number(_window(days, output), output.reduce)
            value = round(found, DIGITS) + 0.0
            rows.append((output.name, place.place_id, value))
    return pd.DataFrame(rows, columns=RESULTS.names)


def _window(days: pd.DataFrame, output: Output) -> npt.NDArray[np.float64]:
    """Return the values of the days that an output counts, shape (D,)."""
    inside = np.ones(len(days), dtype=bool)
    if output.start is not None:
        inside &= days["date"].to_numpy() >= np.datetime64(output.start)
    if output.end is not None:
        inside &= days["date"].to_numpy() < np.datetime64(output.end)
    return days["value"].to_numpy()[inside]
