"""Checks between the parts of a scenario, which no part could make alone.

They run on whatever parts are sound, so that their problems come together with those of
the schema.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from flowsim.data import own, sources
from flowsim.data.rows import Observation
from flowsim.errors import MOST_SHOWN, DataError, Problem
from flowsim.scenario.clock import iso
from flowsim.scenario.merging import same_date
from flowsim.scenario.observing import kinds_of_places, misplaced, window
from flowsim.scenario.places import (
    PASSPORT,
    RUSSIA,
    Crossing,
    Destination,
    Document,
    Nation,
    mistakes,
    unknown,
)
from flowsim.scenario.policies import AnyPolicy
from flowsim.scenario.policy import CallUp, Policy, Surroundings
from flowsim.scenario.schema import Horizon, Scenario
from flowsim.scenario.timetable import EVERYWHERE, WARM_UP
from flowsim.scenario.tree import Path, Tree, dotted, no_such

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
SINGLE = {"horizon": Horizon, "call_up": CallUp}
NAMED: dict[str, Any] = {"documents": Document, "destinations": Destination}
NAMED |= {"crossings": Crossing, "policies": AnyPolicy}
PARTS = (*SINGLE, *NAMED)
MOST = {"documents": 6, "destinations": 50, "crossings": 2000, "policies": 500}
MOST_CELLS = 2_000_000
FAR = timedelta(days=180)


@dataclass
class Parts:
    """The sound parts of a scenario beside its raw tree, and the problems found so far."""

    tree: Tree
    horizon: Horizon | None
    call_up: CallUp | None
    documents: Mapping[str, Document]
    destinations: Mapping[str, Destination]
    crossings: Mapping[str, Crossing]
    policies: Mapping[str, Policy]
    regions: tuple[str, ...]
    problems: list[Problem] = field(default_factory=list)

    @property
    def home(self) -> Nation:
        """Whose men they are; Russia's if that is not sound."""
        found: Nation | None = _read(Nation, self.tree.at(("nation",)))
        return found or RUSSIA

    def problem(self, message: str, *path: str | int) -> None:
        """Note a problem of a key."""
        self.problems.append(Problem(self.tree.place(path).where, dotted(path), message))

    def unknown(
        self, word: str, known: Collection[str], noun: str, *path: str | int, expected: str = ""
    ) -> None:
        """Note that a name is not known, and suggest one as long as the problem will be shown."""
        if word not in known:
            shown = known if len(self.problems) < MOST_SHOWN else ()
            self.problem(no_such(word, shown, f"not a {noun}", expected), *path)


def cross_check(tree: Tree, scenario: Scenario | None) -> list[Problem]:
    """Return the problems between the parts of a scenario.

    Parameters
    ----------
    tree : Tree
        The merged data, for names and places.
    scenario : Scenario or None
        None if the schema refused it; then the parts that are sound are checked.
    """
    if scenario is None:
        parts = _sound(tree)
    else:
        known = {name: getattr(scenario, name) for name in PARTS}
        parts = Parts(tree, **known, regions=scenario.regions.code)
    for check in CHECKS:
        check(parts)
    return parts.problems


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _read(kind: Any, raw: Any) -> Any:
    try:
        return _adapter(kind).validate_python(raw, strict=True, by_alias=True, by_name=False)
    except ValidationError:
        return None


def _sound(tree: Tree) -> Parts:
    def entries(kind: Any, key: str) -> dict[str, Any]:
        read = {name: _read(kind, raw) for name, raw in tree.names(key).items()}
        return {name: entry for name, entry in read.items() if entry is not None}

    rows = tree.at(("population", "regions"))
    regions = sources.regions().code
    if isinstance(rows, tuple):
        regions = tuple(str(row.get("code")) for row in rows if isinstance(row, dict)) or ("",)
    known = {key: _read(kind, tree.at((key,))) for key, kind in SINGLE.items()}
    known |= {key: entries(kind, key) for key, kind in NAMED.items()}
    return Parts(tree, **known, regions=regions)


def _sizes_are_bearable(parts: Parts) -> None:
    """Refuse what no machine holds: tables have a number for each hour and crossing."""
    for block, most in MOST.items():
        if (found := len(parts.tree.names(block))) > most:
            parts.problem(f"found {found:,}; expected at most {most:,}", block)
    hours = 0 if parts.horizon is None else parts.horizon.clock.n_hours
    if (cells := hours * len(parts.tree.names("crossings"))) > MOST_CELLS:
        message = (
            f"crossings times hours of the horizon are {cells:,}, which takes too much memory; "
            f"expected at most {MOST_CELLS:,}: leave crossings out, or end it earlier"
        )
        parts.problem(message, "crossings")


def _names_are_plain(parts: Parts) -> None:
    for block in NAMED:
        for name in parts.tree.names(block):
            if not NAME.fullmatch(name):
                signs = "letters, digits, '-' and '_' only"
                parts.problem(f"names have {signs}, so that dotted keys reach them", block, name)
    crossings = parts.tree.names("crossings")
    for name in parts.tree.names("destinations"):
        if name == EVERYWHERE or name in crossings:
            parts.problem(f"{name!r} already means something else; rename it", "destinations", name)


def _destinations_have_everything(parts: Parts) -> None:
    """Constants and life abroad exist for exactly the destinations."""
    destinations = parts.tree.names("destinations")
    if not destinations:
        parts.problem("expected at least one destination", "destinations")
    for block in (("choice", "constant"), ("abroad",)):
        there = parts.tree.names(*block)
        for name in [name for name in destinations if name not in there]:
            key = dotted((*block, name))
            parts.problem(f"needs {key} as well; add it", "destinations", name)
    for block in (("choice", "constant"), ("abroad",), ("capacities",)):
        for name in parts.tree.names(*block):
            parts.unknown(name, destinations, "destination", *block, name)


def _documents_are_known(parts: Parts) -> None:
    for name, key, message in mistakes(parts.documents, parts.regions):
        parts.problem(message, "documents", name, *([key] if key else []))
    for name, destination in parts.destinations.items():
        for document in destination.documents:
            if message := unknown(document, list(parts.tree.names("documents"))):
                parts.problem(message, "destinations", name, "documents")
            elif document == PASSPORT:
                hint = "the passport is asked for by requires_passport: true; leave it out here"
                parts.problem(hint, "destinations", name, "documents")


def _codes_are_different(parts: Parts) -> None:
    first: dict[str, str] = {}
    for name, destination in parts.destinations.items():
        other = first.setdefault(destination.code, name)
        if other != name:
            message = f"{destination.code!r} is already the code of {other}"
            parts.problem(message, "destinations", name, "code")


def _crossings_lead_somewhere(parts: Parts) -> None:
    destinations = parts.tree.names("destinations")
    regions, such = parts.regions, f"; expected a code such as {parts.regions[0]}"
    for name, crossing in parts.crossings.items():
        at = ("crossings", name)
        parts.unknown(crossing.destination, destinations, "destination", *at, "destination")
        if crossing.region is not None:
            parts.unknown(crossing.region, regions, "region", *at, "region", expected=such)


def _destinations_are_reached(parts: Parts) -> None:
    if len(parts.crossings) < len(parts.tree.names("crossings")):
        return  # a crossing with a mistake may be the one
    for name, destination in parts.destinations.items():
        roads = [one for one in parts.crossings.values() if one.destination == name]
        if not any(one.size_weight.value > 0 for one in roads):
            message = (
                "no crossing with a positive size_weight leads there; add one under crossings, "
                "or remove the destination (null)"
            )
            parts.problem(message, "destinations", name)
        elif destination.background.value and not any(one.background_share.value for one in roads):
            message = "has ordinary traffic, but no crossing with a positive background_share"
            parts.problem(message, "destinations", name, "background")


def _policies_fit(parts: Parts) -> None:
    """Each policy's own checks: its places exist, its dates touch the horizon."""
    clock = parts.horizon.clock if parts.horizon is not None else None
    destinations, crossings = parts.tree.names("destinations"), parts.tree.names("crossings")
    documents = parts.tree.names("documents")
    around = Surroundings(clock, destinations, crossings, documents, parts.regions)
    for name, policy in parts.policies.items():
        for key, message in policy.check(around):
            parts.problem(message, "policies", name, key)
    announced = parts.call_up.announced if parts.call_up is not None else None
    if clock is not None and announced and not clock.start <= announced < clock.end:
        parts.problem(around.outside(announced), "call_up", "announced")


def _regions_are_sound(parts: Parts) -> None:
    """Regions are there, each once, and some were called up from."""
    rows = parts.tree.at(("population", "regions"))
    if not isinstance(rows, tuple):
        return
    key = ("population", "regions")
    if not rows:
        parts.problem("expected at least one region; null takes the shipped ones", *key)
    called_up = [row.get("called_up") for row in rows if isinstance(row, dict)]
    if rows and all(number == 0 for number in called_up):
        message = "called_up is 0 in every region; where nothing is known, give all the same number"
        parts.problem(message, *key)
    elsewhere = {parts.home.code, *(one.code for one in parts.destinations.values())}
    elsewhere |= {*parts.crossings, *(one.group for one in parts.crossings.values() if one.group)}
    seen: set[str] = set()
    for place, code in enumerate(parts.regions if rows else ()):
        if code in seen or code in elsewhere:
            parts.problem(f"{code!r} already means another place; rename it", *key, place)
        seen.add(code)


def _distances_lead_somewhere(parts: Parts) -> None:
    crossings, key = parts.tree.names("crossings"), ("travel", "distances")
    for region, to in parts.tree.names(*key).items():
        parts.unknown(region, parts.regions, "region", *key, region)
        for crossing in to if isinstance(to, dict) else ():
            parts.unknown(crossing, crossings, "crossing", *key, region, crossing)


def _observations_can_be_compared(parts: Parts) -> None:
    """Own figures fit together, and are of places and of a time that the scenario may have."""
    rows = parts.tree.at(("observations",))
    if not isinstance(rows, tuple):
        return
    kinds = kinds_of_places(parts.home, parts.regions, parts.destinations, parts.crossings)
    sure = len(parts.crossings) == len(parts.tree.names("crossings"))
    sure &= len(parts.destinations) == len(parts.tree.names("destinations"))
    gone = _left_out(parts)
    first: dict[str, int] = {}
    for place, raw in enumerate(rows):
        figure = _read(Observation, raw)
        if figure is None:
            continue
        said = figure.mistakes()
        if first.setdefault(figure.id, place) != place:
            said.append(("id", f"{figure.id!r} is given twice"))
        if sure and figure.is_compared and figure.place_id not in gone:
            said += misplaced(figure, kinds)
        if parts.horizon is not None and _is_far(figure, parts.horizon):
            said.append(("window_start", "is far outside the horizon; check the year"))
        for column, message in said:
            parts.problem(message, "observations", place, column)


def _left_out(parts: Parts) -> set[str]:
    """Return places that files know, shipped or own, but this variant of them has not."""
    here = {*parts.crossings, *(one.group or "" for one in parts.crossings.values())}
    here |= {one.code for one in parts.destinations.values()}
    shipped = sources.crossings()
    names = {*shipped, *(str(one.get("group")) for one in shipped.values())}
    names |= {country.code for country in sources.destinations()}
    names |= {str(path[1]) for path in parts.tree.places if path[:1] == ("crossings",) and path[1:]}
    return names - here


def _is_far(figure: Observation, horizon: Horizon) -> bool:
    when = window(figure, horizon.clock)
    return when is not None and (when[0] < horizon.start - FAR or when[1] > horizon.end + FAR)


def _outlines_are_geojson(parts: Parts) -> None:
    text = parts.tree.at(("outlines",))
    if not isinstance(text, str):
        return
    try:
        features = own.parsed_outlines(text)["features"]
    except DataError as reason:
        for problem in reason.problems:
            parts.problem(f"{problem.key} {problem.message}".strip(), "outlines")
        return
    if not {feature["id"] for feature in features} & set(parts.regions):
        found = ", ".join(str(feature["id"])[:20] for feature in features[:3])
        parts.problem(f"no outline has the code of a region as id; found {found}", "outlines")


def _dated_values_are_near(parts: Parts) -> None:
    """Find dates that lie half a year off or stand twice: slips of the pen."""
    if parts.horizon is None:
        return
    first, last = parts.horizon.start - FAR, parts.horizon.end + FAR
    for path, values in _dated_values(parts.tree.data, ()):
        seen: dict[datetime, str] = {}
        for text in values:
            moment = same_date(text)
            if not isinstance(moment, datetime) or moment.tzinfo is not None:
                continue  # which the schema refuses
            if not first <= moment <= last:
                horizon = f"from {iso(parts.horizon.start)} to {iso(parts.horizon.end)}"
                message = f"the date is far outside the horizon ({horizon}); check the year"
                parts.problem(message, *path, text)
            if (other := seen.setdefault(moment, text)) != text:
                where = parts.tree.place((*path, other)).where
                parts.problem(f"is the same moment as {other} ({where}); keep one", *path, text)


def _dated_values(data: Any, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    if not isinstance(data, dict):
        return
    for key, inner in data.items():
        if key in ("value", "utc_offset_h") and isinstance(inner, dict):
            yield (*path, key), inner
        else:
            yield from _dated_values(inner, (*path, key))


def _clocks_are_near(parts: Parts) -> None:
    """Check that the first local day begins within the hours simulated before the horizon."""
    if parts.horizon is None:
        return
    for block, places in (("destinations", parts.destinations), ("crossings", parts.crossings)):
        for name, place in places.items():
            most = parts.horizon.clock.midnights(place.utc_offset_h)[0]
            if most < -WARM_UP:
                begins = f"its day begins {-most:g} hours before that of the scenario's clock"
                message = f"{begins}; expected at most {WARM_UP}"
                parts.problem(message, block, name, "utc_offset_h")


def _policies_do_not_overlap(parts: Parts) -> None:
    """Two policies of one kind at one place may not hold at the same time."""
    held: dict[tuple[str, str], list[tuple[datetime, datetime, str]]] = {}
    for name, policy in parts.policies.items():
        start, end = policy.span
        for place in policy.alone_at(parts.crossings):
            periods = held.setdefault((policy.kind, place), [])
            periods.append((start or datetime.min, end or datetime.max, name))
    seen = set()
    for (kind, place), periods in held.items():
        for earlier, later in _overlaps(sorted(periods)):
            if (earlier, later) not in seen:
                seen.add((earlier, later))
                where = f" at {place}" if place else ""
                message = (
                    f"overlaps in time with {earlier}{where}; two policies of kind {kind} may "
                    "not hold at one place at once: end one before the other begins"
                )
                parts.problem(message, "policies", later)


def _overlaps(periods: list[tuple[datetime, datetime, str]]) -> Iterator[tuple[str, str]]:
    """Return (earlier, later) names of periods that overlap one before; ordered by start."""
    longest: tuple[datetime, str] | None = None
    for start, end, name in periods:
        if longest is not None and start < longest[0]:
            yield longest[1], name
        if longest is None or end > longest[0]:
            longest = (end, name)


CHECKS: tuple[Callable[[Parts], None], ...] = (
    _sizes_are_bearable,
    _names_are_plain,
    _destinations_have_everything,
    _documents_are_known,
    _codes_are_different,
    _crossings_lead_somewhere,
    _destinations_are_reached,
    _policies_fit,
    _regions_are_sound,
    _distances_lead_somewhere,
    _observations_can_be_compared,
    _outlines_are_geojson,
    _dated_values_are_near,
    _clocks_are_near,
    _policies_do_not_overlap,
)
