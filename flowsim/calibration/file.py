"""Read a calibration file: which numbers may move, which published figures they must meet.

Only numbers with ``free`` bounds in the scenario move, uniformly within them unless the file
narrows the prior. Observations are named by their id in ``observations.csv``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field, TypeAdapter, model_validator

from flowsim.data.measures import COMPARED
from flowsim.data.rows import Observation
from flowsim.errors import CalibrationError, ScenarioError, in_order
from flowsim.scenario import Base, assumptions
from flowsim.scenario.files import CALIBRATION, Read, file_schema, read_file
from flowsim.scenario.observing import figures_of, misplaced, outside, places_of
from flowsim.scenario.quantity import Finite, Moment, Strict, refused
from flowsim.scenario.schema import Scenario
from flowsim.scenario.tree import suggestion
from flowsim.types import Floats

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, le=1)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Bounds = tuple[Finite, Finite]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}$")]
Words = Annotated[str, Field(max_length=80)]
Many = Annotated[int, Field(le=100_000)]
Runs = Annotated[int, Field(ge=1, le=100_000)]
Steps = Annotated[int, Field(ge=100, le=1_000_000)]


def _day(value: Any) -> str:
    """Read a day as text; what is more, or none, is refused."""
    moment = TypeAdapter(Moment).validate_python(value)
    if moment.hour:
        raise refused(f"found {value!r}; expected a day")
    return f"{moment:%Y-%m-%d}"


FEWEST = 5  # figures of a fit as of a day


class Moved(Strict):
    """A number that is fitted."""

    prior: Bounds | None = Field(
        default=None, description="Uniform between these; the scenario's free bounds if left out."
    )
    moves: dict[str, Bounds] | None = Field(
        default=None,
        description="Scenario keys moved together: key: [a, b] sets it to a + b x. "
        "If left out, the name is the key.",
    )
    why: str = Field(default="", description="Why this prior.")


class Fitted(Strict):
    """How a published figure enters the fit."""

    error: Positive = Field(description="Relative error of the published figure.")
    discrepancy: NotNegative = Field(
        default=0.0, description="Relative error of the model even at its best."
    )
    floor: NotNegative = Field(
        default=0.0, description="Compared as log(value + floor), in the figure's unit."
    )
    share_of: str | None = Field(
        default=None,
        description="Measure by which the figure is divided (same place and window); "
        "then value is the published share, and the errors are points.",
    )
    value: Share | None = Field(default=None, description="Published share, with share_of.")
    why: str = Field(default="", description="Why these errors.")


class Budget(Strict):
    """How much is simulated."""

    waves: tuple[Runs, ...] = Field(
        min_length=2, max_length=20, description="Runs of each wave of the design."
    )
    whole: int = Field(
        default=0,
        ge=0,
        le=100_000,
        description="Runs of one more wave, with all men: it corrects the others.",
    )
    repeats: Many = Field(ge=2, description="Points of the last wave run twice, for the noise.")
    steps: Steps = Field(description="Steps of the sampler of the posterior.")
    draws: Many = Field(ge=50, description="Draws of the posterior to keep.")
    predictions: Many = Field(ge=10, description="Draws simulated to the end of the scenario.")
    variants: Many = Field(ge=0, description="Runs of each variant; 0 leaves variants out.")
    again: tuple[Runs, ...] = Field(
        default=(),
        description="Waves of variants that are fitted from the beginning.",
    )
    again_whole: Many = Field(default=0, ge=0, description="Like whole, for these variants.")
    truths: Many = Field(ge=10, description="Synthetic truths for recovery.")
    truth_steps: Steps = Field(description="Steps of the sampler for each truth.")

    @model_validator(mode="after")
    def _runs_with_all_men_are_left(self) -> Budget:
        if self.whole and self.truths >= self.whole:
            raise refused(
                "truths are runs of the wave with all men, of which some must be left to learn "
                f"from; found {self.truths} of {self.whole}",
                "truths",
            )
        return self


class Variant(Strict):
    """The same calibration with other inputs, or with a mechanism switched off."""

    title: str = Field(description="What tables and figures call it.")
    changes: dict[str, Any] = Field(
        min_length=1, description="Dotted keys of the scenario and their values."
    )
    start: dict[str, Bounds] = Field(
        default_factory=dict,
        description="Priors of fitted numbers that must lie elsewhere. With them the variant "
        "is fitted from the beginning, by waves of its own.",
    )


class CalibrationFile(Strict):
    """What a calibration file says."""

    name: Name = Field(description="Of its results folder.")
    title: str = Field(description="One line that says what is fitted.")
    scenario: str = Field(description="File or shipped name of what is fitted.")
    description: str = Field(default="", description="A few sentences for readers of reports.")
    sample: Share = Field(
        default=0.02, description="Share of the men in the waves of the design and in variants."
    )
    until: Annotated[str, BeforeValidator(_day, json_schema_input_type=str)] = Field(
        description="End of the runs of the design; later than every figure of the fit."
    )
    seed: int = Field(
        default=1, ge=0, lt=2**63, description="Of the designs, the runs and the samplers."
    )
    credible: Annotated[float, Field(gt=0.5, lt=1)] = Field(
        default=0.9, description="Share of the posterior that intervals hold."
    )
    parameters: dict[str, Moved] = Field(
        min_length=1, description="Numbers that are fitted, by key or by a name of their own."
    )
    observations: dict[str, Fitted] = Field(
        min_length=1, description="Published figures that are fitted, by id."
    )
    shown: dict[str, str] = Field(
        default_factory=dict, description="Figures shown but not fitted, and why."
    )
    groups: dict[Words, tuple[str, ...]] = Field(
        default_factory=dict,
        description="Fitted figures that are left out together to see what the others say.",
    )
    windows: dict[Name, tuple[Moment, Moment]] = Field(
        default_factory=dict,
        description="First and last day over which variants are compared by their entries.",
    )
    budgets: dict[Name, Budget] = Field(
        min_length=1, description="How much is simulated, by the name that --budget takes."
    )
    imputed: dict[Name, Variant] = Field(
        default_factory=dict, description="The same fit with other imputed inputs."
    )
    off: dict[Name, Variant] = Field(
        default_factory=dict, description="The same fit with a mechanism switched off."
    )


@dataclass(frozen=True)
class Parameter:
    """A number that is fitted.

    Attributes
    ----------
    name : str
    low, high : float
        Of its uniform prior.
    moves : dict of str to (float, float)
        Scenario keys and the line (a, b) that gives each: a + b x.
    """

    name: str
    low: float
    high: float
    moves: dict[str, Bounds]


@dataclass(frozen=True)
class Calibration:
    """A calibration file as it will be run: everything named in it exists."""

    file: CalibrationFile
    base: Base
    parameters: tuple[Parameter, ...]
    figures: dict[str, Observation]

    name = property(lambda self: self.file.name)
    title = property(lambda self: self.file.title)

    @cached_property
    def names(self) -> list[str]:
        """Names of the parameters, in the order of the file."""
        return [parameter.name for parameter in self.parameters]

    @cached_property
    def low(self) -> Floats:
        """Lower ends of the priors, shape (P,)."""
        return np.array([parameter.low for parameter in self.parameters])

    @cached_property
    def high(self) -> Floats:
        """Upper ends of the priors, shape (P,)."""
        return np.array([parameter.high for parameter in self.parameters])

    def as_of(self, day: date) -> Calibration:
        """Return what could have been fitted on a day: figures published until then, no variants.

        Raises
        ------
        CalibrationError
            If fewer than ``FEWEST`` figures had been published.
        """
        fitted = self.file.observations.items()
        known = {n: one for n, one in fitted if was_published(self.figures[n], day)}
        if len(known) < FEWEST:
            raise CalibrationError(
                f"{len(known)} of the figures to fit had been published by {day}; expected at "
                f"least {FEWEST}. Choose a later day"
            )
        groups = {n: tuple(i for i in ids if i in known) for n, ids in self.file.groups.items()}
        update = {
            "name": f"{self.name}-as-of-{day}",
            "title": f"{self.title}, as published by {day}",
            "observations": known,
            "groups": {name: ids for name, ids in groups.items() if ids},
            "imputed": {},
            "off": {},
        }
        return replace(self, file=self.file.model_copy(update=update))

    def values(self, unit: Floats) -> Floats:
        """Turn places in the prior's cube, -1 to 1, into values; shape (N, P)."""
        return self.low + (unit + 1) / 2 * (self.high - self.low)

    def unit(self, values: Floats) -> Floats:
        """Turn values into places in the prior's cube, -1 to 1; shape (N, P)."""
        return 2 * (values - self.low) / (self.high - self.low) - 1

    def changes(self, values: Floats) -> dict[str, Any]:
        """Return the scenario changes of one point, values in the order of ``names``."""
        out: dict[str, Any] = {}
        for parameter, value in zip(self.parameters, values.tolist(), strict=True):
            for key, (a, b) in parameter.moves.items():
                out[key] = a + b * value
        return out


def was_published(figure: Observation, day: date) -> bool:
    """Whether a figure had been published by the end of a day; a bare month counts at its end."""
    said = figure.source_date
    return bool(said) and f"{said}-99"[: len(f"{day}")] <= f"{day}"


def read_calibration(source: str | os.PathLike[str]) -> Calibration:
    """Read a calibration file, or a shipped one by name.

    Raises
    ------
    ScenarioError
        With every problem found, each with file and line.
    """
    read = read_file(source, CalibrationFile, CALIBRATION)
    base = Base.read(read.find(read.model.scenario, "scenario"))
    parameters, figures = _parameters(read, base), _figures(read, base)
    _check_variants(read, base)
    _check_time(read, base)
    calibration = Calibration(read.model, base, parameters, figures)
    if not read.problems:
        _try_ends(read, calibration)
    if read.problems:
        raise ScenarioError(in_order(read.problems))
    return calibration


def _parameters(read: Read[CalibrationFile], base: Base) -> tuple[Parameter, ...]:
    """Resolve what is fitted: bounds from the file or from the scenario."""
    free = {row.key: row.free for row in assumptions(base.scenario)}
    found = []
    for name, moved in read.model.parameters.items():
        moves = moved.moves or {name: (0.0, 1.0)}
        bounds, n_before = moved.prior, len(read.problems)
        for key in moves:
            stem = key if key in free else key.rpartition(".")[0]  # of a date, its number
            if stem not in free:
                block = key.partition(".")[0]
                near = suggestion(key, [one for one in free if one.startswith(f"{block}.")])
                read.refuse(f"{key} is no number{near}", "parameters", name)
            elif free[stem] is None:
                message = f"{stem} has no free bounds in the scenario, so it may not be fitted"
                read.refuse(message, "parameters", name)
            else:
                bounds = bounds or free[stem]
        if len(read.problems) > n_before:
            continue
        if bounds is None or bounds[0] >= bounds[1]:
            read.refuse("expected a prior [low, high] with low below high", "parameters", name)
            continue
        found.append(Parameter(name, float(bounds[0]), float(bounds[1]), dict(moves)))
    return tuple(found)


def _figures(read: Read[CalibrationFile], base: Base) -> dict[str, Observation]:
    """Find the published figures that are fitted or shown."""
    known = {figure.id: figure for figure in figures_of(base.scenario)}
    end = datetime.fromisoformat(read.model.until)
    chosen = {}
    for block in ("observations", "shown"):
        for name in getattr(read.model, block):
            figure = known.get(name)
            if figure is None or figure.window_end is None:
                near = suggestion(name, [k for k, f in known.items() if f.window_end])
                read.refuse(f"is not a figure with something to compare{near}", block, name)
                continue
            chosen[name] = figure
            if block == "shown":
                continue
            if figure.window_end > end:
                message = f"ends on {figure.window_end:%Y-%m-%d}, after until: {end:%Y-%m-%d}"
                read.refuse(message, block, name)
            for message in _unfit(figure, read.model.observations[name], base.scenario):
                read.refuse(message, block, name)
    for group, names in read.model.groups.items():
        for name in names:
            if name not in read.model.observations:
                near = suggestion(name, list(read.model.observations))
                read.refuse(f"{name!r} is no figure of observations{near}", "groups", group)
    return chosen


def _unfit(figure: Observation, fitted: Fitted, scenario: Scenario) -> Iterator[str]:
    """Return in words why a figure cannot be fitted as a file says."""
    if figure.role != "fit":
        yield f"has the role {figure.role}; only figures with the role fit are fitted"
    for _, message in misplaced(figure, places_of(scenario)):
        yield message
    if late := outside(figure, scenario.horizon.clock):
        yield late
    if fitted.share_of is None and figure.value + fitted.floor <= 0:
        yield "was published as 0, which has no logarithm; give a floor"
    if fitted.share_of is not None and fitted.share_of not in COMPARED:
        near = suggestion(fitted.share_of, COMPARED)
        yield f"share_of: {fitted.share_of!r} is not a measure of published figures{near}"
    if (fitted.share_of is None) != (fitted.value is None):
        yield "share_of and value go together"


def _check_time(read: Read[CalibrationFile], base: Base) -> None:
    """Try the end of the runs of the design; windows must be the right way round."""
    if said := _said_against(base, {"horizon.end": read.model.until}):
        read.refuse(f"the scenario refuses it: {said}", "until")
    for name, (first, last) in read.model.windows.items():
        if first > last:
            message = "the first day lies after the last; are they the wrong way round?"
            read.refuse(message, "windows", name)


def _check_variants(read: Read[CalibrationFile], base: Base) -> None:
    """Try the changes of every variant, so that mistakes show before anything runs."""
    for block in ("imputed", "off"):
        for name, variant in getattr(read.model, block).items():
            try:
                base.variant(variant.changes)
            except ScenarioError as reason:
                for problem in reason.problems:
                    read.refuse(f"{problem.key}: {problem.message}", block, name, "changes")
            for key, ends in variant.start.items():
                if key not in read.model.parameters:
                    near = suggestion(key, read.model.parameters)
                    read.refuse(f"{key} is not fitted{near}", block, name, "start")
                    continue
                moves = read.model.parameters[key].moves or {key: (0.0, 1.0)}
                for end in ends:
                    changes = {k: a + b * end for k, (a, b) in moves.items()}
                    if said := _said_against(base, changes):
                        message = f"the scenario refuses {key} = {end:g}: {said}"
                        read.refuse(message, block, name, "start")


def _try_ends(read: Read[CalibrationFile], calibration: Calibration) -> None:
    """Try the ends of the priors: all lower, all upper; if that fails, one by one."""
    base, ends = calibration.base, (calibration.low, calibration.high)
    if not any(_said_against(base, calibration.changes(values)) for values in ends):
        return
    middle = (calibration.low + calibration.high) / 2
    for place, parameter in enumerate(calibration.parameters):
        for end in ends:
            values = middle.copy()
            values[place] = end[place]
            if said := _said_against(base, calibration.changes(values)):
                message = f"the scenario refuses {end[place]:g}: {said}"
                read.refuse(message, "parameters", parameter.name)


def _said_against(base: Base, changes: dict[str, Any]) -> str:
    """Return the first thing that the scenario has against some changes; empty if nothing."""
    try:
        base.variant(changes)
    except ScenarioError as reason:
        return reason.problems[0].message
    return ""


def calibration_schema() -> dict[str, Any]:
    """Return the JSON Schema of calibration files."""
    return file_schema(CalibrationFile, "flowsim calibration")
