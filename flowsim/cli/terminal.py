"""What the commands share on a terminal: progress, tables, and errors as messages."""

from __future__ import annotations

import errno
import json
import sys
import time
import traceback
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from typing import TYPE_CHECKING

import typer

from flowsim.errors import DataError, FlowsimError, ScenarioError, is_wrong_path, visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as Grid

    from flowsim.findings.finding import Finding, Table
    from flowsim.scenario import Row
    from flowsim.types import Progress


def echo(text: object = "", *, err: bool = False) -> None:
    """Print a text, with what steers a terminal or cannot be seen written out."""
    typer.echo(visible(str(text), "\n\t"), err=err)


def print_json(data: object) -> None:
    """Print plain data for scripts."""
    echo(json.dumps(data, indent=2, ensure_ascii=False))


def print_assumptions(rows: Sequence[Row]) -> None:
    """Print the assumptions table: key, value, unit, source, bounds if free."""
    from flowsim.findings.finding import Table
    from flowsim.findings.inputs import counted, is_unsure

    unsure = frozenset(place for place, row in enumerate(rows) if is_unsure(row))
    cells = tuple(
        ("?" * (place in unsure), row.key, row.value, row.unit, row.source, str(row.free or ""))
        for place, row in enumerate(rows)
    )
    console = _console()
    if not console.is_terminal:
        console.width = 200
    heads = ("", "key", "value", "unit", "source", "free")
    console.print(_grid(Table("", heads, cells, marked=unsure)))
    console.print(f"\n{counted(rows)}\n")


def print_findings(findings: Iterable[Finding]) -> None:
    """Print findings within 80 columns; rows of tables that are marked are coloured."""
    import textwrap
    from functools import partial

    from rich.padding import Padding

    console = _console()
    console.width = max(40, min(console.width, 80))
    fill = partial(textwrap.fill, initial_indent="  ", subsequent_indent="    ")
    for finding in findings:
        console.print(f"\n{visible(finding.title.upper())}", style="bold")
        for sentence in finding.sentences:
            console.print(fill(visible(sentence), console.width, break_on_hyphens=False))
        for given in finding.tables:
            console.print(f"  {visible(given.caption)}:", soft_wrap=True)
            console.print(Padding(_grid(given), (0, 0, 0, 4)))


def _console() -> Console:
    """Return a terminal for texts of which nothing is markup."""
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False)


def _grid(given: Table) -> Grid:
    """Return a table as rich shows it, its marked rows coloured."""
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for title, side in zip_longest(given.header, given.align, fillvalue="l"):
        grid.add_column(
            visible(title),
            overflow="fold",
            justify="right" if side == "r" else "left",
            no_wrap=title == given.header[0],
        )
    for place, row in enumerate(given.rows):
        cells = (Text(visible(str(cell), "\n")) for cell in row)
        grid.add_row(*cells, style="yellow" if place in given.marked else "")
    return grid


# -- progress


@contextmanager
def progress_shown(quiet: bool, noun: str = "runs") -> Iterator[Progress]:
    """Yield what reports how many of something are done, how fast, and the time left.

    It shows a bar on a terminal, a line now and then elsewhere, nothing with ``quiet``. The first
    report says how many were done before; they do not count as speed.
    """
    count = Count(noun)
    if quiet:
        yield lambda *_: None
    elif not sys.stderr.isatty():
        yield count.print_line
    else:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Bar

        columns = (BarColumn(), TextColumn("{task.description}", markup=False))
        with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("starting")
            yield lambda done, total, label: bar.update(
                task,
                completed=done,
                total=total,
                description=visible(count.words(done, total, label)),
            )


class Count:
    """Puts a count into words, with speed and time left."""

    PRINT_EVERY, PRINT_AFTER = 30.0, 2.0  # seconds, where there is no bar

    def __init__(self, noun: str) -> None:
        self.noun, self.first, self.last, self.began = noun, 0, (0, -1), 0.0
        self.printed_at = self.tenth = -1.0

    def words(self, done: int, total: int, label: str = "") -> str:
        """Return how far it is, how fast it goes, how long it will take, and a remark.

        A remark that ends in "points" says that these are counted at the moment.
        """
        now = time.monotonic()
        if total != self.last[1] or done < self.last[0]:  # it counts something new
            self.first, self.began, self.tenth = done, now, -1.0
        self.last = done, total
        count = f"{done:,} of {total:,} {'points' if label.endswith('points') else self.noun}"
        remark = f" ({label})" if label else ""
        passed = now - self.began
        if done <= self.first or passed <= 0:
            return count + remark
        rate = (done - self.first) / passed
        speed = f"{rate:.3g} a second" if rate >= 1 else f"{60 * rate:.3g} a minute"
        left = f", {duration((total - done) / rate)} left" if done < total else ""
        return f"{count}, {speed}{left}{remark}"

    def print_line(self, done: int, total: int, label: str) -> None:
        """Print a line at every tenth of the way, and when there was none for a while."""
        line, now = self.words(done, total, label), time.monotonic()
        tenth = 10 * done // max(total, 1)
        due = tenth > self.tenth or now - self.printed_at > self.PRINT_EVERY
        if due and now - self.began > self.PRINT_AFTER:  # what is done at once needs no words
            self.tenth, self.printed_at = tenth, now
            echo(line, err=True)


def duration(seconds: float) -> str:
    """Write a time span as people do: 40 s, 12 min, 3 h 20 min."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{round(hours / 24)} days"


# -- errors: one clear message, an exit code, and a traceback only on request


@contextmanager
def report_errors(debug: bool, stopped: str) -> Iterator[None]:
    """Turn whatever goes wrong inside into a message on stderr and an exit code.

    ``stopped`` is what to print after Ctrl-C.
    """
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_, **__: echo(f"Note: {message}", err=True)
        try:
            yield
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except KeyboardInterrupt:
            echo(stopped, err=True)
            raise typer.Exit(130) from None
        except Exception as error:
            if debug:
                echo("".join(traceback.format_exception(error)), err=True)
            raise typer.Exit(print_error(error)) from None


def print_error(error: Exception) -> int:
    """Print an error on stderr.

    Returns
    -------
    int
        Exit code: 2 if the user can mend it, 1 if the machine is at fault or flowsim.
    """
    message, code = str(error), 1
    if isinstance(error, FlowsimError):
        code = error.exit_code
        if isinstance(error, ScenarioError | DataError) and len(error.problems) > 1:
            message += f"\n{len(error.problems)} problems found."
    elif isinstance(error, MemoryError):
        message = "Not enough memory. Simulate fewer men: --sample 0.1"
    elif isinstance(error, ImportError):
        message = f"A library cannot be loaded: {error}. Is it installed, and is there memory?"
    elif isinstance(error, OSError):
        message, code = _refusal(error), 2 if is_wrong_path(error) else 1
    else:
        message = (
            f"flowsim met something it did not expect: {type(error).__name__}: {error}\n"
            "That is a mistake in flowsim. Run the same with --debug and report what it shows."
        )
    echo(message, err=True)
    return code


def _refusal(error: OSError) -> str:
    """Return in one line what the operating system refused and what to do."""
    what = f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{what}. Free some space, or write elsewhere with --out."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{what}. Choose a folder you may write to."
    return f"{what}."
