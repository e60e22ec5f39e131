"""Document rule: a destination asks for, or no longer asks for, a document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from flowsim.scenario.places import PASSPORT, Crossing, unknown
from flowsim.scenario.policy import Period, Surroundings
from flowsim.scenario.quantity import refused
from flowsim.scenario.timetable import Cells, Timetable


class DocumentRule(Period):
    """A destination asks for, or no longer asks for, a document."""

    kind: Literal["document-rule"]
    at: str = Field(description="Destination that asks.")
    document: str = Field(
        default=PASSPORT, description="The passport, or a name under 'documents'."
    )
    needed: bool | None = Field(
        default=None,
        title="document needed for {place}",
        description="Whether it is asked for while the rule holds.",
    )
    requires_passport: bool | None = Field(
        default=None,
        title="passport needed for {place}",
        description="Short for 'document: passport' and 'needed'.",
    )

    scope: ClassVar = "destination"

    @model_validator(mode="after")
    def _says_one_thing(self) -> DocumentRule:
        if self.needed is None and self.requires_passport is None:
            expected = "expected true or false (or requires_passport: true or false)"
            raise refused(f"is missing; {expected}", "needed")
        if self.requires_passport is not None and (
            self.needed is not None or self.document != PASSPORT
        ):
            message = "is short for document: passport; beside document or needed write none of it"
            raise refused(message, "requires_passport")
        return self

    @property
    def is_needed(self) -> bool:
        """Whether the document is asked for while the rule holds."""
        return bool(self.requires_passport if self.needed is None else self.needed)

    @property
    def label(self) -> str:
        """Its label in figures."""
        words = "International passport" if self.document == PASSPORT else self.document
        text = f"{words[:1].upper()}{words[1:]}".replace("-", " ").replace("_", " ")
        return f"{text} {'needed' if self.is_needed else 'not needed'}"

    @property
    def places(self) -> tuple[str, ...]:
        """Its destination."""
        return (self.at,)

    def columns(self, table: Timetable) -> list[int]:
        """Return the column of its destination among the destinations."""
        return [table.destinations.index(self.at)]

    def apply(self, table: Timetable, cells: Cells) -> None:
        """Set whether the destination asks for the document."""
        table.asks_for[(*cells, table.documents.index(self.document))] = self.is_needed

    def check(self, around: Surroundings) -> Iterator[tuple[str, str]]:
        """Return key and message of each mistake; the document must be known as well."""
        yield from super().check(around)
        if message := unknown(self.document, list(around.documents)):
            yield "document", message

    def alone_at(self, crossings: Mapping[str, Crossing]) -> list[str]:
        """Return its destination and document: one rule at a time for each."""
        return [f"{place} ({self.document})" for place in super().alone_at(crossings)]
