"""Write a figure with all that belongs to it: PNG and SVG, the data drawn, an alt text.

The same figure gives the same bytes on the same versions: no date, no software name, no
random identifier goes into a file.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from flowsim.errors import MachineError

FORMATS = ("png", "svg")


@dataclass(frozen=True)
class Drawn:
    """A figure, the data it shows, and what it says in words.

    Attributes
    ----------
    data : DataFrame
        What is drawn, and nothing else.
    title : str
        The finding, in one sentence.
    alt : str
        What a reader who cannot see the figure needs to know.
    source : str
        Scenario, seed, sample and version.
    """

    name: str
    figure: Figure
    data: pd.DataFrame
    title: str
    alt: str
    source: str


def write(drawn: Drawn, folder: Path, formats: Sequence[str] = FORMATS) -> list[Path]:
    """Write a figure, its data and its alt text into a folder; return the files.

    Raises
    ------
    MachineError
        If the folder cannot be written to; nothing half-written stays behind.
    """
    files = {f"{drawn.name}.{kind}": _image(drawn, kind) for kind in formats}
    files[f"{drawn.name}.csv"] = _csv(drawn.data)
    files[f"{drawn.name}.txt"] = f"{drawn.alt}\n".encode()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            part = folder / f".{name}.part"
            part.write_bytes(content)
            part.replace(folder / name)
    except OSError as reason:
        for name in files:
            with suppress(OSError):
                (folder / f".{name}.part").unlink()
        raise MachineError(f"{folder}: the figure cannot be written ({reason.strerror})") from None
    return [folder / name for name in files]


def _image(drawn: Drawn, kind: str) -> bytes:
    metadata: dict[str, str | None] = {"Title": drawn.title}
    if kind == "png":
        metadata |= {"Software": None, "Description": drawn.alt, "Source": drawn.source}
    if kind == "svg":
        metadata |= {"Date": None, "Creator": None, "Description": drawn.alt}
        metadata |= {"Source": drawn.source}
    buffer = io.BytesIO()
    drawn.figure.savefig(buffer, format=kind, metadata=metadata)
    return buffer.getvalue()


def _csv(data: pd.DataFrame) -> bytes:
    text = data.to_csv(
        index=False, float_format="%.6g", lineterminator="\n", date_format="%Y-%m-%dT%H:%M"
    )
    return text.encode()
