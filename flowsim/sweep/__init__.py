"""Sweeps: a design of scenarios and replications, run on any number of cores, nothing lost.

Public names are looked up where they live when first used, as in the package itself::

    from flowsim import sweep
    sweep.run_sweep("passports-by-task-force", "results/passports")
    sweep.open_sweep("results/passports").results
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flowsim.sweep.folder import SweepResults, open_sweep
    from flowsim.sweep.running import run_sweep
    from flowsim.sweep.single import estimate, open_unfinished, rerun

__all__ = ["SweepResults", "estimate", "open_sweep", "open_unfinished", "rerun", "run_sweep"]

_HOMES = {
    "SweepResults": "folder",
    "estimate": "single",
    "open_sweep": "folder",
    "open_unfinished": "single",
    "rerun": "single",
    "run_sweep": "running",
}


def __getattr__(name: str) -> Any:
    """Fetch a name from the file it lives in (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
