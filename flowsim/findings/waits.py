"""How long people waited at which crossing, and what was published there."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from flowsim.findings.account import Account
from flowsim.findings.published import contradicted
from flowsim.findings.words import rate

LUMPY = 0.1  # sample below which single crossings hang on a few men
PERSONS, SIMULATED = 100, 5  # who must have reached the head for a day to count
MOST = 4  # crossings named
LANES = {"cars": ("by car", "cars"), "on_foot": ("on foot", "persons")}


def sentences(account: Account) -> Iterator[str]:
    """Return where and when the wait was longest, with what was published otherwise."""
    roads = [n for n, crossing in account.scenario.crossings.items() if crossing.kind == "road"]
    longest = {name: float(hours(account.most, name).median(axis=1).max()) for name in roads}
    order = sorted((n for n in roads if longest[n] >= 1), key=lambda n: -longest[n])[:MOST]
    several = len(account.most.replications) > 1
    yield from lumpy(account.scenario.sample)
    spent = [f"at {_name(account, name)}, {_longest(account, name)}" for name in order]
    if order:
        yield f"The wait was longest {spent[0]}; {_queue(account, order[0])}."
    if order[1:]:
        yield f"It was next longest {'; '.join(spent[1:])}."
    if order:
        yield (
            "A wait is that of those who reached the head of the queue that day, in the mean"
            + (f"; numbers are medians over the {account.repeated}, " * several)
            + ("no queue counted as 0." if several else ".")
        )
    against = [words for name in order for words in contradicted(account, name)]
    if against:
        yield f"Published figures contradict some of these waits: {'; '.join(against)}."
    yield from (lanes(account, name) for name in roads if _has_walkers(account, name))


def lumpy(sample: float) -> Iterator[str]:
    """Return what a small sample forbids."""
    if sample < LUMPY:
        yield (
            f"Only 1 man in {1 / sample:,.0f} was simulated, so a few men make the queue of a "
            f"crossing: quote no wait before you simulate 1 in {1 / LUMPY:.0f} (--sample "
            f"{LUMPY:g})."
        )


def hours(account: Account, crossing: str, lane: str = "") -> pd.DataFrame:
    """Return the hours waited by those who reached the head, by day and replication.

    Only days count on which enough people reached it in at least half of the replications; of
    the others a wait that hangs on a single car would be the longest. No queue is no wait.
    """
    waited = account.series(f"wait_hours{lane and '_'}{lane}", crossing)
    if waited.empty:
        return waited
    passed = account.series("crossings_out", crossing)
    passed = passed.add(account.series("refused", crossing), fill_value=0.0)
    queue = account.series("queue_persons", crossing)
    enough = max(PERSONS, SIMULATED / account.scenario.sample)
    counts = (passed >= enough).mean(axis=1) >= 0.5
    known = waited.where(waited.notna() | (queue.reindex_like(waited) > 0), 0.0)
    return known[counts.reindex(known.index, fill_value=False)]


def _name(account: Account, crossing: str) -> str:
    return account.scenario.crossings[crossing].name


def _longest(account: Account, crossing: str, lane: str = "") -> str:
    """Write the longest wait of a crossing or a lane, and when it was."""
    when, spent = account.at_peak(lambda a: hours(a, crossing, lane), rate, "median")
    return f"{spent} hours {when}"


def _queue(account: Account, crossing: str, lane: str = "cars", unit: str = "cars") -> str:
    """Return when most stood there, in a lane."""
    when, cars = account.at_peak(lambda a: a.series(f"queue_{lane}", crossing))
    clock = account.scenario.home.clock
    return f"the queue, counted at 9:00 {clock}, was longest {when}, at {cars} {unit}"


def _has_walkers(account: Account, crossing: str) -> bool:
    """Whether people waited in both lanes of a crossing on days that count."""
    used = (hours(account.most, crossing, lane) for lane in LANES)
    return all(bool((series.max(axis=1) > 0).any()) for series in used)


def lanes(account: Account, crossing: str) -> str:
    """Return the waits of a crossing's lanes, where both were used."""
    parts = [
        f"{words} the wait was longest at {_longest(account, crossing, lane)}, and "
        f"{_queue(account, crossing, lane, unit)}"
        for lane, (words, unit) in LANES.items()
    ]
    return f"{_name(account, crossing)}, lane by lane: {'; '.join(parts)}."
