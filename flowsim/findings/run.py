"""What a run says: who left, where to, who could not, who was stopped, how long they waited."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd

from flowsim.findings import doubts, press, published
from flowsim.findings.account import Account
from flowsim.findings.finding import Finding, as_text, wrapped
from flowsim.findings.naming import facts, lacked
from flowsim.findings.ranges import SIMULATED, doubt_in, lumpy, ranged, what_ranges_are
from flowsim.findings.words import capital, count, day, listed, period, rate, sampled, share
from flowsim.results.run import Run
from flowsim.scenario import set_by_user
from flowsim.types import Floats

HEADLINES = {"headlines": 2, "waits": 3, "entries": 0}
"""Sentences of a topic that are read first; else all."""
ALL = "Every published figure stands beside the simulation in summary.csv."
FEW = 10  # simulated men
ENOUGH = 10  # replications below which no chance is given
PERSONS, SIMULATED_MEN = 100, 5  # who must have reached the head for a day to count
MOST = 4  # crossings named
LANES = {"cars": ("by car", "cars"), "on_foot": ("on foot", "persons")}
BECAUSE = {
    "closed": "because the way was closed",
    "list": "found on a list of men called up",
    "notice": "handed a notice",
    "entry-refused": "refused by the country they came to",
}


def summary(run: Run) -> str:
    """Return what a run says, as a terminal shows it."""
    account = Account.of(run)
    every = facts(run.manifest, account.scenario, *facts_of(account))
    head = "; ".join(f"{name} {value}" for name, value in every)
    text = as_text(part for part in answers(run, every=False) if part.sentences)
    peak_mb = run.manifest["peak_memory_mb"]  # not every system reports it
    memory = "" if peak_mb is None else f", peak memory {peak_mb:.0f} MB"
    end = f"{ALL} " * (run.folder is not None and not run.summary.empty)
    end += f"Took {run.manifest['seconds']:.1f} s{memory}."
    changed = [wrapped(change, "") for change in changes(account)]
    return "\n".join([account.scenario.title, wrapped(head, ""), *changed, text, "", end])


def answers(run: Run, every: bool = True) -> list[Finding]:
    """Return what a run says; ``every`` published figure beside it, or those that test it."""
    account = Account.of(run)
    return [
        *topics(account),
        press.totals(account),
        published.of_run(run.summary, run.scenario, run.posterior_summary, every),
        Finding("sure", "How sure this is", tuple(cautions(account))),
        doubts.in_short(run.scenario),
    ]


def facts_of(account: Account) -> tuple[tuple[str, str], ...]:
    """Return what must be said with every number of a run quoted."""
    return (
        ("Scenario", account.scenario.name),
        ("Men", f"{count(float(account.men().mean()))}, aged 18 to 59"),
        ("Replications", str(len(account.replications))),
    )


def topics(account: Account) -> list[Finding]:
    """Return the answers of a run, a finding for each question."""
    return [
        press.finding(account),
        Finding("left", "Who left", (who_left(account), *_who_got_in(account), *_who(account))),
        Finding("kept", "Who could not", (*_who_could_not(account), *_called_up(account))),
        Finding("stopped", "Who was stopped", tuple(_who_was_stopped(account))),
        Finding("waits", "Waits", tuple(waits(account))),
        Finding("entries", "Entries, and room for those who came", tuple(_entries(account))),
    ]


def headlines(found: Sequence[Finding]) -> tuple[str, ...]:
    """Return what is to be read first: the first sentences on each topic."""
    return tuple(words for topic in found for words in topic.sentences[: _n(topic)])


def further(found: Sequence[Finding]) -> Finding:
    """Return what ``headlines`` leaves out."""
    rest = (words for topic in found for words in topic.sentences[_n(topic) :])
    return Finding("further", "Further findings", tuple(rest))


def _n(topic: Finding) -> int:
    return HEADLINES.get(topic.key, len(topic.sentences))


def lead(account: Account, found: Sequence[Finding]) -> tuple[str, ...]:
    """Return the sentences with which an account of the run begins, of its topics."""
    return headlines(found)[: 2 if press.counts_all(account.scenario) else 1]


def changes(account: Account) -> list[str]:
    """Return what was changed on the command line."""
    found = set_by_user(account.scenario)
    return [f"Changed with --set: {'; '.join(found)}."] if found else []


def cautions(account: Account) -> Iterator[str]:
    """Return what must be known before a number is quoted."""
    n = len(account.replications)
    yield f"{SIMULATED} {what_ranges_are(n, drawn=account.drawn is not None)}"
    if account.scenario.sample < 1:
        least = count(FEW / account.scenario.sample)
        yield (
            f"{capital(sampled(account.scenario.sample))} were simulated: a number below {least} "
            f"rests on fewer than {FEW} of them in a replication, and is not to be quoted."
        )


# ------------------------------------------------------------------ who left


def who_left(account: Account) -> str:
    """Return how many set off, and out of how many."""
    horizon = account.scenario.horizon
    names = listed([c.name for c in account.scenario.destinations.values()])
    per_thousand = account.formatted(lambda a: 1000 * a.departures() / a.men(), rate)
    when = period(horizon.start.date(), account.last_day).replace(" to ", " and ")
    return (
        f"In the simulation {account.formatted(Account.departures)} men set off for {names} "
        f"between {when}: "
        f"{per_thousand} in every 1,000 of the {count(float(account.men().mean()))} men aged 18 "
        f"to 59. {doubt_in(len(account.replications), account.drawn is not None)}"
    )


def _who_got_in(account: Account) -> Iterator[str]:
    for name, country in account.scenario.destinations.items():
        got_in = account.formatted(lambda a, name=name: a.got_in(name))  # type: ignore[misc]
        still = _men(account, f"abroad-{name}")
        yield (
            f"{country.name}: {got_in} men got in, and {still} were still there on "
            f"{day(account.last_day)} (how many stay is an assumption)."
        )


def _entries(account: Account) -> Iterator[str]:
    for name, country in account.scenario.destinations.items():
        entries = account.series("entries", country.code)
        if not entries.empty:
            when, values = account.at_peak(lambda a, code=country.code: a.series("entries", code))  # type: ignore[misc]
            total = _total(account, "entries", "destination", (country.code,))
            yield (
                f"{country.name}: entries of {account.scenario.home.people} citizens of every "
                f"kind, ordinary traffic included, were {total} in all; they were highest {when}, "
                f"at {values} a day."
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
        yield (
            f"{account.formatted(Account.educated_leavers, share)} of those who set off had higher "
            f"education, against {account.formatted(lambda a: a.share(a.educated), share)} of all "
            "men of that age."
        )


# ------------------------------------------------------------------ who did not


def _who_could_not(account: Account) -> Iterator[str]:
    names = account.scenario.destinations
    wanting = [f"wants-{name}" for name in names]
    wanted = {
        country.name: _men(account, f"wants-{name}")
        for name, country in names.items()
        if account.men_of(f"wants-{name}").any()
    }
    if not wanted:
        yield "Nobody who wanted to leave was kept at home by a missing document or a closed road."
        return
    yield (
        f"{_men(account, *wanting)} men wanted to leave for {listed(list(wanted))} "
        f"and were still at home on {day(account.last_day)}{_split(account, *wanting)}."
    )
    if len(wanted) > 1:
        each = [f"{name} {men}" for name, men in wanted.items()]
        yield f"Where they wanted to go: {listed(each)}."


def _split(account: Account, *statuses: str) -> str:
    """Return for which reasons men have some statuses, with how many for each."""
    reasons = account.reasons(account.status(*statuses))
    words = BECAUSE | {
        reason: f"for want of {'an' if document[0].lower() in 'aeiou' else 'a'} {document}"
        for reason, document in lacked(account.scenario).items()
    }
    if len(reasons) == 1:
        [only] = reasons
        return f", every one of them {words.get(only, only)}"

    def men(reason: str) -> str:
        return account.formatted(lambda a: a.men_of(*statuses, because=reason))

    parts = [f"{men(reason)} of them {words.get(reason, reason)}" for reason in reasons]
    return f", {listed(parts)}" if parts else ""


def _called_up(account: Account) -> Iterator[str]:
    if account.men_of("enlisted").any():
        yield (
            f"{_men(account, 'enlisted')} men were called up and complied (the pace of the call-up "
            f"is an input, not a finding); {_men(account, 'hiding')} were summoned, did not "
            "comply, and were in hiding at home."
        )


def _who_was_stopped(account: Account) -> Iterator[str]:
    names = ("refused", "refused_entry", "notices", "limited", "gave_up")
    totals = {name: _total(account, name, "crossing") for name in names}
    some = {name: bool(account.most.total(name, "crossing").any()) for name in names}
    if some["refused"] or some["refused_entry"]:
        policies = account.scenario.policies.values()
        means = " or ".join(dict.fromkeys(p.turned_back_by for p in policies if p.turned_back_by))
        out = f"{totals['refused']} times men were turned back on the way out by {means}"
        entry = f"{totals['refused_entry']} times by the country they came to"
        times = [out] * some["refused"] + [entry] * some["refused_entry"]
        yield f"{capital(listed(times))}. A man may be turned back more than once."
    if account.men_of("turned-back").any():
        yield (
            f"{_men(account, 'turned-back')} men were at home at the end because they had been "
            f"turned back{_split(account, 'turned-back')}."
        )
    if some["notices"]:
        expected = float(account.most.total("notices_expected", "crossing").mean())
        yield (
            f"Task forces handed out {totals['notices']} notices ({count(expected)} expected). How "
            "many men a check deterred is seen only by comparing two scenarios."
        )
    if some["limited"]:
        yield f"An entry limit sent {totals['limited']} men home."
    if some["gave_up"]:
        yield f"{totals['gave_up']} men gave up in a queue."
    waiting = ("queueing", "on-the-road")
    if account.men_of(*waiting).any():
        yield f"{_men(account, *waiting)} men were still queueing or on the road at the end."


def _men(account: Account, *statuses: str) -> str:
    """Write how many men have one of some statuses."""
    return account.formatted(lambda a: a.men_of(*statuses))


def _total(account: Account, measure: str, *where: Any) -> str:
    """Write what a flow adds up to."""
    return account.formatted(lambda a: a.total(measure, *where))


# ------------------------------------------------------------------ how long they waited


def waits(account: Account) -> Iterator[str]:
    """Return where and when the wait was longest, with what was published otherwise."""
    roads = [n for n, crossing in account.scenario.crossings.items() if crossing.kind == "road"]
    longest = {name: float(hours(account.most, name).median(axis=1).max()) for name in roads}
    order = sorted((n for n in roads if longest[n] >= 1), key=lambda n: -longest[n])[:MOST]
    several = len(account.most.replications) > 1
    yield from lumpy(account.scenario.sample)
    names = account.scenario.crossings
    spent = [f"at {names[name].name}, {_longest(account, name)}" for name in order]
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
    against = [words for name in order for words in published.contradicted(account, name)]
    if against:
        yield f"Published figures contradict some of these waits: {'; '.join(against)}."
    for name in roads:
        waited = {lane: hours(account.most, name, lane) for lane in LANES}
        if all((series > 0).to_numpy().any() for series in waited.values()):
            parts = [
                f"{words} the wait was longest at {_longest(account, name, lane)}, and "
                f"{_queue(account, name, lane, unit)}"
                if waited[lane].median(axis=1).max() >= 1
                else f"{words} nobody waited an hour"
                for lane, (words, unit) in LANES.items()
            ]
            yield f"{names[name].name}, lane by lane: {'; '.join(parts)}."


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
    enough = max(PERSONS, SIMULATED_MEN / account.scenario.sample)
    counts = (passed >= enough).mean(axis=1) >= 0.5
    known = waited.where(waited.notna() | (queue.reindex_like(waited) > 0), 0.0)
    return known[counts.reindex(known.index, fill_value=False)]


def _longest(account: Account, crossing: str, lane: str = "") -> str:
    """Write the longest wait of a crossing or a lane, and when it was."""
    when, spent = account.at_peak(lambda a: hours(a, crossing, lane), rate, "median")
    return f"{spent} hours {when}"


def _queue(account: Account, crossing: str, lane: str = "cars", unit: str = "cars") -> str:
    """Return when most stood there, in a lane."""
    when, cars = account.at_peak(lambda a: a.series(f"queue_{lane}", crossing))
    clock = account.scenario.home.clock
    return f"the queue, counted at 9:00 {clock}, was longest {when}, at {cars} {unit}"


# ------------------------------------------------------------------ under other lambdas


def under_lambdas(accounts: Mapping[float, Account], own: float, simulated: str) -> Finding:
    """Return the outcomes of one scenario for each lambda.

    Parameters
    ----------
    accounts : mapping
        By value of lambda.
    simulated : str
        With how many men and replications.
    """
    values = [f"{value:g}" + (" (this run)" if value == own else "") for value in accounts]
    caption = (
        f"The same scenario for other values of lambda ({simulated}; the column of this run "
        "therefore differs a little from the numbers above)"
    )
    names = {key: country.name for key, country in accounts[own].scenario.destinations.items()}

    def row(
        what: str, of: Callable[[Account], Floats], write: Callable[[float], str] = count
    ) -> tuple[str, ...]:
        return (what, *(ranged(of(one), write) for one in accounts.values()))

    def wanting(place: str) -> Callable[[Account], Floats]:
        return lambda account: account.men_of(f"wants-{place}")

    rows = [
        row("set off", Account.departures),
        *(row(f"got into {n}", partial(Account.got_in, destination=k)) for k, n in names.items()),
        *(row(f"wanted {n} and were at home at the end", wanting(k)) for k, n in names.items()),
        row("had higher education, of those who set off", Account.educated_leavers, share),
    ]
    shown = doubts.by_lambda(caption, "Men who", values, rows)
    return Finding("lambda", doubts.IF_LAMBDA, (doubts.OF_LAMBDA,), (shown,))
