"""Agent-based model of the outflow from Russia after the mobilisation of September 2022.

Three lines suffice::

    import flowsim
    run = flowsim.run(flowsim.load("september-2022"), sample=0.01)
    run.daily

Importing flowsim does no work: a name is looked up where it lives when it is first used.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flowsim.errors import FlowsimError
    from flowsim.model import FlowModel
    from flowsim.run import open_run, run
    from flowsim.scenario import load
    from flowsim.schema import Scenario

__version__ = "0.1.0"
__all__ = ["FlowModel", "FlowsimError", "Scenario", "__version__", "load", "open_run", "run"]

_HOMES = {
    "FlowModel": "model",
    "FlowsimError": "errors",
    "Scenario": "schema",
    "load": "scenario",
    "open_run": "run",
    "run": "run",
}


class _Package(ModuleType):
    """The package, in which ``flowsim.run`` is the function, not the file it lives in."""

    def __setattr__(self, name: str, value: Any) -> None:
        """Take the function where importing ``flowsim/run.py`` would leave the module."""
        if name == "run" and isinstance(value, ModuleType):
            value = value.run
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    """Fetch a name from the file it lives in (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """List the names that can be used."""
    return sorted({*globals(), *__all__})
