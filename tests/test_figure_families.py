"""Figures of replications and of comparisons: what they count, against theory and by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from figure_worlds import (
    _daily,
    _outcomes,
    assert_legible,
    drawn,
    made_up,
    results,
    scenario,
    texts,
)

from flowsim import figures
from flowsim.comparison import tables
from flowsim.figures.comparison import differences, outcomes, scenarios
from flowsim.figures.layout import style
from flowsim.figures.run import flows, maps, profiles, stocks
from flowsim.results.comparison import Comparison
from flowsim.results.run import Run
from flowsim.scenario.schema import Scenario

OF_COMPARISONS = list(figures.catalogue("comparison"))


@pytest.fixture(scope="module")
def many() -> Run:
    """Twenty replications of a made-up world."""
    return results(scenario(), replications=20)


# ---- replications --------------------------------------------------------------------------


def test_a_band_of_chance_goes_from_the_least_to_the_greatest(many: Run) -> None:
    data = flows.table(many)
    own = data[data["series"] == "simulated"].set_index(["place_id", "start"])
    daily = many.days("entries", "destination").groupby(["place_id", "date"])["value"]
    for column, expected in (("low", daily.min()), ("value", daily.mean()), ("high", daily.max())):
        assert own[column].to_numpy() == pytest.approx(expected.reindex(own.index).to_numpy())
    assert set(own["what"]) == {flows.CHANCE}


def test_one_replication_has_no_chance() -> None:
    lone = results(scenario())
    assert "--replications 20" in stocks.missing_capacity(lone)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(0, 10, 0.0, 0.278), (1, 29, 0.006, 0.172), (81, 263, 0.255, 0.366), (10, 10, 0.722, 1.0)],
)
def test_the_interval_of_a_share_is_wilsons(
    successes: int, n: int, low: float, high: float
) -> None:
    """81 of 263 and 1 of 29 are the examples of Newcombe (1998), table I, method 3."""
    found = stocks.wilson(np.array([successes]), n)
    assert found[0][0] == pytest.approx(low, abs=1e-3)
    assert found[1][0] == pytest.approx(high, abs=1e-3)


def test_the_chance_of_passing_never_falls(many: Run) -> None:
    data = stocks.capacity_table(many)
    for _, own in data.groupby("place_id"):
        assert own["probability"].is_monotonic_increasing
        assert own["probability"].between(own["low"], own["high"]).all()


def test_the_chance_is_the_share_of_replications_that_passed(many: Run) -> None:
    stock = many.days("stock_persons", "destination")
    most = stock[stock["place_id"] == "GE"].groupby("replication")["value"].max()
    line = float(np.sort(most.to_numpy())[4])
    given = many.scenario.model_dump(by_alias=True)
    given["capacities"]["georgia"]["value"] = line
    one = made_up(Scenario.model_validate(given), many.daily, many.hourly, many.outcomes)
    end = stocks.capacity_table(one).query("place_id == 'GE'").iloc[-1]
    assert end["passed"] == (most >= line).sum() == 16
    assert "Georgia passes" in drawn("capacity", one).title
    assert "80\u00a0% of the 20 replications" in drawn("capacity", one).title


def test_stocks_say_when_the_line_was_passed(many: Run) -> None:
    data = stocks.table(many)
    own = data[data["place_id"] == "GE"]
    persons = own[own["measure"] == "stock_persons"].set_index("date")["value"]
    line = own["capacity"].iloc[0]
    assert line == many.scenario.capacities["georgia"].value
    expected = persons[persons >= line].index.min() if (persons >= line).any() else None
    assert stocks.passed(own) == expected
    assert (persons >= own[own["measure"] == "stock_men"].set_index("date")["value"]).all()


def test_a_world_without_a_line_has_stocks_and_no_chance() -> None:
    given = results(scenario(lambda raw: raw.update(capacities={})), replications=2)
    found = drawn("stocks", given)
    assert "capacity" not in found.title
    assert found.data["capacity"].isna().all()
    assert stocks.missing_capacity(given) == "its scenario names no capacities"


def test_profiles_are_shares_of_leavers_and_of_men(many: Run) -> None:
    data = profiles.table(many)
    ages = data[data["kind"] == "age"]
    assert ages["value"].sum() == pytest.approx(1)
    assert ages["population"].sum() == pytest.approx(1)
    rows = many.outcomes
    men = rows["men"].where(rows["educated"], 0).sum() / rows["men"].sum()
    educated = data.set_index("name").loc["Higher education"]
    assert educated["population"] == pytest.approx(men)
    assert educated["low"] <= educated["value"] <= educated["high"]


def test_imputed_regions_are_hatched_where_others_are_not(many: Run) -> None:
    called = maps.table(many, maps.CALLED_UP)
    rows = called[called["kind"] == "region"].set_index("id")
    assert 0 < len(maps._marked(rows)) < len(rows)
    assert "Hatched" in " ".join(t.get_text() for t in texts(drawn("map-called-up", many).figure))
    leavers = maps.table(many)
    assert not maps._marked(leavers[leavers["kind"] == "region"].set_index("id"))


def test_called_up_men_on_the_map_are_those_of_the_daily_table(many: Run) -> None:
    table = maps.table(many, maps.CALLED_UP).set_index("id")
    daily = many.days("called_up", "region")
    last = daily[daily["date"] == daily["date"].max()]
    called = last[last["place_id"] == "RU-MOW"]["value"].mean()
    assert table.loc["RU-MOW", "left"] == pytest.approx(called)


def test_lost_graduates_do_not_count_who_returned(many: Run) -> None:
    table = maps.table(many, maps.GRADUATES).set_index("id")
    rows = many.outcomes[(many.outcomes["region"] == "RU-MOW") & many.outcomes["educated"]]
    lost = rows["status"].str.contains("abroad-|moved-on")
    expected = 1000 * rows.loc[lost, "men"].sum() / rows["men"].sum()
    assert table.loc["RU-MOW", "per_1000"] == pytest.approx(expected)


# ---- comparisons ---------------------------------------------------------------------------


NAMES = ("september-2022", "no-task-force", "border-closed")
TITLES = dict(zip(NAMES, ("As it was", "No draft officers", "The border closes"), strict=True))
MOVES: dict[str, list[tuple[str, str, float]]] = {
    "no-task-force": [
        ("home", "home", 3.9e7),
        ("home", "wants-georgia", 25_100),
        ("home", "reached-georgia", 7_130),
        ("reached-georgia", "reached-georgia", 56_800),
        ("reached-georgia", "limited", 1_140),
        ("reached-kazakhstan", "reached-kazakhstan", 109_000),
        ("turned-back", "reached-georgia", 125),
        ("turned-back", "turned-back", 150),
    ],
    "border-closed": [
        ("home", "home", 3.9e7),
        ("home", "wants-georgia", 1_000),
        ("reached-georgia", "reached-georgia", 34_400),
        ("reached-georgia", "turned-back", 18_000),
        ("reached-kazakhstan", "reached-kazakhstan", 65_400),
        ("reached-kazakhstan", "turned-back", 20_300),
        ("reached-kazakhstan", "wants-kazakhstan", 13_900),
        ("turned-back", "turned-back", 275),
    ],
}


def comparison(n: int = 4, others: tuple[str, ...] = NAMES[1:]) -> Comparison:
    """Make up a comparison of the right shape, in memory."""
    rng = np.random.default_rng(3)
    worlds = [
        scenario(lambda raw, name=name: raw.update(name=name, title=TITLES.get(name, "")))
        for name in (NAMES[0], *others)
    ]
    rows = [
        (worlds[0].name, b, r, start, end, men * (1 + 0.03 * rng.standard_normal()), 10)
        for b in others
        for r in range(n)
        for start, end, men in MOVES.get(b, MOVES["border-closed"])
    ]
    columns = ["a", "b", "replication", "status_a", "status_b", "men", "men_simulated"]
    moved = pd.DataFrame(rows, columns=columns)
    matrix = tables.matrix(moved)
    daily = pd.concat(
        _daily(world, 1 - 0.3 * place).assign(replication=r, scenario=world.name)
        for place, world in enumerate(worlds)
        for r in range(n)
    )
    manifest = {"replications": n, "versions": {"flowsim": "9.9"}}
    known = {"matrix": matrix, "differences": _differences(moved, n), "daily": daily}
    known |= {"terms": _terms(others), "shapley": _shapley()}
    return Comparison(manifest, known=known | {"scenarios": tuple(worlds)})


def _differences(moved: pd.DataFrame, n: int) -> pd.DataFrame:
    by = ["b", "replication"]
    a = moved.groupby([*by, "status_a"])["men"].sum().unstack(fill_value=0.0)
    b = moved.groupby([*by, "status_b"])["men"].sum().unstack(fill_value=0.0)
    every = a.columns.union(b.columns)
    a, b = a.reindex(columns=every, fill_value=0.0), b.reindex(columns=every, fill_value=0.0)
    apart = (b - a).groupby("b", sort=False)
    half = 1.96 * apart.std().fillna(0) / np.sqrt(n)
    mean = apart.mean()
    rows = [
        ("men", "last", "outcome", status, NAMES[0], name, a.loc[name, status].mean())
        + (b.loc[name, status].mean(), mean.loc[name, status])
        + (mean.loc[name, status] - half.loc[name, status],)
        + (mean.loc[name, status] + half.loc[name, status], n, 5.0)
        for name in mean.index
        for status in every
    ]
    columns = ["measure", "how", "place_kind", "place_id", "a", "b", "value_a", "value_b"]
    return pd.DataFrame(
        rows, columns=[*columns, "difference", "low", "high", "n", "variance_factor"]
    )


TERMS = {"visible checks": 37_200.0, "entry limit": 2_070.0, "wait": 737.0, "several": 12.0}


def _terms(others: tuple[str, ...]) -> pd.DataFrame:
    total = sum(TERMS.values())
    rows = [
        (NAMES[0], b, side, side, term, men, 0.9 * men, 1.1 * men, men / total)
        for b in others
        for side in ("all", "home")
        for term, men in TERMS.items()
    ]
    columns = ["a", "b", "status_a", "status_b", "term", "men", "low", "high", "share"]
    return pd.DataFrame(rows, columns=columns)


def _shapley() -> pd.DataFrame:
    effects = {"task_force_lars": -282.0, "rumour_of_closure": 21_200.0, "all of them": 20_918.0}
    effects |= {"cannot be told apart": -600.0, "as it was": 26_100.0}
    named = {"task_force_lars": (-300.0, 300.0), "rumour_of_closure": (20_000.0, 21_900.0)}
    titles = {"rumour_of_closure": "rumour of a closure"}
    rows = [
        (NAMES[0], target, "men a day", policy, titles.get(policy, policy))
        + (effect, effect - 90, effect + 90)
        + ((effect, effect, *named[policy]) if policy in named else (np.nan,) * 4)
        for target in ("fall of departures", "departures after 28 September", "queue", "d", "e")
        for policy, effect in effects.items()
    ]
    columns = ["scenario", "target", "unit", "policy", "title", "effect", "low", "high"]
    return pd.DataFrame(rows, columns=[*columns, "first_in", "last_in", "least", "most"])


@pytest.fixture(scope="module")
def compared() -> Comparison:
    return comparison()


def test_switched_men_are_those_whose_outcome_differs(compared: Comparison) -> None:
    data = outcomes.table(compared)
    own = data[data["b"] == "no-task-force"]
    moved = sum(men for a, b, men in MOVES["no-task-force"] if a != b)
    assert own[own["switched"]]["men"].sum() == pytest.approx(moved, rel=0.05)
    assert own["men"].sum() == pytest.approx(sum(m for *_, m in MOVES["no-task-force"]), rel=0.05)
    title = outcomes.switches_finding(data, compared)
    assert title.startswith("Under “No draft officers” 3")
    assert "men switch and under “The border closes” 5" in title


def test_a_lone_pair_says_what_becomes_of_most() -> None:
    lone = comparison(others=("no-task-force",))
    title = drawn("switches", lone).title
    assert "\u201cAt home\u201d to \u201cWanted Georgia, could not\u201d" in title


def test_rare_outcomes_are_put_together_and_nobody_is_lost(compared: Comparison) -> None:
    data = outcomes.table(compared)
    own = data[(data["b"] == "border-closed") & data["switched"]]
    tiny = own.assign(men=np.where(own["status_a"] == "home", 1.0, own["men"]))
    tiny = pd.concat([tiny, tiny.assign(status_a="hiding", men=1.0)])
    merged = outcomes.merged(tiny)
    assert merged["men"].sum() == pytest.approx(tiny["men"].sum())
    assert "other" in set(merged["status_a"])


def test_rows_of_the_heat_map_add_up_to_all_men_of_the_row(compared: Comparison) -> None:
    data = drawn("transitions", compared).data
    sums = data.groupby(["b", "status_a"])["share"].sum()
    assert sums.to_numpy() == pytest.approx(1)


def test_shares_in_a_cell_are_never_rounded_to_all_or_none() -> None:
    page = style.PRESETS["page"]
    assert outcomes._percent(0.9999, 13.0, page) == ">99"
    assert outcomes._percent(0.0001, 13.0, page) == "<1"
    assert outcomes._percent(1.0, 13.0, page) == "100"
    assert outcomes._percent(0.9999, 4.0, page) == "99"
    assert outcomes._percent(0.5, 1.0, page) == ""


def test_differences_are_signed_and_sorted_by_outcome(compared: Comparison) -> None:
    data = differences.table(compared)
    own = data[data["b"] == "border-closed"].set_index("name")
    assert own.loc["Reached Kazakhstan", "difference"] == pytest.approx(-34_200, rel=0.1)
    assert data["name"].iloc[0] == "Reached Georgia"
    title = differences.finding(data, compared)
    assert title.startswith("Under “The border closes” 34,")
    assert "fewer men reach Kazakhstan" in title


def test_differences_hold_all_doubt_before_chance(compared: Comparison) -> None:
    """With draws a dot is their median and the whisker theirs; chance alone stands behind it."""
    rows = compared.differences.assign(draws=40, median=7.0, all_low=-5.0, all_high=9.0)
    known = compared.known | {"differences": rows}
    found = drawn("differences", Comparison(compared.manifest, known=known))
    for column, value in (("change", 7.0), ("low", -5.0), ("high", 9.0)):
        assert (found.data[column] == value).all()
    assert list(found.data["chance_low"]) == list(differences.table(compared)["chance_low"])
    assert "40 draws of the parameters, all doubt" in found.alt


def test_scenarios_of_one_title_are_told_apart() -> None:
    same = comparison(1, ("twin", "copy"))
    worlds = [world.model_copy(update={"title": "One"}) for world in same.scenarios]
    same = Comparison(same.manifest, known=same.known | {"scenarios": tuple(worlds)})
    assert outcomes.titles(same)["twin"] == "One (twin)"
    assert outcomes.titles(comparison(1))["border-closed"] == "The border closes"


def test_a_world_without_a_destination_says_so_in_its_panel(compared: Comparison) -> None:
    daily = compared.daily
    lacking = (daily["scenario"] == "september-2022") & (daily["place_id"] == "KZ")
    known = compared.known | {"daily": daily[~lacking]}
    found = drawn("scenarios", Comparison(compared.manifest, known=known))
    told = [text.get_text() for text in texts(found.figure)]
    assert told.count("none in this scenario") == 1
    assert "Kazakhstan over the period: none;" in found.title


def test_levels_and_effects_are_not_on_one_axis(compared: Comparison) -> None:
    """What happens with all policies or without any is written, not drawn among their effects."""
    figure = drawn("policies", compared).figure
    told = [text.get_text() for text in texts(figure)]
    assert not {"as it was", "none of them"} & set(told)
    assert [text for text in told if "26,100 as it was" in text]


def test_one_pair_of_runs_has_differences_without_intervals() -> None:
    lone = comparison(n=1)
    found = drawn("differences", lone)
    assert "One replication only" in " ".join(t.get_text() for t in texts(found.figure))


def test_small_multiples_add_up_what_entered(compared: Comparison) -> None:
    data = scenarios.table(compared)
    daily = compared.daily
    rows = daily[(daily["measure"] == "entries") & (daily["place_kind"] == "destination")]
    horizon = compared.scenarios[0].horizon
    rows = rows[rows["date"].between(horizon.start, horizon.end - timedelta(days=1))]
    expected = rows[rows["scenario"] == "border-closed"]["value"].sum() / compared.replications
    assert data[data["scenario"] == "border-closed"]["value"].sum() == pytest.approx(expected)
    assert list(dict.fromkeys(data["scenario"])) == list(NAMES)


def test_terms_are_those_of_all_switched_men_most_first(compared: Comparison) -> None:
    found = drawn("terms", compared)
    own = found.data[found.data["b"] == "no-task-force"]
    assert list(own["term"]) == list(TERMS)
    assert own["share"].sum() == pytest.approx(1)
    assert found.title.endswith("men switch, 93\u00a0% of them by the sight of checks (deterrence)")


def test_policies_are_told_by_what_they_explain(compared: Comparison) -> None:
    title = drawn("policies", compared).title
    assert title.startswith("Together the policies make 20,900 men a day of the fall of departures")
    assert "−600 cannot be told apart" in title
    assert "the largest share, 20,000 to 21,900 by the order of arrival" in title
    assert title.endswith("is that of the rumour of a closure")
    assert "explains" not in title, "no single cause after 28 September"


def test_a_comparison_without_terms_or_policies_says_so() -> None:
    bare = comparison(1)
    bare.known |= {"terms": pd.DataFrame(), "shapley": pd.DataFrame()}
    for name, words in (("terms", "without terms"), ("policies", "no policies coincide")):
        _, missing = figures.families()[name].functions()
        assert words in missing(bare)


def test_outcomes_have_names_and_colours() -> None:
    names = {"georgia": "Georgia", "kazakhstan": "Kazakhstan"}
    found = ["home", "wants-georgia", "reached-kazakhstan", "limited", "reached-georgia", "odd"]
    assert outcomes.ordered(found, names)[:2] == ["reached-georgia", "reached-kazakhstan"]
    assert outcomes.outcome("reached-georgia", names) == "Reached Georgia"
    assert outcomes.outcome("odd", names) == "odd"
    colours = {
        outcomes.colour(status, names) for status in ("reached-georgia", "reached-kazakhstan")
    }
    assert len(colours) == 2


MANY = (*NAMES[1:], "a-scenario-with-a-very-long-name-indeed-that-somebody-gave-it", "d", "e", "f")
WORLDS: dict[str, Any] = {
    "three scenarios": lambda: comparison(),
    "seven scenarios": lambda: comparison(2, MANY),
    "one pair of runs": lambda: comparison(1, NAMES[1:2]),
}
EVERY = [(world, preset) for world in WORLDS for preset in style.PRESETS]


def test_figures_of_comparisons_can_be_read(compared: Comparison) -> None:
    """Each figure in one of the presets, in turn; the slow test has all of them."""
    presets = list(style.PRESETS)
    for turn, name in enumerate(OF_COMPARISONS):
        found = drawn(name, compared, style.PRESETS[presets[turn % len(presets)]])
        assert_legible(found.figure)
        assert found.title in found.alt


@pytest.mark.slow
@pytest.mark.parametrize(("world", "preset"), EVERY)
def test_figures_of_comparisons_can_be_read_in_every_preset(world: str, preset: str) -> None:
    given = WORLDS[world]()
    for name in OF_COMPARISONS:
        assert_legible(drawn(name, given, style.PRESETS[preset]).figure)


def test_nobody_switches_between_equal_worlds() -> None:
    same = comparison(2, ("twin",))
    stay = same.matrix[same.matrix["status_a"] == same.matrix["status_b"]]
    same.known["matrix"] = stay
    found = drawn("switches", same)
    assert found.title == "Under “twin” no men switch"
    assert_legible(found.figure)


def test_outcomes_of_the_made_up_world_hold_every_age() -> None:
    assert _outcomes(scenario(), 1.0, 1.0)["age"].nunique() == 8
