"""What a run says: who left, where to, who could not, who was stopped, how long they waited."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from flowsim.findings import doubts, published
from flowsim.findings.account import Account, peak
from flowsim.findings.finding import Finding, as_text, wrapped
from flowsim.findings.naming import lacked
from flowsim.findings.ranges import SIMULATED, ends, ranged, what_ranges_are
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
    account = Account(run.scenario, run.daily, run.outcomes)
    facts = "; ".join(f"{name} {value}" for name, value in facts_of(account, run.manifest))
    parts = [
        *topics(account),
        over_draws(account, run.posterior),
        published.of_run(run.summary, run.scenario),
        Finding("sure", "How sure this is", tuple(cautions(account, run.posterior))),
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


def cautions(account: Account, posterior: pd.DataFrame | None = None) -> Iterator[str]:
    """Return what must be known before a number is quoted."""
    n = len(account.replications)
    yield f"{SIMULATED} {what_ranges_are(n, drawn=posterior is not None)}"
    if account.scenario.sample < LUMPY:
        yield (
            f"Only 1 man in {1 / account.scenario.sample:,.0f} was simulated. Below 1 in 200 "
            "queues are lumpy: do not quote waits or queues from this run."
        )


def over_draws(account: Account, posterior: pd.DataFrame | None) -> Finding:
    """Return how far departures and entries range over draws of the parameters, if there are any.

    Parameters
    ----------
    posterior : DataFrame, optional
        Daily rows under the draws, of which there are as many as replications.
    """
    title = "With the doubt about the parameters"
    if posterior is None or len(account.replications) < 2:  # one draw has no range
        return Finding("draws", title)
    drawn, said = replace(account, daily=posterior), []
    totals: dict[str, tuple[str, ...]] = {"Men who set off": ("departures", "nation")}
    totals |= {
        f"{c.name}, entries of Russian citizens of every kind in the whole period": (
            "entries",
            "destination",
            c.code,
        )
        for c in account.scenario.destinations.values()
    }
    for words, which in totals.items():
        both = drawn.total(*which), account.total(*which)
        if both[0].any():
            said.append(f"{words}: {_between(*both)}.")
    return Finding("draws", title, tuple(said))


def _between(drawn: Floats, chance: Floats) -> str:
    low, high = ends(drawn)
    inside = int(((drawn >= low) & (drawn <= high)).sum())
    part = f"all {len(drawn)}" if inside == len(drawn) else f"{inside} of {len(drawn)}"
    first, last = (count(end) for end in ends(chance))
    return (
        f"between {count(low)} and {count(high)} in {part} draws (parameters and chance); "
        f"between {first} and {last} by chance alone"
    )


# ------------------------------------------------------------------ who left


def who_left(account: Account) -> str:
    """Return how many set off, and out of how many."""
    men, left = account.men(), account.departures()
    horizon = account.scenario.horizon
    names = listed([c.name for c in account.scenario.destinations.values()])
    per_thousand = rate(float((1000 * left / men).mean()))
    return (
        f"In the simulation {ranged(left)} men set off for {names} between "
        f"{period(horizon.start.date(), account.last_day).replace(' to ', ' and ')}: "
        f"{per_thousand} in every 1,000 of the {count(float(men.mean()))} men aged 18 to 59."
    )


def _where_to(account: Account) -> Iterator[str]:
    for name, country in account.scenario.destinations.items():
        still = account.men(account.status(f"abroad-{name}"))
        yield (
            f"{country.name}: {ranged(account.got_in(name))} men got in, and {ranged(still)} were "
            f"still there on {day(account.last_day)} (how many stay is an assumption)."
        )
        entries = account.series("entries", country.code)
        if not entries.empty:
            on, values = peak(entries)
            total = account.total("entries", "destination", country.code)
            yield (
                f"{country.name}: entries of Russian citizens of every kind, ordinary traffic "
                f"included, were {ranged(total)} in all; they were highest on {on}, at "
                f"{ranged(values)} a day."
            )
        there = account.series("stock_persons", country.code)
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
    passed = has_passed(there, line.value)
    days = sorted(there.index[column].min() for column in passed.to_numpy().T if column.any())
    text = f"capacity line of {count(line.value)} persons, families included ({line.source}):"
    most = f"at most {count(float(there.to_numpy(dtype=float).max()))} persons"
    if n < 2:
        when = f"passed on {day(days[0])}" if days else f"not passed, {most}"
        return f"{text} {when}; no chance can be given from one replication."
    if not days:
        return f"{text} passed in none of {n} replications ({most}){_rule_of_three(n)}."
    first, middle = days[0], days[(len(days) - 1) // 2]
    when = f"half of them by {day(middle)}"
    when = f"first on {day(first)}, {when}" if first < middle else when
    if len(days) < n:
        return f"{text} passed in {len(days)} of {n} replications, {when}."
    return f"{text} passed in all of {n} replications, {when}{_rule_of_three(n)}."


def has_passed(there: pd.DataFrame, line: float) -> pd.DataFrame:
    """Mark, by day and replication, whether a line was passed on or before that day."""
    return there.cummax() >= line


def _rule_of_three(n: int) -> str:
    """Return what the same outcome in all of n replications is worth (95 %)."""
    if n < ENOUGH:
        return "; these are too few to give a chance: run 20"
    return f"; the chance of the opposite may still be up to {share(float(f'{3 / n:.1g}'))}"


def _who(account: Account) -> Iterator[str]:
    left, educated = account.leavers(), account.educated
    if account.men(left).any():
        yield (
            f"{ranged(account.share(educated, left), share)} of those who set off had higher "
            f"education, against {ranged(account.share(educated), share)} of all men of that age."
        )


# ------------------------------------------------------------------ who did not


def _who_could_not(account: Account) -> Iterator[str]:
    names = account.scenario.destinations
    wanting = account.status(*(f"wants-{name}" for name in names))
    wanted = {c.name: account.men(account.status(f"wants-{n}")) for n, c in names.items()}
    wanted = {name: men for name, men in wanted.items() if men.any()}
    if not wanted:
        yield "Nobody who wanted to leave was kept at home by a missing document or a closed road."
        return
    yield (
        f"{ranged(account.men(wanting))} men wanted to leave for {listed(list(wanted))} "
        f"and were still at home on {day(account.last_day)}{_why(account, wanting)}."
    )
    if len(wanted) > 1:
        each = [f"{name} {ranged(men)}" for name, men in wanted.items()]
        yield f"Where they wanted to go: {listed(each)}."


def _why(account: Account, wanting: pd.Series[bool]) -> str:
    """Return for want of which documents men stayed, and whom a closed way kept."""
    reasons = account.reasons(wanting)
    words = {reason: _because(reason, account.scenario) for reason in reasons}
    if len(reasons) == 1:
        return f", every one of them {next(iter(words.values()))}"
    parts = [f"{ranged(men)} of them {words[reason]}" for reason, men in reasons.items()]
    return f", {listed(parts)}" if parts else ""


def _because(reason: str, scenario: Scenario) -> str:
    document = lacked(reason, scenario)
    if document is None:
        return "because the way was closed"
    return f"for want of {'an' if document[0].lower() in 'aeiou' else 'a'} {document}"


def _called_up(account: Account) -> Iterator[str]:
    enlisted, hiding = (account.men(account.status(name)) for name in ("enlisted", "hiding"))
    if enlisted.any():
        yield (
            f"{ranged(enlisted)} men were called up and complied (the pace of the call-up is an "
            f"input, not a finding); {ranged(hiding)} were summoned, did not comply, and were in "
            "hiding at home."
        )


def _who_was_stopped(account: Account) -> Iterator[str]:
    names = ("refused", "notices", "notices_expected", "limited", "gave_up", "refused_entry")
    totals = {name: account.total(name, "crossing") for name in names}
    if totals["refused"].any():
        policies = account.scenario.policies.values()
        means = " or ".join(dict.fromkeys(p.turned_back_by for p in policies if p.turned_back_by))
        text = f"{ranged(totals['refused'])} men were turned back on the Russian side by {means}"
        if totals["notices_expected"].any():
            text += (
                f"; {ranged(totals['notices'])} of them were handed a notice by a task force "
                f"({count(float(totals['notices_expected'].mean()))} expected)"
            )
        yield f"{text}. How many a check deterred is seen only by comparing two scenarios."
    if totals["limited"].any():
        yield f"An entry limit sent {ranged(totals['limited'])} men home."
    if totals["gave_up"].any():
        yield f"{ranged(totals['gave_up'])} men gave up in a queue."
    if totals["refused_entry"].any():
        yield f"{ranged(totals['refused_entry'])} men were refused by the country they came to."
    waiting = account.men(account.status("queueing", "on-the-road"))
    if waiting.any():
        yield f"{ranged(waiting)} men were still queueing or on the road at the end."


def _queues(account: Account) -> Iterator[str]:
    """Return where and when the wait was longest, by road."""
    roads = [n for n, crossing in account.scenario.crossings.items() if crossing.kind == "road"]
    waits = {name: account.series("wait_hours", name) for name in roads}
    worst = {
        name: peak(series)
        for name, series in waits.items()
        if not series.empty and series.mean(axis=1).max() >= 1
    }
    order = sorted(worst, key=lambda name: -float(np.nanmean(worst[name][1])))
    if not order:
        return
    name, (on, hours) = account.scenario.crossings[order[0]].name, worst[order[0]]
    yield (
        f"The longest wait was at {name}: those who reached the head of the queue on {on} had "
        f"waited {ranged(hours, rate)} hours on average."
    )
    cars = account.series("queue_cars", order[0])
    if not cars.empty:
        on, values = peak(cars)
        yield (
            f"Counted at 9:00 Moscow time, the queue at {name} was longest on {on}, at "
            f"{ranged(values)} cars."
        )
    others = [
        f"{account.scenario.crossings[n].name}, {ranged(worst[n][1], rate)} hours on {worst[n][0]}"
        for n in order[1:MOST_WAITS]
    ]
    if others:
        yield f"The next longest waits: {'; '.join(others)}."
