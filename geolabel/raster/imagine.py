"""Files of Erdas Imagine: rasters, and sidecars of others, which may say that pixels or overviews lie elsewhere."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from geolabel.errors import InputError
from geolabel.raster.state import state_of

if TYPE_CHECKING:
    from pathlib import Path

    from geolabel.raster.state import State

BEGINS = b"EHFA_HEADER_TAG"
"""How such a file begins."""
_LEADING = (b"externalrasterdms", b"rrdnameslist\0")
"""Entries that name the file of the pixels, and those of overviews. GDAL compares names without case. The file's
dictionary may name the type of the second, without a zero after it."""
_AT_ONCE = 16 << 20


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
            rest = content[-max(map(len, _LEADING)) :]
    return False
