"""What the headlines counted: all men who crossed outward, ordinary travellers apart (ODD 7.9).

For runs of a scenario that counts every border (``elsewhere``); others hold nothing for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np

from flowsim.data import sources
from flowsim.data.rows import Headline
from flowsim.findings.account import Account
from flowsim.findings.finding import Finding, Link, tabulated
from flowsim.findings.words import capital, count, day, share, whole, within
from flowsim.scenario.schema import Scenario
from flowsim.types import Floats

TITLE = "What the headlines counted"
_GROSS = sorted((h for h in sources.headlines() if h.what == "gross"), key=lambda h: h.end)
FOUR_DAYS, TWO_WEEKS = _GROSS[0].id, _GROSS[-1].id
"""The headlines with which the summary begins: all men outward, fewest and most days."""

TITLE_OF_TOTALS = "Each published total, and what it counts"
LAND, AIR, ALL = "Other land borders", "By air", "All borders"
NONE = "nothing to compare"
CAPTION = "Published totals, and the same count in the simulation (2022)"
WHO = {"men": "men", "persons": "persons of both sexes"}
WHAT = {
    "gross": "all {who} who crossed outward",
    "excess": "{who} above the ordinary level",
    "left": "{who} who left because of the call-up",
    "entries": "all {who} who entered",
    "none": NONE,
}


def counts_all(scenario: Scenario) -> bool:
    """Whether a scenario counts the exits over all borders."""
    return bool(scenario.elsewhere)


@dataclass(frozen=True)
class Crossed:
    """Who crossed outward in some days, each shape (R,): one number for each replication.

    Attributes
    ----------
    leavers : men who left because of the call-up
    ordinary : men among the ordinary travellers
    level : the same if nothing had happened
    """

    leavers: Floats
    ordinary: Floats
    level: Floats

    @property
    def gross(self) -> Floats:
        """All men who crossed outward."""
        return self.leavers + self.ordinary

    @property
    def ordinary_share(self) -> Floats:
        """The share of ordinary travellers among all men who crossed outward."""
        return self.ordinary / self.gross

    @property
    def excess(self) -> Floats:
        """Men above the ordinary level: those who left, less ordinary men who stayed at home."""
        return self.gross - self.level


def crossed(
    account: Account, first: date, last: date, places: tuple[str, ...] | None = None
) -> Crossed:
    """Count the men who crossed outward from the first to the last day, by Moscow days."""
    return Crossed(
        *(
            account.total(measure, "exit", places, (first, last))
            for measure in ("leavers_out", "ordinary_men_out", "ordinary_men_before")
        )
    )


def groups(scenario: Scenario) -> dict[str, tuple[str, ...]]:
    """Return the places of bars: each destination, then the other land borders, then the air."""
    by_air = [place.code for place in scenario.destinations.values() if place.displaces]
    own = {p.name: (p.code,) for p in scenario.destinations.values() if p.code not in by_air}
    elsewhere = (scenario.elsewhere or {}).values()
    land = tuple(country.code for country in elsewhere if country.by == "land")
    air = tuple(country.code for country in elsewhere if country.by == "air")
    return {
        name: codes for name, codes in {**own, LAND: land, AIR: (*air, *by_air)}.items() if codes
    }


def by_border(account: Account, of: Headline) -> dict[str, Crossed]:
    """Count the men of a headline's days by group of borders; all borders last."""
    everything = {**groups(account.scenario), ALL: None}
    return {name: crossed(account, of.start, of.end, codes) for name, codes in everything.items()}


def headline(name: str) -> Headline:
    """Return a published total by its id."""
    return next(one for one in sources.headlines() if one.id == name)


def answer(account: Account) -> tuple[str, ...]:
    """Return the first two sentences on a run that counts all borders; none on any other."""
    if not counts_all(account.scenario):
        return ()

    def men(of: Headline, part: str, write: Callable[[float], str] = count) -> str:
        return account.formatted(lambda a: getattr(crossed(a, of.start, of.end), part), write)

    four, two = headline(FOUR_DAYS), headline(TWO_WEEKS)
    return (
        f"In the simulation {men(four, 'gross')} men crossed outward over all borders "
        f"from {day(four.start)} to {day(four.end)}, beside {whole(four.value)} in the press, "
        "which counts the same kind of crossing; "
        f"{men(four, 'ordinary_share', share)} of them were ordinary travellers, and "
        f"{men(four, 'excess')} were above the ordinary level.",
        f"By {day(two.end)} it was {men(two, 'gross')} men, beside {whole(two.low)} to "
        f"700,000 told as people who had left: {men(two, 'leavers')} of these men left "
        "because of the call-up, and the others would have crossed in any September.",
    )


def finding(account: Account) -> Finding:
    """Return the answer and what its numbers hold."""
    about = _about(account) if counts_all(account.scenario) else ()
    return Finding("headlines", TITLE, (*answer(account), *about))


def totals(account: Account) -> Finding:
    """Return every published total beside the same count in the run."""
    if not counts_all(account.scenario):
        return Finding("totals", CAPTION)
    every = sources.headlines()
    heads = ("Headline 1.9", "When 1.2", ">Published 1.3", ">Simulated 1.9", ">Ratio 0.7")
    what = ("What is counted 1.8", "Source 1.6")
    table = tabulated(CAPTION, (*heads, *what), (_row(account, one) for one in every))
    each = tuple(f"{capital(one.named)}: {one.counts}" for one in every)
    return Finding("totals", TITLE_OF_TOTALS, each, (table,))


def _about(account: Account) -> tuple[str, ...]:
    four = headline(FOUR_DAYS)

    def gross(place: str) -> str:
        return account.formatted(lambda a: by_border(a, four)[place].gross)

    by_place = [f"{name} {gross(name)}" for name in groups(account.scenario)]
    return (
        f"Gross men of {day(four.start)} to {day(four.end)} by border: {'; '.join(by_place)}.",
        "Ordinary traffic is an input: the border service's exits of a quarter by country, with an "
        "assumed level for late September and an assumed share of men. Of the four further exits "
        "the constants are fitted; only the sum tests anything.",
    )


def _row(account: Account, one: Headline) -> tuple[str | Link, ...]:
    told, mean = NONE, float("nan")
    if one.what != "none" and one.end <= account.last_day:
        told = account.formatted(lambda a: simulated(a, one))
        mean = float(np.median(simulated(account.most, one)))
    return (
        capital(one.named),
        f"{day(one.start)} to {day(one.end)}",
        whole(one.value) + within(one.low, one.high, whole),
        told,
        f"{mean / one.value:.2f}" if np.isfinite(mean) else "–",
        WHAT[one.what].format(who=WHO[one.who]),
        Link(one.source_name, one.source_url),
    )


def simulated(account: Account, one: Headline) -> Floats:
    """Return what a run has for a published total, shape (R,)."""
    places = one.codes or None
    if one.what == "entries":
        return account.total("entries", "destination", places, (one.start, one.end))
    found = crossed(account, one.start, one.end, places)
    if one.who != "men":
        ordinary, level = (
            account.total(measure, "exit", places, (one.start, one.end))
            for measure in ("ordinary_out", "ordinary_before")
        )
        own = account.scenario.observation.companions.value
        persons = 1 + account.value("observation.companions", own).to_numpy(dtype=float)
        found = Crossed(found.leavers * persons, ordinary, level)
    counted = {"gross": found.gross, "excess": found.excess, "left": found.leavers}
    return counted[one.what]
