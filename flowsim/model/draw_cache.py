"""What men are born with: 32-bit words by purpose, and a cache that keeps them.

Replication r of every scenario with one seed has the same men (common random numbers), so
whoever runs many scenarios need not draw them again. A word kept is the word that would be
drawn: a cache changes nothing but time.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from threading import Lock

import numpy as np
import numpy.typing as npt

from flowsim.model.draws import Births, Draws

Words = npt.NDArray[np.uint32]
Ranges = Sequence[tuple[int, int]]


class DrawCache:
    """Words drawn before, by address, up to a number of bytes.

    When it is full it forgets what belongs to other seeds and samples than it was asked for
    last; what still finds no place is not kept. (Replications come round in turns, so
    forgetting the one unused for longest would forget each just before it is needed.)

    Parameters
    ----------
    most_bytes : int
        Room; a sample of 0.01 takes 13 MB for each replication.
    """

    def __init__(self, most_bytes: int = 400_000_000) -> None:
        self.most_bytes, self.n_bytes = most_bytes, 0
        self._words: dict[tuple[Hashable, Hashable], Words] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._words)

    def find(self, family: Hashable, address: Hashable) -> Words | None:
        """Return the words at an address of a family (a seed and sample); None if not kept."""
        return self._words.get((family, address))

    def keep(self, family: Hashable, address: Hashable, words: Words) -> None:
        """Keep words, which nobody may change from now on, if there is room."""
        words.setflags(write=False)
        with self._lock:
            if self.n_bytes + words.nbytes > self.most_bytes:
                self._words = {key: kept for key, kept in self._words.items() if key[0] == family}
                self.n_bytes = sum(kept.nbytes for kept in self._words.values())
            if self.n_bytes + words.nbytes <= self.most_bytes:
                self._words[family, address] = words
                self.n_bytes += words.nbytes


class MenDraws:
    """What the men of one replication are born with, asked for in ascending stretches of ids.

    Parameters
    ----------
    draws : Draws
        Addressed random numbers.
    draw_cache : DrawCache, optional
        Where words are looked up and kept; without it, all are drawn.
    sample : float
        Share of the men, as the name of what the cache keeps together.
    """

    def __init__(
        self, draws: Draws, draw_cache: DrawCache | None = None, sample: float = 1.0
    ) -> None:
        self._draws, self._draw_cache = draws, draw_cache
        self._family = (draws.seed, sample)
        self._streams: dict[tuple[str, int], Births] = {}

    def words(self, purpose: str, ranges: Ranges, occasion: int = 0) -> Words:
        """Return the words of the men in some ranges (first id, last + 1), joined, shape (N,)."""
        if self._draw_cache is None:
            return self._draw(purpose, ranges, occasion)
        address = (self._draws.replication, purpose, occasion, tuple(ranges))
        words = self._draw_cache.find(self._family, address)
        if words is None:
            words = self._draw(purpose, ranges, occasion)
            self._draw_cache.keep(self._family, address, words)
        return words

    def _draw(self, purpose: str, ranges: Ranges, occasion: int) -> Words:
        stream = self._streams.get((purpose, occasion))
        if stream is None:
            stream = self._draws.births(purpose, occasion)
            self._streams[purpose, occasion] = stream
        words = [stream.take(first, stop) for first, stop in ranges]
        return words[0] if len(words) == 1 else np.concatenate(words)
