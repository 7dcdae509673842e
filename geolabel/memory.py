"""What becomes of freed memory: with the C library of Linux, a choice; elsewhere, nothing is done."""

from __future__ import annotations

import ctypes
import gc
import os
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""glibc's numbers of these settings (malloc.h)."""


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


def give_back_now() -> None:
    """What was freed so far goes back to the system: after a trial whose sizes do not come again."""
    gc.collect()
    library = _library()
    if library is not None and hasattr(library, "malloc_trim"):
        library.malloc_trim(0)


def peak() -> float:
    """Bytes of memory that this process had at its most; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:
        return 0.0
    unit = 1 if sys.platform == "darwin" else 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)


def _tune(settings: dict[int, int]) -> None:
    library = _library()
    if library is None or "MALLOC_MMAP_THRESHOLD_" in os.environ:
        return
    for setting, value in settings.items():
        library.mallopt(setting, value)


def _library() -> ctypes.CDLL | None:
    """The C library, where it is one that can be told."""
    if sys.platform != "linux":
        return None
    try:
        library = ctypes.CDLL(None)
    except OSError:
        return None
    return library if hasattr(library, "mallopt") else None
