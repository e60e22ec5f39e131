"""Figures, reports and the terminal in other languages: what is translated, and what is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flowsim.cli import app
from flowsim.comparison import compare
from flowsim.experiments.running import run
from flowsim.figures import draw_all
from flowsim.figures.reproduce import reproduce
from flowsim.findings import summary
from flowsim.findings.language import (
    LANGUAGES,
    SENTENCES,
    SLOT,
    Speaker,
    catalogue,
    in_language,
    messages,
    translated,
)
from flowsim.report import compose, write
from flowsim.report.document import Options, as_data
from flowsim.results.opening import open_run

SHORT = {"horizon.end": "2022-10-05"}
TITLE = (
    "Entries to Kazakhstan peaked at 22,100 to 24,500 a day on 28 September, those to Atlantis at "
    "1.2 million a day on 17 Sep"
)
MADE = {
    "ru": "Въезды в Казахстан: максимум 22 100–24 500 в день, 28 сентября; "
    "в страну Atlantis: 1,2 млн в день, 17 сент.",
    "ka": "შემოსვლა ყაზახეთში: მაქსიმუმი 22 100–24 500 დღეში, 28 სექტემბერი; "
    "Atlantis: 1,2 მლნ. დღეში, 17 სექ",
    "kk": "Қазақстанға кіру: ең көбі күніне 22 100–24 500, 28 қыркүйек; "
    "Atlantis: күніне 1,2 млн, 17 қыр.",
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Make a small run and a small comparison."""
    folder = tmp_path_factory.mktemp("results")
    run("september-2022", sample=0.001, seed=4, changes=SHORT, replications=2, out=folder / "run")
    names = ["september-2022", "no-task-force"]
    compare(names, replications=2, sample=0.001, workers=1, out=folder / "comparison")
    return {kind: folder / kind for kind in ("run", "comparison")}


def said(text: str, language: str = "ru") -> str:
    with in_language(language):
        return translated(text).replace("\u00a0", " ")


# ---- the catalogues --------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_slots_of_its_message_and_all_forms(language: str) -> None:
    for said in list(messages(language))[1:]:
        given = {slot[1] for slot in SLOT.finditer(said["msgid"])}
        forms = [text for key, text in said.items() if key.startswith("msgstr")]
        plural = {"ru": 3}.get(language, 2) if "msgid_plural" in said else 1
        assert len(forms) == plural, said["msgid"]
        for form in forms:
            assert form
            assert {slot[1] for slot in SLOT.finditer(form)} == given, said["msgid"]


def test_all_languages_have_the_same_messages_and_drafts_are_marked() -> None:
    found = [[(s.get("msgctxt"), s["msgid"]) for s in messages(code)] for code in LANGUAGES]
    assert found[0] == found[1] == found[2]
    assert len(set(found[0])) == len(found[0]) > 500
    for code in LANGUAGES:  # all but numbers and dates, until somebody has read them
        unread = [said for said in messages(code) if "fuzzy" in said["#"]]
        assert len(unread) > 480


# ---- numbers, days, plurals: Unicode CLDR, by Babel 2.18 -------------------------------------


@pytest.mark.parametrize(
    ("english", "ru", "ka", "kk"),
    [
        ("12,345.5", "12 345,5", "12 345,5", "12 345,5"),
        ("1.2 million", "1,2 млн", "1,2 მლნ.", "1,2 млн"),
        ("5\u00a0%", "5 %", "5%", "5%"),
        ("under 1\u00a0%", "менее 1 %", "1%-ზე ნაკლები", "1%-ден аз"),
        ("fewer than 1", "менее 1", "1-ზე ნაკლები", "1-ден аз"),
        ("10 to 20", "10–20", "10–20", "10–20"),
        ("−5 to +3", "−5…+3", "−5…+3", "−5…+3"),
        ("17 September", "17 сентября", "17 სექტემბერი", "17 қыркүйек"),
        ("1 May", "1 мая", "1 მაისი", "1 мамыр"),
        ("17 Sep", "17 сент.", "17 სექ", "17 қыр."),
        ("17 September 2022", "17 сентября 2022 г.", "17 სექტემბერი, 2022", "2022 ж. 17 қыркүйек"),
        (
            "17 September to 31 October 2022",
            "17 сентября – 31 октября 2022 г.",
            "17 სექტემბერი – 31 ოქტომბერი, 2022",
            "2022 ж. 17 қыркүйек – 31 қазан",
        ),
    ],
)
def test_numbers_and_days_are_written_as_the_language_does(
    english: str, ru: str, ka: str, kk: str
) -> None:
    assert [said(english, code) for code in LANGUAGES] == [ru, ka, kk]


def test_russian_has_three_plural_forms() -> None:
    made = [said(f"{n:,} replications") for n in (2, 5, 11, 21, 22, 25, 101, 1_000)]
    words = ["повтора", "повторов", "повторов", "повтор", "повтора", "повторов", "повтор"]
    assert [text.rpartition(" ")[2] for text in made] == [*words, "повторов"]
    assert said("1 replication") == "1 повтор"
    wait = "Verkhny Lars: longest mean wait of a day {} hours."
    ends = [said(wait.format(n)).rpartition(" ")[2] for n in ("21", "3.5", "62", "70", "94 to 101")]
    assert ends == ["час.", "часа.", "часа.", "часов.", "час."]


# ---- sentences -------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sentence_is_put_together_anew_and_an_unknown_name_stays(language: str) -> None:
    assert said(TITLE, language) == MADE[language]


def test_georgian_sentences_begin_with_no_capital() -> None:
    assert said("Entries a day", "ka") == said("entries a day", "ka")
    assert (said("Entries a day"), said("entries a day")) == ("Въездов в день", "въездов в день")


def test_what_is_not_known_stays_english_by_whole_sentences_and_is_listed() -> None:
    speaker = Speaker("ru", catalogue("ru"))
    text = "Grey: the others. Entries to Georgia were blue. Bars: policies of the scenario."
    made = speaker.translate(text)
    assert made == "Серым: остальные. Entries to Georgia were blue. Полосы: меры сценария."
    assert list(speaker.missing) == ["Entries to Georgia were blue."]
    assert speaker.translate(made) == made  # once more changes nothing
    assert "1 stay English" in speaker.coverage()
    assert "Entries to Georgia were blue." in speaker.coverage()


def test_english_is_as_it_was(results: dict[str, Path], tmp_path: Path) -> None:
    draw_all(results["run"], ["entries"], formats=["svg"], out=tmp_path / "a")
    with in_language("en"):
        draw_all(results["run"], ["entries"], formats=["svg"], out=tmp_path / "b")
    for name in ("entries.svg", "entries.csv", "entries.txt"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


# ---- figures, reports, the terminal ----------------------------------------------------------


SLOW = [pytest.param(code, marks=pytest.mark.slow) for code in ("ka", "kk")]


@pytest.mark.parametrize("language", ["ru", *SLOW])
def test_the_figures_of_a_run_and_a_comparison_are_translated(
    results: dict[str, Path], tmp_path: Path, language: str
) -> None:
    with in_language(language) as speaker:
        for kind in ("run", "comparison"):
            draw_all(results[kind], formats=["svg"], out=tmp_path)
    assert speaker is not None
    assert len(speaker.said) > 150
    assert len(speaker.missing) < 0.05 * len(speaker.said), list(speaker.missing)  # new wordings
    for path in tmp_path.glob("*.txt"):  # English in whole sentences or not at all
        for sentence in SENTENCES.split(path.read_text(encoding="utf-8").strip()):
            words = re.findall(r"\b(?:the|men|of|was|were)\b", sentence)
            assert not words or sentence in speaker.missing
    assert "Georgia" in (tmp_path / "entries.csv").read_text()  # data are not translated


@pytest.mark.slow
def test_a_translated_figure_is_made_again_in_its_language(
    results: dict[str, Path], tmp_path: Path
) -> None:
    with in_language("kk"):
        draw_all(results["run"], ["stocks"], formats=["png"], out=tmp_path)
    assert reproduce(tmp_path / "stocks.png").same


@pytest.mark.slow
def test_the_first_page_of_a_report_is_translated(results: dict[str, Path], tmp_path: Path) -> None:
    with in_language("ru") as speaker:
        document, _ = compose(results["run"], Options(quick=True))
        data = as_data(document)
        write(results["run"], tmp_path / "report.html", Options(quick=True))
        assert speaker is not None
        headings = {section.title for section in document.sections}
        assert headings.isdisjoint(speaker.missing)
        pages = [block for section in data["sections"][:2] for block in section["blocks"]]
        first = str([{**block, "table": ""} for block in pages])
    assert data["language"] == "ru"
    assert data["sections"][0]["title"] == "Что говорит модель"
    assert "мужчин 18–59 лет" in first.replace("\u00a0", " ")
    assert len(re.findall(r"\b(?:the|of)\b", first)) < 20  # new wordings
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert '<html lang="ru">' in page
    assert "<b>Рисунок 1.</b>" in page


def test_the_terminal_has_translated_headings(results: dict[str, Path]) -> None:
    with in_language("ru"):
        text = summary(open_run(results["run"]))
    assert "\nКТО УЕХАЛ\n" in text
    assert "\nОЖИДАНИЕ\n" in text
    with in_language("ka"):  # no capitals that few fonts have
        assert "\nვინ წავიდა\n" in summary(open_run(results["run"]))


def test_an_unknown_language_is_refused_before_anything_runs(tmp_path: Path) -> None:
    command = ["run", "september-2022", "--language", "de", "--out", str(tmp_path / "out")]
    made = CliRunner().invoke(app, command)
    assert made.exit_code == 2
    assert "language de is not known; choose of en, ru (Russian), ka (Georgian)" in made.stderr
    assert not (tmp_path / "out").exists()


def test_the_environment_may_name_the_language(results: dict[str, Path], tmp_path: Path) -> None:
    command = ["figures", str(results["run"]), "--only", "entries", "--out", str(tmp_path)]
    made = CliRunner().invoke(app, command, env={"FLOWSIM_LANGUAGE": "ru"})
    assert made.exit_code == 0
    assert "texts are in Russian, a draft until a native speaker has read it." in made.stderr
    assert "Въезды" in (tmp_path / "entries.txt").read_text(encoding="utf-8")
