"""What the process is told before the heavy libraries are loaded: how threads wait, what becomes of freed memory."""

from __future__ import annotations

import gc
import os

from geolabel import memory

_OBJECTS = 100_000
"""New objects after which the garbage collector looks for circles; it holds all threads while it does."""


def prepare() -> None:
    """Settings that only count from the start of a process; what the user has set in the environment stays."""
    # torch's threads otherwise spin while another program has the core, and all wait for each other
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")  # the others keep what is freed for themselves
    gc.set_threshold(_OBJECTS)
    memory.keep_arrays()
