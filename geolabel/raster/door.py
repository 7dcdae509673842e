"""How rasterio is opened: one environment, one translation of its errors, no warnings of its own."""

from __future__ import annotations

import logging
import os
import threading
import time
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geolabel import files
from geolabel.errors import InputError, OutputError
from geolabel.raster import remote, respelled, trust
from geolabel.raster.mistaken import mistaken, worded
from geolabel.raster.silence import silence

if TYPE_CHECKING:
    from collections.abc import Iterator

_FILTERS = threading.Lock()
_CACHE_BYTES = 64 << 20
"""Strips are read once and in order: a small block cache is faster than GDAL's default and bounds memory."""


@contextmanager
def environment(*, alone: bool = False, closed: bool = False) -> Iterator[None]:
    """GDAL's settings for everything geolabel does.

    `alone` where there are no files beside a raster to look for, `closed` where nothing is to come from a network.
    """
    import rasterio

    logging.getLogger("rasterio").setLevel(logging.CRITICAL)  # what matters arrives as an exception
    silence()
    own: dict[str, Any] = {
        "GDAL_CACHEMAX": _CACHE_BYTES,
        "GDAL_NUM_THREADS": "ALL_CPUS",
        "GDAL_TIFF_INTERNAL_MASK": True,
        "GDAL_PNG_WHOLE_IMAGE_OPTIM": False,  # it gives memory as it was for what a truncated PNG lacks (GDAL 3.10)
        "GDAL_ERROR_ON_LIBJPEG_WARNING": True,  # else what is damaged is made up
        "GDAL_VRT_ENABLE_PYTHON": False,  # whatever the user's environment says: a raster brings no code
    }
    if closed:
        own["CPL_VSIL_CURL_ALLOWED_FILENAME"] = "none"  # no other one is fetched
    own["VRT_NUM_THREADS"] = 1  # several leave blank, without a word, what one of the sources does not give
    if alone and "GDAL_DISABLE_READDIR_ON_OPEN" not in os.environ:
        own["GDAL_DISABLE_READDIR_ON_OPEN"] = "EMPTY_DIR"
    with rasterio.Env(**own, **remote.settings()):
        if not closed:  # a raster of this machine may be open around it, in the same thread
            rasterio._env.del_gdal_config("CPL_VSIL_CURL_ALLOWED_FILENAME")  # noqa: SLF001 - not re-exported
        yield


@contextmanager
def dataset(path: Path | str) -> Iterator[Any]:
    """Open a raster: a file, or what GDAL calls something else (`str`: /vsi…).

    Raises InputError where it is missing, empty or no raster, or where a server does not give it.
    """
    import rasterio

    networked = True
    if isinstance(path, Path):
        files.check_readable(path, "a raster")
        networked = trust.check(path)
    else:
        trust.check_name(path)
    with environment(alone=respelled.stands_alone(str(path)), closed=not networked):
        try:
            opened = open_anew(path)
        except rasterio.errors.RasterioIOError as error:
            if isinstance(path, str) and remote.is_remote(path):
                raise remote.refusal(path, _reason(error)) from error
            seems = (mistaken(path) or worded(path)) if isinstance(path, Path) else ""
            raise InputError(
                f"{path}: {seems}"
                if seems
                else f"{path}: is not a raster that GDAL can read, or it is truncated ({_reason(error)}); "
                "check it with gdalinfo, or copy it again"
            ) from error
        except UnicodeError as error:
            raise InputError(f"{path!r}: its name is no valid UTF-8, which GDAL needs; rename the file") from error
        with opened:
            if isinstance(path, Path):
                trust.check_overviews(path, opened)
            yield opened


def open_anew(path: Path | str) -> Any:
    """Open a raster, within an environment, with rasterio's own errors; a server is asked again where it fails."""
    import rasterio

    with without_place():
        for pause in (*remote.PAUSES_S, None):
            try:
                return _opened(path, respelled.name(path))
            except rasterio.errors.RasterioIOError as error:
                in_vain = not (isinstance(path, str) and remote.is_remote(path)) or remote.is_final(error)
                if in_vain or pause is None:
                    raise
            forget_downloads()
            time.sleep(pause)
    raise AssertionError


def _opened(path: Path | str, name: Path | str) -> Any:
    """A raster under the name that GDAL is given for it, by none but the drivers that are trusted."""
    import rasterio
    from rasterio.io import DatasetReader

    drivers = trust.drivers(path)
    if drivers is None:
        return rasterio.open(name)
    return DatasetReader(os.fspath(name), driver=drivers, sharing=False)  # rasterio.open takes one driver only


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
        raise unread(path, where, error) from error


def forget_downloads() -> None:
    """Make GDAL forget what came over the network: it keeps the beginning of a part that broke off for the whole.

    rasterio does not pass this on, but its modules are linked with GDAL; where symbols cannot be found through them
    (Windows), nothing is emptied, and to ask again helps less often.
    """
    import ctypes

    import rasterio.crs

    respelled.Failures.count += 1
    clear = getattr(ctypes.CDLL(rasterio.crs.__file__), "VSICurlClearCache", None)
    if clear is not None:
        clear()


def unread(path: Path, where: str, error: Exception) -> InputError:
    """A failed read of `path` in words: whose fault it is, and what to do about it."""
    blamed = respelled.blamed(error, path)
    if blamed is not None:
        return remote.broken(blamed, where, _reason(error))
    return InputError(f"{path}: cannot be read at {where}: the file is truncated or damaged; copy or download it again")


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
