"""What went in: how a scenario differs from the baseline, every number it assumes.

``checked`` is what `flowsim check` shows of it: policies, what differs, what is said in vain, how
many numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from itertools import chain, groupby
from typing import Any

from flowsim.data import sources
from flowsim.findings.finding import Finding, Inline, Link, Table, Words, tabulated
from flowsim.findings.naming import places_name, title
from flowsim.findings.words import elided, period, plural, short_day
from flowsim.scenario import Row, as_shipped, assumptions
from flowsim.scenario.idle import deterring_nobody, idle
from flowsim.scenario.schema import ENTRIES, FACTS, FOR_READERS, Scenario

BASELINE = "september-2022"
CITED = re.compile(r"\b([A-Z]{2})(\d{3})(?:-(?:[A-Z]{2})?(\d{3}))?\b")
LINKED = re.compile(rf"{CITED.pattern}|\bODD (\d+(?:\.\d+)*)")
MODEL = "#model"  # where a report holds the model description
BASES = {"calibrated": "fitted", "data": "data", "literature": "literature"}
UNSURE = ("assumed", "imputed", "not identified")
GONE = "taken out"
NONE = "–"
SETTING = "a setting of the scenario"
KEYS = 40  # characters of names of keys beside the counts of a block


def differences(
    scenario: Scenario, baseline: Scenario | None = None, key: str = "differences"
) -> Finding:
    """Return what differs from a baseline, key by key, with value and source.

    Parameters
    ----------
    baseline : Scenario, optional
        The shipped one by default.
    key : str
        Anchor of the section.
    """
    if baseline is None and scenario.nation is not None:
        words = f"It is of {scenario.home.name}, and is compared with nothing that is shipped."
        return Finding(key, "What it extends", (words,))
    against = as_shipped(BASELINE) if baseline is None else baseline
    other = "the baseline" if baseline is None else f"“{title(against)}”"
    heading = f"How “{title(scenario)}” differs from {other}"
    shipped = " as shipped" * (baseline is None)
    rows = list(_differences(scenario, against))
    if not rows:
        return Finding(key, heading, (f"Nothing differs from {other}{shipped}.",))
    heads = ("Key 2.2", "There 1.4", "Here 1.4", "Source 3.0")
    table = tabulated(f"Keys whose value differs from {other}{shipped}", heads, rows)
    return Finding(key, heading, (), (table,))


def _differences(scenario: Scenario, baseline: Scenario) -> Iterator[tuple[str, ...]]:
    """Return keys that differ, as they stand in the files, with both values and the source."""
    ours, theirs = _leaves(scenario), _leaves(baseline)
    for key in sorted(ours | theirs, key=lambda key: not key.startswith("horizon")):
        here, there = ours.get(key), theirs.get(key)
        if key in ("sample", "seed"):  # said at the head of every result
            continue
        if here != there and (here is None or there is None or here[0] != there[0]):
            source = here[1] if here else GONE
            yield key, there[0] if there else NONE, here[0] if here else NONE, source


def _leaves(scenario: Scenario) -> dict[str, tuple[str, str]]:
    """Return every value of a scenario in words, with its source, by dotted key."""
    data = scenario.model_dump(by_alias=True, exclude_none=True, exclude=set(FOR_READERS))
    return dict(_flattened(data, ""))


def _flattened(value: Any, key: str) -> Iterator[tuple[str, tuple[str, str]]]:
    if isinstance(value, dict) and "value" in value and "source" in value:
        unit = value.get("unit", "")
        yield key, (f"{_shown(value['value'])} {unit}".strip(), str(value["source"]))
    elif isinstance(value, dict) and not (
        value and all(isinstance(inner, datetime) for inner in value)
    ):
        for inner, part in value.items():
            yield from _flattened(part, f"{key}.{inner}" if key else str(inner))
    else:
        yield key, (_shown(value), SETTING)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{_shown(key)}: {_shown(part)}" for key, part in value.items())
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="minutes").removesuffix(" 00:00")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:.12g}"
    if isinstance(value, list | tuple):
        return ", ".join(_shown(part) for part in value)
    return str(value)


def is_counterfactual(scenario: Scenario) -> bool:
    """Whether a scenario is not what happened, so that published figures are no test of it.

    Its file says so (``happened``). If not: whether it changes what was the case in the baseline,
    and not only how men behave. Sizes found by calibration are no change. One that shares no
    crossing with the baseline is about something else, and is no variant of it.
    """
    if scenario.happened is not None:
        return not scenario.happened
    baseline = as_shipped(BASELINE)
    if not scenario.crossings.keys() & baseline.crossings.keys():
        return False
    if all(getattr(scenario, block) == getattr(baseline, block) for block in FACTS):
        return False
    return any(
        key.partition(".")[0] in FACTS and not source.startswith("calibrated")
        for key, _, _, source in _differences(scenario, baseline)
    )


# ------------------------------------------------------------------ every number


def everything(scenario: Scenario) -> Finding:
    """Return every number with unit, source and basis; assumed and imputed ones marked."""
    rows = assumptions(scenario)
    words = (
        f"{counted(rows)} Fitted are those chosen so that the model comes near published figures; "
        "bounds stand where a number may be. Tables of the regions come on top."
    )
    blocks = groupby(rows, key=lambda row: row.key.split(".")[0])
    tables = (_regions(scenario), *(_table(block, list(members)) for block, members in blocks))
    return Finding("assumptions", "Every number that went in", (words,), tables)


def _table(block: str, rows: list[Row]) -> Table:
    return tabulated(
        f"Numbers of {block.replace('_', ' ')}",
        ("Key 2.5", "Value 1.6", "Unit 1.1", "Basis 0.8", "Source 2.8"),
        (
            (
                row.key.removeprefix(f"{block}."),
                (row.value.strip("{}") if row.value.startswith("{") else row.value)
                + (f" (between {row.free[0]:g} and {row.free[1]:g})" if row.free else ""),
                row.unit,
                basis(row.source),
                row.source.partition(":")[2].strip() or row.source,
            )
            for row in rows
        ),
        map(is_unsure, rows),
    )


def basis(source: str) -> str:
    """Return in a word what a number rests on.

    >>> basis("data: crossings.csv, derived: 9,600 a day")
    'imputed'
    """
    kind = source.partition(":")[0]
    if source.startswith("data") and ("imputed" in source or "derived" in source):
        return "imputed"
    if kind == "calibrated" and "not identified" in source:
        return "not identified"
    if kind == "data" and "assumption" in source:
        return "assumed"
    return BASES.get(kind, "assumed")


def cited_ids(source: str) -> Iterator[str]:
    """Return the published figures that a source names: GE001, or GE001-GE006 for all between.

    >>> list(cited_ids("data: observations.csv, GE001-GE003; LA026"))
    ['GE001', 'GE002', 'GE003', 'LA026']
    """
    for letters, first, last in CITED.findall(source):
        for number in range(int(first), int(last or first) + 1):
            yield f"{letters}{number:03d}"


def linked(finding: Finding) -> Finding:
    """Return a finding whose tables end in a column of sources that an outsider can follow."""
    tables = (
        replace(made, rows=tuple((*cells, readable(str(source))) for *cells, source in made.rows))
        for made in finding.tables
    )
    return replace(finding, tables=tuple(tables))


def readable(source: str) -> Words:
    """Return a source as an outsider can follow it: figures and sections as links."""
    known = {figure.id: figure.source_url for figure in sources.observations()}
    parts: list[Inline] = []
    end = 0
    for found in LINKED.finditer(source):
        letters, number, _, section = found.groups()
        before = source[end : found.start()]
        if section:
            parts += [f"{before}see ", Link(f"docs/ODD.md, section {section}", MODEL)]
        elif letters + number in known:
            parts += [before, Link(found[0], known[letters + number])]
        else:
            continue
        end = found.end()
    return (*parts, source[end:]) if parts else source


def sections_of_the_model(findings: Iterable[Finding]) -> list[str]:
    """Return the sections of the model description to which tables of ``linked`` lead."""
    cells = (row[-1] for made in findings for table in made.tables for row in table.rows)
    links = (part for cell in cells if isinstance(cell, tuple) for part in cell)
    found = {one.text.split()[-1] for one in links if isinstance(one, Link) and one.url == MODEL}
    return sorted(found, key=lambda section: [int(part) for part in section.split(".")])


def is_unsure(row: Row) -> bool:
    """Whether a number rests on an assumption: assumed, imputed, or fitted but not identified."""
    return basis(row.source) in UNSURE


def counted(rows: Sequence[Row]) -> str:
    """Return how many numbers there are, and how many of them rest on an assumption."""
    bases = [basis(row.source) for row in rows]
    parts = ", ".join(f"{bases.count(kind)} {kind}" for kind in UNSURE)
    return (
        f"{len(rows)} numbers, of which {sum(map(is_unsure, rows))}, marked, rest on an "
        f"assumption: {parts} by the fit."
    )


def _regions(scenario: Scenario) -> Table:
    """Return how the columns of the regions are known."""
    known = scenario.regions
    columns = {
        "men by age band": known.men_basis,
        "share with higher education": known.education_basis,
        "income": known.income_basis,
        "called up, estimate": known.called_up_basis,
        "share with a passport": known.passport_basis,
    }
    whose, state = "regions.csv", _state
    if scenario.population.regions is not None:
        whose, state = "a table of its own", lambda bases: f"as its table says: {_each(bases)}"
    rows = [(name, state(bases)) for name, bases in columns.items()]
    return tabulated(
        f"What the {len(known.code)} regions are made from ({whose})",
        ("Column 1.5", "How it is known 4.0"),
        rows,
        (not how.startswith("measured") for _, how in rows),
    )


def _each(bases: tuple[str, ...]) -> str:
    return ", ".join(sorted(set(bases)))


def _state(bases: tuple[str, ...]) -> str:
    """Return of how many regions a column was measured, taken from press, or imputed."""
    imputed = sum(basis == "derived" for basis in bases)
    press = sum("press" in basis for basis in bases)
    if not imputed and not press:
        return f"measured ({_each(bases)})"
    from_press = f"; from press figures in {press}" if press else ""
    return f"imputed in {imputed} of {len(bases)}{from_press}"


# ------------------------------------------------------------------ what a check shows


def checked(scenario: Scenario, base: Scenario | None = None) -> Iterator[Finding]:
    """Return what a file says that has no mistake: what its reader would want to see.

    Parameters
    ----------
    scenario : Scenario
        A sound one.
    base : Scenario, optional
        What it extends; the baseline by default.
    """
    yield _policies(scenario, base)
    if base is not None or scenario.name != BASELINE:
        found = differences(scenario, base)
        against = as_shipped(BASELINE) if base is None else base
        changes = (_changes(table.rows, scenario, against) for table in found.tables)
        yield Finding(found.key, found.title, (*found.sentences, *chain(*changes)))
    vain = tuple(_in_vain(scenario, base))
    if vain:
        yield Finding("vain", "What can have no effect", vain)
    yield _blocks(assumptions(scenario))


def _in_vain(scenario: Scenario, base: Scenario | None) -> Iterator[str]:
    """Return which numbers can have no effect, and which checks keep nobody at home, and why.

    What the scenario below says in vain as well is left out where nothing is changed in it.
    """
    changed = [] if base is None else [key for key, *_ in _differences(scenario, base)]
    for found, words in ((idle, "can have no effect"), (deterring_nobody, "keeps nobody at home")):
        below = [] if base is None else list(found(base))
        for key, why in found(scenario):
            if (key, why) not in below or any(f"{one}.".startswith(f"{key}.") for one in changed):
                yield f"{key} {words}: {why}."


def _policies(scenario: Scenario, base: Scenario | None) -> Finding:
    """Return the policies with places and dates; those that the base has not are marked."""
    known = scenario.policies if base is None else base.policies
    start, last = scenario.horizon.start, scenario.horizon.end - timedelta(days=1)
    table = tabulated(
        f"Simulated from {period(start, last)}",
        ("Policy 1", "What and where 1", "From 1", "Until 1"),
        (
            (
                name,
                ", ".join(filter(None, (policy.label, places_name(policy.places, scenario))))
                + (" (new)" if name not in known else ""),
                *(_moment(at, start.year) for at in policy.span),
            )
            for name, policy in scenario.policies.items()
        ),
        (name not in known for name in scenario.policies),
    )
    return Finding("policies", "Policies", (), (table,))


def _moment(at: datetime | None, year: int) -> str:
    """Write a moment as briefly as it can be understood; nothing for none."""
    if at is None:
        return ""
    other_year = f" {at.year}" * (at.year != year)
    return short_day(at) + other_year + f"{at:, %H:%M}" * (at.hour > 0)


def _changes(rows: Iterable[tuple[object, ...]], here: Scenario, there: Scenario) -> Iterator[str]:
    """Return what differs in sentences, an entry that is new or gone as a whole in one."""

    def entry(row: tuple[object, ...]) -> tuple[str, str]:
        key = str(row[0])
        block, name, *inner = [*key.split("."), ""]
        sides = [getattr(side, block) or {} for side in (here, there) if block in ENTRIES]
        known = [name in side for side in sides]
        state = "" if all(known) or not inner else "new" if known[0] else "taken out"
        return (f"{block}.{name}" if state else key), state

    for (key, state), members in groupby(rows, key=entry):
        parts = []
        for part, was, value, source in (map(str, row) for row in members):
            why = "" if source in (SETTING, GONE) else f" ({source})"
            own = f"{part.removeprefix(key + '.')} {value}" if state else _was(value, was)
            parts += [own + why] if value else []
        if state == "taken out":
            yield f"{key} is taken out."
        else:
            yield f"{key}{' is new' if state else ''}: {'; '.join(parts)}."


def _was(value: str, was: str) -> str:
    """Return what a value is and was, where a dash is none."""
    if value == NONE:
        return f"taken out, was {was}"
    return f"{value}, was none" if was == NONE else f"{value}, was {was}"


def _blocks(rows: list[Row]) -> Finding:
    """Return how many numbers each block has and how many of them rest on an assumption."""
    blocks: dict[str, list[Row]] = {}
    for row in rows:
        blocks.setdefault(row.key.split(".")[0], []).append(row)
    lines = []
    for block, members in blocks.items():
        names = dict.fromkeys(row.key.split(".")[1].split(" ")[0] for row in members)
        unsure = sum(map(is_unsure, members))
        lines.append((block, str(len(members)), str(unsure), elided(", ".join(names), KEYS)))
    words = f"{plural(len(rows), 'number')}; {sum(map(is_unsure, rows))} rest on an assumption."
    heads = ("Block 1", ">Numbers 1", ">Assumed 1", "Keys 1")
    return Finding("numbers", "Numbers", (words,), (tabulated("By block", heads, lines),))


def checked_data(scenario: Scenario, base: Scenario | None = None) -> dict[str, object]:
    """Return the same as plain data, for scripts."""
    found = differences(scenario, base).tables
    keys = ("key", "base", "here", "source")
    return {
        "name": scenario.name,
        "title": scenario.title,
        "differences": [dict(zip(keys, row, strict=True)) for table in found for row in table.rows],
        "policies": {
            name: policy.model_dump(mode="json", by_alias=True, exclude_none=True)
            for name, policy in scenario.policies.items()
        },
        "no_effect": dict(idle(scenario)),
        "deters_nobody": dict(deterring_nobody(scenario)),
        "numbers": [asdict(row) | {"assumed": is_unsure(row)} for row in assumptions(scenario)],
    }
