"""What a report says, as plain data: sections of paragraphs, tables, figures and commands.

Nothing here knows HTML or PDF. ``as_data`` gives the same tree to both, with every text made
fit to show; escaping is the business of whoever writes it out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flowsim.findings.finding import Finding, Inline, Link, Table, Words
from flowsim.findings.language import ENGLISH, language, translated

_SAFE_LINKS = ("https://", "http://", "#")  # the last leads to a section of the document
_STEERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\ufeff")


@dataclass(frozen=True)
class Options:
    """How a report is wanted.

    Attributes
    ----------
    quick : bool
        Leave out what has to be simulated anew.
    full : bool
        The long appendix: every number that went in, every table.
    announce : callable
        Gets a few words on what is being done.
    """

    quick: bool = False
    full: bool = False
    announce: Callable[[str], None] = lambda _: None


@dataclass(frozen=True)
class Paragraph:
    """One paragraph; ``tone`` is 'plain', 'lead' (the first answer) or 'caution'."""

    words: Words
    tone: str = "plain"


@dataclass(frozen=True)
class Bullets:
    """A list of short statements."""

    items: tuple[Words, ...]


@dataclass(frozen=True)
class Picture:
    """A drawing, what stands under it, what it says to those who cannot see it, its data."""

    name: str
    svg: bytes = field(repr=False)
    caption: str
    alt: str
    table: str = field(default="", repr=False)


@dataclass(frozen=True)
class Commands:
    """Lines to type, exactly."""

    lines: tuple[str, ...]


Block = Paragraph | Bullets | Table | Picture | Commands


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it.

    Attributes
    ----------
    key : str
        Anchor; unique in the document, letters, digits and hyphens.
    sheet : bool
        For those who receive people; to be printed and passed on alone.
    """

    key: str
    title: str
    blocks: tuple[Block, ...]
    sheet: bool = False


def section(finding: Finding) -> Section:
    """Return a finding as a section: its sentences, as a list if there are several, its tables."""
    several = finding.sentences
    words: list[Block] = [Bullets(several)] if len(several) > 1 else [*map(Paragraph, several)]
    return Section(finding.key, finding.title, (*words, *finding.tables))


@dataclass(frozen=True)
class Attachment:
    """A text file that travels inside the report."""

    name: str
    text: str = field(repr=False)
    about: str


@dataclass(frozen=True)
class Document:
    """A report.

    Attributes
    ----------
    facts : tuple of (str, str)
        What the reader must know to quote it: scenario, seed, sample, replications, version.
    name : str
        How the files begin that are saved from it.
    """

    title: str
    subtitle: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    attachments: tuple[Attachment, ...] = ()
    name: str = "report"


def clean(text: str) -> str:
    r"""Make a text fit to show: no control characters, nothing that turns the line around.

    Line ends become spaces; code points that are no characters are left out.

    >>> clean("two\nlines\x00")
    'two lines'
    """
    kept = (
        " " if unicodedata.category(letter) == "Cc" else letter
        for letter in text
        if letter not in _STEERING and unicodedata.category(letter) not in ("Cn", "Cs")
    )
    return "".join(kept).strip()


def said(text: str) -> str:
    """Return a text in the language of the report, fit to show."""
    return clean(translated(text.strip()))


def as_data(document: Document) -> dict[str, Any]:
    """Return a document as mappings, lists and clean text, pictures by their name.

    Every block has a ``kind``; every text is a list of parts with ``text`` and ``url``.
    """
    numbers = iter(range(1, 10_000)), iter(range(1, 10_000))
    return {
        "title": said(document.title) or "Report",
        "subtitle": said(document.subtitle),
        "language": "en-GB" if language() == ENGLISH else language(),
        "name": re.sub(r"[^\w.-]+", "-", document.name),
        "facts": [[said(name), said(value)] for name, value in document.facts],
        "sections": [
            {
                "key": section.key,
                "title": said(section.title),
                "sheet": section.sheet,
                "blocks": [_block(block, *numbers) for block in section.blocks],
            }
            for section in document.sections
        ],
        "attachments": [
            {"name": clean(a.name), "text": a.text, "about": said(a.about)}
            for a in document.attachments
        ],
    }


def pictures(document: Document) -> dict[str, bytes]:
    """Return the drawings of a document by name."""
    blocks = (block for section in document.sections for block in section.blocks)
    return {block.name: block.svg for block in blocks if isinstance(block, Picture)}


def _block(block: Block, figures: Any, tables: Any) -> dict[str, Any]:
    if isinstance(block, Paragraph):
        return {"kind": "paragraph", "tone": block.tone, "words": parts(block.words)}
    if isinstance(block, Bullets):
        return {"kind": "bullets", "items": [parts(item) for item in block.items]}
    if isinstance(block, Commands):
        return {"kind": "commands", "lines": [clean(line) for line in block.lines]}
    if isinstance(block, Picture):
        return {
            "kind": "picture",
            "name": block.name,
            "label": said("Figure"),
            "number": next(figures),
            "caption": said(block.caption),
            "alt": said(block.alt),
            "table": block.table,
        }
    n = len(block.header)
    return {
        "kind": "table",
        "label": said("Table"),
        "number": next(tables),
        "caption": said(block.caption),
        "header": [said(title) for title in block.header],
        "rows": [
            {"marked": place in block.marked, "cells": [parts(cell) for cell in row]}
            for place, row in enumerate(block.rows)
        ],
        "numeric": [side == "r" for side in block.align or "l" * n],
        "widths": list(block.widths or [1.0] * n),
    }


def parts(words: Words) -> list[dict[str, str]]:
    """Split a text into plain and linked parts; a link of another kind is plain text."""
    return [_part(piece) for piece in (words if isinstance(words, tuple) else (words,))]


def _part(piece: Inline) -> dict[str, str]:
    """Clean a part of a text, but keep the spaces that part it from a link beside it."""
    if isinstance(piece, Link):
        url = piece.url.strip()
        is_safe = url.lower().startswith(_SAFE_LINKS) and url.isprintable()
        return {"text": said(piece.text), "url": url if is_safe else ""}
    after = " " * bool(piece[-1:] == " " and piece.strip())
    return {"text": " " * (piece[:1] == " ") + said(piece) + after, "url": ""}
