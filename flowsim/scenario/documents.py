"""Documents that destinations ask for: the international passport, and those a scenario adds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pydantic import Field

from flowsim.scenario.quantity import Line, Share, Strict
from flowsim.scenario.tree import suggestion

PASSPORT = "passport"
"""Name of the first document; ``population.passport_share`` is the share who hold it."""


class Document(Strict):
    """A document that a destination may ask for beside the passport, such as a visa."""

    name: Line = Field(description="In sentences and figures, such as 'Schengen visa'.")
    share: Share = Field(
        title="share with a {place}", description="Men who hold it, of those with what it needs."
    )
    by_region: dict[str, Share] | None = Field(
        default=None, description="The same in regions where it differs, by code."
    )
    needs: str | None = Field(
        default=None,
        description="Document without which nobody holds it: passport, or one listed above it.",
    )
    only_holders: bool | None = Field(
        default=None,
        description="Whether those without it are not taken to want to go where it is asked for; "
        "left out, they count as involuntary stayers.",
    )


def unknown(name: str, documents: Sequence[str]) -> str:
    """Return what is wrong with the name of a document; empty if it is known."""
    known = [PASSPORT, *documents]
    if name in known:
        return ""
    near = suggestion(name, known) or f"; expected one of {', '.join(known)}"
    return f"{name!r} is not a document{near}"


def mistakes(
    documents: Mapping[str, Document], regions: Sequence[str]
) -> Iterator[tuple[str, str, str]]:
    """Return name, key and message of what is wrong with documents."""
    above: list[str] = []
    for name, document in documents.items():
        if name == PASSPORT:
            yield name, "", "is there already: its share is population.passport_share; rename this"
        if document.needs is not None and (message := unknown(document.needs, above)):
            yield name, "needs", f"{message}; a document needs one listed above it"
        for code in document.by_region or {}:
            if code not in regions:
                near = suggestion(code, list(regions)) or "; expected a code such as RU-MOW"
                yield name, "by_region", f"{code!r} is not a region{near}"
        above.append(name)


def asked_for(documents: Mapping[str, Document], asked: set[str]) -> tuple[str, ...]:
    """Return the passport, and in order the documents asked for and what those need."""
    wanted = set(asked)
    for name, document in reversed(list(documents.items())):
        if name in wanted and document.needs is not None:
            wanted.add(document.needs)
    return (PASSPORT, *(name for name in documents if name in wanted))
