"""The same men in two worlds: nobody is lost, and each switched man has one reason."""

from __future__ import annotations

import numpy as np
import pytest

from flowsim.comparison import decisions, pairs, terms, traces
from flowsim.comparison.traces import born, live
from flowsim.model.states import NEVER, Status
from flowsim.model.world import World
from flowsim.results.tables import outcomes_table
from flowsim.scenario import load
from flowsim.scenario.tree import equal

NATION = 39_582_793
SAMPLE = 0.001
NO_FEEDBACK = {"choice.beta_network": 0, "choice.omega": 0}
"""Nobody hears of queues or of co-regionals: what others do moves no man's decision."""

_lives = {}


def life_of(name, **changes):
    """Run a scenario once for all tests of this file."""
    key = (name, *sorted(changes.items()))
    if key not in _lives:
        scenario = load(name, {"sample": SAMPLE, **changes})
        _lives[key] = live(World(scenario), 0)[1]
    return _lives[key]


def pair_of(b, changes=(), a="september-2022", both=()):
    changes, both = dict(changes), dict(both)
    return pairs.match(life_of(a, **both), life_of(b, **both, **changes))


OTHERS = [
    ("no-task-force", {}),
    ("border-closed", {}),
    ("kazakhstan-requires-passport", {}),
    ("passports-for-half", {}),
    ("more-destinations", {}),
    ("georgia-asks-for-visas", {}),
    ("second-wave", {}),
    ("september-2022", {"choice.lambda": 0.3}),
    ("september-2022", {"call_up.target": 0, "call_up.pace": 0}),
]


@pytest.mark.parametrize(("other", "changes"), OTHERS)
def test_the_matrix_holds_every_man_of_the_nation_once(other, changes):
    table = pairs.transitions(pair_of(other, changes))
    assert table["men"].sum() == pytest.approx(NATION, abs=1e-5)
    assert table["men_simulated"].sum() == life_of("september-2022").counts.sum()
    assert not table.duplicated(
        ["region", "age", "educated", "passport", "status_a", "status_b"]
    ).any()


@pytest.mark.parametrize("other", ["border-closed", "passports-for-half"])
def test_the_margins_of_the_matrix_are_what_became_of_the_men_in_each_run(other):
    """Rows against world a's own outcomes table, columns against b's."""
    grouped = {"queueing": "underway", "on-the-road": "underway"}
    tables = {}
    for name in ("september-2022", other):
        model, _ = live(World(load(name, {"sample": SAMPLE})), 0)
        table = outcomes_table(model, 0)
        status = table["status"].astype(str)
        reached = status.str.startswith("abroad-") | status.isin(["moved-on", "returned"])
        group = status.replace(grouped).where(
            ~reached, "reached-" + table["destination"].astype(str)
        )
        tables[name] = table.groupby(group)["men"].sum()
    found = pairs.transitions(pair_of(other))
    for column, name in (("status_a", "september-2022"), ("status_b", other)):
        men = found.groupby(column, observed=True)["men"].sum()
        assert men.to_dict() == pytest.approx(tables[name].to_dict())


def test_attributes_of_the_matrix_are_those_of_the_first_world():
    table = pairs.transitions(pair_of("passports-for-half"))
    own = life_of("september-2022")
    expected = own.counts.reshape(-1, 8)[:, [2, 3, 6, 7]].sum()
    assert table.loc[table["passport"], "men_simulated"].sum() == expected


def test_a_world_compared_with_itself_switches_nobody():
    life = life_of("september-2022")
    pair = pairs.match(life, life)
    assert not pair.switched.any()
    assert len(terms.switched(pair)) == 0
    table = pairs.transitions(pair)
    assert (table["status_a"].astype(str) == table["status_b"].astype(str)).all()


def test_no_switch_but_reached_by_a_threshold_is_missed():
    """Keeping a row for every man finds the same matrix: those not kept stay home in both."""
    from flowsim.comparison import traces as lives

    full = []
    for name in ("september-2022", "no-task-force"):
        world = World(load(name, {"sample": SAMPLE}))
        model = lives.FlowModel(world, keep_everyone=True)
        while model.running:
            model.step()
        full.append(lives.remembered(model, 0))
    assert len(full[0].id) == full[0].counts.sum()
    found = pairs.transitions(pairs.match(*full))
    assert found.equals(pairs.transitions(pair_of("no-task-force")))


# -- decisions


def decided(life, other, ids, names):
    its = decisions.terms_of(life, born(life, other, ids), names)
    return decisions.decide(its, decisions.OwnDraws.of(life, ids))


@pytest.mark.parametrize(("other", "changes"), OTHERS)
def test_decisions_put_together_from_their_terms_are_those_of_the_run(other, changes):
    """Man for man: who left, when, and how those who stayed stayed, in both worlds."""
    pair = pair_of(other, changes)
    names = decisions.decisions(pair.destinations)
    for life, against in ((pair.a, pair.b), (pair.b, pair.a)):
        rows = life.rows_of(pair.id)
        found = decided(life, against, pair.id, pair.destinations)
        left = life.trips[0].take(rows).made
        assert np.array_equal(found.leaves_at < NEVER, left)
        status = np.append(life.status, Status.HOME)[rows]
        expected = np.zeros(len(rows), dtype=int)
        expected[status == Status.HIDING] = names.index("hiding")
        expected[status == Status.ENLISTED] = names.index("enlisted")
        for j, name in enumerate(life.world.destinations):
            expected[status == Status.WANTS + j] = names.index(f"wants-{name}")
        assert np.array_equal(found.outcome[~left], expected[~left])
        assert left.sum() > 0 or life.world.assumptions.call_up.target.value == 0


def test_departures_put_together_from_their_terms_happen_at_the_same_second():
    life = life_of("border-closed")
    world = life.world
    model, _ = live(world, 0)
    trips = model.trips
    first = trips["tries"] == 0
    found = decided(life, life, life.id, world.destinations)
    assert np.array_equal(found.leaves_at[trips["row"][first]], trips["leaves_at"][first])


# -- terms


@pytest.mark.parametrize(("other", "changes"), OTHERS)
def test_each_switched_man_has_one_label(other, changes):
    pair = pair_of(other, changes)
    table = terms.switched(pair)
    assert table["men_simulated"].sum() == pair.switched.sum() == len(terms.labels(pair))
    assert table["men"].sum() == pytest.approx(pair.weight[pair.switched].sum())
    assert (table["status_a"].astype(str) != table["status_b"].astype(str)).all()


ONE_TERM = [
    ("visible checks", {"policies.task_force_lars": None}),
    ("panic", {"policies.rumour_of_closure": None}),
    ("availability", {"population.passport_share": 0.5}),
    ("availability", {"destinations.kazakhstan.requires_passport": True}),
    ("wait", {"choice.beta_road": 0.03}),
    ("tastes", {"choice.constant.georgia": -4.6}),
    ("call-up", {"call_up.comply": 0.5}),
    ("call-up", {"call_up.regional_disparity": 0}),
]


@pytest.mark.parametrize(("term", "changes"), ONE_TERM)
def test_where_worlds_differ_in_one_term_it_gets_every_man_who_decides_otherwise(term, changes):
    """Without feedback nothing else can have moved them."""
    pair = pair_of("september-2022", changes, both=NO_FEEDBACK)
    a, b = (
        decided(x, y, pair.id, pair.destinations) for x, y in ((pair.a, pair.b), (pair.b, pair.a))
    )
    otherwise = (a.outcome != b.outcome)[pair.switched]
    assert otherwise.sum() > 5
    found = {terms.LABELS[label] for label in terms.labels(pair)[otherwise]}
    assert found == {term}


def test_men_of_worlds_that_ask_for_visas_are_the_same_if_as_many_hold_them():
    visas = "georgia-asks-for-visas"
    pair = pair_of(visas, {"choice.beta_risk": -1.0}, a=visas)
    away = pair.row_a < 0  # what they are is taken from the other world: as drawn again here
    assert away.sum() > 20
    drawn = traces._redrawn(pair.a, pair.id[away])
    assert np.array_equal(pair.stratum[away], drawn.stratum)
    visa = next(iter(load(visas).documents))
    other = life_of(visas, **{f"documents.{visa}.share": 0.9}).world
    assert equal(pair.a.world.strata.further, pair.b.world.strata.further)
    assert not equal(pair.a.world.strata.further, other.strata.further)


def test_a_destination_that_only_one_world_has_is_a_matter_of_availability():
    pair = pair_of("more-destinations", both=NO_FEEDBACK)
    table = terms.switched(pair)
    new = ~table["status_b"].isin([*pairs.outcomes(pair.a.world.destinations)])
    assert table.loc[new, "men_simulated"].sum() > 20
    assert set(table.loc[new, "term"]) == {"availability"}


def test_men_whose_border_closed_behind_them_are_not_laid_on_the_check():
    """Turned back from a queue because the border closed: availability."""
    table = terms.switched(pair_of("border-closed"))
    reached = table["status_a"].str.startswith("reached")
    turned = table[(table["status_b"] == "turned-back") & reached]
    assert turned["men_simulated"].sum() > 10
    assert set(turned["term"]) == {"availability"}


def test_men_who_set_off_alike_are_told_apart_by_the_gate_that_stopped_one_of_them():
    table = terms.switched(pair_of("september-2022", {"policies.entry_limit_north_ossetia": None}))
    home = table[(table["status_a"] == "limited") & (table["status_b"] == "reached-georgia")]
    assert home["men_simulated"].sum() > 2
    assert set(home["term"]) == {"entry limit"}
    strict = {
        "policies.task_force_lars.p_serve": 1,
        "policies.task_force_lars.checks_per_hour": 1e4,
    }
    table = terms.switched(pair_of("september-2022", strict))
    refused = table[(table["status_a"] == "reached-georgia") & (table["status_b"] == "turned-back")]
    assert refused["men_simulated"].sum() > 5
    assert set(refused["term"]) == {"check"}
    impatient = {"border.patience": 0.5}
    table = terms.switched(pair_of("september-2022", impatient))
    gave_up = table[(table["status_a"] == "reached-georgia") & (table["status_b"] == "gave-up")]
    assert gave_up["men_simulated"].sum() > 5
    assert set(gave_up["term"]) == {"queue"}
