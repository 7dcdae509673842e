"""Pictures of a raster on any grid: through its overviews where pixels become coarser, between its pixels where finer.

For the eye only: what is measured is read by `open_raster`.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import geodesy
from geolabel.grid import Grid, Window
from geolabel.raster import door
from geolabel.raster.read import read_seen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from geolabel.raster.describe import RasterInfo

_MARGIN_PX = 2
"""Read around what is asked for, in pixels as they are read: what lies between the outermost needs neighbours."""


@dataclass(frozen=True, slots=True)
class ReducedReader:
    """An open raster that is looked at on other grids."""

    info: RasterInfo
    _dataset: Any

    def read(self, grid: Grid) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Stored values (bands, height, width) on `grid`, and which are valid (height, width).

        Averages where a pixel of `grid` holds several, bilinear where it is a part of one. Memory: about that of the
        answer, whatever the raster's size. Raises InputError where the file is truncated.
        """
        from rasterio.enums import Resampling
        from rasterio.errors import RasterioError
        from rasterio.warp import reproject

        pixels = np.full((len(self.info.bands), grid.height, grid.width), np.nan, dtype=np.float32)
        source = self._source(grid)
        if source is not None:
            values, from_grid = self._read(*source)
            try:
                with door.environment():
                    reproject(
                        values,
                        pixels,
                        src_transform=from_grid.transform,
                        src_crs=from_grid.crs,
                        src_nodata=np.nan,
                        dst_transform=grid.transform,
                        dst_crs=grid.crs,
                        dst_nodata=np.nan,
                        resampling=Resampling.bilinear,
                    )
            except RasterioError:  # a place that the raster's CRS does not know: nothing is seen there
                pixels.fill(np.nan)
        valid = np.asarray(np.isfinite(pixels).all(axis=0))
        return np.where(valid, pixels, np.float32(0)), valid

    def _source(self, grid: Grid) -> tuple[Window, float] | None:
        """The pixels below a grid, and how many of them, along an axis, are below one of its; None where none are."""
        place = self.info.place
        bounds = geodesy.project_bounds(grid.bounds, grid.crs, place.crs)
        if bounds is None:
            return None
        west, south, east, north = bounds
        cols, rows = place.col_row(np.array([west, east]), np.array([south, north]))
        factor = max(1.0, min(float(np.ptp(cols)) / grid.width, float(np.ptp(rows)) / grid.height))
        margin = _MARGIN_PX * factor
        left, right = max(0, math.floor(cols.min() - margin)), min(place.width, math.ceil(cols.max() + margin))
        top, bottom = max(0, math.floor(rows.min() - margin)), min(place.height, math.ceil(rows.max() + margin))
        if left >= right or top >= bottom:
            return None
        return Window(left, top, right - left, bottom - top), factor

    def _read(self, window: Window, factor: float) -> tuple[NDArray[np.float32], Grid]:
        """Values (bands, h, w) of a window, `factor` times coarser, NaN where not valid; and their grid."""
        from rasterio.enums import Resampling
        from rasterio.windows import Window as RasterioWindow

        indexes = [band.index for band in self.info.bands]
        area = RasterioWindow(window.col_off, window.row_off, window.width, window.height)
        height, width = math.ceil(window.height / factor), math.ceil(window.width / factor)
        shape = (len(indexes), height, width)
        how = Resampling.average if factor > 1 else Resampling.nearest
        with door.reading(self.info.path, f"rows {window.row_off}–{window.row_off + window.height}"):
            values = self._dataset.read(indexes, window=area, out_shape=shape, resampling=how).astype(np.float32)
            if self.info.mask != "none":
                seen = read_seen(self._dataset, self.info.bands, window=area, out_shape=shape[1:])
                values[:, ~seen] = np.nan
        part = self.info.place.part(window)
        coarser = type(part.transform).scale(window.width / width, window.height / height)
        return values, Grid(part.crs, part.transform @ coarser, width, height)


@contextmanager
def open_reduced(info: RasterInfo) -> Iterator[ReducedReader]:
    """Open a described raster to be looked at. Raises InputError (no raster), CRSError (no place)."""
    _ = info.place
    with door.dataset(info.path) as dataset:
        yield ReducedReader(info, dataset)
