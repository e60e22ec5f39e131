"""Findings: what numbers say, in sentences and tables; names and number formats.

Each sentence is written here once; terminal, reports and figures take it from here.

::

    import flowsim
    from flowsim import findings
    print(findings.summary(flowsim.open("results/september-2022")))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flowsim.results.base import Results

HEAD = ("kind", "name", "title", "seed", "sample", "replications")


def summary(results: Results) -> str:
    """Return what a run, comparison, sweep or calibration says, as its command prints it.

    Parameters
    ----------
    results : Run, Comparison, SweepResults or CalibrationResults
        As ``flowsim.run`` returns and ``flowsim.open`` reads it.
    """
    return str(import_module(f"{__name__}.{results.kind}").summary(results))


def as_data(results: Results) -> dict[str, Any]:
    """Return the sentences and tables of ``summary`` as plain data, for scripts.

    Parameters
    ----------
    results : Run, Comparison, SweepResults or CalibrationResults

    Returns
    -------
    dict
        ``folder``, ``HEAD`` of the manifest, and ``findings``: each with ``key``, ``title``,
        ``sentences`` and ``tables`` (caption, header, rows; a link is its text and url).
    """
    from flowsim.findings.finding import plain

    found = import_module(f"{__name__}.{results.kind}").answers(results)
    folder = None if results.folder is None else results.folder.as_posix()
    head = {"folder": folder} | {name: results.manifest[name] for name in HEAD}
    return head | {"findings": [plain(one) for one in found if one.sentences or one.tables]}
