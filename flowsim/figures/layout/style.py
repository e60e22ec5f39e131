"""How every figure looks: sizes, type, colours. The only place where they are set.

Colours are those of Okabe and Ito (2008), safe for the colour-blind; those used together
also differ in lightness, so that a figure survives a black-and-white printer. Type is
DejaVu Sans, which comes with matplotlib, so that a figure is the same on every machine.
``C0`` to ``C8`` are matplotlib's names for places in the cycle of colours, which a house style
(``house``) may set; so is ink, by the colour of its text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import matplotlib
from cycler import cycler
from matplotlib.font_manager import FontProperties, findfont, get_font

from flowsim.figures.layout.house import worn
from flowsim.findings.language import final, translated

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
