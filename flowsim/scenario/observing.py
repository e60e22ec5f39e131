"""Which published figures a scenario can be held against: places, measures and time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from flowsim.data import own, sources
from flowsim.data.cells import suggested
from flowsim.data.measures import COMPARED
from flowsim.data.rows import TABLES, Observation
from flowsim.errors import DataError, in_order
from flowsim.scenario.clock import Clock, iso
from flowsim.scenario.places import Crossing, Destination, Nation
from flowsim.scenario.schema import Scenario
from flowsim.scenario.timetable import WARM_UP

WORDS = {"nation": "the nation", "group": "a group of crossings", "destination": "a country"}


def kinds_of_places(
    home: Nation,
    regions: Iterable[str],
    destinations: Mapping[str, Destination],
    crossings: Mapping[str, Crossing],
) -> dict[str, str]:
    """Return the kind of every place that tables of a scenario name, by id."""
    kinds = {home.code: "nation"} | dict.fromkeys(regions, "region")
    kinds |= {country.code: "destination" for country in destinations.values()}
    kinds |= dict.fromkeys(crossings, "crossing")
    return kinds | {one.group: "group" for one in crossings.values() if one.group is not None}


def places_of(scenario: Scenario) -> dict[str, str]:
    """Return the kind of every place that tables of a scenario name, by id."""
    destinations, crossings = scenario.destinations, scenario.crossings
    return kinds_of_places(scenario.home, scenario.regions.code, destinations, crossings)


def figures_of(scenario: Scenario) -> tuple[Observation, ...]:
    """Return the published figures beside which a scenario is shown.

    They are the shipped ones and its own, which stand in place of shipped ones of the same id;
    of another nation its own alone.
    """
    own_ones = scenario.observations or ()
    if scenario.nation is not None:
        return own_ones
    return tuple({one.id: one for one in (*sources.observations(), *own_ones)}.values())


def counted(scenario: Scenario, measure: str) -> tuple[str, ...]:
    """Return the places at which a measure was published, in the order of the figures."""
    figures = [one for one in figures_of(scenario) if one.model_measure == measure]
    return tuple(dict.fromkeys(one.place_id for one in figures))


def window(figure: Observation, clock: Clock) -> tuple[datetime, datetime] | None:
    """Return the window of a figure by the clock of a scenario; None if it has none."""
    start, end, offset = figure.window_start, figure.window_end, figure.utc_offset_h
    if start is None or end is None or offset is None:
        return None
    shift = timedelta(hours=offset - clock.utc_offset_h)
    return start - shift, end - shift


def outside(figure: Observation, clock: Clock) -> str:
    """Return in words that a window does not lie within a horizon; empty if it does."""
    when = window(figure, clock)
    if when is None:
        return ""
    overlaps = when[1] >= clock.start and when[0] < clock.end
    before = clock.start - timedelta(hours=WARM_UP)
    if overlaps and (figure.per_day or (before <= when[0] and when[1] <= clock.end)):
        return ""
    lies = "reaches beyond" if overlaps else "lies outside"
    return f"the window {lies} the horizon, {iso(clock.start)} to {iso(clock.end)}"


def misplaced(figure: Observation, kinds: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Return column and message of a place that is not known, or has not what was counted."""
    kind, place = kinds.get(figure.place_id), figure.place_id
    if kind is None:
        usual = [one for one, kind in kinds.items() if kind in ("destination", "crossing")]
        some = ", ".join(usual[:12]) + ", ..." * (len(usual) > 12)
        near = suggested(place, kinds) or f"; expected one of {some}"
        yield "place_id", f"found {place!r}, no place of the scenario{near}"
        return
    wanted = COMPARED[figure.model_measure].places if figure.model_measure in COMPARED else (kind,)
    if kind not in wanted:
        known = " or ".join(WORDS.get(one, f"a {one}") for one in wanted)
        such = [f", such as {one}" for one, kind in kinds.items() if kind == wanted[0]]
        at = f"{figure.model_measure} is counted at {known}{''.join(such[:1])}"
        yield "place_id", f"{place} is {WORDS.get(kind, f'a {kind}')}; {at}"


def read_figures(path: str | os.PathLike[str], scenario: Scenario) -> tuple[Observation, ...]:
    """Read a user's file of published figures that are to be held against a scenario.

    Raises
    ------
    DataError
        With every mistake, each with file, line and column: of the file itself, and of figures
        whose place, measure or time the scenario does not have.
    """
    table, rows, problems = own.read_rows(path, Observation)
    problems += [table.problem(*said) for said in unfit(rows, scenario)]
    if problems:
        raise DataError(in_order(problems))
    return tuple(rows.values())


def check_table(path: str | os.PathLike[str], scenario: Scenario) -> str:
    """Read a user's table of any kind; return what it holds.

    Raises
    ------
    DataError
        With every mistake, each with file, line and column.
    """
    row = own.row_of(path)
    kind = next(name for name, known in TABLES.items() if known is row)
    found = read_figures(path, scenario) if row is Observation else own.read(path, row)
    return f"{len(found)} {kind}"


def unfit(figures: Mapping[int, Observation], scenario: Scenario) -> Iterator[tuple[int, str, str]]:
    """Return place, column and message of figures that cannot be held against a scenario."""
    kinds = places_of(scenario)
    for place, figure in figures.items():
        if not figure.is_compared:
            continue
        for said in misplaced(figure, kinds):
            yield place, *said
        if late := outside(figure, scenario.horizon.clock):
            yield place, "window_start", late
