"""The command that fits the model to published figures and tests what it then predicts."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from flowsim.cli import options
from flowsim.cli.app import RESUMED, command, conclude
from flowsim.cli.terminal import progress_shown


@command(RESUMED, draws=True)
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
    as_of: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            metavar="DATE",
            help="Fit only what had been published by this day; score what came later.",
        ),
    ] = None,
    workers: options.Workers = None,
    scheduler: options.Scheduler = "local",
    out: Annotated[Path | None, options.folder("results/calibration-<name>-<budget>")] = None,
    no_figures: options.NoFigures = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Fit the model to published figures; say what they fix, what they do not, what follows.

    \b
    Examples:
      flowsim calibrate --budget small         some minutes on two cores, a rough posterior
      flowsim calibrate                        the full one, about an hour
      flowsim calibrate --against my-figures.csv
      flowsim calibrate --budget small --as-of 2022-09-27     what would it have said then?
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

    then = "" if as_of is None else f"-as-of-{as_of.date()}"
    folder = out or Path("results", f"calibration-{read_calibration(file).name}-{budget}{then}")
    with progress_shown(quiet or as_json) as progress:
        fit(
            file,
            out=folder,
            budget=budget,
            workers=workers,
            scheduler=scheduler,
            against=against,
            as_of=None if as_of is None else as_of.date(),
            progress=progress,
        )
    conclude(open_calibration(folder), no_figures, quiet, as_json)
