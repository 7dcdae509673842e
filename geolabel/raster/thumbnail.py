"""A raster made small, in its own pixels: for the eye, also where it has no place on Earth."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.grid import Window
from geolabel.raster import door
from geolabel.raster.read import read_seen
from geolabel.raster.statistics import not_nodata

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.raster.describe import RasterInfo

_MOST_BYTES = 64 << 20
"""Decoded for a picture, at the most, of a raster without overviews: a second or two."""


def read_small(
    info: RasterInfo, side_px: int, *, codes: bool = False
) -> tuple[NDArray[Any], NDArray[np.bool_], Window]:
    """Stored values (bands, h, w), which are valid (h, w), and the window of the raster that is shown.

    The longer side is `side_px` px at the most. Averages; with `codes`, values as they are. All of the raster where it
    has overviews or is not large, else its middle. Raises InputError where it is truncated.
    """
    from rasterio.enums import Resampling
    from rasterio.windows import Window as RasterioWindow

    with door.dataset(info.path) as dataset:
        indexes = [band.index for band in info.bands]
        window = _shown(info, len(dataset.indexes), overviews=bool(dataset.overviews(indexes[0])))
        factor = max(1.0, max(window.width, window.height) / side_px)
        shape = tuple(max(1, round(side / factor)) for side in (window.height, window.width))
        area = RasterioWindow(window.col_off, window.row_off, window.width, window.height)
        how = Resampling.average if factor > 1 and not codes else Resampling.nearest
        with door.reading(info.path, "a reduced view"):
            pixels = dataset.read(indexes, window=area, out_shape=(len(indexes), *shape), resampling=how)
            if info.mask in ("mask", "alpha"):
                valid = read_seen(dataset, info.bands[:1], window=area, out_shape=shape)
            else:  # GDAL would decode the blocks again for its masks; an average of what is valid is never nodata
                told = [not_nodata(band, dataset.nodatavals[at - 1]) for at, band in zip(indexes, pixels, strict=True)]
                valid = np.any(told, axis=0)
    if pixels.dtype.kind == "f":
        valid = valid & np.isfinite(pixels).all(axis=0)
        pixels = np.where(valid, pixels, 0)
    return pixels, valid, window


def _shown(info: RasterInfo, bands: int, *, overviews: bool) -> Window:
    """The whole raster, or a square in its middle that can be decoded in a moment."""
    width, height = info.width, info.height
    deep = bands * np.dtype(info.dtype).itemsize
    if overviews or width * height * deep <= _MOST_BYTES:
        return Window(0, 0, width, height)
    across = width if info.block[0] >= width else 0  # strips are decoded in their full width
    side = min(width, height, _MOST_BYTES // deep // across if across else math.isqrt(_MOST_BYTES // deep))
    return Window((width - side) // 2, (height - side) // 2, side, side)
