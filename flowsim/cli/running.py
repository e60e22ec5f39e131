"""Commands about single scenarios: run, check, schema, new, biography."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowsim.cli import options, terminal
from flowsim.cli.app import choose, command, conclude, loading
from flowsim.cli.options import argument, option
from flowsim.cli.terminal import echo, print_error, print_findings, print_json, progress_shown
from flowsim.errors import FlowsimError

if TYPE_CHECKING:
    from flowsim.scenario.schema import Scenario

TABLES = (".csv", ".tsv", ".txt", ".xlsx", ".xls", ".ods")


@command(draws=True)
def run(
    scenario: options.Scenario = "",
    sample: options.Sample = None,
    seed: options.Seed = None,
    replications: Annotated[int, option("Runs with independent draws.", min=1)] = 1,
    changes: Annotated[
        list[str] | None, option("Change a number; may be repeated.", "--set", metavar="KEY=VALUE")
    ] = None,
    out: Annotated[
        Path | None,
        options.folder(
            "results/<scenario name>",
            "Results folder; an earlier run of the same scenario there is replaced.",
        ),
    ] = None,
    posterior: Annotated[
        int,
        option(
            "Simulate so many draws of the calibrated parameters too, into posterior.parquet; "
            "there are then as many replications.",
            min=0,
        ),
    ] = 0,
    engine: Annotated[
        str, option("columns, or agents: every man an object, up to a sample of 0.003.")
    ] = "columns",
    no_figures: options.NoFigures = False,
    force: options.Force = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Simulate a scenario; leave a folder of tables and figures.

    \b
    Examples:
      flowsim run september-2022                    all 39.6 million men
      flowsim run no-task-force --sample 0.1        a tenth of the men
      flowsim run my-idea.yaml --seed 2 --out results/second-try
      flowsim run september-2022 --set policies.task_force_lars.p_serve=0.1 --out results/strict
      flowsim run september-2022 --sample 0.1 --posterior 50 --out results/doubt

    A key of --set is a path through the scenario file; `flowsim check FILE --all` lists all.
    """
    with loading():
        from flowsim.experiments.running import run as simulate
        from flowsim.scenario import Base, shipped

    if not scenario:
        own = "or name a file of your own; `flowsim new NAME` starts one."
        choose("Which scenario?", "run", shipped(), own)
    base = Base.read(scenario)
    folder = out or Path("results", base.variant(changes or ()).name)
    with progress_shown(quiet or as_json, "hours") as progress:
        result = simulate(
            base,
            changes=changes or (),
            sample=sample,
            seed=seed,
            replications=replications,
            out=folder,
            progress=progress,
            force=force,
            engine=engine,
            draws=options.posterior_draws(posterior),
        )
    conclude(result, no_figures, quiet, as_json)


@command()
def check(
    files: Annotated[
        list[str], argument("Scenario files, shipped names, or CSV tables.", metavar="FILE...")
    ],
    everything: Annotated[bool, option("List every number with unit and source.", "--all")] = False,
    as_json: Annotated[
        bool, option("Print all of it, mistakes too, as JSON for scripts.", "--json")
    ] = False,
    quiet: Annotated[bool, option("Print only whether it is sound.", "--quiet")] = False,
    against: Annotated[
        str, option("Which published figures in a CSV are held against.", "--scenario")
    ] = "september-2022",
) -> None:
    """Find every mistake in scenario files and tables; show what they say, and what is in vain.

    \b
    Examples:
      flowsim check my-idea.yaml
      flowsim check my-idea.yaml --all
      flowsim check --quiet scenarios/*.yaml
      flowsim check my-figures.csv --scenario my-idea.yaml

    What differs from the scenario that it extends comes first. With --all, rows marked ? rest on
    an assumption or on an imputed figure. Exit code 2 if any file has a mistake.
    """
    from flowsim.findings.inputs import checked, checked_data
    from flowsim.scenario import assumptions, extended, load
    from flowsim.scenario.observing import check_table

    made: list[dict[str, Any]] = []
    worst = 0
    for file in files:
        try:
            if file.lower().endswith(TABLES):
                holds = check_table(file, load(against))
                made.append({"file": file, "problems": [], "holds": holds})
                if not as_json:
                    echo(f"{file}: ok, {holds}")
                continue
            scenario, base = load(file), extended(file)
        except FlowsimError as error:
            if as_json:
                problems = [asdict(problem) for problem in getattr(error, "problems", [])]
                made.append({"file": file, "problems": problems or str(error)})
            worst = max(worst, error.exit_code if as_json else print_error(error))
            continue
        if as_json:
            made.append({"file": file, "problems": [], **checked_data(scenario, base)})
            continue
        echo(f"{file}: ok" if quiet else f"{scenario.name}: {scenario.title}")
        if not quiet:
            print_findings(checked(scenario, base))
            if everything:
                terminal.print_assumptions(assumptions(scenario))
            else:
                echo(f"\nflowsim check {file} --all lists each with unit and source.\n")
    if as_json:
        print_json(made)
    if worst:
        raise typer.Exit(worst)


@command()
def schema(
    kind: Annotated[
        str,
        option(
            "Of which files: scenario, sweep, calibration, observations, "
            "regions, crossings or distances."
        ),
    ] = "scenario",
    output: Annotated[
        Path | None, option("File to write.  [default: the screen]", "--output", "-o")
    ] = None,
) -> None:
    """Write the JSON Schema of scenario files, for editors that complete and underline.

    \b
    Examples:
      flowsim schema -o scenario.schema.json
      flowsim schema --kind sweep -o sweep.schema.json
    and as the first line of a scenario file beside it:
      # yaml-language-server: $schema=scenario.schema.json
    """
    import json

    text = json.dumps(_schema_of(kind), indent=2, ensure_ascii=False)
    if output is None:
        echo(text)
    else:
        output.write_text(text + "\n", encoding="utf-8")
        echo(f"Wrote {output}")


@command()
def new(
    name: Annotated[str, argument("The file is NAME.yaml; a table is NAME.csv.")],
    base: Annotated[
        str, option("Shipped scenario to start from.", "--from", metavar="SCENARIO")
    ] = "september-2022",
    folder: Annotated[Path, option("Where to put the file.", "--dir")] = Path(),
    kind: Annotated[
        str, option("What to start: scenario, destination, sweep or observations.")
    ] = "scenario",
    observations: Annotated[
        bool, option("Short for --kind observations.", "--observations")
    ] = False,
) -> None:
    """Start a file of your own: a scenario, a country, a sweep, a table of published figures.

    \b
    Examples:
      flowsim new early-closure
      flowsim new quiet-border --from no-task-force --dir my-scenarios
      flowsim new azerbaijan --kind destination
      flowsim new my-sweep --kind sweep
      flowsim new my-figures --kind observations

    The file explains itself. An existing file is never overwritten.
    """
    import shlex

    from flowsim.scenario.starter import write_starter

    kind = "observations" if observations else kind
    path = write_starter(name, base, folder, kind)
    quoted = shlex.quote(str(path))
    steps = ["open it, and write down what is to differ", f"flowsim check {quoted}"]
    if kind == "sweep":
        steps[1:] = [f"flowsim sweep {quoted} --plan", f"flowsim sweep {quoted}"]
    elif kind == "observations":
        steps[0] = "open it, and put your own rows in place of the examples"
        against = f"name it in a scenario (observations: {path.name}), or\n     "
        steps.append(f"{against}flowsim calibrate --against {quoted}")
    else:
        steps.append(f"flowsim run {quoted} --sample 0.1")
    lines = "\n".join(f"  {n}. {step}" for n, step in enumerate(steps, 1))
    echo(f"Wrote {path}. Next:\n{lines}")


@command()
def biography(
    source: Annotated[str, argument("Results folder, file, or name.", metavar="RESULTS|SCENARIO")],
    man: Annotated[int | None, option("His id, his place in the nation.", min=0)] = None,
    where: Annotated[str, option("Find men: see the examples.", metavar="KEY=VALUE,...")] = "",
    one: Annotated[bool, option("Recount the first man found.", "--one")] = False,
    versus: Annotated[
        str | None, option("The same man there, beside him.", metavar="SCENARIO")
    ] = None,
    sample: options.Sample = None,
) -> None:
    """Recount the days of one simulated man, with the numbers behind each decision.

    \b
    Examples:
      flowsim biography september-2022 --sample 0.05 --where region=RU-MOW,status=turned-back --one
      flowsim biography results/september-2022 --man 883792
    A man whom the task force deterred, and the same man without it:
      flowsim biography no-task-force --versus september-2022 --sample 0.05 \\
        --where status=abroad-georgia,versus-status=home --one

    Keys of --where: region, age, educated, passport, liable (yes or no), status, destination and,
    with --versus, versus-status. Without --one the men found are listed.
    """
    import shutil

    from flowsim.findings.biography import Diary, find, written

    diary = Diary(_scenario_of(source, [] if sample is None else [f"sample={sample}"]))
    other = None
    if versus is not None:
        same = [f"sample={diary.world.assumptions.sample}", f"seed={diary.world.assumptions.seed}"]
        other = Diary(_scenario_of(versus, same))
    if man is None:
        men = find(diary, where, other)
        if not men:
            raise FlowsimError(f"No man of this sample is {where}.")
        if not one:
            echo(f"{len(men)} men found; recount one with --man or the first with --one:")
            echo("\n".join(f"  {found}" for found in men[:20]))
            return
        man = men[0]
    width = shutil.get_terminal_size((100, 24)).columns
    echo(written(diary, man, other, min(max(width, 60), 160)))


def _scenario_of(source: str, changes: list[str]) -> Scenario:
    """Read the scenario of a results folder, of a file, or a shipped one."""
    from flowsim.scenario import load

    folder = Path(source)
    return load(folder / "scenario.yaml" if folder.is_dir() else source, changes)


def _schema_of(kind: str) -> dict[str, Any]:
    """Return the JSON Schema of a kind of file."""
    from importlib import import_module

    from flowsim.scenario.editors import TABLE_KINDS, table_schema

    if kind in TABLE_KINDS:
        return table_schema(kind)
    where = {
        "scenario": ("flowsim.scenario", "json_schema"),
        "sweep": ("flowsim.sweep.file", "sweep_schema"),
        "calibration": ("flowsim.calibration.file", "calibration_schema"),
    }
    if kind not in where:
        raise FlowsimError(
            f"--kind: expected one of {', '.join([*where, *TABLE_KINDS])}; found {kind}"
        )
    module, function = where[kind]
    return dict(getattr(import_module(module), function)())
