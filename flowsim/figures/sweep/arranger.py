"""Arrange a figure of a sweep: a panel for each output and scenario, with the words around them.

A family says what it shows and in which words (``Parts``); which panels fit, how they stand, the
key, the notes, the alt text and the source line are the same for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from flowsim.figures.layout import panels as layout
from flowsim.figures.layout.caption import Caption
from flowsim.figures.layout.panels import Frame, Room
from flowsim.figures.layout.save import Drawn
from flowsim.figures.layout.sheet import Key, Sheet
from flowsim.figures.layout.style import Preset
from flowsim.figures.sweep import swept
from flowsim.figures.sweep.swept import Panel, Swept

if TYPE_CHECKING:
    from flowsim.sweep import SweepResults


@dataclass(frozen=True)
class Shown:
    """What a figure shows: panels, and the table of each."""

    given: Swept
    preset: Preset
    panels: Sequence[Panel]
    tables: Sequence[pd.DataFrame]

    @cached_property
    def data(self) -> pd.DataFrame:
        """All that is drawn."""
        return pd.concat(self.tables, ignore_index=True)

    @property
    def pairs(self) -> list[tuple[Panel, pd.DataFrame]]:
        """Each panel with its table."""
        return list(zip(self.panels, self.tables, strict=True))

    def height(self, several: float, alone: float) -> float:
        """Return the height of axes in mm: lower if there are several, or in a column."""
        return several if len(self.panels) > 1 or self.preset.narrow else alone

    def widest(self, texts: Callable[[Panel, pd.DataFrame], Sequence[str]]) -> float:
        """Return the width in mm of the widest label in any panel."""
        return max(layout.widest(texts(*pair), self.preset) for pair in self.pairs)

    def room(self, left: float, right: float | None = None) -> Room:
        """Return the usual room around axes, with what labels need at the sides."""
        usual = layout.scaled(Room(), self.preset)
        return replace(usual, left=left, right=usual.right if right is None else right)


@dataclass(frozen=True)
class Parts:
    """What a family of figures does in its own way.

    Attributes
    ----------
    table : function
        Return what one panel shows; a panel without rows is left out.
    draw_panel : function
        Draw one panel with its axes and headings into its frame.
    finding : function
        Return the title from the first panel.
    told : function
        Return a panel in words, for who cannot see it.
    keys, notes : function
        Return the key, and the note above the source line.
    height, room : function
        Return the height of the axes in mm, and the room around them.
    panels : function, optional
        Return the panels it would draw of a sweep; else those of the file, or of each output.
    in_column, on_slide : int
        Panels that fit there.
    """

    name: str
    table: Callable[[Swept, Panel], pd.DataFrame]
    draw_panel: Callable[[Swept, Panel, pd.DataFrame, Frame, Sheet], None]
    finding: Callable[[Swept, Panel, pd.DataFrame], str]
    told: Callable[[Swept, Panel, pd.DataFrame], str]
    keys: Callable[[Shown], Sequence[Key]]
    notes: Callable[[Shown], str]
    height: Callable[[Shown], float]
    room: Callable[[Shown], Room]
    panels: Callable[[Swept], Sequence[Panel]] | None = None
    in_column: int = 4
    on_slide: int = layout.MOST_ON_SLIDE

    def shown(self, given: Swept, preset: Preset) -> Shown:
        """Choose the panels that hold something and fit."""
        wanted = self.panels(given) if self.panels else given.panels(self.name)
        tables = [(panel, self.table(given, panel)) for panel in wanted]
        there = [(panel, rows) for panel, rows in tables if not rows.empty]
        chosen = layout.fitting(there, preset, self.in_column, self.on_slide)
        return Shown(given, preset, [one for one, _ in chosen], [rows for _, rows in chosen])

    def draw(self, results: SweepResults | Swept, preset: Preset) -> Drawn:
        """Draw the figure."""
        given = swept.of(results)
        shown = self.shown(given, preset)
        caption = Caption(
            self.name,
            shown.data,
            self.finding(given, *shown.pairs[0]),
            given.subtitle(),
            given.source,
            self.notes(shown),
            self.keys(shown),
            [given.subtitle(), *(f"{self.told(given, *pair)}." for pair in shown.pairs)],
        )

        def draw(place: int, frame: Frame, sheet: Sheet) -> None:
            self.draw_panel(given, *shown.pairs[place], frame, sheet)

        height, room = self.height(shown), self.room(shown)
        return layout.drawn(caption, preset, len(shown.panels), height, room, draw)
