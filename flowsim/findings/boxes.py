"""What leads to an outcome of a sweep, in words."""

from __future__ import annotations

from flowsim.findings.finding import Finding, Table
from flowsim.findings.sweep import label_of, labels_of
from flowsim.findings.words import capital, exact, listed, plural, quantity, share
from flowsim.results.sweep import SweepResults
from flowsim.sweep.boxes import Discovery, Limit

MOST = 8  # boxes of the way that are shown
CAUTION = (
    "Shares of points, not probabilities: they depend on the ranges that the sweep tries. A limit "
    "is a description of these runs, not a cause."
)


def finding(
    swept: SweepResults, found: Discovery, *, above: float | None = None, below: float | None = None
) -> Finding:
    """Return what leads to an output above or below a value, with the boxes on the way."""
    case = f"above {exact(above)}" if above is not None else f"below {exact(below or 0.0)}"
    what = f"{label_of(swept, found.output, found.place)} {case}"
    said = (summary(swept, found, what), CAUTION)
    return Finding("boxes", f"What leads to {what}", said, (_path(found),))


def summary(swept: SweepResults, found: Discovery, what: str) -> str:
    """Return how often an outcome came, and where in the space of the parameters it did."""
    often = (
        f"{capital(what)}: at {quantity(found.cases)} of {plural(found.points, 'point')} "
        f"({share(found.share)})."
    )
    box = found.box
    if not box.limits:
        return f"{often} No range of a parameter leads to it more often than chance would have it."
    labels = labels_of(swept)
    where = listed([f"{labels.get(name, name)} {span(box.limits[name])}" for name in box.limits])
    return (
        f"{often} {capital(share(box.coverage))} of these have {where} (coverage); of the "
        f"{plural(box.support, 'point')} that have, it came at {share(box.density)} (density)."
    )


def span(of: Limit) -> str:
    """Return a limit in words."""
    if of.among:
        return " or ".join(map(str, of.among))
    if of.low is None:
        return f"below {exact(of.high or 0.0)}"
    if of.high is None:
        return f"above {exact(of.low)}"
    return f"between {exact(of.low)} and {exact(of.high)}"


def _path(found: Discovery) -> Table:
    """Return the boxes on the way, from all points to the smallest box, some of them."""
    step = max(1, len(found.path) // MOST)
    rows = [
        (share(box.coverage), share(box.density), f"{box.support:,}", f"{len(box.limits)}")
        for box in found.path[::step]
    ]
    header = ("coverage", "density", "points", "parameters bounded")
    return Table(
        "The larger the box, the more it holds and the less it says", header, tuple(rows), "rrrr"
    )
