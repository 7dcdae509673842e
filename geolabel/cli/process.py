"""What the process is told before the heavy libraries are loaded: how threads wait, and that memory is given back."""

from __future__ import annotations

import ctypes
import gc
import os
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""glibc's numbers of these settings (malloc.h)."""
_LARGE_BYTES = 1 << 18
_OBJECTS = 100_000
"""New objects after which the garbage collector looks for circles; it holds all threads while it does."""


def prepare() -> None:
    """Settings that only count from the start of a process; what the user has set in the environment stays."""
    # torch's threads otherwise spin while another program has the core, and all wait for each other
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")  # the others keep what is freed for themselves
    gc.set_threshold(_OBJECTS)
    if sys.platform == "linux" and "MALLOC_MMAP_THRESHOLD_" not in os.environ:
        _give_back_arrays()


def _give_back_arrays() -> None:
    """Arrays go back to the system when they are freed.

    glibc raises the size from which it does so with every array that is freed, up to 32 MB; what a thread frees below
    that stays with the thread. Strips of rasters and bands of labels then fill memory several times over.
    """
    try:
        tune = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return
    tune(_MMAP_THRESHOLD, _LARGE_BYTES)
    tune(_TRIM_THRESHOLD, _LARGE_BYTES)
