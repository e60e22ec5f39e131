"""Commands that draw what was simulated before, and that make a figure again."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from flowsim.cli import options
from flowsim.cli.app import command, print_results
from flowsim.cli.terminal import echo, progress_shown
from flowsim.errors import FlowsimError


@command(draws=True)
def figures(
    folder: Annotated[
        Path | None, typer.Argument(help="Results of a run, comparison, sweep or calibration.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only", metavar="NAME,...", help="These figures; 'all': every one.  [default: usual]"
        ),
    ] = None,
    preset: Annotated[
        str,
        typer.Option(
            help="Printed size: page (180 mm wide), column (88 mm) or slide (16:9); the last two "
            "go into a folder of their own within figures/."
        ),
    ] = "page",
    formats: Annotated[
        str, typer.Option("--format", metavar="png,svg,pdf", help="Kinds of file, with commas.")
    ] = "png,svg",
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to.  [default: figures/ of the results]")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List what can be drawn.")] = False,
) -> None:
    """Draw the figures of a results folder again, without simulating.

    \b
    Examples:
      flowsim figures results/september-2022
      flowsim figures --list                              what can be drawn
      flowsim figures results/september-2022 --only map,queues --preset slide
      flowsim figures results/september-2022 --only all --format pdf

    Beside each figure stand the data it shows (CSV) and a text for those who cannot see it.
    The figure itself carries how it was made: see `flowsim reproduce --help`.
    """
    if listed:
        _list(folder)
        return
    if folder is None:
        raise FlowsimError(
            "Of which folder? For example:\n  flowsim figures results/september-2022\n"
            "`flowsim figures --list` says what can be drawn."
        )
    from flowsim.figures import draw_all

    names = [name.strip() for text in only or () for name in text.split(",") if name.strip()]
    kinds = list(dict.fromkeys(kind.strip().lower() for kind in formats.split(",")))
    print_results(folder, draw_all(folder, names, preset, [kind for kind in kinds if kind], out))


@command()
def reproduce(
    figure: Annotated[Path, typer.Argument(help="A PNG, SVG or PDF that flowsim drew.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the figure made again.  [default: none]")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Also if it takes long.")] = False,
    quiet: options.Quiet = False,
) -> None:
    """Make a figure again from what its file says of itself, and compare.

    \b
    Examples:
      flowsim reproduce results/september-2022/figures/map.png
      flowsim reproduce ~/Downloads/figure-3.pdf --out again

    The figure may be a copy from anywhere: it carries its scenario, seeds, sample and versions.
    Bytes must agree, or on other versions at least what is drawn; a file is not taken at its
    word. Nothing but the recipe in the figure is read, so it may come from a stranger.

    \b
    Exit codes:
      0  the same
      1  different, or not proven to be the same on these versions
      2  no figure of flowsim's, a recipe that cannot be followed, or above a minute without --yes
    """
    from flowsim.figures.reproduce import reproduce as make_again

    with progress_shown(quiet) as progress:
        announce = str if quiet else partial(echo, err=True)
        verdict = make_again(figure, out, patient=yes, progress=progress, announce=announce)
    echo(verdict.words)
    for path in verdict.files:
        echo(f"  {path}")
    if not verdict.same:
        raise typer.Exit(1)


def _list(folder: Path | None) -> None:
    """Print what can be drawn, of a folder or of any."""
    from flowsim.figures import KINDS, catalogue, families
    from flowsim.results.opening import open_folder

    width = max(map(len, families()))
    for kind in [open_folder(folder).kind] if folder else KINDS:
        echo(f"From a {kind}:")
        for name, shows in catalogue(kind).items():
            mark = " " if families()[name].usual is True else "*"
            echo(f"  {name:{width}}{mark} {shows}")
    echo("* only if named with --only, or with --only all")
