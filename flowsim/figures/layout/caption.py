"""All words of a figure, composed once: title, key, note, source line, alt text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from flowsim.figures.layout.save import Drawn
from flowsim.figures.layout.sheet import LEAST, Key, Sheet
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
        alt = " ".join(text for text in words if text)
        return Drawn(self.name, sheet.figure, self.data, self.title, alt, self.source)
