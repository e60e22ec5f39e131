"""The men: their attributes, who is kept as a row, and that nothing depends on the making."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowsim.model.draws import Draws, exponential, unit
from flowsim.model.population import (
    Population,
    Strata,
    kept_ranks,
    make,
    passport_by_education,
    positive_stable,
    shift_to_mean,
)
from flowsim.model.world import World
from flowsim.scenario import load

WHERE = ("georgia", "kazakhstan")


@pytest.fixture(scope="module")
def strata() -> Strata:
    """A nation of 24 cells and some 60,000 men, one cell empty but for one man."""
    rng = np.random.default_rng(1)
    men = rng.integers(500, 5000, 24)
    men[5] = 1
    return Strata(
        men=men,
        p_educated=rng.uniform(0.1, 0.7, 24),
        p_passport=np.sort(rng.uniform(0.05, 0.9, (24, 2)), axis=1),
        p_liable=rng.uniform(0.1, 0.8, 24),
    )


def everybody(strata: Strata, index: float = 0.6, sample: float = 1.0, **given) -> Population:
    caps = given.pop("caps", np.full((strata.n_strata, 2), np.inf))
    call_up = given.pop("call_up", np.full(strata.n_strata, np.inf))
    draws = given.pop("draws", Draws(1))
    return make(strata, WHERE, index, sample, draws, caps, call_up, **given)


def columns(men: Population) -> list[np.ndarray]:
    return [men.id, men.stratum, men.threshold, men.call_up_threshold]


def same(one: Population, other: Population) -> bool:
    return np.array_equal(one.counts, other.counts) and all(
        np.array_equal(a, b) for a, b in zip(columns(one), columns(other), strict=True)
    )


def test_every_man_is_made_once_and_counted(strata):
    men = everybody(strata)
    assert np.array_equal(men.id, np.arange(strata.men.sum()))
    assert np.array_equal(np.bincount(men.stratum, minlength=strata.n_strata), men.counts)
    assert np.array_equal(men.counts.reshape(-1, 8).sum(axis=1), strata.men)
    assert men.n_men == strata.men.sum()
    assert men.threshold.dtype == np.float32


def test_attributes_have_their_probabilities(strata):
    """Each stratum's count within five standard errors of its expectation."""
    found, expected = everybody(strata).counts, strata.expected()
    cell = np.repeat(strata.men, 8)
    p = expected / cell
    error = np.sqrt(cell * p * (1 - p))
    assert expected.sum() == pytest.approx(strata.men.sum())
    assert np.all(abs(found - expected) <= 5 * error + 1)


@pytest.mark.parametrize("chunk", (1, 7, 4096, 10**7))
def test_men_do_not_depend_on_how_many_are_made_at_a_time(strata, chunk):
    few = Strata(
        strata.men[:5] // 50, strata.p_educated[:5], strata.p_passport[:5], strata.p_liable[:5]
    )
    some = strata if chunk > 100 else few
    assert same(everybody(some, chunk=chunk), everybody(some))


@pytest.mark.parametrize("index", (0.3, 0.6, 1.0))
@pytest.mark.parametrize("sample", (1.0, 0.1))
def test_leaving_out_the_unreachable_changes_no_man_who_is_kept(strata, index, sample):
    """Rows kept under caps are exactly the rows of everybody that the caps reach."""
    rng = np.random.default_rng(2)
    caps = (0.05 * rng.uniform(0.1, 1, (strata.n_strata, 2))) ** (1 / index)
    call_up = 0.02 * rng.uniform(size=strata.n_strata)
    whole = everybody(strata, index, sample)
    kept = everybody(strata, index, sample, caps=caps, call_up=call_up, chunk=1000)
    reached = (whole.threshold <= caps[whole.stratum].astype(np.float32)).any(axis=1)
    reached |= whole.call_up_threshold <= call_up[whole.stratum].astype(np.float32)
    assert np.array_equal(kept.counts, whole.counts)
    assert 0 < len(kept) < 0.3 * len(whole)
    for a, b in zip(columns(kept), columns(whole), strict=True):
        assert np.array_equal(a, b[reached])


@pytest.mark.parametrize("index", (0.25, 0.3, 0.6))
def test_the_screen_overlooks_no_man_of_enormous_frailty(strata, index):
    """Tiny caps are reached by the frailest alone, whose frailty has no bound."""
    caps = np.full((strata.n_strata, 2), 0.002 ** (1 / index))
    whole = everybody(strata, index)
    reached = (whole.threshold <= caps.astype(np.float32)[0]).any(axis=1)
    kept = everybody(strata, index, caps=caps, call_up=np.zeros(strata.n_strata))
    assert reached.sum() > 50
    assert np.array_equal(kept.id, whole.id[reached])


def test_thresholds_are_the_addressed_errors_over_frailty(strata):
    """Each man's from his own words, found one stream at a time."""
    draws = Draws(1)
    men = everybody(strata, 0.6, draws=draws)
    n = int(strata.men.sum())

    def word(purpose: str, occasion: int = 0) -> np.ndarray:
        return unit(draws.births(purpose, occasion).take(0, n))

    frailty = positive_stable(word("frailty"), -np.log(word("frailty", 1)), 0.6)
    for j, name in enumerate(WHERE):
        expected = exponential(word(f"error:{name}")) / frailty
        assert np.allclose(men.threshold[:, j], expected, rtol=1e-6)
    assert np.allclose(men.call_up_threshold, exponential(word("error:call-up")), rtol=1e-6)


def test_another_destination_changes_no_man(strata):
    caps = np.full((strata.n_strata, 3), np.inf)
    three = make(strata, ("georgia", "finland", "kazakhstan"), 0.6, 1.0, Draws(1), caps, caps[:, 0])
    two = everybody(strata)
    assert np.array_equal(three.threshold[:, [0, 2]], two.threshold)
    assert np.array_equal(three.stratum, two.stratum)


@given(st.floats(0.0001, 1), st.floats(0.0001, 1))
def test_a_smaller_sample_keeps_fewer_ranks_but_at_least_one(one, other):
    men = np.array([1, 2, 999, 12_345])
    small, large = (kept_ranks(men, share) for share in sorted((one, other)))
    assert np.all((small >= 1) & (small <= large) & (large <= men))
    assert np.array_equal(kept_ranks(men, 1.0), men)


def test_the_men_of_a_sample_are_among_those_of_a_larger_one(strata):
    small, large = everybody(strata, sample=0.05), everybody(strata, sample=0.1)
    place = np.searchsorted(large.id, small.id)
    assert np.array_equal(large.id[place], small.id)
    assert np.array_equal(large.stratum[place], small.stratum)
    assert np.array_equal(large.threshold[place], small.threshold)
    assert np.array_equal(large.call_up_threshold[place], small.call_up_threshold)


def test_a_sample_stands_for_the_whole_nation(strata):
    men = everybody(strata, sample=0.03)
    weighted = men.counts.reshape(-1, 8).sum(axis=1) * men.weight
    assert weighted == pytest.approx(strata.men)
    assert men.weight_of(np.arange(len(men))).sum() == pytest.approx(strata.men.sum())


def test_the_seed_and_the_replication_make_other_men(strata):
    men = everybody(strata)
    assert same(men, everybody(strata, draws=Draws(1, 0)))
    assert not same(men, everybody(strata, draws=Draws(1, 1)))
    assert not same(men, everybody(strata, draws=Draws(2)))


@pytest.mark.parametrize("share", (0.35, 0.5, 0.99))
def test_raising_the_passport_share_takes_no_passport_away(share):
    """In the model's own strata: whoever had a passport keeps it, and only passports change."""
    before, after = (
        World(load("september-2022", {"population.passport_share": p})).strata for p in (0.3, share)
    )
    assert np.all(after.p_passport >= before.p_passport)
    old, new = (everybody(strata, sample=0.0005).stratum for strata in (before, after))
    had, has = old >> 1 & 1, new >> 1 & 1
    assert np.all(has >= had)
    assert has.sum() > had.sum()
    assert np.array_equal(old | 2, new | 2)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.01, 0.99), st.floats(0.02, 0.75)), min_size=1, max_size=10),
    st.floats(0.1, 10),
)
def test_passports_by_education_average_to_the_regions_share(regions, odds_ratio):
    share, educated = np.array(regions).T
    p = passport_by_education(share, educated, odds_ratio)
    assert (1 - educated) * p[:, 0] + educated * p[:, 1] == pytest.approx(share, abs=1e-9)
    odds = p / (1 - p)
    assert odds[:, 1] / odds[:, 0] == pytest.approx(odds_ratio, rel=1e-6)


def test_nobody_or_everybody_may_have_a_passport():
    ends = passport_by_education(np.array([0.0, 1.0]), np.array([0.3, 0.3]), 2.5)
    assert ends.tolist() == [[0, 0], [1, 1]]


def test_regional_shares_are_shifted_to_the_national_one():
    share, weight = np.array([0.1, 0.3, 0.6]), np.array([5, 2, 1])
    shifted = shift_to_mean(share, weight, 0.4)
    assert (shifted * weight).sum() / 8 == pytest.approx(0.4)
    assert np.all(np.diff(shifted) > 0)
    assert shift_to_mean(share, weight, 0.0).tolist() == [0, 0, 0]
    assert shift_to_mean(share, weight, 1.0).tolist() == [1, 1, 1]


def test_a_larger_population_takes_over_the_state_of_a_smaller_one(strata):
    caps = np.full((strata.n_strata, 2), 0.001)
    early = everybody(strata, caps=caps, call_up=np.zeros(strata.n_strata))
    early.summoned_at[:] = np.arange(len(early))
    early.trip[:] = 5
    late = everybody(strata)
    place = late.carry_over(early)
    assert np.array_equal(late.id[place], early.id)
    assert np.array_equal(late.summoned_at[place], np.arange(len(early)))
    assert (late.trip == 5).sum() == len(early)


def test_the_shipped_nation_has_39_6_million_men_and_24_3_million_liable():
    world = World(load("september-2022"))
    liable = world.men[world.of_stratum["liable"] == 1].sum()
    assert world.strata.men.sum() == pytest.approx(39.58e6, abs=5e3)
    assert world.men.sum() == pytest.approx(world.strata.men.sum(), rel=1e-12)
    assert liable == pytest.approx(24.3e6, rel=0.01)
    passports = world.men[world.of_stratum["passport"] == 1].sum() / world.men.sum()
    assert passports == pytest.approx(world.assumptions.population.passport_share.value, abs=1e-6)
