"""Pack what can be explored and write the page: one HTML file that fetches nothing.

The curves are packed as 16-bit numbers: mean, mean less low, high less mean, each by setting,
series and day, in steps of the series (``step``), plus one (0: no value), as differences from day
to day (the first from 0, modulo 65,536), all low bytes before all high bytes, by zlib, in base64.
"""

from __future__ import annotations

import json
import math
import warnings
import zlib
from base64 import b64encode
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from flowsim.figures.layout.published import published
from flowsim.figures.layout.timelines import PolicyBar, bars_of
from flowsim.findings import sweep as said
from flowsim.findings.account import records
from flowsim.findings.naming import SHARES, output_label
from flowsim.findings.published import COUNTERFACTUAL, LEGEND
from flowsim.findings.ranges import FEW
from flowsim.findings.words import capital, day, plural, whole, window, within
from flowsim.report.explorer.settings import Explored, Series, Setting
from flowsim.report.writers import environment, script, template
from flowsim.results.measures import reduction
from flowsim.scenario.clock import DAY

Values = npt.NDArray[np.float64]
TEMPLATE, SCRIPT, STYLE = "explore.html.j2", "explore.js", "explore.css"
HAPPENED = "happened"  # the role of published figures beside what did not happen
MOST_NAMED = 5
FINEST = 4_000  # steps from nothing to the greatest value of a series


def render(explored: Explored) -> bytes:
    """Return the page as UTF-8; the same results give the same bytes."""
    data, curves = packed(explored)
    roles = {mark["role"] for panel in data["panels"] for mark in panel["seen"]}
    page = (
        environment(TEMPLATE)
        .get_template(TEMPLATE)
        .render(
            explored=explored,
            panels=data["panels"],
            style=Markup(template(STYLE)),
            **script(SCRIPT),
            data=_base64(json.dumps(data, separators=(",", ":")).encode()),
            curves=_base64(curves),
            band=_band(explored),
            zero=_zero(explored),
            said=said,
            roles={role: text for role, text in LEGEND.items() if role in roles},
            published=COUNTERFACTUAL if HAPPENED in roles else said.PUBLISHED,
        )
    )
    return page.encode()


def packed(explored: Explored) -> tuple[dict[str, Any], bytes]:
    """Return what the page's script reads, and the curves as above."""
    own = explored.curves
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a day without any value: NaN is right
        mean = np.nanmean(own.values, axis=1)
        low, high = _ends(own.values)
        tops = [float(np.nanmax(high[:, n], initial=0.0)) for n in range(len(own.series))]
    steps = np.array([_step(top) for top in tops])
    whole_steps = [
        np.where(np.isnan(part), 0, np.rint(part / steps[:, None]) + 1).astype(np.uint16)
        for part in (mean, mean - low, high - mean)
    ]
    curves = np.diff(np.stack(whole_steps), axis=-1, prepend=np.uint16(0)).astype("<u2")
    bars: dict[str, int] = {}
    panels = [
        _panel(explored, series, float(step), top, bars)
        for series, step, top in zip(own.series, steps, tops, strict=True)
    ]
    data = {
        "days": [moment.strftime("%Y-%m-%d") for moment in own.days],
        "dayNames": [day(moment) for moment in own.days],
        "controls": [
            {"key": c.key, "texts": c.texts, "numbers": c.numbers, "scale": c.scale, "unit": c.unit}
            for c in explored.controls
        ],
        "settings": [setting.at for setting in explored.settings],
        "own": explored.own,
        "isGrid": explored.is_grid,
        "panels": panels,
        "bars": [json.loads(text) for text in bars],
        "lines": [setting.lines for setting in explored.settings],
        "names": [setting.name for setting in explored.settings],
        "commands": [setting.commands for setting in explored.settings],
    }
    return data, curves.ravel().view(np.uint8).reshape(-1, 2).T.tobytes()


def _base64(data: bytes) -> str:
    return b64encode(zlib.compress(data, 9)).decode()


def _ends(values: Values) -> tuple[Values, Values]:
    """Return the range over replications, (settings, series, days), as figures draw it."""
    if values.shape[1] <= FEW:
        return np.nanmin(values, axis=1), np.nanmax(values, axis=1)
    low, high = np.nanquantile(values, [0.05, 0.95], axis=1)
    return low, high


def _step(top: float) -> float:
    """Return the step of a series: a power of ten that a value is rounded to."""
    return 10.0 ** math.ceil(math.log10(top / FINEST)) if top > 0 else 1.0


def _panel(
    explored: Explored, series: Series, step: float, top: float, bars: dict[str, int]
) -> dict[str, Any]:
    """Return one panel: what it is called, published figures, and its bars by setting."""
    scenario, place = explored.scenario, series.place_id
    offset = series.offset(scenario)
    rows = records(published(scenario, series.measure, place, offset))
    seen = [_seen(row, explored.curves.days[0]) for row in rows]
    return {
        "title": _title(explored, series),
        "measure": series.measure,
        "place": place,
        "step": step,
        "top": max([top, *(mark["high"] for mark in seen)]),
        "hour": series.hour,
        "isShare": series.measure in SHARES,
        "seen": seen,
        "bars": [
            bars.setdefault(_bars(series, setting, explored.curves.days[0]), len(bars))
            for setting in explored.settings
        ],
    }


def _title(explored: Explored, series: Series) -> str:
    label = output_label(series.measure, series.place_id, explored.scenario)
    return capital(label) + " a day" * (reduction(series.measure) == "sum")


def _zero(explored: Explored) -> str:
    """Return which series are not drawn because they are 0 everywhere, if any."""
    names = [_title(explored, series) for series in explored.curves.zero]
    more = [f"{len(names) - MOST_NAMED} more"] if len(names) > MOST_NAMED else []
    return f"0 at every setting: {'; '.join(names[:MOST_NAMED] + more)}." if names else ""


def _seen(row: dict[str, Any], start: datetime) -> dict[str, Any]:
    value, low, high = (float(row[name]) for name in ("value", "low", "high"))
    return {
        "from": _days(row["start"], start),
        "to": _days(row["end"], start),
        "value": value,
        "low": low,
        "high": high,
        "role": row["role"],
        "meaning": LEGEND[row["role"]],
        "when": window(row["start"], row["end"]),
        "text": whole(value) + within(low, high, whole),
        "source": row["source_name"],
        "url": row["source_url"],
    }


def _bars(series: Series, setting: Setting, start: datetime) -> str:
    """Return the policies that touch a place, as JSON; none of the nation."""
    scenario, place = setting.scenario, series.place_id
    found: list[PolicyBar] = []
    if place in scenario.crossings:
        found = bars_of(scenario, scenario.crossings[place].destination, place)
    for name, country in scenario.destinations.items():
        if country.code == place:
            found = bars_of(scenario, name)
    rows = [
        {
            "label": bar.text,
            "from": _days(since, start),
            "to": None if until is None else _days(until, start),
        }
        for bar in found
        for since, until in bar.stretches
    ]
    return json.dumps(rows)


def _days(moment: datetime, start: datetime) -> float:
    return round((moment - start) / timedelta(seconds=DAY), 3)


def _band(explored: Explored) -> str:
    """Return what the shaded band is."""
    n = explored.curves.values.shape[1]
    if n < 2:
        return "One replication of each setting: no band."
    kind = "from the least to the greatest" if n <= FEW else "from the 5 % to the 95 % quantile"
    return (
        f"The line is the mean of {plural(n, 'replication')}; the band, and the brackets above it, "
        f"go {kind} of them: {explored.holds}."
    )
