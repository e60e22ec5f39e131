"""The machine: versions of what runs on it, its memory, and files that are whole or not there."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from io import BufferedWriter
from pathlib import Path
from typing import Any

from flowsim.version import __version__

MEMORY = Path("/proc/meminfo")
LIBRARIES = ("numpy", "scipy", "pandas", "mesa", "SALib", "pyarrow", "pydantic", "ruamel.yaml")
"""What decides a number: what computes and draws, and what reads files and tables."""


def versions(*others: str) -> dict[str, str]:
    """Return the versions that a result may depend on, and those of other libraries named."""
    found = {"flowsim": __version__, "python": platform.python_version()}
    return found | {name: _version(name) for name in (*LIBRARIES, *others)}


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "unknown"


def cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


# -- memory


class _MemoryCounters(ctypes.Structure):
    """PROCESS_MEMORY_COUNTERS of Windows."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("page_faults", ctypes.c_uint32),
        *((f"bytes_{n}", ctypes.c_size_t) for n in range(8)),  # the first is the peak
    )


class _MemoryStatus(ctypes.Structure):
    """MEMORYSTATUSEX of Windows."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("load", ctypes.c_uint32),
        *((f"bytes_{n}", ctypes.c_uint64) for n in range(7)),  # the second is free
    )


def peak_memory_mb() -> float | None:
    """Return the most memory that this process has used so far, in MB; None if unknown."""
    if sys.platform == "win32":
        counters = _MemoryCounters(size=ctypes.sizeof(_MemoryCounters))
        kernel = _kernel32()
        kernel.GetCurrentProcess.restype = ctypes.c_void_p
        process = ctypes.c_void_p(kernel.GetCurrentProcess())
        if not kernel.K32GetProcessMemoryInfo(process, ctypes.byref(counters), counters.size):
            return None
        return round(counters.bytes_0 / 1024**2, 1)
    try:
        resource = import_module("resource")  # no such module on Windows
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 if sys.platform != "darwin" else 1024**2), 1)


def free_memory() -> float | None:
    """Return the bytes that can be had without swapping; None if this system does not say."""
    if sys.platform == "win32":
        status = _MemoryStatus(size=ctypes.sizeof(_MemoryStatus))
        known = _kernel32().GlobalMemoryStatusEx(ctypes.byref(status))
        return float(status.bytes_1) if known else None
    try:
        lines = MEMORY.read_text(encoding="ascii").splitlines()
        sizes = dict(line.split(":", 1) for line in lines)
        return float(sizes["MemAvailable"].split()[0]) * 1024
    except (OSError, ValueError, KeyError, IndexError):
        return None


def _kernel32() -> Any:
    """Return the functions of the Windows kernel."""
    return import_module("ctypes").WinDLL("kernel32")


# -- durable files


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all, also after a power cut."""
    with durable(path) as stream:
        stream.write(data)


@contextmanager
def durable(path: Path) -> Iterator[BufferedWriter]:
    """Open a file that takes its name only when all is written and on the disk."""
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    _sync_folder(path.parent)


def rename(path: Path, to: Path) -> None:
    """Rename a file within its folder, once it is on the disk."""
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())
    path.replace(to)
    _sync_folder(to.parent)


def _sync_folder(folder: Path) -> None:
    """Put the names of a folder's files on the disk as well, where a folder can be opened."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
