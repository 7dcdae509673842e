"""How rasterio is opened: one environment, one translation of its errors, no warnings of its own."""

from __future__ import annotations

import logging
import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from geolabel import files
from geolabel.errors import InputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FILTERS = threading.Lock()
_CACHE_MB = 128
"""Strips are read once and in order: a small block cache is faster than GDAL's default and bounds memory."""


@contextmanager
def environment() -> Iterator[None]:
    """GDAL's settings for everything geolabel does."""
    import rasterio

    logging.getLogger("rasterio").setLevel(logging.CRITICAL)  # what matters arrives as an exception
    with rasterio.Env(GDAL_CACHEMAX=_CACHE_MB, GDAL_NUM_THREADS="ALL_CPUS", GDAL_TIFF_INTERNAL_MASK=True):
        yield


@contextmanager
def dataset(path: Path) -> Iterator[Any]:
    """Open a raster. Raises InputError where the file is missing, empty or no raster."""
    import rasterio

    files.check_readable(path, "a raster")
    with environment():
        try:
            opened = _open(path)
        except rasterio.errors.RasterioIOError as error:
            raise InputError(
                f"{path}: is not a raster that GDAL can read, or it is truncated ({_reason(error)}); "
                "check it with gdalinfo, or copy it again"
            ) from error
        except UnicodeError as error:
            raise InputError(f"{path!r}: its name is no valid UTF-8, which GDAL needs; rename the file") from error
        with opened:
            yield opened


def _open(path: Path) -> Any:
    import rasterio

    with without_place():
        return rasterio.open(path)


@contextmanager
def without_place() -> Iterator[None]:
    """Silence rasterio's warning of a missing place, which `describe` reports.

    Filters are the whole process's, and rasterio changes them too where it makes a dataset in memory: one at a time.
    """
    import rasterio

    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        yield


@contextmanager
def reading(path: Path, where: str) -> Iterator[None]:
    """Translate a failed read of `path`; `where` says which part was asked for."""
    import rasterio

    try:
        yield
    except rasterio.errors.RasterioError as error:
        raise InputError(
            f"{path}: cannot be read at {where}: the file is truncated or damaged; copy or download it again"
        ) from error


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Translate a failed write of `path`."""
    import rasterio

    try:
        yield
    except (rasterio.errors.RasterioError, rasterio._err.CPLE_BaseError) as error:  # noqa: SLF001 - not re-exported
        raise OutputError(
            f"{path}: cannot be written ({_reason(error)}); is the disk full? Free some, or write elsewhere with -o"
        ) from error


def _reason(error: BaseException) -> str:
    """GDAL's own words, where rasterio kept them."""
    return str(error.__cause__ or error).strip().rstrip(".")
