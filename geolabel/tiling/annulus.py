"""Windows whose centre lies in a ring around another's, uniform over all whole pixels of that ring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HALF_DIAGONAL = 0.7072
"""Of a pixel, rounded up: a ring wider by it holds the whole pixel around each whole position of the ring."""


def draw_in_rings(
    col: NDArray[np.int64],
    row: NDArray[np.int64],
    last_col: NDArray[np.int64],
    last_row: NDArray[np.int64],
    low_px: float,
    high_px: float,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """One try for each of n corners: another corner, and whether it lies `low_px` … `high_px` away and on the raster.

    Corners of a raster are 0 … `last_col`, 0 … `last_row` (n,). Those that lie there are uniform over all such
    positions. Windows of one size: their corners lie as far apart as their centres. A try is drawn from the ring, or
    from the part of the box around it that lies on the raster, whichever is smaller: for either it is uniform.
    """
    u, v = rng.random((2, len(col)))
    reach = int(high_px)
    left, top = np.maximum(col - reach, 0), np.maximum(row - reach, 0)
    wide = np.minimum(col + reach, last_col) - left + 1
    high = np.minimum(row + reach, last_row) - top + 1
    inner, outer = max(0.0, low_px - _HALF_DIAGONAL) ** 2, (high_px + _HALF_DIAGONAL) ** 2
    radius, angle = np.sqrt(inner + u * (outer - inner)), 2 * np.pi * v
    boxed = wide * high <= np.pi * (outer - inner)
    col_drawn = _choose(boxed, left + u * wide, np.rint(col + radius * np.cos(angle)))
    row_drawn = _choose(boxed, top + v * high, np.rint(row + radius * np.sin(angle)))
    squared = (col_drawn - col) ** 2 + (row_drawn - row) ** 2
    there = (squared >= low_px**2) & (squared <= high_px**2)
    there &= (col_drawn >= 0) & (col_drawn <= last_col) & (row_drawn >= 0) & (row_drawn <= last_row)
    return col_drawn, row_drawn, there


def _choose(boxed: NDArray[np.bool_], box: NDArray[Any], ring: NDArray[Any]) -> NDArray[np.int64]:
    return np.asarray(np.floor(np.where(boxed, box, ring)).astype(np.int64))
