"""Where tiles may begin on one raster: a test of corners, and cells that hold all corners that pass it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geolabel import vector
from geolabel.tiling.coverage import Coverage

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.raster import RasterInfo
    from geolabel.tiling.barred import Barred

_CELLS = 1 << 18
"""About so many cells are looked at on a raster: on small ones each is a single corner."""
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Field:
    """What restricts tiles on one raster; None is no restriction."""

    info: RasterInfo
    size: int
    """Tile side, pixels."""
    min_valid: float
    coverage: Coverage | None
    area: Any
    """Tiles touch it: a prepared geometry in the raster's CRS."""
    barred: tuple[Barred, ...] = ()
    """Tiles keep away from these blocks of the raster: one set for each time that the ground was split."""
    keep_out: tuple[Any, ...] = ()
    """Tiles do not touch these: prepared geometries in the raster's CRS."""

    @staticmethod
    def of(info: RasterInfo, size: int, min_valid: float, aoi: Path | None) -> Field:
        """Look at a raster's validity and at the area of interest. Raises InputError, CRSError."""
        area = None
        if aoi is not None:
            area = shapely.union_all(vector.read_area(aoi, info.place))
            shapely.prepare(area)
        fits = min(info.width, info.height) >= size and not (area is not None and area.is_empty)
        return Field(info, size, min_valid, Coverage.of(info, size) if min_valid > 0 and fits else None, area)

    @property
    def last(self) -> tuple[int, int]:
        """The last column and row at which a tile can begin: negative where the raster is smaller than a tile."""
        return self.info.width - self.size, self.info.height - self.size

    @property
    def free(self) -> bool:
        """Whether every tile on the raster is allowed."""
        return self.coverage is None and self.area is None and not self.barred and not self.keep_out

    def allows(self, col: NDArray[np.int64], row: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which tiles may lie at n corners on the raster: (n,)."""
        allowed = np.ones(len(col), dtype=bool)
        right, bottom = col + self.size, row + self.size
        if self.coverage is not None:
            allowed &= self.coverage.share(col, row, right, bottom) >= self.min_valid - _ROUNDING
        for barred in self.barred:
            allowed &= ~barred.touches(col, row, right, bottom)
        for geometry, wanted in ((self.area, True), *((geometry, False) for geometry in self.keep_out)):
            if geometry is not None:
                left = np.flatnonzero(allowed)
                allowed[left] = self._touches(geometry, col[left], row[left], self.size, self.size) == wanted
        return allowed

    def valid_share(self, col: NDArray[np.int64], row: NDArray[np.int64]) -> NDArray[np.float32]:
        """Valid share of tiles at n corners: (n,), 0–1; NaN where nobody looked (a least share of 0)."""
        if self.coverage is not None:
            return self.coverage.share(col, row, col + self.size, row + self.size).astype(np.float32)
        return np.full(len(col), 1.0 if self.min_valid > 0 else np.nan, np.float32)

    def cells(self) -> NDArray[np.int64]:
        """Rectangles of corners (n, 4), as column, row, width and height, that hold all allowed ones, and few others.

        They do not overlap.
        """
        first_col, first_row, end_col, end_row = self._extent()
        width, height = end_col - first_col, end_row - first_row
        if width <= 0 or height <= 0:
            return np.zeros((0, 4), np.int64)
        if self.free:
            return np.array([[first_col, first_row, width, height]], np.int64)
        side = max(1, math.ceil(math.sqrt(width * height / _CELLS)))
        rows, cols = np.meshgrid(
            np.arange(first_row, end_row, side), np.arange(first_col, end_col, side), indexing="ij"
        )
        col, row = cols.ravel(), rows.ravel()
        wide, high = np.minimum(side, end_col - col), np.minimum(side, end_row - row)
        kept = self._may_allow(col, row, wide, high)
        return np.column_stack([col, row, wide, high])[kept].astype(np.int64)

    def _extent(self) -> tuple[int, int, int, int]:
        """First and end column and row of the corners whose tiles lie on the raster and reach into the area's box."""
        last_col, last_row = self.last
        if self.area is None:
            return 0, 0, last_col + 1, last_row + 1
        if self.area.is_empty:
            return 0, 0, 0, 0
        west, south, east, north = self.area.bounds
        cols, rows = self.info.place.col_row(np.array([west, east]), np.array([south, north]))
        low_col, low_row = (max(0, math.floor(at.min()) - self.size) for at in (cols, rows))
        return low_col, low_row, min(last_col, math.ceil(cols.max())) + 1, min(last_row, math.ceil(rows.max())) + 1

    def _may_allow(
        self, col: NDArray[np.int64], row: NDArray[np.int64], wide: NDArray[np.int64], high: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Which cells may hold an allowed corner: judged by all that their tiles cover, and by what all of them do."""
        kept = np.ones(len(col), dtype=bool)
        right, bottom = col + wide - 1 + self.size, row + high - 1 + self.size
        if self.coverage is not None:
            covered = self.coverage.share(col, row, right, bottom) * ((right - col) * (bottom - row))
            kept &= covered >= (self.min_valid - _ROUNDING) * self.size**2
        for barred in self.barred:
            kept &= ~barred.touches(col + wide - 1, row + high - 1, col + self.size, row + self.size)
        if self.area is not None:
            left = np.flatnonzero(kept)
            kept[left] = self._touches(self.area, col[left], row[left], (right - col)[left], (bottom - row)[left])
        return kept

    def _touches(
        self, geometry: Any, col: NDArray[Any], row: NDArray[Any], width: Any, height: Any
    ) -> NDArray[np.bool_]:
        return np.asarray(shapely.intersects(geometry, self.info.place.boxes(col, row, width, height)))
