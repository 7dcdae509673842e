"""Where tiles lie on a raster: windows in pixels, as arrays."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.errors import OptionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.grid import Grid


_LARGEST_PX = np.iinfo(np.int32).max
MOST_TILES = 1 << 22
"""In one raster: some gigabytes of windows and outlines. All of Amazonia has less at 10 m and 256 px."""


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


def count_windows(width: int, height: int, size_px: int, stride_px: int) -> int:
    """How many tiles `grid_windows` gives for all of a raster."""
    return _count(width, size_px, stride_px) * _count(height, size_px, stride_px)


def grid_windows(
    width: int, height: int, size_px: int, stride_px: int, within: tuple[float, float, float, float] | None = None
) -> TileWindows:
    """Every tile of a regular grid over `width` × `height` px, row by row.

    Tiles at the right and lower edge end with the raster and are narrower; with `stride_px` = `size_px` the tiles
    are a partition of the raster. A tile that would lie wholly inside its overlap with the one before is left out.
    `within` (left, top, right, bottom), pixels, keeps those that touch that box. Raises OptionError, also where they
    would be too many to be listed.
    """
    if size_px < 1 or stride_px < 1:
        raise OptionError(f"--size and --stride must be at least 1 px, got {size_px} and {stride_px}")
    if size_px > _LARGEST_PX:
        raise OptionError(f"--size {size_px}: no raster is that wide; {_LARGEST_PX:,} px are the most")
    if stride_px > size_px:
        raise OptionError(f"--stride {stride_px} is larger than --size {size_px}: pixels between tiles would be lost")
    left, top, right, bottom = within or (0, 0, width, height)
    across = _touched(_count(width, size_px, stride_px), size_px, stride_px, left, right)
    down = _touched(_count(height, size_px, stride_px), size_px, stride_px, top, bottom)
    if len(across) * len(down) > MOST_TILES:
        raise OptionError(
            f"{len(across) * len(down):,} tiles of {size_px} px are more than one index holds ({MOST_TILES:,}); "
            "give a larger --size, or name a part of the raster with --aoi"
        )
    cols, rows = ((np.arange(some.start, some.stop) * stride_px).astype(np.int32) for some in (across, down))
    row_off, col_off = (axis.ravel() for axis in np.meshgrid(rows, cols, indexing="ij"))
    return TileWindows(
        col_off,
        row_off,
        np.minimum(size_px, width - col_off).astype(np.int32),
        np.minimum(size_px, height - row_off).astype(np.int32),
    )


def _count(length: int, size_px: int, stride_px: int) -> int:
    return 1 + max(0, -(-(length - size_px) // stride_px))


def _touched(count: int, size_px: int, stride_px: int, low: float, high: float) -> range:
    """Which tiles of an axis touch the pixels from `low` to `high`."""
    first = max(0, math.floor((low - size_px) / stride_px))
    return range(min(first, count), max(min(first, count), min(count, math.floor(high / stride_px) + 1)))


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
