"""Calibration: published figures in, a posterior with its checks and predictions out.

``calibrate`` does all of it; ``posterior_changes`` gives the draws that come with flowsim.
"""

from flowsim.calibration.calibrating import calibrate
from flowsim.calibration.file import Calibration, read_calibration
from flowsim.calibration.shipped import posterior_changes
from flowsim.results.calibration import CalibrationResults
from flowsim.results.opening import open_calibration

__all__ = [
    "Calibration",
    "CalibrationResults",
    "calibrate",
    "open_calibration",
    "posterior_changes",
    "read_calibration",
]
