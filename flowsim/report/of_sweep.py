"""The report of a sweep: how far the answer moves over a design, and what moves it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from flowsim.findings.account import records
from flowsim.findings.naming import all_named, output_label
from flowsim.findings.words import count, listed, period, rate
from flowsim.report import doubts, drawings, inputs, lambdas, making
from flowsim.report.document import (
    Attachment,
    Block,
    Bullets,
    Document,
    Paragraph,
    Section,
    Table,
)
from flowsim.report.of_run import described
from flowsim.report.variants import simulated
from flowsim.scenario.schema import Scenario
from flowsim.sweep import SweepResults, open_sweep

STRENGTH = {
    "ST": "share of the spread it takes part in (Sobol, total)",
    "S1": "share of the spread it makes alone (Sobol, first)",
    "mu_star": "mean size of a step's effect (Morris)",
    "sigma": "how much that effect varies (Morris)",
    "share": "share of the spread between points",
    "effect": "from its lowest to its highest value",
    "src": "standardised regression coefficient",
}
CHANCE = "noise_of_mean"
SAME = (
    "The tables come out the same to the byte, whatever the number of workers or machines: compare "
    "the SHA-256 below with those in the manifest.json of the new folder. The sweep file travels "
    "inside this report."
)

Row = dict[str, Any]


def compose(
    folder: Path, quick: bool, tell: Callable[[str], None]
) -> tuple[Document, dict[str, str]]:
    """Return what a sweep found; there are no tables beside it."""
    swept = open_sweep(folder)
    scenario = swept.sweep.bases[0].scenario
    n = int(swept.manifest["replications"])
    others = None if quick else simulated(_as_run(scenario, swept), n, tell)
    sections = [
        _answer(swept, scenario),
        *described(swept.sweep.description),
        _varied(swept, scenario),
        drawings.section(folder, "sweep"),
        *_indices(swept, scenario),
        *([lambdas.section(others.lambdas[others.own].scenario, others)] if others else []),
        doubts.section([base.scenario for base in swept.sweep.bases], _own_doubts(swept)),
        *_inputs(swept),
        making.reproduce(("flowsim sweep sweep.yaml --out again",), swept.manifest, SAME),
        making.cited(swept.manifest, [base.scenario for base in swept.sweep.bases]),
    ]
    document = Document(
        title=swept.sweep.title or swept.sweep.name,
        subtitle="Report on a sweep: a simulated scenario at many points",
        facts=_facts(swept, scenario),
        sections=tuple(sections),
        attachments=tuple(
            Attachment(name, text, "what was swept") for name, text in swept.sweep.files().items()
        ),
    )
    return document, {}


def _as_run(scenario: Scenario, swept: SweepResults) -> Scenario:
    seed = swept.sweep.seed
    update = {"sample": swept.sweep.sample} | ({} if seed is None else {"seed": seed})
    return scenario.model_copy(update=update)


# ------------------------------------------------------------------ the answer


def _answer(swept: SweepResults, scenario: Scenario) -> Section:
    told = swept.manifest
    failed = int(told["failed"])
    lost = f" {failed:,} runs failed and are missing from every number." if failed else ""
    caution = (
        "Simulated, not counted. Each number is a mean over "
        f"{_times(int(told['replications']), 'replication')} at one point of the design; the "
        "spread between points comes from the values chosen to be tried, which say nothing of how "
        f"likely they are.{lost}"
    )
    return Section(
        "answer",
        "What the sweep says",
        (Paragraph(caution, "caution"), Bullets(tuple(_ranges(swept, scenario)))),
    )


def _ranges(swept: SweepResults, scenario: Scenario) -> Iterator[str]:
    """Return how far each output ranges, and which parameter moves it most."""
    outputs = {output.name: output for output in swept.sweep.outputs}
    labels = _labels(swept, scenario)
    for (base, name, place), rows in swept.results.groupby(
        ["scenario", "measure", "place_id"], observed=True, sort=False
    ):
        means = rows.groupby("point")["value"].mean().dropna()
        if means.empty:
            continue
        output = outputs[str(name)]
        words = output.title or output_label(output.measure, str(place), scenario)
        of = f" under {base}" if len(swept.sweep.bases) > 1 else ""
        text = (
            f"{words[:1].upper()}{words[1:]}{of}: from {_number(float(means.min()))} to "
            f"{_number(float(means.max()))} over {_times(len(means), 'point')}"
        )
        own = _of(swept.indices, str(base), str(name), str(place))
        strongest = _strongest(own, labels)
        text += f", moved most by {strongest}" if strongest else ""
        yield f"{text}.{_chance(own)}"


def _of(indices: pd.DataFrame | None, base: str, output: str, place: str) -> list[Row]:
    if indices is None:
        return []
    same = indices["scenario"].eq(base) & indices["output"].eq(output)
    return records(indices[same & indices["place_id"].astype(str).eq(place)])


def _strongest(rows: list[Row], labels: dict[str, str]) -> str:
    if len(labels) < 2:
        return ""
    for index in ("ST", "mu_star", "share", "src"):
        sizes = {
            str(row["parameter"]): abs(float(row["value"]))
            for row in rows
            if row["index"] == index and row["parameter"] in labels and _known(row["value"])
        }
        if sizes and max(sizes.values()) > 0:
            return labels[max(sizes, key=lambda name: sizes[name])]
    return ""


def _chance(rows: list[Row]) -> str:
    noise = [row["value"] for row in rows if row["index"] == CHANCE and _known(row["value"])]
    if not noise or noise[0] < 0.01:
        return ""
    return f" {100 * noise[0]:.0f} % of the spread between points is chance."


# ------------------------------------------------------------------ the design


def _varied(swept: SweepResults, scenario: Scenario) -> Section:
    labels = _labels(swept, scenario)
    rows = []
    for name, varied in swept.sweep.parameters.items():
        keys = ", ".join(varied.keys or {}) or name
        column = swept.runs[name]
        tried = column.dropna().unique()
        numbers = pd.to_numeric(pd.Series(tried), errors="coerce")
        values = (
            f"{float(numbers.min()):g} to {float(numbers.max()):g}"
            if len(tried) > 8 and numbers.notna().all()
            else ", ".join(
                f"{value:g}" if isinstance(value, float) else str(value)
                for value in sorted(tried, key=lambda v: (str(type(v)), v))
            )
        )
        rows.append((labels[name], keys, values, f"{len(tried):,}"))
    table = Table(
        f"Parameters of the design ({swept.manifest['design']})",
        ("Parameter", "Key in the scenario", "Values", "Number"),
        tuple(rows),
        numeric=(False, False, False, True),
        widths=(2.0, 2.4, 2.2, 0.8),
    )
    return Section("design", "What was varied", (table,))


def _indices(swept: SweepResults, scenario: Scenario) -> list[Section]:
    """Return a table of indices for each output."""
    if swept.indices is None:
        return []
    outputs = {output.name: output for output in swept.sweep.outputs}
    labels = _labels(swept, scenario)
    blocks: list[Block] = []
    keys = ["scenario", "output", "place_id"]
    for (base, name, place), found in swept.indices.groupby(keys, sort=False):
        output = outputs.get(str(name))
        words = str(name) if output is None else output_label(output.measure, str(place), scenario)
        rows = tuple(
            (
                labels[str(row["parameter"])],
                STRENGTH[str(row["index"])],
                _number(float(row["value"])),
                f"{_number(float(row['low']))} to {_number(float(row['high']))}"
                if _known(row["low"])
                else "",
                str(row["note"] or "") if isinstance(row["note"], str) else "",
            )
            for row in records(found)
            if row["index"] in STRENGTH and row["parameter"] in labels and _known(row["value"])
        )
        if rows:
            of = f", {base}" if len(swept.sweep.bases) > 1 else ""
            blocks.append(
                Table(
                    f"What moves {words}{of}",
                    ("Parameter", "Index", "Value", "95 % interval", "Note"),
                    rows,
                    numeric=(False, False, True, True, False),
                    widths=(1.8, 2.2, 1.0, 1.6, 1.8),
                )
            )
    return [Section("sensitivity", "What moves the answer", tuple(blocks))] if blocks else []


def _known(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _labels(swept: SweepResults, scenario: Scenario) -> dict[str, str]:
    return {
        name: known.label for name, known in all_named(swept.sweep.parameters, scenario).items()
    }


def _own_doubts(swept: SweepResults) -> tuple[str, ...]:
    if any(
        "choice.lambda" in (name, *(varied.keys or ()))
        for name, varied in swept.sweep.parameters.items()
    ):
        return ()
    return (
        "Every point of this sweep has the lambda of its scenario. What the sweep says of "
        "diversion between destinations hangs on it.",
    )


def _inputs(swept: SweepResults) -> list[Section]:
    bases = [base.scenario for base in swept.sweep.bases]
    sections = [
        inputs.differences(scenario, key=f"differences-{place}")
        for place, scenario in enumerate(bases, 1)
    ]
    return [*sections, inputs.everything(bases[0])]


def _facts(swept: SweepResults, scenario: Scenario) -> tuple[tuple[str, str], ...]:
    told = swept.manifest
    last = scenario.horizon.end - pd.Timedelta(days=1)
    seeds = sorted({str(seed) for seed in told["seeds"].values()})
    return (
        ("Scenarios", listed(list(told["scenarios"]))),
        ("Period", period(scenario.horizon.start.date(), last.date())),
        ("Design", f"{told['design']}, {_times(int(told['points']), 'point')}"),
        ("Runs", f"{told['runs']:,}, {_times(int(told['replications']), 'replication')} a point"),
        ("Sample", f"{100 * told['sample']:.3g} % of the men"),
        ("Seed", listed(seeds)),
        ("Made with", f"flowsim {told['versions']['flowsim']}"),
    )


def _times(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _number(value: float) -> str:
    if abs(value) >= 100:
        return f"−{count(-value)}" if value < 0 else count(value)
    return rate(value) if value >= 0 else f"−{rate(-value)}"
