"""What a calibration found: figures met, numbers fixed, predictions kept, checks passed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from flowsim.figures.families import Family
from flowsim.figures.layout import ladders
from flowsim.figures.layout.save import Drawn
from flowsim.figures.layout.sheet import Key, Sheet
from flowsim.figures.layout.style import BLUE, INK, ORANGE, QUIET, VERMILION, Preset
from flowsim.figures.layout.tables import records
from flowsim.findings.words import listed, plural

if TYPE_CHECKING:
    from flowsim.calibration import CalibrationResults

FIT_FAMILY = Family(
    "calibration-fit", "simulated over published, figure by figure", draw="draw_fit", order=1
)
POSTERIOR_FAMILY = Family(
    "calibration-posterior",
    "posterior within prior, number by number",
    draw="draw_posterior",
    order=2,
)
VALIDATION_FAMILY = Family(
    "calibration-validation", "unseen figures beside naive guesses", draw="draw_validation", order=3
)
RECOVERY_FAMILY = Family(
    "calibration-recovery", "coverage of synthetic truths", draw="draw_recovery", order=4
)
FAR = 2.0  # standard errors
MOST_CUT = 3.0  # times the published value, where the axis ends
NAIVE = {
    "yesterday": "last published value",
    "constant_excess": "constant excess",
    "decay": "decay",
}
LOOKS: dict[str, dict[str, Any]] = {
    "model": {"color": BLUE, "marker": "o"},
    "yesterday": {"color": ORANGE, "marker": "s"},
    "constant_excess": {"color": VERMILION, "marker": "^"},
    "decay": {"color": QUIET, "marker": "v"},
}


def source(results: CalibrationResults) -> str:
    """Return what was calibrated, with how many runs and which version."""
    said = results.manifest
    whole = f"{said['whole_runs']:,} with all men, " if said.get("whole_runs") else ""
    return (
        f"flowsim {said['versions']['flowsim']}, calibration {said['name']}, budget "
        f"{said['budget']}: {said['design_runs']:,} runs of the design, sample {said['sample']:g}, "
        f"{whole}seed {said['seed']}."
    )


def _share(results: CalibrationResults) -> str:
    return f"{100 * results.manifest['credible']:.0f}\u00a0%"


def _draw_ladder(
    sheet: Sheet, names: Sequence[str], axis: str, height: float, preset: Preset
) -> Any:
    cell = sheet.cells([height])[0]
    ax = ladders.ladder(sheet, cell, names, axis, ladders.gutter(names, cell, preset))
    ladders.rungs(ax, len(names))
    return ax


def missing(results: CalibrationResults) -> str:
    """Return why there is nothing to draw, if so."""
    return "" if results.has("fit") else "it has no table of the fit"


# ------------------------------------------------------------------ the fit


def draw_fit(results: CalibrationResults, preset: Preset) -> Drawn:
    """Draw simulated over published for each figure of the fit, inputs hollow."""
    data = results.table("fit").dropna(subset=["z"])
    data = data.assign(
        ratio_low=data["low"] / data["published"], ratio_high=data["high"] / data["published"]
    )[["id", "what", "is_input", "published", "ratio", "ratio_low", "ratio_high", "z"]]
    off = data[data["z"].abs() > FAR]
    title = f"{len(data) - len(off)} of {len(data)} fitted figures within two standard errors"
    if len(off):
        title += f"; not {listed(list(off['id']))}"
    names = [f"{row['id']} {row['what']}" for row in records(data)]
    height = ladders.height(len(names), preset)
    subtitle = (
        "Simulated over published, runs of posterior draws: median and the middle "
        f"{_share(results)}, chance included."
    )
    keys = [
        Key("fitted", {"color": BLUE, "marker": "o", "linestyle": "none"}),
        Key(
            "an input of the model: no evidence",
            {"color": BLUE, "marker": "o", "markerfacecolor": "white", "linestyle": "none"},
        ),
    ]
    sheet = Sheet(preset, title, subtitle, [source(results)], height, keys, least=0.8 * height)
    ax = _draw_ladder(sheet, names, "simulated / published", height, preset)
    ladders.reference(ax, 1)
    for n, row in enumerate(records(data)):
        ends = (row["ratio"], row["ratio_low"], row["ratio_high"])
        ladders.dot(ax, n, *ends, hollow=bool(row["is_input"]))
    ax.set_xlim(0, min(MOST_CUT, 1.05 * max(1.2, float(data["ratio_high"].max()))))
    far = "; ".join(f"{row['id']} {row['ratio']:.2f}" for row in records(data))
    return Drawn(
        "calibration-fit", sheet.figure, data, title, f"{title}. Ratios: {far}.", source(results)
    )


# ------------------------------------------------------------------ posterior and prior


def draw_posterior(results: CalibrationResults, preset: Preset) -> Drawn:
    """Draw where the posterior of each parameter lies within its prior."""
    data = results.table("parameters").sort_values("ratio", kind="stable", ignore_index=True)
    width = data["prior_high"] - data["prior_low"]
    for column in ("low", "median", "high"):
        data[f"place_{column}"] = (data[column] - data["prior_low"]) / width
    counts = data["verdict"].value_counts()
    n = int(counts.get("identified", 0))
    title = (
        f"The figures fix {n} of {len(data)} numbers; "
        f"{int(counts.get('not identified', 0))} stay as uncertain as they were"
    )
    names = [
        f"{row['parameter']} ({row['prior_low']:g} to {row['prior_high']:g})"
        for row in records(data)
    ]
    height = ladders.height(len(names), preset)
    subtitle = (
        f"Middle {_share(results)} of the posterior and its median within the prior, which is "
        "even over the whole width."
    )
    looks: dict[str, dict[str, Any]] = {
        "identified": {"color": BLUE},
        "weakly": {"color": ORANGE},
        "not identified": {"color": QUIET},
    }
    words = {
        "identified": "identified (spread below 0.7 of the prior's)",
        "weakly": "weakly (below 0.9)",
        "not identified": "not identified",
    }
    keys = [
        Key(words[name], look | {"marker": "o", "linestyle": "none"})
        for name, look in looks.items()
    ]
    sheet = Sheet(preset, title, subtitle, [source(results)], height, keys, least=0.8 * height)
    ax = _draw_ladder(sheet, names, "place within the prior (0 lower end, 1 upper)", height, preset)
    for n, row in enumerate(records(data)):
        ends = (row["place_median"], row["place_low"], row["place_high"])
        ladders.dot(ax, n, *ends, **looks[row["verdict"]])
    ax.set_xlim(-0.02, 1.02)
    said = "; ".join(
        f"{row['parameter']} {row['median']:.3g} ({row['low']:.3g} to {row['high']:.3g})"
        for row in records(data[data["verdict"] == "identified"])
    )
    return Drawn(
        "calibration-posterior",
        sheet.figure,
        data,
        title,
        f"{title}. Identified: {said}.",
        source(results),
    )


# ------------------------------------------------------------------ predictions


def draw_validation(results: CalibrationResults, preset: Preset) -> Drawn:
    """Draw predictive intervals of unseen figures beside naive guesses and what was published."""
    data = _predictions(results)
    ids = list(dict.fromkeys(data["id"]))
    own = data[data["who"] == "model"]
    title = (
        f"{int(own['covered'].sum())} of {plural(len(own), 'unseen figure')} within the "
        f"model's {_share(results)} intervals"
    )
    names = [_named(results, name) for name in ids]
    height = len(ids) * 4 * ladders.STEP * preset.scale + ladders.FOOT * preset.scale
    subtitle = (
        "Predicted before it was seen: median and interval, divided by the scale of each row."
    )
    marks = {"linestyle": "none", "markersize": 4.6}
    keys = [
        Key("the model", LOOKS["model"] | marks),
        *(Key(f"naive: {word}", LOOKS[name] | marks) for name, word in NAIVE.items()),
        Key("published", {"color": INK, "marker": "|", "markersize": 9, "linestyle": "none"}),
    ]
    sheet = Sheet(preset, title, subtitle, [source(results)], height, keys, least=0.8 * height)
    axis = "value / published (queue of 3 October: / 1,000 cars)"
    ax = _draw_ladder(sheet, names, axis, height, preset)
    for row in records(data):
        turn = list(LOOKS).index(row["who"])
        y = ids.index(row["id"]) + (turn - 1.5) * 0.2
        ends = [min(row[name] / row["scale"], MOST_CUT) for name in ("median", "low", "high")]
        ladders.dot(ax, y, *ends, **LOOKS[row["who"]])
    for n, name in enumerate(ids):
        row = own[own["id"] == name].iloc[0]
        ax.plot([row["published"] / row["scale"]] * 2, [n - 0.45, n + 0.45], color=INK, zorder=5)
    ax.set_xlim(-0.05, MOST_CUT)
    said = "; ".join(
        f"{row['id']} published {row['published']:,.0f}, predicted {row['median']:,.0f} "
        f"({row['low']:,.0f} to {row['high']:,.0f})"
        for row in records(own)
    )
    return Drawn(
        "calibration-validation", sheet.figure, data, title, f"{title}. {said}.", source(results)
    )


def _predictions(results: CalibrationResults) -> pd.DataFrame:
    """Return model and naive guesses of the unseen figures in one table."""
    seen = results.table("predictions")
    naive = results.table("naive")
    against = set(results.manifest.get("against", ()))
    own = seen[((seen["role"] == "validate") | seen["id"].isin(against)) & seen["low"].notna()]
    own = own.rename(columns={"simulated": "median"}).assign(who="model")
    columns = ["id", "who", "median", "low", "high", "covered", "published"]
    naive = naive.rename(columns={"guess": "who"})
    naive["published"] = naive["id"].map(own.set_index("id")["published"])
    data = pd.concat([own[columns], naive[columns]], ignore_index=True)
    data["scale"] = np.where(data["published"] > 0, data["published"], 1000.0)
    return data.dropna(subset=["published"]).reset_index(drop=True)


def _named(results: CalibrationResults, name: str) -> str:
    row = results.table("predictions").set_index("id").loc[name]
    return f"{name} {row['measure'].replace('_', ' ')}, {row['place_id']}"


# ------------------------------------------------------------------ checks


def draw_recovery(results: CalibrationResults, preset: Preset) -> Drawn:
    """Draw how often the intervals of each parameter held the synthetic truth."""
    data = results.table("recovery-summary").sort_values(
        "median_shrinkage", kind="stable", ignore_index=True
    )
    truths = int(data["truths"].max())
    named = data[data["verdict"] == "identified"]
    title = (
        f"Of {truths} synthetic truths, {_share(results)} intervals hold "
        f"{100 * named['coverage'].min():.0f} to {100 * named['coverage'].max():.0f}\u00a0% "
        "for the numbers identified"
    )
    target = results.manifest["credible"]
    error = np.sqrt(target * (1 - target) / truths)
    names = list(data["parameter"])
    height = ladders.height(len(names), preset)
    subtitle = (
        "Share of synthetic truths inside the interval; whiskers: two standard errors of such a "
        "share."
    )
    keys = [
        Key("identified", {"color": BLUE, "marker": "o", "linestyle": "none"}),
        Key("weakly or not identified", {"color": QUIET, "marker": "o", "linestyle": "none"}),
    ]
    sheet = Sheet(preset, title, subtitle, [source(results)], height, keys, least=0.8 * height)
    ax = _draw_ladder(sheet, names, "coverage", height, preset)
    ladders.reference(ax, target)
    for n, row in enumerate(records(data)):
        colour = BLUE if row["verdict"] == "identified" else QUIET
        ends = (max(0.0, row["coverage"] - 2 * error), min(1.0, row["coverage"] + 2 * error))
        ladders.dot(ax, n, row["coverage"], *ends, color=colour)
    ax.set_xlim(min(0.6, float(data["coverage"].min()) - 0.1), 1.02)
    alt = "; ".join(f"{row['parameter']} {row['coverage']:.2f}" for row in records(data))
    return Drawn(
        "calibration-recovery", sheet.figure, data, title, f"{title}. {alt}.", source(results)
    )
