"""The export for hubs of forecasts is accepted by the rules of the hubverse, schema version 6.

Rules put into our own words: of ``tasks.json`` from github.com/hubverse-org/schemas, v6.0.0 (seen
in hubverse-org/hubUtils, inst/schemas/v6.0.0/tasks-schema.json); of model output from
docs.hubverse.io, "Model output". Where the hubverse's own reader is installed (``hubdata``, from
the Python package index), it reads the hub as well.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from flowsim.cli import app
from flowsim.data.measures import MEASURES
from flowsim.experiments.running import run

SHORT = {"horizon.end": "2022-09-30", "capacities": None}
SOURCE = "https://raw.githubusercontent.com/hubverse-org/schemas/main/v6.0.0/tasks-schema.json"


def strict(properties: dict[str, Any], *optional: str) -> dict[str, Any]:
    """Make the schema of a mapping that has these keys and no others."""
    needed = [key for key in properties if key not in optional]
    return {
        "type": "object",
        "properties": properties,
        "required": needed,
        "additionalProperties": False,
    }


def one_of_two(items: dict[str, Any]) -> dict[str, Any]:
    """Make the schema of a task id: what must be there, and what may."""
    values = {"type": ["array", "null"], "uniqueItems": True, "items": items}
    return strict({"required": values, "optional": values})


TEXT, DATE = {"type": "string"}, {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"}
LEVELS = {"type": "number", "minimum": 0, "maximum": 1}
QUANTILE = strict(
    {
        "output_type_id": strict(
            {"required": {"type": "array", "uniqueItems": True, "items": LEVELS}}
        ),
        "is_required": {"type": "boolean"},
        "value": strict(
            {"type": {"enum": ["double", "integer"]}, "minimum": {"type": "number"}}, "minimum"
        ),
    }
)
TARGET = strict(
    {
        "target_id": TEXT | {"maxLength": 30},
        "target_name": TEXT | {"maxLength": 100},
        "target_units": TEXT | {"maxLength": 100},
        "target_keys": {"type": "object", "minProperties": 1, "maxProperties": 1},
        "target_type": {"enum": ["continuous", "discrete"]},
        "is_step_ahead": {"type": "boolean"},
        "time_unit": {"enum": ["day", "week", "month"]},
    }
)
TASK = strict(
    {
        "task_ids": strict(
            {
                "origin_date": one_of_two(DATE),
                "target": one_of_two(TEXT),
                "location": one_of_two(TEXT),
                "target_end_date": one_of_two(DATE),
            }
        ),
        "output_type": strict({"quantile": QUANTILE}),
        "target_metadata": {"type": "array", "items": TARGET},
    }
)
ROUND = strict(
    {
        "round_id_from_variable": {"type": "boolean"},
        "round_id": TEXT,
        "model_tasks": {"type": "array", "items": TASK},
        "submissions_due": strict({"start": DATE, "end": DATE}),
    }
)
RULES = strict({"schema_version": {"const": SOURCE}, "rounds": {"type": "array", "items": ROUND}})


def task(rows: pd.DataFrame) -> dict[str, Any]:
    """Describe what a file has of one target, as the task of a hub that takes it."""
    target = str(rows["target"].iloc[0])
    ids = ("origin_date", "target", "location", "target_end_date")
    values = {name: sorted(set(rows[name].astype(str))) for name in ids}
    return {
        "task_ids": {name: {"required": None, "optional": found} for name, found in values.items()},
        "output_type": {
            "quantile": {
                "output_type_id": {"required": sorted(set(rows["output_type_id"]))},
                "is_required": True,
                "value": {"type": "double", "minimum": 0},
            }
        },
        "target_metadata": [
            {
                "target_id": target,
                "target_name": MEASURES[target].words or target,
                "target_units": MEASURES[target].unit,
                "target_keys": {"target": target},
                "target_type": "continuous",
                "is_step_ahead": True,
                "time_unit": "day",
            }
        ],
    }


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a hub whose only model is a run of ours, exported by the command."""
    place = tmp_path_factory.mktemp("hub")
    folder = place / "run"
    run("september-2022", sample=0.0005, changes=SHORT, replications=3, out=folder)
    made = CliRunner().invoke(app, ["export", str(folder), "--to", "hub"])
    assert made.exit_code == 0, made.output
    [file] = folder.glob("*-flowsim-*.csv")
    round_id, team, model = re.fullmatch(r"(\d{4}-\d\d-\d\d)-(\w+)-(\w+)", file.stem).groups()
    output = place / "model-output" / f"{team}-{model}"
    output.mkdir(parents=True)
    file.rename(output / file.name)
    rows = pd.read_csv(output / file.name, keep_default_na=False)
    assert set(rows["origin_date"]) == {round_id}
    tasks = {
        "schema_version": SOURCE,
        "rounds": [
            {
                "round_id_from_variable": True,
                "round_id": "origin_date",
                "model_tasks": [task(part) for _, part in rows.groupby("target", sort=False)],
                "submissions_due": {"start": round_id, "end": round_id},
            }
        ],
    }
    (place / "hub-config").mkdir()
    (place / "hub-config" / "tasks.json").write_text(json.dumps(tasks), encoding="utf-8")
    admin = {"file_format": ["csv"], "model_output_dir": "model-output"}
    (place / "hub-config" / "admin.json").write_text(json.dumps(admin), encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def rows(hub: Path) -> pd.DataFrame:
    [file] = hub.glob("model-output/*/*.csv")
    return pd.read_csv(file, keep_default_na=False)


def test_a_hub_that_takes_our_targets_meets_the_schema(hub: Path) -> None:
    tasks = json.loads((hub / "hub-config" / "tasks.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(RULES)
    assert [error.message for error in Draft202012Validator(RULES).iter_errors(tasks)] == []
    tasks["rounds"][0]["model_tasks"][0]["target_metadata"][0]["target_id"] = 31 * "x"
    assert list(Draft202012Validator(RULES).iter_errors(tasks))


def test_the_columns_are_the_task_ids_and_those_of_every_model_output(rows: pd.DataFrame) -> None:
    ids = ["origin_date", "target", "location", "target_end_date"]
    assert list(rows.columns) == [*ids, "output_type", "output_type_id", "value"]
    assert set(rows["output_type"]) == {"quantile"}
    assert not rows.duplicated([*ids, "output_type_id"]).any()
    assert (rows != "").all(axis=None)


def test_each_task_has_every_level_once_and_quantiles_never_fall(rows: pd.DataFrame) -> None:
    levels = sorted(set(rows["output_type_id"]))
    assert 0 <= levels[0] < levels[-1] <= 1
    ids = ["origin_date", "target", "location", "target_end_date"]
    for _, part in rows.sort_values("output_type_id").groupby(ids):
        assert part["output_type_id"].tolist() == levels
        assert part["value"].is_monotonic_increasing
    assert rows["value"].ge(0).all()


def test_the_hubverse_reads_it(hub: Path, rows: pd.DataFrame) -> None:
    hubdata = pytest.importorskip("hubdata", reason="the hubverse's reader is not installed")
    connected = hubdata.connect_hub(hub.as_posix())
    read = connected.get_dataset().to_table().to_pandas()
    assert len(read) == len(rows)
    assert read["value"].sum() == pytest.approx(rows["value"].sum())
    assert str(connected.schema.field("output_type_id").type) == "double"
    assert str(connected.schema.field("target_end_date").type) == "date32[day]"
    assert set(read["model_id"]) == {"flowsim-september_2022"}
