"""Fit the baseline's constants and a few free parameters to the published `fit` rows.

A least-squares fit of about two dozen figures at a small sample and one seed, so that the
baseline is sane; it gives no intervals. Run it with ``python docs/fit_baseline.py`` and copy
what it prints into ``scenarios/september-2022.yaml``; with ``python docs/fit_baseline.py 0.3``
it fits the two constants alone at that lambda (``scenarios/lambda-0.3.yaml``).
"""

from __future__ import annotations

import sys

import numpy as np
from scipy.optimize import least_squares

from flowsim.model import FlowModel
from flowsim.observation import Observed
from flowsim.scenario import load
from flowsim.sources import observations
from flowsim.world import World

SAMPLE = 0.2
Free = dict[str, tuple[float, float, float, float, float]]
Fixed = dict[str, float]
FREE: Free = {  # dotted key: (start, lowest, highest, centre and width of a weak prior)
    "choice.constant.georgia": (-4.863, -12.0, 0.0, -6.0, 4.0),
    "choice.constant.kazakhstan": (-5.943, -12.0, 0.0, -7.0, 4.0),
    "choice.theta": (0.351, 0.05, 0.4, 0.18, 0.1),
    "choice.omega": (0.948, 0.0, 1.0, 0.3, 0.3),
    "choice.beta_road": (0.019, 0.0, 0.08, 0.04, 0.02),
    "panic.lag": (4.33, 0.5, 5.0, 2.1, 0.7),
    "panic.decay": (14.4, 3.0, 30.0, 10.0, 4.0),
    "policies.rumour_of_closure.strength": (4.05, 0.0, 5.0, 2.5, 1.0),
    "policies.foot_lane_lars.walking_share": (0.768, 0.4, 1.0, 0.8, 0.15),
    "policies.foot_lane_lars.background_walking_share": (0.413, 0.0, 1.0, 0.5, 0.25),
    "policies.foot_lane_lars.jockeying_share": (0.266, 0.0, 1.0, 0.5, 0.5),
    "border.background_wait_loss": (0.261, 0.0, 0.6, 0.26, 0.15),
    "crossings.GE-OTHER.capacity": (1800.5, 1800.0, 2600.0, 2100.0, 300.0),
}
ERRORS = {  # relative errors suggested in the README of the data
    "entries": 0.03,
    "queue_cars": 0.1,  # suggested: 0.15; the queue measures demand better than entries do
    "wait_hours": 0.5,
    "entries_men": 0.1,
    "crossings_out": 0.07,
}


def targets() -> dict[str, tuple[float, float]]:
    """Give value and standard error of the figures to fit."""
    chosen = {}
    for figure in observations():
        if figure.role != "fit" or figure.model_measure not in ERRORS or figure.id == "KZ001":
            continue
        crossing = figure.place_id.startswith("KZ-")
        error = max(ERRORS[figure.model_measure], 0.1 if crossing else 0.0)
        chosen[figure.id] = (figure.value, error * figure.value)
    return chosen


def residuals(
    values: np.ndarray, wanted: dict[str, tuple[float, float]], free: Free, fixed: Fixed
) -> np.ndarray:
    """Run the model and give (simulated - published) / error of each target, then the priors."""
    changes = dict(zip(free, values.tolist(), strict=True))
    scenario = load("september-2022", {**fixed, **changes})
    model = FlowModel(World(scenario), sample=SAMPLE)
    for _ in range(20 * 24):
        model.step()
    seen = Observed(model)
    figures = {figure.id: figure for figure in observations()}
    out = []
    for key, (value, error) in wanted.items():
        simulated = seen.published_equivalent(figures[key])
        out.append(0.0 if simulated is None else (simulated - value) / error)
    centre, width = (np.array(column) for column in list(zip(*free.values(), strict=True))[3:])
    out.extend(((values - centre) / width).tolist())
    sys.stderr.write(f"{np.sum(np.square(out)):8.1f} {np.round(values, 3)}\n")
    return np.array(out)


def main() -> None:
    """Fit and print the parameters and the table of figures."""
    wanted, free, fixed = targets(), FREE, {}
    if len(sys.argv) > 1:
        fixed = {"choice.lambda": float(sys.argv[1])}
        free = {key: row for key, row in FREE.items() if key.startswith("choice.constant.")}
    start, low, high, _, _ = (np.array(column) for column in zip(*free.values(), strict=True))
    best = least_squares(
        residuals,
        start,
        bounds=(low, high),
        args=(wanted, free, fixed),
        diff_step=0.03,
        x_scale=np.maximum(0.1, np.abs(start)),
        max_nfev=6,
    )
    for key, value in zip(free, best.x, strict=True):
        sys.stdout.write(f"{key}: {value:.3f}\n")
    final = residuals(best.x, wanted, free, fixed)
    for (key, (value, error)), r in zip(wanted.items(), final, strict=False):
        sys.stdout.write(
            f"{key:6} published {value:9.0f} simulated {value + r * error:9.0f} z {r:5.1f}\n"
        )


if __name__ == "__main__":
    main()
