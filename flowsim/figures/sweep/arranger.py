"""Arrange a figure of a sweep: a panel for each output and scenario, with the words around them.

A family says what it shows and in which words (``Parts``); which panels fit, how they stand, the
key, the notes, the alt text and the source line are the same for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from flowsim.figures.layout import panels as layout
from flowsim.figures.layout.caption import Caption
from flowsim.figures.layout.panels import Frame, Room
from flowsim.figures.layout.save import Drawn
from flowsim.figures.layout.sheet import Key
from flowsim.figures.layout.style import Preset
from flowsim.figures.layout.tables import records
from flowsim.figures.sweep import swept
from flowsim.figures.sweep.swept import Panel, Swept

if TYPE_CHECKING:
    from flowsim.results.sweep import SweepResults


@dataclass(frozen=True)
class View:
    """One panel with what it shows: the rows of its table."""

    given: Swept
    panel: Panel
    rows: pd.DataFrame

    @property
    def heading(self) -> str:
        """Its output, and the scenario if there are several."""
        return self.given.heading(self.panel)

    def amount(self, value: float) -> str:
        """Write a value of the output as text."""
        return self.panel.output.amount(value)

    def tick(self, value: float) -> str:
        """Write a value of the output beside a tick."""
        return self.panel.output.tick(value)

    def lines(self, most: int | None = None) -> list[dict[str, Any]]:
        """Return the rows, or the first of them, each with the label of its parameter."""
        known = self.given.parameters
        labels = [known[name].label if name in known else name for name in self.rows["parameter"]]
        return records(self.rows.assign(label=labels)[:most])


@dataclass(frozen=True)
class Shown:
    """What a figure shows: its panels."""

    given: Swept
    preset: Preset
    views: Sequence[View]

    @property
    def panels(self) -> list[Panel]:
        """The panels without their rows."""
        return [view.panel for view in self.views]

    @cached_property
    def data(self) -> pd.DataFrame:
        """All that is drawn."""
        return pd.concat([view.rows for view in self.views], ignore_index=True)

    def height(self, several: float, alone: float) -> float:
        """Return the height of axes in mm: lower if there are several, or in a column."""
        return several if len(self.views) > 1 or self.preset.narrow else alone

    def widest(self, texts: Callable[[View], Sequence[str]]) -> float:
        """Return the width in mm of the widest label in any panel."""
        return max(layout.widest(texts(view), self.preset) for view in self.views)

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
    in_words : function
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
    draw_panel: Callable[[View, Frame], None]
    finding: Callable[[View], str]
    in_words: Callable[[View], str]
    keys: Callable[[Shown], Sequence[Key]]
    notes: Callable[[Shown], str]
    height: Callable[[Shown], float]
    room: Callable[[Shown], Room]
    panels: Callable[[Swept], Sequence[Panel]] | None = None
    in_column: int = 2
    on_slide: int = layout.MOST_ON_SLIDE

    def shown(self, given: Swept, preset: Preset) -> Shown:
        """Choose the panels that hold something and fit."""
        wanted = self.panels(given) if self.panels else given.panels(self.name)
        views = [View(given, panel, self.table(given, panel)) for panel in wanted]
        there = [view for view in views if not view.rows.empty]
        return Shown(given, preset, layout.fitting(there, preset, self.in_column, self.on_slide))

    def draw(self, results: SweepResults | Swept, preset: Preset) -> Drawn:
        """Draw the figure."""
        given = swept.of(results)
        shown = self.shown(given, preset)
        caption = Caption(
            self.name,
            shown.data,
            self.finding(shown.views[0]),
            given.subtitle(),
            given.source,
            self.notes(shown),
            self.keys(shown),
            [f"{self.in_words(view)}." for view in shown.views],
        )

        def draw(place: int, frame: Frame) -> None:
            self.draw_panel(shown.views[place], frame)

        height, room = self.height(shown), self.room(shown)
        return layout.drawn(caption, preset, len(shown.views), height, room, draw)
