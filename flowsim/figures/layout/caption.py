"""All words of a figure, composed once: title, key, note, source line, alt text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from flowsim.figures.layout.save import Drawn
from flowsim.figures.layout.sheet import Key, Sheet
from flowsim.figures.layout.style import Preset


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
        What a reader who cannot see the figure needs to know, after the title.
    """

    name: str
    data: pd.DataFrame
    title: str
    subtitle: str
    source: str
    note: str = ""
    keys: Sequence[Key] = ()
    alt: Sequence[str] = ()

    def sheet(self, preset: Preset, body: float, panels: int = 1, least: float = 0.0) -> Sheet:
        """Return a sheet with these words around a body so high."""
        notes = [text for text in (self.note, self.source) if text]
        return Sheet(preset, self.title, self.subtitle, notes, body, self.keys, panels, least)

    def drawn(self, sheet: Sheet) -> Drawn:
        """Return the finished figure."""
        alt = " ".join([f"{self.title}.", *self.alt])
        return Drawn(self.name, sheet.figure, self.data, self.title, alt, self.source)
