"""The same men in several worlds: what differs, for whom, why, and how surely.

::

    from flowsim import comparison
    found = comparison.compare(["september-2022", "no-task-force"], replications=20)
    print(found.report())
    found.matrix_of("september-2022", "no-task-force", by="region", value="RU-MOW")

How it is done is told in docs/comparison.md.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flowsim.comparison.comparing import compare
    from flowsim.comparison.folder import Comparison, open_comparison

__all__ = ["Comparison", "compare", "open_comparison"]

_HOMES = {"Comparison": "folder", "compare": "comparing", "open_comparison": "folder"}


def __getattr__(name: str) -> Any:
    """Fetch a name from the file it lives in (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
