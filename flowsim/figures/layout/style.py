"""How every figure looks: sizes, type, colours. The only place where they are set.

Colours are those of Okabe and Ito (2008), safe for the colour-blind; those used together
also differ in lightness, so that a figure survives a black-and-white printer. Type is
DejaVu Sans, which comes with matplotlib, so that a figure is the same on every machine.
``C0`` to ``C8`` are matplotlib's names for places in the cycle of colours, which a house style
(``House``) may set; so is ink, by the colour of its text.

A house style is what a matplotlib style file changes of that: only what the layout leaves open is
taken, so that a file from a stranger (the recipe in a figure carries it) steers colours, type and
lines, and nothing that runs.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import matplotlib
from cycler import cycler
from matplotlib import RcParams, rcParamsDefault
from matplotlib.colors import to_rgba
from matplotlib.font_manager import FontProperties, findfont, get_font

from flowsim.data.own import read_bytes
from flowsim.errors import DataError, Problem
from flowsim.findings.language import final, translated
from flowsim.scenario.tree import suggestion

INK, QUIET = "C7", "C8"
BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, YELLOW = CYCLE = tuple(f"C{n}" for n in range(7))
OKABE_ITO = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
BLACK, GREY = "#222222", "#5a5a5a"
RULE = "#b9b9b9"
PALE = "#e6e6e6"
LAND = "#e9e9e9"
SEQUENTIAL = "YlGnBu"
FAMILY = "DejaVu Sans"
SPACES = re.compile(r"[^\S\u00a0]+")

RC: dict[str, Any] = {
    "font.family": [FAMILY],
    "text.parse_math": False,
    "text.hinting": "none",
    "text.color": BLACK,
    "axes.edgecolor": GREY,
    "axes.labelcolor": BLACK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": False,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.5,
    "lines.solid_capstyle": "round",
    "hatch.linewidth": 0.5,
    "svg.fonttype": "path",
    "svg.hashsalt": "flowsim",
    "pdf.fonttype": 42,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


@dataclass(frozen=True)
class Preset:
    """A printed size and the type that goes with it.

    Attributes
    ----------
    width : float
        Printed width in mm.
    title, text, small, notes : float
        Sizes of type in points at the printed size; ``notes`` is that of the source line.
    dpi : int
        Dots per inch of the PNG.
    tallest : float
        Printed height in mm at most; a slide is exactly so high.
    """

    name: str
    width: float
    title: float = 10.5
    text: float = 8.0
    small: float = 7.2
    notes: float = 7.2
    dpi: int = 200
    tallest: float = 240.0

    @property
    def narrow(self) -> bool:
        """Whether two panels side by side would be too small."""
        return self.width < 120

    @property
    def is_slide(self) -> bool:
        """Whether panels stand side by side, on a sheet of given height."""
        return self.width > 1.5 * self.tallest

    @property
    def scale(self) -> float:
        """Type beside that of a page; lengths that hold text grow with it."""
        return self.small / 7.2


PRESETS = {
    "page": Preset("page", 180.0),
    "column": Preset("column", 88.0, 9.0, 7.4, 7.0, 6.4, dpi=300, tallest=160.0),
    "slide": Preset("slide", 180.0, 11.0, 8.0, 7.4, 6.2, dpi=270, tallest=101.25),
}


@contextmanager
def in_style() -> Iterator[None]:
    """Draw and save in flowsim's style or that of the house, whatever the user's settings are."""
    ours: Any = {
        key: value
        for key, value in matplotlib.rcParamsDefault.items()
        if not key.startswith("backend") and key not in ("toolbar", "interactive")
    }
    made = {**RC, **worn().settings}
    colours = list(made.get("axes.prop_cycle", ()))[: len(CYCLE)]
    colours += OKABE_ITO[len(colours) :]
    ink = [made["text.color"], made["xtick.color"]]
    made["axes.prop_cycle"] = cycler(color=colours + ink)
    made["font.family"] = list(dict.fromkeys([*made["font.family"], FAMILY]))
    with matplotlib.rc_context(ours | made):
        yield


@lru_cache(maxsize=8)
def _known_characters(families: tuple[str, ...]) -> frozenset[int]:
    fonts = [get_font(findfont(FontProperties(family=[name]))) for name in families]
    return frozenset[int]().union(*(font.get_charmap() for font in fonts))


def families() -> tuple[str, ...]:
    """Return the type that text is drawn in; each is asked for what those before it lack."""
    return tuple(matplotlib.rcParams["font.family"])


def plain(text: str) -> str:
    """Make any text drawable: translated, on one line, without characters that have no glyph.

    Scenario files bring names of their own; a ``$`` in them is a dollar (mathematics is
    switched off in the style), and what the type does not have becomes a question mark.
    """
    return final(drawable(translated(text)))


def drawable(text: str) -> str:
    """Return a text as ``plain`` does, without translating it."""
    known = _known_characters(families())
    return "".join(c if ord(c) in known else "?" for c in SPACES.sub(" ", text).strip())


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
