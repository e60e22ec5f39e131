"""Run a scenario: the way in from Python, ``flowsim.run``.

How it is done stands in ``experiments/running.py``.
"""

from flowsim.experiments.running import Run, open_run, run

__all__ = ["Run", "open_run", "run"]
