"""Rewrite the parameter tables of docs/ODD.md from the baseline, and the references of files.

A table stands between ``<!-- parameters: NAME -->`` and ``<!-- end -->``; what is written
there by hand is lost. ``python docs/make_tables.py`` after every change of the baseline.
"""

from __future__ import annotations

import re
import runpy
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from flowsim.scenario import assumptions, load
from flowsim.scenario.schema import Scenario
from flowsim.scenario.writing import Row

ODD = Path(__file__).with_name("ODD.md")
BLOCK = re.compile(r"(<!-- parameters: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

BLOCKS: dict[str, tuple[str, ...]] = {
    "population": (r"population\.",),
    "choice": (r"panic\.", r"choice\.", r"policies\.rumour"),
    "news": (r"news\.",),
    "journey": (r"travel\.", r"policies\.entry_limit"),
    "call-up": (r"call_up\.",),
    "queue": (
        r"policies\.foot_lane",
        r"border\.(patience|background)",
        r"destinations\.\w+\.(background|background_weekday|background_season)$",
    ),
    "checks": (
        r"policies\.(task_force|list_check)",
        r"border\.second_try",
        r"destinations\.\w+\.refusal$",
    ),
    "abroad": (
        r"ordinary_stay\.",
        r"abroad\.",
        r"destinations\.\w+\.(background_exits|ordinary_stay|present_before|registration_delay)",
        r"capacities\.",
        r"needs\.",
    ),
    "observation": (r"observation\.",),
    "crossings": (r"crossings\.",),
}
"""Which keys, as regular expressions, stand in which block."""


def block_of(key: str) -> str:
    """Return the block in which a parameter stands; ``KeyError`` if there is none."""
    for name, patterns in BLOCKS.items():
        if any(re.match(pattern, key) for pattern in patterns):
            return name
    raise KeyError(f"{key} has no table in docs/ODD.md; add it to BLOCKS in docs/make_tables.py")


def _basis(source: str) -> tuple[str, str]:
    """Part a source into its basis (data, literature, assumption, calibrated) and the rest."""
    basis, _, rest = source.partition(":")
    return basis, rest.strip().replace("|", "/")


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |\n"


def parameter_table(rows: list[Row]) -> str:
    """Make the Markdown table of some parameters."""
    text = _line(("key", "unit", "value", "free", "basis", "source"))
    text += _line(["---"] * 6)
    for row in rows:
        free = "" if row.free is None else f"{row.free[0]:g} to {row.free[1]:g}"
        basis, source = _basis(row.source)
        text += _line((f"`{row.key}`", row.unit, row.value, free, basis, source))
    return text


def crossing_table(rows: list[Row]) -> str:
    """Make the table with one line for each crossing."""
    crossings: dict[str, dict[str, Row]] = defaultdict(dict)
    for row in rows:
        _, crossing, name = row.key.split(".")
        crossings[crossing][name] = row
    columns = ("size_weight", "background_share", "capacity")
    text = _line(("crossing", *(f"`{name}`" for name in columns), "more", "basis and source"))
    text += _line(["---"] * 6)
    for crossing, numbers in crossings.items():
        more = [f"`{name}` {row.value}" for name, row in numbers.items() if name not in columns]
        sources: dict[str, list[str]] = defaultdict(list)
        for name, row in numbers.items():
            sources[row.source.replace("|", "/")].append(name)
        origin = "; ".join(f"{', '.join(names)}: {source}" for source, names in sources.items())
        values = (numbers[name].value if name in numbers else "" for name in columns)
        text += _line((f"`crossings.{crossing}`", *values, "; ".join(more), origin))
    return text


def tables(scenario: Scenario) -> dict[str, str]:
    """Return the table of each block."""
    rows: dict[str, list[Row]] = {name: [] for name in BLOCKS}
    for row in assumptions(scenario):
        rows[block_of(row.key)].append(row)
    return {
        name: (crossing_table if name == "crossings" else parameter_table)(some)
        for name, some in rows.items()
    }


def updated(text: str, scenario: Scenario) -> str:
    """Return the text with every marked block made anew."""
    made = tables(scenario)
    missing = set(made) - {found[1] for found in BLOCK.findall(text)}
    if missing:
        raise KeyError(f"docs/ODD.md has no block for: {', '.join(sorted(missing))}")
    return BLOCK.sub(lambda found: found[1] + made[found[2]] + found[3], text)


def main() -> None:
    """Rewrite docs/ODD.md, and what ``make_reference.py`` makes."""
    text = ODD.read_text(encoding="utf-8")
    ODD.write_text(updated(text, load("september-2022")), encoding="utf-8")
    runpy.run_path(str(ODD.with_name("make_reference.py")), run_name="__main__")


if __name__ == "__main__":
    main()
