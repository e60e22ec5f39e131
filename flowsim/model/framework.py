"""Mesa and SciPy's special functions, without what they import and flowsim never uses.

Networks, continuous spaces and a Fortran reader are most of their import. Whoever reaches them
through Mesa or SciPy afterwards gets them.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from types import ModuleType
from typing import Any

__all__ = ["mesa", "ndtri"]


class _Postponed(ModuleType):
    """Stands for a module until somebody asks for what is in it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # asked of every module by those who search them all
            raise AttributeError(name)
        self.take_out()
        return getattr(import_module(self.__name__), name)

    def put_in(self) -> None:
        """Stand where the module would, in its package too if that is there."""
        sys.modules[self.__name__] = self
        package, _, self._called = self.__name__.rpartition(".")
        self._package = vars(sys.modules[package]) if package in sys.modules else {}
        self._package[self._called] = self

    def take_out(self) -> None:
        """Leave the place to the module, unless it has taken it."""
        for places, name in ((sys.modules, self.__name__), (self._package, self._called)):
            if places.get(name) is self:
                del places[name]


def _import(module: str, *, without: tuple[str, ...]) -> None:
    """Import a module while others are postponed, those that are not there yet.

    It is done in a thread of its own, since Mesa reads the source of every frame above it.
    """
    postponed = [_Postponed(name) for name in without if name not in sys.modules]
    for stand_in in postponed:
        stand_in.put_in()
    try:
        with ThreadPoolExecutor(1) as alone:
            alone.submit(import_module, module).result()
    finally:
        for stand_in in postponed:
            stand_in.take_out()


_import("scipy.special", without=("numpy.f2py",))
_import("mesa", without=("networkx", "mesa.experimental.continuous_space"))

import mesa  # noqa: E402
from scipy.special import ndtri  # noqa: E402
