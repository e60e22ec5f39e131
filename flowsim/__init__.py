"""Agent-based model of the outflow from Russia after the mobilisation of September 2022.

Three lines suffice::

    import flowsim
    run = flowsim.run(flowsim.load("september-2022"), sample=0.01)
    run.daily

Importing flowsim does no work: a name is looked up where it lives when it is first used.
"""

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import lazy_loader

from flowsim.version import __version__

if TYPE_CHECKING:
    from flowsim import findings as findings
    from flowsim.errors import FlowsimError as FlowsimError
    from flowsim.model.agent_model import AgentModel as AgentModel
    from flowsim.model.flow_model import FlowModel as FlowModel
    from flowsim.run import open as open  # noqa: A004
    from flowsim.run import open_run as open_run
    from flowsim.run import run as run
    from flowsim.scenario import load as load
    from flowsim.scenario.schema import Scenario as Scenario

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["findings"],
    submod_attrs={
        "errors": ["FlowsimError"],
        "model.agent_model": ["AgentModel"],
        "model.flow_model": ["FlowModel"],
        "run": ["open", "open_run", "run"],
        "scenario": ["load"],
        "scenario.schema": ["Scenario"],
    },
)
__all__ += ["__version__"]


class _Package(ModuleType):
    """The package, in which ``flowsim.run`` is the function, not the file it lives in."""

    def __setattr__(self, name: str, value: Any) -> None:
        """Take the function where importing ``flowsim/run.py`` would leave the module."""
        super().__setattr__(name, value.run if name == "run" and hasattr(value, "run") else value)


sys.modules[__name__].__class__ = _Package
