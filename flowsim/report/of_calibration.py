"""The report of a calibration: what was fitted, how well, and what the figures do not tell."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flowsim.findings import calibration
from flowsim.findings.naming import facts
from flowsim.report.arranging import Draft, arranged, scenario_file
from flowsim.report.document import Document, Options, section
from flowsim.report.of_run import lambda_section
from flowsim.report.variants import REPLICATIONS, simulated
from flowsim.results.opening import open_calibration

SAME = (
    "The tables come out the same to the byte, whatever the number of workers: compare the SHA-256 "
    "in their manifest.json."
)


def compose(folder: Path, how: Options) -> tuple[Document, dict[str, str]]:
    """Return what a calibration found; there are no tables beside it."""
    found = open_calibration(folder)
    scenario = found.scenario
    others = None if how.quick else simulated(scenario, REPLICATIONS, how.announce)
    budget = found.manifest.get("budget", "full")
    beside = calibration.predicted(found)
    lead, *answers = calibration.sentences(found)
    draft = Draft(
        title=str(found.manifest.get("title") or found.manifest["name"]),
        subtitle="Report on a calibration: a simulated scenario fitted to published figures",
        facts=facts(
            found.manifest,
            scenario,
            ("Calibration", str(found.manifest["name"])),
            ("Scenario", scenario.name),
            ("Runs", _runs(found.manifest)),
        ),
        question="What the calibration says",
        lead=(lead,),
        cautions=(calibration.CAUTION,),
        answers=tuple(answers),
        scenarios=[scenario],
        commands=(f"flowsim calibrate calibration.yaml --budget {budget} --out again",),
        same=SAME,
        attachments=(scenario_file(scenario),),
        appendix=(
            section(calibration.parameters(found)),
            *((section(beside),) if beside.tables else ()),
            *((lambda_section(others),) if others else ()),
        ),
        shown=tuple(str(name) for name in found.table("predictions")["id"]),
        extra_doubts=calibration.unidentified(found),
    )
    return arranged(draft, found, folder, how.full), {}


def _runs(manifest: Mapping[str, Any]) -> str:
    whole = manifest.get("whole_runs", 0)
    fit = f"{manifest['design_runs']:,} to fit"
    more = f", {whole:,} more and the predictions with all men" * bool(whole)
    return f"{fit}{more}, {manifest['prediction_runs']:,} to predict"
