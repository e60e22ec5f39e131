"""Calibration: published figures in, a posterior with its checks and predictions out.

``calibrate`` does all of it; ``posterior_changes`` gives the draws that come with flowsim.
"""

from flowsim.calibration.calibrating import calibrate as calibrate
from flowsim.calibration.file import Calibration as Calibration
from flowsim.calibration.file import read_calibration as read_calibration
from flowsim.calibration.shipped import posterior_changes as posterior_changes
from flowsim.results.calibration import CalibrationResults as CalibrationResults
from flowsim.results.opening import open_calibration as open_calibration
