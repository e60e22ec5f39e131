"""Commands that write up what was simulated before, on pages to read or to explore."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from flowsim.cli import options
from flowsim.cli.app import command, loading
from flowsim.cli.terminal import echo


class Form(StrEnum):
    """A format to export to."""

    XLSX = "xlsx"
    HUB = "hub"
    CRATE = "ro-crate"


@command(draws=True)
def report(
    folder: Annotated[
        Path, typer.Argument(help="Results folder: of a run, comparison, sweep or calibration.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="File, .html, .pdf or .docx (Word).  [default: report.html in the folder]",
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Do not simulate other values of lambda beside it.")
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="With every number that went in, and every table.")
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
    folder: Annotated[Path, typer.Argument(help="Results folder of any kind.")],
    to: Annotated[Form, typer.Option("--to", help="Format.")] = Form.XLSX,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File.  [default: in the folder]")
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
    from flowsim.errors import ResultsError
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
    folder: Annotated[Path, typer.Argument(help="Results folder of a sweep or comparison.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File, .html.  [default: explore.html in the folder]"),
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
    scenario: Annotated[
        str, typer.Argument(help="A scenario file, or the name of a shipped scenario.")
    ] = "september-2022",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where it listens.")] = 5006,
    host: Annotated[
        str, typer.Option(help="Address; the usual one is seen by this machine alone.")
    ] = "127.0.0.1",
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Open no browser; print the address.")
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
