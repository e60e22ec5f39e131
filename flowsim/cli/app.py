"""The application that every command joins, and what the commands share."""

from __future__ import annotations

import gc
import inspect
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import wraps
from io import StringIO, TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from flowsim.cli.options import Debug, Language, Style, option
from flowsim.cli.terminal import echo, print_json, report_errors
from flowsim.version import __version__

if TYPE_CHECKING:
    from flowsim.results.base import Results

STOPPED = "Stopped; what was written so far does not count as results."
RESUMED = "Stopped. What is finished is safe; the same command again goes on."

# click's, which typer has inside or beside it, by its version
_UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[1])

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

    Matrices here are small: more threads for each would only stand in the workers' way. Figures
    become files: what a notebook left in ``MPLBACKEND`` is for no window here.
    """
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    os.environ["MPLBACKEND"] = "agg"
    if "--debug" not in sys.argv:  # what libraries meet while they are put away
        sys.unraisablehook = lambda _: None
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # code pages that lack a letter show ? instead
            stream.reconfigure(errors="replace")
    try:
        code = app(prog_name="flowsim", standalone_mode=False)
    except _UsageError as error:
        shown = StringIO()
        error.show(shown)
        echo(shown.getvalue().rstrip(), err=True)
        code = error.exit_code
    sys.exit(code)


def command(
    stopped: str = STOPPED, *, draws: bool = False, speaks: bool = False
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a function a command: errors become messages and exit codes, ``--debug`` shows where.

    ``stopped`` is what to print after Ctrl-C; what ``draws`` figures has ``--style`` too,
    and ``--language`` like what ``speaks`` of results.
    """
    own: dict[str, Any] = {"style": (None, Style)} if draws else {}
    own |= {"language": ("en", Language)} if draws or speaks else {}
    own |= {"debug": (False, Debug)}

    def register(function: Callable[..., None]) -> Callable[..., None]:
        @wraps(function)
        def called(
            debug: bool = False, style: Path | None = None, language: str = "en", **given: Any
        ) -> None:
            with report_errors(debug, stopped), _in_style_of(style), _in_language(language):
                function(**given)

        added = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=usual, annotation=what)
            for name, (usual, what) in own.items()
        ]
        known = inspect.signature(function, eval_str=True)
        parameters = [*known.parameters.values(), *added]
        called.__signature__ = known.replace(parameters=parameters)  # type: ignore[attr-defined]
        called.__annotations__ = function.__annotations__ | {
            n: what for n, (_, what) in own.items()
        }
        app.command()(called)
        return function

    return register


def _in_style_of(style: Path | None) -> AbstractContextManager[None]:
    """Draw in a house style, if there is one; it is read before anything runs."""
    if style is None:
        return nullcontext()
    from flowsim.figures.layout.style import in_house

    return in_house(style)


@contextmanager
def _in_language(code: str) -> Iterator[None]:
    """Write in another language than English; print what has to stay English."""
    if code == "en":
        yield
        return
    from flowsim.findings.language import in_language

    with in_language(code) as speaker:
        yield
    if speaker and speaker.said:
        echo(f"Note: {speaker.coverage()}", err=True)


@contextmanager
def loading() -> Iterator[None]:
    """Import what a command needs without looking for garbage: there is none, and it takes long."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _print_version(wanted: bool) -> None:
    if wanted:
        echo(f"flowsim {__version__}")
        raise typer.Exit


@app.callback()
def _flowsim(
    version: Annotated[
        bool, option("Print the version.", "--version", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Simulate who left Russia after the mobilisation of September 2022, and who could not.

    \b
    One scenario file in, one folder of tables and figures out:
      flowsim run september-2022 --sample 0.1
      flowsim new my-idea             start a scenario of your own
      flowsim check my-idea.yaml      find its mistakes, see its assumptions
      flowsim run my-idea.yaml

    \b
    Exit codes:
      0    done
      1    some runs failed, the machine refused, or a mistake in flowsim
      2    something in the command or in a file, which the message says how to mend
      130  stopped by Ctrl-C
    """


def conclude(
    results: Results, no_figures: bool = False, quiet: bool = False, as_json: bool = False
) -> None:
    """Print what results say and where they are, as text or JSON; draw the usual figures."""
    from flowsim import findings

    if not (as_json or quiet):
        echo(f"{findings.summary(results)}\n")
    finish(results.path, no_figures, quiet, as_json)
    if as_json:
        print_json(findings.as_data(results))


def finish(folder: Path, no_figures: bool, quiet: bool, silent: bool = False) -> None:
    """Draw the usual figures of a results folder, and print where everything is."""
    drawn: list[Path] = []
    if not no_figures:
        if not (quiet or silent):
            echo("Drawing figures ...", err=True)
        from flowsim.figures import draw_all

        drawn = draw_all(folder)
    if not silent:
        print_results(folder, drawn, quiet)


def print_results(folder: Path, drawn: Iterable[Path] = (), quiet: bool = False) -> None:
    """Print where the results are; with ``quiet`` the folder alone, for scripts."""
    echo(folder if quiet else f"Results: {folder}")
    for path in drawn:
        if path.suffix == ".png" and not quiet:
            echo(f"  {path}")


def choose(question: str, command: str, names: Iterable[str], otherwise: str) -> None:
    """Print what could have been named where nothing was; leave with exit code 2."""
    listed = "\n".join(f"  flowsim {command} {name}" for name in names)
    echo(f"{question} These are shipped:\n{listed}\n{otherwise}", err=True)
    raise typer.Exit(2)
