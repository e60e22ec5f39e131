"""What men have drawn, at birth and later: a cache that keeps it for the next scenario.

Replication r of every scenario with one seed has the same men (common random numbers), so
whoever runs many scenarios need not draw them again. A number kept is the number that would
be drawn: a cache changes nothing but time.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from flowsim.model.draws import Births, Draws
from flowsim.types import Bools, Ints

Words = npt.NDArray[np.uint32]
Kept = npt.NDArray[Any]
Ranges = Sequence[tuple[int, int]]
ROOM = 16_384  # men whose draws for one purpose are kept: to find more is no cheaper than to draw


class DrawCache:
    """Numbers drawn before, by address, up to a number of bytes.

    When it is full it forgets what belongs to other seeds and samples than it was asked for
    last; what still finds no place is not kept. (Replications come round in turns, so
    forgetting the one unused for longest would forget each just before it is needed.)

    Parameters
    ----------
    most_bytes : int
        Room; a sample of 0.01 takes 17 MB for each replication.
    """

    def __init__(self, most_bytes: int = 400_000_000) -> None:
        self.most_bytes, self.n_bytes = most_bytes, 0
        self._kept: dict[tuple[Hashable, Hashable], Kept] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, family: Hashable, address: Hashable) -> Kept | None:
        """Return what is kept at an address of a family (a seed and sample); None if nothing."""
        return self._kept.get((family, address))

    def has_room(self, n_bytes: int) -> bool:
        """Return whether so much can be kept beside what is kept already."""
        return self.n_bytes + n_bytes <= self.most_bytes

    def keep(self, family: Hashable, address: Hashable, numbers: Kept) -> None:
        """Keep numbers, which nobody may change from now on, if there is room."""
        numbers.setflags(write=False)
        with self._lock:
            if (before := self._kept.pop((family, address), None)) is not None:
                self.n_bytes -= before.nbytes
            if not self.has_room(numbers.nbytes):
                self._kept = {key: kept for key, kept in self._kept.items() if key[0] == family}
                self.n_bytes = sum(kept.nbytes for kept in self._kept.values())
            if self.has_room(numbers.nbytes):
                self._kept[family, address] = numbers
                self.n_bytes += numbers.nbytes


class KeptDraws(Draws):
    """Draws of one replication that a cache keeps, if the men are few.

    The first run of a seed leaves its mark only. When a later one misses somebody, all the men
    likely to be asked for are drawn at once, since drawing few takes nearly as long as many.

    Parameters
    ----------
    seed, replication
        As of ``Draws``.
    draw_cache : DrawCache
        Where numbers are looked up and kept.
    sample : float
        Share of the men, as the name of what the cache keeps together.
    """

    def __init__(self, seed: int, replication: int, draw_cache: DrawCache, sample: float) -> None:
        super().__init__(seed, replication)
        self._draw_cache, self._family = draw_cache, (seed, sample)
        self._first_asked: set[Hashable] = set()  # by this run, before all others
        self.likely = np.zeros(0, dtype=np.uint32)

    def uniforms(
        self,
        purposes: Sequence[str],
        men: npt.NDArray[np.integer],
        occasion: int | npt.NDArray[np.integer] = 0,
    ) -> npt.NDArray[np.float64]:
        """Return what ``Draws.uniforms`` draws, found by man and occasion in ascending order.

        Parameters
        ----------
        purposes, men, occasion
            As of ``Draws.uniforms``.

        Returns
        -------
        float64, shape (N, P)
        """
        times = np.asarray(occasion, dtype=np.int64)
        by_purpose = times.ndim == 2
        address = (self.replication, *purposes, times.tobytes() if by_purpose else None)
        known = self._draw_cache.find(self._family, address)
        if known is None:
            known = np.full((1 + len(purposes), 1), np.inf)
            self._draw_cache.keep(self._family, address, known)
            self._first_asked.add(address)
        if address in self._first_asked:
            return super().uniforms(purposes, men, occasion)
        name = men.astype(np.int64) if by_purpose else men + (times << 32)
        place, lacks = _places(known[0], name)
        if lacks.any():
            wanted = name[lacks] if times.any() else np.append(name[lacks], self.likely)
            n = len(wanted) + known.shape[1]
            if n > ROOM or not self._draw_cache.has_room(n * len(known) * 8):
                return super().uniforms(purposes, men, occasion)
            new = np.unique(wanted)
            new = new[_places(known[0], new)[1]]
            drawn = super().uniforms(purposes, new & 0xFFFFFFFF, times if by_purpose else new >> 32)
            known = np.concatenate([known, [new, *drawn.T]], axis=1)
            known = known.take(known[0].argsort(), axis=1)
            self._draw_cache.keep(self._family, address, known)
            place, _ = _places(known[0], name)
        return np.ascontiguousarray(known[1:].take(place, axis=1).T)


def _places(names: npt.NDArray[np.float64], some: Ints) -> tuple[Ints, Bools]:
    """Return where some names belong among ascending ones up to infinity, and who is missing."""
    place = names.searchsorted(some)
    return place, names.take(place) != some


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
