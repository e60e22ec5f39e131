"""The report of one run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from flowsim.findings import doubts, inputs, lambdas, published, run
from flowsim.findings.account import Account
from flowsim.report import drawings, making, reception
from flowsim.report.document import (
    Attachment,
    Block,
    Bullets,
    Document,
    Paragraph,
    Section,
    section,
)
from flowsim.report.variants import Variants, simulated
from flowsim.results.opening import open_run
from flowsim.results.run import Run
from flowsim.scenario import resolved_yaml
from flowsim.scenario.schema import Scenario

SAME = (
    "The tables come out the same to the byte: compare the SHA-256 below with those in the "
    "manifest.json of the new folder. With another version of NumPy the last digits may differ. "
    "The scenario file travels inside this report."
)
DRAWN = (
    " The draws are those of the posterior that ships with this version; a drawn parameter that "
    "was set by hand is drawn again unless it is set again."
)


def compose(
    folder: Path, quick: bool, tell: Callable[[str], None]
) -> tuple[Document, dict[str, str]]:
    """Return what a run came to, and the tables of its reception sheets beside it.

    Parameters
    ----------
    quick : bool
        Leave out what has to be simulated anew (other values of lambda).
    """
    found = open_run(folder)
    scenario = found.scenario
    account = Account.of(found)
    figures = drawings.section(folder, "run")
    others = None if quick else simulated(scenario, len(account.replications), tell)
    sheets, tables = reception.sheets(account, others)
    same = SAME + (DRAWN if found.draws is not None else "")
    sections = [
        answer(account),
        *described(scenario.description),
        figures,
        *([lambda_section(others)] if others else []),
        section(published.of_run(found.summary, scenario, found.posterior_summary)),
        limits([scenario]),
        *sheets,
        section(inputs.differences(scenario)),
        section(inputs.everything(scenario)),
        making.reproduce(_commands(found), found.manifest, same),
        making.cited(found.manifest, [scenario], list(found.summary.get("observation", ()))),
    ]
    document = Document(
        title=scenario.title.strip() or scenario.name,
        subtitle="Report on a simulated scenario",
        facts=run.facts_of(account, found.manifest),
        sections=tuple(sections),
        attachments=(scenario_file(scenario),),
    )
    return document, tables


def answer(account: Account) -> Section:
    """Return the first section: who left, what to beware of, and every other finding."""
    first, *rest = (words for topic in run.topics(account) for words in topic.sentences)
    cautions = [*run.changes(account), *run.cautions(account)]
    blocks: tuple[Block, ...] = (
        Paragraph(first, "lead"),
        *(Paragraph(words, "caution") for words in cautions),
        Bullets(tuple(rest)),
    )
    return Section("answer", "What the simulation says", blocks)


def lambda_section(others: Variants) -> Section:
    """Return what changes under other values of lambda."""
    return section(lambdas.of_run(others.lambdas, others.own, others.words))


def limits(scenarios: Sequence[Scenario], extra: Sequence[str] = ()) -> Section:
    """Return what the data cannot tell."""
    return section(doubts.finding(scenarios, extra), [Paragraph(doubts.ABOUT)])


def scenario_file(scenario: Scenario, name: str = "scenario.yaml") -> Attachment:
    """Return a scenario as the file that runs it again."""
    return Attachment(name, resolved_yaml(scenario), "the scenario as it was run, complete")


def described(description: str) -> list[Section]:
    """Return what the author of a scenario wrote about it; nothing if he wrote nothing."""
    if not description.strip():
        return []
    return [Section("question", "In its author's words", (Paragraph(description),))]


def _commands(found: Run) -> tuple[str, ...]:
    n, engine = found.manifest["replications"], found.manifest.get("engine", "columns")
    command = "flowsim run scenario.yaml"
    if found.draws is not None:
        command += f" --posterior {len(found.draws)}"
    elif n > 1:
        command += f" --replications {n}"
    command += f" --engine {engine}" if engine != "columns" else ""
    return (f"{command} --out again", "flowsim report again")
