"""Scenarios: files, inheritance and changes into one checked, frozen ``Scenario``.

``load`` reads a scenario and reports every mistake at once, each with file and line; ``Base``
reads it once for many variants; ``resolved_yaml`` writes it so that it needs no other file.
The schema is in ``schema.py``.
"""

from __future__ import annotations

import os
from functools import cache

from flowsim.scenario.base import Base as Base
from flowsim.scenario.base import Changes as Changes
from flowsim.scenario.editors import json_schema as json_schema
from flowsim.scenario.files import read_chain
from flowsim.scenario.files import shipped as shipped
from flowsim.scenario.schema import Scenario
from flowsim.scenario.writing import Row as Row
from flowsim.scenario.writing import assumptions as assumptions
from flowsim.scenario.writing import content_hash as content_hash
from flowsim.scenario.writing import resolved_yaml as resolved_yaml
from flowsim.scenario.writing import set_by_user as set_by_user


def load(source: str | os.PathLike[str], changes: Changes = ()) -> Scenario:
    """Read a scenario, with everything it extends, and check it.

    Priority: ``changes`` given here, then ``changes`` of the file, then its blocks, then the
    file it extends, then the shipped crossings.

    Parameters
    ----------
    source : path or str
        A file, or the name of a shipped scenario such as ``september-2022``.
    changes : mapping or sequence of str
        Dotted keys to values, or ``key=value`` strings as after ``--set``; null removes.

    Returns
    -------
    Scenario
        Complete and frozen; ``extends`` is None, because nothing is left to extend.

    Raises
    ------
    ScenarioError
        With all problems found, each with where, key, and what to do.

    Examples
    --------
    >>> load("september-2022", ["choice.lambda=0.3"]).choice.lambda_.value
    0.3
    """
    return Base.read(source).variant(changes)


@cache
def as_shipped(name: str) -> Scenario:
    """Return a scenario that comes with flowsim, read once in a process."""
    return load(name)


def extended(source: str | os.PathLike[str]) -> Scenario | None:
    """Return the scenario that a file extends; None if it stands alone.

    Raises
    ------
    ScenarioError
        With all problems found in what it extends.
    """
    chain = read_chain(source)
    return load(chain[-2][0]) if len(chain) > 1 else None
