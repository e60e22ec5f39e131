"""The command line: each command calls one function elsewhere and tells what came of it.

What takes long to import is imported inside the commands, so that ``flowsim --help`` is quick.
"""

from __future__ import annotations

from flowsim.cli import drawing, running
from flowsim.cli.app import app, main

__all__ = ["app", "drawing", "main", "running"]
