"""Commands that draw and write up what was simulated before, and that make a figure again."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from flowsim.cli import options
from flowsim.cli.app import command, loading, print_results
from flowsim.cli.options import argument, option
from flowsim.cli.terminal import echo, progress_shown
from flowsim.errors import FlowsimError, ResultsError


class Form(StrEnum):
    """A format to export to."""

    XLSX = "xlsx"
    HUB = "hub"
    CRATE = "ro-crate"


@command(draws=True)
def figures(
    folder: Annotated[
        Path | None, argument("Results of a run, comparison, sweep or calibration.")
    ] = None,
    only: Annotated[
        list[str] | None,
        option("These figures; 'all': every one.  [default: usual]", "--only", metavar="NAME,..."),
    ] = None,
    preset: Annotated[
        str,
        option(
            "Printed size: page (180 mm wide), column (88 mm) or slide (16:9); the last two "
            "go into a folder of their own within figures/."
        ),
    ] = "page",
    formats: Annotated[
        str, option("Kinds of file, with commas.", "--format", metavar="png,svg,pdf")
    ] = "png,svg",
    out: Annotated[
        Path | None, option("Folder to write to.  [default: figures/ of the results]")
    ] = None,
    listed: Annotated[bool, option("List what can be drawn.", "--list")] = False,
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
    figure: Annotated[Path, argument("A PNG, SVG or PDF that flowsim drew.")],
    out: Annotated[
        Path | None, option("Folder for the figure made again.  [default: none]")
    ] = None,
    yes: Annotated[bool, option("Also if it takes long.", "--yes")] = False,
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


@command(draws=True)
def report(
    folder: Annotated[
        Path, argument("Results folder: of a run, comparison, sweep or calibration.")
    ],
    output: Annotated[
        Path | None,
        option(
            "File, .html, .pdf or .docx (Word).  [default: report.html in the folder]",
            "--output",
            "-o",
        ),
    ] = None,
    quick: Annotated[
        bool, option("Do not simulate other values of lambda beside it.", "--quick")
    ] = False,
    full: Annotated[
        bool, option("With every number that went in, and every table.", "--full")
    ] = False,
    quiet: options.Quiet = False,
) -> None:
    """Write one file that says what came out, how sure it is, and how it was made.

    \b
    Examples:
      flowsim report results/september-2022                     report.html in that folder
      flowsim report results/september-2022 -o paper.pdf
      flowsim report results/september-2022-against-no-task-force -o to-edit.docx
      flowsim report results/september-2022 --full -o archive.pdf

    Two pages of sentences to quote, with their ranges, and figures; then an appendix: what the
    data cannot tell, a sheet for those who receive people in each destination of a run (also as
    reception-<scenario>-<destination>.csv beside it), and the commands that make it again. HTML
    holds each figure's data too. It loads nothing from the network. The same folder gives the
    same file. Word needs python-docx: pip install 'border-flowsim[word]'.
    """
    with loading():
        from flowsim.report import write
        from flowsim.report.document import Options

    def announce(words: str) -> None:
        if not quiet:
            echo(f"{words[:1].upper()}{words[1:]} ...", err=True)

    for path in write(folder, output, Options(quick, full, announce)):
        echo(path)


@command()
def export(
    folder: Annotated[Path, argument("Results folder of any kind.")],
    to: Annotated[Form, option("Format.", "--to")] = Form.XLSX,
    output: Annotated[
        Path | None, option("File.  [default: in the folder]", "--output", "-o")
    ] = None,
) -> None:
    """Write results in the format of another programme.

    \b
    Examples:
      flowsim export results/september-2022                   an Excel workbook
      flowsim export results/doubt --to hub -o quantiles.csv  quantiles by day and place
      flowsim export results/doubt --to ro-crate              the folder as a research object

    A workbook has a sheet for each table, and before them what made it and the unit and meaning of
    every column and measure. In the folder itself, datapackage.json says the same for programmes.
    The file for a hub (hubverse, schema 6) has the name that hubs ask for: day, team, model.
    """
    from flowsim.report import save
    from flowsim.results import exporting
    from flowsim.results.opening import open_folder

    if output and output.is_dir():
        raise ResultsError(f"{output} is a folder; name a file in it")
    results = open_folder(folder)
    left_out: list[str] = []
    if to is Form.XLSX:
        data, left_out = exporting.workbook(results)
        name = f"{folder.resolve().name}.xlsx"
    elif to is Form.HUB:
        data, name = exporting.hub_quantiles(results), exporting.hub_name(results)
    else:
        data, name = exporting.crate(results), exporting.CRATE
    file = output or folder / name
    save({file: data})
    for lost in left_out:
        echo(f"{lost} has more rows than a workbook is good for; it is left out.", err=True)
    echo(file)


@command()
def explore(
    folder: Annotated[Path, argument("Results folder of a sweep or comparison.")],
    output: Annotated[
        Path | None, option("File, .html.  [default: explore.html in the folder]", "--output", "-o")
    ] = None,
) -> None:
    """Write one page that answers at once: a slider or switch for each parameter of a sweep.

    \b
    Examples:
      flowsim sweep explore
      flowsim explore results/explore -o explore.html
      flowsim explore results/september-2022-against-no-task-force

    The page shows the kept series day by day, with bands, published figures and policies, says
    the answer in sentences, and names the command that repeats what it shows. It can be mailed:
    it is one file, and loads nothing from the network.
    """
    from flowsim.report.explorer import write

    echo(write(folder, output))


@command("Stopped.")
def app(
    scenario: options.Scenario = "september-2022",
    port: Annotated[int, option("Where it listens.", min=1, max=65535)] = 5006,
    host: Annotated[
        str, option("Address; the usual one is seen by this machine alone.")
    ] = "127.0.0.1",
    no_browser: Annotated[
        bool, option("Open no browser; print the address.", "--no-browser")
    ] = False,
) -> None:
    """Change a scenario's numbers in a browser, simulate, and compare two worlds man for man.

    \b
    Examples:
      flowsim app
      flowsim app my-idea.yaml --port 8080

    Needs Panel: pip install 'border-flowsim[app]'. Nothing leaves this machine. Whoever can reach
    the address can start simulations; name another --host only in a network that you trust.
    """
    from flowsim.report.app import serve

    echo(f"http://{host}:{port} (Ctrl-C stops it)")
    serve(scenario, host, port, not no_browser)
