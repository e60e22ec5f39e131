"""The report of one run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flowsim.experiments.running import Run, open_run
from flowsim.findings import headlines
from flowsim.findings.account import Account
from flowsim.findings.words import count, period
from flowsim.report import doubts, drawings, inputs, lambdas, making, published, reception
from flowsim.report.document import Attachment, Document, Paragraph, Section
from flowsim.report.variants import simulated
from flowsim.scenario import resolved_yaml
from flowsim.scenario.schema import Scenario


def compose(
    folder: Path, quick: bool, tell: Callable[[str], None]
) -> tuple[Document, dict[str, str]]:
    """Return what a run came to; give the tables of its reception sheets beside it.

    Parameters
    ----------
    quick : bool
        Leave out what has to be simulated anew (other values of lambda).
    """
    run = open_run(folder)
    scenario = run.scenario
    account = Account(scenario, run.daily, run.outcomes)
    figures = drawings.section(folder, "run")
    others = None if quick else simulated(scenario, len(account.replications), tell)
    sheets, tables = reception.sheets(account, others)
    sections = [
        headlines.section(account, run.posterior),
        *described(scenario.description),
        figures,
        *([lambdas.section(scenario, others)] if others else []),
        published.section(run.summary, scenario),
        doubts.section([scenario]),
        *sheets,
        inputs.differences(scenario),
        inputs.everything(scenario),
        making.reproduce(
            _commands(run), run.manifest, SAME + (DRAWN if run.draws is not None else "")
        ),
        making.cited(run.manifest, [scenario], list(run.summary.get("observation", ()))),
    ]
    document = Document(
        title=scenario.title.strip() or scenario.name,
        subtitle="Report on a simulated scenario",
        facts=facts(account, run.manifest),
        sections=tuple(sections),
        attachments=(scenario_file(scenario, "scenario.yaml"),),
    )
    return document, tables


def scenario_file(scenario: Scenario, name: str) -> Attachment:
    """Return a scenario as the file that runs it again."""
    return Attachment(name, resolved_yaml(scenario), "the scenario as it was run, complete")


SAME = (
    "The tables come out the same to the byte: compare the SHA-256 below with those in the "
    "manifest.json of the new folder. With another version of NumPy the last digits may differ. "
    "The scenario file travels inside this report."
)

DRAWN = (
    " The draws are those of the posterior that ships with this version; a drawn parameter that "
    "was set by hand is drawn again unless it is set again."
)


def facts(account: Account, manifest: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return what must be said with every number quoted."""
    scenario = account.scenario
    versions = manifest.get("versions", {})
    sample = "all men" if scenario.sample == 1 else f"{100 * scenario.sample:.3g} % of the men"
    return (
        ("Scenario", scenario.name),
        ("Period", period(scenario.horizon.start.date(), account.last_day)),
        ("Men", f"{count(float(account.men().mean()))}, aged 18 to 59"),
        ("Sample", sample),
        ("Replications", str(len(account.replications))),
        ("Seed", str(scenario.seed)),
        ("Made with", f"flowsim {versions.get('flowsim', '')}".strip()),
    )


def described(description: str) -> list[Section]:
    """Return what the author of a scenario wrote about it; nothing if he wrote nothing."""
    if not description.strip():
        return []
    words = Paragraph(description)
    return [Section("question", "The scenario in its author's words", (words,))]


def _commands(run: Run) -> tuple[str, ...]:
    n, engine = run.manifest["replications"], run.manifest.get("engine", "columns")
    command = "flowsim run scenario.yaml"
    if run.draws is not None:
        command += f" --posterior {len(run.draws)}"
    elif n > 1:
        command += f" --replications {n}"
    command += f" --engine {engine}" if engine != "columns" else ""
    return (
        f"{command} --out again",
        "flowsim report again",
    )
