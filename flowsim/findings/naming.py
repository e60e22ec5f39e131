"""What parameters and outputs are called in figures and reports, and in which unit.

A dotted key is exact but no name: ``policies.task_force_lars.checks_per_hour`` reads as
"checks per hour at Verkhny Lars". Units and places come from the scenario itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from flowsim.data.measures import MEASURES
from flowsim.findings.words import day, elided, listed, period, sampled
from flowsim.model.states import LACKS
from flowsim.scenario.observing import figures_of
from flowsim.scenario.places import PASSPORT
from flowsim.scenario.policies import KINDS
from flowsim.scenario.schema import Scenario

if TYPE_CHECKING:
    from flowsim.sweep.schema import Varied

ALL_PLACES = "all crossings"

UNITS = {"share": "%"} | dict.fromkeys(("ratio", "exponent", "odds ratio", "dissimilarity"), "")
BLOCKS = {"call_up": "the call-up", "border": "the border", "news": "news"}

PREPOSITIONS = {"exits": "from", "departures": "for", "departures_expected": "for"}
SHARES = tuple(name for name, measure in MEASURES.items() if measure.unit == "share")


@dataclass(frozen=True)
class Named:
    """A parameter as readers meet it.

    Attributes
    ----------
    key : str
        As in the sweep file and the tables.
    label : str
        A few words, without the unit.
    unit : str
        As on an axis: ``%`` for shares, empty if there is none worth saying.
    """

    key: str
    label: str
    unit: str

    @property
    def axis(self) -> str:
        """Label and unit, as an axis needs them."""
        return f"{self.label}, {self.unit}" if self.unit else self.label

    @property
    def scale(self) -> float:
        """What values are multiplied by before they are shown: 100 for shares."""
        return 100.0 if self.unit == "%" else 1.0


def title(scenario: Scenario) -> str:
    """Return a scenario's title, cut if it is very long, else its name."""
    return elided(scenario.title.strip() or scenario.name, 80)


def facts(
    manifest: Mapping[str, Any], scenario: Scenario, *own: tuple[str, str]
) -> tuple[tuple[str, str], ...]:
    """Return what must be said with every number quoted; ``own`` is what only this kind has."""
    last = (scenario.horizon.end - timedelta(days=1)).date()
    seeds = manifest.get("seeds", {"": manifest.get("seed", scenario.seed)}).values()
    return (
        *own,
        ("Period", period(scenario.horizon.start.date(), last)),
        ("Sample", sampled(manifest["sample"])),
        ("Seed", listed(sorted({str(seed) for seed in seeds}))),
        ("Made with", f"flowsim {manifest['versions']['flowsim']}"),
    )


def document_name(document: str, scenario: Scenario) -> str:
    """Name a document as sentences do; the passport is the international one."""
    if document == PASSPORT:
        return "international passport"
    return scenario.documents[document].name


def lacked(scenario: Scenario) -> dict[str, str]:
    """Name the document for want of which men stayed, by each such ``reason``."""
    names = (PASSPORT, *scenario.documents)
    return {f"{LACKS}{name}": document_name(name, scenario) for name in names}


def named(name: str, scenario: Scenario, varied: Varied | None = None) -> Named:
    """Name a parameter: by its title in the sweep file, else from the key it moves.

    Parameters
    ----------
    name : str
        Dotted key, or the name of a parameter that moves other keys.
    varied : Varied, optional
        What the sweep file says of it.
    """
    moved, title = [name], ""
    if varied is not None:
        title = varied.title
        if varied.keys is not None:
            moved = [key for key, how in varied.keys.items() if how.times == 1]
        if varied.levels is not None:
            moved = []
    unit = unit_of(moved[0], scenario) if moved else ""
    label = title or label_of(name, scenario)
    if unit == "men per hour" and "per hour" in label:
        unit = ""
    return Named(name, label, UNITS.get(unit, unit))


def all_named(names: Mapping[str, Varied | None], scenario: Scenario) -> dict[str, Named]:
    """Name several parameters; where two would be called alike, each says its block too."""
    found = {name: named(name, scenario, varied) for name, varied in names.items()}
    labels = [one.label for one in found.values()]
    for name, one in found.items():
        if labels.count(one.label) > 1:
            block = _words(name.split(".")[-2] if "." in name else name)
            found[name] = Named(name, f"{one.label} ({block})", one.unit)
    return found


def label_of(key: str, scenario: Scenario) -> str:
    """Return a short label of a dotted key: the title that the schema has, else its own words."""
    parts = key.split(".")
    block, last = parts[0], parts[-1]
    title = _title(parts, scenario)
    place = _name(block, parts[2 if block == "choice" else 1], scenario) if len(parts) > 2 else ""
    if title:
        countries = {name: country.name for name, country in scenario.destinations.items()}
        of_policy = block == "policies"
        if of_policy and place in countries.values() and " at {place}" in title:
            place = f"crossings to {place}"
        by_country = of_policy and len(parts) > 3 and last in countries
        about = f", {countries[last]}" if by_country else ""
        return title.format(place=place, policy=_words(parts[1])) + about
    words = _words(last)
    if len(parts) == 2 and block not in Scenario.model_fields:  # a file's own name for a place
        return f"{_words(block)}, {places_name((last,), scenario)}"
    if place:
        return f"{words}, {place}"
    if len(parts) < 2 or "_" in last or block in ("population", "travel"):
        return words
    return f"{words} of {BLOCKS.get(block, _words(block))}"


def _title(parts: list[str], scenario: Scenario) -> str:
    """Return the title of a key in the schema, with blanks for names; empty if it has none."""
    found: Any = scenario
    title = ""
    for part in parts:
        if isinstance(found, Mapping):
            found = found.get(part)
            continue
        kinds = [type(found)] if found is not None else KINDS.values()  # a policy not there yet
        known = [(n, f) for kind in kinds for n, f in getattr(kind, "model_fields", {}).items()]
        name, field = next(((n, f) for n, f in known if part == (f.alias or n)), ("", None))
        if field is None:
            dated = title and part[:1].isdigit()
            return f"{title} from {day(date.fromisoformat(part[:10]))}" if dated else ""
        found, title = getattr(found, name, None), field.title or ""
    return title


def unit_of(key: str, scenario: Scenario) -> str:
    """Return the unit that the scenario states for a key; empty if it states none."""
    found: Any = scenario
    for part in key.split("."):
        if isinstance(found, Mapping):
            found = found.get(part)
        else:
            found = getattr(found, part, None) or getattr(found, f"{part}_", None)
        if found is None:
            return ""
        if hasattr(found, "unit"):
            return str(found.unit)
    return ""


def _name(block: str, name: str, scenario: Scenario) -> str:
    """Return the name of the place that a key of a block of named things is about."""
    if block == "policies":
        policy = scenario.policies.get(name)
        return places_name(policy.places, scenario) if policy and policy.places else _words(name)
    return places_name((name,), scenario)


def places_name(places: tuple[str, ...], scenario: Scenario) -> str:
    """Return the name of a place of a policy, or how many crossings there are; empty for none."""
    if not places:
        return ""
    if "all" in places:
        return ALL_PLACES
    if len(places) > 1:
        return f"{len(places)} crossings"
    place = places[0]
    known: dict[str, Any] = {**scenario.documents, **scenario.destinations, **scenario.crossings}
    return known[place].name if place in known else _words(place)


def _words(name: str) -> str:
    return name.replace("_", " ").replace("-", " ").strip()


def place_name(place_id: str, scenario: Scenario) -> str:
    """Return the name of a place of the tables; empty for the nation."""
    if place_id in (scenario.home.code, ""):
        return ""
    for country in scenario.destinations.values():
        if country.code == place_id:
            return country.name
    if place_id in scenario.crossings:
        return scenario.crossings[place_id].name
    regions = scenario.regions
    names = {figure.place_id: figure.place for figure in figures_of(scenario) if figure.place}
    names |= dict(zip(regions.code, regions.name, strict=True))
    return names.get(place_id, place_id)


def output_label(measure: str, place_id: str, scenario: Scenario) -> str:
    """Return in words what an output counts, and where."""
    words = (measure in MEASURES and MEASURES[measure].words) or _words(measure)
    place = place_name(place_id, scenario)
    if not place:
        return words
    codes = {country.code for country in scenario.destinations.values()}
    if place_id not in codes:
        return f"{words}, {place}" if place_id not in scenario.crossings else f"{words} at {place}"
    if measure in ("stock_men", "stock_persons"):
        return words.replace("abroad", f"in {place}")
    if measure.startswith("entries"):
        return f"{words} into {place}"
    if measure == "involuntary_stayers":
        return f"men who want to go to {place} and cannot"
    return f"{words} {PREPOSITIONS.get(measure, 'in')} {place}"
