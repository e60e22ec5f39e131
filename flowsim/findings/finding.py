"""What results say, as plain data: sentences and tables under a heading, and the same as text."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from flowsim.findings.language import capitals, translated
from flowsim.findings.words import elided

WIDTH = 100
WIDEST = 120  # of a table
SHORT, READABLE = 26, 34  # characters to which texts are cut before ranges are
LONGEST = 52  # of a cell, in characters
RANGE = re.compile(r" \([^()]* to [^()]*\)$")


@dataclass(frozen=True)
class Link:
    """A text that leads to a source; nothing is fetched unless the reader follows it."""

    text: str
    url: str


Inline = str | Link
Words = str | Link | tuple[Inline, ...]


@dataclass(frozen=True)
class Table:
    """A table whose first column names its rows.

    Attributes
    ----------
    align : str
        A letter for each column, ``l`` or ``r`` (numbers); all left if empty.
    widths : tuple of float
        Relative widths of the columns on paper.
    marked : frozenset of int
        Rows that need a second look: inputs, assumptions, imputed figures. What they are is
        also said in words in the row.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[Words, ...], ...]
    align: str = ""
    widths: tuple[float, ...] = ()
    marked: frozenset[int] = frozenset()


def tabulated(
    caption: str,
    columns: Sequence[str],
    rows: Iterable[tuple[Words, ...]],
    marked: Iterable[bool] = (),
) -> Table:
    """Return a table.

    Parameters
    ----------
    columns : sequence of str
        Each a name and the width on paper, ``Policy 2.0``; one of numbers ``>Share 1.0``.
    marked : iterable of bool
        Whether each row needs a second look.
    """
    names, widths = zip(*(column.rsplit(" ", 1) for column in columns), strict=True)
    return Table(
        caption,
        tuple(name.removeprefix(">") for name in names),
        tuple(rows),
        "".join("r" if name[0] == ">" else "l" for name in names),
        tuple(map(float, widths)),
        frozenset(n for n, is_marked in enumerate(marked) if is_marked),
    )


@dataclass(frozen=True)
class Finding:
    """What results say on one question.

    Attributes
    ----------
    key : str
        Letters, digits and hyphens; unique among the findings of one result.
    sentences : tuple of str
        Each can be quoted alone.
    """

    key: str
    title: str
    sentences: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()


def plain(finding: Finding) -> dict[str, Any]:
    """Return a finding as plain data, without what only decides how tables look."""
    data = asdict(finding)
    for table in data["tables"]:
        del table["align"], table["widths"], table["marked"]
    return data


def as_text(findings: Iterable[Finding]) -> str:
    """Return findings as a terminal shows them: headings, wrapped sentences, aligned tables."""
    return "\n".join(line for finding in findings for line in _lines(finding))


def wrapped(text: str, indent: str = "  ") -> str:
    """Break a text into lines for a terminal, all but the first one indented further."""
    return textwrap.fill(
        translated(text),
        WIDTH,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _lines(finding: Finding) -> Iterator[str]:
    yield f"\n{capitals(translated(finding.title))}"
    yield from map(wrapped, finding.sentences)
    for table in finding.tables:
        yield wrapped(f"{table.caption}:")
        yield from _aligned(table)


def _aligned(table: Table) -> Iterator[str]:
    """Return the rows of a table as lines; links, and what finds no room, are left out."""
    rows = [table.header, *table.rows]
    columns = [
        [elided(translated(str(cell)), LONGEST) for cell in column]
        for column in zip(*rows, strict=True)
        if all(isinstance(cell, str) for cell in column)
    ]
    sides = (table.align or "l" * len(columns))[: len(columns)]
    columns = _fitted(columns, sides)
    padded = [
        [cell.rjust(width) if side == "r" else cell.ljust(width) for cell in column]
        for column, side in zip(columns, sides, strict=True)
        for width in [max(map(len, column))]
    ]
    yield from ("    " + "  ".join(cells).rstrip() for cells in zip(*padded, strict=True))


def _fitted(columns: list[list[str]], sides: str) -> list[list[str]]:
    """Make columns narrower: first all ranges but the last go, then long texts, then that."""

    def excess(limit: int) -> int:
        return sum(max(map(len, column)) + 2 for column in columns) - limit

    ranges = [n for n, column in enumerate(columns) if any(map(RANGE.search, column))]
    for n in ranges:
        if n == ranges[-1] and excess(WIDTH) > 0:
            texts = [c for c, side in zip(columns, sides, strict=True) if side == "l"]
            longest = max(len(cell) for column in texts for cell in column)
            wide = min(READABLE, longest - excess(WIDEST))
            limit = max(SHORT, longest - excess(WIDTH), wide)
            columns = [
                [elided(cell, limit) for cell in column] if side == "l" else column
                for column, side in zip(columns, sides, strict=True)
            ]
        if excess(WIDTH if n != ranges[-1] else WIDEST) > 0:
            columns[n] = [RANGE.sub("", cell) for cell in columns[n]]
    return columns
