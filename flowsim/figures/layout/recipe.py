"""A figure's files: image, data, alt text; and in each image what it takes to make it again.

The same figure gives the same bytes on the same versions: no date, no software name, no random
identifier goes into a file.

The recipe is JSON. A PNG carries it in a compressed ``iTXt`` chunk, an SVG in its ``metadata``
element, a PDF among its keywords (compressed, base64). It names no path, no time and no person,
so that the same figure has the same bytes wherever and whenever it is made.

What is read back is data to be checked, never anything to be run: sizes are limited, keys,
types and numbers are those expected, file names are plain names, and the time that it takes to
look grows no faster than the file.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import json
import re
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from html import escape, unescape
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)

from flowsim.data import sources
from flowsim.errors import ResultsError, refused_by_system
from flowsim.figures.layout.sheet import Drawn
from flowsim.figures.layout.style import LARGEST, worn
from flowsim.findings.language import ENGLISH, language
from flowsim.machine import versions as versions_here
from flowsim.machine import write_atomically
from flowsim.results.base import Results

KEY = "flowsim-recipe"
VERSION = 1
MOST = 16_000_000
MOST_FILES = 40
MOST_OF = {"yaml": 400_000, "csv": 8_000_000, "mplstyle": LARGEST}
"""Characters of a file in a recipe; the largest that flowsim writes has a quarter of it."""
STYLE = "house.mplstyle"
INPUTS = ("points.csv", "draws.csv")
SEAL = "flowsim-seal"
ENDINGS = {"svg": ("<!-- ", " -->"), "pdf": ("%", "")}
END = 12  # bytes of the last chunk of a PNG
PNG = b"\x89PNG\r\n\x1a\n"
PLAIN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}"
NAME = re.compile(rf"{PLAIN}\.(?:yaml|csv|mplstyle)")
SVG_BEGINS, SVG_ENDS = b'<flowsim:recipe xmlns:flowsim="urn:flowsim">', b"</flowsim:recipe>"
BASE64 = re.compile(rb"[A-Za-z0-9+/]*={0,2}")


class DamagedError(ResultsError):
    """A recipe is there, but not as flowsim wrote it."""


Count = Annotated[int, Field(ge=0, le=10_000_000)]
Plain = Annotated[str, Field(pattern=rf"^{PLAIN}$")]
Named = Annotated[str, Field(pattern=f"^{NAME.pattern}$")]
Made = Literal["tables", "figure"]


class Settings(BaseModel):
    """What a recipe takes from the manifest of the folder; what other versions add is ignored."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    seed: int | None = Field(None, ge=0, lt=2**128)
    sample: float | None = Field(None, gt=0, le=1)
    replications: int | None = Field(None, ge=1, le=100_000)
    engine: Plain | None = None
    data_hash: Plain | None = None
    scenarios: dict[Plain, str] | list[Plain] | None = None
    runs: Count | None = None
    budget: Plain | None = None
    design_runs: Count | None = None
    whole_runs: Count | None = None
    prediction_runs: Count | None = None
    against: list[str] | None = None
    as_of: Plain | None = None
    language: Plain | None = None


def _sound(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the settings, if they are those of a manifest, each number in its bounds."""
    Settings.model_validate(settings)
    return settings


def _small(files: Mapping[str, str]) -> Mapping[str, str]:
    """Return the files, if they are no more than a recipe has, none larger than they are."""
    sizes = [len(text) <= MOST_OF[name.rpartition(".")[2]] for name, text in files.items()]
    if len(sizes) > MOST_FILES or not all(sizes):
        raise ValueError
    return files


@dataclass(frozen=True)
class Recipe:
    """How a figure was made.

    Attributes
    ----------
    kind : str
        Of the folder: run, comparison, sweep or calibration.
    figure, preset, format : str
        What was drawn of it, how large, as which kind of file.
    files : mapping
        Name to text: the resolved scenario or scenarios, the sweep or calibration file,
        the house style.
    settings : mapping
        Seed, sample, replications and what else the manifest of the folder says; the language.
    versions : mapping
        ``tables``: what made the tables; ``figure``: what drew them.
    drawn : str
        SHA-256 of the data drawn, as the CSV beside the figure has them.
    """

    kind: str
    figure: str
    preset: str
    format: str
    files: Annotated[Mapping[Named, str], AfterValidator(_small)]
    settings: Annotated[Mapping[str, Any], AfterValidator(_sound)]
    versions: Annotated[Mapping[Made, Mapping[str, str]], Field(min_length=2)]
    drawn: str

    __pydantic_config__ = ConfigDict(extra="forbid")

    def text(self) -> str:
        """Write the recipe as JSON, with its own checksum."""
        return json.dumps({KEY: VERSION, **asdict(self), "checksum": self._checksum()}, indent=1)

    def of(self, kind: str, data: bytes) -> Recipe:
        """Return the recipe of one file that shows these data (the bytes of their CSV)."""
        return replace(self, format=kind, drawn=hashlib.sha256(data).hexdigest())

    def _checksum(self) -> str:
        plain = json.dumps({KEY: VERSION, **asdict(self)}, sort_keys=True)
        return hashlib.sha256(plain.encode()).hexdigest()

    @property
    def is_of_this_version(self) -> bool:
        """Whether tables and figure were made by what is installed here."""
        here = versions()
        made = self.versions["tables"]
        same = all(here.get(key, found) == found for key, found in made.items())
        return same and dict(self.versions["figure"]) == here


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """Return the versions of all that takes part in drawing, and a hash of flowsim's own code."""
    return {**versions_here("matplotlib"), "code": _code_hash()}


@lru_cache(maxsize=1)
def _code_hash() -> str:
    """Return what tells two states of the code with one version number apart."""
    root = Path(__file__).resolve().parents[2]
    digest = hashlib.sha256(sources.content_hash().encode())
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:16]


def of_folder(results: Results, figure: str, preset: str) -> Recipe:
    """Return the recipe of a figure drawn from a folder of results."""
    folder, manifest = results.path, results.manifest
    names = sorted(name for name in manifest.get("tables", {}) if NAME.fullmatch(str(name)))
    inputs = [name for name in names if name.endswith(".yaml") or name in INPUTS]
    made, style = manifest.get("versions"), worn().text
    return Recipe(
        results.kind,
        figure,
        preset,
        "",
        {name: (folder / name).read_text(encoding="utf-8") for name in inputs}
        | ({STYLE: style} if style else {}),
        {key: manifest[key] for key in Settings.model_fields if key in manifest}
        | ({} if language() == ENGLISH else {"language": language()}),
        {"tables": dict(made) if isinstance(made, Mapping) else {}, "figure": versions()},
        "",
    )


# -- into a file


def in_svg(image: bytes, recipe: Recipe) -> bytes:
    """Lay the recipe into the metadata element of an SVG."""
    element = SVG_BEGINS + escape(recipe.text()).encode() + SVG_ENDS
    before, end, after = image.partition(b"</metadata>")
    return before + element + b"\n " + end + after


def for_png(recipe: Recipe) -> bytes:
    """Return the content of the ``iTXt`` chunk with which a PNG carries the recipe, compressed."""
    return f"{KEY}\0\1\0\0\0".encode() + zlib.compress(recipe.text().encode())


def chunk(name: bytes, content: bytes) -> bytes:
    """Return a chunk of a PNG: length, name, content, checksum."""
    check = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + check


def for_pdf(recipe: Recipe) -> str:
    """Return the keyword under which a PDF carries the recipe."""
    packed = base64.b64encode(zlib.compress(recipe.text().encode(), 9)).decode()
    return f"{KEY}:{packed}"


# -- the seal: a hash of the file, by which any change is found out on any versions


def sealed(image: bytes, kind: str) -> bytes:
    """Add the hash of a file to it: as a last chunk of a PNG, as a last comment elsewhere."""
    digest = hashlib.sha256(image).hexdigest()
    if kind == "png":
        return image[:-END] + chunk(b"tEXt", f"{SEAL}\0{digest}".encode()) + image[-END:]
    start, end = ENDINGS[kind]
    return image + f"{start}{SEAL}:{digest}{end}\n".encode()


def is_whole(image: bytes) -> bool:
    """Whether a file is, to the last byte, as flowsim wrote it."""
    kind = format_of(image)
    bare = sealed(b"", kind) if kind in ENDINGS else b""
    if kind == "png":
        length = 12 + len(SEAL) + 65
        return sealed(image[: -END - length] + image[-END:], kind) == image
    return bool(bare) and sealed(image[: -len(bare)], kind) == image


# -- and out of it


def format_of(image: bytes) -> str:
    """Return which kind of file it is, from its first bytes; empty if none that flowsim writes."""
    start = image[:1000].lstrip()
    if image.startswith(PNG):
        return "png"
    if start.startswith(b"%PDF-"):
        return "pdf"
    return "svg" if start.startswith((b"<?xml", b"<svg")) and b"<svg" in image[:5000] else ""


def found_in(image: bytes) -> Recipe:
    """Read the recipe of a figure.

    Raises
    ------
    ResultsError
        If it has none: it was not made by flowsim, or the recipe was taken out.
    DamagedError
        If the recipe is not as flowsim wrote it.
    """
    kind = format_of(image)
    if not kind:
        raise ResultsError("is no PNG, SVG or PDF; expected a figure that flowsim drew")
    try:
        text = {"png": _from_png, "svg": _from_svg, "pdf": _from_pdf}[kind](image)
    except (ValueError, IndexError, zlib.error, struct.error, binascii.Error) as reason:
        raise DamagedError(f"carries a damaged recipe ({reason})") from None
    if text is None:
        raise ResultsError(
            "carries no recipe: flowsim did not draw it, or a programme that saved it again "
            "left the recipe out"
        )
    made = _checked(text)
    if made.format != kind:
        raise DamagedError(f"carries the recipe of a {made.format} file")
    return made


def _from_png(image: bytes) -> str | None:
    for name, content in _chunks(image):
        if name == b"iTXt" and content.startswith(KEY.encode() + b"\0"):
            packed, method = content[len(KEY) + 1], content[len(KEY) + 2]
            _, _, value = content[len(KEY) + 3 :].split(b"\0", 2)
            if method:
                raise ValueError("an unknown compression")
            return (_inflated(value) if packed else value).decode()
    return None


def _chunks(image: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Walk through the chunks of a PNG; one that is cut or has a wrong sum is an error."""
    place = len(PNG)
    while place < len(image):
        length, name = struct.unpack(">I4s", image[place : place + 8])
        content = image[place + 8 : place + 8 + length]
        if len(content) < length or len(image) < place + 12 + length:
            raise ValueError("the file is cut short")
        yield name, content
        place += 12 + length


def _from_svg(image: bytes) -> str | None:
    _, found, rest = image.partition(SVG_BEGINS)
    text, ended, _ = rest.partition(SVG_ENDS)
    if found and not ended:
        raise ValueError("it is cut short")
    return unescape(text.decode()) if found else None


def _from_pdf(image: bytes) -> str | None:
    _, found, rest = image.partition(f"{KEY}:".encode())
    packed = BASE64.match(rest)
    return _inflated(base64.b64decode(packed.group())).decode() if found and packed else None


def _inflated(packed: bytes) -> bytes:
    machine = zlib.decompressobj()
    text = machine.decompress(packed, MOST)
    if machine.unconsumed_tail or not machine.eof:
        raise ValueError("it is cut short, or larger than any recipe")
    return text


def _checked(text: str) -> Recipe:
    """Make a recipe of JSON, if every part is what it should be."""
    try:
        raw = json.loads(text) if len(text) <= MOST else None
    except (ValueError, RecursionError):
        raw = None
    if not isinstance(raw, dict) or raw.pop(KEY, None) != VERSION:
        raise DamagedError("carries a recipe that cannot be read")
    checksum = raw.pop("checksum", None)
    try:
        recipe = TypeAdapter(Recipe).validate_python(raw)
    except ValidationError:
        message = "carries a recipe whose entries are not those that flowsim writes"
        raise DamagedError(message) from None
    if checksum != recipe._checksum():
        raise DamagedError("carries a recipe that was altered: its checksum does not fit")
    return recipe


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
        keywords = {"Keywords": for_pdf(recipe)} if recipe else {}
        unsaid = dict.fromkeys(("Creator", "Producer", "CreationDate"))
        save(metadata=words | keywords | unsaid)
    image = buffer.getvalue()
    if recipe is None:
        return image
    return sealed(in_svg(image, recipe) if kind == "svg" else image, kind)


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
        *([(b"iTXt", for_png(recipe))] if recipe else []),
        (b"IDAT", zlib.compress(rows, 2)),
        (b"IEND", b""),
    ]
    return PNG + b"".join(chunk(*parts) for parts in chunks)


def csv(data: pd.DataFrame) -> bytes:
    """Return the bytes of a figure's data as CSV."""
    text = data.to_csv(
        index=False, float_format="%.6g", lineterminator="\n", date_format="%Y-%m-%dT%H:%M"
    )
    return text.encode()
