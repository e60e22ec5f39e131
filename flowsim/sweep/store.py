"""What a sweep has finished, on disk: written before it counts, checked before it is used.

While a sweep runs, its folder holds ``parts/``: Parquet files of some runs each, which bear
the SHA-256 of their bytes in their name. A part is written under another name, flushed to
the disk and then renamed, so that it is there whole or not at all, whenever the machine
stops. A run is known by its key, a hash of all that makes it, so that a part stays good when
the design grows. At the end ``tables.py`` joins the parts into tables.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import io
import json
import os
import shutil
import socket
import warnings
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from flowsim.errors import MachineError, ResultsError
from flowsim.results.folder import MANIFEST, read_json

PARTS, ABOUT, LOCK = "parts", "parts/made-with.json", ".lock"
KIND = "sweep"
DATA = ("runs.parquet", "results.parquet", "daily.parquet")
OWN_PARTS = ("part-", "damaged-part-", "made-with.json", ".")
"""How names of files in the folder of parts begin."""
CACHED_PARTS = 16  # decoded parts kept while joining
PART = pa.schema(
    [
        ("key", pa.string()),
        ("error", pa.string()),
        ("traceback", pa.string()),
        ("results", pa.binary()),
        ("daily", pa.binary()),
    ]
)


@dataclass(frozen=True)
class Outcome:
    """What came of one run.

    Attributes
    ----------
    key : str
        Hash of what makes the run.
    error : str
        Class and message if it failed, else empty.
    traceback : str
        Where the error arose; never in a table, because it tells of the machine.
    results, daily : bytes
        Arrow streams of its rows of these tables; empty if it failed.
    """

    key: str
    error: str = ""
    traceback: str = ""
    results: bytes = b""
    daily: bytes = b""


def packed(table: pa.Table) -> bytes:
    """Return a table as bytes: an Arrow stream, compressed."""
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, table.schema, options=options) as stream:
        stream.write_table(table)
    return bytes(sink.getvalue())


def unpacked(data: bytes, schema: pa.Schema) -> pa.Table:
    """Read what ``packed`` wrote; a failed run has no rows."""
    if not data:
        return schema.empty_table()
    with pa.ipc.open_stream(data) as stream:
        return stream.read_all().cast(schema)


class Store:
    """The folder of a sweep while one process, and no other, works on it.

    Attributes
    ----------
    done : dict of str to str
        Key of each run found to its error, empty if it succeeded.
    damaged : list of str
        Names of parts that are not what was written; they were set aside, their runs repeated.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.done: dict[str, str] = {}
        self.n_failed = 0
        self.damaged: list[str] = []
        self._where: dict[str, tuple[str, int]] = {}
        self._read: OrderedDict[str, list[Outcome]] = OrderedDict()
        self._lock: int | None = None

    # -- one process at a time

    def __enter__(self) -> Store:
        """Take the folder; ResultsError if it is another's or holds something else."""
        if self.folder.exists() and not self.folder.is_dir():
            raise ResultsError(f"{self.folder} is a file; expected a folder, choose another --out")
        self.refuse_foreign()
        with explained(self.folder):
            (self.folder / PARTS).mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(self._lock, 500).decode(errors="replace").strip()
            self._unlock()
            raise ResultsError(
                f"{self.folder} is being worked on by {owner or 'another process'}; wait for it, "
                "stop it, or choose another --out"
            ) from None
        except OSError:
            message = f"{self.folder} lies where files cannot be locked: start no second process"
            warnings.warn(message, stacklevel=2)
        # The system frees the lock of a process that was killed; the text is for people only.
        with contextlib.suppress(OSError):
            os.ftruncate(self._lock, 0)
            os.write(self._lock, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
        return self

    def __exit__(self, *_: object) -> None:
        """Return the folder free."""
        with contextlib.suppress(OSError):
            (self.folder / PARTS).rmdir()  # only if there is nothing in it
        self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def refuse_foreign(self) -> None:
        """Refuse a folder with things in it that are not a sweep's; parts/ is removed at last."""
        if not self.folder.exists():
            return
        parts = self.folder / PARTS
        names = [path.name for path in parts.iterdir()] if parts.is_dir() else []
        strange = [f"{PARTS}/{name}" for name in names if not name.startswith(OWN_PARTS)]
        if not (strange or names or self.manifest()):
            skipped = (LOCK, PARTS)
            strange = [p.name for p in self.folder.iterdir() if p.name not in skipped]
        if strange:
            raise ResultsError(
                f"{self.folder} holds something that is not a sweep, or one whose {MANIFEST} is "
                f"missing or damaged ({min(strange)}); choose another --out"
            )

    # -- what is there

    def manifest(self) -> dict[str, Any]:
        """Return the manifest of a finished sweep; empty if it is not finished."""
        manifest = read_json(self.folder / MANIFEST)
        return manifest if is_whole(manifest) else {}

    def made_with(self) -> dict[str, Any]:
        """Return what made the parts: versions and hashes; empty if there are none."""
        return read_json(self.folder / ABOUT)

    def begin(self, about: dict[str, Any]) -> None:
        """Note down what makes the parts that follow."""
        text = json.dumps(about, indent=2) + "\n"
        with explained(self.folder, self.done):
            write_durably(self.folder / ABOUT, text.encode())

    def scan(self, mend: bool = True) -> None:
        """Find what is done, leaving out every part that is not as it was written.

        ``mend`` sets such parts aside and removes what was half written; without it nothing
        is touched, so that one may look while another process works.
        """
        self.done, self._where, self.damaged, self.n_failed = {}, {}, [], 0
        for path in sorted((self.folder / PARTS).iterdir()):
            if path.name.endswith(".tmp") and mend:
                path.unlink()
            elif path.name.startswith("part-") and path.suffix == ".parquet":
                self._take_in(path, mend)

    def _take_in(self, path: Path, mend: bool) -> None:
        data = path.read_bytes()
        if _digest(data) != path.stem.rpartition("-")[2]:
            self.damaged.append(path.name)
            if mend:
                path.rename(path.with_name(f"damaged-{path.name}"))
            return
        table = pq.read_table(io.BytesIO(data), columns=["key", "error"]).to_pydict()
        for row, (key, error) in enumerate(zip(table["key"], table["error"], strict=True)):
            self._note(key, error, path.name, row)

    def _note(self, key: str, error: str, part: str, row: int) -> None:
        """Remember where a run lies; one that succeeded counts before one that failed."""
        known = self.done.get(key)
        if known is None or (known and (not error or error < known)):
            self.n_failed += bool(error) - bool(known)
            self.done[key] = error
            self._where[key] = (part, row)

    @property
    def remark(self) -> str:
        """Return how many runs failed, if any."""
        return f"{self.n_failed} failed" if self.n_failed else ""

    # -- writing and reading

    def add(self, outcomes: Sequence[Outcome]) -> None:
        """Write some runs as a part; they count from the moment this returns.

        Raises
        ------
        MachineError
            If the disk is full or refuses; everything written before is still good.
        """
        table = pa.Table.from_pylist(
            [{f.name: getattr(one, f.name) for f in fields(Outcome)} for one in outcomes], PART
        )
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="none", row_group_size=len(outcomes))
        data = sink.getvalue().to_pybytes()
        name = f"part-{outcomes[0].key[:12]}-{_digest(data)}.parquet"
        with explained(self.folder, self.done):
            write_durably(self.folder / PARTS / name, data)
        for row, one in enumerate(outcomes):
            self._note(one.key, one.error, name, row)

    def outcome(self, key: str) -> Outcome:
        """Return one run; quick if runs are asked for roughly in the order they were made."""
        name, row = self._where[key]
        if name not in self._read:
            records = pq.read_table(self.folder / PARTS / name).to_pylist()
            self._read[name] = [Outcome(**record) for record in records]
            if len(self._read) > CACHED_PARTS:
                self._read.popitem(last=False)
        self._read.move_to_end(name)
        return self._read[name][row]

    def clear(self) -> None:
        """Remove the parts, once the tables stand in their place."""
        shutil.rmtree(self.folder / PARTS, ignore_errors=True)
        self._read.clear()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def is_whole(manifest: Mapping[str, Any]) -> bool:
    """Return whether a manifest is a finished sweep's, with hashes of the tables it must have."""
    tables = manifest.get("tables")
    known = isinstance(tables, dict) and set(DATA) <= set(tables)
    return manifest.get("kind") == KIND and bool(manifest.get("complete")) and known


# -- durable files


def write_durably(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all, also after a power cut."""
    with durable(path) as stream:
        stream.write(data)


@contextlib.contextmanager
def durable(path: Path) -> Iterator[io.BufferedWriter]:
    """Open a file that takes its name only when all is written and on the disk."""
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        with temporary.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Put the names of a folder's files on the disk as well."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def explained(folder: Path, done: Iterable[str] = ()) -> Iterator[None]:
    """Say of what the disk refuses, what is safe, and how to go on."""
    try:
        yield
    except OSError as reason:
        full = reason.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        what = "there is no room left" if full else (reason.strerror or str(reason))
        safe = len(list(done))
        kept = f"; the {safe} runs finished so far are safe" if safe else ""
        todo = "Free some space, then start" if full else "Mend that, then start"
        raise MachineError(
            f"{folder} could not be written: {what}{kept}. {todo} the same command again to "
            "go on where it stopped"
        ) from None
