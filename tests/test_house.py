"""A house style: a style file of matplotlib's, taken as far as the layout leaves it open."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.colors import to_hex
from matplotlib.font_manager import findfont
from typer.testing import CliRunner

from flowsim.cli import app
from flowsim.errors import DataError
from flowsim.experiments.running import run
from flowsim.figures import draw_all
from flowsim.figures.layout import recipe, style
from flowsim.figures.layout.sheet import text_width
from flowsim.figures.layout.style import in_house, read, worn
from flowsim.figures.reproduce import reproduce

HOUSE = """# of the institute
font.family: serif
font.serif: No Such Type, DejaVu Serif
axes.prop_cycle: cycler('color', ['005f73', 'ee9b00'])  # two of seven
text.color: "#001219"
figure.facecolor: "#fff9ef"
"""
BAD = """axes.prop_cycl: 1
font.family: No Such Type
axes.linewidth: thick
hello
axes.grid: True
axes.grid: False
figure.facecolor: none
axes.prop_cycle: cycler('linestyle', ['-', '--'])
"""
SHORT = {"horizon.end": "2022-09-30", "capacities": None}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "results"
    run("september-2022", sample=0.001, seed=4, changes=SHORT, out=folder)
    return folder


def written(folder: Path, text: str) -> Path:
    file = folder / "my.mplstyle"
    file.write_text(text, encoding="utf-8")
    return file


def test_colours_type_and_paper_are_those_of_the_file(tmp_path: Path) -> None:
    with in_house(written(tmp_path, HOUSE)), style.in_style():
        assert [to_hex(c) for c in (style.BLUE, style.ORANGE)] == ["#005f73", "#ee9b00"]
        assert to_hex(style.GREEN) == style.OKABE_ITO[2].lower()  # the file has two colours only
        assert to_hex(style.INK) == "#001219"
        assert style.families() == ("DejaVu Serif", "DejaVu Sans")
        wide = text_width("Entries", 8)
    with style.in_style():
        assert text_width("Entries", 8) != wide
        assert to_hex(style.BLUE) == "#0072b2"
    assert not worn().text


def test_every_mistake_is_named_with_its_line_and_key(tmp_path: Path) -> None:
    with pytest.raises(DataError) as told:
        read(written(tmp_path, BAD))
    found = [str(problem).removeprefix("my.mplstyle:") for problem in told.value.problems]
    assert [line.partition(":")[0] for line in found] == ["1", "2", "3", "4", "6", "7", "8"]
    assert "did you mean axes.prop_cycle?" in found[0]
    assert "font.family: No Such Type is not installed here" in found[1]
    assert "axes.linewidth: found thick" in found[2]
    assert "expected KEY: VALUE, found hello" in found[3]
    assert "stands in line 5 already" in found[4]


@pytest.mark.parametrize("text", [None, b"\xff\xfe\x00", b"# " + 50_000 * b"x"])
def test_what_is_no_style_file_is_refused_before_anything_runs(
    tmp_path: Path, text: bytes | None
) -> None:
    file = tmp_path / "my.mplstyle"
    if text is not None:
        file.write_bytes(text)
    out = tmp_path / "results"
    command = ["run", "september-2022", "--style", str(file), "--out", str(out)]
    made = CliRunner().invoke(app, command)
    assert made.exit_code == 2
    assert "expected a style file of matplotlib's" in made.stderr
    assert not out.exists()


def test_what_has_no_effect_is_named_and_nothing_that_runs_is_taken(tmp_path: Path) -> None:
    text = "text.usetex: True\nfont.size: 12\nbackend: tkagg\naxes.grid: True\n"
    named = pytest.warns(UserWarning, match=r"text\.usetex, font\.size, backend$")
    with named, in_house(written(tmp_path, text)):
        assert dict(worn().settings) == {"axes.grid": True}


def test_a_figure_carries_its_style_and_is_made_again_with_it(
    results: Path, tmp_path: Path
) -> None:
    with in_house(written(tmp_path, HOUSE)):
        draw_all(results, ["entries"], formats=["svg"], out=tmp_path)
    file = tmp_path / "entries.svg"
    image = file.read_bytes()
    assert b"#005f73" in image
    assert b"#fff9ef" in image
    assert b"#0072b2" not in image
    assert recipe.found_in(image).files[recipe.STYLE] == HOUSE
    assert reproduce(file).words.endswith("identical, byte for byte; same versions.")
    draw_all(results, ["entries"], formats=["svg"], out=tmp_path)
    assert recipe.STYLE not in recipe.found_in(file.read_bytes()).files


def test_type_that_is_not_here_keeps_a_figure_from_being_made_again(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with in_house(written(tmp_path, HOUSE)):
        draw_all(results, ["entries"], formats=["svg"], out=tmp_path)

    def without(of: object, **how: bool) -> str:
        if not how.get("fallback_to_default", True):
            raise ValueError
        return str(findfont(of))

    monkeypatch.setattr("flowsim.figures.layout.style.findfont", without)
    made = CliRunner().invoke(app, ["reproduce", str(tmp_path / "entries.svg")])
    assert made.exit_code == 2
    assert "house.mplstyle:3: font.serif: No Such Type, DejaVu Serif is not" in made.stderr
