"""Commands that draw what was simulated before."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flowsim.cli.app import Debug, app, draw, tell_results
from flowsim.terminal import explained


@app.command()
def figures(
    folder: Annotated[Path, typer.Argument(help="Results folder of a finished run.")],
    debug: Debug = False,
) -> None:
    """Draw the figures of a results folder again, without simulating.

    \b
    Examples:
      flowsim figures results/september-2022
    """
    with explained(debug):
        tell_results(folder, draw(folder, quiet=True), quiet=False)
