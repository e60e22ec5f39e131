"""Commands that hold simulations against published figures, and against each other man for man."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from flowsim.cli import options
from flowsim.cli.app import RESUMED, command, conclude, loading
from flowsim.cli.options import argument, option
from flowsim.cli.terminal import progress_shown
from flowsim.errors import FlowsimError

if TYPE_CHECKING:
    from flowsim.scenario.schema import Scenario

DRAWS = 20  # of the posterior, where the first scenario is calibrated


@command(RESUMED, draws=True)
def calibrate(
    file: Annotated[
        str, argument("A calibration file, or the name of a shipped one.")
    ] = "september-2022",
    budget: Annotated[
        str, option("How much is simulated: small, full, or another of the file's.")
    ] = "full",
    against: Annotated[
        Path | None, option("Published figures to predict, as observations.csv.", metavar="CSV")
    ] = None,
    as_of: Annotated[
        datetime | None,
        option(
            "Fit only what had been published by this day; score what came later.",
            formats=["%Y-%m-%d"],
            metavar="DATE",
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


@command(RESUMED, speaks=True)
def compare(
    scenarios: Annotated[
        list[str],
        argument("Scenario files or shipped names; each is held against A.", metavar="A B [C ...]"),
    ],
    replications: Annotated[int, option("Pairs of runs with independent draws.", min=1)] = 20,
    sample: Annotated[float, options.share("0.01")] = 0.01,
    seed: options.Seed = None,
    lambdas: Annotated[
        str, option("Repeat under these values of lambda.", "--lambda", metavar="all|VALUE,...")
    ] = "",
    posterior: Annotated[
        int | None,
        option(
            "Draws of the calibrated parameters, for the interval with all doubt; 0 for "
            "chance alone.  [default: 20 if A is calibrated, else 0]",
            min=0,
        ),
    ] = None,
    terms: Annotated[bool, option("Find what switched each man.")] = True,
    shapley: Annotated[
        bool | None,
        option(
            "Divide what followed coinciding policies among them.  [default: among those in "
            "which the scenarios differ, if several]"
        ),
    ] = None,
    out: Annotated[Path | None, options.folder("results/A-against-B")] = None,
    workers: options.Workers = None,
    force: options.Force = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Put the same men into several worlds: what differs, for whom, and why.

    \b
    Examples:
      flowsim compare september-2022 no-task-force
      flowsim compare september-2022 no-task-force border-closed --replications 40
      flowsim compare september-2022 my-idea.yaml --sample 0.1 --shapley
      flowsim compare september-2022 border-closed --lambda all
      flowsim compare september-2022 no-task-force --posterior 0       chance alone, faster

    Every man has the same attributes, draws and tastes in each scenario, so a difference is the
    scenario's and not chance. Printed are who switched and by how much, and each change with the
    interval of all doubt that the calibration knows (draws of its posterior, the same in all
    scenarios) and that of chance alone. `flowsim report` holds the rest. With --shapley, how much
    of what followed coinciding policies each explains: it takes 16 runs more a replication.

    Nothing is lost: after Ctrl-C, a crash or a full disk start the same command again and it goes
    on with the replications that are missing.
    docs/comparison.md tells how to read it.
    """
    with loading():
        from flowsim.comparison import compare as compared
        from flowsim.comparison.running import read

    values = _lambdas(lambdas)
    loaded = read(scenarios, sample, seed)
    first, *others = (scenario.name for scenario in loaded)
    folder = out or Path("results", f"{first}-against-{'-'.join(others)}")
    with progress_shown(quiet or as_json, "replications") as progress:
        result = compared(
            scenarios,
            replications=replications,
            sample=sample,
            seed=seed,
            workers=workers,
            terms=terms,
            shapley=shapley,
            by_lambda=values,
            draws=_draws(loaded[0], posterior),
            out=folder,
            force=force,
            progress=progress,
        )
    conclude(result, no_figures=True, quiet=quiet, as_json=as_json)


def _draws(first: Scenario, n: int | None) -> list[dict[str, float]]:
    """Return the first n draws of the shipped posterior; by default 20 of a calibrated scenario."""
    from flowsim.scenario import assumptions

    if n is None:
        fitted = any(row.source.startswith("calibrated") for row in assumptions(first))
        n = DRAWS if fitted else 0
    return options.posterior_draws(n)


def _lambdas(text: str) -> tuple[float, ...]:
    """Read the values of --lambda, numbers from 0.25 to 1."""
    from flowsim.scenario.lambdas import VALUES

    if text in ("", "all"):
        return VALUES if text else ()
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = (float("nan"),)
    if not all(0.25 <= value <= 1 for value in values):
        raise FlowsimError(f"--lambda: found {text}; expected all, or numbers from 0.25 to 1")
    return tuple(dict.fromkeys(values))
