"""Facts of the episode stand in the data, the scenarios and the calibration file, not in code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from conftest import ROOT

from flowsim.data import sources
from flowsim.scenario import load, shipped

FIGURE = re.compile(r"\b[A-Z]{2,3}\d{3}\b")
DATE = re.compile(r"\b20\d\d-\d\d-\d\d|\b\d{1,2} (September|October) 20\d\d|28 September")


def policies() -> set[str]:
    return {name for scenario in shipped() for name in load(scenario).policies}


def strings(path: Path) -> Iterator[tuple[int, str]]:
    """Return each text of a file with its line, docstrings aside."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        node.value
        for one in ast.walk(tree)
        if isinstance(one, documented)
        for node in one.body
        if isinstance(node, ast.Expr)
    }
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and node not in docstrings:
            yield node.lineno, node.value


def test_no_code_names_a_figure_a_crossing_a_policy_or_a_date_of_the_episode() -> None:
    groups = {row.get("group", "") for row in sources.crossings().values()} - {""}
    names = "|".join(map(re.escape, (*sources.crossings(), *groups, *policies())))
    fact = re.compile(rf"{FIGURE.pattern}|{DATE.pattern}|\b({names})\b")
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text[:60]!r}"
        for path in sorted((ROOT / "flowsim").rglob("*.py"))
        for line, text in strings(path)
        if fact.search(text)
    ]
    assert not found, "\n".join(found)
