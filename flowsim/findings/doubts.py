"""What must not be concluded: in every result, and in this scenario."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flowsim.findings.finding import Finding, Table, tabulated
from flowsim.findings.words import capital, listed
from flowsim.scenario.schema import Scenario

TITLE = "What the data cannot tell"
DIVERSION = (
    "How many would have gone elsewhere had one road been shut is assumed, through lambda: entry "
    "counts do not identify it."
)
IF_LAMBDA = "If substitution is weaker or stronger"
OF_LAMBDA = (
    "Lambda says how alike the destinations are to a man who wants to leave: near 0 he who cannot "
    "go to one goes to the other, at 1 he would as soon stay. Published entries do not identify "
    "it, so flowsim assumes 0.6 and shows three values. The other numbers that were fitted are "
    "fitted again with each lambda, so the columns differ in more than lambda. Numbers that move "
    "across this table rest on an assumption; they are not findings."
)
ALWAYS = (
    "Nothing here is a person's data. The men are synthetic; no row describes a living man, and "
    "nothing may be read from it about one.",
    DIVERSION,
)
OF_THE_EPISODE = (
    "Regional figures of the call-up and of passports are estimates of low trust, mostly imputed: "
    "do not publish a ranking of single regions as a finding.",
    "One episode, with numbers fitted to it, is explained here. That is not a forecast of the "
    "next.",
)
OF_OTHERS = (
    "Regions, figures and numbers are the scenario's own; what they were collected by is not known "
    "here, and nothing is a forecast.",
)


def finding(
    scenarios: Sequence[Scenario], extra: Sequence[str] = (), known: Sequence[str] = ()
) -> Finding:
    """Return the limits of what results say.

    Parameters
    ----------
    scenarios : sequence of Scenario
        All that were simulated.
    extra : sequence of str
        What these results cannot show, put first.
    known : sequence of str
        What the reader has been told before.
    """
    own = [line for scenario in scenarios for line in (*_of(scenario), *_together(scenario))]
    cautions = [line for scenario in scenarios for line in scenario.cautions]
    shipped = any(scenario.nation is None for scenario in scenarios)
    general = (*ALWAYS, *(OF_THE_EPISODE if shipped else OF_OTHERS))
    every = dict.fromkeys((*extra, *own, *cautions, *general))
    return Finding("limits", TITLE, tuple(words for words in every if words not in known))


def in_short(scenario: Scenario) -> Finding:
    """Return the gravest limits, for a terminal."""
    return Finding("limits", TITLE, (*scenario.cautions[:1], *_together(scenario), DIVERSION))


def _together(scenario: Scenario) -> list[str]:
    """Return that policies of a scenario fall together in time, if they do."""
    named = scenario.coincidence.policies.items() if scenario.coincidence is not None else ()
    those = [f"the {words}" for name, words in named if name in scenario.policies]
    if len(those) < 2:
        return []
    return [
        f"{capital(listed(those))} fall together in time. A single run cannot tell which of them "
        "did what; compare runs with and without each (flowsim compare)."
    ]


def _of(scenario: Scenario) -> list[str]:
    """Return what the policies of a scenario rest on."""
    names: dict[str, list[str]] = {}
    for name, policy in scenario.policies.items():
        if policy.caveat:
            names.setdefault(policy.caveat, []).append(name)
    return [caveat.format(names=listed(those)) for caveat, those in names.items()]


def by_lambda(
    caption: str, what: str, values: Sequence[str], rows: Iterable[tuple[str, ...]]
) -> Table:
    """Return a table with a column for each lambda."""
    return tabulated(caption, (f"{what} 1.7", *(f">Lambda {v} 1.5" for v in values)), rows)
