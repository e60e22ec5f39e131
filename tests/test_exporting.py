"""Tables say what is in them, in the formats of others too."""

from __future__ import annotations

import io
import json
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from test_sweep_running import finished  # noqa: F401
from typer.testing import CliRunner

import flowsim
from flowsim.cli import app
from flowsim.comparison import compare
from flowsim.data.measures import MEASURES
from flowsim.errors import ResultsError
from flowsim.experiments.running import run
from flowsim.results import exporting, measures
from flowsim.results.describing import PACKAGE, columns
from flowsim.results.exporting import crate, hub_quantiles, workbook

SHORT = {"horizon.end": "2022-09-30", "capacities": None}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "short"
    run("september-2022", sample=0.0005, changes=SHORT, replications=2, out=folder)
    return folder


def test_every_measure_has_a_unit() -> None:
    named = {name for some in measures.MEASURES.values() for name in some}
    assert named - set(MEASURES) == set()
    assert all(one.unit and one.meaning for one in MEASURES.values())


def test_every_column_of_every_kind_is_described(
    ran: Path,
    finished: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    compare(
        ["september-2022", "no-task-force"],
        replications=2,
        sample=0.0005,
        workers=1,
        out=tmp_path / "compared",
    )
    known = set(columns())
    for folder in (ran, finished, tmp_path / "compared"):
        package = json.loads((folder / PACKAGE).read_text())
        manifest = json.loads((folder / "manifest.json").read_text())
        listed = {one["path"] for one in package["resources"]}
        assert listed == {n for n in manifest["tables"] if n.endswith((".csv", ".parquet"))}
        parameters = set(manifest.get("parameters", ()))
        for one in package["resources"]:
            read = pd.read_csv if one["format"] == "csv" else pd.read_parquet
            fields = [field["name"] for field in one["schema"]["fields"]]
            assert fields == list(read(folder / one["path"]).columns)
            assert set(fields) - parameters <= known, one["path"]


def test_a_workbook_has_every_table_with_its_units(
    ran: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "MOST_ROWS", len(flowsim.open(ran).daily))
    data, left_out = workbook(flowsim.open(ran))
    assert left_out == ["hourly.parquet"]
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True)
    assert book.sheetnames[:3] == ["about", "columns", "measures"]
    assert {"daily", "outcomes", "summary"} <= set(book.sheetnames)
    units = {row[0]: row[1] for row in book["measures"].iter_rows(values_only=True)}
    assert units["queue_cars"] == "cars"
    daily = list(book["daily"].iter_rows(values_only=True))
    assert len(daily) == len(flowsim.open(ran).daily) + 1


def test_no_text_becomes_a_formula(ran: Path) -> None:
    found = flowsim.open(ran)
    evil = found.summary.assign(unit="=HYPERLINK(1)")
    few = {name: found.table(name)[:9] for name in ("daily", "hourly", "outcomes")}
    data, _ = workbook(found.with_tables(summary=evil, **few))
    sheet = openpyxl.load_workbook(io.BytesIO(data))["summary"]
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert not any(cell.data_type == "f" for cell in cells)


def test_quantiles_are_those_of_the_runs(ran: Path) -> None:
    table = pd.read_csv(io.BytesIO(hub_quantiles(flowsim.open(ran))))
    daily = flowsim.open(ran).daily
    one = (daily["measure"] == "entries") & (daily["place_id"] == "GE")
    values = daily[one & (daily["date"].astype(str).str[:10] == "2022-09-24")]["value"]
    mine = table[(table["target"] == "entries") & (table["location"] == "GE")]
    mine = mine[mine["target_end_date"] == "2022-09-24"].set_index("output_type_id")["value"]
    assert mine[0.5] == pytest.approx(values.median())
    assert mine[0.95] == pytest.approx(values.quantile(0.95))
    assert table["value"].notna().all()


def test_worlds_are_not_mixed_into_one_distribution(finished: Path) -> None:  # noqa: F811
    with pytest.raises(ResultsError, match="the quantiles of a run; this is a sweep"):
        hub_quantiles(flowsim.open(finished))


def test_one_run_has_no_quantiles(tmp_path: Path) -> None:
    single = run("september-2022", sample=0.0005, changes=SHORT, out=tmp_path / "one")
    with pytest.raises(ResultsError, match="--posterior 50"):
        hub_quantiles(single)


def test_a_crate_names_every_file_with_its_hash(ran: Path) -> None:
    graph = json.loads(crate(flowsim.open(ran)))["@graph"]
    by_id = {one["@id"]: one for one in graph}
    tables = flowsim.open(ran).manifest["tables"]
    assert {one["@id"]: one["sha256"] for one in graph if one["@type"] == "File"} == tables
    assert {part["@id"] for part in by_id["./"]["hasPart"]} == set(tables)
    assert by_id["#made"]["object"] == [{"@id": "scenario.yaml"}]
    assert by_id["#flowsim"]["version"] == flowsim.__version__
    for one in graph:  # every reference leads somewhere
        refs = [v["@id"] for v in one.values() if isinstance(v, dict) and "@id" in v]
        assert all(ref in by_id or ref.startswith("https://") for ref in refs)


def test_the_command_writes_each(
    ran: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "MOST_ROWS", 100)
    for form, ending in (("xlsx", "xlsx"), ("hub", "csv"), ("ro-crate", "json")):
        out = tmp_path / f"out.{ending}"
        done = CliRunner().invoke(app, ["export", str(ran), "--to", form, "-o", str(out)])
        assert done.exit_code == 0, done.output
        assert out.stat().st_size > 1000
    assert CliRunner().invoke(app, ["export", str(tmp_path)]).exit_code == 2
