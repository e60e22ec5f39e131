"""A page that answers at once: the settings of a sweep or comparison behind sliders, in one file.

``settings`` holds what can be explored, ``of_sweep`` and ``of_comparison`` read it from a folder,
``page`` packs and writes it. The page's own code is ``templates/explore.js``.
"""

from __future__ import annotations

from pathlib import Path

from flowsim.errors import ResultsError
from flowsim.report import save


def write(folder: Path, output: Path | None = None) -> Path:
    """Write the page of a sweep or comparison.

    Parameters
    ----------
    folder : Path
        Of finished results; nothing else in it is changed.
    output : Path, optional
        File to write, ``.html``; ``explore.html`` in the folder by default.

    Raises
    ------
    ResultsError
        If the folder holds no finished sweep or comparison, or nothing that can be drawn by day.
    MachineError
        If the file cannot be written.
    """
    from flowsim.report.explorer import of_comparison, of_sweep, page
    from flowsim.results.comparison import Comparison
    from flowsim.results.opening import open_folder
    from flowsim.results.sweep import SweepResults

    path = folder / "explore.html" if output is None else output
    if path.suffix.lower() not in (".html", ".htm") or path.is_dir():
        raise ResultsError(f"{path}: the page is a file that ends in .html; name one")
    found = open_folder(folder)
    if isinstance(found, SweepResults):
        explored = of_sweep.read(found)
    elif isinstance(found, Comparison):
        explored = of_comparison.read(found)
    else:
        raise ResultsError(
            f"{folder} holds a {found.kind}; expected a sweep or a comparison, as flowsim sweep "
            "explore or flowsim compare september-2022 no-task-force leaves"
        )
    save({path: page.render(explored)})
    return path
