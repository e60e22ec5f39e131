"""Queues on the map, hour by hour: outlines once, and a layer of dots for each hour."""

from __future__ import annotations

import html
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from flowsim.figures.layout.geography import Shape, albers, outlines_of, view_for
from flowsim.findings.words import count, short_day
from flowsim.results.run import Run

WIDTH = 900
MARGIN = 0.02  # around the crossings, in the plane of ``albers``
BIGGEST = 30.0  # radius of the longest queue
FRAME = (
    '<svg viewBox="0 0 {width} {height}" width="100%" role="img" aria-label="{about}">{inner}</svg>'
)


@dataclass(frozen=True)
class Hours:
    """The hourly queues of a run, ready to be drawn."""

    results: Run

    @cached_property
    def queues(self) -> pd.DataFrame:
        """Persons queueing, a row an hour, a column a crossing that is on the map."""
        rows = self.results.hours("queue_persons")
        table = rows.pivot_table("value", "time", "place_id", aggfunc="mean")
        return table[[key for key in self._places if key in table]]

    @cached_property
    def _places(self) -> dict[str, tuple[float, float]]:
        crossings = self.results.scenario.crossings.items()
        there = {k: c for k, c in crossings if c.lat is not None and c.lon is not None}
        x, y = albers(
            np.array([c.lon for c in there.values()], dtype=float),
            np.array([c.lat for c in there.values()], dtype=float),
            view_for(self.results.scenario),
        )
        return dict(zip(there, zip(x, y, strict=True), strict=True))

    @cached_property
    def _box(self) -> tuple[float, float, float, float]:
        x, y = zip(*self._places.values(), strict=True)
        return min(x) - MARGIN, max(x) + MARGIN, min(y) - MARGIN, max(y) + MARGIN

    @property
    def fullest(self) -> int:
        """The hour at which most persons queue."""
        return int(self.queues.sum(axis=1).to_numpy().argmax())

    @property
    def height(self) -> float:
        """Height of the map, in its own units."""
        west, east, south, north = self._box
        return round(WIDTH * (north - south) / (east - west))

    def _at(self, x: float, y: float) -> tuple[float, float]:
        west, east, _, north = self._box
        return (x - west) / (east - west) * WIDTH, (north - y) / (east - west) * WIDTH

    @cached_property
    def ground(self) -> str:
        """The outlines, as SVG."""
        regions, around, _ = outlines_of(self.results.scenario)
        inner = "".join(
            f'<path d="{self._outline(shape)}" fill="{colour}" stroke="#fff" stroke-width="0.7"/>'
            for colour, some in (("#e9e9e9", around), ("#d5dde3", regions))
            for shape in some
        )
        return self._framed(inner, "Outlines of regions and countries along the border")

    def _outline(self, shape: Shape) -> str:
        rings = (np.asarray(ring) for ring in shape.path.to_polygons(closed_only=False))
        points = ([self._at(*point) for point in ring.tolist()] for ring in rings)
        return "".join(f"M{'L'.join(f'{x:.1f} {y:.1f}' for x, y in ring)}Z" for ring in points)

    def layer(self, hour: int) -> str:
        """Return the dots of one hour, as SVG: area in proportion to the persons queueing."""
        row = self.queues.iloc[hour]
        most = max(float(self.queues.to_numpy().max()), 1.0)
        names = self.results.scenario.crossings
        dots = []
        for key, persons in row[row > 0].sort_values(ascending=False).items():
            x, y = self._at(*self._places[str(key)])
            title = html.escape(f"{names[str(key)].name}: {count(float(persons))} persons queueing")
            size = BIGGEST * (float(persons) / most) ** 0.5
            dots.append(
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}" fill="#0072B2" '
                f'fill-opacity="0.6" stroke="#222"><title>{title}</title></circle>'
            )
        return self._framed("".join(dots), self.words(hour))

    def words(self, hour: int) -> str:
        """Return moment, persons in all queues, and where most of them stand."""
        row, moment = self.queues.iloc[hour], self.queues.index[hour]
        where = ""
        if row.sum() > 0:
            longest = self.results.scenario.crossings[str(row.idxmax())].name
            where = f", most of them at {longest} ({count(float(row.max()))})"
        when = f"{short_day(moment)}, {moment:%H:%M} {self.results.scenario.home.clock}"
        return f"{when}: {count(float(row.sum()))} persons queueing{where}."

    def _framed(self, inner: str, about: str) -> str:
        return FRAME.format(width=WIDTH, height=self.height, about=html.escape(about), inner=inner)
