"""What a sweep file says: every key, its meaning and its bounds.

``file.py`` turns a file into a ``Sweep`` whose scenarios, parameters and outputs are
known to exist; this file is the reference that ``flowsim schema --kind sweep`` prints.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from flowsim.scenario.files import file_schema
from flowsim.scenario.quantity import NAMED, Finite, Line, Moment, Names, Strict, one_line, refused
from flowsim.scenario.tree import show, suggestion

WAYS = ("range", "values", "levels", "distribution", "free", "refitted")
COMMON = ("norm", "uniform", "triang", "beta", "lognorm")
MOST_POINTS = 2**20
MOST_VALUES = 10_000


def _only_scalars(values: Any) -> Any:
    """Check that a list of values holds numbers, text, true, false or null, none twice."""
    if not isinstance(values, tuple):
        return values
    if len(values) > MOST_VALUES:
        raise refused(f"found {len(values):,} values; expected at most {MOST_VALUES:,}")
    seen: set[tuple[type, Any]] = set()
    for place, value in enumerate(values):
        if isinstance(value, dict | tuple):
            raise refused(
                f"found {show(value)} in place {place + 1}; expected numbers, text, true, "
                "false or null. What changes more than one number goes under levels"
            )
        if isinstance(value, str):
            one_line(value)
        if (type(value), value) in seen:
            raise refused(f"{show(value)} stands twice; each value is run once anyway")
        seen.add((type(value), value))
    if not values:
        raise refused("the list is empty; expected at least one value")
    return values


class Follow(Strict):
    """How one of several keys follows the parameter."""

    times: Finite = Field(default=1, description="The key's value is this times the parameter's.")
    at_least: Finite | None = Field(default=None, description="Never below.")
    at_most: Finite | None = Field(default=None, description="Never above.")

    def value(self, parameter: Any) -> Any:
        """Return the key's value for a value of the parameter."""
        if isinstance(parameter, bool) or not isinstance(parameter, int | float):
            return parameter
        value = parameter if self.times == 1 else parameter * self.times
        value = value if self.at_least is None else max(value, self.at_least)
        return value if self.at_most is None else min(value, self.at_most)


def _follow(keys: Any) -> Any:
    if isinstance(keys, str | tuple):
        keys = {key: {} for key in ((keys,) if isinstance(keys, str) else keys)}
    if not isinstance(keys, dict):
        return keys

    def each(how: Any) -> Any:
        is_number = isinstance(how, int | float) and not isinstance(how, bool)
        return {"times": how} if is_number else how

    return {key: each(how) for key, how in keys.items()}


class Distribution(Strict):
    """A distribution of ``scipy.stats``: its name, its shape parameters, ``loc`` and ``scale``."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, Finite]

    name: str = Field(description="Such as norm, uniform, triang, beta, lognorm.")
    within: tuple[Finite, Finite] | None = Field(
        default=None, description="The distribution is cut off outside these bounds."
    )

    @property
    def arguments(self) -> dict[str, float]:
        """Shape parameters, ``loc`` and ``scale``."""
        return dict(self.__pydantic_extra__ or {})

    @property
    def law(self) -> Any:
        """The frozen distribution of scipy.stats."""
        from scipy import stats

        return getattr(stats, self.name)(**self.arguments)

    @model_validator(mode="after")
    def _exists(self) -> Distribution:
        from scipy import stats

        known = [n for n in dir(stats) if isinstance(getattr(stats, n), stats.rv_continuous)]
        if self.name not in known:
            near = suggestion(self.name, known) or f"; such as {', '.join(COMMON)}"
            message = f"{self.name!r} is not a continuous distribution of scipy.stats{near}"
            raise refused(message, "name")
        text = getattr(stats, self.name).shapes or ""
        self._arguments_are_known([shape.strip() for shape in text.split(",") if shape])
        return self

    def _arguments_are_known(self, shapes: list[str]) -> None:
        known = [*shapes, "loc", "scale"]
        for key in [key for key in self.arguments if key not in known]:
            near = suggestion(key, [*known, "within"]) or f"; {self.name} has {', '.join(known)}"
            raise refused(f"is not known{near}", key)
        for shape in [shape for shape in shapes if shape not in self.arguments]:
            raise refused(f"{self.name} needs its shape {shape} as well; add it", "name")
        with np.errstate(all="ignore"):  # numbers that make none give NaN
            low, middle, high = self.law.ppf([0, 0.5, 1])
        if not math.isfinite(middle):
            raise refused(f"these numbers make no {self.name}; see scipy.stats.{self.name}", "name")
        if self.within is not None:
            a, b = self.within
            if not (a < b and a < high and low < b):
                raise refused(
                    f"found [{a:g}, {b:g}]; expected [low, high] where {self.name} has some mass "
                    f"({low:g} to {high:g})",
                    "within",
                )


class Varied(Strict):
    """One parameter of a sweep: which keys it moves, and over what."""

    title: Line = Field(default="", description="What figures call it; else made from the key.")
    keys: Annotated[
        dict[str, Follow] | None,
        BeforeValidator(_follow, json_schema_input_type=str | tuple[str, ...] | dict[str, Any]),
    ] = Field(
        default=None,
        description="Dotted keys it moves together, each by a factor if one is given; "
        "without them the parameter's name is the key.",
    )
    range: tuple[Finite, Finite] | None = Field(default=None, description="From, to.")
    steps: int | None = Field(
        default=None,
        ge=2,
        le=MOST_VALUES,
        description="Values taken from a range in a grid or zip.",
    )
    scale: Literal["linear", "log"] = Field(default="linear", description="Of a range.")
    values: Annotated[tuple[Any, ...] | None, BeforeValidator(_only_scalars)] = Field(
        default=None, description="Numbers, text, true, false or null (removes a policy)."
    )
    levels: dict[Line, dict[str, Any]] | None = Field(
        default=None, description="Names of cases, each with its changes (dotted keys)."
    )
    distribution: Distribution | None = Field(
        default=None, description="A distribution from which a random design draws."
    )
    free: Literal[True] | None = Field(
        default=None, description="true: over the bounds that the scenario gives as free."
    )
    refitted: tuple[Finite, ...] | None = Field(
        default=None,
        min_length=1,
        description="Values of lambda, each with the numbers that were fitted at it.",
    )

    @property
    def count(self) -> int | None:
        """How many values a grid takes of it; None if nothing says so."""
        listed = self.levels if self.levels is not None else self.values
        return self.steps if listed is None else len(listed)

    @model_validator(mode="after")
    def _one_way(self) -> Varied:
        ways = [way for way in WAYS if getattr(self, way) is not None]
        if len(ways) != 1:
            found = ", ".join(ways) if ways else "none of them"
            raise refused(f"found {found}; expected one of {', '.join(WAYS)}", *ways[1:2])
        return self

    @model_validator(mode="after")
    def _range_in_order(self) -> Varied:
        if self.range is not None:
            low, high = self.range
            if low >= high:
                raise refused(f"found [{low:g}, {high:g}]; expected [low, high]", "range")
            if self.scale == "log" and low <= 0:
                raise refused(
                    f"a log scale needs a range above 0, found [{low:g}, {high:g}]", "scale"
                )
        return self

    @model_validator(mode="after")
    def _only_what_counts(self) -> Varied:
        if self.scale == "log" and self.range is None and self.free is None:
            raise refused("says something about a range, but there is none; leave it out", "scale")
        if self.steps is not None and (self.values is not None or self.levels is not None):
            raise refused("the values are listed; leave steps out", "steps")
        if self.levels is not None and self.keys is not None:
            raise refused("each of the levels names its own keys; leave keys out", "keys")
        if self.levels is not None and not self.levels:
            raise refused("found an empty mapping; expected at least one level", "levels")
        if self.keys is not None and not self.keys:
            raise refused("found no key; expected at least one", "keys")
        return self


class Grid(Strict):
    """Every combination of the values; the last parameter varies fastest."""

    kind: Literal["grid"]


class Zip(Strict):
    """The first values of all parameters together, then the second ones, and so on."""

    kind: Literal["zip"]


def _batches(points: Any) -> Any:
    is_number = isinstance(points, int) and not isinstance(points, bool)
    if points == ():
        raise refused("the list is empty; expected at least one number of points")
    return (points,) if is_number else points


class Random(Strict):
    """A design whose points are drawn."""

    seed: int | None = Field(default=None, ge=0, lt=2**63, description="Default: the sweep's.")
    drawn: str | None = Field(
        default=None, description="CSV of the points as they were drawn; results folders have it."
    )


class LatinHypercube(Random):
    """Each parameter's range cut into as many strata as points, one point in each stratum."""

    kind: Literal["latin-hypercube"]
    points: Annotated[
        tuple[Annotated[int, Field(ge=2)], ...],
        BeforeValidator(_batches, json_schema_input_type=int | tuple[int, ...]),
    ] = Field(
        description="Number of points, or a list of batches: [100, 50] keeps the first 100 as "
        "they are and adds a hypercube of 50.",
    )


class Sobol(Random):
    """Saltelli's design for Sobol indices: points * (parameters + 2) design points."""

    kind: Literal["sobol"]
    points: int = Field(ge=4, description="N, a power of two; doubling it keeps what is done.")
    second_order: bool = Field(
        default=False, description="Indices of pairs too: N * (2 * parameters + 2) design points."
    )

    @model_validator(mode="after")
    def _power_of_two(self) -> Sobol:
        if self.points & (self.points - 1):
            below = 1 << (self.points.bit_length() - 1)
            raise refused(
                f"found {self.points}; Sobol sequences are balanced only at powers of two: "
                f"{below} or {2 * below}",
                "points",
            )
        return self


class Morris(Random):
    """Morris screening: trajectories * (parameters + 1) design points, one step at a time."""

    kind: Literal["morris"]
    trajectories: int = Field(default=10, ge=2, le=10_000, description="More may be added later.")
    levels: int = Field(default=4, ge=2, le=100, description="Even; 4 is usual.")

    @model_validator(mode="after")
    def _even(self) -> Morris:
        if self.levels % 2:
            raise refused(f"found {self.levels}; expected an even number, such as 4", "levels")
        return self


class Table(Strict):
    """Points from a CSV file; its header names parameters or dotted keys."""

    kind: Literal["table"]
    file: str = Field(description="Path from the sweep file.")
    columns: Names | None = Field(default=None, description="Columns to take; default all.")


Design = Annotated[
    Grid | Zip | LatinHypercube | Sobol | Morris | Table, Field(discriminator="kind")
]
Reduction = Literal["sum", "last", "first", "max", "min", "mean"]


class OutputEntry(Strict):
    """A daily series reduced to one number a run."""

    title: Line = Field(default="", description="What figures call it; else made from the name.")
    measure: str | None = Field(default=None, description="Default: the output's name.")
    place: Names | None = Field(
        default=None, description="Id of a place or list of them; default the nation."
    )
    reduce: Reduction | None = Field(
        default=None,
        description="Default: sum of flows, last of stocks, max of queues, mean of waits.",
    )
    start: Moment | None = Field(default=None, alias="from", description="First day counted.")
    end: Moment | None = Field(default=None, alias="to", description="First day not counted.")

    @model_validator(mode="after")
    def _whole_days(self) -> OutputEntry:
        for key, moment in (("from", self.start), ("to", self.end)):
            if moment is not None and moment.hour:
                raise refused("expected a whole day, YYYY-MM-DD", key)
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise refused("'to' is not after 'from'; no day would be counted", "to")
        return self


class Keep(Strict):
    """Which daily series are stored for each run; what outputs need is stored anyway."""

    measures: Names = Field(default=(), description="Such as entries, queue_persons.")
    places: Names = Field(default=(), description="As place_id in tables; default all places.")


class Figure(Strict):
    """A figure to draw from the results, beside the ones drawn anyway."""

    kind: Literal["heat-map", "response", "tornado", "sobol", "morris", "small-multiples", "boxes"]
    x: str | None = Field(default=None, description="A parameter.")
    y: str | None = Field(default=None, description="Another parameter.")
    output: str | None = Field(default=None, description="An output.")
    place: str | None = Field(default=None, description="One of the output's places.")
    threshold: Finite | None = Field(
        default=None, description="Value whose contour is drawn; of boxes, above it is a case."
    )
    title: Line = Field(default="", description="Instead of the sentence that the numbers make.")


class SweepFile(Strict):
    """A sweep file as written."""

    name: str = Field(pattern=NAMED, description="Of its results folder.")
    title: Line = Field(description="One line that says what is varied.")
    description: str = Field(default="", description="A few sentences for readers of reports.")
    scenario: str | None = Field(default=None, description="File or shipped name.")
    scenarios: Names | None = Field(default=None, description="Several, each run at every point.")
    changes: dict[str, Any] = Field(
        default_factory=dict, description="Dotted keys and values that hold in every run."
    )
    parameters: dict[Line, Varied] = Field(
        default_factory=dict, description="Dotted keys, or names of parameters with keys."
    )
    free: Names | None = Field(
        default=None,
        description="all: every number with free bounds in the scenario is varied within them; "
        "or the beginnings of their keys, such as [choice, panic].",
    )
    design: Design = Field(description="Which points of the parameters are run.")
    replications: int = Field(
        default=1, ge=1, le=100_000, description="Runs with independent draws at each point."
    )
    seed: int | None = Field(default=None, ge=0, lt=2**63, description="Default: the scenario's.")
    sample: float = Field(default=0.01, gt=0, le=1, description="Share of the men simulated.")
    draws: str | None = Field(
        default=None,
        description="CSV of draws of the parameters, a column a dotted key: replication r of "
        "every point takes row r, and after the last the first again, where the point itself "
        "changes nothing.",
    )
    outputs: dict[Line, OutputEntry | None] = Field(
        default_factory=dict, description="Numbers kept of each run, by name."
    )
    keep: Keep = Field(default_factory=Keep, description="Daily series to store for each run.")
    figures: tuple[Figure, ...] = Field(
        default=(), description="Figures to draw beside those drawn anyway."
    )

    @model_validator(mode="after")
    def _some_scenario(self) -> SweepFile:
        if self.scenario is not None and self.scenarios is not None:
            raise refused("scenario names the scenario already; leave one of them out", "scenarios")
        if self.scenario is None and not self.scenarios:
            raise refused(
                "no scenario is named; add scenario: september-2022, a file, or scenarios: [...]",
                "scenario",
            )
        return self

    @model_validator(mode="after")
    def _something_varies(self) -> SweepFile:
        if not self.parameters and self.free is None and self.design.kind != "table":
            raise refused("nothing varies; name at least one parameter", "parameters")
        return self


def sweep_schema() -> dict[str, Any]:
    """Return the JSON Schema of sweep files, for editors that complete and underline."""
    return file_schema(SweepFile, "flowsim sweep")
