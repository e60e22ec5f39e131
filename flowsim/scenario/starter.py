"""A first file of each kind for somebody who has never written one."""

from __future__ import annotations

import re
from pathlib import Path

from flowsim.data.rows import template
from flowsim.errors import Problem, ScenarioError
from flowsim.scenario import load, shipped
from flowsim.scenario.schema import Scenario
from flowsim.scenario.tree import suggestion

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")

_SCENARIO = """\
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

_DESTINATION = """\
# yaml-language-server: $schema=scenario.schema.json
name: {name}
title: {country} can be chosen too
extends: {base}

# Another country, with one road to it. Every number is invented: put yours in its place, and say
# where it is from. What each key means: docs/scenarios.md, or `flowsim schema`.
destinations:
  {key}:
    code: {code}  # two letters of your choosing, for tables
    name: {country}
    requires_passport: true
    utc_offset_h: 4
    refusal: {{value: 0, source: "assumption: nobody is refused"}}
    background: {{value: 500, source: "assumption: invented"}}
    background_season: {{value: 1, source: "assumption: no season"}}

crossings:
  {code}-ROAD:
    name: the road to {country}
    destination: {key}
    lat: 41.63  # of the checkpoint; road distances are estimated from it
    lon: 48.42
    utc_offset_h: 4
    size_weight: {{value: 1, source: "assumption: the only road"}}
    background_share: {{value: 1, source: "assumption: the only road"}}
    capacity: {{value: 3000, source: "assumption: invented"}}

choice:
  constant:
    {key}: {{value: -6, source: "assumption: between the countries of the baseline"}}

abroad:
  {key}:
    move_on: {{value: 0.014, source: "assumption: as Georgia"}}
    return: {{value: 0.005, source: "assumption: as Georgia"}}
    family: {{value: 0.6, source: "assumption: as Georgia"}}
    family_lag: {{value: 30, source: "assumption: as Georgia"}}

# policies:
#   opens: {{kind: border-closed, at: {key}, for: all, to: {date}}}
"""

_SWEEP = """\
# yaml-language-server: $schema=sweep.schema.json
# With the schema beside this file: flowsim schema --kind sweep -o sweep.schema.json

name: {name}
title: Say in one line what is varied
scenario: {base}
sample: 0.01  # a man in a hundred
replications: 5  # runs with other draws at each point: how much is chance

# A key is the path to a number, as `flowsim check {base} --all` lists them. What may stand here:
# docs/sweeps.md. `flowsim sweep {name}.yaml --plan` says what it will take, and starts nothing.
parameters:
  population.passport_share:
    title: men with a passport
    values: [0.2, 0.3, 0.4]
  closure:
    title: {place} closes to men
    levels:
      never: {{}}
      on {date}:
        policies.closed: {{kind: border-closed, at: {crossing}, for: men, from: {date}}}

design: {{kind: grid}}  # every combination

outputs:
  departures: {{title: men who set off, place: RU}}
  involuntary_stayers: {{title: men who want to go and cannot, place: RU}}
"""

_TEXTS = {"scenario": _SCENARIO, "destination": _DESTINATION, "sweep": _SWEEP}
STARTED = (*_TEXTS, "observations")
"""Kinds of files that can be started."""


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
        near = suggestion(kind, list(STARTED)) or f"; expected one of {', '.join(STARTED)}"
        raise ScenarioError([Problem("--kind", "", f"{kind!r} is not known{near}")])
    _require_free(name, path)
    key = name.replace(".", "-")
    words = {"key": key, "country": key.replace("-", " ").title(), "code": f"{name}X"[:2].upper()}
    examples = _examples(load(base)) | words
    text = (
        _TEXTS[kind].format(name=name, base=base, **examples) if kind in _TEXTS else template(kind)
    )
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
    raise ScenarioError([Problem(str(path), "name", message)])
