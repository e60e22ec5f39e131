"""The figures there are, as the file of each declares it: ``FAMILY = Family(...)``.

A figure is a file in the folder of its kind (``figures/run``, ``figures/sweep``, ...). What it
declares is read from the text of that file, so that a list of figures imports no plotting library.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module, resources
from operator import attrgetter
from types import MappingProxyType
from typing import Any

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
    package = f"{__package__}.{kind}"
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
