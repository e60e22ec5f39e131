"""What text may stand in names, titles and cells: all of it shows, and no spreadsheet runs it."""

from __future__ import annotations

import re
import unicodedata

from flowsim.errors import UNFIT

CONTROLS = {"\x1b": "escape", "\x07": "bell", "\x00": "null", "\r": "carriage return"}
LONGEST = 500
_RUN_BY_SPREADSHEETS = re.compile(r"[=@＝＠\t\r]|[-+－＋](?!\d[\w.,% ]*$)")


def unfit(text: str) -> str:
    r"""Return what makes a text unfit for files, terminals and figures; empty if nothing does.

    Line breaks and tabs are fit, as far as the key that they stand under allows lines.

    >>> unfit("Рыба, 50 %"), unfit("a\u200bb")
    ('', 'holds an invisible or control character: U+200B (zero width space); take it out')
    """
    if text.isprintable():
        return ""
    for letter in text:
        if unicodedata.category(letter) in UNFIT and letter not in "\n\t":
            half = "half of a surrogate pair" if "\ud800" <= letter <= "\udfff" else ""
            unnamed = half or CONTROLS.get(letter, "a control character")
            name = unicodedata.name(letter, unnamed).lower()
            which = f"U+{ord(letter):04X} ({name})"
            return f"holds an invisible or control character: {which}; take it out"
    return ""


def refusal(text: str) -> str:
    """Return why a text is no line of a terminal, a figure or a spreadsheet; empty if it is one."""
    found = repr(text if len(text) < 60 else f"{text[:57]}...")
    lines = {"\n", "\t"} & set(text)
    if problem := unfit(text) or ("holds a line break or tab; expected one line" if lines else ""):
        return f"{problem}. Found {found}"
    if len(text) > LONGEST:
        return f"found {len(text):,} letters; expected at most {LONGEST}"
    if _RUN_BY_SPREADSHEETS.match(text):
        return f"found {found}, which a spreadsheet would run as a formula; begin with a letter"
    return ""
