"""Rows and Mesa objects are the same men: same status at every hour, same tables."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import mesa
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mesa.datacollection import DataCollector

from flowsim.errors import ModelError, ResultsError
from flowsim.experiments.running import run
from flowsim.model.agent_model import AgentModel, Man
from flowsim.model.flow_model import FlowModel
from flowsim.model.institutions import Crossing
from flowsim.model.states import Status
from flowsim.model.world import World
from flowsim.results.observation import Observed
from flowsim.results.tables import daily_table, outcomes_table
from flowsim.scenario import load

START = datetime(2022, 9, 20)
DAYS = 11
PLACES = ["GE-LARS", "georgia", "kazakhstan", "all"]


@st.composite
def periods(draw: st.DrawFn) -> dict[str, str]:
    """Some hours within the horizon; half of them end before it does."""
    first = draw(st.integers(0, 24 * DAYS - 2))
    last = draw(st.integers(first + 1, 24 * DAYS))
    hours = {"from": START + timedelta(hours=first), "to": START + timedelta(hours=last)}
    return {name: moment.isoformat() for name, moment in hours.items()}


def shares() -> st.SearchStrategy[float]:
    return st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0])


@st.composite
def policies(draw: st.DrawFn) -> dict[str, Any]:
    """Policies of every kind that touches a man, each there or not."""

    def number(values: st.SearchStrategy[float], unit: str) -> dict[str, Any]:
        return {"value": draw(values), "unit": unit, "source": "assumption: drawn"}

    made: dict[str, Any] = {
        "closed": {
            "kind": "border-closed",
            "at": draw(st.sampled_from(PLACES)),
            "for": draw(st.sampled_from(["men", "all"])),
            **draw(periods()),
        },
        "document": {
            "kind": "document-rule",
            "at": draw(st.sampled_from(["georgia", "kazakhstan"])),
            "requires_passport": draw(st.booleans()),
            **draw(periods()),
        },
        "visa": {
            "kind": "document-rule",
            "at": draw(st.sampled_from(["georgia", "kazakhstan"])),
            "document": "visa",
            "needed": True,
            **draw(periods()),
        },
        "limit": {
            "kind": "entry-limit",
            "at": draw(st.sampled_from(PLACES[:3])),
            "passes": number(shares(), "share"),
            "walks": number(st.sampled_from([0.0, 0.2, 0.5]), "share"),
            "turns": number(st.sampled_from([0.0, 0.3, 0.5]), "share"),
            "exempt_regions": ["RU-SE", "RU-MOW"],
            **draw(periods()),
        },
        "officers": {
            "kind": "task-force",
            "at": draw(st.sampled_from(PLACES)),
            "checks_per_hour": number(st.sampled_from([0.0, 30.0, 5000.0]), "men per hour"),
            "p_serve": number(shares(), "share"),
            "visibility": number(shares(), "share"),
            **draw(periods()),
        },
        "lists": {
            "kind": "list-check",
            "at": draw(st.sampled_from(PLACES)),
            "detection": number(shares(), "share"),
            "visibility": number(shares(), "share"),
            **draw(periods()),
        },
        "walkers": {
            "kind": "foot-lane",
            "at": "GE-LARS",
            "walking_share": number(shares(), "share"),
            "background_walking_share": number(shares(), "share"),
            "jockeying_share": number(shares(), "share"),
            **draw(periods()),
        },
        "wave": {
            "kind": "call-up-wave",
            "announced": draw(periods())["from"],
            "target": number(st.just(2e6), "men"),
            "pace": {
                "value": {"2022-09-22": 0, "2022-09-30": 2e6},
                "unit": "men",
                "source": "assumption: drawn",
            },
            "strength": number(st.just(1.0), "ratio"),
        },
    }
    return {f"policies.{name}": made[name] for name in made if draw(st.booleans())}


@st.composite
def scenarios(draw: st.DrawFn) -> dict[str, Any]:
    """Changes to the baseline under which many of few men do something."""
    return {
        "horizon.start": START.date().isoformat(),
        "horizon.end": (START + timedelta(days=DAYS)).date().isoformat(),
        "policies": None,
        "choice.lambda": draw(st.sampled_from([0.3, 0.6, 1.0])),
        "choice.constant.georgia": draw(st.sampled_from([-3.0, -2.0])),
        "choice.constant.kazakhstan": draw(st.sampled_from([-4.0, -2.5])),
        "choice.release": draw(st.sampled_from([0, 3, 24])),
        "population.passport_share": draw(shares()),
        "documents.visa": {
            "name": "visa",
            "share": {"value": draw(shares()), "source": "assumption: drawn"},
            "needs": draw(st.sampled_from([None, "passport"])),
        },
        "call_up.comply": draw(st.sampled_from([0.3, 1.0])),
        "call_up.list_extra": draw(shares()),
        "border.patience": draw(st.sampled_from([0.2, 10])),
        "border.second_try": draw(shares()),
        "border.second_try_delay": draw(st.sampled_from([0, 0.3, 2])),
        "abroad.georgia.move_on": draw(st.sampled_from([0, 0.3])),
        "abroad.kazakhstan.return": draw(st.sampled_from([0, 0.3])),
        "destinations.georgia.refusal": draw(shares()),
        "news.wait_delay": draw(st.sampled_from([0, 12])),
        "seed": draw(st.integers(0, 2**32)),
        **draw(policies()),
    }


def equal_at_every_hour(changes: dict[str, Any], sample: float) -> None:
    """Run both engines side by side and compare every man every hour, then the tables."""
    world = World(load("september-2022", changes))
    rows = FlowModel(world, sample=sample, keep_everyone=True)
    objects = AgentModel(world, sample=sample)
    alone = FlowModel(world, sample=sample)
    for hour in range(world.clock.n_hours):
        for model in (rows, objects, alone):
            model.step()
        found, expected = objects.status(), rows.status()
        differ = np.flatnonzero(found != expected)
        assert len(differ) == 0, (
            f"hour {hour + 1}: {len(differ)} men differ, first {objects.people[differ[0]].man}: "
            f"{found[differ[0]]} is not {expected[differ[0]]}"
        )
    for table in (outcomes_table, lambda model, r: daily_table(Observed(model), r)):
        expected_table = table(rows, 0).to_csv()
        assert table(objects, 0).to_csv() == expected_table
        assert table(alone, 0).to_csv() == expected_table


@settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(changes=scenarios())
def test_both_engines_move_the_same_men_at_the_same_hours(changes: dict[str, Any]) -> None:
    """Over random policies, every man has the same status at every hour in both engines."""
    equal_at_every_hour(changes, sample=0.00005)


def test_a_summons_does_not_find_who_is_off_on_his_second_try() -> None:
    """In both engines, also if he leaves on the morning on which he would be summoned."""
    drawn = {"unit": "men", "source": "assumption: drawn"}
    wave = {
        "kind": "call-up-wave",
        "announced": "2022-09-20T00:00",
        "target": {"value": 2_000_000.0, **drawn},
        "pace": {"value": {"2022-09-22": 0, "2022-09-30": 2_000_000.0}, **drawn},
        "strength": {"value": 1.0, "unit": "ratio", "source": "assumption: drawn"},
    }
    closed = {
        "kind": "border-closed",
        "at": "GE-LARS",
        "for": "men",
        "from": "2022-09-21T16:00",
        "to": "2022-09-28T07:00",
    }
    changes = {
        "horizon.start": "2022-09-20",
        "horizon.end": "2022-10-01",
        "policies": None,
        "choice.lambda": 0.3,
        "choice.constant.georgia": -2.0,
        "choice.constant.kazakhstan": -4.0,
        "choice.release": 0,
        "population.passport_share": 0.5,
        "call_up.comply": 0.3,
        "border.second_try": 0.5,
        "border.second_try_delay": 0,
        "destinations.georgia.refusal": 0.0,
        "news.wait_delay": 0,
        "seed": 962,
        "policies.closed": closed,
        "policies.wave": wave,
    }
    equal_at_every_hour(changes, sample=0.0001)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(changes=scenarios())
def test_both_engines_agree_over_many_scenarios(changes: dict[str, Any]) -> None:
    """The same over many more scenarios, with more men."""
    equal_at_every_hour(changes, sample=0.0001)


@pytest.mark.slow
def test_the_command_line_gives_the_same_tables_with_either_engine() -> None:
    """Byte-identical daily and outcomes over the full horizon at one man in two thousand."""
    runs = [run("september-2022", sample=0.0005, engine=engine) for engine in ("columns", "agents")]
    for table in ("daily", "hourly", "outcomes"):
        columns, agents = (parquet(getattr(one, table)) for one in runs)
        assert columns == agents
    assert [one.manifest["engine"] for one in runs] == ["columns", "agents"]


def parquet(table: pd.DataFrame) -> bytes:
    return bytes(table.to_parquet(None, index=False))


def test_objects_refuse_samples_they_are_too_slow_for() -> None:
    """The message says how many men, and which sample would do."""
    with pytest.raises(ModelError, match=r"3,95\d,\d{3} men.* at most 120,000.*--sample 0\.003"):
        AgentModel(sample=0.1)
    with pytest.raises(ModelError, match="agents engine"):
        run("september-2022", sample=1, engine="agents")
    with pytest.raises(ResultsError, match="engine rows is not known; choose one of columns"):
        run("september-2022", engine="rows")


# ---------------------------------------------------------------------- Mesa's idioms

SMALL = 0.00005


@pytest.fixture(scope="module")
def ten_days() -> AgentModel:
    """Objects on the evening of 26 September, with many leavers."""
    many = {"choice.constant.georgia": -1, "choice.constant.kazakhstan": -1}
    model = AgentModel(load("september-2022", many), sample=SMALL)
    for _ in range(240):
        model.step()
    return model


def test_flow_model_is_an_ordinary_mesa_model() -> None:
    """Made with rng=, stepped, and its agents found by type, on every supported Mesa."""
    model = FlowModel(rng=1, sample=SMALL)
    model.step()
    assert model.hour == 1
    crossings = model.agents_by_type[Crossing]
    assert len(crossings) == len(model.crossings) == len(load("september-2022").crossings)
    assert {type(agent).__name__ for agent in model.agents} == {
        "Crossing",
        "TaskForce",
        "EnlistmentOffice",
        "Destination",
    }
    lars = crossings.select(lambda crossing: crossing.crossing_id == "GE-LARS")
    assert list(lars) == [model.crossings[0]]


def test_men_can_be_selected_added_up_and_grouped(ten_days: AgentModel) -> None:
    """AgentSet's select, agg and groupby on men agree with the population table."""
    men, table = ten_days.agents_by_type[Man], ten_days.men
    assert len(men) == len(table)
    assert men.agg("weight", sum) == pytest.approx(table.weight.sum())
    abroad = men.select(lambda man: man.status.startswith("abroad-"))
    assert 0 < len(abroad) == table.status.astype(str).str.startswith("abroad-").sum()
    by_status = men.groupby("status").count()
    assert by_status == table.status.astype(str).value_counts().to_dict()


def test_a_data_collector_sees_the_model_and_the_men() -> None:
    """Mesa's own recorder works on it."""
    model = AgentModel(sample=SMALL)
    collector = DataCollector(
        model_reporters={"hour": "hour", "trips": lambda model: len(model.trips)},
        agenttype_reporters={Crossing: {"queue": lambda c: c.border.persons(c.model.hour * 3600)}},
    )
    for _ in range(3):
        model.step()
        collector.collect(model)
    assert collector.get_model_vars_dataframe()["hour"].tolist() == [1, 2, 3]
    assert len(collector.get_agenttype_vars_dataframe(Crossing)) == 3 * len(model.crossings)


class Collected(FlowModel):
    """A model with a collector of its own."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.datacollector = DataCollector(model_reporters={"hour": "hour"})

    def step(self) -> None:
        super().step()
        self.datacollector.collect(self)


def batch(model: type[FlowModel], parameters: dict[str, Any], **given: Any) -> list[dict[str, Any]]:
    """Call ``mesa.batch_run`` on one core, without a bar."""
    return mesa.batch_run(model, parameters, number_processes=1, display_progress=False, **given)


def test_batch_run_runs_the_model_as_it_is() -> None:
    """Scenarios by name; one row a run, with the totals of the nation at its last hour."""
    names = ["september-2022", "border-closed"]
    rows = batch(FlowModel, {"assumptions": names, "sample": [SMALL]}, max_steps=10**6)
    assert [row["assumptions"] for row in rows] == names
    open_, closed = rows
    assert open_["departures"] >= open_["entries"] + open_["turned_back"] + open_["gave_up"] > 0
    assert closed["entries"] < open_["entries"]


def test_batch_run_can_show_every_hour() -> None:
    """Rows by the hour grow to the totals that the model's own table of men has."""
    rows = batch(FlowModel, {"sample": [SMALL]}, max_steps=239, data_collection_period=1)
    model = FlowModel("september-2022", sample=SMALL)
    for _ in rows:
        model.step()
    departures = [row["departures"] for row in rows]
    assert departures == sorted(departures)
    assert model.datacollector.get_model_vars_dataframe()["departures"].tolist() == departures
    men = model.men
    assert rows[-1]["enlisted"] == pytest.approx(men.weight[men.status == "enlisted"].sum())


def test_batch_run_uses_a_collector_of_ones_own() -> None:
    """A subclass sets ``datacollector`` as in any Mesa model."""
    rows = batch(Collected, {"sample": [SMALL, 2 * SMALL], "rng": [1]}, max_steps=3)
    assert {row["sample"] for row in rows} == {SMALL, 2 * SMALL}
    assert all(row["hour"] >= 3 for row in rows)


def test_looking_at_the_totals_changes_no_result() -> None:
    """A model looked at every hour ends as one that is never looked at."""
    seen, alone = FlowModel(sample=SMALL), FlowModel(sample=SMALL)
    for _ in range(240):
        seen.step()
        alone.step()
        assert len(seen.datacollector.model_vars["entries"]) == seen.hour
    pd.testing.assert_frame_equal(seen.men, alone.men)


def test_a_model_stops_running_at_the_end_of_its_horizon() -> None:
    """``running`` turns False, and one more step is refused."""
    short = {"horizon.start": "2022-09-21", "horizon.end": "2022-09-22", "policies": None}
    model = AgentModel(load("september-2022", short), sample=SMALL)
    while model.running:
        model.step()
    assert model.hour == 24
    with pytest.raises(ModelError, match="the horizon ends after 24 hours"):
        model.step()


def test_an_enlisted_man_stays_enlisted(ten_days: AgentModel) -> None:
    """Statuses of the men partition them, and no man is two things."""
    codes = ten_days.status()
    assert len(codes) == len(ten_days.people)
    for man in ten_days.people:
        if man.enlisted_at < ten_days.hour * 3600:
            assert man.status_at(ten_days.hour * 3600) == Status.ENLISTED
