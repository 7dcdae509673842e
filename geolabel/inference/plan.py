"""Where the tiles of a region lie: every pixel is covered, and no tile reaches beyond the raster if it can help it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geolabel.errors import OptionError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Plan:
    """Tiles of one region, as starts along each axis."""

    width: int
    """Of the region, pixels."""
    height: int
    tile_width: int
    tile_height: int
    stride: int
    """Step between tiles, pixels; the last of each axis may follow sooner."""
    cols: NDArray[np.int64]
    """First column of each column of tiles, rising."""
    rows: NDArray[np.int64]
    """First row of each row of tiles, rising."""

    @property
    def tiles(self) -> int:
        """Number of tiles."""
        return len(self.cols) * len(self.rows)


def make_plan(width: int, height: int, tile_px: tuple[int, int], stride: int | None) -> Plan:
    """Tiles (width, height) every `stride` px; half a tile where None, so that neighbours are blended.

    The last column and row are moved inward to end with the raster. Raises OptionError.
    """
    step = stride if stride is not None else max(1, min(tile_px) // 2)
    if not 1 <= step <= min(tile_px):
        raise OptionError(f"--stride must lie in 1–{min(tile_px)} px, the model's tile, got {step}")
    return Plan(width, height, *tile_px, step, _starts(width, tile_px[0], step), _starts(height, tile_px[1], step))


def _starts(length: int, size: int, step: int) -> NDArray[np.int64]:
    if length <= size:
        return np.zeros(1, dtype=np.int64)
    return np.unique(np.append(np.arange(0, length - size, step), length - size))
