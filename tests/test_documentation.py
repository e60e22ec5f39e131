"""What the documents say is so: tables, files, functions and snippets."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from flowsim.calibration.file import calibration_schema, read_calibration
from flowsim.scenario import assumptions, json_schema, load
from flowsim.scenario.policies import KINDS
from flowsim.sweep.file import read_sweep, sweep_schema
from flowsim.sweep.plan import make_plan

ROOT = Path(__file__).resolve().parents[1]
ODD = ROOT / "docs" / "ODD.md"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMED_FILE = re.compile(r"`((?:[\w-]+/)*[\w-]+\.(?:py|csv|yaml|md|json|geojson))(?::([\w.,\s]+))?`")
LINK = re.compile(r"\]\(([^)#:\s]+)\)")
SNIPPET = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
YAML = re.compile(r"^```yaml\n(.*?)^```", re.DOTALL | re.MULTILINE)
HEADINGS = [
    "## 1. Purpose and patterns",
    "## 2. Entities, state variables and scales",
    "## 3. Process overview and scheduling",
    "## 4. Design concepts",
    "## 5. Initialisation",
    "## 6. Input data",
    "## 7. Submodels",
]
CONCEPTS = [
    "Basic principles",
    "Emergence",
    "Adaptation",
    "Objectives",
    "Learning",
    "Prediction",
    "Sensing",
    "Interaction",
    "Stochasticity",
    "Collectives",
    "Observation",
]


@pytest.fixture(scope="module")
def tables() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "docs" / "make_tables.py"))


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "docs" / "make_reference.py"))


def test_parameter_tables_are_those_of_the_baseline(tables: dict[str, Any]):
    text = ODD.read_text(encoding="utf-8")
    assert text == tables["updated"](text, load("september-2022")), (
        "docs/ODD.md is out of date; run: python docs/make_tables.py"
    )


def test_every_parameter_of_the_baseline_stands_in_a_table():
    text = ODD.read_text(encoding="utf-8")
    lines = {line.split("`")[1]: line for line in text.splitlines() if line.startswith("| `")}
    for row in assumptions(load("september-2022")):
        key = row.key
        if key.startswith("crossings."):
            key = key.rpartition(".")[0]
        assert key in lines, f"{row.key} is not in docs/ODD.md"
        assert row.value in lines[key]


def test_all_elements_and_design_concepts_are_there_in_order():
    text = ODD.read_text(encoding="utf-8")
    submodels = [f"### 7.{n} " for n in range(1, 10)]
    places = [text.index(heading) for heading in [*HEADINGS, *submodels]]
    assert places == sorted(places)
    for concept in CONCEPTS:
        assert f"**{concept}.**" in text


def test_sources_cite_sections_that_exist():
    text = ODD.read_text(encoding="utf-8")
    for path in sorted((ROOT / "scenarios").glob("*.yaml")):
        for section in re.findall(r"ODD (\d\.\d)", path.read_text(encoding="utf-8")):
            assert f"### {section} " in text, f"{path.name} cites ODD {section}"


@pytest.mark.parametrize("schema", [json_schema, sweep_schema, calibration_schema])
def test_every_key_of_a_file_is_described_and_any_validator_takes_the_schema(schema: Any):
    """Validators refuse blanks in names of ``$defs``, strict ones keywords that are not theirs."""
    schema = schema()
    assert '"discriminator"' not in json.dumps(schema)
    whole = schema.get("else", schema)
    for name, part in [("the file", whole), *schema["$defs"].items()]:
        assert re.fullmatch(r"[A-Za-z0-9_.-]+|the file", name)
        for key, field in part.get("properties", {}).items():
            assert field.get("description") or key == "kind", f"{name}: {key}"


def test_every_page_is_in_the_contents_of_the_site():
    contents = (ROOT / "docs" / "index.md").read_text(encoding="utf-8").splitlines()
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")} - {"index"}
    assert pages <= set(contents), "name the page in a toctree of docs/index.md"


def test_the_references_are_those_of_the_schemas(reference: dict[str, Any]):
    for name in reference["PAGES"].values():
        text = (ROOT / "docs" / name).read_text(encoding="utf-8")
        assert reference["updated"](text) == text, (
            f"docs/{name} is out of date; run: python docs/make_reference.py"
        )


@pytest.mark.parametrize("kind", ["scenario", "sweep", "calibration"])
def test_every_key_of_a_reference_has_an_example(reference: dict[str, Any], kind: str):
    made = reference["Reference"](
        kind, (ROOT / "docs" / reference["PAGES"][kind]).read_text("utf-8")
    )
    for name, part in {"": made.whole, **made.parts}.items():
        for key, field in part["properties"].items():
            inside = (name and made._is_number(name)) or "](#" in made.says(field) or key == "kind"
            inside = inside or key == "drawn"  # written by flowsim, not by users
            assert inside or made.example(name, key, field), f"{name}: no example of {key}"


@pytest.mark.parametrize(
    ("page", "fewest"), [("scenarios.md", 5), ("sweeps.md", 5), ("calibrations.md", 1)]
)
def test_files_shown_in_full_are_sound(
    page: str, fewest: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    for name, table in re.findall(r"`(\S+\.csv)`:\n\n```text\n(.*?)```", text, re.DOTALL):
        Path(name).write_text(table, encoding="utf-8")
    shown = [block for block in YAML.findall(text) if block.startswith("name: ")]
    for block in shown:
        Path("shown.yaml").write_text(block, encoding="utf-8")
        if "\ndesign: " in block:
            assert len(make_plan(read_sweep("shown.yaml")))
        elif "\nbudgets:" in block:
            read_calibration("shown.yaml")
        else:
            load("shown.yaml")
    assert len(shown) >= fewest


def test_policies_shown_alone_are_sound(reference: dict[str, Any]):
    """Each example of a kind holds in the baseline without other policies of that kind."""
    made = reference["Reference"]("scenario", (ROOT / "docs" / "scenarios.md").read_text("utf-8"))
    shown = [entry for entry in made.entries.values() if "at" in str(entry)]
    assert len(shown) >= len(KINDS) - 2
    base = load("more-destinations")
    for entry in shown:
        [(name, policy)] = entry.items()
        if "kind" in policy and policy["kind"] in KINDS:
            same = {n for n, p in base.policies.items() if p.kind == policy["kind"] and n != name}
            gone = {f"policies.{other}": None for other in same}
            visa = {"documents.georgian-visa": {"name": "visa", "share": 0.1}}
            load("more-destinations", gone | visa | {f"policies.{name}": policy})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_and_functions_named_exist(page: Path):
    """Documents name files as `folder/file.py`, functions as `folder/file.py:function`."""
    for file, names in NAMED_FILE.findall(page.read_text(encoding="utf-8")):
        if "/" not in file:  # a file of a results folder, or of the reader's own
            continue
        path = ROOT / file
        assert path.is_file(), f"{page.name} names {file}"
        for name in re.split(r"[,\s]+", names.strip(" .")) if names else []:
            last = re.escape(name.rpartition(".")[2])
            found = re.search(rf"(?:def|class) {last}\b", path.read_text(encoding="utf-8"))
            assert found, f"{page.name} names {name} in {file}"


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path):
    lines = page.read_text(encoding="utf-8").splitlines()
    prose = "\n".join(line for line in lines if not line.startswith("    "))
    for target in LINK.findall(prose):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_in_the_documents_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for snippet in SNIPPET.findall(page.read_text(encoding="utf-8")):
        exec(compile(snippet, str(page), "exec"), {})
