"""What `flowsim check` shows: policies, what differs, what is said in vain, how many numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from itertools import groupby

from flowsim.findings.finding import Finding, Table
from flowsim.findings.inputs import BASELINE, GONE, NONE, SETTING, differences, is_unsure
from flowsim.findings.naming import places_name
from flowsim.findings.words import elided, period, plural, short_day
from flowsim.scenario import Row, as_shipped, assumptions
from flowsim.scenario.idle import deterring_nobody, idle
from flowsim.scenario.schema import ENTRIES, Scenario

KEYS = 40  # characters of names of keys beside the counts of a block


def findings(scenario: Scenario, base: Scenario | None = None) -> Iterator[Finding]:
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
        changes = [
            line for table in found.tables for line in _changes(table.rows, scenario, against)
        ]
        yield Finding(found.key, found.title, (*found.sentences, *changes))
    vain = tuple(_in_vain(scenario, base))
    if vain:
        yield Finding("vain", "What can have no effect", vain)
    yield _blocks(assumptions(scenario))


def _in_vain(scenario: Scenario, base: Scenario | None) -> Iterator[str]:
    """Return which numbers can have no effect, and which checks keep nobody at home, and why.

    What the scenario below says in vain as well is left out where nothing is changed in it.
    """
    changed = [
        str(row[0])
        for table in ([] if base is None else differences(scenario, base).tables)
        for row in table.rows
    ]
    for found, words in ((idle, "can have no effect"), (deterring_nobody, "keeps nobody at home")):
        below = [] if base is None else list(found(base))
        for key, why in found(scenario):
            if (key, why) not in below or any(f"{one}.".startswith(f"{key}.") for one in changed):
                yield f"{key} {words}: {why}."


def _policies(scenario: Scenario, base: Scenario | None) -> Finding:
    """Return the policies with places and dates; those that the base has not are marked."""
    known = scenario.policies if base is None else base.policies
    start, last = scenario.horizon.start, scenario.horizon.end - timedelta(days=1)
    rows = tuple(
        (
            name,
            ", ".join(filter(None, (policy.label, places_name(policy.places, scenario))))
            + (" (new)" if name not in known else ""),
            *(_moment(at, start.year) for at in policy.span),
        )
        for name, policy in scenario.policies.items()
    )
    marked = frozenset(n for n, row in enumerate(rows) if row[0] not in known)
    caption = f"Simulated from {period(start, last)}"
    table = Table(caption, ("Policy", "What and where", "From", "Until"), rows, marked=marked)
    return Finding("policies", "Policies", (), (table,))


def _moment(at: datetime | None, year: int) -> str:
    """Write a moment as briefly as it can be understood; nothing for none."""
    if at is None:
        return ""
    return (
        short_day(at)
        + (f" {at.year}" if at.year != year else "")
        + (f"{at:, %H:%M}" * (at.hour > 0))
    )


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
    header = ("Block", "Numbers", "Assumed", "Keys")
    table = Table("By block", header, tuple(lines), align="lrrl")
    return Finding("numbers", "Numbers", (words,), (table,))


def as_data(scenario: Scenario, base: Scenario | None = None) -> dict[str, object]:
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
