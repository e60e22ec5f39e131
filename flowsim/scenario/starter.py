"""A first file of each kind for somebody who has never written one."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from string import Template

from flowsim.data.rows import template
from flowsim.scenario import load, shipped
from flowsim.scenario.schema import Scenario
from flowsim.scenario.tree import fail, no_such

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")

STARTED = ("scenario", "destination", "sweep", "observations")
"""Kinds of files that can be started; the first three from a file in ``starters``."""


def write_starter(name: str, base: str, folder: Path, kind: str = "scenario") -> Path:
    """Write a file that explains itself, for a user to change.

    Parameters
    ----------
    name : str
        The file is ``<name>.yaml``, or ``<name>.csv`` for observations.
    base : str
        Name of the shipped scenario it starts from.
    folder : Path
        Where to put the file; made if missing.
    kind : str
        One of ``STARTED``. Observations begin with a mark by which spreadsheets know the letters.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    ScenarioError
        If the name or the kind cannot be used, if the name is taken, or if the base is not known.
    """
    ending, encoding = (".csv", "utf-8-sig") if kind == "observations" else (".yaml", "utf-8")
    name = name.removesuffix(ending)
    path = folder / f"{name}{ending}"
    if kind not in STARTED:
        expected = f"; expected one of {', '.join(STARTED)}"
        raise fail("--kind", "", no_such(kind, STARTED, "not known", expected))
    _require_free(name, path)
    key = name.replace(".", "-")
    words = {"key": key, "country": key.replace("-", " ").title(), "code": f"{name}X"[:2].upper()}
    examples = _examples(load(base)) | words
    if kind == "observations":
        text = template(kind)
    else:
        starter = files("flowsim").joinpath("scenario", "starters", f"{kind}.yaml")
        blanks = Template(starter.read_text(encoding="utf-8"))
        text = blanks.substitute(examples, name=name, base=base)
    folder.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding=encoding, newline="") as file:
        file.write(text)
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
    raise fail(str(path), "name", message)
