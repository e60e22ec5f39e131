"""The command that compares scenarios man for man."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowsim.cli import options
from flowsim.cli.app import RESUMED, command, conclude, loading
from flowsim.cli.terminal import progress_shown
from flowsim.errors import FlowsimError

if TYPE_CHECKING:
    from flowsim.scenario.schema import Scenario

DRAWS = 20  # of the posterior, where the first scenario is calibrated


@command(RESUMED, speaks=True)
def compare(
    scenarios: Annotated[
        list[str],
        typer.Argument(
            metavar="A B [C ...]", help="Scenario files or shipped names; each is held against A."
        ),
    ],
    replications: Annotated[
        int, typer.Option(min=1, help="Pairs of runs with independent draws.")
    ] = 20,
    sample: Annotated[float, options.share("0.01")] = 0.01,
    seed: options.Seed = None,
    lambdas: Annotated[
        str,
        typer.Option(
            "--lambda", metavar="all|VALUE,...", help="Repeat under these values of lambda."
        ),
    ] = "",
    posterior: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Draws of the calibrated parameters, for the interval with all doubt; 0 for "
            "chance alone.  [default: 20 if A is calibrated, else 0]",
        ),
    ] = None,
    terms: Annotated[bool, typer.Option(help="Find what switched each man.")] = True,
    shapley: Annotated[
        bool | None,
        typer.Option(
            help="Divide what followed coinciding policies among them.  [default: among those in "
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
