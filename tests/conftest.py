"""What several test files share."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flowsim.model.flow_model import FlowModel
from flowsim.model.states import NEVER
from flowsim.types import Ints

ROOT = Path(__file__).resolve().parents[1]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Begun in the background, as CI may do: Ctrl-C is ignored here and in every process begun
    # from here, and tests that send it would wait for ever.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def passed_at(model: FlowModel) -> Ints:
    """Return the second at which pressure toward each destination reached each man, (N, J)."""
    wishes, n = model.wishes, len(model.population)
    out = np.full((n, len(model.world.destinations)), NEVER)
    out[wishes["row"], wishes["where"]] = wishes["passed_at"]
    return out


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, so that messages show short names."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def python() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a fresh Python from a folder of one's choice; give what it printed and its exit code."""

    def run(
        *arguments: str, cwd: Path | None = None, package: Path = ROOT
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            capture_output=True,
            text=True,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(package)},
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium: the system's, else Playwright's own; without one the test is skipped."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    own = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    with playwright.sync_playwright() as started:
        try:
            opened = started.chromium.launch(executable_path=own, args=["--no-sandbox"])
        except playwright.Error as reason:
            pytest.skip(f"no Chromium to test with: {str(reason).splitlines()[0]}")
        yield opened
        opened.close()
