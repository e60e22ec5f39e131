"""The recipes of CONTRIBUTING.md work as they stand, on a copy of the project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
FOLDERS = ("flowsim", "scenarios", "docs", "tests", "notebooks")
RECIPES = {
    title: body
    for title, body in re.findall(r"^## (A [^\n]+)\n(.*?)(?=^## |\Z)", TEXT, re.M | re.S)
}
STEP = re.compile(
    r"^(?:New file|In) `(?P<file>[^`]+)`(?:, after `(?P<after>[^`]+)`)?:\n\n"
    r"```\w+\n(?P<text>.*?)^```|^Check.*?:\n\n```\n(?P<check>.*?)^```",
    re.M | re.S,
)


def copy_of_the_project(to: Path) -> Path:
    """Copy what the recipes touch or read."""
    for name in FOLDERS:
        shutil.copytree(ROOT / name, to / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in ROOT.iterdir():
        if path.is_file() and path.name != ".git":
            shutil.copy(path, to)
    return to


def take(step: re.Match[str], project: Path) -> None:
    """Write a new file, or add lines after the one line that begins as the step names."""
    path = project / step["file"]
    if step["after"] is None:
        assert not path.exists(), f"{step['file']} is there already"
        path.write_text(step["text"], encoding="utf-8")
        return
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    [place] = [n for n, line in enumerate(lines) if line.strip().startswith(step["after"])]
    lines.insert(place + 1, step["text"])
    path.write_text("".join(lines), encoding="utf-8")


def run(command: str, project: Path) -> None:
    """Run one line of a check with this Python."""
    program = {"python": [], "flowsim": ["-m", "flowsim"]}
    first, *rest = command.split()
    done = subprocess.run(
        [sys.executable, *program[first], *rest],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def test_the_recipes_are_there():
    assert set(RECIPES) == {"A policy kind", "A figure", "A mechanism"}


@pytest.mark.parametrize("title", RECIPES)
def test_a_recipe_works_as_it_stands(title: str, tmp_path: Path):
    """Its checks pass; what it adds passes the project's own lint and format."""
    project = copy_of_the_project(tmp_path)
    steps = list(STEP.finditer(RECIPES[title]))
    assert len(steps) >= 3
    for step in steps:
        if step["file"]:
            take(step, project)
    code = [step["file"] for step in steps if (step["file"] or "").endswith(".py")]
    for command in ("check", "format --check"):
        run(f"python -m ruff {command} --no-cache {' '.join(code)}", project)
    for step in steps:
        for command in (step["check"] or "").splitlines():
            run(command, project)
