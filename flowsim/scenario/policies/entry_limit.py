"""Entry limit: cars from other regions are stopped short of the crossing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from flowsim.scenario.policy import AtCrossings, Surroundings
from flowsim.scenario.quantity import Share, refused
from flowsim.scenario.timetable import Cells, Timetable
from flowsim.scenario.tree import no_such


class EntryLimit(AtCrossings):
    """Cars from other regions are stopped short of the crossing."""

    kind: Literal["entry-limit"]
    label: ClassVar[str] = "Cars from other regions barred"

    passes: Share = Field(
        title="men passing the entry limit at {place}",
        description="Men stopped who get through all the same.",
    )
    walks: Share = Field(
        title="men walking on at the entry limit at {place}",
        description="Of the rest: go on by foot or bicycle where allowed.",
    )
    turns: Share = Field(
        title="men turning away at the entry limit at {place}",
        description="Of the rest: turn to another destination.",
    )
    exempt_regions: tuple[str, ...] = Field(
        default=(),
        max_length=100,
        description="Codes of regions whose cars are let through, such as RU-SE.",
    )

    counts: ClassVar[tuple[str, ...]] = ("limited",)
    caveat: ClassVar[str] = (
        "What became of men stopped by the entry limit (passed anyway, walked, turned elsewhere, "
        "went home) was not measured by anybody; it decides when the queue ends."
    )

    @model_validator(mode="after")
    def _shares_of_the_rest(self) -> EntryLimit:
        total = self.walks.value + self.turns.value
        if total > 1 + 1e-9:
            sum_ = f"walks and turns are shares of the same men, but add up to {total:g}"
            raise refused(f"{sum_}; expected at most 1", "turns", "walks")
        return self

    @property
    def entries_note(self) -> str:
        """What it does to ordinary traffic."""
        note = (
            "An entry limit thins ordinary traffic too, so that entries can fall below what they "
            "were before the shock"
        )
        return f"{note}, and no end of it is known." if self.end is None else f"{note}."

    def idle(self) -> Iterator[tuple[str, str]]:
        """Return what is idle where nobody is stopped."""
        if self.passes.value == 1:
            yield "walks", "every man passes (passes is 1)"
            yield "turns", "every man passes (passes is 1)"

    def apply(self, table: Timetable, cells: Cells) -> None:
        """Limit entry, and set what becomes of the men stopped."""
        table.limited[cells] = True
        table.passes[cells] = self.passes.value
        table.walks[cells] = self.walks.value
        table.turns[cells] = self.turns.value
        table.exempt |= dict.fromkeys(cells.columns, self.exempt_regions)

    def check(self, around: Surroundings) -> Iterator[tuple[str, str]]:
        """Check its dates and places, and that the exempt regions exist."""
        yield from super().check(around)
        expected = f"; expected a code such as {around.regions[0]}"
        for region in self.exempt_regions:
            if region not in around.regions:
                message = no_such(region, around.regions, "not a region", expected)
                yield "exempt_regions", message
