"""The command line: what it says, where it says it, and its exit codes."""

from __future__ import annotations

import ast
import errno
import json
import os
import re
import sys
import textwrap
import warnings
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from flowsim import cli
from flowsim.cli import terminal
from flowsim.errors import MachineError, Problem, ScenarioError
from flowsim.findings.finding import Finding, Table
from flowsim.scenario import Row, load, shipped
from flowsim.sweep.file import read_sweep
from flowsim.sweep.plan import make_plan

COMMANDS = (
    *("run", "check", "schema", "new", "biography"),
    *("sweep", "rerun", "compare", "calibrate", "figures", "reproduce", "report"),
)
SMALL = ("--sample", "0.001")
ONE_DAY = "september-2022 --sample 0.0005 --no-figures"


@pytest.fixture
def flowsim(tmp_path, monkeypatch):
    """Call the command line in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(cli.app, [str(a) for a in arguments])


def fails_with(error):
    """Make a function that only raises."""

    def fail(*_, **__):
        raise error

    return fail


def break_load(monkeypatch, error):
    monkeypatch.setattr(sys.modules["flowsim.scenario"].Base, "read", fails_with(error))


# -- help


def test_help_lists_every_command(flowsim):
    shown = flowsim("--help")
    assert shown.exit_code == 0
    assert all(re.search(rf"^  {command} ", shown.output, re.M) for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_teaches_by_example(flowsim, command):
    shown = flowsim(command, "--help")
    assert shown.exit_code == 0
    assert f"\n    flowsim {command} " in shown.output, "examples keep their lines"


def test_help_needs_nothing_heavy(python):
    """Time is won by what is not imported; a list is a steadier test than a clock."""
    found = python("-X", "importtime", "-m", "flowsim", "--help")
    heavy = r"\| +(numpy|pandas|pydantic|mesa|matplotlib|scipy|pyarrow|ruamel)"
    assert found.returncode == 0
    assert not re.findall(heavy, found.stderr)


def test_help_lists_the_exit_codes(flowsim):
    shown = flowsim("--help").output
    codes = re.search(r"Exit codes:\n(.*?)\n\n", shown, re.S)[1]
    assert re.findall(r"^ +(\d+) ", codes, re.M) == ["0", "1", "2", "130"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_debug(flowsim, command):
    assert "--debug" in flowsim(command, "--help").output


def test_version_is_told(flowsim):
    assert re.fullmatch(r"flowsim \d+\.\d+\.\d+\S*\n", flowsim("--version").output)


# -- run


def test_run_leaves_results_and_says_where(flowsim):
    done = flowsim("run", "no-rumour", *SMALL, "--no-figures", "--out", "here")
    assert done.exit_code == 0, done.output
    assert "Results: here" in done.stdout
    assert json.loads(Path("here/manifest.json").read_text())["complete"]
    assert not Path("here/figures").exists()


def test_run_names_the_folder_after_the_scenario_and_quiet_prints_only_that(flowsim):
    done = flowsim("run", "no-rumour", *SMALL, "--no-figures", "--quiet")
    assert done.output == f"{Path('results', 'no-rumour')}\n"


def test_run_takes_seed_and_changes(flowsim):
    flowsim(
        *("run", "no-rumour", *SMALL, "--no-figures", "--out", "here", "--seed", 7),
        *("--set", "call_up.error_share=0.2", "--set", "choice.lambda=0.5"),
    )
    saved = load("here/scenario.yaml")
    assert (saved.seed, saved.call_up.error_share.value) == (7, 0.2)
    assert saved.choice.lambda_.value == 0.5
    assert saved.call_up.error_share.source == "assumption: set by user"


def test_another_scenarios_results_are_safe_without_force(flowsim):
    flowsim("run", "no-rumour", *SMALL, "--no-figures", "--out", "here")
    again = ("run", "no-task-force", *SMALL, "--no-figures", "--out", "here")
    refused = flowsim(*again)
    assert refused.exit_code == 2
    assert "no-rumour" in refused.stderr
    assert flowsim(*again, "--force").exit_code == 0


@pytest.mark.slow
def test_figures_are_drawn_and_can_be_drawn_again(flowsim):
    done = flowsim("run", "no-rumour", *SMALL)
    drawn = sorted(Path("results/no-rumour/figures").glob("*.png"))
    assert len(drawn) >= 4
    assert all(str(path) in done.stdout for path in drawn)
    drawn[0].unlink()
    assert flowsim("figures", "results/no-rumour").exit_code == 0
    assert drawn[0].exists()


def test_figures_of_no_results_are_refused(flowsim):
    refused = flowsim("figures", "nowhere")
    assert refused.exit_code == 2
    assert "nowhere" in refused.stderr


def test_where_no_scenario_is_named_the_shipped_ones_are_listed(flowsim):
    refused = flowsim("run")
    assert refused.exit_code == 2
    assert all(name in refused.stderr for name in shipped())


@pytest.mark.parametrize("share", ["0", "-1", "1.5", "nan"])
def test_a_sample_is_a_share(flowsim, share):
    refused = flowsim("run", "september-2022", "--sample", share)
    assert refused.exit_code == 2
    assert "expected more than 0 and at most 1" in refused.stderr


@pytest.mark.parametrize(("written", "meant"), [("10%", "0.1"), ("5 %", "0.05"), ("much", "0.1")])
def test_a_sample_in_words_is_met_with_the_number_meant(flowsim, written, meant):
    refused = flowsim("run", "september-2022", "--sample", written)
    assert refused.exit_code == 2
    assert f"try {meant}" in " ".join(refused.stderr.split())


def test_progress_without_a_terminal_is_a_few_lines(capsys, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(terminal.time, "monotonic", lambda: now[0])
    with terminal.progress_shown(quiet=False, noun="hours") as progress:
        for hour in range(1081):
            progress(hour, 1080, "")
            now[0] += 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "3 of 1,080 hours, 1 a second, 18 min left"
    assert lines[-1] == "1,080 of 1,080 hours, 1 a second"
    assert len(lines) < 50


def test_quiet_shows_no_progress(capsys):
    with terminal.progress_shown(quiet=True) as progress:
        for done in range(3):
            progress(done, 2, "runs")
    assert capsys.readouterr() == ("", "")


# -- check, schema, new


def test_every_shipped_scenario_passes_check(flowsim):
    done = flowsim("check", "--quiet", *shipped())
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [f"{name}: ok" for name in shipped()]


def test_check_shows_each_number_with_unit_and_source_and_marks_assumptions(flowsim):
    table = flowsim("check", "september-2022", "--all").stdout
    row = next(line for line in table.splitlines() if "call_up.error_share" in line)
    assert row.split()[:2] == ["?", "call_up.error_share"]
    assert "0.05" in row
    assert "assumption:" in row
    pace = next(line for line in table.splitlines() if " call_up.pace " in line)
    assert not pace.startswith("?")


def test_check_shows_within_80_columns_what_a_file_changes_and_says_in_vain(flowsim):
    Path("odd.yaml").write_text(
        "name: odd\ntitle: Odd\nextends: no-task-force\nchanges:\n  border.second_try: 0\n"
        "  policies.list_check_lars.to: 2022-10-01\n"
        "  policies.shut: {kind: border-closed, at: georgia, for: men, from: 2022-10-02T06:00}\n"
    )
    shown = flowsim("check", "odd.yaml").stdout
    assert max(map(len, shown.splitlines())) <= 80
    text = " ".join(shown.split())
    assert "HOW “ODD” DIFFERS FROM “" in text
    assert "border.second_try: 0 share, was 0.3 share (assumption: set by user)." in text
    assert "policies.list_check_lars.to: 2022-10-01, was none." in text
    [policy] = [line for line in shown.splitlines() if line.startswith("    shut ")]
    assert "Closed to men, Georgia" in policy
    assert "2 Oct, 06:00" in policy
    assert "border.second_try_delay can have no effect: nobody tries twice" in text
    assert "policies.list_check_lars keeps nobody at home: no man hears of it" in text
    assert "travel.detour" not in text, "the baseline says it in vain already"
    assert "travel.detour can have no effect" in flowsim("check", "september-2022").stdout


def test_check_tells_scripts_the_same(flowsim):
    Path("bad.yaml").write_text("name: bad\ntitle: B\nextends: september-2022\nsample: 2\n")
    done = flowsim("check", "--json", "no-task-force", "bad.yaml")
    sound, bad = json.loads(done.stdout)
    assert done.exit_code == 2
    assert {row["key"].rpartition(".")[0] for row in sound["differences"]} == {
        "policies.task_force_lars"
    }
    assert "news.checks_heard" in sound["no_effect"]
    assert sound["policies"]["foot_lane_lars"]["from"] == "2022-09-26T00:00:00"
    assert {"news.checks_heard", "choice.lambda"} <= {row["key"] for row in sound["numbers"]}
    assert [(p["where"], p["key"]) for p in bad["problems"]] == [("bad.yaml:4", "sample")]


def test_check_looks_at_all_files_and_tells_all_mistakes_with_their_lines(flowsim):
    Path("bad.yaml").write_text(
        "name: bad\ntitle: Five mistakes\nextends: september-2022\n"
        "sample: 2\nsed: 1\nchanges:\n"
        "  policies.task_force_lars.check_per_hour: 60\n"
        "  call_up.comply: many\n"
        "  policies.rumour_of_closure.from: 2022-13-45\n"
    )
    done = flowsim("check", "--quiet", "bad.yaml", "september-2022", "missing.yaml")
    assert done.exit_code == 2
    assert done.stdout == "september-2022: ok\n"
    lines = {int(line) for line in re.findall(r"^bad\.yaml:(\d+):", done.stderr, re.M)}
    assert lines == {4, 5, 7, 8, 9}
    assert "checks_per_hour" in done.stderr
    assert "missing.yaml" in done.stderr
    assert "Traceback" not in done.stderr


def test_schema_is_json_on_the_screen_and_in_a_file(flowsim):
    shown = json.loads(flowsim("schema").stdout)
    assert flowsim("schema", "-o", "scenario.schema.json").exit_code == 0
    assert json.loads(Path("scenario.schema.json").read_text(encoding="utf-8")) == shown
    assert "crossings" in json.dumps(shown)
    assert "$schema" in shown


@pytest.mark.parametrize("base", ["september-2022", "no-task-force"])
def test_a_new_scenario_passes_check_at_once(flowsim, base):
    assert flowsim("new", "mine", "--from", base, "--dir", "deep/er").exit_code == 0
    assert flowsim("check", "--quiet", "deep/er/mine.yaml").exit_code == 0
    assert load("deep/er/mine.yaml").policies == load(base).policies


def test_a_new_country_and_a_new_sweep_pass_check_at_once(flowsim):
    assert flowsim("new", "azerbaijan", "--kind", "destination").exit_code == 0
    assert load("azerbaijan.yaml").destinations["azerbaijan"].code == "AZ"
    assert flowsim("new", "mine", "--kind", "sweep").exit_code == 0
    assert len(make_plan(read_sweep("mine.yaml"))) == 3 * 2 * 5
    refused = flowsim("new", "other", "--kind", "sweeep")
    assert refused.exit_code == 2
    assert "'sweeep' is not known; did you mean sweep?" in refused.stderr
    assert not Path("other.yaml").exists()


def test_the_examples_in_a_new_scenario_work_when_uncommented(flowsim):
    flowsim("new", "mine")
    text = Path("mine.yaml").read_text(encoding="utf-8")
    tried, n_examples = re.subn(r"(?m)^  # (?=[a-z_]+\.)", "  ", text)
    Path("mine.yaml").write_text(tried, encoding="utf-8")
    mine, base = load("mine.yaml"), load("september-2022")
    assert n_examples == 3
    assert mine.call_up.error_share.value == 0.1
    assert mine.policies.keys() ^ base.policies.keys() == {"closed", "foot_lane_lars"}


@pytest.mark.parametrize(
    ("name", "complaint"),
    [("mine", "exists already"), ("no-rumour", "shipped"), ("../mine", "letters"), ("", "letters")],
)
def test_new_refuses_what_would_overwrite_or_confuse(flowsim, name, complaint):
    Path("mine.yaml").write_text("mine\n")
    refused = flowsim("new", name)
    assert refused.exit_code == 2
    assert complaint in refused.stderr
    assert [path.name for path in Path().iterdir()] == ["mine.yaml"]
    assert Path("mine.yaml").read_text() == "mine\n"


def test_new_refuses_an_unknown_base_and_lists_the_known(flowsim):
    refused = flowsim("new", "mine", "--from", "septembr-2022")
    assert refused.exit_code == 2
    assert "september-2022" in refused.stderr
    assert not Path("mine.yaml").exists()


# -- errors


FULL = OSError(errno.ENOSPC, "No space left on device", "results/x/daily.parquet")
FORBIDDEN = PermissionError(errno.EACCES, "Permission denied", "results")
TWO = [Problem("a.yaml:1", "seed", "found -1"), Problem("a.yaml:2", "sample", "found 2")]


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ScenarioError(TWO), 2, "a.yaml:1: seed: found -1\na.yaml:2: sample: found 2\n2 problems"),
        (MachineError("the disk is full"), 1, "the disk is full"),
        (FULL, 1, "daily.parquet: No space left on device. Free some space"),
        (FORBIDDEN, 1, "results: Permission denied. Choose a folder"),
        (MemoryError(), 1, "--sample 0.1"),
        (ZeroDivisionError("division by zero"), 1, "--debug"),
    ],
    ids=lambda case: type(case).__name__,
)
def test_each_error_is_a_clear_message_and_an_exit_code(flowsim, monkeypatch, error, code, message):
    break_load(monkeypatch, error)
    done = flowsim("run", "september-2022")
    assert done.exit_code == code
    assert message in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_debug_shows_the_traceback_and_keeps_the_exit_code(flowsim, monkeypatch):
    break_load(monkeypatch, ZeroDivisionError("division by zero"))
    done = flowsim("run", "september-2022", "--debug")
    assert done.exit_code == 1
    assert "Traceback" in done.stderr


def test_a_missing_folder_is_the_users_to_mend(flowsim):
    refused = flowsim("schema", "-o", "nowhere/scenario.schema.json")
    assert refused.exit_code == 2
    assert "No such file or directory" in refused.stderr


def test_interrupting_leaves_one_line_and_exit_code_130(flowsim, monkeypatch):
    break_load(monkeypatch, KeyboardInterrupt())
    stopped = flowsim("run", "september-2022")
    assert stopped.exit_code == 130
    assert stopped.stderr.count("\n") == 1


def test_warnings_are_sentences(capsys):
    with terminal.report_errors(False, "Stopped."):
        warnings.simplefilter("always")
        warnings.warn("queues are lumpy at this sample", stacklevel=1)
    assert capsys.readouterr().err == "Note: queues are lumpy at this sample\n"


# -- what is no file

ASKS_FOR_A_FILE = (
    *("check it.yaml", "check it.csv", "run it.yaml", "sweep it.yaml --plan", "calibrate it.yaml"),
    *("calibrate --against it.csv", "biography it.yaml", "reproduce it.svg", "app it.yaml"),
    *("run september-2022 --style it.mplstyle", "compare it.yaml september-2022"),
)


@pytest.mark.parametrize("command", ASKS_FOR_A_FILE)
@pytest.mark.parametrize("is_loop", [False, True])
def test_what_is_no_ordinary_file_is_not_read(flowsim, tmp_path, command, is_loop):
    """A pipe would keep one waiting, a device would never end, a link may lead to itself."""
    words = command.split()
    path = tmp_path / next(word for word in words if word.startswith("it."))
    if is_loop:
        path.symlink_to(path.name)
    elif hasattr(os, "mkfifo"):
        os.mkfifo(path)
    else:
        path.mkdir()
    refused = flowsim(*words)
    assert refused.exit_code == 2
    assert path.name in refused.output
    assert "Too many levels" in refused.output if is_loop else "is " in refused.output
    assert "did you mean" not in refused.output


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (f"run {ONE_DAY} --out taken/x", "taken/x cannot be written: Not a directory"),
        (f"run {ONE_DAY} --out taken", "taken is a file; expected a folder"),
        (f"run {ONE_DAY} --out {'x' * 300}", "File name too long"),
        ("export made -o folder", "folder is a folder; name a file in it"),
        ("report made -o folder", "folder: a report is a file that ends in"),
        ("explore made -o folder", "folder: the page is a file that ends in"),
    ],
)
def test_where_nothing_can_be_written_is_the_users_to_mend(flowsim, tmp_path, command, message):
    """Said at once: nothing is read or simulated before."""
    (tmp_path / "taken").write_text("mine")
    (tmp_path / "folder").mkdir()
    refused = flowsim(*command.split())
    assert (refused.exit_code, message in refused.output) == (2, True), refused.output
    assert (tmp_path / "taken").read_text() == "mine"


def test_a_library_that_cannot_be_loaded_is_said_to_be_one(flowsim, monkeypatch):
    break_load(monkeypatch, ImportError("x.so: failed to map segment from shared object"))
    refused = flowsim("run", "september-2022")
    assert refused.exit_code == 1
    assert refused.stderr.startswith("A library cannot be loaded: x.so: failed to map segment")


def test_a_terminal_without_columns_is_written_on(flowsim, monkeypatch):
    monkeypatch.setenv("COLUMNS", "0")
    assert flowsim("check", "september-2022").exit_code == 0


# -- what reaches the terminal

HOSTILE = "a\x1b[31m\x07\u202e\u200bb"
ROOM = Path(cli.__file__).parents[1]


def steers(text):
    return [letter for letter in text if not (letter.isprintable() or letter in "\n\t")]


def test_one_file_alone_writes_on_the_terminal():
    """So that what nobody sees or what steers a terminal is written out in one place."""
    writers = re.compile(r"\b(print|typer\.echo|click\.echo|std(out|err)\.write|Console)\(")
    for path in ROOM.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and writers.match(f"{ast.unparse(node.func)}("):
                assert path.name == "terminal.py", f"{path}:{node.lineno}"


def test_nothing_that_steers_a_terminal_is_written(capsys, monkeypatch):
    """In texts, tables, findings, warnings, progress, and errors of every kind."""
    monkeypatch.setattr(terminal.Count, "PRINT_AFTER", -1.0)
    terminal.echo(HOSTILE)
    terminal.print_assumptions([Row(*[HOSTILE] * 4, free=HOSTILE)])
    table = Table(HOSTILE, (HOSTILE,), ((HOSTILE,),))
    terminal.print_findings([Finding("x", HOSTILE, (HOSTILE,), (table,))])
    with terminal.progress_shown(False) as progress:
        progress(1, 2, HOSTILE)
    for error in (
        ScenarioError([Problem(HOSTILE, HOSTILE, HOSTILE)]),
        MachineError(HOSTILE),
        FileNotFoundError(errno.ENOENT, HOSTILE, HOSTILE),
        PermissionError(errno.EACCES, HOSTILE, HOSTILE),
        KeyError(HOSTILE),
    ):
        with pytest.raises(typer.Exit), terminal.report_errors(True, "Stopped."):
            raise error
    with terminal.report_errors(True, "Stopped."):
        warnings.simplefilter("always")
        warnings.warn(HOSTILE, stacklevel=1)
    shown = capsys.readouterr()
    assert (shown.out + shown.err).count("\\x1b[31m") > 20
    assert not steers(shown.out + shown.err)


@pytest.mark.parametrize("words", [[f"--{HOSTILE}"], ["run", "x", "--sample", HOSTILE], [HOSTILE]])
def test_nothing_of_the_command_line_steers_a_terminal(words, capsys, monkeypatch):
    """A shell puts names of files there."""
    monkeypatch.setattr(sys, "argv", ["flowsim", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    shown = capsys.readouterr().err
    assert "\\u202e" in shown
    assert not steers(shown)


def test_a_backend_that_a_notebook_left_is_not_asked_for(python):
    """MPLBACKEND is inherited, its module is not installed here; figures become files."""
    code = """
        import os, sys
        class Missing:
            def find_spec(self, name, path=None, target=None):
                if name.startswith("matplotlib_inline"):
                    raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        sys.meta_path.insert(0, Missing())
        os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
        import flowsim
        from flowsim.figures import picture
        run = flowsim.run("september-2022", sample=0.0005, changes={"horizon.end": "2022-10-01"})
        assert picture(run, "entries")[0].startswith(b"<?xml")
        os.environ["MPLBACKEND"] = "nonsense"
        sys.argv = ["flowsim", "--version"]
        from flowsim.cli import main
        try:
            main()
        finally:
            assert os.environ["MPLBACKEND"] == "agg"
    """
    made = python("-c", textwrap.dedent(code))
    assert made.returncode == 0, made.stderr
