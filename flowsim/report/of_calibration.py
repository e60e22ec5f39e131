"""The report of a calibration: what was fitted, how well, and what the figures do not tell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from flowsim.findings import calibration, inputs
from flowsim.findings.words import sampled
from flowsim.report import drawings, making
from flowsim.report.document import Bullets, Document, Paragraph, Section, section
from flowsim.report.of_run import lambda_section, limits, scenario_file
from flowsim.report.variants import REPLICATIONS, simulated
from flowsim.results.calibration import CalibrationResults
from flowsim.results.opening import open_calibration

SAME = (
    "The tables come out the same to the byte, whatever the number of workers: compare the SHA-256 "
    "below with those in the manifest.json of the new folder."
)


def compose(
    folder: Path, quick: bool, tell: Callable[[str], None]
) -> tuple[Document, dict[str, str]]:
    """Return what a calibration found; there are no tables beside it."""
    found = open_calibration(folder)
    scenario = found.scenario
    others = None if quick else simulated(scenario, REPLICATIONS, tell)
    shown = [str(name) for name in found.table("predictions")["id"]]
    budget = found.manifest.get("budget", "full")
    command = f"flowsim calibrate calibration.yaml --budget {budget} --out again"
    beside = calibration.predicted(found)
    answer = (
        Paragraph(calibration.CAUTION, "caution"),
        Bullets(tuple(calibration.sentences(found))),
    )
    sections = [
        Section("answer", "What the calibration says", answer),
        section(calibration.parameters(found)),
        drawings.section(folder, "calibration"),
        *([section(beside)] if beside.tables else []),
        *([lambda_section(others)] if others else []),
        limits([scenario], calibration.unidentified(found)),
        section(inputs.differences(scenario)),
        section(inputs.everything(scenario)),
        making.reproduce((command,), found.manifest, SAME),
        making.cited(found.manifest, [scenario], shown),
    ]
    document = Document(
        title=str(found.manifest.get("title") or found.manifest["name"]),
        subtitle="Report on a calibration: a simulated scenario fitted to published figures",
        facts=_facts(found),
        sections=tuple(sections),
        attachments=(scenario_file(scenario),),
    )
    return document, {}


def _facts(found: CalibrationResults) -> tuple[tuple[str, str], ...]:
    said = found.manifest
    whole = said.get("whole_runs", 0)
    fit = f"{said['design_runs']:,} to fit" + (f", {whole:,} more with all men" if whole else "")
    return (
        ("Calibration", str(said["name"])),
        ("Scenario", found.scenario.name),
        ("Runs", f"{fit}, {said['prediction_runs']:,} to predict"),
        ("Sample", sampled(said["sample"]) + ("; predictions with all men" if whole else "")),
        ("Seed", str(said["seed"])),
        ("Made with", f"flowsim {said['versions']['flowsim']}"),
    )
