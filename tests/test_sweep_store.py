"""A sweep's folder: written before it counts, checked before it is used, one process at a time."""

from __future__ import annotations

import errno
import itertools
import json
import os
import random
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from flowsim.errors import MachineError, ResultsError
from flowsim.sweep import store as stores
from flowsim.sweep import tables
from flowsim.sweep.folder import open_sweep
from flowsim.sweep.store import Outcome, Store, packed
from flowsim.sweep.tables import DAILY, RESULTS, Line, join, outcomes_of, parameter_columns

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("choice.lambda", "rule", "off")
PARAMETERS = parameter_columns(NAMES, [(0.3, "old", True), (1, "new", False)])


def outcome(number: int, days: int = 5) -> Outcome:
    """Make up what a run gave, the same whenever it is made; every seventh run failed."""
    key = f"{number:064x}"[::-1]
    if number % 7 == 6:
        return Outcome(key, f"ModelError: run {number} is impossible", "in a line of code\n")
    values = np.random.default_rng(number).random(days)
    daily = pa.table(
        {
            "date": pa.array(pd.date_range("2022-09-21", periods=days, unit="ms")),
            "place_kind": ["crossing"] * days,
            "place_id": ["GE-LARS"] * days,
            "measure": pa.array(["entries"] * days).dictionary_encode(),
            "value": values,
        }
    )
    results = {"measure": ["inflow"], "place_id": ["GE-LARS"]}
    results |= {"value": [values.sum()]}
    return Outcome(key, "", "", packed(pa.table(results)), packed(daily))


def line(number: int) -> Line:
    values = (number / 8, "new" if number % 2 else "old", number % 3 == 0)
    return Line(number, "tiny", number // 2, number % 2, outcome(number).key, values)


def filled(folder: Path, parts: Sequence[Sequence[int]]) -> dict[str, str]:
    """Make a sweep's folder from runs in some parts; give the hashes of its tables."""
    with Store(folder) as store:
        for part in parts:
            store.add([outcome(number) for number in part])
        store.scan()
        return join(
            store,
            map(line, sorted(run for part in parts for run in part)),
            PARAMETERS,
            store.folder,
        )


def found(folder: Path) -> Store:
    with Store(folder) as store:
        store.scan()
    return store


def test_what_was_added_is_found_again(tmp_path):
    """Runs by their keys, with their errors; nothing else is left lying about."""
    with Store(tmp_path) as store:
        store.add([outcome(1), outcome(6)])
        store.add([outcome(3)])
        assert set(store.done) == {outcome(n).key for n in (1, 3, 6)}
    again = found(tmp_path)
    assert again.done == store.done
    assert again.done[outcome(6).key] == "ModelError: run 6 is impossible"
    assert [again.outcome(outcome(n).key) for n in (3, 6, 1)] == [outcome(n) for n in (3, 6, 1)]
    assert all(path.suffix == ".parquet" for path in (tmp_path / "parts").iterdir())


@pytest.mark.parametrize("seed", range(5))
def test_tables_do_not_depend_on_how_the_runs_came(tmp_path, seed, monkeypatch):
    """In any order, in parts of any size, with row groups full or not: the same bytes."""
    monkeypatch.setattr(tables, "ROW_GROUP", 17)
    runs = list(range(30))
    expected = filled(tmp_path / "straight", [runs])
    random.Random(seed).shuffle(runs)
    cuts = [0, *sorted(random.Random(seed).sample(range(1, 30), seed)), 30]
    parts = [runs[a:b] for a, b in itertools.pairwise(cuts)]
    assert filled(tmp_path / "mixed", parts) == expected


def test_tables_say_what_each_run_was_and_gave(tmp_path):
    """One row a run in runs, one a run and output in results; failed runs only in runs."""
    filled(tmp_path, [range(10)])
    runs, results, daily = (
        pd.read_parquet(tmp_path / f"{name}.parquet") for name in ("runs", "results", "daily")
    )
    assert runs["run"].tolist() == list(range(10))
    assert runs["status"].tolist() == ["ok"] * 6 + ["failed"] + ["ok"] * 3
    assert runs["choice.lambda"].tolist() == [n / 8 for n in range(10)]
    assert results["run"].tolist() == [0, 1, 2, 3, 4, 5, 7, 8, 9]
    sums = daily.groupby("run")["value"].sum()
    assert np.allclose(results.set_index("run")["value"], sums)
    assert list(daily.columns) == ["run", *DAILY.names]
    assert (tmp_path / "failures.txt").read_text().startswith("run 6: ModelError: run 6 is")


def test_the_csv_says_what_results_say(tmp_path):
    """For R and Excel."""
    filled(tmp_path, [range(10)])
    exported = pd.read_csv(tmp_path / "results.csv")
    pd.testing.assert_frame_equal(
        exported, pd.read_parquet(tmp_path / "results.parquet"), check_dtype=False
    )


def test_parameters_are_numbers_if_all_their_values_are():
    """A value like none, or a mixture, is text; whole numbers stay whole."""
    columns = parameter_columns(
        "abcde", [(1, 1, True, "x", None), (2, 0.5, False, 3, 2.5), (3, None, True, True, 1)]
    )
    assert [str(kind) for kind in columns.types] == ["int64", "double", "bool", "string", "double"]


def test_a_finished_sweep_can_be_taken_apart_again(tmp_path, monkeypatch):
    """The runs come out as they went in, so that a sweep can grow."""
    monkeypatch.setattr(tables, "ROW_GROUP", 17)
    expected = filled(tmp_path / "one", [range(20)])
    with Store(tmp_path / "two") as store:
        store.add(list(outcomes_of(tmp_path / "one")))
        assert join(store, map(line, range(20)), PARAMETERS, store.folder) == expected


def test_a_run_that_succeeded_counts_before_one_that_failed(tmp_path):
    """Whatever the names of the parts are."""
    for part in ([outcome(1)], [Outcome(outcome(1).key, "OSError: no")]):
        with Store(tmp_path) as store:
            store.add(part)
    assert found(tmp_path).done == {outcome(1).key: ""}


# -- damage


@pytest.mark.parametrize("harm", ["cut", "flip", "empty"])
def test_a_damaged_part_is_named_and_only_its_runs_are_lost(tmp_path, harm):
    with Store(tmp_path) as store:
        store.add([outcome(1), outcome(2)])
        store.add([outcome(3)])
    victim = next(p for p in (tmp_path / "parts").glob("part-*") if outcome(1).key[:12] in p.name)
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 4
    victim.write_bytes({"cut": data[:-9], "flip": data, "empty": b""}[harm])
    store = found(tmp_path)
    assert store.damaged == [victim.name]
    assert store.done == {outcome(3).key: ""}
    assert found(tmp_path).damaged == []  # it was set aside


def test_a_part_that_was_not_finished_does_not_count(tmp_path):
    """The parent was killed while writing."""
    with Store(tmp_path) as store:
        store.add([outcome(1)])
    (tmp_path / "parts" / "part-abc-def.parquet.tmp").write_bytes(b"PAR1 half")
    store = found(tmp_path)
    assert (list(store.done), store.damaged) == ([outcome(1).key], [])
    assert not list((tmp_path / "parts").glob("*.tmp"))


# -- one process at a time


def test_a_second_process_is_refused_and_told_whose_the_folder_is(tmp_path):
    with (
        Store(tmp_path),
        pytest.raises(ResultsError, match=rf"being worked on by process {os.getpid()} on .*--out"),
        Store(tmp_path),
    ):
        pass
    with Store(tmp_path):
        pass


def test_the_lock_of_a_killed_process_is_free(tmp_path):
    """Nobody has to remove a file by hand."""
    holder = subprocess.run(
        [
            sys.executable,
            "-c",
            "import os, signal\n"
            "from flowsim.sweep.store import Store\n"
            f"with Store({str(tmp_path)!r}):\n"
            "    os.kill(os.getpid(), signal.SIGKILL)",
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert holder.returncode < 0
    assert (tmp_path / ".lock").exists()
    with Store(tmp_path):
        pass


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("important")
    with pytest.raises(ResultsError, match=r"not a sweep.*\(thesis\.tex\); choose another --out"):
        Store(tmp_path).__enter__()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(ResultsError, match=r"thesis\.tex is a file"):
        Store(tmp_path / "thesis.tex").__enter__()


def test_parts_of_something_else_are_never_removed(tmp_path):
    """A folder of that name is common; at the end of a sweep it would be deleted."""
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "engine.stl").write_text("important")
    with pytest.raises(ResultsError, match=r"\(parts/engine\.stl\); choose another --out"):
        Store(tmp_path).__enter__()
    assert (tmp_path / "parts" / "engine.stl").read_text() == "important"


def test_an_empty_folder_of_parts_makes_no_sweep_of_other_things(tmp_path):
    (tmp_path / "parts").mkdir()
    with Store(tmp_path):
        pass
    (tmp_path / "parts").mkdir()
    (tmp_path / "thesis.tex").write_text("important")
    with pytest.raises(ResultsError, match=r"\(thesis\.tex\)"):
        Store(tmp_path).__enter__()


@pytest.mark.parametrize("tables", [{}, {"runs.parquet": "0" * 64}, None])
def test_a_manifest_without_its_tables_is_no_finished_sweep(tmp_path, tables):
    said = {"kind": "sweep", "complete": True} | ({} if tables is None else {"tables": tables})
    (tmp_path / "manifest.json").write_text(json.dumps(said))
    (tmp_path / "results.csv").write_text("run,value")
    with pytest.raises(ResultsError, match="not the folder of a finished sweep"):
        open_sweep(tmp_path)
    with pytest.raises(ResultsError, match=r"manifest\.json is missing or damaged"):
        Store(tmp_path).__enter__()


# -- disk full


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_is_told_and_what_was_written_stays(tmp_path, monkeypatch, call):
    """Whichever call of the system says so."""
    with Store(tmp_path) as store:
        store.add([outcome(1), outcome(2)])

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patched:
            patched.setattr(*((os, "fsync") if call == "fsync" else (Path, "replace")), full)
            with pytest.raises(MachineError) as told:
                store.add([outcome(3)])
        assert "no room left; the 2 runs finished so far are safe" in str(told.value)
        assert "Free some space, then start the same command again" in str(told.value)
        store.add([outcome(3)])
    assert len(found(tmp_path).done) == 3


def test_a_real_limit_of_the_system_leaves_no_half_part(tmp_path):
    """RLIMIT_FSIZE in a process of its own: the system itself refuses to write more."""
    script = (
        "import resource, signal, sys\n"
        "sys.path.insert(0, 'tests')\n"
        "from test_sweep_store import *\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"with Store({str(tmp_path)!r}) as store:\n"
        "    store.add([outcome(1)])\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (8000, 8000))\n"
        "    store.add([outcome(n, 2000) for n in range(2, 5)])\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "MachineError" in result.stderr.splitlines()[-1]
    assert "no room left; the 1 runs finished so far are safe" in result.stderr
    assert list(found(tmp_path).done) == [outcome(1).key]
    assert len(list((tmp_path / "parts").iterdir())) == 1


def test_a_folder_that_may_not_be_written_is_said_so(tmp_path, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(MachineError, match="could not be written: Permission denied"):
        Store(tmp_path / "new").__enter__()


# -- memory


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.slow
def test_joining_needs_no_more_memory_for_more_runs(tmp_path):
    """Ten thousand runs, a process for each size, so that peaks can be compared."""
    script = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "from test_sweep_store import *\n"
        "n = int(sys.argv[1])\n"
        "filled(Path(sys.argv[2]), [range(a, a + 50) for a in range(0, n, 50)])\n"
        "print(peak_mb())\n"
    )
    peaks = []
    for n in (1000, 10_000):
        result = subprocess.run(
            [sys.executable, "-c", script, str(n), str(tmp_path / str(n))],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        peaks.append(float(result.stdout))
    assert peaks[1] - peaks[0] < 40  # the keys and the plan; the rows alone would be 40 times more


def test_stores_name_their_parts_by_what_is_in_them(tmp_path):
    """The same runs give the same part, so that writing them twice does no harm."""
    with Store(tmp_path) as store:
        store.add([outcome(1)])
        store.add([outcome(1)])
    (part,) = (tmp_path / "parts").iterdir()
    assert part.name == f"part-{outcome(1).key[:12]}-{stores._digest(part.read_bytes())}.parquet"
    assert RESULTS.names[-1] == "value"
