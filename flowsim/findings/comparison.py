"""What a comparison says: of each pair of scenarios, of policies that coincide, of other lambdas.

Of a pair it says what differs, to whom something else happened, and by what.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from flowsim.findings import doubts, words
from flowsim.findings.account import records
from flowsim.findings.finding import Finding, Table, as_text, tabulated, wrapped
from flowsim.findings.naming import title
from flowsim.findings.ranges import SIMULATED, what_ranges_are
from flowsim.findings.words import between, capital, changed, count, listed, rate, share, signed
from flowsim.results import comparison as results
from flowsim.results.comparison import COMMON, EVERYBODY, REST, WHOLE, Comparison
from flowsim.scenario.places import Destination
from flowsim.scenario.schema import Scenario

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
TOGETHER = "Policies that came at the same time"
ABOUT_TOGETHER = (
    "Several policies came within days of each other. Every combination of them was run with the "
    "same men. A policy's share is its mean effect over all orders in which they could have "
    "come (Shapley value); the range beside it runs from the order that favours it least to the "
    "one that favours it most. Where that range is wide, the data cannot tell the policies apart. "
    "Intervals hold chance alone, no doubt about the parameters."
)


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
    def departures(self) -> pd.DataFrame:
        """The pair's row of men who set off; empty if it was not compared."""
        return self.measured(self.found.differences, "departures", self.a.home.code)

    @property
    def terms(self) -> pd.DataFrame:
        """The men who switched by term, most of them first; empty if it was not asked for."""
        rows = self.rows(self.found.terms)
        return rows if rows.empty else rows[rows["status_a"].eq(EVERYBODY)].sort_values("men")[::-1]

    @property
    def destinations(self) -> dict[str, Destination]:
        """The destinations of both scenarios, those of the first before those it lacks."""
        return {**self.a.destinations, **self.b.destinations}

    def became(self, row: pd.Series) -> tuple[str, ...]:
        """Write what became of men in both scenarios."""
        names = {name: country.name for name, country in self.destinations.items()}
        known = {f"reached-{key}": f"reached {name}" for key, name in names.items()}
        known |= {f"wants-{key}": f"wanted {name} and could not go" for key, name in names.items()}
        known |= OUTCOMES
        return tuple(known.get(str(row[status]), str(row[status])) for status in STATUSES)


def pairs(found: Comparison) -> list[Pair]:
    """Return the first scenario with each other one."""
    first, *others = found.scenarios
    return [Pair(found, first, other) for other in others]


def summary(found: Comparison) -> str:
    """Return what a comparison says, as a terminal shows it."""
    head = (
        f"The same men in {listed(found.names)}: {words.sampled(found.manifest['sample'])}, seed "
        f"{found.manifest['seed']}, {words.plural(found.replications, 'replication')}."
    )
    blocks = [wrapped(head, "")]
    for pair in pairs(found):
        blocks += [as_text([first(pair, "pair")]), example(pair)]
    return "\n".join([*blocks, as_text(part for part in _rest(found) if part.sentences)])


def answers(found: Comparison) -> list[Finding]:
    """Return the findings that a terminal shows; the keys of pairs name both scenarios."""
    return [*(first(p, f"{p.b.name}-against-{p.a.name}") for p in pairs(found)), *_rest(found)]


def _rest(found: Comparison) -> list[Finding]:
    sure = Finding("sure", "How sure this is", (caution(found),))
    return [coinciding(found.shapley), under_lambdas(found), sure]


def caution(found: Comparison) -> str:
    """Return what must be known before a difference is quoted."""
    drawn = bool(found.manifest.get("draws"))
    return f"{SIMULATED} {what_ranges_are(found.replications, drawn, paired=True)}"


def at_settings(found: Comparison) -> list[tuple[str, ...]]:
    """Return what each scenario changes against the first, for which nothing changes."""
    own = f"“{title(found.scenario)}” is what the others are compared with."
    return [(own,), *(first(pair, "pair").sentences for pair in pairs(found))]


def first(pair: Pair, key: str) -> Finding:
    """Return what is to be read first: how many more set off, who switched, what changes."""
    switched, shown = _switched(pair)
    because = [
        f"For {share(row['share'])} of them the reason was {_term(row)}."
        for _, row in pair.terms.head(1).iterrows()
    ]
    against = f"“{title(pair.b)}” (B) against “{title(pair.a)}” (A)"
    return Finding(key, against, (headline(pair), switched, *because), (*shown, _changes(pair)))


def more(pair: Pair, key: str) -> list[Finding]:
    """Return the rest: by which term, for whom, and what pairing was worth."""
    found = [
        Finding(f"{key}-terms", "What made the difference", *_terms(pair)),
        Finding(f"{key}-whom", "For whom", *_whom(pair)),
        Finding(f"{key}-worth", "What comparing the same men is worth", tuple(_worth(pair))),
    ]
    return [part for part in found if part.sentences or part.tables]


# ------------------------------------------------------------------ differences


def headline(pair: Pair) -> str:
    """Return the first thing to be said about a pair."""
    rows = pair.departures
    if rows.empty:
        return f"“{title(pair.b)}” is compared with “{title(pair.a)}”."
    return f"Under “{title(pair.b)}” {difference('men set off', rows.iloc[0])}"


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
    for what, measure, place in measures(pair):
        for _, row in pair.measured(pair.found.differences, measure, place).head(1).iterrows():
            if any(row[[*VALUES, *_ends(row)]]):
                draws = int(row.get("draws", 0))
                change, levels = changed(*row[[*_ends(row)]]), [count(row[v]) for v in VALUES]
                own = between(row["low"], row["high"], signed) or "none"
                cells = (change, *levels, own) if draws else (*levels, change)
                rows.append((capital(what), *cells))
    if draws:
        over = f"median and nine tenths of {draws} draws of the parameters, all doubt"
        return tabulated(
            f"What changes from A to B ({over}); then numbers and chance alone at the scenarios' "
            "own values",
            ("What 2.2", ">Change 2.0", ">In A 1.2", ">In B 1.2", ">Chance alone 1.6"),
            rows,
        )
    return tabulated(
        "What changes from A to B: numbers, and the change (mean and 95 % interval, chance alone)",
        ("What 2.2", ">In A 1.2", ">In B 1.2", ">Change 2.0"),
        rows,
    )


def _worth(pair: Pair) -> Iterator[str]:
    """Return what comparing the same men is worth, where it can be said."""
    for factor in results.worth_of_pairing(pair.departures.head(1)) if len(pair.departures) else ():
        if math.isfinite(factor) and factor > 1:
            yield (
                "Because the same men are compared, the variance of the difference in men who set "
                f"off is {rate(factor)} times smaller than between men of their own: without it as "
                "many times more replications would be needed."
            )


def difference(what: str, row: pd.Series) -> str:
    """Write a difference with its interval, and from what to what.

    With draws of the parameters the interval with all doubt comes first, and the part of it
    that is chance stands behind.
    """
    before, after = (count(row[value]) for value in VALUES)
    change, low, high = (float(row[name]) for name in _ends(row))
    least, most = (float(row[end]) for end in ENDS)
    own = " at the scenarios' own values" * bool(row.get("draws", 0))
    alone = between(least, most, signed) if own else ""  # the change is then a median
    chance = f"; chance alone {alone}" if alone else ""
    if low == change == high == 0:
        return f"{after} {what}, exactly as many as before."
    if low <= 0 <= high:
        return (
            f"{after} {what} instead of {before}{own}: whether these are more or fewer is "
            f"not certain ({signed(low)} to {signed(high)}{chance})."
        )
    more, sign = ("more", 1) if change > 0 else ("fewer", -1)
    inside = _unsigned(low, high)
    if chance and min(sign * least, sign * most) > 0:
        chance = f"; chance alone {_unsigned(least, most)}"
    span = f" ({inside}{chance})" if inside else ""
    levels = f": {after} instead of {before}{own}" * (after != before)
    return f"{count(abs(change))}{span} {more} {what}{levels}."


def _unsigned(low: float, high: float) -> str:
    near, far = sorted((abs(low), abs(high)))
    return between(near, far)


def _ends(row: pd.Series) -> tuple[str, str, str]:
    """Name the columns of a difference and its interval, with all doubt where there are draws."""
    return ("median", "all_low", "all_high") if row.get("draws", 0) else ("difference", *ENDS)


def under_lambdas(found: Comparison, simulated: str = "") -> Finding:
    """Return the differences under other values of lambda; nothing if there are none.

    Parameters
    ----------
    simulated : str
        With how many men and replications, if not with those of the comparison.
    """
    if found.lambdas.empty:
        return Finding("lambda", doubts.IF_LAMBDA)
    how = simulated or "the men and replications of this comparison"
    shown = tuple(_by_lambda(found.lambdas, pair, how) for pair in pairs(found))
    return Finding("lambda", doubts.IF_LAMBDA, (doubts.OF_LAMBDA,), shown)


def _by_lambda(table: pd.DataFrame, pair: Pair, simulated: str) -> Table:
    """Return the differences of a pair with a column for each value of lambda."""
    values = sorted(table["lambda"].unique())
    rows = []
    for what, measure, place in measures(pair):
        here = pair.measured(table, measure, place).set_index("lambda")
        if measure != "stock_persons" and len(here) == len(values) and here["difference"].any():
            cells = (here.loc[value, ["difference", *ENDS]] for value in values)
            rows.append((capital(what), *(changed(*map(float, cell)) for cell in cells)))
    caption = f"Change in “{title(pair.b)}”, by lambda ({simulated})"
    return doubts.by_lambda(caption, "What", [f"{value:g}" for value in values], rows)


# ------------------------------------------------------------------ the same men


def _switched(pair: Pair) -> tuple[str, tuple[Table, ...]]:
    """Return to how many something else happened, and the largest of such changes."""
    rows = pair.rows(pair.found.matrix)
    rows = rows[rows["by"].eq(EVERYBODY)]
    switched = rows[rows["status_a"].ne(rows["status_b"])].sort_values("men", ascending=False)
    if switched.empty:
        return "The same became of every man in both scenarios.", ()
    men, shown = float(switched["men"].sum()), switched.head(MOST)
    rest = float(men - shown["men"].sum())
    smaller = f"; {count(rest)} men are in smaller groups" * (rest >= 1)
    table = tabulated(
        f"Men to whom something else happened, and the interval of chance alone{smaller}",
        ("In A they 2.2", "In B they 2.2", ">Men 1.0", ">95 % interval 1.8"),
        ((*pair.became(row), count(row["men"]), _interval(row)) for _, row in shown.iterrows()),
    )
    return f"Something else became of {count(men)} of {count(rows['men'].sum())} men.", (table,)


def _interval(row: pd.Series) -> str:
    """Write the interval of a number of men, or why it should not be quoted."""
    if row["men_simulated"] < FEW:
        return f"only {int(row['men_simulated'])} simulated: do not quote"
    return between(max(0.0, row["low"]), row["high"])


def _terms(pair: Pair) -> tuple[tuple[str, ...], tuple[Table, ...]]:
    if pair.terms.empty:
        return (), ()
    how = (
        "Each term of a man's decision is swapped alone; the one that changes what becomes of "
        "him made the difference."
    )
    table = tabulated(
        "Men to whom something else happened, by the term that made the difference",
        ("Term 2.6", ">Men 1.0", ">95 % interval 1.8", ">Share 0.8"),
        (
            (capital(_term(row)), count(row["men"]), _interval(row), share(row["share"]))
            for _, row in pair.terms.iterrows()
        ),
    )
    return (how,), (table,)


def _term(row: pd.Series) -> str:
    return TERMS.get(str(row["term"]), str(row["term"]))


def example(pair: Pair) -> str:
    """Return how to read the life of one man of a pair in both scenarios; empty if none is known.

    One who reached a destination in one of them is preferred, of the commonest kind.
    """
    terms = pair.rows(pair.found.terms)
    if pair.found.folder is None or terms.empty:
        return ""
    some = terms[terms["status_a"].ne(EVERYBODY) & terms["example"].notna()]
    got_in = [some[s].astype(str).str.startswith("reached-") for s in STATUSES]
    best = some.assign(got_in=got_in[0] | got_in[1])
    best = best.sort_values(["got_in", "men"], ascending=False, kind="stable")
    if best.empty:
        return ""
    row, folder = best.iloc[0], pair.found.folder
    files = [shlex.quote(str(folder / f"scenario-{s.name}.yaml")) for s in (pair.a, pair.b)]
    in_a, in_b = pair.became(row)
    return (
        f"\nRead the days of one of those who {in_a} in A and {in_b} in B:"
        f"\n  flowsim biography {files[0]} --versus {files[1]} "
        f"--man {int(row['example'])}"
    )


def _whom(pair: Pair) -> tuple[tuple[str, ...], tuple[Table, ...]]:
    cells = list(_groups(pair))
    if not cells:
        return (), ()
    differs = {name: rest[-1] for name, *rest in cells}
    with_it, without = (differs.get(name, "") for name in EDUCATED.values())
    both = (
        f"Something else became of {with_it} in every 1,000 men with higher education, and of "
        f"{without} of those without."
    )
    heads = ("Group 1.8", ">Men in it 1.2", ">Got abroad in A 1.4", ">in B 1.4")
    table = tabulated("Of every 1,000 men in a group", (*heads, ">Something else 1.2"), cells)
    return ((both,) if with_it and without else ()), (table,)


def _groups(pair: Pair) -> Iterator[tuple[str, ...]]:
    """Return, by level of education and by age, who got abroad and whose outcome differs."""
    rows = pair.rows(pair.found.matrix)
    for by in ("educated", "age"):
        part = rows[rows["by"].eq(by)]
        for value, own in part.groupby(part["value"].astype(str)):
            men = float(own["men"].sum())
            some = [own[own[s].str.startswith("reached-")] for s in STATUSES]
            some.append(own[own["status_a"].ne(own["status_b"])])
            yield (
                EDUCATED.get(str(value), f"aged {str(value).replace('-', ' to ')}"),
                count(men),
                *(rate(1000 * one["men"].sum() / men) if men else "–" for one in some),
            )


# ------------------------------------------------------------------ policies that coincide


def coinciding(table: pd.DataFrame) -> Finding:
    """Return what each policy explains; nothing if it was not asked for."""
    targets: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in records(table):
        targets.setdefault(str(row["target"]), {})[str(row["policy"])] = row
    about = (ABOUT_TOGETHER,) * bool(targets)
    each = [_explained(*target) for target in targets.items()]
    shown = tuple(_shares(*target) for target in targets.items())
    return Finding("coinciding", TOGETHER, (*about, *each), shown)


def _explained(target: str, rows: Mapping[str, Mapping[str, Any]]) -> str:
    all_of_them, common = (
        changed(*(rows[name][column] for column in ("effect", *ENDS)))
        for name in (results.ALL, COMMON)
    )
    return (
        f"{capital(target)}: {count(rows[WHOLE]['effect'])} {rows[WHOLE]['unit']} with all "
        f"of them, {count(rows[REST]['effect'])} without any. Together they make {all_of_them}; "
        f"{common} belongs to several and cannot be told apart."
    )


def _shares(target: str, rows: Mapping[str, Mapping[str, Any]]) -> Table:
    return tabulated(
        f"What each policy makes of it: {target} ({rows[results.ALL]['unit']})",
        ("Policy 2.0", ">Share 1.0", ">Chance alone 1.6", ">By the order of arrival 1.8"),
        (
            (
                results.title_of(row),
                signed(row["effect"]),
                between(row["low"], row["high"], signed),
                f"{signed(row['least'])} to {signed(row['most'])}",
            )
            for name, row in rows.items()
            if name not in (results.ALL, COMMON, REST, WHOLE)
        ),
    )


def quoted(scenarios: Sequence[Scenario]) -> str:
    """Write the titles of scenarios, each in quotation marks."""
    return listed([f"“{title(scenario)}”" for scenario in scenarios])
