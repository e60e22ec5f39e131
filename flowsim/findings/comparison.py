"""What a comparison says, in plain sentences with intervals."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pandas as pd

from flowsim.comparison.coincidence import ALL, COMMON, REST, WHOLE, title_of
from flowsim.comparison.tables import EVERYBODY
from flowsim.comparison.uncertainty import ENOUGH
from flowsim.data import sources

if TYPE_CHECKING:
    from flowsim.comparison.folder import Comparison

MOST_CELLS = 5
WORTH_TELLING = 0.002  # of the men of a row
FEW = 100  # simulated men whose outcome differs; rates of fewer are left out


def report(found: Comparison) -> str:
    """Compose what the command line prints."""
    n = found.replications
    lines = [
        f"{found.names[0]} against {_listed(found.names[1:])}: the same men in each (sample "
        f"{found.manifest['sample']:g}, seed {found.manifest['seed']}), "
        f"{n} replication{'s' * (n != 1)}.",
        "In brackets: 95 % intervals of the mean over replications"
        + (", which need two replications or more." if n < 2 else "."),
    ]
    for a, b in found.pairs:
        lines += ["", *_pair(found, a, b)]
    if len(found.shapley):
        lines += ["", *_coinciding(found.shapley)]
    if len(found.lambdas):
        lines += ["", *_by_lambda(found)]
    return "\n".join(lines) + "\n"


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def count(value: float) -> str:
    """Write a number of men with three significant digits."""
    if not math.isfinite(value):
        return "unknown"
    digits = 0 if value == 0 else 2 - math.floor(math.log10(abs(value)))
    near = round(value, min(digits, 1))
    return f"{near:,.1f}" if abs(near) < 10 and near % 1 else f"{near:,.0f}"


def share(value: float) -> str:
    """Write a share as per cent, never rounding to 0 or 100 what is neither."""
    if 0.9995 <= value < 1:
        return "over 99.9 %"
    return "under 0.1 %" if 0 < value < 0.0005 else f"{100 * value:.3g} %"


def between(low: float, high: float) -> str:
    """Write an interval in brackets; nothing if there is none."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return f" ({count(low)} to {count(high)})"


def _pair(found: Comparison, a: str, b: str) -> Iterator[str]:
    titles = dict(zip(found.names, found.manifest["titles"], strict=True))
    yield f"{b.upper()}: {titles[b]}"
    yield from _differences(found, a, b)
    rows = found.matrix[(found.matrix["a"] == a) & (found.matrix["b"] == b)]
    yield from _whereabouts(found, rows[rows["by"] == EVERYBODY], a, b)
    yield from _for_whom(rows)
    terms = found.terms
    if "term" in terms:
        chosen = terms[(terms["a"] == a) & (terms["b"] == b)]
        yield from _what_switched(chosen)
        yield from _one_of_them(found, chosen, a, b)


def _differences(found: Comparison, a: str, b: str) -> Iterator[str]:
    table = found.differences
    table = table[(table["a"] == a) & (table["b"] == b)]
    for words, measure, place in _headlines(found):
        rows = table[(table["measure"] == measure) & (table["place_id"] == place)]
        for row in _records(rows):
            yield f"  {_difference(words, row)}"


def _headlines(found: Comparison) -> Iterator[tuple[str, str, str]]:
    yield "men set off", "departures", "RU"
    for name, country in found.scenarios[0].destinations.items():
        yield f"men reached {country.name}", "men", f"reached-{name}"
    for name, country in found.scenarios[0].destinations.items():
        yield f"men wanted {country.name} and were at home at the end", "men", f"wants-{name}"
    yield "men were turned back", "men", "turned-back"
    yield "men were sent home by an entry limit", "men", "limited"
    yield "cars in the longest queue at Lars", "queue_cars", "GE-LARS"


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def _difference(words: str, row: dict[str, Any]) -> str:
    """Say one difference, and what pairing was worth to it."""
    difference, low, high = row["difference"], row["low"], row["high"]
    if difference == 0:
        return f"{count(row['value_a'])} {words}, as before."
    more = "more" if difference > 0 else "fewer"
    ends = f"{count(row['value_b'])}, was {count(row['value_a'])}{_worth(row)}."
    if low * high <= 0:
        return (
            f"{words[:1].upper()}{words[1:]}: no sure difference: {count(abs(difference))} {more}, "
            f"{count(abs(low))} fewer to {count(abs(high))} more: {ends}"
        )
    span = between(*sorted((abs(low), abs(high))))
    return f"{count(abs(difference))}{span} {more} {words}: {ends}"


def _worth(row: dict[str, Any]) -> str:
    """Return what pairing is worth to a difference, where it is not mostly chance."""
    factor = row["variance_factor"]
    if row["n"] < ENOUGH or not math.isfinite(factor):
        return ""
    times = "more than 1,000" if factor > 1000 else f"{float(f'{factor:.2g}'):g}"
    return f"; pairing divides the variance by {times}"


def _whereabouts(found: Comparison, rows: pd.DataFrame, a: str, b: str) -> Iterator[str]:
    """Return what became in b of those who reached each destination in a, and who stayed."""
    starts = {
        f"reached-{n}": f"reached {c.name}" for n, c in found.scenarios[0].destinations.items()
    }
    for status, words in (starts | {"home": "were at home"}).items():
        row = rows[rows["status_a"] == status]
        if row.empty:
            continue
        total = row["men"].sum()
        same = row.loc[row["status_b"] == status, "men"].sum()
        nothing = "no other outcome is large enough to tell" if same < total else "nobody's differs"
        yield (
            f"  Of the {count(total)} men who {words} in {a}, the same holds for "
            f"{share(same / total)} in {b}; "
            + (_cells(row[row["status_b"] != status], total) or nothing)
            + "."
        )


def _cells(row: pd.DataFrame, total: float) -> str:
    """List the largest cells of a row."""
    least = WORTH_TELLING * total if total < 1e7 else 1.0
    some = row[row["men"] >= least].sort_values("men", ascending=False).head(MOST_CELLS)
    return ", ".join(
        f"{count(cell['men'])}{between(cell['low'], cell['high'])} {_became(cell['status_b'])}"
        for cell in _records(some)
    )


def _became(status: str) -> str:
    """Say in words what became of men."""
    kind, _, place = status.partition("-")
    if kind == "reached":
        return f"reached {place.title()}"
    if kind == "wants":
        return f"wanted {place.title()} and could not go"
    known = {
        "home": "were at home",
        "hiding": "hid from the call-up at home",
        "enlisted": "were called up",
        "limited": "were sent home by an entry limit",
        "gave-up": "gave up the queue",
        "turned-back": "were turned back",
        "underway": "were still under way",
    }
    return known.get(status, status)


def _for_whom(rows: pd.DataFrame) -> Iterator[str]:
    """Say in which groups most men's outcomes differ, per 1,000 men of the group."""
    off = rows["status_a"] != rows["status_b"]
    groups = ["by", "value"]
    switched = rows[off].groupby(groups)[["men", "men_simulated"]].sum()
    surely = switched["men"][switched["men_simulated"] >= FEW]
    rate = (1000 * surely / rows.groupby(groups)["men"].sum()).dropna()
    rate = rate.sort_values(ascending=False)
    if not {"educated", "age", "region"} <= set(rate.index.get_level_values("by")):
        return
    names = dict(zip(sources.regions().code, sources.regions().name, strict=True))
    words = {"True": "with higher education", "False": "without it"}
    most = [
        _per_thousand(rate["educated"], words, 2),
        "by age most " + _per_thousand(rate["age"], {}, 2),
        "by region most " + _per_thousand(rate["region"], names, 3),
    ]
    yield f"  Men whose outcome differs, per 1,000: {'; '.join(most)}."


def _per_thousand(rate: pd.Series[float], words: dict[str, str], most: int) -> str:
    """List the highest rates."""
    return ", ".join(
        f"{words.get(str(value), value)} {each:.2g}" for value, each in rate.head(most).items()
    )


def _what_switched(terms: pd.DataFrame) -> Iterator[str]:
    totals = terms[terms["status_a"] == EVERYBODY].sort_values("men", ascending=False)
    if totals.empty:
        yield "  No man's outcome differs."
        return
    each = ", ".join(f"{row['term']} {share(row['share'])}" for row in _records(totals))
    yield f"  What switched the {count(totals['men'].sum())} men whose outcome differs: {each}."


def _one_of_them(found: Comparison, terms: pd.DataFrame, a: str, b: str) -> Iterator[str]:
    """Return how to read the life of a man who reached another end, in both worlds."""
    some = terms[(terms["status_a"] != EVERYBODY) & terms["example"].notna()]
    if found.folder is None or some.empty:
        return
    got_in = some["status_a"].str.startswith("reached-") | some["status_b"].str.startswith(
        "reached-"
    )
    best = some.assign(got_in=got_in).sort_values(["got_in", "men"], ascending=False, kind="stable")
    row = _records(best)[0]
    file, other = (shlex.quote(str(found.folder / f"scenario-{name}.yaml")) for name in (a, b))
    yield (
        f"  One of them ({row['status_a']} to {row['status_b']}: {row['term']}): "
        f"flowsim biography {file} --versus {other} --man {int(row['example'])}"
    )


def _coinciding(table: pd.DataFrame) -> Iterator[str]:
    yield (
        f"POLICIES THAT COINCIDE, in {table['scenario'].iloc[0]}: effect of each (Shapley value), "
        "and its range over the orders in which they could have come"
    )
    for target in table["target"].unique():
        chosen = table[table["target"] == target]
        rows = {str(row["policy"]): row for row in _records(chosen)}
        unit = rows[WHOLE]["unit"]
        yield (
            f"  {target[:1].upper()}{target[1:]}: {count(rows[WHOLE]['effect'])} {unit}, "
            f"{count(rows[REST]['effect'])} without any of them, so together they make "
            f"{_effect(rows[ALL])}."
        )
        for policy, row in rows.items():
            if policy in (ALL, REST, WHOLE):
                continue
            orders = "" if policy == COMMON else f"; {_orders(row)} by the order of arrival"
            yield f"    {title_of(policy)}: {_effect(row)}{orders}"


def _effect(row: dict[str, Any]) -> str:
    return f"{count(row['effect'])}{between(row['low'], row['high'])}"


def _orders(row: dict[str, Any]) -> str:
    return f"{count(row['least'])} to {count(row['most'])}"


def _by_lambda(found: Comparison) -> Iterator[str]:
    yield "UNDER OTHER VALUES OF LAMBDA, which no published figure identifies"
    table = found.lambdas
    for a, b in found.pairs:
        for words, measure, place in _headlines(found):
            rows = table[(table["a"] == a) & (table["b"] == b) & (table["place_id"] == place)]
            chosen = _records(rows[rows["measure"] == measure])
            if chosen:
                yield f"  {b}, {words}: {', '.join(map(_at_lambda, chosen))}"


def _at_lambda(row: dict[str, Any]) -> str:
    sign = "+" if row["difference"] > 0 else ""
    span = between(row["low"], row["high"])
    return f"{sign}{count(row['difference'])}{span} at {row['lambda']:g}"
