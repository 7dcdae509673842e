"""Files of Erdas Imagine: rasters, and sidecars of others, which may say that pixels or overviews lie elsewhere."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from geolabel.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

BEGINS = b"EHFA_HEADER_TAG"
"""How such a file begins."""
_LEADING = (b"externalrasterdms", b"rrdnameslist\0")
"""Entries that name the file of the pixels, and those of overviews. GDAL compares names without case. The file's
dictionary may name the type of the second, without a zero after it."""
_AT_ONCE = 16 << 20

State = tuple["Path", int, int, int]
"""A file as it was: path, number on its disk, time of its last change, size. Another one of that name is another."""


def state_of(path: Path) -> State:
    """Links followed; zeros where there is no file."""
    try:
        told = path.stat()
    except OSError:
        return path.resolve(), 0, 0, 0
    return path.resolve(), told.st_ino, told.st_mtime_ns, told.st_size


def leads_elsewhere(path: Path) -> bool:
    """Whether such a file names others; the entry may stand anywhere in it. Raises InputError."""
    try:
        return _leads(state_of(path))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check its disk, or copy it again") from error


@cache
def _leads(state: State) -> bool:
    rest = b""
    with state[0].open("rb") as stream:
        while part := stream.read(_AT_ONCE):
            content = (rest + part).lower()
            if any(content.find(name) >= 0 for name in _LEADING):
                return True
            rest = part[-max(map(len, _LEADING)) :]
    return False
