"""Folders of results: one manifest, one way in, one process at a time, whatever they hold."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
import tomllib
from contextlib import ExitStack
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from test_run import FIELDS, TINY
from typer.testing import CliRunner

import flowsim
from flowsim import cli, comparison, findings
from flowsim.errors import ResultsError
from flowsim.machine import LIBRARIES
from flowsim.results import folder as folders
from flowsim.results.comparison import Comparison
from flowsim.results.opening import open_calibration, open_comparison, open_run, open_sweep
from flowsim.results.run import Run
from flowsim.results.sweep import SweepResults
from flowsim.sweep import run_sweep

ROOT = Path(__file__).resolve().parents[1]
A, B = "september-2022", "no-task-force"
SWEEP = {
    "name": "two-points",
    "title": "Two points",
    "scenario": A,
    "parameters": {"choice.lambda": {"values": [0.3, 0.6]}},
    "design": {"kind": "grid"},
    "replications": 1,
    "sample": TINY,
    "outputs": {"departures": {"place": "RU"}},
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run, a comparison and a sweep, as small as they can be."""
    place = tmp_path_factory.mktemp("results")
    made = {kind: place / kind for kind in ("run", "comparison", "sweep")}
    flowsim.run(A, sample=TINY, out=made["run"])
    comparison.compare([A, B], replications=1, sample=TINY, shapley=False, out=made["comparison"])
    from flowsim.sweep.file import read_sweep

    run_sweep(read_sweep(SWEEP), made["sweep"], workers=1)
    return made


def test_a_folder_is_opened_for_what_it_is(made):
    kinds = {"run": Run, "comparison": Comparison, "sweep": SweepResults}
    for kind, folder in made.items():
        found = flowsim.open(folder)
        assert type(found) is kinds[kind]
        assert found.kind == kind
        assert found.scenario.name == A
        assert isinstance(found.daily, pd.DataFrame)
        assert findings.summary(found)


@pytest.mark.parametrize("kind", ["run", "comparison", "sweep"])
def test_json_is_the_findings_and_nothing_else(made, kind, tmp_path):
    file = tmp_path / "sweep.yaml"
    file.write_text(json.dumps(SWEEP), encoding="utf-8")  # YAML as well
    small = ("--sample", str(TINY))
    commands = {
        "run": ("run", A, *small, "--no-figures"),
        "comparison": ("compare", A, B, *small, "--replications", "1", "--posterior", "0"),
        "sweep": ("sweep", str(file), "--no-figures"),
    }
    done = CliRunner().invoke(cli.app, [*commands[kind], "--json", "--out", str(made[kind])])
    assert (done.exit_code, done.stderr) == (0, "")
    data, found = json.loads(done.stdout), flowsim.open(made[kind])
    assert data == json.loads(json.dumps(findings.as_data(found)))
    assert (data["kind"], data["folder"]) == (kind, made[kind].as_posix())
    text = " ".join(findings.summary(found).split())
    first = data["findings"][0]["sentences"][0]
    assert first in text
    assert data["findings"][-1]["sentences"]


def test_every_manifest_has_the_same_fields_first(made):
    for kind, folder in made.items():
        manifest = json.loads((folder / "manifest.json").read_text())
        assert tuple(manifest)[: len(FIELDS)] == FIELDS
        assert tuple(manifest)[-2:] == ("tables", "complete")
        assert manifest["kind"] == kind
        assert set(manifest["versions"]) >= {"flowsim", "python", *LIBRARIES}
        assert "unknown" not in manifest["versions"].values()
        hashes = {name: folders.digest_of(folder / name) for name in manifest["tables"]}
        assert hashes == manifest["tables"]


def test_every_library_is_in_the_manifest_or_decides_no_number():
    """Who adds a dependency says which."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.split(r"[<>=;\s]", line)[0] for line in project["dependencies"]}
    show_and_load = {"jinja2", "lazy-loader", "matplotlib", "networkx", "rich", "typer", "typst"}
    assert needed - show_and_load == set(LIBRARIES)


@pytest.mark.parametrize(
    ("opener", "given", "words"),
    [
        (open_run, "sweep", "holds a sweep, not a run"),
        (open_comparison, "run", "holds a run, not a comparison"),
        (open_sweep, "comparison", "holds a comparison, not a sweep"),
        (open_calibration, "run", "holds a run, not a calibration"),
    ],
)
def test_a_folder_of_another_kind_is_named_for_what_it_is(made, opener, given, words):
    with pytest.raises(ResultsError, match=words):
        opener(made[given])


def test_a_run_is_not_written_over_another_kind(made):
    for kind in ("comparison", "sweep"):
        with pytest.raises(ResultsError, match=rf"holds a {kind} of .*, not a run of {A}"):
            flowsim.run(A, sample=TINY, out=made[kind])
        assert flowsim.open(made[kind]).kind == kind


def test_what_is_not_finished_is_told_with_what_to_do(made, tmp_path):
    (tmp_path / "scenario.yaml").write_bytes((made["run"] / "scenario.yaml").read_bytes())
    with pytest.raises(ResultsError, match=r"not a finished run .*; run it again"):
        flowsim.open(tmp_path)
    (tmp_path / "manifest.json").write_text('{"kind": "sweep", "complete": false}')
    with pytest.raises(ResultsError, match=r"not a finished sweep .* same command .*unfinished"):
        flowsim.open(tmp_path)
    (tmp_path / "manifest.json").write_text('{"kind": "poem", "complete": true}')
    with pytest.raises(ResultsError, match="holds a poem"):
        flowsim.open(tmp_path)


def test_tables_are_read_when_first_asked_for(made, monkeypatch):
    found = flowsim.open(made["run"])
    assert found.known == {}
    assert len(found.outcomes)
    assert set(found.known) == {"outcomes"}
    queues = found.hours("queue_persons")
    assert set(queues["measure"]) == {"queue_persons"}
    assert "hourly" not in found.known


# ------------------------------------------------------------------ folders from strangers


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"replications": "two"}, "has replications: 'two', as flowsim writes none"),
        ({"scenarios": ["x"]}, "has scenarios: ['x'], as flowsim writes none"),
        ({"versions": [1]}, "has versions: [1], as flowsim writes none"),
        ({"title": "\x1b]0;x\x07"}, r"has title: \x1b]0;x\x07, as flowsim writes none"),
        ({"tables": ["x"]}, "has no hashes of its tables"),
        ({"tables": {"../../secret": "0" * 64}}, "secret is missing"),
        ({"complete": "["}, "is not a finished run"),
        ({"kind": "opera"}, "holds a opera, not a"),
    ],
)
def test_a_manifest_that_flowsim_would_not_write_is_refused(made, tmp_path, change, message):
    folder = shutil.copytree(made["run"], tmp_path / "run")
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    if change == {"complete": "["}:
        path.write_text("[" * 100_000)
    with pytest.raises(ResultsError, match=re.escape(message)):
        flowsim.open(folder)


# ------------------------------------------------------------------ one process at a time


def test_a_second_process_is_refused_and_leaves_the_first_alone(tmp_path):
    code = "import sys, flowsim; flowsim.run(sys.argv[1], sample=0.0002, out=sys.argv[2])"
    with ExitStack() as first:
        first.enter_context(folders.prepare(tmp_path, "run", [A], force=False))
        done = subprocess.run(
            [sys.executable, "-c", code, A, str(tmp_path)], capture_output=True, text=True
        )
        assert "another process" in done.stderr
        with pytest.raises(ResultsError, match="another process"):
            flowsim.run(A, sample=TINY, out=tmp_path, force=True)
    flowsim.run(A, sample=TINY, out=tmp_path)
    assert not (tmp_path / folders.LOCK).exists()


def test_a_lock_that_a_killed_process_left_is_no_obstacle(tmp_path):
    code = """
import os, sys
from flowsim.results import folder
with folder.prepare(__import__("pathlib").Path(sys.argv[1]), "run", ["x"], False):
    os._exit(9)
"""
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)]).returncode == 9
    assert (tmp_path / folders.LOCK).exists()
    flowsim.run(A, sample=TINY, out=tmp_path)
    assert flowsim.open(tmp_path).kind == "run"


# ------------------------------------------------------------------ many folders as one table


def test_tables_of_scenarios_with_few_and_many_places_open_in_one_call(made, tmp_path):
    """Their columns of names have one type, whatever the number of names; values are the same."""
    flowsim.run("more-destinations", sample=TINY, out=tmp_path / "more")
    for name in ("daily", "hourly", "outcomes"):
        files = [folder / f"{name}.parquet" for folder in (made["run"], tmp_path / "more")]
        together = pyarrow.dataset.dataset(list(map(str, files))).to_table()
        apart = pa.concat_tables([pq.read_table(file) for file in files])
        assert together.schema.field("scenario").type == folders.NAMES
        for column in together.column_names:
            assert plain(together[column]).equals(plain(apart[column])), column
        assert len(pd.read_parquet(files)) == len(together)


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column of names as text."""
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column


def test_a_column_of_names_comes_back_with_its_categories():
    names = [f"place-{n}" for n in range(300)]
    table = pd.DataFrame({"place_id": pd.Categorical(names[:5], names), "value": range(5)})
    back = pd.read_parquet(io.BytesIO(folders.parquet_bytes(table)))
    pd.testing.assert_frame_equal(back, table)
