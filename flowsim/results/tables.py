"""Tables of a run: daily, hourly and outcomes, and the comparison with published figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from flowsim.model.states import NEVER, Reason, Status, reason_names, status_name
from flowsim.model.status import categories, reasons
from flowsim.results.exits import EXITS, exits, places
from flowsim.results.ledger import Ledger, mean
from flowsim.results.observation import FLOWS, LEVELS, WAITS, Observed
from flowsim.scenario.clock import DAY, HOUR, Offset
from flowsim.scenario.observing import figures_of
from flowsim.scenario.places import Destination
from flowsim.scenario.quantity import AGE_BANDS
from flowsim.scenario.timetable import WARM_UP
from flowsim.types import Floats, Ints

if TYPE_CHECKING:
    from flowsim.model.flow_model import FlowModel

Series = Callable[[], Floats]
"""Works out one measure of a place or of several, shape (D,) or (D, places)."""

NINE = 9  # o'clock Moscow time, when published queues were counted
DIGITS = 6


@dataclass(frozen=True)
class Selection:
    """Which rows of the daily table are wanted; what is not wanted is not worked out.

    Attributes
    ----------
    measures, places, kinds : frozenset of str, optional
        Names that ``measure``, ``place_id`` and ``place_kind`` may take; None for all.
    """

    measures: frozenset[str] | None = None
    places: frozenset[str] | None = None
    kinds: frozenset[str] | None = None

    def wants(self, kind: str, place: str | None = None, measure: str | None = None) -> bool:
        """Return whether rows of this kind are wanted: of a place and measure, or of any."""
        return (
            (self.kinds is None or kind in self.kinds)
            and (place is None or self.places is None or place in self.places)
            and (measure is None or self.measures is None or measure in self.measures)
        )


class Tidy:
    """Gathers series into one long table, those wanted alone."""

    def __init__(self, only: Selection | None = None) -> None:
        self._only = only or Selection()
        self._rows: list[tuple[str, str, str]] = []
        self._values: list[Floats] = []

    def add(
        self,
        kind: str,
        places: Sequence[str],
        measures: Iterable[str],
        series: Callable[[str], Floats],
    ) -> None:
        """Add measures of some places, place by place.

        Parameters
        ----------
        kind : str
            Of the places, such as ``crossing``.
        places : sequence of str
            Their ids.
        measures : iterable of str
            Names of what is measured.
        series : callable
            From the name of a measure to its values:
            shape (time, places) or, of one place, (time,).
        """
        here = [p for p, place in enumerate(places) if self._only.wants(kind, place)]
        if not here:
            return
        measures = [m for m in measures if self._only.wants(kind, None, m)]
        columns = [series(measure).reshape(-1, len(places)).T for measure in measures]
        for p in here:
            self._rows += [(kind, places[p], measure) for measure in measures]
            self._values += [column[p] for column in columns]

    def frame(
        self, times: pd.DatetimeIndex, name: str, label: str, replication: int
    ) -> pd.DataFrame:
        """Make the table; ``name`` is that of the time column, rounding to six decimals."""
        n, m = len(times), len(self._values)

        def repeated(part: int) -> pd.Categorical:
            names = sorted({row[part] for row in self._rows})
            code = {word: i for i, word in enumerate(names)}
            codes = np.array([code[row[part]] for row in self._rows], dtype=np.int16)
            return categories(np.repeat(codes, n), names)

        values = np.concatenate(self._values) if m else np.zeros(0)
        return pd.DataFrame(
            {
                "scenario": categories(np.zeros(n * m, dtype=np.int8), [label]),
                "replication": np.full(n * m, replication, dtype=np.int32),
                name: np.tile(times.to_numpy(), m),
                "place_kind": repeated(0),
                "place_id": repeated(1),
                "measure": repeated(2),
                "value": np.round(values, DIGITS) + 0.0,
            }
        )


def hourly_table(observed: Observed, replication: int) -> pd.DataFrame:
    """Make the table by hour and crossing; flows of the hour that begins, queues at its start."""
    model, clock = observed.model, observed.world.clock
    ids = [c.crossing_id for c in model.crossings]
    series = {measure: flow[WARM_UP:] for measure, flow in observed.flows.items()}
    series |= {measure: level[WARM_UP:-1] for measure, level in observed.levels.items()}
    series |= {name: mean(*waits)[WARM_UP:] for name, waits in observed.waits.items()}
    tidy = Tidy()
    for measure in series:
        tidy.add("crossing", ids, [measure], series.__getitem__)
    times = pd.date_range(clock.start, periods=clock.n_hours, freq="h", unit="ms")
    return tidy.frame(times, "time", model.assumptions.name, replication)


def daily_table(
    observed: Observed, replication: int, only: Selection | None = None
) -> pd.DataFrame:
    """Make the table by day: nation, regions, destinations, crossings and groups.

    ``only`` keeps the rows it selects, in the same order and to the same bit; nothing else is
    worked out, and names that do not occur are no categories of the table.
    """
    tidy, ledger = Tidy(only), Ledger(observed.model)
    _add_crossings(tidy, observed)
    _add_groups(tidy, observed)
    _add_destinations(tidy, observed, ledger)
    _add_home(tidy, ledger)
    if observed.model.assumptions.elsewhere is not None:
        _add_exits(tidy, observed)
    clock = observed.world.clock
    times = pd.date_range(clock.start, periods=clock.n_days, freq="D", unit="ms")
    return tidy.frame(times, "date", observed.model.assumptions.name, replication)


def _add_crossings(tidy: Tidy, observed: Observed) -> None:
    """Add what happens at each crossing, by the local day of its other side."""

    def days(measure: str) -> Floats:
        if measure in FLOWS:
            return observed.local_days_of_crossings(observed.flows[measure])
        if measure in LEVELS:
            return observed.levels[measure][WARM_UP + NINE :: 24]
        if measure == "wait_hours_p90":
            return daily_waits(observed, 0.9)
        waited, reached = observed.waits[measure]
        return mean(
            observed.local_days_of_crossings(waited), observed.local_days_of_crossings(reached)
        )

    ids = [crossing.crossing_id for crossing in observed.model.crossings]
    tidy.add("crossing", ids, (*FLOWS, *LEVELS, *WAITS, "wait_hours_p90"), days)


def daily_waits(observed: Observed, share: float) -> Floats:
    """Return a quantile of the waits of those who reached the head, by local day, shape (D, C)."""
    units, crossings = observed.units, observed.model.crossings
    clock = observed.world.clock
    n_days = clock.n_days
    some = np.flatnonzero(np.isfinite(units.start))
    start, crossing = units.start[some], units.crossing[some]
    ahead = np.zeros(len(start))
    for column, one in enumerate(crossings):
        here = crossing == column
        ahead[here] = clock.ahead(one.parameters.utc_offset_h, start[here])
    day = np.floor((start + ahead * HOUR) / DAY).astype(np.int64)
    wait = (start - units.arrival[some]) / HOUR
    inside = (day >= 0) & (day < n_days)
    cell, wait = crossing[inside] * n_days + day[inside], wait[inside]
    order = np.lexsort((wait, cell))
    cell, wait = cell[order], wait[order]
    ends = np.searchsorted(cell, np.arange(len(crossings) * n_days + 1))
    n = np.diff(ends)
    place = ends[:-1] + np.floor(share * (n - 1)).astype(np.int64)
    out = np.full(len(n), np.nan)
    out[n > 0] = wait[place[n > 0]]
    return out.reshape(len(crossings), n_days).T


def _add_groups(tidy: Tidy, observed: Observed) -> None:
    """Add the groups of crossings for which figures were published."""
    groups = sorted({c.parameters.group for c in observed.model.crossings} - {None}, key=str)
    for group in groups:
        members = [c for c in observed.model.crossings if c.parameters.group == group]
        columns = [c.column for c in members]
        offset = members[0].parameters.utc_offset_h

        def days(measure: str, columns: list[int] = columns, offset: Offset = offset) -> Floats:
            if measure in LEVELS:
                level = observed.levels[measure][WARM_UP + NINE :: 24, columns]
                return level.sum(axis=1)
            flow = observed.flows[measure][:, columns].sum(axis=1)
            return observed.local_days(flow, offset)

        tidy.add("group", [str(group)], (*FLOWS, *LEVELS), days)


def _add_destinations(tidy: Tidy, observed: Observed, ledger: Ledger) -> None:
    """Add entries, exits, stocks, registrations and wishes, by each country's local day."""
    share = cache(ledger.share_of_leavers)
    for j, country in enumerate(observed.model.assumptions.destinations.values()):
        series = _of_destination(observed, ledger, share, j)
        tidy.add("destination", [country.code], series, partial(_worked_out, series))


def _worked_out(series: Mapping[str, Series], measure: str) -> Floats:
    return series[measure]()


def _of_destination(
    observed: Observed, ledger: Ledger, share: Callable[[str], Floats], j: int
) -> dict[str, Series]:
    """Return how each measure of a destination is worked out, shape (D,)."""
    model = observed.model
    country = list(model.assumptions.destinations.values())[j]
    columns = observed.columns_of(country.code)

    def days(by_hour: Floats) -> Floats:
        return observed.local_days(by_hour, country.utc_offset_h)

    def tonight(by_hour: Floats) -> Floats:
        return observed.local_midnights(by_hour[:, j], country.utc_offset_h)

    def flow(measure: str) -> Floats:
        return days(observed.flows[measure][:, columns].sum(axis=1))

    return {
        **{measure: partial(flow, measure) for measure in FLOWS},
        "exits": lambda: days(observed.exits[:, j]),
        "stock_men": lambda: tonight(observed.newcomers[0]),
        "stock_persons": lambda: tonight(observed.newcomers[1]),
        "stock_ordinary": lambda: tonight(observed.ordinary.present),
        "registrations": lambda: days(_registrations(observed, ledger.entered(j), country)),
        "departures": lambda: ledger.departures[:, j],
        "departures_expected": lambda: np.diff(model.expected_departures[:, :, j].sum(axis=1)),
        "involuntary_stayers": lambda: ledger.involuntary(j),
        "educated_share": lambda: share("educated")[:, j],
        "passport_share": lambda: share("passport")[:, j],
    }


def _registrations(observed: Observed, entered: Ints, country: Destination) -> Floats:
    """Count persons registered by hour, some time after they entered, shape (H,)."""
    if not country.registers or country.registration_delay is None:
        return np.zeros(observed.n_rows)
    trips = observed.model.trips
    return observed.by_hour(
        trips["ends_at"][entered] + country.registration_delay.value * DAY,
        np.zeros(len(entered), dtype=np.int64),
        trips["weight"][entered] * observed.model.persons_per_man,
        1,
    )[:, 0]


def _add_home(tidy: Tidy, ledger: Ledger) -> None:
    """Add what happens in the regions and the nation, by Moscow day."""
    model, world = ledger.model, ledger.world
    men, trips, home = model.population, model.trips, model.assumptions.home.code

    @cache
    def departures() -> Floats:
        first = trips["tries"] == 0
        stratum = men.stratum[trips["row"][first]]
        return ledger.by_region(trips["leaves_at"][first], stratum, trips["weight"][first])

    @cache
    def summonses(column: str) -> Floats:
        rows = np.flatnonzero(getattr(men, column) < NEVER)
        at, stratum = getattr(men, column)[rows], men.stratum[rows]
        return np.cumsum(ledger.by_region(at, stratum, men.weight_of(rows)), axis=0)

    series: dict[str, Series] = {
        "departures": departures,
        "called_up": partial(summonses, "summoned_at"),
        "enlisted": partial(summonses, "enlisted_at"),
    }
    nation: dict[str, Series] = {
        "involuntary_stayers": ledger.involuntary_stayers,
        "educated_share": lambda: ledger.share_of_leavers("educated")[:, -1],
    }
    for measure in series:
        tidy.add("region", world.regions.code, [measure], partial(_worked_out, series))
        tidy.add("nation", [home], [measure], lambda name: series[name]().sum(axis=1))
    tidy.add("nation", [home], nation, partial(_worked_out, nation))


def _add_exits(tidy: Tidy, observed: Observed) -> None:
    """Add the exits over all borders, by destination and country of ``elsewhere``, Moscow days."""

    @cache
    def by_hour() -> dict[str, Floats]:
        return exits(observed)

    def days(measure: str) -> Floats:
        return observed.local_days(by_hour()[measure], observed.world.clock.utc_offset_h)

    tidy.add("exit", places(observed), EXITS, days)


def outcomes_table(model: FlowModel, replication: int) -> pd.DataFrame:
    """Count all men of the sample by what they are and what became of them.

    ``destination`` is the one a man last set off for, empty if he never left; ``reason`` is why
    he could not go or was stopped, one of ``states.reason_names``.
    """
    world, men, trips = model.world, model.population, model.trips
    status = model.status()
    bound = np.zeros(len(men), dtype=np.int64)
    if len(trips):
        bound = np.where(men.trip >= 0, trips["destination"][men.trip].astype(np.int64) + 1, 0)
    stratum = world.strata.plain(men.stratum)
    shape = len(world.of_plain["region"]), 256, len(world.destinations) + 1, 256
    codes = (stratum, status, bound, reasons(men, trips, model.wishes, status))
    key = np.ravel_multi_index(codes, shape)
    everybody = world.strata.by_plain(men.counts)
    rest = everybody - np.bincount(stratum, minlength=len(everybody))
    keys, counts = np.unique(key, return_counts=True)
    everywhere = np.arange(len(everybody))
    home = np.ravel_multi_index((everywhere, Status.HOME, 0, Reason.NONE), shape)
    merged = pd.Series(np.concatenate([counts, rest])).groupby(np.concatenate([keys, home])).sum()
    merged = merged[merged > 0]
    keys, counts = merged.index.to_numpy(), merged.to_numpy()
    stratum, code, bound, why = np.unravel_index(keys, shape)
    of = {name: column[stratum] for name, column in world.of_plain.items()}
    named = {status_name(int(c), world.destinations): c for c in np.unique(code)}
    statuses, label = sorted(named), model.assumptions.name
    place = np.zeros(256, dtype=np.int16)
    place[[named[status] for status in statuses]] = np.arange(len(statuses))
    return pd.DataFrame(
        {
            "scenario": categories(np.zeros(len(keys), dtype=np.int8), [label]),
            "replication": np.full(len(keys), replication, dtype=np.int32),
            "region": categories(of["region"], world.regions.code),
            "age": categories(of["age"], AGE_BANDS),
            "educated": of["educated"] == 1,
            "passport": of["passport"] == 1,
            "liable": of["liable"] == 1,
            "status": categories(place[code], statuses),
            "destination": categories(bound, ["", *world.destinations]),
            "reason": categories(why, reason_names(world.documents)),
            "men": np.round(counts * men.weight[stratum >> 3], DIGITS),
            "men_simulated": counts.astype(np.int64),
        }
    )


def comparison_table(observed: Observed, replication: int) -> pd.DataFrame:
    """Put the run beside every published figure that it can be compared with."""
    rows = []
    for figure in figures_of(observed.model.assumptions):
        if figure.role not in ("fit", "validate"):
            continue
        simulated = observed.published_equivalent(figure)
        if simulated is not None:
            rows.append(
                {
                    "replication": replication,
                    "observation": figure.id,
                    "place_id": figure.place_id,
                    "measure": figure.model_measure,
                    "from": figure.window_start,
                    "to": figure.window_end,
                    "published": figure.value,
                    "low": figure.low,
                    "high": figure.high,
                    "simulated": round(simulated, DIGITS),
                    "role": figure.role,
                    "is_input": figure.is_input,
                    "unit": figure.unit,
                    "per_day": figure.per_day,
                }
            )
    return pd.DataFrame(rows)
