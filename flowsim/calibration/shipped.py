"""The posterior that comes with flowsim: draws that carry parameter uncertainty into runs."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from flowsim.data.tables import read_text
from flowsim.errors import CalibrationError, DataError
from flowsim.experiments.parameter_draws import draws_in, read_table

NAME = "posterior.csv"
EXITS = "posterior_exits.csv"
"""What only the scenario ``all-exits`` has, draw by draw (docs/fit_exits.py)."""


@cache
def _draws(name: str) -> tuple[dict[str, float], ...]:
    return tuple(draws_in(read_text(name), f"flowsim/data/{name}"))


def _with_exits() -> list[dict[str, float]]:
    """Return the draws with what only ``all-exits`` has."""
    shared, exits = _draws(NAME), _draws(EXITS)
    if len(shared) != len(exits):
        raise DataError(
            f"flowsim/data/{EXITS}: {len(exits)} draws, {NAME} has {len(shared)}; "
            "run docs/fit_exits.py"
        )
    return [{**one, **other} for one, other in zip(shared, exits, strict=True)]


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
    ScenarioError
        If the file cannot be read, or a cell is no number.

    Examples
    --------
    >>> from flowsim.scenario import Base
    >>> base = Base.read("september-2022")
    >>> scenarios = [base.variant(changes) for changes in posterior_changes(2)]
    """
    if path is None:
        draws = _with_exits() if exits else list(_draws(NAME))
    else:
        draws = read_table(Path(path))
    if not 1 <= n <= len(draws):
        raise CalibrationError(f"there are {len(draws)} draws of the posterior; found {n}")
    return [dict(draw) for draw in draws[:n]]
