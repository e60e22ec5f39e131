"""Maps by region: leavers, called-up men and lost graduates per 1,000; equal-area projection."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import compress
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import BoundaryNorm, Colormap, ListedColormap
from matplotlib.patches import Circle, Rectangle

from flowsim.data.rows import NOT_STATED
from flowsim.figures import Family
from flowsim.figures.layout import panels
from flowsim.figures.layout.geography import SHIPPED, Array, Shape, View, albers, outlines_of
from flowsim.figures.layout.sheet import MARGIN, POINT, Caption, Drawn, Sheet, text_width, wrap
from flowsim.figures.layout.style import INK, LAND, QUIET, SEQUENTIAL, VERMILION, Preset
from flowsim.figures.layout.tables import source
from flowsim.findings.account import records
from flowsim.findings.words import count, plural, rate, rounded
from flowsim.results.run import Run
from flowsim.scenario.schema import Scenario

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
ENOUGH = 10  # simulated men, below which a region's rate is no number to show
CLASSES = 6
TALLEST = 1.1  # height over width of the page
LARGEST = 4.4  # mm across a dot
IMPUTED: dict[str, Any] = {
    "facecolors": "none",
    "edgecolors": (0.3, 0.3, 0.3, 0.4),
    "linewidths": 0,
    "hatch": "//////",
}
DOT: dict[str, Any] = {"facecolor": VERMILION, "edgecolor": INK, "linewidth": 0.5, "alpha": 0.8}


@dataclass(frozen=True)
class Theme:
    """One thing that happens to men of a region, and its words.

    Attributes
    ----------
    name : str
        Of the map's figure.
    who, did : str
        Those per 1,000 of whom it is counted, and what they did, in the past tense.
    nobody : str
        The finding if nobody did.
    heading : str
        Over the scale of colours.
    subtitle : str
        What is counted.
    basis : str
        Column of the region table that says which inputs are imputed.
    unsure : str
        Those inputs in words.
    """

    name: str
    who: str
    did: str
    nobody: str
    heading: str
    subtitle: str
    basis: str
    unsure: str


LEAVERS = Theme(
    "map",
    "men aged 18 to 59",
    "went abroad",
    "No man went abroad from any region",
    "Men who left per 1,000 aged 18 to 59",
    "Simulated men who went abroad by the end of the period, whether or not they moved on or "
    "returned, by region of origin.",
    "passport_basis",
    "passport shares",
)
CALLED_UP = Theme(
    "map-called-up",
    "men aged 18 to 59",
    "were called up",
    "No man was called up in any region",
    "Men called up per 1,000 aged 18 to 59",
    "Simulated men to whom the call-up came by the end of the period, whether or not they "
    "complied, by region.",
    "called_up_basis",
    "numbers of called-up men",
)
GRADUATES = Theme(
    "map-graduates",
    "graduates",
    "were abroad at the end",
    "No man with higher education was lost to any region",
    "Graduates lost per 1,000 men with higher education",
    "Simulated men aged 18 to 59 with higher education who were abroad, or had moved on, at the "
    "end of the period, by region of origin.",
    "education_basis",
    "shares with higher education",
)


def missing(results: Run) -> str:
    """Return why there is nothing to draw, if so."""
    known = {one["id"] for one in results.scenario.shapes.regions["features"]}
    there = known & set(results.scenario.regions.code)
    return "" if there else "no region has an outline; name a GeoJSON file under outlines"


def table(results: Run, theme: Theme = LEAVERS) -> pd.DataFrame:
    """Return what is drawn: a row per region, and a row per road crossing with its entries.

    Columns kind (region, crossing), id, name, men, left, per_1000, left_simulated, imputed, lat,
    lon, entries. Who is counted as having left, the theme says.
    """
    regions = rates(results, theme)
    regions.insert(0, "kind", "region")
    return pd.concat([regions, _crossings(results)], ignore_index=True)


def rates(results: Run, theme: Theme = LEAVERS) -> pd.DataFrame:
    """Return the men of each region of the data and those whom the theme befell, by the mean.

    Columns id, name, men, left, per_1000, left_simulated (simulated men behind it), imputed.
    Without men there is no rate.
    """
    facts, n, rows = results.scenario.regions, results.n_replications, results.outcomes
    rows = rows[rows["educated"]] if theme is GRADUATES else rows
    status = rows["status"].astype(str)
    gone = status.str.startswith("abroad-") | (status == "moved-on")
    if theme is not GRADUATES:
        gone |= status == "returned"
    numbers = rows[["men", "men_simulated"]].fillna(0.0)
    own = numbers.where(gone, 0.0).set_axis(["left", "left_simulated"], axis=1)
    sums = pd.concat([numbers, own], axis=1).groupby(rows["region"].astype(str)).sum()
    if theme is CALLED_UP:
        daily = results.days("called_up", "region")
        called = daily[daily["date"] == daily["date"].max()].groupby("place_id")["value"].sum()
        sums["left"] = called.reindex(sums.index).fillna(0.0)
        sums["left_simulated"] = sums["left"] * sums["men_simulated"] / sums["men"]
    data = (sums / n).reindex(pd.Index(facts.code, name="id")).reset_index()
    data["per_1000"] = 1000 * data["left"] / data["men"].where(data["men"] > 0)
    data = data.assign(name=facts.name, imputed=imputed(results.scenario, theme))
    return data[["id", "name", "men", "left", "per_1000", "left_simulated", "imputed"]]


def imputed(scenario: Scenario, theme: Theme) -> list[bool]:
    """Return for each region of the data whether the theme's main input was not observed."""
    bases = getattr(scenario.regions, theme.basis)
    return ["press" not in basis and basis != "census" for basis in bases]


def doubts(scenario: Scenario, theme: Theme) -> str:
    """Return in a sentence how many regions rest on imputed inputs."""
    facts = scenario.regions
    unknown = " or not stated" * (NOT_STATED in facts.passport_basis)
    passports = sum(basis != "census" for basis in facts.passport_basis)
    other = CALLED_UP if theme is LEAVERS else theme
    unsure = "called-up men" if theme is LEAVERS else theme.unsure
    return (
        f"Inputs behind the regions are partly imputed{unknown}: passport shares in {passports} of "
        f"{len(facts.code)}, {unsure} in {sum(imputed(scenario, other))}; read differences between "
        "regions as the model's, not as measured."
    )


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
    title, subtitle = finding(data, theme), f"{theme.subtitle} Dots: road crossings."
    made, note = source(results, drawn=False), _notes(results, data, theme)
    caption = Caption(theme.name, data, title, subtitle, made, note, alt=_alt(data))
    regions, around, view = outlines_of(results.scenario)
    dots = _dots(data, view)
    west, east, south, north = _limits(regions)
    ratio = (north - south) / (east - west)
    wide = preset.is_slide
    legend = (17.0 if wide else 13.0 + 12.0 * preset.narrow) * preset.scale
    width = (preset.width - 2 * MARGIN) * min(1.0, TALLEST / ratio)
    sheet = caption.sheet(preset, width * ratio + legend * (not wide))
    width = min(width, (sheet.body - legend * (not wide)) / ratio)
    height = width * ratio
    ax = sheet.axes(preset.width - MARGIN - width if wide else MARGIN, 0, width, height)
    ax.set(xlim=(west, east), ylim=(south, north))
    bounds = classes(data["per_1000"].dropna().to_numpy())
    draw(data, ax, regions, around, bounds, dots)
    countries = {place.name for place in results.scenario.destinations.values()}
    crossings = dots[["name", "x", "y"]].head(3).itertuples(index=False)
    names = [panels.Name(name, x, y, "crossing") for name, x, y in crossings]
    names += [panels.Name(s.name, *s.centre, "country") for s in around if s.name in countries]
    halves = dots["radius"] / (width / (east - west))
    sides = (dots["x"] - halves, dots["y"] - halves, dots["x"] + halves, dots["y"] + halves)
    panels.write_names(ax, names, list(zip(*sides, strict=True)), preset, width)
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
    data: pd.DataFrame,
    ax: Axes,
    regions: list[Shape],
    around: list[Shape],
    bounds: Array,
    dots: pd.DataFrame,
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
    dots : DataFrame
        Crossings with x, y and radius.
    """
    ax.axis("off")
    colours, norm = _palette(bounds)
    rows = data[data["kind"] == "region"].set_index("id")
    values, marked = rows["per_1000"].reindex([shape.id for shape in regions]), _marked(rows)
    known = np.isfinite(values.to_numpy(float))
    edge = {"edgecolors": QUIET, "linewidths": 0.25}
    paths = [shape.path for shape in regions]
    shown = np.minimum(values[known].to_numpy(float), bounds[-1] * (1 - 1e-9))
    imputed = [shape.path for shape in regions if shape.id in marked]
    for zorder, some, look in (
        (1, [shape.path for shape in around], {"facecolors": LAND, "edgecolors": "white"}),
        (2, list(compress(paths, known)), {"facecolors": colours(norm(shown)), **edge}),
        (2, list(compress(paths, ~known)), {"facecolors": "white", "hatch": "////", **edge}),
        (2.5, imputed, IMPUTED),
    ):
        if some:
            ax.add_collection(PathCollection(some, zorder=zorder, **look), autolim=False)
    ax.scatter(dots["x"], dots["y"], s=(2 * dots["radius"] / POINT) ** 2, zorder=4, **DOT)


def _marked(rows: pd.DataFrame) -> set[str]:
    """Return the regions of imputed input, if there are others to tell them from."""
    return set(rows.index[rows["imputed"] == True]) if not rows["imputed"].all() else set()  # noqa: E712


def _dots(data: pd.DataFrame, view: View = SHIPPED) -> pd.DataFrame:
    """Return the crossings that somebody entered by, largest first; x, y and radius of each dot."""
    rows = data[(data["kind"] == "crossing") & (data["entries"] > 0)]
    rows = rows.sort_values("entries", ascending=False, kind="stable")
    x, y = albers(rows["lon"].to_numpy(float), rows["lat"].to_numpy(float), view)
    return rows.assign(x=x, y=y, radius=radius(rows["entries"] / rows["entries"].max()))


def _draw_scale(sheet: Sheet, bounds: Array, top: float, room: float, theme: Theme) -> None:
    """Draw the colour bar as boxes of equal width, its bounds written below."""
    preset, scale = sheet.preset, sheet.preset.scale
    colours, _ = _palette(bounds)
    n = len(bounds) - 1
    lines = wrap(theme.heading, preset.small, max(room, 40.0))
    for row, line in enumerate(lines):
        sheet.text(4.5, top - 0.4 + row * 3.5 * scale, line, preset.small)
    step = min(room - 8.0 if room < 120 else room, n * 13.5) / n
    top += 0.1 + 3.5 * scale * len(lines)
    look: dict[str, Any] = {"transform": sheet.transform(4.5, top), "ec": QUIET, "lw": 0.4}
    for box in range(n):
        size = (step, 3.0 * scale)
        sheet.figure.add_artist(Rectangle((box * step, 0), *size, fc=colours(box), **look))
    below = top + 3.0 * scale + POINT
    digits = next(d for d in range(8) if np.allclose(bounds, np.round(bounds, d)) or d == 7)
    for place, bound in enumerate(bounds):
        text = f"{bound:.{digits}f}" if bound else "0"
        sheet.text(4.5 + place * step, below, text, preset.small, ha="center", color=QUIET)


def _draw_sizes(sheet: Sheet, data: pd.DataFrame, left: float, top: float) -> None:
    """Draw the key of the dots: what a small, a middle and a large one stand for."""
    most = data["entries"].max()
    if not most > 0:
        return
    preset, scale = sheet.preset, sheet.preset.scale
    sheet.text(left, top - 0.4, "Entries by crossing, whole period", preset.small)
    x, middle = left + 2.6, top + 3.0 * scale + 3.0
    for part in (1.0, 0.3, 0.05):
        n = rounded(most * part, 1)
        place = sheet.transform(x, middle)
        sheet.figure.add_artist(Circle((0, 0), radius(n / most), transform=place, **DOT))
        sheet.text(x + 3.4, middle, count(n), preset.small, va="center_baseline")
        x += 3.4 + text_width(count(n), preset.small) + 4.5


def radius(part: Any) -> Any:
    """Return the radius in mm of a dot that stands for a part of the most entries."""
    return LARGEST / 2 * np.sqrt(part)


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
    regions, text = data[data["kind"] == "region"], doubts(results.scenario, theme)
    if _marked(regions.set_index("id")):
        text = f"Hatched: {theme.unsure} imputed. {text}"
    thin = int((regions["left_simulated"] < ENOUGH).sum())
    if thin:
        rest = "rests" if thin == 1 else "rest"
        text += f" {plural(thin, 'region')} {rest} on fewer than {ENOUGH} simulated men."
    if any(place.lat is None for place in results.scenario.crossings.values()):
        text += " Entries by other ways (air, rail, third countries) are not on the map."
    whose = "Natural Earth" if results.scenario.outlines is None else "the scenario's own"
    return f"{text} Albers equal-area projection; outlines: {whose}."


def _alt(data: pd.DataFrame) -> list[str]:
    low, middle, high = (rate(n) for n in _known(data)["per_1000"].quantile([0.25, 0.5, 0.75]))
    text = f"Half of the regions have {low} to {high} per 1,000, the median region {middle}."
    dots = [f"{row['name']} {count(row['entries'])}" for row in records(_dots(data).head(5))]
    return [text, f"Crossings by entries: {'; '.join(dots)}."] if dots else [text]
