"""What must not be concluded: in every result, and in this scenario."""

from __future__ import annotations

from collections.abc import Sequence

from flowsim.findings.finding import Finding
from flowsim.findings.words import listed
from flowsim.scenario.schema import Scenario

TITLE = "What the data cannot tell"
ABOUT = (
    "A range over replications says how much chance moves a number. It does not say how far "
    "the model is from the world. What the data leave open:"
)
TOTAL = (
    "The total is of men of military age and of these destinations only. It must never be set "
    "against the 260,000 that were reported for all exits of all people to all countries, nor the "
    "difference be called unexplained."
)
COINCIDENCE = (
    "After 28 September the entry limit, draft points, the end of the foot lane and fading panic "
    "fall together. A single run cannot tell which of them did what; compare runs with and without "
    "each (flowsim compare)."
)
DIVERSION = (
    "How many would have gone elsewhere had one road been shut is assumed, through lambda: entry "
    "counts do not identify it."
)
ALWAYS = (
    "Nothing here is a person's data. The men are synthetic; no row describes a living man, and "
    "nothing may be read from it about one.",
    TOTAL,
    "Entries are not people who fled. Published counts are crossings by both sexes and all ages, "
    "ordinary traffic included; for Kazakhstan the doubt about ordinary traffic (9,000 to 12,000 a "
    "day) outweighs everything else.",
    "Entries into Georgia measure what the road can carry, the queue measures demand: a flat "
    "number of entries does not mean that fewer wanted to leave.",
    "Agreement with an input is not evidence. Capacities at Verkhny Lars, the pace of the call-up "
    "and the share served a notice are set from published figures.",
    COINCIDENCE,
    DIVERSION,
    "Exits published before October are ordinary traffic above all, so stocks abroad, moving on "
    "and return are weakly known.",
    "Regional figures of the call-up and of passports are estimates of low trust, mostly imputed: "
    "do not publish a ranking of single regions as a finding.",
    "One episode, with numbers fitted to it, is explained here. That is not a forecast of the "
    "next.",
)


def finding(scenarios: Sequence[Scenario], extra: Sequence[str] = ()) -> Finding:
    """Return the limits of what results say.

    Parameters
    ----------
    scenarios : sequence of Scenario
        All that were simulated.
    extra : sequence of str
        What these results cannot show, put first.
    """
    own = dict.fromkeys(line for scenario in scenarios for line in _of(scenario))
    return Finding("limits", TITLE, (*extra, *own, *ALWAYS))


def in_short() -> Finding:
    """Return the gravest limits, for a terminal."""
    return Finding("limits", TITLE, (TOTAL, COINCIDENCE, DIVERSION))


def _of(scenario: Scenario) -> list[str]:
    """Return what the policies of a scenario rest on."""
    names: dict[str, list[str]] = {}
    for name, policy in scenario.policies.items():
        if policy.caveat:
            names.setdefault(policy.caveat, []).append(name)
    return [caveat.format(names=listed(those)) for caveat, those in names.items()]
