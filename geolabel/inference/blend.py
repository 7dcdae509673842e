"""Blending: a pixel's probability is the mean of its tiles', each weighted by how near its centre the pixel lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.grid import Window
    from geolabel.inference.plan import Plan


def ramp(size: int) -> NDArray[np.float32]:
    """Weight along one axis of a tile: (size,), from 1 / size at its edges up to 1 at its centre."""
    position = np.arange(size, dtype=np.float32) + 0.5
    return np.asarray(np.minimum(position, size - position) * np.float32(2 / size), dtype=np.float32)


def touching(starts: NDArray[np.int64], size: int, first: int, end: int) -> slice:
    """Which of the tiles of `size` px with rising starts have a pixel in [first, end)."""
    return slice(
        int(np.searchsorted(starts, first - size, side="right")), int(np.searchsorted(starts, end, side="left"))
    )


def blend(
    plan: Plan, window: Window, probabilities: NDArray[np.float32], shares: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Probabilities (classes, height, width) of the pixels of a window; 0 where no tile answered.

    `probabilities` (rows, cols, classes) and `shares` (rows, cols), the valid part of each tile, 0 where it was not
    predicted, are those of the tiles that touch the window. A tile's weight is a product of one along each axis, so
    that sums over tiles are two products of matrices, whatever the window: no row of the region waits for another.
    """
    down = _weights(plan.rows, plan.tile_height, window.row_off, window.height)
    across = _weights(plan.cols, plan.tile_width, window.col_off, window.width)
    scale = 1 / np.maximum(down @ (shares @ across.T), np.finfo(np.float32).tiny)
    found = np.empty((probabilities.shape[2], window.height, window.width), np.float32)
    for plane, part in zip(found, np.moveaxis(probabilities, 2, 0), strict=True):
        np.matmul(down, (part * shares) @ across.T, out=plane)
        np.multiply(plane, scale, out=plane)
    return found


def _weights(starts: NDArray[np.int64], size: int, first: int, count: int) -> NDArray[np.float32]:
    """Weight of each touching tile at each of `count` pixels along an axis: (count, tiles)."""
    near = starts[touching(starts, size, first, first + count)]
    place = np.arange(first, first + count)[:, None] - near
    inside = (place >= 0) & (place < size)
    return np.where(inside, ramp(size)[np.where(inside, place, 0)], np.float32(0))
