"""The men as columns, and how they are made: attributes, thresholds, and who need be kept.

The nation is a list ordered by region, age band and rank; a man's id is his place in it.
Every man of the sample is drawn and counted; only those whose thresholds can be reached
within the horizon are kept as rows, which changes nothing (ODD 7.1 and 7.2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from flowsim.errors import ModelError
from flowsim.model.draw_cache import DrawCache, MenDraws, Ranges
from flowsim.model.draws import Draws, exponential, unit
from flowsim.model.states import NEVER
from flowsim.types import Bools, Floats, Ints

N_AGES = 8
CHUNK = 65_536
_FULL = 2.0**32
_BINS = 256  # of each of the two draws behind the frailty, in the screen


class Further(NamedTuple):
    """A document beside the passport that some destination asks for."""

    name: str
    share: Floats  # of those who hold what it needs, by cell, shape (C,)
    needs: int | None  # place of that among the documents, the passport first
    only_for: tuple[str, ...] = ()  # destinations to which nobody without it wants to go


@dataclass(frozen=True)
class Strata:
    """The cells of the nation (region x age) and their strata (x education, passport, liability).

    Stratum = ((cell * 2 + educated) * 2 + passport) * 2 + liable, cell = region * 8 + age. Each
    document beside the passport doubles the strata: then ``cell * 2**m + further`` stands in the
    place of cell, bit i of ``further`` being the i-th of them. A plain stratum leaves them out.

    Attributes
    ----------
    men : int64, shape (C,)
        Men of the nation by cell.
    p_educated, p_liable : float64, shape (C,)
        Probabilities by cell.
    p_passport : float64, shape (C, 2)
        Probability of a passport without and with higher education.
    further : tuple of Further
        Documents beside the passport.
    """

    men: Ints
    p_educated: Floats
    p_passport: Floats
    p_liable: Floats
    further: tuple[Further, ...] = ()

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return len(self.men)

    @property
    def per_cell(self) -> int:
        """Number of strata of a cell."""
        return 8 << len(self.further)

    @property
    def n_strata(self) -> int:
        """Number of strata."""
        return self.per_cell * len(self.men)

    @cached_property
    def holdings(self) -> Bools:
        """Which documents men hold, the passport first, by code ``holds``, shape (D, K)."""
        n = 1 + len(self.further)
        return (np.arange(2**n)[:, None] >> np.arange(n)) % 2 == 1

    def p_further(self) -> Floats:
        """Return the probability of each combination of further documents, shape (C, 2**m, 2).

        The last axis is without and with the passport.
        """
        p = np.ones((self.n_cells, len(self.holdings)))
        for k, document in enumerate(self.further, 1):
            able = True if document.needs is None else self.holdings[:, document.needs]
            share = np.where(able, document.share[:, None], 0.0)
            p = p * np.where(self.holdings[:, k], share, 1 - share)
        return p.reshape(self.n_cells, -1, 2)

    def needed_for(self, destination: str) -> list[int]:
        """Return the places of the documents without which nobody wants to go there."""
        return [k for k, document in enumerate(self.further, 1) if destination in document.only_for]

    def plain(self, stratum: npt.NDArray[np.integer]) -> Ints:
        """Return the plain strata of some strata; the first is of holdings without more.

        Parameters
        ----------
        stratum : integer array, shape (N,)

        Returns
        -------
        int64, shape (N,)
        """
        codes: Ints = stratum.astype(np.int64)
        return codes // self.per_cell * 8 + codes % 8 if self.further else codes

    def cell(self, stratum: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
        """Return the cells of some strata.

        Parameters
        ----------
        stratum : integer array, shape (N,)

        Returns
        -------
        integer array, shape (N,)
        """
        return stratum >> (3 + len(self.further))

    def by_plain(self, counts: Ints) -> Ints:
        """Add up counts by stratum to counts by plain stratum.

        Parameters
        ----------
        counts : int64, shape (S,)

        Returns
        -------
        int64, shape (8 C,)
        """
        return counts.reshape(self.n_cells, -1, 8).sum(axis=1).reshape(-1)

    def expected(self) -> Floats:
        """Return the expected men of the nation by stratum, shape (S,)."""
        educated = np.stack([1 - self.p_educated, self.p_educated], axis=1)
        passport = np.stack([1 - self.p_passport, self.p_passport], axis=2)
        liable = np.stack([1 - self.p_liable, self.p_liable], axis=1)
        share = educated[:, :, None, None] * passport[:, :, :, None] * liable[:, None, None, :]
        share = share[:, None] * self.p_further()[:, :, None, :, None]
        return (self.men[:, None, None, None, None] * share).reshape(-1)

    def columns(self) -> dict[str, npt.NDArray[np.int64]]:
        """Return what men of each stratum are, each shape (S,).

        ``region``, ``age``, ``educated``, ``passport``, ``liable``, and ``holds``: the code of
        all documents held, a row of ``holdings``.
        """
        s = np.arange(self.n_strata)
        plain = self.plain(s)
        passport, further = plain // 2 % 2, s % self.per_cell // 8
        return {
            "region": plain // (8 * N_AGES),
            "age": plain // 8 % N_AGES,
            "educated": plain // 4 % 2,
            "passport": passport,
            "liable": plain % 2,
            "holds": further * 2 + passport,
        }


def passport_by_education(share: Floats, educated: Floats, odds_ratio: float) -> Floats:
    """Solve for the passport share without and with higher education.

    Parameters
    ----------
    share, educated : float64, shape (R,)
        Passport share and share with higher education of each region.
    odds_ratio : float
        Odds of a passport with higher education against without.

    Returns
    -------
    float64, shape (R, 2)
        Shares that average to ``share`` and differ by the odds ratio.
    """
    low, high = np.full(len(share), -40.0), np.full(len(share), 40.0)
    for _ in range(80):
        middle = (low + high) / 2
        without = 1 / (1 + np.exp(-middle))
        with_ = 1 / (1 + np.exp(-middle) / odds_ratio)
        too_high = (1 - educated) * without + educated * with_ > share
        low, high = np.where(too_high, low, middle), np.where(too_high, middle, high)
    both = np.stack([without, with_], axis=1)
    return np.where(share[:, None] <= 0, 0.0, np.where(share[:, None] >= 1, 1.0, both))


def shift_to_mean(share: Floats, weight: Ints, mean: float) -> Floats:
    """Shift regional shares on the logit scale until their weighted mean is ``mean``.

    Parameters
    ----------
    share : float64, shape (R,)
        Between 0 and 1.
    weight : int64, shape (R,)
        Men of each region.
    mean : float
        Wanted; 0 and 1 leave nothing to shift.

    Returns
    -------
    float64, shape (R,)
        Shares whose odds all differ from the given ones by one factor.
    """
    if mean <= 0 or mean >= 1:
        return np.full(len(share), mean)
    low, high = -40.0, 40.0
    odds = share / (1 - share)
    for _ in range(80):
        middle = (low + high) / 2
        shifted = 1 / (1 + np.exp(-middle) / odds)
        if (shifted * weight).sum() / weight.sum() > mean:
            high = middle
        else:
            low = middle
    return shifted


def positive_stable(u: Floats, w: Floats, index: float) -> Floats:
    """Turn a uniform and an exponential into a positive stable frailty (Kanter 1975).

    Parameters
    ----------
    u, w : float64, shape (N,)
        Uniform on (0, 1) and exponential of mean 1.
    index : float
        lambda, in (0, 1]; 1 makes every frailty 1.

    Returns
    -------
    float64, shape (N,)
        Positive, with Laplace transform ``exp(-s ** index)``.
    """
    if index == 1:
        return np.ones(len(u))
    x = np.pi * u
    ratio = (1 - index) / index
    return np.sin(index * x) / np.sin(x) ** (1 / index) * (np.sin((1 - index) * x) / w) ** ratio


def kept_ranks(men: Ints, sample: float) -> Ints:
    """Return how many ranks of each cell a sample keeps: ``ceil(sample * men)``.

    Parameters
    ----------
    men : int64, shape (K,)
        Men of the nation in each cell.
    sample : float
        Share of the men, above 0 to 1.

    Returns
    -------
    int64, shape (K,)
    """
    return np.ceil(np.round(sample * men, 6)).astype(np.int64)


@dataclass
class Population:
    """The men of a sample: counts of all, rows of those whose thresholds can be reached.

    ==================  =======  =====================================================
    column              dtype    meaning (written by)
    ==================  =======  =====================================================
    id                  uint32   place in the nation's list (population)
    stratum             uint16   see ``Strata`` (population)
    threshold (N, J)    float32  error over frailty, by destination (population)
    call_up_threshold   float32  error against the call-up hazard (population)
    summoned_at         int32    second of the summons (model)
    enlisted_at         int32    second at which he complied (model)
    trip                int32    his latest trip, -1 if he never left (model)
    ==================  =======  =====================================================
    """

    strata: Strata
    counts: Ints
    weight: Floats
    id: npt.NDArray[np.uint32]
    stratum: npt.NDArray[np.uint16]
    threshold: npt.NDArray[np.float32]
    call_up_threshold: npt.NDArray[np.float32]
    summoned_at: npt.NDArray[np.int32] = field(init=False)
    enlisted_at: npt.NDArray[np.int32] = field(init=False)
    trip: npt.NDArray[np.int32] = field(init=False)

    def __post_init__(self) -> None:
        """Start everybody at home."""
        n = len(self.id)
        self.summoned_at = np.full(n, NEVER, dtype=np.int32)
        self.enlisted_at = np.full(n, NEVER, dtype=np.int32)
        self.trip = np.full(n, -1, dtype=np.int32)

    def __len__(self) -> int:
        return len(self.id)

    @property
    def n_men(self) -> int:
        """Number of simulated men, kept as rows or only counted."""
        return int(self.counts.sum())

    def weight_of(self, rows: npt.NDArray[np.integer]) -> Floats:
        """Return how many men of the nation some rows stand for.

        Parameters
        ----------
        rows : integer array, shape (n,)

        Returns
        -------
        float64, shape (n,)
            Men.
        """
        return self.weight[self.strata.cell(self.stratum[rows])]

    @property
    def men_by_stratum(self) -> Floats:
        """Men of the nation for whom all simulated men stand, shape (S,)."""
        return (self.counts.reshape(len(self.weight), -1) * self.weight[:, None]).reshape(-1)

    def carry_over(self, earlier: Population) -> Ints:
        """Take the state of the rows of an earlier, smaller population; give their new places."""
        place = np.searchsorted(self.id, earlier.id)
        for name in ("summoned_at", "enlisted_at", "trip"):
            getattr(self, name)[place] = getattr(earlier, name)
        return place


def make(
    strata: Strata,
    destinations: tuple[str, ...],
    index: float,
    sample: float,
    draws: Draws,
    caps: Floats,
    call_up_caps: Floats,
    chunk: int = CHUNK,
    draw_cache: DrawCache | None = None,
) -> Population:
    """Make the men of a sample and keep those whose thresholds lie within the caps.

    Parameters
    ----------
    strata : Strata
        Cells and probabilities.
    destinations : tuple of str
        Names, whose errors are drawn as ``error:<name>``.
    index : float
        lambda, the index of the frailty.
    sample : float
        Share of the ranks kept in each cell.
    draws : Draws
        Addressed random numbers.
    caps : float64, shape (S, J)
        Highest pressure each stratum can reach; infinite keeps everybody.
    call_up_caps : float64, shape (S,)
        Highest call-up hazard each stratum can reach.
    chunk : int
        Men made at a time; changes nothing but speed and memory.
    draw_cache : DrawCache, optional
        Keeps what they are born with for the next call; changes nothing but speed.

    Returns
    -------
    Population
        Rows of the men kept, in the order of their ids.
    """
    kept = kept_ranks(strata.men, sample)
    first = np.concatenate([[0], np.cumsum(strata.men)])
    n_words = 6 + len(destinations) + len(strata.further)
    if draw_cache is not None and 4 * n_words * kept.sum() > draw_cache.most_bytes:
        draw_cache = None
    born = MenDraws(draws, draw_cache, sample)
    maker = _Maker(strata, destinations, index, born, caps, call_up_caps)
    counts = np.zeros((strata.n_cells, strata.per_cell), dtype=np.int64)
    parts = [maker.make(piece, first, counts) for piece in _pieces(tuple(kept.tolist()), chunk)]
    return _together(strata, counts, strata.men / kept, parts)


def _together(strata: Strata, counts: Ints, weight: Floats, parts: list[Rows]) -> Population:
    """Join the rows of all pieces, each column in one stretch of memory for each destination."""
    columns = [np.concatenate(column, axis=-1).T for column in zip(*parts, strict=True)]
    return Population(strata, counts.reshape(-1), weight, *columns)


def one_man(
    strata: Strata,
    destinations: tuple[str, ...],
    index: float,
    draws: Draws,
    man: int,
    sample: float = 1.0,
) -> Population:
    """Make a single man of the nation by his id, the same as among all others.

    Raises
    ------
    ModelError
        If there is no such man, or he is not in the sample.
    """
    first = np.concatenate([[0], np.cumsum(strata.men)])
    if not 0 <= man < first[-1]:
        raise ModelError(f"there is no man {man}; expected 0 to {first[-1] - 1:,}")
    cell = int(np.searchsorted(first, man, side="right")) - 1
    rank, kept = man - int(first[cell]), int(kept_ranks(strata.men, sample)[cell])
    if rank >= kept:
        raise ModelError(
            f"man {man} is not in a sample of {sample:g} (rank {rank} of his region and age, "
            f"{kept} are kept); take --sample 1, or a man of --where"
        )
    everyone = np.full((strata.n_strata, len(destinations)), np.inf)
    maker = _Maker(strata, destinations, index, MenDraws(draws), everyone, everyone[:, 0])
    counts = np.zeros((strata.n_cells, strata.per_cell), dtype=np.int64)
    rows = maker.make([(cell, rank, rank + 1)], first, counts)
    return _together(strata, counts, np.ones(strata.n_cells), [rows])


Piece = list[tuple[int, int, int]]
Rows = tuple[
    npt.NDArray[np.uint32],
    npt.NDArray[np.uint16],
    npt.NDArray[np.float32],
    npt.NDArray[np.float32],
]


@lru_cache(maxsize=4)
def _pieces(kept: tuple[int, ...], chunk: int) -> tuple[Piece, ...]:
    """Cut the sample into lists of (cell, first rank, last rank + 1) of at most ``chunk`` men."""
    pieces: list[Piece] = []
    piece: Piece = []
    room = chunk
    for cell, n in enumerate(kept):
        rank = 0
        while rank < n:
            stop = min(n, rank + room)
            piece.append((cell, rank, stop))
            room -= stop - rank
            rank = stop
            if room == 0:
                pieces.append(piece)
                piece, room = [], chunk
    return (*pieces, piece) if piece else tuple(pieces)


class _Maker:
    """Makes pieces of the population; holds the streams and the screen."""

    def __init__(
        self,
        strata: Strata,
        destinations: tuple[str, ...],
        index: float,
        born: MenDraws,
        caps: Floats,
        call_up_caps: Floats,
    ) -> None:
        self.index = index
        holds = strata.holdings[strata.columns()["holds"]]
        self.needed = [strata.needed_for(name) for name in destinations]
        self.unwanted = np.stack([~holds[:, k].all(axis=1) for k in self.needed])
        with np.errstate(over="ignore"):
            self.caps, self.call_up_caps = caps.T.astype("f4"), call_up_caps.astype("f4")
        wanted = np.where(self.unwanted, 0.0, caps.T)
        self.screen = np.minimum(wanted * 1.001 * _FULL, 1e30).astype(np.float32)
        by_cell = self.screen.reshape(len(destinations), strata.n_cells, strata.per_cell).max(
            axis=2
        )
        self.nearness = 1 / np.maximum(by_cell.max(axis=1), np.float32(1e-6))
        self.screen_of_any = (self.screen * self.nearness[:, None]).max(axis=0)
        self.screen_of_cell = self.screen_of_any.reshape(strata.n_cells, -1).max(axis=1)
        self.screen_call_up = _word(-np.expm1(-call_up_caps * 1.001))
        self.call_up_of_cell = self.screen_call_up.reshape(strata.n_cells, -1).max(axis=1)
        self.frailty_bound = _frailty_bounds(index)
        self.educated = _word(strata.p_educated)
        self.passport = _word(strata.p_passport)
        self.liable = _word(strata.p_liable)
        self.born, self.destinations = born, destinations
        self.strata = strata

    def make(self, piece: Piece, first: Ints, counts: Ints) -> Rows:
        """Draw the men of a piece, count them by stratum, and give the rows to keep."""
        cells = np.array([cell for cell, _, _ in piece])
        sizes = [stop - rank for _, rank, stop in piece]
        ranges = _joined([(int(first[c]) + a, int(first[c]) + b) for c, a, b in piece])

        def each(by_cell: npt.NDArray[Any]) -> npt.NDArray[Any]:
            return by_cell[cells[0]] if len(cells) == 1 else np.repeat(by_cell[cells], sizes)

        born = self.born
        educated = born.words("education", ranges) < each(self.educated)
        has_passport = born.words("passport", ranges)
        passport = has_passport < each(self.passport[:, 0])
        passport |= educated & (has_passport < each(self.passport[:, 1]))
        liable = born.words("liability", ranges) < each(self.liable)
        held = self._held(ranges, passport, each)
        bits = [liable, passport, educated, *held[1:]]  # of a stratum in its cell, lowest first
        _count(counts, cells, sizes, bits)

        angle, size = (born.words("frailty", ranges, occasion) for occasion in (0, 1))
        errors = [born.words(f"error:{name}", ranges) for name in self.destinations]
        call_up = born.words("error:call-up", ranges)
        bound = self.frailty_bound.take(((angle >> 24) << 8) | (size >> 24))
        keep = call_up < each(self.call_up_of_cell)
        nearest = np.full(len(bound), np.inf, dtype=np.float32)
        for error, nearness, needed in zip(errors, self.nearness, self.needed, strict=True):
            distance = error.astype(np.float32)
            distance *= nearness
            able = np.all([held[k] for k in needed], axis=0) if needed else True
            np.minimum(nearest, distance, out=nearest, where=able)
        keep |= nearest <= bound * each(self.screen_of_cell)
        row = np.flatnonzero(keep)

        cell = cells[np.searchsorted(np.cumsum(sizes), row, side="right")]
        stratum = cell * self.strata.per_cell + _code([bit[row] for bit in bits])
        again = nearest[row] <= bound[row] * self.screen_of_any[stratum]
        again |= call_up[row] < self.screen_call_up[stratum]
        row, stratum = row[again], stratum[again]
        words = np.array([drawn[row] for drawn in (call_up, *errors)])
        with np.errstate(over="ignore"):
            near = words[1:].astype(np.float32) <= self.screen.take(stratum, axis=1) * bound[row]
        again = near.any(axis=0) | (words[0] < self.screen_call_up[stratum])
        row, stratum, words = row[again], stratum[again], words[:, again]
        return self._thresholds(
            _ids(ranges, row), stratum, unit(angle[row]), unit(size[row]), exponential(unit(words))
        )

    def _held(
        self, ranges: Ranges, passport: Bools, each: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]
    ) -> list[Bools]:
        """Draw who holds which documents beside the passport; return who holds each of them."""
        held = [passport]
        for document in self.strata.further:
            words = self.born.words(f"document:{document.name}", ranges)
            holds: Bools = words < each(_word(document.share))
            held.append(holds if document.needs is None else holds & held[document.needs])
        return held

    def _thresholds(
        self,
        ids: npt.NDArray[np.int64],
        stratum: Ints,
        angle: Floats,
        size: Floats,
        errors: Floats,
    ) -> Rows:
        """Return exact thresholds and drop the men whom their own stratum's caps cannot reach."""
        frailty = positive_stable(angle, -np.log(size), self.index)
        with np.errstate(over="ignore"):
            threshold = (errors[1:] / frailty).astype(np.float32)
        call_up = errors[0].astype(np.float32)
        threshold[self.unwanted.take(stratum, axis=1)] = (
            np.inf
        )  # nothing would make him want to go there
        reached = (threshold <= self.caps.take(stratum, axis=1)).any(axis=0)
        reached |= call_up <= self.call_up_caps[stratum]
        return (
            ids[reached].astype(np.uint32),
            stratum[reached].astype(np.uint16),
            threshold[:, reached],
            call_up[reached],
        )


def _code(bits: list[Bools]) -> npt.NDArray[np.uint8]:
    """Return the number that each man's bits make, the lowest first."""
    code = bits[0].astype(np.uint8)
    for i, bit in enumerate(bits[1:], 1):
        code |= bit.view(np.uint8) << np.uint8(i)
    return code


def _word(probability: Floats) -> npt.NDArray[np.uint32]:
    """Return the word below which a draw means yes; 0 never, 1 always but for one in 2**32."""
    return np.minimum(np.ceil(probability * _FULL - 0.5), _FULL - 1).clip(0).astype(np.uint32)


@lru_cache(maxsize=16)
def _frailty_bounds(index: float) -> npt.NDArray[np.float32]:
    """Bound the frailty from above in each pair of bins of its two draws, shape (65536,)."""
    edge = np.minimum(np.arange(1, _BINS + 1) / _BINS, 1 - 1e-12)
    u, w = (part.ravel() for part in np.meshgrid(edge, edge, indexing="ij"))
    bound = 1.001 * positive_stable(u, -np.log(w), index)
    unbounded = np.maximum(u, w) == edge[-1]
    bounds = np.where(unbounded, 1e38, bound).astype(np.float32)
    bounds.setflags(write=False)
    return bounds


def _joined(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join ranges of ids that follow one another."""
    joined = ranges[:1]
    for a, b in ranges[1:]:
        if a == joined[-1][1]:
            joined[-1] = (joined[-1][0], b)
        else:
            joined.append((a, b))
    return joined


def _ids(ranges: list[tuple[int, int]], row: npt.NDArray[np.intp]) -> npt.NDArray[np.int64]:
    """Return the ids of some rows of a piece."""
    starts = np.array([a for a, _ in ranges])
    ends = np.cumsum([b - a for a, b in ranges])
    part = np.searchsorted(ends, row, side="right")
    return starts[part] + row - np.concatenate([[0], ends])[part]


def _count(counts: Ints, cells: Ints, sizes: list[int], bits: list[Bools]) -> None:
    """Add the men of a piece to the counts by cell and stratum of it, shape (C, n)."""
    n = counts.shape[1]
    if len(cells) > 8:
        key = np.repeat(np.arange(len(cells)) * n, sizes) + _code(bits)
        counts[cells] += np.bincount(key, minlength=n * len(cells)).reshape(-1, n)
        return
    both = [bits[0]]  # who has all bits of a set, the sets numbered as strata are
    for bit in bits[1:]:
        both += [bit, *(bit & others for others in both)]
    end = 0
    for cell, size in zip(cells.tolist(), sizes, strict=True):
        part = slice(end, end + size)
        end += size
        found = np.array([size, *(np.count_nonzero(one[part]) for one in both)])
        for i in range(len(bits)):  # of those who have at least these bits, who lacks the others
            with_it = found.reshape(-1, 2, 1 << i)
            with_it[:, 0] -= with_it[:, 1]
        counts[cell] += found
