"""What a comparison says of each pair of scenarios: differences, whose outcome, and by what."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from flowsim.findings.finding import Finding, Table
from flowsim.findings.lambdas import columns
from flowsim.findings.naming import title
from flowsim.findings.words import (
    between,
    capital,
    count,
    listed,
    rate,
    share,
    signed,
    within,
)
from flowsim.results.comparison import Comparison, worth_of_pairing
from flowsim.scenario.places import Destination
from flowsim.scenario.schema import Scenario

ALL = "all"
MOST = 8  # rows of the table of outcomes
EDUCATED = {"True": "higher education", "False": "no higher education"}
STATUSES, VALUES, ENDS = ("status_a", "status_b"), ("value_a", "value_b"), ("low", "high")
FEW = 10  # simulated men, over all replications, below which a number is not to be quoted
TERMS = {
    "visible checks": "the sight of checks (deterrence)",
    "availability": "a way open to them in one scenario only (borders, documents)",
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

    @property
    def destinations(self) -> dict[str, Destination]:
        """The destinations of both scenarios, those of the first before those it lacks."""
        return {**self.a.destinations, **self.b.destinations}

    def became(self, status: str) -> str:
        """Write what became of men."""
        kind, _, place = status.partition("-")
        if kind in ("reached", "wants") and place in self.destinations:
            name = self.destinations[place].name
            return f"reached {name}" if kind == "reached" else f"wanted {name} and could not go"
        return OUTCOMES.get(status, status)


def pairs(found: Comparison) -> list[Pair]:
    """Return the first scenario with each other one."""
    first, *others = found.scenarios
    return [Pair(found, first, other) for other in others]


def first(pair: Pair, key: str) -> Finding:
    """Return what is to be read first: how many more set off, who switched, what changes."""
    switched, tables = _switched(pair)
    words = (headline(pair), *switched, *_commonest_term(pair))
    return Finding(key, _against(pair), words, (*tables, _changes(pair)))


def more(pair: Pair, key: str) -> list[Finding]:
    """Return the rest: by which term, for whom, and what pairing was worth."""
    parts = [
        ("terms", "What made the difference", _terms(pair)),
        ("whom", "For whom", _whom(pair)),
    ]
    worth = Finding(f"{key}-worth", "What comparing the same men is worth", tuple(_worth(pair)))
    found = [Finding(f"{key}-{k}", t, *parts) for k, t, parts in parts if parts]
    return [part for part in (*found, worth) if part.sentences or part.tables]


Found = tuple[tuple[str, ...], tuple[Table, ...]]


def _against(pair: Pair) -> str:
    return f"“{title(pair.b)}” (B) against “{title(pair.a)}” (A)"


# ------------------------------------------------------------------ differences


def headline(pair: Pair) -> str:
    """Return the first thing to be said about a pair."""
    rows = pair.measured(pair.found.differences, "departures", pair.a.home.code)
    if rows.empty:
        return f"“{title(pair.b)}” is compared with “{title(pair.a)}”."
    return difference(f"Under “{title(pair.b)}”", "men set off", rows.iloc[0])


def measures(pair: Pair) -> Iterator[tuple[str, str, str]]:
    """Return the measures reported of each pair: words, measure, place."""
    names = pair.destinations
    yield "men who set off", "departures", pair.a.home.code
    for name, country in names.items():
        yield f"men who reached {country.name}", "men", f"reached-{name}"
    for name, country in names.items():
        yield f"men who wanted {country.name} in vain", "men", f"wants-{name}"
    yield "men turned back at the border", "men", "turned-back"
    yield "men sent home by a limit", "men", "limited"
    yield "men who gave up in a queue", "men", "gave-up"
    for country in names.values():
        yield f"persons in {country.name} at the end", "stock_persons", country.code
    table = pair.rows(pair.found.differences)
    queues = table[table["measure"].eq("queue_cars") & table["place_id"].isin(pair.a.crossings)]
    if len(queues):
        place = str(queues.sort_values("value_a", kind="stable")["place_id"].iloc[-1])
        yield f"most cars queueing at {pair.a.crossings[place].name}", "queue_cars", place


def _changes(pair: Pair) -> Table:
    """Return what each scenario has of everything reported, and the change between them."""
    rows: list[tuple[str, ...]] = []
    draws = 0
    for words, measure, place in measures(pair):
        found = pair.measured(pair.found.differences, measure, place)
        if len(found) and any(found.iloc[0][[*VALUES, *_ends(found.iloc[0])]]):
            row, draws = found.iloc[0], int(found.iloc[0].get("draws", 0))
            change, low, high = (float(row[name]) for name in _ends(row))
            own = between(float(row["low"]), float(row["high"]), signed) or "none"
            levels = [count(float(row[value])) for value in VALUES]
            found_change = _signed(change, low, high)
            cells = (found_change, *levels, own) if draws else (*levels, found_change)
            rows.append((capital(words), *cells))
    if draws:
        over = f"median and nine tenths of {draws} draws of the parameters, all doubt"
        return Table(
            f"What changes from A to B ({over}); then numbers and chance alone at the scenarios' "
            "own values",
            ("What", "Change", "In A", "In B", "Chance alone"),
            tuple(rows),
            align="lrrrr",
            widths=(2.2, 2.0, 1.2, 1.2, 1.6),
        )
    return Table(
        "What changes from A to B: numbers, and the change (mean and 95 % interval, chance alone)",
        ("What", "In A", "In B", "Change"),
        tuple(rows),
        align="lrrr",
        widths=(2.2, 1.2, 1.2, 2.0),
    )


def _worth(pair: Pair) -> Iterator[str]:
    """Return what comparing the same men is worth, where it can be said."""
    rows = pair.measured(pair.found.differences, "departures", pair.a.home.code)
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
    change, low, high = (float(row[name]) for name in _ends(row))
    own_ends = float(row["low"]), float(row["high"])
    alone, own = "", ""
    if row.get("draws", 0):  # the change is then a median
        own = " at the scenarios' own values"
        alone = between(*own_ends, signed)
    chance = f"; chance alone {alone}" if alone else ""
    if low == change == high == 0:
        return f"{start}{after} {words}, exactly as many as before."
    if low <= 0 <= high:
        return (
            f"{start}{after} {words} instead of {before}{own}: whether these are more or fewer is "
            f"not certain ({signed(low)} to {signed(high)}{chance})."
        )
    more, sign = ("more", 1) if change > 0 else ("fewer", -1)
    inside = _unsigned(low, high)
    if chance and min(sign * end for end in own_ends) > 0:
        chance = f"; chance alone {_unsigned(*own_ends)}"
    span = f" ({inside}{chance})" if inside else ""
    levels = f": {after} instead of {before}{own}" * (after != before)
    return f"{start}{count(abs(change))}{span} {more} {words}{levels}."


def _unsigned(low: float, high: float) -> str:
    ends = abs(low), abs(high)
    return between(min(ends), max(ends))


def _ends(row: pd.Series) -> tuple[str, str, str]:
    """Name the columns of a difference and its interval, with all doubt where there are draws."""
    return ("median", "all_low", "all_high") if row.get("draws", 0) else ("difference", *ENDS)


def by_lambda(table: pd.DataFrame, pair: Pair, simulated: str) -> Table:
    """Return the differences of a pair with a column for each value of lambda."""
    values = sorted(table["lambda"].unique())
    rows = []
    for words, measure, place in measures(pair):
        here = pair.measured(table, measure, place).set_index("lambda")
        if measure != "stock_persons" and len(here) == len(values) and here["difference"].any():
            cells = (here.loc[value, ["difference", *ENDS]] for value in values)
            rows.append((capital(words), *(_signed(*map(float, cell)) for cell in cells)))
    caption = f"Change in “{title(pair.b)}”, by lambda ({simulated})"
    return columns(caption, "What", [f"{value:g}" for value in values], tuple(rows))


def _signed(change: float, low: float, high: float) -> str:
    return signed(change) + within(low, high, signed)


# ------------------------------------------------------------------ the same men


def _switched(pair: Pair) -> Found:
    """Return to how many something else happened, and the largest of such changes."""
    rows = pair.outcomes
    switched = rows[rows["status_a"].ne(rows["status_b"])].sort_values("men", ascending=False)
    if switched.empty:
        return ("The same became of every man in both scenarios.",), ()
    everyone, men = float(rows["men"].sum()), float(switched["men"].sum())
    shown = switched.head(MOST)
    rest = float(men - shown["men"].sum())
    words = f"Something else became of {count(men)} of {count(everyone)} men."
    smaller = f"; {count(rest)} men are in smaller groups" * (rest >= 1)
    table = Table(
        f"Men to whom something else happened, and the interval of chance alone{smaller}",
        ("In A they", "In B they", "Men", "95 % interval"),
        tuple(
            (
                *(pair.became(str(row[status])) for status in STATUSES),
                count(float(row["men"])),
                _interval(row),
            )
            for _, row in shown.iterrows()
        ),
        align="llrr",
        widths=(2.2, 2.2, 1.0, 1.8),
    )
    return (words,), (table,)


def _interval(row: pd.Series) -> str:
    """Write the interval of a number of men, or why it should not be quoted."""
    if row["men_simulated"] < FEW:
        return f"only {int(row['men_simulated'])} simulated: do not quote"
    return between(max(0.0, float(row["low"])), float(row["high"]))


# ------------------------------------------------------------------ by what, and for whom


def _by_term(pair: Pair) -> pd.DataFrame:
    """Return the men who switched by term, most of them first; empty if it was not asked for."""
    terms = pair.rows(pair.found.terms)
    return terms if terms.empty else terms[terms["status_a"].eq(ALL)].sort_values("men")[::-1]


def _commonest_term(pair: Pair) -> tuple[str, ...]:
    rows = _by_term(pair)
    if rows.empty:
        return ()
    row = rows.iloc[0]
    return (f"For {share(float(row['share']))} of them the reason was {_term(row)}.",)


def _terms(pair: Pair) -> Found | None:
    rows = _by_term(pair)
    if rows.empty:
        return None
    words = (
        "Each term of a man's decision is swapped alone; the one that changes what becomes of "
        "him made the difference."
    )
    table = Table(
        "Men to whom something else happened, by the term that made the difference",
        ("Term", "Men", "95 % interval", "Share"),
        tuple(
            (
                capital(_term(row)),
                count(float(row["men"])),
                _interval(row),
                share(float(row["share"])),
            )
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
    got_in = [some[s].astype(str).str.startswith("reached-") for s in STATUSES]
    best = some.assign(got_in=got_in[0] | got_in[1])
    best = best.sort_values(["got_in", "men"], ascending=False, kind="stable")
    if best.empty:
        return ""
    row = best.iloc[0]
    files = [
        shlex.quote(str(pair.found.folder / f"scenario-{s.name}.yaml")) for s in (pair.a, pair.b)
    ]
    became = [pair.became(str(row[name])) for name in STATUSES]
    return (
        f"\nRead the days of one of those who {became[0]} in A and {became[1]} in B:"
        f"\n  flowsim biography {files[0]} --versus {files[1]} "
        f"--man {int(row['example'])}"
    )


def _whom(pair: Pair) -> Found | None:
    cells = list(_groups(pair))
    if not cells:
        return None
    differs = {name: rest[-1] for name, *rest in cells}
    with_it, without = (differs.get(name, "") for name in EDUCATED.values())
    words = (
        f"Something else became of {with_it} in every 1,000 men with higher education, and of "
        f"{without} of those without."
    )
    table = Table(
        "Of every 1,000 men in a group",
        ("Group", "Men in it", "Got abroad in A", "in B", "Something else"),
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
            reached = [own[own[s].str.startswith("reached-")] for s in STATUSES]
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
