"""A man's days in sentences, and the same man in another scenario."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from flowsim.cli import app
from flowsim.errors import ModelError
from flowsim.findings.biography import Diary, Life, find, life, written
from flowsim.scenario import load

SAMPLE = {"sample": 0.02}
DETERRED = "status=abroad-georgia,versus-status=home"


@pytest.fixture(scope="module")
def baseline() -> Diary:
    return Diary(load("september-2022", SAMPLE))


@pytest.fixture(scope="module")
def without() -> Diary:
    return Diary(load("no-task-force", SAMPLE))


def test_a_deterred_man_is_found_and_told_beside_himself(baseline: Diary, without: Diary) -> None:
    """He crosses without the task force; with it he hears of the checks and stays."""
    man = find(without, DETERRED, baseline)[0]
    assert Life(without, man).introduction() == Life(baseline, man).introduction()
    went = " ".join(event.text for event in life(without, man))
    stayed = " ".join(event.text for event in life(baseline, man))
    assert "He sets off" in went
    assert "he crosses into Georgia" in went
    assert "his status is: abroad georgia" in went
    assert "He hears of more checks on the way to Georgia" in stayed
    assert "never passes his threshold" in stayed
    assert "his status is: home" in stayed
    beside = written(without, man, baseline, 120)
    assert "no-task-force" in beside
    assert "september-2022" in beside
    assert max(map(len, beside.splitlines())) <= 120


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        ("turned-back", "turned back|refuses him entry"),
        ("gave-up", "his patience ends: he gives up"),
        ("limited", "An entry limit stands in his way: he goes home|An entry limit stood"),
        ("enlisted", "complies and is enlisted"),
        ("hiding", "does not comply and hides"),
        ("wants-georgia", "requires the international passport, which he does not have"),
        ("abroad-kazakhstan", "he crosses into Kazakhstan"),
    ],
)
def test_every_fate_is_told_in_order(baseline: Diary, status: str, sentence: str) -> None:
    """For men of each status the sentence that explains it is there, times ascending."""
    men = find(baseline, f"status={status}")
    assert men, status
    for man in men[:10]:
        events = life(baseline, man)
        text = " ".join(event.text for event in events)
        assert any(part in text for part in sentence.split("|")), text
        times = [event.at for event in events]
        assert times == sorted(times)
        assert f"his status is: {status.replace('-', ' ')}." in events[-1].text


def test_a_man_nothing_could_reach_has_a_life_too(baseline: Diary) -> None:
    """Men who are only counted are made again, from their own draws, and stay at home."""
    man = next(m for m in range(400) if baseline.row_of(m) is None)
    assert "his status is: home" in life(baseline, man)[-1].text


def test_men_made_alone_are_those_of_the_crowd(baseline: Diary) -> None:
    """Thresholds of a man made alone equal those in the population."""
    from flowsim.findings.biography import Life

    men = baseline.model.population
    for row in range(0, len(men), len(men) // 20):
        alone = Life(baseline, int(men.id[row]))
        assert alone.stratum == men.stratum[row]
        assert alone.thresholds.tolist() == men.threshold[row].tolist()
        assert alone.call_up_threshold == men.call_up_threshold[row]


def test_unknown_men_and_keys_are_explained(baseline: Diary) -> None:
    with pytest.raises(ModelError, match="is not in a sample of 0"):
        life(baseline, 500_000)
    with pytest.raises(ModelError, match="there is no man 99999999"):
        life(baseline, 99_999_999)
    with pytest.raises(ModelError, match=r"--where knows region, age.*found regin"):
        find(baseline, "regin=RU-MOW")
    with pytest.raises(ModelError, match="liable is one of no, yes; found true"):
        find(baseline, "liable=true")


def test_the_command_tells_one_man_and_lists_many() -> None:
    """``--one`` tells, without it the ids are listed; nobody found is exit code 2."""
    base = ["biography", "september-2022", "--sample", "0.005", "--where"]
    told_one = CliRunner().invoke(app, [*base, "status=enlisted", "--one"])
    assert told_one.exit_code == 0
    assert "complies and is enlisted" in " ".join(told_one.output.split())
    listed = CliRunner().invoke(app, [*base, "status=enlisted"])
    assert "men found; recount one with --man" in listed.output
    nobody = CliRunner().invoke(app, [*base, "status=nowhere"])
    assert nobody.exit_code == 2
    assert "No man of this sample is status=nowhere" in nobody.output


def test_a_man_refused_for_want_of_a_visa_is_told_which() -> None:
    """Under way when Georgia begins to ask for it, he is turned back at entry."""
    diary = Diary(load("georgia-asks-for-visas", SAMPLE))
    at_entry = [
        " ".join(event.text for event in life(diary, man))
        for man in find(diary, "status=turned-back,destination=georgia,passport=yes")
    ]
    assert any("Georgia refuses him entry: he has no Georgian visa" in text for text in at_entry)
    at_home = life(diary, find(diary, "status=wants-georgia,passport=yes")[0])
    assert any("It requires the Georgian visa" in event.text for event in at_home)
