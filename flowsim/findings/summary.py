"""What a run says, in plain words: who left, where to, who could not, who was stopped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from flowsim.scenario import set_by_user
from flowsim.scenario.schema import Scenario

YEAR = 2022  # need not be said of a date
HEADLINES = {  # rows of the comparison shown in the report, by observation id
    "GE": [f"GE{n:03d}" for n in range(5, 11)],
    "KZ": ["KZ009", "KZ011"],
    "Lars": ["LA008", "LA010", "LA011", "LA015", "LA023"],
}


def report(
    scenario: Scenario,
    daily: pd.DataFrame,
    outcomes: pd.DataFrame,
    comparison: pd.DataFrame,
    manifest: dict[str, Any],
) -> str:
    """Compose the summary that the command line prints.

    Parameters
    ----------
    daily, outcomes, comparison : DataFrame
        Tables of a run; numbers are means over its replications.
    manifest : dict
        Seeds, sample, seconds and memory.
    """
    lines = [
        scenario.title,
        f"{_number(outcomes.men.sum() / manifest['replications'])} men of 18-59 years, "
        f"{_number(manifest['men_simulated'])} simulated (sample {scenario.sample:g}, "
        f"seed {scenario.seed}, replications {manifest['replications']}), "
        f"{scenario.horizon.start:%d %B} to {scenario.horizon.end:%d %B %Y} (exclusive)",
        *(f"Changed with --set: {change}" for change in set_by_user(scenario)),
        "",
        *_who_left(scenario, daily, outcomes, manifest["replications"]),
        "",
        *_who_could_not(scenario, outcomes, manifest["replications"]),
        "",
        *_who_was_stopped(scenario, daily, outcomes, manifest["replications"]),
        "",
        *_waits(daily),
        "",
        *_beside_published(comparison),
        "",
        *_what_not_to_conclude(scenario),
        _what_it_took(manifest),
    ]
    return "\n".join(lines)


def _what_it_took(manifest: Mapping[str, Any]) -> str:
    peak = manifest["peak_memory_mb"]  # not every system tells it
    memory = "" if peak is None else f", peak memory {peak:.0f} MB"
    return f"Took {manifest['seconds']:.1f} s{memory}."


def _number(value: float) -> str:
    return f"{value:,.0f}"


def _total(daily: pd.DataFrame, kind: str, measure: str, place: str | None = None) -> float:
    """Add a flow up over time and places, mean over replications."""
    rows = daily[(daily.place_kind == kind) & (daily.measure == measure)]
    if place is not None:
        rows = rows[rows.place_id == place]
    return float(rows.value.sum()) / max(1, daily.replication.nunique())


def _men(outcomes: pd.DataFrame, mask: pd.Series, replications: int) -> float:
    return float(outcomes.men[mask].sum()) / replications


def _who_left(
    scenario: Scenario, daily: pd.DataFrame, outcomes: pd.DataFrame, replications: int
) -> Iterator[str]:
    left = _total(daily, "nation", "departures")
    yield f"WHO LEFT: {_number(left)} men set off."
    status = outcomes.status.astype(str)
    for name, country in scenario.destinations.items():
        bound = outcomes.destination == name
        crossed = bound & (status.str.startswith("abroad-") | status.isin(["moved-on", "returned"]))
        now = _men(outcomes, status == f"abroad-{name}", replications)
        entries = _total(daily, "destination", "entries", country.code)
        yield (
            f"  {country.name}: {_number(_men(outcomes, crossed, replications))} men got in, "
            f"{_number(now)} still there at the end; {_number(entries)} entries of all kinds, "
            "ordinary traffic included."
        )
        yield from _capacity(scenario, daily, name, replications)
    leavers = outcomes[(outcomes.destination.astype(str) != "")]
    if leavers.men.sum() > 0:
        share = float((leavers.men * leavers.educated).sum() / leavers.men.sum())
        everyone = float((outcomes.men * outcomes.educated).sum() / outcomes.men.sum())
        yield f"  Higher education: {share:.0%} of those who set off, {everyone:.0%} of all men."


def _capacity(
    scenario: Scenario, daily: pd.DataFrame, name: str, replications: int
) -> Iterator[str]:
    """Return when and how surely persons abroad pass the capacity line, families included."""
    if name not in scenario.capacities:
        return
    capacity = scenario.capacities[name]
    line, assumed = capacity.value, "; an assumption" * capacity.source.startswith("assumption")
    code = scenario.destinations[name].code
    rows = daily[(daily.place_id == code) & (daily.measure == "stock_persons")]
    passed = rows[rows.value >= line].groupby("replication").date.min()
    text = f"    capacity line of {_number(line)} persons (men, companions, families{assumed}): "
    if passed.empty:
        yield text + f"not passed, at most {_number(rows.value.max())}."
    elif replications == 1:
        yield text + f"passed on {passed.iloc[0]:%d %B}."
    else:
        yield text + (
            f"passed in {len(passed)} of {replications} replications, "
            f"in the median on {passed.sort_values().iloc[(len(passed) - 1) // 2]:%d %B}."
        )


def _who_could_not(scenario: Scenario, outcomes: pd.DataFrame, replications: int) -> Iterator[str]:
    status = outcomes.status.astype(str)
    wants = status.str.startswith("wants-")
    wanting = _number(_men(outcomes, wants, replications))
    yield f"WHO COULD NOT: {wanting} men wanted to leave and are at home."
    for name, country in scenario.destinations.items():
        here = status == f"wants-{name}"
        if outcomes.men[here].sum() > 0:
            without = _men(outcomes, here & ~outcomes.passport, replications)
            yield (
                f"  {country.name}: {_number(_men(outcomes, here, replications))}, "
                f"of them {_number(without)} without an international passport."
            )
    enlisted = _men(outcomes, status == "enlisted", replications)
    hiding = _men(outcomes, status == "hiding", replications)
    yield (
        f"  {_number(enlisted)} men were called up and complied; "
        f"{_number(hiding)} are in hiding at home."
    )


def _who_was_stopped(
    scenario: Scenario, daily: pd.DataFrame, outcomes: pd.DataFrame, replications: int
) -> Iterator[str]:
    crossing = {
        name: _total(daily, "crossing", name)
        for name in (
            "refused",
            "notices",
            "notices_expected",
            "refused_entry",
            "limited",
            "gave_up",
        )
    }
    yield (
        f"WHO WAS STOPPED: {_number(crossing['refused'])} men refused on the Russian side, "
        f"{_number(crossing['notices'])} of them handed a notice by a task force "
        f"({crossing['notices_expected']:,.1f} expected)."
    )
    yield (
        f"  {_number(crossing['limited'])} sent home by an entry limit, "
        f"{_number(crossing['gave_up'])} gave up a queue, "
        f"{_number(crossing['refused_entry'])} refused by the destination."
    )
    underway = outcomes.status.astype(str).isin(["queueing", "on-the-road"])
    yield (
        f"  {_number(_men(outcomes, underway, replications))} still queueing or on the road at "
        f"the end, {scenario.horizon.end:%d %B} 00:00."
    )


def _waits(daily: pd.DataFrame) -> Iterator[str]:
    rows = daily[(daily.place_kind == "crossing") & (daily.measure == "wait_hours")]
    worst = rows.groupby("place_id", observed=True).value.max().nlargest(4)
    yield "WAITS (mean of those who reached the head of the queue on the worst day):"
    for place, hours in worst.items():
        at = rows[(rows.place_id == place) & (rows.value == hours)].date.iloc[0]
        yield f"  {place}: {hours:.0f} hours on {at:%d %B}"


def _beside_published(comparison: pd.DataFrame) -> Iterator[str]:
    if comparison.empty:
        yield "BESIDE THE PUBLISHED FIGURES: none falls within this scenario's horizon."
        return
    table = comparison.groupby("observation", sort=False).agg(
        {
            "place_id": "first",
            "measure": "first",
            "unit": "first",
            "from": "first",
            "to": "first",
            "published": "first",
            "simulated": "mean",
            "role": "first",
            "is_input": "first",
        }
    )
    yield "BESIDE THE PUBLISHED FIGURES (input: the model was given it, agreement proves nothing):"
    yield f"  {'figure':44}{'published':>11}{'simulated':>11}{'ratio':>7}"
    sums = table.loc[[i for i in HEADLINES["GE"] if i in table.index]]
    if len(sums) == len(HEADLINES["GE"]):
        given = int(sums["is_input"].sum())
        yield _row(
            "Georgia entries, 21-26 September",
            sums.published.sum(),
            sums.simulated.sum(),
            f"{given} of 6 days inputs",
        )
    for name, row in table.iterrows():
        if name in HEADLINES["GE"]:
            continue
        start, end = pd.Timestamp(row["from"]), pd.Timestamp(row["to"])
        last = end if start == end else end - pd.Timedelta(minutes=1)
        days = f"{start:%d %b}" if start.date() == last.date() else f"{start:%d %b}-{last:%d %b}"
        role = "input" if row["is_input"] else ("not fitted" if row["role"] == "validate" else "")
        days += f" {start:%Y}" if start.year != YEAR else ""
        rate = " a day" if str(row["unit"]).endswith("/day") else ""
        label = f"{row['place_id']} {row['measure'].replace('_', ' ')}{rate}, {days}"
        yield _row(label, row["published"], row["simulated"], role)


def _row(label: str, published: float, simulated: float, note: str) -> str:
    ratio = f"{simulated / published:.2f}" if published else "-"
    return f"  {label:44}{published:11,.0f}{simulated:11,.0f}{ratio:>7}  {note}".rstrip()


def _what_not_to_conclude(scenario: Scenario) -> Iterator[str]:
    countries = " and ".join(d.name for d in scenario.destinations.values())
    yield (
        f"Only {countries} are modelled: never set the total against the 260,000 reported for all "
        "exits. Origins, diversion between destinations and what happened after 28 September rest "
        "on declared assumptions: see `flowsim check`."
    )
    if scenario.sample < 1 / 200:
        yield f"The queue is lumpy below a sample of 1:200 (this is 1:{1 / scenario.sample:.0f})."
