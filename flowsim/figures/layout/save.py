"""Write a figure with all that belongs to it: image, the data drawn, an alt text, a recipe.

The same figure gives the same bytes on the same versions: no date, no software name, no
random identifier goes into a file.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg

from flowsim.errors import refused_by_system
from flowsim.figures.layout import recipe as recipe_
from flowsim.figures.layout.recipe import Recipe
from flowsim.figures.layout.sheet import Drawn
from flowsim.machine import write_atomically

FORMATS = ("png", "svg", "pdf")
NUL = "\0"


def write(
    drawn: Drawn,
    folder: Path,
    formats: Sequence[str] = ("png", "svg"),
    recipe: Recipe | None = None,
) -> list[Path]:
    """Write a figure, its data and its alt text into a folder; return the files.

    Parameters
    ----------
    formats : sequence of {'png', 'svg', 'pdf'}
        Of the images.
    recipe : Recipe, optional
        How the figure was made; goes into each image, for ``flowsim reproduce``.

    Raises
    ------
    MachineError
        If the folder cannot be written to; nothing half-written stays behind.
    """
    data = csv(drawn.data)
    files = {
        f"{drawn.name}.{kind}": image(drawn, kind, recipe and recipe.of(kind, data))
        for kind in formats
    }
    files[f"{drawn.name}.csv"] = data
    files[f"{drawn.name}.txt"] = f"{drawn.alt}\n".encode()
    return put(files, folder)


def put(files: Mapping[str, bytes], folder: Path) -> list[Path]:
    """Write the files of a figure into a folder, each whole or not at all; return their paths."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            write_atomically(folder / name, content)
    except OSError as reason:
        message = f"{folder}: the figure cannot be written ({reason.strerror})"
        raise refused_by_system(reason, message) from None
    return [folder / name for name in files]


def image(drawn: Drawn, kind: str, recipe: Recipe | None = None) -> bytes:
    """Return the bytes of a figure's image, its words and recipe inside."""
    buffer = io.BytesIO()
    save = partial(drawn.figure.savefig, buffer, format=kind)
    if kind == "png":
        buffer.write(_png(drawn, recipe))
    elif kind == "svg":
        save(metadata={**drawn.words, "Date": None, "Creator": None})
    else:
        words = {"Title": drawn.title, "Subject": drawn.alt, "Author": drawn.source}
        keywords = {"Keywords": recipe_.for_pdf(recipe)} if recipe else {}
        unsaid = dict.fromkeys(("Creator", "Producer", "CreationDate"))
        save(metadata=words | keywords | unsaid)
    image = buffer.getvalue()
    if recipe is None:
        return image
    return recipe_.sealed(recipe_.in_svg(image, recipe) if kind == "svg" else image, kind)


def _png(drawn: Drawn, recipe: Recipe | None) -> bytes:
    """Return a PNG without transparency and without filters, which make line drawings larger."""
    canvas: Any = FigureCanvasAgg(drawn.figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[:, :, :3]
    high, wide, _ = pixels.shape
    rows: Any = np.zeros((high, 1 + 3 * wide), np.uint8)
    rows[:, 1:] = pixels.reshape(high, -1)
    dots = round(drawn.figure.dpi / 0.0254)
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", wide, high, 8, 2, 0, 0, 0)),
        (b"pHYs", struct.pack(">IIB", dots, dots, 1)),
        *((b"iTXt", f"{key}{5 * NUL}{text}".encode()) for key, text in drawn.words.items()),
        *([(b"iTXt", recipe_.for_png(recipe))] if recipe else []),
        (b"IDAT", zlib.compress(rows, 2)),
        (b"IEND", b""),
    ]
    return recipe_.PNG + b"".join(recipe_.chunk(*parts) for parts in chunks)


def csv(data: pd.DataFrame) -> bytes:
    """Return the bytes of a figure's data as CSV."""
    text = data.to_csv(
        index=False, float_format="%.6g", lineterminator="\n", date_format="%Y-%m-%dT%H:%M"
    )
    return text.encode()
