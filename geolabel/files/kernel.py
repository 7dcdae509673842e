"""Locks of the kernel on open files: they go with the process that holds them, however it ends."""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

if sys.platform != "win32":
    import fcntl

Answer = Literal["ours", "busy", "unknown"]
"""The lock is this process's; another's; or there are no locks: an old NFS, Windows."""


def lock(descriptor: int, *, shared: bool = False, wait: bool = False) -> Answer:
    """Lock an open file, for this process alone or `shared`; with `wait`, when nobody else has it."""
    if sys.platform == "win32":
        return "unknown"
    how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(descriptor, how if wait else how | fcntl.LOCK_NB)
    except OSError as error:
        return "busy" if error.errno in (errno.EWOULDBLOCK, errno.EACCES) else "unknown"
    return "ours"


def is_at(descriptor: int, path: Path) -> bool:
    """Whether an open file still has that name."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat(follow_symlinks=False))
    except FileNotFoundError:
        return False
