"""The manifest of a folder of results: the same fields for every kind."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from flowsim.data import sources
from flowsim.machine import peak_memory_mb, versions
from flowsim.scenario import content_hash
from flowsim.scenario.schema import Scenario


def made_with() -> dict[str, Any]:
    """Return what decides results beside their scenario: version, data and, of digits, libraries.

    Returns
    -------
    dict
        ``flowsim``, ``data_hash`` (of the tables that the model reads), ``versions`` (a list with
        one mapping of those that may move the last digits).
    """
    found = versions()
    return {
        "flowsim": found["flowsim"],
        "data_hash": sources.content_hash(),
        "versions": [{name: found[name] for name in ("python", "numpy")}],
    }


def manifest_of(
    kind: str,
    scenarios: Sequence[Scenario],
    started: datetime,
    *,
    replications: int = 1,
    name: str = "",
    title: str = "",
    sample: float | None = None,
    seed: int | None = None,
    **own: Any,
) -> dict[str, Any]:
    """Return what made some results; made when all has been computed, for it says how long.

    Parameters
    ----------
    kind : {'run', 'comparison', 'sweep', 'calibration'}
    scenarios : sequence of Scenario
        In the order in which tables name them.
    started : datetime
        With a time zone.
    name, title, sample, seed : optional
        Those of the first scenario unless given.
    **own
        What only this kind has.

    Returns
    -------
    dict
        ``kind``, ``name``, ``title``, ``scenarios`` (the SHA-256 of each by name),
        ``data_hash``, ``versions``, ``seed``, ``sample``, ``replications``, ``started``,
        ``seconds``, ``peak_memory_mb``, and ``own``. Writing adds ``tables`` (the SHA-256 of
        every file by name) and ``complete``.
    """
    first = scenarios[0]
    return {
        "kind": kind,
        "name": name or first.name,
        "title": title or first.title,
        "scenarios": {scenario.name: content_hash(scenario) for scenario in scenarios},
        "data_hash": sources.content_hash(),
        "versions": versions(),
        "seed": first.seed if seed is None else seed,
        "sample": first.sample if sample is None else sample,
        "replications": replications,
        "started": started.isoformat(timespec="seconds"),
        "seconds": round((datetime.now(UTC) - started).total_seconds(), 3),
        "peak_memory_mb": peak_memory_mb(),
        **own,
    }
