"""A house style: what a matplotlib style file changes of how figures look.

Only what the layout leaves open is taken, so that a file from a stranger (the recipe in a figure
carries it) steers colours, type and lines, and nothing that runs.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from matplotlib import RcParams, rcParamsDefault
from matplotlib.colors import to_rgba
from matplotlib.font_manager import FontProperties, findfont

from flowsim.data.own import read_bytes
from flowsim.errors import DataError, Problem
from flowsim.scenario.tree import suggestion

LARGEST = 40_000  # characters
WANTED = "style file of matplotlib's, such as house.mplstyle"
LINE = re.compile(r"""([^:#]+):((?:"[^"]*"|[^"#])*)(?:#.*)?""")
GENERIC = ("serif", "sans-serif", "cursive", "fantasy", "monospace")
TAKEN = re.compile(
    rf"font\.(family|{'|'.join(GENERIC)})|text\.color|figure\.facecolor"
    r"|axes\.(prop_cycle|edgecolor|facecolor|linewidth|axisbelow|grid|grid\.axis|spines\.\w+)"
    r"|grid\.(color|alpha|linestyle|linewidth)|hatch\.(color|linewidth)"
    r"|[xy]tick\.(color|direction|major\.(size|width))"
)


@dataclass(frozen=True)
class House:
    """A style file, read.

    Attributes
    ----------
    text : str
        As it was written; figures carry it, and are made again with it.
    settings : mapping
        What is taken of it, by the names of matplotlib's settings.
    aside : tuple of str
        The names of those that have no effect.
    """

    text: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    aside: tuple[str, ...] = ()


_WORN: ContextVar[House | None] = ContextVar("house", default=None)


def worn() -> House:
    """Return the house style that figures are drawn in."""
    return _WORN.get() or House()


@contextmanager
def in_house(file: Path | None) -> Iterator[None]:
    """Draw in the style of a file, or in flowsim's own; warn of what has no effect.

    Raises
    ------
    DataError
        If the file cannot be read, or lines of it say nothing of a style; carries every one.
    """
    house = House() if file is None else read(file)
    if house.aside:
        named = ", ".join(house.aside)
        warnings.warn(f"of no effect, as the preset or the figure sets it: {named}", stacklevel=3)
    token = _WORN.set(house)
    try:
        yield
    finally:
        _WORN.reset(token)


def read(file: Path) -> House:
    """Read a style file of matplotlib's; raises DataError with every mistake in it."""
    try:
        text = read_bytes(file, WANTED).decode("utf-8-sig")
        if len(text) > LARGEST:
            raise ValueError
    except ValueError:
        message = f"is no short text in UTF-8; expected a {WANTED}"
        raise DataError([Problem(str(file), "", message)]) from None
    settings: dict[str, Any] = {}
    lines, problems = dict[str, int](), list[Problem]()
    for n, line in enumerate(text.splitlines(), 1):
        if not line.partition("#")[0].strip():
            continue
        key, value = _parted(line)
        try:
            _take(key, value, settings, lines)
        except ValueError as reason:
            problems.append(Problem(f"{file.name}:{n}", key, f"{reason}"))
        lines[key] = n
    for key, why in _misfits(settings):
        problems.append(Problem(f"{file.name}:{lines[key]}", key, why))
    if problems:
        raise DataError(sorted(problems, key=lambda one: int(one.where.rpartition(":")[2])))
    return House(text, _fitted(settings), tuple(key for key in lines if key not in settings))


def _parted(line: str) -> tuple[str, str]:
    found = LINE.fullmatch(line)
    return (found[1].strip(), found[2].strip().strip('"')) if found else ("", line.strip())


def _take(key: str, value: str, settings: dict[str, Any], lines: Mapping[str, int]) -> None:
    """Add a setting, if it is one that figures leave open; raises ValueError for a mistake."""
    if not key:
        raise ValueError(f"expected KEY: VALUE, found {value}")
    if key in lines:
        raise ValueError(f"stands in line {lines[key]} already; leave one of them out")
    if key not in rcParamsDefault:
        meant = suggestion(key, list(filter(TAKEN.fullmatch, rcParamsDefault)))
        raise ValueError(f"is no setting of matplotlib's{meant}")
    if TAKEN.fullmatch(key):
        try:
            [settings[key]] = RcParams({key: value}).values()
        except ValueError as reason:
            raise ValueError(f"found {value}; {str(reason).removeprefix(f'Key {key}: ')}") from None


def _misfits(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield sound settings that this machine or a figure cannot follow, and why."""
    for name in settings.get("font.family", ()):
        key = f"font.{name}" if f"font.{name}" in settings else "font.family"
        wanted = settings[key] if key != "font.family" else [name]
        if not any(map(_is_here, wanted)):
            yield key, f"{', '.join(wanted)} is not installed here; install it, or name another"
    if "color" not in getattr(settings.get("axes.prop_cycle"), "keys", {"color"}):
        yield "axes.prop_cycle", "expected colours: cycler('color', ['1f77b4', 'ff7f0e'])"
    for key in ("figure.facecolor", "axes.facecolor"):
        if key in settings and to_rgba(settings[key])[3] < 1:
            yield key, f"found {settings[key]}; expected a colour that nothing shines through"


def _is_here(name: str) -> bool:
    try:
        findfont(FontProperties(family=[name]), fallback_to_default=False)
    except ValueError:
        return False
    return True


def _fitted(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings as figures need them: fonts that are here, colours as a list."""
    found: dict[str, Any] = dict(settings)
    if "font.family" in found:
        lists = [settings.get(f"font.{name}", [name]) for name in settings["font.family"]]
        found["font.family"] = [name for names in lists for name in names if _is_here(name)]
    if "axes.prop_cycle" in found:
        found["axes.prop_cycle"] = found["axes.prop_cycle"].by_key()["color"]
    if "figure.facecolor" in found:
        found["savefig.facecolor"] = found["figure.facecolor"]
    return found
