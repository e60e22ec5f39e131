"""Commands about many runs: sweep, rerun."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowsim.cli import options
from flowsim.cli.app import RESUMED, choose, command, conclude, finish, loading
from flowsim.cli.options import argument, option
from flowsim.cli.terminal import duration, echo, print_json, progress_shown

if TYPE_CHECKING:
    from flowsim.results.sweep import SweepResults
    from flowsim.sweep.file import Sweep
    from flowsim.sweep.single import Estimate


@command(RESUMED, draws=True)
def sweep(
    file: Annotated[str, argument("A sweep file, or the name of a shipped sweep.")] = "",
    workers: options.Workers = None,
    scheduler: options.Scheduler = "local",
    out: Annotated[Path | None, options.folder("results/<sweep name>")] = None,
    plan: Annotated[bool, option("Print what it will take, and start nothing.", "--plan")] = False,
    retry_failed: Annotated[
        bool, option("Run again what failed before.", "--retry-failed")
    ] = False,
    shard: Annotated[
        str, option("One part of several, for machines without a cluster.", metavar="3/10")
    ] = "",
    replications: Annotated[
        int | None, option("Runs at each point.  [default: the file's]", min=1)
    ] = None,
    sample: options.Sample = None,
    posterior: Annotated[
        int | None,
        option(
            "Draws of the calibrated parameters, one a replication, the same at every point, "
            "so that ranges hold chance and parameters; 0 for chance alone.  [default: the file's]",
            min=0,
        ),
    ] = None,
    no_figures: options.NoFigures = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Vary parameters: run a scenario at many points, on all cores or on a cluster.

    \b
    Examples:
      flowsim sweep passports-by-task-force --plan     how many runs, how long, how large
      flowsim sweep passports-by-task-force
      flowsim sweep my-sweep.yaml --replications 20    adds to what is there
      flowsim sweep my-sweep.yaml --sample 0.001 --out results/first-try
      flowsim sweep my-sweep.yaml --posterior 20       ranges with the doubt of the calibration

    Nothing is lost: after Ctrl-C, a crash or a full disk, start the same command again and it
    goes on where it stopped. Points, scenarios and replications may be added to the file of a
    finished sweep; only what is new is run.

    \b
    On several machines, with flowsim installed on each:
      dask scheduler                                             on one machine
      dask worker tcp://HOST:8786 --nthreads 1 --nworkers 16     on each machine
      flowsim sweep my-sweep.yaml --scheduler tcp://HOST:8786

    \b
    On machines that know nothing of each other, one part on each, then all copied to one place:
      flowsim sweep my-sweep.yaml --shard 1/3
      flowsim merge results/my-sweep-1-of-3 results/my-sweep-2-of-3 results/my-sweep-3-of-3

    Exit code 1 if some runs failed; `--retry-failed` repeats just those.
    """
    with loading():
        from flowsim.sweep import estimate, run_sweep
        from flowsim.sweep.file import read_sweep, shipped_sweeps
        from flowsim.sweep.running import overridden

    if not file:
        choose("Which sweep?", "sweep", shipped_sweeps(), "or name a file of your own.")
    draws = None if posterior is None else options.posterior_draws(posterior)
    wanted = overridden(read_sweep(file), replications, sample, draws)
    if shard and not plan:
        _shard(wanted, shard, out, workers, quiet or as_json)
        return
    with progress_shown(quiet or as_json) as progress:
        if plan:
            expected = estimate(wanted, out, workers=workers, progress=progress)
        else:
            swept = run_sweep(
                wanted,
                out,
                workers=workers,
                scheduler=scheduler,
                retry_failed=retry_failed,
                progress=progress,
            )
    if plan:
        print_json(asdict(expected)) if as_json else echo(_plan(expected))
        return
    _print_findings(swept, no_figures, quiet, as_json)
    if swept.manifest["failed"]:
        _print_failures(swept, file)
        raise typer.Exit(1)


def _shard(sweep: Sweep, text: str, out: Path | None, workers: int | None, quiet: bool) -> None:
    """Make one part of a sweep, and tell how to go on."""
    from flowsim.sweep.shards import Shard, run_shard

    shard = Shard.read(text)
    folder = out or Path("results", f"{sweep.name}-{shard.part}-of-{shard.of}")
    with progress_shown(quiet) as progress:
        done, total = run_shard(sweep, shard, folder, workers=workers, progress=progress)
    if not quiet:
        echo(
            f"Part {shard.part} of {shard.of}: {done:,} of {total:,} runs are in {folder}.\n"
            f"When all parts are made and copied to one place: flowsim merge FOLDER FOLDER ..."
        )


@command(RESUMED, draws=True)
def merge(
    folders: Annotated[list[Path], argument("Folders that --shard left.")],
    out: Annotated[Path | None, options.folder("results/<sweep name>")] = None,
    no_figures: options.NoFigures = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Put the parts of a sweep together that were made on several machines.

    \b
    Examples:
      flowsim sweep my-sweep.yaml --shard 1/2              on one machine
      flowsim sweep my-sweep.yaml --shard 2/2              on another
      flowsim merge results/my-sweep-1-of-2 results/my-sweep-2-of-2

    The tables are those that one machine would have written, to the byte. The parts stay as they
    are. If runs are missing, it says so; merge again when they are there.
    """
    from flowsim.sweep.shards import merge as put_together

    with progress_shown(quiet or as_json) as progress:
        swept = put_together(folders, out, progress=progress)
    _print_findings(swept, no_figures, quiet, as_json)


@command()
def discover(
    folder: Annotated[Path, argument("Results folder of a finished sweep.")],
    output: Annotated[str, option("Output of the sweep, as in results.parquet.")],
    above: Annotated[float | None, option("The outcome: output above this.")] = None,
    below: Annotated[float | None, option("The outcome: output below this.")] = None,
    place: Annotated[str | None, option("Place, if the output has several.")] = None,
    scenario: Annotated[str | None, option("Scenario, if the sweep has several.")] = None,
    out: Annotated[
        Path | None, option("CSV file for the boxes on the way.  [default: none]")
    ] = None,
) -> None:
    """Find which values of the parameters lead to an outcome, such as a queue above 3,000 cars.

    \b
    Examples:
      flowsim discover results/sobol-ten-parameters --output longest_queue --above 8000
      flowsim discover results/my-sweep --output entries --place GE --below 5000 --out boxes.csv

    Boxes are peeled off the space of the parameters (patient rule induction). Of each, coverage
    says how many of the cases it holds, density how many of its points are cases. Wants a sweep
    whose points fill the space: latin-hypercube or sobol, some hundred points.
    """
    from flowsim.cli.terminal import print_findings
    from flowsim.findings.sweep import leading_to
    from flowsim.report import save
    from flowsim.results.folder import csv_bytes
    from flowsim.results.opening import open_sweep
    from flowsim.sweep.boxes import discover as search

    swept = open_sweep(folder)
    found = search(swept, output, place=place, scenario=scenario, above=above, below=below)
    print_findings([leading_to(swept, found, above=above, below=below)])
    if out is not None:
        save({out: csv_bytes(found.table())})
        echo(f"\n{out}")


@command(draws=True)
def rerun(
    folder: Annotated[Path, argument("Results folder of a finished sweep.")],
    run: Annotated[int, option("Number of the run, as in runs.parquet.", min=0)],
    out: Annotated[
        Path | None, option("Folder for the run's full results, hourly tables too.")
    ] = None,
    no_figures: options.NoFigures = False,
    quiet: options.Quiet = False,
) -> None:
    """Make one run of a sweep again, bit for bit, and compare it with what the sweep holds.

    \b
    Examples:
      flowsim rerun results/passports-by-task-force --run 137
      flowsim rerun results/passports-by-task-force --run 137 --out results/run-137

    With --out the run's full results are written, as `flowsim run` would, to look at closely.
    Exit code 1 if the run differs from what the folder holds.
    """
    from flowsim.sweep import rerun as again

    made = again(folder, run, out)
    if not quiet:
        values = ", ".join(f"{name} = {value}" for name, value in made.parameters.items())
        echo(
            f"Run {run}: {made.scenario}, point {made.point}, replication "
            f"{made.replication}: {values or 'no parameters'}"
        )
        echo(made.error or made.results.to_string(index=False))
    if made.difference:
        echo(f"Differs from {folder}: {made.difference}", err=True)
    else:
        echo(f"Equal to what {folder} holds, to the last bit.")
    if made.folder is not None:
        finish(made.folder, no_figures, quiet)
    if made.difference:
        raise typer.Exit(1)


def _plan(estimate: Estimate) -> str:
    """Put into words what a sweep will take."""
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
        *(
            f"  {name} of {place} is 0 by construction: nothing here makes it otherwise"
            for name, place in estimate.zero
        ),
        "Every point was checked; nothing was started. Leave --plan out to start.",
    ]
    return "\n".join(lines)


def _size(n_bytes: float) -> str:
    for unit in ("kB", "MB"):
        n_bytes /= 1000
        if n_bytes < 1000:
            return f"{n_bytes:.2g} {unit}" if n_bytes < 10 else f"{n_bytes:.0f} {unit}"
    return f"{n_bytes / 1000:.1f} GB"


def _print_findings(swept: SweepResults, no_figures: bool, quiet: bool, as_json: bool) -> None:
    """Print what was found, where it is, and how to open it."""
    conclude(swept, no_figures, quiet, as_json)
    if not (quiet or as_json):
        table = (swept.path / "results.parquet").as_posix()
        echo(
            f'  in pandas:  pd.read_parquet("{table}")\n'
            f"  in DuckDB:  SELECT * FROM '{table}'\n"
            f"  in R or Excel:  {(swept.path / 'results.csv').as_posix()}"
        )


def _print_failures(swept: SweepResults, file: str) -> None:
    """Print what failed and how to try again."""
    failed = swept.runs[swept.runs["status"] == "failed"]
    first = failed.iloc[0]
    echo(
        f"{len(failed):,} of {len(swept.runs):,} runs failed; the first is run {first['run']}: "
        f"{first['error']}\n"
        f"All of them are in {swept.path / 'failures.txt'}. To repeat just those: "
        f"flowsim sweep {file} --retry-failed, with the same --out",
        err=True,
    )
