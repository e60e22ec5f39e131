"""The application that every command joins, and what the commands share."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from flowsim.version import __version__

Debug = Annotated[bool, typer.Option("--debug", help="Show where in the code an error arose.")]

app = typer.Typer(
    name="flowsim",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line; the entry point of ``flowsim``.

    Matrices here are small: more threads for each would only stand in the workers' way.
    """
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    app(prog_name="flowsim")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"flowsim {__version__}")
        raise typer.Exit


def checked_sample(written: str) -> float:
    """Read a share of the men, if it is one."""
    try:
        share = float(written)
    except ValueError:
        raise typer.BadParameter(
            f"expected a number above 0 and at most 1, found {written}; try {_like(written)}"
        ) from None
    if not 0 < share <= 1:
        raise typer.BadParameter(f"expected more than 0 and at most 1, found {share:g}; try 0.1")
    return share


def _like(written: str) -> str:
    """Return a share such as was meant: 0.05 for 5%."""
    try:
        share = float(written.strip().removesuffix("%").replace(",", ".")) / 100
    except ValueError:
        share = 0.1
    return f"{share:g}" if 0 < share <= 1 and "%" in written else "0.1"


@app.callback()
def _flowsim(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Say which.")
    ] = False,
) -> None:
    """Simulate who left Russia after the mobilisation of September 2022, and who could not.

    \b
    One scenario file in, one folder of tables and figures out:
      flowsim run september-2022 --sample 0.1
      flowsim new my-idea             start a scenario of your own
      flowsim check my-idea.yaml      find its mistakes, see its assumptions
      flowsim run my-idea.yaml
    """


def draw(folder: Path, quiet: bool) -> Sequence[Path]:
    """Draw all figures of a results folder; give the files written."""
    if not quiet:
        typer.echo("Drawing figures ...", err=True)
    from flowsim.figures import draw_all

    return list(draw_all(folder))


def tell_results(folder: Path, drawn: Sequence[Path], quiet: bool) -> None:
    """Print where the results are; with ``quiet`` the folder alone, for scripts."""
    if quiet:
        typer.echo(folder)
        return
    typer.echo(f"Results: {folder}")
    for path in drawn:
        if path.suffix == ".png":
            typer.echo(f"  {path}")
