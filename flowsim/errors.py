"""The errors flowsim raises: each says where, what was found, what was expected, what to do."""

from __future__ import annotations

import errno
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

MOST_SHOWN = 50  # mistakes in one message
LONGEST = 200  # letters of the message of one mistake
UNFIT = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
"""Categories of letters that nobody sees, or that steer a terminal."""


def visible(text: str, lines: str = "") -> str:
    r"""Write out what nobody sees or what steers a terminal; ``lines`` may stay as they are.

    >>> visible("a\x1b[31m\u202eb\n", "\n")
    'a\\x1b[31m\\u202eb\n'
    """
    if text.isprintable():
        return text
    return "".join(
        ascii(letter)[1:-1]
        if unicodedata.category(letter) in UNFIT and letter not in lines
        else letter
        for letter in text
    )


class FlowsimError(Exception):
    """Base of all errors that a user can cause or mend; the command line prints one line."""

    exit_code = 2


@dataclass(frozen=True)
class Problem:
    """One mistake in a scenario file or a table.

    Attributes
    ----------
    where : str
        ``file:line`` or ``--set``.
    key : str
        Dotted key or column, empty if the whole file is meant.
    message : str
        What was found, what was expected and what to do.
    """

    where: str
    key: str
    message: str

    def __str__(self) -> str:
        """Write the problem on one line: where, which key, what."""
        parts = (self.where, _short(self.key, LONGEST // 2), _short(self.message, LONGEST))
        return visible(": ".join(part for part in parts if part))


def _short(text: str, most: int) -> str:
    """Leave out the middle of a long text: what was found; its end says what to do."""
    cut = most // 2 - 3
    return text if len(text) <= most else f"{text[:cut]} ... {text[-cut:]}"


def listed(problems: Sequence[Problem]) -> str:
    """Write problems one a line: the first fifty, and how many more there are."""
    lines = [str(problem) for problem in problems[:MOST_SHOWN]]
    if (more := len(problems) - MOST_SHOWN) > 0:
        lines.append(f"and {more:,} more")
    return "\n".join(lines)


def in_order(problems: list[Problem]) -> list[Problem]:
    """Sort problems by file and line, each once."""
    return sorted(dict.fromkeys(problems), key=lambda problem: by_place(problem.where))


def by_place(where: str) -> tuple[str, int]:
    """Return file and line of a place, for sorting."""
    file, _, line = where.rpartition(":")
    return (file, int(line)) if line.isdecimal() else (where, 0)


class ScenarioError(FlowsimError):
    """A scenario (or sweep or calibration) file cannot be used; carries every problem found."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__(listed(problems))


class DataError(FlowsimError):
    """A data table is missing, damaged or says something impossible; carries every problem."""

    def __init__(self, found: str | list[Problem]) -> None:
        self.problems = [Problem("", "", found)] if isinstance(found, str) else found
        super().__init__(listed(self.problems))


class ModelError(FlowsimError):
    """The model was asked for something it cannot do."""


class CalibrationError(FlowsimError):
    """A fit cannot be made from what was given."""


class ResultsError(FlowsimError):
    """A results folder cannot be written or read."""


class MachineError(FlowsimError):
    """The machine is at fault, not the input: disk full, no permission, too little memory."""

    exit_code = 1


def refused_by_system(reason: OSError, message: str) -> FlowsimError:
    """Return the error of a file or folder: a path that cannot be is its user's to mend."""
    return (ResultsError if is_wrong_path(reason) else MachineError)(message)


def is_wrong_path(reason: OSError) -> bool:
    """Whether a path itself is wrong, and not the machine: full, or without permission."""
    wrong = (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError)
    return isinstance(reason, wrong) or reason.errno == errno.ENAMETOOLONG
