"""Read what a results folder holds, and the source line that every figure carries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from flowsim.errors import ResultsError
from flowsim.figures.layout import folders
from flowsim.findings.ranges import FEW
from flowsim.findings.words import elided, sampled
from flowsim.scenario import load
from flowsim.scenario.schema import Scenario

DAILY_MEASURES = (
    "entries",
    "queue_persons",
    "wait_hours",
    "wait_hours_p90",
    "crossings_out",
    "called_up",
    "stock_men",
    "stock_persons",
)
HOURLY_MEASURES = ("queue_persons", "queue_cars")


@dataclass(frozen=True)
class Results:
    """One run: its scenario, its manifest, its tables (README: what you get).

    Attributes
    ----------
    posterior : DataFrame, optional
        Daily entries under draws of the parameters, if the run has any; ``replication`` is the
        draw.
    """

    scenario: Scenario
    manifest: Mapping[str, Any]
    daily: pd.DataFrame
    hourly: pd.DataFrame
    outcomes: pd.DataFrame
    posterior: pd.DataFrame | None = None

    @property
    def n_replications(self) -> int:
        """Number of replications in the tables, at least 1."""
        return max(1, self.daily["replication"].nunique())

    @property
    def source(self) -> str:
        """Scenario, seed, sample and version: what is needed to make the figure again."""
        scenario = self.scenario
        title = f" ({elided(scenario.title, 80)})" if scenario.title else ""
        n = self.n_replications
        times = f", {n} replications" if n > 1 else ""
        return (
            f"Source: flowsim {flowsim_version(self.manifest)}, scenario {scenario.name}{title}, "
            f"seed {scenario.seed}, {sampled(scenario.sample)} simulated{times}."
        )

    def days(self, measure: str, place_kind: str) -> pd.DataFrame:
        """Return the daily rows of one measure at one kind of place, dates as moments."""
        table = self.daily
        rows = table[(table["measure"] == measure) & (table["place_kind"] == place_kind)]
        return rows.assign(date=pd.to_datetime(rows["date"]), place_id=rows["place_id"].astype(str))

    def hours(self, measure: str) -> pd.DataFrame:
        """Return the hourly rows of one measure at the crossings, times as moments."""
        rows = self.hourly[self.hourly["measure"] == measure]
        return rows.assign(time=pd.to_datetime(rows["time"]), place_id=rows["place_id"].astype(str))


def read(folder: Path) -> Results:
    """Read the folder of a run; the hourly table may be missing.

    Raises
    ------
    ResultsError
        If the folder is not a complete results folder; says which file is missing or damaged.
    """
    manifest = folders.read_manifest(folder)
    drawn = "posterior.parquet" in manifest.get("tables", ())
    return Results(
        scenario=load(folder / "scenario.yaml"),
        manifest=manifest,
        daily=_parquet(folder / "daily.parquet", DAILY_MEASURES),
        hourly=_parquet(folder / "hourly.parquet", HOURLY_MEASURES, needed=False),
        outcomes=_parquet(folder / "outcomes.parquet"),
        posterior=_parquet(folder / "posterior.parquet", ("entries",)) if drawn else None,
    )


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


def range_of(n: int) -> str:
    """Return what the ends of ``spread`` are, in words."""
    return f"{'range' if n <= FEW else '5 % to 95 %'} of {n} replications"


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


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table, each by the names of its columns."""
    return [{str(key): cell for key, cell in row.items()} for row in rows.to_dict("records")]


def _parquet(path: Path, measures: tuple[str, ...] = (), needed: bool = True) -> pd.DataFrame:
    if not needed and not path.exists():
        return pd.DataFrame(columns=["replication", "time", "place_id", "measure", "value"])
    chosen = [("measure", "in", list(measures))] if measures else None
    try:
        return pd.read_parquet(path, filters=chosen)
    except (OSError, ValueError) as reason:
        raise ResultsError(
            f"{path} cannot be read ({reason}); run the scenario again with --force"
        ) from None


def flowsim_version(manifest: Mapping[str, Any]) -> str:
    """Return the version of flowsim that a manifest names."""
    versions = manifest.get("versions")
    found = versions.get("flowsim") if isinstance(versions, Mapping) else None
    known = found if found and found != "unknown" else manifest.get("flowsim")
    return str(known or "(version not recorded)")
