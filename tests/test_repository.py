"""What is said about the project agrees with the project."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import flowsim

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MODULES = sorted((ROOT / "flowsim").rglob("*.py"))


def tracked() -> list[Path]:
    """List the tracked files; skip where there is no git."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.split("\0") if name]


def public_functions(node: ast.AST) -> list[ast.FunctionDef]:
    """List functions and methods, but not helpers within functions, without an underscore."""
    found = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef) and not child.name.startswith("_"):
            found.append(child)
        elif isinstance(child, ast.ClassDef):
            found += public_functions(child)
    return found


def test_the_version_is_the_same_everywhere():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"\nversion: {flowsim.__version__}\n" in citation
    assert re.search(r"^## (\S+)", changelog, re.M)[1] == flowsim.__version__


def test_each_version_in_the_changelog_begins_with_results():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.split(r"^## ", changelog, flags=re.M)[1:]
    assert versions
    assert all(re.search(r"^### (.+)", text, re.M)[1] == "Results" for text in versions)


def test_no_machine_paths_or_registry_hosts_in_tracked_files():
    # written in pieces, so that this file does not contain what it looks for
    words = ["pypi" + r"\.org", "files" + r"\.pythonhosted", "registry" + r"\.npmjs"]
    words += ["deb" + r"\.debian", "conda" + r"\.anaconda", "/" + "work/", "/" + "farm/"]
    words += ["/" + "tmp/", "/" + "root/"]
    forbidden = re.compile("|".join(words))
    files = [path for path in tracked() if path.suffix not in {".png", ".ttf"} and path.exists()]
    found = [path for path in files if forbidden.search(path.read_text("utf-8", "replace"))]
    assert found == []


def test_the_wheel_carries_the_pages_that_help_sources_and_messages_cite():
    said = "".join(
        path.read_text("utf-8")
        for folder, ending in (("flowsim", "*.py"), ("scenarios", "*.yaml"))
        for path in (ROOT / folder).rglob(ending)
    )
    cited = {f"docs/{name}" for name in re.findall(r"docs/([A-Za-z-]+\.md)", said)}
    cited |= {"docs/ODD.md"} if re.search(r"ODD \d", said) else set()
    build = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]
    assert cited <= build["targets"]["wheel"]["force-include"].keys()


def test_the_makes_of_the_readme_are_in_the_makefile():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.M))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", README, re.M))
    assert {"run", "test"} <= named <= targets


def test_the_files_the_readme_names_exist():
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    named = re.findall(r"`(flowsim/[a-z_/]+(?:\.py)?)`", README)
    assert links
    assert named
    assert [name for name in links + named if not (ROOT / name).exists()] == []


def test_the_python_of_the_readme_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = re.search(r"```python\n(.*?)```", README, re.S)[1]
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    assert len(names["run"].daily) > 0
    assert list(tmp_path.iterdir()) == [], "nothing is written unless asked for"


def test_ci_calls_the_test_command_of_the_readme():
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_and_its_public_functions_say_what_they_are_for(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    silent = [node.name for node in public_functions(tree) if not ast.get_docstring(node)]
    assert silent == []


def test_hooks_call_what_make_check_calls_and_fetch_nothing():
    hooks = YAML(typ="safe").load(ROOT / ".pre-commit-config.yaml")["repos"]
    assert [repo["repo"] for repo in hooks] == ["local"]
    called = {hook["entry"].split()[0:3][-1] for hook in hooks[0]["hooks"]}
    check = re.search(r"^check:.*?\n\n", (ROOT / "Makefile").read_text("utf-8"), re.M | re.S)[0]
    assert called == {"ruff", "mypy", ".venv/bin/lint-imports"}
    assert all(name.removeprefix(".venv/bin/") in check for name in called)


def test_importing_flowsim_does_no_work(python):
    code = (
        "import sys; before = set(sys.modules); import flowsim; print(*set(sys.modules) - before)"
    )
    loaded = {name.split(".")[0] for name in python("-c", code).stdout.split()}
    assert "flowsim" in loaded
    assert not loaded & {"numpy", "pandas", "pydantic", "mesa", "matplotlib", "typer", "rich"}


def test_run_stays_the_function_whatever_is_imported_first(python):
    """``flowsim.run`` is a function that lives in a file of the same name."""
    code = "import flowsim; import flowsim.run; from flowsim.run import Run; print(flowsim.run)"
    assert python("-c", code).stdout.startswith("<function run")


def test_the_promised_names_are_there():
    assert {name for name in flowsim.__all__ if getattr(flowsim, name, None) is None} == set()
    with pytest.raises(AttributeError, match="No flowsim attribute walk"):
        flowsim.walk  # noqa: B018


def test_no_file_of_the_package_is_ignored():
    """What git ignores, the wheel leaves out."""
    tracked()  # or skip
    names = "\0".join(str(path) for path in MODULES)
    command = ["git", "check-ignore", "--no-index", "-z", "--stdin"]
    found = subprocess.run(command, cwd=ROOT, input=names, capture_output=True, text=True)
    assert found.stdout == ""


def test_scenarios_travel_with_the_wheel():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"]["scenarios"] == "flowsim/scenarios"
