"""What a comparison says: each pair, the policies that coincide, other values of lambda."""

from __future__ import annotations

from flowsim.findings import coinciding, lambdas
from flowsim.findings.finding import Finding, as_text, wrapped
from flowsim.findings.pairs import by_lambda, example, first, pairs
from flowsim.findings.ranges import SIMULATED, what_ranges_are
from flowsim.findings.words import listed, plural, sampled
from flowsim.results.comparison import Comparison


def summary(found: Comparison) -> str:
    """Return what a comparison says, as a terminal shows it."""
    head = (
        f"The same men in {listed(found.names)}: {sampled(found.manifest['sample'])}, seed "
        f"{found.manifest['seed']}, {plural(found.replications, 'replication')}."
    )
    blocks = [wrapped(head, "")]
    for pair in pairs(found):
        blocks += [as_text([first(pair, "pair")]), example(pair)]
    return "\n".join([*blocks, as_text(part for part in _rest(found) if part.sentences)])


def answers(found: Comparison) -> list[Finding]:
    """Return the findings that a terminal shows; the keys of pairs name both scenarios."""
    return [*(first(p, f"{p.b.name}-against-{p.a.name}") for p in pairs(found)), *_rest(found)]


def _rest(found: Comparison) -> list[Finding]:
    sure = Finding("sure", "How sure this is", (caution(found),))
    return [coinciding.finding(found.shapley), under_lambdas(found), sure]


def caution(found: Comparison) -> str:
    """Return what must be known before a difference is quoted."""
    drawn = bool(found.manifest.get("draws"))
    return f"{SIMULATED} {what_ranges_are(found.replications, drawn, paired=True)}"


def under_lambdas(found: Comparison, simulated: str = "") -> Finding:
    """Return the differences under other values of lambda; nothing if there are none.

    Parameters
    ----------
    simulated : str
        With how many men and replications, if not with those of the comparison.
    """
    if found.lambdas.empty:
        return Finding("lambda", lambdas.TITLE)
    how = simulated or "the men and replications of this comparison"
    tables = tuple(by_lambda(found.lambdas, pair, how) for pair in pairs(found))
    return Finding("lambda", lambdas.TITLE, (lambdas.ABOUT,), tables)
