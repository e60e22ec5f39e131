"""Reports: one file that says what a folder of results came to, how sure, and how it was made.

``write`` makes the file and, beside it, the reception sheets as CSV. What a report says is in
``document.py`` and the files named after its parts; ``html.py`` and ``pdf.py`` write it out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import cast

from flowsim.errors import MachineError, ResultsError
from flowsim.report import html, pdf
from flowsim.report.document import Document
from flowsim.results.opening import open_folder

FORMATS = (".html", ".htm", ".pdf")


def write(
    folder: Path,
    output: Path | None = None,
    quick: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> list[Path]:
    """Write the report of a folder of results.

    Parameters
    ----------
    folder : Path
        Of a finished run, comparison, sweep or calibration; nothing in it is changed.
    output : Path, optional
        File to write, ``.html`` or ``.pdf``; ``report.html`` in the folder by default.
    quick : bool
        Leave out what has to be simulated anew.
    tell : callable
        Gets a few words on what is being done.

    Returns
    -------
    list of Path
        The report, then the tables of its reception sheets.

    Raises
    ------
    ResultsError
        If the folder is not finished or was altered, or the file's ending is not known.
    MachineError
        If a file cannot be written.
    """
    path = folder / "report.html" if output is None else output
    if path.suffix.lower() not in FORMATS or path.is_dir():
        raise ResultsError(f"{path}: a report is a file that ends in .html or .pdf; name one")
    document, tables = compose(folder, quick, tell)
    tell("writing")
    render = pdf.render if path.suffix.lower() == ".pdf" else html.render
    files = {path: render(document)}
    files |= {path.parent / name: text.encode() for name, text in tables.items()}
    save(files)
    return list(files)


def save(files: Mapping[Path, bytes]) -> None:
    """Write files, each whole or not at all; raises MachineError."""
    path = next(iter(files))
    try:
        for place, content in files.items():
            place.parent.mkdir(parents=True, exist_ok=True)
            part = place.with_name(f".{place.name}.part")
            part.write_bytes(content)
            part.replace(place)
    except OSError as reason:
        raise MachineError(f"{path}: the page cannot be written ({reason.strerror})") from None


def compose(
    folder: Path, quick: bool = False, tell: Callable[[str], None] = lambda _: None
) -> tuple[Document, dict[str, str]]:
    """Return what the report of a folder says, and the tables beside it by file name."""
    kind = open_folder(folder).kind
    tell(f"reading the {kind} and drawing its figures")
    composer = import_module(f"{__name__}.of_{kind}")
    return cast(tuple[Document, dict[str, str]], composer.compose(folder, quick, tell))
