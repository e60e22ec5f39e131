"""What men have drawn, kept: the same men, whatever was asked before and however little room."""

from __future__ import annotations

import numpy as np
import pytest

from flowsim.experiments import simulate as module
from flowsim.model.draw_cache import ROOM, DrawCache, KeptDraws, MenDraws
from flowsim.model.draws import Draws
from flowsim.model.population import Population, make
from flowsim.model.world import World
from flowsim.results.tables import outcomes_table
from flowsim.scenario import load

RANGES = [(0, 40), (40, 50), (1000, 1013)]
NAMES = ("frailty", "education", "error:georgia")


def men(world: World, register: DrawCache | None, replication: int = 0, **given) -> Population:
    return make(
        world.strata,
        world.destinations,
        world.assumptions.choice.lambda_.value,
        given.pop("sample", 0.001),
        Draws(world.assumptions.seed, replication),
        world.caps,
        world.call_up_caps,
        draw_cache=register,
        **given,
    )


def same(one: Population, other: Population) -> bool:
    columns = ("counts", "weight", "id", "stratum", "threshold", "call_up_threshold")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in columns)


def test_words_kept_are_the_words_drawn():
    """For each purpose and occasion, when asked again and by another who asks."""
    register, draws = DrawCache(), Draws(7, 2)
    for _ in range(2):
        born = MenDraws(draws, register, 0.01)
        for name in NAMES:
            for occasion in (0, 1):
                expected = MenDraws(draws).words(name, RANGES, occasion)
                assert np.array_equal(born.words(name, RANGES, occasion), expected)
    assert len(register) == 2 * len(NAMES)


def test_words_of_other_seeds_replications_and_stretches_are_other_words():
    register = DrawCache()
    asked = [
        (Draws(7, 0), RANGES),
        (Draws(7, 1), RANGES),
        (Draws(8, 0), RANGES),
        (Draws(7, 0), [(5, 68)]),
    ]
    found = [MenDraws(draws, register).words("frailty", ranges) for draws, ranges in asked]
    expected = [MenDraws(draws).words("frailty", ranges) for draws, ranges in asked]
    for i, words in enumerate(found):
        assert np.array_equal(words, expected[i])
        assert not any(np.array_equal(words, other) for other in found[i + 1 :])


def test_nobody_can_change_what_is_kept():
    words = MenDraws(Draws(1), DrawCache()).words("frailty", RANGES)
    with pytest.raises(ValueError, match="read-only"):
        words[0] = 0


def test_a_full_register_keeps_what_it_has_of_the_same_seed_and_forgets_other_seeds():
    size = MenDraws(Draws(1)).words("frailty", RANGES).nbytes
    register = DrawCache(most_bytes=2 * size)
    for replication in range(4):  # as replications come round: the first two stay
        MenDraws(Draws(1, replication), register).words("frailty", RANGES)
    assert len(register) == 2
    assert register.find((1, 1.0), (1, "frailty", 0, tuple(RANGES))) is not None
    MenDraws(Draws(2), register).words("frailty", RANGES)
    assert len(register) == 1
    assert register.n_bytes == size
    assert register.find((2, 1.0), (0, "frailty", 0, tuple(RANGES))) is not None


@pytest.mark.parametrize("room", (0, 3_000_000, 400_000_000))
def test_every_design_point_has_the_men_it_would_draw(room):
    """Shares, lambda, caps and chunks differ from point to point; words are shared."""
    register = DrawCache(most_bytes=room)
    for changes in ({}, {"population.passport_share": 0.6}, {"choice.lambda": 0.9}):
        world = World(load("september-2022", changes))
        for replication in (0, 1):
            assert same(men(world, register, replication), men(world, None, replication))
        assert same(men(world, register, chunk=5000), men(world, None))
    assert register.n_bytes <= room
    assert (len(register) > 0) == (room > 1_500_000)


@pytest.mark.parametrize("likely", (0, 300, 2 * ROOM))
@pytest.mark.parametrize("room", (0, 40_000, 400_000_000))
def test_numbers_kept_are_the_numbers_drawn(likely, room):
    """By man and occasion, run after run, in any order, whoever is likely to be asked for."""
    register, rng = DrawCache(most_bytes=room), np.random.default_rng(5)
    names, plain = ("travel", "patience", "walk"), Draws(7, 1)
    for run in range(4):
        if run == 1:
            assert register.n_bytes < 1_000, "a seed's first run leaves its marks only"
        kept = KeptDraws(7, 1, register, 0.01)
        kept.likely = np.arange(likely, dtype=np.uint32)
        for n in (0, 1, 40, 400):
            men = rng.integers(0, 39_000_000, n, dtype=np.uint32)
            men[::2] = rng.integers(0, 300, len(men[::2]))
            tries = rng.integers(0, 2, n).astype(np.int8)
            for occasion in (0, 2, tries, np.array([[0, 1, 1]])):
                expected = plain.uniforms(names, men, occasion)
                assert np.array_equal(kept.uniforms(names, men, occasion), expected)
            assert np.array_equal(kept.uniform("comply", men), plain.uniform("comply", men))
    assert register.n_bytes <= room
    assert (register.n_bytes > 0) == (room > 0)


def test_runs_in_one_process_do_not_know_of_each_other():
    """A scenario after another, and alone: the same outcomes."""
    here, there = (
        load("september-2022", {"sample": 0.0005, "population.passport_share": share})
        for share in (0.2, 0.6)
    )
    alone = outcomes_table(module.simulate(here), 0)
    module.simulate(there)
    again = outcomes_table(module.simulate(here), 0)
    assert alone.equals(again)
    assert not alone.equals(outcomes_table(module.simulate(here, 1), 0))
