"""A page that answers at once: the settings of a sweep or comparison behind sliders, in one file.

``settings`` reads what can be explored from a folder, ``page`` packs and writes it. The page's own
code is ``templates/explore.js``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flowsim.errors import ResultsError
from flowsim.report import save
from flowsim.results.opening import open_folder


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
    from flowsim.report.explorer import page, settings

    path = folder / "explore.html" if output is None else output
    if path.suffix.lower() not in (".html", ".htm") or path.is_dir():
        raise ResultsError(f"{path}: the page is a file that ends in .html; name one")
    found = open_folder(folder)
    read: Any = {"sweep": settings.of_sweep, "comparison": settings.of_comparison}.get(found.kind)
    if read is None:
        raise ResultsError(
            f"{folder} holds a {found.kind}; expected a sweep or a comparison, as flowsim sweep "
            "explore or flowsim compare september-2022 no-task-force leaves"
        )
    save({path: page.render(read(found))})
    return path
