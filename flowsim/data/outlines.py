"""Outlines of regions and countries: GeoJSON, checked, as text without blanks."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from flowsim.data import own
from flowsim.errors import DataError, Problem

MOST = 400_000
MOST_POINTS = 50_000


def is_text(text: str) -> bool:
    """Whether a text is GeoJSON itself, not the name of a file."""
    return text.lstrip().startswith("{")


def read(path: str | os.PathLike[str]) -> str:
    """Read a GeoJSON file of polygons.

    Raises
    ------
    DataError
        If it is not what maps can draw.
    """
    name = os.fspath(path)
    raw = own.read_bytes(Path(name), "GeoJSON file")
    try:
        data = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError) as reason:
        why = str(reason).splitlines()[0][:100] if str(reason) else "it is nested too deep"
        raise DataError([Problem(name, "", f"is not GeoJSON: {why}")]) from None
    text = json.dumps(_checked(data, name), separators=(",", ":"), ensure_ascii=False)
    if len(text) > MOST:
        found = f"has {len(text):,} letters without blanks; expected at most {MOST:,}: simplify it"
        raise DataError([Problem(name, "", found)])
    return text


def parsed(text: str, where: str = "outlines") -> dict[str, Any]:
    """Return a GeoJSON text as a feature collection; DataError if it is none."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise DataError([Problem(where, "", "is not GeoJSON")]) from None
    return _checked(data, where)


def _checked(data: Any, where: str) -> dict[str, Any]:
    """Return the polygons of a feature collection with id and name, and nothing else."""
    features = data.get("features") if isinstance(data, dict) else None
    if not isinstance(features, list | tuple) or not features:
        raise DataError([Problem(where, "", "is no GeoJSON FeatureCollection with features")])
    made, problems, points = [], [], 0
    for number, feature in enumerate(features, 1):
        said, rings = _mistake(feature)
        if said:
            problems.append(Problem(where, f"feature {number}", said))
            continue
        points += rings
        properties = feature.get("properties") or {}
        name = str(properties.get("name_en") or properties.get("name") or "")
        geometry = {key: feature["geometry"][key] for key in ("type", "coordinates")}
        code = str(feature.get("id") or properties.get("id") or properties.get("code") or name)
        kept = {"type": "Feature", "id": code, "properties": {"name": name}, "geometry": geometry}
        made.append(kept)
    if points > MOST_POINTS:
        found = f"has {points:,} points; expected at most {MOST_POINTS:,}: simplify it"
        problems.append(Problem(where, "", found))
    if problems:
        raise DataError(problems)
    return {"type": "FeatureCollection", "features": made}


def _mistake(feature: Any) -> tuple[str, int]:
    """Return what is wrong with a feature, empty if nothing, and how many points it has."""
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind not in ("Polygon", "MultiPolygon"):
        return f"found {str(kind)[:40]!r}; expected a Polygon or MultiPolygon", 0
    polygons: Any = geometry.get("coordinates") if isinstance(geometry, dict) else None
    try:
        rings = [ring for one in ([polygons] if kind == "Polygon" else polygons) for ring in one]
        points = [(float(point[0]), float(point[1])) for ring in rings for point in ring]
    except (TypeError, ValueError, IndexError):
        return "its coordinates are not lists of [longitude, latitude]", 0
    if not rings or any(len(ring) < 4 or list(ring[0]) != list(ring[-1]) for ring in rings):
        return "a ring needs at least four points, the last the same as the first", 0
    if not all(-180 <= lon <= 360 and -90 <= lat <= 90 for lon, lat in points):
        return "found coordinates that are no degrees (longitude, then latitude)", 0
    return "", len(points)
