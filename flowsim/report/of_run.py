"""The report of one run."""

from __future__ import annotations

from pathlib import Path

from flowsim.findings import lambdas, press, published, run
from flowsim.findings.account import Account
from flowsim.report import reception
from flowsim.report.arranging import Draft, arranged, described, scenario_file
from flowsim.report.document import Document, Options, Section, section
from flowsim.report.variants import Variants, simulated
from flowsim.results.opening import open_run
from flowsim.results.run import Run

SAME = (
    "The tables come out the same to the byte: compare the SHA-256 of their manifest.json. With "
    "another version of NumPy the last digits may differ. The scenario file travels inside this "
    "report."
)
DRAWN = (
    " The draws are those of the posterior that ships with this version; a drawn parameter that "
    "was set by hand is drawn again unless it is set again."
)


def compose(folder: Path, how: Options) -> tuple[Document, dict[str, str]]:
    """Return what a run came to, and the tables of its reception sheets beside it."""
    found = open_run(folder)
    scenario, account = found.scenario, Account.of(found)
    n = len(account.replications)
    others = None if how.quick else simulated(scenario, n, how.announce)
    sheets, tables = reception.sheets(account, others)
    beside = published.of_run(found.summary, scenario, found.posterior_summary, how.full)
    topics = run.topics(account)
    lead = run.lead(account, topics)
    answers = run.headlines(topics)[len(lead) :]
    totals = press.totals(account)
    more = run.further(topics)
    draft = Draft(
        title=scenario.title.strip() or scenario.name,
        subtitle="Report on a simulated scenario",
        facts=run.facts_of(account, found.manifest),
        question="What the simulation says",
        lead=lead,
        cautions=(*run.changes(account), *run.cautions(account)),
        answers=answers,
        scenarios=[scenario],
        commands=_commands(found),
        same=SAME + (DRAWN if found.draws is not None else ""),
        attachments=(scenario_file(scenario),),
        front=(("headline",) if totals.tables else ()) + ("entries", "outcomes"),
        appendix=(
            *described(scenario.description),
            *((section(more),) if more.sentences else ()),
            *((section(totals),) if totals.tables else ()),
            section(beside),
            *((lambda_section(others),) if others else ()),
            *sheets,
        ),
        shown=tuple(found.summary.get("observation", ())) if how.full else (),
    )
    return arranged(draft, found, folder, how.full), tables


def lambda_section(others: Variants) -> Section:
    """Return what changes under other values of lambda."""
    return section(lambdas.of_run(others.lambdas, others.own, others.words))


def _commands(found: Run) -> tuple[str, ...]:
    n, engine = found.manifest["replications"], found.manifest.get("engine", "columns")
    command = "flowsim run scenario.yaml"
    if found.draws is not None:
        command += f" --posterior {len(found.draws)}"
    elif n > 1:
        command += f" --replications {n}"
    command += f" --engine {engine}" if engine != "columns" else ""
    return (f"{command} --out again", "flowsim report again")
