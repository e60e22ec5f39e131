"""Docstrings speak the field's language: what they open with, and what they say of arrays."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "flowsim"
FILES = sorted(PACKAGE.rglob("*.py"))
NOT_TO_OPEN_WITH = {"give", "gives", "say", "says", "tell", "tells", "told"}
ARRAYS = ("Floats", "Ints", "Bools", "NDArray", "DataFrame", "Series")
DESCRIBED = [
    path
    for path in FILES
    if path.parent == PACKAGE
    or path.relative_to(PACKAGE).parts[0] in {"model", "results", "experiments"}
]


def name_of(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def public_functions(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.FunctionDef]]:
    """Find functions and methods without an underscore, but not helpers within functions."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef) and not child.name.startswith("_"):
            yield from public_functions(child, f"{child.name}.")
        elif isinstance(child, ast.FunctionDef) and not child.name.startswith("_"):
            yield prefix + child.name, child


def takes_arrays(function: ast.FunctionDef) -> bool:
    given = function.args
    every = [*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs]
    written = [ast.unparse(a.annotation) for a in every if a is not None and a.annotation]
    return any(word in annotation for annotation in written for word in ARRAYS)


def sections(function: ast.FunctionDef) -> set[str]:
    """Return the sections that a docstring lacks."""
    text = ast.get_docstring(function) or ""
    wanted = {"Parameters"}
    if function.returns is not None and ast.unparse(function.returns) != "None":
        wanted.add("Returns")
    return {section for section in wanted if f"{section}\n---" not in text}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_docstrings_open_with_the_verbs_of_the_field(path: Path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    texts = [ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, documented)]
    first = {text.split()[0].strip(".,:;").lower() for text in texts if text}
    assert first & NOT_TO_OPEN_WITH == set()


@pytest.mark.parametrize("path", DESCRIBED, ids=name_of)
def test_functions_that_take_arrays_describe_them(path: Path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = {n: sections(f) for n, f in public_functions(tree) if takes_arrays(f)}
    assert {name: lacking for name, lacking in found.items() if lacking} == {}
