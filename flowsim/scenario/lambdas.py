"""The same scenario under other values of lambda, which no published figure identifies."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from flowsim.data import sources
from flowsim.scenario import as_shipped
from flowsim.scenario.quantity import Parameter
from flowsim.scenario.schema import Scenario

VALUES = (0.3, 0.6, 1.0)
CALIBRATED, LAMBDA = ("september-2022", "all-exits"), "choice.lambda"


def refitted(value: float, exits: bool = False) -> dict[str, float]:
    """Return the numbers that belong to a lambda by dotted key; none at the shipped one.

    With ``exits`` those of ``all-exits`` are among them.

    Raises
    ------
    DataError
        If nothing was fitted at this lambda.
    """
    return {k: v for k, v in sources.lambda_changes(value, exits).items() if k != LAMBDA}


def with_lambda(scenario: Scenario, value: float) -> Scenario:
    """Return a scenario under another lambda, with the numbers that belong to it.

    What the scenario itself changed of a refitted number stays changed by as much.

    Raises
    ------
    DataError
        If nothing was fitted at this lambda.
    """
    own = scenario.choice.lambda_.value
    if value == own:
        return scenario
    belong = refitted(value, exits=True)
    was = refitted(own, exits=True) if own in VALUES else {}
    changed = with_number(scenario, LAMBDA, value)
    for key in dict.fromkeys([*belong, *was]):
        try:
            mine = _get(scenario, key)
        except KeyError:  # a policy or a date that the scenario does without
            continue
        usual = _usual(key)
        changed = with_number(changed, key, mine + belong.get(key, usual) - was.get(key, usual))
    return changed


def _usual(key: str) -> float:
    """Return what a refitted number is in the calibrated scenario that has it."""
    for name in CALIBRATED:
        try:
            return _get(as_shipped(name), key)
        except KeyError:
            continue
    raise KeyError(key)


def _field(model: Any, key: str) -> str:
    """Return the name under which a model holds a key of the file."""
    fields = type(model).model_fields
    return next((name for name, field in fields.items() if key in (field.alias, name)), key)


def _moment(dated: Any, key: str) -> datetime:
    """Return the moment of a dated number that a date of a key means; KeyError if it has none."""
    steps = dated.value if isinstance(dated.value, Mapping) else {}
    for moment in steps:
        if moment.isoformat().startswith(key):
            return moment
    raise KeyError(key)


def _get(model: Any, key: str) -> float:
    for part in key.split("."):
        if isinstance(model, Parameter):
            return float(cast(Any, model).value[_moment(model, part)])
        model = model[part] if isinstance(model, Mapping) else getattr(model, _field(model, part))
    if model is None:
        raise KeyError(key)
    return float(model.value)


def with_number(model: Any, key: str, value: float) -> Any:
    """Return a copy of nested models in which the number under a dotted key is another."""
    if not key:
        return model.model_copy(update={"value": value})
    first, _, rest = key.partition(".")
    if isinstance(model, Parameter):
        dated = cast(Any, model)
        return dated.model_copy(update={"value": dated.value | {_moment(dated, first): value}})
    if isinstance(model, Mapping):
        return {**model, first: with_number(model[first], rest, value)}
    name = _field(model, first)
    return model.model_copy(update={name: with_number(getattr(model, name), rest, value)})
