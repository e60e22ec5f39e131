"""Who explains how much, where several causes act at once: Shapley values.

A policy's effect depends on which others are already there. Its Shapley value is the mean of
its effects over all orders in which the policies could have come (Shapley 1953); the spread of
those effects, and what is left when each policy gets only what it adds last (commonality
analysis, Newton and Spurrell 1967), say how far the policies can be told apart at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np

from flowsim.types import Floats


@dataclass(frozen=True)
class Shares:
    """How a total falls to its causes; K causes, the last axes as in the values.

    Attributes
    ----------
    shapley : float64, shape (K, ...)
        Mean effect over all orders; adds up to ``total``.
    first, last : float64, shape (K, ...)
        Effect of the cause alone, and when all others are there.
    least, most : float64, shape (K, ...)
        Smallest and largest effect in any order.
    total : float64, shape (...)
        All causes together against none.
    common : float64, shape (...)
        ``total`` less what each adds last: it belongs to several causes together and cannot be
        told apart. Large where causes can stand in for one another; of the other sign than the
        total where they need one another.
    """

    shapley: Floats
    first: Floats
    last: Floats
    least: Floats
    most: Floats
    total: Floats
    common: Floats


def shapley_shares(values: Floats) -> Shares:
    """Divide a total among causes, given the outcome of every combination of them.

    Parameters
    ----------
    values : float64, shape (2**K, ...)
        Row m is the outcome where exactly the causes i with bit ``m >> i & 1`` act.

    Raises
    ------
    ValueError
        If the number of rows is not a power of two.

    Examples
    --------
    One left glove (cause 0) and two right ones; a pair is worth 1:

    >>> worth = np.array([0, 0, 0, 1, 0, 1, 0, 1.0])
    >>> shapley_shares(worth).shapley.round(3)
    array([0.667, 0.167, 0.167])
    """
    n = len(values).bit_length() - 1
    if len(values) != 2**n:
        raise ValueError(f"found {len(values)} combinations; expected a power of two")
    masks = np.arange(2**n)
    size = np.array([mask.bit_count() for mask in range(2**n)])
    found = np.zeros((5, n, *values.shape[1:]))
    for cause in range(n):
        without = masks[masks >> cause & 1 == 0]
        effect = values[without | 1 << cause] - values[without]
        chance = np.array([1 / (n * comb(n - 1, int(s))) for s in size[without]])
        found[0, cause] = np.tensordot(chance, effect, axes=1)
        found[1:, cause] = effect[0], effect[-1], effect.min(axis=0), effect.max(axis=0)
    shapley, first, last, least, most = found
    total = values[-1] - values[0]
    return Shares(shapley, first, last, least, most, total, total - last.sum(axis=0))
