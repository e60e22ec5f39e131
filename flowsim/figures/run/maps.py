"""Maps by region: leavers, called-up men and lost graduates per 1,000; equal-area projection."""

from __future__ import annotations

from collections.abc import Container, Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, Colormap, ListedColormap
from matplotlib.patches import PathPatch, Rectangle

from flowsim.data import sources
from flowsim.figures.families import Family
from flowsim.figures.layout import placing
from flowsim.figures.layout.caption import Caption
from flowsim.figures.layout.geography import Array, Shape, albers, shapes
from flowsim.figures.layout.save import Drawn
from flowsim.figures.layout.sheet import MARGIN, MM, Sheet, text_width, wrap
from flowsim.figures.layout.style import INK, LAND, QUIET, SEQUENTIAL, VERMILION, Preset
from flowsim.figures.layout.tables import records, source
from flowsim.figures.run.regions import CALLED_UP, ENOUGH, GRADUATES, LEAVERS, Theme, doubts, rates
from flowsim.findings.words import count, plural, rate, rounded
from flowsim.results.run import Run

FAMILY = Family(
    "map", "leavers per 1,000 men by region, and the crossings by their entries", order=4
)
CALLED_UP_FAMILY = Family(
    "map-called-up",
    "men called up per 1,000, by region",
    draw="draw_called_up",
    usual=False,
    order=10,
)
GRADUATES_FAMILY = Family(
    "map-graduates",
    "graduates lost per 1,000, by region",
    draw="draw_graduates",
    usual=False,
    order=11,
)
CLASSES = 6
LARGEST = (4.4 / MM * 72) ** 2  # square points
IMPUTED: dict[str, Any] = {
    "facecolor": "none",
    "edgecolor": (0.3, 0.3, 0.3, 0.4),
    "linewidth": 0,
    "hatch": "//////",
}
DOT: dict[str, Any] = {"color": VERMILION, "edgecolor": INK, "linewidth": 0.5, "alpha": 0.8}


def table(results: Run, theme: Theme = LEAVERS) -> pd.DataFrame:
    """Return what is drawn: a row per region, and a row per road crossing with its entries.

    Columns kind (region, crossing), id, name, men, left, per_1000, left_simulated, imputed, lat,
    lon, entries. Who is counted as having left, the theme says.
    """
    regions = rates(results, theme)
    regions.insert(0, "kind", "region")
    return pd.concat([regions, _crossings(results)], ignore_index=True)


def _crossings(results: Run) -> pd.DataFrame:
    entries = results.days("entries", "crossing").groupby("place_id")["value"].sum()
    entries = entries / results.n_replications
    rows = [
        ("crossing", key, place.name, place.lat, place.lon, float(entries.get(key, 0.0)))
        for key, place in results.scenario.crossings.items()
        if place.lat is not None and place.lon is not None
    ]
    return pd.DataFrame(rows, columns=["kind", "id", "name", "lat", "lon", "entries"])


def draw_figure(results: Run, preset: Preset, theme: Theme = LEAVERS) -> Drawn:
    """Arrange the map, its colour bar and the sizes of the dots."""
    data = table(results, theme)
    subtitle = f"{theme.subtitle} Dots: road crossings."
    caption = Caption(
        theme.name,
        data,
        finding(data, theme),
        subtitle,
        source(results),
        _notes(results, data, theme),
        alt=[subtitle, *_alt(data)],
    )
    outlines = sources.outlines()
    regions, around = shapes(outlines.regions), shapes(outlines.neighbours)
    west, east, south, north = _limits(regions)
    ratio = (north - south) / (east - west)
    wide = preset.height is not None
    legend = (17.0 if wide else 13.0 + 12.0 * preset.narrow) * preset.scale
    width = preset.width - 2 * MARGIN
    sheet = caption.sheet(preset, width * ratio + legend * (not wide))
    width = min(width, sheet.body / ratio) if wide else width
    height = width * ratio
    ax = sheet.axes(preset.width - MARGIN - width if wide else MARGIN, 0, width, height)
    ax.set(xlim=(west, east), ylim=(south, north))
    bounds = classes(data["per_1000"].dropna().to_numpy())
    draw(data, ax, regions, around, bounds)
    countries = {place.name for place in results.scenario.destinations.values()}
    names = [*_crossing_names(data), *_country_names(around, countries)]
    placing.write_names(ax, names, _dot_boxes(data, width / (east - west)), preset, width)
    room = preset.width - width - 2 * MARGIN if wide else preset.width - 12.0
    top = 2 if wide else height + 3
    _draw_scale(sheet, bounds, top, room, theme)
    left = 4.5 if wide or preset.narrow else 0.58 * preset.width
    _draw_sizes(sheet, data, left, top + (legend if wide else 12 * preset.narrow))
    return caption.drawn(sheet)


draw_called_up = partial(draw_figure, theme=CALLED_UP)
draw_graduates = partial(draw_figure, theme=GRADUATES)


def _limits(regions: list[Shape]) -> tuple[float, float, float, float]:
    """Return west, east, south and north of the map: all regions, with a little around them."""
    boxes = np.array([shape.path.get_extents().extents for shape in regions])
    (west, south), (east, north) = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    wide, high = east - west, north - south
    return west - 0.02 * wide, east + 0.01 * wide, south - 0.06 * high, north + 0.01 * high


def classes(values: Array) -> Array:
    """Return rounded class bounds from 0 upwards that split the regions about evenly."""
    top = float(values.max()) if values.size else 0.0
    if top <= 0:
        return np.array([0.0, 1.0])
    inner = np.quantile(values, [0.17, 0.33, 0.5, 0.67, 0.84])
    digits = 1 if top < 20 else 0
    while digits < 6 and round(top, digits) <= 0:
        digits += 1
    last = float(np.ceil(top * 10**digits) / 10**digits)
    bounds = sorted({round(float(bound), digits) for bound in inner} - {0.0})
    return np.array([0.0, *[bound for bound in bounds if bound < last], last])


def _palette(bounds: Array) -> tuple[Colormap, BoundaryNorm]:
    n = len(bounds) - 1
    colours = colormaps[SEQUENTIAL](np.linspace(0.06, 0.95, CLASSES))[:n]
    return ListedColormap(list(colours)), BoundaryNorm(bounds, n)


def draw(
    data: pd.DataFrame, ax: Axes, regions: list[Shape], around: list[Shape], bounds: Array
) -> None:
    """Draw regions in the colour of their class, neighbours in grey, crossings as dots.

    Parameters
    ----------
    data : DataFrame
        As ``table`` gives it; regions without a value are hatched.
    ax : Axes
        With limits in the plane of ``albers``.
    bounds : float64, shape (n + 1,)
        Class bounds.
    """
    ax.axis("off")
    colours, norm = _palette(bounds)
    rows = data[data["kind"] == "region"].set_index("id")
    values, marked = rows["per_1000"], _marked(rows)
    for shape in around:
        look = {"facecolor": LAND, "edgecolor": "white", "linewidth": 0.5}
        ax.add_artist(PathPatch(shape.path, zorder=1, **look))
    for shape in regions:
        value = float(values.get(shape.id, np.nan))
        look = {"facecolor": colours(norm(min(value, bounds[-1] * (1 - 1e-9))))}
        if not np.isfinite(value):
            look = {"facecolor": "white", "hatch": "////"}
        ax.add_artist(PathPatch(shape.path, zorder=2, edgecolor=QUIET, linewidth=0.25, **look))
        if shape.id in marked:
            ax.add_artist(PathPatch(shape.path, zorder=2.5, **IMPUTED))
    dots = _dots(data)
    ax.scatter(dots["x"], dots["y"], s=dots["area"], zorder=4, **DOT)


def _marked(rows: pd.DataFrame) -> set[str]:
    """Return the regions of imputed input, if there are others to tell them from."""
    return set(rows.index[rows["imputed"] == True]) if not rows["imputed"].all() else set()  # noqa: E712


def _dots(data: pd.DataFrame) -> pd.DataFrame:
    """Return the crossings that somebody entered by, largest first; x, y and area of their dots."""
    rows = data[(data["kind"] == "crossing") & (data["entries"] > 0)]
    rows = rows.sort_values("entries", ascending=False, kind="stable")
    x, y = albers(rows["lon"].to_numpy(float), rows["lat"].to_numpy(float))
    return rows.assign(x=x, y=y, area=LARGEST * rows["entries"] / rows["entries"].max())


def _dot_boxes(data: pd.DataFrame, mm: float) -> list[placing.Box]:
    dots = _dots(data)
    halves = np.sqrt(dots["area"]) / 72 * MM / 2 / mm
    return [
        (x - half, y - half, x + half, y + half)
        for x, y, half in zip(dots["x"], dots["y"], halves, strict=True)
    ]


def _crossing_names(data: pd.DataFrame) -> Iterator[placing.Name]:
    for row in records(_dots(data).head(3)):
        yield placing.Name(row["name"], row["x"], row["y"], "crossing")


def _country_names(around: list[Shape], names: Container[str]) -> Iterator[placing.Name]:
    for shape in around:
        if shape.name in names:
            yield placing.Name(shape.name, *shape.centre, "country")


def _bound_labels(bounds: Array) -> list[str]:
    digits = next(d for d in range(8) if np.allclose(bounds, np.round(bounds, d)) or d == 7)
    return [f"{bound:.{digits}f}" if bound else "0" for bound in bounds]


def _draw_scale(sheet: Sheet, bounds: Array, top: float, room: float, theme: Theme) -> None:
    """Draw the colour bar as boxes of equal width, its bounds written below."""
    preset, scale = sheet.preset, sheet.preset.scale
    colours, _ = _palette(bounds)
    n = len(bounds) - 1
    lines = wrap(theme.heading, preset.small, max(room, 40.0))
    for row, line in enumerate(lines):
        sheet.text(4.5, top - 0.4 + row * 3.5 * scale, line, preset.small)
    width = min(room - 8.0 if room < 120 else room, n * 13.5)
    ax = sheet.axes(4.5, top + 0.1 + 3.5 * scale * len(lines), width, 3.0 * scale)
    ax.set(xlim=(0, n), ylim=(0, 1))
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    for box in range(n):
        ax.add_patch(Rectangle((box, 0), 1, 1, facecolor=colours(box), edgecolor=QUIET, lw=0.4))
    ax.set_xticks(range(n + 1), _bound_labels(bounds))
    ax.tick_params(length=0, pad=1)


def _draw_sizes(sheet: Sheet, data: pd.DataFrame, left: float, top: float) -> None:
    """Draw the key of the dots: what a small, a middle and a large one stand for."""
    most = data["entries"].max()
    if not most > 0:
        return
    preset, scale = sheet.preset, sheet.preset.scale
    heading = "Entries by crossing, whole period"
    ax = sheet.axes(left, top + 3.0 * scale, preset.width - left - 4.0, 6.0)
    ax.set(xlim=(0, preset.width - left - 4.0), ylim=(0, 6.0))
    ax.axis("off")
    sheet.text(left, top - 0.4, heading, preset.small)
    x = 2.6
    for part in (1.0, 0.3, 0.05):
        n = rounded(most * part, 1)
        ax.scatter([x], [3.0], s=LARGEST * n / most, clip_on=False, **DOT)
        text = count(n)
        ax.text(x + 3.4, 3.0, text, size=preset.small, va="center_baseline")
        x += 3.4 + text_width(text, preset.small) + 4.5


def finding(data: pd.DataFrame, theme: Theme = LEAVERS) -> str:
    """State from what to what it befell the regions, of which enough were simulated.

    No region is named: single regions rest on imputed inputs, and their ranks are no findings.
    """
    regions = _known(data)
    total, men = float(regions["left"].sum()), float(regions["men"].sum())
    if total <= 0 or men <= 0:
        return theme.nobody
    nation = rate(1000 * total / men)
    sure = regions.loc[regions["left_simulated"] >= ENOUGH, "per_1000"]
    if len(sure) < 2:
        return f"Simulated: {nation} of every 1,000 {theme.who} {theme.did}"
    return (
        f"Simulated: by region {rate(sure.min())} to {rate(sure.max())} of every 1,000 "
        f"{theme.who} {theme.did}, the median region {rate(regions['per_1000'].median())}, the "
        f"nation {nation}"
    )


def _known(data: pd.DataFrame) -> pd.DataFrame:
    return data[(data["kind"] == "region") & data["per_1000"].notna()]


def _notes(results: Run, data: pd.DataFrame, theme: Theme) -> str:
    regions, text = data[data["kind"] == "region"], doubts(theme)
    if _marked(regions.set_index("id")):
        text = f"Hatched: {theme.unsure} imputed. {text}"
    thin = int((regions["left_simulated"] < ENOUGH).sum())
    if thin:
        rest = "rests" if thin == 1 else "rest"
        text += f" {plural(thin, 'region')} {rest} on fewer than {ENOUGH} simulated men."
    if any(place.lat is None for place in results.scenario.crossings.values()):
        text += " Entries by other ways (air, rail, third countries) are not on the map."
    return text + " Albers equal-area projection; outlines: Natural Earth."


def _alt(data: pd.DataFrame) -> list[str]:
    ranked = _known(data).sort_values("per_1000", ascending=False, kind="stable")
    most, least = (
        "; ".join(f"{row['name']} {rate(row['per_1000'])}" for row in records(part))
        for part in (ranked.head(5), ranked.tail(5))
    )
    dots = [f"{row['name']} {count(row['entries'])}" for row in records(_dots(data).head(5))]
    text = [f"Highest per 1,000: {most}. Lowest: {least}."]
    return [*text, f"Crossings by entries: {'; '.join(dots)}."] if dots else text
