"""The report of a calibration: what was fitted, how well, and what the figures do not tell."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from flowsim.calibration import CalibrationResults, open_calibration
from flowsim.data import sources
from flowsim.findings.account import place_name, records
from flowsim.findings.words import count, listed, rate, rounded
from flowsim.report import doubts, drawings, inputs, lambdas, making
from flowsim.report.document import Block, Bullets, Document, Link, Paragraph, Section, Table, Words
from flowsim.report.of_run import scenario_file
from flowsim.report.published import MEASURES
from flowsim.report.variants import REPLICATIONS, simulated
from flowsim.scenario.schema import Scenario

SAME = (
    "The tables come out the same to the byte, whatever the number of workers: compare the SHA-256 "
    "below with those in the manifest.json of the new folder."
)

Row = dict[str, Any]


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
    sections = [
        _answer(found),
        _parameters(found),
        drawings.section(folder, "calibration"),
        *_figures(found, scenario),
        *([lambdas.section(scenario, others)] if others else []),
        doubts.section([scenario], _unidentified(found)),
        inputs.differences(scenario),
        inputs.everything(scenario),
        making.reproduce((command,), found.manifest, SAME),
        making.cited(found.manifest, [scenario], shown),
    ]
    document = Document(
        title=str(found.manifest.get("title") or found.manifest["name"]),
        subtitle="Report on a calibration: a simulated scenario fitted to published figures",
        facts=_facts(found, scenario),
        sections=tuple(sections),
        attachments=(scenario_file(scenario, "scenario.yaml"),),
    )
    return document, {}


# ------------------------------------------------------------------ the answer


def _answer(found: CalibrationResults) -> Section:
    share = f"{100 * float(found.manifest['credible']):.0f} %"
    caution = (
        "Simulated, not counted. Parameters were fitted to published figures; a good fit says that "
        "the model can make these figures, not that it is right. Figures that were inputs of the "
        "model prove nothing and are marked."
    )
    items = [_covered(found.table("predictions"), share, fitted=True)]
    items.append(_covered(found.table("predictions"), share, fitted=False))
    verdicts = found.table("parameters")["verdict"].value_counts()
    items.append(
        f"The figures identify {verdicts.get('identified', 0)} of {int(verdicts.sum())} "
        f"parameters, {verdicts.get('weakly', 0)} more weakly. The other "
        f"{verdicts.get('not identified', 0)} stay assumptions."
    )
    blocks = (Paragraph(caution, "caution"), Bullets(tuple(item for item in items if item)))
    return Section("answer", "What the calibration says", blocks)


def _covered(predictions: pd.DataFrame, share: str, fitted: bool) -> str:
    """Return how many figures that are no inputs lie within their predictive interval."""
    rows = predictions[~predictions["is_input"].astype(bool)].dropna(subset=["simulated"])
    rows = rows[rows["fitted"].astype(bool).eq(fitted)]
    if rows.empty:
        return ""
    kind = "fitted" if fitted else "not fitted"
    return (
        f"{int(rows['covered'].sum())} of the {len(rows)} published figures that were {kind}, "
        f"inputs left out, lie within their {share} predictive interval."
    )


def _unidentified(found: CalibrationResults) -> tuple[str, ...]:
    table = found.table("parameters")
    names = [str(name) for name in table["parameter"][table["verdict"].eq("not identified")]]
    if not names:
        return ()
    return (f"The published figures do not identify {listed(names)}: these remain assumptions.",)


# ------------------------------------------------------------------ tables


def _parameters(found: CalibrationResults) -> Section:
    rows = records(found.table("parameters"))
    table = Table(
        f"Parameters, with {100 * float(found.manifest['credible']):.0f} % credible intervals",
        ("Parameter", "Allowed", "Median", "Interval", "Verdict"),
        tuple(
            (
                str(row["parameter"]),
                f"{_plain(row['prior_low'])} to {_plain(row['prior_high'])}",
                _plain(row["median"]),
                f"{_plain(row['low'])} to {_plain(row['high'])}",
                str(row["verdict"]),
            )
            for row in rows
        ),
        numeric=(False, True, True, True, False),
        widths=(2.4, 1.3, 0.9, 1.5, 1.2),
        marked=frozenset(n for n, row in enumerate(rows) if row["verdict"] == "not identified"),
    )
    return Section("parameters", "What was fitted", (table,))


def _figures(found: CalibrationResults, scenario: Scenario) -> list[Section]:
    known = {figure.id: figure for figure in sources.observations()}
    rows = [row for row in records(found.table("predictions")) if _known(row["simulated"])]
    if not rows:
        return []
    cells: list[tuple[Words, ...]] = []
    for row in rows:
        figure = known.get(str(row["id"]))
        role = "fitted" if row["fitted"] else "a test: not fitted"
        write = rate if row["measure"] in ("wait_hours", "passport_share") else count
        measure = str(row["measure"])
        cells.append(
            (
                f"{place_name(str(row['place_id']), scenario)}: "
                f"{MEASURES.get(measure, measure.replace('_', ' '))} ({row['id']})",
                f"{float(row['published']):,.0f}",
                f"{write(float(row['simulated']))} ({write(float(row['sim_low']))} to "
                f"{write(float(row['sim_high']))})",
                "input, not evidence" if row["is_input"] else role,
                Link(figure.source_name, figure.source_url) if figure else "",
            )
        )
    table = Table(
        "Published figures and what draws of the posterior give when simulated",
        ("What", "Published", "Simulated", "Role", "Source"),
        tuple(cells),
        numeric=(False, True, True, False, False),
        widths=(2.6, 1.0, 2.0, 1.2, 2.4),
        marked=frozenset(n for n, row in enumerate(rows) if row["is_input"]),
    )
    blocks: list[Block] = [table]
    return [Section("published", "Beside the published figures", tuple(blocks))]


def _plain(value: Any) -> str:
    """Write a number with three digits that count, and no power of ten."""
    return f"{rounded(float(value)):,.12g}"


def _known(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _facts(found: CalibrationResults, scenario: Scenario) -> tuple[tuple[str, str], ...]:
    told = found.manifest
    share = f"{100 * float(told['sample']):.3g} % of the men"
    whole = told.get("whole_runs", 0)
    fit = f"{told['design_runs']:,} to fit" + (f", {whole:,} more with all men" if whole else "")
    return (
        ("Calibration", str(told["name"])),
        ("Scenario", scenario.name),
        ("Runs", f"{fit}, {told['prediction_runs']:,} to predict"),
        ("Sample", f"{share}; predictions with all men" if whole else share),
        ("Seed", str(told["seed"])),
        ("Made with", f"flowsim {told['versions']['flowsim']}"),
    )
