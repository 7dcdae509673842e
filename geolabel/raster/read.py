"""Windows and masks: pixels in their stored type beside a map of which of them are valid."""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from geolabel.grid import Grid, Window
from geolabel.raster import door
from geolabel.raster.again import Handle

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from geolabel.raster.describe import Band, RasterInfo

Resampling = Literal["nearest", "bilinear", "average", "mode"]


@dataclass(frozen=True, slots=True)
class Reader:
    """An open raster, or a warped view of one."""

    info: RasterInfo
    """Size, bands and grid of what is read: of the view, where there is one."""
    _handle: Handle
    _alpha: int | None
    """Band that holds validity, from 1; None where the values or a mask band say it."""

    def read(self, window: Window) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Pixels (bands, height, width) in the stored type, and which are valid (height, width).

        A pixel is nodata only where all bands read say so: a zero in one band is a value. NaN is never valid.
        Raises InputError where the file is truncated or damaged.
        """
        from rasterio.windows import Window as RasterioWindow

        area = RasterioWindow(window.col_off, window.row_off, window.width, window.height)
        indexes = [band.index for band in self.info.bands]

        def read(dataset: Any) -> tuple[NDArray[Any], NDArray[np.bool_]]:
            if self._alpha is not None:
                both = dataset.read([*indexes, self._alpha], window=area)
                return both[:-1], both[-1] > 0
            if self.info.mask == "mask":
                valid = np.asarray(dataset.read_masks(indexes[0], window=area) > 0)
                if not valid.any():  # nothing else is fetched or decoded
                    return np.zeros((len(indexes), *valid.shape), self.info.dtype), valid
                return dataset.read(indexes, window=area), valid
            pixels = dataset.read(indexes, window=area)
            return pixels, self._told(pixels)

        pixels, valid = self._handle.read(_rows(window), read)
        return pixels, valid & finite(pixels)

    def read_valid(self, window: Window) -> NDArray[np.bool_]:
        """Which pixels are valid (height, width); where a mask or an alpha band says it, no other band is read."""
        from rasterio.windows import Window as RasterioWindow

        if self._alpha is None and self.info.mask != "mask":
            return self.read(window)[1]
        area = RasterioWindow(window.col_off, window.row_off, window.width, window.height)

        def read(dataset: Any) -> NDArray[np.bool_]:
            if self._alpha is not None:
                return np.asarray(dataset.read(self._alpha, window=area) > 0)
            return np.asarray(dataset.read_masks(self.info.bands[0].index, window=area) > 0)

        return self._handle.read(_rows(window), read)

    def _told(self, pixels: NDArray[Any]) -> NDArray[np.bool_]:
        """Validity as the values tell it."""
        if self.info.mask == "nodata" and self.info.nodata is not None:
            return np.asarray((pixels != self.info.nodata).any(axis=0))
        return np.ones(pixels.shape[1:], dtype=bool)


def _rows(window: Window) -> str:
    return f"rows {window.row_off}–{window.row_off + window.height}"


@contextmanager
def open_raster(info: RasterInfo, grid: Grid | None = None, resampling: Resampling = "nearest") -> Iterator[Reader]:
    """Open a described raster; with `grid`, as a view of it warped onto that grid (outside it, nothing is valid).

    Class codes are to be read by "nearest": it never blends two of them.
    """
    seen, view = info, None
    if grid is not None and grid != info.grid:
        seen = replace(info, grid=grid, width=grid.width, height=grid.height)
        view = partial(warped, info=info, grid=grid, resampling=resampling)
    with door.dataset(info.path) as dataset:
        handle = Handle(info.path, view, [dataset] if view is None else [dataset, view(dataset)])
        try:
            yield Reader(seen, handle, alpha_index(dataset) if view is None else handle.dataset.count)
        finally:
            handle.close()


def warped(dataset: Any, info: RasterInfo, grid: Grid, resampling: Resampling) -> Any:
    """A view of an open raster on another grid, with an alpha band at its end that says what is valid."""
    from rasterio.enums import Resampling as RasterioResampling
    from rasterio.vrt import WarpedVRT

    # GDAL would take the widths of its kernels from the window at hand: the same pixel differed from read to read
    scales = [own / wanted for own, wanted in zip(info.place.gsd_m, grid.gsd_m, strict=True)]
    return WarpedVRT(
        dataset,
        src_crs=info.place.crs,
        crs=grid.crs,
        transform=grid.transform,
        width=grid.width,
        height=grid.height,
        resampling=RasterioResampling[resampling],
        add_alpha="alpha" not in {color.name for color in dataset.colorinterp},
        tolerance=0.01,  # pixels; GDAL's default of .125 is most of the error of label shares
        UNIFIED_SRC_NODATA="YES",
        XSCALE=scales[0],
        YSCALE=scales[1],
        NUM_THREADS="ALL_CPUS",
    )


def align(info: RasterInfo, gsd_m: float) -> Grid:
    """A grid over the raster with square pixels of `gsd_m` metres: in its own CRS, or in UTM where that is degrees.

    Metres are geodesic: in a CRS that stretches (web Mercator), CRS units are stretched as much.
    """
    from rasterio.warp import transform_bounds

    from geolabel import geodesy

    place = info.place
    west, south, east, north = place.bounds
    crs, stretch = place.crs, abs(place.transform.a) / place.gsd_m[0]
    if geodesy.is_geographic(place.crs):
        crs, stretch = geodesy.utm_crs(place.crs, (west + east) / 2, (south + north) / 2), 1.0
        west, south, east, north = transform_bounds(place.crs, crs, west, south, east, north)
    step = gsd_m * stretch
    # a pixel that is begun is part of it, so that nothing is cut off; a hundredth of one is rounding
    width, height = (max(1, math.ceil(side / step - 0.01)) for side in (east - west, north - south))
    return Grid(crs, type(place.transform)(step, 0.0, west, 0.0, -step, north), width, height)


def alpha_index(dataset: Any) -> int | None:
    """Which band, from 1, says what is valid; None where none does."""
    for index, color in zip(dataset.indexes, dataset.colorinterp, strict=True):
        if color.name == "alpha":
            return int(index)
    return None


def read_seen(dataset: Any, bands: Sequence[Band], **how: Any) -> NDArray[np.bool_]:
    """Which pixels of an open raster are valid in any of its `bands`: (height, width), as `Reader` tells it.

    `how` is what rasterio's `read` takes: a window, and out_shape (height, width). Where it has alpha, that holds:
    GDAL would let a nodata value shadow it.
    """
    alpha = alpha_index(dataset)
    if alpha is not None:
        return np.asarray(dataset.read(alpha, **how) > 0)
    valid = np.asarray(dataset.read_masks(bands[0].index, **how) > 0)
    for band in bands[1:]:  # most often the first band says it all
        if valid.all():
            break
        valid |= dataset.read_masks(band.index, **how) > 0
    return valid


def finite(pixels: NDArray[Any]) -> NDArray[np.bool_] | np.bool_:
    """Which pixels (bands, height, width) are numbers in all bands: (height, width)."""
    if pixels.dtype.kind != "f":
        return np.bool_(True)
    return np.asarray(np.isfinite(pixels).all(axis=0))


def mirror(pixels: NDArray[Any], height: int, width: int) -> NDArray[Any]:
    """Pixels (bands, h, w) mirrored at the lower and right edge up to (bands, height, width)."""
    more = ((0, 0), (0, height - pixels.shape[1]), (0, width - pixels.shape[2]))
    return np.pad(pixels, more, mode="symmetric") if any(after for _, after in more) else pixels
