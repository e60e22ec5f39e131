"""What a comparison found, in sentences: differences, who switched, for whom, and by what."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from flowsim.comparison import Comparison
from flowsim.comparison.uncertainty import worth_of_pairing
from flowsim.findings.words import count, elided, rate, share
from flowsim.report.document import Block, Bullets, Paragraph, Section, Table
from flowsim.scenario.schema import Scenario

ALL = "all"
MOST = 12  # rows of the table of switches
EDUCATED = ("higher education", "no higher education")
FEW = 10  # simulated men, over all replications, below which a number is not to be quoted
TERMS = {
    "visible checks": "the sight of checks (deterrence)",
    "availability": "a way that was shut, or a document that was missing",
    "wait": "the news of waits",
    "network": "countrymen abroad",
    "call-up": "the call-up at home",
    "queue": "the queue at the border",
    "check": "a check at the border",
    "entry limit": "an entry limit on the road",
    "interaction": "several terms together, none of them alone",
    "several": "more than one term, each of which would have done",
}


@dataclass(frozen=True)
class Pair:
    """Two scenarios of a comparison: what changes from the first to the second."""

    found: Comparison
    a: Scenario
    b: Scenario

    def rows(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of a table that belong to this pair."""
        return table[table["a"].eq(self.a.name) & table["b"].eq(self.b.name)]


def pairs(found: Comparison) -> list[Pair]:
    """Return the first scenario with each other one."""
    first, *others = found.scenarios
    return [Pair(found, first, other) for other in others]


def headline(pair: Pair) -> str:
    """Say the first thing to be said about a pair."""
    rows = pair.rows(pair.found.differences)
    rows = rows[rows["measure"].eq("departures") & rows["place_id"].eq("RU")]
    if rows.empty:
        return f"{title(pair.b)} is set beside {title(pair.a)}."
    return _sentence(f"Under “{title(pair.b)}”", "men set off", rows.iloc[0])


def section(pair: Pair, number: int) -> list[Section]:
    """Return what one pair shows, a heading for each question."""
    key = f"pair-{number}"
    top = Section(
        key,
        f"“{title(pair.b)}” against “{title(pair.a)}”",
        (Bullets((headline(pair), *_differences(pair), *_worth(pair))),),
    )
    parts = [
        ("fates", "What became of the same men", _fates(pair)),
        ("terms", "What switched them", _terms(pair)),
        ("whom", "For whom", _whom(pair)),
    ]
    return [top, *(Section(f"{key}-{k}", t, tuple(b), 3) for k, t, b in parts if b)]


# ------------------------------------------------------------------ differences


def measures(scenario: Scenario) -> Iterator[tuple[str, str, str]]:
    """Return the measures told of each pair: words, measure, place."""
    yield "men set off", "departures", "RU"
    for name, country in scenario.destinations.items():
        yield f"men reached {country.name}", "men", f"reached-{name}"
    for name, country in scenario.destinations.items():
        yield f"men wanted {country.name} and were at home at the end", "men", f"wants-{name}"
    yield "men were turned back at the border", "men", "turned-back"
    yield "men were sent home by an entry limit", "men", "limited"
    yield "men gave up in a queue", "men", "gave-up"
    for country in scenario.destinations.values():
        yield f"persons were in {country.name} at the end", "stock_persons", country.code


def _differences(pair: Pair) -> Iterator[str]:
    table = pair.rows(pair.found.differences)
    for words, measure, place in list(measures(pair.a))[1:]:
        rows = table[table["measure"].eq(measure) & table["place_id"].eq(place)]
        if len(rows) and (rows.iloc[0]["value_a"] or rows.iloc[0]["value_b"]):
            yield _sentence("", words, rows.iloc[0])


def _worth(pair: Pair) -> Iterator[str]:
    """Return what comparing the same men is worth, where it can be said."""
    rows = pair.rows(pair.found.differences)
    rows = rows[rows["measure"].eq("departures") & rows["place_id"].eq("RU")]
    factor = float(worth_of_pairing(rows).iloc[0]) if len(rows) else math.nan
    if math.isfinite(factor) and factor > 1:
        yield (
            "Because the same men are compared, the variance of the difference in men who set off "
            f"is {rate(factor)} times smaller than between men of their own: without it as many "
            "times more replications would be needed."
        )


def _sentence(opening: str, words: str, row: pd.Series) -> str:
    """Say a difference with its interval, and from what to what."""
    difference, low, high = (float(row[name]) for name in ("difference", "low", "high"))
    before, after = count(float(row["value_a"])), count(float(row["value_b"]))
    start = f"{opening} " if opening else ""
    if difference == 0:
        return f"{start}{after} {words}, exactly as many as before.".strip()
    more = "more" if difference > 0 else "fewer"
    known = math.isfinite(low) and math.isfinite(high)
    if known and low <= 0 <= high:
        return (
            f"{start}{after} {words} instead of {before}: whether these are more or fewer is not "
            f"certain ({signed(low)} to {signed(high)})."
        ).strip()
    ends = sorted((abs(low), abs(high)))
    span = f" ({count(ends[0])} to {count(ends[1])})" if known else ""
    size = f"{start}{count(abs(difference))}{span}".strip()
    return f"{size} {more} {words}: {after} instead of {before}."


def signed(value: float) -> str:
    """Write a difference with its sign."""
    sign = "−" if value < 0 else "+"
    return f"{sign}{count(abs(value))}" if abs(value) >= 1 else "0"


def what_ranges_are(replications: int) -> str:
    """Return what the brackets mean, or why there are none."""
    if replications < 2:
        return (
            "One replication was run, so no difference has an interval; compare with "
            "--replications 20 before you quote any of them."
        )
    return (
        f"Brackets are 95 % intervals of the mean over {replications} replications. Each compares "
        "the same men, with the same draws, in both scenarios, so that only the policy differs. "
        "They show the play of chance alone; the doubt about the assumptions is larger."
    )


# ------------------------------------------------------------------ the same men


def _fates(pair: Pair) -> list[Block]:
    rows = pair.rows(pair.found.matrix)
    rows = rows[rows["by"].eq(ALL)]
    switched = rows[rows["status_a"].ne(rows["status_b"])].sort_values("men", ascending=False)
    if switched.empty:
        return [Paragraph("The same became of every man in both scenarios.")]
    everyone, men = float(rows["men"].sum()), float(switched["men"].sum())
    shown = switched.head(MOST)
    rest = float(men - shown["men"].sum())
    words = (
        f"The outcome differs for {count(men)} of {count(everyone)} men. The rows are the largest "
        "of such changes" + (f"; {count(rest)} more men are in smaller ones." if rest >= 1 else ".")
    )
    table = Table(
        f"Men by what became of them in “{pair.a.name}” and in “{pair.b.name}”",
        (f"In {pair.a.name} they", f"in {pair.b.name} they", "Men", "95 % interval"),
        tuple(
            (
                _became(str(row["status_a"]), pair),
                _became(str(row["status_b"]), pair),
                count(float(row["men"])),
                _interval(row),
            )
            for _, row in shown.iterrows()
        ),
        numeric=(False, False, True, True),
        widths=(2.2, 2.2, 1.0, 1.8),
    )
    return [Paragraph(words), table]


def _interval(row: pd.Series) -> str:
    """Write the interval of a number of men, or why it should not be quoted."""
    if row["men_simulated"] < FEW:
        return f"only {int(row['men_simulated'])} simulated: do not quote"
    if not math.isfinite(float(row["low"])):
        return ""
    return f"{count(max(0.0, float(row['low'])))} to {count(float(row['high']))}"


def _became(status: str, pair: Pair) -> str:
    kind, _, place = status.partition("-")
    for scenario in (pair.a, pair.b):
        if kind in ("reached", "wants") and place in scenario.destinations:
            name = scenario.destinations[place].name
            return f"reached {name}" if kind == "reached" else f"wanted {name} and could not go"
    known = {
        "home": "were at home",
        "hiding": "hid from the call-up at home",
        "enlisted": "were called up and complied",
        "limited": "were sent home by an entry limit",
        "gave-up": "gave up in a queue",
        "turned-back": "were turned back at the border",
        "underway": "were still under way",
    }
    return known.get(status, status)


# ------------------------------------------------------------------ by what, and for whom


def _terms(pair: Pair) -> list[Block]:
    if pair.found.terms.empty:
        return []
    rows = pair.rows(pair.found.terms)
    rows = rows[rows["status_a"].eq(ALL)].sort_values("men", ascending=False)
    if rows.empty:
        return []
    first = rows.iloc[0]
    term = TERMS.get(str(first["term"]), str(first["term"]))
    words = (
        f"For {share(float(first['share']))} of the men whose outcome differs it was {term}. Each "
        "term of a man's decision is swapped alone; the one that changes his outcome did it."
    )
    table = Table(
        "Men whose outcome differs, by the term that made the difference",
        ("Term", "Men", "95 % interval", "Share"),
        tuple(
            (
                TERMS.get(str(row["term"]), str(row["term"])),
                count(float(row["men"])),
                _interval(row),
                share(float(row["share"])),
            )
            for _, row in rows.iterrows()
        ),
        numeric=(False, True, True, True),
        widths=(2.6, 1.0, 1.8, 0.8),
    )
    return [Paragraph(words), table]


def _whom(pair: Pair) -> list[Block]:
    cells = list(_groups(pair))
    if not cells:
        return []
    others = {name: rest for name, *rest in cells}
    with_it, without = (others.get(name, [""])[-1] for name in EDUCATED)
    words = Paragraph(
        f"The outcome differs for {with_it} in every 1,000 men with higher education, and for "
        f"{without} of those without."
    )
    table = Table(
        "Of every 1,000 men in a group",
        (
            "Group",
            "Men in it",
            f"got abroad, {pair.a.name}",
            f"got abroad, {pair.b.name}",
            "Outcome differs",
        ),
        tuple(cells),
        numeric=(False, True, True, True, True),
        widths=(1.8, 1.2, 1.4, 1.4, 1.2),
    )
    return [words, table] if with_it and without else [table]


def _groups(pair: Pair) -> Iterator[tuple[str, ...]]:
    """Give, for each level of education and each age, who got abroad and whose outcome differs."""
    rows = pair.rows(pair.found.matrix)
    for by in ("educated", "age"):
        part = rows[rows["by"].eq(by)]
        men = part.groupby("value")["men"].sum()
        for value in sorted(men.index, key=str):
            own = part[part["value"].eq(value)]
            reached = [own[own[s].str.startswith("reached-")] for s in ("status_a", "status_b")]
            switched = own[own["status_a"].ne(own["status_b"])]
            yield (
                _group(by, str(value)),
                count(float(men[value])),
                *(_per_thousand(some, men[value]) for some in (*reached, switched)),
            )


def _per_thousand(rows: pd.DataFrame, men: float) -> str:
    return rate(1000 * float(rows["men"].sum()) / men) if men else "–"


def _group(by: str, value: str) -> str:
    if by == "educated":
        return EDUCATED[0] if value == "True" else EDUCATED[1]
    return f"aged {value.replace('-', ' to ')}"


def title(scenario: Scenario) -> str:
    """Return a scenario's title, cut if it is very long, else its name."""
    return elided(scenario.title or scenario.name, 120)
