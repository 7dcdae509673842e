"""Workers on this machine: processes that share its cores, and have a GPU each where there are any."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from geolabel import files
from geolabel.learn.machine import gpus

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOST_BEFORE = 10
"""Workers that one shard may lose before it is given up."""
_CONFIG = {
    # threads are given by the worker; arrays that are freed stay with the process, as `memory.keep_arrays` has it
    "distributed.nanny.pre-spawn-environ": {
        "OMP_WAIT_POLICY": "PASSIVE",
        "MALLOC_MMAP_THRESHOLD_": 32 << 20,
        "MALLOC_TRIM_THRESHOLD_": 64 << 20,
        "MALLOC_ARENA_MAX": 2,
        "DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "critical",
    },
    # memory is that of networks and strips, of which nothing can be put aside; who takes too much is begun anew
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
    "distributed.worker.http.routes": [],
    "distributed.scheduler.http.routes": [],
    "distributed.scheduler.allowed-failures": _LOST_BEFORE,
}
_HOST = "127.0.0.1"


@contextmanager
def local_cluster(workers: int, device: str) -> Iterator[Any]:
    """A scheduler in this process, and so many workers beside it; those that are killed begin anew.

    On `cuda` each has one of the GPUs, and tells so as a resource.
    """
    import dask
    from dask.system import CPU_COUNT
    from distributed import Nanny, Scheduler, SpecCluster
    from distributed.system import MEMORY_LIMIT

    visible = _visible() if device == "cuda" else []
    environment = dict(os.environ)
    with files.scratch() as folder, dask.config.set(_CONFIG):

        def worker(number: int) -> dict[str, Any]:
            own = {"CUDA_VISIBLE_DEVICES": visible[number % len(visible)]} if visible else {}
            options = {
                "host": _HOST,
                "nthreads": max(1, CPU_COUNT // workers),
                "memory_limit": MEMORY_LIMIT // workers,
                "local_directory": folder,
                "dashboard": False,
                "dashboard_address": f"{_HOST}:0",
                "resources": {"GPU": 1} if visible else None,
                "env": own,
                "silence_logs": logging.CRITICAL,
            }
            return {"cls": Nanny, "options": options}

        scheduler = {"host": _HOST, "port": 0, "dashboard": False, "dashboard_address": f"{_HOST}:0"}
        try:
            with SpecCluster(  # type: ignore[no-untyped-call]
                workers={number: worker(number) for number in range(workers)},
                scheduler={"cls": Scheduler, "options": scheduler},
            ) as cluster:
                yield cluster
        finally:  # a nanny writes what its children shall find into the environment of this process
            os.environ.clear()
            os.environ.update(environment)


def _visible() -> list[str]:
    """The GPUs of this process, by the names under which children find them."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    return named.split(",")[: gpus()] if named else [str(number) for number in range(gpus())]
