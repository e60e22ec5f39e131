"""The report of a sweep: how far the answer moves over a design, and what moves it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from flowsim.findings import inputs, sweep
from flowsim.findings.words import listed, plural, sampled
from flowsim.report import drawings, making
from flowsim.report.document import (
    Attachment,
    Bullets,
    Document,
    Paragraph,
    Section,
    section,
)
from flowsim.report.of_comparison import period_of
from flowsim.report.of_run import described, lambda_section, limits
from flowsim.report.variants import simulated
from flowsim.results.opening import open_sweep
from flowsim.results.sweep import SweepResults
from flowsim.scenario.schema import Scenario
from flowsim.sweep.file import sweep_of

SAME = (
    "The tables come out the same to the byte, whatever the number of workers or machines: compare "
    "the SHA-256 below with those in the manifest.json of the new folder. The sweep file travels "
    "inside this report."
)


def compose(
    folder: Path, quick: bool, tell: Callable[[str], None]
) -> tuple[Document, dict[str, str]]:
    """Return what a sweep found; there are no tables beside it."""
    swept = open_sweep(folder)
    bases = [base.scenario for base in sweep_of(swept).bases]
    n = int(swept.manifest["replications"])
    others = None if quick else simulated(_as_run(bases[0], swept), n, tell)
    indices = sweep.sensitivity(swept)
    caution, ranges = (
        Paragraph(sweep.caution(swept), "caution"),
        Bullets(tuple(sweep.ranges(swept))),
    )
    sections = [
        Section("answer", "What the sweep says", (caution, ranges)),
        *described(sweep_of(swept).description),
        section(sweep.design(swept)),
        drawings.section(folder, "sweep"),
        *([section(indices)] if indices.tables else []),
        *([lambda_section(others)] if others else []),
        limits(bases, sweep.doubts(swept)),
        *(
            section(inputs.differences(base, key=f"differences-{n}"))
            for n, base in enumerate(bases, 1)
        ),
        section(inputs.everything(bases[0])),
        making.reproduce(("flowsim sweep sweep.yaml --out again",), swept.manifest, SAME),
        making.cited(swept.manifest, bases),
    ]
    document = Document(
        title=sweep_of(swept).title or sweep_of(swept).name,
        subtitle="Report on a sweep: a simulated scenario at many points",
        facts=_facts(swept, bases[0]),
        sections=tuple(sections),
        attachments=tuple(
            Attachment(name, text, "what was swept")
            for name, text in sweep_of(swept).files().items()
        ),
    )
    return document, {}


def _as_run(scenario: Scenario, swept: SweepResults) -> Scenario:
    seed = sweep_of(swept).seed
    update = {"sample": sweep_of(swept).sample} | ({} if seed is None else {"seed": seed})
    return scenario.model_copy(update=update)


def _facts(swept: SweepResults, scenario: Scenario) -> tuple[tuple[str, str], ...]:
    said = swept.manifest
    seeds = sorted({str(seed) for seed in said["seeds"].values()})
    each = plural(int(said["replications"]), "replication")
    return (
        ("Scenarios", listed(list(said["scenarios"]))),
        ("Period", period_of(scenario)),
        ("Design", f"{said['design']}, {plural(int(said['points']), 'point')}"),
        ("Runs", f"{said['runs']:,}, {each} a point"),
        ("Sample", sampled(said["sample"])),
        ("Seed", listed(seeds)),
        ("Made with", f"flowsim {said['versions']['flowsim']}"),
    )
