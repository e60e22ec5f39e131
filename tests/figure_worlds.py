"""Made-up results for the tests of figures, and what it means that a figure can be read."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from flowsim import figures
from flowsim.data import sources
from flowsim.figures.layout import style
from flowsim.figures.layout.sheet import Drawn
from flowsim.results.run import Run
from flowsim.scenario import load, resolved_yaml
from flowsim.scenario.quantity import AGE_BANDS
from flowsim.scenario.schema import Scenario

# ---- made-up results of the right shape and size -------------------------------------------


def scenario(change: Callable[[dict[str, Any]], Any] = dict) -> Scenario:
    """Read the baseline and change its mapping."""
    raw = load("september-2022").model_dump(by_alias=True)
    change(raw)
    return Scenario.model_validate(raw)


def surge(days: np.ndarray, at: float, rise: float, fall: float) -> np.ndarray:
    """Give a rise and fall around a day, 1 at its peak."""
    return np.where(days < at, np.exp(-((days - at) ** 2) / rise), np.exp(-(days - at) / fall))


def results(
    given: Scenario, replications: int = 1, size: float = 1.0, simulated: float = 1.0
) -> Run:
    """Make up tables: ``size`` scales the surge, ``simulated`` the men behind a weighted man."""
    rng = np.random.default_rng(5)
    daily, hourly, outcomes = [], [], []
    for replication in range(replications):
        noise = 1 + 0.05 * rng.standard_normal() * (replications > 1)
        daily.append(_daily(given, size * noise).assign(replication=replication))
        hourly.append(_hourly(given, size * noise).assign(replication=replication))
        outcomes.append(_outcomes(given, size * noise, simulated).assign(replication=replication))
    tables = [
        pd.concat(t, ignore_index=True).assign(scenario=given.name)
        for t in (daily, hourly, outcomes)
    ]
    return made_up(given, *tables)


def made_up(
    given: Scenario, daily: pd.DataFrame, hourly: pd.DataFrame, outcomes: pd.DataFrame
) -> Run:
    """Put tables into a run that was never made."""
    known = {"scenarios": (given,), "daily": daily, "hourly": hourly, "outcomes": outcomes}
    return Run({"versions": {"flowsim": "9.9"}}, known=known)


def _daily(given: Scenario, size: float) -> pd.DataFrame:
    dates = pd.date_range(given.horizon.start, given.horizon.end - timedelta(days=1))
    t = np.arange(len(dates), dtype=float)
    rows = []
    for n, place in enumerate(given.destinations.values()):
        extra = (5000, 15500, 2500, 900)[n % 4] * surge(t, 8.5 + 3.5 * (n % 2), 12, 4) * size
        ordinary = place.background.value * np.where(t > 14, 0.85, 1)
        entries = ordinary + extra
        stock = 0.9 * np.cumsum(extra) * np.exp(-0.012 * t)
        rows.append(_long(dates, "destination", place.code, "entries", entries))
        rows.append(_long(dates, "destination", place.code, "stock_men", stock))
        rows.append(_long(dates, "destination", place.code, "stock_persons", 1.2 * stock))
    for key, crossing in given.crossings.items():
        weight = crossing.size_weight.value
        peak = surge(t, 11, 15, 3) * weight * size
        rows.append(_long(dates, "crossing", key, "entries", 9000 * weight + 9000 * peak))
        rows.append(_long(dates, "crossing", key, "queue_persons", 14000 * peak))
        waits = np.where(peak > 0.001, 60 * peak / 0.72, np.nan)
        rows.append(_long(dates, "crossing", key, "wait_hours", waits))
        rows.append(_long(dates, "crossing", key, "wait_hours_p90", 1.4 * waits))
    facts = sources.regions()
    for code, men in zip(facts.code, facts.men.sum(axis=1), strict=True):
        called = 0.008 * men * (1 - np.exp(-t / 12))
        rows.append(_long(dates, "region", code, "called_up", called))
    return pd.concat(rows, ignore_index=True)


def _hourly(given: Scenario, size: float) -> pd.DataFrame:
    times = pd.date_range(given.horizon.start, given.horizon.end, freq="h", inclusive="left")
    t = np.arange(len(times)) / 24
    rows = []
    for key, crossing in list(given.crossings.items())[:9]:
        weight = crossing.size_weight.value * (1 if crossing.destination == "georgia" else 8)
        peak = surge(t, 10.5 + 2 * (weight % 0.3), 12, 3) * weight * size / 0.72
        waits = np.where(peak > 0.01, 62 * peak, np.nan)
        waits[::7] = np.nan
        for measure, values in (
            ("queue_persons", 14000 * peak),
            ("queue_cars", 4000 * peak),
            ("wait_hours", waits),
        ):
            table = _long(times, "crossing", key, measure, values)
            rows.append(table.rename(columns={"date": "time"}))
    return pd.concat(rows, ignore_index=True)


def _long(dates: Any, kind: str, key: str, measure: str, values: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {"date": dates, "place_kind": kind, "place_id": key, "measure": measure, "value": values}
    )


def _outcomes(given: Scenario, size: float, simulated: float) -> pd.DataFrame:
    facts = sources.regions()
    men = facts.men.sum(axis=1)
    names = list(given.destinations)
    parts: list[tuple[bool, str, str, float]] = []
    for n, name in enumerate(names):
        share = (46, 92, 20, 6)[n % 4] / 150 * 0.0038 * size
        needed = given.destinations[name].requires_passport
        for passport in [True] if needed else [True, False]:
            own = share if needed else share / 2
            parts += [
                (passport, f"abroad-{name}", name, 0.66 * own),
                (passport, "moved-on", name, 0.13 * own),
                (passport, "returned", name, 0.08 * own),
                (passport, "turned-back", name, 0.012 * own),
                (passport, "limited", name, 0.03 * own),
                (passport, "gave-up", name, 0.05 * own),
                (passport, "queueing", name, 0.001 * own),
                (passport, "on-the-road", name, 0.0005 * own),
                (passport, "enlisted", name, 0.0004 * own),
            ]
        if needed:
            parts.append((False, f"wants-{name}", "", 1.4 * share))
    parts += [(False, "enlisted", "", 0.0068), (False, "hiding", "", 0.0008)]
    parts += [(True, "home", "", 0.29), (False, "home", "", 0.69)]
    rows = []
    tilt = (facts.passport_share / 0.3) ** 1.3
    for r, code in enumerate(facts.code):
        for passport, status, destination, share in parts:
            tilted = share if status in ("home", "enlisted", "hiding") else share * tilt[r]
            rows.append((code, passport, status, destination, men[r] * tilted))
    table = pd.DataFrame(rows, columns=["region", "passport", "status", "destination", "men"])
    n = len(table)
    ages, educated = np.resize(AGE_BANDS, n), np.resize([True, False, False], n)
    table = table.assign(age=ages, educated=educated, liable=np.resize([True, False], n))
    reasons = {"turned-back": "list", "limited": "limit", "gave-up": "patience"}
    stays = table["status"].str.startswith("wants-")
    reason = table["status"].map(reasons).fillna("none").mask(stays, "document:passport")
    return table.assign(reason=reason, men_simulated=table["men"] * simulated)


PAGE = style.PRESETS["page"]


def drawn(name: str, given: Any, preset: style.Preset = PAGE) -> Drawn:
    """Draw one figure as ``draw_all`` does."""
    draw_figure, _ = figures.families()[name].functions()
    with style.in_style():
        found: Drawn = draw_figure(given, preset)
    return found


def texts(figure: Figure) -> list[Text]:
    """Give the texts that are drawn, and not those that matplotlib only keeps."""
    found: list[Text] = []
    draw = Text.draw
    with pytest.MonkeyPatch.context() as patch, style.in_style():
        patch.setattr(Text, "draw", lambda text, *rest: (found.append(text), draw(text, *rest)))
        figure.draw_without_rendering()
    return [text for text in found if text.get_text() and text.get_visible()]


def assert_legible(figure: Figure) -> None:
    """No text under 6 pt at the printed size, none outside the figure, none on another."""
    boxes = []
    for text in texts(figure):
        box = text.get_window_extent()
        assert text.get_fontsize() >= 6, text.get_text()
        assert min(box.x0, box.y0) >= 0, text.get_text()
        assert box.x1 <= figure.bbox.x1, text.get_text()
        assert box.y1 <= figure.bbox.y1, text.get_text()
        boxes.append((text.get_text(), box))
    for (one, a), (two, b) in itertools.combinations(boxes, 2):
        apart = a.x1 <= b.x0 or b.x1 <= a.x0 or a.y1 - 2 <= b.y0 or b.y1 - 2 <= a.y0
        assert apart, f"{one!r} lies on {two!r}"


def more_destinations(raw: dict[str, Any]) -> None:
    """Add Finland and Mongolia with a crossing each."""
    for name, code, lat, lon in (("finland", "FI", 60.6, 28.6), ("mongolia", "MN", 50.4, 106.5)):
        raw["destinations"][name] = raw["destinations"]["georgia"] | {
            "code": code,
            "name": name.title(),
        }
        raw["choice"]["constant"][name] = raw["choice"]["constant"]["georgia"]
        raw["abroad"][name] = raw["abroad"]["georgia"]
        raw["crossings"][f"{code}-1"] = raw["crossings"]["KZ-ILEK"] | {
            "destination": name,
            "name": f"Post of {name}",
            "lat": lat,
            "lon": lon,
        }


def awkward(raw: dict[str, Any]) -> None:
    """Give names that trouble mathematics, XML, layout and fonts, and a crowd of policies."""
    raw["title"] = "$x^2 & <script>alert(1)</script> -- \u4e16\u754c \U0001f600 {0} %s \\frac " * 3
    raw["destinations"]["georgia"]["name"] = "$\\alpha_$ <b>&amp; a very long name indeed of a land"
    raw["crossings"]["GE-LARS"]["name"] = "Lars $$ -- " + "wide " * 30
    for n in range(14):
        raw["policies"][f"p{n}"] = {
            "kind": "border-closed",
            "at": "KZ-ILEK",
            "for": "men",
            "from": f"2022-10-{n + 1:02d}",
            "to": f"2022-10-{n + 2:02d}",
        }


def write_manifest(path: Path, replications: int = 1) -> None:
    """Write the manifest of a folder as a run does: versions, and a hash of every file."""
    hashes = {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(path.iterdir())
        if file.suffix in (".yaml", ".parquet")
    }
    manifest = {"versions": {"flowsim": "9.9"}, "tables": hashes, "complete": True}
    manifest |= {"replications": replications}
    (path / "manifest.json").write_text(json.dumps(manifest))


def write_folder(path: Path, given: Run) -> None:
    """Write a results folder as a run leaves it."""
    (path / "scenario.yaml").write_text(resolved_yaml(given.scenario), encoding="utf-8")
    for name in ("daily", "hourly", "outcomes"):
        table = getattr(given, name)
        text = table.select_dtypes(exclude=["number", "datetime", "bool"]).columns
        table.astype(dict.fromkeys(text, "category")).to_parquet(path / f"{name}.parquet")
    write_manifest(path, given.n_replications)
