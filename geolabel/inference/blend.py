"""Blending: a pixel's probability is the mean of its tiles', each weighted by how near its centre the pixel lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from geolabel.inference.plan import Plan


def ramp(size: int) -> NDArray[np.float32]:
    """Weight along one axis of a tile: (size,), from 1 / size at its edges up to 1 at its centre."""
    position = np.arange(size, dtype=np.float32) + 0.5
    return np.asarray(np.minimum(position, size - position) * np.float32(2 / size), dtype=np.float32)


class Blender:
    """Adds rows of tiles from the top down, and gives back the rows that no later tile touches.

    Memory is one tile's height of the region's width, whatever the region's height.
    """

    def __init__(self, plan: Plan, classes: int) -> None:
        self._plan = plan
        width = max(plan.width, plan.tile_width)
        count = len(plan.cols)
        columns = (plan.cols[:, None] + np.arange(plan.tile_width)).ravel()
        ends = np.arange(count + 1) * plan.tile_width
        weights = np.tile(ramp(plan.tile_width), count)
        self._across = csr_array((weights, columns, ends), shape=(count, width))
        self._down = ramp(plan.tile_height)[:, None]
        self._top = 0
        self._sum = np.zeros((classes + 1, plan.tile_height, width), dtype=np.float32)

    def add(self, row: int, probabilities: NDArray[np.float32], weights: NDArray[np.float32]) -> None:
        """Add one row of tiles that begins at `row`: probabilities (tiles, classes), weights (tiles,) from 0 to 1."""
        assert row == self._top, "rows of tiles are added in order, each after the rows above it were taken"
        weighted = np.concatenate([probabilities * weights[:, None], weights[:, None]], axis=1)
        across = np.asarray(self._across.T @ weighted, dtype=np.float32).T
        for total, row_of_tiles in zip(self._sum, across, strict=True):  # class by class: no second copy of all
            np.add(total, self._down * row_of_tiles, out=total)

    def take(self, until: int, pack: Callable[[NDArray[np.float32]], NDArray[Any]]) -> NDArray[Any]:
        """Finished probabilities (classes, rows, width) of the rows down to `until`, packed; they leave the memory."""
        count, width = until - self._top, self._plan.width
        weight = np.maximum(self._sum[-1, :count, :width], np.finfo(np.float32).tiny)
        done = np.stack([pack(total[:count, :width] / weight) for total in self._sum[:-1]])
        open_rows = self._sum.shape[1] - count
        for total in self._sum:
            total[:open_rows] = total[count:].copy()
            total[open_rows:] = 0
        self._top = until
        return done
