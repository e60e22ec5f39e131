"""A sweep made in parts on several machines is the sweep that one machine makes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from test_sweep_running import finished, hashes, tiny  # noqa: F401
from typer.testing import CliRunner

from flowsim.cli import app
from flowsim.errors import ResultsError
from flowsim.sweep.plan import make_plan
from flowsim.sweep.shards import Shard, merge, run_shard


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folders = [tmp_path_factory.mktemp("machine") / "part" for _ in range(3)]
    done = [
        run_shard(tiny(), Shard(n, 3), folder, workers=1)[0]
        for n, folder in enumerate(folders, start=1)
    ]
    assert sum(done) == len(make_plan(tiny()))
    assert min(done) > 0
    return folders


def test_parts_together_have_the_bytes_of_one_machine(
    parts: list[Path],
    finished: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    merged = merge(list(reversed(parts)), tmp_path / "merged")
    assert hashes(tmp_path / "merged") == hashes(finished)
    assert merged.manifest["runs"] == len(make_plan(tiny()))


def test_every_run_is_in_one_part() -> None:
    plan = make_plan(tiny(replications=5))
    for of in (1, 3, 7, len(plan)):
        shards = [Shard(n, of) for n in range(1, of + 1)]
        assert all(sum(shard.holds(run, plan) for shard in shards) == 1 for run in plan.runs)
        assert all(any(shard.holds(run, plan) for run in plan.runs) for shard in shards)


def test_what_is_missing_is_said_and_merging_goes_on(
    parts: list[Path],
    finished: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    with pytest.raises(ResultsError, match=r"of 8 runs are missing.*flowsim sweep"):
        merge(parts[:2], tmp_path / "merged")
    merge(parts[2:], tmp_path / "merged")
    assert hashes(tmp_path / "merged") == hashes(finished)


def test_parts_of_other_sweeps_and_other_folders_are_refused(
    parts: list[Path],
    finished: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    run_shard(tiny(replications=1), Shard(1, 4), tmp_path / "other", workers=1)
    cases = [
        ([parts[0], tmp_path / "other"], "another sweep"),
        ([finished], "a finished sweep; expected a folder that --shard left"),
        ([tmp_path], "no part of a sweep"),
        ([], "no parts"),
    ]
    for folders, message in cases:
        with pytest.raises(ResultsError, match=message):
            merge(folders, tmp_path / "merged")
    with pytest.raises(ResultsError, match="one of the parts"):
        merge(parts, parts[0])
    with pytest.raises(ResultsError, match="finished sweep; choose another"):
        run_shard(tiny(), Shard(1, 2), finished)
    with pytest.raises(ResultsError, match="leave some parts empty"):
        run_shard(tiny(), Shard(1, 9), tmp_path / "more")
    for text in ("0/3", "4/3", "3", "a/b", "1/0", "-1/2"):
        with pytest.raises(ResultsError, match="such as 3/10"):
            Shard.read(text)


def test_the_commands_do_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tiny.yaml").write_text(tiny(replications=1).files()["sweep.yaml"])
    for name, text in tiny().files().items():
        if name != "sweep.yaml":
            Path(name).write_text(text)

    def flowsim(*words: str) -> str:
        done = CliRunner().invoke(app, list(words))
        assert done.exit_code == 0, done.output
        return done.output

    for n in (1, 2):
        told = flowsim("sweep", "tiny.yaml", "--shard", f"{n}/2", "--workers", "1")
        assert f"Part {n} of 2: 2 of 4 runs are in results/tiny-{n}-of-2" in told.replace("\\", "/")
    flowsim("merge", "results/tiny-1-of-2", "results/tiny-2-of-2", "--no-figures")
    shutil.rmtree("results/tiny-1-of-2")
    assert flowsim("sweep", "tiny.yaml", "--no-figures")
