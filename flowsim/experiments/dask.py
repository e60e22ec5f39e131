"""Workers of a Dask cluster, past one machine: an executor for ``executor.scatter``.

A scheduler that runs already, or a cluster made on this machine, which over TCP does the same.
"""

from __future__ import annotations

import logging
import math
import signal
import socket
import time
import warnings
from concurrent import futures
from contextlib import suppress
from functools import lru_cache
from importlib import import_module
from typing import Any

from flowsim.errors import MachineError
from flowsim.machine import cores
from flowsim.results.manifest import made_with

LOCAL_CLUSTER = "local-cluster"
SECONDS_TO_CONNECT = 10
SCHEMES = ("tcp", "tls", "ws", "wss")
LEAN = {  # local clusters: no profiles that nobody sees; memory not trimmed (a fifth of the time)
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None,
}


def dask_setup(_worker: Any) -> None:
    """Prepare a worker of a local Dask cluster, which calls this when it starts."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@lru_cache(1)
def build_here() -> str:
    """Return the version of flowsim and of its data tables where this runs."""
    made = made_with()
    return f"{made['flowsim']} with data {made['data_hash'][:8]}"


def other_build(found: str) -> MachineError:
    """Return the error of a worker that must not be used."""
    return MachineError(
        f"a worker runs flowsim {found}, this is flowsim {build_here()}; their results could "
        "differ. Install the same version everywhere"
    )


def _local_cluster(workers: int) -> Any:
    with import_module("dask").config.set(LEAN):
        return import_module("distributed").LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            host="tcp://127.0.0.1",
            dashboard_address=None,
            memory_limit=None,
            silence_logs=logging.CRITICAL,
            preload=__name__,
        )


def _knock(address: str) -> None:
    """Make sure that somebody listens at an address, and that there are keys if it asks for them.

    Dask itself would wait for ever for somebody who listens and says nothing.
    """
    addressing = import_module("distributed.comm.addressing")
    scheme, location = addressing.parse_address(address)
    if scheme not in SCHEMES:
        raise MachineError(f"found {address}; expected the scheduler as tcp://HOST:PORT")
    if scheme == "tls":
        found = import_module("distributed").Security().get_connection_args("client")
        if found.get("ssl_context") is None:
            raise MachineError(
                f"{address} needs keys, and Dask's settings name none: set "
                "distributed.comm.tls.ca-file, client.key and client.cert, as its page on "
                "TLS/SSL says"
            )
    host, port = addressing.parse_host_port(location, 8786)
    with socket.create_connection((host, port), SECONDS_TO_CONNECT) as knocked:
        if scheme == "tcp" and not knocked.recv(1):  # a scheduler speaks first
            raise OSError


def _forget_half_made(distributed: Any) -> None:
    """Let clients that never got a connection go, which would wait for one when Python ends."""
    for client in list(distributed.Client._instances):
        if client.status != "running":
            client.close = lambda *_, **__: None


class DaskExecutor:
    """Workers of a Dask cluster: one that runs already, or one made on this machine."""

    def __init__(self, address: str, workers: int | None) -> None:
        try:
            distributed = import_module("distributed")
        except ImportError:
            raise MachineError(
                "a scheduler needs Dask, which is not installed here; "
                "pip install 'border-flowsim[cluster]'"
            ) from None
        # Whatever matters of what Dask logs comes back as an error of a task.
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        self.workers, self.seen, self.counted = workers, 1, -math.inf
        self.cluster = _local_cluster(workers or cores()) if address == LOCAL_CLUSTER else None
        address = address if self.cluster is None else self.cluster.scheduler_address
        try:
            _knock(address)
            waiting = {"timeout": SECONDS_TO_CONNECT, "set_as_default": False}
            self.client: Any = distributed.Client(address, **waiting)
            self._check(address)
        except BaseException as error:
            self.close()
            _forget_half_made(distributed)
            if isinstance(error, Exception) and not isinstance(error, MachineError):
                raise MachineError(
                    f"no Dask scheduler answers at {address}; start one with `dask scheduler`, "
                    "or leave --scheduler out to use this machine"
                ) from None
            raise
        self.executor: futures.Executor = self.client.get_executor(pure=False)

    def _check(self, address: str) -> None:
        """Make sure that there are workers, and that they are of this version."""
        try:
            self.client.wait_for_workers(1, timeout=SECONDS_TO_CONNECT)
        except TimeoutError:
            raise MachineError(
                f"the scheduler at {address} has no workers; start some with "
                f"`dask worker {address} --nthreads 1 --nworkers 8` on each machine"
            ) from None
        try:
            found = set(self.client.run(build_here).values())
        except Exception as error:
            message = f"the workers at {address} cannot run flowsim {build_here()}: {error}"
            raise MachineError(message) from None
        if found != {build_here()}:
            raise other_build(min(found - {build_here()}))
        if max(self.client.nthreads().values()) > 1:
            warnings.warn(
                "some Dask workers have several threads in one process, which use one core "
                "together; start them with --nthreads 1 --nworkers <cores>",
                stacklevel=2,
            )

    @property
    def room(self) -> int:
        """Count the cores of the cluster, anew every few seconds: workers join and leave."""
        if self.workers is None and time.monotonic() > self.counted + 5:
            self.counted = time.monotonic()
            with suppress(OSError):  # a lost scheduler shows in the tasks
                self.seen = max(1, sum(self.client.nthreads().values()))
        return self.workers or self.seen

    def renew(self) -> None:
        """Dask replaces its workers itself."""

    def close(self) -> None:
        """Cancel what is under way, and leave the cluster as it was found."""
        if hasattr(self, "executor"):
            self.executor.shutdown(wait=False)
        if hasattr(self, "client"):
            self.client.close()
        if self.cluster is not None:
            self.cluster.close()
