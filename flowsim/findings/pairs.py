"""What a comparison says of each pair of scenarios: differences, whose outcome, and by what."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from flowsim.comparison.uncertainty import worth_of_pairing
from flowsim.findings.account import records
from flowsim.findings.finding import Finding, Table
from flowsim.findings.lambdas import columns
from flowsim.findings.words import (
    between,
    capital,
    count,
    elided,
    listed,
    rate,
    share,
    signed,
    within,
)
from flowsim.results.comparison import Comparison
from flowsim.scenario.schema import Scenario

ALL = "all"
MOST = 12  # rows of the table of outcomes
MOST_NAMED = 5  # other outcomes named in a sentence
WORTH_NAMING = 0.002  # of the men of a row
EDUCATED = {"True": "higher education", "False": "no higher education"}
FEW = 10  # simulated men, over all replications, below which a number is not to be quoted
TERMS = {
    "visible checks": "the sight of checks (deterrence)",
    "availability": "a way that was shut, or a document that was missing",
    "wait": "the news of waits",
    "network": "countrymen abroad",
    "panic": "the panic of the day",
    "tastes": "the men's own tastes",
    "call-up": "the call-up at home",
    "queue": "the queue at the border",
    "check": "a check at the border",
    "entry limit": "an entry limit on the road",
    "interaction": "several terms together, none of them alone",
    "several": "more than one term, each of which would have done",
}
OUTCOMES = {
    "home": "were at home",
    "hiding": "hid from the call-up at home",
    "enlisted": "were called up and complied",
    "limited": "were sent home by an entry limit",
    "gave-up": "gave up in a queue",
    "turned-back": "were turned back at the border",
    "underway": "were still under way",
}


@dataclass(frozen=True)
class Pair:
    """Two scenarios of a comparison: what changes from the first to the second."""

    found: Comparison
    a: Scenario
    b: Scenario

    def rows(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of a table that belong to this pair."""
        if table.empty:
            return table
        return table[table["a"].eq(self.a.name) & table["b"].eq(self.b.name)]

    def measured(self, table: pd.DataFrame, measure: str, place: str) -> pd.DataFrame:
        """Return the pair's rows of one measure of a place."""
        own = self.rows(table)
        return own[own["measure"].eq(measure) & own["place_id"].eq(place)]

    @property
    def outcomes(self) -> pd.DataFrame:
        """The men by what became of them in both scenarios."""
        rows = self.rows(self.found.matrix)
        return rows[rows["by"].eq(ALL)]

    def became(self, status: str) -> str:
        """Write what became of men."""
        kind, _, place = status.partition("-")
        names = self.b.destinations | self.a.destinations
        if kind in ("reached", "wants") and place in names:
            name = names[place].name
            return f"reached {name}" if kind == "reached" else f"wanted {name} and could not go"
        return OUTCOMES.get(status, status)


def pairs(found: Comparison) -> list[Pair]:
    """Return the first scenario with each other one."""
    first, *others = found.scenarios
    return [Pair(found, first, other) for other in others]


def findings(pair: Pair, number: int) -> list[Finding]:
    """Return what one pair shows, a finding for each question."""
    key = f"pair-{number}"
    title_ = f"“{title(pair.b)}” against “{title(pair.a)}”"
    top = Finding(key, title_, (headline(pair), *_differences(pair), *_worth(pair)))
    parts = [
        ("outcomes", "What became of the same men", _outcomes(pair)),
        ("terms", "What made the difference", _terms(pair)),
        ("whom", "For whom", _whom(pair)),
    ]
    return [top, *(Finding(f"{key}-{k}", t, *found) for k, t, found in parts if found)]


Found = tuple[tuple[str, ...], tuple[Table, ...]]


def title(scenario: Scenario) -> str:
    """Return a scenario's title, cut if it is very long, else its name."""
    return elided(scenario.title or scenario.name, 80)


# ------------------------------------------------------------------ differences


def headline(pair: Pair) -> str:
    """Return the first thing to be said about a pair."""
    rows = pair.measured(pair.found.differences, "departures", "RU")
    if rows.empty:
        return f"“{title(pair.b)}” is compared with “{title(pair.a)}”."
    return difference(f"Under “{title(pair.b)}”", "men set off", rows.iloc[0])


def measures(pair: Pair) -> Iterator[tuple[str, str, str]]:
    """Return the measures reported of each pair: words, measure, place."""
    names = pair.a.destinations
    yield "men set off", "departures", "RU"
    for name, country in names.items():
        yield f"men reached {country.name}", "men", f"reached-{name}"
    for name, country in names.items():
        yield f"men wanted {country.name} and were at home at the end", "men", f"wants-{name}"
    for status in ("turned-back", "limited", "gave-up"):
        yield f"men {OUTCOMES[status]}", "men", status
    for country in names.values():
        yield f"persons were in {country.name} at the end", "stock_persons", country.code
    table = pair.rows(pair.found.differences)
    queues = table[table["measure"].eq("queue_cars") & table["place_id"].isin(pair.a.crossings)]
    if len(queues):
        place = str(queues.sort_values("value_a", kind="stable")["place_id"].iloc[-1])
        name = pair.a.crossings[place].name
        yield f"cars were in the longest queue at {name}", "queue_cars", place


def _differences(pair: Pair) -> Iterator[str]:
    for words, measure, place in list(measures(pair))[1:]:
        rows = pair.measured(pair.found.differences, measure, place)
        if len(rows) and (rows.iloc[0]["value_a"] or rows.iloc[0]["value_b"]):
            yield difference("", words, rows.iloc[0])


def _worth(pair: Pair) -> Iterator[str]:
    """Return what comparing the same men is worth, where it can be said."""
    rows = pair.measured(pair.found.differences, "departures", "RU")
    factor = float(worth_of_pairing(rows).iloc[0]) if len(rows) else math.nan
    if math.isfinite(factor) and factor > 1:
        yield (
            "Because the same men are compared, the variance of the difference in men who set off "
            f"is {rate(factor)} times smaller than between men of their own: without it as many "
            "times more replications would be needed."
        )


def difference(opening: str, words: str, row: pd.Series) -> str:
    """Write a difference with its interval, and from what to what.

    With draws of the parameters the interval with all doubt comes first, and the part of it
    that is chance stands behind.
    """
    before, after = count(float(row["value_a"])), count(float(row["value_b"]))
    start = f"{opening} " if opening else ""
    change, low, high, chance = _sizes(row)
    own = " at the scenarios' own values" if row.get("draws", 0) else ""  # the change is a median
    if low == change == high == 0:
        return f"{start}{after} {words}, exactly as many as before."
    if low <= 0 <= high:
        return (
            f"{start}{after} {words} instead of {before}{own}: whether these are more or fewer is "
            f"not certain ({signed(low)} to {signed(high)}{chance})."
        )
    more, sign = ("more", 1) if change > 0 else ("fewer", -1)
    inside = _unsigned(low, high)
    own_ends = float(row["low"]), float(row["high"])
    if chance and min(sign * end for end in own_ends) > 0:
        chance = f"; chance alone {_unsigned(*own_ends)}"
    span = f" ({inside}{chance})" if inside else ""
    return f"{start}{count(abs(change))}{span} {more} {words}: {after} instead of {before}{own}."


def _unsigned(low: float, high: float) -> str:
    ends = abs(low), abs(high)
    return between(min(ends), max(ends))


def _sizes(row: pd.Series) -> tuple[float, float, float, str]:
    """Return a difference, its interval, and in words the chance in it if there is more."""
    change, low, high = (float(row[name]) for name in ("difference", "low", "high"))
    if not row.get("draws", 0):
        return change, low, high, ""
    own = between(low, high, signed)
    chance = f"; chance alone {own}" if own else ""
    return float(row["median"]), float(row["all_low"]), float(row["all_high"]), chance


def by_lambda(table: pd.DataFrame, pair: Pair, simulated: str) -> Table:
    """Return the differences of a pair with a column for each value of lambda."""
    values = sorted(table["lambda"].unique())
    rows = []
    for words, measure, place in measures(pair):
        here = pair.measured(table, measure, place).set_index("lambda")
        if measure != "stock_persons" and len(here) == len(values) and here["difference"].any():
            rows.append((capital(words), *(_signed(here.loc[value]) for value in values)))
    caption = f"Differences from {pair.a.name} to {pair.b.name}, by lambda ({simulated})"
    return columns(caption, "What", [f"{value:g}" for value in values], tuple(rows))


def _signed(row: pd.Series) -> str:
    return signed(float(row["difference"])) + within(float(row["low"]), float(row["high"]), signed)


# ------------------------------------------------------------------ the same men


def _outcomes(pair: Pair) -> Found:
    rows = pair.outcomes
    switched = rows[rows["status_a"].ne(rows["status_b"])].sort_values("men", ascending=False)
    if switched.empty:
        return ("The same became of every man in both scenarios.",), ()
    everyone, men = float(rows["men"].sum()), float(switched["men"].sum())
    shown = switched.head(MOST)
    rest = float(men - shown["men"].sum())
    words = f"The outcome differs for {count(men)} of {count(everyone)} men. " + (
        "The rows below are the largest of such changes"
        + (f"; {count(rest)} more men are in smaller ones." if rest >= 1 else ".")
    )
    table = Table(
        f"Men by what became of them in “{pair.a.name}” and in “{pair.b.name}”",
        (f"In {pair.a.name} they", f"in {pair.b.name} they", "Men", "95 % interval"),
        tuple(
            (
                pair.became(str(row["status_a"])),
                pair.became(str(row["status_b"])),
                count(float(row["men"])),
                _interval(row),
            )
            for _, row in shown.iterrows()
        ),
        align="llrr",
        widths=(2.2, 2.2, 1.0, 1.8),
    )
    return (words, *_whereabouts(pair)), (table,)


def _whereabouts(pair: Pair) -> Iterator[str]:
    """Return what became in b of those who reached each destination in a, and who stayed."""
    rows = pair.outcomes
    for status in (*(f"reached-{name}" for name in pair.a.destinations), "home"):
        row = rows[rows["status_a"].eq(status)]
        total, same = row["men"].sum(), row.loc[row["status_b"].eq(status), "men"].sum()
        if not total:
            continue
        others = row[row["status_b"].ne(status) & (row["men"] >= WORTH_NAMING * total)]
        others = others.sort_values("men", ascending=False).head(MOST_NAMED)
        became = [f"{count(r['men'])} {pair.became(r['status_b'])}" for r in records(others)]
        rest = f"; {listed(became)}" if became else ""
        yield (
            f"Of the {count(total)} men who {pair.became(status)} in {pair.a.name}, "
            f"{share(same / total)} did so in {pair.b.name} too{rest}."
        )


def _interval(row: pd.Series) -> str:
    """Write the interval of a number of men, or why it should not be quoted."""
    if row["men_simulated"] < FEW:
        return f"only {int(row['men_simulated'])} simulated: do not quote"
    return between(max(0.0, float(row["low"])), float(row["high"]))


# ------------------------------------------------------------------ by what, and for whom


def _terms(pair: Pair) -> Found | None:
    terms = pair.rows(pair.found.terms)
    if terms.empty:
        return None
    rows = terms[terms["status_a"].eq(ALL)].sort_values("men", ascending=False)
    first = rows.iloc[0]
    words = (
        f"For {share(float(first['share']))} of the men whose outcome differs it was "
        f"{_term(first)}. Each term of a man's decision is swapped alone; the one that changes "
        "his outcome did it."
    )
    table = Table(
        "Men whose outcome differs, by the term that made the difference",
        ("Term", "Men", "95 % interval", "Share"),
        tuple(
            (_term(row), count(float(row["men"])), _interval(row), share(float(row["share"])))
            for _, row in rows.iterrows()
        ),
        align="lrrr",
        widths=(2.6, 1.0, 1.8, 0.8),
    )
    return (words,), (table,)


def _term(row: pd.Series) -> str:
    return TERMS.get(str(row["term"]), str(row["term"]))


def example(pair: Pair) -> str:
    """Return how to read the life of one man of a pair in both scenarios; empty if none is known.

    One who reached a destination in one of them is preferred, of the commonest kind.
    """
    terms = pair.rows(pair.found.terms)
    if pair.found.folder is None or terms.empty:
        return ""
    some = terms[terms["status_a"].ne(ALL) & terms["example"].notna()]
    got_in = [some[s].astype(str).str.startswith("reached-") for s in ("status_a", "status_b")]
    best = some.assign(got_in=got_in[0] | got_in[1])
    best = best.sort_values(["got_in", "men"], ascending=False, kind="stable")
    if best.empty:
        return ""
    row = best.iloc[0]
    files = [
        shlex.quote(str(pair.found.folder / f"scenario-{s.name}.yaml")) for s in (pair.a, pair.b)
    ]
    became = [pair.became(str(row[name])) for name in ("status_a", "status_b")]
    return (
        f"\nRead the days of one of those who {became[0]} in {pair.a.name} and {became[1]} in "
        f"{pair.b.name}:\n  flowsim biography {files[0]} --versus {files[1]} "
        f"--man {int(row['example'])}"
    )


def _whom(pair: Pair) -> Found | None:
    cells = list(_groups(pair))
    if not cells:
        return None
    differs = {name: rest[-1] for name, *rest in cells}
    with_it, without = (differs.get(name, "") for name in EDUCATED.values())
    words = (
        f"The outcome differs for {with_it} in every 1,000 men with higher education, and for "
        f"{without} of those without."
    )
    names = (pair.a.name, pair.b.name)
    table = Table(
        "Of every 1,000 men in a group",
        ("Group", "Men in it", *(f"got abroad, {name}" for name in names), "Outcome differs"),
        tuple(cells),
        align="lrrrr",
        widths=(1.8, 1.2, 1.4, 1.4, 1.2),
    )
    return ((words,) if with_it and without else ()), (table,)


def _groups(pair: Pair) -> Iterator[tuple[str, ...]]:
    """Return, by level of education and by age, who got abroad and whose outcome differs."""
    rows = pair.rows(pair.found.matrix)
    for by in ("educated", "age"):
        part = rows[rows["by"].eq(by)]
        for value, own in part.groupby(part["value"].astype(str)):
            men = float(own["men"].sum())
            reached = [own[own[s].str.startswith("reached-")] for s in ("status_a", "status_b")]
            switched = own[own["status_a"].ne(own["status_b"])]
            yield (
                EDUCATED.get(str(value), f"aged {str(value).replace('-', ' to ')}"),
                count(men),
                *(_per_thousand(some, men) for some in (*reached, switched)),
            )


def _per_thousand(rows: pd.DataFrame, men: float) -> str:
    return rate(1000 * float(rows["men"].sum()) / men) if men else "–"


def quoted(scenarios: Sequence[Scenario]) -> str:
    """Write the titles of scenarios, each in quotation marks."""
    return listed([f"“{title(scenario)}”" for scenario in scenarios])
