"""Make docs/headlines.md: what each published total counts, and the accounting behind it.

``python docs/make_headlines.py`` runs ``all-exits`` with 30 draws of the parameters, and its worlds
with a border closed at three values of lambda; writes what they come to into
``docs/headlines/*.csv``, and the page from these and from the published figures: which of them
make up a quarter says ``quarter.csv``, written by hand. ``--as-it-is`` leaves the simulations out;
``--check`` fails if the page is not what the tables give.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from flowsim.calibration import posterior_changes
from flowsim.data import sources
from flowsim.experiments.running import run
from flowsim.experiments.simulate import simulate
from flowsim.findings import press
from flowsim.findings.account import Account
from flowsim.findings.ranges import ends
from flowsim.findings.words import listed, short_day
from flowsim.results.observation import Observed
from flowsim.results.run import Run
from flowsim.results.tables import Selection, daily_table
from flowsim.scenario import Base, Scenario, load
from flowsim.scenario.lambdas import VALUES, with_lambda

DOCS = Path(__file__).resolve().parent
PAGE, TABLES = DOCS / "headlines.md", DOCS / "headlines"
BLOCK = re.compile(r"(<!-- table: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
DRAWS, SAMPLE, SMALL = 30, 0.1, 0.05
MONTHS = {"July": 31, "August": 31, "September": 30}
WAVE_DAYS = 10  # 21 to 30 September
OWN = "own citizens"  # who show Russia a Russian passport
AT = " at the crossing"  # Russians who came by the ways the border service counts
PEAK = 0.9  # of the wave into Georgia came by Lars; its ministry, data README
FOUR_DAYS = 4
MEN = 1 / 1.19  # of those who left; companions of the baseline, KZ046, MN905
MOSCOW = 0.7  # of international departures; assumption

SHUT = {"kind": "border-closed", "for": "men", "from": "2022-09-21"}
WORLDS: dict[str, dict[str, object]] = {
    "as it was": {},
    "Finland never closed": {"policies.finland_closes": None},
    "Georgia closed from 21 September": {"policies.shut": {**SHUT, "at": "georgia"}},
    "Finland closed from 21 September": {
        "policies.finland_closes": None,
        "policies.shut": {**SHUT, "at": "finland"},
    },
}
PERIODS = {"whole": ("2022-09-21", "2022-10-31"), "after": ("2022-09-30", "2022-10-06")}


def figure(name: str) -> float:
    """Return a published figure."""
    return next(one.value for one in sources.observations() if one.id == name)


# ------------------------------------------------------------------ from the published figures


def excess() -> dict[str, tuple[float, float, float]]:
    """Return persons above the ordinary level in the four days, by border: middle, low, high."""
    georgia = sum(figure(f"GE{n:03}") for n in range(5, 9))
    georgia -= FOUR_DAYS * sum(figure(f"GE{n:03}") for n in range(1, 5)) / 4
    level = load("september-2022").destinations["kazakhstan"].background
    assert level.free is not None
    six = [figure("KZ009") - 6 * ordinary for ordinary in (level.value, *reversed(level.free))]
    kazakhstan = sorted(FOUR_DAYS / 6 * persons for persons in six)
    finland = sum(figure(n) for n in ("FI909", "FI910", "FI911", "FI907"))
    finland -= sum(figure(n) for n in ("FI903", "FI904", "FI905", "FI906"))
    whole_border = figure("MN906") / (figure("MN002") * 10 / 9)
    mongolia = (figure("MN001") - 4.5 * figure("MN901")) * 4 / 4.5
    wednesday, thursday = figure("RU902") / 100 - 1, 0.044  # RU903: +4.4 %
    air = [
        FOUR_DAYS * change * 33_000 / MOSCOW
        for change in ((wednesday + thursday) / 2, wednesday, 0.083)  # RU901, the day before
    ]
    return {
        "Georgia": (georgia, 0.9 * georgia, 1.1 * georgia),
        "Kazakhstan": (kazakhstan[1], kazakhstan[0], kazakhstan[2]),
        "Finland": (finland, 0.9 * finland, 1.1 * finland),
        "Mongolia": (mongolia * whole_border, mongolia, 1.2 * mongolia * whole_border),
        press.AIR: (air[0], air[1], air[2]),
    }


def accounting(level: pd.DataFrame) -> list[list[str]]:
    """Return the accounting on published figures: ordinary men of four days, men above, the sum."""
    rows, sums = [], np.zeros(4)
    above = excess()
    for row in level.itertuples():
        persons = above.get(str(row.place), (0.0, 0.0, 0.0))
        men = [MEN * one for one in persons]
        sums += [row.men, *men]
        rows.append(
            [
                str(row.place),
                number(row.persons / FOUR_DAYS),
                number(row.men),
                spanned(*men) if persons[0] else "none published",
                number(row.men + men[0]),
            ]
        )
    total = level["persons"].sum() / FOUR_DAYS
    rows.append(
        [
            f"**{press.ALL}**",
            f"**{number(total)}**",
            f"**{number(sums[0])}**",
            f"**{spanned(*sums[1:])}**",
            f"**{number(sums[0] + sums[1])}**",
        ]
    )
    return rows


def quarter() -> list[list[str]]:
    """Return ordinary exits of the quarter beside the border service's, by destination."""
    scenario, rows = load("all-exits"), []
    for (name, source), parts in read("quarter").groupby(
        ["destination", "border_service"], sort=False
    ):
        if country := (scenario.elsewhere or {}).get(name):
            label, how = country.name, "by construction"
            made = country.exits.value * sum(MONTHS.values())
        else:
            label, made, how = own_months(scenario, name, parts)
        told = figure(source)
        rows.append([label, number(told), number(made), f"{made / told:.2f}", how])
    return rows


def own_months(scenario: Scenario, name: str, parts: pd.DataFrame) -> tuple[str, float, str]:
    """Return name, exits of the quarter and how they are made up, of a country one can choose.

    A month is what was published of the crossing or of the country, else the level of
    mid-September; without a September of its own the wave is added. Citizens of the country who
    left Russia on a Russian passport are added; what came by ways that the border service counts
    under other countries is left out.
    """
    place = scenario.destinations[name]
    level = place.background.value
    worth = parts["figure"].map(figure) * parts["times"]
    published = worth.groupby(parts["part"]).sum()
    wave = max(0.0, published.get("wave", 0.0) - WAVE_DAYS * level)
    counted = [month for month in MONTHS if f"{month}{AT}" in published]
    persons = published.get(OWN, 0.0) + sum(
        published.get(month, days * level) for month, days in MONTHS.items() if month not in counted
    )
    ordinary = persons - wave * ("September" in published)
    ways = [way for way in scenario.crossings.values() if way.destination == name]
    direct = [way for way in ways if not way.counted_elsewhere]
    share = sum(way.background_share.value for way in direct) / sum(
        way.background_share.value for way in ways
    )
    made = share * ordinary + max(share, PEAK) * wave
    made += sum(published[f"{month}{AT}"] for month in counted)
    label = place.name if share == 1 else f"{place.name} (by {direct[0].name})"
    own = [month for month in MONTHS if month in published]
    missing = [month for month in MONTHS if month not in (*own, *counted)]
    told = [f"its own count of {listed(own)}"] if own else []
    told += [f"arrivals there in {listed(counted)}"] if counted else []
    told += [f"level of mid-September in {listed(missing)}"] if missing else []
    told += ["the wave"] if "September" in missing else []
    told += ["its citizens with Russian passports"] if OWN in published else []
    return label, made, "; ".join(told)


# ------------------------------------------------------------------ from simulations


def simulated() -> Run:
    """Run all-exits with draws of the parameters."""
    return run("all-exits", sample=SAMPLE, draws=posterior_changes(DRAWS, exits=True))


def level_of(account: Account) -> pd.DataFrame:
    """Return ordinary persons and men of the four days by group of borders: inputs."""
    told = press.headline(press.FOUR_DAYS)
    rows = []
    for place, codes in press.groups(account.scenario).items():
        men, persons = (
            account.total(measure, "exit", codes, (told.start, told.end)).mean()
            for measure in ("ordinary_men_before", "ordinary_before")
        )
        rows.append({"place": place, "men": float(men), "persons": float(persons)})
    return pd.DataFrame(rows)


def borders_of(account: Account) -> pd.DataFrame:
    """Return gross men, leavers and excess of both headlines by border: median and range."""
    rows = []
    for name in (press.FOUR_DAYS, press.TWO_WEEKS):
        told = press.headline(name)
        for place, men in press.by_border(account.most, told).items():
            for part in ("gross", "ordinary", "leavers", "excess"):
                values = getattr(men, part)
                low, high = ends(values)
                rows.append(
                    {"headline": name, "place": place, "part": part}
                    | {"median": float(np.median(values)), "low": low, "high": high}
                )
    return pd.DataFrame(rows)


def totals_of(account: Account) -> pd.DataFrame:
    """Return every published total beside its count."""
    table = press.totals(account).tables[0]
    rows = [[str(getattr(cell, "text", cell)) for cell in row] for row in table.rows]
    return pd.DataFrame(rows, columns=list(table.header))


def days_of(result: Run) -> pd.DataFrame:
    """Return the figures of the further exits beside the run, medians of the draws."""
    drawn, own = result.posterior_summary, result.summary
    assert drawn is not None
    rows = []
    for name in own["observation"].unique():
        if not str(name).startswith(("FI", "MN", "NO")):
            continue
        mine = own[own["observation"].eq(name)]
        values = drawn[drawn["observation"].eq(name)]["simulated"].to_numpy(dtype=float)
        low, high = ends(values)
        first = mine.iloc[0]
        standing = "input" if first["is_input"] else first["role"]
        rows.append(
            {
                "id": name,
                "place": first["place_id"],
                "start": str(first["from"]),
                "end": str(first["to"]),
            }
            | {"published": float(first["published"]), "own": float(mine["simulated"].mean())}
            | {"median": float(np.median(values)), "low": low, "high": high, "role": standing}
        )
    return pd.DataFrame(rows)


def diversion() -> pd.DataFrame:
    """Return the expected men setting off by world, lambda, destination and period."""
    base, rows = Base.read("all-exits"), []
    only = Selection(measures=frozenset({"departures_expected"}), kinds=frozenset({"destination"}))
    for name, changes in WORLDS.items():
        scenario = base.variant(changes).model_copy(update={"sample": SMALL})
        for value in VALUES:
            daily = daily_table(Observed(simulate(with_lambda(scenario, value))), 0, only)
            for period, (first, last) in PERIODS.items():
                some = daily[daily["date"].ge(first) & daily["date"].le(last)]
                men = some.groupby(some["place_id"].astype(str))["value"].sum()
                rows += [
                    {
                        "world": name,
                        "lambda": value,
                        "period": period,
                        "place": place,
                        "men": float(n),
                    }
                    for place, n in men.items()
                ]
    return pd.DataFrame(rows)


def make_tables() -> None:
    """Simulate, and write every table."""
    TABLES.mkdir(exist_ok=True)
    result = simulated()
    account = Account.of(result)
    for name, table in {
        "level": level_of(account),
        "borders": borders_of(account),
        "totals": totals_of(account),
        "days": days_of(result),
        "diversion": diversion(),
    }.items():
        table.round(3).to_csv(TABLES / f"{name}.csv", index=False, lineterminator="\n")


# ------------------------------------------------------------------ the page


def number(value: float) -> str:
    """Write a number of people with three digits that count."""
    if not np.isfinite(value) or value == 0:
        return "0"
    digits = max(0, int(np.floor(np.log10(abs(value)))) - 2)
    return f"{round(value, -digits):,.0f}".replace("-", "\u2212")


def spanned(middle: float, low: float, high: float) -> str:
    """Write a number with its range."""
    return f"{number(middle)} ({number(low)} to {number(high)})"


def markdown(header: list[str], rows: list[list[str]]) -> str:
    """Write a table as Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def read(name: str) -> pd.DataFrame:
    """Read one of the tables of the simulations."""
    return pd.read_csv(TABLES / f"{name}.csv", keep_default_na=False, na_values=[""])


def border_rows(name: str) -> list[list[str]]:
    """Return the simulated men of a headline by border."""
    table = read("borders")
    table, parts = table[table["headline"].eq(name)], ("ordinary", "leavers", "gross", "excess")
    rows = []
    for place in table["place"].unique():
        cells = table[table["place"].eq(place)].set_index("part")
        told = [spanned(*cells.loc[part, ["median", "low", "high"]]) for part in parts]
        rows.append([place, *told])
    return rows


def day_rows() -> list[list[str]]:
    """Return the published days of the further exits beside the simulation."""
    return [
        [
            row.id,
            row.place,
            str(row.start)[:16].replace(" 00:00", ""),
            number(row.published),
            number(row.own),
            f"{row.own / row.published:.2f}",
            spanned(row.median, row.low, row.high),
            row.role,
        ]
        for row in read("days").itertuples()
    ]


def diverted_rows(world: str, against: str, period: str) -> list[list[str]]:
    """Return by lambda how many more set off for each destination in one world than in another."""
    table = read("diversion")
    table = table[table["period"].eq(period)]
    wide = table.pivot_table(index=["lambda", "place"], columns="world", values="men")
    more = (wide[world] - wide[against]).unstack("place")
    places = list(load("all-exits").destinations.values())
    rows = []
    for value in more.index:
        cells = [
            f"{'+' if more.loc[value, p.code] > 0 else ''}{number(more.loc[value, p.code])}"
            for p in places
        ]
        rows.append([f"{value:g}", *cells, number(more.loc[value].sum())])
    return rows


def blocks() -> dict[str, str]:
    """Return every table of the page."""
    names = [place.name for place in load("all-exits").destinations.values()]
    lambdas = ["lambda", *names, "all"]
    totals = read("totals")
    borders = ["border", "ordinary men", "left because of the call-up", "all men", "excess"]
    return {
        "counts": markdown(
            ["total", "when", "what it counts"],
            [
                [
                    f"[{one.named}]({one.source_url})",
                    f"{short_day(one.start)} to {short_day(one.end)}",
                    one.counts,
                ]
                for one in sources.headlines()
            ],
        ),
        "totals": markdown(list(totals.columns), totals.astype(str).to_numpy().tolist()),
        "accounting": markdown(
            ["border", "ordinary persons a day", "ordinary men", "men above", "sum"],
            accounting(read("level")),
        ),
        "four-days": markdown(borders, border_rows(press.FOUR_DAYS)),
        "two-weeks": markdown(borders, border_rows(press.TWO_WEEKS)),
        "quarter": markdown(
            ["destination", "border service", "made here", "ratio", "how"], quarter()
        ),
        "days": markdown(
            ["figure", "place", "from", "published", "simulated", "ratio", "draws", "role"],
            day_rows(),
        ),
        "georgia": markdown(
            lambdas, diverted_rows("Georgia closed from 21 September", "as it was", "whole")
        ),
        "finland": markdown(
            lambdas, diverted_rows("Finland closed from 21 September", "as it was", "whole")
        ),
        "closure": markdown(lambdas, diverted_rows("as it was", "Finland never closed", "after")),
    }


def page() -> str:
    """Return the page with its tables made anew."""
    made = blocks()
    return BLOCK.sub(lambda b: b[1] + made[b[2]] + b[3], PAGE.read_text(encoding="utf-8"))


def main() -> None:
    """Simulate unless told not to, then write or check the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--as-it-is", action="store_true", help="leave the simulations out")
    parser.add_argument("--check", action="store_true", help="only compare the page")
    given = parser.parse_args()
    if given.check:
        sys.exit(page() != PAGE.read_text(encoding="utf-8"))
    if not given.as_it_is:
        make_tables()
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
