"""Report figures from the tables of a results folder; the only place that uses matplotlib.

Each family is a file with ``table`` (what is drawn), ``draw`` (one panel on given axes),
``finding`` (the title, computed from the data) and ``draw_figure`` (which arranges them); if a
folder may hold nothing to draw, also ``missing`` (which says why, or gives an empty text).
Importing this package imports no plotting library: that happens when something is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

RUN, COMPARISON, SWEEP, CALIBRATION = "run", "comparison", "sweep", "calibration"


@dataclass(frozen=True)
class Family:
    """One figure of the catalogue: where it is drawn, what it shows, from which folders.

    Attributes
    ----------
    module : str
        A file of this package with ``draw_figure(results, preset) -> Drawn``. Another function
        stands behind a colon: ``maps:draw_called_up``.
    shows : str
        In a few words, for ``flowsim figures --list`` and the gallery.
    kinds : tuple of str
        The kinds of folder it can be drawn from, as their manifests say.
    usual : bool
        Whether it is drawn without being asked for by name.
    """

    module: str
    shows: str
    kinds: tuple[str, ...] = (RUN,)
    usual: bool = True


FAMILIES: dict[str, Family] = {
    "entries": Family("run.flows", "entries per day and country, published figures, policy dates"),
    "queues": Family(
        "run.queues", "queue at the crossing with published counts, waits at the busiest"
    ),
    "outcomes": Family(
        "run.alluvial", "what became of the men: passport, choice, outcome as ribbons"
    ),
    "map": Family(
        "run.maps", "leavers per 1,000 men by region, and the crossings by their entries"
    ),
    "stocks": Family("run.stocks", "persons abroad by day, with families, and the capacity line"),
    "capacity": Family("run.capacity", "chance of having passed a capacity line, by date"),
    "fan": Family("run.fans", "entries per day as bands over the replications", (RUN,), False),
    "profile": Family("run.profiles", "age, education, passport of leavers against all men"),
    "ranking": Family(
        "run.ranking", "regions ranked by leavers per 1,000, with intervals", (RUN,), False
    ),
    "map-called-up": Family(
        "run.maps:draw_called_up", "men called up per 1,000, by region", (RUN,), False
    ),
    "map-graduates": Family(
        "run.maps:draw_graduates", "graduates lost per 1,000, by region", (RUN,), False
    ),
    "switches": Family(
        "comparison.switches", "the same men in two worlds, as ribbons", (COMPARISON,)
    ),
    "transitions": Family(
        "comparison.transitions", "fates in one world by fates in the other", (COMPARISON,)
    ),
    "differences": Family(
        "comparison.differences", "more or fewer men of each fate, paired", (COMPARISON,)
    ),
    "scenarios": Family(
        "comparison.scenarios", "entries per day, a panel for each scenario", (COMPARISON,)
    ),
    "terms": Family(
        "comparison.causes:draw_terms", "what switched the men who fare otherwise", (COMPARISON,)
    ),
    "policies": Family(
        "comparison.causes:draw_policies", "what each coinciding policy explains", (COMPARISON,)
    ),
    "heat-map": Family("sweep.heat", "an output over two parameters, with a threshold", (SWEEP,)),
    "response": Family("sweep.response", "an output against a parameter, with bands", (SWEEP,)),
    "tornado": Family("sweep.tornado", "how far each parameter moves an output", (SWEEP,)),
    "sobol": Family("sweep.sobol", "shares of the variance by parameter, and by chance", (SWEEP,)),
    "morris": Family("sweep.morris", "elementary effects: mean and spread by parameter", (SWEEP,)),
    "calibration-fit": Family(
        "calibration.calibrated:draw_fit",
        "simulated over published, figure by figure",
        (CALIBRATION,),
    ),
    "calibration-posterior": Family(
        "calibration.calibrated:draw_posterior",
        "posterior within prior, number by number",
        (CALIBRATION,),
    ),
    "calibration-validation": Family(
        "calibration.calibrated:draw_validation",
        "unseen figures beside naive guesses",
        (CALIBRATION,),
    ),
    "calibration-recovery": Family(
        "calibration.calibrated:draw_recovery", "coverage of synthetic truths", (CALIBRATION,)
    ),
    "small-multiples": Family("sweep.multiples", "daily curves, a panel for each world", (SWEEP,)),
}


def catalogue(kind: str | None = None) -> Mapping[str, str]:
    """Return the figures that can be drawn, of one kind of folder or of all: what each shows."""
    return MappingProxyType(
        {
            name: family.shows
            for name, family in FAMILIES.items()
            if kind is None or kind in family.kinds
        }
    )


def kind_of(folder: Path) -> str:
    """Return the kind of a finished folder: run, comparison, sweep or calibration."""
    from flowsim.figures.layout import folders

    return str(folders.read_manifest(Path(folder)).get("kind", RUN))


def draw_all(
    folder: Path,
    only: Sequence[str] = (),
    preset: str = "page",
    formats: Sequence[str] = ("png", "svg"),
) -> list[Path]:
    """Draw the figures of a results folder into its subfolder ``figures``.

    Parameters
    ----------
    folder : Path
        Results of a run, a comparison, a sweep or a calibration.
    only : sequence of str
        Names from ``catalogue``; the usual ones if empty, every one if ``["all"]``.
    preset : {'page', 'column', 'slide'}
        Printed size: 180 mm or 88 mm wide; a slide is 16:9, its type a third larger.
    formats : sequence of {'png', 'svg', 'pdf'}
        Of the images, beside which data (CSV) and alt text (txt) always stand.

    Returns
    -------
    list of Path
        The files written. What the folder holds no data for is left out, unless it was named.

    Raises
    ------
    ResultsError
        If the folder is not complete or a table in it was altered, if a name is not in the
        catalogue, or if what was named cannot be drawn from this folder.
    MachineError
        If the files cannot be written.
    """
    from flowsim.figures.layout import folders, recipe, save, style

    chosen = _checked(preset, formats)
    opened = folders.open_folder(Path(folder))
    files: list[Path] = []
    for name in _wanted(opened.kind, only):
        module, draw_figure = _family(name)
        reason = _missing(name, module, opened.results)
        if reason and name in only:
            raise _cannot(name, folder, reason)
        if reason:
            continue
        with style.in_style():
            drawn = draw_figure(opened.results, chosen)
            made = recipe.of_folder(opened.folder, opened.kind, opened.manifest, name, preset)
            files += save.write(drawn, Path(folder) / "figures", formats, made)
    return files


def _checked(preset: str, formats: Sequence[str]) -> Any:
    """Return the preset of a name, if it and the formats are known."""
    from flowsim.errors import ResultsError
    from flowsim.figures.layout import save, style

    if preset not in style.PRESETS:
        raise ResultsError(f"preset {preset} is not known; choose of {', '.join(style.PRESETS)}")
    unknown = [name for name in formats if name not in save.FORMATS]
    if unknown or not formats:
        found = ", ".join(unknown) or "none"
        raise ResultsError(f"format {found} is not known; choose of {', '.join(save.FORMATS)}")
    return style.PRESETS[preset]


def _wanted(kind: str, only: Sequence[str]) -> list[str]:
    """Return the names to draw from a kind of folder, in the order asked for."""
    from flowsim.errors import ResultsError

    here = catalogue(kind)
    if list(only) == ["all"]:
        return list(here)
    unknown = [name for name in dict.fromkeys(only) if name not in FAMILIES]
    if unknown:
        raise ResultsError(
            f"{', '.join(unknown)} is not known; figures of a {kind} are {', '.join(here)}"
        )
    elsewhere = [name for name in dict.fromkeys(only) if name not in here]
    if elsewhere:
        of = ", ".join(FAMILIES[elsewhere[0]].kinds)
        raise ResultsError(
            f"{elsewhere[0]} is drawn from a {of}, this is a {kind}; "
            f"figures of a {kind} are {', '.join(here)}"
        )
    return list(dict.fromkeys(only)) or [name for name in here if FAMILIES[name].usual]


def _family(name: str) -> tuple[Any, Any]:
    """Import the file of a figure; give it and the function that draws."""
    module_name, _, function = FAMILIES[name].module.partition(":")
    module = import_module(f"{__name__}.{module_name}")
    return module, getattr(module, function or "draw_figure")


def _missing(name: str, module: Any, results: Any) -> str:
    """Return why a figure cannot be drawn: ``missing_NAME`` of its file, or ``missing``."""
    asked = getattr(module, f"missing_{name}", None) or getattr(module, "missing", None)
    return str(asked(results)) if asked else ""


def _cannot(name: str, folder: Path, reason: str) -> Exception:
    from flowsim.errors import ResultsError

    return ResultsError(f"{name} cannot be drawn from {folder}: {reason}")
