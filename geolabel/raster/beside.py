"""What lies beside a raster, and GDAL opens with it by its name: overviews, masks, world files and other sidecars."""

from __future__ import annotations

import bisect
import re
import stat
import time
from functools import lru_cache
from typing import TYPE_CHECKING

from geolabel.errors import InputError
from geolabel.raster import imagine

if TYPE_CHECKING:
    from pathlib import Path

HEAD_BYTES = 4096
"""GDAL looks for the tag of a VRT in a quarter of that."""
OVERVIEWS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""How files begin that hold overviews or a mask. What begins otherwise, GDAL could take for anything."""
_OPENED = ("ovr", "msk")
"""Endings of what is opened as a raster of its own, in any case."""
_READ = re.compile(
    r"\.(?:ovr|msk|aux|aux\.xml|xml|wld|\w{1,3}w|hdr|prj|rp[bc]|imd|pvl|att|eph|geo|tab|cl[rw]|sta|stx|rrd|ige|vat\.dbf)"
    r"|_(?:rpc|mtl|metadata)\.(?:txt|xml)",
)
"""Of a name in small letters, what follows that of the raster, with its ending or without."""
_SETTLED_S = 2.0
"""A folder that changed later than that may change again at the same time by its clock."""

_Listing = tuple[tuple[str, str], ...]
"""Names in small letters and as they are, sorted."""


def head(path: Path) -> bytes:
    """How a plain file begins; nothing of what is none: to open a pipe would wait for who writes to it."""
    try:
        if not path.is_file():
            return b""
        with path.open("rb") as stream:
            return stream.read(HEAD_BYTES)
    except OSError:
        return b""


def check(path: Path, shown: Path, roots: tuple[Path, ...]) -> None:
    """Refuse what GDAL would read with a raster and is no plain file, lies in none of `roots`, or leads elsewhere.

    Errors call the raster `shown`. No roots: its sidecars may lie anywhere. Raises InputError.
    """
    for name in _sidecars(path):
        beside = path.parent / name
        called = shown.parent / name
        if beside.is_symlink() and roots and not any(beside.resolve().is_relative_to(root) for root in roots):
            raise InputError(f"{called}: is a link out of its folder; remove it, or put the file itself there")
        if not is_usual(beside):
            raise InputError(f"{called}: is a device or a pipe, and GDAL would read it with {path.name}; remove it")
        begins = head(beside)
        if begins.startswith(imagine.BEGINS) and imagine.leads_elsewhere(beside):
            raise InputError(
                f"{called}: GDAL would read it with {path.name}, and it says that pixels or overviews lie in other "
                "files; remove it, or give --allow-remote if you trust it"
            )
        if is_opened(name, path.name) and beside.exists():
            if not begins.startswith(OVERVIEWS):
                raise refused(called, path.name)
            check(beside, called, roots)


def refused(sidecar: Path | str, name: str) -> InputError:
    """Overviews or a mask of the raster `name` that could be anything."""
    return InputError(
        f"{sidecar}: GDAL would read it with {name}, and it is no TIFF; remove it, or make it again: gdaladdo"
    )


def is_opened(sidecar: str, name: str) -> bool:
    """Whether a file of a name is opened as overviews or mask of the raster of another name."""
    return sidecar.lower() in {f"{name.lower()}.{ending}" for ending in _OPENED}


def is_usual(path: Path) -> bool:
    """Whether a path is a file, a folder or nothing: no device, pipe or socket."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return True
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def _sidecars(path: Path) -> list[str]:
    """Names of all sidecars, whatever the case of their letters: GDAL compares names so."""
    try:
        folder = path.parent.stat()
    except OSError:
        return []
    settled = abs(time.time() - folder.st_mtime) > _SETTLED_S
    listing = (_listed if settled else _list)(path.parent, folder.st_dev, folder.st_ino, folder.st_mtime_ns)
    stem, suffix = path.stem.lower(), path.suffix.lower()
    found = []
    for prefix in (f"{stem}.", f"{stem}_"):
        for at in range(bisect.bisect_left(listing, (prefix,)), len(listing)):
            lower, name = listing[at]
            if not lower.startswith(prefix):
                break
            rest = lower.removeprefix(stem)
            if name != path.name and (_READ.fullmatch(rest) or _READ.fullmatch(rest.removeprefix(suffix))):
                found.append(name)
    return found


def _list(folder: Path, *_: int) -> _Listing:
    try:
        return tuple(sorted((each.name.lower(), each.name) for each in folder.iterdir()))
    except OSError:
        return ()


_listed = lru_cache(maxsize=2)(_list)
"""One listing serves all rasters of a folder, for as long as it stays as it is."""
