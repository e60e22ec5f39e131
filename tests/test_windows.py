"""What differs on Windows: modules that are not there, code pages, names of files, memory."""

from __future__ import annotations

import ctypes
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath
from types import SimpleNamespace
from urllib.parse import unquote

import pytest
from kill_worlds import KINDS

from flowsim import machine
from flowsim.experiments.store import uri_of

ROOT = Path(__file__).resolve().parents[1]
BLOCKED = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in ("resource", "fcntl", "grp", "pwd", "termios"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

for name in ("resource", "fcntl", "grp", "pwd", "termios"):
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Missing())
"""
RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{at}{n}" for at in ("COM", "LPT") for n in range(10))}
COMMANDS = {
    "run": ["run", "september-2022", "--sample", "0.0005"],
    "sweep": ["sweep", "{sweep}", "--workers", "1"],
    "compare": [
        *("compare", "september-2022", "no-task-force", "--replications", "1", "--no-shapley"),
        *("--sample", "0.0005", "--workers", "1"),
    ],
    "check": ["check", "september-2022"],
}


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny sweep, whose file can be run again."""
    folder = tmp_path_factory.mktemp("swept") / "out"
    KINDS["sweep"](folder, 1)
    return folder


def launched(command: list[str], folder: Path, swept: Path, **environment: str) -> str:
    """Run a command where modules of Unix are missing; return what it printed."""
    arguments = [part.format(sweep=swept / "sweep.yaml") for part in command]
    if command[0] != "check":
        arguments += ["--out", str(folder / "out")]
        arguments += ["--no-figures"] * (command[0] != "compare")
    code = (
        f"{BLOCKED}\nfrom flowsim.cli import main\nsys.argv = ['flowsim', *{arguments!r}]\nmain()"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr.decode(errors="replace")
    return result.stdout.decode(environment.get("PYTHONIOENCODING", "utf-8"))


def test_the_package_is_imported_without_modules_of_unix():
    code = f"{BLOCKED}\nimport flowsim.run\nfrom flowsim.machine import peak_memory_mb\n"
    code += "assert peak_memory_mb() is None"
    subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True
    )


@pytest.mark.parametrize(
    ("command", "page"),
    [("run", "cp1252"), ("sweep", "cp1251"), ("compare", "cp866"), ("check", "cp866")],
)
def test_commands_need_no_modules_of_unix_and_print_on_every_code_page(
    command, page, tmp_path, swept
):
    """A letter that a console lacks is a question mark, never an error."""
    assert launched(COMMANDS[command], tmp_path, swept, PYTHONIOENCODING=page)


def test_files_of_results_have_names_that_windows_allows(swept):
    for path in swept.iterdir():
        name = PureWindowsPath(path.name)
        assert not set(path.name) & set('<>:"/\\|?*'), path.name
        assert path.name.partition(".")[0].upper() not in RESERVED
        assert name.name == path.name.rstrip(". ")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (r"C:\Users\Ирина К\50%\a#1.sqlite", "/C:/Users/Ирина К/50%/a#1.sqlite"),
        (r"\\server\share\a.sqlite", "//server/share/a.sqlite"),
    ],
)
def test_stores_are_found_under_paths_of_windows(path, expected):
    """SQLite takes no host in an address, and unquotes the rest."""
    uri = uri_of(PureWindowsPath(path))
    assert unquote(uri.removeprefix("file://")) == expected
    assert not set(uri) & set("?# ")


def test_a_store_may_lie_under_any_name(tmp_path):
    folder = tmp_path / "Ирина К, 50% #1?"
    folder.mkdir()
    with sqlite3.connect(uri_of(folder / "a.sqlite"), uri=True) as db:
        db.execute("CREATE TABLE x (a)")
    db.close()
    assert [path.name for path in folder.iterdir()] == ["a.sqlite"]


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """A stand-in for the functions of the Windows kernel."""

    def get_process_memory_info(_process: object, counters: object, size: int) -> int:
        assert size == ctypes.sizeof(counters._obj)
        counters._obj.bytes_0 = 300 * 1024**2
        return 1

    def global_memory_status(status: object) -> int:
        assert status._obj.size == 64
        status._obj.bytes_1 = 5_000_000_000
        return 1

    made = SimpleNamespace(
        GetCurrentProcess=lambda: 1,
        K32GetProcessMemoryInfo=get_process_memory_info,
        GlobalMemoryStatusEx=global_memory_status,
    )
    with monkeypatch.context() as patched:
        patched.setattr(machine, "_kernel32", lambda: made)
        patched.setattr(machine.sys, "platform", "win32")
        yield made


def test_memory_is_asked_of_the_windows_kernel(kernel):
    assert machine.peak_memory_mb() == 300
    assert machine.free_memory() == 5e9


def test_memory_that_the_kernel_does_not_tell_is_unknown(kernel):
    kernel.K32GetProcessMemoryInfo = kernel.GlobalMemoryStatusEx = lambda *_: 0
    assert machine.peak_memory_mb() is None
    assert machine.free_memory() is None
