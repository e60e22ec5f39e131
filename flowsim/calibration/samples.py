"""Whether a sample gives the same as all men: the same draws at both, chance allowed for."""

from __future__ import annotations

import numpy as np
import pandas as pd

from flowsim.calibration.folder import CalibrationResults, read_back
from flowsim.calibration.shipped import posterior_changes
from flowsim.calibration.targets import simulated
from flowsim.observation import Observed
from flowsim.scenario import Base
from flowsim.simulate import simulate
from flowsim.sources import observations

DRAWS, REPLICATIONS, SMALL = 12, 8, 0.02


def compare_samples(
    results: CalibrationResults,
    draws: int = DRAWS,
    replications: int = REPLICATIONS,
    whole: float = 1.0,
) -> pd.DataFrame:
    """Run posterior draws at a sample of 0.02, repeated, and with all men.

    Returns
    -------
    DataFrame
        ``id``; ``small`` and ``whole``: means over the draws; ``error``: standard error of
        their difference by chance; ``ratio``; ``z``.
    """
    file = read_back(results)
    base = Base.read(file.scenario)
    wanted = [f for f in observations() if f.id in file.observations or f.role == "validate"]
    small: list[list[dict[str, float]]] = []
    large: list[dict[str, float]] = []
    for changes in posterior_changes(draws, results.folder / "posterior.csv"):
        own = changes | {"horizon.end": file.until}
        few = base.variant(own | {"sample": SMALL})
        small.append(
            [simulated(Observed(simulate(few, r)), wanted, {}) for r in range(1, 1 + replications)]
        )
        large.append(
            simulated(Observed(simulate(base.variant(own | {"sample": whole}))), wanted, {})
        )
    rows = []
    for figure in wanted:
        few_men = np.array([[run[figure.id] for run in runs] for runs in small])
        all_men = np.array([run[figure.id] for run in large])
        one = few_men.std(axis=1, ddof=1)
        share = 1 / replications + SMALL / whole
        error = float(np.sqrt((one**2 * share).sum()) / draws)
        difference = float(all_men.mean() - few_men.mean())
        rows.append(
            {
                "id": figure.id,
                "small": few_men.mean(),
                "whole": all_men.mean(),
                "error": error,
                "ratio": all_men.mean() / few_men.mean() if few_men.mean() else np.nan,
                "z": difference / error if error > 0 else np.nan,
            }
        )
    return pd.DataFrame(rows)
