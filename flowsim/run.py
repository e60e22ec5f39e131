"""Run a scenario and open results: the way in from Python, ``flowsim.run`` and ``flowsim.open``.

How it is done stands in ``experiments/running.py`` and ``results/opening.py``.
"""

from flowsim.experiments.running import run
from flowsim.results.opening import open_folder as open  # noqa: A004  what it is called outside
from flowsim.results.opening import open_run
from flowsim.results.run import Run

__all__ = ["Run", "open", "open_run", "run"]
