"""Calibration: published figures in, a posterior with its checks and predictions out.

``calibrate`` does all of it; ``posterior_changes`` gives the draws that come with flowsim.
"""

from flowsim.calibration.calibrating import calibrate
from flowsim.calibration.file import Calibration, read_calibration
from flowsim.calibration.folder import CalibrationResults, open_calibration
from flowsim.calibration.shipped import posterior_changes

__all__ = [
    "Calibration",
    "CalibrationResults",
    "calibrate",
    "open_calibration",
    "posterior_changes",
    "read_calibration",
]
