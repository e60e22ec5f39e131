"""What runs have given, on disk: written before it counts, checked before it is used.

While a sweep, a comparison or a calibration is unfinished its folder holds
``unfinished.sqlite``. A run is known by its key, a hash of all that decides it, so that it
stays good when a design grows. SQLite writes ahead and flushes (``synchronous=FULL``): a run is
there whole or not at all, whenever the machine stops. Each has the SHA-256 of what it gave, and
the versions and data that made it. One process works on a folder; others may look. At the end
what is in it is written as tables, and the file goes.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import socket
import sqlite3
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

import pandas as pd
import pyarrow as pa

from flowsim.errors import MachineError, ResultsError
from flowsim.experiments.executor import LOCAL, Failed, scatter
from flowsim.results.folder import STORE, alone
from flowsim.results.manifest import made_with

DAMAGED = f"{STORE}-damaged"
FILES = tuple(f"{name}{end}" for name in (STORE, DAMAGED) for end in ("", "-wal", "-shm"))
FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE)
RUINED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
NAMES = ("key", "error", "traceback", "made", "content", "digest")
COLUMNS = ", ".join(NAMES)
KEPT = pa.schema([(n, pa.binary() if n in NAMES[-2:] else pa.string()) for n in NAMES])
LAYOUT = """
    BEGIN;
    CREATE TABLE IF NOT EXISTS owner (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS runs (
        key TEXT PRIMARY KEY, error TEXT NOT NULL, traceback TEXT NOT NULL,
        made TEXT NOT NULL, content BLOB NOT NULL, digest BLOB NOT NULL
    );
    COMMIT;
"""


@dataclass(frozen=True)
class Outcome:
    """What came of one run.

    Attributes
    ----------
    key : str
        Hash of all that decides the run and of what is kept of it.
    error : str
        Class and message if it failed, else empty.
    traceback : str
        Where the error arose; never in a table, because it tells of the machine.
    tables : mapping of str to bytes
        Arrow streams by name (``packed``); empty if it failed.
    """

    key: str
    error: str = ""
    traceback: str = ""
    tables: Mapping[str, bytes] = field(default_factory=dict)

    @classmethod
    def of_failed(cls, key: str, failed: Failed) -> Outcome:
        """Make the outcome of a run that raised an error, or whose worker was lost."""
        message = " ".join(failed.message.split())
        return cls(key, f"{failed.error}: {message}", failed.traceback)

    def frame(self, name: str) -> pd.DataFrame:
        """Return a table as pandas made it."""
        return unpacked(self.tables[name]).to_pandas()


def packed(table: pa.Table | pd.DataFrame, compression: str | None = "zstd") -> bytes:
    """Return a table as bytes: an Arrow stream.

    Parameters
    ----------
    table : DataFrame or pyarrow.Table
    compression : str, optional
        Of Arrow's buffers.

    Returns
    -------
    bytes
    """
    if isinstance(table, pd.DataFrame):
        table = pa.Table.from_pandas(table, preserve_index=False)
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, table.schema, options=options) as stream:
        stream.write_table(table.combine_chunks())  # or how it was put together would show
    return bytes(sink.getvalue())


def unpacked(data: bytes) -> pa.Table:
    """Read what ``packed`` wrote."""
    with pa.ipc.open_stream(data) as stream:
        return stream.read_all()


def key_of(*decisive: Any) -> str:
    """Return a key: the hash of all that decides a run."""
    text = json.dumps(decisive, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def refuse_other_version(folder: Path, made: Mapping[str, Any]) -> None:
    """Refuse to mix results of two versions of the model or of its data.

    Raises
    ------
    ResultsError
    """
    now = made_with()
    if made["flowsim"] != now["flowsim"]:
        what = f"flowsim {made['flowsim']}, this is {now['flowsim']}"
    elif made["data_hash"] != now["data_hash"]:
        what = "other data tables than the ones installed now"
    else:
        return
    raise ResultsError(
        f"{folder} was made with {what}; go on with what it was made with, or choose another --out"
    )


class Store:
    """What is finished of an experiment, while one process, and no other, works on its folder.

    Parameters
    ----------
    folder : path, optional
        Results folder; in memory if left out, for what nobody wants on disk.
    look : bool
        Read only, perhaps while another process works; damaged runs are left out.

    Attributes
    ----------
    done : dict of str to str
        Key of each run to its error, empty if it succeeded.
    """

    def __init__(self, folder: str | os.PathLike[str] | None, look: bool = False) -> None:
        self.folder = None if folder is None else Path(folder)
        self.look = look
        self.done: dict[str, str] = {}
        self.n_failed = 0
        self._made = json.dumps(made_with())
        self._db: sqlite3.Connection | None = None
        self._held, self._locked = ExitStack(), True

    # -- one process at a time

    def __enter__(self) -> Store:
        """Take the folder and find what is done.

        Raises
        ------
        ResultsError
            If another process works on the folder, or another version made what is in it.
        MachineError
            If the folder cannot be written or read.
        """
        try:
            with self.reported():
                if self.folder is not None and not self.look:
                    self.folder.mkdir(parents=True, exist_ok=True)
                    self._locked = self._held.enter_context(alone(self.folder, _owner))
                self._open()
            if not self.look:
                self._refuse_mixture()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Return the folder free; a store with nothing in it is removed."""
        ruined = self.folder is not None and (self.folder / DAMAGED).exists()
        if not (self.look or self.done or ruined):
            self.clear()
        self._close()

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()
        self._db = None
        self._held.close()

    # -- what is there

    def _open(self) -> None:
        """Open the file and check each run; what of a ruined file can be read is saved."""
        try:
            self._db = _connected(self.folder, self.look, self._locked)
            self._scan()
        except sqlite3.DatabaseError as reason:
            if _code(reason) not in RUINED or self.folder is None or self.look:
                raise
            self._database.close()
            self._db = self._replaced(self.folder)

    def _scan(self) -> None:
        if self.look:
            if not self._database.execute("SELECT 1 FROM sqlite_master").fetchone():
                return  # stopped before it had begun
        else:
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.executescript(LAYOUT)
            name = f"process {os.getpid()} on {socket.gethostname()}"
            with self._database as db:
                db.execute("INSERT OR REPLACE INTO owner VALUES (1, ?)", (name,))
        damaged = []
        for place, *row in self._database.execute(f"SELECT rowid, {COLUMNS} FROM runs"):
            if _is_sound(row):
                self._note(row[0], row[1])
            else:
                damaged.append((place,))
        if damaged:
            self._warn(f"{len(damaged)} of its runs are damaged")
        if damaged and not self.look:
            with self._database as db:
                db.executemany("DELETE FROM runs WHERE rowid = ?", damaged)

    def _replaced(self, folder: Path) -> sqlite3.Connection:
        """Set a ruined file aside; take over each run that can be read from either end."""
        for end in ("-shm", "-wal", ""):
            with suppress(FileNotFoundError):
                (folder / f"{STORE}{end}").replace(folder / f"{DAMAGED}{end}")
        self.done, self.n_failed, self._db = {}, 0, _connected(folder)
        self._scan()
        with closing(sqlite3.connect(folder / DAMAGED)) as old:
            for row in _readable(old):
                if row[0] not in self.done and _is_sound(row):
                    self._insert([row])
        self._warn(f"it was set aside as {DAMAGED}, {len(self.done)} runs could be saved")
        return self._db

    def _warn(self, what: str) -> None:
        assert self.folder is not None
        then = "they are missing" if self.look else "what is missing is repeated"
        warnings.warn(f"{self.folder / STORE} is damaged: {what}; {then}", stacklevel=2)

    def made(self) -> list[dict[str, Any]]:
        """Return what made the runs that are there, each different one once, oldest first."""
        query = "SELECT made FROM runs GROUP BY made ORDER BY min(rowid)"
        return [json.loads(text) for (text,) in self._database.execute(query)]

    def made_with(self) -> dict[str, Any]:
        """Return what made all the runs and goes on with them, for a manifest."""
        now = made_with()
        each = [version for made in self.made() for version in made["versions"]]
        earlier = [version for version in each if version not in now["versions"]]
        unique = [version for n, version in enumerate(earlier) if version not in earlier[:n]]
        return now | {"versions": [*unique, *now["versions"]]}

    def _refuse_mixture(self) -> None:
        for made in self.made():
            refuse_other_version(self.folder or Path(), made)
        earlier = self.made_with()["versions"][:-1]
        if earlier:
            was = ", ".join(f"{name} {number}" for name, number in earlier[-1].items())
            message = f"some runs were made with {was}; results may differ in the last digits"
            warnings.warn(message, stacklevel=2)

    @property
    def _database(self) -> sqlite3.Connection:
        if self._db is None:
            raise MachineError(f"{self.folder} is not open; use it in a with statement")
        return self._db

    def missing(self, keys: Iterable[str], retry_failed: bool = False) -> list[str]:
        """Return the keys that are still to be made, each once, in their order."""
        wanted = dict.fromkeys(keys)
        return [k for k in wanted if k not in self.done or (retry_failed and self.done[k])]

    def others(self, start: str) -> list[str]:
        """Return the keys that do not begin as those of an experiment do."""
        return [key for key in self.done if not key.startswith(start)]

    @property
    def remark(self) -> str:
        """Return how many runs failed, if any."""
        return f"{self.n_failed} failed" if self.n_failed else ""

    # -- writing and reading

    def add(self, outcomes: Sequence[Outcome], made: Mapping[str, Any] | None = None) -> None:
        """Write some runs; they count from the moment this returns.

        Parameters
        ----------
        outcomes : sequence of Outcome
            One that failed never replaces one that succeeded.
        made : mapping, optional
            What made them, if not this version (``made_with``).

        Raises
        ------
        MachineError
            If the disk is full or refuses; everything written before is still good.
        """
        text = self._made if made is None else json.dumps(made)
        rows = [
            (one.key, one.error, one.traceback, text, _joined(one.tables))
            for one in outcomes
            if self.done.get(one.key) != ""
        ]
        with self.reported():
            self._insert([(*row, _digest(row)) for row in rows])

    def _insert(self, rows: Sequence[tuple[Any, ...]]) -> None:
        with self._database as db:
            db.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?)", rows)
        for key, error, *_ in rows:
            self._note(key, error)

    def _note(self, key: str, error: str) -> None:
        self.n_failed += bool(error) - bool(self.done.get(key))
        self.done[key] = error

    def outcome(self, key: str) -> Outcome:
        """Return one run."""
        query = "SELECT error, traceback, content FROM runs WHERE key = ?"
        with self.reported():
            error, traceback, content = self._database.execute(query, (key,)).fetchone()
        return Outcome(key, error, traceback, _parted(content))

    def table(self) -> pa.Table:
        """Return all runs as one table, to be kept when the file goes."""
        rows = self._database.execute(f"SELECT {COLUMNS} FROM runs ORDER BY key")
        return pa.Table.from_pylist([dict(zip(NAMES, row, strict=True)) for row in rows], KEPT)

    def take_in(self, table: pa.Table) -> None:
        """Put the runs of a kept table back, those that are as they were written."""
        rows = [tuple(row.values()) for row in table.to_pylist()]
        with self.reported():
            self._insert([row for row in rows if _is_sound(row)])
        self._refuse_mixture()

    def drop(self, keys: Iterable[str]) -> None:
        """Remove some runs, and go on without them."""
        gone = [(key,) for key in keys]
        with self.reported(), self._database as db:
            db.executemany("DELETE FROM runs WHERE key = ?", gone)
        for (key,) in gone:
            self.n_failed -= bool(self.done.pop(key))

    def clear(self) -> None:
        """Remove the file, once tables stand in its place."""
        if self._db is not None:
            self._db.close()
            self._db = None
        if self.folder is not None:
            for name in FILES:
                (self.folder / name).unlink(missing_ok=True)
        self.done, self.n_failed = {}, 0

    @contextmanager
    def reported(self) -> Iterator[None]:
        """Report what the disk refuses as an error with what is safe, and how to go on."""
        try:
            yield
        except (OSError, sqlite3.Error) as reason:
            full = getattr(reason, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
            full |= getattr(reason, "sqlite_errorcode", None) in FULL
            what = "there is no room left" if full else getattr(reason, "strerror", "") or reason
            safe = f"; the {len(self.done)} runs finished so far are safe" if self.done else ""
            todo = "Free some space, then start" if full else "Mend that, then start"
            raise MachineError(
                f"{self.folder} could not be written: {what}{safe}. {todo} the same command "
                "again to go on where it stopped"
            ) from None


class Task(Protocol):
    """What a worker gets: work for one run, or some that share their preparation."""

    @property
    def keys(self) -> Sequence[str]:
        """Keys of its runs, which all fail if its worker is lost."""


T = TypeVar("T", bound=Task)


def run_missing(
    store: Store,
    work: Callable[[T], Sequence[Outcome]],
    tasks: Iterable[T],
    taken: Callable[[int, Sequence[Outcome]], None],
    *,
    workers: int | None = None,
    scheduler: str = LOCAL,
) -> None:
    """Run tasks; write what each gives as it comes.

    Parameters
    ----------
    work : callable
        As ``scatter`` takes it; returns an outcome for each key of its task.
    taken : callable
        Called before the first, and when some are written, with how many were and with these
        outcomes: to report progress, or to stop by an error.
    workers, scheduler
        As in ``executor.scatter``.
    """
    n = 0
    taken(n, ())
    with closing(scatter(work, tasks, workers=workers, scheduler=scheduler)) as results:
        for task, result in results:
            if isinstance(result, Failed):
                result = [Outcome.of_failed(key, result) for key in task.keys]
            store.add(result)
            n += len(result)
            taken(n, result)


# -- the file


def _connected(folder: Path | None, look: bool = False, locked: bool = True) -> sqlite3.Connection:
    """Open the database of a folder, to work on or to look into."""
    path = ":memory:" if folder is None else uri_of((folder / STORE).resolve())
    how = "?mode=ro" if look else "" if locked else "?nolock=1"
    db = sqlite3.connect(f"{path}{how}", uri=True)
    db.text_factory = lambda text: text.decode(errors="replace")  # damaged text is no error
    return db


def uri_of(path: PurePath) -> str:
    r"""Return a path as SQLite wants it, which knows no hosts: those of shares stay in the path.

    Examples
    --------
    >>> from pathlib import PureWindowsPath
    >>> uri_of(PureWindowsPath(r"\\server\my results\a.sqlite"))
    'file:////server/my%20results/a.sqlite'
    """
    text = path.as_posix()
    return f"file://{'' if text.startswith('/') else '/'}{quote(text, safe='/:')}"


def _owner(folder: Path) -> str:
    """Return who works on a folder."""
    with suppress(sqlite3.Error), closing(_connected(folder, look=True)) as db:
        return str(db.execute("SELECT name FROM owner").fetchone()[0])
    return "another process"


def _readable(db: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    """Return the rows of a ruined file from its beginning, then from its end."""
    db.execute("PRAGMA writable_schema = ON")  # so that one which was cut short is read at all
    for order in ("ASC", "DESC"):
        with suppress(sqlite3.DatabaseError):
            yield from db.execute(f"SELECT {COLUMNS} FROM runs ORDER BY rowid {order}")


def _code(reason: sqlite3.Error) -> int:
    """Return the primary error code of SQLite."""
    return getattr(reason, "sqlite_errorcode", 0) & 0xFF


def _is_sound(row: Sequence[Any]) -> bool:
    """Whether a row is as it was written."""
    return isinstance(row[-2], bytes) and _digest(row[:-1]) == row[-1]


def _digest(row: Sequence[Any]) -> bytes:
    *texts, content = row
    return hashlib.sha256("\0".join(map(str, texts)).encode() + content).digest()


def _joined(tables: Mapping[str, bytes]) -> bytes:
    """Put named streams into one."""
    whole = pa.table({name: pa.array([data]) for name, data in tables.items()})
    return packed(whole, compression=None)


def _parted(content: bytes) -> dict[str, bytes]:
    rows = unpacked(content).to_pylist()
    return rows[0] if rows else {}
