"""Blending: a pixel's probability is the mean of its tiles', each weighted by how near its centre the pixel lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
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
        self._sum += self._down * across[:, None, :]

    def take(self, until: int) -> NDArray[np.float32]:
        """Finished probabilities (classes, rows, width) of the rows down to `until`, which leave the memory."""
        count = until - self._top
        total = self._sum[-1:, :count]
        done = self._sum[:-1, :count] / np.maximum(total, np.finfo(np.float32).tiny)
        open_rows = self._sum.shape[1] - count
        self._sum[:, :open_rows] = self._sum[:, count:].copy()
        self._sum[:, open_rows:] = 0
        self._top = until
        return np.ascontiguousarray(done[:, :, : self._plan.width])
