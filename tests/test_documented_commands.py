"""Every command that the documents show is one, and those of the guides run in order."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from flowsim import cli
from flowsim.scenario.files import CALIBRATION, KINDS, SCENARIO, SWEEP, shipped

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))]
GUIDES = ("tutorial.md", "scenarios.md", "sweeps.md", "observations.md", "appearance.md")
FENCE = re.compile(r"^```(\S*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`(flowsim [a-z]+ [^`]+)`")
FILE = re.compile(
    r"^`(\S+\.(?:csv|yaml|mplstyle))`:\n\n```\w+\n(.*?)^```", re.DOTALL | re.MULTILINE
)
PLACEHOLDER = re.compile(r"\b[A-Z]+\b|\.\.\.|--help")
LONG = ("calibrate",)  # minutes, whatever the sample: only parsed here
COMMANDS = typer.main.get_command(cli.app)


def shown(page: Path) -> list[str]:
    """Return the commands of a page's blocks, in order."""
    fences = FENCE.findall(page.read_text(encoding="utf-8"))
    blocks = "".join(text for language, text in fences if not language)
    lines = blocks.replace("\\\n", " ").splitlines()
    return [line.split("  ")[0].strip() for line in lines if line.startswith("flowsim ")]


def in_text(page: Path) -> list[str]:
    """Return the commands that stand in sentences, in full."""
    found = INLINE.findall(page.read_text(encoding="utf-8").replace("\n", " "))
    return [line for line in found if not PLACEHOLDER.search(line)]


def write_files(text: str, *kinds: str) -> None:
    """Write the files of some kinds that a page shows in full."""
    for file, content in FILE.findall(text):
        if file.endswith(kinds):
            Path(file).write_text(content, encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_are_known_with_all_their_options(page: Path):
    for line in [*shown(page), *in_text(page)]:
        _, name, *arguments = shlex.split(line)
        assert name in COMMANDS.commands, f"{page.name}: {line}"
        COMMANDS.commands[name].make_context(name, arguments)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_shipped_files_that_commands_name_are_shipped(page: Path):
    kinds = {"run": SCENARIO, "compare": SCENARIO, "sweep": SWEEP, "calibrate": CALIBRATION}
    for line in shown(page):
        _, name, *arguments = shlex.split(line)
        for word in arguments[:1] if name in kinds else ():
            if re.fullmatch(r"[a-z][a-z0-9-]+", word):
                assert word in shipped(KINDS[kinds[name]].folder), f"{page.name}: {line}"


@pytest.mark.slow
@pytest.mark.parametrize("name", GUIDES)
def test_the_commands_of_a_guide_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run a guide from top to bottom, on fewer men, with the files that it shows in full."""
    monkeypatch.chdir(tmp_path)
    text = (DOCS / name).read_text(encoding="utf-8")
    assert shown(DOCS / name)
    write_files(text, "mplstyle")
    shutil.copytree(ROOT / "scenarios", "scenarios")
    for line in shown(DOCS / name):
        _, command, *arguments = shlex.split(re.sub(r"--sample \S+", "--sample 0.0005", line))
        if command in LONG:
            continue
        if command in ("run", "sweep") and "--sample" not in arguments:
            arguments += ["--sample", "0.0005"]
        done = CliRunner().invoke(cli.app, [command, *arguments])
        assert done.exit_code == 0, f"{line}\n{done.output}"
        if command == "new":
            write_files(text, "csv", "yaml")
