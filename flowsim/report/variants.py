"""The same scenario under what the data do not tell: other lambdas, other lengths of stay.

A run knows one lambda only. The others are simulated here with a small sample, every variant
from the same men, so that they can be set beside each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flowsim.findings.account import Account
from flowsim.findings.words import plural, sampled
from flowsim.scenario.lambdas import VALUES, with_lambda
from flowsim.scenario.schema import Scenario

SAMPLE = 0.01
REPLICATIONS = 3


@dataclass(frozen=True)
class Variants:
    """What was simulated beside a run.

    Attributes
    ----------
    lambdas : dict
        By value of lambda, the scenario's own among them.
    stays : dict
        By a few words: the least and the most that may move on to a third country.
    """

    sample: float
    replications: int
    own: float
    lambdas: dict[float, Account]
    stays: dict[str, Account]

    @property
    def words(self) -> str:
        """With how many men and replications they were simulated."""
        return f"{sampled(self.sample)}, {plural(self.replications, 'replication')}"

    @property
    def assumptions(self) -> dict[str, Account]:
        """All of them by what each assumes."""
        lambdas = {
            f"lambda {value:g}" + (", as assumed" if value == self.own else ""): account
            for value, account in self.lambdas.items()
        }
        return lambdas | self.stays


def simulated(
    scenario: Scenario, replications: int, announce: Callable[[str], None] = lambda _: None
) -> Variants:
    """Simulate a scenario's variants with a small sample.

    Parameters
    ----------
    replications : int
        Of the run beside which they stand; at most three are made.
    """
    n, sample = min(REPLICATIONS, replications), min(SAMPLE, scenario.sample)
    small = scenario.model_copy(update={"sample": sample})
    own = scenario.choice.lambda_.value
    announce(f"simulating what the data leave open, with {100 * sample:g} % of the men")
    lambdas = {value: account_of(with_lambda(small, value), n) for value in sorted({*VALUES, own})}
    stays = {words: account_of(other, n) for words, other in with_stays(small).items()}
    return Variants(sample, n, own, lambdas, stays)


def with_stays(scenario: Scenario) -> dict[str, Scenario]:
    """Return a scenario with the least and the most that the bounds let move on."""
    bounds = {
        name: stay.move_on.free for name, stay in scenario.abroad.items() if stay.move_on.free
    }
    if not bounds:
        return {}
    found = {}
    for end, words in ((0, "fewest move on"), (1, "most move on")):
        abroad = dict(scenario.abroad)
        for name, free in bounds.items():
            move_on = abroad[name].move_on.model_copy(update={"value": free[end]})
            abroad[name] = abroad[name].model_copy(update={"move_on": move_on})
        rates = sorted({free[end] for free in bounds.values()})
        label = f"{words} ({' or '.join(f'{rate:.3g}' for rate in rates)} a day)"
        found[label] = scenario.model_copy(update={"abroad": abroad})
    return found


def account_of(scenario: Scenario, replications: int) -> Account:
    """Simulate a scenario in memory."""
    from flowsim.experiments.simulate import tables  # a report with ``quick`` does without Mesa

    return Account(scenario, *tables(scenario, replications))
