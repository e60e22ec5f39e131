"""Tables of a run: daily, hourly and outcomes, and the comparison with published figures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from flowsim.clock import DAY
from flowsim.model import FlowModel, categories
from flowsim.observation import FLOWS, LEVELS, Observed, daily_waits
from flowsim.policies import WARM_UP
from flowsim.schema import AGE_BANDS, Stay
from flowsim.sources import observations
from flowsim.states import NEVER, Status, status_name

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NINE = 9  # o'clock Moscow time, when published queues were counted
NATION = "RU"
DIGITS = 6


class Tidy:
    """Gathers blocks of values (time, place) into one long table."""

    def __init__(self) -> None:
        self._kind: list[str] = []
        self._place: list[str] = []
        self._measure: list[str] = []
        self._values: list[Floats] = []

    def add(self, kind: str, places: Sequence[str], measure: str, values: Floats) -> None:
        """Add one measure of some places; values have the shape (time, places)."""
        for column, place in enumerate(places):
            self._kind.append(kind)
            self._place.append(place)
            self._measure.append(measure)
            self._values.append(values[:, column])

    def frame(
        self, times: pd.DatetimeIndex, name: str, label: str, replication: int
    ) -> pd.DataFrame:
        """Make the table; ``name`` is that of the time column, rounding to six decimals."""
        n, m = len(times), len(self._values)

        def repeated(words: list[str]) -> pd.Categorical:
            kinds = sorted(set(words))
            codes = np.repeat([kinds.index(word) for word in words], n)
            return categories(codes, kinds)

        return pd.DataFrame(
            {
                "scenario": categories(np.zeros(n * m, dtype=np.int8), [label]),
                "replication": np.full(n * m, replication, dtype=np.int32),
                name: np.tile(times.to_numpy(), m),
                "place_kind": repeated(self._kind),
                "place_id": repeated(self._place),
                "measure": repeated(self._measure),
                "value": np.round(np.concatenate(self._values), DIGITS) + 0.0,
            }
        )


def hourly_table(observed: Observed, replication: int) -> pd.DataFrame:
    """Make the table by hour and crossing; flows of the hour that begins, queues at its start."""
    model, clock = observed.model, observed.world.clock
    ids = [c.crossing_id for c in model.crossings]
    tidy = Tidy()
    for measure, flow in observed.flows.items():
        tidy.add("crossing", ids, measure, flow[WARM_UP:])
    for measure, level in observed.levels.items():
        tidy.add("crossing", ids, measure, level[WARM_UP:-1])
    tidy.add("crossing", ids, "wait_hours", _mean(observed.waited, observed.reached)[WARM_UP:])
    times = pd.date_range(clock.start, periods=clock.n_hours, freq="h", unit="ms")
    return tidy.frame(times, "time", model.assumptions.name, replication)


def daily_table(observed: Observed, replication: int) -> pd.DataFrame:
    """Make the table by day: nation, regions, destinations, crossings and groups."""
    tidy = Tidy()
    _add_crossings(tidy, observed)
    _add_groups(tidy, observed)
    _add_destinations(tidy, observed)
    _add_home(tidy, observed)
    clock = observed.world.clock
    times = pd.date_range(clock.start, periods=clock.n_days, freq="D", unit="ms")
    return tidy.frame(times, "date", observed.model.assumptions.name, replication)


def _mean(total: Floats, n: Floats) -> Floats:
    return np.divide(total, n, out=np.full_like(total, np.nan), where=n > 0)


def _add_crossings(tidy: Tidy, observed: Observed) -> None:
    """Add what happens at each crossing, by the local day of its other side."""
    for crossing in observed.model.crossings:
        c, ids = crossing.column, [crossing.crossing_id]
        offset = crossing.parameters.utc_offset_h
        for measure in FLOWS:
            flow = observed.flows[measure][:, [c]]
            tidy.add("crossing", ids, measure, observed.local_days(flow, offset))
        for measure in LEVELS:
            level = observed.levels[measure][WARM_UP + NINE :: 24, [c]]
            tidy.add("crossing", ids, measure, level)
        waits = _mean(
            observed.local_days(observed.waited[:, [c]], offset),
            observed.local_days(observed.reached[:, [c]], offset),
        )
        tidy.add("crossing", ids, "wait_hours", waits)
        p90 = daily_waits(observed, c, offset, 0.9)
        tidy.add("crossing", ids, "wait_hours_p90", p90[:, None])


def _add_groups(tidy: Tidy, observed: Observed) -> None:
    """Add the groups of crossings for which figures were published."""
    groups = sorted({c.parameters.group for c in observed.model.crossings} - {None}, key=str)
    for group in groups:
        members = [c for c in observed.model.crossings if c.parameters.group == group]
        columns = [c.column for c in members]
        offset = members[0].parameters.utc_offset_h
        for measure in FLOWS:
            flow = observed.flows[measure][:, columns].sum(axis=1, keepdims=True)
            tidy.add("group", [str(group)], measure, observed.local_days(flow, offset))
        for measure in LEVELS:
            level = observed.levels[measure][WARM_UP + NINE :: 24, columns]
            tidy.add("group", [str(group)], measure, level.sum(axis=1, keepdims=True))


def _add_destinations(tidy: Tidy, observed: Observed) -> None:
    """Add entries, exits, stocks, registrations and wishes, by each country's local day."""
    model = observed.model
    trips = model.trips
    entered = np.flatnonzero(trips["end"] >= Status.ABROAD)
    for j, (name, country) in enumerate(model.assumptions.destinations.items()):
        place, offset = [country.code], country.utc_offset_h
        columns = observed.columns_of(country.code)

        def days(by_hour: Floats, offset: int = offset) -> Floats:
            return observed.local_days(by_hour, offset)[:, None]

        for measure in FLOWS:
            tidy.add(
                "destination", place, measure, days(observed.flows[measure][:, columns].sum(axis=1))
            )
        tidy.add("destination", place, "exits", days(observed.exits[:, j]))
        mine = entered[trips["destination"][entered] == j]
        stock, families = _stocks(observed, mine, model.assumptions.abroad[name])
        tidy.add("destination", place, "stock_men", stock[:, None])
        persons = stock * model.persons_per_man + families
        tidy.add("destination", place, "stock_persons", persons[:, None])
        registered = np.zeros(observed.n_rows)
        if country.registers and country.registration_delay is not None:
            at = trips["ends_at"][mine] + country.registration_delay.value * DAY
            registered = observed.by_hour(
                at,
                np.zeros(len(mine), dtype=np.int64),
                trips["weight"][mine] * model.persons_per_man,
                1,
            )[:, 0]
        tidy.add("destination", place, "registrations", days(registered))
        departures = _by_day(observed, trips["leaves_at"], trips["destination"] == j)
        tidy.add("destination", place, "departures", departures[:, None])
        expected = np.diff(model.expected_departures[:, :, j].sum(axis=1))
        tidy.add("destination", place, "departures_expected", expected[:, None])
        tidy.add("destination", place, "involuntary_stayers", _involuntary(observed, j)[:, None])
        shares = _shares_of_leavers(observed, trips["destination"] == j)
        for measure, share in shares.items():
            tidy.add("destination", place, measure, share[:, None])


def _by_day(
    observed: Observed, seconds: npt.NDArray[np.int32], chosen: npt.NDArray[np.bool_]
) -> Floats:
    """Add up the weights of first tries by Moscow day of some moment, shape (D,)."""
    trips = observed.model.trips
    n_days = observed.world.clock.n_days
    some = chosen & (trips["tries"] == 0) & (seconds < n_days * DAY)
    day = (seconds[some] // int(DAY)).astype(np.int64)
    return np.bincount(day, trips["weight"][some], minlength=n_days).astype(np.float64)


def _stocks(observed: Observed, mine: Ints, stay: Stay) -> tuple[Floats, Floats]:
    """Give men abroad and their families at the end of each day, shape (D,) each."""
    trips, n_days = observed.model.trips, observed.world.clock.n_days
    weight = trips["weight"][mine]

    def cumulated(seconds: Floats, chosen: npt.NDArray[np.bool_]) -> Floats:
        some = chosen & (seconds < n_days * DAY)
        day = (seconds[some] // DAY).astype(np.int64)
        return np.cumsum(np.bincount(day, weight[some], minlength=n_days))

    came = trips["ends_at"][mine].astype(np.float64)
    left = trips["leaves_again_at"][mine].astype(np.float64)
    joined = came + stay.family_lag.value * DAY
    everybody = np.ones(len(mine), dtype=bool)
    stock = cumulated(came, everybody) - cumulated(left, everybody)
    with_family = cumulated(joined, left > joined) - cumulated(left, left > joined)
    return stock, with_family * stay.family.value


def _involuntary(observed: Observed, j: int) -> Floats:
    """Give men at home who want to leave for j and cannot, at the end of each day, (D,)."""
    model, world = observed.model, observed.world
    men, n_days = model.population, world.clock.n_days
    wanting = np.flatnonzero(men.passed_at[:, j] < NEVER)
    since = men.passed_at[wanting, j].astype(np.int64)
    passport = world.of_stratum["passport"][men.stratum[wanting]]
    blocked = ~world.available[WARM_UP + since // 3600, passport, j]
    wanting, since = wanting[blocked], since[blocked]
    trip = men.trip[wanting]
    left = np.full(len(wanting), NEVER, dtype=np.int64)
    if len(model.trips):
        left = np.where(trip >= 0, _first_departure(observed)[wanting], NEVER)
    until = np.minimum(left, men.enlisted_at[wanting])
    home = since < until  # a threshold may also be passed by men long gone
    since, until, weight = since[home], until[home], men.weight_of(wanting[home])
    some = until < n_days * DAY
    begin = np.bincount(since // int(DAY), weight, minlength=n_days)
    end = np.bincount(until[some] // int(DAY), weight[some], minlength=n_days)
    return np.cumsum(begin - end)


def _first_departure(observed: Observed) -> Ints:
    """Give when each row of the population first left (s), NEVER if not, shape (N,)."""
    trips = observed.model.trips
    out = np.full(len(observed.model.population), NEVER, dtype=np.int64)
    first = trips["tries"] == 0
    out[trips["row"][first]] = trips["leaves_at"][first]
    return out


def _shares_of_leavers(observed: Observed, chosen: npt.NDArray[np.bool_]) -> dict[str, Floats]:
    """Give shares with higher education and with passport among leavers so far, by day."""
    model = observed.model
    trips, of = model.trips, observed.world.of_stratum
    stratum = model.population.stratum[trips["row"]]
    everybody = np.cumsum(_by_day(observed, trips["leaves_at"], chosen))
    out = {}
    for measure, attribute in (("educated_share", "educated"), ("passport_share", "passport")):
        with_it = chosen & (of[attribute][stratum] == 1)
        out[measure] = _mean(np.cumsum(_by_day(observed, trips["leaves_at"], with_it)), everybody)
    return out


def _add_home(tidy: Tidy, observed: Observed) -> None:
    """Add what happens in the regions and the nation, by Moscow day."""
    model, world = observed.model, observed.world
    men, trips, n_days = model.population, model.trips, world.clock.n_days
    n_regions = len(world.regions.code)
    region = world.of_stratum["region"]

    def by_region(seconds: Ints, stratum: npt.NDArray[np.integer], weight: Floats) -> Floats:
        some = seconds < n_days * DAY
        cell = seconds[some] // int(DAY) * n_regions + region[stratum[some]]
        total = np.bincount(cell, weight[some], minlength=n_days * n_regions)
        return total.astype(np.float64).reshape(n_days, -1)

    first = trips["tries"] == 0
    weight = men.weight_of(np.arange(len(men)))
    departures = by_region(
        trips["leaves_at"][first].astype(np.int64),
        men.stratum[trips["row"][first]],
        trips["weight"][first],
    )
    summoned = by_region(men.summoned_at.astype(np.int64), men.stratum, weight)
    enlisted = by_region(men.enlisted_at.astype(np.int64), men.stratum, weight)
    for measure, values in (
        ("departures", departures),
        ("called_up", np.cumsum(summoned, axis=0)),
        ("enlisted", np.cumsum(enlisted, axis=0)),
    ):
        tidy.add("region", world.regions.code, measure, values)
        tidy.add("nation", [NATION], measure, values.sum(axis=1, keepdims=True))
    wishes = sum(_involuntary(observed, j) for j in range(len(world.destinations)))
    tidy.add("nation", [NATION], "involuntary_stayers", np.asarray(wishes)[:, None])
    everyone = np.ones(len(trips), dtype=bool)
    share = _shares_of_leavers(observed, everyone)["educated_share"]
    tidy.add("nation", [NATION], "educated_share", share[:, None])


def outcomes_table(model: FlowModel, replication: int) -> pd.DataFrame:
    """Count all men of the sample by what they are and what became of them.

    ``destination`` is the one a man last set off for, empty if he never left.
    """
    world, men, trips = model.world, model.population, model.trips
    status = model.status().astype(np.int64)
    bound = np.zeros(len(men), dtype=np.int64)
    if len(trips):
        bound = np.where(men.trip >= 0, trips["destination"][men.trip].astype(np.int64) + 1, 0)
    n = len(world.destinations) + 1
    key = (men.stratum.astype(np.int64) * 256 + status) * n + bound
    kept = np.bincount(men.stratum, minlength=world.strata.n_strata)
    rest = model.population.counts - kept
    keys, counts = np.unique(key, return_counts=True)
    home = (np.arange(world.strata.n_strata) * 256 + int(Status.HOME)) * n
    merged = pd.Series(np.concatenate([counts, rest])).groupby(np.concatenate([keys, home])).sum()
    merged = merged[merged > 0]
    keys, counts = merged.index.to_numpy(), merged.to_numpy()
    stratum, code, bound = keys // n // 256, keys // n % 256, keys % n
    of = {name: column[stratum] for name, column in world.of_stratum.items()}
    names = {int(c): status_name(int(c), world.destinations) for c in np.unique(code)}
    label, places = model.assumptions.name, ["", *world.destinations]
    return pd.DataFrame(
        {
            "scenario": pd.Categorical([label] * len(keys), [label]),
            "replication": np.full(len(keys), replication, dtype=np.int32),
            "region": categories(of["region"], world.regions.code),
            "age": categories(of["age"], AGE_BANDS),
            "educated": of["educated"] == 1,
            "passport": of["passport"] == 1,
            "liable": of["liable"] == 1,
            "status": pd.Categorical([names[int(c)] for c in code], sorted(names.values())),
            "destination": pd.Categorical([places[b] for b in bound], places),
            "men": np.round(counts * men.weight[stratum >> 3], DIGITS),
            "men_simulated": counts.astype(np.int64),
        }
    )


def comparison_table(observed: Observed, replication: int) -> pd.DataFrame:
    """Put the run beside every published figure that it can be compared with."""
    rows = []
    for figure in observations():
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
                }
            )
    return pd.DataFrame(rows)


def waits_of(observed: Observed) -> dict[str, float]:
    """Give the mean wait over the whole run at each crossing, hours."""
    waited, reached = observed.waited.sum(axis=0), observed.reached.sum(axis=0)
    mean = _mean(waited, reached)
    return {c.crossing_id: float(mean[c.column]) for c in observed.model.crossings}
