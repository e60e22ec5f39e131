"""The command that fits the model to published figures and tests what it then predicts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowsim.cli import options
from flowsim.cli.app import RESUMED, command, finish
from flowsim.cli.terminal import progress_shown

if TYPE_CHECKING:
    from flowsim.calibration import CalibrationResults


@command(RESUMED)
def calibrate(
    file: Annotated[
        str, typer.Argument(help="A calibration file, or the name of a shipped one.")
    ] = "september-2022",
    budget: Annotated[
        str, typer.Option(help="How much is simulated: small, full, or another of the file's.")
    ] = "full",
    against: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="Published figures to predict, as observations.csv."),
    ] = None,
    workers: options.Workers = None,
    scheduler: options.Scheduler = "local",
    out: Annotated[Path | None, options.folder("results/calibration-<name>-<budget>")] = None,
    no_figures: options.NoFigures = False,
    quiet: options.Quiet = False,
) -> None:
    """Fit the model to published figures; say what they fix, what they do not, what follows.

    \b
    Examples:
      flowsim calibrate --budget small         some minutes on two cores, a rough posterior
      flowsim calibrate                        the full one, about an hour
      flowsim calibrate --against my-figures.csv
      flowsim calibrate my-file.yaml --out results/my-fit

    Nothing is lost: after Ctrl-C or a crash start the same command again and it goes on where it
    stopped. Figures with the role `validate` are never fitted, nor are those of --against: they
    are predicted, with intervals and scores beside naive guesses. A file for --against needs the
    columns id, value, model_measure, place_id, window_start, window_end, utc_offset_h and unit of
    flowsim/data/observations.csv.

    docs/calibration.md says how it works and how to read the tables.
    """
    from flowsim.calibration import calibrate as fit
    from flowsim.calibration import open_calibration, read_calibration

    folder = out or Path("results", f"calibration-{read_calibration(file).name}-{budget}")
    with progress_shown(quiet) as progress:
        fit(
            file,
            out=folder,
            budget=budget,
            workers=workers,
            scheduler=scheduler,
            against=against,
            progress=progress,
        )
    if not quiet:
        typer.echo(_findings(open_calibration(folder)))
    finish(folder, no_figures, quiet)


def _findings(results: CalibrationResults) -> str:
    """Put into words how well the figures are met, which numbers they fix, what was predicted."""
    share = f"{100 * results.manifest['credible']:.0f} %"
    fit = results.table("fit").dropna(subset=["z"])
    off = fit[fit["z"].abs() > 2]
    parameters = results.table("parameters")
    fixed = parameters[parameters["verdict"] == "identified"]
    lines = [
        f"{results.manifest['title']}",
        f"  {len(fit)} figures fitted; {len(fit) - len(off)} within two standard errors"
        + (f", not {', '.join(off['id'])}" if len(off) else ""),
        f"  {len(fixed)} of {len(parameters)} numbers identified by them (posterior, {share}):",
    ]
    for row in fixed.itertuples():
        lines.append(f"    {row.parameter:48s} {row.median:10.4g}  {row.low:.4g} to {row.high:.4g}")
    scores = results.table("scores") if results.has("scores") else None
    if scores is not None:
        own = scores[scores["who"] == "model"]
        lines.append(
            f"  {own['covered'].sum()} of {own['figures'].sum()} figures never fitted lie within "
            f"their predictive intervals ({share})"
        )
    predicted = results.table("predictions").set_index("id")["simulated"]
    mute = [n for n in results.manifest["against"] if n not in predicted.dropna()]
    if mute:
        lines.append(f"  nothing in the model to compare with {', '.join(mute)}")
    recovery = results.table("recovery")
    lines.append(
        f"  {recovery['truth'].nunique()} synthetic truths: intervals of {share} cover "
        f"{100 * recovery['covered'].mean():.0f} %"
    )
    return "\n".join(lines)
