"""Outlines in the plane: an equal-area projection, and GeoJSON polygons as paths."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.path import Path

PARALLELS = (50.0, 66.0)
MERIDIAN = 95.0

Array = npt.NDArray[np.float64]


def albers(lon: Array, lat: Array) -> tuple[Array, Array]:
    """Project degrees to the plane: Albers equal-area conic, sphere of radius 1.

    Snyder (1987), Map Projections: A Working Manual, USGS Professional Paper 1395,
    equations 14-1 to 14-6, with the origin at the pole.
    """
    first, second = np.radians(PARALLELS)
    n = (np.sin(first) + np.sin(second)) / 2
    c = np.cos(first) ** 2 + 2 * n * np.sin(first)
    rho = np.sqrt(c - 2 * n * np.sin(np.radians(lat))) / n
    theta = n * np.radians(lon - MERIDIAN)
    return rho * np.sin(theta), -rho * np.cos(theta)


@dataclass(frozen=True)
class Shape:
    """An outline in the plane, and what it is the outline of."""

    id: str
    name: str
    path: Path
    centre: tuple[float, float]


def shapes(features: dict[str, Any]) -> list[Shape]:
    """Project the polygons of a GeoJSON feature collection."""
    return [_shape(feature) for feature in features["features"]]


def _shape(feature: dict[str, Any]) -> Shape:
    geometry = feature["geometry"]
    polygons = geometry["coordinates"]
    if geometry["type"] == "Polygon":
        polygons = [polygons]
    rings = [_projected(ring) for polygon in polygons for ring in polygon]
    codes = [[Path.MOVETO, *[Path.LINETO] * (len(ring) - 2), Path.CLOSEPOLY] for ring in rings]
    path = Path(np.vstack(rings), [code for ring in codes for code in ring])
    centre = max((_centroid(ring) for ring in rings), key=lambda found: found[2])
    properties = feature.get("properties", {})
    name = str(properties.get("name_en", properties.get("name", "")))
    return Shape(str(feature.get("id", name)), name, path, centre[:2])


def _projected(ring: Iterable[Sequence[float]]) -> Array:
    lon, lat = np.array([point[:2] for point in ring], dtype=float).T
    return np.column_stack(albers(lon, lat))


def _centroid(ring: Array) -> tuple[float, float, float]:
    (x, y), (u, v) = ring[:-1].T, ring[1:].T
    cross = x * v - u * y
    area = float(cross.sum()) / 2
    if area == 0:
        return float(x.mean()), float(y.mean()), 0.0
    ends = ((x + u) * cross).sum() / (6 * area), ((y + v) * cross).sum() / (6 * area)
    return float(ends[0]), float(ends[1]), abs(area)
