"""Predictions against figures that the fit did not see, beside naive guesses.

Predictions are runs of posterior draws, each with a chance of its own, with the error that
the published figure itself has. Naive guesses use only figures published before: yesterday's
value, a constant excess over ordinary traffic, an excess that decays.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
from scipy.special import ndtri

from flowsim.data.rows import Observation
from flowsim.types import Floats

ERRORS = {
    "entries": 0.07,
    "entries_men": 0.1,
    "exits": 0.07,
    "crossings_out": 0.07,
    "cars_cleared": 0.1,
    "queue_cars": 0.15,
    "queue_persons": 0.15,
    "wait_hours": 0.5,
}
"""Relative errors of published figures, as the README of the data suggests; else ``OTHER``."""
ERRORS_EACH = 99
OTHER = 0.1
FLOORS = {"queue_cars": 300.0, "queue_persons": 800.0, "wait_hours": 4.0}
"""On log(value + floor), so that an empty road can be compared."""
SUMS = ("entries", "entries_men", "exits", "crossings_out", "cars_cleared")
DAY = timedelta(days=1)
DECAY_DAYS = (3.0, 14.0)
"""What a naive guesser would believe of how long a rush lasts."""
GUESSES = ("yesterday", "constant_excess", "decay")


def aspect(figure: Observation, countries: Collection[str]) -> str:
    """Return what a figure tests: the total, its timing, or how it splits between places."""
    start, end = figure.window_start, figure.window_end
    if start is None or end is None:
        return "none"
    if end - start <= DAY:
        return "timing"
    return "total" if figure.place_id in countries else "split"


def with_error(figure: Observation, values: Floats) -> Floats:
    """Add the error that the published figure has to simulated values, never below 0.

    Each value is taken with errors spread evenly over their normal distribution, so that no
    chance but that of the runs is in a prediction. Shape (N x ``ERRORS_EACH``,).
    """
    floor = FLOORS.get(figure.model_measure, 0.0)
    error = ERRORS.get(figure.model_measure, OTHER)
    errors = error * ndtri((np.arange(ERRORS_EACH) + 0.5) / ERRORS_EACH)
    noisy = np.log(np.maximum(values, 1e-9) + floor)[:, None] + errors
    return np.asarray(np.maximum(0.0, np.exp(noisy) - floor)).ravel()


def crps(draws: Floats, published: float) -> float:
    """Return the continuous ranked probability score of draws (Gneiting and Raftery 2007).

    ``E|X - y| - E|X - X'| / 2``, in the figure's unit; 0 is perfect.
    """
    ordered = np.sort(draws)
    n = len(ordered)
    weights = 2 * np.arange(1, n + 1) - n - 1
    pairs = 2 * float((weights * ordered).sum()) / n**2
    return float(np.abs(ordered - published).mean() - pairs / 2)


def interval_score(low: float, high: float, published: float, share: float) -> float:
    """Return the interval score: width, and a penalty for what lies outside; 0 is perfect."""
    outside = max(0.0, low - published) + max(0.0, published - high)
    return high - low + 2 / (1 - share) * outside


def prediction_rows(
    figures: Sequence[Observation],
    runs: pd.DataFrame,
    share: float,
    countries: Collection[str],
) -> pd.DataFrame:
    """Return predictive median, interval and scores of each figure.

    Parameters
    ----------
    runs : DataFrame
        A column for each figure's id, a row for each run.
    share : float
        Of the interval, 0.9.
    countries : collection of str
        Their codes: a figure of one is a total, of a part a split.

    Returns
    -------
    DataFrame
        ``id``, ``role``, ``is_input``, ``aspect``, ``measure``, ``place_id``, ``published``,
        ``simulated`` (median), ``ratio``, ``sim_low``, ``sim_high`` (of the runs), ``low``,
        ``high`` (with the figure's error), ``covered``, ``crps``, ``interval_score``, ``ard``.
    """
    rows = []
    tail = (1 - share) / 2
    for figure in figures:
        values = runs[figure.id].to_numpy(dtype=np.float64)
        values = values[np.isfinite(values)]
        row: dict[str, Any] = {
            "id": figure.id,
            "role": figure.role,
            "is_input": figure.is_input,
            "aspect": aspect(figure, countries),
            "measure": figure.model_measure,
            "place_id": figure.place_id,
            "published": figure.value,
        }
        if len(values) == 0:
            rows.append(row)
            continue
        noisy = with_error(figure, values)
        low, high = np.quantile(noisy, [tail, 1 - tail])
        sim_low, median, sim_high = np.quantile(values, [tail, 0.5, 1 - tail])
        ratio = median / figure.value if figure.value else math.nan
        row |= {"simulated": median, "ratio": ratio, "sim_low": sim_low, "sim_high": sim_high}
        row |= {"low": low, "high": high}
        rows.append(row | _scores(noisy, (low, median, high), figure.value, share))
    return pd.DataFrame(rows)


def _scores(
    draws: Floats, quantiles: tuple[float, float, float], published: float, share: float
) -> dict[str, Any]:
    """Score a prediction, given by draws and its low, median and high, by what was published."""
    low, median, high = quantiles
    return {
        "covered": bool(low <= published <= high),
        "crps": crps(draws, published),
        "interval_score": interval_score(low, high, published, share),
        "ard": abs(median - published) / published if published else math.nan,
    }


# ------------------------------------------------------------------ naive guesses


def naive_rows(
    figures: Sequence[Observation],
    known: Sequence[Observation],
    ordinary: dict[str, float],
    share: float,
    seed: int,
) -> pd.DataFrame:
    """Return the naive guesses of figures, with intervals, from figures published before.

    Parameters
    ----------
    known : sequence of Observation
        Those that the fit saw; yesterday's value may also be of ``figures`` published before.
    ordinary : dict
        Ordinary entries a day by country code; the excess is over these, else over 0.

    Returns
    -------
    DataFrame
        ``id``, ``guess``, ``median``, ``low``, ``high``, ``covered``, ``crps``,
        ``interval_score``, ``ard``.
    """
    rows = []
    tail = (1 - share) / 2
    for figure in figures:
        series, published = history(figure, known), history(figure, (*known, *figures))
        if not series:
            continue
        base = ordinary.get(figure.place_id, 0.0) if figure.model_measure in SUMS else 0.0
        for name in GUESSES:
            rng = np.random.default_rng([seed, crc32(figure.id.encode()), GUESSES.index(name)])
            draws = _guess(name, figure, published if name == "yesterday" else series, base, rng)
            median, low, high = np.quantile(draws, [0.5, tail, 1 - tail])
            row = {"id": figure.id, "guess": name, "median": median, "low": low, "high": high}
            rows.append(row | _scores(draws, (low, median, high), figure.value, share))
    columns = ["id", "guess", "median", "low", "high", "covered", "crps", "interval_score", "ard"]
    return pd.DataFrame(rows, columns=columns)


def history(figure: Observation, known: Sequence[Observation]) -> list[tuple[datetime, float]]:
    """Return middle and daily level of earlier figures of the same measure and place."""
    out, begins = [], _window(figure)[0]
    for other in known:
        same = (other.model_measure, other.place_id) == (figure.model_measure, figure.place_id)
        if same and other.window_end is not None and other.window_end <= begins:
            start, end = _window(other)
            out.append((start + (end - start) / 2, other.value / _days(other)))
    return sorted(out)


def _window(figure: Observation) -> tuple[datetime, datetime]:
    assert figure.window_start is not None
    assert figure.window_end is not None
    return figure.window_start, figure.window_end


def _days(figure: Observation) -> float:
    """Return the days over which a figure was added up; 1 if it is a level or a daily mean."""
    start, end = _window(figure)
    is_sum = figure.model_measure in SUMS and not figure.per_day
    return max(1.0, (end - start) / DAY) if is_sum else 1.0


def _guess(
    name: str,
    figure: Observation,
    series: list[tuple[datetime, float]],
    base: float,
    rng: np.random.Generator,
) -> Floats:
    """Draw from a naive guess, shape (2000,)."""
    n, (start, end), (at, last) = 2000, _window(figure), series[-1]
    ahead = max((start + (end - start) / 2 - at) / DAY, 0.5)
    levels = np.array([level for _, level in series])
    changes = np.diff(np.log(np.maximum(levels, 1.0)))
    daily = float(np.std(changes)) if len(changes) > 1 else 0.2
    shock = rng.standard_normal(n) * daily * math.sqrt(ahead)
    if name == "yesterday":
        drawn = last * np.exp(shock)
    elif name == "constant_excess":
        rush = levels[levels > 1.2 * base] if base else levels
        excess = rush - base if len(rush) else levels - base
        wide = float(excess.std(ddof=1)) if len(excess) > 1 else 0.3 * float(abs(excess).mean())
        drawn = base + excess.mean() + wide * rng.standard_normal(n)
    else:
        days = rng.uniform(*DECAY_DAYS, n)
        drawn = base + max(last - base, 0.0) * np.exp(-ahead / days) * np.exp(shock)
    return np.asarray(np.maximum(0.0, drawn) * _days(figure))


def score_table(model: pd.DataFrame, naive: pd.DataFrame) -> pd.DataFrame:
    """Put scores together by aspect and by who predicts: coverage, widths, CRPS, ARD.

    CRPS and interval score are divided by the mean published value of the aspect, so that
    rows of different size can be read together.
    """
    known = model.dropna(subset=["simulated"])
    aspects = known.set_index("id")["aspect"]
    published = known.set_index("id")["published"]
    own = known.assign(guess="model")[[*naive.columns.drop("median")]]
    both = pd.concat([own, naive[own.columns]], ignore_index=True)
    both["aspect"], both["published"] = both["id"].map(aspects), both["id"].map(published)
    both["width"] = both["high"] - both["low"]
    rows: list[dict[str, Any]] = []
    for (which, guess), one in both.dropna(subset=["aspect"]).groupby(["aspect", "guess"]):
        size = max(float(one["published"].mean()), 1.0)
        rows.append(
            {
                "aspect": which,
                "who": guess,
                "figures": len(one),
                "covered": int(one["covered"].sum()),
                "mean_width": one["width"].mean(),
                "crps": one["crps"].mean() / size,
                "interval_score": one["interval_score"].mean() / size,
                "ard": one["ard"].mean(),
            }
        )
    order = ("model", *GUESSES)
    rows.sort(key=lambda row: (row["aspect"], order.index(row["who"])))
    return pd.DataFrame(rows)
