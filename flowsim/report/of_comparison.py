"""The report of a comparison: the same men in several scenarios."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from flowsim import comparison
from flowsim.comparison.coincidence import coinciding as divided
from flowsim.findings import coinciding, pairs
from flowsim.findings import comparison as words
from flowsim.findings.account import Account
from flowsim.findings.finding import Finding
from flowsim.findings.naming import facts
from flowsim.findings.words import listed, plural, sampled
from flowsim.report import making, reception
from flowsim.report.arranging import Draft, arranged, scenario_file
from flowsim.report.document import Document, Options, Section, section
from flowsim.report.variants import REPLICATIONS, SAMPLE
from flowsim.results.comparison import Comparison
from flowsim.results.opening import open_comparison
from flowsim.scenario.lambdas import VALUES

SAME = (
    "The tables come out the same to the byte, whatever the number of workers: compare the "
    "SHA-256 in their manifest.json. The scenario files travel inside this report."
)


def compose(folder: Path, how: Options) -> tuple[Document, dict[str, str]]:
    """Return what a comparison found; the long one has reception sheets, and tables beside it."""
    found = open_comparison(folder)
    sheets, tables = _sheets(found) if how.full else ([], {})
    explained = coinciding.finding(found.shapley)
    both = [(pair, f"pair-{n}") for n, pair in enumerate(pairs.pairs(found), 1)]
    draft = Draft(
        title=f"{pairs.quoted(found.scenarios[1:])} beside {pairs.quoted(found.scenarios[:1])}",
        subtitle="Report on a comparison: the same men in several simulated scenarios",
        facts=facts(
            found.manifest,
            found.scenario,
            ("Scenarios", listed(found.names)),
            ("Replications", f"{found.replications}, the same men in each scenario"),
        ),
        question="What the comparison says",
        lead=tuple(pairs.headline(pair) for pair, _ in both),
        cautions=(words.caution(found),),
        answers=(),
        scenarios=found.scenarios,
        commands=_commands(found),
        same=SAME,
        attachments=tuple(scenario_file(s, f"scenario-{s.name}.yaml") for s in found.scenarios),
        front=("switches",),
        pages=tuple(section(_under_headline(pairs.first(pair, key))) for pair, key in both),
        appendix=(
            *(section(part) for pair, key in both for part in pairs.more(pair, key)),
            *((section(explained),) if explained.sentences else ()),
            *_lambdas(found, how),
            *sheets,
        ),
        baseline=False,
    )
    return arranged(draft, found, folder, how.full), tables


def _under_headline(first: Finding) -> Finding:
    """Leave out the sentence that opens the report."""
    return replace(first, sentences=first.sentences[1:])


def _sheets(found: Comparison) -> tuple[list[Section], dict[str, str]]:
    sections: list[Section] = []
    tables: dict[str, str] = {}
    for scenario in found.scenarios:
        daily, outcomes = (
            t[t["scenario"].astype(str).eq(scenario.name)] for t in (found.daily, found.outcomes)
        )
        more, files = reception.sheets(Account(scenario, daily, outcomes), several=True)
        sections += more
        tables |= files
    return sections, tables


def _lambdas(found: Comparison, how: Options) -> list[Section]:
    simulated = ""
    if found.lambdas.empty:
        if how.quick:
            return []
        n, sample = min(REPLICATIONS, found.replications), min(SAMPLE, found.manifest["sample"])
        simulated = f"{sampled(sample)}, {plural(n, 'replication')}"
        how.announce(f"comparing under other values of lambda, with {sampled(sample)}")
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
    return [section(words.under_lambdas(found, simulated))]


def _commands(found: Comparison) -> tuple[str, ...]:
    files = " ".join(f"scenario-{name}.yaml" for name in found.names)
    command = (
        f"flowsim compare {files} --replications {found.replications} "
        f"--sample {found.manifest['sample']:g} --posterior {found.manifest.get('draws', 0)}"
    )
    if found.manifest.get("lambdas"):
        command += f" --lambda {','.join(f'{value:g}' for value in found.manifest['lambdas'])}"
    asked, unasked = bool(found.manifest.get("coinciding")), divided(found.scenarios)
    if asked != bool(unasked):
        command += " --shapley" if asked else " --no-shapley"
    command += " --no-terms" if found.terms.empty else ""
    return (*making.wrapped(f"{command} --out again"), "flowsim report again")
