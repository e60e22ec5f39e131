"""A figure says how it was made; made again from that alone it is the same, or it is found out."""

from __future__ import annotations

import base64
import dataclasses
import json
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flowsim.cli import app
from flowsim.comparison import compare
from flowsim.errors import MachineError, ResultsError
from flowsim.experiments.running import run
from flowsim.figures import draw_all
from flowsim.figures import reproduce as reproducing
from flowsim.figures.layout import recipe
from flowsim.figures.reproduce import reproduce
from flowsim.sweep import run_sweep

FORMATS = ("png", "svg", "pdf")
SHORT = {"horizon.end": "2022-09-30", "capacities": None}


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Draw one figure of a small run in every format, and copy it away from its folder."""
    folder = tmp_path_factory.mktemp("run") / "results"
    run("september-2022", sample=0.001, seed=4, changes=SHORT, replications=2, out=folder)
    drawn = draw_all(folder, ["stocks"], "column", FORMATS)
    away = tmp_path_factory.mktemp("elsewhere")
    for path in drawn:
        if path.suffix[1:] in FORMATS:
            (away / f"copied{path.suffix}").write_bytes(path.read_bytes())
    return away


@pytest.fixture
def again(monkeypatch: pytest.MonkeyPatch, figures: Path) -> dict[str, bytes]:
    """Let reproduction draw what was drawn, without simulating; give what it would draw."""
    made = recipe.found_in((figures / "copied.png").read_bytes())
    image = {path.suffix: path.read_bytes() for path in figures.iterdir()}
    content: dict[str, bytes] = {}

    def drawn(folder: Path, only: list[str], _preset: str, formats: list[str]) -> list[Path]:
        folder.mkdir(exist_ok=True)
        kind = formats[0]
        data = content.get("csv", b"")
        files = {f"{only[0]}.{kind}": content.get(kind, image[f".{kind}"]), f"{only[0]}.csv": data}
        for name, text in files.items():
            (folder / name).write_bytes(text)
        return [folder / name for name in files]

    monkeypatch.setattr(reproducing, "draw_all", drawn)
    monkeypatch.setattr(reproducing, "_simulated", lambda _made, place, _progress: place / "r")
    content["drawn"] = made.drawn.encode()
    return content


# ---- what a figure says of itself ----------------------------------------------------------


@pytest.mark.parametrize("kind", FORMATS)
def test_each_format_carries_the_recipe(figures: Path, kind: str) -> None:
    made = recipe.found_in((figures / f"copied.{kind}").read_bytes())
    assert (made.kind, made.figure, made.preset, made.format) == ("run", "stocks", "column", kind)
    assert made.settings["seed"] == 4
    assert made.settings["replications"] == 2
    assert made.settings["sample"] == 0.001
    assert "name: september-2022" in made.files["scenario.yaml"]
    assert {"flowsim", "python", "numpy", "matplotlib"} <= set(made.versions["figure"])
    assert len(made.drawn) == 64
    assert made.is_of_this_version


def test_all_formats_show_the_same_data(figures: Path) -> None:
    made = [recipe.found_in((figures / f"copied.{kind}").read_bytes()) for kind in FORMATS]
    assert len({one.drawn for one in made}) == 1


def test_a_figure_tells_no_time_no_place_no_person(figures: Path) -> None:
    for path in figures.iterdir():
        told = recipe.found_in(path.read_bytes()).text()
        for word in ("started", "seconds", str(Path.home()), "/tmp", "CreationDate"):
            assert word not in told
    assert b"CreationDate" not in (figures / "copied.pdf").read_bytes()
    assert b"<dc:date>" not in (figures / "copied.svg").read_bytes()


@pytest.mark.parametrize("kind", FORMATS)
def test_a_copied_figure_is_made_again_byte_for_byte(
    figures: Path, kind: str, tmp_path: Path
) -> None:
    found = reproduce(figures / f"copied.{kind}", tmp_path / "again")
    assert found.same
    assert "identical, byte for byte" in found.words
    copy = tmp_path / "again" / f"stocks.{kind}"
    assert copy.read_bytes() == (figures / f"copied.{kind}").read_bytes()
    assert [path.name for path in found.files] == [f"stocks.{k}" for k in (kind, "csv", "txt")]


@pytest.mark.slow
def test_a_figure_of_a_comparison_is_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "compared"
    names = ["september-2022", "no-task-force"]
    compare(names, replications=2, sample=0.001, workers=1, shapley=False, out=folder)
    for path in draw_all(folder, ["switches", "differences"], "slide", ["pdf"]):
        if path.suffix == ".pdf":
            assert reproduce(path).same, path.name


SWEEP = """
name: two-points
title: Two shares of passports
scenario: september-2022
sample: 0.001
changes: {horizon.end: 2022-09-30, capacities: null}
parameters: {population.passport_share: {values: [0.2, 0.3, 0.4]}}
design: {kind: grid}
outputs: {departures: {place: RU}}
"""


@pytest.mark.slow
def test_a_figure_of_a_sweep_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "two-points.yaml").write_text(SWEEP)
    run_sweep(str(tmp_path / "two-points.yaml"), tmp_path / "swept", workers=1)
    for path in draw_all(tmp_path / "swept", ["response"], "page", ["svg"]):
        if path.suffix == ".svg":
            (tmp_path / "away.svg").write_bytes(path.read_bytes())
    assert "identical" in reproduce(tmp_path / "away.svg").words


@pytest.mark.parametrize("rest", ["/etc/passwd", "../other.yaml", "base-x.yaml"])
def test_a_recipe_that_rests_on_other_files_is_refused(tmp_path: Path, rest: str) -> None:
    for line in (f"scenario: {rest}", f"scenarios: [{rest}]", f"design: {{file: {rest}}}"):
        (tmp_path / "sweep.yaml").write_text(f"name: x\n{line}\n")
        with pytest.raises(ResultsError, match="rests on another file"):
            reproducing._alone(tmp_path / "sweep.yaml")
    (tmp_path / "base-x.yaml").write_text("name: x")
    (tmp_path / "sweep.yaml").write_text("scenarios: [base-x.yaml]\ndescription: a.csv\n")
    reproducing._alone(tmp_path / "sweep.yaml")


# ---- altered by hand -----------------------------------------------------------------------


def retouched(image: bytes) -> bytes:
    """Give a PNG with other pixels and sound check sums, as a painting programme leaves it."""
    chunks = list(recipe._chunks(image))
    pixels = zlib.decompress(b"".join(content for name, content in chunks if name == b"IDAT"))
    row = bytearray(pixels)
    row[len(row) // 2] ^= 0xFF
    whole, kept = zlib.compress(bytes(row)), [c for c in chunks if c[0] != b"IDAT"]
    kept.insert(len(kept) - 1, (b"IDAT", whole))
    return png(kept)


def png(chunks: list[tuple[bytes, bytes]]) -> bytes:
    """Put the chunks of a PNG together, each with its check sum."""
    return recipe.PNG + b"".join(
        struct.pack(">I", len(c)) + n + c + struct.pack(">I", zlib.crc32(n + c)) for n, c in chunks
    )


def test_a_retouched_picture_is_found_out(figures: Path, tmp_path: Path) -> None:
    altered = tmp_path / "altered.png"
    altered.write_bytes(retouched((figures / "copied.png").read_bytes()))
    found = reproduce(altered)
    assert not found.same
    assert "DIFFERENT: altered after flowsim drew it" in found.words


def test_a_retouched_picture_with_a_new_seal_is_found_out(figures: Path, tmp_path: Path) -> None:
    image = retouched((figures / "copied.png").read_bytes())
    chunks = [c for c in recipe._chunks(image) if not c[1].startswith(recipe.SEAL.encode())]
    altered = tmp_path / "altered.png"
    altered.write_bytes(recipe.sealed(png(chunks), "png"))
    found = reproduce(altered)
    assert not found.same
    assert "makes the data it names, but not these bytes" in found.words


@pytest.mark.parametrize("kind", FORMATS)
def test_one_byte_changed_anywhere_is_found_out(figures: Path, kind: str) -> None:
    image = (figures / f"copied.{kind}").read_bytes()
    assert recipe.is_whole(image)
    for place in (len(image) // 7, len(image) // 2, len(image) - 5, len(image) - 30):
        altered = bytearray(image)
        altered[place] ^= 1
        assert not recipe.is_whole(bytes(altered)), place
    assert not recipe.is_whole(image + b" ")


def with_text(image: bytes, text: str) -> bytes:
    """Give a PNG with another recipe."""
    ours = (recipe.KEY.encode(), recipe.SEAL.encode())
    chunks = [c for c in recipe._chunks(image) if not c[1].startswith(ours)]
    told = recipe.KEY.encode() + b"\0\1\0\0\0" + zlib.compress(text.encode())
    chunks.insert(1, (b"iTXt", told))
    return recipe.sealed(png(chunks), "png")


def changed(made: recipe.Recipe, **to: Any) -> str:
    """Give the text of a recipe that says something else, with a checksum that fits."""
    return dataclasses.replace(made, **to).text()


def test_a_changed_scenario_in_the_recipe_is_found_out(figures: Path, tmp_path: Path) -> None:
    image = (figures / "copied.png").read_bytes()
    text = recipe.found_in(image).text()
    forged = tmp_path / "forged.png"
    forged.write_bytes(with_text(image, text.replace("seed: 4", "seed: 5")))
    found = reproduce(forged)
    assert not found.same
    assert "was altered: it carries a recipe that was altered" in found.words


def test_a_recipe_that_makes_other_data_is_found_out(
    again: dict[str, bytes], figures: Path, tmp_path: Path
) -> None:
    again |= {"png": b"another picture", "csv": b"other data"}
    found = reproduce(figures / "copied.png")
    assert not found.same
    assert "the recipe does not make these data" in found.words


def test_on_other_versions_the_data_decide(
    again: dict[str, bytes], figures: Path, tmp_path: Path
) -> None:
    import hashlib

    image = (figures / "copied.png").read_bytes()
    made = recipe.found_in(image)
    older = {"tables": made.versions["tables"], "figure": made.versions["figure"] | {"numpy": "1"}}
    data = b"place,value\n"
    drawn = hashlib.sha256(data).hexdigest()
    old = tmp_path / "old.png"
    old.write_bytes(with_text(image, changed(made, versions=older, drawn=drawn)))
    again |= {"png": b"drawn otherwise", "csv": data}
    found = reproduce(old)
    assert found.same
    assert "the data drawn are identical" in found.words
    assert "numpy 1" in found.words
    again["csv"] = b"other data"
    assert not reproduce(old).same


@pytest.mark.parametrize("cut", [30, 3000, 20_000])
def test_a_file_cut_short_is_different_or_none_of_ours(
    again: dict[str, bytes], figures: Path, tmp_path: Path, cut: int
) -> None:
    for kind in FORMATS:
        image = (figures / f"copied.{kind}").read_bytes()
        short = tmp_path / f"short.{kind}"
        short.write_bytes(image[:cut])
        try:
            same = reproduce(short).same
        except ResultsError:
            continue
        assert not same


# ---- hostile files -------------------------------------------------------------------------


def hostile(made: recipe.Recipe) -> dict[str, Callable[[], str]]:
    """Give recipes that somebody might write who means harm."""
    return {
        "path": lambda: changed(made, files={"../../evil.yaml": "x"}),
        "absolute": lambda: changed(made, files={"/etc/evil.yaml": "x"}),
        "figure": lambda: changed(made, figure="../../etc/passwd"),
        "preset": lambda: changed(made, preset="__import__('os').system('true')"),
        "kind": lambda: changed(made, kind="os"),
        "format": lambda: changed(made, format="exe"),
        "no scenario": lambda: changed(made, files={}),
        "extends": lambda: changed(made, files={"scenario.yaml": "extends: /etc/passwd\n"}),
        "tag": lambda: changed(made, files={"scenario.yaml": "!!python/object/apply:os.getcwd []"}),
        "engine": lambda: changed(made, settings={"engine": "rm -rf", "replications": 1}),
        "many": lambda: changed(made, settings={"replications": 10**30, "sample": 0.001}),
        "words": lambda: changed(made, settings={"replications": "x", "sample": "y"}),
        "list": lambda: "[" * 100_000,
        "json": lambda: json.dumps({recipe.KEY: 1, "kind": []}),
    }


@pytest.mark.parametrize("case", list(hostile(None)))  # type: ignore[arg-type]
def test_a_hostile_recipe_runs_nothing_and_writes_nowhere(
    figures: Path, tmp_path: Path, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = (figures / "copied.png").read_bytes()
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    bad = tmp_path / "bad.png"
    bad.write_bytes(with_text(image, hostile(recipe.found_in(image))[case]()))
    out = tmp_path / "out"
    with suppress(ResultsError):
        assert not reproduce(bad, out, patient=True).same
    assert not out.exists()
    assert not any(home.iterdir())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.png", "home"]


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    packed = base64.b64encode(zlib.compress(b"0" * (2 * recipe.MOST))).decode()
    bomb = tmp_path / "bomb.pdf"
    bomb.write_text(f"%PDF-1.4 {recipe.KEY}:{packed}")
    found = reproduce(bomb)
    assert not found.same
    assert "larger than any recipe" in found.words


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"%PDF-1.4", b"<svg/>"])
def test_what_flowsim_did_not_draw_is_refused(tmp_path: Path, content: bytes) -> None:
    other = tmp_path / "other.png"
    other.write_bytes(content)
    with pytest.raises(ResultsError, match=r"no PNG, SVG or PDF|carries no recipe"):
        reproduce(other)


def test_what_takes_long_is_asked_for(figures: Path, tmp_path: Path) -> None:
    image = (figures / "copied.png").read_bytes()
    made = recipe.found_in(image)
    settings = dict(made.settings) | {"replications": 200, "sample": 1.0}
    long = tmp_path / "long.png"
    long.write_bytes(with_text(image, changed(made, settings=settings)))
    with pytest.raises(ResultsError, match=r"about 14 minutes \(200 runs at a sample of 1\)"):
        reproduce(long)
    calibrated = settings | {"design_runs": 5000, "whole_runs": 500, "prediction_runs": 240}
    long.write_bytes(with_text(image, changed(made, settings=calibrated | {"sample": 0.02})))
    told = (
        r"about 85 minutes \(5,000 runs at a sample of 0.02 and 740 runs at a sample of 1\).*--yes"
    )
    with pytest.raises(ResultsError, match=told):
        reproduce(long)


def test_a_figure_is_never_written_over(figures: Path, again: dict[str, bytes]) -> None:
    original = figures / "stocks.png"
    original.write_bytes((figures / "copied.png").read_bytes())
    try:
        with pytest.raises(ResultsError, match="holds the figure itself"):
            reproduce(original, figures)
    finally:
        original.unlink()


def test_a_folder_that_cannot_be_written_is_told(
    figures: Path, again: dict[str, bytes], tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(MachineError, match="cannot be written"):
        reproduce(figures / "copied.png", tmp_path / "out")


# ---- the command line ----------------------------------------------------------------------


def test_exit_codes_say_what_came_of_it(
    figures: Path, again: dict[str, bytes], tmp_path: Path
) -> None:
    def code(path: Path) -> int:
        return CliRunner().invoke(app, ["reproduce", str(path), "--quiet"]).exit_code

    altered, other = tmp_path / "altered.png", tmp_path / "other.png"
    altered.write_bytes((figures / "copied.png").read_bytes() + b"x")
    other.write_bytes(b"no figure")
    assert code(figures / "copied.png") == 0
    assert code(altered) == 1
    assert code(other) == 2
    assert code(tmp_path / "nowhere.png") == 2


def test_figures_can_be_listed_chosen_and_drawn_as_pdf(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    run("september-2022", sample=0.001, changes=SHORT, out=folder)

    def flowsim(*words: str) -> Any:
        return CliRunner().invoke(app, ["figures", *words])

    assert "capacity line" in flowsim("--list").output
    assert "switches" not in flowsim(str(folder), "--list").output
    done = flowsim(str(folder), "--only", "profile,stocks", "--preset", "slide", "--format", "pdf")
    assert done.exit_code == 0
    names = {path.name for path in (folder / "figures").iterdir()}
    assert names == {f"{n}.{k}" for n in ("profile", "stocks") for k in ("pdf", "csv", "txt")}
    assert flowsim().exit_code == 2
    refused = flowsim(str(folder), "--only", "pie")
    assert refused.exit_code == 2
    assert "pie is not known" in refused.stderr
