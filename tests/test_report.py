"""Reports: what they say is true, nothing in them acts, and the same folder gives the same file."""

from __future__ import annotations

import ast
import itertools
import json
import re
import shutil
import subprocess
from base64 import b64decode
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import docx
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import flowsim
from flowsim import cli, open_run, report
from flowsim.data import sources
from flowsim.errors import MachineError
from flowsim.findings import inputs, ranges
from flowsim.findings.finding import Link, Table
from flowsim.findings.words import count
from flowsim.report import arranging, reception, writers
from flowsim.report.document import (
    Commands,
    Document,
    Options,
    Paragraph,
    Picture,
    Section,
    as_data,
    clean,
)
from flowsim.scenario import assumptions, load

HOSTILE = '<script>alert(1)</script> #read("/etc/passwd") ] ` " \' $x$ *b* {{ 7*7 }} \\'
SMALL = {"sample": 0.001, "replications": 2}
DRAWING = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9"/></svg>'
VOID = ("meta", "link", "img", "col", "wbr")


class Page(HTMLParser):
    """A page taken apart: tags with their attributes, in order, and the text under each."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(page.decode())
        assert not self.open, "every tag is closed"

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, {key: value or "" for key, value in attributes}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, "tags are closed in order"

    def handle_data(self, data):
        if self.open:
            self.texts.append((self.open[-1], data))

    def all(self, *tags: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.tags if tag in tags]

    def text(self, *tags: str) -> str:
        return "".join(text for tag, text in self.texts if not tags or tag in tags)


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory) -> Path:
    """A run of the baseline: a thousandth of the men, two replications."""
    folder = tmp_path_factory.mktemp("report") / "run"
    flowsim.run("september-2022", out=folder, **SMALL)
    return folder


@pytest.fixture
def undrawn(monkeypatch):
    """Draw nothing that takes time: one picture in the place of all figures."""
    picture = Picture("entries", DRAWING, "Entries per day.", "Entries rise and fall.")
    monkeypatch.setattr(arranging, "drawn", lambda *_: [picture])


@pytest.fixture(scope="session")
def composed(run_folder) -> tuple[Document, dict[str, str]]:
    """The report of that run, with all that is simulated beside it."""
    with pytest.MonkeyPatch.context() as patch:
        picture = Picture("entries", DRAWING, "Entries per day.", "Entries rise and fall.")
        patch.setattr(arranging, "drawn", lambda *_: [picture])
        return report.compose(run_folder, Options(full=True))


@pytest.fixture(scope="session")
def page(composed) -> Page:
    return Page(writers.html(composed[0]))


def section(document: Document, key: str) -> Section:
    return next(part for part in document.sections if part.key == key)


def words(part: Section) -> str:
    return str(as_data(Document("", "", (), (part,)))["sections"])


def small_document(*blocks, title="A title") -> Document:
    return Document(title, "A report", (("Seed", "1"),), (Section("one", "One", blocks),))


# -- the page: accessible, and inert


def test_the_page_has_one_title_and_its_headings_never_skip_a_level(page):
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(levels))


def test_the_page_has_landmarks_and_a_way_to_skip_to_the_content(page):
    tags = [tag for tag, _ in page.tags]
    assert all(tags.count(tag) == 1 for tag in ("header", "nav", "main", "footer"))
    assert page.all("html")[0]["lang"] == "en-GB"
    first_link = page.all("a")[0]
    assert first_link["href"] == "#" + page.all("main")[0]["id"]


def test_every_link_inside_the_page_leads_somewhere_and_no_name_is_used_twice(page):
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    inside = {a["href"][1:] for a in page.all("a") if a["href"].startswith("#")}
    assert inside <= set(ids)
    named = {a["aria-labelledby"] for _, a in page.tags if "aria-labelledby" in a}
    assert named <= set(ids)


def test_every_picture_is_told_in_words_and_every_table_names_rows_and_columns(page):
    assert page.all("img")
    assert all(image["alt"].strip() for image in page.all("img"))
    assert all(cell["scope"] in ("col", "row") for cell in page.all("th"))
    tags = [tag for tag, _ in page.tags]
    assert tags.count("table") == tags.count("caption") == tags.count("thead") > 10


def test_what_scrolls_can_be_reached_by_keyboard_and_has_a_name(page):
    scrolling = [a for a in page.all("div", "pre") if a.get("role") == "region"]
    assert len(scrolling) == len(page.all("table", "pre"))
    assert all(a["tabindex"] == "0" for a in scrolling)
    assert all(a.get("aria-label") or a.get("aria-labelledby") for a in scrolling)


def only_ours(page: Page) -> bool:
    """Whether a page has our one script, and its policy allows no other."""
    policy = next(m["content"] for m in page.all("meta") if "http-equiv" in m)
    ours = writers.script(writers.SCRIPT)
    allowed = f"script-src 'sha256-{ours['script_hash']}';" in policy
    return allowed and len(page.all("script")) == 1 and page.text("script") == ours["script"]


def test_nothing_in_the_page_runs_but_our_script_or_is_fetched(page):
    tags = {tag for tag, _ in page.tags}
    assert only_ours(page)
    assert not tags & {"iframe", "object", "embed", "form", "base", "video", "audio"}
    for tag, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes), "no handlers of events"
        assert "style" not in attributes or tag == "col"
        for name in ("src", "srcset", "data", "poster", "action"):
            assert attributes.get(name, "data:").startswith("data:")
        if tag == "link":
            assert attributes["href"] == "data:,"
    style = page.text("style")
    assert "@import" not in style
    assert "url(" not in style
    policy = next(m["content"] for m in page.all("meta") if "http-equiv" in m)
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'unsafe-inline'")


def test_links_out_of_the_page_are_sources_in_the_text(page):
    out = [a for a in page.all("a") if not a["href"].startswith(("#", "data:"))]
    assert len(out) > 20
    assert all(a["href"].startswith(("https://", "http://")) for a in out)
    assert all("noreferrer" in a["rel"] for a in out)


def luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def test_text_stands_out_from_what_lies_behind_it_by_day_and_in_the_dark(page):
    """WCAG 2.2, 1.4.3: at least 4.5 to 1 for text of ordinary size."""
    themes = re.findall(r":root \{(.*?)\}", page.text("style"))
    assert len(themes) == 2
    for theme in themes:
        found = dict(re.findall(r"--(\w+): (#[0-9a-f]{3,6});", theme))
        long = {
            k: v if len(v) == 7 else "#" + "".join(2 * c for c in v[1:]) for k, v in found.items()
        }
        for ink, paper in itertools.product(("ink", "quiet", "link"), ("paper", "pale", "mark")):
            pair = sorted((luminance(long[ink]), luminance(long[paper])))
            assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.5, (ink, paper)


def test_a_hostile_text_is_shown_and_does_nothing():
    told = small_document(
        Paragraph(HOSTILE),
        Table(
            HOSTILE, (HOSTILE, "b"), (((HOSTILE, Link(HOSTILE, "https://a.org/?\"'><b>")), "c"),)
        ),
        Picture("p", DRAWING, HOSTILE, f'"><img src=x onerror=alert(1)> {HOSTILE}'),
        Commands((HOSTILE,)),
        title=HOSTILE,
    )
    shown = Page(writers.html(told))
    assert shown.text("h1") == HOSTILE
    assert only_ours(shown)
    assert len(shown.all("b")) == 2, "ours: Table 1 and Figure 1"
    assert [image["src"][:5] for image in shown.all("img")] == ["data:"]
    assert shown.text("title") == HOSTILE


def test_a_scenario_named_like_a_script_is_told_by_name(tmp_path, undrawn):
    base = load("september-2022", ["sample=0.0005"])
    hostile = base.model_copy(update={"title": HOSTILE, "description": HOSTILE})
    flowsim.run(hostile, out=tmp_path)
    told, _ = report.compose(tmp_path, Options(quick=True))
    shown = Page(writers.html(told))
    assert shown.text("h1") == HOSTILE
    assert HOSTILE in shown.text("p")
    assert only_ours(shown)


def test_a_picture_can_be_saved_with_its_data():
    drawn = Picture("p", DRAWING, "P.", "A line.", table="day,men\n1,2\n")
    made = replace(small_document(drawn), name="my scenario")
    shown = Page(writers.html(made))
    links = {a["download"]: a["href"] for a in shown.all("a") if "download" in a}
    assert list(links) == ["my-scenario-p.svg", "my-scenario-p.csv"]
    [picture] = shown.all("img")
    assert links["my-scenario-p.svg"] == f"#{picture['id']}", "in the page once, saved from there"
    data = [picture["src"], links["my-scenario-p.csv"]]
    contents = [b64decode(one.partition("base64,")[2]) for one in data]
    assert contents == [DRAWING, b"day,men\n1,2\n"]
    assert b"my-scenario-p.csv" in writers.pdf(made)


def test_a_source_leads_to_the_model_description_which_the_report_holds(composed, page):
    cells = [str(block.rows) for block in section(composed[0], "assumptions").blocks[1:]]
    assert "Link(text='docs/ODD.md, section 7.4', url='#model')" in str(cells)
    assert "Section 7.4: Journey and entry limits" in words(section(composed[0], "model"))
    [file] = [one for one in page.all("a") if one.get("download") == "ODD.md"]
    assert b64decode(file["href"].partition("base64,")[2]).startswith(b"# flowsim: model")
    assert b"ODD.md" in writers.pdf(composed[0])


def test_a_word_file_holds_what_the_page_holds(composed):
    made = writers.word(composed[0])
    assert made == writers.word(composed[0]), "the same bytes every time"
    file = docx.Document(BytesIO(made))
    headings = [p.text for p in file.paragraphs if p.style.name.startswith("Heading")]
    assert headings == [part.title for part in composed[0].sections]
    blocks = [block for part in composed[0].sections for block in part.blocks]
    assert len(file.tables) == sum(isinstance(block, Table) for block in blocks)
    assert len(file.inline_shapes) == sum(isinstance(block, Picture) for block in blocks) == 3
    assert all(shape._inline.docPr.get("descr") for shape in file.inline_shapes)
    assert file.core_properties.title == composed[0].title


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd"])
def test_a_link_that_is_not_of_the_web_is_plain_text(url):
    told = small_document(Paragraph(("see ", Link("here", url))))
    shown = Page(writers.html(told))
    assert url not in [a["href"] for a in shown.all("a")]
    assert "see here" in "".join(text for _, text in shown.texts)


def test_letters_that_steer_the_line_or_are_none_are_taken_out():
    assert clean("safe\u202egnp.exe") == "safegnp.exe"
    assert clean("a\x00b\x1bc\nd\ufffe") == "a b c d"
    assert clean("Ünïcødé, Ж, ქ, 中, \U0001f600") == "Ünïcødé, Ж, ქ, 中, \U0001f600"


# -- the same folder, the same file


def test_the_same_folder_gives_the_same_bytes_wherever_it_lies(run_folder, tmp_path, undrawn):
    shutil.copytree(run_folder, tmp_path / "elsewhere")
    here, there = (
        report.compose(folder, Options(quick=True))
        for folder in (run_folder, tmp_path / "elsewhere")
    )
    assert writers.html(here[0]) == writers.html(there[0])
    assert writers.pdf(here[0]) == writers.pdf(there[0])
    assert here[1] == there[1]


def test_nothing_in_a_report_tells_when_or_where_it_was_made(run_folder, page):
    told = open_run(run_folder).manifest
    text = page.text()
    assert told["started"][:10] not in text
    assert str(run_folder) not in text
    assert f"{told['seconds']} s" not in text


def test_a_report_leaves_the_folder_it_tells_of_as_it_was(run_folder, tmp_path, undrawn):
    before = {path: path.stat().st_mtime_ns for path in run_folder.rglob("*")}
    report.write(run_folder, tmp_path / "out" / "report.html", Options(quick=True))
    assert {path: path.stat().st_mtime_ns for path in run_folder.rglob("*")} == before


@pytest.mark.slow
def test_figures_are_drawn_afresh_whatever_stands_in_the_folder(run_folder, tmp_path):
    altered = tmp_path / "altered"
    shutil.copytree(run_folder, altered)
    (altered / "figures").mkdir()
    (altered / "figures" / "entries.svg").write_text("<svg>drawn by somebody else</svg>")
    first, second = (arranging.drawn(folder, "run") for folder in (run_folder, altered))
    assert [p.svg for p in first] == [p.svg for p in second]
    assert all(p.alt.strip() for p in first)
    assert len(first) >= 4
    assert (altered / "figures" / "entries.svg").read_text().startswith("<svg>drawn by")


# -- what it says


def test_numbers_in_the_text_are_those_of_the_tables(run_folder, composed):
    run = open_run(run_folder)
    daily = run.daily
    chosen = daily[(daily.measure == "departures") & (daily.place_kind == "nation")]
    left = chosen.groupby("replication").value.sum()
    told = words(section(composed[0], "answer"))
    assert f"{count(left.mean())} ({count(left.min())} to {count(left.max())}) men set off" in told
    there = run.outcomes[run.outcomes.status == "abroad-georgia"].groupby("replication").men.sum()
    assert f"{ranges.ranged(there.to_numpy())} were" in told


def test_a_range_is_told_only_when_there_are_replications():
    assert ranges.ranged(np.array([1234.0])) == "1,230"
    assert ranges.ranged(np.array([1200.0, 1300.0])) == "1,250 (1,200 to 1,300)"
    assert ranges.ranged(np.array([7.0, 7.0])) == "7"
    assert ranges.ranged(np.array([np.nan, np.nan])) == "unknown"


def test_beyond_twenty_replications_the_range_leaves_the_rarest_out():
    values = np.arange(101.0)
    assert ranges.ends(values) == (5.0, 95.0)
    assert ranges.ends(values[:20]) == (0.0, 19.0)


def test_one_replication_is_said_to_have_no_range(tmp_path, undrawn):
    flowsim.run("september-2022", out=tmp_path, sample=0.0005)
    told, _ = report.compose(tmp_path, Options(quick=True))
    answer = words(section(told, "answer"))
    assert "Only 1 man in 2,000 was simulated" in answer
    sure = words(section(told, "sure"))
    assert "no number here has a range and no chance can be given" in sure


def test_inputs_are_marked_and_do_not_count_as_tests(run_folder, composed):
    summary = open_run(run_folder).summary
    part = section(composed[0], "published")
    table = next(block for block in part.blocks if isinstance(block, Table))
    first = summary.drop_duplicates("observation")
    roles = [row[5] for row in table.rows]
    assert roles.count("input, not evidence") == int(first["is_input"].sum()) > 10
    assert table.marked == {n for n, role in enumerate(roles) if role == "input, not evidence"}
    tests = first[(first["role"] == "validate") & ~first["is_input"] & (first["published"] > 0)]
    assert f"Of the {len(tests)} published figures above zero" in words(part)


def test_the_number_of_the_press_is_named_only_to_warn_of_it(page):
    """The total covers two countries; 260,000 counts all men who crossed outward anywhere."""
    sentences = [text for _, text in page.texts if "260,000" in text]
    assert len(sentences) == 1
    assert "must never be set against the 260,000" in sentences[0]


def test_three_lambdas_stand_side_by_side(composed):
    table = next(b for b in section(composed[0], "lambda").blocks if isinstance(b, Table))
    assert table.header[1:] == ("Lambda 0.3", "Lambda 0.6 (this run)", "Lambda 1")
    assert [row[0] for row in table.rows][:3] == [
        "set off",
        "got into Georgia",
        "got into Kazakhstan",
    ]
    wanted = next(row for row in table.rows if row[0].startswith("wanted Georgia"))
    low, _, high = (float(cell.split(" ")[0].replace(",", "")) for cell in wanted[1:])
    assert low < high, "the less alike the countries, the more wait for the one they cannot enter"


def test_a_lambda_of_ones_own_stands_beside_the_three():
    scenario = load("september-2022", ["sample=0.0005", "choice.lambda=0.5"])
    found = reception.simulated(scenario, 1)
    assert list(found.lambdas) == [0.3, 0.5, 0.6, 1.0]
    assert found.own == 0.5


# -- what went in


def test_the_baseline_does_not_differ_from_itself():
    part = inputs.differences(load("september-2022"))
    assert part.sentences == ("Nothing differs from the baseline as shipped.",)


def test_what_differs_is_told_key_by_key_with_its_source():
    source = "assumption: half as many are stopped"
    changes = {
        "policies.task_force_lars.p_serve": {"value": 0.021, "source": source},
        "policies.entry_limit_north_ossetia": None,
        "policies.rumour_of_closure.to": "2022-10-02",
    }
    part = inputs.differences(load("september-2022", changes))
    rows = {row[0]: row[1:] for row in part.tables[0].rows}
    assert rows["policies.task_force_lars.p_serve"] == ("0.064 share", "0.021 share", source)
    assert rows["policies.rumour_of_closure.to"][:2] == ("2022-09-29", "2022-10-02")
    gone = {key: row for key, row in rows.items() if "entry_limit" in key}
    assert len(gone) == 7, "kind, at, from, three shares, the exempt region"
    assert all(row[1:] == ("–", "taken out") for row in gone.values())
    assert len(rows) == len(gone) + 2


def test_every_number_is_listed_with_its_source_and_doubtful_ones_are_marked():
    scenario = load("september-2022")
    tables = inputs.everything(scenario).tables[1:]
    rows = assumptions(scenario)
    assert sum(len(table.rows) for table in tables) == len(rows)
    listed = [(n in t.marked, row[3]) for t in tables for n, row in enumerate(t.rows)]
    for row, (marked, basis) in zip(rows, listed, strict=True):
        if row.source.startswith("assumption"):
            assert (marked, basis) == (True, "assumed")
        if row.source.startswith("literature"):
            assert not marked
        if row.source.startswith("calibrated"):
            assert marked is ("not identified" in row.source)
    doubtful = sum(marked for marked, _ in listed)
    assert f"{len(rows)} numbers, of which {doubtful}" in inputs.everything(scenario).sentences[0]


def test_imputed_numbers_are_called_so():
    assert inputs.basis("data: crossings.csv, derived: 9,600 a day") == "imputed"
    assert inputs.basis("data: crossings.csv, assumption: 2.8 x background") == "assumed"
    assert inputs.basis("data: road_km.csv, 31 known pairs") == "data"
    assert inputs.basis("calibrated: least squares") == "fitted"
    assert inputs.basis("calibrated: least squares, not identified") == "not identified"


def test_the_report_carries_the_scenario_that_makes_it_again(composed, tmp_path, run_folder):
    file = composed[0].attachments[0]
    path = tmp_path / file.name
    path.write_text(file.text, encoding="utf-8")
    assert load(path) == open_run(run_folder).scenario
    commands = next(b for b in section(composed[0], "reproduce").blocks if isinstance(b, Commands))
    assert commands.lines[0] == "flowsim run scenario.yaml --replications 2 --out again"


def test_the_sources_that_numbers_name_can_be_looked_up(page):
    """Parameters cite published figures by their ids; each id is told with its source."""
    known = {figure.id for figure in sources.observations()}
    named = {i for row in assumptions(load("september-2022")) for i in inputs.cited_ids(row.source)}
    assert {"GE001", "GE006", "KZ046"} <= named, "the last of a span as well"
    told = page.text("li")
    assert all(name in told for name in named & known)


# -- PDF


def test_the_pdf_is_tagged_titled_and_carries_the_scenario(composed):
    made = writers.pdf(composed[0])
    assert made.startswith(b"%PDF-1.7")
    assert b"<pdfuaid:part>1</pdfuaid:part>" in made
    assert b"/Lang(en-GB)" in made
    assert b"scenario.yaml" in made
    assert b"CreationDate" not in made


def test_the_pdf_prints_what_looks_like_its_own_language(composed):
    told = replace(composed[0], title=HOSTILE)
    made = writers.pdf(told)
    assert b"#read(&quot;/etc/passwd&quot;)" in made
    assert b"root:" not in made


def test_letters_that_no_font_has_do_not_stop_the_pdf():
    told = small_document(Paragraph("中文 \U0001f600 \U000e0001 \ue000"), title="x" * 3000)
    assert writers.pdf(told).startswith(b"%PDF")


def test_long_words_may_break_on_paper_but_commands_and_files_stay_as_they_are():
    word = "policies.foot_lane_lars.background_walking_share"
    told = small_document(Paragraph(f"{word} {'f' * 64} {'x' * 65} short_one"), Commands((word,)))
    data = json.loads(writers.sources_of(told)["data.json"])
    text, command = (str(block) for block in data["sections"][0]["blocks"])
    assert "foot_\u200blane_" in ast.literal_eval(text)["words"][0]["text"]
    assert word in command
    assert f" {'f' * 64} " in text
    assert " short_one" in text
    assert f"{'x' * 64}\u200bx" in ast.literal_eval(text)["words"][0]["text"]


def pages(document: Document) -> int:
    return writers.pdf(document).count(b"/Type/Page/")


def test_a_reception_sheet_fits_one_page(composed):
    """With everything on it: two tables, the chart, and what the chance is worth."""
    sheets = tuple(part for part in composed[0].sections if part.sheet)
    assert len(sheets) == 2
    assert [pages(Document("A title", "", (), sheets[:n])) for n in (0, 1, 2)] == [1, 2, 3]


def test_the_findings_fill_two_pages_and_the_long_report_holds_the_rest(run_folder, undrawn):
    short, full = (report.compose(run_folder, Options(True, full))[0] for full in (False, True))
    keys = [part.key for part in short.sections]
    front = replace(short, sections=short.sections[: keys.index("appendix")])
    assert pages(front) <= 2
    assert pages(short) < 9 < pages(full)
    assert {part.key for part in full.sections} - set(keys) == {"assumptions", "model"}


# -- the command


@pytest.fixture
def command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(cli.app, ["report", *map(str, arguments)])


def test_the_command_writes_the_report_and_the_tables_beside_it(
    command, run_folder, tmp_path, undrawn
):
    made = command(run_folder, "-o", "paper.pdf", "--quick", "--quiet")
    assert made.exit_code == 0, made.output
    sheets = [f"reception-september-2022-{name}.csv" for name in ("georgia", "kazakhstan")]
    assert made.stdout.split() == ["paper.pdf", *sheets]
    assert (tmp_path / "paper.pdf").read_bytes().startswith(b"%PDF")
    assert len(pd.read_csv(tmp_path / "reception-september-2022-georgia.csv")) == 9 * 45


def test_an_ending_that_is_no_report_is_refused(command, run_folder):
    made = command(run_folder, "-o", "report.odt")
    assert made.exit_code == 2
    assert "ends in .html, .pdf or .docx" in made.stderr


def test_a_folder_without_results_is_refused(command, tmp_path):
    made = command(tmp_path)
    assert made.exit_code == 2
    assert "not a finished results folder" in made.stderr


def test_a_table_that_was_altered_is_refused(command, run_folder, tmp_path):
    altered = tmp_path / "altered"
    shutil.copytree(run_folder, altered)
    path = altered / "summary.csv"
    path.write_text(path.read_text().replace("0,GE001", "0,GE002", 1))
    made = command(altered, "--quick")
    assert made.exit_code == 2
    assert "summary.csv is not the file" in made.stderr


def test_a_page_below_a_file_is_the_users_to_mend(command, run_folder, tmp_path, undrawn):
    (tmp_path / "file").write_text("")
    made = command(run_folder, "-o", tmp_path / "file" / "report.html", "--quick")
    assert made.exit_code == 2
    assert "the page cannot be written" in made.stderr


# -- in a browser


CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)


def opened(page: bytes, folder: Path) -> tuple[set[str], subprocess.CompletedProcess[str]]:
    """Open a page in a fresh browser that can reach nobody; give the hosts it asked for."""
    folder.mkdir()
    (folder / "page.html").write_bytes(page)
    done = subprocess.run(
        [
            str(CHROMIUM),
            *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            *("--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr"),
            *(f"--user-data-dir={folder / 'profile'}", f"--log-net-log={folder / 'net.json'}"),
            *("--dump-dom", (folder / "page.html").as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    log = (folder / "net.json").read_text(errors="replace")
    return set(re.findall(r'"url":"https?://([^/"]+)', log)), done


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
def test_a_browser_finds_nothing_to_complain_of_and_asks_nobody(composed, tmp_path):
    """No message on the console, and no host but those the browser asks for by itself."""
    page = writers.html(replace(composed[0], title=HOSTILE))
    asked, done = opened(page, tmp_path / "report")
    own, _ = opened(b"<!DOCTYPE html><title>Empty</title>", tmp_path / "empty")
    control = b'<!DOCTYPE html><title>x</title><img src="https://asked.example/x.png">'
    control += b"<script>console.log('said')</script>"
    assert asked <= own
    assert "CONSOLE" not in done.stderr
    assert "&lt;script&gt;alert(1)" in done.stdout
    seen, complaining = opened(control, tmp_path / "control")
    assert "asked.example" in seen, "a request would have been seen"
    assert "CONSOLE" in complaining.stderr, "a message would have been seen"


def test_without_typst_a_pdf_is_refused_with_what_to_do(monkeypatch):
    monkeypatch.setattr(writers, "find_spec", lambda _: None)
    with pytest.raises(MachineError, match=r"not installed; write a .html instead"):
        writers.pdf(Document("T", "S", (), ()))
