"""The queue against textbook formulas, another simulator, brute force, and conservation."""

from __future__ import annotations

import math

import ciw
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowsim.model.queue import FIELDS, Border
from flowsim.model.states import Lane

NEVER = math.inf
HORIZON = 1e9


def queue(arrival, persons, deadline=None, lane=None, walk=None) -> Border:
    """Line units up; trip i is unit i."""
    border = Border()
    for i, (at, size) in enumerate(zip(arrival, persons, strict=True)):
        until = NEVER if deadline is None else float(deadline[i])
        u = 0.5 if walk is None else float(walk[i])
        border.join((float(at), float(size), i, until, u), 0 if lane is None else int(lane[i]))
    return border


def table(border: Border) -> dict[str, np.ndarray]:
    """Give the log by trip."""
    log = {name: border.log.entries(name) for name in FIELDS}
    log["trip"] = log["trip"].astype(np.int64)
    order = np.argsort(log["trip"])
    return {name: column[order] for name, column in log.items()}


def serve_by_the_hour(border: Border, rate: float, foot_share: float, end: float) -> None:
    """Serve as the model does: hour after hour, units joining in the hour of their arrival."""
    units = sorted(
        ((unit, lane) for lane in (0, 1) for unit in border.lanes[lane]),
        key=lambda pair: pair[0][0],
    )
    border.lanes[0].clear()
    border.lanes[1].clear()
    for begin in np.arange(0, end, 3600.0):
        while units and units[0][0][0] < begin + 3600:
            border.join(*units.pop(0))
        border.serve((rate, rate), foot_share, begin, begin + 3600)


def batch_means(waits: np.ndarray, n_batches: int = 40) -> tuple[float, float]:
    """Give mean and standard error of dependent waits, the first tenth left out."""
    waits = waits[len(waits) // 10 :]
    waits = waits[: len(waits) // n_batches * n_batches]
    means = waits.reshape(n_batches, -1).mean(axis=1)
    return means.mean(), means.std(ddof=1) / np.sqrt(n_batches)


@pytest.mark.parametrize(
    ("law", "expected"),
    [
        ("exponential", 0.8 / (1 - 0.8)),  # M/M/1: Wq = rho / (mu - lambda)
        ("constant", 0.8 / (2 * (1 - 0.8))),  # M/D/1: half of it
    ],
)
def test_waits_are_those_of_the_textbook_queue(law, expected):
    """Utilisation 0.8, mu = 1 person a second; within four standard errors."""
    rng, n = np.random.default_rng(5), 400_000
    arrival = np.cumsum(rng.exponential(1 / 0.8, n))
    persons = rng.exponential(1.0, n) if law == "exponential" else np.ones(n)
    border = queue(arrival, persons)
    border.serve((1.0, 1.0), 0.5, 0.0, HORIZON)
    served = table(border)
    mean, error = batch_means(served["start"] - served["arrival"])
    assert len(served["trip"]) == n
    assert error < 0.1 * expected
    assert abs(mean - expected) < 4 * error


@pytest.mark.filterwarnings("ignore:Pickle, copy, and deepcopy:DeprecationWarning")  # ciw's own
def test_every_customer_waits_as_long_as_in_ciw():
    """First come first served, one server, the same arrivals and service times."""
    rng, n = np.random.default_rng(6), 1500
    gaps, sizes = rng.exponential(100.0, n), rng.exponential(85.0, n)
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Sequential([*gaps.tolist(), HORIZON])],
        service_distributions=[ciw.dists.Sequential(sizes.tolist())],
        number_of_servers=[1],
    )
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_customers(n, method="Finish")
    records = sorted(simulation.get_all_records(), key=lambda record: record.id_number)
    border = queue(np.cumsum(gaps), sizes)
    serve_by_the_hour(border, 1.0, 0.5, np.cumsum(gaps)[-1] + 1e5)
    ours = table(border)
    assert len(records) == n
    assert ours["arrival"] == pytest.approx([r.arrival_date for r in records], abs=1e-6)
    assert ours["start"] == pytest.approx([r.service_start_date for r in records], abs=1e-6)
    assert ours["finish"] == pytest.approx([r.exit_date for r in records], abs=1e-6)


def test_capacity_that_changes_clears_its_integral():
    """A queue never empty: persons cleared by each hour are the integral of the capacity."""
    rates = np.array([4900, 7900, 0, 9000, 9550, 3800, 0, 0, 12_000]) / 86_400
    sizes = np.random.default_rng(7).uniform(1, 5, 2000)
    border = queue(np.zeros(2000), sizes)
    for hour, rate in enumerate(rates):
        border.serve((rate, rate), 0.5, 3600.0 * hour, 3600.0 * (hour + 1))
        due = 3600 * rates[: hour + 1].sum()
        left = border.log.entries("persons")
        done = sum(left) + (sizes[len(left)] - border.work[0])
        assert done == pytest.approx(due, abs=1e-6)
    integral = np.concatenate([[0], np.cumsum(3600 * rates)])
    ends = np.cumsum(sizes)[: len(left)]
    hours = np.searchsorted(integral, ends, side="left") - 1
    expected = 3600 * hours + (ends - integral[hours]) / rates[hours]
    assert table(border)["finish"] == pytest.approx(expected, abs=1e-5)


def test_a_shut_crossing_clears_nobody():
    border = queue([0, 0], [1, 1])
    border.serve((0.0, 0.0), 0.5, 0.0, HORIZON)
    assert not border.log.new
    assert border.persons(10.0) == 2


def random_units(rng: np.random.Generator, n: int, patience: float = NEVER) -> dict:
    arrival = np.sort(np.round(rng.uniform(0, 20_000, n), 1))
    return {
        "arrival": arrival,
        "persons": np.round(rng.uniform(0.5, 6, n), 2),
        "deadline": arrival + np.round(rng.exponential(patience, n), 1)
        if patience < NEVER
        else np.full(n, NEVER),
        "lane": rng.integers(0, 2, n),
    }


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 1), st.floats(0.001, 0.05), st.integers(0, 60))
def test_two_lanes_waste_no_capacity(seed, foot_share, rate, n):
    """The work left is that of one queue with all the capacity, whoever is cleared first."""
    units = random_units(np.random.default_rng(seed), n)
    border = queue(**units)
    end = 25_000.0
    border.serve((rate, rate), foot_share, 0.0, end)
    one, left = 0.0, 0.0
    for at, persons in zip(units["arrival"], units["persons"], strict=True):
        left = max(0.0, left - (at - one) * rate) + persons
        one = at
    left = max(0.0, left - (end - one) * rate)
    waiting = sum(
        border.work[lane] if place == 0 and border.busy[lane] else unit[1]
        for lane in (0, 1)
        for place, unit in enumerate(border.lanes[lane])
    )
    assert waiting == pytest.approx(left, abs=1e-6)


def test_busy_lanes_share_the_capacity_as_stated():
    border = queue(np.zeros(200), np.ones(200), lane=np.arange(200) % 2)
    border.serve((0.01, 0.01), 0.74, 0.0, 10_000.0)
    log = {name: border.log.entries(name) for name in ("persons", "lane")}
    done = [log["persons"][log["lane"] == lane].sum() + (1 - border.work[lane]) for lane in (0, 1)]
    assert done == pytest.approx([26.0, 74.0])


@settings(max_examples=60, deadline=None)
@given(st.floats(0, 1), st.floats(0.002, 0.05), st.floats(0.002, 0.05))
def test_lanes_with_rates_of_their_own_use_all_the_officers_time(share, cars, walkers):
    """Persons of each lane over its rate add up to the time served: its integral, no more."""
    border = queue(np.zeros(4000), np.ones(4000), lane=np.arange(4000) % 2)
    border.serve((cars, walkers), share, 0.0, 10_000.0)
    log = {name: border.log.entries(name) for name in ("persons", "lane")}
    done = [
        log["persons"][log["lane"] == lane].sum() + border.busy[lane] * (1 - border.work[lane])
        for lane in (0, 1)
    ]
    assert done[0] / cars + done[1] / walkers == pytest.approx(10_000.0)
    assert done == pytest.approx([10_000 * cars * (1 - share), 10_000 * walkers * share])


def test_who_stands_in_a_foot_lane_that_takes_nobody_more_is_cleared():
    """Ten walkers stand there; whoever comes later joins the cars and is behind none of them."""
    border = queue(np.zeros(10), np.ones(10), lane=[Lane.FOOT] * 10)
    for i in range(10):
        border.join((100.0 + i, 1.0, 10 + i, NEVER, 0.5), Lane.VEHICLES)
    border.serve((0.01, 0.02), 0.5, 0.0, 5000.0)
    found = table(border)
    assert found["lane"].tolist() == [Lane.FOOT] * 10 + [Lane.VEHICLES] * 10
    assert found["finish"][0] == pytest.approx(50.0)  # alone, with all officers
    assert found["finish"][9] == pytest.approx(100 + 8 * 100)  # then with half of them
    assert found["finish"][10] == pytest.approx(100 + 200)


def test_capacity_that_one_lane_cannot_use_goes_to_the_other():
    """One walker and ten cars: once he is through, the cars have it all."""
    border = queue(np.zeros(11), np.ones(11), lane=[Lane.FOOT] + [Lane.VEHICLES] * 10)
    border.serve((1.0, 1.0), 0.5, 0.0, 100.0)
    finish = table(border)["finish"]
    assert finish[0] == pytest.approx(2.0)
    assert finish[1:] == pytest.approx(np.arange(2.0, 12.0))


def brute_force(units: dict, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Lindley's recursion with deadlines: give when each ended and whether it was cleared."""
    free, end, cleared = 0.0, [], []
    for at, persons, deadline in zip(
        units["arrival"], units["persons"], units["deadline"], strict=True
    ):
        start = max(free, at)
        if deadline <= start:
            end.append(deadline)
            cleared.append(0)
        else:
            free = start + persons / rate
            end.append(free)
            cleared.append(1)
    return np.array(end), np.array(cleared)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_men_give_up_exactly_at_their_deadlines(seed, hourly):
    units = random_units(np.random.default_rng(seed), 60, patience=2000.0)
    units["lane"][:] = 0
    border = queue(**units)
    if hourly:
        serve_by_the_hour(border, 0.008, 0.5, 1e5)
    else:
        border.serve((0.008, 0.008), 0.5, 0.0, 1e5)
    found, (end, cleared) = table(border), brute_force(units, 0.008)
    assert 0 < cleared.sum() < 60
    assert found["cleared"].tolist() == cleared.tolist()
    assert found["finish"] == pytest.approx(end, abs=1e-6)


def test_a_man_whose_papers_are_being_looked_at_does_not_give_up():
    border = queue([0, 0], [10, 10], deadline=[5.0, 5.0])
    border.serve((1.0, 1.0), 0.5, 0.0, 100.0)
    found = table(border)
    assert found["cleared"].tolist() == [1, 0]
    assert found["finish"].tolist() == [10.0, 5.0]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.05, 0.95), st.floats(0.002, 0.05))
def test_serving_hour_by_hour_is_serving_at_once(seed, foot_share, rate):
    units = random_units(np.random.default_rng(seed), 50, patience=5000.0)
    once, hourly = queue(**units), queue(**units)
    once.serve((rate, rate), foot_share, 0.0, 36_000.0)
    serve_by_the_hour(hourly, rate, foot_share, 36_000.0)
    a, b = table(once), table(hourly)
    gone = {t: f for t, f in zip(a["trip"].tolist(), a["finish"], strict=True)}
    also = {t: f for t, f in zip(b["trip"].tolist(), b["finish"], strict=True)}
    # a lane emptied before the last hour is looked at again only when somebody comes
    for trip in gone.keys() | also.keys():
        ends = [g.get(trip, units["deadline"][trip]) for g in (gone, also)]
        assert ends[0] == pytest.approx(ends[1], abs=1e-5)
    assert once.persons(36_000.0) == pytest.approx(hourly.persons(36_000.0))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.floats(0, 1),
    st.floats(0, 1),
    st.lists(st.sampled_from(["serve", "open"]), max_size=12),
)
def test_units_that_came_are_cleared_or_gave_up_or_wait(seed, foot_share, walking, events):
    """Nobody appears or vanishes, whatever lanes open and close in between."""
    units = random_units(np.random.default_rng(seed), 40, patience=6000.0)
    units["walk"] = np.random.default_rng(seed + 1).uniform(size=40)
    border = queue(**units)
    now = 0.0
    for event in events:
        if event == "serve":
            border.serve((0.01, 0.01), foot_share, now, now + 3600.0)
            now += 3600.0
        elif event == "open":
            border.open_foot_lane(walking, walking / 2)
    logged = border.log.entries("trip").tolist()
    queued = [unit[2] for lane in border.lanes for unit in lane]
    assert sorted(logged + queued) == list(range(40))
    waiting = {unit[2] for _, unit in border.waiting(now)}
    for unit in (unit for lane in border.lanes for unit in lane):
        at_the_head = any(
            border.busy[k] and border.lanes[k] and border.lanes[k][0] is unit for k in (0, 1)
        )
        assert (unit[2] in waiting) == (unit[0] <= now and (at_the_head or unit[3] > now))
    assert sum(unit[1] for _, unit in border.waiting(now)) == pytest.approx(border.persons(now))


def test_men_change_lanes_in_their_order_and_by_their_own_draws():
    walk = np.linspace(0.05, 0.95, 10)
    border = queue(np.arange(10), np.ones(10), walk=walk)
    border.serve((0.001, 0.001), 0.5, 0.0, 10.0)  # the first is being cleared and stays
    border.open_foot_lane(share=0.5, background_share=0.0)
    assert [unit[2] for unit in border.lanes[Lane.FOOT]] == [1, 2, 3, 4]
    assert [unit[2] for unit in border.lanes[Lane.VEHICLES]] == [0, 5, 6, 7, 8, 9]
