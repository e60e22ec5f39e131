"""Join the runs of a sweep into its tables, run by run in the order of the plan.

Memory does not grow with the number of runs, and the bytes of a table depend on nothing but
the plan and what the runs gave: not on workers, on kills, or on growth in steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from flowsim.experiments.store import Outcome, Store, packed, unpacked
from flowsim.machine import durable
from flowsim.results.folder import digest_of
from flowsim.sweep.design import Points
from flowsim.sweep.outputs import Series
from flowsim.sweep.plan import Run

ROW_GROUP = 200_000  # rows of a Parquet row group; fixed, because it shows in the bytes
TOGETHER = 256  # small tables become one: each weighs kilobytes beside its rows
TABLES = ("runs.parquet", "results.parquet", "daily.parquet", "results.csv")
FAILURES = "failures.txt"
RESULTS = pa.schema([("measure", pa.string()), ("place_id", pa.string()), ("value", pa.float64())])
SERIES = [(name, pa.string()) for name in Series._fields]
DAILY = pa.schema([("date", pa.timestamp("ms")), *SERIES, ("value", pa.float64())])
SCHEMAS = {"results": RESULTS, "daily": DAILY}
_RUN = [
    ("run", pa.int32()),
    ("scenario", pa.string()),
    ("point", pa.int32()),
    ("replication", pa.int32()),
]


def parameter_columns(names: Sequence[str], points: Iterable[Sequence[Any]]) -> pa.Schema:
    """Return the columns of the parameters: numbers if all of its values are, else text.

    Parameters
    ----------
    points : iterable of sequences
        Values of each point, in the order of ``names``.
    """
    columns = zip(*points, strict=True)
    kinds = [_column({type(value) for value in column}) for column in columns]
    return pa.schema([*zip(names, kinds, strict=True)])


def _column(kinds: set[type]) -> pa.DataType:
    some = kinds - {type(None)}
    if some == {bool}:
        return pa.bool_()
    if some == {int}:
        return pa.int64()
    return pa.float64() if some and some <= {int, float} else pa.string()


def _cell(value: Any, kind: pa.DataType) -> Any:
    """Fit a parameter's value into its column."""
    if value is None or not pa.types.is_string(kind):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)


def join(store: Store, made: Iterable[Run], points: Points, folder: Path) -> dict[str, str]:
    """Write the tables of a sweep from its store; each is there whole or not at all.

    Parameters
    ----------
    made : iterable of Run
        Runs that the store holds, in the order of the plan.
    points : Points
        Of the plan, for the values of the parameters.

    Returns
    -------
    dict
        Each file's SHA-256, for the manifest.
    """
    parameters = parameter_columns(points.names, points.rows)
    words = [(name, pa.string()) for name in ("key", "status", "error")]
    runs = pa.schema([*_RUN, *words, *parameters])
    results = pa.schema([*_RUN, *parameters, *RESULTS])
    daily = pa.schema([("run", pa.int32()), *DAILY])
    failures: list[str] = []
    with ExitStack() as stack:
        to_runs, to_results, to_daily = (
            stack.enter_context(_Groups(stack.enter_context(durable(folder / name)), schema))
            for name, schema in zip(TABLES, (runs, results, daily), strict=False)
        )
        to_csv = stack.enter_context(durable(folder / "results.csv"))
        csv = stack.enter_context(pa.csv.CSVWriter(to_csv, results))
        for run in made:
            outcome = store.outcome(run.key)
            known = _known(run, parameters, points.rows[run.point])
            said = {"key": run.key, "error": outcome.error}
            said["status"] = "failed" if outcome.error else "ok"
            to_runs.add(_widened(pa.table({n: [text] for n, text in said.items()}), known, runs))
            rows = _widened(rows_of(outcome, "results"), known, results)
            to_results.add(rows)
            csv.write_table(rows)
            to_daily.add(_widened(rows_of(outcome, "daily"), known, daily))
            if outcome.error:
                failures.append(f"run {run.number}: {outcome.error}\n{outcome.traceback}\n")
    (folder / FAILURES).unlink(missing_ok=True)
    if failures:  # for people, where the errors arose; no table, because it names folders
        with durable(folder / FAILURES) as stream:
            stream.write("\n".join(failures).encode())
    return {name: digest_of(folder / name) for name in TABLES}


def rows_of(outcome: Outcome, name: str) -> pa.Table:
    """Return the results or the daily series of a run; a failed run has no rows."""
    schema = SCHEMAS[name]
    if outcome.error:
        return schema.empty_table()
    return unpacked(outcome.tables[name]).cast(schema)


def _known(run: Run, parameters: pa.Schema, values: Sequence[Any]) -> dict[str, Any]:
    """Return what the rows of a run have in common: which run it is, and its parameters."""
    fields = zip(parameters, values, strict=True)
    known = {"run": run.number} | {name: getattr(run, name) for name, _ in _RUN[1:]}
    return known | {field.name: _cell(value, field.type) for field, value in fields}


def _widened(table: pa.Table, known: Mapping[str, Any], schema: pa.Schema) -> pa.Table:
    """Put the columns that say which run it is before a run's own."""
    columns = [
        table[field.name]
        if field.name in table.column_names
        else pa.repeat(pa.scalar(known[field.name], field.type), len(table))
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


class _Groups:
    """Writes a Parquet file in row groups of one size, however the rows come."""

    def __init__(self, stream: BinaryIO, schema: pa.Schema) -> None:
        self.schema, self.n = schema, 0
        self.waiting: list[pa.Table] = []
        self.writer = pq.ParquetWriter(stream, schema, compression="zstd")

    def __enter__(self) -> _Groups:
        return self

    def add(self, table: pa.Table) -> None:
        """Take some rows; write when a group is full."""
        self.waiting.append(table)
        self.n += len(table)
        if len(self.waiting) == TOGETHER:
            self.waiting = [pa.concat_tables(self.waiting).combine_chunks()]
        while self.n >= ROW_GROUP:
            self._write(ROW_GROUP)

    def _write(self, n: int) -> None:
        table = pa.concat_tables(self.waiting)
        self.writer.write_table(table.slice(0, n).combine_chunks(), row_group_size=ROW_GROUP)
        rest = table.slice(n)
        self.waiting, self.n = ([rest] if len(rest) else []), len(rest)

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        if error is None and self.n:
            self._write(self.n)
        self.writer.close()


# -- back into a store, when a finished sweep grows


def errors_of(folder: Path) -> dict[str, str]:
    """Return the key of each run of a finished sweep, and its error, empty if it succeeded."""
    runs = pq.read_table(folder / "runs.parquet", columns=["key", "error"]).to_pydict()
    return dict(zip(runs["key"], runs["error"], strict=True))


def outcomes_of(folder: Path) -> Iterator[Outcome]:
    """Return the runs of a finished sweep again, in their order, from its tables."""
    runs = pq.read_table(folder / "runs.parquet", columns=["run", "key", "error"])
    tables = {name: _ByRun(folder / f"{name}.parquet", SCHEMAS[name]) for name in SCHEMAS}
    for row in runs.to_pylist():
        if row["error"]:
            yield Outcome(row["key"], row["error"])
        else:
            rows = {name: packed(table.of(row["run"])) for name, table in tables.items()}
            yield Outcome(row["key"], tables=rows)


class _ByRun:
    """Reads the rows of one run after the other from a table sorted by run."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.batches = pq.ParquetFile(path).iter_batches(65536, columns=["run", *schema.names])
        self.schema, self.rest = schema, pa.schema([("run", pa.int32()), *schema]).empty_table()

    def of(self, run: int) -> pa.Table:
        """Return the rows of a run; runs are asked for in their order."""
        while not len(self.rest) or self.rest["run"][len(self.rest) - 1].as_py() <= run:
            batch = next(self.batches, None)
            if batch is None:
                break
            self.rest = pa.concat_tables([self.rest, pa.Table.from_batches([batch])])
        numbers = self.rest["run"].to_numpy()
        first, end = numbers.searchsorted(run), numbers.searchsorted(run, side="right")
        found = self.rest.slice(first, end - first).select(self.schema.names)
        self.rest = self.rest.slice(end)
        return found
