"""What every man is at a moment, read off the population and the ledger of trips."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from flowsim.model.aspirations import Wishes
from flowsim.model.journey import Trips
from flowsim.model.population import Population
from flowsim.model.states import MOST_DESTINATIONS, NEVER, Status, status_name
from flowsim.model.world import World
from flowsim.scenario.quantity import AGE_BANDS

if TYPE_CHECKING:
    import pandas as pd

MOST_CODES = Status.WANTS + MOST_DESTINATIONS


def categories(codes: npt.NDArray[Any], names: Sequence[str]) -> pd.Categorical:
    """Make a table column of names from integer codes.

    Parameters
    ----------
    codes : integer array, shape (N,)
        Places in ``names``.
    names : sequence of str

    Returns
    -------
    Categorical, length N
    """
    import pandas as pd

    return pd.Categorical.from_codes(codes, dtype=_kind(tuple(names)))


@lru_cache(maxsize=64)
def _kind(names: tuple[str, ...]) -> pd.CategoricalDtype:
    """Return the type of columns with these names; making it anew costs as much as the column."""
    import pandas as pd

    return pd.CategoricalDtype(list(names))


def table_of_men(men: Population, status: npt.NDArray[np.uint8], world: World) -> pd.DataFrame:
    """Make a table of the men kept.

    Parameters
    ----------
    men : Population
        N rows.
    status : uint8, shape (N,)
        ``Status`` codes.
    world : World
        Names of regions and destinations.

    Returns
    -------
    DataFrame
        A row for each man, index ``man`` (his id); attributes, weight (men of the nation that he
        stands for) and status as names.
    """
    import pandas as pd

    of_stratum = {name: column[men.stratum] for name, column in world.of_stratum.items()}
    names = [status_name(code, world.destinations) for code in range(MOST_CODES)]
    table = pd.DataFrame(
        {
            "region": categories(of_stratum["region"], world.regions.code),
            "age": categories(of_stratum["age"], AGE_BANDS),
            "educated": of_stratum["educated"] == 1,
            "passport": of_stratum["passport"] == 1,
            "liable": of_stratum["liable"] == 1,
            "weight": men.weight_of(np.arange(len(men))),
            "status": categories(status, names),
        },
        index=pd.Index(men.id, name="man"),
    )
    table["status"] = table["status"].cat.remove_unused_categories()
    return table


def status_at(now: float, men: Population, trips: Trips, wishes: Wishes) -> npt.NDArray[np.uint8]:
    """Return the status of every row at a moment: the first that holds (docs/GLOSSARY.md).

    Parameters
    ----------
    now : float
        Seconds since the horizon's start.
    men : Population
        N rows.
    trips : Trips
        Completed up to ``now``.
    wishes : Wishes

    Returns
    -------
    uint8, shape (N,)
        ``Status`` codes.
    """
    status = np.full(len(men), Status.HOME, dtype=np.uint8)
    passed = wishes["passed_at"] <= now
    wish = (
        wishes["passed_at"][passed].astype(np.int64) * MOST_DESTINATIONS + wishes["where"][passed]
    )
    first_wish = np.full(len(men), NEVER * MOST_DESTINATIONS)
    np.minimum.at(first_wish, wishes["row"][passed], wish)
    wants = np.flatnonzero(first_wish < NEVER * MOST_DESTINATIONS)
    status[wants] = Status.WANTS + first_wish[wants] % MOST_DESTINATIONS
    status[men.summoned_at <= now] = Status.HIDING
    for trip in (np.flatnonzero(trips["tries"] == 0), np.flatnonzero(trips["tries"] == 1)):
        trip = trip[trips["leaves_at"][trip] <= now]
        row = trips["row"][trip]
        status[row] = Status.ON_THE_ROAD
        come = trips["arrives_at"][trip] <= now
        status[row[come]] = Status.QUEUEING
        ended = trips["ends_at"][trip] <= now
        status[row[ended]] = trips["end"][trip][ended]
        again = trips["leaves_again_at"][trip] <= now
        on = trips["moves_on"][trip]
        status[row[again]] = np.where(on[again], Status.MOVED_ON, Status.RETURNED)
    status[men.enlisted_at <= now] = Status.ENLISTED
    return status


def reasons(
    men: Population, trips: Trips, wishes: Wishes, status: npt.NDArray[np.integer]
) -> npt.NDArray[np.uint8]:
    """Return why men could not go or were stopped, shape (N,).

    Parameters
    ----------
    status : integer array, shape (N,)
        ``Status`` of each row at the end.

    Returns
    -------
    uint8, shape (N,)
        ``Reason``: of the wish that a man at home cannot act on, or of the end of his last trip.
    """
    out = np.zeros(len(men), dtype=np.uint8)
    row = wishes["row"]
    wanted = status[row] == Status.WANTS + wishes["where"]
    out[row[wanted]] = wishes["reason"][wanted]
    stopped = np.flatnonzero((status >= Status.GAVE_UP) & (status <= Status.TURNED_BACK))
    out[stopped] = trips["reason"][men.trip[stopped]]
    return out
