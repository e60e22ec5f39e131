"""The report of a sweep: how far the answer moves over a design, and what moves it."""

from __future__ import annotations

from pathlib import Path

from flowsim.findings import sweep
from flowsim.findings.naming import facts
from flowsim.findings.words import listed, plural
from flowsim.report.arranging import Draft, arranged, described
from flowsim.report.document import Attachment, Document, Options, section
from flowsim.report.of_run import lambda_section
from flowsim.report.variants import simulated
from flowsim.results.opening import open_sweep
from flowsim.results.sweep import SweepResults
from flowsim.scenario.schema import Scenario
from flowsim.sweep.file import sweep_of

SAME = (
    "The tables come out the same to the byte, whatever the number of workers or machines: compare "
    "the SHA-256 in their manifest.json. The sweep file travels inside this report."
)


def compose(folder: Path, how: Options) -> tuple[Document, dict[str, str]]:
    """Return what a sweep found; there are no tables beside it."""
    swept = open_sweep(folder)
    design = sweep_of(swept)
    bases = [base.scenario for base in design.bases]
    manifest, n = swept.manifest, int(swept.manifest["replications"])
    others = None if how.quick else simulated(_as_run(bases[0], swept), n, how.announce)
    indices = sweep.sensitivity(swept)
    draft = Draft(
        title=design.title or design.name,
        subtitle="Report on a sweep: a simulated scenario at many points",
        facts=facts(
            manifest,
            bases[0],
            ("Scenarios", listed(list(manifest["scenarios"]))),
            ("Design", f"{manifest['design']}, {plural(int(manifest['points']), 'point')}"),
            ("Runs", f"{manifest['runs']:,}, {plural(n, 'replication')} a point"),
        ),
        question="What the sweep says",
        lead=(),
        cautions=(sweep.caution(swept),),
        answers=tuple(sweep.ranges(swept)),
        scenarios=bases,
        commands=("flowsim sweep sweep.yaml --out again",),
        same=SAME,
        attachments=tuple(
            Attachment(name, text, "what was swept") for name, text in design.files().items()
        ),
        appendix=(
            *described(design.description),
            section(sweep.design(swept)),
            *((section(indices),) if indices.tables and how.full else ()),
            *((lambda_section(others),) if others else ()),
        ),
        extra_doubts=sweep.doubts(swept),
    )
    return arranged(draft, swept, folder, how.full), {}


def _as_run(scenario: Scenario, swept: SweepResults) -> Scenario:
    seed = sweep_of(swept).seed
    update = {"sample": sweep_of(swept).sample} | ({} if seed is None else {"seed": seed})
    return scenario.model_copy(update=update)
