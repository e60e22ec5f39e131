"""The report of a comparison: the same men in several scenarios."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd

from flowsim import comparison
from flowsim.comparison.lambdas import VALUES
from flowsim.findings import coinciding, inputs, pairs
from flowsim.findings import comparison as words
from flowsim.findings.account import Account
from flowsim.findings.words import listed, period, plural, sampled
from flowsim.report import drawings, making, reception
from flowsim.report.document import Block, Document, Paragraph, Section, section
from flowsim.report.of_run import limits, scenario_file
from flowsim.report.variants import REPLICATIONS, SAMPLE
from flowsim.results.comparison import Comparison
from flowsim.results.opening import open_comparison
from flowsim.scenario.schema import Scenario

SAME = (
    "The tables come out the same to the byte, whatever the number of workers: compare the "
    "SHA-256 below with those in the manifest.json of the new folder. The scenario files travel "
    "inside this report."
)


def compose(
    folder: Path, quick: bool, tell: Callable[[str], None]
) -> tuple[Document, dict[str, str]]:
    """Return what a comparison found, and the tables of its reception sheets beside it."""
    found = open_comparison(folder)
    figures = drawings.section(folder, "comparison")
    sheets, tables = _sheets(found)
    explained = coinciding.finding(found.shapley)
    sections = [
        _answer(found),
        *(part for n, pair in enumerate(pairs.pairs(found), 1) for part in _pair(pair, n)),
        figures,
        *([section(explained)] if explained.sentences else []),
        *_lambdas(found, quick, tell),
        limits(found.scenarios, tuple(coinciding.doubts(found.shapley))),
        *sheets,
        *_inputs(found),
        making.reproduce(_commands(found), found.manifest, SAME),
        making.cited(found.manifest, found.scenarios),
    ]
    document = Document(
        title=f"{pairs.quoted(found.scenarios[1:])} beside {pairs.quoted(found.scenarios[:1])}",
        subtitle="Report on a comparison: the same men in several simulated scenarios",
        facts=_facts(found),
        sections=tuple(sections),
        attachments=tuple(scenario_file(s, f"scenario-{s.name}.yaml") for s in found.scenarios),
    )
    return document, tables


def _answer(found: Comparison) -> Section:
    blocks: list[Block] = [Paragraph(pairs.headline(p), "lead") for p in pairs.pairs(found)]
    blocks.append(Paragraph(words.caution(found), "caution"))
    return Section("answer", "What the comparison says", tuple(blocks))


def _pair(pair: pairs.Pair, number: int) -> list[Section]:
    top, *rest = pairs.findings(pair, number)
    return [section(top), *(section(part, level=3) for part in rest)]


def _sheets(found: Comparison) -> tuple[list[Section], dict[str, str]]:
    sections: list[Section] = []
    tables: dict[str, str] = {}
    for scenario in found.scenarios:
        daily, outcomes = (
            t[t["scenario"].astype(str).eq(scenario.name)] for t in (found.daily, found.outcomes)
        )
        more, files = reception.sheets(Account(scenario, daily, outcomes), of=scenario.name)
        sections += more
        tables |= files
    return sections, tables


def _lambdas(found: Comparison, quick: bool, tell: Callable[[str], None]) -> list[Section]:
    how = ""
    if found.lambdas.empty:
        if quick:
            return []
        n, sample = min(REPLICATIONS, found.replications), min(SAMPLE, found.manifest["sample"])
        how = f"{sampled(sample)}, {plural(n, 'replication')}"
        tell(f"comparing under other values of lambda, with {sampled(sample)}")
        other = comparison.compare(
            found.scenarios,
            replications=n,
            sample=sample,
            workers=1,
            terms=False,
            shapley=False,
            by_lambda=VALUES,
        )
        found = replace(found, known=found.known | {"lambda": other.lambdas})
    return [section(words.under_lambdas(found, how))]


def _inputs(found: Comparison) -> list[Section]:
    first, *others = found.scenarios
    between = [
        section(inputs.differences(other, first, key=f"differences-{place}"))
        for place, other in enumerate(others, 2)
    ]
    return [section(inputs.differences(first)), *between, section(inputs.everything(first))]


def _facts(found: Comparison) -> tuple[tuple[str, str], ...]:
    first = found.scenarios[0]
    return (
        ("Scenarios", listed(found.names)),
        ("Period", period_of(first)),
        ("Sample", sampled(first.sample)),
        ("Replications", f"{found.replications}, the same men in each scenario"),
        ("Seed", str(first.seed)),
        ("Made with", f"flowsim {found.manifest['versions']['flowsim']}"),
    )


def period_of(scenario: Scenario) -> str:
    """Write the days that a scenario simulates."""
    last = scenario.horizon.end - pd.Timedelta(days=1)
    return period(scenario.horizon.start.date(), last.date())


def _commands(found: Comparison) -> tuple[str, ...]:
    files = " ".join(f"scenario-{name}.yaml" for name in found.names)
    command = (
        f"flowsim compare {files} --replications {found.replications} "
        f"--sample {found.manifest['sample']:g}"
    )
    if found.manifest.get("lambdas"):
        command += f" --lambda {','.join(f'{value:g}' for value in found.manifest['lambdas'])}"
    command += "" if found.manifest.get("coinciding") else " --no-shapley"
    command += " --no-terms" if found.terms.empty else ""
    return (*making.wrapped(f"{command} --out again"), "flowsim report again")
