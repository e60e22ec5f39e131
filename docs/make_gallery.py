"""Write docs/gallery.md and its images: every figure of the catalogue, from small runs.

    python docs/make_gallery.py [FOLDER ...]

A run, a comparison and three sweeps are made at small samples in a temporary folder, some
minutes in all. Folders of results given are drawn instead of those of their kind; a calibration
takes long, and its figures are drawn anew only if its folder is given.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from PIL import Image

from flowsim.calibration import posterior_changes
from flowsim.comparison import compare
from flowsim.experiments.running import run
from flowsim.figures import KINDS, draw_all, families
from flowsim.results.opening import open_folder
from flowsim.sweep import run_sweep

DOCS = Path(__file__).resolve().parent
IMAGES = DOCS / "images" / "gallery"
SWEEPS = DOCS.parent / "scenarios" / "sweeps"
WIDTH, COLOURS = 680, 128
RUN, COMPARISON, SWEEP, CALIBRATION = KINDS
HEADS = {
    RUN: ("From a run", "flowsim run september-2022 --replications 20"),
    COMPARISON: (
        "From a comparison",
        "flowsim compare september-2022 no-task-force border-closed",
    ),
    SWEEP: ("From a sweep", "flowsim sweep passports-by-task-force"),
    CALIBRATION: ("From a calibration", "flowsim calibrate september-2022"),
}
SMALLER = {"points: 128": "points: 16", "trajectories: 20": "trajectories: 6"}
INTRODUCTION = """# Gallery

Every figure that flowsim draws, in small and from small samples: the images show the form, not the
numbers. `flowsim figures --list` prints this list, `flowsim figures FOLDER --only NAME` draws one,
`--preset` sets its size (page, column, slide) and `--format` the kind of file (png, svg, pdf).
Nothing is taller than 240 mm on a page and 160 mm in a column; a slide is exactly 16:9. Columns and
slides go into folders of their own, or where `--out` says.
Figures marked with a star are drawn only if they are named, or with `--only all`.

Beside each figure stand the data it shows (CSV) and an alt text; inside it, how it was made:
`flowsim reproduce FIGURE` makes it again from that alone and says whether it is the same.

This page is made by `python docs/make_gallery.py`.
"""


def main(folders: list[Path]) -> None:
    """Draw the catalogue and write the page."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        given = {open_folder(folder).kind for folder in folders}
        for folder in chain(folders, _made(Path(place), given)):
            _draw(folder)
    (DOCS / "gallery.md").write_text(_page(), encoding="utf-8")


def _made(place: Path, given: set[str]) -> Iterator[Path]:
    """Make results of the kinds that were not given."""
    if RUN not in given:  # of the first the headline stays, the rest is drawn again
        run("all-exits", sample=0.02, draws=posterior_changes(10, exits=True), out=place / "exits")
        yield place / "exits"
        run("september-2022", sample=0.02, replications=20, out=place / "run")
        yield place / "run"
    if COMPARISON not in given:
        names = ["september-2022", "no-task-force", "border-closed"]
        compare(names, replications=8, sample=0.01, out=place / "compared")
        yield place / "compared"
    if SWEEP not in given:
        yield from _sweeps(place)


def _sweeps(place: Path) -> Iterator[Path]:
    """Run shipped sweeps with fewer points and men."""
    names = ("sobol-ten-parameters", "morris-everything-free", "passports-by-task-force")
    for name in names:
        text = (SWEEPS / f"{name}.yaml").read_text(encoding="utf-8")
        for long, short in SMALLER.items():
            text = text.replace(long, short)
        file = place / f"{name}.yaml"
        file.write_text(text, encoding="utf-8")
        run_sweep(str(file), place / name, replications=2, sample=0.004)
        yield place / name


def _draw(folder: Path) -> None:
    """Draw what a folder has, in small."""
    for path in draw_all(folder, ["all"], "page", ["png"]):
        if path.suffix == ".png":
            with Image.open(path) as image:
                size = (WIDTH, round(image.height * WIDTH / image.width))
                small = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
            palette = small.quantize(COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
            palette.save(IMAGES / path.name, optimize=True)
            alt = path.with_suffix(".txt").read_text(encoding="utf-8")
            (IMAGES / path.name).with_suffix(".txt").write_text(alt, encoding="utf-8")


def _page() -> str:
    """Compose the page from the catalogue, the images and their alt texts."""
    parts = [INTRODUCTION]
    for kind, (head, command) in HEADS.items():
        parts.append(f"## {head}\n\n`{command}`\n")
        for name, family in families().items():
            if kind != family.kind:
                continue
            star = "" if family.usual else " *"
            shows = family.shows[:1].upper() + family.shows[1:]
            image = IMAGES / f"{name}.png"
            text = f"### {name}{star}\n\n{shows}.\n"
            if image.exists():
                alt = image.with_suffix(".txt").read_text(encoding="utf-8").strip()
                said = alt.replace("[", "(").replace("]", ")")
                text += f"\n![{said}](images/gallery/{name}.png)\n"
            parts.append(text)
    return "\n".join(parts)


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
