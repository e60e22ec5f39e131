"""The store of runs: written before it counts, checked before it is used, one process at a time."""

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

from flowsim import machine
from flowsim.errors import MachineError, ResultsError
from flowsim.experiments.store import DAMAGED, Outcome, Store, packed
from flowsim.results.folder import STORE
from flowsim.sweep import open_sweep, tables
from flowsim.sweep.design import Points
from flowsim.sweep.plan import Run
from flowsim.sweep.running import refuse_unexpected
from flowsim.sweep.tables import DAILY, join, outcomes_of, parameter_columns

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("choice.lambda", "rule", "off")
ROWS = tuple((n / 8, "new" if n % 2 else "old", n % 3 == 0) for n in range(100))
POINTS = Points(NAMES, ROWS, ())


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
    return Outcome(key, tables={"results": packed(pa.table(results)), "daily": packed(daily)})


def made(number: int) -> Run:
    return Run(number, "tiny", number % len(ROWS), 0, outcome(number).key, {})


def filled(folder: Path, parts: Sequence[Sequence[int]]) -> dict[str, str]:
    """Make a sweep's folder from runs in some parts; give the hashes of its tables."""
    with Store(folder) as store:
        for part in parts:
            store.add([outcome(number) for number in part])
        runs = map(made, sorted(run for part in parts for run in part))
        return join(store, runs, POINTS, folder)


def found(folder: Path) -> dict[str, str]:
    with Store(folder) as store:
        return store.done


def test_what_was_added_is_found_again(tmp_path):
    """Runs by their keys, with their errors; nothing else is left lying about."""
    with Store(tmp_path) as store:
        store.add([outcome(1), outcome(6)])
        store.add([outcome(3)])
        assert set(store.done) == {outcome(n).key for n in (1, 3, 6)}
    with Store(tmp_path) as again:
        assert again.done == store.done
        assert again.done[outcome(6).key] == "ModelError: run 6 is impossible"
        assert [again.outcome(outcome(n).key) for n in (3, 6, 1)] == list(map(outcome, (3, 6, 1)))
    assert {path.name for path in tmp_path.iterdir()} == {STORE}


def test_others_may_look_while_one_works(tmp_path):
    """They see what is written, and leave no trace."""
    with Store(tmp_path) as store:
        store.add([outcome(1)])
        with Store(tmp_path, look=True) as seen:
            assert seen.outcome(outcome(1).key) == outcome(1)
        store.add([outcome(2)])
    with Store(tmp_path, look=True) as seen:
        assert len(seen.done) == 2


def test_each_run_knows_what_made_it(tmp_path):
    """Version, data and NumPy; what made earlier ones stays when a sweep grows."""
    with Store(tmp_path) as store:
        before = store.made_with() | {"versions": [{"python": "3.11.0", "numpy": "1.0"}]}
        store.add([outcome(1)], before)
        store.add([outcome(2)])
        (now,) = store.made()[1:]
        assert store.made()[0] == before
        assert store.made_with()["versions"] == [*before["versions"], *now["versions"]]
        assert set(now) == {"flowsim", "data_hash", "versions"}


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
        assert join(store, map(made, range(20)), POINTS, tmp_path / "two") == expected


def test_a_run_that_succeeded_counts_before_one_that_failed(tmp_path):
    """In whatever order they come."""
    failed = Outcome(outcome(1).key, "OSError: no")
    with Store(tmp_path) as store:
        store.add([failed])
        assert store.remark == "1 failed"
        assert store.missing([failed.key], retry_failed=True) == [failed.key]
        store.add([outcome(1)])
        store.add([failed])
        assert (store.remark, store.outcome(failed.key)) == ("", outcome(1))
    assert found(tmp_path) == {outcome(1).key: ""}


# -- damage


@pytest.fixture
def harmed(tmp_path: Path) -> Path:
    """A store of sixty runs, to do harm to."""
    with Store(tmp_path) as store:
        for number in range(60):
            store.add([outcome(number, 50)])
    return tmp_path / STORE


def test_a_damaged_run_is_told_and_only_it_is_lost(harmed):
    data = harmed.read_bytes()
    content = outcome(33, 50).tables["daily"]
    place = data.index(content[200:216])
    harmed.write_bytes(data[:place] + b"x" + data[place + 1 :])
    with pytest.warns(UserWarning, match=r"unfinished\.sqlite is damaged: 1 of its runs are"):
        assert len(found(harmed.parent)) == 59
    assert len(found(harmed.parent)) == 59  # and is not told again


@pytest.mark.parametrize("harm", ["cut", "zeros", "head"])
def test_of_a_ruined_file_all_is_saved_that_can_be_read(harmed, harm):
    """From either end; the rest is repeated, and the ruin stays until the experiment ends."""
    data = bytearray(harmed.read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    if harm == "zeros":
        data[middle : middle + 4096] = bytes(4096)
    elif harm == "cut":
        del data[-4096:]
    else:
        data[:100] = bytes(100)
    harmed.write_bytes(data)
    with pytest.warns(UserWarning, match=rf"set aside as {DAMAGED}, \d+ runs could be saved"):
        saved = found(harmed.parent)
    assert len(saved) == 0 if harm == "head" else 40 < len(saved) < 60
    with Store(harmed.parent) as store:
        assert store.done == saved
        assert (harmed.parent / DAMAGED).exists()
        for key in saved:
            store.outcome(key)
        store.clear()
    assert not list(harmed.parent.iterdir())


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
            "from flowsim.experiments.store import Store\n"
            f"with Store({str(tmp_path)!r}):\n"
            "    os.kill(os.getpid(), signal.SIGKILL)",
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert holder.returncode < 0
    with Store(tmp_path):
        pass


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("important")
    with pytest.raises(ResultsError, match=r"not a sweep.*\(thesis\.tex\); choose another --out"):
        refuse_unexpected(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(ResultsError, match=r"thesis\.tex is a file"):
        refuse_unexpected(tmp_path / "thesis.tex")


@pytest.mark.parametrize("tables", [{}, {"runs.parquet": "0" * 64}, None])
def test_a_manifest_without_its_tables_is_no_finished_sweep(tmp_path, tables):
    said = {"kind": "sweep", "complete": True} | ({} if tables is None else {"tables": tables})
    (tmp_path / "manifest.json").write_text(json.dumps(said))
    (tmp_path / "results.csv").write_text("run,value")
    with pytest.raises(ResultsError, match=r"no hash(es)? of .*; start the same command again"):
        open_sweep(tmp_path)
    with pytest.raises(ResultsError, match=r"manifest\.json is missing or damaged"):
        refuse_unexpected(tmp_path)


# -- disk full


def test_a_full_disk_is_told_and_what_was_written_stays(tmp_path):
    """SQLite says so of a file that may not grow."""
    with Store(tmp_path) as store:
        store.add([outcome(1), outcome(2)])
        store._database.execute("PRAGMA max_page_count = 1")
        with pytest.raises(MachineError) as told:
            store.add([outcome(3, 5000)])
        assert "no room left; the 2 runs finished so far are safe" in str(told.value)
        assert "Free some space, then start the same command again" in str(told.value)
        store._database.execute("PRAGMA max_page_count = 100000")
        store.add([outcome(3)])
    assert len(found(tmp_path)) == 3


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_table_that_does_not_fit_is_not_there(tmp_path, monkeypatch, call):
    """Whichever call of the system says so."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(*((os, "fsync") if call == "fsync" else (Path, "replace")), full)
    with Store(None) as store, pytest.raises(MachineError, match="no room left"), store.reported():
        machine.write_atomically(tmp_path / "table", b"rows")
    assert not list(tmp_path.iterdir())


def test_a_real_limit_of_the_system_leaves_no_half_run(tmp_path):
    """RLIMIT_FSIZE in a process of its own: the system itself refuses to write more."""
    script = (
        "import resource, signal, sys\n"
        "sys.path.insert(0, 'tests')\n"
        "from test_store import *\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"with Store({str(tmp_path)!r}) as store:\n"
        "    store.add([outcome(1)])\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (70000, 70000))\n"
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
    assert list(found(tmp_path)) == [outcome(1).key]


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
        "from test_store import *\n"
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


def test_a_table_is_packed_the_same_however_it_was_put_together():
    """Results of workers come in any order, and are joined."""
    whole = pd.DataFrame({"name": ["a", "b", "c"], "value": [1.0, 2.0, 3.0]})
    joined = pd.concat([whole.iloc[:1], whole.iloc[1:]], ignore_index=True)
    assert packed(joined) == packed(whole)
