"""Outlines in the plane: an equal-area projection, and GeoJSON polygons as paths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.path import Path

from flowsim.scenario.schema import Scenario

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """From where a map is seen: standard parallels and middle meridian, degrees."""

    parallels: tuple[float, float] = (50.0, 66.0)
    meridian: float = 95.0


SHIPPED = View()


def view_for(scenario: Scenario) -> View:
    """Return the view of a scenario's maps.

    Of outlines of its own: parallels a sixth from either end, the middle meridian.
    """
    if scenario.outlines is None:
        return SHIPPED
    features = scenario.shapes.regions["features"]
    points = np.vstack([ring for one in features for ring in _rings(one)])
    west, south = points[:, :2].min(axis=0)
    east, north = points[:, :2].max(axis=0)
    low, high = south + (north - south) / 6, north - (north - south) / 6
    if abs(low + high) < 2:  # a cone round the equator would be a cylinder
        low, high = low + 1, high + 1
    return View((float(low), float(high)), float((west + east) / 2))


def albers(lon: Array, lat: Array, view: View = SHIPPED) -> tuple[Array, Array]:
    """Project degrees to the plane: Albers equal-area conic, sphere of radius 1.

    Snyder (1987), Map Projections: A Working Manual, USGS Professional Paper 1395,
    equations 14-1 to 14-6, with the origin at the pole.
    """
    first, second = np.radians(view.parallels)
    n = (np.sin(first) + np.sin(second)) / 2
    c = np.cos(first) ** 2 + 2 * n * np.sin(first)
    rho = np.sqrt(c - 2 * n * np.sin(np.radians(lat))) / n
    theta = n * np.radians(lon - view.meridian)
    return rho * np.sin(theta), -rho * np.cos(theta)


@dataclass(frozen=True)
class Shape:
    """An outline in the plane, and what it is the outline of."""

    id: str
    name: str
    path: Path
    centre: tuple[float, float]


def outlines_of(scenario: Scenario) -> tuple[list[Shape], list[Shape], View]:
    """Return the regions of a scenario and the countries around, and the view of both."""
    view, found = view_for(scenario), scenario.shapes
    return shapes(found.regions, view), shapes(found.neighbours, view), view


def shapes(features: dict[str, Any], view: View = SHIPPED) -> list[Shape]:
    """Project the polygons of a GeoJSON feature collection."""
    return [_shape(feature, view) for feature in features["features"]]


def _rings(feature: dict[str, Any]) -> list[Any]:
    geometry = feature["geometry"]
    polygons = geometry["coordinates"]
    if geometry["type"] == "Polygon":
        polygons = [polygons]
    return [[point[:2] for point in ring] for polygon in polygons for ring in polygon]


def _shape(feature: dict[str, Any], view: View) -> Shape:
    corners = [np.array(ring, dtype=float).T for ring in _rings(feature)]
    rings = [np.column_stack(albers(lon, lat, view)) for lon, lat in corners]
    codes = [[Path.MOVETO, *[Path.LINETO] * (len(ring) - 2), Path.CLOSEPOLY] for ring in rings]
    path = Path(np.vstack(rings), [code for ring in codes for code in ring])
    centre = max((_centroid(ring) for ring in rings), key=lambda found: found[2])
    properties = feature.get("properties", {})
    name = str(properties.get("name_en", properties.get("name", "")))
    return Shape(str(feature.get("id", name)), name, path, centre[:2])


def _centroid(ring: Array) -> tuple[float, float, float]:
    (x, y), (u, v) = ring[:-1].T, ring[1:].T
    cross = x * v - u * y
    area = float(cross.sum()) / 2
    if area == 0:
        return float(x.mean()), float(y.mean()), 0.0
    ends = ((x + u) * cross).sum() / (6 * area), ((y + v) * cross).sum() / (6 * area)
    return float(ends[0]), float(ends[1]), abs(area)
