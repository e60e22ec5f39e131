"""Names beside points, put where they cover neither a point nor another name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.patheffects import AbstractPathEffect, withStroke

from flowsim.figures.layout.sheet import MM, text_width
from flowsim.figures.layout.style import INK, QUIET, Preset, plain

Box = tuple[float, float, float, float]
"""Left, lower, right and upper edge, in units of what they stand on."""


@dataclass(frozen=True)
class Name:
    """A name on the map: of a crossing or a country, and the point it belongs to."""

    text: str
    x: float
    y: float
    kind: str


def write_names(
    ax: Axes, names: Sequence[Name], taken: list[Box], preset: Preset, width: float
) -> None:
    """Write names where they cover neither a dot nor another name, else leave them out."""
    left, right = ax.get_xlim()
    low, high = ax.get_ylim()
    mm = width / (right - left)
    tall = preset.small / 72 * MM * 1.15 / mm
    halo: list[AbstractPathEffect] = [withStroke(linewidth=1.6, foreground="white", alpha=0.85)]
    for name in names:
        wide = text_width(plain(name.text), preset.small) / mm
        places = _offsets(name.kind, wide, tall, mm)
        boxes = [around(name.x + dx, name.y + dy, wide, tall) for dx, dy in places]
        box = free(boxes, taken, (left, low, right, high))
        if box is not None:
            style = "italic" if name.kind == "country" else "normal"
            text = ax.text(*middle(box), plain(name.text), size=preset.small, style=style, zorder=6)
            text.set(ha="center", va="center_baseline", path_effects=halo)
            text.set_color(QUIET if name.kind == "country" else INK)


def around(x: float, y: float, wide: float, tall: float) -> Box:
    """Return the box of a name whose middle is at a point."""
    return (x - wide / 2, y - tall / 2, x + wide / 2, y + tall / 2)


def middle(box: Box) -> tuple[float, float]:
    """Return the middle of a box."""
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def free(boxes: Iterable[Box], taken: list[Box], room: Box) -> Box | None:
    """Return the first box inside the room that covers nothing taken, and take it."""
    for box in boxes:
        inside = room[0] < box[0] and box[2] < room[2] and room[1] < box[1] and box[3] < room[3]
        if inside and not any(_overlap(box, other) for other in taken):
            taken.append(box)
            return box
    return None


def _offsets(kind: str, wide: float, tall: float, mm: float) -> list[tuple[float, float]]:
    """Return the places to try for a name, from its point, in units of the map."""
    away = 3.4 / mm
    if kind == "country":
        return [(0, 0), *[(0, n * tall) for n in (-1, -2.2, 1, -3, -4)], (0.35 * wide, -tall)]
    return [
        (0, -away - tall / 2),
        (wide / 2 + away, 0),
        (-wide / 2 - away, 0),
        (0, -away - 1.7 * tall),
        (0, away + tall / 2),
        (wide / 2 - 1.2 * away, -away - tall / 2),
        (wide / 2 - 1.2 * away, -away - 1.7 * tall),
    ]


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
