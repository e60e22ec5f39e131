"""Checks at the head of a queue: the Russian side, the entry side, and the stay that begins."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from flowsim.model import conscription
from flowsim.model.draws import Draws
from flowsim.model.institutions import Destination
from flowsim.model.journey import Trips
from flowsim.model.states import Reason, Status
from flowsim.model.world import World
from flowsim.types import Floats, Ints


class Checks:
    """Decides who is refused and who enters, from what each man has drawn."""

    def __init__(self, world: World, draws: Draws, countries: list[Destination]) -> None:
        self.world, self.draws, self.countries = world, draws, countries

    def check(
        self,
        trips: Trips,
        trip: Ints,
        finish: Floats,
        stratum: npt.NDArray[np.uint16],
        examined: Floats,
    ) -> Ints:
        """Check the men who were cleared, and write what came of it.

        Parameters
        ----------
        trips : Trips
            The ledger, which is written.
        trip, finish, stratum : shape (N,)
            Trips cleared, the second of it, and what the men are.
        examined : float64, shape (C,)
            Share of liable men whom each task force can examine today.

        Returns
        -------
        int64, shape (n,)
            Trips refused.
        """
        table = self.world.table
        crossing = trips["crossing"][trip]
        row = self.world.row_at(finish)
        cell = (row, crossing)
        ids, tries = trips["man"][trip], trips["tries"][trip]
        u = self.draws.uniforms(
            ("detect", "examine", "serve", "refuse", "abroad:move-on", "abroad:return"), ids, tries
        ).T
        examined = np.where(table.checks[cell] > 0, examined[crossing], 0.0)
        liable = trips["liable"][trip]
        lacking = self.world.lacking(
            row, trips["destination"][trip], self.world.of_stratum["holds"][stratum]
        )
        reason = conscription.check(
            (table.closed_to_men | table.closed)[cell],
            trips["listed"][trip],
            liable,
            table.detection[cell],
            examined,
            table.p_serve[cell],
            *u[:3],
        )
        weight = trips["weight"][trip]
        trips["examined"][trip], trips["expected_notice"][trip] = conscription.notices(
            reason, liable, examined, table.p_serve[cell], u[1]
        )
        for j, country in enumerate(self.countries):
            mine = (trips["destination"][trip] == j) & (reason == Reason.NONE)
            reason[mine & country.refuses(u[3])] = Reason.ENTRY_REFUSED
            reason[mine & (lacking > 0)] = lacking[mine & (lacking > 0)]
            mine &= reason == Reason.NONE
            leaves, moves_on = country.receive(finish[mine], weight[mine], u[4][mine], u[5][mine])
            trips["leaves_again_at"][trip[mine]] = leaves
            trips["moves_on"][trip[mine]] = moves_on
            trips["end"][trip[mine]] = Status.ABROAD + j
        trips["ends_at"][trip] = finish
        trips["reason"][trip] = reason
        refused = trip[reason != Reason.NONE]
        trips["end"][refused] = Status.TURNED_BACK
        return refused
