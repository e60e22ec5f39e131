"""The kinds of policies, one file each: a file laid in this folder is a kind.

What a kind may say of itself is in ``policy.py``.
"""

from __future__ import annotations

import functools
import importlib
import operator
import pkgutil
from typing import TYPE_CHECKING, Annotated, TypeAlias, get_args

from pydantic import Field

from flowsim.scenario.policy import Policy


def _kinds() -> dict[str, type[Policy]]:
    """Find the kind that each file of this folder defines."""
    found = {}
    for file in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{file.name}")
        classes = [one for one in vars(module).values() if isinstance(one, type)]
        for kind in classes:
            if issubclass(kind, Policy) and kind.__module__ == module.__name__:
                found[get_args(kind.model_fields["kind"].annotation)[0]] = kind
    return found


KINDS = _kinds()
"""Policies by the word that stands under ``kind`` in a scenario."""

if TYPE_CHECKING:
    AnyPolicy: TypeAlias = Policy
else:
    AnyPolicy = Annotated[
        functools.reduce(operator.or_, KINDS.values()), Field(discriminator="kind")
    ]
