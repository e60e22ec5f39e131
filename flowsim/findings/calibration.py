"""What a calibration says: how well the figures are met, which numbers they fix, what follows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from flowsim.findings.account import records
from flowsim.findings.finding import Finding, as_text, tabulated
from flowsim.findings.naming import label_of
from flowsim.findings.published import FITTED, INPUT, TEST, TITLE, Beside, named, table, writer
from flowsim.findings.ranges import SIMULATED
from flowsim.findings.words import capital, exact, listed, share, within
from flowsim.results.calibration import CalibrationResults
from flowsim.scenario.observing import figures_of
from flowsim.scenario.schema import Scenario

Row = dict[str, Any]
CAUTION = (
    f"{SIMULATED} To fit is to choose the model's uncertain numbers so that it comes near "
    "published figures: meeting these says that it can make them, not that it is right. Only "
    "figures kept out of the fit test it. Figures that were inputs of the model prove nothing and "
    "are marked."
)


def summary(found: CalibrationResults) -> str:
    """Return what a calibration says, as a terminal shows it."""
    return f"{found.manifest['title']}\n{as_text(answers(found))}"


def answers(found: CalibrationResults) -> list[Finding]:
    """Return the findings that a terminal shows."""
    answer = Finding("answer", "What the calibration says", tuple(sentences(found)))
    return [answer, parameters(found)]


def sentences(found: CalibrationResults) -> Iterator[str]:
    """Return how well figures are met, how many parameters they fix, and what could be found."""
    predictions, level = found.table("predictions"), _level(found)
    if found.has("fit"):
        fit = found.table("fit").dropna(subset=["z"])
        off = [named(str(name), found.scenario) for name in fit["id"][fit["z"].abs() > 2]]
        yield (
            f"Of the {len(fit)} published figures used to fit it, the model meets "
            f"{len(fit) - len(off)} within two standard errors"
            + (f"; the others are {listed(off)}." if off else ".")
        )
    yield from _covered(predictions, level, fitted=True)
    yield from _covered(predictions, level, fitted=False)
    verdicts = found.table("parameters")["verdict"].value_counts()
    yield (
        f"Of {int(verdicts.sum())} uncertain numbers the figures narrow down (identify) "
        f"{verdicts.get('identified', 0)}, and {verdicts.get('weakly', 0)} more weakly. The other "
        f"{verdicts.get('not identified', 0)} stay assumptions."
    )
    if found.has("recovery"):
        recovery = found.table("recovery")
        yield (
            f"When {recovery['truth'].nunique()} invented truths were fitted in the same way, the "
            f"{level} intervals covered {share(float(recovery['covered'].mean()))} of them."
        )
    simulated = predictions.set_index("id")["simulated"].dropna()
    mute = [name for name in found.manifest.get("against", ()) if name not in simulated]
    if mute:
        yield f"Nothing in the model can be compared with {listed(mute)}."


def _covered(predictions: pd.DataFrame, level: str, fitted: bool) -> Iterator[str]:
    """Return how many figures that are no inputs lie within their predictive interval."""
    rows = predictions[~predictions["is_input"].astype(bool)].dropna(subset=["simulated"])
    rows = rows[rows["fitted"].astype(bool).eq(fitted)]
    if len(rows):
        kind = "used to fit it (no test)" if fitted else "kept out of the fit (a test)"
        yield (
            f"Of the {len(rows)} published figures {kind}, inputs left out, "
            f"{int(rows['covered'].sum())} lie within the {level} interval of what it predicts."
        )


def unidentified(found: CalibrationResults) -> tuple[str, ...]:
    """Return which parameters the figures leave open."""
    rows = found.table("parameters")
    names = [str(name) for name in rows["parameter"][rows["verdict"].eq("not identified")]]
    labels = [f"{label_of(name, found.scenario)} ({name})" for name in names]
    open_ = f"The published figures do not identify {listed(labels)}: these remain assumptions."
    return (open_,) if names else ()


def parameters(found: CalibrationResults) -> Finding:
    """Return what was fitted, with intervals."""
    rows = records(found.table("parameters"))
    heads = ("Parameter 2.2", ">Allowed 1.3", ">Median 0.9", ">Interval 1.5", "Verdict 1.1")
    made = tabulated(
        f"Parameters, with {_level(found)} credible intervals",
        (*heads, "Key 2.2"),
        (
            (
                capital(label_of(str(row["parameter"]), found.scenario)),
                f"{exact(row['prior_low'])} to {exact(row['prior_high'])}",
                exact(row["median"]),
                f"{exact(row['low'])} to {exact(row['high'])}",
                str(row["verdict"]),
                str(row["parameter"]),
            )
            for row in rows
        ),
        (row["verdict"] == "not identified" for row in rows),
    )
    return Finding("parameters", "What was fitted", (), (made,))


def predicted(found: CalibrationResults) -> Finding:
    """Return published figures beside what draws of the posterior make of them."""
    rows = [
        _beside(row, found.scenario)
        for row in records(found.table("predictions"))
        if math.isfinite(float(row["simulated"]))
    ]
    caption = "Published figures and what draws of the posterior give when simulated"
    tables = (table(caption, rows, found.scenario),) if rows else ()
    return Finding("published", TITLE, (), tables)


def _beside(row: Row, scenario: Scenario) -> Beside:
    figure = next((one for one in figures_of(scenario) if one.id == row["id"]), None)
    write, published = writer(str(row["measure"])), float(row["published"])
    span = within(float(row["sim_low"]), float(row["sim_high"]), write)
    start, end = (figure.window_start, figure.window_end) if figure else (None, None)
    return Beside(
        id=str(row["id"]),
        place_id=str(row["place_id"]),
        measure=str(row["measure"]),
        window=(start, end) if start and end else None,
        published=published,
        low=figure.low if figure else published,
        high=figure.high if figure else published,
        simulated=write(float(row["simulated"])) + span,
        mean=float(row["simulated"]),
        role=INPUT if row["is_input"] else FITTED if row["fitted"] else TEST,
        per_day=bool(figure and figure.per_day),
    )


def _level(found: CalibrationResults) -> str:
    return share(float(found.manifest["credible"]))
