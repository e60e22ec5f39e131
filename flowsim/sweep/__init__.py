"""Sweeps: a design of scenarios and replications, run on any number of cores, nothing lost.

Public names are looked up where they live when first used, as in the package itself::

    from flowsim import sweep
    sweep.run_sweep("passports-by-task-force", "results/passports")
    sweep.open_sweep("results/passports").results
"""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from flowsim.results.opening import open_sweep as open_sweep
    from flowsim.results.sweep import SweepResults as SweepResults
    from flowsim.sweep.running import run_sweep as run_sweep
    from flowsim.sweep.shards import merge as merge
    from flowsim.sweep.shards import run_shard as run_shard
    from flowsim.sweep.single import estimate as estimate
    from flowsim.sweep.single import open_unfinished as open_unfinished
    from flowsim.sweep.single import rerun as rerun

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "running": ["run_sweep"],
        "shards": ["merge", "run_shard"],
        "single": ["SweepResults", "estimate", "open_sweep", "open_unfinished", "rerun"],
    },
)
