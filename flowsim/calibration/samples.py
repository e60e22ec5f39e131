"""What a sample does to the figures: the same draws with some and with all men."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from flowsim.calibration.folder import CalibrationResults, read_back
from flowsim.calibration.shipped import posterior_changes
from flowsim.calibration.targets import simulated
from flowsim.observation import Observed
from flowsim.scenario import Base
from flowsim.schema import Scenario
from flowsim.simulate import simulate
from flowsim.sources import Observation, observations

Floats = npt.NDArray[np.float64]
SAMPLES = (0.02, 0.1)
DRAWS, REPLICATIONS = 12, 8


def compare_samples(
    results: CalibrationResults,
    samples: Sequence[float] = SAMPLES,
    draws: int = DRAWS,
    replications: int = REPLICATIONS,
    whole: float = 1.0,
) -> pd.DataFrame:
    """Run posterior draws with all men, and repeatedly with samples of them.

    Returns
    -------
    DataFrame
        For each figure and sample: ``id``, ``sample``; ``mean`` and ``whole``, means over the
        draws; ``error``, standard error of their difference by chance; ``ratio`` of the sample
        to all men; ``z``.
    """
    file = read_back(results)
    base = Base.read(file.scenario)
    wanted = [f for f in observations() if f.id in file.observations or f.role == "validate"]
    points = [
        changes | {"horizon.end": file.until}
        for changes in posterior_changes(draws, results.folder / "posterior.csv")
    ]
    all_men = np.array([_figures(base.variant(p | {"sample": whole}), 0, wanted) for p in points])
    tables = []
    for sample in samples:
        few = np.array(
            [
                [
                    _figures(base.variant(p | {"sample": sample}), r, wanted)
                    for r in range(1, 1 + replications)
                ]
                for p in points
            ]
        )
        share = 1 / replications + sample / whole  # chance of one run with all men is so much less
        error = np.sqrt((few.var(axis=1, ddof=1) * share).sum(axis=0)) / draws
        mean, of_all = few.mean(axis=(0, 1)), all_men.mean(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            columns = {"mean": mean, "whole": of_all, "error": error}
            columns |= {"ratio": mean / of_all, "z": (mean - of_all) / error}
        ids = [figure.id for figure in wanted]
        tables.append(pd.DataFrame({"id": ids, "sample": sample, **columns}))
    return pd.concat(tables, ignore_index=True).replace([np.inf, -np.inf], np.nan)


def _figures(scenario: Scenario, replication: int, wanted: Sequence[Observation]) -> list[float]:
    found = simulated(Observed(simulate(scenario, replication)), wanted, {})
    return [found[figure.id] for figure in wanted]
