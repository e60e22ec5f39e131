"""The command line: each command calls one function elsewhere and tells what came of it.

What takes long to import is imported inside the commands, so that ``flowsim --help`` is quick.
"""

from __future__ import annotations

import errno
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from flowsim import __version__
from flowsim.errors import FlowsimError, ScenarioError

if TYPE_CHECKING:
    from flowsim.scenario import Row

_WRONG_PATH = (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError)
Progress = Callable[[int, int, str], None]
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
    """Run the command line; the entry point of ``flowsim``."""
    app(prog_name="flowsim")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"flowsim {__version__}")
        raise typer.Exit


def _sample(share: float | None) -> float | None:
    if share is not None and not 0 < share <= 1:
        raise typer.BadParameter(f"expected more than 0 and at most 1, found {share:g}; try 0.1")
    return share


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


@app.command()
def run(
    scenario: Annotated[
        str, typer.Argument(help="A scenario file, or the name of a shipped scenario.")
    ] = "",
    sample: Annotated[
        float | None,
        typer.Option(
            callback=_sample, help="Share of the men, above 0 to 1.  [default: the file's]"
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**63 - 1, help="Of the draws.  [default: the file's]")
    ] = None,
    replications: Annotated[int, typer.Option(min=1, help="Runs with independent draws.")] = 1,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a number; may be repeated."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Results folder.  [default: results/<scenario name>]")
    ] = None,
    no_figures: Annotated[bool, typer.Option("--no-figures", help="Write tables only.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the results of another scenario.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say only where the results are.")] = False,
    debug: Debug = False,
) -> None:
    """Simulate a scenario; leave a folder of tables and figures.

    \b
    Examples:
      flowsim run september-2022                    all 39.6 million men
      flowsim run no-task-force --sample 0.1        every tenth man, a second
      flowsim run my-idea.yaml --seed 2 --out results/second-try
      flowsim run september-2022 --set policies.task_force_lars.p_serve=0.1 --out results/strict

    A key of --set is a path through the scenario file; `flowsim check` lists all of them.
    """
    with _explained(debug):
        _require_scenario(scenario)
        from flowsim.run import run as simulate
        from flowsim.scenario import load

        loaded = load(scenario, changes or ())
        folder = out or Path("results", loaded.name)
        with _progress(quiet) as progress:
            result = simulate(
                loaded,
                sample=sample,
                seed=seed,
                replications=replications,
                out=folder,
                progress=progress,
                force=force,
            )
        if not quiet:
            typer.echo(f"{result.report().rstrip()}\n")
        drawn = [] if no_figures else _draw(folder, quiet)
        _tell_results(folder, drawn, quiet)


@app.command()
def check(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Scenario files, or shipped names.")
    ],
    quiet: Annotated[bool, typer.Option("--quiet", help="Leave the assumptions out.")] = False,
    debug: Debug = False,
) -> None:
    """Find every mistake in scenario files; list what the scenario assumes.

    \b
    Examples:
      flowsim check my-idea.yaml
      flowsim check --quiet scenarios/*.yaml

    Each number is shown with its unit and source. Rows marked ? rest on an assumption or on an
    imputed figure. Exit code 2 if any file has a mistake.
    """
    with _explained(debug):
        from flowsim.scenario import assumptions, load

        worst = 0
        for file in files:
            try:
                scenario = load(file)
            except FlowsimError as error:
                worst = max(worst, _tell(error, debug))
                continue
            typer.echo(f"{file}: ok" if quiet else f"{scenario.name}: {scenario.title}")
            if not quiet:
                _print_assumptions(assumptions(scenario))
        if worst:
            raise typer.Exit(worst)


@app.command()
def schema(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write.  [default: the screen]")
    ] = None,
    debug: Debug = False,
) -> None:
    """Write the JSON Schema of scenario files, for editors that complete and underline.

    \b
    Examples:
      flowsim schema -o scenario.schema.json
    and as the first line of a scenario file beside it:
      # yaml-language-server: $schema=scenario.schema.json
    """
    with _explained(debug):
        import json

        from flowsim.scenario import json_schema

        text = json.dumps(json_schema(), indent=2, ensure_ascii=False)
        if output is None:
            typer.echo(text)
        else:
            output.write_text(text + "\n", encoding="utf-8")
            typer.echo(f"Wrote {output}")


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Of the scenario; the file is NAME.yaml.")],
    base: Annotated[
        str, typer.Option("--from", metavar="SCENARIO", help="Shipped scenario to start from.")
    ] = "september-2022",
    folder: Annotated[Path, typer.Option("--dir", help="Where to put the file.")] = Path(),
    debug: Debug = False,
) -> None:
    """Start a scenario of your own from a shipped one.

    \b
    Examples:
      flowsim new early-closure
      flowsim new quiet-border --from no-task-force --dir my-scenarios

    The file explains itself. An existing file is never overwritten.
    """
    with _explained(debug):
        from flowsim.starter import write_starter

        path = write_starter(name, base, folder)
        typer.echo(
            f"Wrote {path}. Next:\n"
            f"  1. open it, and write down what is to differ\n"
            f"  2. flowsim check {_quoted(path)}\n"
            f"  3. flowsim run {_quoted(path)} --sample 0.1"
        )


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
    with _explained(debug):
        _tell_results(folder, _draw(folder, quiet=True), quiet=False)


# -- what the commands share


def _require_scenario(name: str) -> None:
    """Say what can be run if nothing was named."""
    if name:
        return
    from flowsim.scenario import shipped

    names = "\n".join(f"  flowsim run {name}" for name in shipped())
    typer.echo(
        f"Which scenario? These are shipped:\n{names}\n"
        "or name a file of your own; `flowsim new NAME` starts one.",
        err=True,
    )
    raise typer.Exit(2)


def _draw(folder: Path, quiet: bool) -> Sequence[Path]:
    """Draw all figures of a results folder; give the files written."""
    if not quiet:
        typer.echo("Drawing figures ...", err=True)
    from flowsim.figures import draw_all

    return list(draw_all(folder))


def _tell_results(folder: Path, drawn: Sequence[Path], quiet: bool) -> None:
    """Print where the results are; with ``quiet`` the folder alone, for scripts."""
    if quiet:
        typer.echo(folder)
        return
    typer.echo(f"Results: {folder}")
    for path in drawn:
        if path.suffix == ".png":
            typer.echo(f"  {path}")


def _quoted(path: Path) -> str:
    import shlex

    return shlex.quote(str(path))


def _print_assumptions(rows: Sequence[Row]) -> None:
    """Print the assumptions table: key, value, unit, source, bounds if free."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("", "key", "value", "unit", "source", "free"):
        table.add_column(title, overflow="fold")
    unsure = 0
    for row in rows:
        doubtful = row.source.startswith("assumption") or "imputed" in row.source
        unsure += doubtful
        cells = ("?" if doubtful else "", row.key, row.value, row.unit, row.source, row.free or "")
        table.add_row(*(Text(str(cell)) for cell in cells), style="yellow" if doubtful else "")
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = 200
    console.print(table)
    console.print(f"\n{len(rows)} numbers; the {unsure} marked ? are assumed or imputed.\n")


@contextmanager
def _progress(quiet: bool) -> Iterator[Progress | None]:
    """Give what run() reports its progress to: a bar on a terminal, else a few lines."""
    if quiet:
        yield None
    elif not sys.stderr.isatty():
        yield _plain_progress()
    else:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
        with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("making the population")
            yield lambda done, total, label: bar.update(
                task, completed=done, total=total, description=label
            )


def _plain_progress() -> Progress:
    """Tell every quarter of the way on a line of its own."""
    told: set[int] = set()

    def tell(done: int, total: int, label: str) -> None:
        quarter = 4 * done // max(total, 1)
        if quarter not in told:
            told.add(quarter)
            typer.echo(f"{25 * quarter} % ({label})", err=True)

    return tell


# -- errors: one clear message, an exit code, and a traceback only on request


@contextmanager
def _explained(debug: bool) -> Iterator[None]:
    """Turn whatever goes wrong inside into a message on stderr and an exit code."""
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            yield
        except (typer.Exit, typer.Abort, typer.TyperException, BrokenPipeError):
            raise
        except KeyboardInterrupt:
            typer.echo("Stopped. An unfinished results folder is not used by anything.", err=True)
            raise typer.Exit(130) from None
        except Exception as error:
            _fail(error, debug)


def _fail(error: Exception, debug: bool) -> NoReturn:
    raise typer.Exit(_tell(error, debug)) from None


def _tell(error: Exception, debug: bool) -> int:
    """Print an error on stderr; give the exit code."""
    if debug:
        traceback.print_exception(error)
    message, code = _explanation(error)
    typer.echo(message, err=True)
    return code


def _explanation(error: Exception) -> tuple[str, int]:
    """Say an error in words; 2 if the user can mend it, 1 if the machine is at fault."""
    if isinstance(error, ScenarioError) and len(error.problems) > 1:
        return f"{error}\n{len(error.problems)} problems found.", error.exit_code
    if isinstance(error, FlowsimError):
        return str(error), error.exit_code
    if isinstance(error, MemoryError):
        return "Not enough memory. Simulate fewer men: --sample 0.1", 1
    if isinstance(error, OSError):
        return _refusal(error), 2 if isinstance(error, _WRONG_PATH) else 1
    return (
        f"flowsim met something it did not expect: {type(error).__name__}: {error}\n"
        "That is a mistake in flowsim. Run the same with --debug and report what it shows.",
        1,
    )


def _refusal(error: OSError) -> str:
    """Say in one line what the operating system refused and what to do."""
    what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{what}. Free some space, or write elsewhere with --out."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{what}. Choose a folder you may write to."
    return f"{what}."


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    """Print a warning as a sentence, without file and line."""
    typer.echo(f"Note: {message}", err=True)
