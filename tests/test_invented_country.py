"""Another country on other borders, from its own files: every command runs, nothing is Russia's."""

import csv
import json
import re
import shutil
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest
from typer.testing import CliRunner

from flowsim.cli.app import app
from flowsim.data import own
from flowsim.errors import DataError, ScenarioError
from flowsim.scenario import content_hash, load
from flowsim.scenario.observing import figures_of
from flowsim.scenario.writing import resolved_yaml

HERE = Path(__file__).parent.parent / "scenarios" / "examples"
RUSSIAN = re.compile(
    r"Russia|Moscow|Georgia|Kazakh|Lars\b|Rosstat|Natural Earth|\brouble|Bessudnov|"
    r"\b(RU|GE|KZ)-[A-Z]+|\b(GE|KZ|LA|CU|DR)\d{3}\b|"
    r"(?<![.\d])2022(?![.\d])|[Mm]obilis|39\.6 million|[Pp]ublished episode|One episode"
)


@pytest.fixture
def arkland(tmp_path, monkeypatch):
    """Return a copy of the country's files, in which commands run."""
    for path in HERE.glob("arkland*"):
        shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*words):
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    no_russian_names(done.output)
    return done.output


def no_russian_names(text):
    found = RUSSIAN.search(text)
    assert not found, text[max(0, found.start() - 80) : found.end() + 80]


def look_through(folder):
    """Check every file of results; pictures say in their recipe what they are made of."""
    for path in folder.rglob("*"):
        if path.suffix in (".csv", ".yaml", ".json", ".html", ".svg", ".md"):
            text = path.read_text(encoding="utf-8")
            text = re.sub(r"[A-Za-z0-9+/=]{60,}", "", text)  # pictures and letters put in
            if path.suffix == ".svg":
                text = re.sub(r'="[^"]*"', "", text)  # where lines go
            no_russian_names(text.replace("Arkland", ""))
        elif path.suffix == ".parquet":
            table = pd.read_parquet(path)
            for name in table.select_dtypes(["category", "object", "string"]):
                no_russian_names(" ".join(map(str, table[name].unique())))
        elif path.suffix == ".docx":
            with zipfile.ZipFile(path) as parts:
                no_russian_names(parts.read("word/document.xml").decode())


def test_every_command_runs_on_an_invented_country(arkland):
    call("check", "arkland.yaml", "arkland-no-checks.yaml", "--all")
    call("check", "arkland-observations.csv", "--scenario", "arkland.yaml")
    tables = [f"arkland-{name}.csv" for name in ("regions", "crossings", "distances")]
    assert call("check", *tables).count(": ok, ") == 3
    call("run", "arkland.yaml", "--sample", 0.05, "--out", "run", "--no-figures")
    call("figures", "run", "--only", "entries,queues,map,map-called-up", "--format", "svg")
    call("report", "run")
    call("report", "run", "-o", "run/report.docx")
    call("compare", "arkland.yaml", "arkland-no-checks.yaml", "--sample", 0.05, "--out", "both")
    call("sweep", "arkland-sweep.yaml", "--out", "swept")
    call("explore", "swept")
    call("biography", "arkland.yaml", "--sample", 0.05, "--where", "status=abroad-fenmark", "--one")
    call("reproduce", "run/figures/entries.svg")
    look_through(arkland)


@pytest.mark.slow
def test_an_invented_country_can_be_calibrated(arkland):
    call("calibrate", "arkland-calibration.yaml", "--budget", "small", "--out", "fit")
    call("report", "fit")
    look_through(arkland)


def test_its_tables_stand_in_the_saved_scenario(arkland):
    scenario = load("arkland.yaml")
    assert scenario.regions.code == ("ARK-E", "ARK-N", "ARK-S")
    assert scenario.road_km["ARK-N", "OST-GATE"] == 680
    assert ("ARK-S", "OST-GATE") not in scenario.road_km
    assert [figure.id for figure in figures_of(scenario)] == [f"ARK0{n}" for n in range(1, 7)]
    for path in arkland.glob("arkland*"):
        if path.suffix != ".yaml":
            path.unlink()
    (arkland / "saved.yaml").write_text(resolved_yaml(scenario), encoding="utf-8")
    again = load("saved.yaml")
    assert again == scenario
    assert content_hash(again) == content_hash(scenario)


def test_rows_in_another_order_are_the_same_country(arkland):
    before = content_hash(load("arkland.yaml"))
    path = arkland / "arkland-regions.csv"
    head, *rows = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([head, *reversed(rows)]), encoding="utf-8")
    assert content_hash(load("arkland.yaml")) == before


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("regions", "0.34,", "34,", "arkland-regions.csv:2: higher_education_share: found '34'"),
        ("regions", "ARK-E", "ARK-N", "arkland-regions.csv:3: code: 'ARK-N' stands on line 2"),
        ("regions", "ARK-N", "FEN", "arkland-regions.csv:2: population.regions.2: 'FEN' already"),
        ("crossings", "ARK-S", "ARK-X", "'ARK-X' is not a region; did you mean ARK-"),
        ("crossings", "fenmark,road", "fenmarc,road", "'fenmarc' is not a destination; did you"),
        ("crossings", "43.3,", ",", "arkland-crossings.csv:2: lat: found nothing; a road crossing"),
        ("distances", "OST-GATE", "OST-GAT", "'OST-GAT' is not a crossing; did you mean OST-GATE?"),
        ("distances", "510", "far", "arkland-distances.csv:2: road_km: found 'far'"),
        ("observations", "ARK01;fit", "ARK01;fitt", "role: found 'fitt'; expected one of"),
        ("observations", "2031", "2013", "window_start: is far outside the horizon"),
        ("observations", ";FEN;", ";FIN;", "place_id: found 'FIN', no place of the scenario"),
    ],
)
def test_mistakes_in_its_tables_come_with_file_and_line(arkland, file, old, new, message):
    path = arkland / f"arkland-{file}.csv"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load("arkland.yaml")
    assert message in str(caught.value)


def test_mistakes_of_all_tables_come_at_once(arkland):
    for name in ("regions", "crossings", "distances", "observations"):
        (arkland / f"arkland-{name}.csv").write_text("nothing\n1\n", encoding="utf-8")
    (arkland / "arkland-outlines.geojson").write_text("{}", encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load("arkland.yaml")
    for name in ("regions.csv", "crossings.csv", "distances.csv", "observations.csv", "geojson"):
        assert name in str(caught.value)


def test_a_table_that_is_not_there_is_looked_for_beside_the_file(arkland):
    (arkland / "arkland-regions.csv").unlink()
    with pytest.raises(ScenarioError, match=r"arkland.yaml:\d+: population.regions: .* not exist"):
        load("arkland.yaml")


def test_own_figures_stand_beside_the_shipped_ones(tmp_path):
    row = "MINE,9000,entries,GE,2022-09-27T00:00,2022-09-28T00:00,4"
    text = f"id,value,model_measure,place_id,window_start,window_end,utc_offset_h\n{row}\n"
    (tmp_path / "mine.csv").write_text(text, encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(
        "name: mine\nextends: september-2022\nobservations: mine.csv\n", encoding="utf-8"
    )
    ids = [figure.id for figure in figures_of(load(tmp_path / "mine.yaml"))]
    assert {"MINE", "GE001"} <= set(ids)
    (tmp_path / "mine.csv").write_text(text.replace("MINE", "GE007"), encoding="utf-8")
    figures = {figure.id: figure for figure in figures_of(load(tmp_path / "mine.yaml"))}
    assert figures["GE007"].value == 9000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not GeoJSON"),
        ("[1]", "is no GeoJSON FeatureCollection"),
        ('{"features": [{"geometry": {"type": "Point"}}]}', "expected a Polygon"),
        (
            '{"features": [{"geometry": {"type": "Polygon", "coordinates": [[[0,0],[1,1]]]}}]}',
            "four",
        ),
        ('{"features": [{"geometry": {"type": "Polygon", "coordinates": 1}}]}', "are not lists"),
        ("[" * 100_000, "is not GeoJSON"),
    ],
)
def test_outlines_that_cannot_be_drawn_are_refused(tmp_path, text, message):
    path = tmp_path / "my.geojson"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        own.read_outlines(path)


def test_scenarios_of_different_men_are_not_compared(arkland):
    path = arkland / "arkland-regions.csv"
    text = path.read_text(encoding="utf-8").replace(",61,42,", ",62,42,")
    (arkland / "other.csv").write_text(text, encoding="utf-8")
    other = "name: other\nextends: arkland.yaml\npopulation: {regions: other.csv}\n"
    (arkland / "other.yaml").write_text(other, encoding="utf-8")
    done = CliRunner().invoke(app, ["compare", "arkland.yaml", "other.yaml", "--sample", "0.01"])
    assert done.exit_code == 2
    assert "only the same men can be compared" in done.output


def test_the_recipe_of_a_figure_reads_no_table(arkland):
    """What a stranger's figure names as a table is not opened."""
    from flowsim.scenario.files import confined_to

    inner = arkland / "inner"
    inner.mkdir()
    shutil.copy(arkland / "arkland.yaml", inner)
    text = (inner / "arkland.yaml").read_text(encoding="utf-8")
    text = text.replace(": arkland-", ": ../arkland-")
    (inner / "arkland.yaml").write_text(text, encoding="utf-8")
    assert load(inner / "arkland.yaml")
    with confined_to(inner), pytest.raises(ScenarioError) as caught:
        load(inner / "arkland.yaml")
    assert json.dumps(str(caught.value)).count("does not exist") == 5


ODD_TEXT = """</script><i id="odd">&amp; "q" 'a' $x$ #strong[y] {{7*7}} \\u{41} `t` %s <!-- ]]>"""


class Page(HTMLParser):
    """Finds what text of a file has become: markup, or text as it was written."""

    def __init__(self, text):
        super().__init__()
        self.is_markup, self.shown, self.tag = False, 0, ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tag = tag
        self.is_markup |= ("id", "odd") in attributes
        target = dict(attributes).get("href") or ""
        self.is_markup |= target.startswith("javascript")

    def handle_data(self, data):
        self.shown += 'id="odd"' in data and self.tag != "script"


@pytest.fixture
def odd_country(arkland):
    """Name everything in it as nobody should."""
    scenario = (arkland / "arkland.yaml").read_text(encoding="utf-8")
    for old, start in (
        ("A call-up in Arkland, an invented country", "title"),
        ("name: Arkland,", "nation"),
        ("name: Fenmark", "country"),
    ):
        value = json.dumps(f"{start} {ODD_TEXT}", ensure_ascii=False)
        key = old.partition(": ")[0] + ": " if ": " in old else ""
        assert scenario.count(old) == 1
        scenario = scenario.replace(old, f"{key}{value}{',' * old.endswith(',')}")
    scenario += f"cautions: [{json.dumps(f'caution {ODD_TEXT}')}]\n"
    (arkland / "arkland.yaml").write_text(scenario, encoding="utf-8")
    cell = ODD_TEXT.replace('"', '""')
    for table, old in (
        ("crossings", "Long Bridge"),
        ("regions", "Northmark"),
        ("observations", "Fenmark Border Guard (invented)"),
    ):
        path = arkland / f"arkland-{table}.csv"
        text = path.read_text(encoding="utf-8").replace(old, f'"{old[:4]} {cell}"')
        text = text.replace(f'{cell}";;', f'{cell}";javascript:alert(1);')
        path.write_text(text, encoding="utf-8")


@pytest.mark.slow
def test_text_is_text_in_every_output(odd_country, arkland):
    """In pages, drawings, Word, workbooks, tables: no markup, no formula, nothing lost."""
    run = CliRunner().invoke
    for words in (
        "run arkland.yaml --sample 0.02 --replications 2 --out run --no-figures",
        "figures run --only all --format svg",
        "report run --full",
        "report run -o run/report.docx",
        "report run -o run/report.pdf",
        "export run",
        "compare arkland.yaml arkland-no-checks.yaml --sample 0.02 --replications 2 --out both",
        "figures both --only all --format svg",
        "report both",
        "explore both",
        "export both",
    ):
        done = run(app, words.split())
        assert done.exit_code == 0, done.output
    for path in arkland.rglob("*"):
        if path.suffix == ".svg":
            parts = list(ElementTree.parse(path).iter())
            assert not any(one.get("id") == "odd" or one.tag.endswith("}script") for one in parts)
        elif path.suffix == ".html":
            page = Page(path.read_text(encoding="utf-8"))
            assert not page.is_markup, path
            assert page.shown, path
        elif path.suffix in (".docx", ".xlsx"):
            with zipfile.ZipFile(path) as inside:
                parts = {name: inside.read(name) for name in inside.namelist()}
            for name, part in parts.items():
                if name.endswith((".xml", ".rels")):
                    ElementTree.fromstring(part)
                assert b"<f>" not in part
                assert not (name.endswith(".rels") and b"javascript" in part)
        elif path.suffix == ".csv" and not path.name.startswith("arkland"):
            with path.open(encoding="utf-8", newline="") as stream:
                cells = [cell for row in csv.reader(stream) for cell in row]
            assert not any(re.match(r"[=@\t\r]|[-+](?![\d.])", cell) for cell in cells), path
        elif path.suffix == ".pdf":
            assert b"/JavaScript" not in path.read_bytes()
