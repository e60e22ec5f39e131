"""Addressed random numbers: published known answers, and nothing but the address counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowsim.model.draws import Births, Draws, exponential, philox4x32, unit

# Random123, tests/kat_vectors (Salmon, Moraes, Dror and Shaw 2011): counter, key, answer.
PHILOX_4X32_10 = [
    (
        "00000000 00000000 00000000 00000000",
        "00000000 00000000",
        "6627e8d5 e169c58d bc57ac4c 9b00dbd8",
    ),
    (
        "ffffffff ffffffff ffffffff ffffffff",
        "ffffffff ffffffff",
        "408f276d 41c83b0e a20bc7c6 6d5451fd",
    ),
    (
        "243f6a88 85a308d3 13198a2e 03707344",
        "a4093822 299f31d0",
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
]
PHILOX_4X64_10 = [
    (
        "0000000000000000 0000000000000000 0000000000000000 0000000000000000",
        "0000000000000000 0000000000000000",
        "16554d9eca36314c db20fe9d672d0fdc d7e772cee186176b 7e68b68aec7ba23b",
    ),
    (
        "ffffffffffffffff ffffffffffffffff ffffffffffffffff ffffffffffffffff",
        "ffffffffffffffff ffffffffffffffff",
        "87b092c3013fe90b 438c3c67be8d0224 9cc7d7c69cd777b6 a09caebf594f0ba0",
    ),
    (
        "243f6a8885a308d3 13198a2e03707344 a4093822299f31d0 082efa98ec4e6c89",
        "452821e638d01377 be5466cf34e90c6c",
        "a528f45403e61d95 38c72dbd566e9788 a5a1610e72fd18b5 57bd43b5e52b7fe6",
    ),
]
KEY = (0x0123456789ABCDEF, 0xFEDCBA9876543210)
MEN = np.array([0, 1, 7, 8, 9, 39_580_000, 2**32 - 1])


def words(text: str) -> tuple[int, ...]:
    return tuple(int(word, 16) for word in text.split())


@pytest.mark.parametrize(("counter", "key", "answer"), PHILOX_4X32_10)
def test_philox_4x32_gives_the_known_answers_of_random123(counter, key, answer):
    assert philox4x32(words(counter), words(key)) == words(answer)


def test_philox_4x32_gives_the_known_answers_in_arrays_too():
    counter, key, answer = (
        tuple(np.array(column, dtype=np.uint64))
        for column in (
            np.transpose([words(row[part]) for row in PHILOX_4X32_10]) for part in range(3)
        )
    )
    assert np.array_equal(np.stack(philox4x32(counter, key)), np.stack(answer))


@pytest.mark.parametrize(("counter", "key", "answer"), PHILOX_4X64_10)
def test_numpys_philox_gives_the_known_answers_of_random123(counter, key, answer):
    """NumPy raises the counter before each block, so it starts one below the published one."""
    number = sum(word << 64 * place for place, word in enumerate(words(counter)))
    before = (number - 1) % 2**256
    bits = np.random.Philox(counter=before, key=np.array(words(key), dtype=np.uint64))
    assert tuple(bits.random_raw(4).tolist()) == words(answer)


def test_the_first_eight_men_are_born_from_block_one():
    """Word i % 8 of block i // 8 + 1, low half of each 64-bit number first."""
    born = Births(KEY, occasion=3).take(0, 16)
    bits = np.random.Philox(
        counter=np.array([0, 3, 0, 0], dtype=np.uint64), key=np.array(KEY, dtype=np.uint64)
    )
    halves = [(w & 0xFFFFFFFF, w >> 32) for w in bits.random_raw(8).tolist()]
    assert born.tolist() == [half for pair in halves for half in pair]


@given(st.lists(st.integers(0, 400), min_size=2, max_size=8).map(sorted))
def test_a_man_is_born_the_same_whatever_stretch_he_is_read_in(edges):
    whole = Births(KEY, 0).take(0, 401)
    stream = Births(KEY, 0)
    for first, stop in zip(edges[:-1], edges[1:], strict=True):
        assert np.array_equal(stream.take(first, stop), whole[first:stop])


def test_skipping_most_of_the_nation_leads_to_the_same_men():
    """What a sample reads: short stretches, far apart."""
    far = 39_579_991
    skipping = Births(KEY, 0)
    skipping.take(0, 3)
    skipping.take(1_000_003, 1_000_007)
    assert np.array_equal(skipping.take(far, far + 5), Births(KEY, 0).take(far, far + 5))


def test_one_man_draws_what_he_draws_among_many():
    draws = Draws(7, 2)
    among = draws.uniform("travel", MEN, occasion=5)
    alone = [draws.uniform_of("travel", int(man), 5) for man in MEN]
    assert among.tolist() == alone


def test_a_man_draws_the_same_in_any_order_and_any_crowd():
    draws = Draws(7)
    crowd = np.arange(40_000)
    shuffled = np.random.default_rng(0).permutation(crowd)
    assert np.array_equal(draws.uniform("walk", shuffled), draws.uniform("walk", crowd)[shuffled])


def test_drawing_for_several_purposes_at_once_changes_no_draw():
    draws = Draws(7)
    purposes = ("crossing:GE-LARS", "crossing:KZ-OZINKI", "patience")
    together = draws.uniforms(purposes, MEN, occasion=1)
    apart = np.stack([draws.uniform(purpose, MEN, 1) for purpose in purposes], axis=1)
    assert np.array_equal(together, apart)


def test_each_man_may_have_his_own_occasion():
    draws = Draws(7)
    times = np.arange(len(MEN)) % 3
    each = draws.uniforms(("serve",), MEN, times)[:, 0]
    assert each.tolist() == [
        draws.uniform_of("serve", m, t) for m, t in zip(MEN.tolist(), times.tolist(), strict=True)
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((1, 0, "travel", 0), (1, 0, "patience", 0)),
        ((1, 0, "travel", 0), (1, 0, "travel", 1)),
        ((1, 0, "travel", 0), (1, 1, "travel", 0)),
        ((1, 0, "travel", 0), (2, 0, "travel", 0)),
    ],
    ids=["purpose", "occasion", "replication", "seed"],
)
def test_draws_of_different_addresses_are_independent(one, other):
    """Correlation within four standard errors of 0, and no number shared."""
    n = 20_000
    u, v = (
        Draws(seed, replication).uniform(purpose, np.arange(n), occasion)
        for seed, replication, purpose, occasion in (one, other)
    )
    assert abs(np.corrcoef(u, v)[0, 1]) < 4 / np.sqrt(n)
    assert (u == v).mean() < 0.001


def test_streams_of_births_of_different_purposes_are_independent():
    n = 20_000
    draws = Draws(1)
    streams = [draws.births("education"), draws.births("passport"), draws.births("education", 1)]
    u = unit(np.stack([stream.take(0, n) for stream in streams]))
    correlation = np.corrcoef(u)[np.triu_indices(3, 1)]
    assert np.all(abs(correlation) < 4 / np.sqrt(n))


def test_a_replication_takes_its_seed_from_numpys_seed_sequence():
    """INTERFACES: replication r has ``SeedSequence(seed, spawn_key=(r,))``; 0 is one of them."""
    assert Draws(5, 0).key("travel") != Draws(5, 1).key("travel")
    assert Draws(5, 3).key("travel") == Draws(5, 3).key("travel")
    spawned = np.random.SeedSequence(5).spawn(4)[3]
    expected = spawned.generate_state(8).astype("<u4").tobytes()
    assert Draws(5, 3)._root == expected


def test_uniforms_are_uniform_and_exponentials_exponential():
    """First two moments within four standard errors."""
    n = 100_000
    u = Draws(3).uniform("anything", np.arange(n))
    e = exponential(u)
    assert u.min() > 0
    assert u.max() < 1
    assert abs(u.mean() - 1 / 2) < 4 * np.sqrt(1 / 12 / n)
    assert abs(e.mean() - 1) < 4 / np.sqrt(n)
    assert abs((e**2).mean() - 2) < 4 * np.sqrt(20 / n)


def test_the_ends_of_the_unit_interval_are_never_drawn():
    ends = unit(np.array([0, 2**32 - 1], dtype=np.uint64))
    assert 0 < ends[0] < 1e-9
    assert 1 - 1e-9 < ends[1] < 1
    assert np.isfinite(exponential(ends)).all()


def test_draws_of_several_purposes_and_occasions_are_those_drawn_one_by_one():
    """One occasion for all, for each man, or for each purpose; in any stretch."""
    draws, names = Draws(4, 1), ("travel", "patience", "walk")
    men = np.arange(20_000, dtype=np.uint32) * 1979
    each = np.arange(20_000) % 3
    for occasion, of in (
        (2, lambda i, p: 2),
        (each, lambda i, p: int(each[i])),
        (np.array([[0, 1, 5]]), lambda i, p: (0, 1, 5)[p]),
    ):
        found = draws.uniforms(names, men, occasion)
        for i in (0, 1, 7000, 19_999):
            for p, name in enumerate(names):
                assert found[i, p] == draws.uniform_of(name, int(men[i]), of(i, p))
