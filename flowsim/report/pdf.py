"""Write a report as PDF by typst, whose compiler and fonts come in its wheel.

The texts travel as data, never as markup: a title that reads ``#read("/etc/passwd")`` is
printed as it stands. Nothing is fetched, no font of the machine is used.
"""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from flowsim.errors import MachineError
from flowsim.report.document import Document, as_data, pictures
from flowsim.report.html import template

ACCESSIBLE = "ua-1"
LONG = re.compile(r"\S{31,}")
BREAK = "\u200b"


def render(document: Document) -> bytes:
    """Return the PDF: tagged, with title, language and alt texts; the same bytes every time.

    It meets PDF/UA-1, unless a text holds letters that none of the fonts has.

    Raises
    ------
    MachineError
        If typst cannot make it.
    """
    if find_spec("typst") is None:
        raise MachineError("a PDF needs typst, which is not installed; write a .html instead")
    import typst

    sources = sources_of(document)
    failure: Exception | None = None
    for standards in ([ACCESSIBLE], []):
        try:
            return compiled(sources, format="pdf", pdf_standards=standards)
        except typst.TypstError as reason:
            failure = reason
    raise MachineError(f"the PDF cannot be made ({failure}); write it as report.html instead")


def compiled(sources: dict[str, bytes], **options: Any) -> bytes:
    """Let typst make a file of sources, with no font of the machine."""
    import typst

    make: Any = typst.compile  # its types leave out a mapping of files, which it takes
    return bytes(make(sources, font_paths=font_folders(), ignore_system_fonts=True, **options))


def sources_of(document: Document) -> dict[str, bytes]:
    """Return the files that typst reads: the template, the texts as data, the pictures."""
    data = json.dumps(_breakable(as_data(document)), ensure_ascii=False)
    drawn = {f"{name}.svg": svg for name, svg in pictures(document).items()}
    return {"main.typ": template("report.typ").encode(), "data.json": data.encode(), **drawn}


def _breakable(data: Any, key: str = "") -> Any:
    """Let words that are too long for a line break, as browsers do; never in commands or files."""
    if isinstance(data, dict):
        kept = ("lines", "attachments", "url", "name")
        return {k: v if k in kept else _breakable(v, k) for k, v in data.items()}
    if isinstance(data, list):
        return [_breakable(part, key) for part in data]
    return LONG.sub(_broken, data) if isinstance(data, str) else data


def _broken(word: re.Match[str]) -> str:
    """Put zero-width spaces after low lines and dots, and where a line would be full."""
    return re.sub(r"[_.]|[^_.]{64}(?=.)", lambda part: f"{part[0]}{BREAK}", word[0])


def font_folders() -> list[str | Path]:
    """Return where matplotlib keeps DejaVu Sans, which has letters that typst's fonts lack."""
    found = find_spec("matplotlib")
    places = found.submodule_search_locations if found else None
    return [Path(place, "mpl-data", "fonts", "ttf") for place in places or ()]
