"""Whether a file is still the one that was looked at."""

from __future__ import annotations

from pathlib import Path

State = tuple[Path, int, int, int]
"""A file as it was: path, number on its disk, time of its last change, size. Another one of that name is another."""


def state_of(path: Path) -> State:
    """Links followed; zeros where there is no file."""
    try:
        told = path.stat()
    except OSError:
        return path.resolve(), 0, 0, 0
    return path.resolve(), told.st_ino, told.st_mtime_ns, told.st_size
