"""Tables as figures draw them, and the source line that figures of runs carry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from flowsim.findings.ranges import FEW
from flowsim.findings.words import elided, plural, sampled
from flowsim.results.run import Run


def source(run: Run, drawn: bool = True) -> str:
    """Return scenario, seed, sample and version: what is needed to make a figure again.

    ``drawn``: whether the figure holds the draws of the parameters, if there are any.
    """
    scenario = run.scenario
    title = f" ({elided(scenario.title, 80)})" if scenario.title else ""
    n = run.n_replications
    draws = n_draws(run)
    times = f", {plural(n, 'replication')}" if n > 1 else ""
    own = " at the scenario's own values, no draws of the parameters"
    times += (f", {plural(draws, 'draw')} of the parameters" if drawn else own) * bool(draws)
    return (
        f"Source: flowsim {flowsim_version(run.manifest)}, scenario {scenario.name}{title}, "
        f"seed {scenario.seed}, {sampled(scenario.sample)} simulated{times}."
    )


def n_draws(run: Run) -> int:
    """Return how many draws of the parameters a run has."""
    return 0 if run.posterior is None else int(run.posterior["replication"].nunique())


def spread(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Return mean and range over the replications: columns ``by``, value, low, high.

    Replications without a value are left out.
    """
    groups = rows.groupby(by, observed=True, sort=True)["value"]
    low, high = ends(groups, rows["replication"].nunique())
    return groups.mean().to_frame("value").assign(low=low, high=high).reset_index()


def ends(groups: Any, n: int) -> tuple[pd.Series[float], pd.Series[float]]:
    """Return the range of grouped values over ``n`` replications.

    Up to ``FEW`` it is from the least to the greatest, beyond that from the 5 % to the 95 %
    quantile.
    """
    if n <= FEW:
        return groups.min(), groups.max()
    return groups.quantile(0.05), groups.quantile(0.95)


def doubted(
    results: Run, rows: Callable[[Run], pd.DataFrame], by: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what is to be shown first and what chance alone makes, each as ``spread`` does.

    The first are the medians over the draws of the parameters with their range, all doubt; without
    draws both are the means over the replications.
    """
    own = spread(rows(results), by)
    if results.posterior is None:
        return own, own
    drawn = rows(results.with_tables(daily=results.posterior))
    if drawn.empty:
        return own, own
    medians = drawn.groupby(by, observed=True, sort=True)["value"].median()
    return spread(drawn, by).assign(value=medians.to_numpy()), own


def range_of(n: int, of: str = "replication") -> str:
    """Return what the ends of ``spread`` are, in words."""
    return f"{'range' if n <= FEW else '5 % to 95 %'} of {plural(n, of)}"


def joined(parts: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    """Put simulated and published rows under each other; numbers stay numbers."""
    wanted = [*columns, "value", "low", "high", "source_name", "source_url"]
    rows = [part.reindex(columns=wanted) for part in parts if not part.empty]
    table = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=wanted)
    return table.astype(dict.fromkeys(("value", "low", "high"), float))


def highest(values: pd.Series[float]) -> tuple[float, datetime]:
    """Return the greatest value of a series over time, and the first moment it is reached."""
    place = int(values.to_numpy().argmax())
    return float(values.iloc[place]), values.index[place]


def flowsim_version(manifest: Mapping[str, Any]) -> str:
    """Return the version of flowsim that a manifest names."""
    versions = manifest.get("versions")
    found = versions.get("flowsim") if isinstance(versions, Mapping) else None
    known = found if found and found != "unknown" else manifest.get("flowsim")
    return str(known or "(version not recorded)")
