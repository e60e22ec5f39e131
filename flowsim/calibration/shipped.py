"""The posterior that comes with flowsim: draws that carry parameter uncertainty into runs."""

from __future__ import annotations

import csv
import io
from functools import cache
from pathlib import Path

from flowsim.data.tables import read_text
from flowsim.errors import CalibrationError, DataError

NAME = "posterior.csv"
EXITS = "posterior_exits.csv"
"""What only the scenario ``all-exits`` has, draw by draw (docs/fit_exits.py)."""


@cache
def _draws() -> tuple[dict[str, float], ...]:
    shared, exits = (_read(read_text(name), f"flowsim/data/{name}") for name in (NAME, EXITS))
    if len(shared) != len(exits):
        raise DataError(
            f"flowsim/data/{EXITS}: {len(exits)} draws, {NAME} has {len(shared)}; "
            "run docs/fit_exits.py"
        )
    both = [{**one, **other} for one, other in zip(shared, exits, strict=True)]
    return tuple({key: value for key, value in draw.items() if key != "draw"} for draw in both)


def _read(text: str, where: str) -> tuple[dict[str, float], ...]:
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    draws = []
    for number, row in enumerate(rows, 2):
        try:
            draws.append({key: float(value) for key, value in row.items()})
        except (TypeError, ValueError, AttributeError):
            raise DataError(f"{where}:{number}: expected a number in each column") from None
    if not draws:
        raise DataError(f"{where}: holds no draws")
    return tuple(draws)


def posterior_changes(
    n: int, path: str | Path | None = None, *, exits: bool = False
) -> list[dict[str, float]]:
    """Return scenario changes of n draws of the posterior of the shipped baseline.

    Parameters
    ----------
    n : int
        The first n draws, which are in random order; at most as many as there are.
    path : path, optional
        ``posterior.csv`` of another calibration's folder.
    exits : bool
        With what only ``all-exits`` has, as runs of any scenario take them.

    Returns
    -------
    list of dict
        Dotted keys to values, as ``scenario.load`` and ``Base.variant`` take them.

    Raises
    ------
    CalibrationError
        If n is below 1 or more than there are.

    Examples
    --------
    >>> from flowsim.scenario import Base
    >>> base = Base.read("september-2022")
    >>> scenarios = [base.variant(changes) for changes in posterior_changes(2)]
    """
    if path is None:
        draws = _draws() if exits else _read(read_text(NAME), f"flowsim/data/{NAME}")
    else:
        try:
            draws = _read(Path(path).read_text(encoding="utf-8"), str(path))
        except OSError as reason:
            raise DataError(f"{path} cannot be read ({reason.strerror})") from None
    if not 1 <= n <= len(draws):
        raise CalibrationError(f"there are {len(draws)} draws of the posterior; found {n}")
    return [dict(draw) for draw in draws[:n]]
