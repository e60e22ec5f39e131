"""Make a figure again from its own file alone, and say whether it comes out the same.

The recipe inside the figure holds the scenario, seeds, sample and versions. What it names is
simulated again in a temporary folder and drawn in the same way. On the same versions the bytes
must agree; on others, the data drawn.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from flowsim.errors import FlowsimError, MachineError, ResultsError
from flowsim.figures import catalogue, draw_all
from flowsim.figures.layout import recipe as recipes
from flowsim.figures.layout.recipe import Recipe
from flowsim.figures.layout.save import put
from flowsim.types import Progress

PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")
SHIPPED = re.compile(r"[a-z0-9][a-z0-9-]*")  # names of shipped scenarios
LARGEST = 200_000_000  # bytes of a figure's file
SECONDS_A_RUN, SECONDS_ALL_MEN = 0.3, 4.0  # docs/performance.md, one core of 2026
RETOUCHED = (
    "DIFFERENT: altered after flowsim drew it, or saved again by another programme; its seal does "
    "not fit its bytes."
)
RUNS = ("runs", "design_runs", "whole_runs", "prediction_runs")
PATIENCE = 300.0  # seconds that are spent without asking


@dataclass(frozen=True)
class Verdict:
    """What came of making a figure again.

    Attributes
    ----------
    same : bool
        Whether the figure is what its recipe makes: its bytes on the same versions, the data
        drawn on others.
    words : str
        The same in one or two sentences.
    files : tuple of Path
        What was written, if a folder was given.
    """

    same: bool
    words: str
    files: tuple[Path, ...] = ()


def reproduce(
    figure: Path,
    out: Path | None = None,
    *,
    patient: bool = False,
    progress: Progress | None = None,
) -> Verdict:
    """Make a figure again from its recipe, and compare.

    Parameters
    ----------
    figure : Path
        A PNG, SVG or PDF that flowsim drew, wherever it was copied.
    out : Path, optional
        Folder for the figure made again, its data and its alt text.
    patient : bool
        Go on even if it takes more than five minutes.
    progress : callable, optional
        As ``flowsim.run.run`` takes it.

    Raises
    ------
    ResultsError
        If the file is no figure of flowsim's, or would take long and ``patient`` is False.
    """
    image = _read(figure)
    try:
        made = recipes.found_in(image)
        _possible(made)
    except recipes.DamagedError as reason:
        return Verdict(False, f"{figure} was altered: it {reason}.")
    except ResultsError as reason:
        raise ResultsError(f"{figure} {reason}") from None
    if not recipes.is_whole(image):
        return Verdict(False, f"{figure}: {RETOUCHED}")
    seconds = expected_seconds(made)
    if seconds > PATIENCE and not patient:
        raise ResultsError(
            f"{figure}: making it again takes {_duration(seconds)} "
            f"({_how_much(made)}); add --yes to do it"
        )
    with tempfile.TemporaryDirectory(prefix="flowsim-") as place:
        try:
            folder = _simulated(made, Path(place), progress)
            drawn = draw_all(folder, [made.figure], made.preset, [made.format])
        except MachineError:
            raise
        except FlowsimError as reason:
            return Verdict(False, f"{figure}: its recipe cannot be followed here. {reason}")
        again = {path.name: path.read_bytes() for path in drawn}
    files = () if out is None else _write(again, out, figure)
    same, words = _compared(made, image, again)
    return Verdict(same, f"{figure}: {words}", files)


def _read(figure: Path) -> bytes:
    try:
        if figure.stat().st_size > LARGEST:
            raise ResultsError(f"{figure} is too large to be a figure of flowsim's")
        return figure.read_bytes()
    except OSError as reason:
        raise ResultsError(f"{figure} cannot be read: {reason.strerror}") from None


def _possible(made: Recipe) -> None:
    """Refuse a recipe that names what this version of flowsim does not have."""
    if made.kind not in REPEATED:
        raise ResultsError(f"was drawn from a {made.kind}; this version makes none")
    if made.figure not in catalogue(made.kind):
        raise ResultsError(f"shows {made.figure} of a {made.kind}; this version draws none")


def expected_seconds(made: Recipe) -> float:
    """Estimate how long the runs of a recipe take, in seconds."""
    return sum(
        runs * (SECONDS_A_RUN + SECONDS_ALL_MEN * min(max(sample, 0.0), 1.0))
        for sample, runs in _runs(made)
    )


def _runs(made: Recipe) -> list[tuple[float, float]]:
    """Count the runs behind a figure, replications times what was varied, by their sample."""
    sample = _number(made, "sample", 1.0)
    counted = {key: _number(made, key, 0.0) for key in RUNS if key in made.settings}
    if counted.get("whole_runs"):  # a calibration whose predictions have all men
        whole = counted.pop("whole_runs") + counted.pop("prediction_runs", 0.0)
        return [(sample, sum(counted.values())), (1.0, whole)]
    scenarios = sum(name.startswith("scenario") for name in made.files)
    runs = max(1, scenarios) * max(1.0, _number(made, "replications", 1.0))
    return [(sample, sum(counted.values()) or runs)]


def _number(made: Recipe, setting: str, otherwise: float) -> float:
    found = made.settings.get(setting)
    return float(found) if isinstance(found, int | float) else otherwise


def _how_much(made: Recipe) -> str:
    return " and ".join(
        f"{'1 run' if runs == 1 else f'{runs:,.0f} runs'} at a sample of {sample:g}"
        for sample, runs in _runs(made)
    )


def _duration(seconds: float) -> str:
    for size, unit in ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes")):
        if seconds >= 1.5 * size:
            return f"about {seconds / size:,.0f} {unit}"
    return f"about {seconds:.0f} seconds"


# -- making it again, by the kind of folder


def _simulated(made: Recipe, place: Path, progress: Progress | None) -> Path:
    """Simulate what the recipe says into a temporary folder; return the folder of results."""
    for name, text in made.files.items():
        (place / name).write_text(text, encoding="utf-8")
    REPEATED[made.kind](made, place, out=place / "results", progress=progress)
    return place / "results"


def _run(made: Recipe, place: Path, **rest: Any) -> None:
    from flowsim.experiments.parameter_draws import read_table
    from flowsim.experiments.running import run
    from flowsim.scenario import Base

    draws = read_table(place / "draws.csv") if "draws.csv" in made.files else []
    scenario = Base.read(_own_scenario(place / "scenario.yaml"))
    engine = str(made.settings.get("engine", "columns"))
    run(scenario, draws=draws, replications=_replications(made), engine=engine, **rest)


def _comparison(made: Recipe, place: Path, **rest: Any) -> None:
    from flowsim.comparison import compare
    from flowsim.scenario import load

    names = made.settings.get("scenarios")
    if not (isinstance(names, dict | list) and all(PLAIN.fullmatch(str(name)) for name in names)):
        raise ResultsError("the recipe does not say which scenarios were compared")
    compare(
        [load(_own_scenario(place / f"scenario-{name}.yaml")) for name in names],
        replications=_replications(made),
        sample=None,
        terms=made.figure == "terms",
        shapley=made.figure == "policies",
        **rest,
    )


def _sweep(_made: Recipe, place: Path, **rest: Any) -> None:
    from flowsim.sweep import run_sweep

    run_sweep(str(_alone(place / "sweep.yaml")), **rest)


def _calibration(made: Recipe, place: Path, **rest: Any) -> None:
    from flowsim.calibration import calibrate

    file = _alone(place / "calibration.yaml")
    if made.settings.get("against"):
        raise ResultsError("it was judged by published figures that are not in the recipe")
    calibrate(file, budget=str(made.settings.get("budget", "full")), **rest)


REPEATED: dict[str, Callable[..., None]] = {
    "run": _run,
    "comparison": _comparison,
    "sweep": _sweep,
    "calibration": _calibration,
}


def _alone(path: Path) -> Path:
    """Return the path of a file, if it names none that is not beside it."""
    data = _read_yaml(path)
    design = data.get("design")
    scenarios = data.get("scenarios") or ()
    named = [data.get("scenario"), *(scenarios if isinstance(scenarios, tuple) else ())]
    named += [design.get("file")] if isinstance(design, dict) else []
    beside = {other.name for other in path.parent.iterdir()}
    for name in (str(name) for name in named if name is not None):
        if name not in beside and not SHIPPED.fullmatch(name):
            raise ResultsError(f"{path.name} in the recipe rests on another file, {name}")
    return path


def _own_scenario(path: Path) -> Path:
    """Return the path of a scenario in a recipe, if it stands alone as those of recipes do."""
    if {"extends", "changes"} & set(_read_yaml(path)):
        raise ResultsError(f"{path.name} in the recipe rests on another file")
    return path


def _read_yaml(path: Path) -> dict[str, Any]:
    from flowsim.scenario.reading import read_tree

    if not path.exists():
        raise ResultsError(f"the recipe has no {path.name}")
    return read_tree(path.read_text(encoding="utf-8"), path.name).data


def _replications(made: Recipe) -> int:
    found = made.settings.get("replications", 1)
    if type(found) is int and 1 <= found <= 1_000_000:
        return found
    raise ResultsError(f"the recipe's replications are {found!r}; expected a whole number from 1")


# -- the verdict


def _compared(made: Recipe, image: bytes, again: Mapping[str, bytes]) -> tuple[bool, str]:
    """Return whether bytes and data agree, and what that means."""
    if again[f"{made.figure}.{made.format}"] == image:
        return True, "identical, byte for byte; same versions."
    data_agree = sha256(again[f"{made.figure}.csv"]).hexdigest() == made.drawn
    if not made.is_of_this_version:
        what = "are identical" if data_agree else "differ"
        by = f"It was made by {_makers(made)}; here are other versions, so bytes may differ."
        return data_agree, f"the data drawn {what}. {by}"
    if data_agree:
        return False, (
            "DIFFERENT: its recipe makes the data it names, but not these bytes, although versions "
            "are the same: altered after flowsim drew it, or drawn on another kind of machine."
        )
    return False, (
        "DIFFERENT: the recipe does not make these data although versions are the same; the "
        "tables it was drawn from were made by other code or on another kind of machine."
    )


def _makers(made: Recipe) -> str:
    drawn, tables = made.versions["figure"], made.versions["tables"]
    code = f" (code {drawn['code']})" if drawn.get("code") else ""
    named = [f"{name} {drawn[name]}" for name in ("python", "numpy", "matplotlib") if name in drawn]
    return f"flowsim {tables.get('flowsim', 'unknown')}{code}, {', '.join(named)}"


def _write(again: Mapping[str, bytes], out: Path, figure: Path) -> tuple[Path, ...]:
    """Write the figure made again, never over the one that is compared."""
    if any((out / name).exists() and (out / name).samefile(figure) for name in again):
        raise ResultsError(f"{out} holds the figure itself; choose another folder with --out")
    return tuple(put(again, out))
