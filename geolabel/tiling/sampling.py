"""Where tiles lie on a raster: windows in pixels, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.errors import OptionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.grid import Grid


@dataclass(frozen=True, slots=True)
class TileWindows:
    """Windows of n tiles: four (n,) int32 arrays, pixels."""

    col_off: NDArray[np.int32]
    row_off: NDArray[np.int32]
    width: NDArray[np.int32]
    height: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.col_off)

    def keep(self, mask: NDArray[np.bool_]) -> TileWindows:
        """The windows for which `mask` (n,) is true."""
        return TileWindows(self.col_off[mask], self.row_off[mask], self.width[mask], self.height[mask])


def grid_windows(width: int, height: int, size_px: int, stride_px: int) -> TileWindows:
    """Every tile of a regular grid over `width` × `height` px, row by row.

    Tiles at the right and lower edge end with the raster and are narrower; with `stride_px` = `size_px` the tiles
    are a partition of the raster. A tile that would lie wholly inside its overlap with the one before is left out.
    """
    if size_px < 1 or stride_px < 1:
        raise OptionError(f"--size and --stride must be at least 1 px, got {size_px} and {stride_px}")
    if stride_px > size_px:
        raise OptionError(f"--stride {stride_px} is larger than --size {size_px}: pixels between tiles would be lost")
    cols, rows = _starts(width, size_px, stride_px), _starts(height, size_px, stride_px)
    row_off, col_off = (axis.ravel() for axis in np.meshgrid(rows, cols, indexing="ij"))
    return TileWindows(
        col_off,
        row_off,
        np.minimum(size_px, width - col_off).astype(np.int32),
        np.minimum(size_px, height - row_off).astype(np.int32),
    )


def _starts(length: int, size_px: int, stride_px: int) -> NDArray[np.int32]:
    count = 1 + max(0, -(-(length - size_px) // stride_px))
    return np.arange(count, dtype=np.int32) * np.int32(stride_px)


def valid_share(windows: TileWindows, coarse: NDArray[np.bool_] | None, width: int, height: int) -> NDArray[np.float32]:
    """Share of valid pixels in each window: (n,), 0–1, from a coarse validity map of a `width` × `height` raster."""
    if coarse is None:
        return np.ones(len(windows), dtype=np.float32)
    rows, cols = coarse.shape
    sums = np.zeros((rows + 1, cols + 1), dtype=np.int32)
    np.cumsum(coarse, axis=0, dtype=np.int32, out=sums[1:, 1:])
    np.cumsum(sums[1:, 1:], axis=1, out=sums[1:, 1:])
    left, right = _edges(windows.col_off, windows.width, cols / width, cols)
    top, bottom = _edges(windows.row_off, windows.height, rows / height, rows)
    inside = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    return np.asarray(inside / ((bottom - top) * (right - left)), dtype=np.float32)


def _edges(start: NDArray[Any], length: NDArray[Any], scale: float, limit: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """First and last coarse cell of each window: at least one."""
    low = np.minimum(np.rint(start * scale).astype(np.int64), limit - 1)
    return low, np.clip(np.rint((start + length) * scale).astype(np.int64), low + 1, limit)


def inside_area(windows: TileWindows, grid: Grid, area: NDArray[Any]) -> NDArray[np.bool_]:
    """Which tiles touch an area of interest: (n,). `area` holds polygons (m,) in the grid's CRS."""
    import shapely

    boxes = grid.boxes(windows.col_off, windows.row_off, windows.width, windows.height)
    touched = shapely.STRtree(boxes).query(area, predicate="intersects")[1]
    mask = np.zeros(len(windows), dtype=bool)
    mask[touched] = True
    return mask
