"""The command line: each command calls one function elsewhere and prints what came of it.

What takes long to import is imported inside the commands, so that ``flowsim --help`` is quick.
"""

from __future__ import annotations

try:
    from flowsim.cli import comparing, reporting, running, sweeping
    from flowsim.cli.app import app, main
except KeyboardInterrupt:  # before there is a command that could say so
    raise SystemExit(130) from None

__all__ = ["app", "comparing", "main", "reporting", "running", "sweeping"]
