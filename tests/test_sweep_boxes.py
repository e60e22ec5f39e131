"""Boxes hold the outcome that they should, where it is known beforehand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import qmc
from test_sweep_running import finished  # noqa: F401
from typer.testing import CliRunner

from flowsim.cli import app
from flowsim.errors import ResultsError
from flowsim.figures import draw_all
from flowsim.sweep import run_sweep
from flowsim.sweep.boxes import discover, search


@pytest.fixture(scope="module")
def design() -> pd.DataFrame:
    unit = qmc.Sobol(3, rng=1).random(512)
    design = pd.DataFrame(unit, columns=["a", "b", "c"])
    return design.assign(kind=np.where(np.arange(512) % 3 == 0, "x", "y"))


def test_a_corner_is_found_and_what_does_nothing_is_not_bounded(design: pd.DataFrame) -> None:
    hit = (design["a"] > 0.6) & (design["b"] < 0.4)
    found = search(design, hit.to_numpy(dtype=float))
    assert set(found.box.limits) == {"a", "b"}
    assert found.box.limits["a"].low == pytest.approx(0.6, abs=0.06)
    assert found.box.limits["b"].high == pytest.approx(0.4, abs=0.06)
    assert found.box.coverage > 0.9
    assert found.box.density > 0.85
    assert found.share == pytest.approx(0.16, abs=0.01)


def test_the_numbers_of_a_box_are_those_of_its_points(design: pd.DataFrame) -> None:
    hit = ((design["a"] > 0.3) & (design["a"] < 0.7)).to_numpy(dtype=float)
    found = search(design, hit)
    limit = found.box.limits["a"]
    inside = ((design["a"] > limit.low) & (design["a"] < limit.high)).to_numpy()
    assert found.box.support == inside.sum()
    assert found.box.coverage == pytest.approx(hit[inside].sum() / hit.sum())
    assert found.box.density == pytest.approx(hit[inside].mean())
    assert list(found.table()["points"]) == sorted(found.table()["points"], reverse=True)
    assert found.path[0].coverage == 1
    assert found.path[0].density == pytest.approx(found.share)


def test_names_of_cases_are_bounded_too(design: pd.DataFrame) -> None:
    found = search(design, (design["kind"] == "x").to_numpy(dtype=float))
    assert set(found.box.limits) == {"kind"}
    assert found.box.limits["kind"].among == ("x",)
    assert (found.box.coverage, found.box.density) == (1, 1)


def test_chance_alone_bounds_hardly_anything(design: pd.DataFrame) -> None:
    rng = np.random.default_rng(1)
    bounded = [
        len(search(design, (rng.random(512) < 0.3).astype(float)).box.limits) for _ in range(10)
    ]
    assert np.median(bounded) <= 1


def test_steps_of_a_grid_can_be_peeled() -> None:
    grid = pd.DataFrame([(a, b) for a in range(5) for b in range(8)], columns=["a", "b"])
    found = search(grid, (grid["a"] >= 3).to_numpy(dtype=float))
    assert found.box.limits.keys() == {"a"}
    assert found.box.limits["a"].low == 2.5


def test_too_few_cases_say_nothing(design: pd.DataFrame) -> None:
    for hit in (np.zeros(512), np.ones(512)):
        with pytest.raises(ResultsError, match="are needed to say what leads to it"):
            search(design, hit)


def test_the_command_refuses_what_it_cannot_answer(finished) -> None:  # noqa: F811
    def said(*words: str) -> str:
        done = CliRunner().invoke(app, ["discover", str(finished), *words])
        assert done.exit_code == 2
        return done.stderr

    assert "no measure queues" in said("--output", "queues", "--above", "1")
    assert "more than one place_id; choose of" in said("--output", "entries_men", "--above", "1")
    assert "either above or below" in said("--output", "queue")
    assert "at least 8 with it" in said("--output", "queue", "--above", "1e9")


SWEEP = """
name: boxed
title: Where long queues come from
scenario: september-2022
sample: 0.0005
changes: {horizon.end: 2022-09-30, capacities: null}
parameters:
  population.passport_share: {range: [0.1, 0.6]}
  panic.lag: {range: [0.5, 8]}
design: {kind: latin-hypercube, points: 60}
outputs: {departures: {place: GE}}
figures: [{kind: boxes, output: departures, threshold: 40000}]
"""


@pytest.mark.slow
def test_a_sweep_draws_the_boxes_that_its_file_asks_for(tmp_path: Path) -> None:
    (tmp_path / "boxed.yaml").write_text(SWEEP)
    swept = run_sweep(str(tmp_path / "boxed.yaml"), tmp_path / "out", workers=1)
    drawn = {path.name: path for path in draw_all(tmp_path / "out", ["boxes"])}
    table = pd.read_csv(drawn["boxes.csv"])
    found = discover(swept, "departures", above=40000)
    assert "population.passport_share" in found.box.limits
    taken = table[table["taken"]].iloc[0]
    assert taken["coverage"] == pytest.approx(found.box.coverage, rel=1e-4)
    assert "passport share above" in drawn["boxes.txt"].read_text()


def test_boxes_are_drawn_only_where_a_file_asks(finished) -> None:  # noqa: F811
    with pytest.raises(ResultsError, match="its file asks for none"):
        draw_all(finished, ["boxes"])
