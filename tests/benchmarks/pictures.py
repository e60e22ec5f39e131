"""Measure what the usual figures of a run cost: ``python tests/benchmarks/pictures.py``.

The six figures that ``flowsim run`` draws, from the tables in a folder to PNG and SVG files with
data and alt texts, stand beside six plain matplotlib sheets of the same sizes and formats: two
panels each, a line of 45 days, a band and default labels. Both are drawn in turn in this process;
shown are medians of CPU time and their ratio. The first drawing of each, with its imports and its
fonts, is not counted. ``--repeat`` sets how often (default 5), ``--format`` the kinds of files.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

import numpy as np  # noqa: E402
from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from PIL import Image  # noqa: E402
from sweep import cpu  # noqa: E402

import flowsim  # noqa: E402
from flowsim.figures import draw_all  # noqa: E402
from flowsim.figures.layout.style import PRESETS  # noqa: E402

DAYS, PANELS = 45, 2
DPI = PRESETS["page"].dpi


def plain_sheets(sizes: list[tuple[float, float]], formats: list[str], folder: Path) -> None:
    """Draw one plain sheet of each size, in inches."""
    days = np.arange(DAYS)
    for n, size in enumerate(sizes):
        figure = Figure(figsize=size, dpi=DPI)
        FigureCanvasAgg(figure)
        for ax in figure.subplots(PANELS, 1):
            ax.plot(days, np.sin(days / 9))
            ax.fill_between(days, np.sin(days / 9) - 0.2, np.sin(days / 9) + 0.2, alpha=0.3)
            ax.set(title="A title", xlabel="Day", ylabel="Persons")
        for kind in formats:
            figure.savefig(folder / f"{n}.{kind}")


def sizes_of(files: list[Path]) -> list[tuple[float, float]]:
    """Return the sizes of the PNG files, in inches."""
    found = []
    for path in files:
        if path.suffix == ".png":
            with Image.open(path) as image:
                found.append((image.width / DPI, image.height / DPI))
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--format", default="png,svg")
    given = parser.parse_args()
    formats = given.format.split(",")
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        flowsim.run("september-2022", sample=0.002, out=place / "run")
        sizes = sizes_of(draw_all(place / "run", formats=["png"]))
        ours, plain = [], []
        for turn in range(given.repeat + 1):
            drawn = cpu(lambda: draw_all(place / "run", formats=formats))
            sheets = cpu(lambda: plain_sheets(sizes, formats, place))
            if turn:
                ours.append(drawn)
                plain.append(sheets)
    ratio = statistics.median(a / b for a, b in zip(ours, plain, strict=True))
    print(f"{len(sizes)} figures as {', '.join(formats)}: {statistics.median(ours):.2f} s of CPU")
    print(f"{len(sizes)} plain sheets: {statistics.median(plain):.2f} s of CPU")
    print(f"ratio (median of {given.repeat}): {ratio:.2f}")


if __name__ == "__main__":
    main()
