"""Dask: its scheduler, whoever started it, and what it says in words of ours."""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from geolabel.errors import InputError, InstallError, listed
from geolabel.progress import log
from geolabel.steps.region.processes import local_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

_ADDRESS = re.compile(r"(tcp|tls|ws|wss|ucx|ucxx)://[^/]+:\d+")
_PATIENCE_S = 10
"""How long a scheduler may take to answer."""


def load_dask() -> Any:
    """Dask's scheduler. Raises InstallError."""
    try:
        import distributed
    except ImportError as error:
        raise InstallError("--workers and --cluster need Dask: pip install 'geolabel[cluster]'") from error
    return distributed


@contextmanager
def silent() -> Iterator[None]:
    """Nothing of what Dask tells its operators on stderr: lost workers are its daily bread."""
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client", "tornado", "asyncio")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def own_workers(distributed: Any, workers: int, device: str) -> Iterator[Any]:
    """A client of so many processes on this machine."""
    with local_cluster(workers, device) as cluster, distributed.Client(cluster, set_as_default=False) as client:
        yield client


@contextmanager
def workers_at(distributed: Any, address: str) -> Iterator[Any]:
    """A client of the scheduler at an address, once it has a worker, all of this version.

    Raises InputError (nobody answers), InstallError (workers of another version).
    """
    lost = InputError(
        f"--cluster {address}: no Dask scheduler answers there; give the address that `dask scheduler` tells, "
        "tcp://host:8786"
    )
    if not _ADDRESS.fullmatch(address):  # Dask would wait, and end in tracebacks
        raise lost
    try:
        client = distributed.Client(address, timeout=_PATIENCE_S, set_as_default=False, name="geolabel")
    except (OSError, ValueError) as error:
        raise lost from error
    with client:
        if not client.scheduler_info()["workers"]:
            log.warning("%s has no worker yet; waiting for one", address)
        with told_plainly(distributed, address):
            _check_versions(client, address)
        yield client


def _check_versions(client: Any, address: str) -> None:
    """Raise InstallError where a worker has another geolabel, or none. Waits for the first worker."""
    # a task waits for a worker, and lets a cluster that grows on demand grow; its result does not matter here
    client.submit(len, (), pure=False).result()
    own = version("geolabel")
    found = client.run(version, "geolabel", on_error="return")
    others = [
        f"{worker} has {told if isinstance(told, str) else 'none'}"
        for worker, told in found.items()
        if told != own and isinstance(told, str | ImportError)  # whoever is lost at the moment tells nothing
    ]
    if others:
        raise InstallError(
            f"--cluster {address}: workers need geolabel {own}, as here: {listed(others, 3)}; install the same on all"
        )


@contextmanager
def told_plainly(distributed: Any, address: str | None) -> Iterator[None]:
    """Put Dask's errors into words: raises InstallError where workers or scheduler are lost for good."""
    from concurrent.futures import CancelledError

    whose = f"--cluster {address}" if address else "--workers"
    try:
        yield
    except distributed.scheduler.KilledWorker as error:
        raise InstallError(
            f"{whose}: {error.allowed_failures + 1} workers ended while they predicted one shard, the last was "
            f"{error.last_worker.address}; look whether they run out of memory. The same command goes on with the rest"
        ) from error
    except (CancelledError, distributed.comm.CommClosedError) as error:
        raise InstallError(
            f"{whose}: the scheduler is gone, or has thrown the work away; the same command goes on with the rest"
        ) from error
