"""Commands that write up what was simulated before."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flowsim.cli import options
from flowsim.cli.app import command


@command()
def report(
    folder: Annotated[
        Path, typer.Argument(help="Results folder: of a run, comparison, sweep or calibration.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="File, .html or .pdf.  [default: report.html in the folder]"
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Do not simulate other values of lambda beside it.")
    ] = False,
    quiet: options.Quiet = False,
) -> None:
    """Write one file that says what came out, how sure it is, and how it was made.

    \b
    Examples:
      flowsim report results/september-2022                     report.html in that folder
      flowsim report results/september-2022 -o paper.pdf
      flowsim report results/september-2022-against-no-task-force -o for-the-desk.html

    The report holds sentences to quote with their ranges, figures, a page for those who receive
    people in each destination (also as reception-<destination>.csv beside it), every number that
    went in, what the data cannot tell, and the commands that make it again. It loads nothing from
    the network. The same folder gives the same file.
    """
    from flowsim.report import write

    def announce(words: str) -> None:
        if not quiet:
            typer.echo(f"{words[:1].upper()}{words[1:]} ...", err=True)

    for path in write(folder, output, quick, announce):
        typer.echo(path)
