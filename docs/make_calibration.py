"""Make everything that docs/calibration.md shows: runs, tables, figures, the shipped posterior.

``python docs/make_calibration.py`` runs the full calibration (three quarters of an hour on two
cores; it goes on where it was stopped), then writes tables and figures of ``docs/calibration.md``,
``flowsim/data/posterior.csv``, ``flowsim/data/lambda.csv`` and the calibrated values in
``scenarios/september-2022.yaml``; ``docs/make_tables.py`` then brings docs/ODD.md up to date. With
``--check`` it fails if the page does not hold what the folder gives.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pandas as pd
from sample_effects import compare_samples, sample_pairs

from flowsim.calibration import CalibrationResults, calibrate, fitting, open_calibration
from flowsim.calibration.file import read_calibration
from flowsim.calibration.targets import targets_of
from flowsim.experiments.store import Store
from flowsim.figures import draw_all
from flowsim.results.calibration import csv_of
from flowsim.scenario import Base, assumptions

DOCS = Path(__file__).resolve().parent
PAGE = DOCS / "calibration.md"
IMAGES = DOCS / "images" / "calibration"
DATA = DOCS.parent / "flowsim" / "data"
DRAWS = 12  # of the posterior, by which samples are compared with all men
FOLDER = DOCS.parent / "results" / "calibration-september-2022-full"
LAMBDAS = {"lambda_03": 0.3, "lambda_1": 1.0}
BLOCK = re.compile(r"(<!-- table: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def number(value: object, digits: int = 3) -> str:
    """Write a number for a reader: thousands with commas, small ones to three digits."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return str(value)
    if value != value:
        return ""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def markdown(table: pd.DataFrame, titles: dict[str, str]) -> str:
    """Write some columns of a table as Markdown."""
    rows = [" | ".join(titles.values()), " | ".join("---" for _ in titles)]
    for row in table[list(titles)].itertuples(index=False):
        rows.append(" | ".join(number(cell).replace("|", "/") for cell in row))
    return "\n".join(f"| {row} |" for row in rows) + "\n"


def interval(table: pd.DataFrame) -> pd.Series:
    """Write intervals as one column."""
    pairs = zip(table["low"], table["high"], strict=True)
    return pd.Series([f"{number(a)} to {number(b)}" for a, b in pairs], index=table.index)


def yes(flags: pd.Series) -> pd.Series:
    """Write flags as a word or nothing."""
    return flags.map({True: "yes", False: ""})


def tables(results: CalibrationResults) -> dict[str, str]:
    """Return every table of the page."""
    fit = results.table("fit")
    fit["interval"], fit["input"] = interval(fit), yes(fit["is_input"])
    fit["note"] = fit["note"].fillna("")
    parameters = results.table("parameters")
    parameters["interval"] = interval(parameters)
    parameters["prior"] = [
        f"{number(a)} to {number(b)}"
        for a, b in zip(parameters["prior_low"], parameters["prior_high"], strict=True)
    ]
    parameters["parameter"] = "`" + parameters["parameter"] + "`"
    validation = results.table("validation")
    validation["interval"], validation["held"] = interval(validation), yes(validation["covered"])
    validation["width"] = validation["high"] - validation["low"]
    naive = results.table("naive")
    naive["interval"], naive["held"] = interval(naive), yes(naive["covered"])
    naive["width"] = naive["high"] - naive["low"]
    naive = naive[naive["id"].isin(validation["id"])]
    departures = results.table("departures")
    departures["interval"] = interval(departures)
    scores = results.table("scores")
    recovery = results.table("recovery-summary").sort_values("median_shrinkage")
    recovery["parameter"] = "`" + recovery["parameter"] + "`"
    scale = {"id": "figure", "published": "published"}
    score = {"interval": "90 % interval", "width": "width", "held": "held", "crps": "CRPS"}
    out = {
        "fit": markdown(
            fit,
            {"id": "figure", "what": "what", "input": "input", "published": "published"}
            | {"median": "median", "interval": "90 %", "ratio": "ratio", "note": "note"},
        ),
        "parameters": markdown(
            parameters,
            {"parameter": "number", "prior": "prior", "median": "median", "interval": "90 %"}
            | {"ratio": "spread / prior's", "verdict": "verdict"},
        ),
        "correlations": markdown(
            results.table("correlations").head(8),
            {"first": "number", "second": "number", "correlation": "correlation"},
        ),
        "validation": markdown(validation, scale | {"simulated": "median"} | score),
        "naive": markdown(naive, {"id": "figure", "guess": "guess", "median": "median"} | score),
        "scores": markdown(
            scores,
            {"aspect": "aspect", "who": "who", "figures": "figures", "covered": "held"}
            | {"mean_width": "mean width", "crps": "CRPS", "interval_score": "interval score"}
            | {"ard": "relative difference"},
        ),
        "departures": markdown(
            departures,
            {"place_id": "destination", "median": "median", "interval": "90 %"}
            | {"factor": "highest over lowest"},
        ),
        "recovery": markdown(
            recovery,
            {"parameter": "number", "verdict": "verdict", "coverage": "coverage"}
            | {"evenness": "p of even ranks", "correlation": "truth and median"},
        ),
        "leave-one-out": markdown(
            results.table("leave-one-out"),
            {"left_out": "left out", "z_without": "how far off it then is"}
            | {"moves_most": "moves most", "by_sd": "by", "others_moved": "others moved"},
        ),
        "emulator": markdown(
            results.table("emulator"),
            {"id": "figure", "error": "error allowed", "emulator": "emulator", "chance": "chance"},
        ),
    }
    if results.has("variants"):
        out |= variant_tables(results)
    samples = results.folder / "samples.csv"
    if samples.exists():
        out["samples"] = sample_table(pd.read_csv(samples), results.table("emulator"))
    return out


def samples_of(results: CalibrationResults) -> pd.DataFrame:
    """Put draws of the posterior, run with samples, beside the same with all men."""
    calibration = read_calibration("september-2022")
    budget = fitting.budget_of(calibration, "full")
    points = results.draws[calibration.names].to_numpy()[-DRAWS:]  # others than those of the pairs
    stage = f"samples-{hashlib.sha256(points.tobytes()).hexdigest()[:8]}"
    targets = targets_of(calibration)
    with Store(results.folder) as store:
        runner = fitting.runner_of(calibration, store, budget)
        pairs = sample_pairs(runner, budget)
        found = runner.table(stage, lambda: compare_samples(calibration, targets, points, pairs))
        store.clear()
    return found


def sample_table(rows: pd.DataFrame, emulator: pd.DataFrame) -> str:
    """Put the samples beside all men, figure by figure, with the error that the fit allows."""
    columns = {"id": "figure", "whole": "all men"}
    table = rows[["id", "whole"]].drop_duplicates("id")
    for sample, part in rows.groupby("sample"):
        names = {"ratio": f"ratio {sample}", "z": f"z {sample}"}
        columns |= {f"ratio {sample}": f"{sample} / all men", f"z {sample}": "z"}
        if part.get("corrected", pd.Series(dtype=float)).notna().any():
            names |= {"corrected": f"corrected {sample}", "z_corrected": f"z corrected {sample}"}
            columns |= {f"corrected {sample}": "corrected", f"z corrected {sample}": "z "}
        table = table.merge(part[["id", *names]].rename(columns=names), on="id")
    table = table.merge(emulator[["id", "error"]], on="id", how="left")
    return markdown(table, columns | {"error": "error allowed in the fit"})


def variant_tables(results: CalibrationResults) -> dict[str, str]:
    """Return the tables of other inputs and of mechanisms switched off."""
    table = results.table("variants")
    titles = {"title": "variant", "misfit_as_it_is": "misfit as it is"}
    titles |= {"misfit_refitted": "refitted", "worst_figure": "worst figure", "worst_z": "z"}
    titles |= {"departures_GE": "set off: Georgia", "departures_KZ": "Kazakhstan"}
    titles |= {"october_GE": "entries 1-7 October: Georgia", "october_KZ": "Kazakhstan "}
    return {kind: markdown(table[table["kind"] == kind], titles) for kind in ("imputed", "off")}


def page(results: CalibrationResults) -> str:
    """Return the page with its tables made anew."""
    made = tables(results)

    def block(found: re.Match[str]) -> str:
        return found[1] + made.get(found[2], "Not made: this budget leaves it out.\n") + found[3]

    return BLOCK.sub(block, PAGE.read_text(encoding="utf-8"))


def ship(results: CalibrationResults) -> None:
    """Write the posterior and the constants for other lambdas into the package.

    What ``fit_exits.py`` wrote into lambda.csv stays, to be fitted anew by it.
    """
    (DATA / "posterior.csv").write_bytes(csv_of(results.table("posterior")))
    if not results.has("variant-points"):
        return
    rows = [
        {"lambda": LAMBDAS[row.variant], "key": row.key, "value": row.value, "source": SOURCE}
        for row in results.table("variant-points").itertuples()
        if row.variant in LAMBDAS and row.key != "choice.lambda"
    ]
    others = pd.read_csv(DATA / "lambda.csv")
    kept = others[others["source"] != SOURCE]
    (DATA / "lambda.csv").write_bytes(csv_of(pd.concat([pd.DataFrame(rows), kept])))


SOURCE = "calibrated: flowsim calibrate, docs/calibration.md"
VALUE, INTERVAL = re.compile(r"(?<=\{value: )[^,]+"), re.compile(r"90 % interval [^;\"]*")


def ship_values(results: CalibrationResults) -> None:
    """Write values and intervals into the scenario, where it says that they are calibrated.

    Fails if a number that the calibration gives is another in the scenario afterwards.
    """
    path = DOCS.parent / "scenarios" / "september-2022.yaml"
    lines = path.read_text(encoding="utf-8").splitlines()
    tree = Base.read(path).tree
    best = results.table("best").iloc[0]
    for row in results.table("parameters").itertuples():
        number = int(tree.place(tuple(row.parameter.split("."))).where.rpartition(":")[2] or 0)
        if row.parameter not in best or SOURCE not in lines[number - 1]:
            continue
        line = VALUE.sub(f"{float(f'{best[row.parameter]:.4g}'):g}", lines[number - 1], count=1)
        lines[number - 1] = INTERVAL.sub(f"90 % interval {said(row)}", line, count=1)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    shipped = {row.key: row.value for row in assumptions(Base.read(path).scenario)}
    for key in set(best.index) & set(shipped):
        value = float(shipped[key].replace(",", ""))
        if not math.isclose(value, best[key], rel_tol=1e-3):
            sys.exit(f"{path}: {key} is {value:g}, the calibration gives {best[key]:g}: mend it")


def said(row: Any) -> str:
    """Say an interval in as many digits as its width deserves, and if nothing is known."""
    step = 10.0 ** math.floor(math.log10((row.high - row.low) / 10))
    digits = max(0, -round(math.log10(step)))
    low, high = (f"{round(end / step) * step:,.{digits}f}" for end in (row.low, row.high))
    joined = f"{low} to {high}" if row.low < 0 else f"{low}-{high}"
    return joined + (", not identified" if row.verdict == "not identified" else "")


def main() -> None:
    """Calibrate what is missing, then write everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--as-it-is", action="store_true", help="take the folder as it is")
    parser.add_argument("--check", action="store_true", help="only compare the page")
    given = parser.parse_args()
    if not (given.check or given.as_it_is):
        calibrate("september-2022", out=given.folder, workers=given.workers)
    results = open_calibration(given.folder)
    if given.check:
        sys.exit(page(results) != PAGE.read_text(encoding="utf-8"))
    samples = given.folder / "samples.csv"
    if not samples.exists():
        samples_of(results).to_csv(samples, index=False)
    drawn = draw_all(given.folder, formats=("png",))
    IMAGES.mkdir(parents=True, exist_ok=True)
    for path in drawn:
        if path.suffix == ".png":
            shutil.copy(path, IMAGES / path.name)
    ship(results)
    ship_values(results)
    PAGE.write_text(page(results), encoding="utf-8")


if __name__ == "__main__":
    main()
