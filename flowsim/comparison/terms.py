"""Which term of his decision switched a man: one label for each man whose outcome differs.

If he decides otherwise (stays, or sets off for another destination), the terms of his decision
are exchanged between the worlds one at a time, everything else as in world a; the term that
alone makes him decide as in world b gets him. If he sets off for the same destination in both,
the first gate on his way at which the worlds part gets him.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from flowsim.comparison.decisions import (
    Decisions,
    OwnDraws,
    Terms,
    completed,
    decide,
    terms_of,
)
from flowsim.comparison.pairs import Pair
from flowsim.comparison.traces import Trip, born
from flowsim.model.states import Reason, Status
from flowsim.model.status import categories
from flowsim.scenario.tree import equal
from flowsim.types import Bools, Ints

DECISION = ("availability", "wait", "visible checks", "network", "call-up", "panic", "tastes")
GATES = ("entry limit", "queue", "check")
SEVERAL, INTERACTION = "several", "interaction"
LABELS = (*DECISION, *GATES, SEVERAL, INTERACTION)
"""``several``: each of several terms alone would have done; ``interaction``: none alone does."""

_PASSED = len(GATES)  # the gate after the last


def labels(pair: Pair) -> Ints:
    """Return each switched man the place in ``LABELS`` of what switched him.

    Returns
    -------
    int64, shape (n,)
        One for each man of ``pair.switched``, in their order.
    """
    men = np.flatnonzero(pair.switched)
    ids = pair.id[men]
    a = terms_of(pair.a, born(pair.a, pair.b, ids), pair.destinations)
    b = terms_of(pair.b, born(pair.b, pair.a, ids), pair.destinations)
    a, b = completed(a, b), completed(b, a)
    draws = OwnDraws.of(pair.a, ids)
    in_a, in_b = decide(a, draws), decide(b, draws)
    label = _gates(pair, men)
    other = np.flatnonzero(in_a.outcome != in_b.outcome)
    label[other] = _terms(_chosen(a, other), _chosen(b, other), draws.take(other), in_b, other)
    return label


def _chosen(terms: Terms, men: Ints) -> Terms:
    """Return the terms of some of the men."""
    tastes, open_, call_up = terms.tastes, terms.availability, terms.call_up
    return replace(
        terms,
        tastes=replace(tastes, stratum=tastes.stratum[men], threshold=tastes.threshold[men]),
        availability=replace(open_, holds=open_.holds[men]),
        call_up=replace(call_up, threshold=call_up.threshold[men]),
    )


def _terms(a: Terms, b: Terms, draws: OwnDraws, in_b: Decisions, men: Ints) -> Ints:
    """Exchange one term after the other; give the label of each man who decides otherwise."""
    goal = in_b.outcome[men]
    alone = np.zeros((len(men), len(DECISION)), dtype=bool)
    for place, term in enumerate(DECISION):
        name = term.replace(" ", "_").replace("-", "_")
        theirs = getattr(b, name)
        if len(men) and not equal(getattr(a, name), theirs):
            alone[:, place] = decide(replace(a, **{name: theirs}), draws).outcome == goal
    n = alone.sum(axis=1)
    return np.select(
        [n == 1, n > 1],
        [alone.argmax(axis=1), LABELS.index(SEVERAL)],
        LABELS.index(INTERACTION),
    ).astype(np.int64)


# -- men who set off for the same destination in both worlds


def _gates(pair: Pair, men: Ints) -> Ints:
    """Label men by the first gate at which the worlds part, as if all had decided alike."""
    rows = pair.row_a[men], pair.row_b[men]
    worlds = list(zip((pair.a, pair.b), rows, strict=True))
    (first_a, again_a), (first_b, again_b) = (
        [
            _renamed(trip.take(r), trace.world.destinations, pair.destinations)
            for trip in trace.trips
        ]
        for trace, r in worlds
    )
    enlisted_a, enlisted_b = (np.append(trace.enlisted, False)[r] for trace, r in worlds)
    first, again = _parting(first_a, first_b), _parting(again_a, again_b)
    twice = again_a.made & again_b.made
    cases = [
        ("entry limit", (first_a.destination != first_b.destination) | (first == 0)),
        ("queue", first == 1),
        ("availability", _closed_on(first_a) != _closed_on(first_b)),
        ("check", (first == 2) | (first_a.reason != first_b.reason)),
        ("wait", twice & (again_a.destination != again_b.destination)),
        ("availability", twice & (_closed_on(again_a) != _closed_on(again_b))),
        *((gate, twice & (again == place)) for place, gate in enumerate(GATES)),
        ("call-up", enlisted_a != enlisted_b),
        ("queue", again_a.made != again_b.made),  # too late at the head to try again
    ]
    return np.select(
        [here for _, here in cases],
        [LABELS.index(name) for name, _ in cases],
        LABELS.index(INTERACTION),
    ).astype(np.int64)


def _renamed(trip: Trip, own: tuple[str, ...], all_: tuple[str, ...]) -> Trip:
    """Return a trip with its destination as a place among those of both worlds."""
    places = np.array([all_.index(name) for name in own])
    return replace(trip, destination=places[trip.destination])


def _parting(a: Trip, b: Trip) -> Ints:
    """Return the gate at which two tries part: 0 to 2 as ``GATES``, 3 if they end alike."""
    gate_a, gate_b = _gate(a), _gate(b)
    part = np.where(gate_a == gate_b, gate_a, np.minimum(gate_a, gate_b))
    alike = (gate_a == gate_b) & (a.end == b.end)
    return np.where(alike, _PASSED, part)


def _gate(trip: Trip) -> Ints:
    """Return the gate at which a try ended: still waiting counts as the queue."""
    return np.select(
        [trip.end == Status.LIMITED, trip.end <= Status.GAVE_UP, trip.end == Status.TURNED_BACK],
        [0, 1, 2],
        _PASSED,
    )


def _closed_on(trip: Trip) -> Bools:
    """Return whose way was closed while he was on it, shape (N,)."""
    return trip.made & (trip.end == Status.TURNED_BACK) & (trip.reason == Reason.CLOSED)


def switched(pair: Pair) -> pd.DataFrame:
    """Count the switched men by what became of them in both worlds and by what switched them.

    Returns
    -------
    DataFrame
        ``a``, ``b``, ``replication``, ``status_a``, ``status_b``, ``term``, ``men`` (of the
        nation), ``men_simulated``, ``example`` (id of the first of them).
    """
    men = pair.switched
    label, n = labels(pair), len(pair.names)
    key = (pair.outcome_a[men] * n + pair.outcome_b[men]) * len(LABELS) + label
    keys, first, place = np.unique(key, return_index=True, return_inverse=True)
    return pd.DataFrame(
        {
            **pair.named(len(keys)),
            "status_a": categories(keys // len(LABELS) // n, pair.names),
            "status_b": categories(keys // len(LABELS) % n, pair.names),
            "term": categories(keys % len(LABELS), LABELS),
            "men": np.bincount(place, pair.weight[men], minlength=len(keys)),
            "men_simulated": np.bincount(place, minlength=len(keys)),
            "example": pair.id[men][first],
        }
    )
