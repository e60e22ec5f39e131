"""Each mistake in a scenario gets its message, with key, file and line."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from scenario_texts import BASE, HEAD, messages, write

from flowsim.calibration.file import read_calibration
from flowsim.errors import ScenarioError
from flowsim.scenario import load, shipped
from flowsim.sweep.file import read_sweep

# ---- messages ---------------------------------------------------------------------------


def test_five_different_mistakes_are_reported_at_once_with_lines_and_suggestions(folder):
    write(
        HEAD
        + """changes:
  policies.task_force_lars.check_per_hour: 60
  panic.decay: fast
  choice.lambda: 1.4
  policies.early: {kind: border-closed, at: GE-LARZ, for: men, from: 2022-13-45}
  policies.talk: {kind: rumour, from: 2022-09-27, strength: 2}
  policies.closed: {kind: border-closed, at: GE-LARZ, for: men}
"""
    )
    assert messages("mine.yaml") == [
        "mine.yaml:5: policies.task_force_lars.check_per_hour: is not known; "
        "did you mean checks_per_hour? Found 60.",
        "mine.yaml:6: panic.decay.value: found 'fast'; expected a number",
        "mine.yaml:7: choice.lambda: value 1.4 is out of range; expected 0.25 to 1 dissimilarity",
        "mine.yaml:8: policies.early.from: '2022-13-45' is not a date (month must be in 1..12); "
        "expected YYYY-MM-DD or YYYY-MM-DDTHH:MM, Moscow time",
        "mine.yaml:9: policies.talk: overlaps in time with rumour_of_closure; two policies of "
        "kind rumour may not hold at one place at once: end one before the other begins",
        "mine.yaml:10: policies.closed.at: 'GE-LARZ' is not known; did you mean GE-LARS?",
    ]


BAD_CHANGES = [
    ("panic.lags: 3", "panic.lags: is not known; did you mean lag? Found 3."),
    ("panicky: {a: 1}", "panicky: is not known; did you mean panic?"),
    ("seed: 1.5", "seed: found 1.5; expected a whole number"),
    ("seed: -1", "seed: found -1; expected at least 0"),
    ("sample: 0", "sample: found 0; expected more than 0"),
    ("sample: 1.5", "sample: found 1.5; expected at most 1"),
    ("sample: true", "sample: found true; expected a number"),
    ("name: a b", "name: found 'a b'; expected at most 80 letters"),
    ("title: 5", "title: found 5; expected text (put it in quotes)"),
    ("horizon: 2022", "horizon: found 2022; expected a mapping (key: value)"),
    ("horizon.end: 2022-09-01", "horizon.end: expected whole days, start (2022-09-17T00:00)"),
    ("travel: null", "travel: is missing; add it"),
    ("panic.lag.source: guess", "panic.lag.source: source 'guess' must start with 'data:'"),
    ("panic.lag.unit: hours", "panic.lag: unit 'hours' is not the unit of this number; expected"),
    ("panic.lag: .inf", "panic.lag.value: found inf; expected a finite number"),
    (
        "panic.lag: {value: 1, free: [2, 3]}",
        "panic.lag: value 1 lies outside its free bounds [2, 3]",
    ),
    ("panic.lag: {value: 1, free: [3, 0]}", "panic.lag: free bounds [3, 0] are not in order"),
    ("panic.lag: {value: 1, free: [3]}", "panic.lag.free.1: is missing; expected two numbers"),
    ("panic.lag: {value: 1, free: 3}", "panic.lag.free: found 3; expected a list"),
    ("policies.x: {at: all}", "policies.x.kind: is missing; expected one of border-closed"),
    ("policies.x: {kind: rumor, strength: 1}", "policies.x.kind: found 'rumor'; expected one of"),
    ("policies.x: {kind: rumour}", "policies.x.strength: is missing; add it"),
    (
        "policies.x: {kind: border-closed, at: all, for: woman}",
        "policies.x.for: found 'woman'; expected one of men, all",
    ),
    ("policies.no_such: null", "policies.no_such: there is nothing of this name to remove (null)"),
    (
        "policies.task_force_larz: null",
        "policies.task_force_larz: there is nothing of this name to remove (null); "
        "did you mean task_force_lars?",
    ),
    (
        "policies.task_force_lars.to: 2022-09-01",
        "policies.task_force_lars.to: 'to' (2022-09-01T00:00) is not after 'from'",
    ),
    (
        "policies.task_force_lars.from: 2022-12-01",
        "policies.task_force_lars.from: 'to' (2022-10-22T00:00) is not after 'from'",
    ),
    (
        "policies.x: {kind: border-closed, at: all, for: all, from: 2022-12-01}",
        "policies.x.from: the date 2022-12-01 is outside the horizon (2022-09-17 to 2022-11-01)",
    ),
    (
        "policies.x: {kind: border-closed, at: all, for: all, to: 2022-09-17}",
        "policies.x.to: the date 2022-09-17 is outside the horizon",
    ),
    (
        "call_up.announced: 2021-09-21",
        "call_up.announced: the date 2021-09-21 is outside the horizon",
    ),
    (
        "call_up.announced: 2022-09-21T09:30",
        "call_up.announced: '2022-09-21T09:30' must be a whole",
    ),
    (
        "call_up.announced: 2022-09-21T09:00Z",
        "call_up.announced: '2022-09-21T09:00Z' has a time zone; write it without",
    ),
    ("call_up.announced: 2022-W38", "call_up.announced: '2022-W38' is not a date; expected YYYY"),
    ("call_up.announced: 20220921", "call_up.announced: '20220921' is not a date; expected YYYY"),
    ("call_up.announced: [2022-09-21]", "call_up.announced: a list of 1 is not a date; expected"),
    ("seed: 1e3", "seed: found 1000; expected a whole number, without a point or exponent"),
    ("call_up.announced: tomorrow", "call_up.announced: 'tomorrow' is not a date; expected YYYY"),
    ("call_up.pace.2022-10-04: 250000", "call_up.pace: pace falls from 250,000 to 222,000"),
    ("call_up.target: 100000", "call_up.target: pace reaches 300,000, above the target of 100,000"),
    (
        "crossings.GE-LARS.vehicles.2032-09-29: 5",
        "crossings.GE-LARS.vehicles.value.2032-09-29: the date is far outside the horizon",
    ),
    (
        "crossings.GE-LARS.vehicles: {value: {2022-09-29: 5, 2022-09-29T00:00: 6}}",
        "crossings.GE-LARS.vehicles.value.2022-09-29T00:00: is the same moment as 2022-09-29",
    ),
    (
        "crossings.GE-LARS.vehicles: {value: {}}",
        "crossings.GE-LARS.vehicles: expected at least one",
    ),
    (
        "crossings.KZ-ILEK.capacity.2022-09-29: 5",
        "crossings.KZ-ILEK.capacity is one number without",
    ),
    ("crossings.GE-LARS.vehicles.2022-09-30: null", "there is no such entry to remove (null)"),
    (
        "crossings.GE-LARS.vehicles: many",
        "crossings.GE-LARS.vehicles.value: found 'many'; expected",
    ),
    (
        "crossings.GE-LARS.destination: gorgia",
        "'gorgia' is not a destination; did you mean georgia?",
    ),
    ("crossings.GE-LARS.region: RU-XX", "crossings.GE-LARS.region: 'RU-XX' is not a region"),
    ("crossings.GE-LARS.lat: null", "crossings.GE-LARS.lat: is missing; a road crossing needs lat"),
    ("crossings.GE-LARS.lat: 91", "crossings.GE-LARS.lat: found 91; expected at most 90"),
    (
        "crossings.GE-OTHER.travel: null",
        "crossings.GE-OTHER.travel: is missing; 'other ways' needs",
    ),
    ("crossings: null", "crossings: is missing; add it"),
    ("population.liable_by_age.18-23: 1", "population.liable_by_age: expected one number for each"),
    (
        "population.education_bounds: [0.8, 0.1]",
        "population.education_bounds: found [0.8, 0.1]; exp",
    ),
    (
        "policies.entry_limit_north_ossetia.walks: 0.9",
        "policies.entry_limit_north_ossetia.walks: walk",
    ),
    ("policies.entry_limit_north_ossetia.exempt_regions: [RU-SY]", "'RU-SY' is not a region"),
    ("policies.list_check_lars.at: []", "policies.list_check_lars.at: found no place; expected"),
    ("policies.list_check_lars.at: 5", "policies.list_check_lars.at: found 5; expected a list"),
    ("policies.list_check_lars.at: [[GE-LARS]]", "policies.list_check_lars.at"),
    ("crossings.GE-LARS.destination: [georgia]", "crossings.GE-LARS.destination"),
    (
        "destinations.kazakhstan.registration_delay: null",
        "destinations.kazakhstan.registration_delay",
    ),
    (
        "destinations.kazakhstan.code: GE",
        "destinations.kazakhstan.code: 'GE' is already the code of",
    ),
    ("destinations.kazakhstan.requires_passport: yes", "found 'yes'; expected true or false"),
    ("abroad.georgia: null", "destinations.georgia: needs abroad.georgia as well; add it"),
    ("choice.constant.finland: 1", "choice.constant.finland: 'finland' is not a destination"),
    (
        "capacities.gorgia: 1",
        "capacities.gorgia: 'gorgia' is not a destination; did you mean georgia?",
    ),
    ("policies.a b: {kind: rumour, from: 2022-10-01, strength: 1}", "names have letters, digits"),
    ("panic..lag: 3", "panic..lag: is not a dotted key"),
    ("extends: other", "extends: cannot be changed; write another file"),
]


@pytest.mark.parametrize(("change", "message"), BAD_CHANGES)
def test_each_mistake_has_its_message_key_and_line(folder, change, message):
    write(f"extends: september-2022\n\n\nchanges:\n  {change}\n")
    found = messages("mine.yaml")
    assert len(found) == 1 or change == "crossings: null", found
    assert any(message in one for one in found), found
    if "needs abroad" not in message:
        assert any(one.startswith("mine.yaml:5: ") for one in found), found


BAD_TEXTS = [
    ("", "mine.yaml: the file is empty; expected keys such as name, extends, changes"),
    ("# nothing\n", "mine.yaml: the file is empty"),
    ("- a\n", "mine.yaml:1: found a list; expected a mapping (key: value)"),
    ("just words\n", "mine.yaml:1: found only 'just words'; expected a mapping"),
    (
        'title: "\\e]0;PWNED"\n',
        "mine.yaml:1: title: holds an invisible or control character: U+001B",
    ),
    (
        "t: a\u202eb\n",
        "mine.yaml:1: t: holds an invisible or control character: U+202E (right-to-l",
    ),
    ("na\u200bme: a\n", "mine.yaml:1: a key here holds an invisible or control character: U+200B"),
    ("name: a\nname: b\n", "mine.yaml:2: name: is given twice (first on line 1); keep one of them"),
    ("panic: {lag: 1, lag: 2}\n", "mine.yaml:1: panic.lag: is given twice"),
    ("name: &a x\ntitle: *a\n", "mine.yaml:1: name: anchors and aliases are not allowed, found &a"),
    ("name: *bold*\n", "mine.yaml:1: name: anchors and aliases are not allowed, found *bold*"),
    ("<<: {a: 1}\n", "mine.yaml:1: merge keys (<<) are not allowed; use extends"),
    ("name: !!python/name:os.system x\n", "mine.yaml:1: name: tags are not allowed"),
    ("name: x\n---\nname: y\n", "mine.yaml:2: a second document begins; expected one"),
    ("? [a]\n: 1\n", "mine.yaml:1: a key must be text, not a list or mapping"),
    ("a: 1\nb:\n\tc: 2\n", "mine.yaml:3: is not YAML: the line is indented with a tab; use spaces"),
    (
        "name: x\ntitle: a: b\n",
        "mine.yaml:2: is not YAML: mapping values are not allowed here; text",
    ),
    ('\nname: "x\n', "mine.yaml:2: is not YAML: while scanning a quoted scalar"),
    ("name: [a\n", "mine.yaml:"),
    ("name: x\x07\n", "mine.yaml:1: the character '\\x07' is not allowed"),
    (
        'name: "\\ud800"\n',
        "mine.yaml:1: name: holds an invisible or control character: U+D800 (half of",
    ),
    ('name: "\\UFFFFFFFF"\n', "mine.yaml"),
    ("a: " + "[" * 5000, "mine.yaml:1: nested deeper than 20 levels"),
    (HEAD + "changes: [a]\n", "mine.yaml:4: changes: expected a mapping of dotted keys to values"),
    (HEAD + "panic: {lag: 3}\n", "mine.yaml:4: panic.lag: found 3 alone; expected {value: 3, unit"),
    (
        HEAD + "panic: {lag: {value: 3}}\n",
        "mine.yaml:4: panic.lag.source: is missing; every number",
    ),
    ("extends: 5\n", "mine.yaml:1: extends: found 5; expected the name of a file"),
    (
        "name: x\nextends: septembr-2022.yaml\n",
        "mine.yaml:2: extends: septembr-2022.yaml does not exist; did you mean september-2022?",
    ),
    ("extends: mine.yaml\n", "mine.yaml:1: extends: is circular: mine.yaml -> mine.yaml; one must"),
]


@pytest.mark.parametrize(("text", "message"), BAD_TEXTS)
def test_each_unreadable_file_is_refused_with_its_line(folder, text, message):
    found = messages(write(text))
    assert len(found) == 1
    assert found[0].startswith(message)


def test_a_base_lists_every_missing_key(folder):
    blocks = "".join(
        f"{block}: {{}}\n" for block in ("horizon", "choice", "travel", "news", "border")
    )
    found = messages(write(f"name: mine\n{blocks}"))
    for key in ("title", "panic"):
        assert any(one.startswith(f"mine.yaml:1: {key}: is missing; add it") for one in found)


def test_a_foreign_file_is_told_to_begin_with_extends(folder):
    [found] = messages(write("version: '3'\nservices: {web: {image: nginx}}\n"))
    assert "found version, services, and little of what makes a scenario" in found
    assert "extends: september-2022" in found


TWICE = {
    "panic: {decay: {value: 9, source: 'assumption: x'}}\nchanges:\n  panic.decay: 8\n": (4, 6),
    "changes:\n  panic.decay: 8\n  panic.decay.value: 9\n": (5, 6),
    "changes:\n  policies.rumour_of_closure: null\n  policies.rumour_of_closure.fade: 1\n": (5, 6),
    "changes:\n  crossings.GE-LARS.vehicles.2022-09-25: 1\n"
    "  crossings.GE-LARS.vehicles.2022-09-25T00:00: 2\n": (5, 6),
    "changes:\n  crossings.GE-LARS.vehicles:\n    value: {2022-09-25: 1}\n"
    "  crossings.GE-LARS.vehicles.2022-09-25: 2\n": (6, 7),
}


@pytest.mark.parametrize("text", TWICE)
def test_a_key_given_twice_in_a_file_has_both_lines_named(folder, text):
    first, second = TWICE[text]
    found = messages(write(HEAD + text))
    [problem] = [one for one in found if "is given twice" in one]
    assert problem.startswith(f"mine.yaml:{second}: ")
    assert f"on line {first} says it too" in problem


def test_a_date_in_two_spellings_has_both_lines_named(folder):
    dates = "      2022-09-25: 1\n      2022-09-25T00:00: 2\n"
    found = messages(write(HEAD + f"changes:\n  crossings.GE-LARS.vehicles:\n    value:\n{dates}"))
    [problem] = [one for one in found if "same moment" in one]
    assert problem.startswith("mine.yaml:8: ")
    assert "same moment as 2022-09-25 (mine.yaml:7)" in problem


def test_one_mistake_takes_at_most_two_hundred_letters(folder):
    with pytest.raises(ScenarioError) as caught:
        load(write(HEAD + f"changes:\n  panic.decay: {'x' * 5000}\n  {'k' * 5000}: 1\n"))
    assert all(len(line) < 330 for line in str(caught.value).splitlines())


def test_the_chain_of_a_circular_extends_is_shown(folder):
    write("extends: b.yaml\n", "a.yaml")
    write("name: b\nextends: c.yaml\n", "b.yaml")
    write("extends: b.yaml\n", "c.yaml")
    assert messages("a.yaml") == [
        "c.yaml:1: extends: is circular: b.yaml -> c.yaml -> b.yaml; one must extend nothing"
    ]


def test_a_chain_may_not_grow_without_end(folder):
    for n in range(20):
        write(f"extends: s{n + 1}.yaml\n", f"s{n}.yaml")
    assert "the chain is longer than 10 files" in messages("s0.yaml")[0]


def test_a_mistake_in_the_base_is_reported_there(folder):
    write(HEAD + "changes:\n  panic.decay: fast\n", "base.yaml")
    write("name: top\nextends: base.yaml\nchanges:\n  panic.lag: slow\n", "top.yaml")
    assert messages("top.yaml") == [
        "base.yaml:5: panic.decay.value: found 'fast'; expected a number",
        "top.yaml:4: panic.lag.value: found 'slow'; expected a number",
    ]


def test_overlapping_policies_are_refused_wherever_they_are_named(folder):
    write(
        HEAD
        + """changes:
  policies.one: {kind: border-closed, at: georgia, for: men, from: 2022-09-20, to: 2022-09-25}
  policies.two: {kind: border-closed, at: GE-OTHER, for: all, from: 2022-09-24}
  policies.three: {kind: border-closed, at: GE-LARS, for: men, from: 2022-09-25}
"""
    )
    assert messages("mine.yaml") == [
        "mine.yaml:6: policies.two: overlaps in time with one at GE-OTHER; two policies of kind "
        "border-closed may not hold at one place at once: end one before the other begins"
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("panic.decay", "--set: found 'panic.decay'; expected key=value"),
        ("panic.decay=", "--set: found 'panic.decay='; expected key=value"),
        ("panic.decay={a", "--set: panic.decay: is not YAML"),
        ("panic.decay=*a", "--set: panic.decay: anchors and aliases are not allowed"),
        ("panic.dekay=3", "--set: panic.dekay: is not known; did you mean decay? Found 3."),
        ("panic.decay=x", "--set: panic.decay.value: found 'x'; expected a number"),
        ("panic={lag: {value: x}}", "--set: panic.lag.value: found 'x'; expected a number"),
        ("=3", "--set: is not a dotted key"),
    ],
)
def test_mistakes_after_set_say_so(change, message):
    found = messages(BASE, [change])
    assert len(found) == 1
    assert found[0].startswith(message)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("no-rumor", "no-rumor: does not exist; did you mean no-rumour?"),
        ("mini.yaml", "mini.yaml: does not exist; did you mean mine.yaml?"),
        ("qqqq", "qqqq: does not exist; expected a file, or a shipped scenario: `flowsim run`"),
        (".", ".: is a folder; expected a scenario file (.yaml) in it"),
        (os.devnull, f"{os.devnull}: is not an ordinary file; expected a scenario file (.yaml)"),
        ("a\0b", r"a\x00b: does not exist"),
        ("x" * 5000, "x"),
    ],
)
def test_a_file_that_is_not_there_is_refused_with_a_suggestion(folder, source, message):
    write(HEAD)
    (found,) = messages(source)
    assert found.startswith(message)


def test_a_huge_file_is_refused_before_it_is_read(folder):
    with Path("big.yaml").open("wb") as file:
        file.truncate(100_000_000)
    begun = time.perf_counter()
    (found,) = messages("big.yaml")
    assert time.perf_counter() - begun < 0.5
    assert found.startswith("big.yaml: is 100.0 MB; a scenario file has at most 1 MB")


def test_text_that_is_not_utf_8_is_refused_with_its_line(folder):
    Path("mine.yaml").write_bytes(b"name: x\ntitle: caf\xe9\n")
    assert messages("mine.yaml") == ["mine.yaml:2: is not UTF-8 text (byte 0xe9); save it as UTF-8"]


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(folder):
    Path("mine.yaml").write_bytes(b"\xef\xbb\xbf" + HEAD.replace("\n", "\r\n").encode())
    assert load("mine.yaml").name == "mine"


def test_an_unreadable_file_says_why(folder, monkeypatch):
    write(HEAD)

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert messages("mine.yaml") == ["mine.yaml: cannot be read: Permission denied"]


def test_thousands_of_mistakes_are_counted_not_listed(folder):
    lines = "".join(f"  q{n}: 1\n" for n in range(5_000))
    with pytest.raises(ScenarioError) as caught:
        load(write(HEAD + "changes:\n" + lines))
    shown = str(caught.value).splitlines()
    assert len(shown) == 51
    assert shown[0].startswith("mine.yaml:5: q0: is not known; expected one of ")
    assert shown[-1] == "and 4,950 more"


@pytest.mark.parametrize(
    ("wanted", "given", "expected"),
    [
        ("scenario", "passports-by-task-force", "sweep, not a scenario; give it to flowsim sweep"),
        ("sweep", "border-closed", "scenario, not a sweep; give it to flowsim run"),
        ("calibration", "border-closed", "scenario, not a calibration; give it to flowsim run"),
    ],
)
def test_a_file_of_another_kind_is_told_with_its_command(folder, wanted, given, expected):
    """By the name of a shipped one, and by what stands in a file."""
    read = {"scenario": load, "sweep": read_sweep, "calibration": read_calibration}[wanted]
    files = {**shipped(), **shipped("sweeps")}
    write(files[given].read_text(encoding="utf-8"))
    for named in (given, "mine.yaml"):
        with pytest.raises(ScenarioError) as caught:
            read(named)
        assert [str(problem) for problem in caught.value.problems] == [f"{named}: is a {expected}"]


def test_a_file_of_too_many_values_is_refused_with_the_limit(folder):
    [found] = messages(write(HEAD + f"cautions: [{', '.join(map(str, range(20_001)))}]\n"))
    assert found == "mine.yaml:4: more than 20,000 values by here; is it a table?"


@pytest.mark.parametrize(
    "text",
    [
        "name:\tmine\nextends:\tseptember-2022\n",
        "name: mine\t# a remark\nextends: september-2022\n\t\nseed:\t\t7\n",
        "name: mine\nextends: september-2022\nchanges: {panic.lag:\t2,\tseed:\t7}\n",
    ],
)
def test_a_tab_between_tokens_is_a_blank(tmp_path, text):
    """YAML 1.2 allows it after a colon, before a remark, and on a line with nothing else."""
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    plain = tmp_path / "plain.yaml"
    plain.write_text(text.replace("\t", " "), encoding="utf-8")
    assert load(path) == load(plain)
