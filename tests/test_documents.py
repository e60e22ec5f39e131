"""Documents: who holds one, what is open to him, and why he could not go."""

from __future__ import annotations

import numpy as np
import pytest

from flowsim.errors import ScenarioError
from flowsim.experiments.running import run
from flowsim.findings import summary
from flowsim.model.flow_model import FlowModel
from flowsim.model.states import Reason, reason_names
from flowsim.model.world import World
from flowsim.results.tables import outcomes_table
from flowsim.scenario import load
from flowsim.scenario.timetable import WARM_UP

SHARE = 0.2
VISA = {
    "name": "visa",
    "share": {"value": SHARE, "source": "assumption: drawn"},
    "needs": "passport",
}
RULE = {"kind": "document-rule", "at": "georgia", "document": "visa", "needed": True}
FROM = "2022-09-27"
CHANGES = {"documents.visa": VISA, "policies.visa": {**RULE, "from": FROM}, "sample": 0.005}
FIRST = 86_400 * 10  # s from 17 September to the morning of the rule


def finished(changes: dict[str, object], name: str = "september-2022") -> FlowModel:
    model = FlowModel(World(load(name, changes)))
    while model.running:
        model.step()
    model.complete_trips()
    return model


@pytest.fixture(scope="module")
def model() -> FlowModel:
    return finished(CHANGES)


def test_the_share_of_passport_holders_with_the_visa_is_drawn_and_nobody_else_has_it() -> None:
    """Counts by stratum against the share, within four standard errors."""
    men = FlowModel(World(load("september-2022", CHANGES))).population
    of = men.strata.columns()
    visa = men.strata.holdings[of["holds"], 1]
    able = men.counts[of["passport"] == 1].sum()
    found = men.counts[visa].sum() / able
    assert abs(found - SHARE) < 4 * np.sqrt(SHARE * (1 - SHARE) / able)
    assert men.counts[visa & (of["passport"] == 0)].sum() == 0
    assert men.counts.sum() == men.n_men == FlowModel(sample=0.005).population.n_men


def test_expected_men_of_the_strata_add_up_to_those_without_the_further_document() -> None:
    """Splitting strata by a document moves nobody between plain strata."""
    plain = World(load("september-2022")).men
    split = World(load("september-2022", CHANGES))
    assert len(split.men) == 2 * len(plain)
    found = split.men.reshape(split.strata.n_cells, 2, 8).sum(axis=1).reshape(-1)
    assert found == pytest.approx(plain)


def test_a_document_that_nobody_asks_for_changes_nothing() -> None:
    """Strata are as many as before, and outcomes the same."""
    with_it = finished({"documents.visa": VISA, "sample": 0.001})
    without = finished({"sample": 0.001})
    assert with_it.world.strata.n_strata == without.world.strata.n_strata
    assert outcomes_table(with_it, 0).equals(outcomes_table(without, 0))


def test_nobody_sets_off_for_a_country_whose_document_he_lacks(model: FlowModel) -> None:
    """From the hour of the rule on; before it, the passport is enough."""
    trips, world = model.trips, model.world
    holds = world.of_stratum["holds"][model.population.stratum[trips["row"]]]
    visa = world.strata.holdings[holds, 1]
    to_georgia = (trips["destination"] == world.destinations.index("georgia")) & (
        trips["tries"] == 0
    )
    to_georgia &= trips["limit"] == 0
    late = trips["leaves_at"] >= FIRST
    assert not (to_georgia & late & ~visa).any()
    assert (to_georgia & late & visa).any()
    assert (to_georgia & ~late & ~visa).any()


def test_who_comes_too_late_without_it_is_refused_at_entry_and_the_reason_says_so(
    model: FlowModel,
) -> None:
    """Men under way on the day of the rule are turned back for want of the visa."""
    trips, names = model.trips, reason_names(model.world.documents)
    refused = trips["reason"] == names.index("document:visa")
    assert refused.any()
    assert (trips["ends_at"][refused] >= FIRST).all()
    assert set(model.world.documents) == {"passport", "visa"}


def test_reasons_are_given_for_all_who_could_not_go_or_were_stopped_and_no_others(
    model: FlowModel,
) -> None:
    """Each status with its reasons; the table's men are those of the baseline."""
    table = outcomes_table(model, 0)
    status, reason = table["status"].astype(str), table["reason"].astype(str)
    stopped = status.str.startswith("wants-") | status.isin(["limited", "gave-up", "turned-back"])
    assert (reason[stopped] != "none").all()
    assert (reason[~stopped] == "none").all()
    assert set(reason[status == "wants-georgia"]) == {"document:passport", "document:visa"}
    assert set(reason[status == "limited"]) == {"limit"}
    assert set(reason[status == "gave-up"]) == {"patience"}
    lacks_passport = reason == "document:passport"
    assert not table.loc[lacks_passport, "passport"].any()
    assert table.loc[reason == "document:visa", "passport"].all()
    assert table["men_simulated"].sum() == model.population.n_men


def test_availability_follows_holdings_and_the_date() -> None:
    """Georgia before and after, for each combination of documents."""
    world = World(load("september-2022", CHANGES))
    georgia = world.destinations.index("georgia")
    before, after = (world.available[WARM_UP + 24 * day, :, georgia] for day in (9, 10))
    assert world.strata.holdings.tolist() == [[0, 0], [1, 0], [0, 1], [1, 1]]
    assert before.tolist() == [False, True, False, True]
    assert after.tolist() == [False, False, False, True]
    kazakhstan = world.available[:, :, world.destinations.index("kazakhstan")]
    assert kazakhstan.all()


def test_the_passport_can_be_waived_by_a_rule_of_either_spelling() -> None:
    """``requires_passport: false`` and ``document: passport, needed: false`` mean the same."""
    short = {"kind": "document-rule", "at": "georgia", "requires_passport": False, "from": FROM}
    long = {"kind": "document-rule", "at": "georgia", "needed": False, "from": FROM}
    tables = [load("september-2022", {"policies.x": rule}).timetable() for rule in (short, long)]
    assert np.array_equal(tables[0].asks_for, tables[1].asks_for)
    assert not tables[0].asks_for[-1, 0, 0]
    assert tables[0].asks_for[0, 0, 0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"policies.x": {**RULE, "document": "vsa"}, "documents.visa": VISA}, "did you mean visa"),
        ({"policies.x": {**RULE}}, "'visa' is not a document; expected one of passport"),
        ({"destinations.georgia.documents": ["visa"]}, "destinations.georgia.documents.*'visa'"),
        (
            {"destinations.georgia.documents": ["passport"]},
            "the passport is asked for by requires_passport: true",
        ),
        ({"documents.passport": {**VISA, "needs": None}}, "is there already"),
        ({"documents.visa": {**VISA, "needs": "stamp"}}, "needs one listed above it"),
        ({"policies.x": {"kind": "document-rule", "at": "georgia"}}, "needed.*is missing"),
        (
            {"policies.x": {**RULE, "requires_passport": True}, "documents.visa": VISA},
            "beside document or needed write none of it",
        ),
        (
            {"policies.x": RULE, "policies.y": RULE, "documents.visa": VISA},
            r"overlaps in time with x at georgia \(visa\)",
        ),
    ],
)
def test_mistakes_about_documents_are_explained(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ScenarioError, match=f"(?s){message}"):
        load("september-2022", changes)


def test_two_documents_may_be_asked_for_at_one_place_at_once() -> None:
    other = {**RULE, "document": "passport"}
    load("september-2022", {"policies.x": RULE, "policies.y": other, "documents.visa": VISA})


def test_the_summary_says_for_want_of_which_document() -> None:
    """Men kept by the visa and men kept by the passport are told apart."""
    text = summary(run(load("georgia-asks-for-visas"), sample=0.002))
    assert "of them for want of an international passport" in " ".join(text.split())
    assert "of them for want of a Georgian visa" in " ".join(text.split())


def test_reason_names_are_those_of_the_codes() -> None:
    names = reason_names(("passport", "visa"))
    assert names[Reason.NOTICE] == "notice"
    assert names[Reason.DOCUMENT :] == ("document:passport", "document:visa")
