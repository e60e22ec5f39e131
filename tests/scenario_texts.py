"""Small scenario files, and what is said of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowsim.errors import ScenarioError
from flowsim.scenario import load

BASE = "september-2022"
HEAD = "name: mine\ntitle: Mine\nextends: september-2022\n"


def write(text: str, name: str = "mine.yaml") -> str:
    """Write a file into the folder one works in; give its name."""
    Path(name).write_text(text, encoding="utf-8")
    return name


def messages(source, changes=()) -> list[str]:
    """Give what is said of a scenario that must be refused."""
    with pytest.raises(ScenarioError) as caught:
        load(source, changes)
    return [str(problem) for problem in caught.value.problems]
