"""Commands about many runs: sweep, rerun."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from flowsim.cli.app import Debug, app, checked_sample, draw, tell_results
from flowsim.cli.terminal import counting_shown, duration, report_errors

if TYPE_CHECKING:
    from flowsim.sweep import SweepResults
    from flowsim.sweep.single import Estimate


class _Given(TypedDict):
    """What replaces a number of the file, or of the machine."""

    workers: int | None
    replications: int | None
    sample: float | None


@app.command()
def sweep(
    file: Annotated[str, typer.Argument(help="A sweep file, or the name of a shipped sweep.")] = "",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes.  [default: one for each core]")
    ] = None,
    scheduler: Annotated[
        str,
        typer.Option(metavar="ADDRESS", help="Of a Dask scheduler; or local, or local-cluster."),
    ] = "local",
    out: Annotated[
        Path | None, typer.Option(help="Results folder.  [default: results/<sweep name>]")
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Say what it will take, and start nothing.")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Run again what failed before.")
    ] = False,
    replications: Annotated[
        int | None, typer.Option(min=1, help="Runs at each point.  [default: the file's]")
    ] = None,
    sample: Annotated[
        float | None,
        typer.Option(
            parser=checked_sample, metavar="SHARE", help="Share of the men.  [default: the file's]"
        ),
    ] = None,
    no_figures: Annotated[bool, typer.Option("--no-figures", help="Write tables only.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say only where the results are.")] = False,
    debug: Debug = False,
) -> None:
    """Vary parameters: run a scenario at many points, on all cores or on a cluster.

    \b
    Examples:
      flowsim sweep passports-by-task-force --plan     how many runs, how long, how large
      flowsim sweep passports-by-task-force
      flowsim sweep my-sweep.yaml --replications 20    adds to what is there
      flowsim sweep my-sweep.yaml --sample 0.001 --out results/first-try

    Nothing is lost: after Ctrl-C, a crash or a full disk, start the same command again and it
    goes on where it stopped. Points, scenarios and replications may be added to the file of a
    finished sweep; only what is new is run.

    \b
    On several machines, with flowsim installed on each:
      dask scheduler                                             on one machine
      dask worker tcp://HOST:8786 --nthreads 1 --nworkers 16     on each machine
      flowsim sweep my-sweep.yaml --scheduler tcp://HOST:8786

    Exit code 1 if some runs failed; `--retry-failed` repeats just those.
    """
    folder_said = f" in {out}" if out else ""
    again = f"Stopped. What is finished is safe{folder_said}; the same command again goes on."
    with report_errors(debug, again):
        _require_sweep(file)
        from flowsim.sweep import estimate, run_sweep
        from flowsim.sweep.file import read_sweep

        read = read_sweep(file)
        given: _Given = {"workers": workers, "replications": replications, "sample": sample}
        with counting_shown(quiet) as progress:
            if plan:
                told = estimate(read, out, progress=progress, **given)
            else:
                swept = run_sweep(
                    read,
                    out,
                    scheduler=scheduler,
                    retry_failed=retry_failed,
                    progress=progress,
                    **given,
                )
        if plan:
            typer.echo(_told(told))
            return
        _tell(swept, [] if no_figures else list(draw(swept.folder, quiet)), quiet)
        if swept.manifest["failed"]:
            raise typer.Exit(_tell_failures(swept, file))


@app.command()
def rerun(
    folder: Annotated[Path, typer.Argument(help="Results folder of a finished sweep.")],
    run: Annotated[int, typer.Option(min=0, help="Number of the run, as in runs.parquet.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the run's full results, hourly tables too.")
    ] = None,
    no_figures: Annotated[bool, typer.Option("--no-figures", help="Write tables only.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say only whether it is equal.")] = False,
    debug: Debug = False,
) -> None:
    """Make one run of a sweep again, bit for bit, and compare it with what the sweep holds.

    \b
    Examples:
      flowsim rerun results/passports-by-task-force --run 137
      flowsim rerun results/passports-by-task-force --run 137 --out results/run-137

    With --out the run's full results are written, as `flowsim run` would, to look at closely.
    Exit code 1 if the run differs from what the folder holds.
    """
    with report_errors(debug):
        from flowsim.sweep import rerun as again

        made = again(folder, run, out)
        if not quiet:
            values = ", ".join(f"{name} = {value}" for name, value in made.parameters.items())
            typer.echo(
                f"Run {run}: {made.scenario}, point {made.point}, replication "
                f"{made.replication}: {values or 'no parameters'}"
            )
            typer.echo(made.error or made.results.to_string(index=False))
        if made.difference:
            typer.echo(f"Differs from {folder}: {made.difference}", err=True)
        else:
            typer.echo(f"Equal to what {folder} holds, to the last bit.")
        if made.folder is not None:
            drawn = [] if no_figures else draw(made.folder, quiet)
            tell_results(made.folder, drawn, quiet)
        if made.difference:
            raise typer.Exit(1)


def _told(estimate: Estimate) -> str:
    """Say in words what a sweep will take."""
    scenarios = f"{estimate.scenarios} scenarios x " if estimate.scenarios > 1 else ""
    times = f"{estimate.replications} replication{'s' * (estimate.replications > 1)}"
    lines = [f"{estimate.runs:,} runs: {scenarios}{estimate.points:,} points x {times}"]
    if estimate.done:
        rest = estimate.runs - estimate.done
        lines.append(f"  {estimate.done:,} of them are done, {rest:,} are missing")
    lines += [
        f"  about {duration(estimate.seconds)} with {estimate.workers} "
        f"worker{'s' * (estimate.workers > 1)} ({estimate.seconds_per_run:.2g} s a run)",
        f"  at most {_size(estimate.bytes_on_disk)} on disk, twice that at the very end",
        "Every point was checked; nothing was started. Leave --plan out to start.",
    ]
    return "\n".join(lines)


def _size(n_bytes: float) -> str:
    for unit in ("kB", "MB"):
        n_bytes /= 1000
        if n_bytes < 1000:
            return f"{n_bytes:.2g} {unit}" if n_bytes < 10 else f"{n_bytes:.0f} {unit}"
    return f"{n_bytes / 1000:.1f} GB"


def _tell(swept: SweepResults, drawn: list[Path], quiet: bool) -> None:
    """Print what was found, where it is, and how to open it."""
    if not quiet:
        from flowsim.findings.sweep import headline

        typer.echo(f"{headline(swept)}\n")
    tell_results(swept.folder, drawn, quiet)
    if not quiet:
        table = (swept.folder / "results.parquet").as_posix()
        typer.echo(
            f'  in pandas:  pd.read_parquet("{table}")\n'
            f"  in DuckDB:  SELECT * FROM '{table}'\n"
            f"  in R or Excel:  {(swept.folder / 'results.csv').as_posix()}"
        )


def _tell_failures(swept: SweepResults, file: str) -> int:
    """Return what failed and how to try again; give the exit code."""
    failed = swept.runs[swept.runs["status"] == "failed"]
    first = failed.iloc[0]
    typer.echo(
        f"{len(failed):,} of {len(swept.runs):,} runs failed; the first is run {first['run']}: "
        f"{first['error']}\n"
        f"All of them are in {swept.folder / 'failures.txt'}. To repeat just those: "
        f"flowsim sweep {file} --retry-failed, with the same --out",
        err=True,
    )
    return 1


def _require_sweep(name: str) -> None:
    """Return what can be run if nothing was named."""
    if name:
        return
    from flowsim.sweep.file import shipped_sweeps

    names = "\n".join(f"  flowsim sweep {name}" for name in shipped_sweeps())
    typer.echo(
        f"Which sweep? These are shipped:\n{names}\nor name a file of your own.",
        err=True,
    )
    raise typer.Exit(2)
