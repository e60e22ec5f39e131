"""What a calibration found: figures met, numbers fixed, predictions kept, checks passed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from flowsim.figures import Family
from flowsim.figures.layout import panels
from flowsim.figures.layout.sheet import Caption, Drawn
from flowsim.figures.layout.style import BLUE, INK, ORANGE, QUIET, VERMILION, Preset
from flowsim.findings.account import records
from flowsim.findings.naming import all_named
from flowsim.findings.published import named
from flowsim.findings.words import capital, listed, plural
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
MOST_NAMED = 3
TWO_LINES = 1.4
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
    "not identified": ("not identified (as wide, or not found again)", QUIET),
}


def missing(results: CalibrationResults) -> str:
    """Return why there is nothing to draw, if so."""
    return "" if results.has("fit") else "it has no table of the fit"


def draw_fit(results: CalibrationResults, preset: Preset) -> Drawn:
    """Draw simulated over published for each figure of the fit, inputs hollow, the worst first."""
    data = results.table("fit").dropna(subset=["z"])
    data = data.assign(
        name=[_published(results, row) for row in records(data)],
        ratio_low=data["low"] / data["published"],
        ratio_high=data["high"] / data["published"],
    ).sort_values("z", key=abs, ascending=False, kind="stable", ignore_index=True)
    data = data[["id", "name", "is_input", "published", "ratio", "ratio_low", "ratio_high", "z"]]
    off = data[data["z"].abs() > FAR]
    near = f"{len(data) - len(off)} of {len(data)}"
    title = f"{near} figures used to fit it met within two standard errors"
    if 0 < len(off) <= MOST_NAMED:
        title += f"; not {listed(list(off['name']))}"
    shown = data.head(_rows(preset))

    def draw(ax: Axes) -> None:
        panels.reference(ax, 1)
        hollow = [{"hollow": is_input} for is_input in shown["is_input"]]
        panels.dots(ax, shown, ["ratio", "ratio_low", "ratio_high"], hollow)
        ax.set_xlim(0, min(MOST_CUT, 1.05 * max(1.2, float(shown["ratio_high"].max()))))

    subtitle = (
        "Simulated over published, runs of posterior draws: median and the middle "
        f"{_credible(results)}, chance included. The farthest off first."
    )
    inputs = panels.key("an input of the model: no evidence", hollow=True)
    keys = [panels.key("used to fit it: no test"), inputs]
    ratios = "; ".join(f"{row['name']} {row['ratio']:.2f}" for row in records(data))
    words = (FIT_FAMILY.name, data, title, subtitle, source(results))
    caption = Caption(*words, keys=keys, alt=[f"Ratios: {ratios}."])
    ladder = panels.Ladder(list(shown["name"]), "simulated / published", draw)
    return _drawn(caption, preset, ladder)


def _published(results: CalibrationResults, row: dict[str, Any]) -> str:
    """Name a published figure by what it counts, where and when."""
    return capital(named(str(row["id"]), results.scenario))


def _parameters(results: CalibrationResults, names: Sequence[str]) -> list[str]:
    """Name parameters in words; two of one name are told apart."""
    found = all_named(dict.fromkeys(names), results.scenario)
    return [found[name].label for name in names]


def draw_posterior(results: CalibrationResults, preset: Preset) -> Drawn:
    """Draw where the posterior of each parameter lies within its prior."""
    data = results.table("parameters").sort_values("ratio", kind="stable", ignore_index=True)
    width = data["prior_high"] - data["prior_low"]
    for column in ("low", "median", "high"):
        data[f"place_{column}"] = (data[column] - data["prior_low"]) / width
    data = data.assign(name=_parameters(results, list(data["parameter"])))
    fixed, unsure = (int((data["verdict"] == of).sum()) for of in ("identified", "not identified"))
    shown = data.head(_rows(preset))
    names = [
        f"{row['name']} ({row['prior_low']:g} to {row['prior_high']:g})" for row in records(shown)
    ]

    def draw(ax: Axes) -> None:
        looks = [{"color": VERDICTS[verdict][1]} for verdict in shown["verdict"]]
        panels.dots(ax, shown, ["place_median", "place_low", "place_high"], looks)
        ax.set_xlim(-0.02, 1.02)

    title = f"The figures fix {fixed} of {len(data)} numbers; {unsure} stay unknown"
    subtitle = (
        f"Middle {_credible(results)} of the posterior and its median within the prior, which is "
        "even over the whole width; its ends are in brackets."
    )
    keys = [panels.key(words, color=color) for words, color in VERDICTS.values()]
    known = "; ".join(
        f"{row['name']} {row['median']:.3g} ({row['low']:.3g} to {row['high']:.3g})"
        for row in records(data[data["verdict"] == "identified"])
    )
    words = (POSTERIOR_FAMILY.name, data, title, subtitle, source(results))
    caption = Caption(*words, keys=keys, alt=[f"Identified: {known}."])
    ladder = panels.Ladder(names, "place within the prior (0 lower end, 1 upper)", draw)
    return _drawn(caption, preset, ladder)


def draw_validation(results: CalibrationResults, preset: Preset) -> Drawn:
    """Draw predictive intervals of unseen figures beside naive guesses and what was published."""
    data = _predictions(results)
    data = data.assign(name=[_published(results, row) for row in records(data)])
    own = data[data["who"] == "model"]
    names = list(dict.fromkeys(data["name"]))[: _rows(preset, len(GUESSES))]

    def draw(ax: Axes) -> None:
        for row in records(data[data["name"].isin(names)]):
            n = names.index(row["name"])
            y = n + (list(GUESSES).index(row["who"]) - 1.5) * 0.2
            ends = [min(row[name] / row["scale"], MOST_CUT) for name in ("median", "low", "high")]
            panels.dot(ax, y, *ends, **GUESSES[row["who"]][1])
            if row["who"] == "model":
                seen = row["published"] / row["scale"]
                ax.plot([seen, seen], [n - 0.45, n + 0.45], color=INK, zorder=5)
        ax.set_xlim(-0.05, MOST_CUT)

    title = (
        f"{int(own['covered'].sum())} of {plural(len(own), 'unseen figure')} within the "
        f"model's {_credible(results)} intervals"
    )
    subtitle = (
        "Predicted before it was seen: median and interval, divided by the scale of each row."
    )
    keys = [panels.key(of, markersize=4.6, **look) for of, look in GUESSES.values()]
    keys.append(panels.key("published", color=INK, marker="|", markersize=9))
    rows = "; ".join(
        f"{row['name']} published {row['published']:,.0f}, predicted {row['median']:,.0f} "
        f"({row['low']:,.0f} to {row['high']:,.0f})"
        for row in records(own)
    )
    words = (VALIDATION_FAMILY.name, data, title, subtitle, source(results))
    caption = Caption(*words, keys=keys, alt=[f"{rows}."])
    ladder = panels.Ladder(names, "value / published (/ 1,000 where 0 was published)", draw)
    return _drawn(caption, preset, ladder, len(GUESSES))


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
    data = data.assign(name=_parameters(results, list(data["parameter"])))
    truths, target = int(data["truths"].max()), results.manifest["credible"]
    held = 100 * data[data["verdict"] == "identified"]["coverage"]
    shown = data.head(_rows(preset))

    def draw(ax: Axes) -> None:
        panels.reference(ax, target)
        error, share = 2 * np.sqrt(target * (1 - target) / truths), shown["coverage"]
        spans = pd.DataFrame({"share": share, "low": share - error, "high": share + error})
        looks = [{"color": BLUE if of == "identified" else QUIET} for of in shown["verdict"]]
        panels.dots(ax, spans.clip(0, 1), list(spans.columns), looks)
        ax.set_xlim(min(0.6, float(share.min()) - 0.1), 1.02)

    title = (
        f"Of {truths} synthetic truths, {_credible(results)} intervals hold {held.min():.0f} to "
        f"{held.max():.0f}\u00a0% for the numbers identified"
    )
    subtitle = (
        "Share of synthetic truths inside the interval; whiskers: two standard errors of such a "
        "share."
    )
    keys = [panels.key("identified"), panels.key("weakly or not identified", color=QUIET)]
    shares = "; ".join(f"{row['name']} {row['coverage']:.2f}" for row in records(data))
    words = (RECOVERY_FAMILY.name, data, title, subtitle, source(results))
    caption = Caption(*words, keys=keys, alt=[f"{shares}."])
    return _drawn(caption, preset, panels.Ladder(list(shown["name"]), "coverage", draw))


def _drawn(caption: Caption, preset: Preset, shown: panels.Ladder, each: int = 1) -> Drawn:
    """Draw one ladder, its rows high enough for ``each`` dots."""
    left = caption.data["name"].nunique() - _rows(preset, each)
    noted = replace(caption, note=panels.left_out(caption.name, left))
    return panels.ladders(noted, preset, [replace(shown, high=_high(preset, each))])


def _high(preset: Preset, dots: int) -> float:
    """Return the height of a row of so many dots; in a column names take two lines."""
    return max(dots, TWO_LINES if preset.narrow else 1)


def _rows(preset: Preset, dots: int = 1) -> int:
    """Return for how many rows of so many dots there is room."""
    return int(panels.rows_that_fit(preset) / _high(preset, dots))


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
