"""How much of any window is valid, in four look-ups: summed areas of a coarse validity map."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import raster

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SAMPLES_PER_TILE = 16
"""Validity is looked at in about 16 × 16 places a tile, as for a grid of tiles."""
_MOST_CELLS = 1 << 24
"""The sums of more would fill memory: of larger rasters the map is coarser."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Summed valid cells of a raster's validity map."""

    sums: NDArray[np.int32]
    """(rows + 1, cols + 1): valid cells above and to the left."""
    cells_per_col: float
    """Cells of the map per pixel, along a row of the raster."""
    cells_per_row: float
    """Cells of the map per pixel, along a column."""

    @staticmethod
    def of(info: raster.RasterInfo, size_px: int) -> Coverage | None:
        """Look at a raster for tiles of `size_px`; None where all of it is valid. Raises InputError (truncated)."""
        coarsest = math.ceil(math.sqrt(info.width * info.height / _MOST_CELLS))
        valid = raster.valid_overview(info, max(1, size_px // _SAMPLES_PER_TILE, coarsest))
        return None if valid is None else Coverage.from_map(valid, info.width, info.height)

    @staticmethod
    def from_map(valid: NDArray[np.bool_], width: int, height: int) -> Coverage:
        """Sums of a validity map (rows, cols) that lies over a raster of `width` × `height` px."""
        rows, cols = valid.shape
        sums = np.zeros((rows + 1, cols + 1), np.int32)
        np.cumsum(valid, axis=0, dtype=np.int32, out=sums[1:, 1:])
        np.cumsum(sums[1:, 1:], axis=1, out=sums[1:, 1:])
        return Coverage(sums, cols / width, rows / height)

    def share(
        self, left: NDArray[Any], top: NDArray[Any], right: NDArray[Any], bottom: NDArray[Any]
    ) -> NDArray[np.float64]:
        """Valid share of n boxes that lie on the raster, edges in pixels: (n,), 0–1. Cells cut count by their part."""
        x0, x1 = left * self.cells_per_col, right * self.cells_per_col
        y0, y1 = top * self.cells_per_row, bottom * self.cells_per_row
        inside = self._sum(x1, y1) - self._sum(x0, y1) - self._sum(x1, y0) + self._sum(x0, y0)
        return np.asarray(inside / ((x1 - x0) * (y1 - y0)))

    def _sum(self, x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.float64]:
        """Valid area, in cells, above and to the left of points: within a cell it grows with both parts of it."""
        rows, cols = self.sums.shape
        col, row = (np.clip(at.astype(np.int64), 0, end - 2) for at, end in ((x, cols), (y, rows)))
        across, down = x - col, y - row
        upper = self.sums[row, col] * (1 - across) + self.sums[row, col + 1] * across
        lower = self.sums[row + 1, col] * (1 - across) + self.sums[row + 1, col + 1] * across
        return np.asarray(upper * (1 - down) + lower * down)
