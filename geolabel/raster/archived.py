"""What lies in archives, as GDAL itself sees it: another reader may find another directory in the same file."""

from __future__ import annotations

import ctypes
import os
from functools import cache
from typing import Any

from geolabel.raster import beside


def head(name: str) -> bytes:
    """How a member of an archive (`/vsizip/…`) begins; nothing where there is none, or GDAL is not to be reached."""
    gdal = _gdal()
    stream = gdal and gdal.VSIFOpenL(os.fsencode(name), b"rb")
    if not stream:
        return b""
    buffer = ctypes.create_string_buffer(beside.HEAD_BYTES)
    count = gdal.VSIFReadL(buffer, 1, len(buffer), stream)
    gdal.VSIFCloseL(stream)
    return buffer.raw[:count]


def check(name: str) -> None:
    """Refuse a member beside which overviews or a mask lie that GDAL could take for anything. Raises InputError."""
    folder, _, own = name.rpartition("/")
    for other in _names(folder):
        if beside.is_opened(other, own):
            sidecar = f"{folder}/{other}"
            if not head(sidecar).startswith(beside.OVERVIEWS):
                raise beside.refused(sidecar, own)
            check(sidecar)


def _names(folder: str) -> list[str]:
    gdal = _gdal()
    found = gdal and gdal.VSIReadDir(os.fsencode(folder))
    if not found:
        return []
    names: list[str] = []
    while (text := found[len(names)]) is not None:
        names.append(os.fsdecode(text))
    gdal.CSLDestroy(found)
    return names


@cache
def _gdal() -> Any:
    """The GDAL of rasterio, which it does not pass on, but with which its modules are linked; None on Windows."""
    import rasterio.crs

    library = ctypes.CDLL(rasterio.crs.__file__)
    if not hasattr(library, "VSIFOpenL"):
        return None
    library.VSIFOpenL.argtypes, library.VSIFOpenL.restype = [ctypes.c_char_p] * 2, ctypes.c_void_p
    library.VSIFReadL.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_void_p]
    library.VSIFReadL.restype = ctypes.c_size_t
    library.VSIFCloseL.argtypes = [ctypes.c_void_p]
    library.VSIReadDir.argtypes, library.VSIReadDir.restype = [ctypes.c_char_p], ctypes.POINTER(ctypes.c_char_p)
    library.CSLDestroy.argtypes, library.CSLDestroy.restype = [ctypes.POINTER(ctypes.c_char_p)], None
    return library
