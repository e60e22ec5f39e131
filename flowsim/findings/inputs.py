"""What went in: how the scenario differs from the baseline, and every number it assumes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Any

from flowsim.data import sources
from flowsim.findings.finding import Finding, Inline, Link, Table, Words
from flowsim.findings.naming import title
from flowsim.scenario import Row, as_shipped, assumptions
from flowsim.scenario.schema import FACTS, FOR_READERS, Scenario

BASELINE = "september-2022"
CITED = re.compile(r"\b([A-Z]{2})(\d{3})(?:-(?:[A-Z]{2})?(\d{3}))?\b")
LINKED = re.compile(rf"{CITED.pattern}|\bODD (\d+(?:\.\d+)*)")
MODEL = "#model"  # where a report holds the model description
BASES = {
    "assumption": "assumed",
    "calibrated": "fitted",
    "data": "data",
    "literature": "literature",
}
GONE = "taken out"
NONE = "–"
SETTING = "a setting of the scenario"
IMPUTED = ("imputed", "derived")


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
    shipped = baseline is None
    against = as_shipped(BASELINE) if baseline is None else baseline
    other = "the baseline" if shipped else f"“{title(against)}”"
    heading = f"How “{title(scenario)}” differs from {other}"
    rows = tuple(_differences(scenario, against))
    if not rows:
        words = f"Nothing differs from {other}" + (" as shipped." if shipped else ".")
        return Finding(key, heading, (words,))
    table = Table(
        f"Keys whose value differs from {other}" + (" as shipped" if shipped else ""),
        ("Key", "There", "Here", "Source"),
        rows,
        widths=(2.2, 1.4, 1.4, 3.0),
    )
    return Finding(key, heading, (), (table,))


def _differences(scenario: Scenario, baseline: Scenario) -> Iterator[tuple[str, ...]]:
    ours, theirs = _leaves(scenario), _leaves(baseline)
    for key in sorted(ours.keys() | theirs.keys(), key=_natural(ours, theirs)):
        here, there = ours.get(key), theirs.get(key)
        if key in ("sample", "seed"):  # said at the head of every result
            continue
        if here != there and (here is None or there is None or here[0] != there[0]):
            source = here[1] if here else GONE
            yield key, there[0] if there else NONE, here[0] if here else NONE, source


def _natural(*leaves: Mapping[str, tuple[str, str]]) -> Any:
    """Sort keys as they stand in the files."""
    places: dict[str, int] = {}
    for found in leaves:
        for key in found:
            places.setdefault(key, len(places))
    return lambda key: (key.split(".")[0] != "horizon", places[key])


def _leaves(scenario: Scenario) -> dict[str, tuple[str, str]]:
    """Return every value of a scenario in words, with its source, by dotted key."""
    data = scenario.model_dump(by_alias=True, exclude_none=True, exclude=set(FOR_READERS))
    return dict(_flattened(data, ""))


def _flattened(value: Any, key: str) -> Iterator[tuple[str, tuple[str, str]]]:
    if isinstance(value, dict) and "value" in value and "source" in value:
        unit = value.get("unit", "")
        yield key, (f"{_shown(value['value'])} {unit}".strip(), str(value["source"]))
    elif isinstance(value, dict) and not _is_dated(value):
        for inner, part in value.items():
            yield from _flattened(part, f"{key}.{inner}" if key else str(inner))
    else:
        yield key, (_shown(value), SETTING)


def _is_dated(value: dict[Any, Any]) -> bool:
    return bool(value) and all(isinstance(key, datetime) for key in value)


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
    return Table(
        f"Numbers of {block.replace('_', ' ')}",
        ("Key", "Value", "Unit", "Basis", "Source"),
        tuple(
            (
                row.key.removeprefix(f"{block}."),
                _value(row),
                row.unit,
                basis(row.source),
                row.source.partition(":")[2].strip() or row.source,
            )
            for row in rows
        ),
        widths=(2.5, 1.6, 1.1, 0.8, 2.8),
        marked=frozenset(place for place, row in enumerate(rows) if is_unsure(row)),
    )


def _value(row: Row) -> str:
    value = row.value.strip("{}") if row.value.startswith("{") else row.value
    return f"{value} (between {row.free[0]:g} and {row.free[1]:g})" if row.free else value


def basis(source: str) -> str:
    """Return in a word what a number rests on.

    >>> basis("data: crossings.csv, derived: 9,600 a day")
    'imputed'
    """
    if _is_imputed(source):
        return "imputed"
    kind = source.partition(":")[0]
    if kind == "calibrated" and "not identified" in source:
        return "not identified"
    if kind == "data" and "assumption" in source:
        return "assumed"
    return BASES.get(kind, "assumed")


def _is_imputed(source: str) -> bool:
    return source.startswith("data") and any(word in source for word in IMPUTED)


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
    return basis(row.source) in ("assumed", "imputed", "not identified")


def counted(rows: Sequence[Row]) -> str:
    """Return how many numbers there are, and how many of them rest on an assumption."""
    bases = [basis(row.source) for row in rows]
    parts = [f"{bases.count(kind)} {kind}" for kind in ("assumed", "imputed", "not identified")]
    return (
        f"{len(rows)} numbers, of which {sum(map(is_unsure, rows))}, marked, rest on an "
        f"assumption: {parts[0]}, {parts[1]}, {parts[2]} by the fit."
    )


def _regions(scenario: Scenario) -> Table:
    """Return how the columns of the regions are known."""
    known = scenario.regions
    columns = (
        ("men by age band", known.men_basis),
        ("share with higher education", known.education_basis),
        ("income", known.income_basis),
        ("called up, estimate", known.called_up_basis),
        ("share with a passport", known.passport_basis),
    )
    own = scenario.population.regions is not None
    whose = "a table of its own" if own else "regions.csv"
    rows = [(name, _stated(bases) if own else _state(bases)) for name, bases in columns]
    marked = frozenset(place for place, row in enumerate(rows) if not row[1].startswith("measured"))
    return Table(
        f"What the {len(known.code)} regions are made from ({whose})",
        ("Column", "How it is known"),
        tuple(rows),
        widths=(1.5, 4.0),
        marked=marked,
    )


def _stated(bases: tuple[str, ...]) -> str:
    """Return how a table of a user's own says that a column is known."""
    return "as its table says: " + ", ".join(sorted(set(bases)))


def _state(bases: tuple[str, ...]) -> str:
    """Return of how many regions a column was measured, taken from press, or imputed."""
    imputed = sum(basis == "derived" for basis in bases)
    press = sum("press" in basis for basis in bases)
    if not imputed and not press:
        return f"measured ({', '.join(sorted(set(bases)))})"
    from_press = f"; from press figures in {press}" if press else ""
    return f"imputed in {imputed} of {len(bases)}{from_press}"
