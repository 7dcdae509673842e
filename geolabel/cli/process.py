"""What the process is told before the heavy libraries are loaded: how threads wait, what becomes of freed memory."""

from __future__ import annotations

import ctypes
import gc
import os
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""glibc's numbers of these settings (malloc.h)."""
_OBJECTS = 100_000
"""New objects after which the garbage collector looks for circles; it holds all threads while it does."""


def prepare() -> None:
    """Settings that only count from the start of a process; what the user has set in the environment stays."""
    # torch's threads otherwise spin while another program has the core, and all wait for each other
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")  # the others keep what is freed for themselves
    gc.set_threshold(_OBJECTS)
    keep_arrays()


def keep_arrays() -> None:
    """Freed arrays below 32 MB stay with the process, in two pools: for networks, which ask for the same sizes again.

    Given back and asked for anew with each batch, their pages took more time than the network itself (predict: 89 s
    instead of 36 s).
    """
    _tune({_MMAP_THRESHOLD: 32 << 20, _TRIM_THRESHOLD: 64 << 20, _ARENA_MAX: 2})


def give_back_arrays() -> None:
    """Arrays go back to the system when they are freed: for bands of labels, of which no two have the same size.

    They would fill memory several times over if each thread kept what it frees.
    """
    _tune({_MMAP_THRESHOLD: 1 << 18, _TRIM_THRESHOLD: 1 << 18})


def _tune(settings: dict[int, int]) -> None:
    if sys.platform != "linux" or "MALLOC_MMAP_THRESHOLD_" in os.environ:
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return
    for setting, value in settings.items():
        mallopt(setting, value)
