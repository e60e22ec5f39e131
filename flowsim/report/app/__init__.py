"""The app: a scenario's numbers as fields, simulated in the background, on this machine alone.

``inputs`` makes fields of a scenario and a file of what was filled in, ``work`` simulates,
``hours`` draws the map by the hour, ``page`` shows all of it (Panel, the extra ``app``).
"""

from __future__ import annotations

from importlib.util import find_spec

from flowsim.errors import MachineError


def serve(source: str, host: str, port: int, show: bool) -> None:
    """Check the scenario and serve the app until Ctrl-C.

    Parameters
    ----------
    source : str
        A scenario file, or a shipped name.
    show : bool
        Open a browser.

    Raises
    ------
    ScenarioError
        If the scenario has mistakes.
    MachineError
        If Panel is not installed, or the port is taken.
    """
    from flowsim.scenario import load

    load(source)
    if find_spec("panel") is None:
        raise MachineError(
            "the app needs Panel; install it with: pip install 'border-flowsim[app]'"
        )
    from flowsim.report.app import page

    try:
        page.serve(source, host, port, show)
    except OSError as reason:
        raise MachineError(
            f"{host}:{port} cannot be served ({reason.strerror}); choose another --port"
        ) from None
