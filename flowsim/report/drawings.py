"""The figures of a folder, drawn for its report.

They are drawn afresh, beside the folder and not in it: the report is then the same whatever
stands in ``figures/``, whichever preset it was drawn with, and whoever altered it.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from flowsim import figures
from flowsim.report.document import Paragraph, Picture, Section


def section(folder: Path, kind: str) -> Section:
    """Draw the usual figures of a folder, each with what it shows and its alt text."""
    pictures = drawn(folder, kind)
    if not pictures:
        words = Paragraph("There is nothing to draw in this folder.")
        return Section("figures", "Figures", (words,))
    return Section("figures", "Figures", tuple(pictures))


def drawn(folder: Path, kind: str) -> list[Picture]:
    """Draw the usual figures of a folder of some kind; its own files stay untouched."""
    shows = figures.catalogue(kind)
    with TemporaryDirectory(prefix="flowsim-") as name:
        files = figures.draw_all(folder, formats=("svg",), out=Path(name))
        return [
            Picture(
                path.stem,
                path.read_bytes(),
                f"{_sentence(shows.get(path.stem, path.stem))} The numbers drawn: {path.stem}.csv, "
                "written by flowsim figures.",
                path.with_suffix(".txt").read_text(encoding="utf-8"),
            )
            for path in files
            if path.suffix == ".svg"
        ]


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."
