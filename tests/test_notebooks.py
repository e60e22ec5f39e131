"""The notebooks run from start to end, on fewer men than they ask for."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
QUICK = ("02", "04", "06")
FEWER = {"SAMPLE": "0.001", "REPLICATIONS": "2", "DRAWS": "2"}


def read(path: Path) -> Any:
    """Read a notebook, with fewer men, replications and draws than it asks for."""
    notebook = nbformat.read(path, as_version=4)
    [parameters] = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    for name, value in FEWER.items():
        parameters.source = re.sub(rf"(?m)^{name} = \S+", f"{name} = {value}", parameters.source)
    return notebook


def test_there_are_six_without_outputs_each_with_one_cell_of_parameters():
    assert [path.name[:2] for path in NOTEBOOKS] == [f"{n:02}" for n in range(1, 7)]
    for path in NOTEBOOKS:
        notebook = read(path)
        assert not any(cell.get("outputs") for cell in notebook.cells), f"{path.name} has outputs"
        assert any("SAMPLE = 0.001" in cell.source for cell in notebook.cells)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_a_notebook_imports_is_there(path: Path):
    code = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "code")
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            exec(ast.unparse(node), {})  # an ImportError names what is gone


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=path.stem, marks=[] if path.name[:2] in QUICK else pytest.mark.slow)
        for path in NOTEBOOKS
    ],
)
def test_the_code_of_a_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run the cells without a kernel, which would take longer to start than they do."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for cell in read(path).cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, path.name, "exec"), names)
    assert plt.get_fignums()
    plt.close("all")


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_in_a_kernel_and_draws(path: Path, tmp_path: Path, monkeypatch):
    monkeypatch.delenv("MPLBACKEND", raising=False)  # commands of other tests set it for themselves
    client = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    notebook, place = read(path), {"metadata": {"path": tmp_path}}
    client.NotebookClient(notebook, timeout=300, kernel_name="python3", resources=place).execute()
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    assert any("image/png" in out.get("data", {}) for out in outputs)
    text = "".join(out.get("text", "") for out in outputs)
    assert path.name[:2] != "01" or "He hears of more checks on the way to Georgia" in text
