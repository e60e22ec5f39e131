"""The options that several commands share, each worded once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def checked_share(written: str) -> float:
    """Read a share of the men, if it is one."""
    try:
        share = float(written)
    except ValueError:
        raise typer.BadParameter(
            f"expected a number above 0 and at most 1, found {written}; try {_meant(written)}"
        ) from None
    if not 0 < share <= 1:
        raise typer.BadParameter(f"expected more than 0 and at most 1, found {share:g}; try 0.1")
    return share


def _meant(written: str) -> str:
    """Return a share such as was meant: 0.05 for 5%."""
    try:
        share = float(written.strip().removesuffix("%").replace(",", ".")) / 100
    except ValueError:
        share = 0.1
    return f"{share:g}" if 0 < share <= 1 and "%" in written else "0.1"


def share(default: str) -> Any:
    """Return the option that takes a share of the men."""
    words = f"Share of the men, above 0 to 1.  [default: {default}]"
    return typer.Option(parser=checked_share, metavar="SHARE", help=words, show_default=False)


def folder(default: str, what: str = "Results folder.") -> Any:
    """Return the option that takes the folder to write to."""
    return typer.Option("--out", help=f"{what}  [default: {default}]")


def posterior_draws(n: int) -> list[dict[str, float]]:
    """Return n draws of the calibrated parameters."""
    if not n:
        return []  # before an import that takes half a second
    from flowsim.calibration import posterior_changes

    return posterior_changes(n, exits=True)


Sample = Annotated[float | None, share("the file's")]
Seed = Annotated[
    int | None,
    typer.Option(min=0, max=2**63 - 1, help="Of the draws.  [default: the first file's]"),
]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Processes; changes no result.  [default: all cores]")
]
Scheduler = Annotated[
    str, typer.Option(metavar="ADDRESS", help="Of a Dask scheduler; or local, or local-cluster.")
]
Style = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Matplotlib style file (.mplstyle) for colours and type."),
]
Language = Annotated[
    str,
    typer.Option(
        envvar="FLOWSIM_LANGUAGE",
        metavar="CODE",
        help="Of sentences and figures: en, ru, ka (Georgian) or kk (Kazakh).  [default: en]",
        show_default=False,
        show_envvar=False,
    ),
]
NoFigures = Annotated[bool, typer.Option("--no-figures", help="Write tables only.")]
Force = Annotated[bool, typer.Option("--force", help="Replace what the folder holds of others.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print only where the results are.")]
Json = Annotated[
    bool, typer.Option("--json", help="Print what was found as JSON and nothing else, for scripts.")
]
Debug = Annotated[bool, typer.Option("--debug", help="Show where in the code an error arose.")]
