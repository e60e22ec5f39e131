"""Make a figure again from its own file alone, and say whether it comes out the same.

The recipe inside the figure holds the scenario, seeds, sample and versions. What it names is
simulated again in a temporary folder and drawn in the same way. The figure may come from a
stranger: nothing but the recipe is read, and what it costs is looked at before it is done.
"Identical" is said of the bytes of the file, or of what is drawn in it, never of what it says of
itself.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

from flowsim.data.own import read_bytes
from flowsim.errors import FlowsimError, MachineError, ResultsError
from flowsim.figures import catalogue, draw_all
from flowsim.figures.layout import recipe as recipes
from flowsim.figures.layout.recipe import Recipe, put
from flowsim.figures.layout.style import in_house
from flowsim.findings.language import ENGLISH, in_language
from flowsim.scenario import Base
from flowsim.scenario.files import confined_to
from flowsim.scenario.schema import Scenario
from flowsim.types import Progress, silent

LARGEST = 50  # MB of a figure's file
MOST_PIXELS = 100_000_000
SECONDS_A_RUN, SECONDS_ALL_MEN = 0.3, 4.0  # docs/performance.md, one core of 2026
USUAL_DAYS, USUAL_CROSSINGS = 45, 33  # what these are of
PATIENCE = 60.0  # seconds that are spent without asking
RETOUCHED = (
    "DIFFERENT: altered after flowsim drew it, or saved again by another programme; its seal does "
    "not fit its bytes."
)


@dataclass(frozen=True)
class Verdict:
    """What came of making a figure again.

    Attributes
    ----------
    same : bool
        Whether the figure is what its recipe makes: its bytes, or at least what is drawn in it.
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
    progress: Progress = silent,
    announce: Callable[[str], object] = str,
) -> Verdict:
    """Make a figure again from its recipe, and compare.

    Parameters
    ----------
    figure : Path
        A PNG, SVG or PDF that flowsim drew, wherever it was copied.
    out : Path, optional
        Folder for the figure made again, its data and its alt text.
    patient : bool
        Go on even if it takes more than a minute.
    progress : callable, optional
        As ``flowsim.run.run`` takes it.
    announce : callable
        Called with what it costs, before work begins.

    Raises
    ------
    ResultsError
        If the file is no figure of flowsim's, its recipe is damaged or cannot be followed, or
        it would take long and ``patient`` is False.
    """
    image = read_bytes(figure, "figure of flowsim's", LARGEST)
    try:
        made = recipes.found_in(image)
        if made.kind not in REPEATED:
            raise ResultsError(f"was drawn from a {made.kind}; this version makes none")
        if made.figure not in catalogue(made.kind):
            raise ResultsError(f"shows {made.figure} of a {made.kind}; this version draws none")
    except recipes.DamagedError as reason:
        raise ResultsError(f"{figure} was altered: it {reason}") from None
    except ResultsError as reason:
        raise ResultsError(f"{figure} {reason}") from None
    if not recipes.is_whole(image):
        return Verdict(False, f"{figure}: {RETOUCHED}")
    with tempfile.TemporaryDirectory(prefix="flowsim-") as folder, confined_to(Path(folder)):
        try:
            again = _drawn_again(made, Path(folder), patient, progress, announce)
        except MachineError:
            raise
        except FlowsimError as reason:
            raise ResultsError(f"{figure}: its recipe cannot be followed. {reason}") from None
    if out and any((out / name).exists() and (out / name).samefile(figure) for name in again):
        raise ResultsError(f"{out} holds the figure itself; choose another folder with --out")
    files = tuple(put(again, out)) if out else ()
    same, words = _compared(made, image, again)
    return Verdict(same, f"{figure}: {words}", files)


# -- making it again, by the kind of folder


@dataclass(frozen=True)
class Work:
    """What is to be simulated for a figure, and how to begin it."""

    runs: Sequence[tuple[int, Scenario]]
    begin: Callable[..., object]

    @property
    def seconds(self) -> float:
        """How long it takes, roughly."""
        return sum(count * _seconds(scenario) for count, scenario in self.runs)

    @property
    def size(self) -> str:
        """How much it is, in words."""
        return " and ".join(
            f"{'1 run' if count == 1 else f'{count:,} runs'} at a sample of {scenario.sample:g}"
            for count, scenario in self.runs
        )


def _seconds(scenario: Scenario) -> float:
    days = (scenario.horizon.end - scenario.horizon.start).total_seconds() / 86400
    larger = max(1.0, days / USUAL_DAYS) * max(1.0, len(scenario.crossings) / USUAL_CROSSINGS)
    return (SECONDS_A_RUN + SECONDS_ALL_MEN * scenario.sample) * larger


def _drawn_again(
    made: Recipe,
    place: Path,
    patient: bool,
    progress: Progress,
    announce: Callable[[str], object],
) -> dict[str, bytes]:
    """Simulate what the recipe says into a temporary folder, and draw it."""
    for name, text in made.files.items():
        (place / name).write_text(text, encoding="utf-8")
    work = REPEATED[made.kind](made, place)
    cost = f"making it again takes {_duration(work.seconds)} ({work.size})"
    if work.seconds > PATIENCE and not patient:
        raise ResultsError(f"{cost[0].upper()}{cost[1:]}; add --yes to do it")
    announce(cost)
    work.begin(out=place / "results", progress=progress)
    style = place / recipes.STYLE if recipes.STYLE in made.files else None
    language = str(made.settings.get("language") or ENGLISH)
    with in_house(style), in_language(language):
        drawn = draw_all(place / "results", [made.figure], made.preset, [made.format])
    return {path.name: path.read_bytes() for path in drawn}


def _duration(seconds: float) -> str:
    for size, unit in ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes")):
        if seconds >= 1.5 * size:
            return f"about {seconds / size:,.0f} {unit}"
    return f"about {seconds:.0f} seconds"


def _run(made: Recipe, place: Path) -> Work:
    from flowsim.experiments.parameter_draws import read_table
    from flowsim.experiments.running import run

    draws = read_table(place / "draws.csv") if "draws.csv" in made.files else []
    base = Base.read(place / "scenario.yaml")
    engine = str(made.settings.get("engine", "columns"))
    again = partial(run, base, draws=draws, replications=_replications(made), engine=engine)
    return Work([(_replications(made) + len(draws), base.scenario)], again)


def _comparison(made: Recipe, place: Path) -> Work:
    from flowsim.comparison import compare
    from flowsim.scenario import load

    names = made.settings.get("scenarios")
    if not names:
        raise ResultsError("It does not say which scenarios were compared")
    scenarios = [load(place / f"scenario-{name}.yaml") for name in names]
    again = partial(
        compare,
        scenarios,
        replications=_replications(made),
        sample=None,
        terms=made.figure == "terms",
        shapley=made.figure == "policies",
    )
    return Work([(_replications(made), scenario) for scenario in scenarios], again)


def _sweep(_made: Recipe, place: Path) -> Work:
    from flowsim.sweep import run_sweep
    from flowsim.sweep.design import points
    from flowsim.sweep.file import read_sweep

    sweep = read_sweep(place / "sweep.yaml")
    runs = len(points(sweep)) * sweep.replications
    own = [base.variant({"sample": sweep.sample}) for base in sweep.bases]
    return Work(
        [(runs, scenario) for scenario in own], partial(run_sweep, str(place / "sweep.yaml"))
    )


def _calibration(made: Recipe, place: Path) -> Work:
    from flowsim.calibration import calibrate
    from flowsim.calibration.file import read_calibration
    from flowsim.calibration.fitting import budget_of

    if made.settings.get("against"):
        raise ResultsError("It was judged by published figures that are not in the recipe")
    if made.settings.get("as_of"):
        raise ResultsError("It was fitted as of a day, by figures that are not in the recipe")
    calibration = read_calibration(place / "calibration.yaml")
    name = str(made.settings.get("budget", "full"))
    budget = budget_of(calibration, name)
    variants = [*calibration.file.imputed.values(), *calibration.file.off.values()]
    fitted = sum(bool(variant.start) for variant in variants)
    designed = sum(budget.waves) + fitted * sum(budget.again) + len(variants) * budget.variants
    whole = budget.whole + fitted * budget.again_whole + budget.predictions
    sample = calibration.base.variant({"sample": calibration.file.sample})
    everybody = calibration.base.variant({"sample": 1})
    again = partial(calibrate, str(place / "calibration.yaml"), budget=name)
    return Work([(designed, sample), (whole, everybody)], again)


REPEATED: dict[str, Callable[[Recipe, Path], Work]] = {
    "run": _run,
    "comparison": _comparison,
    "sweep": _sweep,
    "calibration": _calibration,
}


def _replications(made: Recipe) -> int:
    return int(made.settings.get("replications") or 1)


# -- the verdict


def _compared(made: Recipe, image: bytes, again: Mapping[str, bytes]) -> tuple[bool, str]:
    """Return whether the figure given and the one made anew agree, and what that means."""
    anew = again[f"{made.figure}.{made.format}"]
    if anew == image:
        return True, "identical, byte for byte; same versions."
    data_agree = sha256(again[f"{made.figure}.csv"]).hexdigest() == made.drawn
    by = f"It was made by {_makers(made)}; here are other versions"
    if not data_agree:
        if not made.is_of_this_version:
            return False, f"DIFFERENT: the recipe does not make these data here. {by}."
        return False, (
            "DIFFERENT: the recipe does not make these data although versions are the same; the "
            "tables it was drawn from were made by other code or on another kind of machine."
        )
    if made.is_of_this_version:
        return False, (
            "DIFFERENT: its recipe makes the data it names, but not these bytes, although versions "
            "are the same: altered after flowsim drew it, or drawn on another kind of machine."
        )
    if _drawing(image, made.format) == _drawing(anew, made.format):
        what = "pixel for pixel" if made.format == "png" else "stroke for stroke"
        return True, f"identical, {what}; only what the file says of versions differs. {by}."
    return False, (
        f"NOT PROVEN: the data come out the same, but the pictures differ. {by}, which may draw "
        "letters and lines otherwise; or the picture was altered. Make it again with those "
        "versions, or lay both side by side (--out)."
    )


def _drawing(image: bytes, kind: str) -> object:
    """Return what a file draws, without what it says of its making."""
    if kind == "svg":
        before, _, rest = image.partition(recipes.SVG_BEGINS)
        return before, rest.partition(recipes.SVG_ENDS)[2].partition(b"</svg>")[0]
    if kind == "pdf":
        return [part.rpartition(b"stream")[2] for part in image.split(b"endstream")[:-1]]
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(image), formats=["PNG"]) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise ResultsError("It has more pixels than any figure of flowsim's")
            return picture.size, picture.convert("RGBA").tobytes()
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError):
        return image


def _makers(made: Recipe) -> str:
    drawn, tables = made.versions["figure"], made.versions["tables"]
    code = f" (code {drawn['code']})" if drawn.get("code") else ""
    named = [f"{name} {drawn[name]}" for name in ("python", "numpy", "matplotlib") if name in drawn]
    return f"flowsim {tables.get('flowsim', 'unknown')}{code}, {', '.join(named)}"
