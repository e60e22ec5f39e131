"""Reports: one file that says what a folder of results came to, how sure, and how it was made.

``write`` makes the file and, beside it, the reception sheets as CSV. What each kind says is in
``arranging.py``, as ``document.py`` has it; ``writers.py`` writes it out.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from flowsim.errors import ResultsError, refused_by_system
from flowsim.report.document import Document, Options
from flowsim.results.opening import open_folder


def write(folder: Path, output: Path | None = None, how: Options | None = None) -> list[Path]:
    """Write the report of a folder of results.

    Parameters
    ----------
    folder : Path
        Of a finished run, comparison, sweep or calibration; nothing in it is changed.
    output : Path, optional
        File to write, ``.html``, ``.pdf`` or ``.docx``; ``report.html`` in the folder by default.
    how : Options, optional
        Short or full, with or without what has to be simulated anew.

    Returns
    -------
    list of Path
        The report, then the tables of its reception sheets.

    Raises
    ------
    ResultsError
        If the folder is not finished or was altered, or the file's ending is not known.
    MachineError
        If a file cannot be written, or what writes its kind is not installed.
    """
    from flowsim.report.writers import WRITERS

    path = folder / "report.html" if output is None else output
    writer = WRITERS.get(path.suffix.lower())
    if writer is None or path.is_dir():
        raise ResultsError(
            f"{path}: a report is a file that ends in .html, .pdf or .docx; name one"
        )
    how = how or Options()
    document, tables = compose(folder, how)
    how.announce("writing")
    files = {path: writer(document)}
    files |= {path.parent / name: text.encode() for name, text in tables.items()}
    save(files)
    return list(files)


def save(files: Mapping[Path, bytes]) -> None:
    """Write files, each whole or not at all."""
    path = next(iter(files))
    try:
        for place, content in files.items():
            place.parent.mkdir(parents=True, exist_ok=True)
            part = place.with_name(f".{place.name}.part")
            part.write_bytes(content)
            part.replace(place)
    except OSError as reason:
        message = f"{path}: the page cannot be written ({reason.strerror})"
        raise refused_by_system(reason, message) from None


def compose(folder: Path, how: Options | None = None) -> tuple[Document, dict[str, str]]:
    """Return what the report of a folder says, and the tables beside it by file name."""
    from flowsim.report.arranging import arranged

    found, how = open_folder(folder), how or Options()
    how.announce(f"reading the {found.kind} and drawing its figures")
    return arranged(found, folder, how)
