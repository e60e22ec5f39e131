"""What parameters and outputs are called in figures and reports, and in which unit.

A dotted key is exact but no name: ``policies.task_force_lars.checks_per_hour`` reads as
"checks per hour at Verkhny Lars". Units and places come from the scenario itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flowsim.data import sources
from flowsim.scenario.policies import KINDS
from flowsim.scenario.schema import Scenario

if TYPE_CHECKING:
    from flowsim.sweep.schema import Varied

ALL_PLACES = "all crossings"

KEYS = {
    "population.passport_odds_ratio": "passport odds, educated against not",
    "population.education_level": "level of education",
    "panic.lag": "lag of panic",
    "panic.decay": "decay of panic",
    "choice.lambda": "lambda (1: countries chosen independently)",
    "choice.beta_education": "effect of higher education",
    "choice.beta_liable": "effect of liability to call-up",
    "choice.beta_road": "cost of the road",
    "choice.beta_risk": "fear of checks",
    "choice.beta_network": "pull of those abroad",
    "choice.kappa": "effect of the region's call-up",
    "choice.theta": "sensitivity to hours at crossings",
    "choice.omega": "weight of waiting against driving",
    "choice.release": "release after a closure",
    "travel.speed": "speed on the road",
    "travel.cap": "longest journey by air and taxi",
    "travel.sigma": "spread of journey times",
    "call_up.target": "men to be called up",
    "call_up.pace": "pace of the call-up",
    "call_up.regional_disparity": "regional disparity of the call-up",
    "call_up.comply": "compliance with summonses",
    "call_up.error_share": "summonses in error",
    "call_up.list_extra": "liable men listed at random",
    "border.patience": "patience in the queue",
    "border.second_try": "second tries",
    "border.background_wait_loss": "ordinary travellers lost to waits",
    "border.background_check_loss": "ordinary travellers lost to checks",
}
"""Names of single keys whose own words say too little."""

FIELDS = {
    ("choice", "constant"): "pull of {place}",
    ("destinations", "background"): "ordinary entries into {place}",
    ("destinations", "background_exits"): "ordinary exits from {place}",
    ("destinations", "refusal"): "refusals on entry, {place}",
    ("destinations", "requires_passport"): "passport needed for {place}",
    ("crossings", "capacity"): "capacity of {place}",
    ("abroad", "move_on"): "moving on from {place}",
    ("abroad", "return"): "return from {place}",
    ("abroad", "family"): "family joining in {place}",
}
"""Names of keys below a name the user chose, by block and last word; policies name their own."""

UNITS = {"share": "%"} | dict.fromkeys(("ratio", "exponent", "odds ratio", "dissimilarity"), "")
BLOCKS = {"call_up": "the call-up", "border": "the border", "news": "news"}

MEASURES = {
    "departures": "men setting off",
    "departures_expected": "men setting off",
    "arrivals_at_border": "arrivals at the border",
    "entries": "entries",
    "entries_men": "entries of men",
    "exits": "exits",
    "crossings_out": "persons let out",
    "cars_cleared": "cars cleared",
    "queue_persons": "persons queueing",
    "queue_cars": "cars queueing",
    "queue_km": "km of queue",
    "wait_hours": "hours waited",
    "wait_hours_p90": "hours waited by the slowest tenth",
    "checked": "men checked",
    "refused": "men refused",
    "notices": "summonses served",
    "notices_expected": "summonses served",
    "limited": "men stopped by the entry limit",
    "gave_up": "men giving up the queue",
    "called_up": "men called up",
    "enlisted": "men enlisted",
    "involuntary_stayers": "men who want to go and cannot",
    "stock_men": "men abroad",
    "stock_persons": "persons abroad",
    "registrations": "registrations",
    "educated_share": "share with higher education",
    "passport_share": "share with a passport",
}

PREPOSITIONS = {"exits": "from", "departures": "for", "departures_expected": "for"}
SHARES = ("educated_share", "passport_share")


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


def named(name: str, scenario: Scenario, varied: Varied | None = None) -> Named:
    """Name a parameter: by its title in the sweep file, else from the key it moves.

    Parameters
    ----------
    name : str
        Dotted key, or the name of a parameter that moves other keys.
    varied : Varied, optional
        What the sweep file says of it.
    """
    moved = [name]
    if varied is not None and varied.keys is not None:
        moved = [key for key, how in varied.keys.items() if how.times == 1]
    is_case = varied is not None and varied.levels is not None
    unit = unit_of(moved[0], scenario) if moved and not is_case else ""
    title = varied.title if varied is not None else ""
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
    """Return a short label of a dotted key: from the tables above, else from its own words."""
    if key in KEYS:
        return KEYS[key]
    parts = key.split(".")
    block, last = parts[0], parts[-1]
    if block == "choice" and len(parts) == 3:
        last, parts = parts[1], [block, parts[2], parts[1]]
    pattern = _pattern(parts, scenario) if len(parts) > 2 else None
    if pattern is not None:
        place = _name(parts, scenario)
        if block == "policies" and _is_country(place, scenario) and " at {place}" in pattern:
            place = f"crossings to {place}"
        return pattern.format(place=place, policy=_words(parts[1]))
    words = _words(last)
    if len(parts) < 2:
        return words
    if len(parts) > 2:
        return f"{words}, {_name(parts, scenario)}"
    return (
        words
        if "_" in last or block in ("population", "travel")
        else (f"{words} of {BLOCKS.get(block, _words(block))}")
    )


def _pattern(parts: list[str], scenario: Scenario) -> str | None:
    """Return how a field of a named thing is called, with blanks for place and policy."""
    block, name, last = parts[0], parts[1], parts[-1]
    if block != "policies":
        return FIELDS.get((block, last))
    known = scenario.policies.get(name)
    for kind in [type(known)] if known is not None else KINDS.values():
        for key, field in kind.model_fields.items():
            if (field.alias or key) == last:
                return field.title
    return None


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


def _name(parts: list[str], scenario: Scenario) -> str:
    """Return the name of the place that a key of a block of named things is about."""
    block, name = parts[0], parts[1]
    if block == "policies":
        policy = scenario.policies.get(name)
        return _places(policy.places, scenario) if policy and policy.places else _words(name)
    return _places((name,), scenario)


def _places(places: tuple[str, ...], scenario: Scenario) -> str:
    if "all" in places:
        return ALL_PLACES
    if len(places) > 1:
        return f"{len(places)} crossings"
    place = places[0]
    if place in scenario.crossings:
        return scenario.crossings[place].name
    if place in scenario.destinations:
        return scenario.destinations[place].name
    return _words(place)


def _is_country(name: str, scenario: Scenario) -> bool:
    return any(country.name == name for country in scenario.destinations.values())


def _words(name: str) -> str:
    return name.replace("_", " ").replace("-", " ").strip()


def place_name(place_id: str, scenario: Scenario) -> str:
    """Return the name of a place of the tables; empty for the nation."""
    if place_id in ("RU", ""):
        return ""
    for country in scenario.destinations.values():
        if country.code == place_id:
            return country.name
    if place_id in scenario.crossings:
        return scenario.crossings[place_id].name
    regions = sources.regions()
    names = {figure.place_id: figure.place for figure in sources.observations()}
    names |= dict(zip(regions.code, regions.name, strict=True))
    return names.get(place_id, place_id)


def output_label(measure: str, place_id: str, scenario: Scenario) -> str:
    """Name what an output counts, and where."""
    words = MEASURES.get(measure, _words(measure))
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
