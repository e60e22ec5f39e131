"""The days of one simulated man, a sentence for each event, with the numbers behind it.

A scenario is run by the columns engine while a diary is kept of what men perceive each
morning; what is written of a man is read from the ledger, his own draws and that diary.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace

import numpy as np
import numpy.typing as npt

from flowsim.errors import ModelError
from flowsim.findings.naming import document_name
from flowsim.model import decisions, journey, population
from flowsim.model.flow_model import FlowModel
from flowsim.model.states import NEVER, Reason, Status, status_name
from flowsim.model.world import World
from flowsim.scenario.clock import DAY, HOUR
from flowsim.scenario.quantity import AGE_BANDS
from flowsim.scenario.schema import Scenario
from flowsim.scenario.timetable import WARM_UP
from flowsim.types import Floats

VERSUS = "versus-"
NOTICED = 0.1  # change of visible checks that is worth a sentence
KEYS = ("region", "age", "educated", "passport", "liable", "status", "destination")


@dataclass(frozen=True)
class Event:
    """Something that happened to a man: when (s since the horizon's start), and a sentence."""

    at: float
    text: str


class Diary:
    """A run, and what was in the air each morning.

    Attributes
    ----------
    days : list of Day
        Terms of utility and pressure, day by day.
    examined : list of float64, each shape (C,)
        Share of liable men examined, day by day.
    """

    def __init__(self, assumptions: Scenario, replication: int = 0) -> None:
        self.world = World(assumptions)
        self.model = FlowModel(self.world, replication=replication)
        self.days = self.model.pressure_path.days
        self.examined: list[Floats] = []
        while self.model.running:
            self.model.step()
            if self.model.hour % 24 == 1:
                self.examined.append(self.model.examined.copy())
        self.status = self.model.status()

    def moment(self, seconds: float) -> datetime:
        """Return the moment of an event."""
        return self.world.clock.moment(float(seconds))

    def row_of(self, man: int) -> int | None:
        """Return the row of a man; None if nothing could ever reach him."""
        ids = self.model.population.id
        row = int(np.searchsorted(ids, man))
        return row if row < len(ids) and ids[row] == man else None

    def status_of(self, man: int) -> str:
        """Return a man's status at the end."""
        row = self.row_of(man)
        code = Status.HOME if row is None else int(self.status[row])
        return status_name(code, self.world.destinations)


def life(diary: Diary, man: int) -> list[Event]:
    """Recount the days of a man, in the order of time; raises as ``Life``."""
    return sorted(Life(diary, man).events(), key=lambda event: event.at)


class Life:
    """One man's life, from the ledger, his draws and the diary; with what he was born with.

    Raises
    ------
    ModelError
        If there is no such man, or he is not in the sample.
    """

    def __init__(self, diary: Diary, man: int) -> None:
        self.diary, self.man, self.world, self.model = diary, man, diary.world, diary.model
        world, self.given = diary.world, diary.world.assumptions
        index, draws = self.model.assumptions.choice.lambda_.value, self.model.draws
        own = population.one_man(
            world.strata, world.destinations, index, draws, man, self.model.sample
        )
        self.stratum = int(own.stratum[0])
        self.thresholds: Floats = own.threshold[0].astype(float)
        self.call_up_threshold = float(own.call_up_threshold[0])
        self.row = diary.row_of(man)
        self.of = {name: int(column[self.stratum]) for name, column in world.of_stratum.items()}
        self.names = [d.name for d in self.given.destinations.values()]
        self.crossings = [self.given.crossings[c.crossing_id].name for c in self.model.crossings]
        self.end = world.clock.n_hours * HOUR
        trips = self.model.trips
        self.trips = [
            SimpleNamespace(**{name: trips[name][number].item() for name in _TRIP})
            for number in np.flatnonzero(trips["man"] == man)
        ]
        self.left_at = min((trip.leaves_at for trip in self.trips), default=NEVER)

    def introduction(self) -> str:
        """Return who he is, and what he was born with."""
        of, regions = self.of, self.world.regions
        thresholds = ", ".join(
            f"{value:.4g} for {name}"
            for name, value in zip(self.names, self.thresholds, strict=True)
        )
        return (
            f"Man {self.man}: {AGE_BANDS[of['age']]} years, {regions.name[of['region']]} "
            f"({regions.code[of['region']]}), "
            f"{'higher' if of['educated'] else 'no higher'} education, "
            f"{'with' if of['passport'] else 'without'} international passport, "
            f"{'liable' if of['liable'] else 'not liable'} to call-up. "
            f"His thresholds: {thresholds}; {self.call_up_threshold:.4g} against the call-up."
        )

    def events(self) -> Iterator[Event]:
        """Return all events of his life, in no order."""
        yield from self._news()
        for j in range(len(self.names)):
            yield from self._wish(j)
        yield from self._summons()
        for trip in self.trips:
            yield from self._trip(trip)
        name = self.diary.status_of(self.man).replace("-", " ")
        yield Event(self.end, f"At the end of the scenario his status is: {name}.")

    def draw(self, purpose: str, occasion: int = 0) -> float:
        """Return his own number for a decision."""
        return self.model.draws.uniform_of(purpose, self.man, occasion)

    # -- at home

    def _news(self) -> Iterator[Event]:
        """Recount the checks he hears of while he is at home and liable."""
        beta = self.given.choice.beta_risk.value
        for j, name in enumerate(self.names):
            heard = 0.0
            for day in range(self.world.clock.n_days):
                seen = float(self.world.visible_checks[WARM_UP + 24 * day, j])
                if not self.of["liable"] or day * DAY > self.left_at or abs(seen - heard) < NOTICED:
                    continue
                more = "more" if seen > heard else "fewer"
                yield Event(
                    day * DAY,
                    f"He hears of {more} checks on the way to {name} (visible: {seen:.2f} of 1, "
                    f"was {heard:.2f}): its utility to him is {beta * seen:.2f} lower than "
                    f"without, V = {self._utility(day)[j]:.2f}.",
                )
                heard = seen

    def _utility(self, day: int) -> Floats:
        """Return V of a day to men like him, shape (J,)."""
        air = self.diary.days[day]
        return self.world.utility(air.network, air.road, air.checks)[self.stratum]

    def _wish(self, j: int) -> Iterator[Event]:
        """Return when the pressure toward a destination passes his threshold."""
        threshold, s, name = float(self.thresholds[j]), self.stratum, self.names[j]
        wishes = self.model.wishes
        found = [] if self.row is None else wishes.find(self.row, j).tolist()
        if self.row is None or not found:
            reached = float(self.diary.days[-1].level[s, j])
            yield Event(
                self.end,
                f"The pressure toward {name} on men like him ends at {reached:.4g} and never "
                f"passes his threshold of {threshold:.4g}: he does not want to leave for it.",
            )
            return
        at = int(wishes["passed_at"][found[0]])
        day = at // int(DAY)
        air = self.diary.days[day]
        before, after = float(air.before[s, j]), float(air.level[s, j])
        yield Event(
            at,
            f"The pressure toward {name} on men like him passes his threshold of {threshold:.4g} "
            f"(it grows from {before:.4g} to {after:.4g} this day: V = "
            f"{self._utility(day)[j]:.2f}, panic {self.world.panic[day, :, j].sum():.2f} days). "
            + self._capability(self.row, at, int(wishes["reason"][found[0]])),
        )

    def _capability(self, row: int, at: int, reason: int) -> str:
        """Return whether he can act on a wish."""
        if not decisions.is_free(self.model.population.enlisted_at[[row]], np.array([at]))[0]:
            return "He is enlisted and cannot act on it."
        if self.left_at < at:
            return "He has left already."
        if reason == Reason.NONE:
            return "It is open to him."
        if reason >= Reason.DOCUMENT:
            return f"It requires the {self._document(reason)}, which he does not have: he stays."
        return "All its crossings are shut to men: he waits for an opening."

    def _document(self, reason: int) -> str:
        """Name the document he lacks."""
        return document_name(self.world.documents[reason - Reason.DOCUMENT], self.given)

    def _summons(self) -> Iterator[Event]:
        """Recount his summons."""
        if self.row is None:
            return
        men = self.model.population
        at = int(men.summoned_at[self.row])
        if at >= NEVER:
            return
        complies = men.enlisted_at[self.row] < NEVER
        yield Event(
            at,
            f"He is summoned: the call-up hazard of men like him passes "
            f"{self.call_up_threshold:.4g}. He "
            f"{'complies and is enlisted' if complies else 'does not comply and hides'} (draw "
            f"{self.draw('comply'):.3f} against {self.given.call_up.comply.value:.3f}).",
        )

    # -- on the way

    def _trip(self, t: SimpleNamespace) -> Iterator[Event]:
        yield Event(t.leaves_at, self._departure(t))
        if t.limit != journey.Limit.PASSES or self.world.table.limited[self._cell(t)]:
            yield Event(t.arrives_at, self._limit(t))
        if t.end == Status.LIMITED or t.arrives_at > self.end:
            return
        yield Event(
            t.arrives_at,
            f"He joins the queue at {self.crossings[t.crossing]}; his patience would last "
            f"{(t.deadline - t.arrives_at) / DAY:.1f} days (draw "
            f"{self.draw('patience', t.tries):.3f}).",
        )
        if t.ends_at > self.end:
            return
        yield Event(t.ends_at, self._outcome(t))
        if t.leaves_again_at < self.end:
            what = "moves on to another country" if t.moves_on else "returns home"
            days = (t.leaves_again_at - t.ends_at) / DAY
            yield Event(t.leaves_again_at, f"After {days:.1f} days abroad he {what}.")

    def _cell(self, t: SimpleNamespace) -> tuple[int, int]:
        return int(self.world.row_at(t.arrives_at)), t.crossing

    def _departure(self, t: SimpleNamespace) -> str:
        """Return which crossing he chose, and what the next best would have been to him."""
        roads, law = self.world.roads, self.given.choice
        day = t.leaves_at // int(DAY)
        u_fly = np.array([self.draw("fly")])
        hours = journey.hours_of(roads, np.array([self.of["region"]]), u_fly)
        wait = self.diary.days[day].wait
        ids = [crossing.crossing_id for crossing in self.model.crossings]
        draws = np.array([self.draw(f"crossing:{key}", t.tries) for key in ids])
        given = hours, wait, roads.size, law.theta.value, law.omega.value
        value = journey.crossing_utilities(*given)[0]
        with_error = journey.crossing_values(*given, draws)[0]
        shut = self.world.table.shut[self.world.row_at(t.leaves_at)]
        there = ~shut & (roads.country == t.destination)
        turned = t.limit == journey.Limit.TURNS
        order = [c for c in np.argsort(-with_error) if there[c] and not turned]
        how = (
            "by air or train and taxi"
            if u_fly[0] < roads.fly_share[self.of["region"]]
            else "by road"
        )
        ranking = "; ".join(
            f"{self.crossings[c]} (utility {value[c]:.2f}, with his error {with_error[c]:.2f}; "
            f"{hours[0, c]:.1f} h away, perceived wait {wait[c]:.1f} h)"
            for c in order[:2]
        )
        again = "once more, " if t.tries else ""
        text = f"He sets off {again}{how}, for {self.names[t.destination]}"
        if not order:
            return f"{text}, by way of another crossing than he chose at first: see below."
        return f"{text}; to him the best crossing{'s are' if order[1:] else ' is'} {ranking}."

    def _limit(self, t: SimpleNamespace) -> str:
        """Return what an entry limit did to him."""
        u = self.draw("entry-limit", t.tries)
        if t.limit == journey.Limit.TURNS:
            return (
                "An entry limit stood in his way: he has turned to another country and comes to "
                f"{self.crossings[t.crossing]} (draw {u:.3f})."
            )
        limit = journey.Limit
        ends = {limit.PASSES: "passes", limit.WALKS: "goes on by foot", limit.HOME: "goes home"}
        table, cell = self.world.table, self._cell(t)
        return (
            f"An entry limit stands in his way: he {ends[t.limit]} (draw {u:.3f}; "
            f"{table.passes[cell]:.2f} pass, of the rest {table.walks[cell]:.2f} walk "
            f"and {table.turns[cell]:.2f} turn elsewhere)."
        )

    def _outcome(self, t: SimpleNamespace) -> str:
        """Return how his trip ended at the border, with draws against probabilities."""
        at, tries, c = t.ends_at, t.tries, t.crossing
        hours = (at - t.arrives_at) / HOUR
        if t.end == Status.GAVE_UP:
            return (
                f"After {hours:.1f} hours in the queue his patience ends: he gives up, goes home."
            )
        table = self.world.table
        cell = (self.world.row_at(at), c)
        facts = []
        if t.listed:
            facts.append(
                f"on the list, found if {self.draw('detect', tries):.3f} < "
                f"{table.detection[cell]:.3f}"
            )
        if table.checks[cell] > 0 and self.of["liable"]:
            share = self.diary.examined[min(at // int(DAY), len(self.diary.examined) - 1)][c]
            facts.append(
                f"examined by the task force if {self.draw('examine', tries):.3f} < {share:.3f}, "
                f"served if {self.draw('serve', tries):.3f} < {table.p_serve[cell]:.3f}"
            )
        country = self.names[t.destination]
        results: dict[int, str] = {
            Reason.NONE: f"he crosses into {country}",
            Reason.LIST: "he is found on the list and turned back",
            Reason.CLOSED: "the border is closed to men and he is turned back",
            Reason.NOTICE: "he is handed a summons and turned back",
            Reason.ENTRY_REFUSED: f"{country} refuses him entry",
        }
        if t.reason >= Reason.DOCUMENT:
            results[t.reason] = f"{country} refuses him entry: he has no {self._document(t.reason)}"
        because = f" ({'; '.join(facts)})" if facts else ""
        return f"After {hours:.1f} hours at the border {results[t.reason]}{because}."


def written(diary: Diary, man: int, versus: Diary | None = None, width: int = 100) -> str:
    """Write a man's life as text; beside it, if asked, his life in another scenario.

    ``width`` is that of the text, in characters.
    """
    lives = [Life(one, man) for one in ([diary] if versus is None else [diary, versus])]
    column = max(24, (width - _WHEN - 3 * (len(lives) - 1)) // len(lives))
    lines = [textwrap.fill(lives[0].introduction(), width), ""]
    if versus is not None:
        lines += _beside("", [[one.given.name] for one in lives], column)
    told = [list(one.events()) for one in lives]
    for at in sorted({event.at for events in told for event in events}):
        cells = [
            [line for e in events if e.at == at for line in textwrap.wrap(e.text, column)]
            for events in told
        ]
        lines += _beside(f"{diary.moment(at):%d %b %H:%M}", cells, column)
    return "\n".join(lines)


def _beside(when: str, cells: list[list[str]], column: int) -> Iterator[str]:
    """Set blocks of lines beside one another."""
    for i in range(max(len(cell) for cell in cells)):
        parts = [(cell[i] if i < len(cell) else "").ljust(column) for cell in cells]
        yield f"{when if i == 0 else '':{_WHEN}}{' | '.join(parts)}".rstrip(" ")


_WHEN = 14
_TRIP = (
    "tries", "destination", "crossing", "leaves_at", "arrives_at", "deadline", "listed",
    "limit", "ends_at", "end", "reason", "leaves_again_at", "moves_on",
)  # fmt: skip


def find(diary: Diary, where: str, versus: Diary | None = None) -> list[int]:
    """Find men by ``key=value,...``; ``versus-status`` is the status in the other scenario.

    Raises
    ------
    ModelError
        If a key is not known.
    """
    men = diary.model.population
    keep = np.ones(len(men), dtype=bool)
    elsewhere: set[str] = set()
    for part in filter(None, where.split(",")):
        key, _, value = (word.strip() for word in part.partition("="))
        if key == f"{VERSUS}status" and versus is not None:
            elsewhere.add(value)
            continue
        if key not in KEYS:
            hint = f" and, with --versus, {VERSUS}status"
            raise ModelError(f"--where knows {', '.join(KEYS)}{hint}; found {key}")
        keep &= _matches(diary, key, value)
    found = [int(man) for man in men.id[keep].tolist()]
    if versus is None or not elsewhere:
        return found
    return [man for man in found if {versus.status_of(man)} == elsewhere]


def _matches(diary: Diary, key: str, value: str) -> npt.NDArray[np.bool_]:
    """Whether a key has a value, for every row."""
    men, world = diary.model.population, diary.world
    if key == "status":
        names = {int(c): status_name(int(c), world.destinations) for c in np.unique(diary.status)}
        return np.isin(diary.status, [code for code, name in names.items() if name == value])
    if key == "destination":
        if value not in world.destinations:
            raise ModelError(
                f"destination is one of {', '.join(world.destinations)}; found {value}"
            )
        to = diary.model.trips["destination"][men.trip] if len(diary.model.trips) else men.trip
        return (men.trip >= 0) & (to == world.destinations.index(value))
    column = world.of_stratum[key][men.stratum]
    known = {"region": world.regions.code, "age": AGE_BANDS}.get(key, ("no", "yes"))
    if value not in known:
        raise ModelError(f"{key} is one of {', '.join(known)}; found {value}")
    return np.asarray(column == known.index(value))
