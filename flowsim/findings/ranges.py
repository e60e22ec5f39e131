"""What a number over replications is worth: its range, and what such a range means."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np

from flowsim.findings.words import between, count
from flowsim.types import Floats

FEW = 20  # replications up to which the range is from the least to the greatest
SIMULATED = "Simulated, not counted. The numbers come from a model, and hold for its assumptions."
NO_DOUBT = ", no doubt about the parameters (--posterior 20 adds it)"
CHANCE_ALONE = "They show the play of chance alone; the doubt about the assumptions is larger."
LUMPY = 0.1  # sample below which single crossings hang on a few men

Middle = Literal["mean", "median"]


def ends(values: Floats) -> tuple[float, float]:
    """Return the range of values over replications: least and greatest, or 5 % and 95 %."""
    known = values[np.isfinite(values)]
    if len(known) == 0:
        return float("nan"), float("nan")
    if len(known) <= FEW:
        return float(known.min()), float(known.max())
    low, high = np.quantile(known, [0.05, 0.95])
    return float(low), float(high)


def ranged(
    values: Floats,
    write: Callable[[float], str] = count,
    middle: Middle = "mean",
) -> str:
    """Write the mean (or median) over replications, and its range if there are several.

    >>> ranged(np.array([11_920.0, 12_310.0]))
    '12,100 (11,900 to 12,300)'
    """
    known = values[np.isfinite(values)]
    if len(known) == 0:
        return "unknown"
    mean = write(float(getattr(np, middle)(known)))
    if len(values) < 2:
        return mean
    low, high = (write(end) for end in ends(values))
    return mean if low == mean == high else f"{mean} ({low} to {high})"


def doubted(drawn: Floats, own: Floats, write: Callable[[float], str] = count) -> str:
    """Write the median over draws of the parameters, the range of all doubt, that of chance.

    >>> doubted(np.array([8_000.0, 12_000.0, 20_000.0]), np.array([11_920.0, 12_310.0]))
    '12,000 (8,000 to 20,000; chance alone 11,900 to 12,300)'
    """
    known = drawn[np.isfinite(drawn)]
    if len(known) == 0:
        return ranged(own, write)
    chance = between(*ends(own), write)
    parts = [between(*ends(drawn), write), f"chance alone {chance}" if chance else ""]
    inside = "; ".join(part for part in parts if part)
    middle = write(float(np.median(known)))
    return f"{middle} ({inside})" if inside else middle


def doubt_in(replications: int, drawn: bool) -> str:
    """Return in a sentence which doubt the first number of a run holds."""
    if drawn:
        return "The first range holds all doubt that the calibration knows, the second chance."
    if replications < 2:
        return f"One replication: no range, no chance{NO_DOUBT}."
    return f"The range holds chance alone{NO_DOUBT}."


def what_points_show(replications: int, draws: int) -> str:
    """Return what ranges over the replications of a sweep's points hold.

    Parameters
    ----------
    draws : int
        Draws of the parameters that the replications take; 0 for none.
    """
    if replications < 2:
        return (
            "One replication of each point was run: what chance does is not known, and no doubt "
            "about the parameters is in any number."
        )
    if not draws:
        return f"Ranges over the replications hold chance alone{NO_DOUBT}."
    return (
        f"Ranges over the replications hold chance and the doubt of the calibration: {draws} draws "
        "of the parameters, the same at every point but for what the point sets itself. Doubt "
        "about what the calibration left fixed is in none of them."
    )


def what_ranges_are(replications: int, drawn: bool = False, paired: bool = False) -> str:
    """Return what the ranges in brackets mean, or why there are none.

    Parameters
    ----------
    drawn : bool
        Whether ranges over draws of the parameters stand beside those over replications.
    paired : bool
        Whether the numbers are differences between the same men in two scenarios.
    """
    if replications < 2:
        return (
            "One replication was run, so no number here has a range and no chance can be given; "
            "use --replications 20 before you quote any of them."
        )
    if paired and drawn:
        return (
            "Ranges in brackets hold nine tenths of the draws of the calibrated parameters, each "
            "with chance of its own: all doubt that the calibration knows; a change is their "
            "median. Chance alone, and all other numbers, are over "
            f"{replications} replications at the scenarios' own values. The same men, draws and "
            "values are in both scenarios. Doubt about the form of the model, and about what the "
            "calibration left fixed, is in neither."
        )
    if paired:
        return (
            f"Brackets are 95 % intervals of the mean over {replications} replications. Each "
            "compares the same men, with the same draws, in both scenarios, so that only the "
            f"policy differs. {CHANCE_ALONE}"
        )
    kind = "the least to the greatest" if replications <= FEW else "the 5 % to the 95 % quantile"
    if drawn:
        return (
            f"Numbers are medians over {replications} draws of the calibrated parameters, each "
            f"with chance of its own; ranges in brackets go from {kind} of them and hold chance "
            f"and parameters. Chance alone is the same range over {replications} replications at "
            "the scenario's own values. Doubt about the structure of the model, and about "
            "assumptions that the calibration left fixed, is in neither."
        )
    means = f"Numbers are means of {replications} replications"
    return f"{means}; ranges in brackets go from {kind} of them. {CHANCE_ALONE}"


def lumpy(sample: float) -> Iterator[str]:
    """Return what a small sample forbids."""
    if sample < LUMPY:
        yield (
            f"Only 1 man in {1 / sample:,.0f} was simulated, so a few men make the queue of a "
            f"crossing: quote no wait before you simulate 1 in {1 / LUMPY:.0f} (--sample "
            f"{LUMPY:g})."
        )
