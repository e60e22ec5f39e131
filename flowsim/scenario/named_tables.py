"""Tables and outlines that a scenario names: read, and put into it in place of their names.

A scenario then holds all that decides its results, so that its hash, its saved form and every
worker know them; the files are not needed again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flowsim.data import own, sources
from flowsim.data.rows import CrossingRow, Observation, Region, Road
from flowsim.data.tables import Row, Table
from flowsim.errors import DataError, Problem, ScenarioError, in_order
from flowsim.scenario.files import Origin, find, shown
from flowsim.scenario.tree import Path as KeyPath
from flowsim.scenario.tree import Place, Tree, dotted

MOST = {"regions": 500, "crossings": 300, "observations": 2_000, "distances": 20_000}
"""Rows of each, so that a saved scenario stays of ordinary size."""

Made = tuple[Any, dict[KeyPath, int]]
"""What a tree holds instead of the name of a table, and which row each key inside is from."""


def _listed(_: Table, rows: Mapping[int, Row]) -> Made:
    """Return rows in the order of the codes of regions; of what has none, in their own."""
    places = sorted(rows, key=lambda place: str(getattr(rows[place], "code", "")))
    made = [rows[place].model_dump(mode="json", exclude_defaults=True) for place in places]
    return tuple(made), {(n,): place for n, place in enumerate(places)}


def _of_crossings(table: Table, rows: Mapping[int, Row]) -> Made:
    known = {row.id: (row, place) for place, row in rows.items() if isinstance(row, CrossingRow)}
    file = Path(table.name).name
    made = {name: sources.as_crossing(row, file) for name, (row, _) in known.items()}
    return made, {(name,): place for name, (_, place) in known.items()}


def _of_distances(_: Table, rows: Mapping[int, Row]) -> Made:
    made: dict[str, dict[str, float]] = {}
    roads = {place: row for place, row in rows.items() if isinstance(row, Road)}
    for row in roads.values():
        made.setdefault(row.region_code, {})[row.crossing_id] = row.road_km
    return made, {(row.region_code, row.crossing_id): place for place, row in roads.items()}


Read = tuple[type[Row], Callable[[Table, Mapping[int, Row]], Made]]
TABLES: dict[KeyPath, Read] = {
    ("population", "regions"): (Region, _listed),
    ("crossings",): (CrossingRow, _of_crossings),
    ("travel", "distances"): (Road, _of_distances),
    ("observations",): (Observation, _listed),
}
OUTLINES: KeyPath = ("outlines",)


def take_in(tree: Tree, folder: Path | None) -> None:
    """Put the tables that a tree names into it.

    Parameters
    ----------
    tree : Tree
        Changed in place; each row takes along its file and line.
    folder : Path or None
        Relative to which they are named; None is the current one.

    Raises
    ------
    ScenarioError
        With every mistake in every table.
    """
    problems: list[Problem] = []
    for key, (row, make) in TABLES.items():
        named = tree.at(key)
        if not isinstance(named, str):
            continue
        try:
            path = _find(tree, key, named, folder)
            table, rows, found = own.read_rows(path, row)
        except (DataError, ScenarioError) as reason:
            problems += reason.problems
            continue
        most = MOST[str(key[-1])]
        if len(table.rows) > most:
            found.append(Problem(table.name, "", f"has {len(table.rows):,} rows; at most {most:,}"))
        problems += found
        value, places = make(table, rows)
        data = tree.data
        for part in key[:-1]:
            data[str(part)] = data = dict(data[str(part)])
        data[str(key[-1])] = value
        for inner, place in places.items():
            tree.places[(*key, *inner)] = Place(f"{table.name}:{table.lines[place]}")
    problems += _outlines(tree, folder)
    if problems:
        raise ScenarioError(in_order(problems))


def _outlines(tree: Tree, folder: Path | None) -> list[Problem]:
    named = tree.at(OUTLINES)
    if not isinstance(named, str) or own.is_text(named):
        return []
    try:
        tree.data["outlines"] = own.read_outlines(_find(tree, OUTLINES, named, folder))
    except (DataError, ScenarioError) as reason:
        return list(reason.problems)
    return []


def _find(tree: Tree, key: KeyPath, named: str, folder: Path | None) -> str:
    noun = "outlines" if key == OUTLINES else "table"
    return shown(find(named, Origin(tree.place(key).where, dotted(key), folder), {}, noun))
