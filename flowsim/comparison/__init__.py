"""The same men in several worlds: what differs, for whom, why, and how surely.

::

    from flowsim import comparison, findings
    found = comparison.compare(["september-2022", "no-task-force"], replications=20)
    print(findings.summary(found))
    found.matrix_of("september-2022", "no-task-force", by="region", value="RU-MOW")

How it is done is told in docs/comparison.md.
"""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from flowsim.comparison.running import compare as compare
    from flowsim.results.comparison import Comparison as Comparison
    from flowsim.results.opening import open_comparison as open_comparison

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submod_attrs={"running": ["Comparison", "compare", "open_comparison"]}
)
