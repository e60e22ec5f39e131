"""Report figures from the tables of a results folder; the only place that uses matplotlib.

Each family is a file with ``table`` (what is drawn), ``draw`` (one panel on given axes),
``finding`` (the title, computed from the data) and ``draw_figure`` (which arranges them); if a
folder may hold nothing to draw, also ``missing`` (which says why, or returns an empty text). It
declares itself: ``FAMILY = Family(name, what it shows)``. What it declares is read from the
text of its file, so that importing this package, or listing its figures, imports no plotting
library: that happens when something is drawn.
"""

from __future__ import annotations

import ast
import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module, resources
from operator import attrgetter
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from flowsim.errors import ResultsError

if TYPE_CHECKING:
    from flowsim.results.base import Results


KINDS = ("run", "comparison", "sweep", "calibration")
RUN = KINDS[0]
LAST = 99


@dataclass(frozen=True)
class Family:
    """One figure of the catalogue: what it shows, and which functions of its file draw it.

    Attributes
    ----------
    name, shows : str
        As in ``flowsim figures --list`` and the gallery; ``shows`` in a few words.
    draw : str
        Name of the function ``draw(results, preset) -> Drawn``.
    missing : str
        Name of the function, if there is one, that returns why a folder holds nothing to draw.
    usual : bool or str
        Whether it is drawn without being asked for by name; or the table that makes it so.
    order : int
        Its place among the figures of its kind.
    kind, module : str
        The kind of folder it is drawn from, and its file: where it was found.
    """

    name: str
    shows: str
    draw: str = "draw_figure"
    missing: str = "missing"
    usual: bool | str = True
    order: int = LAST
    kind: str = ""
    module: str = ""

    def functions(self) -> tuple[Any, Any]:
        """Import the file; return what draws, and what says why nothing can be drawn."""
        module = import_module(self.module)
        return getattr(module, self.draw), getattr(module, self.missing, lambda _results: "")


@cache
def families() -> Mapping[str, Family]:
    """Return the figures by name: kind after kind, each in its order."""
    order = attrgetter("order", "name")
    found = [family for kind in KINDS for family in sorted(_declared(kind), key=order)]
    return MappingProxyType({family.name: family for family in found})


def _declared(kind: str) -> Iterator[Family]:
    """Read the declarations in the files of one kind."""
    package = f"{__name__}.{kind}"
    for file in resources.files(package).iterdir():
        if file.name.endswith(".py"):
            module = f"{package}.{file.name.removesuffix('.py')}"
            for call in _calls(file.read_text(encoding="utf-8")):
                given = [ast.literal_eval(argument) for argument in call.args]
                named = {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}
                yield replace(Family(*given, **named), kind=kind, module=module)


def _calls(text: str) -> Iterator[ast.Call]:
    """Return the calls of ``Family`` that stand alone at the top level of a file."""
    if "Family(" not in text:
        return
    for node in ast.parse(text).body:
        call = getattr(node, "value", None)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == Family.__name__:
            yield call


def catalogue(kind: str | None = None) -> Mapping[str, str]:
    """Return the figures that can be drawn, of one kind of folder or of all: what each shows."""
    found = families().items()
    return MappingProxyType(
        {name: family.shows for name, family in found if kind in (None, family.kind)}
    )


def draw_all(
    folder: Path,
    only: Sequence[str] = (),
    preset: str = "page",
    formats: Sequence[str] = ("png", "svg"),
    out: Path | None = None,
) -> list[Path]:
    """Draw the figures of a results folder.

    Parameters
    ----------
    folder : Path
        Results of a run, a comparison, a sweep or a calibration.
    only : sequence of str
        Names from ``catalogue``; the usual ones if empty, every one if ``["all"]``.
    preset : {'page', 'column', 'slide'}
        Printed size: 180 mm or 88 mm wide, at most 240 mm or 160 mm tall; a slide is 16:9.
    formats : sequence of {'png', 'svg', 'pdf'}
        Of the images, beside which data (CSV) and alt text (txt) always stand.
    out : Path, optional
        Where they go; if left out, the folder's subfolder ``figures``, and in it one of the name
        of the preset for any other than a page.

    Returns
    -------
    list of Path
        The files written. What the folder holds no data for is left out, unless it was named.

    Raises
    ------
    ResultsError
        If the folder is not complete or a table in it was altered, if a name is not in the
        catalogue, or if what was named cannot be drawn from this folder.
    MachineError
        If the files cannot be written.
    """
    from flowsim.figures.layout import recipe, style
    from flowsim.results.opening import open_folder

    chosen, results = _checked(preset, formats), open_folder(folder)
    files: list[Path] = []
    with style.in_style():
        for name in _wanted(results, only):
            draw, missing = families()[name].functions()
            reason = missing(results)
            if reason and name in only:
                raise ResultsError(f"{name} cannot be drawn from {folder}: {reason}")
            if not reason:
                place = out or Path(folder) / "figures" / ("" if preset == "page" else preset)
                made = recipe.of_folder(results, name, preset)
                with _searched_once():
                    files += recipe.write(draw(results, chosen), place, formats, made)
    return files


@contextmanager
def _searched_once() -> Iterator[None]:
    """Search for garbage when a figure is done, not meanwhile: all its parts know each other."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.collect(0)
        if was:
            gc.enable()


def picture(results: Results, name: str, preset: str = "page") -> tuple[bytes, str]:
    """Draw one figure of results in memory.

    Returns
    -------
    bytes, str
        An SVG, and what it shows in words; both empty if there is nothing to draw.
    """
    from flowsim.figures.layout import recipe, style

    draw, missing = families()[name].functions()
    if missing(results):
        return b"", ""
    with style.in_style():
        drawn = draw(results, style.PRESETS[preset])
        return recipe.image(drawn, "svg"), drawn.alt


def _checked(preset: str, formats: Sequence[str]) -> Any:
    """Return the preset of a name, if it and the formats are known."""
    from flowsim.figures.layout import recipe, style

    if preset not in style.PRESETS:
        raise ResultsError(f"preset {preset} is not known; choose of {', '.join(style.PRESETS)}")
    unknown = [name for name in formats if name not in recipe.FORMATS]
    if unknown or not formats:
        found = ", ".join(unknown) or "none"
        raise ResultsError(f"format {found} is not known; choose of {', '.join(recipe.FORMATS)}")
    return style.PRESETS[preset]


def _wanted(results: Results, only: Sequence[str]) -> list[str]:
    """Return the names to draw from the results of a folder, in the order asked for."""
    kind = results.kind
    here = catalogue(kind)
    if list(only) == ["all"]:
        return list(here)
    known = f"figures of a {kind} are {', '.join(here)}"
    elsewhere = [name for name in dict.fromkeys(only) if name not in here]
    unknown = [name for name in elsewhere if name not in families()]
    if unknown:
        raise ResultsError(f"{', '.join(unknown)} is not known; {known}")
    if elsewhere:
        of = families()[elsewhere[0]].kind
        raise ResultsError(f"{elsewhere[0]} is drawn from a {of}, this is a {kind}; {known}")
    usual = {name: families()[name].usual for name in here}
    return list(dict.fromkeys(only)) or [
        name
        for name, table in usual.items()
        if (table if isinstance(table, bool) else results.has(table))
    ]
