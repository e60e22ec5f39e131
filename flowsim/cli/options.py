"""The options that several commands share, each worded once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def option(words: str, *names: str, **how: Any) -> Any:
    """Return an option with its words of help."""
    return typer.Option(*names, help=words, **how)


def argument(words: str, **how: Any) -> Any:
    """Return an argument with its words of help."""
    return typer.Argument(help=words, **how)


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
    return option(words, parser=checked_share, metavar="SHARE", show_default=False)


def folder(default: str, what: str = "Results folder.") -> Any:
    """Return the option that takes the folder to write to."""
    return option(f"{what}  [default: {default}]", "--out")


def posterior_draws(n: int) -> list[dict[str, float]]:
    """Return n draws of the calibrated parameters."""
    if not n:
        return []  # before an import that takes half a second
    from flowsim.calibration import posterior_changes

    return posterior_changes(n, exits=True)


Scenario = Annotated[str, argument("A scenario file, or the name of a shipped scenario.")]
Sample = Annotated[float | None, share("the file's")]
Seed = Annotated[
    int | None, option("Of the draws.  [default: the first file's]", min=0, max=2**63 - 1)
]
Workers = Annotated[
    int | None, option("Processes; changes no result.  [default: all cores]", min=1)
]
Scheduler = Annotated[
    str, option("Of a Dask scheduler; or local, or local-cluster.", metavar="ADDRESS")
]
Style = Annotated[
    Path | None, option("Matplotlib style file (.mplstyle) for colours and type.", metavar="FILE")
]
Language = Annotated[
    str,
    option(
        "Of sentences and figures: en, ru, ka (Georgian) or kk (Kazakh).  [default: en]",
        envvar="FLOWSIM_LANGUAGE",
        metavar="CODE",
        show_default=False,
        show_envvar=False,
    ),
]
NoFigures = Annotated[bool, option("Write tables only.", "--no-figures")]
Force = Annotated[bool, option("Replace what the folder holds of others.", "--force")]
Quiet = Annotated[bool, option("Print only where the results are.", "--quiet")]
Json = Annotated[
    bool, option("Print what was found as JSON and nothing else, for scripts.", "--json")
]
Debug = Annotated[bool, option("Show where in the code an error arose.", "--debug")]
