"""Languages: a finished English text is put into another language where it leaves flowsim.

Sentences are composed in English, each in one place. On its way to a reader a text is looked up in
a catalogue (``languages/*.po``, in gettext's format) whose entries are patterns: of "peaked at {n}
a day on {day}" the words are translated, the number and the day written as that language does, and
what stands for a name is looked up by itself. What no entry fits stays English, a whole sentence at
a time, and is counted. Tables and files of data are never translated.

Slots are of a kind: ``{n}``, ``{day}``, ``{share}`` (with their ranges), ``{name}`` (as it is, if
it is not known), ``{list}`` of names, ``{raw}`` and ``{rest}`` (always as they are), ``{x}`` (must
be known itself). A translation may ask for a case of a name: ``{name:to}`` is the entry with the
context "to".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from gettext import c2py
from importlib.resources import files

from flowsim.errors import DataError
from flowsim.findings.words import MONTHS

ENGLISH = "en"
LANGUAGES = {"ru": "Russian", "ka": "Georgian", "kk": "Kazakh"}
MONTH = "|".join(dict.fromkeys([*MONTHS, *(name[:3] for name in MONTHS)]))
NUMBER = r"(?:fewer than 1|[−+-]?\d[\d,]*(?:\.\d+)?(?: million)?)"
SHARE = r"(?:under |over )?\d+(?:\.\d+)?[ \u00a0]%"
SPAN = rf"(?:{SHARE} to {SHARE}|{NUMBER} to {NUMBER}|{SHARE}|{NUMBER})"
DOUBT = rf"(?: \((?:{SPAN})?(?:; )?(?:chance alone {SPAN})?\))?"
DAY = rf"\d{{1,2}} (?:{MONTH})\b(?: \d{{4}})?"
KINDS = {
    "n": rf"(?!{SHARE}){NUMBER}(?: to {NUMBER})?{DOUBT}",
    "share": rf"{SHARE}(?: to {SHARE})?{DOUBT}",
    "day": rf"{DAY}(?: to {DAY})?",
    "name": "[^;]{1,120}?",
    "raw": "[^;]+?",
}
SLOT = re.compile(r"\{(([a-z]+)\d*)(?::(\w+))?\}")
SENTENCES = re.compile(r"(?<=[.!?]) (?=\S)")
ITEMS = re.compile(r"(, | and )")
LETTERS = re.compile(r"[A-Za-z]{2}")
GEORGIAN = re.compile("[\u10d0-\u10ff]")
"""Letters whose capitals few fonts have, and no sentence begins with."""
PIECE = re.compile(r'"((?:[^"\\]|\\.)*)"')
SHOWN = 5  # texts that a note lists


@dataclass(frozen=True)
class Entry:
    """A message with slots: what it fits in English, and its forms in another language."""

    fits: re.Pattern[str]
    kinds: Mapping[str, str]
    forms: Sequence[str]
    words: Sequence[str]

    @classmethod
    def of(cls, english: str, forms: Sequence[str]) -> Entry:
        """Make an entry of an English text with slots."""
        kinds = {found[1]: found[2] for found in SLOT.finditer(english)}
        words = SLOT.split(english)[::4]
        fits = re.escape(words[0])
        for (name, kind), text in zip(kinds.items(), words[1:], strict=True):
            fits += f"(?P<{name}>{KINDS.get(kind, '.+?')})" + re.escape(text)
        return cls(re.compile(fits), kinds, forms, words)


@dataclass
class Catalogue:
    """The messages of one language: texts by context and English, and texts with slots."""

    known: dict[tuple[str, str], str] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    plural: Callable[[int], int] = bool

    def text(self, english: str, context: str = "") -> str | None:
        """Return a text in this language; None if it, or a part of it, is not known."""
        if found := self.known.get((context, english)):
            return found
        if found := self.known.get((context, "{name}")) if context else None:
            return found.format(name=self.text(english) or english)
        for kind, write in (("n", self.numbers), ("share", self.numbers), ("day", self.days)):
            if re.fullmatch(KINDS[kind], english):
                return write(english)
        if (known := self.known.get(("", english))) is not None:
            return known
        other = english[:1].swapcase() + english[1:]
        if (known := self.known.get(("", other))) is not None:
            return (known[:1] if GEORGIAN.match(known) else known[:1].swapcase()) + known[1:]
        filled = (self._filled(entry, english) for entry in self.entries)
        return next((text for text in filled if text is not None), None) or self._clauses(english)

    def _clauses(self, english: str) -> str | None:
        for sign in ("; ", ": ", ", "):
            if sign in english:
                texts = [self.text(part) for part in english.split(sign)]
                known = [text for text in texts if text is not None]
                return sign.join(known) if len(known) == len(texts) else None
        return None

    def _filled(self, entry: Entry, english: str) -> str | None:
        """Return the text of an entry, if it fits, with what stands for its slots."""
        there = all(text in english for text in entry.words)
        match = entry.fits.fullmatch(english) if there else None
        if match is None:
            return None
        numbers = [match[name] for name, kind in entry.kinds.items() if kind == "n"]
        form = entry.forms[self._form(numbers[0]) if len(entry.forms) > 1 else 0]
        slots = list(SLOT.finditer(form))
        values = [self._slot(slot[2], match[slot[1]], slot[3] or "") for slot in slots]
        if None in values:
            return None
        rest = iter(values)
        return SLOT.sub(lambda _slot: str(next(rest)), form)

    def _slot(self, kind: str, english: str, context: str) -> str | None:
        if kind in ("raw", "rest"):
            return english
        if kind == "list":
            items = ITEMS.split(english)
            ands = {" and ": self.known["list", " and "], ", ": ", "}
            return "".join(ands.get(item) or self.text(item) or item for item in items)
        return self.text(english, context) or (None if kind == "x" else english)

    def _form(self, english: str) -> int:
        """Return which form goes with a number, or with the last one of a range."""
        last = re.findall(NUMBER, english.partition(" (")[0])[-1]
        value = float(re.sub(r"[^\d.]", "", last)) * (1e6 if "million" in last else 1)
        return self.plural(int(value)) if value.is_integer() else 1

    def numbers(self, english: str) -> str:
        """Write numbers, shares and their ranges as the language does."""
        words = english.replace("chance alone", self.known["number", "chance alone"])
        return re.sub(SPAN, lambda span: self._span(span[0]), words)

    def _span(self, english: str) -> str:
        ends = [self._number(end) for end in english.split(" to ")]
        return ("…" if any(end[0] in "−+-" for end in ends) else "–").join(ends)

    def _number(self, english: str) -> str:
        if english[0].isalpha():
            word, _, rest = english.partition(" 1" if english.endswith("1") else " ")
            return self.known["number", f"{word} 1"].replace("1", self._number(rest or "1"))
        model = self.known["number", "1,234.5"]
        digits, *unit = re.split(r"(?= million|[ \u00a0]%)", english)
        marks = {",": model[1], ".": model[-2]}
        digits = "".join(marks.get(sign, sign) for sign in digits)
        units = (text.replace(" %", "\u00a0%") for text in unit)
        return digits + "".join(self.known["number", text] for text in units)

    def days(self, english: str) -> str:
        """Write a day or a range of days as the language does."""
        if re.search(r"\d{4} to", english):
            return " – ".join(map(self.days, english.split(" to ")))
        days, _, year = re.sub(r" (\d{4})$", r"\n\1", english).partition("\n")
        days = days.replace(" to ", " – ")
        days = re.sub(MONTH, lambda month: self.known["month", month[0]], days)
        return self.known["day", "{day} {year}"].format(day=days, year=year) if year else days


@cache
def catalogue(language: str) -> Catalogue:
    """Read the catalogue of a language.

    Raises
    ------
    DataError
        If there is none.
    """
    if language not in LANGUAGES:
        known = ", ".join(f"{code} ({name})" for code, name in LANGUAGES.items())
        raise DataError(f"language {language} is not known; choose of {ENGLISH}, {known}")
    made = Catalogue()
    for said in messages(language):
        context, english = said.get("msgctxt", ""), said["msgid"]
        forms = [text for key, text in said.items() if key.startswith("msgstr") and text]
        if not english:  # its head
            made.plural = c2py(re.findall(r"plural=([^;]*);", forms[0])[0])
        for message in filter(None, (english, said.get("msgid_plural")) if forms else ()):
            if SLOT.search(message) and not context:
                made.entries.append(Entry.of(message, forms))
            else:
                made.known[context, message] = forms[0]
    made.entries.sort(key=lambda entry: -sum(map(len, entry.words)))
    return made


def messages(language: str) -> Iterator[dict[str, str]]:
    """Read the file of a catalogue: message by message, its texts by keyword ("#" are remarks)."""
    text = files(__package__).joinpath("languages", f"{language}.po").read_text(encoding="utf-8")
    for block in text.split("\n\n"):
        said, key = {"#": ""}, "#"
        for line in block.splitlines():
            key = line.split(" ")[0] if line[:1] in "#m" else key
            plain = line if key.startswith("#") else "".join(PIECE.findall(line))
            key = "#" if key.startswith("#") else key
            said[key] = said.get(key, "") + re.sub(r"\\(.)", _unescaped, plain)
        yield said


def _unescaped(found: re.Match[str]) -> str:
    return "\n" if found[1] == "n" else found[1]


@dataclass
class Speaker:
    """Translates for one command, and remembers what it could not translate."""

    language: str
    catalogue: Catalogue
    said: dict[str, str] = field(default_factory=dict)
    missing: dict[str, None] = field(default_factory=dict)
    final: set[str] = field(default_factory=set)

    def translate(self, text: str) -> str:
        """Return a text in the language, sentence by sentence; what is not known as it is."""
        if text in self.final:
            return text
        made = self.said.get(text)
        if made is None:
            made = self.said[text] = self._made(text)
            self.final.add(made)
        return made

    def _made(self, text: str) -> str:
        sentences = SENTENCES.split(text)
        if len(sentences) > 1:
            return " ".join(map(self.translate, sentences))
        whole = text.removesuffix(".")
        known = self.catalogue.text(whole)
        if known is not None:
            return known if whole == text else f"{known.removesuffix('.')}."
        if LETTERS.search(text):
            self.missing[text] = None
        return text

    def coverage(self) -> str:
        """Return how much of what was written is translated, and what is not."""
        missing = list(self.missing)
        of = len(self.said)
        note = (
            f"{of - len(missing)} of {of} texts are in {LANGUAGES[self.language]}, a draft until a "
            "native speaker has read it"
        )
        shown = "".join(f'\n  "{text}"' for text in missing[:SHOWN])
        note += f". {len(missing)} stay English:{shown}" if missing else "."
        return note + (f"\n  and {len(missing) - SHOWN} more." if len(missing) > SHOWN else "")


_SPEAKER: ContextVar[Speaker | None] = ContextVar("speaker", default=None)


def language() -> str:
    """Return the code of the language that is written in."""
    speaker = _SPEAKER.get()
    return speaker.language if speaker else ENGLISH


def translated(text: str) -> str:
    """Return a finished text in the language that is written in."""
    speaker = _SPEAKER.get()
    return speaker.translate(text) if speaker else text


def capitals(text: str) -> str:
    """Write a heading in capitals, but for Georgian."""
    return text if GEORGIAN.search(text) else text.upper()


def final(text: str) -> str:
    """Return a part of a translated text, which is not to be translated by itself."""
    speaker = _SPEAKER.get()
    if speaker and ("", text) not in speaker.catalogue.known:
        speaker.final.add(text)
    return text


@contextmanager
def in_language(code: str) -> Iterator[Speaker | None]:
    """Write in a language; yield what knows how much of it was, None of English.

    Raises
    ------
    DataError
        If there is no catalogue of the language.
    """
    speaker = None if code == ENGLISH else Speaker(code, catalogue(code))
    token = _SPEAKER.set(speaker)
    try:
        yield speaker
    finally:
        _SPEAKER.reset(token)
