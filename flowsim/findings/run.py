"""What a run says: who left, where to, who could not, who was stopped, how long they waited."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from flowsim.findings import doubts, published
from flowsim.findings.account import Account
from flowsim.findings.finding import Finding, as_text, wrapped
from flowsim.findings.naming import lacked
from flowsim.findings.ranges import SIMULATED, doubt_in, what_ranges_are
from flowsim.findings.words import count, day, listed, period, rate, sampled, share
from flowsim.results.run import Run
from flowsim.scenario import set_by_user
from flowsim.scenario.schema import Scenario
from flowsim.types import Floats

LUMPY = 1 / 200
ENOUGH = 10  # replications below which no chance is given
MOST_WAITS = 4


def summary(run: Run) -> str:
    """Return what a run says, as a terminal shows it."""
    account = Account.of(run)
    facts = "; ".join(f"{name} {value}" for name, value in facts_of(account, run.manifest))
    parts = [
        *topics(account),
        published.of_run(run.summary, run.scenario, run.posterior_summary),
        Finding("sure", "How sure this is", tuple(cautions(account))),
        doubts.in_short(run.scenario),
    ]
    said = as_text(part for part in parts if part.sentences)
    peak_mb = run.manifest["peak_memory_mb"]  # not every system reports it
    memory = "" if peak_mb is None else f", peak memory {peak_mb:.0f} MB"
    end = f"Took {run.manifest['seconds']:.1f} s{memory}."
    changed = [wrapped(change, "") for change in changes(account)]
    return "\n".join([account.scenario.title, wrapped(facts, ""), *changed, said, "", end])


def facts_of(account: Account, manifest: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return what must be said with every number quoted."""
    scenario = account.scenario
    version = manifest.get("versions", {}).get("flowsim", "")
    return (
        ("Scenario", scenario.name),
        ("Period", period(scenario.horizon.start.date(), account.last_day)),
        ("Men", f"{count(float(account.men().mean()))}, aged 18 to 59"),
        ("Sample", sampled(scenario.sample)),
        ("Replications", str(len(account.replications))),
        ("Seed", str(scenario.seed)),
        ("Made with", f"flowsim {version}".strip()),
    )


def topics(account: Account) -> list[Finding]:
    """Return the answers of a run, a finding for each question."""
    return [
        Finding("left", "Who left", (who_left(account), *_where_to(account), *_who(account))),
        Finding("kept", "Who could not", (*_who_could_not(account), *_called_up(account))),
        Finding("stopped", "Who was stopped", tuple(_who_was_stopped(account))),
        Finding("waits", "Waits", tuple(_queues(account))),
    ]


def changes(account: Account) -> list[str]:
    """Return what was changed on the command line."""
    found = set_by_user(account.scenario)
    return [f"Changed with --set: {'; '.join(found)}."] if found else []


def cautions(account: Account) -> Iterator[str]:
    """Return what must be known before a number is quoted."""
    n = len(account.replications)
    yield f"{SIMULATED} {what_ranges_are(n, drawn=account.drawn is not None)}"
    yield from lumpy(account.scenario.sample)


def lumpy(sample: float) -> Iterator[str]:
    """Return what a very small sample forbids."""
    if sample < LUMPY:
        yield (
            f"Only 1 man in {1 / sample:,.0f} was simulated. Below 1 in 200 queues are lumpy: do "
            "not quote waits or queues from this run."
        )


# ------------------------------------------------------------------ who left


def who_left(account: Account) -> str:
    """Return how many set off, and out of how many."""
    horizon = account.scenario.horizon
    names = listed([c.name for c in account.scenario.destinations.values()])
    per_thousand = account.told(lambda a: 1000 * a.departures() / a.men(), rate)
    return (
        f"In the simulation {account.told(Account.departures)} men set off for {names} between "
        f"{period(horizon.start.date(), account.last_day).replace(' to ', ' and ')}: "
        f"{per_thousand} in every 1,000 of the {count(float(account.men().mean()))} men aged 18 "
        f"to 59. {doubt_in(len(account.replications), account.drawn is not None)}"
    )


def _where_to(account: Account) -> Iterator[str]:
    for name, country in account.scenario.destinations.items():
        got_in = account.told(lambda a, name=name: a.got_in(name))  # type: ignore[misc]
        still = _men(account, f"abroad-{name}")
        yield (
            f"{country.name}: {got_in} men got in, and {still} were still there on "
            f"{day(account.last_day)} (how many stay is an assumption)."
        )
        entries = account.series("entries", country.code)
        if not entries.empty:
            on, values = account.told_at_peak("entries", country.code)
            total = _total(account, "entries", "destination", country.code)
            yield (
                f"{country.name}: entries of Russian citizens of every kind, ordinary traffic "
                f"included, were {total} in all; they were highest on {on}, at {values} a day."
            )
        there = account.most.series("stock_persons", country.code)
        if name in account.scenario.capacities and not there.empty:
            yield f"{country.name}: {capacity(account, name, there)}"


def capacity(account: Account, destination: str, there: pd.DataFrame) -> str:
    """Return when and how surely persons abroad, families included, pass the capacity line.

    Parameters
    ----------
    there : DataFrame, shape (days, replications)
        Persons abroad.
    """
    line, n = account.scenario.capacities[destination], there.shape[1]
    of = account.repeated
    passed = has_passed(there, line.value)
    days = sorted(there.index[column].min() for column in passed.to_numpy().T if column.any())
    text = f"capacity line of {count(line.value)} persons, families included ({line.source}):"
    most = f"at most {count(float(there.to_numpy(dtype=float).max()))} persons"
    if n < 2:
        when = f"passed on {day(days[0])}" if days else f"not passed, {most}"
        return f"{text} {when}; no chance can be given from one replication."
    if not days:
        return f"{text} passed in none of {n} {of} ({most}){_rule_of_three(n)}."
    first, middle = days[0], days[(len(days) - 1) // 2]
    when = f"half of them by {day(middle)}"
    when = f"first on {day(first)}, {when}" if first < middle else when
    if len(days) < n:
        return f"{text} passed in {len(days)} of {n} {of}, {when}."
    return f"{text} passed in all of {n} {of}, {when}{_rule_of_three(n)}."


def has_passed(there: pd.DataFrame, line: float) -> pd.DataFrame:
    """Mark, by day and replication, whether a line was passed on or before that day."""
    return there.cummax() >= line


def _rule_of_three(n: int) -> str:
    """Return what the same outcome in all of n replications is worth (95 %)."""
    if n < ENOUGH:
        return "; these are too few to give a chance: run 20"
    return f"; the chance of the opposite may still be up to {share(float(f'{3 / n:.1g}'))}"


def _who(account: Account) -> Iterator[str]:
    if account.men(account.leavers()).any():
        leavers = account.told(lambda a: a.share(a.educated, a.leavers()), share)
        yield (
            f"{leavers} of those who set off had higher education, against "
            f"{account.told(lambda a: a.share(a.educated), share)} of all men of that age."
        )


# ------------------------------------------------------------------ who did not


def _who_could_not(account: Account) -> Iterator[str]:
    names = account.scenario.destinations
    wanting = [f"wants-{name}" for name in names]
    wanted = {
        c.name: _men(account, f"wants-{n}")
        for n, c in names.items()
        if account.men(account.status(f"wants-{n}")).any()
    }
    if not wanted:
        yield "Nobody who wanted to leave was kept at home by a missing document or a closed road."
        return
    yield (
        f"{_men(account, *wanting)} men wanted to leave for {listed(list(wanted))} "
        f"and were still at home on {day(account.last_day)}{_why(account, wanting)}."
    )
    if len(wanted) > 1:
        each = [f"{name} {men}" for name, men in wanted.items()]
        yield f"Where they wanted to go: {listed(each)}."


def _why(account: Account, wanting: list[str]) -> str:
    """Return for want of which documents men stayed, and whom a closed way kept."""
    reasons = account.reasons(account.status(*wanting))
    words = {reason: _because(reason, account.scenario) for reason in reasons}
    if len(reasons) == 1:
        return f", every one of them {next(iter(words.values()))}"
    parts = []
    for reason in reasons:
        men = account.told(lambda a, r=reason: _for(a, wanting, r))  # type: ignore[misc]
        parts.append(f"{men} of them {words[reason]}")
    return f", {listed(parts)}" if parts else ""


def _for(account: Account, wanting: list[str], reason: str) -> Floats:
    """Count the men of some statuses who are there for one reason, shape (R,)."""
    none = np.zeros(len(account.replications))
    return account.reasons(account.status(*wanting)).get(reason, none)


def _because(reason: str, scenario: Scenario) -> str:
    document = lacked(reason, scenario)
    if document is None:
        return "because the way was closed"
    return f"for want of {'an' if document[0].lower() in 'aeiou' else 'a'} {document}"


def _called_up(account: Account) -> Iterator[str]:
    if account.men(account.status("enlisted")).any():
        yield (
            f"{_men(account, 'enlisted')} men were called up and complied (the pace of the call-up "
            f"is an input, not a finding); {_men(account, 'hiding')} were summoned, did not "
            "comply, and were in hiding at home."
        )


def _who_was_stopped(account: Account) -> Iterator[str]:
    names = ("refused", "notices", "notices_expected", "limited", "gave_up", "refused_entry")
    totals = {name: _total(account, name, "crossing") for name in names}
    some = {name: account.most.total(name, "crossing").any() for name in names}
    if some["refused"]:
        policies = account.scenario.policies.values()
        means = " or ".join(dict.fromkeys(p.turned_back_by for p in policies if p.turned_back_by))
        text = f"{totals['refused']} men were turned back on the Russian side by {means}"
        if some["notices_expected"]:
            expected = account.most.total("notices_expected", "crossing")
            text += (
                f"; {totals['notices']} of them were handed a notice by a task force "
                f"({count(float(expected.mean()))} expected)"
            )
        yield f"{text}. How many a check deterred is seen only by comparing two scenarios."
    if some["limited"]:
        yield f"An entry limit sent {totals['limited']} men home."
    if some["gave_up"]:
        yield f"{totals['gave_up']} men gave up in a queue."
    if some["refused_entry"]:
        yield f"{totals['refused_entry']} men were refused by the country they came to."
    waiting = ("queueing", "on-the-road")
    if account.men(account.status(*waiting)).any():
        yield f"{_men(account, *waiting)} men were still queueing or on the road at the end."


def _men(account: Account, *statuses: str) -> str:
    """Write how many men have one of some statuses."""
    return account.told(lambda a: a.men(a.status(*statuses)))


def _total(account: Account, measure: str, kind: str, place: str | None = None) -> str:
    """Write what a flow adds up to."""
    return account.told(lambda a: a.total(measure, kind, place))


# ------------------------------------------------------------------ waits


def _queues(account: Account) -> Iterator[str]:
    """Return where and when the wait was longest, by road."""
    roads = [n for n, crossing in account.scenario.crossings.items() if crossing.kind == "road"]
    waits = {name: account.most.series("wait_hours", name) for name in roads}
    longest = {
        name: float(series.mean(axis=1).max()) for name, series in waits.items() if len(series)
    }
    order = sorted((n for n in roads if longest.get(n, 0) >= 1), key=lambda n: -longest[n])
    if not order:
        return
    name = account.scenario.crossings[order[0]].name
    on, hours = account.told_at_peak("wait_hours", order[0], rate)
    yield (
        f"The longest wait was at {name}: those who reached the head of the queue on {on} had "
        f"waited {hours} hours on average."
    )
    if not account.series("queue_cars", order[0]).empty:
        on, values = account.told_at_peak("queue_cars", order[0])
        yield (
            f"Counted at 9:00 Moscow time, the queue at {name} was longest on {on}, at "
            f"{values} cars."
        )
    others = []
    for place in order[1:MOST_WAITS]:
        on, hours = account.told_at_peak("wait_hours", place, rate)
        others.append(f"{account.scenario.crossings[place].name}, {hours} hours on {on}")
    if others:
        yield f"The next longest waits: {'; '.join(others)}."
    yield from (lanes(account, name) for name in roads if _has_walkers(account, name))


def _has_walkers(account: Account, crossing: str) -> bool:
    """Whether both lanes of a crossing were used."""
    used = (account.most.series(f"wait_hours_{lane}", crossing) for lane in ("cars", "on_foot"))
    return all(bool(series.notna().any(axis=None)) for series in used)


def lanes(account: Account, crossing: str) -> str:
    """Return the waits of a crossing's lanes, and how many stood in each, where both were used."""
    waits = [
        account.told_at_peak(f"wait_hours_{lane}", crossing, rate) for lane in ("cars", "on_foot")
    ]
    (cars_on, cars), (foot_on, foot) = (
        account.told_at_peak(measure, crossing) for measure in ("queue_cars", "queue_on_foot")
    )
    return (
        f"{account.scenario.crossings[crossing].name}, lane by lane: by car the wait was longest "
        f"on {waits[0][0]}, at {waits[0][1]} hours, and the queue on {cars_on}, at {cars} cars; on "
        f"foot the wait was longest on {waits[1][0]}, at {waits[1][1]} hours, and the queue on "
        f"{foot_on}, at {foot} persons."
    )
