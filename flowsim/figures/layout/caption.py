"""All words of a figure, composed once: title, key, note, source line, alt text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import Formatter, FuncFormatter

from flowsim.figures.layout.save import Drawn
from flowsim.figures.layout.sheet import LEAST, Key, Sheet
from flowsim.figures.layout.style import Preset
from flowsim.findings.language import ENGLISH, language, translated


@dataclass(frozen=True)
class Caption:
    """What a figure says in words, and the data it says it of.

    Attributes
    ----------
    title : str
        The finding, in one sentence.
    source : str
        Scenario, seed, sample and version; the last of the notes.
    alt : sequence of str
        What a reader who cannot see the figure needs to know, between subtitle and note.
    """

    name: str
    data: pd.DataFrame
    title: str
    subtitle: str
    source: str
    note: str = ""
    keys: Sequence[Key] = ()
    alt: Sequence[str] = ()

    def sheet(self, preset: Preset, body: float, least: float = LEAST, fixed: str = "") -> Sheet:
        """Return a sheet with these words around a body so high, or ``least`` if room is short.

        Parameters
        ----------
        fixed : str
            What stands below the body, above the source line, however short room is.
        """
        always = [text for text in (fixed, self.source) if text]
        more = f"More: {self.name}.txt."
        return Sheet(
            preset, self.title, self.subtitle, self.note, always, body, self.keys, least, more
        )

    def drawn(self, sheet: Sheet) -> Drawn:
        """Return the finished figure."""
        words = [f"{self.title}.", self.subtitle, *self.alt, self.note]
        alt = " ".join(translated(text) for text in words if text)
        if language() != ENGLISH:
            _translate(sheet.figure)
        title, source = translated(self.title), translated(self.source)
        return Drawn(self.name, sheet.figure, self.data, title, alt, source)


def _translate(figure: Figure) -> None:
    """Translate what panels wrote by themselves: the texts and ticks of their axes."""
    for ax in figure.axes:
        for text in ax.texts:
            text.set_text(translated(text.get_text()))
        for axis in (ax.xaxis, ax.yaxis):
            written = axis.get_major_formatter()
            axis.set_major_formatter(FuncFormatter(partial(_tick, written)))


def _tick(written: Formatter, value: float, place: int | None) -> str:
    return translated(written(value, place))
