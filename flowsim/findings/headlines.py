"""The answer in sentences that can be quoted: who left, who could not, who was stopped."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from flowsim.findings.account import Account, highest, peak, told, what_ranges_are
from flowsim.findings.words import count, day, listed, period, rate, share
from flowsim.report import parameters
from flowsim.report.document import Bullets, Paragraph, Section
from flowsim.scenario import set_by_user

LUMPY = 1 / 200
NATION = "RU"


def section(account: Account, posterior: pd.DataFrame | None = None) -> Section:
    """Return the first section of a report on one scenario.

    Parameters
    ----------
    posterior : DataFrame, optional
        Daily rows under draws of the parameters, if the run has any.
    """
    n = len(account.replications)
    drawn = posterior is not None and n > 1  # one draw has no range
    ranges = parameters.what_ranges_are(n) if drawn else what_ranges_are(n)
    added = parameters.sentences(account, posterior) if posterior is not None and drawn else ()
    cautions = [
        "Simulated, not counted. The numbers come from a model of a published episode; they hold "
        "for its assumptions, which are listed below. " + ranges
    ]
    if changes := set_by_user(account.scenario):
        cautions.insert(0, f"Changed with --set: {'; '.join(changes)}.")
    if account.scenario.sample < LUMPY:
        cautions.append(
            f"Only 1 man in {1 / account.scenario.sample:,.0f} was simulated. Below 1 in 200 "
            "queues are lumpy: do not quote waits or queues from this run."
        )
    return Section(
        "answer",
        "What the simulation says",
        (
            Paragraph(who_left(account), "lead"),
            *(Paragraph(caution, "caution") for caution in cautions),
            Bullets((*added, *sentences(account))),
        ),
    )


def sentences(account: Account) -> Iterator[str]:
    """Return every headline after the first, one statement each."""
    yield from _where_to(account)
    yield from _who_they_are(account)
    yield from _who_could_not(account)
    yield from _queues(account)
    yield from _who_was_stopped(account)
    yield from _called_up(account)


def who_left(account: Account) -> str:
    """Return how many set off, and out of how many."""
    men, left = account.men(), departures(account)
    horizon = account.scenario.horizon
    names = listed([c.name for c in account.scenario.destinations.values()])
    per_thousand = rate(float((1000 * left / men).mean()))
    return (
        f"In the simulation {told(left)} men set off for {names} between "
        f"{period(horizon.start.date(), account.last_day).replace(' to ', ' and ')}: "
        f"{per_thousand} in every 1,000 of the {count(float(men.mean()))} men aged 18 to 59."
    )


def departures(account: Account) -> np.ndarray:
    """Count men who set off, shape (R,): from the daily table, else from the outcomes."""
    total = account.total("departures", "nation")
    if total.any():
        return total
    return account.men(account.leavers())


def _where_to(account: Account) -> Iterator[str]:
    for name, country in account.scenario.destinations.items():
        still = account.men(account.status(f"abroad-{name}"))
        yield (
            f"{country.name}: {told(account.got_in(name))} men got in, and {told(still)} were "
            f"still there on {day(account.last_day)} (how many stay is an assumption)."
        )
        entries = account.series("entries", country.code)
        if not entries.empty:
            on, values = peak(entries)
            yield (
                f"{country.name}: entries of Russian citizens of every kind, ordinary traffic "
                f"included, were highest on {on}, at {told(values)} a day."
            )


def _who_they_are(account: Account) -> Iterator[str]:
    left, educated = account.leavers(), account.outcomes["educated"].astype(bool)
    if account.men(left).any():
        yield (
            f"{told(account.share(educated, left), share)} of those who set off had higher "
            f"education, against {told(account.share(educated), share)} of all men of that age."
        )


def _who_could_not(account: Account) -> Iterator[str]:
    names = account.scenario.destinations
    wanting = account.status(*(f"wants-{name}" for name in names))
    if not account.men(wanting).any():
        yield "Nobody who wanted to leave was kept at home by a missing passport or a closed road."
        return
    without = account.men(wanting & ~account.outcomes["passport"].astype(bool))
    reason = f"{told(without)} of them had no international passport"
    if np.allclose(without, account.men(wanting)):
        reason = "every one of them for want of an international passport"
    yield (
        f"{told(account.men(wanting))} men wanted to leave and were still at home on "
        f"{day(account.last_day)}, {reason}."
    )


def _queues(account: Account) -> Iterator[str]:
    waits = account.daily[
        account.daily["measure"].eq("wait_hours") & account.daily["place_kind"].eq("crossing")
    ]
    road = [c for c, crossing in account.scenario.crossings.items() if crossing.kind == "road"]
    waits = waits[waits["place_id"].isin(road)]
    if waits.empty or waits["value"].max() < 1:
        return
    mean = waits.groupby(["place_id", "date"], observed=True)["value"].mean()
    where = str(mean.index[highest(mean)][0])
    name = account.scenario.crossings[where].name
    on, there = peak(account.series("wait_hours", where))
    text = (
        f"The longest wait was at {name}: those who reached the head of the queue on {on} had "
        f"waited {told(there, rate)} hours on average"
    )
    cars = account.series("queue_cars", where)
    if not cars.empty:
        on, values = peak(cars)
        text += (
            f". Counted at 9:00 Moscow time, the queue there was longest on {on}, at "
            f"{told(values)} cars"
        )
    yield f"{text}."


def _who_was_stopped(account: Account) -> Iterator[str]:
    totals = {
        name: account.total(name, "crossing")
        for name in ("refused", "notices", "notices_expected", "limited", "gave_up")
    }
    if totals["refused"].any():
        policies = account.scenario.policies.values()
        means = " or ".join(dict.fromkeys(p.turned_back_by for p in policies if p.turned_back_by))
        text = f"{told(totals['refused'])} men were turned back on the Russian side by {means}"
        if totals["notices_expected"].any():
            text += (
                f"; {told(totals['notices'])} of them were handed a notice by a task force "
                f"({count(float(totals['notices_expected'].mean()))} expected)"
            )
        yield f"{text}. How many a check deterred is seen only by comparing two scenarios."
    if totals["limited"].any():
        yield f"An entry limit sent {told(totals['limited'])} men home."
    if totals["gave_up"].any():
        yield f"{told(totals['gave_up'])} men gave up in a queue."
    waiting = account.men(account.status("queueing", "on-the-road"))
    if waiting.any():
        yield f"{told(waiting)} men were still queueing or on the road at the end."


def _called_up(account: Account) -> Iterator[str]:
    enlisted = account.men(account.status("enlisted"))
    hiding = account.men(account.status("hiding"))
    if enlisted.any():
        yield (
            f"{told(enlisted)} men were called up and complied (the pace of the call-up is an "
            f"input, not a finding); {told(hiding)} were summoned, did not comply, and were in "
            "hiding at home."
        )
