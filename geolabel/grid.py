"""Pixel ↔ map arithmetic: a raster's lattice as one small immutable value."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from affine import Affine

from geolabel import geodesy
from geolabel.errors import CRSError, OptionError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of whole pixels."""

    col_off: int
    row_off: int
    width: int
    height: int

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise OptionError(f"a window needs at least one pixel, got {self.width} × {self.height}")


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the pixels of a north-up (or south-up) raster lie."""

    crs: str
    """WKT or authority code."""
    transform: Affine
    """(col, row) → (x, y) of a pixel's upper left corner, in CRS units."""
    width: int
    """Columns."""
    height: int
    """Rows."""

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise CRSError(f"a grid needs at least one pixel, got {self.width} × {self.height}")
        if not all(map(math.isfinite, self.transform)):
            raise CRSError("the transform is not of finite numbers; give the raster one: gdal_edit.py -a_ullr …")
        if self.transform.b or self.transform.d:
            raise CRSError("the transform is rotated; straighten it first: gdalwarp in.tif straight.tif")
        if not self.transform.a or not self.transform.e:
            raise CRSError("the pixels have no size; give the raster a transform: gdal_edit.py -a_ullr …")

    def xy(self, col: NDArray[np.float64], row: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Map coordinates of pixel corners; (0, 0) is the raster's corner."""
        return self.transform.c + col * self.transform.a, self.transform.f + row * self.transform.e

    def col_row(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Fractional pixel position of map coordinates: the inverse of `xy`."""
        return (x - self.transform.c) / self.transform.a, (y - self.transform.f) / self.transform.e

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(west, south, east, north), in CRS units."""
        x, y = self.xy(np.array([0.0, self.width]), np.array([0.0, self.height]))
        return float(x.min()), float(y.min()), float(x.max()), float(y.max())

    @property
    def gsd_m(self) -> tuple[float, float]:
        """Ground sample distance (x, y) at the centre, metres."""
        return geodesy.gsd_m(self.crs, self.transform, self.width, self.height)

    def part(self, window: Window) -> Grid:
        """The grid of a window of this grid."""
        shifted = self.transform @ Affine.translation(window.col_off, window.row_off)
        return Grid(self.crs, shifted, window.width, window.height)

    def boxes(
        self, col_off: NDArray[Any], row_off: NDArray[Any], width: NDArray[Any], height: NDArray[Any]
    ) -> NDArray[Any]:
        """Polygons (n,) of n windows, in the grid's CRS."""
        import shapely

        x0, y0 = self.xy(col_off.astype(float), row_off.astype(float))
        x1, y1 = self.xy((col_off + width).astype(float), (row_off + height).astype(float))
        return np.asarray(
            shapely.box(np.minimum(x0, x1), np.minimum(y0, y1), np.maximum(x0, x1), np.maximum(y0, y1)), dtype=object
        )
