"""Addressed random numbers: the same address gives the same number everywhere.

An address is (seed, replication, purpose by name, man, occasion). Nothing depends on the
order of drawing, so scenarios, chunks, processes and added mechanisms share their draws.
Both generators are Philox (Salmon, Moraes, Dror and Shaw 2011): NumPy's own 4x64-10 in
stretches of consecutive men for what every man is born with, and 4x32-10 written out below
for what happens to few men at a time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

_MASK = 0xFFFFFFFF
_FACTORS = (0xD2511F53, 0xCD9E8D57)  # of Philox 4x32
_RISE = (0x9E3779B9, 0xBB67AE85)  # of its keys from round to round
_HALF = np.uint64(32)
_WORDS = 8  # 32-bit numbers in one block of Philox 4x64
_STRETCH = 16_384  # men drawn at a time: what stays in the cache

Word = Any  # int, or uint64 array
Words = npt.NDArray[np.uint64]


def philox4x32(
    counter: tuple[Word, Word, Word, Word], key: tuple[Word, Word]
) -> tuple[Word, Word, Word, Word]:
    """Return the four words of Philox 4x32-10 for a counter, as ints or uint64 arrays alike.

    Source: Salmon et al. (2011), checked against Random123's known answers.
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0 = c0 * _FACTORS[0]
        p1 = c2 * _FACTORS[1]
        c0, c1, c2, c3 = (
            (p1 >> 32) ^ c1 ^ k0,
            p1 & _MASK,
            (p0 >> 32) ^ c3 ^ k1,
            p0 & _MASK,
        )
        k0 = (k0 + _RISE[0]) & _MASK
        k1 = (k1 + _RISE[1]) & _MASK
    return c0, c1, c2, c3


def _first_words(men: npt.NDArray[np.integer], times: Words, rounds: Words) -> Words:
    """Return the first word of Philox 4x32-10 for each man and purpose, shape (N, P).

    The counter is (man, 0, time, 0); the cipher's two halves are taken together, so that a
    round takes five operations on arrays.
    """
    shape = (2, len(men), rounds.shape[2])
    factors = np.array(_FACTORS, dtype=np.uint64)[:, None, None]
    product, high = np.empty(shape, dtype=np.uint64), np.empty(shape, dtype=np.uint64)
    even, odd = np.empty(shape, dtype=np.uint64), np.zeros(shape, dtype=np.uint64)
    even[0], even[1] = men[:, None], times  # words 0 and 2; odd: words 1 and 3
    for key in rounds:
        np.multiply(even, factors, out=product)
        np.right_shift(product, _HALF, out=high)
        np.bitwise_xor(high[::-1], odd, out=even)
        np.bitwise_xor(even, key[:, None, :], out=even)
        np.bitwise_and(product[::-1], _MASK, out=odd)
    return even[0]


def unit(words: npt.NDArray[np.unsignedinteger]) -> npt.NDArray[np.float64]:
    """Turn 32-bit words into numbers strictly between 0 and 1: the middle of each interval.

    Parameters
    ----------
    words : unsigned integers, any shape

    Returns
    -------
    float64, same shape
        In the open interval (0, 1).
    """
    return np.asarray((words + 0.5) * 2.0**-32, dtype=np.float64)


def exponential(uniform: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Turn uniforms into exponentials of mean 1, small where the uniform is small.

    Parameters
    ----------
    uniform : float64, any shape
        In the open interval (0, 1).

    Returns
    -------
    float64, same shape
        By inversion of the distribution function.
    """
    return -np.log1p(-uniform)


class Draws:
    """All random numbers of one replication.

    Parameters
    ----------
    seed : int
        Seed of the scenario.
    replication : int
        Replication r draws from ``SeedSequence(seed, spawn_key=(r,))``.
    """

    def __init__(self, seed: int, replication: int = 0) -> None:
        self.seed, self.replication = seed, replication
        state = np.random.SeedSequence(seed, spawn_key=(replication,)).generate_state(8)
        self._root = state.astype("<u4").tobytes()
        self._known: dict[tuple[str, ...], Words] = {}

    def key(self, purpose: str) -> tuple[int, int]:
        """Return the 128-bit key of a purpose as two 64-bit words (BLAKE2b of its name)."""
        digest = hashlib.blake2b(purpose.encode(), key=self._root, digest_size=16).digest()
        return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")

    def uniform(
        self, purpose: str, men: npt.NDArray[np.integer], occasion: int = 0
    ) -> npt.NDArray[np.float64]:
        """Draw for some men, in any order.

        Parameters
        ----------
        purpose : str
            Name of the decision, such as ``travel`` or ``crossing:GE-LARS``.
        men : integer array, shape (N,)
            Ids of men (places in the nation's list).
        occasion : int
            Which time this man takes this decision.

        Returns
        -------
        float64, shape (N,)
            In the open interval (0, 1).
        """
        return self.uniforms((purpose,), men, occasion)[:, 0]

    def uniforms(
        self,
        purposes: Sequence[str],
        men: npt.NDArray[np.integer],
        occasion: int | npt.NDArray[np.integer] = 0,
    ) -> npt.NDArray[np.float64]:
        """Draw for several purposes at once.

        Parameters
        ----------
        purposes : sequence of str, P of them
            Names, as for ``uniform``.
        men : integer array, shape (N,)
            Ids of men.
        occasion : int or integer array
            One number for all men, one for each, shape (N,), or for each purpose, shape (1, P).

        Returns
        -------
        float64, shape (N, P)
            Each column as ``uniform`` draws it.
        """
        rounds = self._rounds(tuple(purposes))
        n, p = len(men), rounds.shape[2]
        out = np.empty((n, p))
        times = np.asarray(occasion, dtype=np.uint64)
        times = np.broadcast_to(times[:, None] if times.ndim == 1 else times, (n, p))
        stretch = max(1, _STRETCH // max(1, p))
        for a in range(0, n, stretch):
            id_, time = men[a : a + stretch], times[a : a + stretch]
            out[a : a + stretch] = unit(_first_words(id_, time, rounds))
        return out

    def _rounds(self, purposes: tuple[str, ...]) -> Words:
        """Return the keys of all rounds of Philox 4x32 for some purposes, shape (10, 2, P)."""
        if purposes not in self._known:
            words = np.array([self.key(purpose)[1] for purpose in purposes], dtype=np.uint64)
            key = np.stack([words & np.uint64(_MASK), words >> np.uint64(32)])
            rise = np.arange(10, dtype=np.uint64)[:, None] * np.array(_RISE, dtype=np.uint64)
            self._known[purposes] = (key + rise[:, :, None]) & np.uint64(_MASK)
        return self._known[purposes]

    def uniform_of(self, purpose: str, man: int, occasion: int = 0) -> float:
        """Draw for one man: the same number as ``uniform`` gives him."""
        word = self.key(purpose)[1]
        first = philox4x32((man, 0, occasion, 0), (word & _MASK, word >> 32))[0]
        return (first + 0.5) * 2.0**-32

    def births(self, purpose: str, occasion: int = 0) -> Births:
        """Open the stream from which every man of the nation has one word, by id."""
        return Births(self.key(purpose), occasion)


class Births:
    """One 32-bit word for each man of the nation, read in ascending stretches of ids.

    The word of man i is word ``i % 8`` of block ``i // 8 + 1`` of Philox 4x64-10 with the
    purpose's key; the occasion is the counter's second word.
    """

    def __init__(self, key: tuple[int, int], occasion: int) -> None:
        counter = np.array([0, occasion, 0, 0], dtype=np.uint64)
        self._bits = np.random.Philox(key=np.array(key, dtype=np.uint64), counter=counter)
        self._block = 0

    def take(self, first: int, stop: int) -> npt.NDArray[np.uint32]:
        """Return the words of men ``first`` to ``stop - 1``; stretches must not go back."""
        block = first // _WORDS
        end = -(-stop // _WORDS)
        if block < self._block:  # the block that two stretches share is drawn again
            self._bits.advance(2**256 + block - self._block)
        elif block > self._block:
            self._bits.advance(block - self._block)
        self._block = end
        words = self._bits.random_raw(4 * (end - block)).astype("<u8", copy=False).view("<u4")
        return words[first - _WORDS * block : stop - _WORDS * block]
