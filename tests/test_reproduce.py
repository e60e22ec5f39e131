"""A figure says how it was made; made again from that alone it is the same, or it is found out."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import struct
import zlib
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from flowsim.cli import app
from flowsim.comparison import compare
from flowsim.errors import ResultsError
from flowsim.experiments.running import run
from flowsim.figures import draw_all
from flowsim.figures import reproduce as reproducing
from flowsim.figures.layout import recipe
from flowsim.figures.reproduce import reproduce
from flowsim.scenario.files import shipped as files_of
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
    nothing = reproducing.Work([], lambda **_rest: None)
    monkeypatch.setattr(reproducing, "REPEATED", {"run": lambda _made, _place: nothing})
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


SECRET = "the secret of another file"


@pytest.mark.parametrize(
    "text",
    [
        "scenario: {}",
        "scenarios: [{}]",
        "scenario: september-2022\ndesign: {{kind: table, file: {}}}",
        "scenario: september-2022\ndesign: {{kind: grid}}\ndraws: {}",
    ],
)
def test_nothing_outside_the_recipe_is_read(figures: Path, tmp_path: Path, text: str) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(SECRET)
    rest = "name: x\ntitle: x\nparameters: {population.passport_share: [0.2, 0.3]}\n"
    image = (figures / "copied.png").read_bytes()
    for named in (other, f"../{tmp_path.name}/other.yaml"):
        sweep = {"sweep.yaml": f"{rest}{text.format(named)}\n"}
        made = changed(recipe.found_in(image), kind="sweep", figure="response", files=sweep)
        forged = tmp_path / "forged.png"
        forged.write_bytes(with_text(image, made))
        with pytest.raises(ResultsError, match="cannot be followed") as refused:
            reproduce(forged, patient=True)
        assert SECRET not in str(refused.value)
        assert "sweep.yaml" in str(refused.value) or "another file" in str(refused.value)
    scenario = {"scenario.yaml": f"extends: {other}\nname: x\n"}
    forged.write_bytes(with_text(image, changed(recipe.found_in(image), files=scenario)))
    with pytest.raises(ResultsError, match="extends"):
        reproduce(forged)


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
    with pytest.raises(ResultsError, match="was altered: it carries a recipe that was altered"):
        reproduce(forged)


def test_a_recipe_that_makes_other_data_is_found_out(
    again: dict[str, bytes], figures: Path, tmp_path: Path
) -> None:
    again |= {"png": b"another picture", "csv": b"other data"}
    found = reproduce(figures / "copied.png")
    assert not found.same
    assert "the recipe does not make these data" in found.words


def drawn_before(figures: Path, kind: str, data: bytes, **other: Any) -> bytes:
    """Give a figure that says it was drawn by another version, whole and sealed."""
    image = (figures / f"copied.{kind}").read_bytes()
    made = recipe.found_in(image)
    older = {"tables": made.versions["tables"], "figure": made.versions["figure"] | {"numpy": "1"}}
    drawn = hashlib.sha256(data).hexdigest()
    old = dataclasses.replace(made, versions=older, drawn=drawn, **other)
    if kind == "png":
        return with_text(image, old.text())
    bare = image[: -len(recipe.sealed(b"", kind))]
    if kind == "svg":
        before, _, rest = bare.partition(recipe.SVG_BEGINS)
        bare = recipe.in_svg(before + rest.partition(recipe.SVG_ENDS + b"\n ")[2], old)
    else:
        bare = bare.replace(recipe.for_pdf(made).encode(), recipe.for_pdf(old).encode())
    return recipe.sealed(bare, kind)


@pytest.mark.parametrize("kind", FORMATS)
def test_on_other_versions_what_is_drawn_decides(
    again: dict[str, bytes], figures: Path, tmp_path: Path, kind: str
) -> None:
    again["csv"] = b"place,value\n"
    old = tmp_path / f"old.{kind}"
    old.write_bytes(drawn_before(figures, kind, again["csv"]))
    found = reproduce(old)
    assert found.same
    assert "pixel for pixel" in found.words or "stroke for stroke" in found.words
    assert "numpy 1" in found.words
    again["csv"] = b"other data"
    assert "does not make these data" in reproduce(old).words
    assert not reproduce(old).same


def test_a_picture_altered_and_sealed_again_is_not_called_identical(
    again: dict[str, bytes], figures: Path, tmp_path: Path
) -> None:
    again["csv"] = b"place,value\n"
    old = tmp_path / "old.png"
    old.write_bytes(drawn_before(figures, "png", again["csv"]))
    chunks = [
        c
        for c in recipe._chunks(retouched(old.read_bytes()))
        if not c[1].startswith(recipe.SEAL.encode())
    ]
    old.write_bytes(recipe.sealed(png(chunks), "png"))
    found = reproduce(old)
    assert not found.same
    assert "NOT PROVEN" in found.words


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
    with pytest.raises(ResultsError, match="larger than any recipe"):
        reproduce(bomb)


@pytest.mark.parametrize(
    "settings",
    [
        {"replications": 10**6},
        {"replications": 1.5},
        {"runs": float("nan")},
        {"runs": 10**400},
        {"sample": 0},
        {"sample": float("inf")},
        {"seed": -1},
        {"scenarios": {"../x": ""}},
        {"budget": "../x"},
    ],
)
def test_numbers_out_of_bounds_are_refused(
    figures: Path, tmp_path: Path, settings: dict[str, Any]
) -> None:
    image = (figures / "copied.png").read_bytes()
    bad = tmp_path / "bad.png"
    bad.write_bytes(with_text(image, changed(recipe.found_in(image), settings=settings)))
    with pytest.raises(ResultsError, match="not those that flowsim writes"):
        reproduce(bad, patient=True)


def test_text_where_numbers_belong_is_refused(figures: Path, tmp_path: Path) -> None:
    image = (figures / "copied.png").read_bytes()
    made = recipe.found_in(image)
    bad = tmp_path / "bad.png"
    for cells in ("draw,panic.lag\n0,x\n", "draw,panic.lag\n0,nan\n", "draw\n"):
        files = dict(made.files) | {"draws.csv": cells}
        bad.write_bytes(with_text(image, changed(made, files=files)))
        with pytest.raises(ResultsError, match=r"draws.csv:\d: expected a CSV with a number"):
            reproduce(bad)


@pytest.mark.parametrize("word", [b"<flowsim:recipe ", recipe.SVG_BEGINS, b"flowsim-recipe:A"])
def test_a_crafted_file_is_read_once(tmp_path: Path, word: bytes) -> None:
    for start in (b"<?xml?><svg>", b"%PDF-1.4"):
        crafted = tmp_path / "crafted"
        crafted.write_bytes(start + word * 200_000)
        with pytest.raises(ResultsError):
            reproduce(crafted)


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"%PDF-1.4", b"<svg/>"])
def test_what_flowsim_did_not_draw_is_refused(tmp_path: Path, content: bytes) -> None:
    other = tmp_path / "other.png"
    other.write_bytes(content)
    with pytest.raises(ResultsError, match=r"no PNG, SVG or PDF|carries no recipe"):
        reproduce(other)


def mutated(image: bytes, rng: np.random.Generator) -> bytes:
    """Give a figure with some bytes changed, cut, doubled or put elsewhere; half of them sealed."""
    out = bytearray(image)
    for _ in range(rng.integers(1, 5)):
        a, b = sorted(int(n) for n in rng.integers(0, len(out), 2))
        b = min(b, a + int(rng.choice([1, 8, 400])))
        what = rng.integers(4)
        if what == 0:
            out[a:b] = rng.bytes(b - a)
        elif what == 1:
            del out[a:b]
        elif what == 2:
            out[a:a] = out[a:b] * int(rng.integers(1, 50))
        else:
            out[a:b] = rng.choice([b"\xff" * 8, b"\0" * 8, b"<flowsim:recipe ", b"endstream"])
    kind = recipe.format_of(bytes(out))
    return recipe.sealed(bytes(out), kind) if kind and rng.integers(2) else bytes(out)


@pytest.mark.parametrize("n", [90, pytest.param(2000, marks=pytest.mark.slow)])
def test_mutated_figures_are_refused_or_different(
    figures: Path, again: dict[str, bytes], tmp_path: Path, n: int
) -> None:
    rng, verdicts = np.random.default_rng(n), Counter[str]()
    images = [(figures / f"copied.{kind}").read_bytes() for kind in FORMATS]
    bad = tmp_path / "bad"
    for place in range(n):
        image = images[place % len(images)]
        bad.write_bytes(mutated(image, rng))
        try:
            same = reproduce(bad, patient=True).same
        except ResultsError:
            verdicts["refused"] += 1
        else:
            verdicts["same" if same else "different"] += 1
            assert not same or bad.read_bytes() == image
    print(dict(verdicts))
    assert verdicts["refused"] > n / 20
    assert verdicts["different"] > n / 20


def test_what_takes_long_is_asked_for(figures: Path, tmp_path: Path) -> None:
    image = (figures / "copied.png").read_bytes()
    made = recipe.found_in(image)
    long = tmp_path / "long.png"
    everybody = {k: v.replace("sample: 0.001", "sample: 1.0") for k, v in made.files.items()}
    settings = dict(made.settings) | {"replications": 200}
    long.write_bytes(with_text(image, changed(made, settings=settings, files=everybody)))
    with pytest.raises(ResultsError, match=r"14 minutes \(200 runs at a sample of 1\).*--yes"):
        reproduce(long)
    files = {"calibration.yaml": files_of("calibration")["september-2022"].read_text()}
    forged = changed(made, kind="calibration", figure="calibration-fit", files=files, settings={})
    long.write_bytes(with_text(image, forged))
    with pytest.raises(ResultsError, match=r"minutes \([\d,]+ runs at a sample of 0.02 and.*yes"):
        reproduce(long)


def test_what_it_costs_is_said_before(
    figures: Path, again: dict[str, bytes], tmp_path: Path
) -> None:
    heard: list[str] = []
    reproduce(figures / "copied.png", announce=heard.append)
    assert heard == ["making it again takes about 0 seconds ()"]


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
    with pytest.raises(ResultsError, match="cannot be written"):
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
    names = {path.name for path in (folder / "figures" / "slide").iterdir()}
    assert names == {f"{n}.{k}" for n in ("profile", "stocks") for k in ("pdf", "csv", "txt")}
    assert flowsim().exit_code == 2
    refused = flowsim(str(folder), "--only", "pie")
    assert refused.exit_code == 2
    assert "pie is not known" in refused.stderr
