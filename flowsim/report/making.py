"""How to make the numbers again, and whose they are."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flowsim.findings.finding import Link, Table, Words
from flowsim.findings.inputs import MODEL, cited_ids
from flowsim.report.document import Attachment, Bullets, Commands, Paragraph, Section
from flowsim.scenario import assumptions
from flowsim.scenario.observing import figures_of
from flowsim.scenario.schema import Scenario

ODD = "ODD.md"
EPISODE = "the outflow from Russia after the mobilisation of September 2022"
VERSIONS = ("flowsim", "python", "numpy", "mesa", "pandas")
DATA = (
    "Men by age band, education, income: Rosstat (1 January 2022; census of 2021; 2020); incomes "
    "by way of the replication files of A. Bessudnov (2023), Ethnic and regional inequalities in "
    "the Russian military fatalities in Ukraine. Source: Rosstat.",
    "Called-up men and passports by region: flowsim's own estimates from press figures, surveys "
    "and the same replication files; low trust.",
    "Outlines and coordinates: made with Natural Earth (public domain); contains data from "
    "GeoNames (CC BY 4.0).",
    "Published figures and dates: facts from authorities, agencies and newspapers, cited row by "
    "row in flowsim/data/observations.csv and timeline.csv.",
)
OWN_DATA = (
    "Regions, crossings, distances, outlines and published figures: the scenario's own tables, "
    "as they stand in scenario.yaml.",
)


def reproduce(
    commands: tuple[str, ...], manifest: Mapping[str, Any], same: str, tables: bool = True
) -> Section:
    """Return how to make the folder again and how to see that it is the same.

    Parameters
    ----------
    commands : tuple of str
        To be typed in the folder.
    same : str
        What must agree afterwards.
    tables : bool
        Whether to list the hashes of its tables too.
    """
    versions = manifest.get("versions", {})
    known = [name for name in VERSIONS if name in versions]
    known += sorted(versions.keys() - known)
    made = [(name, str(versions[name])) for name in known]
    made += [(f"scenario {name}, SHA-256", of) for name, of in manifest["scenarios"].items()]
    made += [("data, SHA-256", str(manifest["data_hash"]))]
    hashes = manifest.get("tables", {}) if tables else {}
    made += [(f"{name}, SHA-256", str(hashes[name])) for name in sorted(hashes)]
    rows: tuple[tuple[Words, ...], ...] = tuple((name, value) for name, value in made)
    table = Table("Versions and hashes of this folder", ("What", "Value"), rows, widths=(1.2, 3.0))
    start = f"In the folder of these results, with flowsim {versions.get('flowsim', '')}:"
    blocks = (Paragraph(start), Commands(commands), Paragraph(same), table)
    return Section("reproduce", "How to make it again", blocks)


def model(sections: Sequence[str]) -> tuple[Section, Attachment]:
    """Return what the cited sections of the model description are about, and its text."""
    package = Path(__file__).resolve().parents[1]  # a wheel has it inside, a source tree beside
    places = [place / "docs" / ODD for place in (package, package.parent)]
    text = next(place for place in places if place.is_file()).read_text(encoding="utf-8")
    titles = dict(re.findall(r"^##+ ([\d.]*\d)\.? (.*)$", text, re.MULTILINE))
    listed = tuple(f"Section {number}: {titles.get(number, '')}" for number in sections)
    where = Paragraph(f"{ODD} comes with flowsim; HTML and PDF hold it. Cited are:")
    blocks = (where, Bullets(listed))
    section = Section(MODEL.removeprefix("#"), "The model description, docs/ODD.md", blocks)
    return section, Attachment(ODD, text, "the model description, which sources cite by section")


def cited(
    manifest: Mapping[str, Any],
    scenarios: Sequence[Scenario],
    shown: Sequence[str] = (),
    full: bool = True,
) -> Section:
    """Return how to cite, and list the sources of the published figures behind a report.

    Parameters
    ----------
    scenarios : sequence of Scenario
        Whose numbers name observations (such as GE001) as their sources.
    shown : sequence of str
        Ids of observations that the report shows.
    full : bool
        Whether to list what the numbers of the scenarios name too.
    """
    version = manifest.get("versions", {}).get("flowsim", "")
    numbers = scenarios if full else ()
    named = {one for s in numbers for row in assumptions(s) for one in cited_ids(row.source)}
    links: dict[tuple[str, str], list[str]] = {}
    figures = [figure for scenario in scenarios for figure in figures_of(scenario)]
    for figure in dict.fromkeys(figures):
        if figure.id in named | set(shown):
            links.setdefault((figure.source_name, figure.source_url), []).append(figure.id)
    own = [scenario.home for scenario in scenarios if scenario.nation is not None]
    cite = (
        f"flowsim {version}: an agent-based model of "
        + (f"departures from {own[0].name} under a call-up" if own else EPISODE)
        + "; with the scenario, the seed and the sample named at the head of this report."
    )
    listed = [(f"{', '.join(ids)}: ", Link(*source)) for source, ids in links.items()]
    items: tuple[Words, ...] = (cite, *(OWN_DATA if own else DATA), *listed)
    blocks = (Paragraph("When you quote, cite:"), Bullets(items))
    return Section("sources", "Whose numbers these are", blocks)


def wrapped(text: str) -> tuple[str, ...]:
    """Break a long command so that it can still be copied as it stands."""
    lines = textwrap.wrap(text, 90, break_long_words=False, break_on_hyphens=False)
    return tuple(f"{line} \\" if line is not lines[-1] else line for line in lines)
