"""Coarse looks at a raster: which parts are valid, and how large its values are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.grid import Window
from geolabel.raster import door
from geolabel.raster.read import Reader, finite, open_raster, read_seen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geolabel.raster.describe import RasterInfo

_COARSEST = 4
"""An overview up to so many times coarser than asked for will do: it is there already."""
_STRIP_ROWS = 512
_STRIP_BYTES = 64 << 20
"""Of pixels that are read together: rasters may be a million pixels wide."""
_WINDOWS, _WINDOW_PX = 6, 256
"""How many windows along each axis, and how large, show what codes a raster has."""


def valid_overview(info: RasterInfo, step_px: int) -> NDArray[np.bool_] | None:
    """Which pixels are valid, looked at about every `step_px` px along both axes; None where all are.

    Read from an overview, at the most four times coarser than asked for, where the file has one; else every block is
    decoded once, strip by strip. Raises InputError where the file is truncated.
    """
    if info.mask == "none" and np.dtype(info.dtype).kind != "f":
        return None
    with door.dataset(info.path) as dataset:
        factors = [factor for factor in dataset.overviews(info.bands[0].index) if factor <= _COARSEST * step_px]
        if factors:
            return _from_overview(dataset, info, max(factors))
    return _from_pixels(info, step_px)


def _from_overview(dataset: Any, info: RasterInfo, factor: int) -> NDArray[np.bool_]:
    shape = (-(-info.height // factor), -(-info.width // factor))
    with door.reading(info.path, "an overview"):
        if info.mask == "none":
            return np.asarray(np.isfinite(dataset.read(info.bands[0].index, out_shape=shape)))
        return read_seen(dataset, info.bands, out_shape=shape)


def _from_pixels(info: RasterInfo, step_px: int) -> NDArray[np.bool_]:
    rows, cols = (
        np.minimum(np.arange(0, side, step_px) + step_px // 2, side - 1) for side in (info.height, info.width)
    )
    parts = []
    high = _strip_rows(info)
    with open_raster(info) as reader:
        for top in range(0, info.height, high):
            inside = rows[(rows >= top) & (rows < top + high)] - top
            if len(inside):
                window = Window(0, top, info.width, min(high, info.height - top))
                parts.append(reader.read_valid(window)[np.ix_(inside, cols)])
    return np.concatenate(parts)


def _strip_rows(info: RasterInfo) -> int:
    """Rows of a strip of the whole width: whole blocks, as memory allows."""
    row = info.width * len(info.bands) * np.dtype(info.dtype).itemsize
    high = min(info.block[1], _STRIP_ROWS)
    return max(high, min(_STRIP_ROWS, _STRIP_BYTES // row) // high * high)


def sample(info: RasterInfo, side_px: int = 256) -> list[NDArray[Any]] | None:
    """Valid values of each band, as stored, from overviews or a decimated read of a central part.

    A list of (n,) arrays, one a band; None where nothing valid was met.
    """
    from rasterio.windows import Window as RasterioWindow

    with door.dataset(info.path) as dataset, door.reading(info.path, "a reduced view"):
        indexes = [band.index for band in info.bands]
        if dataset.overviews(indexes[0]):
            width, height = info.width, info.height
        else:  # without overviews a reduced view decodes every block: look at the middle only
            width, height = min(info.width, 4 * side_px), min(info.height, 4 * side_px)
        area = RasterioWindow((info.width - width) // 2, (info.height - height) // 2, width, height)
        shape = (min(side_px, height), min(side_px, width))
        pixels = dataset.read(indexes, window=area, out_shape=(len(indexes), *shape))
        seen = read_seen(dataset, info.bands, window=area, out_shape=shape)
    valid = seen & finite(pixels)
    return [band[valid] for band in pixels] if valid.any() else None


def corners(info: RasterInfo, side_px: int = 32) -> list[NDArray[Any]]:
    """The four corners of a raster as stored: arrays (bands, side, side), smaller where the raster is."""
    width, height = min(side_px, info.width), min(side_px, info.height)
    with open_raster(info) as reader:
        return [
            reader.read(Window(col, row, width, height))[0]
            for col in (0, info.width - width)
            for row in (0, info.height - height)
        ]


def codes(info: RasterInfo) -> NDArray[np.int64]:
    """Different valid values of the first band, sorted, as native pixels show them: none that an overview blended.

    Windows spread over the raster are looked at; all of it where they are empty.
    """
    sides = [max(1, side // _WINDOWS) for side in (info.width, info.height)]
    width, height = (min(_WINDOW_PX, side) for side in sides)
    found: set[int] = set()
    with open_raster(info) as reader:
        for row in range(0, info.height - height + 1, sides[1]):
            for col in range(0, info.width - width + 1, sides[0]):
                pixels, valid = reader.read(Window(col, row, width, height))
                found.update(np.unique(pixels[0][valid]).tolist())
        if not found:
            high = _strip_rows(info)
            for top in range(0, info.height, high):
                pixels, valid = reader.read(Window(0, top, info.width, min(high, info.height - top)))
                found.update(np.unique(pixels[0][valid]).tolist())
    return np.array(sorted(found), dtype=np.int64)


def count_codes(reader: Reader, wanted: Sequence[int], window: Window) -> dict[int, int]:
    """How many valid pixels of the first band in a window have each of some codes, strip by strip."""
    found = dict.fromkeys(wanted, 0)
    bottom = window.row_off + window.height
    for top in range(window.row_off, bottom, _STRIP_ROWS):
        pixels, valid = reader.read(Window(window.col_off, top, window.width, min(_STRIP_ROWS, bottom - top)))
        codes, counts = np.unique(pixels[0][valid], return_counts=True)
        for code, count in zip(codes.tolist(), counts.tolist(), strict=True):
            if code in found:
                found[code] += count
    return found
