"""What a calibration found: figures met, numbers fixed, predictions kept, checks passed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from flowsim.figures.families import Family
from flowsim.figures.layout import ladders
from flowsim.figures.layout.caption import Caption
from flowsim.figures.layout.save import Drawn
from flowsim.figures.layout.sheet import Key, Sheet
from flowsim.figures.layout.style import BLUE, INK, ORANGE, QUIET, VERMILION, Preset
from flowsim.figures.layout.tables import records
from flowsim.findings.words import listed, plural

if TYPE_CHECKING:
    from flowsim.results.calibration import CalibrationResults

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
GUESSES: dict[str, tuple[str, dict[str, Any]]] = {
    "model": ("the model", {"color": BLUE, "marker": "o"}),
    "yesterday": ("naive: last published value", {"color": ORANGE, "marker": "s"}),
    "constant_excess": ("naive: constant excess", {"color": VERMILION, "marker": "^"}),
    "decay": ("naive: decay", {"color": QUIET, "marker": "v"}),
}
VERDICTS = {
    "identified": ("identified (spread below 0.7 of the prior's)", BLUE),
    "weakly": ("weakly (below 0.9)", ORANGE),
    "not identified": ("not identified", QUIET),
}


def missing(results: CalibrationResults) -> str:
    """Return why there is nothing to draw, if so."""
    return "" if results.has("fit") else "it has no table of the fit"


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
    caption = _caption(
        results,
        "fit",
        data,
        title,
        "Simulated over published, runs of posterior draws: median and the middle "
        f"{_credible(results)}, chance included.",
        [
            ladders.key("fitted"),
            ladders.key("an input of the model: no evidence", hollow=True),
        ],
        [f"{row['id']} {row['ratio']:.2f}" for row in records(data)],
        "Ratios: ",
    )
    names = [f"{row['id']} {row['what']}" for row in records(data)]
    sheet, ax = _ladder(caption, names, "simulated / published", preset)
    ladders.reference(ax, 1)
    hollow = [{"hollow": is_input} for is_input in data["is_input"]]
    ladders.dots(ax, data, ["ratio", "ratio_low", "ratio_high"], hollow)
    ax.set_xlim(0, min(MOST_CUT, 1.05 * max(1.2, float(data["ratio_high"].max()))))
    return caption.drawn(sheet)


def draw_posterior(results: CalibrationResults, preset: Preset) -> Drawn:
    """Draw where the posterior of each parameter lies within its prior."""
    data = results.table("parameters").sort_values("ratio", kind="stable", ignore_index=True)
    width = data["prior_high"] - data["prior_low"]
    for column in ("low", "median", "high"):
        data[f"place_{column}"] = (data[column] - data["prior_low"]) / width
    fixed, unsure = (int((data["verdict"] == of).sum()) for of in ("identified", "not identified"))
    caption = _caption(
        results,
        "posterior",
        data,
        f"The figures fix {fixed} of {len(data)} numbers; {unsure} stay as uncertain as they were",
        f"Middle {_credible(results)} of the posterior and its median within the prior, which is "
        "even over the whole width.",
        [ladders.key(words, color=color) for words, color in VERDICTS.values()],
        [
            f"{row['parameter']} {row['median']:.3g} ({row['low']:.3g} to {row['high']:.3g})"
            for row in records(data[data["verdict"] == "identified"])
        ],
        "Identified: ",
    )
    names = [
        f"{row['parameter']} ({row['prior_low']:g} to {row['prior_high']:g})"
        for row in records(data)
    ]
    sheet, ax = _ladder(caption, names, "place within the prior (0 lower end, 1 upper)", preset)
    looks = [{"color": VERDICTS[verdict][1]} for verdict in data["verdict"]]
    ladders.dots(ax, data, ["place_median", "place_low", "place_high"], looks)
    ax.set_xlim(-0.02, 1.02)
    return caption.drawn(sheet)


def draw_validation(results: CalibrationResults, preset: Preset) -> Drawn:
    """Draw predictive intervals of unseen figures beside naive guesses and what was published."""
    data = _predictions(results)
    own = data[data["who"] == "model"]
    caption = _caption(
        results,
        "validation",
        data,
        f"{int(own['covered'].sum())} of {plural(len(own), 'unseen figure')} within the "
        f"model's {_credible(results)} intervals",
        "Predicted before it was seen: median and interval, divided by the scale of each row.",
        [
            *(ladders.key(words, markersize=4.6, **look) for words, look in GUESSES.values()),
            ladders.key("published", color=INK, marker="|", markersize=9),
        ],
        [
            f"{row['id']} published {row['published']:,.0f}, predicted {row['median']:,.0f} "
            f"({row['low']:,.0f} to {row['high']:,.0f})"
            for row in records(own)
        ],
    )
    ids = list(dict.fromkeys(data["id"]))
    seen = results.table("predictions").set_index("id").loc[ids].reset_index()
    names = [
        f"{row['id']} {row['measure'].replace('_', ' ')}, {row['place_id']}"
        for row in records(seen)
    ]
    axis = "value / published (/ 1,000 where 0 was published)"
    sheet, ax = _ladder(caption, names, axis, preset, len(GUESSES))
    for row in records(data):
        y = ids.index(row["id"]) + (list(GUESSES).index(row["who"]) - 1.5) * 0.2
        ends = [min(row[name] / row["scale"], MOST_CUT) for name in ("median", "low", "high")]
        ladders.dot(ax, y, *ends, **GUESSES[row["who"]][1])
    for row in records(own):
        n = ids.index(row["id"])
        ax.plot([row["published"] / row["scale"]] * 2, [n - 0.45, n + 0.45], color=INK, zorder=5)
    ax.set_xlim(-0.05, MOST_CUT)
    return caption.drawn(sheet)


def _predictions(results: CalibrationResults) -> pd.DataFrame:
    """Return model and naive guesses of the unseen figures in one table."""
    seen, naive = results.table("predictions"), results.table("naive")
    against = set(results.manifest.get("against", ()))
    own = seen[((seen["role"] == "validate") | seen["id"].isin(against)) & seen["low"].notna()]
    own = own.rename(columns={"simulated": "median"}).assign(who="model")
    columns = ["id", "who", "median", "low", "high", "covered", "published"]
    naive = naive.rename(columns={"guess": "who"})
    naive["published"] = naive["id"].map(own.set_index("id")["published"])
    data = pd.concat([own[columns], naive[columns]], ignore_index=True)
    data["scale"] = np.where(data["published"] > 0, data["published"], 1000.0)
    return data.dropna(subset=["published"]).reset_index(drop=True)


def draw_recovery(results: CalibrationResults, preset: Preset) -> Drawn:
    """Draw how often the intervals of each parameter held the synthetic truth."""
    data = results.table("recovery-summary").sort_values(
        "median_shrinkage", kind="stable", ignore_index=True
    )
    truths, target = int(data["truths"].max()), results.manifest["credible"]
    held = 100 * data[data["verdict"] == "identified"]["coverage"]
    caption = _caption(
        results,
        "recovery",
        data,
        f"Of {truths} synthetic truths, {_credible(results)} intervals hold {held.min():.0f} to "
        f"{held.max():.0f}\u00a0% for the numbers identified",
        "Share of synthetic truths inside the interval; whiskers: two standard errors of such a "
        "share.",
        [ladders.key("identified"), ladders.key("weakly or not identified", color=QUIET)],
        [f"{row['parameter']} {row['coverage']:.2f}" for row in records(data)],
    )
    sheet, ax = _ladder(caption, list(data["parameter"]), "coverage", preset)
    ladders.reference(ax, target)
    error, share = 2 * np.sqrt(target * (1 - target) / truths), data["coverage"]
    spans = pd.DataFrame({"share": share, "low": share - error, "high": share + error}).clip(0, 1)
    looks = [{"color": BLUE if of == "identified" else QUIET} for of in data["verdict"]]
    ladders.dots(ax, spans, list(spans.columns), looks)
    ax.set_xlim(min(0.6, float(data["coverage"].min()) - 0.1), 1.02)
    return caption.drawn(sheet)


def _caption(
    results: CalibrationResults,
    name: str,
    data: pd.DataFrame,
    title: str,
    subtitle: str,
    keys: Sequence[Key],
    rows: Sequence[str],
    ahead: str = "",
) -> Caption:
    """Return the words of a figure; ``rows`` are listed in its alt text, after ``ahead``."""
    alt = [f"{ahead}{'; '.join(rows)}."]
    return Caption(
        f"calibration-{name}", data, title, subtitle, source(results), keys=keys, alt=alt
    )


def _ladder(
    caption: Caption, names: Sequence[str], axis: str, preset: Preset, dots: int = 1
) -> tuple[Sheet, Axes]:
    """Return a sheet with one ladder, its rows high enough for so many dots each."""
    height = ladders.height(len(names) * dots, preset)
    sheet = caption.sheet(preset, height, least=0.8 * height)
    return sheet, ladders.ladder(sheet, sheet.cells([height])[0], names, axis)


def source(results: CalibrationResults) -> str:
    """Return what was calibrated, with how many runs and which version."""
    facts = results.manifest
    whole = f"{facts['whole_runs']:,} with all men, " if facts.get("whole_runs") else ""
    return (
        f"flowsim {facts['versions']['flowsim']}, calibration {facts['name']}, budget "
        f"{facts['budget']}: {facts['design_runs']:,} runs of the design, sample "
        f"{facts['sample']:g}, {whole}seed {facts['seed']}."
    )


def _credible(results: CalibrationResults) -> str:
    return f"{100 * results.manifest['credible']:.0f}\u00a0%"
