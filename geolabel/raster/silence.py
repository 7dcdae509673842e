"""libtiff and GDAL write some errors to stderr themselves: what they say there comes as an exception as well."""

from __future__ import annotations

import functools


@functools.cache
def silence() -> None:
    """Keep the libraries behind rasterio off stderr, from all threads, also those that rasterio does not know of.

    As in `door.forget_downloads`, they are found through rasterio's modules; where they cannot be, nothing is done.
    """
    import ctypes

    import rasterio.crs

    library = ctypes.CDLL(rasterio.crs.__file__)
    for name in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
        if (setter := getattr(library, name, None)) is not None:
            setter.argtypes, setter.restype = [ctypes.c_void_p], ctypes.c_void_p
            setter(None)
    told = getattr(library, "CPLSetErrorHandler", None)
    if told is not None:
        told.argtypes, told.restype = [ctypes.c_void_p], ctypes.c_void_p
        told(ctypes.cast(library.CPLQuietErrorHandler, ctypes.c_void_p))
