"""Findings: what numbers say, in sentences and tables; names and number formats.

Each sentence is written here once; terminal, reports and figures take it from here.

::

    import flowsim
    from flowsim import findings
    print(findings.summary(flowsim.open("results/september-2022")))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flowsim.results.base import Results


def summary(results: Results) -> str:
    """Return what a run, comparison, sweep or calibration says, as its command prints it.

    Parameters
    ----------
    results : Run, Comparison, SweepResults or CalibrationResults
        As ``flowsim.run`` returns and ``flowsim.open`` reads it.
    """
    return str(import_module(f"{__name__}.{results.kind}").summary(results))
