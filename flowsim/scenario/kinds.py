"""Scenarios, sweeps, calibrations: what tells their files apart, and which command takes them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

SCENARIO, SWEEP, CALIBRATION = "scenario", "sweep", "calibration"


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes
    ----------
    folder : str
        Beside the shipped scenarios, where shipped files of this kind lie.
    command : str
        To which such a file is given.
    signs : collection of str
        Keys that only such files have at the top.
    """

    folder: str
    command: str
    signs: Collection[str]


KINDS = {
    SCENARIO: Kind("", "flowsim run", ("extends", "horizon")),
    SWEEP: Kind("sweeps", "flowsim sweep", ("design",)),
    CALIBRATION: Kind("calibration", "flowsim calibrate", ("budgets",)),
}


def mistaken(data: Mapping[str, Any], noun: str) -> str:
    """Return that a file is of another kind than wanted; empty if it is not."""
    if any(sign in data for sign in KINDS[noun].signs):
        return ""
    for other, kind in KINDS.items():
        if other != noun and any(sign in data for sign in kind.signs):
            return message(other, noun)
    return ""


def message(other: str, noun: str) -> str:
    """Return what a file is instead of what was wanted, and what to do with it."""
    return f"is a {other}, not a {noun}; give it to {KINDS[other].command}"
