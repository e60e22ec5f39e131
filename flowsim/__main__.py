"""Run the command line with ``python -m flowsim``."""

from flowsim.cli import main

main()
