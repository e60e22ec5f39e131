"""The page that answers at once: what is packed in it, and what it does in a real browser."""

from __future__ import annotations

import csv
import json
import re
import shlex
import zlib
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from flowsim import comparison
from flowsim.cli.app import app
from flowsim.data import sources
from flowsim.errors import ResultsError, ScenarioError
from flowsim.report import explorer
from flowsim.report.explorer import settings
from flowsim.results.opening import open_folder, open_sweep
from flowsim.scenario import load
from flowsim.sweep import run_sweep
from flowsim.sweep.file import read_sweep

SHORT = {"horizon.end": "2022-10-01"}
PASSPORTS, OPEN = "population.passport_share", "open"
SWEEP: dict[str, Any] = {
    "name": "tiny",
    "title": "Passports and a closure </script><b>",
    "scenario": "september-2022",
    "changes": SHORT,
    "sample": 0.0005,
    "replications": 2,
    "parameters": {
        PASSPORTS: {"title": "men with a passport", "values": [0.1, 0.3, 0.5]},
        "georgia": {
            "title": "Georgia",
            "levels": {
                OPEN: {},
                "closed": {
                    "policies.shut": {
                        "kind": "border-closed",
                        "at": "georgia",
                        "for": "men",
                        "from": "2022-09-24",
                    }
                },
            },
        },
    },
    "design": {"kind": "grid"},
    "outputs": {"departures": {"place": ["RU", "GE"]}, "notices": {"place": "KZ"}},
    "keep": {"measures": ["entries"], "places": ["GE"]},
}
OWN = 2  # the point with a share of 0.3 and Georgia open


@pytest.fixture(scope="module")
def swept(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("explored") / "results" / "tiny"
    run_sweep(read_sweep(SWEEP), folder, workers=1)
    return folder


@pytest.fixture(scope="module")
def page(swept: Path, tmp_path_factory) -> Path:
    return explorer.write(swept, tmp_path_factory.mktemp("pages") / "explore.html")


def part(page: Path, name: str) -> bytes:
    text = page.read_text(encoding="utf-8")
    (packed,) = re.findall(f'<script type="text/plain" id="{name}">(.*?)</script>', text)
    return zlib.decompress(b64decode(packed))


def data_of(page: Path) -> dict[str, Any]:
    return json.loads(part(page, "data"))


def curves_of(page: Path) -> np.ndarray:
    """Unpack the curves as the head of ``explorer/page.py`` says: kind, setting, panel, day."""
    data, raw = data_of(page), np.frombuffer(part(page, "packed"), np.uint8)
    words = raw.reshape(2, -1).T.copy().view("<u2").ravel()
    shape = (3, len(data["settings"]), len(data["panels"]), len(data["days"]))
    steps = np.cumsum(words.reshape(shape), axis=-1, dtype=np.uint16).astype(float) - 1
    steps[steps < 0] = np.nan
    return steps * np.array([panel["step"] for panel in data["panels"]])[:, None]


# ---- without a browser -----------------------------------------------------------------------


def test_the_packed_curves_are_those_of_the_tables(swept: Path, page: Path):
    results, data, curves = open_sweep(swept), data_of(page), curves_of(page)
    daily = results.daily.merge(results.runs[["run", "point"]], on="run")
    for p, panel in enumerate(data["panels"]):
        rows = daily[daily["measure"].eq(panel["measure"]) & daily["place_id"].eq(panel["place"])]
        for point, own in rows.groupby("point"):
            cube = own.pivot_table("value", "date", "run").to_numpy()
            mean, below, above = curves[:, point, p]
            half = panel["step"] / 2 + 1e-9
            np.testing.assert_allclose(mean, cube.mean(axis=1), atol=half)
            np.testing.assert_allclose(mean - below, cube.min(axis=1), atol=2 * half)
            np.testing.assert_allclose(mean + above, cube.max(axis=1), atol=2 * half)
            assert panel["top"] >= cube.max()


def test_settings_policies_and_published_figures_are_where_they_belong(page: Path):
    data = data_of(page)
    assert [control["key"] for control in data["controls"]] == [PASSPORTS, "georgia"]
    assert data["settings"] == [[0, 0], [0, 1], [1, 0], [1, 1], [2, 0], [2, 1]]
    assert data["own"] == OWN
    assert data["isGrid"]
    entries = next(panel for panel in data["panels"] if panel["measure"] == "entries")
    labels = [[bar["label"] for bar in data["bars"][number]] for number in entries["bars"]]
    assert not any("Closed" in label for label in labels[0])
    closed = next(bar for bar in data["bars"][entries["bars"][1]] if "Closed" in bar["label"])
    assert closed["from"] == pytest.approx(7 + 1 / 24, abs=1e-3)  # an hour ahead of Moscow
    first = next(mark for mark in entries["seen"] if mark["from"] == 0)
    assert first["value"] == next(o.value for o in sources.observations() if o.id == "GE001")
    assert first["role"] == "input"


def test_series_that_are_zero_everywhere_are_named_not_drawn(page: Path):
    assert "notices" not in [panel["measure"] for panel in data_of(page)["panels"]]
    assert "0 at every setting: Summonses served in Kazakhstan a day." in page.read_text()


def test_the_sentences_hold_the_paired_change(swept: Path, page: Path):
    results, lines = open_sweep(swept).results, data_of(page)["lines"]
    rows = results[results["measure"].eq("departures") & results["place_id"].eq("GE")]
    cube = rows.pivot_table("value", "point", "replication").to_numpy()
    assert all(cube[3] < cube[OWN])
    assert "fewer than in the scenario as it stands." in lines[3][1]
    assert lines[3][1].startswith("Men setting off for Georgia: ")
    assert "as it stands" not in " ".join(lines[OWN])


def test_the_command_simulates_the_setting_again(swept: Path, page: Path):
    again, command = (shlex.split(text) for text in data_of(page)["commands"][3])
    held = open_sweep(swept).daily
    assert again[:3] == ["flowsim", "rerun", "results/tiny"]
    assert int(again[again.index("--run") + 1]) == 6
    out = swept.parent / "again"
    command[command.index("--out") + 1] = str(out)
    made = CliRunner().invoke(app, [*command[1:], "--quiet", "--no-figures"])
    assert made.exit_code == 0, made.output
    daily = open_folder(out).table("daily")
    for run, replication in ((6, 0), (7, 1)):
        old = held[held["run"].eq(run) & held["measure"].eq("entries")]["value"]
        new = daily[daily["replication"].eq(replication) & daily["measure"].eq("entries")]
        new = new[new["place_kind"].eq("destination") & new["place_id"].eq("GE")]["value"]
        assert new.tolist() == old.tolist()


def test_the_page_is_whole_escaped_and_always_the_same(swept: Path, page: Path, tmp_path: Path):
    text = page.read_text(encoding="utf-8")
    assert explorer.write(swept, tmp_path / "b.html").read_bytes() == page.read_bytes()
    assert "closure </script><b>" not in text
    assert not re.findall(r"<(?:script|img|link|iframe)[^>]*\b(?:src|href)=\"(?!data:)", text)
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    (named,) = re.findall(r"script-src 'sha256-([^']+)'", text)
    assert b64decode(named) == sha256(script.encode()).digest()
    assert "fetch(" not in script
    assert str(swept.parent) not in text
    assert '<p class="quiet">6 points of 2 parameters, 2 replications each;' in text
    assert page.read_text(encoding="utf-8").count("men make the queue") == 1  # warns once


def test_the_command_writes_the_page_and_prints_where(swept: Path, page: Path, folder: Path):
    made = CliRunner().invoke(app, ["explore", str(swept), "-o", "mine.html"])
    assert (made.exit_code, made.output) == (0, "mine.html\n")
    assert Path("mine.html").read_bytes() == page.read_bytes()
    assert CliRunner().invoke(app, ["explore", "nowhere"]).exit_code == 2


def test_a_sample_of_points_has_sliders_but_no_interpolation(tmp_path: Path):
    sweep = SWEEP | {
        "scenario": "no-task-force",
        "parameters": {PASSPORTS: {"range": [0.1, 0.6]}, "choice.lambda": {"range": [0.3, 1]}},
        "design": {"kind": "latin-hypercube", "points": 4},
        "replications": 1,
    }
    run_sweep(read_sweep(sweep), tmp_path / "s", workers=1)
    page = explorer.write(tmp_path / "s")
    data = data_of(page)
    assert page == tmp_path / "s" / "explore.html"
    assert (data["isGrid"], data["own"]) == (False, None)
    for n, control in enumerate(data["controls"]):
        values = open_sweep(tmp_path / "s").runs[control["key"]]
        assert [control["numbers"][at[n]] for at in data["settings"]] == values.tolist()
    text = page.read_text(encoding="utf-8")
    assert "One replication of each setting: no band." in text
    assert "so the published figures do not test it" in text  # there was a task force
    assert "Only 1 man in 2,000 was simulated," in text


def test_a_comparison_is_a_switch_between_its_scenarios(tmp_path: Path):
    worlds = [load(name, SHORT) for name in ("september-2022", "border-closed")]
    found = comparison.compare(
        worlds,
        replications=2,
        sample=0.0005,
        terms=False,
        shapley=False,
        workers=1,
        out=tmp_path / "c",
    )
    page = explorer.write(tmp_path / "c")
    data = data_of(page)
    assert "may be held against the scenario as it stands" in page.read_text(encoding="utf-8")
    assert data["controls"][0]["texts"] == [s.title for s in found.scenarios]
    assert data["lines"][1][0].startswith("Under “")
    assert [p["measure"] for p in data["panels"]].count("queue_cars") == 1
    daily = found.daily
    rows = daily[daily["scenario"].eq("border-closed") & daily["measure"].eq("entries")]
    expected = rows[rows["place_id"].eq("GE")].groupby("date")["value"].mean()
    p = [(panel["measure"], panel["place"]) for panel in data["panels"]].index(("entries", "GE"))
    drawn = curves_of(tmp_path / "c" / "explore.html")[0, 1, p]
    np.testing.assert_allclose(drawn, expected, atol=data["panels"][p]["step"])


def test_what_cannot_be_explored_is_refused_with_what_to_do(swept: Path, tmp_path: Path):
    with pytest.raises(ResultsError, match=r"ends in .html; name one"):
        explorer.write(swept, tmp_path / "page.pdf")
    with pytest.raises(ResultsError, match="does not exist"):
        explorer.write(tmp_path / "nothing")
    with pytest.raises(ResultsError, match="4,001 points are more than a page can hold"):
        settings.refuse_too_many(4_001)


# ---- lambda, refitted ------------------------------------------------------------------------


def test_a_refitted_lambda_brings_the_numbers_fitted_at_it():
    levels = read_sweep("explore").parameters["lambda"].levels
    assert list(levels) == ["0.3", "0.6", "1"]
    assert levels["0.3"] == sources.lambda_changes(0.3)
    assert levels["0.6"] == {"choice.lambda": 0.6}


def test_a_lambda_at_which_nothing_was_fitted_is_refused():
    with pytest.raises(ScenarioError, match=r"nothing was fitted at lambda 0.5; choose of 0.3"):
        read_sweep(SWEEP | {"parameters": {"lambda": {"refitted": [0.5]}}})


# ---- in a browser ----------------------------------------------------------------------------


class Opened:
    """A page in a browser, with all that it says to the console and all that it asks for."""

    def __init__(self, browser: Any, address: str, **how: Any) -> None:
        self.tab = browser.new_page(**how)
        self.said: list[str] = []
        self.asked: list[str] = []
        self.tab.on("console", lambda message: self.said.append(message.text))
        self.tab.on("pageerror", lambda error: self.said.append(str(error)))
        self.tab.on("request", lambda request: self.asked.append(request.url))
        self.go(address)

    def go(self, address: str) -> None:
        self.tab.goto("about:blank")
        self.asked.clear()
        self.tab.goto(address)
        self.tab.wait_for_selector("body[data-ready]")
        self.settled()

    def settled(self) -> None:
        self.tab.wait_for_timeout(250)  # sentences and address follow a moment later

    def drawn(self) -> str:
        return self.tab.get_attribute("#svg-0 .now", "d")


@pytest.mark.slow
def test_sliders_switches_links_and_keyboard_work_in_a_browser(
    browser: Any, page: Path, tmp_path: Path
):
    address, data, curves = page.as_uri(), data_of(page), curves_of(page)
    opened = Opened(browser, address)
    tab = opened.tab
    assert tab.input_value("#control-0") == "1"
    before, answer = opened.drawn(), tab.inner_text("#answer")
    assert data["lines"][OWN][0] in answer

    tab.focus("#control-0")
    tab.keyboard.press("ArrowRight")
    opened.settled()
    assert opened.drawn() != before
    assert tab.get_attribute("#control-0", "aria-valuetext") == "50\u00a0%"
    assert data["lines"][4][0] in tab.inner_text("#answer")
    assert data["commands"][4][0] in tab.text_content("#commands")

    tab.check("[name=control-1][value='1']")
    tab.fill("#day", "10")
    opened.settled()
    link = tab.get_attribute("#link", "href")
    assert f"{PASSPORTS}=0.5&georgia=closed" in link
    assert tab.evaluate("location.hash") == link
    shut, read = opened.drawn(), tab.inner_text("#read-0")
    assert read.startswith("27 September: ")

    opened.go(address + link)  # a link holds the setting
    assert (opened.drawn(), tab.inner_text("#read-0")) == (shut, read)
    tab.evaluate("location.hash = '#population.passport_share=7&fish=1'")
    opened.settled()
    assert "population.passport_share=7" in tab.inner_text("#trouble")
    assert "fish" in tab.inner_text("#trouble")

    tab.check("[name=between][value=linear]")
    tab.check("[name=control-1][value='0']")
    tab.fill("#control-0", "1.5")
    opened.settled()
    assert "interpolated linearly" in tab.inner_text("#mode")
    with tab.expect_download() as saved:
        tab.click("#csv")
    saved.value.save_as(tmp_path / "setting.csv")
    with (tmp_path / "setting.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row[PASSPORTS] for row in rows} == {"0.4"}
    entries = [float(r["value"]) for r in rows if r["measure"] == "entries"]
    p = [panel["measure"] for panel in data["panels"]].index("entries")
    halfway = (curves[0, 2, p] + curves[0, 4, p]) / 2
    np.testing.assert_allclose(entries, halfway, rtol=1e-5)

    tab.click("#as-it-stands")
    tab.click("summary:has-text('as a table')")
    opened.settled()
    assert tab.locator("#table tbody tr").count() == len(data["days"])
    assert opened.said == []
    assert [url.split("#")[0] for url in opened.asked if not url.startswith("blob:")] == [address]


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_the_whole_width(browser: Any, page: Path, scheme: str):
    phone = {"width": 360, "height": 740}
    opened = Opened(browser, page.as_uri(), viewport=phone, color_scheme=scheme)
    assert opened.tab.evaluate("document.documentElement.scrollWidth") <= 360
    paper = opened.tab.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") == (scheme == "light")
    unnamed = opened.tab.evaluate(
        """[...document.querySelectorAll("input, svg title")]
            .filter((e) => e.labels ? !e.labels.length : !e.textContent).length"""
    )
    assert unnamed == 0
    assert opened.said == []
