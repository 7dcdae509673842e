"""The rasters of prepared dates: what the sky hid, and the dates in the first one's light without it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import raster
from geolabel.changes import sky
from geolabel.grid import Window
from geolabel.progress import track

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.changes.radiometry import BandFit
    from geolabel.changes.sky import Bands, Light
    from geolabel.raster import RasterInfo
    from geolabel.steps.change_common_grid import DateReader, View

_SKY_ROWS, _SKY_COLS = 512, 1024
"""Size of the pieces of all dates that are in memory together."""
_STRIP_ROWS = 128
"""Rows of one date that are in memory together; its blocks are as high until it is whole."""
_COLORS = {sky.CLEAR: (46, 125, 50), sky.CLOUD: (255, 255, 255), sky.HAZE: (144, 202, 249), sky.SHADOW: (69, 39, 160)}


def normalised(pixels: NDArray[np.float32], fits: Sequence[BandFit]) -> NDArray[np.float32]:
    """One date (bands, …) in the first one's light; as it is without fits."""
    if not fits:
        return pixels
    return np.stack([fit.apply(band) for fit, band in zip(fits, pixels, strict=True)])


def write_skies(
    paths: Sequence[Path], views: Sequence[View], fits: Sequence[Sequence[BandFit]], bands: Bands, light: Light
) -> NDArray[np.float64]:
    """Write what hid the ground at each date; give the shares (dates, 4) of clear, cloud, haze and shadow.

    They are shares of what a date saw, NaN where it saw nothing.
    """
    grid = views[0].grid
    style = raster.BandStyle(("sky",), nodata=sky.OUTSIDE, palette=_COLORS, categories=sky.NAMES, overviews="mode")
    at = [bands.short, bands.red, *([] if bands.nir is None else [bands.nir])]
    names = [views[0].info.band_names[position] for position in at]
    told = bands._replace(short=0, red=1, nir=None if bands.nir is None else 2)
    lit = [[date[position] for position in at] if date else [] for date in fits]
    counts = np.zeros((len(views), len(sky.NAMES)), dtype=np.int64)
    with ExitStack() as stack:
        readers = [stack.enter_context(view.choose(names).open()) for view in views]
        writers = [stack.enter_context(raster.write_cog(path, grid, style)) for path in paths]
        for top in track(range(0, grid.height, _SKY_ROWS), what="clouds and shadows", unit="strip"):
            strip = _sky_strip(readers, lit, told, light, Window(0, top, grid.width, min(_SKY_ROWS, grid.height - top)))
            for date, (writer, found) in enumerate(zip(writers, strip, strict=True)):
                writer.write(top, found[None])
                counts[date] += np.bincount(found.ravel(), minlength=256)[: len(sky.NAMES)]
    seen = counts.sum(axis=1, keepdims=True)
    return np.where(seen > 0, counts / np.maximum(seen, 1), np.nan)


def _sky_strip(
    readers: Sequence[DateReader], fits: Sequence[Sequence[BandFit]], bands: Bands, light: Light, strip: Window
) -> NDArray[np.uint8]:
    """One strip of all dates (dates, rows, cols), made in pieces with what lies around them."""
    grid = readers[0].view.grid
    found = np.empty((len(readers), strip.height, strip.width), dtype=np.uint8)
    top, bottom = _around(strip.row_off, strip.row_off + strip.height, grid.height)
    for left in range(0, strip.width, _SKY_COLS):
        right = min(left + _SKY_COLS, strip.width)
        west, east = _around(left, right, strip.width)
        parts = [reader.read(Window(west, top, east - west, bottom - top)) for reader in readers]
        pixels = np.stack([normalised(part, date) for (part, _), date in zip(parts, fits, strict=True)])
        whole = sky.sky(pixels, np.stack([valid for _, valid in parts]), bands, light, max(grid.gsd_m))
        inner = strip.row_off - top
        found[:, :, left:right] = whole[:, inner : inner + strip.height, left - west : right - west]
    return found


def _around(low: int, high: int, end: int) -> tuple[int, int]:
    return max(low - sky.AROUND_PX, 0), min(high + sky.AROUND_PX, end)


def write_date(
    path: Path, view: View, like: RasterInfo, fits: Sequence[BandFit], hidden: RasterInfo | None
) -> RasterInfo:
    """Write one date in the first one's light and unit, nodata where it saw nothing, or cloud or shadow hid the ground.

    Its type is the file's own, or the wider of it and the first date's (`like`).
    """
    dtype = np.result_type(np.dtype(view.info.dtype), np.dtype(like.dtype))
    nodata = _nodata(view.info, like, dtype)
    style = raster.BandStyle(view.info.band_names, dtype.name, nodata=nodata, scale=view.unit)
    with ExitStack() as stack:
        reader = stack.enter_context(view.open())
        above = None if hidden is None else stack.enter_context(raster.open_raster(hidden))
        writer = stack.enter_context(raster.write_cog(path, like.place, style, _STRIP_ROWS))
        for top in track(range(0, like.height, _STRIP_ROWS), what=path.stem, unit="strip"):
            window = Window(0, top, like.width, min(_STRIP_ROWS, like.height - top))
            pixels, valid = reader.read(window)
            if above is not None:
                found = above.read(window)[0][0]
                valid = valid & (found != sky.CLOUD) & (found != sky.SHADOW)
            writer.write(top, stored(normalised(pixels, fits), valid, dtype, nodata))
    return raster.describe(path)


def _nodata(info: RasterInfo, like: RasterInfo, dtype: np.dtype[Any]) -> float:
    """The value for what is not seen: the date's own, the first one's, or what is usual for the type."""
    for told in (info.nodata, like.nodata):
        if told is not None and (dtype.kind == "f" or np.iinfo(dtype).min <= told <= np.iinfo(dtype).max):
            return told
    return float("nan") if dtype.kind == "f" else 0.0


def stored(values: NDArray[np.float32], valid: NDArray[np.bool_], dtype: np.dtype[Any], nodata: float) -> NDArray[Any]:
    """Values (bands, rows, cols) as they are stored, within the type's range; what is valid never reads as nodata."""
    if dtype.kind == "f":
        return np.where(valid, values, nodata).astype(dtype)
    limits = np.iinfo(dtype)
    whole = np.clip(np.rint(np.where(valid, values, 0).astype(np.float64)), limits.min, limits.max).astype(dtype)
    taken = (whole == nodata).all(axis=0) & valid
    whole[0, taken] = nodata - 1 if nodata == limits.max else nodata + 1
    whole[:, ~valid] = nodata
    return np.asarray(whole)
