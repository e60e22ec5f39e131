"""A first scenario file for somebody who has never written one."""

from __future__ import annotations

import re
from pathlib import Path

from flowsim.data.rows import template
from flowsim.errors import Problem, ScenarioError
from flowsim.scenario import load, shipped
from flowsim.scenario.schema import Scenario

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")

_TEXT = """\
# yaml-language-server: $schema=scenario.schema.json
# With the schema beside this file, editors complete keys and underline mistakes:
#   flowsim schema -o scenario.schema.json

name: {name}
title: Say in one line what is different here
extends: {base}

# `extends` takes over everything from another scenario: a shipped name or a file.
# `changes` says what differs. A key is the path to a number, as `flowsim check {base} --all`
# lists them; a changed number keeps its unit and is given a new source, which starts with
# `data:`, `literature:`, `assumption:` or `calibrated`. Times are Moscow time.
# Take the # and one blank away from what you want to try, and write your own beside it.
changes:
  # 1. Another number: call-up reaches more men who should be exempt.
  # call_up.error_share: {{value: 0.1, source: "assumption: twice the baseline's"}}

  # 2. Another policy: {place} closes to men of military age.
  # policies.closed: {{kind: border-closed, at: {crossing}, for: men, from: {date}}}

  # 3. One policy less (`null` removes it).
  # policies.{policy}: null
"""


def write_starter(name: str, base: str, folder: Path) -> Path:
    """Write a scenario file that extends a shipped scenario and explains itself.

    Parameters
    ----------
    name : str
        Name of the new scenario; the file is ``<name>.yaml``.
    base : str
        Name of the shipped scenario it starts from.
    folder : Path
        Where to put the file; made if missing.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    ScenarioError
        If the name cannot be used or is taken, or if the base is not known.
    """
    name = name.removesuffix(".yaml")
    path = folder / f"{name}.yaml"
    _require_free(name, path)
    text = _TEXT.format(name=name, base=base, **_examples(load(base)))
    folder.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    return path


def write_template(name: str, kind: str, folder: Path) -> Path:
    """Write a table for a user to fill in, with a mark by which spreadsheets know its letters.

    Raises
    ------
    ScenarioError
        If the name cannot be used or is taken.
    """
    name = name.removesuffix(".csv")
    path = folder / f"{name}.csv"
    _require_free(name, path)
    folder.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8-sig", newline="") as file:
        file.write(template(kind))
    return path


def _examples(scenario: Scenario) -> dict[str, str]:
    """Return a crossing, a day and a policy of a scenario, to begin with."""
    crossing, about = next(iter(scenario.crossings.items()))
    middle = scenario.horizon.start + (scenario.horizon.end - scenario.horizon.start) / 2
    return {
        "crossing": crossing,
        "place": about.name,
        "date": f"{middle:%Y-%m-%d}",
        "policy": next(iter(scenario.policies), "some_policy"),
    }


def _require_free(name: str, path: Path) -> None:
    """Refuse a name that is no name, is a shipped scenario's, or whose file exists."""
    if not _NAME.fullmatch(name):
        message = f"found {name!r}; expected letters, digits, - _ and . only; try early-closure"
    elif name in shipped():
        message = f"{name!r} is a shipped scenario; choose another name"
    elif path.exists():
        message = "exists already and is left as it is; choose another name or --dir"
    else:
        return
    raise ScenarioError([Problem(str(path), "name", message)])
