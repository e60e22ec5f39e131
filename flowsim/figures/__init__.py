"""Report figures from the tables of a results folder; the only place that uses matplotlib.

Each family is a file with ``table`` (what is drawn), ``draw`` (one panel on given axes),
``finding`` (the title, computed from the data) and ``draw_figure`` (which arranges them).
Importing this package imports no plotting library: that happens when something is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

_FAMILIES = {"entries": "flows", "queues": "queues", "outcomes": "alluvial", "map": "maps"}
_CATALOGUE = {
    "entries": "entries per day and country, with published figures and policy dates",
    "queues": "queue at the crossing with published counts, waits at the busiest crossings",
    "outcomes": "what became of the men: passport, choice and outcome as ribbons",
    "map": "leavers per 1,000 men by region, and the crossings by their entries",
}


def catalogue() -> Mapping[str, str]:
    """Give the figures that can be drawn: name and what it shows."""
    return MappingProxyType(_CATALOGUE)


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
        Results of one run (README: what you get).
    only : sequence of str
        Names from ``catalogue``; all of them if empty.
    preset : {'page', 'column'}
        Printed width: 180 or 88 mm.
    formats : sequence of str
        Of the images, beside which data (CSV) and alt text (txt) always stand.

    Returns
    -------
    list of Path
        The files written. Without an hourly table there is no figure of queues.

    Raises
    ------
    ResultsError
        If the folder is not a complete results folder, or a name is not in the catalogue.
    MachineError
        If the files cannot be written.
    """
    from flowsim.errors import ResultsError
    from flowsim.figures import save, style, tables

    unknown = sorted(set(only) - set(_FAMILIES))
    if unknown or preset not in style.PRESETS:
        raise ResultsError(
            f"{', '.join(unknown) or preset} is not known; figures are {', '.join(_FAMILIES)}, "
            f"presets {', '.join(style.PRESETS)}"
        )
    results = tables.read(Path(folder))
    files: list[Path] = []
    for name in only or _FAMILIES:
        if name == "queues" and results.hourly.empty:
            continue
        family = import_module(f"{__name__}.{_FAMILIES[name]}")
        with style.in_style():
            drawn = family.draw_figure(results, style.PRESETS[preset])
            files += save.write(drawn, Path(folder) / "figures", formats)
    return files
