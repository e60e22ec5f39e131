"""The call-up, and what every policy has in common; each kind is one file in ``policies/``.

A kind is a class with its fields, and with what it does differently from the classes here:
``label`` in figures, ``apply`` on the timetable, ``check`` against the rest of the scenario,
and the sentences that readers of a report or a figure need because of it. Nothing else in the
package knows a kind by name.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from flowsim.scenario.clock import Clock, iso
from flowsim.scenario.places import Crossing
from flowsim.scenario.quantity import (
    Dated,
    DatedShare,
    Moment,
    Names,
    Number,
    Quantity,
    Share,
    Strict,
    refused,
)
from flowsim.scenario.timetable import EVERYWHERE, Cells, Timetable
from flowsim.scenario.tree import no_such


class Announcement(Strict):
    """What is announced of a call-up: when, how many, how fast."""

    announced: Moment = Field(description="Moment of the announcement; no panic before it.")
    target: Annotated[Number, Quantity("men", 0)] = Field(
        title="men to be called up", description="Announced total."
    )
    pace: Annotated[Dated, Quantity("men", 0)] = Field(
        title="pace of the call-up",
        description="Announced cumulative total by date, linear in between.",
    )

    @model_validator(mode="after")
    def _pace_rises(self) -> Announcement:
        """Check that the cumulative total never falls and does not pass the target."""
        by_date = self.pace.value
        by_date = by_date if isinstance(by_date, dict) else {datetime.min: by_date}
        totals = [total for _, total in sorted(by_date.items())]
        for before, after in itertools.pairwise(totals):
            if after < before:
                fall = f"pace falls from {before:,.0f} to {after:,.0f}"
                raise refused(f"{fall}; a cumulative total cannot fall", "pace")
        if totals[-1] > self.target.value:
            target = f"above the target of {self.target.value:,.0f}; change one of them"
            raise refused(f"pace reaches {totals[-1]:,.0f}, {target}", "pace", "target")
        return self


class CallUp(Announcement):
    """Mobilisation at home: pace, whom it reaches, who complies."""

    regional_disparity: Annotated[Number, Quantity("exponent", 0, 3)] = Field(
        title="regional disparity of the call-up",
        description="1: regions as estimated; 0: every region in proportion to its men.",
    )
    error_share: Share = Field(
        title="summonses in error", description="Summonses that reach men who are not liable."
    )
    comply: Annotated[Number, Quantity("share", 0.01, 1)] = Field(
        title="compliance with summonses",
        description="Summoned men who comply; the others hide and are listed.",
    )
    list_extra: DatedShare = Field(
        title="liable men on the no-exit list",
        description="Liable men on the no-exit list beside the summoned, at random, by date.",
    )


@dataclass(frozen=True)
class Surroundings:
    """What a policy is checked against: the horizon, if it is sound, and the names of places."""

    horizon: Clock | None
    destinations: Collection[str]
    crossings: Collection[str]
    documents: Collection[str] = ()
    regions: Sequence[str] = ()

    def outside(self, moment: datetime) -> str:
        """Write that a moment is no moment of the horizon; the start of a message."""
        assert self.horizon is not None
        inside = f"the horizon ({iso(self.horizon.start)} to {iso(self.horizon.end)})"
        return f"the date {iso(moment)} is outside {inside}"


class Policy(Strict):
    """A policy of any kind; holds always and in the whole nation unless its kind differs."""

    kind: str

    scope: ClassVar[Literal["nation", "destination", "crossings"]] = "nation"
    """What its places are."""
    caveat: ClassVar[str] = ""
    """What a reader of a report must not conclude where it holds; ``{names}`` are its policies."""
    counts: ClassVar[tuple[str, ...]] = ()
    """Measures that are 0 wherever no policy of the kind holds."""
    turned_back_by: ClassVar[str] = ""
    """By what it turns men back on the way out, such as "a check"; empty if it does not."""

    @property
    def label(self) -> str:
        """Its label in figures, in a few words."""
        return self.kind.replace("-", " ").capitalize()

    @property
    def places(self) -> tuple[str, ...]:
        """Crossings and destinations where it holds, or 'all'; empty for the nation."""
        return ()

    @property
    def span(self) -> tuple[datetime | None, datetime | None]:
        """From when to when it holds; None is from ever, and for ever."""
        return None, None

    @property
    def announcement(self) -> tuple[Announcement, float] | None:
        """The call-up that it announces and the strength of its panic, if it is one."""
        return None

    @property
    def entries_note(self) -> str:
        """What a figure of entries must say because of it."""
        return ""

    @property
    def queue_note(self) -> str:
        """What a figure of queues must say once it has ended at ``{end}``."""
        return ""

    def idle(self) -> Iterator[tuple[str, str]]:
        """Return key and reason of its numbers that change nothing because of its others."""
        yield from ()

    def apply(self, table: Timetable, cells: Cells) -> None:
        """Write what holds into some cells of the timetable."""

    def columns(self, table: Timetable) -> list[int]:
        """Return the columns of the timetable that ``apply`` is called with."""
        return table.columns(self.places)

    def check(self, around: Surroundings) -> Iterator[tuple[str, str]]:
        """Return key and message of each mistake that only the rest of the scenario shows."""
        start, end = self.span
        never = "so the policy never holds; change the date or remove the policy (null)"
        if around.horizon is not None and start is not None and start >= around.horizon.end:
            yield "from", f"{around.outside(start)}, {never}"
        if around.horizon is not None and end is not None and end <= around.horizon.start:
            yield "to", f"{around.outside(end)}, {never}"
        if self.scope == "nation":
            return
        expected, known = "a destination", list(around.destinations)
        if self.scope == "crossings":
            expected = "a crossing, a destination or 'all'"
            known = [*around.crossings, *known, EVERYWHERE]
        for place in self.places:
            if place not in known:
                yield "at", no_such(place, known, "not known", f"; expected {expected}")
        if not self.places:
            yield "at", f"found no place; expected {expected}"

    def alone_at(self, crossings: Mapping[str, Crossing]) -> list[str]:
        """Return the places where no second policy of its kind may hold; '' is the nation."""
        found = {""} if self.scope == "nation" and self.announcement is None else set()
        for place in self.places:
            inside = [n for n, c in crossings.items() if place in (EVERYWHERE, c.destination)]
            found |= set(inside if inside and self.scope == "crossings" else [place])
        return sorted(found)

    def touches(
        self, destination: str, crossing: str | None, crossings: Mapping[str, Crossing]
    ) -> bool:
        """Whether it holds somewhere in a destination, or at a crossing if one is given."""
        if self.scope == "nation" or self._holds_in(destination):
            return True
        return crossing in self.places if crossing else bool(self._here(destination, crossings))

    def where(self, destination: str, crossings: Mapping[str, Crossing]) -> str:
        """Return at which crossings into a destination it holds; empty if it is about none."""
        if self.scope != "crossings":
            return ""
        here = self._here(destination, crossings)
        if self._holds_in(destination):
            return "all crossings"
        return here[0] if len(here) == 1 else f"{len(here)} crossings"

    def _holds_in(self, destination: str) -> bool:
        """Whether it holds at every crossing into a destination."""
        return EVERYWHERE in self.places or destination in self.places

    def _here(self, destination: str, crossings: Mapping[str, Crossing]) -> list[str]:
        """Return the names of its single crossings into a destination."""
        found = [crossings[place] for place in self.places if place in crossings]
        return [crossing.name for crossing in found if crossing.destination == destination]


class Period(Policy):
    """A policy in force from a moment to a moment (both optional)."""

    start: Moment | None = Field(
        default=None, alias="from", title="start of the {policy}", description="Inclusive."
    )
    end: Moment | None = Field(
        default=None, alias="to", title="end of the {policy}", description="Exclusive."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Period:
        if self.start is not None and self.end is not None and self.end <= self.start:
            start, end = (at.isoformat(timespec="minutes") for at in (self.start, self.end))
            order = f"'to' ({end}) is not after 'from' ({start})"
            raise refused(f"{order}; the policy would never hold", "to", "from")
        return self

    @property
    def span(self) -> tuple[datetime | None, datetime | None]:
        """From when to when it holds."""
        return self.start, self.end


class AtCrossings(Period):
    """A policy at some crossings."""

    scope: ClassVar = "crossings"

    at: Annotated[
        Names,
        Field(
            max_length=2000,
            description="Crossing, list of crossings, destination (all its crossings), or 'all'.",
        ),
    ]

    @property
    def places(self) -> tuple[str, ...]:
        """Crossings and destinations where it holds."""
        return self.at
